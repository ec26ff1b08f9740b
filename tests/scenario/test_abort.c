/* SPDX-License-Identifier: MIT */
/* CLOSE and ABORT in every state, and resets that arrive (RFC 9293 3.10.4, 3.10.5, 3.5.3). */
#include "scenario/peer.h"

#define MSS 1460u

/* To a state with a handle, its numbers 1 and 1 behind the handshake. */
static void reach(struct peer *p, enum hawser_state state)
{
    peer_start(p, false, NULL);
    if (state != HAWSER_SYN_SENT && state != HAWSER_SYN_RECEIVED) {
        peer_accept(p, PEER_MSS);
        peer_to_state(p, state);
        return;
    }
    peer_open(p);
    peer_out(p, S, 0, 0, 0);
    if (state == HAWSER_SYN_RECEIVED) { /* the SYNs cross */
        struct segment syn = peer_syn_options(p, PEER_MSS);
        peer_inject(p, &syn);
        peer_out(p, S | A, 0, 1, 0);
    }
    assert_int_equal(peer_state(p), state);
}

static void check_empty(struct peer *p)
{
    struct hawser_usage usage;
    hawser_usage_of(p->host, &usage);
    assert_int_equal(usage.connections, 0);
    assert_int_equal(usage.halfopens, 0);
    assert_int_equal(usage.timewaits, 0);
    assert_int_equal(usage.buffer_bytes, 0);
}

static void check_gone(struct peer *p)
{
    struct hawser_tcp_info info;
    char octet;
    assert_int_equal(hawser_status(p->host, p->now_ns, p->tcp, &info), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_send(p->host, p->tcp, "x", 1, 0), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_receive(p->host, p->tcp, &octet, 1), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_close(p->host, p->tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_abort(p->host, p->tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_shutdown(p->host, p->tcp), HAWSER_ERR_NO_CONNECTION);
    check_empty(p);
}

/* EVIDENCE 9293-FIG5-3 9293-3.10.4-1 9293-3.10.5-2 */
static void the_end_of_a_listener(void **state)
{
    (void)state;
    static int (*const calls[])(struct hawser_host *, hawser_tcp) = {hawser_shutdown, hawser_close,
                                                                     hawser_abort};
    for (unsigned i = 0; i < COUNT_OF(calls); i++) {
        struct peer p;
        hawser_tcp out = 0;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        syn.src_port = 41000; /* half open, and stays so */
        peer_inject(&p, &syn);
        peer_next(&p);
        syn.src_port = 0; /* complete, and never accepted */
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener + (UINT64_C(1) << 32), &out),
                         HAWSER_ERR_NO_CONNECTION);
        assert_int_equal(calls[i](p.host, p.listener), 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &out), HAWSER_ERR_NO_CONNECTION);
        assert_int_equal(calls[i](p.host, p.listener), HAWSER_ERR_NO_CONNECTION);
        assert_int_equal(out, 0);
        const struct peer_segment *reset = /* its peer believed in it */
            peer_out_rst(&p, R | A, seq_add(p.host_isn, 1), seq_add(p.peer_isn, 1));
        assert_int_equal(reset->seg.dst_port, PEER_PORT);
        peer_quiet(&p);
        check_empty(&p);
        syn.seq = seq_add(syn.seq, 100);
        peer_inject(&p, &syn); /* nobody is there any more */
        peer_out_rst(&p, R | A, seq_of(0), seq_add(syn.seq, 1));
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.10.5-2 9293-FIG5-3 */
static void a_listener_ends_without_a_segment(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    assert_int_equal(hawser_abort(p.host, p.listener), 0);
    peer_quiet(&p);
    struct hawser_usage usage;
    hawser_usage_of(p.host, &usage);
    assert_int_equal(usage.listeners, 0);
    peer_listen(&p, 4); /* the port is free */
    peer_end(&p);
}

/* EVIDENCE 9293-FIG5-6 9293-3.10.4-2 */
static void close_in_syn_sent(void **state)
{
    (void)state;
    for (int calls = 0; calls < 2; calls++) {
        struct peer p;
        reach(&p, HAWSER_SYN_SENT);
        peer_write(&p, 100);
        if (calls == 0) {
            assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
            assert_int_equal(peer_state(&p), HAWSER_CLOSED);
            assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_ERROR);
            assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_CLOSING);
            peer_read_gives(&p, HAWSER_ERR_CLOSING);
            assert_int_equal(hawser_shutdown(p.host, p.tcp), HAWSER_ERR_CLOSING);
        }
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        check_gone(&p);
        peer_pass(&p, 300 * NS_PER_S);
        peer_quiet(&p); /* neither SYN nor FIN nor RST */
        struct segment late = peer_syn_options(&p, PEER_MSS);
        late.flags = S | A;
        late.ack = seq_add(p.host_isn, 1);
        peer_inject(&p, &late);
        peer_out_rst(&p, R, late.ack, seq_of(0));
        peer_end(&p);
    }
}

