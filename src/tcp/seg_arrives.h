/* SPDX-License-Identifier: MIT */
/* One segment on its way through RFC 9293 3.10.7: what seg_arrives.c and seg_steps.c share. */
#ifndef HAWSER_TCP_SEG_ARRIVES_H
#define HAWSER_TCP_SEG_ARRIVES_H

#include "tcp/tcp.h"

/* What a step says about the segment. */
enum verdict {
    CONTINUE, /* the next step looks at it */
    DROP,     /* nothing more happens with it */
    GONE,     /* the connection is in CLOSED */
};

struct arrival {
    const struct tcp *tcp;
    struct tcb *tcb;
    struct segment seg; /* trimmed on its way */
    uint64_t now_ns;
    struct tcp_reply *reply;
};

/* Takes the SYN off a segment whose SYN has been dealt with; what rides on it stays. */
void cut_syn(struct segment *seg);

/* 3.10.7.4, first to eighth. */
void segment_steps(struct arrival *a);

/* The sixth, seventh and eighth, for what rides on a SYN-ACK (RFC9293 3.10.7.3-7). */
void segment_steps_text(struct arrival *a);

/* <SEQ=SEG.ACK><CTL=RST>, or with SEQ=0 and ACK when the segment had no ACK (3.5.2 group 1). */
void reply_reset(const struct segment *seg, struct tcp_reply *reply);

/* An ACK for each such segment, but not more than the limit in an interval (RFC5961 09). */
void challenge_ack(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns);

/* What follows from reaching ESTABLISHED, by either road. */
void enter_established(const struct tcp *tcp, struct tcb *tcb, enum hawser_cause cause, uint64_t now_ns);

/* snd.una moves up to `ack`: the queue, the round-trip time, recovery and timers follow. */
void ack_new_data(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg, uint64_t now_ns);

#endif
