/* SPDX-License-Identifier: MIT */
/* Opening: three-way handshake, simultaneous open, refusals, old duplicates (RFC 9293 3.5, Figures
 * 6 to 8 and 11). Of seg_arrives.c, and the OPEN of user_calls.c. */
#include "scenario/peer.h"

static const bool families[] = {false, true};

/* EVIDENCE 9293-3.5-1 9293-FIG5-1 9293-FIG5-4 9293-FIG5-9 9293-3.10.7.2-3 9293-3.10.7.4e-2 */
static void passive_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_listen(&p, 4);
        peer_quiet(&p);
        struct segment syn = peer_syn_options(&p, PEER_ALL);
        peer_inject(&p, &syn);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
        const struct peer_segment *answer = peer_out(&p, S | A, 0, 1, 0);
        assert_int_equal(answer->seg.mss, families[i] ? 1440 : 1460);
        p.timestamps = true;
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), HAWSER_ERR_AGAIN);
        peer_in(&p, A, 1, 1, 0);
        peer_quiet(&p);
        assert_int_equal(peer_events(&p, p.listener), HAWSER_EVENT_ACCEPTABLE);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_write(&p, 5); /* the first text has the number of the handshake's ACK */
        peer_out(&p, P | A, 1, 1, 5);
        peer_in(&p, A, 1, 6, 0);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-FIG5-2 9293-FIG5-8 9293-3.10.1-2 9293-3.10.7.3-6 1122-01 */
static void active_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_open(&p);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.state, HAWSER_SYN_SENT);
        assert_int_equal(info.snd_una, info.iss);
        assert_int_equal(info.snd_nxt, info.iss + 1);
        const struct peer_segment *syn = peer_out(&p, S, 0, 0, 0);
        assert_int_equal(syn->seg.ack.v, 0);
        peer_quiet(&p);
        struct segment answer = peer_syn_options(&p, PEER_ALL);
        answer.flags = S | A;
        answer.ack = seq_add(p.host_isn, 1);
        answer.ts_ecr = p.ts_ecr;
        answer.wnd = 3000; /* unscaled, it bounds the first flight */
        peer_inject(&p, &answer);
        p.timestamps = true;
        peer_out(&p, A, 1, 1, 0);
        assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_CONNECTED);
        peer_write(&p, 10000);
        uint32_t mss = families[i] ? 1428 : 1448;
        peer_out(&p, A, 1, 1, mss);
        peer_out(&p, A, 1 + mss, 1, mss);
        peer_quiet(&p);
        peer_in_wnd(&p, A, 1, 1 + 2 * mss, 0, 1000); /* now scaled by 7 */
        assert_int_equal(peer_info(&p).snd_wnd, 128000);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-10 9293-3.5-2 9293-FIG5-7 9293-3.10.7.3-9 */
static void simultaneous_open(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    syn.wnd = 2000;
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_SYN_RECEIVED);
    assert_int_equal(peer_info(&p).snd_wnd, 2000);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_add(p.host_isn, 1);
    peer_inject(&p, &answer);
    peer_quiet(&p);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_CONNECTED);
    peer_end(&p);
}

/* EVIDENCE 9293-3.5-3 */
static void simultaneous_open_with_an_answer_lost(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0); /* lost; and so is the peer's */
    peer_inject(&p, &syn);        /* which repeats its SYN */
    peer_out(&p, S | A, 0, 1, 0);
    peer_in(&p, A, 1, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.5-4 9293-3.5.2-3 9293-3.10.7.3-1 */
static void old_duplicate_syn_as_initiator(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    seq_t wrong[] = {p.host_isn, seq_add(p.host_isn, 2), seq_sub(p.host_isn, 10)};
    for (unsigned i = 0; i < COUNT_OF(wrong); i++) {
        struct segment answer = peer_syn_options(&p, PEER_MSS);
        answer.flags = S | A;
        answer.ack = wrong[i];
        peer_inject(&p, &answer);
        peer_out_rst(&p, R, wrong[i], seq_of(0));
        assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
        answer.flags = S | A | R; /* never a RST for a RST */
        peer_inject(&p, &answer);
        peer_quiet(&p);
    }
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_add(p.host_isn, 1);
    peer_inject(&p, &answer);
    peer_out(&p, A, 1, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_end(&p);
}

/* EVIDENCE 9293-3.5-5 9293-FIG5-10 9293-MUST-11 9293-3.10.7.4b-4 */
static void old_duplicate_syn_as_responder(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct segment old = peer_syn_options(&p, PEER_MSS);
    old.seq = seq_sub(old.seq, 5000);
    peer_inject(&p, &old);
    const struct peer_segment *answer = peer_next(&p);
    assert_int_equal(answer->seg.flags, S | A);
    struct segment reset = {.flags = R, .seq = seq_add(old.seq, 1)};
    peer_inject(&p, &reset);
    peer_quiet(&p);
    assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    assert_int_equal(peer_events(&p, p.listener), 0); /* nobody was told */
    peer_accept(&p, PEER_MSS);
    peer_end(&p);
}

/* EVIDENCE 9293-3.5-8 9293-3.10.7.2-1 9293-3.10.7.2-2 9293-3.10.7.2-5 9293-3.5.3-3 9293-3.10.7.4h-1
 * 9293-3.5.2-2 */
static void what_a_listener_says_to_strangers(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        uint32_t len;
        bool reset;
    } rows[] = {
        {R, 0, false},    {R | A, 0, false}, {R | S, 0, false}, {A, 0, true},
        {S | A, 0, true}, {F | A, 0, true},  {P | A, 20, true}, {F, 0, false},
        {0, 0, false},    {P, 20, false},    {U, 3, false},     {F | P | U, 0, false},
    };
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct segment seg = {.flags = rows[i].flags,
                              .seq = p.peer_isn,
                              .ack = seq_of(rows[i].flags & A ? 777 : 0),
                              .text_len = rows[i].len,
                              .wnd = 100};
        peer_inject(&p, &seg);
        if (rows[i].reset)
            peer_out_rst(&p, R, seq_of(777), seq_of(0));
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
    }
    peer_accept(&p, PEER_ALL);
    peer_end(&p);
}

