/* SPDX-License-Identifier: MIT */
/* The list of mutants that may survive: survivors.c. */
#include "support/unit.h"

#include "pkt/survivors.h"

static void test_list(void **state)
{
    (void)state;
    static const char text[] = "# why they live\n\na/b.pkt:12 seq nobody can see it\r\n"
                               "  a/b.pkt:12\tack   for a reason\nc.pkt:1 late x";
    struct pkt_arena arena = {0};
    struct pkt_survivors list;
    struct pkt_error error;
    assert_int_equal(pkt_survivors_read(text, sizeof text - 1, &arena, &list, &error), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.rows[1].reason, "for a reason");
    assert_int_equal(list.rows[1].place.line, 4);

    struct pkt_mutant mutant = {.mutation = PKT_MUTATION_ACK, .place = {12, 1}};
    const struct pkt_survivor *row = pkt_survivors_explain(&list, "a/b.pkt", &mutant);
    assert_ptr_equal(row, &list.rows[1]);
    assert_null(pkt_survivors_explain(&list, "b.pkt", &mutant));
    mutant.place.line = 13;
    assert_null(pkt_survivors_explain(&list, "a/b.pkt", &mutant));
    mutant = (struct pkt_mutant){.mutation = PKT_MUTATION_LATE, .place = {12, 1}};
    assert_null(pkt_survivors_explain(&list, "a/b.pkt", &mutant));

    size_t at = 0; /* the other one of that script explained nothing */
    assert_ptr_equal(pkt_survivors_stale(&list, "a/b.pkt", &at), &list.rows[0]);
    assert_null(pkt_survivors_stale(&list, "a/b.pkt", &at));
    at = 0;
    assert_ptr_equal(pkt_survivors_stale(&list, "c.pkt", &at), &list.rows[2]);
    pkt_arena_free(&arena);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
        unsigned line;
    } rows[] = {
        {"a.pkt seq x", "expected SCRIPT:LINE KIND REASON", 1},
        {"a.pkt: seq x", "expected SCRIPT:LINE KIND REASON", 1},
        {"#\na.pkt:x seq x", "expected SCRIPT:LINE KIND REASON", 2},
        {":1 seq x", "expected SCRIPT:LINE KIND REASON", 1},
        {"a.pkt:0 seq x", "expected SCRIPT:LINE KIND REASON", 1},
        {"a.pkt:99999999999 seq x", "expected SCRIPT:LINE KIND REASON", 1},
        {"a.pkt:1", "expected the kind of a mutation behind SCRIPT:LINE", 1},
        {"a.pkt:1 sequence x", "expected the kind of a mutation behind SCRIPT:LINE", 1},
        {"a.pkt:1 seq", "expected the reason why it survives", 1},
        {"a.pkt:1 seq \t", "expected the reason why it survives", 1},
        {"a.pkt:1 seq x\na.pkt:1 seq y\n", "this one is there already", 2},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pkt_arena arena = {0};
        struct pkt_survivors list;
        struct pkt_error error;
        assert_int_equal(
            pkt_survivors_read(rows[i].text, strlen(rows[i].text), &arena, &list, &error), -1);
        assert_string_equal(error.text, rows[i].error);
        assert_int_equal(error.place.line, rows[i].line);
        pkt_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
