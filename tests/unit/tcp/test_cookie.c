/* SPDX-License-Identifier: MIT */
/* SYN cookies: what comes back is what was agreed, for two periods, and nothing else passes. */
#include "fixture.h"

#include "base/prng.h"
#include "tcp/halfopen.h"
#include "tcp/handshake.h"

#define IRS 0x7ffffffeu
#define PERIOD (64 * NS_PER_S)
#define T0 (1000 * PERIOD + 5 * NS_PER_S)

static const uint16_t mss_kept[] = {48, 256, 536, 1220, 1400, 1440, 1460, 8960};

struct env {
    struct fixture f;
    struct tcb_settings set;
    struct tcp_open opening;
    struct tuple_bytes tuple;
};

static void env_init(struct env *e)
{
    fixture_init(&e->f);
    tcb_settings_init(&e->f.tcp, &e->set);
    e->opening = (struct tcp_open){
        .iss = {0xdeadbeef},
        .ts_offset = 0xfffffff0u,
        .path_mss = 1460,
        .link_mss = 1460,
        .v4 = true};
    for (size_t i = 0; i < sizeof e->tuple.b; i++)
        e->tuple.b[i] = (uint8_t)(3 * i);
}

static struct segment make_syn(uint8_t options, uint16_t mss, uint8_t wscale)
{
    struct segment syn = fixture_segment(TCP_SYN, IRS, 0, 0);
    syn.options = options;
    syn.mss = mss;
    syn.wscale = wscale;
    syn.ts_val = 777000;
    syn.wnd = 64240;
    return syn;
}

static struct segment answer_syn(struct env *e, const struct segment *syn, uint64_t now_ns)
{
    struct tcp_reply reply = {0};
    cookie_synack(&e->f.tcp, &e->set, &e->opening, &e->tuple, syn, now_ns, &reply);
    assert_true(reply.present);
    return reply.segment;
}

/* The ACK an honest peer sends to this SYN-ACK. */
static struct segment ack_of(const struct segment *synack)
{
    struct segment ack = fixture_segment(TCP_ACK, synack->ack.v, synack->seq.v + 1, 0);
    if (synack->options & TCP_OPT_TIMESTAMPS) {
        ack.options = TCP_OPT_TIMESTAMPS;
        ack.ts_val = 777100;
        ack.ts_ecr = synack->ts_val;
    }
    return ack;
}

static bool passes(struct env *e, const struct segment *ack, uint64_t now_ns, struct halfopen *half)
{
    return cookie_check(&e->f.tcp, &e->set, &e->opening, &e->tuple, ack, now_ns, half);
}

static uint16_t rounded_down(uint16_t mss)
{
    uint16_t kept = mss_kept[0];
    for (size_t i = 0; i < COUNT_OF(mss_kept); i++)
        if (mss_kept[i] <= mss)
            kept = mss_kept[i];
    return kept;
}

/* The SYN-ACK is like any other but for its ISS and the low bits of TSval.
 * EVIDENCE 7323-04 7323-05 7323-11 */
