/* SPDX-License-Identifier: MIT */
/* 3.10.6 STATUS, options, and what a host holds. */
#include "stack/host.h"

/* ---- what is said of each kind
 * ----------------------------------------------------------------- */

static void begin(struct hawser_tcp_info *info, const struct flow_key *key)
{
    memset(info, 0, sizeof *info);
    info->timer_ns = NEVER;
    info->timer_kind = HAWSER_TIMER_NONE;
    if (key == NULL)
        return;
    info->local = (struct hawser_endpoint){key->laddr, key->lport};
    info->remote = (struct hawser_endpoint){key->raddr, key->rport};
}

static void status_of_wait(const struct timewait *wait, uint64_t now_ns,
                           struct hawser_tcp_info *info)
{
    info->state = wait->fin_wait_2 ? HAWSER_FIN_WAIT_2 : HAWSER_TIME_WAIT;
    info->timer_kind = wait->fin_wait_2 ? HAWSER_TIMER_FIN_WAIT_2 : HAWSER_TIMER_TIME_WAIT;
    info->timer_ns = ns_since(timewait_ends_ns(wait, now_ns), now_ns);
    info->snd_una = info->snd_nxt = wait->snd_nxt.v;
    info->rcv_nxt = wait->rcv_nxt.v;
    info->rcv_wnd = (uint32_t)wait->rcv_wnd << wait->rcv_wscale;
    info->rcv_wscale = wait->rcv_wscale;
    info->has_timestamps = wait->has_timestamps;
}

