/* SPDX-License-Identifier: MIT */
/* Stored frames, bounded in number and bytes: segments that wait for a neighbour, and frames of our
 * own that wait for the link. */
#ifndef HAWSER_NET_FRAMES_H
#define HAWSER_NET_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffers.h"

/* Segments and own frames have a share each, so that neither can starve the other. */
#define FRAMES_HELD_MAX 768u
#define FRAMES_CONTROL_MAX 256u
#define FRAMES_MAX (FRAMES_HELD_MAX + FRAMES_CONTROL_MAX)
#define FRAMES_SHARE_BYTES 2048u /* buffer memory a frame, on average */
#define FRAMES_BYTES_MAX (FRAMES_MAX * FRAMES_SHARE_BYTES)
#define FRAMES_NONE UINT32_MAX

struct frame {
    uint8_t *data;   /* link header (or room for it) first */
    uint32_t length; /* bytes of the whole frame */
    uint32_t next;   /* in its queue or in the free list */
    uint8_t shift;   /* log2 of the buffer's size */
    bool control;    /* one of our own */
};

/* All zero is an empty queue. */
struct frame_queue {
    uint32_t head, tail, count;
};

struct frames {
    struct frame *slots; /* FRAMES_MAX, the caller's memory */
    struct buffers *buffers;
    uint32_t free_head;
    struct frames_share {
        uint32_t count, bytes;
    } held, control; /* in use */
};

void frames_init(struct frames *f, struct frame *slots, struct buffers *buffers);

/* A frame with room for `length` bytes (set as its length), or FRAMES_NONE when its share or the
 * memory says no. O(1). */
uint32_t frames_take(struct frames *f, uint32_t length, bool control);
void frames_give(struct frames *f, uint32_t index);

static inline struct frame *frames_at(const struct frames *f, uint32_t index)
{
    return &f->slots[index];
}

/* Puts a frame that is in no queue at the tail. */
void frames_push(struct frames *f, struct frame_queue *q, uint32_t index);

/* Takes the oldest out; FRAMES_NONE when the queue is empty. */
uint32_t frames_pop(struct frames *f, struct frame_queue *q);

/* Gives back all that a queue holds; returns how many that were. */
uint32_t frames_clear(struct frames *f, struct frame_queue *q);

#endif
