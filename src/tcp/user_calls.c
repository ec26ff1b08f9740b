/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.1 OPEN, 3.10.2 SEND, 3.10.3 RECEIVE, 3.10.4 CLOSE, 3.10.5 ABORT; 3.10.6 STATUS is
 * in status.c. They only queue. */
#include <string.h>

#include "base/assert.h"
#include "tcp/cc.h"
#include "tcp/handshake.h"
#include "tcp/seg_arrives.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/window.h"

/* 3.10.1 OPEN, active (RFC9293 3.10.1-1, 3.10.1-2, FIG5-2). */
void tcp_open_active(const struct tcp *tcp, struct tcb *tcb, const struct tcp_open *how)
{
    tcb->iss = tcb->snd.una = how->iss;
    tcb->snd.nxt = seq_add(how->iss, 1);
    tcb->snd.up = tcb->recover = tcb->high_rxt = tcb->lost_edge = tcb->small_end = how->iss;
    tcb->ts_offset = how->ts_offset;
    tcb->path_mss = how->path_mss;
    tcb->peer_mss = how->v4 ? HANDSHAKE_PEER_MSS_V4 : HANDSHAKE_PEER_MSS_V6; /* RFC9293 MUST-15 */
    tcb->rcv_mss = handshake_own_mss(&tcb->set, how->link_mss);
    tcb->rcv_wscale = handshake_own_wscale(tcp, &tcb->set);
    tcb_start_receiving(tcp, tcb);
    tcb_update_mss(tcb);
    tcb->cwnd = tcb->snd_mss;
    tcb->rtx_now = true; /* the SYN */
    tcb_set_state(tcp, tcb, HAWSER_SYN_SENT, HAWSER_CAUSE_OPEN_ACTIVE);
    tcb_check(tcp, tcb);
}

/* Why SEND is refused now, 0 = it is not (3.10.2). */
static int send_refused(const struct tcb *tcb)
{
    if (tcb->error != 0)
        return tcb->error;
    if (tcb->fin_queued)
        return HAWSER_ERR_CLOSING; /* RFC9293 3.10.2-4, 3.6-2 */
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_SENT: /* RFC9293 3.10.2-2: queued */
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED: /* RFC9293 3.10.2-3 */
    case HAWSER_CLOSE_WAIT:
        return 0;
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        return HAWSER_ERR_CLOSING;
    case HAWSER_CLOSED: /* RFC9293 3.10.2-1 */
    case HAWSER_LISTEN:
        break;
    }
    return HAWSER_ERR_NO_CONNECTION;
}

/* 3.10.2 SEND. */
int64_t tcp_send(const struct tcp *tcp, struct tcb *tcb, const void *data, size_t n, unsigned flags)
{
    tcb_check(tcp, tcb);
    int refused = send_refused(tcb);
    if (refused != 0)
        return refused;
    if (n == 0)
        return 0;
    uint32_t room = tcb->set.snd_buf_bytes > tcb->tx.len ? tcb->set.snd_buf_bytes - tcb->tx.len : 0;
    uint32_t take = n < room ? (uint32_t)n : room;
    if (take == 0) { /* RFC9293 3.10.2-5 */
        tcb->want_write = true;
        return HAWSER_ERR_AGAIN;
    }
    if (!ring_reserve(&tcb->tx, tcp->buffers, tcb->tx.len + take, 0)) {
        tcp->counters->memory_refused++;
        return HAWSER_ERR_RESOURCES;
    }
    if (take < n)
        tcb->want_write = true;
    ring_append(&tcb->tx, data, take);
    tcb->sent_told = false;
    tcb->more = (flags & HAWSER_SEND_MORE) != 0 && take == n;
    if ((flags & HAWSER_SEND_URGENT) && take == n) { /* RFC9293 MUST-30 */
        tcb->snd.up = tcb_tx_end(tcb);
        tcb->urgent_valid = true;
    }
    tcb_check(tcp, tcb);
    return take;
}

/* Octets that a read may take now: up to the urgent mark, when that lies ahead in what is queued
 * (RFC9293 MUST-33). */
