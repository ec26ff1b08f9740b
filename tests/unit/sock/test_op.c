/* SPDX-License-Identifier: MIT */
/* Calls that wait (op.c, send.c, receive.c) on the plain road, and how they end. */
#include "island.h"

static void a_connection_from_socket_to_close(void **state)
{
    static const int domains[] = {AF_INET, AF_INET6};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(domains); i++) {
        struct island island;
        struct sock *pair[2];
        char text[16];
        island_start(&island, NULL);
        island_pair(&island, domains[i], 0, pair);
        assert_int_equal(island_send(&island, pair[0], "hello", 5, 0), 5);
        assert_int_equal(island_receive(&island, pair[1], text, sizeof text, 0), 5);
        assert_memory_equal(text, "hello", 5);
        assert_int_equal(sock_shutdown(pair[0], SHUT_WR), 0);
        assert_int_equal(island_receive(&island, pair[1], text, sizeof text, 0), 0);
        assert_int_equal(island_send(&island, pair[1], "bye", 3, 0), 3);
        island_close(&island, pair[1]);
        assert_int_equal(island_receive(&island, pair[0], text, sizeof text, 0), 3);
        assert_int_equal(island_receive(&island, pair[0], text, sizeof text, 0), 0);
        island_close(&island, pair[0]);
        island_end(&island);
    }
}

static void connect_waits_and_fails(void **state)
{
    struct island island;
    (void)state;
    island_start(&island, NULL);
    struct sock *sock = island_socket(&island, AF_INET, 0);
    assert_int_equal(island_connect(&island, sock, AF_INET, 81), -ECONNREFUSED);
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(80)};
    nobody.sin_addr.s_addr = htonl(0xc6120009);
    struct sock_op op = {.kind = SOCK_OP_CONNECT,
                         .sock = sock,
                         .address = (struct sockaddr *)&nobody,
                         .address_length = sizeof nobody};
    assert_int_equal(island_do(&island, &op), -ETIMEDOUT);
    assert_int_equal(island.now_ns, 1247 * ISLAND_S); /* 1 + 2 + … + 64 + 120 s */
    int count = 1;
    assert_int_equal(sock_set_option(sock, IPPROTO_TCP, 7, &count, sizeof count), 0);
    assert_int_equal(island_do(&island, &op), -ETIMEDOUT);
    assert_int_equal(island.now_ns, 1250 * ISLAND_S); /* TCP_SYNCNT 1: 1 + 2 s */
    island_close(&island, sock);
    island_end(&island);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_from_socket_to_close),
        cmocka_unit_test(connect_waits_and_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
