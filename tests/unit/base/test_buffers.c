/* SPDX-License-Identifier: MIT */
/* Buffers in classes: sizes, limits, reuse across classes, refusals at every request. */
#include "support/unit.h"

#include <sys/mman.h>

#include "base/assert.h"
#include "base/buffers.h"
#include "base/prng.h"
#include "support/test_memory.h"

#define CHUNK (UINT32_C(1) << 16)

static struct test_memory source;
static struct memory memory;
static struct buffers buffers;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    buffers_init(&buffers, &memory, UINT64_C(1) << 24, CHUNK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffers_deinit(&buffers);
    assert_int_equal(memory.used_bytes, 0);
    test_memory_deinit(&source);
    return 0;
}

static void test_classes(void **state)
{
    (void)state;
    static const struct {
        uint32_t bytes, shift;
    } rows[] = {
        {0, 11},    {1, 11},     {2047, 11},  {2048, 11},     {2049, 12},           {4096, 12},
        {4097, 13}, {65536, 16}, {65537, 17}, {1u << 29, 29}, {(1u << 29) + 1, 30}, {1u << 30, 30},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(buffers_shift_for(rows[i].bytes), rows[i].shift);
}

/* Every class gives whole, aligned buffers that do not overlap. */
static void test_buffers_are_apart(void **state)
{
    (void)state;
    enum { EACH = 5, FIRST = 11, LAST = 18 };
    uint8_t *taken[LAST + 1][EACH];
    for (uint32_t shift = FIRST; shift <= LAST; shift++) {
        for (unsigned i = 0; i < EACH; i++) {
            taken[shift][i] = buffers_take(&buffers, shift);
            assert_non_null(taken[shift][i]);
            assert_int_equal((uintptr_t)taken[shift][i] % 64, 0);
            memset(taken[shift][i], (int)(shift * 8 + i), (size_t)1 << shift);
        }
    }
    for (uint32_t shift = FIRST; shift <= LAST; shift++) {
        for (unsigned i = 0; i < EACH; i++) {
            for (size_t j = 0; j < (size_t)1 << shift; j += 61)
                assert_int_equal(taken[shift][i][j], (uint8_t)(shift * 8 + i));
            buffers_give(&buffers, taken[shift][i], shift);
        }
    }
    assert_int_equal(buffers.used_bytes, 0);
    assert_int_equal(buffers.high_bytes, EACH * ((1u << (LAST + 1)) - (1u << FIRST)));
}

static void test_limit_counts_what_is_out(void **state)
{
    (void)state;
    buffers.limit_bytes = 2 * CHUNK + 2048;
    uint8_t *large = buffers_take(&buffers, 17);
    assert_non_null(large);
    uint8_t *small = buffers_take(&buffers, 11);
    assert_non_null(small);
    assert_null(buffers_take(&buffers, 11));
    assert_null(buffers_take(&buffers, 30));
    assert_int_equal(buffers.refused_count, 2);
    buffers_give(&buffers, small, 11);
    assert_null(buffers_take(&buffers, 12));
    small = buffers_take(&buffers, 11);
    assert_non_null(small);
    buffers_give(&buffers, small, 11);
    buffers_give(&buffers, large, 17);
}

static void test_reuse_asks_for_nothing(void **state)
{
    (void)state;
    for (uint32_t shift = 11; shift <= 20; shift++) {
        uint8_t *first = buffers_take(&buffers, shift);
        buffers_give(&buffers, first, shift);
        uint64_t requests = source.requests_count;
        for (unsigned i = 0; i < 10; i++) {
            uint8_t *again = buffers_take(&buffers, shift);
            assert_ptr_equal(again, first);
            buffers_give(&buffers, again, shift);
        }
        assert_int_equal(source.requests_count, requests);
    }
}

/* All the memory spent on the smallest class must serve another one when it is back: sizes are the
 * peers' choice. */
static void test_no_class_starves_another(void **state)
{
    (void)state;
    enum { CHUNKS = 8, PIECES = CHUNK / 2048 };
    static uint8_t *small[CHUNKS * PIECES];
    for (unsigned i = 0; i < COUNT_OF(small); i++)
        small[i] = buffers_take(&buffers, 11);
    uint64_t held = memory.used_bytes;
    memory.limit_bytes = held; /* from here on there is nothing more */
    assert_null(buffers_take(&buffers, 12));
    for (unsigned i = 0; i < COUNT_OF(small); i++)
        buffers_give(&buffers, small[i], 11);
    static const struct {
        uint32_t shift;
        unsigned count;
    } rows[] = {
        {12, CHUNKS * PIECES / 2},               /* chunks change their class */
        {15, CHUNKS * 2},          {16, CHUNKS}, /* chunks go back, large buffers come */
        {18, CHUNKS / 4},                        /* large buffers make room for larger ones */
        {17, CHUNKS / 2},          {13, CHUNKS * PIECES / 4}, /* and for chunks */
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        for (unsigned i = 0; i < rows[r].count; i++) {
            small[i] = buffers_take(&buffers, rows[r].shift);
            assert_non_null(small[i]);
        }
        for (unsigned i = 0; i < rows[r].count; i++)
            buffers_give(&buffers, small[i], rows[r].shift);
        assert_true(memory.used_bytes <= held);
    }
    memory.limit_bytes = UINT64_MAX;
}

/* What is free goes back only as far as it is in the way, and once. */
static void test_makes_room(void **state)
{
    (void)state;
    uint8_t *a = buffers_take(&buffers, 16);
    uint8_t *b = buffers_take(&buffers, 16);
    uint8_t *c = buffers_take(&buffers, 17);
    buffers_give(&buffers, a, 16);
    buffers_give(&buffers, b, 16);
    buffers_give(&buffers, c, 17);
    assert_int_equal(memory.used_bytes, 4 * CHUNK);
    buffers.limit_bytes = 7 * CHUNK; /* four and four are one too many: the largest goes */
    a = buffers_take(&buffers, 18);
    assert_int_equal(memory.used_bytes, 6 * CHUNK);
    memory.limit_bytes = 6 * CHUNK;
    b = buffers_take(&buffers, 16);
    c = buffers_take(&buffers, 16);
    assert_int_equal(memory.used_bytes, 6 * CHUNK);
    assert_non_null(c);
    assert_null(buffers_take(&buffers, 16)); /* nothing is free any more, in any class */
    assert_int_equal(buffers.refused_count, 1);
    buffers_give(&buffers, a, 18);
    buffers_give(&buffers, b, 16);
    buffers_give(&buffers, c, 16);
    memory.limit_bytes = UINT64_MAX;
}

/* Free memory is not hoarded beyond the limit of what may be handed out. */
static void test_free_memory_is_bounded(void **state)
{
    (void)state;
    buffers.limit_bytes = 16 * CHUNK;
    for (uint32_t shift = 16; shift <= 20; shift++) {
        uint8_t *taken[16];
        unsigned n = (16 * CHUNK) >> shift;
        for (unsigned i = 0; i < n; i++) {
            taken[i] = buffers_take(&buffers, shift);
            assert_non_null(taken[i]);
        }
        for (unsigned i = 0; i < n; i++)
            buffers_give(&buffers, taken[i], shift);
        assert_true(memory.used_bytes <= 16 * CHUNK);
    }
}

struct held {
    uint8_t *buffer;
    uint32_t shift;
    uint8_t fill;
};

static void fill(struct held *h, uint8_t value)
{
    h->fill = value;
    memset(h->buffer, value, 128);
    memset(h->buffer + ((size_t)1 << h->shift) - 128, value, 128);
}

static void check_and_give(struct held *h)
{
    for (size_t i = 0; i < 128; i++) {
        assert_int_equal(h->buffer[i], h->fill);
        assert_int_equal(h->buffer[((size_t)1 << h->shift) - 128 + i], h->fill);
    }
    buffers_give(&buffers, h->buffer, h->shift);
    h->buffer = NULL;
}

/* Random takes and gives under a tight limit; `refuse` of 16 requests to the source are turned
 * down. */
static void random_walk(uint64_t seed, uint32_t steps, uint32_t refuse)
{
    enum { HELD = 400 };
    static struct held held[HELD];
    struct prng prng;
    uint64_t used = 0;
    prng_init(&prng, seed);
    for (uint32_t step = 0; step < steps; step++) {
        struct held *h = &held[prng_below(&prng, HELD)];
        if (h->buffer != NULL) {
            used -= UINT64_C(1) << h->shift;
            check_and_give(h);
        } else {
            h->shift = 11 + prng_below(&prng, 1 + prng_below(&prng, 9));
            uint64_t bytes = UINT64_C(1) << h->shift;
            test_memory_refuse_nth(&source, prng_below(&prng, 16) < refuse ? 1 : 0);
            h->buffer = buffers_take(&buffers, h->shift);
            if (h->buffer != NULL) {
                used += bytes;
                fill(h, (uint8_t)prng_next(&prng));
            } else if (refuse == 0 && memory.limit_bytes == UINT64_MAX) {
                assert_true(used + bytes > buffers.limit_bytes);
            }
        }
        assert_int_equal(buffers.used_bytes, used);
        assert_int_equal(buffers.held_bytes, memory.used_bytes);
    }
    test_memory_refuse_nth(&source, 0);
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i].buffer != NULL)
            check_and_give(&held[i]);
    }
}

