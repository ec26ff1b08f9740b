/* SPDX-License-Identifier: MIT */
/* Deadline queue: a hierarchical timing wheel, one entry per object, O(1) to set, clear and expire,
 * exact to the nanosecond. */
#ifndef HAWSER_BASE_WHEEL_H
#define HAWSER_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nstime.h"
#include "base/pool.h"

#define WHEEL_LEVELS 8u
#define WHEEL_SLOTS 64u
#define WHEEL_TICK_SHIFT 18u /* level 0: 2^18 ns (262 us) a slot; a slot keeps the exact least deadline beside its list */

/* Sits inside the timed object, at a fixed offset of a pool's slot; names objects by pool index. */
struct wheel_entry {
    uint64_t at_ns;      /* NEVER = not set */
    uint32_t prev, next; /* POOL_NONE = end */
    uint16_t slot;       /* level * WHEEL_SLOTS + slot; meaningful while set */
};

struct wheel {
    const struct pool *pool;
    uint32_t entry_offset;
    uint32_t entry_count;
    uint64_t at_ns;                              /* time up to which everything has expired */
    uint64_t used[WHEEL_LEVELS];                 /* bit per slot */
    uint32_t head[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t least_ns[WHEEL_LEVELS][WHEEL_SLOTS];/* not later than the earliest deadline in the slot */
};

void wheel_init(struct wheel *w, const struct pool *pool, uint32_t entry_offset, uint64_t now_ns);

/* An entry's first use: marks it as not set. */
void wheel_entry_init(struct wheel_entry *e);

/* Sets, moves or (NEVER) clears the deadline of object `index`. A deadline already past is due at
 * the next wheel_expire. */
void wheel_set(struct wheel *w, uint32_t index, uint64_t at_ns);

/* When wheel_expire has something to do at the latest; NEVER when nothing is set. May be earlier
 * than the earliest deadline (after a clear), never later, and is later than the last
 * wheel_expire's now_ns once that returned POOL_NONE. */
uint64_t wheel_next(const struct wheel *w);

/* Takes out and returns one object whose deadline is <= now_ns, or POOL_NONE when there is none
 * left. Call until POOL_NONE. Objects may be set, cleared or freed between calls. now_ns never
 * decreases. Order among due objects is deterministic. */
uint32_t wheel_expire(struct wheel *w, uint64_t now_ns);

#endif
