/* SPDX-License-Identifier: MIT */
/* Segment text into the receive queue, in order or not (RFC 9293 3.10.7.4 seventh, RFC 2018). */
#ifndef HAWSER_TCP_REASM_H
#define HAWSER_TCP_REASM_H

#include "tcp/tcb.h"

enum reasm_result {
    REASM_ADVANCED,   /* rcv.nxt moved on, nothing is missing */
    REASM_FILLED,     /* rcv.nxt moved on and met, or still lies before, an island */
    REASM_ISLAND,     /* kept out of order */
    REASM_OLD,        /* nothing new in it */
    REASM_REFUSED,    /* no memory, or too many islands: as if it had been lost */
};

/* n > 0 octets at seq, all inside the window; rcv.nxt, rcv.wnd, rx and ooo follow. */
enum reasm_result reasm_insert(const struct tcp *tcp, struct tcb *tcb, seq_t seq, const uint8_t *text, uint32_t n);

/* The SACK blocks an ACK should carry now, the most recent first (RFC2018 05, 06), at most `most`; returns how many. */
unsigned reasm_sack_blocks(const struct tcb *tcb, unsigned most, struct sack_block out[TCP_SACK_BLOCKS_MAX]);

#endif
