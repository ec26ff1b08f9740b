/* SPDX-License-Identifier: MIT */
/* The IP host without transport (RFC 1122 3, RFC 8200): what the stack above it may call. It knows
 * TCP only as protocol number 6 and as the quote in an ICMP error.
 *
 * One struct net a host. Time is an argument and never goes back. Nothing here is allocated per
 * packet but bounded copies (frames that wait for a link-layer address, own control frames,
 * fragments) out of buffers with a limit.
 *
 * Loop of the stack:
 *     net_input(...)         per frame: NET_TCP and NET_ICMP_ERROR go up, the rest is done here
 *     net_send(...)          per segment, with the connection's path (net_path_fresh, else find it)
 *     net_output(...)        until false: own frames (ARP, ND, echo replies, ICMP errors), and
 *                            segments that had to wait for a neighbour
 *     net_expire(...)        when net_next_deadline has come
 *     net_take_failure(...)  now and then: next hops that do not answer
 *
 * Frames for a LOOPBACK link (net_send's and net_output's) are the stack's to bring back with
 * net_input. */
#ifndef HAWSER_NET_NET_H
#define HAWSER_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/config.h>
#include <hawser/hawser.h>
#include <hawser/trace.h>

#include "base/buffers.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "net/address.h"
#include "net/frames.h"
#include "net/neighbour.h"
#include "net/pathmtu.h"
#include "net/reasm.h"
#include "net/route.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"

#define NET_IP_IDS                                                                                 \
    64u /* counters of IPv4 identification, chosen by a keyed hash of the addresses */
#define NET_FAILURES_MAX 16u

struct net_link {
    enum hawser_link_kind kind;
    uint32_t mtu;          /* bytes of an IP packet */
    uint32_t header_bytes; /* in front of the IP header: 14 or 0 */
    struct mac mac;
    bool checksum_offload_in;
    bool has_auto_address;  /* its fe80:: address was made, RFC 4291 2.5.1 */
    struct frame_queue out; /* own frames that wait for net_output */
};

/* Fields are net's; the stack reads what the functions below show. */
struct net {
    const struct hawser_config *config;
    struct memory *memory;
    struct hawser_counters *counters;
    void *tables; /* one block: links, addresses, routes, hash heads, frames, reassembly */
    size_t tables_bytes;
    struct net_link *links;
    uint32_t links_count;
    uint32_t generation; /* of routes, addresses and path MTUs: what a path was found with */
    struct addresses addresses;
    struct routes routes;
    struct neighbours neighbours;
    struct pathmtus pathmtus;
    struct reasm reasm;
    struct frames frames;
    struct buffers buffers; /* bytes of held frames, own frames and fragments */
    struct siphash_key key;
    uint64_t icmp_full_ns; /* rate of ICMP messages: when the token bucket will be full again */
    uint32_t ip_id[NET_IP_IDS];
    struct icmp_quote failures[NET_FAILURES_MAX];
    uint32_t failures_head, failures_count;
};

/* config, memory and counters stay the caller's and outlive net. `seed` keys hashes and IPv4
 * identification.
 * 0; HAWSER_ERR_RESOURCES: memory was refused, nothing is held. */
int net_init(struct net *net, const struct hawser_config *config, struct memory *memory,
             struct hawser_counters *counters, uint64_t now_ns, uint64_t seed);
void net_deinit(struct net *net);

/* What config points to has changed: takes over the times that tables have copies of. What waits
 * already keeps its time. */
void net_configure(struct net *net);

/* ---- links, addresses, routes: results as hawser.h says of the public functions -------------- */

int net_link_add(struct net *net, const struct hawser_link_config *config, uint32_t *link);
int net_address_add(struct net *net, uint32_t link, const struct hawser_address *address,
                    unsigned prefix_bits);
int net_address_remove(struct net *net, const struct hawser_address *address);
/* HAWSER_ERR_EXISTS: prefix, link and metric of a route that is there. Bits of prefix behind
 * prefix_bits do not matter. */
int net_route_add(struct net *net, const struct hawser_address *prefix, unsigned prefix_bits,
                  const struct hawser_address *gateway, uint32_t link, uint32_t metric);
/* Of several metrics the smallest goes. The connected route of an address is not removed by this:
 * it goes with the address. */
int net_route_remove(struct net *net, const struct hawser_address *prefix, unsigned prefix_bits,
                     uint32_t link);

/* One of our own addresses (any of 127/8 when a LOOPBACK link has one of them). O(1). */
bool net_is_local(const struct net *net, const struct hawser_address *address);

/* 255.255.255.255 or the broadcast address of a subnet of any link. O(1). */
bool net_is_broadcast(const struct net *net, const struct hawser_address *address);

/* ---- input ----------------------------------------------------------------------------------- */

enum net_input_result {
    NET_NOTHING,    /* consumed, or dropped: `drop` says why and it is counted */
    NET_TCP,        /* a TCP message for one of our unicast addresses, from an address that can be a
                       sender's: ip, checksum_ok */
    NET_ICMP_ERROR, /* about a TCP segment that one of our addresses may have sent: quote, kind,
                       mtu, v6; ip.src says so */
};

#define NET_DROP_NONE HAWSER_DROP_COUNT /* consumed: nothing was dropped */

