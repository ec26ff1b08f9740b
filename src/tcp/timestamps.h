/* SPDX-License-Identifier: MIT */
/* Timestamps and PAWS (RFC 7323 3 to 5). */
#ifndef HAWSER_TCP_TIMESTAMPS_H
#define HAWSER_TCP_TIMESTAMPS_H

#include "tcp/tcb.h"

/* R1 of RFC 7323 5.3: true when the segment's timestamp is too old to be of this incarnation and moment. */
bool paws_refuses(const struct tcb *tcb, const struct segment *seg, uint64_t now_ns);

/* TS.Recent follows an acceptable segment (RFC 7323 4.3). */
void timestamps_update(struct tcb *tcb, const struct segment *seg, uint64_t now_ns);

/* TS.Recent of a SYN or SYN-ACK that negotiated the option. */
void timestamps_start(struct tcb *tcb, uint32_t ts_val, uint64_t now_ns);

/* The round trip that TSecr tells, when it can be one of ours; 0 = it tells nothing. Milliseconds. */
bool timestamps_rtt(const struct tcb *tcb, const struct segment *seg, uint64_t now_ns, uint64_t *rtt_ns);

#endif
