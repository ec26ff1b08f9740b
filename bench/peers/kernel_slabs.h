/* SPDX-License-Identifier: MIT */
/* What objects of the kernel take of its memory: its slab caches, before and after. */
#ifndef BENCH_PEERS_KERNEL_SLABS_H
#define BENCH_PEERS_KERNEL_SLABS_H

#include <stdint.h>

#include "peer.h"

#define KERNEL_SLABS_MAX 400u

struct kernel_slabs {
    unsigned count;
    struct kernel_slab {
        char name[32];
        uint64_t objects, object_bytes;
    } slabs[KERNEL_SLABS_MAX];
};

void kernel_slabs_read(struct kernel_slabs *out);

/* Reports as metric the bytes that each of count things took since before: of every cache that grew by at
 * least half an object for each. of_tcp: of these, what is in TCP's own caches. */
void kernel_slabs_report(const struct peer_options *options, const char *metric,
                         const struct kernel_slabs *before, double count);

#endif
