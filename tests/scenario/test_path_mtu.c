/* SPDX-License-Identifier: MIT */
/* Path MTU discovery (RFC 1191, RFC 8201): what a packet too big does to segments, to other
 * connections and to the MSS option; what it does not do; and for how long. */
#include "scenario/forge.h"

static const bool families[] = {false, true};

static uint32_t headers_of(const struct peer *p)
{
    return (p->v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + TCP_HEADER_MIN;
}

/* A router had a packet of packet_bytes with this (relative) number. */
static void too_big(struct peer *p, uint32_t mtu, uint32_t relative, uint32_t packet_bytes)
{
    struct forged message = {.type = p->v6 ? 2 : 3,
                             .code = p->v6 ? 0 : 4,
                             .info = mtu,
                             .seq = seq_add(p->host_isn, relative),
                             .quoted_bytes = packet_bytes};
    forge_icmp(p, &message);
}

/* Consumes everything that is pending, which must be text from `from` on without a gap, and no
 * packet above mtu. Returns the number behind it. */
static uint32_t take_text(struct peer *p, uint32_t from, uint32_t mtu)
{
    uint32_t at = from;
    while (peer_pending(p) > 0) {
        const struct peer_segment *out = peer_next(p);
        assert_int_equal(out->seg.seq.v - p->host_isn.v, at);
        assert_in_range(out->packet_bytes, 1, mtu);
        for (uint32_t i = 0; i < out->seg.text_len; i++)
            assert_int_equal(out->seg.text[i], peer_octet(at + i));
        at += out->seg.len;
    }
    return at;
}

/* EVIDENCE 1191-01 8201-01 */
static void a_reported_mtu_is_taken_at_once(void **state)
{
    (void)state;
    static const unsigned options[] = {PEER_MSS, PEER_ALL, PEER_MSS | PEER_SACK};
    for (unsigned i = 0; i < COUNT_OF(families) * COUNT_OF(options); i++) {
        struct peer p;
        uint32_t mtu = i % 2 ? 1300 : 1400;
        peer_start(&p, families[i % 2], NULL);
        peer_accept(&p, options[i / 2]);
        uint32_t mss = peer_info(&p).send_mss_bytes;
        peer_write(&p, 10 * mss);
        uint32_t end = take_text(&p, 1, 1500);
        assert_int_equal(end, 1 + 10 * mss);
        peer_in(&p, A, 1, 1 + mss, 0);
        end = take_text(&p, end, 1500);
        too_big(&p, mtu, 1 + mss, 1500);
        assert_int_equal(take_text(&p, 1 + mss, mtu), end); /* all of it, once, at this moment */
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.path_mtu_bytes, mtu);
        assert_int_equal(info.send_mss_bytes,
                         mtu - headers_of(&p) - (options[i / 2] & PEER_TS ? 12 : 0));
        assert_int_equal(info.soft_error, 0); /* no error, but the way things are */
        assert_int_equal(hawser_counters_of(p.host)->path_mtu_lowered, 1);
        assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
        peer_in(&p, A, 1, end, 0);
        peer_write(&p, 5000);
        assert_int_equal(take_text(&p, end, mtu), end + 5000);
        peer_end(&p);
    }
}

/* Text and FIN that wait for their acknowledgement in the states after CLOSE. EVIDENCE 1191-01 */
static void a_closed_end_sends_again_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 4000);
        assert_int_equal(hawser_close(p.host, p.tcp), 0);
        assert_int_equal(take_text(&p, 1, 1500), 4002);
        too_big(&p, 1280, 1, 1500);
        assert_int_equal(take_text(&p, 1, 1280), 4002);
        assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_1);
        peer_in(&p, A, 1, 4002, 0);
        assert_int_equal(peer_tuple_state(&p), HAWSER_FIN_WAIT_2);
        peer_end(&p);
    }
}

/* Twenty routers, or one router twenty times, about the segments of one flight. EVIDENCE 1191-05 */
static void one_pass_for_one_decrease(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        uint32_t mss = peer_info(&p).send_mss_bytes;
        peer_write(&p, 9 * mss); /* less than the congestion window holds */
        uint32_t end = take_text(&p, 1, 1500);
        for (uint32_t n = 0; n < 20; n++)
            too_big(&p, 1400, 1 + n % 9 * mss, 1500);
        assert_int_equal(take_text(&p, 1, 1400), end);
        too_big(&p, 1400, 1, 1500);
        too_big(&p, 1450, 1, 1500);
        peer_quiet(&p);
        assert_int_equal(peer_info(&p).retransmissions, 10);
        assert_int_equal(hawser_counters_of(p.host)->path_mtu_lowered, 1);
        too_big(&p, 1300, 1, 1400); /* a narrower hop behind the first one */
        assert_int_equal(take_text(&p, 1, 1300), end);
        assert_int_equal(hawser_counters_of(p.host)->path_mtu_lowered, 2);
        peer_end(&p);
    }
}

