/* SPDX-License-Identifier: MIT */
/* Hash map from a key stored in the named object to a 32-bit reference: one cache line a bucket,
 * ten tags of 16 bits, linear hashing, so that no insertion ever pays for rehashing the whole
 * table. */
#ifndef HAWSER_BASE_MAP_H
#define HAWSER_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/pool.h"

#define MAP_NONE UINT32_MAX
#define MAP_BUCKET_REFS 10u

struct map_bucket {
    uint64_t tags[2];              /* top 16 bits of the hashes of ref[0] to ref[7], four a word */
    uint32_t tags_rest;            /* of ref[8] and ref[9] */
    uint32_t ref[MAP_BUCKET_REFS]; /* used ones first; MAP_NONE = free */
    uint32_t overflow;             /* bucket of the overflow pool, POOL_NONE = none */
};

struct map_ops {
    uint64_t (*hash_of)(void *ctx, uint32_t ref); /* used when a bucket is split */
    bool (*equals)(void *ctx, uint32_t ref, const void *key);
};

struct map {
    const struct map_ops *ops;
    void *ctx;
    struct pool buckets; /* bucket i is slot i: taken in order, not given back before map_deinit */
    struct pool overflow;
    uint32_t level_bits; /* buckets below split go by level_bits + 1 low bits of the hash, */
    uint32_t split;      /* the next bucket to split and those behind it by level_bits */
    uint32_t count;      /* references held */
    uint32_t refs_limit;
    /* Asks the cache for what hash_of will read. NULL after map_init: nothing is asked for. */
    void (*prefetch)(void *ctx, uint32_t ref);
};

/* refs_limit: most references ever held. False when first memory cannot be had; then nothing is
 * held. The map grows with what is added and never shrinks. */
bool map_init(struct map *m, struct memory *memory, const struct map_ops *ops, void *ctx,
              uint32_t refs_limit, uint32_t chunk_bytes);
void map_deinit(struct map *m);

static inline struct map_bucket *map_bucket_for(const struct map *m, uint64_t hash)
{
    uint32_t mask = (UINT32_C(1) << m->level_bits) - 1;
    uint32_t index = (uint32_t)hash & mask;
    if (index < m->split)
        index = (uint32_t)hash & (2 * mask + 1);
    return (struct map_bucket *)pool_at(&m->buckets, index);
}

/* The reference whose key equals `key`, or MAP_NONE. */
uint32_t map_find(const struct map *m, uint64_t hash, const void *key);

/* Adds a reference. Its key must not be present, and the object must hold it already: a bucket may
 * be split right away. False when no memory can be had or refs_limit is reached: nothing changed.
 * */
bool map_add(struct map *m, uint64_t hash, uint32_t ref);

/* Replaces one reference by another with the same key, in place. */
void map_replace(struct map *m, uint64_t hash, uint32_t from, uint32_t to);

void map_remove(struct map *m, uint64_t hash, uint32_t ref);

/* Asks the cache for the bucket that map_find(hash) will look at. */
static inline void map_prefetch(const struct map *m, uint64_t hash)
{
    __builtin_prefetch(map_bucket_for(m, hash));
}

#endif
