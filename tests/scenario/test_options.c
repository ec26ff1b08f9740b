/* SPDX-License-Identifier: MIT */
/* Options on the wire: unknown and broken ones, and those that stand where they do not belong
 * (RFC 9293 3.1, RFC 2018 2, RFC 7323 2.2); segment sizes that follow from them (RFC 9293 3.7.1,
 * RFC 6691, RFC 1191). */
#include "scenario/flight.h"

#include "base/bytes.h"
#include "wire/checksum.h"

static const bool families[] = {false, true};

/* A segment of the connection with these octets for options (a multiple of 4), as they stand. */
struct raw {
    unsigned flags;
    uint32_t seq, ack, len;
    const uint8_t *options;
    uint32_t options_bytes;
};

static void inject(struct peer *p, const struct raw *raw)
{
    uint8_t packet[2000];
    struct segment seg = {.src_port = p->peer_port, .dst_port = p->host_port};
    seg.seq = seq_add(p->peer_isn, raw->seq);
    if (raw->flags & A)
        seg.ack = seq_add(p->host_isn, raw->ack);
    seg.flags = (uint8_t)raw->flags;
    seg.wnd = p->wnd;
    uint32_t n = TCP_HEADER_MIN + raw->options_bytes + raw->len;
    struct ip_emit ip = {.src = &p->peer_address,
                         .dst = &p->host_address,
                         .payload_len = n,
                         .protocol = IP_PROTO_TCP,
                         .hop_limit = 64,
                         .dont_fragment = true};
    uint32_t at = ip_emit(&ip, packet);
    uint8_t *tcp = packet + at;
    tcp_emit_header(&seg, tcp);
    tcp[12] = (uint8_t)((TCP_HEADER_MIN + raw->options_bytes) / 4 << 4);
    memcpy(tcp + TCP_HEADER_MIN, raw->options, raw->options_bytes);
    for (uint32_t i = 0; i < raw->len; i++)
        tcp[TCP_HEADER_MIN + raw->options_bytes + i] = peer_octet(raw->seq + i);
    uint32_t sum = checksum_pseudo(&p->peer_address, &p->host_address, IP_PROTO_TCP, n);
    tcp_emit_checksum(tcp, checksum_add(sum, checksum_sum(tcp, n)));
    peer_inject_raw(p, packet, at + n);
}

/* Well-formed, and of no meaning where they stand: kinds 200, 253 and 254, MSS, window scale,
 * SACK-permitted, NOP, end of list with litter behind it. */
static const struct {
    uint8_t octets[40];
    uint32_t bytes;
} harmless[] = {
    {{200, 4, 1, 2}, 4},
    {{253, 6, 0xca, 0xfe, 1, 2, 254, 2}, 8},
    {{254, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}, 12},
    {{200, 40}, 40},
    {{200, 3, 9, 1, 201, 2, 202, 2}, 8},
    {{1, 1, 1, 1}, 4},
    {{0, 200, 0, 1}, 4},
    {{2, 4, 0, 100}, 4},
    {{3, 3, 14, 1}, 4},
    {{4, 2, 1, 1}, 4},
};

/* EVIDENCE 9293-MUST-5 9293-MUST-6 7323-03 */
static void options_in_every_segment(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(harmless); i++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct peer p;
            peer_start(&p, v6 != 0, NULL);
            peer_accept(&p, PEER_ALL & ~PEER_TS);
            peer_in(&p, A, 1, 1, 0);
            uint32_t mss = peer_info(&p).send_mss_bytes, wnd = peer_info(&p).snd_wnd;
            struct raw raw = {.flags = P | A,
                              .seq = 1,
                              .ack = 1,
                              .len = 100,
                              .options = harmless[i].octets,
                              .options_bytes = harmless[i].bytes};
            inject(&p, &raw); /* text */
            peer_read(&p, 100);
            peer_write(&p, 100);
            peer_out(&p, P | A, 1, 101, 100);
            raw = (struct raw){A, 101, 101, 0, raw.options, raw.options_bytes};
            inject(&p, &raw); /* a plain ACK */
            struct hawser_tcp_info info = peer_info(&p);
            assert_int_equal(info.send_queue_bytes, 0);
            assert_int_equal(info.send_mss_bytes, mss);
            assert_int_equal(info.snd_wnd, wnd);
            raw.flags = F | A;
            inject(&p, &raw);
            peer_out(&p, A, 101, 102, 0);
            assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
            raw = (struct raw){R, 102, 0, 0, raw.options, raw.options_bytes};
            inject(&p, &raw);
            assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
            peer_quiet(&p);
            peer_end(&p);
        }
    }
}

