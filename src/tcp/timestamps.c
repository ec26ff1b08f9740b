/* SPDX-License-Identifier: MIT */
/* Timestamps and PAWS (RFC 7323 3 to 5). */
#include "tcp/timestamps.h"

#include "tcp/isn.h"

#define PAWS_IDLE_S (24u * 24 * 3600) /* RFC 7323 5.5: TS.Recent is worth nothing after 24 days */

static uint32_t s_clock(uint64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_S);
}

/* RFC7323 30: modulo 2^32. */
static bool ts_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

bool paws_refuses(const struct tcb *tcb, const struct segment *seg, uint64_t now_ns)
{
    /* RFC7323 25: a RST is never subject to it. RFC7323 15: nor a segment of a connection that did
     * not negotiate. RFC7323 14: a segment without the option is not held against the peer. */
    if (!tcb->has_timestamps || !(seg->options & TCP_OPT_TIMESTAMPS) || (seg->flags & TCP_RST))
        return false;
    if (!ts_before(seg->ts_val, tcb->ts_recent))
        return false;
    return s_clock(now_ns) - tcb->ts_recent_at_s < PAWS_IDLE_S;
}

void timestamps_start(struct tcb *tcb, uint32_t ts_val, uint64_t now_ns)
{
    tcb->ts_recent = ts_val;
    tcb->ts_recent_at_s = s_clock(now_ns);
}

void timestamps_update(struct tcb *tcb, const struct segment *seg, uint64_t now_ns)
{
    if (!tcb->has_timestamps || !(seg->options & TCP_OPT_TIMESTAMPS))
        return;
    /* RFC7323 23: SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent. The second keeps the
     * earliest unacknowledged segment's value for a delayed ACK (RFC7323 20) and the last in-order
     * one's for a duplicate ACK (RFC7323 21); what fills a hole is in order (RFC7323 22). */
    bool stale = s_clock(now_ns) - tcb->ts_recent_at_s >= PAWS_IDLE_S;
    if ((stale || !ts_before(seg->ts_val, tcb->ts_recent)) && seq_leq(seg->seq, tcb->rcv.last_ack))
        timestamps_start(tcb, seg->ts_val, now_ns);
}

bool timestamps_rtt(const struct tcb *tcb, const struct segment *seg, uint64_t now_ns,
                    uint64_t *rtt_ns)
{
    if (!tcb->has_timestamps || !(seg->options & TCP_OPT_TIMESTAMPS) || seg->ts_ecr == 0)
        return false;
    uint32_t ticks = ts_clock(now_ns) + tcb->ts_offset - seg->ts_ecr;
    if (ticks > INT32_MAX)
        return false; /* an echo from the future is none of ours */
    *rtt_ns = (uint64_t)ticks * NS_PER_MS;
    return true;
}
