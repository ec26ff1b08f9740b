/* SPDX-License-Identifier: MIT */
/* A frame's way in: link, IP header, addresses, reassembly, protocol (RFC 1122 3.2.1, RFC 8200 3).
 */
#include <string.h>

#include "base/hot.h"
#include "net/internal.h"
#include "wire/ipv6_headers.h"

#define NEXT_HEADER_NONE 59u

#define PARAMETER_NEXT_HEADER_CODE 1u /* RFC 4443 3.4 */

HOT bool net_source_possible(const struct net *net, uint32_t link,
                             const struct hawser_address *source)
{
    if (net->links[link].kind == HAWSER_LINK_LOOPBACK)
        return true; /* only we can put anything there */
    if (address_mapped(source)) {
        uint8_t first = source->bytes[12];
        if (first == 0 || first == 127 || (first & 0xf0) == 0xe0 || address_is_broadcast(source))
            return false;
    } else if (address_is_multicast(source) || address_is_unspecified(source) ||
               address_is_loopback(source)) {
        return false;
    }
    /* An own address or the broadcast address of a subnet of ours. */
    return addresses_lookup(&net->addresses, source, NULL) == ADDRESS_FOREIGN;
}

bool net_is_local_on(const struct net *net, uint32_t link, const struct hawser_address *address)
{
    uint32_t index;
    return addresses_lookup(&net->addresses, address, &index) == ADDRESS_LOCAL &&
           net->addresses.list[index].link == link;
}

/* A multicast group that every IPv6 host is in (RFC 4291 2.8): only for ICMPv6. */
static bool is_own_group(const struct ip_packet *ip, enum address_kind kind)
{
    static const struct hawser_address all_nodes = {{0xff, 0x02, [15] = 1}};
    return kind == ADDRESS_SOLICITED_NODE || address_equal(&ip->dst, &all_nodes);
}

/* Is it for us? The addresses of all links are ours on every link (the weak model of RFC 1122
 * 3.3.4.2), but loopback and link-local ones, which mean something only where they are. */
static inline bool destination_possible(const struct net *net, const struct net_packet *packet,
                                        bool whole)
{
    const struct ip_packet *ip = packet->ip;
    uint32_t index;
    enum address_kind kind = addresses_lookup(&net->addresses, &ip->dst, &index);
    if (kind != ADDRESS_LOCAL) {
        /* RFC9293 MUST-57, 3.5.2-5: a segment to a broadcast or multicast address is silently
         * dropped, and so is whatever else nobody here listens to. */
        return ip->version == 6 && (ip->protocol == IP_PROTO_ICMPV6 || !whole) &&
               !ip->is_fragment && is_own_group(ip, kind);
    }
    if (packet->group_frame) /* RFC 1122 3.3.6 */
        return false;
    if (net->links[packet->link].kind == HAWSER_LINK_LOOPBACK)
        return true;
    if (address_is_loopback(&ip->dst))
        return false;
    return ip->version == 4 || !address_is_link_local(&ip->dst) ||
           net->addresses.list[index].link == packet->link;
}

/* whole: all headers were read, so that the protocol is known. */
static inline enum hawser_drop judge_addresses(const struct net *net,
                                               const struct net_packet *packet, bool whole)
{
    const struct ip_packet *ip = packet->ip;
    if (!destination_possible(net, packet, whole))
        return HAWSER_DROP_NOT_FOR_US;
    if (net_source_possible(net, packet->link, &ip->src))
        return NET_DROP_NONE;
    /* RFC 4861 7.1.1: who has no address yet may still ask whether it is free. */
    if (ip->version == 6 && ip->protocol == IP_PROTO_ICMPV6 && address_is_multicast(&ip->dst) &&
        address_is_unspecified(&ip->src))
        return NET_DROP_NONE;
    return HAWSER_DROP_BAD_SOURCE;
}

/* A protocol that is not ours: its sender is told (RFC 1122 3.2.2.1, RFC 4443 3.1 and 3.4). */
static void refuse_protocol(struct net *net, uint64_t now_ns, const struct net_packet *packet)
{
    const struct ip_packet *ip = packet->ip;
    if (ip->version == 4) {
        uint8_t code = ip->protocol == IP_PROTO_UDP ? ICMPV4_UNREACHABLE_PORT_CODE
                                                    : ICMPV4_UNREACHABLE_PROTOCOL_CODE;
        icmp_report(net, now_ns, packet, ICMPV4_UNREACHABLE, code, 0);
    } else if (ip->protocol == IP_PROTO_UDP) {
        icmp_report(net, now_ns, packet, ICMPV6_UNREACHABLE, ICMPV6_UNREACHABLE_PORT_CODE, 0);
    } else if (ip->protocol != NEXT_HEADER_NONE) { /* RFC 8200 4.7: 59 is nothing to complain of */
        icmp_report(net, now_ns, packet, ICMPV6_PARAMETER_PROBLEM, PARAMETER_NEXT_HEADER_CODE,
                    ip->problem_pointer);
    }
}

static inline enum net_input_result
dispatch(struct net *net, uint64_t now_ns, const struct net_packet *packet, struct net_arrival *out)
{
    const struct ip_packet *ip = packet->ip;
    if (ip->protocol == IP_PROTO_TCP) {
        out->link = packet->link;
        return NET_TCP;
    }
    if (ip->protocol == (ip->version == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6))
        return icmp_input(net, now_ns, packet, out);
    refuse_protocol(net, now_ns, packet);
    out->drop = net_drop(net, HAWSER_DROP_PROTOCOL);
    return NET_NOTHING;
}

