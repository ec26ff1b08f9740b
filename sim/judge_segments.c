/* SPDX-License-Identifier: MIT */
/* The checkers of segments: numbers within the peer's window, acknowledgements of what came,
 * windows that do not shrink, options that were agreed, and no storm. */
#include <string.h>

#include "sim/internal.h"

#define FIN PACKET_FIN
#define SYN PACKET_SYN
#define RST PACKET_RST
#define ACK PACKET_ACK

/* So many segments without anything new, at more than IDLE_RATE a second, are a storm. */
#define IDLE_SEGMENTS 20000u
#define IDLE_RATE 300u

static uint32_t length_of(const struct hawser_segment *seg)
{
    return seg->length + ((seg->flags & SYN) != 0) + ((seg->flags & FIN) != 0);
}

static uint32_t index_of(const struct sim *sim, const struct life *life)
{
    return (uint32_t)(life - sim->store->lives.list);
}

/* Its status is to be looked at when its host has done what it has to do. */
static void touch(struct sim *sim, const struct life *life)
{
    uint32_t index = index_of(sim, life);
    if (sim->touched_count < 64 &&
        (sim->touched_count == 0 || sim->touched[sim->touched_count - 1] != index))
        sim->touched[sim->touched_count++] = index;
}

/* ---- in -------------------------------------------------------------------------------------- */

static void hear_syn(struct life *life, const struct hawser_segment *seg)
{
    life->heard_syn = true;
    life->irs = seg->seq;
    life->rcv_high = seg->seq + 1 + seg->length;
    life->has_irs = true;
    life->peer_mss = seg->mss;
    life->scaling_heard = seg->wscale >= 0;
    life->snd_scale = seg->wscale > 14 ? 14 : seg->wscale > 0 ? (uint8_t)seg->wscale : 0;
    life->timestamps_heard = seg->has_timestamps;
}

/* A listener took this SYN for a request. */
void judge_request(struct life *life, const struct hawser_segment *syn)
{
    hear_syn(life, syn);
    life->has_edge = false;
}

/* Or made a connection of this ACK of a cookie: what the SYNs said was not kept. */
void judge_cookie(struct life *life, const struct hawser_segment *ack)
{
    life->of_cookie = life->has_iss = life->has_irs = true;
    life->iss = ack->ack - 1;
    life->snd_una = life->snd_max = ack->ack;
    life->irs = ack->seq - 1;
    life->rcv_high = ack->seq + length_of(ack);
    life->fin_heard = (ack->flags & FIN) != 0;
}

static bool may_be_handshake(const struct life *life, const struct hawser_segment *seg)
{
    if (!(seg->flags & SYN) || (seg->flags & RST))
        return false;
    if (life->state == HAWSER_SYN_SENT) /* acceptable only when it acknowledges ours, or nothing */
        return !(seg->flags & ACK) || seg->ack == life->snd_max;
    return false;
}

static void judge_in(struct sim *sim, struct life *life, const struct hawser_trace_event *event)
{
    const struct hawser_segment *seg = &event->segment;
    /* MUST-40, with the instant in which it came. */
    if (life->ack_due_ns != 0 && life->state == HAWSER_ESTABLISHED &&
        sim->now_ns > life->ack_due_ns + 500 * SIM_MS)
        sim_fail(sim, "delayed-ack", index_of(sim, life),
                 "text came %.3f s ago and was not acknowledged",
                 (double)(sim->now_ns - life->ack_due_ns) / 1e9);
    if (may_be_handshake(life, seg))
        hear_syn(life, seg);
    if (!life->has_irs)
        return;
    uint32_t end = seg->seq + length_of(seg);
    uint32_t right = life->has_ack ? life->rcv_edge : life->irs + 1 + UINT16_MAX;
    if (!(seg->flags & RST) && seq_diff(end, life->rcv_high) > 0 && seq_diff(seg->seq, right) <= 0)
        life->rcv_high = end;
    if (seg->flags & FIN)
        life->fin_heard = true;
    if (!(seg->flags & ACK) || (seg->flags & RST) || !life->has_iss)
        return;
    /* How far it may send is told only by what acknowledges something that was sent. */
    if (seq_diff(seg->ack, life->snd_una) < 0 || seq_diff(seg->ack, life->snd_max) > 0)
        return;
    unsigned scale =
        seg->flags & SYN || !(life->scaling_heard && life->scaling_sent) ? 0 : life->snd_scale;
    uint32_t edge = seg->ack + ((uint32_t)seg->window << scale);
    if (!life->has_edge || seq_diff(edge, life->snd_edge) > 0)
        life->snd_edge = edge;
    life->has_edge = true;
    if (life->has_heard_seq && seq_diff(seg->seq, life->heard_seq) < 0)
        touch(sim, life); /* older than what came: what it says of the window is, too */
    else if (seq_diff(edge, life->snd_edge) < 0)
        life->edge_lowered = true; /* older, too, but its number does not tell */
    sim->heard_by = index_of(sim, life);
}

