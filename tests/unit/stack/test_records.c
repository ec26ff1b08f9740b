/* SPDX-License-Identifier: MIT */
/* Queues of records: order, indexes, chunks, walking, against a plain model. */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/prng.h"
#include "stack/records.h"
#include "support/test_memory.h"
#include "support/unit.h"

#define CHUNK 65536u
#define START_NS (UINT64_C(5000) * NS_PER_S)

struct fixture {
    struct test_memory source;
    struct memory memory;
    struct records records;
};

static void begin(struct fixture *f, uint64_t limit_bytes)
{
    test_memory_init(&f->source);
    memory_init(&f->memory, &f->source.source, limit_bytes);
    records_init(&f->records, &f->memory, CHUNK);
}

static void end(struct fixture *f)
{
    records_deinit(&f->records);
    assert_int_equal(f->memory.used_bytes, 0);
    test_memory_deinit(&f->source);
}

static struct flow_key key_of(uint32_t n, bool v6)
{
    struct flow_key key;
    memset(&key, 0, sizeof key);
    if (v6) {
        key.laddr.bytes[0] = key.raddr.bytes[0] = 0x20;
        key.laddr.bytes[15] = 1;
    } else {
        key.laddr.bytes[10] = key.laddr.bytes[11] = 0xff;
        key.raddr.bytes[10] = key.raddr.bytes[11] = 0xff;
        key.laddr.bytes[12] = 10;
    }
    memcpy(key.raddr.bytes + 12, &n, sizeof n);
    key.lport = 80;
    key.rport = (uint16_t)(1000 + n % 60000);
    return key;
}

static struct timewait wait_until(uint64_t end_ns, uint32_t mark, bool fin_wait_2)
{
    return (struct timewait){.snd_nxt = {mark},
                             .ends_at_ms = timewait_clock(end_ns + NS_PER_MS - 1),
                             .fin_wait_2 = fin_wait_2};
}

static void test_order_of_expiry(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, UINT64_MAX);
    /* Four queues with times of their own, filled side by side. */
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t now = START_NS + i * NS_PER_MS;
        bool v6 = (i & 1) != 0, fin_wait_2 = (i & 2) != 0;
        struct flow_key key = key_of(i, v6);
        struct timewait wait = wait_until(now + (fin_wait_2 ? 7 : 60) * NS_PER_S, i, fin_wait_2);
        assert_int_not_equal(records_add(&f.records, &key, &wait, now), RECORD_NONE);
    }
    uint64_t last = 0;
    unsigned count = 0;
    uint32_t index;
    bool v6;
    while (records_first(&f.records, &v6, &index)) {
        uint64_t at = records_next(&f.records);
        assert_true(at >= last);
        last = at;
        uint32_t mark = records_at(&f.records, v6, index)->snd_nxt.v;
        uint64_t life = (mark & 2 ? 7 : 60) * NS_PER_S;
        assert_int_equal(at, (START_NS + mark * NS_PER_MS + life) / NS_PER_MS * NS_PER_MS);
        struct flow_key key = key_of(mark, (mark & 1) != 0), found;
        records_key(&f.records, v6, index, &found);
        assert_true(flow_key_equal(&key, &found));
        records_remove(&f.records, v6, index);
        count++;
    }
    assert_int_equal(count, 20000);
    assert_int_equal(records_next(&f.records), NEVER);
    /* All chunks went back but the spare one, and the directory. */
    assert_true(f.memory.used_bytes <= 2 * CHUNK);
    end(&f);
}

/* A queue that never becomes empty lives longer than 32 bits of milliseconds. */
static void test_years(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, UINT64_MAX);
    uint64_t now = START_NS;
    uint64_t step = UINT64_C(10) * 24 * 3600 * NS_PER_S;
    for (uint32_t i = 0; i < 100; i++, now += step / 2) {
        struct flow_key key = key_of(i, false);
        struct timewait wait = wait_until(now + step, i, false);
        assert_int_not_equal(records_add(&f.records, &key, &wait, now), RECORD_NONE);
        bool v6;
        uint32_t index;
        while (records_next(&f.records) <= now) {
            assert_true(records_first(&f.records, &v6, &index));
            uint32_t mark = records_at(&f.records, v6, index)->snd_nxt.v;
            assert_int_equal(records_next(&f.records), START_NS + mark * (step / 2) + step);
            records_remove(&f.records, v6, index);
        }
        assert_true(f.records.live_count > 0);
    }
    end(&f);
}

