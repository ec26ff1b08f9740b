/* SPDX-License-Identifier: MIT */
/* The byte queue: growth, both pieces, data beyond the end, refusals, and a plain array as the
 * model. */
#include "support/unit.h"

#include "base/prng.h"
#include "base/ring.h"
#include "support/test_memory.h"

static struct test_memory source;
static struct memory memory;
static struct buffers buffers;

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    buffers_init(&buffers, &memory, UINT64_C(1) << 24, 1u << 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffers_deinit(&buffers);
    test_memory_deinit(&source);
    return 0;
}

static void test_empty_ring(void **state)
{
    (void)state;
    struct ring r = {0};
    struct ring_span spans[2];
    uint8_t byte = 1;
    assert_int_equal(ring_capacity(&r), 0);
    assert_true(ring_reserve(&r, &buffers, 0, 0));
    ring_append(&r, &byte, 0);
    ring_read_at(&r, 0, &byte, 0);
    ring_drop(&r, 0, false);
    ring_drop(&r, 0, true);
    assert_int_equal(ring_spans(&r, 0, 0, spans), 0);
    ring_free(&r, &buffers);
    assert_null(r.base);
    assert_int_equal(buffers.used_bytes, 0);
}

static void test_capacity(void **state)
{
    (void)state;
    static const struct {
        uint32_t bytes, capacity;
    } rows[] = {
        {1, 2048},      {2048, 2048},    {2049, 4096}, {100, 4096}, /* never shrinks */
        {65536, 65536}, {65537, 131072},
    };
    struct ring r = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(ring_reserve(&r, &buffers, rows[i].bytes, 0));
        assert_int_equal(ring_capacity(&r), rows[i].capacity);
    }
    assert_false(ring_reserve(&r, &buffers, (1u << 30) + 1, 0));
    assert_false(ring_reserve(&r, &buffers, UINT32_MAX, 0));
    assert_int_equal(ring_capacity(&r), 131072);
    ring_free(&r, &buffers);
}

static void test_two_pieces(void **state)
{
    (void)state;
    struct ring r = {0};
    uint8_t in[2048];
    uint8_t out[2048];
    struct ring_span spans[2];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7 + i / 256);
    assert_true(ring_reserve(&r, &buffers, 2048, 0));
    ring_append(&r, in, 2000);
    ring_drop(&r, 1999, false);
    ring_append(&r, in, 2047); /* full, its start 49 bytes before the buffer's end */
    assert_int_equal(r.len, 2048);
    assert_int_equal(ring_spans(&r, 1, 2047, spans), 2);
    assert_int_equal(spans[0].len, 48);
    assert_int_equal(spans[1].len, 1999);
    assert_memory_equal(spans[0].data, in, 48);
    assert_memory_equal(spans[1].data, in + 48, 1999);
    assert_int_equal(ring_spans(&r, 1, 48, spans), 1);
    assert_int_equal(ring_spans(&r, 49, 10, spans), 1);
    assert_ptr_equal(spans[0].data, r.base);
    assert_int_equal(ring_spans(&r, 48, 2, spans), 2);
    ring_read_at(&r, 1, out, 2047);
    assert_memory_equal(out, in, 2047);
    assert_true(ring_reserve(&r, &buffers, 2049, 0)); /* grows while it lies in two pieces */
    ring_read_at(&r, 1, out, 2047);
    assert_memory_equal(out, in, 2047);
    assert_int_equal(ring_spans(&r, 0, 2048, spans), 1);
    ring_free(&r, &buffers);
}

static void test_drop_restarts_at_the_front(void **state)
{
    (void)state;
    struct ring r = {0};
    uint8_t bytes[100] = {1, 2, 3};
    assert_true(ring_reserve(&r, &buffers, 2048, 0));
    for (unsigned i = 0; i < 100; i++) {
        ring_append(&r, bytes, 100);
        ring_drop(&r, 100, false);
        assert_int_equal(r.head, 0);
    }
    ring_append(&r, bytes, 100);
    ring_write_at(&r, 110, bytes, 3); /* out of order, ten bytes behind the end */
    ring_drop(&r, 100, true);
    assert_int_equal(r.len, 0);
    ring_write_at(&r, 0, bytes, 10); /* the hole */
    ring_extend(&r, 13);
    uint8_t out[13];
    ring_read_at(&r, 0, out, 13);
    assert_memory_equal(out + 10, bytes, 3);
    ring_free(&r, &buffers);
}

static void test_refusals_change_nothing(void **state)
{
    (void)state;
    uint8_t data[3000];
    uint8_t out[3000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 253);
    for (uint64_t nth = 1; nth <= 8; nth++) {
        struct ring r = {0};
        bool refused = false;
        test_memory_refuse_from(&source, nth);
        for (uint32_t bytes = 2048; bytes <= 1u << 19; bytes *= 2) {
            struct ring before = r;
            while (!ring_reserve(&r, &buffers, bytes, r.len != 0 ? 500 : 0)) {
                assert_false(refused);
                refused = true;
                assert_memory_equal(&r, &before, sizeof r);
                test_memory_refuse_nth(&source, 0);
            }
            if (r.len != 0) {
                ring_read_at(&r, 0, out, 1000);
                assert_memory_equal(out, data, 1000);
                ring_extend(&r, 500);
                ring_read_at(&r, 1000, out, 500);
                assert_memory_equal(out, data + 1000, 500);
                r.len -= 500;
            } else {
                ring_append(&r, data, 1000);
                ring_write_at(&r, 1000, data + 1000, 500);
            }
        }
        /* One request for the directory, two for chunks, four for large buffers. */
        assert_int_equal(refused, nth <= 7);
        ring_free(&r, &buffers);
        buffers_deinit(&buffers);
        buffers_init(&buffers, &memory, UINT64_C(1) << 24, 1u << 16);
    }
}

