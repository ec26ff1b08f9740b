/* SPDX-License-Identifier: MIT */
/* ARP: who is answered, who is believed, and who is not. */
#include "fake.h"

static void expect_reply(struct fake *f, uint32_t link, const char *own, const struct mac *to,
                         const char *to_ip)
{
    struct seen s = fake_see(f, link);
    struct hawser_address from = at(own), target = at(to_ip);
    assert_true(s.is_arp);
    assert_int_equal(s.arp.op, ARP_REPLY);
    assert_memory_equal(s.ether.dst.b, to->b, 6);
    assert_memory_equal(s.arp.sender_mac.b, fake_mac[link].b, 6);
    assert_memory_equal(s.arp.target_mac.b, to->b, 6);
    assert_memory_equal(s.arp.sender_ip, from.bytes + 12, 4);
    assert_memory_equal(s.arp.target_ip, target.bytes + 12, 4);
    fake_no_output(f);
}

static void test_requests(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        const char *sender, *target;
        bool answered, learnt;
    } rows[] = {
        {ETH0, "192.0.2.9", "192.0.2.1", true, true},
        {ETH0, "192.0.2.10", "192.0.2.2", false, false},    /* for somebody else */
        {ETH0, "192.0.2.11", "198.51.100.1", false, false}, /* ours, but not of this link */
        {ETH0, "192.0.2.12", "127.0.0.1", false, false},
        {ETH0, "192.0.2.13", "192.0.2.255", false, false},
        {ETH0, "0.0.0.0", "192.0.2.1", true, false},  /* a probe, RFC 5227 */
        {ETH0, "10.1.1.1", "192.0.2.1", true, false}, /* not on the link */
        {ETH1, "198.51.100.9", "198.51.100.1", true, true},
        {ETH0, "192.0.2.1", "192.0.2.1", false, false},   /* says it is us */
        {ETH0, "192.0.2.255", "192.0.2.1", false, false}, /* cannot be an address */
        {ETH0, "224.0.0.1", "192.0.2.1", false, false},
        {ETH0, "127.0.0.1", "192.0.2.1", false, false},
        {ETH0, "255.255.255.255", "192.0.2.1", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t arp_out = f->counters.arp_out;
        arp_in(f, rows[i].link, ARP_REQUEST, &peer_mac[1], rows[i].sender, rows[i].target, true);
        if (rows[i].answered)
            expect_reply(f, rows[i].link, rows[i].target, &peer_mac[1], rows[i].sender);
        else
            assert_int_not_equal(f->arrival.drop, NET_DROP_NONE);
        assert_int_equal(f->counters.arp_out, arp_out + rows[i].answered);
        fake_no_output(f);
        struct neighbour *n = neighbour_of(f, rows[i].link, rows[i].sender);
        if ((n != NULL) != rows[i].learnt)
            fail_msg("%s", rows[i].sender);
        if (n != NULL)
            assert_int_equal(n->state, NEIGHBOUR_STALE);
    }
    /* Who asked is answered without being asked first; it is looked at again 5 s later. */
    assert_int_equal(send_to(f, "192.0.2.9", 1, 100), NET_SENT);
    assert_int_equal(neighbour_of(f, ETH0, "192.0.2.9")->state, NEIGHBOUR_DELAY);
}

/* Answers that nobody asked for make no entry. */
static void test_unsolicited(void **state)
{
    struct fake *f = *state;
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[1], "192.0.2.9", "192.0.2.1", false);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[1], "192.0.2.9", "192.0.2.9", true); /* gratuitous */
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[1], "192.0.2.9", "192.0.2.9", true);
    assert_int_equal(f->net.neighbours.pool.used_count, 0);
    fake_no_output(f);
}

static void expect_mac(struct fake *f, enum neighbour_state state, const struct mac *mac)
{
    struct neighbour *n = neighbour_of(f, ETH0, "192.0.2.9");
    struct mac known = neighbour_mac(n);
    assert_int_equal(n->state, state);
    assert_memory_equal(known.b, mac->b, 6);
}

/* RFC 826's merge, with doubt: a new address is used, but proved at the next use. */
static void test_known_moves(void **state)
{
    struct fake *f = *state;
    meet(f, "192.0.2.9", 1);
    /* not within a second of being learnt */
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.9", true);
    expect_mac(f, NEIGHBOUR_REACHABLE, &peer_mac[1]);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.1", false);
    expect_mac(f, NEIGHBOUR_REACHABLE, &peer_mac[1]);
    fake_sleep(f, NS_PER_S);
    /* the same again says nothing new, and confirms nothing */
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[1], "192.0.2.9", "192.0.2.9", true);
    assert_int_equal(neighbour_of(f, ETH0, "192.0.2.9")->reachable_until_ns,
                     f->now_ns + 29 * NS_PER_S);
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[2], "192.0.2.9", "192.0.2.77", true);
    expect_mac(f, NEIGHBOUR_STALE, &peer_mac[2]);
    assert_int_equal(send_to(f, "192.0.2.9", 1, 100), NET_SENT);
    assert_memory_equal(f->frame, peer_mac[2].b, 6);
    expect_mac(f, NEIGHBOUR_DELAY, &peer_mac[2]);
    fake_sleep(f, 5 * NS_PER_S);
    expect_mac(f, NEIGHBOUR_PROBE, &peer_mac[2]);
    struct seen s = fake_see(f, ETH0);
    assert_memory_equal(s.ether.dst.b, peer_mac[2].b, 6);
    /* an answer to somebody else, or to all, is none to us */
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.77", false);
    expect_mac(f, NEIGHBOUR_PROBE, &peer_mac[2]);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.1", true);
    expect_mac(f, NEIGHBOUR_PROBE, &peer_mac[2]);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.1", false);
    expect_mac(f, NEIGHBOUR_REACHABLE, &peer_mac[2]);
}

