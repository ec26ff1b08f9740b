/* SPDX-License-Identifier: MIT */
/* Windows: acceptability of a segment (RFC 9293 3.4), the window we offer and its silly-window avoidance (3.8.6.2.2), the window we were offered. */
#ifndef HAWSER_TCP_WINDOW_H
#define HAWSER_TCP_WINDOW_H

#include "tcp/tcb.h"

/* The four rows of the table in RFC 9293 3.4. */
bool segment_acceptable(const struct tcb *tcb, const struct segment *seg);

/* The window to offer now, in octets from rcv.nxt: never left of the edge offered before, and right of it only by a worthwhile step. */
uint32_t window_to_offer(const struct tcb *tcb);

/* The header's window field for window_to_offer(); *offered is what the field says in octets. */
uint16_t window_field(const struct tcb *tcb, bool syn, uint32_t *offered);

/* After the program has read: is the window now so much larger that the peer must be told (RFC9293 MUST-39)? */
bool window_worth_telling(const struct tcb *tcb);

/* Reading goes on at the pace of the window: let the receive buffer grow. n octets were read. */
void window_grow(struct tcb *tcb, uint32_t n);

/* Octets a segment's window field stands for (RFC7323 06). */
static inline uint32_t window_scaled(const struct tcb *tcb, const struct segment *seg)
{
    /* RFC7323 04: the field of a SYN is never scaled, nor of one whose SYN was cut off: only those have the option. */
    return seg->flags & TCP_SYN || seg->options & TCP_OPT_WSCALE ? seg->wnd : (uint32_t)seg->wnd << tcb->snd_wscale;
}

/* n octets are about to be acknowledged: what the peer offered ends where it did, unless window_update says otherwise. By RFC 9293 3.10.7.4 alone
 * SND.UNA would move the edge along when WL1 forbids an update, and more would be sent than was ever offered. */
static inline void window_keep_edge(struct tcb *tcb, uint32_t n)
{
    tcb->snd.wnd = tcb->snd.wnd > n ? tcb->snd.wnd - n : 0;
}

/* SND.WND := SEG.WND with WL1 and WL2 (RFC 9293 3.10.7.4, fifth). */
void window_take(struct tcb *tcb, const struct segment *seg);

/* The same, if the segment is not older than the last one that told a window (RFC9293 3.10.7.4e-7). */
void window_update(struct tcb *tcb, const struct segment *seg);

#endif
