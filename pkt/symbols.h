/* SPDX-License-Identifier: MIT */
/* The constants that scripts may name (section 5, Symbols): Linux's, with the values of the system's headers. */
#ifndef PKT_SYMBOLS_H
#define PKT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a name; false = there is none. */
bool pkt_symbol(const char *name, int64_t *value);

/* The system a name belongs to that Linux does not have ("FreeBSD"), NULL = not known at all: such a script is a skip, not an error. */
const char *pkt_symbol_elsewhere(const char *name);

/* The i-th name in alphabetical order, NULL beyond the last. */
const char *pkt_symbol_name(size_t i);

/* "EAGAIN" for EAGAIN (positive); NULL = no errno. */
const char *pkt_errno_name(int number);

enum pkt_flag_set { PKT_FLAGS_POLL, PKT_FLAGS_EPOLL, PKT_FLAGS_MSG, PKT_FLAGS_OPEN };

/* "POLLIN|POLLERR", with what has no name in hexadecimal; "0" for none (O_RDONLY for OPEN). Returns out, cut off where room is too small. */
const char *pkt_flags_name(enum pkt_flag_set set, uint64_t flags, char *out, size_t room);

#endif
