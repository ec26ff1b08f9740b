/* SPDX-License-Identifier: MIT */
/* Writing what send.c decided: header, options and text into the link's buffer, and what follows
 * for the block. */
#include <string.h>

#include "base/assert.h"
#include "tcp/cc.h"
#include "tcp/handshake.h"
#include "tcp/isn.h"
#include "tcp/reasm.h"
#include "tcp/recovery.h"
#include "tcp/rtx.h"
#include "tcp/send.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/window.h"
#include "wire/checksum.h"

/* What every segment of a synchronized connection says: ACK, window, timestamps, SACK. Returns the
 * window offered, in octets. */
static inline uint32_t fill_common(const struct tcb *tcb, uint64_t now_ns, struct segment *seg)
{
    uint32_t offered;
    seg->ack = tcb->rcv.nxt;
    seg->flags = (uint8_t)(seg->flags | TCP_ACK); /* RFC9293 3.1-3 */
    seg->wnd = window_field(tcb, (seg->flags & TCP_SYN) != 0, &offered);
    if (tcb->has_timestamps) { /* RFC7323 12 */
        seg->options |= TCP_OPT_TIMESTAMPS;
        seg->ts_val = ts_clock(now_ns) + tcb->ts_offset;
        seg->ts_ecr = tcb->ts_recent;
    }
    if (tcb->has_sack && tcb->ooo.count > 0) { /* RFC2018 02, 03, 07 */
        seg->options |= TCP_OPT_SACK;
        seg->sack_count = (uint8_t)reasm_sack_blocks(tcb, tcb->has_timestamps ? 3 : 4, seg->sack);
    }
    return offered;
}

void send_ack_segment(const struct tcb *tcb, uint64_t now_ns, struct segment *out)
{
    memset(out, 0, sizeof *out);
    out->seq = tcb->snd.nxt;
    fill_common(tcb, now_ns, out);
}

/* The SYN of an active open, or the SYN-ACK of SYN-RECEIVED (RFC9293 3.5-2: SEQ=ISS both times). */
static uint32_t fill_syn(const struct tcp *tcp, const struct tcb *tcb, uint64_t now_ns,
                         struct segment *seg)
{
    uint32_t ts_val = ts_clock(now_ns) + tcb->ts_offset;
    seg->seq = tcb->iss;
    seg->flags = TCP_SYN;
    seg->len = 1;
    uint32_t offered = handshake_initial_rcv_wnd(tcp, &tcb->set);
    if (tcb->state == HAWSER_SYN_SENT) {
        handshake_offer(tcp, &tcb->set, tcb->rcv_mss, ts_val, seg);
    } else {
        struct handshake_options peer = {
            .ts_val = tcb->ts_recent,
            .mss = tcb->peer_mss,
            .has_timestamps = tcb->has_timestamps,
            .has_sack = tcb->has_sack,
            .has_wscale = tcb->has_wscale,
            .wscale = tcb->snd_wscale,
        };
        handshake_answer(tcp, &tcb->set, tcb->rcv_mss, &peer, ts_val, seg);
        seg->flags |= TCP_ACK;
        seg->ack = tcb->rcv.nxt;
    }
    seg->wnd = (uint16_t)offered;
    return offered;
}

/* RFC9293 MUST-62: the pointer names the octet after the last urgent one. */
static void fill_urgent(const struct tcb *tcb, struct segment *seg)
{
    if (!tcb->urgent_valid || seq_leq(tcb->snd.up, seg->seq))
        return;
    uint32_t distance = seq_diff(tcb->snd.up, seg->seq);
    if (distance > UINT16_MAX)
        return; /* too far ahead for 16 bits: a later segment will say it */
    seg->flags |= TCP_URG;
    seg->up = (uint16_t)distance;
}

/* Octets of text that a full segment with these options holds: SACK blocks take their room from it
 * (RFC6691 02). */
static inline uint32_t text_room(const struct tcb *tcb, const struct segment *seg)
{
    uint32_t options = tcp_header_bytes(seg) - TCP_HEADER_MIN;
    uint32_t usual = tcb->has_timestamps ? 12 : 0;
    uint32_t extra = options > usual ? options - usual : 0;
    return tcb->snd_mss > extra + 8 ? tcb->snd_mss - extra : 8;
}

/* Text, PSH and FIN of [seq, …): at most `len` octets, at most what there is room for. What is sent
 * again ends where SND.NXT is: new text goes as new text. */
static inline void fill_text(const struct tcb *tcb, uint32_t len, bool again, struct segment *seg)
{
    uint32_t most = text_room(tcb, seg);
    seq_t end = tcb_tx_end(tcb);
    seq_t limit = again ? seq_min(end, tcb->snd.nxt) : end;
    uint32_t there = seq_lt(seg->seq, limit) ? seq_diff(limit, seg->seq) : 0;
    seg->text_len = len < there ? len : there;
    if (seg->text_len > most)
        seg->text_len = most;
    bool last = seq_eq(seq_add(seg->seq, seg->text_len), end);
    if (seg->text_len > 0 && last)
        seg->flags |= TCP_PSH; /* RFC9293 MUST-61, SHLD-27 */
    seg->len = seg->text_len;
    if (last && tcb->fin_queued && (!again || tcb_fin_sent(tcb))) {
        seg->flags |= TCP_FIN;
        seg->len++;
    }
}

