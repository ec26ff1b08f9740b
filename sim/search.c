/* SPDX-License-Identifier: MIT */
/* Many seeds in several processes. Each takes every n-th; a crash of one is a failure of the
 * seed it was at, and another process goes on behind it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hawser/port/clock.h>

#include "sim/random.h"
#include "sim/sim.h"

#define JOBS_MAX 64u
#define SEED_SECONDS 120u

/* What a worker tells, in memory that both see. */
struct worker {
    struct sim_figures figures;
    struct sim_coverage coverage;
    struct sim_result failures[SIM_FAILURES_MAX], result; /* of the one it is at */
    uint32_t failures_count;
    uint64_t seed, next; /* the one it is at, and the one that comes after */
    uint64_t digest;
    volatile bool done, stopped;
    pid_t pid;
};

static void keep(struct worker *worker, const struct sim_result *result)
{
    if (worker->failures_count < SIM_FAILURES_MAX)
        worker->failures[worker->failures_count++] = *result;
}

static bool is_last(const struct sim_search *search, uint64_t seed)
{
    return search->count != UINT64_MAX && seed - search->first >= search->count;
}

static void work(const struct sim_search *search, struct worker *worker)
{
    struct sim_store *store = sim_store_create();
    struct plan plan;
    struct sim_result *result = &worker->result;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGALRM, SIG_DFL);
    while (store != NULL && !worker->stopped && !is_last(search, worker->next)) {
        worker->seed = worker->next;
        worker->next += search->jobs;
        alarm(search->options.breaks == SIM_BREAK_HANG ? 2 : SEED_SECONDS);
        plan_draw(&plan, worker->seed);
        if (search->options.guest != NULL)
            plan_give_to_program(&plan);
        sim_run(store, &plan, &search->options, result, &worker->coverage);
        sim_figures_add(&worker->figures, &result->figures);
        worker->digest += random_mix(result->digest ^ worker->seed);
        if (!result->failed)
            continue;
        keep(worker, result);
        if (!search->go_on)
            break;
    }
    worker->done = true;
    _exit(store == NULL);
}

static bool start(const struct sim_search *search, struct worker *worker)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        work(search, worker);
    worker->pid = pid > 0 ? pid : 0;
    return pid > 0;
}

/* A worker died of the seed it was at. */
static void bury(struct worker *worker, int status)
{
    struct sim_result result;
    sim_died(&result, worker->seed, worker->result.in_program, status);
    worker->figures.runs++;
    worker->figures.failures++;
    keep(worker, &result);
}

static void sum_up(const struct worker *workers, unsigned jobs, struct sim_found *found)
{
    memset(found, 0, sizeof *found);
    for (unsigned i = 0; i < jobs; i++) {
        sim_figures_add(&found->figures, &workers[i].figures);
        sim_coverage_add(&found->coverage, &workers[i].coverage);
        found->digest += workers[i].digest;
        for (unsigned j = 0; j < workers[i].failures_count; j++)
            if (found->failures_count < SIM_FAILURES_MAX)
                found->failures[found->failures_count++] = workers[i].failures[j];
    }
}

/* Reaps who has ended. Returns how many still work. */
static unsigned look_after(const struct sim_search *search, struct worker *workers)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < search->jobs; i++) {
        struct worker *worker = &workers[i];
        int status;
        if (worker->pid == 0)
            continue;
        alive++;
        if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
            continue;
        alive--;
        worker->pid = 0;
        if (worker->done)
            continue;
        bury(worker, status);
        alive += search->go_on && !worker->stopped && start(search, worker);
    }
    return alive;
}

static void stop_all(struct worker *workers, unsigned jobs)
{
    for (unsigned i = 0; i < jobs; i++)
        workers[i].stopped = true;
}

static void supervise(const struct sim_search *search, struct worker *workers, uint64_t start_ns)
{
    uint64_t told_ns = start_ns;
    while (look_after(search, workers) > 0) {
        const struct timespec pause = {.tv_nsec = 5000000};
        nanosleep(&pause, NULL);
        uint64_t now_ns = hawser_clock_now();
        bool failed = false;
        for (unsigned i = 0; i < search->jobs; i++)
            failed |= workers[i].failures_count > 0;
        if (now_ns - start_ns >= search->for_ns || (search->stop != NULL && search->stop()) ||
            (failed && !search->go_on))
            stop_all(workers, search->jobs);
        if (search->progress == NULL || now_ns - told_ns < 1000 * SIM_MS)
            continue;
        struct sim_figures figures = {0};
        for (unsigned i = 0; i < search->jobs; i++)
            sim_figures_add(&figures, &workers[i].figures);
        told_ns = now_ns;
        search->progress(search, &figures, now_ns - start_ns);
    }
}

int sim_search_run(const struct sim_search *search, struct sim_found *found)
{
    if (search->jobs == 0 || search->jobs > JOBS_MAX)
        return -EINVAL;
    size_t bytes = search->jobs * sizeof(struct worker);
    struct worker *workers =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (workers == MAP_FAILED)
        return -errno;
    uint64_t start_ns = hawser_clock_now();
    bool started = true;
    for (unsigned i = 0; i < search->jobs && started; i++) {
        workers[i].next = search->first + i;
        started = start(search, &workers[i]);
    }
    if (!started)
        stop_all(workers, search->jobs);
    supervise(search, workers, start_ns);
    sum_up(workers, search->jobs, found);
    found->elapsed_ns = hawser_clock_now() - start_ns;
    (void)munmap(workers, bytes);
    return started ? 0 : -EAGAIN;
}
