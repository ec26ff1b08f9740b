/* SPDX-License-Identifier: MIT */
/* One number for all states that behave alike: the only file here that looks into a host.
 *
 * Left out is what no later step can show, and each omission is of one of these kinds:
 *   - where the clocks and the sequence numbers begin: times are relative to the host's clock,
 *     sequence numbers to the last ISS of the end that counts by them, timestamps to their host's
 *     clock. The two clocks' distance stays in, and so does, while another
 *     connection may begin, how far the ISN clock has run beyond the last ISS.
 *   - what is only counted or shown: counters, handles, statistics.
 *   - what is where in memory: slots, free lists, the wheels' turning, spare buffers.
 *   - bytes that a user queued: they follow from the life and the place (judge_byte).
 *   - what a comparison has decided for good: an age beyond the limit it is compared with.
 *   - the round-trip estimate, where the setup leaves the timeout only one value, and the
 *     congestion window, where all that a user may send fits into one segment.
 *   - budgets of challenge ACKs: a connection's is larger than any history is long; an ACK that a
 *     record's leaves out is as good as lost, which the network may do to it anyway.
 * That nothing is left out that matters is checked while exploring: of states with equal numbers
 * that were reached in different ways, a sample is expanded twice, and must have equal successors
 * (search.c). */
#include <string.h>

#include "stack/host.h"
#include "world.h"

struct canon {
    uint64_t h;
    const struct world *w;
    unsigned at; /* the host that is being looked at */
};

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

static void add(struct canon *c, uint64_t v)
{
    c->h = mix(c->h, v);
}

static void add_time(struct canon *c, uint64_t at_ns)
{
    add(c, at_ns == NEVER ? NEVER - 1 : at_ns - c->w->model.end[c->at].now_ns);
}

/* A number that `end` counts by. */
static uint32_t relative(const struct canon *c, unsigned end, uint32_t seq)
{
    return seq - c->w->model.end[end].iss;
}

static void add_own(struct canon *c, seq_t seq)
{
    add(c, relative(c, c->at, seq.v));
}

static void add_peer(struct canon *c, seq_t seq)
{
    add(c, relative(c, 1 - c->at, seq.v));
}

/* Two numbers in one word. */
static void add_pair(struct canon *c, uint32_t a, uint32_t b)
{
    add(c, (uint64_t)a << 32 | b);
}

static uint32_t ts_relative(const struct canon *c, unsigned end, uint32_t ts)
{
    return ts - (uint32_t)(c->w->model.end[end].now_ns / NS_PER_MS);
}

static void add_bytes(struct canon *c, const uint8_t *bytes, size_t count)
{
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        add(c, word);
    }
    for (; count > 0; count--)
        add(c, *bytes++);
}

/* ---- a connection --------------------------------------------------------------------------- */

static void add_ranges(struct canon *c, const struct ranges *r, unsigned space)
{
    add(c, r->count);
    for (unsigned i = 0; i < r->count; i++)
        add_pair(c, relative(c, space, r->at[i].left), relative(c, space, r->at[i].right));
}

/* What arrived and was not read, in order and behind gaps. */
static void add_text(struct canon *c, const struct tcb *tcb)
{
    uint8_t bytes[2048];
    add(c, tcb->rx.len);
    for (uint32_t at = 0; at < tcb->rx.len; at += sizeof bytes) {
        uint32_t n = tcb->rx.len - at < sizeof bytes ? tcb->rx.len - at : sizeof bytes;
        ring_read_at(&tcb->rx, at, bytes, n);
        add_bytes(c, bytes, n);
    }
    for (unsigned i = 0; i < tcb->ooo.count; i++) {
        uint32_t left = tcb->ooo.at[i].left, right = tcb->ooo.at[i].right;
        uint32_t mask = ring_capacity(&tcb->rx) - 1;
        for (uint32_t seq = left; seq != right; seq++)
            add(c, tcb->rx.base[(tcb->rx.head + tcb->rx.len + (seq - tcb->rcv.nxt.v)) & mask]);
    }
}

static void add_flags(struct canon *c, const struct tcb *t)
{
    const bool bits[] = {
        t->has_timestamps, t->has_sack,       t->has_wscale,   t->passive,       t->fin_queued,
        t->syn_acked,      t->fin_acked,      t->fin_received, t->no_reader,     t->ack_now,
        t->urgent_valid,   t->rcv_urgent,     t->rtx_now,      t->probe_now,     t->override_now,
        t->syn_lost,       t->more,           t->want_write,   t->r1_reported,   t->sent_told,
        t->timed_out,      t->partial_seen,   t->rescue_used,  t->window_update, t->fin_waiting,
        t->segs_out > 0,   t->bytes_sent > 0,
    };
    uint64_t word = 0;
    for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
        word = word << 1 | bits[i];
    add(c, word);
}

