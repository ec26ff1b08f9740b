/* SPDX-License-Identifier: MIT */
/* The headers without a source file: big-endian bytes and nanosecond arithmetic. */
#include "support/unit.h"

#include "base/bytes.h"
#include "base/nstime.h"

static void test_big_endian(void **state)
{
    (void)state;
    uint8_t bytes[6] = {0x80, 0xff, 0x01, 0xfe, 0x7f, 0xaa};
    assert_int_equal(load_be16(bytes), 0x80ff);
    assert_int_equal(load_be16(bytes + 1), 0xff01);
    assert_int_equal(load_be32(bytes), 0x80ff01fe);
    assert_int_equal(load_be32(bytes + 1), 0xff01fe7f);
    store_be16(bytes + 1, 0x10203);
    assert_int_equal(load_be32(bytes), 0x800203fe);
    store_be32(bytes + 1, 0xf0e0d0c0);
    static const uint8_t expected[6] = {0x80, 0xf0, 0xe0, 0xd0, 0xc0, 0xaa};
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void test_nanoseconds(void **state)
{
    (void)state;
    static const struct {
        uint64_t a, b, added, since, least;
    } rows[] = {
        {0, 0, 0, 0, 0},
        {5, 3, 8, 2, 3},
        {3, 5, 8, 0, 3}, /* a clock that stepped back */
        {NEVER, 1, NEVER, NEVER - 1, 1},
        {NEVER - 1, 1, NEVER, NEVER - 2, 1},
        {NEVER - 1, 2, NEVER, NEVER - 3, 2}, /* saturates instead of wrapping */
        {NEVER, NEVER, NEVER, 0, NEVER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(ns_add(rows[i].a, rows[i].b) == rows[i].added);
        assert_true(ns_since(rows[i].a, rows[i].b) == rows[i].since);
        assert_true(ns_min(rows[i].a, rows[i].b) == rows[i].least);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
