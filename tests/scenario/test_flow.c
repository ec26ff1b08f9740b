/* SPDX-License-Identifier: MIT */
/* Flow control: windows that shut, shrink and creep, probes, silly windows, Nagle, PSH, delayed
 * acknowledgements (RFC 9293 3.7.4, 3.8.6). */
#include "scenario/peer.h"

#define MSS 1460u

static void start(struct peer *p)
{
    peer_start(p, false, NULL);
    peer_accept(p, PEER_MSS);
}

/* EVIDENCE 9293-MUST-1 5681-01 */
static void the_window_is_unsigned(void **state)
{
    (void)state;
    static const uint16_t windows[] = {0x8000, 0xffff};
    for (unsigned i = 0; i < COUNT_OF(windows); i++) {
        struct peer p;
        start(&p);
        peer_write(&p, 200000);
        uint32_t sent = 0, acked = 0;
        for (int round = 0; round < 60 && sent < 200000; round++) {
            while (peer_pending(&p) > 0) {
                const struct peer_segment *s = peer_next(&p);
                sent = seq_diff(seq_add(s->seg.seq, s->seg.text_len), p.host_isn) - 1;
                assert_true(sent - acked <= windows[i]);
            }
            acked = sent;
            peer_in_wnd(&p, A, 1, 1 + acked, 0, windows[i]);
        }
        assert_int_equal(sent, 200000);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-36 9293-SHLD-29 9293-SHLD-30 9293-MUST-37 */
static void a_shut_window_is_probed_for_ever(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_in_wnd(&p, A, 1, 1, 0, 0);
    peer_write(&p, 100);
    uint64_t waited = peer_pass_until_out(&p, 10 * NS_PER_S);
    assert_true(waited >= 200 * NS_PER_MS && waited <= NS_PER_S); /* one RTO */
    peer_out(&p, A, 0, 1, 0);
    peer_in_wnd(&p, A, 1, 1, 0, 0);
    uint64_t last = waited;
    for (int i = 0; i < 20; i++) {
        waited = peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, A, 0, 1, 0);
        assert_true(waited + NS_PER_MS >= (2 * last < 120 * NS_PER_S ? 2 * last : 120 * NS_PER_S));
        last = waited;
        peer_in_wnd(&p, A, 1, 1, 0, 0);
    }
    for (uint64_t hours = 0; hours < 24 * 30; hours++) { /* a day and more of answered probes */
        peer_pass_until_out(&p, 200 * NS_PER_S);
        peer_out(&p, A, 0, 1, 0);
        peer_in_wnd(&p, A, 1, 1, 0, 0);
    }
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    /* The update was lost; the answer to the next probe brings it. */
    peer_pass_until_out(&p, 200 * NS_PER_S);
    peer_out(&p, A, 0, 1, 0);
    peer_in_wnd(&p, A, 1, 1, 0, 5000);
    peer_out(&p, P | A, 1, 1, 100);
    peer_in(&p, A, 1, 101, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-37 */
static void unanswered_probes_end_it(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_in_wnd(&p, A, 1, 1, 0, 0);
    peer_write(&p, 100);
    peer_pass(&p, 3600 * NS_PER_S);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
    assert_true(peer_pending(&p) > 10);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-34 9293-MUST-35 9293-SHLD-15 9293-SHLD-16 9293-MAY-7 */
static void a_window_that_shrinks(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 20 * MSS);
    for (uint32_t i = 0; i < 10; i++)
        peer_out(&p, A, 1 + i * MSS, 1, MSS);
    /* Two are acknowledged, and the edge drawn back to where nothing fits: below SND.NXT. */
    peer_in_wnd(&p, A, 1, 1 + 2 * MSS, 0, (uint16_t)(3 * MSS));
    peer_quiet(&p);
    peer_in_wnd(&p, A, 1, 1 + 5 * MSS, 0, 0);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).snd_wnd, 0);
    /* The peer goes silent: what is outstanding is sent again after an RTO, backing off. */
    uint64_t first = peer_pass_until_out(&p, 10 * NS_PER_S);
    peer_out(&p, A, 1 + 5 * MSS, 1, MSS);
    peer_in_wnd(&p, A, 1, 1 + 5 * MSS, 0, 0);
    uint64_t second = peer_pass_until_out(&p, 10 * NS_PER_S);
    peer_out(&p, A, 1 + 5 * MSS, 1, MSS);
    assert_true(second > first);
    peer_in_wnd(&p, A, 1, 1 + 10 * MSS, 0, 65535);
    while (peer_pending(&p) > 0)
        peer_next(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-38 9293-3.8.6x-3 */
static void the_sender_waits_for_a_worthwhile_window(void **state)
{
    (void)state;
    struct peer p;
    start(&p); /* the largest window seen is 65535 */
    peer_in_wnd(&p, A, 1, 1, 0, 0);
    peer_write(&p, 5000);
    for (uint16_t wnd = 10; wnd <= 100; wnd += 10) {
        peer_in_wnd(&p, A, 1, 1, 0, wnd);
        peer_quiet(&p);
    }
    uint64_t waited = peer_pass_until_out(&p, 2 * NS_PER_S);
    assert_true(waited >= 100 * NS_PER_MS && waited <= NS_PER_S);
    peer_out(&p, A, 1, 1, 100);
    peer_in_wnd(&p, A, 1, 101, 0, (uint16_t)MSS); /* a full segment fits */
    peer_out(&p, A, 101, 1, MSS);
    peer_in_wnd(&p, A, 1, 101 + MSS, 0, 65535);
    peer_drop_out(&p);
    peer_end(&p);
}

static void buffer_4000(struct hawser_config *config)
{
    config->receive_window_initial_bytes = 4000;
    config->receive_buffer_bytes = 4000;
    config->quick_acks = 255;
}

/* EVIDENCE 9293-MUST-39 9293-3.10.3-4 9293-3.8.6x-1 9293-MAY-8 */
static void the_receiver_opens_in_worthwhile_steps(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, buffer_4000);
    peer_accept(&p, PEER_MSS);
    for (uint32_t i = 0; i < 4; i++)
        peer_in(&p, P | A, 1 + i * 1000, 1, 1000);
    peer_drop_out(&p);
    assert_int_equal(peer_info(&p).rcv_wnd, 0);
    peer_in(&p, P | A, 4001, 1, 1); /* a probe with an octet: not taken, answered */
    assert_int_equal(peer_out(&p, A, 1, 4001, 0)->seg.wnd, 0);
    for (uint32_t i = 0; i < 1459; i++) {
        peer_read(&p, 1);
        peer_quiet(&p);
    }
    peer_read(&p, 1);
    assert_int_equal(peer_out(&p, A, 1, 4001, 0)->seg.wnd, 1460);
    peer_pass(&p, 3600 * NS_PER_S); /* a program that does not read keeps it so */
    peer_quiet(&p);
    peer_read(&p, 4000 - 1460);
    assert_int_equal(peer_out(&p, A, 1, 4001, 0)->seg.wnd, 4000);
    peer_end(&p);
}

/* EVIDENCE 9293-3.4-4 9293-MUST-66 9293-3.10.7.4b-8 */
static void a_shut_window_takes_acks_urgency_and_resets(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, buffer_4000);
    peer_accept(&p, PEER_MSS);
    for (uint32_t i = 0; i < 4; i++)
        peer_in(&p, P | A, 1 + i * 1000, 1, 1000);
    peer_write(&p, 10);
    peer_drop_out(&p);
    peer_events(&p, p.tcp);
    struct segment seg = {.flags = U | A,
                          .seq = seq_add(p.peer_isn, 4001),
                          .ack = seq_add(p.host_isn, 11),
                          .wnd = 100,
                          .up = 5,
                          .text_len = 1};
    peer_inject(&p, &seg);
    peer_out(&p, A, 11, 4001, 0);
    assert_int_equal(peer_info(&p).snd_una, p.host_isn.v + 11);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_URGENT);
    peer_in(&p, R, 4001, 0, 0);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
    peer_end(&p);
}

