/* SPDX-License-Identifier: MIT */
/* IPv4 and IPv6 headers: fields, both ways, and every contradiction among lengths. */
#include "support/unit.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

/* An IPv4 packet of exactly *n bytes: header with options (padded to words with zeros) and
 * payload. */
static uint8_t *build_v4(const uint8_t *options, size_t options_len, size_t payload_len, size_t *n)
{
    size_t header = IPV4_HEADER_BYTES + (options_len + 3) / 4 * 4;
    uint8_t *p = calloc(1, header + payload_len);

    assert_non_null(p);
    *n = header + payload_len;
    p[0] = (uint8_t)(0x40 | header / 4);
    store_be16(p + 2, (uint32_t)*n);
    p[8] = 64;
    p[9] = IP_PROTO_TCP;
    memcpy(p + 12, (const uint8_t[8]){198, 18, 0, 1, 198, 18, 0, 2}, 8);
    if (options_len > 0)
        memcpy(p + IPV4_HEADER_BYTES, options, options_len);
    return p;
}

static void seal_v4(uint8_t *p)
{
    size_t header = 4u * (p[0] & 0x0f);

    store_be16(p + 10, 0);
    store_be16(p + 10, checksum_finish(checksum_sum(p, header)));
}

static enum ip_parse parse_exact(const uint8_t *p, size_t n, struct ip_packet *out)
{
    uint8_t *copy = exact_copy(p, n);
    enum ip_parse verdict = ip_parse(copy, n, out);

    out->payload = NULL; /* goes with the copy */
    free(copy);
    return verdict;
}

static void test_v4_fields(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    size_t n = frame_take("v4_rst", frame); /* 6 bytes of link padding behind it */
    struct ip_packet ip;
    struct hawser_address src = address_of_v4((const uint8_t[]){198, 18, 0, 1});
    struct hawser_address dst = address_of_v4((const uint8_t[]){198, 18, 0, 2});

    frame[14 + 1] = 0xb9; /* DSCP 46, ECN 1 */
    frame[14 + 8] = 0;    /* TTL 0 at its destination is fine */
    seal_v4(frame + 14);
    assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
    assert_int_equal(ip.version, 4);
    assert_true(address_equal(&ip.src, &src));
    assert_true(address_equal(&ip.dst, &dst));
    assert_int_equal(ip.protocol, IP_PROTO_TCP);
    assert_int_equal(ip.header_len, 20);
    assert_int_equal(ip.payload_len, 20);
    assert_int_equal(ip.total_len, 40);
    assert_int_equal(n - 14, 46);
    assert_ptr_equal(ip.payload, frame + 34);
    assert_int_equal(ip.traffic_class, 0xb9);
    assert_int_equal(ip.hop_limit, 0);
    assert_int_equal(ip.fragment_id, 0x1234);
    assert_true(ip.dont_fragment);
    assert_false(ip.is_fragment);
    assert_false(ip.has_options);
}

static void test_v6_fields(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    size_t n = frame_take("v6_syn", frame);
    struct ip_packet ip;

    frame[14] = 0x6b; /* traffic class 0xb9 */
    frame[15] = 0x95;
    assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
    assert_int_equal(ip.version, 6);
    assert_memory_equal(ip.src.bytes, frame + 14 + 8, 16);
    assert_memory_equal(ip.dst.bytes, frame + 14 + 24, 16);
    assert_int_equal(ip.protocol, IP_PROTO_TCP);
    assert_int_equal(ip.header_len, 40);
    assert_int_equal(ip.total_len, n - 14);
    assert_int_equal(ip.payload_len, n - 54);
    assert_ptr_equal(ip.payload, frame + 54);
    assert_int_equal(ip.traffic_class, 0xb9);
    assert_int_equal(ip.hop_limit, 64);
    assert_false(ip.is_fragment);
    assert_false(ip.dont_fragment);
    assert_false(ip.has_options);
    assert_int_equal(ip.problem_code, 1); /* if nobody understood TCP */
    assert_int_equal(ip.problem_pointer, 6);
    assert_int_equal(ip_parse(frame + 14, n - 14 + 5, &ip), IP_PARSE_OK); /* link padding */
    assert_int_equal(ip.total_len, n - 14);
}