struct entry {
    uint32_t index, mark;
    bool v6, live;
};

static void check_walk(struct fixture *f, const struct entry *entries, uint32_t count)
{
    uint8_t *seen = calloc(count, 1);
    uint64_t cursor = 0;
    uint32_t index, shown = 0;
    bool v6;
    while (records_walk(&f->records, &cursor, &v6, &index)) {
        uint32_t mark = records_at(&f->records, v6, index)->snd_nxt.v;
        assert_true(mark < count && entries[mark].live && !seen[mark]);
        assert_int_equal(entries[mark].index, index);
        assert_int_equal(entries[mark].v6, v6);
        seen[mark] = 1;
        shown++;
        assert_true(cursor < UINT64_C(1) << 62);
    }
    assert_int_equal(shown, f->records.live_count);
    assert_false(records_walk(&f->records, &cursor, &v6, &index)); /* the end stays the end */
    free(seen);
}

/* Random additions, removals in the middle and expiries: every index stays right as long as its
 * record lives. */
static void test_model(void **state)
{
    (void)state;
    struct fixture f;
    struct prng prng;
    uint32_t count = 0;
    struct entry *entries = calloc(60000, sizeof entries[0]);
    begin(&f, UINT64_MAX);
    prng_init(&prng, 1);
    for (uint64_t now = START_NS; count < 60000; now += prng_below(&prng, 3) * NS_PER_MS) {
        uint32_t what = prng_below(&prng, 10);
        uint32_t index;
        bool v6;
        if (what < 6) {
            struct entry *e = &entries[count];
            bool fin_wait_2 = prng_below(&prng, 4) == 0;
            *e = (struct entry){.mark = count, .v6 = prng_below(&prng, 3) == 0, .live = true};
            struct flow_key key = key_of(count, e->v6);
            struct timewait wait =
                wait_until(now + (fin_wait_2 ? 5 : 9) * NS_PER_S, count, fin_wait_2);
            e->index = records_add(&f.records, &key, &wait, now);
            assert_int_not_equal(e->index, RECORD_NONE);
            assert_true(records_equal(&f.records, e->v6, e->index, &key));
            key.rport ^= 1;
            assert_false(records_equal(&f.records, e->v6, e->index, &key));
            count++;
        } else if (what < 8 && count > 0) {
            struct entry *e = &entries[prng_below(&prng, count)];
            if (!e->live)
                continue;
            records_remove(&f.records, e->v6, e->index);
            e->live = false;
        }
        while (records_next(&f.records) <= now && records_first(&f.records, &v6, &index)) {
            struct entry *e = &entries[records_at(&f.records, v6, index)->snd_nxt.v];
            assert_true(e->live && e->v6 == v6 && e->index == index);
            records_remove(&f.records, v6, index);
            e->live = false;
        }
        if (prng_below(&prng, 5000) == 0)
            check_walk(&f, entries, count);
    }
    check_walk(&f, entries, count);
    free(entries);
    end(&f);
}

