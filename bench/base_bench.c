/* SPDX-License-Identifier: MIT */
/* What the operations under src/base cost, in nanoseconds. Prints; judges nothing. */
#include <stdio.h>
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/memory.h>

#include "base/buffers.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/ring.h"
#include "base/siphash.h"
#include "base/wheel.h"

struct object {
    uint64_t key[2];
    struct wheel_entry timer;
    uint8_t rest[24];
};

static struct memory memory;
static struct pool objects;
static struct prng prng;
static const struct siphash_key hash_key = {{1, 2}};
static volatile uint64_t sink; /* where results go, so that they are wanted */

/* for (struct timed t = timed(…); more(&t); t.i++) runs 2 million times and says what one took. */
struct timed {
    const char *what;
    uint32_t size, i;
    uint64_t from;
};

static struct timed timed(const char *what, uint32_t size)
{
    return (struct timed){.what = what, .size = size, .from = hawser_clock_now()};
}

static bool more(const struct timed *t)
{
    if (t->i < 2000000)
        return true;
    printf("%-26s %8u %7.1f ns\n", t->what, t->size, (double)(hawser_clock_now() - t->from) / t->i);
    return false;
}

static uint64_t hash_of(void *ctx, uint32_t ref)
{
    return siphash_words(&hash_key, ((struct object *)pool_at(ctx, ref))->key, 2);
}

static bool equals(void *ctx, uint32_t ref, const void *key)
{
    return memcmp(((struct object *)pool_at(ctx, ref))->key, key, 16) == 0;
}

/* Each look-up waits for the one before: until a packet's connection is found, it has to wait. */
static void bench_map(uint32_t size)
{
    static const struct map_ops map_ops = {hash_of, equals};
    static const char *const names[] = {"map_find, hit", "map_find, miss", "(siphash of these)"};
    struct map map;
    map_init(&map, &memory, &map_ops, &objects, size, 1u << 18);
    for (uint32_t i = 0; i < size; i++) {
        ((struct object *)pool_at(&objects, i))->key[0] = i;
        map_add(&map, hash_of(&objects, i), i);
    }
    for (uint32_t kind = 0; kind < 3; kind++) {
        uint64_t last = 0;
        for (struct timed t = timed(names[kind], size); more(&t); t.i++) {
            uint64_t key[2] = {prng_below(&prng, size) ^ (last == 1u << 31), kind};
            uint64_t hash = siphash_words(&hash_key, key, 2);
            last = kind < 2 ? map_find(&map, hash, key) : hash;
        }
        sink = last;
    }
    map_deinit(&map);
}

static void bench_wheel(uint32_t size)
{
    static struct wheel wheel;
    static const uint32_t spans_ns[] = {200000000, 2000000};
    static const char *const names[] = {"expire, over 200 ms", "expire, over 2 ms"};
    uint64_t clock = 0;
    wheel_init(&wheel, &objects, offsetof(struct object, timer), 0);
    for (uint32_t i = 0; i < size; i++) {
        wheel_entry_init(wheel_entry_at(&wheel, i));
        wheel_set(&wheel, i, prng_below(&prng, spans_ns[0]));
    }
    for (struct timed t = timed("wheel_set, put off", size); more(&t); t.i++)
        wheel_set(&wheel, t.i % size, (200 + t.i / 1000) * NS_PER_MS);
    for (struct timed t = timed("wheel_set, clear or set", size); more(&t); t.i++)
        wheel_set(&wheel, t.i / 2 % size, t.i % 2 == 0 ? NEVER : 3 * NS_PER_S + t.i * 50);
    for (uint32_t n = 0; n < 2; n++) {
        for (uint32_t i = 0; i < size; i++)
            wheel_set(&wheel, i, clock + 1 + prng_below(&prng, spans_ns[n]));
        for (struct timed t = timed(names[n], size); more(&t); t.i++) {
            uint32_t index;
            while ((index = wheel_expire(&wheel, clock)) == POOL_NONE)
                clock = wheel_next(&wheel);
            wheel_set(&wheel, index, clock + 1 + prng_below(&prng, spans_ns[n]));
        }
    }
}

static void bench_bytes(void)
{
    static uint8_t bytes[1448];
    struct buffers buffers;
    struct ring ring = {0};
    for (uint32_t length = 12; length <= 36; length += 24) {
        for (struct timed t = timed("siphash", length); more(&t); t.i++)
            sink = siphash(&hash_key, bytes, length);
    }
    buffers_init(&buffers, &memory, 1u << 30, 1u << 18);
    for (struct timed t = timed("buffers_take and give", 2048); more(&t); t.i++)
        buffers_give(&buffers, buffers_take(&buffers, 11 + t.i % 4), 11 + t.i % 4);
    ring_reserve(&ring, &buffers, 1u << 18, 0);
    for (struct timed t = timed("ring_append and ring_drop", sizeof bytes); more(&t); t.i++) {
        ring_append(&ring, bytes, sizeof bytes);
        ring_drop(&ring, sizeof bytes, true);
    }
    ring_free(&ring, &buffers);
    buffers_deinit(&buffers);
}

int main(void)
{
    const struct hawser_memory source = hawser_memory_default(NULL);
    memory_init(&memory, &source, UINT64_MAX);
    prng_init(&prng, 1);
    bench_bytes();
    for (uint32_t size = 1000; size <= 1000000; size *= size == 1000 ? 100 : 10) {
        pool_init(&objects, &memory, sizeof(struct object), size + 1, 1u << 18);
        for (uint32_t i = 0; i < size; i++)
            sink = pool_take(&objects);
        bench_map(size);
        bench_wheel(size);
        for (struct timed t = timed("pool_take and give", size); more(&t); t.i++)
            pool_give(&objects, pool_take(&objects));
        pool_deinit(&objects);
    }
    return 0;
}
