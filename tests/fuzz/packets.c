/* SPDX-License-Identifier: MIT */
/* Whole packets for fuzz targets: see packets.h. */
#include "fuzz/packets.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"

void packet_tcp(struct packet *out, const struct hawser_address *src,
                const struct hawser_address *dst, const struct segment *seg)
{
    uint8_t header[TCP_HEADER_MAX];
    uint32_t header_len = tcp_emit_header(seg, header);
    struct ip_emit e = {
        .src = src,
        .dst = dst,
        .payload_len = header_len + seg->text_len,
        .protocol = IP_PROTO_TCP,
        .hop_limit = 64,
    };
    REQUIRE(e.payload_len <= 65535 - 40);
    uint32_t at = ip_emit(&e, out->bytes);
    uint8_t *tcp = out->bytes + at;
    memcpy(tcp, header, header_len);
    if (seg->text_len > 0)
        memcpy(tcp + header_len, seg->text, seg->text_len);
    tcp_emit_checksum(tcp, checksum_add(checksum_pseudo(src, dst, IP_PROTO_TCP, e.payload_len),
                                        checksum_sum(tcp, e.payload_len)));
    out->length = at + e.payload_len;
}

void packet_icmp(struct packet *out, const struct hawser_address *router,
                 const struct hawser_address *dst, uint8_t type, uint8_t code, uint32_t info,
                 const uint8_t *about, uint32_t quoted)
{
    bool v6 = !address_is_v4(dst);
    struct ip_emit e = {
        .src = router,
        .dst = dst,
        .payload_len = ICMP_HEADER_BYTES + quoted,
        .protocol = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
        .hop_limit = 64,
    };
    uint32_t at = ip_emit(&e, out->bytes);
    out->length =
        at + icmp_emit_error(v6, router, dst, type, code, info, about, quoted, out->bytes + at);
}

static void mend_ipv4_header(uint8_t *p)
{
    uint32_t header = (p[0] & 15u) * 4;
    store_be16(p + 10, 0);
    store_be16(p + 10, checksum_finish(checksum_sum(p, header)));
}

void packet_fragment(struct packet *packet, uint32_t offset, bool second)
{
    uint8_t *p = packet->bytes;
    offset = offset / 8 * 8;
    if (p[0] != 0x45 || offset == 0 || packet->length <= IPV4_HEADER_BYTES + offset)
        return;
    if (second) {
        packet->length -= offset;
        memmove(p + IPV4_HEADER_BYTES, p + IPV4_HEADER_BYTES + offset,
                packet->length - IPV4_HEADER_BYTES);
        store_be16(p + 6, (uint16_t)(offset / 8));
    } else {
        packet->length = IPV4_HEADER_BYTES + offset;
        store_be16(p + 6, 0x2000);
    }
    store_be16(p + 2, (uint16_t)packet->length);
    mend_ipv4_header(p);
}

void packet_ether(struct packet *packet, const uint8_t dst[6], const uint8_t src[6])
{
    struct ether e = {.type = packet->bytes[0] >> 4 == 6 ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4};
    memcpy(e.dst.b, dst, 6);
    memcpy(e.src.b, src, 6);
    memmove(packet->bytes + ETHER_HEADER_BYTES, packet->bytes, packet->length);
    ether_emit(&e, packet->bytes);
    packet->length += ETHER_HEADER_BYTES;
}

void packet_mend(uint8_t *bytes, uint32_t length)
{
    struct ip_packet ip;
    if (length >= IPV4_HEADER_BYTES && bytes[0] >> 4 == 4 && (bytes[0] & 15u) * 4 <= length &&
        (bytes[0] & 15u) >= 5)
        mend_ipv4_header(bytes);
    if (ip_parse(bytes, length, &ip) != IP_PARSE_OK || ip.is_fragment)
        return;
    uint8_t *p = bytes + ip.header_len;
    uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, ip.protocol, ip.payload_len);
    uint32_t at = ip.protocol == IP_PROTO_TCP ? 16 : 2;
    bool icmp = ip.protocol == IP_PROTO_ICMP || ip.protocol == IP_PROTO_ICMPV6;
    if ((!icmp && ip.protocol != IP_PROTO_TCP) || ip.payload_len < at + 2)
        return;
    store_be16(p + at, 0);
    uint32_t sum = checksum_sum(p, ip.payload_len);
    if (ip.protocol != IP_PROTO_ICMP)
        sum = checksum_add(sum, pseudo);
    store_be16(p + at, checksum_finish(sum));
}
