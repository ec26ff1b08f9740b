/* SPDX-License-Identifier: MIT */
/* Hash map by linear hashing (Litwin 1980).
 *
 * The table grows by one bucket at a time: bucket `split` hands those of its references whose next
 * bit of the hash is set to a new bucket at the end. Buckets are split in turn, not when they are
 * full, so some overflow: behind the bucket in the table hangs a list of further ones. The first of
 * these is the one that need not be full; so adding and removing look at two buckets at most, and n
 * references under one table bucket never take more than (n - 1) / 10 overflow buckets. */
#include "base/map.h"

#include <string.h>

#include "base/assert.h"

#define BUCKETS_FIRST_BITS 3u

/* Split when there are more references to a bucket than this. Buckets that wait for their turn hold
 * twice as many as those that had it, so that even at 6 about one reference in 21 is in an overflow
 * bucket when half are split (one in 80 when none or all are), for 11.7 bytes a reference. At 7.5
 * it is one in 10, for 10.3 bytes. */
#define LOAD_REFS 6u

/* At most so many splits at an insertion. One keeps up; more than one is only due when memory was
 * refused before. */
#define SPLITS_MAX 2

_Static_assert(sizeof(struct map_bucket) == 64, "a bucket is a cache line");

static uint64_t tag_of(uint64_t hash)
{
    return hash >> 48;
}

/* ---- one bucket ------------------------------------------------------------------------------ */

static void bucket_init(struct map_bucket *b)
{
    memset(b, 0, sizeof *b);
    for (unsigned i = 0; i < MAP_BUCKET_REFS; i++)
        b->ref[i] = MAP_NONE;
    b->overflow = POOL_NONE;
}

static unsigned bucket_count(const struct map_bucket *b)
{
    unsigned n = 0;
    while (n < MAP_BUCKET_REFS && b->ref[n] != MAP_NONE)
        n++;
    return n;
}

static uint64_t bucket_tag(const struct map_bucket *b, unsigned i)
{
    uint64_t word = i < 8 ? b->tags[i / 4] : b->tags_rest;
    return word >> (16 * (i % 4)) & 0xffff;
}

static void bucket_set(struct map_bucket *b, unsigned i, uint64_t tag, uint32_t ref)
{
    uint64_t change = (bucket_tag(b, i) ^ tag) << (16 * (i % 4));
    if (i < 8)
        b->tags[i / 4] ^= change;
    else
        b->tags_rest ^= (uint32_t)change;
    b->ref[i] = ref;
}

/* The top bit of each 16-bit lane that is zero. Adding carries into the top bit from any other bit
 * that is set, and never out of the lane. */
static inline uint64_t zero_lanes(uint64_t x)
{
    const uint64_t low = UINT64_C(0x7fff7fff7fff7fff);
    return ~(((x & low) + low) | x | low);
}

/* The references with this tag, free places among them when the tag is 0: bit 16 * lane + word of
 * the result stands for reference 4 * word + lane. */
static inline uint64_t bucket_match(const struct map_bucket *b, uint64_t tag)
{
    uint64_t everywhere = tag * UINT64_C(0x0001000100010001);
    uint64_t rest = zero_lanes(b->tags_rest ^ everywhere) & UINT64_C(0xffffffff);
    return zero_lanes(b->tags[0] ^ everywhere) >> 15 | zero_lanes(b->tags[1] ^ everywhere) >> 14 |
           rest >> 13;
}

static inline unsigned match_index(uint64_t match)
{
    unsigned bit = (unsigned)__builtin_ctzll(match);
    return 4 * (bit % 16) + bit / 16;
}

/* ---- a bucket of the table with what hangs behind it --------------------------------------------
 * */

static struct map_bucket *overflow_at(const struct map *m, uint32_t index)
{
    return (struct map_bucket *)pool_at(&m->overflow, index);
}

/* Where a reference is; false when it is not there. */
static bool locate(const struct map *m, uint64_t hash, uint32_t ref, struct map_bucket **bucket,
                   unsigned *place)
{
    struct map_bucket *b = map_bucket_for(m, hash);
    for (;;) {
        for (uint64_t match = bucket_match(b, tag_of(hash)); match != 0; match &= match - 1) {
            unsigned i = match_index(match);
            if (b->ref[i] == ref) {
                *bucket = b;
                *place = i;
                return true;
            }
        }
        if (b->overflow == POOL_NONE)
            return false;
        b = overflow_at(m, b->overflow);
    }
}

static bool chain_put(struct map *m, struct map_bucket *b, uint64_t tag, uint32_t ref)
{
    unsigned n = bucket_count(b);
    if (n == MAP_BUCKET_REFS) {
        struct map_bucket *first = b;
        uint32_t index = first->overflow;
        if (index != POOL_NONE) {
            b = overflow_at(m, index);
            n = bucket_count(b);
        }
        if (n == MAP_BUCKET_REFS) {
            uint32_t fresh = pool_take(&m->overflow);
            if (fresh == POOL_NONE)
                return false;
            b = overflow_at(m, fresh);
            bucket_init(b);
            b->overflow = index;
            first->overflow = fresh;
            n = 0;
        }
    }
    bucket_set(b, n, tag, ref);
    return true;
}

/* The objects of a bucket lie anywhere in memory. Those of the next one to split are asked for now,
 * and have some insertions' time to come. */
