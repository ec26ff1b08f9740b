/* SPDX-License-Identifier: MIT */
/* Window scaling (RFC 7323 2), and what else windows on the wire must not do: jump back, and give
 * one octet twice. */
#include "scenario/flight.h"

#include "base/prng.h"

static void unscaled(struct hawser_config *config)
{
    config->window_scaling = false;
}

/* The host's window in octets, as the last segment says it, with this scale. */
static uint32_t offered(const struct peer_segment *s, unsigned scale)
{
    return (uint32_t)s->seg.wnd << scale;
}

/* EVIDENCE 7323-01 7323-05 */
static void both_must_want_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        bool ours = i & 1, theirs = i & 2, active = i & 4, both = ours && theirs;
        struct peer p;
        peer_start(&p, false, ours ? NULL : unscaled);
        unsigned options = PEER_MSS | (theirs ? PEER_WSCALE : 0);
        if (active)
            peer_connect(&p, options);
        else
            peer_accept(&p, options);
        for (unsigned k = 0; k < p.out_count; k++) {
            if (p.out[k].seg.flags & S) { /* offered always, answered only when offered */
                bool expected = active ? ours : both;
                assert_int_equal((p.out[k].seg.options & TCP_OPT_WSCALE) != 0, expected);
            }
        }
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.has_wscale, both);
        assert_int_equal(info.snd_wscale, both ? 7 : 0);
        peer_in_wnd(&p, A, 1, 1, 0, 100);
        assert_int_equal(peer_info(&p).snd_wnd, both ? 12800 : 100);
        peer_in(&p, A, 1, 1, 1460);
        peer_in(&p, A, 1461, 1, 1460);
        const struct peer_segment *ack = peer_out(&p, A, 1, 2921, 0);
        uint32_t wnd = offered(ack, both ? info.rcv_wscale : 0);
        assert_true(wnd >= 60000 && wnd <= 65535);
        peer_read(&p, 2920);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

static void buffer_2k(struct hawser_config *config)
{
    config->receive_buffer_bytes = config->receive_window_initial_bytes = 2048;
}

static void buffer_65535(struct hawser_config *config)
{
    config->receive_buffer_bytes = config->receive_window_initial_bytes = 65535;
}

static void buffer_65536(struct hawser_config *config)
{
    config->receive_buffer_bytes = config->receive_window_initial_bytes = 65536;
}

static void buffer_largest(struct hawser_config *config)
{
    const char *field;
    config->receive_buffer_bytes = UINT32_C(1) << 31;
    while (hawser_config_check(config, &field) != 0 && config->receive_buffer_bytes > 2048)
        config->receive_buffer_bytes /= 2;
}

/* EVIDENCE 7323-02 7323-07 */
static void the_scale_offered(void **state)
{
    (void)state;
    static const struct {
        peer_tune *tune;
        int scale; /* -1: as small as will do, at most 14 */
    } rows[] = {
        {buffer_2k, 0}, {buffer_65535, 0}, {buffer_65536, 1}, {NULL, 7}, {buffer_largest, -1}};
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        peer_start(&p, false, rows[i].tune);
        peer_open(&p);
        const struct peer_segment *syn = peer_out(&p, S, 0, 0, 0);
        assert_true(syn->seg.options & TCP_OPT_WSCALE);
        assert_true(syn->seg.wscale <= 14);
        if (rows[i].scale >= 0)
            assert_int_equal(syn->seg.wscale, rows[i].scale);
        else
            assert_true((UINT64_C(65535) << syn->seg.wscale) >= p.config.receive_buffer_bytes ||
                        syn->seg.wscale == 14);
        peer_end(&p);
    }
}

