/* SPDX-License-Identifier: MIT */
/* The programs on the hosts: who opens what and when, which end is whose, and who is left over. */
#include <stdlib.h>
#include <string.h>

#include "sim/internal.h"

#define LINGERING_MAX 40u      /* connections of a job whose other end is not over yet */
#define GRACE_NS (400 * SIM_S) /* how long somebody waits for a peer that is gone */
#define TIDY_NS (60 * SIM_S)

struct flow *flow_at(struct sim *sim, uint32_t index)
{
    return &sim->store->flows[index];
}

/* ---- flows ----------------------------------------------------------------------------------- */

static uint32_t flow_make(struct sim *sim, uint32_t job)
{
    struct sim_store *store = sim->store;
    uint32_t index;
    if (store->free_count > 0) {
        index = store->free_flows[--store->free_count];
    } else {
        if (store->flows_count == store->flows_room) {
            uint32_t room = store->flows_room == 0 ? 64 : 2 * store->flows_room;
            struct flow *flows = realloc(store->flows, room * sizeof flows[0]);
            store->flows = flows != NULL ? flows : store->flows;
            uint32_t *list = realloc(store->free_flows, room * sizeof list[0]);
            store->free_flows = list != NULL ? list : store->free_flows;
            if (flows == NULL || list == NULL)
                sim_fail(sim, "simulator", LIFE_NONE, "no memory");
            store->flows_room = room;
        }
        index = store->flows_count++;
        store->flows[index].generation = 0;
    }
    struct flow *flow = &store->flows[index];
    const struct plan_job *plan = &sim->plan.jobs[job];
    uint32_t generation = flow->generation + 1;
    memset(flow, 0, sizeof *flow);
    *flow = (struct flow){.used = true, .job = job, .generation = generation};
    flow->uid = (uint64_t)job << 32 | sim->jobs[job].next_uid++;
    for (unsigned i = 0; i < 2; i++) {
        flow->end[i].host = i == 0 ? plan->client : plan->server;
        flow->end[i].life = LIFE_NONE;
        flow->end[i].wake_ns = NEVER;
    }
    sim->flows_open++;
    sim->jobs[job].lingering++;
    return index;
}

static void flow_free(struct sim *sim, uint32_t index)
{
    struct flow *flow = flow_at(sim, index);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t life = flow->end[i].life;
        if (life != LIFE_NONE && sim->store->lives.list[life].flow == index)
            sim->store->lives.list[life].flow = NO_FLOW;
    }
    flow->used = false;
    sim->flows_open--;
    sim->jobs[flow->job].lingering--;
    sim->store->free_flows[sim->store->free_count++] = index;
}

