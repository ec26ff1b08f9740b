/* SPDX-License-Identifier: MIT */
/* SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), with two rounds a word
 * and four at the end, or with one and three. */
#include "base/siphash.h"

enum rounds { ROUNDS_1_3, ROUNDS_2_4 };

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline struct sip sip_start(const struct siphash_key *key)
{
    /* The paper's constants: "somepseudorandomlygeneratedbytes". */
    return (struct sip){
        .v0 = key->k[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k[1] ^ UINT64_C(0x7465646279746573),
    };
}

static inline void sip_word(struct sip *s, uint64_t word, enum rounds rounds)
{
    s->v3 ^= word;
    sip_round(s);
    if (rounds == ROUNDS_2_4)
        sip_round(s);
    s->v0 ^= word;
}

/* The last word carries up to seven left-over bytes and, on top, the length modulo 256. */
static inline uint64_t sip_finish(struct sip *s, uint64_t rest, size_t len, enum rounds rounds)
{
    sip_word(s, rest | (uint64_t)(len & 0xff) << 56, rounds);
    s->v2 ^= 0xff;
    sip_round(s);
    sip_round(s);
    sip_round(s);
    if (rounds == ROUNDS_2_4)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t load_le64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
    const uint8_t *p = data;
    struct sip s = sip_start(key);
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, load_le64(p), ROUNDS_2_4);
    uint64_t rest = 0;
    for (size_t i = 0; i < left; i++)
        rest |= (uint64_t)p[i] << (8 * i);
    return sip_finish(&s, rest, len, ROUNDS_2_4);
}

static inline uint64_t of_words(const struct siphash_key *key, const uint64_t *words, size_t count,
                                enum rounds rounds)
{
    struct sip s = sip_start(key);
    for (size_t i = 0; i < count; i++)
        sip_word(&s, words[i], rounds);
    return sip_finish(&s, 0, count * 8, rounds);
}

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, size_t count)
{
    return of_words(key, words, count, ROUNDS_2_4);
}

uint64_t siphash13_words(const struct siphash_key *key, const uint64_t *words, size_t count)
{
    return of_words(key, words, count, ROUNDS_1_3);
}
