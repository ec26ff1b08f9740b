/* SPDX-License-Identifier: MIT */
/* Congestion controllers behind one struct of hooks (RFC 5681). What is sent again is recovery.c's business; how much may be under way is theirs. */
#ifndef HAWSER_TCP_CC_H
#define HAWSER_TCP_CC_H

#include "tcp/tcb.h"

enum cc_kind {
    CC_NEWRENO,
    CC_COUNT,
};

struct cc_ops {
    const char *name;
    /* The connection is established: cwnd becomes the initial window. */
    void (*init)(const struct tcp *tcp, struct tcb *tcb);
    /* `acked` octets were newly acknowledged outside recovery while the window was in full use. */
    void (*on_ack)(struct tcb *tcb, uint32_t acked, uint64_t now_ns);
    /* A loss was found with `flight` octets under way: the new ssthresh. */
    uint32_t (*ssthresh)(struct tcb *tcb, uint32_t flight);
    /* The connection was idle for more than an RTO. */
    void (*on_idle)(const struct tcp *tcp, struct tcb *tcb);
};

const struct cc_ops *cc_ops_of(const struct tcb *tcb);

/* IW in octets (RFC 6928, and RFC 5681 3.1 after a lost SYN). */
uint32_t cc_initial_window(const struct tcp *tcp, const struct tcb *tcb);

extern const struct cc_ops cc_newreno;

#endif
