/* SPDX-License-Identifier: MIT */
/* Loss recovery: what was lost, what is sent again and when it is over (RFC 5681 3.2, 6582, 6675,
 * 3042).
 *
 * The queue is one stretch of octets [snd.una, snd.nxt). `sacked` are the islands in it that the
 * peer holds. Two marks divide it: below lost_edge, what is not SACKed counts as lost; below
 * high_rxt, it has been sent again. After a timeout lost_edge is where the queue then ended, which
 * is go-back-N over what is not SACKed; in fast recovery it follows from IsLost(). */
#include "tcp/recovery.h"

#include "base/hot.h"
#include "tcp/cc.h"

static seq_t clamp(const struct tcb *tcb, seq_t s)
{
    return seq_min(seq_max(s, tcb->snd.una), tcb->snd.nxt);
}

/* Octets of [una, limit) that are SACKed. */
static uint32_t sacked_below(const struct tcb *tcb, seq_t limit)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < tcb->sacked.count; i++) {
        seq_t left = seq_of(tcb->sacked.at[i].left);
        if (seq_geq(left, limit))
            break;
        sum += seq_diff(seq_min(seq_of(tcb->sacked.at[i].right), limit), left);
    }
    return sum;
}

static void forget_sacked(const struct tcp *tcp, struct tcb *tcb)
{
    ranges_free(&tcb->sacked, tcp->buffers);
    tcb->sacked_bytes = 0;
}

/* RFC6675 09: below which number IsLost() holds: DupThresh SACKed islands, or more than (DupThresh
 * - 1) * SMSS SACKed octets, above it. */
static seq_t lost_below(const struct tcb *tcb)
{
    uint32_t bytes = 0;
    unsigned islands = 0;
    for (unsigned i = tcb->sacked.count; i > 0; i--) {
        const struct range *r = &tcb->sacked.at[i - 1];
        islands++;
        bytes += r->right - r->left;
        if (islands >= DUP_THRESH || bytes > (DUP_THRESH - 1) * tcb->snd_mss)
            return seq_of(r->left);
    }
    return tcb->snd.una;
}

/* RFC2018 14: a block is believed when it lies wholly inside what is outstanding. Below snd.una it
 * is old news or a D-SACK (RFC2883 06). */
static bool block_is_sane(const struct tcp *tcp, const struct tcb *tcb, const struct sack_block *b)
{
    if (seq_leq(b->right, tcb->snd.una) && seq_lt(b->left, b->right))
        return false;
    if (seq_gt(b->left, tcb->snd.una) && seq_lt(b->left, b->right) &&
        seq_leq(b->right, tcb->snd.nxt))
        return true;
    tcp->counters->sack_blocks_refused++;
    return false;
}

uint32_t recovery_take_sack(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg)
{
    if (!tcb->has_sack || !(seg->options & TCP_OPT_SACK))
        return 0;
    uint32_t news = 0;
    for (unsigned i = 0; i < seg->sack_count; i++) {
        const struct sack_block *b = &seg->sack[i];
        uint32_t added;
        /* RFC2018 08: edges may lie anywhere. A full list loses the block's news, never data. */
        if (block_is_sane(tcp, tcb, b) &&
            ranges_add(&tcb->sacked, tcp->buffers, b->left.v, b->right.v, NULL, &added))
            news += added;
    }
    tcb->sacked_bytes += news;
    if (news > 0 && tcb->recovery == RECOVERY_OPEN)
        tcb->lost_edge = lost_below(tcb);
    else if (news > 0 && tcb->recovery == RECOVERY_FAST)
        tcb->lost_edge = seq_max(tcb->lost_edge, lost_below(tcb)); /* what was lost stays lost */
    return news;
}

/* A window for the end of an episode: the last ACK may have jumped over all that was under way, and
 * nothing paces what follows (RFC 6582 3.2 step 3, its first variant). */
static uint32_t without_burst(const struct tcb *tcb, uint32_t window)
{
    uint32_t flight = tcb_flight(tcb);
    uint32_t most = (flight > tcb->snd_mss ? flight : tcb->snd_mss) + tcb->snd_mss;
    return window < most ? window : most;
}

static void leave(struct tcb *tcb)
{
    tcb->recovery = RECOVERY_OPEN;
    tcb->dup_acks = 0;
    tcb->limited_segs = 0;
    tcb->high_rxt = tcb->snd.una;
    /* RFC6675 07: what is SACKed above snd.una stays known. */
    tcb->lost_edge = lost_below(tcb);
}

