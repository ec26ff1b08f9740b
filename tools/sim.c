/* SPDX-License-Identifier: MIT */
/* hawser sim: simulated hosts on a bad network, from a seed; and the search for one
 * that fails. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli.h"
#include "commands.h"
#include "sim/sim.h"
#include "signals.h"
#include "term.h"

#define PARTS_MAX 64u
#define WITHOUT_MAX 1600u

enum {
    KEY_SEED = 0x3000,
    KEY_SEEDS,
    KEY_MINUTES,
    KEY_WITHOUT,
    KEY_CAPTURE,
    KEY_TRACE,
    KEY_COVERAGE,
    KEY_JSON,
    KEY_BREAK,
    KEY_KEEP_GOING,
    KEY_NO_SHRINK,
    KEY_PLAN,
    KEY_PROGRAM,
    KEY_PROGRAM_ARG
};

struct arguments {
    uint64_t seed, seeds;
    bool has_seed, has_seeds, searches;
    double minutes; /* < 0: not given */
    unsigned jobs;
    const char *without, *capture, *program, *program_arg;
    struct sim_guest guest; /* the program, loaded */
    bool trace, coverage, json, keep_going, no_shrink, plan;
    enum sim_break breaks;
};

/* ---- the command line ------------------------------------------------------------------------ */

