/* SPDX-License-Identifier: MIT */
/* A program of one's own in the simulator: hawser sim --program FILE.so.
 *
 * The simulator makes hosts, a network that does everything wrong, and connections, all of it from a seed; the program is what both ends of a connection
 * do. It is a shared object with hawser_sim_init in it, made so:
 *     cc -shared -fPIC -o mine.so mine.c $(pkg-config --cflags hawser)
 * What it calls (hawser_send and the rest of hawser/tcp.h, and the functions below) is found in the program hawser when it is loaded.
 *
 * A run must be the same each time: no clock but hawser_sim_now, no chance but hawser_sim_random, and nothing is remembered outside of `state`.
 * examples/sim_messages.c is one. */
#ifndef HAWSER_SIM_H
#define HAWSER_SIM_H

#include <hawser/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSER_SIM_VERSION 1u           /* of this interface */
#define HAWSER_SIM_STATE_MAX 1048576u
#define HAWSER_SIM_EXPORT __attribute__((visibility("default")))

/* One end of one connection. What stands here is the simulator's; the program changes what `state` points to. */
struct hawser_sim_end {
    struct hawser_host *host; /* for hawser_send and the like; NULL in `over` and `judge` */
    hawser_tcp tcp;
    bool client;              /* it opened the connection; the other end accepted it */
    uint64_t connection;      /* its number, the same at both ends, another for each connection of a run */
    const char *argument;     /* of --program-arg; "" without */
    void *state;              /* state_bytes, all zero at `begin`; valid until `judge` has returned */
};

enum hawser_sim_over {
    HAWSER_SIM_LEFT,      /* the program closed or aborted it */
    HAWSER_SIM_CUT,       /* the simulator aborted it: its peer is gone for good, and TCP has no way to know */
    HAWSER_SIM_RESTARTED, /* its host restarted and forgot everything */
};

struct hawser_sim_program {
    uint32_t version;   /* HAWSER_SIM_VERSION */
    size_t state_bytes; /* of each end, up to HAWSER_SIM_STATE_MAX */
    /* An end exists: the client's has been opened and is not connected yet (writing is allowed), the server's has been accepted (and may have something to
     * read already). */
    void (*begin)(struct hawser_sim_end *end);
    /* HAWSER_EVENT_… happened to it; 0: the time of hawser_sim_wake has come. After HAWSER_EVENT_ERROR the program has to close the handle, as always. An end
     * is over when its handle is gone (hawser_close, hawser_abort), in this function or in `begin`. */
    void (*event)(struct hawser_sim_end *end, uint32_t events);
    /* The end is over. May be NULL. */
    void (*over)(struct hawser_sim_end *end, enum hawser_sim_over how);
    /* Both ends are over: the place to compare what they know. server is NULL when the connection was never accepted. May be NULL. */
    void (*judge)(struct hawser_sim_end *client, struct hawser_sim_end *server);
};

/* What the shared object has to define: its functions; NULL refuses the argument. */
HAWSER_SIM_EXPORT const struct hawser_sim_program *hawser_sim_init(const char *argument);

/* ---- what it may call beside hawser/tcp.h --------------------------------------------------------------------------- */

/* The run fails: something happened that must not. Does not return; the text is told with the seed, and the run is made small. */
HAWSER_SIM_EXPORT __attribute__((noreturn, format(printf, 2, 3))) void hawser_sim_fail(const struct hawser_sim_end *end, const char *format, ...);

/* The host's clock, for calls that take now_ns. Only in `begin` and `event`. It may jump forward. */
HAWSER_SIM_EXPORT uint64_t hawser_sim_now(const struct hawser_sim_end *end);

/* The next number of this end's own, which follow from the seed. */
HAWSER_SIM_EXPORT uint64_t hawser_sim_random(struct hawser_sim_end *end);

/* `event` is to be called with 0 in delay_ns at the latest (at least 1 ns, at most an hour); only the earliest such time is kept, and forgotten when it came.
 * A send that HAWSER_ERR_RESOURCES refused is one that no event will repeat. */
HAWSER_SIM_EXPORT void hawser_sim_wake(struct hawser_sim_end *end, uint64_t delay_ns);

/* The other end of the connection, to look at its state; NULL before it exists. */
HAWSER_SIM_EXPORT const struct hawser_sim_end *hawser_sim_peer(const struct hawser_sim_end *end);

#ifdef __cplusplus
}
#endif
#endif
