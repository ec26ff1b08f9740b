/* SPDX-License-Identifier: MIT */
/* TCP headers and options: every layout that is written, and every list that can come. */
#include "support/unit.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define ALL_OPTIONS                                                                                \
    (TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS | TCP_OPT_SACK)

static const uint8_t flag_sets[] = {
    TCP_SYN,
    TCP_SYN | TCP_ACK,
    TCP_ACK,
    TCP_PSH | TCP_ACK,
    TCP_FIN | TCP_ACK,
    TCP_RST,
    TCP_RST | TCP_ACK,
    TCP_URG | TCP_ACK,
    0,
    0xff,
};

/* A header with these options (padded with zeros) and text behind it, of exactly *n bytes. */
static uint8_t *build(uint8_t flags, const uint8_t *options, size_t options_len, size_t text_len,
                      size_t *n)
{
    size_t header = TCP_HEADER_MIN + (options_len + 3) / 4 * 4;
    uint8_t *p = calloc(1, header + text_len);

    assert_non_null(p);
    assert_true(header <= TCP_HEADER_MAX);
    store_be16(p, 1000);
    store_be16(p + 2, 2000);
    store_be32(p + 4, 0x01020304);
    store_be32(p + 8, 0x05060708);
    p[12] = (uint8_t)(header / 4 << 4);
    p[13] = flags;
    store_be16(p + 14, 0xfffe);
    if (options_len > 0)
        memcpy(p + TCP_HEADER_MIN, options, options_len);
    memset(p + header, 'x', text_len);
    *n = header + text_len;
    return p;
}

static enum tcp_parse parse_options(uint8_t flags, const uint8_t *options, size_t n,
                                    struct segment *seg)
{
    size_t bytes;
    uint8_t *p = build(flags, options, n, 0, &bytes);
    enum tcp_parse verdict = tcp_parse(p, bytes, 0, false, seg);

    free(p);
    return verdict;
}

static void assert_same(const struct segment *a, const struct segment *b)
{
    assert_int_equal(a->seq.v, b->seq.v);
    assert_int_equal(a->ack.v, b->ack.v);
    assert_ptr_equal(a->text, b->text);
    assert_int_equal(a->text_len, b->text_len);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->src_port, b->src_port);
    assert_int_equal(a->dst_port, b->dst_port);
    assert_int_equal(a->wnd, b->wnd);
    assert_int_equal(a->up, b->up);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->reserved, b->reserved);
    assert_int_equal(a->options, b->options);
    assert_int_equal(a->wscale, b->wscale);
    assert_int_equal(a->mss, b->mss);
    assert_int_equal(a->sack_count, b->sack_count);
    assert_int_equal(a->ts_val, b->ts_val);
    assert_int_equal(a->ts_ecr, b->ts_ecr);
    assert_memory_equal(a->sack, b->sack, sizeof a->sack);
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(flag_sets); i++) {
        size_t n;
        uint8_t *p = build(flag_sets[i], NULL, 0, 7, &n);
        struct segment seg;
        store_be16(p + 18, 0x0a0b);
        assert_int_equal(tcp_parse(p, n, 0, false, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.src_port, 1000);
        assert_int_equal(seg.dst_port, 2000);
        assert_int_equal(seg.seq.v, 0x01020304);
        assert_int_equal(seg.ack.v, 0x05060708);
        assert_int_equal(seg.flags, flag_sets[i]);
        assert_int_equal(seg.wnd, 0xfffe);
        assert_int_equal(seg.up, 0x0a0b);
        assert_int_equal(seg.options, 0);
        assert_ptr_equal(seg.text, p + TCP_HEADER_MIN);
        assert_int_equal(seg.text_len, 7);
        assert_int_equal(seg.len,
                         7 + ((flag_sets[i] & TCP_SYN) != 0) + ((flag_sets[i] & TCP_FIN) != 0));
        free(p);
    }
}

