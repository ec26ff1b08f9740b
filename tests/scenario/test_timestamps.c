/* SPDX-License-Identifier: MIT */
/* Timestamps and PAWS on the wire (RFC 7323 3 to 5, Appendix A). */
#include "scenario/flight.h"

static const bool families[] = {false, true};

static void start(struct peer *p, bool v6)
{
    peer_start(p, v6, NULL);
    peer_accept(p, PEER_MSS | PEER_SACK | PEER_TS);
}

/* n octets of text at seq with this TSval; a small segment ends what a program sent. */
static void text(struct peer *p, uint32_t seq, uint32_t n, uint32_t ts_val)
{
    p->ts_val = ts_val;
    peer_in(p, n < 1448 ? P | A : A, seq, 1 + p->written, n);
}

/* The next segment is a plain ACK that echoes this. */
static void out_echo(struct peer *p, uint32_t ack, uint32_t ts_ecr)
{
    const struct peer_segment *got = peer_out(p, A, 1 + p->written, ack, 0);
    assert_int_equal(got->seg.options & TCP_OPT_TIMESTAMPS, TCP_OPT_TIMESTAMPS);
    assert_int_equal(got->seg.ts_ecr, ts_ecr);
}

/* EVIDENCE 7323-11 7323-16 */
static void who_gets_the_option(void **state)
{
    (void)state;
    for (unsigned with = 0; with < 2; with++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, with ? PEER_ALL : PEER_MSS | PEER_SACK);
        syn.ts_ecr = 12345; /* without an ACK it means nothing */
        peer_inject(&p, &syn);
        const struct peer_segment *got = peer_out(&p, S | A, 0, 1, 0);
        assert_int_equal(got->seg.options & TCP_OPT_TIMESTAMPS, with ? TCP_OPT_TIMESTAMPS : 0);
        assert_int_equal(got->seg.ts_ecr, with ? p.ts_val : 0);
        p.timestamps = with != 0;
        peer_pass(&p, 50 * MS);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        assert_int_equal(peer_info(&p).has_timestamps, with);
        assert_int_equal(peer_info(&p).srtt_ns, 50 * MS);
        peer_end(&p);
    }
    struct peer p;
    peer_start(&p, false, NULL);
    peer_open(&p);
    const struct peer_segment *syn = peer_out(&p, S, 0, 0, 0);
    assert_int_equal(syn->seg.options & TCP_OPT_TIMESTAMPS, TCP_OPT_TIMESTAMPS);
    assert_int_equal(syn->seg.ts_ecr, 0);
    peer_end(&p);
}

static void impatient(struct hawser_config *config)
{
    config->keepalive_idle_ns = config->keepalive_interval_ns = NS_PER_S;
}

/* Every segment that came out since the beginning. */
static void all_carry_it(const struct peer *p, unsigned at_least)
{
    if (p->out_count < at_least)
        fail_msg("only %u segments", p->out_count);
    for (unsigned i = 0; i < p->out_count; i++) {
        bool has = (p->out[i].seg.options & TCP_OPT_TIMESTAMPS) != 0;
        if (!has && !(p->out[i].seg.flags & R))
            fail_msg("segment %u, flags %#x, has no timestamp", i, p->out[i].seg.flags);
    }
}

/* Data, sent again too, ACKs of all kinds, probes, keep-alives, FIN, TIME-WAIT. EVIDENCE 7323-12 */
static void every_segment_carries_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], impatient);
        peer_accept(&p, PEER_ALL);
        uint32_t mss = peer_info(&p).send_mss_bytes;
        peer_write(&p, 20 * mss + 7);
        const uint32_t edges[] = {1 + mss, 1 + 5 * mss};
        peer_in_sack(&p, 1, 1, 1, edges); /* fast retransmit */
        peer_pass(&p, 5 * NS_PER_S);      /* timeouts */
        while (peer_info(&p).send_queue_bytes > 0)
            peer_in(&p, A, 1, peer_info(&p).snd_nxt - p.host_isn.v, 0);
        text(&p, 1, 100, 6000);
        peer_pass(&p, NS_PER_S);                   /* a delayed ACK */
        text(&p, 501, 100, 6001);                  /* a duplicate ACK with SACK */
        text(&p, 1, 50, 6002);                     /* an old segment */
        text(&p, 500000, 50, 6003);                /* beyond the window */
        peer_in(&p, S | A, 101, 1 + p.written, 0); /* a challenge ACK */
        peer_in(&p, R, 102, 0, 0);                 /* another */
        text(&p, 101, 400, 6004);                  /* the hole */
        peer_read(&p, 600);
        assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_KEEPALIVE, 1), 0);
        peer_pass(&p, 3 * NS_PER_S); /* keep-alives */
        p.ts_val = 6100;
        peer_in_wnd(&p, A, 601, 1 + p.written, 0, 0);
        peer_write(&p, 100);
        peer_pass(&p, 5 * NS_PER_S); /* window probes */
        peer_in_wnd(&p, A, 601, 1 + p.written - 100, 0, 1000);
        peer_in(&p, A, 601, 1 + p.written, 0);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        peer_pass(&p, NS_PER_S); /* FIN, and again */
        peer_in(&p, A, 601, 2 + p.written, 0);
        peer_in(&p, F | A, 601, 2 + p.written, 0);
        assert_int_equal(peer_state(&p), HAWSER_TIME_WAIT);
        peer_in(&p, F | A, 601, 2 + p.written, 0);
        peer_in(&p, A, 500, 2 + p.written, 0);
        all_carry_it(&p, 40);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* Half-open, simultaneous, closing: what other blocks than an established one send.
 * EVIDENCE 7323-12 */
