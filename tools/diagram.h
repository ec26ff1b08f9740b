/* SPDX-License-Identifier: MIT */
/* The life of one connection as a sequence diagram in text, made of the trace events of both its
 * hosts. */
#ifndef TOOLS_DIAGRAM_H
#define TOOLS_DIAGRAM_H

#include <stdbool.h>
#include <stdio.h>

#include <hawser/trace.h>

/* Two columns, one for each host. A row is a segment, with the time at which it left on the side
 * that sent it and the time at which it arrived on the other; or something that happened on one
 * side alone. States stand on the outside, where they change. Sequence numbers are relative to the
 * ISNs, which stand at the top. At most 100 columns wide. */
struct diagram;

#define DIAGRAM_NAME_MAX 32

/* left and right name the hosts; the first connection whose SYN is traced is the one that is drawn.
 * NULL: no memory. */
struct diagram *diagram_create(const char *left, const char *right);
void diagram_destroy(struct diagram *diagram);

/* A host's trace_context for diagram_trace: side 0 is left, 1 right. Valid as long as the
 * diagram. */
void *diagram_side(struct diagram *diagram, unsigned side);

/* A host's trace function. */
void diagram_trace(void *side, const struct hawser_trace_event *event);

/* Times are shown in seconds since the first event. utf8: drawn with lines and arrows, else in
 * ASCII. */
void diagram_print(const struct diagram *diagram, FILE *out, bool utf8);

/* Segments drawn so far. */
unsigned diagram_segments(const struct diagram *diagram);

#endif
