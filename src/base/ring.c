/* SPDX-License-Identifier: MIT */
/* A byte queue in one power-of-two buffer. */
#include "base/ring.h"

#include <string.h>

#include "base/hot.h"

/* Where the byte `offset` behind the first one lies. */
static uint32_t place_of(const struct ring *r, uint32_t offset)
{
    return (r->head + offset) & ((UINT32_C(1) << r->shift) - 1);
}

/* Copies out without a look at len: data beyond the queue's end moves with it when the buffer
 * grows. */
static inline void copy_out(const struct ring *r, uint32_t offset, uint8_t *out, uint32_t n)
{
    uint32_t place = place_of(r, offset);
    uint32_t to_end = ring_capacity(r) - place;
    if (n <= to_end) {
        memcpy(out, r->base + place, n);
    } else {
        memcpy(out, r->base + place, to_end);
        memcpy(out + to_end, r->base, n - to_end);
    }
}

HOT bool ring_reserve(struct ring *r, struct buffers *b, uint32_t bytes, uint32_t beyond)
{
    uint32_t capacity = ring_capacity(r);
    ASSERT(r->len <= capacity && beyond <= capacity - r->len);
    if (bytes <= capacity)
        return true;
    if (bytes > UINT32_C(1) << BUFFERS_SHIFT_MAX)
        return false;
    uint32_t shift = buffers_shift_for(bytes);
    uint8_t *bigger = buffers_take(b, shift);
    if (bigger == NULL)
        return false;
    if (r->base != NULL) {
        copy_out(r, 0, bigger, r->len + beyond);
        buffers_give(b, r->base, r->shift);
    }
    r->base = bigger;
    r->head = 0;
    r->shift = (uint8_t)shift;
    return true;
}

HOT void ring_write_at(struct ring *r, uint32_t offset, const uint8_t *data, uint32_t n)
{
    uint32_t capacity = ring_capacity(r);
    ASSERT(offset <= capacity && n <= capacity - offset);
    if (n == 0)
        return; /* a ring without a buffer has no place to write to */
    uint32_t place = place_of(r, offset);
    uint32_t to_end = capacity - place;
    if (n <= to_end) {
        memcpy(r->base + place, data, n);
    } else {
        memcpy(r->base + place, data, to_end);
        memcpy(r->base, data + to_end, n - to_end);
    }
}

HOT unsigned ring_spans(const struct ring *r, uint32_t offset, uint32_t n,
                        struct ring_span spans[2])
{
    ASSERT(offset <= r->len && n <= r->len - offset);
    if (n == 0)
        return 0;
    uint32_t place = place_of(r, offset);
    uint32_t to_end = ring_capacity(r) - place;
    if (n <= to_end) {
        spans[0] = (struct ring_span){.data = r->base + place, .len = n};
        return 1;
    }
    spans[0] = (struct ring_span){.data = r->base + place, .len = to_end};
    spans[1] = (struct ring_span){.data = r->base, .len = n - to_end};
    return 2;
}

HOT void ring_read_at(const struct ring *r, uint32_t offset, uint8_t *out, uint32_t n)
{
    ASSERT(offset <= r->len && n <= r->len - offset);
    if (n != 0)
        copy_out(r, offset, out, n);
}

HOT void ring_free(struct ring *r, struct buffers *b)
{
    if (r->base != NULL)
        buffers_give(b, r->base, r->shift);
    *r = (struct ring){0};
}
