/* SPDX-License-Identifier: MIT */
/* ICMP messages that arrive (RFC 1122 3.2.2, RFC 4443): echo is answered, errors about TCP go up,
 * the rest is silently discarded. */
#include "net/internal.h"

static enum net_input_result discard(struct net *net, struct net_arrival *out)
{
    out->drop = net_drop(net, HAWSER_DROP_ICMP);
    return NET_NOTHING;
}

/* RFC1122 05: the protocol of the quoted header says who is meant. An error about something that
 * this host did not send, or that came to another address than the one it quotes, is a forgery or
 * lost its way (RFC 5927 4.1 asks for more: that is the transport's to check). */
static enum net_input_result error_arrives(struct net *net, const struct net_packet *packet,
                                           const struct icmp *message, struct net_arrival *out)
{
    const struct icmp_quote *quote = &message->quote;
    if (!message->has_quote || quote->protocol != IP_PROTO_TCP || !quote->has_transport ||
        !address_equal(&quote->src, &packet->ip->dst) || !net_is_local(net, &quote->src))
        return discard(net, out);
    out->link = packet->link;
    out->quote = *quote;
    out->kind = message->kind;
    out->mtu = message->mtu;
    out->v6 = packet->ip->version == 6;
    return NET_ICMP_ERROR;
}

enum net_input_result icmp_input(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                                 struct net_arrival *out)
{
    const struct ip_packet *ip = packet->ip;
    struct icmp message;
    enum icmp_parse verdict =
        ip->version == 4 ? icmpv4_parse(ip->payload, ip->payload_len, &message)
                         : icmpv6_parse(ip->payload, ip->payload_len, &ip->src, &ip->dst, &message);
    net->counters->icmp_in++;
    if (verdict != ICMP_PARSE_OK)
        return discard(net, out);
    out->drop = NET_DROP_NONE;
    /* RFC 4861 7.2.1: the nameless may only ask whether an address is taken. */
    if (address_is_unspecified(&ip->src) && message.kind != ICMP_NEIGHBOUR_SOLICITATION)
        return discard(net, out);
    switch (message.kind) {
    case ICMP_ECHO_REQUEST:
        icmp_answer_echo(net, now_ns, packet, &message);
        return NET_NOTHING;
    case ICMP_NEIGHBOUR_SOLICITATION:
    case ICMP_NEIGHBOUR_ADVERTISEMENT:
        out->drop = nd_input(net, now_ns, packet, &message);
        return NET_NOTHING;
    case ICMP_UNREACHABLE_NET:
    case ICMP_UNREACHABLE_HOST:
    case ICMP_UNREACHABLE_PROTOCOL:
    case ICMP_UNREACHABLE_PORT:
    case ICMP_PROHIBITED:
    case ICMP_PACKET_TOO_BIG:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
        return error_arrives(net, packet, &message, out);
    case ICMP_SOURCE_QUENCH:        /* RFC9293 MUST-55, RFC 6633 3 */
    case ICMP_OTHER:                /* RFC1122 04; redirects are among them: routes are static */
    case ICMP_ECHO_REPLY:           /* nobody here asks */
    case ICMP_ROUTER_ADVERTISEMENT: /* routes are static */
    case ICMP_ROUTER_SOLICITATION:  /* no router */
        return discard(net, out);
    }
    return discard(net, out);
}
