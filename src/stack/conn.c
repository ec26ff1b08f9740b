/* SPDX-License-Identifier: MIT */
/* Connections: their slots, and where each is kept after every call into tcp/. */
#include "stack/conn.h"

#include "base/hot.h"
#include "stack/host.h"
#include "stack/trace.h"

uint32_t conn_take(struct hawser_host *host, const struct flow_key *key, struct way way,
                   enum conn_role role)
{
    uint32_t index = host_take(host, &host->conns);
    if (index == POOL_NONE)
        return CONN_NONE;
    struct conn *conn = conn_at(host, index);
    conn->key = *key;
    conn->way = way;
    conn->generation = handle_generation(host);
    conn->role = role;
    conn->mapped = false;
    conn->opening = false;
    conn->user = NULL;
    wheel_entry_init(&conn->timer);
    return index;
}

void conn_discard(struct hawser_host *host, uint32_t index)
{
    struct conn *conn = conn_at(host, index);
    ASSERT(!conn->mapped && conn->role != CONN_FREE);
    conn->role = CONN_FREE;
    pool_give(&host->conns, index);
}

void conn_give(struct hawser_host *host, uint32_t index)
{
    tcb_release(&host->tcp, &conn_at(host, index)->tcb);
    conn_discard(host, index);
}

bool conn_map(struct hawser_host *host, uint32_t index, uint64_t hash, uint32_t instead)
{
    struct conn *conn = conn_at(host, index);
    uint32_t ref = flow_ref(FLOW_CONNECTION, index);
    ASSERT(!conn->mapped);
    if (!host_hold_port(host, &conn->key))
        return false;
    if (instead != FLOW_NONE) {
        map_replace(&host->flows.map, hash, instead, ref);
    } else if (!host_map(host, hash, ref)) {
        ports_release(&host->ports, &conn->key.laddr, conn->key.lport);
        return false;
    }
    conn->mapped = true;
    return true;
}

/* No segment and no timer finds it any more. */
static void leave(struct hawser_host *host, uint32_t index)
{
    struct conn *conn = conn_at(host, index);
    conn->mapped = false;
    wheel_set(&host->conn_timers, index, NEVER);
    if (host->last_conn == index)
        host->last_conn = CONN_NONE;
}

static void unmap(struct hawser_host *host, uint32_t index)
{
    struct conn *conn = conn_at(host, index);
    uint64_t hash = flow_hash(&host->flows.key, &conn->key);
    map_remove(&host->flows.map, hash, flow_ref(FLOW_CONNECTION, index));
    ports_release(&host->ports, &conn->key.laddr, conn->key.lport);
    leave(host, index);
}

/* TIME-WAIT, and FIN-WAIT-2 without a program, need no block: a record takes the connection's place
 * in the map and keeps its port. */
static void become_record(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    const struct tcb *tcb = &conn->tcb;
    struct timewait wait;
    timewait_from_tcb(&host->tcp, tcb, now_ns, &wait);
    uint64_t hash = flow_hash(&host->flows.key, &conn->key);
    if (waiting_enter(host, &conn->key, hash, &wait, flow_ref(FLOW_CONNECTION, index), now_ns)) {
        leave(host, index);
    } else { /* no memory for it: over, earlier than it should be */
        if (trace_wanted(host))
            trace_state(host, &conn->key, (enum hawser_state)tcb->state, HAWSER_CLOSED,
                        HAWSER_CAUSE_OVERFLOW);
        unmap(host, index);
    }
}

/* Deadline and output queue. */
static void schedule(struct hawser_host *host, uint32_t index, const struct conn *conn, bool dry)
{
    uint64_t at_ns = tcb_deadline(&conn->tcb);
    if (at_ns != conn->timer.at_ns)
        wheel_set(&host->conn_timers, index, at_ns);
    if (!dry && !conn->queued && tcp_has_output(&host->tcp, &conn->tcb))
        conn_enqueue(host, index);
}

static void settle_mapped(struct hawser_host *host, uint32_t index, const struct conn *conn,
                          uint64_t now_ns, bool dry)
{
    const struct tcb *tcb = &conn->tcb;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_CLOSED:
        unmap(host, index);
        return;
    case HAWSER_TIME_WAIT:
        become_record(host, index, now_ns);
        return;
    case HAWSER_FIN_WAIT_2:
        if (!tcb->no_reader || (!dry && tcp_has_output(&host->tcp, tcb)))
            break;
        if (now_ns != NEVER)
            become_record(host, index, now_ns);
        else
            wheel_set(&host->conn_timers, index, host->now_ns); /* at the next hawser_expire */
        return;
    case HAWSER_LISTEN:
    case HAWSER_SYN_SENT:
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_CLOSE_WAIT:
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
        break;
    }
    schedule(host, index, conn, dry);
}

