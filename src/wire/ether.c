/* SPDX-License-Identifier: MIT */
/* Ethernet II headers (RFC 894) and ARP for IPv4 over Ethernet (RFC 826). */
#include "wire/ether.h"

#include <string.h>

#include "base/bytes.h"

#define ETHER_TYPE_MIN 0x0600u /* smaller numbers are the length of an 802.3 frame */
#define ARP_HARDWARE_ETHERNET 1u

bool ether_parse(const uint8_t *p, size_t n, struct ether *out)
{
    if (n < ETHER_HEADER_BYTES || load_be16(p + 12) < ETHER_TYPE_MIN)
        return false;
    memcpy(out->dst.b, p, 6);
    memcpy(out->src.b, p + 6, 6);
    out->type = load_be16(p + 12);
    return true;
}

void ether_emit(const struct ether *e, uint8_t out[ETHER_HEADER_BYTES])
{
    memcpy(out, e->dst.b, 6);
    memcpy(out + 6, e->src.b, 6);
    store_be16(out + 12, e->type);
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool arp_parse(const uint8_t *p, size_t n, struct arp *out)
{
    if (n < ARP_BYTES || load_be16(p) != ARP_HARDWARE_ETHERNET ||
        load_be16(p + 2) != ETHER_TYPE_IPV4 || p[4] != 6 || p[5] != 4)
        return false;
    out->op = load_be16(p + 6);
    memcpy(out->sender_mac.b, p + 8, 6);
    memcpy(out->sender_ip, p + 14, 4);
    memcpy(out->target_mac.b, p + 18, 6);
    memcpy(out->target_ip, p + 24, 4);
    return true;
}

void arp_emit(const struct arp *a, uint8_t out[ARP_BYTES])
{
    store_be16(out, ARP_HARDWARE_ETHERNET);
    store_be16(out + 2, ETHER_TYPE_IPV4);
    out[4] = 6;
    out[5] = 4;
    store_be16(out + 6, a->op);
    memcpy(out + 8, a->sender_mac.b, 6);
    memcpy(out + 14, a->sender_ip, 4);
    memcpy(out + 18, a->target_mac.b, 6);
    memcpy(out + 24, a->target_ip, 4);
}
