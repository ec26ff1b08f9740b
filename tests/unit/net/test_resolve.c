/* SPDX-License-Identifier: MIT */
/* What a neighbour entry goes through: asking, holding, answers, doubt, failure; ARP and ND alike.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

struct family {
    const char *peer, *own, *other;
};

static const struct family families[] = {
    {"192.0.2.7", "192.0.2.1", "192.0.2.8"},
    {"2001:db8::7", "2001:db8::1", "2001:db8::8"},
};

static bool is_v4(const struct family *fam)
{
    return fam == &families[0];
}

/* The next frame asks for `peer`: to everybody, or by unicast to `mac`. */
static void expect_question(struct fake *f, const struct family *fam, const struct mac *mac)
{
    static const struct mac everybody = {{255, 255, 255, 255, 255, 255}};
    static const struct mac solicited_node = {{0x33, 0x33, 0xff, 0, 0, 7}};
    struct seen s = fake_see(f, ETH0);
    struct hawser_address peer = at(fam->peer), own = at(fam->own);
    if (is_v4(fam)) {
        assert_true(s.is_arp);
        assert_int_equal(s.arp.op, ARP_REQUEST);
        assert_memory_equal(s.arp.sender_mac.b, fake_mac[0].b, 6);
        assert_memory_equal(s.arp.sender_ip, own.bytes + 12, 4);
        assert_memory_equal(s.arp.target_ip, peer.bytes + 12, 4);
        assert_memory_equal(s.ether.dst.b, mac != NULL ? mac->b : everybody.b, 6);
        return;
    }
    struct hawser_address node = at("ff02::1:ff00:7");
    assert_int_equal(s.icmp.kind, ICMP_NEIGHBOUR_SOLICITATION);
    assert_int_equal(s.ip.hop_limit, 255);
    assert_true(address_equal(&s.ip.src, &own));
    assert_true(address_equal(&s.ip.dst, mac != NULL ? &peer : &node));
    assert_true(address_equal(&s.icmp.target, &peer));
    assert_true(s.icmp.has_lladdr);
    assert_memory_equal(s.icmp.lladdr.b, fake_mac[0].b, 6);
    assert_memory_equal(s.ether.dst.b, mac != NULL ? mac->b : solicited_node.b, 6);
}

static void answer(struct fake *f, const struct family *fam, const struct mac *mac)
{
    if (is_v4(fam))
        arp_in(f, ETH0, ARP_REPLY, mac, fam->peer, fam->own, false);
    else
        assert_int_equal(advertisement_in(f, fam->peer, fam->own, fam->peer, mac, true, true),
                         NET_NOTHING);
}

static void expect_state(struct fake *f, const struct family *fam, enum neighbour_state state)
{
    assert_non_null(neighbour_of(f, ETH0, fam->peer));
    assert_int_equal(neighbour_of(f, ETH0, fam->peer)->state, state);
}

/* The next frame is a held segment with this sequence number, to this MAC. */
static void expect_segment(struct fake *f, const struct mac *mac, uint32_t seq)
{
    struct seen s = fake_see(f, ETH0);
    assert_int_equal(s.ip.protocol, IP_PROTO_TCP);
    assert_memory_equal(s.ether.dst.b, mac->b, 6);
    assert_int_equal(load_be32(s.ip.payload + 4), seq);
}

static void test_answered(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        assert_int_equal(send_to(f, fam->peer, 1, 100), NET_HELD);
        assert_int_equal(send_to(f, fam->peer, 2, 1000), NET_HELD);
        expect_question(f, fam, NULL);
        fake_no_output(f);
        expect_state(f, fam, NEIGHBOUR_INCOMPLETE);
        answer(f, fam, &peer_mac[1]);
        expect_state(f, fam, NEIGHBOUR_REACHABLE);
        expect_segment(f, &peer_mac[1], 1);
        expect_segment(f, &peer_mac[1], 2);
        fake_no_output(f);
        /* From now on it is sent at once, with a finished header. */
        assert_int_equal(send_to(f, fam->peer, 3, 100), NET_SENT);
        struct ether e;
        assert_true(ether_parse(f->frame, f->length, &e));
        assert_memory_equal(e.dst.b, peer_mac[1].b, 6);
        assert_memory_equal(e.src.b, fake_mac[0].b, 6);
        assert_int_equal(f->length, 14 + (is_v4(fam) ? 20 : 40) + 100);
    }
}

