/* SPDX-License-Identifier: MIT */
/* How one frame fares on a wire: the line with its rate and queue, chance, delay. */
#include <string.h>

#include "wire_internal.h"

#define NS_PER_S 1000000000u
#define DELAY_MAX_NS ((uint64_t)3600 * NS_PER_S)
#define RATE_MAX ((uint64_t)1000000000000)
#define QUEUE_MAX_BYTES ((uint64_t)1 << 30)
#define HOLD_DEFAULT_NS 1000000u

/* A bijection of 64-bit numbers in which every bit of the result depends on every bit of x (the
 * finalizer of SplitMix64, by Steele, Lea and Flood). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#define GOLDEN 0x9e3779b97f4a7c15u /* 2^64 / golden ratio, odd: steps through all numbers evenly */

/* The draw depends on the frame's number, not on draws made before it, so that switching one fault
 * on or changing it in mid-run leaves the others' decisions where they were. */
static uint64_t draw(const struct wire_direction *direction, enum wire_chance what, uint64_t number)
{
    return mix(direction->keys[what] + number * GOLDEN);
}

static bool happens(const struct wire_direction *direction, enum wire_chance what, uint64_t number,
                    uint32_t ppm)
{
    return ppm != 0 && ((draw(direction, what, number) >> 32) * HAWSER_WIRE_PPM) >> 32 < ppm;
}

void wire_line_keys(struct wire_direction *direction, uint64_t seed, unsigned number)
{
    for (unsigned i = 0; i < WIRE_CHANCE_COUNT; i++)
        direction->keys[i] =
            mix(mix(seed + GOLDEN) + (number * WIRE_CHANCE_COUNT + i + 1) * GOLDEN);
}

bool wire_line_settings_valid(const struct hawser_wire_settings *settings)
{
    return settings->delay_ns <= DELAY_MAX_NS && settings->jitter_ns <= DELAY_MAX_NS &&
           settings->rate_bits_per_s <= RATE_MAX && settings->queue_bytes <= QUEUE_MAX_BYTES &&
           settings->loss_ppm <= HAWSER_WIRE_PPM && settings->duplicate_ppm <= HAWSER_WIRE_PPM &&
           settings->reorder_ppm <= HAWSER_WIRE_PPM && settings->corrupt_ppm <= HAWSER_WIRE_PPM &&
           settings->reorder_ns <= DELAY_MAX_NS &&
           (settings->reorder_ppm == 0 || settings->reorder_ns != 0);
}

bool wire_line_perfect(const struct hawser_wire_settings *settings)
{
    return settings->delay_ns == 0 && settings->jitter_ns == 0 && settings->rate_bits_per_s == 0 &&
           settings->loss_ppm == 0 && settings->duplicate_ppm == 0 && settings->reorder_ppm == 0 &&
           settings->corrupt_ppm == 0;
}

void wire_line_set(struct wire_direction *direction, const struct hawser_wire_settings *settings)
{
    uint64_t rate = settings->rate_bits_per_s;
    if (rate != direction->settings.rate_bits_per_s)
        direction->busy_remainder = 0; /* it was counted in the old rate */
    direction->settings = *settings;
    if (rate == 0)
        return;
    uint64_t bytes = settings->queue_bytes;
    if (bytes == 0) {
        bytes = rate / 80; /* 100 ms */
        if (bytes > QUEUE_MAX_BYTES)
            bytes = QUEUE_MAX_BYTES;
        if (bytes < 65536)
            bytes = 65536;
    }
    direction->queue_ns = bytes * 8 * NS_PER_S / rate;
}

/* Has the line send a frame after all it has yet to send. Keeps the remainder of the division, so
 * that in the long run the rate is exact. False: the queue is full. The queue is measured in time
 * and not in bytes: what is left of the frame being sent then counts for what is left, and a change
 * of the rate finds nothing to be converted. */
static bool line_take(struct wire_direction *direction, uint64_t now_ns, uint32_t length)
{
    uint64_t rate = direction->settings.rate_bits_per_s;
    bool idle = direction->busy_until_ns <= now_ns;
    uint64_t start_ns = idle ? now_ns : direction->busy_until_ns;
    uint64_t scaled = (uint64_t)length * 8 * NS_PER_S + (idle ? 0 : direction->busy_remainder);
    uint64_t until_ns = start_ns + scaled / rate;
    if (!idle && until_ns - now_ns > direction->queue_ns)
        return false;
    direction->busy_until_ns = until_ns;
    direction->busy_remainder = scaled % rate;
    return true;
}

static void tell(const struct hawser_wire *wire, unsigned from, uint64_t now_ns,
                 const struct hawser_buffer *frame, enum hawser_tap_verdict verdict)
{
    if (wire->tap == NULL)
        return;
    struct hawser_tap_event event = {.verdict = verdict,
                                     .kind = wire->kind,
                                     .from = from,
                                     .number = wire->directions[from].number,
                                     .now_ns = now_ns,
                                     .sent_ns = now_ns,
                                     .data = frame->data,
                                     .length = frame->length};
    wire->tap(wire->tap_context, &event);
}

