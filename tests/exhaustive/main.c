/* SPDX-License-Identifier: MIT */
/* exhaustive [OPTION...] [SETUP...]: explores setups and says what it found. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"
#include "search.h"

#define CHOSEN_MAX 64u
#define EXPECTED "a byte of another incarnation was accepted"

static const char usage[] =
    "exhaustive [OPTION...] [SETUP...]\n"
    "Explores every interleaving of two hosts, their users and a network that loses, repeats and\n"
    "delays; all setups, or those that are named. Status 1: a property does not hold.\n"
    "  --list          setups and what they are\n"
    "  --depth N       steps at most\n"
    "  --seconds S, --minutes M\n"
    "                  for everything together; what one setup leaves is for the others\n"
    "  -j N            threads\n"
    "  --memory MIB    for each setup, one after the other\n"
    "  --script FILE   a script of the counterexample, for hawser pkt\n"
    "  --table         one line of a table for each setup\n"
    "  --verbose       each depth as it is done\n";

struct options {
    struct limits limits;
    double seconds;
    const char *script;
    bool table;
    const struct setup *chosen[CHOSEN_MAX];
    unsigned count;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void list(void)
{
    for (unsigned i = 0; i < setups_count; i++)
        printf("%-16s K = %u: %s\n", setups[i].name, setups[i].segments, setups[i].what);
}

static bool number(const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"list", no_argument, NULL, 'l'},          {"depth", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 's'}, {"minutes", required_argument, NULL, 'm'},
        {"memory", required_argument, NULL, 'M'},  {"script", required_argument, NULL, 'S'},
        {"table", no_argument, NULL, 't'},         {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    double value = 0;
    for (int c; (c = getopt_long(argc, argv, "j:h", names, NULL)) != -1;) {
        bool good = true;
        if (c == 'l' || c == 'h') {
            if (c == 'l')
                list();
            else
                fputs(usage, stdout);
            exit(0);
        } else if (c == 'd') {
            good = number(optarg, 1, DEPTH_MAX, &value);
            o->limits.depth = (unsigned)value;
        } else if (c == 's' || c == 'm') {
            good = number(optarg, 0, 1e7, &value);
            o->seconds = c == 'm' ? value * 60 : value;
        } else if (c == 'j') {
            good = number(optarg, 1, THREADS_MAX, &value);
            o->limits.threads = (unsigned)value;
        } else if (c == 'M') {
            good = number(optarg, 16, 1e6, &value);
            o->limits.memory_bytes = (size_t)value << 20;
        } else if (c == 'S') {
            o->script = optarg;
        } else if (c == 't') {
            o->table = true;
        } else if (c == 'v') {
            o->limits.verbose = true;
        } else {
            return false;
        }
        if (!good)
            return false;
    }
    return true;
}

static bool choose(char **names, struct options *o)
{
    for (; *names != NULL && o->count < CHOSEN_MAX; names++, o->count++) {
        o->chosen[o->count] = setup_find(*names);
        if (o->chosen[o->count] == NULL) {
            fprintf(stderr, "exhaustive: no setup %s\n", *names);
            return false;
        }
    }
    for (unsigned i = 0; o->count < setups_count && o->chosen[0] == NULL; i++)
        o->count++;
    for (unsigned i = 0; i < o->count && o->chosen[i] == NULL; i++)
        o->chosen[i] = &setups[i];
    return true;
}

static void counterexample(const struct options *o, const struct setup *s, const struct result *r)
{
    unsigned place = report_place(s, &r->path);
    report_diagram(stdout, s, &r->path);
    printf("\n%s, %u steps. As a script of host %c:\n\n", r->fault, r->path.count,
           'a' + (int)place);
    report_script(stdout, s, &r->path, place);
    if (o->script == NULL)
        return;
    FILE *file = fopen(o->script, "w");
    if (file == NULL) {
        perror(o->script);
        exit(2);
    }
    report_script(file, s, &r->path, place);
    fclose(file);
}

static void tell(const struct options *o, const struct setup *s, const struct result *r)
{
    const char *end = r->complete ? "all there are" : r->stopped;
    if (o->table)
        printf("| %s | %u | %s | %" PRIu64 " | %" PRIu64 " | %u%s | %.0f s |\n", s->name,
               s->segments, s->what, r->states, r->transitions, r->depth,
               r->complete ? ", all" : "", r->seconds);
    else
        printf("%-16s %9" PRIu64 " states, %10" PRIu64 " transitions, depth %2u (%s), %7.0f "
               "transitions/s, %" PRIu64 " twins, %.1f s\n",
               s->name, r->states, r->transitions, r->depth, end,
               (double)r->transitions / (r->seconds > 0.001 ? r->seconds : 0.001), r->twins,
               r->seconds);
    fflush(stdout);
}

/* True: what was to be found was found, and nothing else. */
static bool run(const struct options *o, const struct setup *s, double seconds)
{
    static struct result r;
    struct limits limits = o->limits;
    limits.wanted = s->must_fail ? EXPECTED : NULL; /* an old FIN does harm there, too */
    limits.seconds = s->must_fail ? 200 : seconds;  /* it ends when it has found it */
    search(s, &limits, &r);
    tell(o, s, &r);
    bool found = r.failed && strcmp(r.fault, EXPECTED) == 0;
    if (s->must_fail && found)
        printf("%-16s found, as it must be, in %u steps: %s\n", s->name, r.path.count, r.fault);
    if (s->must_fail && !found)
        printf("%-16s FAILED: the checker misses what it must find\n", s->name);
    if (r.failed && (!s->must_fail || !found || o->script != NULL || o->count == 1))
        counterexample(o, s, &r);
    return s->must_fail ? found : !r.failed;
}

int main(int argc, char **argv)
{
    struct options o = {
        .limits = {.depth = DEPTH_MAX, .threads = 2, .memory_bytes = (size_t)2 << 30},
        .seconds = 60};
    unsigned failed = 0;
    if (!parse(argc, argv, &o) || !choose(argv + optind, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    double ends = now() + o.seconds;
    for (unsigned i = 0; i < o.count; i++) {
        double left = ends - now();
        double share = left / (o.count - i);
        failed += !run(&o, o.chosen[i], share > 1 ? share : 1);
    }
    printf("%u setups, %u failed\n", o.count, failed);
    return failed != 0;
}