/* On a SYN, in front of options that mean something: skipped exactly by their lengths.
 * EVIDENCE 9293-MUST-6 */
static void unknown_options_on_a_syn(void **state)
{
    (void)state;
    for (uint8_t len = 2; len <= 22; len++) {
        struct peer p;
        uint8_t octets[40] = {200, len};
        uint32_t at = len;
        static const uint8_t known[] = {2, 4, 2, 88, 4, 2, 3, 3, 5, 254, 2};
        memset(octets + 2, 2, len - 2u); /* read as options they would be nonsense */
        memcpy(octets + at, known, sizeof known);
        at = (at + (uint32_t)sizeof known + 3) & ~3u;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct raw syn = {.flags = S, .options = octets, .options_bytes = at};
        inject(&p, &syn);
        const struct peer_segment *got = peer_out(&p, S | A, 0, 1, 0);
        assert_int_equal(got->seg.options, TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_WSCALE);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.send_mss_bytes, 600);
        assert_int_equal(info.snd_wscale, 5);
        assert_true(info.has_sack);
        assert_false(info.has_timestamps);
        peer_end(&p);
    }
}

/* Lengths of 0 and 1, past the end of the header, and not the kind's own: the segment is dropped
 * and counted, and nothing else happens.
 * EVIDENCE 9293-MUST-7 2018-14 */
static void broken_lengths(void **state)
{
    (void)state;
    static const uint8_t broken[][12] = {
        {200, 0, 1, 1, 1, 1, 1, 1}, {200, 1, 1, 1, 1, 1, 1, 1},   {1, 1, 1, 1, 1, 1, 200, 3},
        {1, 1, 1, 1, 1, 1, 1, 200}, {200, 255, 1, 1, 1, 1, 1, 1}, {2, 3, 1, 1, 1, 1, 1, 1},
        {2, 0, 1, 1, 1, 1, 1, 1},   {8, 9, 0, 0, 0, 0, 0, 0},     {1, 1, 8, 10, 0, 0, 0, 0},
        {5, 2, 1, 1, 1, 1, 1, 1},   {5, 9, 0, 0, 0, 1, 0, 0},     {5, 7, 0, 0, 0, 1, 0, 1},
        {1, 1, 5, 10, 0, 0, 0, 1},  {4, 3, 1, 1, 1, 1, 1, 1},     {3, 4, 1, 1, 1, 1, 1, 1},
        {3, 2, 1, 1, 1, 1, 1, 1},
    };
    for (unsigned i = 0; i < COUNT_OF(broken); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_listen(&p, 4);
        struct raw raw = {.flags = S, .options = broken[i], .options_bytes = 8};
        inject(&p, &raw);
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
        peer_accept(&p, PEER_ALL & ~PEER_TS);
        peer_write(&p, 100);
        peer_drop_out(&p);
        static const unsigned flags[] = {P | A, A, F | A, R, R | A, S | A};
        for (unsigned k = 0; k < COUNT_OF(flags); k++) {
            raw = (struct raw){flags[k], 1, 101, k == 0 ? 50 : 0, broken[i], 8};
            inject(&p, &raw);
            peer_quiet(&p);
        }
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        assert_int_equal(peer_info(&p).send_queue_bytes, 100);
        assert_int_equal(peer_info(&p).receive_queue_bytes, 0);
        assert_int_equal(p.drops[HAWSER_DROP_TCP_OPTIONS], 1 + COUNT_OF(flags));
        peer_in(&p, A, 1, 101, 0);
        assert_int_equal(peer_info(&p).send_queue_bytes, 0);
        peer_end(&p);
    }
}

/* Every octet of an option area, in turn, 0 to 255: some are right, none does harm.
 * EVIDENCE 9293-MUST-7 */
static void any_octets_do_no_harm(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    uint32_t x = 12345;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t octets[40];
        for (unsigned k = 0; k < sizeof octets; k++) {
            x = x * 1664525 + 1013904223;
            octets[k] = (uint8_t)(x >> 24 & (i % 3 == 0 ? 255 : 15));
        }
        struct raw raw = {A, 1, 1, 0, octets, 4 * (x >> 8 & 7) + 4};
        inject(&p, &raw);
    }
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    assert_true(peer_pending(&p) < 100);
    peer_drop_out(&p);
    peer_end(&p);
}

