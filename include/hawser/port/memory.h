/* SPDX-License-Identifier: MIT */
/* Memory for hosts: from the operating system, counted, and on demand refusing. */
#ifndef HAWSER_PORT_MEMORY_H
#define HAWSER_PORT_MEMORY_H

#include <stdint.h>

#include <hawser/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's, zeroed before use; must outlive every host whose memory it counts. One thread at a
 * time. */
struct hawser_memory_meter {
    /* what happened; written by the source, may be read and reset to zero at any time but for
     * in_use_bytes */
    uint64_t in_use_bytes;   /* acquired and not yet released; 0 again after hawser_host_destroy */
    uint64_t high_bytes;     /* the most in_use_bytes has been */
    uint64_t acquired_count; /* requests granted */
    uint64_t released_count;
    uint64_t refused_count; /* turned down, by the limits below or by the operating system */
    /* limits, obeyed by hawser_memory_limited only; may be changed at any time */
    uint64_t limit_bytes;  /* refuse what would lift in_use_bytes above this; 0 = no limit */
    uint64_t refuse_nth;   /* refuse request number n, counted from 1 over granted and refused; 0
                                = none */
    bool refuse_all_later; /* and every request after that one */
};

/* Memory from the operating system: 64-byte aligned and zeroed. From 64 KiB on each piece is a
 * mapping of its own, from 2 MiB on aligned for and offered to huge pages. Counts into meter unless
 * it is NULL. */
HAWSER_EXPORT
struct hawser_memory hawser_memory_default(struct hawser_memory_meter *meter);

/* The same, but refuses by meter's limits (not NULL): for tests, fuzzers and embedders with a hard
 * bound. */
HAWSER_EXPORT
struct hawser_memory hawser_memory_limited(struct hawser_memory_meter *meter);

#ifdef __cplusplus
}
#endif
#endif
