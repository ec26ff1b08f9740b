/* SPDX-License-Identifier: MIT */
/* Learnt path MTUs: the arithmetic of RFC 1191, and a table that is bounded and ages. */
#include "fake.h"

#include "net/pathmtu.h"

static struct test_memory source;
static struct memory memory;
static struct siphash_key key = {{1, 2}};
static uint32_t heads[16];
static struct pathmtus p;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    assert_true(pathmtus_init(&p, &memory, 8, 600 * NS_PER_S, heads, 16, &key));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pathmtus_deinit(&p);
    test_memory_deinit(&source);
    return 0;
}

/* EVIDENCE 1191-02 1191-03 */
static void test_judge(void **state)
{
    (void)state;
    static const struct {
        uint32_t reported, quoted, current, expected;
    } rows[] = {
        {1400, 1500, 1500, 1400},
        {1500, 1500, 1500, 1500},
        {9000, 1500, 1500, 1500}, /* never raised */
        {20, 1500, 1500, 68},     /* never below 68 */
        {67, 1500, 1500, 68},
        {68, 1500, 1500, 68},
        {68, 1500, 68, 68},
        {1, 68, 68, 68},
        /* an old router: the next lower plateau */
        {0, 1499, 1500, 1492},
        {0, 1500, 1500, 1006}, /* may have been 1480: a header counted twice (RFC 1191 5) */
        {0, 1492, 1492, 1006},
        {0, 1006, 1006, 508},
        {0, 508, 508, 296},
        {0, 296, 296, 68},
        {0, 68, 68, 68},
        {0, 9000, 9000, 8166},
        {0, 4000, 9000, 2002}, /* by the packet that did not fit, not by the estimate */
        {0, 65535, 65535, 32000},
        {0, 1540, 1500, 1492},
        {0, 1500, 1006, 1006}, /* sent before the estimate fell */
        {0, 1500, 508, 508},
        {0, 0, 1500, 68}, /* a forged quote cannot do worse than a forged report */
        {0, 65535, 1500, 1500},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t got = pathmtu_judge_v4(rows[i].reported, rows[i].quoted, rows[i].current);
        if (got != rows[i].expected)
            fail_msg("row %zu: %u", i, got);
    }
}

static struct hawser_address number(uint32_t n)
{
    uint8_t b[4];
    store_be32(b, n);
    return address_of_v4(b);
}

static void test_oldest_reused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        struct hawser_address a = number(i);
        assert_int_equal(pathmtus_find(&p, &a), 0);
        assert_true(pathmtus_set(&p, &a, 1000 + i, i));
    }
    struct hawser_address first = number(0), second = number(1), more = number(100);
    assert_true(pathmtus_set(&p, &first, 900, 10)); /* now the youngest */
    assert_true(pathmtus_set(&p, &more, 800, 11));
    assert_int_equal(pathmtus_find(&p, &first), 900);
    assert_int_equal(pathmtus_find(&p, &second), 0);
    assert_int_equal(pathmtus_find(&p, &more), 800);
    for (uint32_t i = 0; i < 10000; i++) {
        struct hawser_address a = number(1000 + i);
        assert_true(pathmtus_set(&p, &a, 1000 + i, 12 + i));
        assert_int_equal(pathmtus_find(&p, &a), 1000 + i);
        assert_true(p.pool.used_count <= 8);
    }
    for (uint32_t i = 0; i < 10000; i++) {
        struct hawser_address a = number(1000 + i);
        assert_int_equal(pathmtus_find(&p, &a), i < 9992 ? 0 : 1000 + i);
    }
}

static void test_age(void **state)
{
    (void)state;
    struct hawser_address a = number(1), b = number(2);
    assert_int_equal(pathmtus_next(&p), NEVER);
    assert_false(pathmtus_expire(&p, UINT64_MAX));
    assert_true(pathmtus_set(&p, &a, 1000, 0));
    assert_true(pathmtus_set(&p, &b, 1001, NS_PER_S));
    assert_true(pathmtus_set(&p, &a, 999, 2 * NS_PER_S));
    assert_int_equal(pathmtus_next(&p), 601 * NS_PER_S);
    assert_false(pathmtus_expire(&p, 601 * NS_PER_S - 1));
    assert_true(pathmtus_expire(&p, 601 * NS_PER_S));
    assert_int_equal(pathmtus_find(&p, &b), 0);
    assert_int_equal(pathmtus_find(&p, &a), 999);
    assert_int_equal(pathmtus_next(&p), 602 * NS_PER_S);
    assert_true(pathmtus_expire(&p, 602 * NS_PER_S));
    assert_int_equal(pathmtus_next(&p), NEVER);
    assert_int_equal(p.pool.used_count, 0);
    /* A clock near its end: never forgotten, never wrong. */
    assert_true(pathmtus_set(&p, &a, 1000, UINT64_MAX - 5));
    assert_false(pathmtus_expire(&p, UINT64_MAX - 1));
    assert_int_equal(pathmtus_find(&p, &a), 1000);
}

/* EVIDENCE 1191-04 */
static void test_age_not_below_five_minutes(void **state)
{
    (void)state;
    struct hawser_address a = number(1);
    pathmtus_deinit(&p);
    assert_true(pathmtus_init(&p, &memory, 8, NS_PER_S, heads, 16, &key));
    assert_true(pathmtus_set(&p, &a, 1000, 0));
    assert_int_equal(pathmtus_next(&p), 300 * NS_PER_S);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct hawser_address a = number(1);
    test_memory_refuse_from(&source, 1);
    assert_false(pathmtus_set(&p, &a, 1000, 0));
    assert_int_equal(pathmtus_find(&p, &a), 0);
    assert_int_equal(pathmtus_next(&p), NEVER);
    test_memory_refuse_from(&source, 0);
    assert_true(pathmtus_set(&p, &a, 1000, 0));
    assert_int_equal(pathmtus_find(&p, &a), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_judge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oldest_reused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_not_below_five_minutes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
