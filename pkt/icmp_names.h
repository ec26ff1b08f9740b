/* SPDX-License-Identifier: MIT */
/* Names of ICMP types and codes in scripts, both ways. */
#ifndef PKT_ICMP_NAMES_H
#define PKT_ICMP_NAMES_H

#include "pkt/script.h"

/* -1 = no such name. */
int pkt_icmp_type(bool v6, const char *name, size_t length);
int pkt_icmp_code(bool v6, uint8_t type, const char *name, size_t length);

/* NULL = it has no name: write type_N, code_N. */
const char *pkt_icmp_type_name(bool v6, uint8_t type);
const char *pkt_icmp_code_name(bool v6, uint8_t type, uint8_t code);

/* Fragmentation needed and Packet Too Big carry an MTU. */
bool pkt_icmp_has_mtu(const struct pkt_icmp *icmp);

#endif
