/* SPDX-License-Identifier: MIT */
/* Half-open requests: from SYN to SYN-ACK, its repetitions, and the way to a block and back. */
#include "fixture.h"

#include "tcp/halfopen.h"
#include "tcp/handshake.h"

#define ISS 0x90000000u
#define IRS 0xfffffff0u
#define T0 (100 * NS_PER_S)

static const struct tcp_open opening_v4 = {
    .iss = {ISS}, .ts_offset = 50000, .path_mss = 1460, .link_mss = 1460, .v4 = true};

/* A SYN as Linux sends it. */
static struct segment full_syn(void)
{
    struct segment syn = fixture_segment(TCP_SYN, IRS, 0, 0);
    syn.options = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS;
    syn.mss = 1400;
    syn.wscale = 7;
    syn.ts_val = 1000;
    syn.wnd = 64240;
    return syn;
}

struct env {
    struct fixture f;
    struct tcb_settings set;
    struct halfopen half;
};

static void env_init(struct env *e)
{
    fixture_init(&e->f);
    tcb_settings_init(&e->f.tcp, &e->set);
    struct segment syn = full_syn();
    halfopen_from_syn(&e->f.tcp, &e->set, &opening_v4, &syn, T0, &e->half);
}

static struct segment expect_output(struct env *e, uint64_t now_ns)
{
    struct tcp_reply reply = {0};
    assert_true(halfopen_output(&e->f.tcp, &e->set, &e->half, now_ns, &reply));
    assert_true(reply.present);
    assert_int_equal(reply.segment.text_len, 0);
    return reply.segment;
}

static void expect_silence(struct env *e, uint64_t now_ns)
{
    struct tcp_reply reply = {0};
    assert_false(halfopen_output(&e->f.tcp, &e->set, &e->half, now_ns, &reply));
    assert_false(reply.present);
}

static void assert_synack(const struct segment *seg)
{
    assert_int_equal(seg->flags, TCP_SYN | TCP_ACK);
    assert_int_equal(seg->seq.v, ISS);
    assert_int_equal(seg->ack.v, IRS + 1);
    assert_int_equal(seg->len, 1);
    assert_int_equal(seg->wnd, 65535);
    assert_int_equal(seg->mss, 1460);
}

/* The SYN-ACK, field by field, once; the state kept for it is a fraction of a block.
 * EVIDENCE 9293-3.10.7.2-3 4987-02 */
static void test_synack(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    assert_true(e.half.synack_now);
    struct segment seg = expect_output(&e, T0);
    assert_synack(&seg);
    assert_int_equal(seg.options,
                     TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS);
    assert_int_equal(seg.wscale, 7);
    assert_int_equal(seg.ts_val, 100000 + 50000);
    assert_int_equal(seg.ts_ecr, 1000);
    expect_silence(&e, T0);
    assert_int_equal(e.half.synack_at_ns, T0 + NS_PER_S);
    assert_int_equal(e.half.irs.v, IRS);
    assert_int_equal(e.half.iss.v, ISS);
    assert_int_equal(e.half.challenge_at_ms, 100000);
    assert_true(sizeof e.half * 7 < sizeof(struct tcb));
    fixture_deinit(&e.f);
}

/* Every set of options a SYN can have is answered by the same set, and MSS.
 * EVIDENCE 7323-05 7323-11 */
static void test_synack_answers_options(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    for (unsigned options = 0; options < 0x10; options++) {
        struct segment syn = full_syn();
        syn.options = (uint8_t)options;
        halfopen_from_syn(&e.f.tcp, &e.set, &opening_v4, &syn, T0, &e.half);
        struct segment seg = expect_output(&e, T0);
        assert_synack(&seg);
        assert_int_equal(seg.options, options | TCP_OPT_MSS);
        assert_int_equal(e.half.peer_mss, options & TCP_OPT_MSS ? 1400 : 536);
        assert_int_equal(e.half.own_wscale, options & TCP_OPT_WSCALE ? 7 : 0);
        assert_int_equal(e.half.peer_wscale, options & TCP_OPT_WSCALE ? 7 : 0);
    }
    fixture_deinit(&e.f);
}

