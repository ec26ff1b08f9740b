/* SPDX-License-Identifier: MIT */
/* Keep-alives, ours and the peer's (RFC 9293 3.8.4, RFC 1122 4.2.3.6). */
#include "scenario/peer.h"

#define IDLE_S 30u
#define INTERVAL_S 10u
#define PROBES 4u

static void set(struct peer *p, hawser_tcp tcp, enum hawser_option option, uint64_t value)
{
    assert_int_equal(hawser_set_option(p->host, tcp, option, value), 0);
}

static void switch_on(struct peer *p)
{
    set(p, p->tcp, HAWSER_OPTION_KEEPALIVE_IDLE_NS, IDLE_S * NS_PER_S);
    set(p, p->tcp, HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, INTERVAL_S * NS_PER_S);
    set(p, p->tcp, HAWSER_OPTION_KEEPALIVE_PROBES, PROBES);
    set(p, p->tcp, HAWSER_OPTION_KEEPALIVE, 1);
    peer_quiet(p);
}

static void start(struct peer *p, bool v6)
{
    peer_start(p, v6, NULL);
    peer_accept(p, PEER_MSS);
    switch_on(p);
}

/* EVIDENCE 9293-MUST-25 */
static void off_unless_asked_for(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    assert_false(peer_info(&p).keepalive);
    peer_pass(&p, 3 * 3600 * NS_PER_S);
    peer_quiet(&p);
    assert_int_equal(hawser_counters_of(p.host)->keepalives, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MAY-5 9293-MUST-24 */
static void each_connection_for_itself(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    hawser_tcp first = p.tcp;
    switch_on(&p);
    p.peer_port++;
    peer_accept(&p, PEER_MSS);
    peer_pass(&p, 2 * IDLE_S * NS_PER_S - 35 * NS_PER_S); /* 25 s */
    peer_quiet(&p);
    peer_pass(&p, 5 * NS_PER_S);
    const struct peer_segment *probe = peer_next(&p);
    assert_int_equal(probe->seg.dst_port, PEER_PORT);
    peer_quiet(&p);
    /* Switched off again while a probe is out: no more of them, and no end. */
    set(&p, first, HAWSER_OPTION_KEEPALIVE, 0);
    peer_pass(&p, 3600 * NS_PER_S);
    peer_quiet(&p);
    p.tcp = first;
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    /* And on again: it begins anew, with all its probes. */
    set(&p, first, HAWSER_OPTION_KEEPALIVE, 1);
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t waited = peer_pass_until_out(&p, 100 * NS_PER_S);
        assert_int_equal(waited, (i == 0 ? IDLE_S : INTERVAL_S) * NS_PER_S);
        peer_next(&p);
    }
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-27 9293-SHLD-12 9293-MAY-5 */
static void a_probe_after_the_idle_time(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct peer p;
        start(&p, v6);
        peer_write(&p, 10);
        peer_out(&p, P | A, 1, 1, 10);
        peer_in(&p, A, 1, 11, 0);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), IDLE_S * NS_PER_S);
            peer_out(&p, A, 10, 1, 0); /* SEG.SEQ = SND.NXT - 1, no text */
            peer_in(&p, A, 1, 11, 0);
        }
        set(&p, p.tcp, HAWSER_OPTION_KEEPALIVE_IDLE_NS, 5 * NS_PER_S);
        assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), 5 * NS_PER_S);
        peer_out(&p, A, 10, 1, 0);
        assert_int_equal(hawser_counters_of(p.host)->keepalives, 6);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-26 */