/* EVIDENCE 7323-07 */
static void the_scale_believed(void **state)
{
    (void)state;
    static const uint8_t scales[] = {0, 1, 7, 13, 14, 15, 16, 31, 32, 255};
    for (unsigned i = 0; i < 2 * COUNT_OF(scales); i++) {
        struct peer p;
        uint8_t scale = scales[i / 2];
        peer_start(&p, false, NULL);
        struct segment syn = peer_syn_options(&p, PEER_MSS | PEER_WSCALE);
        syn.wscale = scale;
        syn.wnd = 1000; /* of a SYN: as it stands */
        if (i % 2) {
            peer_open(&p);
            peer_next(&p);
            syn.flags = S | A;
            syn.ack = seq_add(p.host_isn, 1);
            peer_inject(&p, &syn);
            peer_out(&p, A, 1, 1, 0);
            assert_int_equal(peer_info(&p).snd_wnd, 1000);
        } else {
            peer_listen(&p, 1);
            peer_inject(&p, &syn);
            peer_out(&p, S | A, 0, 1, 0);
        }
        peer_in_wnd(&p, A, 1, 1, 0, 3);
        if (i % 2 == 0)
            assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        assert_int_equal(peer_info(&p).snd_wnd, 3u << (scale < 14 ? scale : 14));
        assert_int_equal(peer_info(&p).snd_wscale, scale < 14 ? scale : 14);
        peer_end(&p);
    }
}

static void buffer_512k(struct hawser_config *config)
{
    config->receive_buffer_bytes = config->receive_window_initial_bytes = 500000; /* scale 3 */
}

/* The peer's scale is 7, ours 3: both directions fill to the octet. EVIDENCE 7323-06 */
static void both_directions_are_filled_to_the_octet(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, buffer_512k);
    peer_accept(&p, PEER_MSS | PEER_WSCALE);
    assert_int_equal(peer_info(&p).rcv_wscale, 3);
    peer_in_wnd(&p, A, 1, 1, 0, 100); /* 12800 octets: 8 segments and 1120 */
    peer_write(&p, 100000);
    out_segments(&p, 0, 8);
    peer_quiet(&p);
    peer_pass(&p, 50 * MS);
    for (uint32_t i = 1; i <= 8; i++)
        peer_in_wnd(&p, A, 1, AT(i), 0, 100);
    peer_drop_out(&p);
    peer_in_wnd(&p, A, 1, AT(8), 0, 1); /* one segment cannot leave: 128 octets */
    assert_int_equal(peer_info(&p).snd_wnd, 128);
    /* The other way: what is offered is taken, and nothing behind it. */
    uint32_t acked = peer_info(&p).snd_una - p.host_isn.v, seq = 1, edge = 0;
    for (unsigned i = 0; i < 1000; i++) {
        peer_in(&p, A, seq, acked, 1000);
        seq += 1000;
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            uint32_t e = seq_diff(s->seg.ack, p.peer_isn) + offered(s, 3);
            edge = e > edge ? e : edge;
        }
        if (edge > 0 && edge - seq < 1000)
            break;
    }
    peer_in(&p, A, seq, acked, edge - seq);
    assert_int_equal(peer_info(&p).receive_queue_bytes, edge - 1);
    assert_true(edge - 1 >= 500000 - 7 && edge - 1 <= 500000 + 7);
    assert_int_equal(peer_info(&p).rcv_wnd, 0);
    peer_drop_out(&p);
    peer_in(&p, A, edge, acked, 1);
    assert_int_equal(peer_info(&p).receive_queue_bytes, edge - 1);
    peer_drop_out(&p);
    peer_read(&p, edge - 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* ---- windows that come in another order, and text that comes twice --------------------------- */

/* EVIDENCE 9293-3.8.6x-2 */
static void reordered_acks_do_not_turn_the_window_back(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    peer_in_wnd(&p, A, 1, AT(4), 0, 40000);
    assert_int_equal(peer_info(&p).snd_wnd, 40000);
    peer_in_wnd(&p, A, 1, AT(2), 0, 10000); /* overtaken */
    peer_in_wnd(&p, A, 1, AT(3), 0, 65535);
    peer_in_wnd(&p, A, 1, AT(0), 0, 0);
    assert_int_equal(peer_info(&p).snd_wnd, 40000);
    peer_in_wnd(&p, P | A, 1, AT(4), 10, 30000); /* as new an ACK, on newer text */
    assert_int_equal(peer_info(&p).snd_wnd, 30000);
    peer_in_wnd(&p, P | A, 1, AT(4), 10, 50000); /* the old text again: refused, window and all */
    assert_int_equal(peer_info(&p).snd_wnd, 30000);
    peer_in_wnd(&p, P | A, 111, AT(4), 10, 35000); /* text that came too early */
    assert_int_equal(peer_info(&p).snd_wnd, 35000);
    peer_in_wnd(&p, A, 11, AT(4), 0, 60000); /* and what was sent before it */
    assert_int_equal(peer_info(&p).snd_wnd, 35000);
    peer_in_wnd(&p, A, 121, AT(4), 0, 50000);
    assert_int_equal(peer_info(&p).snd_wnd, 50000);
    peer_read(&p, 10);
    peer_drop_out(&p);
    peer_end(&p);
}

/* The peer has filled the host's window, all but its first octets: its ACKs stand at the window's
 * right edge, and count; beyond it they do not. */
static void an_ack_at_the_right_edge_counts(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, buffer_2k);
    peer_accept(&p, PEER_MSS | PEER_SACK);
    assert_int_equal(peer_info(&p).rcv_wnd, 2048);
    peer_write(&p, 10 * MSS);
    out_segments(&p, 0, 10);
    peer_in(&p, A, 101, 1, 1000); /* 1 to 100 is lost */
    peer_in(&p, A, 1101, 1, 948);
    peer_drop_out(&p);
    peer_in(&p, A, 2050, AT(1), 0); /* one beyond */
    assert_int_equal(peer_info(&p).snd_una - p.host_isn.v, 1);
    peer_out(&p, A, AT(10), 1, 0);
    peer_in(&p, A, 2049, AT(1), 0);
    assert_int_equal(peer_info(&p).snd_una - p.host_isn.v, AT(1));
    peer_quiet(&p);
    const uint32_t edges[] = {AT(2), AT(5)};
    peer_in_sack(&p, 2049, AT(1), 1, edges);
    peer_out(&p, A, AT(1), 1, MSS - 12); /* beside a block of its own */
    peer_in(&p, R, 2049, 0, 0); /* a RST does not: RFC 5961 3.2 */
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_drop_out(&p);
    peer_in(&p, A, 1, AT(10), 100);
    peer_read(&p, 2048);
    peer_drop_out(&p);
    peer_end(&p);
}

