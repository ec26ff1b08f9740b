/* SPDX-License-Identifier: MIT */
/* One simulation from its beginning to its end: time jumps from event to event. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/internal.h"

#define ROUNDS_MAX 1000000u /* of everybody at one instant */
#define STEPS_MAX UINT64_C(400000000)

void sim_fail(struct sim *sim, const char *rule, uint32_t life, const char *format, ...)
{
    struct sim_result *result = sim->result;
    va_list arguments;
    result->failed = true;
    snprintf(result->rule, sizeof result->rule, "%s", rule);
    va_start(arguments, format);
    vsnprintf(result->text, sizeof result->text, format, arguments);
    va_end(arguments);
    sim->failing_life = life;
    longjmp(sim->escape, 1);
}

/* ---- the store ------------------------------------------------------------------------------- */

struct sim_store *sim_store_create(void)
{
    struct sim_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    content_init(&store->content, 1);
    lives_free(&store->lives);
    return store;
}

void sim_store_drop(struct sim_store *store)
{
    if (store == NULL)
        return;
    meter_store_drop(&store->memory);
    lives_free(&store->lives);
    queue_free(&store->queue);
    free(store->flows);
    free(store->free_flows);
    free(store->story);
    free(store->story_host);
    free(store);
}

/* ---- episodes -------------------------------------------------------------------------------- */

static void list_active(struct sim *sim)
{
    sim->active_count = 0;
    for (unsigned i = 0; i < sim->plan.episodes_count; i++)
        if (sim->active[i])
            sim->active_list[sim->active_count++] = (uint8_t)i;
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
        if (sim->hosts[i].host != NULL)
            host_memory(sim, i);
}

static void later(struct sim *sim, uint64_t at_ns, enum queue_kind kind, uint32_t a)
{
    const struct queue_item item = {.at_ns = at_ns, .kind = kind, .a = a};
    if (!queue_add(&sim->store->queue, &item))
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
}

static bool is_strange(enum plan_episode_kind kind)
{
    return kind >= PLAN_FORGED_RST && kind <= PLAN_GARBAGE;
}

static void episode_begins(struct sim *sim, uint32_t index)
{
    const struct plan_episode *e = &sim->plan.episodes[index];
    if (sim->calm)
        return;
    sim->active[index] = true;
    sim->coverage->episodes[e->kind]++;
    if (e->kind == PLAN_RESTART && sim->hosts[e->a].host != NULL) {
        program_host_down(sim, e->a);
        for (uint32_t i = 0; i < sim->store->lives.count; i++) { /* forgotten */
            struct life *life = &sim->store->lives.list[i];
            if (life->used && life->host == e->a && life->state != HAWSER_CLOSED) {
                life->state = HAWSER_CLOSED;
                life->ended_by = HAWSER_CAUSE_OVERFLOW;
                life->cut_at_ns = sim->now_ns + 1;
                life->until_ns = 0;
            }
        }
        host_down(sim, e->a);
        sim->hosts[e->a].restarts++;
    }
    if (e->kind == PLAN_CLOCK && sim->hosts[e->a].host != NULL) {
        sim->hosts[e->a].clock_ns += e->amount;
        sim->hosts[e->a].due_ns = sim->now_ns;
        sim->active[index] = false;
    }
    if (is_strange(e->kind))
        later(sim, sim->now_ns, QUEUE_STRANGER, index);
    list_active(sim);
}

static void episode_ends(struct sim *sim, uint32_t index)
{
    const struct plan_episode *e = &sim->plan.episodes[index];
    sim->active[index] = false;
    bool still_down = false;
    for (unsigned i = 0; i < sim->plan.episodes_count; i++)
        still_down |= sim->active[i] && sim->plan.episodes[i].kind == PLAN_RESTART &&
                      sim->plan.episodes[i].a == e->a;
    if (e->kind == PLAN_RESTART && sim->plan.hosts[e->a].used && !still_down &&
        sim->hosts[e->a].host == NULL)
        host_up(sim, e->a);
    list_active(sim);
}

static void stranger_comes(struct sim *sim, uint32_t index)
{
    const struct plan_episode *e = &sim->plan.episodes[index];
    if (!sim->active[index] || sim->stranger > 1000)
        return;
    strangers_act(sim, index);
    later(sim, sim->now_ns + SIM_S / e->amount, QUEUE_STRANGER, index);
}

