/* SPDX-License-Identifier: MIT */
/* Everything observable: trace events, drop reasons, counters. Captures, diagrams, `ss` and tests are listeners. */
#ifndef HAWSER_TRACE_H
#define HAWSER_TRACE_H

#include <hawser/hawser.h>
#include <hawser/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hawser_trace_kind {
    HAWSER_TRACE_SEGMENT_IN,  /* before it is processed; segment, state */
    HAWSER_TRACE_SEGMENT_OUT, /* when it is handed to the link; segment, state */
    HAWSER_TRACE_STATE,       /* from, to, cause */
    HAWSER_TRACE_TIMER,       /* a timer expired; timer */
    HAWSER_TRACE_DROP,        /* something was dropped; drop */
    HAWSER_TRACE_RECORD,      /* a TIME-WAIT or FIN-WAIT-2 record; record, and until_ns */
};

/* Why a state changed. */
#define HAWSER_CAUSE_MAP(X)                                                                                \
    X(OPEN_ACTIVE, "active OPEN") X(OPEN_PASSIVE, "passive OPEN") X(CLOSE, "CLOSE") X(ABORT, "ABORT")      \
    X(SYN, "SYN arrived") X(SYN_ACK, "SYN,ACK arrived") X(ACK_OF_SYN, "our SYN was acknowledged")          \
    X(ACK_OF_FIN, "our FIN was acknowledged") X(FIN, "FIN arrived") X(RST, "RST arrived")                  \
    X(TIMEOUT_USER, "user timeout") X(TIMEOUT_RETRANSMISSION, "too many retransmissions")                  \
    X(TIMEOUT_KEEPALIVE, "keep-alive unanswered") X(TIMEOUT_2MSL, "2 MSL are over")                        \
    X(TIMEOUT_FIN_WAIT_2, "FIN-WAIT-2 of a closed connection timed out") X(ICMP, "ICMP error")             \
    X(REUSED, "a new SYN took over the record") X(ADDRESS_GONE, "the local address was taken away")        \
    X(UNREAD_DATA, "closed with unread data") X(DATA_AFTER_CLOSE, "data after CLOSE")                      \
    X(OVERFLOW, "a limit was reached")

enum hawser_cause {
#define HAWSER_CAUSE_ENUM(name, text) HAWSER_CAUSE_##name,
    HAWSER_CAUSE_MAP(HAWSER_CAUSE_ENUM)
#undef HAWSER_CAUSE_ENUM
    HAWSER_CAUSE_COUNT
};

#define HAWSER_TIMER_MAP(X)                                                                                         \
    X(NONE, "none") X(RETRANSMISSION, "on") X(PERSIST, "persist") X(DELAYED_ACK, "delack") X(KEEPALIVE, "keepalive") \
    X(USER, "user") X(OVERRIDE, "override") X(TIME_WAIT, "timewait") X(FIN_WAIT_2, "finwait2") X(SYN_ACK, "synack")

enum hawser_timer {
#define HAWSER_TIMER_ENUM(name, text) HAWSER_TIMER_##name,
    HAWSER_TIMER_MAP(HAWSER_TIMER_ENUM)
#undef HAWSER_TIMER_ENUM
    HAWSER_TIMER_COUNT
};

/* Why something was dropped. Each reason is a counter too (dropped_<name>). */
#define HAWSER_DROP_MAP(X)                                                                                                  \
    X(SHORT, "truncated, or lengths that contradict each other") X(NOT_FOR_US, "not addressed to this host")                 \
    X(BAD_SOURCE, "source address that cannot be one") X(IP_VERSION, "IP version") X(IP_CHECKSUM, "IP header checksum")      \
    X(IP_OPTIONS, "IP options") X(PROTOCOL, "no such protocol") X(FRAGMENT, "fragment refused or timed out")                 \
    X(NEIGHBOUR, "no link-layer address") X(NO_ROUTE, "no route") X(TCP_CHECKSUM, "TCP checksum")                            \
    X(TCP_OPTIONS, "illegal TCP option length") X(ICMP, "ICMP not acceptable") X(CLOSED_PORT, "no such connection or port")  \
    X(WINDOW, "outside the window") X(PAWS, "old timestamp") X(NO_ACK, "no ACK bit") X(ACK_RANGE, "acknowledgement out of range") \
    X(RST_IGNORED, "RST not acceptable") X(SYN_IGNORED, "SYN not acceptable") X(TIME_WAIT, "nothing to do in TIME-WAIT")     \
    X(BACKLOG, "SYN table or accept queue full") X(COOKIE, "no valid SYN cookie") X(MEMORY, "no memory")                    \
    X(OUT_OF_ORDER, "too many islands out of order") X(NO_READER, "data after close") X(RATE, "rate limit")                  \
    X(SMALL_BUFFER, "output buffer too small")

enum hawser_drop {
#define HAWSER_DROP_ENUM(name, text) HAWSER_DROP_##name,
    HAWSER_DROP_MAP(HAWSER_DROP_ENUM)
#undef HAWSER_DROP_ENUM
    HAWSER_DROP_COUNT
};

enum hawser_record_event {
    HAWSER_RECORD_ENTERED, HAWSER_RECORD_RESTARTED, HAWSER_RECORD_EXPIRED, HAWSER_RECORD_REUSED_BY_SYN, HAWSER_RECORD_REUSED_BY_OPEN,
    HAWSER_RECORD_RESET, HAWSER_RECORD_EVICTED,
};

