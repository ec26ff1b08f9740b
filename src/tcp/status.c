/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.6 STATUS, and the options of a connection. */
#include "tcp/handshake.h"
#include "tcp/recovery.h"
#include "tcp/rtx.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"

static void status_of_recovery(const struct tcb *tcb, struct hawser_tcp_info *info)
{
    info->recovery = tcb->recovery;
    info->sacked_bytes = tcb->sacked_bytes;
    if (tcb->recovery == RECOVERY_OPEN)
        return;
    uint32_t flight = tcb_flight(tcb);
    uint32_t pipe = recovery_pipe(tcb);
    info->retransmitting_bytes = seq_diff(tcb->high_rxt, tcb->snd.una);
    uint32_t known = tcb->sacked_bytes + pipe;
    info->lost_bytes = flight + info->retransmitting_bytes > known
                           ? flight + info->retransmitting_bytes - known
                           : 0;
}

static void status_of_urgency(const struct tcb *tcb, struct hawser_tcp_info *info)
{
    if (!tcb->rcv_urgent)
        return;
    seq_t first = seq_sub(tcb->rcv.nxt, tcb->rx.len + (tcb->fin_received ? 1 : 0));
    info->urgent = true;
    info->urgent_bytes = seq_gt(tcb->rcv.up, first) ? seq_diff(tcb->rcv.up, first) : 0;
}

/* The block keeps milliseconds, modulo 2^32. */
static void status_of_silence(const struct tcb *tcb, uint64_t now_ns, struct hawser_tcp_info *info)
{
    uint32_t now_ms = ms_clock(now_ns);
    if (tcb->segs_out > 0)
        info->last_sent_ns = (uint32_t)(now_ms - tcb->sent_at_ms) * NS_PER_MS;
    if (tcb->segs_in > 0)
        info->last_heard_ns = (uint32_t)(now_ms - tcb->heard_at_ms) * NS_PER_MS;
}

void tcp_status(const struct tcp *tcp, const struct tcb *tcb, uint64_t now_ns,
                struct hawser_tcp_info *info)
{
    (void)tcp;
    info->state = (enum hawser_state)tcb->state;
    info->error = tcb->error;
    info->soft_error = tcb->soft_error;
    uint64_t deadline = tcb_deadline(tcb);
    info->timer_ns = deadline == NEVER ? NEVER : ns_since(deadline, now_ns);
    info->timer_kind = (uint8_t)tcb_deadline_kind(tcb);
    info->receive_queue_bytes = tcb->rx.len;
    info->send_queue_bytes = tcb->tx.len;
    bool sending = seq_gt(tcb_tx_end(tcb), tcb->snd.nxt);
    info->unsent_bytes = sending ? seq_diff(tcb_tx_end(tcb), tcb->snd.nxt) : 0;
    info->iss = tcb->iss.v;
    info->snd_una = tcb->snd.una.v;
    info->snd_nxt = tcb->snd.nxt.v;
    info->snd_wnd = tcb->snd.wnd;
    info->snd_up = tcb->snd.up.v;
    info->irs = tcb->irs.v;
    info->rcv_nxt = tcb->rcv.nxt.v;
    info->rcv_wnd = tcb->rcv.wnd;
    info->rcv_up = tcb->rcv.up.v;
    info->has_timestamps = tcb->has_timestamps;
    info->has_sack = tcb->has_sack;
    info->has_wscale = tcb->has_wscale;
    info->nodelay = tcb->set.nodelay;
    info->keepalive = tcb->set.keepalive;
    info->snd_wscale = tcb->snd_wscale;
    info->rcv_wscale = tcb->rcv_wscale;
    info->send_mss_bytes = tcb->snd_mss;
    info->advertised_mss_bytes = tcb->rcv_mss;
    info->cwnd_bytes = tcb->cwnd;
    info->ssthresh_bytes = tcb->ssthresh;
    info->srtt_ns = (uint64_t)tcb->srtt_us * NS_PER_US;
    info->rttvar_ns = (uint64_t)tcb->rttvar_us * NS_PER_US;
    info->rto_ns = rtx_rto_ns(tcb);
    info->backoff_count = tcb->rtx_count;
    status_of_recovery(tcb, info);
    status_of_urgency(tcb, info);
    info->bytes_sent = tcb->bytes_sent;
    info->bytes_acked = tcb->bytes_sent - (tcb->tx.len - info->unsent_bytes);
    info->bytes_received = tcb->bytes_received;
    info->bytes_retransmitted = tcb->bytes_rtx;
    info->segments_sent = tcb->segs_out;
    info->segments_received = tcb->segs_in;
    info->retransmissions = tcb->rtx_total;
    info->duplicate_acks = tcb->dup_acks_total;
    info->out_of_order = tcb->ooo_total;
    info->rtt_samples = tcb->rtt_samples;
    info->fin_received = tcb->fin_received;
    status_of_silence(tcb, now_ns, info);
}

