/* SPDX-License-Identifier: MIT */
/* Local ports of active opens (RFC 6056): spread, per destination, down to the last one, and
 * records that may be taken over. */
#include <stdlib.h>

#include "lan.h"

#define FIRST 40000
#define COUNT 200

static void configure(struct hawser_config *config, unsigned host)
{
    config->port_first = FIRST;
    config->port_last = FIRST + COUNT - 1;
    config->timewait_reuse = host == 0 ? 0 : 1;
}

static uint16_t port_of(struct lan *lan, unsigned host, hawser_tcp tcp)
{
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(lan->host[host], lan->now_ns, tcp, &info), 0);
    return info.local.port;
}

/* EVIDENCE 6056-03 6056-04 */
static void test_down_to_the_last(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.configure = configure});
    for (uint16_t destination = 80; destination < 83; destination++) {
        uint8_t used[COUNT] = {0};
        unsigned in_order = 0;
        uint16_t last = 0;
        hawser_tcp tcp;
        struct hawser_open_options options = {.remote = lan_end_of(1, false, destination)};
        for (unsigned i = 0; i < COUNT; i++) {
            assert_int_equal(hawser_open(lan->host[0], lan->now_ns, &options, &tcp), 0);
            uint16_t port = port_of(lan, 0, tcp);
            assert_in_range(port, FIRST, FIRST + COUNT - 1);
            assert_int_equal(used[port - FIRST]++, 0);
            in_order += port == last + 1;
            last = port;
        }
        assert_true(in_order >=
                    COUNT - 2); /* of one destination one after the other, RFC 6056 3.3.4 */
        assert_int_equal(hawser_open(lan->host[0], lan->now_ns, &options, &tcp),
                         HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    }
    lan_deinit(lan);
    free(lan);
}

/* Where a destination's sequence begins is not to be seen from another's: over many destinations
 * the ports lie evenly in the range, and neighbours have nothing to do with one another.
 * EVIDENCE 6056-01 5927-06 */
static void test_unrelated_destinations(void **state)
{
    (void)state;
    enum { OPENS = 16000, BINS = 16 };
    struct lan *lan = malloc(sizeof *lan);
    unsigned close_by = 0, bins[BINS] = {0};
    uint16_t last = 0;
    lan_init(lan, &(struct lan_setup){.deaf = true});
    for (uint16_t destination = 1; destination <= OPENS; destination++) {
        hawser_tcp tcp = lan_open(lan, 0, lan_end_of(1, false, destination));
        uint16_t port = port_of(lan, 0, tcp);
        assert_in_range(port, 32768, 60999);
        close_by += (uint16_t)(port - last + 100) < 200;
        last = port;
        bins[(port - 32768u) * BINS / (61000 - 32768)]++;
        assert_int_equal(hawser_abort(lan->host[0], tcp), 0);
    }
    assert_in_range(close_by, OPENS / 282, OPENS / 70); /* 1 in 141 by chance */
    double chi_square = 0, expected = (double)OPENS / BINS;
    for (unsigned i = 0; i < BINS; i++)
        chi_square += (bins[i] - expected) * (bins[i] - expected) / expected;
    assert_true(chi_square > 2 && chi_square < 45); /* 15 degrees of freedom: 1 in 10,000 each */
    lan_deinit(lan);
    free(lan);
}

static void open_and_close(struct lan *lan, unsigned client, hawser_tcp listener, uint16_t *port)
{
    hawser_tcp end, other;
    struct hawser_open_options options = {.remote = lan_end_of(!client, false, 80)};
    assert_int_equal(hawser_open(lan->host[client], lan->now_ns, &options, &end), 0);
    *port = port_of(lan, client, end);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, client, end), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_accept(lan->host[!client], listener, &other), 0);
    assert_int_equal(hawser_close(lan->host[client], end), 0);
    lan_settle(lan);
    assert_int_equal(hawser_close(lan->host[!client], other), 0);
    lan_settle(lan);
}

static void test_records_and_opens(void **state)
{
    (void)state;
    for (unsigned client = 0; client < 2; client++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp tcp;
        uint16_t port;
        lan_init(lan, &(struct lan_setup){.configure = configure});
        hawser_tcp listener = lan_listen(lan, !client, 80);
        for (unsigned i = 0; i < COUNT; i++)
            open_and_close(lan, client, listener, &port);
        struct hawser_open_options options = {.remote = lan_end_of(!client, false, 80)};
        assert_int_equal(hawser_open(lan->host[client], lan->now_ns, &options, &tcp),
                         HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
        options.local.port = port;
        options.reuse_address = true;
        assert_int_equal(hawser_open(lan->host[client], lan->now_ns, &options, &tcp),
                         HAWSER_ERR_ADDRESS_IN_USE);
        lan_run(lan, 2 * NS_PER_S); /* timewait_reuse_delay_ns is over */
        if (client == 0) {          /* never */
            assert_int_equal(hawser_open(lan->host[client], lan->now_ns, &options, &tcp),
                             HAWSER_ERR_ADDRESS_IN_USE);
            options.local.port = 0;
            assert_int_equal(hawser_open(lan->host[client], lan->now_ns, &options, &tcp),
                             HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
            lan_run(lan, 60 * NS_PER_S); /* and then there are all of them */
            open_and_close(lan, client, listener, &port);
        } else { /* always */
            open_and_close(lan, client, listener, &port);
            const struct hawser_counters *counters = hawser_counters_of(lan->host[client]);
            assert_int_equal(counters->timewait_reused, 1);
            assert_int_equal(lan_count_record(lan, client, HAWSER_RECORD_REUSED_BY_OPEN), 1);
            assert_int_equal(counters->timewait_entered, COUNT + 1);
        }
        struct hawser_usage usage;
        hawser_usage_of(lan->host[client], &usage);
        assert_int_equal(usage.timewaits, client == 0 ? 1 : COUNT);
        lan_deinit(lan);
        free(lan);
    }
}

/* A port somebody listens on is not taken for an open. */
static void test_listeners_ports_are_left_alone(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.configure = configure});
    for (uint16_t i = 0; i < COUNT - 1; i++)
        lan_listen(lan, 0, (uint16_t)(FIRST + i));
    hawser_tcp tcp = lan_open(lan, 0, lan_end_of(1, false, 80));
    assert_int_equal(port_of(lan, 0, tcp), FIRST + COUNT - 1);
    lan_deinit(lan);
    free(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_down_to_the_last),
        cmocka_unit_test(test_unrelated_destinations),
        cmocka_unit_test(test_records_and_opens),
        cmocka_unit_test(test_listeners_ports_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