static void test_random(void **state)
{
    (void)state;
    random_walk(1, 100000, 0);
    random_walk(2, 100000, 4);
    memory.limit_bytes = UINT64_C(1) << 22;
    random_walk(3, 100000, 0);
    memory.limit_bytes = UINT64_MAX;
}

/* The directory of chunks grows; every one of its requests is refused in turn. */
static void test_refusals(void **state)
{
    (void)state;
    enum { CHUNKS = 700 };
    static uint8_t *taken[2 * CHUNKS];
    buffers.limit_bytes = UINT64_MAX;
    unsigned refusals = 0;
    for (unsigned i = 0; i < COUNT_OF(taken); i++) {
        for (uint64_t nth = 1; taken[i] == NULL; nth++) {
            uint64_t used = buffers.used_bytes;
            test_memory_refuse_nth(&source, nth);
            taken[i] = buffers_take(&buffers, 15);
            if (taken[i] == NULL) {
                refusals++;
                assert_int_equal(buffers.used_bytes, used);
                assert_int_equal(buffers.refused_count, refusals);
            }
        }
    }
    /* Once for every chunk, and for every size of the directory: 512, 1024 and 2048 chunks. */
    assert_int_equal(refusals, CHUNKS + 3);
    test_memory_refuse_nth(&source, 0);
    for (unsigned i = 0; i < COUNT_OF(taken); i++)
        buffers_give(&buffers, taken[i * 37 % COUNT_OF(taken)], 15);
}