static enum sim_break break_named(struct argp_state *state, const char *name)
{
    static const char *const names[] = {"nothing",
#define BREAK_NAME(upper, text) text,
                                        SIM_BREAK_MAP(BREAK_NAME)
#undef BREAK_NAME
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return (enum sim_break)i;
    argp_error(state, "--break: there is no '%s' to break", name);
    return SIM_BREAK_NOTHING;
}

static void parse_numbers(int key, const char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key == KEY_SEED) {
        a->seed = cli_number(state, "seed", text, 0, UINT64_MAX);
        a->has_seed = true;
    } else if (key == KEY_SEEDS) {
        a->seeds = cli_number(state, "seeds", text, 1, UINT64_MAX - 1);
        a->has_seeds = true;
    } else if (key == KEY_MINUTES)
        a->minutes = cli_seconds(state, "minutes", text, 0.001, 1e6);
    else
        a->jobs = (unsigned)cli_number(state, "jobs", text, 1, 64);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_SEED:
    case KEY_SEEDS:
    case KEY_MINUTES:
    case 'j':
        parse_numbers(key, argument, state);
        return 0;
    case KEY_WITHOUT:
        a->without = argument;
        return 0;
    case KEY_CAPTURE:
        a->capture = argument;
        return 0;
    case KEY_TRACE:
        a->trace = true;
        return 0;
    case KEY_COVERAGE:
        a->coverage = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_BREAK:
        a->breaks = break_named(state, argument);
        return 0;
    case KEY_KEEP_GOING:
        a->keep_going = true;
        return 0;
    case KEY_NO_SHRINK:
        a->no_shrink = true;
        return 0;
    case KEY_PLAN:
        a->plan = true;
        return 0;
    case KEY_PROGRAM:
        a->program = argument;
        return 0;
    case KEY_PROGRAM_ARG:
        a->program_arg = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "too many arguments: '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        a->searches = a->has_seeds || a->minutes >= 0 || !a->has_seed;
        if (a->searches && (a->without != NULL || a->trace || a->plan || a->capture != NULL))
            argp_error(state, "--without, --capture, --trace and --plan are for one --seed");
        if (a->program_arg != NULL && a->program == NULL)
            argp_error(state, "--program-arg is for a --program");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp sim_argp = {
    .options =
        (const struct argp_option[]){
            {"seed", KEY_SEED, "S", 0, "runs this one; with --seeds or --minutes: the first (1)",
             0},
            {"seeds", KEY_SEEDS, "N", 0, "searches N seeds (1000 if nothing else is said)", 0},
            {"minutes", KEY_MINUTES, "M", 0, "searches for so long", 0},
            {"jobs", 'j', "N", 0, "processes of a search (as many as there are processors)", 0},
            {"keep-going", KEY_KEEP_GOING, NULL, 0, "a failure does not end the search", 0},
            {"without", KEY_WITHOUT, "PART,...", 0,
             "leaves parts of the plan out: job3, fault2, repeat5 (job 5 runs once)", 0},
            {"no-shrink", KEY_NO_SHRINK, NULL, 0, "leaves a failure as large as it is", 0},
            {"plan", KEY_PLAN, NULL, 0, "prints what would be run, and runs nothing", 0},
            {"capture", KEY_CAPTURE, "FILE", 0,
             "every frame, as it is sent (hawser-sim-SEED.pcap after a failure)", 0},
            {"trace", KEY_TRACE, NULL, 0, "prints every event of every host", 0},
            {"coverage", KEY_COVERAGE, NULL, 0, "prints what was reached and what never was", 0},
            {"program", KEY_PROGRAM, "FILE.so", 0,
             "a program of your own at the ends of connections (hawser/sim.h)", 0},
            {"program-arg", KEY_PROGRAM_ARG, "TEXT", 0, "what it is told", 0},
            {"json", KEY_JSON, NULL, 0, "prints one object, and nothing else", 0},
            {"break", KEY_BREAK, "WHAT", OPTION_HIDDEN, "makes the world wrong, for tests", 0},
            {0},
        },
    .parser = parse,
    .doc = "Runs hosts on a network that loses, delays, duplicates, reorders and corrupts what\n"
           "they send, in virtual time; checks every step against what TCP promises. All of it\n"
           "follows from the seed. Status 0: everything held.\n\n"
           "  hawser sim                        1000 seeds\n"
           "  hawser sim --seed 42              one, again and again the same\n"
           "  hawser sim --minutes 10 -j 4      searches\n"
           "  hawser sim --program ./mine.so    with a program of your own",
};

/* ---- printing -------------------------------------------------------------------------------- */

static void print_plan(const struct plan *plan)
{
    char line[512];
    for (unsigned i = 0; i < plan->hosts_count; i++)
        if (plan->hosts[i].used && plan_print_host(plan, i, line, sizeof line) > 0)
            printf("  %s\n", line);
    for (unsigned i = 0; i < plan->jobs_count; i++)
        if (plan->jobs[i].used && plan_print_job(plan, i, line, sizeof line) > 0)
            printf("  %s\n", line);
    for (unsigned i = 0; i < plan->episodes_count; i++)
        if (plan->episodes[i].used && plan_print_episode(plan, i, line, sizeof line) > 0)
            printf("  %s\n", line);
}

static void print_figures(const struct sim_figures *figures, uint64_t elapsed_ns)
{
    double seconds = elapsed_ns > 0 ? (double)elapsed_ns / 1e9 : 1e-9;
    printf("%llu seeds, %llu failed, %llu connections, %llu segments, %.0f s of virtual time in "
           "%.1f s: %.0f connections and %.0f segments a second\n",
           (unsigned long long)figures->runs, (unsigned long long)figures->failures,
           (unsigned long long)figures->connections, (unsigned long long)figures->segments,
           (double)figures->virtual_ns / 1e9, seconds, (double)figures->connections / seconds,
           (double)figures->segments / seconds);
}

static json_t *figures_object(const struct sim_figures *f)
{
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"seeds", f->runs},    {"failures", f->failures}, {"excused", f->excused},
        {"clean", f->clean},   {"segments", f->segments}, {"connections", f->connections},
        {"frames", f->frames}, {"lost", f->lost},         {"octets", f->octets},
    };
    json_t *object = json_object();
    for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++)
        json_object_set_new(object, list[i].name, json_integer((json_int_t)list[i].value));
    json_object_set_new(object, "virtual_seconds", json_real((double)f->virtual_ns / 1e9));
    return object;
}

static json_t *failure_object(const struct sim_result *result)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:f}", "seed", "", "rule", result->rule, "text",
                     result->text, "steps", (json_int_t)result->step, "virtual_seconds",
                     (double)result->at_ns / 1e9);
}

/* Seeds and digests are 64 bits: text, because readers of JSON lose the last ones. */
static void set_number(json_t *object, const char *key, const char *format, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, format, (unsigned long long)value);
    json_object_set_new(object, key, json_string(text));
}

static void put_coverage(void *context, const char *group, const char *name, uint64_t count)
{
    json_t *all = context, *of = json_object_get(all, group);
    if (of == NULL) {
        of = json_object();
        json_object_set_new(all, group, of);
    }
    json_object_set_new(of, name, json_integer((json_int_t)count));
}

static void print_object(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
}

/* ---- one seed -------------------------------------------------------------------------------- */

