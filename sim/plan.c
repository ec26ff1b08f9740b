/* SPDX-License-Identifier: MIT */
/* Draws what one simulation will be: see plan.h. */
#include "sim/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/random.h"

#define KIB 1024u
#define MIB (1024u * KIB)

enum {
    LABEL_SHAPE = 1,
    LABEL_HOST = 0x100,
    LABEL_WIRE = 0x200,
    LABEL_JOB = 0x300,
    LABEL_EPISODE = 0x400,
    LABEL_GUEST = 0x500
};

/* Most are small: the smaller the run, the more of them. */
enum size { SIZE_SMALL, SIZE_MIDDLE, SIZE_LARGE };

/* ---- hosts ----------------------------------------------------------------------------------- */

static void draw_limits(struct random *r, struct plan_host *host, bool with_loopback)
{
    struct hawser_config *c = &host->config;
    static const uint64_t memory[] = {4 * MIB, 8 * MIB, 64 * MIB};
    /* Both ends on one host, out of one memory, can starve each other for ever. */
    host->memory_bytes = with_loopback ? memory[2] : RANDOM_PICK(r, memory);
    c->memory_bytes = host->memory_bytes;
    c->buffer_bytes = random_percent(r, 20) && !with_loopback ? 256 * KIB : c->memory_bytes / 4 * 3;
    c->chunk_bytes = 64 * KIB;
    c->connections_max = random_percent(r, 10) ? (uint32_t)random_from(r, 2, 8) : 4096;
    c->halfopen_max = random_percent(r, 15) ? (uint32_t)random_from(r, 1, 4) : 256;
    c->timewait_max = random_percent(r, 8) ? (uint32_t)random_from(r, 1, 20) : 1u << 16;
    c->listeners_max = 64;
    c->neighbours_max = 64;
    c->syn_cookies = !random_percent(r, 20);
}

static void draw_tcp(struct random *r, struct hawser_config *c)
{
    c->window_scaling = !random_percent(r, 20);
    c->timestamps = !random_percent(r, 25);
    c->sack = !random_percent(r, 25);
    if (random_percent(r, 40))
        c->send_buffer_bytes = (uint32_t)random_scaled(r, 2 * KIB, MIB);
    if (random_percent(r, 40))
        c->receive_buffer_bytes = (uint32_t)random_scaled(r, 2 * KIB, MIB);
    if (random_percent(r, 40))
        c->receive_window_initial_bytes = (uint32_t)random_scaled(r, 2 * KIB, 256 * KIB);
    if (c->receive_window_initial_bytes > c->receive_buffer_bytes)
        c->receive_window_initial_bytes = c->receive_buffer_bytes;
    if (random_percent(r, 20))
        c->initial_window_segments = (uint32_t)random_from(r, 1, 10);
    if (random_percent(r, 20))
        c->quick_acks = (uint32_t)random_from(r, 0, 3);
    if (random_percent(r, 20))
        c->delayed_ack_ns = random_scaled(r, 1, 499) * SIM_MS;
    if (random_percent(r, 20))
        c->rto_min_ns = random_scaled(r, 20, 1000) * SIM_MS;
    c->rto_max_ns = random_percent(r, 60) ? 60 * SIM_S : 120 * SIM_S;
    c->path_mtu_discovery = !random_percent(r, 20);
    c->timewait_reuse = (uint8_t)random_from(r, 0, 2);
    c->rfc1337 = !random_percent(r, 15);
    if (random_percent(r, 20))
        c->fin_wait_2_ns = random_scaled(r, 1, 60) * SIM_S;
    if (random_percent(r, 20))
        c->retries2 = (uint8_t)random_from(r, 5, 15);
    if (random_percent(r, 20)) {
        c->port_first = (uint16_t)random_from(r, 40000, 50000);
        c->port_last = (uint16_t)(c->port_first + random_from(r, 0, 40));
    }
}

