/* SPDX-License-Identifier: MIT */
/* Addresses: kinds, prefixes and texts. The C library's inet_pton says whether a text is one. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "support/unit.h"

#include "base/prng.h"
#include "wire/ip.h"
#include "wire/print.h"

static struct hawser_address address(const char *text)
{
    struct hawser_address a;

    if (!address_scan(text, &a))
        fail_msg("%s is no address", text);
    return a;
}

static void test_kinds(void **state)
{
    (void)state;
    enum { V4 = 1, ANY = 2, LOOP = 4, MULTI = 8, LINK = 16, BROAD = 32 };
    static const struct {
        const char *text;
        int kinds;
    } rows[] = {
        {"::", ANY},
        {"0.0.0.0", V4 | ANY},
        {"0.0.0.1", V4},
        {"127.0.0.1", V4 | LOOP},
        {"127.255.255.255", V4 | LOOP},
        {"128.0.0.1", V4},
        {"::1", LOOP},
        {"::2", 0},
        {"1::1", 0},
        {"223.255.255.255", V4},
        {"224.0.0.0", V4 | MULTI},
        {"239.255.255.255", V4 | MULTI},
        {"240.0.0.1", V4},
        {"255.255.255.255", V4 | BROAD},
        {"255.255.255.254", V4},
        {"ff02::1", MULTI},
        {"feff::1", 0},
        {"169.254.0.1", V4 | LINK},
        {"169.255.0.1", V4},
        {"168.254.0.1", V4},
        {"fe80::1", LINK},
        {"febf::1", LINK},
        {"fec0::1", 0},
        {"ff80::1", MULTI},
        {"::ffff:0:127.0.0.1", 0},
        {"::127.0.0.1", 0},
        {"::fffe:127.0.0.1", 0},
        {"1::ffff:127.0.0.1", 0},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTI},
        {"2001:db8::1", 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address a = address(rows[i].text);
        int kinds = (address_is_v4(&a) ? V4 : 0) | (address_is_unspecified(&a) ? ANY : 0) |
                    (address_is_loopback(&a) ? LOOP : 0) | (address_is_multicast(&a) ? MULTI : 0) |
                    (address_is_link_local(&a) ? LINK : 0) | (address_is_broadcast(&a) ? BROAD : 0);
        if (kinds != rows[i].kinds)
            fail_msg("%s: %d, not %d", rows[i].text, kinds, rows[i].kinds);
    }
}

static void test_equal_and_v4(void **state)
{
    (void)state;
    struct hawser_address a = address("192.0.2.1"), b = address("::ffff:192.0.2.1");
    struct hawser_address c = address_of_v4((const uint8_t[4]){192, 0, 2, 1});

    assert_true(address_equal(&a, &b));
    assert_true(address_equal(&a, &c));
    for (size_t i = 0; i < 16; i++) {
        b = a;
        b.bytes[i] ^= 1;
        assert_false(address_equal(&a, &b));
    }
}

/* The number of leading bits that are the same, found bit by bit, decides. */
static void test_same_prefix(void **state)
{
    (void)state;
    struct prng prng;

    prng_init(&prng, 1);
    for (unsigned differing = 0; differing <= 128; differing++) {
        struct hawser_address a, b;
        for (size_t i = 0; i < 16; i++)
            a.bytes[i] = (uint8_t)prng_next(&prng);
        b = a;
        for (unsigned bit = differing; bit < 128; bit++) /* the first one differs, the rest may */
            if (bit == differing || prng_below(&prng, 2) == 0)
                b.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        for (unsigned bits = 0; bits <= 128; bits++)
            assert_int_equal(address_same_prefix(&a, &b, bits), bits <= differing);
    }
}

/* RFC 5952 4: lower case, no leading zeros, the longest run of zeros, the first of equals, never
 * one. */
static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"::FFFF:a00:1", "10.0.0.1"},
        {"::", "::"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::192.0.2.33", "::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"fe80::a:b", "fe80::a:b"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address a = address(rows[i].in);
        char text[ADDRESS_TEXT_MAX];
        size_t n = address_print(&a, text);
        assert_string_equal(text, rows[i].out);
        assert_int_equal(n, strlen(rows[i].out));
    }
}

