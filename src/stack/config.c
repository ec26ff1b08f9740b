/* SPDX-License-Identifier: MIT */
/* Defaults of a host, and the check of what a program made of them. config.h says where each number
 * comes from. */
#include <hawser/config.h>

#include <string.h>

#include "base/buffers.h"
#include "base/nstime.h"

#define KIB UINT32_C(1024)
#define MIB (1024 * KIB)
/* Where 24 bits name a slot; all ones is none. */
#define SLOTS_MAX ((UINT32_C(1) << 24) - 1)
#define MINUTE_NS (60 * NS_PER_S)

/* Sequence space and 32-bit millisecond clocks compare over half of their range: no span may come
 * near it. */
#define SPAN_MAX_NS ((UINT64_C(1) << 30) * NS_PER_MS)

/* The ends of a range of fields, in the order of config.h. Booleans need no check. */
#define MEMORY_FIELDS(X)                                                                           \
    X(memory_bytes, MIB, UINT64_MAX)                                                               \
    X(buffer_bytes, 64 * KIB, UINT64_MAX)                                                          \
    X(chunk_bytes, 64 * KIB, 64 * MIB)                                                             \
    X(connections_max, 1, SLOTS_MAX)                                                               \
    X(halfopen_max, 1, UINT32_C(1) << 24)                                                          \
    X(timewait_max, 1, UINT32_C(1) << 26)                                                          \
    X(listeners_max, 1, UINT32_C(1) << 20)                                                         \
    X(neighbours_max, 1, SLOTS_MAX)                                                                \
    X(routes_max, 1, UINT32_C(1) << 20)                                                            \
    X(addresses_max, 1, UINT32_C(1) << 16)                                                         \
    X(links_max, 1, 255)                                                                           \
    X(fragments_bytes_max, 0, UINT32_C(1) << 30)                                                   \
    X(paths_max, 1, UINT32_C(1) << 24)

#define IP_FIELDS(X)                                                                               \
    X(hop_limit, 1, 255)                                                                           \
    X(icmp_rate_per_s, 0, UINT32_MAX)                                                              \
    X(neighbour_reachable_ns, NS_PER_S, SPAN_MAX_NS)                                               \
    X(fragment_timeout_ns, NS_PER_S, SPAN_MAX_NS)                                                  \
    X(path_mtu_age_ns, 5 * MINUTE_NS, NEVER)

#define OPENING_FIELDS(X)                                                                          \
    X(syn_retries, 1, 127)                                                                         \
    X(synack_retries, 1, 127)                                                                      \
    X(port_first, 1, 65535)                                                                        \
    X(port_last, 1, 65535)                                                                         \
    X(initial_window_segments, 1, 10)

#define TRANSFER_FIELDS(X)                                                                         \
    X(send_buffer_bytes, 2 * KIB, UINT32_C(1) << BUFFERS_SHIFT_MAX)                                \
    X(receive_buffer_bytes, 2 * KIB, UINT32_C(1) << BUFFERS_SHIFT_MAX)                             \
    X(receive_window_initial_bytes, 2 * KIB, UINT32_C(1) << BUFFERS_SHIFT_MAX)                     \
    X(delayed_ack_ns, 0, 500 * NS_PER_MS - 1) /* RFC9293 MUST-40 */                                \
    X(quick_acks, 0, 255)                                                                          \
    X(rto_min_ns, NS_PER_MS, 60 * NS_PER_S)                                                        \
    X(rto_max_ns, 60 * NS_PER_S, 4200 * NS_PER_S) /* RFC6298 05; microseconds in 32 bits */        \
    X(rto_initial_ns, NS_PER_MS, 60 * NS_PER_S)                                                    \
    X(retries1, 1, 127)                                                                            \
    X(retries2, 1, 127)                                                                            \
    X(override_ns, 100 * NS_PER_MS, NS_PER_S) /* RFC 9293 3.8.6.2.1 */                             \
    X(challenge_acks, 1, 255)                                                                      \
    X(challenge_interval_ns, NS_PER_MS, SPAN_MAX_NS)