/* RFC 1122 2.3.2.1: once a second, RFC 4861 7.2.2: three times, then the sender is told. */
static void test_unanswered(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        struct icmp_quote quote;
        uint64_t failures = f->counters.neighbour_failures;
        uint64_t dropped = f->counters.dropped[HAWSER_DROP_NEIGHBOUR];
        assert_int_equal(send_to(f, fam->peer, 77, 100), NET_HELD);
        for (int try = 0; try < 3; try++) {
            expect_question(f, fam, NULL);
            fake_no_output(f);
            assert_int_equal(net_next_deadline(&f->net), f->now_ns + NS_PER_S);
            fake_sleep(f, NS_PER_S - 1);
            fake_no_output(f);
            fake_sleep(f, 1);
        }
        fake_no_output(f);
        assert_null(neighbour_of(f, ETH0, fam->peer));
        assert_int_equal(f->counters.neighbour_failures, failures + 1);
        assert_int_equal(f->counters.dropped[HAWSER_DROP_NEIGHBOUR], dropped + 1);
        assert_true(net_take_failure(&f->net, &quote));
        struct hawser_address peer = at(fam->peer), own = at(fam->own);
        assert_true(address_equal(&quote.dst, &peer) && address_equal(&quote.src, &own));
        assert_int_equal(quote.protocol, IP_PROTO_TCP);
        assert_true(quote.has_transport);
        assert_int_equal(quote.src_port, 1000);
        assert_int_equal(quote.dst_port, 80);
        assert_int_equal(quote.seq.v, 77);
        assert_int_equal(quote.total_len, 100 + (is_v4(fam) ? 20 : 40));
        assert_false(net_take_failure(&f->net, &quote));
        assert_int_equal(net_next_deadline(&f->net), NEVER);
        /* The next segment begins anew. */
        assert_int_equal(send_to(f, fam->peer, 78, 100), NET_HELD);
        expect_question(f, fam, NULL);
        answer(f, fam, &peer_mac[1]);
        expect_segment(f, &peer_mac[1], 78);
    }
}

static void test_failures_bounded(void **state)
{
    struct fake *f = *state;
    struct icmp_quote quote;
    char text[64];
    for (unsigned i = 0; i < 12; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 20 + i);
        assert_int_equal(send_to(f, text, i, 100), NET_HELD);
        assert_int_equal(send_to(f, text, 100 + i, 100), NET_HELD);
    }
    fake_sleep(f, 4 * NS_PER_S);
    for (unsigned i = 0; i < NET_FAILURES_MAX; i++) {
        assert_true(net_take_failure(&f->net, &quote));
        assert_int_equal(quote.seq.v, i % 2 * 100 + i / 2);
    }
    assert_false(net_take_failure(&f->net, &quote));
    assert_int_equal(f->counters.neighbour_failures, 12);
    while (fake_output(f, ETH0))
        ;
}

/* RFC 1122 2.3.2.2: the newest are kept. */
static void test_held_bounded(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        uint64_t dropped = f->counters.dropped[HAWSER_DROP_NEIGHBOUR];
        for (uint32_t seq = 1; seq <= 5; seq++)
            assert_int_equal(send_to(f, fam->peer, seq, 1000), NET_HELD);
        assert_int_equal(f->counters.dropped[HAWSER_DROP_NEIGHBOUR], dropped + 2);
        expect_question(f, fam, NULL);
        answer(f, fam, &peer_mac[1]);
        for (uint32_t seq = 3; seq <= 5; seq++)
            expect_segment(f, &peer_mac[1], seq);
        fake_no_output(f);
    }
    assert_int_equal(f->net.frames.held.count, 0);
}

/* What is held from an address that has been taken away since is not sent. */
static void test_held_from_nobody(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        struct hawser_address own = at(fam->own), second = at(i ? "2001:db8::2" : "192.0.2.2");
        assert_int_equal(send_to(f, fam->peer, 1, 100), NET_HELD);
        expect_question(f, fam, NULL);
        assert_int_equal(net_address_add(&f->net, ETH0, &second, i ? 64 : 24), 0);
        assert_int_equal(net_address_remove(&f->net, &own), 0);
        assert_int_equal(send_to(f, fam->peer, 2, 100), NET_HELD);
        if (is_v4(fam))
            arp_in(f, ETH0, ARP_REPLY, &peer_mac[1], fam->peer, "192.0.2.2", false);
        else
            advertisement_in(f, fam->peer, "2001:db8::2", fam->peer, &peer_mac[1], true, true);
        expect_segment(f, &peer_mac[1], 2);
        fake_no_output(f);
    }
}

