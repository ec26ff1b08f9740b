/* SPDX-License-Identifier: MIT */
/* Memory for simulated hosts: see meter.h. */
#include "sim/meter.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_ALIVE UINT64_C(0x6861777365720001)
#define SPARE_MAX_BYTES (UINT64_C(256) << 20)

/* In front of each piece, one cache line. */
struct meter_piece {
    _Alignas(64) struct meter_piece *next;
    struct meter_piece *prev;
    const struct meter *owner;
    size_t bytes;
    uint64_t alive;
};

static unsigned class_of(size_t bytes)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll((bytes + sizeof(struct meter_piece) - 1) | 64);
    return bits < METER_CLASSES ? bits : METER_CLASSES - 1;
}

static struct meter_piece *take(struct meter_store *store, size_t bytes)
{
    unsigned class = class_of(bytes);
    struct meter_piece *piece = store->spare[class];
    if (piece != NULL && class < METER_CLASSES - 1) {
        store->spare[class] = piece->next;
        store->spare_bytes -= (uint64_t)1 << class;
        return piece;
    }
    return aligned_alloc(64, (size_t)1 << class);
}

static void give(struct meter_store *store, struct meter_piece *piece)
{
    unsigned class = class_of(piece->bytes);
    piece->alive = 0;
    if (store->spare_bytes >= SPARE_MAX_BYTES || class == METER_CLASSES - 1) {
        free(piece);
        return;
    }
    piece->next = store->spare[class];
    store->spare[class] = piece;
    store->spare_bytes += (uint64_t)1 << class;
}

void meter_store_drop(struct meter_store *store)
{
    for (unsigned i = 0; i < METER_CLASSES; i++) {
        while (store->spare[i] != NULL) {
            struct meter_piece *piece = store->spare[i];
            store->spare[i] = piece->next;
            free(piece);
        }
    }
    store->spare_bytes = 0;
}

void meter_init(struct meter *meter, struct meter_store *store, uint64_t limit_bytes, uint64_t seed)
{
    *meter =
        (struct meter){.store = store, .limit_bytes = limit_bytes, .random = random_of(seed, 0x3e)};
}

static bool refuses(struct meter *meter, size_t bytes)
{
    if (meter->refuse_all || random_ppm(&meter->random, meter->refuse_ppm))
        return true;
    return bytes > meter->limit_bytes || meter->in_use_bytes > meter->limit_bytes - bytes;
}

static void *acquire(void *context, size_t bytes)
{
    struct meter *meter = context;
    struct meter_piece *piece = refuses(meter, bytes) ? NULL : take(meter->store, bytes);
    if (piece == NULL) {
        meter->refused_count++;
        return NULL;
    }
    *piece = (struct meter_piece){
        .next = meter->first, .owner = meter, .bytes = bytes, .alive = PIECE_ALIVE};
    if (meter->first != NULL)
        meter->first->prev = piece;
    meter->first = piece;
    meter->granted_count++;
    meter->in_use_bytes += bytes;
    if (meter->in_use_bytes > meter->high_bytes)
        meter->high_bytes = meter->in_use_bytes;
    return memset(piece + 1, 0, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    struct meter *meter = context;
    struct meter_piece *piece = (struct meter_piece *)memory - 1;
    if (piece->alive != PIECE_ALIVE || piece->owner != meter) {
        meter->wrong = "gave back memory that it does not have";
        return;
    }
    if (piece->bytes != bytes)
        meter->wrong = "gave back memory with another size than it was asked for with";
    if (piece->prev != NULL)
        piece->prev->next = piece->next;
    else
        meter->first = piece->next;
    if (piece->next != NULL)
        piece->next->prev = piece->prev;
    meter->in_use_bytes -= piece->bytes;
    give(meter->store, piece);
}

struct hawser_memory meter_memory(struct meter *meter)
{
    return (struct hawser_memory){.acquire = acquire, .release = release, .context = meter};
}

void meter_reclaim(struct meter *meter)
{
    while (meter->first != NULL)
        release(meter, meter->first + 1, meter->first->bytes);
}
