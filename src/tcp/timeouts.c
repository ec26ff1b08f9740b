/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.8: timeouts, and those of 3.8.3 (R1 and R2), 3.8.4 (keep-alive) and 3.8.6
 * (windows). TIME-WAIT's is in timewait.c. */
#include "base/assert.h"
#include "tcp/recovery.h"
#include "tcp/rtx.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"

static void note(const struct tcp *tcp, const struct tcb *tcb, enum hawser_timer timer)
{
    if (__builtin_expect(tcp->observer != NULL, 0))
        tcp->observer->timer_expired(tcp->observer->ctx, tcb, timer);
}

static void give_up(const struct tcp *tcp, struct tcb *tcb, enum hawser_cause cause)
{
    tcp->counters->timeouts_user++;
    /* RFC9293 SHLD-25: what the network said of it is the better answer, as in Linux. */
    tcb_end(tcp, tcb, tcb->net_error != 0 ? tcb->net_error : HAWSER_ERR_TIMED_OUT, cause);
}

/* 3.10.8 USER TIMEOUT: for any state, flush all queues, signal "connection aborted due to user
 * timeout", delete the TCB (RFC9293 3.10.8-1). */
static void user_timeout(const struct tcp *tcp, struct tcb *tcb)
{
    note(tcp, tcb, HAWSER_TIMER_USER);
    give_up(tcp, tcb, HAWSER_CAUSE_TIMEOUT_USER);
}

/* A window shrunk to nothing makes retransmissions into probes; while they are answered nobody is
 * dead (RFC9293 MUST-35, MUST-37, SHLD-17). */
static bool kept_waiting(const struct tcb *tcb)
{
    return tcb->snd.wnd == 0 && tcb->answered;
}

/* RFC9293 MUST-20, MUST-21, MUST-22: is it time to give up? (RFC9293 3.9.1.1x-1: without a user
 * timeout, by the configured counts.) */
static bool r2_reached(const struct tcp *tcp, const struct tcb *tcb)
{
    const struct hawser_config *config = tcp->config;
    if (tcb->state == HAWSER_SYN_SENT)
        return tcb->rtx_count >=
               (tcb->set.syn_retries != 0 ? tcb->set.syn_retries : config->syn_retries);
    if (tcb->state == HAWSER_SYN_RECEIVED)
        return tcb->rtx_count >= config->synack_retries;
    if (kept_waiting(tcb))
        return false;
    if (tcb->no_reader)
        return tcb->rtx_count >= config->orphan_retries;
    if (tcb->set.user_timeout_ms != 0)
        return false; /* the user timer decides */
    return tcb->rtx_count >= config->retries2;
}

/* 3.10.8 RETRANSMISSION TIMEOUT: send the segment at the front of the retransmission queue again,
 * reinitialize the timer (RFC9293 3.10.8-2, 3.6-4). */
static void retransmission_timeout(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    note(tcp, tcb, HAWSER_TIMER_RETRANSMISSION);
    tcp->counters->timeouts_retransmission++;
    if (r2_reached(tcp, tcb)) {
        give_up(tcp, tcb, HAWSER_CAUSE_TIMEOUT_RETRANSMISSION);
        return;
    }
    if (kept_waiting(tcb))
        /* counts from the probe that will be the first without an answer */
        tcb->timer.user_ns = NEVER;
    if (tcb->rtx_count < UINT8_MAX)
        tcb->rtx_count++;
    if (tcb->rtx_count == tcp->config->retries1 && !tcb->r1_reported) {
        /* RFC9293 MUST-20, MUST-47, SHLD-10: tell the user, and IP, that the path may be bad. */
        tcb->r1_reported = true;
        if (tcb->soft_error == 0) /* what ICMP said, and nobody has asked for yet, tells more */
            tcb->soft_error = HAWSER_ERR_EXCESSIVE_RETRANSMISSION;
        tcb_tell(tcb, HAWSER_EVENT_SOFT_ERROR);
    }
    tcb->timing = false; /* RFC6298 06 */
    if (!tcb->syn_acked) {
        tcb->syn_lost = true;
        tcb->rtx_now = true;
    } else {
        recovery_on_timeout(tcp, tcb);
    }
    rtx_back_off(tcp, tcb);
    tcb->timer.rtx_ns = ns_add(now_ns, rtx_rto_ns(tcb));
}