/* The four reserved bits change nothing on receipt, and are 0 in what is sent. */
/* EVIDENCE 9293-3.1-1 */
static void test_reserved_bits(void **state)
{
    (void)state;
    static const uint8_t mss[] = {2, 4, 5, 0xb4};
    for (unsigned bits = 0; bits < 16; bits++) {
        size_t n;
        uint8_t *p = build(TCP_SYN, mss, sizeof mss, 3, &n), out[TCP_HEADER_MAX];
        struct segment seg, plain;
        assert_int_equal(tcp_parse(p, n, 0, false, &plain), TCP_PARSE_OK);
        p[12] |= (uint8_t)bits;
        assert_int_equal(tcp_parse(p, n, 0, false, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.reserved, bits);
        tcp_emit_header(&seg, out);
        assert_int_equal(out[12] & 0x0f, 0);
        seg.reserved = 0;
        assert_same(&seg, &plain);
        free(p);
    }
}

/* Every data offset against every length: accepted exactly when it is 5 at least and lies
 * inside. */
/* EVIDENCE 9293-3.1-4 */
static void test_data_offset(void **state)
{
    (void)state;
    uint8_t bytes[80] = {[0] = 1, [3] = 2, [4] = 9};

    for (unsigned offset = 0; offset < 16; offset++) {
        for (size_t n = 0; n <= sizeof bytes; n++) {
            bytes[12] = (uint8_t)(offset << 4);
            uint8_t *p = exact_copy(bytes, n);
            struct segment seg;
            bool good = n >= TCP_HEADER_MIN && offset >= 5 && 4 * offset <= n;
            assert_int_equal(tcp_parse(p, n, 0, false, &seg),
                             good ? TCP_PARSE_OK : TCP_PARSE_SHORT);
            assert_int_equal(seg.src_port, n >= 4 ? 0x0100 : 0);
            assert_int_equal(seg.dst_port, n >= 4 ? 2 : 0);
            assert_int_equal(seg.seq.v, n >= TCP_HEADER_MIN ? 0x09000000 : 0);
            assert_int_equal(seg.text_len, good ? n - 4 * offset : 0);
            free(p);
        }
    }
}

/* One flipped bit anywhere in message or pseudo-header is found. */
static void test_checksum_verified(void **state)
{
    (void)state;
    static const char *const names[] = {"v4_data", "v6_data"}; /* an even and an odd length */
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX];
        size_t n = frame_take(names[i], frame);
        struct ip_packet ip;
        struct segment seg;
        assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
        uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, ip.protocol, ip.payload_len);
        uint8_t *p = exact_copy(ip.payload, ip.payload_len);
        assert_int_equal(tcp_parse(p, ip.payload_len, pseudo, true, &seg), TCP_PARSE_OK);
        for (size_t bit = 0; bit < 8 * ip.payload_len; bit++) {
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (bit / 8 != 12) /* there the data offset may go first */
                assert_int_equal(tcp_parse(p, ip.payload_len, pseudo, true, &seg),
                                 TCP_PARSE_CHECKSUM);
            assert_int_not_equal(tcp_parse(p, ip.payload_len, pseudo, true, &seg), TCP_PARSE_OK);
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        ip.dst.bytes[15] ^= 1;
        pseudo = checksum_pseudo(&ip.src, &ip.dst, ip.protocol, ip.payload_len);
        assert_int_equal(tcp_parse(p, ip.payload_len, pseudo, true, &seg), TCP_PARSE_CHECKSUM);
        assert_int_equal(tcp_parse(p, ip.payload_len, pseudo, false, &seg), TCP_PARSE_OK);
        free(p);
    }
}

/* EOL, NOP and MSS in any order; nothing behind EOL counts. */
/* EVIDENCE 9293-MUST-4 */
static void test_eol_nop_mss(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t n;
        uint16_t mss; /* 0: none */
    } rows[] = {
        {{2, 4, 5, 0xb4}, 4, 1460},
        {{1, 1, 2, 4, 5, 0xb4, 0}, 7, 1460},
        {{1, 2, 4, 5, 0xb4, 1, 1, 1}, 8, 1460},
        {{2, 4, 0xff, 0xff, 0, 2, 4, 1}, 8, 65535},
        {{0, 2, 4, 5, 0xb4}, 5, 0},
        {{1, 0, 9, 0}, 4, 0},
        {{1, 1, 1, 1}, 4, 0},
        {{2, 4, 0, 0}, 4, 0},
        {{2, 4, 2, 0x18, 2, 4, 5, 0xb4}, 8, 1460}, /* twice: the last counts */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct segment seg;
        assert_int_equal(parse_options(TCP_SYN, rows[i].bytes, rows[i].n, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.mss, rows[i].mss);
        assert_int_equal(seg.options, rows[i].mss != 0 || i == 7 ? TCP_OPT_MSS : 0);
    }
}

