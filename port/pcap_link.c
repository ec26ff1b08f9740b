/* SPDX-License-Identifier: MIT */
/* Link headers of captures, down to the IP datagram: Ethernet (with VLAN tags), Linux's "any"
 * device in both its forms (LINKTYPE_LINUX_SLL, _SLL2), loopback of BSD, bare IP. */
#include <pcap/pcap.h>

#include "pcap_link.h"

#ifndef DLT_LINUX_SLL2
#define DLT_LINUX_SLL2 276
#endif

#define TYPE_IPV4 0x0800u
#define TYPE_IPV6 0x86ddu
#define TYPE_VLAN 0x8100u
#define TYPE_SERVICE_VLAN 0x88a8u
#define TAGS_MAX 4u /* of VLANs within VLANs */

bool pcap_link_known(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return true;
    default:
        return false;
    }
}

/* The type at `at`, with tags between the addresses and it stepped over. */
static bool find_by_type(const uint8_t *data, uint32_t length, uint32_t at, uint32_t header,
                         uint32_t *offset)
{
    for (unsigned tags = 0; tags <= TAGS_MAX && at + 2 <= length; tags++) {
        unsigned type = (unsigned)data[at] << 8 | data[at + 1];
        *offset = header;
        if (type == TYPE_IPV4 || type == TYPE_IPV6)
            return true;
        if (type != TYPE_VLAN && type != TYPE_SERVICE_VLAN)
            return false;
        at = header + 2; /* the tag, then the next type */
        header += 4;
    }
    return false;
}

bool pcap_link_find(int link_type, const uint8_t *data, uint32_t length, uint32_t *offset)
{
    bool found = true;
    *offset = 0;
    switch (link_type) {
    case DLT_EN10MB:
        found = find_by_type(data, length, 12, 14, offset);
        break;
    case DLT_LINUX_SLL:
        found = find_by_type(data, length, 14, 16, offset);
        break;
    case DLT_LINUX_SLL2:
        found = find_by_type(data, length, 0, 20, offset);
        break;
    case DLT_NULL: /* a family, in the numbers and the order of the machine that captured */
    case DLT_LOOP:
        *offset = 4;
        break;
    default:
        break;
    }
    if (!found || *offset >= length)
        return false;
    unsigned version = data[*offset] >> 4;
    return version == 4 || version == 6;
}
