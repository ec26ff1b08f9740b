/* SPDX-License-Identifier: MIT */
/* Routes: a sorted array; the first match is the best. */
#include "net/route.h"

#include <string.h>

#include "base/assert.h"
#include "wire/ip.h"

void routes_init(struct routes *r, struct route *list, uint32_t limit)
{
    *r = (struct routes){.list = list, .limit = limit};
}

void routes_add(struct routes *r, const struct route *route)
{
    ASSERT(r->count < r->limit);
    uint32_t at = 0;
    while (at < r->count &&
           (r->list[at].bits > route->bits ||
            (r->list[at].bits == route->bits && r->list[at].metric <= route->metric)))
        at++;
    memmove(&r->list[at + 1], &r->list[at], (r->count - at) * sizeof r->list[0]);
    r->list[at] = *route;
    r->count++;
    r->given_count += !route->connected;
}

struct route *routes_exact(struct routes *r, const struct hawser_address *prefix, uint8_t bits,
                           uint32_t link, bool connected, const uint32_t *metric)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct route *route = &r->list[i];
        if (route->bits == bits && route->link == link && route->connected == connected &&
            (metric == NULL || route->metric == *metric) && address_equal(&route->prefix, prefix))
            return route;
    }
    return NULL;
}

void routes_remove(struct routes *r, struct route *route)
{
    uint32_t at = (uint32_t)(route - r->list);
    ASSERT(at < r->count);
    r->given_count -= !route->connected;
    r->count--;
    memmove(&r->list[at], &r->list[at + 1], (r->count - at) * sizeof r->list[0]);
}

const struct route *routes_find(const struct routes *r, const struct hawser_address *destination,
                                uint32_t link)
{
    bool v4 = address_is_v4(destination);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct route *route = &r->list[i];
        /* ::/0 would match IPv4 too, which is written inside of it. */
        if ((link == ROUTE_ANY_LINK || route->link == link) &&
            address_is_v4(&route->prefix) == v4 &&
            address_same_prefix(&route->prefix, destination, route->bits))
            return route;
    }
    return NULL;
}

struct hawser_address address_prefix_of(const struct hawser_address *a, unsigned bits)
{
    struct hawser_address prefix = *a;
    for (unsigned bit = bits; bit < 128; bit++)
        prefix.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return prefix;
}