/* acked: octets that the ACK which told of the loss took off the queue itself. They were FlightSize
 * when it came; what may be sent in their place has not left yet, and is no reason to halve
 * twice. */
static void enter_fast(const struct tcp *tcp, struct tcb *tcb, uint32_t acked)
{
    /* RFC5681 14: limited transmit's segments do not count as FlightSize. */
    uint32_t limited = (uint32_t)tcb->limited_segs * tcb->snd_mss;
    uint32_t flight = tcb_flight(tcb) + acked;
    flight = flight > limited ? flight - limited : flight;
    tcb->ssthresh = cc_ops_of(tcb)->ssthresh(tcb, flight);
    /* RFC6675 04 with SACK; RFC5681 14 inflates by the segments that have left the network. */
    tcb->cwnd = tcb->ssthresh + (tcb->has_sack ? 0 : DUP_THRESH * tcb->snd_mss);
    tcb->recover = tcb->snd.nxt;
    tcb->high_rxt = tcb->snd.una;
    tcb->recovery = RECOVERY_FAST;
    tcb->partial_seen = false;
    tcb->rescue_used = false;
    tcb->rtx_now = true; /* the segment at snd.una, whatever pipe says */
    tcp->counters->fast_retransmits++;
    if (tcb->has_sack)
        tcp->counters->sack_recoveries++;
}

/* RFC6582 02, RFC6675 08: no new episode before the last one's end has been acknowledged. A SACK
 * that tells news cannot be an echo of go-back-N, so there reaching the end is enough. */
static bool may_enter(const struct tcb *tcb)
{
    if (tcb->recovery != RECOVERY_OPEN)
        return false;
    return tcb->has_sack ? seq_geq(tcb->snd.una, tcb->recover) : seq_gt(tcb->snd.una, tcb->recover);
}

void recovery_on_duplicate(const struct tcp *tcp, struct tcb *tcb, uint32_t acked)
{
    tcb->dup_acks_total++;
    if (tcb->dup_acks < UINT8_MAX)
        tcb->dup_acks++;
    if (tcb->recovery == RECOVERY_FAST && !tcb->has_sack) {
        tcb->cwnd += tcb->snd_mss; /* RFC5681 15 */
        return;
    }
    /* RFC5681 12, RFC2018 13; RFC6675 02 also when few ACKs tell of much SACKed. */
    bool lost =
        tcb->dup_acks >= DUP_THRESH || (tcb->has_sack && seq_gt(tcb->lost_edge, tcb->snd.una));
    if (lost && may_enter(tcb))
        enter_fast(tcp, tcb, acked);
}

/* RFC6582 04: one segment more is missing. */
static bool newreno_partial_ack(struct tcb *tcb, uint32_t acked)
{
    tcb->cwnd = tcb->cwnd > acked ? tcb->cwnd - acked : 0;
    if (acked >= tcb->snd_mss || tcb->cwnd < tcb->snd_mss)
        tcb->cwnd += tcb->snd_mss;
    tcb->rtx_now = true;
    tcb->high_rxt = tcb->snd.una;
    bool first = !tcb->partial_seen;
    tcb->partial_seen = true;
    return first; /* RFC6582 05 */
}

static bool ack_in_fast(struct tcb *tcb, uint32_t acked)
{
    if (seq_geq(tcb->snd.una, tcb->recover)) {
        if (!tcb->has_sack)
            tcb->cwnd = without_burst(tcb, tcb->ssthresh); /* RFC6582 03 */
        leave(tcb);
        return true;
    }
    if (!tcb->has_sack)
        return newreno_partial_ack(tcb, acked);
    /* A partial ACK alone does not say that what follows is lost: after mere reordering every ACK
     * of the episode is one. IsLost() and, when there is nothing new to send, rules 3 and 4 of
     * NextSeg() say it. */
    tcb->high_rxt = seq_max(tcb->high_rxt, tcb->snd.una);
    tcb->lost_edge = seq_max(tcb->lost_edge, lost_below(tcb));
    return true;
}

/* The peer gave back what it had SACKed (RFC2018 10, 11): a cumulative ACK stops where an island
 * begins. */
static void check_reneging(const struct tcp *tcp, struct tcb *tcb)
{
    if (tcb->sacked.count == 0 || seq_gt(seq_of(tcb->sacked.at[0].left), tcb->snd.una))
        return;
    forget_sacked(tcp, tcb);
    tcp->counters->sack_reneged++;
    tcb->recover = tcb->snd.nxt;
    tcb->high_rxt = tcb->snd.una;
    tcb->lost_edge = tcb->snd.nxt;
    tcb->recovery = RECOVERY_LOSS;
    tcb->timed_out = false;
}

