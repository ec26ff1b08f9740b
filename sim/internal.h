/* SPDX-License-Identifier: MIT */
/* One running simulation, for the files of sim/. */
#ifndef HAWSER_SIM_INTERNAL_H
#define HAWSER_SIM_INTERNAL_H

#include <setjmp.h>

#include <hawser/port/pcap.h>
#include <hawser/trace.h>

#include "sim/content.h"
#include "sim/lives.h"
#include "sim/meter.h"
#include "sim/packet.h"
#include "sim/plan.h"
#include "sim/queue.h"
#include "sim/random.h"
#include "sim/sim.h"

#define NEVER UINT64_MAX
#define NO_FLOW UINT32_MAX
#define LISTENERS_MAX 48u

/* ---- hosts ----------------------------------------------------------------------------------- */

struct sim_listener {
    hawser_tcp tcp;
    uint16_t port;
};

struct sim_host {
    struct hawser_host *host; /* NULL = down */
    struct meter meter;
    uint32_t links[PLAN_WIRES_MAX];
    uint64_t clock_ns;  /* its clock shows so much more than the simulation's */
    uint64_t due_ns;    /* when it must be looked at, by the simulation's clock */
    uint32_t restarts;
    bool dirty;         /* something happened to it at this instant */
    struct sim_listener listeners[LISTENERS_MAX];
    unsigned listeners_count;
    uint64_t line_free_ns[PLAN_WIRES_MAX]; /* when its way onto the wire is idle again */
    /* Storms: what it may still send without new data, for what came in and what it was told. */
    int64_t allowance;
};

/* ---- programs -------------------------------------------------------------------------------- */

enum stage { STAGE_NONE, STAGE_OPENING, STAGE_OPEN, STAGE_OVER };
enum over { OVER_NOT, OVER_CLEAN, OVER_ABORT, OVER_ERROR, OVER_RESTART, OVER_STUCK };

struct flow_end {
    enum stage stage;
    enum over over;
    uint32_t host;
    hawser_tcp tcp;
    uint32_t life; /* LIFE_NONE = none */
    bool shut, eof, blocked;
    int error; /* what writing gave */
    uint64_t written, read;
    uint64_t opened_ns, write_at_ns, read_at_ns, done_ns, over_ns;
    uint64_t wake_ns; /* the earliest that is in the queue, NEVER = none */
};

struct guest_end;

struct flow {
    bool used;
    uint32_t job, generation;
    uint64_t uid;
    struct flow_end end[2]; /* 0 opens */
    struct guest_end *guest[2]; /* of a user's program, where it has begun */
};

struct job_state {
    uint32_t runs_left, attempts, lingering;
    uint64_t next_uid;
    bool waiting; /* a start of it is in the queue */
};

/* What a host's trace is told with. */
struct judge_context {
    struct sim *sim;
    uint32_t host;
};

/* ---- the simulation -------------------------------------------------------------------------- */

#define STORY_EVENTS 4096u

struct pair_state {
    uint64_t frames; /* sent so far: the n-th meets the same chance whatever the others do */
    uint32_t burst_left;
};

struct sim_store {
    struct meter_store memory;
    struct content content;
    struct lives lives;
    struct queue queue;
    struct flow *flows;
    uint32_t flows_count, flows_room;
    uint32_t *free_flows;
    uint32_t free_count;
    struct hawser_trace_event *story;
    uint8_t *story_host;
    uint8_t output[16][PACKET_MAX + 128];
};

struct sim {
    struct sim_store *store;
    struct plan plan;
    struct sim_options options;
    struct sim_result *result;
    struct sim_coverage *coverage;
    jmp_buf escape;
    uint64_t now_ns, steps;
    struct sim_host hosts[PLAN_HOSTS_MAX];
    struct judge_context contexts[PLAN_HOSTS_MAX];
    struct job_state jobs[PLAN_JOBS_MAX];
    bool active[PLAN_EPISODES_MAX];
    uint8_t active_list[PLAN_EPISODES_MAX];
    unsigned active_count;
    struct pair_state pairs[PLAN_WIRES_MAX][PLAN_HOSTS_MAX][PLAN_HOSTS_MAX];
    bool calm;             /* faults have stopped … */
    uint64_t calm_at_ns;   /* … then */
    bool closing;          /* everything is over but what waits in TIME-WAIT */
    uint64_t closing_at_ns;
    uint32_t flows_open;   /* flows in use */
    uint32_t jobs_open;    /* jobs that will still do something */
    uint32_t stranger;     /* stranger's packets so far */
    /* What is happening, for those who judge it. */
    uint32_t acting_host;  /* whose call is going on */
    bool forging;          /* a stranger's frame is being delivered */
    struct hawser_segment heard; /* the last segment that came in anywhere */
    uint32_t heard_by;           /* the life whose ACK it is, until it is known whether it counts */
    bool cookies;          /* a SYN cookie was sent: connections may come without a request */
    uint32_t touched[64];  /* lives whose status is to be looked at */
    unsigned touched_count;
    uint64_t broke;        /* times that what is to be broken was broken */
    struct hawser_pcap_writer *capture;
    uint64_t story_next;   /* events so far */
    uint64_t failing_life; /* whose story is told */
};

