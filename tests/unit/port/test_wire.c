/* SPDX-License-Identifier: MIT */
/* The wire as a queue: order, times, limits, who owns which bytes, what the tap hears. Of wire.c
 * and wire_queue.c. */
#include <errno.h>

#include <hawser/port/wire.h>

#include "support/unit.h"

#define MS 1000000u

static struct hawser_wire *new_wire(uint32_t frames_max)
{
    struct hawser_wire_config config = {
        .kind = HAWSER_LINK_ETHERNET, .seed = 1, .frames_max = frames_max};
    struct hawser_wire *wire = NULL;
    assert_int_equal(hawser_wire_create(&config, &wire), 0);
    return wire;
}

static void set(struct hawser_wire *wire, unsigned direction, struct hawser_wire_settings settings)
{
    assert_int_equal(hawser_wire_set(wire, direction, &settings), 0);
}

/* Sends a frame whose bytes follow from its number. */
static void put_number(struct hawser_wire *wire, unsigned end, uint64_t now_ns, uint32_t number,
                       size_t length)
{
    uint8_t bytes[1514];
    memset(bytes, (int)(number * 37), length);
    memcpy(bytes, &number, sizeof number);
    assert_int_equal(hawser_wire_put(wire, end, now_ns, bytes, length), 0);
}

static uint32_t number_of(const struct hawser_frame *frame)
{
    uint32_t number;
    memcpy(&number, frame->data, sizeof number);
    for (uint32_t i = sizeof number; i < frame->length; i++)
        assert_int_equal(frame->data[i], (uint8_t)(number * 37));
    return number;
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        struct hawser_wire_config config;
        int result;
    } rows[] = {
        {{.kind = HAWSER_LINK_ETHERNET}, 0},
        {{.kind = HAWSER_LINK_IP, .mtu = 68, .frames_max = 64}, 0},
        {{.kind = HAWSER_LINK_IP, .mtu = 65535, .frames_max = 1u << 20}, 0},
        {{.kind = HAWSER_LINK_LOOPBACK}, -EINVAL},
        {{.kind = (enum hawser_link_kind)7}, -EINVAL},
        {{.kind = HAWSER_LINK_IP, .mtu = 67}, -EINVAL},
        {{.kind = HAWSER_LINK_IP, .mtu = 65536}, -EINVAL},
        {{.kind = HAWSER_LINK_IP, .frames_max = 63}, -EINVAL},
        {{.kind = HAWSER_LINK_IP, .frames_max = (1u << 20) + 1}, -EINVAL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_wire *wire = NULL;
        assert_int_equal(hawser_wire_create(&rows[i].config, &wire), rows[i].result);
        assert_int_equal(wire != NULL, rows[i].result == 0);
        hawser_wire_destroy(wire);
    }
}

