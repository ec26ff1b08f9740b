/* SPDX-License-Identifier: MIT */
/* Tests of icmp_in.c and icmp_out.c: echo, errors that go up, errors that are sent, the limits. */
#include "fake.h"

#include "wire/icmp.h"

static const struct family {
    const char *peer, *own;
    uint8_t request, reply, unreachable, port, too_big, time_exceeded, parameter;
} families[] = {
    {"203.0.113.2", "203.0.113.1", 8, 0, 3, 3, 3, 11, 12},
    {"2001:db8:f::2", "2001:db8:f::1", 128, 129, 1, 4, 2, 3, 4},
};

static bool is_v4(const struct family *fam)
{
    return fam == &families[0];
}

static void test_echo(void **state)
{
    struct fake *f = *state;
    static const uint32_t lengths[] = {0, 1, 56, 1000, 1352};
    static uint8_t body[1400];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(lengths); k++) {
            const struct family *fam = &families[i];
            uint64_t out = f->counters.icmp_out, in = f->counters.icmp_in;
            struct hawser_address peer = at(fam->peer), own = at(fam->own);
            assert_int_equal(
                icmp_in(f, TUN, fam->peer, fam->own, fam->request, 0, 0x12345678, body, lengths[k]),
                NET_NOTHING);
            assert_int_equal(f->arrival.drop, NET_DROP_NONE);
            struct seen s = fake_see(f, TUN);
            assert_int_equal(s.icmp.type, fam->reply);
            assert_int_equal(s.icmp.echo_id, 0x1234);
            assert_int_equal(s.icmp.echo_seq, 0x5678);
            assert_int_equal(s.icmp.body_len, lengths[k]);
            assert_memory_equal(s.icmp.body, body, lengths[k]);
            assert_memory_equal(&s.ip.src, &own, 16);
            assert_memory_equal(&s.ip.dst, &peer, 16);
            assert_int_equal(s.ip.hop_limit, 64);
            assert_int_equal(f->counters.icmp_in, in + 1);
            assert_int_equal(f->counters.icmp_out, out + 1);
        }
    fake_no_output(f);
}

/* The answer keeps the class, but not the ECN bits. */
static void test_echo_class(void **state)
{
    struct fake *f = *state;
    uint8_t message[8] = {8, 0, 0xf7, 0xff};
    struct packet p = {.src = "203.0.113.2",
                       .dst = "203.0.113.1",
                       .protocol = IP_PROTO_ICMP,
                       .traffic_class = 0xbb,
                       .payload = message,
                       .payload_len = 8};
    packet_in(f, TUN, &p);
    assert_int_equal(fake_see(f, TUN).ip.traffic_class, 0xb8);
}

/* Over Ethernet the answer waits for the neighbour, and comes from the address that was asked. */
static void test_echo_resolves(void **state)
{
    struct fake *f = *state;
    struct hawser_address second = at("192.0.2.77");
    assert_int_equal(net_address_add(&f->net, ETH0, &second, 24), 0);
    icmp_in(f, ETH0, "192.0.2.9", "192.0.2.77", 8, 0, 1, NULL, 0);
    assert_true(fake_see(f, ETH0).is_arp);
    fake_no_output(f);
    arp_in(f, ETH0, ARP_REPLY, &peer_mac[2], "192.0.2.9", "192.0.2.1", false);
    struct seen s = fake_see(f, ETH0);
    assert_int_equal(s.icmp.kind, ICMP_ECHO_REPLY);
    assert_memory_equal(s.ether.dst.b, peer_mac[2].b, 6);
    assert_memory_equal(&s.ip.src, &second, 16);
}

/* RFC 1122 3.2.2.6 lets IPv4 be silent; RFC 4443 4.2 wants IPv6 to answer with a unicast source. */
static void test_echo_to_groups(void **state)
{
    struct fake *f = *state;
    static const char *const silent[] = {"192.0.2.255", "255.255.255.255", "224.0.0.1"};
    static const char *const answered[] = {"ff02::1", "ff02::1:ff00:1"};
    for (size_t i = 0; i < COUNT_OF(silent); i++)
        icmp_in(f, ETH0, "192.0.2.9", silent[i], 8, 0, 1, NULL, 0);
    fake_no_output(f);
    meet(f, "2001:db8::9", 1);
    for (size_t i = 0; i < COUNT_OF(answered); i++) {
        struct hawser_address own = at("2001:db8::1");
        icmp_in(f, ETH0, "2001:db8::9", answered[i], 128, 0, 1, NULL, 0);
        struct seen s = fake_see(f, ETH0);
        assert_int_equal(s.icmp.kind, ICMP_ECHO_REPLY);
        assert_memory_equal(&s.ip.src, &own, 16);
    }
    icmp_in(f, ETH0, "2001:db8::9", "ff02::2", 128, 0, 1, NULL, 0); /* routers only */
    icmp_in(f, ETH0, "::", "ff02::1", 128, 0, 1, NULL, 0);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
    fake_no_output(f);
}

