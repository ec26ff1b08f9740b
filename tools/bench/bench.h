/* SPDX-License-Identifier: MIT */
/* What the benches share: two hosts on a wire in memory, one thread, the real clock. */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/port/wire.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#define BENCH_MESSAGE_BYTES 64u
#define BENCH_BATCH 64u /* events taken at once */

struct bench_options {
    double seconds;       /* that are measured, warm-up apart */
    uint32_t connections; /* idle ones beside */
    uint32_t in_flight;   /* lifecycles at once */
    bool v6, ethernet, random, json;
    bool memory; /* memory is measured: chunks are of the default size */
};

/* ---- two hosts ------------------------------------------------------------------------------ */

#define BENCH_CLIENT 0
#define BENCH_SERVER 1
#define BENCH_PORTS_MAX 512u     /* listening ports of one server address */
#define BENCH_ADDRESSES_MAX 128u /* server addresses */

struct pair {
    const struct bench_options *options;
    struct hawser_host *hosts[2];
    struct hawser_wire *wire;
    hawser_tcp *listeners;
    uint32_t listeners_count;
    uint32_t ports, addresses; /* the server's ends: ports x addresses */
    uint32_t next_end;         /* the one the next open goes to */
    uint64_t now_ns;
    hawser_tcp *idle[2]; /* handles of the idle connections; of the server in no order */
    uint32_t idle_count[2], idle_room;
    bool v6;
    struct hawser_address server_addresses[BENCH_ADDRESSES_MAX];
};

/* tuples: how many 4-tuples the client must be able to have at once, live and in TIME-WAIT; its
 * own port range gives 64,512 for each of the server's ends. v6: instead of the options'. False,
 * after saying why. */
bool pair_create(struct pair *pair, const struct bench_options *options, bool v6, uint64_t tuples);
void pair_destroy(struct pair *pair);

/* A round in the order of an embedder's loop (hawser.h), both hosts in one thread: clock and timers, frames to the server, its program, frames to the
 * client; the client's program is the caller's. */
void pair_turn(struct pair *pair);

/* Its pieces, for benches whose server does something else. */
void pair_begin(struct pair *pair);
void pair_carry(struct pair *pair, unsigned from);

/* The server accepts, answers requests of BENCH_MESSAGE_BYTES with as much, and closes after the
 * client. */
void pair_serve(struct pair *pair);

/* The client opens a connection to the server's next end. */
int pair_open(struct pair *pair, void *user, hawser_tcp *out);

/* Opens connections that stay: each exchanges a request and a reply and is then left alone. False,
 * after saying why. */
bool pair_add_idle(struct pair *pair, uint32_t count);

/* ---- measuring ------------------------------------------------------------------------------ */

#define BENCH_INTERVALS 11u

struct series {
    double values[BENCH_INTERVALS]; /* units per second, sorted */
    unsigned count;
};

/* Calls turn (which returns how many units it did, or UINT64_MAX if something went wrong) for a
 * fifth of the time unmeasured, and then for the whole time in intervals. False: turn failed, or a
 * signal came. */
bool measure(struct pair *pair, uint64_t (*turn)(void *context), void *context, struct series *out);
double series_median(const struct series *series);

/* One result. rates NULL: it was measured once. scale is applied to the rates' least and most, too;
 * value is what a reader wants to know. */
void bench_report(const struct bench_options *options, const char *bench, const char *metric,
                  const char *unit, double value, const double range[2], bool v6);

/* "hawser bench: BENCH: WHY" and false. */
bool bench_failed(const char *bench, const char *why);

/* ---- the benches ---------------------------------------------------------------------------- */

bool bench_lifecycle(const struct bench_options *options);
bool bench_stream(const struct bench_options *options);
bool bench_rr(const struct bench_options *options);
bool bench_idle(const struct bench_options *options);
bool bench_timewait(const struct bench_options *options);

/* For timewait: lifecycles until the client has count records more. */
bool lifecycle_run(struct pair *pair, uint64_t count);

#endif
