/* SPDX-License-Identifier: MIT */
/* Printed packets: each frame's line, what cannot be parsed, and buffers of every size. */
#include "support/unit.h"

#include "frames.h"
#include "wire/print.h"

#define LINE_MAX_BYTES 400u

static const struct {
    const char *name, *line;
} lines[] = {
    {"arp_request", "ARP, Request who-has 198.18.0.2 tell 198.18.0.1, length 28"},
    {"arp_reply", "ARP, Reply 198.18.0.2 is-at 02:00:00:00:00:02, length 28"},
    {"v4_syn", "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [S], seq 5, win 65535, options "
               "[mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7], length 0"},
    {"v4_syn_ack",
     "IP 198.18.0.2.80 > 198.18.0.1.40000: Flags [S.], seq 4294967280, ack 6, win 65535,"
     " options [mss 1460,nop,nop,sackOK,nop,wscale 10], length 0"},
    {"v4_data",
     "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [P.], seq 6:106, ack 4294967281, win 502,"
     " options [nop,nop,TS val 1001 ecr 77], length 100"},
    {"v4_sack", "IP 198.18.0.2.80 > 198.18.0.1.40000: Flags [.], ack 106, win 512, options "
                "[nop,nop,TS val 78 ecr 1001,nop,nop,sack 2 {1554:3002}{206:1554}], length 0"},
    {"v4_fin",
     "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [F.], seq 106, ack 1, win 502, length 0"},
    {"v4_rst", "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [R], seq 5, win 0, length 0"},
    {"v4_urgent", "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [.U], seq 106:107, ack 1, win 502, "
                  "urg 1, length 1"},
    {"v4_record_route", "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [.], ack 1, win 502, length 0"},
    {"v4_fragment_first",
     "IP 198.18.0.1 > 198.18.0.2: fragment of UDP, id 7, bytes 0:24, more follow, length 24"},
    {"v4_fragment_last",
     "IP 198.18.0.1 > 198.18.0.2: fragment of UDP, id 7, bytes 24:48, length 24"},
    {"v4_udp", "IP 198.18.0.1.5353 > 198.18.0.2.53: UDP, length 5"},
    {"v4_echo", "IP 198.18.0.1 > 198.18.0.2: ICMP echo request, id 1, seq 2, length 17"},
    {"v4_port_unreachable", "IP 198.18.0.2 > 198.18.0.1: ICMP port unreachable, about TCP "
                            "198.18.0.1.40000 > 198.18.0.2.80 seq 5, length 36"},
    {"v4_too_big", "IP 198.18.0.2 > 198.18.0.1: ICMP packet too big, mtu 1400, about TCP "
                   "198.18.0.1.40000 > 198.18.0.2.80 seq 5, length 36"},
    {"v4_gre", "IP 198.18.0.1 > 198.18.0.2: protocol 47, length 8"},
    {"v6_syn", "IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [S], seq 5, win 65535, options "
               "[mss 1440,nop,nop,TS val 1000 ecr 0,nop,wscale 7], length 0"},
    {"v6_data", "IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [P.], seq 6:105, ack 1, win 502, "
                "options [nop,nop,TS val 1 ecr 2], length 99"},
    {"v6_extensions",
     "IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [.], ack 1, win 502, length 0"},
    {"v6_fragment", "IP6 2001:db8::1 > 2001:db8::2: fragment of TCP, id 99, bytes 1480:1544, more "
                    "follow, length 64"},
    {"v6_echo", "IP6 2001:db8::1 > 2001:db8::2: ICMP6, echo request, id 1, seq 2, length 16"},
    {"v6_too_big", "IP6 2001:db8::2 > 2001:db8::1: ICMP6, packet too big, mtu 1280, about TCP "
                   "2001:db8::1.40000 > 2001:db8::2.80 seq 7, length 68"},
    {"v6_port_unreachable", "IP6 2001:db8::2 > 2001:db8::1: ICMP6, port unreachable, about TCP "
                            "2001:db8::1.40000 > 2001:db8::2.80 seq 7, length 68"},
    {"v6_solicitation", "IP6 2001:db8::1 > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has "
                        "2001:db8::2, length 32"},
    {"v6_advertisement", "IP6 2001:db8::2 > 2001:db8::1: ICMP6, neighbor advertisement, tgt is "
                         "2001:db8::2, length 32"},
    {"v6_router_advertisement", "IP6 fe80::1 > ff02::1: ICMP6, router advertisement, length 32"},
    {"v6_router_solicitation", "IP6 fe80::1 > ff02::2: ICMP6, router solicitation, length 16"},
    {"lldp", "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc, length 9"},
};

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(lines), COUNT_OF(frames));
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        uint8_t frame[FRAME_MAX];
        char out[LINE_MAX_BYTES];
        size_t n = frame_take(lines[i].name, frame);
        size_t length = packet_print(true, frame, n, out, sizeof out);
        assert_string_equal(out, lines[i].line);
        assert_int_equal(length, strlen(lines[i].line));
        if (strncmp(lines[i].line, "IP", 2) == 0) { /* the same without the link header */
            packet_print(false, frame + 14, n - 14, out, sizeof out);
            assert_string_equal(out, lines[i].line);
        }
    }
}

