/* SPDX-License-Identifier: MIT */
/* What a listener of the trace hears of one connection's life, and that it makes no difference. */
#include <stdlib.h>

#include "lan.h"

struct step {
    enum hawser_state from, to;
    enum hawser_cause cause;
};

static void assert_steps(const struct lan *lan, unsigned host, const struct step *steps,
                         size_t count)
{
    size_t seen = 0;
    for (uint32_t i = 0; i < lan->events_count; i++) {
        const struct hawser_trace_event *event = &lan->events[i];
        if (lan->event_host[i] != host || event->kind != HAWSER_TRACE_STATE)
            continue;
        assert_true(seen < count);
        assert_int_equal(event->from, steps[seen].from);
        assert_int_equal(event->to, steps[seen].to);
        assert_int_equal(event->cause, steps[seen].cause);
        assert_int_equal(event->state, event->to);
        seen++;
    }
    assert_int_equal(seen, count);
}

/* EVIDENCE 9293-FIG5-1 9293-FIG5-2 9293-FIG5-8 9293-FIG5-9 9293-FIG5-12 9293-FIG5-13 9293-FIG5-14
 * 9293-FIG5-17 9293-FIG5-19 9293-FIG5-20 9293-FIG5-21 */
static void test_one_life(void **state)
{
    (void)state;
    static const struct step server[] = {
        {HAWSER_CLOSED, HAWSER_LISTEN, HAWSER_CAUSE_OPEN_PASSIVE},
        {HAWSER_LISTEN, HAWSER_SYN_RECEIVED, HAWSER_CAUSE_SYN},
        {HAWSER_SYN_RECEIVED, HAWSER_ESTABLISHED, HAWSER_CAUSE_ACK_OF_SYN},
        {HAWSER_ESTABLISHED, HAWSER_CLOSE_WAIT, HAWSER_CAUSE_FIN},
        {HAWSER_CLOSE_WAIT, HAWSER_LAST_ACK, HAWSER_CAUSE_CLOSE},
        {HAWSER_LAST_ACK, HAWSER_CLOSED, HAWSER_CAUSE_ACK_OF_FIN},
        {HAWSER_LISTEN, HAWSER_CLOSED, HAWSER_CAUSE_CLOSE},
    };
    static const struct step client[] = {
        {HAWSER_CLOSED, HAWSER_SYN_SENT, HAWSER_CAUSE_OPEN_ACTIVE},
        {HAWSER_SYN_SENT, HAWSER_ESTABLISHED, HAWSER_CAUSE_SYN_ACK},
        {HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1, HAWSER_CAUSE_CLOSE},
        {HAWSER_FIN_WAIT_1, HAWSER_FIN_WAIT_2, HAWSER_CAUSE_ACK_OF_FIN},
        {HAWSER_FIN_WAIT_2, HAWSER_TIME_WAIT, HAWSER_CAUSE_FIN},
        {HAWSER_TIME_WAIT, HAWSER_CLOSED, HAWSER_CAUSE_TIMEOUT_2MSL},
    };
    for (int keep = 0; keep < 2;
         keep++) { /* the client's handle: closed at once, or kept to the end */
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.kind = HAWSER_LINK_IP});
        hawser_tcp listener = lan_listen(lan, 0, 80);
        lan_connect(lan, false, listener, 80, ends);
        assert_int_equal(
            keep ? hawser_shutdown(lan->host[1], ends[1]) : hawser_close(lan->host[1], ends[1]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[0], listener), 0);
        lan_run(lan, 61 * NS_PER_S);
        assert_steps(lan, 0, server, COUNT_OF(server));
        assert_steps(lan, 1, client, COUNT_OF(client));
        assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_ENTERED), 1);
        assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_EXPIRED), 1);
        lan_deinit(lan);
        free(lan);
    }
}

static void test_what_events_say(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    int mark;
    lan_init(lan, &(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp listener = lan_listen(lan, 0, 80), tcp;
    struct hawser_open_options options = {.remote = lan_end_of(0, false, 80), .user = &mark};
    assert_int_equal(hawser_open(lan->host[1], lan->now_ns, &options, &tcp), 0);
    lan_settle(lan);
    const struct hawser_trace_event *syn = NULL;
    unsigned with_handle = 0;
    for (uint32_t i = 0; i < lan->events_count; i++) {
        const struct hawser_trace_event *event = &lan->events[i];
        assert_int_equal(event->now_ns, lan->now_ns);
        if (event->kind == HAWSER_TRACE_SEGMENT_OUT && syn == NULL)
            syn = event;
        if (lan->event_host[i] == 1 && event->kind == HAWSER_TRACE_SEGMENT_OUT) {
            assert_true(event->tcp == tcp && event->user == &mark);
            with_handle++;
        }
    }
    assert_int_equal(with_handle, 2);
    assert_int_equal(syn->segment.flags, TCP_SYN);
    assert_int_equal(syn->segment.mss, 1460);
    assert_int_equal(syn->segment.wscale, 7);
    assert_true(syn->segment.sack_permitted && syn->segment.has_timestamps);
    assert_int_equal(syn->state, HAWSER_SYN_SENT);
    assert_int_equal(syn->remote.port, 80);
    (void)listener;
    lan_deinit(lan);
    free(lan);
}

static bool lose_everything(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    (void)lan;
    (void)from;
    (void)frame;
    (void)length;
    return false;
}

static void test_timers_and_repetitions(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.kind = HAWSER_LINK_IP});
    lan->filter = lose_everything;
    lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_run(lan, 4 * NS_PER_S);
    unsigned again = 0;
    for (uint32_t i = 0; i < lan->events_count; i++)
        again += lan->events[i].kind == HAWSER_TRACE_SEGMENT_OUT &&
                 lan->events[i].segment.retransmission;
    assert_int_equal(again, 2);
    assert_int_equal(lan_count_kind(lan, 1, HAWSER_TRACE_TIMER), 2);
    lan_deinit(lan);
    free(lan);
}

/* Watched or not, a host does the same. */
static void test_makes_no_difference(void **state)
{
    (void)state;
    struct hawser_counters counters[2];
    for (int deaf = 0; deaf < 2; deaf++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.deaf = deaf});
        lan_connect(lan, true, 0, 80, ends);
        for (unsigned i = 0; i < 20; i++) {
            assert_int_equal(hawser_send(lan->host[i & 1], ends[i & 1], "0123", 4, 0), 4);
            lan_run(lan, 30 * NS_PER_MS);
        }
        assert_int_equal(hawser_abort(lan->host[0], ends[0]), 0);
        lan_settle(lan);
        counters[deaf] = *hawser_counters_of(lan->host[1]);
        assert_int_equal(lan->events_count == 0, deaf);
        lan_deinit(lan);
        free(lan);
    }
    assert_memory_equal(&counters[0], &counters[1], sizeof counters[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_life),
        cmocka_unit_test(test_what_events_say),
        cmocka_unit_test(test_timers_and_repetitions),
        cmocka_unit_test(test_makes_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
