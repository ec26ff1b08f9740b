/* SPDX-License-Identifier: MIT */
/* The flow map's hash: every part of the 4-tuple and of the key counts, and it is even. */
#include "base/prng.h"
#include "lan.h"
#include "stack/flows.h"

static const struct siphash_key key = {{1, 2}};

static struct flow_key flow_of(bool v6)
{
    struct hawser_endpoint a = lan_end_of(0, v6, 80), b = lan_end_of(1, v6, 40000);
    return (struct flow_key){a.address, b.address, a.port, b.port};
}

static void test_every_part_counts(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct flow_key flow = flow_of(v6);
        uint64_t hash = flow_hash(&key, &flow);
        assert_true(hash == flow_hash(&key, &flow));
        assert_true(hash != flow_hash(&(struct siphash_key){{1, 3}}, &flow));
        uint8_t *bytes = (uint8_t *)&flow;
        for (size_t i = 0; i < sizeof flow; i++) {
            bool prefix = i < 32 && i % 16 < 12;
            if (!v6 && prefix)
                continue; /* the same for all of IPv4 */
            bytes[i] ^= 1;
            assert_true(hash != flow_hash(&key, &flow));
            bytes[i] ^= 1;
        }
        struct flow_key other = {flow.raddr, flow.laddr, flow.rport, flow.lport};
        assert_true(hash != flow_hash(&key, &other));
        assert_false(flow_key_equal(&flow, &other));
        assert_true(flow_key_is_v4(&flow) == !v6);
    }
}

static void test_even(void **state)
{
    (void)state;
    static uint32_t low[256], high[256];
    struct flow_key flow = flow_of(false);
    for (uint32_t i = 0; i < 65536; i++) {
        flow.rport = (uint16_t)i;
        uint64_t hash = flow_hash(&key, &flow);
        low[hash & 255]++;
        high[hash >> 56]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        assert_in_range(low[i], 160, 352);
        assert_in_range(high[i], 160, 352);
    }
}

static void test_references(void **state)
{
    (void)state;
    const enum flow_kind kinds[] = {FLOW_CONNECTION, FLOW_REQUEST, FLOW_RECORD_V4, FLOW_RECORD_V6};
    const uint32_t indexes[] = {0, 1, (1u << 24) - 1, (1u << 30) - 2};
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (size_t i = 0; i < COUNT_OF(indexes); i++) {
            uint32_t ref = flow_ref(kinds[k], indexes[i]);
            assert_int_equal(flow_kind_of(ref), kinds[k]);
            assert_int_equal(flow_index_of(ref), indexes[i]);
            assert_int_not_equal(ref, FLOW_NONE);
        }
    }
}

/* A thousand connections, half of them closed, a third of those again: each segment finds its
 * own. */
static void test_many_at_once(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct lan lan;
    static hawser_tcp ends[COUNT][2];
    struct prng prng;
    prng_init(&prng, 1);
    lan_init(&lan, &(struct lan_setup){.kind = HAWSER_LINK_IP, .deaf = true});
    hawser_tcp listener = lan_listen(&lan, 0, 80);
    for (unsigned i = 0; i < COUNT; i++)
        lan_connect(&lan, i % 2 != 0, listener, 80, ends[i]);
    for (unsigned round = 0; round < 6000; round++) {
        unsigned i = prng_below(&prng, COUNT);
        uint16_t sent = (uint16_t)round, got = 0;
        if (prng_below(&prng, 5) == 0) {
            assert_int_equal(hawser_close(lan.host[round & 1], ends[i][round & 1]), 0);
            lan_settle(&lan);
            assert_int_equal(hawser_close(lan.host[!(round & 1)], ends[i][!(round & 1)]), 0);
            lan_connect(&lan, prng_below(&prng, 2) != 0, listener, 80, ends[i]);
        }
        assert_int_equal(hawser_send(lan.host[1], ends[i][1], &sent, 2, 0), 2);
        lan_settle(&lan);
        assert_int_equal(hawser_receive(lan.host[0], ends[i][0], &got, 2), 2);
        assert_int_equal(sent, got);
    }
    struct hawser_usage usage;
    hawser_usage_of(lan.host[0], &usage);
    assert_int_equal(usage.connections, COUNT);
    lan_run(&lan, 70 * NS_PER_S);
    hawser_usage_of(lan.host[0], &usage);
    assert_int_equal(usage.connections, COUNT);
    assert_int_equal(usage.timewaits, 0);
    lan_deinit(&lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_counts),
        cmocka_unit_test(test_even),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