struct net_arrival {
    uint32_t link;
    struct ip_packet ip;   /* payload points into the frame, or into reassembly memory: valid until
                              the next net_ call */
    bool checksum_ok;      /* the link vouches for the TCP checksum */
    enum hawser_drop drop; /* NET_NOTHING */
    /* NET_ICMP_ERROR: the quoted source is ours and the message came to it; has_transport is true.
     * The sequence number is still to be judged (RFC 5927 4.1). */
    struct icmp_quote quote;
    enum icmp_kind kind; /* unreachable or prohibited, too big, time exceeded, parameter problem */
    uint32_t mtu;        /* PACKET_TOO_BIG: as reported, 0 = an old router */
    bool v6;
};

/* Takes one frame of a link (an unknown link is a no-op). Counts frames_in, and dropped[] for what
 * it drops itself. Fields of *out other than those named for the result are unspecified. */
enum net_input_result net_input(struct net *net, uint32_t link, uint64_t now_ns,
                                const struct hawser_frame *frame, struct net_arrival *out);

/* ---- paths: what a connection keeps, 32 bytes ------------------------------------------------ */

struct net_path {
    uint32_t generation;
    uint32_t neighbour;        /* of the next hop; NEIGHBOUR_NONE on IP and LOOPBACK links */
    uint32_t neighbour_serial; /* which life of that table entry */
    uint16_t mtu;              /* bytes of an IP packet: the link's, or a smaller one learnt */
    uint8_t link;
    uint8_t spare;
    struct hawser_address source; /* the local address to use */
};

/* The way to a destination. source: a local address that must be used, or NULL or all zero: one is
 * chosen (RFC 6724 in short: of the outgoing link, of fitting scope, in the destination's prefix,
 * else with the longest common prefix). Own addresses lead to a LOOPBACK link.
 * 0, or (*out unchanged)
 * HAWSER_ERR_BAD_REMOTE: unspecified, multicast or broadcast;
 * HAWSER_ERR_ADDRESS_NOT_LOCAL: source is none of ours, or of the other family;
 * HAWSER_ERR_UNREACHABLE: no route, or no fitting source;
 * HAWSER_ERR_RESOURCES: the neighbour table is full of busy entries, or no memory for it. */
int net_path_find(struct net *net, const struct hawser_address *source,
                  const struct hawser_address *destination, struct net_path *out);

/* Whether the path may still be used (an all-zero one may not). False: routes, addresses or a path
 * MTU changed, or the neighbour entry is gone: find it again. */
static inline bool net_path_fresh(const struct net *net, const struct net_path *path)
{
    if (path->generation != net->generation)
        return false;
    return path->neighbour == NEIGHBOUR_NONE ||
           neighbour_at(&net->neighbours, path->neighbour)->serial == path->neighbour_serial;
}

/* MTU of the path's link, whatever was learnt about the path: what an MSS option is made from
 * (RFC1191 08). */
static inline uint32_t net_path_link_mtu(const struct net *net, const struct net_path *path)
{
    return net->links[path->link].mtu;
}

/* A packet too big about a segment that we did send to destination (the caller has judged the
 * quote, RFC 5927 7). reported: next-hop MTU as in the message, 0 for IPv4 = take the next lower
 * plateau below quoted_len, the quote's total length (RFC 1191 7). True: the path MTU is lower than
 * before (then generation has changed); what does not lower it is ignored. */
bool net_path_mtu_lower(struct net *net, uint64_t now_ns, const struct hawser_address *destination,
                        uint32_t reported, uint32_t quoted_len);

/* The transport saw that what went this way arrived (new data acknowledged): RFC 4861 7.3.1. For
 * every such segment; a stale path is a no-op. */
static inline void net_confirm(struct net *net, const struct net_path *path, uint64_t now_ns)
{
    if (path->neighbour != NEIGHBOUR_NONE && net_path_fresh(net, path))
        neighbour_confirm(&net->neighbours, path->neighbour, now_ns);
}

/* ---- output ---------------------------------------------------------------------------------- */

/* Bytes of link and IP header in front of the transport message. */
static inline uint32_t net_headroom(const struct net *net, const struct net_path *path, bool v6)
{
    return net->links[path->link].header_bytes + (v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
}

enum net_send {
    NET_SENT,    /* the frame is complete: *frame_len bytes. On a LOOPBACK link: a bare IP packet */
    NET_HELD,    /* copied: it follows through net_output when the neighbour answers */
    NET_DROPPED, /* counted; to the transport it is lost like any packet */
};

/* Writes link and IP header in front of the ip->payload_len bytes that stand at frame +
 * net_headroom(). The path is fresh. ip->id is net's to choose: what stands in it does not matter.
 * Does not count frames_out: the stack does where every frame leaves. */
enum net_send net_send(struct net *net, uint64_t now_ns, const struct net_path *path,
                       const struct ip_emit *ip, uint8_t *frame, uint32_t *frame_len);

/* Whether net_output has a frame for this link. */
static inline bool net_has_output(const struct net *net, uint32_t link)
{
    return link < net->links_count && net->links[link].out.count != 0;
}

/* The oldest frame of net's own for a link. True: *length bytes stand in frame. A frame longer than
 * capacity is lost and counted. */
bool net_output(struct net *net, uint32_t link, uint8_t *frame, uint32_t capacity,
                uint32_t *length);

/* ---- time ------------------------------------------------------------------------------------ */

/* When net_expire must be called at the latest; NEVER = nothing waits. Later than now after
 * net_expire(now). */
uint64_t net_next_deadline(const struct net *net);
void net_expire(struct net *net, uint64_t now_ns);

/* A packet that was held for a neighbour that does not answer: as if a host unreachable had quoted
 * it (RFC 1122 2.4, RFC 4861 7.2.2). False: there is none. At most NET_FAILURES_MAX wait, more are
 * not told. */
bool net_take_failure(struct net *net, struct icmp_quote *quote);

#endif
