/* SPDX-License-Identifier: MIT */
/* ICMP messages that answer: echo replies and errors (RFC 1122 3.2.2, RFC 4443 2.4 and 4.2), both
 * under one rate limit. */
#include <string.h>

#include "base/assert.h"
#include "net/internal.h"
#include "wire/ipv6_headers.h"

#define ICMP_HEADER_BYTES 8u
/* What an error message may be long: RFC 1812 4.3.2.3 for IPv4, RFC 4443 2.4 (c) for IPv6. */
#define ERROR_MAX_V4 576u
#define ERROR_MAX_V6 1280u
#define QUOTE_MAX (ERROR_MAX_V6 - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES)
#define PARAMETER_OPTION_CODE 2u /* RFC 4443 3.4 */
#define BURST_NS (NS_PER_S / 10) /* a tenth of a second's messages may come at once */

/* RFC 4443 2.4 (f): a token bucket, kept as the time at which it will be full again. */
static bool rate_allows(struct net *net, uint64_t now_ns)
{
    uint32_t rate = net->config->icmp_rate_per_s;
    if (rate == 0) {
        net->counters->icmp_rate_limited++;
        return false;
    }
    uint64_t interval_ns = NS_PER_S / rate;
    uint64_t full_ns = net->icmp_full_ns > now_ns ? net->icmp_full_ns : now_ns;
    uint64_t tolerance_ns = BURST_NS > interval_ns ? BURST_NS - interval_ns : 0;
    if (full_ns - now_ns > tolerance_ns) {
        net->counters->icmp_rate_limited++;
        return false;
    }
    net->icmp_full_ns = full_ns + interval_ns;
    return true;
}

void icmp_answer_echo(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                      const struct icmp *request)
{
    const struct ip_packet *ip = packet->ip;
    bool v6 = ip->version == 6;
    /* The address that was asked answers; for a group, one of the link's (RFC 4443 4.2). */
    const struct hawser_address *source = address_is_multicast(&ip->dst) ? NULL : &ip->dst;
    struct own own;
    if (!rate_allows(net, now_ns) ||
        !own_begin(net, source, &ip->src, ICMP_HEADER_BYTES + request->body_len, &own))
        return;
    icmp_emit_echo_reply(v6, &own.path.source, &ip->src, request, own.message);
    own_send(net, now_ns, &own, &ip->src, net->config->hop_limit, ip->traffic_class & 0xfcu);
}

/* Whether the packet is an ICMP error itself, or may be one for all that can be seen of it. */
static bool is_icmp_error(const struct net_packet *packet)
{
    const struct ip_packet *ip = packet->ip;
    if (ip->version == 4) {
        /* Echo, timestamp and information messages are the ones that are not errors. */
        if (ip->protocol != IP_PROTO_ICMP)
            return false;
        uint8_t type = ip->payload_len > 0 ? ip->payload[0] : 0xff;
        return type != 8 && type != 0 && !(type >= 13 && type <= 18);
    }
    if (ip->protocol == IP_PROTO_ICMPV6 && ip->payload != NULL)
        return ip->payload_len == 0 || ip->payload[0] < 128 || ip->payload[0] == 137;
    /* Its extension headers were not all judged: the transport is behind them. */
    uint8_t protocol = 0;
    uint32_t at = ipv6_headers_skip(packet->header, packet->header_len, &protocol);
    if (at == 0 || protocol != IP_PROTO_ICMPV6)
        return false;
    return at >= packet->header_len || packet->header[at] < 128 || packet->header[at] == 137;
}

/* RFC1122 06, RFC 4443 2.4 (e). That the source is one host's was judged before. */
static bool may_report(const struct net_packet *packet, uint8_t type, uint8_t code)
{
    const struct ip_packet *ip = packet->ip;
    if (address_is_unspecified(&ip->src) || is_icmp_error(packet))
        return false;
    /* What came to an IPv4 group was dropped at once, and of fragments only a first one, or the
     * whole, comes here. */
    CHECK(ip->version == 6 || (!packet->group_frame && ip->fragment_offset == 0));
    if (ip->version == 4)
        return true;
    /* (e.3): a group is told of an unknown option that says so, and of nothing else. */
    bool to_group = packet->group_frame || address_is_multicast(&ip->dst);
    return !to_group || (type == ICMPV6_PARAMETER_PROBLEM && code == PARAMETER_OPTION_CODE);
}

/* Copies header and payload one behind the other; returns how many bytes. */
static uint32_t quote(const struct net_packet *packet, uint32_t limit, uint8_t out[QUOTE_MAX])
{
    uint32_t header = packet->header_len < limit ? packet->header_len : limit;
    uint32_t rest = limit - header;
    uint32_t payload = packet->ip->payload_len < rest ? packet->ip->payload_len : rest;
    memcpy(out, packet->header, header);
    if (payload > 0)
        memcpy(out + header, packet->ip->payload, payload);
    return header + payload;
}

void icmp_report(struct net *net, uint64_t now_ns, const struct net_packet *packet, uint8_t type,
                 uint8_t code, uint32_t info)
{
    const struct ip_packet *ip = packet->ip;
    bool v6 = ip->version == 6;
    uint8_t quoted[QUOTE_MAX];
    struct own own;
    if (!may_report(packet, type, code) || !rate_allows(net, now_ns))
        return;
    const struct hawser_address *source = address_is_multicast(&ip->dst) ? NULL : &ip->dst;
    if (!own_begin(net, source, &ip->src, ERROR_MAX_V6, &own))
        return;
    uint32_t total = v6 ? ERROR_MAX_V6 : ERROR_MAX_V4;
    if (own.path.mtu < total)
        total = own.path.mtu;
    uint32_t headers = (v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + ICMP_HEADER_BYTES;
    uint32_t length = quote(packet, total - headers, quoted);
    own.message_len = icmp_emit_error(v6, &own.path.source, &ip->src, type, code, info, quoted,
                                      length, own.message);
    own_send(net, now_ns, &own, &ip->src, net->config->hop_limit, 0);
}