static int leave_out(struct plan *plan, const char *parts, char *without, size_t cap)
{
    char copy[WITHOUT_MAX], *rest = NULL;
    if (snprintf(copy, sizeof copy, "%s", parts) >= (int)sizeof copy) {
        cli_error("--without: too long");
        return STATUS_USAGE;
    }
    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest))
        if (!plan_leave_out(plan, part)) {
            cli_error("--without: seed %llu has no '%s'", (unsigned long long)plan->seed, part);
            return STATUS_USAGE;
        }
    snprintf(without, cap, "%s", parts);
    return STATUS_OK;
}

static const struct sim_guest *guest_of(const struct arguments *a)
{
    return a->guest.program != NULL ? &a->guest : NULL;
}

static void print_failure(const struct arguments *a, const struct sim_result *result,
                          const char *without)
{
    printf("%sFAIL%s %s: %s\n", term_on(stdout, TERM_BAD), term_off(stdout), result->rule,
           result->text);
    printf("after %llu steps, at %.6f s; again with: hawser sim --seed %llu%s%s",
           (unsigned long long)result->step, (double)result->at_ns / 1e9,
           (unsigned long long)result->seed, without[0] != '\0' ? " --without " : "", without);
    if (a->program != NULL)
        printf(" --program %s", a->program);
    if (a->program_arg != NULL)
        printf(" --program-arg '%s'", a->program_arg);
    putchar('\n');
}

static void draw(const struct arguments *a, uint64_t seed, struct plan *plan)
{
    plan_draw(plan, seed);
    if (a->program != NULL)
        plan_give_to_program(plan);
}

/* A failure becomes small, and is told with what its connection did last, and a capture. */
static void explain(const struct arguments *a, struct plan *plan, struct sim_result *result,
                    char *without)
{
    char path[64];
    struct sim_options options = {.breaks = a->breaks, .guest = guest_of(a), .capture = a->capture};
    if (!a->no_shrink) {
        unsigned runs = sim_shrink(plan, &options, without, WITHOUT_MAX);
        if (!a->json)
            printf("seed %llu, made small in %u runs:\n", (unsigned long long)plan->seed, runs);
    }
    if (options.capture == NULL) {
        snprintf(path, sizeof path, "hawser-sim-%llu.pcap", (unsigned long long)plan->seed);
        options.capture = path;
    }
    options.story = a->json ? NULL : stdout;
    if (!a->json)
        print_plan(plan);
    sim_run_apart(plan, &options, result);
    if (a->json)
        return;
    print_failure(a, result, without);
    printf("capture: %s\n", options.capture);
}

static void report_one(const struct arguments *a, const struct sim_result *result,
                       const struct sim_coverage *coverage, const char *without)
{
    if (!a->json) {
        printf(
            "seed %llu: %s, %llu connections, %llu segments, %llu steps, %.3f s of virtual time, "
            "digest %016llx\n",
            (unsigned long long)result->seed, result->failed ? "failed" : "ok",
            (unsigned long long)result->figures.connections,
            (unsigned long long)result->figures.segments, (unsigned long long)result->step,
            (double)result->at_ns / 1e9, (unsigned long long)result->digest);
        if (a->coverage)
            sim_coverage_print(coverage, stdout);
        return;
    }
    json_t *object = figures_object(&result->figures);
    set_number(object, "seed", "%llu", result->seed);
    set_number(object, "digest", "%016llx", result->digest);
    if (result->failed) {
        json_t *failure = failure_object(result);
        set_number(failure, "seed", "%llu", result->seed);
        json_object_set_new(failure, "without", json_string(without));
        json_object_set_new(object, "failure", failure);
    }
    if (a->coverage) {
        json_t *all = json_object();
        sim_coverage_walk(coverage, put_coverage, all);
        json_object_set_new(object, "coverage", all);
    }
    print_object(object);
}

/* In this process when it is well, so that coverage and trace are at hand; a run that
 * crashes is found by the first one, apart. */
