/* SPDX-License-Identifier: MIT */
/* content.c, meter.c, queue.c, lives.c and random.h: what a simulation is made of. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/content.h"
#include "sim/lives.h"
#include "sim/meter.h"
#include "sim/queue.h"

static void streams_differ_and_repeat(void **state)
{
    (void)state;
    struct content *content = malloc(sizeof *content);
    uint8_t *data = malloc(200000);
    content_init(content, 1);
    for (size_t at = 0; at < 200000; at += 1000)
        memcpy(data + at, content_at(content, 7, 5 + at), 1000);
    assert_int_equal(content_compare(content, 7, 5, data, 200000), 200000);
    assert_true(content_compare(content, 7, 6, data, 200000) < 100);
    assert_true(content_compare(content, 8, 5, data, 200000) < 100);
    data[123456] ^= 1;
    assert_int_equal(content_compare(content, 7, 5, data, 200000), 123456);
    free(data);
    free(content);
}

static void memory_is_counted_and_refused(void **state)
{
    (void)state;
    struct meter_store store = {0};
    struct meter meter, other;
    meter_init(&meter, &store, 100000, 1);
    meter_init(&other, &store, 100000, 2);
    struct hawser_memory memory = meter_memory(&meter);
    uint8_t *a = memory.acquire(memory.context, 60000), *b = memory.acquire(memory.context, 40000);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_null(memory.acquire(memory.context, 1));
    assert_int_equal(meter.in_use_bytes, 100000);
    assert_int_equal(meter.refused_count, 1);
    memset(a, 0xff, 60000);
    memory.release(memory.context, a, 60000);
    a = memory.acquire(memory.context, 60000); /* the same piece, and zero again */
    assert_int_equal(a[0] | a[59999], 0);
    meter.refuse_all = true;
    memory.release(memory.context, b, 40000);
    assert_null(memory.acquire(memory.context, 1));
    assert_null(meter.wrong);
    memory.release(memory.context, a, 59999);
    assert_non_null(meter.wrong);
    meter.wrong = NULL;
    memory.release(memory.context, a, 60000); /* twice */
    assert_non_null(meter.wrong);
    meter.refuse_all = false;
    a = memory.acquire(memory.context, 100);
    struct hawser_memory others = meter_memory(&other);
    others.release(others.context, a, 100);
    assert_non_null(other.wrong);
    meter_reclaim(&meter);
    assert_int_equal(meter.in_use_bytes, 0);
    meter_store_drop(&store);
}

static void what_comes_first(void **state)
{
    (void)state;
    struct queue queue = {0};
    struct random random = random_of(1, 1);
    for (uint32_t i = 0; i < 5000; i++) {
        const struct queue_item item = {.at_ns = random_below(&random, 100), .a = i};
        assert_true(queue_add(&queue, &item));
        if (i % 3 == 0)
            (void)queue_take(&queue);
    }
    uint64_t at_ns = 0, order = 0;
    while (queue.count > 0) {
        assert_int_equal(queue_next(&queue), queue.heap[0].at_ns);
        struct queue_item item = queue_take(&queue);
        assert_true(item.at_ns > at_ns || (item.at_ns == at_ns && item.order >= order));
        at_ns = item.at_ns;
        order = item.order;
    }
    assert_int_equal(queue_next(&queue), UINT64_MAX);
    static const uint8_t large[5000] = {1, 2, 3};
    struct queue_frame *frames[] = {queue_frame_make(&queue, large, 3),
                                    queue_frame_make(&queue, large, sizeof large)};
    assert_memory_equal(frames[1]->data, large, sizeof large);
    queue_frame_drop(&queue, frames[0]);
    queue_frame_drop(&queue, frames[1]);
    assert_ptr_equal(queue_frame_make(&queue, large, 1600), frames[0]);
    const struct queue_item held = {.frame = frames[0]};
    assert_true(queue_add(&queue, &held));
    queue_free(&queue);
}

static struct hawser_endpoint endpoint(uint32_t number)
{
    struct hawser_endpoint out = {.port = (uint16_t)(number & 0xffff)};
    memcpy(out.address.bytes + 12, &number, 4);
    return out;
}

static void lives_are_found_and_forgotten(void **state)
{
    (void)state;
    struct lives lives = {.last = LIFE_NONE, .free_head = LIFE_NONE};
    const struct hawser_endpoint server = endpoint(80);
    for (uint32_t i = 0; i < 3000; i++) {
        const struct hawser_endpoint client = endpoint(i);
        assert_int_equal(lives_find(&lives, i % 3, &server, &client), LIFE_NONE);
        uint32_t index = lives_get(&lives, i % 3, &server, &client);
        assert_int_not_equal(index, LIFE_NONE);
        struct life *life = &lives.list[index];
        assert_int_equal(life->state, HAWSER_CLOSED);
        life_begin(life);
        life->has_iss = true;
        life->iss = i;
        life->state = i % 10 == 0 ? HAWSER_ESTABLISHED : HAWSER_CLOSED;
    }
    assert_true(lives.purged > 0 && lives.used < 3000);
    for (uint32_t i = 0; i < 3000; i += 10) {
        const struct hawser_endpoint client = endpoint(i);
        uint32_t index = lives_find(&lives, i % 3, &server, &client);
        assert_int_not_equal(index, LIFE_NONE);
        assert_int_equal(lives.list[index].iss, i);
    }
    struct life *life = &lives.list[lives_get(&lives, 0, &server, &server)];
    for (uint32_t iss = 1; iss <= 5; iss++) {
        life_begin(life);
        assert_false(life->has_iss);
        life->has_iss = true;
        life->iss = iss;
    }
    assert_int_equal(life->past_count, LIFE_PAST);
    assert_int_equal(life->past_iss[0], 4);
    lives_free(&lives);
}

static void streams_of_chance(void **state)
{
    (void)state;
    struct random a = random_of(1, 2), b = random_of(1, 2), c = random_of(1, 3);
    assert_int_equal(random_next(&a), random_next(&b));
    assert_int_not_equal(random_next(&a), random_next(&c));
    unsigned low = 0;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t n = random_scaled(&a, 10, 100000);
        assert_in_range(n, 10, 100000);
        low += n < 1000;
        assert_in_range(random_from(&a, 5, 9), 5, 9);
    }
    assert_in_range(low, 3000, 7000); /* half of the scale lies below */
    assert_false(random_ppm(&a, 0));
    assert_true(random_percent(&a, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_differ_and_repeat),
        cmocka_unit_test(memory_is_counted_and_refused),
        cmocka_unit_test(what_comes_first),
        cmocka_unit_test(lives_are_found_and_forgotten),
        cmocka_unit_test(streams_of_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
