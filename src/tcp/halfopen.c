/* SPDX-License-Identifier: MIT */
/* Half-open requests: what is kept of a connection in SYN-RECEIVED that came from LISTEN
 * (RFC 9293 3.10.7.2, RFC 4987 3.5). */
#include "tcp/halfopen.h"

#include <string.h>

#include "base/assert.h"
#include "tcp/handshake.h"
#include "tcp/timestamps.h"

/* Least time between a SYN-ACK and the next one that only a repeated SYN asks for. Peers repeat a
 * SYN after 1 s; a faster repetition comes from the network or from someone who wants us to send to
 * a forged address. */
#define REPEAT_MS 500u

void halfopen_from_syn(const struct tcp *tcp, const struct tcb_settings *set,
                       const struct tcp_open *opening, const struct segment *syn, uint64_t now_ns,
                       struct halfopen *out)
{
    struct handshake_options peer;
    handshake_accept(tcp, syn, opening->v4, &peer);
    memset(out, 0, sizeof *out);
    out->irs = syn->seq; /* RFC9293 3.10.7.2-3 */
    out->iss = opening->iss;
    out->ts_recent = peer.ts_val;
    out->ts_offset = opening->ts_offset;
    out->snd_wnd = syn->wnd;
    out->peer_mss = peer.mss;
    out->path_mss = opening->path_mss;
    out->link_mss = opening->link_mss;
    out->peer_wscale = peer.wscale;
    out->own_wscale = peer.has_wscale ? handshake_own_wscale(tcp, set) : 0;
    out->has_timestamps = peer.has_timestamps;
    out->has_sack = peer.has_sack;
    out->has_wscale = peer.has_wscale;
    out->challenge_at_ms = ms_clock(now_ns);
    out->synack_at_ns = NEVER;
    out->synack_now = true;
}

/* How long SYN-ACK number `count` is waited for: the first RTO, doubled for each one before. */
static uint64_t synack_interval(const struct tcp *tcp, unsigned count)
{
    uint64_t interval = tcp->config->rto_initial_ns;
    for (unsigned i = 1; i < count && interval < tcp->config->rto_max_ns; i++)
        interval *= 2;
    return ns_min(interval, tcp->config->rto_max_ns);
}

/* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> (RFC9293 3.10.7.2-3); the window is not scaled yet
 * (RFC7323 04). */
