/* SPDX-License-Identifier: MIT */
/* The line of a wire: rate and queue to the nanosecond, delay, jitter, and chance that can be
 * repeated. */
#include <stdlib.h>

#include <hawser/port/wire.h>

#include "support/unit.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct hawser_wire *new_wire(uint64_t seed, struct hawser_wire_settings settings)
{
    struct hawser_wire_config config = {.kind = HAWSER_LINK_IP, .seed = seed};
    struct hawser_wire *wire = NULL;
    assert_int_equal(hawser_wire_create(&config, &wire), 0);
    assert_int_equal(hawser_wire_set(wire, 2, &settings), 0);
    return wire;
}

/* A frame that carries its number and for the rest a pattern that goes with it. */
static void fill(uint8_t *bytes, uint32_t number, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(number * 31 + i * 7);
    memcpy(bytes, &number, sizeof number);
}

static void put_number(struct hawser_wire *wire, uint64_t now_ns, uint32_t number, size_t length)
{
    uint8_t bytes[1500];
    fill(bytes, number, length);
    assert_int_equal(hawser_wire_put(wire, 0, now_ns, bytes, length), 0);
}

/* What came out at end 1, in order. */
struct arrivals {
    struct {
        uint64_t at_ns;
        uint32_t number; /* as the frame says: wrong if that was corrupted */
        unsigned flipped_bits;
    } * list;
    size_t count;
};

/* Takes everything, each frame at its own time; number_sent and its length tell what a frame should
 * be. */
static struct arrivals drain(struct hawser_wire *wire, size_t length)
{
    struct arrivals out = {.list = calloc(200000, sizeof *out.list)};
    assert_non_null(out.list);
    for (uint64_t at; (at = hawser_wire_next_at(wire, 1)) != UINT64_MAX;) {
        struct hawser_frame frames[HAWSER_WIRE_BATCH];
        size_t n = hawser_wire_take(wire, 1, at, frames, HAWSER_WIRE_BATCH);
        assert_true(n > 0 && out.count + n <= 200000);
        for (size_t i = 0; i < n; i++) {
            uint8_t good[1500];
            uint32_t number;
            assert_int_equal(frames[i].length, length);
            memcpy(&number, frames[i].data, sizeof number);
            fill(good, number, length);
            unsigned flipped = 0;
            for (size_t b = 0; b < length; b++)
                flipped += (unsigned)__builtin_popcount((unsigned)(good[b] ^ frames[i].data[b]));
            out.list[out.count].at_ns = at;
            out.list[out.count].number = number;
            out.list[out.count++].flipped_bits = flipped;
        }
    }
    return out;
}

/* When the last of `count` frames put at once arrives, less the delay of nothing. */
static void test_rate_is_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t rate;
        size_t length;
        uint32_t count;
        uint64_t delay_ns;
    } rows[] = {
        {8, 1, 3, 0},
        {1000000, 1250, 10, 0},
        {1000000, 1250, 10, 20 * MS},
        {3, 40, 7, 5},
        {9999991, 1499, 1000, 0},
        {10000000000, 1500, 4000, MS},
        {7777777777, 777, 9999, 0},
        {1000000000000, 1500, 5000, 0},
    };
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct hawser_wire *wire =
            new_wire(1, (struct hawser_wire_settings){.rate_bits_per_s = rows[row].rate,
                                                      .delay_ns = rows[row].delay_ns,
                                                      .queue_bytes = 1u << 30});
        const uint64_t start = 17;
        uint8_t bytes[1500] = {0};
        for (uint32_t i = 0; i < rows[row].count; i++)
            assert_int_equal(hawser_wire_put(wire, 0, start, bytes, rows[row].length), 0);
        for (uint64_t i = 1; i <= rows[row].count; i++) {
            struct hawser_frame frame;
            uint64_t due =
                start + rows[row].delay_ns + i * rows[row].length * 8 * S / rows[row].rate;
            assert_int_equal(hawser_wire_next_at(wire, 1), due);
            assert_int_equal(hawser_wire_take(wire, 1, due, &frame, 1), 1);
        }
        hawser_wire_destroy(wire);
    }
}

