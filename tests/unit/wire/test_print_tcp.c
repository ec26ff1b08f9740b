/* SPDX-License-Identifier: MIT */
/* The TCP part of a printed packet: flags and options, good and bad. */
#include "support/unit.h"

#include "base/bytes.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/print_impl.h"
#include "wire/tcp.h"

/* The line for a header with these flags and options (hex), padded with zeros, and text. */
static void print(uint8_t flags, const char *options_hex, size_t text_len, char *out, size_t cap)
{
    uint8_t bytes[TCP_HEADER_MAX + FRAME_MAX] = {0, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9};
    size_t options = frame_of_hex(options_hex, bytes + TCP_HEADER_MIN);
    size_t header = TCP_HEADER_MIN + (options + 3) / 4 * 4;
    struct ip_packet ip = {.payload_len = (uint32_t)(header + text_len)};
    struct text t;

    bytes[12] = (uint8_t)(header / 4 << 4);
    bytes[13] = flags;
    bytes[15] = 3;
    bytes[19] = 4;
    ip.src = address_of_v4((const uint8_t[]){10, 0, 0, 1});
    ip.dst = address_of_v4((const uint8_t[]){10, 0, 0, 2});
    uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
    tcp_emit_checksum(bytes, checksum_add(sum, checksum_sum(bytes, ip.payload_len)));
    ip.payload = exact_copy(bytes, ip.payload_len);
    text_init(&t, out, cap);
    print_tcp(&t, &ip);
    free((void *)(uintptr_t)ip.payload);
}

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        size_t text_len;
        const char *rest;
    } rows[] = {
        {0, 0, "Flags [none], win 3, length 0"},
        {TCP_SYN, 0, "Flags [S], seq 4294967295, win 3, length 0"},
        {TCP_SYN | TCP_ECE | TCP_CWR, 0, "Flags [SEW], seq 4294967295, win 3, length 0"},
        {TCP_SYN | TCP_ACK | TCP_ECE, 0, "Flags [S.E], seq 4294967295, ack 9, win 3, length 0"},
        {TCP_ACK, 0, "Flags [.], ack 9, win 3, length 0"},
        {TCP_ACK, 2, "Flags [.], seq 4294967295:1, ack 9, win 3, length 2"},
        {TCP_PSH | TCP_ACK, 1, "Flags [P.], seq 4294967295:0, ack 9, win 3, length 1"},
        {TCP_FIN | TCP_PSH | TCP_ACK, 0, "Flags [FP.], seq 4294967295, ack 9, win 3, length 0"},
        {TCP_RST, 0, "Flags [R], seq 4294967295, win 3, length 0"},
        {TCP_RST | TCP_ACK, 0, "Flags [R.], seq 4294967295, ack 9, win 3, length 0"},
        {TCP_URG | TCP_ACK, 0, "Flags [.U], ack 9, win 3, urg 4, length 0"},
        {0xff, 0, "Flags [FSRP.UEW], seq 4294967295, ack 9, win 3, urg 4, length 0"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const char head[] = " 10.0.0.1.1 > 10.0.0.2.2: ";
        char out[200];
        print(rows[i].flags, "", rows[i].text_len, out, sizeof out);
        assert_memory_equal(out, head, sizeof head - 1);
        assert_string_equal(out + sizeof head - 1, rows[i].rest);
    }
}

static void test_options(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } rows[] = {
        {"020405b4", "mss 1460"},
        {"01010402", "nop,nop,sackOK"},
        {"01030307", "nop,wscale 7"},
        {"0101080a000000010000000a", "nop,nop,TS val 1 ecr 10"},
        {"0101050a0000000100000002", "nop,nop,sack 1 {1:2}"},
        {"00", "eol"},
        {"020405b40000", "mss 1460,eol"},
        {"fd06f989e5e6", "unknown-253,eol"},
        {"1c040005", "unknown-28"},
        {"2202", "unknown-34,eol"},
        {"020305b4", "bad opt"},
        {"0101050b", "nop,nop,bad opt"},
        {"01010502", "nop,nop,bad opt"},
        {"01010101", "nop,nop,nop,nop"},
        {"01010108", "nop,nop,nop,bad opt"},
        {"01010800", "nop,nop,bad opt"},
        {"01010801", "nop,nop,bad opt"},
        {"0101c805", "nop,nop,bad opt"},
        {"020405b4030200", "mss 1460,bad opt"},
        {"0403", "bad opt"},
        {"0809", "bad opt"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[200], want[200] = " 10.0.0.1.1 > 10.0.0.2.2: Flags [.], ack 9, win 3, options [";
        print(TCP_ACK, rows[i].hex, 0, out, sizeof out);
        strcat(want, rows[i].text);
        strcat(want, "], length 0");
        assert_string_equal(out, want);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    static const struct {
        uint32_t n;
        const char *line;
    } rows[] = {
        {0, " 10.0.0.1.0 > 10.0.0.2.0: TCP, truncated, length 0"},
        {3, " 10.0.0.1.0 > 10.0.0.2.0: TCP, truncated, length 3"},
        {4, " 10.0.0.1.1 > 10.0.0.2.2: TCP, truncated, length 4"},
        {19, " 10.0.0.1.1 > 10.0.0.2.2: TCP, truncated, length 19"},
        {20, " 10.0.0.1.1 > 10.0.0.2.2: TCP, truncated, length 20"}, /* data offset 0 */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const uint8_t bytes[20] = {0, 1, 0, 2};
        uint8_t *p = exact_copy(bytes, rows[i].n);
        struct ip_packet ip = {.payload = p, .payload_len = rows[i].n};
        struct text t;
        char out[200];
        ip.src = address_of_v4((const uint8_t[]){10, 0, 0, 1});
        ip.dst = address_of_v4((const uint8_t[]){10, 0, 0, 2});
        text_init(&t, out, sizeof out);
        print_tcp(&t, &ip);
        assert_string_equal(out, rows[i].line);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
