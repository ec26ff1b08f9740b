/* SPDX-License-Identifier: MIT */
/* What stands in the headers of segments, sent and received: checksums, MSS, DSCP, hop limit, PSH
 * (RFC 9293 3.1, 3.7.1, 3.9). */
#include "scenario/peer.h"

static const bool families[] = {false, true};

/* The checksum of RFC 9293 3.1 as it stands in the text, octet by octet: nothing of wire/ in it. */
static uint16_t plain_sum(const struct peer_segment *s)
{
    bool v4 = s->frame[0] >> 4 == 4;
    uint32_t header = v4 ? 4u * (s->frame[0] & 15u) : 40u;
    uint32_t addresses = v4 ? 12 : 8, addresses_len = v4 ? 8 : 32;
    uint32_t n = s->packet_bytes - header;
    uint32_t sum = 6 + n;
    for (uint32_t i = 0; i < addresses_len; i++)
        sum += (uint32_t)s->frame[addresses + i] << (i & 1 ? 0 : 8);
    for (uint32_t i = 0; i < n; i++)
        sum += (uint32_t)s->frame[header + i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Looks at everything that came out. */
static void check_sums(struct peer *p, unsigned at_least)
{
    unsigned seen = 0;
    while (peer_pending(p) > 0) {
        assert_int_equal(plain_sum(peer_next(p)), 0xffff);
        seen++;
    }
    assert_true(seen >= at_least);
}

/* EVIDENCE 9293-MUST-2 9293-3.1-3
 * That every segment after the SYN has an ACK is looked at in peer.c, for all tests. */
static void every_checksum_is_right(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        unsigned options = i < 2 ? PEER_ALL : PEER_MSS;
        peer_start(&p, families[i % 2], NULL);
        peer_listen(&p, 4);
        struct segment stray = {.flags = A, .seq = seq_of(1), .ack = seq_of(2), .dst_port = 81};
        peer_inject(&p, &stray); /* a RST of no connection, twice */
        stray.flags = S;
        peer_inject(&p, &stray);
        check_sums(&p, 2);
        struct segment syn = peer_syn_options(&p, options);
        peer_inject(&p, &syn);
        check_sums(&p, 1);
        p.timestamps = (options & PEER_TS) != 0;
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        for (uint32_t n = 1; n < 70; n++) { /* odd lengths, at odd and even places of the buffer */
            peer_write(&p, n);
            peer_in(&p, A, 1, 1 + p.written, 0);
        }
        check_sums(&p, 69);
        peer_write(&p, 9001);
        check_sums(&p, 7);
        peer_in(&p, A, 2, 1 + p.written, 11); /* a hole: SACK, or a plain ACK */
        check_sums(&p, 1);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        check_sums(&p, 1);
        peer_in(&p, A, 1, 2 + p.written, 1);
        check_sums(&p, 1);
        peer_in(&p, F | A, 13, 2 + p.written, 0);
        peer_in(&p, F | A, 13, 2 + p.written, 0); /* to a record */
        check_sums(&p, 2);
        peer_end(&p);
    }
}

static uint64_t drops_of(const struct peer *p)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HAWSER_DROP_COUNT; i++)
        sum += hawser_counters_of(p->host)->dropped[i];
    return sum;
}

