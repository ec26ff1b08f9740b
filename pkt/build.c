/* SPDX-License-Identifier: MIT */
/* A packet of a script into a datagram. */
#include <netinet/in.h>
#include <string.h>

#include "pkt/live.h"

#define V4_HEADER 20u
#define V6_HEADER 40u
#define TCP_HEADER 20u
#define QUOTED_BYTES 8u /* of the transport header in an ICMP error */

#define FAST_OPEN_MAGIC 0xf989u /* of the experimental option, RFC 6994 */

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value);
}

/* ---- checksums --------------------------------------------------------------------------- */

uint32_t pkt_checksum_add(uint32_t sum, const uint8_t *data, size_t length)
{
    uint64_t total = sum;
    for (size_t i = 0; i + 1 < length; i += 2)
        total += (uint32_t)data[i] << 8 | data[i + 1];
    if (length % 2 != 0)
        total += (uint32_t)data[length - 1] << 8;
    while (total >> 32 != 0)
        total = (total & 0xffffffffu) + (total >> 32);
    return (uint32_t)total;
}

uint16_t pkt_checksum_finish(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t pkt_checksum_pseudo(const struct pkt_ends *ends, uint8_t protocol, size_t length)
{
    uint8_t rest[8] = {0};
    unsigned from = hawser_address_is_v4(&ends->source) ? 12 : 0;
    put32(rest, (uint32_t)length);
    rest[7] = protocol;
    uint32_t sum = pkt_checksum_add(0, ends->source.bytes + from, 16 - from);
    sum = pkt_checksum_add(sum, ends->destination.bytes + from, 16 - from);
    return pkt_checksum_add(sum, rest, sizeof rest);
}

static void put_checksum(uint8_t *field, const struct pkt_ends *ends, uint8_t protocol,
                         const uint8_t *data, size_t length)
{
    put16(field, 0);
    uint16_t sum = pkt_checksum_finish(
        pkt_checksum_add(pkt_checksum_pseudo(ends, protocol, length), data, length));
    put16(field, protocol == IPPROTO_UDP && sum == 0 ? 0xffff : sum);
}

/* ---- IP ---------------------------------------------------------------------------------- */

static unsigned traffic_class(const struct pkt_ip_info *ip)
{
    if (ip->tos >= 0)
        return (unsigned)ip->tos;
    switch (ip->ecn) {
    case PKT_ECN_ECT0:
        return 2;
    case PKT_ECN_ECT1:
        return 1;
    case PKT_ECN_CE:
        return 3;
    case PKT_ECN_ABSENT:
    case PKT_ECN_NOECN:
    case PKT_ECN_ECT01:
        break;
    }
    return 0;
}

static size_t put_ip(uint8_t *p, const struct pkt_ip_info *ip, const struct pkt_ends *ends,
                     uint8_t protocol, size_t payload)
{
    unsigned ttl = ip->ttl >= 0 ? (unsigned)ip->ttl : 255;
    unsigned class = traffic_class(ip);
    if (!hawser_address_is_v4(&ends->source)) {
        uint32_t label = ip->flow_label >= 0 ? (uint32_t)ip->flow_label & 0xfffff : 0;
        put32(p, 6u << 28 | class << 20 | label);
        put16(p + 4, (uint32_t)payload);
        p[6] = protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : protocol;
        p[7] = (uint8_t)ttl;
        memcpy(p + 8, ends->source.bytes, 16);
        memcpy(p + 24, ends->destination.bytes, 16);
        return V6_HEADER;
    }
    memset(p, 0, V4_HEADER);
    p[0] = 0x45;
    p[1] = (uint8_t) class;
    put16(p + 2, (uint32_t)(V4_HEADER + payload));
    p[8] = (uint8_t)ttl;
    p[9] = protocol;
    memcpy(p + 12, ends->source.bytes + 12, 4);
    memcpy(p + 16, ends->destination.bytes + 12, 4);
    put16(p + 10, pkt_checksum_finish(pkt_checksum_add(0, p, V4_HEADER)));
    return V4_HEADER;
}

/* ---- TCP --------------------------------------------------------------------------------- */

static size_t put_kind(uint8_t *p, uint8_t kind, size_t length)
{
    p[0] = kind;
    p[1] = (uint8_t)length;
    return length;
}

static size_t put_sack(const struct pkt_option *option, uint8_t *p)
{
    for (unsigned i = 0; i < option->count; i++) {
        put32(p + 2 + 8 * i, option->sack[i].left);
        put32(p + 6 + 8 * i, option->sack[i].right);
    }
    return put_kind(p, 5, 2 + 8 * (size_t)option->count);
}

static size_t put_accurate_ecn(const struct pkt_option *option, uint8_t *p)
{
    for (unsigned i = 0; i < option->count; i++) {
        p[2 + 3 * i] = (uint8_t)(option->counters[i] >> 16);
        put16(p + 3 + 3 * i, option->counters[i]);
    }
    return put_kind(p, option->kind == PKT_OPT_ACC_ECN_0 ? 172 : 174,
                    2 + 3 * (size_t)option->count);
}

size_t pkt_build_option(const struct pkt_option *option, uint8_t *p)
{
    switch (option->kind) {
    case PKT_OPT_NOP:
        p[0] = 1;
        return 1;
    case PKT_OPT_EOL:
        p[0] = 0;
        return 1;
    case PKT_OPT_MSS:
        put16(p + 2, option->value);
        return put_kind(p, 2, 4);
    case PKT_OPT_WSCALE:
        p[2] = (uint8_t)option->value;
        return put_kind(p, 3, 3);
    case PKT_OPT_SACK_OK:
        return put_kind(p, 4, 2);
    case PKT_OPT_SACK:
        return put_sack(option, p);
    case PKT_OPT_TIMESTAMPS:
        put32(p + 2, option->ts_val);
        put32(p + 6, option->ts_ecr);
        return put_kind(p, 8, 10);
    case PKT_OPT_MD5:
        memcpy(p + 2, option->bytes, option->count);
        return put_kind(p, 19, 2 + option->count);
    case PKT_OPT_FAST_OPEN:
        memcpy(p + 2, option->bytes, option->count);
        return put_kind(p, 34, 2 + option->count);
    case PKT_OPT_FAST_OPEN_EXP:
        put16(p + 2, FAST_OPEN_MAGIC);
        memcpy(p + 4, option->bytes, option->count);
        return put_kind(p, 254, 4 + option->count);
    case PKT_OPT_ACC_ECN_0:
    case PKT_OPT_ACC_ECN_1:
        return put_accurate_ecn(option, p);
    }
    return 0;
}

/* The header; the payload behind it is length bytes of zero. Returns header and payload. */
static size_t put_tcp(uint8_t *p, const struct pkt_tcp *tcp, const struct pkt_ends *ends)
{
    size_t header = TCP_HEADER;
    for (size_t i = 0; i < tcp->options_count; i++)
        header += pkt_build_option(&tcp->options[i], p + header);
    put16(p, ends->source_port);
    put16(p + 2, ends->destination_port);
    put32(p + 4, tcp->seq);
    put32(p + 8, tcp->ack);
    p[12] = (uint8_t)(header / 4 << 4 | (tcp->flags & PKT_AE) >> 8);
    p[13] = (uint8_t)tcp->flags;
    put16(p + 14, tcp->window >= 0 ? (uint32_t)tcp->window : 0);
    put16(p + 18, tcp->urgent >= 0 ? (uint32_t)tcp->urgent : 0);
    memset(p + header, 0, tcp->length);
    put_checksum(p + 16, ends, IPPROTO_TCP, p, header + tcp->length);
    return header + tcp->length;
}

/* ---- ICMP and UDP ------------------------------------------------------------------------- */

/* What an error quotes: the IP header of a datagram that the stack sent, and the first bytes
 * behind it. */
static size_t put_quote(uint8_t *p, const struct pkt_icmp *icmp, const struct pkt_ends *ends)
{
    const struct pkt_ip_info ip = {.tos = -1, .flow_label = -1, .ttl = -1};
    const struct pkt_ends back = {.source = ends->destination,
                                  .destination = ends->source,
                                  .source_port = ends->destination_port,
                                  .destination_port = ends->source_port};
    bool udp = icmp->quote == PKT_QUOTE_UDP;
    size_t payload = (udp ? 8 : TCP_HEADER) + (size_t)icmp->quote_length;
    size_t at = put_ip(p, &ip, &back, udp ? IPPROTO_UDP : IPPROTO_TCP, payload);
    put16(p + at, back.source_port);
    put16(p + at + 2, back.destination_port);
    put32(p + at + 4, udp ? (uint32_t)(payload << 16) : icmp->quote_seq);
    return at + QUOTED_BYTES;
}

static size_t put_icmp(uint8_t *p, const struct pkt_icmp *icmp, const struct pkt_ends *ends)
{
    memset(p, 0, 8);
    p[0] = icmp->type;
    p[1] = icmp->code;
    if (icmp->mtu >= 0)
        put32(p + 4, (uint32_t)icmp->mtu);
    if (icmp->id >= 0)
        put16(p + 4, (uint32_t)icmp->id);
    size_t length = 8;
    if (icmp->quote == PKT_QUOTE_RAW) {
        memset(p + 8, 0, icmp->quote_length);
        length += icmp->quote_length;
    } else if (icmp->id < 0) {
        length += put_quote(p + 8, icmp, ends);
    }
    if (icmp->v6)
        put_checksum(p + 2, ends, IPPROTO_ICMPV6, p, length);
    else
        put16(p + 2, pkt_checksum_finish(pkt_checksum_add(0, p, length)));
    return length;
}

static size_t put_udp(uint8_t *p, uint32_t length, const struct pkt_ends *ends)
{
    put16(p, ends->source_port);
    put16(p + 2, ends->destination_port);
    put16(p + 4, 8 + length);
    memset(p + 8, 0, length);
    put_checksum(p + 6, ends, IPPROTO_UDP, p, 8 + (size_t)length);
    return 8 + (size_t)length;
}

size_t pkt_build(const struct pkt_packet *packet, const struct pkt_ends *ends, uint8_t *out,
                 size_t room)
{
    bool v4 = hawser_address_is_v4(&ends->source);
    size_t header = v4 ? V4_HEADER : V6_HEADER;
    size_t variable = packet->kind == PKT_PACKET_TCP   ? packet->tcp.length + 60
                      : packet->kind == PKT_PACKET_UDP ? packet->udp_length + 8
                                                       : packet->icmp.quote_length + 8 + 48;
    if (header + variable > room || variable > 65535 + 48u)
        return 0;
    size_t payload = 0;
    uint8_t protocol = IPPROTO_TCP;
    switch (packet->kind) {
    case PKT_PACKET_TCP:
        payload = put_tcp(out + header, &packet->tcp, ends);
        break;
    case PKT_PACKET_UDP:
        payload = put_udp(out + header, packet->udp_length, ends);
        protocol = IPPROTO_UDP;
        break;
    case PKT_PACKET_ICMP:
        payload = put_icmp(out + header, &packet->icmp, ends);
        protocol = IPPROTO_ICMP;
        break;
    }
    if (payload + (v4 ? V4_HEADER : 0) > 65535)
        return 0;
    return put_ip(out, &packet->ip, ends, protocol, payload) + payload;
}
