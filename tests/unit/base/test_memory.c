/* SPDX-License-Identifier: MIT */
/* Accounting of memory: limits, refusals, and what is given back. */
#include "support/unit.h"

#include "base/memory.h"
#include "support/test_memory.h"

static void test_counts_what_is_out(void **state)
{
    (void)state;
    struct test_memory source;
    struct memory m;
    test_memory_init(&source);
    memory_init(&m, &source.source, 1000);
    uint8_t *a = memory_acquire(&m, 400);
    uint8_t *b = memory_acquire(&m, 600);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal((uintptr_t)a % 64, 0);
    for (int i = 0; i < 600; i++)
        assert_int_equal(b[i], 0);
    assert_int_equal(m.used_bytes, 1000);
    memory_release(&m, a, 400);
    assert_int_equal(m.used_bytes, 600);
    memory_release(&m, b, 600);
    memory_release(&m, NULL, 77);
    assert_int_equal(m.used_bytes, 0);
    assert_int_equal(m.refused_count, 0);
    test_memory_deinit(&source);
}

static void test_limit_is_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t limit;
        size_t held;
        size_t wanted;
        bool given;
    } rows[] = {
        {1000, 0, 1000, true},
        {1000, 0, 1001, false},
        {1000, 999, 1, true},
        {1000, 999, 2, false},
        {1000, 1000, 1, false},
        {1000, 500, SIZE_MAX, false}, /* a sum that would wrap */
        {1000, 500, SIZE_MAX - 499, false},
        {0, 0, 1, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct test_memory source;
        struct memory m;
        test_memory_init(&source);
        memory_init(&m, &source.source, rows[i].limit);
        void *held = rows[i].held != 0 ? memory_acquire(&m, rows[i].held) : NULL;
        void *p = memory_acquire(&m, rows[i].wanted);
        assert_int_equal(p != NULL, rows[i].given);
        assert_int_equal(m.refused_count, rows[i].given ? 0 : 1);
        assert_int_equal(m.used_bytes, rows[i].held + (rows[i].given ? rows[i].wanted : 0));
        memory_release(&m, p, rows[i].wanted);
        memory_release(&m, held, rows[i].held);
        test_memory_deinit(&source);
    }
}

static void test_source_refuses(void **state)
{
    (void)state;
    struct test_memory source;
    struct memory m;
    test_memory_init(&source);
    memory_init(&m, &source.source, UINT64_MAX);
    test_memory_refuse_nth(&source, 2);
    void *first = memory_acquire(&m, 64);
    assert_non_null(first);
    assert_null(memory_acquire(&m, 64));
    assert_int_equal(m.used_bytes, 64);
    assert_int_equal(m.refused_count, 1);
    void *third = memory_acquire(&m, 64);
    assert_non_null(third);
    memory_release(&m, first, 64);
    memory_release(&m, third, 64);
    test_memory_deinit(&source);
}

static void test_more_back_than_out_is_caught(void **state)
{
    (void)state;
    struct test_memory source;
    struct memory m;
    test_memory_init(&source);
    memory_init(&m, &source.source, 1000);
    void *p = memory_acquire(&m, 100);
    expect_assert_failure(memory_release(&m, p, 101));
    memory_release(&m, p, 100);
    test_memory_deinit(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_what_is_out),
        cmocka_unit_test(test_limit_is_exact),
        cmocka_unit_test(test_source_refuses),
        cmocka_unit_test(test_more_back_than_out_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