/* 1, 2, 4, … s up to the limit, then the request is over.
 * EVIDENCE 4987-07 */
static void test_retransmission(void **state)
{
    (void)state;
    for (unsigned retries = 1; retries <= 9; retries++) {
        struct env e;
        env_init(&e);
        e.f.config.synack_retries = (uint8_t)retries;
        uint64_t now = T0;
        uint64_t wait = NS_PER_S;
        for (unsigned sent = 1; sent <= retries + 1; sent++) {
            struct segment seg = expect_output(&e, now);
            assert_synack(&seg);
            assert_int_equal(seg.ts_val, now / NS_PER_MS + 50000);
            expect_silence(&e, now);
            assert_int_equal(e.half.synack_count, sent);
            assert_int_equal(e.half.synack_at_ns, now + wait);
            /* Too early changes nothing. */
            assert_true(halfopen_timeout(&e.f.tcp, &e.half, now + wait - 1));
            expect_silence(&e, now + wait - 1);
            now += wait;
            wait = wait * 2 < e.f.config.rto_max_ns ? wait * 2 : e.f.config.rto_max_ns;
            assert_int_equal(e.f.counters.halfopen_timeouts, 0);
            assert_true(halfopen_timeout(&e.f.tcp, &e.half, now) == (sent <= retries));
        }
        assert_int_equal(e.f.counters.halfopen_timeouts, 1);
        expect_silence(&e, now);
        if (retries == 5)
            assert_int_equal(now - T0, 63 * NS_PER_S);
        fixture_deinit(&e.f);
    }
}

/* The first wait is the configured first RTO, the longest the configured longest. */
static void test_retransmission_is_tunable(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    e.f.config.rto_initial_ns = 25 * NS_PER_S;
    e.f.config.rto_max_ns = 60 * NS_PER_S;
    e.f.config.synack_retries = 127; /* the largest allowed */
    uint64_t now = T0;
    static const unsigned waits_s[] = {25, 50, 60, 60, 60};
    for (unsigned sent = 1; sent <= 128; sent++) {
        expect_output(&e, now);
        unsigned wait_s = sent <= COUNT_OF(waits_s) ? waits_s[sent - 1] : 60;
        assert_int_equal(e.half.synack_at_ns - now, wait_s * NS_PER_S);
        now = e.half.synack_at_ns;
        assert_true(halfopen_timeout(&e.f.tcp, &e.half, now) == (sent < 128));
    }
    fixture_deinit(&e.f);
}

static void test_what_is_a_duplicate_syn(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    for (unsigned flags = 0; flags < 0x40; flags++) {
        struct segment seg = fixture_segment((uint8_t)flags, IRS, ISS + 1, 0);
        bool expected = (flags & TCP_SYN) && !(flags & TCP_RST);
        assert_true(halfopen_is_duplicate_syn(&e.half, &seg) == expected);
        seg.seq = seq_of(IRS + 1);
        assert_false(halfopen_is_duplicate_syn(&e.half, &seg));
        seg.seq = seq_of(IRS - 1);
        assert_false(halfopen_is_duplicate_syn(&e.half, &seg));
    }
    fixture_deinit(&e.f);
}

/* A repeated SYN draws another SYN-ACK, which does not move the timer; not more than two a second.
 * EVIDENCE 9293-3.10.7.4a-5 */
