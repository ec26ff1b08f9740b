/* SPDX-License-Identifier: MIT */
/* SACK on the wire: what a receiver with a hole says (RFC 2018 3, 4), and what a sender believes
 * (RFC 2018 5 and 8, RFC 2883, RFC 3042). */
#include "scenario/flight.h"

#define RTT (100 * MS)

static void start(struct peer *p, unsigned options)
{
    peer_start(p, false, NULL);
    accept_after(p, options, RTT);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Octets [from, to) of the peer's stream. */
static void text(struct peer *p, uint32_t from, uint32_t to)
{
    p->ts_val++;
    peer_in(p, A, from, 1 + p->written, to - from);
}

/* The next segment is a plain ACK with exactly these blocks. */
static void out_blocks(struct peer *p, uint32_t ack, unsigned count, const uint32_t *edges)
{
    const struct peer_segment *got = peer_out(p, A, 1 + p->written, ack, 0);
    assert_int_equal(got->seg.options & TCP_OPT_SACK, count > 0 ? TCP_OPT_SACK : 0);
    assert_int_equal(got->seg.sack_count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(seq_diff(got->seg.sack[i].left, p->peer_isn), edges[2 * i]);
        assert_int_equal(seq_diff(got->seg.sack[i].right, p->peer_isn), edges[2 * i + 1]);
    }
}

/* EVIDENCE 2018-04 2018-03 5681-10 */
static void every_segment_behind_a_hole_is_answered_at_once(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS | PEER_SACK);
    for (uint32_t i = 1; i <= 5; i++) {
        text(&p, AT(i), AT(i + 1));
        const uint32_t edges[] = {AT(1), AT(i + 1)};
        out_blocks(&p, 1, 1, edges);
        peer_quiet(&p);
    }
    text(&p, AT(2), AT(3)); /* once more: answered as well */
    const uint32_t edges[] = {AT(1), AT(6)};
    out_blocks(&p, 1, 1, edges);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 2018-03 */
static void text_of_our_own_carries_the_blocks(void **state)
{
    (void)state;
    for (unsigned ts = 0; ts < 2; ts++) {
        struct peer p;
        start(&p, ts ? PEER_MSS | PEER_SACK | PEER_TS : PEER_MSS | PEER_SACK);
        text(&p, 2001, 3001);
        peer_drop_out(&p);
        peer_write(&p, 5000);
        uint32_t sent = 0;
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            assert_int_equal(s->seg.sack_count, 1);
            assert_int_equal(seq_diff(s->seg.sack[0].left, p.peer_isn), 2001);
            assert_true(s->packet_bytes <= 1500);
            sent += s->seg.text_len;
        }
        assert_int_equal(sent, 5000);
        peer_pass(&p, NS_PER_S); /* and what is sent again */
        const struct peer_segment *s = peer_next(&p);
        assert_int_equal(s->seg.sack_count, 1);
        assert_true(s->packet_bytes <= 1500);
        peer_drop_out(&p);
        p.ts_val++;
        peer_in(&p, A, 1, 5001, 2000); /* the hole is filled: no block any more */
        peer_write(&p, 10);
        assert_int_equal(peer_next(&p)->seg.sack_count, 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 2018-05 */
static void the_first_block_holds_what_came_last(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS | PEER_SACK);
    text(&p, 1001, 1101);
    const uint32_t a[] = {1001, 1101};
    out_blocks(&p, 1, 1, a);
    text(&p, 5001, 5101);
    const uint32_t b[] = {5001, 5101, 1001, 1101};
    out_blocks(&p, 1, 2, b);
    for (uint32_t i = 1; i < 10; i++) { /* in turn */
        text(&p, 1001 + i * 100, 1101 + i * 100);
        const uint32_t low[] = {1001, 1101 + i * 100, 5001, 5001 + i * 100};
        out_blocks(&p, 1, 2, low);
        text(&p, 5001 + i * 100, 5101 + i * 100);
        const uint32_t high[] = {5001, 5101 + i * 100, 1001, 1101 + i * 100};
        out_blocks(&p, 1, 2, high);
    }
    text(&p, 1001, 1101); /* old, but it triggers this ACK */
    const uint32_t again[] = {1001, 2001, 5001, 6001};
    out_blocks(&p, 1, 2, again);
    text(&p, 1, 501); /* moves the ACK on: the latest change stays first */
    out_blocks(&p, 501, 2, again);
    text(&p, 501, 1001);
    const uint32_t rest[] = {5001, 6001};
    out_blocks(&p, 2001, 1, rest);
    peer_end(&p);
}

/* EVIDENCE 2018-06 */
static void each_island_is_told_three_times(void **state)
{
    (void)state;
    for (unsigned ts = 0; ts < 2; ts++) {
        struct peer p;
        start(&p, ts ? PEER_MSS | PEER_SACK | PEER_TS : PEER_MSS | PEER_SACK);
        unsigned most = ts ? 3 : 4;
        static const uint32_t order[] = {4, 2, 6, 1, 5, 3};
        for (unsigned i = 0; i < COUNT_OF(order); i++) {
            text(&p, order[i] * 1000, order[i] * 1000 + 100);
            const struct peer_segment *got = peer_out(&p, A, 1, 1, 0);
            assert_int_equal(got->seg.sack_count, i + 1 < most ? i + 1 : most);
            for (unsigned k = 0; k < 3 && k <= i; k++) /* the latest first */
                assert_int_equal(seq_diff(got->seg.sack[k].left, p.peer_isn), order[i - k] * 1000);
            for (unsigned k = 1; k < got->seg.sack_count; k++) /* distinct */
                for (unsigned m = 0; m < k; m++)
                    assert_false(seq_eq(got->seg.sack[k].left, got->seg.sack[m].left));
        }
        peer_end(&p);
    }
}

/* An island that grows to the left, and two that become one, are one island to be told of; what was
 * told before them keeps its place. EVIDENCE 2018-06 */
static void islands_that_join_take_one_place(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS | PEER_SACK | PEER_TS);
    static const uint32_t islands[] = {9000, 8000, 2000, 4000, 6000};
    for (unsigned i = 0; i < COUNT_OF(islands); i++)
        text(&p, islands[i], islands[i] + 100);
    peer_drop_out(&p);
    text(&p, 5900, 6000); /* 6000 grows to the left */
    const uint32_t grown[] = {5900, 6100, 4000, 4100, 2000, 2100};
    out_blocks(&p, 1, 3, grown);
    text(&p, 5800, 5900);
    const uint32_t more[] = {5800, 6100, 4000, 4100, 2000, 2100};
    out_blocks(&p, 1, 3, more);
    text(&p, 4100, 5800); /* and joins 4000 */
    const struct peer_segment *got = peer_out(&p, A, 1, 1, 0);
    assert_int_equal(got->seg.sack_count, 3);
    assert_int_equal(seq_diff(got->seg.sack[0].left, p.peer_isn), 4000);
    assert_int_equal(seq_diff(got->seg.sack[0].right, p.peer_isn), 6100);
    assert_int_equal(seq_diff(got->seg.sack[1].left, p.peer_isn), 2000);
    peer_end(&p);
}

/* EVIDENCE 5681-11 6582-07 */
static void filling_a_hole_is_answered_at_once(void **state)
{
    (void)state;
    for (unsigned sack = 0; sack < 2; sack++) {
        struct peer p;
        start(&p, sack ? PEER_MSS | PEER_SACK : PEER_MSS);
        text(&p, AT(3), AT(4));
        text(&p, AT(5), AT(6));
        peer_drop_out(&p);
        text(&p, AT(0), AT(1)); /* a part of the first hole, from below */
        peer_out(&p, A, 1, AT(1), 0);
        text(&p, AT(4), AT(5)); /* a hole behind the first one */
        peer_out(&p, A, 1, AT(1), 0);
        text(&p, AT(1), AT(1) + 10); /* ten octets */
        peer_out(&p, A, 1, AT(1) + 10, 0);
        text(&p, AT(1) + 10, AT(3)); /* the rest */
        peer_out(&p, A, 1, AT(6), 0);
        peer_quiet(&p);
        peer_read(&p, 6 * MSS);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 2018-02 */
static void a_peer_without_sack_is_told_nothing(void **state)
{
    (void)state;
    struct peer p;
    start(&p, PEER_MSS | PEER_TS | PEER_WSCALE);
    assert_false(peer_info(&p).has_sack);
    for (uint32_t i = 5; i > 0; i--)
        text(&p, i * 1000, i * 1000 + 100);
    peer_write(&p, 3000);
    unsigned seen = 0;
    for (; peer_pending(&p) > 0; seen++)
        assert_int_equal(peer_next(&p)->seg.options, TCP_OPT_TIMESTAMPS);
    assert_int_equal(seen, 8);
    sack_one(&p, 0, 1, 2); /* nor is it believed */
    assert_int_equal(peer_info(&p).sacked_bytes, 0);
    peer_end(&p);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void flight_of_10(struct peer *p, uint32_t segments)
{
    start(p, PEER_MSS | PEER_SACK);
    peer_write(p, segments * MSS);
    out_segments(p, 0, 10);
    peer_quiet(p);
}

/* EVIDENCE 2018-13 */
static void one_block_is_no_loss(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 10);
    uint32_t cwnd = peer_info(&p).cwnd_bytes;
    sack_one(&p, 0, 1, 2);
    sack_one(&p, 0, 1, 3);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).sacked_bytes, 2 * MSS);
    assert_int_equal(peer_info(&p).cwnd_bytes, cwnd);
    assert_int_equal(peer_info(&p).recovery, 0);
    sack_one(&p, 0, 1, 4); /* now it is, and costs what a loss costs */
    out_segment(&p, 0);
    assert_int_equal(peer_info(&p).cwnd_bytes, cwnd / 2);
    assert_int_equal(peer_info(&p).ssthresh_bytes, cwnd / 2);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 3042-03 */
static void duplicates_without_news_send_nothing(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 100);
    for (unsigned i = 0; i < 50; i++)
        ack_segments(&p, 0);
    peer_quiet(&p);
    sack_one(&p, 0, 3, 4);
    out_segment(&p, 10);
    for (unsigned i = 0; i < 50; i++)
        sack_one(&p, 0, 3, 4); /* nothing new in it */
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 0);
    assert_int_equal(peer_info(&p).duplicate_acks, 1);
    peer_end(&p);
}

