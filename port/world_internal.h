/* SPDX-License-Identifier: MIT */
/* What a world is made of. */
#ifndef HAWSER_WORLD_INTERNAL_H
#define HAWSER_WORLD_INTERNAL_H

#include <hawser/port/world.h>

struct hawser_world {
    uint64_t now_ns;
    uint64_t seed;
    uint64_t steps_max;
    uint32_t rounds_max;
    uint32_t links_count; /* links made so far, for their MAC addresses */
    struct hawser_host **hosts;
    struct hawser_wire **wires;
    struct hawser_actor *actors;
    size_t hosts_count, wires_count, actors_count;
};

#endif
