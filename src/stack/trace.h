/* SPDX-License-Identifier: MIT */
/* Telling the listener of the trace; without one, a branch and no more. */
#ifndef HAWSER_STACK_TRACE_H
#define HAWSER_STACK_TRACE_H

#include "stack/host.h"

static inline bool trace_wanted(const struct hawser_host *host)
{
    return __builtin_expect(host->config.trace != NULL, 0);
}

/* Hooks the observer of tcp/ up, when somebody listens. */
void trace_init(struct hawser_host *host);

/* What follows is told only when trace_wanted. conn: CONN_NONE when there is no connection. */
void trace_segment(struct hawser_host *host, enum hawser_trace_kind kind, const struct flow_key *key, uint32_t conn, enum hawser_state state,
                   const struct segment *segment, bool again);
void trace_state(struct hawser_host *host, const struct flow_key *key, enum hawser_state from, enum hawser_state to, enum hawser_cause cause);
void trace_timer(struct hawser_host *host, const struct flow_key *key, enum hawser_state state, enum hawser_timer timer);
void trace_record(struct hawser_host *host, const struct flow_key *key, enum hawser_record_event event, enum hawser_state state, uint64_t until_ns);

/* Counts a drop and tells it. key NULL: unknown. */
void trace_drop(struct hawser_host *host, const struct flow_key *key, enum hawser_drop drop);

/* The same for what net has counted already. */
void trace_drop_counted(struct hawser_host *host, const struct flow_key *key, enum hawser_drop drop);

#endif
