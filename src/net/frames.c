/* SPDX-License-Identifier: MIT */
/* Stored frames: descriptors in one array, bytes in buffers of powers of two, queues by index. */
#include "net/frames.h"

#include "base/assert.h"

_Static_assert(FRAMES_SHARE_BYTES == 1u << BUFFERS_SHIFT_MIN, "see frames_take");

void frames_init(struct frames *f, struct frame *slots, struct buffers *buffers)
{
    *f = (struct frames){.slots = slots, .buffers = buffers, .free_head = 0};
    for (uint32_t i = 0; i < FRAMES_MAX; i++)
        slots[i] = (struct frame){.next = i + 1 < FRAMES_MAX ? i + 1 : FRAMES_NONE};
}

uint32_t frames_take(struct frames *f, uint32_t length, bool control)
{
    struct frames_share *share = control ? &f->control : &f->held;
    uint32_t count_max = control ? FRAMES_CONTROL_MAX : FRAMES_HELD_MAX;
    uint32_t shift = buffers_shift_for(length);
    /* No buffer is smaller than a frame's share, so that this bounds the number of frames, too. */
    if (share->bytes + (UINT32_C(1) << shift) > count_max * FRAMES_SHARE_BYTES)
        return FRAMES_NONE;
    uint8_t *data = buffers_take(f->buffers, shift);
    if (data == NULL)
        return FRAMES_NONE;
    uint32_t index = f->free_head;
    ASSERT(index != FRAMES_NONE);
    struct frame *frame = &f->slots[index];
    f->free_head = frame->next;
    *frame = (struct frame){.data = data,
                            .length = length,
                            .next = FRAMES_NONE,
                            .shift = (uint8_t)shift,
                            .control = control};
    share->count++;
    share->bytes += UINT32_C(1) << shift;
    return index;
}

void frames_give(struct frames *f, uint32_t index)
{
    struct frame *frame = &f->slots[index];
    struct frames_share *share = frame->control ? &f->control : &f->held;
    ASSERT(frame->data != NULL);
    buffers_give(f->buffers, frame->data, frame->shift);
    share->count--;
    share->bytes -= UINT32_C(1) << frame->shift;
    frame->data = NULL;
    frame->next = f->free_head;
    f->free_head = index;
}

void frames_push(struct frames *f, struct frame_queue *q, uint32_t index)
{
    f->slots[index].next = FRAMES_NONE;
    if (q->count == 0)
        q->head = index;
    else
        f->slots[q->tail].next = index;
    q->tail = index;
    q->count++;
}

uint32_t frames_pop(struct frames *f, struct frame_queue *q)
{
    if (q->count == 0)
        return FRAMES_NONE;
    uint32_t index = q->head;
    q->head = f->slots[index].next;
    q->count--;
    return index;
}

uint32_t frames_clear(struct frames *f, struct frame_queue *q)
{
    uint32_t count = q->count;
    for (uint32_t index; (index = frames_pop(f, q)) != FRAMES_NONE;)
        frames_give(f, index);
    return count;
}