/* Every single bit of the segment flipped in turn: nothing happens but a drop. */
static void check_flips(struct peer *p, const struct segment *seg, enum hawser_state state)
{
    uint8_t packet[PEER_FRAME_MAX + 60];
    uint32_t n = peer_build(p, seg, packet);
    uint32_t header = p->v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    for (uint32_t bit = header * 8; bit < n * 8; bit++) {
        uint64_t before = drops_of(p);
        packet[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        peer_inject_raw(p, packet, n);
        packet[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        peer_quiet(p);
        assert_int_equal(drops_of(p), before + 1);
        assert_int_equal(peer_tuple_state(p), state);
    }
}

/* EVIDENCE 9293-MUST-3 */
static void a_flipped_bit_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        uint32_t len;
    } rows[] = {{A, 0}, {P | A, 31}, {F | A, 0}, {R, 0}, {R | A, 0}, {S, 0}};
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_listen(&p, 4);
        struct segment seg = peer_syn_options(&p, PEER_ALL);
        check_flips(&p, &seg, HAWSER_CLOSED);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 10);
        peer_drop_out(&p);
        for (unsigned k = 0; k < COUNT_OF(rows); k++) {
            seg = (struct segment){.flags = rows[k].flags, .text_len = rows[k].len, .wnd = 1};
            seg.seq = seq_add(p.peer_isn, 1);
            seg.ack = seq_of(rows[k].flags & A ? p.host_isn.v + 11 : 0);
            check_flips(&p, &seg, HAWSER_ESTABLISHED);
        }
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.rcv_nxt, p.peer_isn.v + 1);
        assert_int_equal(info.snd_una, p.host_isn.v + 1);
        assert_int_equal(info.snd_wnd, 65535);
        assert_int_equal(info.segments_received, 2); /* of the handshake */
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-15 */
static void without_an_mss_option(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        bool v6 = families[i % 2];
        uint32_t mss = v6 ? 1220 : 536;
        peer_start(&p, v6, NULL);
        if (i < 2)
            peer_accept(&p, 0);
        else
            peer_connect(&p, 0);
        assert_int_equal(peer_info(&p).send_mss_bytes, mss);
        peer_write(&p, 3 * mss + 1);
        for (uint32_t k = 0; k < 3; k++)
            peer_out(&p, A, 1 + k * mss, 1, mss);
        peer_out(&p, P | A, 1 + 3 * mss, 1, 1);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-67 6691-01 */
static void the_announced_mss_is_what_the_link_takes(void **state)
{
    (void)state;
    static const uint32_t mtus[] = {576, 1280, 1500, 4000, 9000};
    for (unsigned i = 0; i < COUNT_OF(mtus); i++) {
        for (unsigned k = 0; k < COUNT_OF(families); k++) {
            if (families[k] && mtus[i] < 1280)
                continue;
            struct peer p;
            uint32_t mss = mtus[i] - (families[k] ? 60 : 40);
            peer_start_mtu(&p, families[k], mtus[i], NULL);
            peer_listen(&p, 1);
            struct segment syn = peer_syn_options(&p, PEER_ALL);
            peer_inject(&p, &syn);
            assert_int_equal(peer_out(&p, S | A, 0, 1, 0)->seg.mss, mss);
            peer_open(&p); /* its answer is not waited for */
            assert_int_equal(peer_out(&p, S, 0, 0, 0)->seg.mss, mss);
            peer_end(&p);
        }
    }
}

static void class_of_all(struct peer *p, uint8_t want, unsigned at_least)
{
    unsigned seen = 0;
    while (peer_pending(p) > 0) {
        assert_int_equal(peer_next(p)->traffic_class, want);
        seen++;
    }
    assert_true(seen >= at_least);
}

#define EF 46u /* the DSCP of expedited forwarding */

/* EVIDENCE 9293-MUST-48 9293-SHLD-21 */
static void the_dscp_of_a_connection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        const enum hawser_option option = HAWSER_OPTION_TRAFFIC_CLASS;
        peer_start(&p, families[i], NULL);
        peer_listen(&p, 4);
        assert_int_equal(hawser_set_option(p.host, p.listener, option, EF << 2), 0);
        struct segment syn = peer_syn_options(&p, PEER_ALL);
        peer_inject(&p, &syn);
        class_of_all(&p, EF << 2, 1);
        p.timestamps = true;
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_write(&p, 5000);
        class_of_all(&p, EF << 2, 4);
        peer_in(&p, A, 2, 5001, 1);
        class_of_all(&p, EF << 2, 1);
        assert_int_equal(hawser_set_option(p.host, p.tcp, option, 10u << 2), 0); /* midway */
        peer_write(&p, 100);
        peer_in(&p, A, 3, 5101, 1);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        class_of_all(&p, 10u << 2, 3);
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        class_of_all(&p, 10u << 2, 1); /* the RST */
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-48 */
static void the_dscp_of_a_syn(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    struct hawser_open_options options = {.remote = {p.peer_address, p.peer_port}};
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &p.tcp), 0);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_TRAFFIC_CLASS, EF << 2), 0);
    assert_int_equal(peer_next(&p)->traffic_class, EF << 2);
    peer_end(&p);
}

/* EVIDENCE 9293-SHLD-22 */
static void every_dscp_and_never_an_ecn_bit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        for (uint32_t value = 0; value < 256; value++) {
            uint64_t told;
            assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_TRAFFIC_CLASS, value),
                             0);
            assert_int_equal(hawser_get_option(p.host, p.tcp, HAWSER_OPTION_TRAFFIC_CLASS, &told),
                             0);
            assert_int_equal(told, value & 0xfcu);
            peer_write(&p, 1);
            assert_int_equal(peer_out(&p, P | A, p.written, 1, 1)->traffic_class, value & 0xfcu);
            peer_in(&p, A, 1, 1 + p.written, 0);
        }
        peer_end(&p);
    }
}

