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
    uint16_t tag[MAP_BUCKET_REFS]; /* top 16 bits of the hash */
    uint32_t ref[MAP_BUCKET_REFS]; /* MAP_NONE = free */
    uint32_t overflow;             /* bucket of the overflow pool, POOL_NONE = none */
};

struct map_ops {
    uint64_t (*hash_of)(void *ctx, uint32_t ref);              /* used when a bucket is split */
    bool (*equals)(void *ctx, uint32_t ref, const void *key);
};

struct map {
    const struct map_ops *ops;
    void *ctx;
    struct pool buckets;  /* bucket i is slot i: taken in order, never given back before map_deinit */
    struct pool overflow;
    uint32_t level_bits;  /* buckets below split are addressed with level_bits + 1 bits of the hash */
    uint32_t split;       /* next bucket to split */
    uint32_t count;       /* references held */
};

/* refs_limit: most references ever held. False when first memory cannot be had; then nothing is
 * held. */
bool map_init(struct map *m, struct memory *memory, const struct map_ops *ops, void *ctx, uint32_t refs_limit,
              uint32_t chunk_bytes);
void map_deinit(struct map *m);

/* The reference whose key equals `key`, or MAP_NONE. */
uint32_t map_find(const struct map *m, uint64_t hash, const void *key);

/* Adds a reference (its key must not be present). False when no memory can be had: nothing changed.
 * */
bool map_add(struct map *m, uint64_t hash, uint32_t ref);

/* Replaces one reference by another with the same key, in place. */
void map_replace(struct map *m, uint64_t hash, uint32_t from, uint32_t to);

void map_remove(struct map *m, uint64_t hash, uint32_t ref);

/* Asks the cache for the bucket that map_find(hash) will look at. */
void map_prefetch(const struct map *m, uint64_t hash);

#endif
