/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.7.1 CLOSED, 3.10.7.2 LISTEN, 3.10.7.3 SYN-SENT, and the dispatch. */
#include "tcp/seg_arrives.h"

#include <string.h>

#include "base/assert.h"
#include "tcp/cc.h"
#include "tcp/handshake.h"
#include "tcp/rtx.h"
#include "tcp/send.h"
#include "tcp/timers.h"
#include "tcp/timestamps.h"
#include "tcp/window.h"

void reply_reset(const struct segment *seg, struct tcp_reply *reply)
{
    reply->present = false;
    if (seg->flags & TCP_RST)
        return; /* RFC9293 3.5.2-2 */
    memset(&reply->segment, 0, sizeof reply->segment);
    reply->present = true;
    if (seg->flags & TCP_ACK) { /* RFC9293 3.5.2-1, 3.10.7.1-3 */
        reply->segment.seq = seg->ack;
        reply->segment.flags = TCP_RST;
    } else { /* RFC9293 3.10.7.1-2 */
        reply->segment.ack = seq_add(seg->seq, seg->len);
        reply->segment.flags = TCP_RST | TCP_ACK;
    }
}

/* 3.10.7.1 CLOSED (RFC9293 3.5-6, 3.5-7): all data in the incoming segment is discarded; a RST is
 * (RFC9293 3.10.7.1-1); anything else is answered by a RST. */
void segment_arrives_closed(const struct segment *seg, struct tcp_reply *reply)
{
    reply_reset(seg, reply);
}

/* 3.10.7.2 LISTEN. Fourth, anything else, is the final return (RFC9293 3.10.7.2-5). */
bool segment_arrives_listen(const struct segment *seg, struct tcp_reply *reply)
{
    reply->present = false;
    /* First, a RST: there was nothing it could be for (RFC9293 3.10.7.2-1, 3.5.3-3). */
    if (seg->flags & TCP_RST)
        return false;
    /* Second, an ACK: nothing has been sent that could be acknowledged (RFC9293 3.10.7.2-2,
     * 3.5-8). */
    if (seg->flags & TCP_ACK) {
        reply_reset(seg, reply);
        return false;
    }
    /* Third, a SYN (RFC9293 3.10.7.2-3). A FIN on it is not looked at before the connection is
     * (RFC9293 3.10.7.4h-1). */
    return (seg->flags & TCP_SYN) != 0;
}

void enter_established(const struct tcp *tcp, struct tcb *tcb, enum hawser_cause cause,
                       uint64_t now_ns)
{
    tcb_set_state(tcp, tcb, HAWSER_ESTABLISHED, cause);
    tcb_update_mss(tcb);
    rtx_after_lost_syn(tcb);
    cc_ops_of(tcb)->init(tcp, tcb); /* RFC5681 03: the SYN's ACK does not grow it */
    tcb->recover = tcb->iss;        /* RFC6582 01 */
    tcb->high_rxt = tcb->lost_edge = tcb->snd.una;
    tcb->small_end = tcb->snd.una;
    tcb_tell(tcb, HAWSER_EVENT_CONNECTED | HAWSER_EVENT_WRITABLE);
    timers_on_established(tcb, now_ns);
    if (tcb->fin_queued) /* RFC9293 3.10.4-3: CLOSE had been waiting for this */
        tcb_set_state(tcp, tcb, HAWSER_FIN_WAIT_1, HAWSER_CAUSE_CLOSE);
}

/* Fourth of 3.10.7.3: what the peer's SYN tells. */
static void take_syn(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    const struct segment *seg = &a->seg;
    struct handshake_options peer;
    handshake_accept(a->tcp, seg, tcb->peer_mss == HANDSHAKE_PEER_MSS_V4, &peer);
    tcb->irs = seg->seq;
    tcb->rcv.nxt = seq_add(seg->seq, 1);
    tcb->rcv.last_ack = tcb->rcv.nxt;
    tcb->rcv.up = tcb->irs;
    tcb->peer_mss = peer.mss;
    tcb->has_timestamps = peer.has_timestamps;
    tcb->has_sack = peer.has_sack;
    tcb->has_wscale = peer.has_wscale;
    tcb->snd_wscale = peer.wscale;
    if (!peer.has_wscale) /* RFC7323 01: both or neither */
        tcb->rcv_wscale = 0;
    if (peer.has_timestamps)
        timestamps_start(tcb, peer.ts_val, a->now_ns);
    tcb_update_mss(tcb);
    tcb->cwnd = tcb->snd_mss;
}