/* EVIDENCE 2018-14 2883-06 */
static void absurd_blocks_change_nothing(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 100);
    ack_segments(&p, 4);
    out_segments(&p, 10, 5);
    sack_one(&p, 4, 6, 7);
    out_segment(&p, 15);
    static const uint32_t bad[][2] = {
        {AT(16), AT(17)},                   /* never sent */
        {AT(15), AT(16) + 1},               /* one octet of it was not */
        {AT(8), AT(8)},                     /* empty */
        {AT(9), AT(8)},                     /* backwards */
        {AT(4), AT(5)},                     /* at SND.UNA: then it would be acknowledged */
        {AT(3), AT(5)},                     /* across it */
        {AT(0), AT(1)},                     /* a D-SACK */
        {AT(3), AT(4)},                     /* one that ends at SND.UNA */
        {(uint32_t)-5000, (uint32_t)-4000}, /* before the connection */
        {AT(8), AT(8) + 0x80000000},        /* half of the space */
        {AT(8) + 0x80000000, AT(9)},
    };
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        for (unsigned k = 0; k < 5; k++)
            peer_in_sack(&p, 1, AT(4), 1, bad[i]);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.sacked_bytes, MSS);
        assert_int_equal(info.duplicate_acks, 1);
        peer_quiet(&p);
    }
    const uint32_t dsack[] = {AT(0), AT(1), AT(6), AT(8)}; /* old news before new ones */
    peer_in_sack(&p, 1, AT(4), 2, dsack);
    assert_int_equal(peer_info(&p).sacked_bytes, 2 * MSS);
    out_segment(&p, 16);
    const uint32_t inside[] = {AT(7), AT(8), AT(6), AT(8)}; /* a D-SACK above the ACK */
    peer_in_sack(&p, 1, AT(4), 2, inside);
    assert_int_equal(peer_info(&p).sacked_bytes, 2 * MSS);
    peer_quiet(&p);
    ack_segments(&p, 17);
    peer_drop_out(&p);
    peer_end(&p);
}

