/* SPDX-License-Identifier: MIT */
/* The user calls of RFC 9293 3.10.1 to 3.10.6, non-blocking, and the events that tell when to call again. */
#ifndef HAWSER_TCP_H
#define HAWSER_TCP_H

#include <hawser/hawser.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names a connection or a listener of one host. Never 0. A handle whose object is gone is recognised: calls with it return HAWSER_ERR_NO_CONNECTION. */
typedef uint64_t hawser_tcp;

/* The eleven states of RFC 9293 3.3.2, numbered as Linux does. */
#define HAWSER_STATE_MAP(X)        \
    X(ESTABLISHED, 1, "ESTAB")     \
    X(SYN_SENT, 2, "SYN-SENT")     \
    X(SYN_RECEIVED, 3, "SYN-RECV") \
    X(FIN_WAIT_1, 4, "FIN-WAIT-1") \
    X(FIN_WAIT_2, 5, "FIN-WAIT-2") \
    X(TIME_WAIT, 6, "TIME-WAIT")   \
    X(CLOSED, 7, "UNCONN")         \
    X(CLOSE_WAIT, 8, "CLOSE-WAIT") \
    X(LAST_ACK, 9, "LAST-ACK")     \
    X(LISTEN, 10, "LISTEN")        \
    X(CLOSING, 11, "CLOSING")

enum hawser_state {
#define HAWSER_STATE_ENUM(name, number, ss) HAWSER_##name = number,
    HAWSER_STATE_MAP(HAWSER_STATE_ENUM)
#undef HAWSER_STATE_ENUM
};

/* "SYN-RECEIVED": RFC 9293's spelling. Static storage; "?" for no state. */
HAWSER_EXPORT const char *hawser_state_name(enum hawser_state state);

/* ---- 3.10.1 OPEN ---------------------------------------------------------------------------------------------------- */

struct hawser_listen_options {
    struct hawser_endpoint local;  /* address all zero: every address of both families; the 0.0.0.0 of IPv4 (::ffff:0.0.0.0): every IPv4 address.
                                      port 0: one is chosen */
    struct hawser_endpoint remote; /* all zero: anybody; else only this end may connect (RFC 9293 3.9.1.1) */
    uint32_t backlog;              /* connections that wait for hawser_accept, 1..; also bounds this listener's half-open requests */
    bool v6_only;                  /* with the all-zero address: IPv6 only */
    bool reuse_address;            /* a local end that is in TIME-WAIT, or used by connections only, is no obstacle (SO_REUSEADDR) */
    void *user;                    /* comes back in events of the listener; accepted connections start with NULL */
};

/* Passive OPEN. *out is the listener.
 * HAWSER_ERR_INVALID (backlog 0); ADDRESS_NOT_LOCAL; ADDRESS_IN_USE: another listener, or without reuse_address a connection or record, holds the local end;
 * ADDRESS_NOT_AVAILABLE: port 0 and none is free; RESOURCES. Never disturbs what exists (RFC9293 MUST-41). */
HAWSER_EXPORT int hawser_listen(struct hawser_host *host, uint64_t now_ns, const struct hawser_listen_options *options, hawser_tcp *out);

/* The oldest connection that completed its handshake on a listener. It inherits the listener's options.
 * HAWSER_ERR_AGAIN: none waits; NO_CONNECTION; NOT_CONNECTED: not a listener. */
HAWSER_EXPORT int hawser_accept(struct hawser_host *host, hawser_tcp listener, hawser_tcp *out);

struct hawser_open_options {
    struct hawser_endpoint local;  /* address all zero: chosen by the route (RFC9293 MUST-44); port 0: chosen (RFC 6056) */
    struct hawser_endpoint remote; /* required */
    bool reuse_address;            /* with a given local port: only an equal 4-tuple is a conflict */
    void *user;                    /* comes back in events */
};

/* Active OPEN: *out is in SYN-SENT; HAWSER_EVENT_CONNECTED or HAWSER_EVENT_ERROR follows.
 * REMOTE_UNSPECIFIED; BAD_REMOTE: broadcast, multicast or port 0 (RFC9293 MUST-46); ADDRESS_NOT_LOCAL; UNREACHABLE: no route;
 * EXISTS: that 4-tuple is a live connection;
 * ADDRESS_IN_USE: the given local port is taken, or the 4-tuple is in TIME-WAIT and may not be taken over; ADDRESS_NOT_AVAILABLE: no port is left; RESOURCES.
 * Nothing is left behind on failure. */
