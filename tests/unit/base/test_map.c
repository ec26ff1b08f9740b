/* SPDX-License-Identifier: MIT */
/* The hash map: growth by splitting, overflow lists, poor hashes, refusals, an array as the model.
 * */
#include "support/unit.h"

#include "base/map.h"
#include "base/prng.h"
#include "support/test_memory.h"

#define OBJECTS 20000u

/* How hashes come about: good ones, and ones so poor that only lists behind one bucket are left. */
enum kind { GOOD, SAME, SAME_TAG, SAME_BUCKET, FEW, KINDS };

struct world {
    enum kind kind;
    uint32_t key[OBJECTS];
    uint32_t equals_count;
};

static struct test_memory source;
static struct memory memory;
static struct world world;
static struct map map;

static uint64_t hash_key(enum kind kind, uint32_t key)
{
    struct prng prng;
    prng_init(&prng, key);
    uint64_t hash = prng_next(&prng);
    switch (kind) {
    case SAME:
        return 0;
    case SAME_TAG:
        return hash & UINT64_C(0x0000ffffffffffff);
    case SAME_BUCKET:
        return hash | UINT64_C(0x00000000ffffffff);
    case FEW:
        return hash & UINT64_C(0x0003000000000003);
    case GOOD:
    case KINDS:
        break;
    }
    return hash;
}

static uint64_t hash_of(void *ctx, uint32_t ref)
{
    struct world *w = ctx;
    return hash_key(w->kind, w->key[ref]);
}

static bool equals(void *ctx, uint32_t ref, const void *key)
{
    struct world *w = ctx;
    w->equals_count++;
    return w->key[ref] == *(const uint32_t *)key;
}

static const struct map_ops ops = {.hash_of = hash_of, .equals = equals};

static void start(enum kind kind)
{
    memset(&world, 0, sizeof world);
    world.kind = kind;
    assert_true(map_init(&map, &memory, &ops, &world, OBJECTS, 1u << 16));
}

static int setup(void **state)
{
    (void)state;
    test_memory_init(&source);
    memory_init(&memory, &source.source, UINT64_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    map_deinit(&map);
    test_memory_deinit(&source);
    return 0;
}

static uint32_t find(uint32_t key)
{
    uint64_t hash = hash_key(world.kind, key);
    map_prefetch(&map, hash);
    return map_find(&map, hash, &key);
}

static bool add(uint32_t ref, uint32_t key)
{
    world.key[ref] = key;
    return map_add(&map, hash_key(world.kind, key), ref);
}

/* Every reference lies under the bucket that its hash names, in the form that map.c relies on. */
static void check_form(void)
{
    uint32_t seen = 0;
    uint32_t overflows = 0;
    assert_int_equal(map.buckets.used_count, (1u << map.level_bits) + map.split);
    for (uint32_t i = 0; i < map.buckets.used_count; i++) {
        const struct map_bucket *table = pool_at(&map.buckets, i);
        const struct map_bucket *b = table;
        for (unsigned depth = 0;; depth++) {
            unsigned n = 0;
            for (unsigned j = 0; j < MAP_BUCKET_REFS; j++) {
                if (b->ref[j] == MAP_NONE)
                    continue;
                assert_int_equal(n, j); /* used ones first */
                n++;
                assert_ptr_equal(map_bucket_for(&map, hash_of(&world, b->ref[j])), table);
            }
            seen += n;
            /* Only the table's bucket, when nothing hangs behind it, and the first one behind it
             * need not be full; and that one is not empty. */
            if (depth > 1 || b->overflow != POOL_NONE)
                assert_true(depth == 1 ? n > 0 : n == MAP_BUCKET_REFS);
            else if (depth == 1)
                assert_true(n > 0);
            if (b->overflow == POOL_NONE)
                break;
            b = pool_at(&map.overflow, b->overflow);
            overflows++;
        }
    }
    assert_int_equal(seen, map.count);
    assert_int_equal(overflows, map.overflow.used_count);
}

static void test_add_find_remove(void **state)
{
    (void)state;
    for (enum kind kind = GOOD; kind < KINDS; kind++) {
        uint32_t size = kind == GOOD || kind == SAME_TAG ? OBJECTS : 700;
        start(kind);
        assert_int_equal(find(1), MAP_NONE);
        for (uint32_t i = 0; i < size; i++)
            assert_true(add(i, 3 * i));
        assert_int_equal(map.count, size);
        check_form();
        for (uint32_t i = 0; i < size; i++) {
            assert_int_equal(find(3 * i), i);
            assert_int_equal(find(3 * i + 1), MAP_NONE);
        }
        for (uint32_t i = 0; i < size; i += 2)
            map_remove(&map, hash_of(&world, i), i);
        check_form();
        for (uint32_t i = 0; i < size; i++)
            assert_int_equal(find(3 * i), i % 2 ? i : MAP_NONE);
        for (uint32_t i = size - 1; i < size; i -= 2)
            map_remove(&map, hash_of(&world, i), i);
        assert_int_equal(map.count, 0);
        assert_int_equal(map.overflow.used_count, 0);
        check_form();
        map_deinit(&map);
        assert_int_equal(memory.used_bytes, 0);
    }
}

/* A hit looks at one object, save for one tag in 65536 that is equal by chance; a miss at none. */
static void test_tags_spare_looks(void **state)
{
    (void)state;
    start(GOOD);
    for (uint32_t i = 0; i < OBJECTS; i++)
        add(i, i);
    world.equals_count = 0;
    for (uint32_t i = 0; i < OBJECTS; i++)
        find(i);
    assert_in_range(world.equals_count, OBJECTS, OBJECTS + 20);
    world.equals_count = 0;
    for (uint32_t i = 0; i < OBJECTS; i++)
        find(OBJECTS + i);
    assert_in_range(world.equals_count, 0, 20);
}

/* About six references a bucket, few of them in overflow buckets, wherever in a round of splits. */
static void test_load(void **state)
{
    (void)state;
    start(GOOD);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        add(i, i);
        if (i > 3000) {
            assert_in_range(map.buckets.used_count, map.count / 6, map.count / 6 + 1);
            assert_true(map.overflow.used_count < map.buckets.used_count / 7);
        }
    }
    assert_int_equal(map.buckets.used_count, OBJECTS / 6 + 1);
}

