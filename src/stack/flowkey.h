/* SPDX-License-Identifier: MIT */
/* The 4-tuple that names a connection, seen from this host. */
#ifndef HAWSER_STACK_FLOWKEY_H
#define HAWSER_STACK_FLOWKEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <hawser/hawser.h>

struct flow_key {
    struct hawser_address laddr, raddr; /* IPv4 as ::ffff:a.b.c.d; both of one family */
    uint16_t lport, rport;              /* host order */
};

_Static_assert(sizeof(struct flow_key) == 36, "no padding: keys are compared as bytes");

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline bool flow_key_is_v4(const struct flow_key *key)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(key->laddr.bytes, prefix, sizeof prefix) == 0;
}

#endif
