/* SPDX-License-Identifier: MIT */
/* What a neighbour entry goes through (RFC 4861 7.3, and the same for ARP: RFC 1122 2.3.2).
 *
 *     state       a frame is sent       the timer fires                heard of
 *     NEW         ask, hold it          -                              address known: STALE
 *     INCOMPLETE  hold it               ask again, thrice; then fail   answer: REACHABLE, else
 * STALE REACHABLE   send                  none: its time is looked at    other address: STALE STALE
 * send, DELAY           -                              other address: STALE DELAY       send 5 s:
 * ask by unicast, PROBE     other address: STALE PROBE       send                  ask again,
 * thrice; then gone   answer: REACHABLE
 *
 * Progress of the transport makes REACHABLE out of any that has an address (neighbour_confirm). */
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "net/internal.h"

#define TCP_PORTS_AND_SEQ 8u

static void set_mac(struct net *net, struct neighbour *n, const struct mac *mac)
{
    bool v4 = address_mapped(&n->address);
    const struct ether header = {.dst = *mac,
                                 .src = net->links[n->link].mac,
                                 .type = v4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6};
    ether_emit(&header, n->header);
}

static void solicit(struct net *net, const struct neighbour *n, bool unicast)
{
    if (address_mapped(&n->address))
        arp_solicit(net, n, unicast);
    else
        nd_solicit(net, n, unicast);
}

static void drop_held(struct net *net, struct neighbour *n)
{
    net->counters->dropped[HAWSER_DROP_NEIGHBOUR] += frames_clear(&net->frames, &n->held);
}

uint32_t resolve_obtain(struct net *net, uint32_t link, const struct hawser_address *address)
{
    struct neighbours *t = &net->neighbours;
    uint32_t index = neighbours_find(t, link, address);
    if (index != NEIGHBOUR_NONE)
        return index;
    index = neighbours_add(t, link, address);
    if (index != NEIGHBOUR_NONE)
        return index;
    uint32_t victim = neighbours_victim(t);
    if (victim == NEIGHBOUR_NONE)
        return NEIGHBOUR_NONE;
    drop_held(net, neighbour_at(t, victim));
    neighbours_remove(t, victim);
    return neighbours_add(t, link, address);
}

/* RFC 1122 2.3.2.2, RFC 4861 7.2.2: a small queue, in which the newest counts. */
static enum net_send hold(struct net *net, struct neighbour *n, const uint8_t *frame,
                          uint32_t frame_len)
{
    uint32_t index = FRAMES_NONE;
    if (n->held.count < NEIGHBOUR_HELD_MAX)
        index = frames_take(&net->frames, frame_len, false);
    while (index == FRAMES_NONE && n->held.count > 0) {
        frames_give(&net->frames, frames_pop(&net->frames, &n->held));
        net_drop(net, HAWSER_DROP_NEIGHBOUR);
        index = frames_take(&net->frames, frame_len, false);
    }
    if (index == FRAMES_NONE) {
        net_drop(net, HAWSER_DROP_MEMORY);
        return NET_DROPPED;
    }
    memcpy(frames_at(&net->frames, index)->data + ETHER_HEADER_BYTES, frame + ETHER_HEADER_BYTES,
           frame_len - ETHER_HEADER_BYTES);
    frames_push(&net->frames, &n->held, index);
    return NET_HELD;
}

enum net_send resolve_send(struct net *net, uint64_t now_ns, uint32_t index, uint8_t *frame,
                           uint32_t frame_len)
{
    struct neighbours *t = &net->neighbours;
    struct neighbour *n = neighbour_at(t, index);
    switch ((enum neighbour_state)n->state) {
    case NEIGHBOUR_NEW:
        n->tries = 1;
        neighbour_set_state(t, index, NEIGHBOUR_INCOMPLETE, ns_add(now_ns, NEIGHBOUR_RETRANS_NS));
        solicit(net, n, false);
        return hold(net, n, frame, frame_len);
    case NEIGHBOUR_INCOMPLETE:
        return hold(net, n, frame, frame_len);
    case NEIGHBOUR_REACHABLE: /* its time is over: as if STALE since then */
    case NEIGHBOUR_STALE:
        neighbour_set_state(t, index, NEIGHBOUR_DELAY, ns_add(now_ns, NEIGHBOUR_DELAY_NS));
        break;
    case NEIGHBOUR_DELAY:
    case NEIGHBOUR_PROBE:
        break;
    }
    memcpy(frame, n->header, ETHER_HEADER_BYTES);
    return NET_SENT;
}

/* Whether the address that a held frame comes from is still one of ours. */
static bool source_is_ours(const struct net *net, const struct frame *held)
{
    struct ip_packet ip;
    return ip_parse(held->data + ETHER_HEADER_BYTES, held->length - ETHER_HEADER_BYTES, &ip) ==
               IP_PARSE_OK &&
           net_is_local(net, &ip.src);
}

static void release_held(struct net *net, struct neighbour *n)
{
    for (uint32_t i; (i = frames_pop(&net->frames, &n->held)) != FRAMES_NONE;) {
        struct frame *held = frames_at(&net->frames, i);
        if (!source_is_ours(net, held)) {
            frames_give(&net->frames, i);
            net_drop(net, HAWSER_DROP_NEIGHBOUR);
            continue;
        }
        memcpy(held->data, n->header, ETHER_HEADER_BYTES);
        own_push(net, n->link, i);
    }
}

