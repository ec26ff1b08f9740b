/* SPDX-License-Identifier: MIT */
/* A hierarchical timing wheel.
 *
 * A time is cut into groups of six bits. An entry lies in the level of the highest group in which
 * its deadline differs from the wheel's own time (at_ns), in the slot that this group of its
 * deadline names. So
 *   - all entries of a level share the groups above it with the wheel, and lie ahead of it;
 *   - the first used slot of the lowest used level is the earliest of all;
 *   - the wheel may turn up to the start of that slot without touching any entry, however far that
 *     is; there its entries go to lower levels, and each does so at most once a level.
 * An entry may lie in an earlier slot than its deadline asks for, when that was put off. It then
 * moves on when the slot's turn comes. It never lies in a later one.
 *
 * Level 0 tells single nanoseconds apart, although no clock does: with longer slots, the caller who
 * wakes at each deadline would search the slot's list each time, and a million connections opened
 * at once put thousands of timers into a few microseconds. */
#include "base/wheel.h"

#include <string.h>

#include "base/assert.h"

#define GROUP_BITS 6u

_Static_assert(WHEEL_SLOTS == 1u << GROUP_BITS, "a slot is named by one group of bits");
_Static_assert(WHEEL_LEVELS *GROUP_BITS >= 64, "every deadline has a slot");
_Static_assert(WHEEL_ROWS <= 32, "rows are bits of a word");

void wheel_init(struct wheel *w, const struct pool *pool, uint32_t entry_offset, uint64_t now_ns)
{
    ASSERT(entry_offset % _Alignof(struct wheel_entry) == 0);
    ASSERT(entry_offset + sizeof(struct wheel_entry) <= pool->slot_bytes);
    memset(w, 0, sizeof *w);
    w->pool = pool;
    w->entry_offset = entry_offset;
    w->at_ns = now_ns;
    w->now_ns = now_ns;
    for (uint32_t i = 0; i < WHEEL_ROWS * WHEEL_SLOTS; i++)
        w->head[i] = POOL_NONE;
}

/* Where a deadline belongs as the wheel stands. */
static uint32_t place_for(const struct wheel *w, uint64_t at_ns)
{
    if (at_ns <= w->at_ns)
        return 0;
    uint32_t level = (63u - (uint32_t)__builtin_clzll(at_ns ^ w->at_ns)) / GROUP_BITS;
    uint32_t slot = (uint32_t)(at_ns >> (level * GROUP_BITS)) % WHEEL_SLOTS;
    return (1 + level) * WHEEL_SLOTS + slot;
}

static void link_at(struct wheel *w, uint32_t index, struct wheel_entry *e, uint32_t place)
{
    uint32_t row = place / WHEEL_SLOTS;
    uint32_t head = w->head[place];
    e->place = (uint16_t)place;
    e->prev = POOL_NONE;
    e->next = head;
    w->head[place] = index;
    if (head == POOL_NONE) {
        w->least_ns[place] = e->at_ns;
        w->used[row] |= UINT64_C(1) << place % WHEEL_SLOTS;
        w->rows |= UINT32_C(1) << row;
    } else {
        wheel_entry_at(w, head)->prev = index;
        w->least_ns[place] = ns_min(w->least_ns[place], e->at_ns);
    }
}

static void mark_unused(struct wheel *w, uint32_t place)
{
    uint32_t row = place / WHEEL_SLOTS;
    w->used[row] &= ~(UINT64_C(1) << place % WHEEL_SLOTS);
    if (w->used[row] == 0)
        w->rows &= ~(UINT32_C(1) << row);
}

static void unlink_entry(struct wheel *w, const struct wheel_entry *e)
{
    if (e->next != POOL_NONE)
        wheel_entry_at(w, e->next)->prev = e->prev;
    if (e->prev != POOL_NONE)
        wheel_entry_at(w, e->prev)->next = e->next;
    else
        w->head[e->place] = e->next;
    if (w->head[e->place] == POOL_NONE)
        mark_unused(w, e->place);
}

void wheel_move(struct wheel *w, uint32_t index, uint64_t at_ns)
{
    struct wheel_entry *e = wheel_entry_at(w, index);
    if (e->at_ns != NEVER) {
        unlink_entry(w, e);
        w->entry_count--;
    }
    e->at_ns = at_ns;
    if (at_ns != NEVER) {
        link_at(w, index, e, place_for(w, at_ns));
        w->entry_count++;
    }
}

/* When the slot of a level begins. */
static uint64_t start_of(const struct wheel *w, uint32_t level, uint32_t slot)
{
    uint32_t shift = level * GROUP_BITS;
    uint64_t above = 0; /* the groups above this level; the highest level has none */
    if (shift + GROUP_BITS < 64)
        above = w->at_ns >> (shift + GROUP_BITS) << (shift + GROUP_BITS);
    return above | (uint64_t)slot << shift;
}

/* Turns to the first used slot, if it has begun, and puts its entries where they belong by then.
 * False when there is nothing more to do up to now_ns. */
static bool turn(struct wheel *w, uint64_t now_ns)
{
    if (w->rows == 0)
        return false;
    uint32_t row = (uint32_t)__builtin_ctz(w->rows);
    uint32_t slot = (uint32_t)__builtin_ctzll(w->used[row]);
    uint32_t place = row * WHEEL_SLOTS + slot;
    uint32_t level = row - 1;
    uint64_t start_ns = start_of(w, level, slot);
    if (start_ns > now_ns)
        return false;
    w->at_ns = start_ns;

    uint32_t index = w->head[place];
    w->head[place] = POOL_NONE;
    mark_unused(w, place);
    struct wheel_entry *only = wheel_entry_at(w, index);
    if (only->next == POOL_NONE && only->at_ns <= now_ns &&
        (only->at_ns - start_ns) >> (level * GROUP_BITS) == 0)
        w->at_ns = only->at_ns; /* nothing comes before it: it need not go down level by level */
    while (index != POOL_NONE) {
        struct wheel_entry *e = wheel_entry_at(w, index);
        uint32_t next = e->next;
        link_at(w, index, e, place_for(w, e->at_ns));
        index = next;
    }
    return true;
}

uint32_t wheel_expire(struct wheel *w, uint64_t now_ns)
{
    if (now_ns > w->now_ns)
        w->now_ns = now_ns;
    for (;;) {
        uint32_t index = w->head[0];
        if (index == POOL_NONE) {
            if (turn(w, w->now_ns))
                continue;
            w->at_ns = w->now_ns;
            return POOL_NONE;
        }
        struct wheel_entry *e = wheel_entry_at(w, index);
        unlink_entry(w, e);
        if (e->at_ns <= w->at_ns) {
            e->at_ns = NEVER;
            w->entry_count--;
            return index;
        }
        link_at(w, index, e, place_for(w, e->at_ns)); /* put off after it had come due */
    }
}
