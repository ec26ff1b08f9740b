/* SPDX-License-Identifier: MIT */
/* The real clocks. */
#include <time.h>

#include <hawser/port/clock.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t); /* fails only for a clock that does not exist; both always do */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t hawser_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t hawser_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
