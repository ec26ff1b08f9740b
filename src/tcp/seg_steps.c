/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.7.4, other states: the eight steps in their order, each looking at the state
 * inside. */
#include "tcp/seg_arrives.h"

#include "base/assert.h"
#include "tcp/reasm.h"
#include "tcp/recovery.h"
#include "tcp/send.h"
#include "tcp/timers.h"
#include "tcp/timestamps.h"
#include "tcp/window.h"

void challenge_ack(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    uint32_t interval_ms = (uint32_t)(tcp->config->challenge_interval_ns / NS_PER_MS);
    if (tcb->challenge_count == 0 || ms_clock(now_ns) - tcb->challenge_at_ms >= interval_ms) {
        tcb->challenge_at_ms = ms_clock(now_ns);
        tcb->challenge_count = 0;
    }
    if (tcb->challenge_count >= tcp->config->challenge_acks) {
        tcp->counters->challenge_acks_limited++;
        return;
    }
    tcb->challenge_count++;
    tcp->counters->challenge_acks++;
    if (tcb->dup_acks_owed < UINT8_MAX)
        tcb->dup_acks_owed++;
}

/* An unacceptable segment is answered by <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> (RFC9293 3.10.7.4a-1,
 * 3.5.2-4). For segments without text the number of answers is bounded, so that two confused ends
 * cannot keep each other busy; text may be what an answer was lost for, and always gets one. So
 * keep-alive probes are answered, with a garbage octet or without (RFC1122 09, RFC9293 MAY-6). */
static void answer_unacceptable(struct arrival *a)
{
    if (a->seg.len == 0 || (a->seg.flags & TCP_SYN))
        challenge_ack(a->tcp, a->tcb, a->now_ns);
    else if (a->tcb->dup_acks_owed < UINT8_MAX)
        a->tcb->dup_acks_owed++;
}

void cut_syn(struct segment *seg)
{
    seg->seq = seq_add(seg->seq, 1);
    seg->len--;
    seg->flags = (uint8_t)(seg->flags & ~TCP_SYN);
    if (seg->up > 0) /* it counted from the SYN (RFC9293 MUST-62) */
        seg->up--;
}

/* The peer's SYN again while ours is not acknowledged (SYN-RECEIVED, or FIN-WAIT-1 out of it): it
 * has not seen our SYN-ACK, or this is its SYN-ACK of a simultaneous open. */
static bool syn_repeated(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    struct segment *seg = &a->seg;
    if (tcb->syn_acked || !(seg->flags & TCP_SYN) || !seq_eq(seg->seq, tcb->irs) ||
        (seg->flags & TCP_RST))
        return false;
    if ((seg->flags & TCP_ACK) && !tcb->passive) {
        /* Figure 7, line 6: its SYN is old and cut off, its ACK is what counts (RFC9293 3.5-2). */
        cut_syn(seg);
        if (tcb->rtx_now)
            /* our own SYN,ACK has not left yet, and will not: what it would have acknowledged still
             * waits */
            tcb->ack_now = true;
        return false;
    }
    tcb_count_drop(a->tcp, tcb, HAWSER_DROP_WINDOW);
    tcb->rtx_now = true; /* RFC9293 3.10.7.4a-5, 3.5-3: the SYN-ACK again tells more than an ACK */
    return true;
}