/* Each option behind 0, 1, 2 and 3 NOPs, and behind an unknown one of odd length. */
/* EVIDENCE 9293-MUST-64 */
static void test_unaligned_options(void **state)
{
    (void)state;
    static const uint8_t heads[][5] = {{0}, {1}, {1, 1}, {1, 1, 1}, {200, 3, 9}, {200, 5, 0, 0, 0}};
    static const size_t head_lengths[] = {0, 1, 2, 3, 3, 5};
    static const uint8_t list[] = {2,  4,    5,    0xb4, 3,    3,    7,    4,    2,   8,
                                   10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        uint8_t options[40];
        struct segment seg;
        memcpy(options, heads[i], head_lengths[i]);
        memcpy(options + head_lengths[i], list, sizeof list);
        assert_int_equal(parse_options(TCP_SYN, options, head_lengths[i] + sizeof list, &seg),
                         TCP_PARSE_OK);
        assert_int_equal(seg.options, ALL_OPTIONS & ~TCP_OPT_SACK);
        assert_int_equal(seg.mss, 1460);
        assert_int_equal(seg.wscale, 7);
        assert_int_equal(seg.ts_val, 0x11223344);
        assert_int_equal(seg.ts_ecr, 0x55667788);
    }
}

/* An unknown option is passed over by exactly its length, in segments of every kind: kinds 28 (user
 * timeout), 253 and 254 (experiments, with 16 and 32 bits of identifier), 19, 30, 34 and all others
 * that are not ours. */
/* EVIDENCE 9293-MUST-6 9293-MUST-5 5482-06 6994-01 */
static void test_unknown_options(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        if (kind <= 5 || kind == 8)
            continue;
        for (size_t length = 2; length <= 28; length++) {
            uint8_t options[40] = {(uint8_t)kind, (uint8_t)length};
            static const uint8_t behind[] = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0};
            memset(options + 2, 0x02, length - 2); /* looks like an option if it is read as one */
            if (kind >= 253 && length >= 6)        /* RFC 6994: identifiers nobody here knows */
                store_be32(options + 2, 0xf989e5e6);
            memcpy(options + length, behind, sizeof behind);
            uint8_t flags = flag_sets[(kind + length) % COUNT_OF(flag_sets)];
            struct segment seg;
            assert_int_equal(parse_options(flags, options, length + sizeof behind, &seg),
                             TCP_PARSE_OK);
            assert_int_equal(seg.options, TCP_OPT_TIMESTAMPS);
            assert_int_equal(seg.ts_val, 1);
            assert_int_equal(seg.ts_ecr, 2);
        }
    }
}

/* The right length of a known kind, by the RFCs; 0 for the others. */
static bool length_fits(unsigned kind, unsigned length)
{
    switch (kind) {
    case 2:
        return length == 4;
    case 3:
        return length == 3;
    case 4:
        return length == 2;
    case 5:
        return length == 10 || length == 18 || length == 26 || length == 34;
    case 8:
        return length == 10;
    default:
        return true;
    }
}

/* Every kind with every length in front of every room: 0, 1 and what leaves the header is
 * refused, and so is a known kind's wrong length; nothing outside the header is read, and the
 * walk ends. */
/* EVIDENCE 9293-MUST-7 */
static void test_illegal_lengths(void **state)
{
    (void)state;
    for (size_t room = 4; room <= 40; room += 4) {
        for (size_t at = 0; at < room; at++) {
            for (unsigned kind = 2; kind < 12; kind++) {
                for (unsigned length = 0; length < 48; length++) {
                    uint8_t options[40];
                    struct segment seg;
                    memset(options, 1, sizeof options); /* NOPs before and behind */
                    options[at] = (uint8_t)kind;
                    if (at + 1 < room)
                        options[at + 1] = (uint8_t)length;
                    bool good = at + 1 < room && length >= 2 && length <= room - at &&
                                length_fits(kind, length);
                    uint8_t flags = length % 2 == 0 ? TCP_SYN : TCP_ACK;
                    assert_int_equal(parse_options(flags, options, room, &seg),
                                     good ? TCP_PARSE_OK : TCP_PARSE_BAD_OPTIONS);
                }
            }
        }
    }
}

