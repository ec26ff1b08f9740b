/* SPDX-License-Identifier: MIT */
/* The wire: making one, setting it, and its ends as plain calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire_internal.h"

#define MTU_DEFAULT 1500u
#define FRAMES_DEFAULT 65536u
#define ETHERNET_HEADER_BYTES 14u

/* On Ethernet frames begin 2 bytes into their slot, so that the IP header is aligned. */
#define ETHERNET_OFFSET 2u

/* A whole and odd number of cache lines: with an even one, and most of all with 2 KiB, the headers
 * of all slots would compete for the same few sets of the first-level cache. */
static size_t slot_bytes(size_t frame_bytes)
{
    size_t lines = (frame_bytes + 63) / 64;
    return (lines | 1) * 64;
}

static bool give_buffers(struct hawser_wire *wire, struct wire_direction *direction)
{
    for (size_t i = 0; i < HAWSER_WIRE_BATCH; i++) {
        if (!wire_queue_room(&direction->queue))
            return false;
        direction->buffers[i].data = wire_queue_slot(&direction->queue);
        direction->buffers[i].capacity = wire->frame_bytes_max;
    }
    return true;
}

int hawser_wire_create(const struct hawser_wire_config *config, struct hawser_wire **out)
{
    uint32_t mtu = config->mtu != 0 ? config->mtu : MTU_DEFAULT;
    uint32_t frames_max = config->frames_max != 0 ? config->frames_max : FRAMES_DEFAULT;
    bool ethernet = config->kind == HAWSER_LINK_ETHERNET;
    if ((!ethernet && config->kind != HAWSER_LINK_IP) || mtu < 68 || mtu > 65535 ||
        frames_max < 64 || frames_max > 1u << 20)
        return -EINVAL;

    struct hawser_wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        return -ENOMEM;
    wire->kind = config->kind;
    wire->frame_bytes_max = mtu + (ethernet ? ETHERNET_HEADER_BYTES : 0);
    wire->frames_max = frames_max;
    size_t offset = ethernet ? ETHERNET_OFFSET : 0;
    for (unsigned i = 0; i < 2; i++) {
        struct wire_direction *direction = &wire->directions[i];
        /* Beside the queue's slots there are those of the sender's buffers and of the frames taken,
         * and one that wire_queue_room wants to see free. */
        wire_queue_init(&direction->queue, slot_bytes(wire->frame_bytes_max + offset), offset,
                        (size_t)frames_max + 2 * HAWSER_WIRE_BATCH + 1);
        wire_line_keys(direction, config->seed, i);
        direction->perfect = true;
    }
    if (!give_buffers(wire, &wire->directions[0]) || !give_buffers(wire, &wire->directions[1])) {
        hawser_wire_destroy(wire);
        return -ENOMEM;
    }
    *out = wire;
    return 0;
}

void hawser_wire_destroy(struct hawser_wire *wire)
{
    if (wire == NULL)
        return;
    wire_queue_deinit(&wire->directions[0].queue);
    wire_queue_deinit(&wire->directions[1].queue);
    free(wire);
}

static void judge_perfection(struct hawser_wire *wire)
{
    for (unsigned i = 0; i < 2; i++)
        wire->directions[i].perfect = wire->tap == NULL && wire->filter == NULL &&
                                      wire_line_perfect(&wire->directions[i].settings);
}

int hawser_wire_set(struct hawser_wire *wire, unsigned direction,
                    const struct hawser_wire_settings *settings)
{
    if (!wire_line_settings_valid(settings))
        return -EINVAL;
    for (unsigned i = 0; i < 2; i++)
        if (direction > 1 || direction == i)
            wire_line_set(&wire->directions[i], settings);
    judge_perfection(wire);
    return 0;
}

const struct hawser_wire_settings *hawser_wire_settings_of(const struct hawser_wire *wire,
                                                           unsigned direction)
{
    return direction > 1 ? NULL : &wire->directions[direction].settings;
}

void hawser_wire_set_tap(struct hawser_wire *wire, hawser_tap *tap, void *context)
{
    wire->tap = tap;
    wire->tap_context = context;
    judge_perfection(wire);
}

