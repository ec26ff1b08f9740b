/* SPDX-License-Identifier: MIT */
/* Two interfaces of one lwIP, joined in memory. */
#ifndef BENCH_PEERS_LWIP_WIRE_H
#define BENCH_PEERS_LWIP_WIRE_H

#include <lwip/ip_addr.h>
#include <lwip/netif.h>

struct lwip_end {
    struct netif netif;
    ip_addr_t address;
};

/* Starts lwIP, too. */
void lwip_wire_create(struct lwip_end **client, struct lwip_end **server);

/* Lets timers expire, and moves frames until there are none. */
void lwip_wire_pump(void);

/* Fails, with what and lwIP's number, unless status is ERR_OK. */
void lwip_check(err_t status, const char *what);

#endif