/* EVIDENCE 9293-SHLD-7 9293-MUST-60 9293-MUST-61 */
static void nagle(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    for (int i = 0; i < 10; i++)
        peer_write(&p, 1);
    peer_out(&p, P | A, 1, 1, 1);
    peer_quiet(&p);
    peer_in(&p, A, 1, 2, 0);
    peer_out(&p, P | A, 2, 1, 9);
    peer_in(&p, A, 1, 11, 0);
    peer_write(&p, 3 * MSS + 700); /* the last segment of a burst has PSH, those before have not */
    for (uint32_t i = 0; i < 3; i++)
        peer_out(&p, A, 11 + i * MSS, 1, MSS);
    peer_out(&p, P | A, 11 + 3 * MSS, 1, 700);
    peer_in(&p, A, 1, 11 + 3 * MSS + 700, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-17 */
static void nagle_off(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_NODELAY, 1), 0);
    for (uint32_t i = 0; i < 10; i++) {
        peer_write(&p, 1);
        peer_out(&p, P | A, 1 + i, 1, 1);
    }
    peer_in(&p, A, 1, 11, 0);
    peer_end(&p);
}

static void cork_and_more(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_CORK, 1), 0);
    peer_write(&p, 100);
    peer_quiet(&p);
    uint64_t waited = peer_pass_until_out(&p, NS_PER_S);
    assert_int_equal(waited, 200 * NS_PER_MS);
    peer_out(&p, P | A, 1, 1, 100);
    peer_in(&p, A, 1, 101, 0);
    peer_write(&p, MSS + 40);
    peer_out(&p, A, 101, 1, MSS);
    peer_quiet(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_CORK, 0), 0);
    peer_out(&p, P | A, 101 + MSS, 1, 40);
    peer_in(&p, A, 1, 141 + MSS, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-40 9293-SHLD-18 9293-SHLD-19 5681-18 9293-3.10.7.4g-4 */
static void delayed_acknowledgements(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_in(&p, A, 1, 1, MSS);
    peer_quiet(&p);
    assert_int_equal(peer_pass_until_out(&p, NS_PER_S), 40 * NS_PER_MS);
    peer_out(&p, A, 1, 1 + MSS, 0);
    for (uint32_t i = 1; i < 7; i += 2) { /* every second full segment at once */
        peer_in(&p, A, 1 + i * MSS, 1, MSS);
        peer_quiet(&p);
        peer_in(&p, A, 1 + (i + 1) * MSS, 1, MSS);
        peer_out(&p, A, 1, 1 + (i + 2) * MSS, 0);
    }
    peer_in(&p, P | A, 1 + 7 * MSS, 1, 10);
    peer_write(&p, 10); /* the answer carries it */
    peer_out(&p, P | A, 1, 11 + 7 * MSS, 10);
    peer_in(&p, A, 11 + 7 * MSS, 11, 0);
    peer_pass(&p, NS_PER_S);
    peer_quiet(&p);
    peer_end(&p);
}

/* A path narrower than we know makes the peer's full segments small ones. EVIDENCE 9293-SHLD-19 */
static void small_segments_are_acknowledged(void **state)
{
    (void)state;
    struct peer p;
    uint32_t at = 1;
    start(&p);
    for (unsigned i = 0; i < 10; i += 2, at += 2 * 76) { /* more follows: they are full */
        peer_in(&p, A, at, 1, 76);
        peer_quiet(&p);
        peer_in(&p, A, at + 76, 1, 76);
        peer_out(&p, A, 1, at + 2 * 76, 0);
    }
    for (unsigned i = 0; i < 3; i++) { /* the ends of what a program sent: by the octets */
        for (unsigned j = 0; j < 4; j++, at += 600) {
            peer_in(&p, P | A, at, 1, 600);
            peer_quiet(&p);
        }
        peer_in(&p, P | A, at, 1, 600);
        at += 600;
        peer_out(&p, A, 1, at, 0);
    }
    peer_end(&p);
}

static void quick(struct hawser_config *config)
{
    config->quick_acks = 4;
}

static void quick_acknowledgements_at_the_start(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, quick);
    peer_accept(&p, PEER_MSS);
    for (uint32_t i = 0; i < 4; i++) {
        peer_in(&p, A, 1 + i * 100, 1, 100);
        peer_out(&p, A, 1, 101 + i * 100, 0);
    }
    peer_in(&p, A, 401, 1, 100);
    peer_quiet(&p);
    peer_pass(&p, 50 * NS_PER_MS);
    peer_out(&p, A, 1, 501, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-58 9293-MUST-59 5681-11 5681-10 6582-07 9293-MAY-13 */
static void acknowledgements_are_aggregated(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    for (uint32_t i = 1; i <= 5; i++) { /* a hole: each is answered at once */
        peer_in(&p, A, 1 + i * MSS, 1, MSS);
        peer_out(&p, A, 1, 1, 0);
    }
    peer_in(&p, A, 1, 1, 700); /* part of it */
    peer_out(&p, A, 1, 701, 0);
    peer_in(&p, A, 701, 1, MSS - 700); /* the rest: one ACK for all */
    peer_out(&p, A, 1, 1 + 6 * MSS, 0);
    peer_quiet(&p);
    peer_read(&p, 6 * MSS);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-SHLD-28 9293-MUST-14 9293-MUST-16 */
static void segments_are_full(void **state)
{
    (void)state;
    static const uint16_t offers[] = {536, 1000, 1460, 9000};
    for (unsigned i = 0; i < COUNT_OF(offers); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, PEER_MSS | PEER_TS);
        syn.mss = offers[i];
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        p.timestamps = true;
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        uint32_t mss = (offers[i] < 1460 ? offers[i] : 1460) - 12u;
        peer_write(&p, 5 * mss + 1);
        for (uint32_t k = 0; k < 5; k++)
            peer_out(&p, A, 1 + k * mss, 1, mss);
        peer_out(&p, P | A, 1 + 5 * mss, 1, 1);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_unsigned),
        cmocka_unit_test(a_shut_window_is_probed_for_ever),
        cmocka_unit_test(unanswered_probes_end_it),
        cmocka_unit_test(a_window_that_shrinks),
        cmocka_unit_test(the_sender_waits_for_a_worthwhile_window),
        cmocka_unit_test(the_receiver_opens_in_worthwhile_steps),
        cmocka_unit_test(a_shut_window_takes_acks_urgency_and_resets),
        cmocka_unit_test(nagle),
        cmocka_unit_test(nagle_off),
        cmocka_unit_test(cork_and_more),
        cmocka_unit_test(delayed_acknowledgements),
        cmocka_unit_test(small_segments_are_acknowledged),
        cmocka_unit_test(quick_acknowledgements_at_the_start),
        cmocka_unit_test(acknowledgements_are_aggregated),
        cmocka_unit_test(segments_are_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
