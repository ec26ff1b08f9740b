/* SPDX-License-Identifier: MIT */
/* ARP (RFC 826) with the checks of RFC 1122 2.3.2: answers for our own addresses of the link, and
 * believes nobody more than it must. */
#include "net/internal.h"

/* An address that was learnt so recently is not replaced by an ARP packet that nobody asked for:
 * two who both claim it do not take turns. */
#define LOCK_NS NS_PER_S

static bool mac_usable(const struct mac *mac)
{
    static const struct mac zero;
    return !mac_is_group(mac) && !mac_equal(mac, &zero);
}

static void emit(struct net *net, uint32_t link, const struct arp *arp, const struct mac *to)
{
    uint32_t frame;
    uint8_t *out = own_ethernet(net, link, to, ETHER_TYPE_ARP, ARP_BYTES, &frame);
    if (out == NULL)
        return;
    arp_emit(arp, out);
    net->counters->arp_out++;
    own_push(net, link, frame);
}

static void copy_ipv4(uint8_t out[4], const struct hawser_address *address)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = address->bytes[12 + i];
}

void arp_solicit(struct net *net, const struct neighbour *n, bool unicast)
{
    static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    uint32_t own = addresses_select(&net->addresses, n->link, &n->address, &n->address);
    if (own == ADDRESS_INDEX_NONE)
        return; /* the address has been taken away since */
    struct mac known = neighbour_mac(n);
    struct arp request = {.op = ARP_REQUEST, .sender_mac = net->links[n->link].mac};
    copy_ipv4(request.sender_ip, &net->addresses.list[own].address);
    copy_ipv4(request.target_ip, &n->address);
    emit(net, n->link, &request, unicast ? &known : &everybody);
}

static void answer(struct net *net, uint32_t link, const struct arp *request)
{
    struct arp reply = {
        .op = ARP_REPLY, .sender_mac = net->links[link].mac, .target_mac = request->sender_mac};
    for (unsigned i = 0; i < 4; i++) {
        reply.sender_ip[i] = request->target_ip[i];
        reply.target_ip[i] = request->sender_ip[i];
    }
    emit(net, link, &reply, &request->sender_mac);
}

/* RFC 826's merge: an entry that is there follows its owner; one is made only for who asks for us.
 */
static void merge(struct net *net, uint32_t link, uint64_t now_ns, const struct arp *arp,
                  bool for_us, bool group_frame)
{
    struct neighbours *t = &net->neighbours;
    struct hawser_address sender = address_of_v4(arp->sender_ip);
    uint32_t index = neighbours_find(t, link, &sender);
    if (index == NEIGHBOUR_NONE) {
        if (for_us && arp->op == ARP_REQUEST && addresses_on_link(&net->addresses, link, &sender))
            resolve_remember(net, link, &sender, &arp->sender_mac);
        return;
    }
    const struct neighbour *n = neighbour_at(t, index);
    bool asked = for_us && arp->op == ARP_REPLY && !group_frame && resolve_asked(n);
    bool locked = n->state == NEIGHBOUR_REACHABLE && now_ns < ns_add(n->mac_since_ns, LOCK_NS);
    if (asked || !locked)
        resolve_heard(net, now_ns, index, &arp->sender_mac, asked, true);
}

enum hawser_drop arp_input(struct net *net, uint32_t link, uint64_t now_ns, const uint8_t *p,
                           size_t n, bool group_frame)
{
    struct arp arp;
    if (!arp_parse(p, n, &arp))
        return net_drop(net, HAWSER_DROP_SHORT);
    struct hawser_address sender = address_of_v4(arp.sender_ip);
    struct hawser_address target = address_of_v4(arp.target_ip);
    bool for_us = net_is_local_on(net, link, &target);
    bool probe = address_is_unspecified(&sender); /* RFC 5227 2.1.1: asks without an address */
    if (!mac_usable(&arp.sender_mac) || (!probe && !net_source_possible(net, link, &sender)))
        return net_drop(net, HAWSER_DROP_BAD_SOURCE);
    if (!probe)
        merge(net, link, now_ns, &arp, for_us, group_frame);
    if (!for_us)
        return net_drop(net, HAWSER_DROP_NOT_FOR_US);
    if (arp.op == ARP_REQUEST)
        answer(net, link, &arp);
    return NET_DROP_NONE;
}
