/* SPDX-License-Identifier: MIT */
/* What the files of the recorder share. */
#ifndef PKT_RECORD_INTERNAL_H
#define PKT_RECORD_INTERNAL_H

#include "pkt/live.h"
#include "pkt/record.h"

struct record_packet {
    struct record_packet *next; /* of its connection */
    int64_t time_ns;            /* since 1970 */
    bool from_first;            /* from the side that sent the connection's first packet */
    bool odd_options;           /* some are not of the language */
    struct pkt_packet packet;   /* live numbers */
};

struct record_side {
    bool isn_known, fin_known, reset;
    uint32_t isn;
};

struct record_connection {
    struct record_connection *next, *next_in_bucket;
    struct pkt_ends ends; /* source: who sent the first packet */
    size_t number;        /* from 1 */
    struct record_packet *first, **end;
    size_t count, errors;
    struct record_side sides[2]; /* 0: who sent the first packet */
    bool has_syn, has_answer;    /* a SYN first; a SYN with an ACK from the other side */
};

#define RECORD_BUCKETS 16384u

struct pkt_record {
    struct pkt_arena *arena;
    struct record_connection *first, **end;
    struct record_connection *buckets[RECORD_BUCKETS];
    size_t connections, packets;
    size_t short_packets, fragments, others; /* passed over */
    uint8_t *scratch;  /* a datagram as it was, payload zero */
    struct pkt_live *live;
};

/* Whether the connection is over: what comes next with a new SYN is another one. */
bool record_is_over(const struct record_connection *connection);

/* ---- record_write.c ------------------------------------------------------------------------------------------------- */

struct record_line { /* an event to be: */
    int64_t time_ns;                 /* since the first packet, rounded */
    const char *call;                /* NULL: */
    const struct pkt_packet *packet; /* with the script's numbers */
};

struct record_lines {
    struct pkt_arena *arena;
    struct record_line *rows;
    size_t count, room;
};

/* Puts one in at index. */
void record_insert(struct record_lines *lines, size_t at, struct record_line line);

/* The whole text. */
const char *record_text(const struct pkt_record *record, const struct record_connection *connection, bool local_first,
                        const struct pkt_record_choice *choice, struct pkt_arena *arena);

/* ---- record_calls.c ------------------------------------------------------------------------------------------------- */

struct record_facts { /* what the packets of the stack under test tell about it */
    bool client, v6;
    bool syn_seen, has_mss, has_wscale, has_sack, has_timestamps; /* of its SYN */
    bool peer_has_wscale, peer_has_sack, peer_has_timestamps, peer_syn_seen;
    uint32_t mss, peer_mss, wscale, syn_window, most_window;
    bool reset_seen;        /* from the stack */
    bool small_segments;    /* sent while others were under way: Nagle's algorithm was off */
    bool strange_echoes;    /* time stamps are echoed that were not in the capture */
    bool urgent_in;
    bool slow_ack;          /* the first data were not acknowledged at once */
    int64_t keepalive_idle_ns, keepalive_interval_ns; /* 0 = no probe, or only one at a time */
    unsigned keepalive_count; /* probes in a row, after which it was given up; 0 = it was not */
    int64_t slowest_answer_ns; /* of those that a packet has called for */
};

/* The size of a receive buffer that a program has chosen, as the packets show it; 0 = none. */
uint32_t record_fixed_buffer(const struct record_facts *facts);

void record_look(const struct record_connection *connection, bool local_first, struct record_facts *out);

/* Packets with the calls that they need between them. */
void record_events(const struct record_connection *connection, bool local_first, const struct record_facts *facts, bool loose,
                   struct record_lines *out);

#endif
