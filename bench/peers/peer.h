/* SPDX-License-Identifier: MIT */
/* What the programs that do the work of `hawser bench` on other stacks share: options, measuring, output. */
#ifndef BENCH_PEERS_PEER_H
#define BENCH_PEERS_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_MESSAGE_BYTES 64u
#define PEER_PIECE_BYTES 131072u /* stream: sent and received at once */

struct peer_options {
    const char *bench;
    double seconds;       /* that are measured, warm-up apart */
    uint32_t connections; /* idle ones beside */
    uint32_t in_flight;   /* lifecycles at once */
    bool random;          /* rr: each request on a random one of connections */
    bool veth;            /* kernel: over a veth pair instead of loopback */
};

struct peer_bench {
    const char *name;
    void (*run)(void);
};

/* Reads the command line into options and runs what it names; benches ends with a name NULL. */
int peer_main(int argc, char **argv, struct peer_options *options,
              const struct peer_bench *benches);

uint64_t peer_now_ns(void);

/* xorshift: which connection is next must not be what is measured. */
uint64_t peer_random(void);

/* Units per second: median, least and most of several intervals. */
struct peer_rate {
    double median, least, most;
    uint64_t units; /* all of them, warm-up too */
};

/* Calls turn, which returns how many units it did, for a fifth of the time unmeasured and then for the
 * whole of it in intervals, as hawser bench does. */
void peer_measure(const struct peer_options *options, uint64_t (*turn)(void),
                  struct peer_rate *out);

/* One JSON object. rate NULL: value was measured once. The rest is printf's: further members, each
 * with a comma in front. */
void peer_report(const struct peer_options *options, const char *metric, const char *unit,
                 double value, const double range[2], const char *more, ...)
    __attribute__((format(printf, 6, 7)));

/* Reports what the bench of this name reports about rate. */
void peer_report_rate(const struct peer_options *options, const struct peer_rate *rate,
                      const char *more, ...) __attribute__((format(printf, 3, 4)));

/* Says why on standard error (with errno's text, if it is set) and exits: 1 something went wrong, 3 this
 * stack or this machine cannot do the work. */
_Noreturn void peer_fail(const char *why, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void peer_cannot(const char *why, ...) __attribute__((format(printf, 1, 2)));

#endif
