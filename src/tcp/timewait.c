/* SPDX-License-Identifier: MIT */
/* SEGMENT ARRIVES (RFC 9293 3.10.7.4) for a TIME-WAIT record and for a FIN-WAIT-2 record without a
 * program.
 *
 * The steps stand in the RFC's order, with two things in front of the sequence number check. A SYN,
 * because both RFC 6191 and RFC 5961 4.2 judge it whatever its sequence number is; and the
 * timestamp, because RFC 7323 5.3 says so. Whatever a record answers with an ACK, except the peer's
 * FIN, is bounded by the challenge ACK budget of the config, counted in the record itself: two ends
 * that disagree about the numbers cannot keep each other busy (RFC9293 3.4x-2), and no other
 * connection's budget shows what happens here (RFC5961 09, 11). */
#include "tcp/timewait.h"

#include "base/assert.h"
#include "tcp/window.h"

#define ACKS_COUNT_MASK 0x0fu
#define ACKS_INTERVAL_SHIFT 4

/* How far left of SND.NXT an acknowledgement may lie: the largest window there is, because the
 * record does not keep the largest that the peer ever offered (RFC5961 07, 08). */
#define ACK_BEHIND_MAX ((uint32_t)UINT16_MAX << 14)

/* What every step needs. */
struct arrival {
    const struct tcp *tcp;
    struct timewait *record;
    const struct segment *seg;
    uint64_t now_ns;
    struct tcp_reply *reply;
    enum hawser_drop *drop;
    uint32_t ts_offset;
};

static uint64_t time_wait_ns(const struct tcp *tcp)
{
    return 2 * tcp->config->msl_ns;
}

/* RFC9293 MUST-13: rounded up, so that the record never ends a part of a millisecond early. */
static void set_end(struct timewait *record, uint64_t now_ns, uint64_t span_ns)
{
    uint64_t at_ns = ns_add(now_ns, span_ns);
    record->ends_at_ms = (uint32_t)(at_ns / NS_PER_MS + (at_ns % NS_PER_MS != 0));
}

void timewait_from_tcb(const struct tcp *tcp, const struct tcb *tcb, uint64_t now_ns,
                       struct timewait *out)
{
    ASSERT(tcb->state == HAWSER_TIME_WAIT || tcb->state == HAWSER_FIN_WAIT_2);
    bool fin_wait_2 = tcb->state == HAWSER_FIN_WAIT_2;
    uint32_t offered;
    *out = (struct timewait){
        .snd_nxt = tcb->snd.nxt,
        .rcv_nxt = tcb->rcv.nxt,
        .ts_recent = tcb->ts_recent,
        /* What the next ACK would offer: a window that reading has opened must not stay shut. */
        .rcv_wnd = window_field(tcb, false, &offered),
        .rcv_wscale = tcb->rcv_wscale & 0x0fu,
        .has_timestamps = tcb->has_timestamps,
        .fin_wait_2 = fin_wait_2,
        .active = !tcb->passive,
    };
    set_end(out, now_ns, fin_wait_2 ? tcp->config->fin_wait_2_ns : time_wait_ns(tcp));
}

static uint32_t window_bytes(const struct timewait *record)
{
    return (uint32_t)record->rcv_wnd << record->rcv_wscale;
}

/* Header of an answer with these control bits. Timestamps always (RFC7323 12), on a RST too
 * (RFC 7323 3.2). */
static void answer(const struct timewait *record, uint8_t flags, uint32_t ts_offset,
                   uint64_t now_ns, struct tcp_reply *reply)
{
    reply->present = true;
    reply->segment = (struct segment){.seq = record->snd_nxt, .flags = flags};
    if (flags & TCP_ACK) {
        reply->segment.ack = record->rcv_nxt;
        reply->segment.wnd = record->rcv_wnd;
    }
    if (record->has_timestamps) {
        reply->segment.options = TCP_OPT_TIMESTAMPS;
        reply->segment.ts_val = ts_clock(now_ns) + ts_offset;
        reply->segment.ts_ecr = record->ts_recent;
    }
}

void timewait_ack(const struct timewait *record, uint32_t ts_offset, uint64_t now_ns,
                  struct tcp_reply *reply)
{
    answer(record, TCP_ACK, ts_offset, now_ns, reply);
}

