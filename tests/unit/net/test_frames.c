/* SPDX-License-Identifier: MIT */
/* Stored frames: shares, queues, refusals. */
#include "fake.h"

#include "net/frames.h"

static struct test_memory source;
static struct memory memory;
static struct buffers buffers;
static struct frame slots[FRAMES_MAX];
static struct frames frames;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    buffers_init(&buffers, &memory, FRAMES_BYTES_MAX, 65536);
    frames_init(&frames, slots, &buffers);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffers_deinit(&buffers);
    test_memory_deinit(&source);
    return 0;
}

static void test_queue_order(void **state)
{
    (void)state;
    struct frame_queue q = {0};
    assert_int_equal(frames_pop(&frames, &q), FRAMES_NONE);
    uint32_t index[5];
    for (uint32_t i = 0; i < 5; i++) {
        index[i] = frames_take(&frames, 100 + i, i % 2 != 0);
        assert_int_not_equal(index[i], FRAMES_NONE);
        frames_push(&frames, &q, index[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t popped = frames_pop(&frames, &q);
        assert_int_equal(popped, index[i]);
        assert_int_equal(frames_at(&frames, popped)->length, 100 + i);
        frames_give(&frames, popped);
    }
    index[0] = frames_take(&frames, 7, false);
    frames_push(&frames, &q, index[0]);
    assert_int_equal(q.count, 3);
    assert_int_equal(frames_clear(&frames, &q), 3);
    assert_int_equal(q.count, 0);
    assert_int_equal(frames.held.count + frames.control.count, 0);
    assert_int_equal(frames.held.bytes + frames.control.bytes, 0);
    assert_int_equal(buffers.used_bytes, 0);
}

/* Neither kind can take what is the other's. */
static void test_shares(void **state)
{
    (void)state;
    for (int control = 0; control < 2; control++) {
        struct frame_queue first = {0}, second = {0};
        uint32_t max = control ? FRAMES_CONTROL_MAX : FRAMES_HELD_MAX, index;
        while ((index = frames_take(&frames, 1514, control)) != FRAMES_NONE)
            frames_push(&frames, &first, index);
        assert_int_equal(first.count, max);
        while ((index = frames_take(&frames, 1514, !control)) != FRAMES_NONE)
            frames_push(&frames, &second, index);
        assert_int_equal(first.count + second.count, FRAMES_MAX);
        assert_true(buffers.used_bytes <= FRAMES_BYTES_MAX);
        frames_clear(&frames, &first);
        frames_clear(&frames, &second);
    }
}

static void test_shares_of_bytes(void **state)
{
    (void)state;
    struct frame_queue q = {0};
    uint32_t index;
    while ((index = frames_take(&frames, 9014, false)) != FRAMES_NONE)
        frames_push(&frames, &q, index);
    assert_int_equal(q.count, FRAMES_HELD_MAX * FRAMES_SHARE_BYTES / 16384);
    index = frames_take(&frames, 65549, true);
    assert_int_not_equal(index, FRAMES_NONE);
    memset(frames_at(&frames, index)->data, 1, 65549);
    frames_give(&frames, index);
    frames_clear(&frames, &q);
    assert_int_equal(frames_take(&frames, FRAMES_BYTES_MAX, false), FRAMES_NONE);
}

static void test_no_memory(void **state)
{
    (void)state;
    test_memory_refuse_from(&source, 1);
    assert_int_equal(frames_take(&frames, 100, false), FRAMES_NONE);
    assert_int_equal(frames.held.count, 0);
    test_memory_refuse_from(&source, 0);
    uint32_t index = frames_take(&frames, 100, false);
    assert_int_not_equal(index, FRAMES_NONE);
    frames_give(&frames, index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_queue_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares_of_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
