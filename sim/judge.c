/* SPDX-License-Identifier: MIT */
/* The checkers that listen to trace events: transitions, records, and who may end what. What is
 * legal is written down here a second time, from RFC 9293 and its errata, not taken from src/. */
#include <string.h>

#include "sim/internal.h"

#define STATE(s) (1u << HAWSER_##s)
#define CAUSE(c) (1u << HAWSER_CAUSE_##c)

/* Ends that can come at any time. */
#define GIVEN_UP (CAUSE(TIMEOUT_USER) | CAUSE(TIMEOUT_RETRANSMISSION) | CAUSE(TIMEOUT_KEEPALIVE))
#define BY_USER (CAUSE(ABORT) | CAUSE(CLOSE) | CAUSE(UNREAD_DATA))
#define ANY_END (GIVEN_UP | BY_USER | CAUSE(RST) | CAUSE(OVERFLOW))

static const struct edge {
    uint32_t from, to, causes;
} edges[] = {
    /* RFC 9293 Figure 5 */
    {STATE(CLOSED), STATE(LISTEN), CAUSE(OPEN_PASSIVE)},
    {STATE(CLOSED), STATE(SYN_SENT), CAUSE(OPEN_ACTIVE)},
    {STATE(LISTEN), STATE(CLOSED), CAUSE(CLOSE)},
    {STATE(LISTEN), STATE(SYN_RECEIVED), CAUSE(SYN)},
    {STATE(SYN_SENT), STATE(SYN_RECEIVED), CAUSE(SYN)},
    {STATE(SYN_SENT), STATE(ESTABLISHED), CAUSE(SYN_ACK)},
    {STATE(SYN_RECEIVED), STATE(ESTABLISHED), CAUSE(ACK_OF_SYN)},
    {STATE(SYN_RECEIVED), STATE(FIN_WAIT_1), CAUSE(CLOSE)},
    {STATE(ESTABLISHED), STATE(FIN_WAIT_1), CAUSE(CLOSE)},
    {STATE(ESTABLISHED), STATE(CLOSE_WAIT), CAUSE(FIN)},
    {STATE(FIN_WAIT_1), STATE(FIN_WAIT_2), CAUSE(ACK_OF_FIN)},
    {STATE(FIN_WAIT_1), STATE(CLOSING), CAUSE(FIN)},
    {STATE(FIN_WAIT_2), STATE(TIME_WAIT), CAUSE(FIN)},
    {STATE(CLOSE_WAIT), STATE(LAST_ACK), CAUSE(CLOSE)},
    {STATE(CLOSING), STATE(TIME_WAIT), CAUSE(ACK_OF_FIN)},
    {STATE(LAST_ACK), STATE(CLOSED), CAUSE(ACK_OF_FIN)},
    {STATE(TIME_WAIT), STATE(CLOSED), CAUSE(TIMEOUT_2MSL)},
    /* 3.10.7.4, eighth; a FIN that comes with the ACK of our SYN, or of our FIN */
    {STATE(SYN_RECEIVED), STATE(CLOSED), CAUSE(SYN)}, /* fourth: back to LISTEN */
    {STATE(SYN_RECEIVED), STATE(CLOSE_WAIT), CAUSE(FIN)},
    {STATE(FIN_WAIT_1), STATE(TIME_WAIT), CAUSE(FIN)},
    /* RST, ABORT, time, limits; in SYN-SENT and SYN-RECEIVED hard ICMP errors, too (3.9.2.2) */
    {STATE(SYN_SENT) | STATE(SYN_RECEIVED), STATE(CLOSED), ANY_END | CAUSE(ICMP)},
    {STATE(ESTABLISHED) | STATE(CLOSE_WAIT), STATE(CLOSED), ANY_END | CAUSE(DATA_AFTER_CLOSE)},
    {STATE(FIN_WAIT_1) | STATE(FIN_WAIT_2) | STATE(CLOSING) | STATE(LAST_ACK), STATE(CLOSED),
     ANY_END | CAUSE(DATA_AFTER_CLOSE)},
    {STATE(FIN_WAIT_2), STATE(CLOSED), CAUSE(TIMEOUT_FIN_WAIT_2) | CAUSE(REUSED)},
    /* MAY-2, RFC 1337 switched off, a limit */
    {STATE(TIME_WAIT), STATE(CLOSED), CAUSE(REUSED) | CAUSE(RST) | CAUSE(OVERFLOW)},
};

