/* SPDX-License-Identifier: MIT */
/* Connections that fail: R1 and R2, user timeouts, opens that nobody answers
 * (RFC 9293 3.8.3, 3.10.8). Of timeouts.c and timers.c. */
#include "scenario/peer.h"

static void start(struct peer *p)
{
    peer_start(p, false, NULL);
    peer_accept(p, PEER_MSS);
}

static void user_timeout(struct peer *p, uint64_t ns)
{
    assert_int_equal(hawser_set_option(p->host, p->tcp, HAWSER_OPTION_USER_TIMEOUT_NS, ns), 0);
}

/* The connection is over with this error, told once, and holds nothing any more. */
static void check_over(struct peer *p, int error)
{
    struct hawser_usage usage;
    assert_int_equal(peer_info(p).state, HAWSER_CLOSED);
    assert_int_equal(peer_info(p).error, error);
    assert_int_equal(peer_events(p, p->tcp) & HAWSER_EVENT_ERROR, HAWSER_EVENT_ERROR);
    assert_int_equal(peer_tuple_state(p), HAWSER_CLOSED);
    assert_int_equal(hawser_send(p->host, p->tcp, "x", 1, 0), error);
    hawser_usage_of(p->host, &usage);
    assert_int_equal(usage.buffer_bytes, 0);
    peer_drop_out(p);
    peer_pass(p, 3600 * NS_PER_S);
    peer_quiet(p);
    assert_int_equal(peer_events(p, p->tcp), 0);
    assert_int_equal(hawser_close(p->host, p->tcp), 0);
    hawser_usage_of(p->host, &usage);
    assert_int_equal(usage.connections, 0);
}

/* EVIDENCE 9293-MUST-20 9293-SHLD-10 9293-SHLD-11 9293-MUST-47 9293-3.9.1.1x-1 */
static void advice_at_r1_and_the_end_at_r2(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 100);
    peer_out(&p, P | A, 1, 1, 100);
    uint64_t began = p.now_ns;
    for (int i = 1; i <= 15; i++) {
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, P | A, 1, 1, 100);
        uint32_t events = peer_events(&p, p.tcp);
        assert_int_equal(events, i == 3 ? HAWSER_EVENT_SOFT_ERROR : 0); /* R1, and only once */
        int soft = hawser_take_soft_error(p.host, p.tcp);
        assert_int_equal(soft, i == 3 ? HAWSER_ERR_EXCESSIVE_RETRANSMISSION : 0);
    }
    while (peer_state(&p) == HAWSER_ESTABLISHED)
        peer_pass(&p, NS_PER_S);
    assert_in_range(p.now_ns - began, 100 * NS_PER_S, 1200 * NS_PER_S); /* R2: 100 s at the least */
    assert_int_equal(hawser_counters_of(p.host)->timeouts_user, 1);
    check_over(&p, HAWSER_ERR_TIMED_OUT);
    peer_end(&p);
}

/* After progress the count begins anew, and the advice with it.
 * EVIDENCE 9293-MUST-20 */
static void progress_starts_r1_anew(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    for (uint32_t round = 0; round < 3; round++) {
        peer_write(&p, 10);
        peer_out(&p, P | A, 1 + 10 * round, 1, 10);
        peer_events(&p, p.tcp);
        for (int i = 1; i <= 4; i++) {
            peer_pass_until_out(&p, 200 * NS_PER_S);
            peer_out(&p, P | A, 1 + 10 * round, 1, 10);
            assert_int_equal(peer_events(&p, p.tcp), i == 3 ? HAWSER_EVENT_SOFT_ERROR : 0);
        }
        assert_int_equal(peer_info(&p).backoff_count, 4);
        peer_in(&p, A, 1, 11 + 10 * round, 0);
        assert_int_equal(peer_info(&p).backoff_count, 0);
    }
    peer_end(&p);
}

static void few_retries(struct hawser_config *config)
{
    config->retries1 = 5;
    config->retries2 = 6;
    config->syn_retries = 2;
}

/* EVIDENCE 9293-3.9.1.1x-1 9293-MUST-20 */
static void r1_and_r2_are_configured(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, few_retries);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 100);
    peer_out(&p, P | A, 1, 1, 100);
    for (int i = 1; i <= 6; i++) {
        peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, P | A, 1, 1, 100);
        assert_int_equal(peer_info(&p).soft_error != 0, i >= 5);
    }
    peer_pass(&p, 100 * NS_PER_S);
    peer_quiet(&p);
    check_over(&p, HAWSER_ERR_TIMED_OUT);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-22 9293-MUST-23 */
