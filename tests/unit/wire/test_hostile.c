/* SPDX-License-Identifier: MIT */
/* Every parser of this layer on every truncation of every kind of frame and on frames with
 * random damage: no read outside (each input is a heap block of its own size), and whatever was
 * accepted lies inside. */
#include "support/unit.h"

#include "base/prng.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/print.h"
#include "wire/tcp.h"

#define DAMAGED_FRAMES 100000u

static unsigned accepted; /* segments and ICMP messages: the test is no test when it stays 0 */

static void assert_inside(const uint8_t *part, size_t part_len, const uint8_t *p, size_t n)
{
    assert_true(part >= p && part_len <= n && (size_t)(part - p) <= n - part_len);
}

static void feed_tcp(const struct ip_packet *ip)
{
    uint32_t pseudo = checksum_pseudo(&ip->src, &ip->dst, IP_PROTO_TCP, ip->payload_len);
    struct segment seg;

    /* Once as it is and once as if the checksum were right, or damage would never get further. */
    tcp_parse(ip->payload, ip->payload_len, pseudo, true, &seg);
    if (tcp_parse(ip->payload, ip->payload_len, pseudo, false, &seg) != TCP_PARSE_OK)
        return;
    accepted++;
    assert_inside(seg.text, seg.text_len, ip->payload, ip->payload_len);
    assert_true(seg.sack_count <= TCP_SACK_BLOCKS_MAX);
    uint8_t out[TCP_HEADER_MAX];
    assert_true(tcp_emit_header(&seg, out) <= TCP_HEADER_MAX);
}

/* Gives n bytes of ICMP the checksum that they should have. */
static void repair(uint8_t *p, size_t n, uint32_t pseudo)
{
    if (n < 4)
        return;
    p[2] = p[3] = 0;
    uint16_t sum = checksum_finish(checksum_add(pseudo, checksum_sum(p, n)));
    p[2] = (uint8_t)(sum >> 8);
    p[3] = (uint8_t)sum;
}

static void feed_icmp(const struct ip_packet *ip)
{
    bool v6 = ip->version == 6;
    uint32_t pseudo = checksum_pseudo(&ip->src, &ip->dst, IP_PROTO_ICMPV6, ip->payload_len);
    uint8_t *p = exact_copy(ip->payload, ip->payload_len);
    struct icmp icmp;

    repair(p, ip->payload_len, v6 ? pseudo : 0);
    enum icmp_parse verdict = v6 ? icmpv6_parse(p, ip->payload_len, &ip->src, &ip->dst, &icmp)
                                 : icmpv4_parse(p, ip->payload_len, &icmp);
    assert_int_not_equal(verdict, ICMP_PARSE_CHECKSUM);
    if (verdict == ICMP_PARSE_OK) {
        accepted++;
        if (icmp.body != NULL)
            assert_inside(icmp.body, icmp.body_len, p, ip->payload_len);
    }
    free(p);
}

static void feed_ip(const uint8_t *p, size_t n)
{
    struct ip_packet ip;

    if (ip_parse(p, n, &ip) != IP_PARSE_OK)
        return;
    assert_inside(ip.payload, ip.payload_len, p, n);
    assert_true(ip.total_len <= n);
    assert_int_equal(ip.header_len + ip.payload_len, ip.total_len);
    assert_int_equal(ip.version == 4, address_is_v4(&ip.src));
    assert_int_equal(ip.version == 4, address_is_v4(&ip.dst));
    assert_true(ip.fragment_offset + ip.payload_len <= UINT16_MAX);
    feed_tcp(&ip);
    feed_icmp(&ip);
}

/* Everything that can happen to bytes. */
static void feed(const uint8_t *bytes, size_t n)
{
    uint8_t *p = exact_copy(bytes, n);
    char line[600], name[ADDRESS_TEXT_MAX];
    struct ether ether;
    struct arp arp;

    size_t length = packet_print(true, p, n, line, sizeof line);
    assert_int_equal(length, strlen(line));
    length = packet_print(false, p, n, line, sizeof line);
    assert_int_equal(length, strlen(line));
    ether_parse(p, n, &ether);
    arp_parse(p, n, &arp);
    if (n >= ETHER_HEADER_BYTES) {
        arp_parse(p + ETHER_HEADER_BYTES, n - ETHER_HEADER_BYTES, &arp);
        feed_ip(p + ETHER_HEADER_BYTES, n - ETHER_HEADER_BYTES);
    }
    feed_ip(p, n);
    if (n >= 16) { /* any 16 bytes are an address */
        struct hawser_address a;
        memcpy(a.bytes, p + n - 16, 16);
        assert_true(address_print(&a, name) < ADDRESS_TEXT_MAX);
    }
    free(p);
}

static void test_truncations(void **state)
{
    (void)state;
    accepted = 0;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_of_hex(frames[i].hex, frame);
        for (size_t cut = 0; cut <= n; cut++)
            feed(frame, cut);
    }
    assert_true(accepted >= COUNT_OF(frames) / 2);
}

/* The header checksum of an IPv4 packet, where there is room for one, so that damage gets past
 * it. */
static void repair_v4(uint8_t *frame, size_t n)
{
    size_t header = n > 14 ? 4u * (frame[14] & 0x0f) : 0;

    if (n < 34 || frame[14] >> 4 != 4 || header < 20 || 14 + header > n)
        return;
    frame[24] = frame[25] = 0;
    uint16_t sum = checksum_finish(checksum_sum(frame + 14, header));
    frame[24] = (uint8_t)(sum >> 8);
    frame[25] = (uint8_t)sum;
}

static void damage(struct prng *prng, uint8_t *frame, size_t *n)
{
    static const uint8_t extremes[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};

    for (unsigned k = 1 + prng_below(prng, 6); k > 0; k--) {
        size_t at = prng_below(prng, (uint32_t)*n);
        switch (prng_below(prng, 4)) {
        case 0:
            frame[at] ^= (uint8_t)(1 << prng_below(prng, 8));
            break;
        case 1:
            frame[at] = (uint8_t)prng_next(prng);
            break;
        case 2:
            frame[at] = extremes[prng_below(prng, COUNT_OF(extremes))];
            break;
        default: /* near the headers, where lengths stand */
            frame[14 + prng_below(prng, 80) % (*n - 14)] = (uint8_t)prng_next(prng);
            break;
        }
    }
    if (prng_below(prng, 8) == 0)
        *n = 15 + prng_below(prng, (uint32_t)*n - 14);
    if (prng_below(prng, 2) == 0)
        repair_v4(frame, *n);
}

static void test_damage(void **state)
{
    (void)state;
    struct prng prng;

    prng_init(&prng, 20260101);
    accepted = 0;
    for (unsigned i = 0; i < DAMAGED_FRAMES; i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_of_hex(frames[prng_below(&prng, COUNT_OF(frames))].hex, frame);
        damage(&prng, frame, &n);
        feed(frame, n);
    }
    assert_true(accepted > DAMAGED_FRAMES / 10);
}

static void test_noise(void **state)
{
    (void)state;
    struct prng prng;

    prng_init(&prng, 7);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[FRAME_MAX];
        size_t n = prng_below(&prng, sizeof bytes + 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)prng_next(&prng);
        if (n > 14) /* noise behind a first byte that is read on */
            bytes[14] = i % 2 == 0 ? (uint8_t)(0x40 | (bytes[14] & 0x0f)) : 0x60;
        if (n > 0 && i % 3 == 0)
            bytes[0] = 0x60;
        if (i % 4 != 0)
            repair_v4(bytes, n);
        feed(bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
