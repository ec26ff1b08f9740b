/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 against published vectors, and the word form against the byte form. */
#include "support/unit.h"

#include "base/prng.h"
#include "base/siphash.h"

/* Key 00 01 … 0f, as the paper's appendix A has it. */
static const struct siphash_key key = {
    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

/* The message 00 01 02 … of each length. Length 15 is the paper's own example; the others were
 * computed from the paper's definition by a separate program. */
static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
        {4, UINT64_C(0xcf2794e0277187b7)},  {5, UINT64_C(0x18765564cd99a68d)},
        {6, UINT64_C(0xcbc9466e58fee3ce)},  {7, UINT64_C(0xab0200f58b01d137)},
        {8, UINT64_C(0x93f5f5799a932462)},  {9, UINT64_C(0x9e0082df0ba9e4b0)},
        {12, UINT64_C(0x751e8fbc860ee5fb)}, {15, UINT64_C(0xa129ca6149be45e5)},
        {16, UINT64_C(0x3f2acc7f57c29bdb)}, {20, UINT64_C(0xbed65cf21aa2ee98)},
        {36, UINT64_C(0x314dffbe0815a3b4)}, {63, UINT64_C(0x958a324ceb064572)},
        {64, UINT64_C(0xacd2c40b8502cad8)},
    };
    uint8_t message[65];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(siphash(&key, message, rows[i].len) == rows[i].hash);
}

static void test_unaligned(void **state)
{
    (void)state;
    uint8_t bytes[64 + 8];
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < 15; i++)
            bytes[shift + i] = (uint8_t)i;
        assert_true(siphash(&key, bytes + shift, 15) == UINT64_C(0xa129ca6149be45e5));
    }
}

static void test_words_are_little_endian_bytes(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 7);
    for (size_t count = 0; count <= 8; count++) {
        uint64_t words[8];
        uint8_t bytes[64];
        for (size_t i = 0; i < count; i++) {
            words[i] = prng_next(&prng);
            for (size_t j = 0; j < 8; j++)
                bytes[8 * i + j] = (uint8_t)(words[i] >> (8 * j));
        }
        assert_true(siphash_words(&key, words, count) == siphash(&key, bytes, 8 * count));
    }
}

/* What CPython 3.11 makes of bytes 0, 1, 2, ... with PYTHONHASHSEED=0, which is the key 0, and the
 * well-known value of nothing under the paper's key. */
static void test_1_3(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint64_t hash;
    } rows[] = {
        {1, UINT64_C(0xead411e67ebe2eea)},
        {2, UINT64_C(0x8972188433a5c5b7)},
        {3, UINT64_C(0x31185a47af932f3a)},
        {5, UINT64_C(0x95bc321ab41d8206)},
    };
    const struct siphash_key zero = {{0, 0}};
    uint64_t words[5];
    for (uint64_t i = 0; i < COUNT_OF(words); i++)
        words[i] = UINT64_C(0x0706050403020100) + i * UINT64_C(0x0808080808080808);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(siphash13_words(&zero, words, rows[i].count) == rows[i].hash);
    assert_true(siphash13_words(&key, words, 0) == UINT64_C(0xabac0158050fc4dc));
}

/* Every bit of key, data and length matters: one flipped changes about half of the result. */
static void test_every_bit_counts(void **state)
{
    (void)state;
    uint8_t message[40] = {0};
    struct siphash_key k = key;
    uint64_t base = siphash(&k, message, 36);
    unsigned least = 64;
    for (unsigned bit = 0; bit < 36 * 8; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unsigned changed = (unsigned)__builtin_popcountll(base ^ siphash(&k, message, 36));
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        least = changed < least ? changed : least;
    }
    for (unsigned bit = 0; bit < 128; bit++) {
        k.k[bit / 64] ^= UINT64_C(1) << bit % 64;
        unsigned changed = (unsigned)__builtin_popcountll(base ^ siphash(&k, message, 36));
        k.k[bit / 64] ^= UINT64_C(1) << bit % 64;
        least = changed < least ? changed : least;
    }
    assert_true(least >= 12); /* 32 expected, deviation 4 */
    assert_true(siphash(&k, message, 35) != base);
    assert_true(siphash(&k, message, 37) != base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_words_are_little_endian_bytes),
        cmocka_unit_test(test_1_3),
        cmocka_unit_test(test_every_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
