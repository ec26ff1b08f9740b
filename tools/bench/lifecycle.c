/* SPDX-License-Identifier: MIT */
/* Bench lifecycle: open, request, reply, close by the client; its TIME-WAIT records stay for 60
 * s. */
#include <stdlib.h>

#include "signals.h"
#include "bench/bench.h"

/* More than a core can do in the time, so that 4-tuples are never what is short. */
#define RATE_MAX 2e6
#define DRAIN_TURNS 100000u

struct lifecycle {
    struct pair *pair;
    uint32_t in_flight; /* wanted */
    uint32_t open;      /* there are */
    uint64_t entered;   /* TIME-WAIT records of the client so far */
};

static bool open_more(struct lifecycle *run)
{
    while (run->open < run->in_flight) {
        hawser_tcp tcp;
        int status = pair_open(run->pair, NULL, &tcp);
        if (status != 0)
            return bench_failed("lifecycle", hawser_error_text(status));
        run->open++;
    }
    return true;
}

static bool on_client_event(struct lifecycle *run, const struct hawser_event *event)
{
    struct hawser_host *host = run->pair->hosts[BENCH_CLIENT];
    uint8_t message[BENCH_MESSAGE_BYTES] = {0};
    if ((event->events & HAWSER_EVENT_ERROR) != 0)
        return bench_failed("lifecycle", "a connection ended too early");
    if ((event->events & HAWSER_EVENT_CONNECTED) != 0)
        hawser_send(host, event->tcp, message, sizeof message, 0);
    if ((event->events & HAWSER_EVENT_READABLE) != 0 &&
        hawser_receive(host, event->tcp, message, sizeof message) == (int64_t)sizeof message) {
        hawser_close(host, event->tcp);
        run->open--;
    }
    return true;
}

/* A lifecycle counts when the client's record is there: then both FINs have been acknowledged. */
static uint64_t turn(void *context)
{
    struct lifecycle *run = context;
    struct hawser_host *host = run->pair->hosts[BENCH_CLIENT];
    struct hawser_event events[BENCH_BATCH];
    size_t count;
    if (!open_more(run))
        return UINT64_MAX;
    pair_turn(run->pair);
    while ((count = hawser_events(host, events, BENCH_BATCH)) != 0)
        for (size_t i = 0; i < count; i++)
            if (!on_client_event(run, &events[i]))
                return UINT64_MAX;
    uint64_t before = run->entered;
    run->entered = hawser_counters_of(host)->timewait_entered;
    return run->entered - before;
}

bool bench_lifecycle(const struct bench_options *options)
{
    struct pair pair;
    struct series rates;
    uint64_t tuples = (uint64_t)(RATE_MAX * 1.3 * options->seconds) + options->connections;
    if (!pair_create(&pair, options, options->v6, tuples))
        return false;
    struct lifecycle run = {.pair = &pair, .in_flight = options->in_flight};
    bool ok = pair_add_idle(&pair, options->connections) && measure(&pair, turn, &run, &rates);
    if (ok) {
        const double range[2] = {rates.values[0], rates.values[rates.count - 1]};
        bench_report(options, "lifecycle", "lifecycles_per_second", "1/s", series_median(&rates),
                     range, options->v6);
    }
    /* Expired records would mean that TIME-WAIT was not kept for its length. */
    const struct hawser_counters *counters = hawser_counters_of(pair.hosts[BENCH_CLIENT]);
    if (ok && counters->timewait_evicted + counters->timewait_reused != 0)
        ok = bench_failed("lifecycle", "TIME-WAIT records did not live their full time");
    pair_destroy(&pair);
    return ok;
}

bool lifecycle_run(struct pair *pair, uint64_t count)
{
    struct hawser_host *host = pair->hosts[BENCH_CLIENT];
    const struct hawser_counters *counters = hawser_counters_of(host);
    struct lifecycle run = {
        .pair = pair, .in_flight = pair->options->in_flight, .entered = counters->timewait_entered};
    uint64_t target = counters->timewait_entered + count;
    while (run.entered + run.open < target && !signals_pending())
        if (turn(&run) == UINT64_MAX)
            return false;
    /* Those that are still open finish, and no new ones start. */
    run.in_flight = 0;
    for (unsigned i = 0; i < DRAIN_TURNS && run.open != 0; i++)
        if (turn(&run) == UINT64_MAX)
            return false;
    for (unsigned i = 0; i < DRAIN_TURNS && run.entered < target; i++)
        turn(&run);
    return run.open == 0 && !signals_pending();
}