/* Routers older than RFC 1191 say 0. What they quote tells what was too big, but for 20 octets that
 * some of them count twice (RFC 1191 5). EVIDENCE 1191-02 1191-03 */
static void a_report_without_an_mtu(void **state)
{
    (void)state;
    static const struct {
        uint32_t quoted, mtu;
    } steps[] = {{1499, 1492}, {1492, 1006}, {1500, 1006}, {1006, 508}, {1006, 508},
                 {508, 296},   {400, 296},   {296, 68},    {68, 68},    {60, 68}};
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 3000);
    peer_drop_out(&p);
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        too_big(&p, 0, 1, steps[i].quoted);
        assert_int_equal(peer_info(&p).path_mtu_bytes, steps[i].mtu);
        assert_true(take_text(&p, peer_pending(&p) > 0 ? 1 : 3001, steps[i].mtu) <= 3001);
    }
    peer_end(&p);
}

/* Each segment of a flight draws such a report: the estimate falls once.
 * EVIDENCE 1191-02 1191-05 */
static void a_burst_of_reports_without_an_mtu(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 9 * 1460);
    uint32_t end = take_text(&p, 1, 1500);
    for (uint32_t n = 0; n < 9; n++)
        too_big(&p, 0, 1 + n * 1460, 1500);
    assert_int_equal(take_text(&p, 1, 1006), end);
    assert_int_equal(peer_info(&p).path_mtu_bytes, 1006);
    assert_int_equal(hawser_counters_of(p.host)->path_mtu_lowered, 1);
    peer_end(&p);
}

/* EVIDENCE 1191-03 8201-01 8201-03 */
static void reports_that_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        bool v6;
        uint32_t reported, mtu;
    } rows[] = {
        {false, 20, 68},     {false, 67, 68},     {false, 68, 68},      {false, 1499, 1499},
        {false, 1500, 1500}, {false, 9000, 1500}, {false, 65535, 1500}, {true, 0, 1500},
        {true, 68, 1500},    {true, 600, 1500},   {true, 1279, 1500},   {true, 1280, 1280},
        {true, 1300, 1300},  {true, 1500, 1500},  {true, 9000, 1500},   {true, UINT32_MAX, 1500},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        peer_start(&p, rows[i].v6, NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 3000);
        peer_drop_out(&p);
        too_big(&p, rows[i].reported, 1, 1500);
        assert_int_equal(peer_info(&p).path_mtu_bytes, rows[i].mtu);
        assert_int_equal(peer_pending(&p) > 0, rows[i].mtu < 1500);
        peer_drop_out(&p);
        too_big(&p, rows[i].mtu + 10, 1, 1500); /* nor is it ever raised */
        assert_int_equal(peer_info(&p).path_mtu_bytes, rows[i].mtu);
        peer_quiet(&p);
        peer_end(&p);
    }
}

/* All connections to a destination shrink, those that are opened later too; and to no other.
 * EVIDENCE 8201-04 1191-08 */
static void whom_a_report_concerns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        uint32_t mss = peer_info(&p).send_mss_bytes;
        struct peer first = p; /* its numbers and its handle */
        first.out = p.out;
        p.peer_port++;
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 2 * mss);
        assert_int_equal(take_text(&p, 1, 1500), 1 + 2 * mss);
        assert_int_equal(hawser_send(p.host, first.tcp, "x", 1, 0), 1);
        peer_drop_out(&p);
        struct forged message = {.type = p.v6 ? 2 : 3,
                                 .code = p.v6 ? 0 : 4,
                                 .info = 1280,
                                 .seq = seq_add(first.host_isn, 1),
                                 .dst_port = first.peer_port};
        forge_icmp(&p, &message);
        peer_drop_out(&p);
        peer_in(&p, A, 1, 1 + mss, 0); /* the second hears of it when it wants to send: */
        peer_write(&p, 2000);
        assert_int_equal(take_text(&p, 1 + mss, 1280),
                         2001 + 2 * mss); /* what is lost comes first */
        assert_int_equal(peer_info(&p).path_mtu_bytes, 1280);

        p.peer_port++;
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        assert_int_equal(peer_out(&p, S | A, 0, 1, 0)->seg.mss, mss); /* the other way is wide */
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        p.written = 0;
        peer_write(&p, 5000);
        assert_int_equal(take_text(&p, 1, 1280), 5001);

        p.peer_address = forge_address(p.v6 ? "2001:db8::5" : "198.18.0.5");
        p.host_port = PEER_HOST_PORT;
        peer_accept(&p, PEER_MSS);
        peer_write(&p, mss);
        assert_int_equal(peer_out(&p, P | A, 1, 1, mss)->packet_bytes, 1500);
        peer_end(&p);
    }
}

