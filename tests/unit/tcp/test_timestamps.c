/* SPDX-License-Identifier: MIT */
/* PAWS and TS.Recent. */
#include "tcp/timestamps.h"

#include "fixture.h"

#include "tcp/isn.h"

static struct tcb block(uint32_t ts_recent, uint64_t now_ns)
{
    struct tcb tcb;
    memset(&tcb, 0, sizeof tcb);
    tcb.has_timestamps = true;
    timestamps_start(&tcb, ts_recent, now_ns);
    return tcb;
}

static struct segment with_ts(uint8_t flags, uint32_t ts_val)
{
    return (struct segment){.flags = flags, .options = TCP_OPT_TIMESTAMPS, .ts_val = ts_val};
}

/* EVIDENCE 7323-24 7323-25 7323-30 7323-15 7323-14 */
static void what_paws_refuses(void **state)
{
    (void)state;
    static const struct {
        uint32_t recent, val;
        uint8_t flags;
        bool refused;
    } rows[] = {
        {100, 99, TCP_ACK, true},        {100, 100, TCP_ACK, false},
        {100, 101, TCP_ACK, false},      {100, 99, TCP_RST, false},
        {5, 0xfffffff0, TCP_ACK, true},  {0xfffffff0, 5, TCP_ACK, false},
        {0, 0x7fffffff, TCP_ACK, false}, {0, 0x80000001, TCP_ACK, true},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct tcb tcb = block(rows[i].recent, 0);
        struct segment seg = with_ts(rows[i].flags, rows[i].val);
        if (paws_refuses(&tcb, &seg, NS_PER_S) != rows[i].refused)
            fail_msg("row %u", i);
        seg.options = 0;
        assert_false(paws_refuses(&tcb, &seg, NS_PER_S));
        tcb.has_timestamps = false;
        seg.options = TCP_OPT_TIMESTAMPS;
        assert_false(paws_refuses(&tcb, &seg, NS_PER_S));
    }
}

static void after_24_days_nothing_is_refused(void **state)
{
    (void)state;
    struct tcb tcb = block(100, 0);
    struct segment seg = with_ts(TCP_ACK, 99);
    uint64_t days = 24ull * 24 * 3600 * NS_PER_S;
    assert_true(paws_refuses(&tcb, &seg, days - NS_PER_S));
    assert_false(paws_refuses(&tcb, &seg, days));
    tcb.rcv.last_ack = seq_of(5);
    seg.seq = seq_of(5);
    timestamps_update(&tcb, &seg, days);
    assert_int_equal(tcb.ts_recent, 99);
}

/* EVIDENCE 7323-23 7323-20 7323-21 */
static void what_ts_recent_follows(void **state)
{
    (void)state;
    struct tcb tcb = block(100, 0);
    tcb.rcv.last_ack = seq_of(1000);
    struct segment seg = with_ts(TCP_ACK, 110);
    seg.seq = seq_of(1001); /* beyond Last.ACK.sent: not the earliest unacknowledged one */
    timestamps_update(&tcb, &seg, 0);
    assert_int_equal(tcb.ts_recent, 100);
    seg.seq = seq_of(1000);
    timestamps_update(&tcb, &seg, 0);
    assert_int_equal(tcb.ts_recent, 110);
    seg.ts_val = 105; /* never back */
    timestamps_update(&tcb, &seg, 0);
    assert_int_equal(tcb.ts_recent, 110);
}

/* EVIDENCE 7323-17 */
static void an_echo_tells_the_round_trip(void **state)
{
    (void)state;
    struct tcb tcb = block(0, 0);
    tcb.ts_offset = 0xfffffff0; /* the clock wraps on the way */
    struct segment seg = with_ts(TCP_ACK, 1);
    seg.ts_ecr = ts_clock(5 * NS_PER_S) + tcb.ts_offset;
    uint64_t rtt_ns = 0;
    assert_true(timestamps_rtt(&tcb, &seg, 5 * NS_PER_S + 30 * NS_PER_MS, &rtt_ns));
    assert_int_equal(rtt_ns, 30 * NS_PER_MS);
    assert_false(timestamps_rtt(&tcb, &seg, 4 * NS_PER_S, &rtt_ns)); /* from the future */
    seg.ts_ecr = 0;
    assert_false(timestamps_rtt(&tcb, &seg, 6 * NS_PER_S, &rtt_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_paws_refuses),
        cmocka_unit_test(after_24_days_nothing_is_refused),
        cmocka_unit_test(what_ts_recent_follows),
        cmocka_unit_test(an_echo_tells_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
