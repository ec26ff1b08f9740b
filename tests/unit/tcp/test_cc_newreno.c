/* SPDX-License-Identifier: MIT */
/* Slow start and congestion avoidance, and what all controllers share (cc.c). */
#include "tcp/cc.h"

#include "fixture.h"

static struct fixture f;

static struct tcb block(uint16_t smss)
{
    struct tcb tcb;
    fixture_init(&f);
    tcb_init(&f.tcp, &tcb);
    tcb.snd_mss = smss;
    cc_ops_of(&tcb)->init(&f.tcp, &tcb);
    return tcb;
}

/* EVIDENCE 5681-05 */
static void the_initial_window(void **state)
{
    (void)state;
    static const struct {
        uint16_t smss;
        uint32_t window;
    } rows[] = {{536, 5360},   {1448, 14480}, {1460, 14600}, {2000, 14600},
                {4000, 14600}, {8960, 17920}, {9000, 18000}};
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct tcb tcb = block(rows[i].smss);
        assert_int_equal(tcb.cwnd, rows[i].window);
        assert_int_equal(tcb.ssthresh, UINT32_MAX);
        fixture_deinit(&f);
    }
}

/* EVIDENCE 5681-04 */
static void after_a_lost_syn_it_is_one_segment(void **state)
{
    (void)state;
    struct tcb tcb = block(1000);
    tcb.syn_lost = true;
    cc_ops_of(&tcb)->init(&f.tcp, &tcb);
    assert_int_equal(tcb.cwnd, 1000);
    fixture_deinit(&f);
}

/* EVIDENCE 5681-06 9293-MUST-19 */
static void slow_start_counts_octets_not_acks(void **state)
{
    (void)state;
    struct tcb tcb = block(1000);
    uint32_t before = tcb.cwnd;
    for (int i = 0; i < 1000; i++)
        /* a thousand ACKs of an octet each are worth one segment */
        cc_ops_of(&tcb)->on_ack(&tcb, 1, 0);
    assert_int_equal(tcb.cwnd, before + 1000);
    cc_ops_of(&tcb)->on_ack(&tcb, 64000, 0); /* one ACK for much is worth one segment too */
    assert_int_equal(tcb.cwnd, before + 2000);
    fixture_deinit(&f);
}

/* EVIDENCE 5681-07 */
static void congestion_avoidance_adds_a_segment_a_window(void **state)
{
    (void)state;
    static const uint32_t acked[] = {1000, 2000, 500}; /* each segment, delayed, split */
    for (unsigned k = 0; k < COUNT_OF(acked); k++) {
        struct tcb tcb = block(1000);
        tcb.ssthresh = tcb.cwnd = 20000;
        for (int round = 0; round < 10; round++) {
            uint32_t before = tcb.cwnd;
            for (uint32_t done = 0; done < before; done += acked[k])
                cc_ops_of(&tcb)->on_ack(&tcb, acked[k], 0);
            assert_true(tcb.cwnd - before <= 1000);
            assert_true(tcb.cwnd > before || round == 0);
        }
        fixture_deinit(&f);
    }
}

static void loss_halves_and_idleness_restarts(void **state)
{
    (void)state;
    struct tcb tcb = block(1000);
    assert_int_equal(cc_ops_of(&tcb)->ssthresh(&tcb, 50000), 25000);
    assert_int_equal(cc_ops_of(&tcb)->ssthresh(&tcb, 1500), 2000);
    tcb.cwnd = 100000;
    cc_ops_of(&tcb)->on_idle(&f.tcp, &tcb);
    assert_int_equal(tcb.cwnd, 10000);
    tcb.cwnd = 3000;
    cc_ops_of(&tcb)->on_idle(&f.tcp, &tcb); /* never up */
    assert_int_equal(tcb.cwnd, 3000);
    tcb.cwnd = UINT32_MAX - 10;
    cc_ops_of(&tcb)->on_ack(&tcb, 1000, 0); /* nor around */
    assert_true(tcb.cwnd >= UINT32_MAX - 10);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_initial_window),
        cmocka_unit_test(after_a_lost_syn_it_is_one_segment),
        cmocka_unit_test(slow_start_counts_octets_not_acks),
        cmocka_unit_test(congestion_avoidance_adds_a_segment_a_window),
        cmocka_unit_test(loss_halves_and_idleness_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