#define ENDING_FIELDS(X)                                                                           \
    X(keepalive_idle_ns, NS_PER_S, SPAN_MAX_NS)                                                    \
    X(keepalive_interval_ns, NS_PER_S, SPAN_MAX_NS)                                                \
    X(keepalive_probes, 1, 127)                                                                    \
    X(msl_ns, NS_PER_MS, SPAN_MAX_NS / 2)                                                          \
    X(fin_wait_2_ns, NS_PER_MS, SPAN_MAX_NS)                                                       \
    X(orphan_retries, 1, 127)                                                                      \
    X(timewait_reuse, 0, 2)                                                                        \
    X(timewait_reuse_delay_ns, 0, SPAN_MAX_NS)

static void defaults_of_limits(struct hawser_config *c)
{
    c->memory_bytes = 1024 * (uint64_t)MIB;
    c->buffer_bytes = c->memory_bytes / 4 * 3;
    c->chunk_bytes = 256 * KIB;
    c->connections_max = 1000000;
    c->halfopen_max = 4096;
    c->timewait_max = UINT32_C(1) << 26;
    c->listeners_max = 1024;
    c->neighbours_max = 1024;
    c->routes_max = 64;
    c->addresses_max = 64;
    c->links_max = 8;
    c->fragments_bytes_max = MIB;
    c->paths_max = 1024;
}

static void defaults_of_ip(struct hawser_config *c)
{
    c->hop_limit = 64;
    c->path_mtu_discovery = true;
    c->icmp_rate_per_s = 1000;
    c->neighbour_reachable_ns = 30 * NS_PER_S;
    c->fragment_timeout_ns = 30 * NS_PER_S;
    c->path_mtu_age_ns = 10 * MINUTE_NS;
}

static void defaults_of_tcp(struct hawser_config *c)
{
    c->syn_retries = 7; /* RFC9293 MUST-23: only an eighth SYN is waited for beyond three minutes */
    c->synack_retries = 5;
    c->syn_cookies = true;
    c->window_scaling = true;
    c->timestamps = true;
    c->sack = true;
    c->port_first = 32768;
    c->port_last = 60999;
    c->initial_window_segments = 10;
    c->send_buffer_bytes = 4 * MIB;
    c->receive_buffer_bytes = 6 * MIB;
    c->receive_window_initial_bytes = 64 * KIB;
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

void hawser_config_defaults(struct hawser_config *config)
{
    memset(config, 0, sizeof *config);
    defaults_of_limits(config);
    defaults_of_ip(config);
    defaults_of_tcp(config);
}

static bool is_within(uint64_t value, uint64_t low, uint64_t high)
{
    return value >= low && value <= high;
}

#define CHECK_FIELD(field, low, high)                                                              \
    if (!is_within(config->field, low, high))                                                      \
        return #field;

static const char *range_fault_of_host(const struct hawser_config *config)
{
    MEMORY_FIELDS(CHECK_FIELD)
    IP_FIELDS(CHECK_FIELD)
    return NULL;
}

static const char *range_fault_of_tcp(const struct hawser_config *config)
{
    OPENING_FIELDS(CHECK_FIELD)
    TRANSFER_FIELDS(CHECK_FIELD)
    ENDING_FIELDS(CHECK_FIELD)
    return NULL;
}

/* RFC6528 03: a key that everybody knows is none. */
static bool entropy_is_given(const struct hawser_config *config)
{
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof config->entropy; i++)
        any |= config->entropy[i];
    return any != 0;
}

/* Fields that are each in range, and contradict each other. */
static const char *fault_of_pairs(const struct hawser_config *config)
{
    if (config->buffer_bytes > config->memory_bytes)
        return "buffer_bytes";
    if ((config->chunk_bytes & (config->chunk_bytes - 1)) != 0)
        return "chunk_bytes";
    if (config->port_last < config->port_first)
        return "port_last";
    if (config->rto_initial_ns < config->rto_min_ns)
        return "rto_initial_ns";
    if (config->receive_window_initial_bytes > config->receive_buffer_bytes)
        return "receive_window_initial_bytes";
    return NULL;
}

static const char *fault_of(const struct hawser_config *config)
{
    if (config->memory.acquire == NULL || config->memory.release == NULL)
        return "memory";
    if (!entropy_is_given(config))
        return "entropy";
    const char *fault = range_fault_of_host(config);
    if (fault == NULL)
        fault = range_fault_of_tcp(config);
    return fault != NULL ? fault : fault_of_pairs(config);
}

int hawser_config_check(const struct hawser_config *config, const char **field)
{
    const char *fault = fault_of(config);
    if (fault == NULL)
        return 0;
    if (field != NULL)
        *field = fault;
    return HAWSER_ERR_CONFIG;
}
