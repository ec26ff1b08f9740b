/* SPDX-License-Identifier: MIT */
/* What will happen, in the order of time; at the same time in the order in which it was decided. */
#ifndef HAWSER_SIM_QUEUE_H
#define HAWSER_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_kind {
    QUEUE_FRAME,         /* arrives */
    QUEUE_WAKE,          /* a program wants to go on: a = flow, b = side, c = generation */
    QUEUE_JOB,           /* a = job: its next connection */
    QUEUE_EPISODE_BEGIN, /* a = episode */
    QUEUE_EPISODE_END,
    QUEUE_STRANGER, /* a = episode */
    QUEUE_CALM,
    QUEUE_TIDY,
};

struct queue_frame {
    struct queue_frame *next; /* spare */
    uint32_t length, host, wire;
    bool forged;
    uint8_t data[];
};

struct queue_item {
    uint64_t at_ns, order;
    enum queue_kind kind;
    uint32_t a, b, c;
    struct queue_frame *frame;
};

struct queue {
    struct queue_item *heap;
    size_t count, room;
    uint64_t order;
    struct queue_frame *spare; /* of QUEUE_FRAME_SMALL octets */
};

#define QUEUE_FRAME_SMALL 1600u

/* False: no memory. The frame, if there is one, is the queue's from then on, or stays the caller's. */
bool queue_add(struct queue *queue, const struct queue_item *item);

static inline uint64_t queue_next(const struct queue *queue)
{
    return queue->count == 0 ? UINT64_MAX : queue->heap[0].at_ns;
}

/* The first; the queue must not be empty. */
struct queue_item queue_take(struct queue *queue);

/* NULL: no memory. */
struct queue_frame *queue_frame_make(struct queue *queue, const uint8_t *data, uint32_t length);
void queue_frame_drop(struct queue *queue, struct queue_frame *frame);

void queue_clear(struct queue *queue);
void queue_free(struct queue *queue);

#endif