static void draw_host(struct plan *plan, unsigned index)
{
    struct random r = random_of(plan->seed, LABEL_HOST + index);
    struct plan_host *host = &plan->hosts[index];
    hawser_config_defaults(&host->config);
    draw_limits(&r, host, plan->with_loopback);
    if (random_percent(&r, 75))
        draw_tcp(&r, &host->config);
    host->config.msl_ns = plan->msl_ns;
    /* Near the turns of 32-bit clocks of milliseconds, as often as anywhere else. */
    host->clock_ns = random_percent(&r, 30)
                         ? (UINT64_C(1) << 32) * SIM_MS - random_below(&r, 20 * SIM_S)
                         : SIM_S + random_below(&r, UINT64_C(1) << 40);
}

static void draw_wire(struct plan *plan, unsigned index, enum hawser_link_kind kind)
{
    struct random r = random_of(plan->seed, LABEL_WIRE + index);
    struct plan_wire *wire = &plan->wires[index];
    static const uint32_t mtu[] = {1500, 1500, 1500, 1280, 9000, 576, 296};
    *wire = (struct plan_wire){.kind = kind, .mtu = RANDOM_PICK(&r, mtu)};
    wire->delay_ns = random_percent(&r, 15) ? 0 : random_scaled(&r, SIM_MS / 100, 150 * SIM_MS);
    wire->spread_ns = random_percent(&r, 50) ? 0 : random_scaled(&r, SIM_MS / 100, 50 * SIM_MS);
    if (random_percent(&r, 30)) {
        wire->rate_bits_per_s = random_scaled(&r, 1000 * 1000, 1000 * 1000 * 1000);
        wire->queue_bytes = (uint32_t)random_scaled(&r, 4 * wire->mtu, 256 * KIB);
    }
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void draw_options(struct random *r, struct plan_end *end)
{
    end->early = random_percent(r, 10);
    end->nodelay = random_percent(r, 30);
    end->cork = random_percent(r, 5);
    end->quick_ack = random_percent(r, 10);
    end->urgent = random_percent(r, 8);
    end->peeks = random_percent(r, 30);
    end->more = random_percent(r, 10);
    end->keepalive = random_percent(r, 10);
    if (random_percent(r, 6))
        end->user_timeout_ns = random_scaled(r, 1, 100) * SIM_S;
    if (random_percent(r, 10))
        end->send_buffer_bytes = (uint32_t)random_scaled(r, 2 * KIB, 64 * KIB);
    if (random_percent(r, 10))
        end->receive_buffer_bytes = (uint32_t)random_scaled(r, 2 * KIB, 64 * KIB);
    if (random_percent(r, 8))
        end->mss_bytes = (uint32_t)random_from(r, 88, 1460);
}

static void draw_end(struct random *r, struct plan_end *end, uint32_t most)
{
    draw_options(r, end);
    end->bytes = random_percent(r, 20) ? 0 : (uint32_t)random_scaled(r, 1, most);
    end->write_bite = end->read_bite = 1u << 30;
    if (random_percent(r, 30)) { /* at most 200 pauses */
        end->write_bite = (uint32_t)random_scaled(r, 1 + end->bytes / 200, 1 + end->bytes);
        end->write_pause_ns = random_percent(r, 30) ? 0 : random_scaled(r, SIM_MS, 100 * SIM_MS);
    }
}

static void draw_slow_reader(struct random *r, struct plan_end *reader, uint32_t bytes)
{
    reader->read_bite = (uint32_t)random_scaled(r, 1 + bytes / 200, 1 + bytes);
    reader->read_pause_ns = random_scaled(r, SIM_MS, 200 * SIM_MS);
}

enum workload {
    WORK_BULK,
    WORK_REQUESTS,
    WORK_HALF_CLOSE,
    WORK_CHURN,
    WORK_ABORT,
    WORK_SIMULTANEOUS,
    WORK_SLOW,
    WORK_IDLE,
    WORKLOADS
};

static void draw_endings(struct random *r, struct plan_job *job)
{
    static const enum plan_ending kinds[] = {PLAN_SHUTDOWN,  PLAN_SHUTDOWN, PLAN_AFTER_EOF,
                                             PLAN_AFTER_EOF, PLAN_CLOSE,    PLAN_KEEP};
    for (unsigned i = 0; i < 2; i++) {
        job->end[i].ending = RANDOM_PICK(r, kinds);
        job->end[i].ending_at = random_scaled(r, SIM_MS, 2 * SIM_S);
    }
    if (job->end[0].ending == PLAN_AFTER_EOF && job->end[1].ending == PLAN_AFTER_EOF)
        job->end[random_below(r, 2)].ending = PLAN_SHUTDOWN; /* somebody must begin */
}

static void draw_requests(struct random *r, struct plan_job *job)
{
    uint32_t ask = (uint32_t)random_scaled(r, 1, 4000),
             answer = (uint32_t)random_scaled(r, 1, 20000);
    uint32_t turns = (uint32_t)random_scaled(r, 1, 60);
    unsigned first = (unsigned)random_below(r, 2);
    struct plan_end *asks = &job->end[first], *answers = &job->end[!first];
    asks->bytes = ask * turns;
    answers->bytes = answer * turns;
    asks->ask_bytes = answers->answer_bytes = ask;
    asks->answer_bytes = answers->ask_bytes = answer;
    answers->answers = true;
    asks->write_bite = answers->write_bite = 1u << 30;
    asks->write_pause_ns = answers->write_pause_ns = 0;
    asks->cork = answers->cork = false;
}

static void draw_abort(struct random *r, struct plan_job *job)
{
    struct plan_end *end = &job->end[random_below(r, 2)];
    static const enum plan_ending kinds[] = {PLAN_ABORT, PLAN_ABORT_AT, PLAN_LINGER};
    end->ending = RANDOM_PICK(r, kinds);
    end->ending_at = end->ending == PLAN_ABORT ? random_below(r, end->bytes + 1)
                                               : random_scaled(r, SIM_MS, 2 * SIM_S);
}

static void draw_work(struct random *r, struct plan_job *job, enum size size)
{
    uint32_t most = size == SIZE_SMALL ? 30000 : size == SIZE_MIDDLE ? 200000 : MIB;
    enum workload work = (enum workload)random_below(r, WORKLOADS);
    if (work == WORK_CHURN || work == WORK_ABORT)
        most = 3000;
    draw_end(r, &job->end[0], most);
    draw_end(r, &job->end[1], work == WORK_BULK ? 1 : most);
    draw_endings(r, job);
    job->repeat = (uint32_t)random_from(r, 1, size == SIZE_SMALL ? 3 : 6);
    job->gap_ns = random_percent(r, 50) ? 0 : random_scaled(r, SIM_MS, SIM_S);
    if (work == WORK_REQUESTS)
        draw_requests(r, job);
    else if (work == WORK_HALF_CLOSE) {
        job->end[0].ending = PLAN_SHUTDOWN;
        job->end[1].ending = PLAN_AFTER_EOF;
        job->end[1].after_eof = true;
    } else if (work == WORK_CHURN)
        job->repeat = (uint32_t)random_scaled(r, 8, size == SIZE_LARGE ? 1000 : 100);
    else if (work == WORK_ABORT)
        draw_abort(r, job);
    else if (work == WORK_SIMULTANEOUS)
        job->simultaneous = true;
    else if (work == WORK_SLOW)
        draw_slow_reader(r, &job->end[1], job->end[0].bytes);
    else if (work == WORK_IDLE)
        job->end[random_below(r, 2)].think_ns = random_scaled(r, 100 * SIM_MS, 40 * SIM_S);
}

static void draw_job(struct plan *plan, unsigned index, enum size size)
{
    struct random r = random_of(plan->seed, LABEL_JOB + index);
    struct plan_job *job = &plan->jobs[index];
    job->used = true;
    job->client = (uint32_t)random_below(&r, plan->hosts_count);
    job->server = (uint32_t)random_below(&r, plan->hosts_count - 1);
    job->server += job->server >= job->client;
    job->wire = (uint32_t)random_below(&r, plan->wires_count);
    job->v6 = random_percent(&r, 40) && plan->wires[job->wire].mtu >= 1280;
    job->start_ns = random_percent(&r, 50) ? 0 : random_below(&r, plan->calm_ns / 2);
    draw_work(&r, job, size);
    if (plan->with_loopback && !job->simultaneous && random_percent(&r, 30)) {
        job->wire = PLAN_ANY;
        job->server = job->client;
        job->v6 = false;
    }
    job->server_port = (uint16_t)(1000 + index % (1 + random_below(&r, 4)));
    job->backlog = (uint32_t)random_scaled(&r, 1, 64);
    if (job->simultaneous || random_percent(&r, 25)) /* used by no other job: incarnations */
        job->client_port = (uint16_t)(2000 + index);
    if (job->simultaneous)
        job->server_port = (uint16_t)(3000 + index);
}

/* ---- episodes -------------------------------------------------------------------------------- */

static bool by_chance(enum plan_episode_kind kind)
{
    static const bool table[] = {
#define BY_CHANCE(name, text, chance) [PLAN_##name] = chance,
        PLAN_EPISODE_MAP(BY_CHANCE)
#undef BY_CHANCE
    };
    return table[kind];
}

static void draw_amount(struct plan *plan, struct random *r, struct plan_episode *e)
{
    switch (e->kind) {
    case PLAN_BURST:
        e->ppm = (uint32_t)random_scaled(r, 100, 10000);
        e->amount = random_scaled(r, 2, 40);
        break;
    case PLAN_REORDER:
    case PLAN_DELAY:
        e->amount = random_scaled(r, SIM_MS / 10, plan->life_ns / 2);
        break;
    case PLAN_NARROW:
    case PLAN_BLACK_HOLE:
        e->amount = random_from(r, 68, 1400);
        break;
    case PLAN_CLOCK: /* with what a frame may live, still within 2 MSL */
        e->amount = random_scaled(r, SIM_MS, plan->msl_ns / 2);
        break;
    case PLAN_RESTART:
        e->to_ns = e->from_ns + plan->life_ns + random_below(r, 2 * plan->life_ns);
        break;
    case PLAN_FORGED_RST:
    case PLAN_FORGED_SYN:
    case PLAN_FORGED_DATA:
    case PLAN_FORGED_ICMP:
    case PLAN_FLOOD:
    case PLAN_GARBAGE:
        e->amount = random_scaled(r, 1, 100);
        break;
    case PLAN_LOSS:
    case PLAN_DUPLICATE:
    case PLAN_CORRUPT:
    case PLAN_PARTITION:
    case PLAN_ONE_WAY:
    case PLAN_MEMORY:
    case PLAN_EPISODE_KINDS:
        break;
    }
}

static void draw_episode(struct plan *plan, unsigned index)
{
    struct random r = random_of(plan->seed, LABEL_EPISODE + index);
    struct plan_episode *e = &plan->episodes[index];
    *e = (struct plan_episode){.used = true, .a = PLAN_ANY, .b = PLAN_ANY};
    /* What costs frames their chance comes more often than what stops the world. */
    e->kind =
        (enum plan_episode_kind)(random_percent(&r, 50) ? random_below(&r, PLAN_PARTITION)
                                                        : random_below(&r, PLAN_EPISODE_KINDS));
    if (by_chance(e->kind) && random_percent(&r, 40)) {
        e->to_ns = plan->calm_ns;
    } else {
        e->from_ns = random_below(&r, plan->calm_ns);
        e->to_ns = e->from_ns + random_scaled(&r, SIM_MS, plan->calm_ns);
    }
    e->ppm = (uint32_t)random_scaled(&r, 500, random_percent(&r, 20) ? 500000 : 60000);
    if (!by_chance(e->kind) || random_percent(&r, 30)) {
        e->a = (uint32_t)random_below(&r, plan->hosts_count);
        e->b = (uint32_t)random_below(&r, plan->hosts_count);
    }
    if (e->kind == PLAN_PARTITION)
        e->a = (uint32_t)random_from(&r, 1, (UINT64_C(1) << plan->hosts_count) - 2);
    draw_amount(plan, &r, e);
    if (e->to_ns > plan->calm_ns)
        e->to_ns = plan->calm_ns;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void draw_shape(struct plan *plan, struct random *r, enum size size)
{
    static const uint64_t msl[] = {30 * SIM_S, 30 * SIM_S, 4 * SIM_S, SIM_S};
    plan->hosts_count =
        size == SIZE_SMALL ? (uint32_t)random_from(r, 2, 3) : (uint32_t)random_from(r, 2, 8);
    plan->wires_count = random_percent(r, 80) ? 1 : 2;
    plan->with_loopback = random_percent(r, 8);
    plan->msl_ns = RANDOM_PICK(r, msl);
    plan->life_ns = plan->msl_ns / 2;
    plan->calm_ns = random_scaled(r, SIM_S, size == SIZE_LARGE ? 200 * SIM_S : 60 * SIM_S);
    plan->patience_ns = 1500 * SIM_S;
    plan->jobs_count = size == SIZE_SMALL    ? (uint32_t)random_from(r, 1, 3)
                       : size == SIZE_MIDDLE ? (uint32_t)random_from(r, 2, 10)
                                             : (uint32_t)random_from(r, 8, PLAN_JOBS_MAX);
    bool faultless = random_percent(r, 4);
    plan->episodes_count = faultless ? 0 : (uint32_t)random_from(r, 1, size == SIZE_SMALL ? 5 : 14);
}

void plan_draw(struct plan *plan, uint64_t seed)
{
    memset(plan, 0, sizeof *plan);
    plan->seed = seed;
    struct random r = random_of(seed, LABEL_SHAPE);
    uint64_t of_1000 = random_below(&r, 1000);
    enum size size = of_1000 < 880 ? SIZE_SMALL : of_1000 < 990 ? SIZE_MIDDLE : SIZE_LARGE;
    enum hawser_link_kind kind = random_percent(&r, 40) ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP;
    draw_shape(plan, &r, size);
    for (unsigned i = 0; i < plan->hosts_count; i++)
        draw_host(plan, i);
    for (unsigned i = 0; i < plan->wires_count; i++)
        draw_wire(plan, i, kind);
    for (unsigned i = 0; i < plan->jobs_count; i++)
        draw_job(plan, i, size);
    for (unsigned i = 0; i < plan->episodes_count; i++)
        draw_episode(plan, i);
    plan_settle(plan);
}

void plan_give_to_program(struct plan *plan)
{
    struct random r = random_of(plan->seed, LABEL_GUEST);
    for (unsigned i = 0; i < plan->jobs_count; i++) {
        struct plan_job *job = &plan->jobs[i];
        job->guest = random_percent(&r, 75) || i == 0;
        job->simultaneous = job->simultaneous && !job->guest; /* there is one client */
    }
}

void plan_settle(struct plan *plan)
{
    for (unsigned i = 0; i < plan->hosts_count; i++)
        plan->hosts[i].used = false;
    for (unsigned i = 0; i < plan->jobs_count; i++) {
        if (!plan->jobs[i].used)
            continue;
        plan->hosts[plan->jobs[i].client].used = true;
        plan->hosts[plan->jobs[i].server].used = true;
    }
}

/* ---- leaving out ----------------------------------------------------------------------------- */

static bool number_after(const char *part, const char *word, uint32_t below, uint32_t *out)
{
    size_t n = strlen(word);
    char *end;
    if (strncmp(part, word, n) != 0 || part[n] < '0' || part[n] > '9')
        return false;
    unsigned long value = strtoul(part + n, &end, 10);
    *out = (uint32_t)value;
    return *end == '\0' && value < below;
}

bool plan_leave_out(struct plan *plan, const char *part)
{
    uint32_t i;
    if (number_after(part, "job", plan->jobs_count, &i))
        plan->jobs[i].used = false;
    else if (number_after(part, "repeat", plan->jobs_count, &i))
        plan->jobs[i].repeat = 1;
    else if (number_after(part, "fault", plan->episodes_count, &i))
        plan->episodes[i].used = false;
    else
        return false;
    plan_settle(plan);
    return true;
}

bool plan_part(const struct plan *plan, unsigned i, char out[24])
{
    if (i < plan->jobs_count) {
        snprintf(out, 24, "job%u", i);
        return true;
    }
    i -= plan->jobs_count;
    if (i < plan->episodes_count) {
        snprintf(out, 24, "fault%u", i);
        return true;
    }
    i -= plan->episodes_count;
    if (i < plan->jobs_count) {
        snprintf(out, 24, "repeat%u", i);
        return true;
    }
    return false;
}
