/* SPDX-License-Identifier: MIT */
/* struct tcp_info as Linux lays it out, filled with what Hawser knows. Hawser counts bytes where
 * Linux counts segments: those fields are bytes over the segment size, rounded up. What it does not
 * measure is 0. */
#include "sock/internal.h"

#include <string.h>

#define OPTION_TIMESTAMPS 1u
#define OPTION_SACK 2u
#define OPTION_WSCALE 4u
#define CA_OPEN 0
#define CA_RECOVERY 3
#define CA_LOSS 4
#define INFINITE_SSTHRESH 0x7fffffffu
#define NO_RTT UINT32_MAX /* tcpi_min_rtt: never measured */

/* <linux/tcp.h>, with what was added to it since: the size does not depend on where this is
 * compiled. */
struct info {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t wscales; /* of sending in the low four bits, of receiving in the high ones */
    uint8_t flags;
    uint32_t rto_us, ato_us, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
    uint32_t pmtu, rcv_ssthresh, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt_us, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt_us, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time_us, rwnd_limited_us, sndbuf_limited_us;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time_ms;
    uint32_t accurate_ecn[8]; /* counters of an ECN that is not there */
};

_Static_assert(sizeof(struct info) == SOCK_TCP_INFO_BYTES, "as long as Linux 6.18's");

static uint32_t segments(uint64_t bytes, uint32_t mss)
{
    return mss == 0 ? 0 : (uint32_t)((bytes + mss - 1) / mss);
}

static void fill_sending(struct info *out, const struct hawser_tcp_info *in)
{
    static const uint8_t ca_states[3] = {CA_OPEN, CA_RECOVERY, CA_LOSS};
    uint32_t mss = in->send_mss_bytes;
    uint64_t flight = in->snd_nxt - in->snd_una;
    out->ca_state = ca_states[in->recovery < 3 ? in->recovery : 2];
    out->retransmits = out->backoff = in->backoff_count;
    out->unacked = segments(flight, mss);
    out->sacked = segments(in->sacked_bytes, mss);
    out->lost = segments(in->lost_bytes, mss);
    out->retrans = segments(in->retransmitting_bytes, mss);
    out->snd_cwnd = in->cwnd_bytes / (mss != 0 ? mss : 1);
    bool infinite = in->ssthresh_bytes == 0 || in->ssthresh_bytes >= INFINITE_SSTHRESH;
    out->snd_ssthresh = infinite ? INFINITE_SSTHRESH : in->ssthresh_bytes / (mss != 0 ? mss : 1);
    out->total_retrans = in->retransmissions;
    out->notsent_bytes = in->unsent_bytes;
    out->bytes_sent = in->bytes_sent + in->bytes_retransmitted; /* Linux counts both */
    out->bytes_retrans = in->bytes_retransmitted;
    out->bytes_acked = in->bytes_acked;
    out->delivered = segments(in->bytes_acked + in->sacked_bytes, mss);
    out->snd_wnd = in->snd_wnd;
}

static void fill_times(struct info *out, const struct hawser_tcp_info *in, uint64_t delayed_ack_ns)
{
    out->rto_us = (uint32_t)(in->rto_ns / SOCK_NS_PER_US);
    out->ato_us = (uint32_t)(delayed_ack_ns / SOCK_NS_PER_US);
    out->rtt_us = (uint32_t)(in->srtt_ns / SOCK_NS_PER_US);
    out->rttvar_us = (uint32_t)(in->rttvar_ns / SOCK_NS_PER_US);
    out->last_data_sent_ms = (uint32_t)(in->last_sent_ns / SOCK_NS_PER_MS);
    out->last_data_recv_ms = out->last_ack_recv_ms = (uint32_t)(in->last_heard_ns / SOCK_NS_PER_MS);
}

static void fill_connection(struct info *out, const struct hawser_tcp_info *in)
{
    out->options =
        (uint8_t)((in->has_timestamps ? OPTION_TIMESTAMPS : 0) | (in->has_sack ? OPTION_SACK : 0) |
                  (in->has_wscale ? OPTION_WSCALE : 0));
    out->wscales = (uint8_t)((in->snd_wscale & 15u) | (unsigned)in->rcv_wscale << 4);
    out->snd_mss = in->send_mss_bytes;
    out->rcv_mss = out->advmss = in->advertised_mss_bytes;
    out->pmtu = in->path_mtu_bytes;
    out->rcv_ssthresh = out->rcv_wnd = in->rcv_wnd;
    out->rcv_space = in->rcv_wnd;
    out->bytes_received = in->bytes_received;
    out->segs_in = in->segments_received;
    out->segs_out = in->segments_sent;
    out->rcv_ooopack = in->out_of_order;
}

/* For a listener Linux tells who waits and how many may. */
static void fill_listener(struct info *out, const struct sock *sock,
                          const struct hawser_tcp_info *in)
{
    out->unacked = in->receive_queue_bytes;
    out->sacked = sock->backlog;
}

void info_fill(struct sock *sock, uint8_t bytes[SOCK_TCP_INFO_BYTES])
{
    struct hawser_tcp_info in;
    struct info out = {.state = (uint8_t)sock->state,
                       .reordering = 3, /* DupThresh */
                       .min_rtt_us = NO_RTT,
                       .pacing_rate = UINT64_MAX,
                       .max_pacing_rate = UINT64_MAX};
    if (!sock_info(sock, &in)) {
        out.snd_ssthresh = INFINITE_SSTHRESH;
        out.rto_us = (uint32_t)(sock->net->config->rto_initial_ns / SOCK_NS_PER_US);
        out.snd_cwnd = sock->net->config->initial_window_segments;
    } else if (sock_is_listener(sock)) {
        fill_listener(&out, sock, &in);
    } else {
        fill_connection(&out, &in);
        fill_sending(&out, &in);
        fill_times(&out, &in, sock->net->config->delayed_ack_ns);
    }
    memcpy(bytes, &out, sizeof out);
}
