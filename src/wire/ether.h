/* SPDX-License-Identifier: MIT */
/* Ethernet II frames (RFC 894, RFC 2464) and ARP (RFC 826). */
#ifndef HAWSER_WIRE_ETHER_H
#define HAWSER_WIRE_ETHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETHER_HEADER_BYTES 14u
#define ETHER_TYPE_IPV4 0x0800u
#define ETHER_TYPE_ARP 0x0806u
#define ETHER_TYPE_IPV6 0x86ddu
#define ARP_BYTES 28u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u

struct mac {
    uint8_t b[6];
};

struct ether {
    struct mac dst, src;
    uint16_t type; /* >= 0x0600 */
};

/* False when the frame is too short or carries an 802.3 length instead of a type. */
bool ether_parse(const uint8_t *p, size_t n, struct ether *out);
void ether_emit(const struct ether *e, uint8_t out[ETHER_HEADER_BYTES]);

/* Broadcast is a group too. */
static inline bool mac_is_group(const struct mac *m)
{
    return (m->b[0] & 1) != 0;
}

bool mac_equal(const struct mac *a, const struct mac *b);

/* ARP for IPv4 over Ethernet. */
struct arp {
    uint16_t op; /* whatever the packet says: ARP_REQUEST, ARP_REPLY or another number */
    struct mac sender_mac, target_mac;
    uint8_t sender_ip[4], target_ip[4];
};

/* False unless it is whole and for Ethernet and IPv4. Bytes behind it are link padding. */
bool arp_parse(const uint8_t *p, size_t n, struct arp *out);
void arp_emit(const struct arp *a, uint8_t out[ARP_BYTES]);

#endif
