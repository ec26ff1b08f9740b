/* SPDX-License-Identifier: MIT */
/* The rows of a diagram: what diagram.c collects and diagram_print.c draws. */
#ifndef TOOLS_DIAGRAM_ROWS_H
#define TOOLS_DIAGRAM_ROWS_H

#include "diagram.h"

#define DIAGRAM_FIN 1u
#define DIAGRAM_SYN 2u
#define DIAGRAM_RST 4u
#define DIAGRAM_PSH 8u
#define DIAGRAM_ACK 16u
#define DIAGRAM_URG 32u

#define NO_ROW SIZE_MAX

struct diagram_row {
    unsigned from; /* side of the sender, or where it happened */
    bool is_segment, arrived;
    bool changed[2]; /* a state to be shown */
    enum hawser_state state[2];
    uint64_t at_ns[2]; /* left and arrived; of what is no segment: from's only */
    const char *note;  /* of a row that is no segment: why */
    struct hawser_segment segment;
};

struct diagram_side {
    struct diagram *diagram;
    char name[DIAGRAM_NAME_MAX];
    struct hawser_endpoint endpoint;
    enum hawser_state state; /* present one */
    bool has_isn, listens;
    uint32_t isn;
    size_t last_in;           /* row of the last segment that came in, or NO_ROW */
    uint64_t record_until_ns; /* when its TIME-WAIT ends, 0 = it has none */
};

struct diagram {
    struct diagram_side sides[2];
    bool known, started;
    uint64_t start_ns;
    unsigned segments;
    struct diagram_row *rows;
    size_t count, room;
};

#endif