/* 1 Mbit/s is 8 us a byte. */
static void test_queue_bound(void **state)
{
    (void)state;
    struct hawser_wire *wire =
        new_wire(1, (struct hawser_wire_settings){.rate_bits_per_s = 1000000, .queue_bytes = 5000});
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    for (uint32_t i = 0; i < 8; i++)
        put_number(wire, 0, i, 1000);
    assert_int_equal(counters->overflowed, 3); /* 5 of 1000 bytes fit */
    put_number(wire, 7999, 8, 1000);           /* a byte less than one frame has left the queue */
    assert_int_equal(counters->overflowed, 3 + 1);
    put_number(wire, 8 * MS, 9, 1000);
    assert_int_equal(counters->overflowed, 4);
    put_number(wire, 8 * MS, 10, 4);
    assert_int_equal(counters->overflowed, 5);
    put_number(wire, 8 * MS + 31 * 1000, 10, 4); /* 4 bytes take 32 us to leave */
    assert_int_equal(counters->overflowed, 6);
    put_number(wire, 8 * MS + 32 * 1000, 10, 4);
    assert_int_equal(counters->overflowed, 6);
    assert_int_equal(counters->in_flight, 7);
    hawser_wire_destroy(wire);
}

/* A queue smaller than a frame still lets one through when the line is idle. */
static void test_queue_of_nothing(void **state)
{
    (void)state;
    struct hawser_wire *wire =
        new_wire(1, (struct hawser_wire_settings){.rate_bits_per_s = 1000000, .queue_bytes = 1});
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    for (uint64_t now = 0; now < 100 * 8 * MS; now += 4 * MS)
        put_number(wire, now, 0, 1000);
    assert_int_equal(counters->sent_frames, 200);
    assert_int_equal(counters->overflowed, 100);
    hawser_wire_destroy(wire);
}

static void test_default_queue(void **state)
{
    (void)state;
    static const struct {
        uint64_t rate;
        uint32_t fit; /* frames of 1024 bytes */
    } rows[] = {{1000, 64}, {8192000, 100}, {819200000, 10000}};
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct hawser_wire *wire =
            new_wire(1, (struct hawser_wire_settings){.rate_bits_per_s = rows[row].rate});
        for (uint32_t i = 0; i < 12000; i++)
            put_number(wire, 0, i, 1024);
        assert_int_equal(hawser_wire_counters_of(wire, 0)->in_flight, rows[row].fit);
        hawser_wire_destroy(wire);
    }
}

/* Settings change in mid-flight: what is on the way keeps its time and its place. */
static void test_change(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(1, (struct hawser_wire_settings){.delay_ns = 10 * MS});
    put_number(wire, 0, 0, 100);
    struct hawser_wire_settings quick = {.delay_ns = 1 * MS};
    assert_int_equal(hawser_wire_set(wire, 0, &quick), 0);
    put_number(wire, 1, 1, 100);
    struct hawser_wire_settings perfect = {.delay_ns = 0};
    assert_int_equal(hawser_wire_set(wire, 0, &perfect), 0);
    put_number(wire, 2, 2, 100);
    put_number(wire, 10 * MS + 5, 3, 100);
    struct arrivals got = drain(wire, 100);
    assert_int_equal(got.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(got.list[i].number, i);
        assert_int_equal(got.list[i].at_ns, i < 3 ? 10 * MS : 10 * MS + 5);
    }
    free(got.list);

    struct hawser_wire_settings slow = {.rate_bits_per_s = 8000, .queue_bytes = 1000};
    assert_int_equal(hawser_wire_set(wire, 0, &slow), 0); /* 1 ms a byte */
    put_number(wire, S, 4, 1000);
    slow.rate_bits_per_s = 8000000;
    assert_int_equal(hawser_wire_set(wire, 0, &slow), 0);
    put_number(wire, S, 5, 1000); /* the line is busy for another second: full at this rate */
    put_number(wire, 2 * S, 6, 1000);
    got = drain(wire, 1000);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.list[0].at_ns, 2 * S);
    assert_int_equal(got.list[1].at_ns, 2 * S + MS);
    free(got.list);

    /* What is left of a nanosecond at one rate is nothing to speak of at another. */
    slow.rate_bits_per_s = 888898765432; /* 8.9999 ns a frame */
    assert_int_equal(hawser_wire_set(wire, 0, &slow), 0);
    put_number(wire, 3 * S, 7, 1000);
    slow.rate_bits_per_s = 8000;
    slow.queue_bytes = 100000;
    assert_int_equal(hawser_wire_set(wire, 0, &slow), 0);
    put_number(wire, 3 * S, 8, 1000);
    got = drain(wire, 1000);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.list[1].at_ns, 4 * S + 8);
    free(got.list);
    hawser_wire_destroy(wire);
}