/* EVIDENCE 1191-07 */
static void the_peers_mss_is_never_exceeded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start_mtu(&p, families[i], 9000, NULL);
        peer_listen(&p, 1);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        syn.mss = 536;
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_write(&p, 5360);
        assert_int_equal(take_text(&p, 1, 536 + headers_of(&p)), 5361);
        too_big(&p, 1400, 1, 9000);
        assert_int_equal(peer_info(&p).path_mtu_bytes, 1400);
        peer_quiet(&p); /* nothing was sent that this path would not have carried */
        peer_in(&p, A, 1, 5361, 0);
        peer_pass(&p, 700 * NS_PER_S); /* the report is forgotten, the option never */
        peer_write(&p, 5000);
        assert_int_equal(take_text(&p, 5361, 536 + headers_of(&p)), 10361);
        peer_end(&p);
    }
}

/* What we announce is what our link takes, however far the peer is and however narrow the path to
 * it was found: the way back is another. EVIDENCE 1191-08 */
static void the_mss_option_is_the_links(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        bool v6 = families[i];
        struct hawser_address any = {{0}};
        struct hawser_address gateway = forge_address(v6 ? "2001:db8::99" : "198.18.0.99");
        peer_start(&p, v6, NULL);
        assert_int_equal(hawser_route_add(p.host, &any, 0, &gateway, p.link, 1), 0);
        p.peer_address = forge_address(v6 ? "2001:db8:77::5" : "203.0.113.5");
        for (unsigned round = 0; round < 2; round++) {
            peer_open(&p);
            assert_int_equal(peer_out(&p, S, 0, 0, 0)->seg.mss, v6 ? 1440 : 1460);
            too_big(&p, 1280, 0, v6 ? 80 : 60);
            assert_int_equal(peer_info(&p).path_mtu_bytes, 1280);
            peer_pass_until_out(&p, 3 * NS_PER_S);
            assert_int_equal(peer_out(&p, S, 0, 0, 0)->seg.mss, v6 ? 1440 : 1460);
            struct segment answer = peer_syn_options(&p, PEER_MSS);
            answer.flags = S | A;
            answer.ack = seq_add(p.host_isn, 1);
            peer_inject(&p, &answer);
            peer_out(&p, A, 1, 1, 0);
            p.written = 0;
            peer_write(&p, 5000);
            uint32_t mss = 1280 - headers_of(&p); /* one segment: the SYN was lost (RFC 5681 3.1) */
            assert_int_equal(take_text(&p, 1, 1280), 1 + mss);
            assert_int_equal(hawser_abort(p.host, p.tcp), 0);
            peer_drop_out(&p);
        }
        peer_end(&p);
    }
}

static void no_discovery(struct hawser_config *config)
{
    config->path_mtu_discovery = false;
}

/* Every kind of segment that there is. EVIDENCE 1191-09 7323-32 */
static void df_is_set_while_discovery_is_on(void **state)
{
    (void)state;
    for (unsigned off = 0; off < 2; off++) {
        struct peer p;
        peer_start(&p, false, off ? no_discovery : NULL);
        peer_in(&p, S, 0, 0, 0); /* RST: nobody listens */
        peer_drop_out(&p);
        peer_accept(&p, PEER_ALL);
        assert_true(peer_info(&p).has_timestamps);
        peer_write(&p, 5000);
        peer_pass(&p, NS_PER_S); /* and again */
        peer_in(&p, A, 1, 5001, 100);
        peer_pass(&p, NS_PER_S); /* delayed ACK */
        peer_in(&p, R, 5, 0, 0); /* challenge ACK */
        peer_drop_out(&p);
        peer_read(&p, 100);
        peer_to_state(&p, HAWSER_TIME_WAIT);
        peer_in(&p, F | A, 101, 5002, 0); /* the record's ACK */
        peer_open(&p);
        peer_drop_out(&p);
        assert_true(p.out_count > 12);
        for (unsigned i = 0; i < p.out_count; i++)
            assert_int_equal(p.out[i].dont_fragment, !off);
        peer_end(&p);
    }
}

/* Without DF the network fragments: a report is a lie, or about somebody else. EVIDENCE 1191-09 */
static void without_discovery_reports_mean_nothing(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, no_discovery);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 3000);
    peer_drop_out(&p);
    too_big(&p, 600, 1, 1500);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).path_mtu_bytes, 1500);
    peer_end(&p);
}

static void five_minutes(struct hawser_config *config)
{
    config->path_mtu_age_ns = 300 * NS_PER_S;
}

