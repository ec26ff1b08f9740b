/* SPDX-License-Identifier: MIT */
/* Two hosts with memory that refuses on request, a millisecond apart, and programs that poll: end 0
 * opens connections to end 1, and on each both write a stream, check the other's and close. A call
 * that is refused for want of memory is made again 200 ms later. */
#ifndef HAWSER_TEST_PAIR_H
#define HAWSER_TEST_PAIR_H

#include "scenario/peer.h"

#define PAIR_TALKS 64u

struct pair_setup {
    bool v6, ethernet;
    unsigned drop_every;        /* the wire loses each n-th frame; 0 = none */
    unsigned connections;       /* up to PAIR_TALKS */
    uint32_t stream_bytes[2];   /* what each end writes on each connection */
    bool whole_close;           /* end 0 leaves with hawser_close as soon as it has read all */
    peer_tune *tune[2];         /* may be NULL */
};

/* One end of one connection. */
struct pair_talk {
    hawser_tcp tcp;
    uint32_t written, read;
    bool shut, closed;
    int error; /* that ended it; 0 = both streams came to their ends */
};

struct pair_frame;

struct pair_end {
    struct hawser_host *host;
    struct test_memory memory;
    uint32_t link;
    hawser_tcp listener;
    struct pair_talk talks[PAIR_TALKS];
    unsigned talks_count;
    bool paused;             /* the program does not read */
    unsigned refusals;       /* calls that gave HAWSER_ERR_RESOURCES */
    uint64_t buffer_high;    /* most in buffers at any moment */
    struct pair_frame *head, *tail; /* on their way to this end */
};

struct pair {
    struct pair_setup setup;
    uint64_t now_ns;
    uint64_t frames; /* on the wire so far */
    bool try_again;  /* a call was refused at this moment */
    struct pair_end end[2];
    struct hawser_address address[2];
};

/* Hosts and links; no program has done anything yet. */
void pair_start(struct pair *pair, const struct pair_setup *setup);

/* Forgets the talks, so that the programs begin anew with the same hosts. */
void pair_again(struct pair *pair);

/* Lets at most ns go by; returns at once when every program has ended all its talks. */
void pair_run(struct pair *pair, uint64_t ns);

/* Lets ns go by, whatever happens. */
void pair_pass(struct pair *pair, uint64_t ns);

/* Whether they have; and whether without a single error. */
bool pair_ended(const struct pair *pair);
bool pair_completed(const struct pair *pair);

/* Whether a host has no connection, half-open request or record left. */
bool pair_forgotten(const struct pair *pair, unsigned end);

/* Destroys the hosts; fails the test when one did not give its memory back. */
void pair_end(struct pair *pair);

#endif
