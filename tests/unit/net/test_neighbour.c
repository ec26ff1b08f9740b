/* SPDX-License-Identifier: MIT */
/* The neighbour table by itself: finding, lists, who makes way. */
#include "fake.h"

#include "net/neighbour.h"

#define LIMIT 128u

static struct test_memory source;
static struct memory memory;
static struct siphash_key key = {{3, 4}};
static uint32_t heads[16]; /* few, so that chains form */
static struct neighbours t;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    assert_true(neighbours_init(&t, &memory, LIMIT, 30 * NS_PER_S, heads, 16, &key, 0));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    neighbours_deinit(&t);
    test_memory_deinit(&source);
    return 0;
}

static struct hawser_address number(uint32_t n)
{
    uint8_t b[4];
    store_be32(b, n);
    return address_of_v4(b);
}

static uint32_t add(uint32_t link, uint32_t n)
{
    struct hawser_address a = number(n);
    assert_int_equal(neighbours_find(&t, link, &a), NEIGHBOUR_NONE);
    uint32_t index = neighbours_add(&t, link, &a);
    assert_int_not_equal(index, NEIGHBOUR_NONE);
    assert_int_equal(neighbours_find(&t, link, &a), index);
    assert_int_equal(neighbour_at(&t, index)->state, NEIGHBOUR_NEW);
    return index;
}

static void test_find(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < LIMIT; n++)
        add(n % 2, n / 2); /* the same addresses on two links */
    struct hawser_address a = number(9999);
    assert_int_equal(neighbours_add(&t, 0, &a), NEIGHBOUR_NONE);
    for (uint32_t n = 0; n < LIMIT; n += 3) {
        a = number(n / 2);
        uint32_t index = neighbours_find(&t, n % 2, &a), serial = neighbour_at(&t, index)->serial;
        assert_int_not_equal(serial, 0);
        neighbours_remove(&t, index);
        assert_int_equal(neighbour_at(&t, index)->serial, 0);
        assert_int_equal(neighbours_find(&t, n % 2, &a), NEIGHBOUR_NONE);
    }
    for (uint32_t n = 0; n < LIMIT; n++) {
        a = number(n / 2);
        assert_int_equal(neighbours_find(&t, n % 2, &a) == NEIGHBOUR_NONE, n % 3 == 0);
    }
}

static void test_serials(void **state)
{
    (void)state;
    uint32_t index = add(0, 1), serial = neighbour_at(&t, index)->serial;
    neighbours_remove(&t, index);
    assert_int_equal(add(0, 1), index);
    assert_int_not_equal(neighbour_at(&t, index)->serial, serial);
    /* 0 marks a free place and is left out. */
    t.serial_next = UINT32_MAX;
    assert_int_equal(neighbour_at(&t, add(0, 2))->serial, UINT32_MAX);
    assert_int_equal(neighbour_at(&t, add(0, 3))->serial, 1);
}

/* INCOMPLETE ones stand in the order in which they began. */
static void test_incomplete_list(void **state)
{
    (void)state;
    uint32_t index[4];
    for (uint32_t i = 0; i < 4; i++) {
        index[i] = add(0, i);
        neighbour_set_state(&t, index[i], NEIGHBOUR_INCOMPLETE, NS_PER_S);
        neighbour_set_state(&t, index[i], NEIGHBOUR_INCOMPLETE, 2 * NS_PER_S); /* asked again */
    }
    assert_int_equal(t.incomplete_count, 4);
    assert_int_equal(t.incomplete_head, index[0]);
    neighbour_set_state(&t, index[0], NEIGHBOUR_STALE, NEVER);
    neighbour_set_state(&t, index[2], NEIGHBOUR_REACHABLE, NEVER);
    assert_int_equal(t.incomplete_head, index[1]);
    assert_int_equal(neighbour_at(&t, index[1])->next, index[3]);
    neighbours_remove(&t, index[3]);
    assert_int_equal(t.incomplete_tail, index[1]);
    neighbours_remove(&t, index[1]);
    assert_int_equal(t.incomplete_count, 0);
    assert_int_equal(t.incomplete_head, NEIGHBOUR_NONE);
    assert_int_equal(wheel_next(&t.wheel), NEVER);
}

