/* SPDX-License-Identifier: MIT */
/* The life of one connection as a sequence diagram in text: collecting its rows from trace
 * events. */
#include <stdlib.h>
#include <string.h>

#include "diagram_rows.h"

#define ROWS_MAX 100000u /* some 10 MB: a diagram of more is nothing for a person */

struct diagram *diagram_create(const char *left, const char *right)
{
    struct diagram *diagram = calloc(1, sizeof *diagram);
    if (diagram == NULL)
        return NULL;
    const char *const names[2] = {left, right};
    for (unsigned i = 0; i < 2; i++) {
        diagram->sides[i].diagram = diagram;
        diagram->sides[i].state = HAWSER_CLOSED;
        diagram->sides[i].last_in = NO_ROW;
        snprintf(diagram->sides[i].name, sizeof diagram->sides[i].name, "%s", names[i]);
    }
    return diagram;
}

void diagram_destroy(struct diagram *diagram)
{
    if (diagram == NULL)
        return;
    free(diagram->rows);
    free(diagram);
}

void *diagram_side(struct diagram *diagram, unsigned side)
{
    return &diagram->sides[side & 1];
}

unsigned diagram_segments(const struct diagram *diagram)
{
    return diagram->segments;
}

static struct diagram_row *add_row(struct diagram *diagram, unsigned side, uint64_t now_ns)
{
    if (diagram->count == ROWS_MAX)
        return NULL;
    if (diagram->count == diagram->room) {
        size_t room = diagram->room != 0 ? 2 * diagram->room : 64;
        struct diagram_row *rows = realloc(diagram->rows, room * sizeof *rows);
        if (rows == NULL)
            return NULL;
        diagram->rows = rows;
        diagram->room = room;
    }
    struct diagram_row *row = &diagram->rows[diagram->count++];
    *row = (struct diagram_row){.from = side};
    row->at_ns[side] = now_ns;
    return row;
}

/* Whether an event is about the connection that is drawn; the first SYN decides which one that
 * is. */
static bool is_ours(struct diagram *diagram, unsigned side, const struct hawser_trace_event *event)
{
    struct diagram_side *own = &diagram->sides[side], *other = &diagram->sides[1 - side];
    if (event->local.port == 0 || event->remote.port == 0)
        return false;
    if (!diagram->known && event->kind == HAWSER_TRACE_SEGMENT_OUT &&
        (event->segment.flags & DIAGRAM_SYN) != 0) {
        diagram->known = true;
        own->endpoint = event->local;
        other->endpoint = event->remote;
    }
    /* What comes before the SYN is its OPEN. */
    return !diagram->known ||
           (event->local.port == own->endpoint.port && event->remote.port == other->endpoint.port);
}

/* A state that changed because of a segment stands beside that segment; one that the program
 * changed stands beside the segment that follows from it, if one does at once. */
static bool by_segment(enum hawser_cause cause)
{
    switch (cause) {
    case HAWSER_CAUSE_SYN:
    case HAWSER_CAUSE_SYN_ACK:
    case HAWSER_CAUSE_ACK_OF_SYN:
    case HAWSER_CAUSE_ACK_OF_FIN:
    case HAWSER_CAUSE_FIN:
    case HAWSER_CAUSE_RST:
    case HAWSER_CAUSE_REUSED:
    case HAWSER_CAUSE_DATA_AFTER_CLOSE:
        return true;
    case HAWSER_CAUSE_OPEN_ACTIVE:
    case HAWSER_CAUSE_OPEN_PASSIVE:
    case HAWSER_CAUSE_CLOSE:
    case HAWSER_CAUSE_ABORT:
    case HAWSER_CAUSE_TIMEOUT_USER:
    case HAWSER_CAUSE_TIMEOUT_RETRANSMISSION:
    case HAWSER_CAUSE_TIMEOUT_KEEPALIVE:
    case HAWSER_CAUSE_TIMEOUT_2MSL:
    case HAWSER_CAUSE_TIMEOUT_FIN_WAIT_2:
    case HAWSER_CAUSE_ICMP:
    case HAWSER_CAUSE_ADDRESS_GONE:
    case HAWSER_CAUSE_UNREAD_DATA:
    case HAWSER_CAUSE_OVERFLOW:
    case HAWSER_CAUSE_COUNT:
        return false;
    }
    return false;
}

