/* SPDX-License-Identifier: MIT */
/* Options and window of SYN and SYN-ACK. */
#include "fixture.h"

#include "tcp/handshake.h"

#define ALL_OPTIONS (TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS)

static void set_switches(struct hawser_config *config, unsigned options)
{
    config->window_scaling = (options & TCP_OPT_WSCALE) != 0;
    config->sack = (options & TCP_OPT_SACK_PERMITTED) != 0;
    config->timestamps = (options & TCP_OPT_TIMESTAMPS) != 0;
}

/* The smallest shift that does, never more than 14.
 * EVIDENCE 7323-07 */
static void test_own_wscale(void **state)
{
    (void)state;
    static const struct {
        uint32_t buffer_bytes;
        uint8_t shift;
    } rows[] = {
        {2048, 0},    {65535, 0},     {65536, 1},       {131070, 1},    {131071, 2},
        {212992, 2},  {262141, 3},    {4u << 20, 7},    {6u << 20, 7},  {8388480, 7},
        {8388481, 8}, {1u << 29, 14}, {1073725440, 14}, {1u << 30, 14}, {UINT32_MAX, 14},
    };
    struct fixture f;
    fixture_init(&f);
    struct tcb_settings set = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        set.rcv_buf_bytes_max = rows[i].buffer_bytes;
        f.config.window_scaling = true;
        assert_int_equal(handshake_own_wscale(&f.tcp, &set), rows[i].shift);
        f.config.window_scaling = false;
        assert_int_equal(handshake_own_wscale(&f.tcp, &set), 0);
    }
    fixture_deinit(&f);
}

/* EVIDENCE 6691-03 */
static void test_own_mss(void **state)
{
    (void)state;
    static const struct {
        uint16_t link_mss, mss_max, mss;
    } rows[] = {{1460, 0, 1460},    {1440, 0, 1440}, {1460, 1000, 1000}, {1460, 1460, 1460},
                {1460, 9000, 1460}, {28, 0, 28},     {65495, 0, 65495},  {536, 88, 88}};
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tcb_settings set = {.mss_max = rows[i].mss_max, .rcv_buf_bytes_max = 6u << 20};
        assert_int_equal(handshake_own_mss(&set, rows[i].link_mss), rows[i].mss);
        /* Options do not lower it. */
        for (unsigned options = 0; options <= ALL_OPTIONS; options++) {
            set_switches(&f.config, options);
            struct segment seg = {0};
            handshake_offer(&f.tcp, &set, rows[i].link_mss, 1, &seg);
            assert_int_equal(seg.mss, rows[i].mss);
        }
    }
    fixture_deinit(&f);
}

static void test_initial_window(void **state)
{
    (void)state;
    static const struct {
        uint32_t initial, buffer;
        uint16_t wnd;
    } rows[] = {{64u << 10, 6u << 20, 65535}, {65535, 6u << 20, 65535},
                {65534, 6u << 20, 65534},     {14600, 6u << 20, 14600},
                {64u << 10, 4096, 4096},      {1u << 30, 1u << 30, 65535}};
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tcb_settings set = {.rcv_buf_bytes_max = rows[i].buffer};
        f.config.receive_window_initial_bytes = rows[i].initial;
        assert_int_equal(handshake_initial_rcv_wnd(&f.tcp, &set), rows[i].wnd);
    }
    fixture_deinit(&f);
}

/* An active SYN holds what the config allows, MSS always, the scale with shift 0 too, and TSecr 0.
 * EVIDENCE 9293-SHLD-5 9293-MAY-3 7323-02 7323-16 */
static void test_offer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (unsigned options = 0; options <= ALL_OPTIONS; options++) {
        if (options & TCP_OPT_MSS)
            continue; /* no switch for it */
        for (uint32_t buffer = 4096; buffer <= 6u << 20; buffer *= 4) {
            set_switches(&f.config, options);
            struct tcb_settings set = {.rcv_buf_bytes_max = buffer};
            struct segment seg = {.ts_ecr = 99, .ts_val = 99, .wscale = 99};
            handshake_offer(&f.tcp, &set, 1460, 4711, &seg);
            assert_int_equal(seg.options, options | TCP_OPT_MSS);
            assert_int_equal(seg.mss, 1460);
            assert_int_equal(seg.ts_ecr, 0);
            if (options & TCP_OPT_TIMESTAMPS)
                assert_int_equal(seg.ts_val, 4711);
            if (options & TCP_OPT_WSCALE)
                assert_int_equal(seg.wscale, handshake_own_wscale(&f.tcp, &set));
        }
    }
    fixture_deinit(&f);
}

