/* SPDX-License-Identifier: MIT */
/* Own addresses: what an address is to the host, and which one is chosen to speak from. */
#include "fake.h"

#include <stdio.h>

#include "net/address.h"

#define LIMIT 64u

static struct local_address list[LIMIT];
static uint32_t slots[1024];
static struct addresses a;

static int setup(void **state)
{
    (void)state;
    memset(slots, 0, sizeof slots);
    assert_true(addresses_slots(LIMIT) <= COUNT_OF(slots));
    addresses_init(&a, list, slots, LIMIT);
    return 0;
}

static void add(const char *text, unsigned bits, uint32_t link, bool loopback)
{
    struct hawser_address address = at(text);
    struct local_address entry = {.address = address,
                                  .link = link,
                                  .bits = (uint8_t)(address_is_v4(&address) ? 96 + bits : bits),
                                  .loopback = loopback};
    addresses_add(&a, &entry);
}

static enum address_kind kind_of(const char *text)
{
    struct hawser_address address = at(text);
    uint32_t index = ADDRESS_INDEX_NONE;
    enum address_kind kind = addresses_lookup(&a, &address, &index);
    assert_int_equal(addresses_lookup(&a, &address, NULL), kind);
    if (kind != ADDRESS_FOREIGN)
        assert_true(index < a.count);
    return kind;
}

static void remove_address(const char *text)
{
    struct hawser_address address = at(text);
    uint32_t index;
    assert_int_equal(addresses_lookup(&a, &address, &index), ADDRESS_LOCAL);
    addresses_remove(&a, index);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum address_kind kind;
    } rows[] = {
        {"192.0.2.1", ADDRESS_LOCAL},
        {"192.0.2.255", ADDRESS_SUBNET_BROADCAST},
        {"192.0.2.2", ADDRESS_FOREIGN},
        {"192.0.2.0", ADDRESS_FOREIGN},
        {"10.1.2.3", ADDRESS_LOCAL},
        {"10.1.2.255", ADDRESS_FOREIGN}, /* of a /8 */
        {"10.255.255.255", ADDRESS_SUBNET_BROADCAST},
        {"203.0.113.1", ADDRESS_LOCAL},
        {"203.0.113.3", ADDRESS_SUBNET_BROADCAST}, /* /30 */
        {"203.0.113.8", ADDRESS_LOCAL},
        {"203.0.113.9", ADDRESS_FOREIGN}, /* /31: the other end */
        {"203.0.113.20", ADDRESS_LOCAL},  /* /32 */
        {"2001:db8::1", ADDRESS_LOCAL},
        {"2001:db8::2", ADDRESS_FOREIGN},
        {"2001:db8::ffff:ffff:ffff:ffff", ADDRESS_FOREIGN},
        {"ff02::1:ff00:1", ADDRESS_SOLICITED_NODE},
        {"ff02::1:ffab:cdef", ADDRESS_SOLICITED_NODE},
        {"ff02::1:ff00:2", ADDRESS_FOREIGN},
        {"::c000:201", ADDRESS_FOREIGN}, /* 192.0.2.1, but not mapped */
        {"127.0.0.1", ADDRESS_FOREIGN},
        {"::", ADDRESS_FOREIGN},
        {"0.0.0.0", ADDRESS_FOREIGN},
    };
    add("192.0.2.1", 24, 0, false);
    add("10.1.2.3", 8, 0, false);
    add("203.0.113.1", 30, 1, false);
    add("203.0.113.8", 31, 1, false);
    add("203.0.113.20", 32, 1, false);
    add("2001:db8::1", 64, 0, false);
    add("2001:db8::12ab:cdef", 64, 0, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (kind_of(rows[i].text) != rows[i].kind)
            fail_msg("%s", rows[i].text);
}

/* An address is one even where it is another subnet's broadcast address, whichever came first. */
static void test_local_before_group(void **state)
{
    (void)state;
    add("192.0.2.1", 24, 0, false);
    assert_int_equal(kind_of("192.0.2.255"), ADDRESS_SUBNET_BROADCAST);
    add("192.0.2.255", 16, 1, false);
    assert_int_equal(kind_of("192.0.2.255"), ADDRESS_LOCAL);
    remove_address("192.0.2.255");
    assert_int_equal(kind_of("192.0.2.255"), ADDRESS_SUBNET_BROADCAST);
    /* Two of a subnet share it; it stays with the second. */
    add("192.0.2.9", 24, 0, false);
    remove_address("192.0.2.1");
    assert_int_equal(kind_of("192.0.2.255"), ADDRESS_SUBNET_BROADCAST);
    assert_int_equal(kind_of("192.0.2.1"), ADDRESS_FOREIGN);
    remove_address("192.0.2.9");
    assert_int_equal(kind_of("192.0.2.255"), ADDRESS_FOREIGN);
}

/* RFC 1122 3.2.1.3 (g) */
static void test_loopback_net(void **state)
{
    (void)state;
    add("192.0.2.1", 24, 0, false);
    assert_int_equal(kind_of("127.0.0.5"), ADDRESS_FOREIGN);
    add("127.0.0.1", 8, 1, true);
    add("127.0.0.2", 8, 1, true);
    assert_int_equal(kind_of("127.0.0.5"), ADDRESS_LOCAL);
    assert_int_equal(kind_of("127.255.255.255"), ADDRESS_SUBNET_BROADCAST);
    assert_int_equal(kind_of("128.0.0.5"), ADDRESS_FOREIGN);
    remove_address("127.0.0.1");
    assert_int_equal(kind_of("127.0.0.1"), ADDRESS_LOCAL); /* any of them is */
    addresses_remove(&a, 1);
    assert_int_equal(kind_of("127.0.0.5"), ADDRESS_FOREIGN);
    assert_int_equal(a.count, 1);
}

