/* SPDX-License-Identifier: MIT */
/* Neighbour discovery (RFC 4861 7.2), the part of a host with static routes: solicitations and
 * advertisements. Router advertisements and redirects are not taken. */
#include <string.h>

#include "net/internal.h"

#define ND_BYTES 32u /* a solicitation or advertisement with its one option */

static const struct hawser_address all_nodes = {{0xff, 0x02, [15] = 1}};

/* RFC 2464 7 */
static struct mac multicast_mac(const struct hawser_address *group)
{
    struct mac mac = {{0x33, 0x33}};
    memcpy(mac.b + 2, group->bytes + 12, 4);
    return mac;
}

/* Writes Ethernet and IP header; the message's place, or NULL. */
static uint8_t *begin(struct net *net, uint32_t link, const struct mac *to,
                      const struct hawser_address *src, const struct hawser_address *dst,
                      uint32_t *frame)
{
    uint8_t *out =
        own_ethernet(net, link, to, ETHER_TYPE_IPV6, IPV6_HEADER_BYTES + ND_BYTES, frame);
    if (out == NULL)
        return NULL;
    const struct ip_emit ip = {.src = src,
                               .dst = dst,
                               .payload_len = ND_BYTES,
                               .protocol = IP_PROTO_ICMPV6,
                               .hop_limit = HOP_LIMIT_ND};
    return out + ip_emit(&ip, out);
}

static void finish(struct net *net, uint32_t link, uint32_t frame)
{
    net->counters->icmp_out++;
    own_push(net, link, frame);
}

void nd_solicit(struct net *net, const struct neighbour *n, bool unicast)
{
    uint32_t own = addresses_select(&net->addresses, n->link, &n->address, &n->address);
    if (own == ADDRESS_INDEX_NONE)
        return; /* the address has been taken away since */
    const struct hawser_address *src = &net->addresses.list[own].address;
    struct hawser_address dst = unicast ? n->address : address_solicited_node(&n->address);
    struct mac to = unicast ? neighbour_mac(n) : multicast_mac(&dst);
    uint32_t frame;
    uint8_t *message = begin(net, n->link, &to, src, &dst, &frame);
    if (message == NULL)
        return;
    icmp_emit_solicitation(src, &dst, &n->address, &net->links[n->link].mac, message);
    finish(net, n->link, frame);
}

static void advertise(struct net *net, uint32_t link, const struct mac *to,
                      const struct hawser_address *dst, const struct hawser_address *target,
                      bool solicited)
{
    uint32_t frame;
    uint8_t *message = begin(net, link, to, target, dst, &frame);
    if (message == NULL)
        return;
    icmp_emit_advertisement(target, dst, target, &net->links[link].mac, solicited, true, message);
    finish(net, link, frame);
}

/* To a solicitor that did not say where it is: the ordinary way, which may have to ask first. */
static void advertise_by_path(struct net *net, uint64_t now_ns, const struct hawser_address *dst,
                              const struct hawser_address *target)
{
    struct own own;
    if (!own_begin(net, target, dst, ND_BYTES, &own))
        return;
    icmp_emit_advertisement(target, dst, target, &net->links[own.path.link].mac, true, true,
                            own.message);
    own_send(net, now_ns, &own, dst, HOP_LIMIT_ND, 0);
}

static enum hawser_drop solicitation(struct net *net, uint64_t now_ns,
                                     const struct net_packet *packet, const struct icmp *message)
{
    const struct hawser_address *src = &packet->ip->src;
    uint32_t link = packet->link;
    bool nameless = address_is_unspecified(src); /* it makes sure that nobody has the address yet */
    struct hawser_address node = address_solicited_node(&message->target);
    if (nameless && !address_equal(&packet->ip->dst, &node))
        return net_drop(net, HAWSER_DROP_ICMP);
    if (!net_is_local_on(net, link, &message->target))
        return net_drop(net, HAWSER_DROP_NOT_FOR_US);
    if (nameless) {
        struct mac to = multicast_mac(&all_nodes);
        advertise(net, link, &to, &all_nodes, &message->target, false);
        return NET_DROP_NONE;
    }
    if (!message->has_lladdr) {
        advertise_by_path(net, now_ns, src, &message->target);
        return NET_DROP_NONE;
    }
    uint32_t index = neighbours_find(&net->neighbours, link, src);
    if (index != NEIGHBOUR_NONE)
        resolve_heard(net, now_ns, index, &message->lladdr, false, true);
    else if (addresses_on_link(&net->addresses, link, src)) /* RFC 5942 4 */
        resolve_remember(net, link, src, &message->lladdr);
    advertise(net, link, &message->lladdr, src, &message->target, true);
    return NET_DROP_NONE;
}

/* RFC 4861 7.2.5 */
static enum hawser_drop advertisement(struct net *net, uint64_t now_ns,
                                      const struct net_packet *packet, const struct icmp *message)
{
    uint32_t index = neighbours_find(&net->neighbours, packet->link, &message->target);
    if (index == NEIGHBOUR_NONE)
        return net_drop(net, HAWSER_DROP_NOT_FOR_US);
    const struct neighbour *n = neighbour_at(&net->neighbours, index);
    bool known = n->state != NEIGHBOUR_NEW && n->state != NEIGHBOUR_INCOMPLETE;
    if (!message->has_lladdr && !known)
        return net_drop(net, HAWSER_DROP_ICMP);
    struct mac mac = message->has_lladdr ? message->lladdr : neighbour_mac(n);
    /* One that says "solicited" when nothing was asked is taken for what it then is: a hint. */
    bool answer = message->solicited && resolve_asked(n);
    resolve_heard(net, now_ns, index, &mac, answer, message->override);
    return NET_DROP_NONE;
}

enum hawser_drop nd_input(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                          const struct icmp *message)
{
    static const struct mac zero;
    const struct ip_packet *ip = packet->ip;
    /* RFC 4861 7.1: only from this link, and (RFC 6980 5) never behind a fragment header, nor
     * behind any other that could hide one. */
    if (ip->hop_limit != HOP_LIMIT_ND || ip->header_len != IPV6_HEADER_BYTES ||
        net->links[packet->link].kind != HAWSER_LINK_ETHERNET)
        return net_drop(net, HAWSER_DROP_ICMP);
    if (message->has_lladdr &&
        (mac_is_group(&message->lladdr) || mac_equal(&message->lladdr, &zero)))
        return net_drop(net, HAWSER_DROP_ICMP);
    if (message->kind == ICMP_NEIGHBOUR_SOLICITATION)
        return solicitation(net, now_ns, packet, message);
    return advertisement(net, now_ns, packet, message);
}
