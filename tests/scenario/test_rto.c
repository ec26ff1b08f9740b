/* SPDX-License-Identifier: MIT */
/* The retransmission timer: when it runs, how it backs off, and what is measured (RFC 6298,
 * RFC 8961, RFC 7323 4). */
#include "scenario/flight.h"

#define RTT (100 * MS)
#define RTO (300 * MS) /* SRTT + the minimum of 200 ms, which is not below 4 * RTTVAR */

static void start(struct peer *p, unsigned options)
{
    peer_start(p, false, NULL);
    accept_after(p, options, RTT);
    assert_int_equal(peer_info(p).rto_ns, RTO);
}

/* One segment more leaves at once. */
static void write_segment(struct peer *p, uint32_t n)
{
    peer_write(p, MSS);
    out_segment(p, n);
}

/* EVIDENCE 6298-10 */
static void the_timer_runs_while_something_is_outstanding(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    write_segment(&p, 0);
    assert_int_equal(peer_info(&p).timer_ns, RTO);
    peer_pass(&p, 100 * MS);
    write_segment(&p, 1); /* it runs already: this does not move it */
    assert_int_equal(peer_info(&p).timer_ns, RTO - 100 * MS);
    peer_pass(&p, 100 * MS);
    ack_segments(&p, 1); /* new data: from now on */
    assert_int_equal(peer_info(&p).timer_ns, peer_info(&p).rto_ns);
    peer_pass(&p, 50 * MS);
    uint64_t left = peer_info(&p).timer_ns;
    ack_segments(&p, 1); /* nothing new: as it was */
    assert_int_equal(peer_info(&p).timer_ns, left);
    ack_segments(&p, 2); /* all of it: off */
    assert_int_equal(peer_info(&p).timer_ns, UINT64_MAX);
    peer_pass(&p, 3600 * NS_PER_S);
    peer_quiet(&p);
    write_segment(&p, 2); /* idle, and now data: on */
    uint64_t rto = peer_info(&p).rto_ns;
    assert_int_equal(peer_info(&p).timer_ns, rto);
    assert_int_equal(peer_pass_until_out(&p, NS_PER_S), rto);
    out_segment(&p, 2);
    peer_end(&p);
}

/* EVIDENCE 6298-11 8961-04 */
static void each_timeout_doubles_the_next(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    peer_write(&p, 3 * MSS);
    out_segments(&p, 0, 3);
    uint64_t wait = RTO;
    for (unsigned i = 0; i < 14; i++) {
        assert_int_equal(peer_pass_until_out(&p, 200 * NS_PER_S), wait);
        out_segment(&p, 0); /* the earliest, and it alone */
        peer_quiet(&p);
        wait = 2 * wait < 120 * NS_PER_S ? 2 * wait : 120 * NS_PER_S; /* a cap, above 60 s */
    }
    assert_int_equal(wait, 120 * NS_PER_S);
    ack_segments(&p, 1); /* of what was sent again only: it stays (RFC6298 13) */
    assert_int_equal(peer_info(&p).rto_ns, wait);
    out_segments(&p, 1, 2);
    ack_segments(&p, 3);
    assert_int_equal(peer_info(&p).rto_ns, wait);
    write_segment(&p, 3); /* fresh data end it */
    peer_pass(&p, RTT);
    ack_segments(&p, 4);
    assert_true(peer_info(&p).rto_ns <= RTO);
    peer_end(&p);
}

/* EVIDENCE 6298-06 6298-13 8961-02 */
static void what_was_sent_again_is_no_sample(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    struct hawser_tcp_info before = peer_info(&p);
    write_segment(&p, 0);
    write_segment(&p, 1);
    peer_pass(&p, RTO);
    out_segment(&p, 0);
    peer_pass(&p, 10 * MS);
    ack_segments(&p, 2); /* of the first time, late, or of the second: nobody knows */
    struct hawser_tcp_info after = peer_info(&p);
    assert_int_equal(after.rtt_samples, before.rtt_samples);
    assert_int_equal(after.srtt_ns, before.srtt_ns);
    assert_int_equal(after.rto_ns, 2 * RTO);
    write_segment(&p, 2);
    peer_pass(&p, RTT);
    ack_segments(&p, 3);
    after = peer_info(&p);
    assert_int_equal(after.rtt_samples, before.rtt_samples + 1);
    assert_int_equal(after.srtt_ns, RTT);
    assert_int_equal(after.rto_ns, RTO);
    peer_end(&p);
}

