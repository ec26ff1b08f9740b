/* SPDX-License-Identifier: MIT */
/* Range lists: joining, wrapping, limits, hostile orders, and a bitmap as the model. */
#include "support/unit.h"

#include "base/prng.h"
#include "base/ranges.h"
#include "support/test_memory.h"

static struct test_memory source;
static struct memory memory;
static struct buffers buffers;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    buffers_init(&buffers, &memory, UINT64_C(1) << 24, 1u << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffers_deinit(&buffers);
    test_memory_deinit(&source);
    return 0;
}

static void assert_list(const struct ranges *r, uint32_t origin, const struct range *expected,
                        size_t count)
{
    assert_int_equal(r->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(r->at[i].left - origin, expected[i].left);
        assert_int_equal(r->at[i].right - origin, expected[i].right);
    }
}

/* Where the numbers lie must make no difference. */
static const uint32_t origins[] = {0, 1, 0x7fffff00, 0x80000000, 0xffffff00, 0xffffffff};

static void test_joining(void **state)
{
    (void)state;
    /* Each row is added to 100-200, 300-400, 500-600. */
    static const struct {
        struct range add, merged;
        uint32_t added;
        size_t count;
        struct range list[4];
    } rows[] = {
        {{0, 50}, {0, 50}, 50, 4, {{0, 50}, {100, 200}, {300, 400}, {500, 600}}},
        {{0, 99}, {0, 99}, 99, 4, {{0, 99}, {100, 200}, {300, 400}, {500, 600}}},
        {{0, 100}, {0, 200}, 100, 3, {{0, 200}, {300, 400}, {500, 600}}},
        {{0, 150}, {0, 200}, 100, 3, {{0, 200}, {300, 400}, {500, 600}}},
        {{0, 200}, {0, 200}, 100, 3, {{0, 200}, {300, 400}, {500, 600}}},
        {{0, 250}, {0, 250}, 150, 3, {{0, 250}, {300, 400}, {500, 600}}},
        {{0, 300}, {0, 400}, 200, 2, {{0, 400}, {500, 600}}},
        {{0, 1000}, {0, 1000}, 700, 1, {{0, 1000}}},
        {{100, 200}, {100, 200}, 0, 3, {{100, 200}, {300, 400}, {500, 600}}},
        {{100, 101}, {100, 200}, 0, 3, {{100, 200}, {300, 400}, {500, 600}}},
        {{199, 200}, {100, 200}, 0, 3, {{100, 200}, {300, 400}, {500, 600}}},
        {{200, 201}, {100, 201}, 1, 3, {{100, 201}, {300, 400}, {500, 600}}},
        {{201, 202}, {201, 202}, 1, 4, {{100, 200}, {201, 202}, {300, 400}, {500, 600}}},
        {{200, 300}, {100, 400}, 100, 2, {{100, 400}, {500, 600}}},
        {{299, 300}, {299, 400}, 1, 3, {{100, 200}, {299, 400}, {500, 600}}},
        {{150, 550}, {100, 600}, 200, 1, {{100, 600}}},
        {{200, 500}, {100, 600}, 200, 1, {{100, 600}}},
        {{201, 499}, {201, 499}, 198, 3, {{100, 200}, {201, 499}, {500, 600}}},
        {{350, 700}, {300, 700}, 200, 2, {{100, 200}, {300, 700}}},
        {{600, 601}, {500, 601}, 1, 3, {{100, 200}, {300, 400}, {500, 601}}},
        {{601, 602}, {601, 602}, 1, 4, {{100, 200}, {300, 400}, {500, 600}, {601, 602}}},
        {{250, 250}, {250, 250}, 0, 3, {{100, 200}, {300, 400}, {500, 600}}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t o = 0; o < COUNT_OF(origins); o++) {
            uint32_t origin = origins[o] - 300;
            struct ranges r = {0};
            struct range merged;
            uint32_t added;
            assert_true(ranges_add(&r, &buffers, origin + 500, origin + 600, NULL, NULL));
            assert_true(ranges_add(&r, &buffers, origin + 100, origin + 200, NULL, NULL));
            assert_true(ranges_add(&r, &buffers, origin + 300, origin + 400, NULL, NULL));
            assert_true(ranges_add(&r, &buffers, origin + rows[i].add.left,
                                   origin + rows[i].add.right, &merged, &added));
            assert_list(&r, origin, rows[i].list, rows[i].count);
            assert_int_equal(merged.left - origin, rows[i].merged.left);
            assert_int_equal(merged.right - origin, rows[i].merged.right);
            assert_int_equal(added, rows[i].added);
            assert_int_equal(ranges_total(&r), 300 + rows[i].added);
            ranges_free(&r, &buffers);
        }
    }
    assert_int_equal(buffers.used_bytes, 0);
}