/* The last segment was processed: its ACK counts unless it was dropped. */
void judge_heard(struct sim *sim, bool counts)
{
    if (counts && sim->heard_by != LIFE_NONE) {
        struct life *life = &sim->store->lives.list[sim->heard_by];
        if (seq_diff(sim->heard.ack, life->snd_una) > 0) {
            life->snd_una = sim->heard.ack;
            life->timeouts = 0;
        }
        if (!life->has_heard_seq || seq_diff(sim->heard.seq, life->heard_seq) > 0)
            life->heard_seq = sim->heard.seq;
        life->has_heard_seq = true;
        bool in_order = life->has_ack && sim->heard.seq == life->ack_sent && sim->heard.length > 0;
        if (in_order && life->ack_due_ns == 0 && life->state == HAWSER_ESTABLISHED)
            life->ack_due_ns = sim->now_ns + 1;
    }
    sim->heard_by = LIFE_NONE;
}

/* ---- out ------------------------------------------------------------------------------------- */

static void say_syn(struct life *life, const struct hawser_segment *seg)
{
    life->has_iss = true;
    life->iss = life->snd_una = seg->seq;
    life->snd_max = seg->seq + 1;
    life->scaling_sent = seg->wscale >= 0;
    life->rcv_scale = seg->wscale > 0 ? (uint8_t)seg->wscale : 0;
    life->timestamps_sent = seg->has_timestamps;
    if (seg->flags & ACK) {
        life->has_irs = true;
        life->irs = seg->ack - 1;
    }
}

static void judge_numbers(struct sim *sim, struct life *life, const struct hawser_segment *seg)
{
    uint32_t end = seg->seq + length_of(seg);
    if (seg->length > 0 && breaks(sim, SIM_BREAK_GAP, 3))
        end += 2, life->snd_max -= 1;
    if (seq_diff(seg->seq, life->snd_max) > 0)
        sim_fail(sim, "sequence", index_of(sim, life), "sent %u, %d beyond what follows", seg->seq,
                 seq_diff(seg->seq, life->snd_max));
    if (length_of(seg) > 0 && seq_diff(end, life->snd_una) <= 0 && (seg->flags & SYN) == 0)
        sim_fail(sim, "sequence", index_of(sim, life),
                 "sent %u to %u again, which was acknowledged up to %u", seg->seq, end,
                 life->snd_una);
    if (seg->length > 0 && life->has_edge && breaks(sim, SIM_BREAK_WINDOW, 5))
        life->snd_edge = end - 1;
    if (seg->length > 0 && life->has_edge && !life->of_cookie && seq_diff(end, life->snd_edge) > 0)
        sim_fail(sim, "window", index_of(sim, life),
                 "sent up to %u, but the peer's window ends at %u", end, life->snd_edge);
    /* RFC 6691, MUST-16: with the options that every segment carries. */
    uint32_t mss = life->peer_mss == 0 ? (hawser_address_is_v4(&life->local.address) ? 536 : 1220)
                                       : life->peer_mss;
    if (life->heard_syn && seg->length > mss)
        sim_fail(sim, "mss", index_of(sim, life), "%u octets, but the peer's MSS is %u",
                 seg->length, mss);
    if (seg->flags & FIN)
        life->fin_sent = true;
    if (seg->retransmission && seg->length > 0)
        touch(sim, life);
    if (seq_diff(end, life->snd_max) > 0) {
        life->snd_max = end;
        life->idle_segments = 0;
        if (seg->length > 0) {
            life->sent_new = true;
            touch(sim, life);
        }
    }
}

static void judge_acknowledgement(struct sim *sim, struct life *life,
                                  const struct hawser_segment *seg)
{
    uint32_t ack = seg->ack;
    if (life->has_ack && breaks(sim, SIM_BREAK_ACK, 5))
        ack += 70000;
    if (life->has_irs && life->heard_syn && seq_diff(ack, life->rcv_high) > 0)
        sim_fail(sim, "acknowledgement", index_of(sim, life),
                 "acknowledged %u, but nothing came beyond %u", ack, life->rcv_high);
    if (life->has_ack && seq_diff(ack, life->ack_sent) < 0)
        sim_fail(sim, "acknowledgement", index_of(sim, life), "acknowledged %u after %u", ack,
                 life->ack_sent);
    unsigned scale =
        seg->flags & SYN || !(life->scaling_sent && life->scaling_heard) ? 0 : life->rcv_scale;
    uint32_t edge = ack + ((uint32_t)seg->window << scale);
    if (life->has_ack && breaks(sim, SIM_BREAK_EDGE, 5))
        edge -= 100000;
    /* SHLD-14: what was offered stays offered, but for what the scale, or a SYN, cannot say. */
    if (life->has_ack && !life->of_cookie && !(seg->flags & SYN) &&
        seq_diff(edge, life->rcv_edge) <= -(1 << scale))
        sim_fail(sim, "edge", index_of(sim, life), "the window's edge went back by %d",
                 seq_diff(life->rcv_edge, edge));
    if (!life->has_ack || seq_diff(edge, life->rcv_edge) > 0)
        life->rcv_edge = edge;
    if (!life->has_ack || seq_diff(ack, life->ack_sent) > 0)
        life->idle_segments = 0;
    life->has_ack = true;
    life->ack_sent = ack;
}