static void test_settings(void **state)
{
    (void)state;
    const uint64_t hour = UINT64_C(3600) * 1000 * MS;
    const struct {
        struct hawser_wire_settings settings;
        int result;
    } rows[] = {
        {{.delay_ns = hour, .jitter_ns = hour, .rate_bits_per_s = 1000000000000}, 0},
        {{.loss_ppm = 1000000, .duplicate_ppm = 1000000, .corrupt_ppm = 1000000}, 0},
        {{.reorder_ppm = 1000000, .reorder_ns = 1}, 0},
        {{.queue_bytes = 1u << 30}, 0},
        {{.delay_ns = hour + 1}, -EINVAL},
        {{.jitter_ns = hour + 1}, -EINVAL},
        {{.rate_bits_per_s = 1000000000001}, -EINVAL},
        {{.queue_bytes = (1u << 30) + 1}, -EINVAL},
        {{.loss_ppm = 1000001}, -EINVAL},
        {{.duplicate_ppm = 1000001}, -EINVAL},
        {{.corrupt_ppm = 1000001}, -EINVAL},
        {{.reorder_ppm = 1000001, .reorder_ns = 1}, -EINVAL},
        {{.reorder_ppm = 1}, -EINVAL},
        {{.reorder_ppm = 1, .reorder_ns = hour + 1}, -EINVAL},
    };
    struct hawser_wire *wire = new_wire(0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        set(wire, 2, (struct hawser_wire_settings){.delay_ns = 5});
        assert_int_equal(hawser_wire_set(wire, 1, &rows[i].settings), rows[i].result);
        const struct hawser_wire_settings *now = hawser_wire_settings_of(wire, 1);
        if (rows[i].result == 0)
            assert_memory_equal(now, &rows[i].settings, sizeof *now);
        else
            assert_int_equal(now->delay_ns, 5); /* nothing was changed */
        assert_int_equal(hawser_wire_settings_of(wire, 0)->delay_ns, 5);
    }
    assert_null(hawser_wire_settings_of(wire, 2));
    assert_null(hawser_wire_counters_of(wire, 2));
    hawser_wire_destroy(wire);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    uint8_t bytes[1515] = {0};
    struct hawser_frame frame;
    assert_int_equal(hawser_wire_put(wire, 2, 0, bytes, 60), -EINVAL);
    assert_int_equal(hawser_wire_put(wire, 0, 0, bytes, 0), -EINVAL);
    assert_int_equal(hawser_wire_put(wire, 0, 0, bytes, 1515), -EMSGSIZE);
    assert_int_equal(hawser_wire_put(wire, 0, 0, bytes, 1514), 0);
    assert_int_equal(hawser_wire_attach(wire, 2, NULL, 0), -EINVAL);
    assert_int_equal(hawser_wire_take(wire, 2, 0, &frame, 1), 0);
    assert_int_equal(hawser_wire_take(wire, 1, 0, &frame, 0), 0);
    assert_int_equal(hawser_wire_next_at(wire, 2), UINT64_MAX);

    /* Commit leaves out what cannot be a frame. */
    struct hawser_buffer *buffers = hawser_wire_buffers(wire, 0);
    buffers[0].length = 0;
    buffers[1].length = buffers[1].capacity + 1;
    buffers[2].length = 60;
    memset(buffers[2].data, 0, 60);
    hawser_wire_commit(wire, 0, 0, 3);
    hawser_wire_commit(wire, 2, 0, 3);
    assert_int_equal(hawser_wire_counters_of(wire, 0)->sent_frames, 2);
    assert_int_equal(hawser_wire_counters_of(wire, 1)->sent_frames, 0);
    hawser_wire_destroy(wire);
    hawser_wire_destroy(NULL);
}

static void test_perfect(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    struct hawser_frame frames[HAWSER_WIRE_BATCH];
    assert_int_equal(hawser_wire_next(wire), UINT64_MAX);
    put_number(wire, 0, 7, 1, 60);
    put_number(wire, 0, 7, 2, 1514);
    put_number(wire, 1, 8, 3, 4);
    assert_int_equal(hawser_wire_next(wire), 7);
    assert_int_equal(hawser_wire_next_at(wire, 0), 8);
    assert_int_equal(hawser_wire_next_at(wire, 1), 7);
    assert_int_equal(hawser_wire_take(wire, 1, 6, frames, 8), 0); /* not yet */
    assert_int_equal(hawser_wire_take(wire, 1, 7, frames, 8), 2);
    assert_int_equal(number_of(&frames[0]), 1);
    assert_int_equal(frames[0].length, 60);
    assert_int_equal(frames[0].flags, 0);
    assert_int_equal(number_of(&frames[1]), 2);
    assert_int_equal(frames[1].length, 1514);
    assert_int_equal(hawser_wire_take(wire, 1, 7, frames, 8), 0);
    assert_int_equal(hawser_wire_take(wire, 0, 100, frames, 8), 1);
    assert_int_equal(number_of(&frames[0]), 3);

    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    assert_int_equal(counters->sent_frames, 2);
    assert_int_equal(counters->sent_bytes, 1574);
    assert_int_equal(counters->delivered_frames, 2);
    assert_int_equal(counters->delivered_bytes, 1574);
    assert_int_equal(counters->in_flight, 0);
    assert_int_equal(hawser_wire_next(wire), UINT64_MAX);
    hawser_wire_destroy(wire);
}

/* Thousands of frames on the way: the queue grows, keeps order and bytes, and stops at its limit.
 * */
static void test_many(void **state)
{
    (void)state;
    enum { LIMIT = 3000 };
    struct hawser_wire *wire = new_wire(LIMIT);
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    set(wire, 0, (struct hawser_wire_settings){.delay_ns = 20 * MS});
    uint32_t sent = 0, received = 0;
    for (unsigned turn = 0; turn < 3; turn++) {
        uint64_t now = turn * 100 * MS;
        for (uint32_t i = 0; i < LIMIT; i++)
            put_number(wire, 0, now + i, sent++, 60 + i % 1400);
        assert_int_equal(counters->in_flight, LIMIT);
        put_number(wire, 0, now + LIMIT, 999999, 60);
        assert_int_equal(counters->overflowed, turn + 1);

        /* As many as a call gives, each at its own time; their bytes stay until the next call. */
        struct hawser_frame frames[2 * HAWSER_WIRE_BATCH];
        assert_int_equal(hawser_wire_take(wire, 1, now + 20 * MS - 1, frames, COUNT_OF(frames)), 0);
        while (received < sent) {
            uint64_t at = hawser_wire_next_at(wire, 1);
            assert_int_equal(at, now + 20 * MS + received % LIMIT);
            size_t n = hawser_wire_take(wire, 1, at + 9, frames, COUNT_OF(frames));
            assert_in_range(n, 1, 10);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(number_of(&frames[i]), received++);
        }
    }
    hawser_wire_destroy(wire);
}

