/* SPDX-License-Identifier: MIT */
/* Options and window of SYN and SYN-ACK, ours and the peer's (RFC 9293 3.7.1, RFC 7323 2 and 3,
 * RFC 2018 2). */
#include "tcp/handshake.h"

uint8_t handshake_own_wscale(const struct tcp *tcp, const struct tcb_settings *set)
{
    if (!tcp->config->window_scaling)
        return 0;
    /* The largest buffer decides, not the present one: the shift is fixed for the connection's
     * life, and the buffer grows with use. Not larger than needed, because a window is told in
     * units of 1 << shift. */
    uint8_t shift = 0;
    while (shift < HANDSHAKE_WSCALE_MAX && set->rcv_buf_bytes_max > (uint32_t)UINT16_MAX << shift)
        shift++;
    return shift; /* RFC7323 07 */
}

/* RFC9293 MUST-67 */
uint16_t handshake_own_mss(const struct tcb_settings *set, uint16_t link_mss)
{
    return set->mss_max != 0 && set->mss_max < link_mss ? set->mss_max : link_mss;
}

uint16_t handshake_initial_rcv_wnd(const struct tcp *tcp, const struct tcb_settings *set)
{
    uint32_t wnd = tcp->config->receive_window_initial_bytes;
    if (wnd > set->rcv_buf_bytes_max)
        wnd = set->rcv_buf_bytes_max;
    return wnd > UINT16_MAX ? UINT16_MAX : (uint16_t)wnd; /* RFC7323 04 */
}

void handshake_offer(const struct tcp *tcp, const struct tcb_settings *set, uint16_t link_mss,
                     uint32_t ts_val, struct segment *out)
{
    /* All that the config allows is what an answer to a peer that has everything would hold. */
    const struct handshake_options everything = {
        .has_timestamps = tcp->config->timestamps,
        .has_sack = tcp->config->sack,
        .has_wscale = tcp->config->window_scaling, /* RFC7323 02: with shift 0 too */
    };
    handshake_answer(tcp, set, link_mss, &everything, ts_val, out);
}

void handshake_answer(const struct tcp *tcp, const struct tcb_settings *set, uint16_t link_mss,
                      const struct handshake_options *peer, uint32_t ts_val, struct segment *out)
{
    /* RFC9293 MUST-14, SHLD-5, MAY-3: the MSS is said always, so that nobody has to assume 536. */
    uint8_t options = TCP_OPT_MSS;
    out->mss = handshake_own_mss(set, link_mss);
    out->wscale = 0;
    out->ts_val = out->ts_ecr = 0;
    if (peer->has_sack)
        options |= TCP_OPT_SACK_PERMITTED;
    if (peer->has_wscale) {
        options |= TCP_OPT_WSCALE;
        out->wscale = handshake_own_wscale(tcp, set);
    }
    if (peer->has_timestamps) {
        options |= TCP_OPT_TIMESTAMPS;
        out->ts_val = ts_val;
        out->ts_ecr = peer->ts_val;
    }
    out->options = options;
}

void handshake_accept(const struct tcp *tcp, const struct segment *syn, bool v4,
                      struct handshake_options *out)
{
    out->mss = handshake_peer_mss(syn, v4);
    out->has_sack = tcp->config->sack && (syn->options & TCP_OPT_SACK_PERMITTED);
    out->has_wscale = tcp->config->window_scaling && (syn->options & TCP_OPT_WSCALE);
    out->has_timestamps = tcp->config->timestamps && (syn->options & TCP_OPT_TIMESTAMPS);
    out->ts_val = out->has_timestamps ? syn->ts_val : 0;
    out->wscale = 0;
    if (out->has_wscale) /* RFC7323 07: 15 and more count as 14 */
        out->wscale = syn->wscale > HANDSHAKE_WSCALE_MAX ? HANDSHAKE_WSCALE_MAX : syn->wscale;
}

uint16_t handshake_peer_mss(const struct segment *syn, bool v4)
{
    if (!(syn->options & TCP_OPT_MSS))
        return v4 ? HANDSHAKE_PEER_MSS_V4 : HANDSHAKE_PEER_MSS_V6; /* RFC9293 MUST-15 */
    return syn->mss < HANDSHAKE_PEER_MSS_MIN ? HANDSHAKE_PEER_MSS_MIN : syn->mss;
}
