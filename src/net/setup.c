/* SPDX-License-Identifier: MIT */
/* What an embedder sets up: links, addresses and routes, with every argument judged. */
#include <string.h>

#include "net/internal.h"

static bool mac_possible(const uint8_t mac[6])
{
    static const uint8_t zero[6];
    return (mac[0] & 1) == 0 && memcmp(mac, zero, sizeof zero) != 0;
}

int net_link_add(struct net *net, const struct hawser_link_config *config, uint32_t *link)
{
    bool ethernet = config->kind == HAWSER_LINK_ETHERNET;
    if ((!ethernet && config->kind != HAWSER_LINK_IP && config->kind != HAWSER_LINK_LOOPBACK) ||
        config->mtu < PATHMTU_FLOOR_IPV4 || config->mtu > UINT16_MAX ||
        (ethernet && !mac_possible(config->mac)))
        return HAWSER_ERR_INVALID;
    if (net->links_count == net->config->links_max)
        return HAWSER_ERR_RESOURCES;
    *link = net->links_count++;
    struct net_link *l = &net->links[*link];
    *l = (struct net_link){.kind = config->kind,
                           .mtu = config->mtu,
                           .header_bytes = ethernet ? ETHER_HEADER_BYTES : 0,
                           .checksum_offload_in = config->checksum_offload_in};
    memcpy(l->mac.b, config->mac, sizeof l->mac.b);
    return 0;
}

/* Address and connected route. There is room for both. */
static void put_address(struct net *net, uint32_t link, const struct hawser_address *address,
                        unsigned bits, bool automatic)
{
    const struct local_address entry = {.address = *address,
                                        .link = link,
                                        .bits = (uint8_t)bits,
                                        .loopback = net->links[link].kind == HAWSER_LINK_LOOPBACK,
                                        .automatic = automatic};
    const struct route route = {.prefix = address_prefix_of(address, bits),
                                .link = link,
                                .bits = (uint8_t)bits,
                                .connected = true};
    addresses_add(&net->addresses, &entry);
    routes_add(&net->routes, &route);
    net->generation++;
}

