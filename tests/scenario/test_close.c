/* SPDX-License-Identifier: MIT */
/* Closing: normal, simultaneous, half, both at once, and TIME-WAIT (RFC 9293 3.6, Figures 12 and
 * 13). Of the CLOSE in user_calls.c. */
#include "scenario/peer.h"

/* EVIDENCE 9293-FIG5-12 9293-FIG5-14 9293-FIG5-17 9293-FIG5-21 9293-MUST-13 9293-3.10.7.4h-5
 * 9293-3.10.8-3 */
static void active_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, A, 1, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_pass(&p, 60 * NS_PER_S - NS_PER_MS);
    assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
    peer_pass(&p, 2 * NS_PER_MS);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_quiet(&p); /* no other timer had anything to say */
    peer_end(&p);
}

/* EVIDENCE 9293-FIG5-13 9293-FIG5-19 9293-FIG5-20 9293-3.6-3 9293-3.10.4-6 9293-3.10.7.4e-11
 * 9293-3.10.7.4h-2 9293-3.10.7.4h-3 9293-MUST-12 */
static void passive_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_in(&p, P | A, 1, 1, 10);
    peer_in(&p, F | A, 11, 1, 0);
    peer_out(&p, A, 1, 12, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED);
    peer_read(&p, 10);
    peer_read_gives(&p, 0);
    peer_read_gives(&p, 0);
    peer_pass(&p, 5 * 3600 * NS_PER_S); /* for hours, nothing by itself */
    assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
    peer_quiet(&p);
    peer_write(&p, 7); /* writing still works */
    peer_out(&p, P | A, 1, 12, 7);
    peer_in(&p, A, 12, 8, 0);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_LAST_ACK);
    peer_out(&p, F | A, 8, 12, 0);
    peer_in(&p, A, 12, 9, 0);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_accept(&p, PEER_ALL); /* the 4-tuple is free at once */
    peer_end(&p);
}

/* EVIDENCE 9293-FIG5-15 9293-FIG5-18 9293-3.6-5 9293-3.10.7.4e-10 9293-3.10.7.4h-4 */
static void simultaneous_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, NULL);
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, F | A, 1, 1, 0); /* crosses ours */
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSING);
    peer_in(&p, A, 2, 1, 0); /* acknowledges nothing of ours yet */
    assert_int_equal(peer_state(&p), HAWSER_CLOSING);
    peer_in(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_quiet(&p);
    assert_int_equal(hawser_counters_of(p.host)->closes_simultaneous, 1);
    peer_end(&p);
}

/* EVIDENCE 9293-3.6-6 9293-3.4-7 */
static void simultaneous_close_with_an_ack_lost(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_to_state(&p, HAWSER_CLOSING); /* our ACK of its FIN is lost, it says FIN again */
    peer_in(&p, F | A, 1, 1, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSING);
    /* once more, now with the ACK of ours; out of the window, so it is answered and dropped */
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    peer_in(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-FIG5-16 9293-3.10.7.4e-8 */
static void fin_that_acknowledges_ours(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_to_state(&p, HAWSER_FIN_WAIT_1);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_end(&p);
}

/* EVIDENCE 9293-3.6-2 9293-MAY-1 9293-3.10.7.4g-1 9293-3.10.2-4 9293-3.10.4-5 9293-3.10.4-7 */
static void half_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_to_state(&p, HAWSER_FIN_WAIT_2);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_CLOSING);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), HAWSER_ERR_CLOSING);
    peer_pass(&p, 24 * 3600 * NS_PER_S); /* no hidden timer */
    peer_quiet(&p);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
    for (uint32_t i = 0; i < 10; i++) {
        peer_in(&p, P | A, 1 + i * 100, 2, 100);
        peer_pass(&p, 50 * NS_PER_MS);
        peer_out(&p, A, 2, 101 + i * 100, 0);
    }
    peer_read(&p, 1000);
    peer_in(&p, F | A, 1001, 2, 0);
    peer_out(&p, A, 2, 1002, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_read_gives(&p, 0);
    peer_end(&p);
}

