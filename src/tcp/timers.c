/* SPDX-License-Identifier: MIT */
/* Timers are told what happened; which deadline follows is decided here and nowhere else.
 *
 *  timer      armed when                              cleared when                 on expiry (timeouts.c)            clause
 *  rtx        text, SYN or FIN is outstanding         all of it is acknowledged    front again, RTO doubled          RFC 6298 5
 *  persist    text waits, window 0, nothing under way the window opens             window probe, interval doubled    RFC 9293 3.8.6.1
 *  override   text waits that is too short to send    it is sent                   it is sent                        RFC 9293 3.8.6.2.1
 *  delack     text came in order, no ACK left yet     an ACK leaves                ACK                               RFC 9293 3.8.6.3
 *  keepalive  keep-alives are on                      they are switched off        probe, or give up                 RFC 9293 3.8.4
 *  user       text is outstanding or a probe is, and  some of it is acknowledged,  give up                           RFC 9293 3.10.8
 *             a timeout is set                        or the probe is answered
 *
 * FIN-WAIT-2 without a program and TIME-WAIT are no timers of a block: they are records in a
 * queue (timewait.h). */
#include "tcp/timers.h"

#include "tcp/rtx.h"
#include "tcp/tcp.h"

/* RFC9293 MUST-21 */
static void arm_user_timeout(struct tcb *tcb, uint64_t now_ns)
{
    if (tcb->set.user_timeout_ms == 0 || tcb->set.user_timeout_ms == UINT32_MAX)
        return;
    if (tcb->timer.user_ns == NEVER)
        tcb->timer.user_ns = ns_add(now_ns, (uint64_t)tcb->set.user_timeout_ms * NS_PER_MS);
}

void timers_on_sent(struct tcb *tcb, uint64_t now_ns)
{
    tcb->sent_at_ms = ms_clock(now_ns);
    tcb->answered = false;
    if (tcb->timer.rtx_ns == NEVER)
        tcb->timer.rtx_ns = ns_add(now_ns, rtx_rto_ns(tcb)); /* RFC6298 10 */
    tcb->timer.persist_ns = NEVER;
    tcb->timer.override_ns = NEVER;
    arm_user_timeout(tcb, now_ns);
}

void timers_on_front_again(struct tcb *tcb, uint64_t now_ns)
{
    tcb->timer.rtx_ns = ns_add(now_ns, rtx_rto_ns(tcb));
}

void timers_on_acked(struct tcb *tcb, bool restart, uint64_t now_ns)
{
    tcb->timer.user_ns = NEVER;
    if (tcb_flight(tcb) == 0) {
        tcb->timer.rtx_ns = NEVER; /* RFC6298 10 */
        return;
    }
    if (restart)
        tcb->timer.rtx_ns = ns_add(now_ns, rtx_rto_ns(tcb)); /* RFC6298 10, RFC6928 06 */
    arm_user_timeout(tcb, now_ns);
}

void timers_on_ack_sent(struct tcb *tcb)
{
    tcb->timer.delack_ns = NEVER;
}

void timers_on_text_received(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    if (tcb->timer.delack_ns == NEVER)
        tcb->timer.delack_ns = ns_add(now_ns, tcp->config->delayed_ack_ns); /* RFC9293 MUST-40 */
}

static void arm_keepalive(struct tcb *tcb, uint64_t now_ns)
{
    tcb->timer.keepalive_ns = ns_add(now_ns, (uint64_t)tcb->set.keepalive_idle_ms * NS_PER_MS);
}

void timers_on_established(struct tcb *tcb, uint64_t now_ns)
{
    if (tcb->set.keepalive)
        arm_keepalive(tcb, now_ns);
}

void timers_on_heard(struct tcb *tcb, uint64_t now_ns)
{
    /* The keep-alive deadline is not moved for each segment: timeouts.c looks at heard_at_ms when
     * it comes (RFC9293 MUST-26). */
    tcb->heard_at_ms = ms_clock(now_ns);
    tcb->answered = true;
    if (tcb->timer.persist_ns == NEVER && tcb->timer.rtx_ns == NEVER && tcb->probe_count > 0) {
        tcb->probe_count = 0; /* keep-alive probes were answered */
        if (tcb->set.keepalive)
            arm_keepalive(tcb, now_ns);
    }
}

void timers_on_window_shut(struct tcb *tcb, uint64_t now_ns)
{
    if (tcb->timer.persist_ns != NEVER)
        return;
    tcb->probe_count = 0;
    tcb->timer.persist_ns = ns_add(now_ns, rtx_rto_ns(tcb)); /* RFC9293 SHLD-29 */
    arm_user_timeout(tcb, now_ns);
}

void timers_on_probe(struct tcb *tcb, uint64_t now_ns)
{
    arm_user_timeout(tcb, now_ns);
}

void timers_on_window_open(struct tcb *tcb)
{
    tcb->timer.persist_ns = NEVER;
    tcb->probe_count = 0;
    if (tcb_flight(tcb) == 0)
        tcb->timer.user_ns = NEVER;
}

void timers_on_held_back(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    if (tcb->timer.override_ns == NEVER)
        tcb->timer.override_ns = ns_add(now_ns, tcp->config->override_ns);
}

/* States in which keep-alives make sense: the peer is there and we still expect something from it,
 * or it from us. */
static bool may_keep_alive(const struct tcb *tcb)
{
    return state_is_synchronized(tcb->state) && tcb->state != HAWSER_TIME_WAIT;
}

bool timers_need_arming(const struct tcb *tcb)
{
    return tcb->set.keepalive && tcb->timer.keepalive_ns == NEVER && may_keep_alive(tcb);
}

void timers_arm(struct tcb *tcb, uint64_t now_ns)
{
    if (timers_need_arming(tcb))
        arm_keepalive(tcb, now_ns);
}

uint64_t tcb_deadline(const struct tcb *tcb)
{
    uint64_t at = ns_min(tcb->timer.rtx_ns, tcb->timer.delack_ns);
    at = ns_min(at, ns_min(tcb->timer.persist_ns, tcb->timer.override_ns));
    return ns_min(at, ns_min(tcb->timer.keepalive_ns, tcb->timer.user_ns));
}

enum hawser_timer tcb_deadline_kind(const struct tcb *tcb)
{
    uint64_t at = tcb_deadline(tcb);
    if (at == NEVER)
        return HAWSER_TIMER_NONE;
    if (at == tcb->timer.rtx_ns)
        return HAWSER_TIMER_RETRANSMISSION;
    if (at == tcb->timer.persist_ns)
        return HAWSER_TIMER_PERSIST;
    if (at == tcb->timer.delack_ns)
        return HAWSER_TIMER_DELAYED_ACK;
    if (at == tcb->timer.override_ns)
        return HAWSER_TIMER_OVERRIDE;
    return at == tcb->timer.user_ns ? HAWSER_TIMER_USER : HAWSER_TIMER_KEEPALIVE;
}