/* First, the sequence number; before it, the timestamp (RFC 7323 5.3 R1). */
static enum verdict step1_sequence(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    struct segment *seg = &a->seg;
    if (syn_repeated(a))
        return DROP;
    if (paws_refuses(tcb, seg, a->now_ns)) { /* RFC7323 24 */
        a->tcp->counters->paws_refused++;
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_PAWS);
        answer_unacceptable(a);
        return DROP;
    }
    if (seg->flags & TCP_RST) {
        /* Text on a RST says nothing (RFC9293 SHLD-2); a shut window does not protect from it
         * (RFC9293 MUST-66). */
        if (seq_in(seg->seq, tcb->rcv.nxt, tcb->rcv.wnd > 0 ? tcb->rcv.wnd : 1))
            return CONTINUE;
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_RST_IGNORED); /* RFC9293 3.10.7.4a-2, RFC5961 03 */
        return DROP;
    }
    if (!segment_acceptable(tcb, seg)) {
        /* A shut window refuses text, not what else is on a segment that is in its place (RFC9293
         * MUST-66, 3.4-4). */
        bool shut = tcb->rcv.wnd == 0 && seq_eq(seg->seq, tcb->rcv.nxt) && !(seg->flags & TCP_SYN);
        if (!shut || tcb->state == HAWSER_SYN_RECEIVED) {
            tcb_count_drop(a->tcp, tcb, HAWSER_DROP_WINDOW);
            answer_unacceptable(a);
            return DROP;
        }
        tcb->ack_now = true; /* RFC9293 3.8.6x-1 */
    }
    timers_on_heard(tcb, a->now_ns);
    return CONTINUE;
}

/* A credible RST (RFC9293 3.10.7.4b-2). */
static enum verdict reset_arrived(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    a->tcp->counters->resets_in++;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_RECEIVED:
        /* RFC9293 MUST-11, 3.10.7.4b-4, 3.10.7.4b-5: a passive one returns to LISTEN and nobody is
         * told. */
        tcb_end(a->tcp, tcb, tcb->passive ? 0 : HAWSER_ERR_REFUSED, HAWSER_CAUSE_RST);
        break;
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    case HAWSER_CLOSE_WAIT:
        a->tcp->counters->established_resets++;
        tcb_end(a->tcp, tcb, HAWSER_ERR_RESET, HAWSER_CAUSE_RST); /* RFC9293 3.10.7.4b-6, MUST-12 */
        break;
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
        tcb_end(a->tcp, tcb, 0, HAWSER_CAUSE_RST); /* RFC9293 3.10.7.4b-7 */
        break;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
    case HAWSER_SYN_SENT:
    case HAWSER_TIME_WAIT:
        ASSERT(false);
    }
    return GONE;
}

/* Second, the RST bit (RFC 5961 3.2; RFC9293 3.5.3-1). */
static enum verdict step2_rst(struct arrival *a)
{
    if (!(a->seg.flags & TCP_RST))
        return CONTINUE;
    if (seq_eq(a->seg.seq, a->tcb->rcv.nxt))
        return reset_arrived(a); /* RFC5961 01 */
    tcb_count_drop(a->tcp, a->tcb, HAWSER_DROP_RST_IGNORED);
    challenge_ack(a->tcp, a->tcb, a->now_ns); /* RFC5961 02 */
    return DROP;
}

/* Third, security and compartment: RFC 9293 keeps it for the few who use them; nothing is compared
 * (RFC9293 A.1-1). */

/* Fourth, the SYN bit. */
static enum verdict step4_syn(struct arrival *a)
{
    if (!(a->seg.flags & TCP_SYN))
        return CONTINUE;
    struct tcb *tcb = a->tcb;
    tcb_count_drop(a->tcp, tcb, HAWSER_DROP_SYN_IGNORED);
    if (tcb->state == HAWSER_SYN_RECEIVED && tcb->passive) {
        tcb_end(a->tcp, tcb, 0, HAWSER_CAUSE_SYN); /* to LISTEN (RFC9293 3.10.7.4d-1, 3.5-5) */
        return GONE;
    }
    challenge_ack(a->tcp, tcb, a->now_ns); /* RFC9293 3.10.7.4d-2, 3.10.7.4d-4, RFC5961 05 */
    return DROP;
}

