/* SPDX-License-Identifier: MIT */
/* TCP header and options (RFC 9293 3.1, 3.2; RFC 2018; RFC 7323): bytes to structs and back. */
#include "wire/tcp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hot.h"
#include "wire/checksum.h"
#include "wire/tcp_options.h"

#define CHECKSUM_AT 16u

/* The options of nearly every segment of a connection that uses timestamps (RFC7323 34). */
#define NOP_NOP_TIMESTAMPS                                                                         \
    ((TCP_KIND_NOP << 24) | (TCP_KIND_NOP << 16) | (TCP_KIND_TIMESTAMPS << 8) |                    \
     TCP_LENGTH_TIMESTAMPS)

#define SYN_OPTIONS (TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS)
#define OTHER_OPTIONS (TCP_OPT_TIMESTAMPS | TCP_OPT_SACK)

static void take_timestamps(const uint8_t *p, struct segment *seg)
{
    seg->options |= TCP_OPT_TIMESTAMPS;
    seg->ts_val = load_be32(p);
    seg->ts_ecr = load_be32(p + 4);
}

static bool parse_sack(const uint8_t *p, uint32_t length, struct segment *seg)
{
    uint32_t count = (length - 2) / 8;

    if (length != 8 * count + 2 || count < 1 || count > TCP_SACK_BLOCKS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        seg->sack[i].left = seq_of(load_be32(p + 2 + 8 * i));
        seg->sack[i].right = seq_of(load_be32(p + 6 + 8 * i));
    }
    seg->sack_count = (uint8_t)count;
    seg->options |= TCP_OPT_SACK;
    return true;
}

/* One option of `length` bytes, all of them there. False: the length is not the kind's own. */
static bool parse_option(const uint8_t *p, uint32_t length, struct segment *seg)
{
    bool syn = (seg->flags & TCP_SYN) != 0;

    switch (p[0]) {
    case TCP_KIND_MSS: /* RFC9293 MUST-4 */
        if (length != TCP_LENGTH_MSS)
            return false;
        if (syn) {
            seg->mss = load_be16(p + 2);
            seg->options |= TCP_OPT_MSS;
        }
        return true;
    case TCP_KIND_WSCALE:
        if (length != TCP_LENGTH_WSCALE)
            return false;
        if (syn) { /* RFC7323 03 */
            seg->wscale = p[2];
            seg->options |= TCP_OPT_WSCALE;
        }
        return true;
    case TCP_KIND_SACK_PERMITTED:
        if (length != TCP_LENGTH_SACK_PERMITTED)
            return false;
        if (syn) /* RFC2018 01 */
            seg->options |= TCP_OPT_SACK_PERMITTED;
        return true;
    case TCP_KIND_SACK:
        return parse_sack(p, length, seg);
    case TCP_KIND_TIMESTAMPS:
        if (length != TCP_LENGTH_TIMESTAMPS)
            return false;
        take_timestamps(p + 2, seg);
        return true;
    default: /* RFC9293 MUST-6, RFC5482 06, RFC6994 01 */
        return true;
    }
}

/* RFC9293 MUST-64: an option may stand at any byte, so nothing here is aligned. */
static enum tcp_parse parse_options(const uint8_t *p, uint32_t n, struct segment *seg)
{
    for (uint32_t at = 0; at < n;) {
        uint32_t length;
        if (p[at] == TCP_KIND_END)
            break; /* what follows is padding */
        if (p[at] == TCP_KIND_NOP) {
            at++;
            continue;
        }
        /* RFC9293 MUST-68: every other kind has a length. RFC9293 MUST-7: a wrong one is fatal for
         * the segment, since nobody can tell where the next option begins. */
        if (n - at < 2)
            return TCP_PARSE_BAD_OPTIONS;
        length = p[at + 1];
        if (length < 2 || length > n - at || !parse_option(p + at, length, seg))
            return TCP_PARSE_BAD_OPTIONS;
        at += length;
    }
    return TCP_PARSE_OK;
}

/* Everything but the options; p has TCP_HEADER_MIN bytes. */
static void take_header(const uint8_t *p, struct segment *seg)
{
    seg->seq = seq_of(load_be32(p + 4));
    seg->ack = seq_of(load_be32(p + 8));
    seg->reserved = p[12] & 0x0f;
    seg->flags = p[13];
    seg->wnd = load_be16(p + 14);
    seg->up = load_be16(p + 18);
}

/* Options are looked at on every segment, whatever its flags (RFC9293 MUST-5). */
enum tcp_parse tcp_parse(const uint8_t *p, size_t n, uint32_t pseudo, bool verify,
                         struct segment *seg)
{
    uint32_t header;

    *seg = (struct segment){0};
    if (n >= 4) {
        seg->src_port = load_be16(p);
        seg->dst_port = load_be16(p + 2);
    }
    if (n < TCP_HEADER_MIN)
        return TCP_PARSE_SHORT;
    take_header(p, seg);
    header = 4u * (p[12] >> 4);
    if (header < TCP_HEADER_MIN || header > n) /* RFC9293 3.1-4 */
        return TCP_PARSE_SHORT;
    seg->text = p + header;
    seg->text_len = (uint32_t)(n - header);
    seg->len = seg->text_len + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
    if (verify && checksum_fold(checksum_add(pseudo, checksum_sum(p, n))) != 0xffff)
        return TCP_PARSE_CHECKSUM; /* RFC9293 MUST-3 */
    if (header == TCP_HEADER_MIN)
        return TCP_PARSE_OK;
    if (header == TCP_HEADER_MIN + 12 && load_be32(p + TCP_HEADER_MIN) == NOP_NOP_TIMESTAMPS) {
        take_timestamps(p + TCP_HEADER_MIN + 4, seg);
        return TCP_PARSE_OK;
    }
    return parse_options(p + TCP_HEADER_MIN, header - TCP_HEADER_MIN, seg);
}

