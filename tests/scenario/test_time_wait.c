/* SPDX-License-Identifier: MIT */
/* TIME-WAIT: how long it lasts, who may end it, and who may take it over (RFC 9293 3.6.1 and
 * 3.10.7.4, RFC 1337, RFC 6191). */
#include "scenario/forge.h"

static const bool families[] = {false, true};

static struct hawser_usage usage_of(const struct peer *p)
{
    struct hawser_usage usage;
    hawser_usage_of(p->host, &usage);
    return usage;
}

/* From CLOSED to a record whose program is gone. The host has sent `ours` octets, the peer none;
 * the host opened when active. */
static void reach_record(struct peer *p, unsigned options, bool active, uint32_t ours)
{
    if (active)
        peer_connect(p, options);
    else
        peer_accept(p, options);
    for (uint32_t sent = 0; sent < ours;) {
        uint32_t n = ours - sent < 5000 ? ours - sent : 5000;
        peer_write(p, n);
        sent += n;
        peer_drop_out(p);
        peer_in(p, A, 1, 1 + sent, 0);
        peer_drop_out(p);
    }
    assert_int_equal(hawser_close(p->host, p->tcp), 0);
    peer_out(p, F | A, 1 + ours, 1, 0);
    peer_in(p, F | A, 1, 2 + ours, 0);
    peer_out(p, A, 2 + ours, 2, 0);
    assert_int_equal(peer_tuple_state(p), HAWSER_TIME_WAIT);
    assert_int_equal(usage_of(p).connections, 0);
    assert_int_equal(usage_of(p).timewaits, 1);
}

/* ---- its time ---- */

static void msl_of_five_seconds(struct hawser_config *config)
{
    config->msl_ns = 5 * NS_PER_S;
}

/* 2 MSL to the millisecond, and MSL is one setting. A FIN that comes again begins them anew.
 * EVIDENCE 9293-MUST-13 9293-3.4.3-3 9293-3.10.7.4h-7 9293-3.10.8-3 */
static void it_lasts_two_msl(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        uint64_t two_msl = i < 2 ? 60 * NS_PER_S : 10 * NS_PER_S;
        peer_start(&p, families[i % 2], i < 2 ? NULL : msl_of_five_seconds);
        reach_record(&p, PEER_MSS, false, 0);
        peer_pass(&p, two_msl - 1);
        assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
        peer_in(&p, F | A, 1, 2, 0);
        peer_out(&p, A, 2, 2, 0);
        uint64_t again = p.now_ns;
        peer_pass(&p, two_msl - 1);
        assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
        peer_pass(&p, NS_PER_MS);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        assert_in_range(p.now_ns - again, two_msl, two_msl + NS_PER_MS);
        assert_int_equal(usage_of(&p).timewaits, 0);
        peer_in(&p, F | A, 1, 2, 0); /* nobody remembers */
        peer_out_rst(&p, R, seq_add(p.host_isn, 2), seq_of(0));
        peer_end(&p);
    }
}

static void without_rfc1337(struct hawser_config *config)
{
    config->rfc1337 = false;
}

/* A reset ends it only when that is configured, and only an exact one.
 * EVIDENCE 1337-01 9293-3.10.7.4b-7 5961-01 5961-02 5961-03 */
static void resets(void **state)
{
    (void)state;
    static const struct {
        bool off;
        uint32_t seq; /* 2 is RCV.NXT */
        bool answer, ends;
    } rows[] = {
        {false, 2, false, false}, {false, 3, false, false},       {false, 1, false, false},
        {true, 2, false, true},   {true, 3, true, false},         {true, 1, false, false},
        {true, 0, false, false},  {true, 1u << 30, false, false},
    };
    for (unsigned i = 0; i < COUNT_OF(rows) * COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i % 2], rows[i / 2].off ? without_rfc1337 : NULL);
        reach_record(&p, PEER_MSS, false, 0);
        peer_in(&p, R, rows[i / 2].seq, 0, 0);
        if (rows[i / 2].answer)
            peer_out(&p, A, 2, 2, 0);
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), rows[i / 2].ends ? HAWSER_CLOSED : HAWSER_TIME_WAIT);
        bool ignored = !rows[i / 2].off && rows[i / 2].seq >= 2;
        assert_int_equal(hawser_counters_of(p.host)->timewait_resets_ignored, ignored);
        peer_end(&p);
    }
}

/* ---- a SYN takes it over ---- */

