/* SPDX-License-Identifier: MIT */
/* A datagram into the terms of a script. The stack under test wrote it: nothing is trusted. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "pkt/live.h"

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* The first fault is told. */
static void fault(struct pkt_live *live, const char *what)
{
    if (live->fault[0] == 0)
        snprintf(live->fault, sizeof live->fault, "%s", what);
}

static enum pkt_ecn ecn_of(unsigned class)
{
    static const enum pkt_ecn names[] = {PKT_ECN_NOECN, PKT_ECN_ECT1, PKT_ECN_ECT0, PKT_ECN_CE};
    return names[class & 3];
}

/* ---- options ----------------------------------------------------------------------------- */

static bool read_sack(struct pkt_option *option, const uint8_t *p, size_t length)
{
    if (length < 10 || length % 8 != 2)
        return false;
    option->kind = PKT_OPT_SACK;
    option->count = (unsigned)(length / 8);
    for (unsigned i = 0; i < option->count; i++) {
        option->sack[i].left = get32(p + 2 + 8 * i);
        option->sack[i].right = get32(p + 6 + 8 * i);
    }
    return true;
}

static bool read_bytes(struct pkt_option *option, enum pkt_option_kind kind, const uint8_t *p,
                       size_t count)
{
    if (count > sizeof option->bytes)
        return false;
    option->kind = kind;
    option->count = (unsigned)count;
    memcpy(option->bytes, p, count);
    return true;
}

static bool read_accurate_ecn(struct pkt_option *option, const uint8_t *p, size_t length)
{
    if (length > 11 || length % 3 != 2)
        return false;
    option->kind = p[0] == 172 ? PKT_OPT_ACC_ECN_0 : PKT_OPT_ACC_ECN_1;
    option->count = (unsigned)((length - 2) / 3);
    for (unsigned i = 0; i < option->count; i++)
        option->counters[i] = (uint32_t)p[2 + 3 * i] << 16 | get16(p + 3 + 3 * i);
    return true;
}

/* An option with a length; false = its kind is none of the language's, or its length is wrong. */
static bool read_option(struct pkt_option *option, const uint8_t *p, size_t length)
{
    switch (p[0]) {
    case 2:
        option->kind = PKT_OPT_MSS;
        option->value = length == 4 ? get16(p + 2) : 0;
        return length == 4;
    case 3:
        option->kind = PKT_OPT_WSCALE;
        option->value = length == 3 ? p[2] : 0;
        return length == 3;
    case 4:
        option->kind = PKT_OPT_SACK_OK;
        return length == 2;
    case 5:
        return read_sack(option, p, length);
    case 8:
        if (length != 10)
            return false;
        option->kind = PKT_OPT_TIMESTAMPS;
        option->ts_val = get32(p + 2);
        option->ts_ecr = get32(p + 6);
        return true;
    case 19:
        return length == 18 && read_bytes(option, PKT_OPT_MD5, p + 2, length - 2);
    case 34:
        return read_bytes(option, PKT_OPT_FAST_OPEN, p + 2, length - 2);
    case 172:
    case 174:
        return read_accurate_ecn(option, p, length);
    case 254:
        return length >= 4 && get16(p + 2) == 0xf989 &&
               read_bytes(option, PKT_OPT_FAST_OPEN_EXP, p + 4, length - 4);
    default:
        return false;
    }
}

static void read_options(struct pkt_live *live, const uint8_t *p, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length && count < PKT_LIVE_OPTIONS_MAX;) {
        struct pkt_option *option = &live->options[count++];
        memset(option, 0, sizeof *option);
        size_t size = 1;
        if (p[at] > 1) {
            size = at + 1 < length ? p[at + 1] : 0;
            if (size < 2 || size > length - at) {
                fault(live, "a TCP option with a wrong length");
                count--;
                break;
            }
            if (!read_option(option, p + at, size)) {
                char text[64];
                snprintf(text, sizeof text, "an unknown TCP option: kind %u, length %zu", p[at],
                         size);
                fault(live, text);
                count--;
            }
        } else {
            option->kind = p[at] == 0 ? PKT_OPT_EOL : PKT_OPT_NOP;
        }
        at += size;
    }
    live->packet.tcp.options = live->options;
    live->packet.tcp.options_count = count;
    live->packet.tcp.options_kind = count > 0 ? PKT_OPTIONS_LIST : PKT_OPTIONS_NONE;
    live->option_bytes_count = length;
    memcpy(live->option_bytes, p, length);
}

/* ---- transport --------------------------------------------------------------------------- */

