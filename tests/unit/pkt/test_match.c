/* SPDX-License-Identifier: MIT */
/* match.c and translate.c: what is compared, what is merged, and which live numbers are meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/conn.h"
#include "pkt/match.h"
#include "pkt/parse.h"

static struct pkt_packet packet_of(const char *text, struct pkt_arena *arena)
{
    char script[512];
    struct pkt_script parsed;
    struct pkt_error error;
    int length = snprintf(script, sizeof script, "0 %s\n", text);
    const struct pkt_parse_input input = {
        .path = "test", .text = script, .length = (size_t)length, .family = PKT_IPV4};
    if (pkt_parse(&input, arena, &parsed, &error) != 0)
        fail_msg("%s: %s", text, error.text);
    return parsed.events[0].packet;
}

/* A packet as if it had come from the stack: built and read. */
static struct pkt_live *live_of(const char *text, struct pkt_arena *arena)
{
    struct pkt_packet packet = packet_of(text, arena);
    struct pkt_ends ends = {.source_port = 1, .destination_port = 2};
    struct pkt_live *live = pkt_arena_alloc(arena, sizeof *live);
    uint8_t data[4096];
    hawser_address_scan("10.0.0.1", &ends.source);
    hawser_address_scan("10.0.0.2", &ends.destination);
    size_t length = pkt_build(&packet, &ends, data, sizeof data);
    assert_int_equal(pkt_read(data, length, live), 0);
    return live;
}

