/* SPDX-License-Identifier: MIT */
/* Strings of scripts: \f \n \r \t \v \xHH, and a backslash before anything else stands for that. */
#ifndef PKT_ESCAPE_H
#define PKT_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/* Writes what length characters between the quotes mean; out has room for length bytes. Returns how many there are, or -1: \x without two
 * hexadecimal digits, or a backslash at the end. */
long pkt_unescape(const char *text, size_t length, uint8_t *out);

/* Writes the inside of a string literal that means these bytes, printable ASCII only, and a NUL. Returns the length without NUL that it has or would have. */
size_t pkt_escape(const uint8_t *bytes, size_t length, char *out, size_t room);

/* The value of a hexadecimal digit, or -1. */
int pkt_hex_digit(char digit);

#endif
