/* SPDX-License-Identifier: MIT */
/* Bench rr: 64 B there and 64 B back, one request after the other. */
#include "signals.h"
#include "bench/bench.h"

struct rr {
    struct pair *pair;
    uint64_t random;
};

/* xorshift: which connection is next must not be what is measured. */
static hawser_tcp choose(struct rr *run)
{
    struct pair *pair = run->pair;
    if (!pair->options->random)
        return pair->idle[BENCH_CLIENT][0];
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return pair->idle[BENCH_CLIENT][run->random % pair->idle_count[BENCH_CLIENT]];
}

/* One request. */
static uint64_t turn(void *context)
{
    struct rr *run = context;
    struct hawser_host *host = run->pair->hosts[BENCH_CLIENT];
    hawser_tcp tcp = choose(run);
    uint8_t message[BENCH_MESSAGE_BYTES] = {0};
    struct hawser_event event;
    if (hawser_send(host, tcp, message, sizeof message, 0) != (int64_t)sizeof message)
        return UINT64_MAX;
    for (;;) {
        pair_turn(run->pair);
        while (hawser_events(host, &event, 1) == 1)
            if (event.tcp == tcp && (event.events & HAWSER_EVENT_READABLE) != 0)
                return hawser_receive(host, tcp, message, sizeof message) == (int64_t)sizeof message
                           ? 1
                           : UINT64_MAX;
        if (signals_pending())
            return UINT64_MAX;
    }
}

bool bench_rr(const struct bench_options *options)
{
    struct pair pair;
    struct series rates;
    /* The busy connection is one more than the idle ones, unless each takes its turn. */
    uint32_t connections = options->random ? options->connections : options->connections + 1;
    if (!pair_create(&pair, options, options->v6, connections))
        return false;
    struct rr run = {.pair = &pair, .random = 88172645463325252u};
    bool ok = pair_add_idle(&pair, connections) &&
              (measure(&pair, turn, &run, &rates) || bench_failed("rr", "a connection ended"));
    if (ok) {
        const double range[2] = {1e9 / rates.values[rates.count - 1], 1e9 / rates.values[0]};
        bench_report(options, "rr", "ns_per_request", "ns", 1e9 / series_median(&rates), range,
                     options->v6);
    }
    pair_destroy(&pair);
    return ok;
}