/* The model: a plain array, its first byte the queue's first. `known` tells which bytes beyond the
 * end were written. */
#define MODEL_BYTES 20000

struct model {
    struct ring ring;
    uint8_t bytes[MODEL_BYTES];
    bool known[MODEL_BYTES];
    uint32_t len;
    uint32_t beyond; /* how far behind the end something was written */
};

static void check(struct model *m, uint32_t offset, uint32_t n)
{
    uint8_t out[MODEL_BYTES];
    struct ring_span spans[2];
    ring_read_at(&m->ring, offset, out, n);
    assert_memory_equal(out, m->bytes + offset, n);
    unsigned count = ring_spans(&m->ring, offset, n, spans);
    uint32_t at = offset;
    for (unsigned i = 0; i < count; i++) {
        assert_memory_equal(spans[i].data, m->bytes + at, spans[i].len);
        at += spans[i].len;
    }
    assert_int_equal(at, offset + n);
}

static void write_beyond(struct model *m, struct prng *prng, uint32_t room)
{
    uint32_t gap = prng_below(prng, room);
    uint32_t n = 1 + prng_below(prng, room - gap);
    for (uint32_t i = 0; i < n; i++) {
        m->bytes[m->len + gap + i] = (uint8_t)prng_next(prng);
        m->known[m->len + gap + i] = true;
    }
    ring_write_at(&m->ring, m->len + gap, m->bytes + m->len + gap, n);
    if (gap + n > m->beyond)
        m->beyond = gap + n;
}

static void extend(struct model *m)
{
    uint32_t n = 0;
    while (n < m->beyond && m->known[m->len + n])
        n++;
    ring_extend(&m->ring, n);
    m->len += n;
    m->beyond -= n;
}

static void drop(struct model *m, struct prng *prng)
{
    uint32_t n = prng_below(prng, 4) == 0 ? m->len : prng_below(prng, m->len + 1);
    ring_drop(&m->ring, n, m->beyond != 0);
    memmove(m->bytes, m->bytes + n, MODEL_BYTES - n);
    memmove(m->known, m->known + n, (MODEL_BYTES - n) * sizeof m->known[0]);
    memset(m->known + MODEL_BYTES - n, 0, n * sizeof m->known[0]);
    m->len -= n;
}

static void test_against_model(void **state)
{
    (void)state;
    static struct model m;
    struct prng prng;
    prng_init(&prng, 3);
    for (unsigned step = 0; step < 200000; step++) {
        uint32_t room = ring_capacity(&m.ring) - m.len;
        switch (prng_below(&prng, 6)) {
        case 0: /* nothing may lie beyond what is appended: that is the caller's business */
            if (m.beyond == 0 && room > 0) {
                uint32_t n = prng_below(&prng, room < 700 ? room + 1 : 700);
                for (uint32_t i = 0; i < n; i++) {
                    m.bytes[m.len + i] = (uint8_t)prng_next(&prng);
                    m.known[m.len + i] = true;
                }
                ring_append(&m.ring, m.bytes + m.len, n);
                m.len += n;
            }
            break;
        case 1:
            if (room > 0)
                write_beyond(&m, &prng, room);
            break;
        case 2:
            extend(&m);
            break;
        case 3:
            drop(&m, &prng);
            break;
        case 4: {
            uint32_t offset = prng_below(&prng, m.len + 1);
            check(&m, offset, prng_below(&prng, m.len - offset + 1));
            break;
        }
        default:
            if (prng_below(&prng, 100) == 0) {
                ring_free(&m.ring, &buffers);
                memset(&m, 0, sizeof m);
            }
            assert_true(ring_reserve(&m.ring, &buffers, prng_below(&prng, 16385), m.beyond));
        }
        assert_int_equal(m.ring.len, m.len);
    }
    ring_free(&m.ring, &buffers);
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    static struct ring r;
    static uint8_t bytes[2049];
    struct ring_span spans[2];
    assert_true(ring_reserve(&r, &buffers, 2048, 0));
    ring_append(&r, bytes, 1000);
    expect_assert_failure(ring_append(&r, bytes, 1049));
    expect_assert_failure(ring_write_at(&r, 2048, bytes, 1));
    expect_assert_failure(ring_write_at(&r, UINT32_MAX, bytes, 2));
    expect_assert_failure(ring_extend(&r, 1049));
    expect_assert_failure(ring_drop(&r, 1001, false));
    expect_assert_failure(ring_read_at(&r, 999, bytes, 2));
    expect_assert_failure(ring_read_at(&r, UINT32_MAX, bytes, 2));
    expect_assert_failure(ring_spans(&r, 1001, 0, spans));
    expect_assert_failure(ring_reserve(&r, &buffers, 4096, 1049));
    ring_free(&r, &buffers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_capacity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drop_restarts_at_the_front, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse_is_caught, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
