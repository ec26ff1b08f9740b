/* SPDX-License-Identifier: MIT */
/* What the versions of the Internet checksum share, and the list of them for tests and benches. */
#ifndef HAWSER_WIRE_CHECKSUM_IMPL_H
#define HAWSER_WIRE_CHECKSUM_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHECKSUM_INLINE static inline __attribute__((always_inline))

struct checksum_flavour {
    const char *name;
    uint32_t (*sum)(const uint8_t *p, size_t n);
    uint32_t (*copy)(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);
    bool (*is_usable)(void); /* does this machine have the instructions? */
};

/* Slowest first. The last usable one is what checksum_sum and checksum_copy take for long
 * pieces. */
#define CHECKSUM_FLAVOURS_MAX 5u
const struct checksum_flavour *checksum_flavours(size_t *count);

uint32_t checksum_sum_words(const uint8_t *p, size_t n);
uint32_t checksum_copy_words(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);

#if defined(__x86_64__) || defined(__i386__)
#define CHECKSUM_X86 1
uint32_t checksum_sum_sse2(const uint8_t *p, size_t n);
uint32_t checksum_copy_sse2(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);
uint32_t checksum_sum_avx2(const uint8_t *p, size_t n);
uint32_t checksum_copy_avx2(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);
uint32_t checksum_sum_avx512(const uint8_t *p, size_t n);
#else
#define CHECKSUM_X86 0
#endif

/* One's complement addition does not care about byte order (RFC 1071 2 B): everything below adds
 * native words and puts the 16 bits of the result into network order once, at the end. */
CHECKSUM_INLINE uint64_t checksum_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* End-around carry. The sum of two numbers that are not both 0 is never 0, so that 0 keeps meaning
 * "all bytes were 0" in every version. */
CHECKSUM_INLINE uint64_t checksum_add64(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

CHECKSUM_INLINE uint32_t checksum_finish64(uint64_t sum)
{
    sum += (sum << 32) | (sum >> 32); /* the high half becomes high + low + the carry of the low */
    uint32_t half = (uint32_t)(sum >> 32);
    half += (half << 16) | (half >> 16);
    half >>= 16;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap16((uint16_t)half);
#else
    return half;
#endif
}

/* The n < 8 bytes at p, as the first bytes of a word of zeros; `copying`, they go to dst as
 * well. */
CHECKSUM_INLINE uint64_t checksum_short(uint8_t *restrict dst, const uint8_t *restrict p, size_t n,
                                        bool copying)
{
    uint8_t word[8] = {0};
    size_t at = 0;

    if (n & 4) {
        memcpy(word, p, 4);
        if (copying)
            memcpy(dst, p, 4);
        at = 4;
    }
    if (n & 2) {
        memcpy(word + at, p + at, 2);
        if (copying)
            memcpy(dst + at, p + at, 2);
        at += 2;
    }
    if (n & 1) {
        word[at] = p[at];
        if (copying)
            dst[at] = p[at];
    }
    return checksum_load64(word);
}

/* Adds n bytes word by word to sum; `copying`, they go to dst as well. `before` says that 8
 * bytes or more of the same piece lie before p: then a short end is read as one whole word that
 * begins in what was added already, and those bytes are shifted out. */
CHECKSUM_INLINE uint64_t checksum_words(uint8_t *restrict dst, const uint8_t *restrict p, size_t n,
                                        uint64_t sum, bool copying, bool before)
{
    for (; n >= 8; n -= 8) {
        uint64_t word = checksum_load64(p);
        sum = checksum_add64(sum, word);
        if (copying) {
            memcpy(dst, &word, 8);
            dst += 8;
        }
        p += 8;
        before = true;
    }
    if (n == 0)
        return sum;
    if (!before)
        return checksum_add64(sum, checksum_short(dst, p, n, copying));
    uint64_t word = checksum_load64(p + n - 8);
    if (copying)
        memcpy(dst + n - 8, &word, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return checksum_add64(sum, word >> (64 - 8 * n));
#else
    return checksum_add64(sum, word << (64 - 8 * n));
#endif
}

#endif
