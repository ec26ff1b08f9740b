/* SPDX-License-Identifier: MIT */
/* What a person sees: colours and progress lines, on terminals only. */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_GOOD, TERM_BAD, TERM_DIM };

/* Escape sequences that switch a style on and all of them off; "" where out is no terminal, TERM
 * is dumb, or NO_COLOR is set. */
const char *term_on(FILE *out, enum term_style style);
const char *term_off(FILE *out);

/* Whether the locale can draw boxes and arrows. */
bool term_utf8(void);

/* A line on standard error that is written over and over, at most ten times a second, on terminals
 * only. */
struct progress {
    const char *label;
    uint64_t start_ns, last_ns;
    bool drawn;
};
void progress_start(struct progress *progress, const char *label);
/* total 0 = not known. */
void progress_show(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes);
/* Any text instead. */
void progress_text(struct progress *progress, const char *text);
/* Wipes the line. */
void progress_end(struct progress *progress);

/* "64.0 MiB", "812 B". */
#define TERM_BYTES_MAX 24
const char *term_bytes(double bytes, char out[TERM_BYTES_MAX]);

#endif
