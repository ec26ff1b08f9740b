/* SPDX-License-Identifier: MIT */
/* The world: hosts, wires and a virtual clock that jumps from event to event. */
#ifndef HAWSER_PORT_WORLD_H
#define HAWSER_PORT_WORLD_H

#include <hawser/hawser.h>
#include <hawser/port/error.h>
#include <hawser/port/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A world owns its hosts and wires. It reads no real clock and draws no real entropy: the same
 * seed, the same calls, the same bytes. Not thread-safe. */
struct hawser_world;

struct hawser_world_config {
    uint64_t start_ns;   /* what the clock shows first; 0 = 1 s (0 itself is a time at which old
                            code liked to fail) */
    uint64_t seed;       /* of the hosts' entropy and the wires' chance, where they have none of
                            their own */
    uint64_t steps_max;  /* most instants one hawser_world_run may visit; 0 = 10^9 */
    uint32_t rounds_max; /* most rounds at one instant before it is called a livelock; 0 = 10^6 */
};

/* config may be NULL (all zero). Returns 0 and *out, or -ENOMEM. */
HAWSER_EXPORT
int hawser_world_create(const struct hawser_world_config *config, struct hawser_world **out);

/* Destroys its hosts and wires, too. NULL is allowed. */
HAWSER_EXPORT
void hawser_world_destroy(struct hawser_world *world);

/* The virtual now_ns, to be given to the user calls of its hosts. */
HAWSER_EXPORT
uint64_t hawser_world_now(const struct hawser_world *world);

/* Makes a host. config may be NULL (hawser_config_defaults); where its memory is empty it gets
 * hawser_memory_default, where its entropy is all zero it gets 32 bytes that follow from the
 * world's seed and the number of hosts so far. Returns 0 and *out, which the world owns; -EINVAL:
 * the configuration; -ENOMEM. */
HAWSER_EXPORT
int hawser_world_host(struct hawser_world *world, const struct hawser_config *config,
                      struct hawser_host **out, struct hawser_port_error *error);

/* Makes a wire and gives each of the two hosts a link at its end (hosts[0] at end 0). A host may be
 * NULL: that end is the caller's (hawser_wire_put, hawser_wire_take) and frames that wait there do
 * not move the clock. A link's MAC address is 02:48:57:00:NN:NN, counting the links of this
 * world from 1. config may be NULL (Ethernet, mtu 1500); its seed 0 is replaced by one
 * that follows from the world's. links (may be NULL) gets the link numbers. Returns 0 and *out,
 * which the world owns; -EINVAL: config, or a host refused the link (the other host may then have
 * an idle one); -ENOMEM. */
HAWSER_EXPORT
int hawser_world_join(struct hawser_world *world, struct hawser_host *const hosts[2],
                      const struct hawser_wire_config *config, struct hawser_wire **out,
                      uint32_t links[2], struct hawser_port_error *error);

/* Something that takes part beside hosts and wires: an application, a checker, a script. */
struct hawser_actor {
    /* Called at least once at every instant, and again after anything moved. Takes events, makes
     * user calls. Returns true if it did something, so that everybody has another turn. */
    bool (*act)(void *context, uint64_t now_ns);
    /* When it wants to act even if nothing else happens; UINT64_MAX = not; must be later than now
     * after act returned false. NULL = never. */
    uint64_t (*next)(void *context);
    void *context;
};

/* actor is copied; actors have their turn in the order they were added. Returns 0, -EINVAL (no act)
 * or -ENOMEM. */
HAWSER_EXPORT
int hawser_world_actor(struct hawser_world *world, const struct hawser_actor *actor);

/* Does all that is to be done at the present instant, until everybody is quiet. Returns 0 or, with
 * error,
 *   -ELOOP   livelock: rounds_max rounds and still no quiet;
 *   -EPROTO  a host broke the contract of hawser_next_deadline (it gave nothing to send, yet its
 *            deadline is not later than now), or an actor that of next. */
HAWSER_EXPORT
int hawser_world_settle(struct hawser_world *world, struct hawser_port_error *error);

/* When something happens next: the earliest deadline of hosts, arrival on wires at hosts, and wish
 * of actors; UINT64_MAX = never. Meaningful after settle. */
HAWSER_EXPORT
uint64_t hawser_world_next(struct hawser_world *world);

/* Settles, then moves the clock to what happens next and settles again, until done(context) is true
 * (asked after every settling; NULL = never), or the clock would pass until_ns. Returns
 *   1        done;
 *   0        the clock shows until_ns; or until_ns is UINT64_MAX and nothing will ever happen
 *            any more (the clock stays);
 *   -ELOOP   as above, or steps_max instants were visited;
 *   -EPROTO  as above. */
HAWSER_EXPORT
int hawser_world_run(struct hawser_world *world, uint64_t until_ns, bool (*done)(void *context),
                     void *context, struct hawser_port_error *error);

#ifdef __cplusplus
}
#endif
#endif
