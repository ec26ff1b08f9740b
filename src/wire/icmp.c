/* SPDX-License-Identifier: MIT */
/* Reading ICMP (RFC 792, RFC 1122 3.2.2), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861). */
#include "wire/icmp.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp_types.h"
#include "wire/ip.h"
#include "wire/ipv6_headers.h"

#define TRANSPORT_BYTES                                                                            \
    8u /* what an error quotes of the transport at least: ports and sequence number */

static enum icmp_kind kind_of_v4_unreachable(uint8_t code)
{
    static const uint8_t kinds[] = {
        [0] = ICMP_UNREACHABLE_NET,   [1] = ICMP_UNREACHABLE_HOST, [2] = ICMP_UNREACHABLE_PROTOCOL,
        [3] = ICMP_UNREACHABLE_PORT,  [4] = ICMP_PACKET_TOO_BIG,   [5] = ICMP_UNREACHABLE_NET,
        [6] = ICMP_UNREACHABLE_NET,   [7] = ICMP_UNREACHABLE_HOST, [8] = ICMP_UNREACHABLE_HOST,
        [9] = ICMP_PROHIBITED,        [10] = ICMP_PROHIBITED,      [11] = ICMP_UNREACHABLE_NET,
        [12] = ICMP_UNREACHABLE_HOST, [13] = ICMP_PROHIBITED,      [14] = ICMP_UNREACHABLE_HOST,
        [15] = ICMP_UNREACHABLE_HOST,
    };

    return code < sizeof kinds ? (enum icmp_kind)kinds[code] : ICMP_OTHER;
}

static enum icmp_kind kind_of_v4(uint8_t type, uint8_t code)
{
    switch (type) {
    case V4_ECHO_REPLY:
        return ICMP_ECHO_REPLY;
    case ICMPV4_UNREACHABLE:
        return kind_of_v4_unreachable(code);
    case V4_SOURCE_QUENCH:
        return ICMP_SOURCE_QUENCH;
    case V4_ECHO_REQUEST:
        return ICMP_ECHO_REQUEST;
    case ICMPV4_TIME_EXCEEDED:
        return ICMP_TIME_EXCEEDED;
    case ICMPV4_PARAMETER_PROBLEM:
        return ICMP_PARAMETER_PROBLEM;
    default: /* redirects too: routes are not learnt from strangers */
        return ICMP_OTHER;
    }
}

static enum icmp_kind kind_of_v6_unreachable(uint8_t code)
{
    static const uint8_t kinds[] = {
        [0] = ICMP_UNREACHABLE_NET,  [1] = ICMP_PROHIBITED,       [2] = ICMP_UNREACHABLE_HOST,
        [3] = ICMP_UNREACHABLE_HOST, [4] = ICMP_UNREACHABLE_PORT, [5] = ICMP_PROHIBITED,
        [6] = ICMP_PROHIBITED,
    };

    /* RFC 4443 2.4 (a): an error of an unknown code is still an error */
    return code < sizeof kinds ? (enum icmp_kind)kinds[code] : ICMP_UNREACHABLE_HOST;
}

static enum icmp_kind kind_of_v6(uint8_t type, uint8_t code)
{
    switch (type) {
    case ICMPV6_UNREACHABLE:
        return kind_of_v6_unreachable(code);
    case V6_PACKET_TOO_BIG:
        return ICMP_PACKET_TOO_BIG;
    case ICMPV6_TIME_EXCEEDED:
        return ICMP_TIME_EXCEEDED;
    case ICMPV6_PARAMETER_PROBLEM:
        return code == V6_UNRECOGNISED_NEXT_HEADER ? ICMP_UNREACHABLE_PROTOCOL
                                                   : ICMP_PARAMETER_PROBLEM;
    case V6_ECHO_REQUEST:
        return ICMP_ECHO_REQUEST;
    case V6_ECHO_REPLY:
        return ICMP_ECHO_REPLY;
    case V6_ROUTER_SOLICITATION:
        return ICMP_ROUTER_SOLICITATION;
    case V6_ROUTER_ADVERTISEMENT:
        return ICMP_ROUTER_ADVERTISEMENT;
    case V6_NEIGHBOUR_SOLICITATION:
        return ICMP_NEIGHBOUR_SOLICITATION;
    case V6_NEIGHBOUR_ADVERTISEMENT:
        return ICMP_NEIGHBOUR_ADVERTISEMENT;
    default:
        return ICMP_OTHER;
    }
}