HAWSER_EXPORT int hawser_open(struct hawser_host *host, uint64_t now_ns, const struct hawser_open_options *options, hawser_tcp *out);

/* How many connections and records use a local end: all zero is any address, ::ffff:0.0.0.0 any of IPv4; with v6_only all zero is any of IPv6. */
HAWSER_EXPORT uint32_t hawser_port_users(struct hawser_host *host, uint64_t now_ns, const struct hawser_endpoint *local, bool v6_only);

/* A local port of the configured range that no connection, record or listener uses on this address, chosen at random (RFC 6056); 0 = there is none. */
HAWSER_EXPORT uint16_t hawser_port_choose(struct hawser_host *host, uint64_t now_ns, const struct hawser_address *local, bool v6_only);

/* ---- 3.10.2 SEND ---------------------------------------------------------------------------------------------------- */

#define HAWSER_SEND_URGENT 1u /* the last byte of this call is urgent (RFC 9293 3.8.5) */
#define HAWSER_SEND_MORE 2u   /* more follows at once: do not send a short segment for this alone, for up to 200 ms (Linux's MSG_MORE) */

/* Queues up to n bytes; returns how many were taken (fewer when the buffer fills), or an error (nothing taken):
 * AGAIN: no room, HAWSER_EVENT_WRITABLE follows; NO_CONNECTION; NOT_CONNECTED: a listener; CLOSING: after shutdown (RFC 9293 3.10.2);
 * RESOURCES: no memory for them now, and no event when there is; or what ended the connection: RESET, TIMED_OUT, REFUSED, … .
 * In SYN-SENT and SYN-RECEIVED data is queued (RFC9293 3.10.2-2). n 0 returns 0. */
HAWSER_EXPORT int64_t hawser_send(struct hawser_host *host, hawser_tcp tcp, const void *data, size_t n, unsigned flags);

/* ---- 3.10.3 RECEIVE ------------------------------------------------------------------------------------------------- */

/* Copies up to n bytes in order; returns how many; 0 = the peer has closed and everything was read, for ever (n > 0). n 0 returns 0.
 * AGAIN: nothing yet, HAWSER_EVENT_READABLE follows; NO_CONNECTION; NOT_CONNECTED: a listener;
 * CLOSING: after hawser_shutdown in SYN-SENT; what ended the connection, after what was in order has been read.
 * An urgent mark stops a read: bytes before it and from it on come in different calls (RFC9293 MUST-33). */
HAWSER_EXPORT int64_t hawser_receive(struct hawser_host *host, hawser_tcp tcp, void *out, size_t n);

struct hawser_span {
    const uint8_t *data; /* the host's; valid until the next call with this host but hawser_peek and hawser_status */
    size_t length;
};

/* Zero-copy reading: the up to two pieces of what is readable now. Returns their total; 0 = end of stream; errors as hawser_receive. */
HAWSER_EXPORT int64_t hawser_peek(struct hawser_host *host, hawser_tcp tcp, struct hawser_span spans[2]);

/* Drops n bytes that hawser_peek showed. HAWSER_ERR_INVALID: more than are there (nothing dropped); NO_CONNECTION; NOT_CONNECTED. */
HAWSER_EXPORT int hawser_consume(struct hawser_host *host, hawser_tcp tcp, size_t n);

/* Copies up to n bytes from `offset` bytes behind the next one to be read on, over urgent marks, and consumes nothing; returns how many,
 * 0 = none is there (yet).
 * NO_CONNECTION; NOT_CONNECTED: a listener. */
HAWSER_EXPORT int64_t hawser_peek_at(struct hawser_host *host, hawser_tcp tcp, size_t offset, void *out, size_t n);

/* ---- 3.10.4 CLOSE, 3.10.5 ABORT ------------------------------------------------------------------------------------- */

/* RFC 9293's CLOSE: no more SENDs; what is queued is sent, then FIN; reading goes on until the peer closes (half-close, without any hidden timer).
 * In SYN-SENT and on a listener it deletes the connection. 0; NO_CONNECTION; CLOSING: done before; or what ended the connection. */