/* Kinds that belong to SYNs only, in everything that came out. */
static void no_option_of_syns(const struct peer *p)
{
    for (unsigned i = 0; i < p->out_count; i++) {
        const struct peer_segment *s = &p->out[i];
        const uint8_t *tcp = s->frame + (p->v6 ? 40 : 20);
        uint32_t end = 4u * (tcp[12] >> 4);
        if (s->seg.flags & S)
            continue;
        for (uint32_t at = TCP_HEADER_MIN; at < end && tcp[at] != 0;) {
            if (tcp[at] >= 2 && tcp[at] <= 4)
                fail_msg("kind %u on a segment with flags %#x", tcp[at], s->seg.flags);
            at += tcp[at] == 1 ? 1 : tcp[at + 1];
        }
    }
}

/* EVIDENCE 2018-01 9293-MUST-65 */
static void options_of_syns_stay_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i % 2], NULL);
        if (i < 2)
            peer_accept(&p, PEER_ALL);
        else
            peer_connect(&p, PEER_ALL);
        peer_write(&p, 100000);
        for (uint32_t k = 1; k < 30; k++) {
            p.ts_val++;
            peer_in(&p, P | A, 1 + (k * 7 % 30) * 100, 1 + k * 1000, 100);
            peer_pass(&p, 100 * MS);
        }
        peer_in(&p, S | A, 1, 1, 0);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        peer_pass(&p, 5 * NS_PER_S);
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        peer_pull(&p);
        assert_true(p.out_count > 50);
        no_option_of_syns(&p);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* SACK-permitted on text is nothing; without it on the SYN there is no SACK.
 * EVIDENCE 2018-01 2018-02 */
