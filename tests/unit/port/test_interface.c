/* SPDX-License-Identifier: MIT */
/* Setting up the kernel's interfaces, in a namespace of the test's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <hawser/port/netns.h>

#include "private_net.h"
#include "support/unit.h"

static struct hawser_port_error error;

static struct hawser_address address(const char *text)
{
    struct hawser_address out = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    if (inet_pton(AF_INET, text, out.bytes + 12) != 1)
        assert_int_equal(inet_pton(AF_INET6, text, out.bytes), 1);
    return out;
}

/* Does the interface have this address with this netmask? */
static bool has(const char *name, const char *text, const char *mask)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&list), 0);
    for (struct ifaddrs *a = list; a != NULL; a = a->ifa_next) {
        char own[INET6_ADDRSTRLEN] = "", netmask[INET6_ADDRSTRLEN] = "";
        if (a->ifa_addr == NULL || strcmp(a->ifa_name, name) != 0)
            continue;
        if (a->ifa_addr->sa_family == AF_INET) {
            inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr, own,
                      sizeof own);
            inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_netmask)->sin_addr, netmask,
                      sizeof netmask);
        } else if (a->ifa_addr->sa_family == AF_INET6) {
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr, own,
                      sizeof own);
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)a->ifa_netmask)->sin6_addr,
                      netmask, sizeof netmask);
        }
        found |= strcmp(own, text) == 0 && strcmp(netmask, mask) == 0;
    }
    freeifaddrs(list);
    return found;
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned bits;
        const char *mask;
    } rows[] = {
        {"192.0.2.1", 24, "255.255.255.0"},
        {"198.51.100.7", 32, "255.255.255.255"},
        {"10.1.2.3", 9, "255.128.0.0"},
        {"2001:db8::1", 64, "ffff:ffff:ffff:ffff::"},
        {"2001:db8:1::7", 128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address a = address(rows[i].text);
        assert_int_equal(hawser_interface_add_address("lo", &a, rows[i].bits, &error), 0);
        assert_true(has("lo", rows[i].text, rows[i].mask));
        assert_int_equal(hawser_interface_add_address("lo", &a, rows[i].bits, &error), -EEXIST);
        assert_non_null(strstr(error.text, "lo"));
    }
    struct hawser_address v4 = address("192.0.2.9"), v6 = address("2001:db8::9");
    assert_int_equal(hawser_interface_add_address("lo", &v4, 33, &error), -EINVAL);
    assert_int_equal(hawser_interface_add_address("lo", &v6, 129, &error), -EINVAL);
}

static void test_up_and_mtu(void **state)
{
    (void)state;
    uint32_t mtu = 0;
    assert_int_equal(hawser_interface_mtu("lo", &mtu, &error), 0);
    assert_int_equal(mtu, 65536);
    assert_int_equal(hawser_interface_set_mtu("lo", 1400, &error), 0);
    assert_int_equal(hawser_interface_mtu("lo", &mtu, &error), 0);
    assert_int_equal(mtu, 1400);
    assert_int_equal(hawser_interface_set_mtu("lo", UINT32_MAX, &error), -EINVAL);

    struct ifaddrs *list = NULL;
    for (unsigned up = 0; up < 4; up++) { /* 0: down, 1: down again, 2: up, 3: up again */
        assert_int_equal(
            up < 2 ? hawser_interface_down("lo", &error) : hawser_interface_up("lo", &error), 0);
        assert_int_equal(getifaddrs(&list), 0);
        assert_int_equal((list->ifa_flags & IFF_UP) != 0, up >= 2);
        freeifaddrs(list);
    }
}

static void test_wrong_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int result;
    } rows[] = {
        {"nothere", -ENODEV},
        {"", -ENAMETOOLONG},
        {"sixteen-letters-", -ENAMETOOLONG},
        {"a-name-that-is-far-too-long-for-an-interface-of-linux", -ENAMETOOLONG},
    };
    struct hawser_address a = address("192.0.2.1");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t mac[6];
        uint32_t mtu = 7;
        const char *name = rows[i].name;
        assert_int_equal(hawser_interface_up(name, &error), rows[i].result);
        assert_int_equal(hawser_interface_down(name, NULL), rows[i].result);
        assert_int_equal(hawser_interface_set_mtu(name, 1500, &error), rows[i].result);
        assert_int_equal(hawser_interface_mtu(name, &mtu, &error), rows[i].result);
        assert_int_equal(mtu, 7);
        assert_int_equal(hawser_interface_mac(name, mac, &error), rows[i].result);
        error.text[0] = '\0';
        assert_int_equal(hawser_interface_add_address(name, &a, 24, &error), rows[i].result);
        assert_true(error.text[0] != '\0');
    }
}

int main(void)
{
    enter_private_net(false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_up_and_mtu),
        cmocka_unit_test(test_wrong_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