bool recovery_on_ack(const struct tcp *tcp, struct tcb *tcb, uint32_t acked, uint64_t now_ns)
{
    if (tcb->sacked.count > 0) {
        /* An island that begins at snd.una itself is the sign of reneging: look before it is cut
         * away. */
        ranges_drop_below(&tcb->sacked, tcp->buffers, tcb->snd.una.v);
        tcb->sacked_bytes = ranges_total(&tcb->sacked);
        check_reneging(tcp, tcb);
    }
    tcb->dup_acks = 0; /* RFC6675 01 */
    tcb->limited_segs = 0;
    bool restart = true;
    switch ((enum tcb_recovery)tcb->recovery) {
    case RECOVERY_OPEN:
        tcb->high_rxt = tcb->snd.una;
        tcb->lost_edge = lost_below(tcb);
        if (tcb->cwnd_limited)
            cc_ops_of(tcb)->on_ack(tcb, acked, now_ns);
        break;
    case RECOVERY_FAST:
        restart = ack_in_fast(tcb, acked);
        break;
    case RECOVERY_LOSS:
        tcb->high_rxt = seq_max(tcb->high_rxt, tcb->snd.una);
        cc_ops_of(tcb)->on_ack(tcb, acked, now_ns);
        if (seq_geq(tcb->snd.una, tcb->recover)) {
            if (tcb->timed_out)
                tcb->cwnd = without_burst(tcb, tcb->cwnd);
            leave(tcb);
        }
        break;
    }
    /* The scoreboard that outlived the episode may tell of the next loss already; no duplicate
     * needs to come for it (RFC6675 07). What this ACK took off is of the last window, which has
     * been halved. */
    if (tcb->has_sack && seq_gt(tcb->lost_edge, tcb->snd.una) && may_enter(tcb))
        enter_fast(tcp, tcb, 0);
    return restart;
}

void recovery_on_timeout(const struct tcp *tcp, struct tcb *tcb)
{
    /* Within an episode ssthresh was lowered for this window before, by the first timeout (RFC5681
     * 09) or by duplicates; what these have let out since does not lift it. */
    uint32_t half = cc_ops_of(tcb)->ssthresh(tcb, tcb_flight(tcb));
    if (tcb->recovery == RECOVERY_OPEN || half < tcb->ssthresh)
        tcb->ssthresh = half;
    tcb->cwnd = tcb->snd_mss; /* RFC5681 08, RFC6928 03: the loss window */
    tcb->recover = tcb->snd.nxt;
    tcb->high_rxt = tcb->snd.una;
    tcb->lost_edge = tcb->snd.nxt;
    tcb->recovery = RECOVERY_LOSS;
    tcb->timed_out = true;
    tcb->dup_acks = 0;
    tcb->limited_segs = 0;
    tcb->rtx_now = true; /* RFC2018 09: the left edge, SACKed or not */
    /* RFC2018 10: a second timeout in a row means that the scoreboard does not help. */
    if (tcb->rtx_count >= 2)
        forget_sacked(tcp, tcb);
}

void recovery_on_path_mtu(const struct tcp *tcp, struct tcb *tcb)
{
    (void)tcp;
    if (tcb_flight(tcb) <= tcb->snd_mss)
        return; /* nothing that is outstanding can have been too big */
    tcb->recover = tcb->snd.nxt;
    tcb->high_rxt = tcb->snd.una;
    tcb->lost_edge = tcb->snd.nxt;
    tcb->recovery = RECOVERY_LOSS;
    tcb->timed_out = false;
    if (tcb->cwnd < tcb->ssthresh)
        tcb->ssthresh = tcb->cwnd;
    tcb->timing = false;
}

HOT uint32_t recovery_pipe(const struct tcb *tcb)
{
    uint32_t flight = tcb_flight(tcb);
    if (tcb->recovery == RECOVERY_OPEN)
        return flight - tcb->sacked_bytes;
    if (tcb->recovery == RECOVERY_FAST && !tcb->has_sack)
        return flight; /* RFC 6582 counts in cwnd what has left the network */
    seq_t edge = clamp(tcb, tcb->lost_edge);
    seq_t high = clamp(tcb, tcb->high_rxt);
    uint32_t lost = seq_diff(edge, tcb->snd.una) - sacked_below(tcb, edge);
    uint32_t again = seq_diff(high, tcb->snd.una) - sacked_below(tcb, high);
    return flight - tcb->sacked_bytes - lost + again;
}