/* A walk between whose calls records come, go and move shows none twice and none that is gone. */
static void test_walk_among_changes(void **state)
{
    (void)state;
    struct fixture f;
    struct prng prng;
    begin(&f, UINT64_MAX);
    prng_init(&prng, 7);
    enum { COUNT = 9000 };
    struct entry *entries = calloc(COUNT, sizeof entries[0]);
    uint8_t *seen = calloc(COUNT, 1);
    uint64_t now = START_NS;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct flow_key key = key_of(i, i % 3 == 0);
        struct timewait wait = wait_until(now + 60 * NS_PER_S, i, false);
        entries[i] = (struct entry){.mark = i, .v6 = i % 3 == 0, .live = true};
        entries[i].index = records_add(&f.records, &key, &wait, now);
    }
    uint64_t cursor = 0;
    uint32_t index;
    bool v6;
    while (records_walk(&f.records, &cursor, &v6, &index)) {
        uint32_t mark = records_at(&f.records, v6, index)->snd_nxt.v;
        assert_true(entries[mark].live && !seen[mark]);
        seen[mark] = 1;
        struct entry *e = &entries[prng_below(&prng, COUNT)];
        if (!e->live)
            continue;
        struct flow_key key = key_of(e->mark, e->v6);
        now += NS_PER_MS;
        struct timewait wait = wait_until(now + 60 * NS_PER_S, e->mark, false);
        uint32_t moved = RECORD_NONE;
        if (prng_below(&prng, 2) == 0)
            moved = records_add(&f.records, &key, &wait, now);
        records_remove(&f.records, e->v6, e->index);
        e->live = moved != RECORD_NONE;
        e->index = moved;
        if (prng_below(&prng, 4) == 0 && records_first(&f.records, &v6, &index)) {
            entries[records_at(&f.records, v6, index)->snd_nxt.v].live = false;
            records_remove(&f.records, v6, index);
        }
    }
    free(entries);
    free(seen);
    end(&f);
}

static void test_any_cursor_is_safe(void **state)
{
    (void)state;
    struct fixture f;
    struct prng prng;
    begin(&f, UINT64_MAX);
    prng_init(&prng, 3);
    for (uint32_t i = 0; i < 5000; i++) {
        struct flow_key key = key_of(i, i % 2 == 0);
        struct timewait wait = wait_until(START_NS + 60 * NS_PER_S, i, false);
        records_add(&f.records, &key, &wait, START_NS);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t cursor = prng_next(&prng) >> (2 + prng_below(&prng, 40));
        uint32_t index;
        bool v6;
        if (records_walk(&f.records, &cursor, &v6, &index))
            assert_true(records_at(&f.records, v6, index)->snd_nxt.v < 5000);
    }
    end(&f);
}

static void test_refused_memory(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4 * CHUNK); /* the directory and three chunks */
    uint32_t added = 0;
    for (;; added++) {
        struct flow_key key = key_of(added, false);
        struct timewait wait = wait_until(START_NS + 60 * NS_PER_S, added, false);
        if (records_add(&f.records, &key, &wait, START_NS) == RECORD_NONE)
            break;
    }
    assert_int_equal(added, 3 * ((CHUNK - 64) / 32));
    assert_int_equal(f.records.live_count, added);
    /* Room again after the oldest went. */
    for (uint32_t i = 0; i < (CHUNK - 64) / 32; i++) {
        uint32_t index;
        bool v6;
        assert_true(records_first(&f.records, &v6, &index));
        assert_int_equal(records_at(&f.records, v6, index)->snd_nxt.v, i);
        records_remove(&f.records, v6, index);
    }
    struct flow_key key = key_of(1, true);
    struct timewait wait = wait_until(START_NS + 60 * NS_PER_S, 1, false);
    assert_int_not_equal(records_add(&f.records, &key, &wait, START_NS), RECORD_NONE);
    end(&f);
}

/* Records that last longer where they lie: each is over at its own end or, behind one of them, when
 * that is. */