/* A second CLOSE is told that it is one, and nothing leaves for it: neither while the FIN is under
 * way nor after it was acknowledged. EVIDENCE 9293-3.10.4-5 */
static void a_second_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    for (unsigned acknowledged = 0; acknowledged < 2; acknowledged++) {
        if (acknowledged)
            peer_in(&p, A, 1, 2, 0);
        assert_int_equal(peer_state(&p), acknowledged ? HAWSER_FIN_WAIT_2 : HAWSER_FIN_WAIT_1);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), HAWSER_ERR_CLOSING);
        peer_pass(&p, 10 * NS_PER_MS); /* well before the first RTO */
        peer_quiet(&p);
    }
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    peer_end(&p);
}

/* What TIME-WAIT held is free when it is over: the same local end can be opened without
 * reuse_address. EVIDENCE 9293-3.10.8-3 */
static void the_end_of_time_wait_frees_the_port(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_connect(&p, PEER_ALL);
    peer_to_state(&p, HAWSER_TIME_WAIT);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    const struct hawser_open_options again = {.local.port = p.host_port,
                                              .remote = {p.peer_address, p.peer_port}};
    hawser_tcp tcp;
    peer_pass(&p, 59 * NS_PER_S);
    assert_int_equal(hawser_open(p.host, p.now_ns, &again, &tcp), HAWSER_ERR_ADDRESS_IN_USE);
    peer_pass(&p, 2 * NS_PER_S);
    assert_int_equal(hawser_open(p.host, p.now_ns, &again, &tcp), 0);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.4-4 9293-3.6-1 */
static void close_waits_for_what_is_queued(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_write(&p, 40 * 1448);
    for (uint32_t i = 0; i < 10; i++)
        peer_out(&p, A, 1 + i * 1448, 1, 1448);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1); /* at once */
    peer_quiet(&p);
    uint32_t sent = 10;
    for (uint32_t acked = 1; acked <= 40; acked++) {
        peer_in(&p, A, 1, 1 + acked * 1448, 0);
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            assert_int_equal(s->seg.text_len, 1448);
            sent++;
            /* with the last octet, not before */
            assert_int_equal((s->seg.flags & F) != 0, sent == 40);
        }
    }
    assert_int_equal(sent, 40);
    peer_in(&p, A, 1, 2 + 40 * 1448, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_SENT);
    peer_end(&p);
}

/* CLOSE in SYN-RECEIVED goes past ESTABLISHED; what an open promises to tell comes all the same. */
static void connected_after_an_early_close(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1);
    peer_pull(&p);
    peer_drop_out(&p);
    assert_false(peer_events(&p, p.tcp) & HAWSER_EVENT_CONNECTED);
    peer_in(&p, A, 1, 1, 0);
    peer_pull(&p);
    peer_drop_out(&p);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_CONNECTED);
    peer_in(&p, P | A, 1, 1, 100);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_READABLE);
    peer_read(&p, 100);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.6-7 */
