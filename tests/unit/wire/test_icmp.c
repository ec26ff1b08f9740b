/* SPDX-License-Identifier: MIT */
/* Reading ICMP of both families: kinds, quotes, and the checks of neighbour discovery. */
#include "support/unit.h"

#include "base/bytes.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/print.h"

static struct hawser_address address(const char *text)
{
    struct hawser_address a;

    assert_true(address_scan(text, &a));
    return a;
}

/* Puts the right checksum into n bytes of ICMP; with src it is ICMPv6. */
static void seal(uint8_t *p, size_t n, const struct hawser_address *src,
                 const struct hawser_address *dst)
{
    uint32_t sum;

    store_be16(p + 2, 0);
    sum = checksum_sum(p, n);
    if (src != NULL)
        sum = checksum_add(sum, checksum_pseudo(src, dst, IP_PROTO_ICMPV6, (uint32_t)n));
    store_be16(p + 2, checksum_finish(sum));
}

/* The ICMP message of a frame, parsed; *ip tells about the packet. The frame must outlive *out. */
static void take(const char *name, uint8_t frame[FRAME_MAX], struct ip_packet *ip, struct icmp *out)
{
    size_t n = frame_take(name, frame);

    assert_int_equal(ip_parse(frame + 14, n - 14, ip), IP_PARSE_OK);
    if (ip->version == 6)
        assert_int_equal(icmpv6_parse(ip->payload, ip->payload_len, &ip->src, &ip->dst, out),
                         ICMP_PARSE_OK);
    else
        assert_int_equal(icmpv4_parse(ip->payload, ip->payload_len, out), ICMP_PARSE_OK);
}

static void test_echo(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
    } rows[] = {{"v4_echo", "ping-data"}, {"v6_echo", "ping-dat"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        take(rows[i].name, frame, &ip, &icmp);
        assert_int_equal(icmp.kind, ICMP_ECHO_REQUEST);
        assert_int_equal(icmp.echo_id, 1);
        assert_int_equal(icmp.echo_seq, 2);
        assert_int_equal(icmp.body_len, strlen(rows[i].body));
        assert_memory_equal(icmp.body, rows[i].body, icmp.body_len);
        assert_false(icmp.has_quote);
    }
}

static void test_kinds_v4(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, code;
        enum icmp_kind kind;
    } rows[] = {
        {0, 0, ICMP_ECHO_REPLY},
        {8, 0, ICMP_ECHO_REQUEST},
        {3, 0, ICMP_UNREACHABLE_NET},
        {3, 1, ICMP_UNREACHABLE_HOST},
        {3, 2, ICMP_UNREACHABLE_PROTOCOL},
        {3, 3, ICMP_UNREACHABLE_PORT},
        {3, 4, ICMP_PACKET_TOO_BIG},
        {3, 5, ICMP_UNREACHABLE_NET},
        {3, 6, ICMP_UNREACHABLE_NET},
        {3, 7, ICMP_UNREACHABLE_HOST},
        {3, 8, ICMP_UNREACHABLE_HOST},
        {3, 9, ICMP_PROHIBITED},
        {3, 10, ICMP_PROHIBITED},
        {3, 11, ICMP_UNREACHABLE_NET},
        {3, 12, ICMP_UNREACHABLE_HOST},
        {3, 13, ICMP_PROHIBITED},
        {3, 14, ICMP_UNREACHABLE_HOST},
        {3, 15, ICMP_UNREACHABLE_HOST},
        {3, 16, ICMP_OTHER},
        {3, 255, ICMP_OTHER},
        {4, 0, ICMP_SOURCE_QUENCH},
        {5, 1, ICMP_OTHER},
        {11, 0, ICMP_TIME_EXCEEDED},
        {11, 1, ICMP_TIME_EXCEEDED},
        {12, 0, ICMP_PARAMETER_PROBLEM},
        {13, 0, ICMP_OTHER},
        {40, 0, ICMP_OTHER},
        {135, 0, ICMP_OTHER},
        {200, 0, ICMP_OTHER},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t p[8] = {rows[i].type, rows[i].code};
        struct icmp icmp;
        seal(p, sizeof p, NULL, NULL);
        assert_int_equal(icmpv4_parse(p, sizeof p, &icmp), ICMP_PARSE_OK);
        if (icmp.kind != rows[i].kind)
            fail_msg("type %d code %d: kind %d", rows[i].type, rows[i].code, (int)icmp.kind);
        assert_int_equal(icmp.type, rows[i].type);
        assert_int_equal(icmp.code, rows[i].code);
    }
}