static void calm_down(struct sim *sim)
{
    if (sim->calm)
        return;
    for (uint32_t i = 0; i < sim->plan.episodes_count; i++)
        if (sim->active[i])
            episode_ends(sim, i);
    sim->calm = true;
    sim->calm_at_ns = sim->now_ns;
    later(sim, sim->now_ns, QUEUE_TIDY, 0);
}

static void schedule_episodes(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.episodes_count; i++) {
        const struct plan_episode *e = &sim->plan.episodes[i];
        if (!e->used || (e->kind == PLAN_RESTART && !sim->plan.hosts[e->a].used))
            continue;
        later(sim, e->from_ns, QUEUE_EPISODE_BEGIN, i);
        if (e->kind != PLAN_CLOCK)
            later(sim, e->to_ns, QUEUE_EPISODE_END, i);
    }
    later(sim, sim->plan.calm_ns, QUEUE_CALM, 0);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void happen(struct sim *sim, const struct queue_item *item)
{
    switch (item->kind) {
    case QUEUE_FRAME:
        network_deliver(sim, item->frame);
        break;
    case QUEUE_WAKE:
        program_wake(sim, item->a, item->b, item->c);
        break;
    case QUEUE_JOB:
        program_job(sim, item->a);
        break;
    case QUEUE_EPISODE_BEGIN:
        episode_begins(sim, item->a);
        break;
    case QUEUE_EPISODE_END:
        if (sim->active[item->a])
            episode_ends(sim, item->a);
        break;
    case QUEUE_STRANGER:
        stranger_comes(sim, item->a);
        break;
    case QUEUE_CALM:
        calm_down(sim);
        break;
    case QUEUE_TIDY:
        program_tidy(sim);
        break;
    }
}

/* What must happen next; NEVER: nothing. */
static uint64_t next_ns(const struct sim *sim)
{
    uint64_t at_ns = queue_next(&sim->store->queue);
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
        if (sim->hosts[i].host != NULL && sim->hosts[i].due_ns < at_ns)
            at_ns = sim->hosts[i].due_ns;
    return at_ns;
}

static bool turn_everybody(struct sim *sim)
{
    bool any = false;
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        if (host->host == NULL || (!host->dirty && host->due_ns > sim->now_ns))
            continue;
        host_turn(sim, i);
        any = true;
    }
    return any;
}

/* Everything that happens at one instant. */
static void instant(struct sim *sim)
{
    struct queue *queue = &sim->store->queue;
    for (unsigned rounds = 0;; rounds++) {
        if (rounds > ROUNDS_MAX)
            sim_fail(sim, "livelock", LIFE_NONE, "one instant finds no end");
        bool any = false;
        while (queue_next(queue) == sim->now_ns) {
            struct queue_item item = queue_take(queue);
            happen(sim, &item);
            any = true;
        }
        any |= turn_everybody(sim);
        if (!any)
            return;
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* How long what is left may take: TIME-WAIT, FIN-WAIT-2 and FINs that are sent again. */
static uint64_t closing_bound(const struct sim *sim)
{
    uint64_t most_ns = 0;
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++) {
        const struct hawser_config *config = &sim->plan.hosts[i].config;
        if (config->fin_wait_2_ns > most_ns)
            most_ns = config->fin_wait_2_ns;
    }
    return most_ns + 4 * sim->plan.msl_ns + 1500 * SIM_S;
}

static bool all_empty(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
        if (sim->hosts[i].host != NULL && !host_is_empty(sim, i))
            return false;
    return true;
}

/* True: it is over. */
static bool judge_end(struct sim *sim)
{
    if (!sim->closing && sim->jobs_open == 0 && sim->flows_open == 0) {
        sim->closing = true;
        sim->closing_at_ns = sim->now_ns;
        calm_down(sim);
        for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
            if (sim->hosts[i].host != NULL)
                host_close_listeners(sim, i);
        instant(sim);
    }
    if (sim->closing)
        return all_empty(sim);
    if (sim->now_ns > sim->plan.calm_ns + sim->plan.patience_ns)
        flow_check_progress(sim);
    return false;
}

static void judge_closing(struct sim *sim)
{
    struct hawser_tcp_info info;
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++) {
        uint64_t cursor = 0;
        if (sim->hosts[i].host == NULL ||
            !hawser_walk(sim->hosts[i].host, host_now(sim, i), &cursor, &info))
            continue;
        uint32_t life = lives_find(&sim->store->lives, i, &info.local, &info.remote);
        sim_fail(sim, "leftover", life,
                 "host %u still has a connection in %s, %.0f s after the end", i,
                 hawser_state_name(info.state), (double)(sim->now_ns - sim->closing_at_ns) / 1e9);
    }
    sim_fail(sim, "leftover", LIFE_NONE, "a host is not empty");
}

