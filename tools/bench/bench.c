/* SPDX-License-Identifier: MIT */
/* hawser bench: its options, its measuring and its output. */
#include "bench/bench.h"

#include <argp.h>
#include <locale.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <hawser/port/clock.h>

#include "cli.h"
#include "commands.h"
#include "signals.h"
#include "term.h"

static const struct bench {
    const char *name;
    bool (*run)(const struct bench_options *options);
} benches[] = {
    {"lifecycle", bench_lifecycle}, {"stream", bench_stream},     {"rr", bench_rr},
    {"idle", bench_idle},           {"timewait", bench_timewait},
};
#define BENCHES_COUNT (sizeof benches / sizeof benches[0])

struct command {
    struct bench_options options;
    bool chosen[BENCHES_COUNT];
    bool any;
};

enum {
    KEY_CONNECTIONS = 0x2000,
    KEY_SECONDS,
    KEY_V6,
    KEY_ETHERNET,
    KEY_RANDOM,
    KEY_JSON,
    KEY_IN_FLIGHT
};

static void choose(struct command *command, const char *name, struct argp_state *state)
{
    for (size_t i = 0; i < BENCHES_COUNT; i++) {
        if (strcmp(name, benches[i].name) == 0) {
            command->chosen[i] = command->any = true;
            return;
        }
    }
    argp_error(state, "no bench '%s'; there are lifecycle, stream, rr, idle and timewait", name);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct command *command = state->input;
    struct bench_options *options = &command->options;
    switch (key) {
    case KEY_CONNECTIONS:
        options->connections = (uint32_t)cli_number(state, "connections", argument, 0, 10000000);
        return 0;
    case KEY_SECONDS:
        options->seconds = cli_seconds(state, "seconds", argument, 0.01, 3600);
        return 0;
    case KEY_IN_FLIGHT:
        options->in_flight = (uint32_t)cli_number(state, "in-flight", argument, 1, 10000);
        return 0;
    case KEY_V6:
        options->v6 = true;
        return 0;
    case KEY_ETHERNET:
        options->ethernet = true;
        return 0;
    case KEY_RANDOM:
        options->random = true;
        return 0;
    case KEY_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        choose(command, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (options->random && options->connections == 0)
            argp_error(state, "--random needs --connections");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp bench_argp = {
    .options =
        (const struct argp_option[]){
            {"connections", KEY_CONNECTIONS, "N", 0, "idle connections beside the busy ones (0)",
             0},
            {"random", KEY_RANDOM, NULL, 0, "rr: each request on a random one of --connections", 0},
            {"in-flight", KEY_IN_FLIGHT, "N", 0, "lifecycle: connections at once (64)", 0},
            {"seconds", KEY_SECONDS, "S", 0, "measured for each bench (2)", 0},
            {"v6", KEY_V6, NULL, 0, "over IPv6", 0},
            {"ethernet", KEY_ETHERNET, NULL, 0, "over an Ethernet link instead of a bare IP one",
             0},
            {"json", KEY_JSON, NULL, 0, "prints one object a line", 0},
            {0},
        },
    .parser = parse,
    .args_doc = "[BENCH...]",
    .doc = "Measures two hosts on a wire in memory: one thread, the real clock, MTU 1500,\n"
           "checksums computed.\n\n"
           "  hawser bench\n"
           "  hawser bench lifecycle rr --connections 100000 --json\n\n"
           "  lifecycle  open, 64 B there and back, client closes, TIME-WAIT kept 60 s\n"
           "  stream     bulk data in one direction\n"
           "  rr         64 B there and 64 B back, one after the other\n"
           "  idle       memory of an established connection\n"
           "  timewait   memory of a TIME-WAIT record\n",
};

int command_bench(int argc, char **argv)
{
    struct command command = {.options = {.seconds = 2, .in_flight = 64}};
    int status = cli_parse(&bench_argp, argc, argv, &command);
    if (status >= 0)
        return status;
    /* Moving to another core in the middle would measure its cold caches. */
    int core = sched_getcpu();
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((unsigned)(core < 0 ? 0 : core), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    status = STATUS_OK;
    for (size_t i = 0; i < BENCHES_COUNT && !signals_pending(); i++) {
        if ((!command.any || command.chosen[i]) && !benches[i].run(&command.options))
            status = STATUS_FAILED;
    }
    return status;
}

bool bench_failed(const char *bench, const char *why)
{
    if (!signals_pending())
        cli_error("%s: %s", bench, why);
    return false;
}

/* ---- measuring ------------------------------------------------------------------------------ */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double series_median(const struct series *series)
{
    return series->values[series->count / 2];
}

/* Units per second for some time; negative: it failed. */
static double measure_once(struct pair *pair, uint64_t (*turn)(void *context), void *context,
                           double seconds)
{
    uint64_t start_ns = hawser_clock_now(), units = 0;
    uint64_t end_ns = start_ns + (uint64_t)(seconds * 1e9);
    pair->now_ns = start_ns;
    while (pair->now_ns < end_ns) {
        uint64_t done = turn(context);
        if (done == UINT64_MAX || signals_pending())
            return -1;
        units += done;
    }
    return (double)units * 1e9 / (double)(pair->now_ns - start_ns);
}

bool measure(struct pair *pair, uint64_t (*turn)(void *context), void *context, struct series *out)
{
    double seconds = pair->options->seconds;
    out->count = 0;
    if (measure_once(pair, turn, context, seconds / 5) < 0)
        return false;
    for (unsigned i = 0; i < BENCH_INTERVALS; i++) {
        double rate = measure_once(pair, turn, context, seconds / BENCH_INTERVALS);
        if (rate < 0)
            return false;
        out->values[out->count++] = rate;
    }
    qsort(out->values, out->count, sizeof out->values[0], compare_doubles);
    return true;
}

/* ---- output --------------------------------------------------------------------------------- */

static void report_json(const struct bench_options *options, const char *bench, const char *metric,
                        const char *unit, double value, const double range[2], bool v6)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:f, s:s, s:f, s:i, s:i, s:b, s:s, s:s, s:i, s:b, s:i, s:s}", "bench", bench,
        "metric", metric, "value", value, "unit", unit, "seconds", options->seconds, "connections",
        (int)options->connections, "in_flight", (int)options->in_flight, "random", options->random,
        "family", v6 ? "ipv6" : "ipv4", "link", options->ethernet ? "ethernet" : "ip", "mtu", 1500,
        "checksums", 1, "time_wait_seconds", 60, "version", hawser_version());
    if (object != NULL && range != NULL) {
        json_object_set_new(object, "min", json_real(range[0]));
        json_object_set_new(object, "max", json_real(range[1]));
    }
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
    fputc('\n', stdout);
    json_decref(object);
}

void bench_report(const struct bench_options *options, const char *bench, const char *metric,
                  const char *unit, double value, const double range[2], bool v6)
{
    if (options->json) {
        report_json(options, bench, metric, unit, value, range, v6);
    } else {
        printf("%-10s %s%12.*f%s %-5s %-38s", bench, term_on(stdout, TERM_BOLD),
               value < 100 ? 2 : 0, value, term_off(stdout), unit, metric);
        if (range != NULL)
            printf(" %.*f..%.*f", value < 100 ? 2 : 0, range[0], value < 100 ? 2 : 0, range[1]);
        printf(" %s%s", v6 ? "IPv6" : "IPv4", options->ethernet ? ", Ethernet" : "");
        if (options->connections != 0 && range != NULL)
            printf(", %u idle beside", options->connections);
        printf("\n");
    }
    fflush(stdout);
}
