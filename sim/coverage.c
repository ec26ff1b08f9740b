/* SPDX-License-Identifier: MIT */
/* What was reached by the runs so far, summed up and printed. */
#include <string.h>

#include "sim/sim.h"

void sim_coverage_add(struct sim_coverage *sum, const struct sim_coverage *more)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)more;
    for (size_t i = 0; i < sizeof *sum / sizeof to[0]; i++)
        to[i] += from[i];
}

void sim_figures_add(struct sim_figures *sum, const struct sim_figures *more)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)more;
    for (size_t i = 0; i < sizeof *sum / sizeof to[0]; i++)
        to[i] += from[i];
}

/* The edges of Figure 5 and the ways out, but for those that Hawser goes in two steps (a FIN on the
 * ACK of our SYN or FIN); others are violations, not coverage. */
static bool is_an_edge(unsigned from, unsigned to)
{
    static const uint16_t edges[SIM_STATES] = {
        [HAWSER_CLOSED] = 1u << HAWSER_SYN_SENT | 1u << HAWSER_LISTEN,
        [HAWSER_LISTEN] = 1u << HAWSER_SYN_RECEIVED | 1u << HAWSER_CLOSED,
        [HAWSER_SYN_SENT] =
            1u << HAWSER_SYN_RECEIVED | 1u << HAWSER_ESTABLISHED | 1u << HAWSER_CLOSED,
        [HAWSER_SYN_RECEIVED] =
            1u << HAWSER_ESTABLISHED | 1u << HAWSER_FIN_WAIT_1 | 1u << HAWSER_CLOSED,
        [HAWSER_ESTABLISHED] =
            1u << HAWSER_FIN_WAIT_1 | 1u << HAWSER_CLOSE_WAIT | 1u << HAWSER_CLOSED,
        [HAWSER_FIN_WAIT_1] = 1u << HAWSER_FIN_WAIT_2 | 1u << HAWSER_CLOSING | 1u << HAWSER_CLOSED,
        [HAWSER_FIN_WAIT_2] = 1u << HAWSER_TIME_WAIT | 1u << HAWSER_CLOSED,
        [HAWSER_CLOSE_WAIT] = 1u << HAWSER_LAST_ACK | 1u << HAWSER_CLOSED,
        [HAWSER_CLOSING] = 1u << HAWSER_TIME_WAIT | 1u << HAWSER_CLOSED,
        [HAWSER_LAST_ACK] = 1u << HAWSER_CLOSED,
        [HAWSER_TIME_WAIT] = 1u << HAWSER_CLOSED,
    };
    return edges[from] >> to & 1;
}

static void walk_edges(const struct sim_coverage *coverage, sim_coverage_visit *visit,
                       void *context)
{
    char name[48];
    for (unsigned from = 1; from < SIM_STATES; from++)
        for (unsigned to = 1; to < SIM_STATES; to++) {
            if (!is_an_edge(from, to))
                continue;
            snprintf(name, sizeof name, "%s to %s", hawser_state_name((enum hawser_state)from),
                     hawser_state_name((enum hawser_state)to));
            visit(context, "transitions", name, coverage->edges[from][to]);
        }
}

void sim_coverage_walk(const struct sim_coverage *coverage, sim_coverage_visit *visit,
                       void *context)
{
    static const char *const records[] = {"entered",         "restarted",         "expired",
                                          "reused by a SYN", "reused by an open", "reset",
                                          "evicted"};
    static const char *const counters[] = {
#define COUNTER_NAME(name, text) text,
        HAWSER_COUNTER_MAP(COUNTER_NAME)
#undef COUNTER_NAME
    };
    walk_edges(coverage, visit, context);
    for (unsigned i = 0; i < HAWSER_CAUSE_COUNT; i++)
        visit(context, "causes", hawser_cause_text((enum hawser_cause)i), coverage->causes[i]);
    for (unsigned i = 1; i < HAWSER_TIMER_TIME_WAIT; i++) /* the next two are told as records */
        visit(context, "timers", hawser_timer_name((enum hawser_timer)i), coverage->timers[i]);
    visit(context, "timers", hawser_timer_name(HAWSER_TIMER_SYN_ACK),
          coverage->timers[HAWSER_TIMER_SYN_ACK]);
    for (unsigned i = 0; i < sizeof records / sizeof records[0]; i++)
        visit(context, "records", records[i], coverage->records[i]);
    for (unsigned i = 0; i < HAWSER_DROP_COUNT; i++)
        visit(context, "drops", hawser_drop_text((enum hawser_drop)i), coverage->drops[i]);
    for (unsigned i = 0; i < PLAN_EPISODE_KINDS; i++)
        visit(context, "faults", plan_episode_name((enum plan_episode_kind)i),
              coverage->episodes[i]);
    for (unsigned i = 0; i < sizeof counters / sizeof counters[0]; i++)
        visit(context, "counters", counters[i], coverage->counters[i]);
}

struct printing {
    FILE *out;
    const char *group;
    bool missing; /* in this pass what was never seen is printed */
    bool any;
};

static void print_one(void *context, const char *group, const char *name, uint64_t count)
{
    struct printing *p = context;
    if (p->missing != (count == 0))
        return;
    if (p->group == NULL || strcmp(p->group, group) != 0)
        fprintf(p->out, "  %s%s\n", p->missing ? "never seen: " : "", group);
    p->group = group;
    p->any = true;
    if (p->missing)
        fprintf(p->out, "    %s\n", name);
    else
        fprintf(p->out, "    %12llu  %s\n", (unsigned long long)count, name);
}

void sim_coverage_print(const struct sim_coverage *coverage, FILE *out)
{
    struct printing printing = {.out = out};
    sim_coverage_walk(coverage, print_one, &printing);
    printing = (struct printing){.out = out, .missing = true};
    sim_coverage_walk(coverage, print_one, &printing);
}
