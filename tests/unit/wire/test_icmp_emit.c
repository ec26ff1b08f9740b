/* SPDX-License-Identifier: MIT */
/* Writing ICMP: read back, and byte by byte what a separate program made. */
#include "support/unit.h"

#include "frames.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/print.h"

static const struct mac one = {{0x02, 0, 0, 0, 0, 1}};
static const struct mac two = {{0x02, 0, 0, 0, 0, 2}};

static struct hawser_address address(const char *text)
{
    struct hawser_address a;

    assert_true(address_scan(text, &a));
    return a;
}

static void test_echo_reply(void **state)
{
    (void)state;
    struct hawser_address src[] = {address("198.18.0.1"), address("2001:db8::1")};
    struct hawser_address dst[] = {address("198.18.0.2"), address("2001:db8::2")};

    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (uint32_t n = 0; n < 300; n++) {
            uint8_t body[300], out[308 + 1];
            struct icmp request = {
                .echo_id = 0x1234, .echo_seq = (uint16_t)n, .body = body, .body_len = n};
            struct icmp back;
            memset(body, (int)(0xff - n % 200), sizeof body);
            out[8 + n] = 0xa5;
            assert_int_equal(icmp_emit_echo_reply(v6, &src[v6], &dst[v6], &request, out), 8 + n);
            assert_int_equal(out[8 + n], 0xa5);
            assert_int_equal(v6 ? icmpv6_parse(out, 8 + n, &src[v6], &dst[v6], &back)
                                : icmpv4_parse(out, 8 + n, &back),
                             ICMP_PARSE_OK);
            assert_int_equal(back.kind, ICMP_ECHO_REPLY);
            assert_int_equal(back.code, 0);
            assert_int_equal(back.echo_id, 0x1234);
            assert_int_equal(back.echo_seq, n);
            assert_int_equal(back.body_len, n);
            assert_memory_equal(back.body, body, n);
        }
    }
}

/* The errors in frames.h, from what they quote. */
static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t type, code;
        uint32_t info;
    } rows[] = {
        {"v4_port_unreachable", ICMPV4_UNREACHABLE, ICMPV4_UNREACHABLE_PORT_CODE, 0},
        {"v4_too_big", ICMPV4_UNREACHABLE, 4, 1400},
        {"v6_port_unreachable", ICMPV6_UNREACHABLE, ICMPV6_UNREACHABLE_PORT_CODE, 0},
        {"v6_too_big", 2, 0, 1280},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX], out[FRAME_MAX];
        size_t n = frame_take(rows[i].name, frame);
        struct ip_packet ip;
        assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
        assert_int_equal(icmp_emit_error(ip.version == 6, &ip.src, &ip.dst, rows[i].type,
                                         rows[i].code, rows[i].info, ip.payload + 8,
                                         ip.payload_len - 8, out),
                         ip.payload_len);
        assert_memory_equal(out, ip.payload, ip.payload_len);
    }
}

static void test_neighbours(void **state)
{
    (void)state;
    struct hawser_address target = address("2001:db8::2");
    uint8_t frame[FRAME_MAX], out[ICMP_NEIGHBOUR_BYTES_MAX];
    struct ip_packet ip;
    size_t n = frame_take("v6_solicitation", frame);

    assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
    assert_int_equal(icmp_emit_solicitation(&ip.src, &ip.dst, &target, &one, out), 32);
    assert_memory_equal(out, ip.payload, 32);

    n = frame_take("v6_advertisement", frame);
    assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
    assert_int_equal(icmp_emit_advertisement(&ip.src, &ip.dst, &target, &two, true, true, out), 32);
    assert_memory_equal(out, ip.payload, 32);
}

static void test_neighbours_read_back(void **state)
{
    (void)state;
    struct hawser_address src = address("fe80::1"), dst = address("fe80::2"), any = address("::");
    struct hawser_address group = address("ff02::1:ff00:7"), target = address("fe80::7");
    uint8_t out[ICMP_NEIGHBOUR_BYTES_MAX];
    struct icmp back;

    for (unsigned bits = 0; bits < 4; bits++) {
        uint32_t n = icmp_emit_advertisement(&src, &dst, &target, &one, bits & 1, bits & 2, out);
        assert_int_equal(icmpv6_parse(out, n, &src, &dst, &back), ICMP_PARSE_OK);
        assert_int_equal(back.kind, ICMP_NEIGHBOUR_ADVERTISEMENT);
        assert_true(address_equal(&back.target, &target));
        assert_true(back.has_lladdr && mac_equal(&back.lladdr, &one));
        assert_int_equal(back.solicited, bits & 1);
        assert_int_equal(back.override, bits >> 1);
        assert_false(back.router);
    }
    /* who looks for a duplicate of his own address tells none */
    assert_int_equal(icmp_emit_solicitation(&any, &group, &target, NULL, out), 24);
    assert_int_equal(icmpv6_parse(out, 24, &any, &group, &back), ICMP_PARSE_OK);
    assert_int_equal(back.kind, ICMP_NEIGHBOUR_SOLICITATION);
    assert_false(back.has_lladdr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_reply),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_neighbours_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