/* Ends the run: a rule was broken. life: LIFE_NONE or whose story it is. */
__attribute__((noreturn, format(printf, 4, 5))) void sim_fail(struct sim *sim, const char *rule,
                                                              uint32_t life, const char *format,
                                                              ...);

static inline uint64_t host_now(const struct sim *sim, uint32_t host)
{
    return sim->now_ns + sim->hosts[host].clock_ns;
}

/* Counts what is to go wrong on purpose: true the nth time that it could. */
static inline bool breaks(struct sim *sim, enum sim_break what, uint64_t nth)
{
    return sim->options.breaks == what && ++sim->broke == nth;
}

static inline void sim_digest(struct sim *sim, uint64_t word)
{
    sim->result->digest = (sim->result->digest ^ word) * UINT64_C(0x9fb21c651e98df25);
    sim->result->digest ^= sim->result->digest >> 29;
}

/* hosts.c */
void host_up(struct sim *sim, uint32_t host);
void host_down(struct sim *sim, uint32_t host); /* it forgets everything */
void host_turn(struct sim *sim, uint32_t host); /* all that it does at this instant */
void host_input(struct sim *sim, uint32_t host, uint32_t wire, const struct hawser_frame *frames,
                size_t count);
void host_close_listeners(struct sim *sim, uint32_t host);
bool host_is_empty(struct sim *sim, uint32_t host);
void host_allow(struct sim *sim, uint32_t host); /* a user call was made */
void host_memory(struct sim *sim, uint32_t host);

/* network.c */
void network_send(struct sim *sim, uint32_t host, uint32_t wire, const uint8_t *data,
                  uint32_t length);
void network_capture(struct sim *sim, const uint8_t *data, uint32_t length);
void network_mac(uint32_t wire, uint32_t host, uint8_t out[6]);
void network_deliver(struct sim *sim, struct queue_frame *frame);

/* strangers.c */
void strangers_act(struct sim *sim, uint32_t episode);

/* programs.c */
void programs_start(struct sim *sim);
void program_job(struct sim *sim, uint32_t job);
void program_wake(struct sim *sim, uint32_t flow, uint32_t side, uint32_t generation);
void program_event(struct sim *sim, uint32_t host, const struct hawser_event *event);
void program_accept(struct sim *sim, uint32_t host, hawser_tcp listener);
void program_host_down(struct sim *sim, uint32_t host);
void program_tidy(struct sim *sim); /* now and then when all is calm: ends what waits for the dead */
struct flow *flow_at(struct sim *sim, uint32_t index);
void flow_check_progress(struct sim *sim);

/* talk.c: what a program does on its connection */
void talk(struct sim *sim, uint32_t flow, uint32_t side);
void talk_over(struct sim *sim, uint32_t flow, uint32_t side, enum over how);
void talk_failed(struct sim *sim, uint32_t flow, uint32_t side, int error);
void talk_options(struct sim *sim, const struct plan_end *end, uint32_t host, hawser_tcp tcp);
void talk_wake_at(struct sim *sim, uint32_t flow, uint32_t side, uint64_t at_ns);
void talk_excuse(struct sim *sim, const struct flow *flow);

/* guest.c: what a user's program does instead */
void guest_begin(struct sim *sim, uint32_t flow, uint32_t side);
void guest_event(struct sim *sim, uint32_t flow, uint32_t side, uint32_t events);
void guest_over(struct sim *sim, uint32_t flow, uint32_t side, bool restarted);
void guest_judge(struct sim *sim, uint32_t flow); /* both are over */
void guest_free(struct flow *flow);

/* judge.c, judge_segments.c: the checkers that listen to trace events */
void judge_event(void *host_context, const struct hawser_trace_event *event);
void judge_segment(struct sim *sim, uint32_t host, const struct hawser_trace_event *event,
                   struct life *life);
void judge_request(struct life *life, const struct hawser_segment *syn);
void judge_heard(struct sim *sim, bool counts);
void judge_cookie(struct life *life, const struct hawser_segment *ack);
/* judge_status.c */
void judge_touched(struct sim *sim);
/* The host that has an address; PLAN_ANY: none. asks: who means its own loopback address. */
uint32_t lives_owner(const struct sim *sim, uint32_t asks, const struct hawser_address *address);
void judge_story(struct sim *sim, FILE *out);

#endif
