/* SPDX-License-Identifier: MIT */
/* A history for people: as a sequence diagram, and as a script that plays one end's part. */
#ifndef EXHAUSTIVE_REPORT_H
#define EXHAUSTIVE_REPORT_H

#include <stdio.h>

#include "search.h"

void report_diagram(FILE *to, const struct setup *setup, const struct path *path);

/* What happens at one host (0 or 1) in packetdrill's language, for `hawser pkt`. */
void report_script(FILE *to, const struct setup *setup, const struct path *path, unsigned end);

/* The host that takes the last step: where the fault shows. */
unsigned report_place(const struct setup *setup, const struct path *path);

#endif