/* Whatever can be asked for is written and read back. */
static void check_round_trip(struct prng *prng, bool v6)
{
    struct hawser_address src, dst;
    uint8_t packet[IPV6_HEADER_BYTES + 64];
    struct ip_packet ip;

    for (size_t i = 0; i < 16; i++) {
        src.bytes[i] = (uint8_t)prng_next(prng);
        dst.bytes[i] = (uint8_t)prng_next(prng);
    }
    if (!v6) {
        src = address_of_v4(src.bytes);
        dst = address_of_v4(dst.bytes);
    }
    struct ip_emit e = {
        .src = &src,
        .dst = &dst,
        .payload_len = prng_below(prng, 65),
        .id = (uint32_t)prng_next(prng),
        .flow_label = (uint32_t)prng_next(prng),
        .protocol = prng_below(prng, 2) ? IP_PROTO_TCP : IP_PROTO_UDP,
        .hop_limit = (uint8_t)prng_next(prng),
        .traffic_class = (uint8_t)prng_next(prng),
        .dont_fragment = prng_below(prng, 2) != 0,
    };
    uint32_t header = ip_emit(&e, packet);
    assert_int_equal(header, v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
    assert_int_equal(parse_exact(packet, header + e.payload_len, &ip), IP_PARSE_OK);
    assert_int_equal(ip.version, v6 ? 6 : 4);
    assert_true(address_equal(&ip.src, &src));
    assert_true(address_equal(&ip.dst, &dst));
    assert_int_equal(ip.payload_len, e.payload_len);
    assert_int_equal(ip.header_len, header);
    assert_int_equal(ip.protocol, e.protocol);
    assert_int_equal(ip.hop_limit, e.hop_limit);
    assert_int_equal(ip.traffic_class, e.traffic_class);
    assert_false(ip.is_fragment);
    assert_false(ip.has_options);
    if (v6) {
        assert_int_equal(load_be32(packet) & 0xfffff, e.flow_label & 0xfffff);
    } else {
        assert_int_equal(ip.dont_fragment, e.dont_fragment);
        assert_int_equal(ip.fragment_id, e.dont_fragment ? 0 : e.id & 0xffff);
    }
}

static void test_both_ways(void **state)
{
    (void)state;
    struct prng prng;

    prng_init(&prng, 1);
    for (unsigned i = 0; i < 20000; i++)
        check_round_trip(&prng, i % 2 == 0);
}

static void test_emit_limits(void **state)
{
    (void)state;
    struct hawser_address v4 = address_of_v4((const uint8_t[]){1, 2, 3, 4}), v6 = {{0x20, 1}};
    uint8_t out[IPV6_HEADER_BYTES];
    struct ip_emit e = {.src = &v4, .dst = &v4, .payload_len = 65515};

    assert_int_equal(ip_emit(&e, out), 20);
    assert_int_equal(load_be16(out + 2), 65535);
    e.payload_len++;
    expect_assert_failure(ip_emit(&e, out));
    e.src = e.dst = &v6;
    e.payload_len = 65535;
    assert_int_equal(ip_emit(&e, out), 40);
    e.payload_len++;
    expect_assert_failure(ip_emit(&e, out));
}

/* Only the whole packet is one. */
static void test_truncated(void **state)
{
    (void)state;
    static const char *const names[] = {"v4_data", "v4_record_route", "v4_fragment_first",
                                        "v6_data", "v6_extensions",   "v6_fragment"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_take(names[i], frame) - 14;
        struct ip_packet ip;
        for (size_t cut = 0; cut < n; cut++) {
            assert_int_equal(parse_exact(frame + 14, cut, &ip), IP_PARSE_SHORT);
            assert_int_equal(ip.payload_len, 0);
        }
        assert_int_equal(parse_exact(frame + 14, n, &ip), IP_PARSE_OK);
    }
}

static void test_versions(void **state)
{
    (void)state;
    uint8_t p[64] = {0};
    struct ip_packet ip;

    for (unsigned version = 0; version < 16; version++) {
        p[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6) {
            assert_int_equal(parse_exact(p, sizeof p, &ip), IP_PARSE_VERSION);
            assert_int_equal(ip.version, 0);
        }
    }
}

/* Header length and total length against what is there. */
static void test_v4_lengths(void **state)
{
    (void)state;
    size_t n;
    uint8_t *p = build_v4(NULL, 0, 40, &n);
    struct ip_packet ip;

    for (unsigned ihl = 0; ihl < 16; ihl++) {
        for (uint32_t total = 0; total <= 70; total++) {
            p[0] = (uint8_t)(0x40 | ihl);
            store_be16(p + 2, total);
            seal_v4(p);
            bool good = ihl >= 5 && 4 * ihl <= total && total <= n;
            assert_int_equal(ip_parse(p, n, &ip), good ? IP_PARSE_OK : IP_PARSE_SHORT);
            if (good) {
                assert_int_equal(ip.header_len, 4 * ihl);
                assert_int_equal(ip.payload_len, total - 4 * ihl);
            }
        }
    }
    free(p);
}

/* Every flipped bit, and a checksum that is off by one; without options and with them. */
static void test_v4_checksum(void **state)
{
    (void)state;
    static const char *const names[] = {"v4_fin", "v4_record_route"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX], *p = frame + 14;
        size_t n = frame_take(names[i], frame) - 14;
        struct ip_packet ip;
        for (size_t bit = 8; bit < 8 * 4u * (p[0] & 0x0f); bit++) {
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(ip_parse(p, n, &ip), IP_PARSE_CHECKSUM);
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(ip_parse(p, n, &ip), IP_PARSE_OK);
        uint32_t right = load_be16(p + 10);
        store_be16(p + 10, right + 1);
        assert_int_equal(ip_parse(p, n, &ip), IP_PARSE_CHECKSUM);
        store_be16(p + 10, right - 1);
        assert_int_equal(ip_parse(p, n, &ip), IP_PARSE_CHECKSUM);
    }
}

static enum ip_parse parse_v4_options(const uint8_t *options, size_t n)
{
    size_t bytes;
    uint8_t *p = build_v4(options, n, 4, &bytes);
    struct ip_packet ip;

    seal_v4(p);
    enum ip_parse verdict = ip_parse(p, bytes, &ip);
    assert_int_equal(ip.has_options, n > 0);
    free(p);
    return verdict;
}

static void test_v4_options(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t n;
        enum ip_parse verdict;
    } rows[] = {
        {{0}, 0, IP_PARSE_OK},
        {{1, 1, 1, 1}, 4, IP_PARSE_OK},
        {{0, 131, 0, 0}, 4, IP_PARSE_OK},                        /* EOL ends it */
        {{148, 4, 0, 0}, 4, IP_PARSE_OK},                        /* router alert */
        {{7, 7, 4, 0, 0, 0, 0}, 7, IP_PARSE_OK},                 /* record route */
        {{68, 8, 5, 0, 0, 0, 0, 0}, 8, IP_PARSE_OK},             /* timestamps */
        {{130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 11, IP_PARSE_OK}, /* security */
        {{222, 5, 1, 2, 3, 1, 94, 2}, 8, IP_PARSE_OK},           /* unknown ones */
        {{131, 7, 4, 1, 2, 3, 4}, 7, IP_PARSE_OPTIONS},          /* loose source route */
        {{137, 7, 4, 1, 2, 3, 4}, 7, IP_PARSE_OPTIONS},          /* strict source route */
        {{1, 1, 1, 131, 3, 4}, 6, IP_PARSE_OPTIONS},
        {{7, 0, 0, 0}, 4, IP_PARSE_OPTIONS},
        {{7, 1, 0, 0}, 4, IP_PARSE_OPTIONS},
        {{7, 5, 0, 0}, 4, IP_PARSE_OPTIONS},
        {{1, 1, 1, 7}, 4, IP_PARSE_OPTIONS},
        {{222, 255, 0, 0}, 4, IP_PARSE_OPTIONS},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(parse_v4_options(rows[i].bytes, rows[i].n), rows[i].verdict);
}

/* Packets with options that TCP knows nothing about (record route and timestamps; a destination
 * option, a routing header with nothing left) bring the same segment as without. */
/* EVIDENCE 9293-MUST-50 9293-MAY-10 9293-MAY-11 */
static void test_options_are_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t seq;
    } rows[] = {{"v4_record_route", 106}, {"v6_extensions", 6}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_take(rows[i].name, frame) - 14;
        struct ip_packet ip;
        struct segment seg;
        assert_int_equal(ip_parse(frame + 14, n, &ip), IP_PARSE_OK);
        assert_true(ip.has_options);
        assert_int_equal(ip.protocol, IP_PROTO_TCP);
        uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
        assert_int_equal(tcp_parse(ip.payload, ip.payload_len, pseudo, true, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.seq.v, rows[i].seq);
        assert_int_equal(seg.flags, TCP_ACK);
    }
}

static void test_v4_fragments(void **state)
{
    (void)state;
    static const struct {
        uint32_t field;
        size_t payload;
        enum ip_parse verdict;
        bool is_fragment;
    } rows[] = {
        {0x0000, 13, IP_PARSE_OK, false},
        {0x4000, 13, IP_PARSE_OK, false},
        {0x8000, 13, IP_PARSE_OK, false}, /* the reserved bit means nothing */
        {0x2000, 16, IP_PARSE_OK, true},
        {0x2000, 13, IP_PARSE_SHORT, true}, /* the next could not begin here */
        {0x2000, 0, IP_PARSE_OK, true},
        {0x0001, 13, IP_PARSE_OK, true},
        {0x6003, 8, IP_PARSE_OK, true},
        {0x1ffd, 3, IP_PARSE_OK, true}, /* 65512 + 20 + 3 */
        {0x1ffd, 4, IP_PARSE_SHORT, true},
        {0x1fff, 40, IP_PARSE_SHORT, true},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t n;
        uint8_t *p = build_v4(NULL, 0, rows[i].payload, &n);
        struct ip_packet ip;
        store_be16(p + 6, rows[i].field);
        seal_v4(p);
        assert_int_equal(ip_parse(p, n, &ip), rows[i].verdict);
        assert_int_equal(ip.is_fragment, rows[i].is_fragment);
        assert_int_equal(ip.more_fragments, (rows[i].field & 0x2000) != 0);
        assert_int_equal(ip.dont_fragment, (rows[i].field & 0x4000) != 0);
        assert_int_equal(ip.fragment_offset, 8 * (rows[i].field & 0x1fff));
        free(p);
    }
}

/* An IPv6 header that carries a mapped address must not be taken for an IPv4 packet. */
static void test_v6_mapped_refused(void **state)
{
    (void)state;
    for (size_t at = 8; at <= 24; at += 16) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_take("v6_syn", frame) - 14;
        struct ip_packet ip;
        memcpy(frame + 14 + at, (const uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12);
        assert_int_equal(ip_parse(frame + 14, n, &ip), IP_PARSE_VERSION);
        assert_int_equal(ip.payload_len, 0);
        frame[14 + at + 11] = 0xfe;
        assert_int_equal(ip_parse(frame + 14, n, &ip), IP_PARSE_OK);
    }
}

static void test_v6_lengths(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    size_t n = frame_take("v6_syn", frame) - 14;
    struct ip_packet ip;

    for (uint32_t length = 0; length <= 2 * n; length++) {
        bool good = IPV6_HEADER_BYTES + length <= n;
        store_be16(frame + 14 + 4, length);
        assert_int_equal(parse_exact(frame + 14, n, &ip), good ? IP_PARSE_OK : IP_PARSE_SHORT);
        if (good)
            assert_int_equal(ip.payload_len, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v4_fields),    cmocka_unit_test(test_v6_fields),
        cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_emit_limits),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_versions),
        cmocka_unit_test(test_v4_lengths),   cmocka_unit_test(test_v4_checksum),
        cmocka_unit_test(test_v4_options),   cmocka_unit_test(test_options_are_ignored),
        cmocka_unit_test(test_v4_fragments), cmocka_unit_test(test_v6_mapped_refused),
        cmocka_unit_test(test_v6_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
