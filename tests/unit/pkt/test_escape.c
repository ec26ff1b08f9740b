/* SPDX-License-Identifier: MIT */
/* Strings of scripts, both ways. */
#include "support/unit.h"

#include "pkt/escape.h"

static void test_unescape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        long length;
    } rows[] = {
        {"", "", 0},
        {"plain", "plain", 5},
        {"\\f\\n\\r\\t\\v", "\f\n\r\t\v", 5},
        {"\\\\\\\"", "\\\"", 2},
        {"\\x00\\xfF\\x41", "\0\xff\x41", 3},
        {"\\x414", "A4", 2},
        {"\\q\\0", "q0", 2}, /* anything else stands for itself */
        {"\\", "", -1},
        {"a\\x4", "", -1},
        {"\\x", "", -1},
        {"\\xg0", "", -1},
        {"\\x0g", "", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[32];
        assert_int_equal(pkt_unescape(rows[i].text, strlen(rows[i].text), out), rows[i].length);
        if (rows[i].length > 0)
            assert_memory_equal(out, rows[i].bytes, (size_t)rows[i].length);
    }
}

static void test_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[256], again[1024];
    char text[1025];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    size_t length = pkt_escape(bytes, sizeof bytes, text, sizeof text);
    assert_int_equal(length, strlen(text));
    for (size_t i = 0; i < length; i++)
        assert_in_range(text[i], ' ', '~');
    assert_int_equal(pkt_unescape(text, length, again), sizeof bytes);
    assert_memory_equal(again, bytes, sizeof bytes);
}

static void test_room(void **state)
{
    (void)state;
    char text[8] = "before";
    assert_int_equal(pkt_escape((const uint8_t *)"ab\n", 3, text, 0), 4);
    assert_string_equal(text, "before");
    assert_int_equal(pkt_escape((const uint8_t *)"ab\n", 3, text, 4), 4);
    assert_string_equal(text, "ab\\");
    assert_int_equal(pkt_escape((const uint8_t *)"ab\n", 3, text, 5), 4);
    assert_string_equal(text, "ab\\n");
}

static void test_digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef", *capitals = "0123456789ABCDEF";
        const char *found = c == 0 ? NULL : strchr(digits, c);
        const char *capital = c == 0 ? NULL : strchr(capitals, c);
        int value = found != NULL     ? (int)(found - digits)
                    : capital != NULL ? (int)(capital - capitals)
                                      : -1;
        assert_int_equal(pkt_hex_digit((char)c), value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