/* The timestamp tells which of both was acknowledged. EVIDENCE 6298-06 8961-02 */
static void timestamps_tell_which_it_was(void **state)
{
    (void)state;
    for (unsigned echo_first = 0; echo_first < 2; echo_first++) {
        struct peer p;
        start(&p, PEER_MSS | PEER_TS);
        struct hawser_tcp_info before = peer_info(&p);
        peer_write(&p, 100);
        uint32_t first = peer_next(&p)->seg.ts_val;
        peer_pass(&p, RTO);
        peer_out(&p, P | A, 1, 1, 100);
        assert_int_equal(p.ts_ecr, first + 300);
        peer_pass(&p, 100 * MS);
        if (echo_first)
            p.ts_ecr = first;
        peer_in(&p, A, 1, 101, 0);
        struct hawser_tcp_info after = peer_info(&p);
        /* An echo from before the timeout: of a segment that took 400 ms, or of one whose ACK was
         * lost and that has just come again. No sample, and the RTO stays doubled. */
        assert_int_equal(after.rtt_samples, before.rtt_samples + (echo_first ? 0 : 1));
        assert_int_equal(after.srtt_ns, RTT);
        assert_int_equal(after.rto_ns, echo_first ? 2 * RTO : RTO);
        peer_end(&p);
    }
}

/* Both ways lose: a segment arrives, its ACK does not, and it arrives again. The peer's TS.Recent
 * stays with the first (in RFC 7323 5.3 R2 comes before R3), so every echo is old; the RTO must not
 * learn from its own length. EVIDENCE 8961-02 */
static void lost_acks_do_not_stretch_the_timeout(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS | PEER_TS);
    for (uint32_t i = 0; i < 20; i++) {
        peer_write(&p, 100);
        peer_next(&p);
        uint32_t echo = p.ts_ecr;
        assert_true(peer_pass_until_out(&p, NS_PER_S) <= 2 * RTO);
        peer_next(&p);
        peer_pass(&p, RTT);
        p.ts_ecr = echo;
        peer_in(&p, A, 1, 1 + p.written, 0);
        peer_write(&p, 100); /* one that is not lost, and ends the backoff */
        peer_next(&p);
        peer_pass(&p, RTT);
        peer_in(&p, A, 1, 1 + p.written, 0);
        assert_true(peer_info(&p).rto_ns <= RTO);
    }
    peer_end(&p);
}

/* EVIDENCE 6298-09 */
static void nothing_is_sent_again_within_an_rto(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    uint64_t sent_ns[4], acked_ns = 0;
    for (uint32_t i = 0; i < 4; i++) { /* staggered */
        sent_ns[i] = p.now_ns;
        write_segment(&p, i);
        peer_pass(&p, 60 * MS);
    }
    for (uint32_t i = 0; i < 3; i++) {
        ack_segments(&p, i + 1);
        acked_ns = p.now_ns;
        peer_pass(&p, 60 * MS);
    }
    uint64_t rto = peer_info(&p).rto_ns;
    peer_pass_until_out(&p, 2 * NS_PER_S);
    out_segment(&p, 3);
    assert_int_equal(p.now_ns, acked_ns + rto);
    assert_true(p.now_ns - sent_ns[3] >= rto);
    peer_end(&p);
}

/* A fast retransmit just before the timeout is a transmission like any other. EVIDENCE 6298-09 */
static void a_fast_retransmit_starts_the_timer_anew(void **state)
{
    (void)state;
    for (unsigned sack = 0; sack < 2; sack++) {
        struct peer p;
        start(&p, sack ? PEER_MSS | PEER_SACK : PEER_MSS);
        peer_write(&p, 10 * MSS);
        out_segments(&p, 0, 10);
        peer_pass(&p, RTO - MS);
        for (uint32_t i = 0; i < 3; i++) {
            if (sack)
                sack_one(&p, 0, 1, 2 + i);
            else
                ack_segments(&p, 0);
        }
        out_segment(&p, 0);
        peer_quiet(&p);
        assert_int_equal(peer_pass_until_out(&p, NS_PER_S), RTO);
        out_segment(&p, 0);
        peer_end(&p);
    }
}

/* EVIDENCE 6928-06 6298-10 */
static void a_slow_path_needs_no_timeout(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    peer_write(&p, 10 * MSS);
    out_segments(&p, 0, 10);
    for (uint32_t i = 1; i <= 10; i++) { /* 50 kbit/s: ten times the RTO until the last */
        peer_pass(&p, 290 * MS);
        ack_segments(&p, i);
    }
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).retransmissions, 0);
    peer_end(&p);
}

/* EVIDENCE 6298-12 5681-04 */
static void after_a_lost_syn_data_wait_three_seconds(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    assert_int_equal(peer_pass_until_out(&p, 2 * NS_PER_S), NS_PER_S);
    peer_out(&p, S, 0, 0, 0);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_add(p.host_isn, 1);
    peer_pass(&p, RTT);
    peer_inject(&p, &answer);
    peer_out(&p, A, 1, 1, 0);
    peer_write(&p, 5 * MSS);
    out_segment(&p, 0); /* and the first flight is one segment */
    peer_quiet(&p);
    assert_int_equal(peer_pass_until_out(&p, 10 * NS_PER_S), 3 * NS_PER_S);
    out_segment(&p, 0);
    peer_end(&p);
}

