/* SPDX-License-Identifier: MIT */
/* A packet as bytes, and back: what a script says about a packet into a datagram, and a datagram into the script's terms. Numbers are live ones. */
#ifndef PKT_LIVE_H
#define PKT_LIVE_H

#include "pkt/script.h"

struct pkt_ends {
    struct hawser_address source, destination; /* of one family */
    uint16_t source_port, destination_port;
};

#define PKT_DATAGRAM_MAX 65575u /* an IPv6 header and 65535 bytes */

/* Writes the datagram with its checksums: identification 0, DF clear, TTL 255 where the script says nothing, payload zero. What an ICMP error quotes
 * is a datagram of the other direction, between the same ends. Returns its length; 0 = it is longer than room or than a datagram can be. */
size_t pkt_build(const struct pkt_packet *packet, const struct pkt_ends *ends, uint8_t *out, size_t room);

/* One TCP option as bytes (40 are enough for any); returns how many. */
size_t pkt_build_option(const struct pkt_option *option, uint8_t *out);

#define PKT_LIVE_OPTIONS_MAX 40u

struct pkt_live {
    struct pkt_packet packet;                        /* tcp.options points to options below */
    struct pkt_option options[PKT_LIVE_OPTIONS_MAX];
    uint8_t option_bytes[40];                        /* as they were */
    size_t option_bytes_count;
    struct pkt_ends ends;
    int64_t time_ns;
    uint8_t reserved;                                /* the three reserved bits of the TCP header that nobody uses */
    bool payload_is_zero;
    char fault[96];                                  /* what is wrong with it in itself; "" = nothing */
};

/* Reads a datagram. Returns 0, or -1: it has no addresses and ports that could be read (*out is undefined but for fault). A copy of *out must be made
 * with pkt_live_copy. */
int pkt_read(const uint8_t *data, size_t length, struct pkt_live *out);

void pkt_live_copy(struct pkt_live *to, const struct pkt_live *from);

/* The one's complement sum of RFC 1071, for build and read. */
uint32_t pkt_checksum_add(uint32_t sum, const uint8_t *data, size_t length);
uint32_t pkt_checksum_pseudo(const struct pkt_ends *ends, uint8_t protocol, size_t length);
uint16_t pkt_checksum_finish(uint32_t sum);

#endif
