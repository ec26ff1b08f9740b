/* SPDX-License-Identifier: MIT */
/* The memory of one host, which can be saved and put back: a host has no other state, so this is the host. */
#ifndef EXHAUSTIVE_ARENA_H
#define EXHAUSTIVE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/config.h>

#define ARENA_PAGE 4096u
#define ARENA_PAGES 1024u

/* Pages are write-protected when the arena is sealed; the first write to one adds it to the list of those that are saved. So the list is exact, and a step
 * costs nothing for pages that no host ever writes to. */
struct arena {
    uint8_t *base;
    size_t used_bytes;
    bool sealed;
    uint8_t *original;              /* of every page on the list, as it was at the seal; in list order */
    unsigned dirty_count;
    uint16_t dirty[ARENA_PAGES];
};

/* One state of an arena: the pages on the list, in list order. Grows as the list does. */
struct arena_image {
    uint8_t *bytes;
    unsigned pages, capacity;
    size_t used_bytes;
};

void arena_init(struct arena *a);
void arena_deinit(struct arena *a);
struct hawser_memory arena_memory(struct arena *a);

/* From now on writes are noticed. The calling thread is the only one that writes to its arenas. */
void arena_seal(struct arena *a);

void arena_save(const struct arena *a, struct arena_image *image);
void arena_restore(struct arena *a, const struct arena_image *image);
void arena_image_free(struct arena_image *image);

#endif