/* EVIDENCE 9293-3.5.2-1 9293-3.10.7.1-1 9293-3.10.7.1-2 9293-3.10.7.1-3 */
static void what_a_closed_port_says(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        uint32_t len, seg_len;
    } rows[] = {{S, 0, 1},     {S, 100, 101}, {F, 0, 1},        {P, 30, 30},
                {S | F, 0, 2}, {0, 0, 0},     {S | F | P, 7, 9}};
    struct peer p;
    peer_start(&p, true, NULL);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct segment seg = {
            .flags = rows[i].flags, .seq = seq_of(0xfffffffe), .text_len = rows[i].len};
        peer_inject(&p, &seg);
        peer_out_rst(&p, R | A, seq_of(0), seq_add(seg.seq, rows[i].seg_len));
        seg.flags |= A;
        seg.ack = seq_of(4711);
        peer_inject(&p, &seg);
        peer_out_rst(&p, R, seq_of(4711), seq_of(0));
        seg.flags |= R;
        peer_inject(&p, &seg);
        seg.flags &= (uint8_t)~A;
        peer_inject(&p, &seg);
        peer_quiet(&p);
    }
    peer_end(&p);
}

/* EVIDENCE 9293-3.5.3-2 9293-3.10.7.3-3 9293-3.10.7.3-4 5961-04 9293-3.10.7.3-10 */
static void a_refused_open(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    peer_in(&p, R, 0, 0, 0); /* nothing acknowledged: not credible */
    peer_in(&p, R | A, 0, 0, 0);
    peer_in(&p, A, 0, 1, 0); /* acceptable, but no SYN */
    peer_in(&p, F | A, 0, 1, 0);
    assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
    peer_quiet(&p);
    peer_in(&p, R | A, 0, 1, 0);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_REFUSED);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_ERROR);
    peer_read_gives(&p, HAWSER_ERR_REFUSED);
    peer_pass(&p, 300 * NS_PER_S); /* no SYN follows */
    peer_quiet(&p);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.4e-3 9293-3.5.2-3 */
static void a_wrong_ack_in_syn_received(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    static const uint32_t wrong[] = {0, 2};
    for (unsigned i = 0; i < COUNT_OF(wrong); i++) {
        peer_in(&p, A, 1, wrong[i], 0);
        peer_out_rst(&p, R, seq_add(p.host_isn, wrong[i]), seq_of(0));
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
    }
    peer_in(&p, A, 1, 1, 0);
    assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.3-7 9293-3.4-6 */
static void text_and_fin_on_the_syn_ack(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A | F;
    answer.ack = seq_add(p.host_isn, 1);
    answer.text_len = 10;
    peer_inject(&p, &answer);
    peer_out(&p, A, 1, 12, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
    peer_read(&p, 10);
    peer_read_gives(&p, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.2-2 9293-3.10.3-1 9293-3.10.7.3-8 */
static void calls_before_the_handshake_is_over(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    peer_read_gives(&p, HAWSER_ERR_AGAIN);
    peer_write(&p, 20);
    peer_quiet(&p);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_add(p.host_isn, 1);
    peer_inject(&p, &answer);
    peer_out(&p, P | A, 1, 1, 20); /* the text carries the handshake's ACK */
    peer_in(&p, A, 1, 21, 0);
    peer_quiet(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passive_open),
        cmocka_unit_test(active_open),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(simultaneous_open_with_an_answer_lost),
        cmocka_unit_test(old_duplicate_syn_as_initiator),
        cmocka_unit_test(old_duplicate_syn_as_responder),
        cmocka_unit_test(what_a_listener_says_to_strangers),
        cmocka_unit_test(what_a_closed_port_says),
        cmocka_unit_test(a_refused_open),
        cmocka_unit_test(a_wrong_ack_in_syn_received),
        cmocka_unit_test(text_and_fin_on_the_syn_ack),
        cmocka_unit_test(calls_before_the_handshake_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
