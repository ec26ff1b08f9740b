/* SPDX-License-Identifier: MIT */
/* Acceptability and windows. */
#include "tcp/window.h"

#include "fixture.h"

static struct tcb block(uint32_t rcv_nxt, uint32_t rcv_wnd)
{
    struct tcb tcb;
    memset(&tcb, 0, sizeof tcb);
    tcb.rcv.nxt = seq_of(rcv_nxt);
    tcb.rcv.wnd = rcv_wnd;
    tcb.rcv_mss = 1460;
    return tcb;
}

/* EVIDENCE 9293-3.4-1 9293-3.4-2 9293-3.4-3 9293-3.4-4 9293-3.4-5 */
static void the_four_rows(void **state)
{
    (void)state;
    static const struct {
        int offset; /* of SEG.SEQ from RCV.NXT */
        uint32_t len, wnd;
        bool acceptable;
    } rows[] = {
        {0, 0, 0, true},     {1, 0, 0, false},     {-1, 0, 0, false},
        {0, 0, 100, true},   {99, 0, 100, true},   {100, 0, 100, true}, {101, 0, 100, false},
        {-1, 0, 100, false},
        {0, 1, 0, false},    {-1, 2, 0, false},    {5, 10, 0, false},
        {0, 1, 100, true},   {-10, 10, 100, false}, {-10, 11, 100, true}, {99, 50, 100, true},
        {100, 1, 100, false}, {-5, 200, 100, true}, {50, 100, 100, true},
    };
    static const uint32_t bases[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffffff9c, 12345};
    for (unsigned b = 0; b < COUNT_OF(bases); b++) {
        for (unsigned i = 0; i < COUNT_OF(rows); i++) {
            struct tcb tcb = block(bases[b], rows[i].wnd);
            struct segment seg = {.seq = seq_of(bases[b] + (uint32_t)rows[i].offset),
                                  .len = rows[i].len};
            if (segment_acceptable(&tcb, &seg) != rows[i].acceptable)
                fail_msg("row %u at base %u", i, bases[b]);
        }
    }
}

/* EVIDENCE 9293-3.8.6x-4 9293-MUST-39 9293-SHLD-14 */
static void the_edge_moves_in_worthwhile_steps(void **state)
{
    (void)state;
    struct tcb tcb = block(1000, 0);
    tcb.rcv_buf_bytes = 10000;
    tcb.rx.len = 10000;
    assert_int_equal(window_to_offer(&tcb), 0);
    for (uint32_t freed = 1; freed < 1460; freed += 7) {
        tcb.rx.len = 10000 - freed;
        assert_int_equal(window_to_offer(&tcb), 0);
        assert_false(window_worth_telling(&tcb));
    }
    tcb.rx.len = 10000 - 1460;
    assert_int_equal(window_to_offer(&tcb), 1460);
    assert_true(window_worth_telling(&tcb));
    tcb.rcv.wnd = 8000; /* a buffer made smaller takes nothing back */
    tcb.rcv_buf_bytes = 4000;
    tcb.rx.len = 0;
    assert_int_equal(window_to_offer(&tcb), 8000);
    tcb.rcv_buf_bytes = 1000; /* half of a small buffer is enough of a step */
    tcb.rcv.wnd = 0;
    tcb.rx.len = 501;
    assert_int_equal(window_to_offer(&tcb), 0);
    tcb.rx.len = 500;
    assert_int_equal(window_to_offer(&tcb), 500);
}

