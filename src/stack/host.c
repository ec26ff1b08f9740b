/* SPDX-License-Identifier: MIT */
/* The host object: its birth and end, its links, addresses and routes, its deadlines. */
#include "stack/host.h"

#include "base/hot.h"
#include "stack/trace.h"

/* ---- birth and end --------------------------------------------------------------------------- */

/* Keys and seeds that must have nothing to do with one another, out of one entropy. */
static uint64_t derive(const struct hawser_config *config, uint64_t label)
{
    struct siphash_key key;
    uint64_t words[3];
    memcpy(key.k, config->entropy, sizeof key.k);
    memcpy(words, config->entropy + sizeof key.k, 2 * sizeof words[0]);
    words[2] = label;
    return siphash_words(&key, words, 3);
}

static struct siphash_key derive_key(const struct hawser_config *config, uint64_t label)
{
    return (struct siphash_key){{derive(config, 2 * label), derive(config, 2 * label + 1)}};
}

enum { LABEL_ISN = 1, LABEL_COOKIES, LABEL_FLOWS, LABEL_PORTS, LABEL_LAST };

static void derive_all(struct hawser_host *host)
{
    const struct hawser_config *config = &host->config;
    host->tcp.isn_key = derive_key(config, LABEL_ISN);
    host->tcp.cookie_key = derive_key(config, LABEL_COOKIES);
    host->flows.key = derive_key(config, LABEL_FLOWS);
    host->port_key = derive_key(config, LABEL_PORTS);
    prng_init(&host->prng, derive(config, 2 * LABEL_LAST));
    for (unsigned i = 0; i < PORT_COUNTERS; i++)
        host->port_counters[i] = (uint32_t)prng_next(&host->prng);
}

/* What needs no memory. */
static void init_plain(struct hawser_host *host, uint64_t now_ns)
{
    const struct hawser_config *config = &host->config;
    host->now_ns = now_ns;
    host->last_conn = CONN_NONE;
    host->tcp.config = config;
    host->tcp.buffers = &host->buffers;
    host->tcp.counters = &host->counters;
    derive_all(host);
    trace_init(host);
    events_init(host);
    ports_init(&host->ports, &host->memory);
    records_init(&host->records, &host->memory, config->chunk_bytes);
    for (uint32_t i = 0; i < config->links_max; i++)
        host->queues[i] = (struct link_queues){REPLY_NONE,   REPLY_NONE, REQUEST_NONE,
                                               REQUEST_NONE, CONN_NONE,  CONN_NONE};
}

/* False: memory was refused; what was acquired is given back by deinit. */
static bool init_memory(struct hawser_host *host, uint64_t now_ns)
{
    const struct hawser_config *config = &host->config;
    struct memory *memory = &host->memory;
    uint32_t chunk = config->chunk_bytes;
    uint64_t net_seed = derive(config, 2 * LABEL_LAST + 1);
    buffers_init(&host->buffers, memory, config->buffer_bytes, chunk);
    if (net_init(&host->net, config, memory, &host->counters, now_ns, net_seed) != 0)
        return false;
    host->scratch_frame = memory_acquire(memory, SCRATCH_BYTES);
    if (host->scratch_frame == NULL || !flows_init(host) ||
        !pool_init(&host->conns, memory, sizeof(struct conn), config->connections_max, chunk) ||
        !pool_init(&host->requests, memory, sizeof(struct request), config->halfopen_max, chunk) ||
        !pool_init(&host->replies, memory, sizeof(struct reply), REPLIES_MAX, 64 * 1024) ||
        !listeners_init(&host->listeners, memory, config->listeners_max, 64 * 1024))
        return false;
    wheel_init(&host->conn_timers, &host->conns, offsetof(struct conn, timer), now_ns);
    wheel_init(&host->request_timers, &host->requests, offsetof(struct request, timer), now_ns);
    return true;
}

static size_t host_bytes(const struct hawser_config *config)
{
    return sizeof(struct hawser_host) + config->links_max * sizeof(struct link_queues);
}