static void test_replace(void **state)
{
    (void)state;
    for (enum kind kind = GOOD; kind < KINDS; kind++) {
        start(kind);
        for (uint32_t i = 0; i < 300; i++)
            add(i, i);
        for (uint32_t i = 0; i < 300; i++) {
            world.key[1000 + i] = i;
            map_replace(&map, hash_of(&world, i), i, 1000 + i);
            world.key[i] = 99999; /* the old object is another's now */
        }
        for (uint32_t i = 0; i < 300; i++)
            assert_int_equal(find(i), 1000 + i);
        assert_int_equal(map.count, 300);
        check_form();
        map_deinit(&map);
    }
}

static void test_limit(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    assert_true(map_init(&map, &memory, &ops, &world, 3, 1u << 16));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(add(i, i));
    assert_false(add(3, 3));
    assert_int_equal(find(3), MAP_NONE);
    map_remove(&map, hash_of(&world, 1), 1);
    assert_true(add(3, 3));
}

/* Every request for memory refused, once and from then on. An insertion says no and changes
 * nothing, or goes without a split; once there is memory the map catches up. */
static void test_refusals(void **state)
{
    (void)state;
    uint32_t refused_init = 0;
    uint32_t refused_add = 0;
    for (enum kind kind = GOOD; kind <= SAME; kind++) {
        for (uint64_t nth = 1; nth <= 9; nth++) {
            memset(&world, 0, sizeof world);
            world.kind = kind;
            test_memory_refuse_from(&source, nth);
            if (!map_init(&map, &memory, &ops, &world, OBJECTS, 4096)) {
                refused_init++;
                assert_int_equal(memory.used_bytes, 0);
                continue;
            }
            uint32_t refused = 0;
            for (uint32_t i = 0; i < 1300; i++) {
                if (!add(i, i)) {
                    refused++;
                    assert_int_equal(map.count, i);
                    assert_int_equal(find(i), MAP_NONE);
                    check_form();
                    test_memory_refuse_nth(&source, 0);
                    assert_true(add(i, i));
                }
            }
            refused_add += refused;
            check_form();
            for (uint32_t i = 0; i < 1300; i++)
                assert_int_equal(find(i), i);
            test_memory_refuse_nth(&source, 0);
            for (uint32_t i = 1300; i < 2000; i++)
                assert_true(add(i, i));
            assert_in_range(map.buckets.used_count, 2000 / 6, 2000 / 6 + 1);
            check_form();
            map_deinit(&map);
            assert_int_equal(memory.used_bytes, 0);
        }
    }
    assert_int_equal(refused_init, 2 * 3); /* two directories and a chunk */
    assert_true(refused_add >= 6);
}

