/* SPDX-License-Identifier: MIT */
/* 3.10.1 OPEN: hawser_listen, hawser_accept, hawser_open (RFC 9293 3.9.1.1). */
#include "stack/host.h"
#include "stack/trace.h"

/* ---- passive
 * ---------------------------------------------------------------------------------- */

static void trace_listener(struct hawser_host *host, const struct listener *listener,
                           enum hawser_state from, enum hawser_state to, enum hawser_cause cause)
{
    const struct flow_key key = {listener->local.address, listener->remote.address,
                                 listener->local.port, listener->remote.port};
    if (trace_wanted(host))
        trace_state(host, &key, from, to, cause);
}

/* 0 and the local end, port and all; or why it cannot be had. */
static int local_for_listen(struct hawser_host *host, const struct hawser_listen_options *options,
                            struct hawser_endpoint *local)
{
    *local = options->local;
    if (!address_is_unspecified(&local->address) && !net_is_local(&host->net, &local->address))
        return HAWSER_ERR_ADDRESS_NOT_LOCAL; /* RFC9293 MUST-43 */
    if (local->port == 0) {
        local->port = port_for_listen(host, options);
        return local->port == 0 ? HAWSER_ERR_ADDRESS_NOT_AVAILABLE : 0;
    }
    /* What exists is not disturbed (RFC9293 MUST-41); with reuse_address connections on the port
     * are no obstacle (RFC9293 MUST-42). */
    if (listeners_conflict(&host->listeners, local, &options->remote, options->v6_only) !=
        LISTENER_NONE)
        return HAWSER_ERR_ADDRESS_IN_USE;
    if (!options->reuse_address &&
        ports_used(&host->ports, &local->address, local->port, options->v6_only))
        return HAWSER_ERR_ADDRESS_IN_USE;
    return 0;
}

uint32_t hawser_port_users(struct hawser_host *host, uint64_t now_ns,
                           const struct hawser_endpoint *local, bool v6_only)
{
    waiting_expire(host, host_now(host, now_ns));
    return ports_users(&host->ports, &local->address, local->port, v6_only);
}

uint16_t hawser_port_choose(struct hawser_host *host, uint64_t now_ns,
                            const struct hawser_address *local, bool v6_only)
{
    const struct hawser_listen_options options = {.local = {.address = *local}, .v6_only = v6_only};
    waiting_expire(host, host_now(host, now_ns));
    return port_for_listen(host, &options);
}

/* RFC9293 FIG5-1. */
int hawser_listen(struct hawser_host *host, uint64_t now_ns,
                  const struct hawser_listen_options *options, hawser_tcp *out)
{
    struct hawser_endpoint local;
    if (options == NULL || out == NULL || options->backlog == 0)
        return HAWSER_ERR_INVALID;
    waiting_expire(host, host_now(host, now_ns));
    int error = local_for_listen(host, options, &local);
    if (error != 0)
        return error;
    uint32_t index = listeners_add(&host->listeners, &local, &options->remote, options->v6_only);
    if (index == LISTENER_NONE)
        return HAWSER_ERR_RESOURCES;
    struct listener *listener = listener_at(&host->listeners, index);
    listener->generation = handle_generation(host);
    listener->backlog = options->backlog;
    listener->user = options->user;
    tcb_settings_init(&host->tcp, &listener->set);
    trace_listener(host, listener, HAWSER_CLOSED, HAWSER_LISTEN, HAWSER_CAUSE_OPEN_PASSIVE);
    *out = handle_make(listener->generation, index | HANDLE_LISTENER);
    return 0;
}

static uint32_t accept_pop(struct hawser_host *host, struct listener *listener)
{
    uint32_t index = listener->accept_head;
    listener->accept_head = conn_at(host, index)->waiting.next;
    listener->accept_count--;
    return index;
}

int hawser_accept(struct hawser_host *host, hawser_tcp tcp, hawser_tcp *out)
{
    uint32_t listener_index = handle_listener(host, tcp);
    if (out == NULL)
        return HAWSER_ERR_INVALID;
    if (listener_index == LISTENER_NONE)
        return handle_conn(host, tcp) == CONN_NONE ? HAWSER_ERR_NO_CONNECTION
                                                   : HAWSER_ERR_NOT_CONNECTED;
    struct listener *listener = listener_at(&host->listeners, listener_index);
    if (listener->accept_count == 0)
        return HAWSER_ERR_AGAIN;
    uint32_t index = accept_pop(host, listener);
    struct conn *conn = conn_at(host, index);
    conn->role = CONN_HELD;
    conn->user = NULL;
    /* Which is what this call says. */
    conn->tcb.events &= (uint16_t) ~(HAWSER_EVENT_CONNECTED | HAWSER_EVENT_WRITABLE);
    conn_announce(host, index);
    *out = conn_handle(host, index);
    return 0;
}