static void test_kinds_v6(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, code;
        enum icmp_kind kind;
    } rows[] = {
        {1, 0, ICMP_UNREACHABLE_NET},
        {1, 1, ICMP_PROHIBITED},
        {1, 2, ICMP_UNREACHABLE_HOST},
        {1, 3, ICMP_UNREACHABLE_HOST},
        {1, 4, ICMP_UNREACHABLE_PORT},
        {1, 5, ICMP_PROHIBITED},
        {1, 6, ICMP_PROHIBITED},
        {1, 7, ICMP_UNREACHABLE_HOST},
        {2, 0, ICMP_PACKET_TOO_BIG},
        {2, 9, ICMP_PACKET_TOO_BIG},
        {3, 0, ICMP_TIME_EXCEEDED},
        {3, 1, ICMP_TIME_EXCEEDED},
        {4, 0, ICMP_PARAMETER_PROBLEM},
        {4, 1, ICMP_UNREACHABLE_PROTOCOL},
        {4, 2, ICMP_PARAMETER_PROBLEM},
        {8, 0, ICMP_OTHER},
        {40, 0, ICMP_OTHER},
        {127, 0, ICMP_OTHER},
        {128, 0, ICMP_ECHO_REQUEST},
        {129, 0, ICMP_ECHO_REPLY},
        {137, 0, ICMP_OTHER},
        {200, 0, ICMP_OTHER},
    };
    struct hawser_address src = address("2001:db8::1"), dst = address("2001:db8::2");

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t p[8] = {rows[i].type, rows[i].code};
        struct icmp icmp;
        seal(p, sizeof p, &src, &dst);
        assert_int_equal(icmpv6_parse(p, sizeof p, &src, &dst, &icmp), ICMP_PARSE_OK);
        if (icmp.kind != rows[i].kind)
            fail_msg("type %d code %d: kind %d", rows[i].type, rows[i].code, (int)icmp.kind);
    }
}

static void test_checksums(void **state)
{
    (void)state;
    static const char *const names[] = {"v4_echo", "v6_echo", "v6_solicitation"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        take(names[i], frame, &ip, &icmp);
        uint8_t *p = exact_copy(ip.payload, ip.payload_len);
        for (size_t bit = 0; bit < 8 * ip.payload_len; bit++) {
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(ip.version == 6
                                 ? icmpv6_parse(p, ip.payload_len, &ip.src, &ip.dst, &icmp)
                                 : icmpv4_parse(p, ip.payload_len, &icmp),
                             ICMP_PARSE_CHECKSUM);
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        if (ip.version == 6) { /* the pseudo-header counts */
            ip.src.bytes[3] ^= 1;
            assert_int_equal(icmpv6_parse(p, ip.payload_len, &ip.src, &ip.dst, &icmp),
                             ICMP_PARSE_CHECKSUM);
        }
        free(p);
    }
}

static void test_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *src, *dst;
        enum icmp_kind kind;
        uint32_t mtu, seq, total_len;
    } rows[] = {
        {"v4_port_unreachable", "198.18.0.1", "198.18.0.2", ICMP_UNREACHABLE_PORT, 0, 5, 60},
        {"v4_too_big", "198.18.0.1", "198.18.0.2", ICMP_PACKET_TOO_BIG, 1400, 5, 60},
        {"v6_port_unreachable", "2001:db8::1", "2001:db8::2", ICMP_UNREACHABLE_PORT, 0, 7, 60},
        {"v6_too_big", "2001:db8::1", "2001:db8::2", ICMP_PACKET_TOO_BIG, 1280, 7, 60},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        struct hawser_address src = address(rows[i].src), dst = address(rows[i].dst);
        take(rows[i].name, frame, &ip, &icmp);
        assert_int_equal(icmp.kind, rows[i].kind);
        assert_int_equal(icmp.mtu, rows[i].mtu);
        assert_true(icmp.has_quote);
        assert_true(icmp.quote.has_transport);
        assert_true(address_equal(&icmp.quote.src, &src));
        assert_true(address_equal(&icmp.quote.dst, &dst));
        assert_int_equal(icmp.quote.protocol, IP_PROTO_TCP);
        assert_int_equal(icmp.quote.src_port, 40000);
        assert_int_equal(icmp.quote.dst_port, 80);
        assert_int_equal(icmp.quote.seq.v, rows[i].seq);
        assert_int_equal(icmp.quote.total_len, rows[i].total_len);
        assert_ptr_equal(icmp.body, ip.payload + 8);
        assert_int_equal(icmp.body_len, ip.payload_len - 8);
    }
}

