/* SPDX-License-Identifier: MIT */
/* TCP header and options (RFC 9293 3.1, 3.2; RFC 2018; RFC 7323): bytes to `struct segment` and
 * back. */
#ifndef HAWSER_WIRE_TCP_H
#define HAWSER_WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/seq.h"

#define TCP_HEADER_MIN 20u
#define TCP_HEADER_MAX 60u
#define TCP_SACK_BLOCKS_MAX 4u

/* Control bits of octet 13. */
#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define TCP_ECE 0x40u
#define TCP_CWR 0x80u

/* Which options a segment carries. */
#define TCP_OPT_MSS 0x01u
#define TCP_OPT_WSCALE 0x02u
#define TCP_OPT_SACK_PERMITTED 0x04u
#define TCP_OPT_TIMESTAMPS 0x08u
#define TCP_OPT_SACK 0x10u

struct sack_block {
    seq_t left;  /* first sequence number of the block */
    seq_t right; /* the one behind its last */
};

/* SEG.* of RFC 9293. Fields in host order. An option's fields mean something only when its bit
 * stands in `options`. */
struct segment {
    seq_t seq, ack;
    const uint8_t *text; /* points into the frame */
    uint32_t text_len;   /* data octets */
    uint32_t len;        /* SEG.LEN: text, plus one each for SYN and FIN */
    uint16_t src_port, dst_port;
    uint16_t wnd; /* as in the header, unscaled (RFC9293 MUST-1: unsigned) */
    uint16_t up;  /* as in the header; means something with TCP_URG only (RFC9293 3.1-2) */
    uint8_t flags;
    uint8_t reserved; /* the low 4 bits of octet 12: ignored on receipt (RFC9293 3.1-1) */
    uint8_t options;
    uint8_t wscale; /* as received, not yet limited to 14 */
    uint16_t mss;
    uint8_t sack_count; /* 1..4 with TCP_OPT_SACK */
    uint32_t ts_val, ts_ecr;
    struct sack_block sack[TCP_SACK_BLOCKS_MAX];
};

enum tcp_parse {
    TCP_PARSE_OK,
    TCP_PARSE_SHORT, /* fewer bytes than the header says, or data offset below 5 */
    TCP_PARSE_CHECKSUM,
    TCP_PARSE_BAD_OPTIONS, /* a length of 0, 1, past the header's end, or not the kind's own */
};

/* Reads n bytes of a TCP message. pseudo is checksum_pseudo() of its addresses; verify false
 * when the link vouches for the checksum. A known kind with a wrong length, or any length that
 * leaves the header, is TCP_PARSE_BAD_OPTIONS (RFC9293 MUST-7: the segment is dropped); unknown
 * kinds are skipped by their length (RFC9293 MUST-6). MSS, window scale and SACK-permitted are
 * taken from SYN segments only. Of an option that stands twice the last one counts, as in Linux.
 * On anything but TCP_PARSE_OK, `seg` holds what was understood (ports when n >= 4, else 0).
 * Sequence numbers, edges of SACK blocks and option values are not judged here: any may be
 * nonsense. */
enum tcp_parse tcp_parse(const uint8_t *p, size_t n, uint32_t pseudo, bool verify,
                         struct segment *seg);

/* Bytes of header that tcp_emit_header writes for these options, a multiple of 4. SACK blocks
 * that do not fit are left out: 4 fit, 3 beside timestamps. */
uint32_t tcp_header_bytes(const struct segment *seg);

/* Writes header and options, checksum field 0, in Linux's order and padding: on SYN: MSS, SACK
 * permitted, timestamps, NOP, window scale (without timestamps MSS, NOP NOP SACK permitted, NOP
 * window scale); elsewhere NOP NOP timestamps, NOP NOP SACK. Bits in `options` that do not
 * belong there are ignored: MSS, window scale and SACK permitted without SYN (RFC9293 MUST-65,
 * RFC2018 01), SACK with it. `up` is written with TCP_URG only, `reserved` never. Returns
 * tcp_header_bytes(seg). out has room for TCP_HEADER_MAX bytes. `text` is not copied. */
uint32_t tcp_emit_header(const struct segment *seg, uint8_t *out);

/* Sets the checksum field: sum is checksum_pseudo plus checksum_sum over the whole message with the
 * field 0. */
void tcp_emit_checksum(uint8_t *header, uint32_t sum);

#endif
