/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as the options of a TCP header. An independent reading must agree, and
 * what is written again must be read as the same. */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "wire/tcp.h"

/* RFC 9293 3.2 once more, in the plainest way: what a list of options says. */
struct reading {
    bool bad;
    uint8_t options, wscale, sack_count;
    uint16_t mss;
    uint32_t ts_val, ts_ecr, edges[2 * TCP_SACK_BLOCKS_MAX];
};

/* The length that a kind must have; 0 = any from 2. */
static unsigned own_length(uint8_t kind)
{
    static const uint8_t lengths[] = {[2] = 4, [3] = 3, [4] = 2, [8] = 10};
    return kind < COUNT_OF(lengths) ? lengths[kind] : 0;
}

static void read_one(const uint8_t *p, unsigned length, bool syn, struct reading *r)
{
    switch (p[0]) {
    case 2:
        if (syn) {
            r->options |= TCP_OPT_MSS;
            r->mss = (uint16_t)(p[2] << 8 | p[3]);
        }
        break;
    case 3:
        if (syn) {
            r->options |= TCP_OPT_WSCALE;
            r->wscale = p[2];
        }
        break;
    case 4:
        r->options |= syn ? TCP_OPT_SACK_PERMITTED : 0;
        break;
    case 5:
        if (length < 10 || length > 34 || length % 8 != 2) {
            r->bad = true;
            break;
        }
        r->options |= TCP_OPT_SACK;
        r->sack_count = (uint8_t)((length - 2) / 8);
        for (unsigned i = 0; i < 2u * r->sack_count; i++)
            r->edges[i] = load_be32(p + 2 + 4 * i);
        break;
    case 8:
        r->options |= TCP_OPT_TIMESTAMPS;
        r->ts_val = load_be32(p + 2);
        r->ts_ecr = load_be32(p + 6);
        break;
    default:
        break;
    }
}

static struct reading read_plainly(const uint8_t *p, unsigned n, bool syn)
{
    struct reading r = {0};
    for (unsigned i = 0; i < n && p[i] != 0 && !r.bad;) {
        if (p[i] == 1) {
            i++;
            continue;
        }
        unsigned length = i + 1 < n ? p[i + 1] : 0, own = own_length(p[i]);
        r.bad = length < 2 || length > n - i || (own != 0 && length != own);
        if (!r.bad)
            read_one(p + i, length, syn, &r);
        i += length;
    }
    return r;
}

static void compare(const struct reading *r, const struct segment *seg)
{
    REQUIRE(seg->options == r->options);
    REQUIRE(!(r->options & TCP_OPT_MSS) || seg->mss == r->mss);
    REQUIRE(!(r->options & TCP_OPT_WSCALE) || seg->wscale == r->wscale);
    if (r->options & TCP_OPT_TIMESTAMPS)
        REQUIRE(seg->ts_val == r->ts_val && seg->ts_ecr == r->ts_ecr);
    if (!(r->options & TCP_OPT_SACK))
        return;
    REQUIRE(seg->sack_count == r->sack_count);
    for (unsigned i = 0; i < r->sack_count; i++) {
        REQUIRE(seg->sack[i].left.v == r->edges[2 * i]);
        REQUIRE(seg->sack[i].right.v == r->edges[2 * i + 1]);
    }
}

/* What is written of a segment is read as the same, as far as it belongs there and fits. */
static void write_again(const struct segment *seg)
{
    uint8_t out[TCP_HEADER_MAX];
    struct segment again;
    uint32_t n = tcp_emit_header(seg, out);
    REQUIRE(n == tcp_header_bytes(seg) && n % 4 == 0 && n <= TCP_HEADER_MAX);
    REQUIRE(tcp_parse(out, n, 0, false, &again) == TCP_PARSE_OK);
    bool syn = seg->flags & TCP_SYN;
    uint8_t belong = syn ? (uint8_t)~TCP_OPT_SACK : TCP_OPT_SACK | TCP_OPT_TIMESTAMPS;
    REQUIRE(again.options == (seg->options & belong));
    REQUIRE(again.flags == seg->flags && again.wnd == seg->wnd);
    if (again.options & TCP_OPT_SACK) {
        uint8_t most = again.options & TCP_OPT_TIMESTAMPS ? 3 : 4;
        REQUIRE(again.sack_count == (seg->sack_count < most ? seg->sack_count : most));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t header[TCP_HEADER_MAX] = {0};
    unsigned n = size - 1 < 40 ? (unsigned)(size - 1) : 40, padded = (n + 3) / 4 * 4;
    bool syn = data[0] & 1;
    memcpy(header + TCP_HEADER_MIN, data + 1, n);
    header[12] = (uint8_t)((TCP_HEADER_MIN + padded) / 4 << 4);
    header[13] = (uint8_t)(TCP_ACK | (syn ? TCP_SYN : 0) | (data[0] & 0xc8));
    uint8_t *exact = malloc(TCP_HEADER_MIN + padded);
    REQUIRE(exact != NULL);
    memcpy(exact, header, TCP_HEADER_MIN + padded);

    struct segment seg;
    enum tcp_parse verdict = tcp_parse(exact, TCP_HEADER_MIN + padded, 0, false, &seg);
    struct reading plain = read_plainly(header + TCP_HEADER_MIN, padded, syn);
    REQUIRE(verdict == TCP_PARSE_OK || verdict == TCP_PARSE_BAD_OPTIONS);
    REQUIRE((verdict == TCP_PARSE_BAD_OPTIONS) == plain.bad);
    if (!plain.bad) {
        compare(&plain, &seg);
        write_again(&seg);
    }
    free(exact);
    return 0;
}
