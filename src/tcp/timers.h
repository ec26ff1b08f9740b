/* SPDX-License-Identifier: MIT */
/* Timers are told what happened; which deadline follows is decided here and nowhere else. */
#ifndef HAWSER_TCP_TIMERS_H
#define HAWSER_TCP_TIMERS_H

#include "tcp/tcb.h"

/* A segment that takes sequence space has left, for the first time or again. */
void timers_on_sent(struct tcb *tcb, uint64_t now_ns);

/* The segment at snd.una left again before its time was up: the timer counts from now
 * (RFC6298 09). */
void timers_on_front_again(struct tcb *tcb, uint64_t now_ns);

/* snd.una moved. restart false: the retransmission timer keeps its deadline (RFC6582 05). */
void timers_on_acked(struct tcb *tcb, bool restart, uint64_t now_ns);

/* An ACK left, alone or on data. */
void timers_on_ack_sent(struct tcb *tcb);

/* Text came in order and may be acknowledged later. */
void timers_on_text_received(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns);

/* The connection is established, or keep-alives were switched on. */
void timers_on_established(struct tcb *tcb, uint64_t now_ns);

/* Something acceptable came from the peer. */
void timers_on_heard(struct tcb *tcb, uint64_t now_ns);

/* Text waits that the window does not let go, and nothing is under way whose ACK could tell of a new window. */
void timers_on_window_shut(struct tcb *tcb, uint64_t now_ns);
void timers_on_window_open(struct tcb *tcb);

/* The shut window is asked for. */
void timers_on_probe(struct tcb *tcb, uint64_t now_ns);

/* Text waits that is too little for a segment, and nothing else will bring it out. */
void timers_on_held_back(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns);

/* Deadlines that user calls, which know no time, have asked for. True when timers_arm would set one. */
bool timers_need_arming(const struct tcb *tcb);
void timers_arm(struct tcb *tcb, uint64_t now_ns);

#endif