/* RFC 1191 4 has 16 bits for the MTU (what stands before them is unused), RFC 4443 3.2 has 32. */
static void test_mtu_widths(void **state)
{
    (void)state;
    struct hawser_address src = address("2001:db8::1"), dst = address("2001:db8::2");
    uint8_t v4[8] = {3, 4, 0, 0, 0xab, 0xcd, 0x05, 0x78}, v6[8] = {2, 0, 0, 0, 0, 1, 0x05, 0x78};
    struct icmp icmp;

    seal(v4, sizeof v4, NULL, NULL);
    assert_int_equal(icmpv4_parse(v4, sizeof v4, &icmp), ICMP_PARSE_OK);
    assert_int_equal(icmp.mtu, 1400);
    seal(v6, sizeof v6, &src, &dst);
    assert_int_equal(icmpv6_parse(v6, sizeof v6, &src, &dst, &icmp), ICMP_PARSE_OK);
    assert_int_equal(icmp.mtu, 66936);
}

/* An error cut at every byte: the IP header is taken when it is whole, the transport when 8
 * bytes of it are there, and nothing behind the end is read. */
/* EVIDENCE 5927-07 */
static void test_truncated_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t header; /* of the quoted packet */
    } rows[] = {{"v4_port_unreachable", 20},
                {"v4_too_big", 20},
                {"v6_port_unreachable", 40},
                {"v6_too_big", 40}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        take(rows[i].name, frame, &ip, &icmp);
        bool v6 = ip.version == 6;
        for (size_t n = 0; n <= ip.payload_len; n++) {
            uint8_t *p = exact_copy(ip.payload, n);
            if (n >= 4)
                seal(p, n, v6 ? &ip.src : NULL, &ip.dst);
            enum icmp_parse verdict =
                v6 ? icmpv6_parse(p, n, &ip.src, &ip.dst, &icmp) : icmpv4_parse(p, n, &icmp);
            assert_int_equal(verdict, n < 8 ? ICMP_PARSE_SHORT : ICMP_PARSE_OK);
            assert_int_equal(icmp.has_quote, n >= 8 + rows[i].header);
            assert_int_equal(icmp.quote.has_transport, n >= 8 + rows[i].header + 8);
            free(p);
        }
    }
}

