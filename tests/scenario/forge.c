/* SPDX-License-Identifier: MIT */
/* Packets that do not come from the peer: see forge.h. */
#include "scenario/forge.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

#define QUOTED_TCP_BYTES 20u

struct hawser_address forge_address(const char *text)
{
    struct hawser_address a;
    assert_int_equal(hawser_address_scan(text, &a), 0);
    return a;
}

static bool is_zero(const struct hawser_address *a)
{
    static const struct hawser_address zero;
    return memcmp(a, &zero, sizeof zero) == 0;
}

/* What the message says where the test says nothing. */
static struct forged complete(const struct peer *p, const struct forged *message)
{
    struct forged m = *message;
    if (is_zero(&m.router))
        m.router = forge_address(p->v6 ? "2001:db8::99" : "198.18.0.99");
    if (is_zero(&m.src))
        m.src = p->host_address;
    if (is_zero(&m.to))
        m.to = m.src;
    if (is_zero(&m.dst))
        m.dst = p->peer_address;
    if (m.src_port == 0)
        m.src_port = p->host_port;
    if (m.dst_port == 0)
        m.dst_port = p->peer_port;
    if (m.protocol == 0)
        m.protocol = IP_PROTO_TCP;
    return m;
}

/* The packet that the router met; returns how much of it is quoted. */
static uint32_t quote(const struct forged *m, uint8_t out[IPV6_HEADER_BYTES + QUOTED_TCP_BYTES])
{
    bool v6 = !hawser_address_is_v4(&m->src);
    uint32_t header = v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    uint32_t total = m->quoted_bytes != 0 ? m->quoted_bytes : header + QUOTED_TCP_BYTES;
    const struct ip_emit ip = {.src = &m->src,
                               .dst = &m->dst,
                               .payload_len = total - header,
                               .protocol = m->protocol,
                               .hop_limit = 60,
                               .dont_fragment = true};
    ip_emit(&ip, out);
    memset(out + header, 0, QUOTED_TCP_BYTES);
    store_be16(out + header, m->src_port);
    store_be16(out + header + 2, m->dst_port);
    store_be32(out + header + 4, m->seq.v);
    out[header + 12] = 5 << 4;
    return header + QUOTED_TCP_BYTES - m->cut_bytes;
}

void forge_icmp(struct peer *p, const struct forged *message)
{
    struct forged m = complete(p, message);
    bool v6 = !hawser_address_is_v4(&m.to);
    uint8_t quoted[IPV6_HEADER_BYTES + QUOTED_TCP_BYTES], packet[200];
    uint32_t header = v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    uint32_t n = icmp_emit_error(v6, &m.router, &m.to, m.type, m.code, m.info, quoted,
                                 quote(&m, quoted), packet + header);
    const struct ip_emit ip = {.src = &m.router,
                               .dst = &m.to,
                               .payload_len = n,
                               .protocol = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
                               .hop_limit = 60};
    ip_emit(&ip, packet);
    peer_inject_raw(p, packet, header + n);
}

void forge_segment(struct peer *p, const struct hawser_address *src,
                   const struct hawser_address *dst, const struct segment *seg)
{
    struct peer other = *p;
    uint8_t packet[PEER_FRAME_MAX + 60];
    other.peer_address = *src;
    other.host_address = *dst;
    peer_inject_raw(p, packet, peer_build(&other, seg, packet));
}