/* A SYN for the record's 4-tuple at a relative number; ts 0: without timestamps. */
static void inject_syn(struct peer *p, uint32_t seq, uint32_t ts)
{
    struct segment syn = peer_syn_options(p, PEER_MSS);
    syn.seq = seq_add(p->peer_isn, seq);
    if (ts != 0) {
        syn.options |= TCP_OPT_TIMESTAMPS;
        syn.ts_val = ts;
    }
    peer_inject(p, &syn);
}

#define TS_LAST 5000u /* TSval of the old incarnation's last segments */

/* Which SYN begins a new incarnation, and which is answered as an old duplicate. The peer's FIN
 * stood at 1. EVIDENCE 9293-MAY-2 9293-3.10.7.4d-3 6191-01 6191-02 6191-03 6191-04 6191-06 */
static void which_syn_takes_it_over(void **state)
{
    (void)state;
    static const struct {
        bool old_ts;
        uint32_t ts, seq;
        bool taken;
    } rows[] = {
        {false, 0, 1, false},
        {false, 0, 2, true},
        {false, 0, 100000, true},
        {false, 0, UINT32_MAX, false},
        {false, 0, (1u << 31) + 3, false},
        {false, 1, UINT32_MAX - 5000, true}, /* timestamps are new: nothing old has any */
        {true, TS_LAST + 1, UINT32_MAX - 5000, true},
        {true, TS_LAST + 1, 1, true},
        {true, TS_LAST + 1, 2, true},
        {true, TS_LAST, 1, false},
        {true, TS_LAST, 2, true},
        {true, TS_LAST - 1, 2, false},
        {true, TS_LAST - 1, 100000, false},
        {true, 0, 1, false},
        {true, 0, 2, true},
    };
    for (unsigned i = 0; i < COUNT_OF(rows) * COUNT_OF(families); i++) {
        struct peer p;
        unsigned row = i / 2;
        peer_start(&p, families[i % 2], NULL);
        p.ts_val = TS_LAST;
        reach_record(&p, rows[row].old_ts ? PEER_ALL : PEER_MSS, false, 0);
        seq_t old_isn = p.host_isn, old_end = seq_add(p.host_isn, 2);
        inject_syn(&p, rows[row].seq, rows[row].ts);
        const struct peer_segment *out = peer_next(&p);
        peer_quiet(&p);
        if (rows[row].taken) {
            assert_int_equal(out->seg.flags, S | A);
            assert_int_equal(out->seg.ack.v, p.peer_isn.v + rows[row].seq + 1);
            /* beyond everything that the old incarnation has sent or could have */
            assert_in_range(seq_diff(out->seg.seq, old_end), 65535, 1u << 30);
            assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
            assert_int_equal(hawser_counters_of(p.host)->timewait_reopened, 1);
        } else {
            assert_int_equal(out->seg.flags, A);
            assert_int_equal(out->seg.seq.v, old_isn.v + 2);
            assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
            assert_int_equal(hawser_counters_of(p.host)->timewait_reopened, 0);
        }
        peer_end(&p);
    }
}

/* The new incarnation is a connection like any other. EVIDENCE 9293-MAY-2 6191-07 */
static void the_new_incarnation_works(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        reach_record(&p, PEER_ALL, false, 100);
        uint32_t ts_of_host = p.ts_ecr;
        p.ts_val += 10;
        p.now_ns += 10 * NS_PER_MS;
        p.peer_isn = seq_add(p.peer_isn, 77777);
        peer_accept(&p, PEER_ALL);
        assert_true((int32_t)(p.ts_ecr - ts_of_host) > 0);
        assert_int_equal(usage_of(&p).timewaits, 0);
        peer_write(&p, 100);
        peer_out(&p, P | A, 1, 1, 100);
        peer_in(&p, P | A, 1, 101, 50);
        peer_read(&p, 50);
        peer_drop_out(&p);
        peer_to_state(&p, HAWSER_TIME_WAIT);
        peer_end(&p);
    }
}

/* The record as it was: its numbers, its answers, and 2 MSL from now on. */
static void check_resumed(struct peer *p, seq_t old_isn)
{
    assert_int_equal(peer_tuple_state(p), HAWSER_TIME_WAIT);
    assert_int_equal(usage_of(p).halfopens, 0);
    assert_int_equal(usage_of(p).timewaits, 1);
    assert_int_equal(usage_of(p).connections, 0);
    p->host_isn = old_isn;
    uint64_t resumed_at = p->now_ns;
    peer_pass(p, 30 * NS_PER_S);
    peer_in(p, A, 100000, 2, 0); /* out of the window: an ACK tells what it knows */
    peer_out(p, A, 2, 2, 0);
    peer_pass(p, resumed_at + 60 * NS_PER_S - 1 - p->now_ns);
    assert_int_equal(peer_tuple_state(p), HAWSER_TIME_WAIT);
    peer_pass(p, 2 * NS_PER_MS);
    assert_int_equal(peer_tuple_state(p), HAWSER_CLOSED);
    peer_quiet(p);
}

