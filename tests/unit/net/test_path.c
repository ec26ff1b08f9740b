/* SPDX-License-Identifier: MIT */
/* Ways to destinations: which link, which source, which MTU, and when a way must be found again. */
#include "fake.h"

static const struct hawser_address unspecified;

static void test_find(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *source, *destination; /* source "::": any */
        int result;
        uint32_t link;
        const char *chosen;
        uint32_t mtu;
    } rows[] = {
        {"::", "192.0.2.9", 0, ETH0, "192.0.2.1", 1500},
        {"::", "198.51.100.9", 0, ETH1, "198.51.100.1", 1500},
        {"::", "203.0.113.2", 0, TUN, "203.0.113.1", 1400},
        {"::", "8.8.8.8", 0, ETH0, "192.0.2.1", 1500}, /* through the gateway */
        {"::", "240.1.1.1", 0, ETH0, "192.0.2.1", 1500},
        {"0.0.0.0", "192.0.2.9", 0, ETH0, "192.0.2.1", 1500},
        {"198.51.100.1", "192.0.2.9", 0, ETH0, "198.51.100.1", 1500},
        {"::", "2001:db8::9", 0, ETH0, "2001:db8::1", 1500},
        {"::", "2600::9", 0, ETH0, "2001:db8::1", 1500},
        {"::", "2001:db8:f::9", 0, TUN, "2001:db8:f::1", 1400},
        {"::", "fe80::9", 0, ETH0, "fe80::ff:fe00:1", 1500},
        {"2001:db8::1", "fe80::9", 0, ETH0, "2001:db8::1", 1500},
        {"2001:db8:f::1", "fe80::9", HAWSER_ERR_UNREACHABLE, 0, NULL, 0}, /* not on that link */
        /* ourselves */
        {"::", "192.0.2.1", 0, LO, "192.0.2.1", 65535},
        {"::", "127.0.0.1", 0, LO, "127.0.0.1", 65535},
        {"::", "127.3.2.1", 0, LO, "127.3.2.1", 65535},
        {"::", "::1", 0, LO, "::1", 65535},
        {"127.0.0.1", "192.0.2.1", 0, LO, "127.0.0.1", 65535},
        {"192.0.2.1", "127.0.0.1", 0, LO, "192.0.2.1", 65535},
        {"::", "fe80::ff:fe00:1", 0, LO, "fe80::ff:fe00:1", 65535},
        /* a loopback address does not leave the host */
        {"127.0.0.1", "192.0.2.9", HAWSER_ERR_UNREACHABLE, 0, NULL, 0},
        {"::1", "2001:db8::9", HAWSER_ERR_UNREACHABLE, 0, NULL, 0},
        /* none of ours, or the other family */
        {"192.0.2.2", "192.0.2.9", HAWSER_ERR_ADDRESS_NOT_LOCAL, 0, NULL, 0},
        {"192.0.2.255", "192.0.2.9", HAWSER_ERR_ADDRESS_NOT_LOCAL, 0, NULL, 0},
        {"192.0.2.1", "2001:db8::9", HAWSER_ERR_ADDRESS_NOT_LOCAL, 0, NULL, 0},
        {"2001:db8::1", "192.0.2.9", HAWSER_ERR_ADDRESS_NOT_LOCAL, 0, NULL, 0},
        {"224.0.0.1", "192.0.2.9", HAWSER_ERR_ADDRESS_NOT_LOCAL, 0, NULL, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address source = at(rows[i].source), to = at(rows[i].destination);
        struct net_path path, before;
        memset(&path, 0x5a, sizeof path);
        before = path;
        int result = net_path_find(&f->net, &source, &to, &path);
        if (result != rows[i].result)
            fail_msg("%s from %s: %d", rows[i].destination, rows[i].source, result);
        if (result != 0) {
            assert_memory_equal(&path, &before, sizeof path);
            continue;
        }
        struct hawser_address chosen = at(rows[i].chosen);
        if (path.link != rows[i].link || memcmp(&path.source, &chosen, 16) != 0)
            fail_msg("%s from %s: link %u", rows[i].destination, rows[i].source, path.link);
        assert_int_equal(path.mtu, rows[i].mtu);
        assert_int_equal(net_path_link_mtu(&f->net, &path), rows[i].mtu);
        assert_int_equal(path.neighbour == NEIGHBOUR_NONE, path.link == TUN || path.link == LO);
        assert_true(net_path_fresh(&f->net, &path));
        assert_int_equal(net_headroom(&f->net, &path, false),
                         path.link == TUN || path.link == LO ? 20 : 34);
    }
    fake_no_output(f); /* nothing is asked before something is sent */
}

/* EVIDENCE 9293-MUST-46 */
static void test_bad_remote(void **state)
{
    struct fake *f = *state;
    static const char *const rows[] = {
        "0.0.0.0",        "0.1.2.3",         "::",        "255.255.255.255", "192.0.2.255",
        "198.51.100.255", "203.0.113.3",     "224.0.0.1", "239.255.255.250", "ff02::1",
        "ff02::1:ff00:1", "127.255.255.255", "ff0e::101",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address to = at(rows[i]);
        struct net_path path;
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), HAWSER_ERR_BAD_REMOTE);
    }
    assert_int_equal(f->net.neighbours.pool.used_count, 0);
    fake_no_output(f);
}

