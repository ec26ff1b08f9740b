/* SPDX-License-Identifier: MIT */
/* Counts of users for each local address and port. */
#include "stack/ports.h"

#include <string.h>

#include "base/assert.h"
#include "wire/ip.h"

#define SHARED (PORTS_ADDRESSES - 1)
#define PAGE_BYTES ((size_t)sizeof(uint32_t) << PORTS_PAGE_SHIFT)

void ports_init(struct ports *p, struct memory *memory)
{
    memset(p, 0, sizeof *p);
    p->memory = memory;
}

void ports_deinit(struct ports *p)
{
    for (unsigned i = 0; i < PORTS_ADDRESSES; i++) {
        for (unsigned page = 0; page < PORTS_PAGES; page++)
            memory_release(p->memory, p->list[i].page[page], PAGE_BYTES);
    }
    memset(p, 0, sizeof *p);
}

static bool is_entry_of(const struct ports_address *entry, const struct hawser_address *address)
{
    return entry->count > 0 && address_equal(&entry->address, address);
}

/* The entry that an address uses now, SHARED when it has none of its own. */
static uint32_t find(const struct ports *p, const struct hawser_address *address)
{
    if (p->last != SHARED && is_entry_of(&p->list[p->last], address))
        return p->last;
    for (uint32_t i = 0; i < SHARED; i++) {
        if (is_entry_of(&p->list[i], address))
            return i;
    }
    return SHARED;
}

/* The entry for one user more. While the shared one is in use nobody gets a new one of his own: his
 * earlier users could be among those that share. */
static uint32_t find_or_make(struct ports *p, const struct hawser_address *address)
{
    uint32_t found = find(p, address);
    if (found != SHARED || p->list[SHARED].count > 0)
        return found;
    for (uint32_t i = 0; i < SHARED; i++) {
        if (p->list[i].count == 0) {
            p->list[i].address = *address;
            return i;
        }
    }
    return SHARED;
}

static uint32_t *counter(const struct ports_address *entry, uint16_t port)
{
    uint32_t *page = entry->page[port >> PORTS_PAGE_SHIFT];
    return page == NULL ? NULL : &page[port & ((1u << PORTS_PAGE_SHIFT) - 1)];
}

bool ports_hold(struct ports *p, const struct hawser_address *address, uint16_t port)
{
    uint32_t index = find_or_make(p, address);
    struct ports_address *entry = &p->list[index];
    uint32_t *users = counter(entry, port);
    if (users == NULL) {
        entry->page[port >> PORTS_PAGE_SHIFT] = memory_acquire(p->memory, PAGE_BYTES);
        users = counter(entry, port);
        if (users == NULL)
            return false;
    }
    (*users)++;
    entry->count++;
    p->last = index;
    return true;
}

void ports_release(struct ports *p, const struct hawser_address *address, uint16_t port)
{
    uint32_t index = find(p, address);
    uint32_t *users = counter(&p->list[index], port);
    ASSERT(users != NULL && *users > 0);
    (*users)--;
    p->list[index].count--;
    p->last = index;
}

static uint32_t users_of(const struct ports_address *entry, uint16_t port)
{
    const uint32_t *users = counter(entry, port);
    return entry->count > 0 && users != NULL ? *users : 0;
}

uint32_t ports_users(const struct ports *p, const struct hawser_address *address, uint16_t port,
                     bool v6_only)
{
    if (!address_is_unspecified(address))
        return users_of(&p->list[find(p, address)], port);
    bool v4_only = address_is_v4(address);
    uint32_t users = users_of(&p->list[SHARED], port);
    for (uint32_t i = 0; i < SHARED; i++) {
        bool v4 = address_is_v4(&p->list[i].address);
        if (v4 ? !v6_only : !v4_only)
            users += users_of(&p->list[i], port);
    }
    return users;
}

bool ports_used(const struct ports *p, const struct hawser_address *address, uint16_t port,
                bool v6_only)
{
    return ports_users(p, address, port, v6_only) != 0;
}
