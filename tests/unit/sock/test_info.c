/* SPDX-License-Identifier: MIT */
/* struct tcp_info (info.c): its layout is Linux's, and what it says follows the connection. */
#include <linux/tcp.h>

#include "island.h"

#define INFO_BYTES 280u

struct told {
    struct tcp_info info; /* of the headers here; what was added since lies behind it */
    uint8_t more[INFO_BYTES];
};

static void ask(struct sock *sock, struct told *told)
{
    socklen_t length = INFO_BYTES;
    memset(told, 0x55, sizeof *told);
    assert_int_equal(sock_get_option(sock, IPPROTO_TCP, TCP_INFO, told, &length), 0);
    assert_int_equal(length, INFO_BYTES);
}

/* A number that lies behind what the headers here have, too. */
static uint32_t number_at(const struct told *told, size_t offset)
{
    uint32_t number;
    memcpy(&number, (const uint8_t *)told + offset, sizeof number);
    return number;
}

static void a_socket_without_a_connection(void **state)
{
    struct island island;
    struct told told;
    (void)state;
    island_start(&island, NULL);
    struct sock *sock = island_socket(&island, AF_INET, 0);
    ask(sock, &told);
    assert_int_equal(told.info.tcpi_state, 7);
    assert_int_equal(told.info.tcpi_rto, 1000000);
    assert_int_equal(told.info.tcpi_snd_cwnd, 10);
    assert_int_equal(told.info.tcpi_snd_ssthresh, 0x7fffffff);
    assert_int_equal(told.info.tcpi_reordering, 3);
    assert_int_equal(told.info.tcpi_unacked, 0);
    socklen_t length = 1;
    uint8_t first = 0;
    assert_int_equal(sock_get_option(sock, IPPROTO_TCP, TCP_INFO, &first, &length), 0);
    assert_int_equal(length, 1);
    assert_int_equal(first, 7);
    island_end(&island);
}

static void a_listener_tells_who_waits(void **state)
{
    struct island island;
    struct told told;
    (void)state;
    island_start(&island, NULL);
    struct sock *listener = island_socket(&island, AF_INET, 0);
    uint16_t port = island_listen(&island, listener, AF_INET, 0);
    struct sock *client = island_socket(&island, AF_INET, 0);
    assert_int_equal(island_connect(&island, client, AF_INET, port), 0);
    ask(listener, &told);
    assert_int_equal(told.info.tcpi_state, 10);
    assert_int_equal(told.info.tcpi_unacked, 1);
    assert_int_equal(told.info.tcpi_sacked, 16);
    island_end(&island);
}

static void a_connection(void **state)
{
    struct island island;
    struct sock *pair[2];
    struct told a, b;
    (void)state;
    island_start(&island, NULL);
    island_pair(&island, AF_INET, 0, pair);
    assert_int_equal(island_send(&island, pair[0], "0123456789", 10, 0), 10);
    island_pass(&island, 100 * ISLAND_MS);
    ask(pair[0], &a);
    ask(pair[1], &b);
    assert_int_equal(a.info.tcpi_state, 1);
    assert_int_equal(a.info.tcpi_ca_state, 0);
    assert_int_equal(a.info.tcpi_options, 7); /* timestamps, SACK, window scale */
    assert_int_equal(a.info.tcpi_snd_wscale, 7);
    assert_int_equal(a.info.tcpi_rcv_wscale, 7);
    assert_int_equal(a.info.tcpi_ato, 40000);
    assert_int_equal(a.info.tcpi_snd_mss, 65535 - 40 - 12);
    assert_int_equal(a.info.tcpi_advmss, 65535 - 40);
    assert_int_equal(a.info.tcpi_pmtu, 65535);
    assert_int_equal(a.info.tcpi_snd_cwnd, 2); /* RFC 6928 with so large a segment */
    assert_int_equal(a.info.tcpi_unacked, 0);
    assert_int_equal(a.info.tcpi_bytes_acked, 10);
    assert_int_equal(a.info.tcpi_bytes_sent, 10);
    assert_int_equal(b.info.tcpi_bytes_received, 10);
    assert_int_equal(a.info.tcpi_delivered, 1);
    assert_int_equal(a.info.tcpi_last_data_sent, 100);
    assert_int_equal(b.info.tcpi_last_data_recv, 100);
    assert_int_equal(a.info.tcpi_total_retrans, 0);
    assert_true(a.info.tcpi_segs_out >= 3);
    assert_true(a.info.tcpi_snd_wnd > 0);
    assert_int_equal(a.info.tcpi_min_rtt, UINT32_MAX);
    assert_true(number_at(&a, 232) > 0); /* tcpi_rcv_wnd, newer than some headers */
    for (size_t at = 248; at < INFO_BYTES; at += 4)
        assert_int_equal(number_at(&a, at), 0); /* counters of an ECN that is not there */
    assert_int_equal(sock_shutdown(pair[0], SHUT_WR), 0);
    island_settle(&island);
    ask(pair[1], &b);
    assert_int_equal(b.info.tcpi_state, 8);
    island_close(&island, pair[1]);
    ask(pair[0], &a);
    assert_int_equal(a.info.tcpi_state, 7); /* TIME-WAIT is not the socket's affair */
    island_end(&island);
}

/* Nobody answers: what is on the way, and how often it went. */
static void a_connection_attempt(void **state)
{
    struct island island;
    struct told told;
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(80)};
    (void)state;
    nobody.sin_addr.s_addr = htonl(0xc6120009);
    island_start(&island, NULL);
    struct sock *sock = island_socket(&island, AF_INET, SOCK_NONBLOCK);
    struct sock_op op = {.kind = SOCK_OP_CONNECT,
                         .sock = sock,
                         .address = (struct sockaddr *)&nobody,
                         .address_length = sizeof nobody};
    assert_int_equal(island_do(&island, &op), -EINPROGRESS);
    island_pass(&island, 3500 * ISLAND_MS);
    ask(sock, &told);
    assert_int_equal(told.info.tcpi_state, 2);
    assert_int_equal(told.info.tcpi_retransmits, 2);
    assert_int_equal(told.info.tcpi_backoff, 2);
    assert_int_equal(told.info.tcpi_total_retrans, 2);
    assert_int_equal(told.info.tcpi_unacked, 1);
    assert_int_equal(told.info.tcpi_rto, 4000000);
    assert_int_equal(told.info.tcpi_options, 0);
    island_end(&island);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_without_a_connection),
        cmocka_unit_test(a_listener_tells_who_waits),
        cmocka_unit_test(a_connection),
        cmocka_unit_test(a_connection_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
