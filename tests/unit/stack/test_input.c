/* SPDX-License-Identifier: MIT */
/* Frames in: data both ways over every kind of link, refused ports, damaged segments. */
#include <stdlib.h>

#include "lan.h"

static void fill(uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

/* n bytes from one end to the other, through whatever windows allow. */
static void transfer(struct lan *lan, unsigned from, hawser_tcp out, unsigned to, hawser_tcp in,
                     size_t n)
{
    uint8_t *sent = malloc(n), *got = malloc(n);
    size_t queued = 0, received = 0;
    fill(sent, n, (unsigned)n);
    for (unsigned rounds = 0; received < n && rounds < 100000; rounds++) {
        if (queued < n) {
            int64_t taken = hawser_send(lan->host[from], out, sent + queued, n - queued, 0);
            assert_true(taken > 0 || taken == HAWSER_ERR_AGAIN);
            queued += taken > 0 ? (size_t)taken : 0;
        }
        lan_settle(lan);
        int64_t read = hawser_receive(lan->host[to], in, got + received, n - received);
        assert_true(read > 0 || read == HAWSER_ERR_AGAIN);
        received += read > 0 ? (size_t)read : 0;
        if (read <= 0)
            lan_run(lan, 50 * NS_PER_MS);
    }
    assert_int_equal(received, n);
    assert_memory_equal(sent, got, n);
    free(sent);
    free(got);
}

static void test_data_both_ways(void **state)
{
    (void)state;
    static const struct {
        enum hawser_link_kind kind;
        uint32_t mtu;
        bool v6;
        size_t bytes;
    } rows[] = {
        {HAWSER_LINK_ETHERNET, 1500, false, 300000}, {HAWSER_LINK_ETHERNET, 1500, true, 300000},
        {HAWSER_LINK_IP, 1500, false, 300000},       {HAWSER_LINK_IP, 1280, true, 100000},
        {HAWSER_LINK_IP, 68, false, 2000},           {HAWSER_LINK_ETHERNET, 9000, false, 1000000},
        {HAWSER_LINK_IP, 65535, true, 5000000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.kind = rows[i].kind, .mtu = rows[i].mtu});
        lan_connect(lan, rows[i].v6, 0, 80, ends);
        transfer(lan, 1, ends[1], 0, ends[0], rows[i].bytes);
        transfer(lan, 0, ends[0], 1, ends[1], rows[i].bytes);
        assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_TCP_CHECKSUM), 0);
        lan_deinit(lan);
        free(lan);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const ends_of[] = {"127.0.0.1", "::1", "198.18.0.1", "2001:db8::1"};
    for (size_t i = 0; i < COUNT_OF(ends_of); i++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.loopback = true});
        hawser_tcp listener = lan_listen(lan, 0, 80);
        ends[1] = lan_open(lan, 0, lan_end(ends_of[i], 80));
        lan_settle(lan);
        assert_int_equal(hawser_accept(lan->host[0], listener, &ends[0]), 0);
        transfer(lan, 0, ends[1], 0, ends[0], 2000000);
        transfer(lan, 0, ends[0], 0, ends[1], 2000000);
        assert_int_equal(lan->frames, 0); /* none of it was seen on the wire */
        assert_int_equal(hawser_close(lan->host[0], ends[1]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
        lan_settle(lan);
        struct hawser_usage usage;
        hawser_usage_of(lan->host[0], &usage);
        assert_int_equal(usage.timewaits, 1);
        assert_int_equal(usage.connections, 0);
        lan_deinit(lan);
        free(lan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_both_ways),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
