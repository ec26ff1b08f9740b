/* SPDX-License-Identifier: MIT */
/* Trace events, built only when somebody listens. */
#include "stack/trace.h"

#include <string.h>

/* What every event says. The handle is of a connection that the program holds. */
static void begin(const struct hawser_host *host, enum hawser_trace_kind kind,
                  const struct flow_key *key, uint32_t index, struct hawser_trace_event *out)
{
    memset(out, 0, sizeof *out);
    out->kind = kind;
    out->now_ns = host->now_ns;
    out->state = out->from = out->to = HAWSER_CLOSED;
    out->segment.wscale = -1;
    if (key != NULL) {
        out->local = (struct hawser_endpoint){key->laddr, key->lport};
        out->remote = (struct hawser_endpoint){key->raddr, key->rport};
    }
    if (index == CONN_NONE)
        return;
    const struct conn *conn = conn_at(host, index);
    out->state = (enum hawser_state)conn->tcb.state;
    if (conn->role == CONN_HELD) {
        out->tcp = conn_handle(host, index);
        out->user = conn->user;
    }
}

static void tell(const struct hawser_host *host, const struct hawser_trace_event *event)
{
    host->config.trace(host->config.trace_context, event);
}

static void describe(const struct segment *segment, bool again, struct hawser_segment *out)
{
    *out = (struct hawser_segment){
        .seq = segment->seq.v,
        .ack = segment->ack.v,
        .length = segment->text_len,
        .window = segment->wnd,
        .urgent = segment->up,
        .flags = segment->flags,
        .retransmission = again,
        .wscale = -1,
    };
    if (segment->options & TCP_OPT_MSS)
        out->mss = segment->mss;
    if (segment->options & TCP_OPT_WSCALE)
        out->wscale = segment->wscale;
    out->sack_permitted = (segment->options & TCP_OPT_SACK_PERMITTED) != 0;
    out->has_timestamps = (segment->options & TCP_OPT_TIMESTAMPS) != 0;
    if (out->has_timestamps) {
        out->ts_val = segment->ts_val;
        out->ts_ecr = segment->ts_ecr;
    }
    if (!(segment->options & TCP_OPT_SACK))
        return;
    out->sack_count = segment->sack_count;
    for (unsigned i = 0; i < segment->sack_count; i++) {
        out->sack[i].left = segment->sack[i].left.v;
        out->sack[i].right = segment->sack[i].right.v;
    }
}

void trace_segment(struct hawser_host *host, enum hawser_trace_kind kind,
                   const struct flow_key *key, uint32_t conn, enum hawser_state state,
                   const struct segment *segment, bool again)
{
    struct hawser_trace_event event;
    begin(host, kind, key, conn, &event);
    event.state = state;
    describe(segment, again, &event.segment);
    tell(host, &event);
}

void trace_state(struct hawser_host *host, const struct flow_key *key, enum hawser_state from,
                 enum hawser_state to, enum hawser_cause cause)
{
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_STATE, key, CONN_NONE, &event);
    event.from = from;
    event.state = event.to = to;
    event.cause = cause;
    tell(host, &event);
}

void trace_timer(struct hawser_host *host, const struct flow_key *key, enum hawser_state state,
                 enum hawser_timer timer)
{
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_TIMER, key, CONN_NONE, &event);
    event.state = state;
    event.timer = timer;
    tell(host, &event);
}

void trace_record(struct hawser_host *host, const struct flow_key *key,
                  enum hawser_record_event record, enum hawser_state state, uint64_t until_ns)
{
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_RECORD, key, CONN_NONE, &event);
    event.state = state;
    event.record = record;
    event.until_ns = until_ns;
    tell(host, &event);
}

void trace_drop_counted(struct hawser_host *host, const struct flow_key *key, enum hawser_drop drop)
{
    if (!trace_wanted(host))
        return;
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_DROP, key, CONN_NONE, &event);
    event.drop = drop;
    tell(host, &event);
}

void trace_drop(struct hawser_host *host, const struct flow_key *key, enum hawser_drop drop)
{
    host->counters.dropped[drop]++;
    trace_drop_counted(host, key, drop);
}

/* ---- what tcp/ says about the block it works on ---------------------------------------------- */

static void state_changed(void *ctx, const struct tcb *tcb, enum hawser_state from,
                          enum hawser_cause cause)
{
    struct hawser_host *host = ctx;
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_STATE, host->active.key, host->active.conn, &event);
    event.from = from;
    event.state = event.to = (enum hawser_state)tcb->state;
    event.cause = cause;
    tell(host, &event);
}

static void timer_expired(void *ctx, const struct tcb *tcb, enum hawser_timer timer)
{
    struct hawser_host *host = ctx;
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_TIMER, host->active.key, host->active.conn, &event);
    event.state = (enum hawser_state)tcb->state;
    event.timer = timer;
    tell(host, &event);
}

static void dropped(void *ctx, const struct tcb *tcb, enum hawser_drop drop)
{
    struct hawser_host *host = ctx;
    struct hawser_trace_event event;
    begin(host, HAWSER_TRACE_DROP, host->active.key, host->active.conn, &event);
    event.state = (enum hawser_state)tcb->state;
    event.drop = drop;
    tell(host, &event);
}

void trace_init(struct hawser_host *host)
{
    if (!trace_wanted(host))
        return;
    host->observer = (struct tcp_observer){.state_changed = state_changed,
                                           .timer_expired = timer_expired,
                                           .dropped = dropped,
                                           .ctx = host};
    host->tcp.observer = &host->observer;
}