/* EVIDENCE 7323-06 9293-REC-1 */
static void scaling_of_the_field(void **state)
{
    (void)state;
    uint32_t offered;
    struct tcb tcb = block(0, 0);
    tcb.rcv_wscale = 14;
    tcb.rcv_buf_bytes = UINT32_C(1) << 30;
    assert_int_equal(window_field(&tcb, false, &offered), 65535);
    assert_int_equal(offered, UINT32_C(65535) << 14);
    tcb.rcv_wscale = 7;
    tcb.rcv_buf_bytes = 100001; /* a new edge is rounded down */
    assert_int_equal(window_field(&tcb, false, &offered), 100001 / 128);
    assert_int_equal(offered, 100001 / 128 * 128);
    tcb.rcv.wnd = 1001; /* an old edge never moves back */
    tcb.rcv_buf_bytes = 1001;
    assert_int_equal(window_field(&tcb, false, &offered), 8);
    assert_true(offered >= 1001);
    /* nor does rounding carry it far beyond the buffer: what was promised stays so, untold */
    tcb.rx.len = 102;
    assert_int_equal(window_field(&tcb, false, &offered), 8);
    tcb.rx.len = 103;
    assert_int_equal(window_field(&tcb, false, &offered), 7);
    assert_int_equal(offered, 1001);
    /* A step of a segment is less than a unit, less than half of one is left of the old edge. */
    tcb.rcv_wscale = 11;
    tcb.rcv_mss = 1460;
    tcb.rcv_buf_bytes = 4096;
    tcb.rx.len = 536;
    tcb.rcv.wnd = 2100;
    assert_int_equal(window_field(&tcb, false, &offered), 1);
    assert_int_equal(offered, 2100);
    tcb.rcv.wnd = 2000; /* and here it lies right of it */
    assert_int_equal(window_field(&tcb, false, &offered), 1);
    assert_int_equal(offered, 2048);
    tcb.rcv_wscale = 7;
    tcb.rx.len = 0;
    tcb.rcv.wnd = 0;
    tcb.rcv_buf_bytes = 200000;
    assert_int_equal(window_field(&tcb, true, &offered), 65535); /* never scaled on a SYN */
    assert_int_equal(offered, 65535);
}

/* EVIDENCE 9293-3.10.7.4e-7 1122-02 9293-3.8.6x-2 7323-04 */
static void only_newer_segments_change_the_send_window(void **state)
{
    (void)state;
    static const struct {
        uint32_t seq, ack;
        bool taken;
    } rows[] = {
        {500, 1000, true}, {501, 1000, true},  {499, 1500, false}, {500, 999, false},
        {501, 999, false}, {500, 2001, false}, {501, 1500, true},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct tcb tcb = block(0, 0);
        tcb.snd.una = seq_of(1000);
        tcb.snd.nxt = seq_of(2000);
        tcb.snd.wnd = 5000;
        tcb.snd.wl1 = seq_of(500);
        tcb.snd.wl2 = seq_of(1000);
        tcb.snd_wscale = 2;
        struct segment seg = {
            .seq = seq_of(rows[i].seq), .ack = seq_of(rows[i].ack), .flags = TCP_ACK, .wnd = 10};
        window_update(&tcb, &seg);
        if (tcb.snd.wnd != (rows[i].taken ? 40u : 5000u))
            fail_msg("row %u: window %u", i, tcb.snd.wnd);
    }
    struct tcb tcb = block(0, 0);
    tcb.snd_wscale = 7;
    struct segment syn = {.flags = TCP_SYN | TCP_ACK, .wnd = 65535};
    assert_int_equal(window_scaled(&tcb, &syn), 65535);
}

static void the_buffer_grows_with_use(void **state)
{
    (void)state;
    struct tcb tcb = block(0, 0);
    tcb.rcv_buf_bytes = 1000;
    tcb.set.rcv_buf_bytes_max = 3000;
    tcb.rx.len = 1; /* a program that does not keep up gains nothing */
    window_grow(&tcb, 5000);
    assert_int_equal(tcb.rcv_buf_bytes, 1000);
    tcb.rx.len = 0;
    window_grow(&tcb, 999);
    assert_int_equal(tcb.rcv_buf_bytes, 1000);
    window_grow(&tcb, 1);
    assert_int_equal(tcb.rcv_buf_bytes, 2000);
    window_grow(&tcb, 2000);
    assert_int_equal(tcb.rcv_buf_bytes, 3000);
    window_grow(&tcb, 100000);
    assert_int_equal(tcb.rcv_buf_bytes, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_rows),
        cmocka_unit_test(the_edge_moves_in_worthwhile_steps),
        cmocka_unit_test(scaling_of_the_field),
        cmocka_unit_test(only_newer_segments_change_the_send_window),
        cmocka_unit_test(the_buffer_grows_with_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
