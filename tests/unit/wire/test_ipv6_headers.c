/* SPDX-License-Identifier: MIT */
/* The extension headers of IPv6: what is passed over, what is dropped and what is answered. */
#include "support/unit.h"

#include "base/bytes.h"
#include "frames.h"
#include "wire/ipv6_headers.h"

#define NEXT_TCP 6u

struct row {
    const char *what;
    uint8_t first;   /* next header of the fixed header */
    const char *hex; /* extension headers */
    bool to_group;   /* destination ff02::1 */
    enum ip_parse verdict;
    uint8_t protocol; /* IP_PARSE_OK */
    uint8_t code;     /* IP_PARSE_PARAMETER */
    uint32_t pointer; /* and after IP_PARSE_OK */
};

static const struct row rows[] = {
    {"none", NEXT_TCP, "", false, IP_PARSE_OK, NEXT_TCP, 0, 6},
    {"no next header", 59, "", false, IP_PARSE_OK, 59, 0, 6},
    {"hop by hop, padding of 6", 0, "0600010400000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"destination, six times Pad1", 60, "0600000000000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"PadN of none", 60, "0600010001000100", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"unknown, skip (00)", 60, "06001e0400000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"unknown, drop (01)", 60, "06005e0400000000", false, IP_PARSE_OPTIONS, 0, 0, 0},
    {"unknown, answer (10)", 60, "06009e0400000000", false, IP_PARSE_PARAMETER, 0, 2, 42},
    {"unknown, answer (10), group", 60, "06009e0400000000", true, IP_PARSE_PARAMETER, 0, 2, 42},
    {"unknown, answer (11)", 60, "0600de0400000000", false, IP_PARSE_PARAMETER, 0, 2, 42},
    {"unknown, answer (11), group", 60, "0600de0400000000", true, IP_PARSE_OPTIONS, 0, 0, 0},
    {"the second option", 60, "060001000000de00", false, IP_PARSE_PARAMETER, 0, 2, 46},
    {"jumbo payload", 0, "0600c20400010000", false, IP_PARSE_PARAMETER, 0, 2, 42},
    {"option leaves its header", 60, "0600010500000000", false, IP_PARSE_OPTIONS, 0, 0, 0},
    {"option without a length", 60, "0600010300000001", false, IP_PARSE_OPTIONS, 0, 0, 0},
    {"16 bytes", 60, "0601010c000000000000000000000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"header leaves the packet", 60, "06ff010400000000", false, IP_PARSE_SHORT, 0, 0, 0},
    {"routing, nothing left", 43, "0600040000000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"routing type 0, nothing left", 43, "0600000000000000", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"routing type 0, one left", 43, "0600000100000000", false, IP_PARSE_PARAMETER, 0, 0, 42},
    {"routing type 4, one left", 43, "0600040100000000", false, IP_PARSE_PARAMETER, 0, 0, 42},
    {"hop by hop and another", 0, "3c00010400000000 0600010400000000", false, IP_PARSE_OK, NEXT_TCP,
     0, 48},
    {"hop by hop twice", 0, "0000010400000000 0600010400000000", false, IP_PARSE_PARAMETER, 0, 1,
     40},
    {"hop by hop behind another", 60, "0000010400000000 0600010400000000", false,
     IP_PARSE_PARAMETER, 0, 1, 40},
    {"whole packet with a fragment header", 44, "0600000000000007", false, IP_PARSE_OK, NEXT_TCP, 0,
     40},
    {"and more behind it", 44, "3c00000000000007 0600de0400000000", false, IP_PARSE_PARAMETER, 0, 2,
     50},
    {"first fragment: the walk ends", 44, "3c00000100000007 0600de0400000000", false, IP_PARSE_OK,
     60, 0, 40},
    {"later fragment of TCP", 44, "0600000800000007", false, IP_PARSE_OK, NEXT_TCP, 0, 40},
    {"later fragment: the walk ends", 44, "2c00000800000007 0600de0400000000", false, IP_PARSE_OK,
     44, 0, 40},
    {"eight headers", 60,
     "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
     "3c00010400000000 3c00010400000000 0600010400000000",
     false, IP_PARSE_OK, NEXT_TCP, 0, 96},
    {"nine headers", 60,
     "3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 3c00010400000000 "
     "3c00010400000000 3c00010400000000 3c00010400000000 0600010400000000",
     false, IP_PARSE_OPTIONS, 0, 0, 0},
    {"authentication is not ours", 51, "0604000000000000", false, IP_PARSE_OK, 51, 0, 6},
    {"unknown next header", 60, "c800010400000000", false, IP_PARSE_OK, 200, 0, 40},
};

#define PAYLOAD_BYTES 24u

/* The row's packet; its length. */
static size_t build(const struct row *row, uint8_t *out)
{
    size_t n = frame_of_hex(row->hex, out + IPV6_HEADER_BYTES);

    memset(out, 0, IPV6_HEADER_BYTES);
    out[0] = 0x60;
    store_be16(out + 4, (uint32_t)(n + PAYLOAD_BYTES));
    out[6] = row->first;
    out[8] = 0x20;
    out[23] = 1;
    out[24] = row->to_group ? 0xff : 0x20;
    out[39] = 2;
    memset(out + IPV6_HEADER_BYTES + n, 0xee, PAYLOAD_BYTES);
    return IPV6_HEADER_BYTES + n + PAYLOAD_BYTES;
}

static bool is_later_fragment(const struct row *row)
{
    return strncmp(row->what, "later", 5) == 0;
}

static void test_walk(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[IPV6_HEADER_BYTES + FRAME_MAX + PAYLOAD_BYTES];
        size_t n = build(&rows[i], bytes);
        uint8_t *p = exact_copy(bytes, n);
        struct ip_packet ip;
        enum ip_parse verdict = ip_parse(p, n, &ip);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %d", rows[i].what, (int)verdict);
        if (verdict == IP_PARSE_OK) {
            assert_int_equal(ip.protocol, rows[i].protocol);
            assert_int_equal(ip.total_len, n);
            assert_int_equal(ip.header_len + ip.payload_len, n);
            assert_ptr_equal(ip.payload, p + ip.header_len);
            if (ip.protocol != 51 && !ip.is_fragment)
                assert_int_equal(ip.payload_len, PAYLOAD_BYTES);
            assert_int_equal(ip.problem_code, 1);
            assert_int_equal(ip.problem_pointer, rows[i].pointer);
        }
        if (verdict == IP_PARSE_PARAMETER) {
            assert_int_equal(ip.problem_code, rows[i].code);
            assert_int_equal(ip.problem_pointer, rows[i].pointer);
        }
        free(p);
    }
}

/* Every packet of the table cut at every byte, with a length field that says so and with one
 * that does not. */
static void test_walk_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[IPV6_HEADER_BYTES + FRAME_MAX + PAYLOAD_BYTES];
        size_t n = build(&rows[i], bytes);
        for (size_t cut = IPV6_HEADER_BYTES; cut < n; cut++) {
            uint8_t *p = exact_copy(bytes, cut);
            struct ip_packet ip;
            assert_int_equal(ip_parse(p, cut, &ip), IP_PARSE_SHORT);
            store_be16(p + 4, (uint32_t)(cut - IPV6_HEADER_BYTES));
            if (ip_parse(p, cut, &ip) == IP_PARSE_OK)
                assert_int_equal(ip.header_len + ip.payload_len, cut);
            free(p);
        }
    }
}