static void an_open_that_nobody_answers(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    uint64_t began = p.now_ns, last = 0;
    unsigned repeated = 0;
    while (p.now_ns - began < 180 * NS_PER_S) {
        uint64_t waited = peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, S, 0, 0, 0);
        assert_true(waited == (last == 0 ? NS_PER_S : 2 * last) || waited == 120 * NS_PER_S);
        last = waited;
        repeated++;
        uint32_t events = peer_events(&p, p.tcp);
        assert_int_equal(events, repeated == 3 ? HAWSER_EVENT_SOFT_ERROR : 0);
        assert_int_equal(peer_state(&p), HAWSER_SYN_SENT); /* at 180 s too */
        if (p.now_ns - began + 2 * last > 180 * NS_PER_S)
            break;
    }
    peer_pass(&p, began + 180 * NS_PER_S - p.now_ns);
    assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
    peer_pass(&p, 120 * NS_PER_S);
    assert_int_equal(hawser_counters_of(p.host)->opens_failed, 1);
    check_over(&p, HAWSER_ERR_TIMED_OUT);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-22 */
static void syn_retries_are_configured(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, few_retries);
    peer_open(&p);
    peer_pass(&p, 100 * NS_PER_S);
    for (int i = 0; i < 3; i++)
        peer_out(&p, S, 0, 0, 0);
    peer_quiet(&p);
    check_over(&p, HAWSER_ERR_TIMED_OUT);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-21 */
