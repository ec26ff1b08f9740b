/* SPDX-License-Identifier: MIT */
/* A sorted list of disjoint, non-adjacent half-open ranges of 32-bit numbers that wrap: islands of
 * received or acknowledged data. */
#ifndef HAWSER_BASE_RANGES_H
#define HAWSER_BASE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffers.h"

#define RANGES_MAX 256u /* one buffer of 2 KiB; bounds the cost of every operation */

struct range {
    uint32_t left;  /* first number inside */
    uint32_t right; /* first number behind */
};

/* The numbers of one list span 2^31 at most: of two further apart, which is the lower? Any number
 * may be asked for; one that is 2^31 or more above the first left edge counts as below it.
 * All zero is an empty list, which holds no buffer. */
struct ranges {
    struct range *at; /* NULL while empty */
    uint16_t count;
};

/* Adds [left, right), joining what overlaps or touches. False when the list is full, no buffer can
 * be had, or the list would span more than 2^31: nothing changed. An empty range is added by doing
 * nothing. merged (may be NULL) gets the range that now holds it; added (may be NULL) how many
 * numbers were not in the list before. */
bool ranges_add(struct ranges *r, struct buffers *b, uint32_t left, uint32_t right,
                struct range *merged, uint32_t *added);

/* Removes everything below `limit`, cutting a range that straddles it. Gives the buffer back when
 * the list became empty. */
void ranges_drop_below(struct ranges *r, struct buffers *b, uint32_t limit);

/* Index of the first range whose right edge is above `n` (it may start above n); count when there
 * is none. O(log count). */
uint16_t ranges_find(const struct ranges *r, uint32_t n);

/* All of [left, right) is in the list; an empty range is where its left edge is. */
bool ranges_contains(const struct ranges *r, uint32_t left, uint32_t right);

/* How many numbers the list holds. O(count). */
uint32_t ranges_total(const struct ranges *r);

void ranges_free(struct ranges *r, struct buffers *b);

#endif