static void test_compared(void **state)
{
    static const struct {
        const char *expected, *live;
        bool matches;
    } rows[] = {
        {"> . 1:1(0) ack 1 win 5", "< . 1:1(0) ack 1 win 5", true},
        {"> . 1:1(0) ack 1", "< . 1:1(0) ack 1 win 77", true},
        {"> . 1:1(0) ack 1 win 6", "< . 1:1(0) ack 1 win 5", false},
        {"> P. 1:1(0) ack 1", "< . 1:1(0) ack 1 win 5", false},
        {"> .1 1:1(0) ack 1", "< . 1:1(0) ack 1 win 5", false},
        {"> .1 1:1(0) ack 1", "< E. 1:1(0) ack 1 win 5", true},
        {"> . 2:2(0) ack 1", "< . 1:1(0) ack 1 win 5", false},
        {"> . 1:3(2) ack 1", "< . 1:2(1) ack 1 win 5", false},
        {"> . 1:1(0) ack 2", "< . 1:1(0) ack 1 win 5", false},
        {"> R 1:1(0)", "< R 1:1(0) win 0", true},
        {"> . 1:1(0) ack 1 urg 3", "< . 1:1(0) ack 1 win 5 urg 3", true},
        {"> . 1:1(0) ack 1", "< . 1:1(0) ack 1 win 5 urg 3", false},
        {"> S 1:1(0) <mss 9>", "< S 1:1(0) win 5 <mss 9>", true},
        {"> S 1:1(0) <mss 8>", "< S 1:1(0) win 5 <mss 9>", false},
        {"> S 1:1(0) <...>", "< S 1:1(0) win 5 <mss 9>", true},
        {"> S 1:1(0)", "< S 1:1(0) win 5 <mss 9>", false},
        {"> S 1:1(0) <mss 9,nop,nop,nop,nop>", "< S 1:1(0) win 5 <mss 9>", false},
        {"> S 1:1(0) <nop,nop,sackOK>", "< S 1:1(0) win 5 <sackOK,nop,nop>", false},
        {"> . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4>", "< . 1:1(0) ack 1 win 1 <nop,nop,sack 3:4 1:2>",
         false},
        {"> . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4>", "< . 1:1(0) ack 1 win 1 <nop,nop,sack 1:2>",
         false},
        {"> . 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>",
         "< . 1:1(0) ack 1 win 1 <nop,nop,TS val 9 ecr 8>", true},
        {"> . 1:1(0) ack 1 <md5 0123456789abcdef0123456789abcdef,nop,nop>",
         "< . 1:1(0) ack 1 win 1 <md5 0123456789abcdef0123456789abcdee,nop,nop>", false},
        {"> [ect0] . 1:1(0) ack 1", "< [ect0] . 1:1(0) ack 1 win 1", true},
        {"> [ect01] . 1:1(0) ack 1", "< [ect1] . 1:1(0) ack 1 win 1", true},
        {"> [ect01] . 1:1(0) ack 1", "< [ce] . 1:1(0) ack 1 win 1", false},
        {"> [noecn] . 1:1(0) ack 1", "< [ce] . 1:1(0) ack 1 win 1", false},
        {"> . 1:1(0) ack 1", "< [ce] . 1:1(0) ack 1 win 1", true},
        {"> [tos 0x10] . 1:1(0) ack 1", "< [tos 0x12] . 1:1(0) ack 1 win 1", false},
        {"> (ttl 255) . 1:1(0) ack 1", "< . 1:1(0) ack 1 win 1", true},
        {"> (ttl 254) . 1:1(0) ack 1", "< . 1:1(0) ack 1 win 1", false},
        {"> udp (5)", "< udp (5)", true},
        {"> udp (5)", "< udp (6)", false},
        {"> udp (5)", "< . 1:1(0) ack 1 win 1", false},
        {"> icmp unreachable port_unreachable", "< icmp unreachable port_unreachable", true},
        {"> icmp unreachable port_unreachable", "< icmp unreachable host_unreachable", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pkt_arena arena = {0};
        struct pkt_match match = {0};
        char why[PKT_WHY_MAX] = "";
        struct pkt_packet expected = packet_of(rows[i].expected, &arena);
        struct pkt_live *live = live_of(rows[i].live, &arena);
        if (pkt_match(&match, &expected, live, why) != rows[i].matches)
            fail_msg("%s and %s: %s", rows[i].expected, rows[i].live, why);
        assert_true(rows[i].matches == (why[0] == 0)); /* a difference is told */
        pkt_arena_free(&arena);
    }
}

static void test_time_stamps(void **state)
{
    struct pkt_arena arena = {0};
    char why[PKT_WHY_MAX];
    struct pkt_match match = {.ts_tick_ns = 1000000, .tolerance_ns = 4000000};
    struct pkt_packet expected = packet_of("> . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 7>", &arena);
    (void)state;
    for (uint32_t val = 90; val < 110; val++) {
        char text[96];
        snprintf(text, sizeof text, "< . 1:1(0) ack 1 win 1 <nop,nop,TS val %u ecr 8>", val);
        assert_int_equal(pkt_match(&match, &expected, live_of(text, &arena), why),
                         val >= 96 && val <= 104);
    }
    match.echoes = true;
    assert_false(pkt_match(&match, &expected,
                           live_of("< . 1:1(0) ack 1 win 1 <nop,nop,TS val 100 ecr 8>", &arena),
                           why));
    assert_true(pkt_match(&match, &expected,
                          live_of("< . 1:1(0) ack 1 win 1 <nop,nop,TS val 100 ecr 7>", &arena),
                          why));
    pkt_arena_free(&arena);
}

static void test_merging(void **state)
{
    static const struct {
        const char *first, *second;
        bool merges;
        uint16_t flags;
    } rows[] = {
        {"< . 1:11(10) ack 1 win 5", "< P. 11:21(10) ack 1 win 5", true, PKT_ACK | PKT_PSH},
        {"< P. 1:11(10) ack 1 win 5", "< . 11:16(5) ack 1 win 5", true, PKT_ACK},
        {"< . 1:11(10) ack 1 win 5", "< FP. 11:16(5) ack 1 win 5", true,
         PKT_ACK | PKT_PSH | PKT_FIN},
        {"< W. 1:11(10) ack 1 win 5", "< . 11:16(5) ack 1 win 5", true, PKT_ACK | PKT_CWR},
        {"< . 1:11(10) ack 1 win 5", "< W. 11:16(5) ack 1 win 5", true, PKT_ACK},
        {"< . 1:11(10) ack 1 win 5", "< . 12:22(10) ack 1 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< . 11:21(10) ack 2 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< . 11:21(10) ack 1 win 6", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< . 11:22(11) ack 1 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< . 11:11(0) ack 1 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< U. 11:21(10) ack 1 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5", "< [ce] . 11:21(10) ack 1 win 5", false, 0},
        {"< . 1:11(10) ack 1 win 5 <nop,nop,TS val 1 ecr 1>",
         "< . 11:21(10) ack 1 win 5 <nop,nop,TS val 2 ecr 1>", true, PKT_ACK},
        {"< . 1:11(10) ack 1 win 5", "< . 11:21(10) ack 1 win 5 <nop,nop,TS val 2 ecr 1>", false,
         0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pkt_arena arena = {0};
        struct pkt_live *first = live_of(rows[i].first, &arena);
        struct pkt_live *second = live_of(rows[i].second, &arena);
        second->time_ns = 7;
        if (pkt_merge(first, second, 10) != rows[i].merges)
            fail_msg("%s and %s", rows[i].first, rows[i].second);
        if (rows[i].merges) {
            assert_int_equal(first->packet.tcp.flags, rows[i].flags);
            assert_int_equal(first->time_ns, 7);
            assert_int_equal(first->packet.tcp.length, 10 + second->packet.tcp.length);
        }
        pkt_arena_free(&arena);
    }
}

/* ---- translate.c ---------------------------------------------------------------------------- */

#define REMOTE 1000u           /* the peer's SYN, as the script has it */
#define LOCAL_SCRIPT 500u      /* the stack's SYN in the script, */
#define LOCAL_LIVE 0xfffffff0u /* and live */

static struct pkt_conn known(void)
{
    return (struct pkt_conn){.state = PKT_CONN_PASSIVE,
                             .local_known = true,
                             .local_script = LOCAL_SCRIPT,
                             .local_live = LOCAL_LIVE,
                             .remote_known = true,
                             .remote = REMOTE};
}

static void test_numbers_in(void **state)
{
    static const struct {
        const char *text;
        uint32_t seq, ack, sack;
    } rows[] = {
        {"< . 1:1(0) ack 2 win 1", REMOTE + 1, LOCAL_LIVE + 2, 0},
        {"< S 7:7(0) win 1", 7, 0, 0},
        {"< S. 7:7(0) ack 501 win 1", 7, LOCAL_LIVE + 1, 0},
        {"< R 3:3(0) win 1", REMOTE + 3, 0, 0},
        {"< . 1:1(0) ack 40 win 1 <nop,nop,sack 50:60>", REMOTE + 1, LOCAL_LIVE + 40,
         LOCAL_LIVE + 50},
    };
    const struct pkt_conn conn = known();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pkt_arena arena = {0};
        struct pkt_packet packet = packet_of(rows[i].text, &arena), live;
        struct pkt_option options[PKT_LIVE_OPTIONS_MAX];
        assert_null(pkt_conn_to_live(&conn, &packet, false, &live, options));
        assert_int_equal(live.tcp.seq, rows[i].seq);
        assert_int_equal(live.tcp.ack, rows[i].ack);
        if (rows[i].sack != 0)
            assert_int_equal(live.tcp.options[2].sack[0].left, rows[i].sack);
        pkt_arena_free(&arena);
    }
}

static void test_numbers_out(void **state)
{
    struct pkt_arena arena = {0};
    struct pkt_conn conn = known();
    (void)state;
    struct pkt_packet expected = packet_of("> . 1:1(0) ack 1", &arena);
    struct pkt_live *live = live_of("< . 1:1(0) ack 1 win 1 <nop,nop,sack 1005:1006>", &arena);
    live->packet.tcp.seq = LOCAL_LIVE + 20;
    live->packet.tcp.ack = REMOTE + 30;
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, 20);
    assert_int_equal(live->packet.tcp.ack, 30);
    assert_int_equal(live->options[2].sack[0].left, 5);

    expected = packet_of("> S. 500:500(0) ack 1001", &arena);
    live = live_of("< S. 1:1(0) ack 1001 win 1", &arena);
    live->packet.tcp.seq = LOCAL_LIVE;
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, LOCAL_SCRIPT);
    assert_int_equal(live->packet.tcp.ack, 1001);
    pkt_arena_free(&arena);
}

