/* SPDX-License-Identifier: MIT */
/* Names of ICMP types and codes (RFC 792, 950, 1122, 1812, 4443), as scripts write them. */
#include "pkt/icmp_names.h"

#include <string.h>

struct name {
    bool v6;
    uint8_t type;
    int code; /* -1: the name is the type's */
    const char *name;
};

/* Where two names mean the same, the first one is written. */
static const struct name names[] = {
    {false, 0, -1, "echo_reply"},
    {false, 3, -1, "unreachable"},
    {false, 4, -1, "source_quench"},
    {false, 5, -1, "redirect"},
    {false, 8, -1, "echo_request"},
    {false, 9, -1, "router_advertisement"},
    {false, 10, -1, "router_solicitation"},
    {false, 11, -1, "time_exceeded"},
    {false, 12, -1, "parameter_problem"},
    {false, 13, -1, "timestamp_request"},
    {false, 13, -1, "timestamp"},
    {false, 14, -1, "timestamp_reply"},
    {false, 15, -1, "information_request"},
    {false, 16, -1, "information_reply"},
    {false, 17, -1, "address_mask_request"},
    {false, 18, -1, "address_mask_reply"},
    {false, 3, 0, "net_unreachable"},
    {false, 3, 1, "host_unreachable"},
    {false, 3, 2, "protocol_unreachable"},
    {false, 3, 3, "port_unreachable"},
    {false, 3, 4, "frag_needed"},
    {false, 3, 5, "source_route_failed"},
    {false, 3, 6, "net_unknown"},
    {false, 3, 7, "host_unknown"},
    {false, 3, 8, "source_host_isolated"},
    {false, 3, 9, "net_prohibited"},
    {false, 3, 10, "host_prohibited"},
    {false, 3, 11, "net_unreachable_for_tos"},
    {false, 3, 12, "host_unreachable_for_tos"},
    {false, 3, 13, "packet_filtered"},
    {false, 3, 14, "precedence_violation"},
    {false, 3, 15, "precedence_cutoff"},
    {false, 11, 0, "ttl_exceeded_in_transit"},
    {false, 11, 1, "fragment_reassembly_time_exceeded"},
    {true, 1, -1, "unreachable"},
    {true, 2, -1, "packet_too_big"},
    {true, 3, -1, "time_exceeded"},
    {true, 4, -1, "parameter_problem"},
    {true, 128, -1, "echo_request"},
    {true, 129, -1, "echo_reply"},
    {true, 134, -1, "router_advertisement"},
    {true, 1, 0, "net_unreachable"},
    {true, 1, 0, "no_route"},
    {true, 1, 1, "admin_prohibited"},
    {true, 1, 2, "not_neighbour"},
    {true, 1, 3, "address_unreachable"},
    {true, 1, 4, "port_unreachable"},
    {true, 3, 0, "exceeded_hop_limit"},
    {true, 3, 1, "exceeded_frag_time"},
    {true, 4, 0, "header_field"},
    {true, 4, 1, "unknown_next_header"},
    {true, 4, 2, "unknown_option"},
};

#define NAMES (sizeof names / sizeof *names)

static bool is_named(const struct name *entry, const char *name, size_t length)
{
    return strlen(entry->name) == length && memcmp(entry->name, name, length) == 0;
}

int pkt_icmp_type(bool v6, const char *name, size_t length)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].v6 == v6 && names[i].code < 0 && is_named(&names[i], name, length))
            return names[i].type;
    }
    return -1;
}

int pkt_icmp_code(bool v6, uint8_t type, const char *name, size_t length)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].v6 == v6 && names[i].type == type && names[i].code >= 0 &&
            is_named(&names[i], name, length))
            return names[i].code;
    }
    return -1;
}

static const char *name_of(bool v6, uint8_t type, int code)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].v6 == v6 && names[i].type == type && names[i].code == code)
            return names[i].name;
    }
    return NULL;
}

const char *pkt_icmp_type_name(bool v6, uint8_t type)
{
    return name_of(v6, type, -1);
}

const char *pkt_icmp_code_name(bool v6, uint8_t type, uint8_t code)
{
    return name_of(v6, type, code);
}

bool pkt_icmp_has_mtu(const struct pkt_icmp *icmp)
{
    return icmp->v6 ? icmp->type == 2 : icmp->type == 3 && icmp->code == 4;
}
