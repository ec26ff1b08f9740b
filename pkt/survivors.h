/* SPDX-License-Identifier: MIT */
/* The list of mutants that may survive, and why. A line: SCRIPT:LINE KIND REASON…; # begins a comment. */
#ifndef PKT_SURVIVORS_H
#define PKT_SURVIVORS_H

#include "pkt/arena.h"
#include "pkt/mutate.h"

struct pkt_survivor {
    const char *script; /* path below the list's folder */
    unsigned line;      /* of the script */
    enum pkt_mutation mutation;
    const char *reason;
    struct pkt_place place; /* in the list */
    bool used;              /* a mutant survived that it explains */
};

struct pkt_survivors {
    struct pkt_survivor *rows;
    size_t count;
};

/* Reads the list. Returns 0, or -1 and *error: a line without script, line, kind or reason, or the same one twice. */
int pkt_survivors_read(const char *text, size_t length, struct pkt_arena *arena, struct pkt_survivors *out, struct pkt_error *error);

/* The row that explains this one, which counts as used from now on; NULL = there is none. script: path below the list's folder. */
const struct pkt_survivor *pkt_survivors_explain(struct pkt_survivors *survivors, const char *script, const struct pkt_mutant *mutant);

/* The first row from *at on that is of this script and explained nothing: stale. *at moves behind it. NULL = none is left. */
const struct pkt_survivor *pkt_survivors_stale(const struct pkt_survivors *survivors, const char *script, size_t *at);

#endif