/* RFC9293 MUST-36 */
static void persist_timeout(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    note(tcp, tcb, HAWSER_TIMER_PERSIST);
    /* RFC9293 MUST-37: for ever, as long as probes are answered; unanswered ones count like
     * retransmissions. */
    if (tcb->probe_count == 0 || tcb->answered) {
        tcb->rtx_count = 0;
        tcb->timer.user_ns = NEVER; /* counts from this probe */
    } else if (tcb->rtx_count < UINT8_MAX) {
        tcb->rtx_count++;
    }
    uint8_t most = tcb->no_reader ? tcp->config->orphan_retries : tcp->config->retries2;
    bool by_count = tcb->no_reader || tcb->set.user_timeout_ms == 0;
    if (by_count && tcb->rtx_count >= most) {
        give_up(tcp, tcb, HAWSER_CAUSE_TIMEOUT_RETRANSMISSION);
        return;
    }
    if (tcb->probe_count < UINT8_MAX)
        tcb->probe_count++;
    tcb->probe_now = true;
    /* RFC9293 SHLD-30 */
    unsigned shift = tcb->probe_count < 20 ? tcb->probe_count : 20;
    uint64_t wait = rtx_rto_ns(tcb) << shift;
    tcb->timer.persist_ns = ns_add(now_ns, ns_min(wait, tcp->config->rto_max_ns));
    timers_on_probe(tcb, now_ns);
}

/* RFC 9293 3.8.4 (RFC9293 MAY-5). The deadline is lazy: it is looked at when it comes, not moved
 * with each segment. The probe has no text (RFC9293 SHLD-12): a receiver that takes its octet for
 * new would be a broken one, and every one answers without. */
static void keepalive_timeout(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    uint32_t quiet_ms = ms_clock(now_ns) - tcb->heard_at_ms;
    if (!tcb->set.keepalive) {
        tcb->timer.keepalive_ns = NEVER;
        return;
    }
    /* RFC9293 MUST-26: nothing outstanding, nothing heard for the whole interval. */
    if (tcb_flight(tcb) > 0 || tcb->tx.len > 0) {
        tcb->timer.keepalive_ns = ns_add(now_ns, (uint64_t)tcb->set.keepalive_idle_ms * NS_PER_MS);
        return;
    }
    if (tcb->probe_count == 0 && quiet_ms < tcb->set.keepalive_idle_ms) {
        tcb->timer.keepalive_ns =
            ns_add(now_ns, (uint64_t)(tcb->set.keepalive_idle_ms - quiet_ms) * NS_PER_MS);
        return;
    }
    note(tcp, tcb, HAWSER_TIMER_KEEPALIVE);
    if (tcb->probe_count >= tcb->set.keepalive_probes) { /* RFC9293 MUST-29: never a single one */
        give_up(tcp, tcb, HAWSER_CAUSE_TIMEOUT_KEEPALIVE);
        return;
    }
    tcb->probe_count++;
    tcb->probe_now = true;
    tcp->counters->keepalives++;
    tcb->timer.keepalive_ns = ns_add(now_ns, (uint64_t)tcb->set.keepalive_interval_ms * NS_PER_MS);
}

static void delayed_ack_timeout(const struct tcp *tcp, struct tcb *tcb)
{
    note(tcp, tcb, HAWSER_TIMER_DELAYED_ACK);
    tcp->counters->delayed_acks++;
    tcb->timer.delack_ns = NEVER;
    tcb->ack_now = true;
}

void tcp_timeouts(const struct tcp *tcp, struct tcb *tcb, uint64_t now_ns, struct tcp_reply *reply)
{
    reply->present = false;
    tcb_check(tcp, tcb);
    if (tcb->timer.user_ns <= now_ns) {
        /* the text is not undeliverable yet: the next probe starts it anew */
        if (kept_waiting(tcb))
            tcb->timer.user_ns = NEVER;
        else
            user_timeout(tcp, tcb);
    }
    if (tcb->timer.rtx_ns <= now_ns)
        retransmission_timeout(tcp, tcb, now_ns);
    if (tcb->timer.persist_ns <= now_ns)
        persist_timeout(tcp, tcb, now_ns);
    if (tcb->timer.keepalive_ns <= now_ns)
        keepalive_timeout(tcp, tcb, now_ns);
    if (tcb->timer.delack_ns <= now_ns)
        delayed_ack_timeout(tcp, tcb);
    if (tcb->timer.override_ns <= now_ns) {
        note(tcp, tcb, HAWSER_TIMER_OVERRIDE);
        tcb->timer.override_ns = NEVER;
        tcb->override_now = true;
    }
    tcb_check(tcp, tcb);
}