/* RFC 6298. Where every sample gives the same timeout, what matters is whether there will be
 * one. */
static void add_estimate(struct canon *c, const struct tcb *t)
{
    bool one_value = c->w->setup->rto_ms >= 60000;
    add(c, t->rto_us);
    if (one_value)
        add(c, !state_is_synchronized(t->state) && t->srtt_us == 0); /* RFC 6298 5.7 */
    else
        add_pair(c, t->srtt_us, t->rttvar_us);
    if (one_value && t->rto_us == c->w->setup->rto_ms * 1000)
        return;
    add(c, t->timing);
    if (t->timing)
        add_own(c, t->rtt_seq);
    if (!one_value || (!t->timing && t->has_timestamps))
        add_time(c, t->rtt_at_ns == 0 ? NEVER : t->rtt_at_ns);
}

/* One segment holds all that there ever is to send: then no congestion window is too small. */
static bool is_tiny(const struct canon *c)
{
    const struct setup *s = c->w->setup;
    return (s->sends[c->at] * s->chunk_bytes) <= 500;
}

static void add_ages(struct canon *c, const struct tcb *t)
{
    uint32_t now_ms = ms_clock(c->w->model.end[c->at].now_ns);
    uint32_t silent_ms = now_ms - t->sent_at_ms;
    bool idle = (uint64_t)silent_ms * 1000 > t->rto_us; /* RFC 5681 4.1 */
    add(c, idle ? UINT32_MAX : silent_ms);
    /* Asked of the last sending, which is the present one or a later one (last_is_answered). */
    add(c, (uint64_t)((int32_t)(t->heard_at_ms - t->sent_at_ms) >= 0) << 1 |
               (t->heard_at_ms == now_ms));
}

static void add_tcb(struct canon *c, const struct tcb *t)
{
    add_flags(c, t);
    add(c, (uint64_t)t->recovery << 48 | (uint64_t)t->snd_wscale << 40 |
               (uint64_t)t->rcv_wscale << 32 | (uint64_t)t->dup_acks_owed << 24 |
               (uint64_t)(t->dup_acks > 3 ? 3 : t->dup_acks) << 16 | /* compared with 3 at most */
               (uint64_t)t->rtx_count << 8 | t->probe_count);
    add(c, (uint64_t)t->quick_acks << 48 | (uint64_t)t->unacked_segs << 40 |
               (uint64_t)t->limited_segs << 32 | (uint64_t)(uint8_t)t->error << 16 |
               (uint64_t)(uint8_t)t->soft_error << 8 | (uint8_t)t->net_error);
    add_own(c, t->snd.una);
    add_own(c, t->snd.nxt);
    add_pair(c, t->snd.wnd, t->snd.wnd_max);
    add(c, t->rcv.wnd);
    add_own(c, t->iss);
    if (t->state != HAWSER_SYN_SENT) { /* there the peer's numbers are not known yet */
        add_peer(c, t->snd.wl1);
        add_own(c, t->snd.wl2);
        add_peer(c, t->rcv.nxt);
        add_peer(c, t->rcv.last_ack);
        add_peer(c, t->irs);
    }
    add_pair(c, t->peer_mss, t->snd_mss);
    add(c, t->tx.len);
    add_text(c, t);
    add_ranges(c, &t->ooo, 1 - c->at);
    add_ranges(c, &t->sacked, c->at);
    if (t->ooo.count > 0) {
        for (unsigned i = 0; i < 3; i++)
            add_peer(c, t->ooo_recent[i]);
    }
    if (t->fin_waiting)
        add_peer(c, t->fin_seq);
    add_pair(c, t->rcv_buf_bytes, t->rcv_grow_bytes);
    if (!is_tiny(c)) {
        add_pair(c, t->cwnd, t->ssthresh);
        add_pair(c, t->cc_acked, t->cwnd_limited);
    }
    add_own(c, t->recover);
    add_own(c, t->high_rxt);
    add_own(c, t->lost_edge);
    add_own(c, t->small_end);
    if (t->has_timestamps && t->state != HAWSER_SYN_SENT)
        add(c, ts_relative(c, 1 - c->at, t->ts_recent));
    add_estimate(c, t);
    add_ages(c, t);
    add_time(c, t->timer.rtx_ns);
    add_time(c, t->timer.persist_ns);
    add_time(c, t->timer.override_ns);
    add_time(c, t->timer.delack_ns);
    add_time(c, t->timer.keepalive_ns);
    add_time(c, t->timer.user_ns);
}

