/* SPDX-License-Identifier: MIT */
/* A host: one TCP/IP stack as an object. It reads no clock, opens no device and starts no thread; frames, time, entropy and memory are arguments.
 *
 * The loop of an embedder:
 *     hawser_input(host, link, now, frames, n);      what has arrived
 *     hawser_expire(host, now);                      when now has reached hawser_next_deadline()
 *     hawser_events(host, events, n);                who became readable, writable, …
 *     … user calls (tcp.h): they queue, they never send by themselves …
 *     hawser_output(host, link, now, buffers, n);    until it returns 0: what is to be sent
 *     sleep until a frame arrives or hawser_next_deadline(host).
 *
 * now_ns is any monotonic clock with any epoch. It is constant during a call and must not go back between calls (a smaller value counts as the last one).
 * A host is not thread-safe: one thread at a time. Different hosts share nothing. */
#ifndef HAWSER_H
#define HAWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hawser/config.h>
#include <hawser/err.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSER_VERSION_MAJOR 0
#define HAWSER_VERSION_MINOR 1
#define HAWSER_VERSION_PATCH 0

/* "0.1.0" of the library that is linked. */
HAWSER_EXPORT const char *hawser_version(void);

/* Called when an assertion about Hawser's own logic fails; must not return. The library's own version (weak, so that a program can define
 * its own) traps. */
HAWSER_EXPORT __attribute__((noreturn)) void hawser_assertion_failed(const char *what, const char *file, int line);

/* An address of either family; IPv4 as ::ffff:a.b.c.d. All zero is "any address of either family". */
struct hawser_address {
    uint8_t bytes[16];
};

/* Scans "192.0.2.1" or "2001:db8::1"; returns 0 or HAWSER_ERR_INVALID (*out unchanged). */
HAWSER_EXPORT int hawser_address_scan(const char *text, struct hawser_address *out);

#define HAWSER_ADDRESS_TEXT_MAX 46
/* Writes the usual text and its NUL; returns the length without it. */
HAWSER_EXPORT size_t hawser_address_print(const struct hawser_address *address, char out[HAWSER_ADDRESS_TEXT_MAX]);

HAWSER_EXPORT bool hawser_address_is_v4(const struct hawser_address *address);

struct hawser_endpoint {
    struct hawser_address address;
    uint16_t port; /* host order */
};

struct hawser_host;

/* Makes a host. config is copied (not what its pointers point to).
 * Returns 0 and *out, or (*out unchanged) HAWSER_ERR_CONFIG: see hawser_config_check; HAWSER_ERR_RESOURCES: the memory interface gave nothing. */
HAWSER_EXPORT int hawser_host_create(const struct hawser_config *config, uint64_t now_ns, struct hawser_host **out);

/* Ends a host at once: nothing is sent, all memory goes back. NULL is allowed. */
HAWSER_EXPORT void hawser_host_destroy(struct hawser_host *host);

/* What the host runs with: what hawser_host_create was given, and hawser_host_configure after it. The host's. */
HAWSER_EXPORT const struct hawser_config *hawser_config_of(const struct hawser_host *host);

/* Changes behaviour and times of a living host; how much applies to what is open already follows each field's use: retries, RTO bounds and ICMP at once, what
 * an option can set (buffers, keep-alive, hop limit) for connections opened later. Records in TIME-WAIT and FIN-WAIT-2
 * get the new time, counted from where they began. memory, entropy, trace, trace_context and the memory limits must be what they were.
 * HAWSER_ERR_CONFIG (nothing changed): one of those differs, or hawser_config_check says no. */
HAWSER_EXPORT int hawser_host_configure(struct hawser_host *host, uint64_t now_ns, const struct hawser_config *config);

/* ---- links, addresses, routes --------------------------------------------------------------------------------------- */

enum hawser_link_kind {
    HAWSER_LINK_ETHERNET, /* frames with Ethernet headers; ARP and neighbour discovery */
    HAWSER_LINK_IP,       /* bare IP packets, point to point (TUN) */
    HAWSER_LINK_LOOPBACK, /* the host to itself: what is sent arrives at once, hawser_output never gives anything */
};