static void test_synack(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    const uint8_t all = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS;
    struct segment syn = make_syn(all, 1460, 7);
    struct segment seg = answer_syn(&e, &syn, T0);
    assert_int_equal(seg.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(seg.ack.v, IRS + 1);
    assert_int_equal(seg.len, 1);
    assert_int_equal(seg.wnd, 65535);
    assert_int_equal(seg.options, all);
    assert_int_equal(seg.mss, 1460);
    assert_int_equal(seg.wscale, 7);
    assert_int_equal(seg.ts_ecr, 777000);
    assert_true(seg.seq.v != e.opening.iss.v);
    assert_int_equal(e.f.counters.syn_cookies_sent, 1);

    /* Without timestamps nothing could bring scale and SACK back, so they are not agreed.
     * EVIDENCE 4987-04 */
    syn = make_syn(TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED, 1460, 7);
    seg = answer_syn(&e, &syn, T0);
    assert_int_equal(seg.options, TCP_OPT_MSS);
    fixture_deinit(&e.f);
}

static void check_round_trip(struct env *e, uint8_t options, uint16_t mss, uint8_t wscale)
{
    struct segment syn = make_syn(options, mss, wscale);
    struct segment synack = answer_syn(e, &syn, T0);
    struct segment ack = ack_of(&synack);
    struct halfopen half;
    if (!passes(e, &ack, T0 + 50 * NS_PER_MS, &half))
        fail_msg("options %#x, MSS %u, scale %u: refused", options, mss, wscale);
    bool ts = (options & TCP_OPT_TIMESTAMPS) != 0;
    assert_int_equal(half.irs.v, IRS);
    assert_int_equal(half.iss.v, synack.seq.v);
    assert_int_equal(half.peer_mss, rounded_down(handshake_peer_mss(&syn, e->opening.v4)));
    assert_int_equal(half.path_mss, 1460);
    assert_int_equal(half.has_timestamps, ts);
    assert_int_equal(half.has_sack, ts && (options & TCP_OPT_SACK_PERMITTED));
    assert_int_equal(half.has_wscale, ts && (options & TCP_OPT_WSCALE));
    assert_int_equal(half.peer_wscale, half.has_wscale ? (wscale < 14 ? wscale : 14) : 0);
    assert_int_equal(half.own_wscale, half.has_wscale ? 7 : 0);
    assert_int_equal(half.ts_recent, ts ? 777100 : 0);
    assert_int_equal(half.ts_offset, 0xfffffff0u);
    assert_int_equal(half.snd_wnd, 30000);
    assert_false(half.synack_now || half.ack_now);
    /* One SYN-ACK is known to have left, and the next would be due in a second. */
    assert_int_equal(half.synack_count, 1);
    assert_int_equal(half.synack_at_ns, T0 + 1050 * NS_PER_MS);
    assert_int_equal(half.synack_sent_ms, T0 / NS_PER_MS + 50);
    assert_int_equal(half.challenge_at_ms, T0 / NS_PER_MS + 50);
    assert_int_equal(half.first_at_ns, 0);
    /* What was agreed is what the SYN-ACK said. */
    assert_int_equal((synack.options & TCP_OPT_SACK_PERMITTED) != 0, half.has_sack);
    assert_int_equal((synack.options & TCP_OPT_WSCALE) != 0, half.has_wscale);
    assert_int_equal((synack.options & TCP_OPT_TIMESTAMPS) != 0, half.has_timestamps);
}

/* Every set of options, scale and MSS of interest, in both families.
 * EVIDENCE 4987-03 4987-04 */
static void test_round_trip(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {0,    47,   48,   255,  256,  535,  536,  1219, 1220,
                                     1399, 1400, 1439, 1440, 1459, 1460, 8959, 8960, 65535};
    struct env e;
    env_init(&e);
    unsigned count = 0;
    for (unsigned options = 0; options < 0x10; options++)
        for (unsigned wscale = 0; wscale <= 15; wscale++)
            for (size_t i = 0; i < COUNT_OF(sizes); i++)
                for (int v4 = 0; v4 <= 1; v4++, count++) {
                    e.opening.v4 = v4;
                    check_round_trip(&e, (uint8_t)options, sizes[i], (uint8_t)wscale);
                }
    assert_int_equal(e.f.counters.syn_cookies_sent, count);
    assert_int_equal(e.f.counters.syn_cookies_accepted, count);
    assert_int_equal(e.f.counters.syn_cookies_failed, 0);
    fixture_deinit(&e.f);
}

/* The request that a cookie brings back goes through the handshake with the same ACK. */
static void test_becomes_a_connection(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    const uint8_t all = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS;
    struct segment syn = make_syn(all, 1400, 5);
    struct segment synack = answer_syn(&e, &syn, T0);
    struct segment ack = ack_of(&synack);
    struct halfopen half;
    assert_true(passes(&e, &ack, T0 + 20 * NS_PER_MS, &half));
    struct tcb tcb;
    struct tcp_reply reply;
    halfopen_inflate(&e.f.tcp, &e.set, &half, &tcb);
    assert_false(tcb.timing); /* nobody knows when the SYN-ACK left */
    assert_false(tcb.syn_lost);
    segment_arrives(&e.f.tcp, &tcb, &ack, T0 + 20 * NS_PER_MS, &reply);
    assert_false(reply.present);
    assert_int_equal(tcb.state, HAWSER_ESTABLISHED);
    assert_int_equal(tcb.snd.wnd, 30000u << 5);
    assert_int_equal(tcb.snd_mss, 1388);
    assert_true(tcb.has_sack && tcb.has_timestamps);
    tcb_release(&e.f.tcp, &tcb);
    fixture_deinit(&e.f);
}

/* Good to the end of the period after its own; the hash's input changes with each, so an old one
 * is as good as guessed.
 * EVIDENCE 4987-06 */
static void test_age(void **state)
{
    (void)state;
    static const struct {
        uint64_t made_ns, checked_ns;
        bool good;
    } rows[] = {
        {0, 0, true},
        {0, 2 * PERIOD - 1, true},
        {0, 2 * PERIOD, false},
        {0, 3 * PERIOD, false},
        {PERIOD - 1, PERIOD - 1, true},
        {PERIOD - 1, PERIOD, true},
        {PERIOD - 1, 2 * PERIOD - 1, true},
        {PERIOD - 1, 2 * PERIOD, false},
        {PERIOD, 3 * PERIOD - 1, true},
        {PERIOD, 3 * PERIOD, false},
        {PERIOD, 4 * PERIOD, false},
        {PERIOD, 5 * PERIOD, false},
        {3 * PERIOD, 2 * PERIOD, false}, /* of the future: not ours */
    };
    struct env e;
    env_init(&e);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct segment syn = make_syn(TCP_OPT_MSS, 1460, 0);
        struct segment synack = answer_syn(&e, &syn, rows[i].made_ns);
        struct segment ack = ack_of(&synack);
        struct halfopen half;
        if (passes(&e, &ack, rows[i].checked_ns, &half) != rows[i].good)
            fail_msg("row %zu", i);
    }
    fixture_deinit(&e.f);
}

