/* SPDX-License-Identifier: MIT */
/* Byte buffers in powers of two.
 *
 * Small buffers are cut from chunks. A chunk serves one class while anything of it is handed out,
 * and goes back to all classes when nothing is: many small buffers of one moment must not starve
 * the large ones of the next, since peers decide which sizes are wanted. So a buffer given back has
 * to find its chunk. Memory is aligned to 64 bytes only, so the address does not tell; a hash table
 * does. Its key is the address without its low chunk_shift bits, the window. No two chunks begin in
 * the same window, as each is longer than one, and a buffer begins either in the window in which
 * its chunk begins or in the next one: two look-ups at the most.
 *
 * Most buffers live for one message, so of each class one that was given back is kept aside, the
 * spare, and is the next to be taken. To its chunk it is still handed out, and when it comes back
 * its address is known: no look-up, and no chunk changes lists twice a message. Before a chunk is
 * missed or memory is given back, all spares go home. */
#include "base/buffers.h"

#include <string.h>

#include "base/assert.h"
#include "base/hot.h"

#define TABLE_BITS_MIN 9u /* 4 KiB; half full with 256 chunks */

/* Checked builds: whoever reads on in a buffer that was given back shall notice. */
#define FILL_GIVEN 0xdb

/* In front of a chunk's buffers; one cache line, so that they keep the alignment. */
struct buffers_chunk {
    _Alignas(64) struct buffers_chunk *next; /* in the list of its class, or of the empty ones */
    struct buffers_chunk *prev;
    uint8_t *free_head;  /* buffers given back, linked through their first word */
    uint32_t fresh_next; /* the first buffer that was not handed out since the chunk was empty */
    uint32_t used_count;
    uint32_t pieces; /* how many buffers the chunk holds */
    uint32_t shift;  /* log2 of the size of one */
};

static size_t chunk_size(const struct buffers *b)
{
    return sizeof(struct buffers_chunk) + b->chunk_bytes;
}

/* ---- memory, and how cached memory makes room ------------------------------------------------ */

static void release(struct buffers *b, void *p, size_t bytes)
{
    b->held_bytes -= bytes;
    memory_release(b->memory, p, bytes);
}

static uint32_t table_home(const struct buffers *b, uint64_t window)
{
    return (uint32_t)((window * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - b->table_bits));
}

static uint64_t window_of(const struct buffers *b, const void *p)
{
    return (uint64_t)(uintptr_t)p >> b->chunk_shift;
}

static void table_put(struct buffers *b, struct buffers_chunk *chunk)
{
    uint32_t mask = (UINT32_C(1) << b->table_bits) - 1;
    uint32_t i = table_home(b, window_of(b, chunk));
    while (b->table[i] != NULL)
        i = (i + 1) & mask;
    b->table[i] = chunk;
}

static void table_remove(struct buffers *b, const struct buffers_chunk *chunk)
{
    uint32_t mask = (UINT32_C(1) << b->table_bits) - 1;
    uint32_t hole = table_home(b, window_of(b, chunk));
    while (b->table[hole] != chunk)
        hole = (hole + 1) & mask;
    /* What lies behind the hole moves into it, unless that would put it in front of its home. */
    for (uint32_t i = (hole + 1) & mask; b->table[i] != NULL; i = (i + 1) & mask) {
        uint32_t home = table_home(b, window_of(b, b->table[i]));
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            b->table[hole] = b->table[i];
            hole = i;
        }
    }
    b->table[hole] = NULL;
}

static struct buffers_chunk *table_find(const struct buffers *b, uint64_t window)
{
    uint32_t mask = (UINT32_C(1) << b->table_bits) - 1;
    uint32_t i = table_home(b, window);
    while (b->table[i] != NULL && window_of(b, b->table[i]) != window)
        i = (i + 1) & mask;
    return b->table[i];
}

static void list_push(struct buffers_chunk **head, struct buffers_chunk *chunk)
{
    chunk->prev = NULL;
    chunk->next = *head;
    if (chunk->next != NULL)
        chunk->next->prev = chunk;
    *head = chunk;
}

static void list_remove(struct buffers_chunk **head, struct buffers_chunk *chunk)
{
    if (chunk->next != NULL)
        chunk->next->prev = chunk->prev;
    if (chunk->prev != NULL)
        chunk->prev->next = chunk->next;
    else
        *head = chunk->next;
}

/* The chunk that a buffer of a class belongs to. */
static struct buffers_chunk *chunk_of(const struct buffers *b, const uint8_t *buffer,
                                      uint32_t shift)
{
    uint64_t window = window_of(b, buffer);
    struct buffers_chunk *chunk = table_find(b, window);
    if (chunk == NULL || (uintptr_t)chunk > (uintptr_t)buffer)
        chunk = table_find(b, window - 1);
    ASSERT(chunk != NULL && chunk->shift == shift && chunk->used_count > 0);
    uint64_t offset = (uintptr_t)buffer - (uintptr_t)(chunk + 1);
    ASSERT(offset >> shift < chunk->fresh_next && (offset & ((UINT64_C(1) << shift) - 1)) == 0);
    return chunk;
}