static void test_texts_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "1",
        "1.2.3",
        "1.2.3.4.",
        "1.2.3.4.5",
        ".1.2.3.4",
        "1..2.3",
        "256.1.1.1",
        "1.2.3.256",
        "99999999999.1.1.1",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.-4",
        "1.2.3.+4",
        "0x1.2.3.4",
        "1.2.3.a",
        ":",
        ":::",
        "::::",
        ":1",
        "1:",
        ":::1",
        "1:::2",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "12345::",
        "::00001",
        "::g",
        "::1%eth0",
        "::1/64",
        "[::1]",
        "::1.2.3",
        "::1.2.3.4.5",
        "::1.2.3.4:5",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::1.2.3.04",
        "::ffff:1.2.3.256",
        "1:2:3:4:5:6:7:8 ",
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_address a, before;
        memset(&a, 0x77, sizeof a);
        before = a;
        if (address_scan(rows[i], &a))
            fail_msg("\"%s\" was taken", rows[i]);
        assert_memory_equal(&a, &before, sizeof a);
    }
}

/* inet_pton's answer for either family, IPv4 as mapped. */
static bool scan_by_libc(const char *text, struct hawser_address *out)
{
    uint8_t v4[4];

    if (inet_pton(AF_INET, text, v4) == 1) {
        *out = address_of_v4(v4);
        return true;
    }
    return inet_pton(AF_INET6, text, out->bytes) == 1;
}

/* Texts made of the pieces that addresses are made of: mostly wrong ones, in every way. */
static void test_scan_as_libc(void **state)
{
    (void)state;
    static const char *const pieces[] = {":",  ":",    ":",   "::",  "0", "1",
                                         "ff", "abcd", "01",  ".",   ".", "1",
                                         "12", "1234", "255", "256", "g", "00000"};
    struct prng prng;
    unsigned good = 0;

    prng_init(&prng, 2);
    for (unsigned i = 0; i < 400000; i++) {
        char text[100] = "";
        unsigned count = 1 + prng_below(&prng, 17);
        for (unsigned k = 0; k < count; k++) {
            /* Now and then a separator after each piece, so that whole addresses come up. */
            strcat(text, pieces[prng_below(&prng, COUNT_OF(pieces))]);
            if (i % 2 == 0 && k + 1 < count)
                strcat(text, i % 4 == 0 ? ":" : ".");
        }
        char *exact = strdup(text);
        struct hawser_address ours, theirs;
        bool taken = address_scan(exact, &ours), expected = scan_by_libc(text, &theirs);
        if (taken != expected)
            fail_msg("\"%s\" was %s", text, taken ? "taken" : "refused");
        if (taken)
            assert_memory_equal(&ours, &theirs, sizeof ours);
        good += taken;
        free(exact);
    }
    assert_true(good > 1000);
}

/* What is printed is scanned as the same address, and is what inet_ntop prints but for the two
 * forms where it writes a dotted quad. */
static void test_print_as_libc(void **state)
{
    (void)state;
    struct prng prng;

    prng_init(&prng, 3);
    for (unsigned i = 0; i < 100000; i++) {
        struct hawser_address a = {{0}}, again;
        char text[ADDRESS_TEXT_MAX], expected[INET6_ADDRSTRLEN];
        unsigned zeros = prng_below(&prng, 256); /* groups that stay 0 */
        for (unsigned g = 0; g < 8; g++) {
            uint64_t r = prng_next(&prng);
            if (!(zeros & (1u << g))) {
                a.bytes[2 * g] = r & 0x100 ? (uint8_t)(r >> 16) : 0;
                a.bytes[2 * g + 1] = (uint8_t)r;
            }
        }
        size_t n = address_print(&a, text);
        assert_int_equal(n, strlen(text));
        assert_true(address_scan(text, &again));
        assert_memory_equal(&again, &a, sizeof a);
        assert_non_null(inet_ntop(AF_INET6, a.bytes, expected, sizeof expected));
        if (strchr(expected, '.') == NULL)
            assert_string_equal(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_equal_and_v4),
        cmocka_unit_test(test_same_prefix),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_texts_refused), cmocka_unit_test(test_scan_as_libc),
        cmocka_unit_test(test_print_as_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