static void test_dropping_and_finding(void **state)
{
    (void)state;
    /* The list is 100-200, 300-400. */
    static const struct {
        uint32_t n;
        uint16_t found;
        size_t count;
        struct range list[2];
    } rows[] = {
        {0, 0, 2, {{100, 200}, {300, 400}}},
        {100, 0, 2, {{100, 200}, {300, 400}}},
        {101, 0, 2, {{101, 200}, {300, 400}}},
        {199, 0, 2, {{199, 200}, {300, 400}}},
        {200, 1, 1, {{300, 400}}},
        {250, 1, 1, {{300, 400}}},
        {300, 1, 1, {{300, 400}}},
        {399, 1, 1, {{399, 400}}},
        {400, 2, 0, {{0, 0}}},
        {401, 2, 0, {{0, 0}}},
        {0x7fffffff, 2, 0, {{0, 0}}},
        {0x80000063, 2, 0, {{0, 0}}},                 /* 2^31 - 1 above the first edge */
        {0x80000064, 0, 2, {{100, 200}, {300, 400}}}, /* 2^31: counts as below */
        {0xffffffff, 0, 2, {{100, 200}, {300, 400}}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t o = 0; o < COUNT_OF(origins); o++) {
            uint32_t origin = origins[o] - 150;
            struct ranges r = {0};
            assert_true(ranges_add(&r, &buffers, origin + 100, origin + 200, NULL, NULL));
            assert_true(ranges_add(&r, &buffers, origin + 300, origin + 400, NULL, NULL));
            assert_int_equal(ranges_find(&r, origin + rows[i].n), rows[i].found);
            ranges_drop_below(&r, &buffers, origin + rows[i].n);
            assert_list(&r, origin, rows[i].list, rows[i].count);
            assert_int_equal(r.at == NULL, rows[i].count == 0);
            assert_int_equal(buffers.used_bytes, rows[i].count == 0 ? 0 : 2048);
            ranges_free(&r, &buffers);
        }
    }
}

static void test_contains(void **state)
{
    (void)state;
    static const struct {
        uint32_t left, right;
        bool inside;
    } rows[] = {
        {100, 200, true},  {100, 101, true},  {199, 200, true},  {99, 200, false},
        {100, 201, false}, {99, 100, false},  {200, 201, false}, {150, 350, false},
        {300, 400, true},  {400, 401, false}, {50, 50, false},   {150, 150, true},
        {200, 200, false}, {150, 149, false}, /* nearly everything */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t o = 0; o < COUNT_OF(origins); o++) {
            uint32_t origin = origins[o] - 150;
            struct ranges r = {0};
            assert_false(ranges_contains(&r, rows[i].left, rows[i].right));
            assert_true(ranges_add(&r, &buffers, origin + 100, origin + 200, NULL, NULL));
            assert_true(ranges_add(&r, &buffers, origin + 300, origin + 400, NULL, NULL));
            assert_int_equal(ranges_contains(&r, origin + rows[i].left, origin + rows[i].right),
                             rows[i].inside);
            ranges_free(&r, &buffers);
        }
    }
}

