/* SPDX-License-Identifier: MIT */
/* IPv4 (RFC 791, RFC 1122 3.2.1) and IPv6 (RFC 8200 3) headers: where their lengths are judged. */
#include "wire/ip.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hot.h"
#include "wire/checksum.h"
#include "wire/ipv6_headers.h"

#define IPV4_FLAG_DF 0x4000u
#define IPV4_FLAG_MF 0x2000u
#define IPV4_OFFSET_MASK 0x1fffu
#define IPV4_OPTION_END 0u
#define IPV4_OPTION_NOP 1u
#define IPV4_OPTION_LSRR 131u
#define IPV4_OPTION_SSRR 137u

/* RFC9293 MUST-50: options that mean nothing to us are skipped, and so is what was recorded on the
 * way. A source route would make us send to where a stranger wants (RFC 1122 3.2.1.8). */
static enum ip_parse judge_v4_options(const uint8_t *p, uint32_t n)
{
    for (uint32_t at = 0; at < n;) {
        uint8_t type = p[at];
        if (type == IPV4_OPTION_END)
            break;
        if (type == IPV4_OPTION_NOP) {
            at++;
            continue;
        }
        if (n - at < 2 || p[at + 1] < 2 || p[at + 1] > n - at)
            return IP_PARSE_OPTIONS;
        if (type == IPV4_OPTION_LSRR || type == IPV4_OPTION_SSRR)
            return IP_PARSE_OPTIONS;
        at += p[at + 1];
    }
    return IP_PARSE_OK;
}

static void set_payload(const uint8_t *p, struct ip_packet *out)
{
    out->payload = p + out->header_len;
    out->payload_len = out->total_len - out->header_len;
}

/* Nearly every header has no options. One's complement sums are sums modulo 0xffff, and with its
 * version this one is not 0. */
static bool is_v4_checksum_right(const uint8_t *p, uint32_t n)
{
    if (n != IPV4_HEADER_BYTES)
        return checksum_sum(p, n) == 0xffff;
    uint64_t sum = (uint64_t)load_be32(p) + load_be32(p + 4) + load_be32(p + 8) +
                   load_be32(p + 12) + load_be32(p + 16);
    return sum % 0xffff == 0;
}

static enum ip_parse parse_v4(const uint8_t *p, size_t n, struct ip_packet *out)
{
    if (n < IPV4_HEADER_BYTES)
        return IP_PARSE_SHORT;
    uint32_t fragment = load_be16(p + 6);

    out->version = 4;
    out->src = address_of_v4(p + 12);
    out->dst = address_of_v4(p + 16);
    out->header_len = 4u * (p[0] & 0x0f);
    out->total_len = load_be16(p + 2);
    out->protocol = p[9];
    out->hop_limit = p[8]; /* 0 too: we are the end of its way (RFC 1122 3.2.1.7) */
    out->traffic_class = p[1];
    out->fragment_offset = 8 * (fragment & IPV4_OFFSET_MASK);
    out->fragment_id = load_be16(p + 4);
    out->dont_fragment = (fragment & IPV4_FLAG_DF) != 0;
    out->more_fragments = (fragment & IPV4_FLAG_MF) != 0;
    out->is_fragment = out->more_fragments || out->fragment_offset != 0;
    out->has_options = out->header_len > IPV4_HEADER_BYTES;
    if (out->header_len < IPV4_HEADER_BYTES || out->header_len > n)
        return IP_PARSE_SHORT;
    if (!is_v4_checksum_right(p, out->header_len))
        return IP_PARSE_CHECKSUM;
    if (out->total_len < out->header_len || out->total_len > n)
        return IP_PARSE_SHORT;
    if (out->has_options &&
        judge_v4_options(p + IPV4_HEADER_BYTES, out->header_len - IPV4_HEADER_BYTES) != IP_PARSE_OK)
        return IP_PARSE_OPTIONS;
    /* A fragment that is not the last ends where the next can begin, and none reaches past what a
     * whole packet can hold. */
    if ((out->more_fragments && (out->total_len - out->header_len) % 8 != 0) ||
        out->fragment_offset + out->total_len > UINT16_MAX)
        return IP_PARSE_SHORT;
    set_payload(p, out);
    return IP_PARSE_OK;
}

static enum ip_parse parse_v6(const uint8_t *p, size_t n, struct ip_packet *out)
{
    enum ip_parse verdict;

    if (n < IPV6_HEADER_BYTES)
        return IP_PARSE_SHORT;
    out->version = 6;
    memcpy(out->src.bytes, p + 8, 16);
    memcpy(out->dst.bytes, p + 24, 16);
    out->header_len = IPV6_HEADER_BYTES;
    out->total_len = IPV6_HEADER_BYTES + load_be16(p + 4);
    out->protocol = p[6];
    out->hop_limit = p[7];
    out->traffic_class = (uint8_t)(load_be16(p) >> 4);
    /* Inside, a mapped address means an IPv4 packet. Let in from the wire, it would let an IPv6
     * packet speak for an IPv4 peer (RFC 4942 2.2). */
    if (address_is_v4(&out->src) || address_is_v4(&out->dst))
        return IP_PARSE_VERSION;
    /* A jumbogram (RFC 2675) says 0, so that its hop-by-hop header already lies outside. */
    if (out->total_len > n)
        return IP_PARSE_SHORT;
    verdict = ipv6_headers_walk(p, out);
    if (verdict == IP_PARSE_OK)
        set_payload(p, out);
    return verdict;
}

HOT enum ip_parse ip_parse(const uint8_t *p, size_t n, struct ip_packet *out)
{
    *out = (struct ip_packet){0};
    if (n == 0)
        return IP_PARSE_SHORT;
    switch (p[0] >> 4) {
    case 4:
        return parse_v4(p, n, out);
    case 6:
        return parse_v6(p, n, out);
    default:
        return IP_PARSE_VERSION;
    }
}

/* The checksum is added up from the fields: reading back what was just stored would wait for it. */
static uint32_t emit_v4(const struct ip_emit *e, uint8_t *out)
{
    ASSERT(e->payload_len <= UINT16_MAX - IPV4_HEADER_BYTES);
    uint32_t first =
        (0x4500u << 16) | ((uint32_t)e->traffic_class << 16) | (IPV4_HEADER_BYTES + e->payload_len);
    uint32_t second = e->dont_fragment ? IPV4_FLAG_DF : e->id << 16;
    uint32_t third = ((uint32_t)e->hop_limit << 24) | ((uint32_t)e->protocol << 16);
    uint32_t src = load_be32(e->src->bytes + 12), dst = load_be32(e->dst->bytes + 12);
    uint64_t sum = (uint64_t)first + second + third + src + dst;

    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be32(out, first);
    store_be32(out + 4, second);
    store_be32(out + 8, third | checksum_finish((uint32_t)sum));
    store_be32(out + 12, src);
    store_be32(out + 16, dst);
    return IPV4_HEADER_BYTES;
}

HOT uint32_t ip_emit(const struct ip_emit *e, uint8_t *out)
{
    if (address_is_v4(e->dst))
        return emit_v4(e, out);
    ASSERT(e->payload_len <= UINT16_MAX);
    store_be32(out, (6u << 28) | ((uint32_t)e->traffic_class << 20) | (e->flow_label & 0xfffff));
    store_be16(out + 4, e->payload_len);
    out[6] = e->protocol;
    out[7] = e->hop_limit;
    memcpy(out + 8, e->src->bytes, 16);
    memcpy(out + 24, e->dst->bytes, 16);
    return IPV6_HEADER_BYTES;
}
