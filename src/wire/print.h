/* SPDX-License-Identifier: MIT */
/* One printed line a packet, as tcpdump's readers know it. No libc: writes into the caller's
 * buffer. */
#ifndef HAWSER_WIRE_PRINT_H
#define HAWSER_WIRE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/hawser.h>

#define ADDRESS_TEXT_MAX 46u /* longest text of an address, with its NUL */

/* Dotted quad for IPv4 (without ::ffff:), RFC 5952 for IPv6; returns the length. */
size_t address_print(const struct hawser_address *a, char out[ADDRESS_TEXT_MAX]);

/* The text forms of RFC 4291 2.2 and the dotted quad, without zone, prefix or blanks; no leading
 * zeros in the dotted quad. False for anything else (*out unchanged). */
bool address_scan(const char *text, struct hawser_address *out);

/* Describes one frame (ethernet: with its link header) in at most cap - 1 characters and a NUL;
 * returns the length. Never fails: what cannot be parsed is described as far as it goes.
 * Example: "IP 198.18.0.1.40000 > 198.18.0.2.80: Flags [S], seq 5, win 65535, options [mss
 * 1460], length 0" */
size_t packet_print(bool ethernet, const uint8_t *frame, size_t n, char *out, size_t cap);

#endif
