/* SPDX-License-Identifier: MIT */
/* Benches idle and timewait: what a host takes from its memory interface for very many of a
 * kind. */
#include "signals.h"
#include "bench/bench.h"

/* Memory comes in chunks and tables double: with so many objects neither shows much. */
#define OBJECTS 262144u
#define WARM_UP 1000u

static uint64_t memory_of(const struct pair *pair, unsigned side)
{
    struct hawser_usage usage;
    hawser_usage_of(pair->hosts[side], &usage);
    return usage.memory_bytes;
}

bool bench_idle(const struct bench_options *given)
{
    struct bench_options with_memory = *given, *options = &with_memory;
    struct pair pair;
    struct hawser_usage usage;
    with_memory.memory = true;
    uint32_t count = options->connections != 0 ? options->connections : OBJECTS;
    if (!pair_create(&pair, options, options->v6, count))
        return false;
    uint64_t before = memory_of(&pair, BENCH_CLIENT) + memory_of(&pair, BENCH_SERVER);
    bool ok = pair_add_idle(&pair, count);
    if (ok) {
        uint64_t taken = memory_of(&pair, BENCH_CLIENT) + memory_of(&pair, BENCH_SERVER) - before;
        hawser_usage_of(pair.hosts[BENCH_SERVER], &usage);
        bench_report(options, "idle", "bytes_per_idle_connection", "B", usage.connection_bytes,
                     NULL, options->v6);
        bench_report(options, "idle", "bytes_per_idle_connection_with_index", "B",
                     (double)taken / (2.0 * count), NULL, options->v6);
    }
    pair_destroy(&pair);
    return ok;
}

static bool measure_records(const struct bench_options *options, bool v6)
{
    struct pair pair;
    struct hawser_usage before, after;
    if (!pair_create(&pair, options, v6, OBJECTS + WARM_UP))
        return false;
    bool ok =
        lifecycle_run(&pair, WARM_UP); /* what the connections themselves need is there then */
    hawser_usage_of(pair.hosts[BENCH_CLIENT], &before);
    ok = ok && lifecycle_run(&pair, OBJECTS);
    hawser_usage_of(pair.hosts[BENCH_CLIENT], &after);
    if (ok && after.timewaits - before.timewaits >= OBJECTS / 2) {
        double count = after.timewaits - before.timewaits;
        double with_index = (double)(after.memory_bytes - before.memory_bytes) / count;
        bench_report(options, "timewait", v6 ? "bytes_per_record_ipv6" : "bytes_per_record_ipv4",
                     "B", v6 ? after.record_bytes_v6 : after.record_bytes_v4, NULL, v6);
        bench_report(options, "timewait",
                     v6 ? "bytes_per_record_ipv6_with_index" : "bytes_per_record_ipv4_with_index",
                     "B", with_index, NULL, v6);
    } else if (ok) {
        ok = bench_failed("timewait", "records ended before they were counted");
    }
    pair_destroy(&pair);
    return ok;
}

bool bench_timewait(const struct bench_options *given)
{
    struct bench_options options = *given;
    options.memory = true;
    return measure_records(&options, false) && !signals_pending() &&
           measure_records(&options, true);
}
