/* SPDX-License-Identifier: MIT */
/* The generator: values of the published algorithm, and an even spread below a limit. */
#include "support/unit.h"

#include "base/prng.h"

/* Computed from the published definition of xoshiro256** and splitmix64 by a separate program. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, first, second, thousandth;
    } rows[] = {
        {0, UINT64_C(0x99ec5f36cb75f2b4), UINT64_C(0xbf6e1f784956452a),
         UINT64_C(0x7aac8c483a2edd2f)},
        {1, UINT64_C(0xb3f2af6d0fc710c5), UINT64_C(0x853b559647364cea),
         UINT64_C(0xb8517c33c344d153)},
        {UINT64_MAX, UINT64_C(0x8f5520d52a7ead08), UINT64_C(0xc476a018caa1802d),
         UINT64_C(0xc3c93ea5cde434cc)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct prng p;
        prng_init(&p, rows[i].seed);
        assert_true(prng_next(&p) == rows[i].first);
        assert_true(prng_next(&p) == rows[i].second);
        for (unsigned n = 3; n < 1000; n++)
            prng_next(&p);
        assert_true(prng_next(&p) == rows[i].thousandth);
    }
}

static void test_below_stays_below(void **state)
{
    (void)state;
    static const uint32_t limits[] = {1, 2, 3, 7, 1u << 16, (1u << 31) + 1, UINT32_MAX};
    struct prng p;
    prng_init(&p, 42);
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        for (unsigned n = 0; n < 10000; n++)
            assert_true(prng_below(&p, limits[i]) < limits[i]);
    }
    expect_assert_failure(prng_below(&p, 0));
}

/* A limit of 3 * 2^30 is the worst case: four numbers for three values. A plain remainder would
 * favour the lowest third two to one, a plain product every third value. */
static void test_below_is_even(void **state)
{
    (void)state;
    static const uint32_t limits[] = {6, 3u << 30};
    enum { DRAWS = 600000 };
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        uint32_t in_part[6] = {0};
        uint32_t by_rest[3] = {0};
        struct prng p;
        prng_init(&p, 99);
        for (unsigned n = 0; n < DRAWS; n++) {
            uint32_t value = prng_below(&p, limits[i]);
            in_part[value / (limits[i] / 6)]++;
            by_rest[value % 3]++;
        }
        for (unsigned part = 0; part < 6; part++) /* 5 sigma */
            assert_in_range(in_part[part], DRAWS / 6 - 1500, DRAWS / 6 + 1500);
        for (unsigned rest = 0; rest < 3; rest++)
            assert_in_range(by_rest[rest], DRAWS / 3 - 1900, DRAWS / 3 + 1900);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_below_stays_below),
        cmocka_unit_test(test_below_is_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