/* EVIDENCE 6298-12 5681-04 */
static void after_a_lost_syn_ack_data_wait_three_seconds(void **state)
{
    (void)state;
    for (unsigned with_ts = 0; with_ts < 3; with_ts++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, with_ts ? PEER_MSS | PEER_TS : PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        uint32_t first = p.ts_ecr;
        assert_int_equal(peer_pass_until_out(&p, 2 * NS_PER_S), NS_PER_S);
        peer_out(&p, S | A, 0, 1, 0);
        p.timestamps = with_ts != 0;
        if (with_ts == 2)
            p.ts_ecr = first; /* it saw the first one, too: no sample */
        peer_pass(&p, RTT);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_write(&p, 1000);
        peer_next(&p);
        peer_quiet(&p);
        uint64_t wait = peer_pass_until_out(&p, 10 * NS_PER_S);
        assert_int_equal(wait, with_ts == 1 ? RTO : 3 * NS_PER_S);
        peer_next(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 6298-07 8961-05 */
static void every_round_trip_is_measured(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 2; options++) {
        struct peer p;
        start(&p, options ? PEER_MSS | PEER_TS : PEER_MSS);
        uint32_t mss = peer_info(&p).send_mss_bytes, last = peer_info(&p).rtt_samples, acked = 0;
        assert_int_equal(last, 1);
        peer_write(&p, 400 * mss); /* bulk */
        while (acked < p.written) {
            uint32_t flight = peer_pending(&p) * mss;
            peer_drop_out(&p);
            peer_pass(&p, RTT);
            for (uint32_t n = mss; n <= flight; n += mss)
                peer_in(&p, A, 1, 1 + acked + n, 0);
            acked += flight;
            assert_true(peer_info(&p).rtt_samples > last);
            last = peer_info(&p).rtt_samples;
        }
        for (unsigned i = 0; i < 10; i++) { /* bursts, and nothing for a while */
            last = peer_info(&p).rtt_samples;
            peer_write(&p, 3 * mss);
            peer_drop_out(&p);
            peer_pass(&p, RTT);
            peer_in(&p, A, 1, 1 + p.written, 0);
            assert_true(peer_info(&p).rtt_samples > last);
            peer_pass(&p, 10 * NS_PER_S);
        }
        for (unsigned i = 0; i < 10; i++) { /* requests and answers */
            last = peer_info(&p).rtt_samples;
            peer_in(&p, P | A, 1 + p.read, 1 + p.written, 50);
            peer_read(&p, 50);
            peer_write(&p, 200);
            peer_drop_out(&p);
            peer_pass(&p, RTT);
            peer_in(&p, A, 1 + p.read, 1 + p.written, 0);
            assert_true(peer_info(&p).rtt_samples > last);
        }
        assert_int_equal(peer_info(&p).srtt_ns, RTT);
        peer_end(&p);
    }
}

/* A segment that is sent again may be refused as old, with the ACK on it: the ACK is owed still. */
static void an_ack_is_not_left_to_a_retransmission(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS);
    write_segment(&p, 0);
    peer_pass(&p, RTO - 10 * MS);
    peer_in(&p, P | A, 1, 1, 100);
    peer_quiet(&p);
    peer_pass(&p, 10 * MS);
    assert_int_equal(seq_diff(out_segment(&p, 0)->seg.ack, p.peer_isn), 101);
    assert_int_equal(peer_pass_until_out(&p, NS_PER_S), 30 * MS); /* as delayed as it was */
    peer_out(&p, A, AT(1), 101, 0);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timer_runs_while_something_is_outstanding),
        cmocka_unit_test(each_timeout_doubles_the_next),
        cmocka_unit_test(what_was_sent_again_is_no_sample),
        cmocka_unit_test(timestamps_tell_which_it_was),
        cmocka_unit_test(lost_acks_do_not_stretch_the_timeout),
        cmocka_unit_test(nothing_is_sent_again_within_an_rto),
        cmocka_unit_test(a_fast_retransmit_starts_the_timer_anew),
        cmocka_unit_test(a_slow_path_needs_no_timeout),
        cmocka_unit_test(after_a_lost_syn_data_wait_three_seconds),
        cmocka_unit_test(after_a_lost_syn_ack_data_wait_three_seconds),
        cmocka_unit_test(every_round_trip_is_measured),
        cmocka_unit_test(an_ack_is_not_left_to_a_retransmission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