static void begin(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++) {
        sim->hosts[i].due_ns = NEVER;
        sim->hosts[i].clock_ns = sim->plan.hosts[i].clock_ns;
        if (sim->plan.hosts[i].used)
            host_up(sim, i);
    }
    schedule_episodes(sim);
    programs_start(sim);
}

static void break_the_world(struct sim *sim)
{
    if (breaks(sim, SIM_BREAK_ASSERT, 50))
        hawser_assertion_failed("a planted failure", __FILE__, __LINE__);
    if (breaks(sim, SIM_BREAK_CRASH, 50))
        abort();
    while (sim->options.breaks == SIM_BREAK_HANG && sim->steps == 50)
        ;
}

static void loop(struct sim *sim)
{
    begin(sim);
    for (;;) {
        uint64_t at_ns = next_ns(sim);
        if (sim->options.breaks >= SIM_BREAK_ASSERT)
            break_the_world(sim);
        if (at_ns == NEVER && !sim->closing)
            flow_check_progress(sim);
        if (sim->closing && (at_ns == NEVER || at_ns - sim->closing_at_ns > closing_bound(sim)))
            judge_closing(sim);
        if (++sim->steps > STEPS_MAX)
            sim_fail(sim, "livelock", LIFE_NONE, "no end");
        sim->now_ns = at_ns;
        instant(sim);
        if (judge_end(sim))
            break;
    }
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
        if (sim->hosts[i].host != NULL)
            host_down(sim, i);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static struct sim *running; /* for an assertion of the core, which has no way to us but this */

void hawser_assertion_failed(const char *what, const char *file, int line)
{
    if (running == NULL) {
        fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
        abort();
    }
    sim_fail(running, "assertion", LIFE_NONE, "%s:%d: %s", file, line, what);
}

static void open_capture(struct sim *sim)
{
    const struct hawser_pcap_config config = {.path = sim->options.capture,
                                              .kind = sim->plan.wires[0].kind};
    if (sim->options.capture != NULL && hawser_pcap_open(&config, &sim->capture, NULL) != 0)
        sim->capture = NULL;
}

static void prepare(struct sim *sim, struct sim_store *store)
{
    queue_clear(&store->queue);
    lives_clear(&store->lives);
    store->flows_count = store->free_count = 0;
    if (sim->options.story != NULL && store->story == NULL) {
        store->story = calloc(STORY_EVENTS, sizeof store->story[0]);
        store->story_host = calloc(STORY_EVENTS, 1);
    }
    open_capture(sim);
}

static void clean_up(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.hosts_count; i++)
        if (sim->hosts[i].meter.store != NULL)
            meter_reclaim(&sim->hosts[i].meter);
    for (uint32_t i = 0; i < sim->store->flows_count; i++)
        if (flow_at(sim, i)->used)
            guest_free(flow_at(sim, i));
    if (sim->capture != NULL)
        (void)hawser_pcap_close(sim->capture, NULL);
}

void sim_run(struct sim_store *store, const struct plan *plan, const struct sim_options *options,
             struct sim_result *result, struct sim_coverage *coverage)
{
    struct sim_coverage unwanted;
    struct sim *sim = calloc(1, sizeof *sim);
    *result = (struct sim_result){.seed = plan->seed};
    if (sim == NULL) {
        *result = (struct sim_result){.failed = true, .rule = "simulator", .text = "no memory"};
        return;
    }
    memset(&unwanted, 0, sizeof unwanted);
    *sim = (struct sim){.store = store,
                        .plan = *plan,
                        .options = *options,
                        .result = result,
                        .failing_life = LIFE_NONE,
                        .heard_by = LIFE_NONE,
                        .coverage = coverage != NULL ? coverage : &unwanted};
    running = sim;
    if (setjmp(sim->escape) == 0) {
        prepare(sim, store);
        loop(sim);
    }
    running = NULL;
    result->step = sim->steps;
    result->at_ns = sim->now_ns;
    result->figures.runs = 1;
    result->figures.failures = result->failed;
    result->figures.virtual_ns = sim->now_ns;
    result->figures.steps = sim->steps;
    if (result->failed)
        judge_story(sim, options->story);
    clean_up(sim);
    free(sim);
}