/* Fifth, in SYN-RECEIVED. */
static enum verdict ack_of_syn(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    const struct segment *seg = &a->seg;
    if (seq_leq(seg->ack, tcb->snd.una) || seq_gt(seg->ack, tcb->snd.nxt)) {
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_ACK_RANGE);
        reply_reset(seg, a->reply); /* RFC9293 3.10.7.4e-3 */
        return DROP;
    }
    ack_new_data(a->tcp, tcb, seg, a->now_ns);
    window_take(tcb, seg); /* RFC9293 3.10.7.4e-2 */
    enter_established(a->tcp, tcb, HAWSER_CAUSE_ACK_OF_SYN, a->now_ns);
    return CONTINUE;
}

/* RFC5681 13: outstanding data, no text, no SYN or FIN, the same ACK and the same window. With SACK
 * it is the news that counts, on an ACK of new data, too (RFC6675 01, 02; RFC3042 03). */
static bool is_duplicate(const struct tcb *tcb, const struct segment *seg, bool advanced,
                         uint32_t sacked)
{
    if (tcb_flight(tcb) == 0)
        return false;
    if (tcb->has_sack)
        return sacked > 0;
    return !advanced && seq_eq(seg->ack, tcb->snd.una) && seg->len == 0 &&
           window_scaled(tcb, seg) == tcb->snd.wnd;
}

/* The window may have opened, or shut with text waiting. */
static void follow_window(struct tcb *tcb)
{
    if (tcb->snd.wnd > tcb_flight(tcb))
        timers_on_window_open(tcb);
}

/* Fifth, in ESTABLISHED and the states that process ACKs as it does. */
static enum verdict ack_as_established(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    const struct segment *seg = &a->seg;
    if (seq_gt(seg->ack, tcb->snd.nxt)) { /* RFC9293 3.10.7.4e-5 */
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_ACK_RANGE);
        challenge_ack(a->tcp, tcb, a->now_ns);
        return DROP;
    }
    /* RFC 5961 5.2: too old to be honest */
    if (seq_lt(seg->ack, seq_sub(tcb->snd.una, tcb->snd.wnd_max))) {
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_ACK_RANGE);
        challenge_ack(a->tcp, tcb, a->now_ns);
        return DROP;
    }
    /* RFC 7323 5.3 R3, but only now: a stranger who guessed the sequence number could make all that
     * the peer sends look old. As in Linux. */
    timestamps_update(tcb, seg, a->now_ns);
    bool advances = seq_gt(seg->ack, tcb->snd.una);
    /* Of the flight that a loss will halve; what ends an episode was halved with it. */
    bool counts = advances && tcb->recovery == RECOVERY_OPEN;
    uint32_t acked = counts ? seq_diff(seg->ack, tcb->snd.una) : 0;
    if (advances) {
        window_keep_edge(tcb, seq_diff(seg->ack, tcb->snd.una));
        ack_new_data(a->tcp, tcb, seg, a->now_ns); /* RFC9293 3.10.7.4e-4 */
    }
    /* RFC9293 3.10.7.4e-6: an old ACK changes nothing but the scoreboard. */
    uint32_t sacked = recovery_take_sack(a->tcp, tcb, seg);
    if (is_duplicate(tcb, seg, advances, sacked))
        recovery_on_duplicate(a->tcp, tcb, acked);
    window_update(tcb, seg); /* RFC9293 3.10.7.4e-7 */
    follow_window(tcb);
    return CONTINUE;
}

