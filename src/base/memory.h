/* SPDX-License-Identifier: MIT */
/* Accounting in front of the embedder's two-function memory interface: one limit for a whole host.
 * */
#ifndef HAWSER_BASE_MEMORY_H
#define HAWSER_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/config.h>

struct memory {
    struct hawser_memory source;
    uint64_t used_bytes;
    uint64_t limit_bytes;
    uint64_t refused_count; /* requests turned down by the limit or by the source */
};

void memory_init(struct memory *m, const struct hawser_memory *source, uint64_t limit_bytes);

/* Zeroed memory aligned to 64 bytes, or NULL when the limit or the source says no. */
void *memory_acquire(struct memory *m, size_t bytes);

/* `bytes` is what was asked for; p may be NULL. */
void memory_release(struct memory *m, void *p, size_t bytes);

#endif
