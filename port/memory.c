/* SPDX-License-Identifier: MIT */
/* Memory for hosts: small pieces from the heap, chunks as mappings of their own. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hawser/port/memory.h>

#define MAPPED_FROM_BYTES ((size_t)64 << 10)
#define HUGE_BYTES ((size_t)2 << 20)

static void *heap_acquire(size_t bytes)
{
    size_t rounded =
        (bytes + 63) & ~(size_t)63; /* aligned_alloc wants a multiple of the alignment */
    void *memory = aligned_alloc(64, rounded);
    if (memory != NULL)
        memset(memory, 0, rounded);
    return memory;
}

/* Mappings come zeroed. One that can hold a huge page starts at the border of one; without that the
 * kernel would back its first and last part, and so most of a small chunk, with small pages. */
static void *map_acquire(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t length = (bytes + page - 1) & ~(page - 1);
    size_t slack = bytes >= HUGE_BYTES ? HUGE_BYTES : 0;
    if (length < bytes || length + slack < length)
        return NULL;
    uint8_t *start =
        mmap(NULL, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (slack == 0)
        return start;

    size_t before = (HUGE_BYTES - ((uintptr_t)start & (HUGE_BYTES - 1))) & (HUGE_BYTES - 1);
    if (before != 0)
        (void)munmap(start, before);
    if (before != slack)
        (void)munmap(start + before + length, slack - before);
    (void)madvise(start + before, length, MADV_HUGEPAGE); /* a wish: refused, it is only slower */
    return start + before;
}

static void *acquire(void *context, size_t bytes)
{
    struct hawser_memory_meter *meter = context;
    void *memory = bytes < MAPPED_FROM_BYTES ? heap_acquire(bytes) : map_acquire(bytes);
    if (meter == NULL)
        return memory;
    if (memory == NULL) {
        meter->refused_count++;
        return NULL;
    }
    meter->acquired_count++;
    meter->in_use_bytes += bytes;
    if (meter->in_use_bytes > meter->high_bytes)
        meter->high_bytes = meter->in_use_bytes;
    return memory;
}

static void *acquire_limited(void *context, size_t bytes)
{
    struct hawser_memory_meter *meter = context;
    uint64_t request = meter->acquired_count + meter->refused_count + 1;
    bool refused =
        meter->refuse_nth != 0 &&
        (request == meter->refuse_nth || (meter->refuse_all_later && request > meter->refuse_nth));
    bool over = meter->limit_bytes != 0 && (meter->in_use_bytes > meter->limit_bytes ||
                                            bytes > meter->limit_bytes - meter->in_use_bytes);
    if (refused || over) {
        meter->refused_count++;
        return NULL;
    }
    return acquire(context, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    struct hawser_memory_meter *meter = context;
    if (memory == NULL)
        return;
    if (bytes < MAPPED_FROM_BYTES)
        free(memory);
    else
        (void)munmap(memory, bytes); /* takes whole pages, as map_acquire did */
    if (meter != NULL) {
        meter->released_count++;
        meter->in_use_bytes -= bytes;
    }
}

struct hawser_memory hawser_memory_default(struct hawser_memory_meter *meter)
{
    return (struct hawser_memory){.acquire = acquire, .release = release, .context = meter};
}

struct hawser_memory hawser_memory_limited(struct hawser_memory_meter *meter)
{
    return (struct hawser_memory){.acquire = acquire_limited, .release = release, .context = meter};
}
