/* SPDX-License-Identifier: MIT */
/* The neighbour table: hashed by link and address with a key of ours, so that nobody on the link
 * can make chains long; one timer an entry; a bounded look for an entry that can make way. */
#include "net/neighbour.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/ip.h"

#define CHUNK_BYTES 65536u
#define VICTIM_LOOKS 64u /* entries that one search for a victim looks at */

bool neighbours_init(struct neighbours *t, struct memory *memory, uint32_t limit,
                     uint64_t reachable_ns, uint32_t *heads, uint32_t heads_count,
                     const struct siphash_key *key, uint64_t now_ns)
{
    *t = (struct neighbours){.heads = heads,
                             .heads_mask = heads_count - 1,
                             .serial_next = 1,
                             .incomplete_head = NEIGHBOUR_NONE,
                             .incomplete_tail = NEIGHBOUR_NONE,
                             .reachable_ns = reachable_ns,
                             .key = key};
    for (uint32_t i = 0; i < heads_count; i++)
        heads[i] = NEIGHBOUR_NONE;
    if (!pool_init(&t->pool, memory, sizeof(struct neighbour), limit, CHUNK_BYTES))
        return false;
    wheel_init(&t->wheel, &t->pool, offsetof(struct neighbour, timer), now_ns);
    return true;
}

void neighbours_deinit(struct neighbours *t)
{
    pool_deinit(&t->pool);
}

static uint32_t *bucket_of(const struct neighbours *t, uint32_t link,
                           const struct hawser_address *address)
{
    uint64_t words[3] = {0, 0, link};
    memcpy(words, address->bytes, sizeof address->bytes);
    return &t->heads[siphash_words(t->key, words, 3) & t->heads_mask];
}

uint32_t neighbours_find(const struct neighbours *t, uint32_t link,
                         const struct hawser_address *address)
{
    uint32_t index = *bucket_of(t, link, address);
    while (index != NEIGHBOUR_NONE) {
        const struct neighbour *n = neighbour_at(t, index);
        if (n->link == link && address_equal(&n->address, address))
            break;
        index = n->chain;
    }
    return index;
}

uint32_t neighbours_add(struct neighbours *t, uint32_t link, const struct hawser_address *address)
{
    uint32_t index = pool_take(&t->pool);
    if (index == POOL_NONE)
        return NEIGHBOUR_NONE;
    uint32_t *bucket = bucket_of(t, link, address);
    struct neighbour *n = neighbour_at(t, index);
    *n = (struct neighbour){.serial = t->serial_next,
                            .state = NEIGHBOUR_NEW,
                            .link = link,
                            .address = *address,
                            .chain = *bucket,
                            .prev = NEIGHBOUR_NONE,
                            .next = NEIGHBOUR_NONE};
    wheel_entry_init(&n->timer);
    *bucket = index;
    t->serial_next += t->serial_next == UINT32_MAX ? 2 : 1; /* 0 marks a free slot */
    return index;
}

/* How easily an entry is given up: larger is easier, 0 = it is busy. */
static unsigned expendable(const struct neighbour *n)
{
    switch ((enum neighbour_state)n->state) {
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_DELAY:
    case NEIGHBOUR_PROBE:
        return 0;
    case NEIGHBOUR_REACHABLE:
        return n->used ? 1 : 3;
    case NEIGHBOUR_STALE:
        return n->used ? 2 : 4;
    case NEIGHBOUR_NEW:
        return 5;
    }
    return 0;
}

uint32_t neighbours_victim(struct neighbours *t)
{
    /* A flood of addresses that nobody has pays for itself. */
    if (t->incomplete_count >= neighbours_incomplete_max(t))
        return t->incomplete_head;
    uint32_t slots = t->pool.fresh_next, best = NEIGHBOUR_NONE;
    unsigned best_rank = 0;
    for (uint32_t looks = 0; looks < slots && looks < VICTIM_LOOKS; looks++) {
        uint32_t index = t->hand < slots ? t->hand : 0;
        struct neighbour *n = neighbour_at(t, index);
        t->hand = index + 1;
        if (n->serial == 0)
            continue;
        unsigned rank = expendable(n);
        n->used = false;
        if (rank > best_rank) {
            best = index;
            best_rank = rank;
        }
    }
    return best;
}

void neighbours_remove(struct neighbours *t, uint32_t index)
{
    struct neighbour *n = neighbour_at(t, index);
    ASSERT(n->serial != 0 && n->held.count == 0);
    neighbour_set_state(t, index, NEIGHBOUR_NEW, NEVER);
    uint32_t *link = bucket_of(t, n->link, &n->address);
    while (*link != index)
        link = &neighbour_at(t, *link)->chain;
    *link = n->chain;
    n->serial = 0;
    pool_give(&t->pool, index);
}

uint32_t neighbours_incomplete_max(const struct neighbours *t)
{
    uint32_t half = t->pool.slots_limit / 2;
    return half > 0 ? half : 1;
}

static void incomplete_append(struct neighbours *t, uint32_t index)
{
    struct neighbour *n = neighbour_at(t, index);
    uint32_t tail = t->incomplete_tail;
    n->prev = tail;
    n->next = NEIGHBOUR_NONE;
    *(tail == NEIGHBOUR_NONE ? &t->incomplete_head : &neighbour_at(t, tail)->next) = index;
    t->incomplete_tail = index;
    t->incomplete_count++;
}

static void incomplete_remove(struct neighbours *t, uint32_t index)
{
    const struct neighbour *n = neighbour_at(t, index);
    *(n->prev == NEIGHBOUR_NONE ? &t->incomplete_head : &neighbour_at(t, n->prev)->next) = n->next;
    *(n->next == NEIGHBOUR_NONE ? &t->incomplete_tail : &neighbour_at(t, n->next)->prev) = n->prev;
    t->incomplete_count--;
}

void neighbour_set_state(struct neighbours *t, uint32_t index, enum neighbour_state state,
                         uint64_t at_ns)
{
    struct neighbour *n = neighbour_at(t, index);
    bool was = n->state == NEIGHBOUR_INCOMPLETE, is = state == NEIGHBOUR_INCOMPLETE;
    if (was && !is)
        incomplete_remove(t, index);
    if (is && !was)
        incomplete_append(t, index);
    n->state = (uint8_t)state;
    wheel_set(&t->wheel, index, at_ns);
}

void neighbour_confirm_slow(struct neighbours *t, uint32_t index, uint64_t now_ns)
{
    struct neighbour *n = neighbour_at(t, index);
    /* Who has no link-layer address cannot have brought anything there. */
    if (n->state == NEIGHBOUR_NEW || n->state == NEIGHBOUR_INCOMPLETE)
        return;
    n->reachable_until_ns = ns_add(now_ns, t->reachable_ns);
    neighbour_set_state(t, index, NEIGHBOUR_REACHABLE, NEVER);
}
