/* SPDX-License-Identifier: MIT */
/* Runs a script against a stack and says how it went. */
#ifndef PKT_RUN_H
#define PKT_RUN_H

#include <stdio.h>

#include "pkt/arena.h"
#include "pkt/script.h"
#include "pkt/stack.h"

struct hawser_pcap_writer;
struct pkt_python;

enum pkt_verdict { PKT_OK, PKT_FAIL, PKT_SKIP };

struct pkt_setting {
    const char *name, *value; /* NULL, NULL: everything back to our defaults (defaults.sh) */
};

/* Makes the stack for a script, with the settings of its init commands applied in order. Returns PKT_OK and *out;
 * PKT_SKIP: a setting is not supported; PKT_FAIL; both with *why in the arena. */
typedef enum pkt_verdict pkt_make_stack(void *context, const struct pkt_script *script, const struct pkt_setting *settings, size_t setting_count,
                                        struct pkt_arena *arena, struct pkt_stack *out, const char **why);

/* A Hawser host (pkt/machine.h); context is a struct pkt_machine_choice or NULL. */
struct pkt_machine_choice {
    bool files; /* scripts may write files of the real machine */
};
pkt_make_stack pkt_make_machine;

struct pkt_run_options {
    pkt_make_stack *make_stack;
    void *make_context;
    bool strict;      /* nothing unexpected at the end either, packets of other connections are not skipped, TS ecr is compared */
    bool run_anyway;  /* expected packets with features that Hawser has not are no skip but waited for: they are failures then */
    bool allow_shell; /* commands that are not understood are run by a shell */
    struct pkt_python *python; /* runs code; NULL = one of its own for this run */
    FILE *verbose;    /* every event and packet is told here; NULL = none */
    struct hawser_pcap_writer *pcap; /* every datagram; NULL = none */
};

struct pkt_outcome {
    enum pkt_verdict verdict;
    struct pkt_place place;   /* of the event; line 0 = none */
    const char *message;      /* why it failed or was skipped: one line */
    const char *expected, *came; /* NULL = there is nothing to show */
    const char *packets;      /* those of the last events, a line each; NULL = none */
    const char *warnings;     /* of non_fatal mismatches, a line each; NULL = none */
    size_t events_done;
    int64_t virtual_ns;       /* how long it took on the stack's clock */
};

/* Everything in *out lives in the arena. */
void pkt_run(const struct pkt_script *script, const struct pkt_run_options *options, struct pkt_arena *arena, struct pkt_outcome *out);

#endif
