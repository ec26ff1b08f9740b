/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071), by the widest instructions that the machine has. */
#ifndef HAWSER_WIRE_CHECKSUM_H
#define HAWSER_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include <hawser/hawser.h>

/* A running one's-complement sum of 16-bit words in network order, not yet folded or
 * complemented. Sums of pieces may be added with checksum_add when every piece but the last has
 * an even length. It is 0 only when every byte was 0. */

/* Sum over n bytes, an odd last byte padded with zero (RFC9293 3.1-5). The result is folded to
 * 16 bits. */
uint32_t checksum_sum(const uint8_t *p, size_t n);

/* Copies n bytes from src to dst (no overlap) and returns checksum_sum of them, in one pass. */
uint32_t checksum_copy(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);

/* The plain versions, which the others must equal. */
uint32_t checksum_sum_plain(const uint8_t *p, size_t n);
uint32_t checksum_copy_plain(uint8_t *restrict dst, const uint8_t *restrict src, size_t n);

/* Which version this machine takes: "plain", "sse2", "avx2", ... */
const char *checksum_flavour(void);

static inline uint32_t checksum_add(uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;
    return sum + (sum < a);
}

static inline uint16_t checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The sum of a piece that starts at an odd offset of the whole. */
static inline uint32_t checksum_swap(uint32_t sum)
{
    uint32_t folded = checksum_fold(sum);
    return ((folded & 0xff) << 8) | (folded >> 8);
}

/* What goes into a header's checksum field, in host order (store with store_be16). */
static inline uint16_t checksum_finish(uint32_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

/* Pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 3.1, RFC 8200 8.1). Both addresses of one
 * family (IPv4 as mapped). */
uint32_t checksum_pseudo(const struct hawser_address *src, const struct hawser_address *dst,
                         uint8_t protocol, uint32_t length);

#endif
