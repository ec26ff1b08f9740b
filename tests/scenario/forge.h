/* SPDX-License-Identifier: MIT */
/* Packets that do not come from the peer: ICMP messages of routers about segments of the host, and
 * packets with addresses that a test chooses. */
#ifndef HAWSER_TEST_FORGE_H
#define HAWSER_TEST_FORGE_H

#include "scenario/peer.h"

/* An ICMP message. What is zero is as an honest router would say it of the connection under test. */
struct forged {
    uint8_t type, code;
    uint32_t info;                  /* second word of the header: MTU, pointer */
    seq_t seq;                      /* of the quoted segment */
    struct hawser_address router;   /* who says it: 198.18.0.99, 2001:db8::99 */
    struct hawser_address to;       /* whom it is sent to: the quoted source */
    struct hawser_address src, dst; /* of the quoted packet */
    uint16_t src_port, dst_port;
    uint8_t protocol;      /* of the quoted packet: TCP */
    uint32_t quoted_bytes; /* length that its header gives: with 20 octets of TCP */
    uint32_t cut_bytes;    /* how much is missing of the 20 octets of TCP, and more */
};

void forge_icmp(struct peer *p, const struct forged *message);

/* A segment from one address to another, whatever they are; ports as they stand in seg. */
void forge_segment(struct peer *p, const struct hawser_address *src,
                   const struct hawser_address *dst, const struct segment *seg);

struct hawser_address forge_address(const char *text);

#endif
