/* SPDX-License-Identifier: MIT */
/* Loss recovery: what was lost, what is sent again and when it is over (RFC 5681 3.2, 6582, 6675, 3042). */
#ifndef HAWSER_TCP_RECOVERY_H
#define HAWSER_TCP_RECOVERY_H

#include "tcp/tcb.h"

#define DUP_THRESH 3u

/* A stretch of sequence space to be sent again; len <= SMSS. */
struct hole {
    seq_t seq;
    uint32_t len;
};

/* SACK blocks of an acceptable ACK into the scoreboard; snd.una is up to date. Returns octets newly SACKed (RFC6675 01). */
uint32_t recovery_take_sack(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg);

/* snd.una has moved over `acked` octets: the scoreboard, the episode and the congestion window follow. Returns false when the
 * retransmission timer must keep running as it is (RFC6582 05). */
bool recovery_on_ack(const struct tcp *tcp, struct tcb *tcb, uint32_t acked, uint64_t now_ns);

/* A duplicate ACK (RFC5681 13; with SACK: one that SACKs something new, and then it may have moved snd.una over `acked` octets, too). */
void recovery_on_duplicate(const struct tcp *tcp, struct tcb *tcb, uint32_t acked);

/* The retransmission timer expired (RFC5681 08, RFC6582 06, RFC6675 08). */
void recovery_on_timeout(const struct tcp *tcp, struct tcb *tcb);

/* Everything outstanding was too big for the path: send it again, without blaming congestion (RFC1191 05). */
void recovery_on_path_mtu(const struct tcp *tcp, struct tcb *tcb);

/* Octets thought to be under way (RFC 6675 4, SetPipe). */
uint32_t recovery_pipe(const struct tcb *tcb);

/* Octets that may be under way now: cwnd, and what limited transmit adds (RFC3042 01, 02). */
uint32_t recovery_allowance(const struct tcb *tcb);

/* Octets at snd.una to be sent again as one segment: up to the first that is SACKed, at most SMSS. */
uint32_t recovery_front(const struct tcb *tcb);

/* RFC 6675 4 NextSeg rule 1, and go-back-N after a timeout: the first octets that are lost and not yet sent again. */
bool recovery_lost_hole(const struct tcb *tcb, struct hole *hole);

/* NextSeg rules 3 and 4, for when there is no new data to send. *rescue: it is rule 4. */
bool recovery_other_hole(const struct tcb *tcb, struct hole *hole, bool *rescue);

#endif
