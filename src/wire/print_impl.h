/* SPDX-License-Identifier: MIT */
/* What print.c and print_tcp.c share. */
#ifndef HAWSER_WIRE_PRINT_IMPL_H
#define HAWSER_WIRE_PRINT_IMPL_H

#include "wire/ip.h"
#include "wire/text.h"

void print_address(struct text *t, const struct hawser_address *a);

/* "10.0.0.1.80" */
void print_endpoint(struct text *t, const struct hawser_address *a, uint16_t port);

/* From the ports on: " 10.0.0.1.80 > …, length 5". ip is the result of IP_PARSE_OK. */
void print_tcp(struct text *t, const struct ip_packet *ip);

#endif
