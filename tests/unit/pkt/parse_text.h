/* SPDX-License-Identifier: MIT */
/* A script from a string, for tests. */
#ifndef TEST_PARSE_TEXT_H
#define TEST_PARSE_TEXT_H

#include "pkt/parse.h"

/* Parses text of that length (0: up to its NUL) for IPv4. */
static inline int parse_text_of(const char *text, size_t length, struct pkt_arena *arena, struct pkt_script *script, struct pkt_error *error)
{
    struct pkt_parse_input input = {.path = "test.pkt", .text = text, .length = length == 0 ? strlen(text) : length};
    return pkt_parse(&input, arena, script, error);
}

#endif
