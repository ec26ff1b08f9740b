/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once. */
#include <stdalign.h>

#include "support/unit.h"

#include "pkt/arena.h"

static void test_pieces(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    unsigned char *pieces[300];
    size_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) { /* many times the first block */
        pieces[i] = pkt_arena_alloc(&arena, i);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i & 0xff), i);
        sum += i;
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], i & 0xff); /* none lies over another */
    }
    assert_true(arena.bytes >= sum);
    pkt_arena_free(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.bytes, 0);
    assert_non_null(pkt_arena_alloc(&arena, 1)); /* and can be used again */
    pkt_arena_free(&arena);
}

static void test_large(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    unsigned char *large = pkt_arena_array(&arena, 3, 1u << 20); /* larger than any block */
    unsigned char *small = pkt_arena_alloc(&arena, 1);
    memset(large, 1, 3u << 20);
    assert_int_equal(*small, 0);
    assert_non_null(pkt_arena_array(&arena, 0, SIZE_MAX));
    pkt_arena_free(&arena);
}

static void test_text(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    assert_string_equal(pkt_arena_text(&arena, "script", 3), "scr");
    assert_string_equal(pkt_arena_text(&arena, NULL, 0), "");
    assert_memory_equal(pkt_arena_text(&arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(pkt_arena_printf(&arena, "%s:%05d", "line", 42), "line:00042");
    assert_string_equal(pkt_arena_printf(&arena, "%s", ""), "");
    pkt_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