/* The queue grows while it is in use: what stands in it is neither lost nor moved out of order. */
static void test_growth_in_use(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    uint32_t sent = 0, received = 0;
    for (unsigned turn = 0; turn < 400; turn++) {
        struct hawser_frame frames[20];
        for (unsigned i = 0; i < 23; i++)
            put_number(wire, 0, 0, sent++, 60);
        assert_int_equal(hawser_wire_take(wire, 1, 0, frames, 20), 20);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(number_of(&frames[i]), received++);
        assert_int_equal(hawser_wire_counters_of(wire, 0)->in_flight, sent - received);
    }
    hawser_wire_destroy(wire);
}

static enum hawser_wire_fate hold_all(void *context, unsigned from, uint64_t now_ns,
                                      const uint8_t *data, uint32_t length)
{
    (void)context, (void)from, (void)now_ns, (void)length;
    return data[0] < 40 ? HAWSER_WIRE_HOLD : HAWSER_WIRE_PASS;
}

static void expect_original_then_copy(void *context, const struct hawser_tap_event *event)
{
    unsigned *delivered = context;
    if (event->verdict == HAWSER_TAP_DELIVERED)
        assert_int_equal((event->marks & HAWSER_TAP_DUPLICATE) != 0, (*delivered)++ % 2);
}

/* What arrives at one instant arrives in the order of sending, the copy behind its original. */
static void test_equal_times(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    struct hawser_frame frames[HAWSER_WIRE_BATCH];
    unsigned delivered = 0;
    hawser_wire_set_filter(wire, hold_all, NULL);
    hawser_wire_set_tap(wire, expect_original_then_copy, &delivered);
    set(wire, 0, (struct hawser_wire_settings){.duplicate_ppm = HAWSER_WIRE_PPM});
    for (uint32_t i = 0; i < 40; i++)
        put_number(wire, 0, 0, i, 60); /* all held for 1 ms */
    for (uint32_t i = 40; i < 60; i++)
        put_number(wire, 0, MS, i, 60); /* not held, and so they arrive then, too */
    for (uint32_t i = 0; i < 120; i++) {
        assert_int_equal(hawser_wire_take(wire, 1, MS, frames, 1), 1);
        assert_int_equal(number_of(&frames[0]), i / 2);
    }
    assert_int_equal(delivered, 120);
    hawser_wire_destroy(wire);
}

static void test_batch(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    struct hawser_frame frames[3 * HAWSER_WIRE_BATCH];
    for (uint32_t i = 0; i < 80; i++)
        put_number(wire, 0, 0, i, 60);
    assert_int_equal(hawser_wire_take(wire, 1, 0, frames, COUNT_OF(frames)), HAWSER_WIRE_BATCH);
    assert_int_equal(hawser_wire_take(wire, 1, 0, frames, 3), 3);
    assert_int_equal(number_of(&frames[2]), HAWSER_WIRE_BATCH + 2);
    hawser_wire_destroy(wire);
}

/* What is written into the wire's own buffers arrives without having been moved. */
static void test_no_copy(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    struct hawser_frame frames[HAWSER_WIRE_BATCH];
    for (unsigned turn = 0; turn < 100; turn++) {
        const uint8_t *where[HAWSER_WIRE_BATCH];
        struct hawser_buffer *buffers = hawser_wire_buffers(wire, 1);
        for (size_t i = 0; i < HAWSER_WIRE_BATCH; i++) {
            assert_true(buffers[i].capacity >= 1514);
            assert_int_equal(((uintptr_t)buffers[i].data + 14) % 16, 0); /* the IP header */
            where[i] = buffers[i].data;
            buffers[i].length = 100;
            memset(buffers[i].data, (int)i, 100);
        }
        hawser_wire_commit(wire, 1, turn, HAWSER_WIRE_BATCH);
        assert_int_equal(hawser_wire_take(wire, 0, turn, frames, HAWSER_WIRE_BATCH),
                         HAWSER_WIRE_BATCH);
        for (size_t i = 0; i < HAWSER_WIRE_BATCH; i++) {
            assert_ptr_equal(frames[i].data, where[i]);
            assert_int_equal(frames[i].data[99], i);
        }
    }
    hawser_wire_destroy(wire);
}