/* What a SYN has and the config allows is on and answered; nothing else is.
 * EVIDENCE 7323-05 7323-11 */
static void test_accept_and_answer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    const struct tcb_settings set = {.rcv_buf_bytes_max = 6u << 20};
    for (unsigned allowed = 0; allowed <= ALL_OPTIONS; allowed++) {
        set_switches(&f.config, allowed);
        for (unsigned offered = 0; offered <= ALL_OPTIONS; offered++) {
            struct segment syn = fixture_segment(TCP_SYN, 100, 0, 0);
            syn.options = (uint8_t)offered;
            syn.mss = 1400;
            syn.wscale = 9;
            syn.ts_val = 1234;
            syn.ts_ecr = 5678; /* means nothing without ACK */
            struct handshake_options peer;
            memset(&peer, 0xff, sizeof peer);
            handshake_accept(&f.tcp, &syn, true, &peer);
            unsigned both = (allowed & offered) | (offered & TCP_OPT_MSS);
            assert_int_equal(peer.has_timestamps, (both & TCP_OPT_TIMESTAMPS) != 0);
            assert_int_equal(peer.has_sack, (both & TCP_OPT_SACK_PERMITTED) != 0);
            assert_int_equal(peer.has_wscale, (both & TCP_OPT_WSCALE) != 0);
            assert_int_equal(peer.ts_val, peer.has_timestamps ? 1234 : 0);
            assert_int_equal(peer.wscale, peer.has_wscale ? 9 : 0);
            assert_int_equal(peer.mss, both & TCP_OPT_MSS ? 1400 : 536);

            struct segment synack = {.wscale = 99, .ts_val = 99, .ts_ecr = 99};
            handshake_answer(&f.tcp, &set, 1460, &peer, 777, &synack);
            assert_int_equal(synack.options, both | TCP_OPT_MSS);
            assert_int_equal(synack.mss, 1460);
            assert_int_equal(synack.wscale, peer.has_wscale ? 7 : 0);
            assert_int_equal(synack.ts_val, peer.has_timestamps ? 777 : 0);
            assert_int_equal(synack.ts_ecr, peer.has_timestamps ? 1234 : 0);
        }
    }
    fixture_deinit(&f);
}

/* A larger shift counts as 14.
 * EVIDENCE 7323-07 */
static void test_peer_wscale(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (unsigned shift = 0; shift <= UINT8_MAX; shift++) {
        struct segment syn = fixture_segment(TCP_SYN, 100, 0, 0);
        syn.options = TCP_OPT_WSCALE;
        syn.wscale = (uint8_t)shift;
        struct handshake_options peer;
        handshake_accept(&f.tcp, &syn, true, &peer);
        assert_true(peer.has_wscale);
        assert_int_equal(peer.wscale, shift < 14 ? shift : 14);
    }
    fixture_deinit(&f);
}

static void test_peer_mss(void **state)
{
    (void)state;
    static const struct {
        bool present, v4;
        uint16_t said, taken;
    } rows[] = {
        {false, true, 0, 536},      {false, false, 0, 1220},
        {false, true, 9000, 536}, /* not an option of it */
        {true, true, 1460, 1460},   {true, false, 1440, 1440},
        {true, true, 0, 48},        {true, true, 1, 48},
        {true, true, 47, 48},       {true, true, 48, 48},
        {true, true, 49, 49},       {true, false, 47, 48},
        {true, true, 65535, 65535},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct segment syn = {.options = rows[i].present ? TCP_OPT_MSS : 0, .mss = rows[i].said};
        assert_int_equal(handshake_peer_mss(&syn, rows[i].v4), rows[i].taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_wscale),        cmocka_unit_test(test_own_mss),
        cmocka_unit_test(test_initial_window),    cmocka_unit_test(test_offer),
        cmocka_unit_test(test_accept_and_answer), cmocka_unit_test(test_peer_wscale),
        cmocka_unit_test(test_peer_mss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
