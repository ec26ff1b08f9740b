/* SPDX-License-Identifier: MIT */
/* The queue of events: edges, order, handles that go while they wait in it. */
#include <stdlib.h>

#include "lan.h"

static void test_edges(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    struct hawser_event event[4];
    hawser_tcp ends[2], listener;
    int mark;
    lan_init(lan, NULL);
    listener = lan_listen(lan, 0, 80);
    struct hawser_open_options options = {.remote = lan_end_of(0, false, 80), .user = &mark};
    assert_int_equal(hawser_open(lan->host[1], lan->now_ns, &options, &ends[1]), 0);
    assert_int_equal(hawser_events(lan->host[1], event, 4), 0);
    lan_settle(lan);
    assert_int_equal(hawser_events(lan->host[1], event, 4), 1);
    assert_true(event[0].tcp == ends[1] && event[0].user == &mark);
    assert_true((event[0].events & HAWSER_EVENT_CONNECTED) != 0);
    assert_int_equal(hawser_events(lan->host[1], event, 4), 0);
    assert_int_equal(hawser_events(lan->host[0], event, 4), 1);
    assert_true(event[0].tcp == listener && event[0].events == HAWSER_EVENT_ACCEPTABLE);
    assert_int_equal(hawser_events(lan->host[0], event, 4), 0);
    /* Data comes before anybody accepted: told afterwards. */
    assert_int_equal(hawser_send(lan->host[1], ends[1], "x", 1, 0), 1);
    lan_settle(lan);
    assert_int_equal(hawser_events(lan->host[0], event, 4), 0);
    assert_int_equal(hawser_accept(lan->host[0], listener, &ends[0]), 0);
    assert_int_equal(hawser_events(lan->host[0], event, 4), 1);
    assert_true(event[0].tcp == ends[0] && event[0].events == HAWSER_EVENT_READABLE);
    assert_null(event[0].user);
    /* Once, and again when the thing happens again; several together. */
    assert_int_equal(hawser_events(lan->host[0], event, 4), 0);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "y", 1, 0), 1);
    lan_settle(lan);
    assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_events(lan->host[0], event, 4), 1);
    assert_int_equal(event[0].events, HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED);
    assert_true((lan_events_of(lan, 1, ends[1]) & HAWSER_EVENT_SENT) != 0);
    lan_deinit(lan);
    free(lan);
}

static void test_order_and_vanished(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    struct hawser_event event[16];
    hawser_tcp ends[8][2], listener;
    lan_init(lan, NULL);
    listener = lan_listen(lan, 0, 80);
    for (unsigned i = 0; i < 8; i++)
        lan_connect(lan, false, listener, 80, ends[i]);
    while (hawser_events(lan->host[0], event, 16) != 0)
        ;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(hawser_send(lan->host[1], ends[7 - i][1], "x", 1, 0), 1);
        lan_settle(lan);
    }
    /* Some go before they are told of; one slot is another connection by then. */
    assert_int_equal(hawser_abort(lan->host[0], ends[7][0]), 0);
    assert_int_equal(hawser_abort(lan->host[0], ends[3][0]), 0);
    lan_settle(lan);
    hawser_tcp again[2];
    lan_connect(lan, false, listener, 80, again);
    assert_int_equal((uint32_t)again[0], (uint32_t)ends[3][0]);
    assert_int_equal(hawser_send(lan->host[1], again[1], "x", 1, 0), 1);
    lan_settle(lan);
    size_t count = 0;
    while (hawser_events(lan->host[0], &event[count], 1) == 1)
        count++;
    const hawser_tcp expected[] = {ends[6][0], ends[5][0], ends[4][0], again[0],
                                   ends[2][0], ends[1][0], ends[0][0], listener};
    assert_int_equal(count, COUNT_OF(expected));
    for (size_t i = 0; i < count; i++)
        assert_true(event[i].tcp == expected[i]);
    /* A listener that goes while it waits there, and comes back in its slot. */
    hawser_tcp late = lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_settle(lan);
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    listener = lan_listen(lan, 0, 80);
    assert_int_equal(hawser_events(lan->host[0], event, 16), 0);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 1, late), HAWSER_CLOSED);
    lan_deinit(lan);
    free(lan);
}

/* Opened, closed, aborted for ever by a program that never asks for events: nothing piles up. */
static void test_nobody_asks(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    struct hawser_usage usage;
    lan_init(lan, &(struct lan_setup){.deaf = true});
    hawser_tcp listener = lan_listen(lan, 0, 80);
    for (unsigned i = 0; i < 20000; i++) {
        hawser_tcp ends[2];
        lan_connect(lan, false, listener, 80, ends);
        assert_int_equal(hawser_abort(lan->host[i & 1], ends[i & 1]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[!(i & 1)], ends[!(i & 1)]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        hawser_usage_of(lan->host[i], &usage);
        assert_int_equal(usage.connections, 0);
        assert_int_equal(usage.buffer_bytes, 0);
        assert_true(usage.memory_bytes < 8u << 20);
    }
    lan_deinit(lan);
    free(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_order_and_vanished),
        cmocka_unit_test(test_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