struct hawser_link_config {
    enum hawser_link_kind kind;
    uint8_t mac[6];    /* ETHERNET: own address, a unicast one */
    uint32_t mtu;      /* bytes of an IP packet, 68..65535 (1280.. for IPv6 to be used on it) */
    bool checksum_offload_in; /* frames come with HAWSER_FRAME_CHECKSUM_OK where the link vouches for them */
};

/* Adds a link; its number (0, 1, …) goes to *link.
 * HAWSER_ERR_INVALID: kind, mac or mtu; HAWSER_ERR_RESOURCES: links_max are there. */
HAWSER_EXPORT int hawser_link_add(struct hawser_host *host, const struct hawser_link_config *config, uint32_t *link);

/* Gives the link a local address with its on-link prefix (bits: 0..32 for IPv4, 0..128 for IPv6), and the connected route that follows.
 * HAWSER_ERR_INVALID: no such link, bits out of range, address unspecified or multicast; HAWSER_ERR_EXISTS; HAWSER_ERR_RESOURCES.
 * An ETHERNET link that gets an IPv6 address also gets its fe80::/64 address from the MAC (RFC 4291 2.5.1), once. */
HAWSER_EXPORT int hawser_address_add(struct hawser_host *host, uint32_t link, const struct hawser_address *address, unsigned prefix_bits);

/* Takes a local address away; connections that use it end with HAWSER_ERR_ABORTED, without a segment. HAWSER_ERR_ADDRESS_NOT_LOCAL. */
HAWSER_EXPORT int hawser_address_remove(struct hawser_host *host, const struct hawser_address *address);

/* Whether it is an address of this host's, one of a loopback network on a LOOPBACK link included. */
HAWSER_EXPORT bool hawser_address_is_local(const struct hawser_host *host, const struct hawser_address *address);

/* Sends prefix/bits over link, through gateway (NULL = on-link). 0 bits is the default route of the gateway's (or prefix's) family.
 * A longer prefix wins; of two equal ones the smaller metric. HAWSER_ERR_INVALID, HAWSER_ERR_EXISTS, HAWSER_ERR_RESOURCES. */
HAWSER_EXPORT int hawser_route_add(struct hawser_host *host, const struct hawser_address *prefix, unsigned prefix_bits, const struct hawser_address *gateway,
                                   uint32_t link, uint32_t metric);

/* HAWSER_ERR_UNREACHABLE: no such route. */
HAWSER_EXPORT int hawser_route_remove(struct hawser_host *host, const struct hawser_address *prefix, unsigned prefix_bits, uint32_t link);

/* ---- the four entry points ------------------------------------------------------------------------------------------ */

#define HAWSER_FRAME_CHECKSUM_OK 1u /* the link vouches for the TCP and IP checksums (offload, or memory that cannot fail) */

struct hawser_frame {
    const uint8_t *data; /* read only during the call */
    uint32_t length;     /* bytes */
    uint32_t flags;      /* HAWSER_FRAME_… */
};

/* Frames have arrived on a link, oldest first. Anything may be in them. An unknown link is a no-op. */
HAWSER_EXPORT void hawser_input(struct hawser_host *host, uint32_t link, uint64_t now_ns, const struct hawser_frame *frames, size_t count);

struct hawser_buffer {
    uint8_t *data;       /* the caller's; the frame is written here */
    uint32_t capacity;   /* bytes; at least mtu + 14, or the frame is lost and counted */
    uint32_t length;     /* set by hawser_output */
};

/* Writes what is to be sent on a link into up to count buffers; returns how many were filled. Fewer than count: there is no more at now_ns. */
HAWSER_EXPORT size_t hawser_output(struct hawser_host *host, uint32_t link, uint64_t now_ns, struct hawser_buffer *buffers, size_t count);

/* When hawser_expire must be called at the latest; UINT64_MAX = never; 0 = hawser_output has something now.
 * After hawser_expire(now) and hawser_output(now) on every link until it gave nothing, this is later than now. */
HAWSER_EXPORT uint64_t hawser_next_deadline(struct hawser_host *host);

/* Does what timers whose time has come are there for. Calling early or often does no harm. */
HAWSER_EXPORT void hawser_expire(struct hawser_host *host, uint64_t now_ns);

#ifdef __cplusplus
}
#endif
#endif