/* RFC9293 3.10.6-1. */
static void status_of_conn(const struct hawser_host *host, uint32_t index, uint64_t now_ns,
                           struct hawser_tcp_info *info)
{
    const struct conn *conn = conn_at(host, index);
    bool v4 = flow_key_is_v4(&conn->key);
    begin(info, &conn->key);
    tcp_status(&host->tcp, &conn->tcb, now_ns, info);
    info->path_mtu_bytes =
        conn->tcb.path_mss + TCP_HEADER_MIN + (v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
    if (conn->role == CONN_HELD) {
        info->handle = conn_handle(host, index);
        info->user = conn->user;
    }
    if (conn->mapped)
        return;
    uint32_t record = conn_record(host, index);
    info->state = HAWSER_CLOSED;
    info->timer_kind = HAWSER_TIMER_NONE;
    info->timer_ns = NEVER;
    if (record == FLOW_NONE)
        return;
    info->state = HAWSER_TIME_WAIT;
    info->timer_kind = HAWSER_TIMER_TIME_WAIT;
    info->timer_ns = ns_since(timewait_ends_ns(waiting_at(host, record), now_ns), now_ns);
}

static void status_of_listener(const struct hawser_host *host, uint32_t index,
                               struct hawser_tcp_info *info)
{
    const struct listener *listener = listener_at(&host->listeners, index);
    begin(info, NULL);
    info->handle = handle_make(listener->generation, index | HANDLE_LISTENER);
    info->user = listener->user;
    info->state = HAWSER_LISTEN;
    info->local = listener->local;
    info->remote = listener->remote;
    info->receive_queue_bytes = listener->accept_count;
    info->send_queue_bytes = listener->backlog;
    info->nodelay = listener->set.nodelay;
    info->keepalive = listener->set.keepalive;
}

static void status_of_request(const struct hawser_host *host, uint32_t index, uint64_t now_ns,
                              struct hawser_tcp_info *info)
{
    const struct request *request = request_at(host, index);
    const struct halfopen *half = &request->half;
    begin(info, &request->key);
    info->state = HAWSER_SYN_RECEIVED;
    info->timer_kind = HAWSER_TIMER_SYN_ACK;
    if (half->synack_at_ns != NEVER)
        info->timer_ns = ns_since(half->synack_at_ns, now_ns);
    info->iss = info->snd_una = half->iss.v;
    info->snd_nxt = half->iss.v + 1;
    info->snd_wnd = half->snd_wnd;
    info->irs = half->irs.v;
    info->rcv_nxt = half->irs.v + 1;
    info->has_timestamps = half->has_timestamps;
    info->has_sack = half->has_sack;
    info->has_wscale = half->has_wscale;
    info->snd_wscale = half->peer_wscale;
    info->rcv_wscale = half->own_wscale;
    info->retransmissions = half->synack_count > 1 ? half->synack_count - 1u : 0;
}

int hawser_status(struct hawser_host *host, uint64_t now_ns, hawser_tcp tcp,
                  struct hawser_tcp_info *out)
{
    uint64_t now = host_now(host, now_ns);
    uint32_t index = handle_conn(host, tcp);
    uint32_t listener = handle_listener(host, tcp);
    if (index == CONN_NONE && listener == LISTENER_NONE)
        return HAWSER_ERR_NO_CONNECTION;
    if (out == NULL)
        return HAWSER_ERR_INVALID;
    if (listener != LISTENER_NONE)
        status_of_listener(host, listener, out);
    else
        status_of_conn(host, index, now, out);
    return 0;
}

/* ---- walking
 * ----------------------------------------------------------------------------------- */

/* The order in which a walk shows them: what becomes another kind between two calls goes to one
 * that was shown before, and so is missed at worst. */
enum walk { WALK_LISTENERS, WALK_RECORDS, WALK_CONNECTIONS, WALK_REQUESTS, WALK_KINDS };

#define WALK_SHIFT 62u /* the kind; below it what each needs */
#define WALK_MASK ((UINT64_C(1) << WALK_SHIFT) - 1)

static bool walk_listeners(struct hawser_host *host, uint64_t *at, struct hawser_tcp_info *out)
{
    for (uint32_t i = (uint32_t)*at; i < host->listeners.pool.fresh_next; i++) {
        if (!listener_at(&host->listeners, i)->used)
            continue;
        status_of_listener(host, i, out);
        *at = i + 1;
        return true;
    }
    return false;
}

static bool walk_records(struct hawser_host *host, uint64_t now_ns, uint64_t *at,
                         struct hawser_tcp_info *out)
{
    struct flow_key key;
    uint32_t index;
    bool v6;
    if (!records_walk(&host->records, at, &v6, &index))
        return false;
    records_key(&host->records, v6, index, &key);
    begin(out, &key);
    status_of_wait(records_at(&host->records, v6, index), now_ns, out);
    return true;
}

static bool walk_connections(struct hawser_host *host, uint64_t now_ns, uint64_t *at,
                             struct hawser_tcp_info *out)
{
    for (uint32_t i = (uint32_t)*at; i < host->conns.fresh_next; i++) {
        const struct conn *conn = conn_at(host, i);
        if (conn->role == CONN_FREE || conn_record(host, i) != FLOW_NONE)
            continue; /* its record speaks for it */
        status_of_conn(host, i, now_ns, out);
        *at = i + 1;
        return true;
    }
    return false;
}

static bool walk_requests(struct hawser_host *host, uint64_t now_ns, uint64_t *at,
                          struct hawser_tcp_info *out)
{
    for (uint32_t i = (uint32_t)*at; i < host->requests.fresh_next; i++) {
        if (!request_at(host, i)->used)
            continue;
        status_of_request(host, i, now_ns, out);
        *at = i + 1;
        return true;
    }
    return false;
}

static bool walk_kind(struct hawser_host *host, unsigned kind, uint64_t now_ns, uint64_t *at,
                      struct hawser_tcp_info *out)
{
    switch ((enum walk)kind) {
    case WALK_LISTENERS:
        return walk_listeners(host, at, out);
    case WALK_RECORDS:
        return walk_records(host, now_ns, at, out);
    case WALK_CONNECTIONS:
        return walk_connections(host, now_ns, at, out);
    case WALK_REQUESTS:
        return walk_requests(host, now_ns, at, out);
    case WALK_KINDS:
        break;
    }
    return false;
}

bool hawser_walk(struct hawser_host *host, uint64_t now_ns, uint64_t *cursor,
                 struct hawser_tcp_info *out)
{
    uint64_t now = host_now(host, now_ns);
    uint64_t at = *cursor & WALK_MASK;
    for (unsigned kind = (unsigned)(*cursor >> WALK_SHIFT); kind < WALK_KINDS; kind++) {
        if (walk_kind(host, kind, now, &at, out)) {
            *cursor = ((uint64_t)kind << WALK_SHIFT) | at;
            return true;
        }
        at = 0;
    }
    *cursor = ((uint64_t)WALK_REQUESTS << WALK_SHIFT) | UINT32_MAX; /* behind the last one */
    return false;
}

/* ---- options
 * ----------------------------------------------------------------------------------- */

static int set_backlog(struct listener *listener, uint64_t value)
{
    if (value == 0 || value > UINT32_MAX)
        return HAWSER_ERR_INVALID;
    listener->backlog = (uint32_t)value; /* who waits already stays */
    return 0;
}

int hawser_set_option(struct hawser_host *host, hawser_tcp tcp, enum hawser_option option,
                      uint64_t value)
{
    uint32_t index = handle_conn(host, tcp);
    uint32_t listener = handle_listener(host, tcp);
    if (listener != LISTENER_NONE && option == HAWSER_OPTION_BACKLOG)
        return set_backlog(listener_at(&host->listeners, listener), value);
    if (listener != LISTENER_NONE)
        return tcb_settings_set(&host->tcp, &listener_at(&host->listeners, listener)->set, option,
                                value);
    if (index == CONN_NONE)
        return HAWSER_ERR_NO_CONNECTION;
    int error = tcp_set_option(&host->tcp, &conn_at(host, index)->tcb, option, value);
    conn_settle(host, index, NEVER);
    return error;
}

int hawser_get_option(struct hawser_host *host, hawser_tcp tcp, enum hawser_option option,
                      uint64_t *value)
{
    uint32_t index = handle_conn(host, tcp);
    uint32_t listener = handle_listener(host, tcp);
    if (index == CONN_NONE && listener == LISTENER_NONE)
        return HAWSER_ERR_NO_CONNECTION;
    if (value == NULL)
        return HAWSER_ERR_INVALID;
    if (listener != LISTENER_NONE && option == HAWSER_OPTION_BACKLOG) {
        *value = listener_at(&host->listeners, listener)->backlog;
        return 0;
    }
    if (listener != LISTENER_NONE)
        return tcb_settings_get(&listener_at(&host->listeners, listener)->set, option, value);
    return tcb_settings_get(&conn_at(host, index)->tcb.set, option, value);
}

int hawser_set_user(struct hawser_host *host, hawser_tcp tcp, void *user)
{
    uint32_t index = handle_conn(host, tcp);
    uint32_t listener = handle_listener(host, tcp);
    if (listener != LISTENER_NONE)
        listener_at(&host->listeners, listener)->user = user;
    else if (index != CONN_NONE)
        conn_at(host, index)->user = user;
    else
        return HAWSER_ERR_NO_CONNECTION;
    return 0;
}

int hawser_take_soft_error(struct hawser_host *host, hawser_tcp tcp)
{
    uint32_t index = handle_conn(host, tcp);
    if (index == CONN_NONE)
        return handle_listener(host, tcp) == LISTENER_NONE ? HAWSER_ERR_NO_CONNECTION : 0;
    struct tcb *tcb = &conn_at(host, index)->tcb;
    int error = tcb->soft_error; /* RFC9293 MUST-47 */
    tcb->soft_error = 0;
    return error;
}

/* ---- what a host holds
 * ------------------------------------------------------------------------- */

const struct hawser_counters *hawser_counters_of(const struct hawser_host *host)
{
    return &host->counters;
}

void hawser_usage_of(const struct hawser_host *host, struct hawser_usage *out)
{
    *out = (struct hawser_usage){
        .memory_bytes = host->memory.used_bytes,
        .buffer_bytes = host->buffers.used_bytes,
        .buffer_bytes_high = host->buffers.high_bytes,
        .connections = host->conns.used_count,
        .halfopens = host->requests.used_count,
        .timewaits = host->records.live_count,
        .listeners = host->listeners.pool.used_count,
        .neighbours = host->net.neighbours.pool.used_count,
        .connection_bytes = sizeof(struct conn),
        .record_bytes_v4 = sizeof(struct record_v4),
        .record_bytes_v6 = sizeof(struct record_v6),
    };
}