/* EVIDENCE 9293-FIG5-11 9293-3.10.4-3 */
static void close_in_syn_received(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_SYN_RECEIVED);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1);
    peer_quiet(&p); /* the SYN is not acknowledged yet */
    peer_in(&p, A, 1, 1, 0);
    peer_out(&p, F | A, 1, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1);
    peer_in(&p, A, 1, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_end(&p);
}

/* The peer's SYN-ACK crosses the CLOSE: its SYN is old, its ACK counts (Figure 7, line 6).
 * EVIDENCE 9293-FIG5-11 */
static void a_syn_ack_after_close_in_syn_received(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_SYN_RECEIVED);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &answer); /* a SYN again: our SYN-ACK again */
    peer_out(&p, S | A, 0, 1, 0);
    answer.flags = S | A;
    answer.ack = seq_add(p.host_isn, 1);
    peer_inject(&p, &answer);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.4-3 9293-FIG5-11 */
static void close_in_syn_received_with_text_queued(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_SYN_RECEIVED);
    peer_write(&p, MSS + 10);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_SYN_RECEIVED);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), HAWSER_ERR_CLOSING);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_CLOSING);
    peer_quiet(&p);
    peer_in(&p, A, 1, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_1);
    peer_out(&p, A, 1, 1, MSS);
    peer_out(&p, F | P | A, 1 + MSS, 1, 10);
    peer_in(&p, A, 1, 12 + MSS, 0);
    assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.5-1 */
static void abort_sends_a_reset(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_SYN_RECEIVED, HAWSER_ESTABLISHED,
                                               HAWSER_FIN_WAIT_1, HAWSER_FIN_WAIT_2,
                                               HAWSER_CLOSE_WAIT};
    for (unsigned i = 0; i < 2 * COUNT_OF(states); i++) {
        struct peer p;
        reach(&p, states[i / 2]);
        struct hawser_tcp_info info = peer_info(&p);
        if (i % 2 == 0) {
            assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        } else { /* SO_LINGER with 0 s */
            assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_LINGER_RESET, 1), 0);
            assert_int_equal(hawser_close(p.host, p.tcp), 0);
        }
        peer_out_rst(&p, R | A, seq_of(info.snd_nxt), seq_of(info.rcv_nxt));
        peer_quiet(&p); /* one, and no more */
        check_gone(&p);
        assert_int_equal(peer_events(&p, p.tcp), 0);
        assert_int_equal(hawser_counters_of(p.host)->resets_out, 1);
        peer_pass(&p, 3600 * NS_PER_S);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.10.5-1 */
static void abort_flushes_the_queues(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_ESTABLISHED);
    peer_in(&p, P | A, 1, 1, 500);    /* unread */
    peer_in(&p, P | A, 1001, 1, 500); /* out of order */
    peer_write(&p, 50 * MSS);         /* ten under way, forty waiting */
    peer_drop_out(&p);
    assert_int_equal(hawser_abort(p.host, p.tcp), 0);
    peer_out_rst(&p, R | A, seq_add(p.host_isn, 1 + 10 * MSS), seq_add(p.peer_isn, 501));
    check_gone(&p);
    peer_in(&p, A, 1001, 1 + MSS, 0); /* nobody knows it any more */
    peer_out_rst(&p, R, seq_add(p.host_isn, 1 + MSS), seq_of(0));
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.5-2 */
static void abort_in_syn_sent_says_nothing(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_SYN_SENT);
    peer_write(&p, 100);
    assert_int_equal(hawser_abort(p.host, p.tcp), 0);
    check_gone(&p);
    peer_pass(&p, 300 * NS_PER_S);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.5-3 */
static void abort_at_the_end_says_nothing(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_CLOSING, HAWSER_LAST_ACK, HAWSER_TIME_WAIT};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        reach(&p, states[i]);
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        check_gone(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        peer_pass(&p, 300 * NS_PER_S);
        peer_quiet(&p);
        peer_end(&p);
        reach(&p, states[i]);
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        peer_accept(&p, PEER_ALL); /* the tuple is free at once, for the same numbers even */
        peer_end(&p);
    }
}

/* What the program never read is lost, and the peer is told, in whatever state.
 * EVIDENCE 9293-SHLD-3 */
