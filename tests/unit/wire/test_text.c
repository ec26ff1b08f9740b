/* SPDX-License-Identifier: MIT */
/* The text writer: numbers in both bases, and a buffer that is too small at every length. */
#include <stdlib.h>

#include "support/unit.h"

#include "wire/text.h"

static void write_all(struct text *t)
{
    text_string(t, "a ");
    text_number(t, 0);
    text_char(t, ' ');
    text_number(t, UINT64_MAX);
    text_field(t, " n=", 42);
    text_char(t, ' ');
    text_hex(t, 0);
    text_char(t, ' ');
    text_hex(t, 0xfedcba9876543210);
    text_char(t, ' ');
    text_hex_byte(t, 0x0f);
    text_bytes(t, "xyz", 2);
}

static const char whole[] = "a 0 18446744073709551615 n=42 0 fedcba9876543210 0fxy";

static void test_whole(void **state)
{
    (void)state;
    char out[100];
    struct text t;

    text_init(&t, out, sizeof out);
    assert_string_equal(out, "");
    write_all(&t);
    assert_string_equal(out, whole);
    assert_int_equal(t.length, sizeof whole - 1);
}

static void test_cut_off(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < sizeof whole; capacity++) {
        char *out = malloc(capacity);
        struct text t;
        text_init(&t, out, capacity);
        write_all(&t);
        assert_int_equal(t.length, capacity > 0 ? capacity - 1 : 0);
        if (capacity > 0) {
            assert_memory_equal(out, whole, t.length);
            assert_int_equal(out[t.length], '\0');
        }
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
