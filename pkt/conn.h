/* SPDX-License-Identifier: MIT */
/* One connection of a script: which live numbers the script's numbers mean. */
#ifndef PKT_CONN_H
#define PKT_CONN_H

#include "pkt/live.h"

enum pkt_conn_state {
    PKT_CONN_NEW,        /* socket() */
    PKT_CONN_LISTENING,  /* listen() */
    PKT_CONN_CONNECTING, /* connect(): its SYN tells the local port */
    PKT_CONN_ACTIVE,     /* its SYN was seen */
    PKT_CONN_PASSIVE,    /* made by a packet that arrived */
};

struct pkt_ts_pair {
    uint32_t script, live;
};

struct pkt_conn {
    enum pkt_conn_state state;
    int script_fd;           /* -1 = none (yet) */
    struct pkt_ends ends;    /* source: the stack's side; port 0 = not known */
    bool local_known;        /* a SYN of the stack was seen: */
    uint32_t local_script, local_live; /* its number in the script and live */
    bool remote_known;       /* a SYN of the peer was sent: */
    uint32_t remote;         /* its number: the script's is the live one */
    bool again;              /* another SYN of the peer was sent, numbered remote_again: perhaps a new incarnation */
    uint32_t remote_again;
    bool ts_known;
    struct pkt_ts_pair ts_first;
    struct pkt_ts_pair *ts_pairs; /* every outbound time stamp */
    size_t ts_count, ts_room;
};

/* A packet to be injected, with live numbers; options (PKT_LIVE_OPTIONS_MAX) is where out's will be. ecr_scaled as the option of that name. Returns NULL, or
 * what cannot be translated. */
const char *pkt_conn_to_live(const struct pkt_conn *conn, const struct pkt_packet *packet, bool ecr_scaled, struct pkt_packet *out,
                             struct pkt_option *options);

/* Before a packet is injected: what the connection learns from it. */
void pkt_conn_injected(struct pkt_conn *conn, const struct pkt_packet *packet);

/* A packet that the stack sent and where the script expects `expected`: learns initial numbers and the first time stamp, then gives *live the script's numbers.
 * ts_live is the time stamp as it was. */
void pkt_conn_to_script(struct pkt_conn *conn, const struct pkt_packet *expected, struct pkt_live *live);

/* The packet was the expected one: its time stamp can be echoed from now on. live is the packet as it was. false = no memory. */
bool pkt_conn_seen(struct pkt_conn *conn, const struct pkt_packet *expected, const struct pkt_live *live);

/* Without an expectation, for showing it. */
void pkt_conn_show(const struct pkt_conn *conn, struct pkt_live *live);

#endif
