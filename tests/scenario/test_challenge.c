/* SPDX-License-Identifier: MIT */
/* Blind attacks (RFC 5961): SYNs, RSTs and ACKs whose numbers were guessed, in every state; what
 * they draw, and how much of it. */
#include "scenario/forge.h"

static const bool families[] = {false, true};

static const enum hawser_state synchronized[] = {
    HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1, HAWSER_FIN_WAIT_2, HAWSER_CLOSE_WAIT,
    HAWSER_CLOSING,     HAWSER_LAST_ACK,   HAWSER_TIME_WAIT,
};

/* A connection in a state, with the numbers that the host expects and uses. */
static struct hawser_tcp_info reach(struct peer *p, bool v6, enum hawser_state state,
                                    peer_tune *tune)
{
    peer_start(p, v6, tune);
    peer_accept(p, PEER_MSS);
    peer_to_state(p, state);
    struct hawser_tcp_info info = peer_info(p);
    if (state == HAWSER_TIME_WAIT)
        info.rcv_wnd = 65535;
    return info;
}

static void inject(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack)
{
    struct segment seg = {.flags = (uint8_t)flags, .seq = seq_of(seq), .wnd = 65535};
    if (flags & A)
        seg.ack = seq_of(ack);
    peer_inject(p, &seg);
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and nothing has changed. */
static void expect_challenge(struct peer *p, const struct hawser_tcp_info *info,
                             enum hawser_state state)
{
    const struct peer_segment *out = peer_next(p);
    assert_int_equal(out->seg.flags, A);
    assert_int_equal(out->seg.seq.v, info->snd_nxt);
    assert_int_equal(out->seg.ack.v, info->rcv_nxt);
    assert_int_equal(out->seg.text_len, 0);
    peer_quiet(p);
    assert_int_equal(peer_tuple_state(p), state);
}

/* EVIDENCE 5961-05 9293-3.10.7.4d-2 */
static void a_syn_draws_one_ack_wherever_it_lies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families) * COUNT_OF(synchronized); i++) {
        enum hawser_state in = synchronized[i / 2];
        for (unsigned n = 0; n < 12; n++) {
            struct peer p;
            struct hawser_tcp_info info = reach(&p, families[i % 2], in, NULL);
            /* TIME-WAIT may be reopened by a SYN behind RCV.NXT: that is another test's. */
            const uint32_t offsets[] = {in == HAWSER_TIME_WAIT ? UINT32_MAX : 0,
                                        in == HAWSER_TIME_WAIT ? UINT32_MAX - 9 : 1,
                                        in == HAWSER_TIME_WAIT ? UINT32_MAX : info.rcv_wnd - 1,
                                        UINT32_MAX,
                                        UINT32_MAX - 100000,
                                        (1u << 31) + 1};
            inject(&p, n % 2 ? S | A : S, info.rcv_nxt + offsets[n / 2], info.snd_nxt);
            expect_challenge(&p, &info, in);
            assert_int_equal(hawser_counters_of(p.host)->challenge_acks, 1);
            peer_end(&p);
        }
    }
}

/* EVIDENCE 5961-01 5961-02 5961-03 */
static void a_rst_must_be_exact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families) * COUNT_OF(synchronized); i++) {
        enum hawser_state in = synchronized[i / 2];
        if (in == HAWSER_TIME_WAIT)
            continue; /* RFC 1337: test_time_wait.c */
        for (unsigned n = 0; n < 10; n++) {
            struct peer p;
            struct hawser_tcp_info info = reach(&p, families[i % 2], in, NULL);
            const uint32_t offsets[] = {1, info.rcv_wnd - 1, UINT32_MAX, info.rcv_wnd, 0};
            inject(&p, n % 2 ? R | A : R, info.rcv_nxt + offsets[n / 2], info.snd_nxt);
            if (n / 2 < 2)
                expect_challenge(&p, &info, in);
            peer_quiet(&p);
            assert_int_equal(peer_tuple_state(&p), n / 2 == 4 ? HAWSER_CLOSED : in);
            assert_int_equal(hawser_counters_of(p.host)->resets_in, n / 2 == 4);
            peer_end(&p);
        }
    }
}

static void without_rfc1337(struct hawser_config *config)
{
    config->rfc1337 = false;
}

/* The end that has lost its memory answers our ACK with a RST that is exact: the connection is
 * over, and the SYN that it repeats begins a new one. TIME-WAIT too, where RFC 1337 does not stop
 * it. EVIDENCE 5961-06 */
