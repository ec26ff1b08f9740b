/* SPDX-License-Identifier: MIT */
/* hawser_host_configure: what changes in a living host, what may not, and records in their order
 * (configure.c). */
#include <stdlib.h>

#include "lan.h"

static uint32_t waiting(struct lan *lan, unsigned host)
{
    struct hawser_usage usage;
    hawser_usage_of(lan->host[host], &usage);
    return (uint32_t)usage.timewaits;
}

static int configure(struct lan *lan, unsigned host, const struct hawser_config *config)
{
    return hawser_host_configure(lan->host[host], lan->now_ns, config);
}

/* A record in TIME-WAIT on host 1. */
static void leave_record(struct lan *lan, hawser_tcp listener, bool v6)
{
    hawser_tcp ends[2];
    lan_connect(lan, v6, listener, 80, ends);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    lan_settle(lan);
}

static void test_fixed_fields(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, NULL);
    const struct hawser_config own = *hawser_config_of(lan->host[0]);
    assert_memory_equal(&own, &lan->config[0], sizeof own);
    static const size_t numbers[] = {
        offsetof(struct hawser_config, connections_max),
        offsetof(struct hawser_config, halfopen_max),
        offsetof(struct hawser_config, timewait_max),
        offsetof(struct hawser_config, listeners_max),
        offsetof(struct hawser_config, neighbours_max),
        offsetof(struct hawser_config, routes_max),
        offsetof(struct hawser_config, addresses_max),
        offsetof(struct hawser_config, links_max),
        offsetof(struct hawser_config, fragments_bytes_max),
        offsetof(struct hawser_config, paths_max),
    };
    for (unsigned i = 0; i < COUNT_OF(numbers); i++) {
        struct hawser_config other = own;
        uint32_t value;
        memcpy(&value, (char *)&other + numbers[i], sizeof value);
        value--;
        memcpy((char *)&other + numbers[i], &value, sizeof value);
        assert_int_equal(configure(lan, 0, &other), HAWSER_ERR_CONFIG);
    }
    struct hawser_config others[6];
    for (unsigned i = 0; i < COUNT_OF(others); i++)
        others[i] = own;
    others[0].memory_bytes++;
    others[1].buffer_bytes--;
    others[2].chunk_bytes *= 2;
    others[3].entropy[31]++;
    others[4].trace_context = lan;
    others[5].rto_max_ns = 1; /* out of range */
    for (unsigned i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(configure(lan, 0, &others[i]), HAWSER_ERR_CONFIG);
    assert_memory_equal(hawser_config_of(lan->host[0]), &own, sizeof own);
    assert_int_equal(configure(lan, 0, &own), 0);
    lan_deinit(lan);
    free(lan);
}

/* Shorter and longer TIME-WAIT: every record ends two MSLs of the new kind behind its beginning,
 * those before the change too. */
static void test_time_wait_changes(void **state)
{
    static const uint64_t msl_s[] = {5, 60, 45, 1};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(msl_s); i++) {
        struct lan *lan = malloc(sizeof *lan);
        lan_init(lan, NULL);
        hawser_tcp listener = lan_listen(lan, 0, 80);
        uint64_t began_ns = lan->now_ns;
        for (unsigned record = 0; record < 6; record++) {
            leave_record(lan, listener, record & 1);
            lan_run(lan, NS_PER_S / 2);
        }
        struct hawser_config config = *hawser_config_of(lan->host[1]);
        config.msl_ns = msl_s[i] * NS_PER_S;
        assert_int_equal(configure(lan, 1, &config), 0);
        leave_record(lan, listener, false); /* the last, 3 s behind the first */
        uint64_t life_ns = 2 * config.msl_ns;
        for (unsigned record = 0; record < 7; record++) {
            uint64_t end_ns = began_ns + record * (NS_PER_S / 2) + life_ns;
            if (end_ns <= lan->now_ns)
                continue;
            lan_run(lan, end_ns - 1 - lan->now_ns);
            assert_int_equal(waiting(lan, 1), 7 - record);
            lan_run(lan, NS_PER_MS);
            assert_int_equal(waiting(lan, 1), 6 - record);
        }
        assert_int_equal(waiting(lan, 1), 0);
        lan_deinit(lan);
        free(lan);
    }
}

/* Records of FIN-WAIT-2 follow their own time. */
static void test_fin_wait_2_changes(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    lan_init(lan, NULL);
    lan_connect(lan, true, 0, 80, ends);
    uint64_t began_ns = lan->now_ns;
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    struct hawser_config config = *hawser_config_of(lan->host[1]);
    config.fin_wait_2_ns = 7 * NS_PER_S;
    assert_int_equal(configure(lan, 1, &config), 0);
    lan_run(lan, began_ns + 7 * NS_PER_S - 1 - lan->now_ns);
    assert_int_equal(waiting(lan, 1), 1);
    lan_run(lan, NS_PER_MS);
    assert_int_equal(waiting(lan, 1), 0);
    lan_deinit(lan);
    free(lan);
}

/* What is looked up when it is needed follows at once. */
static void test_behaviour_changes(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    struct hawser_tcp_info info;
    lan_init(lan, NULL);
    struct hawser_config config = *hawser_config_of(lan->host[0]);
    config.timestamps = false;
    config.hop_limit = 9;
    assert_int_equal(configure(lan, 0, &config), 0);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, ends[0], &info), 0);
    assert_false(info.has_timestamps);
    assert_true(info.has_sack);
    uint64_t hops;
    assert_int_equal(hawser_get_option(lan->host[0], ends[0], HAWSER_OPTION_HOP_LIMIT, &hops), 0);
    assert_int_equal(hops, 9);
    lan_deinit(lan);
    free(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_fields),
        cmocka_unit_test(test_time_wait_changes),
        cmocka_unit_test(test_fin_wait_2_changes),
        cmocka_unit_test(test_behaviour_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
