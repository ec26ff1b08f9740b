/* SPDX-License-Identifier: MIT */
/* Frames as the simulated network and its strangers see and make them. */
#ifndef HAWSER_SIM_PACKET_H
#define HAWSER_SIM_PACKET_H

#include <hawser/hawser.h>
#include <hawser/trace.h>

#define PACKET_FIN 1u
#define PACKET_SYN 2u
#define PACKET_RST 4u
#define PACKET_PSH 8u
#define PACKET_ACK 16u

#define PACKET_MAX (9000u + 14u + 60u)
#define PACKET_ETHERNET 14u /* header */

/* Where a frame goes, and what the network must know of it. */
struct packet {
    bool is_ip, v6, broadcast, dont_fragment, is_fragment;
    uint32_t ip_at;      /* where the IP header stands in the frame */
    uint32_t ip_bytes;   /* header and all */
    uint32_t text_at;    /* behind the IP header (IPv6: the first one), from ip_at */
    uint8_t protocol;    /* next header */
    uint8_t mac[6];      /* destination, Ethernet */
    struct hawser_address source, destination;
};

/* False: too short to be anything. */
bool packet_read(enum hawser_link_kind kind, const uint8_t *frame, uint32_t length,
                 struct packet *out);

/* What goes around a made packet. */
struct packet_way {
    enum hawser_link_kind kind;
    uint8_t from_mac[6], to_mac[6];
    struct hawser_endpoint source, destination;
};

/* Each writes a frame with right checksums into out (PACKET_MAX bytes) and returns its length. */

struct packet_tcp {
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    bool has_timestamps;
    uint32_t ts_val, ts_ecr;
    uint32_t text_bytes; /* of a pattern that no program writes */
};
uint32_t packet_make_tcp(const struct packet_way *way, const struct packet_tcp *tcp, uint8_t *out);

enum packet_icmp { PACKET_UNREACHABLE_NET, PACKET_UNREACHABLE_HOST, PACKET_UNREACHABLE_PORT,
    PACKET_UNREACHABLE_PROTOCOL, PACKET_TOO_BIG, PACKET_TIME_EXCEEDED };

/* An ICMP or ICMPv6 error; quoted: an IP packet, of which as much is quoted as is usual. */
uint32_t packet_make_icmp(const struct packet_way *way, enum packet_icmp kind, uint32_t mtu,
                          const uint8_t *quoted, uint32_t quoted_bytes, uint8_t *out);

/* Cuts an IPv4 frame: writes the fragment that begins at payload octet *at and fits into mtu, and
 * moves *at on. 0: there is no more. */
uint32_t packet_make_fragment(const uint8_t *frame, const struct packet *packet, uint32_t mtu,
                              uint32_t *at, uint8_t *out);

/* Makes the checksums of a TCP frame right again after it was changed. */
void packet_mend(enum hawser_link_kind kind, uint8_t *frame, uint32_t length);

#endif