static void in_every_state_it_is_carried(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {
        HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1, HAWSER_FIN_WAIT_2, HAWSER_CLOSE_WAIT,
        HAWSER_CLOSING,     HAWSER_LAST_ACK,   HAWSER_TIME_WAIT};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        start(&p, false);
        peer_to_state(&p, states[i]);
        p.ts_val++;
        for (uint32_t seq = 0; seq < 100000; seq += 30000)
            peer_in(&p, P | A, 1 + seq, 1, 10);
        peer_in(&p, S, 1, 0, 0);
        peer_pass(&p, 2 * NS_PER_S);
        all_carry_it(&p, 3);
        peer_drop_out(&p);
        peer_end(&p);
    }
    struct peer p;
    peer_start(&p, false, NULL); /* SYN-RECEIVED: the request of a listener */
    peer_listen(&p, 4);
    struct segment syn = peer_syn_options(&p, PEER_ALL);
    peer_inject(&p, &syn);
    p.timestamps = true;
    peer_in(&p, A, 70000, 1, 10);
    peer_pass(&p, 5 * NS_PER_S);
    all_carry_it(&p, 4);
    peer_drop_out(&p);
    peer_end(&p);
    peer_start(&p, false, NULL); /* and of two SYNs that crossed */
    peer_open(&p);
    syn = peer_syn_options(&p, PEER_ALL);
    peer_inject(&p, &syn);
    p.timestamps = true;
    peer_in(&p, A, 70000, 1, 10);
    peer_pass(&p, 5 * NS_PER_S);
    all_carry_it(&p, 4);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 7323-14 */
static void a_segment_without_it_is_taken(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    p.timestamps = false; /* a middlebox strips them */
    for (uint32_t i = 0; i < 20; i++) {
        peer_in(&p, P | A, 1 + i * 100, 1 + p.written, 100);
        peer_write(&p, 50);
        const struct peer_segment *got = peer_out(&p, P | A, 1 + i * 50, 101 + i * 100, 50);
        assert_int_equal(got->seg.options & TCP_OPT_TIMESTAMPS, TCP_OPT_TIMESTAMPS);
        peer_in(&p, A, 101 + i * 100, 1 + p.written, 0);
    }
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    p.timestamps = true;
    peer_in(&p, F | A, 2001, 1 + p.written, 0);
    peer_out(&p, A, 1 + p.written, 2002, 0);
    peer_read(&p, 2000);
    peer_end(&p);
}

