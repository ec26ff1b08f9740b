/* SPDX-License-Identifier: MIT */
/* What the checkers know of each end of each connection: see lives.h. */
#include "sim/lives.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/random.h"

#define BUCKETS_FIRST 256u
#define PURGE_FROM 1024u /* so many, and those that are over may be forgotten */

void lives_clear(struct lives *lives)
{
    lives->count = lives->used = 0;
    lives->purged = 0;
    lives->last = lives->free_head = LIFE_NONE;
    for (uint32_t i = 0; lives->buckets != NULL && i <= lives->buckets_mask; i++)
        lives->buckets[i] = LIFE_NONE;
}

void lives_free(struct lives *lives)
{
    free(lives->list);
    free(lives->buckets);
    *lives = (struct lives){.last = LIFE_NONE, .free_head = LIFE_NONE};
}

static uint32_t hash_of(uint32_t host, const struct hawser_endpoint *local,
                        const struct hawser_endpoint *remote)
{
    uint64_t a, b;
    memcpy(&a, local->address.bytes + 8, 8);
    memcpy(&b, remote->address.bytes + 8, 8);
    uint64_t ports = (uint64_t)host << 32 | (uint32_t)local->port << 16 | remote->port;
    return (uint32_t)random_mix(a ^ random_mix(b ^ (ports * UINT64_C(0x9e3779b97f4a7c15))));
}

static bool same(const struct hawser_endpoint *a, const struct hawser_endpoint *b)
{
    return a->port == b->port && memcmp(a->address.bytes, b->address.bytes, 16) == 0;
}

static bool is(const struct life *life, uint32_t host, const struct hawser_endpoint *local,
               const struct hawser_endpoint *remote)
{
    return life->host == host && same(&life->remote, remote) && same(&life->local, local);
}

uint32_t lives_find(struct lives *lives, uint32_t host, const struct hawser_endpoint *local,
                    const struct hawser_endpoint *remote)
{
    if (lives->last != LIFE_NONE && is(&lives->list[lives->last], host, local, remote))
        return lives->last;
    if (lives->buckets == NULL)
        return LIFE_NONE;
    uint32_t at = lives->buckets[hash_of(host, local, remote) & lives->buckets_mask];
    while (at != LIFE_NONE && !is(&lives->list[at], host, local, remote))
        at = lives->list[at].hash_next;
    if (at != LIFE_NONE)
        lives->last = at;
    return at;
}

/* Forgets what is over and nobody holds, and links the rest into so many buckets. */
static bool rebuild(struct lives *lives, uint32_t buckets)
{
    uint32_t *list = malloc(buckets * sizeof list[0]);
    if (list == NULL)
        return false;
    free(lives->buckets);
    lives->buckets = list;
    lives->buckets_mask = buckets - 1;
    for (uint32_t i = 0; i < buckets; i++)
        list[i] = LIFE_NONE;
    for (uint32_t i = 0; i < lives->count; i++) {
        struct life *life = &lives->list[i];
        if (!life->used)
            continue;
        if (lives->used >= PURGE_FROM && life->state == HAWSER_CLOSED && life->flow == UINT32_MAX) {
            life->used = false;
            life->hash_next = lives->free_head;
            lives->free_head = i;
            lives->used--;
            lives->purged++;
            continue;
        }
        uint32_t *bucket = &list[hash_of(life->host, &life->local, &life->remote) & (buckets - 1)];
        life->hash_next = *bucket;
        *bucket = i;
    }
    lives->last = LIFE_NONE;
    return true;
}

static uint32_t take(struct lives *lives)
{
    if (lives->free_head != LIFE_NONE) {
        uint32_t index = lives->free_head;
        lives->free_head = lives->list[index].hash_next;
        return index;
    }
    if (lives->count == lives->room) {
        uint32_t room = lives->room == 0 ? BUCKETS_FIRST : 2 * lives->room;
        struct life *bigger = realloc(lives->list, room * sizeof bigger[0]);
        if (bigger == NULL)
            return LIFE_NONE;
        lives->list = bigger;
        lives->room = room;
    }
    return lives->count++;
}

uint32_t lives_get(struct lives *lives, uint32_t host, const struct hawser_endpoint *local,
                   const struct hawser_endpoint *remote)
{
    uint32_t index = lives_find(lives, host, local, remote);
    if (index != LIFE_NONE)
        return index;
    if (lives->buckets == NULL && !rebuild(lives, BUCKETS_FIRST))
        return LIFE_NONE;
    if (lives->used > lives->buckets_mask) {
        uint32_t size = lives->buckets_mask + 1;
        if (!rebuild(lives, size))
            return LIFE_NONE;
        if (lives->used > size / 2 && !rebuild(lives, 2 * size))
            return LIFE_NONE;
    }
    index = take(lives);
    if (index == LIFE_NONE)
        return LIFE_NONE;
    struct life *life = &lives->list[index];
    memset(life, 0, sizeof *life);
    life->used = true;
    life->host = host;
    life->local = *local;
    life->remote = *remote;
    life->state = HAWSER_CLOSED;
    life->flow = UINT32_MAX;
    uint32_t *bucket = &lives->buckets[hash_of(host, local, remote) & lives->buckets_mask];
    life->hash_next = *bucket;
    *bucket = index;
    lives->last = index;
    lives->used++;
    return index;
}

void life_begin(struct life *life)
{
    bool reopened = life->reopened;
    size_t from = offsetof(struct life, has_iss);
    if (life->has_iss) {
        memmove(life->past_iss + 1, life->past_iss, (LIFE_PAST - 1) * sizeof life->past_iss[0]);
        life->past_iss[0] = life->iss;
        life->past_count += life->past_count < LIFE_PAST;
    }
    memset((uint8_t *)life + from, 0, sizeof *life - from);
    life->reopened = reopened;
    life->flow = UINT32_MAX;
}
