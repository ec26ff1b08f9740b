/* SPDX-License-Identifier: MIT */
/* xoshiro256** (Blackman and Vigna, 2018), its state filled by splitmix64. */
#include "base/prng.h"

#include "base/assert.h"

static uint64_t splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

void prng_init(struct prng *p, uint64_t seed)
{
    /* splitmix64 maps a counter one to one: four outputs in a row are never all zero, which is
     * the one state that must not be. */
    for (unsigned i = 0; i < 4; i++)
        p->s[i] = splitmix64(&seed);
}

uint64_t prng_next(struct prng *p)
{
    uint64_t *s = p->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotl(s[3], 45);
    return result;
}

uint32_t prng_below(struct prng *p, uint32_t limit)
{
    ASSERT(limit >= 1);
    /* A 32-bit number times limit, the high half taken (Lemire 2019). Low halves under 2^32 mod
     * limit belong to the values that would come once too often; they are drawn again, less than
     * every second time even at the worst limit. */
    uint64_t product = (prng_next(p) >> 32) * limit;
    if ((uint32_t)product < limit) {
        uint32_t surplus = (0 - limit) % limit;
        while ((uint32_t)product < surplus)
            product = (prng_next(p) >> 32) * limit;
    }
    return (uint32_t)(product >> 32);
}
