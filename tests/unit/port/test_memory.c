/* SPDX-License-Identifier: MIT */
/* Memory for hosts: zeroed, aligned, counted, refused on demand. */
#include <stdio.h>

#include <hawser/port/memory.h>

#include "support/unit.h"

static bool all_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,       63,      64,      100,          4095,
                                   65535,   65536,   65537,   262144,       2097151,
                                   2097152, 2097153, 4 << 20, (5 << 20) + 1};
    struct hawser_memory_meter meter = {0};
    struct hawser_memory memory = hawser_memory_default(&meter);
    uint8_t *pieces[COUNT_OF(sizes)];
    uint64_t total = 0;
    for (unsigned turn = 0; turn < 2; turn++) { /* the second gets what the first gave back */
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            pieces[i] = memory.acquire(memory.context, sizes[i]);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 64, 0);
            assert_true(all_zero(pieces[i], sizes[i]));
            if (sizes[i] >= 2 << 20) /* for huge pages */
                assert_int_equal((uintptr_t)pieces[i] % (2 << 20), 0);
            memset(pieces[i], 0xff, sizes[i]);
            total += turn == 0 ? sizes[i] : 0;
        }
        assert_int_equal(meter.in_use_bytes, total);
        for (size_t i = 0; i < COUNT_OF(sizes); i++)
            memory.release(memory.context, pieces[i], sizes[i]);
        assert_int_equal(meter.in_use_bytes, 0);
    }
    assert_int_equal(meter.high_bytes, total);
    assert_int_equal(meter.acquired_count, 2 * COUNT_OF(sizes));
    assert_int_equal(meter.released_count, 2 * COUNT_OF(sizes));
    assert_int_equal(meter.refused_count, 0);
}

static unsigned long address_space_pages(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    assert_int_equal(fclose(file), 0);
    return pages;
}

/* What alignment needed on top goes back at once. */
static void test_no_address_space_is_lost(void **state)
{
    (void)state;
    struct hawser_memory memory = hawser_memory_default(NULL);
    const size_t bytes = (3 << 20) + 5;
    void *pieces[200];
    unsigned long before = address_space_pages();
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        pieces[i] = memory.acquire(memory.context, bytes);
        assert_non_null(pieces[i]);
    }
    unsigned long used = address_space_pages() - before;
    assert_true(used <= 200 * (bytes / 4096 + 1) + 1000);
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        memory.release(memory.context, pieces[i], bytes);
    assert_true(address_space_pages() <= before + 1000);
}

static void test_without_meter(void **state)
{
    (void)state;
    struct hawser_memory memory = hawser_memory_default(NULL);
    void *piece = memory.acquire(memory.context, 100000);
    assert_non_null(piece);
    memory.release(memory.context, piece, 100000);
    memory.release(memory.context, NULL, 100000);
}

static void test_too_much(void **state)
{
    (void)state;
    struct hawser_memory_meter meter = {0};
    struct hawser_memory memory = hawser_memory_default(&meter);
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX - (2 << 20), SIZE_MAX / 2};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_null(memory.acquire(memory.context, sizes[i]));
    assert_int_equal(meter.refused_count, COUNT_OF(sizes));
    assert_int_equal(meter.in_use_bytes, 0);
}

static void test_refuse_nth(void **state)
{
    (void)state;
    static const struct {
        uint64_t nth;
        bool later;
        const char *granted; /* of ten requests */
    } rows[] = {
        {0, false, "yyyyyyyyyy"}, {1, false, "nyyyyyyyyy"}, {4, false, "yyynyyyyyy"},
        {1, true, "nnnnnnnnnn"},  {4, true, "yyynnnnnnn"},  {10, true, "yyyyyyyyyn"},
        {11, true, "yyyyyyyyyy"}, {0, true, "yyyyyyyyyy"},
    };
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct hawser_memory_meter meter = {.refuse_nth = rows[row].nth,
                                            .refuse_all_later = rows[row].later};
        struct hawser_memory memory = hawser_memory_limited(&meter);
        for (unsigned i = 0; i < 10; i++) {
            void *piece = memory.acquire(memory.context, 128);
            assert_int_equal(piece != NULL, rows[row].granted[i] == 'y');
            memory.release(memory.context, piece, 128);
        }
        assert_int_equal(meter.acquired_count + meter.refused_count, 10);
        assert_int_equal(meter.in_use_bytes, 0);
    }
}

static void test_limit_bytes(void **state)
{
    (void)state;
    struct hawser_memory_meter meter = {.limit_bytes = 1000};
    struct hawser_memory memory = hawser_memory_limited(&meter);
    void *a = memory.acquire(memory.context, 600);
    assert_non_null(a);
    assert_null(memory.acquire(memory.context, 401));
    assert_null(memory.acquire(memory.context, SIZE_MAX));
    void *b = memory.acquire(memory.context, 400);
    assert_non_null(b);
    assert_null(memory.acquire(memory.context, 1));
    memory.release(memory.context, a, 600);
    void *c = memory.acquire(memory.context, 600);
    assert_non_null(c);
    meter.limit_bytes = 10; /* below what is out: nothing more, and no arithmetic gone wrong */
    assert_null(memory.acquire(memory.context, 1));
    memory.release(memory.context, b, 400);
    memory.release(memory.context, c, 600);
    assert_int_equal(meter.in_use_bytes, 0);
    assert_int_equal(meter.refused_count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_no_address_space_is_lost),
        cmocka_unit_test(test_without_meter), cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_refuse_nth),    cmocka_unit_test(test_limit_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