/* Takes one ACK from the record's budget. Four bits of the interval's number suffice: a record that
 * was silent for a multiple of 16 intervals may find the budget of back then, and is at worst quiet
 * for one interval more. */
static bool take_ack(const struct arrival *a)
{
    const struct hawser_config *config = a->tcp->config;
    unsigned interval = (unsigned)(a->now_ns / config->challenge_interval_ns) & ACKS_COUNT_MASK;
    unsigned sent = a->record->acks_sent & ACKS_COUNT_MASK;
    if ((unsigned)a->record->acks_sent >> ACKS_INTERVAL_SHIFT != interval)
        sent = 0;
    /* RFC5961 10: as tunable as a connection's, as far as four bits count. */
    if (sent >= config->challenge_acks || sent == ACKS_COUNT_MASK)
        return false;
    a->record->acks_sent = (uint8_t)(interval << ACKS_INTERVAL_SHIFT | (sent + 1));
    return true;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> if the budget allows, and the segment is dropped. */
static enum timewait_outcome ack_and_drop(const struct arrival *a, enum hawser_drop why)
{
    if (take_ack(a))
        answer(a->record, TCP_ACK, a->ts_offset, a->now_ns, a->reply);
    *a->drop = why;
    return TIMEWAIT_KEEP;
}

static enum timewait_outcome drop_silently(const struct arrival *a, enum hawser_drop why)
{
    *a->drop = why;
    return TIMEWAIT_KEEP;
}

static enum timewait_outcome challenge(const struct arrival *a, enum hawser_drop why)
{
    enum timewait_outcome outcome = ack_and_drop(a, why);
    if (a->reply->present)
        a->tcp->counters->challenge_acks++;
    else
        a->tcp->counters->challenge_acks_limited++;
    return outcome;
}

/* RFC7323 30: modulo 2^32. */
static bool ts_after(uint32_t x, uint32_t y)
{
    return (int32_t)(x - y) > 0;
}

/* RFC 6191 2, and where it does not speak of timestamps, RFC9293 MAY-2. "After the last sequence
 * number" means after the peer's FIN, which stands at RCV.NXT-1 (RFC6191 06). */
static bool syn_may_reopen(const struct arrival *a)
{
    const struct timewait *record = a->record;
    const struct segment *seg = a->seg;
    if (record->fin_wait_2 || (seg->flags & TCP_ACK))
        return false; /* not over yet; or not an opening */
    if (a->tcp->config->timestamps && (seg->options & TCP_OPT_TIMESTAMPS)) {
        /* The new incarnation will have timestamps. Old segments have smaller ones (RFC6191 01) or
         * none (RFC6191 04). */
        if (!record->has_timestamps || ts_after(seg->ts_val, record->ts_recent))
            return true;
        if (ts_after(record->ts_recent, seg->ts_val))
            return false; /* an old duplicate SYN (RFC6191 05) */
    }
    return seq_geq(seg->seq, record->rcv_nxt); /* RFC6191 02, 03 */
}

/* Fourth, but first: SYN (RFC9293 3.10.7.4d-2, 3.10.7.4d-3; RFC5961 05). RFC6191 05 would be silent
 * about a SYN that may not reopen; an ACK lets a peer that really restarted find out, by the RST it
 * draws where RFC 1337 does not stop it (RFC5961 06), and tells an old duplicate nothing. */
static enum timewait_outcome syn_arrives(const struct arrival *a)
{
    if (syn_may_reopen(a))
        return TIMEWAIT_REOPEN; /* RFC9293 SHLD-4 */
    return challenge(a, HAWSER_DROP_SYN_IGNORED);
}

/* Second: RST (RFC 5961 3.2). Text in it makes no difference (RFC9293 SHLD-2), nor do timestamps
 * (RFC7323 25). */
static enum timewait_outcome rst_arrives(const struct arrival *a)
{
    const struct timewait *record = a->record;
    /* Exact counts with a window of zero too (RFC9293 3.10.7.4b-8). */
    bool exact = seq_eq(a->seg->seq, record->rcv_nxt);
    if (!exact && !seq_in(a->seg->seq, record->rcv_nxt, window_bytes(record)))
        return drop_silently(a, HAWSER_DROP_RST_IGNORED); /* RFC9293 3.10.7.4b-1, RFC5961 03 */
    if (!record->fin_wait_2 && a->tcp->config->rfc1337) {
        /* RFC1337 01: the RST may answer the ACK that an old duplicate drew from us, and TIME-WAIT
         * is there to outlive those. */
        a->tcp->counters->timewait_resets_ignored++;
        return drop_silently(a, HAWSER_DROP_RST_IGNORED);
    }
    if (!exact)
        return challenge(a, HAWSER_DROP_RST_IGNORED); /* RFC9293 3.10.7.4b-3, RFC5961 02 */
    a->tcp->counters->resets_in++;
    return TIMEWAIT_END; /* RFC9293 3.10.7.4b-2, 3.10.7.4b-7; RFC5961 01 */
}

/* R1 of RFC 7323 5.3. No record lives for the 24 days after which TS.Recent would be worth
 * nothing. */
static bool paws_refuses(const struct arrival *a)
{
    return a->record->has_timestamps && (a->seg->options & TCP_OPT_TIMESTAMPS) &&
           ts_after(a->record->ts_recent, a->seg->ts_val);
}

/* RFC7323 23. All that we received was acknowledged, so Last.ACK.sent is RCV.NXT. */
static void update_ts_recent(const struct arrival *a)
{
    struct timewait *record = a->record;
    if (record->has_timestamps && (a->seg->options & TCP_OPT_TIMESTAMPS) &&
        seq_leq(a->seg->seq, record->rcv_nxt))
        record->ts_recent = a->seg->ts_val; /* not older: paws_refuses */
}

/* First: the table of RFC 9293 3.4 (RFC9293 3.4-2, 3.4-3, 3.4-4, 3.4-5). */
static bool acceptable(const struct timewait *record, const struct segment *seg)
{
    uint32_t wnd = window_bytes(record);
    if (seg->len == 0)
        return seq_in(seg->seq, record->rcv_nxt, wnd) ||
               (wnd == 0 && seq_eq(seg->seq, record->rcv_nxt));
    return seq_in(seg->seq, record->rcv_nxt, wnd) ||
           seq_in(seq_add(seg->seq, seg->len - 1), record->rcv_nxt, wnd);
}

/* Fifth: ACK. Beyond SND.NXT it acknowledges what was never sent, far behind it is of another
 * connection; one difference tells both. */
static bool ack_acceptable(const struct timewait *record, const struct segment *seg)
{
    return seq_diff(record->snd_nxt, seg->ack) <= ACK_BEHIND_MAX;
}

/* Eighth: FIN. 2 MSL from now, and always an ACK: the peer sends it again until one arrives. */
static enum timewait_outcome fin_arrives(const struct arrival *a)
{
    set_end(a->record, a->now_ns, time_wait_ns(a->tcp));
    timewait_ack(a->record, a->ts_offset, a->now_ns, a->reply);
    return TIMEWAIT_RESTART;
}

/* TIME-WAIT behind the RST and SYN checks: all that can come is the peer's FIN once more
 * (RFC9293 3.10.7.4e-12), and what is old. */
static enum timewait_outcome time_wait_arrives(const struct arrival *a)
{
    const struct timewait *record = a->record;
    const struct segment *seg = a->seg;
    bool in_window = acceptable(record, seg);
    /* With or without the text before it, the FIN that was received stands at RCV.NXT-1: left of
     * the window, and yet what this state is for. */
    bool fin_again = (seg->flags & TCP_FIN) &&
                     seq_eq(seq_add(seg->seq, seg->len), record->rcv_nxt) && (seg->flags & TCP_ACK);
    if (!in_window && !fin_again)
        return ack_and_drop(a, HAWSER_DROP_WINDOW); /* RFC9293 3.10.7.4a-1, RFC1337 02 */
    if (!(seg->flags & TCP_ACK))
        return drop_silently(a, HAWSER_DROP_NO_ACK); /* RFC9293 3.10.7.4e-1 */
    if (!ack_acceptable(record, seg))
        return ack_and_drop(a, HAWSER_DROP_ACK_RANGE);
    update_ts_recent(a);
    if (seg->flags & TCP_FIN)
        return fin_arrives(a); /* RFC9293 3.10.7.4a-7, 3.10.7.4h-7 */
    if (seg->text_len > 0)
        return ack_and_drop(a, HAWSER_DROP_TIME_WAIT); /* after the FIN: RFC9293 3.10.7.4g-3 */
    return drop_silently(a, HAWSER_DROP_TIME_WAIT);    /* RFC9293 3.4x-1 */
}

/* FIN-WAIT-2 behind the RST and SYN checks: our FIN is acknowledged, the peer's is awaited, nobody
 * reads. */
static enum timewait_outcome fin_wait_2_arrives(const struct arrival *a)
{
    struct timewait *record = a->record;
    const struct segment *seg = a->seg;
    if (!acceptable(record, seg))
        return ack_and_drop(a, HAWSER_DROP_WINDOW); /* RFC9293 3.10.7.4a-1 */
    if (!(seg->flags & TCP_ACK))
        return drop_silently(a, HAWSER_DROP_NO_ACK); /* RFC9293 3.10.7.4e-1 */
    if (!ack_acceptable(record, seg))
        return ack_and_drop(a, HAWSER_DROP_ACK_RANGE); /* RFC9293 3.10.7.4e-5 */
    update_ts_recent(a);
    seq_t text_end = seq_add(seg->seq, seg->text_len);
    if (seg->text_len > 0 && seq_gt(text_end, record->rcv_nxt)) {
        /* RFC9293 SHLD-3, 3.10.7.4g-5: the peer must hear that its text is lost.
         * <SEQ=SND.NXT><CTL=RST>, which is exact for it, because it acknowledged our FIN. */
        answer(record, TCP_RST, a->ts_offset, a->now_ns, a->reply);
        return TIMEWAIT_END;
    }
    if (!(seg->flags & TCP_FIN))
        return drop_silently(a, HAWSER_DROP_TIME_WAIT); /* RFC9293 3.4x-1 */
    if (!seq_eq(text_end, record->rcv_nxt)) /* text is missing, and will be answered as above */
        return ack_and_drop(a, HAWSER_DROP_OUT_OF_ORDER);
    record->rcv_nxt = seq_add(text_end, 1); /* RFC9293 3.10.7.4h-2, 3.10.7.4h-5 */
    record->fin_wait_2 = false;
    return fin_arrives(a);
}

enum timewait_outcome timewait_arrives(const struct tcp *tcp, struct timewait *record,
                                       const struct segment *seg, uint32_t ts_offset,
                                       uint64_t now_ns, struct tcp_reply *reply,
                                       enum hawser_drop *drop)
{
    const struct arrival a = {tcp, record, seg, now_ns, reply, drop, ts_offset};
    reply->present = false;
    if (seg->flags & TCP_RST)
        return rst_arrives(&a);
    if (seg->flags & TCP_SYN)
        return syn_arrives(&a);
    if (paws_refuses(&a)) {
        tcp->counters->paws_refused++;
        return ack_and_drop(&a, HAWSER_DROP_PAWS); /* RFC7323 24 */
    }
    return record->fin_wait_2 ? fin_wait_2_arrives(&a) : time_wait_arrives(&a);
}

bool timewait_may_reuse(const struct tcp *tcp, const struct timewait *record, bool loopback,
                        uint64_t now_ns)
{
    const struct hawser_config *config = tcp->config;
    bool wanted = config->timewait_reuse == 1 || (config->timewait_reuse == 2 && loopback);
    if (!wanted || record->fin_wait_2 || !record->has_timestamps || !config->timestamps)
        return false;
    /* When TIME-WAIT began, or was restarted, follows from its end; rounded so that the age is
     * never taken for more than it is. */
    uint32_t began_ms = record->ends_at_ms - (uint32_t)(time_wait_ns(tcp) / NS_PER_MS);
    int32_t age_ms = (int32_t)(timewait_clock(now_ns) - began_ms);
    return age_ms >= 0 && (uint64_t)age_ms * NS_PER_MS >= config->timewait_reuse_delay_ns;
}