/* The SYN was an old duplicate after all: the peer resets what it does not know, or is silent, or a
 * router says that it is not there. TIME-WAIT goes on. EVIDENCE 9293-MAY-2 */
static void it_goes_on_when_the_handshake_proves_old(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i % 2], NULL);
        reach_record(&p, PEER_MSS, false, 0);
        seq_t old_isn = p.host_isn;
        peer_pass(&p, 10 * NS_PER_S);
        inject_syn(&p, 5000, 0);
        const struct peer_segment *out = peer_next(&p);
        assert_int_equal(out->seg.flags, S | A);
        if (i / 2 == 0) { /* RFC 9293 3.10.7.4e-3 of the peer: <SEQ=SEG.ACK><CTL=RST> */
            struct segment reset = {.flags = R, .seq = out->seg.ack};
            peer_inject(&p, &reset);
        } else if (i / 2 == 1) {
            peer_pass(&p, 63 * NS_PER_S); /* five times more */
            assert_int_equal(peer_pending(&p), 5);
            peer_drop_out(&p);
            assert_int_equal(hawser_counters_of(p.host)->halfopen_timeouts, 1);
        } else {
            bool v6 = families[i % 2];
            struct forged message = {.type = v6 ? 1 : 3, .code = v6 ? 4 : 3, .seq = out->seg.seq};
            forge_icmp(&p, &message);
        }
        check_resumed(&p, old_isn);
        peer_end(&p);
    }
}

/* Nobody listens any more: the SYN is answered for the record, which stays. And a listener that has
 * no place drops it: no cookie can keep the promise about the new number.
 * EVIDENCE 9293-3.10.7.4d-3 */
static void nobody_takes_the_syn(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        reach_record(&p, PEER_MSS, false, 0);
        assert_int_equal(hawser_close(p.host, p.listener), 0);
        inject_syn(&p, 5000, 0);
        peer_out(&p, A, 2, 2, 0);
        assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);

        struct hawser_listen_options options = {
            .local = {.port = p.host_port}, .backlog = 1, .reuse_address = true};
        assert_int_equal(hawser_listen(p.host, p.now_ns, &options, &p.listener), 0);
        uint16_t port = p.peer_port;
        p.only_own = true;
        p.peer_port = (uint16_t)(port + 1); /* takes the one place */
        inject_syn(&p, 0, 0);
        peer_drop_out(&p);
        p.peer_port = port;
        inject_syn(&p, 5000, 0);
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
        assert_int_equal(hawser_counters_of(p.host)->syn_cookies_sent, 0);
        assert_int_equal(usage_of(&p).timewaits, 1);
        peer_end(&p);
    }
}

/* Twenty incarnations of one 4-tuple, one after the other, each beginning beyond the end of the one
 * before, however much that has sent; and one more after TIME-WAIT.
 * EVIDENCE 6528-04 9293-MAY-2 6528-01 */
static void numbers_rise_over_incarnations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        seq_t end = seq_of(0), end_of_peer = p.peer_isn;
        for (unsigned n = 0; n < 21; n++) {
            uint32_t bytes = n % 3 == 0 ? 100 : n * 10000;
            p.peer_isn = seq_add(end_of_peer, 1000);
            reach_record(&p, PEER_MSS, false, bytes);
            if (n > 0)
                assert_in_range(seq_diff(p.host_isn, end), 1, 1u << 28);
            end = seq_add(p.host_isn, bytes + 2);
            end_of_peer = seq_add(p.peer_isn, 2);
            peer_pass(&p, n < 19 ? 10 * NS_PER_MS : 61 * NS_PER_S);
            peer_drop_out(&p);
        }
        peer_end(&p);
    }
}

/* ---- an active open takes it over ---- */

static void one_port(struct hawser_config *config)
{
    config->port_first = config->port_last = 50000;
}

static void reuse_never(struct hawser_config *config)
{
    one_port(config);
    config->timewait_reuse = 0;
}

static void reuse_always(struct hawser_config *config)
{
    one_port(config);
    config->timewait_reuse = 1;
}

