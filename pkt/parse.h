/* SPDX-License-Identifier: MIT */
/* The text of a packetdrill script into struct pkt_script; the options of scripts and command lines. */
#ifndef PKT_PARSE_H
#define PKT_PARSE_H

#include "pkt/arena.h"
#include "pkt/script.h"

/* Bounds, so that hostile text costs little: errors beyond them. */
#define PKT_TEXT_MAX (16u << 20)   /* bytes of a script */
#define PKT_EVENTS_MAX (1u << 18)  /* events of a script */
#define PKT_EXPRS_MAX (1u << 20)   /* nodes of all expressions together */
#define PKT_DEPTH_MAX 64u          /* lists within lists, terms of one A | B | … */
#define PKT_DEFINES_MAX 256u       /* of the command line and of the script together */

/* --name=value of the command line; value is NULL where there is none. */
struct pkt_argument {
    const char *name, *value;
};

struct pkt_parse_input {
    const char *path;         /* for messages; kept, not copied */
    const char *text;         /* anything may be in it; copied */
    size_t length;
    const struct pkt_define *defines; /* of the command line: they win over the script's of the same name. Kept, not copied. */
    size_t define_count;
    const struct pkt_argument *arguments; /* win over the script's option lines too. Kept, not copied. */
    size_t argument_count;
    enum pkt_family family;   /* where nobody says ip_version */
};

/* Returns 0 and *out, all of which lives in the arena (and in what input points to), or -1 and *error, with *out undefined.
 * When out->options.unsupported is set the script is a skip of that name; its events may be incomplete then. */
int pkt_parse(const struct pkt_parse_input *input, struct pkt_arena *arena, struct pkt_script *out, struct pkt_error *error);

/* What holds where nothing is said; addresses are filled in for the family by pkt_options_complete. */
void pkt_options_default(struct pkt_options *options, enum pkt_family family);

/* One option by its name without the dashes. Returns 0, or -1 and *error (its place is not touched): unknown, or a wrong value. A known option
 * that Hawser lacks is no error: options->unsupported then names it (where it is the first). `define` is none of these. */
int pkt_options_set(struct pkt_options *options, const char *name, const char *value, struct pkt_arena *arena, struct pkt_error *error);

/* Checks the addresses against the family and fills in those not given. Returns 0, or -1 and *error. pkt_parse has done it. */
int pkt_options_complete(struct pkt_options *options, struct pkt_error *error);

/* "NAME=value" of -D: quoted is a string, backticked a command, a number in C's ways an integer, anything else a word.
 * Returns 0, or -1 and *error: no name. */
int pkt_define_scan(const char *text, struct pkt_arena *arena, struct pkt_define *out, struct pkt_error *error);

/* How long TCP options are in a header. */
unsigned pkt_options_bytes(const struct pkt_option *options, size_t count);

#endif
