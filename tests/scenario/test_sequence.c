/* SPDX-License-Identifier: MIT */
/* Sequence numbers: they wrap, segments are cut to the window, ACKs stop anywhere, the right edge
 * of the window never moves back (RFC 9293 3.4, 3.10.7.4 first, fifth and seventh). */
#include "scenario/peer.h"

#define MSS 1460u

/* ---- numbers that wrap ----------------------------------------------------------------------- */

/* Text one way, with a loss in it. */
static void host_sends(struct peer *p)
{
    uint32_t mss = peer_info(p).send_mss_bytes, from = 1 + p->written, them = 1 + p->read;
    peer_write(p, 5 * mss);
    for (uint32_t i = 0; i < 5; i++)
        peer_next(p);
    peer_in(p, A, them, from + mss, 0); /* the second is lost */
    for (uint32_t i = 2; i < 5; i++) {
        const uint32_t edges[] = {from + 2 * mss, from + (i + 1) * mss};
        peer_in_sack(p, them, from + mss, 1, edges);
    }
    peer_out(p, A, from + mss, them, mss);
    peer_drop_out(p); /* perhaps once more, to rescue it */
    peer_in(p, A, them, from + 5 * mss, 0);
    peer_quiet(p);
    assert_int_equal(peer_info(p).snd_una, p->host_isn.v + from + 5 * mss);
    assert_int_equal(peer_info(p).send_queue_bytes, 0);
    assert_int_equal(peer_info(p).recovery, 0);
}

/* The other way: out of order, overlapping, old. */
static void host_receives(struct peer *p)
{
    uint32_t us = 1 + p->written, at = 1 + p->read;
    peer_in(p, A, at + 200, us, 100);
    peer_out(p, A, us, at, 0);
    peer_in(p, A, at + 400, us, 100);
    peer_out(p, A, us, at, 0);
    peer_in(p, A, at, us, 250); /* reaches into the first island */
    peer_out(p, A, us, at + 300, 0);
    peer_in(p, A, at + 10, us, 290); /* old */
    peer_out(p, A, us, at + 300, 0);
    peer_in(p, A, at + 300, us, 700); /* over the second, and beyond */
    peer_out(p, A, us, at + 1000, 0);
    peer_read(p, 1000);
    assert_int_equal(peer_info(p).rcv_nxt, p->peer_isn.v + at + 1000);
}

static void normal_close(struct peer *p)
{
    uint32_t us = 1 + p->written, them = 1 + p->read;
    peer_to_state(p, HAWSER_TIME_WAIT);
    peer_in(p, F | A, them, us + 1, 0); /* again */
    peer_out(p, A, us + 1, them + 1, 0);
    peer_in(p, P | A, them - 5, us + 1, 5); /* old text */
    peer_out(p, A, us + 1, them + 1, 0);
}

static void other_close(struct peer *p)
{
    uint32_t us = 1 + p->written, them = 1 + p->read;
    peer_in(p, F | A, them, us, 0);
    peer_out(p, A, us, them + 1, 0);
    assert_int_equal(hawser_shutdown(p->host, p->tcp), 0);
    peer_out(p, F | A, us, them + 1, 0);
    peer_pass_until_out(p, 10 * NS_PER_S);
    peer_out(p, F | A, us, them + 1, 0); /* the first was lost */
    peer_in(p, A, them + 1, us + 1, 0);
    assert_int_equal(peer_tuple_state(p), HAWSER_CLOSED);
}

static void crossing_close(struct peer *p)
{
    uint32_t us = 1 + p->written, them = 1 + p->read;
    peer_to_state(p, HAWSER_CLOSING);
    peer_in(p, A, them + 1, us, 0); /* not yet */
    assert_int_equal(peer_state(p), HAWSER_CLOSING);
    peer_in(p, A, them + 1, us + 1, 0);
    assert_int_equal(peer_state(p), HAWSER_TIME_WAIT);
}

static void reset_close(struct peer *p)
{
    uint32_t us = 1 + p->written, them = 1 + p->read;
    peer_in(p, R, them - 1, 0, 0);                    /* old */
    peer_in(p, R, them + peer_info(p).rcv_wnd, 0, 0); /* beyond */
    peer_quiet(p);
    peer_in(p, R, them + 1, 0, 0); /* in the window, not exact */
    peer_out(p, A, us, them, 0);
    peer_in(p, R, them, 0, 0);
    assert_int_equal(peer_info(p).error, HAWSER_ERR_RESET);
}