static void build_synack(const struct tcp *tcp, const struct tcb_settings *set,
                         const struct halfopen *half, uint64_t now_ns, struct segment *out)
{
    const struct handshake_options peer = {
        .ts_val = half->ts_recent,
        .has_timestamps = half->has_timestamps,
        .has_sack = half->has_sack,
        .has_wscale = half->has_wscale,
    };
    *out = (struct segment){
        .seq = half->iss,
        .ack = seq_add(half->irs, 1),
        .len = 1,
        .wnd = handshake_initial_rcv_wnd(tcp, set),
        .flags = TCP_SYN | TCP_ACK,
    };
    handshake_answer(tcp, set, half->link_mss, &peer, ts_clock(now_ns) + half->ts_offset, out);
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. The window of the SYN-ACK, from now on in units of the
 * scale; rounded down, for the block that takes over will not go beyond what the SYN-ACK said. */
static void build_ack(const struct tcp *tcp, const struct tcb_settings *set,
                      const struct halfopen *half, uint64_t now_ns, struct segment *out)
{
    *out = (struct segment){
        .seq = seq_add(half->iss, 1),
        .ack = seq_add(half->irs, 1),
        .wnd = (uint16_t)(handshake_initial_rcv_wnd(tcp, set) >> half->own_wscale),
        .flags = TCP_ACK,
    };
    if (half->has_timestamps) { /* RFC7323 12 */
        out->options = TCP_OPT_TIMESTAMPS;
        out->ts_val = ts_clock(now_ns) + half->ts_offset;
        out->ts_ecr = half->ts_recent;
    }
}

bool halfopen_output(const struct tcp *tcp, const struct tcb_settings *set, struct halfopen *half,
                     uint64_t now_ns, struct tcp_reply *reply)
{
    if (half->synack_now) {
        half->synack_now = false;
        half->synack_sent_ms = ms_clock(now_ns);
        if (half->synack_at_ns != NEVER) {
            half->repeated = true; /* the timer runs: this one is extra */
        } else {
            if (half->synack_count == 0)
                half->first_at_ns = now_ns;
            half->synack_count++;
            half->synack_at_ns = ns_add(now_ns, synack_interval(tcp, half->synack_count));
        }
        build_synack(tcp, set, half, now_ns, &reply->segment);
    } else if (half->ack_now) {
        half->ack_now = false;
        build_ack(tcp, set, half, now_ns, &reply->segment);
    } else {
        return false;
    }
    reply->present = true;
    return true;
}

bool halfopen_timeout(const struct tcp *tcp, struct halfopen *half, uint64_t now_ns)
{
    if (now_ns < half->synack_at_ns)
        return true;
    if (half->synack_count > tcp->config->synack_retries) {
        tcp->counters->halfopen_timeouts++; /* RFC4987 07 */
        return false;
    }
    half->synack_now = true;
    half->synack_at_ns = NEVER;
    return true;
}

bool halfopen_is_duplicate_syn(const struct halfopen *half, const struct segment *seg)
{
    return (seg->flags & (TCP_SYN | TCP_RST)) == TCP_SYN && seq_eq(seg->seq, half->irs);
}

void halfopen_repeat_synack(struct halfopen *half, const struct segment *syn, uint64_t now_ns)
{
    if (half->synack_now || ms_clock(now_ns) - half->synack_sent_ms < REPEAT_MS)
        return;
    /* RFC7323 23: it starts left of Last.ACK.sent, so a newer TSval is the one to echo. */
    bool newer = (int32_t)(syn->ts_val - half->ts_recent) > 0;
    if (half->has_timestamps && (syn->options & TCP_OPT_TIMESTAMPS) && newer)
        half->ts_recent = syn->ts_val;
    half->synack_now = true;
}

/* Send side of RFC 9293 3.3.1 as 3.10.7.2 leaves it: SND.NXT = ISS+1, SND.UNA = ISS. */
static void inflate_send_side(const struct halfopen *half, struct tcb *tcb)
{
    tcb->iss = tcb->snd.una = tcb->snd.up = tcb->snd.wl2 = half->iss;
    tcb->snd.nxt = seq_add(half->iss, 1);
    tcb->snd.wl1 = half->irs;
    tcb->snd.wnd = tcb->snd.wnd_max = half->snd_wnd; /* RFC7323 04: as it stood in the SYN */
    tcb->recover = half->iss;                        /* RFC6582 01 */
    tcb->peer_mss = half->peer_mss;
    tcb->path_mss = half->path_mss;
    tcb_update_mss(tcb);
    tcb->cwnd = tcb->snd_mss; /* until it is established and the initial window counts */
    tcb->syn_lost = half->synack_count > 1 || half->repeated; /* RFC5681 04 */
    tcb->segs_out = half->synack_count;
    /* Karn: time the handshake only when there is no doubt which SYN-ACK is acknowledged
     * (RFC 6298 3). */
    tcb->timing = half->synack_count == 1 && !tcb->syn_lost && half->first_at_ns != 0;
    /* When the last SYN-ACK left: an echo of one before it tells nothing (ack.c). */
    uint32_t later_ms = half->synack_sent_ms - ms_clock(half->first_at_ns);
    tcb->rtt_at_ns = half->first_at_ns == 0 ? 0 : half->first_at_ns + later_ms * NS_PER_MS;
    tcb->rtt_seq = tcb->snd.nxt;
    /* The SYN-ACK's timer, as the block knows it: it runs, or it expired and the front waits to be
     * sent. */
    tcb->timer.rtx_ns = half->synack_at_ns;
    tcb->rtx_now = half->synack_at_ns == NEVER;
}

/* Receive side: RCV.NXT = IRS+1, and the window that the SYN-ACK offered. */
static void inflate_receive_side(const struct tcp *tcp, const struct halfopen *half,
                                 struct tcb *tcb)
{
    tcb->irs = half->irs;
    tcb->rcv.up = half->irs;
    tcb->rcv.nxt = tcb->rcv.last_ack = seq_add(half->irs, 1);
    tcb->rcv_mss = handshake_own_mss(&tcb->set, half->link_mss);
    tcb->rcv_wscale = half->own_wscale;
    tcb_start_receiving(tcp, tcb);
}

void halfopen_inflate(const struct tcp *tcp, const struct tcb_settings *set,
                      const struct halfopen *half, struct tcb *tcb)
{
    tcb_init(tcp, tcb);
    tcb->set = *set;
    tcb->passive = true; /* RFC9293 MUST-11 */
    tcb->segs_in = 1;    /* the SYN */
    tcb->has_timestamps = half->has_timestamps;
    tcb->has_sack = half->has_sack;
    tcb->has_wscale = half->has_wscale;
    tcb->snd_wscale = half->peer_wscale;
    tcb->ts_offset = half->ts_offset;
    if (half->has_timestamps)
        timestamps_start(tcb, half->ts_recent, half->first_at_ns);
    inflate_send_side(half, tcb);
    inflate_receive_side(tcp, half, tcb);
    tcb->challenge_count = half->challenge_count;
    tcb->challenge_at_ms = half->challenge_at_ms;
    tcb->ack_now = half->ack_now;
    struct tcp unobserved = *tcp;
    unobserved.observer = NULL;
    tcb_set_state(&unobserved, tcb, HAWSER_SYN_RECEIVED, HAWSER_CAUSE_SYN);
}

void halfopen_deflate(const struct tcp *tcp, struct tcb *tcb, struct halfopen *half)
{
    ASSERT(tcb->state == HAWSER_SYN_RECEIVED && seq_eq(tcb->iss, half->iss));
    half->ts_recent = tcb->ts_recent;
    half->ack_now = tcb->ack_now || tcb->dup_acks_owed > 0;
    if (tcb->rtx_now) /* due before, or asked for by a repeated SYN */
        half->synack_now = true;
    half->challenge_count = tcb->challenge_count;
    half->challenge_at_ms = tcb->challenge_at_ms;
    tcb_release(tcp, tcb);
}