static void test_loopback(void **state)
{
    struct fake *f = *state;
    icmp_in(f, LO, "127.0.0.1", "127.0.0.1", 8, 0, 1, NULL, 0);
    assert_int_equal(fake_see(f, LO).icmp.kind, ICMP_ECHO_REPLY);
    icmp_in(f, LO, "::1", "::1", 128, 0, 1, NULL, 0);
    assert_int_equal(fake_see(f, LO).icmp.kind, ICMP_ECHO_REPLY);
}

static void test_errors_go_up(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint8_t type[2], code[2]; /* of both families; type 0: not in this one */
        uint32_t info;
        enum icmp_kind kind;
        uint32_t mtu;
    } rows[] = {
        {{3, 1}, {0, 0}, 0, ICMP_UNREACHABLE_NET, 0},
        {{3, 1}, {1, 3}, 0, ICMP_UNREACHABLE_HOST, 0},
        {{3, 4}, {2, 1}, 0, ICMP_UNREACHABLE_PROTOCOL, 0},
        {{3, 1}, {3, 4}, 0, ICMP_UNREACHABLE_PORT, 0},
        {{3, 2}, {4, 0}, 1300, ICMP_PACKET_TOO_BIG, 1300},
        {{3, 2}, {4, 0}, 0, ICMP_PACKET_TOO_BIG, 0},
        {{3, 1}, {13, 1}, 0, ICMP_PROHIBITED, 0},
        {{11, 3}, {0, 0}, 0, ICMP_TIME_EXCEEDED, 0},
        {{12, 4}, {0, 0}, 0, ICMP_PARAMETER_PROBLEM, 0},
    };
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            const struct family *fam = &families[i];
            const char *router = is_v4(fam) ? "198.18.0.1" : "2600::1";
            struct hawser_address peer = at(fam->peer), own = at(fam->own), says = at(router);
            uint8_t quote[64];
            uint32_t n = quote_of(fam->own, fam->peer, IP_PROTO_TCP, 4000, 80, 12345, 1400, quote);
            assert_int_equal(icmp_in(f, TUN, router, fam->own, rows[k].type[i], rows[k].code[i],
                                     rows[k].info, quote, n),
                             NET_ICMP_ERROR);
            const struct net_arrival *a = &f->arrival;
            assert_int_equal(a->kind, rows[k].kind);
            assert_int_equal(a->mtu, rows[k].mtu);
            assert_int_equal(a->v6, !is_v4(fam));
            assert_int_equal(a->link, TUN);
            assert_memory_equal(&a->ip.src, &says, 16);
            assert_memory_equal(&a->quote.src, &own, 16);
            assert_memory_equal(&a->quote.dst, &peer, 16);
            assert_int_equal(a->quote.src_port, 4000);
            assert_int_equal(a->quote.dst_port, 80);
            assert_int_equal(a->quote.seq.v, 12345);
            assert_int_equal(a->quote.total_len, 1400);
        }
    fake_no_output(f);
}

/* What an error quotes decides whom it may concern.
 * EVIDENCE 1122-05 5927-07 */
