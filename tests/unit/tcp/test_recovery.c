/* SPDX-License-Identifier: MIT */
/* Scoreboard, pipe, what is sent again and when an episode ends, against the texts of RFC 6675 and
 * 6582. */
#include "tcp/recovery.h"

#include "fixture.h"

#include "tcp/cc.h"

#define MSS 1000u

static struct fixture f;

/* `segments` full segments outstanding from snd.una = base; tx holds them. */
static struct tcb block(uint32_t base, uint32_t segments, bool sack)
{
    struct tcb tcb;
    fixture_init(&f);
    tcb_init(&f.tcp, &tcb);
    tcb.iss = seq_of(base - 1);
    tcb.snd.una = tcb.high_rxt = tcb.lost_edge = seq_of(base);
    tcb.recover = tcb.iss;
    tcb.snd.nxt = seq_of(base + segments * MSS);
    tcb.snd_mss = MSS;
    tcb.cwnd = segments * MSS;
    tcb.ssthresh = UINT32_MAX;
    tcb.has_sack = sack;
    return tcb;
}

static uint32_t sack(struct tcb *tcb, unsigned count, const uint32_t *edges)
{
    struct segment seg = {.options = TCP_OPT_SACK, .sack_count = (uint8_t)count};
    for (unsigned i = 0; i < count; i++)
        seg.sack[i] = (struct sack_block){seq_add(tcb->iss, 1 + edges[2 * i]),
                                          seq_add(tcb->iss, 1 + edges[2 * i + 1])};
    uint32_t news = recovery_take_sack(&f.tcp, tcb, &seg);
    if (news > 0)
        recovery_on_duplicate(&f.tcp, tcb, 0);
    return news;
}

static bool advance(struct tcb *tcb, uint32_t n)
{
    tcb->snd.una = seq_add(tcb->snd.una, n);
    return recovery_on_ack(&f.tcp, tcb, n, 0);
}

static void end(struct tcb *tcb)
{
    tcb_release(&f.tcp, tcb);
    fixture_deinit(&f);
}

/* EVIDENCE 2018-08 2018-14 2883-06 */
static void absurd_blocks_change_nothing(void **state)
{
    (void)state;
    static const uint32_t bases[] = {1, 0xffffe000, 0x7fffe000};
    for (unsigned b = 0; b < COUNT_OF(bases); b++) {
        struct tcb tcb = block(bases[b], 10, true);
        static const uint32_t bad[][2] = {
            {10000, 11000},
            {9000, 10001},
            {2000, 2000},
            {3000, 2000},
            {0, 1000},
            {(uint32_t)-500, 500},
            {(uint32_t)-1000, (uint32_t)-1},
            {0x80000000, 0x80000010},
        };
        for (unsigned i = 0; i < COUNT_OF(bad); i++) {
            assert_int_equal(sack(&tcb, 1, bad[i]), 0);
            assert_int_equal(tcb.sacked_bytes, 0);
        }
        static const uint32_t odd[] = {1500, 2777}; /* edges may lie anywhere */
        assert_int_equal(sack(&tcb, 1, odd), 1277);
        assert_int_equal(sack(&tcb, 1, odd), 0);
        end(&tcb);
    }
}

/* EVIDENCE 2018-13 6675-02 5681-12 */
static void three_segments_of_news_begin_recovery(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t one[] = {1000, 2000}, two[] = {1000, 3000}, three[] = {1000, 4000};
    sack(&tcb, 1, one);
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    sack(&tcb, 1, two);
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    sack(&tcb, 1, three);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    end(&tcb);
    tcb = block(1, 10, true); /* all of it in one ACK, because others were lost */
    sack(&tcb, 1, three);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    end(&tcb);
}

/* EVIDENCE 6675-09 */
static void three_small_islands_are_a_loss(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t a[] = {1000, 1010}, b[] = {1020, 1030, 1000, 1010},
                          c[] = {1040, 1050, 1020, 1030, 1000, 1010};
    sack(&tcb, 1, a);
    sack(&tcb, 2, b);
    assert_true(seq_eq(tcb.lost_edge, tcb.snd.una));
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    sack(&tcb, 3, c);
    assert_true(seq_gt(tcb.lost_edge, tcb.snd.una));
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    end(&tcb);
}

