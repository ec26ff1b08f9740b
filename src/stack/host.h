/* SPDX-License-Identifier: MIT */
/* The host: one object that holds everything. */
#ifndef HAWSER_STACK_HOST_H
#define HAWSER_STACK_HOST_H

#include <string.h>

#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "base/assert.h"
#include "base/buffers.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/prng.h"
#include "base/wheel.h"
#include "net/net.h"
#include "stack/conn.h"
#include "stack/events.h"
#include "stack/flows.h"
#include "stack/listen.h"
#include "stack/ports.h"
#include "stack/records.h"
#include "stack/replies.h"
#include "stack/requests.h"

#define SCRATCH_BYTES (UINT32_C(68) * 1024) /* any frame of any link: 14 + 65,535 octets, and what a header may be too long */
#define PORT_COUNTERS 256u                  /* T of RFC 6056 3.3.4 */

/* What waits to leave on a link. Heads and tails of lists through the objects' slots. */
struct link_queues {
    uint32_t replies_head, replies_tail;
    uint32_t requests_head, requests_tail;
    uint32_t conns_head, conns_tail;
};

struct hawser_host {
    /* -- what every segment touches ------------------------------------------------------------------------------- */
    uint64_t now_ns;              /* latest time that was told: a clock that steps back is held here (hawser.h) */
    struct tcp tcp;
    struct flows flows;
    uint32_t last_conn;           /* the connection that was found last: streams need no hash; CONN_NONE */
    uint32_t output_count;        /* entries in all links' queues */
    struct pool conns;
    struct wheel conn_timers;
    struct hawser_counters counters;

    /* -- the rest --------------------------------------------------------------------------------------------------- */
    struct hawser_config config;
    struct memory memory;
    struct buffers buffers;
    struct net net;
    struct tcp_observer observer;
    struct pool requests;
    struct wheel request_timers;
    struct records records;
    struct listeners listeners;
    struct ports ports;
    struct pool replies;
    struct events events;
    uint32_t generation;          /* of the handle that was made last */
    struct prng prng;             /* jitter and random ports */
    struct siphash_key port_key;
    uint32_t port_counters[PORT_COUNTERS];
    struct tcb scratch;           /* a request while a segment is processed for it */
    uint8_t *scratch_frame;       /* SCRATCH_BYTES */
    uint32_t loopback_links;      /* how many of the links are */

    /* Which object tcp/ is working for: what its observer says is about it. */
    struct {
        const struct flow_key *key;
        uint32_t conn;            /* CONN_NONE for a request */
    } active;

    struct link_queues queues[];  /* links_max */
};

static inline struct conn *conn_at(const struct hawser_host *host, uint32_t index)
{
    return pool_at(&host->conns, index);
}

static inline struct request *request_at(const struct hawser_host *host, uint32_t index)
{
    return pool_at(&host->requests, index);
}

/* A slot of one of the host's pools; POOL_NONE: its limit is reached, or (counted) memory was refused. */
static inline uint32_t host_take(struct hawser_host *host, struct pool *pool)
{
    uint32_t index = pool_take(pool);
    if (index == POOL_NONE && pool->used_count < pool->slots_limit)
        host->counters.memory_refused++;
    return index;
}

/* ports_hold, counted. */
static inline bool host_hold_port(struct hawser_host *host, const struct flow_key *key)
{
    bool held = ports_hold(&host->ports, &key->laddr, key->lport);
    host->counters.memory_refused += !held;
    return held;
}

/* map_add of the flow map, counted. */
static inline bool host_map(struct hawser_host *host, uint64_t hash, uint32_t ref)
{
    bool added = map_add(&host->flows.map, hash, ref);
    host->counters.memory_refused += !added;
    return added;
}

/* The time of a call. */
static inline uint64_t host_now(struct hawser_host *host, uint64_t now_ns)
{
    if (now_ns > host->now_ns)
        host->now_ns = now_ns;
    return host->now_ns;
}

/* What the MTU leaves beside the fixed headers, and nothing less: options are the sender's business (RFC6691 01, 03). */
static inline uint16_t host_path_mss(const struct flow_key *key, uint32_t mtu)
{
    return (uint16_t)(mtu - TCP_HEADER_MIN - (flow_key_is_v4(key) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES));
}

/* The key as tcp/ sees it, which knows no addresses. */
static inline struct tuple_bytes host_tuple(const struct flow_key *key)
{
    struct tuple_bytes tuple;
    _Static_assert(sizeof tuple.b == sizeof *key, "one 4-tuple, two names");
    memcpy(tuple.b, key, sizeof tuple.b);
    return tuple;
}

/* Before a call into tcp/: whom its observer will be told about. */
static inline void host_works_for(struct hawser_host *host, const struct flow_key *key, uint32_t conn)
{
    host->active.key = key;
    host->active.conn = conn;
}