struct heard {
    struct hawser_tap_event events[16];
    uint8_t first_bytes[16];
    size_t count;
};

static void hear(void *context, const struct hawser_tap_event *event)
{
    struct heard *heard = context;
    assert_true(heard->count < COUNT_OF(heard->events));
    heard->first_bytes[heard->count] = event->data[0];
    heard->events[heard->count++] = *event;
}

static enum hawser_wire_fate by_first_byte(void *context, unsigned from, uint64_t now_ns,
                                           const uint8_t *data, uint32_t length)
{
    assert_int_equal(*(unsigned *)context, 42);
    assert_int_equal(from, 1);
    assert_int_equal(now_ns, 1000);
    assert_int_equal(length, 60);
    return (enum hawser_wire_fate)data[0];
}

static void test_tap_and_filter(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(0);
    struct heard heard = {.count = 0};
    unsigned context = 42;
    hawser_wire_set_tap(wire, hear, &heard);
    hawser_wire_set_filter(wire, by_first_byte, &context);
    set(wire, 1, (struct hawser_wire_settings){.delay_ns = 500});

    static const enum hawser_wire_fate fates[] = {HAWSER_WIRE_HOLD, HAWSER_WIRE_LOSE,
                                                  HAWSER_WIRE_CORRUPT, HAWSER_WIRE_DUPLICATE,
                                                  HAWSER_WIRE_PASS};
    for (size_t i = 0; i < COUNT_OF(fates); i++) {
        uint8_t bytes[60] = {(uint8_t)fates[i]};
        assert_int_equal(hawser_wire_put(wire, 1, 1000, bytes, sizeof bytes), 0);
    }
    struct hawser_frame frames[8];
    assert_int_equal(hawser_wire_take(wire, 0, 1600, frames, 8), 4);
    assert_int_equal(hawser_wire_take(wire, 0, 1500 + MS - 1, frames, 8), 0);
    assert_int_equal(hawser_wire_take(wire, 0, 1500 + MS, frames, 8), 1);

    static const struct {
        enum hawser_tap_verdict verdict;
        uint32_t marks;
        uint64_t number, now_ns;
    } expected[] = {
        {HAWSER_TAP_SENT, 0, 1, 1000},
        {HAWSER_TAP_SENT, 0, 2, 1000},
        {HAWSER_TAP_LOST, 0, 2, 1000},
        {HAWSER_TAP_SENT, 0, 3, 1000},
        {HAWSER_TAP_SENT, 0, 4, 1000},
        {HAWSER_TAP_SENT, 0, 5, 1000},
        {HAWSER_TAP_DELIVERED, HAWSER_TAP_CORRUPTED, 3, 1600},
        {HAWSER_TAP_DELIVERED, 0, 4, 1600},
        {HAWSER_TAP_DELIVERED, HAWSER_TAP_DUPLICATE, 4, 1600},
        {HAWSER_TAP_DELIVERED, 0, 5, 1600},
        {HAWSER_TAP_DELIVERED, HAWSER_TAP_LATE, 1, 1500 + MS},
    };
    assert_int_equal(heard.count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(heard.events[i].verdict, expected[i].verdict);
        assert_int_equal(heard.events[i].marks, expected[i].marks);
        assert_int_equal(heard.events[i].number, expected[i].number);
        assert_int_equal(heard.events[i].now_ns, expected[i].now_ns);
        assert_int_equal(heard.events[i].sent_ns, 1000);
        assert_int_equal(heard.events[i].from, 1);
        assert_int_equal(heard.events[i].kind, HAWSER_LINK_ETHERNET);
        assert_int_equal(heard.events[i].length, 60);
        if ((heard.events[i].marks & HAWSER_TAP_CORRUPTED) == 0)
            assert_int_equal(heard.first_bytes[i], fates[expected[i].number - 1]);
    }
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 1);
    assert_int_equal(counters->lost, 1);
    assert_int_equal(counters->corrupted, 1);
    assert_int_equal(counters->duplicated, 1);
    assert_int_equal(counters->late, 1);
    assert_int_equal(counters->delivered_frames, 5);
    hawser_wire_destroy(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_perfect),
        cmocka_unit_test(test_many),          cmocka_unit_test(test_batch),
        cmocka_unit_test(test_growth_in_use), cmocka_unit_test(test_equal_times),
        cmocka_unit_test(test_no_copy),       cmocka_unit_test(test_tap_and_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
