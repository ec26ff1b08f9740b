/* SPDX-License-Identifier: MIT */
/* The memory of one host, which can be saved and put back. */
#include "arena.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES ((size_t)ARENA_PAGE * ARENA_PAGES)
#define THREAD_ARENAS 2u

/* The sealed arenas of this thread: where its write faults may come from. */
static _Thread_local struct arena *mine[THREAD_ARENAS];

static void give_up(const char *what)
{
    fprintf(stderr, "exhaustive: %s\n", what);
    abort();
}

static bool first_write(struct arena *a, const uint8_t *at)
{
    if (a == NULL || at < a->base || at >= a->base + ARENA_BYTES)
        return false;
    size_t page = (size_t)(at - a->base) / ARENA_PAGE;
    uint8_t *start = a->base + page * ARENA_PAGE;
    memcpy(a->original + (size_t)a->dirty_count * ARENA_PAGE, start, ARENA_PAGE);
    a->dirty[a->dirty_count++] = (uint16_t)page;
    return mprotect(start, ARENA_PAGE, PROT_READ | PROT_WRITE) == 0;
}

/* A page that is written to twice is writable already, so whatever faults again is a true fault. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    for (unsigned i = 0; i < THREAD_ARENAS; i++) {
        if (first_write(mine[i], info->si_addr))
            return;
    }
    signal(number, SIG_DFL);
}

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *base = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    void *original = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED || original == MAP_FAILED)
        give_up("no memory for an arena");
    a->base = base;
    a->original = original;
}

void arena_deinit(struct arena *a)
{
    for (unsigned i = 0; i < THREAD_ARENAS; i++) {
        if (mine[i] == a)
            mine[i] = NULL;
    }
    munmap(a->base, ARENA_BYTES);
    munmap(a->original, ARENA_BYTES);
}

/* Memory is only ever handed out further on: what a path gives back is free again when an earlier
 * state is restored. All of it is zero there, as the interface asks. */
static void *acquire(void *context, size_t bytes)
{
    struct arena *a = context;
    size_t at = (a->used_bytes + 63) & ~(size_t)63;
    if (bytes > ARENA_BYTES - at)
        return NULL;
    a->used_bytes = at + bytes;
    return a->base + at;
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)memory;
    (void)bytes;
}

struct hawser_memory arena_memory(struct arena *a)
{
    return (struct hawser_memory){acquire, release, a};
}

void arena_seal(struct arena *a)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    unsigned slot = mine[0] == NULL ? 0 : 1;
    if (mine[slot] != NULL)
        give_up("too many arenas in one thread");
    mine[slot] = a;
    a->sealed = true;
    if (sigaction(SIGSEGV, &action, NULL) != 0 || mprotect(a->base, ARENA_BYTES, PROT_READ) != 0)
        give_up("memory cannot be protected");
}

void arena_save(const struct arena *a, struct arena_image *image)
{
    if (image->capacity < a->dirty_count) {
        image->capacity = a->dirty_count + 4;
        image->bytes = realloc(image->bytes, (size_t)image->capacity * ARENA_PAGE);
        if (image->bytes == NULL)
            give_up("no memory for an image");
    }
    for (unsigned i = 0; i < a->dirty_count; i++)
        memcpy(image->bytes + (size_t)i * ARENA_PAGE, a->base + (size_t)a->dirty[i] * ARENA_PAGE,
               ARENA_PAGE);
    image->pages = a->dirty_count;
    image->used_bytes = a->used_bytes;
}

void arena_restore(struct arena *a, const struct arena_image *image)
{
    for (unsigned i = 0; i < a->dirty_count; i++) {
        const uint8_t *from = i < image->pages ? image->bytes : a->original;
        memcpy(a->base + (size_t)a->dirty[i] * ARENA_PAGE, from + (size_t)i * ARENA_PAGE,
               ARENA_PAGE);
    }
    a->used_bytes = image->used_bytes;
}

void arena_image_free(struct arena_image *image)
{
    free(image->bytes);
    *image = (struct arena_image){0};
}
