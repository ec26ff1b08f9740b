/* SPDX-License-Identifier: MIT */
/* A set of numbers, and one with a value each, that threads fill together. Nothing is ever taken out. */
#ifndef EXHAUSTIVE_TABLE_H
#define EXHAUSTIVE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    _Atomic uint64_t *keys;     /* 0 = free */
    _Atomic uint64_t *values;   /* NULL: a set */
    size_t mask;
    _Atomic size_t count;
};

void table_init(struct table *t, size_t places, bool with_values);
void table_deinit(struct table *t);

/* True: it was not there. */
bool table_add(struct table *t, uint64_t key);
bool table_has(const struct table *t, uint64_t key);

/* Adds a key with its value (not 0), or compares: false when it is there with another one. */
bool table_agrees(struct table *t, uint64_t key, uint64_t value);

static inline bool table_is_full(const struct table *t)
{
    return t->count > t->mask / 4 * 3;
}

#endif
