/* SPDX-License-Identifier: MIT */
/* Ways to destinations: route, source address (RFC 6724 in short), next hop and path MTU, put
 * together once and kept by the connection until something changes. */
#include "base/assert.h"
#include "net/internal.h"

/* RFC9293 MUST-46 and RFC 1122 3.2.1.3: what no packet of ours may be sent to. */
static bool destination_possible(const struct net *net, const struct hawser_address *destination)
{
    return !address_is_unspecified(destination) && !address_is_multicast(destination) &&
           !net_is_broadcast(net, destination) &&
           !(address_mapped(destination) && destination->bytes[12] == 0);
}

static uint32_t loopback_link(const struct net *net)
{
    for (uint32_t i = 0; i < net->links_count; i++)
        if (net->links[i].kind == HAWSER_LINK_LOOPBACK)
            return i;
    return ROUTE_ANY_LINK;
}

static uint16_t path_mtu(const struct net *net, uint32_t link,
                         const struct hawser_address *destination)
{
    uint32_t learnt = pathmtus_find(&net->pathmtus, destination);
    uint32_t mtu = net->links[link].mtu;
    return (uint16_t)(learnt != 0 && learnt < mtu ? learnt : mtu);
}

/* The way to one of our own addresses: never over a wire. */
static int find_local(struct net *net, const struct hawser_address *source,
                      const struct hawser_address *destination, struct net_path *out)
{
    uint32_t link = loopback_link(net);
    if (link == ROUTE_ANY_LINK)
        return HAWSER_ERR_UNREACHABLE;
    *out = (struct net_path){.generation = net->generation,
                             .neighbour = NEIGHBOUR_NONE,
                             .mtu = path_mtu(net, link, destination),
                             .link = (uint8_t)link,
                             .source = source != NULL ? *source : *destination};
    return 0;
}

/* The best route; link-local destinations only over the link of the source and never through a
 * gateway (RFC 4007 9, RFC 3927 2.6.2). */
static const struct route *route_to(const struct net *net, const struct hawser_address *source,
                                    const struct hawser_address *destination)
{
    bool scoped = address_is_link_local(destination);
    uint32_t link = ROUTE_ANY_LINK, index;
    /* RFC 1122 3.2.1.3 (g): no loopback address leaves the host. */
    if (address_is_loopback(destination) || (source != NULL && address_is_loopback(source)))
        return NULL;
    if (scoped && source != NULL &&
        addresses_lookup(&net->addresses, source, &index) == ADDRESS_LOCAL)
        link = net->addresses.list[index].link;
    const struct route *route = routes_find(&net->routes, destination, link);
    return route != NULL && scoped && route->has_gateway ? NULL : route;
}

static int find_remote(struct net *net, const struct hawser_address *source,
                       const struct hawser_address *destination, struct net_path *out)
{
    const struct route *route = route_to(net, source, destination);
    if (route == NULL)
        return HAWSER_ERR_UNREACHABLE;
    const struct hawser_address *hop = route->has_gateway ? &route->gateway : destination;
    const struct net_link *link = &net->links[route->link];
    if (!address_mapped(destination) && link->mtu < PATHMTU_FLOOR_IPV6)
        return HAWSER_ERR_UNREACHABLE;
    if (source == NULL) {
        uint32_t own = addresses_select(&net->addresses, route->link, destination, hop);
        if (own == ADDRESS_INDEX_NONE)
            return HAWSER_ERR_UNREACHABLE;
        source = &net->addresses.list[own].address;
    }
    uint32_t neighbour = NEIGHBOUR_NONE, serial = 0;
    if (link->kind == HAWSER_LINK_ETHERNET) {
        neighbour = resolve_obtain(net, route->link, hop);
        if (neighbour == NEIGHBOUR_NONE)
            return HAWSER_ERR_RESOURCES;
        serial = neighbour_at(&net->neighbours, neighbour)->serial;
    }
    *out = (struct net_path){.generation = net->generation,
                             .neighbour = neighbour,
                             .neighbour_serial = serial,
                             .mtu = path_mtu(net, route->link, destination),
                             .link = (uint8_t)route->link,
                             .source = *source};
    return 0;
}

int net_path_find(struct net *net, const struct hawser_address *source,
                  const struct hawser_address *destination, struct net_path *out)
{
    if (!destination_possible(net, destination))
        return HAWSER_ERR_BAD_REMOTE;
    struct hawser_address chosen; /* source may lie in *out */
    if (source != NULL && address_is_unspecified(source)) {
        source = NULL;
    } else if (source != NULL) {
        if (!net_is_local(net, source) || address_mapped(source) != address_mapped(destination))
            return HAWSER_ERR_ADDRESS_NOT_LOCAL;
        chosen = *source;
        source = &chosen;
    }
    if (net_is_local(net, destination))
        return find_local(net, source, destination, out);
    return find_remote(net, source, destination, out);
}

bool net_path_mtu_lower(struct net *net, uint64_t now_ns, const struct hawser_address *destination,
                        uint32_t reported, uint32_t quoted_len)
{
    uint32_t link, lower;
    if (net_is_local(net, destination)) {
        link = loopback_link(net);
    } else {
        const struct route *route = route_to(net, NULL, destination);
        link = route != NULL ? route->link : ROUTE_ANY_LINK;
    }
    if (link == ROUTE_ANY_LINK)
        return false;
    uint32_t current = path_mtu(net, link, destination);
    if (address_mapped(destination)) {
        if (!net->config->path_mtu_discovery) /* then nothing of ours forbade to be fragmented */
            return false;
        lower = pathmtu_judge_v4(reported, quoted_len, current);
    } else {
        /* RFC8201 01: what promises less than any IPv6 link carries is not heard. */
        lower = reported < PATHMTU_FLOOR_IPV6 ? current : reported;
    }
    /* RFC1191 03, RFC8201 03: no report ever raises it. */
    if (lower >= current || !pathmtus_set(&net->pathmtus, destination, lower, now_ns))
        return false;
    net->generation++; /* RFC8201 04: whoever sends there finds its path anew, and learns of it */
    net->counters->path_mtu_lowered++;
    return true;
}
