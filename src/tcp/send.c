/* SPDX-License-Identifier: MIT */
/* What to send next (RFC 9293 3.7.4, 3.8.6.2.1; RFC 5681; RFC 6675), decided in one place. */
#include "tcp/send.h"

#include "base/assert.h"
#include "tcp/recovery.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"

static struct send_plan plan(enum send_kind kind, seq_t seq, uint32_t len)
{
    return (struct send_plan){.kind = kind, .seq = seq, .len = len};
}

/* The window's room for new sequence numbers: 0 after the peer shrank it below SND.NXT (RFC9293
 * MUST-34, SHLD-15). */
static uint32_t window_room(const struct tcb *tcb)
{
    uint32_t used = tcb_flight(tcb);
    return tcb->snd.wnd > used ? tcb->snd.wnd - used : 0;
}

/* May `len` octets more be under way? (RFC5681 01) */
static inline bool congestion_allows(const struct tcb *tcb, uint32_t len)
{
    uint32_t pipe = recovery_pipe(tcb);
    uint32_t allowance = recovery_allowance(tcb);
    if (pipe == 0)
        /* cwnd is never below one segment; after a decrease of SMSS it may be below `len` */
        return true;
    return allowance > pipe && allowance - pipe >= len;
}

/* Nagle with Minshall's change (RFC9293 SHLD-7, A.3): a short segment waits while an earlier short
 * one is unacknowledged. */
static bool nagle_holds(const struct tcb *tcb)
{
    return !tcb->set.nodelay && tcb_flight(tcb) > 0 && seq_gt(tcb->small_end, tcb->snd.una);
}

/* All queued text fits, but it is less than a segment: it leaves at once, or when what holds it
 * back is over (RFC9293 MUST-60). FIN does not wait for anything. */
static struct send_plan decide_tail(const struct tcb *tcb, uint32_t len)
{
    if (tcb->fin_queued || tcb->override_now)
        return plan(SEND_NEW, tcb->snd.nxt, len);
    if (tcb->set.cork || tcb->more) {
        if (tcb_flight(tcb) == 0 && tcb->timer.override_ns == NEVER)
            return plan(SEND_ARM_OVERRIDE, tcb->snd.nxt, 0);
        return plan(SEND_NOTHING, tcb->snd.nxt, 0);
    }
    return plan(nagle_holds(tcb) ? SEND_NOTHING : SEND_NEW, tcb->snd.nxt, len);
}

/* The window ends inside the next segment (RFC9293 MUST-38, 3.8.6x-3). */
static struct send_plan decide_narrow(const struct tcb *tcb, uint32_t room)
{
    bool idle = tcb_flight(tcb) == 0;
    if (room == 0) {
        bool arm = idle && tcb->timer.persist_ns == NEVER;
        return plan(arm ? SEND_ARM_PERSIST : SEND_NOTHING, tcb->snd.nxt, 0);
    }
    if (room >= tcb->snd.wnd_max / 2 || tcb->override_now)
        return plan(SEND_NEW, tcb->snd.nxt, room);
    bool arm = idle && tcb->timer.override_ns == NEVER;
    return plan(arm ? SEND_ARM_OVERRIDE : SEND_NOTHING, tcb->snd.nxt, 0);
}

/* New text and FIN. */
static inline struct send_plan decide_new(const struct tcb *tcb)
{
    seq_t end = tcb_tx_end(tcb);
    if (seq_gt(tcb->snd.nxt, end))
        return plan(SEND_NOTHING, tcb->snd.nxt, 0); /* our FIN has been sent */
    uint32_t unsent = seq_diff(end, tcb->snd.nxt);
    if (unsent == 0 && !tcb->fin_queued)
        return plan(SEND_NOTHING, tcb->snd.nxt, 0);
    uint32_t room = window_room(tcb);
    uint32_t want = unsent < tcb->snd_mss ? unsent : tcb->snd_mss;
    if (unsent == 0) /* FIN alone takes one number of the window */
        return room > 0 ? plan(SEND_NEW, tcb->snd.nxt, 0) : decide_narrow(tcb, 0);
    if (!congestion_allows(tcb, want))
        return plan(SEND_NOTHING, tcb->snd.nxt, 0);
    if (room < want)
        return decide_narrow(tcb, room);
    if (want == tcb->snd_mss)
        return plan(SEND_NEW, tcb->snd.nxt, want); /* RFC9293 SHLD-28 */
    return decide_tail(tcb, want);
}

