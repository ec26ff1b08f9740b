/* SPDX-License-Identifier: MIT */
/* TIME-WAIT and FIN-WAIT-2 records in queues of chunks. */
#include "stack/records.h"

#include <string.h>

#include "base/assert.h"
#include "wire/ip.h"

#define DIRECTORY_FIRST 4096u /* entries: 64 KiB */
#define ORDINAL_MASK ((UINT32_C(1) << 30) - 1)

/* In front of a chunk's records: one cache line. */
struct record_chunk {
    _Alignas(64) uint32_t next; /* towards the tail */
    uint32_t prev;              /* towards the head; not kept right behind the head's chunk */
    uint32_t ordinal;           /* of the queue's chunks, from 1: tells a chunk from its reuse */
    uint32_t queue;
};

void records_init(struct records *r, struct memory *memory, uint32_t chunk_bytes)
{
    memset(r, 0, sizeof *r);
    r->memory = memory;
    r->chunk_bytes = chunk_bytes;
    r->place_bits = (uint32_t)__builtin_ctz(chunk_bytes / sizeof(struct record_v4));
    r->free_head = RECORD_NONE;
    r->spare = RECORD_NONE;
    r->next_at_ns = NEVER;
    for (unsigned i = 0; i < RECORDS_QUEUES; i++) {
        struct record_queue *q = &r->queues[i];
        bool v6 = i == RECORDS_TIME_WAIT_V6 || i == RECORDS_FIN_WAIT_2_V6;
        q->record_bytes = v6 ? sizeof(struct record_v6) : sizeof(struct record_v4);
        q->places = (chunk_bytes - (uint32_t)sizeof(struct record_chunk)) / q->record_bytes;
        q->head_chunk = q->tail_chunk = RECORD_NONE;
        q->ordinal = 1;
        q->head_at_ns = NEVER;
    }
}

