/* SPDX-License-Identifier: MIT */
/* Memory for simulated hosts: counted, refused on demand, and kept for the next host. */
#ifndef HAWSER_SIM_METER_H
#define HAWSER_SIM_METER_H

#include <hawser/config.h>

#include "sim/random.h"

#define METER_CLASSES 40u

/* Pieces that were given back, by size. One for all hosts of a process. */
struct meter_store {
    struct meter_piece *spare[METER_CLASSES];
    uint64_t spare_bytes;
};

/* Gives everything back to the operating system. */
void meter_store_drop(struct meter_store *store);

/* One host's. */
struct meter {
    struct meter_store *store;
    struct meter_piece *first; /* what is in use */
    uint64_t in_use_bytes, high_bytes, limit_bytes;
    uint64_t granted_count, refused_count;
    uint32_t refuse_ppm; /* this part of the requests is refused … */
    bool refuse_all;     /* … or all */
    struct random random;
    const char *wrong; /* what the host did that it must not, NULL = nothing */
};

void meter_init(struct meter *meter, struct meter_store *store, uint64_t limit_bytes,
                uint64_t seed);

struct hawser_memory meter_memory(struct meter *meter);

/* Takes back what a host that can no longer be asked still has. */
void meter_reclaim(struct meter *meter);

#endif