static void add_conn(struct canon *c, const struct conn *conn)
{
    add(c, (uint64_t)conn->role << 16 | (uint64_t)conn->mapped << 8 | conn->tcb.state);
    if (conn->mapped) {
        add_tcb(c, &conn->tcb);
        add_time(c, conn->timer.at_ns);
    } else {
        add_text(c, &conn->tcb);
        add(c, (uint64_t)(uint8_t)conn->tcb.error << 8 | conn->tcb.fin_received);
    }
}

/* ---- half-open requests and records --------------------------------------------------------- */

static void add_wait(struct canon *c, const struct timewait *t)
{
    uint64_t now_ns = c->w->model.end[c->at].now_ns;
    add_own(c, t->snd_nxt);
    add_peer(c, t->rcv_nxt);
    if (t->has_timestamps)
        add(c, ts_relative(c, 1 - c->at, t->ts_recent));
    add(c, timewait_ends_ns(t, now_ns) - now_ns);
    add_pair(c, t->rcv_wnd,
             (uint32_t)t->rcv_wscale << 3 | (uint32_t)t->has_timestamps << 2 |
                 (uint32_t)t->fin_wait_2 << 1 | t->active);
}

static void add_request(struct canon *c, const struct request *r)
{
    const struct halfopen *half = &r->half;
    uint32_t now_ms = ms_clock(c->w->model.end[c->at].now_ns);
    uint32_t answered_ms = now_ms - half->synack_sent_ms;
    add_time(c, half->synack_at_ns);
    add_time(c, r->timer.at_ns);
    add_own(c, half->iss);
    add_peer(c, half->irs);
    if (half->has_timestamps)
        add(c, ts_relative(c, 1 - c->at, half->ts_recent));
    add(c, answered_ms > 500 ? 500 : answered_ms); /* RFC 4987: answers to repeated SYNs */
    add_pair(c, half->snd_wnd, half->peer_mss);
    add(c, (uint64_t)half->peer_wscale << 32 | (uint64_t)half->own_wscale << 24 |
               (uint64_t)half->synack_count << 16 | (uint64_t)half->has_timestamps << 5 |
               (uint64_t)half->has_sack << 4 | (uint64_t)half->has_wscale << 3 |
               (uint64_t)half->synack_now << 2 | (uint64_t)half->ack_now << 1 | half->repeated);
    if (c->w->setup->rto_ms < 60000 || half->synack_count > 1) {
        add_time(c, half->first_at_ns == 0 ? NEVER : half->first_at_ns);
        add(c, answered_ms);
    }
    add(c, r->reopened);
    if (r->reopened)
        add_wait(c, &r->wait);
}

/* ---- a host, its user, the network ---------------------------------------------------------- */

static void add_life(struct canon *c, const struct life *l)
{
    add(c, (uint64_t)l->peer << 40 | (uint64_t)l->sent << 24 | (uint64_t)l->read << 8 |
               (uint64_t)l->heard_fin << 4 | (uint64_t)l->synchronized << 3 |
               (uint64_t)l->ended << 2 | (uint64_t)l->excused << 1 | l->time_wait);
}

static void add_user(struct canon *c, const struct end *end)
{
    const struct setup *s = c->w->setup;
    uint64_t now_ns = end->now_ns;
    add(c, (uint64_t)end->opens_left << 40 | (uint64_t)end->accepts_left << 32 |
               (uint64_t)end->sends_left << 24 | (uint64_t)end->lives << 8 |
               (uint64_t)end->iss_spent << 4 | (uint64_t)(end->listener != 0) << 3 |
               (uint64_t)(end->tcp != 0) << 2 | (uint64_t)end->shut << 1 | end->eof);
    for (unsigned i = 0; i < end->lives; i++)
        add_life(c, &end->life[i]);
    if (end->time_wait_ns != 0)
        add_time(c, end->time_wait_ns);
    bool may_begin =
        end->opens_left > 0 || end->listener != 0 || (s->late_listen && end->accepts_left > 0);
    if (may_begin && end->has_iss)
        add(c, (uint32_t)(now_ns / 4000) - end->iss); /* the ISN clock of isn.c */
    if (end->listener != 0)
        add(c, end->request_peer);
}