static int read_tcp(struct pkt_live *live, const uint8_t *p, size_t length)
{
    struct pkt_tcp *tcp = &live->packet.tcp;
    if (length < 20) {
        fault(live, "too short for a TCP header");
        return -1;
    }
    size_t header = (size_t)(p[12] >> 4) * 4;
    if (header < 20 || header > length) {
        fault(live, "a TCP data offset that cannot be");
        header = 20;
    }
    live->packet.kind = PKT_PACKET_TCP;
    live->ends.source_port = (uint16_t)get16(p);
    live->ends.destination_port = (uint16_t)get16(p + 2);
    tcp->seq = get32(p + 4);
    tcp->ack = get32(p + 8);
    tcp->flags = (uint16_t)(get16(p + 12) & 0x1ff);
    tcp->window = (int32_t)get16(p + 14);
    tcp->urgent = (int32_t)get16(p + 18);
    tcp->length = (uint32_t)(length - header);
    live->reserved = p[12] & 0x0e;
    uint32_t sum = pkt_checksum_pseudo(&live->ends, IPPROTO_TCP, length);
    if (pkt_checksum_finish(pkt_checksum_add(sum, p, length)) != 0)
        fault(live, "a wrong TCP checksum");
    read_options(live, p + 20, header - 20);
    for (size_t i = header; i < length && live->payload_is_zero; i++)
        live->payload_is_zero = p[i] == 0;
    return 0;
}

static int read_icmp(struct pkt_live *live, const uint8_t *p, size_t length, bool v6)
{
    if (length < 8) {
        fault(live, "too short for an ICMP header");
        return -1;
    }
    live->packet.kind = PKT_PACKET_ICMP;
    live->packet.icmp = (struct pkt_icmp){.v6 = v6,
                                          .type = p[0],
                                          .code = p[1],
                                          .id = -1,
                                          .mtu = -1,
                                          .quote = PKT_QUOTE_RAW,
                                          .quote_length = (uint32_t)(length - 8)};
    return 0;
}

static int read_udp(struct pkt_live *live, const uint8_t *p, size_t length)
{
    if (length < 8 || get16(p + 4) != length) {
        fault(live, "a UDP length that cannot be");
        return -1;
    }
    live->packet.kind = PKT_PACKET_UDP;
    live->packet.udp_length = (uint32_t)(length - 8);
    live->ends.source_port = (uint16_t)get16(p);
    live->ends.destination_port = (uint16_t)get16(p + 2);
    for (size_t i = 8; i < length && live->payload_is_zero; i++)
        live->payload_is_zero = p[i] == 0;
    return 0;
}

static int read_transport(struct pkt_live *live, uint8_t protocol, const uint8_t *p, size_t length)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return read_tcp(live, p, length);
    case IPPROTO_UDP:
        return read_udp(live, p, length);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        return read_icmp(live, p, length, protocol == IPPROTO_ICMPV6);
    default:
        fault(live, "neither TCP, UDP nor ICMP");
        return -1;
    }
}

/* ---- IP ---------------------------------------------------------------------------------- */

static int read_v4(struct pkt_live *live, const uint8_t *p, size_t length)
{
    size_t header = (size_t)(p[0] & 15) * 4;
    if (length < 20 || header < 20 || header > length) {
        fault(live, "an IP header length that cannot be");
        return -1;
    }
    if (header != 20)
        fault(live, "IP options");
    if (get16(p + 2) != length)
        fault(live, "an IP total length that is not the datagram's");
    if (pkt_checksum_finish(pkt_checksum_add(0, p, header)) != 0)
        fault(live, "a wrong IP header checksum");
    if ((get16(p + 6) & 0x3fff) != 0)
        fault(live, "a fragment");
    live->packet.ip =
        (struct pkt_ip_info){.ecn = ecn_of(p[1]), .tos = p[1], .flow_label = -1, .ttl = p[8]};
    live->ends.source.bytes[10] = live->ends.source.bytes[11] = 0xff;
    live->ends.destination.bytes[10] = live->ends.destination.bytes[11] = 0xff;
    memcpy(live->ends.source.bytes + 12, p + 12, 4);
    memcpy(live->ends.destination.bytes + 12, p + 16, 4);
    return read_transport(live, p[9], p + header, length - header);
}

static int read_v6(struct pkt_live *live, const uint8_t *p, size_t length)
{
    if (length < 40) {
        fault(live, "too short for an IPv6 header");
        return -1;
    }
    if (get16(p + 4) != length - 40)
        fault(live, "an IPv6 payload length that is not the datagram's");
    uint32_t first = get32(p);
    live->packet.ip = (struct pkt_ip_info){.ecn = ecn_of(first >> 20),
                                           .tos = (int)(first >> 20 & 0xff),
                                           .flow_label = first & 0xfffff,
                                           .ttl = p[7]};
    memcpy(live->ends.source.bytes, p + 8, 16);
    memcpy(live->ends.destination.bytes, p + 24, 16);
    return read_transport(live, p[6], p + 40, length - 40);
}

int pkt_read(const uint8_t *data, size_t length, struct pkt_live *out)
{
    memset(out, 0, sizeof *out);
    out->payload_is_zero = true;
    out->packet.tcp.urgent = -1;
    if (length > 0 && data[0] >> 4 == 4)
        return read_v4(out, data, length);
    if (length > 0 && data[0] >> 4 == 6)
        return read_v6(out, data, length);
    fault(out, "no IP version");
    return -1;
}

void pkt_live_copy(struct pkt_live *to, const struct pkt_live *from)
{
    *to = *from;
    if (from->packet.tcp.options == from->options)
        to->packet.tcp.options = to->options;
}