static void close_with_unread_text(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1,
                                               HAWSER_FIN_WAIT_2,  HAWSER_CLOSE_WAIT,
                                               HAWSER_CLOSING,     HAWSER_LAST_ACK};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        reach(&p, HAWSER_ESTABLISHED);
        peer_in(&p, P | A, 1, 1, 10);
        p.read = 10; /* by nobody */
        peer_pass(&p, NS_PER_S);
        peer_drop_out(&p);
        peer_to_state(&p, states[i]);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        peer_out_rst(&p, R | A, seq_of(info.snd_nxt), seq_of(info.rcv_nxt));
        check_gone(&p);
        peer_end(&p);
    }
}

static void check_reset(enum hawser_state at, enum hawser_state then, int error)
{
    struct peer p;
    reach(&p, at);
    struct hawser_tcp_info info = peer_info(&p);
    struct segment reset = {.flags = R, .seq = seq_of(info.rcv_nxt)};
    if (at == HAWSER_SYN_SENT) { /* only its ACK makes it credible */
        reset.flags = R | A;
        reset.ack = seq_of(info.snd_nxt);
    }
    peer_events(&p, p.tcp);
    peer_inject(&p, &reset);
    peer_quiet(&p);
    assert_int_equal(peer_tuple_state(&p), then);
    assert_int_equal(peer_state(&p), then);
    assert_int_equal(peer_info(&p).error, error);
    assert_int_equal(peer_events(&p, p.tcp), error != 0 ? HAWSER_EVENT_ERROR : 0);
    peer_end(&p);
}

/* EVIDENCE 9293-FIG5-23 */
static void a_reset_in_every_state(void **state)
{
    (void)state;
    check_reset(HAWSER_SYN_SENT, HAWSER_CLOSED, HAWSER_ERR_REFUSED);
    check_reset(HAWSER_SYN_RECEIVED, HAWSER_CLOSED, HAWSER_ERR_REFUSED);
    check_reset(HAWSER_ESTABLISHED, HAWSER_CLOSED, HAWSER_ERR_RESET);
    check_reset(HAWSER_FIN_WAIT_1, HAWSER_CLOSED, HAWSER_ERR_RESET);
    check_reset(HAWSER_FIN_WAIT_2, HAWSER_CLOSED, HAWSER_ERR_RESET);
    check_reset(HAWSER_CLOSE_WAIT, HAWSER_CLOSED, HAWSER_ERR_RESET);
    check_reset(HAWSER_CLOSING, HAWSER_CLOSED, 0);
    check_reset(HAWSER_LAST_ACK, HAWSER_CLOSED, 0);
    check_reset(HAWSER_TIME_WAIT, HAWSER_TIME_WAIT, 0); /* RFC 1337 */
}

static void assassins(struct hawser_config *config)
{
    config->rfc1337 = false;
}

/* EVIDENCE 9293-FIG5-23 9293-3.10.7.4b-7 */
static void a_reset_in_time_wait_without_rfc_1337(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, assassins);
    peer_accept(&p, PEER_MSS);
    peer_to_state(&p, HAWSER_TIME_WAIT);
    peer_in(&p, R, 2, 0, 0);
    peer_quiet(&p);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    assert_int_equal(peer_state(&p), HAWSER_CLOSED);
    peer_end(&p);
}

/* EVIDENCE 9293-SHLD-2 */
static void a_reset_may_carry_text(void **state)
{
    (void)state;
    struct peer p;
    reach(&p, HAWSER_ESTABLISHED);
    peer_in(&p, P | A, 1, 1, 7);
    peer_in(&p, R, 8, 0, 20); /* why, in words, perhaps */
    peer_quiet(&p);
    assert_int_equal(peer_state(&p), HAWSER_CLOSED);
    peer_read(&p, 7); /* what was in order before it */
    peer_read_gives(&p, HAWSER_ERR_RESET);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_listener),
        cmocka_unit_test(a_listener_ends_without_a_segment),
        cmocka_unit_test(close_in_syn_sent),
        cmocka_unit_test(close_in_syn_received),
        cmocka_unit_test(a_syn_ack_after_close_in_syn_received),
        cmocka_unit_test(close_in_syn_received_with_text_queued),
        cmocka_unit_test(abort_sends_a_reset),
        cmocka_unit_test(abort_flushes_the_queues),
        cmocka_unit_test(abort_in_syn_sent_says_nothing),
        cmocka_unit_test(abort_at_the_end_says_nothing),
        cmocka_unit_test(close_with_unread_text),
        cmocka_unit_test(a_reset_in_every_state),
        cmocka_unit_test(a_reset_in_time_wait_without_rfc_1337),
        cmocka_unit_test(a_reset_may_carry_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
