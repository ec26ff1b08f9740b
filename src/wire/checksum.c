/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071): plain, by 64-bit words, and the choice among all versions. */
#include "wire/checksum.h"

#include "base/bytes.h"
#include "base/hot.h"
#include "wire/checksum_impl.h"

/* Up to here words are done before vectors have added up their lanes (bench/wire_bench). */
#define SHORT_BYTES 64u

uint32_t checksum_sum_plain(const uint8_t *p, size_t n)
{
    uint64_t sum = 0;

    for (; n >= 2; n -= 2, p += 2)
        sum += load_be16(p);
    if (n > 0)
        sum += (uint32_t)p[0] << 8; /* RFC9293 3.1-5: padded with zero on the right */
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

uint32_t checksum_copy_plain(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i];
    return checksum_sum_plain(src, n);
}

CHECKSUM_INLINE uint32_t words_body(uint8_t *restrict dst, const uint8_t *restrict p, size_t n,
                                    bool copying)
{
    uint64_t even = 0, odd = 0; /* two chains of carries, so that one need not wait for the other */
    size_t at = 0;

    for (; n - at >= 16; at += 16) {
        uint64_t a = checksum_load64(p + at), b = checksum_load64(p + at + 8);
        if (copying) {
            memcpy(dst + at, &a, 8);
            memcpy(dst + at + 8, &b, 8);
        }
        even = checksum_add64(even, a);
        odd = checksum_add64(odd, b);
    }
    even = checksum_add64(even, odd);
    return checksum_finish64(
        checksum_words(copying ? dst + at : NULL, p + at, n - at, even, copying, at != 0));
}

uint32_t checksum_sum_words(const uint8_t *p, size_t n)
{
    return words_body(NULL, p, n, false);
}

uint32_t checksum_copy_words(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
    return words_body(dst, src, n, true);
}

static bool is_always_usable(void)
{
    return true;
}

#if CHECKSUM_X86
/* The compiler's start-up code has asked the processor once (and whether the system keeps the wide
 * registers); these are a load and a test. */
static bool has_sse2(void)
{
    return __builtin_cpu_supports("sse2");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}
#endif

const struct checksum_flavour *checksum_flavours(size_t *count)
{
    static const struct checksum_flavour flavours[] = {
        {"plain", checksum_sum_plain, checksum_copy_plain, is_always_usable},
        {"words", checksum_sum_words, checksum_copy_words, is_always_usable},
#if CHECKSUM_X86
        {"sse2", checksum_sum_sse2, checksum_copy_sse2, has_sse2},
        {"avx2", checksum_sum_avx2, checksum_copy_avx2, has_avx2},
        /* Copying with 512 bits measured slower than with 256: the stores are what it waits for. */
        {"avx512", checksum_sum_avx512, checksum_copy_avx2, has_avx512},
#endif
    };
    _Static_assert(sizeof flavours / sizeof *flavours <= CHECKSUM_FLAVOURS_MAX, "table size");
    *count = sizeof flavours / sizeof *flavours;
    return flavours;
}

const char *checksum_flavour(void)
{
    size_t count;
    const struct checksum_flavour *flavours = checksum_flavours(&count);

    while (!flavours[count - 1].is_usable())
        count--;
    return flavours[count - 1].name;
}

HOT uint32_t checksum_sum(const uint8_t *p, size_t n)
{
    if (n <= SHORT_BYTES)
        return words_body(NULL, p, n, false);
#if CHECKSUM_X86
    if (has_avx512())
        return checksum_sum_avx512(p, n);
    if (has_avx2())
        return checksum_sum_avx2(p, n);
    if (has_sse2())
        return checksum_sum_sse2(p, n);
#endif
    return checksum_sum_words(p, n);
}

HOT uint32_t checksum_copy(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
    if (n <= SHORT_BYTES)
        return words_body(dst, src, n, true);
#if CHECKSUM_X86
    if (has_avx2())
        return checksum_copy_avx2(dst, src, n);
    if (has_sse2())
        return checksum_copy_sse2(dst, src, n);
#endif
    return checksum_copy_words(dst, src, n);
}

HOT uint32_t checksum_pseudo(const struct hawser_address *src, const struct hawser_address *dst,
                             uint8_t protocol, uint32_t length)
{
    /* All 16 bytes for IPv4 too: the ffff of a mapped address is 0 in one's complement
     * arithmetic. */
    uint64_t a = checksum_add64(checksum_load64(src->bytes), checksum_load64(src->bytes + 8));
    uint64_t b = checksum_add64(checksum_load64(dst->bytes), checksum_load64(dst->bytes + 8));

    return checksum_finish64(checksum_add64(a, b)) + protocol + (length >> 16) + (length & 0xffff);
}