static void test_quotes(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        const char *far = is_v4(fam) ? "198.18.0.1" : "2600::1";
        const char *other_own = is_v4(fam) ? "198.51.100.1" : "2001:db8::1";
        struct {
            const char *src, *to;
            uint8_t protocol;
            uint32_t cut;
            bool up;
        } rows[] = {
            {fam->own, fam->own, IP_PROTO_TCP, 0, true},
            {fam->own, fam->own, IP_PROTO_UDP, 0, false},
            {fam->own, fam->own, IP_PROTO_ICMP, 0, false},
            {fam->own, fam->own, IP_PROTO_ICMPV6, 0, false},
            {far, fam->own, IP_PROTO_TCP, 0, false},       /* not ours */
            {other_own, fam->own, IP_PROTO_TCP, 0, false}, /* ours, but it came to another */
            {fam->own, other_own, IP_PROTO_TCP, 0, false},
            {other_own, other_own, IP_PROTO_TCP, 0, true},
            {fam->own, fam->own, IP_PROTO_TCP, 1, false}, /* not even the sequence number */
            {fam->own, fam->own, IP_PROTO_TCP, 8, false},
            {fam->own, fam->own, IP_PROTO_TCP, 20, false},
        };
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            uint8_t quote[64];
            uint32_t n =
                quote_of(rows[k].src, fam->peer, rows[k].protocol, 4000, 80, 1, 1400, quote);
            enum net_input_result result = icmp_in(f, TUN, fam->peer, rows[k].to, fam->unreachable,
                                                   fam->port, 0, quote, n - rows[k].cut);
            assert_int_equal(result, rows[k].up ? NET_ICMP_ERROR : NET_NOTHING);
            if (!rows[k].up)
                assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP);
        }
        /* every length, without an over-read */
        for (uint32_t n = 0; n < 40; n++) {
            uint8_t quote[64] = {0};
            quote_of(fam->own, fam->peer, IP_PROTO_TCP, 4000, 80, 1, 1400, quote);
            enum net_input_result result =
                icmp_in(f, TUN, fam->peer, fam->own, fam->unreachable, fam->port, 0, quote, n);
            assert_int_equal(result, n >= (is_v4(fam) ? 28u : 48u) ? NET_ICMP_ERROR : NET_NOTHING);
        }
    }
    fake_no_output(f);
}

/* EVIDENCE 1122-04 9293-MUST-55 */
static void test_discarded(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint8_t family, type, code;
    } rows[] = {
        {0, 4, 0} /* source quench */,
        {0, 0, 0} /* echo reply */,
        {0, 5, 0} /* redirect */,
        {0, 13, 0},
        {0, 17, 0},
        {0, 40, 0},
        {0, 200, 0},
        {0, 3, 77},
        {0, 9, 0},
        {0, 10, 0},
        {1, 129, 0},
        {1, 133, 0},
        {1, 134, 0},
        {1, 137, 0},
        {1, 40, 0},
        {1, 100, 0},
        {1, 200, 0},
        {1, 130, 0},
        {1, 143, 0},
        {1, 255, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct family *fam = &families[rows[i].family];
        uint8_t quote[64];
        uint32_t n = quote_of(fam->own, fam->peer, IP_PROTO_TCP, 4000, 80, 1, 1400, quote);
        if (icmp_in(f, TUN, fam->peer, fam->own, rows[i].type, rows[i].code, 0, quote, n) !=
                NET_NOTHING ||
            f->arrival.drop != HAWSER_DROP_ICMP)
            fail_msg("type %u", rows[i].type);
    }
    fake_no_output(f);
}

static void test_broken(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (uint32_t n = 0; n < 12; n++) {
            const struct family *fam = &families[i];
            uint8_t message[12] = {fam->request, 0, 0x12, 0x34};
            struct packet p = {.src = fam->peer,
                               .dst = fam->own,
                               .protocol = is_v4(fam) ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
                               .payload = message,
                               .payload_len = n};
            assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
            assert_int_equal(f->arrival.drop, HAWSER_DROP_ICMP); /* short, or a wrong checksum */
        }
    fake_no_output(f);
}

static enum net_input_result udp_in(struct fake *f, const struct family *fam, uint32_t length)
{
    static const uint8_t bytes[1372] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct packet p = {.src = fam->peer,
                       .dst = fam->own,
                       .protocol = IP_PROTO_UDP,
                       .payload = bytes,
                       .payload_len = length};
    return packet_in(f, TUN, &p);
}

/* RFC 1812 4.3.2.3: 576; RFC 4443 2.4 (c): 1280; and never more than the link takes. */
static void test_error_lengths(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t udp, quote[2];
    } rows[] = {{8, {28, 48}}, {520, {540, 560}}, {528, {548, 568}}, {1300, {548, 1232}}};
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            udp_in(f, &families[i], rows[k].udp);
            assert_int_equal(fake_see(f, TUN).icmp.body_len, rows[k].quote[i]);
        }
    struct hawser_address peer = at(families[0].peer);
    assert_true(net_path_mtu_lower(&f->net, f->now_ns, &peer, 100, 1400));
    udp_in(f, &families[0], 1300);
    assert_int_equal(fake_see(f, TUN).icmp.body_len, 72);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e): no error about an error, a fragment behind the first, a group.
 * EVIDENCE 1122-06 */
