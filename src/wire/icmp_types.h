/* SPDX-License-Identifier: MIT */
/* Numbers of ICMP (RFC 792), ICMPv6 (RFC 4443) and discovery (RFC 4861) that only wire/ needs. */
#ifndef HAWSER_WIRE_ICMP_TYPES_H
#define HAWSER_WIRE_ICMP_TYPES_H

#define V4_ECHO_REPLY 0u
#define V4_SOURCE_QUENCH 4u
#define V4_ECHO_REQUEST 8u

#define V6_PACKET_TOO_BIG 2u
#define V6_UNRECOGNISED_NEXT_HEADER 1u /* code of a parameter problem */
#define V6_ECHO_REQUEST 128u
#define V6_ECHO_REPLY 129u
#define V6_ROUTER_SOLICITATION 133u
#define V6_ROUTER_ADVERTISEMENT 134u
#define V6_NEIGHBOUR_SOLICITATION 135u
#define V6_NEIGHBOUR_ADVERTISEMENT 136u

/* Bytes in front of the options. */
#define ROUTER_SOLICITATION_BYTES 8u
#define ROUTER_ADVERTISEMENT_BYTES 16u
#define NEIGHBOUR_BYTES 24u

#define OPTION_SOURCE_LLADDR 1u
#define OPTION_TARGET_LLADDR 2u

/* First byte of an advertisement's flags. */
#define NEIGHBOUR_ROUTER 0x80u
#define NEIGHBOUR_SOLICITED 0x40u
#define NEIGHBOUR_OVERRIDE 0x20u

#endif