/* EVIDENCE 7323-15 */
static void not_negotiated_it_is_ignored(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    accept_after(&p, PEER_MSS, 50 * MS);
    uint64_t srtt = peer_info(&p).srtt_ns;
    p.timestamps = true;
    text(&p, 1, 1460, 9000);
    text(&p, 1461, 1460, 0xf0000000); /* nor is there an old one */
    assert_int_equal(peer_out(&p, A, 1, 2921, 0)->seg.options, 0);
    peer_write(&p, 100);
    assert_int_equal(peer_out(&p, P | A, 1, 2921, 100)->seg.options, 0);
    peer_pass(&p, NS_PER_S);
    peer_out(&p, P | A, 1, 2921, 100);
    p.ts_ecr = 1; /* of a segment that was sent again: no sample */
    peer_in(&p, A, 2921, 101, 0);
    assert_int_equal(peer_info(&p).srtt_ns, srtt);
    peer_read(&p, 2920);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 7323-18 */
static void only_an_ack_of_new_data_is_measured(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    accept_after(&p, PEER_MSS | PEER_TS | PEER_SACK, 50 * MS);
    peer_write(&p, 10000);
    peer_drop_out(&p);
    uint32_t now = p.ts_ecr;
    struct hawser_tcp_info before = peer_info(&p);
    for (uint32_t i = 1; i < 2000; i += 100) { /* odd echoes, on duplicates and on text */
        p.ts_ecr = now - i;
        p.ts_val++;
        peer_in(&p, A, 1, 1, 0);
        peer_in(&p, P | A, 1 + p.read, 1, 10);
        peer_read(&p, 10);
    }
    struct hawser_tcp_info after = peer_info(&p);
    assert_int_equal(after.rtt_samples, before.rtt_samples);
    assert_int_equal(after.srtt_ns, before.srtt_ns);
    assert_int_equal(after.rto_ns, before.rto_ns);
    peer_drop_out(&p);
    peer_pass(&p, 50 * MS);
    p.ts_ecr = now;
    peer_in(&p, A, 1 + p.read, 1449, 0);
    assert_int_equal(peer_info(&p).rtt_samples, before.rtt_samples + 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 7323-20 7323-23 */
static void a_delayed_ack_echoes_the_earliest(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    text(&p, 1, 1448, 7001);
    text(&p, 1449, 1448, 7002);
    out_echo(&p, 2897, 7001);
    text(&p, 2897, 1448, 7003); /* begins at Last.ACK.sent: taken */
    peer_pass(&p, 50 * MS);
    out_echo(&p, 4345, 7003);
    text(&p, 4345, 10, 7004);
    text(&p, 4355, 10, 7005);
    text(&p, 4365, 10, 7006);
    peer_pass(&p, 50 * MS);
    out_echo(&p, 4375, 7004);
    peer_end(&p);
}

/* The examples of RFC 7323 4.3. EVIDENCE 7323-21 7323-22 7323-23 */
static void holes_echo_what_came_in_order(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    text(&p, 1, 1448, 7001); /* A */
    peer_pass(&p, 50 * MS);
    out_echo(&p, 1449, 7001);
    text(&p, 2897, 1448, 7003); /* C */
    out_echo(&p, 1449, 7001);
    text(&p, 1449, 1448, 7002); /* B: beyond A's, though before C's */
    out_echo(&p, 4345, 7002);
    text(&p, 7241, 1448, 7006); /* F */
    out_echo(&p, 4345, 7002);
    text(&p, 5793, 1448, 7005); /* E */
    out_echo(&p, 4345, 7002);
    text(&p, 4345, 1448, 7004); /* D */
    out_echo(&p, 8689, 7004);
    peer_end(&p);
}

/* EVIDENCE 7323-24 */
static void old_timestamps_are_refused(void **state)
{
    (void)state;
    static const uint32_t starts[] = {5000, 0x80000000, 5}; /* across both ends of the clock */
    for (unsigned i = 0; i < COUNT_OF(starts); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        p.ts_val = starts[i];
        peer_accept(&p, PEER_MSS | PEER_TS);
        text(&p, 1, 100, starts[i] + 10);
        peer_pass(&p, 50 * MS);
        out_echo(&p, 101, starts[i] + 10);
        static const uint32_t old[] = {9, UINT32_MAX - 1000, 11 + 0x80000000u};
        for (unsigned k = 0; k < COUNT_OF(old); k++) {
            text(&p, 101, 50, starts[i] + old[k]);
            out_echo(&p, 101, starts[i] + 10); /* at once, and nothing is taken */
            peer_quiet(&p);
            text(&p, 900000, 50, starts[i] + old[k]); /* before the window is looked at */
            out_echo(&p, 101, starts[i] + 10);
        }
        assert_int_equal(peer_info(&p).receive_queue_bytes, 100);
        assert_int_equal(hawser_counters_of(p.host)->paws_refused, 6);
        text(&p, 101, 50, starts[i] + 10); /* equal is not old */
        text(&p, 151, 50, starts[i] + 11);
        peer_read(&p, 200);
        peer_pass(&p, 50 * MS);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 7323-25 */
static void resets_are_never_old(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    text(&p, 1, 100, 7000);
    peer_pass(&p, 50 * MS);
    out_echo(&p, 101, 7000);
    p.ts_val = 9999;
    peer_in(&p, R, 102, 0, 0); /* not exact: challenged; its timestamp is not taken */
    out_echo(&p, 101, 7000);
    p.ts_val = 1;
    peer_in(&p, R, 101, 0, 0);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
    peer_end(&p);
}

/* EVIDENCE 7323-27 */
static void what_was_queued_is_not_judged_again(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    for (uint32_t i = 1; i <= 20; i++) { /* C to Z, early */
        text(&p, 1 + i * 100, 100, 7001);
        peer_drop_out(&p);
    }
    text(&p, 1, 100, 8000); /* B: now 7001 is old */
    out_echo(&p, 2101, 8000);
    peer_read(&p, 2100);
    text(&p, 2101, 100, 7001);
    out_echo(&p, 2101, 8000);
    peer_end(&p);
}

/* A tick is between 59 ns and what 2^31 octets at any speed would allow, and it wraps in 49 days.
 * EVIDENCE 7323-28 */
static void the_clock_ticks_each_millisecond(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    static const uint64_t waits[] = {MS, 10 * MS, 999 * MS, 240 * NS_PER_S, 86400 * NS_PER_S};
    peer_write(&p, 10);
    uint32_t last = peer_next(&p)->seg.ts_val;
    for (unsigned i = 0; i < COUNT_OF(waits); i++) {
        peer_in(&p, A, 1, 1 + p.written, 0);
        peer_pass(&p, waits[i]);
        peer_write(&p, 10);
        uint32_t now = peer_next(&p)->seg.ts_val;
        assert_int_equal(now - last, waits[i] / MS);
        last = now;
    }
    peer_end(&p);
}

/* EVIDENCE 7323-32 */
static void paws_comes_with_path_mtu_discovery(void **state)
{
    (void)state;
    struct peer p;
    start(&p, false);
    peer_write(&p, 5000);
    for (unsigned i = 0; i < p.out_count; i++)
        assert_true(p.out[i].dont_fragment);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 7323-34 */
static void the_layout_is_aligned(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        start(&p, families[i]);
        peer_write(&p, 5000);
        uint32_t ip = families[i] ? 40 : 20;
        while (peer_pending(&p) > 0) {
            const struct peer_segment *got = peer_next(&p);
            static const uint8_t head[] = {1, 1, 8, 10}; /* NOP NOP TS */
            assert_memory_equal(got->frame + ip + 20, head, sizeof head);
            assert_int_equal(got->frame[ip + 12] >> 4, 8); /* 32 octets of header */
            if (got->seg.text_len >= 1000) {
                assert_int_equal(got->seg.text_len, families[i] ? 1428 : 1448);
                assert_int_equal(got->packet_bytes, 1500);
            }
        }
        peer_end(&p);
    }
}

/* A stranger knows what comes next, but not what is outstanding: his timestamp must not make the
 * peer's own look old (RFC 5961 5). */
static void a_strangers_timestamp_is_forgotten(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct peer p;
        start(&p, false);
        uint32_t before = p.ts_val;
        p.ts_val = before + 1000000;
        struct segment forged = {.flags = A, .seq = seq_add(p.peer_isn, 1)};
        forged.ack = seq_add(p.host_isn, i & 1 ? 1u << 30 : 1u << 31);
        forged.text_len = i & 2 ? 100 : 0;
        forged.wnd = 1000;
        forged.options = TCP_OPT_TIMESTAMPS;
        forged.ts_val = p.ts_val;
        peer_inject(&p, &forged);
        peer_pull(&p);
        peer_drop_out(&p);
        text(&p, 1, 100, before + 1);
        peer_read(&p, 100);
        peer_drop_out(&p);
        assert_int_equal(hawser_counters_of(p.host)->paws_refused, 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_the_option),
        cmocka_unit_test(every_segment_carries_it),
        cmocka_unit_test(in_every_state_it_is_carried),
        cmocka_unit_test(a_segment_without_it_is_taken),
        cmocka_unit_test(not_negotiated_it_is_ignored),
        cmocka_unit_test(only_an_ack_of_new_data_is_measured),
        cmocka_unit_test(a_delayed_ack_echoes_the_earliest),
        cmocka_unit_test(holes_echo_what_came_in_order),
        cmocka_unit_test(old_timestamps_are_refused),
        cmocka_unit_test(resets_are_never_old),
        cmocka_unit_test(what_was_queued_is_not_judged_again),
        cmocka_unit_test(the_clock_ticks_each_millisecond),
        cmocka_unit_test(paws_comes_with_path_mtu_discovery),
        cmocka_unit_test(the_layout_is_aligned),
        cmocka_unit_test(a_strangers_timestamp_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
