/* SPDX-License-Identifier: MIT */
/* RTO arithmetic against a plain model of RFC 6298. */
#include "tcp/rtx.h"

#include "fixture.h"

static struct fixture f;

static void start(struct tcb *tcb)
{
    fixture_init(&f);
    tcb_init(&f.tcp, tcb);
}

/* EVIDENCE 6298-01 8961-01 */
static void before_any_sample_it_is_one_second(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    assert_int_equal(rtx_rto_ns(&tcb), NS_PER_S);
    fixture_deinit(&f);
}

/* EVIDENCE 6298-02 */
static void the_first_sample(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    rtx_sample(&f.tcp, &tcb, 400 * NS_PER_MS);
    assert_int_equal(tcb.srtt_us, 400000);
    assert_int_equal(tcb.rttvar_us, 200000);
    assert_int_equal(rtx_rto_ns(&tcb), 1200 * NS_PER_MS);
    fixture_deinit(&f);
}

/* EVIDENCE 6298-03 6298-08 9293-MUST-18 */
static void later_samples_follow_the_model(void **state)
{
    (void)state;
    static const uint32_t rtt_ms[] = {100, 120,  80,  300, 300, 300, 50,
                                      1,   1000, 100, 100, 100, 100, 100};
    struct tcb tcb;
    start(&tcb);
    double srtt = 0, rttvar = 0;
    for (unsigned i = 0; i < COUNT_OF(rtt_ms); i++) {
        double r = rtt_ms[i] * 1000.0;
        if (i == 0) {
            srtt = r;
            rttvar = r / 2;
        } else {
            rttvar = 0.75 * rttvar + 0.25 * (srtt > r ? srtt - r : r - srtt);
            srtt = 0.875 * srtt + 0.125 * r;
        }
        rtx_sample(&f.tcp, &tcb, rtt_ms[i] * NS_PER_MS);
        double spread = 4 * rttvar > 200000 ? 4 * rttvar : 200000;
        double rto = srtt + spread;
        double error = (double)tcb.rto_us - rto;
        assert_true(error < 20 && error > -20); /* whole microseconds, rounded at each step */
    }
    assert_int_equal(tcb.rtt_samples, COUNT_OF(rtt_ms));
    fixture_deinit(&f);
}

/* RFC 6298 (2.4) as docs/deviations.md has it */
static void a_short_path_gets_the_minimum(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    for (int i = 0; i < 100; i++)
        rtx_sample(&f.tcp, &tcb, NS_PER_MS);
    assert_int_equal(rtx_rto_ns(&tcb), 201 * NS_PER_MS);
    rtx_sample(&f.tcp, &tcb, 0); /* no time at all is still a sample */
    assert_true(tcb.srtt_us > 0);
    fixture_deinit(&f);
}

/* EVIDENCE 6298-05 6298-11 8961-04 */
static void backing_off_doubles_up_to_the_limit(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    for (unsigned i = 0; i < 12; i++) {
        uint64_t want = NS_PER_S << i;
        assert_int_equal(rtx_rto_ns(&tcb), want < 120 * NS_PER_S ? want : 120 * NS_PER_S);
        rtx_back_off(&f.tcp, &tcb);
    }
    rtx_sample(&f.tcp, &tcb, 10 * NS_PER_MS); /* fresh data ends it */
    assert_true(rtx_rto_ns(&tcb) < NS_PER_S);
    fixture_deinit(&f);
}

/* EVIDENCE 6298-12 */
static void after_a_lost_syn_it_is_three_seconds(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    rtx_after_lost_syn(&tcb);
    assert_int_equal(rtx_rto_ns(&tcb), NS_PER_S);
    tcb.syn_lost = true;
    rtx_after_lost_syn(&tcb);
    assert_int_equal(rtx_rto_ns(&tcb), 3 * NS_PER_S);
    rtx_sample(&f.tcp, &tcb, 10 * NS_PER_MS);
    rtx_after_lost_syn(&tcb); /* timestamps gave a sample: nothing to make up for */
    assert_true(rtx_rto_ns(&tcb) < NS_PER_S);
    fixture_deinit(&f);
}

static void absurd_samples_do_no_harm(void **state)
{
    (void)state;
    struct tcb tcb;
    start(&tcb);
    rtx_sample(&f.tcp, &tcb, UINT64_MAX);
    assert_int_equal(rtx_rto_ns(&tcb), 120 * NS_PER_S);
    rtx_sample(&f.tcp, &tcb, UINT64_MAX);
    rtx_sample(&f.tcp, &tcb, 0);
    assert_int_equal(rtx_rto_ns(&tcb), 120 * NS_PER_S);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_sample_it_is_one_second),
        cmocka_unit_test(the_first_sample),
        cmocka_unit_test(later_samples_follow_the_model),
        cmocka_unit_test(a_short_path_gets_the_minimum),
        cmocka_unit_test(backing_off_doubles_up_to_the_limit),
        cmocka_unit_test(after_a_lost_syn_it_is_three_seconds),
        cmocka_unit_test(absurd_samples_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
