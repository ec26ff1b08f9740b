/* SPDX-License-Identifier: MIT */
/* Routes: the longest prefix, then the smaller metric, then the older. */
#include "fake.h"

#include "net/route.h"

static struct route list[16];
static struct routes r;

static int setup(void **state)
{
    (void)state;
    routes_init(&r, list, COUNT_OF(list));
    return 0;
}

static void add(const char *prefix, unsigned bits, uint32_t link, uint32_t metric, bool connected)
{
    struct hawser_address address = at(prefix);
    unsigned all = address_is_v4(&address) ? 96 + bits : bits;
    struct route route = {.prefix = address_prefix_of(&address, all),
                          .bits = (uint8_t)all,
                          .link = link,
                          .metric = metric,
                          .connected = connected};
    routes_add(&r, &route);
}

static uint32_t way_to(const char *destination, uint32_t link)
{
    struct hawser_address address = at(destination);
    const struct route *route = routes_find(&r, &address, link);
    return route == NULL ? 99 : route->link;
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *destination;
        uint32_t only, link;
    } rows[] = {
        {"192.0.2.9", ROUTE_ANY_LINK, 1},
        {"192.0.2.129", ROUTE_ANY_LINK, 2},
        {"192.0.3.9", ROUTE_ANY_LINK, 3},
        {"8.8.8.8", ROUTE_ANY_LINK, 5},
        {"8.8.8.8", 4, 4},
        {"192.0.2.129", 1, 1},
        {"192.0.2.129", 7, 99},
        {"2001:db8::1", ROUTE_ANY_LINK, 6},
        {"2001:db8:1::1", ROUTE_ANY_LINK, 7},
        {"::1", ROUTE_ANY_LINK, 7},
        {"203.0.113.5", ROUTE_ANY_LINK, 8},
        {"203.0.113.4", ROUTE_ANY_LINK, 5},
    };
    add("::", 0, 7, 1, false);
    add("0.0.0.0", 0, 4, 10, false);
    add("0.0.0.0", 0, 5, 5, false);
    add("192.0.2.0", 23, 3, 0, false);
    add("192.0.2.0", 24, 1, 0, true);
    add("192.0.2.128", 25, 2, 100, false);
    add("2001:db8::", 32, 9, 1, false);
    add("2001:db8::", 48, 6, 1, false);
    add("2001:db8:1::", 48, 7, 1, false);
    add("203.0.113.5", 32, 8, 1, false);
    add("203.0.113.5", 32, 9, 1, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (way_to(rows[i].destination, rows[i].only) != rows[i].link)
            fail_msg("%s", rows[i].destination);
    assert_int_equal(r.given_count, 10);
}

/* ::/0 holds no IPv4 address. */
static void test_families_apart(void **state)
{
    (void)state;
    add("::", 0, 1, 1, false);
    assert_int_equal(way_to("8.8.8.8", ROUTE_ANY_LINK), 99);
    assert_int_equal(way_to("2600::1", ROUTE_ANY_LINK), 1);
    setup(NULL);
    add("0.0.0.0", 0, 1, 1, false);
    assert_int_equal(way_to("2600::1", ROUTE_ANY_LINK), 99);
    assert_int_equal(way_to("8.8.8.8", ROUTE_ANY_LINK), 1);
}

static void test_exact_and_remove(void **state)
{
    (void)state;
    struct hawser_address prefix = at("192.0.2.0");
    uint32_t metric = 7;
    add("192.0.2.0", 24, 1, 0, true);
    add("192.0.2.0", 24, 1, 7, false);
    add("192.0.2.0", 24, 1, 3, false);
    add("192.0.2.0", 25, 1, 3, false);
    assert_int_equal(routes_exact(&r, &prefix, 96 + 24, 1, false, &metric)->metric, 7);
    assert_int_equal(routes_exact(&r, &prefix, 96 + 24, 1, false, NULL)->metric, 3);
    assert_true(routes_exact(&r, &prefix, 96 + 24, 1, true, NULL)->connected);
    assert_null(routes_exact(&r, &prefix, 96 + 23, 1, false, NULL));
    assert_null(routes_exact(&r, &prefix, 96 + 24, 2, false, NULL));
    routes_remove(&r, routes_exact(&r, &prefix, 96 + 24, 1, false, NULL));
    assert_int_equal(routes_exact(&r, &prefix, 96 + 24, 1, false, NULL)->metric, 7);
    routes_remove(&r, routes_exact(&r, &prefix, 96 + 24, 1, false, NULL));
    assert_null(routes_exact(&r, &prefix, 96 + 24, 1, false, NULL));
    assert_int_equal(r.count, 2);
    assert_int_equal(r.given_count, 1);
}

static void test_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        unsigned bits;
        const char *prefix;
    } rows[] = {
        {"192.0.2.255", 120, "192.0.2.0"},   {"192.0.2.255", 127, "192.0.2.254"},
        {"192.0.2.255", 128, "192.0.2.255"}, {"2001:db8:ffff::1", 33, "2001:db8:8000::"},
        {"2001:db8:ffff::1", 0, "::"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address address = at(rows[i].address), prefix = at(rows[i].prefix);
        address = address_prefix_of(&address, rows[i].bits);
        assert_memory_equal(&address, &prefix, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_find, setup),
        cmocka_unit_test_setup(test_families_apart, setup),
        cmocka_unit_test_setup(test_exact_and_remove, setup),
        cmocka_unit_test_setup(test_prefix, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
