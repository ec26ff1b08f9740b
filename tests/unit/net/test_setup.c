/* SPDX-License-Identifier: MIT */
/* Links, addresses and routes as the embedder gives them: every wrong argument, every limit. */
#include "fake.h"

#include <stdio.h>

static void test_links(void **state)
{
    struct fake *f = *state;
    static const struct {
        struct hawser_link_config config;
        int result;
    } rows[] = {
        {{.kind = HAWSER_LINK_IP, .mtu = 67}, HAWSER_ERR_INVALID},
        {{.kind = HAWSER_LINK_IP, .mtu = 65536}, HAWSER_ERR_INVALID},
        {{.kind = (enum hawser_link_kind)7, .mtu = 1500}, HAWSER_ERR_INVALID},
        {{.kind = HAWSER_LINK_ETHERNET, .mtu = 1500}, HAWSER_ERR_INVALID},
        {{.kind = HAWSER_LINK_ETHERNET, .mtu = 1500, .mac = {1, 0, 0, 0, 0, 1}},
         HAWSER_ERR_INVALID},
        {{.kind = HAWSER_LINK_ETHERNET, .mtu = 68, .mac = {2, 0, 0, 0, 0, 9}}, 0},
        {{.kind = HAWSER_LINK_IP, .mtu = 1500}, HAWSER_ERR_RESOURCES},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t link = 99;
        assert_int_equal(net_link_add(&f->net, &rows[i].config, &link), rows[i].result);
        assert_int_equal(link, rows[i].result == 0 ? LINKS : 99);
    }
}

static void test_addresses(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        const char *address;
        unsigned bits;
        int result;
    } rows[] = {
        {LINKS, "192.0.2.9", 24, HAWSER_ERR_INVALID}, /* no such link */
        {ETH0, "192.0.2.9", 33, HAWSER_ERR_INVALID},
        {ETH0, "2001:db8::9", 129, HAWSER_ERR_INVALID},
        {ETH0, "0.0.0.0", 24, HAWSER_ERR_INVALID},
        {ETH0, "0.1.2.3", 24, HAWSER_ERR_INVALID},
        {ETH0, "::", 64, HAWSER_ERR_INVALID},
        {ETH0, "224.0.0.1", 24, HAWSER_ERR_INVALID},
        {ETH0, "ff02::1", 64, HAWSER_ERR_INVALID},
        {ETH0, "255.255.255.255", 24, HAWSER_ERR_INVALID},
        {ETH0, "127.0.0.2", 8, HAWSER_ERR_INVALID},
        {ETH0, "::1", 128, HAWSER_ERR_INVALID},
        {ETH0, "192.0.2.1", 24, HAWSER_ERR_EXISTS},
        {ETH1, "192.0.2.1", 16, HAWSER_ERR_EXISTS},
        {ETH0, "fe80::ff:fe00:1", 64, HAWSER_ERR_EXISTS}, /* made from the MAC */
        {LO, "127.0.0.2", 8, 0}, /* not the same as 127.0.0.1, though that answers for it */
        {LO, "127.0.0.2", 8, HAWSER_ERR_EXISTS},
        {ETH0, "192.0.2.9", 0, 0},
        {ETH0, "2001:db8::9", 128, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address address = at(rows[i].address);
        uint32_t generation = f->net.generation;
        int result = net_address_add(&f->net, rows[i].link, &address, rows[i].bits);
        if (result != rows[i].result)
            fail_msg("%s: %d", rows[i].address, result);
        assert_int_equal(f->net.generation != generation, result == 0);
    }
}

static void test_address_limit(void **state)
{
    struct fake *f = *state;
    struct hawser_address address;
    char text[64];
    unsigned added = 0;
    for (;; added++) {
        snprintf(text, sizeof text, "10.0.%u.1", added);
        address = at(text);
        if (net_address_add(&f->net, ETH1, &address, 24) != 0)
            break;
    }
    assert_int_equal(net_address_add(&f->net, ETH1, &address, 24), HAWSER_ERR_RESOURCES);
    assert_int_equal(added + 7, f->config.addresses_max);
    address = at("10.0.0.1");
    assert_int_equal(net_address_remove(&f->net, &address), 0);
    assert_int_equal(net_address_add(&f->net, ETH1, &address, 24), 0);
}