/* A source that puts chunks at random places, so that the directory's look-ups collide as they do
 * when memory is fragmented: the system's own addresses are too regular. */
#define PLACES 32768u
#define PLACE_BYTES (2 * (size_t)CHUNK)

static struct {
    uint8_t *base;
    bool used[PLACES];
    struct prng prng;
} scattered;

static void *acquire_scattered(void *context, size_t bytes)
{
    if (bytes < CHUNK || bytes > CHUNK + 64)
        return source.source.acquire(context, bytes);
    uint32_t place = prng_below(&scattered.prng, PLACES);
    while (scattered.used[place])
        place = prng_below(&scattered.prng, PLACES);
    scattered.used[place] = true;
    size_t slack = (PLACE_BYTES - bytes) / 64;
    return scattered.base + place * PLACE_BYTES +
           64 * (size_t)prng_below(&scattered.prng, (uint32_t)slack);
}

static void release_scattered(void *context, void *p, size_t bytes)
{
    if (bytes < CHUNK || bytes > CHUNK + 64) {
        source.source.release(context, p, bytes);
        return;
    }
    size_t place = (size_t)((uint8_t *)p - scattered.base) / PLACE_BYTES;
    assert_true(scattered.used[place]);
    scattered.used[place] = false;
}

static void test_scattered_chunks(void **state)
{
    (void)state;
    enum { CHUNKS = 250, LARGE = 60 };
    static struct held held[2 * CHUNKS];
    uint8_t *large[LARGE];
    scattered.base = mmap(NULL, PLACES * PLACE_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(scattered.base != MAP_FAILED);
    prng_init(&scattered.prng, 8);
    memory.source.acquire = acquire_scattered;
    memory.source.release = release_scattered;
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < COUNT_OF(held); i++) {
            if (held[i].buffer != NULL)
                continue;
            held[i] = (struct held){.buffer = buffers_take(&buffers, 15), .shift = 15};
            assert_non_null(held[i].buffer);
            fill(&held[i], (uint8_t)(round + i));
        }
        for (unsigned i = 0; i < COUNT_OF(held); i++) {
            if (prng_below(&scattered.prng, 4) != 0)
                check_and_give(&held[i]);
        }
        /* With nothing more to be had, large buffers push empty chunks out of the directory. */
        memory.limit_bytes = memory.used_bytes;
        for (unsigned i = 0; i < LARGE; i++)
            assert_non_null(large[i] = buffers_take(&buffers, 16));
        memory.limit_bytes = UINT64_MAX;
        for (unsigned i = 0; i < LARGE; i++)
            buffers_give(&buffers, large[i], 16);
    }
    for (unsigned i = 0; i < COUNT_OF(held); i++) {
        if (held[i].buffer != NULL)
            check_and_give(&held[i]);
    }
    buffers_deinit(&buffers);
    munmap(scattered.base, PLACES * PLACE_BYTES);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    uint8_t *a = buffers_take(&buffers, 11);
    uint8_t *b = buffers_take(&buffers, 11);
    uint64_t used = buffers.used_bytes;
    expect_assert_failure(buffers_give(&buffers, a, 30));
    buffers.used_bytes = used;
    buffers.used_bytes += 4096;
    expect_assert_failure(buffers_give(&buffers, a, 12));
    buffers.used_bytes = used;
    expect_assert_failure(buffers_give(&buffers, a + 64, 11));
    buffers.used_bytes = used;
    buffers_give(&buffers, a, 11);
    used = buffers.used_bytes;
    expect_assert_failure(buffers_give(&buffers, a, 11));
    buffers.used_bytes = used;
    buffers_give(&buffers, b, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test_setup_teardown(test_buffers_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_counts_what_is_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reuse_asks_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_class_starves_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_memory_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scattered_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse_is_caught, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