/* FIN needs a number of the window of its own when it is sent for the first time. */
static void fin_within_window(const struct tcb *tcb, struct segment *seg)
{
    if ((seg->flags & TCP_FIN) && !tcb_fin_sent(tcb) && tcb_flight(tcb) + seg->len > tcb->snd.wnd &&
        seg->text_len > 0) {
        seg->flags = (uint8_t)(seg->flags & ~TCP_FIN);
        seg->len--;
    }
}

/* Copies the text behind the header and returns the sum over both. */
static uint32_t write_segment(const struct tcb *tcb, const struct segment *seg, uint8_t *out)
{
    uint32_t header = tcp_emit_header(seg, out);
    uint32_t sum = checksum_sum(out, header);
    if (seg->text_len == 0)
        return sum;
    struct ring_span span[2];
    unsigned count = ring_spans(&tcb->tx, seq_diff(seg->seq, tcb_tx_seq(tcb)), seg->text_len, span);
    sum = checksum_add(sum, checksum_copy(out + header, span[0].data, span[0].len));
    if (count == 2) {
        uint32_t second = checksum_copy(out + header + span[0].len, span[1].data, span[1].len);
        sum = checksum_add(sum, span[0].len & 1 ? checksum_swap(second) : second);
    }
    return sum;
}

/* An ACK and a window have left on this segment. Text that is sent again may be there already; then
 * the peer looks at nothing else on the segment (RFC 9293 3.10.7.4, first), so an ACK that is owed
 * stays owed. */
static void acked_by(struct tcb *tcb, uint32_t offered, bool again)
{
    tcb->rcv.wnd = offered;
    tcb->rcv.last_ack = tcb->rcv.nxt;
    if (again)
        return;
    tcb->ack_now = false;
    tcb->window_update = false;
    tcb->unacked_segs = 0;
    timers_on_ack_sent(tcb);
}

/* Sequence space was used, for the first time. */
static void sent_new(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg,
                     uint64_t now_ns)
{
    seq_t end = seq_add(seg->seq, seg->len);
    if (!tcb->timing) { /* RFC6298 07: one sample a round trip */
        tcb->timing = true;
        tcb->rtt_seq = end;
        tcb->rtt_at_ns = now_ns;
    }
    if (seg->text_len < text_room(tcb, seg))
        tcb->small_end = end;
    tcb->snd.nxt = end;
    /* Limited transmit: what the duplicates let out beyond cwnd (RFC5681 14 will not count it). */
    bool limited = tcb->dup_acks > 0 && tcb->dup_acks < DUP_THRESH && tcb_flight(tcb) > tcb->cwnd;
    if (tcb->recovery == RECOVERY_OPEN && limited) {
        tcb->limited_segs++;
        tcp->counters->limited_transmits++;
    }
    tcb->bytes_sent += seg->text_len;
    tcb->override_now = false;
    if (tcb->recovery == RECOVERY_OPEN)
        tcb->high_rxt = tcb->snd.una;
    /* The window is in full use when the next segment would not go for its sake. */
    uint32_t pipe = recovery_pipe(tcb);
    tcb->cwnd_limited = tcb->cwnd < pipe + tcb->snd_mss;
}

/* Sequence space was used again. */
static void sent_again(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg,
                       bool rescue)
{
    seq_t end = seq_add(seg->seq, seg->len);
    if (rescue)
        /* RFC6675 05: HighRxt stays, what lies below may yet be found lost */
        tcb->rescue_used = true;
    else if (tcb->recovery != RECOVERY_OPEN && seq_gt(end, tcb->high_rxt))
        tcb->high_rxt = end;
    if (tcb->timing && seq_lt(seg->seq, tcb->rtt_seq))
        tcb->timing = false; /* RFC6298 06, Karn */
    tcb->rtx_total++;
    tcb->bytes_rtx += seg->text_len;
    tcp->counters->segments_retransmitted++;
}

/* RFC 5681 4.1: after an idle time longer than the RTO the old window means nothing. */
static void restart_after_idle(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    if (tcb_flight(tcb) == 0 && tcb->bytes_sent > 0 &&
        (uint64_t)(ms_clock(now_ns) - tcb->sent_at_ms) * 1000 > tcb->rto_us)
        cc_ops_of(tcb)->on_idle(tcp, tcb);
}

