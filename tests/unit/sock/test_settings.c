/* SPDX-License-Identifier: MIT */
/* Host settings under Linux's names (settings.c, settings_fixed.c). */
#include "island.h"

static struct hawser_config config;

static int set_up(void **state)
{
    (void)state;
    hawser_config_defaults(&config);
    return 0;
}

static int set(const char *name, const char *value)
{
    const char *why = NULL;
    int result = sock_setting_set(&config, name, value, &why);
    if (result < 0)
        assert_non_null(why);
    return result;
}

static void tells(const char *name, const char *text)
{
    char out[80] = "";
    assert_int_equal(sock_setting_get(&config, name, out, sizeof out), strlen(text));
    assert_string_equal(out, text);
}

struct row {
    const char *name, *initial, *good, *told; /* told NULL: as it was given */
    const char *bad;                          /* -EINVAL */
};

/* Each is told, set, told again, and refuses what it has no use for. */
static void settings_of_fields(void **state)
{
    static const struct row rows[] = {
        {"net.ipv4.icmp_msgs_per_sec", "1000", "50", NULL, "x"},
        {"net.ipv4.ip_default_ttl", "64", "255", NULL, "256"},
        {"net.ipv4.ip_local_port_range", "32768\t60999", "1024 2048", "1024\t2048", "2048 1024"},
        {"net.ipv4.ip_no_pmtu_disc", "0", "1", NULL, "4"},
        {"net.ipv4.ipfrag_high_thresh", "1048576", "0", NULL, "1073741825"},
        {"net.ipv4.ipfrag_time", "30", "7", NULL, "0"},
        {"net.ipv4.route.mtu_expires", "600", "300", NULL, "299"},
        {"net.ipv4.tcp_challenge_ack_limit", "2", "100", NULL, "0"},
        {"net.ipv4.tcp_delayed_ack_ms", "40", "0", NULL, "500"},
        {"net.ipv4.tcp_fin_timeout", "60", "1", NULL, "0"},
        {"net.ipv4.tcp_initial_window", "10", "3", NULL, "11"},
        {"net.ipv4.tcp_invalid_ratelimit", "500", "0", NULL, "-1"},
        {"net.ipv4.tcp_keepalive_intvl", "75", "3", NULL, "0"},
        {"net.ipv4.tcp_keepalive_probes", "9", "127", NULL, "128"},
        {"net.ipv4.tcp_keepalive_time", "7200", "1", NULL, ""},
        {"net.ipv4.tcp_max_syn_backlog", "4096", "1", NULL, "0"},
        {"net.ipv4.tcp_max_tw_buckets", "67108864", "5", NULL, "0"},
        {"net.ipv4.tcp_msl_ms", "30000", "1", NULL, "0"},
        {"net.ipv4.tcp_orphan_retries", "8", "0", "8", "128"},
        {"net.ipv4.tcp_quick_acks", "16", "0", NULL, "256"},
        {"net.ipv4.tcp_retries1", "3", "1", NULL, "0"},
        {"net.ipv4.tcp_retries2", "15", "127", NULL, "1 2"},
        {"net.ipv4.tcp_rfc1337", "1", "0", NULL, "2"},
        {"net.ipv4.tcp_rmem", "4096\t131072\t6291456", "1 8192 65536", "4096\t8192\t65536",
         "1 3 2"},
        {"net.ipv4.tcp_rto_initial_ms", "1000", "200", NULL, "0"},
        {"net.ipv4.tcp_rto_max_ms", "120000", "60000", NULL, "59999"},
        {"net.ipv4.tcp_rto_min_us", "200000", "5000", NULL, "999"},
        {"net.ipv4.tcp_sack", "1", "0", NULL, "99999999999999999999"},
        {"net.ipv4.tcp_syn_retries", "7", "1", NULL, "0"},
        {"net.ipv4.tcp_synack_retries", "5", "127", NULL, "128"},
        {"net.ipv4.tcp_syncookies", "1", "0", NULL, "3"},
        {"net.ipv4.tcp_timestamps", "1", "0", NULL, "3"},
        {"net.ipv4.tcp_tw_reuse", "2", "0", NULL, "3"},
        {"net.ipv4.tcp_tw_reuse_delay", "1000", "0", NULL, "60001"},
        {"net.ipv4.tcp_window_scaling", "1", "0", NULL, "2"},
        {"net.ipv4.tcp_wmem", "4096\t4194304\t4194304", "1 2 65536\n", "4096\t65536\t65536", "1 2"},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct hawser_config before;
        hawser_config_defaults(&config);
        assert_string_equal(sock_setting_name(i), row->name); /* none is without a row */
        tells(row->name, row->initial);
        before = config;
        assert_int_equal(set(row->name, row->bad), -EINVAL);
        assert_memory_equal(&config, &before, sizeof config);
        assert_int_equal(set(row->name, row->good), 0);
        tells(row->name, row->told != NULL ? row->told : row->good);
    }
}

