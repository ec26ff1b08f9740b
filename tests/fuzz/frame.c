/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as a frame, read by every parser of src/wire, as they are and with right
 * checksums. */
#include "fuzz/packets.h"

#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/print.h"

static void inside(const uint8_t *part, size_t part_len, const uint8_t *p, size_t n)
{
    REQUIRE(part >= p && part_len <= n && (size_t)(part - p) <= n - part_len);
}

static void read_tcp(const struct ip_packet *ip)
{
    uint32_t pseudo = checksum_pseudo(&ip->src, &ip->dst, IP_PROTO_TCP, ip->payload_len);
    struct segment judged, seg;
    enum tcp_parse strict = tcp_parse(ip->payload, ip->payload_len, pseudo, true, &judged);
    enum tcp_parse lax = tcp_parse(ip->payload, ip->payload_len, pseudo, false, &seg);
    REQUIRE(strict == lax || strict == TCP_PARSE_CHECKSUM);
    REQUIRE(lax != TCP_PARSE_CHECKSUM);
    if (lax != TCP_PARSE_OK)
        return;
    inside(seg.text, seg.text_len, ip->payload, ip->payload_len);
    REQUIRE(seg.len == seg.text_len + !!(seg.flags & TCP_SYN) + !!(seg.flags & TCP_FIN));
    REQUIRE(!(seg.options & TCP_OPT_SACK) || (seg.sack_count >= 1 && seg.sack_count <= 4));
    uint8_t out[TCP_HEADER_MAX];
    REQUIRE(tcp_emit_header(&seg, out) == tcp_header_bytes(&seg));
}

static void read_icmp(const struct ip_packet *ip)
{
    struct icmp icmp;
    enum icmp_parse verdict =
        ip->version == 6 ? icmpv6_parse(ip->payload, ip->payload_len, &ip->src, &ip->dst, &icmp)
                         : icmpv4_parse(ip->payload, ip->payload_len, &icmp);
    if (verdict != ICMP_PARSE_OK)
        return;
    if (icmp.body_len > 0)
        inside(icmp.body, icmp.body_len, ip->payload, ip->payload_len);
    REQUIRE(icmp.has_quote || !icmp.quote.has_transport);
}

static void read_ip(const uint8_t *p, size_t n)
{
    struct ip_packet ip;
    if (ip_parse(p, n, &ip) != IP_PARSE_OK)
        return;
    inside(ip.payload, ip.payload_len, p, n);
    REQUIRE(ip.total_len <= n && ip.header_len + ip.payload_len == ip.total_len);
    REQUIRE((ip.version == 4) == address_is_v4(&ip.src));
    REQUIRE((ip.version == 4) == address_is_v4(&ip.dst));
    REQUIRE(ip.is_fragment == (ip.more_fragments || ip.fragment_offset > 0));
    REQUIRE(ip.fragment_offset + ip.payload_len <= UINT16_MAX);
    read_tcp(&ip);
    read_icmp(&ip);
}

static void read_frame(const uint8_t *p, size_t n)
{
    char line[600];
    struct ether ether;
    struct arp arp;
    for (unsigned room = 0; room < 2; room++) {
        size_t cap = room == 0 ? sizeof line : n % sizeof line + 1;
        REQUIRE(packet_print(true, p, n, line, cap) == strlen(line));
        REQUIRE(packet_print(false, p, n, line, cap) == strlen(line));
    }
    if (ether_parse(p, n, &ether)) {
        uint8_t out[ETHER_HEADER_BYTES];
        ether_emit(&ether, out);
        REQUIRE(memcmp(out, p, sizeof out) == 0);
    }
    if (n >= ETHER_HEADER_BYTES) {
        const uint8_t *behind = p + ETHER_HEADER_BYTES;
        if (arp_parse(behind, n - ETHER_HEADER_BYTES, &arp)) {
            uint8_t out[ARP_BYTES];
            arp_emit(&arp, out);
            REQUIRE(memcmp(out, behind, sizeof out) == 0);
        }
        read_ip(behind, n - ETHER_HEADER_BYTES);
    }
    read_ip(p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > UINT16_MAX)
        return 0;
    read_frame(data, size);
    uint8_t *copy = malloc(size > 0 ? size : 1);
    REQUIRE(copy != NULL);
    for (unsigned skip = 0; skip <= ETHER_HEADER_BYTES; skip += ETHER_HEADER_BYTES) {
        if (size > 0)
            memcpy(copy, data, size);
        if (size > skip)
            packet_mend(copy + skip, (uint32_t)(size - skip));
        read_frame(copy, size);
    }
    free(copy);
    return 0;
}
