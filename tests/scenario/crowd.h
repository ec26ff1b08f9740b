/* SPDX-License-Identifier: MIT */
/* Many remote ends at once, for crowds and floods: segments go in and come out by the hundred, and
 * nothing of them is kept. */
#ifndef HAWSER_TEST_CROWD_H
#define HAWSER_TEST_CROWD_H

#include "scenario/peer.h"

#define CROWD_MAX 256u

/* One segment of or for a remote end; the host's end is p->host_address and p->host_port. */
struct crowd_segment {
    struct hawser_address address;
    uint16_t port;
    uint32_t seq, ack;
    uint8_t flags;
    uint32_t text_len; /* of what comes out; what goes in has none */
    uint16_t mss;      /* 0: no option, and so no options at all */
};

/* A way to everybody, over the peer's link. */
void crowd_start(struct peer *p);

/* Remote end number n: an address for each 50,000. */
struct crowd_segment crowd_end(const struct peer *p, uint32_t n);

/* Up to CROWD_MAX segments in one call, at p->now_ns. */
void crowd_in(struct peer *p, const struct crowd_segment *segments, unsigned count);

/* What the host has to send, at most `most` segments; call until it gives none. Timers that are due
 * are not looked at. */
unsigned crowd_out(struct peer *p, struct crowd_segment *segments, unsigned most);

/* Throws away all that the host has to send; returns how many segments that was. */
unsigned crowd_drop(struct peer *p);

#endif
