/* SPDX-License-Identifier: MIT */
/* Many remote ends at once: see crowd.h. */
#include "scenario/crowd.h"

#include "base/bytes.h"
#include "wire/checksum.h"

#define PACKET_BYTES 128u
#define ENDS_FOR_AN_ADDRESS 50000u

void crowd_start(struct peer *p)
{
    static const struct hawser_address v6;
    struct hawser_address v4;
    assert_int_equal(hawser_address_scan("0.0.0.0", &v4), 0);
    assert_int_equal(hawser_route_add(p->host, &v4, 0, NULL, p->link, 1), 0);
    assert_int_equal(hawser_route_add(p->host, &v6, 0, NULL, p->link, 1), 0);
}

struct crowd_segment crowd_end(const struct peer *p, uint32_t n)
{
    struct crowd_segment end = {.port = (uint16_t)(1024 + n % ENDS_FOR_AN_ADDRESS)};
    assert_int_equal(hawser_address_scan(p->v6 ? "2001:db8:a::" : "10.0.0.0", &end.address), 0);
    uint32_t host = 1 + n / ENDS_FOR_AN_ADDRESS;
    end.address.bytes[14] = (uint8_t)(host >> 8);
    end.address.bytes[15] = (uint8_t)host;
    return end;
}

static uint32_t build(const struct peer *p, const struct crowd_segment *s, uint8_t *packet)
{
    const struct segment seg = {.seq = seq_of(s->seq),
                                .ack = seq_of(s->ack),
                                .flags = s->flags,
                                .src_port = s->port,
                                .dst_port = p->host_port,
                                .wnd = p->wnd,
                                .options = s->mss != 0 ? TCP_OPT_MSS : 0,
                                .mss = s->mss};
    uint32_t n = tcp_header_bytes(&seg);
    const struct ip_emit ip = {.src = &s->address,
                               .dst = &p->host_address,
                               .payload_len = n,
                               .protocol = IP_PROTO_TCP,
                               .hop_limit = 64,
                               .dont_fragment = true};
    uint32_t header = ip_emit(&ip, packet);
    tcp_emit_header(&seg, packet + header);
    uint32_t sum = checksum_pseudo(&s->address, &p->host_address, IP_PROTO_TCP, n);
    tcp_emit_checksum(packet + header, checksum_add(sum, checksum_sum(packet + header, n)));
    return header + n;
}

void crowd_in(struct peer *p, const struct crowd_segment *segments, unsigned count)
{
    static uint8_t packets[CROWD_MAX][PACKET_BYTES];
    struct hawser_frame frames[CROWD_MAX];
    assert_in_range(count, 0, CROWD_MAX);
    for (unsigned i = 0; i < count; i++)
        frames[i] =
            (struct hawser_frame){.data = packets[i], .length = build(p, &segments[i], packets[i])};
    hawser_input(p->host, p->link, p->now_ns, frames, count);
}

static struct crowd_segment read_segment(const struct peer *p, const uint8_t *packet, uint32_t n)
{
    struct ip_packet ip;
    struct segment seg;
    assert_int_equal(ip_parse(packet, n, &ip), IP_PARSE_OK);
    uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
    assert_int_equal(tcp_parse(ip.payload, ip.payload_len, pseudo, true, &seg), TCP_PARSE_OK);
    assert_int_equal(seg.src_port, p->host_port);
    return (struct crowd_segment){.address = ip.dst,
                                  .port = seg.dst_port,
                                  .seq = seg.seq.v,
                                  .ack = seg.ack.v,
                                  .flags = seg.flags,
                                  .text_len = seg.text_len,
                                  .mss = seg.options & TCP_OPT_MSS ? seg.mss : 0};
}

unsigned crowd_out(struct peer *p, struct crowd_segment *segments, unsigned most)
{
    uint8_t space[PEER_FRAME_MAX + 100];
    struct hawser_buffer buffer = {.data = space, .capacity = sizeof space};
    unsigned count = 0;
    while (count < most && hawser_output(p->host, p->link, p->now_ns, &buffer, 1) == 1)
        segments[count++] = read_segment(p, space, buffer.length);
    return count;
}

unsigned crowd_drop(struct peer *p)
{
    struct crowd_segment segments[CROWD_MAX];
    unsigned count = 0, n;
    while ((n = crowd_out(p, segments, CROWD_MAX)) > 0)
        count += n;
    return count;
}