static void test_many(void **state)
{
    (void)state;
    char text[64];
    for (unsigned i = 0; i < LIMIT; i++) {
        snprintf(text, sizeof text, i % 2 ? "10.%u.0.1" : "2001:db8:%u::1", i);
        add(text, i % 2 ? 16 : 64, i % 3, false);
    }
    for (unsigned removed = 0; removed < LIMIT; removed++) {
        for (unsigned i = 0; i < LIMIT; i++) {
            snprintf(text, sizeof text, i % 2 ? "10.%u.0.1" : "2001:db8:%u::1", i);
            assert_int_equal(kind_of(text), i < removed ? ADDRESS_FOREIGN : ADDRESS_LOCAL);
        }
        addresses_remove(&a, 0);
    }
    assert_int_equal(a.count, 0);
    assert_int_equal(a.given_count, 0);
}

/* RFC 6724 in short. */
static void test_select(void **state)
{
    (void)state;
    static const struct {
        uint32_t link;
        const char *destination, *hop, *chosen;
    } rows[] = {
        /* in the destination's subnet */
        {0, "192.0.2.9", "192.0.2.9", "192.0.2.1"},
        {0, "10.0.0.9", "10.0.0.9", "10.0.0.1"},
        /* in the gateway's */
        {0, "8.8.8.8", "10.0.0.254", "10.0.0.1"},
        {0, "8.8.8.8", "192.0.2.254", "192.0.2.1"},
        /* the first of the link */
        {0, "8.8.8.8", "9.9.9.9", "192.0.2.1"},
        /* another link's destination subnet does not count against the outgoing link */
        {0, "198.51.100.9", "192.0.2.254", "192.0.2.1"},
        {1, "198.51.100.9", "198.51.100.9", "198.51.100.1"},
        /* scope before link */
        {0, "169.254.1.1", "169.254.1.1", "169.254.7.7"},
        /* a link without addresses borrows, but nothing link-local and nothing of the loopback */
        {3, "8.8.8.8", "8.8.8.8", "192.0.2.1"},
        {3, "2600::1", "2600::1", "2001:db8:0:1::1"},
        {3, "fe80::9", "fe80::9", "fd00:1::1"},
        {0, "2001:db8:0:1::9", "2001:db8:0:1::9", "2001:db8:0:1::1"},
        {0, "2001:db8:0:2::9", "2001:db8:0:2::9", "2001:db8:0:2::1"},
        {0, "fe80::9", "fe80::9", "fe80::1"},
        {0, "fd00:7::9", "fe80::254", "fd00:1::1"}, /* the longest common prefix */
        {0, "2600::1", "fe80::254", "2001:db8:0:1::1"},
        {1, "fe80::9", "fe80::9", "fe80::2"},
        {1, "2600::1", "fe80::254", "2001:db8:0:1::1"}, /* eth1 has only its link-local one */
        {2, "127.0.0.9", "127.0.0.9", "127.0.0.1"},
    };
    add("192.0.2.1", 24, 0, false);
    add("10.0.0.1", 8, 0, false);
    add("169.254.7.7", 16, 0, false);
    add("198.51.100.1", 24, 1, false);
    add("127.0.0.1", 8, 2, true);
    add("::1", 128, 2, true);
    add("fe80::1", 64, 0, false);
    add("fe80::2", 64, 1, false);
    add("2001:db8:0:1::1", 64, 0, false);
    add("2001:db8:0:2::1", 64, 0, false);
    add("fd00:1::1", 64, 0, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address destination = at(rows[i].destination), hop = at(rows[i].hop);
        struct hawser_address chosen = at(rows[i].chosen);
        uint32_t index = addresses_select(&a, rows[i].link, &destination, &hop);
        if (index == ADDRESS_INDEX_NONE || !address_same(&a.list[index].address, &chosen))
            fail_msg("%u %s", rows[i].link, rows[i].destination);
    }
    setup(NULL);
    add("192.0.2.1", 24, 0, false);
    add("fe80::1", 64, 0, false);
    struct hawser_address far = at("2600::1");
    assert_int_equal(addresses_select(&a, 1, &far, &far), ADDRESS_INDEX_NONE);
    assert_int_equal(addresses_select(&a, 0, &far, &far), 1); /* better than none */
}

static void test_on_link(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t link;
        bool is;
    } rows[] = {
        {"192.0.2.77", 0, true}, {"192.0.2.77", 1, false},  {"192.0.3.77", 0, false},
        {"10.0.0.1", 0, false},  {"2001:db8::77", 0, true}, {"2001:db8:0:1::", 0, false},
        {"::ffff:1", 0, false},  {"203.0.113.1", 1, false}, /* a /32 */
    };
    add("192.0.2.1", 24, 0, false);
    add("203.0.113.1", 32, 1, false);
    add("2001:db8::1", 64, 0, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address address = at(rows[i].text);
        assert_int_equal(addresses_on_link(&a, rows[i].link, &address), rows[i].is);
    }
    /* ::/0 on a link holds no IPv4 addresses, which are written inside of it. */
    add("2001:db8:7::1", 0, 2, false);
    struct hawser_address v4 = at("8.8.8.8"), v6 = at("2600::1");
    assert_false(addresses_on_link(&a, 2, &v4));
    assert_true(addresses_on_link(&a, 2, &v6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kinds, setup),
        cmocka_unit_test_setup(test_local_before_group, setup),
        cmocka_unit_test_setup(test_loopback_net, setup),
        cmocka_unit_test_setup(test_many, setup),
        cmocka_unit_test_setup(test_select, setup),
        cmocka_unit_test_setup(test_on_link, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