static void sack_cannot_be_permitted_later(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    static const uint8_t permitted[] = {1, 1, 4, 2};
    for (uint32_t i = 5; i > 0; i--) {
        struct raw raw = {A, 1 + i * 200, 1, 100, permitted, 4};
        inject(&p, &raw);
        assert_int_equal(peer_out(&p, A, 1, 1, 0)->seg.options, 0);
    }
    assert_false(peer_info(&p).has_sack);
    peer_end(&p);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* EVIDENCE 6691-01 6691-03 1191-08 */
static void the_announced_mss_is_what_the_mtu_gives(void **state)
{
    (void)state;
    static const uint32_t mtus[] = {576, 1280, 1500, 9000};
    for (unsigned i = 0; i < 2 * COUNT_OF(mtus); i++) {
        uint32_t mtu = mtus[i / 2];
        bool v6 = i % 2;
        if (v6 && mtu < 1280)
            continue;
        for (unsigned options = 0; options < 16; options++) {
            struct peer p;
            peer_start_mtu(&p, v6, mtu, NULL);
            struct hawser_address any;
            assert_int_equal(hawser_address_scan(v6 ? "::" : "0.0.0.0", &any), 0);
            assert_int_equal(hawser_route_add(p.host, &any, 0, NULL, p.link, 0), 0);
            if (options & 1) /* not a neighbour: no reason for 536 */
                assert_int_equal(
                    hawser_address_scan(v6 ? "2001:db8:ffff::9" : "203.0.113.9", &p.peer_address),
                    0);
            uint32_t mss = mtu - (v6 ? 60 : 40);
            peer_open(&p);
            assert_int_equal(peer_out(&p, S, 0, 0, 0)->seg.mss, mss);
            p.host_port = PEER_HOST_PORT;
            peer_listen(&p, 4);
            struct segment syn = peer_syn_options(&p, options);
            peer_inject(&p, &syn);
            assert_int_equal(peer_out(&p, S | A, 0, 1, 0)->seg.mss, mss);
            peer_end(&p);
        }
    }
}

/* The largest segment, and how many octets of text are in it. */
static uint32_t largest(struct peer *p, uint32_t *text)
{
    uint32_t most = 0;
    *text = 0;
    for (; peer_pending(p) > 0;) {
        const struct peer_segment *s = peer_next(p);
        most = s->packet_bytes > most ? s->packet_bytes : most;
        *text = s->seg.text_len > *text ? s->seg.text_len : *text;
    }
    return most;
}

/* EVIDENCE 9293-MUST-16 1191-07 6691-02 */
static void no_segment_is_larger_than_it_may_be(void **state)
{
    (void)state;
    static const uint16_t offers[] = {88, 536, 1000, 1220, 1460, 8960, 65535};
    static const uint32_t mtus[] = {1280, 1500, 9000};
    for (unsigned i = 0; i < COUNT_OF(offers) * COUNT_OF(mtus) * 4; i++) {
        uint16_t offer = offers[i / 4 % COUNT_OF(offers)];
        uint32_t mtu = mtus[i / 4 / COUNT_OF(offers)];
        bool v6 = i & 1, ts = i & 2;
        struct peer p;
        peer_start_mtu(&p, v6, mtu, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, PEER_ALL & ~(ts ? 0 : PEER_TS));
        syn.mss = offer;
        peer_inject(&p, &syn);
        peer_next(&p);
        p.timestamps = ts;
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        uint32_t fixed = v6 ? 60 : 40, text;
        uint32_t mss = offer < mtu - fixed ? offer : mtu - fixed;
        peer_write(&p, 20 * mss);
        assert_int_equal(largest(&p, &text), fixed + mss);
        assert_int_equal(text, mss - (ts ? 12 : 0));
        for (uint32_t k = 4; k > 0; k--) { /* with blocks on it, less text fits */
            p.ts_val++;
            peer_in(&p, A, 1 + 100 * k, 1, 10);
        }
        peer_drop_out(&p);
        peer_in(&p, A, 1, 1 + mss, 0);
        uint32_t most = largest(&p, &text);
        assert_true(text > 0);
        assert_true(most <= fixed + mss);
        assert_true(text <= mss - (ts ? 40 : 36));
        peer_end(&p);
    }
}

/* A hole is sent again as what fits beside the blocks, too. EVIDENCE 6691-02 */
static void what_is_sent_again_fits_beside_blocks(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_ALL);
    peer_write(&p, 10 * 1448);
    for (uint32_t k = 3; k > 0; k--)
        peer_in(&p, A, 1 + 100 * k, 1, 10);
    peer_drop_out(&p);
    const uint32_t edges[] = {2897, 10137};
    peer_in_sack(&p, 1, 1, 1, edges); /* 1 to 2896 is lost */
    uint32_t next = 1;
    for (unsigned i = 0; i < 40 && next < 2897; i++) {
        if (peer_pending(&p) == 0)
            peer_pass_until_out(&p, 10 * NS_PER_S);
        const struct peer_segment *s = peer_next(&p);
        assert_true(s->packet_bytes <= 1500);
        if (s->seg.text_len == 0)
            continue;
        assert_int_equal(s->seg.sack_count, 3);
        if (seq_diff(s->seg.seq, p.host_isn) == next) { /* no octet is left out */
            next += s->seg.text_len;
            peer_in(&p, A, 1, next < 2897 ? next : 10137, 0);
        }
    }
    assert_true(next >= 2897);
    peer_drop_out(&p);
    peer_end(&p);
}

static void without_discovery(struct hawser_config *config)
{
    config->path_mtu_discovery = false;
}

/* EVIDENCE 1191-09 7323-32 */
static void dont_fragment_goes_with_discovery(void **state)
{
    (void)state;
    for (unsigned off = 0; off < 2; off++) {
        struct peer p;
        peer_start(&p, false, off ? without_discovery : NULL);
        peer_accept(&p, PEER_ALL); /* SYN-ACK */
        peer_write(&p, 20000);     /* text */
        peer_pass(&p, NS_PER_S);   /* and again */
        p.ts_val++;
        peer_in(&p, A, 501, 1, 10); /* an ACK */
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        struct segment stray = {.flags = A, .dst_port = 99};
        peer_inject(&p, &stray); /* resets */
        p.peer_port++;
        peer_open(&p);
        for (unsigned i = 0; i < p.out_count; i++)
            assert_int_equal(p.out[i].dont_fragment, !off);
        assert_true(p.out_count > 12);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_in_every_segment),
        cmocka_unit_test(unknown_options_on_a_syn),
        cmocka_unit_test(broken_lengths),
        cmocka_unit_test(any_octets_do_no_harm),
        cmocka_unit_test(options_of_syns_stay_there),
        cmocka_unit_test(sack_cannot_be_permitted_later),
        cmocka_unit_test(the_announced_mss_is_what_the_mtu_gives),
        cmocka_unit_test(no_segment_is_larger_than_it_may_be),
        cmocka_unit_test(what_is_sent_again_fits_beside_blocks),
        cmocka_unit_test(dont_fragment_goes_with_discovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