static void test_last_longer_in_place(void **state)
{
    (void)state;
    struct fixture f;
    struct prng prng;
    begin(&f, UINT64_MAX);
    prng_init(&prng, 11);
    enum { COUNT = 9000 }; /* several chunks */
    uint32_t *index = calloc(COUNT, sizeof index[0]);
    uint64_t *ends_ns = calloc(COUNT, sizeof ends_ns[0]);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t now = START_NS + i * NS_PER_MS;
        struct flow_key key = key_of(i, false);
        ends_ns[i] = now + 20 * NS_PER_S;
        struct timewait wait = wait_until(ends_ns[i], i, true);
        index[i] = records_add(&f.records, &key, &wait, now);
    }
    uint64_t now = START_NS + COUNT * NS_PER_MS;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i != 0 && i != COUNT - 1 && prng_below(&prng, 4) != 0)
            continue;
        struct timewait wait = *records_at(&f.records, false, index[i]);
        ends_ns[i] = now + 30 * NS_PER_S + prng_below(&prng, 9000) * NS_PER_MS;
        wait.ends_at_ms = timewait_clock(ends_ns[i]);
        wait.fin_wait_2 = false;
        records_change(&f.records, false, index[i], &wait);
    }
    assert_int_equal(records_next(&f.records), ends_ns[0]);
    records_shift(&f.records, false, 500); /* those of TIME-WAIT, wherever they lie */
    for (uint32_t i = 0; i < COUNT; i++) {
        bool first_longer = !records_at(&f.records, false, index[i])->fin_wait_2;
        ends_ns[i] += first_longer ? 500 * NS_PER_MS : 0;
    }
    assert_int_equal(records_next(&f.records), ends_ns[0]);
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t first;
        bool v6;
        assert_true(records_first(&f.records, &v6, &first));
        assert_int_equal(first, index[i]);
        assert_int_equal(records_next(&f.records), ends_ns[i]);
        if (ends_ns[i] > latest_ns)
            latest_ns = ends_ns[i];
        records_remove(&f.records, false, index[i]);
    }
    assert_int_equal(records_next(&f.records), NEVER);
    assert_true(latest_ns <= now + 40 * NS_PER_S);
    free(index);
    free(ends_ns);
    end(&f);
}

/* Memory that is touched where it is used only. */
static void *lazy_acquire(void *context, size_t bytes)
{
    (void)context;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void lazy_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    assert_int_equal(munmap(memory, bytes), 0);
}

/* More chunks than the first directory names. */
static void test_many_chunks(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static uint32_t index[COUNT];
    struct memory memory;
    struct records records;
    const struct hawser_memory source = {lazy_acquire, lazy_release, NULL};
    memory_init(&memory, &source, UINT64_MAX);
    records_init(&records, &memory, CHUNK);
    struct timewait wait = wait_until(START_NS + 60 * NS_PER_S, 1, false);
    struct record_queue *queue = &records.queues[RECORDS_TIME_WAIT_V6];
    for (uint32_t i = 0; i < COUNT; i++) {
        struct flow_key key = key_of(i, true);
        index[i] = records_add(&records, &key, &wait, START_NS);
        assert_int_not_equal(index[i], RECORD_NONE);
        queue->tail_place = queue->places; /* as if the rest of the chunk were in use */
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        struct flow_key key = key_of(i, true);
        assert_true(records_equal(&records, true, index[i], &key));
    }
    records_deinit(&records);
    assert_int_equal(memory.used_bytes, 0);
}

/* What peers repeat costs bounded memory. */
static void test_dead_places_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, UINT64_MAX);
    struct flow_key keeper = key_of(1, false), mover = key_of(2, false);
    struct timewait wait = wait_until(START_NS + 60 * NS_PER_S, 1, false);
    records_add(&f.records, &keeper, &wait, START_NS);
    uint32_t index = records_add(&f.records, &mover, &wait, START_NS);
    unsigned moves = 0;
    for (; records_may_move(&f.records); moves++) {
        uint32_t moved = records_add(&f.records, &mover, &wait, START_NS);
        records_remove(&f.records, false, index);
        index = moved;
    }
    assert_in_range(moves, 1000, 10000);
    records_remove(&f.records, false, index);
    assert_true(records_first(&f.records, &(bool){false}, &index));
    records_remove(&f.records, false, index);
    assert_int_equal(f.records.dead_count, 0);
    assert_int_equal(records_next(&f.records), NEVER);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_expiry),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_walk_among_changes),
        cmocka_unit_test(test_any_cursor_is_safe),
        cmocka_unit_test(test_refused_memory),
        cmocka_unit_test(test_last_longer_in_place),
        cmocka_unit_test(test_many_chunks),
        cmocka_unit_test(test_dead_places_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
