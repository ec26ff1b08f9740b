/* SPDX-License-Identifier: MIT */
/* Learnt path MTUs: hashed by destination, and a list by age whose head is the next to be
 * forgotten. All entries live equally long, so the list is in order of expiry without sorting. */
#include "net/pathmtu.h"

#include <string.h>

#include "base/nstime.h"
#include "wire/ip.h"

/* RFC1191 04, and RFC 8201 4: nothing larger is tried within five minutes of a report, whatever the
 * configuration says. */
#define AGE_MIN_NS (300 * NS_PER_S)
#define CHUNK_BYTES 65536u

static struct pathmtu *entry_at(const struct pathmtus *p, uint32_t index)
{
    return pool_at(&p->pool, index);
}

bool pathmtus_init(struct pathmtus *p, struct memory *memory, uint32_t limit, uint64_t age_ns,
                   uint32_t *heads, uint32_t heads_count, const struct siphash_key *key)
{
    *p = (struct pathmtus){.heads = heads,
                           .heads_mask = heads_count - 1,
                           .head = POOL_NONE,
                           .tail = POOL_NONE,
                           .age_ns = age_ns < AGE_MIN_NS ? AGE_MIN_NS : age_ns,
                           .key = key};
    for (uint32_t i = 0; i < heads_count; i++)
        heads[i] = POOL_NONE;
    return pool_init(&p->pool, memory, sizeof(struct pathmtu), limit, CHUNK_BYTES);
}

void pathmtus_deinit(struct pathmtus *p)
{
    pool_deinit(&p->pool);
}

static uint32_t *bucket_of(const struct pathmtus *p, const struct hawser_address *destination)
{
    return &p->heads[siphash(p->key, destination->bytes, sizeof destination->bytes) &
                     p->heads_mask];
}

static uint32_t find_index(const struct pathmtus *p, const struct hawser_address *destination)
{
    uint32_t index = *bucket_of(p, destination);
    while (index != POOL_NONE &&
           memcmp(entry_at(p, index)->destination.bytes, destination->bytes, 16) != 0)
        index = entry_at(p, index)->chain;
    return index;
}

uint32_t pathmtus_find(const struct pathmtus *p, const struct hawser_address *destination)
{
    if (p->head == POOL_NONE)
        return 0;
    uint32_t index = find_index(p, destination);
    return index == POOL_NONE ? 0 : entry_at(p, index)->mtu;
}

static void list_remove(struct pathmtus *p, const struct pathmtu *e)
{
    *(e->prev == POOL_NONE ? &p->head : &entry_at(p, e->prev)->next) = e->next;
    *(e->next == POOL_NONE ? &p->tail : &entry_at(p, e->next)->prev) = e->prev;
}

static void list_append(struct pathmtus *p, uint32_t index)
{
    struct pathmtu *e = entry_at(p, index);
    e->prev = p->tail;
    e->next = POOL_NONE;
    *(p->tail == POOL_NONE ? &p->head : &entry_at(p, p->tail)->next) = index;
    p->tail = index;
}

/* Takes the oldest out of hash and list; its slot stays in use. */
static uint32_t detach_oldest(struct pathmtus *p)
{
    uint32_t index = p->head;
    if (index == POOL_NONE)
        return POOL_NONE;
    const struct pathmtu *e = entry_at(p, index);
    uint32_t *link = bucket_of(p, &e->destination);
    while (*link != index)
        link = &entry_at(p, *link)->chain;
    *link = e->chain;
    list_remove(p, e);
    return index;
}

bool pathmtus_set(struct pathmtus *p, const struct hawser_address *destination, uint32_t mtu,
                  uint64_t now_ns)
{
    uint32_t index = find_index(p, destination);
    if (index != POOL_NONE) {
        list_remove(p, entry_at(p, index));
    } else {
        index = pool_take(&p->pool);
        if (index == POOL_NONE)
            index = detach_oldest(p);
        if (index == POOL_NONE)
            return false;
        struct pathmtu *fresh = entry_at(p, index);
        uint32_t *bucket = bucket_of(p, destination);
        fresh->destination = *destination;
        fresh->chain = *bucket;
        *bucket = index;
    }
    struct pathmtu *e = entry_at(p, index);
    e->mtu = mtu;
    e->until_ns = ns_add(now_ns, p->age_ns);
    list_append(p, index);
    return true;
}

uint64_t pathmtus_next(const struct pathmtus *p)
{
    return p->head == POOL_NONE ? NEVER : entry_at(p, p->head)->until_ns;
}

bool pathmtus_expire(struct pathmtus *p, uint64_t now_ns)
{
    bool forgotten = false;
    while (p->head != POOL_NONE && pathmtus_next(p) <= now_ns) {
        pool_give(&p->pool, detach_oldest(p));
        forgotten = true;
    }
    return forgotten;
}

uint32_t pathmtu_judge_v4(uint32_t reported, uint32_t quoted_len, uint32_t current)
{
    /* RFC 1191 7.1: MTUs that links have, but for those that differ too little to matter. */
    static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002,
                                        1492,  1006,  508,   296,  68};
    if (reported == 0) {
        /* RFC1191 02. An old router may quote a length with the header counted twice: one that is
         * not less than the present estimate is taken for such (RFC 1191 5). The estimate has no
         * other part in this: reports about packets that were sent before it fell would draw it
         * down step by step (RFC1191 05). */
        uint32_t failed = quoted_len < current ? quoted_len : quoted_len - IPV4_HEADER_BYTES;
        for (size_t i = 0; reported == 0 && i < sizeof plateaus / sizeof plateaus[0]; i++)
            if (plateaus[i] < failed)
                reported = plateaus[i];
    }
    /* RFC1191 03 */
    if (reported < PATHMTU_FLOOR_IPV4)
        reported = PATHMTU_FLOOR_IPV4;
    return reported < current ? reported : current;
}
