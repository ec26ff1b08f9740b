/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers and timestamp offsets: the clock, the key, the 4-tuple. */
#include "support/unit.h"

#include "base/prng.h"
#include "tcp/isn.h"

static const struct siphash_key key_a = {
    {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)}};
static const struct siphash_key key_b = {
    {UINT64_C(0x0123456789abcdee), UINT64_C(0xfedcba9876543210)}};

static struct tcp host(struct siphash_key isn_key)
{
    return (struct tcp){.isn_key = isn_key};
}

/* Tuple number n: addresses and ports as a busy client would use them one after another. */
static struct tuple_bytes tuple(uint32_t n)
{
    struct tuple_bytes t = {{0}};
    t.b[0] = 192;
    t.b[3] = 1;
    t.b[16] = (uint8_t)n;
    t.b[17] = (uint8_t)(n >> 8);
    t.b[18] = (uint8_t)(n >> 16);
    t.b[35] = 80;
    return t;
}

/* EVIDENCE 9293-MUST-8 */
static void test_clock_ticks_every_4_us(void **state)
{
    (void)state;
    static const struct {
        uint64_t from_ns, to_ns;
        uint32_t ticks;
    } rows[] = {
        {0, 3999, 0},
        {0, 4000, 1},
        {3999, 4000, 1},
        {0, NS_PER_S, 250000},
        {123456789, 123456789 + 4000000, 1000},
        {UINT64_C(1700000000) * NS_PER_S, UINT64_C(1700000060) * NS_PER_S, 15000000},
        {0, UINT64_C(4000) << 32, 0}, /* once around in 4.77 hours */
        {(UINT64_C(4000) << 32) - 4000, UINT64_C(4000) << 32, 1},
    };
    struct tcp tcp = host(key_a);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tuple_bytes t = tuple((uint32_t)i);
        seq_t from = isn_make(isn_secret(&tcp, &t), rows[i].from_ns);
        seq_t to = isn_make(isn_secret(&tcp, &t), rows[i].to_ns);
        assert_int_equal(to.v - from.v, rows[i].ticks);
    }
}

/* For one tuple the numbers rise: after an hour of 200 kB/s the next SYN still lies beyond.
 * EVIDENCE 6528-04 */
static void test_rises_with_time(void **state)
{
    (void)state;
    struct tcp tcp = host(key_a);
    struct tuple_bytes t = tuple(1);
    seq_t first = isn_make(isn_secret(&tcp, &t), 5 * NS_PER_S);
    for (uint64_t s = 1; s <= 3600; s++) {
        seq_t end = seq_add(first, (uint32_t)(s * 200000)); /* what the old connection has used */
        assert_true(seq_gt(isn_make(isn_secret(&tcp, &t), (5 + s) * NS_PER_S), end));
    }
}

/* Another key at the same time gives unrelated numbers, and so do other tuples under one key: each
 * bit is set in about half of 100,000, the differences between neighbours do not repeat, and a
 * number says nothing about the next tuple's.
 * EVIDENCE 9293-MUST-9 9293-SHLD-1 6528-01 6528-02 */
static void test_tuples_and_keys_are_unrelated(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct tcp a = host(key_a);
    struct tcp b = host(key_b);
    unsigned ones[32] = {0}, delta_ones[32] = {0}, key_ones[32] = {0};
    uint32_t last = 0;
    for (uint32_t n = 0; n < COUNT; n++) {
        struct tuple_bytes t = tuple(n);
        uint32_t isn = isn_make(isn_secret(&a, &t), NS_PER_S).v;
        uint32_t other = isn_make(isn_secret(&b, &t), NS_PER_S).v;
        for (unsigned bit = 0; bit < 32; bit++) {
            ones[bit] += isn >> bit & 1;
            delta_ones[bit] += (isn - last) >> bit & 1;
            key_ones[bit] += (isn ^ other) >> bit & 1;
        }
        last = isn;
    }
    for (unsigned bit = 0; bit < 32; bit++) { /* deviation 158; six of them */
        assert_in_range(ones[bit], COUNT / 2 - 950, COUNT / 2 + 950);
        assert_in_range(delta_ones[bit], COUNT / 2 - 950, COUNT / 2 + 950);
        assert_in_range(key_ones[bit], COUNT / 2 - 950, COUNT / 2 + 950);
    }
}

