/* SPDX-License-Identifier: MIT */
/* Defaults are what config.h says and pass the check; every field that leaves its range is
 * named. */
#include "lan.h"

static void *acquire(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    return NULL;
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)memory;
    (void)bytes;
}

static void good(struct hawser_config *config)
{
    hawser_config_defaults(config);
    config->memory = (struct hawser_memory){acquire, release, NULL};
    config->entropy[31] = 1;
}

static void test_defaults(void **state)
{
    (void)state;
    struct hawser_config config;
    const char *field = "untouched";
    good(&config);
    assert_int_equal(hawser_config_check(&config, &field), 0);
    assert_string_equal(field, "untouched");
    assert_true(config.keepalive_idle_ns >= 7200 * NS_PER_S);
    assert_int_equal(config.msl_ns, 30 * NS_PER_S);
    assert_int_equal(config.rto_initial_ns, NS_PER_S);
    assert_int_equal(config.syn_retries, 7);
    assert_int_equal(config.hop_limit, 64);
    assert_int_equal(config.buffer_bytes, config.memory_bytes / 4 * 3);
}

/* EVIDENCE 6528-03 */
static void test_entropy_and_memory_are_required(void **state)
{
    (void)state;
    struct hawser_config config;
    const char *field;
    hawser_config_defaults(&config);
    assert_int_equal(hawser_config_check(&config, &field), HAWSER_ERR_CONFIG);
    assert_string_equal(field, "memory");
    config.memory.acquire = acquire;
    assert_int_equal(hawser_config_check(&config, NULL), HAWSER_ERR_CONFIG);
    config.memory.release = release;
    assert_int_equal(hawser_config_check(&config, &field), HAWSER_ERR_CONFIG);
    assert_string_equal(field, "entropy");
    config.entropy[7] = 1;
    assert_int_equal(hawser_config_check(&config, &field), 0);
}

#define FIELD(name, bad)                                                                           \
    {                                                                                              \
#name, offsetof(struct hawser_config, name), sizeof(((struct hawser_config *)0)->name),    \
            (uint64_t)(bad)                                                                        \
    }

static const struct {
    const char *name;
    size_t offset, size;
    uint64_t bad;
} rows[] = {
    FIELD(memory_bytes, 1000),
    FIELD(buffer_bytes, 0),
    FIELD(buffer_bytes, UINT64_MAX),
    FIELD(chunk_bytes, 32768),
    FIELD(chunk_bytes, 128 << 20),
    FIELD(chunk_bytes, 100000),
    FIELD(connections_max, 0),
    FIELD(connections_max, 1 << 24),
    FIELD(halfopen_max, 0),
    FIELD(timewait_max, 0),
    FIELD(timewait_max, (1 << 26) + 1),
    FIELD(listeners_max, 0),
    FIELD(neighbours_max, 0),
    FIELD(neighbours_max, 1 << 24),
    FIELD(routes_max, 0),
    FIELD(addresses_max, 0),
    FIELD(links_max, 0),
    FIELD(links_max, 256),
    FIELD(paths_max, 0),
    FIELD(hop_limit, 0),
    FIELD(neighbour_reachable_ns, 0),
    FIELD(fragment_timeout_ns, 0),
    FIELD(path_mtu_age_ns, 299 * NS_PER_S),
    FIELD(syn_retries, 0),
    FIELD(synack_retries, 0),
    FIELD(port_first, 0),
    FIELD(port_last, 0),
    FIELD(port_last, 32767),
    FIELD(initial_window_segments, 0),
    FIELD(initial_window_segments, 11),
    FIELD(send_buffer_bytes, 2047),
    FIELD(receive_buffer_bytes, 2047),
    FIELD(receive_buffer_bytes, (1 << 30) + 1),
    FIELD(receive_window_initial_bytes, 0),
    FIELD(receive_window_initial_bytes, 100 << 20),
    FIELD(delayed_ack_ns, 500 * NS_PER_MS),
    FIELD(quick_acks, 256),
    FIELD(rto_min_ns, 0),
    FIELD(rto_max_ns, 59 * NS_PER_S),
    FIELD(rto_initial_ns, 1000),
    FIELD(rto_initial_ns, 100 * NS_PER_MS),
    FIELD(retries1, 0),
    FIELD(retries2, 0),
    FIELD(override_ns, 99 * NS_PER_MS),
    FIELD(override_ns, 1001 * NS_PER_MS),
    FIELD(challenge_acks, 0),
    FIELD(challenge_interval_ns, 0),
    FIELD(keepalive_idle_ns, 0),
    FIELD(keepalive_interval_ns, 0),
    FIELD(keepalive_probes, 128),
    FIELD(msl_ns, 0),
    FIELD(msl_ns, UINT64_MAX),
    FIELD(fin_wait_2_ns, 0),
    FIELD(orphan_retries, 0),
    FIELD(timewait_reuse, 3),
    FIELD(timewait_reuse_delay_ns, UINT64_MAX),
};

static void put(void *field, size_t size, uint64_t value)
{
    if (size == sizeof(uint8_t))
        *(uint8_t *)field = (uint8_t)value;
    else if (size == sizeof(uint16_t))
        *(uint16_t *)field = (uint16_t)value;
    else if (size == sizeof(uint32_t))
        *(uint32_t *)field = (uint32_t)value;
    else
        *(uint64_t *)field = value;
}

static void test_every_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_config config;
        const char *field = "";
        good(&config);
        put((char *)&config + rows[i].offset, rows[i].size, rows[i].bad);
        assert_int_equal(hawser_config_check(&config, &field), HAWSER_ERR_CONFIG);
        assert_string_equal(field, rows[i].name);
        struct hawser_host *host = NULL;
        assert_int_equal(hawser_host_create(&config, 0, &host), HAWSER_ERR_CONFIG);
        assert_null(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_entropy_and_memory_are_required),
        cmocka_unit_test(test_every_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