static void test_fragment_fields(void **state)
{
    (void)state;
    static const struct {
        uint32_t field; /* offset, two reserved bits, M */
        size_t payload;
        enum ip_parse verdict;
        uint32_t pointer;
    } fragments[] = {
        {1480 | 1, 64, IP_PARSE_OK, 0},
        {1480 | 7, 64, IP_PARSE_OK, 0}, /* reserved bits */
        {1480, 13, IP_PARSE_OK, 0},
        {0 | 1, 13, IP_PARSE_PARAMETER, 4},
        {65528, 7, IP_PARSE_OK, 0},
        {65528, 8, IP_PARSE_PARAMETER, 42},
        {65528 | 1, 8, IP_PARSE_PARAMETER, 42},
        {65528 | 1, 0, IP_PARSE_OK, 0},
    };

    for (size_t i = 0; i < COUNT_OF(fragments); i++) {
        uint8_t bytes[IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES + 64] = {0x60};
        struct ip_packet ip;
        size_t n = IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES + fragments[i].payload;
        store_be16(bytes + 4, (uint32_t)(n - IPV6_HEADER_BYTES));
        bytes[6] = IPV6_NEXT_FRAGMENT;
        bytes[8] = bytes[24] = 0x20;
        bytes[40] = NEXT_TCP;
        store_be16(bytes + 42, fragments[i].field);
        store_be32(bytes + 44, 0xfedcba98);
        assert_int_equal(ip_parse(bytes, n, &ip), fragments[i].verdict);
        assert_true(ip.is_fragment);
        assert_false(ip.has_options);
        assert_int_equal(ip.more_fragments, fragments[i].field & 1);
        assert_int_equal(ip.fragment_offset, fragments[i].field & 0xfff8);
        assert_int_equal(ip.fragment_id, 0xfedcba98);
        if (fragments[i].verdict == IP_PARSE_OK) {
            assert_int_equal(ip.payload_len, fragments[i].payload);
            assert_int_equal(ip.header_len, 48);
        } else {
            assert_int_equal(ip.problem_code, 0);
            assert_int_equal(ip.problem_pointer, fragments[i].pointer);
        }
    }
}

/* A quoted packet may be cut anywhere: the payload's place is found exactly when every header in
 * front of it is there. */
static void test_skip(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[IPV6_HEADER_BYTES + FRAME_MAX + PAYLOAD_BYTES];
        size_t n = build(&rows[i], bytes), headers = n - PAYLOAD_BYTES;
        if (rows[i].verdict != IP_PARSE_OK || rows[i].protocol != NEXT_TCP ||
            is_later_fragment(&rows[i]))
            continue;
        for (size_t cut = IPV6_HEADER_BYTES; cut <= n; cut++) {
            uint8_t *p = exact_copy(bytes, cut), protocol = 0;
            uint32_t at = ipv6_headers_skip(p, cut, &protocol);
            assert_int_equal(at, cut >= headers ? headers : 0);
            assert_int_equal(protocol, cut >= headers ? NEXT_TCP : 0);
            free(p);
        }
    }
}

static void test_skip_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[IPV6_HEADER_BYTES + FRAME_MAX + PAYLOAD_BYTES], protocol = 0;
        size_t n = build(&rows[i], bytes);
        bool later = is_later_fragment(&rows[i]);
        bool nine = strcmp(rows[i].what, "nine headers") == 0;
        bool leaves = strcmp(rows[i].what, "header leaves the packet") == 0;
        if (later || nine || leaves)
            assert_int_equal(ipv6_headers_skip(bytes, n, &protocol), 0);
        else
            assert_int_not_equal(ipv6_headers_skip(bytes, n, &protocol), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),         cmocka_unit_test(test_walk_truncated),
        cmocka_unit_test(test_skip),         cmocka_unit_test(test_fragment_fields),
        cmocka_unit_test(test_skip_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