/* EVIDENCE 9293-3.4-1 */
static void any_first_number(void **state)
{
    (void)state;
    static const uint32_t isn[] = {0xffffff00, 0x7fffff00, 0, 0xffffffff, 0xfffffffe, 0x7fffffff};
    static void (*const closes[])(struct peer *) = {normal_close, other_close, crossing_close,
                                                    reset_close};
    for (unsigned i = 0; i < COUNT_OF(isn); i++) {
        for (unsigned k = 0; k < COUNT_OF(isn); k++) {
            for (unsigned how = 0; how < 2 * COUNT_OF(closes); how++) {
                struct peer p;
                bool active = how & 1;
                peer_start(&p, (i + k) & 1, NULL);
                peer_aim(&p, isn[i], isn[k], active);
                if (active)
                    peer_connect(&p, PEER_ALL);
                else
                    peer_accept(&p, PEER_ALL);
                assert_int_equal(p.host_isn.v, isn[i]);
                host_sends(&p);
                host_receives(&p);
                peer_write(&p, 777);
                peer_out(&p, P | A, 1 + p.written - 777, 1001, 777);
                peer_in(&p, A, 1001, 1 + p.written, 0);
                closes[how / 2](&p);
                peer_end(&p);
            }
        }
    }
}

/* ---- ACKs that stop anywhere ----------------------------------------------------------------- */