/* Random text, in order, out of order, twice and overlapping, random reading; all that the host
 * sends is watched. EVIDENCE 9293-3.10.7.4g-2 9293-3.10.7.4a-4 */
static void random_text(unsigned options, uint64_t seed)
{
    enum { STREAM = 200000 };
    static bool has[STREAM + 2];
    struct prng prng;
    prng_init(&prng, seed);
    memset(has, 0, sizeof has);
    struct peer p;
    peer_start(&p, seed % 2, seed % 3 == 0 ? buffer_512k : NULL);
    peer_accept(&p, options);
    unsigned scale = peer_info(&p).rcv_wscale;
    uint32_t next = 1, edge = next + peer_info(&p).rcv_wnd;
    while (p.read < STREAM) {
        uint32_t spread = prng_below(&prng, 6) == 0 ? 9000 : 3000;
        uint32_t from = next + prng_below(&prng, spread), n = 1 + prng_below(&prng, 1440);
        from = from > 1500 ? from - 1500 : 1; /* from what is old to what is far ahead */
        if (prng_below(&prng, 3) == 0 || from > STREAM)
            from = next < STREAM ? next : STREAM;
        n = from + n > STREAM + 1 ? STREAM + 1 - from : n;
        p.ts_val++;
        peer_in(&p, A, from, 1, n);
        for (uint32_t i = from; i < from + n && i < edge; i++)
            has[i] = true;
        while (next <= STREAM && has[next])
            next++;
        if (prng_below(&prng, 4) == 0 && peer_info(&p).receive_queue_bytes > 0)
            peer_read(&p, 1 + prng_below(&prng, peer_info(&p).receive_queue_bytes));
        if (prng_below(&prng, 16) == 0)
            peer_pass(&p, 50 * MS);
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            uint32_t e = seq_diff(s->seg.ack, p.peer_isn) + offered(s, scale);
            if (e + (1u << scale) <= edge)
                fail_msg("seed %lu: the window's edge went from %u back to %u", (unsigned long)seed,
                         edge, e);
            edge = e > edge ? e : edge;
        }
        assert_int_equal(peer_info(&p).rcv_nxt - p.peer_isn.v, next); /* nothing twice, or lost */
    }
    peer_pass(&p, NS_PER_S);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.4g-2 9293-3.10.7.4a-4 */
