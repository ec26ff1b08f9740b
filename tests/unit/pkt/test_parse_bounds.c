/* SPDX-License-Identifier: MIT */
/* Large hostile files: parse.c, lex.c and the rest cost no more than their size. */
#include "support/unit.h"

#include "parse_text.h"

static struct pkt_arena arena;

static const char *repeat(const char *first, const char *piece, size_t total)
{
    size_t length = strlen(first), piece_length = strlen(piece);
    char *text = pkt_arena_alloc(&arena, total + piece_length + 1);
    memcpy(text, first, length);
    for (; length < total; length += piece_length)
        memcpy(text + length, piece, piece_length);
    return text;
}

static void check_refused(const char *text, size_t length, const char *message)
{
    struct pkt_script script;
    struct pkt_error error;
    struct pkt_parse_input input = {
        .path = "a.pkt", .text = text, .length = length == 0 ? strlen(text) : length};
    assert_int_equal(pkt_parse(&input, &arena, &script, &error), -1);
    assert_string_equal(error.text, message);
    pkt_arena_free(&arena);
}

/* Time and memory stay in proportion; a quadratic step anywhere would take minutes here. */
static void test_bounds(void **state)
{
    (void)state;
    size_t large = 2u << 20;
    check_refused(repeat("0 `a`\n", "*>- 0:0(0)\n", 3u << 20), 0, "more than 262144 events");
    check_refused(repeat("0 f([1", ",1", 3u << 20), 0, "more than 1048576 expressions");
    check_refused(repeat("0 f(", "[", large), 0, "more than 64 lists within one another");
    check_refused(repeat("0 f(", "{a=", large), 0, "more than 64 lists within one another");
    check_refused(repeat("0 f(", "htons(", large), 0, "more than 64 lists within one another");
    check_refused(repeat("0 f(1", "|1", large), 0, "more than 64 terms");
    check_refused(repeat("", "#ifdef A\n", large), 0, "this #ifdef has no #endif");
    check_refused(repeat("", "#ifndef A\n", large), 0, "more than 64 #ifdef within one another");
    check_refused(repeat("0 f(\"", "a\\\"", large), 0, "this string has no end");
    check_refused(repeat("0 f(", "\"a\" ", large), 0, "expected ',' or ')', found the end");
    check_refused(repeat("/*", "*a/", large), 0, "this comment has no end");
    check_refused(repeat("0 %{", "} %", large), 0, "this %{ has no }%");
    check_refused(repeat("0 < ", "gre: ", large), 0, "more than 16 encapsulations");
    check_refused(repeat("0 < ", "SFRP", large), 0, "the flag 'S' is there twice");
    check_refused(repeat("0 < . 1:1(0) win 1 <", "nop,", large), 0,
                  "these options make a header of more than 60 bytes");
    check_refused(repeat("0 a", "1", large), 0, "expected '(', found the end");
    check_refused(repeat("", "1", large), 0, "a time of more than 1000000000 seconds");
    check_refused(repeat("", ":", large), 0, "expected a time in seconds, found ':'");
    check_refused(repeat("", " ", PKT_TEXT_MAX), PKT_TEXT_MAX + 1, "more than 16777216 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