HAWSER_EXPORT int hawser_shutdown(struct hawser_host *host, hawser_tcp tcp);

/* The program is done with it in both directions: the handle is gone at once, the connection ends in the background. What was queued is still sent, then FIN;
 * with unread data, or when data arrives later, the peer gets a RST (RFC9293 SHLD-3). A listener's waiting connections are reset. 0; NO_CONNECTION. */
HAWSER_EXPORT int hawser_close(struct hawser_host *host, hawser_tcp tcp);

/* RFC 9293's ABORT: queues are flushed, the peer gets a RST where 3.10.5 says so, the handle is gone, TIME-WAIT is skipped. 0; NO_CONNECTION. */
HAWSER_EXPORT int hawser_abort(struct hawser_host *host, hawser_tcp tcp);

/* ---- 3.10.6 STATUS -------------------------------------------------------------------------------------------------- */

struct hawser_tcp_info {
    hawser_tcp handle;           /* 0 for half-open requests, records and connections whose program is gone */
    void *user;
    enum hawser_state state;
    struct hawser_endpoint local, remote;
    uint64_t timer_ns;           /* time until the next timer, UINT64_MAX = none */
    uint8_t timer_kind;          /* enum hawser_timer of trace.h */
    int error;                   /* why it ended, 0 = it did not */
    int soft_error;              /* last soft error (ICMP, R1) not yet taken, 0 = none */
    uint32_t receive_queue_bytes;/* readable now; of a listener: connections that wait */
    uint32_t send_queue_bytes;   /* not yet acknowledged; of a listener: its backlog */
    uint32_t unsent_bytes;
    /* RFC 9293 3.3.1 */
    uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_up;
    uint32_t irs, rcv_nxt, rcv_wnd, rcv_up;
    bool fin_received;           /* the peer's FIN is in order: nothing follows what is readable */
    bool urgent;                 /* urgent data has not been read up to its mark */
    uint32_t urgent_bytes;       /* how many bytes remain up to the mark */
    /* what `ss -i` shows */
    bool has_timestamps, has_sack, has_wscale, nodelay, keepalive;
    uint8_t snd_wscale, rcv_wscale;
    uint32_t send_mss_bytes, advertised_mss_bytes, path_mtu_bytes;
    uint32_t cwnd_bytes, ssthresh_bytes;
    uint64_t srtt_ns, rttvar_ns, rto_ns;
    uint8_t backoff_count;
    uint8_t recovery;            /* 0 open, 1 fast recovery, 2 loss (after a timeout) */
    uint32_t sacked_bytes, lost_bytes, retransmitting_bytes;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    uint32_t segments_sent, segments_received, retransmissions, duplicate_acks, out_of_order;
    uint32_t rtt_samples;
    uint64_t last_sent_ns, last_heard_ns; /* how long ago: text or a probe sent, an acceptable segment received; 0 = never */
};

/* Facts about one connection or listener. 0; NO_CONNECTION (*out unchanged). A connection whose record is in TIME-WAIT shows TIME-WAIT. */
HAWSER_EXPORT int hawser_status(struct hawser_host *host, uint64_t now_ns, hawser_tcp tcp, struct hawser_tcp_info *out);

/* Every listener, connection, half-open request and record, one a call: start with *cursor 0, go on while it returns true. Additions and removals between calls
 * may be missed but never shown twice or wrong. */
HAWSER_EXPORT bool hawser_walk(struct hawser_host *host, uint64_t now_ns, uint64_t *cursor, struct hawser_tcp_info *out);

/* ---- options -------------------------------------------------------------------------------------------------------- */