static void test_no_error_about(void **state)
{
    struct fake *f = *state;
    static const uint8_t bytes[64] = {0x9c, 0x40, 0, 80};
    static const char *const groups[] = {"255.255.255.255", "203.0.113.3", "224.0.0.1"};
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        static const uint8_t protocols[] = {IP_PROTO_TCP, IP_PROTO_UDP, 200};
        for (size_t k = 0; k < COUNT_OF(protocols); k++) {
            struct packet p = {.src = "203.0.113.2",
                               .dst = groups[i],
                               .protocol = protocols[k],
                               .payload = bytes,
                               .payload_len = sizeof bytes};
            assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        }
    }
    /* TCP is never answered by ICMP: it has resets. */
    struct packet tcp = {.src = "203.0.113.2",
                         .dst = "203.0.113.1",
                         .protocol = IP_PROTO_TCP,
                         .payload = bytes,
                         .payload_len = sizeof bytes};
    assert_int_equal(packet_in(f, TUN, &tcp), NET_TCP);
    fake_no_output(f);
    /* An ICMPv6 message behind options that cannot be taken: told, unless it is an error. */
    for (int is_error = 0; is_error < 2; is_error++) {
        uint8_t body[16] = {IP_PROTO_ICMPV6, 0, 0x9e, 4, [8] = is_error ? 1 : 128};
        struct packet p = {.src = families[1].peer,
                           .dst = families[1].own,
                           .protocol = 60,
                           .payload = body,
                           .payload_len = sizeof body};
        assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        assert_int_equal(net_has_output(&f->net, TUN), !is_error);
        while (fake_output(f, TUN))
            ;
    }
    /* A group is told of an option that says so (code 2), of nothing else. */
    for (uint8_t kind = 0; kind < 2; kind++) {
        uint8_t body[16] = {IP_PROTO_ICMPV6, 0, 0x9e, 4, [8] = 128};
        if (kind == 1) /* a routing header with something left */
            memcpy(body, (uint8_t[]){IP_PROTO_ICMPV6, 0, 4, 1}, 4);
        struct packet p = {.src = families[1].peer,
                           .dst = "ff02::1",
                           .protocol = kind == 0 ? 60 : 43,
                           .payload = body,
                           .payload_len = sizeof body};
        assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        assert_int_equal(net_has_output(&f->net, TUN), kind == 0);
        while (fake_output(f, TUN))
            ;
    }
}

/* RFC 4443 2.4 (f) */
static void test_rate(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        fake_sleep(f, NS_PER_S);
        uint64_t limited = f->counters.icmp_rate_limited, out = f->counters.icmp_out;
        for (int k = 0; k < 1000; k++)
            udp_in(f, &families[i], 8);
        assert_int_equal(f->counters.icmp_out, out + 100);
        assert_int_equal(f->counters.icmp_rate_limited, limited + 900);
        /* echo replies are under the same limit */
        icmp_in(f, TUN, families[i].peer, families[i].own, families[i].request, 0, 1, NULL, 0);
        assert_int_equal(f->counters.icmp_out, out + 100);
        while (fake_output(f, TUN))
            ;
        for (int k = 0; k < 2000; k++) {
            fake_sleep(f, NS_PER_MS / 2);
            udp_in(f, &families[i], 8);
            while (fake_output(f, TUN))
                ;
        }
        assert_int_equal(f->counters.icmp_out, out + 1100);
    }
}

static void test_rate_settings(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t rate, at_once, after_a_second;
    } rows[] = {{0, 0, 0}, {1, 1, 1}, {10, 1, 1}, {100, 10, 10}, {UINT32_MAX, 150, 150}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        f->config.icmp_rate_per_s = rows[i].rate;
        fake_sleep(f, 10 * NS_PER_S);
        for (int second = 0; second < 2; second++) {
            uint64_t out = f->counters.icmp_out;
            for (int k = 0; k < 150; k++)
                udp_in(f, &families[0], 8);
            assert_int_equal(f->counters.icmp_out - out,
                             second ? rows[i].after_a_second : rows[i].at_once);
            while (fake_output(f, TUN))
                ;
            fake_sleep(f, NS_PER_S);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echo, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_echo_class, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_echo_resolves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_echo_to_groups, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_loopback, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_errors_go_up, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_quotes, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_discarded, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_broken, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_error_lengths, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_no_error_about, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_rate, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_rate_settings, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
