/* SPDX-License-Identifier: MIT */
/* How many connections and records use each local address and port. */
#ifndef HAWSER_STACK_PORTS_H
#define HAWSER_STACK_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

#include "base/memory.h"

#define PORTS_ADDRESSES 32u  /* with tables of their own; what goes beyond shares the last one, and then counts as used on all of these */
#define PORTS_PAGE_SHIFT 14u /* ports in a table: 64 KiB */
#define PORTS_PAGES (65536u >> PORTS_PAGE_SHIFT)

struct ports_address {
    struct hawser_address address;
    uint32_t count;               /* over all ports; 0: the entry may become another address's */
    uint32_t *page[PORTS_PAGES];  /* NULL until a port of it is used */
};

struct ports {
    struct memory *memory;
    struct ports_address list[PORTS_ADDRESSES];
    uint32_t last;                /* the entry that was used last */
};

void ports_init(struct ports *p, struct memory *memory);
void ports_deinit(struct ports *p);

/* One user more. False: no memory, nothing changed. */
bool ports_hold(struct ports *p, const struct hawser_address *address, uint16_t port);
void ports_release(struct ports *p, const struct hawser_address *address, uint16_t port);

/* How many users have this port on this address: see ports_used. Those of addresses that share a table count for each of these. */
uint32_t ports_users(const struct ports *p, const struct hawser_address *address, uint16_t port, bool v6_only);

/* Whether any user has this port on this address. All zero: on any; ::ffff:0.0.0.0: on any of IPv4; with v6_only all zero means any of IPv6. */
bool ports_used(const struct ports *p, const struct hawser_address *address, uint16_t port, bool v6_only);

#endif