static void test_victims(void **state)
{
    (void)state;
    static const struct {
        enum neighbour_state present;
        bool present_used;
        enum neighbour_state rival;
        bool rival_used;
    } rows[] = {
        /* the first makes way before the second */
        {NEIGHBOUR_NEW, false, NEIGHBOUR_STALE, false},
        {NEIGHBOUR_STALE, false, NEIGHBOUR_REACHABLE, false},
        {NEIGHBOUR_REACHABLE, false, NEIGHBOUR_STALE, true},
        {NEIGHBOUR_STALE, true, NEIGHBOUR_REACHABLE, true},
        {NEIGHBOUR_REACHABLE, true, NEIGHBOUR_DELAY, false},
        {NEIGHBOUR_REACHABLE, true, NEIGHBOUR_PROBE, false},
        {NEIGHBOUR_REACHABLE, true, NEIGHBOUR_INCOMPLETE, false},
    };
    uint32_t one = add(0, 1), two = add(0, 2);
    assert_int_not_equal(neighbours_victim(&t), NEIGHBOUR_NONE);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int swap = 0; swap < 2; swap++) {
            uint32_t loser = swap ? two : one, winner = swap ? one : two;
            neighbour_set_state(&t, loser, rows[i].present, NEVER);
            neighbour_at(&t, loser)->used = rows[i].present_used;
            neighbour_set_state(&t, winner, rows[i].rival, NEVER);
            neighbour_at(&t, winner)->used = rows[i].rival_used;
            assert_int_equal(neighbours_victim(&t), loser);
            assert_false(neighbour_at(&t, one)->used || neighbour_at(&t, two)->used);
        }
    neighbour_set_state(&t, one, NEIGHBOUR_DELAY, NEVER);
    neighbour_set_state(&t, two, NEIGHBOUR_PROBE, NEVER);
    assert_int_equal(neighbours_victim(&t), NEIGHBOUR_NONE);
}

/* With half of the table INCOMPLETE, the oldest of those goes. */
static void test_victims_of_a_flood(void **state)
{
    (void)state;
    assert_int_equal(neighbours_incomplete_max(&t), LIMIT / 2);
    uint32_t idle = add(1, 1), oldest = NEIGHBOUR_NONE;
    for (uint32_t i = 0; i < LIMIT / 2; i++) {
        assert_int_equal(neighbours_victim(&t), idle);
        uint32_t index = add(0, i);
        if (i == 0)
            oldest = index;
        neighbour_set_state(&t, index, NEIGHBOUR_INCOMPLETE, NS_PER_S);
    }
    assert_int_equal(neighbours_victim(&t), oldest);
}

/* The hand comes by every entry, however many there are. */
static void test_victim_is_found(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LIMIT; i++)
        neighbour_set_state(&t, add(0, i), NEIGHBOUR_PROBE, NEVER);
    for (uint32_t i = 0; i < LIMIT; i += 17) {
        neighbour_set_state(&t, i, NEIGHBOUR_STALE, NEVER);
        uint32_t victim = NEIGHBOUR_NONE;
        for (int look = 0; look < 3 && victim == NEIGHBOUR_NONE; look++)
            victim = neighbours_victim(&t);
        assert_int_equal(victim, i);
        neighbour_set_state(&t, i, NEIGHBOUR_PROBE, NEVER);
    }
}

static void test_confirm(void **state)
{
    (void)state;
    static const struct {
        enum neighbour_state from, to;
    } rows[] = {
        {NEIGHBOUR_NEW, NEIGHBOUR_NEW},
        {NEIGHBOUR_INCOMPLETE, NEIGHBOUR_INCOMPLETE},
        {NEIGHBOUR_REACHABLE, NEIGHBOUR_REACHABLE},
        {NEIGHBOUR_STALE, NEIGHBOUR_REACHABLE},
        {NEIGHBOUR_DELAY, NEIGHBOUR_REACHABLE},
        {NEIGHBOUR_PROBE, NEIGHBOUR_REACHABLE},
    };
    uint32_t index = add(0, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        neighbour_at(&t, index)->reachable_until_ns = 0;
        neighbour_set_state(&t, index, rows[i].from, 7 * NS_PER_S);
        neighbour_confirm(&t, index, 5 * NS_PER_S);
        assert_int_equal(neighbour_at(&t, index)->state, rows[i].to);
        if (rows[i].to == NEIGHBOUR_REACHABLE)
            assert_int_equal(neighbour_at(&t, index)->reachable_until_ns, 35 * NS_PER_S);
        if (rows[i].from == NEIGHBOUR_DELAY || rows[i].from == NEIGHBOUR_PROBE)
            assert_int_equal(wheel_next(&t.wheel), NEVER);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct hawser_address a = number(1);
    test_memory_refuse_from(&source, 1);
    assert_int_equal(neighbours_add(&t, 0, &a), NEIGHBOUR_NONE);
    assert_int_equal(neighbours_find(&t, 0, &a), NEIGHBOUR_NONE);
    assert_int_equal(neighbours_victim(&t), NEIGHBOUR_NONE);
    test_memory_refuse_from(&source, 0);
    add(0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_serials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_incomplete_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_victims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_victims_of_a_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_victim_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_confirm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