/* All neighbours together hold no more than the stored frames' limit. */
static void test_held_bounded_in_all(void **state)
{
    (void)state;
    struct fake *f = malloc(sizeof *f);
    assert_non_null(f);
    fake_init(f);
    f->config.neighbours_max = 2048;
    fake_start(f);
    uint32_t held = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char text[64];
        snprintf(text, sizeof text, "2001:db8::%x", 0x1000 + i);
        for (int k = 0; k < 3; k++)
            held += send_to(f, text, 1, 1000) == NET_HELD;
        while (fake_output(f, ETH0))
            ;
    }
    assert_int_equal(held, FRAMES_HELD_MAX);
    assert_int_equal(f->net.frames.held.count, FRAMES_HELD_MAX);
    assert_true(f->counters.dropped[HAWSER_DROP_MEMORY] > 0);
    fake_sleep(f, 4 * NS_PER_S);
    while (fake_output(f, ETH0))
        ;
    assert_int_equal(f->net.frames.held.count, 0);
    fake_deinit(f);
    free(f);
}

/* RFC 4861 7.3: 30 s of trust, then 5 s of use in doubt, then three unicast questions. */
static void test_doubt(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        meet(f, fam->peer, 1);
        fake_sleep(f, 30 * NS_PER_S - 1);
        assert_int_equal(send_to(f, fam->peer, 1, 100), NET_SENT);
        expect_state(f, fam, NEIGHBOUR_REACHABLE);
        fake_sleep(f, 1);
        assert_int_equal(net_next_deadline(&f->net), NEVER);
        assert_int_equal(send_to(f, fam->peer, 2, 100), NET_SENT);
        expect_state(f, fam, NEIGHBOUR_DELAY);
        fake_sleep(f, 5 * NS_PER_S - 1);
        fake_no_output(f);
        fake_sleep(f, 1);
        expect_state(f, fam, NEIGHBOUR_PROBE);
        for (int try = 0; try < 3; try++) {
            expect_question(f, fam, &peer_mac[1]);
            fake_no_output(f);
            assert_int_equal(send_to(f, fam->peer, 3, 100), NET_SENT);
            fake_sleep(f, NS_PER_S);
        }
        assert_null(neighbour_of(f, ETH0, fam->peer));
        fake_no_output(f);
    }
}

static void test_doubt_answered(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        meet(f, fam->peer, 1);
        fake_sleep(f, 31 * NS_PER_S);
        assert_int_equal(send_to(f, fam->peer, 2, 100), NET_SENT);
        fake_sleep(f, 5 * NS_PER_S);
        expect_question(f, fam, &peer_mac[1]);
        answer(f, fam, &peer_mac[1]);
        expect_state(f, fam, NEIGHBOUR_REACHABLE);
        fake_sleep(f, 29 * NS_PER_S);
        fake_no_output(f);
        assert_int_equal(send_to(f, fam->peer, 2, 100), NET_SENT);
        expect_state(f, fam, NEIGHBOUR_REACHABLE);
    }
}

/* RFC 4861 7.3.1: progress of the transport saves the questions. */
static void test_confirmed_by_transport(void **state)
{
    struct fake *f = *state;
    struct hawser_address peer = at(families[0].peer);
    struct net_path path, stale;
    meet(f, families[0].peer, 1);
    assert_int_equal(net_path_find(&f->net, NULL, &peer, &path), 0);
    for (int i = 0; i < 10; i++) {
        fake_sleep(f, 20 * NS_PER_S);
        assert_int_equal(send_to(f, families[0].peer, 2, 100), NET_SENT);
        expect_state(f, &families[0], NEIGHBOUR_REACHABLE);
        net_confirm(&f->net, &path, f->now_ns);
    }
    fake_sleep(f, 31 * NS_PER_S);
    assert_int_equal(send_to(f, families[0].peer, 2, 100), NET_SENT);
    expect_state(f, &families[0], NEIGHBOUR_DELAY);
    net_confirm(&f->net, &path, f->now_ns);
    expect_state(f, &families[0], NEIGHBOUR_REACHABLE);
    fake_sleep(f, 6 * NS_PER_S);
    fake_no_output(f);
    /* Whose address is not known cannot be confirmed; a path that is none does nothing. */
    assert_int_equal(send_to(f, "192.0.2.99", 2, 100), NET_HELD);
    peer = at("192.0.2.99");
    assert_int_equal(net_path_find(&f->net, NULL, &peer, &path), 0);
    net_confirm(&f->net, &path, f->now_ns);
    assert_int_equal(neighbour_of(f, ETH0, "192.0.2.99")->state, NEIGHBOUR_INCOMPLETE);
    memset(&stale, 0, sizeof stale);
    assert_false(net_path_fresh(&f->net, &stale));
    net_confirm(&f->net, &stale, f->now_ns);
    fake_sleep(f, 4 * NS_PER_S);
    assert_false(net_path_fresh(&f->net, &path));
    net_confirm(&f->net, &path, f->now_ns);
}