/* Fifth, the ACK field. */
static enum verdict step5_ack(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    if (!(a->seg.flags & TCP_ACK)) {
        tcb_count_drop(a->tcp, tcb, HAWSER_DROP_NO_ACK); /* RFC9293 3.10.7.4e-1 */
        return DROP;
    }
    if (tcb->state == HAWSER_SYN_RECEIVED) {
        enum verdict v = ack_of_syn(a);
        if (v != CONTINUE)
            return v;
    }
    enum verdict v = ack_as_established(a);
    if (v != CONTINUE || !tcb->fin_acked)
        return v;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_FIN_WAIT_1: /* RFC9293 3.10.7.4e-8, FIG5-14; and goes on in FIN-WAIT-2, then
                                * TIME-WAIT for a FIN on it: RFC9293 FIG5-16 */
        tcb_set_state(a->tcp, tcb, HAWSER_FIN_WAIT_2, HAWSER_CAUSE_ACK_OF_FIN);
        return CONTINUE;
    case HAWSER_CLOSING: /* RFC9293 3.10.7.4e-10, FIG5-18, 3.6-5 */
        tcb_time_wait(a->tcp, tcb, HAWSER_CAUSE_ACK_OF_FIN);
        return GONE;
    case HAWSER_LAST_ACK: /* RFC9293 3.10.7.4e-11, FIG5-20 */
        tcb_end(a->tcp, tcb, 0, HAWSER_CAUSE_ACK_OF_FIN);
        return GONE;
    case HAWSER_FIN_WAIT_2: /* RFC9293 3.10.7.4e-9: acknowledged before */
    case HAWSER_ESTABLISHED:
    case HAWSER_CLOSE_WAIT:
        return CONTINUE;
    case HAWSER_SYN_RECEIVED:
    case HAWSER_SYN_SENT:
    case HAWSER_TIME_WAIT:
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        break;
    }
    ASSERT(false);
    return GONE;
}

/* Sixth, the URG bit (RFC9293 MUST-30, MUST-32, MUST-62). */
static void step6_urg(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    if (!(a->seg.flags & TCP_URG) || tcb->no_reader) /* RFC9293 3.1-2 */
        return;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
        break;
    case HAWSER_CLOSE_WAIT: /* RFC9293 3.10.7.4f-2: a FIN came before it */
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
    case HAWSER_SYN_SENT:
    case HAWSER_SYN_RECEIVED:
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        return;
    }
    seq_t up = seq_add(a->seg.seq, a->seg.up);
    /* RFC9293 3.8.5x-1: a pointer to what has been received already, or back, says nothing. */
    if (seq_leq(up, tcb->rcv.nxt) || (tcb->rcv_urgent && seq_leq(up, tcb->rcv.up)))
        return;
    tcb->rcv.up = up; /* RFC9293 3.10.7.4f-1: RCV.UP <- max(RCV.UP, SEG.UP) */
    tcb->rcv_urgent = true;
    tcb_tell(tcb, HAWSER_EVENT_URGENT);
}

/* When the ACK for text in order leaves (RFC 9293 3.8.6.3: RFC9293 SHLD-18, SHLD-19, MUST-58;
 * RFC5681 18). */
static void acknowledge_in_order(struct arrival *a, uint32_t n)
{
    struct tcb *tcb = a->tcb;
    if (tcb->quick_acks > 0) {
        tcb->quick_acks--;
        tcb->ack_now = true;
        return;
    }
    /* Full is what fills a segment of the peer's, which may be far below our MSS: the path, or its
     * own limit, makes it so. Without PSH it had more to say, and so no reason to send less. */
    bool full = n >= tcb->rcv_mss / 2u || !(a->seg.flags & TCP_PSH);
    if (full && tcb->unacked_segs < UINT8_MAX)
        tcb->unacked_segs++;
    if (tcb->unacked_segs >= 2 || seq_diff(tcb->rcv.nxt, tcb->rcv.last_ack) >= 2u * tcb->rcv_mss)
        tcb->ack_now = true;
    else
        timers_on_text_received(a->tcp, tcb, a->now_ns);
}

/* Nobody will ever read this: the peer must learn that it is lost (RFC9293 SHLD-3, 3.10.7.4g-5). */
static enum verdict text_without_reader(struct arrival *a)
{
    tcb_count_drop(a->tcp, a->tcb, HAWSER_DROP_NO_READER);
    reply_reset(&a->seg, a->reply);
    a->reply->segment.seq = a->tcb->snd.nxt;
    tcb_end(a->tcp, a->tcb, HAWSER_ERR_ABORTED, HAWSER_CAUSE_DATA_AFTER_CLOSE);
    return GONE;
}

