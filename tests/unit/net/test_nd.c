/* SPDX-License-Identifier: MIT */
/* Neighbour discovery: the checks of RFC 4861 7.1, the table of 7.2.5, who is answered. */
#include "fake.h"

#define PEER "2001:db8::9"
#define OWN "2001:db8::1"

static struct seen expect_advertisement(struct fake *f, const char *target, const char *dst,
                                        bool solicited)
{
    struct seen s = fake_see(f, ETH0);
    struct hawser_address own = at(target), to = at(dst);
    assert_int_equal(s.icmp.kind, ICMP_NEIGHBOUR_ADVERTISEMENT);
    assert_int_equal(s.ip.hop_limit, 255);
    assert_memory_equal(&s.ip.src, &own, 16);
    assert_memory_equal(&s.ip.dst, &to, 16);
    assert_memory_equal(&s.icmp.target, &own, 16);
    assert_true(s.icmp.has_lladdr);
    assert_memory_equal(s.icmp.lladdr.b, fake_mac[0].b, 6);
    assert_int_equal(s.icmp.solicited, solicited);
    assert_true(s.icmp.override);
    assert_false(s.icmp.router);
    return s;
}

static void test_solicitations(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *src, *dst, *target;
        bool answered, learnt;
    } rows[] = {
        {PEER, "ff02::1:ff00:1", OWN, true, true},
        {"fe80::9", "ff02::1:ff00:1", "fe80::ff:fe00:1", true, true},
        {"fe80::a", "ff02::1:ff00:1", OWN, true, true},
        {"2001:db8::a", OWN, OWN, true, true},           /* unicast: a probe of who knows us */
        {"2600::9", "ff02::1:ff00:1", OWN, true, false}, /* RFC 5942: not on the link */
        {"2001:db8::b", "ff02::1:ff00:2", "2001:db8::2", false, false},
        {"2001:db8::c", "ff02::1:ff00:1", "2001:db8:f::1", false, false}, /* another link's */
        {"2001:db8::d", "ff02::1:ff00:1", "2001:db8::2", false, false},
        {"2001:db8::e", "ff02::1", OWN, true, true},
        {"::1", "ff02::1:ff00:1", OWN, false, false},
        {OWN, "ff02::1:ff00:1", OWN, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        solicitation_in(f, rows[i].src, rows[i].dst, rows[i].target, &peer_mac[1]);
        if (rows[i].answered) {
            struct seen s = expect_advertisement(f, rows[i].target, rows[i].src, true);
            assert_memory_equal(s.ether.dst.b, peer_mac[1].b, 6);
        }
        fake_no_output(f);
        struct neighbour *n = neighbour_of(f, ETH0, rows[i].src);
        if ((n != NULL) != rows[i].learnt)
            fail_msg("%s", rows[i].src);
        if (n != NULL)
            assert_int_equal(n->state, NEIGHBOUR_STALE);
    }
}

/* Duplicate address detection of somebody else: all are told that the address is taken. */
static void test_duplicate_detection(void **state)
{
    struct fake *f = *state;
    static const struct mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};
    solicitation_in(f, "::", "ff02::1:ff00:1", OWN, NULL);
    struct seen s = expect_advertisement(f, OWN, "ff02::1", false);
    assert_memory_equal(s.ether.dst.b, all_nodes.b, 6);
    solicitation_in(f, "::", "ff02::1:ff00:1", "2001:db8::ff00:1", NULL); /* not ours */
    solicitation_in(f, "::", "ff02::1", OWN, NULL); /* not to its solicited node */
    solicitation_in(f, "::", OWN, OWN, NULL);
    solicitation_in(f, "::", "ff02::1:ff00:1", OWN, &peer_mac[1]); /* says where it is: wrong */
    fake_no_output(f);
    assert_int_equal(f->net.neighbours.pool.used_count, 0);
}