/* RFC 6675 5 (C) (RFC6675 06): lost octets, then new ones, then others; each only while pipe allows
 * a segment. */
static struct send_plan decide_recovery(const struct tcb *tcb)
{
    struct hole hole;
    bool allowed = congestion_allows(tcb, tcb->snd_mss);
    if (allowed && recovery_lost_hole(tcb, &hole))
        return plan(SEND_HOLE, hole.seq, hole.len);
    struct send_plan fresh = decide_new(tcb);
    if (fresh.kind != SEND_NOTHING || !allowed)
        return fresh;
    bool rescue;
    if (!recovery_other_hole(tcb, &hole, &rescue))
        return fresh;
    struct send_plan again = plan(SEND_HOLE, hole.seq, hole.len);
    again.rescue = rescue;
    return again;
}

/* What takes sequence space, in the states that may send text. Retransmission minds neither edge of
 * the window (RFC9293 SHLD-16, MAY-7). */
static inline struct send_plan decide_text(const struct tcb *tcb)
{
    if (tcb->rtx_now)
        return plan(SEND_FRONT, tcb->snd.una, recovery_front(tcb));
    if (!tcb->syn_acked)
        /* FIN-WAIT-1 from SYN-RECEIVED: the SYN first */
        return plan(SEND_NOTHING, tcb->snd.nxt, 0);
    if (tcb->probe_now)
        return plan(SEND_PROBE, seq_sub(tcb->snd.una, 1), 0);
    return tcb->recovery == RECOVERY_OPEN ? decide_new(tcb) : decide_recovery(tcb);
}

struct send_plan send_decide(const struct tcb *tcb)
{
    struct send_plan text = plan(SEND_NOTHING, tcb->snd.nxt, 0);
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
    case HAWSER_TIME_WAIT:
        return text; /* nobody is there to send; TIME-WAIT answers from its record */
    case HAWSER_SYN_SENT:
        return tcb->rtx_now ? plan(SEND_FRONT, tcb->iss, 0) : text;
    case HAWSER_SYN_RECEIVED:
        if (tcb->rtx_now)
            return plan(SEND_FRONT, tcb->iss, 0);
        break;
    case HAWSER_ESTABLISHED:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_CLOSE_WAIT:
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
        if (tcb->dup_acks_owed == 0)
            text = decide_text(tcb);
        break;
    case HAWSER_FIN_WAIT_2:
        if (tcb->probe_now) /* keep-alive */
            text = plan(SEND_PROBE, seq_sub(tcb->snd.una, 1), 0);
        break;
    }
    if (tcb->dup_acks_owed > 0)
        return plan(SEND_DUP_ACK, tcb->snd.nxt, 0);
    if (text.kind != SEND_NOTHING)
        return text; /* RFC9293 3.10.7.4g-4: the ACK rides on it */
    if (tcb->ack_now || tcb->window_update)
        return plan(SEND_ACK, tcb->snd.nxt, 0);
    if (timers_need_arming(tcb))
        return plan(SEND_ARM_OTHER, tcb->snd.nxt, 0);
    return text;
}

bool tcp_has_output(const struct tcp *tcp, const struct tcb *tcb)
{
    (void)tcp;
    bool quiet = send_is_quiet(tcb);
    CHECK(!quiet || send_decide(tcb).kind == SEND_NOTHING);
    return !quiet && send_decide(tcb).kind != SEND_NOTHING;
}
