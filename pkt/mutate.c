/* SPDX-License-Identifier: MIT */
/* The row of a script's mutants, and their scripts. */
#include "pkt/mutate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pkt/mutate_internal.h"

const char *pkt_mutation_name(enum pkt_mutation mutation)
{
    static const char *const names[PKT_MUTATIONS] = {
        [PKT_MUTATION_FLAG] = "flag",
        [PKT_MUTATION_SEQ] = "seq",
        [PKT_MUTATION_ACK] = "ack",
        [PKT_MUTATION_LENGTH] = "length",
        [PKT_MUTATION_WINDOW] = "window",
        [PKT_MUTATION_URGENT] = "urgent",
        [PKT_MUTATION_OPTION] = "option",
        [PKT_MUTATION_NO_OPTION] = "no-option",
        [PKT_MUTATION_NEW_OPTION] = "new-option",
        [PKT_MUTATION_IP] = "ip",
        [PKT_MUTATION_PORT] = "port",
        [PKT_MUTATION_ICMP] = "icmp",
        [PKT_MUTATION_EARLY] = "early",
        [PKT_MUTATION_LATE] = "late",
        [PKT_MUTATION_REMOVED] = "removed",
        [PKT_MUTATION_TWICE] = "twice",
        [PKT_MUTATION_RESULT] = "result",
        [PKT_MUTATION_ERRNO] = "errno",
        [PKT_MUTATION_SUCCESS] = "success",
        [PKT_MUTATION_FAILURE] = "failure",
        [PKT_MUTATION_VALUE] = "value",
        [PKT_MUTATION_END_EARLY] = "end-early",
        [PKT_MUTATION_END_LATE] = "end-late",
        [PKT_MUTATION_ASSERTION] = "assertion",
    };
    return mutation < PKT_MUTATIONS ? names[mutation] : "";
}

struct pkt_event *mutants_add(struct mutants *mutants, enum pkt_mutation mutation,
                              const char *format, ...)
{
    if (mutants->count == mutants->room) {
        mutants->room = mutants->room == 0 ? 32 : mutants->room * 2;
        struct pkt_mutant *more =
            pkt_arena_array(mutants->arena, mutants->room, sizeof *mutants->rows);
        if (mutants->count != 0)
            memcpy(more, mutants->rows, mutants->count * sizeof *more);
        mutants->rows = more;
    }
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    struct pkt_mutant *mutant = &mutants->rows[mutants->count++];
    *mutant = (struct pkt_mutant){
        .mutation = mutation,
        .event = mutants->index,
        .place = mutants->event->place,
        .what = pkt_arena_text(mutants->arena, what, strlen(what)),
        .how = PKT_MUTANT_REPLACES,
        .changed = *mutants->event,
    };
    return &mutant->changed;
}

int64_t mutants_tolerated(const struct mutants *mutants, int64_t span_ns)
{
    const struct pkt_options *options = &mutants->script->options;
    int64_t share_ns = (int64_t)(options->tolerance_percent / 100 * (double)span_ns);
    return share_ns > options->tolerance_ns ? share_ns : options->tolerance_ns;
}

/* What is tolerated, tol(span), grows when the time is moved to a later one. What came may have
 * been off by that much itself, so the distance d must be more than tol(span) + tol(span + d),
 * which is no more than 2 tol(span) + percent of d. */
int64_t mutants_distance(const struct mutants *mutants, int64_t span_ns)
{
    double share = mutants->script->options.tolerance_percent / 100;
    if (share > 0.9)
        return 0;
    return (int64_t)(2 * (double)mutants_tolerated(mutants, span_ns) / (1 - share)) + 1000000;
}

size_t pkt_mutants(const struct pkt_script *script, struct pkt_arena *arena,
                   const struct pkt_mutant **out)
{
    struct mutants mutants = {.script = script, .arena = arena};
    for (size_t i = 0; i < script->event_count; i++) {
        mutants.first = mutants.count;
        mutants.index = i;
        mutants.event = &script->events[i];
        switch (mutants.event->kind) {
        case PKT_EVENT_PACKET:
            if (!mutants.event->packet.inbound && !script->options.packets_not_fatal)
                mutate_packet(&mutants);
            break;
        case PKT_EVENT_CALL:
            if (!script->options.calls_not_fatal)
                mutate_call(&mutants);
            break;
        case PKT_EVENT_CODE:
            mutate_code(&mutants);
            break;
        case PKT_EVENT_COMMAND:
            break;
        }
    }
    *out = mutants.rows;
    return mutants.count;
}

void pkt_mutate(const struct pkt_script *script, const struct pkt_mutant *mutant,
                struct pkt_arena *arena, struct pkt_script *out)
{
    size_t at = mutant->event, follows = mutant->how == PKT_MUTANT_FOLLOWS;
    size_t removes = mutant->how == PKT_MUTANT_REMOVES;
    struct pkt_event *events =
        pkt_arena_array(arena, script->event_count + 1, sizeof *script->events);
    size_t before = at + follows; /* events that stay in front */
    if (before != 0)
        memcpy(events, script->events, before * sizeof *events);
    if (removes == 0)
        events[before] = mutant->changed;
    size_t rest = script->event_count - at - 1;
    if (rest != 0)
        memcpy(events + before + 1 - removes, script->events + at + 1, rest * sizeof *events);
    *out = *script;
    out->events = events;
    out->event_count = script->event_count + follows - removes;
}