/* A life belongs to an end from now on. */
static void bind(struct sim *sim, uint32_t index, unsigned side, const struct hawser_tcp_info *info)
{
    struct flow_end *end = &flow_at(sim, index)->end[side];
    end->life = lives_find(&sim->store->lives, end->host, &info->local, &info->remote);
    if (end->life != LIFE_NONE)
        sim->store->lives.list[end->life].flow = index;
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct hawser_address address_for(const struct plan_job *job, unsigned side)
{
    return plan_address(job->wire, side == 0 ? job->client : job->server, job->v6);
}

static void stay_within(struct sim *sim, int error, const struct plan_job *job, unsigned side)
{
    uint32_t host = side == 0 ? job->client : job->server;
    bool fixed = job->client_port != 0;
    if (error == HAWSER_ERR_RESOURCES || error == HAWSER_ERR_ADDRESS_NOT_AVAILABLE ||
        (fixed && (error == HAWSER_ERR_ADDRESS_IN_USE || error == HAWSER_ERR_EXISTS)))
        return;
    sim_fail(sim, "open", LIFE_NONE, "host %u cannot open port %u: %s", host, job->server_port,
             hawser_error_name(error));
}

/* Opens one end of a flow. False: not now. */
static bool open_end(struct sim *sim, uint32_t index, unsigned side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_job *job = &sim->plan.jobs[flow->job];
    struct sim_host *host = &sim->hosts[end->host];
    struct hawser_open_options options = {.reuse_address = true};
    options.remote.address = address_for(job, !side);
    options.remote.port = side == 0 ? job->server_port : job->client_port;
    options.local.port = side == 0 ? job->client_port : job->server_port;
    if (flow->uid % 3 == 0)
        options.local.address = address_for(job, side);
    /* The flow, found again from its events: not 0, which is the user of what nobody set. */
    options.user = (void *)(uintptr_t)((uint64_t)(index * 2 + side) + 1);
    host_allow(sim, end->host);
    sim->acting_host = end->host;
    int error = hawser_open(host->host, host_now(sim, end->host), &options, &end->tcp);
    if (error != 0) {
        stay_within(sim, error, job, side);
        return false;
    }
    struct hawser_tcp_info info;
    if (hawser_status(host->host, host_now(sim, end->host), end->tcp, &info) != 0)
        sim_fail(sim, "open", LIFE_NONE, "no status of a connection just opened");
    end->stage = STAGE_OPENING;
    end->opened_ns = sim->now_ns;
    bind(sim, index, side, &info);
    talk_options(sim, &job->end[side], end->host, end->tcp);
    return true;
}

static void job_later(struct sim *sim, uint32_t job, uint64_t delay_ns)
{
    const struct queue_item item = {.at_ns = sim->now_ns + delay_ns, .kind = QUEUE_JOB, .a = job};
    if (!queue_add(&sim->store->queue, &item))
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
    sim->jobs[job].waiting = true;
}

static void job_ends(struct sim *sim, uint32_t job)
{
    if (sim->jobs[job].runs_left > 0)
        sim->jobs_open--;
    sim->jobs[job].runs_left = 0;
}

/* The next connection of a job, or its end. */
void program_job(struct sim *sim, uint32_t index)
{
    struct job_state *job = &sim->jobs[index];
    const struct plan_job *plan = &sim->plan.jobs[index];
    job->waiting = false;
    if (sim->calm && job->next_uid > 0) {
        job_ends(sim, index);
        return;
    }
    if (sim->hosts[plan->client].host == NULL || sim->hosts[plan->server].host == NULL ||
        job->lingering >= (plan->simultaneous ? 1 : LINGERING_MAX)) {
        job_later(sim, index, 100 * SIM_MS);
        return;
    }
    uint32_t flow = flow_make(sim, index);
    if (!open_end(sim, flow, 0)) {
        flow_free(sim, flow);
        if (++job->attempts > 5000)
            sim_fail(sim, "liveness", LIFE_NONE, "job%u could not open in %u attempts", index,
                     job->attempts);
        job_later(sim, index, 200 * SIM_MS);
        return;
    }
    if (plan->simultaneous && !open_end(sim, flow, 1)) {
        flow_at(sim, flow)->end[1].stage = STAGE_OVER;
        flow_at(sim, flow)->end[1].over = OVER_ERROR;
    }
    job->attempts = 0;
    sim->result->figures.connections++;
    if (--job->runs_left == 0)
        sim->jobs_open--;
    if (plan->guest) {
        guest_begin(sim, flow, 0);
        return;
    }
    for (unsigned side = 0; side < 2; side++)
        if (flow_at(sim, flow)->end[side].stage == STAGE_OPENING)
            talk(sim, flow, side);
}

void programs_start(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.jobs_count; i++) {
        const struct plan_job *plan = &sim->plan.jobs[i];
        if (!plan->used || plan->repeat == 0)
            continue;
        sim->jobs[i].runs_left = plan->repeat;
        sim->jobs_open++;
        job_later(sim, i, plan->start_ns);
    }
}

/* ---- accepting ------------------------------------------------------------------------------- */

static bool opened_with(const struct life *life, uint32_t iss)
{
    if (life->has_iss && life->iss == iss)
        return true;
    for (unsigned i = 0; i < life->past_count; i++)
        if (life->past_iss[i] == iss)
            return true;
    return false;
}

/* Whose connection this is: the flow whose opener used the same number. NO_FLOW: it is over. */
static uint32_t match(struct sim *sim, uint32_t host, const struct hawser_tcp_info *info)
{
    struct lives *lives = &sim->store->lives;
    uint32_t opener = lives_owner(sim, host, &info->remote.address);
    uint32_t index =
        opener == PLAN_ANY ? LIFE_NONE : lives_find(lives, opener, &info->remote, &info->local);
    /* An old ACK can be a valid cookie (RFC 4987 3.6): nothing is kept to tell it from a new. */
    bool forgot = opener != PLAN_ANY &&
                  (sim->cookies || lives->purged > 0 || sim->hosts[opener].restarts > 0);
    if (index == LIFE_NONE || !opened_with(&lives->list[index], info->irs)) {
        if (!forgot)
            sim_fail(sim, "accept", index, "host %u accepted what nobody opened", host);
        return NO_FLOW;
    }
    const struct life *life = &lives->list[index];
    if (life->iss != info->irs || life->flow == NO_FLOW)
        return NO_FLOW;
    const struct flow_end *end = &flow_at(sim, life->flow)->end[1];
    if (end->stage != STAGE_NONE || end->host != host) {
        /* Twice the same: only where nothing is kept of the first time (RFC 4987 3.6). */
        if (!sim->cookies && end->over != OVER_RESTART)
            sim_fail(sim, "accept", index, "host %u accepted a connection twice", host);
        return NO_FLOW;
    }
    return life->flow;
}

