/* SPDX-License-Identifier: MIT */
/* A Python that runs one program after the other, each in a name space of its own: starting one takes longer than most scripts. */
#ifndef PKT_PYTHON_H
#define PKT_PYTHON_H

#include <stddef.h>
#include <sys/types.h>

struct pkt_python { /* all zero = not started */
    pid_t pid;
    int programs, answers;
    char command[128]; /* what it was started with */
};

#define PKT_PYTHON_SAID_MAX 2048u

/* Runs a program, with `command` as the interpreter. It sees the function block(path, line, text, **names), which runs a piece of a script as if it stood
 * there. 0: it ran to its end; *said is empty. Else *said tells why not: "LINE: ErrorName: text", line 0 = no line is known. */
int pkt_python_run(struct pkt_python *python, const char *command, const char *program, size_t length, char said[PKT_PYTHON_SAID_MAX]);

/* Ends it; it can be used again. */
void pkt_python_stop(struct pkt_python *python);

#endif