/* A solicitation without an option: the way to its sender may have to be asked for. */
static void test_solicitation_without_option(void **state)
{
    struct fake *f = *state;
    meet(f, PEER, 1);
    solicitation_in(f, PEER, OWN, OWN, NULL);
    struct seen s = expect_advertisement(f, OWN, PEER, true);
    assert_memory_equal(s.ether.dst.b, peer_mac[1].b, 6);
    solicitation_in(f, "2001:db8::a", OWN, OWN, NULL);
    assert_int_equal(fake_see(f, ETH0).icmp.kind, ICMP_NEIGHBOUR_SOLICITATION);
    fake_no_output(f);
    advertisement_in(f, "2001:db8::a", OWN, "2001:db8::a", &peer_mac[2], true, true);
    expect_advertisement(f, OWN, "2001:db8::a", true);
}

/* RFC 4861 7.1.1, 7.1.2, RFC 6980: every field that must be as it must be. */
static void test_validation(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *what;
        uint32_t offset; /* into the packet, behind the Ethernet header */
        uint8_t value;
    } rows[] = {
        {"a router passed it on", 7, 254}, {"code", 41, 1},
        {"option length 0", 65, 0},        {"option too long", 65, 2},
        {"target multicast", 48, 0xff},    {"link-layer address of a group", 66, 0x33},
    };
    for (int advertisement = 0; advertisement < 2; advertisement++)
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            uint8_t message[32], frame[128];
            struct hawser_address peer = at(PEER), own = at(OWN);
            if (advertisement)
                icmp_emit_advertisement(&peer, &own, &peer, &peer_mac[1], true, true, message);
            else
                icmp_emit_solicitation(&peer, &own, &own, &peer_mac[1], message);
            struct packet p = {.src = PEER,
                               .dst = OWN,
                               .protocol = IP_PROTO_ICMPV6,
                               .hop_limit = 255,
                               .payload = message,
                               .payload_len = 32};
            uint32_t n = packet_frame(ETH0, &p, frame);
            frame[14 + rows[i].offset] = rows[i].value;
            uint8_t *icmp = frame + 54;
            store_be16(icmp + 2, 0);
            store_be16(icmp + 2, checksum_finish(
                                     checksum_add(checksum_pseudo(&peer, &own, IP_PROTO_ICMPV6, 32),
                                                  checksum_sum(icmp, 32))));
            assert_int_equal(send_to(f, PEER, 1, 100), NET_HELD);
            while (fake_output(f, ETH0))
                ;
            fake_input(f, ETH0, frame, n);
            if (f->arrival.drop != HAWSER_DROP_ICMP)
                fail_msg("%s", rows[i].what);
            fake_no_output(f);
            assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_INCOMPLETE);
            fake_sleep(f, 4 * NS_PER_S);
            while (fake_output(f, ETH0))
                ;
        }
}

static void test_not_in_fragments(void **state)
{
    struct fake *f = *state;
    uint8_t message[32];
    struct hawser_address peer = at(PEER), own = at(OWN);
    icmp_emit_solicitation(&peer, &own, &own, &peer_mac[1], message);
    struct packet p = {.src = PEER,
                       .dst = OWN,
                       .protocol = IP_PROTO_ICMPV6,
                       .hop_limit = 255,
                       .payload = message,
                       .payload_len = 32,
                       .fragment = true,
                       .id = 1};
    packet_in(f, ETH0, &p); /* an "atomic" one */
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    p.more = true;
    p.payload_len = 24;
    packet_in(f, ETH0, &p);
    p.more = false;
    p.offset = 24;
    p.payload = message + 24;
    p.payload_len = 8;
    packet_in(f, ETH0, &p);
    assert_int_equal(f->counters.reassembled, 1);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    fake_no_output(f);
    /* nor over a link that has no neighbours */
    p = (struct packet){.src = "2001:db8:f::2",
                        .dst = "2001:db8:f::1",
                        .protocol = IP_PROTO_ICMPV6,
                        .hop_limit = 255,
                        .payload = message,
                        .payload_len = 32};
    peer = at("2001:db8:f::2");
    own = at("2001:db8:f::1");
    icmp_emit_solicitation(&peer, &own, &own, &peer_mac[1], message);
    packet_in(f, TUN, &p);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    fake_no_output(f);
}

