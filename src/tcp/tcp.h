/* SPDX-License-Identifier: MIT */
/* What the stack calls: user calls, segments in and out, deadlines. Nothing here knows addresses, clocks or devices.
 *
 * After any of these calls the caller settles the connection: `state` CLOSED means the block is over (the program may still read what is in rx while it holds a
 * handle), TIME_WAIT means it becomes a record (timewait.h), tcb_deadline() goes to the timing wheel, tcb->events to the program, and when
 * tcp_has_output() the connection joins the output queue. `reply` comes back with present == true when a segment must be sent that the block itself
 * can no longer send. */
#ifndef HAWSER_TCP_TCP_H
#define HAWSER_TCP_TCP_H

#include "tcp/tcb.h"

/* ---- user calls: user_calls.c, RFC 9293 3.10.1 to 3.10.6 ------------------------------------------------------------ */

/* What a new connection needs to know of its path and its 4-tuple. */
struct tcp_open {
    seq_t iss;              /* isn.h */
    uint32_t ts_offset;     /* isn.h */
    uint16_t path_mss;      /* path MTU less fixed IP and TCP headers: bounds what is sent */
    uint16_t link_mss;      /* the same of the link's MTU, whatever was learnt of the path: what is announced (RFC1191 08) */
    bool v4;                /* default peer MSS 536, else 1220 (RFC9293 MUST-15) */
};

/* 3.10.1, active: CLOSED -> SYN-SENT. tcb_init and tcb->set come before. */
void tcp_open_active(const struct tcp *tcp, struct tcb *tcb, const struct tcp_open *opening);

/* 3.10.2: bytes taken, or a hawser_error. */
int64_t tcp_send(const struct tcp *tcp, struct tcb *tcb, const void *data, size_t n, unsigned flags);

/* 3.10.3, both ways; results as hawser_receive, hawser_peek and hawser_consume. */
int64_t tcp_receive(const struct tcp *tcp, struct tcb *tcb, void *out, size_t n);
int64_t tcp_peek(const struct tcp *tcp, struct tcb *tcb, struct hawser_span spans[2]);
int64_t tcp_peek_at(const struct tcb *tcb, size_t offset, void *out, size_t n);
int tcp_consume(const struct tcp *tcp, struct tcb *tcb, size_t n);

/* 3.10.4 CLOSE: 0 or a hawser_error. */
int tcp_close(const struct tcp *tcp, struct tcb *tcb);

/* hawser_close: the program is gone. Ends in tcp_close, or in a reset when data is unread (RFC9293 SHLD-3) or linger_reset is set. */
void tcp_finish(const struct tcp *tcp, struct tcb *tcb, struct tcp_reply *reply);

/* 3.10.5 ABORT: always ends in CLOSED; reply is the RST of 3.10.5 where one is due. cause goes to the trace; error to the program. */
void tcp_abort(const struct tcp *tcp, struct tcb *tcb, int error, enum hawser_cause cause, struct tcp_reply *reply);

/* 3.10.6: fills what the block knows (not handle, user, endpoints, timer_ns of records, path_mtu_bytes). */
void tcp_status(const struct tcp *tcp, const struct tcb *tcb, uint64_t now_ns, struct hawser_tcp_info *info);

/* Options of tcp.h that live in the block (all but those the stack keeps). */
int tcp_set_option(const struct tcp *tcp, struct tcb *tcb, enum hawser_option option, uint64_t value);
int tcb_settings_set(const struct tcp *tcp, struct tcb_settings *set, enum hawser_option option, uint64_t value);
int tcb_settings_get(const struct tcb_settings *set, enum hawser_option option, uint64_t *value);

/* ---- segment arrives: seg_arrives.c and seg_steps.c, RFC 9293 3.10.7 ------------------------------------------------ */

/* 3.10.7.1: no such connection. */
void segment_arrives_closed(const struct segment *seg, struct tcp_reply *reply);

/* 3.10.7.2: a listener. Returns true when a half-open request is to be made of this SYN (then reply is not set). */
bool segment_arrives_listen(const struct segment *seg, struct tcp_reply *reply);

/* 3.10.7.3 and 3.10.7.4: a connection in any other state but TIME-WAIT. */
void segment_arrives(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg, uint64_t now_ns, struct tcp_reply *reply);

/* An ICMP error that quotes a segment of this connection; the caller has matched the 4-tuple. Checks the quoted number (RFC5927 01).
 * PACKET_TOO_BIG: returns true when the caller should lower the path MTU (it then calls tcp_path_mss). */
bool tcp_icmp_error(const struct tcp *tcp, struct tcb *tcb, int error, bool hard, bool too_big, seq_t quoted, uint64_t now_ns);

/* The path MTU changed: segments follow, and what was too big is sent again at once (RFC1191 01). */
void tcp_path_mss(const struct tcp *tcp, struct tcb *tcb, uint16_t path_mss, uint64_t now_ns);

/* ---- output: send.c ------------------------------------------------------------------------------------------------- */

/* Is there a segment to be sent now? Pure; the same decision that tcp_output acts on. */
bool tcp_has_output(const struct tcp *tcp, const struct tcb *tcb);

/* Writes one segment, header and text, at `out` (room for TCP_HEADER_MAX + snd_mss octets) with the checksum field 0; returns its length, 0 = nothing to send.
 * *sum is checksum_sum over all of it: the caller adds the pseudo-header and calls tcp_emit_checksum.
 * src_port and dst_port of the header are the caller's: given here.
 * sent (may be NULL) receives what was sent, for the trace; sent->text is not set. *again tells whether it is a retransmission. */
uint32_t tcp_output(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns, uint16_t src_port, uint16_t dst_port, uint8_t *out, uint32_t *sum,
                    struct segment *sent, bool *again);

/* ---- deadlines: timers.c and timeouts.c, RFC 9293 3.10.8 ------------------------------------------------------------- */

/* The earliest of the block's timers, NEVER when none is set. */
uint64_t tcb_deadline(const struct tcb *tcb);

/* Which one that is, for STATUS. */
enum hawser_timer tcb_deadline_kind(const struct tcb *tcb);

/* Acts on every timer whose time has come. */
void tcp_timeouts(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns, struct tcp_reply *reply);

#endif