HOT uint32_t recovery_allowance(const struct tcb *tcb)
{
    /* RFC3042 01: without SACK the first two duplicates stand for a segment each that has left;
     * with it pipe has counted them already (RFC6675 03). */
    if (tcb->recovery == RECOVERY_OPEN && !tcb->has_sack && tcb->dup_acks > 0) {
        uint32_t extra = tcb->dup_acks < DUP_THRESH ? tcb->dup_acks : DUP_THRESH - 1;
        return tcb->cwnd + extra * tcb->snd_mss;
    }
    return tcb->cwnd;
}

/* The first stretch of [from, limit) that is not SACKed, cut to SMSS. */
static bool first_unsacked(const struct tcb *tcb, seq_t from, seq_t limit, struct hole *hole)
{
    seq_t at = seq_max(from, tcb->snd.una);
    uint16_t i = tcb->sacked.count == 0 ? 0 : ranges_find(&tcb->sacked, at.v);
    if (i < tcb->sacked.count && seq_leq(seq_of(tcb->sacked.at[i].left), at)) {
        at = seq_of(tcb->sacked.at[i].right);
        i++;
    }
    if (seq_geq(at, limit))
        return false;
    if (i < tcb->sacked.count)
        limit = seq_min(limit, seq_of(tcb->sacked.at[i].left));
    hole->seq = at;
    hole->len = seq_diff(limit, at);
    if (hole->len > tcb->snd_mss)
        hole->len = tcb->snd_mss;
    return hole->len > 0;
}

uint32_t recovery_front(const struct tcb *tcb)
{
    if (tcb->sacked.count == 0)
        return tcb->snd_mss; /* output.c cuts it where snd.nxt is */
    uint32_t missing = tcb->sacked.at[0].left - tcb->snd.una.v;
    return missing < tcb->snd_mss ? missing : tcb->snd_mss;
}

bool recovery_lost_hole(const struct tcb *tcb, struct hole *hole)
{
    if (tcb->recovery == RECOVERY_OPEN || (tcb->recovery == RECOVERY_FAST && !tcb->has_sack))
        return false;
    if (!first_unsacked(tcb, tcb->high_rxt, clamp(tcb, tcb->lost_edge), hole))
        return false;
    /* lost_edge may cut a segment in the middle: what is missing goes on to the next island, and is
     * sent again as whole segments. */
    struct hole whole;
    if (first_unsacked(tcb, hole->seq, seq_min(tcb->snd.nxt, tcb->recover), &whole))
        hole->len = whole.len;
    return true;
}

/* Rule 4: the segment that holds the highest octet that is not SACKed. It may be a lost tail, of
 * which nothing but a timeout would tell otherwise. Not when that octet has gone again already: a
 * single loss with nothing new behind it would be sent twice at once (docs/deviations.md). */
static bool highest_unsacked(const struct tcb *tcb, struct hole *hole)
{
    seq_t end = tcb->snd.nxt, start = tcb->snd.una;
    unsigned i = tcb->sacked.count;
    if (i > 0 && tcb->sacked.at[i - 1].right == end.v)
        end = seq_of(tcb->sacked.at[--i].left);
    if (i > 0)
        start = seq_of(tcb->sacked.at[i - 1].right);
    uint32_t most = tcb->snd_mss;
    if (tcb_fin_sent(tcb) && seq_eq(end, tcb->snd.nxt))
        most++; /* a FIN takes a number, and no room */
    hole->len = seq_diff(end, start) < most ? seq_diff(end, start) : most;
    hole->seq = seq_sub(end, hole->len);
    return seq_gt(end, tcb->high_rxt);
}

bool recovery_other_hole(const struct tcb *tcb, struct hole *hole, bool *rescue)
{
    *rescue = false;
    if (tcb->recovery != RECOVERY_FAST || !tcb->has_sack)
        return false;
    if (tcb->sacked.count > 0) {
        seq_t high_sacked = seq_of(tcb->sacked.at[tcb->sacked.count - 1].right);
        if (first_unsacked(tcb, tcb->high_rxt, high_sacked, hole))
            return true; /* rule 3 */
    }
    *rescue = true;
    return !tcb->rescue_used && highest_unsacked(tcb, hole);
}