static bool emit_syn(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns, struct segment *seg,
                     uint32_t *offered)
{
    bool again = tcb->segs_out > 0 && (tcb->rtx_count > 0 || tcb->state != HAWSER_SYN_SENT);
    *offered = fill_syn(tcp, tcb, now_ns, seg);
    tcb->rtx_now = false;
    if (!again && !tcb->timing) {
        tcb->timing = true;
        tcb->rtt_seq = seq_add(tcb->iss, 1);
        tcb->rtt_at_ns = now_ns;
    }
    if (again) {
        sent_again(tcp, tcb, seg, false);
        tcb->rtt_at_ns = now_ns;
    }
    timers_on_sent(tcb, now_ns);
    return again;
}

/* The oldest outstanding octets left again. */
static void front_again(struct tcb *tcb, const struct send_plan *plan, uint64_t now_ns)
{
    if (plan->kind == SEND_FRONT) {
        tcb->rtx_now = false;
        if (tcb->recovery == RECOVERY_LOSS)
            tcb->rtt_at_ns = now_ns; /* echoes of what left before are ambiguous (RFC8961 02) */
    }
    bool newreno = tcb->recovery == RECOVERY_FAST && !tcb->has_sack;
    bool keeps = newreno && tcb->partial_seen; /* RFC6582 05 */
    if (seq_eq(plan->seq, tcb->snd.una) && !keeps)
        timers_on_front_again(tcb, now_ns);
}

/* Text or FIN, new or again. */
static bool emit_text(const struct tcp *tcp, struct tcb *tcb, const struct send_plan *plan,
                      uint64_t now_ns, struct segment *seg, uint32_t *offered)
{
    bool again = plan->kind != SEND_NEW;
    if (!again)
        restart_after_idle(tcp, tcb, now_ns);
    seg->seq = plan->seq;
    *offered = fill_common(tcb, now_ns, seg);
    fill_text(tcb, plan->len, again, seg);
    fill_urgent(tcb, seg);
    if (!again)
        fin_within_window(tcb, seg);
    if (again) {
        sent_again(tcp, tcb, seg, plan->rescue);
        front_again(tcb, plan, now_ns);
    } else {
        sent_new(tcp, tcb, seg, now_ns);
    }
    timers_on_sent(tcb, now_ns);
    return again;
}

static void emit_ack(const struct tcp *tcp, struct tcb *tcb, const struct send_plan *plan,
                     uint64_t now_ns, struct segment *seg, uint32_t *offered)
{
    seg->seq = plan->seq;
    *offered = fill_common(tcb, now_ns, seg);
    if (plan->kind == SEND_DUP_ACK)
        tcb->dup_acks_owed--;
    if (plan->kind == SEND_PROBE) {
        tcb->probe_now = false;
        tcb->sent_at_ms = ms_clock(now_ns);
        tcb->answered = false;
        if (tcb->timer.persist_ns != NEVER)
            tcp->counters->window_probes++;
        fill_urgent(tcb, seg); /* RFC9293 MUST-66: urgency is told even while the window is shut */
    }
}

/* Deadlines that only a call with the time could set. */
static void arm(const struct tcp *tcp, struct tcb *tcb, enum send_kind kind, uint64_t now_ns)
{
    if (kind == SEND_ARM_PERSIST)
        timers_on_window_shut(tcb, now_ns);
    else if (kind == SEND_ARM_OVERRIDE)
        timers_on_held_back(tcp, tcb, now_ns);
    else
        timers_arm(tcb, now_ns);
}

uint32_t tcp_output(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns, uint16_t src_port,
                    uint16_t dst_port, uint8_t *out, uint32_t *sum, struct segment *sent,
                    bool *again)
{
    struct segment seg;
    uint32_t offered = 0;
    bool retransmission = false;
    tcb_check(tcp, tcb);
    if (send_is_quiet(tcb)) /* as nearly always after a segment */
        return 0;
    memset(&seg, 0, sizeof seg);
    seg.src_port = src_port;
    seg.dst_port = dst_port;
    struct send_plan what = send_decide(tcb);
    while (what.kind >= SEND_ARM_PERSIST) {
        arm(tcp, tcb, what.kind, now_ns);
        what = send_decide(tcb);
    }
    if (what.kind == SEND_NOTHING)
        return 0;
    if (what.kind == SEND_FRONT && !tcb->syn_acked)
        retransmission = emit_syn(tcp, tcb, now_ns, &seg, &offered);
    else if (what.kind == SEND_ACK || what.kind == SEND_DUP_ACK || what.kind == SEND_PROBE)
        emit_ack(tcp, tcb, &what, now_ns, &seg, &offered);
    else
        retransmission = emit_text(tcp, tcb, &what, now_ns, &seg, &offered);
    *sum = write_segment(tcb, &seg, out);
    acked_by(tcb, offered, retransmission && !(seg.flags & TCP_SYN));
    tcb->segs_out++;
    tcp->counters->segments_out++;
    if (sent != NULL)
        *sent = seg;
    if (again != NULL)
        *again = retransmission;
    tcb_check(tcp, tcb);
    return tcp_header_bytes(&seg) + seg.text_len;
}