static void prefetch_next(const struct map *m)
{
    const struct map_bucket *b = pool_at(&m->buckets, m->split);
    for (unsigned i = 0; i < MAP_BUCKET_REFS && b->ref[i] != MAP_NONE; i++)
        m->prefetch(m->ctx, b->ref[i]);
}

/* Splits the bucket whose turn it is; false when there is no memory for another one. */
static bool split_next(struct map *m)
{
    uint32_t index = pool_take(&m->buckets);
    if (index == POOL_NONE)
        return false;
    ASSERT(index == (UINT32_C(1) << m->level_bits) + m->split);
    struct map_bucket *old = pool_at(&m->buckets, m->split);
    struct map_bucket *fresh = pool_at(&m->buckets, index);
    struct map_bucket from = *old;
    bucket_init(old);
    bucket_init(fresh);
    for (;;) {
        for (unsigned i = 0; i < MAP_BUCKET_REFS && from.ref[i] != MAP_NONE; i++) {
            uint64_t hash = m->ops->hash_of(m->ctx, from.ref[i]);
            struct map_bucket *to = (hash >> m->level_bits & 1) != 0 ? fresh : old;
            /* Two lists need no more overflow buckets than the one did, and those read so far have
             * been given back: this cannot fail. */
            bool put = chain_put(m, to, tag_of(hash), from.ref[i]);
            ASSERT(put);
        }
        uint32_t next = from.overflow;
        if (next == POOL_NONE)
            break;
        from = *overflow_at(m, next);
        pool_give(&m->overflow, next);
    }
    if (++m->split == UINT32_C(1) << m->level_bits) {
        m->level_bits++;
        m->split = 0;
    }
    if (m->prefetch != NULL)
        prefetch_next(m);
    return true;
}

/* ---- the door -------------------------------------------------------------------------------- */

bool map_init(struct map *m, struct memory *memory, const struct map_ops *ops, void *ctx,
              uint32_t refs_limit, uint32_t chunk_bytes)
{
    uint32_t first = UINT32_C(1) << BUCKETS_FIRST_BITS;
    uint32_t buckets_limit = refs_limit / LOAD_REFS + 1 + first;
    memset(m, 0, sizeof *m);
    m->ops = ops;
    m->ctx = ctx;
    m->level_bits = BUCKETS_FIRST_BITS;
    m->refs_limit = refs_limit;
    if (!pool_init(&m->buckets, memory, sizeof(struct map_bucket), buckets_limit, chunk_bytes))
        return false;
    bool had = pool_init(&m->overflow, memory, sizeof(struct map_bucket),
                         refs_limit / MAP_BUCKET_REFS + 1, chunk_bytes);
    for (uint32_t i = 0; i < first && had; i++) {
        had = pool_take(&m->buckets) == i;
        if (had)
            bucket_init(pool_at(&m->buckets, i));
    }
    if (!had)
        map_deinit(m);
    return had;
}

void map_deinit(struct map *m)
{
    pool_deinit(&m->buckets);
    pool_deinit(&m->overflow);
}

uint32_t map_find(const struct map *m, uint64_t hash, const void *key)
{
    const struct map_bucket *b = map_bucket_for(m, hash);
    for (;;) {
        for (uint64_t match = bucket_match(b, tag_of(hash)); match != 0; match &= match - 1) {
            uint32_t ref = b->ref[match_index(match)];
            if (ref != MAP_NONE && m->ops->equals(m->ctx, ref, key))
                return ref;
        }
        if (b->overflow == POOL_NONE)
            return MAP_NONE;
        b = overflow_at(m, b->overflow);
    }
}

bool map_add(struct map *m, uint64_t hash, uint32_t ref)
{
    ASSERT(ref != MAP_NONE);
    CHECK(m->ops->hash_of(m->ctx, ref) == hash);
    if (m->count == m->refs_limit || !chain_put(m, map_bucket_for(m, hash), tag_of(hash), ref))
        return false;
    m->count++;
    for (int i = 0; i < SPLITS_MAX; i++) {
        if (m->count <= (uint64_t)m->buckets.used_count * LOAD_REFS)
            break;
        if (!split_next(m))
            break; /* works on with longer lists */
    }
    return true;
}

void map_replace(struct map *m, uint64_t hash, uint32_t from, uint32_t to)
{
    struct map_bucket *b = NULL;
    unsigned i = 0;
    bool found = locate(m, hash, from, &b, &i);
    ASSERT(found && to != MAP_NONE);
    b->ref[i] = to;
}

void map_remove(struct map *m, uint64_t hash, uint32_t ref)
{
    struct map_bucket *hole = NULL;
    unsigned i = 0;
    bool found = locate(m, hash, ref, &hole, &i);
    ASSERT(found);

    /* The last reference of the bucket that need not be full fills the hole. */
    struct map_bucket *first = map_bucket_for(m, hash);
    uint32_t overflow = first->overflow;
    struct map_bucket *b = overflow == POOL_NONE ? first : overflow_at(m, overflow);
    unsigned last = bucket_count(b) - 1;
    bucket_set(hole, i, bucket_tag(b, last), b->ref[last]);
    bucket_set(b, last, 0, MAP_NONE);
    if (last == 0 && overflow != POOL_NONE) {
        first->overflow = b->overflow;
        pool_give(&m->overflow, overflow);
    }
    m->count--;
}
