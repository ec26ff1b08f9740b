/* SPDX-License-Identifier: MIT */
/* What the files of the mutation engine share: the row of mutants while it grows. */
#ifndef PKT_MUTATE_INTERNAL_H
#define PKT_MUTATE_INTERNAL_H

#include "pkt/mutate.h"

struct mutants {
    const struct pkt_script *script;
    size_t first;                  /* how many there were when this event's turn came */
    size_t index;                  /* of the event that mutants are made of now */
    const struct pkt_event *event;
    struct pkt_arena *arena;
    struct pkt_mutant *rows;
    size_t count, room;
};

/* A new mutant of the event, unchanged yet; the text is printf's. */
struct pkt_event *mutants_add(struct mutants *mutants, enum pkt_mutation mutation, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a run tolerates at a time that is span behind what it is measured from. */
int64_t mutants_tolerated(const struct mutants *mutants, int64_t span_ns);

/* How far a time must be moved so that nothing is within the tolerance of both. 0 = no distance is enough. */
int64_t mutants_distance(const struct mutants *mutants, int64_t span_ns);

void mutate_packet(struct mutants *mutants); /* mutate_packet.c */
void mutate_call(struct mutants *mutants);   /* mutate_call.c */
void mutate_code(struct mutants *mutants);   /* mutate_call.c */

#endif
