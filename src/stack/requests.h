/* SPDX-License-Identifier: MIT */
/* Half-open requests of listeners: the SYN table (RFC 4987 3.5), apart from connections. */
#ifndef HAWSER_STACK_REQUESTS_H
#define HAWSER_STACK_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wheel.h"
#include "stack/flowkey.h"
#include "stack/way.h"
#include "tcp/halfopen.h"
#include "tcp/timewait.h"

#define REQUEST_NONE POOL_NONE

struct request {
    uint32_t next, prev; /* among its listener's */
    struct flow_key key;
    uint32_t listener;
    struct way way;
    uint32_t out_next, out_prev; /* in the link's queue of requests that have something to send */
    bool used : 1;
    bool queued : 1;
    bool reopened : 1;    /* took the place of a TIME-WAIT record */
    struct timewait wait; /* that record: it comes back when the handshake proves to be old (RFC9293 MAY-2) */
    struct halfopen half;
    struct wheel_entry timer;
};

struct hawser_host;

/* The TIME-WAIT record that a SYN may take over, and its reference in the map. */
struct request_over {
    const struct timewait *wait;
    uint32_t ref;
};

/* A SYN for a listener: becomes a request, or is answered by a cookie, or is dropped. over: NULL when nothing of the 4-tuple is left. */
void request_begin(struct hawser_host *host, uint32_t listener, const struct flow_key *key, uint64_t hash, const struct segment *syn, uint64_t now_ns,
                   const struct request_over *over);

/* A segment for a request. */
void request_arrives(struct hawser_host *host, uint32_t index, uint64_t hash, const struct segment *seg, uint64_t now_ns);

/* A segment with ACK for a listener that keeps nothing about its 4-tuple: true when a cookie came back, and the segment is dealt with. */
bool request_from_cookie(struct hawser_host *host, uint32_t listener, const struct flow_key *key, uint64_t hash, const struct segment *seg,
                         uint64_t now_ns);

/* Into and out of its link's queue of those that have something to send. */
void request_enqueue(struct hawser_host *host, uint32_t index);
void request_dequeue(struct hawser_host *host, uint32_t index);

/* The timer of its SYN-ACK. */
void request_timeout(struct hawser_host *host, uint32_t index, uint64_t now_ns);

/* Takes it out, without a segment. now_ns NEVER: its listener is being closed, and a record that it replaced does not come back. */
void request_end(struct hawser_host *host, uint32_t index, enum hawser_cause cause, uint64_t now_ns);

/* A hard ICMP error that quotes exactly its SYN-ACK ends a request; others are ignored. */
void request_icmp_error(struct hawser_host *host, uint32_t index, bool hard, seq_t quoted, uint64_t now_ns);

#endif
