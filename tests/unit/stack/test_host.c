/* SPDX-License-Identifier: MIT */
/* The host: created and destroyed whole or not at all, every refusal of memory survived, addresses
 * that go, the clock. */
#include <stdlib.h>

#include "lan.h"

static void test_create_with_every_refusal(void **state)
{
    (void)state;
    struct test_memory memory;
    struct hawser_config config;
    struct hawser_host *host = NULL;
    test_memory_init(&memory);
    hawser_config_defaults(&config);
    config.memory = memory.source;
    config.entropy[0] = 1;
    unsigned n = 1;
    for (;; n++) {
        test_memory_refuse_nth(&memory, n);
        int error = hawser_host_create(&config, 5, &host);
        if (error == 0)
            break;
        assert_int_equal(error, HAWSER_ERR_RESOURCES);
        assert_null(host);
        assert_int_equal(memory.held_count, 0);
    }
    assert_in_range(n, 5, 100);
    hawser_host_destroy(host);
    hawser_host_destroy(NULL);
    test_memory_deinit(&memory);
}

static void test_small_hosts(void **state)
{
    (void)state;
    struct test_memory memory;
    struct hawser_config config;
    struct hawser_host *host = NULL;
    test_memory_init(&memory);
    hawser_config_defaults(&config);
    config.memory = memory.source;
    config.entropy[0] = 1;
    config.memory_bytes = config.buffer_bytes = 1 << 20;
    config.chunk_bytes = 1 << 16;
    config.connections_max = 10;
    config.timewait_max = 100;
    config.halfopen_max = 10;
    assert_int_equal(hawser_host_create(&config, 0, &host), 0);
    struct hawser_usage usage;
    hawser_usage_of(host, &usage);
    assert_int_equal(usage.memory_bytes, memory.held_bytes);
    hawser_host_destroy(host);
    test_memory_deinit(&memory);
}

/* Opens, moves text both ways, closes; whatever happens on the way. */
static void life(struct lan *lan, bool v6)
{
    static uint8_t text[20000];
    hawser_tcp ends[2] = {0, 0}, listener = 0;
    struct hawser_listen_options options = {.backlog = 4, .local.port = 80, .reuse_address = true};
    struct hawser_open_options opening = {.remote = lan_end_of(0, v6, 80)};
    if (hawser_listen(lan->host[0], lan->now_ns, &options, &listener) != 0)
        return;
    if (hawser_open(lan->host[1], lan->now_ns, &opening, &ends[1]) == 0) {
        lan_run(lan, 5 * NS_PER_S);
        (void)hawser_accept(lan->host[0], listener, &ends[0]);
        for (unsigned i = 0; i < 4 && ends[0] != 0; i++) {
            (void)hawser_send(lan->host[i & 1], ends[i & 1], text, sizeof text, 0);
            lan_run(lan, 5 * NS_PER_S);
            (void)hawser_receive(lan->host[!(i & 1)], ends[!(i & 1)], text, sizeof text);
        }
        (void)hawser_shutdown(lan->host[1], ends[1]);
        lan_run(lan, NS_PER_S);
        (void)hawser_close(lan->host[0], ends[0]);
        lan_run(lan, NS_PER_S);
        (void)hawser_close(lan->host[1], ends[1]);
    }
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    lan_run(lan, 300 * NS_PER_S);
}

static void assert_empty(struct lan *lan)
{
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_usage usage;
        hawser_usage_of(lan->host[i], &usage);
        assert_int_equal(usage.connections, 0);
        assert_int_equal(usage.halfopens, 0);
        assert_int_equal(usage.timewaits, 0);
        assert_int_equal(usage.listeners, 0);
        assert_int_equal(usage.buffer_bytes, 0);
        assert_int_equal(usage.memory_bytes, lan->memory[i].held_bytes);
    }
}

/* The Nth chunk is refused, for each N, once or for ever; the host lives on, and leaks nothing. */
static void test_transfer_with_every_refusal(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    for (unsigned side = 0; side < 2; side++) {
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            unsigned n = 1;
            for (;; n++) {
                lan_init(lan, &(struct lan_setup){.kind = HAWSER_LINK_IP, .loopback = n % 2 != 0});
                if (for_ever)
                    test_memory_refuse_from(&lan->memory[side], n);
                else
                    test_memory_refuse_nth(&lan->memory[side], n);
                life(lan, false);
                assert_empty(lan);
                bool refused = lan->memory[side].refused_count > 0;
                test_memory_refuse_nth(&lan->memory[side], 0);
                life(lan, true);
                assert_empty(lan);
                const struct hawser_counters *counters = hawser_counters_of(lan->host[0]);
                assert_true(counters->opens_passive >= 1);
                lan_deinit(lan);
                if (!refused)
                    break;
            }
            assert_in_range(n, 4, 100);
        }
    }
    free(lan);
}