static void the_other_end_has_rebooted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families) * COUNT_OF(synchronized); i++) {
        enum hawser_state in = synchronized[i / 2];
        struct peer p;
        struct hawser_tcp_info info = reach(&p, families[i % 2], in, without_rfc1337);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        syn.seq = seq_of(info.rcv_nxt - 5000000);
        peer_inject(&p, &syn);
        const struct peer_segment *ack = peer_next(&p);
        assert_int_equal(ack->seg.flags, A);
        inject(&p, R, ack->seg.ack.v, 0); /* RFC 9293 3.10.7.3: SEQ=SEG.ACK */
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        bool told = in == HAWSER_ESTABLISHED || in == HAWSER_FIN_WAIT_1 ||
                    in == HAWSER_FIN_WAIT_2 || in == HAWSER_CLOSE_WAIT;
        assert_int_equal(peer_info(&p).error, told ? HAWSER_ERR_RESET : 0);
        p.peer_isn = syn.seq;
        peer_accept(&p, PEER_MSS);
        peer_end(&p);
    }
}

static void twenty_in_a_second(struct hawser_config *config)
{
    config->challenge_acks = 20;
    config->challenge_interval_ns = NS_PER_S;
}

/* A thousand guesses in a second, of one kind or of all, draw as many ACKs as the budget allows;
 * the next interval has its own. EVIDENCE 5961-09 */
static void a_flood_of_guesses(void **state)
{
    (void)state;
    static const unsigned kinds[] = {S, R, S | A, A};
    for (unsigned i = 0; i < COUNT_OF(synchronized) * 2 * (COUNT_OF(kinds) + 1); i++) {
        enum hawser_state in = synchronized[i % COUNT_OF(synchronized)];
        bool tuned = i / COUNT_OF(synchronized) % 2;
        unsigned kind = i / COUNT_OF(synchronized) / 2;
        struct peer p;
        struct hawser_tcp_info info = reach(&p, i % 2, in, tuned ? twenty_in_a_second : NULL);
        p.now_ns = (p.now_ns / (5 * NS_PER_S) + 1) * 5 * NS_PER_S; /* where a record counts from */
        unsigned budget = tuned ? 20 : 10;
        if (in == HAWSER_TIME_WAIT && budget > 15)
            budget = 15; /* the record counts in four bits */
        for (unsigned round = 0; round < 2; round++) {
            unsigned answers = 0;
            uint64_t start = p.now_ns;
            for (unsigned n = 0; n < 1000; n++) {
                unsigned flags = kinds[kind < COUNT_OF(kinds) ? kind : n % 3];
                if (flags & R && in == HAWSER_TIME_WAIT)
                    flags = S;
                /* in the window for a RST, left of it for all others */
                inject(&p, flags, flags & R ? info.rcv_nxt + 1 + n : info.rcv_nxt - 10 - n,
                       info.snd_nxt);
                p.now_ns += NS_PER_MS / 2;
                while (peer_pending(&p) > 0)
                    answers += peer_next(&p)->seg.flags == A && p.now_ns < start + NS_PER_S;
            }
            assert_in_range(answers, budget, budget);
            p.now_ns = start + 5 * NS_PER_S;
            peer_drop_out(&p);
        }
        assert_int_equal(peer_tuple_state(&p), in);
        peer_end(&p);
    }
}

/* What is spent on one connection is seen on no other: a budget for the whole host would be a way
 * to find out whether a connection exists (CVE-2016-5696). EVIDENCE 5961-09 */
static void budgets_are_no_side_channel(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        seq_t victim = p.host_isn;
        for (unsigned n = 1; n <= 20; n++) {
            p.peer_port++;
            peer_accept(&p, PEER_MSS);
            for (unsigned k = 0; k < 50; k++)
                peer_in(&p, R, 100 + k, 0, 0);
            assert_int_equal(peer_pending(&p), 10);
            peer_drop_out(&p);
        }
        p.peer_port = PEER_PORT;
        p.host_isn = victim;
        for (unsigned k = 0; k < 10; k++) {
            peer_in(&p, S, 100 + k, 0, 0);
            peer_out(&p, A, 1, 1, 0);
        }
        peer_in(&p, S, 100, 0, 0);
        peer_quiet(&p);
        peer_in(&p, P | A, 1, 1, 10); /* honest text is acknowledged whatever was spent */
        peer_pass_until_out(&p, NS_PER_S);
        peer_out(&p, A, 1, 11, 0);
        peer_in(&p, P | A, 1, 1, 10);
        peer_out(&p, A, 1, 11, 0);
        peer_end(&p);
    }
}

/* A half-open request is attacked before it is a connection. EVIDENCE 5961-09 5961-02 */
static void guesses_at_a_half_open_request(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        unsigned answers = 0;
        peer_start(&p, families[i], NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        for (unsigned n = 0; n < 500; n++) {
            peer_in(&p, R, 2 + n, 0, 0);
            peer_in(&p, A, 100000 + n, 1, 0);
            p.now_ns += NS_PER_MS;
        }
        for (; peer_pending(&p) > 0; answers++)
            peer_out(&p, A, 1, 1, 0);
        assert_int_equal(answers, 10);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_draws_one_ack_wherever_it_lies),
        cmocka_unit_test(a_rst_must_be_exact),
        cmocka_unit_test(the_other_end_has_rebooted),
        cmocka_unit_test(a_flood_of_guesses),
        cmocka_unit_test(budgets_are_no_side_channel),
        cmocka_unit_test(guesses_at_a_half_open_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
