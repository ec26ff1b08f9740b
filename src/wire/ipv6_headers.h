/* SPDX-License-Identifier: MIT */
/* The extension headers of IPv6 (RFC 8200 4), for ip.c. */
#ifndef HAWSER_WIRE_IPV6_HEADERS_H
#define HAWSER_WIRE_IPV6_HEADERS_H

#include "wire/ip.h"

#define IPV6_NEXT_HOP_BY_HOP 0u
#define IPV6_NEXT_ROUTING 43u
#define IPV6_NEXT_FRAGMENT 44u
#define IPV6_NEXT_DESTINATION 60u
#define IPV6_EXTENSIONS_MAX 8u

/* Walks the headers between the fixed one and the payload. p is the whole packet, out->total_len
 * bytes; out->dst is set and out->protocol is the fixed header's next header. Sets what follows
 * from the walk: protocol, header_len, has_options, the fragment and problem fields. */
enum ip_parse ipv6_headers_walk(const uint8_t *p, struct ip_packet *out);

/* For a quoted packet, of which only n bytes are there: where the payload begins, and *protocol; 0
 * when that cannot be told or it is not the packet's start. Nothing is judged but lengths. */
uint32_t ipv6_headers_skip(const uint8_t *p, size_t n, uint8_t *protocol);

#endif