/* tcp_tw_reuse: 1 s after the end, and only where timestamps tell the incarnations apart. */
static void an_open_takes_it_over(void **state)
{
    (void)state;
    static const struct {
        peer_tune *tune;
        unsigned options;
        uint64_t age_ns;
        bool taken;
    } rows[] = {
        {reuse_never, PEER_ALL, 59 * NS_PER_S, false},
        {one_port, PEER_ALL, 59 * NS_PER_S, false}, /* the default: only to ourselves */
        {reuse_always, PEER_ALL, 0, false},
        {reuse_always, PEER_ALL, NS_PER_S - 1, false},
        {reuse_always, PEER_ALL, NS_PER_S + NS_PER_MS, true}, /* ends are whole milliseconds */
        {reuse_always, PEER_ALL, 59 * NS_PER_S, true},
        {reuse_always, PEER_MSS, 59 * NS_PER_S, false},
    };
    for (unsigned i = 0; i < 2 * COUNT_OF(rows) * COUNT_OF(families); i++) {
        struct peer p;
        unsigned row = i / 4;
        uint16_t given = i / 2 % 2 ? 50000 : 0;
        peer_start(&p, families[i % 2], rows[row].tune);
        reach_record(&p, rows[row].options, true, 100000);
        seq_t old_end = seq_add(p.host_isn, 100002);
        uint32_t old_ts = p.ts_ecr;
        peer_pass(&p, rows[row].age_ns);
        peer_drop_out(&p);
        struct hawser_open_options options = {.remote = {p.peer_address, p.peer_port},
                                              .local = {p.host_address, given}};
        int error = hawser_open(p.host, p.now_ns, &options, &p.tcp);
        if (!rows[row].taken) {
            assert_int_equal(error, given != 0 ? HAWSER_ERR_ADDRESS_IN_USE
                                               : HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
            peer_quiet(&p);
            assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
            peer_end(&p);
            continue;
        }
        if (given != 0) {
            assert_int_equal(error, HAWSER_ERR_ADDRESS_IN_USE); /* the record uses the port */
            options.reuse_address = true;
            error = hawser_open(p.host, p.now_ns, &options, &p.tcp);
        }
        assert_int_equal(error, 0);
        const struct peer_segment *syn = peer_next(&p);
        assert_int_equal(syn->seg.flags, S);
        assert_in_range(seq_diff(syn->seg.seq, old_end), 65535, 1u << 28);
        assert_true((int32_t)(syn->seg.ts_val - old_ts) > 0);
        assert_int_equal(usage_of(&p).timewaits, 0);
        assert_int_equal(hawser_counters_of(p.host)->timewait_reused, 1);
        p.peer_isn = seq_add(p.peer_isn, 1000000);
        struct segment answer = peer_syn_options(&p, PEER_ALL);
        answer.flags = S | A;
        answer.ack = seq_add(p.host_isn, 1);
        answer.ts_ecr = p.ts_ecr;
        peer_inject(&p, &answer);
        peer_out(&p, A, 1, 1, 0);
        peer_end(&p);
    }
}

/* Both ends are this host: the default takes over after a second. */
static void an_open_to_ourselves_takes_it_over(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, one_port);
    struct hawser_link_config config = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
    struct hawser_address here = forge_address("127.0.0.1");
    uint32_t link;
    assert_int_equal(hawser_link_add(p.host, &config, &link), 0);
    assert_int_equal(hawser_address_add(p.host, link, &here, 8), 0);
    peer_listen(&p, 4);
    for (unsigned round = 0; round < 3; round++) {
        struct hawser_open_options options = {.remote = {here, p.host_port}};
        hawser_tcp accepted;
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &p.tcp), 0);
        hawser_expire(p.host, p.now_ns);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        assert_int_equal(hawser_accept(p.host, p.listener, &accepted), 0);
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        hawser_expire(p.host, p.now_ns);
        assert_int_equal(hawser_close(p.host, accepted), 0);
        hawser_expire(p.host, p.now_ns);
        assert_int_equal(usage_of(&p).timewaits, 1);
        assert_int_equal(usage_of(&p).connections, 0);
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &p.tcp),
                         HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
        assert_int_equal(hawser_counters_of(p.host)->timewait_reused, round);
        peer_pass(&p, NS_PER_S + NS_PER_MS);
    }
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lasts_two_msl),
        cmocka_unit_test(resets),
        cmocka_unit_test(which_syn_takes_it_over),
        cmocka_unit_test(the_new_incarnation_works),
        cmocka_unit_test(it_goes_on_when_the_handshake_proves_old),
        cmocka_unit_test(nobody_takes_the_syn),
        cmocka_unit_test(numbers_rise_over_incarnations),
        cmocka_unit_test(an_open_takes_it_over),
        cmocka_unit_test(an_open_to_ourselves_takes_it_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
