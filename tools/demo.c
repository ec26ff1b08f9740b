/* SPDX-License-Identifier: MIT */
/* hawser demo: shows on real input that it works, and says what held. */
#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/clock.h>

#include "cli.h"
#include "commands.h"
#include "demo.h"
#include "signals.h"
#include "term.h"

#define MIB 1048576u

enum { KEY_JSON = 0x2000, KEY_QUICK, KEY_CAPTURE, KEY_SEED };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct demo_options *options = state->input;
    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_QUICK:
        options->quick = true;
        return 0;
    case KEY_CAPTURE:
        options->capture = argument;
        return 0;
    case KEY_SEED:
        options->seed = cli_number(state, "seed", argument, 0, UINT64_MAX);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "too many arguments: '%s'", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp demo_argp = {
    .options =
        (const struct argp_option[]){
            {"quick", KEY_QUICK, NULL, 0, "4 MiB instead of 64 in each transfer", 0},
            {"capture", KEY_CAPTURE, "FILE", 0,
             "where the capture of part 3 goes (hawser-demo.pcap)", 0},
            {"seed", KEY_SEED, "N", 0, "of all that is random in parts 2 and 3 (1)", 0},
            {"json", KEY_JSON, NULL, 0, "prints one object for each check, and nothing else", 0},
            {0},
        },
    .parser = parse,
    .doc = "Shows that it works: against the kernel's TCP on a TAP device, against itself\n"
           "over a wire that loses segments, and the life of one connection.\n\n"
           "  hawser demo\n"
           "  hawser demo --quick --json\n\n"
           "Its first part needs CAP_NET_ADMIN or user namespaces; without, it says so and\n"
           "does the rest. Status 0: all of it held.",
};

/* ---- the report ----------------------------------------------------------------------------- */

void report_heading(struct report *report, unsigned part, const char *text)
{
    report->part = part;
    if (!report->json)
        printf("%s%u. %s%s\n", term_on(stdout, TERM_BOLD), part, text, term_off(stdout));
    fflush(stdout);
}

static void print_object(const struct report *report, const char *what, json_t *figures)
{
    json_t *object = json_pack("{s:i, s:s}", "part", (int)report->part, "check", what);
    if (object != NULL && figures != NULL)
        json_object_update(object, figures);
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(object);
}

void report_check(struct report *report, bool ok, const char *what, json_t *figures,
                  const char *format, ...)
{
    report->held += ok;
    report->failed += !ok;
    if (figures == NULL)
        figures = json_object();
    json_object_set_new(figures, "ok", json_boolean(ok));
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *second = strchr(text, '\n');
    if (second != NULL)
        *second++ = '\0';
    if (report->json) {
        json_object_set_new(figures, "text", json_string(text));
        if (second != NULL)
            json_object_set_new(figures, "more", json_string(second));
        print_object(report, what, figures);
    } else {
        printf("   %s%-4s%s %s: %s\n", term_on(stdout, ok ? TERM_GOOD : TERM_BAD),
               ok ? "ok" : "FAIL", term_off(stdout), what, text);
        if (second != NULL)
            printf("        %s\n", second);
        fflush(stdout);
    }
    json_decref(figures);
}

void report_skip(struct report *report, const char *what, const char *why)
{
    report->skipped++;
    if (report->json) {
        json_t *figures = json_pack("{s:n, s:s}", "ok", "skipped", why);
        print_object(report, what, figures);
        json_decref(figures);
        return;
    }
    printf("   %sskip%s %s: %s\n", term_on(stdout, TERM_BOLD), term_off(stdout), what, why);
    fflush(stdout);
}

static void summary(const struct report *report, uint64_t start_ns)
{
    if (report->json)
        return;
    printf("%s%u held, %u failed, %u skipped%s, in %.1f s\n",
           term_on(stdout, report->failed == 0 ? TERM_GOOD : TERM_BAD), report->held,
           report->failed, report->skipped, term_off(stdout),
           (double)(hawser_clock_now() - start_ns) / 1e9);
}

int command_demo(int argc, char **argv)
{
    struct demo_options options = {.seed = 1};
    static void (*const parts[])(struct report *,
                                 const struct demo_options *) = {demo_kernel, demo_wire, demo_life};
    int status = cli_parse(&demo_argp, argc, argv, &options);
    if (status >= 0)
        return status;
    options.bytes = (options.quick ? 4u : 64u) * (uint64_t)MIB;
    struct report report = {.json = options.json};
    uint64_t start_ns = hawser_clock_now();
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !signals_pending(); i++) {
        parts[i](&report, &options);
        if (!report.json)
            putchar('\n');
    }
    if (signals_pending()) {
        cli_error("interrupted; nothing is left behind");
        return STATUS_FAILED;
    }
    summary(&report, start_ns);
    return report.failed == 0 ? STATUS_OK : STATUS_FAILED;
}