static void add_host(struct canon *c, unsigned at)
{
    const struct end *end = &c->w->model.end[at];
    const struct hawser_host *host = end->host;
    uint64_t cursor = 0;
    uint32_t index;
    bool v6;
    c->at = at;
    add_user(c, end);
    for (int mapped = 1; mapped >= 0; mapped--) {
        for (uint32_t i = 0; i < host->conns.fresh_next; i++) {
            const struct conn *conn = conn_at(host, i);
            if (conn->role != CONN_FREE && conn->mapped == mapped)
                add_conn(c, conn);
        }
    }
    for (uint32_t i = 0; i < host->requests.fresh_next; i++) {
        if (request_at(host, i)->used)
            add_request(c, request_at(host, i));
    }
    while (records_walk(&host->records, &cursor, &v6, &index))
        add_wait(c, records_at(&host->records, v6, index));
    add(c, 0x5e9a7a7e);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The options whose numbers are relative; the others as they are. */
static void add_options(struct canon *c, const uint8_t *o, const uint8_t *end, unsigned from)
{
    while (o < end && *o != 0) {
        if (*o == 1) {
            o++;
            continue;
        }
        add(c, *o);
        if (*o == 8) {
            add(c, ts_relative(c, from, be32(o + 2)));
            uint32_t echo = be32(o + 6);
            add(c, echo == 0 ? UINT64_MAX : ts_relative(c, 1 - from, echo));
        } else if (*o == 5) {
            for (unsigned i = 2; i < o[1]; i += 4)
                add(c, relative(c, 1 - from, be32(o + i)));
        } else {
            for (unsigned i = 2; i < o[1]; i++)
                add(c, o[i]);
        }
        o += o[1];
    }
}

static uint64_t packet_number(const struct world *w, const struct packet *p)
{
    struct canon c = {.h = p->from, .w = w};
    const uint8_t *tcp = p->frame + 20; /* IPv4 without options */
    const uint8_t *text = tcp + (tcp[12] >> 4) * 4;
    uint8_t flags = tcp[13];
    add(&c, p->sent_ns - w->model.end[1 - p->from].now_ns);
    add(&c, flags);
    uint32_t seq = be32(tcp + 4);
    bool unnumbered = (flags & 4) != 0 && seq == 0; /* RFC 9293 3.10.7.1 */
    add(&c, unnumbered ? UINT64_MAX : relative(&c, p->from, seq));
    if (flags & 16)
        add(&c, relative(&c, 1u - p->from, be32(tcp + 8)));
    if (flags & 2)
        add(&c, p->life);
    add(&c, (uint64_t)tcp[14] << 8 | tcp[15]);
    add_options(&c, tcp + 20, text, p->from);
    add(&c, p->length - (uint64_t)(text - p->frame));
    add_bytes(&c, text, (size_t)(p->frame + p->length - text));
    return c.h;
}

static void sort_network(struct world *w)
{
    static _Thread_local struct packet spare;
    unsigned count = w->model.count;
    for (unsigned i = 0; i < count; i++)
        w->net[i].order = packet_number(w, &w->net[i]);
    for (unsigned i = 1; i < count; i++) {
        for (unsigned j = i; j > 0 && w->net[j].order < w->net[j - 1].order; j--) {
            size_t size = offsetof(struct packet, frame);
            memcpy(&spare, &w->net[j], size + w->net[j].length);
            memcpy(&w->net[j], &w->net[j - 1], size + w->net[j - 1].length);
            memcpy(&w->net[j - 1], &spare, size + spare.length);
        }
    }
}

/* What counts as no number must not lie where numbers are in use. */
static void check_origin(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct end *end = &w->model.end[i];
        if (end->has_iss && end->iss + (UINT32_C(1) << 20) < UINT32_C(1) << 21)
            world_fail(w, "the sequence numbers are too close to 0 for this explorer");
    }
}

uint64_t world_hash(struct world *w)
{
    struct canon c = {.h = 1, .w = w};
    check_origin(w);
    sort_network(w);
    add_host(&c, 0);
    add_host(&c, 1);
    add(&c, w->model.end[0].now_ns - w->model.end[1].now_ns);
    add(&c, w->model.count);
    for (unsigned i = 0; i < w->model.count; i++)
        add(&c, w->net[i].order);
    return c.h == 0 ? 1 : c.h;
}

uint64_t world_deadline(const struct world *w, unsigned end)
{
    const struct hawser_host *host = w->model.end[end].host;
    uint64_t at_ns = ns_min(records_next(&host->records), net_next_deadline(&host->net));
    for (uint32_t i = 0; i < host->conns.fresh_next; i++) {
        if (conn_at(host, i)->role != CONN_FREE && conn_at(host, i)->mapped)
            at_ns = ns_min(at_ns, conn_at(host, i)->timer.at_ns);
    }
    for (uint32_t i = 0; i < host->requests.fresh_next; i++) {
        if (request_at(host, i)->used)
            at_ns = ns_min(at_ns, request_at(host, i)->timer.at_ns);
    }
    return at_ns;
}
