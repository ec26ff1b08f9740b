/* SPDX-License-Identifier: MIT */
/* Every limit and default of a host, each with its unit, its range and where it comes from. */
#ifndef HAWSER_CONFIG_H
#define HAWSER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a host's memory comes from. Pools ask for chunks; nothing is asked for per packet. */
struct hawser_memory {
    /* Zeroed memory of `bytes`, aligned to 64 bytes; NULL = no. Mostly chunks of chunk_bytes, and buffers larger than that; beside them a
     * few pieces of any size: the host object, tables, the directories of pools, and pools whose limit is small.
     * A refusal is a protocol decision (drop, refuse), never a crash. */
    void *(*acquire)(void *context, size_t bytes);
    /* Takes back what acquire gave, with the same size. */
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
};

struct hawser_trace_event;

struct hawser_config {
    /* -- what the world gives ------------------------------------------------------------------------------------- */
    struct hawser_memory memory;      /* required */
    uint8_t entropy[32];              /* keys ISNs (RFC 6528 3), cookies, tables, ports; all zero is refused (RFC6528 03) */
    void (*trace)(void *context, const struct hawser_trace_event *event); /* NULL = nobody listens; must not call the host */
    void *trace_context;

    /* -- memory limits -------------------------------------------------------------------------------------------- */
    uint64_t memory_bytes;            /* everything together; default 1 GiB */
    uint64_t buffer_bytes;            /* of that for queued data; default 3/4 of memory_bytes */
    uint32_t chunk_bytes;             /* unit of growth, 64 KiB..64 MiB, a power of two; default 256 KiB */
    uint32_t connections_max;         /* full control blocks; 1..2^24 - 1, default 1,000,000 */
    uint32_t halfopen_max;            /* SYN table, all listeners together; default 4096 */
    uint32_t timewait_max;            /* records, TIME-WAIT and orphaned FIN-WAIT-2; default 2^26. Full: the oldest goes, counted */
    uint32_t listeners_max;           /* default 1024 */
    uint32_t neighbours_max;          /* 1..2^24 - 1, default 1024 */
    uint32_t routes_max;              /* default 64 */
    uint32_t addresses_max;           /* local addresses, default 64 */
    uint32_t links_max;               /* 1..255, default 8 */
    uint32_t fragments_bytes_max;     /* memory for reassembly, default 1 MiB */
    uint32_t paths_max;               /* remembered path MTUs, default 1024 */

    /* -- IP ------------------------------------------------------------------------------------------------------- */
    uint8_t hop_limit;                /* TTL of what is sent, default 64 (RFC9293 MUST-49) */
    bool path_mtu_discovery;          /* default true: DF set, RFC 1191 and 8201 */
    uint32_t icmp_rate_per_s;         /* ICMP errors and echo replies sent, default 1000 (RFC 4443 2.4 f) */
    uint64_t neighbour_reachable_ns;  /* default 30 s (RFC 4861 10) */
    uint64_t fragment_timeout_ns;     /* default 30 s (RFC 1122 3.3.2 allows 60-120, RFC 8200 60; Linux 30) */
    uint64_t path_mtu_age_ns;         /* a learnt path MTU is forgotten after; default 10 min (RFC 1191 6.3), at least 5 min for IPv6 */

    /* -- TCP: opening --------------------------------------------------------------------------------------------- */
    uint8_t syn_retries;              /* default 7: gives up after 247 s, for RFC9293 MUST-23 wants 3 minutes; Linux has 6, 127 s */
    uint8_t synack_retries;           /* default 5 */
    bool syn_cookies;                 /* default true: used only when the SYN table is full (RFC 4987 3.6) */
    bool window_scaling;              /* default true */
    bool timestamps;                  /* default true */
    bool sack;                        /* default true */
    uint16_t port_first, port_last;   /* automatic local ports, default 32768..60999 (RFC6056 02, Linux) */
    uint32_t initial_window_segments; /* default 10 (RFC 6928), 1..10 */

    /* -- TCP: sending and receiving ------------------------------------------------------------------------------- */
    uint32_t send_buffer_bytes;       /* most unacknowledged and unsent data a connection queues; default 4 MiB */
    uint32_t receive_buffer_bytes;    /* largest receive buffer; sets the window scale; default 6 MiB (Linux tcp_rmem) */
    uint32_t receive_window_initial_bytes; /* first window, grows with use; default 64 KiB */
    uint64_t delayed_ack_ns;          /* default 40 ms; below 500 ms (RFC9293 MUST-40) */
    uint32_t quick_acks;              /* segments acknowledged at once at a connection's start, default 16 (as Linux) */
    uint64_t rto_min_ns;              /* default 200 ms (RFC6298 04: a deviation, as Linux) */
    uint64_t rto_max_ns;              /* default 120 s, at least 60 s (RFC6298 05) */
    uint64_t rto_initial_ns;          /* default 1 s (RFC6298 01) */
    uint8_t retries1;                 /* R1: default 3 (RFC9293 SHLD-10) */
    uint8_t retries2;                 /* R2 in retransmissions: default 15 (RFC9293 SHLD-11); a user timeout replaces it. Below R1, R1 is never told */
    uint64_t override_ns;             /* sender's silly window override, default 200 ms; 0.1-1.0 s (RFC 9293 3.8.6.2.1) */
    uint32_t challenge_acks;          /* per connection and challenge_interval_ns, default 10 (RFC 5961 7) */
    uint64_t challenge_interval_ns;   /* default 5 s */

    /* -- TCP: keeping and ending ---------------------------------------------------------------------------------- */
    uint64_t keepalive_idle_ns;       /* default 7200 s (RFC9293 MUST-28) */
    uint64_t keepalive_interval_ns;   /* default 75 s */
    uint8_t keepalive_probes;         /* default 9 */
    uint64_t msl_ns;                  /* default 30 s; TIME-WAIT is 2 MSL (RFC9293 MUST-13) */
    uint64_t fin_wait_2_ns;           /* life of FIN-WAIT-2 after close(), not of a half-close; default 60 s (tcp_fin_timeout) */
    uint8_t orphan_retries;           /* retransmissions for a closed connection, default 8 */
    bool rfc1337;                     /* default true: a RST does not end TIME-WAIT */
    uint8_t timewait_reuse;           /* active open may take over a record: 0 never, 1 always, 2 loopback only (default) */
    uint64_t timewait_reuse_delay_ns; /* not younger than this, default 1 s */
};

/* Fills in every default; memory and entropy stay zero and must be set by the caller. */
HAWSER_EXPORT void hawser_config_defaults(struct hawser_config *config);

/* 0, or HAWSER_ERR_CONFIG; then *field (may be NULL) is the name of the first field that is out of range, in static storage. */
HAWSER_EXPORT int hawser_config_check(const struct hawser_config *config, const char **field);

#ifdef __cplusplus
}
#endif
#endif
