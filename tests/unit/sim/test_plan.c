/* SPDX-License-Identifier: MIT */
/* plan.c, plan_text.c: what is drawn is possible, the same for a seed, and can be cut down. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/plan.h"

#define SEEDS 3000u

static void every_plan_is_possible(void **state)
{
    (void)state;
    struct plan *plan = malloc(sizeof *plan);
    unsigned kinds[PLAN_EPISODE_KINDS] = {0}, endings[PLAN_ENDINGS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        plan_draw(plan, seed);
        for (unsigned i = 0; i < plan->hosts_count; i++) {
            struct hawser_config config = plan->hosts[i].config;
            const char *field = "";
            config.entropy[0] = 1;
            config.memory.acquire = (void *(*)(void *, size_t))(uintptr_t)1;
            config.memory.release = (void (*)(void *, void *, size_t))(uintptr_t)1;
            if (hawser_config_check(&config, &field) != 0)
                fail_msg("seed %u, host %u: %s", (unsigned)seed, i, field);
            /* A frame, and a clock that jumps, stay within TIME-WAIT. */
            assert_true(plan->life_ns <= config.msl_ns / 2);
        }
        for (unsigned i = 0; i < plan->jobs_count; i++) {
            const struct plan_job *job = &plan->jobs[i];
            assert_true(job->client < plan->hosts_count && job->server < plan->hosts_count);
            assert_true((job->client == job->server) == (job->wire == PLAN_ANY));
            /* Somebody must begin to close. */
            assert_true(job->end[0].ending != PLAN_AFTER_EOF ||
                        job->end[1].ending != PLAN_AFTER_EOF);
            endings[job->end[0].ending]++;
        }
        for (unsigned i = 0; i < plan->episodes_count; i++) {
            assert_true(plan->episodes[i].to_ns <= plan->calm_ns);
            kinds[plan->episodes[i].kind]++;
        }
    }
    for (unsigned i = 0; i < PLAN_EPISODE_KINDS; i++)
        assert_true(kinds[i] > 20);
    for (unsigned i = 0; i < PLAN_ENDINGS; i++)
        assert_true(endings[i] > 20);
    free(plan);
}

static void the_same_seed_the_same_plan(void **state)
{
    (void)state;
    struct plan *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    memset(a, 1, sizeof *a);
    for (uint64_t seed = 0; seed < 50; seed++) {
        plan_draw(a, seed);
        plan_draw(b, seed);
        assert_memory_equal(a, b, sizeof *a);
        plan_draw(b, seed + 1);
        assert_memory_not_equal(a, b, sizeof *a);
    }
    free(a);
    free(b);
}

static void parts_are_left_out(void **state)
{
    (void)state;
    struct plan *plan = malloc(sizeof *plan), *less = malloc(sizeof *less);
    plan_draw(plan, 77);
    assert_true(plan->jobs_count > 1 && plan->episodes_count > 1);
    char part[24];
    unsigned count = 0;
    for (; plan_part(plan, count, part); count++) {
        *less = *plan;
        assert_true(plan_leave_out(less, part));
    }
    assert_int_equal(count, 2 * plan->jobs_count + plan->episodes_count);
    static const char *const wrong[] = {"", "job", "job99", "job1x", "fault-1", "fault99", "host0"};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(plan_leave_out(plan, wrong[i]));
    *less = *plan;
    for (unsigned i = 0; i < plan->jobs_count; i++) {
        snprintf(part, sizeof part, "job%u", i);
        assert_true(plan_leave_out(less, part));
    }
    for (unsigned i = 0; i < plan->hosts_count; i++)
        assert_false(less->hosts[i].used); /* nobody needs them any more */
    free(plan);
    free(less);
}

static void plans_in_words(void **state)
{
    (void)state;
    struct plan *plan = malloc(sizeof *plan);
    char line[512], small[8];
    plan_draw(plan, 77);
    assert_true(plan_print_host(plan, 0, line, sizeof line) > 20);
    assert_non_null(strstr(line, "host 0: "));
    assert_true(plan_print_job(plan, 1, line, sizeof line) > 20);
    assert_non_null(strstr(line, "job1: "));
    assert_true(plan_print_episode(plan, 1, line, sizeof line) > 20);
    assert_non_null(strstr(line, "fault1: "));
    assert_int_equal(plan_print_job(plan, 1, small, sizeof small), 7);
    assert_string_equal(plan_episode_name(PLAN_BLACK_HOLE), "black-hole");
    assert_string_equal(plan_episode_name(PLAN_EPISODE_KINDS), "?");
    free(plan);
}

/* A user's program has one client, and something to do in every plan. */
static void test_given_to_a_program(void **state)
{
    (void)state;
    struct plan *plan = malloc(sizeof *plan);
    unsigned given = 0, left = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        plan_draw(plan, seed);
        plan_give_to_program(plan);
        assert_true(plan->jobs[0].guest);
        for (unsigned i = 0; i < plan->jobs_count; i++) {
            assert_false(plan->jobs[i].guest && plan->jobs[i].simultaneous);
            given += plan->jobs[i].guest;
            left += !plan->jobs[i].guest;
        }
    }
    assert_true(given > left && left > 100);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plan_is_possible),
        cmocka_unit_test(the_same_seed_the_same_plan),
        cmocka_unit_test(parts_are_left_out),
        cmocka_unit_test(plans_in_words),
        cmocka_unit_test(test_given_to_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