/* Buffers of blocks, so that all are back when the pools go. */
static void release_blocks(struct hawser_host *host)
{
    for (uint32_t i = 0; i < host->conns.fresh_next; i++) {
        if (conn_at(host, i)->role != CONN_FREE)
            tcb_release(&host->tcp, &conn_at(host, i)->tcb);
    }
}

/* Of a host that is whole, or of one whose init_memory failed anywhere: what is still zero holds
 * nothing. */
static void deinit(struct hawser_host *host)
{
    struct memory memory;
    release_blocks(host);
    pool_deinit(&host->listeners.pool);
    pool_deinit(&host->replies);
    pool_deinit(&host->requests);
    pool_deinit(&host->conns);
    if (host->flows.map.ops != NULL)
        map_deinit(&host->flows.map);
    records_deinit(&host->records);
    ports_deinit(&host->ports);
    memory_release(&host->memory, host->scratch_frame, SCRATCH_BYTES);
    if (host->net.config != NULL)
        net_deinit(&host->net);
    buffers_deinit(&host->buffers);
    memory = host->memory; /* the last thing it gives back is itself */
    memory_release(&memory, host, host_bytes(&host->config));
    ASSERT(memory.used_bytes == 0);
}

int hawser_host_create(const struct hawser_config *config, uint64_t now_ns,
                       struct hawser_host **out)
{
    struct memory memory;
    int error = hawser_config_check(config, NULL);
    if (error != 0)
        return error;
    memory_init(&memory, &config->memory, config->memory_bytes);
    struct hawser_host *host = memory_acquire(&memory, host_bytes(config));
    if (host == NULL)
        return HAWSER_ERR_RESOURCES;
    memset(host, 0, host_bytes(config));
    host->config = *config;
    host->memory = memory;
    init_plain(host, now_ns);
    if (!init_memory(host, now_ns)) {
        deinit(host);
        return HAWSER_ERR_RESOURCES;
    }
    *out = host;
    return 0;
}

void hawser_host_destroy(struct hawser_host *host)
{
    if (host != NULL)
        deinit(host);
}

/* ---- links, addresses, routes ---------------------------------------------------------------- */

int hawser_link_add(struct hawser_host *host, const struct hawser_link_config *config,
                    uint32_t *link)
{
    int error = net_link_add(&host->net, config, link);
    if (error == 0 && config->kind == HAWSER_LINK_LOOPBACK)
        host->loopback_links++;
    return error;
}

int hawser_address_add(struct hawser_host *host, uint32_t link,
                       const struct hawser_address *address, unsigned prefix_bits)
{
    return net_address_add(&host->net, link, address, prefix_bits);
}

bool hawser_address_is_local(const struct hawser_host *host, const struct hawser_address *address)
{
    return net_is_local(&host->net, address);
}

/* What used an address that is no longer ours. */
static void end_records_without_address(struct hawser_host *host)
{
    uint64_t cursor = 0;
    uint32_t index;
    bool v6;
    while (records_walk(&host->records, &cursor, &v6, &index)) {
        struct flow_key key;
        records_key(&host->records, v6, index, &key);
        if (!net_is_local(&host->net, &key.laddr))
            waiting_end(host, flow_ref(v6 ? FLOW_RECORD_V6 : FLOW_RECORD_V4, index), &key,
                        HAWSER_RECORD_RESET, HAWSER_CAUSE_ADDRESS_GONE);
    }
}

int hawser_address_remove(struct hawser_host *host, const struct hawser_address *address)
{
    int error = net_address_remove(&host->net, address);
    if (error != 0)
        return error;
    for (uint32_t i = 0; i < host->requests.fresh_next; i++) {
        const struct request *request = request_at(host, i);
        if (request->used && !net_is_local(&host->net, &request->key.laddr))
            request_end(host, i, HAWSER_CAUSE_ADDRESS_GONE, NEVER);
    }
    for (uint32_t i = 0; i < host->conns.fresh_next; i++) {
        const struct conn *conn = conn_at(host, i);
        if (conn->role == CONN_FREE || !conn->mapped || net_is_local(&host->net, &conn->key.laddr))
            continue;
        conn_abort(host, i, HAWSER_ERR_ABORTED, HAWSER_CAUSE_ADDRESS_GONE, true);
        conn_settle(host, i, NEVER);
    }
    end_records_without_address(host);
    return 0;
}

