/* SPDX-License-Identifier: MIT */
/* hawser_host_configure: what of a living host's configuration can change. */
#include "stack/host.h"

/* What a host is made of, and what it is told by and tells: these stay. */
#define FIXED_FIELDS(X)                                                                            \
    X(memory.acquire)                                                                              \
    X(memory.release)                                                                              \
    X(memory.context)                                                                              \
    X(trace)                                                                                       \
    X(trace_context)                                                                               \
    X(memory_bytes)                                                                                \
    X(buffer_bytes)                                                                                \
    X(chunk_bytes)                                                                                 \
    X(connections_max)                                                                             \
    X(halfopen_max)                                                                                \
    X(listeners_max)                                                                               \
    X(neighbours_max)                                                                              \
    X(routes_max)                                                                                  \
    X(addresses_max)                                                                               \
    X(links_max)                                                                                   \
    X(fragments_bytes_max)                                                                         \
    X(paths_max)                                                                                   \
    X(timewait_max)

static bool is_fixed_equal(const struct hawser_config *a, const struct hawser_config *b)
{
#define FIXED_DIFFERS(field)                                                                       \
    if (a->field != b->field)                                                                      \
        return false;
    FIXED_FIELDS(FIXED_DIFFERS)
#undef FIXED_DIFFERS
    return memcmp(a->entropy, b->entropy, sizeof a->entropy) == 0;
}

/* Milliseconds from one span to the other, rounded down: what comes to a queue later ends no
 * earlier. */
static int64_t whole_ms(uint64_t from_ns, uint64_t to_ns)
{
    if (to_ns >= from_ns)
        return (int64_t)((to_ns - from_ns) / NS_PER_MS);
    return -(int64_t)((from_ns - to_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* All records of a queue live equally long, and so they lie in order (records.h): those that are
 * there get the new time too, counted from where they began. */
static void change_lives(struct hawser_host *host, const struct hawser_config *to)
{
    const struct hawser_config *from = &host->config;
    records_shift(&host->records, false, whole_ms(2 * from->msl_ns, 2 * to->msl_ns));
    records_shift(&host->records, true, whole_ms(from->fin_wait_2_ns, to->fin_wait_2_ns));
}

int hawser_host_configure(struct hawser_host *host, uint64_t now_ns,
                          const struct hawser_config *config)
{
    uint64_t now = host_now(host, now_ns);
    if (hawser_config_check(config, NULL) != 0 || !is_fixed_equal(&host->config, config))
        return HAWSER_ERR_CONFIG;
    change_lives(host, config);
    host->config = *config; /* tcp/ and net/ look at this one */
    net_configure(&host->net);
    waiting_expire(host, now);
    return 0;
}

const struct hawser_config *hawser_config_of(const struct hawser_host *host)
{
    return &host->config;
}
