/* SPDX-License-Identifier: MIT */
/* The deadline queue: exact times, order, put-off deadlines, jumps, and a plain array as the model.
 * */
#include "support/unit.h"

#include "base/prng.h"
#include "base/wheel.h"
#include "support/test_memory.h"

#define OBJECTS 100u

struct object {
    uint64_t before;
    struct wheel_entry entry;
};

static struct test_memory source;
static struct memory memory;
static struct pool pool;
static struct wheel wheel;

static void start(uint64_t now_ns)
{
    wheel_init(&wheel, &pool, offsetof(struct object, entry), now_ns);
    for (uint32_t i = 0; i < OBJECTS; i++)
        wheel_entry_init(wheel_entry_at(&wheel, i));
}

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    if (!pool_init(&pool, &memory, sizeof(struct object), OBJECTS, 1024))
        return -1;
    for (uint32_t i = 0; i < OBJECTS; i++)
        pool_take(&pool);
    start(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pool_deinit(&pool);
    test_memory_deinit(&source);
    return 0;
}

static void test_nothing_set(void **state)
{
    (void)state;
    assert_true(wheel_next(&wheel) == NEVER);
    assert_int_equal(wheel_expire(&wheel, 0), POOL_NONE);
    assert_int_equal(wheel_expire(&wheel, UINT64_MAX), POOL_NONE);
    wheel_set(&wheel, 3, NEVER);
    assert_true(wheel_next(&wheel) == NEVER);
    assert_int_equal(wheel.entry_count, 0);
}

/* One deadline, from each of many starting points: due to the nanosecond, not one earlier. */
static void test_exact(void **state)
{
    (void)state;
    static const uint64_t starts[] = {
        0,
        1,
        63,
        63 * 64 + 5,
        (UINT64_C(1) << 30) - 1,
        UINT64_C(0x123456789abcdef),
        (UINT64_C(1) << 63) - 1,
        UINT64_C(0xf000000000000000),
    };
    static const uint64_t spans[] = {
        1,
        2,
        63,
        64,
        65,
        UINT64_C(4096) - 1,
        UINT64_C(4096),
        UINT64_C(4096) + 1,
        UINT64_C(1) << 18,
        40 * NS_PER_MS,
        200 * NS_PER_MS,
        NS_PER_S,
        120 * NS_PER_S,
        7200 * NS_PER_S,
        86400 * NS_PER_S,
        365 * 86400 * NS_PER_S,
        30 * 365 * 86400 * NS_PER_S,
    };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        for (size_t j = 0; j < COUNT_OF(spans); j++) {
            uint64_t at = starts[i] + spans[j];
            start(starts[i]);
            wheel_set(&wheel, 7, at);
            assert_true(wheel_next(&wheel) == at);
            assert_int_equal(wheel_expire(&wheel, starts[i]), POOL_NONE);
            assert_int_equal(wheel_expire(&wheel, starts[i] + spans[j] / 2), POOL_NONE);
            assert_int_equal(wheel_expire(&wheel, at - 1), POOL_NONE);
            assert_true(wheel_next(&wheel) == at);
            assert_int_equal(wheel_expire(&wheel, at), 7);
            assert_true(wheel_entry_at(&wheel, 7)->at_ns == NEVER);
            assert_int_equal(wheel_expire(&wheel, at), POOL_NONE);
            assert_true(wheel_next(&wheel) == NEVER);
            assert_int_equal(wheel.entry_count, 0);
        }
    }
}

static void test_past_and_last(void **state)
{
    (void)state;
    start(1000);
    wheel_set(&wheel, 1, 0);
    wheel_set(&wheel, 2, 1000);
    wheel_set(&wheel, 3, NEVER - 1);
    assert_true(wheel_next(&wheel) <= 1000);
    uint32_t first = wheel_expire(&wheel, 1000);
    uint32_t second = wheel_expire(&wheel, 1000);
    assert_true(first + second == 3 && first != second);
    assert_int_equal(wheel_expire(&wheel, 1000), POOL_NONE);
    assert_true(wheel_next(&wheel) == NEVER - 1);
    assert_int_equal(wheel_expire(&wheel, NEVER - 2), POOL_NONE);
    assert_int_equal(wheel_expire(&wheel, NEVER - 1), 3);
    assert_int_equal(wheel_expire(&wheel, NEVER), POOL_NONE);
}

static void test_clock_that_steps_back(void **state)
{
    (void)state;
    start(NS_PER_S);
    wheel_set(&wheel, 1, 2 * NS_PER_S);
    wheel_set(&wheel, 2, 3 * NS_PER_S);
    assert_int_equal(wheel_expire(&wheel, 5), POOL_NONE);
    assert_int_equal(wheel_expire(&wheel, 4 * NS_PER_S), 1);
    assert_int_equal(wheel_expire(&wheel, 5), 2); /* counts as 4 s */
    wheel_set(&wheel, 3, 4 * NS_PER_S);
    wheel_set(&wheel, 4, 4 * NS_PER_S + 1);
    assert_int_equal(wheel_expire(&wheel, 0), 3);
    assert_int_equal(wheel_expire(&wheel, 0), POOL_NONE);
}

/* RFC 6298 5.3: an acknowledgement puts the timer off. Ten thousand of them must not wake the
 * caller ten thousand times, nor let the timer run out early. */
