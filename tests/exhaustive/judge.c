/* SPDX-License-Identifier: MIT */
/* The properties: what must be true in every state and of every step. */
#include <stdio.h>
#include <string.h>

#include "world.h"

void world_fail(struct world *w, const char *text)
{
    if (w->fault != NULL)
        return;
    snprintf(w->fault_text, sizeof w->fault_text, "%s", text);
    w->fault = w->fault_text;
}

/* ---- states: the figure of RFC 9293 3.3.2, with the edges of RST, ABORT and timeouts -------- */

#define TO(state) (1u << HAWSER_##state)

static bool edge_is_legal(enum hawser_state from, enum hawser_state to)
{
    static const uint16_t edges[] = {
        [HAWSER_CLOSED] = TO(LISTEN) | TO(SYN_SENT),
        [HAWSER_LISTEN] = TO(SYN_RECEIVED) | TO(SYN_SENT) | TO(CLOSED),
        [HAWSER_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
        [HAWSER_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(LISTEN) | TO(CLOSED),
        [HAWSER_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
        [HAWSER_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
        [HAWSER_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
        [HAWSER_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
        [HAWSER_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
        [HAWSER_LAST_ACK] = TO(CLOSED),
        [HAWSER_TIME_WAIT] = TO(CLOSED),
    };
    return (edges[from] >> to & 1) != 0;
}

/* Ends that leave neither missing text nor a missing TIME-WAIT behind. */
static bool cause_is_graceful(enum hawser_cause cause)
{
    return cause == HAWSER_CAUSE_ACK_OF_FIN || cause == HAWSER_CAUSE_FIN ||
           cause == HAWSER_CAUSE_TIMEOUT_2MSL || cause == HAWSER_CAUSE_REUSED;
}

/* RFC 9293 3.10.7.4, fifth: who takes its FIN for acknowledged is right. */
static void fin_acknowledged(struct world *w, unsigned at, const struct life *life)
{
    const struct end *other = &w->model.end[1 - at];
    if (life->peer == 0 || life->peer > other->lives)
        return;
    const struct life *peer = &other->life[life->peer - 1];
    if (peer->peer == w->model.end[at].lives && !peer->heard_fin)
        world_fail(w, "a FIN counts as acknowledged that never arrived");
}

/* What was sent again through a network that loses nothing is answered: by the other end of the
 * connection if it is still there. */
static void given_up(struct world *w, unsigned at, const struct life *life)
{
    const struct end *other = &w->model.end[1 - at];
    if (!w->unwinding || !w->sent_again[at] || life->peer == 0 || life->peer != other->lives)
        return;
    const struct life *peer = &other->life[life->peer - 1];
    if (peer->peer == w->model.end[at].lives && !peer->ended)
        world_fail(w, "the network behaves, and a connection is given up");
}

static void state_event(struct world *w, unsigned at, const struct hawser_trace_event *event)
{
    struct end *end = &w->model.end[at];
    struct life *life = life_now(end);
    if (!edge_is_legal(event->from, event->to))
        world_fail(w, "a state follows another that may not");
    /* RFC 1337; the user's own ABORT may (RFC 9293 3.10.5). */
    if (event->from == HAWSER_TIME_WAIT && !cause_is_graceful(event->cause) &&
        event->cause != HAWSER_CAUSE_ABORT && !w->setup->no_rfc1337)
        world_fail(w, "TIME-WAIT did not last");
    if (event->from == HAWSER_LISTEN || event->to == HAWSER_LISTEN) {
        if (event->to == HAWSER_SYN_RECEIVED && w->arriving != NULL)
            end->request_peer = w->arriving->life;
        return;
    }
    if (life == NULL || life->ended)
        return; /* of a half-open request that nobody accepted yet */
    if (event->from == HAWSER_SYN_SENT && event->to != HAWSER_CLOSED && w->arriving != NULL)
        life->peer = (uint8_t)(w->arriving->life + 1);
    if (event->to == HAWSER_ESTABLISHED || event->to == HAWSER_FIN_WAIT_1)
        life->synchronized = true;
    if (event->to == HAWSER_TIME_WAIT)
        life->time_wait = true;
    if (event->cause == HAWSER_CAUSE_FIN)
        life->heard_fin = true;
    if (event->cause == HAWSER_CAUSE_TIMEOUT_RETRANSMISSION)
        given_up(w, at, life);
    if (event->cause == HAWSER_CAUSE_ACK_OF_FIN)
        fin_acknowledged(w, at, life);
    if (event->to == HAWSER_CLOSED) {
        life->ended = true;
        life->excused |= !cause_is_graceful(event->cause);
    }
}

/* RFC 9293 MUST-13: TIME-WAIT lasts 2 MSL from its beginning or its last restart. */
static void record_event(struct world *w, unsigned at, const struct hawser_trace_event *event)
{
    struct end *end = &w->model.end[at];
    switch (event->record) {
    case HAWSER_RECORD_ENTERED:
    case HAWSER_RECORD_RESTARTED:
        end->time_wait_ns = 0;
        if (event->state == HAWSER_TIME_WAIT)
            end->time_wait_ns = end->now_ns + 2 * w->setup->msl_ms * MS;
        if (event->until_ns < end->time_wait_ns)
            world_fail(w, "TIME-WAIT is to end before 2 MSL are over");
        break;
    case HAWSER_RECORD_EXPIRED:
        if (end->now_ns < end->time_wait_ns)
            world_fail(w, "TIME-WAIT ended before 2 MSL were over");
        end->time_wait_ns = 0;
        break;
    case HAWSER_RECORD_REUSED_BY_SYN:
    case HAWSER_RECORD_REUSED_BY_OPEN:
        end->time_wait_ns = 0;
        break;
    case HAWSER_RECORD_RESET: /* by whom: see state_event */
        end->time_wait_ns = 0;
        break;
    case HAWSER_RECORD_EVICTED:
        world_fail(w, "a record was evicted, and there is room");
        break;
    }
}

void judge_event(struct world *w, unsigned end, const struct hawser_trace_event *event)
{
    if (event->kind == HAWSER_TRACE_STATE)
        state_event(w, end, event);
    else if (event->kind == HAWSER_TRACE_RECORD)
        record_event(w, end, event);
    if (event->kind != HAWSER_TRACE_SEGMENT_OUT)
        return;
    if (event->segment.flags & 2) {
        struct end *e = &w->model.end[end];
        e->iss_spent = e->iss_spent && e->iss == event->segment.seq;
        e->iss = event->segment.seq;
        e->has_iss = true;
    }
    /* A host that lags behind the other is answered at the other's time only. */
    if (event->segment.retransmission && w->model.end[end].now_ns >= w->model.end[1 - end].now_ns)
        w->sent_again[end] = true;
}

/* ---- lives and their bytes ------------------------------------------------------------------ */

static struct life *begin_life(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    if (end->lives == LIVES_MAX) {
        world_fail(w, "more connections than the users opened");
        return NULL;
    }
    struct life *life = &end->life[end->lives++];
    *life = (struct life){0};
    end->sends_left = w->setup->sends[at];
    end->shut = end->eof = false;
    return life;
}

void judge_open(struct world *w, unsigned end)
{
    begin_life(w, end);
}

void judge_accept(struct world *w, unsigned end)
{
    struct life *life = begin_life(w, end);
    if (life == NULL)
        return;
    struct end *e = &w->model.end[end];
    struct hawser_tcp_info info; /* text and FIN may have come with the end of the handshake */
    life->peer = (uint8_t)(e->request_peer + 1);
    life->synchronized = true;
    e->iss_spent = true;
    if (hawser_status(e->host, e->now_ns, e->tcp, &info) == 0)
        life->heard_fin = info.fin_received;
}

/* Names host, life and place, as far as eight bits can. */
uint8_t judge_byte(unsigned end, unsigned life, unsigned at)
{
    unsigned place = (at + at / 32 * 3) & 31;
    return (uint8_t)(end << 7 | (life & 3) << 5 | place);
}

/* Exactly once, in order, and of the incarnation that the handshake was made with. */
void judge_bytes(struct world *w, unsigned end, const uint8_t *bytes, size_t count)
{
    struct life *life = life_now(&w->model.end[end]);
    const struct end *other = &w->model.end[1 - end];
    if (life == NULL || life->peer == 0) {
        world_fail(w, "bytes came before the handshake");
        return;
    }
    unsigned peer = life->peer - 1u;
    for (size_t i = 0; i < count; i++, life->read++) {
        if (bytes[i] == judge_byte(1 - end, peer, life->read))
            continue;
        bool foreign = (bytes[i] >> 5 & 3) != (peer & 3);
        world_fail(w, foreign ? "a byte of another incarnation was accepted"
                              : "the byte stream is not the one that was sent");
        return;
    }
    if (peer >= other->lives || life->read > other->life[peer].sent)
        world_fail(w, "more bytes were read than sent");
}

/* The end of the stream is behind all that the peer sent, and the peer does not send any more. */
void judge_stream_end(struct world *w, unsigned end)
{
    const struct life *life = life_now(&w->model.end[end]);
    const struct end *other = &w->model.end[1 - end];
    if (life == NULL || life->peer == 0 || life->peer > other->lives)
        world_fail(w, "the stream ends, and nobody closed it");
    else if (life->read != other->life[life->peer - 1].sent)
        world_fail(w, "the stream ends before its last byte");
}

/* ---- the end of a connection ---------------------------------------------------------------- */

static void judge_pair(struct world *w, const struct life *a, const struct life *b)
{
    if (!a->ended || !b->ended || a->excused || b->excused)
        return;
    if (!a->synchronized || !b->synchronized)
        return;
    if (!a->time_wait && !b->time_wait)
        world_fail(w, "neither side was in TIME-WAIT, and nobody reset the connection");
    /* A user that has not read all that came is asked again later. */
    bool reading = w->setup->slow_reader && !w->unwinding;
    if (!reading && (a->read != b->sent || b->read != a->sent))
        world_fail(w, "the connection ended well, and bytes are missing");
}

void judge_step(struct world *w)
{
    struct model *m = &w->model;
    for (unsigned i = 0; i < m->end[0].lives; i++) {
        const struct life *a = &m->end[0].life[i];
        if (a->peer == 0 || a->peer > m->end[1].lives)
            continue;
        const struct life *b = &m->end[1].life[a->peer - 1];
        if (b->peer == i + 1)
            judge_pair(w, a, b);
    }
}

/* Nothing is under way and no timer runs: whatever is left now is left for ever. */
void judge_rest(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_usage usage;
        hawser_usage_of(w->model.end[i].host, &usage);
        if (usage.connections + usage.halfopens + usage.timewaits != 0)
            world_fail(w, "both users closed and the network behaves, but it never ends");
        if (usage.buffer_bytes != 0)
            world_fail(w, "everything is closed, but buffers are held");
    }
}