static bool in_range(uint64_t value, uint64_t least, uint64_t most)
{
    return value >= least && value <= most;
}

/* The options that count something. */
static int set_number(const struct tcp *tcp, struct tcb_settings *set, enum hawser_option option,
                      uint64_t value)
{
    const uint64_t ns_max = (UINT32_MAX - 1) * NS_PER_MS;
    bool never = value == UINT64_MAX;
    uint32_t ms = value > ns_max ? UINT32_MAX : (uint32_t)((value + NS_PER_MS - 1) / NS_PER_MS);
    if (option == HAWSER_OPTION_KEEPALIVE_IDLE_NS && in_range(value, NS_PER_S, ns_max))
        set->keepalive_idle_ms = ms; /* RFC9293 MUST-27 */
    else if (option == HAWSER_OPTION_KEEPALIVE_INTERVAL_NS && in_range(value, NS_PER_S, ns_max))
        set->keepalive_interval_ms = ms;
    else if (option == HAWSER_OPTION_KEEPALIVE_PROBES && in_range(value, 1, 127))
        set->keepalive_probes = (uint8_t)value;
    else if (option == HAWSER_OPTION_USER_TIMEOUT_NS && (never || value <= ns_max))
        set->user_timeout_ms = ms; /* RFC9293 MUST-21 */
    else if (option == HAWSER_OPTION_SYN_RETRIES && value <= 127)
        set->syn_retries = (uint8_t)value; /* RFC9293 MUST-23: the program's to choose */
    else if (option == HAWSER_OPTION_HOP_LIMIT && in_range(value, 1, 255))
        set->hop_limit = (uint8_t)value; /* RFC9293 MUST-49 */
    else if (option == HAWSER_OPTION_TRAFFIC_CLASS && value <= 255)
        set->traffic_class = (uint8_t)(value & 0xfc); /* RFC9293 MUST-48 */
    else if (option == HAWSER_OPTION_SEND_BUFFER_BYTES &&
             in_range(value, 2048, tcp->config->send_buffer_bytes))
        set->snd_buf_bytes = (uint32_t)value;
    else if (option == HAWSER_OPTION_RECEIVE_BUFFER_BYTES &&
             in_range(value, 2048, tcp->config->receive_buffer_bytes))
        set->rcv_buf_bytes_max = (uint32_t)value;
    else if (option == HAWSER_OPTION_MAX_SEGMENT_BYTES && in_range(value, 88, 65495))
        set->mss_max = (uint16_t)value;
    else
        return HAWSER_ERR_INVALID;
    return 0;
}

int tcb_settings_set(const struct tcp *tcp, struct tcb_settings *set, enum hawser_option option,
                     uint64_t value)
{
    switch (option) {
    case HAWSER_OPTION_NODELAY:
    case HAWSER_OPTION_KEEPALIVE:
    case HAWSER_OPTION_CORK:
    case HAWSER_OPTION_QUICK_ACK:
    case HAWSER_OPTION_LINGER_RESET:
    case HAWSER_OPTION_READ_SHUT:
        if (value > 1)
            return HAWSER_ERR_INVALID;
        if (option == HAWSER_OPTION_NODELAY)
            set->nodelay = value; /* RFC9293 MUST-17 */
        else if (option == HAWSER_OPTION_KEEPALIVE)
            set->keepalive = value; /* RFC9293 MUST-24 */
        else if (option == HAWSER_OPTION_CORK)
            set->cork = value;
        else if (option == HAWSER_OPTION_LINGER_RESET)
            set->linger_reset = value;
        else if (option == HAWSER_OPTION_READ_SHUT)
            set->read_shut = value;
        return 0;
    case HAWSER_OPTION_KEEPALIVE_IDLE_NS:
    case HAWSER_OPTION_KEEPALIVE_INTERVAL_NS:
    case HAWSER_OPTION_KEEPALIVE_PROBES:
    case HAWSER_OPTION_USER_TIMEOUT_NS:
    case HAWSER_OPTION_HOP_LIMIT:
    case HAWSER_OPTION_TRAFFIC_CLASS:
    case HAWSER_OPTION_SEND_BUFFER_BYTES:
    case HAWSER_OPTION_RECEIVE_BUFFER_BYTES:
    case HAWSER_OPTION_MAX_SEGMENT_BYTES:
    case HAWSER_OPTION_SYN_RETRIES:
        return set_number(tcp, set, option, value);
    case HAWSER_OPTION_BACKLOG: /* no connection has one */
        break;
    }
    return HAWSER_ERR_NO_OPTION;
}