/* Blocks of one octet, as many as there are octets: bounded memory and time. EVIDENCE 2018-14 */
static void crumbs_do_no_harm(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 10);
    for (uint32_t at = 2; at + 8 < 10 * MSS; at += 8) {
        const uint32_t edges[] = {at, at + 1, at + 2, at + 3, at + 4, at + 5, at + 6, at + 7};
        peer_in_sack(&p, 1, 1, 4, edges);
    }
    struct hawser_tcp_info info = peer_info(&p);
    assert_true(info.sacked_bytes > 0 && info.sacked_bytes <= 512);
    assert_true(peer_pending(&p) < 600);
    peer_drop_out(&p);
    ack_segments(&p, 10);
    assert_int_equal(peer_info(&p).send_queue_bytes, 0);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 2018-10 2018-11 */
static void a_peer_that_takes_back_gets_it_again(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 10);
    for (uint32_t i = 2; i <= 10; i++)
        sack_one(&p, 0, 1, i);
    out_segment(&p, 0);
    out_segment(&p, 9); /* the rescue: it had not been SACKed then */
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).send_queue_bytes, 10 * MSS); /* nothing is given up */
    peer_pass_until_out(&p, NS_PER_S);
    out_segment(&p, 0);
    peer_quiet(&p); /* the rest is believed to be there, for the first timeout */
    uint64_t last = p.now_ns;
    peer_pass_until_out(&p, 10 * NS_PER_S);
    out_segment(&p, 0);
    assert_true(p.now_ns > last);
    assert_int_equal(peer_info(&p).sacked_bytes, 0); /* not any more */
    for (uint32_t i = 1; i <= 10; i++) { /* it has thrown all away: every octet once more */
        ack_segments(&p, i);
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            assert_true(seq_diff(s->seg.seq, p.host_isn) >= AT(i));
            for (uint32_t k = 0; k < s->seg.text_len; k++)
                assert_int_equal(s->seg.text[k], peer_octet(seq_diff(s->seg.seq, p.host_isn) + k));
        }
    }
    assert_int_equal(peer_info(&p).retransmissions, 13);
    assert_int_equal(peer_info(&p).send_queue_bytes, 0);
    peer_end(&p);
}

