/* SPDX-License-Identifier: MIT */
/* The transmission control block (RFC 9293 3.3.1) in the RFC's names. tcb.c is the only writer of `state`. */
#ifndef HAWSER_TCP_TCB_H
#define HAWSER_TCP_TCB_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "base/nstime.h"
#include "base/ranges.h"
#include "base/ring.h"
#include "base/siphash.h"
#include "wire/tcp.h"

struct tcb;

/* Who watches. NULL in struct tcp when nobody does: one predictable branch. */
struct tcp_observer {
    void (*state_changed)(void *ctx, const struct tcb *tcb, enum hawser_state from, enum hawser_cause cause);
    void (*timer_expired)(void *ctx, const struct tcb *tcb, enum hawser_timer timer);
    void (*dropped)(void *ctx, const struct tcb *tcb, enum hawser_drop drop);
    void *ctx;
};

/* What all connections of one host share. */
struct tcp {
    const struct hawser_config *config;
    struct buffers *buffers;
    struct hawser_counters *counters;
    const struct tcp_observer *observer;
    struct siphash_key isn_key;    /* RFC 6528, and timestamp offsets */
    struct siphash_key cookie_key;
};

enum tcb_recovery {
    RECOVERY_OPEN, /* nothing known to be lost */
    RECOVERY_FAST, /* fast recovery: RFC 6675 with SACK, RFC 6582 without */
    RECOVERY_LOSS, /* after a timeout or a path MTU decrease: everything below `recover` that is not SACKed is sent again */
};

/* Options a program sets (hawser_set_option); a listener holds one set for the connections it accepts. */
struct tcb_settings {
    uint32_t user_timeout_ms; /* 0 = by retries2, UINT32_MAX = none */
    uint32_t snd_buf_bytes, rcv_buf_bytes_max;
    uint32_t keepalive_idle_ms, keepalive_interval_ms;
    uint16_t mss_max;         /* 0 = what the MTU gives */
    uint8_t keepalive_probes;
    uint8_t hop_limit, traffic_class;
    uint8_t syn_retries;      /* 0 = the host's */
    bool nodelay : 1, keepalive : 1, cork : 1, linger_reset : 1;
    bool read_shut : 1;       /* nobody will read: text behind our FIN is answered by RST */
};

struct tcb {
    /* -- RFC 9293 3.3.1: send and receive sequence variables ------------------------------------------------------ */
    struct {
        seq_t una;        /* oldest unacknowledged */
        seq_t nxt;        /* highest sent + 1: never moves back; what is sent again is chosen in recovery.c */
        uint32_t wnd;     /* send window, scaled to bytes (RFC9293 REC-1) */
        seq_t up;         /* urgent pointer: the octet after the last urgent one */
        seq_t wl1, wl2;   /* segment sequence and acknowledgement of the last window update */
        uint32_t wnd_max; /* largest window the peer ever offered (RFC 9293 3.8.6.2.1) */
    } snd;
    struct {
        seq_t nxt;
        uint32_t wnd;     /* offered window, from nxt on */
        seq_t up;
        seq_t last_ack;   /* Last.ACK.sent (RFC 7323 4.3) */
    } rcv;
    seq_t iss, irs;

    uint8_t state;        /* enum hawser_state; written by tcb_set_state only */
    uint8_t recovery;     /* enum tcb_recovery */
    uint8_t snd_wscale, rcv_wscale;

