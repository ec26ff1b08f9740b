/* SPDX-License-Identifier: MIT */
/* hawser pkt: scripts in processes of their own, so that one that brings the interpreter down is a
 * failure of that script only. Results are printed in the order of the scripts. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hawser/port/clock.h>

#include "cli.h"
#include "pkt.h"
#include "signals.h"
#include "term.h"

#define TICK_MS 100
#define NOBODY SIZE_MAX
#define RESULT_MAX (64u << 20) /* bytes of one result */

struct worker {
    pid_t pid; /* 0 = none */
    int jobs, results;
    size_t job; /* what it works on; NOBODY = nothing */
    uint64_t begun_ns;
};

struct crew {
    const struct pkt_command *command;
    struct pkt_survivors *survivors;
    const struct pkt_files *files;
    struct pkt_tally *tally;
    struct worker *workers;
    size_t count;
    json_t **results; /* by job; NULL = not yet */
    size_t next;      /* job to be given out */
    size_t printed, finished;
    struct progress progress;
};

/* ---- in the worker ------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* false also at the end of the pipe. */
static bool read_all(int fd, void *data, size_t size)
{
    for (char *at = data; size > 0;) {
        ssize_t n = read(fd, at, size);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void work(const struct crew *crew, int jobs, int results)
{
    static const int defaults[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        signal(defaults[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* what a script has started goes with it */
    struct pkt_python python = {0};
    for (size_t job; read_all(jobs, &job, sizeof job);) {
        json_t *result = pkt_job(crew->command, crew->survivors, &python, crew->files->paths[job]);
        char *text = json_dumps(result, JSON_COMPACT);
        size_t length = text != NULL ? strlen(text) : 0;
        json_decref(result);
        bool sent = write_all(results, &length, sizeof length) && write_all(results, text, length);
        free(text);
        if (!sent)
            break;
    }
    pkt_python_stop(&python);
    fflush(NULL);
    _exit(0);
}

/* ---- the crew ------------------------------------------------------------------------------ */

static int hire(struct crew *crew, struct worker *worker)
{
    int jobs[2], results[2];
    if (pipe2(jobs, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(results, O_CLOEXEC) != 0) {
        close(jobs[0]);
        close(jobs[1]);
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < crew->count; i++) /* the others' pipes end with the others */
            if (crew->workers[i].pid > 0 && &crew->workers[i] != worker) {
                close(crew->workers[i].jobs);
                close(crew->workers[i].results);
            }
        close(jobs[1]);
        close(results[0]);
        work(crew, jobs[0], results[1]);
    }
    close(jobs[0]);
    close(results[1]);
    if (pid < 0) {
        close(jobs[1]);
        close(results[0]);
        return -1;
    }
    setpgid(pid, pid);
    *worker = (struct worker){.pid = pid, .jobs = jobs[1], .results = results[0], .job = NOBODY};
    return 0;
}

/* Ends it; returns its status as waitpid tells it. */
static int dismiss(struct worker *worker, bool by_force)
{
    int status = 0;
    close(worker->jobs);
    close(worker->results);
    if (by_force)
        kill(-worker->pid, SIGKILL);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker->pid = 0;
    return status;
}

static void finish(struct crew *crew, size_t job, json_t *result)
{
    crew->results[job] = result;
    crew->finished++;
    progress_end(&crew->progress);
    for (; crew->printed < crew->files->count && crew->results[crew->printed] != NULL;
         crew->printed++) {
        pkt_print_result(crew->command, crew->results[crew->printed], crew->tally);
        json_decref(crew->results[crew->printed]);
    }
    fflush(stdout);
    char text[64];
    snprintf(text, sizeof text, "%zu of %zu scripts", crew->finished, crew->files->count);
    progress_text(&crew->progress, text);
}

static json_t *failure(const struct crew *crew, size_t job, const char *message)
{
    return json_pack("{s:s, s:s, s:s}", "script", crew->files->paths[job], "verdict", "fail",
                     "message", message);
}

static int give_job(struct crew *crew, struct worker *worker)
{
    if (crew->next == crew->files->count)
        return 0;
    worker->job = crew->next++;
    worker->begun_ns = hawser_clock_now();
    /* A worker that is gone is found when its result is read. */
    (void)write_all(worker->jobs, &worker->job, sizeof worker->job);
    return 0;
}

static json_t *read_result(struct worker *worker)
{
    size_t length;
    char *text = NULL;
    json_t *result = NULL;
    if (read_all(worker->results, &length, sizeof length) && length <= RESULT_MAX &&
        (text = malloc(length + 1)) != NULL && read_all(worker->results, text, length))
        result = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
    free(text);
    return result;
}

/* A worker has gone, or is sent away: its job has failed, and another one takes its place. */
static int replace(struct crew *crew, struct worker *worker, const char *why)
{
    char message[160];
    size_t job = worker->job;
    int status = dismiss(worker, why != NULL);
    if (why != NULL)
        snprintf(message, sizeof message, "%s", why);
    else if (WIFSIGNALED(status))
        snprintf(message, sizeof message, "the interpreter was ended by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(message, sizeof message, "the interpreter ended with status %d",
                 WEXITSTATUS(status));
    if (job != NOBODY)
        finish(crew, job, failure(crew, job, message));
    if (hire(crew, worker) != 0)
        return -1;
    return give_job(crew, worker);
}

static int look_at(struct crew *crew, struct worker *worker, short revents)
{
    char why[64];
    if (revents != 0) {
        json_t *result = worker->job != NOBODY ? read_result(worker) : NULL;
        if (result == NULL)
            return replace(crew, worker, NULL);
        size_t job = worker->job;
        worker->job = NOBODY;
        finish(crew, job, result);
        return give_job(crew, worker);
    }
    if (worker->job == NOBODY || hawser_clock_now() - worker->begun_ns < crew->command->timeout_ns)
        return 0;
    snprintf(why, sizeof why, "not done after %g s of real time",
             (double)crew->command->timeout_ns / 1e9);
    return replace(crew, worker, why);
}

static int run_all(struct crew *crew)
{
    struct pollfd *polled = calloc(crew->count + 1, sizeof *polled);
    int result = polled == NULL ? -1 : 0;
    for (size_t i = 0; i < crew->count && result == 0; i++)
        result = hire(crew, &crew->workers[i]) != 0 ? -1 : give_job(crew, &crew->workers[i]);
    while (result == 0 && crew->finished < crew->files->count && !signals_pending()) {
        for (size_t i = 0; i < crew->count; i++)
            polled[i] = (struct pollfd){.fd = crew->workers[i].results, .events = POLLIN};
        polled[crew->count] = (struct pollfd){.fd = signals_fd(), .events = POLLIN};
        if (poll(polled, crew->count + 1, TICK_MS) < 0 && errno != EINTR)
            result = -1;
        for (size_t i = 0; i < crew->count && result == 0; i++)
            result = look_at(crew, &crew->workers[i], polled[i].revents);
    }
    free(polled);
    return result;
}

int pkt_workers(const struct pkt_command *command, struct pkt_survivors *survivors,
                const struct pkt_files *files, struct pkt_tally *tally)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count =
        command->workers > 0 ? command->workers : (processors > 0 ? (size_t)processors : 1);
    struct crew crew = {.command = command,
                        .survivors = survivors,
                        .files = files,
                        .tally = tally,
                        .count = count < files->count ? count : files->count};
    crew.workers = calloc(crew.count, sizeof *crew.workers);
    crew.results = calloc(files->count, sizeof *crew.results);
    progress_start(&crew.progress, "pkt");
    int result = crew.workers != NULL && crew.results != NULL ? run_all(&crew) : -1;
    if (result != 0)
        cli_error("no worker can be started: %s", strerror(errno));
    progress_end(&crew.progress);
    tally->interrupted = signals_pending();
    for (size_t i = 0; crew.workers != NULL && i < crew.count; i++)
        if (crew.workers[i].pid > 0)
            dismiss(&crew.workers[i], crew.workers[i].job != NOBODY);
    for (size_t i = crew.printed; crew.results != NULL && i < files->count; i++)
        json_decref(crew.results[i]);
    free(crew.workers);
    free(crew.results);
    return result;
}