/* A hundred thousand frames, 1 us apart. */
enum { MANY = 100000 };

static struct arrivals run_many(struct hawser_wire *wire)
{
    struct hawser_frame frames[HAWSER_WIRE_BATCH];
    struct arrivals all = {.list = calloc(2 * MANY, sizeof *all.list)};
    assert_non_null(all.list);
    for (uint32_t i = 0; i < MANY; i += 50) {
        for (uint32_t k = i; k < i + 50; k++)
            put_number(wire, k * UINT64_C(1000), k, 64);
        if (hawser_wire_counters_of(wire, 0)->in_flight < 4000)
            continue;
        struct arrivals some = drain(wire, 64);
        memcpy(all.list + all.count, some.list, some.count * sizeof *all.list);
        all.count += some.count;
        free(some.list);
    }
    struct arrivals rest = drain(wire, 64);
    memcpy(all.list + all.count, rest.list, rest.count * sizeof *all.list);
    all.count += rest.count;
    free(rest.list);
    assert_int_equal(hawser_wire_take(wire, 1, UINT64_MAX, frames, 1), 0);
    return all;
}

/* Within six standard deviations of a fair coin with this probability. */
static void assert_about(uint64_t found, uint32_t ppm)
{
    double expected = MANY * (ppm / 1e6);
    double variance = expected * (1 - ppm / 1e6);
    double off = (double)found - expected;
    assert_true(off * off <= 36 * variance + 1e-6);
}

static void test_probabilities(void **state)
{
    (void)state;
    static const uint32_t ppms[] = {0, 100, 10000, 333333, 900000, 999999, 1000000};
    for (size_t row = 0; row < COUNT_OF(ppms); row++) {
        uint32_t ppm = ppms[row];
        struct hawser_wire *wire = new_wire(row, (struct hawser_wire_settings){.loss_ppm = ppm});
        const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
        free(run_many(wire).list);
        assert_about(counters->lost, ppm);
        assert_int_equal(counters->delivered_frames, MANY - counters->lost);
        hawser_wire_destroy(wire);

        wire = new_wire(row, (struct hawser_wire_settings){.duplicate_ppm = ppm});
        counters = hawser_wire_counters_of(wire, 0);
        free(run_many(wire).list);
        assert_about(counters->duplicated, ppm);
        assert_int_equal(counters->delivered_frames, MANY + counters->duplicated);
        hawser_wire_destroy(wire);

        wire = new_wire(row, (struct hawser_wire_settings){.corrupt_ppm = ppm});
        counters = hawser_wire_counters_of(wire, 0);
        free(run_many(wire).list);
        assert_about(counters->corrupted, ppm);
        assert_int_equal(counters->delivered_frames, MANY);
        hawser_wire_destroy(wire);
    }
}