int tcb_settings_get(const struct tcb_settings *set, enum hawser_option option, uint64_t *value)
{
    switch (option) {
    case HAWSER_OPTION_NODELAY:
        *value = set->nodelay;
        return 0;
    case HAWSER_OPTION_KEEPALIVE:
        *value = set->keepalive;
        return 0;
    case HAWSER_OPTION_CORK:
        *value = set->cork;
        return 0;
    case HAWSER_OPTION_LINGER_RESET:
        *value = set->linger_reset;
        return 0;
    case HAWSER_OPTION_KEEPALIVE_IDLE_NS:
        *value = set->keepalive_idle_ms * NS_PER_MS;
        return 0;
    case HAWSER_OPTION_KEEPALIVE_INTERVAL_NS:
        *value = set->keepalive_interval_ms * NS_PER_MS;
        return 0;
    case HAWSER_OPTION_KEEPALIVE_PROBES:
        *value = set->keepalive_probes;
        return 0;
    case HAWSER_OPTION_USER_TIMEOUT_NS:
        *value = set->user_timeout_ms == UINT32_MAX ? UINT64_MAX : set->user_timeout_ms * NS_PER_MS;
        return 0;
    case HAWSER_OPTION_HOP_LIMIT:
        *value = set->hop_limit;
        return 0;
    case HAWSER_OPTION_TRAFFIC_CLASS:
        *value = set->traffic_class;
        return 0;
    case HAWSER_OPTION_SEND_BUFFER_BYTES:
        *value = set->snd_buf_bytes;
        return 0;
    case HAWSER_OPTION_RECEIVE_BUFFER_BYTES:
        *value = set->rcv_buf_bytes_max;
        return 0;
    case HAWSER_OPTION_MAX_SEGMENT_BYTES:
        *value = set->mss_max;
        return 0;
    case HAWSER_OPTION_SYN_RETRIES:
        *value = set->syn_retries;
        return 0;
    case HAWSER_OPTION_READ_SHUT:
        *value = set->read_shut;
        return 0;
    case HAWSER_OPTION_QUICK_ACK: /* an act, not a setting */
    case HAWSER_OPTION_BACKLOG:
        break;
    }
    return HAWSER_ERR_NO_OPTION;
}

int tcp_set_option(const struct tcp *tcp, struct tcb *tcb, enum hawser_option option,
                   uint64_t value)
{
    /* The MSS was announced with the SYN; it cannot be taken back. */
    if (option == HAWSER_OPTION_MAX_SEGMENT_BYTES && tcb->segs_out > 0)
        return HAWSER_ERR_NO_OPTION;
    int result = tcb_settings_set(tcp, &tcb->set, option, value);
    if (result != 0)
        return result;
    if (option == HAWSER_OPTION_QUICK_ACK) {
        tcb->quick_acks = value ? UINT8_MAX : 0;
        if (value && tcb->timer.delack_ns != NEVER)
            tcb->ack_now = true;
    } else if (option == HAWSER_OPTION_KEEPALIVE && value == 0) {
        tcb->timer.keepalive_ns = NEVER;
        if (tcb->timer.persist_ns == NEVER) { /* probes that nobody has answered count no more */
            tcb->probe_count = 0;
            tcb->probe_now = false;
        }
    } else if (option == HAWSER_OPTION_KEEPALIVE_IDLE_NS && tcb->probe_count == 0) {
        tcb->timer.keepalive_ns = NEVER; /* armed anew at the next output */
    } else if (option == HAWSER_OPTION_USER_TIMEOUT_NS) {
        tcb->timer.user_ns = NEVER; /* counts from the next segment or ACK */
    } else if (option == HAWSER_OPTION_RECEIVE_BUFFER_BYTES && tcb->state == HAWSER_SYN_SENT &&
               tcb->segs_out == 0) { /* the SYN will tell of it */
        tcb->rcv_wscale = handshake_own_wscale(tcp, &tcb->set);
        tcb_start_receiving(tcp, tcb);
    } else if (option == HAWSER_OPTION_RECEIVE_BUFFER_BYTES && tcb->rcv_buf_bytes > value) {
        /* the window offered stays; it closes with what arrives (RFC9293 SHLD-14) */
        tcb->rcv_buf_bytes = (uint32_t)value;
    } else if (option == HAWSER_OPTION_MAX_SEGMENT_BYTES) {
        if (tcb->rcv_mss > value)
            tcb->rcv_mss = (uint16_t)value;
        tcb_update_mss(tcb);
    }
    return 0;
}