/* A buffer goes home. */
static void chunk_give(struct buffers *b, struct buffers_chunk *chunk, uint8_t *buffer)
{
    struct buffers_chunk **partial = &b->partial[chunk->shift - BUFFERS_SHIFT_MIN];
    if (chunk->used_count-- == chunk->pieces)
        list_push(partial, chunk);
    if (chunk->used_count == 0) {
        list_remove(partial, chunk);
        chunk->next = b->empty;
        b->empty = chunk;
        return;
    }
    *(uint8_t **)(void *)buffer = chunk->free_head;
    chunk->free_head = buffer;
}

static void spares_return(struct buffers *b)
{
    for (uint32_t i = 0; i < BUFFERS_CLASSES; i++) {
        struct buffers_spare spare = b->spares[i];
        b->spares[i] = (struct buffers_spare){0};
        if (spare.here)
            chunk_give(b, chunk_of(b, spare.buffer, i + BUFFERS_SHIFT_MIN), spare.buffer);
    }
}

static void release_empty_chunk(struct buffers *b)
{
    struct buffers_chunk *chunk = b->empty;
    b->empty = chunk->next;
    table_remove(b, chunk);
    b->chunks_count--;
    release(b, chunk, chunk_size(b));
}

static void release_cached_buffer(struct buffers *b)
{
    uint32_t class = 31u - (uint32_t)__builtin_clz(b->cached_classes);
    void *buffer = b->cached[class];
    b->cached[class] = *(void **)buffer;
    if (b->cached[class] == NULL)
        b->cached_classes &= ~(UINT32_C(1) << class);
    release(b, buffer, (size_t)1 << (class + BUFFERS_SHIFT_MIN));
}

/* Gives `bytes` of free memory or all there is back to the source; false when there was none. */
static bool release_free(struct buffers *b, uint64_t bytes)
{
    uint64_t before = b->held_bytes;
    spares_return(b);
    while (before - b->held_bytes < bytes) {
        if (b->empty != NULL)
            release_empty_chunk(b);
        else if (b->cached_classes != 0)
            release_cached_buffer(b);
        else
            break;
    }
    return b->held_bytes < before;
}

static void *acquire(struct buffers *b, size_t bytes)
{
    /* What is only kept counts here, so that buffers never hoard what others of the host could use.
     * Spread over half-used chunks they may still hold more than limit_bytes: the limit is about
     * what is handed out. */
    if (b->held_bytes + bytes > b->limit_bytes)
        release_free(b, b->held_bytes + bytes - b->limit_bytes);
    for (;;) {
        void *p = memory_acquire(b->memory, bytes);
        if (p != NULL) {
            b->held_bytes += bytes;
            return p;
        }
        if (!release_free(b, bytes))
            return NULL;
    }
}

/* ---- small buffers --------------------------------------------------------------------------- */

/* Room in the table for one chunk more. */
static bool table_reserve(struct buffers *b)
{
    uint32_t size = b->table == NULL ? 0 : UINT32_C(1) << b->table_bits;
    if (2 * (b->chunks_count + 1) <= size)
        return true;
    uint32_t bits = b->table == NULL ? TABLE_BITS_MIN : b->table_bits + 1;
    struct buffers_chunk **bigger = acquire(b, sizeof *bigger << bits);
    if (bigger == NULL)
        return false;
    struct buffers_chunk **old = b->table;
    b->table = bigger;
    b->table_bits = bits;
    for (uint32_t i = 0; i < size; i++) {
        if (old[i] != NULL)
            table_put(b, old[i]);
    }
    if (old != NULL)
        release(b, old, sizeof *old * size);
    return true;
}

static struct buffers_chunk *new_chunk(struct buffers *b)
{
    if (!table_reserve(b))
        return NULL;
    struct buffers_chunk *chunk = acquire(b, chunk_size(b));
    if (chunk == NULL)
        return NULL;
    table_put(b, chunk);
    b->chunks_count++;
    return chunk;
}

/* A chunk with nothing handed out joins a class. */
static struct buffers_chunk *chunk_for_class(struct buffers *b, uint32_t shift)
{
    if (b->empty == NULL)
        spares_return(b);
    struct buffers_chunk *chunk = b->empty;
    if (chunk != NULL)
        b->empty = chunk->next;
    else
        chunk = new_chunk(b);
    if (chunk == NULL)
        return NULL;
    chunk->free_head = NULL;
    chunk->fresh_next = 0;
    chunk->used_count = 0;
    chunk->pieces = b->chunk_bytes >> shift;
    chunk->shift = shift;
    list_push(&b->partial[shift - BUFFERS_SHIFT_MIN], chunk);
    return chunk;
}