/* RFC 4291 2.5.1 and appendix A: fe80::/64 with the MAC spread out, one bit turned. */
static void put_automatic(struct net *net, uint32_t link)
{
    struct net_link *l = &net->links[link];
    const uint8_t *m = l->mac.b;
    const struct hawser_address own = {
        {0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2u, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
    if (l->kind != HAWSER_LINK_ETHERNET || l->has_auto_address)
        return;
    l->has_auto_address = true;
    if (!net_is_local(net, &own))
        put_address(net, link, &own, 64, true);
}

int net_address_add(struct net *net, uint32_t link, const struct hawser_address *address,
                    unsigned prefix_bits)
{
    bool v4 = address_is_v4(address);
    if (link >= net->links_count || prefix_bits > (v4 ? 32u : 128u) ||
        address_is_unspecified(address) || address_is_multicast(address) ||
        address_is_broadcast(address) || (v4 && address->bytes[12] == 0) ||
        (!v4 && net->links[link].mtu < PATHMTU_FLOOR_IPV6) ||
        (address_is_loopback(address) && net->links[link].kind != HAWSER_LINK_LOOPBACK))
        return HAWSER_ERR_INVALID;
    uint32_t index;
    if (addresses_lookup(&net->addresses, address, &index) == ADDRESS_LOCAL &&
        address_equal(&net->addresses.list[index].address, address))
        return HAWSER_ERR_EXISTS;
    if (net->addresses.given_count == net->config->addresses_max)
        return HAWSER_ERR_RESOURCES;
    put_address(net, link, address, v4 ? 96 + prefix_bits : prefix_bits, false);
    if (!v4)
        put_automatic(net, link);
    return 0;
}

int net_address_remove(struct net *net, const struct hawser_address *address)
{
    uint32_t index;
    if (addresses_lookup(&net->addresses, address, &index) != ADDRESS_LOCAL ||
        !address_equal(&net->addresses.list[index].address, address))
        return HAWSER_ERR_ADDRESS_NOT_LOCAL;
    const struct local_address gone = net->addresses.list[index];
    struct hawser_address prefix = address_prefix_of(address, gone.bits);
    struct route *route = routes_exact(&net->routes, &prefix, gone.bits, gone.link, true, NULL);
    if (route != NULL)
        routes_remove(&net->routes, route);
    addresses_remove(&net->addresses, index);
    net->generation++;
    return 0;
}

/* Prefix and length in the 128 bits that routes are kept in; false when there are too many. The
 * default route of IPv4 may have been written as that of IPv6: then its prefix is that of IPv4. */
static bool normalize(const struct hawser_address *prefix, unsigned prefix_bits, bool v4,
                      struct hawser_address *out, uint8_t *bits)
{
    static const uint8_t zero[4];
    if (prefix_bits > (v4 ? 32u : 128u))
        return false;
    *bits = (uint8_t)(v4 ? 96 + prefix_bits : prefix_bits);
    *out = v4 && prefix_bits == 0 ? address_of_v4(zero) : address_prefix_of(prefix, *bits);
    return true;
}

/* "::" with no bits may stand for the default route of either family. */
static bool is_any_default(const struct hawser_address *prefix, unsigned prefix_bits)
{
    return prefix_bits == 0 && !address_is_v4(prefix) && address_is_unspecified(prefix);
}

static bool gateway_possible(const struct net *net, const struct hawser_address *gateway, bool v4)
{
    return address_is_v4(gateway) == v4 && !address_is_unspecified(gateway) &&
           !address_is_multicast(gateway) && !address_is_loopback(gateway) &&
           !net_is_broadcast(net, gateway) && !net_is_local(net, gateway);
}

int net_route_add(struct net *net, const struct hawser_address *prefix, unsigned prefix_bits,
                  const struct hawser_address *gateway, uint32_t link, uint32_t metric)
{
    struct route route = {.link = link, .metric = metric, .has_gateway = gateway != NULL};
    bool v4 = address_is_v4(prefix) ||
              (is_any_default(prefix, prefix_bits) && gateway != NULL && address_is_v4(gateway));
    if (link >= net->links_count || address_is_multicast(prefix) ||
        !normalize(prefix, prefix_bits, v4, &route.prefix, &route.bits) ||
        (gateway != NULL && !gateway_possible(net, gateway, v4)))
        return HAWSER_ERR_INVALID;
    if (gateway != NULL)
        route.gateway = *gateway;
    if (routes_exact(&net->routes, &route.prefix, route.bits, link, false, &metric) != NULL)
        return HAWSER_ERR_EXISTS;
    if (net->routes.given_count == net->config->routes_max)
        return HAWSER_ERR_RESOURCES;
    routes_add(&net->routes, &route);
    net->generation++;
    return 0;
}

static struct route *given_route(struct net *net, const struct hawser_address *prefix,
                                 unsigned prefix_bits, bool v4, uint32_t link)
{
    struct hawser_address from;
    uint8_t bits;
    if (!normalize(prefix, prefix_bits, v4, &from, &bits))
        return NULL;
    return routes_exact(&net->routes, &from, bits, link, false, NULL);
}

int net_route_remove(struct net *net, const struct hawser_address *prefix, unsigned prefix_bits,
                     uint32_t link)
{
    struct route *route = given_route(net, prefix, prefix_bits, address_is_v4(prefix), link);
    if (route == NULL && is_any_default(prefix, prefix_bits))
        route = given_route(net, prefix, prefix_bits, true, link);
    if (route == NULL)
        return HAWSER_ERR_UNREACHABLE;
    routes_remove(&net->routes, route);
    net->generation++;
    return 0;
}

bool net_is_local(const struct net *net, const struct hawser_address *address)
{
    return addresses_lookup(&net->addresses, address, NULL) == ADDRESS_LOCAL;
}

bool net_is_broadcast(const struct net *net, const struct hawser_address *address)
{
    return address_is_broadcast(address) ||
           addresses_lookup(&net->addresses, address, NULL) == ADDRESS_SUBNET_BROADCAST;
}