/* EVIDENCE 6675-04 6675-06 */
static void entering_halves_and_pipe_counts(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 20, true);
    static const uint32_t edges[] = {1000, 4000};
    sack(&tcb, 1, edges);
    assert_int_equal(tcb.cwnd, 10 * MSS);
    assert_int_equal(tcb.ssthresh, 10 * MSS);
    assert_true(seq_eq(tcb.recover, tcb.snd.nxt));
    assert_true(tcb.rtx_now);
    /* 20 sent, 3 SACKed, 1 lost. */
    assert_int_equal(recovery_pipe(&tcb), 16 * MSS);
    tcb.high_rxt = seq_add(tcb.snd.una, MSS); /* … and sent again */
    assert_int_equal(recovery_pipe(&tcb), 17 * MSS);
    end(&tcb);
}

/* EVIDENCE 6675-05 */
static void the_order_of_what_is_sent_again(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 20, true);
    static const uint32_t edges[] = {12000, 15000, 7000, 9000, 1000, 3000};
    sack(&tcb, 3, edges);
    sack(&tcb, 3, edges);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    tcb.high_rxt = seq_add(tcb.snd.una, MSS); /* the first was sent on entry */
    static const uint32_t lost[] = {3000, 4000, 5000, 6000, 9000, 10000, 11000};
    struct hole hole;
    for (unsigned i = 0; i < COUNT_OF(lost); i++) {
        assert_true(recovery_lost_hole(&tcb, &hole));
        assert_int_equal(seq_diff(hole.seq, tcb.snd.una), lost[i]);
        assert_int_equal(hole.len, MSS);
        tcb.high_rxt = seq_add(hole.seq, hole.len);
    }
    /* what is above the highest SACKed may only be late */
    assert_false(recovery_lost_hole(&tcb, &hole));
    bool rescue;
    assert_true(recovery_other_hole(&tcb, &hole, &rescue));
    assert_true(rescue);
    assert_int_equal(seq_diff(hole.seq, tcb.snd.una), 19000);
    tcb.rescue_used = true;
    assert_false(recovery_other_hole(&tcb, &hole, &rescue)); /* once */
    end(&tcb);
}

/* What lies below the highest island is rule 3's; once it has gone again, no rescue is made of it.
 * EVIDENCE 6675-05 */
static void the_rescue_is_the_highest_that_is_missing(void **state)
{
    (void)state;
    static const struct {
        uint32_t edges[4], high_rxt, seq, len; /* len 0: no rescue */
    } rows[] = {
        {{1000, 4000, 1000, 4000}, 4000, 9000, MSS}, {{1000, 4000, 1000, 4000}, 9999, 9000, MSS},
        {{1000, 4000, 1000, 4000}, 10000, 0, 0},     {{1000, 9700, 1000, 9700}, 9700, 9700, 300},
        {{1000, 4000, 8500, 10000}, 8500, 0, 0},     {{1000, 4000, 4500, 10000}, 10000, 0, 0},
        {{300, 10000, 300, 10000}, 300, 0, 0},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct tcb tcb = block(1, 10, true);
        sack(&tcb, 2, rows[i].edges);
        assert_int_equal(tcb.recovery, RECOVERY_FAST);
        tcb.high_rxt = seq_add(tcb.snd.una, rows[i].high_rxt);
        tcb.recover = seq_add(tcb.snd.una, 5 * MSS); /* what was sent since counts, too */
        struct hole hole;
        bool rescue;
        assert_int_equal(recovery_other_hole(&tcb, &hole, &rescue), rows[i].len != 0);
        assert_true(rescue);
        if (rows[i].len != 0) {
            assert_int_equal(seq_diff(hole.seq, tcb.snd.una), rows[i].seq);
            assert_int_equal(hole.len, rows[i].len);
        }
        end(&tcb);
    }
}

/* Reordering: the ACK of what was late is a partial one, and more of them follow; nothing of what
 * is still on its way is sent again. */
static void a_partial_ack_is_no_loss(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 20, true);
    static const uint32_t edges[] = {1000, 4000};
    sack(&tcb, 1, edges);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    tcb.rtx_now = false;
    tcb.high_rxt = seq_add(tcb.snd.una, MSS);
    advance(&tcb, 4 * MSS);
    for (unsigned i = 0; i < 10; i++) {
        struct hole hole;
        assert_int_equal(tcb.recovery, RECOVERY_FAST);
        assert_false(recovery_lost_hole(&tcb, &hole));
        assert_int_equal(recovery_pipe(&tcb), (16 - i) * MSS);
        advance(&tcb, MSS);
    }
    end(&tcb);
}

