/* SPDX-License-Identifier: MIT */
/* One connection of a capture as a script that replays it: datagrams in, text out. What the stack under test sent is expected, what it got is injected, and
 * the calls of its program are guessed from the packets. Captures are strangers': anything may be in them. */
#ifndef PKT_RECORD_H
#define PKT_RECORD_H

#include <stdio.h>

#include "pkt/arena.h"
#include "pkt/script.h"

#define PKT_RECORD_PACKETS_MAX (1u << 20) /* of all connections together */

struct pkt_record; /* what was captured */

struct pkt_record_choice {
    const char *path;            /* for the script's head */
    bool has_local;              /* the stack under test is this host; else the one that the connection's first SYN goes to */
    struct hawser_address local;
    uint16_t local_port;         /* 0 = any */
    size_t connection;           /* from 1, in the order of their first packets; 0 = the first one that has a whole handshake, or else the first with a SYN */
    bool loose;                  /* windows and SYN options that the stack under test chooses are not written down */
};

/* Lives in the arena, as does everything below. */
struct pkt_record *pkt_record_new(struct pkt_arena *arena);

/* The next datagram; of original_length bytes so many are there. Anything that is no TCP segment and no ICMP error about one is passed over.
 * Returns 0, or -1: there are too many. */
int pkt_record_add(struct pkt_record *record, uint64_t time_ns, const uint8_t *data, size_t length, size_t original_length);

/* The script's text; NULL and *why: there is no such connection, and which ones there are. */
const char *pkt_record_script(struct pkt_record *record, const struct pkt_record_choice *choice, const char **why);

#endif
