/* SPDX-License-Identifier: MIT */
/* How a world runs: everybody at one instant until all are quiet, then the clock jumps. */
#include <errno.h>
#include <inttypes.h>

#include "fail.h"
#include "wire_internal.h"
#include "world_internal.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t actor_next(const struct hawser_actor *actor)
{
    return actor->next == NULL ? UINT64_MAX : actor->next(actor->context);
}

/* Frames that wait at an end without a host wait for the program, not for the clock. */
static uint64_t wire_next(const struct hawser_wire *wire)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned end = 0; end < 2; end++)
        if (wire->ends[end].host != NULL)
            next_ns = earlier(next_ns, hawser_wire_next_at(wire, end));
    return next_ns;
}

uint64_t hawser_world_next(struct hawser_world *world)
{
    uint64_t next_ns = UINT64_MAX;
    for (size_t i = 0; i < world->hosts_count; i++)
        next_ns = earlier(next_ns, hawser_next_deadline(world->hosts[i]));
    for (size_t i = 0; i < world->wires_count; i++)
        next_ns = earlier(next_ns, wire_next(world->wires[i]));
    for (size_t i = 0; i < world->actors_count; i++)
        next_ns = earlier(next_ns, actor_next(&world->actors[i]));
    return next_ns;
}

/* One turn for everybody; true if anything moved. */
static bool turn(struct hawser_world *world)
{
    bool moved = false;
    for (size_t i = 0; i < world->hosts_count; i++)
        if (hawser_next_deadline(world->hosts[i]) <= world->now_ns)
            hawser_expire(world->hosts[i], world->now_ns);
    for (size_t i = 0; i < world->wires_count; i++)
        moved |= hawser_wire_pump(world->wires[i], world->now_ns) != 0;
    for (size_t i = 0; i < world->actors_count; i++)
        moved |= world->actors[i].act(world->actors[i].context, world->now_ns);
    return moved;
}

/* The invariant of include/hawser/hawser.h: expired, and nothing more to send at now, so the next
 * deadline is later than now. Without this check a host that breaks it would stop the clock for
 * ever. */
static int check_quiet(struct hawser_world *world, struct hawser_port_error *error)
{
    for (size_t i = 0; i < world->hosts_count; i++) {
        uint64_t next_ns = hawser_next_deadline(world->hosts[i]);
        if (next_ns <= world->now_ns)
            return port_fail(error, EPROTO,
                             "host %zu gives nothing to send at %" PRIu64
                             " ns, but its next deadline is %" PRIu64
                             " ns, not later (or it has a link that is on no wire)",
                             i, world->now_ns, next_ns);
    }
    for (size_t i = 0; i < world->actors_count; i++) {
        uint64_t next_ns = actor_next(&world->actors[i]);
        if (next_ns <= world->now_ns)
            return port_fail(error, EPROTO,
                             "actor %zu had nothing to do at %" PRIu64
                             " ns, but wants its next turn at %" PRIu64 " ns, not later",
                             i, world->now_ns, next_ns);
    }
    return 0;
}

int hawser_world_settle(struct hawser_world *world, struct hawser_port_error *error)
{
    for (uint32_t round = 0; round < world->rounds_max; round++)
        if (!turn(world))
            return check_quiet(world, error);
    return port_fail(error, ELOOP,
                     "livelock: after %" PRIu32 " rounds at %" PRIu64
                     " ns frames or actors are still moving",
                     world->rounds_max, world->now_ns);
}

int hawser_world_run(struct hawser_world *world, uint64_t until_ns, bool (*done)(void *context),
                     void *context, struct hawser_port_error *error)
{
    for (uint64_t step = 0; step < world->steps_max; step++) {
        int result = hawser_world_settle(world, error);
        if (result != 0)
            return result;
        if (done != NULL && done(context))
            return 1;
        uint64_t next_ns = hawser_world_next(world);
        if (next_ns > until_ns || next_ns == UINT64_MAX) {
            if (until_ns != UINT64_MAX && until_ns > world->now_ns)
                world->now_ns = until_ns;
            return 0;
        }
        if (next_ns > world->now_ns) /* if not, done made calls: once more at this instant */
            world->now_ns = next_ns;
    }
    return port_fail(error, ELOOP,
                     "livelock: %" PRIu64 " instants visited, the clock shows %" PRIu64 " ns",
                     world->steps_max, world->now_ns);
}
