/* SPDX-License-Identifier: MIT */
/* Listeners: where they are found, what waits at them. */
#ifndef HAWSER_STACK_LISTEN_H
#define HAWSER_STACK_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "stack/flowkey.h"
#include "tcp/tcb.h"

#define LISTENER_NONE POOL_NONE
#define LISTEN_HEADS 256u

struct listener {
    uint32_t end_next;  /* with the same hash of the local end */
    uint32_t port_next; /* with the same hash of the port */
    uint32_t event_next; /* in the event queue; as in struct conn, the slot's */
    uint32_t generation;
    bool used : 1;
    bool telling : 1;
    bool v6_only : 1;
    bool has_remote : 1;
    struct hawser_endpoint local, remote;
    uint32_t backlog;
    uint32_t accept_head, accept_tail, accept_count; /* connections that wait, by index */
    uint32_t requests_head, requests_count;
    uint64_t cookies_until_ns; /* cookies that were sent may come back until then; 0 = none were */
    uint32_t events;
    void *user;
    struct tcb_settings set;
};

struct listeners {
    struct pool pool;
    uint32_t by_end[LISTEN_HEADS], by_port[LISTEN_HEADS];
};

/* False: no memory. */
bool listeners_init(struct listeners *l, struct memory *memory, uint32_t limit, uint32_t chunk_bytes);

static inline struct listener *listener_at(const struct listeners *l, uint32_t index)
{
    return pool_at(&l->pool, index);
}

/* Who listens for a segment with this key: the exact local address before the family's wildcard before any address, and of each the one for
 * this remote end before the one for everybody. O(1) but for listeners on one local end. */
uint32_t listeners_find(const struct listeners *l, const struct flow_key *key);

/* A listener that would take segments which one with these ends would take too, or LISTENER_NONE. */
uint32_t listeners_conflict(const struct listeners *l, const struct hawser_endpoint *local, const struct hawser_endpoint *remote, bool v6_only);

/* A slot with ends and flags set and everything else empty, to be found from now on; LISTENER_NONE: limit or memory. */
uint32_t listeners_add(struct listeners *l, const struct hawser_endpoint *local, const struct hawser_endpoint *remote, bool v6_only);
void listeners_remove(struct listeners *l, uint32_t index);

/* Whether anybody listens on a local end that a connection with this local address and port would share. */
bool listeners_hold(const struct listeners *l, const struct hawser_address *laddr, uint16_t port);

#endif