/* Splits that memory refused are made up for, two at an insertion. */
static void test_catches_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    assert_true(map_init(&map, &memory, &ops, &world, OBJECTS, 4096));
    uint32_t i = 0;
    for (; map.overflow.chunks_count == 0; i++)
        assert_true(add(i, i));
    test_memory_refuse_from(&source, 1);
    while (add(i, i))
        i++;
    test_memory_refuse_nth(&source, 0);
    uint32_t missing = map.count / 6 - map.buckets.used_count;
    assert_in_range(missing, 50, 200);
    for (uint32_t end = i + missing * 6 / 11 + 1; i < end; i++)
        assert_true(add(i, i));
    assert_in_range(map.buckets.used_count, map.count / 6, map.count / 6 + 1);
    check_form();
}

static void random_walk(enum kind kind, uint32_t keys, uint32_t steps)
{
    static uint32_t ref_of[OBJECTS]; /* the model: by key */
    static bool busy[OBJECTS];
    struct prng prng;
    prng_init(&prng, kind);
    start(kind);
    memset(busy, 0, sizeof busy);
    for (uint32_t i = 0; i < keys; i++)
        ref_of[i] = MAP_NONE;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t key = prng_below(&prng, keys);
        uint32_t ref = prng_below(&prng, OBJECTS);
        bool filling = step / keys % 4 < 2;
        assert_int_equal(find(key), ref_of[key]);
        if (ref_of[key] == MAP_NONE && !busy[ref] && (filling || step % 4 == 0)) {
            assert_true(add(ref, key));
            ref_of[key] = ref;
            busy[ref] = true;
        } else if (ref_of[key] != MAP_NONE && !busy[ref] && step % 3 == 0) {
            world.key[ref] = key;
            map_replace(&map, hash_key(kind, key), ref_of[key], ref);
            busy[ref_of[key]] = false;
            busy[ref] = true;
            ref_of[key] = ref;
        } else if (ref_of[key] != MAP_NONE && !filling) {
            map_remove(&map, hash_key(kind, key), ref_of[key]);
            busy[ref_of[key]] = false;
            ref_of[key] = MAP_NONE;
        }
        if (step % 10007 == 0)
            check_form();
    }
    check_form();
    for (uint32_t key = 0; key < keys; key++)
        assert_int_equal(find(key), ref_of[key]);
    map_deinit(&map);
}

static void test_against_model(void **state)
{
    (void)state;
    random_walk(GOOD, OBJECTS, 1000000);
    random_walk(GOOD, 60, 100000);
    random_walk(SAME_TAG, 2000, 100000);
    random_walk(SAME_BUCKET, 200, 50000);
    random_walk(SAME, 100, 50000);
    random_walk(FEW, 300, 50000);
}

static bool asked_for[OBJECTS];

static void note(void *ctx, uint32_t ref)
{
    const struct world *w = ctx;
    assert_true(ref < OBJECTS && w->key[ref] != 0);
    asked_for[ref] = true;
}

/* Before a bucket is split its objects are asked for, and nothing that is not in the map. */
static void test_asks_ahead(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    start(GOOD);
    memset(asked_for, 0, sizeof asked_for);
    map.prefetch = note;
    for (uint32_t i = 0; i < COUNT; i++)
        assert_true(add(i, i + 1));
    uint32_t asked_count = 0;
    for (uint32_t i = 0; i < COUNT; i++)
        asked_count += asked_for[i];
    assert_in_range(asked_count, COUNT / 2,
                    COUNT); /* half of them were in when the last round began */
}

static void test_misuse_is_caught(void **state)
{
    (void)state;
    start(GOOD);
    add(1, 1);
    expect_assert_failure(map_remove(&map, hash_key(GOOD, 1), 2));
    expect_assert_failure(map_remove(&map, hash_key(GOOD, 2), 1));
    expect_assert_failure(map_replace(&map, hash_key(GOOD, 1), 2, 3));
    expect_assert_failure(map_add(&map, 5, MAP_NONE));
    assert_int_equal(find(1), 1);
    map_remove(&map, hash_key(GOOD, 1), 1);
    assert_int_equal(find(1), MAP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add_find_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tags_spare_looks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catches_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asks_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misuse_is_caught, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
