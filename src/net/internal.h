/* SPDX-License-Identifier: MIT */
/* What the files of net/ share with one another and with nobody else. */
#ifndef HAWSER_NET_INTERNAL_H
#define HAWSER_NET_INTERNAL_H

#include "net/net.h"

#define HOP_LIMIT_ND 255u /* neighbour discovery proves with it that no router passed it on */

/* A packet that was not forwarded to anybody but judged: what an ICMP error about it needs. */
struct net_packet {
    struct ip_packet *ip;  /* in the net_arrival that goes up */
    const uint8_t *header; /* its first header_len bytes, as it came */
    uint32_t header_len;
    bool group_frame; /* came in a link-layer broadcast or multicast */
    uint32_t link;
};

/* Counts a drop; returns the reason. */
static inline enum hawser_drop net_drop(struct net *net, enum hawser_drop reason)
{
    net->counters->dropped[reason]++;
    return reason;
}

/* ---- input.c --------------------------------------------------------------------------------- */

/* Whether a packet that arrived on a link can come from this address: no broadcast, multicast, 0/8,
 * loopback or own address from a wire (RFC9293 MUST-63, RFC1122 11). Unspecified is none. */
bool net_source_possible(const struct net *net, uint32_t link, const struct hawser_address *source);

/* Whether this is an address of ours on this very link: what ARP and ND answer for. */
bool net_is_local_on(const struct net *net, uint32_t link, const struct hawser_address *address);

/* ---- send.c ---------------------------------------------------------------------------------- */

/* The last step of net_send, for a frame whose IP packet is written: link header and neighbour. */
enum net_send net_send_frame(struct net *net, uint64_t now_ns, const struct net_path *path,
                             uint8_t *frame, uint32_t frame_len);

/* An IPv4 identification for a packet that may be fragmented on its way (RFC 6864 4.3). */
uint32_t net_ip_id(struct net *net, const struct hawser_address *src,
                   const struct hawser_address *dst);

/* ---- resolve.c: what a neighbour entry goes through (RFC 4861 7.3, RFC 1122 2.3.2) ------------
 */

/* The entry of an address on a link, made if need be, with another one evicted if need be.
 * NEIGHBOUR_NONE: all are busy, or no memory. */
uint32_t resolve_obtain(struct net *net, uint32_t link, const struct hawser_address *address);

/* A frame for a neighbour that is not plainly REACHABLE: starts or continues what must be done. */
enum net_send resolve_send(struct net *net, uint64_t now_ns, uint32_t index, uint8_t *frame,
                           uint32_t frame_len);

/* A neighbour's link-layer address was heard. answer: because we asked for it; override: it may
 * replace another one that is known (RFC 4861 7.2.5). */
void resolve_heard(struct net *net, uint64_t now_ns, uint32_t index, const struct mac *mac,
                   bool answer, bool override);

/* Somebody whom we have no entry for asked us: remembers who it is while there is plenty of room.
 */
void resolve_remember(struct net *net, uint32_t link, const struct hawser_address *address,
                      const struct mac *mac);

/* Whether a question of ours to this neighbour is open. */
static inline bool resolve_asked(const struct neighbour *n)
{
    return n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_PROBE;
}

void resolve_expire(struct net *net, uint64_t now_ns);

/* ---- arp.c, nd.c ------------------------------------------------------------------------------
 */

/* An ARP packet of n bytes on an ETHERNET link. Returns why it was dropped, or NET_DROP_NONE. */
enum hawser_drop arp_input(struct net *net, uint32_t link, uint64_t now_ns, const uint8_t *p,
                           size_t n, bool group_frame);

/* Asks for a neighbour's address: to all, or (unicast) to where it was last. */
void arp_solicit(struct net *net, const struct neighbour *n, bool unicast);
void nd_solicit(struct net *net, const struct neighbour *n, bool unicast);

/* A neighbour solicitation or advertisement. */
enum hawser_drop nd_input(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                          const struct icmp *message);

/* ---- icmp_in.c, icmp_out.c --------------------------------------------------------------------
 */

/* An ICMP or ICMPv6 message. */
enum net_input_result icmp_input(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                                 struct net_arrival *out);

void icmp_answer_echo(struct net *net, uint64_t now_ns, const struct net_packet *packet,
                      const struct icmp *request);

/* Sends an error about a packet, if one may be sent about it (RFC 1122 3.2.2, RFC 4443 2.4 e) and
 * the rate allows. info: the message's second word. */
void icmp_report(struct net *net, uint64_t now_ns, const struct net_packet *packet, uint8_t type,
                 uint8_t code, uint32_t info);

/* ---- own.c: frames of our own -----------------------------------------------------------------
 */

/* A message of ICMP under construction in a stored frame. */
struct own {
    struct net_path path;
    uint8_t *message;
    uint32_t message_len;
    uint32_t frame;
};

/* Finds the way from source (NULL = any) to destination, and room for a message, which the caller
 * may shorten. False: counted, nothing is held. */
bool own_begin(struct net *net, const struct hawser_address *source,
               const struct hawser_address *destination, uint32_t message_len, struct own *own);

/* Sends the message, in fragments if it does not fit the path. */
void own_send(struct net *net, uint64_t now_ns, struct own *own,
              const struct hawser_address *destination, uint8_t hop_limit, uint8_t traffic_class);

/* A frame with an Ethernet header and room for length bytes behind it, or NULL (counted). */
uint8_t *own_ethernet(struct net *net, uint32_t link, const struct mac *to, uint16_t type,
                      uint32_t length, uint32_t *frame);

/* Puts a complete frame at the end of a link's queue. */
void own_push(struct net *net, uint32_t link, uint32_t frame);

#endif