    /* -- facts, one bit each -------------------------------------------------------------------------------------- */
    bool has_timestamps : 1;     /* negotiated (RFC 7323 3.2) */
    bool has_sack : 1;           /* negotiated (RFC 2018 2) */
    bool has_wscale : 1;
    bool passive : 1;            /* SYN-RECEIVED came from LISTEN (RFC9293 MUST-11) */
    bool fin_queued : 1;         /* the user called CLOSE: FIN follows the queued data */
    bool syn_acked : 1;          /* our SYN has been acknowledged: snd.una is behind it */
    bool fin_acked : 1;          /* our FIN has been acknowledged: snd.una is behind it */
    bool fin_received : 1;       /* the peer's FIN is in order: RCV.NXT is behind it */
    bool no_reader : 1;          /* hawser_close: arriving text is answered by RST (RFC9293 SHLD-3) */
    bool ack_now : 1;            /* an ACK must leave at the next output */
    bool urgent_valid : 1;       /* snd.up lies ahead of snd.una */
    bool rcv_urgent : 1;         /* rcv.up means something: not yet read up to it */
    bool rtx_now : 1;            /* the retransmission timer expired: resend the front */
    bool probe_now : 1;          /* a window or keep-alive probe is due */
    bool override_now : 1;       /* the silly-window override expired: send what fits */
    bool timing : 1;             /* rtt_seq / rtt_at_ns time a segment (RFC 6298 3) */
    bool syn_lost : 1;           /* a SYN or SYN-ACK was sent again (RFC 5681 3.1, RFC 6298 5.7) */
    bool cwnd_limited : 1;       /* the congestion window, not the data, ended the last flight */
    bool more : 1;               /* last SEND said MORE */
    bool want_write : 1;         /* the program met a full send buffer */
    bool r1_reported : 1;
    bool sent_told : 1;          /* EVENT_SENT was told for the present queue */
    bool timed_out : 1;          /* RECOVERY_LOSS began with a timeout: the path is not paced any more */
    bool partial_seen : 1;       /* first partial ACK of this recovery was seen (RFC6582 05) */
    bool rescue_used : 1;        /* RFC 6675 NextSeg rule 4 */
    bool window_update : 1;      /* reading moved the window edge far enough: tell the peer */
    bool answered : 1;           /* something acceptable came after what was sent last */
    bool fin_waiting : 1;        /* the peer's FIN arrived out of order: it stands at fin_seq */

    uint8_t dup_acks_owed;       /* immediate duplicate ACKs still to send (RFC2018 04) */
    uint8_t dup_acks;            /* duplicate ACKs in a row */
    uint8_t rtx_count;           /* consecutive retransmission timeouts */
    uint8_t probe_count;         /* window or keep-alive probes without an answer */
    uint8_t challenge_count;     /* challenge ACKs in the present interval (RFC 5961 7) */
    uint8_t quick_acks;          /* segments still acknowledged at once */
    uint8_t unacked_segs;        /* full segments received and not yet acknowledged */
    uint8_t limited_segs;        /* segments sent by limited transmit (RFC5681 14) */
    uint8_t cc;                  /* enum cc_kind: which congestion controller (cc.h) */
    int8_t error, soft_error;    /* enum hawser_error */
    int8_t net_error;            /* what ICMP said since the last progress: why the connection ends, if it ends in a timeout */
    uint16_t events;             /* HAWSER_EVENT_… not yet told */

    /* -- segment sizes -------------------------------------------------------------------------------------------- */
    uint16_t peer_mss;           /* what the peer's MSS option said, or the default (RFC9293 MUST-15) */
    uint16_t path_mss;           /* path MTU less fixed IP and TCP headers */
    uint16_t snd_mss;            /* SMSS: octets of text in a full segment, options subtracted (RFC9293 MUST-16) */
    uint16_t rcv_mss;            /* what we announced */

    /* -- text ----------------------------------------------------------------------------------------------------- */
    struct ring tx;              /* from the first unacknowledged octet on; sent and unsent */
    struct ring rx;              /* in order and unread, then islands out of order behind it */
    struct ranges ooo;           /* islands, as sequence numbers above rcv.nxt */
    struct ranges sacked;        /* scoreboard (RFC 6675 3), as sequence numbers above snd.una */
    seq_t ooo_recent[3];         /* left edges of the most recently changed islands (RFC2018 06) */
    uint32_t sacked_bytes;       /* total of `sacked` */
    uint32_t rcv_buf_bytes;      /* present receive buffer; grows with use */
    uint32_t rcv_grow_bytes;     /* read since it last grew */
    seq_t fin_seq;               /* sequence number of the peer's FIN while it waits out of order */

    /* -- loss recovery and congestion control --------------------------------------------------------------------- */
    uint32_t cwnd, ssthresh;     /* bytes */
    uint32_t cc_acked;           /* bytes acknowledged towards the next step of congestion avoidance */
    seq_t recover;               /* RecoveryPoint / recover */
    seq_t high_rxt;              /* sent again up to here in this recovery */
    seq_t lost_edge;             /* what is not SACKed below it counts as lost */
    seq_t small_end;             /* end of the last segment below SMSS (RFC 9293 A.3, Minshall) */

    /* -- round-trip time (RFC 6298) and timestamps (RFC 7323) ------------------------------------------------------ */
    uint64_t rtt_at_ns;          /* when the timed segment was sent; while there is none: older echoes are ambiguous */
    uint32_t srtt_us, rttvar_us, rto_us; /* srtt 0 = no sample yet */
    seq_t rtt_seq;               /* an acknowledgement beyond it ends the timing */
    uint32_t rtt_samples;
    uint32_t ts_recent;          /* TS.Recent */
    uint32_t ts_recent_at_s;     /* when it was taken, for the 24 days of RFC 7323 5.5 */
    uint32_t ts_offset;          /* a stable function of the 4-tuple */