/* MSS, window scale and SACK-permitted mean something on SYN only; timestamps and SACK wherever
 * they stand. */
/* EVIDENCE 7323-03 */
static void test_syn_only_options(void **state)
{
    (void)state;
    static const uint8_t list[] = {2, 4, 5, 0xb4, 3, 3, 9,  4, 2, 1, 1, 8, 10, 0, 0, 0,
                                   1, 0, 0, 0,    2, 5, 10, 0, 0, 0, 3, 0, 0,  0, 4};

    for (size_t i = 0; i < COUNT_OF(flag_sets); i++) {
        bool syn = (flag_sets[i] & TCP_SYN) != 0;
        struct segment seg;
        assert_int_equal(parse_options(flag_sets[i], list, sizeof list, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.options, syn ? ALL_OPTIONS : TCP_OPT_TIMESTAMPS | TCP_OPT_SACK);
        assert_int_equal(seg.wscale, syn ? 9 : 0);
        assert_int_equal(seg.mss, syn ? 1460 : 0);
    }
}

static void test_sack_blocks(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 4; count++) {
        uint8_t options[40] = {1, 5, (uint8_t)(8 * count + 2)};
        struct segment seg;
        for (uint32_t i = 0; i < 2 * count; i++)
            store_be32(options + 3 + 4 * i, 0xfffffff0 + 5 * i);
        assert_int_equal(parse_options(TCP_ACK, options, 3 + 8 * count, &seg), TCP_PARSE_OK);
        assert_int_equal(seg.options, TCP_OPT_SACK);
        assert_int_equal(seg.sack_count, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(seg.sack[i].left.v, 0xfffffff0 + 10 * i);
            assert_int_equal(seg.sack[i].right.v, 0xfffffff0 + 10 * i + 5);
        }
    }
}

/* Reads options as strictly as the RFCs allow: a sound list of kinds that may stand in a segment
 * with these flags, each once, padded with NOP or EOL, and after EOL zeros only. Returns the
 * kinds as bits. */
static unsigned read_strictly(const uint8_t *p, size_t n, bool syn)
{
    unsigned seen = 0;

    for (size_t at = 0; at < n;) {
        if (p[at] == 0) {
            for (; at < n; at++)
                assert_int_equal(p[at], 0);
            break;
        }
        if (p[at] == 1) {
            at++;
            continue;
        }
        assert_true(at + 1 < n);
        unsigned kind = p[at], length = p[at + 1];
        assert_true(length >= 2 && length <= n - at);
        assert_true(kind <= 8 && kind != 6 && kind != 7);
        assert_true(length_fits(kind, length));
        assert_int_equal(seen & (1u << kind), 0);
        assert_true(kind == 8 || syn == (kind != 5));
        seen |= 1u << kind;
        at += length;
    }
    return seen;
}

static struct segment sample(uint8_t flags, unsigned options, unsigned sack_count, uint64_t seed)
{
    struct segment s = {0};
    struct prng prng;

    prng_init(&prng, seed);
    s.seq = seq_of((uint32_t)prng_next(&prng));
    s.ack = seq_of((uint32_t)prng_next(&prng));
    s.src_port = (uint16_t)prng_next(&prng);
    s.dst_port = (uint16_t)prng_next(&prng);
    s.wnd = (uint16_t)prng_next(&prng);
    s.up = (uint16_t)prng_next(&prng);
    s.flags = flags;
    s.reserved = 0x0f; /* must not get out */
    s.options = (uint8_t)options;
    s.wscale = (uint8_t)prng_below(&prng, 15);
    s.mss = (uint16_t)prng_next(&prng);
    s.sack_count = (uint8_t)sack_count;
    s.ts_val = (uint32_t)prng_next(&prng);
    s.ts_ecr = (uint32_t)prng_next(&prng);
    for (size_t i = 0; i < TCP_SACK_BLOCKS_MAX; i++) {
        s.sack[i].left = seq_of((uint32_t)prng_next(&prng));
        s.sack[i].right = seq_of((uint32_t)prng_next(&prng));
    }
    return s;
}

