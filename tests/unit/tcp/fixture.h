/* SPDX-License-Identifier: MIT */
/* What the tests of src/tcp share: a host's configuration with its defaults, keys, counters,
 * buffers. */
#ifndef HAWSER_TCP_FIXTURE_H
#define HAWSER_TCP_FIXTURE_H

#include "support/test_memory.h"
#include "support/unit.h"

#include "tcp/tcp.h"

struct fixture {
    struct hawser_config config;
    struct hawser_counters counters;
    struct test_memory source;
    struct memory memory;
    struct buffers buffers;
    struct tcp tcp;
};

/* The values of hawser_config_defaults, which lies in a layer above. */
static inline void fixture_config(struct hawser_config *c)
{
    memset(c, 0, sizeof *c);
    c->hop_limit = 64;
    c->syn_retries = 6;
    c->synack_retries = 5;
    c->window_scaling = c->timestamps = c->sack = true;
    c->initial_window_segments = 10;
    c->send_buffer_bytes = 4u << 20;
    c->receive_buffer_bytes = 6u << 20;
    c->receive_window_initial_bytes = 64u << 10;
    c->delayed_ack_ns = 40 * NS_PER_MS;
    c->quick_acks = 16;
    c->rto_min_ns = 200 * NS_PER_MS;
    c->rto_max_ns = 120 * NS_PER_S;
    c->rto_initial_ns = NS_PER_S;
    c->retries1 = 3;
    c->retries2 = 15;
    c->override_ns = 200 * NS_PER_MS;
    c->challenge_acks = 10;
    c->challenge_interval_ns = 5 * NS_PER_S;
    c->keepalive_idle_ns = 7200 * NS_PER_S;
    c->keepalive_interval_ns = 75 * NS_PER_S;
    c->keepalive_probes = 9;
    c->msl_ns = 30 * NS_PER_S;
    c->fin_wait_2_ns = 60 * NS_PER_S;
    c->orphan_retries = 8;
    c->rfc1337 = true;
    c->timewait_reuse = 2;
    c->timewait_reuse_delay_ns = NS_PER_S;
}

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fixture_config(&f->config);
    test_memory_init(&f->source);
    memory_init(&f->memory, &f->source.source, 64u << 20);
    buffers_init(&f->buffers, &f->memory, 48u << 20, 64u << 10);
    f->tcp = (struct tcp){
        .config = &f->config,
        .buffers = &f->buffers,
        .counters = &f->counters,
        .isn_key = {{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)}},
        .cookie_key = {{UINT64_C(0x5a5a5a5aa5a5a5a5), UINT64_C(0x0f0f0f0ff0f0f0f0)}},
    };
}

/* Fails the test when a buffer is still out. */
static inline void fixture_deinit(struct fixture *f)
{
    assert_int_equal(f->buffers.used_bytes, 0);
    buffers_deinit(&f->buffers);
    test_memory_deinit(&f->source);
}

/* A segment as the parser would hand it over. */
static inline struct segment fixture_segment(uint8_t flags, uint32_t seq, uint32_t ack,
                                             uint32_t text_len)
{
    static const uint8_t text[4096];
    assert_true(text_len <= sizeof text);
    uint32_t controls = (flags & TCP_SYN ? 1u : 0u) + (flags & TCP_FIN ? 1u : 0u);
    return (struct segment){
        .seq = seq_of(seq),
        .ack = seq_of(ack),
        .text = text,
        .text_len = text_len,
        .len = text_len + controls,
        .wnd = 30000,
        .flags = flags,
    };
}

#endif
