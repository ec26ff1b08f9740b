/* SPDX-License-Identifier: MIT */
/* Retransmission timeout: RTT samples and RTO (RFC 6298, RFC 8961). */
#include "tcp/rtx.h"

#include "base/hot.h"

static uint32_t us_limited(uint64_t us)
{
    return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void rtx_init(const struct tcp *tcp, struct tcb *tcb)
{
    tcb->srtt_us = 0;
    tcb->rttvar_us = 0;
    tcb->rto_us = us_limited(tcp->config->rto_initial_ns / NS_PER_US); /* RFC6298 01, RFC8961 01 */
}

/* RTO = SRTT + max(G, 4 * RTTVAR). The minimum takes G's place in it: the 200 ms then cover the
 * peer's delayed ACK whatever the round-trip time is, which a floor under the whole RTO would not
 * (RFC6298 04, 08: docs/deviations.md). */
static void compute_rto(const struct tcp *tcp, struct tcb *tcb)
{
    uint64_t spread = 4 * (uint64_t)tcb->rttvar_us;
    uint64_t least = tcp->config->rto_min_ns / NS_PER_US;
    uint64_t most = tcp->config->rto_max_ns / NS_PER_US; /* RFC6298 05 */
    uint64_t rto = tcb->srtt_us + (spread > least ? spread : least);
    tcb->rto_us = us_limited(rto > most ? most : rto);
}

HOT void rtx_sample(const struct tcp *tcp, struct tcb *tcb, uint64_t rtt_ns)
{
    uint32_t r = us_limited(rtt_ns / NS_PER_US);
    if (r == 0)
        r = 1; /* srtt 0 means "no sample" */
    if (tcb->srtt_us == 0) {
        tcb->srtt_us = r;
        tcb->rttvar_us = r / 2;
    } else {
        /* RFC6298 03: RTTVAR first, with the old SRTT; beta 1/4, alpha 1/8. */
        uint32_t error = r > tcb->srtt_us ? r - tcb->srtt_us : tcb->srtt_us - r;
        tcb->rttvar_us = (uint32_t)((3 * (uint64_t)tcb->rttvar_us + error) / 4);
        tcb->srtt_us = (uint32_t)((7 * (uint64_t)tcb->srtt_us + r) / 8);
        if (tcb->srtt_us == 0)
            tcb->srtt_us = 1;
    }
    tcb->rtt_samples++;
    compute_rto(tcp, tcb);
}

void rtx_back_off(const struct tcp *tcp, struct tcb *tcb)
{
    uint64_t most = tcp->config->rto_max_ns / NS_PER_US; /* RFC8961 04: at least 60 s */
    uint64_t doubled = 2 * (uint64_t)tcb->rto_us;
    tcb->rto_us = us_limited(doubled > most ? most : doubled);
}

void rtx_after_lost_syn(struct tcb *tcb)
{
    if (tcb->syn_lost && tcb->srtt_us == 0)
        tcb->rto_us = 3000000; /* RFC6298 12 */
}
