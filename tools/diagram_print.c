/* SPDX-License-Identifier: MIT */
/* Draws a diagram. A line is: time, state, |, 52 columns of arrow, |, state, time. */
#include <string.h>

#include "diagram_rows.h"

#define ARROW_COLUMNS 50u
#define OUTSIDE_COLUMNS 23u

struct glyphs {
    const char *line, *right, *left, *lost, *side;
};

static const struct glyphs ascii_glyphs = {"-", ">", "<", "x", "|"};
static const struct glyphs utf8_glyphs = {"─", "▶", "◀", "✗", "│"};

static double seconds(const struct diagram *diagram, uint64_t at_ns)
{
    return (double)(at_ns - diagram->start_ns) / 1e9;
}

static size_t print_flags(unsigned flags, char *out, size_t cap)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{DIAGRAM_SYN, "SYN"}, {DIAGRAM_FIN, "FIN"}, {DIAGRAM_RST, "RST"},
                 {DIAGRAM_PSH, "PSH"}, {DIAGRAM_URG, "URG"}, {DIAGRAM_ACK, "ACK"}};
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((flags & names[i].flag) != 0 && length + 5 < cap)
            length += (size_t)snprintf(out + length, cap - length, "%s%s", length != 0 ? "," : "",
                                       names[i].name);
    return length;
}

static void print_segment(const struct diagram *diagram, const struct diagram_row *row,
                          char out[ARROW_COLUMNS])
{
    const struct hawser_segment *segment = &row->segment;
    const struct diagram_side *sender = &diagram->sides[row->from],
                              *receiver = &diagram->sides[1 - row->from];
    char flags[28], ack[20] = "";
    print_flags(segment->flags, flags, sizeof flags);
    if ((segment->flags & DIAGRAM_ACK) != 0)
        snprintf(ack, sizeof ack, " ACK=%u", segment->ack - receiver->isn);
    snprintf(out, ARROW_COLUMNS, " %s SEQ=%u%s LEN=%u%s ", flags, segment->seq - sender->isn, ack,
             segment->length, segment->retransmission ? " again" : "");
}

static void repeat(FILE *out, const char *glyph, size_t n)
{
    while (n-- > 0)
        fputs(glyph, out);
}

/* The head of the arrow is at the receiver's side; a segment that was lost ends in a cross
 * half-way. */
static void draw_arrow(const struct diagram *diagram, const struct diagram_row *row,
                       const struct glyphs *glyphs, FILE *out)
{
    char text[ARROW_COLUMNS];
    print_segment(diagram, row, text);
    size_t free_columns = ARROW_COLUMNS - strlen(text);
    size_t shaft = free_columns > 4 ? free_columns - 3 : 1, empty = 0;
    if (!row->arrived) {
        empty = shaft / 2;
        shaft -= empty;
    }
    const char *head = !row->arrived ? glyphs->lost : row->from == 0 ? glyphs->right : glyphs->left;
    if (row->from == 0) {
        repeat(out, glyphs->line, 2);
        fputs(text, out);
        repeat(out, glyphs->line, shaft);
        fputs(head, out);
        repeat(out, " ", empty);
    } else {
        repeat(out, " ", empty);
        fputs(head, out);
        repeat(out, glyphs->line, shaft);
        fputs(text, out);
        repeat(out, glyphs->line, 2);
    }
}

static void draw_note(const struct diagram_row *row, FILE *out)
{
    char text[ARROW_COLUMNS];
    snprintf(text, sizeof text, "%s", row->note != NULL ? row->note : "");
    fprintf(out, row->from == 0 ? " %-*s" : "%*s ", (int)ARROW_COLUMNS - 1, text);
}

/* The outer part of a row on one side: time inside out, so that states stand next to the arrows. */
static void format_outside(const struct diagram *diagram, const struct diagram_row *row,
                           unsigned side, char out[OUTSIDE_COLUMNS + 1])
{
    char time[16] = "";
    const char *state = row->changed[side] ? hawser_state_name(row->state[side]) : "";
    if (row->from == side || row->arrived)
        snprintf(time, sizeof time, "%.3f", seconds(diagram, row->at_ns[side]));
    if (side == 0)
        snprintf(out, OUTSIDE_COLUMNS + 1, "%9s %12s ", time, state);
    else
        snprintf(out, OUTSIDE_COLUMNS + 1, " %-12s %9s", state, time);
}

static void trim_and_end(char *text, FILE *out)
{
    size_t length = strlen(text);
    while (length != 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    fprintf(out, "%s\n", text);
}

static void draw_row(const struct diagram *diagram, const struct diagram_row *row,
                     const struct glyphs *glyphs, FILE *out)
{
    char outside[OUTSIDE_COLUMNS + 1];
    format_outside(diagram, row, 0, outside);
    fprintf(out, "%s%s", outside, glyphs->side);
    if (row->is_segment)
        draw_arrow(diagram, row, glyphs, out);
    else
        draw_note(row, out);
    fputs(glyphs->side, out);
    format_outside(diagram, row, 1, outside);
    trim_and_end(outside, out);
}

static void draw_head(const struct diagram *diagram, const struct glyphs *glyphs, FILE *out)
{
    char endpoints[2][HAWSER_ADDRESS_TEXT_MAX + 8];
    for (unsigned i = 0; i < 2; i++) {
        char address[HAWSER_ADDRESS_TEXT_MAX];
        const struct diagram_side *side = &diagram->sides[i];
        hawser_address_print(&side->endpoint.address, address);
        snprintf(endpoints[i], sizeof endpoints[i],
                 hawser_address_is_v4(&side->endpoint.address) ? "%s:%u" : "[%s]:%u", address,
                 side->endpoint.port);
        if (side->has_isn)
            fprintf(out, "%s is %s, its initial sequence number (SEQ=0) is %u\n", side->name,
                    endpoints[i], side->isn);
        else
            fprintf(out, "%s is %s\n", side->name, endpoints[i]);
    }
    fprintf(out, "\n%9s %12s  %-*s%*s  %-12s %9s\n", "seconds", "state", (int)ARROW_COLUMNS / 2,
            diagram->sides[0].name, (int)(ARROW_COLUMNS - ARROW_COLUMNS / 2),
            diagram->sides[1].name, "state", "seconds");
    const struct diagram_side *left = &diagram->sides[0], *right = &diagram->sides[1];
    fprintf(out, "%9s %12s %s%*s%s %s\n", "", left->listens ? "LISTEN" : "CLOSED", glyphs->side,
            (int)ARROW_COLUMNS, "", glyphs->side, right->listens ? "LISTEN" : "CLOSED");
}

void diagram_print(const struct diagram *diagram, FILE *out, bool utf8)
{
    const struct glyphs *glyphs = utf8 ? &utf8_glyphs : &ascii_glyphs;
    draw_head(diagram, glyphs, out);
    for (size_t i = 0; i < diagram->count; i++)
        draw_row(diagram, &diagram->rows[i], glyphs, out);
}
