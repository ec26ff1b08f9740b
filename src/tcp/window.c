/* SPDX-License-Identifier: MIT */
/* Windows: acceptability of a segment (RFC 9293 3.4), the window we offer (3.8.6.2.2), the window
 * we were offered. */
#include "tcp/window.h"

bool segment_acceptable(const struct tcb *tcb, const struct segment *seg)
{
    uint32_t wnd = tcb->rcv.wnd;
    /* RFC9293 3.4-2, 3.4-3, and the right edge itself, as with a window of 0: there stand the ACKs
     * of a peer that has used its whole window. When both ends have, and the first segments of both
     * were lost, refusing those ACKs would be a deadlock (docs/deviations.md). */
    if (seg->len == 0)
        return seq_in(seg->seq, tcb->rcv.nxt, wnd + 1);
    if (wnd == 0)
        return false;                                   /* RFC9293 3.4-4 */
    seq_t last = seq_add(seg->seq, seg->len - 1);
    if (seq_in(seg->seq, tcb->rcv.nxt, wnd) || seq_in(last, tcb->rcv.nxt, wnd))
        return true; /* RFC9293 3.4-5 */
    /* It covers the window: the table forgets it, though what lies inside is as good as any
     * (RFC9293 3.10.7.4a-3). */
    return seq_lt(seg->seq, tcb->rcv.nxt) && seq_gt(last, tcb->rcv.nxt);
}

/* A step that is worth an announcement: min(half the buffer, MSS) (RFC9293 3.8.6x-4). */
static uint32_t worthwhile(const struct tcb *tcb)
{
    uint32_t half = tcb->rcv_buf_bytes / 2;
    return half < tcb->rcv_mss ? half : tcb->rcv_mss;
}

uint32_t window_to_offer(const struct tcb *tcb)
{
    uint32_t room = tcb->rcv_buf_bytes > tcb->rx.len ? tcb->rcv_buf_bytes - tcb->rx.len : 0;
    uint32_t most = (uint32_t)UINT16_MAX << tcb->rcv_wscale;
    if (room > most)
        room = most;
    /* RFC9293 SHLD-14, 3.10.7.4g-2: never take back; a window that nobody reads stays shut (RFC9293
     * MAY-8); RFC9293 MUST-39: never creep forward. */
    if (room < tcb->rcv.wnd || room - tcb->rcv.wnd < worthwhile(tcb))
        return tcb->rcv.wnd;
    return room;
}

/* Rounding up moves the edge a little. A peer that sends segments smaller than a unit could have it
 * move by all that it sends, into a buffer that nobody reads: an eighth of that is enough. */
static uint32_t rounding_room(const struct tcb *tcb)
{
    uint32_t most = tcb->rcv_buf_bytes + tcb->rcv_buf_bytes / 8;
    return most > tcb->rx.len ? most - tcb->rx.len : 0;
}

uint16_t window_field(const struct tcb *tcb, bool syn, uint32_t *offered)
{
    uint32_t wnd = window_to_offer(tcb);
    if (syn) {
        uint16_t field = wnd > UINT16_MAX ? UINT16_MAX : (uint16_t)wnd;
        *offered = field;
        return field;
    }
    /* A new edge is rounded down, and so may lie left of the old one: then it has not moved. */
    uint32_t field = wnd >> tcb->rcv_wscale;
    *offered = field << tcb->rcv_wscale;
    if (*offered > tcb->rcv.wnd)
        return (uint16_t)field;
    /* The old one is rounded up, so that scaling does not draw it back. */
    uint32_t unit = UINT32_C(1) << tcb->rcv_wscale;
    field = (uint32_t)(((uint64_t)tcb->rcv.wnd + unit - 1) >> tcb->rcv_wscale);
    if (field > UINT16_MAX)
        field = UINT16_MAX;
    *offered = field << tcb->rcv_wscale;
    if (*offered > rounding_room(tcb)) {
        field = tcb->rcv.wnd >> tcb->rcv_wscale;
        *offered = tcb->rcv.wnd; /* what was promised is still taken (RFC 7323 2.4) */
    }
    return (uint16_t)field;
}

bool window_worth_telling(const struct tcb *tcb)
{
    /* A peer with room for half of the present window or more has no need to hear of it at once;
     * the next ACK will tell. */
    uint32_t wnd = window_to_offer(tcb);
    return wnd > tcb->rcv.wnd && wnd / 2 >= tcb->rcv.wnd;
}

void window_grow(struct tcb *tcb, uint32_t n)
{
    if (tcb->rx.len != 0 || tcb->rcv_buf_bytes >= tcb->set.rcv_buf_bytes_max)
        return;
    /* The program keeps up, and a whole window went through it: twice as much may be under way. */
    tcb->rcv_grow_bytes += n;
    if (tcb->rcv_grow_bytes < tcb->rcv_buf_bytes)
        return;
    tcb->rcv_grow_bytes = 0;
    uint32_t limit = tcb->set.rcv_buf_bytes_max;
    tcb->rcv_buf_bytes = tcb->rcv_buf_bytes > limit / 2 ? limit : tcb->rcv_buf_bytes * 2;
}

void window_take(struct tcb *tcb, const struct segment *seg)
{
    tcb->snd.wnd = window_scaled(tcb, seg);
    tcb->snd.wl1 = seg->seq;
    tcb->snd.wl2 = seg->ack;
    if (tcb->snd.wnd > tcb->snd.wnd_max)
        tcb->snd.wnd_max = tcb->snd.wnd;
}

/* RFC9293 3.8.6x-2 */
void window_update(struct tcb *tcb, const struct segment *seg)
{
    if (seq_lt(seg->ack, tcb->snd.una) || seq_gt(seg->ack, tcb->snd.nxt))
        return; /* RFC1122 02: SND.UNA <= SEG.ACK <= SND.NXT */
    if (seq_lt(tcb->snd.wl1, seg->seq) ||
        (seq_eq(tcb->snd.wl1, seg->seq) && seq_leq(tcb->snd.wl2, seg->ack)))
        window_take(tcb, seg);
}
