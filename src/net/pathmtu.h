/* SPDX-License-Identifier: MIT */
/* What was learnt about path MTUs (RFC 1191, RFC 8201): a bounded table by destination, the oldest
 * reused. */
#ifndef HAWSER_NET_PATHMTU_H
#define HAWSER_NET_PATHMTU_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/siphash.h"

#define PATHMTU_FLOOR_IPV4 68u   /* RFC1191 03 */
#define PATHMTU_FLOOR_IPV6 1280u /* RFC8201 01 */

struct pathmtu {
    struct hawser_address destination;
    uint64_t until_ns; /* then it is forgotten */
    uint32_t mtu;
    uint32_t chain;      /* next in its bucket */
    uint32_t prev, next; /* by age: every decrease moves an entry to the tail */
};

struct pathmtus {
    struct pool pool;
    uint32_t *heads; /* buckets, POOL_NONE = empty */
    uint32_t heads_mask;
    uint32_t head, tail;
    uint64_t age_ns;
    const struct siphash_key *key;
};

/* heads: room for heads_count (a power of two), the caller's. False: no memory, nothing is held. */
bool pathmtus_init(struct pathmtus *p, struct memory *memory, uint32_t limit, uint64_t age_ns,
                   uint32_t *heads, uint32_t heads_count, const struct siphash_key *key);
void pathmtus_deinit(struct pathmtus *p);

/* The learnt MTU to a destination, 0 = nothing was learnt. */
uint32_t pathmtus_find(const struct pathmtus *p, const struct hawser_address *destination);

/* Remembers; false when there is no memory for it. */
bool pathmtus_set(struct pathmtus *p, const struct hawser_address *destination, uint32_t mtu,
                  uint64_t now_ns);

/* When the oldest is to be forgotten; NEVER = nothing is there. */
uint64_t pathmtus_next(const struct pathmtus *p);

/* Forgets what is old enough; true when something was forgotten. */
bool pathmtus_expire(struct pathmtus *p, uint64_t now_ns);

/* The MTU to take for IPv4 when a router reports `reported` about a packet of quoted_len bytes
 * while `current` was thought right (RFC 1191 3, 5 and 7); `current` when the report changes
 * nothing. */
uint32_t pathmtu_judge_v4(uint32_t reported, uint32_t quoted_len, uint32_t current);

#endif