static void test_repeated_syn(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    struct segment syn = full_syn();
    halfopen_repeat_synack(&e.half, &syn, T0); /* the first is due anyway */
    expect_output(&e, T0);
    expect_silence(&e, T0);
    halfopen_repeat_synack(&e.half, &syn, T0 + 499 * NS_PER_MS);
    expect_silence(&e, T0 + 499 * NS_PER_MS);
    syn.ts_val = 1500;
    halfopen_repeat_synack(&e.half, &syn, T0 + 500 * NS_PER_MS);
    struct segment seg = expect_output(&e, T0 + 500 * NS_PER_MS);
    assert_synack(&seg);
    assert_int_equal(seg.ts_ecr, 1500); /* the newer one */
    expect_silence(&e, T0 + 500 * NS_PER_MS);
    assert_int_equal(e.half.synack_at_ns, T0 + NS_PER_S);
    assert_int_equal(e.half.synack_count, 1);

    syn.ts_val = 900; /* an old duplicate is answered, its timestamp not taken */
    halfopen_repeat_synack(&e.half, &syn, T0 + 1100 * NS_PER_MS);
    seg = expect_output(&e, T0 + 1100 * NS_PER_MS);
    assert_int_equal(seg.ts_ecr, 1500);
    syn.ts_val = 9999; /* of no option */
    syn.options = TCP_OPT_MSS;
    halfopen_repeat_synack(&e.half, &syn, T0 + 1650 * NS_PER_MS);
    seg = expect_output(&e, T0 + 1650 * NS_PER_MS);
    assert_int_equal(seg.ts_ecr, 1500);
    /* The timer meanwhile: its own SYN-ACK goes out and counts. */
    assert_true(halfopen_timeout(&e.f.tcp, &e.half, T0 + 1700 * NS_PER_MS));
    halfopen_repeat_synack(&e.half, &syn, T0 + 1900 * NS_PER_MS);
    expect_output(&e, T0 + 1900 * NS_PER_MS);
    expect_silence(&e, T0 + 1900 * NS_PER_MS);
    assert_int_equal(e.half.synack_count, 2);
    assert_int_equal(e.half.synack_at_ns, T0 + 3900 * NS_PER_MS);
    fixture_deinit(&e.f);
}

/* A flood of the same SYN, one a millisecond: bounded in answers, and the request ends when it
 * would have. */
static void test_repeated_syn_flood(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    struct segment syn = full_syn();
    unsigned answers = 0;
    uint64_t now = T0;
    bool alive = true;
    for (; alive; now += NS_PER_MS) {
        if (now >= e.half.synack_at_ns)
            alive = halfopen_timeout(&e.f.tcp, &e.half, now);
        halfopen_repeat_synack(&e.half, &syn, now);
        struct tcp_reply reply = {0};
        while (alive && halfopen_output(&e.f.tcp, &e.set, &e.half, now, &reply))
            answers++;
    }
    assert_int_equal((now - T0) / NS_PER_S, 63);
    assert_in_range(answers, 100, 2 * 63 + 6);
    fixture_deinit(&e.f);
}

/* The block goes on where the request is.
 * EVIDENCE 7323-04 */
static void test_inflate(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    e.set.nodelay = true;
    e.set.user_timeout_ms = 12345;
    expect_output(&e, T0);
    struct tcb tcb;
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    tcb_check(&e.f.tcp, &tcb);
    assert_int_equal(tcb.state, HAWSER_SYN_RECEIVED);
    assert_true(tcb.passive);
    assert_int_equal(tcb.iss.v, ISS);
    assert_int_equal(tcb.irs.v, IRS);
    assert_int_equal(tcb.snd.una.v, ISS);
    assert_int_equal(tcb.snd.nxt.v, ISS + 1);
    assert_int_equal(tcb.snd.wnd, 64240); /* of a SYN: not scaled by the 7 */
    assert_int_equal(tcb.snd.wnd_max, 64240);
    assert_int_equal(tcb.snd.wl1.v, IRS);
    assert_int_equal(tcb.snd.wl2.v, ISS);
    assert_int_equal(tcb.recover.v, ISS);
    assert_int_equal(tcb.snd.up.v, ISS);
    assert_int_equal(tcb.rcv.up.v, IRS);
    assert_int_equal(tcb.segs_in, 1);
    assert_int_equal(tcb.segs_out, 1);
    assert_int_equal(tcb.rcv.nxt.v, IRS + 1);
    assert_int_equal(tcb.rcv.wnd, 65535); /* as the SYN-ACK said */
    assert_int_equal(tcb.rcv.last_ack.v, IRS + 1);
    assert_int_equal(tcb.rcv_buf_bytes, 65536);
    assert_int_equal(tcb.snd_wscale, 7);
    assert_int_equal(tcb.rcv_wscale, 7);
    assert_true(tcb.has_timestamps && tcb.has_sack && tcb.has_wscale);
    assert_int_equal(tcb.peer_mss, 1400);
    assert_int_equal(tcb.path_mss, 1460);
    assert_int_equal(tcb.snd_mss, 1388);
    assert_int_equal(tcb.rcv_mss, 1460);
    assert_int_equal(tcb.ts_recent, 1000);
    assert_int_equal(tcb.ts_recent_at_s, 100);
    assert_int_equal(tcb.ts_offset, 50000);
    assert_true(tcb.timing);
    assert_int_equal(tcb.rtt_at_ns, T0);
    assert_int_equal(tcb.rtt_seq.v, ISS + 1);
    assert_false(tcb.syn_lost);
    assert_int_equal(tcb.rto_us, 1000000);
    assert_int_equal(tcb.quick_acks, 16);
    assert_int_equal(tcb.timer.rtx_ns, T0 + NS_PER_S);
    assert_false(tcb.rtx_now || tcb.ack_now);
    assert_true(tcb.set.nodelay);
    assert_int_equal(tcb.set.user_timeout_ms, 12345);
    tcb_release(&e.f.tcp, &tcb);
    fixture_deinit(&e.f);
}