/* Every one of the 36 octets counts, and nothing but tuple, key and time. */
static void test_whole_tuple_counts(void **state)
{
    (void)state;
    struct tcp tcp = host(key_a);
    struct tuple_bytes t = tuple(7);
    seq_t isn = isn_make(isn_secret(&tcp, &t), 0);
    uint32_t offset = ts_offset_make(isn_secret(&tcp, &t));
    for (unsigned bit = 0; bit < 8 * sizeof t.b; bit++) {
        t.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(isn_make(isn_secret(&tcp, &t), 0).v != isn.v);
        assert_true(ts_offset_make(isn_secret(&tcp, &t)) != offset);
        t.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(isn_make(isn_secret(&tcp, &t), 0).v, isn.v);
    assert_int_equal(ts_offset_make(isn_secret(&tcp, &t)), offset);
}

static void test_beyond(void **state)
{
    (void)state;
    static const struct {
        uint32_t isn, old, expected;
    } rows[] = {
        {1000, 1000, 1000 + 65537},         /* the same */
        {999, 1000, 1000 + 65537},          /* behind */
        {1001, 1000, 1000 + 65537},         /* ahead, not far enough */
        {1000 + 65536, 1000, 1000 + 65537}, /* one short */
        {1000 + 65537, 1000, 1000 + 65537}, /* just enough */
        {1000 + 65538, 1000, 1000 + 65538}, /* kept */
        {0x70000000, 1000, 0x70000000},     /* far ahead: kept */
        {0x90000000, 1000, 1000 + 65537},   /* more than half around: behind */
        {0, 0xffffffff, 65536},             /* across zero */
        {65536, 0xffffffff, 65536},
        {65537, 0xffffffff, 65537},
        {0x7fffffff, 0x7fffffff, 0x80010000},
        {0x80010001, 0x7fffffff, 0x80010001},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(isn_beyond(seq_of(rows[i].isn), seq_of(rows[i].old)).v, rows[i].expected);
}

/* Whatever comes in, the result is ahead of the old number by at least an unscaled window. */
static void test_beyond_always_is(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 11);
    for (int i = 0; i < 100000; i++) {
        seq_t isn = seq_of((uint32_t)prng_next(&prng)), old = seq_of((uint32_t)prng_next(&prng));
        seq_t result = isn_beyond(isn, old);
        assert_true(seq_gt(result, seq_add(old, 65535)));
        assert_true(seq_eq(result, isn) || seq_eq(result, seq_add(old, 65537)));
    }
}

/* The offset is the tuple's own and stays, so a later connection's timestamps go on from the
 * earlier one's.
 * EVIDENCE 7323-31 6191-07 */
static void test_timestamp_offset(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct tcp tcp = host(key_a);
    unsigned ones[32] = {0};
    for (uint32_t n = 0; n < COUNT; n++) {
        struct tuple_bytes t = tuple(n);
        uint32_t offset = ts_offset_make(isn_secret(&tcp, &t));
        for (unsigned bit = 0; bit < 32; bit++)
            ones[bit] += offset >> bit & 1;
        uint32_t old_last = ts_clock(90 * NS_PER_S) + offset;
        uint32_t new_first =
            ts_clock(90 * NS_PER_S + NS_PER_MS) + ts_offset_make(isn_secret(&tcp, &t));
        assert_int_equal(new_first - old_last, 1);
        assert_true(offset != isn_make(isn_secret(&tcp, &t), 0).v);
    }
    for (unsigned bit = 0; bit < 32; bit++) /* deviation 50 */
        assert_in_range(ones[bit], COUNT / 2 - 300, COUNT / 2 + 300);
}

/* EVIDENCE 7323-17 7323-28 */
static void test_timestamp_clock(void **state)
{
    (void)state;
    assert_int_equal(ts_clock(0), 0);
    assert_int_equal(ts_clock(NS_PER_MS - 1), 0);
    for (uint64_t ms = 1; ms < 5000; ms += 7)
        assert_int_equal(ts_clock(ms * NS_PER_MS), ms);
    /* 49 days later it has gone around once: far longer than an MSL, and a step of 1 ms is more
     * than 59 ns. */
    assert_int_equal(ts_clock((UINT64_C(1) << 32) * NS_PER_MS), 0);
    assert_int_equal(ts_clock(((UINT64_C(1) << 32) + 5) * NS_PER_MS), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_ticks_every_4_us),
        cmocka_unit_test(test_rises_with_time),
        cmocka_unit_test(test_tuples_and_keys_are_unrelated),
        cmocka_unit_test(test_whole_tuple_counts),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_beyond_always_is),
        cmocka_unit_test(test_timestamp_offset),
        cmocka_unit_test(test_timestamp_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