static void test_corruption_flips_one_bit(void **state)
{
    (void)state;
    struct hawser_wire *wire =
        new_wire(3, (struct hawser_wire_settings){.corrupt_ppm = 500000, .duplicate_ppm = 500000});
    uint8_t seen[64 * 8] = {0};
    uint64_t corrupted = 0;
    unsigned pairs[4] = {0}; /* is the original hit? and its copy? */
    for (unsigned turn = 0; turn < 20000; turn++) {
        uint8_t bytes[64] = {0};
        struct hawser_frame frames[2];
        assert_int_equal(hawser_wire_put(wire, 0, turn, bytes, sizeof bytes), 0);
        size_t n = hawser_wire_take(wire, 1, turn, frames, 2);
        assert_in_range(n, 1, 2);
        unsigned hit = 0;
        for (size_t i = 0; i < n; i++) {
            unsigned flipped = 0;
            for (size_t bit = 0; bit < sizeof seen; bit++)
                if ((frames[i].data[bit / 8] >> (bit % 8) & 1) != 0) {
                    flipped++;
                    seen[bit] = 1;
                }
            assert_in_range(flipped, 0, 1);
            corrupted += flipped;
            hit |= flipped << i;
        }
        pairs[hit] += n == 2;
    }
    for (unsigned i = 0; i < 4; i++)
        assert_in_range(pairs[i], 2000, 3000); /* of 10000, independently */
    assert_int_equal(corrupted, hawser_wire_counters_of(wire, 0)->corrupted);
    for (size_t bit = 0; bit < sizeof seen; bit++)
        assert_int_equal(seen[bit], 1); /* no bit is spared */
    hawser_wire_destroy(wire);
}

static void test_jitter_keeps_order(void **state)
{
    (void)state;
    struct hawser_wire *wire =
        new_wire(5, (struct hawser_wire_settings){.delay_ns = 3 * MS, .jitter_ns = 2 * MS});
    struct arrivals got = run_many(wire);
    uint64_t most = 0;
    assert_int_equal(got.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t took = got.list[i].at_ns - i * UINT64_C(1000);
        assert_int_equal(got.list[i].number, i);
        assert_in_range(took, 3 * MS, 5 * MS);
        most = took > most ? took : most;
        assert_true(i == 0 || got.list[i].at_ns >= got.list[i - 1].at_ns);
    }
    assert_true(most > 4900000);
    free(got.list);
    hawser_wire_destroy(wire);

    /* Frames far apart show the spread itself: even over 0..jitter_ns, both included. */
    wire = new_wire(6, (struct hawser_wire_settings){.jitter_ns = 1});
    uint64_t ones = 0;
    for (uint32_t i = 0; i < 1000; i++)
        put_number(wire, i * UINT64_C(10), i, 64);
    got = drain(wire, 64);
    for (uint32_t i = 0; i < 1000; i++)
        ones += got.list[i].at_ns - i * UINT64_C(10);
    assert_in_range(ones, 400, 600);
    free(got.list);
    hawser_wire_destroy(wire);

    wire = new_wire(6, (struct hawser_wire_settings){.jitter_ns = 999});
    unsigned tenths[10] = {0};
    for (uint32_t i = 0; i < 10000; i++)
        put_number(wire, i * UINT64_C(5000), i, 64);
    got = drain(wire, 64);
    for (uint32_t i = 0; i < 10000; i++)
        tenths[(got.list[i].at_ns - i * UINT64_C(5000)) / 100]++;
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(tenths[i], 800, 1200);
    free(got.list);
    hawser_wire_destroy(wire);
}

static void test_reordering(void **state)
{
    (void)state;
    struct hawser_wire *wire = new_wire(
        7, (struct hawser_wire_settings){
               .delay_ns = MS, .reorder_ppm = 50000, .reorder_ns = 10000}); /* ten frames' time */
    struct arrivals got = run_many(wire);
    assert_int_equal(got.count, MANY);
    uint64_t overtaken = 0;
    uint32_t next = 0; /* the frames that keep their order keep it among themselves */
    for (size_t i = 0; i < got.count; i++) {
        uint64_t took = got.list[i].at_ns - got.list[i].number * UINT64_C(1000);
        assert_true(took == MS || took == MS + 10000);
        if (took == MS) {
            assert_true(got.list[i].number >= next);
            next = got.list[i].number + 1;
        } else if (got.list[i].number < next) {
            overtaken++;
        }
    }
    const struct hawser_wire_counters *counters = hawser_wire_counters_of(wire, 0);
    assert_about(counters->late, 50000);
    assert_true(overtaken > counters->late * 9 / 10 && overtaken <= counters->late);
    free(got.list);
    hawser_wire_destroy(wire);
}

