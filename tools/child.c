/* SPDX-License-Identifier: MIT */
/* Other programs as children that never outlive us. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool child_exists(const char *program)
{
    const char *path = getenv("PATH");
    char name[4096];
    while (path != NULL) {
        size_t length = strcspn(path, ":");
        int n = snprintf(name, sizeof name, "%.*s/%s", (int)length, path, program);
        if (n > 0 && (size_t)n < sizeof name && access(name, X_OK) == 0)
            return true;
        path = path[length] == ':' ? path + length + 1 : NULL;
    }
    return false;
}

/* In the child: only what an exec needs, as after any fork. */
static _Noreturn void become(const char *const argv[], pid_t parent, int out, bool loud,
                             int given_fd)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before prctl */
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    /* Above all targets first, so that no dup2 closes what a later one needs. */
    int high_out = fcntl(out >= 0 ? out : null, F_DUPFD, 10);
    int high_given = given_fd >= 0 ? fcntl(given_fd, F_DUPFD, 10) : -1;
    dup2(null, STDIN_FILENO);
    dup2(high_out, STDOUT_FILENO);
    if (!loud)
        dup2(null, STDERR_FILENO);
    if (high_given >= 0)
        dup2(high_given, CHILD_FD);
    close_range(high_given >= 0 ? CHILD_FD + 1 : CHILD_FD, ~0u, 0);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int child_start(struct child *child, const char *const argv[], bool with_output, bool loud,
                int given_fd)
{
    int ends[2] = {-1, -1};
    if (with_output && pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(argv, parent, ends[1], loud, given_fd);
    int error = pid < 0 ? errno : 0;
    if (ends[1] >= 0)
        close(ends[1]);
    if (error != 0) {
        if (ends[0] >= 0)
            close(ends[0]);
        return -error;
    }
    setpgid(pid, pid); /* whoever of us comes first */
    if (ends[0] >= 0)
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *child = (struct child){.pid = pid, .out = ends[0]};
    return 0;
}

int child_end(struct child *child, bool kill_it)
{
    int status = 0;
    if (child->pid <= 0)
        return 0;
    if (kill_it)
        kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child->out >= 0)
        close(child->out);
    *child = (struct child){.out = -1};
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