/* Who moves while it is in use is followed, however recently its old address was confirmed. */
static void test_used_moves(void **state)
{
    struct fake *f = *state;
    meet(f, "192.0.2.9", 1);
    fake_sleep(f, NS_PER_S);
    struct neighbour *n = neighbour_of(f, ETH0, "192.0.2.9");
    n->reachable_until_ns = f->now_ns + 30 * NS_PER_S; /* as progress of the transport does */
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[2], "192.0.2.9", "192.0.2.9", true);
    expect_mac(f, NEIGHBOUR_STALE, &peer_mac[2]);
}

static void test_impossible_macs(void **state)
{
    struct fake *f = *state;
    static const struct mac bad[] = {
        {{0}}, {{1, 0, 0x5e, 0, 0, 1}}, {{255, 255, 255, 255, 255, 255}}};
    assert_int_equal(send_to(f, "192.0.2.9", 1, 100), NET_HELD);
    assert_true(fake_see(f, ETH0).is_arp);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t frame[64];
        struct hawser_address peer = at("192.0.2.9"), own = at("192.0.2.1");
        struct ether ether = {.dst = fake_mac[0], .src = peer_mac[0], .type = ETHER_TYPE_ARP};
        for (uint16_t op = ARP_REQUEST; op <= ARP_REPLY; op++) {
            struct arp arp = {.op = op, .sender_mac = bad[i], .target_mac = fake_mac[0]};
            memcpy(arp.sender_ip, peer.bytes + 12, 4);
            memcpy(arp.target_ip, own.bytes + 12, 4);
            ether_emit(&ether, frame);
            arp_emit(&arp, frame + 14);
            fake_input(f, ETH0, frame, 42);
            assert_int_equal(f->arrival.drop, HAWSER_DROP_BAD_SOURCE);
        }
    }
    assert_int_equal(neighbour_of(f, ETH0, "192.0.2.9")->state, NEIGHBOUR_INCOMPLETE);
    fake_no_output(f);
}

static void test_broken(void **state)
{
    struct fake *f = *state;
    uint8_t frame[42];
    struct hawser_address peer = at("192.0.2.9"), own = at("192.0.2.1");
    struct ether ether = {.dst = fake_mac[0], .src = peer_mac[0], .type = ETHER_TYPE_ARP};
    struct arp arp = {.op = ARP_REQUEST, .sender_mac = peer_mac[0]};
    memcpy(arp.sender_ip, peer.bytes + 12, 4);
    memcpy(arp.target_ip, own.bytes + 12, 4);
    ether_emit(&ether, frame);
    arp_emit(&arp, frame + 14);
    for (uint32_t n = 14; n < 42; n++) {
        fake_input(f, ETH0, frame, n);
        assert_int_equal(f->arrival.drop, HAWSER_DROP_SHORT);
    }
    for (uint32_t i = 14; i < 20; i++) { /* hardware, protocol, their lengths */
        frame[i] ^= 1;
        fake_input(f, ETH0, frame, 42);
        assert_int_equal(f->arrival.drop, HAWSER_DROP_SHORT);
        frame[i] ^= 1;
    }
    fake_no_output(f);
    frame[21] = 7; /* an operation that is none */
    fake_input(f, ETH0, frame, 42);
    fake_no_output(f);
    /* ARP means nothing on links without Ethernet headers. */
    fake_input(f, TUN, frame, 42);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_IP_VERSION);
}

/* Strangers that ask for us fill at most half of the table, and push nobody out. */
static void test_flood_of_requests(void **state)
{
    struct fake *f = *state;
    meet(f, "192.0.2.9", 1);
    for (unsigned i = 0; i < 200; i++) {
        char sender[] = "192.0.2.000";
        unsigned n = 20 + i;
        sender[8] = (char)('0' + n / 100);
        sender[9] = (char)('0' + n / 10 % 10);
        sender[10] = (char)('0' + n % 10);
        arp_in(f, ETH0, ARP_REQUEST, &peer_mac[2], n < 100 ? "192.0.2.10" : sender, "192.0.2.1",
               true);
    }
    assert_int_equal(f->net.neighbours.pool.used_count, 16);
    expect_mac(f, NEIGHBOUR_REACHABLE, &peer_mac[1]);
    /* The queue of our answers is bounded, too. */
    for (unsigned i = 0; i < 1000; i++)
        arp_in(f, ETH0, ARP_REQUEST, &peer_mac[2], "192.0.2.10", "192.0.2.1", true);
    assert_int_equal(f->net.links[ETH0].out.count, FRAMES_CONTROL_MAX);
    assert_true(f->counters.dropped[HAWSER_DROP_MEMORY] > 0);
    while (fake_output(f, ETH0))
        ;
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[2], "192.0.2.10", "192.0.2.1", true);
    expect_reply(f, ETH0, "192.0.2.1", &peer_mac[2], "192.0.2.10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_unsolicited, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_known_moves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_used_moves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_impossible_macs, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_broken, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_flood_of_requests, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
