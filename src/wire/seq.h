/* SPDX-License-Identifier: MIT */
/* Sequence numbers (RFC 9293 3.4): modulo 2^32, a type of their own so that `<` cannot be used
 * on them by mistake. Two numbers that are 2^31 or more apart have no order: callers compare
 * only what lies closer, or check the result against a window. */
#ifndef HAWSER_WIRE_SEQ_H
#define HAWSER_WIRE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t v;
} seq_t;

static inline seq_t seq_of(uint32_t v)
{
    return (seq_t){v};
}

static inline seq_t seq_add(seq_t a, uint32_t n)
{
    return (seq_t){a.v + n};
}

static inline seq_t seq_sub(seq_t a, uint32_t n)
{
    return (seq_t){a.v - n};
}

/* How far b lies behind a; callers know that a is not before b. */
static inline uint32_t seq_diff(seq_t a, seq_t b)
{
    return a.v - b.v;
}

static inline bool seq_eq(seq_t a, seq_t b)
{
    return a.v == b.v;
}

/* RFC9293 3.4-1: all comparisons are modulo 2^32. */
static inline bool seq_lt(seq_t a, seq_t b)
{
    return (int32_t)(a.v - b.v) < 0;
}

static inline bool seq_leq(seq_t a, seq_t b)
{
    return (int32_t)(a.v - b.v) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
    return seq_lt(b, a);
}

static inline bool seq_geq(seq_t a, seq_t b)
{
    return seq_leq(b, a);
}

/* left <= a < left + size */
static inline bool seq_in(seq_t a, seq_t left, uint32_t size)
{
    return a.v - left.v < size;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? b : a;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
    return seq_lt(a, b) ? a : b;
}

#endif
