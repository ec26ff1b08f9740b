/* SPDX-License-Identifier: MIT */
/* A user's program on a connection: its turns, its ends, and what it may ask for (hawser/sim.h). */
#include <stdarg.h>
#include <stdlib.h>

#include "sim/internal.h"

#define LABEL_GUEST UINT64_C(0x4f574e) /* its chance is a stream that nobody else draws from */
#define LEFT_ALLOWANCE 4096            /* segments for what it wrote before it left */
#define WAKE_MOST_NS (3600 * SIM_S)
#define WAKES_MAX 3000000u /* of one end: it would go on for ever */

struct guest_end {
    struct hawser_sim_end end; /* first: the program has its address */
    struct sim *sim;
    uint32_t flow, side;
    struct random random;
    uint32_t wakes;
    bool left;
    _Alignas(max_align_t) unsigned char state[];
};

static struct guest_end *guest_of(const struct hawser_sim_end *end)
{
    return (struct guest_end *)(uintptr_t)end;
}

static const struct hawser_sim_program *program_of(const struct sim *sim)
{
    return sim->options.guest->program;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* Who is to blame if the process does not live through it. */
static void enter(struct guest_end *guest)
{
    guest->sim->result->in_program = true;
}

/* After its turn: what it wrote may be sent, and if its handle is gone so is the end. */
static void leave(struct guest_end *guest)
{
    struct sim *sim = guest->sim;
    struct flow_end *end = &flow_at(sim, guest->flow)->end[guest->side];
    struct hawser_tcp_info info;
    sim->result->in_program = false;
    host_allow(sim, end->host);
    int error =
        hawser_status(sim->hosts[end->host].host, host_now(sim, end->host), end->tcp, &info);
    if (error == 0) {
        uint64_t written = info.bytes_acked + info.send_queue_bytes;
        if (written > end->written)
            sim->hosts[end->host].allowance += (int64_t)(written - end->written) / 64 + 1;
        end->written = written > end->written ? written : end->written;
        end->read = info.bytes_received - info.receive_queue_bytes;
        return;
    }
    const struct life *life = end->life == LIFE_NONE ? NULL : &sim->store->lives.list[end->life];
    bool aborted = life != NULL && life->state == HAWSER_CLOSED &&
                   life->ended_by != HAWSER_CAUSE_ACK_OF_FIN &&
                   life->ended_by != HAWSER_CAUSE_TIMEOUT_2MSL;
    sim->hosts[end->host].allowance += LEFT_ALLOWANCE;
    guest->left = true;
    talk_over(sim, guest->flow, guest->side, aborted ? OVER_ABORT : OVER_CLEAN);
}

void guest_begin(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    const struct hawser_sim_program *program = program_of(sim);
    struct guest_end *guest = calloc(1, sizeof *guest + program->state_bytes);
    if (guest == NULL)
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
    guest->sim = sim;
    guest->flow = index;
    guest->side = side;
    guest->random = random_of(sim->plan.seed, LABEL_GUEST + (flow->uid * 2 + side));
    guest->end = (struct hawser_sim_end){.host = sim->hosts[flow->end[side].host].host,
                                         .tcp = flow->end[side].tcp,
                                         .client = side == 0,
                                         .connection = flow->uid,
                                         .argument = sim->options.guest->argument,
                                         .state = guest->state};
    flow->guest[side] = guest;
    enter(guest);
    program->begin(&guest->end);
    leave(guest);
}

void guest_event(struct sim *sim, uint32_t index, uint32_t side, uint32_t events)
{
    struct flow *flow = flow_at(sim, index);
    struct guest_end *guest = flow->guest[side];
    if (guest == NULL || flow->end[side].stage == STAGE_OVER)
        return;
    enter(guest);
    program_of(sim)->event(&guest->end, events);
    leave(guest);
}

/* ---- ends ------------------------------------------------------------------------------------ */

void guest_over(struct sim *sim, uint32_t index, uint32_t side, bool restarted)
{
    struct guest_end *guest = flow_at(sim, index)->guest[side];
    if (guest == NULL)
        return;
    guest->end.host = NULL;
    if (program_of(sim)->over == NULL)
        return;
    enter(guest);
    program_of(sim)->over(&guest->end, guest->left ? HAWSER_SIM_LEFT
                                       : restarted ? HAWSER_SIM_RESTARTED
                                                   : HAWSER_SIM_CUT);
    sim->result->in_program = false;
}

void guest_judge(struct sim *sim, uint32_t index)
{
    struct guest_end *const *guest = flow_at(sim, index)->guest;
    if (guest[0] != NULL && program_of(sim)->judge != NULL) {
        enter(guest[0]);
        program_of(sim)->judge(&guest[0]->end, guest[1] == NULL ? NULL : &guest[1]->end);
        sim->result->in_program = false;
    }
    guest_free(flow_at(sim, index));
}

void guest_free(struct flow *flow)
{
    for (unsigned side = 0; side < 2; side++) {
        free(flow->guest[side]);
        flow->guest[side] = NULL;
    }
}

/* ---- what it may ask for --------------------------------------------------------------------- */

void hawser_sim_fail(const struct hawser_sim_end *end, const char *format, ...)
{
    struct guest_end *guest = guest_of(end);
    const struct flow *flow = flow_at(guest->sim, guest->flow);
    char text[SIM_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    guest->sim->result->in_program = false;
    talk_excuse(guest->sim, flow);
    sim_fail(guest->sim, "program", flow->end[guest->side].life, "%s of connection %llu: %s",
             end->client ? "client" : "server", (unsigned long long)end->connection, text);
}

uint64_t hawser_sim_now(const struct hawser_sim_end *end)
{
    const struct guest_end *guest = guest_of(end);
    return host_now(guest->sim, flow_at(guest->sim, guest->flow)->end[guest->side].host);
}

uint64_t hawser_sim_random(struct hawser_sim_end *end)
{
    return random_next(&guest_of(end)->random);
}

/* Not at this instant: it would find no end. */
void hawser_sim_wake(struct hawser_sim_end *end, uint64_t delay_ns)
{
    struct guest_end *guest = guest_of(end);
    if (end->host == NULL)
        return;
    if (++guest->wakes > WAKES_MAX)
        sim_fail(guest->sim, "livelock", LIFE_NONE, "one end woke %u times", WAKES_MAX);
    delay_ns = delay_ns == 0 ? 1 : delay_ns > WAKE_MOST_NS ? WAKE_MOST_NS : delay_ns;
    talk_wake_at(guest->sim, guest->flow, guest->side, guest->sim->now_ns + delay_ns);
}

const struct hawser_sim_end *hawser_sim_peer(const struct hawser_sim_end *end)
{
    const struct guest_end *guest = guest_of(end);
    const struct guest_end *peer = flow_at(guest->sim, guest->flow)->guest[!guest->side];
    return peer == NULL ? NULL : &peer->end;
}