static const struct hawser_wire_settings everything = {.delay_ns = MS,
                                                       .jitter_ns = 100000,
                                                       .rate_bits_per_s = 500000000,
                                                       .queue_bytes = 3000,
                                                       .loss_ppm = 20000,
                                                       .duplicate_ppm = 30000,
                                                       .reorder_ppm = 40000,
                                                       .reorder_ns = 50000,
                                                       .corrupt_ppm = 10000};

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    struct hawser_wire *wires[3] = {new_wire(11, everything), new_wire(11, everything),
                                    new_wire(12, everything)};
    struct arrivals got[3];
    for (unsigned i = 0; i < 3; i++)
        got[i] = run_many(wires[i]);
    assert_int_equal(got[0].count, got[1].count);
    assert_memory_equal(got[0].list, got[1].list, got[0].count * sizeof *got[0].list);
    assert_true(got[0].count != got[2].count ||
                memcmp(got[0].list, got[2].list, got[0].count * sizeof *got[0].list) != 0);
    const struct hawser_wire_counters *c = hawser_wire_counters_of(wires[0], 0);
    assert_true(c->lost > 0 && c->overflowed > 0 && c->duplicated > 0 && c->corrupted > 0 &&
                c->late > 0);
    assert_int_equal(c->delivered_frames, c->sent_frames - c->lost - c->overflowed + c->duplicated);
    for (unsigned i = 0; i < 3; i++) {
        free(got[i].list);
        hawser_wire_destroy(wires[i]);
    }
}

/* Which frames get lost depends on nothing but seed, direction and probability. */
static void test_faults_are_independent(void **state)
{
    (void)state;
    struct hawser_wire_settings only_loss = {.loss_ppm = 20000};
    struct hawser_wire_settings more = everything;
    more.rate_bits_per_s = 0;
    more.corrupt_ppm = 0; /* so that frames can be told apart */
    more.loss_ppm = 20000;
    struct hawser_wire_settings more_loss = {.loss_ppm = 40000};
    struct hawser_wire_settings rows[] = {only_loss, more, more_loss};
    static uint8_t arrived[COUNT_OF(rows)][MANY];
    memset(arrived, 0, sizeof arrived);
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct hawser_wire *wire = new_wire(13, rows[row]);
        struct arrivals got = run_many(wire);
        for (size_t i = 0; i < got.count; i++)
            arrived[row][got.list[i].number] = 1;
        free(got.list);
        hawser_wire_destroy(wire);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(arrived[0][i], arrived[1][i]);
        assert_true(arrived[0][i] >= arrived[2][i]); /* lost at 2 %, lost at 4 % */
    }

    /* And the two directions do not share their fate. */
    struct hawser_wire *wire = new_wire(13, only_loss);
    uint8_t byte = 0;
    unsigned differ = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t lost[2];
        for (unsigned d = 0; d < 2; d++) {
            assert_int_equal(hawser_wire_put(wire, d, i, &byte, 1), 0);
            lost[d] = hawser_wire_counters_of(wire, d)->lost;
        }
        differ += lost[0] != lost[1];
    }
    assert_true(differ > 0);
    hawser_wire_destroy(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_is_exact),
        cmocka_unit_test(test_queue_bound),
        cmocka_unit_test(test_queue_of_nothing),
        cmocka_unit_test(test_default_queue),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_corruption_flips_one_bit),
        cmocka_unit_test(test_jitter_keeps_order),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_faults_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
