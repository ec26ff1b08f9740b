/* SPDX-License-Identifier: MIT */
/* Half-open requests of listeners (SYN-RECEIVED, passive) and SYN cookies, apart from full blocks
 * (RFC 4987).
 *
 * A request is 56 bytes. When a segment arrives for it, it is inflated into a full block on the
 * caller's stack or scratch memory, segment_arrives() runs on that block exactly as for any other
 * connection, and the outcome is looked at: beyond SYN-RECEIVED the block is moved into a
 * connection, CLOSED ends the request, still SYN-RECEIVED keeps it (halfopen_deflate). So
 * SYN-RECEIVED has one implementation (RFC4987 02). A repetition of its SYN need not be inflated
 * for: halfopen_is_duplicate_syn. */
#ifndef HAWSER_TCP_HALFOPEN_H
#define HAWSER_TCP_HALFOPEN_H

#include "tcp/isn.h"
#include "tcp/tcp.h"

struct halfopen {
    uint64_t synack_at_ns; /* when the SYN-ACK goes out again; NEVER while that one is due now */
    uint64_t first_at_ns;  /* when the first one went out: for the round-trip sample; 0 = none */
    seq_t irs, iss;
    uint32_t ts_recent, ts_offset;
    uint32_t synack_sent_ms;  /* the last SYN-ACK, in ms_clock: bounds answers to repeated SYNs */
    uint32_t challenge_at_ms; /* as in the block */
    uint16_t snd_wnd;         /* window of the SYN, unscaled (RFC7323 04) */
    uint16_t peer_mss, path_mss, link_mss;
    uint8_t peer_wscale, own_wscale; /* both 0 without has_wscale */
    uint8_t synack_count; /* sent so far, those that answered a repeated SYN not counted */
    uint8_t challenge_count;
    bool has_timestamps : 1, has_sack : 1, has_wscale : 1;
    bool synack_now : 1; /* a SYN-ACK is to be sent */
    bool ack_now : 1;    /* a plain ACK is to be sent (unacceptable segment) */
    bool repeated : 1;   /* a SYN-ACK answered a repeated SYN: which one does an ACK mean? */
};

_Static_assert(sizeof(struct halfopen) == 56, "docs give the memory of a SYN table from this");

/* 3.10.7.2, third: a request from an acceptable SYN to a listener with these settings; its SYN-ACK
 * is due at once. Own options answer the peer's (RFC7323 05, 11). Text and FIN of the SYN are not
 * kept: their sender repeats them (RFC9293 3.5-9). */
void halfopen_from_syn(const struct tcp *tcp, const struct tcb_settings *set,
                       const struct tcp_open *opening, const struct segment *syn, uint64_t now_ns,
                       struct halfopen *out);

/* The segment that is due (synack_now or ack_now) into reply, and the timer; false when nothing is
 * due. Sets all of the segment but its ports. Call until false. */
bool halfopen_output(const struct tcp *tcp, const struct tcb_settings *set, struct halfopen *half,
                     uint64_t now_ns, struct tcp_reply *reply);

/* synack_at_ns has come: asks for another SYN-ACK, or returns false: given up after synack_retries,
 * and counted. Backs off 1, 2, 4, … s (RFC4987 07). A call too early changes nothing. */
bool halfopen_timeout(const struct tcp *tcp, struct halfopen *half, uint64_t now_ns);

/* Is this the request's own SYN once more? Then its sender has not got our SYN-ACK (or it is an old
 * duplicate): halfopen_repeat_synack answers it, as Linux does, and the segment needs no block
 * (RFC9293 3.10.7.4a-5). */
bool halfopen_is_duplicate_syn(const struct halfopen *half, const struct segment *seg);

/* Asks for another SYN-ACK, unless one went out less than half a second ago or is due anyway.
 * Neither the timer nor the count of retransmissions moves, so repeated SYNs cannot keep a request
 * alive or use it up. */
void halfopen_repeat_synack(struct halfopen *half, const struct segment *syn, uint64_t now_ns);

/* A full block in SYN-RECEIVED that continues this request. It holds no buffers. The observer is
 * not told of its state, because the request was in SYN-RECEIVED before: whoever makes a request
 * tells. */
void halfopen_inflate(const struct tcp *tcp, const struct tcb_settings *set,
                      const struct halfopen *half, struct tcb *tcb);

/* Takes back what a segment changed of a block that stayed in SYN-RECEIVED (TS.Recent, an ACK that
 * is due, the challenge budget); the block holds no buffers afterwards. */
void halfopen_deflate(const struct tcp *tcp, struct tcb *tcb, struct halfopen *half);

/* ---- SYN cookies (cookie.c), RFC 4987 3.6 --------------------------------------------------- */

/* The SYN-ACK for a SYN that finds no room: everything needed comes back in the ACK. Of the peer's
 * MSS only the next smaller of eight values is kept; window scale and SACK survive only with
 * timestamps (in the low bits of TSval, RFC4987 04). opening->iss is not used: the cookie is the
 * ISS, and it follows no clock, so a SYN that takes over a TIME-WAIT record must not be answered by
 * one (RFC9293 MAY-2 asks for a larger ISS). Counted. */
void cookie_synack(const struct tcp *tcp, const struct tcb_settings *set,
                   const struct tcp_open *opening, const struct tuple_bytes *tuple,
                   const struct segment *syn, uint64_t now_ns, struct tcp_reply *reply);

/* Does this ACK bring a cookie of ours for this 4-tuple, not older than about two minutes? Then
 * *out is the request as if it had been kept; inflate it and let the same segment arrive. Else *out
 * is unchanged. Counted both ways. A guessed ACK passes with a probability of 2^-28. */
bool cookie_check(const struct tcp *tcp, const struct tcb_settings *set,
                  const struct tcp_open *opening, const struct tuple_bytes *tuple,
                  const struct segment *ack, uint64_t now_ns, struct halfopen *out);

#endif
