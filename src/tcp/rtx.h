/* SPDX-License-Identifier: MIT */
/* Retransmission timeout: RTT samples and RTO (RFC 6298, RFC 8961). */
#ifndef HAWSER_TCP_RTX_H
#define HAWSER_TCP_RTX_H

#include "tcp/tcb.h"

/* Before any sample (RFC6298 01). */
void rtx_init(const struct tcp *tcp, struct tcb *tcb);

/* One round-trip measurement (RFC6298 02, 03). Ends any backoff (RFC6298 13). */
void rtx_sample(const struct tcp *tcp, struct tcb *tcb, uint64_t rtt_ns);

/* The timeout expired: double the RTO up to the limit (RFC6298 11). */
void rtx_back_off(const struct tcp *tcp, struct tcb *tcb);

/* The SYN was lost and no sample was taken: 3 s when data starts (RFC6298 12). */
void rtx_after_lost_syn(struct tcb *tcb);

static inline uint64_t rtx_rto_ns(const struct tcb *tcb)
{
    return (uint64_t)tcb->rto_us * NS_PER_US;
}

#endif
