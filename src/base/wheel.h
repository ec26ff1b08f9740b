/* SPDX-License-Identifier: MIT */
/* Deadline queue: a hierarchical timing wheel, one entry per object, O(1) to set, clear and expire,
 * exact to the nanosecond. */
#ifndef HAWSER_BASE_WHEEL_H
#define HAWSER_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nstime.h"
#include "base/pool.h"

#define WHEEL_SLOTS 64u
#define WHEEL_LEVELS 11u /* a slot of level 0 is one nanosecond; 11 * 6 bits reach past 2^64 ns */

/* Row 0 is the list of what is due, in its slot 0; row n is level n - 1. */
#define WHEEL_ROWS (1u + WHEEL_LEVELS)

/* Sits inside the timed object, at a fixed offset of a pool's slot; names objects by pool index. */
struct wheel_entry {
    uint64_t at_ns;      /* NEVER = not set */
    uint32_t prev, next; /* POOL_NONE = end */
    uint16_t place;      /* row * WHEEL_SLOTS + slot; meaningful while set */
};

struct wheel {
    const struct pool *pool;
    uint32_t entry_offset;
    uint32_t entry_count;
    uint64_t at_ns;            /* how far it has turned; slots are reckoned from here */
    uint64_t now_ns;           /* latest that wheel_expire was told */
    uint32_t rows;             /* bit per row with an entry */
    uint64_t used[WHEEL_ROWS]; /* bit per slot with an entry */
    uint32_t head[WHEEL_ROWS * WHEEL_SLOTS];
    uint64_t least_ns[WHEEL_ROWS * WHEEL_SLOTS]; /* not later than any deadline in the slot */
};

void wheel_init(struct wheel *w, const struct pool *pool, uint32_t entry_offset, uint64_t now_ns);

/* An entry's first use: marks it as not set. */
static inline void wheel_entry_init(struct wheel_entry *e)
{
    e->at_ns = NEVER;
    e->prev = POOL_NONE;
    e->next = POOL_NONE;
    e->place = 0;
}

static inline struct wheel_entry *wheel_entry_at(const struct wheel *w, uint32_t index)
{
    return (struct wheel_entry *)(void *)((uint8_t *)pool_at(w->pool, index) + w->entry_offset);
}

/* wheel_set when the entry has to change its slot. */
void wheel_move(struct wheel *w, uint32_t index, uint64_t at_ns);

/* Sets, moves or (NEVER) clears the deadline of object `index`. A deadline already past is due at
 * the next wheel_expire. */
static inline void wheel_set(struct wheel *w, uint32_t index, uint64_t at_ns)
{
    struct wheel_entry *e = wheel_entry_at(w, index);
    /* The most frequent call puts a deadline off (RFC 6298 5.3, at every acknowledgement). The
     * entry then stays where it is, and moves on once, when its slot comes due. */
    if (e->at_ns != NEVER && at_ns != NEVER && at_ns >= w->least_ns[e->place])
        e->at_ns = at_ns;
    else
        wheel_move(w, index, at_ns);
}

/* When wheel_expire has something to do at the latest; NEVER when nothing is set. May be earlier
 * than the earliest deadline (after a clear, or when a deadline was put off), never later, and is
 * later than the last wheel_expire's now_ns once that returned POOL_NONE. O(1). */
static inline uint64_t wheel_next(const struct wheel *w)
{
    /* Levels follow each other in time: all of a lower one comes before anything of a higher one.
     * */
    if (w->rows == 0)
        return NEVER;
    uint32_t row = (uint32_t)__builtin_ctz(w->rows);
    return w->least_ns[row * WHEEL_SLOTS + (uint32_t)__builtin_ctzll(w->used[row])];
}

/* Takes out and returns one object whose deadline is <= now_ns, or POOL_NONE when there is none
 * left. Call until POOL_NONE. Objects may be set, cleared or freed between calls. A now_ns smaller
 * than before counts as the last one. Objects come in the order of their deadlines; those of the
 * same nanosecond, and those whose deadline was past when it was set, in an order that depends on
 * nothing but the calls made. */
uint32_t wheel_expire(struct wheel *w, uint64_t now_ns);

#endif