static bool is_legal(enum hawser_state from, enum hawser_state to, enum hawser_cause cause)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if ((edges[i].from >> from & 1) && (edges[i].to >> to & 1) &&
            (edges[i].causes >> cause & 1))
            return true;
    return false;
}

static bool is_synchronized(enum hawser_state state)
{
    return state != HAWSER_CLOSED && state != HAWSER_LISTEN && state != HAWSER_SYN_SENT &&
           state != HAWSER_SYN_RECEIVED;
}

/* ---- transitions ----------------------------------------------------------------------------- */

/* A connection out of a SYN cookie has no request before it; one that reopened a record and
 * proved to be old goes back to it. */
static bool state_was(const struct sim *sim, const struct life *life, enum hawser_state from)
{
    if (life->state == from)
        return true;
    if (from == HAWSER_LISTEN) /* the listener's; our life was over */
        return life->state == HAWSER_CLOSED;
    return from == HAWSER_SYN_RECEIVED && life->state == HAWSER_CLOSED && sim->cookies;
}

uint32_t lives_owner(const struct sim *sim, uint32_t asks, const struct hawser_address *address)
{
    if (hawser_address_is_v4(address) && address->bytes[12] == 127)
        return asks;
    uint32_t host = (uint32_t)address->bytes[15] - 1;
    return host < sim->plan.hosts_count ? host : PLAN_ANY;
}

/* RFC 9293 3.6: who acknowledged the second FIN waits, or has waited. Only the same incarnation of
 * the peer can be asked. */
static void judge_last_ack(struct sim *sim, uint32_t index, const struct life *life)
{
    struct lives *lives = &sim->store->lives;
    uint32_t host = lives_owner(sim, life->host, &life->remote.address);
    uint32_t peer =
        host == PLAN_ANY ? LIFE_NONE : lives_find(lives, host, &life->remote, &life->local);
    if (peer == LIFE_NONE || !lives->list[peer].has_iss || !life->has_irs)
        return;
    if (lives->list[peer].iss == life->irs && lives->list[peer].time_waits == 0)
        sim_fail(sim, "time-wait", index, "it is over, and its peer (%s) never was in TIME-WAIT",
                 hawser_state_name(lives->list[peer].state));
}

static void judge_ending(struct sim *sim, uint32_t index, const struct life *life,
                         const struct hawser_trace_event *event)
{
    /* What a stranger forges lies outside of what RFC 5961 and RFC 5927 accept. A request may
     * come and go. */
    if (sim->forging && event->to != HAWSER_SYN_RECEIVED && event->from != HAWSER_SYN_RECEIVED)
        sim_fail(sim, "forgery", index, "a forged packet made %s of %s (%s)",
                 hawser_state_name(event->to), hawser_state_name(event->from),
                 hawser_cause_text(event->cause));
    if (event->cause == HAWSER_CAUSE_ACK_OF_FIN && !life->fin_sent)
        sim_fail(sim, "transition", index, "our FIN was acknowledged, but none was sent");
    if (event->cause == HAWSER_CAUSE_FIN && event->from != HAWSER_SYN_RECEIVED && !life->fin_heard)
        sim_fail(sim, "transition", index, "a FIN is said to have come, but none did");
    if (event->from == HAWSER_LAST_ACK && event->cause == HAWSER_CAUSE_ACK_OF_FIN)
        judge_last_ack(sim, index, life);
    if (event->to == HAWSER_TIME_WAIT && !(life->fin_sent && life->fin_heard))
        sim_fail(sim, "transition", index, "TIME-WAIT without both FINs");
    const struct hawser_config *config = &sim->plan.hosts[life->host].config;
    if (event->from == HAWSER_TIME_WAIT && event->cause == HAWSER_CAUSE_RST && config->rfc1337)
        sim_fail(sim, "time-wait", index, "a RST ended TIME-WAIT in spite of RFC 1337");
}

