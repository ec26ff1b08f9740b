/* SPDX-License-Identifier: MIT */
/* A wire that gets no memory: each request refused in turn; the linker wraps the allocator. */
#include <errno.h>
#include <stdlib.h>

#include <hawser/port/wire.h>

#include "support/unit.h"

static unsigned requests, refuse_from, refuse_to; /* counted from 1; 0 = none is refused */

static bool refused(void)
{
    requests++;
    return refuse_from <= requests && requests <= refuse_to;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return refused() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return refused() ? NULL : __real_realloc(memory, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, bytes);
}

/* Sends 500 frames with everything that can happen to them; what arrives is whole and in order. */
static void use(struct hawser_wire *wire)
{
    struct hawser_wire_settings settings = {
        .delay_ns = 10, .duplicate_ppm = 500000, .reorder_ppm = 300000, .reorder_ns = 5};
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    struct hawser_frame frames[HAWSER_WIRE_BATCH];
    assert_int_equal(hawser_wire_set(wire, 0, &settings), 0);
    for (unsigned i = 0; i < 500; i++) {
        uint8_t frame[100];
        memset(frame, (int)i, sizeof frame);
        assert_int_equal(hawser_wire_put(wire, 0, 0, frame, sizeof frame), 0);
    }
    size_t received = 0;
    for (uint64_t now = 0; now < 20; now++)
        for (size_t n; (n = hawser_wire_take(wire, 1, now, frames, HAWSER_WIRE_BATCH)) != 0;)
            for (received += n; n > 0; n--)
                assert_int_equal(frames[n - 1].data[0], frames[n - 1].data[99]);
    assert_int_equal(counters->sent_frames, 500);
    assert_int_equal(received, 500 - counters->overflowed + counters->duplicated);
    assert_int_equal(counters->delivered_frames, received);
}

/* from .. from + run - 1 are refused; returns whether there were that many requests. */
static bool refuse(unsigned from, unsigned run)
{
    struct hawser_wire_config config = {.kind = HAWSER_LINK_ETHERNET, .seed = 1};
    struct hawser_wire *wire = NULL;
    requests = 0;
    refuse_from = from;
    refuse_to = from + run - 1;
    int result = hawser_wire_create(&config, &wire);
    if (result == 0) {
        use(wire);
        bool overflowed = hawser_wire_counters_of(wire, 0)->overflowed > 0;
        assert_true(overflowed || run == 1 || requests < from);
    } else {
        assert_int_equal(result, -ENOMEM);
        assert_null(wire);
    }
    hawser_wire_destroy(wire);
    refuse_from = refuse_to = 0;
    return requests >= from;
}

static void test_each_request_refused(void **state)
{
    (void)state;
    unsigned from = 1;
    while (refuse(from, 1)) /* this one only: the wire recovers */
        from++;
    assert_in_range(from, 20, 1000);
    from = 1;
    while (refuse(from, 1000000)) /* this one and all later ones */
        from++;
    assert_in_range(from, 20, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