/* A frame in a slot of its own sets out; one bit of it is flipped if chance (or force) says so. */
static void depart(struct wire_direction *direction, struct wire_entry *entry,
                   enum wire_chance corrupt, bool force)
{
    uint64_t number = direction->number;
    if (force || happens(direction, corrupt, number, direction->settings.corrupt_ppm)) {
        /* The low half of the draw; the high half has decided that it happens. */
        uint64_t bit =
            (draw(direction, corrupt, number) & 0xffffffffu) % ((uint64_t)entry->length * 8);
        entry->slot[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        entry->marks |= HAWSER_TAP_CORRUPTED;
        direction->counters.corrupted++;
    }
    wire_queue_push(&direction->queue, entry, (entry->marks & HAWSER_TAP_LATE) != 0);
}

static bool room(struct hawser_wire *wire, struct wire_direction *direction)
{
    return wire_queue_count(&direction->queue) < wire->frames_max &&
           wire_queue_room(&direction->queue);
}

/* When a frame that the line has sent at departs_ns arrives. */
static uint64_t arrival(struct wire_direction *direction, uint64_t departs_ns, bool late)
{
    const struct hawser_wire_settings *settings = &direction->settings;
    uint64_t due_ns = departs_ns + settings->delay_ns;
    if (settings->jitter_ns != 0)
        due_ns +=
            draw(direction, WIRE_CHANCE_JITTER, direction->number) % (settings->jitter_ns + 1);
    if (due_ns < direction->last_due_ns)
        due_ns = direction->last_due_ns; /* jitter, or a shortened delay, does not reorder */
    if (late) {
        direction->counters.late++;
        return due_ns + (settings->reorder_ns != 0 ? settings->reorder_ns : HOLD_DEFAULT_NS);
    }
    direction->last_due_ns = due_ns;
    return due_ns;
}

/* The frame in a buffer, which the line has sent, sets out, and perhaps a copy of it. */
static void travel(struct hawser_wire *wire, struct wire_direction *direction, uint64_t now_ns,
                   struct hawser_buffer *buffer, enum hawser_wire_fate fate)
{
    const struct hawser_wire_settings *settings = &direction->settings;
    uint64_t number = direction->number;
    uint64_t departs_ns = settings->rate_bits_per_s != 0 ? direction->busy_until_ns : now_ns;
    bool late = fate == HAWSER_WIRE_HOLD ||
                happens(direction, WIRE_CHANCE_REORDER, number, settings->reorder_ppm);
    bool copied = fate == HAWSER_WIRE_DUPLICATE ||
                  happens(direction, WIRE_CHANCE_DUPLICATE, number, settings->duplicate_ppm);

    struct wire_entry entry = {.due_ns = arrival(direction, departs_ns, late),
                               .sent_ns = now_ns,
                               .order = number * 2,
                               .slot = buffer->data,
                               .length = buffer->length,
                               .marks = late ? HAWSER_TAP_LATE : 0};
    buffer->data = wire_queue_slot(&direction->queue);

    struct wire_entry copy = entry;
    if (copied) { /* the bytes before a fault of the original gets into them */
        memcpy(buffer->data, entry.slot, entry.length);
        copy.slot = buffer->data;
        copy.order++;
        copy.marks |= HAWSER_TAP_DUPLICATE;
    }
    depart(direction, &entry, WIRE_CHANCE_CORRUPT, fate == HAWSER_WIRE_CORRUPT);
    if (copied && room(wire, direction)) {
        buffer->data = wire_queue_slot(&direction->queue);
        direction->counters.duplicated++;
        depart(direction, &copy, WIRE_CHANCE_CORRUPT_COPY, false);
    }
}

void wire_line_send(struct hawser_wire *wire, unsigned from, uint64_t now_ns, size_t index)
{
    struct wire_direction *direction = &wire->directions[from];
    struct hawser_buffer *buffer = &direction->buffers[index];
    const struct hawser_wire_settings *settings = &direction->settings;

    direction->number++;
    direction->counters.sent_frames++;
    direction->counters.sent_bytes += buffer->length;
    tell(wire, from, now_ns, buffer, HAWSER_TAP_SENT);
    enum hawser_wire_fate fate = HAWSER_WIRE_PASS;
    if (wire->filter != NULL)
        fate = wire->filter(wire->filter_context, from, now_ns, buffer->data, buffer->length);

    if (!room(wire, direction) ||
        (settings->rate_bits_per_s != 0 && !line_take(direction, now_ns, buffer->length))) {
        direction->counters.overflowed++;
        tell(wire, from, now_ns, buffer, HAWSER_TAP_OVERFLOW);
        return;
    }
    if (fate == HAWSER_WIRE_LOSE ||
        happens(direction, WIRE_CHANCE_LOSS, direction->number, settings->loss_ppm)) {
        direction->counters.lost++;
        tell(wire, from, now_ns, buffer, HAWSER_TAP_LOST);
        return;
    }
    travel(wire, direction, now_ns, buffer, fate);
}