static enum net_input_result fragment_arrives(struct net *net, uint64_t now_ns,
                                              struct net_packet *packet, struct net_arrival *out)
{
    struct ip_packet whole;
    const uint8_t *header;
    net->counters->fragments_in++;
    switch (reasm_input(&net->reasm, packet->link, now_ns, packet->ip, packet->header, &whole,
                        &header)) {
    case REASM_HELD:
        out->drop = NET_DROP_NONE;
        return NET_NOTHING;
    case REASM_REFUSED:
        out->drop = net_drop(net, HAWSER_DROP_FRAGMENT);
        return NET_NOTHING;
    case REASM_DONE:
        break;
    }
    net->counters->reassembled++;
    *packet->ip = whole;
    packet->header = header;
    packet->header_len = whole.header_len;
    out->checksum_ok = false; /* a link vouches for frames, not for what is made of them */
    return dispatch(net, now_ns, packet, out);
}

/* A packet whose header is not as it must be. */
static enum net_input_result refuse_header(struct net *net, uint64_t now_ns, enum ip_parse verdict,
                                           struct net_packet *packet, uint32_t length,
                                           struct net_arrival *out)
{
    enum hawser_drop reason = HAWSER_DROP_IP_OPTIONS;
    switch (verdict) {
    case IP_PARSE_OK:
    case IP_PARSE_OPTIONS:
        break;
    case IP_PARSE_SHORT:
        reason = HAWSER_DROP_SHORT;
        break;
    case IP_PARSE_VERSION:
        reason = HAWSER_DROP_IP_VERSION;
        break;
    case IP_PARSE_CHECKSUM:
        reason = HAWSER_DROP_IP_CHECKSUM;
        break;
    case IP_PARSE_PARAMETER: /* RFC 8200 4: the sender is told, if it is one and meant us */
        packet->header_len = packet->ip->total_len < length ? packet->ip->total_len : length;
        packet->ip->payload = NULL;
        packet->ip->payload_len = 0;
        if (judge_addresses(net, packet, false) == NET_DROP_NONE)
            icmp_report(net, now_ns, packet, ICMPV6_PARAMETER_PROBLEM, packet->ip->problem_code,
                        packet->ip->problem_pointer);
        break;
    }
    out->drop = net_drop(net, reason);
    return NET_NOTHING;
}

static inline enum net_input_result ip_arrives(struct net *net, uint64_t now_ns,
                                               struct net_packet *packet, uint32_t length,
                                               unsigned version, struct net_arrival *out)
{
    enum ip_parse verdict = ip_parse(packet->header, length, packet->ip);
    if (verdict != IP_PARSE_OK)
        return refuse_header(net, now_ns, verdict, packet, length, out);
    if (version != 0 && packet->ip->version != version) {
        out->drop = net_drop(net, HAWSER_DROP_IP_VERSION);
        return NET_NOTHING;
    }
    packet->header_len = packet->ip->header_len;
    enum hawser_drop reason = judge_addresses(net, packet, true);
    if (reason != NET_DROP_NONE) {
        out->drop = net_drop(net, reason);
        return NET_NOTHING;
    }
    if (packet->ip->is_fragment)
        return fragment_arrives(net, now_ns, packet, out);
    return dispatch(net, now_ns, packet, out);
}

static enum net_input_result ethernet_arrives(struct net *net, uint64_t now_ns,
                                              struct net_packet *packet,
                                              const struct hawser_frame *frame,
                                              struct net_arrival *out)
{
    struct ether ether;
    const uint8_t *body = frame->data + ETHER_HEADER_BYTES;
    uint32_t length = frame->length - ETHER_HEADER_BYTES;
    if (!ether_parse(frame->data, frame->length, &ether)) {
        out->drop = net_drop(net, HAWSER_DROP_SHORT);
        return NET_NOTHING;
    }
    packet->group_frame = mac_is_group(&ether.dst);
    if (!packet->group_frame && !mac_equal(&ether.dst, &net->links[packet->link].mac)) {
        out->drop = net_drop(net, HAWSER_DROP_NOT_FOR_US);
        return NET_NOTHING;
    }
    if (mac_is_group(&ether.src)) {
        out->drop = net_drop(net, HAWSER_DROP_BAD_SOURCE);
        return NET_NOTHING;
    }
    packet->header = body;
    switch (ether.type) {
    case ETHER_TYPE_IPV4:
        return ip_arrives(net, now_ns, packet, length, 4, out);
    case ETHER_TYPE_IPV6:
        return ip_arrives(net, now_ns, packet, length, 6, out);
    case ETHER_TYPE_ARP:
        out->drop = arp_input(net, packet->link, now_ns, body, length, packet->group_frame);
        return NET_NOTHING;
    default:
        out->drop = net_drop(net, HAWSER_DROP_PROTOCOL);
        return NET_NOTHING;
    }
}

enum net_input_result net_input(struct net *net, uint32_t link, uint64_t now_ns,
                                const struct hawser_frame *frame, struct net_arrival *out)
{
    out->drop = NET_DROP_NONE;
    if (link >= net->links_count)
        return NET_NOTHING;
    const struct net_link *from = &net->links[link];
    struct net_packet packet = {.ip = &out->ip, .header = frame->data, .link = link};
    reasm_release(&net->reasm);
    net->counters->frames_in++;
    out->checksum_ok = (frame->flags & HAWSER_FRAME_CHECKSUM_OK) != 0 &&
                       (from->checksum_offload_in || from->kind == HAWSER_LINK_LOOPBACK);
    if (from->kind == HAWSER_LINK_ETHERNET)
        return ethernet_arrives(net, now_ns, &packet, frame, out);
    return ip_arrives(net, now_ns, &packet, frame->length, 0, out);
}