/* A number is learnt from the first SYN of each side; again only for another incarnation. */
static void test_learning(void **state)
{
    struct pkt_arena arena = {0};
    struct pkt_conn conn = {.state = PKT_CONN_PASSIVE};
    struct pkt_packet syn = packet_of("< S 1000:1000(0) win 1", &arena);
    struct pkt_packet expected = packet_of("> S. 5:5(0) ack 1001", &arena);
    (void)state;
    pkt_conn_injected(&conn, &syn);
    struct pkt_live *live = live_of("< S. 77:77(0) ack 1001 win 1", &arena);
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, 5);
    live = live_of("< S. 78:78(0) ack 1001 win 1", &arena); /* the same again would have 77 */
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, 6);

    syn = packet_of("< S 9000:9000(0) win 1", &arena);
    pkt_conn_injected(&conn, &syn);
    live = live_of("< S. 300:300(0) ack 1001 win 1", &arena); /* does not answer the new one */
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, 5 + 300 - 77);
    live = live_of("< S. 300:300(0) ack 9001 win 1", &arena);
    pkt_conn_to_script(&conn, &expected, live);
    assert_int_equal(live->packet.tcp.seq, 5);
    assert_int_equal(conn.remote, 9000);
    pkt_arena_free(&arena);
}

static void test_echoes(void **state)
{
    struct pkt_arena arena = {0};
    struct pkt_conn conn = known();
    struct pkt_packet live,
        in = packet_of("< . 1:1(0) ack 1 win 1 <nop,nop,TS val 5 ecr 100>", &arena);
    struct pkt_option options[PKT_LIVE_OPTIONS_MAX];
    (void)state;
    assert_non_null(pkt_conn_to_live(&conn, &in, false, &live, options));
    struct pkt_packet expected = packet_of("> . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 0>", &arena);
    struct pkt_live *out = live_of("< . 1:1(0) ack 1 win 1 <nop,nop,TS val 7000 ecr 0>", &arena);
    struct pkt_live original;
    pkt_live_copy(&original, out);
    pkt_conn_to_script(&conn, &expected, out);
    assert_int_equal(out->options[2].ts_val, 100);
    assert_true(pkt_conn_seen(&conn, &expected, &original));
    assert_null(pkt_conn_to_live(&conn, &in, false, &live, options));
    assert_int_equal(live.tcp.options[2].ts_ecr, 7000);
    assert_int_equal(live.tcp.options[2].ts_val, 5);
    in = packet_of("< . 1:1(0) ack 1 win 1 <nop,nop,TS val 5 ecr 110>", &arena);
    assert_non_null(pkt_conn_to_live(&conn, &in, false, &live, options));
    assert_null(pkt_conn_to_live(&conn, &in, true, &live, options));
    assert_int_equal(live.tcp.options[2].ts_ecr, 7010);
    free(conn.ts_pairs);
    pkt_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compared),    cmocka_unit_test(test_time_stamps),
        cmocka_unit_test(test_merging),     cmocka_unit_test(test_numbers_in),
        cmocka_unit_test(test_numbers_out), cmocka_unit_test(test_learning),
        cmocka_unit_test(test_echoes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
