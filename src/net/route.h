/* SPDX-License-Identifier: MIT */
/* Routes: connected, static and default (RFC 1122 3.3.1), the longest prefix first. */
#ifndef HAWSER_NET_ROUTE_H
#define HAWSER_NET_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

struct route {
    struct hawser_address prefix;  /* bits behind its length are 0 */
    struct hawser_address gateway; /* meaningful with has_gateway */
    uint32_t metric;
    uint32_t link;
    uint8_t bits; /* counted in 128 (IPv4: 96 + prefix) */
    bool has_gateway;
    bool connected; /* follows from a local address, goes with it */
};

/* Sorted: more bits first, then the smaller metric, then the older; so the first match is the best.
 * Few, and asked only when a path is made: a plain array. */
struct routes {
    struct route *list;
    uint32_t count, limit;
    uint32_t given_count; /* not connected ones */
};

#define ROUTE_ANY_LINK UINT32_MAX

void routes_init(struct routes *r, struct route *list, uint32_t limit);

/* There is room. */
void routes_add(struct routes *r, const struct route *route);

/* The first route with this prefix, length, link and kind (metric: NULL = whatever), or NULL. */
struct route *routes_exact(struct routes *r, const struct hawser_address *prefix, uint8_t bits,
                           uint32_t link, bool connected, const uint32_t *metric);
void routes_remove(struct routes *r, struct route *route);

/* The best route to an address, over one link or (ROUTE_ANY_LINK) any; NULL when there is none. */
const struct route *routes_find(const struct routes *r, const struct hawser_address *destination,
                                uint32_t link);

/* The address with everything behind `bits` (of 128) cleared. */
struct hawser_address address_prefix_of(const struct hawser_address *a, unsigned bits);

#endif