/* RFC 4861 7.2.5 and appendix C. */
static void test_advertisements(void **state)
{
    struct fake *f = *state;
    enum { NOTHING = -1 };
    static const struct {
        int from; /* NOTHING: no entry */
        bool same, solicited, override;
        int to, mac; /* whose link-layer address: 0 the old, 1 the told one */
    } rows[] = {
        {NOTHING, false, true, true, NOTHING, 0},
        {NOTHING, false, false, true, NOTHING, 0},
        {NEIGHBOUR_INCOMPLETE, false, true, true, NEIGHBOUR_REACHABLE, 1},
        {NEIGHBOUR_INCOMPLETE, false, true, false, NEIGHBOUR_REACHABLE, 1},
        {NEIGHBOUR_INCOMPLETE, false, false, true, NEIGHBOUR_DELAY, 1}, /* and used at once */
        {NEIGHBOUR_REACHABLE, true, false, false, NEIGHBOUR_REACHABLE, 0},
        {NEIGHBOUR_REACHABLE, false, false, false, NEIGHBOUR_STALE, 0},
        {NEIGHBOUR_REACHABLE, false, true, false, NEIGHBOUR_STALE, 0},
        {NEIGHBOUR_REACHABLE, false, false, true, NEIGHBOUR_STALE, 1},
        /* "solicited" that was not: a hint, not proof (stricter than the table) */
        {NEIGHBOUR_REACHABLE, false, true, true, NEIGHBOUR_STALE, 1},
        {NEIGHBOUR_STALE, true, true, true, NEIGHBOUR_STALE, 0},
        {NEIGHBOUR_STALE, true, false, false, NEIGHBOUR_STALE, 0},
        {NEIGHBOUR_STALE, false, false, true, NEIGHBOUR_STALE, 1},
        {NEIGHBOUR_STALE, false, false, false, NEIGHBOUR_STALE, 0},
        {NEIGHBOUR_DELAY, false, false, false, NEIGHBOUR_DELAY, 0},
        {NEIGHBOUR_DELAY, false, false, true, NEIGHBOUR_STALE, 1},
        {NEIGHBOUR_PROBE, true, true, false, NEIGHBOUR_REACHABLE, 0},
        {NEIGHBOUR_PROBE, true, true, true, NEIGHBOUR_REACHABLE, 0},
        {NEIGHBOUR_PROBE, false, true, true, NEIGHBOUR_REACHABLE, 1},
        {NEIGHBOUR_PROBE, false, true, false, NEIGHBOUR_PROBE, 0},
        {NEIGHBOUR_PROBE, true, false, true, NEIGHBOUR_PROBE, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].from > NEIGHBOUR_INCOMPLETE)
            meet(f, PEER, 1);
        if (rows[i].from == NEIGHBOUR_INCOMPLETE)
            assert_int_equal(send_to(f, PEER, 1, 100), NET_HELD);
        if (rows[i].from >= NEIGHBOUR_STALE) {
            fake_sleep(f, 30 * NS_PER_S);
            struct hawser_address peer = at(PEER);
            neighbour_set_state(&f->net.neighbours,
                                neighbours_find(&f->net.neighbours, ETH0, &peer), NEIGHBOUR_STALE,
                                NEVER);
        }
        if (rows[i].from >= NEIGHBOUR_DELAY)
            assert_int_equal(send_to(f, PEER, 1, 100), NET_SENT);
        if (rows[i].from == NEIGHBOUR_PROBE)
            fake_sleep(f, 5 * NS_PER_S);
        while (fake_output(f, ETH0))
            ;
        advertisement_in(f, PEER, OWN, PEER, &peer_mac[rows[i].same ? 1 : 2], rows[i].solicited,
                         rows[i].override);
        struct neighbour *n = neighbour_of(f, ETH0, PEER);
        int to = n == NULL ? NOTHING : n->state;
        if (to != rows[i].to)
            fail_msg("row %zu: %d", i, to);
        if (n == NULL)
            continue;
        struct mac mac = neighbour_mac(n);
        assert_memory_equal(mac.b, peer_mac[rows[i].mac ? 2 : 1].b, 6);
        fake_sleep(f, 20 * NS_PER_S);
        while (fake_output(f, ETH0))
            ;
        struct hawser_address peer = at(PEER);
        uint32_t index = neighbours_find(&f->net.neighbours, ETH0, &peer);
        if (index != NEIGHBOUR_NONE)
            neighbours_remove(&f->net.neighbours, index);
    }
}