    /* -- deadlines: timers.c says who sets and clears them; NEVER = off ------------------------------------------- */
    struct {
        uint64_t rtx_ns, persist_ns, override_ns, delack_ns, keepalive_ns, user_ns;
    } timer;
    uint32_t heard_at_ms;        /* last acceptable segment (RFC9293 MUST-26); milliseconds of now_ns, modulo 2^32 */
    uint32_t sent_at_ms;         /* last text or probe sent (RFC 5681 4.1) */
    uint32_t challenge_at_ms;    /* start of the present challenge interval */

    /* -- what the program set, and what STATUS tells -------------------------------------------------------------- */
    struct tcb_settings set;
    uint64_t bytes_sent, bytes_received, bytes_rtx; /* text; sent: the first time only */
    uint32_t segs_out, segs_in, rtx_total, dup_acks_total, ooo_total;
};

/* A segment to be sent without (or in place of) a connection's own output: RST, SYN-ACK of a half-open request, ACK of TIME-WAIT. */
struct tcp_reply {
    bool present;
    struct segment segment; /* no text */
};

/* ---- tcb.c ---------------------------------------------------------------------------------------------------------- */

/* Milliseconds of now_ns, modulo 2^32: the unit of the block's …_at_ms. */
static inline uint32_t ms_clock(uint64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS);
}

/* A fresh block in CLOSED; settings from the host's config. */
void tcb_init(const struct tcp *tcp, struct tcb *tcb);

/* The default settings of a host. */
void tcb_settings_init(const struct tcp *tcp, struct tcb_settings *set);

/* The one writer of state: the edge must be in the table of legal transitions (Figure 5, and the RST and ABORT edges). */
void tcb_set_state(const struct tcp *tcp, struct tcb *tcb, enum hawser_state to, enum hawser_cause cause);

/* To CLOSED, with an error for the program (0 = none) and its event; gives every buffer back except text that can still be read. */
void tcb_end(const struct tcp *tcp, struct tcb *tcb, int error, enum hawser_cause cause);

/* To TIME-WAIT: the block's timers are off (RFC9293 3.10.7.4h-5), what it could still send is gone; a record takes over (timewait.h). */
void tcb_time_wait(const struct tcp *tcp, struct tcb *tcb, enum hawser_cause cause);

/* Gives all buffers back. */
void tcb_release(const struct tcp *tcp, struct tcb *tcb);

/* All invariants of a block; runs at entry and exit of every call when checks are compiled in. */
void tcb_check(const struct tcp *tcp, const struct tcb *tcb);

void tcb_count_drop(const struct tcp *tcp, const struct tcb *tcb, enum hawser_drop drop);

/* SMSS: what the peer takes and the path carries, less the options of every segment (RFC9293 MUST-16, RFC6691 02, RFC1191 07). */
void tcb_update_mss(struct tcb *tcb);

/* The receive side's first buffer and window, once rcv_mss and rcv_wscale are known; for both kinds of open. */
void tcb_start_receiving(const struct tcp *tcp, struct tcb *tcb);

static inline void tcb_tell(struct tcb *tcb, unsigned events)
{
    tcb->events = (uint16_t)(tcb->events | events);
}

/* Sequence number of the first octet in tcb->tx. */
static inline seq_t tcb_tx_seq(const struct tcb *tcb)
{
    return tcb->syn_acked ? tcb->snd.una : seq_add(tcb->iss, 1);
}

/* Sequence number behind the last octet queued: where our FIN stands. */
static inline seq_t tcb_tx_end(const struct tcb *tcb)
{
    return seq_add(tcb_tx_seq(tcb), tcb->tx.len);
}

static inline bool tcb_fin_sent(const struct tcb *tcb)
{
    return tcb->fin_acked || (tcb->fin_queued && seq_gt(tcb->snd.nxt, tcb_tx_end(tcb)));
}

/* FlightSize (RFC 5681 2): sent and not cumulatively acknowledged. */
static inline uint32_t tcb_flight(const struct tcb *tcb)
{
    return seq_diff(tcb->snd.nxt, tcb->snd.una);
}

/* ESTABLISHED and the states behind it, where RFC 9293 calls a connection synchronized. */
static inline bool state_is_synchronized(unsigned state)
{
    return state != HAWSER_CLOSED && state != HAWSER_LISTEN && state != HAWSER_SYN_SENT &&
           state != HAWSER_SYN_RECEIVED;
}

#endif
