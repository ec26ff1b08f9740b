/* SPDX-License-Identifier: MIT */
/* The inside of a wire: its queue, its line with the faults, and what the files of it share. */
#ifndef HAWSER_WIRE_INTERNAL_H
#define HAWSER_WIRE_INTERNAL_H

#include <hawser/port/wire.h>

/* A slot is a piece of memory that holds one frame; it belongs to the sender's buffers, to the
 * queue, to the frames last taken, or to the free ones. Frames move by handing slots on, never by
 * copying. */

struct wire_entry {
    uint64_t due_ns;
    uint64_t sent_ns;
    uint64_t order; /* of sending: number of the frame * 2, + 1 for its copy; settles equal times */
    uint8_t *slot;
    uint32_t length;
    uint32_t marks;
};

/* Frames on the way. Those that keep their order stand in a ring, where due_ns never falls; those
 * that can be overtaken stand in a heap. The next to arrive is the earlier of the two heads. */
struct wire_queue {
    struct wire_entry
        *ring; /* capacity ring_mask + 1, a power of two; positions count up for ever */
    size_t ring_mask, ring_head, ring_tail;
    struct wire_entry *heap; /* smallest (due_ns, order) first */
    size_t heap_count, heap_capacity;

    uint8_t *
        *free_slots; /* the last one given back is the first one used: it is still in the cache */
    size_t free_count, slots_total, slots_max;
    uint8_t **slabs; /* where slots come from, WIRE_SLAB_SLOTS at a time; given back at the end */
    size_t slab_count;
    size_t slot_bytes, slot_offset;
};

#define WIRE_SLAB_SLOTS 64u

/* slot_bytes: of a slot, a multiple of 64; slot_offset: where in it a frame begins; slots_max: how
 * many. Takes no memory yet; wire_queue_room does. */
void wire_queue_init(struct wire_queue *queue, size_t slot_bytes, size_t slot_offset,
                     size_t slots_max);
void wire_queue_deinit(struct wire_queue *queue);

/* Makes sure that one entry can be pushed and one slot taken; false = the limit, or no memory. */
bool wire_queue_room(struct wire_queue *queue);

size_t wire_queue_count(const struct wire_queue *queue);
uint8_t *wire_queue_slot(struct wire_queue *queue); /* after wire_queue_room; never NULL */
void wire_queue_slot_free(struct wire_queue *queue, uint8_t *slot);

/* After wire_queue_room. overtakable = it goes into the heap. */
void wire_queue_push(struct wire_queue *queue, const struct wire_entry *entry, bool overtakable);

/* The next to arrive, or NULL; valid until push or pop. */
const struct wire_entry *wire_queue_first(const struct wire_queue *queue);
void wire_queue_pop(struct wire_queue *queue);

/* What chance decides. Each draw is a function of key (seed, direction, fault) and number alone. */
enum wire_chance {
    WIRE_CHANCE_LOSS,
    WIRE_CHANCE_DUPLICATE,
    WIRE_CHANCE_REORDER,
    WIRE_CHANCE_JITTER,
    WIRE_CHANCE_CORRUPT,      /* the original */
    WIRE_CHANCE_CORRUPT_COPY, /* its copy */
    WIRE_CHANCE_COUNT,
};

struct wire_direction {
    struct hawser_buffer buffers[HAWSER_WIRE_BATCH]; /* the sender writes into these slots */
    struct hawser_frame frames[HAWSER_WIRE_BATCH];   /* handed to a host */
    uint8_t *taken[HAWSER_WIRE_BATCH];               /* slots lent out by the last take */
    size_t taken_count;

    bool perfect; /* nothing is set and nobody listens: frames need not pass through the queue */
    struct hawser_wire_settings settings;
    struct hawser_wire_counters counters;
    struct wire_queue queue;

    uint64_t keys[WIRE_CHANCE_COUNT];
    uint64_t number;         /* of the last frame sent */
    uint64_t last_due_ns;    /* of frames that keep their order */
    uint64_t queue_ns;       /* how long a full queue takes to send */
    uint64_t busy_until_ns;  /* when the line has sent all that it has */
    uint64_t busy_remainder; /* and the part of a ns beyond, in 1 / rate_bits_per_s ns */
};

struct hawser_wire {
    struct wire_direction directions[2];
    struct {
        struct hawser_host *host; /* NULL: the program itself */
        uint32_t link;
    } ends[2];
    hawser_tap *tap;
    void *tap_context;
    hawser_wire_filter *filter;
    void *filter_context;
    enum hawser_link_kind kind;
    uint32_t frame_bytes_max;
    uint32_t frames_max; /* in each direction's queue */
};

/* wire_line.c: how one frame fares. */
void wire_line_keys(struct wire_direction *direction, uint64_t seed, unsigned number);
bool wire_line_settings_valid(const struct hawser_wire_settings *settings);
void wire_line_set(struct wire_direction *direction, const struct hawser_wire_settings *settings);
bool wire_line_perfect(const struct hawser_wire_settings *settings);

/* Sends the frame in buffers[index] of a direction. If it goes on its way, the buffer gets another
 * slot. */
void wire_line_send(struct hawser_wire *wire, unsigned from, uint64_t now_ns, size_t index);

#endif