static uint8_t *chunk_take(struct buffers *b, uint32_t shift)
{
    struct buffers_chunk *chunk = b->partial[shift - BUFFERS_SHIFT_MIN];
    if (chunk == NULL) {
        chunk = chunk_for_class(b, shift);
        if (chunk == NULL)
            return NULL;
    }
    uint8_t *buffer = chunk->free_head;
    if (buffer != NULL)
        chunk->free_head = *(uint8_t **)(void *)buffer;
    else
        buffer = (uint8_t *)(chunk + 1) + ((size_t)chunk->fresh_next++ << shift);
    if (++chunk->used_count == chunk->pieces)
        list_remove(&b->partial[shift - BUFFERS_SHIFT_MIN], chunk);
    return buffer;
}

static inline uint8_t *take_small(struct buffers *b, uint32_t shift)
{
    struct buffers_spare *spare = &b->spares[shift - BUFFERS_SHIFT_MIN];
    if (!spare->here)
        return chunk_take(b, shift);
    spare->here = false;
    return spare->buffer;
}

static inline void give_small(struct buffers *b, uint8_t *buffer, uint32_t shift)
{
    struct buffers_spare *spare = &b->spares[shift - BUFFERS_SHIFT_MIN];
    if (buffer == spare->buffer) {
        ASSERT(!spare->here);
        spare->here = true;
        return;
    }
    struct buffers_chunk *chunk = chunk_of(b, buffer, shift);
    if (spare->here)
        chunk_give(b, chunk, buffer);
    else
        *spare = (struct buffers_spare){.buffer = buffer, .here = true};
}

/* ---- large buffers --------------------------------------------------------------------------- */

static uint8_t *take_large(struct buffers *b, uint32_t shift)
{
    uint32_t class = shift - BUFFERS_SHIFT_MIN;
    void *buffer = b->cached[class];
    if (buffer == NULL)
        return acquire(b, (size_t)1 << shift);
    b->cached[class] = *(void **)buffer;
    if (b->cached[class] == NULL)
        b->cached_classes &= ~(UINT32_C(1) << class);
    return buffer;
}

static void give_large(struct buffers *b, uint8_t *buffer, uint32_t shift)
{
    uint32_t class = shift - BUFFERS_SHIFT_MIN;
    *(void **)(void *)buffer = b->cached[class];
    b->cached[class] = buffer;
    b->cached_classes |= UINT32_C(1) << class;
}

/* ---- the door -------------------------------------------------------------------------------- */

void buffers_init(struct buffers *b, struct memory *m, uint64_t limit_bytes, uint32_t chunk_bytes)
{
    /* With buffers of half a chunk and more, an address lies at most one window behind its chunk's.
     * */
    ASSERT(chunk_bytes >= 4096 && (chunk_bytes & (chunk_bytes - 1)) == 0);
    memset(b, 0, sizeof *b);
    b->memory = m;
    b->limit_bytes = limit_bytes;
    b->chunk_bytes = chunk_bytes;
    b->chunk_shift = (uint32_t)__builtin_ctz(chunk_bytes);
}

void buffers_deinit(struct buffers *b)
{
    ASSERT(b->used_bytes == 0);
    release_free(b, b->held_bytes);
    if (b->table != NULL)
        release(b, b->table, sizeof b->table[0] << b->table_bits);
    ASSERT(b->held_bytes == 0);
    memset(b, 0, sizeof *b);
}

HOT uint8_t *buffers_take(struct buffers *b, uint32_t shift)
{
    ASSERT(shift >= BUFFERS_SHIFT_MIN && shift <= BUFFERS_SHIFT_MAX);
    uint64_t bytes = UINT64_C(1) << shift;
    uint8_t *buffer = NULL;
    if (bytes <= b->limit_bytes - b->used_bytes)
        buffer = bytes < b->chunk_bytes ? take_small(b, shift) : take_large(b, shift);
    if (buffer == NULL) {
        b->refused_count++;
        return NULL;
    }
    b->used_bytes += bytes;
    if (b->used_bytes > b->high_bytes)
        b->high_bytes = b->used_bytes;
    return buffer;
}

HOT void buffers_give(struct buffers *b, uint8_t *buffer, uint32_t shift)
{
    uint64_t bytes = UINT64_C(1) << shift;
    ASSERT(buffer != NULL && bytes <= b->used_bytes);
    b->used_bytes -= bytes;
    if (CHECKS_ENABLED)
        memset(buffer, FILL_GIVEN, 1 << BUFFERS_SHIFT_MIN);
    if (bytes < b->chunk_bytes)
        give_small(b, buffer, shift);
    else
        give_large(b, buffer, shift);
}
