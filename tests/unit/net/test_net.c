/* SPDX-License-Identifier: MIT */
/* The whole: memory refused at every request, nothing left behind, the same bytes from the same
 * inputs, garbage of every kind. */
#include "fake.h"

#include "base/prng.h"

static void test_config_extremes(void **state)
{
    (void)state;
    static const struct {
        uint32_t neighbours, routes, addresses, links, fragments, paths;
    } rows[] = {
        {1, 1, 1, 1, 0, 1},
        {65535, 1024, 1024, 255, 1u << 30, 1u << 20},
        {3, 5, 7, 2, 100000, 9},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fake f;
        fake_init(&f);
        f.config.neighbours_max = rows[i].neighbours;
        f.config.routes_max = rows[i].routes;
        f.config.addresses_max = rows[i].addresses;
        f.config.links_max = rows[i].links;
        f.config.fragments_bytes_max = rows[i].fragments;
        f.config.paths_max = rows[i].paths;
        assert_int_equal(net_init(&f.net, &f.config, &f.memory, &f.counters, 0, 1), 0);
        assert_int_equal(net_next_deadline(&f.net), NEVER);
        net_expire(&f.net, UINT64_MAX - 1);
        struct hawser_link_config eth = {.kind = HAWSER_LINK_ETHERNET, .mac = {2}, .mtu = 1500};
        struct hawser_address own = at("192.0.2.1"), v6 = at("2001:db8::1");
        uint32_t link;
        assert_int_equal(net_link_add(&f.net, &eth, &link), 0);
        assert_int_equal(net_address_add(&f.net, link, &own, 24), 0);
        assert_int_equal(net_address_add(&f.net, link, &v6, 64),
                         rows[i].addresses > 1 ? 0 : HAWSER_ERR_RESOURCES);
        fake_deinit(&f);
    }
}

/* One neighbour's worth of everything that takes memory. */
static void use_all(struct fake *f)
{
    static const uint8_t payload[8000] = {[12] = 0x50};
    struct packet p = {.src = "203.0.113.2",
                       .dst = "203.0.113.1",
                       .protocol = IP_PROTO_TCP,
                       .payload = payload,
                       .payload_len = 1200,
                       .fragment = true,
                       .id = 1,
                       .more = true};
    struct hawser_address far = at("8.8.8.8"), near = at("192.0.2.9");
    struct net_path path;
    packet_in(f, TUN, &p);
    icmp_in(f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 1, payload, 1000);
    icmp_in(f, ETH0, "192.0.2.9", "192.0.2.1", 8, 0, 1, payload, 8000);
    net_path_mtu_lower(&f->net, f->now_ns, &far, 1000, 1500);
    if (net_path_find(&f->net, NULL, &near, &path) == 0)
        send_to(f, "192.0.2.9", 1, 1000);
    arp_in(f, ETH0, ARP_REQUEST, &peer_mac[1], "192.0.2.9", "192.0.2.1", true);
    p.offset = 1200;
    p.more = false;
    packet_in(f, TUN, &p);
}

/* The nth request for memory is refused, and only that one, or that and all behind it. */
static void test_memory_refused(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (uint64_t nth = 1;; nth++) {
            struct fake f;
            fake_init(&f);
            if (for_ever)
                test_memory_refuse_from(&f.source, nth);
            else
                test_memory_refuse_nth(&f.source, nth);
            int result = net_init(&f.net, &f.config, &f.memory, &f.counters, f.now_ns, 7);
            if (result != 0) {
                assert_int_equal(result, HAWSER_ERR_RESOURCES);
                fake_deinit(&f);
                continue;
            }
            net_deinit(&f.net);
            bool spared = f.source.refused_count == 0;
            uint64_t needed = f.source.requests_count;
            test_memory_deinit(&f.source);
            /* Now with everything that follows. */
            fake_init(&f);
            fake_start(&f);
            if (for_ever)
                test_memory_refuse_from(&f.source, nth - (spared ? needed : 0));
            else
                test_memory_refuse_nth(&f.source, nth - (spared ? needed : 0));
            for (int round = 0; round < 3; round++) {
                use_all(&f);
                for (uint32_t link = 0; link < LINKS; link++)
                    while (fake_output(&f, link))
                        ;
                fake_sleep(&f, 10 * NS_PER_S);
            }
            bool refused = f.source.refused_count > 0;
            test_memory_refuse_from(&f.source, 0);
            /* When memory is there again, so is everything. */
            fake_sleep(&f, 60 * NS_PER_S);
            for (uint32_t link = 0; link < LINKS; link++)
                while (fake_output(&f, link))
                    ;
            icmp_in(&f, TUN, "203.0.113.2", "203.0.113.1", 8, 0, 1, NULL, 0);
            assert_int_equal(fake_see(&f, TUN).icmp.kind, ICMP_ECHO_REPLY);
            meet(&f, "192.0.2.9", 1);
            fake_deinit(&f);
            if (!refused)
                break;
        }
}