/* Changes to a quoted packet after which it says less, or nothing. */
static void test_odd_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at; /* in the quoted packet */
        uint8_t value;
        bool has_quote, has_transport;
    } rows[] = {
        {"v4_too_big", 0, 0x65, false, false}, /* not IPv4 */
        {"v4_too_big", 0, 0x44, false, false}, /* header of 16 bytes */
        {"v4_too_big", 0, 0x46, true, false},  /* of 24: 4 bytes of TCP are left */
        {"v4_too_big", 0, 0x4f, true, false},  /* of 60 */
        {"v4_too_big", 7, 1, true, false},     /* a later fragment */
        {"v4_too_big", 6, 0x20, true, true},   /* the first of several */
        {"v4_too_big", 9, 17, true, false},    /* UDP */
        {"v4_too_big", 10, 99, true, true},    /* a header checksum that NAT broke */
        {"v6_too_big", 0, 0x45, false, false}, {"v6_too_big", 6, 17, true, false},
        {"v6_too_big", 6, 60, true, false}, /* destination options that are none */
        {"v6_too_big", 6, 44, true, false}, /* a fragment from the middle */
        {"v6_too_big", 6, 59, true, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        take(rows[i].name, frame, &ip, &icmp);
        bool v6 = ip.version == 6;
        uint8_t *p = exact_copy(ip.payload, ip.payload_len);
        p[8 + rows[i].at] = rows[i].value;
        seal(p, ip.payload_len, v6 ? &ip.src : NULL, &ip.dst);
        assert_int_equal(v6 ? icmpv6_parse(p, ip.payload_len, &ip.src, &ip.dst, &icmp)
                            : icmpv4_parse(p, ip.payload_len, &icmp),
                         ICMP_PARSE_OK);
        if (icmp.has_quote != rows[i].has_quote ||
            icmp.quote.has_transport != rows[i].has_transport)
            fail_msg("row %zu: quote %d, transport %d", i, icmp.has_quote,
                     icmp.quote.has_transport);
        free(p);
    }
}

/* ICMPv6 about a packet with a mapped address would speak about an IPv4 connection. */
static void test_mapped_quote(void **state)
{
    (void)state;
    for (size_t at = 8; at <= 24; at += 16) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        take("v6_too_big", frame, &ip, &icmp);
        uint8_t *p = exact_copy(ip.payload, ip.payload_len);
        memcpy(p + 8 + at, (const uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12);
        seal(p, ip.payload_len, &ip.src, &ip.dst);
        assert_int_equal(icmpv6_parse(p, ip.payload_len, &ip.src, &ip.dst, &icmp), ICMP_PARSE_OK);
        assert_false(icmp.has_quote);
        free(p);
    }
}

/* A quoted packet with extension headers in front of TCP, and one with IPv4 options. */
static void test_quotes_behind_options(void **state)
{
    (void)state;
    static const char *const names[] = {"v6_extensions", "v4_record_route"};
    struct hawser_address src = address("2001:db8::9"), dst = address("2001:db8::1");

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX], p[FRAME_MAX] = {(uint8_t)(i == 0 ? 3 : 11)};
        size_t n = 8 + frame_take(names[i], frame) - 14;
        struct icmp icmp;
        memcpy(p + 8, frame + 14, n - 8);
        seal(p, n, i == 0 ? &src : NULL, &dst);
        assert_int_equal(i == 0 ? icmpv6_parse(p, n, &src, &dst, &icmp) : icmpv4_parse(p, n, &icmp),
                         ICMP_PARSE_OK);
        assert_int_equal(icmp.kind, ICMP_TIME_EXCEEDED);
        assert_true(icmp.quote.has_transport);
        assert_int_equal(icmp.quote.protocol, IP_PROTO_TCP);
        assert_int_equal(icmp.quote.src_port, 40000);
        assert_int_equal(icmp.quote.seq.v, i == 0 ? 6 : 106);
    }
}

static void test_neighbour_messages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum icmp_kind kind;
        uint8_t mac_last; /* of the link-layer address */
        const char *target;
        bool solicited;
    } rows[] = {
        {"v6_solicitation", ICMP_NEIGHBOUR_SOLICITATION, 1, "2001:db8::2", false},
        {"v6_advertisement", ICMP_NEIGHBOUR_ADVERTISEMENT, 2, "2001:db8::2", true},
        {"v6_router_advertisement", ICMP_ROUTER_ADVERTISEMENT, 2, "::", false},
        {"v6_router_solicitation", ICMP_ROUTER_SOLICITATION, 1, "::", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[FRAME_MAX];
        struct ip_packet ip;
        struct icmp icmp;
        struct hawser_address target = address(rows[i].target);
        take(rows[i].name, frame, &ip, &icmp);
        assert_int_equal(icmp.kind, rows[i].kind);
        assert_true(icmp.has_lladdr);
        assert_int_equal(icmp.lladdr.b[0], 2);
        assert_int_equal(icmp.lladdr.b[5], rows[i].mac_last);
        assert_true(address_equal(&icmp.target, &target));
        assert_int_equal(icmp.solicited, rows[i].solicited);
        assert_int_equal(icmp.override, rows[i].solicited);
        assert_false(icmp.router);
    }
}

