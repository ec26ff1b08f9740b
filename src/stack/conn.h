/* SPDX-License-Identifier: MIT */
/* Connections: a control block with what the stack adds to it, in the slots of one pool. */
#ifndef HAWSER_STACK_CONN_H
#define HAWSER_STACK_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wheel.h"
#include "stack/flowkey.h"
#include "stack/way.h"
#include "tcp/tcb.h"
#include "tcp/tcp.h"

#define CONN_NONE UINT32_C(0xffffff)
#define CONN_BUDGET_BYTES 496u /* with its share of the flow map an idle connection stays within 512 bytes */

/* Who holds a slot. */
enum conn_role {
    CONN_FREE,    /* nobody */
    CONN_WAITING, /* a listener's accept queue */
    CONN_HELD,    /* the program, by its handle */
    CONN_ORPHAN,  /* nobody any more: it ends in the background */
};

struct conn {
    struct flow_key key;
    uint32_t generation; /* in the handle: tells this life of the slot from others */
    struct way way;
    /* The slot's place in its link's output queue and in the event queue. Both outlive the connection: they are the slot's, and whoever
     * takes them from the queue looks what the slot is now. So a connection can end without being searched for. */
    uint32_t out_next : 24; /* CONN_NONE = end */
    enum conn_role role : 4;
    bool mapped : 1;  /* in the flow map, with a local port held: it lives */
    bool queued : 1;  /* in an output queue */
    bool telling : 1; /* in the event queue */
    bool opening : 1; /* an active open that is not synchronized yet */
    uint32_t event_next;
    struct tcb tcb;
    struct wheel_entry timer; /* at tcb_deadline */
    union {
        void *user; /* CONN_HELD */
        struct {
            uint32_t next, listener; /* CONN_WAITING */
        } waiting;
    };
};

_Static_assert(sizeof(struct conn) <= CONN_BUDGET_BYTES, "memory of an idle connection");

struct hawser_host;

/* Asks the cache for all lines of a slot but the first, which the caller is about to read: of a connection that has not been touched for long they
 * come together then, and not one after the other. */
static inline void conn_prefetch(const struct conn *conn)
{
    const char *line = (const char *)conn;
    for (size_t at = 64; at < sizeof *conn; at += 64)
        __builtin_prefetch(line + at);
}

static inline struct tcp_reply *reply_clear(struct tcp_reply *reply)
{
    reply->present = false;
    return reply;
}

/* A slot for a connection with this 4-tuple, not yet in the flow map; CONN_NONE: connections_max are there, or no memory. */
uint32_t conn_take(struct hawser_host *host, const struct flow_key *key, struct way way, enum conn_role role);

/* Gives back a slot that is not in the flow map, with the buffers of its block; or one whose block was never used. */
void conn_give(struct hawser_host *host, uint32_t index);
void conn_discard(struct hawser_host *host, uint32_t index);

/* Into the flow map, in place of the reference `instead` (FLOW_NONE = of nothing), and holds the local port. False: no memory, nothing changed. */
bool conn_map(struct hawser_host *host, uint32_t index, uint64_t hash, uint32_t instead);

/* After every call into tcp/: what the block became decides where the connection is kept. now_ns NEVER: a user call, which has no time; what needs it is then
 * put off to the next call of an entry point. The slot may be gone afterwards. */
void conn_settle(struct hawser_host *host, uint32_t index, uint64_t now_ns);

/* The same after tcp_output had nothing more to send. */
void conn_settle_dry(struct hawser_host *host, uint32_t index, uint64_t now_ns);

/* The program's handle to a connection that it holds. */
uint64_t conn_handle(const struct hawser_host *host, uint32_t index);

/* Something may be said to the program: into the event queue. */
void conn_announce(struct hawser_host *host, uint32_t index);

/* Sends what a call into tcp/ gave back for a connection, if it gave something. */
void conn_reply(struct hawser_host *host, uint32_t index, const struct tcp_reply *reply);

/* Into its link's output queue. */
void conn_enqueue(struct hawser_host *host, uint32_t index);

/* Ends the block of a connection that is mapped; the RST that is due leaves through the reply queue, unless silently. The caller settles it. */
void conn_abort(struct hawser_host *host, uint32_t index, int error, enum hawser_cause cause, bool silently);

/* The TIME-WAIT record that a connection which the program still holds became, or FLOW_NONE. */
uint32_t conn_record(const struct hawser_host *host, uint32_t index);

/* The way in use, found again when it is stale (MSS follows its MTU), into *path. False: nothing leads there now. */
bool conn_way(struct hawser_host *host, uint32_t index, uint64_t now_ns, struct net_path *path);

#endif
