/* SPDX-License-Identifier: MIT */
/* How much is under way: the first flight, slow start, congestion avoidance, after timeouts
 * (RFC 5681 3.1, RFC 6928). */
#include "scenario/flight.h"

#define RTT (100 * MS)

static void start(struct peer *p)
{
    peer_start(p, false, NULL);
    accept_after(p, PEER_MSS | PEER_WSCALE, RTT);
    peer_in(p, A, 1, 1, 0); /* its window is of no account here */
}

static uint32_t cwnd(struct peer *p)
{
    return peer_info(p).cwnd_bytes;
}

/* EVIDENCE 5681-03 6928-03 */
static void the_first_flight_is_the_initial_window(void **state)
{
    (void)state;
    static const struct {
        bool v6, active;
        unsigned options;
        uint32_t segments, mss;
    } rows[] = {
        {false, false, PEER_MSS, 10, 1460},
        {false, true, PEER_MSS, 10, 1460},
        {true, false, PEER_MSS, 10, 1440},
        {true, true, PEER_MSS, 10, 1440},
        {false, false, PEER_MSS | PEER_TS, 10, 1448},
        {false, true, PEER_ALL, 10, 1448},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        peer_start(&p, rows[i].v6, NULL);
        if (rows[i].active)
            peer_connect(&p, rows[i].options);
        else
            peer_accept(&p, rows[i].options);
        peer_write(&p, 100000);
        for (uint32_t k = 0; k < rows[i].segments; k++)
            peer_out(&p, A, 1 + k * rows[i].mss, 1, rows[i].mss);
        peer_quiet(&p);
        assert_int_equal(cwnd(&p), rows[i].segments * rows[i].mss);
        assert_int_equal(peer_info(&p).ssthresh_bytes, UINT32_MAX);
        uint64_t rto = peer_info(&p).rto_ns;
        assert_int_equal(peer_pass_until_out(&p, 10 * NS_PER_S), rto);
        peer_out(&p, A, 1, 1, rows[i].mss); /* the loss window is one segment all the same */
        peer_quiet(&p);
        assert_int_equal(cwnd(&p), rows[i].mss);
        peer_end(&p);
    }
}

/* EVIDENCE 5681-06 */
static void slow_start_grows_by_what_is_acknowledged(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 200 * MSS);
    out_segments(&p, 0, 10);
    ack_segments(&p, 1);
    assert_int_equal(cwnd(&p), 11 * MSS);
    out_segments(&p, 10, 2);
    ack_segments(&p, 5); /* four at once: one SMSS */
    assert_int_equal(cwnd(&p), 12 * MSS);
    out_segments(&p, 12, 5);
    for (uint32_t octets = 10; octets <= MSS; octets += 10) /* one in 146 pieces: one SMSS */
        peer_in(&p, A, 1, AT(5) + octets, 0);
    assert_int_equal(cwnd(&p), 13 * MSS);
    out_segments(&p, 17, 2);
    for (unsigned i = 0; i < 2; i++) { /* old and double ones: nothing */
        ack_segments(&p, 4);
        ack_segments(&p, 6);
    }
    assert_int_equal(cwnd(&p), 13 * MSS);
    peer_drop_out(&p);
    peer_end(&p);
}

/* A window that is not used says nothing of the path. */
static void an_idle_window_does_not_grow(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    for (uint32_t i = 0; i < 50; i++) {
        peer_write(&p, MSS);
        out_segment(&p, i);
        peer_pass(&p, RTT);
        ack_segments(&p, i + 1);
    }
    assert_int_equal(cwnd(&p), 10 * MSS);
    peer_end(&p);
}

