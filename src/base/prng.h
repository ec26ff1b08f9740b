/* SPDX-License-Identifier: MIT */
/* A small deterministic generator for jitter and port choice; not for keys. */
#ifndef HAWSER_BASE_PRNG_H
#define HAWSER_BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t s[4];
};

void prng_init(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);

/* Even over [0, limit); limit >= 1. */
uint32_t prng_below(struct prng *p, uint32_t limit);

#endif
