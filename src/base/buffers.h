/* SPDX-License-Identifier: MIT */
/* Byte buffers in powers of two, 2 KiB and up: what rings and range lists are made of. */
#ifndef HAWSER_BASE_BUFFERS_H
#define HAWSER_BASE_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

#define BUFFERS_SHIFT_MIN 11u /* 2 KiB */
#define BUFFERS_SHIFT_MAX 30u /* 1 GiB, the largest window of RFC 7323 */
#define BUFFERS_CLASSES (BUFFERS_SHIFT_MAX - BUFFERS_SHIFT_MIN + 1)

struct buffers_chunk;

/* Of a class: a buffer kept aside, or the one that was and is handed out. */
struct buffers_spare {
    uint8_t *buffer; /* NULL = none */
    bool here;       /* not handed out */
};

struct buffers {
    struct memory *memory;
    uint64_t limit_bytes; /* of what is handed out */
    uint64_t used_bytes;  /* handed out */
    uint64_t high_bytes;
    uint64_t refused_count;
    uint32_t chunk_bytes; /* small classes are carved from chunks of this size */
    uint32_t chunk_shift;
    uint64_t held_bytes; /* what came from memory: handed out, free and book-keeping */

    /* Classes below chunk_bytes: a chunk serves one class at a time, and any class once all of it
     * is back. */
    struct buffers_chunk *partial[BUFFERS_CLASSES]; /* something free, something handed out */
    struct buffers_chunk *empty;                    /* nothing handed out */
    struct buffers_spare spares[BUFFERS_CLASSES];   /* to be taken next */
    struct buffers_chunk **table;                   /* from an address to its chunk */
    uint32_t table_bits;
    uint32_t chunks_count;

    /* Classes from chunk_bytes up: buffers that were given back, linked through their first word.
     * */
    void *cached[BUFFERS_CLASSES];
    uint32_t cached_classes; /* bit per class whose list is not empty */
};

/* chunk_bytes: a power of two, 4 KiB or more. */
void buffers_init(struct buffers *b, struct memory *m, uint64_t limit_bytes, uint32_t chunk_bytes);
void buffers_deinit(struct buffers *b); /* everything handed out must be back */

/* A buffer of 1 << shift bytes, content unspecified, aligned to 64; NULL when a limit says no.
 * O(1), but for what has to be asked of memory. Memory that is free here is kept for reuse; it goes
 * back to the source when it is in the way: when with it more than limit_bytes would be held, or
 * when memory refuses a request. */
uint8_t *buffers_take(struct buffers *b, uint32_t shift);
void buffers_give(struct buffers *b, uint8_t *buffer, uint32_t shift);

/* Smallest class that holds `bytes`; bytes <= 1 GiB. */
static inline uint32_t buffers_shift_for(uint32_t bytes)
{
    if (bytes <= UINT32_C(1) << BUFFERS_SHIFT_MIN)
        return BUFFERS_SHIFT_MIN;
    return 32u - (uint32_t)__builtin_clz(bytes - 1);
}

#endif
