/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers (RFC 6528, RFC 9293 3.4.1) and timestamp offsets (RFC 7323 5.4). */
#ifndef HAWSER_TCP_ISN_H
#define HAWSER_TCP_ISN_H

#include "tcp/tcb.h"

/* The 4-tuple as bytes: opaque here. Same tuple, same bytes; local end first. */
struct tuple_bytes {
    uint8_t b[36];
};

/* F(tuple, secret): SipHash under tcp->isn_key (RFC9293 MUST-9, RFC6528 02). The low half is the
 * ISN's, the high half the timestamp offset's: one says nothing about the other. */
uint64_t isn_secret(const struct tcp *tcp, const struct tuple_bytes *tuple);

/* ISN = M + F: M ticks every 4 us of now_ns (RFC9293 MUST-8, SHLD-1). */
seq_t isn_make(uint64_t secret, uint64_t now_ns);

/* An ISN that lies beyond what an earlier incarnation used (RFC9293 MAY-2): the given one when it
 * is more than a full unscaled window ahead of old_snd_nxt, else the first such number. */
seq_t isn_beyond(seq_t isn, seq_t old_snd_nxt);

/* The same for the same tuple for ever, so that a later incarnation's timestamps go on where the
 * earlier one's ended (RFC6191 07); unrelated between tuples (RFC7323 31). */
static inline uint32_t ts_offset_make(uint64_t secret)
{
    return (uint32_t)(secret >> 32);
}

/* The timestamp clock: milliseconds (RFC7323 17, 28: between 59 ns and what 2^31 bytes take). */
static inline uint32_t ts_clock(uint64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS);
}

#endif