/* The options that go into this segment, of those that are wished for. */
static uint8_t options_to_emit(const struct segment *seg)
{
    uint8_t options = seg->options & ((seg->flags & TCP_SYN) ? SYN_OPTIONS : OTHER_OPTIONS);

    return seg->sack_count > 0 ? options : options & (uint8_t)~TCP_OPT_SACK;
}

/* RFC2018 07 */
static uint32_t sack_blocks_to_emit(const struct segment *seg, uint8_t options)
{
    uint32_t max = TCP_SACK_BLOCKS_MAX - ((options & TCP_OPT_TIMESTAMPS) != 0);

    return seg->sack_count < max ? seg->sack_count : max;
}

HOT uint32_t tcp_header_bytes(const struct segment *seg)
{
    uint8_t options = options_to_emit(seg);
    uint32_t bytes = TCP_HEADER_MIN;

    if (options & TCP_OPT_MSS)
        bytes += 4;
    if (options & TCP_OPT_TIMESTAMPS)
        bytes += 12; /* SACK permitted, if it is there, takes the place of the two NOPs */
    else if (options & TCP_OPT_SACK_PERMITTED)
        bytes += 4;
    if (options & TCP_OPT_WSCALE)
        bytes += 4;
    if (options & TCP_OPT_SACK)
        bytes += 4 + 8 * sack_blocks_to_emit(seg, options);
    return bytes;
}

static uint8_t *emit_word(uint8_t *out, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    store_be32(out, (a << 24) | (b << 16) | (c << 8) | d);
    return out + 4;
}

/* Every option is padded to a word with NOPs in front, so that no header ends in padding
 * (RFC9293 MUST-69) and values lie aligned. */
static uint8_t *emit_options(const struct segment *seg, uint8_t options, uint8_t *out)
{
    if (options & TCP_OPT_MSS)
        out = emit_word(out, TCP_KIND_MSS, TCP_LENGTH_MSS, seg->mss >> 8, seg->mss & 0xff);
    if (options & TCP_OPT_SACK_PERMITTED) {
        if (options & TCP_OPT_TIMESTAMPS)
            out = emit_word(out, TCP_KIND_SACK_PERMITTED, TCP_LENGTH_SACK_PERMITTED,
                            TCP_KIND_TIMESTAMPS, TCP_LENGTH_TIMESTAMPS);
        else
            out = emit_word(out, TCP_KIND_NOP, TCP_KIND_NOP, TCP_KIND_SACK_PERMITTED,
                            TCP_LENGTH_SACK_PERMITTED);
    } else if (options & TCP_OPT_TIMESTAMPS) {
        store_be32(out, NOP_NOP_TIMESTAMPS);
        out += 4;
    }
    if (options & TCP_OPT_TIMESTAMPS) {
        store_be32(out, seg->ts_val);
        store_be32(out + 4, seg->ts_ecr);
        out += 8;
    }
    if (options & TCP_OPT_WSCALE)
        out = emit_word(out, TCP_KIND_NOP, TCP_KIND_WSCALE, TCP_LENGTH_WSCALE, seg->wscale);
    if (options & TCP_OPT_SACK) {
        uint32_t count = sack_blocks_to_emit(seg, options);
        out = emit_word(out, TCP_KIND_NOP, TCP_KIND_NOP, TCP_KIND_SACK, 8 * count + 2);
        for (uint32_t i = 0; i < count; i++, out += 8) {
            store_be32(out, seg->sack[i].left.v);
            store_be32(out + 4, seg->sack[i].right.v);
        }
    }
    return out;
}

/* Eight bytes by one store: the caller sums the header next, by loads of eight bytes that would
 * have to wait for anything narrower to reach the cache. */
static void store_pair(uint8_t *out, uint32_t a, uint32_t b)
{
    uint64_t v = ((uint64_t)a << 32) | b;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(out, &v, sizeof v);
}

uint32_t tcp_emit_header(const struct segment *seg, uint8_t *out)
{
    uint8_t options = options_to_emit(seg);
    uint32_t urgent =
        (seg->flags & TCP_URG) ? seg->up : 0; /* and a checksum field of 0 before it */
    uint32_t bytes = TCP_HEADER_MIN + 12;

    if (options == TCP_OPT_TIMESTAMPS) {
        store_pair(out + 16, urgent, NOP_NOP_TIMESTAMPS);
        store_pair(out + 24, seg->ts_val, seg->ts_ecr);
    } else {
        store_be32(out + 16, urgent);
        bytes = (uint32_t)(emit_options(seg, options, out + TCP_HEADER_MIN) - out);
    }
    store_pair(out, ((uint32_t)seg->src_port << 16) | seg->dst_port, seg->seq.v);
    /* RFC9293 3.1-1: the reserved bits behind the data offset are 0 */
    store_pair(out + 8, seg->ack.v, (bytes / 4 << 28) | ((uint32_t)seg->flags << 16) | seg->wnd);
    return bytes;
}

void tcp_emit_checksum(uint8_t *header, uint32_t sum)
{
    store_be16(header + CHECKSUM_AT, checksum_finish(sum));
}
