/* SPDX-License-Identifier: MIT */
/* Reassembly of fragments (RFC 791 3.2, RFC 8200 4.5, RFC 5722): bounded packets, bytes, time. */
#ifndef HAWSER_NET_REASM_H
#define HAWSER_NET_REASM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffers.h"
#include "base/ranges.h"
#include "base/siphash.h"
#include "wire/ip.h"

#define REASM_PACKETS_MAX 64u
#define REASM_HEADER_MAX                                                                           \
    256u /* of a first fragment; longer header chains are refused (RFC 7112)                       \
          */
#define REASM_NONE UINT32_MAX

/* One packet under way. */
struct reasm_packet {
    struct hawser_address src, dst;
    uint64_t deadline_ns; /* first arrival + timeout; never moved */
    uint8_t *data;        /* room for an IPv6 header, then the payload; NULL = no buffer */
    struct ranges got;    /* which bytes of it are there */
    uint32_t id;
    uint32_t total_bytes; /* known with has_last */
    uint32_t high_bytes;  /* end of what came so far */
    uint32_t link;
    uint32_t prev, next; /* by age */
    uint8_t shift;       /* log2 of the buffer's size */
    uint8_t version, protocol;
    uint8_t hop_limit, traffic_class;
    uint8_t ecn_seen; /* bit n: a fragment carried ECN codepoint n */
    bool has_first, has_last, has_options;
    bool poisoned;       /* overlap: whatever else comes of it is discarded too (RFC 5722 3) */
    uint32_t header_len; /* of the first fragment */
    uint8_t header[REASM_HEADER_MAX];
};

struct reasm {
    struct reasm_packet *packets; /* REASM_PACKETS_MAX, the caller's memory */
    struct buffers *buffers;
    uint64_t timeout_ns;
    uint64_t limit_bytes, used_bytes;
    uint32_t hashes[REASM_PACKETS_MAX]; /* 0 = free; these are looked through, not the packets */
    uint32_t head, tail;                /* oldest, youngest */
    uint32_t delivered;                 /* the packet handed out last, or REASM_NONE */
    const struct siphash_key *key;
};

void reasm_init(struct reasm *r, struct reasm_packet *packets, struct buffers *buffers,
                uint64_t limit_bytes, uint64_t timeout_ns, const struct siphash_key *key);
void reasm_deinit(struct reasm *r);

enum reasm_result {
    REASM_HELD,    /* taken, or a duplicate of what is there */
    REASM_DONE,    /* *whole is complete; its payload and *header are there until reasm_release */
    REASM_REFUSED, /* dropped: overlap, limits, or a first fragment without its headers */
};

/* Takes one fragment, as ip_parse left it; `bytes` is where its packet begins (the header of a
 * first one is kept: ICMP errors quote it). With REASM_DONE *whole describes the packet and *header
 * is that header, whole->header_len bytes. */
enum reasm_result reasm_input(struct reasm *r, uint32_t link, uint64_t now_ns,
                              const struct ip_packet *fragment, const uint8_t *bytes,
                              struct ip_packet *whole, const uint8_t **header);

/* Gives back the memory of the packet handed out last. */
void reasm_release(struct reasm *r);

/* When the oldest packet times out; NEVER = none waits. */
uint64_t reasm_next(const struct reasm *r);

/* The oldest packet when its time is over, else NULL. The caller looks at it (a time exceeded is
 * due when has_first and not poisoned) and calls reasm_drop. */
struct reasm_packet *reasm_expired(struct reasm *r, uint64_t now_ns);
void reasm_drop(struct reasm *r, struct reasm_packet *packet);

/* What is there from the payload's first byte on, *length bytes. */
const uint8_t *reasm_start(const struct reasm_packet *packet, uint32_t *length);

#endif
