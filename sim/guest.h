/* SPDX-License-Identifier: MIT */
/* A user's program in the simulator: loading it. What it is: hawser/sim.h. */
#ifndef HAWSER_SIM_GUEST_H
#define HAWSER_SIM_GUEST_H

#include <hawser/sim.h>

struct sim_guest {
    const struct hawser_sim_program *program; /* NULL = none */
    const char *argument;
};

/* Loads the file for the rest of the process. False: one line in text says what is wrong with it. */
bool sim_guest_load(const char *path, const char *argument, struct sim_guest *out, char *text,
                    size_t cap);

#endif