static void note_state(struct diagram *diagram, unsigned side, uint64_t now_ns,
                       enum hawser_state to, enum hawser_cause cause)
{
    struct diagram_side *own = &diagram->sides[side];
    if (own->state == to)
        return;
    own->state = to;
    struct diagram_row *row = NULL;
    if (by_segment(cause) && own->last_in != NO_ROW &&
        diagram->rows[own->last_in].at_ns[side] == now_ns)
        row = &diagram->rows[own->last_in];
    else if ((row = add_row(diagram, side, now_ns)) != NULL)
        row->note = hawser_cause_text(cause);
    if (row != NULL) {
        row->state[side] = to;
        row->changed[side] = true;
    }
}

static void note_out(struct diagram *diagram, unsigned side, const struct hawser_trace_event *event)
{
    struct diagram_side *own = &diagram->sides[side];
    const struct hawser_segment *segment = &event->segment;
    if ((segment->flags & DIAGRAM_SYN) != 0 && !own->has_isn) {
        own->has_isn = true;
        own->isn = segment->seq;
    }
    /* The row of the call that led to this segment becomes the segment's row. */
    struct diagram_row *row = diagram->count != 0 ? &diagram->rows[diagram->count - 1] : NULL;
    if (row == NULL || row->is_segment || row->from != side || row->at_ns[side] != event->now_ns)
        row = add_row(diagram, side, event->now_ns);
    if (row == NULL)
        return;
    row->is_segment = true;
    row->segment = *segment;
    diagram->segments++;
}

static void note_in(struct diagram *diagram, unsigned side, const struct hawser_trace_event *event)
{
    for (size_t i = 0; i < diagram->count; i++) {
        struct diagram_row *row = &diagram->rows[i];
        const struct hawser_segment *sent = &row->segment, *came = &event->segment;
        if (!row->is_segment || row->from == side || row->arrived || sent->seq != came->seq ||
            sent->ack != came->ack || sent->flags != came->flags || sent->length != came->length ||
            sent->window != came->window)
            continue;
        row->arrived = true;
        row->at_ns[side] = event->now_ns;
        diagram->sides[side].last_in = i;
        return;
    }
}

static void note_record(struct diagram *diagram, unsigned side,
                        const struct hawser_trace_event *event)
{
    struct diagram_side *own = &diagram->sides[side];
    switch (event->record) {
    case HAWSER_RECORD_ENTERED:
    case HAWSER_RECORD_RESTARTED:
        own->record_until_ns = event->until_ns;
        break;
    case HAWSER_RECORD_EXPIRED:
        note_state(diagram, side, event->now_ns, HAWSER_CLOSED, HAWSER_CAUSE_TIMEOUT_2MSL);
        break;
    case HAWSER_RECORD_REUSED_BY_SYN:
    case HAWSER_RECORD_REUSED_BY_OPEN:
        note_state(diagram, side, event->now_ns, HAWSER_CLOSED, HAWSER_CAUSE_REUSED);
        break;
    case HAWSER_RECORD_RESET:
        note_state(diagram, side, event->now_ns, HAWSER_CLOSED, HAWSER_CAUSE_RST);
        break;
    case HAWSER_RECORD_EVICTED:
        note_state(diagram, side, event->now_ns, HAWSER_CLOSED, HAWSER_CAUSE_OVERFLOW);
        break;
    }
}

void diagram_trace(void *context, const struct hawser_trace_event *event)
{
    struct diagram_side *own = context;
    struct diagram *diagram = own->diagram;
    unsigned side = own == &diagram->sides[1];
    if (!diagram->started) {
        diagram->started = true;
        diagram->start_ns = event->now_ns;
    }
    if (event->kind == HAWSER_TRACE_STATE &&
        event->to == HAWSER_LISTEN) { /* the only state without a remote end */
        own->listens = true;
        own->state = HAWSER_LISTEN;
        return;
    }
    if (!is_ours(diagram, side, event))
        return;
    switch (event->kind) {
    case HAWSER_TRACE_SEGMENT_IN:
        note_in(diagram, side, event);
        break;
    case HAWSER_TRACE_SEGMENT_OUT:
        note_out(diagram, side, event);
        break;
    case HAWSER_TRACE_STATE:
        note_state(diagram, side, event->now_ns, event->to, event->cause);
        break;
    case HAWSER_TRACE_RECORD:
        note_record(diagram, side, event);
        break;
    case HAWSER_TRACE_TIMER:
    case HAWSER_TRACE_DROP:
        break; /* the segments that follow tell it */
    }
}