static void test_advertisement_without_option(void **state)
{
    struct fake *f = *state;
    assert_int_equal(send_to(f, PEER, 1, 100), NET_HELD);
    fake_see(f, ETH0);
    advertisement_in(f, PEER, OWN, PEER, NULL, true, true); /* says nothing of where it is */
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_INCOMPLETE);
    advertisement_in(f, PEER, OWN, PEER, &peer_mac[1], true, true);
    fake_see(f, ETH0);
    fake_sleep(f, 31 * NS_PER_S);
    assert_int_equal(send_to(f, PEER, 1, 100), NET_SENT);
    fake_sleep(f, 5 * NS_PER_S);
    fake_see(f, ETH0);
    advertisement_in(f, PEER, OWN, PEER, NULL, true, false); /* enough when asked by unicast */
    assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_REACHABLE);
    struct mac mac = neighbour_mac(neighbour_of(f, ETH0, PEER));
    assert_memory_equal(mac.b, peer_mac[1].b, 6);
    /* to all nodes: cannot be an answer */
    advertisement_in(f, PEER, "ff02::1", PEER, &peer_mac[2], true, true);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    advertisement_in(f, PEER, "ff02::1", PEER, &peer_mac[2], false, true);
    assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_STALE);
}

/* A solicitation of somebody whom we know: it may have moved. */
static void test_solicitation_moves(void **state)
{
    struct fake *f = *state;
    meet(f, PEER, 1);
    solicitation_in(f, PEER, OWN, OWN, &peer_mac[1]);
    expect_advertisement(f, OWN, PEER, true);
    assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_REACHABLE);
    solicitation_in(f, PEER, OWN, OWN, &peer_mac[2]);
    expect_advertisement(f, OWN, PEER, true);
    assert_int_equal(neighbour_of(f, ETH0, PEER)->state, NEIGHBOUR_STALE);
    assert_int_equal(send_to(f, PEER, 1, 100), NET_SENT);
    assert_memory_equal(f->frame, peer_mac[2].b, 6);
}

/* The address that questions are asked from was taken away in between. */
static void test_no_address_left(void **state)
{
    struct fake *f = *state;
    struct hawser_address v6 = at(OWN), auto_v6 = at("fe80::ff:fe00:1"), v4 = at("192.0.2.1");
    assert_int_equal(send_to(f, PEER, 1, 100), NET_HELD);
    assert_int_equal(send_to(f, "192.0.2.9", 1, 100), NET_HELD);
    while (fake_output(f, ETH0))
        ;
    struct hawser_address others[] = {at("2001:db8:f::1"), at("198.51.100.1"), at("203.0.113.1")};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(net_address_remove(&f->net, &others[i]), 0);
    assert_int_equal(net_address_remove(&f->net, &v6), 0);
    assert_int_equal(net_address_remove(&f->net, &auto_v6), 0);
    assert_int_equal(net_address_remove(&f->net, &v4), 0);
    fake_sleep(f, 4 * NS_PER_S);
    fake_no_output(f);
    assert_int_equal(f->counters.neighbour_failures, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_solicitations, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_duplicate_detection, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_solicitation_without_option, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_validation, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_not_in_fragments, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_advertisements, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_advertisement_without_option, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_solicitation_moves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_no_address_left, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
