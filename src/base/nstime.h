/* SPDX-License-Identifier: MIT */
/* Nanosecond arithmetic. Time is always an argument; UINT64_MAX means never. */
#ifndef HAWSER_BASE_NSTIME_H
#define HAWSER_BASE_NSTIME_H

#include <stdint.h>

#define NEVER UINT64_MAX
#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Saturates at NEVER, so that a deadline far away never becomes one in the past. */
static inline uint64_t ns_add(uint64_t at, uint64_t span)
{
    uint64_t sum = at + span;
    return sum < at ? NEVER : sum;
}

/* Time since `then`; 0 when a caller's clock stepped back. */
static inline uint64_t ns_since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static inline uint64_t ns_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