void resolve_heard(struct net *net, uint64_t now_ns, uint32_t index, const struct mac *mac,
                   bool answer, bool override)
{
    struct neighbours *t = &net->neighbours;
    struct neighbour *n = neighbour_at(t, index);
    bool known = n->state != NEIGHBOUR_NEW && n->state != NEIGHBOUR_INCOMPLETE;
    struct mac old = neighbour_mac(n);
    bool differs = !known || !mac_equal(&old, mac);
    if (known && differs && !override) {
        /* RFC 4861 7.2.5: somebody else says it is the one. The present address stays, doubted. */
        if (n->state == NEIGHBOUR_REACHABLE)
            neighbour_set_state(t, index, NEIGHBOUR_STALE, NEVER);
        return;
    }
    if (differs) {
        set_mac(net, n, mac);
        n->mac_since_ns = now_ns;
    }
    if (answer) {
        n->reachable_until_ns = ns_add(now_ns, t->reachable_ns);
        neighbour_set_state(t, index, NEIGHBOUR_REACHABLE, NEVER);
    } else if (differs && n->held.count > 0) {
        /* What was held is used at once, so the address is to be proved soon. */
        neighbour_set_state(t, index, NEIGHBOUR_DELAY, ns_add(now_ns, NEIGHBOUR_DELAY_NS));
    } else if (differs) {
        neighbour_set_state(t, index, NEIGHBOUR_STALE, NEVER);
    }
    release_held(net, n);
}

void resolve_remember(struct net *net, uint32_t link, const struct hawser_address *address,
                      const struct mac *mac)
{
    struct neighbours *t = &net->neighbours;
    if (t->pool.used_count >= t->pool.slots_limit / 2)
        return;
    uint32_t index = neighbours_add(t, link, address);
    if (index == NEIGHBOUR_NONE)
        return;
    set_mac(net, neighbour_at(t, index), mac);
    neighbour_set_state(t, index, NEIGHBOUR_STALE, NEVER);
}

/* Tells the stack of a held frame that will never arrive: as much as an ICMP error would quote. */
static void push_failure(struct net *net, const struct frame *held)
{
    struct ip_packet ip;
    const uint8_t *packet = held->data + ETHER_HEADER_BYTES;
    if (net->failures_count == NET_FAILURES_MAX ||
        ip_parse(packet, held->length - ETHER_HEADER_BYTES, &ip) != IP_PARSE_OK)
        return;
    if (ip.protocol != IP_PROTO_TCP || ip.is_fragment || ip.payload_len < TCP_PORTS_AND_SEQ)
        return;
    uint32_t at = (net->failures_head + net->failures_count) % NET_FAILURES_MAX;
    net->failures[at] = (struct icmp_quote){.src = ip.src,
                                            .dst = ip.dst,
                                            .protocol = ip.protocol,
                                            .has_transport = true,
                                            .src_port = load_be16(ip.payload),
                                            .dst_port = load_be16(ip.payload + 2),
                                            .seq = seq_of(load_be32(ip.payload + 4)),
                                            .total_len = ip.total_len};
    net->failures_count++;
}

bool net_take_failure(struct net *net, struct icmp_quote *quote)
{
    if (net->failures_count == 0)
        return false;
    *quote = net->failures[net->failures_head];
    net->failures_head = (net->failures_head + 1) % NET_FAILURES_MAX;
    net->failures_count--;
    return true;
}

/* Nobody answered. The entry goes, so that the next frame begins anew. */
static void fail(struct net *net, uint32_t index)
{
    struct neighbour *n = neighbour_at(&net->neighbours, index);
    net->counters->neighbour_failures++;
    for (uint32_t i; (i = frames_pop(&net->frames, &n->held)) != FRAMES_NONE;) {
        push_failure(net, frames_at(&net->frames, i));
        frames_give(&net->frames, i);
        net_drop(net, HAWSER_DROP_NEIGHBOUR);
    }
    neighbours_remove(&net->neighbours, index);
}

static void fire(struct net *net, uint64_t now_ns, uint32_t index)
{
    struct neighbours *t = &net->neighbours;
    struct neighbour *n = neighbour_at(t, index);
    uint64_t again_ns = ns_add(now_ns, NEIGHBOUR_RETRANS_NS);
    switch ((enum neighbour_state)n->state) {
    case NEIGHBOUR_DELAY:
        n->tries = 0;
        break;
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_PROBE:
        if (n->tries < NEIGHBOUR_TRIES)
            break;
        fail(net, index);
        return;
    case NEIGHBOUR_NEW:
    case NEIGHBOUR_REACHABLE:
    case NEIGHBOUR_STALE:
        ASSERT(false); /* they have no timer */
        return;
    }
    n->tries++;
    bool unicast = n->state != NEIGHBOUR_INCOMPLETE;
    neighbour_set_state(t, index, unicast ? NEIGHBOUR_PROBE : NEIGHBOUR_INCOMPLETE, again_ns);
    solicit(net, n, unicast);
}

void resolve_expire(struct net *net, uint64_t now_ns)
{
    for (uint32_t i; (i = wheel_expire(&net->neighbours.wheel, now_ns)) != POOL_NONE;)
        fire(net, now_ns, i);
}
