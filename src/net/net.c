/* SPDX-License-Identifier: MIT */
/* A host's IP side as a whole: its memory, links, addresses and routes, and its time. */
#include "net/net.h"

#include <string.h>

#include "base/assert.h"
#include "base/prng.h"
#include "net/internal.h"

#define TABLES_BYTES_MIN 65536u /* the memory interface's grain */
#define BUFFERS_CHUNK_BYTES 65536u
#define HEADS_MAX (1u << 20)
#define REASSEMBLY_CODE 1u /* of time exceeded */

/* Hands out the pieces of one block; with base NULL it only counts. */
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *c, size_t bytes)
{
    void *piece = c->base == NULL ? NULL : c->base + c->used;
    c->used += (bytes + 63) & ~(size_t)63;
    return piece;
}

static uint32_t heads_for(uint32_t limit)
{
    uint32_t heads = 16;
    while (heads < limit && heads < HEADS_MAX)
        heads *= 2;
    return heads;
}

/* All tables of a fixed size. */
struct layout {
    struct net_link *links;
    struct local_address *addresses;
    uint32_t *address_slots, *neighbour_heads, *path_heads;
    struct route *routes;
    struct frame *frames;
    struct reasm_packet *packets;
    uint32_t addresses_limit, routes_limit;
};

static void lay_out(struct carver *c, const struct hawser_config *config, struct layout *l)
{
    /* Every link may get an address from its MAC, and every address makes a connected route. */
    l->addresses_limit = config->addresses_max + config->links_max;
    l->routes_limit = config->routes_max + l->addresses_limit;
    l->links = carve(c, config->links_max * sizeof *l->links);
    l->addresses = carve(c, l->addresses_limit * sizeof *l->addresses);
    l->address_slots = carve(c, addresses_slots(l->addresses_limit) * sizeof *l->address_slots);
    l->routes = carve(c, l->routes_limit * sizeof *l->routes);
    l->neighbour_heads = carve(c, heads_for(config->neighbours_max) * sizeof *l->neighbour_heads);
    l->path_heads = carve(c, heads_for(config->paths_max) * sizeof *l->path_heads);
    l->frames = carve(c, FRAMES_MAX * sizeof *l->frames);
    l->packets = carve(c, REASM_PACKETS_MAX * sizeof *l->packets);
}

static bool init_tables(struct net *net, const struct hawser_config *config, struct layout *l)
{
    struct carver counting = {0};
    lay_out(&counting, config, l);
    net->tables_bytes = counting.used < TABLES_BYTES_MIN ? TABLES_BYTES_MIN : counting.used;
    net->tables = memory_acquire(net->memory, net->tables_bytes);
    if (net->tables == NULL)
        return false;
    struct carver carving = {.base = net->tables};
    lay_out(&carving, config, l);
    return true;
}

int net_init(struct net *net, const struct hawser_config *config, struct memory *memory,
             struct hawser_counters *counters, uint64_t now_ns, uint64_t seed)
{
    struct layout l;
    struct prng prng;
    *net = (struct net){.config = config, .memory = memory, .counters = counters, .generation = 1};
    prng_init(&prng, seed);
    net->key.k[0] = prng_next(&prng);
    net->key.k[1] = prng_next(&prng);
    for (uint32_t i = 0; i < NET_IP_IDS; i++)
        net->ip_id[i] = (uint32_t)prng_next(&prng);
    if (!init_tables(net, config, &l))
        return HAWSER_ERR_RESOURCES;
    net->links = l.links;
    buffers_init(&net->buffers, memory, (uint64_t)config->fragments_bytes_max + FRAMES_BYTES_MAX,
                 BUFFERS_CHUNK_BYTES);
    addresses_init(&net->addresses, l.addresses, l.address_slots, l.addresses_limit);
    routes_init(&net->routes, l.routes, l.routes_limit);
    frames_init(&net->frames, l.frames, &net->buffers);
    reasm_init(&net->reasm, l.packets, &net->buffers, config->fragments_bytes_max,
               config->fragment_timeout_ns, &net->key);
    if (neighbours_init(&net->neighbours, memory, config->neighbours_max,
                        config->neighbour_reachable_ns, l.neighbour_heads,
                        heads_for(config->neighbours_max), &net->key, now_ns) &&
        pathmtus_init(&net->pathmtus, memory, config->paths_max, config->path_mtu_age_ns,
                      l.path_heads, heads_for(config->paths_max), &net->key))
        return 0;
    net_deinit(net);
    return HAWSER_ERR_RESOURCES;
}

void net_configure(struct net *net)
{
    net->reasm.timeout_ns = net->config->fragment_timeout_ns;
    net->neighbours.reachable_ns = net->config->neighbour_reachable_ns;
    net->pathmtus.age_ns = net->config->path_mtu_age_ns;
}

void net_deinit(struct net *net)
{
    if (net->tables == NULL)
        return;
    for (uint32_t i = 0; i < net->links_count; i++)
        frames_clear(&net->frames, &net->links[i].out);
    for (uint32_t i = 0; i < net->neighbours.pool.fresh_next; i++) {
        struct neighbour *n = neighbour_at(&net->neighbours, i);
        if (n->serial != 0)
            frames_clear(&net->frames, &n->held);
    }
    reasm_deinit(&net->reasm);
    pathmtus_deinit(&net->pathmtus);
    neighbours_deinit(&net->neighbours);
    buffers_deinit(&net->buffers);
    memory_release(net->memory, net->tables, net->tables_bytes);
    *net = (struct net){0};
}

uint64_t net_next_deadline(const struct net *net)
{
    uint64_t at_ns = wheel_next(&net->neighbours.wheel);
    at_ns = ns_min(at_ns, reasm_next(&net->reasm));
    return ns_min(at_ns, pathmtus_next(&net->pathmtus));
}

/* RFC 791 3.2, RFC 1122 3.3.2, RFC 8200 4.5: the sender is told when the first fragment was there.
 */
static void report_timeout(struct net *net, uint64_t now_ns, const struct reasm_packet *p)
{
    uint32_t length;
    const uint8_t *start = reasm_start(p, &length);
    struct ip_packet ip = {.src = p->src,
                           .dst = p->dst,
                           .payload = start,
                           .payload_len = length,
                           .version = p->version,
                           .protocol = p->protocol};
    const struct net_packet packet = {
        .ip = &ip, .header = p->header, .header_len = p->header_len, .link = p->link};
    icmp_report(net, now_ns, &packet, p->version == 4 ? ICMPV4_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED,
                REASSEMBLY_CODE, 0);
}

void net_expire(struct net *net, uint64_t now_ns)
{
    resolve_expire(net, now_ns);
    for (struct reasm_packet *p; (p = reasm_expired(&net->reasm, now_ns)) != NULL;) {
        if (p->has_first && !p->poisoned)
            report_timeout(net, now_ns, p);
        reasm_drop(&net->reasm, p);
        net_drop(net, HAWSER_DROP_FRAGMENT);
    }
    if (pathmtus_expire(&net->pathmtus, now_ns))
        net->generation++;
}
