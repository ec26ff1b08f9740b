/* SPDX-License-Identifier: MIT */
/* Pools of equal slots: what is not done at every take and give. */
#include "base/pool.h"

#include <string.h>

static size_t chunk_size(const struct pool *p)
{
    return (size_t)p->slot_bytes << p->chunk_shift;
}

static size_t directory_size(const struct pool *p)
{
    uint64_t slots = UINT64_C(1) << p->chunk_shift;
    return (size_t)((p->slots_limit + slots - 1) >> p->chunk_shift) * sizeof p->chunks[0];
}

bool pool_init(struct pool *p, struct memory *m, uint32_t slot_bytes, uint32_t slots_limit,
               uint32_t chunk_bytes)
{
    ASSERT(slot_bytes > 0);
    ASSERT(slots_limit > 0 && slots_limit < POOL_NONE);
    memset(p, 0, sizeof *p);
    p->memory = m;
    p->slot_bytes = (slot_bytes + 7) & ~UINT32_C(7);
    p->slots_limit = slots_limit;
    p->free_head = POOL_NONE;
    while (chunk_size(p) < chunk_bytes && (UINT64_C(1) << p->chunk_shift) < slots_limit)
        p->chunk_shift++;
    p->chunks = memory_acquire(m, directory_size(p));
    return p->chunks != NULL;
}

void pool_deinit(struct pool *p)
{
    if (p->chunks == NULL)
        return;
    for (uint32_t i = 0; i < p->chunks_count; i++)
        memory_release(p->memory, p->chunks[i], chunk_size(p));
    memory_release(p->memory, p->chunks, directory_size(p));
    memset(p, 0, sizeof *p);
    p->free_head = POOL_NONE;
}

uint32_t pool_take_fresh(struct pool *p)
{
    if (p->fresh_next == p->slots_limit)
        return POOL_NONE;
    if (p->fresh_next >> p->chunk_shift == p->chunks_count) {
        uint8_t *chunk = memory_acquire(p->memory, chunk_size(p));
        if (chunk == NULL)
            return POOL_NONE;
        p->chunks[p->chunks_count++] = chunk;
    }
    p->used_count++;
    if (p->used_count > p->high_count)
        p->high_count = p->used_count;
    return p->fresh_next++;
}

void pool_check_give(const struct pool *p, uint32_t index)
{
    /* Slots given back twice are mostly given back twice in a row; the whole list would make
     * checked builds quadratic. */
    uint32_t given = p->free_head;
    for (unsigned i = 0; i < 16 && given != POOL_NONE; i++) {
        ASSERT(given != index);
        given = *(const uint32_t *)pool_at(p, given);
    }
}
