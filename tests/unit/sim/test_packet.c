/* SPDX-License-Identifier: MIT */
/* packet.c: what it makes is what a host takes, checksums and all. The judge is a host. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/port/memory.h>

#include "sim/packet.h"

struct taker {
    struct hawser_host *host;
    struct hawser_memory_meter meter;
    enum hawser_link_kind kind;
    uint32_t link;
    unsigned segments, drops;
    enum hawser_drop drop;
    struct hawser_segment last;
};

static void on_trace(void *context, const struct hawser_trace_event *event)
{
    struct taker *taker = context;
    if (event->kind == HAWSER_TRACE_SEGMENT_IN) {
        taker->segments++;
        taker->last = event->segment;
    } else if (event->kind == HAWSER_TRACE_DROP) {
        taker->drops++;
        taker->drop = event->drop;
    }
}

static const uint8_t macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
static const char *const addresses[2][2] = {{"10.0.0.1", "fd00::1"}, {"10.0.0.2", "fd00::2"}};

static void start(struct taker *taker, enum hawser_link_kind kind)
{
    struct hawser_config config;
    memset(taker, 0, sizeof *taker);
    taker->kind = kind;
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(&taker->meter);
    config.entropy[0] = 1;
    config.trace = on_trace;
    config.trace_context = taker;
    assert_int_equal(hawser_host_create(&config, 1, &taker->host), 0);
    struct hawser_link_config link = {.kind = kind, .mtu = 1500};
    memcpy(link.mac, macs[1], 6);
    assert_int_equal(hawser_link_add(taker->host, &link, &taker->link), 0);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct hawser_address address;
        assert_int_equal(hawser_address_scan(addresses[1][v6], &address), 0);
        assert_int_equal(hawser_address_add(taker->host, taker->link, &address, v6 ? 64 : 24), 0);
    }
}

static struct packet_way way_of(enum hawser_link_kind kind, bool v6)
{
    struct packet_way way = {.kind = kind, .source.port = 1234, .destination.port = 80};
    memcpy(way.from_mac, macs[0], 6);
    memcpy(way.to_mac, macs[1], 6);
    assert_int_equal(hawser_address_scan(addresses[0][v6], &way.source.address), 0);
    assert_int_equal(hawser_address_scan(addresses[1][v6], &way.destination.address), 0);
    return way;
}

static void give(struct taker *taker, const uint8_t *data, uint32_t length)
{
    const struct hawser_frame frame = {.data = data, .length = length};
    hawser_input(taker->host, taker->link, 1, &frame, 1);
}

static const enum hawser_link_kind kinds[] = {HAWSER_LINK_IP, HAWSER_LINK_ETHERNET};

static void segments(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct taker taker;
        struct packet packet;
        uint8_t out[PACKET_MAX];
        bool v6 = i & 1;
        start(&taker, kinds[i / 2]);
        struct packet_way way = way_of(kinds[i / 2], v6);
        const struct packet_tcp tcp = {.seq = 7,
                                       .ack = 9,
                                       .flags = PACKET_ACK,
                                       .window = 11,
                                       .has_timestamps = true,
                                       .ts_val = 13,
                                       .ts_ecr = 15,
                                       .text_bytes = 33};
        uint32_t length = packet_make_tcp(&way, &tcp, out);
        assert_true(packet_read(way.kind, out, length, &packet));
        assert_true(packet.is_ip && packet.v6 == v6 && packet.protocol == 6 && !packet.is_fragment);
        assert_int_equal(packet.ip_at + packet.ip_bytes, length);
        assert_memory_equal(&packet.source, &way.source.address, 16);
        assert_memory_equal(&packet.destination, &way.destination.address, 16);
        give(&taker, out, length);
        assert_int_equal(taker.segments, 1);
        assert_int_equal(taker.last.seq, 7);
        assert_int_equal(taker.last.ack, 9);
        assert_int_equal(taker.last.window, 11);
        assert_int_equal(taker.last.length, 33);
        assert_int_equal(taker.last.ts_val, 13);
        out[length - 1] ^= 1;
        give(&taker, out, length);
        assert_int_equal(taker.segments, 1);
        assert_int_equal(taker.drop, HAWSER_DROP_TCP_CHECKSUM);
        packet_mend(way.kind, out, length);
        give(&taker, out, length);
        assert_int_equal(taker.segments, 2);
        hawser_host_destroy(taker.host);
    }
}

static void fragments(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct taker taker;
        struct packet packet;
        uint8_t frame[PACKET_MAX], out[PACKET_MAX];
        start(&taker, kinds[i]);
        struct packet_way way = way_of(kinds[i], false);
        const struct packet_tcp tcp = {.flags = PACKET_ACK, .text_bytes = 1000};
        uint32_t length = packet_make_tcp(&way, &tcp, frame), at = 0, n;
        assert_true(packet_read(way.kind, frame, length, &packet));
        frame[packet.ip_at + 6] = 0; /* may be fragmented; the sum follows in each piece */
        unsigned pieces = 0;
        while ((n = packet_make_fragment(frame, &packet, 296, &at, out)) > 0) {
            assert_true(n <= 296 + packet.ip_at);
            give(&taker, out, n);
            pieces++;
        }
        assert_int_equal(pieces, 4);
        assert_int_equal(taker.segments, 1);
        assert_int_equal(taker.last.length, 1000);
        hawser_host_destroy(taker.host);
    }
}

static void icmp(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct taker taker;
        struct packet packet;
        uint8_t quoted[PACKET_MAX], out[PACKET_MAX];
        bool v6 = i & 1;
        start(&taker, kinds[i / 2]);
        struct packet_way way = way_of(kinds[i / 2], v6), back = way;
        back.kind = HAWSER_LINK_IP;
        back.source = way.destination;
        back.destination = way.source;
        const struct packet_tcp tcp = {.flags = PACKET_ACK, .text_bytes = 2000};
        uint32_t n = packet_make_tcp(&back, &tcp, quoted);
        uint32_t length = packet_make_icmp(&way, PACKET_TOO_BIG, 600, quoted, n, out);
        assert_true(length <= 1280 + PACKET_ETHERNET);
        assert_true(packet_read(way.kind, out, length, &packet));
        assert_int_equal(packet.protocol, v6 ? 58 : 1);
        give(&taker, out, length); /* understood, and about no connection of its own */
        assert_int_equal(hawser_counters_of(taker.host)->icmp_in, 1);
        assert_int_equal(taker.drops, 1);
        assert_int_equal(taker.drop, HAWSER_DROP_ICMP);
        hawser_host_destroy(taker.host);
    }
}

static void what_is_nothing(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t data[64] = {0x45};
    for (uint32_t n = 0; n < 20; n++)
        assert_false(packet_read(HAWSER_LINK_IP, data, n, &packet));
    data[0] = 0x60;
    for (uint32_t n = 0; n < 40; n++)
        assert_false(packet_read(HAWSER_LINK_IP, data, n, &packet));
    assert_false(packet_read(HAWSER_LINK_ETHERNET, data, 13, &packet));
    memset(data, 0xff, 6);
    data[12] = 8;
    data[13] = 6;
    assert_true(packet_read(HAWSER_LINK_ETHERNET, data, 42, &packet)); /* ARP */
    assert_true(packet.broadcast && !packet.is_ip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments),
        cmocka_unit_test(fragments),
        cmocka_unit_test(icmp),
        cmocka_unit_test(what_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