static enum verdict take_text(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    struct segment *seg = &a->seg;
    if (tcb->no_reader || (tcb->fin_queued && tcb->set.read_shut))
        return text_without_reader(a);
    if (tcb->fin_waiting && seq_gt(seq_add(seg->seq, seg->text_len), tcb->fin_seq))
        seg->text_len = seq_lt(seg->seq, tcb->fin_seq) ? seq_diff(tcb->fin_seq, seg->seq) : 0;
    if (seg->text_len == 0) {
        tcb->ack_now = true; /* nothing can stand behind a FIN; but it is out of order */
        return CONTINUE;
    }
    uint32_t before = tcb->rx.len;
    switch (reasm_insert(a->tcp, tcb, seg->seq, seg->text, seg->text_len)) {
    case REASM_ADVANCED: /* RFC9293 3.10.7.4g-1; with or without PSH (RFC9293 MAY-17) */
        acknowledge_in_order(a, seg->text_len);
        break;
    /* RFC5681 11, RFC6582 07: at once, and one ACK for all it completed (RFC9293 MUST-59) */
    case REASM_FILLED:
        tcb->ack_now = true;
        break;
    case REASM_ISLAND: /* RFC5681 10, RFC2018 04, RFC9293 SHLD-31, MAY-13 */
    case REASM_OLD:
        if (tcb->dup_acks_owed < UINT8_MAX)
            tcb->dup_acks_owed++;
        break;
    case REASM_REFUSED:
        seg->flags = (uint8_t)(seg->flags & ~TCP_FIN); /* as if it had been lost, FIN and all */
        tcb->ack_now = true;
        break;
    }
    if (tcb->rx.len > before)
        tcb_tell(tcb, HAWSER_EVENT_READABLE);
    return CONTINUE;
}

/* Seventh, the segment text. */
static enum verdict step7_text(struct arrival *a)
{
    if (a->seg.text_len == 0)
        return CONTINUE;
    switch ((enum hawser_state)a->tcb->state) {
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
        return take_text(a);
    case HAWSER_CLOSE_WAIT: /* RFC9293 3.10.7.4g-3: cannot be, the peer's FIN is behind us */
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        a->tcb->ack_now = true;
        return CONTINUE;
    case HAWSER_SYN_SENT:
    case HAWSER_SYN_RECEIVED:
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        break;
    }
    ASSERT(false);
    return GONE;
}

/* The FIN is the next in order (RFC9293 3.10.7.4h-2): it takes its number, is acknowledged, and
 * tells the program that this is the end. */
static void take_fin(const struct tcp *tcp, struct tcb *tcb)
{
    ranges_free(&tcb->ooo, tcp->buffers); /* what a liar sent behind its own FIN */
    if (tcb->rx.len == 0)
        ring_free(&tcb->rx, tcp->buffers);
    if (seq_gt(tcb->rcv.up, tcb->rcv.nxt))
        tcb->rcv_urgent = false; /* the mark stands where nothing will ever be (RFC9293 3.8.5x-1) */
    tcb->rcv.nxt = seq_add(tcb->rcv.nxt, 1);
    tcb->rcv.wnd = tcb->rcv.wnd > 0 ? tcb->rcv.wnd - 1 : 0;
    tcb->fin_received = true;
    tcb->fin_waiting = false;
    tcb->ack_now = true;
    tcb_tell(tcb, HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED);
}

/* Is a FIN next in order, on this segment or from before? One that comes too early waits (RFC9293
 * 3.6-7). */
