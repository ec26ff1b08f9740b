/* SPDX-License-Identifier: MIT */
/* What one simulation will be: drawn whole from the seed before anything runs, so that parts of it
 * can be left out and the rest stays as it was. */
#ifndef HAWSER_SIM_PLAN_H
#define HAWSER_SIM_PLAN_H

#include <hawser/hawser.h>

#define PLAN_HOSTS_MAX 8u
#define PLAN_WIRES_MAX 2u
#define PLAN_JOBS_MAX 40u
#define PLAN_EPISODES_MAX 40u
#define PLAN_ANY UINT32_MAX

#define SIM_MS UINT64_C(1000000)
#define SIM_S (1000 * SIM_MS)

struct plan_host {
    struct hawser_config config; /* without memory, entropy and trace */
    uint64_t memory_bytes;       /* what its memory source gives at the most */
    uint64_t clock_ns;           /* what its clock shows at the beginning */
    bool used;
};

/* What all hosts of a wire share: a switch that knows every way, and routers where they are needed. */
struct plan_wire {
    enum hawser_link_kind kind;
    uint32_t mtu;
    uint64_t delay_ns, spread_ns; /* from any to any: delay and, by pair, up to spread more */
    uint64_t rate_bits_per_s;     /* of each host's way onto it; 0 = no limit */
    uint32_t queue_bytes;         /* in front of that */
};

enum plan_ending {
    PLAN_SHUTDOWN,  /* CLOSE when all is written, goes when all is read */
    PLAN_AFTER_EOF, /* CLOSE when the peer has closed and all is written */
    PLAN_CLOSE,     /* gone as soon as all is written */
    PLAN_LINGER,    /* the same, with a RST */
    PLAN_ABORT,     /* ABORT when so much is written … */
    PLAN_ABORT_AT,  /* … or so much time is over */
    PLAN_KEEP,      /* CLOSE a while after all was written and read */
};
#define PLAN_ENDINGS 7u

/* The program at one end of a connection. */
struct plan_end {
    uint32_t bytes;          /* it writes in all */
    uint32_t write_bite;     /* most at once */
    uint64_t write_pause_ns; /* between two */
    uint32_t read_bite;
    uint64_t read_pause_ns;
    uint32_t ask_bytes;      /* takes turns: writes so much, then waits until … */
    uint32_t answer_bytes;   /* … so much more was read; 0 = writes when it likes */
    bool answers;            /* the other side of that: reads first */
    bool after_eof;          /* writes only when the peer has closed */
    uint64_t think_ns;       /* before it writes or reads at all */
    enum plan_ending ending;
    uint64_t ending_at;      /* octets, or ns */
    bool early;              /* writes, and may CLOSE, before it is connected */
    bool nodelay, cork, keepalive, urgent, peeks, more, quick_ack;
    uint64_t user_timeout_ns;
    uint32_t send_buffer_bytes, receive_buffer_bytes, mss_bytes; /* 0 = as they are */
};

/* Connections, one after the other. */
struct plan_job {
    bool used;
    uint32_t client, server; /* hosts */
    uint32_t wire;           /* PLAN_ANY: the loopback link of client == server */
    bool v6;
    uint64_t start_ns, gap_ns;
    uint32_t repeat;
    uint16_t server_port;
    uint16_t client_port; /* 0 = chosen by the host */
    bool simultaneous;    /* both open */
    bool guest;             /* a user's program talks */
    uint32_t backlog;
    struct plan_end end[2];
};

#define PLAN_EPISODE_MAP(X)                                                                        \
    X(LOSS, "loss", true) X(BURST, "burst", true) X(DUPLICATE, "duplicate", true)                  \
    X(REORDER, "reorder", true) X(CORRUPT, "corrupt", true) X(DELAY, "delay", true)                \
    X(PARTITION, "partition", false) X(ONE_WAY, "one-way", false) X(NARROW, "narrow", false)       \
    X(BLACK_HOLE, "black-hole", false) X(RESTART, "restart", false) X(MEMORY, "memory", false)     \
    X(CLOCK, "clock", false) X(FORGED_RST, "forged-rst", false)                                    \
    X(FORGED_SYN, "forged-syn", false) X(FORGED_DATA, "forged-data", false)                        \
    X(FORGED_ICMP, "forged-icmp", false) X(FLOOD, "flood", false) X(GARBAGE, "garbage", false)

enum plan_episode_kind {
#define PLAN_EPISODE_ENUM(name, text, chance) PLAN_##name,
    PLAN_EPISODE_MAP(PLAN_EPISODE_ENUM)
#undef PLAN_EPISODE_ENUM
    PLAN_EPISODE_KINDS
};

struct plan_episode {
    bool used;
    enum plan_episode_kind kind;
    uint64_t from_ns, to_ns;
    uint32_t a, b;   /* hosts; PLAN_ANY; PARTITION: a is the set on one side */
    uint32_t ppm;    /* of the frames that meet it */
    uint64_t amount; /* delay, MTU, burst length, packets a second, clock jump: as the kind says */
};

struct plan {
    uint64_t seed;
    uint32_t hosts_count, wires_count, jobs_count, episodes_count;
    bool with_loopback;
    uint64_t calm_ns; /* faults stop and nothing new begins */
    uint64_t life_ns; /* no frame lives longer: within the MSL of every host */
    uint64_t msl_ns, patience_ns; /* patience: after calm_ns everything must be over */
    struct plan_host hosts[PLAN_HOSTS_MAX];
    struct plan_wire wires[PLAN_WIRES_MAX];
    struct plan_job jobs[PLAN_JOBS_MAX];
    struct plan_episode episodes[PLAN_EPISODES_MAX];
};

void plan_draw(struct plan *plan, uint64_t seed);

/* Gives the first job and most others to a user's program. */
void plan_give_to_program(struct plan *plan);

/* Leaves a part out: "job3", "fault2", "repeat5" (job 5 runs once), "chunk". False: no such part. */
bool plan_leave_out(struct plan *plan, const char *part);

/* The name of the i-th part that can be left out, in the order in which it is worth trying; false:
 * there are no more. */
bool plan_part(const struct plan *plan, unsigned i, char out[24]);

/* Hosts that no job uses any more need not exist. Called by plan_draw and plan_leave_out. */
void plan_settle(struct plan *plan);

const char *plan_episode_name(enum plan_episode_kind kind);

/* One line of text for a job or an episode. */
size_t plan_print_job(const struct plan *plan, unsigned job, char *out, size_t cap);
size_t plan_print_episode(const struct plan *plan, unsigned episode, char *out, size_t cap);
size_t plan_print_host(const struct plan *plan, unsigned host, char *out, size_t cap);

/* Addresses: of host h on wire w, and of the router there (h = PLAN_HOSTS_MAX). */
struct hawser_address plan_address(uint32_t wire, uint32_t host, bool v6);
unsigned plan_prefix_bits(bool v6);

#endif