/* What reading back the written header must give. */
static struct segment expected_back(struct segment s)
{
    bool syn = (s.flags & TCP_SYN) != 0;
    unsigned blocks_max = s.options & TCP_OPT_TIMESTAMPS ? 3 : 4;

    s.options &= syn ? ALL_OPTIONS & ~TCP_OPT_SACK : TCP_OPT_TIMESTAMPS | TCP_OPT_SACK;
    if (s.sack_count > blocks_max)
        s.sack_count = (uint8_t)blocks_max;
    if (s.sack_count == 0)
        s.options &= (uint8_t)~TCP_OPT_SACK;
    if (!(s.options & TCP_OPT_SACK))
        s.sack_count = 0;
    for (size_t i = s.sack_count; i < TCP_SACK_BLOCKS_MAX; i++)
        s.sack[i] = (struct sack_block){{0}, {0}};
    if (!(s.options & TCP_OPT_MSS))
        s.mss = 0;
    if (!(s.options & TCP_OPT_WSCALE))
        s.wscale = 0;
    if (!(s.options & TCP_OPT_TIMESTAMPS))
        s.ts_val = s.ts_ecr = 0;
    if (!(s.flags & TCP_URG))
        s.up = 0;
    s.reserved = 0;
    s.len = (uint32_t)syn + ((s.flags & TCP_FIN) != 0);
    return s;
}

static void check_round_trip(uint8_t flags, unsigned options, unsigned blocks, uint64_t seed)
{
    bool syn = (flags & TCP_SYN) != 0;
    struct segment s = sample(flags, options, blocks, seed), want = expected_back(s), got;
    uint8_t out[TCP_HEADER_MAX];

    memset(out, 0xee, sizeof out);
    uint32_t n = tcp_emit_header(&s, out);
    assert_int_equal(n, tcp_header_bytes(&s));
    assert_true(n % 4 == 0 && n >= TCP_HEADER_MIN && n <= TCP_HEADER_MAX);
    for (size_t i = n; i < sizeof out; i++)
        assert_int_equal(out[i], 0xee);
    assert_int_equal(load_be16(out + 16), 0);
    unsigned kinds = read_strictly(out + TCP_HEADER_MIN, n - TCP_HEADER_MIN, syn);
    assert_int_equal((kinds >> 2) & 1, (want.options & TCP_OPT_MSS) != 0);
    assert_int_equal((kinds >> 3) & 1, (want.options & TCP_OPT_WSCALE) != 0);
    assert_int_equal((kinds >> 4) & 1, (want.options & TCP_OPT_SACK_PERMITTED) != 0);
    assert_int_equal((kinds >> 5) & 1, (want.options & TCP_OPT_SACK) != 0);
    assert_int_equal((kinds >> 8) & 1, (want.options & TCP_OPT_TIMESTAMPS) != 0);

    uint8_t *p = exact_copy(out, n);
    tcp_emit_checksum(p, checksum_add(12345, checksum_sum(p, n)));
    assert_int_equal(tcp_parse(p, n, 12345, true, &got), TCP_PARSE_OK);
    want.text = p + n;
    assert_same(&got, &want);
    free(p);
}

/* Every set of flags, of options and of SACK blocks: written, read strictly and read back. No
 * MSS and no SACK-permitted outside SYN; 4 blocks of SACK at most, 3 beside timestamps. */
/* EVIDENCE 9293-MUST-65 9293-MUST-68 9293-MUST-69 2018-01 2018-07 */
static void test_every_layout(void **state)
{
    (void)state;
    uint64_t seed = 1;

    for (unsigned flags = 0; flags < 256; flags++)
        for (unsigned options = 0; options <= ALL_OPTIONS; options++)
            for (unsigned blocks = 0; blocks <= TCP_SACK_BLOCKS_MAX; blocks++)
                check_round_trip((uint8_t)flags, options, blocks, seed++);
}

