/* SPDX-License-Identifier: MIT */
/* The clocks advance with the system's. */
#include <time.h>

#include <hawser/port/clock.h>

#include "support/unit.h"

static uint64_t system_clock(clockid_t clock)
{
    struct timespec t;
    assert_int_equal(clock_gettime(clock, &t), 0);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_monotonic(void **state)
{
    (void)state;
    uint64_t before = system_clock(CLOCK_MONOTONIC);
    uint64_t last = hawser_clock_now();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = hawser_clock_now();
        assert_true(now >= last);
        last = now;
    }
    uint64_t after = system_clock(CLOCK_MONOTONIC);
    assert_true(before <= last && last <= after);
}

static void test_wall(void **state)
{
    (void)state;
    uint64_t before = system_clock(CLOCK_REALTIME);
    uint64_t wall = hawser_clock_wall();
    uint64_t after = system_clock(CLOCK_REALTIME);
    if (before <= after) /* else somebody set the clock back in between */
        assert_true(before <= wall && wall <= after);
    assert_true(wall > UINT64_C(1577836800) * 1000000000u); /* 2020 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_wall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