void hawser_wire_set_filter(struct hawser_wire *wire, hawser_wire_filter *filter, void *context)
{
    wire->filter = filter;
    wire->filter_context = context;
    judge_perfection(wire);
}

const struct hawser_wire_counters *hawser_wire_counters_of(const struct hawser_wire *wire,
                                                           unsigned direction)
{
    return direction > 1 ? NULL : &wire->directions[direction].counters;
}

int hawser_wire_attach(struct hawser_wire *wire, unsigned end, struct hawser_host *host,
                       uint32_t link)
{
    if (end > 1)
        return -EINVAL;
    wire->ends[end].host = host;
    wire->ends[end].link = link;
    return 0;
}

uint64_t hawser_wire_next_at(const struct hawser_wire *wire, unsigned end)
{
    if (end > 1)
        return UINT64_MAX;
    const struct wire_entry *first = wire_queue_first(&wire->directions[1 - end].queue);
    return first == NULL ? UINT64_MAX : first->due_ns;
}

uint64_t hawser_wire_next(const struct hawser_wire *wire)
{
    uint64_t at_0 = hawser_wire_next_at(wire, 0);
    uint64_t at_1 = hawser_wire_next_at(wire, 1);
    return at_0 < at_1 ? at_0 : at_1;
}

struct hawser_buffer *hawser_wire_buffers(struct hawser_wire *wire, unsigned end)
{
    return wire->directions[end & 1].buffers;
}

void hawser_wire_commit(struct hawser_wire *wire, unsigned end, uint64_t now_ns, size_t count)
{
    if (end > 1)
        return;
    struct wire_direction *direction = &wire->directions[end];
    for (size_t i = 0; i < count && i < HAWSER_WIRE_BATCH; i++) {
        uint32_t length = direction->buffers[i].length;
        if (length != 0 && length <= wire->frame_bytes_max)
            wire_line_send(wire, end, now_ns, i);
    }
    direction->counters.in_flight = wire_queue_count(&direction->queue);
}

int hawser_wire_put(struct hawser_wire *wire, unsigned end, uint64_t now_ns, const void *data,
                    size_t length)
{
    if (end > 1 || length == 0)
        return -EINVAL;
    if (length > wire->frame_bytes_max)
        return -EMSGSIZE;
    struct hawser_buffer *buffer = &wire->directions[end].buffers[0];
    memcpy(buffer->data, data, length);
    buffer->length = (uint32_t)length;
    hawser_wire_commit(wire, end, now_ns, 1);
    return 0;
}

static void tell_delivered(const struct hawser_wire *wire, unsigned from, uint64_t now_ns,
                           const struct wire_entry *entry)
{
    struct hawser_tap_event event = {.verdict = HAWSER_TAP_DELIVERED,
                                     .kind = wire->kind,
                                     .marks = entry->marks,
                                     .from = from,
                                     .number = entry->order / 2,
                                     .now_ns = now_ns,
                                     .sent_ns = entry->sent_ns,
                                     .data = entry->slot,
                                     .length = entry->length};
    wire->tap(wire->tap_context, &event);
}

size_t hawser_wire_take(struct hawser_wire *wire, unsigned end, uint64_t now_ns,
                        struct hawser_frame *frames, size_t count)
{
    if (end > 1)
        return 0;
    struct wire_direction *direction = &wire->directions[1 - end];
    struct wire_queue *queue = &direction->queue;
    while (direction->taken_count > 0)
        wire_queue_slot_free(queue, direction->taken[--direction->taken_count]);

    size_t taken = 0;
    while (taken < count && taken < HAWSER_WIRE_BATCH) {
        const struct wire_entry *first = wire_queue_first(queue);
        if (first == NULL || first->due_ns > now_ns)
            break;
        frames[taken] = (struct hawser_frame){.data = first->slot, .length = first->length};
        direction->taken[taken] = first->slot;
        direction->counters.delivered_bytes += first->length;
        if (wire->tap != NULL)
            tell_delivered(wire, 1 - end, now_ns, first);
        wire_queue_pop(queue);
        taken++;
    }
    direction->taken_count = taken;
    direction->counters.delivered_frames += taken;
    direction->counters.in_flight = wire_queue_count(queue);
    return taken;
}