/* One bit of anything that is under the hash, and it is refused. */
static void test_every_bit_counts(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    struct segment syn = make_syn(
        TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS, 1460, 7);
    struct segment synack = answer_syn(&e, &syn, T0);
    const struct segment good = ack_of(&synack);
    struct halfopen half;
    memset(&half, 0xa5, sizeof half);
    const struct halfopen untouched = half;
    for (unsigned bit = 0; bit < 32; bit++) {
        struct segment ack = good;
        ack.ack.v ^= UINT32_C(1) << bit;
        assert_false(passes(&e, &ack, T0, &half));
        ack = good;
        ack.seq.v ^= UINT32_C(1) << bit;
        assert_false(passes(&e, &ack, T0, &half));
        ack = good;
        ack.ts_ecr ^= UINT32_C(1) << bit;
        assert_true(passes(&e, &ack, T0, &(struct halfopen){0}) ==
                    (bit >= 6)); /* only six bits are ours */
    }
    for (unsigned bit = 0; bit < 8 * sizeof e.tuple.b; bit++) {
        e.tuple.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(passes(&e, &good, T0, &half));
        e.tuple.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct segment bare = good;
    bare.options = 0;
    assert_false(passes(&e, &bare, T0, &half));
    e.f.tcp.cookie_key.k[1] ^= 1;
    assert_false(passes(&e, &good, T0, &half));
    e.f.tcp.cookie_key.k[1] ^= 1;
    assert_memory_equal(&half, &untouched, sizeof half); /* refused: unchanged */
    assert_int_equal(e.f.counters.syn_cookies_failed, 32 + 32 + 6 + 288 + 2);
    assert_true(passes(&e, &good, T0, &half));
    fixture_deinit(&e.f);
}

static void test_flags(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    struct segment syn = make_syn(TCP_OPT_MSS, 1460, 0);
    struct segment synack = answer_syn(&e, &syn, T0);
    for (unsigned flags = 0; flags < 0x100; flags++) {
        struct segment ack = ack_of(&synack);
        ack.flags = (uint8_t)flags;
        struct halfopen half;
        bool good = (flags & TCP_ACK) && !(flags & (TCP_SYN | TCP_RST));
        assert_true(passes(&e, &ack, T0, &half) == good);
    }
    fixture_deinit(&e.f);
}

/* A host without timestamps takes no notice of those in an ACK. */
static void test_timestamps_off(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    e.f.config.timestamps = false;
    struct segment syn =
        make_syn(TCP_OPT_MSS | TCP_OPT_TIMESTAMPS | TCP_OPT_SACK_PERMITTED, 1460, 0);
    struct segment synack = answer_syn(&e, &syn, T0);
    assert_int_equal(synack.options, TCP_OPT_MSS);
    struct segment ack = ack_of(&synack);
    ack.options = TCP_OPT_TIMESTAMPS;
    ack.ts_ecr = 0x1f;
    struct halfopen half;
    assert_true(passes(&e, &ack, T0, &half));
    assert_false(half.has_timestamps || half.has_sack || half.has_wscale);
    fixture_deinit(&e.f);
}

/* TSval never runs ahead of the clock (the peer would refuse what follows), and lags less than 64
 * ms. */
static void test_tsval_is_not_of_the_future(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    for (unsigned wscale = 0; wscale <= 15; wscale++)
        for (unsigned sack = 0; sack <= 1; sack++)
            for (uint32_t ms = 0; ms < 200; ms++) {
                uint8_t options = TCP_OPT_TIMESTAMPS | TCP_OPT_WSCALE;
                struct segment syn = make_syn(
                    (uint8_t)(options | (sack ? TCP_OPT_SACK_PERMITTED : 0)), 0, (uint8_t)wscale);
                struct segment synack = answer_syn(&e, &syn, ms * NS_PER_MS);
                uint32_t real = ms + e.opening.ts_offset; /* goes past zero on the way */
                assert_in_range(real - synack.ts_val, 0, 63);
                assert_int_equal(synack.ts_val & 63, (wscale < 14 ? wscale : 14) | sack << 4);
            }
    fixture_deinit(&e.f);
}

/* A million guesses, half of them near a real cookie: about 0.004 should pass.
 * EVIDENCE 4987-03 */
static void test_guesses(void **state)
{
    (void)state;
    struct env e;
    env_init(&e);
    struct segment syn = make_syn(TCP_OPT_MSS | TCP_OPT_TIMESTAMPS, 1460, 0);
    struct segment synack = answer_syn(&e, &syn, T0);
    struct prng prng;
    prng_init(&prng, 4987);
    unsigned passed = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        struct segment ack = ack_of(&synack);
        if (i % 2 == 0)
            ack.seq = seq_of((uint32_t)prng_next(&prng));
        do
            ack.ack = seq_of((uint32_t)prng_next(&prng));
        while (i % 2 != 0 && ack.ack.v == synack.seq.v + 1);
        ack.ts_ecr = (uint32_t)prng_next(&prng);
        struct halfopen half;
        passed += passes(&e, &ack, T0 + NS_PER_S, &half);
    }
    assert_int_equal(passed, 0);
    assert_int_equal(e.f.counters.syn_cookies_failed, 1000000);
    fixture_deinit(&e.f);
}

/* Cookies of one 4-tuple do not give away another's: each bit of their difference is set half of
 * the time, but for the four that are no secret. */
static void test_cookies_are_unrelated(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct env e;
    env_init(&e);
    unsigned ones[32] = {0};
    uint32_t last = 0;
    for (uint32_t n = 0; n < COUNT; n++) {
        e.tuple.b[20] = (uint8_t)n;
        e.tuple.b[21] = (uint8_t)(n >> 8);
        struct segment syn = make_syn(TCP_OPT_MSS, 1460, 0);
        uint32_t cookie = answer_syn(&e, &syn, T0).seq.v;
        for (unsigned bit = 0; bit < 32; bit++)
            ones[bit] += (cookie ^ last) >> bit & 1;
        last = cookie;
    }
    for (unsigned bit = 4; bit < 32; bit++) /* deviation 71 */
        assert_in_range(ones[bit], COUNT / 2 - 430, COUNT / 2 + 430);
    fixture_deinit(&e.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synack),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_becomes_a_connection),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_timestamps_off),
        cmocka_unit_test(test_tsval_is_not_of_the_future),
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_cookies_are_unrelated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
