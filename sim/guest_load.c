/* SPDX-License-Identifier: MIT */
/* Loading a user's program. Anybody's file: it is tried in a process of its own first. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/guest.h"

#define TRIAL_SECONDS 20u
#define TRIAL_STATUS 93 /* it came back; not what a program ends with by itself */

typedef const struct hawser_sim_program *init_function(const char *argument);

static bool load(const char *path, const char *argument, struct sim_guest *out, char *text,
                 size_t cap)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(text, cap, "%s", dlerror());
        return false;
    }
    void *symbol = dlsym(library, "hawser_sim_init");
    if (symbol == NULL) {
        snprintf(text, cap, "%s: has no hawser_sim_init (hawser/sim.h)", path);
        return false;
    }
    init_function *init;
    memcpy(&init, &symbol, sizeof init); /* ISO C has no conversion for this */
    const struct hawser_sim_program *program = init(argument);
    if (program == NULL) {
        snprintf(text, cap, "%s: refuses the argument '%s'", path, argument);
        return false;
    }
    if (program->version != HAWSER_SIM_VERSION) {
        snprintf(text, cap, "%s: made for version %u of hawser/sim.h, this is %u", path,
                 program->version, HAWSER_SIM_VERSION);
        return false;
    }
    if (program->begin == NULL || program->event == NULL) {
        snprintf(text, cap, "%s: has no %s function", path,
                 program->begin == NULL ? "begin" : "event");
        return false;
    }
    if (program->state_bytes > HAWSER_SIM_STATE_MAX) {
        snprintf(text, cap, "%s: wants %zu bytes of state, more than %u", path,
                 program->state_bytes, HAWSER_SIM_STATE_MAX);
        return false;
    }
    *out = (struct sim_guest){program, argument};
    return true;
}

static void try_apart(const char *path, const char *argument)
{
    struct sim_guest guest;
    char text[512];
    signal(SIGALRM, SIG_DFL);
    alarm(TRIAL_SECONDS);
    (void)load(path, argument, &guest, text, sizeof text);
    _exit(TRIAL_STATUS); /* what is wrong with it is told by the one who loads it to stay */
}

static bool survives(const char *path, const char *argument, char *text, size_t cap)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        try_apart(path, argument);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == TRIAL_STATUS)
        return true;
    const char *how = child < 0                     ? strerror(errno)
                      : !WIFSIGNALED(status)        ? "it ended the process"
                      : WTERMSIG(status) == SIGALRM ? "it did not come back"
                                                    : strsignal(WTERMSIG(status));
    snprintf(text, cap, "%s: cannot be loaded: %s", path, how);
    return false;
}

bool sim_guest_load(const char *path, const char *argument, struct sim_guest *out, char *text,
                    size_t cap)
{
    char *full = realpath(path, NULL); /* not what dlopen would find elsewhere by that name */
    if (full == NULL) {
        snprintf(text, cap, "%s: %s", path, strerror(errno));
        return false;
    }
    bool good = survives(full, argument, text, cap) && load(full, argument, out, text, cap);
    free(full);
    return good;
}
