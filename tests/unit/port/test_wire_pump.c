/* SPDX-License-Identifier: MIT */
/* The pump of a wire, with hosts that are not hosts: they send numbers and note what they get. */
#include <hawser/port/wire.h>

#include "support/unit.h"

#define MS UINT64_C(1000000)

/* Takes the place of the library's host in this program. */
struct hawser_host {
    uint32_t link;
    uint32_t to_send, sent;     /* frames */
    uint32_t received, answers; /* answers: frames to send for each one received */
    uint64_t last_input_ns;
    const uint8_t *wrote_at[HAWSER_WIRE_BATCH], *read_at[HAWSER_WIRE_BATCH];
    size_t inputs; /* calls */
};

size_t hawser_output(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                     struct hawser_buffer *buffers, size_t count)
{
    (void)now_ns;
    assert_int_equal(link, host->link);
    assert_true(count <= HAWSER_WIRE_BATCH);
    size_t n = 0;
    while (n < count && host->sent < host->to_send) {
        assert_true(buffers[n].capacity >= 1514);
        memset(buffers[n].data, 0, 60);
        memcpy(buffers[n].data, &host->sent, sizeof host->sent);
        host->wrote_at[n] = buffers[n].data;
        buffers[n++].length = 60 + host->sent % 100;
        host->sent++;
    }
    return n;
}

void hawser_input(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                  const struct hawser_frame *frames, size_t count)
{
    assert_int_equal(link, host->link);
    assert_in_range(count, 1, HAWSER_WIRE_BATCH);
    for (size_t i = 0; i < count; i++) {
        uint32_t number;
        memcpy(&number, frames[i].data, sizeof number);
        assert_int_equal(number, host->received);
        assert_int_equal(frames[i].length, 60 + number % 100);
        assert_int_equal(frames[i].flags, 0);
        host->read_at[i] = frames[i].data;
        host->received++;
        host->to_send += host->answers;
    }
    host->inputs++;
    host->last_input_ns = now_ns;
}

static struct hawser_wire *join(struct hawser_host *a, struct hawser_host *b)
{
    struct hawser_wire_config config = {.kind = HAWSER_LINK_ETHERNET, .seed = 1};
    struct hawser_wire *wire = NULL;
    assert_int_equal(hawser_wire_create(&config, &wire), 0);
    assert_int_equal(hawser_wire_attach(wire, 0, a, a->link), 0);
    if (b != NULL)
        assert_int_equal(hawser_wire_attach(wire, 1, b, b->link), 0);
    return wire;
}

static void test_perfect(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 3, .to_send = 100}, b = {.link = 5, .answers = 1};
    struct hawser_wire *wire = join(&a, &b);
    assert_int_equal(hawser_wire_pump(wire, 9), 2 * HAWSER_WIRE_BATCH); /* and the answers */
    assert_int_equal(b.received, HAWSER_WIRE_BATCH);
    assert_int_equal(b.last_input_ns, 9);
    assert_memory_equal(a.wrote_at, b.read_at, sizeof a.wrote_at); /* nothing was copied */
    while (hawser_wire_pump(wire, 9) != 0)
        ;
    assert_int_equal(b.received, 100);
    assert_int_equal(a.received, 100);
    assert_int_equal(b.inputs, (100 + HAWSER_WIRE_BATCH - 1) / HAWSER_WIRE_BATCH);
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    assert_int_equal(counters->sent_frames, 100);
    assert_int_equal(counters->delivered_frames, 100);
    assert_int_equal(counters->sent_bytes, 100 * 60 + 99 * 100 / 2);
    assert_int_equal(counters->delivered_bytes, counters->sent_bytes);
    assert_int_equal(counters->in_flight, 0);
    assert_int_equal(hawser_wire_next(wire), UINT64_MAX);
    hawser_wire_destroy(wire);
}

static void test_delay(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 0, .to_send = 1000}, b = {.link = 1};
    struct hawser_wire *wire = join(&a, &b);
    struct hawser_wire_settings settings = {.delay_ns = 20 * MS};
    assert_int_equal(hawser_wire_set(wire, 2, &settings), 0);
    while (hawser_wire_pump(wire, MS) != 0)
        ;
    assert_int_equal(a.sent, 1000);
    assert_int_equal(b.received, 0);
    assert_int_equal(hawser_wire_pump(wire, 21 * MS - 1), 0);
    assert_int_equal(hawser_wire_next(wire), 21 * MS);
    assert_int_equal(hawser_wire_pump(wire, 21 * MS), 1000); /* all that is due */
    assert_int_equal(b.received, 1000);
    hawser_wire_destroy(wire);
}