static void fin_out_of_order_waits(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_in(&p, F | P | A, 101, 1, 100);
    peer_out(&p, A, 1, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_read_gives(&p, HAWSER_ERR_AGAIN);
    peer_in(&p, A, 1, 1, 100);
    peer_out(&p, A, 1, 202, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
    peer_read(&p, 200);
    peer_read_gives(&p, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.4h-6 9293-3.10.7.4a-7 9293-3.10.7.4g-3 */
static void fin_again_and_text_behind_it(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_CLOSE_WAIT, HAWSER_CLOSING, HAWSER_LAST_ACK};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_ALL);
        peer_to_state(&p, states[i]);
        uint32_t us = states[i] == HAWSER_CLOSE_WAIT ? 1 : 2;
        peer_in(&p, F | A, 1, 1, 0);
        peer_out(&p, A, us, 2, 0);
        peer_in(&p, P | A, 2, 1, 10); /* behind its own FIN: not to be had */
        peer_out(&p, A, us, 2, 0);
        assert_int_equal(peer_state(&p), states[i]);
        peer_read_gives(&p, 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.6-4 9293-3.10.8-2 6298-11 */
static void fin_is_sent_again_until_it_is_given_up(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    uint64_t last = 0;
    for (int i = 0; i < 15; i++) {
        uint64_t waited = peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, F | A, 1, 1, 0);
        if (last != 0 && last < 60 * NS_PER_S)
            assert_true(waited >= 2 * last - NS_PER_MS && waited <= 2 * last + NS_PER_MS);
        last = waited;
    }
    peer_pass(&p, 200 * NS_PER_S);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_end(&p);
}

/* EVIDENCE 9293-SHLD-3 9293-3.10.7.4g-5 */
static void close_with_unread_text_resets(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_in(&p, P | A, 1, 1, 10);
    peer_pass(&p, 100 * NS_PER_MS);
    peer_out(&p, A, 1, 11, 0);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_out_rst(&p, R | A, seq_add(p.host_isn, 1), seq_add(p.peer_isn, 11));
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_quiet(&p);
    /* Text that comes after close() is reset too; after shutdown() it is read. */
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, A, 1, 2, 0);
    assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_2);
    peer_in(&p, P | A, 1, 2, 10);
    const struct peer_segment *s = peer_next(&p);
    assert_int_equal(s->seg.flags & R, R);
    assert_int_equal(s->seg.seq.v, p.host_isn.v + 2);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_end(&p);
}

/* The same while our FIN is under way, and when the text brings its acknowledgement.
 * EVIDENCE 9293-SHLD-3 9293-3.10.7.4g-5 */
static void text_in_fin_wait_1_after_close_resets(void **state)
{
    (void)state;
    for (uint32_t ack = 1; ack <= 2; ack++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_ALL);
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        peer_out(&p, F | A, 1, 1, 0);
        assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_1);
        peer_in(&p, P | A, 1, ack, 10);
        const struct peer_segment *s = peer_next(&p);
        assert_int_equal(s->seg.flags & R, R);
        assert_int_equal(s->seg.seq.v, p.host_isn.v + 2);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        peer_quiet(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.10.7.4e-9 */
static void fin_wait_2_of_a_closed_connection_ends(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, A, 1, 2, 0);
    assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_2);
    peer_pass(&p, 60 * NS_PER_S - 2 * NS_PER_MS);
    assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_2);
    peer_pass(&p, 4 * NS_PER_MS);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_in(&p, F | A, 1, 2, 0); /* the peer's FIN comes too late */
    peer_out_rst(&p, R, seq_add(p.host_isn, 2), seq_of(0));
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.4e-12 9293-3.10.7.4h-7 1337-01 1337-02 */
static void time_wait_answers_and_restarts(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_to_state(&p, HAWSER_TIME_WAIT);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_pass(&p, 30 * NS_PER_S);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    peer_pass(&p, 59 * NS_PER_S);
    assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
    peer_in(&p, P | A, 1, 1, 5); /* an old duplicate: answered, no restart */
    peer_out(&p, A, 2, 2, 0);
    peer_in(&p, R, 2, 0, 0); /* assassination */
    peer_quiet(&p);
    assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
    assert_int_equal(hawser_counters_of(p.host)->timewait_resets_ignored, 1);
    peer_pass(&p, NS_PER_S + 2 * NS_PER_MS);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_close),
        cmocka_unit_test(passive_close),
        cmocka_unit_test(simultaneous_close),
        cmocka_unit_test(simultaneous_close_with_an_ack_lost),
        cmocka_unit_test(fin_that_acknowledges_ours),
        cmocka_unit_test(half_close),
        cmocka_unit_test(a_second_close),
        cmocka_unit_test(the_end_of_time_wait_frees_the_port),
        cmocka_unit_test(close_waits_for_what_is_queued),
        cmocka_unit_test(connected_after_an_early_close),
        cmocka_unit_test(fin_out_of_order_waits),
        cmocka_unit_test(fin_again_and_text_behind_it),
        cmocka_unit_test(fin_is_sent_again_until_it_is_given_up),
        cmocka_unit_test(close_with_unread_text_resets),
        cmocka_unit_test(text_in_fin_wait_1_after_close_resets),
        cmocka_unit_test(fin_wait_2_of_a_closed_connection_ends),
        cmocka_unit_test(time_wait_answers_and_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
