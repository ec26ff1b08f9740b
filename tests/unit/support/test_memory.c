/* SPDX-License-Identifier: MIT */
/* A memory source for tests. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/test_memory.h"

#define ALIGNMENT 64
#define FILL_RELEASED 0xdb
#define MAGIC_HELD UINT64_C(0x68656c642d626c6b)

/* Lies in front of what is handed out, and fills a cache line so that the alignment holds. */
struct test_memory_block {
    _Alignas(ALIGNMENT) struct test_memory_block *next;
    struct test_memory_block *prev;
    uint64_t magic;
    size_t bytes;
};

static void *acquire(void *context, size_t bytes)
{
    struct test_memory *t = context;
    t->requests_count++;
    if (t->refuse_first != 0 && t->requests_count >= t->refuse_first &&
        t->requests_count <= t->refuse_last) {
        t->refused_count++;
        return NULL;
    }
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct test_memory_block *block = aligned_alloc(ALIGNMENT, sizeof *block + rounded);
    assert_non_null(block);
    memset(block, 0, sizeof *block + rounded);
    block->magic = MAGIC_HELD;
    block->bytes = bytes;
    block->next = t->held;
    if (t->held != NULL)
        t->held->prev = block;
    t->held = block;
    t->held_count++;
    t->held_bytes += bytes;
    return block + 1;
}

static void release(void *context, void *memory, size_t bytes)
{
    struct test_memory *t = context;
    assert_non_null(memory);
    struct test_memory_block *block = (struct test_memory_block *)memory - 1;
    assert_true(block->magic == MAGIC_HELD);
    assert_int_equal(block->bytes, bytes);
    if (block->next != NULL)
        block->next->prev = block->prev;
    if (block->prev != NULL)
        block->prev->next = block->next;
    else
        t->held = block->next;
    t->held_count--;
    t->held_bytes -= bytes;
    memset(block, FILL_RELEASED, sizeof *block + bytes);
    free(block);
}

void test_memory_init(struct test_memory *t)
{
    memset(t, 0, sizeof *t);
    t->source = (struct hawser_memory){.acquire = acquire, .release = release, .context = t};
}

void test_memory_refuse_nth(struct test_memory *t, uint64_t nth)
{
    t->requests_count = 0;
    t->refuse_first = nth;
    t->refuse_last = nth;
}

void test_memory_refuse_from(struct test_memory *t, uint64_t nth)
{
    t->requests_count = 0;
    t->refuse_first = nth;
    t->refuse_last = UINT64_MAX;
}

void test_memory_deinit(struct test_memory *t)
{
    uint64_t count = t->held_count;
    uint64_t bytes = t->held_bytes;
    while (t->held != NULL)
        release(t, t->held + 1, t->held->bytes);
    assert_int_equal(bytes, 0);
    assert_int_equal(count, 0);
}
