/* SPDX-License-Identifier: MIT */
/* What will happen, in the order of time: a binary heap. */
#include "sim/queue.h"

#include <stdlib.h>
#include <string.h>

static bool before(const struct queue_item *a, const struct queue_item *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

bool queue_add(struct queue *queue, const struct queue_item *item)
{
    if (queue->count == queue->room) {
        size_t room = queue->room == 0 ? 256 : 2 * queue->room;
        struct queue_item *bigger = realloc(queue->heap, room * sizeof bigger[0]);
        if (bigger == NULL)
            return false;
        queue->heap = bigger;
        queue->room = room;
    }
    struct queue_item new = *item;
    new.order = queue->order++;
    size_t at = queue->count++;
    while (at > 0 && before(&new, &queue->heap[(at - 1) / 2])) {
        queue->heap[at] = queue->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->heap[at] = new;
    return true;
}

struct queue_item queue_take(struct queue *queue)
{
    struct queue_item first = queue->heap[0], last = queue->heap[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && before(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!before(&queue->heap[child], &last))
            break;
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    if (queue->count > 0)
        queue->heap[at] = last;
    return first;
}

struct queue_frame *queue_frame_make(struct queue *queue, const uint8_t *data, uint32_t length)
{
    struct queue_frame *frame = queue->spare;
    if (length > QUEUE_FRAME_SMALL)
        frame = malloc(sizeof *frame + length);
    else if (frame != NULL)
        queue->spare = frame->next;
    else
        frame = malloc(sizeof *frame + QUEUE_FRAME_SMALL);
    if (frame == NULL)
        return NULL;
    *frame = (struct queue_frame){.length = length};
    memcpy(frame->data, data, length);
    return frame;
}

void queue_frame_drop(struct queue *queue, struct queue_frame *frame)
{
    if (frame->length > QUEUE_FRAME_SMALL) {
        free(frame);
        return;
    }
    frame->next = queue->spare;
    queue->spare = frame;
}

void queue_clear(struct queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        if (queue->heap[i].frame != NULL)
            queue_frame_drop(queue, queue->heap[i].frame);
    queue->count = 0;
    queue->order = 0;
}

void queue_free(struct queue *queue)
{
    queue_clear(queue);
    while (queue->spare != NULL) {
        struct queue_frame *frame = queue->spare;
        queue->spare = frame->next;
        free(frame);
    }
    free(queue->heap);
    *queue = (struct queue){0};
}
