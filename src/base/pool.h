/* SPDX-License-Identifier: MIT */
/* Pools of equal slots addressed by index. They grow by chunks and never move a slot. */
#ifndef HAWSER_BASE_POOL_H
#define HAWSER_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/memory.h"

#define POOL_NONE UINT32_MAX

struct pool {
    struct memory *memory;
    uint8_t **chunks;     /* directory, sized for slots_limit at init */
    uint32_t slot_bytes;  /* multiple of 8 */
    uint32_t chunk_shift; /* log2 of slots in a chunk */
    uint32_t chunks_count;
    uint32_t slots_limit;
    uint32_t used_count;
    uint32_t high_count; /* most ever in use */
    uint32_t free_head;  /* LIFO list through the slots' first word, POOL_NONE = empty */
    uint32_t fresh_next; /* first slot never handed out */
};

/* chunk_bytes: wanted size of a chunk, at least 64 KiB. A chunk holds a power of two of slots, the
 * fewest that fill chunk_bytes, but not more than slots_limit asks for. Returns false when the
 * directory cannot be had; then nothing is held. */
bool pool_init(struct pool *p, struct memory *m, uint32_t slot_bytes, uint32_t slots_limit,
               uint32_t chunk_bytes);

/* Gives all memory back, whatever is still in use. */
void pool_deinit(struct pool *p);

/* What pool_take does when no slot was given back: the next fresh one, with a new chunk where one
 * begins. */
uint32_t pool_take_fresh(struct pool *p);

/* Under HAWSER_CHECKS: the slot is not among those given back last. */
void pool_check_give(const struct pool *p, uint32_t index);

static inline void *pool_at(const struct pool *p, uint32_t index)
{
    uint32_t in_chunk = index & ((UINT32_C(1) << p->chunk_shift) - 1);
    return p->chunks[index >> p->chunk_shift] + (uint64_t)in_chunk * p->slot_bytes;
}

/* Index of a slot, or POOL_NONE when the limit or the memory says no. O(1). Slots given back come
 * again first, the last one first of all, then fresh ones in order of their index. A fresh slot is
 * zeroed; one given back holds what it held, but for its first four bytes: a counter kept behind
 * them tells one life of a slot from the next. */
static inline uint32_t pool_take(struct pool *p)
{
    uint32_t index = p->free_head;
    if (index == POOL_NONE)
        return pool_take_fresh(p);
    p->free_head = *(const uint32_t *)pool_at(p, index);
    p->used_count++;
    if (p->used_count > p->high_count)
        p->high_count = p->used_count;
    return index;
}

static inline void pool_give(struct pool *p, uint32_t index)
{
    ASSERT(index < p->fresh_next && p->used_count > 0);
    if (CHECKS_ENABLED)
        pool_check_give(p, index);
    *(uint32_t *)pool_at(p, index) = p->free_head;
    p->free_head = index;
    p->used_count--;
}

#endif