static void judge_state(struct sim *sim, uint32_t host, const struct hawser_trace_event *event)
{
    struct sim_coverage *coverage = sim->coverage;
    coverage->edges[event->from][event->to]++;
    coverage->causes[event->cause]++;
    sim_digest(sim, (uint64_t)event->from << 32 | (uint64_t)event->to << 16 | event->cause);
    if (!is_legal(event->from, event->to, event->cause))
        sim_fail(sim, "transition", LIFE_NONE, "host %u: %s to %s because of: %s", host,
                 hawser_state_name(event->from), hawser_state_name(event->to),
                 hawser_cause_text(event->cause));
    if (event->remote.port == 0)
        return; /* a listener */
    struct lives *lives = &sim->store->lives;
    uint32_t index = lives_get(lives, host, &event->local, &event->remote);
    if (index == LIFE_NONE)
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
    struct life *life = &lives->list[index];
    if (event->to == HAWSER_FIN_WAIT_2 && breaks(sim, SIM_BREAK_TRANSITION, 1))
        return; /* it was not noticed */
    if (!state_was(sim, life, event->from))
        sim_fail(sim, "transition", index, "host %u: %s to %s, but it was in %s", host,
                 hawser_state_name(event->from), hawser_state_name(event->to),
                 hawser_state_name(life->state));
    judge_ending(sim, index, life, event);
    if (life->state == HAWSER_CLOSED)
        life_begin(life);
    if (event->from == HAWSER_LISTEN)
        judge_request(life, &sim->heard);
    else if (life->state == HAWSER_CLOSED && event->from == HAWSER_SYN_RECEIVED)
        judge_cookie(life, &sim->heard);
    life->state = event->to;
    if (event->to == HAWSER_TIME_WAIT) {
        life->time_waits++;
        life->until_ns = 0; /* that of FIN-WAIT-2, which does not count any more */
    }
    if (event->to == HAWSER_CLOSED) {
        bool as_should = event->cause == HAWSER_CAUSE_ACK_OF_FIN ||
                         event->cause == HAWSER_CAUSE_TIMEOUT_2MSL ||
                         event->cause == HAWSER_CAUSE_REUSED;
        if (is_synchronized(event->from) && !as_should)
            life->cut_at_ns = sim->now_ns + 1;
        life->ended_by = event->cause;
        life->until_ns = 0;
    }
    life->idle_segments = 0;
}

/* ---- records --------------------------------------------------------------------------------- */

static void judge_entered(struct sim *sim, uint32_t index, struct life *life,
                          const struct hawser_trace_event *event)
{
    const struct hawser_config *config = &sim->plan.hosts[life->host].config;
    uint64_t life_ns =
        event->state == HAWSER_TIME_WAIT ? 2 * config->msl_ns : config->fin_wait_2_ns;
    if (breaks(sim, SIM_BREAK_TIME_WAIT, 1))
        life_ns += SIM_S;
    /* RFC 9293 3.6.1, MUST-13: 2 MSL, by a clock of milliseconds. */
    uint64_t lasts_ns = event->until_ns - event->now_ns;
    if (lasts_ns < life_ns || lasts_ns > life_ns + 2 * SIM_MS)
        sim_fail(sim, "time-wait", index, "the record is to last %.3f s in place of %.3f s",
                 (double)lasts_ns / 1e9, (double)life_ns / 1e9);
    if (life->state == HAWSER_CLOSED && life->reopened && event->state == HAWSER_TIME_WAIT) {
        life->state = HAWSER_TIME_WAIT;         /* MAY-2: the new SYN was old after all */
        life->reopened = life->has_ack = false; /* its numbers are those of before */
    }
    if (life->state != event->state)
        sim_fail(sim, "time-wait", index, "a record of %s, but it is in %s",
                 hawser_state_name(event->state), hawser_state_name(life->state));
    life->until_ns = event->until_ns;
    life->entered_ns = event->now_ns;
}

