/* SPDX-License-Identifier: MIT */
/* The search: every state that can be reached, breadth first, each once. */
#ifndef EXHAUSTIVE_SEARCH_H
#define EXHAUSTIVE_SEARCH_H

#include "world.h"

#define DEPTH_MAX 250u
#define PATH_MAX_STEPS 4400u
#define THREADS_MAX 64u

struct limits {
    unsigned depth;     /* most steps; DEPTH_MAX = as many as there are */
    double seconds;
    unsigned threads;
    size_t memory_bytes;
    const char *wanted; /* the one fault that ends the search; NULL = any does */
    bool verbose;
};

/* A history: steps from the first state. Those from `unwound` on are of users and a network that bring it to its end. */
struct path {
    unsigned count, unwound;
    struct action steps[PATH_MAX_STEPS];
};

struct result {
    uint64_t states, transitions, unwound_steps, twins;
    unsigned depth;     /* all states up to it were expanded */
    bool complete;      /* there are no others */
    const char *stopped; /* why it is not complete */
    double seconds;
    bool failed;
    char fault[160];
    struct path path;   /* that leads to the fault: no shorter one does, but for the steps of the end */
};

void search(const struct setup *setup, const struct limits *limits, struct result *out);

#endif