/* Without options: no scale, no timestamps, the default MSS of each family. */
static void test_inflate_bare(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    for (int v4 = 0; v4 <= 1; v4++) {
        struct tcp_open opening = opening_v4;
        opening.v4 = v4;
        struct segment syn = fixture_segment(TCP_SYN, IRS, 0, 0);
        syn.wnd = 0;
        halfopen_from_syn(&e.f.tcp, &e.set, &opening, &syn, T0, &e.half);
        struct tcb tcb;
        halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
        tcb_check(&e.f.tcp, &tcb);
        assert_int_equal(tcb.snd_mss, v4 ? 536 : 1220);
        assert_int_equal(tcb.snd_wscale, 0);
        assert_int_equal(tcb.rcv_wscale, 0);
        assert_int_equal(tcb.snd.wnd, 0);
        assert_false(tcb.has_timestamps || tcb.has_sack || tcb.has_wscale);
        assert_false(tcb.timing); /* no SYN-ACK has left */
        assert_true(tcb.rtx_now); /* it still is to leave */
        assert_int_equal(tcb.timer.rtx_ns, NEVER);
    }
    fixture_deinit(&e.f);
}

/* Which SYN-ACK is acknowledged is known only when there was one (Karn). */
static void test_inflate_times_only_one_synack(void **state)
{
    (void)state;
    struct env e;
    struct tcb tcb;
    struct segment syn = full_syn();
    env_init(&e);
    expect_output(&e, T0);
    assert_true(halfopen_timeout(&e.f.tcp, &e.half, T0 + NS_PER_S));
    expect_output(&e, T0 + NS_PER_S);
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    assert_false(tcb.timing);
    assert_true(tcb.syn_lost);
    fixture_deinit(&e.f);

    env_init(&e);
    expect_output(&e, T0);
    halfopen_repeat_synack(&e.half, &syn, T0 + 600 * NS_PER_MS);
    expect_output(&e, T0 + 600 * NS_PER_MS);
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    assert_false(tcb.timing);
    assert_true(tcb.syn_lost);
    fixture_deinit(&e.f);
}

/* Whoever watches is told of SYN-RECEIVED once, by the maker of the request, and not at each
 * segment. */
static void told(void *ctx, const struct tcb *tcb, enum hawser_state from, enum hawser_cause cause)
{
    (void)tcb;
    (void)from;
    (void)cause;
    ++*(unsigned *)ctx;
}

static void test_inflate_is_not_observed(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    unsigned count = 0;
    const struct tcp_observer observer = {.state_changed = told, .ctx = &count};
    e.f.tcp.observer = &observer;
    struct tcb tcb;
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    assert_int_equal(count, 0);
    tcb_end(&e.f.tcp, &tcb, 0, HAWSER_CAUSE_RST);
    assert_int_equal(count, 1);
    fixture_deinit(&e.f);
}

/* ---- with segment_arrives: what becomes of the request --------------------------------------- */

enum fate { GOES_ON, ESTABLISHED, CLOSE_WAIT, OVER };

struct arrival_row {
    const char *what;
    uint8_t flags;
    int32_t seq, ack; /* from IRS+1 and ISS+1 */
    uint32_t text_len;
    enum fate fate;
    uint8_t reply;  /* control bits of segment_arrives's reply, 0 = none */
    uint8_t output; /* control bits of what halfopen_output then gives, 0 = nothing */
};