static void settle(struct hawser_host *host, uint32_t index, uint64_t now_ns, bool dry)
{
    struct conn *conn = conn_at(host, index);
    if (conn->opening &&
        (conn->tcb.state == HAWSER_CLOSED || state_is_synchronized(conn->tcb.state))) {
        conn->opening = false;
        if (conn->tcb.state == HAWSER_CLOSED)
            host->counters.opens_failed++;
    }
    if (conn->mapped)
        settle_mapped(host, index, conn, now_ns, dry);
    if (conn->role == CONN_HELD)
        conn_announce(host, index);
    else if (conn->role == CONN_ORPHAN && !conn->mapped)
        conn_give(host, index);
}

void conn_settle(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    settle(host, index, now_ns, false);
}

void conn_settle_dry(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    /* One decision, two users: what tcp_output had nothing for, tcp_has_output has nothing for. */
    CHECK(!tcp_has_output(&host->tcp, &conn_at(host, index)->tcb));
    settle(host, index, now_ns, true);
}

hawser_tcp conn_handle(const struct hawser_host *host, uint32_t index)
{
    return handle_make(conn_at(host, index)->generation, index);
}

HOT void conn_announce(struct hawser_host *host, uint32_t index)
{
    const struct conn *conn = conn_at(host, index);
    if (conn->tcb.events != 0 && !conn->telling)
        events_push_conn(host, index);
}

HOT void conn_enqueue(struct hawser_host *host, uint32_t index)
{
    struct conn *conn = conn_at(host, index);
    struct link_queues *queues = &host->queues[conn->way.link];
    ASSERT(!conn->queued);
    conn->queued = true;
    conn->out_next = CONN_NONE;
    if (queues->conns_head == CONN_NONE)
        queues->conns_head = index;
    else
        conn_at(host, queues->conns_tail)->out_next = index & CONN_NONE;
    queues->conns_tail = index;
    host->output_count++;
}

void conn_reply(struct hawser_host *host, uint32_t index, const struct tcp_reply *reply)
{
    const struct conn *conn = conn_at(host, index);
    struct reply_from from = {.key = &conn->key, .set = &conn->tcb.set, .way = &conn->way};
    if (reply->present)
        reply_push(host, &from, &reply->segment);
}

void conn_abort(struct hawser_host *host, uint32_t index, int error, enum hawser_cause cause,
                bool silently)
{
    struct conn *conn = conn_at(host, index);
    struct tcp_reply reply;
    host_works_for(host, &conn->key, index);
    tcp_abort(&host->tcp, &conn->tcb, error, cause, reply_clear(&reply));
    if (!silently)
        conn_reply(host, index, &reply);
}

uint32_t conn_record(const struct hawser_host *host, uint32_t index)
{
    const struct conn *conn = conn_at(host, index);
    if (conn->mapped || conn->tcb.state != HAWSER_TIME_WAIT)
        return FLOW_NONE;
    uint32_t ref = map_find(&host->flows.map, flow_hash(&host->flows.key, &conn->key), &conn->key);
    /* The tuple may have had another life since. */
    bool same = flow_is_record(ref) && seq_eq(waiting_at(host, ref)->snd_nxt, conn->tcb.snd.nxt);
    return same ? ref : FLOW_NONE;
}

bool conn_way(struct hawser_host *host, uint32_t index, uint64_t now_ns, struct net_path *path)
{
    struct conn *conn = conn_at(host, index);
    if (way_to_path(&host->net, conn->way, path))
        return true;
    /* RFC9293 MUST-45: from the same local address, whatever the routes have become. */
    /* RFC9293 MUST-45: whatever changed, the local address stays. */
    if (net_path_find(&host->net, &conn->key.laddr, &conn->key.raddr, path) != 0)
        return false;
    conn->way = way_of_path(path);
    uint16_t mss = host_path_mss(&conn->key, path->mtu);
    if (mss != conn->tcb.path_mss) {
        host_works_for(host, &conn->key, index);
        tcp_path_mss(&host->tcp, &conn->tcb, mss, now_ns);
    }
    return true;
}