/* RFC1122 05: only of TCP are these fields what they seem to be. `at` is where the transport
 * begins in the n bytes that are there. */
static void quote_transport(const uint8_t *p, size_t n, uint32_t at, struct icmp_quote *q)
{
    if (q->protocol != IP_PROTO_TCP || n < at || n - at < TRANSPORT_BYTES)
        return;
    q->src_port = load_be16(p + at);
    q->dst_port = load_be16(p + at + 2);
    q->seq = seq_of(load_be32(p + at + 4));
    q->has_transport = true;
}

static bool parse_v4_quote(const uint8_t *p, size_t n, struct icmp_quote *q)
{
    uint32_t header;

    if (n < IPV4_HEADER_BYTES || p[0] >> 4 != 4)
        return false;
    header = 4u * (p[0] & 0x0f);
    if (header < IPV4_HEADER_BYTES)
        return false;
    q->src = address_of_v4(p + 12);
    q->dst = address_of_v4(p + 16);
    q->protocol = p[9];
    q->total_len = load_be16(p + 2);
    if ((load_be16(p + 6) & 0x1fff) == 0) /* the first fragment, or no fragment */
        quote_transport(p, n, header, q);
    return true;
}

static bool parse_v6_quote(const uint8_t *p, size_t n, struct icmp_quote *q)
{
    uint32_t header;

    if (n < IPV6_HEADER_BYTES || p[0] >> 4 != 6)
        return false;
    memcpy(q->src.bytes, p + 8, 16);
    memcpy(q->dst.bytes, p + 24, 16);
    if (address_is_v4(&q->src) || address_is_v4(&q->dst))
        return false; /* as in ip_parse: no IPv6 packet speaks about an IPv4 connection */
    q->protocol = p[6];
    q->total_len = IPV6_HEADER_BYTES + load_be16(p + 4);
    header = ipv6_headers_skip(p, n, &q->protocol);
    if (header != 0)
        quote_transport(p, n, header, q);
    return true;
}

static void take_body(const uint8_t *p, size_t n, struct icmp *out)
{
    out->body = p + ICMP_HEADER_BYTES;
    out->body_len = (uint32_t)(n - ICMP_HEADER_BYTES);
}

static void take_echo(const uint8_t *p, size_t n, struct icmp *out)
{
    out->echo_id = load_be16(p + 4);
    out->echo_seq = load_be16(p + 6);
    take_body(p, n, out);
}

static void take_error(const uint8_t *p, size_t n, bool v6, struct icmp *out)
{
    take_body(p, n, out);
    if (out->kind == ICMP_PACKET_TOO_BIG) /* RFC 1191 4: 16 bits that an old router leaves 0 */
        out->mtu = v6 ? load_be32(p + 4) : load_be16(p + 6);
    if (v6)
        out->has_quote = parse_v6_quote(out->body, out->body_len, &out->quote);
    else
        out->has_quote = parse_v4_quote(out->body, out->body_len, &out->quote);
}

/* RFC 4861 4.6: options from p[at] on. The first link-layer address of the kind `wanted` counts;
 * its option is 8 bytes on Ethernet. False when an option has no length or leaves the message. */
static bool parse_neighbour_options(const uint8_t *p, size_t n, uint32_t at, uint8_t wanted,
                                    struct icmp *out)
{
    while (at < n) {
        uint32_t length;
        if (n - at < 2)
            return false;
        length = 8u * p[at + 1];
        if (length == 0 || length > n - at)
            return false;
        if (p[at] == wanted && length == 8 && !out->has_lladdr) {
            memcpy(out->lladdr.b, p + at + 2, sizeof out->lladdr.b);
            out->has_lladdr = true;
        }
        at += length;
    }
    return true;
}

