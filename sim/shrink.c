/* SPDX-License-Identifier: MIT */
/* Runs in processes of their own, and making a failure small. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

#define SECONDS_MAX 120u /* of processor time, for one run */

static void run_in_child(const struct plan *plan, const struct sim_options *options,
                         struct sim_result *result)
{
    struct sim_store *store = sim_store_create();
    signal(SIGALRM, SIG_DFL);
    alarm(options->breaks == SIM_BREAK_HANG ? 2 : SECONDS_MAX);
    if (options->trace != NULL)
        setvbuf(options->trace, NULL, _IOLBF, 0); /* nothing of it is lost in a crash */
    if (store != NULL)
        sim_run(store, plan, options, result, NULL);
    if (options->story != NULL)
        fflush(options->story);
    if (options->trace != NULL)
        fflush(options->trace);
    _exit(store != NULL ? 0 : 1);
}

void sim_died(struct sim_result *result, uint64_t seed, bool in_program, int status)
{
    *result = (struct sim_result){.failed = true, .seed = seed, .rule = "crash"};
    result->figures.runs = result->figures.failures = 1;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(result->rule, sizeof result->rule, "hang");
    snprintf(result->text, sizeof result->text, "%s%s",
             WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "the process exited",
             in_program ? ", while it was the program's turn" : "");
}

void sim_run_apart(const struct plan *plan, const struct sim_options *options,
                   struct sim_result *result)
{
    struct sim_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *result = (struct sim_result){.failed = true, .rule = "simulator", .text = "no process"};
    if (shared == MAP_FAILED)
        return;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(plan, options, shared);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child > 0 && status == 0 && shared->figures.runs == 1) /* to its end */
        *result = *shared;
    else if (child > 0)
        sim_died(result, plan->seed, shared->in_program, status);
    (void)munmap(shared, sizeof *shared);
}

/* ---- shrinking ------------------------------------------------------------------------------- */

static void note(char *without, size_t cap, const char *part)
{
    size_t n = strlen(without);
    if (n < cap)
        snprintf(without + n, cap - n, "%s%s", n > 0 ? "," : "", part);
}

static bool is_gone(const char *without, const char *part)
{
    size_t n = strlen(part);
    for (const char *at = without; (at = strstr(at, part)) != NULL; at += n)
        if ((at == without || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
            return true;
    return false;
}

/* Takes one part after the other out and keeps it out if the failure stays; again while that makes
 * it smaller, for what could not go before may be able to now. */
unsigned sim_shrink(struct plan *plan, const struct sim_options *options, char *without, size_t cap)
{
    struct sim_options quiet = {.breaks = options->breaks, .guest = options->guest};
    struct sim_result first, result;
    unsigned runs = 1;
    sim_run_apart(plan, &quiet, &first);
    for (bool smaller = true; smaller && first.failed;) {
        smaller = false;
        char part[24];
        for (unsigned i = 0; plan_part(plan, i, part); i++) {
            struct plan less = *plan;
            if (is_gone(without, part) || !plan_leave_out(&less, part) ||
                memcmp(&less, plan, sizeof less) == 0)
                continue;
            sim_run_apart(&less, &quiet, &result);
            runs++;
            if (!result.failed || strcmp(result.rule, first.rule) != 0)
                continue;
            *plan = less;
            note(without, cap, part);
            smaller = true;
        }
    }
    return runs;
}