int hawser_route_add(struct hawser_host *host, const struct hawser_address *prefix,
                     unsigned prefix_bits, const struct hawser_address *gateway, uint32_t link,
                     uint32_t metric)
{
    return net_route_add(&host->net, prefix, prefix_bits, gateway, link, metric);
}

int hawser_route_remove(struct hawser_host *host, const struct hawser_address *prefix,
                        unsigned prefix_bits, uint32_t link)
{
    return net_route_remove(&host->net, prefix, prefix_bits, link);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

HOT void host_after(struct hawser_host *host, uint64_t now_ns)
{
    if (host->net.failures_count != 0)
        neighbour_failures(host, now_ns);
    if (host->loopback_links != 0)
        loopback_pump(host, now_ns);
}

uint64_t hawser_next_deadline(struct hawser_host *host)
{
    if (host->output_count != 0)
        return 0;
    for (uint32_t link = 0; link < host->net.links_count; link++) {
        if (net_has_output(&host->net, link))
            return 0;
    }
    uint64_t tcp = ns_min(wheel_next(&host->conn_timers), wheel_next(&host->request_timers));
    return ns_min(tcp, ns_min(records_next(&host->records), net_next_deadline(&host->net)));
}

static void conn_timeout(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    struct tcp_reply reply;
    host_works_for(host, &conn->key, index);
    tcp_timeouts(&host->tcp, &conn->tcb, now_ns, reply_clear(&reply));
    conn_reply(host, index, &reply);
    conn_settle(host, index, now_ns);
}

void hawser_expire(struct hawser_host *host, uint64_t now_ns)
{
    uint64_t now = host_now(host, now_ns);
    uint32_t index;
    /* An embedder may call this with every batch: when nothing is due it is a few comparisons. */
    while (wheel_next(&host->conn_timers) <= now &&
           (index = wheel_expire(&host->conn_timers, now)) != POOL_NONE)
        conn_timeout(host, index, now);
    while (wheel_next(&host->request_timers) <= now &&
           (index = wheel_expire(&host->request_timers, now)) != POOL_NONE)
        request_timeout(host, index, now);
    if (records_next(&host->records) <= now)
        waiting_expire(host, now);
    if (net_next_deadline(&host->net) <= now)
        net_expire(&host->net, now);
    host_after(host, now);
}

/* ---- handles --------------------------------------------------------------------------------- */

uint32_t handle_generation(struct hawser_host *host)
{
    host->generation++;
    if (host->generation == 0)
        host->generation = 1;
    return host->generation;
}

HOT uint32_t handle_conn(const struct hawser_host *host, hawser_tcp tcp)
{
    uint32_t index = (uint32_t)tcp;
    if (index >= host->conns.fresh_next) /* so are those of listeners */
        return CONN_NONE;
    const struct conn *conn = conn_at(host, index);
    if (index != host->last_conn)
        conn_prefetch(conn);
    bool held = conn->role == CONN_HELD && conn->generation == (uint32_t)(tcp >> 32);
    return held ? index : CONN_NONE;
}

uint32_t handle_listener(const struct hawser_host *host, hawser_tcp tcp)
{
    uint32_t index = (uint32_t)tcp & ~HANDLE_LISTENER;
    if (((uint32_t)tcp & HANDLE_LISTENER) == 0 || index >= host->listeners.pool.fresh_next)
        return LISTENER_NONE;
    const struct listener *listener = listener_at(&host->listeners, index);
    bool held = listener->used && listener->generation == (uint32_t)(tcp >> 32);
    return held ? index : LISTENER_NONE;
}
