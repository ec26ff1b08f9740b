/* SPDX-License-Identifier: MIT */
/* A host's own addresses: a list in the order of adding, and a hash over it that is made anew when
 * the list changes, which is rare. */
#include "net/address.h"

#include "base/assert.h"
#include "base/hot.h"
#include "wire/ip.h"

/* Only our own addresses are ever put in, so nobody else can make chains long: no key is needed. */
static uint32_t slot_of(const struct addresses *a, const struct hawser_address *address)
{
    uint64_t high, low;
    memcpy(&high, address->bytes, sizeof high);
    memcpy(&low, address->bytes + 8, sizeof low);
    uint64_t mixed = (low ^ (high << 29 | high >> 35)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) & a->slots_mask;
}

void addresses_init(struct addresses *a, struct local_address *list, uint32_t *slots,
                    uint32_t limit)
{
    *a = (struct addresses){.list = list,
                            .slots = slots,
                            .slots_mask = addresses_slots(limit) - 1,
                            .limit = limit,
                            .loopback_index = ADDRESS_INDEX_NONE};
}

uint32_t addresses_slots(uint32_t limit)
{
    uint32_t slots = 8;
    while (slots < limit * 4) /* two entries an address, half full */
        slots *= 2;
    return slots;
}

static bool is_loopback_v4(const struct hawser_address *address)
{
    return address->bytes[12] == 127 && address_mapped(address);
}

static const struct hawser_address *slot_address(const struct addresses *a, uint32_t slot)
{
    const struct local_address *entry = &a->list[(slot - 1) / 2];
    return (slot - 1) % 2 != 0 ? &entry->group : &entry->address;
}

HOT enum address_kind addresses_lookup(const struct addresses *a,
                                       const struct hawser_address *address, uint32_t *index)
{
    for (uint32_t at = slot_of(a, address);; at = (at + 1) & a->slots_mask) {
        uint32_t slot = a->slots[at];
        if (slot == 0)
            break;
        if (!address_same(slot_address(a, slot), address))
            continue;
        if (index != NULL)
            *index = (slot - 1) / 2;
        if ((slot - 1) % 2 == 0)
            return ADDRESS_LOCAL;
        return address_mapped(address) ? ADDRESS_SUBNET_BROADCAST : ADDRESS_SOLICITED_NODE;
    }
    /* RFC 1122 3.2.1.3 (g): the whole of 127/8 is this host, where there is a loopback at all. */
    if (a->loopback_index == ADDRESS_INDEX_NONE || !is_loopback_v4(address))
        return ADDRESS_FOREIGN;
    if (index != NULL)
        *index = a->loopback_index;
    return ADDRESS_LOCAL;
}

/* Several subnets may share a group, and it may be the address of a host in another: that counts.
 */
static void put(struct addresses *a, const struct hawser_address *address, uint32_t slot)
{
    uint32_t at = slot_of(a, address);
    while (a->slots[at] != 0 && !address_same(slot_address(a, a->slots[at]), address))
        at = (at + 1) & a->slots_mask;
    if (a->slots[at] == 0 || (slot - 1) % 2 == 0)
        a->slots[at] = slot;
}

static void put_entry(struct addresses *a, uint32_t index)
{
    put(a, &a->list[index].address, index * 2 + 1);
    if (a->list[index].has_group)
        put(a, &a->list[index].group, index * 2 + 2);
}

static void index_all(struct addresses *a)
{
    memset(a->slots, 0, (size_t)(a->slots_mask + 1) * sizeof a->slots[0]);
    for (uint32_t i = 0; i < a->count; i++)
        put_entry(a, i);
}

static void set_group(struct local_address *own)
{
    own->has_group = true;
    if (!address_mapped(&own->address)) {
        own->group = address_solicited_node(&own->address);
        return;
    }
    own->has_group = own->bits <= 96 + 30; /* RFC 3021: a /31 has no broadcast address */
    own->group = own->address;
    for (unsigned bit = own->bits; bit < 128; bit++)
        own->group.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
}

static void index_loopback(struct addresses *a)
{
    a->loopback_index = ADDRESS_INDEX_NONE;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->list[i].loopback && is_loopback_v4(&a->list[i].address))
            a->loopback_index = i;
}

void addresses_add(struct addresses *a, const struct local_address *entry)
{
    ASSERT(a->count < a->limit);
    struct local_address *own = &a->list[a->count++];
    *own = *entry;
    set_group(own);
    a->given_count += !own->automatic;
    put_entry(a, a->count - 1);
    if (a->loopback_index == ADDRESS_INDEX_NONE)
        index_loopback(a);
}

void addresses_remove(struct addresses *a, uint32_t index)
{
    ASSERT(index < a->count);
    a->given_count -= !a->list[index].automatic;
    a->count--;
    memmove(&a->list[index], &a->list[index + 1], (a->count - index) * sizeof a->list[0]);
    index_all(a);
    index_loopback(a);
}

static uint32_t common_bits(const struct hawser_address *a, const struct hawser_address *b)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 16; i++, bits += 8) {
        uint32_t differs = a->bytes[i] ^ b->bytes[i];
        if (differs == 0)
            continue;
        while ((differs & 0x80) == 0) {
            differs <<= 1;
            bits++;
        }
        break;
    }
    return bits;
}

/* Larger is better; 0 = must not be used. RFC 6724 5, rules 2, 5 and 8; rule 8 not for IPv4, where
 * instead the subnet of the next hop decides, as everybody's stack has it. */
static uint32_t fitness(const struct local_address *own, uint32_t link,
                        const struct hawser_address *destination,
                        const struct hawser_address *next_hop)
{
    const struct hawser_address *address = &own->address;
    bool v4 = address_mapped(address);
    bool scoped = address_is_link_local(address);
    if (v4 != address_mapped(destination))
        return 0;
    if (own->link != link && (scoped || address_is_loopback(address)))
        return 0;
    uint32_t score = 1;
    score |= (scoped == address_is_link_local(destination) ? 1u : 0u) << 12;
    score |= (own->link == link ? 1u : 0u) << 11;
    score |= (address_same_prefix(address, destination, own->bits) ? 1u : 0u) << 10;
    score |= (address_same_prefix(address, next_hop, own->bits) ? 1u : 0u) << 9;
    if (!v4)
        score |= common_bits(address, destination) << 1;
    return score;
}

uint32_t addresses_select(const struct addresses *a, uint32_t link,
                          const struct hawser_address *destination,
                          const struct hawser_address *next_hop)
{
    uint32_t best = ADDRESS_INDEX_NONE, best_score = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t score = fitness(&a->list[i], link, destination, next_hop);
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

bool addresses_on_link(const struct addresses *a, uint32_t link,
                       const struct hawser_address *address)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (a->list[i].link == link && a->list[i].bits < 128 &&
            address_mapped(&a->list[i].address) == address_mapped(address) &&
            address_same_prefix(&a->list[i].address, address, a->list[i].bits))
            return true;
    return false;
}

struct hawser_address address_solicited_node(const struct hawser_address *a)
{
    struct hawser_address node = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
    memcpy(node.bytes + 13, a->bytes + 13, 3);
    return node;
}
