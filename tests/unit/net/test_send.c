/* SPDX-License-Identifier: MIT */
/* Sending: headers, identification, own frames out. */
#include "fake.h"

static enum net_send send_raw(struct fake *f, const struct hawser_address *to,
                              const struct net_path *path, bool dont_fragment)
{
    uint32_t headroom = net_headroom(&f->net, path, !address_is_v4(to));
    memset(f->frame, 0xee, headroom + 40);
    memset(f->frame + headroom, 0x11, 20);
    struct ip_emit ip = {.src = &path->source,
                         .dst = to,
                         .payload_len = 20,
                         .id = 0xabcd, /* what the caller leaves there does not matter */
                         .protocol = IP_PROTO_TCP,
                         .hop_limit = 7,
                         .traffic_class = 0x28,
                         .dont_fragment = dont_fragment};
    return net_send(&f->net, f->now_ns, path, &ip, f->frame, &f->length);
}

static void test_headers(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *to;
        uint32_t link, link_header, headers;
    } rows[] = {
        {"192.0.2.9", ETH0, 14, 34},   {"2001:db8::9", ETH0, 14, 54}, {"203.0.113.2", TUN, 0, 20},
        {"2001:db8:f::2", TUN, 0, 40}, {"127.0.0.1", LO, 0, 20},      {"::1", LO, 0, 40},
        {"192.0.2.1", LO, 0, 20},
    };
    meet(f, "192.0.2.9", 1);
    meet(f, "2001:db8::9", 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address to = at(rows[i].to);
        struct net_path path;
        struct ip_packet ip;
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
        assert_int_equal(path.link, rows[i].link);
        assert_int_equal(net_headroom(&f->net, &path, !address_is_v4(&to)), rows[i].headers);
        assert_int_equal(send_raw(f, &to, &path, true), NET_SENT);
        assert_int_equal(f->length, rows[i].headers + 20);
        if (rows[i].link_header != 0) {
            struct ether e;
            assert_true(ether_parse(f->frame, f->length, &e));
            assert_memory_equal(e.dst.b, peer_mac[1].b, 6);
            assert_memory_equal(e.src.b, fake_mac[0].b, 6);
            assert_int_equal(e.type, address_is_v4(&to) ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
        }
        const uint8_t *packet = f->frame + rows[i].link_header;
        assert_int_equal(ip_parse(packet, f->length - rows[i].link_header, &ip), IP_PARSE_OK);
        assert_memory_equal(&ip.src, &path.source, 16);
        assert_memory_equal(&ip.dst, &to, 16);
        assert_int_equal(ip.hop_limit, 7);
        assert_int_equal(ip.traffic_class, 0x28);
        assert_int_equal(ip.payload_len, 20);
        assert_int_equal(ip.payload[0], 0x11);
        assert_int_equal(ip.payload[19], 0x11);
        assert_int_equal(f->frame[f->length], 0xee);
        assert_int_equal(ip.dont_fragment, address_is_v4(&to));
        if (ip.version == 4)
            assert_int_equal(ip.fragment_id, 0);
    }
    fake_no_output(f);
}

/* RFC 6864 4.3: what may be fragmented is told apart, and no pair shows another's counter plainly.
 */
static void test_identification(void **state)
{
    struct fake *f = *state;
    static const char *const peers[] = {"203.0.113.2", "127.0.0.1"};
    uint32_t previous[2] = {0};
    for (int i = 0; i < 1000; i++)
        for (size_t k = 0; k < COUNT_OF(peers); k++) {
            struct hawser_address to = at(peers[k]);
            struct net_path path;
            struct ip_packet ip;
            assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
            assert_int_equal(send_raw(f, &to, &path, false), NET_SENT);
            assert_int_equal(ip_parse(f->frame, f->length, &ip), IP_PARSE_OK);
            assert_false(ip.dont_fragment);
            assert_int_not_equal(ip.fragment_id, previous[k]);
            previous[k] = ip.fragment_id;
        }
    assert_int_not_equal(previous[0], previous[1]);
}

/* A path that is stale must not be sent on: the caller asks net_path_fresh first. */
static void test_stale_path(void **state)
{
    struct fake *f = *state;
    struct hawser_address to = at("192.0.2.9");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
    neighbours_remove(&f->net.neighbours, path.neighbour);
    assert_false(net_path_fresh(&f->net, &path));
    expect_assert_failure(send_raw(f, &to, &path, true));
}

static void test_output(void **state)
{
    struct fake *f = *state;
    uint8_t frame[64] = {0};
    uint32_t length = 0;
    assert_false(net_has_output(&f->net, ETH0));
    assert_false(net_has_output(&f->net, LINKS));
    assert_false(net_output(&f->net, LINKS, frame, sizeof frame, &length));
    /* oldest first, each on its link */
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[1], "192.0.2.9", "192.0.2.1", true);
    icmp_in(f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 1, NULL, 0);
    icmp_in(f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 2, NULL, 0);
    assert_true(net_has_output(&f->net, ETH0) && net_has_output(&f->net, TUN));
    assert_int_equal(fake_see(f, TUN).icmp.echo_seq, 1);
    assert_int_equal(fake_see(f, TUN).icmp.echo_seq, 2);
    assert_true(fake_see(f, ETH0).is_arp);
    fake_no_output(f);
    /* a buffer that is too small loses the frame, not the next one */
    icmp_in(f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 3, frame, 40);
    icmp_in(f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 4, frame, 36);
    assert_true(net_output(&f->net, TUN, frame, 64, &length));
    assert_int_equal(length, 64);
    assert_int_equal(frame[27], 4);
    assert_int_equal(f->counters.dropped[HAWSER_DROP_SMALL_BUFFER], 1);
    assert_false(net_output(&f->net, TUN, frame, 64, &length));
}

static void test_no_memory_to_hold(void **state)
{
    struct fake *f = *state;
    f->memory.limit_bytes = f->memory.used_bytes;
    struct hawser_address to = at("192.0.2.9");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &to, &path), HAWSER_ERR_RESOURCES);
    f->memory.limit_bytes = UINT64_MAX;
    assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
    f->memory.limit_bytes = f->memory.used_bytes;
    assert_int_equal(send_raw(f, &to, &path, true), NET_DROPPED);
    assert_true(f->counters.dropped[HAWSER_DROP_MEMORY] >= 1);
    fake_no_output(f);
    f->memory.limit_bytes = UINT64_MAX;
    assert_int_equal(send_raw(f, &to, &path, true), NET_HELD);
    fake_sleep(f, NS_PER_S); /* the question that could not be stored is asked again */
    assert_true(fake_see(f, ETH0).is_arp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_headers, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_identification, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_stale_path, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_output, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_to_hold, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
