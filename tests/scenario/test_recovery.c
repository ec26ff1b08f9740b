/* SPDX-License-Identifier: MIT */
/* Fast retransmit and fast recovery without SACK, and limited transmit (RFC 5681 3.2, RFC 3042). */
#include "scenario/flight.h"

#define RTT (100 * MS)

static void start(struct peer *p, peer_tune *tune)
{
    peer_start(p, false, tune);
    accept_after(p, PEER_MSS, RTT);
}

static void window_of_4(struct hawser_config *config)
{
    config->initial_window_segments = 4;
}

static void duplicates(struct peer *p, uint32_t n, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ack_segments(p, n);
}

/* EVIDENCE 5681-12 6582-01 */
static void the_third_duplicate_sends_again(void **state)
{
    (void)state;
    struct peer p;
    start(&p, NULL);
    peer_write(&p, 10 * MSS); /* nothing new to send */
    out_segments(&p, 0, 10);
    duplicates(&p, 0, 2);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 0);
    duplicates(&p, 0, 1);
    out_segment(&p, 0);
    peer_quiet(&p); /* that one alone */
    assert_int_equal(peer_info(&p).recovery, 1);
    duplicates(&p, 0, 6);
    peer_quiet(&p);
    ack_segments(&p, 10);
    assert_int_equal(peer_info(&p).recovery, 0);
    peer_pass(&p, 10 * NS_PER_S);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 5681-13 */
static void what_is_no_duplicate(void **state)
{
    (void)state;
    struct peer p;
    start(&p, NULL);
    for (unsigned i = 0; i < 5; i++) { /* nothing is outstanding */
        ack_segments(&p, 0);
        assert_int_equal(peer_info(&p).duplicate_acks, 0);
    }
    peer_write(&p, 10 * MSS);
    out_segments(&p, 0, 10);
    ack_segments(&p, 2);
    duplicates(&p, 2, 2);
    for (uint16_t i = 1; i <= 5; i++) /* other windows */
        peer_in_wnd(&p, A, 1, AT(2), 0, (uint16_t)(65535 - i));
    p.wnd = 65530;
    for (uint32_t i = 0; i < 5; i++) /* text */
        peer_in(&p, P | A, 1 + i * 10, AT(2), 10);
    peer_in(&p, F | A, 100, AT(2), 0); /* a FIN, out of order */
    for (unsigned i = 0; i < 5; i++)   /* old ones */
        peer_in(&p, A, 51, AT(1), 0);
    while (peer_pending(&p) > 0)
        assert_int_equal(peer_next(&p)->seg.text_len, 0);
    struct hawser_tcp_info info = peer_info(&p);
    assert_int_equal(info.duplicate_acks, 2);
    assert_int_equal(info.recovery, 0);
    peer_in(&p, A, 51, AT(2), 0);
    out_segment(&p, 2);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_end(&p);
}

/* EVIDENCE 5681-14 5681-15 6582-03 3042-02 */
static void the_window_during_recovery(void **state)
{
    (void)state;
    struct peer p;
    start(&p, NULL);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    for (uint32_t i = 0; i < 2; i++) { /* limited transmit: two new ones, the same cwnd */
        duplicates(&p, 0, 1);
        out_segment(&p, 10 + i);
        peer_quiet(&p);
        assert_int_equal(peer_info(&p).cwnd_bytes, 10 * MSS);
    }
    duplicates(&p, 0, 1);
    out_segment(&p, 0);
    peer_quiet(&p);
    struct hawser_tcp_info info = peer_info(&p);
    assert_int_equal(info.ssthresh_bytes, 5 * MSS); /* of 10 under way, not of 12 */
    assert_int_equal(info.cwnd_bytes, 8 * MSS);
    for (uint32_t i = 1; i <= 8; i++) { /* segments 4 to 11 have left the network */
        duplicates(&p, 0, 1);
        assert_int_equal(peer_info(&p).cwnd_bytes, (8 + i) * MSS);
        if (8 + i > 12)
            out_segment(&p, 12 + (8 + i) - 13);
        peer_quiet(&p);
    }
    ack_segments(&p, 12); /* 4 are under way */
    info = peer_info(&p);
    assert_int_equal(info.cwnd_bytes, 5 * MSS);
    assert_int_equal(info.ssthresh_bytes, 5 * MSS);
    assert_int_equal(info.recovery, 0);
    out_segment(&p, 16);
    peer_quiet(&p);
    peer_end(&p);
}

/* The second of four is lost: the two behind it bring two duplicates, and what these let out brings
 * the third. EVIDENCE 3042-01 */
static void a_small_window_recovers_without_a_timeout(void **state)
{
    (void)state;
    struct peer p;
    start(&p, window_of_4);
    peer_write(&p, 20 * MSS);
    out_segments(&p, 0, 4);
    peer_pass(&p, RTT);
    ack_segments(&p, 1);
    out_segments(&p, 4, 2); /* slow start: 5 under way */
    peer_quiet(&p);
    peer_in(&p, A, 1, AT(1), 0);
    out_segment(&p, 6);
    peer_in(&p, A, 1, AT(1), 0);
    out_segment(&p, 7); /* never more than cwnd + 2 */
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).snd_nxt - peer_info(&p).snd_una, 7 * MSS);
    assert_int_equal(peer_info(&p).cwnd_bytes, 5 * MSS);
    assert_int_equal(hawser_counters_of(p.host)->limited_transmits, 2);
    peer_pass(&p, RTT);
    peer_in(&p, A, 1, AT(1), 0);
    out_segment(&p, 1);
    peer_quiet(&p);
    peer_pass(&p, RTT);
    ack_segments(&p, 8);
    assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 3042-01 */
static void limited_transmit_keeps_to_the_window(void **state)
{
    (void)state;
    struct peer p;
    start(&p, window_of_4);
    p.wnd = (uint16_t)(5 * MSS);
    peer_in(&p, A, 1, 1, 0);
    peer_write(&p, 20 * MSS);
    out_segments(&p, 0, 4);
    peer_in(&p, A, 1, 1, 0);
    out_segment(&p, 4); /* the window ends here */
    peer_in(&p, A, 1, 1, 0);
    peer_quiet(&p);
    peer_in(&p, A, 1, 1, 0);
    out_segment(&p, 0);
    peer_quiet(&p);
    peer_end(&p);
}

/* Duplicates of an ACK by the network: two do no harm. */
static void two_duplicates_are_forgiven(void **state)
{
    (void)state;
    struct peer p;
    start(&p, NULL);
    peer_write(&p, 10 * MSS);
    out_segments(&p, 0, 10);
    for (uint32_t i = 1; i <= 10; i++)
        duplicates(&p, i, 3); /* the first of them is none */
    duplicates(&p, 10, 5);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).retransmissions, 0);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_duplicate_sends_again),
        cmocka_unit_test(what_is_no_duplicate),
        cmocka_unit_test(the_window_during_recovery),
        cmocka_unit_test(a_small_window_recovers_without_a_timeout),
        cmocka_unit_test(limited_transmit_keeps_to_the_window),
        cmocka_unit_test(two_duplicates_are_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
