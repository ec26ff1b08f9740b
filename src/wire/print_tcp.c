/* SPDX-License-Identifier: MIT */
/* The TCP part of a printed packet: flags, absolute sequence numbers, window, options as they
 * stand. */
#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/print_impl.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

static void print_flags(struct text *t, uint8_t flags)
{
    static const struct {
        uint8_t bit;
        char letter;
    } letters[] = {
        {TCP_FIN, 'F'}, {TCP_SYN, 'S'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
        {TCP_ACK, '.'}, {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'},
    };

    text_string(t, ": Flags [");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (flags & letters[i].bit)
            text_char(t, letters[i].letter);
    text_string(t, flags == 0 ? "none]" : "]");
}

static bool print_sack(struct text *t, const uint8_t *p, uint32_t length)
{
    uint32_t count = (length - 2) / 8;

    if (length != 8 * count + 2 || count == 0)
        return false;
    text_field(t, "sack ", count);
    text_char(t, ' ');
    for (uint32_t i = 0; i < count; i++) {
        text_field(t, "{", load_be32(p + 2 + 8 * i));
        text_field(t, ":", load_be32(p + 6 + 8 * i));
        text_char(t, '}');
    }
    return true;
}

/* One option of `length` bytes, all of them there. False when its length is not its kind's. */
static bool print_option(struct text *t, const uint8_t *p, uint32_t length)
{
    switch (p[0]) {
    case TCP_KIND_MSS:
        if (length != TCP_LENGTH_MSS)
            return false;
        text_field(t, "mss ", load_be16(p + 2));
        return true;
    case TCP_KIND_WSCALE:
        if (length != TCP_LENGTH_WSCALE)
            return false;
        text_field(t, "wscale ", p[2]);
        return true;
    case TCP_KIND_SACK_PERMITTED:
        if (length != TCP_LENGTH_SACK_PERMITTED)
            return false;
        text_string(t, "sackOK");
        return true;
    case TCP_KIND_SACK:
        return print_sack(t, p, length);
    case TCP_KIND_TIMESTAMPS:
        if (length != TCP_LENGTH_TIMESTAMPS)
            return false;
        text_field(t, "TS val ", load_be32(p + 2));
        text_field(t, " ecr ", load_be32(p + 6));
        return true;
    default:
        text_field(t, "unknown-", p[0]);
        return true;
    }
}

/* The options as they stand in the header, also those that a segment of its kind may not carry. */
static void print_options(struct text *t, const uint8_t *p, uint32_t n)
{
    const char *separator = ", options [";
    uint32_t at = 0;

    if (n == 0)
        return;
    while (at < n) {
        uint32_t length = 1;
        text_string(t, separator);
        separator = ",";
        if (p[at] == TCP_KIND_END) {
            text_string(t, "eol");
            break;
        }
        if (p[at] == TCP_KIND_NOP) {
            text_string(t, "nop");
        } else {
            length = n - at >= 2 ? p[at + 1] : 0;
            if (length < 2 || length > n - at || !print_option(t, p + at, length)) {
                text_string(t, "bad opt");
                break;
            }
        }
        at += length;
    }
    text_char(t, ']');
}

static void print_numbers(struct text *t, const struct segment *seg)
{
    if (seg->text_len > 0 || (seg->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
        text_field(t, ", seq ", seg->seq.v);
    if (seg->text_len > 0)
        text_field(t, ":", seq_add(seg->seq, seg->text_len).v);
    if (seg->flags & TCP_ACK)
        text_field(t, ", ack ", seg->ack.v);
    text_field(t, ", win ", seg->wnd);
    if (seg->flags & TCP_URG)
        text_field(t, ", urg ", seg->up);
}

void print_tcp(struct text *t, const struct ip_packet *ip)
{
    uint32_t pseudo = checksum_pseudo(&ip->src, &ip->dst, IP_PROTO_TCP, ip->payload_len);
    struct segment seg;
    enum tcp_parse verdict = tcp_parse(ip->payload, ip->payload_len, pseudo, true, &seg);

    text_char(t, ' ');
    print_endpoint(t, &ip->src, seg.src_port);
    text_string(t, " > ");
    print_endpoint(t, &ip->dst, seg.dst_port);
    if (verdict == TCP_PARSE_SHORT) {
        text_field(t, ": TCP, truncated, length ", ip->payload_len);
        return;
    }
    print_flags(t, seg.flags);
    print_numbers(t, &seg);
    print_options(t, ip->payload + TCP_HEADER_MIN, ip->payload_len - seg.text_len - TCP_HEADER_MIN);
    text_field(t, ", length ", seg.text_len);
    if (verdict == TCP_PARSE_CHECKSUM)
        text_string(t, ", bad checksum");
}
