/* SPDX-License-Identifier: MIT */
/* TIME-WAIT and FIN-WAIT-2 records in the life of the host: made, met by segments, taken over,
 * over. What a segment does to a record is timewait.c's to say. */
#include "stack/host.h"
#include "stack/trace.h"

static uint32_t ref_of(bool v6, uint32_t index)
{
    return flow_ref(v6 ? FLOW_RECORD_V6 : FLOW_RECORD_V4, index);
}

static enum hawser_state state_of(const struct timewait *wait)
{
    return wait->fin_wait_2 ? HAWSER_FIN_WAIT_2 : HAWSER_TIME_WAIT;
}

/* At the limit the oldest goes: it has kept its tuple quiet for longest. */
static void make_room(struct hawser_host *host)
{
    bool v6;
    uint32_t index;
    struct flow_key key;
    if (host->records.live_count < host->config.timewait_max)
        return;
    if (!records_first(&host->records, &v6, &index))
        return;
    records_key(&host->records, v6, index, &key);
    host->counters.timewait_evicted++;
    waiting_end(host, ref_of(v6, index), &key, HAWSER_RECORD_EVICTED, HAWSER_CAUSE_OVERFLOW);
}

bool waiting_enter(struct hawser_host *host, const struct flow_key *key, uint64_t hash,
                   const struct timewait *wait, uint32_t instead, uint64_t now_ns)
{
    make_room(host);
    uint32_t index = records_add(&host->records, key, wait, now_ns);
    if (index == RECORD_NONE) {
        host->counters.memory_refused++;
        host->counters.timewait_evicted++;
        trace_drop(host, key, HAWSER_DROP_MEMORY);
        return false;
    }
    map_replace(&host->flows.map, hash, instead, ref_of(!flow_key_is_v4(key), index));
    if (!wait->fin_wait_2)
        host->counters.timewait_entered++;
    if (trace_wanted(host))
        trace_record(host, key, HAWSER_RECORD_ENTERED, state_of(wait),
                     timewait_ends_ns(wait, now_ns));
    return true;
}

static void tell_end(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                     enum hawser_record_event event, enum hawser_cause cause)
{
    if (!trace_wanted(host))
        return;
    enum hawser_state from = state_of(waiting_at(host, ref));
    trace_record(host, key, event, from, 0);
    trace_state(host, key, from, HAWSER_CLOSED, cause);
}

void waiting_replaced(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                      enum hawser_record_event event)
{
    tell_end(host, ref, key, event, HAWSER_CAUSE_REUSED);
    records_remove(&host->records, flow_kind_of(ref) == FLOW_RECORD_V6, flow_index_of(ref));
    ports_release(&host->ports, &key->laddr, key->lport);
}

void waiting_end(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                 enum hawser_record_event event, enum hawser_cause cause)
{
    tell_end(host, ref, key, event, cause);
    map_remove(&host->flows.map, flow_hash(&host->flows.key, key), ref);
    records_remove(&host->records, flow_kind_of(ref) == FLOW_RECORD_V6, flow_index_of(ref));
    ports_release(&host->ports, &key->laddr, key->lport);
}

/* RFC9293 FIG5-21, 3.10.8-3. */
static void expire_one(struct hawser_host *host, uint32_t ref, const struct flow_key *key)
{
    bool fin_wait_2 = waiting_at(host, ref)->fin_wait_2;
    if (!fin_wait_2)
        host->counters.timewait_expired++;
    waiting_end(host, ref, key, HAWSER_RECORD_EXPIRED, /* RFC9293 3.10.8-3 */
                fin_wait_2 ? HAWSER_CAUSE_TIMEOUT_FIN_WAIT_2 : HAWSER_CAUSE_TIMEOUT_2MSL);
}

void waiting_expire(struct hawser_host *host, uint64_t now_ns)
{
    uint32_t index;
    bool v6;
    while (records_next(&host->records) <= now_ns && records_first(&host->records, &v6, &index)) {
        struct flow_key key;
        records_key(&host->records, v6, index, &key);
        expire_one(host, ref_of(v6, index), &key);
    }
}

/* FIN: 2 MSL start anew, at the tail; out of FIN-WAIT-2 it is another queue's. That must not need
 * memory, or TIME-WAIT would be too short for its purpose (RFC9293 MUST-13): without, the record
 * gets its new end where it lies. Only once, for what lies behind it waits for that: when a FIN
 * that comes again finds no memory, or has come too often, its end stays as it was. */