/* EVIDENCE 6675-07 6675-08 */
static void the_end_of_an_episode(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t edges[] = {1000, 4000};
    sack(&tcb, 1, edges);
    tcb.snd.nxt = seq_add(tcb.snd.nxt, 5 * MSS); /* new data meanwhile */
    static const uint32_t more[] = {11000, 14000};
    sack(&tcb, 1, more);
    tcb.rtx_now = false;
    advance(&tcb, 9000);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    assert_int_equal(f.counters.fast_retransmits, 1);
    advance(&tcb, 1000);
    /* known beyond the end, and it begins the next one at once */
    assert_int_equal(tcb.sacked_bytes, 3000);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    assert_int_equal(f.counters.fast_retransmits, 2);
    assert_int_equal(tcb.ssthresh, 5 * MSS / 2);
    assert_true(seq_eq(tcb.recover, tcb.snd.nxt));
    assert_true(tcb.rtx_now);
    tcb.rtx_count = 1;
    recovery_on_timeout(&f.tcp, &tcb);
    assert_int_equal(tcb.recovery, RECOVERY_LOSS);
    static const uint32_t late[] = {14000, 15000};
    sack(&tcb, 1, late);
    assert_int_equal(tcb.recovery, RECOVERY_LOSS);
    end(&tcb);
}

/* EVIDENCE 5681-08 5681-09 6582-06 6928-03 2018-09 */
static void a_timeout_goes_back(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t edges[] = {4000, 5000};
    sack(&tcb, 1, edges);
    tcb.cwnd = 40 * MSS; /* more than is under way: FlightSize counts, not cwnd */
    tcb.rtx_count = 1;
    recovery_on_timeout(&f.tcp, &tcb);
    assert_int_equal(tcb.ssthresh, 5 * MSS);
    assert_int_equal(tcb.cwnd, MSS);
    assert_true(seq_eq(tcb.recover, tcb.snd.nxt));
    assert_true(tcb.rtx_now);
    assert_int_equal(recovery_pipe(&tcb), 0);
    tcb.high_rxt = seq_add(tcb.snd.una, MSS);
    struct hole hole;
    static const uint32_t again[] = {1000, 2000, 3000, 5000, 6000, 7000, 8000, 9000};
    for (unsigned i = 0; i < COUNT_OF(again); i++) {
        assert_true(recovery_lost_hole(&tcb, &hole));
        assert_int_equal(seq_diff(hole.seq, tcb.snd.una), again[i]);
        tcb.high_rxt = seq_add(hole.seq, hole.len);
    }
    assert_false(recovery_lost_hole(&tcb, &hole));
    tcb.rtx_count = 2;
    recovery_on_timeout(&f.tcp, &tcb);
    tcb.rtx_count = 3;
    recovery_on_timeout(&f.tcp, &tcb);
    assert_int_equal(tcb.ssthresh, 5 * MSS);
    advance(&tcb, 10 * MSS);
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    end(&tcb);
}

/* EVIDENCE 2018-10 2018-11 */
static void a_peer_that_takes_back_is_found_out(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t edges[] = {1000, 6000};
    sack(&tcb, 1, edges);
    advance(&tcb, 1000); /* it acknowledges up to where it SACKed, and no further */
    assert_int_equal(f.counters.sack_reneged, 1);
    assert_int_equal(tcb.sacked_bytes, 0);
    struct hole hole;
    assert_true(recovery_lost_hole(&tcb, &hole));
    assert_int_equal(seq_diff(hole.seq, tcb.snd.una), 0);
    end(&tcb);
}

/* EVIDENCE 5681-14 5681-15 6582-01 6582-03 6582-04 6582-05 */
static void newreno(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, false);
    recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(recovery_allowance(&tcb), 11 * MSS);
    recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(recovery_allowance(&tcb), 12 * MSS);
    assert_int_equal(tcb.cwnd, 10 * MSS);
    tcb.snd.nxt = seq_add(tcb.snd.nxt, 2 * MSS);
    tcb.limited_segs = 2;
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    assert_int_equal(tcb.ssthresh, 5 * MSS);
    assert_int_equal(tcb.cwnd, 8 * MSS);
    recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(tcb.cwnd, 9 * MSS);
    tcb.rtx_now = false;
    assert_true(advance(&tcb, 3 * MSS)); /* the first partial ACK restarts the timer */
    assert_true(tcb.rtx_now);
    assert_int_equal(tcb.cwnd, 7 * MSS);
    tcb.rtx_now = false;
    assert_false(advance(&tcb, 2 * MSS)); /* later ones do not */
    assert_int_equal(tcb.cwnd, 6 * MSS);
    assert_true(tcb.rtx_now);
    assert_true(advance(&tcb, 7 * MSS));
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    assert_int_equal(tcb.cwnd, 2 * MSS); /* nothing is under way: no burst */
    end(&tcb);
}