/* When a delay ends, frames that are still on the way come before those that need no queue. */
static void test_change_to_perfect(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 0, .to_send = 10}, b = {.link = 1};
    struct hawser_wire *wire = join(&a, &b);
    struct hawser_wire_settings settings = {.delay_ns = 20 * MS};
    assert_int_equal(hawser_wire_set(wire, 0, &settings), 0);
    assert_int_equal(hawser_wire_pump(wire, 0), 10);
    settings.delay_ns = 0;
    assert_int_equal(hawser_wire_set(wire, 0, &settings), 0);
    a.to_send = 20;
    assert_int_equal(hawser_wire_pump(wire, 5 * MS), 10);
    assert_int_equal(b.received, 0);
    assert_int_equal(hawser_wire_pump(wire, 20 * MS), 20); /* hawser_input checks the order */
    a.to_send = 50;
    assert_int_equal(hawser_wire_pump(wire, 20 * MS), 30);
    assert_int_equal(b.received, 50);
    assert_memory_equal(a.wrote_at, b.read_at, 30 * sizeof a.wrote_at[0]);
    hawser_wire_destroy(wire);
}

static void count_events(void *context, const struct hawser_tap_event *event)
{
    unsigned *counts = context;
    counts[event->verdict]++;
    if (event->verdict == HAWSER_TAP_DELIVERED)
        assert_int_equal(event->number, counts[HAWSER_TAP_DELIVERED] + 10);
}

static void test_tap(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 0, .to_send = 10}, b = {.link = 1};
    struct hawser_wire *wire = join(&a, &b);
    unsigned counts[4] = {0};
    assert_int_equal(hawser_wire_pump(wire, 0), 10); /* numbered, though nobody listens */
    a.to_send = 50;
    hawser_wire_set_tap(wire, count_events, counts);
    while (hawser_wire_pump(wire, 0) != 0)
        ;
    hawser_wire_set_tap(wire, NULL, NULL);
    a.to_send = 60;
    while (hawser_wire_pump(wire, 0) != 0)
        ;
    assert_int_equal(b.received, 60);
    assert_int_equal(counts[HAWSER_TAP_SENT], 40);
    assert_int_equal(counts[HAWSER_TAP_DELIVERED], 40);
    hawser_wire_destroy(wire);
}

static enum hawser_wire_fate lose_all(void *context, unsigned from, uint64_t now_ns,
                                      const uint8_t *data, uint32_t length)
{
    (void)context, (void)from, (void)now_ns, (void)data, (void)length;
    return HAWSER_WIRE_LOSE;
}

static void test_filter(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 0, .to_send = 5}, b = {.link = 1};
    struct hawser_wire *wire = join(&a, &b);
    hawser_wire_set_filter(wire, lose_all, NULL);
    assert_int_equal(hawser_wire_pump(wire, 0), 5);
    assert_int_equal(b.received, 0);
    assert_int_equal(hawser_wire_counters_of(wire, 0)->lost, 5);
    hawser_wire_destroy(wire);
}

/* A host at one end, the program at the other. */
static void test_half_attached(void **state)
{
    (void)state;
    struct hawser_host a = {.link = 2, .to_send = 3};
    struct hawser_wire *wire = join(&a, NULL);
    assert_int_equal(hawser_wire_pump(wire, 1), 3);
    assert_int_equal(hawser_wire_pump(wire, 1), 0); /* they wait for whoever takes them */
    struct hawser_frame frames[4];
    assert_int_equal(hawser_wire_take(wire, 1, 1, frames, 4), 3);
    assert_int_equal(frames[2].data[0], 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t bytes[161] = {(uint8_t)i};
        assert_int_equal(hawser_wire_put(wire, 1, 2, bytes, 60 + i), 0);
    }
    assert_int_equal(hawser_wire_pump(wire, 2), 2);
    assert_int_equal(a.received, 2);

    assert_int_equal(hawser_wire_attach(wire, 0, NULL, 0), 0);
    a.to_send = 10;
    assert_int_equal(hawser_wire_pump(wire, 3), 0);
    assert_int_equal(a.sent, 3);
    hawser_wire_destroy(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_perfect),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_change_to_perfect),
        cmocka_unit_test(test_tap),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_half_attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
