/* SPDX-License-Identifier: MIT */
/* An ACK of new data: the retransmission queue, the round-trip time, recovery, timers and the
 * program follow (RFC 9293 3.10.7.4 fifth). */
#include "tcp/recovery.h"
#include "tcp/rtx.h"
#include "tcp/seg_arrives.h"
#include "tcp/timers.h"
#include "tcp/timestamps.h"

/* A round-trip sample, if this ACK gives an unambiguous one (RFC9293 MUST-18, RFC6298 06, 07;
 * RFC8961 02, 05). */
static void measure(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg,
                    uint64_t now_ns)
{
    if (tcb->timing && seq_geq(seg->ack, tcb->rtt_seq)) {
        tcb->timing = false;
        rtx_sample(tcp, tcb, ns_since(now_ns, tcb->rtt_at_ns));
        return;
    }
    /* What was sent again is ambiguous, but for the timestamp it echoes (RFC7323 18). An echo from
     * before the last timeout is so, too: the front may have arrived then and its ACK been lost,
     * and an old segment that comes again does not move the peer's TS.Recent. Its "round trip"
     * would hold the whole timeout, the next timeout would be longer, and so on. */
    uint64_t rtt_ns, most_ns = ns_since(now_ns, tcb->rtt_at_ns) + NS_PER_MS;
    if (!tcb->timing && timestamps_rtt(tcb, seg, now_ns, &rtt_ns) && rtt_ns <= most_ns)
        rtx_sample(tcp, tcb, rtt_ns);
}

/* Takes what is acknowledged off the queue, octet by octet: SYN, text, FIN (RFC9293 3.4-6,
 * 3.4-8). */
static void trim_queue(const struct tcp *tcp, struct tcb *tcb, seq_t ack)
{
    uint32_t acked = seq_diff(ack, tcb->snd.una);
    if (!tcb->syn_acked) {
        tcb->syn_acked = true;
        acked--;
        if (tcb->state == HAWSER_FIN_WAIT_1) /* CLOSE in SYN-RECEIVED: enter_established will not */
            tcb_tell(tcb, HAWSER_EVENT_CONNECTED);
    }
    if (acked > tcb->tx.len) {
        /* the ACK is within SND.NXT: what is beyond the text can only be our FIN */
        tcb->fin_acked = true;
        acked = tcb->tx.len;
    }
    if (acked > 0)
        ring_drop(&tcb->tx, acked, false);
    if (tcb->tx.len == 0)
        ring_free(&tcb->tx, tcp->buffers); /* an idle connection holds no buffer */
    tcb->snd.una = ack;
    if (tcb->urgent_valid && seq_leq(tcb->snd.up, ack))
        tcb->urgent_valid = false;
}

/* Room again after a full buffer; everything gone. */
static void tell_program(struct tcb *tcb)
{
    uint32_t room = tcb->set.snd_buf_bytes > tcb->tx.len ? tcb->set.snd_buf_bytes - tcb->tx.len : 0;
    if (tcb->want_write && room >= tcb->set.snd_buf_bytes / 4) {
        tcb->want_write = false;
        tcb_tell(tcb, HAWSER_EVENT_WRITABLE);
    }
    if (tcb->tx.len == 0 && (!tcb->fin_queued || tcb->fin_acked) && !tcb->sent_told &&
        tcb->bytes_sent + tcb->fin_acked > 0) {
        tcb->sent_told = true;
        tcb_tell(tcb, HAWSER_EVENT_SENT);
    }
}

/* Marks that lie behind snd.una follow it: left where they are, they would lie ahead of it 2^31
 * octets later (RFC9293 3.4-1). `recover` stays left of snd.una, where RFC 6582 3.2 step 2 does not
 * mind it. */
static void pull_marks(struct tcb *tcb)
{
    if (seq_lt(tcb->small_end, tcb->snd.una))
        tcb->small_end = tcb->snd.una;
    if (tcb->recovery == RECOVERY_OPEN && seq_lt(tcb->recover, tcb->snd.una))
        tcb->recover = seq_sub(tcb->snd.una, 1);
}

void ack_new_data(const struct tcp *tcp, struct tcb *tcb, const struct segment *seg,
                  uint64_t now_ns)
{
    uint32_t acked = seq_diff(seg->ack, tcb->snd.una);
    measure(tcp, tcb, seg, now_ns);
    trim_queue(tcp, tcb, seg->ack);
    tcb->rtx_count = 0;
    tcb->probe_count = 0;
    tcb->r1_reported = false;
    tcb->net_error = 0;
    tcb->rtx_now = false; /* what was to be sent again has arrived, or recovery asks anew */
    bool restart = true;
    if (state_is_synchronized(tcb->state))
        restart = recovery_on_ack(tcp, tcb, acked, now_ns);
    pull_marks(tcb);
    timers_on_acked(tcb, restart, now_ns);
    tell_program(tcb);
}
