/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP end a command, but only after it has cleaned up. */
#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <stdbool.h>

/* Once, at the start of the program. SIGPIPE is ignored from here on: writes tell. */
void signals_init(void);

/* True once somebody wants the program to end. */
bool signals_pending(void);

/* Becomes readable then: to be polled beside other descriptors. */
int signals_fd(void);

/* At the end of the program: if a signal ended it, lets the signal do it, so that the shell can
 * see. */
void signals_finish(void);

#endif