/* Torn down in the middle of everything. */
static void test_deinit_busy(void **state)
{
    struct fake *f = *state;
    use_all(f);
    use_all(f);
    assert_true(f->net.buffers.used_bytes > 0);
    assert_true(f->net.reasm.delivered != REASM_NONE);
    assert_true(f->net.links[TUN].out.count > 0);
    net_deinit(&f->net);
    assert_int_equal(f->memory.used_bytes, 0);
    net_deinit(&f->net); /* does nothing */
}

static void test_deadlines(void **state)
{
    struct fake *f = *state;
    static const uint8_t payload[1200];
    struct packet p = {.src = "203.0.113.2",
                       .dst = "203.0.113.1",
                       .protocol = IP_PROTO_TCP,
                       .payload = payload,
                       .payload_len = 1200,
                       .fragment = true,
                       .id = 1,
                       .more = true};
    struct hawser_address far = at("8.8.8.8");
    uint64_t start = f->now_ns;
    assert_int_equal(net_next_deadline(&f->net), NEVER);
    assert_true(net_path_mtu_lower(&f->net, f->now_ns, &far, 1000, 1500));
    assert_int_equal(net_next_deadline(&f->net), start + 600 * NS_PER_S);
    packet_in(f, TUN, &p);
    assert_int_equal(net_next_deadline(&f->net), start + 30 * NS_PER_S);
    send_to(f, "192.0.2.9", 1, 100);
    assert_int_equal(net_next_deadline(&f->net), start + NS_PER_S);
    /* Calling early or often does no harm. */
    for (int i = 0; i < 10; i++)
        net_expire(&f->net, f->now_ns);
    assert_int_equal(net_next_deadline(&f->net), start + NS_PER_S);
    /* Late is not lost: all at once. */
    f->now_ns = start + 1000 * NS_PER_S;
    net_expire(&f->net, f->now_ns);
    assert_true(net_next_deadline(&f->net) > f->now_ns);
    assert_int_equal(f->net.reasm.head, REASM_NONE);
    assert_int_equal(pathmtus_find(&f->net.pathmtus, &far), 0);
}

