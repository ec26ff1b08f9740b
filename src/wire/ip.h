/* SPDX-License-Identifier: MIT */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers: bytes to `struct ip_packet` and back. */
#ifndef HAWSER_WIRE_IP_H
#define HAWSER_WIRE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hawser/hawser.h>

#define IPV4_HEADER_BYTES 20u
#define IPV6_HEADER_BYTES 40u
#define IPV6_FRAGMENT_BYTES 8u
#define IP_PROTO_ICMP 1u
#define IP_PROTO_TCP 6u
#define IP_PROTO_UDP 17u
#define IP_PROTO_ICMPV6 58u

struct ip_packet {
    struct hawser_address src, dst; /* IPv4 as ::ffff:a.b.c.d */
    const uint8_t *payload;         /* upper-layer bytes; of a fragment: this fragment's bytes */
    uint32_t payload_len;
    uint32_t header_len;   /* everything before payload, extension headers and all */
    uint32_t total_len;    /* header_len + payload_len: link padding behind is not part of it */
    uint8_t version;       /* 4 or 6 */
    uint8_t protocol;      /* of payload: the last next header */
    uint8_t hop_limit;     /* TTL */
    uint8_t traffic_class; /* DSCP and ECN */
    bool is_fragment;      /* more fragments follow or the offset is not 0 */
    bool more_fragments;
    bool dont_fragment;       /* IPv4 only */
    bool has_options;         /* IPv4 options or IPv6 extension headers other than fragment */
    uint32_t fragment_offset; /* bytes */
    uint32_t fragment_id;
    /* IP_PARSE_PARAMETER: what a parameter problem says. After IP_PARSE_OK of an IPv6 packet: what
     * it would say if nobody here understood `protocol` (code 1, and where that number stands). */
    uint8_t problem_code;
    uint32_t problem_pointer;
};

enum ip_parse {
    IP_PARSE_OK,
    IP_PARSE_SHORT,   /* truncated, or lengths that contradict each other */
    IP_PARSE_VERSION, /* neither 4 nor 6, or an IPv6 header with an IPv4-mapped address in it */
    IP_PARSE_CHECKSUM,
    IP_PARSE_OPTIONS,   /* a source route, a malformed or overlong list of options: drop
                         * (RFC9293 MUST-50: options that are not understood are skipped) */
    IP_PARSE_PARAMETER, /* IPv6: answer with a parameter problem (RFC 8200 4.2), where the packet's
                         * source allows an error at all */
};

/* Judges the headers of n bytes. IPv6 extension headers (hop-by-hop and destination options,
 * routing with no segments left, fragment) are walked, 8 of them at most; behind the header of a
 * fragment the walk ends, since what follows may be the middle of something. After IP_PARSE_OK,
 * payload_len and every other length hold. Otherwise *out holds what was understood: version is
 * 0 when nothing was, payload_len is 0. */
enum ip_parse ip_parse(const uint8_t *p, size_t n, struct ip_packet *out);

/* Writes a header without options in front of payload_len bytes (at most 65535 - 20 of IPv4,
 * 65535 of IPv6); returns 20 or 40 by the family of dst. */
struct ip_emit {
    const struct hawser_address *src, *dst;
    uint32_t payload_len;
    uint32_t id;         /* IPv4 identification; unused when dont_fragment (RFC 6864 4.1) */
    uint32_t flow_label; /* IPv6, 20 bits */
    uint8_t protocol, hop_limit, traffic_class;
    bool dont_fragment;
};
uint32_t ip_emit(const struct ip_emit *e, uint8_t *out);

static inline bool address_equal(const struct hawser_address *a, const struct hawser_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* IPv4-mapped: ::ffff:0:0/96 */
static inline bool address_is_v4(const struct hawser_address *a)
{
    static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(a->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static inline struct hawser_address address_of_v4(const uint8_t b[4])
{
    struct hawser_address a = {{[10] = 0xff, [11] = 0xff}};

    memcpy(a.bytes + 12, b, 4);
    return a;
}

bool address_is_unspecified(const struct hawser_address *a); /* :: or 0.0.0.0 */
bool address_is_loopback(const struct hawser_address *a);    /* ::1 or 127.0.0.0/8 */
bool address_is_multicast(const struct hawser_address *a);
bool address_is_link_local(const struct hawser_address *a);
bool address_is_broadcast(const struct hawser_address *a); /* 255.255.255.255 */
/* True when the first `bits` (of 128; for IPv4 use 96 + prefix) are the same. */
bool address_same_prefix(const struct hawser_address *a, const struct hawser_address *b,
                         unsigned bits);

#endif