/* A list spans 2^31 at most; what would make it longer is refused and changes nothing. */
static void test_span(void **state)
{
    (void)state;
    static const struct {
        struct range have, add;
        bool taken;
    } rows[] = {
        {{0, 1}, {0x7fffffff, 0x80000000}, true},
        {{0, 1}, {0x7fffffff, 0x80000001}, false},
        {{0, 1}, {0x80000000, 0x80000001}, false},
        {{0, 1}, {0x80000001, 0x80000002}, true}, /* exactly 2^31 below the right edge */
        {{0, 2}, {0x80000001, 0x80000002}, false},
        {{0, 1}, {5, 5 + 0x80000000}, false},
        {{0, 1}, {0, 0x80000000}, true},
        {{0, 1}, {0, 0x80000001}, false},
        {{0, 1}, {1, 0}, false}, /* 2^32 - 1 numbers */
        {{0, 1}, {0xffffffff, 0x7fffffff}, true},
        {{0, 1}, {0xffffffff, 0x80000000}, false},
        {{0, 0x80000000}, {0x40000000, 0x50000000}, true},
        {{0, 0x80000000}, {0x80000000, 0x80000001}, false},
        {{0, 0x80000000}, {0xffffffff, 0}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t o = 0; o < COUNT_OF(origins); o++) {
            uint32_t origin = origins[o];
            struct ranges r = {0};
            struct range merged = {1, 2};
            uint32_t added = 3;
            assert_true(ranges_add(&r, &buffers, origin + rows[i].have.left,
                                   origin + rows[i].have.right, NULL, NULL));
            assert_int_equal(ranges_add(&r, &buffers, origin + rows[i].add.left,
                                        origin + rows[i].add.right, &merged, &added),
                             rows[i].taken);
            if (!rows[i].taken) {
                assert_list(&r, origin, &rows[i].have, 1);
                assert_true(merged.left == 1 && merged.right == 2 && added == 3);
            }
            ranges_free(&r, &buffers);
        }
    }
}

static void test_full_list(void **state)
{
    (void)state;
    struct ranges r = {0};
    uint32_t origin = 0u - RANGES_MAX * 5;
    uint8_t *before = buffers_take(&buffers, 11);
    assert_true(ranges_add(&r, &buffers, origin, origin + 1, NULL, NULL));
    uint8_t *behind = buffers_take(&buffers, 11);
    assert_ptr_equal(before + 2048, r.at); /* neighbours notice what is written beside the list */
    assert_ptr_equal(behind - 2048, r.at);
    memset(before, 0x77, 2048);
    memset(behind, 0x77, 2048);
    for (uint32_t i = 0; i < RANGES_MAX; i++) {
        uint32_t n = (i * 177 + 100) % RANGES_MAX; /* every place once, in a scattered order */
        assert_true(ranges_add(&r, &buffers, origin + 10 * n, origin + 10 * n + 5, NULL, NULL));
    }
    assert_int_equal(r.count, RANGES_MAX);
    assert_false(ranges_add(&r, &buffers, origin - 10, origin - 5, NULL, NULL));
    assert_false(ranges_add(&r, &buffers, origin + 7, origin + 8, NULL, NULL));
    assert_false(ranges_add(&r, &buffers, origin + 10 * RANGES_MAX, origin + 10 * RANGES_MAX + 1,
                            NULL, NULL));
    assert_int_equal(r.count, RANGES_MAX);
    assert_int_equal(ranges_total(&r), 5 * RANGES_MAX);
    /* What joins has room. */
    assert_true(ranges_add(&r, &buffers, origin + 5, origin + 6, NULL, NULL));
    assert_int_equal(r.count, RANGES_MAX);
    assert_true(ranges_add(&r, &buffers, origin + 5, origin + 10, NULL, NULL));
    assert_int_equal(r.count, RANGES_MAX - 1);
    assert_true(ranges_add(&r, &buffers, origin, origin + 10 * RANGES_MAX, NULL, NULL));
    assert_int_equal(r.count, 1);
    for (unsigned i = 0; i < 2048; i++)
        assert_true(before[i] == 0x77 && behind[i] == 0x77);
    buffers_give(&buffers, before, 11);
    buffers_give(&buffers, behind, 11);
    ranges_free(&r, &buffers);
}