static void judge_options(struct sim *sim, struct life *life, const struct hawser_segment *seg)
{
    bool both = life->timestamps_sent && life->timestamps_heard && life->heard_syn;
    if (both && !seg->has_timestamps) /* RFC 7323 3.2 */
        sim_fail(sim, "timestamps", index_of(sim, life),
                 "a segment without one, both agreed on them");
    if (seg->has_timestamps) {
        if (life->timestamps && seq_diff(seg->ts_val, life->ts_sent) < 0)
            sim_fail(sim, "timestamps", index_of(sim, life), "%u after %u", seg->ts_val,
                     life->ts_sent);
        life->ts_sent = seg->ts_val;
        life->ts_echoed = seg->ts_ecr;
        life->timestamps = true;
    }
    bool of_syn = seg->mss != 0 || seg->wscale >= 0 || seg->sack_permitted;
    if (of_syn && !(seg->flags & SYN)) /* RFC 7323 2.2, RFC 9293 3.1 */
        sim_fail(sim, "options", index_of(sim, life), "an option of SYNs on a segment without SYN");
}

static void judge_out(struct sim *sim, struct life *life, const struct hawser_trace_event *event)
{
    const struct hawser_segment *seg = &event->segment;
    if ((seg->flags & SYN) && !life->has_iss && event->state != HAWSER_CLOSED) /* no cookie's */
        say_syn(life, seg);
    if (seg->flags & ACK)
        life->ack_due_ns = 0;
    if (seg->flags & RST) {
        if (event->state != HAWSER_CLOSED)
            sim_fail(sim, "reset", index_of(sim, life), "a connection in %s sent a RST",
                     hawser_state_name(event->state));
        return;
    }
    /* Replies that were decided upon before the incarnation changed are told as CLOSED. */
    if (event->state == HAWSER_CLOSED || !life->has_iss)
        return;
    judge_numbers(sim, life, seg);
    if (seg->flags & ACK)
        judge_acknowledgement(sim, life, seg);
    if (!(seg->flags & SYN))
        judge_options(sim, life, seg);
}

/* ---- storms ---------------------------------------------------------------------------------- */

static void judge_storm(struct sim *sim, uint32_t host, struct life *life,
                        const struct hawser_segment *seg)
{
    struct sim_host *at = &sim->hosts[host];
    bool new_text = life != NULL && life->has_iss && length_of(seg) > 0 &&
                    seq_diff(seg->seq + length_of(seg), life->snd_max) > 0;
    if (!new_text && --at->allowance < 0)
        sim_fail(sim, "storm", life == NULL ? LIFE_NONE : index_of(sim, life),
                 "host %u sends without a cause", host);
    if (life == NULL || (seg->flags & RST)) /* which nobody answers */
        return;
    if (life->idle_segments++ == 0)
        life->idle_since_ns = sim->now_ns;
    if (life->idle_segments < IDLE_SEGMENTS)
        return;
    uint64_t span_ns = sim->now_ns - life->idle_since_ns;
    if (span_ns / SIM_MS * IDLE_RATE < (uint64_t)IDLE_SEGMENTS * 1000)
        sim_fail(sim, "storm", index_of(sim, life), "%u segments in %.3f s and nothing new",
                 life->idle_segments, (double)span_ns / 1e9);
    life->idle_segments = 0;
}

void judge_segment(struct sim *sim, uint32_t host, const struct hawser_trace_event *event,
                   struct life *life)
{
    judge_heard(sim, true);
    if (event->kind == HAWSER_TRACE_SEGMENT_IN) {
        int64_t more = 6; /* an ACK, and what it lets be sent again */
        sim->hosts[host].allowance += sim->options.breaks == SIM_BREAK_STORM ? 0 : more;
        sim->heard = event->segment;
        if (life != NULL && !sim->forging)
            judge_in(sim, life, event);
        return;
    }
    /* A SYN-ACK of nobody is a cookie: a connection may come without a request. */
    if ((event->segment.flags & (SYN | ACK)) == (SYN | ACK) && event->state == HAWSER_CLOSED)
        sim->cookies = true;
    judge_storm(sim, host, life, &event->segment);
    if (life != NULL)
        judge_out(sim, life, event);
    else if (!(event->segment.flags & (RST | SYN)) && event->state != HAWSER_CLOSED)
        sim_fail(sim, "sequence", LIFE_NONE, "host %u sends on a connection that never began",
                 host);
}
