/* SPDX-License-Identifier: MIT */
/* All chance of a simulation, from 64 bits: numbered streams that do not move one another. */
#ifndef HAWSER_SIM_RANDOM_H
#define HAWSER_SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* The finalizer of splitmix64: every bit of the input reaches every bit of the output. */
static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A stream of its own for each (seed, label). */
static inline struct random random_of(uint64_t seed, uint64_t label)
{
    return (struct random){random_mix(seed + random_mix(label + UINT64_C(0x9e3779b97f4a7c15)))};
}

static inline uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(random->state);
}

/* 0..below - 1; below 0 counts as 1. Not exactly even, by less than anybody will ever see. */
static inline uint64_t random_below(struct random *random, uint64_t below)
{
    return below <= 1 ? 0 : random_next(random) % below;
}

/* least..most */
static inline uint64_t random_from(struct random *random, uint64_t least, uint64_t most)
{
    return least + random_below(random, most - least + 1);
}

/* Small numbers as often as large ones: even in the logarithm. */
static inline uint64_t random_scaled(struct random *random, uint64_t least, uint64_t most)
{
    unsigned low = 63 - (unsigned)__builtin_clzll(least | 1);
    unsigned high = 63 - (unsigned)__builtin_clzll(most | 1);
    uint64_t top = UINT64_C(1) << random_from(random, low, high);
    uint64_t value = top + random_below(random, top);
    return value < least ? least : value > most ? most : value;
}

static inline bool random_percent(struct random *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}

static inline bool random_ppm(struct random *random, uint32_t ppm)
{
    return ppm != 0 && random_below(random, 1000000) < ppm;
}

#define RANDOM_PICK(random, array)                                                                 \
    ((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

#endif