struct neighbour_row {
    const char *what, *src, *dst;
    uint8_t type, code, flags;
    const char *target, *options;
    enum icmp_parse verdict;
    bool has_lladdr;
};

#define LL_SOURCE "0101020000000001"
#define LL_TARGET "0201020000000002"

static const struct neighbour_row neighbour_rows[] = {
    {"plain", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", LL_SOURCE, ICMP_PARSE_OK, true},
    {"no option", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", "", ICMP_PARSE_OK, false},
    {"the other's option", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", LL_TARGET, ICMP_PARSE_OK,
     false},
    {"behind an unknown one", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2",
     "0e01000000000000" LL_SOURCE, ICMP_PARSE_OK, true},
    {"twice: the first", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", LL_SOURCE "0101060606060606",
     ICMP_PARSE_OK, true},
    {"an address of 14 bytes", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2",
     "01020200000000010000000000000000", ICMP_PARSE_OK, false},
    {"option of length 0", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", "0100020000000001",
     ICMP_PARSE_BAD, false},
    {"option leaves the message", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", "0102020000000001",
     ICMP_PARSE_BAD, false},
    {"one byte of an option", "fe80::1", "fe80::2", 135, 0, 0, "fe80::2", LL_SOURCE "01",
     ICMP_PARSE_BAD, false},
    {"code 1", "fe80::1", "fe80::2", 135, 1, 0, "fe80::2", LL_SOURCE, ICMP_PARSE_BAD, false},
    {"target is a group", "fe80::1", "fe80::2", 135, 0, 0, "ff02::1", LL_SOURCE, ICMP_PARSE_BAD,
     false},
    {"target is mapped", "fe80::1", "fe80::2", 135, 0, 0, "198.18.0.1", LL_SOURCE, ICMP_PARSE_BAD,
     false},
    {"duplicate detection", "::", "ff02::1:ff00:2", 135, 0, 0, "fe80::2", "", ICMP_PARSE_OK, false},
    {"it tells an address", "::", "ff02::1:ff00:2", 135, 0, 0, "fe80::2", LL_SOURCE, ICMP_PARSE_BAD,
     false},
    {"it goes to one host", "::", "fe80::2", 135, 0, 0, "fe80::2", "", ICMP_PARSE_BAD, false},
    {"advertisement", "fe80::1", "fe80::2", 136, 0, 0xe0, "fe80::1", LL_TARGET, ICMP_PARSE_OK,
     true},
    {"to all, unasked", "fe80::1", "ff02::1", 136, 0, 0x20, "fe80::1", LL_TARGET, ICMP_PARSE_OK,
     true},
    {"to all, as an answer", "fe80::1", "ff02::1", 136, 0, 0x60, "fe80::1", LL_TARGET,
     ICMP_PARSE_BAD, false},
    {"without address", "fe80::1", "fe80::2", 136, 0, 0x40, "fe80::1", "", ICMP_PARSE_OK, false},
    {"advertised group", "fe80::1", "fe80::2", 136, 0, 0x40, "ff02::1", LL_TARGET, ICMP_PARSE_BAD,
     false},
    {"advertised mapped", "fe80::1", "fe80::2", 136, 0, 0x40, "198.18.0.1", LL_TARGET,
     ICMP_PARSE_BAD, false},
    {"bad option", "fe80::1", "fe80::2", 136, 0, 0x40, "fe80::1", "0200020000000002",
     ICMP_PARSE_BAD, false},
};

static void test_neighbour_checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(neighbour_rows); i++) {
        const struct neighbour_row *row = &neighbour_rows[i];
        struct hawser_address src = address(row->src), dst = address(row->dst);
        struct hawser_address target = address(row->target);
        uint8_t bytes[24 + FRAME_MAX] = {row->type, row->code, 0, 0, row->flags};
        size_t n = 24 + frame_of_hex(row->options, bytes + 24);
        struct icmp icmp;
        memcpy(bytes + 8, target.bytes, 16);
        seal(bytes, n, &src, &dst);
        uint8_t *p = exact_copy(bytes, n);
        enum icmp_parse verdict = icmpv6_parse(p, n, &src, &dst, &icmp);
        if (verdict != row->verdict)
            fail_msg("%s: %d", row->what, (int)verdict);
        if (verdict == ICMP_PARSE_OK) {
            assert_int_equal(icmp.has_lladdr, row->has_lladdr);
            if (icmp.has_lladdr)
                assert_int_equal(icmp.lladdr.b[0], 2);
            assert_int_equal(icmp.router, row->flags >> 7);
            assert_int_equal(icmp.solicited, (row->flags >> 6) & 1);
            assert_int_equal(icmp.override, (row->flags >> 5) & 1);
        }
        free(p);
    }
}

