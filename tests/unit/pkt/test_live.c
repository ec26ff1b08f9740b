/* SPDX-License-Identifier: MIT */
/* build.c and read.c: packets into datagrams and back, checksums, and datagrams that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/live.h"
#include "pkt/parse.h"
#include "pkt/print.h"

static struct pkt_ends ends_of(bool v6)
{
    struct pkt_ends ends = {.source_port = 5000, .destination_port = 8080};
    assert_int_equal(hawser_address_scan(v6 ? "2001:db8::1" : "192.0.2.1", &ends.source), 0);
    assert_int_equal(hawser_address_scan(v6 ? "fd00::2" : "10.1.2.3", &ends.destination), 0);
    return ends;
}

/* The packet of a script of one event; the script lives in the arena. */
static struct pkt_packet packet_of(const char *text, bool v6, struct pkt_arena *arena)
{
    char script[512];
    struct pkt_script parsed;
    struct pkt_error error;
    int length = snprintf(script, sizeof script, "%s0 %s\n", v6 ? "--ip_version=ipv6\n" : "", text);
    const struct pkt_parse_input input = {
        .path = "test", .text = script, .length = (size_t)length, .family = PKT_IPV4};
    if (pkt_parse(&input, arena, &parsed, &error) != 0)
        fail_msg("%s: %s", text, error.text);
    return parsed.events[0].packet;
}