/* MAY-2 and RFC 6191 2: the number or the timestamp of the SYN is newer than all that was heard.
 * What was acknowledged and echoed last is the least that was. */
static bool may_reopen(const struct sim *sim, const struct life *life)
{
    const struct hawser_segment *syn = &sim->heard;
    bool both = life->timestamps_sent && life->timestamps_heard;
    if (!life->has_ack || seq_diff(syn->seq, life->ack_sent) >= 0)
        return true;
    return syn->has_timestamps && (!both || seq_diff(syn->ts_val, life->ts_echoed) > 0);
}

static void judge_left(struct sim *sim, uint32_t index, struct life *life,
                       const struct hawser_trace_event *event)
{
    const struct hawser_config *config = &sim->plan.hosts[life->host].config;
    if (event->state != HAWSER_TIME_WAIT)
        return;
    switch (event->record) {
    case HAWSER_RECORD_EXPIRED:
        if (event->now_ns < life->until_ns)
            sim_fail(sim, "time-wait", index, "it is over %.3f s too early",
                     (double)(life->until_ns - event->now_ns) / 1e9);
        break;
    case HAWSER_RECORD_EVICTED:
        if (sim->hosts[life->host].meter.refused_count == 0 && config->timewait_max > 1000)
            sim_fail(sim, "time-wait", index, "evicted, but there is room");
        break;
    case HAWSER_RECORD_REUSED_BY_OPEN: /* config.h: timewait_reuse */
        if (config->timewait_reuse == 0 ||
            event->now_ns - life->entered_ns < config->timewait_reuse_delay_ns)
            sim_fail(sim, "time-wait", index, "an OPEN took over what it may not");
        break;
    case HAWSER_RECORD_REUSED_BY_SYN:
        if (sim->forging)
            sim_fail(sim, "forgery", index, "a forged SYN took over a TIME-WAIT record");
        if (!may_reopen(sim, life))
            sim_fail(sim, "time-wait", index, "an old SYN took it over");
        life->reopened = true;
        break;
    case HAWSER_RECORD_ENTERED:
    case HAWSER_RECORD_RESTARTED:
    case HAWSER_RECORD_RESET:
        break;
    }
}

static void judge_record(struct sim *sim, uint32_t host, const struct hawser_trace_event *event)
{
    struct lives *lives = &sim->store->lives;
    sim->coverage->records[event->record]++;
    uint32_t index = lives_find(lives, host, &event->local, &event->remote);
    if (index == LIFE_NONE)
        sim_fail(sim, "time-wait", LIFE_NONE, "a record of a connection that never was");
    struct life *life = &lives->list[index];
    if (event->record == HAWSER_RECORD_ENTERED)
        judge_entered(sim, index, life, event);
    else if (event->record == HAWSER_RECORD_RESTARTED && life->until_ns == 0)
        judge_entered(sim, index, life, event); /* out of FIN-WAIT-2 */
    else if (event->record == HAWSER_RECORD_RESTARTED) {
        /* There may be no memory and the old end stays: never earlier than it was. */
        if (event->until_ns < life->until_ns)
            sim_fail(sim, "time-wait", index, "restarted, and over earlier");
        life->until_ns = event->until_ns;
    } else
        judge_left(sim, index, life, event);
}

/* ---- timers ---------------------------------------------------------------------------------- */

