/* SPDX-License-Identifier: MIT */
/* The simulator for its users: one run from a seed, shrinking a failure, searching for one. */
#ifndef HAWSER_SIM_SIM_H
#define HAWSER_SIM_SIM_H

#include <stdio.h>

#include <hawser/trace.h>

#include "sim/guest.h"
#include "sim/plan.h"

#define SIM_STATES 12u /* enum hawser_state is 1..11 */

/* What was reached, summed up over runs. */
struct sim_coverage {
    uint64_t edges[SIM_STATES][SIM_STATES];
    uint64_t causes[HAWSER_CAUSE_COUNT];
    uint64_t timers[HAWSER_TIMER_COUNT];
    uint64_t drops[HAWSER_DROP_COUNT];
    uint64_t records[HAWSER_RECORD_EVICTED + 1];
    uint64_t episodes[PLAN_EPISODE_KINDS];
    uint64_t counters[sizeof(struct hawser_counters) / sizeof(uint64_t)];
};

/* What a run was, in numbers. */
struct sim_figures {
    uint64_t runs, failures;
    uint64_t connections; /* opened, and that completed the handshake */
    uint64_t clean;       /* both streams read to their ends */
    uint64_t segments, frames, octets, lost;
    uint64_t virtual_ns, steps;
    uint64_t excused; /* runs that ended early: old segments where TIME-WAIT had been cut short */
};

#define SIM_RULE_MAX 24u
#define SIM_TEXT_MAX 400u

struct sim_result {
    bool failed;
    char rule[SIM_RULE_MAX]; /* which checker */
    char text[SIM_TEXT_MAX]; /* and what it saw */
    uint64_t seed, digest;
    uint64_t step, at_ns; /* where it ended: the steps are the prefix that fails */
    struct sim_figures figures;
    bool in_program; /* a user's program had its turn, if this is all that is left of a process */
};

/* What a run that ended its process had come to: text for a result. */
void sim_died(struct sim_result *result, uint64_t seed, bool in_program, int status);

/* Ways to make the world around the hosts wrong, so that a checker must say so. */
#define SIM_BREAK_MAP(X)                                                                           \
    X(CONTENT, "content") X(SKIP, "skip") X(WINDOW, "window") X(ACK, "ack") X(EDGE, "edge")        \
    X(TRANSITION, "transition") X(LEAK, "leak") X(TIME_WAIT, "time-wait") X(STALL, "stall")        \
    X(DEADLINE, "deadline") X(STORM, "storm") X(FORGERY, "forgery") X(CWND, "cwnd") X(EOF, "eof")  \
    X(GAP, "gap") X(BACK_OFF, "back-off") X(LOSS, "loss") X(TAKEN_BACK, "taken-back")              \
    X(ASSERT, "assert") X(CRASH, "crash") X(HANG, "hang") X(MEMORY, "memory")

enum sim_break {
    SIM_BREAK_NOTHING,
#define SIM_BREAK_ENUM(name, text) SIM_BREAK_##name,
    SIM_BREAK_MAP(SIM_BREAK_ENUM)
#undef SIM_BREAK_ENUM
};

struct sim_options {
    enum sim_break breaks;
    const struct sim_guest *guest; /* a user's program for the jobs that are for it, NULL = none */
    const char *capture; /* file for every frame as it is sent, NULL = none */
    FILE *trace;         /* every trace event of every host, NULL = none */
    FILE *story;         /* the last trace events of the connection that failed, NULL = none */
};

struct sim_store; /* what runs of one process share and reuse */
struct sim_store *sim_store_create(void);
void sim_store_drop(struct sim_store *store);

/* Runs a plan to its end or to the first violation. coverage (may be NULL) is added to. */
void sim_run(struct sim_store *store, const struct plan *plan, const struct sim_options *options,
             struct sim_result *result, struct sim_coverage *coverage);

/* The same in a process of its own, so that a crash or a hang is a result, too. */
void sim_run_apart(const struct plan *plan, const struct sim_options *options,
                   struct sim_result *result);

/* Leaves out of a plan that fails whatever can be left out so that it still fails by the same rule. The names of what went
 * are appended to `without`, with commas. Returns how many runs it took. */
unsigned sim_shrink(struct plan *plan, const struct sim_options *options, char *without, size_t cap);

void sim_coverage_add(struct sim_coverage *sum, const struct sim_coverage *more);
void sim_figures_add(struct sim_figures *sum, const struct sim_figures *more);

/* What was seen, and what never was. */
void sim_coverage_print(const struct sim_coverage *coverage, FILE *out);

/* True once: calls visit with each kind of thing, its name and how often it was seen. */
typedef void sim_coverage_visit(void *context, const char *group, const char *name, uint64_t count);
void sim_coverage_walk(const struct sim_coverage *coverage, sim_coverage_visit *visit,
                       void *context);

struct sim_search {
    uint64_t first, count; /* seeds; count UINT64_MAX = until the time is over */
    uint64_t for_ns;       /* real time, UINT64_MAX = until the seeds are through */
    unsigned jobs;         /* processes */
    struct sim_options options;
    bool (*stop)(void);    /* somebody wants it to end */
    void (*progress)(const struct sim_search *search, const struct sim_figures *figures,
                     uint64_t elapsed_ns); /* about once a second; NULL = not */
    bool go_on;            /* after a failure; else the first (of each process) ends the search */
};

#define SIM_FAILURES_MAX 16u

struct sim_found {
    struct sim_figures figures;
    struct sim_coverage coverage;
    uint64_t digest; /* of all seeds in order, when all of them were run */
    uint64_t elapsed_ns;
    struct sim_result failures[SIM_FAILURES_MAX];
    unsigned failures_count; /* kept of figures.failures */
};

/* 0, or a negative errno value: no processes, no memory. */
int sim_search_run(const struct sim_search *search, struct sim_found *found);

#endif