/* What a script says comes out again as it was put in. */
static void test_round_trip(void **state)
{
    static const struct {
        bool v6;
        const char *text;
    } rows[] = {
        {false, "< S 1000:1000(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>"},
        {false, "< S. 1:1(0) ack 2 win 1"},
        {false, "< . 1:1(0) ack 4294967295 win 0 <nop,nop,sack 1:2 3:4 5:6>"},
        {false, "< FPU. 7:1467(1460) ack 1 win 100 urg 77"},
        {false, "< - 1:1(0) win 5"},
        {false, "< SEW 0:0(0) win 5 <eol,nop,nop,nop>"},
        {false, "< .5 1:1(0) ack 1 win 5"},
        {false, "< R 1:1(0) win 5 <md5 0123456789abcdef0123456789abcdef,nop,nop>"},
        {false, "< . 1:2(1) ack 1 win 5 <FO 0102030405060708,nop,nop>"},
        {false, "< . 1:2(1) ack 1 win 5 <FOEXP 01020304,nop,nop,nop,nop>"},
        {false, "< . 1:2(1) ack 1 win 5 <ECN e0b 1 ceb 2 e1b 3,nop>"},
        {true, "< S 1000:1000(0) win 65535 <mss 1440,nop,nop,sackOK>"},
        {true, "< P. 1:101(100) ack 1 win 100"},
        {false, "< udp (200)"},
        {true, "< udp (0)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pkt_arena arena = {0};
        struct pkt_packet packet = packet_of(rows[i].text, rows[i].v6, &arena);
        const struct pkt_ends ends = ends_of(rows[i].v6);
        uint8_t data[2048];
        struct pkt_live live;
        size_t length = pkt_build(&packet, &ends, data, sizeof data);
        assert_true(length > 0);
        assert_int_equal(pkt_read(data, length, &live), 0);
        assert_string_equal(live.fault, "");
        assert_true(live.payload_is_zero);
        assert_memory_equal(&live.ends, &ends, sizeof ends);
        assert_int_equal(live.packet.ip.ttl, 255);
        live.packet.inbound = true;
        live.packet.ip = packet.ip;
        live.packet.tcp.ace_digit = packet.tcp.ace_digit;
        if (live.packet.tcp.urgent == 0)
            live.packet.tcp.urgent = -1;
        packet.has_ports = false;
        assert_string_equal(pkt_packet_text(&live.packet, &arena),
                            pkt_packet_text(&packet, &arena));
        pkt_arena_free(&arena);
    }
}

static void test_ip_bits(void **state)
{
    static const struct {
        bool v6;
        const char *text;
        int tos;
    } rows[] = {
        {false, "< [ect0] . 1:1(0) ack 1 win 1", 2},
        {false, "< [ect1] . 1:1(0) ack 1 win 1", 1},
        {true, "< [ce] . 1:1(0) ack 1 win 1", 3},
        {true, "< [tos 0x28] . 1:1(0) ack 1 win 1", 0x28},
        {false, "< (noecn) . 1:1(0) ack 1 win 1", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pkt_arena arena = {0};
        const struct pkt_packet packet = packet_of(rows[i].text, rows[i].v6, &arena);
        const struct pkt_ends ends = ends_of(rows[i].v6);
        uint8_t data[128];
        struct pkt_live live;
        size_t length = pkt_build(&packet, &ends, data, sizeof data);
        assert_int_equal(pkt_read(data, length, &live), 0);
        assert_int_equal(live.packet.ip.tos, rows[i].tos);
        pkt_arena_free(&arena);
    }
}

/* An ICMP error quotes a datagram that the stack might have sent: ends turned round. */
static void test_quote(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct pkt_arena arena = {0};
        const struct pkt_packet packet =
            packet_of("< icmp unreachable port_unreachable [77:177(100)]", v6 == 1, &arena);
        const struct pkt_ends ends = ends_of(v6 == 1);
        size_t header = v6 == 1 ? 40 : 20;
        uint8_t data[256];
        size_t length = pkt_build(&packet, &ends, data, sizeof data);
        assert_int_equal(length, header + 8 + header + 8);
        const uint8_t *quoted = data + header + 8, *ports = quoted + header;
        const uint8_t wanted[] = {8080 >> 8, 8080 & 255, 5000 >> 8, 5000 & 255, 0, 0, 0, 77};
        assert_memory_equal(ports, wanted, sizeof wanted);
        assert_int_equal(quoted[0] >> 4, v6 == 1 ? 6 : 4);
        if (v6 == 0)
            assert_int_equal(quoted[2] << 8 | quoted[3], 20 + 20 + 100);
        pkt_arena_free(&arena);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    const struct pkt_ends ends = ends_of(false);
    uint8_t *data = malloc(PKT_DATAGRAM_MAX);
    struct pkt_packet packet = packet_of("< . 1:65496(65495) ack 1 win 1", false, &arena);
    assert_int_equal(pkt_build(&packet, &ends, data, PKT_DATAGRAM_MAX), 65535);
    packet.tcp.length = 65496;
    assert_int_equal(pkt_build(&packet, &ends, data, PKT_DATAGRAM_MAX), 0);
    assert_int_equal(pkt_build(&packet, &ends, data, 1000), 0);
    free(data);
    pkt_arena_free(&arena);
}

/* Each change of one byte makes a fault, unless nobody looks at that byte. */
static void test_faults(void **state)
{
    static const struct {
        size_t at;
        uint8_t change;
        const char *fault;
    } rows[] = {
        {0, 0x01, "an IP header length"},         {3, 0x01, "an IP total length"},
        {10, 0x01, "a wrong IP header checksum"}, {6, 0x20, "a wrong IP header checksum"},
        {32, 0xf0, "a TCP data offset"},          {37, 0x01, "a wrong TCP checksum"},
        {40, 0x03, "a wrong TCP checksum"},
    };
    struct pkt_arena arena = {0};
    (void)state;
    const struct pkt_packet packet = packet_of("< . 1:1(0) ack 1 win 1 <mss 1460>", false, &arena);
    const struct pkt_ends ends = ends_of(false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t data[128];
        struct pkt_live live;
        size_t length = pkt_build(&packet, &ends, data, sizeof data);
        data[rows[i].at] ^= rows[i].change;
        pkt_read(data, length, &live);
        if (strncmp(live.fault, rows[i].fault, strlen(rows[i].fault)) != 0)
            fail_msg("byte %zu: '%s' instead of '%s'", rows[i].at, live.fault, rows[i].fault);
    }
    pkt_arena_free(&arena);
}

/* Anything may be in a datagram: it is read without harm. */
static void test_noise(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = round % 120;
        uint8_t *data = malloc(length + 1);
        struct pkt_live live, copy;
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            data[i] = (uint8_t)(random >> 24);
        }
        if (length > 0)
            data[0] = round & 1 ? 0x45 : 0x60;
        if (length > 9 && round & 2)
            data[round & 1 ? 9 : 6] = 6;
        if (pkt_read(data, length, &live) == 0) {
            pkt_live_copy(&copy, &live);
            assert_true(copy.packet.tcp.options == NULL || copy.packet.tcp.options == copy.options);
        }
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_ip_bits),
        cmocka_unit_test(test_quote),      cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
