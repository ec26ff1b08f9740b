/* SPDX-License-Identifier: MIT */
/* Frames of our own: large answers in fragments, and queues with an end. */
#include "fake.h"

#include "wire/icmp.h"

static uint8_t body[65000];

static int setup(void **state)
{
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 13 + i / 251);
    return fake_setup(state);
}

/* An echo request of any length, in fragments of 1024. */
static void echo_in(struct fake *f, bool v6, const char *peer, const char *own, uint32_t length)
{
    static uint8_t message[65536];
    struct hawser_address src = at(peer), dst = at(own);
    uint32_t n =
        icmp_emit_error(v6, &src, &dst, v6 ? 128 : 8, 0, 0x11112222, body, length, message);
    for (uint32_t offset = 0; offset < n; offset += 1024) {
        struct packet p = {.src = peer,
                           .dst = own,
                           .protocol = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
                           .payload = message + offset,
                           .payload_len = n - offset < 1024 ? n - offset : 1024,
                           .fragment = true,
                           .id = length,
                           .offset = offset,
                           .more = n - offset > 1024};
        assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    }
}

/* RFC 1122 3.2.2.6 and RFC 4443 4.2: all of the data comes back. */
static void test_large_echo(void **state)
{
    struct fake *f = *state;
    static const uint32_t lengths[] = {1372, 1373, 1400, 2752, 8000, 60000};
    static const struct {
        const char *peer, *own;
        uint32_t headers;
    } families[] = {{"203.0.113.2", "203.0.113.1", 20}, {"2001:db8:f::2", "2001:db8:f::1", 48}};
    for (uint32_t i = 0; i < 2; i++)
        for (size_t k = 0; k < COUNT_OF(lengths); k++) {
            static uint8_t whole[65536];
            uint32_t have = 0, id = 0;
            struct ip_packet ip = {.more_fragments = true};
            echo_in(f, i == 1, families[i].peer, families[i].own, lengths[k]);
            while (fake_output(f, TUN)) {
                assert_true(f->length <= 1400);
                assert_int_equal(ip_parse(f->frame, f->length, &ip), IP_PARSE_OK);
                assert_int_equal(ip.fragment_offset, have);
                assert_false(ip.dont_fragment);
                assert_int_equal(ip.protocol, i == 0 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
                if (ip.is_fragment) {
                    assert_true(have == 0 || id == ip.fragment_id);
                    id = ip.fragment_id;
                    /* no smaller than it must be */
                    assert_true(!ip.more_fragments || f->length > 1400 - 8);
                    assert_int_equal(ip.header_len, families[i].headers);
                }
                memcpy(whole + have, ip.payload, ip.payload_len);
                have += ip.payload_len;
            }
            struct hawser_address own = at(families[i].own), peer = at(families[i].peer);
            struct icmp icmp;
            assert_false(ip.more_fragments);
            assert_int_equal(have, 8 + lengths[k]);
            assert_int_equal(i == 0 ? icmpv4_parse(whole, have, &icmp)
                                    : icmpv6_parse(whole, have, &own, &peer, &icmp),
                             ICMP_PARSE_OK);
            assert_int_equal(icmp.kind, ICMP_ECHO_REPLY);
            assert_memory_equal(icmp.body, body, lengths[k]);
        }
    assert_int_equal(f->net.frames.control.count, 0);
}

/* Fragments that the neighbour's queue holds are released in order, complete. */
static void test_large_echo_held(void **state)
{
    struct fake *f = *state;
    icmp_in(f, ETH0, "192.0.2.9", "192.0.2.1", 8, 0, 1, body, 1600);
    icmp_in(f, ETH0, "192.0.2.9", "192.0.2.1", 8, 0, 2, body, 10);
    assert_true(fake_see(f, ETH0).is_arp);
    fake_no_output(f);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[1], "192.0.2.9", "192.0.2.1", false);
    struct seen first = fake_see(f, ETH0), second = fake_see(f, ETH0), third = fake_see(f, ETH0);
    assert_true(first.ip.is_fragment && first.ip.more_fragments);
    assert_true(second.ip.is_fragment && !second.ip.more_fragments);
    assert_int_equal(first.ip.payload_len + second.ip.payload_len, 1608);
    assert_int_equal(third.icmp.echo_seq, 2);
    fake_no_output(f);
}

/* A frame of the largest size, and a queue that is full: counted, nothing is left over. */
static void test_queue_full(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < 20; i++)
        echo_in(f, false, "203.0.113.2", "203.0.113.1", 60000);
    assert_true(f->net.links[TUN].out.count <= FRAMES_CONTROL_MAX);
    assert_true(f->net.frames.control.bytes <= FRAMES_CONTROL_MAX * FRAMES_SHARE_BYTES);
    assert_true(f->counters.dropped[HAWSER_DROP_MEMORY] > 0);
    while (fake_output(f, TUN))
        ;
    assert_int_equal(f->net.frames.control.count, 0);
    assert_int_equal(f->net.frames.control.bytes, 0);
    fake_sleep(f, NS_PER_S);
    echo_in(f, false, "203.0.113.2", "203.0.113.1", 1000);
    assert_int_equal(fake_see(f, TUN).icmp.body_len, 1000);
}

static void test_no_way_back(void **state)
{
    struct fake *f = *state;
    struct hawser_address any = at("0.0.0.0");
    assert_int_equal(net_route_remove(&f->net, &any, 0, ETH0), 0);
    icmp_in(f, TUN, "8.8.8.8", "203.0.113.1", 8, 0, 1, body, 10);
    assert_int_equal(f->counters.dropped[HAWSER_DROP_NO_ROUTE], 1);
    fake_no_output(f);
    for (int i = 0; i < 32; i++) {
        char peer[] = "192.0.2.000";
        peer[9] = (char)('1' + i / 10);
        peer[10] = (char)('0' + i % 10);
        memmove(peer + 8, peer + 9, 3);
        meet(f, peer, 1);
    }
    for (uint32_t i = 0; i < 32; i++)
        neighbour_set_state(&f->net.neighbours, i, NEIGHBOUR_PROBE, f->now_ns + NS_PER_S);
    icmp_in(f, ETH0, "192.0.2.99", "192.0.2.1", 8, 0, 1, body, 10);
    assert_int_equal(f->counters.dropped[HAWSER_DROP_NEIGHBOUR], 1);
    fake_no_output(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_large_echo, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_large_echo_held, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_queue_full, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_no_way_back, setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
