/* SPDX-License-Identifier: MIT */
/* A host's own addresses, and the subnet broadcast addresses that follow from them (RFC
 * 1122 3.2.1.3, RFC 4291 2.8). */
#ifndef HAWSER_NET_ADDRESS_H
#define HAWSER_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <hawser/hawser.h>

struct local_address {
    struct hawser_address address;
    struct hawser_address group; /* IPv4: subnet broadcast; IPv6: solicited node */
    uint32_t link;
    uint8_t bits; /* of its prefix, counted in 128 (IPv4: 96 + prefix) */
    bool has_group;
    bool loopback;  /* its link is a LOOPBACK one */
    bool automatic; /* made from the MAC (RFC 4291 2.5.1), not counted against addresses_max */
};

/* The hash names an address in `list`, or the group of one: (index * 2 + is_group) + 1, 0 = free.
 */
struct addresses {
    struct local_address *list; /* in the order in which they were added */
    uint32_t *slots;            /* open addressing, never more than half full */
    uint32_t slots_mask;
    uint32_t count, limit;
    uint32_t given_count;    /* not automatic ones */
    uint32_t loopback_index; /* an address of 127/8 on a LOOPBACK link, or ADDRESS_INDEX_NONE */
};

#define ADDRESS_INDEX_NONE UINT32_MAX

enum address_kind {
    ADDRESS_FOREIGN,
    ADDRESS_LOCAL,
    ADDRESS_SUBNET_BROADCAST, /* IPv4, of any link */
    ADDRESS_SOLICITED_NODE,   /* IPv6, of any of our addresses */
};

/* `list` has room for limit entries, `slots` for addresses_slots(limit); the caller's memory,
 * zeroed. */
void addresses_init(struct addresses *a, struct local_address *list, uint32_t *slots,
                    uint32_t limit);
uint32_t addresses_slots(uint32_t limit);

/* What an address is to this host; *index (if not NULL) names the entry for all but
 * ADDRESS_FOREIGN. O(1). */
enum address_kind addresses_lookup(const struct addresses *a, const struct hawser_address *address,
                                   uint32_t *index);

/* The address is no local one yet and there is room. group and has_group are set here. */
void addresses_add(struct addresses *a, const struct local_address *entry);
void addresses_remove(struct addresses *a, uint32_t index);

/* Own address to use towards `destination` through next_hop on `link`, or ADDRESS_INDEX_NONE (RFC
 * 6724 in short: same family, fitting scope, the link's own, in the prefix, longest common prefix).
 */
uint32_t addresses_select(const struct addresses *a, uint32_t link,
                          const struct hawser_address *destination,
                          const struct hawser_address *next_hop);

/* Whether `address` is on-link by an address of this link. */
bool addresses_on_link(const struct addresses *a, uint32_t link,
                       const struct hawser_address *address);

/* Small judgements that every frame needs, without a call. */
static inline bool address_same(const struct hawser_address *a, const struct hawser_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool address_mapped(const struct hawser_address *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(a->bytes, prefix, sizeof prefix) == 0;
}

/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1) */
struct hawser_address address_solicited_node(const struct hawser_address *a);

#endif