/* EVIDENCE 2018-10 2018-11 */
static void an_ack_that_stops_at_a_block_tells_of_it(void **state)
{
    (void)state;
    struct peer p;
    flight_of_10(&p, 10);
    for (uint32_t i = 2; i <= 5; i++)
        sack_one(&p, 0, 1, i);
    out_segment(&p, 0);
    peer_quiet(&p);
    ack_segments(&p, 1); /* 1 to 4 were SACKed; an honest receiver says 5 */
    assert_int_equal(hawser_counters_of(p.host)->sack_reneged, 1);
    assert_int_equal(peer_info(&p).sacked_bytes, 0);
    out_segment(&p, 1); /* at once */
    for (uint32_t i = 2; i <= 10; i++)
        ack_segments(&p, i);
    peer_drop_out(&p);
    assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_segment_behind_a_hole_is_answered_at_once),
        cmocka_unit_test(text_of_our_own_carries_the_blocks),
        cmocka_unit_test(the_first_block_holds_what_came_last),
        cmocka_unit_test(each_island_is_told_three_times),
        cmocka_unit_test(islands_that_join_take_one_place),
        cmocka_unit_test(filling_a_hole_is_answered_at_once),
        cmocka_unit_test(a_peer_without_sack_is_told_nothing),
        cmocka_unit_test(one_block_is_no_loss),
        cmocka_unit_test(duplicates_without_news_send_nothing),
        cmocka_unit_test(absurd_blocks_change_nothing),
        cmocka_unit_test(crumbs_do_no_harm),
        cmocka_unit_test(a_peer_that_takes_back_gets_it_again),
        cmocka_unit_test(an_ack_that_stops_at_a_block_tells_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
