/* SPDX-License-Identifier: MIT */
/* Storage of TIME-WAIT and FIN-WAIT-2 records: queues in order of expiry, made of chunks that come and go.
 *
 * All records of one queue live equally long, so they lie in the order in which they end: a new one goes to the tail, the next to end is the head, and no
 * timer, list or scan is needed. A record that is taken out earlier (restarted, reused, reset) leaves its place dead until the head comes by.
 *
 *     queue   chunk         chunk              chunk
 *     head -> [..dddLLdLL]  [LLLLLdLLLL]  <-   [LLL.......]   <- tail       L live, d dead, . free
 *
 * Without memory to move it, a FIN-WAIT-2 record becomes TIME-WAIT where it lies (records_change), and may end later than what lies behind it. That is
 * then over when it is: late by 2 MSL at the most, and no segment meets it after its own end (waiting_expire_due).
 *
 * An index (30 bits: chunk, place) names a record as long as it lives. */
#ifndef HAWSER_STACK_RECORDS_H
#define HAWSER_STACK_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "stack/flowkey.h"
#include "tcp/timewait.h"

#define RECORD_NONE UINT32_MAX
#define RECORD_INDEX_BITS 30u

struct record_v4 {
    uint8_t raddr[4], laddr[4];
    uint16_t rport, lport; /* lport 0: dead */
    struct timewait wait;
};

struct record_v6 {
    uint8_t raddr[16], laddr[16];
    uint16_t rport, lport;
    struct timewait wait;
};

_Static_assert(sizeof(struct record_v4) == 32, "the promise of the design");
_Static_assert(sizeof(struct record_v6) == 56, "16 + 16 + 2 + 2 + 20");

/* Which queue. The order matters to records_walk: what moves from one to another moves to one that comes earlier. */
enum record_queue_name { RECORDS_TIME_WAIT_V4, RECORDS_TIME_WAIT_V6, RECORDS_FIN_WAIT_2_V4, RECORDS_FIN_WAIT_2_V6, RECORDS_QUEUES };

struct record_queue {
    uint32_t record_bytes;
    uint32_t places;                  /* in a chunk */
    uint32_t head_chunk, tail_chunk;  /* RECORD_NONE while empty */
    uint32_t head_place, tail_place;  /* tail: the next free one */
    uint32_t ordinal;                 /* of the next chunk */
    uint64_t head_at_ns;              /* when the head ends; the head is live; NEVER while the queue is empty */
};

struct record_slot { /* of the directory */
    uint8_t *chunk;     /* NULL = free */
    uint32_t next_free; /* meaningful then */
};

struct records {
    struct memory *memory;
    uint32_t chunk_bytes;
    uint32_t place_bits;
    uint32_t live_count, dead_count;
    struct record_slot *directory;
    uint32_t directory_size, directory_used; /* entries there are, entries ever used */
    uint32_t free_head;                      /* of the used ones */
    uint32_t spare;                          /* one empty chunk is kept, so that a queue at a chunk's edge asks for no memory */
    uint64_t next_at_ns;                     /* the earliest head's; NEVER = there is none */
    struct record_queue queues[RECORDS_QUEUES];
};

/* Holds no memory before the first record. */
void records_init(struct records *r, struct memory *memory, uint32_t chunk_bytes);
void records_deinit(struct records *r);

/* Appends; wait->ends_at_ms is not earlier than that of any record of its queue, and lies within 2^31 ms from now. RECORD_NONE: no memory. */
uint32_t records_add(struct records *r, const struct flow_key *key, const struct timewait *wait, uint64_t now_ns);

void records_remove(struct records *r, bool v6, uint32_t index);

/* A record that is to move to a tail leaves a dead place. False: there are so many dead ones already that it should stay where it is; what a peer
 * repeats must not cost memory without bound. */
static inline bool records_may_move(const struct records *r)
{
    return r->dead_count <= r->live_count + 4096;
}

/* Another content where it lies, its end included. */
void records_change(struct records *r, bool v6, uint32_t index, const struct timewait *wait);

struct timewait *records_at(const struct records *r, bool v6, uint32_t index);
void records_key(const struct records *r, bool v6, uint32_t index, struct flow_key *out);
bool records_equal(const struct records *r, bool v6, uint32_t index, const struct flow_key *key);

/* When the next record is over; NEVER = there is none. */
static inline uint64_t records_next(const struct records *r)
{
    return r->next_at_ns;
}

/* Every record of TIME-WAIT, or of FIN-WAIT-2, in whichever queue, ends so many milliseconds later, or earlier. */
void records_shift(struct records *r, bool fin_wait_2, int64_t by_ms);

/* The one that is over first; false when there is none. Records end in the order in which this names them. */
bool records_first(const struct records *r, bool *v6, uint32_t *index);

/* Every live record once, one a call: *cursor 0 at first. A record that moves between calls is not shown again (the walk goes from a queue's tail to its head).
 * The cursor takes 62 bits. */
bool records_walk(const struct records *r, uint64_t *cursor, bool *v6, uint32_t *index);

#endif
