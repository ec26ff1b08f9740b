/* SPDX-License-Identifier: MIT */
/* What the programs that do the work of `hawser bench` on other stacks share. */
#include "peer.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVALS 11u /* as hawser bench has */

static _Noreturn void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--seconds S] [--connections N] [--random] [--in-flight N] [--veth] "
            "BENCH\n",
            program);
    exit(2);
}

static void read_options(int argc, char **argv, struct peer_options *options)
{
    static const struct option known[] = {
        {"seconds", required_argument, NULL, 's'}, {"connections", required_argument, NULL, 'c'},
        {"random", no_argument, NULL, 'r'},        {"in-flight", required_argument, NULL, 'i'},
        {"veth", no_argument, NULL, 'v'},          {0},
    };
    *options = (struct peer_options){.seconds = 2, .in_flight = 64};
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (key) {
        case 's':
            options->seconds = strtod(optarg, NULL);
            break;
        case 'c':
            options->connections = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'i':
            options->in_flight = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            options->random = true;
            break;
        case 'v':
            options->veth = true;
            break;
        default:
            usage(argv[0]);
        }
    }
    bool sensible = options->seconds > 0 && options->in_flight > 0 &&
                    (!options->random || options->connections > 0);
    if (!sensible || optind + 1 != argc)
        usage(argv[0]);
    options->bench = argv[optind];
}

int peer_main(int argc, char **argv, struct peer_options *options, const struct peer_bench *benches)
{
    read_options(argc, argv, options);
    for (; benches->name != NULL; benches++) {
        if (strcmp(benches->name, options->bench) == 0) {
            benches->run();
            return 0;
        }
    }
    peer_cannot("there is no bench %s", options->bench);
}

uint64_t peer_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t peer_random(void)
{
    static uint64_t random = 88172645463325252u;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
}

static double measure_once(uint64_t (*turn)(void), double seconds, uint64_t *all)
{
    uint64_t start_ns = peer_now_ns(), now_ns = start_ns, units = 0;
    uint64_t end_ns = start_ns + (uint64_t)(seconds * 1e9);
    while (now_ns < end_ns) {
        units += turn();
        now_ns = peer_now_ns();
    }
    *all += units;
    return (double)units * 1e9 / (double)(now_ns - start_ns);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void peer_measure(const struct peer_options *options, uint64_t (*turn)(void), struct peer_rate *out)
{
    double rates[INTERVALS];
    uint64_t units = 0;
    measure_once(turn, options->seconds / 5, &units);
    for (unsigned i = 0; i < INTERVALS; i++)
        rates[i] = measure_once(turn, options->seconds / INTERVALS, &units);
    qsort(rates, INTERVALS, sizeof rates[0], compare_doubles);
    *out = (struct peer_rate){rates[INTERVALS / 2], rates[0], rates[INTERVALS - 1], units};
}

static void report(const struct peer_options *options, const char *metric, const char *unit,
                   double value, const double range[2], const char *more, va_list rest)
{
    printf("{\"bench\":\"%s\",\"metric\":\"%s\",\"value\":%.7g,\"unit\":\"%s\",", options->bench,
           metric, value, unit);
    if (range != NULL)
        printf("\"min\":%.7g,\"max\":%.7g,", range[0], range[1]);
    printf("\"seconds\":%g,\"connections\":%u,\"in_flight\":%u,\"random\":%s", options->seconds,
           options->connections, options->in_flight, options->random ? "true" : "false");
    vprintf(more, rest);
    puts("}");
}

void peer_report(const struct peer_options *options, const char *metric, const char *unit,
                 double value, const double range[2], const char *more, ...)
{
    va_list rest;
    va_start(rest, more);
    report(options, metric, unit, value, range, more, rest);
    va_end(rest);
}

void peer_report_rate(const struct peer_options *options, const struct peer_rate *rate,
                      const char *more, ...)
{
    va_list rest;
    double median = rate->median, range[2] = {rate->least, rate->most};
    const char *metric = "lifecycles_per_second", *unit = "1/s";
    if (strcmp(options->bench, "stream") == 0) {
        metric = "gbit_per_second";
        unit = "Gb/s";
        median *= 8e-9, range[0] *= 8e-9, range[1] *= 8e-9;
    } else if (strcmp(options->bench, "rr") == 0) {
        metric = "ns_per_request";
        unit = "ns";
        median = 1e9 / median, range[0] = 1e9 / rate->most, range[1] = 1e9 / rate->least;
    }
    va_start(rest, more);
    report(options, metric, unit, median, range, more, rest);
    va_end(rest);
}

static void say(const char *why, va_list rest)
{
    const char *system = errno != 0 ? strerror(errno) : "";
    fflush(stdout);
    vfprintf(stderr, why, rest);
    fprintf(stderr, "%s%s\n", system[0] != 0 ? ": " : "", system);
}

_Noreturn void peer_fail(const char *why, ...)
{
    va_list rest;
    va_start(rest, why);
    say(why, rest);
    exit(1);
}

_Noreturn void peer_cannot(const char *why, ...)
{
    va_list rest;
    va_start(rest, why);
    say(why, rest);
    exit(3);
}