/* RFC9293 FIG5-3, 3.10.4-1. */
void listener_close(struct hawser_host *host, uint32_t index)
{
    struct listener *listener = listener_at(&host->listeners, index);
    while (listener->requests_head != REQUEST_NONE)
        request_end(host, listener->requests_head, HAWSER_CAUSE_CLOSE, NEVER);
    while (listener->accept_count > 0) { /* nobody will ever read from them */
        uint32_t waiting = accept_pop(host, listener);
        if (conn_at(host, waiting)->mapped)
            conn_abort(host, waiting, 0, HAWSER_CAUSE_CLOSE, false);
        conn_at(host, waiting)->role = CONN_ORPHAN;
        conn_settle(host, waiting, NEVER);
    }
    trace_listener(host, listener, HAWSER_LISTEN, HAWSER_CLOSED, HAWSER_CAUSE_CLOSE);
    listeners_remove(&host->listeners, index);
}

/* ---- active
 * ----------------------------------------------------------------------------------- */

/* The way, and with it the local address (RFC9293 MUST-44, MUST-46). */
static int path_for_open(struct hawser_host *host, const struct hawser_open_options *options,
                         struct net_path *path)
{
    const struct hawser_address *local = &options->local.address;
    const struct hawser_address *remote = &options->remote.address;
    if (address_is_unspecified(remote))
        return HAWSER_ERR_REMOTE_UNSPECIFIED; /* RFC9293 3.10.1-3 */
    if (options->remote.port == 0)
        return HAWSER_ERR_BAD_REMOTE;
    if (!address_is_unspecified(local))
        return net_path_find(&host->net, local, remote, path);
    if (address_is_v4(local) && !address_is_v4(remote))
        return HAWSER_ERR_ADDRESS_NOT_LOCAL;
    return net_path_find(&host->net, NULL, remote, path);
}

/* A local port that the program gave. */
static int check_local_port(struct hawser_host *host, const struct flow_key *key,
                            bool reuse_address, uint64_t now_ns, uint32_t *instead)
{
    *instead = map_find(&host->flows.map, flow_hash(&host->flows.key, key), key);
    if (*instead != FLOW_NONE && !flow_is_record(*instead))
        return HAWSER_ERR_EXISTS; /* RFC9293 3.10.1-4 */
    if (*instead != FLOW_NONE && !port_may_reuse(host, key, *instead, now_ns))
        return HAWSER_ERR_ADDRESS_IN_USE;
    if (!reuse_address && (ports_used(&host->ports, &key->laddr, key->lport, false) ||
                           listeners_hold(&host->listeners, &key->laddr, key->lport)))
        return HAWSER_ERR_ADDRESS_IN_USE;
    return 0;
}

static int port_for(struct hawser_host *host, struct flow_key *key,
                    const struct hawser_open_options *options, uint64_t now_ns, uint32_t *instead)
{
    if (options->local.port != 0)
        return check_local_port(host, key, options->reuse_address, now_ns, instead);
    key->lport = port_for_open(host, key, now_ns, instead);
    return key->lport == 0 ? HAWSER_ERR_ADDRESS_NOT_AVAILABLE : 0;
}

/* CLOSED -> SYN-SENT of a slot that is in the map. old: the record whose tuple it took over, or
 * NULL. */
static void start(struct hawser_host *host, uint32_t index, const struct timewait *old,
                  const struct net_path *path, uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    struct tuple_bytes tuple = host_tuple(&conn->key);
    uint64_t secret = isn_secret(&host->tcp, &tuple);
    seq_t iss = isn_make(secret, now_ns);
    const struct tcp_open opening = {
        .iss = old != NULL ? isn_beyond(iss, old->snd_nxt) : iss,
        .ts_offset = ts_offset_make(secret),
        .path_mss = host_path_mss(&conn->key, path->mtu),
        .link_mss = host_path_mss(&conn->key, net_path_link_mtu(&host->net, path)),
        .v4 = flow_key_is_v4(&conn->key),
    };
    tcb_init(&host->tcp, &conn->tcb);
    conn->opening = true;
    host_works_for(host, &conn->key, index);
    tcp_open_active(&host->tcp, &conn->tcb, &opening);
    host->counters.opens_active++;
    host->last_conn = index;
    conn_settle(host, index, now_ns);
}

int hawser_open(struct hawser_host *host, uint64_t now_ns,
                const struct hawser_open_options *options, hawser_tcp *out)
{
    struct net_path path;
    struct timewait old;
    uint32_t instead;
    if (options == NULL || out == NULL)
        return HAWSER_ERR_INVALID;
    uint64_t now = host_now(host, now_ns);
    waiting_expire(host, now);
    int error = path_for_open(host, options, &path);
    if (error != 0)
        return error;
    struct flow_key key = {path.source, options->remote.address, options->local.port,
                           options->remote.port};
    error = port_for(host, &key, options, now, &instead);
    if (error != 0)
        return error;
    uint32_t index = conn_take(host, &key, way_of_path(&path), CONN_HELD);
    if (index == CONN_NONE)
        return HAWSER_ERR_RESOURCES;
    if (!conn_map(host, index, flow_hash(&host->flows.key, &key), instead)) {
        conn_discard(host, index);
        return HAWSER_ERR_RESOURCES;
    }
    if (instead != FLOW_NONE) {
        old = *waiting_at(host, instead);
        waiting_replaced(host, instead, &key, HAWSER_RECORD_REUSED_BY_OPEN);
        host->counters.timewait_reused++;
    }
    conn_at(host, index)->user = options->user;
    start(host, index, instead != FLOW_NONE ? &old : NULL, &path, now);
    *out = conn_handle(host, index);
    return 0;
}