static void test_router_checks(void **state)
{
    (void)state;
    static const struct {
        const char *src;
        uint8_t type, code;
        size_t n;
        const char *options;
        enum icmp_parse verdict;
    } rows[] = {
        {"fe80::1", 134, 0, 16, "", ICMP_PARSE_OK},
        {"fe80::1", 134, 0, 16, LL_SOURCE, ICMP_PARSE_OK},
        {"fe80::1", 134, 0, 15, "", ICMP_PARSE_SHORT},
        {"fe80::1", 134, 1, 16, "", ICMP_PARSE_BAD},
        {"2001:db8::1", 134, 0, 16, "", ICMP_PARSE_BAD},
        {"fe80::1", 134, 0, 16, "0300000000000000", ICMP_PARSE_BAD},
        {"fe80::1", 133, 0, 8, "", ICMP_PARSE_OK},
        {"::", 133, 0, 8, "", ICMP_PARSE_OK},
        {"::", 133, 0, 8, LL_SOURCE, ICMP_PARSE_BAD},
        {"fe80::1", 133, 2, 8, "", ICMP_PARSE_BAD},
    };
    struct hawser_address dst = address("ff02::1");

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address src = address(rows[i].src);
        uint8_t bytes[16 + FRAME_MAX] = {rows[i].type, rows[i].code};
        size_t n = rows[i].n + frame_of_hex(rows[i].options, bytes + rows[i].n);
        struct icmp icmp;
        seal(bytes, n, &src, &dst);
        uint8_t *p = exact_copy(bytes, n);
        assert_int_equal(icmpv6_parse(p, n, &src, &dst, &icmp), rows[i].verdict);
        free(p);
    }
}

static void test_neighbour_truncated(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    struct ip_packet ip;
    struct icmp icmp;

    take("v6_advertisement", frame, &ip, &icmp);
    for (size_t n = 0; n <= ip.payload_len; n++) {
        uint8_t *p = exact_copy(ip.payload, n);
        if (n >= 4)
            seal(p, n, &ip.src, &ip.dst);
        enum icmp_parse verdict = icmpv6_parse(p, n, &ip.src, &ip.dst, &icmp);
        assert_int_equal(verdict, n < 24               ? ICMP_PARSE_SHORT
                                  : n == 24 || n == 32 ? ICMP_PARSE_OK
                                                       : ICMP_PARSE_BAD);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_kinds_v4),
        cmocka_unit_test(test_kinds_v6),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_mtu_widths),
        cmocka_unit_test(test_truncated_quotes),
        cmocka_unit_test(test_odd_quotes),
        cmocka_unit_test(test_mapped_quote),
        cmocka_unit_test(test_quotes_behind_options),
        cmocka_unit_test(test_neighbour_messages),
        cmocka_unit_test(test_neighbour_checks),
        cmocka_unit_test(test_router_checks),
        cmocka_unit_test(test_neighbour_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
