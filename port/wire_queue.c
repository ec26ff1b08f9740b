/* SPDX-License-Identifier: MIT */
/* The frames on a wire in the order of their arrival, and the memory they lie in. */
#include <stdlib.h>
#include <string.h>

#include "wire_internal.h"

#define RING_FIRST 64u /* entries, a power of two */
#define HEAP_FIRST 16u

void wire_queue_init(struct wire_queue *queue, size_t slot_bytes, size_t slot_offset,
                     size_t slots_max)
{
    memset(queue, 0, sizeof *queue);
    queue->slot_bytes = slot_bytes;
    queue->slot_offset = slot_offset;
    queue->slots_max = slots_max;
}

void wire_queue_deinit(struct wire_queue *queue)
{
    for (size_t i = 0; i < queue->slab_count; i++)
        free(queue->slabs[i]);
    free(queue->slabs);
    free(queue->free_slots);
    free(queue->ring);
    free(queue->heap);
}

size_t wire_queue_count(const struct wire_queue *queue)
{
    return queue->ring_tail - queue->ring_head + queue->heap_count;
}

static bool grow_slots(struct wire_queue *queue)
{
    if (queue->slots_total >= queue->slots_max)
        return false;
    size_t total = queue->slots_total + WIRE_SLAB_SLOTS;

    /* Both lists grow before the slab is there: on failure they are only too long. */
    uint8_t **slabs = realloc(queue->slabs, (queue->slab_count + 1) * sizeof *slabs);
    if (slabs == NULL)
        return false;
    queue->slabs = slabs;
    uint8_t **free_slots = realloc(queue->free_slots, total * sizeof *free_slots);
    if (free_slots == NULL)
        return false;
    queue->free_slots = free_slots;
    uint8_t *slab = aligned_alloc(64, WIRE_SLAB_SLOTS * queue->slot_bytes);
    if (slab == NULL)
        return false;

    queue->slabs[queue->slab_count++] = slab;
    queue->slots_total = total;
    for (size_t i = WIRE_SLAB_SLOTS; i-- > 0;)
        queue->free_slots[queue->free_count++] = slab + i * queue->slot_bytes + queue->slot_offset;
    return true;
}

static bool grow_ring(struct wire_queue *queue)
{
    size_t old = queue->ring == NULL ? 0 : queue->ring_mask + 1;
    size_t capacity = old == 0 ? RING_FIRST : 2 * old;
    struct wire_entry *ring = malloc(capacity * sizeof *ring);
    if (ring == NULL)
        return false;
    size_t count = queue->ring_tail - queue->ring_head;
    for (size_t i = 0; i < count; i++)
        ring[i] = queue->ring[(queue->ring_head + i) & queue->ring_mask];
    free(queue->ring);
    queue->ring = ring;
    queue->ring_mask = capacity - 1;
    queue->ring_head = 0;
    queue->ring_tail = count;
    return true;
}

static bool grow_heap(struct wire_queue *queue)
{
    size_t capacity = queue->heap_capacity == 0 ? HEAP_FIRST : 2 * queue->heap_capacity;
    struct wire_entry *heap = realloc(queue->heap, capacity * sizeof *heap);
    if (heap == NULL)
        return false;
    queue->heap = heap;
    queue->heap_capacity = capacity;
    return true;
}

bool wire_queue_room(struct wire_queue *queue)
{
    if (queue->free_count == 0 && !grow_slots(queue))
        return false;
    if ((queue->ring == NULL || queue->ring_tail - queue->ring_head > queue->ring_mask) &&
        !grow_ring(queue))
        return false;
    return queue->heap_count < queue->heap_capacity || grow_heap(queue);
}

uint8_t *wire_queue_slot(struct wire_queue *queue)
{
    return queue->free_slots[--queue->free_count];
}

void wire_queue_slot_free(struct wire_queue *queue, uint8_t *slot)
{
    queue->free_slots[queue->free_count++] = slot;
}

static bool before(const struct wire_entry *a, const struct wire_entry *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void heap_push(struct wire_queue *queue, const struct wire_entry *entry)
{
    size_t at = queue->heap_count++;
    while (at > 0 && before(entry, &queue->heap[(at - 1) / 2])) {
        queue->heap[at] = queue->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->heap[at] = *entry;
}

static void heap_pop(struct wire_queue *queue)
{
    struct wire_entry last = queue->heap[--queue->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->heap_count)
            break;
        if (child + 1 < queue->heap_count && before(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!before(&queue->heap[child], &last))
            break;
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    queue->heap[at] = last;
}

void wire_queue_push(struct wire_queue *queue, const struct wire_entry *entry, bool overtakable)
{
    if (overtakable)
        heap_push(queue, entry);
    else
        queue->ring[queue->ring_tail++ & queue->ring_mask] = *entry;
}

const struct wire_entry *wire_queue_first(const struct wire_queue *queue)
{
    const struct wire_entry *ring = NULL;
    if (queue->ring_tail != queue->ring_head)
        ring = &queue->ring[queue->ring_head & queue->ring_mask];
    if (queue->heap_count != 0 && (ring == NULL || before(&queue->heap[0], ring)))
        return &queue->heap[0];
    return ring;
}

void wire_queue_pop(struct wire_queue *queue)
{
    if (queue->heap_count != 0 && wire_queue_first(queue) == &queue->heap[0])
        heap_pop(queue);
    else
        queue->ring_head++;
}