/* EVIDENCE 6582-02 */
static void echoes_of_going_back_are_no_loss(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, false);
    tcb.rtx_count = 1;
    recovery_on_timeout(&f.tcp, &tcb);
    tcb.rtx_now = false;
    advance(&tcb, 10 * MSS);
    tcb.snd.nxt = seq_add(tcb.snd.nxt, 5 * MSS);
    for (int i = 0; i < 5; i++)
        recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    tcb.dup_acks = 0;
    advance(&tcb, MSS);
    for (int i = 0; i < 3; i++)
        recovery_on_duplicate(&f.tcp, &tcb, 0);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    end(&tcb);
}

/* EVIDENCE 3042-02 6675-03 */
static void limited_transmit_leaves_cwnd_alone(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    static const uint32_t one[] = {1000, 2000}, two[] = {1000, 3000};
    sack(&tcb, 1, one);
    assert_int_equal(tcb.cwnd, 10 * MSS);
    assert_int_equal(recovery_allowance(&tcb) - recovery_pipe(&tcb), MSS);
    sack(&tcb, 1, two);
    assert_int_equal(recovery_allowance(&tcb) - recovery_pipe(&tcb), 2 * MSS);
    end(&tcb);
}

/* EVIDENCE 1191-05 */
static void a_smaller_path_sends_all_again_without_blame(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 10, true);
    recovery_on_path_mtu(&f.tcp, &tcb);
    assert_int_equal(tcb.cwnd, 10 * MSS);
    assert_int_equal(recovery_pipe(&tcb), 0);
    struct hole hole;
    assert_true(recovery_lost_hole(&tcb, &hole));
    assert_true(seq_eq(hole.seq, tcb.snd.una));
    advance(&tcb, 10 * MSS);
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    recovery_on_path_mtu(&f.tcp, &tcb); /* nothing outstanding: nothing to do */
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    end(&tcb);
    tcb = block(1, 1, true);
    recovery_on_path_mtu(&f.tcp, &tcb); /* one segment, which fits: it was not too big */
    assert_int_equal(tcb.recovery, RECOVERY_OPEN);
    end(&tcb);
}

/* One ACK for a batch: it takes half of the flight off and SACKs past a hole. What was under way
 * when it came is halved, not what is left before new text has gone in its place. */
static void an_ack_that_advances_and_tells_of_a_loss(void **state)
{
    (void)state;
    struct tcb tcb = block(1, 20, true);
    advance(&tcb, 10 * MSS);
    static const uint32_t edges[] = {11000, 15000};
    struct segment seg = {.options = TCP_OPT_SACK, .sack_count = 1};
    seg.sack[0] =
        (struct sack_block){seq_add(tcb.iss, 1 + edges[0]), seq_add(tcb.iss, 1 + edges[1])};
    assert_int_equal(recovery_take_sack(&f.tcp, &tcb, &seg), 4000);
    recovery_on_duplicate(&f.tcp, &tcb, 10 * MSS);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    assert_int_equal(tcb.ssthresh, 10 * MSS);
    end(&tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absurd_blocks_change_nothing),
        cmocka_unit_test(three_segments_of_news_begin_recovery),
        cmocka_unit_test(three_small_islands_are_a_loss),
        cmocka_unit_test(entering_halves_and_pipe_counts),
        cmocka_unit_test(the_order_of_what_is_sent_again),
        cmocka_unit_test(the_rescue_is_the_highest_that_is_missing),
        cmocka_unit_test(a_partial_ack_is_no_loss),
        cmocka_unit_test(the_end_of_an_episode),
        cmocka_unit_test(a_timeout_goes_back),
        cmocka_unit_test(a_peer_that_takes_back_is_found_out),
        cmocka_unit_test(an_ack_that_advances_and_tells_of_a_loss),
        cmocka_unit_test(newreno),
        cmocka_unit_test(echoes_of_going_back_are_no_loss),
        cmocka_unit_test(limited_transmit_leaves_cwnd_alone),
        cmocka_unit_test(a_smaller_path_sends_all_again_without_blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