/* A configuration whose settings were all used is one that a host takes. */
static void fields_mean_what_they_say(void **state)
{
    (void)state;
    assert_int_equal(set("net/ipv4/tcp_rmem", "4096 131072 33554432"), 0);
    assert_int_equal(config.receive_buffer_bytes, 33554432);
    assert_int_equal(config.receive_window_initial_bytes, 65536);
    assert_int_equal(set("net.ipv4.tcp_rmem", "1 1 1"), 0);
    assert_int_equal(config.receive_buffer_bytes, 2048);
    assert_int_equal(config.receive_window_initial_bytes, 2048);
    assert_int_equal(set("net.ipv4.ip_no_pmtu_disc", "1"), 0);
    assert_false(config.path_mtu_discovery);
    assert_int_equal(set("net.ipv4.tcp_invalid_ratelimit", "250"), 0);
    assert_int_equal(config.challenge_acks, 1);
    assert_int_equal(config.challenge_interval_ns, 250 * ISLAND_MS);
    assert_int_equal(set("net.ipv4.tcp_challenge_ack_limit", "2147483647"), 0);
    assert_int_equal(config.challenge_acks, 255);
    assert_int_equal(set("net.ipv4.tcp_rto_min_us", "10000"), 0);
    assert_int_equal(config.rto_min_ns, 10 * ISLAND_MS);
    config.memory = (struct hawser_memory){.acquire = (void *(*)(void *, size_t))1,
                                           .release = (void (*)(void *, void *, size_t))1};
    config.entropy[0] = 1;
    assert_int_equal(hawser_config_check(&config, NULL), 0);
}

static void settings_without_a_feature(void **state)
{
    static const struct {
        const char *name, *value;
        int result;
    } rows[] = {
        {"net.ipv4.tcp_ecn", "0", 0},
        {"net.ipv4.tcp_ecn", "1", -EOPNOTSUPP},
        {"net.ipv4.tcp_ecn", " 0\n", 0},
        {"net.ipv4.tcp_ecn", "00", -EOPNOTSUPP},
        {"net/ipv4/tcp_fastopen", "3", -EOPNOTSUPP},
        {"net.ipv4.tcp_congestion_control", "reno", 0},
        {"net.ipv4.tcp_congestion_control", "cubic", -EOPNOTSUPP},
        {"net.ipv4.tcp_no_metrics_save", "0", 0},
        {"net.ipv4.tcp_no_metrics_save", "1", 0},
        {"net.ipv4.tcp_timestamps", "2", -EOPNOTSUPP},
        {"net.ipv4.tcp_syncookies", "2", -EOPNOTSUPP},
        {"net.ipv4.ip_no_pmtu_disc", "3", -EOPNOTSUPP},
        {"net.ipv4.tcp_of_tomorrow", "1", -ENOENT},
        {"", "1", -ENOENT},
        {"a name that is longer than every name that the table of settings could ever have", "1",
         -ENOENT},
    };
    char out[80];
    (void)state;
    struct hawser_config before = config;
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(set(rows[i].name, rows[i].value), rows[i].result);
    assert_memory_equal(&config, &before, sizeof config);
    assert_int_equal(sock_setting_set(&config, "net.ipv4.tcp_ecn", "1", NULL), -EOPNOTSUPP);
    assert_int_equal(sock_setting_get(&config, "net.ipv4.nothing", out, sizeof out), -ENOENT);
    assert_int_equal(sock_setting_get(&config, "net.ipv4.tcp_msl_ms", out, 5), -ENOSPC);
    assert_int_equal(sock_setting_get(&config, "net.ipv4.tcp_msl_ms", out, 6), 5);
}

/* Every setting takes the value that it tells, and is found under its name. */
static void every_setting_takes_its_own_value(void **state)
{
    char text[80];
    unsigned count = 0;
    (void)state;
    for (const char *name; (name = sock_setting_name(count)) != NULL; count++) {
        assert_true(sock_setting_get(&config, name, text, sizeof text) >= 0);
        assert_int_equal(set(name, text), 0);
        tells(name, text);
    }
    assert_true(count > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(settings_of_fields, set_up),
        cmocka_unit_test_setup(fields_mean_what_they_say, set_up),
        cmocka_unit_test_setup(settings_without_a_feature, set_up),
        cmocka_unit_test_setup(every_setting_takes_its_own_value, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