/* A neighbour that nobody answers for takes its path along; others' paths stay. */
static void test_paths_of_the_gone(void **state)
{
    struct fake *f = *state;
    struct hawser_address gone = at("192.0.2.9"), there = at("192.0.2.10");
    struct net_path of_gone, of_there;
    meet(f, "192.0.2.10", 1);
    assert_int_equal(send_to(f, "192.0.2.9", 1, 100), NET_HELD);
    assert_int_equal(net_path_find(&f->net, NULL, &gone, &of_gone), 0);
    assert_int_equal(net_path_find(&f->net, NULL, &there, &of_there), 0);
    fake_sleep(f, 3 * NS_PER_S);
    assert_false(net_path_fresh(&f->net, &of_gone));
    assert_true(net_path_fresh(&f->net, &of_there));
    /* Also when the place has been taken again. */
    gone = at("192.0.2.11");
    struct net_path again;
    assert_int_equal(net_path_find(&f->net, NULL, &gone, &again), 0);
    assert_int_equal(again.neighbour, of_gone.neighbour);
    assert_false(net_path_fresh(&f->net, &of_gone));
    assert_true(net_path_fresh(&f->net, &again));
}

/* The table is full: unused entries make way, and a flood of unknown ones pays for itself. */
static void test_table_full(void **state)
{
    struct fake *f = *state;
    char text[64];
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        meet(f, text, 1);
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "2001:db8::%x", 0x100 + i);
        assert_int_equal(send_to(f, text, 1, 100), NET_HELD);
        while (fake_output(f, ETH0))
            ;
        assert_true(f->net.neighbours.pool.used_count <= 32);
        assert_true(f->net.frames.held.count <= 32);
        if (i % 10 == 0)
            fake_sleep(f, 10 * NS_PER_MS);
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        assert_non_null(neighbour_of(f, ETH0, text));
        assert_int_equal(send_to(f, text, 1, 100), NET_SENT);
    }
    /* Somebody real is still found in the middle of it. */
    assert_int_equal(send_to(f, families[1].peer, 5, 100), NET_HELD);
    expect_question(f, &families[1], NULL);
    answer(f, &families[1], &peer_mac[2]);
    expect_segment(f, &peer_mac[2], 5);
}

/* What was used since the last look stays, what was not goes. */
static void test_unused_goes(void **state)
{
    struct fake *f = *state;
    struct hawser_address more[] = {at("192.0.2.201"), at("192.0.2.202")};
    struct net_path path;
    char text[64];
    for (unsigned i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        meet(f, text, 1);
    }
    assert_int_equal(net_path_find(&f->net, NULL, &more[0], &path), 0); /* one has gone */
    uint32_t gone = path.neighbour;
    neighbour_set_state(&f->net.neighbours, gone, NEIGHBOUR_PROBE, NEVER);
    for (unsigned i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        if (i != gone && i != 20)
            assert_int_equal(send_to(f, text, 1, 100), NET_SENT);
    }
    assert_int_equal(net_path_find(&f->net, NULL, &more[1], &path), 0);
    assert_int_equal(path.neighbour, 20);
}

static void test_all_busy(void **state)
{
    struct fake *f = *state;
    char text[64];
    for (unsigned i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        meet(f, text, 1);
    }
    fake_sleep(f, 31 * NS_PER_S);
    for (unsigned i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", 10 + i);
        assert_int_equal(send_to(f, text, 1, 100), NET_SENT); /* DELAY: busy */
    }
    struct hawser_address one_more = at("192.0.2.200");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &one_more, &path), HAWSER_ERR_RESOURCES);
    fake_sleep(f, 9 * NS_PER_S);
    assert_int_equal(net_path_find(&f->net, NULL, &one_more, &path), 0);
    while (fake_output(f, ETH0))
        ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answered, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_unanswered, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_failures_bounded, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_held_bounded, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_held_from_nobody, fake_setup, fake_teardown),
        cmocka_unit_test(test_held_bounded_in_all),
        cmocka_unit_test_setup_teardown(test_doubt, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_doubt_answered, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_confirmed_by_transport, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_paths_of_the_gone, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_table_full, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_unused_goes, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_all_busy, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
