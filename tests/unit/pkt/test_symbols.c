/* SPDX-License-Identifier: MIT */
/* Names and values of constants. With an argument: all of them, for test_symbols_headers.py. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "support/unit.h"

#include "pkt/symbols.h"

    static void test_order(void **state)
{
    (void)state;
    size_t count = 0;
    for (; pkt_symbol_name(count) != NULL; count++) {
        int64_t value;
        assert_true(count == 0 || strcmp(pkt_symbol_name(count - 1), pkt_symbol_name(count)) < 0);
        assert_true(pkt_symbol(pkt_symbol_name(count), &value));
    }
    assert_true(count > 900);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"AF_INET6", AF_INET6},
        {"SOCK_NONBLOCK", 04000},
        {"IPPROTO_TCP", 6},
        {"SOL_SOCKET", 1},
        {"SO_REUSEADDR", 2},
        {"TCP_INFO", 11},
        {"TCP_RTO_MAX_MS", 44},
        {"TCP_LISTEN", 10},
        {"MSG_DONTWAIT", 0x40},
        {"POLLRDHUP", 0x2000},
        {"EPOLLET", INT64_C(1) << 31},
        {"EWOULDBLOCK", EAGAIN},
        {"SIOCINQ", 0x541b},
        {"FIONREAD", 0x541b},
        {"SHUT_RDWR", 2},
        {"F_SETFL", 4},
        {"O_NONBLOCK", 04000},
        {"TCP_NLA_BUSY", 1},
        {"SCM_TIMESTAMPING", 37},
        {"SO_EE_ORIGIN_ICMP", 2},
        {"SPLICE_F_MOVE", 1},
        {"CAP_NET_RAW", 13},
        {"NULL", 0},
        {"IPV6_V6ONLY", 26},
        {"SOF_TIMESTAMPING_TX_ACK", 1 << 9},
        {"SOL_TCP", 6},
        {"CAP_SET", 1},
        {"ICMP_FRAG_NEEDED", 4},
        {"UDP_SEGMENT", 103},
        {"IPTOS_LOWDELAY", 16},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t value = -1;
        assert_true(pkt_symbol(rows[i].name, &value));
        assert_int_equal(value, rows[i].value);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_false(pkt_symbol("AF_INE", &value));
    assert_false(pkt_symbol("", &value));
    assert_false(pkt_symbol("TCP_NOOPT", &value));
    assert_int_equal(value, 7);
    assert_string_equal(pkt_symbol_elsewhere("TCP_NOOPT"), "FreeBSD");
    assert_string_equal(pkt_symbol_elsewhere("SCTP_INITMSG"), "SCTP");
    assert_null(pkt_symbol_elsewhere("TCP_NODELAY"));
}

static void test_errno(void **state)
{
    (void)state;
    assert_string_equal(pkt_errno_name(EAGAIN), "EAGAIN");
    assert_string_equal(pkt_errno_name(ECONNREFUSED), "ECONNREFUSED");
    assert_null(pkt_errno_name(0));
    assert_null(pkt_errno_name(-EAGAIN));
    assert_null(pkt_errno_name(100000));
}

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        enum pkt_flag_set set;
        uint64_t flags;
        const char *text;
    } rows[] = {
        {PKT_FLAGS_POLL, 0, "0"},
        {PKT_FLAGS_POLL, POLLIN | POLLOUT | POLLRDHUP, "POLLIN|POLLOUT|POLLRDHUP"},
        {PKT_FLAGS_POLL, 0x10000, "0x10000"},
        {PKT_FLAGS_EPOLL, EPOLLIN | (uint32_t)EPOLLET, "EPOLLIN|EPOLLET"},
        {PKT_FLAGS_MSG, MSG_TRUNC | MSG_ERRQUEUE, "MSG_TRUNC|MSG_ERRQUEUE"},
        {PKT_FLAGS_OPEN, 0, "O_RDONLY"},
        {PKT_FLAGS_OPEN, 04002, "O_RDWR|O_NONBLOCK"},
    };
    char text[100];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(pkt_flags_name(rows[i].set, rows[i].flags, text, sizeof text),
                            rows[i].text);
    assert_string_equal(pkt_flags_name(PKT_FLAGS_POLL, 0xffff, text, 10), "POLLIN|PO");
}

int main(int argc, char **argv)
{
    (void)argv;
    for (size_t i = 0; argc > 1 && pkt_symbol_name(i) != NULL; i++) {
        int64_t value = 0;
        (void)pkt_symbol(pkt_symbol_name(i), &value);
        (void)printf("%s %" PRId64 "\n", pkt_symbol_name(i), value);
    }
    if (argc > 1)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_values), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_errno), cmocka_unit_test(test_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
