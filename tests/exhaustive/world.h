/* SPDX-License-Identifier: MIT */
/* Two hosts, the network between them, and a user at each: one state of the world, and the steps that lead out of it. */
#ifndef EXHAUSTIVE_WORLD_H
#define EXHAUSTIVE_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "arena.h"

#define MS UINT64_C(1000000)
#define NEVER_NS UINT64_MAX
#define NET_MAX 9u    /* places for segments: K are under way, more only within a step and while the network behaves; one is always free */
#define FRAME_MAX 1600u
#define LIVES_MAX 4u  /* connections that one user has in one history */
#define ACTIONS_MAX 64u
#define PORT_A 1000u
#define PORT_B 80u

/* What is explored: how the hosts are set, what their users may do, what the network can hold. */
struct setup {
    const char *name, *what;
    unsigned segments;          /* K: how many the network holds */
    bool timestamps, sack, scaling, nodelay;
    uint8_t opens[2];           /* active opens that the user of a or b may make */
    uint8_t accepts[2];         /* connections that a listener takes before it is closed; 0 = nobody listens */
    bool late_listen;           /* the users begin to listen when they like; else they listen from the start */
    uint8_t sends[2];           /* SENDs in one life of a connection */
    uint16_t chunk_bytes;       /* of one SEND */
    bool no_abort;              /* no ABORT */
    bool no_half_close;         /* CLOSE only, without the half-close before it */
    bool calm;                  /* nobody waits as long as a retransmission timeout, and users close when they are connected and have sent everything */
    bool server;                /* the user of b does one thing only: it closes when it has read the end of the stream, at once */
    bool slow_reader;           /* reading is a step; else all is read at once */
    bool idle;                  /* time may pass up to just before a host's next deadline */
    uint32_t msl_ms;            /* of the hosts */
    uint32_t life_ms;           /* of a segment in the network */
    uint32_t rto_ms;            /* least, first and (60 s or more) greatest retransmission timeout */
    uint32_t buffer_bytes;      /* both buffers of a connection; 0 = as the configuration has it */
    uint8_t retries;
    uint8_t timewait_reuse;
    bool no_rfc1337;
    bool must_fail;             /* a check of the checker: a violation has to be found */
};

const struct setup *setup_find(const char *name);
extern const struct setup setups[];
extern const unsigned setups_count;

enum action_kind {
    ACT_OPEN, ACT_LISTEN, ACT_SEND, ACT_HALF_CLOSE, ACT_CLOSE, ACT_ABORT, ACT_READ, /* a user; arg: host */
    ACT_TIMER,                     /* a host's next deadline comes; arg: host */
    ACT_IDLE,                      /* its clock moves to just before that */
    ACT_ARRIVE,                    /* a segment arrives, and may do so again; arg: which */
    ACT_DELIVER, ACT_LOSE,         /* of a network that behaves: it arrives once; what was under way is lost. arg: which */
    ACT_KINDS
};

struct action {
    uint8_t kind, arg;
    uint8_t lost;                  /* bit per segment that is lost because the step overfills the network: of the old ones in their order, then the new */
};

/* A segment under way. */
struct packet {
    uint64_t sent_ns;   /* by its sender's clock */
    uint64_t order;     /* canon.c's number for it: histories that are equal have their segments in the same order */
    uint16_t length;
    uint8_t from;       /* host: 0 or 1 */
    uint8_t life;       /* of the sender's user when it was sent */
    uint16_t number;    /* of those that were sent in this history; right only in one that was never restored */
    uint8_t frame[FRAME_MAX];
};

/* One life of a connection, seen from its user. */
struct life {
    uint8_t peer;       /* the other user's life that the handshake was made with, plus 1; 0 = none yet */
    bool synchronized, ended;
    bool excused;       /* reset, aborted or given up, at this end: text may be missing and TIME-WAIT too */
    bool time_wait;     /* was in TIME-WAIT */
    bool heard_fin;     /* the peer's FIN is in order here */
    uint16_t sent, read; /* bytes */
};