static void seven_hops(struct hawser_config *config)
{
    config->hop_limit = 7;
}

/* EVIDENCE 9293-MUST-49 */
static void the_hop_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], seven_hops);
        struct segment stray = {.flags = A, .dst_port = 81};
        peer_inject(&p, &stray);
        assert_int_equal(peer_next(&p)->hop_limit, 7); /* a RST of no connection */
        peer_listen(&p, 1);
        assert_int_equal(hawser_set_option(p.host, p.listener, HAWSER_OPTION_HOP_LIMIT, 9), 0);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        assert_int_equal(peer_next(&p)->hop_limit, 9);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_HOP_LIMIT, 255), 0);
        peer_write(&p, 1);
        assert_int_equal(peer_next(&p)->hop_limit, 255);
        assert_int_equal(hawser_abort(p.host, p.tcp), 0);
        assert_int_equal(peer_next(&p)->hop_limit, 255);
        peer_open(&p);
        assert_int_equal(peer_next(&p)->hop_limit, 7);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-SHLD-27 */
static void pushes_are_collapsed(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_in_wnd(&p, A, 1, 1, 0, 0); /* shut */
    for (int i = 0; i < 40; i++)    /* each of them is a push: nobody said MORE */
        peer_write(&p, 100);
    peer_quiet(&p);
    peer_in(&p, A, 1, 1, 0);
    peer_out(&p, A, 1, 1, 1460);
    peer_out(&p, A, 1461, 1, 1460);
    peer_out(&p, P | A, 2921, 1, 1080); /* where the queue is empty, and only there */
    peer_in(&p, A, 1, 4001, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-MAY-17 */
static void reading_does_not_wait_for_a_push(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_in(&p, A, 1, 1, 10);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_READABLE);
    peer_read(&p, 10);
    peer_in(&p, P | A, 11, 1, 10);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_READABLE);
    peer_read(&p, 10);
    peer_drop_out(&p);
    peer_end(&p);
}

static struct hawser_address scan(const char *text)
{
    struct hawser_address a;
    assert_int_equal(hawser_address_scan(text, &a), 0);
    return a;
}

/* EVIDENCE 9293-3.5.2-5 */
static void no_reset_for_what_may_be_for_others(void **state)
{
    (void)state;
    static const struct {
        bool v6;
        const char *from, *to;
    } rows[] = {
        {false, "198.18.0.9", "255.255.255.255"},
        {false, "198.18.0.9", "198.18.0.255"},
        {false, "198.18.0.9", "224.0.0.1"},
        {false, "224.0.0.1", "198.18.0.1"},
        {false, "255.255.255.255", "198.18.0.1"},
        {false, "198.18.0.255", "198.18.0.1"},
        {false, "0.0.0.0", "198.18.0.1"},
        {false, "198.18.0.9", "198.18.0.77"},
        {true, "2001:db8::9", "ff02::1"},
        {true, "ff02::1", "2001:db8::1"},
        {true, "::", "2001:db8::1"},
        {true, "2001:db8::9", "2001:db8::77"},
    };
    static const uint8_t flags[] = {S, A, S | A, F, 0, P | A};
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned k = 0; k < 2 * COUNT_OF(flags); k++) {
            struct peer p;
            peer_start(&p, rows[i].v6, NULL);
            if (k >= COUNT_OF(flags))
                peer_listen(&p, 1);
            p.peer_address = scan(rows[i].from);
            p.host_address = scan(rows[i].to);
            struct segment seg = {.flags = flags[k % COUNT_OF(flags)], .seq = seq_of(100)};
            peer_inject(&p, &seg);
            peer_quiet(&p);
            assert_int_equal(hawser_counters_of(p.host)->resets_out, 0);
            assert_int_equal(hawser_counters_of(p.host)->segments_out, 0);
            peer_end(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_checksum_is_right),
        cmocka_unit_test(a_flipped_bit_changes_nothing),
        cmocka_unit_test(without_an_mss_option),
        cmocka_unit_test(the_announced_mss_is_what_the_link_takes),
        cmocka_unit_test(the_dscp_of_a_connection),
        cmocka_unit_test(the_dscp_of_a_syn),
        cmocka_unit_test(every_dscp_and_never_an_ecn_bit),
        cmocka_unit_test(the_hop_limit),
        cmocka_unit_test(pushes_are_collapsed),
        cmocka_unit_test(reading_does_not_wait_for_a_push),
        cmocka_unit_test(no_reset_for_what_may_be_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
