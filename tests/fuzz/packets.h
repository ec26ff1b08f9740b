/* SPDX-License-Identifier: MIT */
/* Whole packets for fuzz targets: well-formed ones written with the code that reads them, checksums mended in damaged ones. */
#ifndef FUZZ_PACKETS_H
#define FUZZ_PACKETS_H

#include "fuzz/fuzz.h"
#include "wire/tcp.h"

#define PACKET_MAX (65535u + 40u + 14u)

struct packet {
    uint8_t bytes[PACKET_MAX];
    uint32_t length;
};

/* An IP packet with this segment; its text has text_len octets at text (NULL: none). */
void packet_tcp(struct packet *out, const struct hawser_address *src, const struct hawser_address *dst, const struct segment *seg);

/* An ICMP error about a packet that was sent (a whole IP packet, of which at most quoted bytes are quoted). */
void packet_icmp(struct packet *out, const struct hawser_address *router, const struct hawser_address *dst, uint8_t type, uint8_t code,
                 uint32_t info, const uint8_t *about, uint32_t quoted);

/* Cuts an IPv4 packet in two fragments (offset a multiple of 8) of which it leaves the one that is asked for; others are left alone. */
void packet_fragment(struct packet *packet, uint32_t offset, bool second);

/* Puts an Ethernet header in front. */
void packet_ether(struct packet *packet, const uint8_t dst[6], const uint8_t src[6]);

/* Makes the checksums of an IP packet right, as far as its headers can be read: IPv4 header, TCP, ICMP. */
void packet_mend(uint8_t *bytes, uint32_t length);

#endif