/* R2 and its like (config.h): nobody goes on for ever. */
static void judge_timer(struct sim *sim, uint32_t host, const struct hawser_trace_event *event)
{
    struct lives *lives = &sim->store->lives;
    const struct hawser_config *c = &sim->plan.hosts[host].config;
    sim->coverage->timers[event->timer]++;
    sim->hosts[host].allowance += 8;
    if (event->timer == HAWSER_TIMER_RETRANSMISSION && is_synchronized(event->state))
        sim->hosts[host].allowance += 64;
    uint32_t index = lives_find(lives, host, &event->local, &event->remote);
    if (index == LIFE_NONE ||
        (event->timer != HAWSER_TIMER_RETRANSMISSION && event->timer != HAWSER_TIMER_SYN_ACK))
        return;
    lives->list[index].timeouts_all += event->timer == HAWSER_TIMER_RETRANSMISSION;
    uint32_t most = c->retries2 > c->syn_retries ? c->retries2 : c->syn_retries;
    if (event->timer == HAWSER_TIMER_SYN_ACK)
        most = c->synack_retries;
    if (++lives->list[index].timeouts > most + 2)
        sim_fail(sim, "retries", index, "%u timeouts in a row, and it goes on",
                 lives->list[index].timeouts);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void remember(struct sim *sim, uint32_t host, const struct hawser_trace_event *event)
{
    if (sim->options.story != NULL && sim->store->story != NULL) {
        uint64_t at = sim->story_next++ % STORY_EVENTS;
        sim->store->story[at] = *event;
        sim->store->story_host[at] = (uint8_t)host;
    }
    if (sim->options.trace != NULL) {
        char line[512];
        hawser_trace_print(event, line, sizeof line);
        fprintf(sim->options.trace, "%.6f host %u %s\n", (double)sim->now_ns / 1e9, host, line);
    }
}

static bool is_segment(const struct hawser_trace_event *event)
{
    return event->kind == HAWSER_TRACE_SEGMENT_IN || event->kind == HAWSER_TRACE_SEGMENT_OUT;
}

void judge_event(void *context, const struct hawser_trace_event *event)
{
    const struct judge_context *where = context;
    struct sim *sim = where->sim;
    uint32_t host = where->host;
    remember(sim, host, event);
    if (is_segment(event)) {
        struct lives *lives = &sim->store->lives;
        uint32_t index = lives_find(lives, host, &event->local, &event->remote);
        sim->result->figures.segments += event->kind == HAWSER_TRACE_SEGMENT_OUT;
        judge_segment(sim, host, event, index == LIFE_NONE ? NULL : &lives->list[index]);
    } else if (event->kind == HAWSER_TRACE_STATE)
        judge_state(sim, host, event);
    else if (event->kind == HAWSER_TRACE_RECORD)
        judge_record(sim, host, event);
    else if (event->kind == HAWSER_TRACE_TIMER)
        judge_timer(sim, host, event);
    else {
        sim->coverage->drops[event->drop]++;
        judge_heard(sim, false);
    }
}

/* ---- the story of a failure ------------------------------------------------------------------ */

static bool same_ends(const struct hawser_trace_event *event, const struct life *life)
{
    const struct hawser_endpoint *a = &event->local, *b = &event->remote;
    if (a->port == life->remote.port) { /* told at the other end */
        a = &event->remote;
        b = &event->local;
    }
    return a->port == life->local.port && b->port == life->remote.port &&
           memcmp(a->address.bytes, life->local.address.bytes, 16) == 0 &&
           memcmp(b->address.bytes, life->remote.address.bytes, 16) == 0;
}

void judge_story(struct sim *sim, FILE *out)
{
    if (sim->store->story == NULL || out == NULL)
        return;
    const struct life *life = sim->failing_life < sim->store->lives.count
                                  ? &sim->store->lives.list[sim->failing_life]
                                  : NULL;
    uint64_t count = sim->story_next < STORY_EVENTS ? sim->story_next : STORY_EVENTS;
    uint64_t from = sim->story_next - count, shown = 0;
    for (uint64_t i = sim->story_next; i > from && shown < 40; i--)
        shown +=
            life == NULL || same_ends(&sim->store->story[(i - 1) % STORY_EVENTS], life) ? 1 : 0;
    uint64_t skip = 0;
    for (uint64_t i = from; i < sim->story_next; i++)
        skip += life == NULL || same_ends(&sim->store->story[i % STORY_EVENTS], life) ? 1 : 0;
    skip -= shown;
    for (uint64_t i = from; i < sim->story_next; i++) {
        const struct hawser_trace_event *event = &sim->store->story[i % STORY_EVENTS];
        char line[512];
        if (life != NULL && !same_ends(event, life))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        hawser_trace_print(event, line, sizeof line);
        fprintf(out, "    host %u %s\n", sim->store->story_host[i % STORY_EVENTS], line);
    }
}
