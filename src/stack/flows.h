/* SPDX-License-Identifier: MIT */
/* Everything that has a 4-tuple in one map: connections, half-open requests, TIME-WAIT and FIN-WAIT-2 records. */
#ifndef HAWSER_STACK_FLOWS_H
#define HAWSER_STACK_FLOWS_H

#include "base/map.h"
#include "base/siphash.h"
#include "stack/flowkey.h"

struct hawser_host;

/* A reference in the map: what it is in the two top bits, and its index there. */
enum flow_kind { FLOW_CONNECTION, FLOW_REQUEST, FLOW_RECORD_V4, FLOW_RECORD_V6 };

#define FLOW_NONE MAP_NONE
#define FLOW_INDEX_BITS 30u

static inline uint32_t flow_ref(enum flow_kind kind, uint32_t index)
{
    return ((uint32_t)kind << FLOW_INDEX_BITS) | index;
}

static inline enum flow_kind flow_kind_of(uint32_t ref)
{
    return (enum flow_kind)(ref >> FLOW_INDEX_BITS);
}

static inline uint32_t flow_index_of(uint32_t ref)
{
    return ref & ((UINT32_C(1) << FLOW_INDEX_BITS) - 1);
}

struct flows {
    struct map map;
    struct siphash_key key; /* peers choose their addresses and ports: the hash must not be foreseeable */
};

/* False: no memory. */
bool flows_init(struct hawser_host *host);

uint64_t flow_hash(const struct siphash_key *key, const struct flow_key *flow);

#endif