/* RFC 4861 7.1. A mapped target would name one of our IPv4 addresses. */
static enum icmp_parse parse_neighbour(const uint8_t *p, size_t n, const struct hawser_address *src,
                                       const struct hawser_address *dst, struct icmp *out)
{
    bool advertisement = out->kind == ICMP_NEIGHBOUR_ADVERTISEMENT;

    if (n < NEIGHBOUR_BYTES)
        return ICMP_PARSE_SHORT;
    memcpy(out->target.bytes, p + 8, 16);
    if (out->code != 0 || address_is_multicast(&out->target) || address_is_v4(&out->target))
        return ICMP_PARSE_BAD;
    if (!parse_neighbour_options(p, n, NEIGHBOUR_BYTES,
                                 advertisement ? OPTION_TARGET_LLADDR : OPTION_SOURCE_LLADDR, out))
        return ICMP_PARSE_BAD;
    if (advertisement) {
        out->router = (p[4] & NEIGHBOUR_ROUTER) != 0;
        out->solicited = (p[4] & NEIGHBOUR_SOLICITED) != 0;
        out->override = (p[4] & NEIGHBOUR_OVERRIDE) != 0;
        if (out->solicited && address_is_multicast(dst))
            return ICMP_PARSE_BAD;
    } else if (address_is_unspecified(src) && (out->has_lladdr || !address_is_multicast(dst))) {
        return ICMP_PARSE_BAD; /* somebody who asks for his own address has none to tell yet */
    }
    return ICMP_PARSE_OK;
}

/* RFC 4861 6.1. What routers advertise is not acted on here, but a wrong message is counted as
 * one. */
static enum icmp_parse parse_router(const uint8_t *p, size_t n, const struct hawser_address *src,
                                    struct icmp *out)
{
    bool advertisement = out->kind == ICMP_ROUTER_ADVERTISEMENT;
    uint32_t header = advertisement ? ROUTER_ADVERTISEMENT_BYTES : ROUTER_SOLICITATION_BYTES;

    if (n < header)
        return ICMP_PARSE_SHORT;
    if (out->code != 0 || !parse_neighbour_options(p, n, header, OPTION_SOURCE_LLADDR, out))
        return ICMP_PARSE_BAD;
    if (advertisement ? !address_is_link_local(src)
                      : address_is_unspecified(src) && out->has_lladdr)
        return ICMP_PARSE_BAD;
    return ICMP_PARSE_OK;
}

static enum icmp_parse take_head(const uint8_t *p, size_t n, uint32_t pseudo, struct icmp *out)
{
    *out = (struct icmp){0};
    if (n >= 2) {
        out->type = p[0];
        out->code = p[1];
    }
    if (n < ICMP_HEADER_BYTES)
        return ICMP_PARSE_SHORT;
    if (checksum_fold(checksum_add(pseudo, checksum_sum(p, n))) != 0xffff)
        return ICMP_PARSE_CHECKSUM;
    return ICMP_PARSE_OK;
}

static enum icmp_parse take_by_kind(const uint8_t *p, size_t n, bool v6,
                                    const struct hawser_address *src,
                                    const struct hawser_address *dst, struct icmp *out)
{
    switch (out->kind) {
    case ICMP_OTHER:
        break;
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
        take_echo(p, n, out);
        break;
    case ICMP_UNREACHABLE_NET:
    case ICMP_UNREACHABLE_HOST:
    case ICMP_UNREACHABLE_PROTOCOL:
    case ICMP_UNREACHABLE_PORT:
    case ICMP_PROHIBITED:
    case ICMP_PACKET_TOO_BIG:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
    case ICMP_SOURCE_QUENCH:
        take_error(p, n, v6, out);
        break;
    case ICMP_NEIGHBOUR_SOLICITATION:
    case ICMP_NEIGHBOUR_ADVERTISEMENT:
        return parse_neighbour(p, n, src, dst, out);
    case ICMP_ROUTER_ADVERTISEMENT:
    case ICMP_ROUTER_SOLICITATION:
        return parse_router(p, n, src, out);
    }
    return ICMP_PARSE_OK;
}

enum icmp_parse icmpv4_parse(const uint8_t *p, size_t n, struct icmp *out)
{
    enum icmp_parse verdict = take_head(p, n, 0, out);

    if (verdict != ICMP_PARSE_OK)
        return verdict;
    out->kind = kind_of_v4(out->type, out->code);
    return take_by_kind(p, n, false, NULL, NULL, out);
}

enum icmp_parse icmpv6_parse(const uint8_t *p, size_t n, const struct hawser_address *src,
                             const struct hawser_address *dst, struct icmp *out)
{
    uint32_t pseudo = checksum_pseudo(src, dst, IP_PROTO_ICMPV6, (uint32_t)n);
    enum icmp_parse verdict = take_head(p, n, pseudo, out);

    if (verdict != ICMP_PARSE_OK)
        return verdict;
    out->kind = kind_of_v6(out->type, out->code);
    return take_by_kind(p, n, true, src, dst, out);
}
