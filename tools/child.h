/* SPDX-License-Identifier: MIT */
/* Other programs as children that never outlive us. */
#ifndef TOOLS_CHILD_H
#define TOOLS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    pid_t pid; /* 0 = none */
    int out;   /* what it prints, non-blocking; -1 = it goes to /dev/null */
};

/* Whether a program is on the PATH. */
bool child_exists(const char *program);

#define CHILD_FD 3 /* what the child calls the descriptor it is given */

/* Starts argv[0] of the PATH in a process group of its own, with nothing open but /dev/null, its
 * output, standard error if loud, and given_fd (-1 = none) as CHILD_FD. The kernel kills it when
 * we die. 0, or a negative errno value. */
int child_start(struct child *child, const char *const argv[], bool with_output, bool loud,
                int given_fd);

/* Kills it and its children if it still runs, and waits for it. Its exit status, or 128 + the
 * signal. */
int child_end(struct child *child, bool kill_it);

#endif
