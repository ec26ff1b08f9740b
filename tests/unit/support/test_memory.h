/* SPDX-License-Identifier: MIT */
/* A memory source for tests: it counts, refuses on request, fills what is released, and knows what
 * is still out. */
#ifndef HAWSER_TEST_MEMORY_H
#define HAWSER_TEST_MEMORY_H

#include <stdint.h>

#include <hawser/config.h>

struct test_memory_block;

struct test_memory {
    struct hawser_memory source;    /* hand this to the code under test */
    struct test_memory_block *held; /* what is out */
    uint64_t held_count;
    uint64_t held_bytes;
    uint64_t requests_count; /* since init or the last refuse_*, refused ones too */
    uint64_t refuse_first;   /* 1 = the next request; 0 = none */
    uint64_t refuse_last;
    uint64_t refused_count;
};

void test_memory_init(struct test_memory *t);

/* The nth request from now on (1 = the next) is refused, and only that one; 0 = none. */
void test_memory_refuse_nth(struct test_memory *t, uint64_t nth);

/* The nth request from now on and all behind it are refused. */
void test_memory_refuse_from(struct test_memory *t, uint64_t nth);

/* Fails the test when something was not given back; then gives it back, so that no other report
 * follows. */
void test_memory_deinit(struct test_memory *t);

#endif
