/* SPDX-License-Identifier: MIT */
/* Slow start and congestion avoidance (RFC 5681 3.1; RFC9293 MUST-19). */
#include "tcp/cc.h"

static void newreno_init(const struct tcp *tcp, struct tcb *tcb)
{
    tcb->cwnd = cc_initial_window(tcp, tcb);
    tcb->ssthresh = UINT32_MAX; /* RFC5681 05 */
    tcb->cc_acked = 0;
}

static void newreno_on_ack(struct tcb *tcb, uint32_t acked, uint64_t now_ns)
{
    (void)now_ns;
    uint32_t smss = tcb->snd_mss;
    if (tcb->cwnd < tcb->ssthresh) {
        /* RFC5681 06: by the octets acknowledged, at most SMSS an ACK: dividing ACKs gains
         * nothing. */
        uint32_t step = acked < smss ? acked : smss;
        tcb->cwnd = tcb->cwnd > UINT32_MAX - step ? UINT32_MAX : tcb->cwnd + step;
        return;
    }
    /* RFC5681 07: one SMSS for each window acknowledged, counted in octets (its third formula), so
     * delayed ACKs do not slow it. */
    tcb->cc_acked += acked;
    if (tcb->cc_acked >= tcb->cwnd) {
        tcb->cc_acked -= tcb->cwnd;
        tcb->cwnd = tcb->cwnd > UINT32_MAX - smss ? UINT32_MAX : tcb->cwnd + smss;
    }
}

static uint32_t newreno_ssthresh(struct tcb *tcb, uint32_t flight)
{
    uint32_t least = 2u * tcb->snd_mss;
    tcb->cc_acked = 0;
    return flight / 2 > least ? flight / 2 : least; /* RFC 5681 (4) */
}

static void newreno_on_idle(const struct tcp *tcp, struct tcb *tcb)
{
    /* RFC 5681 4.1: the restart window. */
    uint32_t restart = cc_initial_window(tcp, tcb);
    if (tcb->cwnd > restart)
        tcb->cwnd = restart;
}

const struct cc_ops cc_newreno = {
    .name = "newreno",
    .init = newreno_init,
    .on_ack = newreno_on_ack,
    .ssthresh = newreno_ssthresh,
    .on_idle = newreno_on_idle,
};
