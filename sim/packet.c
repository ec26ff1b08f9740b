/* SPDX-License-Identifier: MIT */
/* Frames as the simulated network and its strangers see and make them. Knows nothing of src/: what
 * it checks and makes is what the RFCs say, not what the core does. */
#include "sim/packet.h"

#include <string.h>

#define PROTOCOL_ICMP 1u
#define PROTOCOL_TCP 6u
#define PROTOCOL_ICMP6 58u
#define V6_HEADER 40u

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xffff);
}

static uint32_t sum_of(uint32_t sum, const uint8_t *data, size_t n)
{
    uint64_t wide = sum;
    for (; n > 1; n -= 2, data += 2)
        wide += get16(data);
    if (n > 0)
        wide += (uint32_t)data[0] << 8;
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

static struct hawser_address mapped(const uint8_t *v4)
{
    struct hawser_address address = {{0}};
    address.bytes[10] = address.bytes[11] = 0xff;
    memcpy(address.bytes + 12, v4, 4);
    return address;
}

static bool read_v4(const uint8_t *ip, uint32_t room, struct packet *out)
{
    uint32_t header = (ip[0] & 15u) * 4u;
    if (room < 20 || header < 20 || header > room)
        return false;
    out->is_ip = true;
    out->ip_bytes = get16(ip + 2) < room ? get16(ip + 2) : room;
    out->text_at = header;
    out->dont_fragment = (ip[6] & 0x40) != 0;
    out->is_fragment = (get16(ip + 6) & 0x3fff) != 0;
    out->protocol = ip[9];
    out->source = mapped(ip + 12);
    out->destination = mapped(ip + 16);
    return true;
}

static bool read_v6(const uint8_t *ip, uint32_t room, struct packet *out)
{
    if (room < V6_HEADER)
        return false;
    uint32_t said = get16(ip + 4) + V6_HEADER;
    out->is_ip = out->v6 = true;
    out->ip_bytes = said < room ? said : room;
    out->text_at = V6_HEADER;
    out->dont_fragment = true;
    out->protocol = ip[6];
    memcpy(out->source.bytes, ip + 8, 16);
    memcpy(out->destination.bytes, ip + 24, 16);
    return true;
}

bool packet_read(enum hawser_link_kind kind, const uint8_t *frame, uint32_t length,
                 struct packet *out)
{
    memset(out, 0, sizeof *out);
    if (kind == HAWSER_LINK_ETHERNET) {
        if (length < PACKET_ETHERNET)
            return false;
        out->ip_at = PACKET_ETHERNET;
        memcpy(out->mac, frame, 6);
        out->broadcast = (frame[0] & 1) != 0;
        uint16_t type = get16(frame + 12);
        if (type != 0x0800 && type != 0x86dd)
            return true;
    }
    const uint8_t *ip = frame + out->ip_at;
    uint32_t room = length - out->ip_at;
    if (room == 0)
        return false;
    bool good =
        ip[0] >> 4 == 4 ? read_v4(ip, room, out) : ip[0] >> 4 == 6 && read_v6(ip, room, out);
    return good || kind == HAWSER_LINK_ETHERNET;
}

/* ---- making ---------------------------------------------------------------------------------- */

static uint32_t pseudo_sum(bool v6, const uint8_t *ip, uint32_t protocol, uint32_t bytes)
{
    uint32_t sum = v6 ? sum_of(0, ip + 8, 32) : sum_of(0, ip + 12, 8);
    return sum + protocol + (bytes >> 16) + (bytes & 0xffff);
}

static void set_sum(uint8_t *at, uint32_t sum)
{
    put16(at, ~sum & 0xffff);
}

static void mend_ip(uint8_t *ip)
{
    uint32_t header = (ip[0] & 15u) * 4u;
    put16(ip + 10, 0);
    set_sum(ip + 10, sum_of(0, ip, header));
}

/* Ethernet and IP headers in front of text_bytes of a protocol; where the text goes. */
static uint8_t *make_headers(const struct packet_way *way, uint8_t protocol, uint32_t text_bytes,
                             uint8_t *out)
{
    bool v4 = hawser_address_is_v4(&way->source.address);
    uint8_t *ip = out;
    if (way->kind == HAWSER_LINK_ETHERNET) {
        memcpy(out, way->to_mac, 6);
        memcpy(out + 6, way->from_mac, 6);
        put16(out + 12, v4 ? 0x0800 : 0x86dd);
        ip = out + PACKET_ETHERNET;
    }
    if (v4) {
        memset(ip, 0, 20);
        ip[0] = 0x45;
        put16(ip + 2, 20 + text_bytes);
        ip[6] = 0x40;
        ip[8] = 63;
        ip[9] = protocol;
        memcpy(ip + 12, way->source.address.bytes + 12, 4);
        memcpy(ip + 16, way->destination.address.bytes + 12, 4);
        mend_ip(ip);
        return ip + 20;
    }
    memset(ip, 0, V6_HEADER);
    ip[0] = 0x60;
    put16(ip + 4, text_bytes);
    ip[6] = protocol;
    ip[7] = 63;
    memcpy(ip + 8, way->source.address.bytes, 16);
    memcpy(ip + 24, way->destination.address.bytes, 16);
    return ip + V6_HEADER;
}

static void mend_tcp(bool v6, const uint8_t *ip, uint8_t *tcp, uint32_t bytes)
{
    put16(tcp + 16, 0);
    uint32_t sum = sum_of(pseudo_sum(v6, ip, PROTOCOL_TCP, bytes), tcp, bytes);
    set_sum(tcp + 16, sum);
}

uint32_t packet_make_tcp(const struct packet_way *way, const struct packet_tcp *tcp, uint8_t *out)
{
    bool v6 = !hawser_address_is_v4(&way->source.address);
    uint32_t header = tcp->has_timestamps ? 32 : 20;
    uint32_t bytes = header + tcp->text_bytes;
    uint8_t *text = make_headers(way, PROTOCOL_TCP, bytes, out);
    memset(text, 0, header);
    put16(text, way->source.port);
    put16(text + 2, way->destination.port);
    put32(text + 4, tcp->seq);
    put32(text + 8, tcp->ack);
    text[12] = (uint8_t)(header / 4 << 4);
    text[13] = tcp->flags;
    put16(text + 14, tcp->window);
    if (tcp->has_timestamps) {
        put32(text + 20, 0x0101080a);
        put32(text + 24, tcp->ts_val);
        put32(text + 28, tcp->ts_ecr);
    }
    for (uint32_t i = 0; i < tcp->text_bytes; i++)
        text[header + i] = (uint8_t)(0xe0 | (i & 15));
    mend_tcp(v6, text - (v6 ? V6_HEADER : 20), text, bytes);
    return (uint32_t)(text - out) + bytes;
}

static void icmp_kind(bool v6, enum packet_icmp kind, uint8_t *icmp)
{
    static const uint8_t codes[][2][2] = {
        /* type and code of IPv4, and of IPv6 */
        [PACKET_UNREACHABLE_NET] = {{3, 0}, {1, 0}},
        [PACKET_UNREACHABLE_HOST] = {{3, 1}, {1, 3}},
        [PACKET_UNREACHABLE_PORT] = {{3, 3}, {1, 4}},
        [PACKET_UNREACHABLE_PROTOCOL] = {{3, 2}, {4, 1}},
        [PACKET_TOO_BIG] = {{3, 4}, {2, 0}},
        [PACKET_TIME_EXCEEDED] = {{11, 0}, {3, 0}},
    };
    memcpy(icmp, codes[kind][v6], 2);
}

uint32_t packet_make_icmp(const struct packet_way *way, enum packet_icmp kind, uint32_t mtu,
                          const uint8_t *quoted, uint32_t quoted_bytes, uint8_t *out)
{
    bool v6 = !hawser_address_is_v4(&way->source.address);
    uint32_t most = v6 ? 1280 - V6_HEADER - 8 : 548;
    uint32_t bytes = 8 + (quoted_bytes < most ? quoted_bytes : most);
    uint8_t *icmp = make_headers(way, v6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP, bytes, out);
    memset(icmp, 0, 8);
    icmp_kind(v6, kind, icmp);
    if (kind == PACKET_TOO_BIG)
        put32(icmp + 4, mtu);
    memcpy(icmp + 8, quoted, bytes - 8);
    uint32_t sum = v6 ? pseudo_sum(true, icmp - V6_HEADER, PROTOCOL_ICMP6, bytes) : 0;
    set_sum(icmp + 2, sum_of(sum, icmp, bytes));
    return (uint32_t)(icmp - out) + bytes;
}

uint32_t packet_make_fragment(const uint8_t *frame, const struct packet *packet, uint32_t mtu,
                              uint32_t *at, uint8_t *out)
{
    const uint8_t *ip = frame + packet->ip_at;
    uint32_t header = packet->text_at, all = packet->ip_bytes - header;
    if (*at >= all)
        return 0;
    uint32_t room = (mtu - header) & ~7u, bytes = all - *at < room ? all - *at : room;
    bool more = *at + bytes < all || (ip[6] & 0x20) != 0;
    uint8_t *to = out + packet->ip_at;
    memcpy(out, frame, packet->ip_at + header);
    memcpy(to + header, ip + header + *at, bytes);
    put16(to + 2, header + bytes);
    put16(to + 6, (get16(ip + 6) & 0x1fffu) + *at / 8);
    to[6] |= more ? 0x20 : 0;
    mend_ip(to);
    *at += bytes;
    return packet->ip_at + header + bytes;
}

void packet_mend(enum hawser_link_kind kind, uint8_t *frame, uint32_t length)
{
    struct packet packet;
    if (!packet_read(kind, frame, length, &packet) || !packet.is_ip ||
        packet.protocol != PROTOCOL_TCP || packet.is_fragment)
        return;
    uint8_t *ip = frame + packet.ip_at;
    uint32_t bytes = packet.ip_bytes - packet.text_at;
    if (bytes >= 20)
        mend_tcp(packet.v6, ip, ip + packet.text_at, bytes);
}
