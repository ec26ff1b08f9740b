/* SPDX-License-Identifier: MIT */
/* Accounting in front of the embedder's memory. */
#include "base/memory.h"

#include "base/assert.h"

void memory_init(struct memory *m, const struct hawser_memory *source, uint64_t limit_bytes)
{
    m->source = *source;
    m->used_bytes = 0;
    m->limit_bytes = limit_bytes;
    m->refused_count = 0;
}

void *memory_acquire(struct memory *m, size_t bytes)
{
    /* used_bytes never passes limit_bytes, so the difference cannot wrap whatever is asked for. */
    void *p = NULL;
    if (bytes <= m->limit_bytes - m->used_bytes)
        p = m->source.acquire(m->source.context, bytes);
    if (p == NULL) {
        m->refused_count++;
        return NULL;
    }
    /* Cache line layouts (map buckets, control blocks) are built on this promise of the embedder's.
     * */
    ASSERT(((uintptr_t)p & 63) == 0);
    m->used_bytes += bytes;
    return p;
}

void memory_release(struct memory *m, void *p, size_t bytes)
{
    if (p == NULL)
        return;
    ASSERT(bytes <= m->used_bytes);
    m->used_bytes -= bytes;
    m->source.release(m->source.context, p, bytes);
}