static const struct arrival_row arrivals[] = {
    {"the handshake's ACK", TCP_ACK, 0, 0, 0, ESTABLISHED, 0, 0},
    {"with text", TCP_ACK | TCP_PSH, 0, 0, 100, ESTABLISHED, 0, 0},
    {"with FIN", TCP_ACK | TCP_FIN, 0, 0, 0, CLOSE_WAIT, 0, 0},
    {"ACK of nothing sent yet", TCP_ACK, 0, 1, 0, GOES_ON, TCP_RST, 0},
    {"ACK of ISS", TCP_ACK, 0, -1, 0, GOES_ON, TCP_RST, 0},
    {"ACK far off", TCP_ACK, 0, 0x40000000, 0, GOES_ON, TCP_RST, 0},
    {"no ACK bit", TCP_PSH, 0, 0, 10, GOES_ON, 0, 0},
    {"exact RST", TCP_RST, 0, 0, 0, OVER, 0, 0},
    {"RST in the window", TCP_RST, 1, 0, 0, GOES_ON, 0, TCP_ACK},
    {"RST left of it", TCP_RST, -1, 0, 0, GOES_ON, 0, 0},
    {"RST right of it", TCP_RST, 65535, 0, 0, GOES_ON, 0, 0},
    {"another SYN in the window", TCP_SYN, 10, 0, 0, OVER, 0, 0},
    {"another SYN outside", TCP_SYN, 1000000, 0, 0, GOES_ON, 0, TCP_ACK},
    {"the SYN again", TCP_SYN, -1, 0, 0, GOES_ON, 0, TCP_SYN | TCP_ACK},
    {"text outside the window", TCP_ACK, -100, 0, 50, GOES_ON, 0, TCP_ACK},
};

static void check_arrival(const struct arrival_row *row)
{
    struct env e;
    env_init(&e);
    expect_output(&e, T0);
    struct tcb tcb;
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    struct segment seg = fixture_segment(row->flags, IRS + 1 + (uint32_t)row->seq,
                                         ISS + 1 + (uint32_t)row->ack, row->text_len);
    seg.options = TCP_OPT_TIMESTAMPS;
    seg.ts_val = 1001;
    seg.ts_ecr = 150000;
    struct tcp_reply reply = {0};
    segment_arrives(&e.f.tcp, &tcb, &seg, T0 + 30 * NS_PER_MS, &reply);
    static const unsigned states[] = {[GOES_ON] = HAWSER_SYN_RECEIVED,
                                      [ESTABLISHED] = HAWSER_ESTABLISHED,
                                      [CLOSE_WAIT] = HAWSER_CLOSE_WAIT,
                                      [OVER] = HAWSER_CLOSED};
    if (tcb.state != states[row->fate])
        fail_msg("%s: state %u", row->what, tcb.state);
    if ((reply.present ? reply.segment.flags : 0) != row->reply)
        fail_msg("%s: reply %#x", row->what, reply.present ? reply.segment.flags : 0u);
    if (row->fate == GOES_ON) {
        halfopen_deflate(&e.f.tcp, &tcb, &e.half);
        struct tcp_reply out = {0};
        halfopen_output(&e.f.tcp, &e.set, &e.half, T0 + 30 * NS_PER_MS, &out);
        if ((out.present ? out.segment.flags : 0) != row->output)
            fail_msg("%s: output %#x", row->what, out.present ? out.segment.flags : 0u);
        if (row->output == TCP_ACK) { /* <SEQ=SND.NXT><ACK=RCV.NXT> */
            assert_int_equal(out.segment.seq.v, ISS + 1);
            assert_int_equal(out.segment.ack.v, IRS + 1);
            assert_int_equal(out.segment.options, TCP_OPT_TIMESTAMPS);
            assert_int_equal(out.segment.wnd, 65535 >> 7);
            assert_int_equal(out.segment.ts_val, 100030 + 50000);
            assert_int_equal(out.segment.ts_ecr, e.half.ts_recent);
        }
        /* And the right ACK still works. */
        halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
        seg = fixture_segment(TCP_ACK, IRS + 1, ISS + 1, 0);
        segment_arrives(&e.f.tcp, &tcb, &seg, T0 + 60 * NS_PER_MS, &reply);
        assert_int_equal(tcb.state, HAWSER_ESTABLISHED);
        assert_false(reply.present);
    } else if (row->fate == ESTABLISHED) {
        assert_int_equal(tcb.snd.wnd, 30000u << 7);
        assert_int_equal(tcb.srtt_us, 30000); /* the handshake's round trip */
    } else if (row->fate == OVER) {
        assert_int_equal(tcb.error, 0); /* nobody is told */
        assert_int_equal(tcb.events, 0);
    }
    tcb_release(&e.f.tcp, &tcb);
    fixture_deinit(&e.f);
}