/* EVIDENCE 1191-04 8201-03 8201-06 */
static void a_larger_size_is_tried_after_its_time_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        uint32_t minutes = i < 2 ? 10 : 5;
        peer_start(&p, families[i % 2], minutes == 5 ? five_minutes : NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 3000);
        peer_drop_out(&p);
        too_big(&p, 1400, 1, 1500);
        uint64_t reported_at = p.now_ns;
        uint32_t end = take_text(&p, 1, 1400);
        while (p.now_ns < reported_at + minutes * 60 * NS_PER_S) {
            peer_in(&p, A, 1, end, 0);
            peer_write(&p, 4000);
            end = take_text(&p, end, 1400);
            peer_pass(&p, NS_PER_S / 10);
            p.now_ns += 5 * NS_PER_S - NS_PER_S / 10;
        }
        peer_in(&p, A, 1, end, 0);
        peer_write(&p, 4000);
        assert_int_equal(peer_next(&p)->packet_bytes, 1500);
        peer_drop_out(&p);
        too_big(&p, 1400, end, 1500); /* no: as narrow as it was */
        assert_int_equal(take_text(&p, end, 1400), end + 4000);
        peer_end(&p);
    }
}

/* ---- a path that grows narrower under a stream ---- */

struct path {
    uint32_t mtu;
    bool old_router;   /* says 0 for the MTU */
    uint32_t received; /* in order, relative number of the next octet */
};

/* Lets the path carry what is pending, or not, and the peer acknowledge it. */
static void carry(struct peer *p, struct path *path)
{
    struct peer_segment lost[64];
    unsigned lost_count = 0;
    while (peer_pending(p) > 0) {
        const struct peer_segment *out = peer_next(p);
        uint32_t at = out->seg.seq.v - p->host_isn.v;
        if (out->packet_bytes > path->mtu) {
            if (lost_count < COUNT_OF(lost))
                lost[lost_count++] = *out;
            continue;
        }
        for (uint32_t i = 0; i < out->seg.text_len; i++)
            assert_int_equal(out->seg.text[i], peer_octet(at + i));
        if (at <= path->received && at + out->seg.text_len > path->received)
            path->received = at + out->seg.text_len;
    }
    for (unsigned i = 0; i < lost_count; i++)
        too_big(p, path->old_router ? 0 : path->mtu, lost[i].seg.seq.v - p->host_isn.v,
                lost[i].packet_bytes);
    if (lost_count == 0)
        peer_in(p, A, 1, path->received, 0);
}

/* The text arrives whole, in new pieces, without waiting for a timer once.
 * EVIDENCE 1191-01 1191-02 8201-01 */
static void a_stream_through_a_narrowing_path(void **state)
{
    (void)state;
    static const uint32_t mtus[2][5] = {{1500, 1400, 576, 296, 100},
                                        {1500, 1400, 1350, 1300, 1280}};
    for (unsigned i = 0; i < 3 * COUNT_OF(families); i++) {
        bool v6 = i % 2;
        struct path path = {.mtu = 1500, .old_router = i >= 4 && !v6, .received = 1};
        struct peer p;
        peer_start(&p, v6, NULL);
        peer_accept(&p, i < 2 ? PEER_MSS : PEER_ALL);
        for (unsigned step = 0; step < 5; step++) {
            path.mtu = mtus[v6][step];
            peer_write(&p, 20000);
            for (unsigned rounds = 0; path.received != 1 + p.written; rounds++) {
                assert_in_range(rounds, 0, 100);
                p.now_ns += 10 * NS_PER_MS;
                p.ts_val += 10;
                carry(&p, &path);
            }
            uint32_t got = peer_info(&p).path_mtu_bytes;
            assert_true(path.old_router ? got <= path.mtu && got >= path.mtu / 2 : got == path.mtu);
        }
        assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reported_mtu_is_taken_at_once),
        cmocka_unit_test(a_closed_end_sends_again_too),
        cmocka_unit_test(one_pass_for_one_decrease),
        cmocka_unit_test(a_report_without_an_mtu),
        cmocka_unit_test(a_burst_of_reports_without_an_mtu),
        cmocka_unit_test(reports_that_are_not_believed),
        cmocka_unit_test(whom_a_report_concerns),
        cmocka_unit_test(the_peers_mss_is_never_exceeded),
        cmocka_unit_test(the_mss_option_is_the_links),
        cmocka_unit_test(df_is_set_while_discovery_is_on),
        cmocka_unit_test(without_discovery_reports_mean_nothing),
        cmocka_unit_test(a_larger_size_is_tried_after_its_time_only),
        cmocka_unit_test(a_stream_through_a_narrowing_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
