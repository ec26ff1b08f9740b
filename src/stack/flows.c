/* SPDX-License-Identifier: MIT */
/* Hash and comparison of what lies in the flow map. */
#include "stack/flows.h"

#include "stack/host.h"

static uint64_t word_of(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t half_of(const uint8_t *p)
{
    uint32_t half;
    memcpy(&half, p, sizeof half);
    return half;
}

/* Only what can differ between two keys is hashed: of IPv4 the last four bytes of each address. */
uint64_t flow_hash(const struct siphash_key *key, const struct flow_key *flow)
{
    uint64_t ports = ((uint64_t)flow->lport << 16) | flow->rport;
    if (flow_key_is_v4(flow)) {
        const uint64_t words[2] = {
            half_of(flow->laddr.bytes + 12) << 32 | half_of(flow->raddr.bytes + 12), ports};
        return siphash13_words(key, words, 2);
    }
    const uint64_t words[5] = {word_of(flow->laddr.bytes), word_of(flow->laddr.bytes + 8),
                               word_of(flow->raddr.bytes), word_of(flow->raddr.bytes + 8), ports};
    return siphash13_words(key, words, 5);
}

static uint64_t hash_of(void *ctx, uint32_t ref)
{
    const struct hawser_host *host = ctx;
    struct flow_key key;
    uint32_t index = flow_index_of(ref);
    switch (flow_kind_of(ref)) {
    case FLOW_CONNECTION:
        return flow_hash(&host->flows.key, &conn_at(host, index)->key);
    case FLOW_REQUEST:
        return flow_hash(&host->flows.key, &request_at(host, index)->key);
    case FLOW_RECORD_V4:
    case FLOW_RECORD_V6:
        break;
    }
    records_key(&host->records, flow_kind_of(ref) == FLOW_RECORD_V6, index, &key);
    return flow_hash(&host->flows.key, &key);
}

static bool equals(void *ctx, uint32_t ref, const void *wanted)
{
    const struct hawser_host *host = ctx;
    const struct flow_key *key = wanted;
    uint32_t index = flow_index_of(ref);
    switch (flow_kind_of(ref)) {
    case FLOW_CONNECTION:
        conn_prefetch(conn_at(host, index)); /* it is nearly always the one */
        return flow_key_equal(&conn_at(host, index)->key, key);
    case FLOW_REQUEST:
        return flow_key_equal(&request_at(host, index)->key, key);
    case FLOW_RECORD_V4:
    case FLOW_RECORD_V6:
        break;
    }
    return records_equal(&host->records, flow_kind_of(ref) == FLOW_RECORD_V6, index, key);
}

static void prefetch(void *ctx, uint32_t ref)
{
    const struct hawser_host *host = ctx;
    uint32_t index = flow_index_of(ref);
    const void *object = NULL;
    switch (flow_kind_of(ref)) {
    case FLOW_CONNECTION:
        object = conn_at(host, index);
        break;
    case FLOW_REQUEST:
        object = request_at(host, index);
        break;
    case FLOW_RECORD_V4:
    case FLOW_RECORD_V6:
        object = waiting_at(host, ref);
        break;
    }
    __builtin_prefetch(object);
}

static const struct map_ops ops = {.hash_of = hash_of, .equals = equals};

bool flows_init(struct hawser_host *host)
{
    const struct hawser_config *config = &host->config;
    uint32_t refs = config->connections_max + config->halfopen_max + config->timewait_max;
    bool had = map_init(&host->flows.map, &host->memory, &ops, host, refs, config->chunk_bytes);
    host->flows.map.prefetch = prefetch;
    return had;
}
