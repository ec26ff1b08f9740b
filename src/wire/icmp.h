/* SPDX-License-Identifier: MIT */
/* ICMP (RFC 792, 1191), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861): bytes and structs. */
#ifndef HAWSER_WIRE_ICMP_H
#define HAWSER_WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/hawser.h>

#include "wire/ether.h"
#include "wire/seq.h"

/* Both families meet in one list of kinds. */
enum icmp_kind {
    ICMP_OTHER, /* understood by nobody here: silently discarded (RFC1122 04) */
    ICMP_ECHO_REQUEST,
    ICMP_ECHO_REPLY,
    ICMP_UNREACHABLE_NET,      /* soft: v4 3/0 3/5 3/6 3/11, v6 1/0 */
    ICMP_UNREACHABLE_HOST,     /* soft: v4 3/1 3/7 3/8 3/12 3/14 3/15, v6 1/2 1/3 */
    ICMP_UNREACHABLE_PROTOCOL, /* hard: v4 3/2; v6 parameter problem, unrecognised next header */
    ICMP_UNREACHABLE_PORT,     /* hard: v4 3/3, v6 1/4 */
    ICMP_PROHIBITED,           /* hard or soft by family: v4 3/9 3/10 3/13, v6 1/1 1/5 1/6 */
    ICMP_PACKET_TOO_BIG,       /* v4 3/4, v6 type 2 */
    ICMP_TIME_EXCEEDED,
    ICMP_PARAMETER_PROBLEM,
    ICMP_SOURCE_QUENCH, /* recognised so that it can be ignored by name (RFC9293 MUST-55) */
    ICMP_NEIGHBOUR_SOLICITATION,
    ICMP_NEIGHBOUR_ADVERTISEMENT,
    ICMP_ROUTER_ADVERTISEMENT,
    ICMP_ROUTER_SOLICITATION,
};

/* Types and codes that the emitters take. */
#define ICMPV4_UNREACHABLE 3u
#define ICMPV4_UNREACHABLE_PROTOCOL_CODE 2u
#define ICMPV4_UNREACHABLE_PORT_CODE 3u
#define ICMPV4_TIME_EXCEEDED 11u
#define ICMPV4_PARAMETER_PROBLEM 12u
#define ICMPV6_UNREACHABLE 1u
#define ICMPV6_UNREACHABLE_PORT_CODE 4u
#define ICMPV6_TIME_EXCEEDED 3u
#define ICMPV6_PARAMETER_PROBLEM 4u
#define ICMP_REASSEMBLY_CODE 1u /* of a time exceeded, both families */

#define ICMP_HEADER_BYTES 8u
#define ICMP_NEIGHBOUR_BYTES_MAX 32u

/* The packet that an error quotes, as far as it is there (RFC 5927: 8 octets of TCP at least). */
struct icmp_quote {
    struct hawser_address src, dst;
    uint8_t protocol;
    bool has_transport; /* protocol is TCP, and ports and seq below are there */
    uint16_t src_port, dst_port;
    seq_t seq;
    uint32_t total_len; /* length field of the quoted packet, headers and all */
};

struct icmp {
    enum icmp_kind kind;
    uint8_t type, code;
    uint32_t mtu; /* packet too big: next-hop MTU, 0 from an old router */
    uint16_t echo_id, echo_seq;
    const uint8_t *body; /* echo data, or the quoted packet */
    uint32_t body_len;
    bool has_quote;
    struct icmp_quote quote;
    /* neighbour discovery */
    struct hawser_address target;
    bool has_lladdr; /* source / target link-layer address option */
    struct mac lladdr;
    bool router, solicited, override;
};

enum icmp_parse { ICMP_PARSE_OK, ICMP_PARSE_SHORT, ICMP_PARSE_CHECKSUM, ICMP_PARSE_BAD };

/* n bytes of ICMP. A truncated quote gives has_quote or has_transport false, never an over-read
 * (RFC5927 07). ICMP_PARSE_BAD: a message of neighbour discovery that RFC 4861 6.1 and 7.1 tell
 * to discard. The hop limit of 255 that they ask for as well stands in the IP header: the caller
 * looks. On anything but ICMP_PARSE_OK only type and code (when n >= 2) mean something. */
enum icmp_parse icmpv4_parse(const uint8_t *p, size_t n, struct icmp *out);
enum icmp_parse icmpv6_parse(const uint8_t *p, size_t n, const struct hawser_address *src,
                             const struct hawser_address *dst, struct icmp *out);

/* Emitters return the number of bytes; out has room for them (8 + body_len; ND messages 32). src
 * and dst are those of the packet that carries the message. */
uint32_t icmp_emit_echo_reply(bool v6, const struct hawser_address *src,
                              const struct hawser_address *dst, const struct icmp *request,
                              uint8_t *out);

/* An error that quotes body (cut to body_len). `info` is the second header word: MTU, pointer or 0;
 * the pointer of an IPv4 parameter problem stands in its highest byte. */
uint32_t icmp_emit_error(bool v6, const struct hawser_address *src,
                         const struct hawser_address *dst, uint8_t type, uint8_t code,
                         uint32_t info, const uint8_t *body, uint32_t body_len, uint8_t *out);

/* With own == NULL the link-layer address option is left out (src is ::, RFC 4861 4.3). */
uint32_t icmp_emit_solicitation(const struct hawser_address *src, const struct hawser_address *dst,
                                const struct hawser_address *target, const struct mac *own,
                                uint8_t *out);
uint32_t icmp_emit_advertisement(const struct hawser_address *src, const struct hawser_address *dst,
                                 const struct hawser_address *target, const struct mac *own,
                                 bool solicited, bool override, uint8_t *out);

#endif