static int run_one(const struct arguments *a)
{
    static struct plan plan;
    static struct sim_coverage coverage;
    static char without[WITHOUT_MAX];
    struct sim_result result;
    draw(a, a->seed, &plan);
    if (a->without != NULL) {
        int status = leave_out(&plan, a->without, without, sizeof without);
        if (status != STATUS_OK)
            return status;
    }
    if (a->plan) {
        print_plan(&plan);
        return STATUS_OK;
    }
    struct sim_options options = {.breaks = a->breaks, .guest = guest_of(a)};
    sim_run_apart(&plan, &options, &result);
    uint64_t first = result.digest;
    if (!result.failed || a->trace) {
        struct sim_store *store = sim_store_create();
        options.capture = a->capture;
        options.trace = a->trace ? stdout : NULL;
        if (store != NULL && !result.failed)
            sim_run(store, &plan, &options, &result, &coverage);
        else if (store != NULL)
            sim_run_apart(&plan, &options, &result);
        sim_store_drop(store);
    }
    if (!result.failed && result.digest != first) {
        cli_error("%s: did not do the same again; it may use time, chance and memory only as "
                  "hawser/sim.h says",
                  a->program != NULL ? a->program : "the simulator");
        return STATUS_FAILED;
    }
    if (result.failed)
        explain(a, &plan, &result, without);
    report_one(a, &result, &coverage, without);
    return result.failed ? STATUS_FAILED : STATUS_OK;
}

/* ---- the search ------------------------------------------------------------------------------ */

static void progress(const struct sim_search *search, const struct sim_figures *figures,
                     uint64_t elapsed_ns)
{
    (void)search;
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%llu seeds, %llu failed, %llu connections, %.0f s ",
            (unsigned long long)figures->runs, (unsigned long long)figures->failures,
            (unsigned long long)figures->connections, (double)elapsed_ns / 1e9);
}

static void report_search(const struct arguments *a, const struct sim_found *found)
{
    if (!a->json) {
        for (unsigned i = 0; i < found->failures_count; i++)
            printf("seed %llu: %s: %s\n", (unsigned long long)found->failures[i].seed,
                   found->failures[i].rule, found->failures[i].text);
        if (a->coverage)
            sim_coverage_print(&found->coverage, stdout);
        print_figures(&found->figures, found->elapsed_ns);
        printf("digest %016llx\n", (unsigned long long)found->digest);
        return;
    }
    json_t *object = figures_object(&found->figures), *failures = json_array();
    json_object_set_new(object, "seconds", json_real((double)found->elapsed_ns / 1e9));
    set_number(object, "first", "%llu", a->seed);
    set_number(object, "digest", "%016llx", found->digest);
    for (unsigned i = 0; i < found->failures_count; i++) {
        json_t *failure = failure_object(&found->failures[i]);
        set_number(failure, "seed", "%llu", found->failures[i].seed);
        json_array_append_new(failures, failure);
    }
    json_object_set_new(object, "failed", failures);
    if (a->coverage) {
        json_t *all = json_object();
        sim_coverage_walk(&found->coverage, put_coverage, all);
        json_object_set_new(object, "coverage", all);
    }
    print_object(object);
}

static int run_search(const struct arguments *a)
{
    static struct sim_found found;
    const struct sim_search search = {
        .first = a->seed,
        .count = a->has_seeds      ? a->seeds
                 : a->minutes >= 0 ? UINT64_MAX
                                   : 1000,
        .for_ns = a->minutes >= 0 ? (uint64_t)(a->minutes * 60e9) : UINT64_MAX,
        .jobs = a->jobs,
        .options = {.breaks = a->breaks, .guest = guest_of(a)},
        .stop = signals_pending,
        .progress = a->json ? NULL : progress,
        .go_on = a->keep_going,
    };
    int error = sim_search_run(&search, &found);
    if (error != 0) {
        cli_error("no processes: %s", strerror(-error));
        return STATUS_FAILED;
    }
    if (!a->json && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    report_search(a, &found);
    if (found.failures_count > 0 && !a->no_shrink && !a->json && !signals_pending()) {
        static struct plan plan;
        static char without[WITHOUT_MAX];
        struct sim_result result = found.failures[0];
        draw(a, result.seed, &plan);
        explain(a, &plan, &result, without);
    }
    return found.figures.failures > 0 ? STATUS_FAILED : STATUS_OK;
}

int command_sim(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments a = {.seed = 1,
                          .minutes = -1,
                          .jobs = processors < 1    ? 1
                                  : processors > 64 ? 64
                                                    : (unsigned)processors};
    int status = cli_parse(&sim_argp, argc, argv, &a);
    if (status >= 0)
        return status;
    char text[512];
    if (a.program != NULL && !sim_guest_load(a.program, a.program_arg != NULL ? a.program_arg : "",
                                             &a.guest, text, sizeof text)) {
        cli_error("--program: %s", text);
        return STATUS_USAGE;
    }
    return a.searches ? run_search(&a) : run_one(&a);
}
