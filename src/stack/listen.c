/* SPDX-License-Identifier: MIT */
/* Where listeners are found: by their local end for segments, by their port for conflicts. */
#include "stack/listen.h"

#include <string.h>

#include "wire/ip.h"

static const struct hawser_address any_address;
static const struct hawser_address any_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};

/* Programs choose local ends, peers do not: a plain hash is enough. */
static uint32_t head_of_port(uint16_t port)
{
    return (port * UINT32_C(0x9e3779b1)) >> 24;
}

static uint32_t head_of_end(const struct hawser_address *address, uint16_t port)
{
    uint64_t halves[2];
    memcpy(halves, address->bytes, sizeof halves);
    uint64_t mixed = (halves[0] ^ (halves[1] << 1) ^ port) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 56);
}

_Static_assert(LISTEN_HEADS == 256, "the hashes above give eight bits");

bool listeners_init(struct listeners *l, struct memory *memory, uint32_t limit,
                    uint32_t chunk_bytes)
{
    for (unsigned i = 0; i < LISTEN_HEADS; i++)
        l->by_end[i] = l->by_port[i] = LISTENER_NONE;
    return pool_init(&l->pool, memory, sizeof(struct listener), limit, chunk_bytes);
}

/* Unset parts of a remote end fit everything. */
static bool remote_fits(const struct listener *listener, const struct flow_key *key)
{
    const struct hawser_endpoint *remote = &listener->remote;
    return (remote->port == 0 || remote->port == key->rport) &&
           (address_is_unspecified(&remote->address) ||
            address_equal(&remote->address, &key->raddr));
}

static uint32_t find_at(const struct listeners *l, const struct hawser_address *local,
                        const struct flow_key *key)
{
    uint32_t found = LISTENER_NONE;
    uint32_t i = l->by_end[head_of_end(local, key->lport)];
    for (; i != LISTENER_NONE; i = listener_at(l, i)->end_next) {
        const struct listener *listener = listener_at(l, i);
        if (listener->local.port != key->lport || !address_equal(&listener->local.address, local))
            continue;
        if (listener->v6_only && flow_key_is_v4(key))
            continue;
        if (!listener->has_remote)
            found = i;
        else if (remote_fits(listener, key))
            return i;
    }
    return found;
}

uint32_t listeners_find(const struct listeners *l, const struct flow_key *key)
{
    uint32_t found = find_at(l, &key->laddr, key);
    if (found == LISTENER_NONE && flow_key_is_v4(key))
        found = find_at(l, &any_v4, key);
    if (found == LISTENER_NONE)
        found = find_at(l, &any_address, key);
    return found;
}

/* Whether a local end takes segments for this address. */
static bool covers(const struct hawser_address *local, bool v6_only,
                   const struct hawser_address *address)
{
    if (address_equal(local, &any_address))
        return !(v6_only && address_is_v4(address));
    if (address_equal(local, &any_v4))
        return address_is_v4(address);
    return address_equal(local, address);
}

static bool remotes_overlap(const struct hawser_endpoint *a, const struct hawser_endpoint *b)
{
    bool port = a->port == 0 || b->port == 0 || a->port == b->port;
    return port && (address_is_unspecified(&a->address) || address_is_unspecified(&b->address) ||
                    address_equal(&a->address, &b->address));
}

uint32_t listeners_conflict(const struct listeners *l, const struct hawser_endpoint *local,
                            const struct hawser_endpoint *remote, bool v6_only)
{
    uint32_t i = l->by_port[head_of_port(local->port)];
    for (; i != LISTENER_NONE; i = listener_at(l, i)->port_next) {
        const struct listener *other = listener_at(l, i);
        if (other->local.port != local->port || !remotes_overlap(&other->remote, remote))
            continue;
        if (covers(&other->local.address, other->v6_only, &local->address) ||
            covers(&local->address, v6_only, &other->local.address))
            return i;
    }
    return LISTENER_NONE;
}

bool listeners_hold(const struct listeners *l, const struct hawser_address *laddr, uint16_t port)
{
    uint32_t i = l->by_port[head_of_port(port)];
    for (; i != LISTENER_NONE; i = listener_at(l, i)->port_next) {
        const struct listener *other = listener_at(l, i);
        if (other->local.port == port && covers(&other->local.address, other->v6_only, laddr))
            return true;
    }
    return false;
}

uint32_t listeners_add(struct listeners *l, const struct hawser_endpoint *local,
                       const struct hawser_endpoint *remote, bool v6_only)
{
    uint32_t index = pool_take(&l->pool);
    if (index == LISTENER_NONE)
        return index;
    struct listener *listener = listener_at(l, index);
    bool telling = listener->telling; /* the slot's, not the listener's: see struct conn */
    uint32_t event_next = listener->event_next;
    uint32_t *end_head = &l->by_end[head_of_end(&local->address, local->port)];
    uint32_t *port_head = &l->by_port[head_of_port(local->port)];
    *listener = (struct listener){
        .used = true,
        .telling = telling,
        .event_next = event_next,
        .v6_only = v6_only,
        .has_remote = remote->port != 0 || !address_is_unspecified(&remote->address),
        .local = *local,
        .remote = *remote,
        .end_next = *end_head,
        .port_next = *port_head,
        .accept_head = LISTENER_NONE,
        .accept_tail = LISTENER_NONE,
        .requests_head = LISTENER_NONE,
    };
    *end_head = *port_head = index;
    return index;
}

void listeners_remove(struct listeners *l, uint32_t index)
{
    struct listener *listener = listener_at(l, index);
    const struct hawser_endpoint *local = &listener->local;
    uint32_t *at = &l->by_end[head_of_end(&local->address, local->port)];
    while (*at != index)
        at = &listener_at(l, *at)->end_next;
    *at = listener->end_next;
    at = &l->by_port[head_of_port(local->port)];
    while (*at != index)
        at = &listener_at(l, *at)->port_next;
    *at = listener->port_next;
    listener->used = false;
    pool_give(&l->pool, index);
}
