/* SPDX-License-Identifier: MIT */
/* A byte queue in one power-of-two buffer: it grows by doubling and holds no buffer while it is
 * empty. */
#ifndef HAWSER_BASE_RING_H
#define HAWSER_BASE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/buffers.h"

struct ring {
    uint8_t *base; /* NULL while it holds no buffer */
    uint32_t head; /* where the first byte lies */
    uint32_t len;  /* bytes in the queue, in order */
    uint8_t shift; /* log2 of the buffer's size */
};

struct ring_span {
    uint8_t *data;
    uint32_t len;
};

/* All zero is an empty ring. */

/* Makes room for `bytes` from the first byte on (queued and still to come). Keeps queued bytes, and
 * the `beyond` bytes already written past the queue's end by ring_write_at. False when no buffer
 * can be had or bytes is above 1 GiB: nothing changed. Never shrinks. */
bool ring_reserve(struct ring *r, struct buffers *b, uint32_t bytes, uint32_t beyond);

/* Size of the present buffer, 0 when there is none. */
static inline uint32_t ring_capacity(const struct ring *r)
{
    return r->base == NULL ? 0 : UINT32_C(1) << r->shift;
}

/* Bytes at an offset from the first byte; offset + n <= capacity. Used for data beyond the queue's
 * end (out of order). */
void ring_write_at(struct ring *r, uint32_t offset, const uint8_t *data, uint32_t n);

/* n bytes written by ring_write_at right behind the end join the queue. */
static inline void ring_extend(struct ring *r, uint32_t n)
{
    ASSERT(n <= ring_capacity(r) - r->len);
    r->len += n;
}

/* Appends n bytes that ring_reserve made room for. */
static inline void ring_append(struct ring *r, const uint8_t *data, uint32_t n)
{
    ring_write_at(r, r->len, data, n);
    r->len += n;
}

/* The up to two pieces that hold [offset, offset + n) of the queue; returns how many. */
unsigned ring_spans(const struct ring *r, uint32_t offset, uint32_t n, struct ring_span spans[2]);

/* Copies [offset, offset + n) out of the queue. */
void ring_read_at(const struct ring *r, uint32_t offset, uint8_t *out, uint32_t n);

/* Drops n <= len bytes at the front. An empty ring starts again at its buffer's first byte when
 * nothing lies beyond its end (keep_beyond false), so that short queues stay in the cache. */
static inline void ring_drop(struct ring *r, uint32_t n, bool keep_beyond)
{
    ASSERT(n <= r->len);
    r->len -= n;
    if (r->len == 0 && !keep_beyond)
        r->head = 0;
    else
        r->head = (r->head + n) & ((UINT32_C(1) << r->shift) - 1);
}

/* Gives the buffer back; what was in it is gone. */
void ring_free(struct ring *r, struct buffers *b);

#endif