/* EVIDENCE 9293-3.10.7.4e-4 9293-3.4-8 */
static void acks_within_segments(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 5 * MSS);
    peer_drop_out(&p);
    uint32_t acked = 0, seed = 3;
    while (acked < 5 * MSS) {
        seed = seed * 1664525 + 1013904223;
        acked += 1 + (seed >> 16) % 700;
        if (acked > 5 * MSS)
            acked = 5 * MSS;
        peer_in(&p, A, 1, 1 + acked, 0);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.snd_una, p.host_isn.v + 1 + acked);
        assert_int_equal(info.snd_nxt, p.host_isn.v + 1 + 5 * MSS);
        assert_int_equal(info.send_queue_bytes, 5 * MSS - acked);
        assert_int_equal(info.bytes_acked, acked);
        assert_int_equal(info.timer_kind,
                         acked < 5 * MSS ? HAWSER_TIMER_RETRANSMISSION : HAWSER_TIMER_NONE);
    }
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.4-8 */
static void what_is_not_acknowledged_stays_in_the_queue(void **state)
{
    (void)state;
    static const uint32_t parts[] = {1, 2, 700, MSS - 1, MSS, MSS + 1};
    for (unsigned i = 0; i < COUNT_OF(parts); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 2 * MSS);
        peer_drop_out(&p);
        peer_in(&p, A, 1, 1 + parts[i], 0);
        uint32_t rest = 2 * MSS - parts[i];
        peer_pass_until_out(&p, 10 * NS_PER_S);
        const struct peer_segment *again =
            peer_out(&p, rest <= MSS ? P | A : A, 1 + parts[i], 1, rest < MSS ? rest : MSS);
        peer_in(&p, A, 1, 1 + parts[i] + again->seg.text_len, 0);
        if (rest > MSS)
            peer_out(&p, P | A, 1 + parts[i] + MSS, 1, rest - MSS);
        peer_in(&p, A, 1, 1 + 2 * MSS, 0);
        peer_pass(&p, 100 * NS_PER_S);
        peer_quiet(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.10.7.4e-6 */
static void an_old_ack_on_new_text(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 3000);
    peer_drop_out(&p);
    peer_in(&p, A, 1, 3001, 0);
    peer_in_wnd(&p, P | A, 1, 2000, 100, 7); /* overtaken by the one before it */
    peer_read(&p, 100);
    struct hawser_tcp_info info = peer_info(&p);
    assert_int_equal(info.snd_una, p.host_isn.v + 3001);
    assert_int_equal(info.send_queue_bytes, 0);
    assert_int_equal(info.snd_wnd, 65535); /* nor is its window news */
    assert_int_equal(info.duplicate_acks, 0);
    peer_in_wnd(&p, P | A, 101, 2000, 100, 7); /* not even on text that is newer */
    assert_int_equal(peer_info(&p).snd_wnd, 65535);
    peer_read(&p, 100);
    peer_pass(&p, NS_PER_S);
    peer_out(&p, A, 3001, 201, 0);
    peer_end(&p);
}

/* ---- the receive window ---------------------------------------------------------------------- */

static void buffer_4000(struct hawser_config *config)
{
    config->receive_window_initial_bytes = config->receive_buffer_bytes = 4000;
}

/* EVIDENCE 9293-3.10.7.4a-3 */
static void segments_are_cut_to_the_window(void **state)
{
    (void)state;
    for (unsigned fin = 0; fin < 2; fin++) {
        struct peer p;
        peer_start(&p, fin, buffer_4000);
        peer_accept(&p, 0);
        peer_in(&p, P | A, 1, 1, 1000);
        peer_pass(&p, NS_PER_S);
        peer_out(&p, A, 1, 1001, 0); /* the window is 1001 to 4000 */
        peer_in(&p, (fin ? F : 0) | P | A, 501, 1, 4000);
        peer_pass(&p, NS_PER_S);
        assert_int_equal(peer_out(&p, A, 1, 4001, 0)->seg.wnd, 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED); /* the FIN was at 4501 */
        peer_read(&p, 4000);
        peer_read_gives(&p, HAWSER_ERR_AGAIN);
        peer_drop_out(&p);
        peer_in(&p, F | P | A, 4001, 1, 500); /* it has to come again */
        peer_out(&p, A, 1, 4502, 0);
        assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
        peer_read(&p, 500);
        peer_end(&p);
    }
}

/* The last octet of the window, and a FIN right behind it: there is no number left for the FIN. */
static void a_fin_behind_the_window(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, buffer_4000);
    peer_accept(&p, 0);
    peer_in(&p, F | P | A, 1, 1, 4000);
    peer_pass(&p, 100 * NS_PER_MS);
    peer_out(&p, A, 1, 4001, 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_read(&p, 4000);
    peer_out(&p, A, 1, 4001, 0);
    peer_in(&p, F | A, 4001, 1, 0);
    peer_out(&p, A, 1, 4002, 0);
    assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
    peer_end(&p);
}

/* What the peer has been allowed, from everything that came out. Only where more was promised than
 * the buffer and an eighth may it go back, and then by less than a unit of the scale
 * (RFC 7323 2.4). */
static void look_at_edges(struct peer *p, uint32_t *edge, uint64_t buffer)
{
    struct hawser_tcp_info info = peer_info(p);
    uint32_t unit = UINT32_C(1) << info.rcv_wscale;
    bool beyond = info.receive_queue_bytes + info.rcv_wnd + unit > buffer + buffer / 8;
    while (peer_pending(p) > 0) {
        const struct peer_segment *s = peer_next(p);
        uint32_t at = seq_diff(s->seg.ack, p->peer_isn) + ((uint32_t)s->seg.wnd << info.rcv_wscale);
        assert_true(at >= *edge || (beyond && *edge - at < unit));
        *edge = at > *edge ? at : *edge;
    }
}

/* EVIDENCE 9293-3.10.7.4g-2 9293-SHLD-14 */
static void the_right_edge_never_moves_back(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 6; seed++) {
        struct peer p;
        peer_start(&p, seed & 1, NULL);
        peer_accept(&p, seed & 2 ? PEER_ALL : PEER_MSS);
        uint32_t edge = 1 + 65535, in = 1, r = seed;
        uint64_t smallest = 65536; /* the buffer has been no smaller */
        for (int i = 0; i < 4000; i++) {
            r = r * 1664525 + 1013904223;
            uint32_t n = 1 + (r >> 20) % 1400, what = (r >> 8) % 16;
            if (what < 8 && in + n <= edge) { /* in order */
                peer_in(&p, A, in, 1, n);
                in += n;
            } else if (what < 11 &&
                       in + 3000 + n <= edge) { /* ahead; what is between comes later */
                peer_in(&p, A, in + 3000, 1, n);
            } else if (what < 14) {
                uint8_t text[4000];
                int64_t got = hawser_receive(p.host, p.tcp, text, 3 * n < 4000 ? 3 * n : 4000);
                p.read += got > 0 ? (uint32_t)got : 0;
            } else if (what == 14) {
                uint64_t bytes = 2048 + (r >> 4) % 200000;
                const enum hawser_option option = HAWSER_OPTION_RECEIVE_BUFFER_BYTES;
                assert_int_equal(hawser_set_option(p.host, p.tcp, option, bytes), 0);
                smallest = bytes < smallest ? bytes : smallest;
            } else {
                peer_pass(&p, n * NS_PER_MS / 10);
            }
            look_at_edges(&p, &edge, smallest);
            uint32_t nxt = peer_info(&p).rcv_nxt - p.peer_isn.v;
            in = nxt > in ? nxt : in; /* an island may have been reached */
        }
        assert_true(p.read > 100000);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_first_number),
        cmocka_unit_test(acks_within_segments),
        cmocka_unit_test(what_is_not_acknowledged_stays_in_the_queue),
        cmocka_unit_test(an_old_ack_on_new_text),
        cmocka_unit_test(segments_are_cut_to_the_window),
        cmocka_unit_test(a_fin_behind_the_window),
        cmocka_unit_test(the_right_edge_never_moves_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