static uint32_t readable(const struct tcb *tcb)
{
    if (!tcb->rcv_urgent)
        return tcb->rx.len;
    seq_t first = seq_sub(tcb->rcv.nxt, tcb->rx.len + (tcb->fin_received ? 1 : 0));
    seq_t mark = seq_sub(tcb->rcv.up, 1); /* the urgent octet: reads stop before it */
    if (seq_leq(mark, first))
        return tcb->rx.len;
    uint32_t before = seq_diff(mark, first);
    return before < tcb->rx.len ? before : tcb->rx.len;
}

/* What RECEIVE says when nothing is queued (3.10.3). */
static int nothing_readable(const struct tcb *tcb)
{
    if (tcb->fin_received)
        return 0; /* RFC9293 3.10.3-2, 3.10.3-3 */
    if (tcb->error != 0)
        return tcb->error;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_SENT: /* RFC9293 3.10.3-1: wait */
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
        return HAWSER_ERR_AGAIN;
    case HAWSER_CLOSE_WAIT:
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        return 0;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        break;
    }
    return HAWSER_ERR_NO_CONNECTION;
}

/* n octets have been read: the mark, the buffer and the window follow (RFC9293 3.10.3-4). */
static void after_reading(const struct tcp *tcp, struct tcb *tcb, uint32_t n)
{
    ring_drop(&tcb->rx, n, tcb->ooo.count > 0);
    if (tcb->rx.len == 0 && tcb->ooo.count == 0)
        ring_free(&tcb->rx, tcp->buffers);
    seq_t first = seq_sub(tcb->rcv.nxt, tcb->rx.len + (tcb->fin_received ? 1 : 0));
    if (tcb->rcv_urgent && seq_geq(first, tcb->rcv.up))
        tcb->rcv_urgent = false;
    if (tcb->fin_received || tcb->state == HAWSER_CLOSED)
        return;
    window_grow(tcb, n);
    if (window_worth_telling(tcb))
        tcb->window_update = true;
}

/* 3.10.3 RECEIVE. */
int64_t tcp_receive(const struct tcp *tcp, struct tcb *tcb, void *out, size_t n)
{
    tcb_check(tcp, tcb);
    if (n == 0)
        return 0;
    uint32_t there = readable(tcb);
    if (there == 0)
        return nothing_readable(tcb);
    uint32_t take = n < there ? (uint32_t)n : there;
    ring_read_at(&tcb->rx, 0, out, take);
    after_reading(tcp, tcb, take);
    tcb_check(tcp, tcb);
    return take;
}

int64_t tcp_peek(const struct tcp *tcp, struct tcb *tcb, struct hawser_span spans[2])
{
    tcb_check(tcp, tcb);
    spans[0] = spans[1] = (struct hawser_span){NULL, 0};
    uint32_t there = readable(tcb);
    if (there == 0)
        return nothing_readable(tcb);
    struct ring_span piece[2];
    unsigned count = ring_spans(&tcb->rx, 0, there, piece);
    for (unsigned i = 0; i < count; i++)
        spans[i] = (struct hawser_span){piece[i].data, piece[i].len};
    return there;
}

int64_t tcp_peek_at(const struct tcb *tcb, size_t offset, void *out, size_t n)
{
    if (offset >= tcb->rx.len || n == 0)
        return 0;
    uint32_t there = tcb->rx.len - (uint32_t)offset;
    uint32_t take = n < there ? (uint32_t)n : there;
    ring_read_at(&tcb->rx, (uint32_t)offset, out, take);
    return take;
}

int tcp_consume(const struct tcp *tcp, struct tcb *tcb, size_t n)
{
    tcb_check(tcp, tcb);
    if (n > readable(tcb))
        return HAWSER_ERR_INVALID;
    if (n > 0)
        after_reading(tcp, tcb, (uint32_t)n);
    tcb_check(tcp, tcb);
    return 0;
}

/* 3.10.4 CLOSE. The FIN goes out behind what is queued (send.c); the state changes at once (RFC9293
 * 3.10.4-4). */
