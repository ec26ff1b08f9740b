/* SPDX-License-Identifier: MIT */
/* Sets that threads fill together: open addressing, one compare-and-swap to add. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void *zeroed(size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory != MAP_FAILED)
        return memory;
    fprintf(stderr, "exhaustive: no memory for a table of %zu bytes\n", bytes);
    exit(2);
}

void table_init(struct table *t, size_t places, bool with_values)
{
    size_t size = 1024;
    while (size * 2 <= places)
        size *= 2;
    t->mask = size - 1;
    t->count = 0;
    t->keys = zeroed(size * sizeof *t->keys);
    t->values = with_values ? zeroed(size * sizeof *t->values) : NULL;
}

void table_deinit(struct table *t)
{
    munmap((void *)t->keys, (t->mask + 1) * sizeof *t->keys);
    if (t->values != NULL)
        munmap((void *)t->values, (t->mask + 1) * sizeof *t->values);
}

/* The place of a key; *added: it is new there. */
static size_t place_of(struct table *t, uint64_t key, bool *added)
{
    *added = false;
    for (size_t i = key & t->mask;; i = (i + 1) & t->mask) {
        uint64_t there = atomic_load_explicit(&t->keys[i], memory_order_relaxed);
        if (there == 0 && atomic_compare_exchange_strong(&t->keys[i], &there, key)) {
            atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
            *added = true;
            return i;
        }
        if (there == key)
            return i;
    }
}

bool table_add(struct table *t, uint64_t key)
{
    bool added;
    place_of(t, key, &added);
    return added;
}

bool table_has(const struct table *t, uint64_t key)
{
    for (size_t i = key & t->mask;; i = (i + 1) & t->mask) {
        uint64_t there = atomic_load_explicit(&t->keys[i], memory_order_relaxed);
        if (there == 0 || there == key)
            return there == key;
    }
}

bool table_agrees(struct table *t, uint64_t key, uint64_t value)
{
    bool added;
    uint64_t there = 0;
    size_t i = place_of(t, key, &added);
    return atomic_compare_exchange_strong(&t->values[i], &there, value) || there == value;
}