/* Frames with one thing wrong: `at` gets `value`, then the frame is cut to n bytes (0: whole). */
static const struct {
    const char *name;
    size_t at;
    uint8_t value;
    size_t n;
    const char *line;
} wrong[] = {
    {"v4_syn", 0, 2, 13, "ethernet, truncated or not Ethernet II, length 13"},
    {"v4_syn", 0, 2, 14, "IP truncated, or lengths that contradict each other, length 0"},
    {"v4_syn", 14, 0x55, 0, "IP version 5, length 60"},
    {"v4_syn", 16, 1, 0, "IP 198.18.0.1 > 198.18.0.2: bad header checksum, length 60"},
    {"v4_syn", 0, 2, 60,
     "IP 198.18.0.1 > 198.18.0.2: truncated, or lengths that contradict each other, length 46"},
    {"v4_fin", 34, 0x9d, 0,
     "IP 198.18.0.1.40256 > 198.18.0.2.80: Flags [F.], seq 106, ack 1, win 502, length 0, bad "
     "checksum"},
    {"v4_echo", 42, 0, 0, "IP 198.18.0.1 > 198.18.0.2: ICMP type 8, bad checksum, length 17"},
    {"v6_syn", 54 + 20, 3, 0,
     "IP6 2001:db8::1.40000 > 2001:db8::2.80: Flags [S], seq 5, win 65535, options [bad opt], "
     "length 0, bad checksum"},
    {"v6_extensions", 54 + 2, 0x5e, 0,
     "IP6 2001:db8::1 > 2001:db8::2: source route or malformed options, length 100"},
    {"v6_extensions", 54 + 2, 0x9e, 0,
     "IP6 2001:db8::1 > 2001:db8::2: parameter problem, code 2, at 42, length 100"},
    {"arp_request", 17, 9, 0, "ARP, truncated or not for IPv4, length 28"},
    {"arp_request", 21, 9, 0, "ARP, operation 9, length 28"},
};

static void test_wrong_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint8_t frame[FRAME_MAX];
        char out[LINE_MAX_BYTES];
        size_t n = frame_take(wrong[i].name, frame);
        frame[wrong[i].at] = wrong[i].value;
        packet_print(true, frame, wrong[i].n > 0 ? wrong[i].n : n, out, sizeof out);
        assert_string_equal(out, wrong[i].line);
    }
}

static void test_mapped_address(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    char out[LINE_MAX_BYTES];
    size_t n = frame_take("v6_syn", frame);

    memcpy(frame + 14 + 8, (const uint8_t[16]){[10] = 0xff, [11] = 0xff, [12] = 1}, 16);
    packet_print(true, frame, n, out, sizeof out);
    assert_string_equal(out, "IP6 1.0.0.0 > 2001:db8::2: an IPv4-mapped address, length 80");
}

/* A line that does not fit is its own beginning, and nothing is written behind the buffer. */
static void test_small_buffers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_take(lines[i].name, frame), whole = strlen(lines[i].line);
        for (size_t cap = 0; cap <= whole + 2; cap++) {
            char *out = malloc(cap);
            size_t want = cap == 0 ? 0 : cap - 1 < whole ? cap - 1 : whole;
            assert_int_equal(packet_print(true, frame, n, out, cap), want);
            if (cap > 0) {
                assert_memory_equal(out, lines[i].line, want);
                assert_int_equal(out[want], '\0');
            }
            free(out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_wrong_frames),
        cmocka_unit_test(test_mapped_address),
        cmocka_unit_test(test_small_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
