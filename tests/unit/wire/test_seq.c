/* SPDX-License-Identifier: MIT */
/* Sequence arithmetic: the same answers wherever in the circle of 2^32 it happens. */
#include "support/unit.h"

#include "wire/seq.h"

/* Every comparison of numbers less than 2^31 apart is what it would be without the wrap. */
/* EVIDENCE 9293-3.4-1 */
static void test_comparisons_modulo(void **state)
{
    (void)state;
    static const uint32_t bases[] = {0,          1,          0x7fffff00, 0x7fffffff, 0x80000000,
                                     0x80000001, 0xffffff00, 0xfffffffe, 0xffffffff};
    static const uint32_t steps[] = {0, 1, 2, 255, 256, 0x10000, 0x7ffffffe, 0x7fffffff};

    for (size_t i = 0; i < COUNT_OF(bases); i++) {
        for (size_t j = 0; j < COUNT_OF(steps); j++) {
            seq_t a = seq_of(bases[i]), b = seq_add(a, steps[j]);
            bool same = steps[j] == 0;
            assert_int_equal(seq_lt(a, b), !same);
            assert_int_equal(seq_gt(b, a), !same);
            assert_int_equal(seq_lt(b, a), false);
            assert_int_equal(seq_gt(a, b), false);
            assert_int_equal(seq_leq(a, b), true);
            assert_int_equal(seq_geq(b, a), true);
            assert_int_equal(seq_leq(b, a), same);
            assert_int_equal(seq_geq(a, b), same);
            assert_int_equal(seq_eq(a, b), same);
            assert_int_equal(seq_max(a, b).v, b.v);
            assert_int_equal(seq_max(b, a).v, b.v);
            assert_int_equal(seq_min(a, b).v, a.v);
            assert_int_equal(seq_min(b, a).v, a.v);
            assert_int_equal(seq_diff(b, a), steps[j]);
            assert_int_equal(seq_sub(b, steps[j]).v, a.v);
        }
    }
}

static void test_in_window(void **state)
{
    (void)state;
    static const struct {
        uint32_t a, left, size;
        bool in;
    } rows[] = {
        {5, 5, 0, false},
        {5, 5, 1, true},
        {6, 5, 1, false},
        {4, 5, 10, false},
        {0, 0xfffffff0, 0x11, true},
        {1, 0xfffffff0, 0x11, false},
        {0xffffffef, 0xfffffff0, 0x40000000, false},
        {0x3fffffef, 0xfffffff0, 0x40000000, true},
        {0x3ffffff0, 0xfffffff0, 0x40000000, false},
        {0x80000000, 0x7fffffff, 2, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(seq_in(seq_of(rows[i].a), seq_of(rows[i].left), rows[i].size), rows[i].in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons_modulo),
        cmocka_unit_test(test_in_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