enum hawser_option {
    HAWSER_OPTION_NODELAY = 1,        /* 0/1: Nagle off (RFC9293 MUST-17); default 0 */
    HAWSER_OPTION_KEEPALIVE,          /* 0/1; default 0 (RFC9293 MUST-25) */
    HAWSER_OPTION_KEEPALIVE_IDLE_NS,  /* 1 s.. ; default from the config */
    HAWSER_OPTION_KEEPALIVE_INTERVAL_NS,
    HAWSER_OPTION_KEEPALIVE_PROBES,   /* 1..127 */
    HAWSER_OPTION_USER_TIMEOUT_NS,    /* R2 as a time (RFC9293 MUST-21): 0 = by retries2; UINT64_MAX = never give up */
    HAWSER_OPTION_HOP_LIMIT,          /* 1..255 */
    HAWSER_OPTION_TRAFFIC_CLASS,      /* DSCP in the upper six bits; the ECN bits are kept 0 (RFC9293 MUST-48) */
    HAWSER_OPTION_SEND_BUFFER_BYTES,  /* 2048.. up to the config's */
    HAWSER_OPTION_RECEIVE_BUFFER_BYTES,/* 2048.. up to the config's; never shrinks a window already offered (RFC9293 SHLD-14) */
    HAWSER_OPTION_MAX_SEGMENT_BYTES,  /* 88..65495: MSS to announce and not to exceed; before the connection opens, or on a listener */
    HAWSER_OPTION_CORK,               /* 0/1: send only full segments until 0 again, at most 200 ms late (TCP_CORK) */
    HAWSER_OPTION_QUICK_ACK,          /* 0/1: acknowledge at once from now on */
    HAWSER_OPTION_LINGER_RESET,       /* 0/1: hawser_close behaves as hawser_abort (SO_LINGER with 0 s) */
    HAWSER_OPTION_SYN_RETRIES,        /* 1..127: repetitions of the SYN; 0: the config's (TCP_SYNCNT) */
    HAWSER_OPTION_READ_SHUT,          /* 0/1: the program will not read any more: once it has sent FIN, arriving text is answered by RST (shutdown of both) */
    HAWSER_OPTION_BACKLOG,            /* of a listener only, 1..: as in hawser_listen_options */
};

/* 0; INVALID: value out of range (the old one stays); NO_OPTION; NO_CONNECTION. On a listener: for the connections it will accept. */
HAWSER_EXPORT int hawser_set_option(struct hawser_host *host, hawser_tcp tcp, enum hawser_option option, uint64_t value);
HAWSER_EXPORT int hawser_get_option(struct hawser_host *host, hawser_tcp tcp, enum hawser_option option, uint64_t *value);

/* What comes back in this connection's events. NO_CONNECTION. */
HAWSER_EXPORT int hawser_set_user(struct hawser_host *host, hawser_tcp tcp, void *user);

/* The last soft error, and forgets it (RFC9293 MUST-47); 0 = none; NO_CONNECTION. */
HAWSER_EXPORT int hawser_take_soft_error(struct hawser_host *host, hawser_tcp tcp);

/* ---- events --------------------------------------------------------------------------------------------------------- */

#define HAWSER_EVENT_READABLE 0x01u     /* data, or the end of the stream, can be read now and could not before */
#define HAWSER_EVENT_WRITABLE 0x02u     /* there is room: with CONNECTED, and after a short write or HAWSER_ERR_AGAIN when a quarter of the buffer is free */
#define HAWSER_EVENT_ACCEPTABLE 0x04u   /* the listener has a connection to accept */
#define HAWSER_EVENT_CONNECTED 0x08u    /* the handshake is complete */
#define HAWSER_EVENT_PEER_CLOSED 0x10u  /* FIN arrived: nothing follows what is readable */
#define HAWSER_EVENT_ERROR 0x20u        /* it ended; hawser_status tells why; close the handle */
#define HAWSER_EVENT_URGENT 0x40u       /* urgent data appeared, or its mark moved on (RFC9293 MUST-32) */
#define HAWSER_EVENT_SOFT_ERROR 0x80u   /* see hawser_take_soft_error */
#define HAWSER_EVENT_SENT 0x100u        /* everything queued, and the FIN if there is one, has been acknowledged (a lingering close is over) */

struct hawser_event {
    hawser_tcp tcp;
    void *user;
    uint32_t events; /* HAWSER_EVENT_…, those since the last time */
};

/* Takes up to count events, at most one per handle, oldest first; returns how many.
 * Edges, not levels: an event is told once, and again when the thing happens again. */
HAWSER_EXPORT size_t hawser_events(struct hawser_host *host, struct hawser_event *events, size_t count);

#ifdef __cplusplus
}
#endif
#endif
