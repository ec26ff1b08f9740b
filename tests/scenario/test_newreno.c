/* SPDX-License-Identifier: MIT */
/* Several losses in one window without SACK (RFC 6582). */
#include "scenario/flight.h"

#define RTT (100 * MS)
#define RTO (300 * MS)

/* A flight of ten from segment 0 on, and then no more to send, or enough. */
static void start(struct peer *p, uint32_t segments)
{
    peer_start(p, false, NULL);
    accept_after(p, PEER_MSS, RTT);
    peer_write(p, segments * MSS);
    out_segments(p, 0, 10);
    peer_quiet(p);
}

static void duplicates(struct peer *p, uint32_t n, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ack_segments(p, n);
}

/* EVIDENCE 6582-01 */
static void the_first_segment_of_all_is_lost(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 10);
    assert_int_equal(peer_info(&p).snd_una, peer_info(&p).iss + 1);
    duplicates(&p, 0, 3);
    out_segment(&p, 0);
    ack_segments(&p, 10);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 6582-04 */
static void one_loss_a_round_trip(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 10); /* 0, 4 and 7 are lost */
    peer_pass(&p, RTT);
    duplicates(&p, 0, 3);
    out_segment(&p, 0);
    duplicates(&p, 0, 4);
    peer_quiet(&p);
    uint32_t cwnd = peer_info(&p).cwnd_bytes;
    assert_int_equal(cwnd, (5 + 3 + 4) * MSS);
    peer_pass(&p, RTT);
    ack_segments(&p, 4); /* partial: less what it acknowledges, and one more */
    out_segment(&p, 4);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).cwnd_bytes, cwnd - 4 * MSS + MSS);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_pass(&p, RTT);
    ack_segments(&p, 7);
    out_segment(&p, 7);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).cwnd_bytes, cwnd - 7 * MSS + 2 * MSS);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_pass(&p, RTT);
    ack_segments(&p, 10);
    assert_int_equal(peer_info(&p).recovery, 0);
    peer_quiet(&p);
    assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
    assert_int_equal(peer_info(&p).retransmissions, 3);
    peer_end(&p);
}

/* A partial ACK lets new segments out, as far as the deflated window goes. EVIDENCE 6582-04 */
static void new_segments_during_recovery(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100); /* 0 and 5 are lost */
    duplicates(&p, 0, 8);
    out_segments(&p, 10, 2);
    out_segment(&p, 0);
    out_segment(&p, 12); /* cwnd 13 */
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).cwnd_bytes, 13 * MSS);
    ack_segments(&p, 5); /* 13 - 5 + 1, and 8 under way */
    assert_int_equal(peer_info(&p).cwnd_bytes, 9 * MSS);
    out_segment(&p, 5);
    out_segment(&p, 13);
    peer_quiet(&p);
    ack_segments(&p, 13); /* all that was sent before the third duplicate, and one more */
    assert_int_equal(peer_info(&p).recovery, 0);
    assert_int_equal(peer_info(&p).cwnd_bytes, 2 * MSS);
    out_segment(&p, 14);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 6582-03 */
static void the_end_does_not_burst(void **state)
{
    (void)state;
    for (uint32_t fresh = 0; fresh <= 6; fresh++) {
        struct peer p;
        start(&p, 100);
        duplicates(&p, 0, 3);
        out_segments(&p, 10, 2);
        out_segment(&p, 0);
        duplicates(&p, 0, 4 + fresh);
        out_segments(&p, 12, fresh);
        peer_quiet(&p);
        ack_segments(&p, 12); /* everything that was under way at the third duplicate */
        uint32_t flight = fresh > 1 ? fresh : 1;
        uint32_t cwnd = flight + 1 < 5 ? flight + 1 : 5;
        assert_int_equal(peer_info(&p).cwnd_bytes, cwnd * MSS);
        assert_int_equal(peer_info(&p).ssthresh_bytes, 5 * MSS);
        assert_true(peer_pending(&p) <= 2);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 6582-05 */
static void the_timer_runs_from_the_first_partial_ack(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 10); /* 0, 2, 4, 6 and 8 are lost */
    peer_pass(&p, RTT);
    duplicates(&p, 0, 5);
    out_segment(&p, 0);
    for (uint32_t n = 2; n <= 6; n += 2) {
        peer_pass(&p, RTT);
        ack_segments(&p, n);
        out_segment(&p, n);
        peer_quiet(&p);
        assert_int_equal(peer_info(&p).timer_ns, RTO - (n - 2) / 2 * RTT);
    }
    assert_int_equal(peer_pass_until_out(&p, NS_PER_S), RTO - 2 * RTT);
    out_segment(&p, 6);
    assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 1);
    peer_end(&p);
}

/* EVIDENCE 6582-02 6582-06 */
static void echoes_of_going_back_are_no_loss(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    peer_pass_until_out(&p, NS_PER_S);
    out_segment(&p, 0);
    ack_segments(&p, 1);
    out_segments(&p, 1, 2);
    duplicates(&p, 1, 5); /* what was sent again had been there */
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 2);
    ack_segments(&p, 10); /* exactly up to what had been sent */
    assert_int_equal(peer_info(&p).recovery, 0);
    uint32_t sent = peer_info(&p).cwnd_bytes / MSS;
    out_segments(&p, 10, sent);
    peer_quiet(&p);
    duplicates(&p, 10, 5);
    while (peer_pending(&p) > 0) /* limited transmit, and nothing again */
        assert_true(seq_diff(peer_next(&p)->seg.seq, p.host_isn) > AT(10));
    assert_int_equal(peer_info(&p).recovery, 0);
    ack_segments(&p, 11); /* beyond it: duplicates mean something again */
    peer_drop_out(&p);
    duplicates(&p, 11, 3);
    peer_drop_out(&p);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_end(&p);
}

/* EVIDENCE 6582-06 */
static void a_timeout_ends_fast_recovery(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    duplicates(&p, 0, 8);
    out_segments(&p, 10, 2);
    out_segment(&p, 0);
    out_segment(&p, 12);
    peer_pass_until_out(&p, NS_PER_S); /* what was sent again is lost, too */
    out_segment(&p, 0);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 2);
    ack_segments(&p, 12); /* the end of the episode, but not of what had been sent */
    assert_int_equal(peer_info(&p).recovery, 2);
    out_segments(&p, 12, 2);
    peer_quiet(&p);
    duplicates(&p, 12, 5);
    peer_quiet(&p);
    ack_segments(&p, 13);
    assert_int_equal(peer_info(&p).recovery, 0);
    peer_drop_out(&p);
    duplicates(&p, 13, 5);
    assert_int_equal(peer_info(&p).recovery, 0);
    peer_drop_out(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_segment_of_all_is_lost),
        cmocka_unit_test(one_loss_a_round_trip),
        cmocka_unit_test(new_segments_during_recovery),
        cmocka_unit_test(the_end_does_not_burst),
        cmocka_unit_test(the_timer_runs_from_the_first_partial_ack),
        cmocka_unit_test(echoes_of_going_back_are_no_loss),
        cmocka_unit_test(a_timeout_ends_fast_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