void records_deinit(struct records *r)
{
    for (uint32_t i = 0; i < r->directory_used; i++)
        memory_release(r->memory, r->directory[i].chunk, r->chunk_bytes);
    memory_release(r->memory, r->directory, r->directory_size * sizeof r->directory[0]);
    memset(r, 0, sizeof *r);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static struct record_chunk *chunk_at(const struct records *r, uint32_t chunk)
{
    return (struct record_chunk *)r->directory[chunk].chunk;
}

static bool directory_grow(struct records *r)
{
    uint32_t most = UINT32_C(1) << (RECORD_INDEX_BITS - r->place_bits);
    uint32_t size = r->directory_size == 0 ? DIRECTORY_FIRST : 2 * r->directory_size;
    if (size > most)
        size = most;
    if (size <= r->directory_size)
        return false;
    struct record_slot *bigger = memory_acquire(r->memory, size * sizeof bigger[0]);
    if (bigger == NULL)
        return false;
    if (r->directory != NULL) {
        memcpy(bigger, r->directory, r->directory_used * sizeof bigger[0]);
        memory_release(r->memory, r->directory, r->directory_size * sizeof bigger[0]);
    }
    r->directory = bigger;
    r->directory_size = size;
    return true;
}

/* Number of a chunk that holds nothing, or RECORD_NONE. */
static uint32_t chunk_take(struct records *r)
{
    uint32_t chunk = r->spare;
    if (chunk != RECORD_NONE) {
        r->spare = RECORD_NONE;
        return chunk;
    }
    if (r->free_head == RECORD_NONE && r->directory_used == r->directory_size && !directory_grow(r))
        return RECORD_NONE;
    uint8_t *bytes = memory_acquire(r->memory, r->chunk_bytes);
    if (bytes == NULL)
        return RECORD_NONE;
    chunk = r->free_head;
    if (chunk != RECORD_NONE)
        r->free_head = r->directory[chunk].next_free;
    else
        chunk = r->directory_used++;
    r->directory[chunk].chunk = bytes;
    return chunk;
}

static void chunk_give(struct records *r, uint32_t chunk)
{
    if (r->spare == RECORD_NONE) {
        chunk_at(r, chunk)->queue = RECORDS_QUEUES; /* of none: a walk's cursor may still name it */
        r->spare = chunk;
        return;
    }
    memory_release(r->memory, r->directory[chunk].chunk, r->chunk_bytes);
    r->directory[chunk] = (struct record_slot){.chunk = NULL, .next_free = r->free_head};
    r->free_head = chunk;
}

static bool chunk_append(struct records *r, enum record_queue_name name)
{
    struct record_queue *q = &r->queues[name];
    uint32_t chunk = chunk_take(r);
    if (chunk == RECORD_NONE)
        return false;
    *chunk_at(r, chunk) = (struct record_chunk){
        .next = RECORD_NONE, .prev = q->tail_chunk, .ordinal = q->ordinal, .queue = name};
    q->ordinal = q->ordinal == ORDINAL_MASK ? 1 : q->ordinal + 1;
    if (q->tail_chunk != RECORD_NONE) {
        chunk_at(r, q->tail_chunk)->next = chunk;
    } else {
        q->head_chunk = chunk;
        q->head_place = 0;
    }
    q->tail_chunk = chunk;
    q->tail_place = 0;
    return true;
}

/* ---- records --------------------------------------------------------------------------------- */

static void *place_at(const struct records *r, uint32_t bytes, uint32_t chunk, uint32_t place)
{
    return r->directory[chunk].chunk + sizeof(struct record_chunk) + (size_t)place * bytes;
}

static void *record_at(const struct records *r, bool v6, uint32_t index)
{
    uint32_t bytes = v6 ? sizeof(struct record_v6) : sizeof(struct record_v4);
    return place_at(r, bytes, index >> r->place_bits, index & ((UINT32_C(1) << r->place_bits) - 1));
}

static bool queue_is_v6(enum record_queue_name name)
{
    return name == RECORDS_TIME_WAIT_V6 || name == RECORDS_FIN_WAIT_2_V6;
}

struct timewait *records_at(const struct records *r, bool v6, uint32_t index)
{
    void *record = record_at(r, v6, index);
    return v6 ? &((struct record_v6 *)record)->wait : &((struct record_v4 *)record)->wait;
}

void records_key(const struct records *r, bool v6, uint32_t index, struct flow_key *out)
{
    if (v6) {
        const struct record_v6 *record = record_at(r, true, index);
        memcpy(out->laddr.bytes, record->laddr, 16);
        memcpy(out->raddr.bytes, record->raddr, 16);
        out->lport = record->lport;
        out->rport = record->rport;
    } else {
        const struct record_v4 *record = record_at(r, false, index);
        out->laddr = address_of_v4(record->laddr);
        out->raddr = address_of_v4(record->raddr);
        out->lport = record->lport;
        out->rport = record->rport;
    }
}

bool records_equal(const struct records *r, bool v6, uint32_t index, const struct flow_key *key)
{
    if (v6 == flow_key_is_v4(key))
        return false;
    if (v6) {
        const struct record_v6 *record = record_at(r, true, index);
        return record->lport == key->lport && record->rport == key->rport &&
               memcmp(record->raddr, key->raddr.bytes, 16) == 0 &&
               memcmp(record->laddr, key->laddr.bytes, 16) == 0;
    }
    const struct record_v4 *record = record_at(r, false, index);
    return record->lport == key->lport && record->rport == key->rport &&
           memcmp(record->raddr, key->raddr.bytes + 12, 4) == 0 &&
           memcmp(record->laddr, key->laddr.bytes + 12, 4) == 0;
}

static void record_fill(void *record, bool v6, const struct flow_key *key,
                        const struct timewait *wait)
{
    if (v6) {
        struct record_v6 *out = record;
        memcpy(out->raddr, key->raddr.bytes, 16);
        memcpy(out->laddr, key->laddr.bytes, 16);
        out->rport = key->rport;
        out->lport = key->lport;
        out->wait = *wait;
    } else {
        struct record_v4 *out = record;
        memcpy(out->raddr, key->raddr.bytes + 12, 4);
        memcpy(out->laddr, key->laddr.bytes + 12, 4);
        out->rport = key->rport;
        out->lport = key->lport;
        out->wait = *wait;
    }
}

static uint16_t *record_lport(void *record, bool v6)
{
    return v6 ? &((struct record_v6 *)record)->lport : &((struct record_v4 *)record)->lport;
}

/* ends_at_ms as a time of the caller's clock. */
static uint64_t end_of(const struct timewait *wait, uint64_t now_ns)
{
    uint64_t now_ms = now_ns / NS_PER_MS;
    return (now_ms + (uint32_t)(wait->ends_at_ms - timewait_clock(now_ns))) * NS_PER_MS;
}

/* The queue whose head ends first, RECORDS_QUEUES when there is nothing. */
static unsigned first_queue(const struct records *r)
{
    unsigned first = RECORDS_QUEUES;
    uint64_t at_ns = NEVER;
    for (unsigned i = 0; i < RECORDS_QUEUES; i++) {
        if (r->queues[i].head_at_ns < at_ns) {
            at_ns = r->queues[i].head_at_ns;
            first = i;
        }
    }
    return first;
}

static void find_next(struct records *r)
{
    unsigned first = first_queue(r);
    r->next_at_ns = first == RECORDS_QUEUES ? NEVER : r->queues[first].head_at_ns;
}

uint32_t records_add(struct records *r, const struct flow_key *key, const struct timewait *wait,
                     uint64_t now_ns)
{
    bool v6 = !flow_key_is_v4(key);
    enum record_queue_name name = wait->fin_wait_2
                                      ? (v6 ? RECORDS_FIN_WAIT_2_V6 : RECORDS_FIN_WAIT_2_V4)
                                      : (v6 ? RECORDS_TIME_WAIT_V6 : RECORDS_TIME_WAIT_V4);
    struct record_queue *q = &r->queues[name];
    ASSERT(key->lport != 0);
    bool full = q->tail_chunk == RECORD_NONE || q->tail_place == q->places;
    if (full && !chunk_append(r, name))
        return RECORD_NONE;
    if (q->head_at_ns == NEVER)
        q->head_at_ns = end_of(wait, now_ns);
    r->next_at_ns = ns_min(r->next_at_ns, q->head_at_ns);
    record_fill(place_at(r, q->record_bytes, q->tail_chunk, q->tail_place), v6, key, wait);
    r->live_count++;
    return (q->tail_chunk << r->place_bits) | q->tail_place++;
}

/* The head's end is so much later, or earlier: by differences, so that 32 bits of milliseconds are
 * enough however long a queue lives. */
static void head_moves(struct record_queue *q, int64_t by_ms)
{
    uint64_t by_ns = (uint64_t)(by_ms < 0 ? -by_ms : by_ms) * NS_PER_MS;
    if (by_ms >= 0)
        q->head_at_ns = ns_add(q->head_at_ns, by_ns);
    else
        q->head_at_ns -= by_ns < q->head_at_ns ? by_ns : q->head_at_ns;
}

/* Moves the head over one dead place. */
static void head_step(struct records *r, struct record_queue *q, bool v6)
{
    uint32_t before =
        records_at(r, v6, (q->head_chunk << r->place_bits) | q->head_place)->ends_at_ms;
    uint32_t chunk = q->head_chunk;
    r->dead_count--;
    q->head_place++;
    if (chunk == q->tail_chunk && q->head_place == q->tail_place) {
        q->head_chunk = q->tail_chunk = RECORD_NONE;
        q->head_at_ns = NEVER;
        chunk_give(r, chunk);
        return;
    }
    if (q->head_place == q->places) {
        q->head_chunk = chunk_at(r, chunk)->next;
        q->head_place = 0;
        chunk_give(r, chunk);
    }
    uint32_t after =
        records_at(r, v6, (q->head_chunk << r->place_bits) | q->head_place)->ends_at_ms;
    head_moves(q, (int32_t)(after - before));
}

static bool head_is_dead(const struct records *r, const struct record_queue *q, bool v6)
{
    if (q->head_chunk == RECORD_NONE)
        return false;
    return *record_lport(place_at(r, q->record_bytes, q->head_chunk, q->head_place), v6) == 0;
}

void records_remove(struct records *r, bool v6, uint32_t index)
{
    struct record_queue *q = &r->queues[chunk_at(r, index >> r->place_bits)->queue];
    uint16_t *lport = record_lport(record_at(r, v6, index), v6);
    ASSERT(*lport != 0);
    *lport = 0;
    r->live_count--;
    r->dead_count++;
    if (!head_is_dead(r, q, v6))
        return;
    while (head_is_dead(r, q, v6))
        head_step(r, q, v6);
    find_next(r);
}

void records_change(struct records *r, bool v6, uint32_t index, const struct timewait *wait)
{
    struct record_queue *q = &r->queues[chunk_at(r, index >> r->place_bits)->queue];
    struct timewait *old = records_at(r, v6, index);
    int32_t by_ms = (int32_t)(wait->ends_at_ms - old->ends_at_ms);
    *old = *wait;
    if (index != ((q->head_chunk << r->place_bits) | q->head_place))
        return;
    head_moves(q, by_ms);
    find_next(r);
}

/* Dead places too: the head's time is found by the differences between neighbours. */
static void queue_shift(struct records *r, unsigned queue, bool fin_wait_2, int64_t by_ms)
{
    struct record_queue *q = &r->queues[queue];
    bool v6 = queue_is_v6(queue);
    uint32_t chunk = q->head_chunk, place = q->head_place;
    if (q->head_at_ns == NEVER)
        return;
    if (records_at(r, v6, (chunk << r->place_bits) | place)->fin_wait_2 == fin_wait_2)
        head_moves(q, by_ms);
    while (chunk != q->tail_chunk || place != q->tail_place) {
        if (place == q->places) {
            chunk = chunk_at(r, chunk)->next;
            place = 0;
            continue;
        }
        struct timewait *wait = records_at(r, v6, (chunk << r->place_bits) | place);
        if (wait->fin_wait_2 == fin_wait_2)
            wait->ends_at_ms += (uint32_t)by_ms;
        place++;
    }
}

void records_shift(struct records *r, bool fin_wait_2, int64_t by_ms)
{
    for (unsigned i = 0; i < RECORDS_QUEUES; i++)
        queue_shift(r, i, fin_wait_2, by_ms);
    find_next(r);
}

bool records_first(const struct records *r, bool *v6, uint32_t *index)
{
    unsigned first = first_queue(r);
    if (first == RECORDS_QUEUES)
        return false;
    const struct record_queue *q = &r->queues[first];
    *v6 = queue_is_v6(first);
    *index = (q->head_chunk << r->place_bits) | q->head_place;
    return true;
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Where a walk stands: everything from (chunk, place) on has been shown. */
struct position {
    uint32_t chunk, place;
};

/* False: what the cursor names has left the queue, and with it all that lies before it. */
static bool position_of(const struct records *r, unsigned queue, uint64_t cursor,
                        struct position *out)
{
    const struct record_queue *q = &r->queues[queue];
    uint32_t ordinal = (uint32_t)(cursor >> RECORD_INDEX_BITS) & ORDINAL_MASK;
    uint32_t index = (uint32_t)cursor & ((UINT32_C(1) << RECORD_INDEX_BITS) - 1);
    if (ordinal == 0) { /* from the tail */
        *out = (struct position){q->tail_chunk, q->tail_place};
        return q->tail_chunk != RECORD_NONE;
    }
    *out = (struct position){index >> r->place_bits, index & ((UINT32_C(1) << r->place_bits) - 1)};
    if (out->chunk >= r->directory_used || r->directory[out->chunk].chunk == NULL)
        return false;
    const struct record_chunk *chunk = chunk_at(r, out->chunk);
    return chunk->queue == queue && chunk->ordinal == ordinal && out->place < q->places;
}

static bool step_back(const struct records *r, const struct record_queue *q, struct position *at)
{
    if (at->chunk == q->head_chunk && at->place <= q->head_place)
        return false;
    if (at->place == 0) {
        at->chunk = chunk_at(r, at->chunk)->prev;
        at->place = q->places;
        if (at->chunk == q->head_chunk && at->place <= q->head_place)
            return false;
    }
    at->place--;
    return true;
}

bool records_walk(const struct records *r, uint64_t *cursor, bool *v6, uint32_t *index)
{
    for (unsigned i = (unsigned)(*cursor >> 60) & 3; i < RECORDS_QUEUES; i++) {
        const struct record_queue *q = &r->queues[i];
        struct position at;
        bool more = position_of(r, i, *cursor, &at);
        while (more && step_back(r, q, &at)) {
            if (*record_lport(place_at(r, q->record_bytes, at.chunk, at.place), queue_is_v6(i)) ==
                0)
                continue;
            *v6 = queue_is_v6(i);
            *index = (at.chunk << r->place_bits) | at.place;
            *cursor = ((uint64_t)i << 60) |
                      ((uint64_t)chunk_at(r, at.chunk)->ordinal << RECORD_INDEX_BITS) | *index;
            return true;
        }
        *cursor = (uint64_t)((i + 1) & 3) << 60;
    }
    /* The place of no record: the end stays the end. */
    *cursor = (UINT64_C(1) << 62) - 1;
    return false;
}
