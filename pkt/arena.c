/* SPDX-License-Identifier: MIT */
/* Blocks that double in size, so that a long script takes few of them and a short one little. */
#include "pkt/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pkt_arena_block {
    struct pkt_arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

#define FIRST_BLOCK 4096u
#define LARGEST_BLOCK (1u << 20)

static _Noreturn void no_memory(void)
{
    (void)fputs("hawser pkt: out of memory\n", stderr);
    exit(2);
}

static struct pkt_arena_block *new_block(struct pkt_arena *arena, size_t at_least)
{
    size_t size = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->size * 2;
    size = size > LARGEST_BLOCK ? LARGEST_BLOCK : size;
    size = size < at_least ? at_least : size;
    if (size > SIZE_MAX - sizeof(struct pkt_arena_block))
        no_memory();
    struct pkt_arena_block *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        no_memory();
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *pkt_arena_alloc(struct pkt_arena *arena, size_t size)
{
    size_t unit = alignof(max_align_t);
    if (size > SIZE_MAX - unit)
        no_memory();
    size = (size + unit - 1) / unit * unit;
    struct pkt_arena_block *block = arena->blocks;
    if (block == NULL || size > block->size - block->used)
        block = new_block(arena, size);
    void *memory = block->bytes + block->used;
    block->used += size;
    arena->bytes += size;
    return memory;
}

void *pkt_arena_array(struct pkt_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        no_memory();
    return pkt_arena_alloc(arena, count * size);
}

char *pkt_arena_text(struct pkt_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        no_memory();
    char *copy = pkt_arena_alloc(arena, length + 1);
    if (length != 0)
        memcpy(copy, text, length);
    return copy;
}

char *pkt_arena_printf(struct pkt_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t room = length < 0 ? 1 : (size_t)length + 1;
    char *text = pkt_arena_alloc(arena, room);
    (void)vsnprintf(text, room, format, again);
    va_end(again);
    return text;
}

void pkt_arena_free(struct pkt_arena *arena)
{
    struct pkt_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct pkt_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct pkt_arena){0};
}
