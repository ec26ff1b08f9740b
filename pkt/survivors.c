/* SPDX-License-Identifier: MIT */
/* The list of mutants that may survive. */
#include "pkt/survivors.h"

#include <stdio.h>
#include <string.h>

static int fail(struct pkt_error *error, unsigned line, const char *text)
{
    error->place = (struct pkt_place){line, 1};
    (void)snprintf(error->text, sizeof error->text, "%s", text);
    return -1;
}

/* The next word of a line, which *at moves behind; NULL = none is left. */
static const char *next_word(const char **at, const char *end, struct pkt_arena *arena)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
        (*at)++;
    const char *begin = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
        (*at)++;
    return *at == begin ? NULL : pkt_arena_text(arena, begin, (size_t)(*at - begin));
}

/* "path:12" is cut at its colon; 0 = there is no number. */
static unsigned split_line(const char *word, struct pkt_survivor *row, struct pkt_arena *arena)
{
    const char *colon = strrchr(word, ':');
    unsigned line = 0;
    if (colon == NULL || colon == word || colon[1] == '\0')
        return 0;
    for (const char *digit = colon + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || line > 100000000)
            return 0;
        line = line * 10 + (unsigned)(*digit - '0');
    }
    row->script = pkt_arena_text(arena, word, (size_t)(colon - word));
    return line;
}

static bool find_mutation(const char *name, enum pkt_mutation *out)
{
    for (int i = 0; i < PKT_MUTATIONS; i++) {
        if (strcmp(pkt_mutation_name((enum pkt_mutation)i), name) == 0) {
            *out = (enum pkt_mutation)i;
            return true;
        }
    }
    return false;
}

static struct pkt_survivor *find_row(const struct pkt_survivors *survivors, const char *script,
                                     unsigned line, enum pkt_mutation mutation)
{
    for (size_t i = 0; i < survivors->count; i++) {
        struct pkt_survivor *row = &survivors->rows[i];
        if (row->line == line && row->mutation == mutation && strcmp(row->script, script) == 0)
            return row;
    }
    return NULL;
}

static int read_row(const char *line, const char *end, unsigned number, struct pkt_arena *arena,
                    struct pkt_survivors *survivors, struct pkt_error *error)
{
    const char *at = line;
    const char *where = next_word(&at, end, arena);
    if (where == NULL || where[0] == '#')
        return 0;
    struct pkt_survivor row = {.place = {number, 1}};
    row.line = split_line(where, &row, arena);
    if (row.line == 0)
        return fail(error, number, "expected SCRIPT:LINE KIND REASON");
    const char *kind = next_word(&at, end, arena);
    if (kind == NULL || !find_mutation(kind, &row.mutation))
        return fail(error, number, "expected the kind of a mutation behind SCRIPT:LINE");
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end || *at == '\r')
        return fail(error, number, "expected the reason why it survives");
    row.reason = pkt_arena_text(arena, at, (size_t)(end - at));
    if (find_row(survivors, row.script, row.line, row.mutation) != NULL)
        return fail(error, number, "this one is there already");
    survivors->rows[survivors->count++] = row;
    return 0;
}

int pkt_survivors_read(const char *text, size_t length, struct pkt_arena *arena,
                       struct pkt_survivors *out, struct pkt_error *error)
{
    const char *end = text + length;
    size_t lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    *out = (struct pkt_survivors){.rows = pkt_arena_array(arena, lines, sizeof *out->rows)};
    unsigned number = 1;
    for (const char *line = text; line < end; number++) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = feed == NULL ? end : feed;
        if (read_row(line, line_end, number, arena, out, error) != 0)
            return -1;
        line = line_end + 1;
    }
    return 0;
}

const struct pkt_survivor *pkt_survivors_explain(struct pkt_survivors *survivors,
                                                 const char *script,
                                                 const struct pkt_mutant *mutant)
{
    struct pkt_survivor *row = find_row(survivors, script, mutant->place.line, mutant->mutation);
    if (row != NULL)
        row->used = true;
    return row;
}

const struct pkt_survivor *pkt_survivors_stale(const struct pkt_survivors *survivors,
                                               const char *script, size_t *at)
{
    while (*at < survivors->count) {
        const struct pkt_survivor *row = &survivors->rows[(*at)++];
        if (!row->used && strcmp(row->script, script) == 0)
            return row;
    }
    return NULL;
}