static void not_while_something_is_heard(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    for (uint32_t i = 0; i < 20; i++) { /* text, or only ACKs, every 29 s */
        peer_pass(&p, (IDLE_S - 1) * NS_PER_S);
        peer_in(&p, A, i < 10 ? 1 + i : 11, 1, i < 10 ? 1 : 0);
        peer_pass(&p, 100 * NS_PER_MS);
        if (i < 10)
            peer_out(&p, A, 1, 2 + i, 0);
        peer_quiet(&p);
    }
    assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), IDLE_S * NS_PER_S - 100 * NS_PER_MS);
    peer_out(&p, A, 0, 11, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-26 */
static void not_while_text_is_outstanding(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    peer_pass(&p, 20 * NS_PER_S);
    peer_write(&p, 10);
    peer_out(&p, P | A, 1, 1, 10);
    uint64_t until = p.now_ns + 50 * NS_PER_S;
    while (p.now_ns < until) { /* retransmissions, which have a text, and nothing else */
        peer_pass_until_out(&p, 60 * NS_PER_S);
        peer_out(&p, P | A, 1, 1, 10);
    }
    assert_int_equal(hawser_counters_of(p.host)->keepalives, 0);
    peer_in(&p, A, 1, 11, 0);
    uint64_t quiet = peer_pass_until_out(&p, 100 * NS_PER_S); /* to the millisecond */
    assert_in_range(quiet, IDLE_S * NS_PER_S - NS_PER_MS, IDLE_S * NS_PER_S + NS_PER_MS);
    peer_out(&p, A, 10, 1, 0);
    /* Nor while it waits before a shut window: then it is the window that is asked for. */
    peer_in_wnd(&p, A, 1, 11, 0, 0);
    peer_write(&p, 10);
    for (int i = 0; i < 10; i++) {
        peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, A, 10, 1, 0);
        peer_in_wnd(&p, A, 1, 11, 0, 0);
    }
    assert_int_equal(hawser_counters_of(p.host)->keepalives, 1);
    assert_int_equal(hawser_counters_of(p.host)->window_probes, 10);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-29 */
static void one_lost_probe_says_nothing(void **state)
{
    (void)state;
    for (unsigned lost = 1; lost < PROBES; lost++) {
        struct peer p;
        start(&p, false);
        for (int round = 0; round < 3; round++) {
            for (unsigned i = 0; i <= lost; i++) {
                uint64_t waited = peer_pass_until_out(&p, 100 * NS_PER_S);
                assert_int_equal(waited, (i == 0 ? IDLE_S : INTERVAL_S) * NS_PER_S);
                peer_out(&p, A, 0, 1, 0);
            }
            peer_in(&p, A, 1, 1, 0); /* the last of them is answered */
            assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        }
        peer_end(&p);
    }
}

/* All of them unanswered: the connection is dead, and its program is told so. */
static void nobody_answers(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    for (unsigned i = 0; i < PROBES; i++) {
        peer_pass_until_out(&p, 100 * NS_PER_S);
        peer_out(&p, A, 0, 1, 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    }
    peer_events(&p, p.tcp);
    peer_pass(&p, INTERVAL_S * NS_PER_S);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_ERROR);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_end(&p);
}

/* A peer that was away and came back as somebody else says so to the first probe. */
static void a_reset_answers(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    peer_pass_until_out(&p, 100 * NS_PER_S);
    peer_out(&p, A, 0, 1, 0);
    peer_in(&p, R, 1, 0, 0);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
    peer_end(&p);
}

/* Half-closed and waiting for the rest: the probes tell whether anything can still come. */
static void in_other_states(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_FIN_WAIT_2, HAWSER_CLOSE_WAIT};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        peer_to_state(&p, states[i]);
        switch_on(&p);
        uint32_t us = states[i] == HAWSER_FIN_WAIT_2 ? 2 : 1;
        for (unsigned k = 0; k < PROBES; k++) {
            peer_pass_until_out(&p, 100 * NS_PER_S);
            peer_out(&p, A, us - 1, states[i] == HAWSER_CLOSE_WAIT ? 2 : 1, 0);
        }
        peer_pass(&p, INTERVAL_S * NS_PER_S);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
        peer_end(&p);
    }
}

/* EVIDENCE 1122-09 9293-MAY-6 */
static void probes_of_the_peer_are_answered(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct peer p;
        peer_start(&p, v6, NULL);
        peer_accept(&p, PEER_MSS);
        peer_in(&p, P | A, 1, 1, 10);
        peer_read(&p, 10);
        peer_pass(&p, NS_PER_S);
        peer_drop_out(&p);
        peer_events(&p, p.tcp);
        for (int i = 0; i < 50; i++) { /* for years */
            uint8_t garbage = 0x55;
            struct segment seg = {.flags = A, .seq = seq_add(p.peer_isn, 10), .wnd = 65535};
            seg.ack = seq_add(p.host_isn, 1);
            seg.text = &garbage;
            seg.text_len = i & 1;
            peer_inject(&p, &seg);
            peer_out(&p, A, 1, 11, 0);
            peer_quiet(&p);
            peer_pass(&p, 75 * NS_PER_S);
        }
        assert_int_equal(peer_events(&p, p.tcp), 0);
        peer_read_gives(&p, HAWSER_ERR_AGAIN);
        assert_int_equal(peer_info(&p).bytes_received, 10);
        peer_end(&p);
    }
}

static void short_idle(struct hawser_config *config)
{
    config->keepalive_idle_ns = 12 * NS_PER_S;
    config->keepalive_interval_ns = 3 * NS_PER_S;
    config->keepalive_probes = 2;
}

/* EVIDENCE 9293-MUST-27 9293-MUST-28 */
static void defaults_from_the_configuration(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, short_idle);
    peer_connect(&p, PEER_MSS);
    set(&p, p.tcp, HAWSER_OPTION_KEEPALIVE, 1);
    assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), 12 * NS_PER_S);
    peer_out(&p, A, 0, 1, 0);
    assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), 3 * NS_PER_S);
    peer_out(&p, A, 0, 1, 0);
    peer_pass(&p, 3 * NS_PER_S);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
    peer_end(&p);
    peer_start(&p, false, NULL); /* no less than two hours unless somebody says so */
    peer_listen(&p, 1);
    set(&p, p.listener, HAWSER_OPTION_KEEPALIVE, 1);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(peer_pass_until_out(&p, 8000 * NS_PER_S), 7200 * NS_PER_S);
    peer_out(&p, A, 0, 1, 0);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_unless_asked_for),
        cmocka_unit_test(each_connection_for_itself),
        cmocka_unit_test(a_probe_after_the_idle_time),
        cmocka_unit_test(not_while_something_is_heard),
        cmocka_unit_test(not_while_text_is_outstanding),
        cmocka_unit_test(one_lost_probe_says_nothing),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(a_reset_answers),
        cmocka_unit_test(in_other_states),
        cmocka_unit_test(probes_of_the_peer_are_answered),
        cmocka_unit_test(defaults_from_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
