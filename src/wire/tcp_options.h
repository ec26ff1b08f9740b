/* SPDX-License-Identifier: MIT */
/* Kinds and lengths of TCP options (RFC 9293 3.2, RFC 2018, RFC 7323), for tcp.c and print.c. */
#ifndef HAWSER_WIRE_TCP_OPTIONS_H
#define HAWSER_WIRE_TCP_OPTIONS_H

#define TCP_KIND_END 0u
#define TCP_KIND_NOP 1u
#define TCP_KIND_MSS 2u
#define TCP_KIND_WSCALE 3u
#define TCP_KIND_SACK_PERMITTED 4u
#define TCP_KIND_SACK 5u
#define TCP_KIND_TIMESTAMPS 8u

#define TCP_LENGTH_MSS 4u
#define TCP_LENGTH_WSCALE 3u
#define TCP_LENGTH_SACK_PERMITTED 2u
#define TCP_LENGTH_TIMESTAMPS 10u

#endif