/* The SYN of a simultaneous open: SYN-RECEIVED, and our SYN again, with its ACK (RFC9293 MUST-10,
 * 3.10.7.3-9, FIG5-7). */
static void crossing_syn(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    tcb_set_state(a->tcp, tcb, HAWSER_SYN_RECEIVED, HAWSER_CAUSE_SYN);
    a->tcp->counters->opens_simultaneous++;
    window_take(tcb, &a->seg);
    tcb->snd.wl2 = tcb->snd.una; /* there was no ACK in it */
    tcb->rtx_now = true;
    tcb->rtx_count = 0;
}

/* 3.10.7.3 SYN-SENT. */
static void in_syn_sent(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    struct segment *seg = &a->seg;
    bool ack_acceptable = false;
    /* First, the ACK bit. */
    if (seg->flags & TCP_ACK) {
        if (seq_leq(seg->ack, tcb->iss) || seq_gt(seg->ack, tcb->snd.nxt)) {
            tcb_count_drop(a->tcp, tcb, HAWSER_DROP_ACK_RANGE);
            reply_reset(seg, a->reply); /* RFC9293 3.10.7.3-1, 3.5.2-3, 3.5-4 */
            return;
        }
        ack_acceptable = seq_gt(seg->ack, tcb->snd.una); /* RFC9293 3.10.7.3-2 */
    }
    /* Second, the RST bit (RFC5961 04: an acceptable ACK is what makes it credible). */
    if (seg->flags & TCP_RST) {
        if (!ack_acceptable) {
            tcb_count_drop(a->tcp, tcb, HAWSER_DROP_RST_IGNORED); /* RFC9293 3.10.7.3-4 */
            return;
        }
        a->tcp->counters->resets_in++;
        /* RFC9293 3.10.7.3-3, 3.5.3-2 */
        tcb_end(a->tcp, tcb, HAWSER_ERR_REFUSED, HAWSER_CAUSE_RST);
        return;
    }
    /* Third, security: not part of this TCP (RFC9293 A.1-1: nothing is ever compared). Fourth, the
     * SYN bit. */
    if (!(seg->flags & TCP_SYN)) {
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_NO_ACK); /* fifth: RFC9293 3.10.7.3-10 */
        return;
    }
    take_syn(a);
    if (!ack_acceptable) {
        crossing_syn(a);
        return;
    }
    ack_new_data(a->tcp, tcb, seg, a->now_ns); /* RFC9293 3.10.7.3-6, FIG5-8, 3.5-1 */
    window_take(tcb, seg); /* RFC1122 01: RFC 9293 says it only for the other branch */
    enter_established(a->tcp, tcb, HAWSER_CAUSE_SYN_ACK, a->now_ns);
    tcb->ack_now = true; /* text that was queued carries it (RFC9293 3.10.7.3-8) */
    cut_syn(seg);
    segment_steps_text(a); /* RFC9293 3.10.7.3-7 */
}

/* A block that leaves this house with an ACK still owed: the caller sends it, nobody else will (a
 * record cannot owe). */
static void settle_last_ack(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    bool becomes_record =
        tcb->state == HAWSER_TIME_WAIT || (tcb->state == HAWSER_FIN_WAIT_2 && tcb->no_reader);
    if (!becomes_record || a->reply->present || !(tcb->ack_now || tcb->dup_acks_owed > 0))
        return;
    send_ack_segment(tcb, a->now_ns, &a->reply->segment);
    a->reply->present = true;
    tcb->ack_now = false;
    tcb->dup_acks_owed = 0;
}

void segment_arrives(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg,
                     uint64_t now_ns, struct tcp_reply *reply)
{
    struct arrival a = {.tcp = tcp, .tcb = tcb, .seg = *seg, .now_ns = now_ns, .reply = reply};
    reply->present = false;
    tcb_check(tcp, tcb);
    tcb->segs_in++;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_CLOSED:
        segment_arrives_closed(seg, reply);
        break;
    case HAWSER_SYN_SENT:
        in_syn_sent(&a);
        break;
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    case HAWSER_CLOSE_WAIT:
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
        segment_steps(&a);
        break;
    case HAWSER_LISTEN:    /* a listener is no block */
    case HAWSER_TIME_WAIT: /* a record is no block */
        ASSERT(false);
    }
    settle_last_ack(&a);
    tcb_check(tcp, tcb);
}