static void r2_of_each_connection(void **state)
{
    (void)state;
    static const uint64_t timeouts[] = {10, 300, 3000};
    struct peer p;
    hawser_tcp tcp[4];
    peer_start(&p, false, NULL);
    for (unsigned i = 0; i < 4; i++) {
        peer_accept(&p, PEER_MSS);
        user_timeout(&p, i < 3 ? timeouts[i] * NS_PER_S : UINT64_MAX);
        tcp[i] = p.tcp;
        p.peer_port++;
    }
    for (unsigned i = 0; i < 4; i++) {
        p.tcp = tcp[i];
        p.written = 0;
        peer_write(&p, 100);
    }
    uint64_t began = p.now_ns;
    for (unsigned i = 0; i < 3; i++) {
        p.tcp = tcp[i];
        peer_pass(&p, began + timeouts[i] * NS_PER_S - p.now_ns - NS_PER_MS);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_pass(&p, 2 * NS_PER_MS);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
    }
    p.tcp = tcp[3];
    peer_drop_out(&p);
    peer_pass(&p, 24 * 3600 * NS_PER_S); /* for ever: still trying after a day */
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    assert_in_range(peer_pending(&p), 24 * 3600 / 120 - 1, 24 * 3600 / 120 + 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-21 */
static void the_user_timeout_counts_from_the_last_progress(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    user_timeout(&p, 10 * NS_PER_S);
    peer_write(&p, 100);
    for (uint32_t i = 1; i <= 20; i++) {
        peer_pass(&p, 9 * NS_PER_S);
        peer_in(&p, A, 1, 1 + i, 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    }
    peer_in(&p, A, 1, 101, 0);
    peer_pass(&p, 3600 * NS_PER_S); /* nothing is outstanding: nothing times out */
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_drop_out(&p);
    peer_end(&p);
}

static void reach_with_text_outstanding(struct peer *p, enum hawser_state state)
{
    peer_start(p, false, NULL);
    if (state == HAWSER_SYN_SENT || state == HAWSER_SYN_RECEIVED) {
        peer_open(p);
        if (state == HAWSER_SYN_RECEIVED) {
            struct segment syn = peer_syn_options(p, PEER_MSS);
            peer_inject(p, &syn);
        }
        user_timeout(p, 20 * NS_PER_S); /* counts from the next SYN */
        peer_write(p, 100);
        return;
    }
    peer_accept(p, PEER_MSS);
    user_timeout(p, 20 * NS_PER_S);
    if (state == HAWSER_CLOSE_WAIT || state == HAWSER_LAST_ACK)
        peer_in(p, F | A, 1, 1, 0);
    peer_write(p, 100);
    if (state == HAWSER_FIN_WAIT_1 || state == HAWSER_CLOSING || state == HAWSER_LAST_ACK)
        assert_int_equal(hawser_shutdown(p->host, p->tcp), 0);
    if (state == HAWSER_CLOSING)
        peer_in(p, F | A, 1, 1, 0);
}

/* EVIDENCE 9293-3.10.8-1 */
static void the_user_timeout_in_every_state(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {
        HAWSER_SYN_SENT,   HAWSER_SYN_RECEIVED, HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1,
        HAWSER_CLOSE_WAIT, HAWSER_CLOSING,      HAWSER_LAST_ACK,
    };
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        reach_with_text_outstanding(&p, states[i]);
        assert_int_equal(peer_state(&p), states[i]);
        assert_int_equal(peer_info(&p).send_queue_bytes, 100);
        peer_pass(&p, 19 * NS_PER_S);
        assert_int_equal(peer_state(&p), states[i]);
        peer_pass(&p, 2 * NS_PER_S);
        assert_int_equal(hawser_counters_of(p.host)->timeouts_user, 1);
        check_over(&p, HAWSER_ERR_TIMED_OUT);
        peer_end(&p);
    }
}

/* Text that waits before a shut window waits for the peer, not for the network, as long as the peer
 * answers; and no longer.
 * EVIDENCE 9293-MUST-21 9293-MUST-37 */
static void the_user_timeout_and_a_shut_window(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct peer p;
        start(&p);
        if (early)
            user_timeout(&p, 10 * NS_PER_S);
        peer_in_wnd(&p, A, 1, 1, 0, 0);
        peer_write(&p, 100);
        if (!early) /* while it waits already */
            user_timeout(&p, 10 * NS_PER_S);
        for (int i = 0; i < 30; i++) {
            peer_pass_until_out(&p, 200 * NS_PER_S);
            peer_out(&p, A, 0, 1, 0);
            peer_in_wnd(&p, A, 1, 1, 0, 0);
        }
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_pass(&p, 131 * NS_PER_S); /* the next probe, and 10 s more */
        check_over(&p, HAWSER_ERR_TIMED_OUT);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-SHLD-17 */
static void what_lies_beyond_a_shrunken_edge(void **state)
{
    (void)state;
    for (int with_timeout = 0; with_timeout < 2; with_timeout++) {
        struct peer p;
        start(&p);
        if (with_timeout)
            user_timeout(&p, 60 * NS_PER_S);
        peer_write(&p, 10 * 1460);
        peer_drop_out(&p);
        peer_in_wnd(&p, A, 1, 1461, 0, 0); /* the edge is drawn back over all the rest */
        uint64_t began = p.now_ns;
        while (p.now_ns - began < 5000 * NS_PER_S) {
            peer_pass_until_out(&p, 200 * NS_PER_S);
            peer_out(&p, A, 1461, 1, 1460);
            peer_in_wnd(&p, A, 1, 1461, 0, 0);
        }
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_in(&p, A, 1, 1 + p.written, 0);
        assert_int_equal(peer_info(&p).send_queue_bytes, 0);
        peer_end(&p);
    }
}

/* A connection whose program is gone is not kept for long, whatever its program had asked for. */
static void an_orphan_ends(void **state)
{
    (void)state;
    static const uint64_t timeouts[] = {0, 5 * NS_PER_S, UINT64_MAX};
    for (unsigned i = 0; i < COUNT_OF(timeouts); i++) {
        struct peer p;
        struct hawser_usage usage;
        start(&p);
        user_timeout(&p, timeouts[i]);
        peer_write(&p, 100);
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        peer_pass(&p, 30 * NS_PER_S); /* what was queued gets its chance */
        assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_1);
        peer_pass(&p, 100 * NS_PER_S);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        assert_int_equal(peer_pending(&p), 10); /* text, FIN, and eight times again */
        hawser_usage_of(p.host, &usage);
        assert_int_equal(usage.connections, 0);
        assert_int_equal(usage.buffer_bytes, 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_at_r1_and_the_end_at_r2),
        cmocka_unit_test(progress_starts_r1_anew),
        cmocka_unit_test(r1_and_r2_are_configured),
        cmocka_unit_test(an_open_that_nobody_answers),
        cmocka_unit_test(syn_retries_are_configured),
        cmocka_unit_test(r2_of_each_connection),
        cmocka_unit_test(the_user_timeout_counts_from_the_last_progress),
        cmocka_unit_test(the_user_timeout_in_every_state),
        cmocka_unit_test(the_user_timeout_and_a_shut_window),
        cmocka_unit_test(what_lies_beyond_a_shrunken_edge),
        cmocka_unit_test(an_orphan_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