/* EVIDENCE 9293-3.10.7.4a-5 9293-3.10.7.4b-4 9293-3.10.7.4d-1 9293-3.10.7.4e-2 9293-3.10.7.4e-3 */
static void test_arrivals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(arrivals); i++)
        check_arrival(&arrivals[i]);
}

/* What a segment changes of a request that goes on comes back with it. */
static void test_deflate(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    expect_output(&e, T0);
    struct halfopen before = e.half;
    struct tcb tcb;
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    assert_true(ring_reserve(&tcb.tx, &e.f.buffers, 100, 0)); /* fixture_deinit asks for it */
    halfopen_deflate(&e.f.tcp, &tcb, &e.half);                /* nothing came: nothing changed */
    assert_memory_equal(&before, &e.half, sizeof before);

    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    tcb.ts_recent = 77;
    tcb.challenge_count = 3;
    tcb.challenge_at_ms = 99;
    tcb.dup_acks_owed = 1;
    halfopen_deflate(&e.f.tcp, &tcb, &e.half);
    assert_int_equal(e.half.ts_recent, 77);
    assert_int_equal(e.half.challenge_count, 3);
    assert_int_equal(e.half.challenge_at_ms, 99);
    assert_true(e.half.ack_now);
    halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
    assert_int_equal(tcb.challenge_count, 3);
    assert_int_equal(tcb.ts_recent, 77);
    assert_true(tcb.ack_now);

    /* Only of the same request, and only while it is one. */
    tcb.iss.v++;
    expect_assert_failure(halfopen_deflate(&e.f.tcp, &tcb, &e.half));
    tcb.iss.v--;
    tcb_end(&e.f.tcp, &tcb, 0, HAWSER_CAUSE_RST);
    expect_assert_failure(halfopen_deflate(&e.f.tcp, &tcb, &e.half));
    fixture_deinit(&e.f);
}

/* In-window RSTs one after another: the budget of a request lasts over inflations.
 * EVIDENCE 5961-09 */
static void test_challenges_are_limited(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    expect_output(&e, T0);
    unsigned acks = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = T0 + i * NS_PER_MS;
        struct tcb tcb;
        struct tcp_reply reply;
        halfopen_inflate(&e.f.tcp, &e.set, &e.half, &tcb);
        struct segment rst = fixture_segment(TCP_RST, IRS + 100, 0, 0);
        segment_arrives(&e.f.tcp, &tcb, &rst, now, &reply);
        halfopen_deflate(&e.f.tcp, &tcb, &e.half);
        while (halfopen_output(&e.f.tcp, &e.set, &e.half, now, &reply))
            acks++;
    }
    assert_int_equal(acks, 10);
    fixture_deinit(&e.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synack),
        cmocka_unit_test(test_synack_answers_options),
        cmocka_unit_test(test_retransmission),
        cmocka_unit_test(test_retransmission_is_tunable),
        cmocka_unit_test(test_what_is_a_duplicate_syn),
        cmocka_unit_test(test_repeated_syn),
        cmocka_unit_test(test_repeated_syn_flood),
        cmocka_unit_test(test_inflate),
        cmocka_unit_test(test_inflate_bare),
        cmocka_unit_test(test_inflate_times_only_one_synack),
        cmocka_unit_test(test_inflate_is_not_observed),
        cmocka_unit_test(test_arrivals),
        cmocka_unit_test(test_deflate),
        cmocka_unit_test(test_challenges_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