struct hawser_segment {
    uint32_t seq, ack, length; /* length: data octets */
    uint16_t window;           /* as in the header */
    uint16_t urgent;
    uint8_t flags;             /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
    bool retransmission;
    bool has_timestamps;
    uint32_t ts_val, ts_ecr;
    uint16_t mss;              /* 0 = no such option */
    int16_t wscale;            /* -1 = no such option */
    bool sack_permitted;
    uint8_t sack_count;
    struct { uint32_t left, right; } sack[4];
};

struct hawser_trace_event {
    enum hawser_trace_kind kind;
    uint64_t now_ns;
    hawser_tcp tcp;            /* 0 when there is no handle */
    void *user;
    struct hawser_endpoint local, remote; /* zero when unknown */
    enum hawser_state state;   /* present state, CLOSED when there is no connection */
    enum hawser_state from, to;
    enum hawser_cause cause;
    enum hawser_timer timer;
    enum hawser_drop drop;
    enum hawser_record_event record;
    uint64_t until_ns;         /* RECORD: when it will end */
    struct hawser_segment segment;
};

HAWSER_EXPORT const char *hawser_cause_text(enum hawser_cause cause);
HAWSER_EXPORT const char *hawser_timer_name(enum hawser_timer timer);
HAWSER_EXPORT const char *hawser_drop_text(enum hawser_drop drop);

/* One line of text for an event: at most cap - 1 characters and a NUL; returns the length. */
HAWSER_EXPORT size_t hawser_trace_print(const struct hawser_trace_event *event, char *out, size_t cap);

/* One line of text for a frame (tcpdump's way), link header included for ETHERNET links. */
HAWSER_EXPORT size_t hawser_frame_print(enum hawser_link_kind kind, const uint8_t *frame, size_t length, char *out, size_t cap);

/* X(name, text): counters that only grow. */
#define HAWSER_COUNTER_MAP(X)                                                                                                \
    X(frames_in, "frames received") X(frames_out, "frames sent") X(segments_in, "TCP segments received")                      \
    X(segments_out, "TCP segments sent") X(segments_retransmitted, "TCP segments sent again")                                \
    X(resets_out, "resets sent") X(resets_in, "acceptable resets received") X(challenge_acks, "challenge ACKs sent")         \
    X(challenge_acks_limited, "challenge ACKs not sent, by the limit") X(opens_active, "active opens")                       \
    X(opens_passive, "connections accepted into the queue") X(opens_failed, "opens that failed")                             \
    X(opens_simultaneous, "simultaneous opens") X(closes_simultaneous, "simultaneous closes")                                \
    X(established_resets, "connections reset while established") X(timeouts_retransmission, "retransmission timeouts")       \
    X(timeouts_user, "connections given up") X(fast_retransmits, "fast retransmits entered") X(limited_transmits, "limited transmits") \
    X(sack_recoveries, "SACK recoveries entered") X(sack_reneged, "SACK reneging found") X(sack_blocks_refused, "absurd SACK blocks") \
    X(window_probes, "zero-window probes sent") X(keepalives, "keep-alive probes sent") X(delayed_acks, "delayed ACKs by timer") \
    X(out_of_order_queued, "segments queued out of order") X(paws_refused, "segments refused by PAWS")                       \
    X(syn_cookies_sent, "SYN cookies sent") X(syn_cookies_accepted, "SYN cookies that came back")                            \
    X(syn_cookies_failed, "ACKs without a valid cookie") X(halfopen_overflow, "SYNs met a full SYN table")                   \
    X(accept_overflow, "handshakes met a full accept queue") X(halfopen_timeouts, "half-open requests given up")             \
    X(timewait_entered, "TIME-WAIT records made") X(timewait_restarted, "2 MSL restarted") X(timewait_expired, "TIME-WAIT records ended") \
    X(timewait_reused, "records taken over by an active open") X(timewait_reopened, "records taken over by a SYN")           \
    X(timewait_resets_ignored, "resets ignored in TIME-WAIT (RFC 1337)") X(timewait_evicted, "records evicted by the limit") \
    X(icmp_in, "ICMP messages received") X(icmp_out, "ICMP messages sent") X(icmp_rate_limited, "ICMP messages not sent, by the limit") \
    X(path_mtu_lowered, "path MTU decreases accepted") X(arp_out, "ARP packets sent") X(neighbour_failures, "neighbours that did not answer") \
    X(fragments_in, "fragments received") X(reassembled, "packets reassembled") X(memory_refused, "requests for memory turned down")

struct hawser_counters {
#define HAWSER_COUNTER_FIELD(name, text) uint64_t name;
    HAWSER_COUNTER_MAP(HAWSER_COUNTER_FIELD)
#undef HAWSER_COUNTER_FIELD
    uint64_t dropped[HAWSER_DROP_COUNT];
};

/* The live counters; valid as long as the host. */
HAWSER_EXPORT const struct hawser_counters *hawser_counters_of(const struct hawser_host *host);

/* What a host holds at this moment. */
struct hawser_usage {
    uint64_t memory_bytes;      /* taken from the memory interface */
    uint64_t buffer_bytes;      /* in connections' buffers */
    uint64_t buffer_bytes_high;
    uint32_t connections, halfopens, timewaits, listeners, neighbours;
    uint32_t connection_bytes;  /* of one control block, without buffers and table entry */
    uint32_t record_bytes_v4, record_bytes_v6;
};

HAWSER_EXPORT void hawser_usage_of(const struct hawser_host *host, struct hawser_usage *out);

#ifdef __cplusplus
}
#endif
#endif
