/* SPDX-License-Identifier: MIT */
/* The one decision what to send next, and the writing of it. */
#ifndef HAWSER_TCP_SEND_H
#define HAWSER_TCP_SEND_H

#include "tcp/tcb.h"

enum send_kind {
    SEND_NOTHING,
    SEND_ACK,        /* no text */
    SEND_DUP_ACK,    /* one of dup_acks_owed */
    SEND_FRONT,      /* the segment at snd.una again (or the SYN for the first time) */
    SEND_HOLE,       /* a lost stretch again */
    SEND_NEW,        /* new text, or FIN, or both */
    SEND_PROBE,      /* window or keep-alive probe */
    SEND_ARM_PERSIST,  /* nothing to send, but a deadline that needs the time: the window is shut */
    SEND_ARM_OVERRIDE, /* … text is held back */
    SEND_ARM_OTHER,    /* … timers_arm */
};

struct send_plan {
    enum send_kind kind;
    seq_t seq;
    uint32_t len;  /* octets of text at most */
    bool rescue;   /* SEND_HOLE: NextSeg rule 4 */
};

/* Nothing waits, as nearly always when somebody asks: all that is queued has been sent, no answer is due, no loss is known. send_decide says
 * SEND_NOTHING whenever this is true. */
static inline bool send_is_quiet(const struct tcb *tcb)
{
    bool due = tcb->ack_now | tcb->window_update | tcb->rtx_now | tcb->probe_now | (tcb->dup_acks_owed != 0);
    bool unsent = seq_diff(tcb->snd.nxt, tcb->snd.una) != tcb->tx.len || tcb->fin_queued;
    bool keepalive = tcb->set.keepalive && tcb->timer.keepalive_ns == NEVER;
    return !(due | unsent | keepalive | (tcb->recovery != RECOVERY_OPEN));
}

/* Pure: what tcp_output would do now. */
struct send_plan send_decide(const struct tcb *tcb);

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> as it would leave now, for blocks that cannot send it themselves any more. */
void send_ack_segment(const struct tcb *tcb, uint64_t now_ns, struct segment *out);

#endif