/* Ends of every kind use the address; it goes, and they with it, without a segment. */
static void test_address_goes(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.alone = true});
    struct hawser_host *host = lan->host[0];
    struct hawser_address second = lan_address("198.18.0.3"), first = lan_address("198.18.0.1");
    struct hawser_endpoint doomed = {first, 80}, safe = {second, 80};
    hawser_tcp listener = lan_listen(lan, 0, 80), tcp, other;
    assert_int_equal(hawser_address_add(host, 0, &second, 24), 0);
    struct forged peer = lan_forge_handshake(lan, lan_end("198.18.0.9", 1), doomed, 1);
    assert_int_equal(hawser_accept(host, listener, &tcp), 0);
    assert_int_equal(hawser_close(host, tcp), 0);
    lan_settle(lan);
    peer.flags = TCP_FIN | TCP_ACK;
    peer.ack++;
    lan_forge(lan, &peer); /* a record */
    lan_forge_handshake(lan, lan_end("198.18.0.9", 2), doomed, 1);
    assert_int_equal(hawser_accept(host, listener, &tcp), 0); /* a connection */
    peer = (struct forged){.from = lan_end("198.18.0.9", 3), .to = doomed, .flags = TCP_SYN};
    lan_forge(lan, &peer);                                         /* a request */
    lan_forge_handshake(lan, lan_end("198.18.0.9", 4), doomed, 1); /* one that waits */
    lan_forge_handshake(lan, lan_end("198.18.0.9", 5), safe, 1);
    struct hawser_usage usage;
    hawser_usage_of(host, &usage);
    assert_int_equal(usage.connections, 3);
    assert_int_equal(usage.halfopens, 1);
    assert_int_equal(usage.timewaits, 1);
    uint32_t sent = lan->sent_count;
    assert_int_equal(hawser_address_remove(host, &first), 0);
    assert_int_equal(hawser_address_remove(host, &first), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    lan_settle(lan);
    assert_int_equal(lan->sent_count, sent);
    hawser_usage_of(host, &usage);
    assert_int_equal(usage.halfopens, 0);
    assert_int_equal(usage.timewaits, 0);
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(host, lan->now_ns, tcp, &info), 0);
    assert_int_equal(info.state, HAWSER_CLOSED);
    assert_int_equal(info.error, HAWSER_ERR_ABORTED);
    assert_true((lan_events_of(lan, 0, tcp) & HAWSER_EVENT_ERROR) != 0);
    assert_int_equal(hawser_accept(host, listener, &other), 0); /* what waited has ended too */
    assert_int_equal(lan_state(lan, 0, other), HAWSER_CLOSED);
    assert_int_equal(hawser_close(host, other), 0);
    assert_int_equal(hawser_accept(host, listener, &other), 0);
    assert_int_equal(lan_state(lan, 0, other), HAWSER_ESTABLISHED);
    lan_deinit(lan);
    free(lan);
}

/* A clock that steps back counts as standing still. */
static void test_clock_steps_back(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    lan_init(lan, NULL);
    lan_connect(lan, false, 0, 80, ends);
    uint64_t real_ns = lan->now_ns;
    assert_int_equal(hawser_send(lan->host[1], ends[1], "x", 1, 0), 1);
    struct hawser_tcp_info info;
    for (unsigned i = 0; i < 2; i++) {
        hawser_expire(lan->host[i], 0);
        hawser_input(lan->host[i], 0, real_ns - 5 * NS_PER_S, NULL, 0);
        assert_int_equal(hawser_output(lan->host[!i], 9, 1, NULL, 0), 0); /* no such link */
        hawser_input(lan->host[i], 9, 1, &(struct hawser_frame){(const uint8_t *)"x", 1, 0}, 1);
        assert_int_equal(hawser_status(lan->host[i], 1, ends[i], &info), 0);
    }
    lan_settle(lan);
    char text[4];
    assert_int_equal(hawser_receive(lan->host[0], ends[0], text, 4), 1);
    lan_deinit(lan);
    free(lan);
}

static void test_setup_errors(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, NULL);
    struct hawser_host *host = lan->host[0];
    struct hawser_link_config link = {.kind = HAWSER_LINK_IP, .mtu = 67};
    struct hawser_address address = lan_address("198.18.0.1"), any = lan_address("0.0.0.0");
    struct hawser_address group = lan_address("224.0.0.1"), far = lan_address("192.0.2.1");
    uint32_t number = 99;
    assert_int_equal(hawser_link_add(host, &link, &number), HAWSER_ERR_INVALID);
    assert_int_equal(number, 99);
    assert_int_equal(hawser_address_add(host, 0, &address, 24), HAWSER_ERR_EXISTS);
    assert_int_equal(hawser_address_add(host, 5, &far, 24), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_address_add(host, 0, &far, 33), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_address_add(host, 0, &any, 24), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_address_add(host, 0, &group, 24), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_route_add(host, &far, 24, NULL, 5, 0), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_route_add(host, &far, 24, NULL, 0, 0), 0);
    assert_int_equal(hawser_route_add(host, &far, 24, NULL, 0, 0), HAWSER_ERR_EXISTS);
    assert_int_equal(hawser_route_remove(host, &far, 24, 0), 0);
    assert_int_equal(hawser_route_remove(host, &far, 24, 0), HAWSER_ERR_UNREACHABLE);
    link.mtu = 1500;
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(hawser_link_add(host, &link, &number), 0);
    assert_int_equal(hawser_link_add(host, &link, &number), HAWSER_ERR_RESOURCES);
    lan_deinit(lan);
    free(lan);
}

/* The same key and the same inputs give the same bytes. */
static uint64_t checksum_of_run;

static bool add_up(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        checksum_of_run = (checksum_of_run ^ frame[i] ^ from) * UINT64_C(0x100000001b3);
    checksum_of_run ^= lan->now_ns;
    return true;
}

static void test_same_bytes(void **state)
{
    (void)state;
    uint64_t sums[2];
    for (unsigned run = 0; run < 2; run++) {
        struct lan *lan = malloc(sizeof *lan);
        lan_init(lan, NULL);
        lan->filter = add_up;
        checksum_of_run = 1;
        life(lan, false);
        life(lan, true);
        sums[run] = checksum_of_run;
        lan_deinit(lan);
        free(lan);
    }
    assert_true(sums[0] == sums[1] && sums[0] != 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_with_every_refusal),
        cmocka_unit_test(test_small_hosts),
        cmocka_unit_test(test_transfer_with_every_refusal),
        cmocka_unit_test(test_address_goes),
        cmocka_unit_test(test_clock_steps_back),
        cmocka_unit_test(test_setup_errors),
        cmocka_unit_test(test_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