/* The bytes themselves, as Linux sends them; timestamps stand behind two NOPs and fill 12 bytes. */
/* EVIDENCE 7323-34 */
static void test_exact_layouts(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        unsigned options;
        unsigned blocks;
        const char *hex;
    } rows[] = {
        {TCP_SYN, TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS | TCP_OPT_WSCALE, 0,
         "020405b4 0402080a 0a0b0c0d 01020304 01030307"},
        {TCP_SYN | TCP_ACK, TCP_OPT_MSS | TCP_OPT_TIMESTAMPS | TCP_OPT_WSCALE, 0,
         "020405b4 0101080a 0a0b0c0d 01020304 01030307"},
        {TCP_SYN, TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_WSCALE, 0,
         "020405b4 01010402 01030307"},
        {TCP_SYN, TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED, 0, "020405b4 01010402"},
        {TCP_SYN, TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS, 0,
         "020405b4 0402080a 0a0b0c0d 01020304"},
        {TCP_SYN, TCP_OPT_MSS | TCP_OPT_WSCALE, 0, "020405b4 01030307"},
        {TCP_SYN, TCP_OPT_MSS, 0, "020405b4"},
        {TCP_ACK, TCP_OPT_TIMESTAMPS, 0, "0101080a 0a0b0c0d 01020304"},
        {TCP_ACK, TCP_OPT_SACK, 1, "0101050a 00000010 00000020"},
        {TCP_ACK, TCP_OPT_TIMESTAMPS | TCP_OPT_SACK, 4,
         "0101080a 0a0b0c0d 01020304 0101051a 00000010 00000020 00000030 00000040 00000050 "
         "00000060"},
        {TCP_ACK, TCP_OPT_SACK, 4,
         "01010522 00000010 00000020 00000030 00000040 00000050 00000060 00000070 00000080"},
        {TCP_ACK, TCP_OPT_SACK, 0, ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct segment s = {
            .flags = rows[i].flags,
            .options = (uint8_t)rows[i].options,
            .mss = 1460,
            .wscale = 7,
            .ts_val = 0x0a0b0c0d,
            .ts_ecr = 0x01020304,
            .sack_count = (uint8_t)rows[i].blocks,
            .sack = {{{0x10}, {0x20}}, {{0x30}, {0x40}}, {{0x50}, {0x60}}, {{0x70}, {0x80}}}};
        uint8_t out[TCP_HEADER_MAX], want[FRAME_MAX];
        size_t n = frame_of_hex(rows[i].hex, want);
        assert_int_equal(tcp_emit_header(&s, out), TCP_HEADER_MIN + n);
        assert_memory_equal(out + TCP_HEADER_MIN, want, n);
    }
}

/* A segment that came from elsewhere is written again byte by byte. */
static void test_same_bytes_again(void **state)
{
    (void)state;
    static const char *const names[] = {"v4_syn", "v4_syn_ack", "v4_data", "v4_sack", "v4_fin",
                                        "v4_rst", "v4_urgent",  "v6_syn",  "v6_data"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint8_t frame[FRAME_MAX], out[TCP_HEADER_MAX];
        size_t n = frame_take(names[i], frame);
        struct ip_packet ip;
        struct segment seg;
        assert_int_equal(ip_parse(frame + 14, n - 14, &ip), IP_PARSE_OK);
        uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, ip.protocol, ip.payload_len);
        assert_int_equal(tcp_parse(ip.payload, ip.payload_len, pseudo, true, &seg), TCP_PARSE_OK);
        uint32_t bytes = tcp_emit_header(&seg, out);
        uint32_t sum = checksum_add(checksum_sum(out, bytes), checksum_sum(seg.text, seg.text_len));
        tcp_emit_checksum(out, checksum_add(pseudo, sum));
        assert_int_equal(bytes, ip.payload_len - seg.text_len);
        assert_memory_equal(out, ip.payload, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),           cmocka_unit_test(test_reserved_bits),
        cmocka_unit_test(test_data_offset),      cmocka_unit_test(test_checksum_verified),
        cmocka_unit_test(test_eol_nop_mss),      cmocka_unit_test(test_unaligned_options),
        cmocka_unit_test(test_unknown_options),  cmocka_unit_test(test_illegal_lengths),
        cmocka_unit_test(test_syn_only_options), cmocka_unit_test(test_sack_blocks),
        cmocka_unit_test(test_every_layout),     cmocka_unit_test(test_exact_layouts),
        cmocka_unit_test(test_same_bytes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