/* ---- handles: generation, kind, index ---- */

#define HANDLE_LISTENER (UINT32_C(1) << 31)

static inline hawser_tcp handle_make(uint32_t generation, uint32_t low)
{
    return ((uint64_t)generation << 32) | low;
}

/* The connection or listener that a handle of the program names, or CONN_NONE and LISTENER_NONE. */
uint32_t handle_conn(const struct hawser_host *host, hawser_tcp tcp);
uint32_t handle_listener(const struct hawser_host *host, hawser_tcp tcp);

/* The generation of a new handle: never 0. */
uint32_t handle_generation(struct hawser_host *host);

/* ---- what the files of stack/ ask of each other ---- */

/* One frame, whatever link it came from. */
void input_frame(struct hawser_host *host, uint32_t link, uint64_t now_ns, const struct hawser_frame *frame);

/* Fills up to count buffers with what a link has to send. */
size_t output_frames(struct hawser_host *host, uint32_t link, uint64_t now_ns, struct hawser_buffer *buffers, size_t count);

/* Whether a link has something to send. */
static inline bool output_waits(const struct hawser_host *host, uint32_t link)
{
    const struct link_queues *q = &host->queues[link];
    return q->replies_head != REPLY_NONE || q->requests_head != REQUEST_NONE || q->conns_head != CONN_NONE || net_has_output(&host->net, link);
}

/* The end of every entry point: what net says about next hops, and what loops back. */
void host_after(struct hawser_host *host, uint64_t now_ns);

/* Brings what was sent on LOOPBACK links back in, until nothing is left or a bound is reached. */
void loopback_pump(struct hawser_host *host, uint64_t now_ns);

/* hawser_close of a listener. */
void listener_close(struct hawser_host *host, uint32_t index);

/* An ICMP error, or what net says about a next hop, for the connection or request that it quotes. */
void icmp_error_arrives(struct hawser_host *host, const struct net_arrival *arrival, uint64_t now_ns);
void neighbour_failures(struct hawser_host *host, uint64_t now_ns);

/* ---- TIME-WAIT: waiting.c ---- */

/* A record of this 4-tuple in place of the reference `instead`, whose local port is held, and stays so. False: no memory for it, nothing changed. */
bool waiting_enter(struct hawser_host *host, const struct flow_key *key, uint64_t hash, const struct timewait *wait, uint32_t instead,
                   uint64_t now_ns);

/* A segment for a record. */
void waiting_arrives(struct hawser_host *host, uint32_t ref, const struct flow_key *key, uint64_t hash, const struct segment *seg,
                     uint64_t now_ns);

/* Takes a record out, and its reference out of the map. */
void waiting_end(struct hawser_host *host, uint32_t ref, const struct flow_key *key, enum hawser_record_event event, enum hawser_cause cause);

/* Something else stands in the map in a record's place: gives its storage and its hold of the port back. */
void waiting_replaced(struct hawser_host *host, uint32_t ref, const struct flow_key *key, enum hawser_record_event event);

/* The request that stands in a record's place came to nothing: TIME-WAIT goes on, for 2 MSL from now (RFC9293 MAY-2). Without memory for it the
 * reference leaves the map. */
void waiting_resume(struct hawser_host *host, const struct flow_key *key, uint64_t hash, const struct timewait *wait, uint32_t instead,
                    uint64_t now_ns);

/* Ends a record whose time is over; false: it is not. */
bool waiting_expire_due(struct hawser_host *host, uint32_t ref, const struct flow_key *key, uint64_t now_ns);

/* Ends all whose time is over. */
void waiting_expire(struct hawser_host *host, uint64_t now_ns);

static inline bool flow_is_record(uint32_t ref)
{
    return ref != FLOW_NONE && flow_kind_of(ref) >= FLOW_RECORD_V4;
}

static inline struct timewait *waiting_at(const struct hawser_host *host, uint32_t ref)
{
    return records_at(&host->records, flow_kind_of(ref) == FLOW_RECORD_V6, flow_index_of(ref));
}

/* ---- port choice: ports of active opens and listeners, choose.c ---- */

/* A local port for an active open (RFC 6056 3.3.4), or 0. *instead: the record that the 4-tuple takes over, or FLOW_NONE. */
uint16_t port_for_open(struct hawser_host *host, const struct flow_key *key, uint64_t now_ns, uint32_t *instead);

/* A port that nobody uses on a local end, or 0. */
uint16_t port_for_listen(struct hawser_host *host, const struct hawser_listen_options *options);

/* Whether an active open may take a record over now. */
bool port_may_reuse(const struct hawser_host *host, const struct flow_key *key, uint32_t ref, uint64_t now_ns);

#endif
