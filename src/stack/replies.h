/* SPDX-License-Identifier: MIT */
/* Segments without text that no connection's own output sends: RST, ACKs of records, SYN cookies. A bounded queue for each link. */
#ifndef HAWSER_STACK_REPLIES_H
#define HAWSER_STACK_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/flowkey.h"
#include "stack/way.h"
#include "tcp/tcp.h"

#define REPLY_NONE POOL_NONE
#define REPLIES_MAX 1024u

struct reply {
    uint32_t next;
    struct flow_key key;
    struct way way;
    seq_t seq, ack;
    uint32_t ts_val, ts_ecr;
    uint16_t wnd, mss;
    uint8_t flags, options, wscale;
    uint8_t hop_limit, traffic_class;
};

struct hawser_host;

/* Whom a reply is sent for. */
struct reply_from {
    const struct flow_key *key;
    const struct tcb_settings *set; /* hop limit and traffic class; NULL: the host's */
    const struct way *way;          /* tried first; NULL: one is looked for */
};

/* Queues a segment from this host's end of the key. When the queue is full or no way leads there it is lost, and counted. */
void reply_push(struct hawser_host *host, const struct reply_from *from, const struct segment *segment);

/* The oldest reply of a link as a segment; false: there is none. */
bool reply_pop(struct hawser_host *host, uint32_t link, struct reply *out);

/* The segment that a reply stands for. */
void reply_segment(const struct reply *reply, struct segment *out);

#endif
