/* SPDX-License-Identifier: MIT */
/* Local ports that the host chooses (RFC 6056). */
#include "stack/host.h"

bool port_may_reuse(const struct hawser_host *host, const struct flow_key *key, uint32_t ref,
                    uint64_t now_ns)
{
    bool loopback = net_is_local(&host->net, &key->raddr);
    return timewait_may_reuse(&host->tcp, waiting_at(host, ref), loopback, now_ns);
}

/* Whether an active open may have this 4-tuple. What only connections to other remote ends use is
 * no obstacle: one port serves many. */
static bool is_free(struct hawser_host *host, const struct flow_key *key, uint64_t now_ns,
                    uint32_t *instead)
{
    *instead = FLOW_NONE;
    if (listeners_hold(&host->listeners, &key->laddr, key->lport))
        return false;
    if (!ports_used(&host->ports, &key->laddr, key->lport, false))
        return true;
    uint32_t ref = map_find(&host->flows.map, flow_hash(&host->flows.key, key), key);
    if (ref == FLOW_NONE)
        return true;
    *instead = ref;
    return flow_is_record(ref) && port_may_reuse(host, key, ref, now_ns);
}

/* Double-hash port selection, RFC 6056 3.3.4 (RFC6056 01, 03; RFC5927 06), over the whole range
 * (RFC6056 04): where to begin is a secret of the two ends, and successive ports of one of the
 * secret sequences are used one after the other, so that a tuple comes back as late as can be. */
uint16_t port_for_open(struct hawser_host *host, const struct flow_key *key, uint64_t now_ns,
                       uint32_t *instead)
{
    struct flow_key candidate = *key;
    candidate.lport = 0;
    uint64_t hash = siphash(&host->port_key, &candidate, sizeof candidate);
    uint32_t *counter = &host->port_counters[(hash >> 32) % PORT_COUNTERS];
    uint32_t first = host->config.port_first;
    uint32_t count = host->config.port_last - first + 1;
    uint32_t start = (uint32_t)hash + *counter;
    for (uint32_t i = 0; i < count; i++) {
        candidate.lport = (uint16_t)(first + (start + i) % count);
        if (is_free(host, &candidate, now_ns, instead)) {
            *counter += i + 1;
            return candidate.lport;
        }
    }
    return 0;
}

uint16_t port_for_listen(struct hawser_host *host, const struct hawser_listen_options *options)
{
    struct hawser_endpoint local = options->local;
    uint32_t first = host->config.port_first;
    uint32_t count = host->config.port_last - first + 1;
    uint32_t start = prng_below(&host->prng, count);
    for (uint32_t i = 0; i < count; i++) {
        local.port = (uint16_t)(first + (start + i) % count);
        if (!ports_used(&host->ports, &local.address, local.port, options->v6_only) &&
            listeners_conflict(&host->listeners, &local, &options->remote, options->v6_only) ==
                LISTENER_NONE)
            return local.port;
    }
    return 0;
}