/* Without routes, without a loopback link, without a source. */
static void test_unreachable(void **state)
{
    (void)state;
    struct fake f;
    struct hawser_link_config eth = {.kind = HAWSER_LINK_ETHERNET, .mac = {2}, .mtu = 1500};
    struct hawser_link_config tun = {.kind = HAWSER_LINK_IP, .mtu = 1279};
    struct hawser_address own = at("192.0.2.1"), far = at("8.8.8.8"), lo = at("127.0.0.1");
    struct hawser_address lo_v6 = at("::1"), far_v6 = at("2600::1"), any_v6 = at("::");
    struct hawser_address gateway = at("192.0.2.254");
    struct net_path path;
    uint32_t link;
    fake_init(&f);
    assert_int_equal(net_init(&f.net, &f.config, &f.memory, &f.counters, 0, 1), 0);
    assert_int_equal(net_path_find(&f.net, NULL, &far, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_link_add(&f.net, &eth, &link), 0);
    assert_int_equal(net_address_add(&f.net, link, &own, 24), 0);
    assert_int_equal(net_path_find(&f.net, NULL, &far, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_path_find(&f.net, NULL, &own, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_path_find(&f.net, NULL, &lo, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_route_add(&f.net, &unspecified, 0, &gateway, link, 1), 0);
    assert_int_equal(net_path_find(&f.net, NULL, &far, &path), 0);
    /* Also with a default route no loopback address is sent anywhere. */
    assert_int_equal(net_path_find(&f.net, NULL, &lo, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_route_add(&f.net, &any_v6, 0, NULL, link, 1), 0);
    assert_int_equal(net_path_find(&f.net, NULL, &lo_v6, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_path_find(&f.net, NULL, &far_v6, &path), HAWSER_ERR_UNREACHABLE);
    /* A link too small for IPv6. */
    assert_int_equal(net_link_add(&f.net, &tun, &link), 0);
    assert_int_equal(net_route_add(&f.net, &far_v6, 128, NULL, link, 1), 0);
    struct hawser_address own_v6 = at("2001:db8::1");
    assert_int_equal(net_address_add(&f.net, link - 1, &own_v6, 64), 0);
    assert_int_equal(net_path_find(&f.net, NULL, &far_v6, &path), HAWSER_ERR_UNREACHABLE);
    assert_false(net_path_mtu_lower(&f.net, 0, &own, 1000, 1500));
    assert_false(net_path_mtu_lower(&f.net, 0, &lo_v6, 1300, 1500));
    fake_deinit(&f);
}

/* Link-local destinations do not leave their link, whatever the default route says. */
static void test_link_local(void **state)
{
    struct fake *f = *state;
    struct hawser_address v4 = at("169.254.3.4"), own = at("169.254.1.1");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &v4, &path), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_address_add(&f->net, ETH1, &own, 16), 0);
    assert_int_equal(net_path_find(&f->net, NULL, &v4, &path), 0);
    assert_int_equal(path.link, ETH1);
    assert_memory_equal(&path.source, &own, 16);
    /* Two links have fe80::/64: the source's counts. */
    struct hawser_address on_eth1 = at("2001:db8:1::1"), peer = at("fe80::9");
    assert_int_equal(net_address_add(&f->net, ETH1, &on_eth1, 64), 0);
    struct hawser_address sources[] = {at("fe80::ff:fe00:1"), at("fe80::ff:fe00:2")};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(net_path_find(&f->net, &sources[i], &peer, &path), 0);
        assert_int_equal(path.link, i == 0 ? ETH0 : ETH1);
    }
}

static void test_freshness(void **state)
{
    struct fake *f = *state;
    struct hawser_address to = at("192.0.2.9"), more = at("10.0.0.1"), gateway = at("192.0.2.7");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
    for (int change = 0; change < 5; change++) {
        assert_true(net_path_fresh(&f->net, &path));
        if (change == 0)
            assert_int_equal(net_address_add(&f->net, ETH1, &more, 24), 0);
        else if (change == 1)
            assert_int_equal(net_route_add(&f->net, &more, 32, &gateway, ETH0, 1), 0);
        else if (change == 2)
            assert_int_equal(net_route_remove(&f->net, &more, 32, ETH0), 0);
        else if (change == 3)
            assert_int_equal(net_address_remove(&f->net, &more), 0);
        else
            assert_true(net_path_mtu_lower(&f->net, f->now_ns, &to, 1000, 1500));
        assert_false(net_path_fresh(&f->net, &path));
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
    }
    assert_int_equal(path.mtu, 1000);
    assert_int_equal(sizeof(struct net_path), 32);
    /* In place: source may be the path's own. */
    assert_int_equal(net_path_find(&f->net, &path.source, &to, &path), 0);
}

struct too_big {
    const char *destination;
    uint32_t reported, quoted;
    bool lower;
    uint32_t mtu; /* of the path afterwards */
};

static void check_too_big(struct fake *f, const struct too_big *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hawser_address to = at(rows[i].destination);
        struct net_path path;
        uint64_t lowered = f->counters.path_mtu_lowered;
        uint32_t generation = f->net.generation;
        bool lower = net_path_mtu_lower(&f->net, f->now_ns, &to, rows[i].reported, rows[i].quoted);
        if (lower != rows[i].lower)
            fail_msg("row %zu: %d", i, lower);
        assert_int_equal(f->counters.path_mtu_lowered, lowered + lower);
        assert_int_equal(f->net.generation != generation, lower);
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
        if (path.mtu != rows[i].mtu)
            fail_msg("row %zu: %u", i, path.mtu);
        assert_int_equal(net_path_link_mtu(&f->net, &path), 1500);
    }
}

/* EVIDENCE 1191-01 1191-02 1191-03 */
static void test_mtu_v4(void **state)
{
    static const struct too_big rows[] = {
        {"8.8.8.8", 1500, 1500, false, 1500}, {"8.8.8.8", 9000, 1500, false, 1500},
        {"8.8.8.8", 1400, 1500, true, 1400},  {"8.8.8.8", 1400, 1500, false, 1400},
        {"8.8.8.8", 1450, 1500, false, 1400}, {"8.8.4.4", 0, 1499, true, 1492},
        {"8.8.4.4", 0, 1492, true, 1006},     {"8.8.4.4", 0, 1006, true, 508},
        {"8.8.4.4", 0, 1500, false, 508},
        {"8.8.8.8", 20, 1400, true, 68},      {"8.8.8.8", 20, 68, false, 68},
        {"8.8.8.8", 0, 68, false, 68},        {"9.9.9.9", 1000, 1500, true, 1000},
        {"8.8.4.4", 600, 508, false, 508},
    };
    check_too_big(*state, rows, COUNT_OF(rows));
}

/* EVIDENCE 8201-01 8201-03 */
static void test_mtu_v6(void **state)
{
    static const struct too_big rows[] = {
        {"2600::1", 600, 1500, false, 1500}, {"2600::1", 1279, 1500, false, 1500},
        {"2600::1", 0, 1500, false, 1500},   {"2600::1", 1501, 1500, false, 1500},
        {"2600::1", 1300, 1500, true, 1300}, {"2600::1", 1400, 1500, false, 1300},
        {"2600::1", 1280, 1300, true, 1280}, {"2600::1", 1280, 1280, false, 1280},
        {"2600::1", 600, 1280, false, 1280}, {"2600::2", 4294967295, 1500, false, 1500},
    };
    check_too_big(*state, rows, COUNT_OF(rows));
}

/* EVIDENCE 1191-04 8201-03 8201-06 */
static void test_mtu_ages(void **state)
{
    struct fake *f = *state;
    static const char *const rows[] = {"8.8.8.8", "2600::1"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address to = at(rows[i]);
        struct net_path path;
        assert_true(net_path_mtu_lower(&f->net, f->now_ns, &to, 1300, 1500));
        fake_sleep(f, 600 * NS_PER_S - 1);
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
        assert_int_equal(path.mtu, 1300);
        assert_int_equal(net_next_deadline(&f->net), f->now_ns + 1);
        fake_sleep(f, 1);
        assert_false(net_path_fresh(&f->net, &path));
        assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
        assert_int_equal(path.mtu, 1500);
    }
}

static void test_mtu_discovery_off(void **state)
{
    struct fake *f = *state;
    struct hawser_address v4 = at("8.8.8.8"), v6 = at("2600::1"), nowhere = at("fe80::1:1");
    f->config.path_mtu_discovery = false;
    assert_false(net_path_mtu_lower(&f->net, f->now_ns, &v4, 1300, 1500));
    assert_true(net_path_mtu_lower(&f->net, f->now_ns, &v6, 1300, 1500)); /* no choice there */
    struct hawser_address fe80 = at("fe80::ff:fe00:1"), any = at("::");
    assert_int_equal(net_address_remove(&f->net, &fe80), 0);
    assert_false(net_path_mtu_lower(&f->net, f->now_ns, &nowhere, 1300, 1500));
    assert_int_equal(net_route_remove(&f->net, &any, 0, ETH0), 0);
    assert_false(net_path_mtu_lower(&f->net, f->now_ns, &v6, 1290, 1500));
}

/* A flood of reports about many destinations costs bounded memory. */
static void test_mtu_table_bounded(void **state)
{
    struct fake *f = *state;
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t b[4];
        store_be32(b, 0x08000000 + i);
        struct hawser_address to = address_of_v4(b);
        assert_true(net_path_mtu_lower(&f->net, f->now_ns, &to, 1300, 1500));
        assert_true(f->net.pathmtus.pool.used_count <= f->config.paths_max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_bad_remote, fake_setup, fake_teardown),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test_setup_teardown(test_link_local, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_freshness, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mtu_v4, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mtu_v6, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mtu_ages, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mtu_discovery_off, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mtu_table_bounded, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