/* A random but well-meant frame, now and then with random bytes changed, sometimes cut. */
static uint32_t make_frame(struct prng *prng, uint32_t link, uint8_t *frame)
{
    static const char *const v4[] = {"192.0.2.1",    "192.0.2.9", "203.0.113.1",
                                     "203.0.113.2",  "127.0.0.1", "255.255.255.255",
                                     "198.51.100.1", "8.8.8.8",   "224.0.0.1"};
    static const char *const v6[] = {"2001:db8::1",   "2001:db8::9", "ff02::1",
                                     "2001:db8:f::1", "fe80::9",     "ff02::1:ff00:1",
                                     "::1",           "::",          "fe80::ff:fe00:1"};
    static const uint8_t protocols[] = {
        IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, IP_PROTO_ICMPV6, 0, 43, 44, 60, 59, 255};
    const char *const *texts = prng_below(prng, 2) ? v4 : v6;
    uint8_t payload[512];
    struct packet p = {.src = texts[prng_below(prng, 9)],
                       .dst = texts[prng_below(prng, 9)],
                       .protocol = protocols[prng_below(prng, sizeof protocols)],
                       .hop_limit = prng_below(prng, 2) ? 255 : 64,
                       .traffic_class = (uint8_t)prng_next(prng),
                       .payload = payload,
                       .payload_len = prng_below(prng, 400),
                       .fragment = prng_below(prng, 3) == 0,
                       .id = prng_below(prng, 4),
                       .offset = 8 * prng_below(prng, 40),
                       .more = prng_below(prng, 2)};
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(prng_next(prng) >> 32);
    struct hawser_address src = at(p.src), dst = at(p.dst);
    if (prng_below(prng, 2)) { /* a good checksum, and a type that is known */
        static const uint8_t types[] = {3, 1, 2, 4, 8, 11, 12, 128, 135, 136, 134, 137};
        payload[0] = types[prng_below(prng, sizeof types)];
        payload[1] = (uint8_t)prng_below(prng, 5);
        store_be16(payload + 2, 0);
        uint32_t sum = checksum_sum(payload, p.payload_len);
        if (p.protocol == IP_PROTO_ICMPV6)
            sum = checksum_add(sum, checksum_pseudo(&src, &dst, IP_PROTO_ICMPV6, p.payload_len));
        store_be16(payload + 2, checksum_finish(sum));
    }
    uint32_t n = packet_frame(link, &p, frame);
    if (prng_below(prng, 8) == 0 && link <= ETH1) {
        frame[12] = 8;
        frame[13] = 6;
        memcpy(frame + 14, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8);
    }
    for (uint32_t changes = prng_below(prng, 3); changes > 0 && n > 0; changes--)
        frame[prng_below(prng, n)] = (uint8_t)prng_next(prng);
    if (prng_below(prng, 10) == 0)
        n = prng_below(prng, n + 1);
    return n;
}

/* One run of garbage and honest use mixed; the digest of all that came out. */
static uint64_t garbage_run(uint64_t seed)
{
    static uint8_t frame[FAKE_FRAME_MAX];
    struct fake f;
    struct prng prng;
    struct siphash_key key = {{1, 1}};
    uint64_t digest = 0;
    fake_init(&f);
    fake_start(&f);
    prng_init(&prng, seed);
    for (int i = 0; i < 20000; i++) {
        uint32_t link = prng_below(&prng, LINKS);
        uint32_t n = make_frame(&prng, link, frame);
        fake_input(&f, link, frame, n);
        if (prng_below(&prng, 10) == 0)
            fake_sleep(&f, prng_below(&prng, 500) * NS_PER_MS);
        struct hawser_address to = at(prng_below(&prng, 2) ? "192.0.2.9" : "2001:db8::9");
        struct net_path path;
        if (prng_below(&prng, 4) == 0 && net_path_find(&f.net, NULL, &to, &path) == 0)
            send_to(&f, prng_below(&prng, 2) ? "192.0.2.9" : "2001:db8::9", 1, 200);
        link = prng_below(&prng, LINKS);
        for (uint32_t k = prng_below(&prng, 4); k > 0 && fake_output(&f, link); k--) {
            uint64_t words[2] = {digest, siphash(&key, f.frame, f.length)};
            digest = siphash_words(&key, words, 2);
        }
        assert_true(f.net.buffers.used_bytes <= f.config.fragments_bytes_max + FRAMES_BYTES_MAX);
        assert_true(f.net.neighbours.pool.used_count <= f.config.neighbours_max);
    }
    fake_deinit(&f);
    return digest;
}

static void test_garbage(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t digest = garbage_run(seed);
        assert_true(digest != 0);
        if (seed <= 2) /* the same inputs, the same bytes out */
            assert_true(garbage_run(seed) == digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_extremes),
        cmocka_unit_test(test_memory_refused),
        cmocka_unit_test_setup_teardown(test_deinit_busy, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, fake_setup, fake_teardown),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
