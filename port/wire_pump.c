/* SPDX-License-Identifier: MIT */
/* The wire between two hosts: frames out of the one, into the other. */
#include "wire_internal.h"

/* A perfect line: what the host wrote is handed on from where it lies. `hawser bench` lives on
 * this. */
static size_t pass_through(struct hawser_wire *wire, unsigned from, uint64_t now_ns)
{
    struct wire_direction *direction = &wire->directions[from];
    size_t n = hawser_output(wire->ends[from].host, wire->ends[from].link, now_ns,
                             direction->buffers, HAWSER_WIRE_BATCH);
    if (n == 0)
        return 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        direction->frames[i].data = direction->buffers[i].data;
        direction->frames[i].length = direction->buffers[i].length;
        bytes += direction->buffers[i].length;
    }
    direction->number += n;
    direction->counters.sent_frames += n;
    direction->counters.sent_bytes += bytes;
    direction->counters.delivered_frames += n;
    direction->counters.delivered_bytes += bytes;
    hawser_input(wire->ends[1 - from].host, wire->ends[1 - from].link, now_ns, direction->frames,
                 n);
    return n;
}

static size_t through_queue(struct hawser_wire *wire, unsigned from, uint64_t now_ns)
{
    struct wire_direction *direction = &wire->directions[from];
    size_t moved = 0;
    if (wire->ends[from].host != NULL) {
        moved = hawser_output(wire->ends[from].host, wire->ends[from].link, now_ns,
                              direction->buffers, HAWSER_WIRE_BATCH);
        hawser_wire_commit(wire, from, now_ns, moved);
    }
    unsigned to = 1 - from;
    if (wire->ends[to].host == NULL)
        return moved;
    for (;;) {
        size_t n = hawser_wire_take(wire, to, now_ns, direction->frames, HAWSER_WIRE_BATCH);
        if (n == 0)
            return moved;
        hawser_input(wire->ends[to].host, wire->ends[to].link, now_ns, direction->frames, n);
        moved += n;
    }
}

size_t hawser_wire_pump_from(struct hawser_wire *wire, unsigned from, uint64_t now_ns)
{
    if (from > 1)
        return 0;
    struct wire_direction *direction = &wire->directions[from];
    bool both = wire->ends[0].host != NULL && wire->ends[1].host != NULL;
    if (direction->perfect && both && wire_queue_count(&direction->queue) == 0)
        return pass_through(wire, from, now_ns);
    return through_queue(wire, from, now_ns);
}

size_t hawser_wire_pump(struct hawser_wire *wire, uint64_t now_ns)
{
    size_t moved = hawser_wire_pump_from(wire, 0, now_ns);
    return moved + hawser_wire_pump_from(wire, 1, now_ns);
}