static void test_address_remove(void **state)
{
    struct fake *f = *state;
    struct hawser_address own = at("198.51.100.1"), peer = at("198.51.100.9"), lo = at("127.0.0.7");
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &peer, &path), 0);
    assert_int_equal(path.link, ETH1);
    assert_true(net_is_local(&f->net, &own));
    assert_int_equal(net_address_remove(&f->net, &own), 0);
    assert_false(net_is_local(&f->net, &own));
    assert_false(net_path_fresh(&f->net, &path));
    assert_int_equal(net_address_remove(&f->net, &own), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    assert_int_equal(net_address_remove(&f->net, &peer), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    assert_true(net_is_local(&f->net, &lo)); /* answered for, but not an address of its own */
    assert_int_equal(net_address_remove(&f->net, &lo), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    /* Its connected route went with it. */
    assert_int_equal(net_path_find(&f->net, NULL, &peer, &path), 0);
    assert_int_equal(path.link, ETH0);
}

/* Two addresses in a subnet: its route stays with the second. */
static void test_connected_route_of_two(void **state)
{
    struct fake *f = *state;
    struct hawser_address first = at("198.51.100.1"), second = at("198.51.100.2");
    struct hawser_address peer = at("198.51.100.9");
    struct net_path path;
    assert_int_equal(net_address_add(&f->net, ETH1, &second, 24), 0);
    assert_int_equal(net_address_remove(&f->net, &first), 0);
    assert_int_equal(net_path_find(&f->net, NULL, &peer, &path), 0);
    assert_int_equal(path.link, ETH1);
    assert_memory_equal(&path.source, &second, 16);
}

/* RFC 4291 2.5.1, appendix A: once, and only on Ethernet. */
static void test_automatic_address(void **state)
{
    struct fake *f = *state;
    struct hawser_address eth0 = at("fe80::ff:fe00:1"), eth1 = at("fe80::ff:fe00:2");
    struct hawser_address more = at("2001:db8:1::1");
    assert_true(net_is_local(&f->net, &eth0));
    assert_false(net_is_local(&f->net, &eth1));
    assert_int_equal(net_address_add(&f->net, ETH1, &more, 64), 0);
    assert_true(net_is_local(&f->net, &eth1));
    uint32_t count = f->net.addresses.count;
    more = at("2001:db8:2::1");
    assert_int_equal(net_address_add(&f->net, ETH1, &more, 64), 0);
    assert_int_equal(f->net.addresses.count, count + 1);
    /* Once taken away it stays away. */
    assert_int_equal(net_address_remove(&f->net, &eth1), 0);
    more = at("2001:db8:3::1");
    assert_int_equal(net_address_add(&f->net, ETH1, &more, 64), 0);
    assert_false(net_is_local(&f->net, &eth1));
    /* TUN has IPv6 and no MAC. */
    for (uint32_t i = 0; i < f->net.addresses.count; i++)
        if (f->net.addresses.list[i].link == TUN)
            assert_false(f->net.addresses.list[i].automatic);
}

/* Two links with one MAC: the address cannot be made twice. */
static void test_automatic_address_once(void **state)
{
    struct fake *f = *state;
    struct hawser_link_config twin = {.kind = HAWSER_LINK_ETHERNET, .mtu = 1500};
    struct hawser_address v6 = at("2001:db8:5::1");
    uint32_t link, count = f->net.addresses.count;
    memcpy(twin.mac, fake_mac[0].b, 6);
    assert_int_equal(net_link_add(&f->net, &twin, &link), 0);
    assert_int_equal(net_address_add(&f->net, link, &v6, 64), 0);
    assert_int_equal(f->net.addresses.count, count + 1);
}

static void test_ipv6_needs_its_mtu(void **state)
{
    struct fake *f = *state;
    struct hawser_link_config small = {.kind = HAWSER_LINK_IP, .mtu = 1279};
    struct hawser_address v6 = at("2001:db8:5::1"), v4 = at("10.5.0.1");
    uint32_t link;
    assert_int_equal(net_link_add(&f->net, &small, &link), 0);
    assert_int_equal(net_address_add(&f->net, link, &v6, 64), HAWSER_ERR_INVALID);
    assert_int_equal(net_address_add(&f->net, link, &v4, 24), 0);
}

static void test_routes(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *prefix;
        unsigned bits;
        const char *gateway;
        uint32_t link, metric;
        int result;
    } rows[] = {
        {"10.0.0.0", 8, "192.0.2.254", LINKS, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 33, "192.0.2.254", ETH0, 1, HAWSER_ERR_INVALID},
        {"2001:db8:7::", 129, NULL, ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "2001:db8::fe", ETH0, 1, HAWSER_ERR_INVALID}, /* families */
        {"2001:db8:7::", 48, "192.0.2.254", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "0.0.0.0", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "224.0.0.1", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "192.0.2.255", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "127.0.0.9", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "192.0.2.1", ETH0, 1, HAWSER_ERR_INVALID}, /* ourselves */
        {"224.0.0.0", 4, "192.0.2.254", ETH0, 1, HAWSER_ERR_INVALID},
        {"10.0.0.0", 8, "192.0.2.254", ETH0, 1, 0},
        {"10.9.9.9", 8, "192.0.2.253", ETH0, 1, HAWSER_ERR_EXISTS}, /* the same prefix */
        {"10.0.0.0", 8, "192.0.2.253", ETH0, 2, 0},
        {"10.0.0.0", 8, NULL, ETH1, 1, 0},
        {"0.0.0.0", 0, "192.0.2.253", ETH0, 1, HAWSER_ERR_EXISTS},
        {"::", 0, "192.0.2.253", ETH0, 1, HAWSER_ERR_EXISTS}, /* means the one of IPv4 */
        {"::", 0, "192.0.2.253", ETH0, 2, 0},
        {"::", 0, "2001:db8::fd", ETH0, 1, HAWSER_ERR_EXISTS},
        {"0.0.0.0", 0, "2001:db8::fd", ETH0, 9, HAWSER_ERR_INVALID},
        {"2001:db8:7::", 48, "fe80::fe", ETH0, 1, 0},
        {"::", 0, NULL, TUN, 5, 0},
        {"10.1.0.0", 16, NULL, TUN, 1, HAWSER_ERR_RESOURCES},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address prefix = at(rows[i].prefix), gateway;
        if (rows[i].gateway != NULL)
            gateway = at(rows[i].gateway);
        uint32_t generation = f->net.generation;
        int result =
            net_route_add(&f->net, &prefix, rows[i].bits, rows[i].gateway != NULL ? &gateway : NULL,
                          rows[i].link, rows[i].metric);
        if (result != rows[i].result)
            fail_msg("row %zu: %d", i, result);
        assert_int_equal(f->net.generation != generation, result == 0);
    }
}

static uint32_t link_to(struct fake *f, const char *destination)
{
    struct hawser_address to = at(destination);
    struct net_path path;
    return net_path_find(&f->net, NULL, &to, &path) == 0 ? path.link : 99;
}

static void test_route_remove(void **state)
{
    struct fake *f = *state;
    struct hawser_address ten = at("10.0.0.0"), any = at("::"), any_v4 = at("0.0.0.0");
    struct hawser_address connected = at("192.0.2.0");
    assert_int_equal(net_route_add(&f->net, &ten, 8, NULL, TUN, 5), 0);
    assert_int_equal(net_route_add(&f->net, &ten, 8, NULL, ETH1, 3), 0);
    assert_int_equal(link_to(f, "10.1.1.1"), ETH1);
    assert_int_equal(net_route_remove(&f->net, &ten, 8, ETH0), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_route_remove(&f->net, &ten, 9, ETH1), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_route_remove(&f->net, &ten, 33, ETH1), HAWSER_ERR_UNREACHABLE);
    ten = at("10.77.0.0"); /* what is behind the length does not matter */
    assert_int_equal(net_route_remove(&f->net, &ten, 8, ETH1), 0);
    assert_int_equal(link_to(f, "10.1.1.1"), TUN);
    assert_int_equal(net_route_remove(&f->net, &ten, 8, TUN), 0);
    assert_int_equal(link_to(f, "10.1.1.1"), ETH0);
    assert_int_equal(net_route_remove(&f->net, &connected, 24, ETH0), HAWSER_ERR_UNREACHABLE);
    /* "::" takes the default route of IPv6 first, then that of IPv4. */
    assert_int_equal(net_route_remove(&f->net, &any, 0, ETH0), 0);
    assert_int_equal(link_to(f, "2600::1"), 99);
    assert_int_equal(link_to(f, "10.1.1.1"), ETH0);
    assert_int_equal(net_route_remove(&f->net, &any, 0, ETH0), 0);
    assert_int_equal(link_to(f, "10.1.1.1"), 99);
    assert_int_equal(net_route_remove(&f->net, &any, 0, ETH0), HAWSER_ERR_UNREACHABLE);
    assert_int_equal(net_route_remove(&f->net, &any_v4, 0, ETH0), HAWSER_ERR_UNREACHABLE);
}

static void test_questions(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *text;
        bool local, broadcast;
    } rows[] = {
        {"192.0.2.1", true, false},       {"192.0.2.255", false, true},
        {"255.255.255.255", false, true}, {"198.51.100.255", false, true},
        {"203.0.113.3", false, true},     {"203.0.113.255", false, false},
        {"127.9.9.9", true, false},       {"::1", true, false},
        {"2001:db8::1", true, false},     {"ff02::1", false, false},
        {"0.0.0.0", false, false},        {"ff02::1:ff00:1", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address address = at(rows[i].text);
        if (net_is_local(&f->net, &address) != rows[i].local ||
            net_is_broadcast(&f->net, &address) != rows[i].broadcast)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_links, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_addresses, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_address_limit, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_address_remove, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_connected_route_of_two, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_automatic_address, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_automatic_address_once, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_ipv6_needs_its_mtu, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_routes, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_route_remove, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_questions, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
