/* SPDX-License-Identifier: MIT */
/* The parts of hawser demo, and how they report what held. */
#ifndef TOOLS_DEMO_H
#define TOOLS_DEMO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct report {
    bool json;
    unsigned part;
    unsigned held, failed, skipped;
};

/* Text for people is not printed with --json, objects not without it. */
void report_heading(struct report *report, unsigned part, const char *text);

/* One check: the text of format, of one or two lines, says what was found. figures may be NULL; it is
 * taken over. */
void report_check(struct report *report, bool ok, const char *what, json_t *figures,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void report_skip(struct report *report, const char *what, const char *why);

struct demo_options {
    bool quick, json;
    const char *capture; /* file of part 3, NULL = the default */
    uint64_t bytes;      /* of a transfer */
    uint64_t seed;
};

/* Each runs its checks, cleans up, and comes back early if signals_pending(). */
void demo_kernel(struct report *report, const struct demo_options *options);
void demo_wire(struct report *report, const struct demo_options *options);
void demo_life(struct report *report, const struct demo_options *options);

#endif