void program_accept(struct sim *sim, uint32_t host, hawser_tcp listener)
{
    struct hawser_host *at = sim->hosts[host].host;
    struct hawser_tcp_info info;
    hawser_tcp tcp;
    while (hawser_accept(at, listener, &tcp) == 0) {
        host_allow(sim, host);
        if (hawser_status(at, host_now(sim, host), tcp, &info) != 0)
            sim_fail(sim, "accept", LIFE_NONE, "no status of a connection just accepted");
        uint32_t index = match(sim, host, &info);
        if (index == NO_FLOW) {
            hawser_abort(at, tcp);
            continue;
        }
        struct flow *flow = flow_at(sim, index);
        struct flow_end *end = &flow->end[1];
        end->tcp = tcp;
        end->stage = STAGE_OPEN;
        end->opened_ns = sim->now_ns;
        bind(sim, index, 1, &info);
        hawser_set_user(at, tcp, (void *)(uintptr_t)((uint64_t)index * 2 + 2));
        talk_options(sim, &sim->plan.jobs[flow->job].end[1], host, tcp);
        if (sim->plan.jobs[flow->job].guest)
            guest_begin(sim, index, 1);
        else
            talk(sim, index, 1);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

void program_event(struct sim *sim, uint32_t host, const struct hawser_event *event)
{
    host_allow(sim, host);
    if (event->user == NULL) {
        if (event->events & HAWSER_EVENT_ACCEPTABLE)
            program_accept(sim, host, event->tcp);
        return;
    }
    uint64_t name = (uint64_t)(uintptr_t)event->user - 1;
    uint32_t index = (uint32_t)(name / 2), side = (uint32_t)(name % 2);
    struct flow_end *end = &flow_at(sim, index)->end[side];
    if (!flow_at(sim, index)->used || end->host != host || end->tcp != event->tcp ||
        end->stage == STAGE_OVER)
        return;
    if (sim->plan.jobs[flow_at(sim, index)->job].guest) {
        guest_event(sim, index, side, event->events);
        return;
    }
    if (event->events & HAWSER_EVENT_SOFT_ERROR)
        hawser_take_soft_error(sim->hosts[host].host, event->tcp);
    if ((event->events & HAWSER_EVENT_CONNECTED) && end->stage == STAGE_OPENING) {
        end->stage = STAGE_OPEN;
        end->opened_ns = sim->now_ns;
    }
    if (event->events & (HAWSER_EVENT_WRITABLE | HAWSER_EVENT_ERROR))
        end->blocked = false;
    if ((event->events & HAWSER_EVENT_ERROR) && (end->stage == STAGE_OPENING || end->eof)) {
        struct hawser_tcp_info info;
        int error = HAWSER_ERR_NO_CONNECTION;
        if (hawser_status(sim->hosts[host].host, host_now(sim, host), event->tcp, &info) == 0)
            error = info.error;
        talk_failed(sim, index, side, error);
        return;
    }
    talk(sim, index, side);
}

void program_wake(struct sim *sim, uint32_t index, uint32_t side, uint32_t generation)
{
    struct flow *flow = flow_at(sim, index);
    if (!flow->used || flow->generation != generation || flow->end[side].wake_ns != sim->now_ns)
        return;
    flow->end[side].wake_ns = NEVER;
    host_allow(sim, flow->end[side].host);
    if (sim->plan.jobs[flow->job].guest)
        guest_event(sim, index, side, 0);
    else
        talk(sim, index, side);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* One end of a flow is over: the job goes on, and when both are the flow is forgotten. */
void talk_over(struct sim *sim, uint32_t index, uint32_t side, enum over how)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side], *other = &flow->end[!side];
    uint32_t job = flow->job;
    end->stage = STAGE_OVER;
    end->over = how;
    end->over_ns = sim->now_ns;
    guest_over(sim, index, side, how == OVER_RESTART);
    bool next = side == 0 && sim->jobs[job].runs_left > 0 && !sim->jobs[job].waiting;
    if (other->stage == STAGE_OVER) {
        guest_judge(sim, index);
        sim->result->figures.clean += end->over == OVER_CLEAN && other->over == OVER_CLEAN;
        flow_free(sim, index);
    }
    if (next)
        job_later(sim, job, sim->plan.jobs[job].gap_ns);
}

void program_host_down(struct sim *sim, uint32_t host)
{
    for (uint32_t i = 0; i < sim->store->flows_count; i++)
        for (unsigned side = 0; side < 2; side++) {
            struct flow *flow = flow_at(sim, i);
            if (flow->used && flow->end[side].host == host && flow->end[side].stage != STAGE_OVER &&
                flow->end[side].stage != STAGE_NONE)
                talk_over(sim, i, side, OVER_RESTART);
        }
}

/* The host behind the end that was never accepted knows of no connection. */
static bool was_forgotten(struct sim *sim, const struct flow_end *opener, uint32_t host)
{
    if (opener->life == LIFE_NONE)
        return true;
    const struct life *mine = &sim->store->lives.list[opener->life];
    const struct hawser_endpoint local = mine->remote, remote = mine->local;
    uint32_t index = lives_find(&sim->store->lives, host, &local, &remote);
    return index == LIFE_NONE || sim->store->lives.list[index].state == HAWSER_CLOSED;
}

/* The connection behind an end is over, and not as it should be: its peer may wait for ever. */
static bool is_dead(struct sim *sim, const struct flow *flow, unsigned side)
{
    const struct flow_end *end = &flow->end[side], *peer = &flow->end[!side];
    if (end->stage == STAGE_NONE)
        return sim->now_ns - peer->opened_ns > GRACE_NS && was_forgotten(sim, peer, end->host);
    if (end->stage != STAGE_OVER || sim->now_ns - end->over_ns < GRACE_NS)
        return false;
    if (end->over != OVER_CLEAN || end->life == LIFE_NONE)
        return true;
    const struct life *life = &sim->store->lives.list[end->life];
    return life->state == HAWSER_CLOSED && life->ended_by != HAWSER_CAUSE_ACK_OF_FIN &&
           life->ended_by != HAWSER_CAUSE_TIMEOUT_2MSL;
}

static void tidy_flow(struct sim *sim, uint32_t index)
{
    for (unsigned side = 0; side < 2 && flow_at(sim, index)->used; side++) {
        struct flow *flow = flow_at(sim, index);
        struct flow_end *end = &flow->end[side], *other = &flow->end[!side];
        if (end->stage == STAGE_NONE) { /* never accepted, and it never will be */
            if (other->stage == STAGE_OVER && sim->now_ns - other->over_ns > GRACE_NS &&
                was_forgotten(sim, other, end->host))
                talk_over(sim, index, side, OVER_STUCK);
        } else if (end->stage != STAGE_OVER && is_dead(sim, flow, !side)) {
            hawser_abort(sim->hosts[end->host].host, end->tcp);
            host_allow(sim, end->host);
            talk_over(sim, index, side, OVER_ABORT);
        }
    }
}

void program_tidy(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->store->flows_count; i++)
        if (flow_at(sim, i)->used)
            tidy_flow(sim, i);
    const struct queue_item item = {.at_ns = sim->now_ns + TIDY_NS, .kind = QUEUE_TIDY};
    if (sim->flows_open + sim->jobs_open > 0 && !queue_add(&sim->store->queue, &item))
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
}

/* Somebody waits for somebody who is alive, and nothing comes. */
void flow_check_progress(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->store->flows_count; i++) {
        const struct flow *flow = flow_at(sim, i);
        if (!flow->used)
            continue;
        const struct flow_end *a = &flow->end[0], *b = &flow->end[1];
        uint32_t life = a->life != LIFE_NONE ? a->life : b->life;
        const char *states[2] = {"nothing", "nothing"};
        for (unsigned side = 0; side < 2; side++)
            if (flow->end[side].life != LIFE_NONE)
                states[side] =
                    hawser_state_name(sim->store->lives.list[flow->end[side].life].state);
        sim_fail(
            sim, "liveness", life,
            "job%u: %.0f s after the faults had stopped one end has written %llu and read %llu "
            "(%s), the other %llu and %llu (%s)",
            flow->job, (double)(sim->now_ns - sim->calm_at_ns) / 1e9,
            (unsigned long long)a->written, (unsigned long long)a->read, states[0],
            (unsigned long long)b->written, (unsigned long long)b->read, states[1]);
    }
    sim_fail(sim, "liveness", LIFE_NONE, "%u jobs have not ended", sim->jobs_open);
}