static void test_refusal_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        struct ranges r = {0};
        uint32_t added = 7;
        test_memory_refuse_nth(&source, nth);
        bool done = ranges_add(&r, &buffers, 5, 9, NULL, &added);
        assert_int_equal(done, nth == 3);
        assert_int_equal(r.count, done ? 1 : 0);
        assert_int_equal(r.at != NULL, done);
        assert_int_equal(added, done ? 4 : 7);
        ranges_free(&r, &buffers);
        buffers_deinit(&buffers);
        buffers_init(&buffers, &memory, UINT64_C(1) << 24, 1u << 16);
    }
    test_memory_refuse_nth(&source, 1);
    struct ranges r = {0};
    assert_true(ranges_add(&r, &buffers, 5, 5, NULL, NULL)); /* needs no buffer */
    assert_null(r.at);
    ranges_drop_below(&r, &buffers, 1);
    assert_int_equal(ranges_find(&r, 1), 0);
    assert_int_equal(ranges_total(&r), 0);
}

#define MODEL_NUMBERS 4096u

static uint32_t model_ranges(const bool *model)
{
    uint32_t count = model[0] ? 1 : 0;
    for (uint32_t i = 1; i < MODEL_NUMBERS; i++)
        count += model[i] && !model[i - 1];
    return count;
}

static void compare(const struct ranges *r, uint32_t origin, const bool *model)
{
    uint32_t at = 0;
    uint32_t total = 0;
    for (unsigned i = 0; i < r->count; i++) {
        uint32_t left = r->at[i].left - origin;
        uint32_t right = r->at[i].right - origin;
        assert_true((i == 0 || left > at) && left < right && right <= MODEL_NUMBERS);
        for (; at < left; at++)
            assert_false(model[at]);
        for (; at < right; at++)
            assert_true(model[at]);
        total += right - left;
    }
    for (; at < MODEL_NUMBERS; at++)
        assert_false(model[at]);
    assert_int_equal(ranges_total(r), total);
}

static void model_step(struct ranges *r, uint32_t origin, bool *model, struct prng *prng)
{
    uint32_t left = prng_below(prng, MODEL_NUMBERS);
    uint32_t size = 1 + prng_below(prng, prng_below(prng, 50) == 0 ? 500 : 9);
    uint32_t right = left + size < MODEL_NUMBERS ? left + size : MODEL_NUMBERS;
    uint32_t fresh = 0;
    for (uint32_t i = left; i < right; i++)
        fresh += !model[i];
    assert_int_equal(ranges_contains(r, origin + left, origin + right), fresh == 0);
    uint16_t found = ranges_find(r, origin + left);
    assert_true(found == r->count || r->at[found].right - origin > left);
    assert_true(found == 0 || r->at[found - 1].right - origin <= left);
    struct range merged;
    uint32_t added;
    if (!ranges_add(r, &buffers, origin + left, origin + right, &merged, &added)) {
        assert_int_equal(model_ranges(model), RANGES_MAX);
        return;
    }
    memset(model + left, true, right - left);
    assert_int_equal(added, fresh);
    assert_true(merged.left - origin <= left && merged.right - origin >= right);
    assert_true(ranges_contains(r, merged.left, merged.right));
}

static void test_against_model(void **state)
{
    (void)state;
    static bool model[MODEL_NUMBERS];
    struct prng prng;
    prng_init(&prng, 11);
    for (unsigned round = 0; round < 400; round++) {
        struct ranges r = {0};
        uint32_t origin = round % 2 ? (uint32_t)prng_next(&prng) : 0u - prng_below(&prng, 5000);
        memset(model, 0, sizeof model);
        for (unsigned step = 0; step < 1000; step++) {
            model_step(&r, origin, model, &prng);
            if (prng_below(&prng, 40) == 0) {
                uint32_t limit = prng_below(&prng, MODEL_NUMBERS + 1) / 4;
                ranges_drop_below(&r, &buffers, origin + limit);
                memset(model, 0, limit);
            }
            if (step % 16 == 0)
                compare(&r, origin, model);
        }
        compare(&r, origin, model);
        ranges_free(&r, &buffers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_joining, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropping_and_finding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_span, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