static void the_edge_stays_and_the_stream_is_exact(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        random_text(seed % 4 == 0   ? PEER_MSS
                    : seed % 4 == 1 ? PEER_ALL
                                    : PEER_MSS | PEER_WSCALE,
                    seed);
}

/* Overlaps on the left, on the right, inside, and over several islands. EVIDENCE 9293-3.10.7.4a-4
 */
static void overlapping_text_is_taken_once(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, to, next;
    } rows[] = {
        {1, 101, 101},   {51, 151, 151},  {1, 151, 151},   /* left, all old */
        {101, 131, 151}, {301, 401, 151}, {251, 351, 151}, /* inside; an island, to its left */
        {351, 451, 151}, {501, 601, 151}, {201, 651, 151}, /* to its right; over two */
        {320, 330, 151}, {140, 210, 651},                  /* inside one; left, and to it */
        {700, 750, 651}, {800, 850, 651}, {600, 900, 900}, /* from before over two */
    };
    for (unsigned sack = 0; sack < 2; sack++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, sack ? PEER_MSS | PEER_SACK : PEER_MSS);
        for (unsigned i = 0; i < COUNT_OF(rows); i++) {
            peer_in(&p, A, rows[i].from, 1, rows[i].to - rows[i].from);
            assert_int_equal(peer_info(&p).rcv_nxt - p.peer_isn.v, rows[i].next);
            assert_int_equal(peer_info(&p).receive_queue_bytes, rows[i].next - 1);
            assert_int_equal(peer_info(&p).bytes_received, rows[i].next - 1);
        }
        peer_read(&p, 899);
        peer_read_gives(&p, HAWSER_ERR_AGAIN);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* An ACK of new data on text that is older than the last window update: its window is not taken,
 * and the edge stays where it was offered (RFC 9293 3.8.6: SND.UNA+SND.WND).
 * EVIDENCE 9293-3.10.7.4e-7 */
static void an_ack_alone_does_not_move_the_edge(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 100 * MSS);
    out_segments(&p, 0, 10);
    peer_in_wnd(&p, P | A, 101, AT(0), 10, 20000); /* its first 100 octets are on their way */
    assert_int_equal(peer_info(&p).snd_wnd, 20000);
    peer_drop_out(&p);
    peer_in_wnd(&p, P | A, 1, AT(4), 100, 15000);
    assert_int_equal(peer_info(&p).snd_una - p.host_isn.v, AT(4));
    assert_int_equal(peer_info(&p).snd_wnd, 20000 - 4 * MSS);
    peer_pull(&p);
    for (unsigned i = p.out_first; i < p.out_count; i++)
        assert_true(p.out[i].seg.seq.v + p.out[i].seg.text_len - p.host_isn.v <= 20001);
    peer_read(&p, 110);
    peer_drop_out(&p);
    peer_end(&p);
}

/* The SYN-ACK of a simultaneous open has its SYN cut off, and is unscaled all the same.
 * EVIDENCE 7323-04 */
static void the_window_of_a_crossing_syn_ack(void **state)
{
    (void)state;
    static const uint16_t windows[] = {0, 3000, 5000, 65535};
    for (unsigned i = 0; i < COUNT_OF(windows); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_open(&p);
        peer_out(&p, S, 0, 0, 0);
        struct segment syn = peer_syn_options(&p, PEER_MSS | PEER_WSCALE);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        syn.flags = S | A;
        syn.ack = seq_add(p.host_isn, 1);
        syn.wnd = windows[i];
        peer_inject(&p, &syn);
        peer_pull(&p);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        assert_int_equal(peer_info(&p).snd_wnd, windows[i]);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_must_want_it),
        cmocka_unit_test(the_scale_offered),
        cmocka_unit_test(the_scale_believed),
        cmocka_unit_test(both_directions_are_filled_to_the_octet),
        cmocka_unit_test(reordered_acks_do_not_turn_the_window_back),
        cmocka_unit_test(an_ack_at_the_right_edge_counts),
        cmocka_unit_test(the_edge_stays_and_the_stream_is_exact),
        cmocka_unit_test(overlapping_text_is_taken_once),
        cmocka_unit_test(an_ack_alone_does_not_move_the_edge),
        cmocka_unit_test(the_window_of_a_crossing_syn_ack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