struct end {
    struct hawser_host *host;
    uint64_t now_ns;
    hawser_tcp listener, tcp;   /* 0 = none */
    uint8_t opens_left, accepts_left, sends_left;
    bool shut, eof;             /* of tcp: FIN queued; the peer's was read */
    uint8_t lives;              /* how many began */
    uint8_t request_peer;       /* life of the peer whose SYN began the present half-open request */
    uint32_t iss;               /* of its last SYN: the origin of its sequence numbers */
    bool has_iss;
    bool iss_spent;             /* an accepted connection has it */
    uint64_t time_wait_ns;      /* when the present record may end at the earliest; 0 = there is none */
    struct life life[LIVES_MAX];
};

/* What belongs to a state and is not in the hosts. */
struct model {
    struct end end[2];
    unsigned count;             /* segments under way */
};

struct snapshot {
    struct model model;
    struct packet *net;             /* NET_MAX places */
    const struct arena_image *image[2];
};

struct world;

/* What a user does besides steps. */
enum user_call { CALL_ACCEPTED, CALL_READ, CALL_READ_END, CALL_LISTENER_CLOSED, CALL_CLOSED };

/* Told what happens, for diagrams and scripts. */
struct observer {
    void (*trace)(void *context, unsigned end, const struct hawser_trace_event *event);
    void (*sent)(void *context, const struct packet *packet);
    void (*called)(void *context, unsigned end, enum user_call call, int64_t result);
    void *context;
};

struct world {
    const struct setup *setup;
    struct model model;
    struct packet net[NET_MAX];
    struct arena arena[2];
    struct arena_image first[2];   /* where every history begins */
    struct model first_model;
    uint8_t touched;               /* bit per host: changed since this was last set to 0 */
    const char *fault;             /* a property that does not hold; NULL = none was seen */
    char fault_text[160];
    const struct packet *arriving; /* during its delivery */
    bool unwinding;                /* users close and the network behaves */
    bool sent_again[2];            /* a host has retransmitted since */
    const struct observer *observer; /* NULL = nobody */
    uint16_t sent_count;           /* for packet numbers */
    jmp_buf broken;                /* where to go when an assertion of the core fails */
    struct {
        struct world *world;
        unsigned end;
    } context[2];
};

void world_init(struct world *w, const struct setup *setup);
void world_deinit(struct world *w);
void world_reset(struct world *w);

/* Every step that is possible now. */
unsigned world_actions(struct world *w, struct action out[ACTIONS_MAX]);

/* Takes one; false: a property does not hold, see fault. Afterwards the network may hold more than K segments, if action.lost did not name enough of them. */
bool world_act(struct world *w, struct action action);

/* When a segment arrives, if it does now. */
uint64_t world_arrival(const struct world *w, unsigned packet);

/* Takes segments out of the network. */
void world_lose(struct world *w, unsigned mask);

/* What comes next when the users close, the network behaves and timers come in their order; a function of the state alone.
 * False: nothing, the world is at rest. */
bool world_unwind_next(struct world *w, struct action *out);

/* The state s again; of the hosts only those in the mask (bit per host), the others are as they were then. */
void world_restore(struct world *w, const struct snapshot *s, unsigned hosts);

void world_fail(struct world *w, const char *text);

/* The true next deadline of a host (canon.c: hawser_next_deadline may name an earlier time, at which nothing happens). */
uint64_t world_deadline(const struct world *w, unsigned end);

/* canon.c: a number that is equal for equal states whatever the clocks and initial sequence numbers are. Sorts the network. */
uint64_t world_hash(struct world *w);

/* judge.c */
void judge_event(struct world *w, unsigned end, const struct hawser_trace_event *event);
void judge_open(struct world *w, unsigned end);
void judge_accept(struct world *w, unsigned end);
void judge_bytes(struct world *w, unsigned end, const uint8_t *bytes, size_t count);
void judge_stream_end(struct world *w, unsigned end);
void judge_step(struct world *w);
void judge_rest(struct world *w);
uint8_t judge_byte(unsigned end, unsigned life, unsigned at);

static inline struct life *life_now(struct end *end)
{
    return end->lives == 0 ? NULL : &end->life[end->lives - 1];
}

#endif