int tcp_close(const struct tcp *tcp, struct tcb *tcb)
{
    tcb_check(tcp, tcb);
    if (tcb->fin_queued)
        return HAWSER_ERR_CLOSING; /* RFC9293 3.10.4-5: never a second FIN */
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_SENT: /* RFC9293 3.10.4-2, FIG5-6 */
        tcb_end(tcp, tcb, HAWSER_ERR_CLOSING, HAWSER_CAUSE_CLOSE);
        return 0;
    case HAWSER_SYN_RECEIVED:
        tcb->fin_queued = true;
        /* RFC9293 3.10.4-3, FIG5-11; with text queued enter_established() goes on */
        if (tcb->tx.len == 0)
            tcb_set_state(tcp, tcb, HAWSER_FIN_WAIT_1, HAWSER_CAUSE_CLOSE);
        break;
    case HAWSER_ESTABLISHED: /* RFC9293 FIG5-12, 3.6-1 */
        tcb->fin_queued = true;
        tcb_set_state(tcp, tcb, HAWSER_FIN_WAIT_1, HAWSER_CAUSE_CLOSE);
        break;
    case HAWSER_CLOSE_WAIT: /* RFC9293 3.10.4-6, FIG5-19 */
        tcb->fin_queued = true;
        tcb_set_state(tcp, tcb, HAWSER_LAST_ACK, HAWSER_CAUSE_CLOSE);
        break;
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    case HAWSER_CLOSING: /* RFC9293 3.10.4-7 */
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        return HAWSER_ERR_CLOSING;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        return tcb->error != 0 ? tcb->error : HAWSER_ERR_NO_CONNECTION;
    }
    tcb->more = false;
    tcb->sent_told = false;
    tcb_check(tcp, tcb);
    return 0;
}

static void reset_peer(const struct tcb *tcb, struct tcp_reply *reply)
{
    memset(&reply->segment, 0, sizeof reply->segment);
    reply->present = true;
    reply->segment.seq = tcb->snd.nxt;
    reply->segment.ack = tcb->rcv.nxt;
    reply->segment.flags = TCP_RST | TCP_ACK;
}

/* The program is gone (RFC9293 MAY-1: a half-duplex close). */
void tcp_finish(const struct tcp *tcp, struct tcb *tcb, struct tcp_reply *reply)
{
    reply->present = false;
    bool unread = tcb->rx.len > 0 || tcb->ooo.count > 0;
    if (tcb->state != HAWSER_CLOSED && tcb->state != HAWSER_TIME_WAIT) {
        if (tcb->set.linger_reset)
            tcp_abort(tcp, tcb, 0, HAWSER_CAUSE_ABORT, reply);
        else if (unread)
            tcp_abort(tcp, tcb, 0, HAWSER_CAUSE_UNREAD_DATA, reply);
        if (unread) /* RFC9293 SHLD-3: text is lost, in whatever state */
            reset_peer(tcb, reply);
    }
    tcb->no_reader = true;
    tcb->set.user_timeout_ms = 0; /* an orphan lives by orphan_retries */
    tcb->timer.user_ns = NEVER;
    ring_free(&tcb->rx, tcp->buffers);
    ranges_free(&tcb->ooo, tcp->buffers);
    if (tcb->state != HAWSER_CLOSED && !tcb->fin_queued)
        (void)tcp_close(tcp, tcb);
    tcb_check(tcp, tcb);
}

/* 3.10.5 ABORT. */
void tcp_abort(const struct tcp *tcp, struct tcb *tcb, int error, enum hawser_cause cause,
               struct tcp_reply *reply)
{
    reply->present = false;
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_RECEIVED:
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    /* RFC9293 3.10.5-1; with an ACK, as Linux sends it: it tells the peer more and is no less
     * credible */
    case HAWSER_CLOSE_WAIT:
        reset_peer(tcb, reply);
        break;
    case HAWSER_SYN_SENT: /* RFC9293 3.10.5-2 */
    case HAWSER_CLOSING:  /* RFC9293 3.10.5-3 */
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        break;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        return;
    }
    tcb_end(tcp, tcb, error, cause);
}
