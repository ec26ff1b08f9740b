/* SPDX-License-Identifier: MIT */
/* Pools: order of slots, limits, growth, refusals at every request. */
#include "support/unit.h"

#include "base/pool.h"
#include "base/prng.h"
#include "support/test_memory.h"

static struct test_memory source;
static struct memory memory;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_memory_deinit(&source);
    return 0;
}

static void test_chunks(void **state)
{
    (void)state;
    static const struct {
        uint32_t slot_bytes, slots_limit, chunk_bytes;
        uint32_t slots_in_chunk;
    } rows[] = {
        {64, 1u << 20, 1u << 16, 1024},
        {64, 1000, 1u << 16, 1024},
        {64, 10, 1u << 16, 16}, /* not more than the limit asks for */
        {64, 1, 1u << 16, 1},
        {320, 1u << 20, 1u << 16, 256},      /* rounded up to a power of two */
        {8, UINT32_MAX - 1, 1u << 16, 8192}, /* the largest index */
        {200000, 100, 1u << 16, 1},          /* a slot larger than a chunk */
        {32, 1u << 26, 1u << 18, 8192},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pool p;
        assert_true(
            pool_init(&p, &memory, rows[i].slot_bytes, rows[i].slots_limit, rows[i].chunk_bytes));
        assert_int_equal(1u << p.chunk_shift, rows[i].slots_in_chunk);
        assert_int_equal(source.held_count, 1);
        uint32_t chunks = (rows[i].slots_limit - 1) / rows[i].slots_in_chunk + 1;
        assert_int_equal(source.held_bytes, chunks * sizeof(void *));
        assert_int_equal(pool_take(&p), 0);
        assert_int_equal(source.held_count, 2);
        pool_deinit(&p);
        assert_int_equal(source.held_count, 0);
    }
}

static void test_order_of_slots(void **state)
{
    (void)state;
    struct pool p;
    assert_true(pool_init(&p, &memory, 72, 3000, 1u << 16));
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(pool_take(&p), i);
        uint8_t *slot = pool_at(&p, i);
        for (unsigned j = 0; j < 72; j++)
            assert_int_equal(slot[j], 0);
        memset(slot, (int)(i % 251), 72);
    }
    assert_int_equal(pool_take(&p), POOL_NONE); /* the limit, in the middle of a chunk */
    assert_int_equal(p.used_count, 3000);
    pool_give(&p, 17);
    pool_give(&p, 2999);
    pool_give(&p, 1024);
    assert_int_equal(p.used_count, 2997);
    assert_int_equal(p.high_count, 3000);
    assert_int_equal(pool_take(&p), 1024);
    assert_int_equal(pool_take(&p), 2999);
    assert_int_equal(pool_take(&p), 17);
    assert_int_equal(pool_take(&p), POOL_NONE);
    for (uint32_t i = 0; i < 3000; i++) {
        const uint8_t *slot = pool_at(&p, i);
        for (unsigned j = 4; j < 72; j++) /* the first four bytes are the free list's */
            assert_int_equal(slot[j], i % 251);
    }
    pool_deinit(&p);
}

static void test_cache_lines_hold(void **state)
{
    (void)state;
    struct pool p;
    assert_true(pool_init(&p, &memory, 64, 5000, 1u << 16));
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal((uintptr_t)pool_at(&p, pool_take(&p)) % 64, 0);
    pool_deinit(&p);
}

/* Every request for memory refused once, and from then on: the pool says no and goes on afterwards.
 * */
static void test_refusals(void **state)
{
    (void)state;
    enum { SLOTS = 8192 }; /* eight chunks: a cache line of the directory */
    for (uint64_t nth = 1; nth <= 10; nth++) {
        struct pool p;
        test_memory_refuse_nth(&source, nth);
        if (!pool_init(&p, &memory, 64, SLOTS, 1u << 16)) {
            assert_int_equal(nth, 1);
            assert_int_equal(source.held_count, 0);
            pool_deinit(&p); /* does no harm */
            continue;
        }
        assert_true(nth > 1);
        uint32_t refused = 0;
        for (uint32_t i = 0; i < SLOTS; i++) {
            struct pool before = p;
            uint32_t index = pool_take(&p);
            if (index == POOL_NONE) {
                refused++;
                assert_int_equal(i, (nth - 2) * 1024);
                assert_memory_equal(&before, &p, sizeof p);
                index = pool_take(&p);
            }
            assert_int_equal(index, i);
        }
        assert_int_equal(refused, nth <= 9 ? 1 : 0);
        pool_deinit(&p);
        assert_int_equal(source.held_count, 0);
    }
}

static void test_against_model(void **state)
{
    (void)state;
    enum { SLOTS = 600 };
    static bool taken[SLOTS];
    struct pool p;
    struct prng prng;
    uint32_t used = 0;
    prng_init(&prng, 1);
    memset(taken, 0, sizeof taken);
    assert_true(pool_init(&p, &memory, 16, SLOTS, 1024));
    for (uint32_t step = 0; step < 300000; step++) {
        uint32_t phase = step / 5000 % 2; /* fill, drain, fill, … */
        uint32_t pick = prng_below(&prng, SLOTS);
        if (prng_below(&prng, 4) != phase * 3) {
            uint32_t index = pool_take(&p);
            assert_int_equal(index == POOL_NONE, used == SLOTS);
            if (index != POOL_NONE) {
                assert_false(taken[index]);
                taken[index] = true;
                used++;
                *(uint32_t *)pool_at(&p, index) = ~index;
            }
        } else if (taken[pick]) {
            assert_int_equal(*(uint32_t *)pool_at(&p, pick), ~pick);
            taken[pick] = false;
            used--;
            pool_give(&p, pick);
        }
        assert_int_equal(p.used_count, used);
    }
    pool_deinit(&p);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    struct pool p;
    assert_true(pool_init(&p, &memory, 64, 100, 1u << 16));
    expect_assert_failure(pool_give(&p, 0)); /* never taken */
    assert_int_equal(pool_take(&p), 0);
    assert_int_equal(pool_take(&p), 1);
    pool_give(&p, 0);
    if (CHECKS_ENABLED)
        expect_assert_failure(pool_give(&p, 0));
    pool_give(&p, 1);
    expect_assert_failure(pool_give(&p, 1)); /* nothing is out */
    pool_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_of_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_lines_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse_is_caught, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
