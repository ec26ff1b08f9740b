/* SPDX-License-Identifier: MIT */
/* What SYN and SYN-ACK say beside sequence numbers: the options we offer or answer (RFC 9293 3.7.1,
 * RFC 7323 2 and 3, RFC 2018 2), the first window, and what the peer's options mean. One place for
 * active opens, half-open requests and cookies. */
#ifndef HAWSER_TCP_HANDSHAKE_H
#define HAWSER_TCP_HANDSHAKE_H

#include "tcp/tcb.h"

/* Least MSS that is believed of a peer: what a smaller option would cost in headers is an attack,
 * not a path (Linux's tcp_min_snd_mss). */
#define HANDSHAKE_PEER_MSS_MIN 48u

/* Assumed when the peer's SYN has no MSS option (RFC9293 MUST-15). */
#define HANDSHAKE_PEER_MSS_V4 536u
#define HANDSHAKE_PEER_MSS_V6 1220u

#define HANDSHAKE_WSCALE_MAX 14u /* RFC7323 07 */

/* What a SYN or SYN-ACK of the peer brings, after our own configuration had its say. */
struct handshake_options {
    uint32_t ts_val; /* becomes TS.Recent; 0 without timestamps */
    uint16_t mss;    /* handshake_peer_mss */
    uint8_t wscale;  /* 0..14; 0 without window scaling */
    bool has_timestamps : 1, has_sack : 1, has_wscale : 1;
};

/* Our window scale: the smallest shift under which the largest receive buffer fits into 16 bits; 0
 * when scaling is off in the config. */
uint8_t handshake_own_wscale(const struct tcp *tcp, const struct tcb_settings *set);

/* The MSS we announce: the link's MTU less fixed headers, never lowered for options (RFC 6691 2) or
 * for what is known of the path from here (RFC1191 08), at most settings.mss_max when that is set. */
uint16_t handshake_own_mss(const struct tcb_settings *set, uint16_t link_mss);

/* The window of a SYN or SYN-ACK in bytes, at most 65535 because it is never scaled there
 * (RFC7323 04): goes to rcv.wnd and SEG.WND. */
uint16_t handshake_initial_rcv_wnd(const struct tcp *tcp, const struct tcb_settings *set);

/* The options of our SYN: sets options, mss, wscale, ts_val and ts_ecr (0, RFC7323 16) of *out;
 * nothing else. */
void handshake_offer(const struct tcp *tcp, const struct tcb_settings *set, uint16_t link_mss,
                     uint32_t ts_val, struct segment *out);

/* The options of our SYN-ACK: of timestamps, SACK and window scale those that `peer` has
 * (RFC7323 05, 11); ts_ecr is peer->ts_val. */
void handshake_answer(const struct tcp *tcp, const struct tcb_settings *set, uint16_t link_mss,
                      const struct handshake_options *peer, uint32_t ts_val, struct segment *out);

/* What the options of the peer's SYN or SYN-ACK switch on: each only when the config allows it,
 * because only then do we offer or answer it. */
void handshake_accept(const struct tcp *tcp, const struct segment *syn, bool v4,
                      struct handshake_options *out);

/* MSS option of a SYN or SYN-ACK, at least HANDSHAKE_PEER_MSS_MIN; 536 or 1220 without one
 * (RFC9293 MUST-14, MUST-15). */
uint16_t handshake_peer_mss(const struct segment *syn, bool v4);

#endif
