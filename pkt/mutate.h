/* SPDX-License-Identifier: MIT */
/* Mutants of a script: single changes of what it expects, each of which must make it fail. One that passes shows something that nobody checks.
 * They are meant for runs that take an unexpected packet at the end for a failure, too. */
#ifndef PKT_MUTATE_H
#define PKT_MUTATE_H

#include "pkt/arena.h"
#include "pkt/script.h"

enum pkt_mutation {
    /* packets that are expected */
    PKT_MUTATION_FLAG,     /* one is set or taken away */
    PKT_MUTATION_SEQ,
    PKT_MUTATION_ACK,
    PKT_MUTATION_LENGTH,   /* a byte more, a byte less */
    PKT_MUTATION_WINDOW,
    PKT_MUTATION_URGENT,
    PKT_MUTATION_OPTION,   /* a value in one is changed */
    PKT_MUTATION_NO_OPTION, /* one is replaced by padding, or all are taken away */
    PKT_MUTATION_NEW_OPTION, /* padding is added */
    PKT_MUTATION_IP,       /* ECN bits, TOS, TTL, flow label */
    PKT_MUTATION_PORT,
    PKT_MUTATION_ICMP,     /* type or code */
    PKT_MUTATION_EARLY,    /* expected before it comes, by more than is tolerated */
    PKT_MUTATION_LATE,
    PKT_MUTATION_REMOVED,  /* not expected at all; the script waits as long as before */
    PKT_MUTATION_TWICE,    /* expected once more at once */
    /* calls */
    PKT_MUTATION_RESULT,   /* another number */
    PKT_MUTATION_ERRNO,    /* another errno */
    PKT_MUTATION_SUCCESS,  /* no error where there is one */
    PKT_MUTATION_FAILURE,  /* an error where there is none */
    PKT_MUTATION_VALUE,    /* of getsockopt, ioctl, poll, epoll_wait, recvmsg */
    PKT_MUTATION_END_EARLY, /* of a blocking call */
    PKT_MUTATION_END_LATE,
    /* code */
    PKT_MUTATION_ASSERTION, /* a number that something is compared with (==) */
    PKT_MUTATIONS,
};

/* "flag", "seq", …, "end-late": as in reports and in the list of survivors. */
const char *pkt_mutation_name(enum pkt_mutation mutation);

struct pkt_mutant {
    enum pkt_mutation mutation;
    size_t event;           /* its index */
    struct pkt_place place; /* the event's */
    const char *what;       /* "win 65535 becomes 65534" */
    enum { PKT_MUTANT_REPLACES, PKT_MUTANT_FOLLOWS, PKT_MUTANT_REMOVES } how;
    struct pkt_event changed; /* takes the event's place, or comes behind it */
};

/* All mutants of a script, in its order; they live in the arena, and as long as the script. Returns how many. */
size_t pkt_mutants(const struct pkt_script *script, struct pkt_arena *arena, const struct pkt_mutant **out);

/* The script with that one change. Shares everything else with the script; the row of its events lives in the arena. */
void pkt_mutate(const struct pkt_script *script, const struct pkt_mutant *mutant, struct pkt_arena *arena, struct pkt_script *out);

#endif