static void test_put_off(void **state)
{
    (void)state;
    uint64_t now = 0;
    unsigned wakeups = 0;
    for (unsigned i = 0; i < 10000; i++) {
        now += NS_PER_MS;
        wheel_set(&wheel, 5, now + 200 * NS_PER_MS);
        if (wheel_next(&wheel) <= now) {
            wakeups++;
            assert_int_equal(wheel_expire(&wheel, now), POOL_NONE);
            assert_true(wheel_next(&wheel) > now);
        }
    }
    assert_true(wakeups <= 10000 / 199 + 1);
    assert_int_equal(wheel_expire(&wheel, now + 200 * NS_PER_MS - 1), POOL_NONE);
    assert_int_equal(wheel_expire(&wheel, now + 200 * NS_PER_MS), 5);
}

/* Deadlines evenly apart, set in a scattered order. */
static void test_order(void **state)
{
    (void)state;
    static const uint64_t steps[] = {1, 63, 64, 3000, 4096, NS_PER_MS, 10 * NS_PER_MS};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        start(12345);
        for (uint32_t n = 0; n < OBJECTS; n++) {
            uint32_t index = n * 37 % OBJECTS;
            wheel_set(&wheel, index, 12345 + (index + 1) * steps[i]);
        }
        for (uint32_t n = 0; n < OBJECTS; n++)
            assert_int_equal(wheel_expire(&wheel, UINT64_MAX), n);
        assert_int_equal(wheel_expire(&wheel, UINT64_MAX), POOL_NONE);
    }
}

/* Driven by wheel_next alone, every deadline is met at its own nanosecond. */
static void test_driven_by_next(void **state)
{
    (void)state;
    struct prng prng;
    uint64_t now = 77;
    uint64_t deadline[OBJECTS];
    prng_init(&prng, 5);
    start(now);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        deadline[i] = now + prng_next(&prng) % NS_PER_S;
        wheel_set(&wheel, i, deadline[i]);
    }
    for (unsigned fired = 0; fired < 100000;) {
        now = wheel_next(&wheel);
        uint32_t index;
        while ((index = wheel_expire(&wheel, now)) != POOL_NONE) {
            assert_true(deadline[index] == now);
            fired++;
            deadline[index] = now + (prng_next(&prng) >> (34 + prng_below(&prng, 30)));
            wheel_set(&wheel, index, deadline[index]);
            if (deadline[index] <= now)
                continue; /* due again at once */
            uint32_t other = prng_below(&prng, OBJECTS);
            if (deadline[other] > now && prng_below(&prng, 4) == 0) {
                deadline[other] = ns_add(deadline[other], prng_next(&prng) >> 36);
                wheel_set(&wheel, other, deadline[other]);
            }
        }
        assert_true(wheel_next(&wheel) > now);
    }
}

struct model {
    uint64_t deadline[OBJECTS];
    bool past[OBJECTS]; /* its deadline was past already when it was set */
    uint64_t now;
    struct prng prng;
};

static uint64_t earliest(const struct model *m)
{
    uint64_t least = NEVER;
    for (uint32_t i = 0; i < OBJECTS; i++)
        least = ns_min(least, m->deadline[i]);
    return least;
}

static void model_set(struct model *m)
{
    uint32_t i = prng_below(&m->prng, OBJECTS);
    uint64_t span = prng_next(&m->prng) >> prng_below(&m->prng, 64);
    uint64_t at;
    switch (prng_below(&m->prng, 8)) {
    case 0:
        at = NEVER;
        break;
    case 1:
        at = m->now - ns_min(span, m->now);
        break;
    case 2:
    case 3:
        at = m->deadline[i] == NEVER ? NEVER : ns_add(m->deadline[i], span >> 20);
        break;
    default:
        at = ns_add(m->now, span >> prng_below(&m->prng, 40));
    }
    wheel_set(&wheel, i, at);
    m->deadline[i] = at;
    m->past[i] = at <= wheel.now_ns;
}

static void model_expire(struct model *m)
{
    uint64_t last = 0;
    for (;;) {
        uint32_t index = wheel_expire(&wheel, m->now);
        if (index == POOL_NONE)
            break;
        assert_true(m->deadline[index] <= m->now);
        if (!m->past[index]) {
            assert_true(m->deadline[index] >= last);
            last = m->deadline[index];
        }
        m->deadline[index] = NEVER;
        if (prng_below(&m->prng, 4) == 0) { /* what a caller may do in between */
            model_set(m);
            last = 0;
        }
    }
    assert_true(earliest(m) > m->now);
    assert_true(wheel_next(&wheel) > m->now);
}

static void test_against_model(void **state)
{
    (void)state;
    static struct model m;
    for (unsigned round = 0; round < 60; round++) {
        prng_init(&m.prng, round);
        m.now = prng_next(&m.prng) >> prng_below(&m.prng, 64);
        start(m.now);
        for (uint32_t i = 0; i < OBJECTS; i++)
            m.deadline[i] = NEVER;
        for (unsigned step = 0; step < 20000 && m.now < NEVER / 2; step++) {
            if (prng_below(&m.prng, 4) != 0) {
                model_set(&m);
            } else if (prng_below(&m.prng, 2) == 0) {
                uint64_t jump = prng_next(&m.prng) >> (8 + prng_below(&m.prng, 56));
                m.now += prng_below(&m.prng, 1000) == 0 ? jump : jump >> 24;
            } else {
                uint64_t next = wheel_next(&wheel);
                assert_true(next <= earliest(&m));
                if (next != NEVER && next > m.now && prng_below(&m.prng, 2) == 0)
                    m.now = next;
                model_expire(&m);
            }
        }
        uint32_t count = 0;
        for (uint32_t i = 0; i < OBJECTS; i++)
            count += m.deadline[i] != NEVER;
        assert_int_equal(wheel.entry_count, count);
        m.now = NEVER - 1;
        model_expire(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_past_and_last, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_that_steps_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_driven_by_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
