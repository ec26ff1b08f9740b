/* SPDX-License-Identifier: MIT */
/* The neighbour table: link-layer addresses of on-link hosts, for ARP and neighbour discovery alike
 * (RFC 826, RFC 4861 5 and 7.3). */
#ifndef HAWSER_NET_NEIGHBOUR_H
#define HAWSER_NET_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

#include "base/nstime.h"
#include "base/pool.h"
#include "base/siphash.h"
#include "base/wheel.h"
#include "net/frames.h"
#include "wire/ether.h"

#define NEIGHBOUR_NONE POOL_NONE
#define NEIGHBOUR_HELD_MAX 3u /* frames that wait for one; RFC 1122 2.3.2.2 wants the last one */
#define NEIGHBOUR_TRIES 3u    /* MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT, RFC 4861 10 */
#define NEIGHBOUR_RETRANS_NS NS_PER_S
#define NEIGHBOUR_DELAY_NS (5 * NS_PER_S) /* DELAY_FIRST_PROBE_TIME */

enum neighbour_state {
    NEIGHBOUR_NEW,        /* named by a path, nothing sent yet */
    NEIGHBOUR_INCOMPLETE, /* asked, no answer yet */
    NEIGHBOUR_REACHABLE,  /* until reachable_until_ns, then STALE (seen when it is used next) */
    NEIGHBOUR_STALE,
    NEIGHBOUR_DELAY, /* used while STALE: the transport may still confirm it */
    NEIGHBOUR_PROBE, /* asked by unicast */
};

struct neighbour {
    /* the first 32 bytes are all that sending to a reachable one needs */
    uint64_t reachable_until_ns;
    uint32_t serial;                    /* which life of this slot; 0 = free */
    uint8_t header[ETHER_HEADER_BYTES]; /* ready to be copied: its MAC, ours, the family's type */
    uint8_t state;                      /* enum neighbour_state */
    bool used;                          /* since the eviction hand came by last */
    uint32_t link;
    struct hawser_address address;
    struct wheel_entry timer; /* INCOMPLETE, DELAY, PROBE */
    uint32_t chain;           /* next in its bucket */
    uint32_t prev, next;      /* INCOMPLETE ones by age */
    struct frame_queue held;
    uint8_t tries;
    uint64_t mac_since_ns; /* when its present MAC was heard of; 0 = long ago */
};

struct neighbours {
    struct pool pool;
    struct wheel wheel;
    uint32_t *heads; /* buckets */
    uint32_t heads_mask;
    uint32_t serial_next;
    uint32_t hand; /* eviction: where to look next */
    uint32_t incomplete_head, incomplete_tail, incomplete_count;
    uint64_t reachable_ns;
    const struct siphash_key *key;
};

/* heads: room for heads_count (a power of two), the caller's. False: no memory, nothing is held. */
bool neighbours_init(struct neighbours *t, struct memory *memory, uint32_t limit,
                     uint64_t reachable_ns, uint32_t *heads, uint32_t heads_count,
                     const struct siphash_key *key, uint64_t now_ns);
void neighbours_deinit(struct neighbours *t);

static inline struct neighbour *neighbour_at(const struct neighbours *t, uint32_t index)
{
    return pool_at(&t->pool, index);
}

/* The entry of an address on a link, or NEIGHBOUR_NONE. */
uint32_t neighbours_find(const struct neighbours *t, uint32_t link,
                         const struct hawser_address *address);

/* A new entry (NEIGHBOUR_NEW; there is none of that address), or NEIGHBOUR_NONE when limit or
 * memory say no. */
uint32_t neighbours_add(struct neighbours *t, uint32_t link, const struct hawser_address *address);

/* The entry whose place a new one may take, or NEIGHBOUR_NONE: all that were looked at are busy.
 * Looks at a bounded number. */
uint32_t neighbours_victim(struct neighbours *t);

/* Takes an entry out; it holds no frames. Paths that name it are stale from now on. */
void neighbours_remove(struct neighbours *t, uint32_t index);

/* Most entries that may be INCOMPLETE at a time: half of the table, so that a flood of unknown
 * addresses cannot push out those that are in use. */
uint32_t neighbours_incomplete_max(const struct neighbours *t);

/* The only writers of state: keep the list of INCOMPLETE ones and the timer right. at_ns: when the
 * timer fires, NEVER for none. */
void neighbour_set_state(struct neighbours *t, uint32_t index, enum neighbour_state state,
                         uint64_t at_ns);
void neighbour_confirm_slow(struct neighbours *t, uint32_t index, uint64_t now_ns);

/* Forward progress: REACHABLE again, if its link-layer address is known at all (RFC 4861 7.3.1). */
static inline void neighbour_confirm(struct neighbours *t, uint32_t index, uint64_t now_ns)
{
    struct neighbour *n = neighbour_at(t, index);
    if (n->state == NEIGHBOUR_REACHABLE)
        n->reachable_until_ns = ns_add(now_ns, t->reachable_ns);
    else
        neighbour_confirm_slow(t, index, now_ns);
}

static inline struct mac neighbour_mac(const struct neighbour *n)
{
    return (struct mac){
        {n->header[0], n->header[1], n->header[2], n->header[3], n->header[4], n->header[5]}};
}

#endif
