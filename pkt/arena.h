/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: what a script is made of. */
#ifndef PKT_ARENA_H
#define PKT_ARENA_H

#include <stddef.h>

struct pkt_arena_block;

struct pkt_arena { /* all zero = empty */
    struct pkt_arena_block *blocks; /* the first one is filled, the others are full */
    size_t bytes;                   /* given out, without the arena's own needs */
};

/* Zeroed memory, aligned for anything, valid until pkt_arena_free. Never NULL: a program without memory for a script ends with a message and status 2. */
void *pkt_arena_alloc(struct pkt_arena *arena, size_t size);

/* count * size bytes, with that product checked. */
void *pkt_arena_array(struct pkt_arena *arena, size_t count, size_t size);

/* A copy of length bytes, and a NUL. */
char *pkt_arena_text(struct pkt_arena *arena, const char *text, size_t length);

/* printf into the arena. */
char *pkt_arena_printf(struct pkt_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives everything back; the arena is empty and can be used again. */
void pkt_arena_free(struct pkt_arena *arena);

#endif