static void restart(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                    uint64_t hash, const struct timewait *renewed, uint64_t now_ns)
{
    struct timewait *wait = waiting_at(host, ref);
    bool v6 = flow_kind_of(ref) == FLOW_RECORD_V6;
    enum hawser_state from = state_of(wait);
    uint32_t index = RECORD_NONE;
    if (records_may_move(&host->records) || wait->fin_wait_2)
        index = records_add(&host->records, key, renewed, now_ns);
    if (index == RECORD_NONE) {
        struct timewait changed = *renewed;
        if (from == HAWSER_TIME_WAIT)
            changed.ends_at_ms = wait->ends_at_ms;
        records_change(&host->records, v6, flow_index_of(ref), &changed);
    } else {
        map_replace(&host->flows.map, hash, ref, ref_of(v6, index));
        records_remove(&host->records, v6, flow_index_of(ref));
        wait = records_at(&host->records, v6, index);
    }
    if (from == HAWSER_TIME_WAIT)
        host->counters.timewait_restarted++;
    else
        host->counters.timewait_entered++;
    if (!trace_wanted(host))
        return;
    if (from != HAWSER_TIME_WAIT)
        trace_state(host, key, from, HAWSER_TIME_WAIT, HAWSER_CAUSE_FIN);
    trace_record(host, key, HAWSER_RECORD_RESTARTED, HAWSER_TIME_WAIT,
                 timewait_ends_ns(wait, now_ns));
}

/* A SYN that may begin a new incarnation: a listener shall see it. False: there is none. */
static bool reopen(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                   uint64_t hash, const struct segment *seg, uint64_t now_ns)
{
    uint32_t listener = listeners_find(&host->listeners, key);
    if (listener == LISTENER_NONE)
        return false;
    struct timewait wait = *waiting_at(host, ref);
    const struct request_over over = {.wait = &wait, .ref = ref};
    request_begin(host, listener, key, hash, seg, now_ns, &over);
    return true;
}

void waiting_arrives(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                     uint64_t hash, const struct segment *seg, uint64_t now_ns)
{
    struct timewait *wait = waiting_at(host, ref);
    struct timewait changed = *wait;
    struct tuple_bytes tuple = host_tuple(key);
    uint32_t ts_offset = ts_offset_make(isn_secret(&host->tcp, &tuple));
    enum hawser_drop drop = HAWSER_DROP_TIME_WAIT;
    struct tcp_reply reply;
    switch (timewait_arrives(&host->tcp, &changed, seg, ts_offset, now_ns, reply_clear(&reply),
                             &drop)) {
    case TIMEWAIT_KEEP:
        *wait = changed;
        trace_drop(host, key, drop);
        break;
    case TIMEWAIT_RESTART:
        restart(host, ref, key, hash, &changed, now_ns);
        break;
    case TIMEWAIT_END:
        waiting_end(host, ref, key, HAWSER_RECORD_RESET,
                    reply.present ? HAWSER_CAUSE_DATA_AFTER_CLOSE : HAWSER_CAUSE_RST);
        break;
    case TIMEWAIT_REOPEN:
        if (reopen(host, ref, key, hash, seg, now_ns))
            return;
        timewait_ack(wait, ts_offset, now_ns, &reply);
        trace_drop(host, key, HAWSER_DROP_TIME_WAIT);
        break;
    }
    if (reply.present) {
        struct reply_from from = {.key = key};
        reply_push(host, &from, &reply.segment);
    }
}

bool waiting_expire_due(struct hawser_host *host, uint32_t ref, const struct flow_key *key,
                        uint64_t now_ns)
{
    if (!timewait_is_over(waiting_at(host, ref), now_ns))
        return false;
    expire_one(host, ref, key);
    return true;
}

void waiting_resume(struct hawser_host *host, const struct flow_key *key, uint64_t hash,
                    const struct timewait *wait, uint32_t instead, uint64_t now_ns)
{
    struct timewait again = *wait;
    uint64_t ends_ns = ns_add(now_ns, 2 * host->config.msl_ns);
    again.ends_at_ms = timewait_clock(ends_ns + NS_PER_MS - 1);
    if (!host_hold_port(host, key)) {
        map_remove(&host->flows.map, hash, instead);
    } else if (!waiting_enter(host, key, hash, &again, instead, now_ns)) {
        ports_release(&host->ports, &key->laddr, key->lport);
        map_remove(&host->flows.map, hash, instead);
    }
}