static bool fin_in_order(struct tcb *tcb, const struct segment *seg)
{
    if (tcb->fin_received)
        return false;
    if ((seg->flags & TCP_FIN) && !tcb->fin_waiting) {
        tcb->fin_seq = seq_add(seg->seq, seg->text_len);
        tcb->fin_waiting = true;
    }
    /* Too early is out of order, as for text, and each time that it comes (RFC5681 10). */
    if ((seg->flags & TCP_FIN) && seq_gt(tcb->fin_seq, tcb->rcv.nxt))
        tcb->ack_now = true;
    return tcb->fin_waiting && seq_leq(tcb->fin_seq, tcb->rcv.nxt);
}

/* Eighth, the FIN bit. */
static enum verdict step8_fin(struct arrival *a)
{
    struct tcb *tcb = a->tcb;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_CLOSED: /* RFC9293 3.10.7.4h-1 */
    case HAWSER_LISTEN:
    case HAWSER_SYN_SENT:
        return DROP;
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED: /* RFC9293 3.10.7.4h-3, FIG5-13, 3.6-3 */
        if (fin_in_order(tcb, &a->seg)) {
            take_fin(a->tcp, tcb);
            tcb_set_state(a->tcp, tcb, HAWSER_CLOSE_WAIT, HAWSER_CAUSE_FIN);
        }
        return CONTINUE;
    /* RFC9293 3.10.7.4h-4, FIG5-15: our FIN is unacknowledged, or this were FIN-WAIT-2 */
    case HAWSER_FIN_WAIT_1:
        if (fin_in_order(tcb, &a->seg)) {
            take_fin(a->tcp, tcb);
            a->tcp->counters->closes_simultaneous++;
            tcb_set_state(a->tcp, tcb, HAWSER_CLOSING, HAWSER_CAUSE_FIN);
        }
        return CONTINUE;
    case HAWSER_FIN_WAIT_2: /* RFC9293 3.10.7.4h-5, FIG5-17 */
        if (fin_in_order(tcb, &a->seg)) {
            take_fin(a->tcp, tcb);
            tcb_time_wait(a->tcp, tcb, HAWSER_CAUSE_FIN);
            return GONE;
        }
        return CONTINUE;
    case HAWSER_CLOSE_WAIT: /* RFC9293 3.10.7.4h-6: once is enough (RFC9293 3.4-7, 3.6-6) */
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        if (a->seg.flags & TCP_FIN)
            tcb->ack_now = true;
        return CONTINUE;
    }
    return CONTINUE;
}

/* Cuts what lies outside the window (RFC9293 3.10.7.4a-3). RFC 9293 allows it at the first step;
 * done here, the steps before see the segment as it came. */
static void trim(const struct tcb *tcb, struct segment *seg)
{
    if (seq_lt(seg->seq, tcb->rcv.nxt)) {
        uint32_t old = seq_diff(tcb->rcv.nxt, seg->seq);
        if (old > seg->text_len)
            old = seg->text_len; /* a FIN may stay */
        seg->seq = seq_add(seg->seq, old);
        seg->text += old;
        seg->text_len -= old;
        seg->len -= old;
    }
    uint32_t offset = seq_diff(seg->seq, tcb->rcv.nxt);
    uint32_t room = tcb->rcv.wnd > offset ? tcb->rcv.wnd - offset : 0;
    if (seg->len > room) {
        if (seg->flags & TCP_FIN) {
            seg->flags = (uint8_t)(seg->flags & ~TCP_FIN);
            seg->len--;
        }
        if (seg->text_len > room) {
            seg->len -= seg->text_len - room;
            seg->text_len = room;
        }
    }
}

void segment_steps_text(struct arrival *a)
{
    step6_urg(a); /* before the cut: the pointer counts from the segment's own first number */
    trim(a->tcb, &a->seg);
    if (step7_text(a) == CONTINUE)
        step8_fin(a);
}

void segment_steps(struct arrival *a)
{
    if (step1_sequence(a) != CONTINUE)
        return;
    if (step2_rst(a) != CONTINUE)
        return;
    if (step4_syn(a) != CONTINUE)
        return;
    if (step5_ack(a) != CONTINUE)
        return;
    segment_steps_text(a);
}