/* EVIDENCE 5681-07 */
static void congestion_avoidance_grows_by_a_segment_a_round(void **state)
{
    (void)state;
    for (uint32_t every = 1; every <= 2; every++) { /* ACKs for each segment, and delayed ones */
        struct peer p;
        start(&p);
        peer_write(&p, 1000 * MSS);
        out_segments(&p, 0, 10);
        for (unsigned i = 0; i < 3; i++)
            ack_segments(&p, 0);
        peer_drop_out(&p);
        uint32_t acked = 12; /* the flight, and what limited transmit added */
        ack_segments(&p, acked);
        assert_int_equal(cwnd(&p), 2 * MSS); /* nothing was under way: from 2 up to ssthresh */
        assert_int_equal(peer_info(&p).ssthresh_bytes, 5 * MSS);
        uint32_t before = cwnd(&p);
        for (unsigned round = 0; round < 40; round++) {
            uint32_t sent = acked + peer_pending(&p);
            peer_drop_out(&p);
            peer_pass(&p, RTT);
            while (acked < sent) {
                acked = acked + every < sent ? acked + every : sent;
                ack_segments(&p, acked);
            }
            uint32_t after = cwnd(&p);
            if (before >= 5 * MSS)
                assert_true(after - before <= MSS);
            before = after;
        }
        assert_true(before >= 35 * MSS); /* and grow it does */
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 5681-08 8961-03 6928-03 */
static void after_a_timeout_it_starts_from_one_segment(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    peer_pass_until_out(&p, NS_PER_S); /* the whole flight is lost */
    out_segment(&p, 0);
    peer_quiet(&p);
    assert_int_equal(cwnd(&p), MSS);
    assert_int_equal(peer_info(&p).ssthresh_bytes, 5 * MSS);
    ack_segments(&p, 1); /* slow start over what was lost */
    out_segments(&p, 1, 2);
    peer_quiet(&p);
    ack_segments(&p, 2);
    ack_segments(&p, 3);
    out_segments(&p, 3, 4);
    peer_quiet(&p);
    assert_int_equal(cwnd(&p), 4 * MSS);
    for (uint32_t i = 4; i <= 7; i++)
        ack_segments(&p, i);
    assert_int_equal(cwnd(&p), 5 * MSS); /* and from ssthresh on one for each round */
    out_segments(&p, 7, 5);
    peer_quiet(&p);
    for (uint32_t i = 8; i <= 10; i++)
        ack_segments(&p, i);
    assert_true(cwnd(&p) <= 6 * MSS);
    peer_drop_out(&p);
    peer_end(&p);
}

/* What had arrived after all is acknowledged at once: two segments follow, not the whole window. */
static void the_end_of_going_back_does_not_burst(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    for (uint32_t i = 1; i <= 10; i++)
        ack_segments(&p, i);
    out_segments(&p, 10, 20);
    peer_pass_until_out(&p, NS_PER_S);
    out_segment(&p, 10);
    for (uint32_t i = 11; i <= 17; i++)
        ack_segments(&p, i);
    assert_int_equal(cwnd(&p), 8 * MSS);
    out_segments(&p, 11, 14);
    ack_segments(&p, 30);
    assert_int_equal(cwnd(&p), 2 * MSS);
    assert_int_equal(peer_info(&p).ssthresh_bytes, 10 * MSS);
    out_segments(&p, 30, 2);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 5681-08 */
static void half_of_the_flight_not_of_the_window(void **state)
{
    (void)state;
    static const struct {
        uint32_t flight, ssthresh;
    } rows[] = {{10, 5}, {8, 4}, {4, 2}, {3, 2}, {1, 2}};
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        start(&p);
        peer_write(&p, 30 * MSS);
        for (uint32_t k = 1; k <= 30; k++)
            ack_segments(&p, k);
        peer_drop_out(&p);
        uint32_t before = cwnd(&p);
        assert_true(before >= 20 * MSS);
        peer_write(&p, rows[i].flight * MSS);
        out_segments(&p, 30, rows[i].flight);
        peer_pass_until_out(&p, NS_PER_S);
        out_segment(&p, 30);
        assert_int_equal(peer_info(&p).ssthresh_bytes, rows[i].ssthresh * MSS);
        assert_int_equal(cwnd(&p), MSS);
        peer_end(&p);
    }
}

/* EVIDENCE 5681-09 */
static void only_the_first_timeout_lowers_the_threshold(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    for (unsigned i = 0; i < 4; i++) {
        peer_pass_until_out(&p, 10 * NS_PER_S);
        out_segment(&p, 0);
        assert_int_equal(peer_info(&p).ssthresh_bytes, 5 * MSS);
        assert_int_equal(cwnd(&p), MSS);
    }
    ack_segments(&p, 1); /* another segment's timeout counts again */
    out_segments(&p, 1, 2);
    peer_pass_until_out(&p, 60 * NS_PER_S);
    out_segment(&p, 1);
    assert_int_equal(peer_info(&p).ssthresh_bytes, 9 * MSS / 2);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_flight_is_the_initial_window),
        cmocka_unit_test(slow_start_grows_by_what_is_acknowledged),
        cmocka_unit_test(an_idle_window_does_not_grow),
        cmocka_unit_test(congestion_avoidance_grows_by_a_segment_a_round),
        cmocka_unit_test(after_a_timeout_it_starts_from_one_segment),
        cmocka_unit_test(the_end_of_going_back_does_not_burst),
        cmocka_unit_test(half_of_the_flight_not_of_the_window),
        cmocka_unit_test(only_the_first_timeout_lowers_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
