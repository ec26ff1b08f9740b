/* SPDX-License-Identifier: MIT */
/* Writing ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861 4.3 and 4.4). */
#include "wire/icmp.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp_types.h"
#include "wire/ip.h"

static void put_head(uint8_t *out, uint8_t type, uint8_t code, uint32_t info)
{
    out[0] = type;
    out[1] = code;
    store_be16(out + 2, 0);
    store_be32(out + 4, info);
}

/* sum is that of the message with its checksum field 0. */
static uint32_t finish(bool v6, const struct hawser_address *src, const struct hawser_address *dst,
                       uint32_t sum, uint8_t *out, uint32_t bytes)
{
    if (v6)
        sum = checksum_add(sum, checksum_pseudo(src, dst, IP_PROTO_ICMPV6, bytes));
    store_be16(out + 2, checksum_finish(sum));
    return bytes;
}

/* A head and what it carries; one pass over the body. */
static uint32_t put_with_body(bool v6, const struct hawser_address *src,
                              const struct hawser_address *dst, const uint8_t *body,
                              uint32_t body_len, uint8_t *out)
{
    uint32_t sum = checksum_sum(out, ICMP_HEADER_BYTES);

    sum = checksum_add(sum, checksum_copy(out + ICMP_HEADER_BYTES, body, body_len));
    return finish(v6, src, dst, sum, out, ICMP_HEADER_BYTES + body_len);
}

uint32_t icmp_emit_echo_reply(bool v6, const struct hawser_address *src,
                              const struct hawser_address *dst, const struct icmp *request,
                              uint8_t *out)
{
    put_head(out, v6 ? V6_ECHO_REPLY : V4_ECHO_REPLY, 0,
             ((uint32_t)request->echo_id << 16) | request->echo_seq);
    return put_with_body(v6, src, dst, request->body, request->body_len, out);
}

uint32_t icmp_emit_error(bool v6, const struct hawser_address *src,
                         const struct hawser_address *dst, uint8_t type, uint8_t code,
                         uint32_t info, const uint8_t *body, uint32_t body_len, uint8_t *out)
{
    put_head(out, type, code, info);
    return put_with_body(v6, src, dst, body, body_len, out);
}

static uint32_t put_neighbour(const struct hawser_address *src, const struct hawser_address *dst,
                              const struct hawser_address *target, uint8_t option,
                              const struct mac *own, uint8_t *out)
{
    uint32_t bytes = NEIGHBOUR_BYTES;

    memcpy(out + 8, target->bytes, 16);
    if (own != NULL) {
        out[bytes] = option;
        out[bytes + 1] = 1; /* units of 8 bytes */
        memcpy(out + bytes + 2, own->b, sizeof own->b);
        bytes += 8;
    }
    return finish(true, src, dst, checksum_sum(out, bytes), out, bytes);
}

uint32_t icmp_emit_solicitation(const struct hawser_address *src, const struct hawser_address *dst,
                                const struct hawser_address *target, const struct mac *own,
                                uint8_t *out)
{
    put_head(out, V6_NEIGHBOUR_SOLICITATION, 0, 0);
    return put_neighbour(src, dst, target, OPTION_SOURCE_LLADDR, own, out);
}

uint32_t icmp_emit_advertisement(const struct hawser_address *src, const struct hawser_address *dst,
                                 const struct hawser_address *target, const struct mac *own,
                                 bool solicited, bool override, uint8_t *out)
{
    uint32_t flags = (solicited ? NEIGHBOUR_SOLICITED : 0) | (override ? NEIGHBOUR_OVERRIDE : 0);

    put_head(out, V6_NEIGHBOUR_ADVERTISEMENT, 0, flags << 24);
    return put_neighbour(src, dst, target, OPTION_TARGET_LLADDR, own, out);
}
