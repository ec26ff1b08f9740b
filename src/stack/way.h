/* SPDX-License-Identifier: MIT */
/* The way to a destination, as a connection keeps it: struct net_path in 8 bytes. */
#ifndef HAWSER_STACK_WAY_H
#define HAWSER_STACK_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/net.h"

#define WAY_NO_NEIGHBOUR UINT32_C(0xffffff)

struct way {
    uint32_t stamp; /* of routes and neighbour when it was found: way_stamp */
    uint32_t neighbour : 24;
    uint32_t link : 8;
};

/* net's generation and the neighbour's serial number in one number. For two different pairs with less than 2^15 changes of either
 * between them the stamps differ: multiples of this constant, up to that many, keep farther apart modulo 2^32 than that. */
static inline uint32_t way_stamp(uint32_t generation, uint32_t serial)
{
    return generation * UINT32_C(0x9e3779b1) + serial;
}

static inline struct way way_of_path(const struct net_path *path)
{
    bool has = path->neighbour != NEIGHBOUR_NONE;
    return (struct way){
        .stamp = way_stamp(path->generation, has ? path->neighbour_serial : 0),
        .neighbour = has ? path->neighbour & WAY_NO_NEIGHBOUR : WAY_NO_NEIGHBOUR,
        .link = path->link,
    };
}

/* False: routes, addresses, a path MTU or the neighbour changed, find the way again. Else *out is as net_path_find gave it, but for mtu and source. */
static inline bool way_to_path(const struct net *net, struct way way, struct net_path *out)
{
    uint32_t serial = 0;
    out->neighbour = NEIGHBOUR_NONE;
    if (way.neighbour != WAY_NO_NEIGHBOUR) {
        out->neighbour = way.neighbour;
        serial = neighbour_at(&net->neighbours, way.neighbour)->serial;
    }
    out->generation = net->generation;
    out->neighbour_serial = serial;
    out->link = (uint8_t)way.link;
    return way.stamp == way_stamp(net->generation, serial);
}

#endif
