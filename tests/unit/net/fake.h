/* SPDX-License-Identifier: MIT */
/* A host with links that lead into the test: frames go in by calls, what comes out is looked at. */
#ifndef HAWSER_TEST_NET_FAKE_H
#define HAWSER_TEST_NET_FAKE_H

#include "support/unit.h"

#include "base/bytes.h"
#include "base/nstime.h"
#include "net/net.h"
#include "support/test_memory.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

#define FAKE_FRAME_MAX (65535u + 14u)
#define FAKE_START_NS (1000 * NS_PER_S)

/* eth0 192.0.2.1/24, 2001:db8::1/64; eth1 198.51.100.1/24; tun 203.0.113.1/30, 2001:db8:f::1/64;
 * lo 127.0.0.1/8, ::1/128. Default routes through 192.0.2.254 and 2001:db8::fe on eth0. */
enum { ETH0, ETH1, TUN, LO, LINKS };

struct fake {
    struct test_memory source;
    struct memory memory;
    struct hawser_config config;
    struct hawser_counters counters;
    struct net net;
    uint64_t now_ns;
    struct net_arrival arrival;    /* of the last frame in */
    uint8_t frame[FAKE_FRAME_MAX]; /* the last one out */
    uint32_t length;
};

extern const struct mac fake_mac[2]; /* of eth0, eth1 */
extern const struct mac peer_mac[4]; /* of hosts on the wire */

/* Text to address; fails the test when it is none. */
struct hawser_address at(const char *text);

/* Defaults with small limits; change them before fake_start. */
void fake_init(struct fake *f);
void fake_start(struct fake *f);
void fake_deinit(struct fake *f); /* fails when memory is still out */

/* The usual cmocka pair: *state is a started struct fake. */
int fake_setup(void **state);
int fake_teardown(void **state);

/* Moves time on and does what is due, step by step. */
void fake_sleep(struct fake *f, uint64_t span_ns);

/* Hands a frame in. The bytes are copied to a buffer of exactly their size, so that sanitizers see
 * every byte read too much. */
enum net_input_result fake_input(struct fake *f, uint32_t link, const uint8_t *frame, uint32_t n);

/* Takes the next frame of net's own; false = none. */
bool fake_output(struct fake *f, uint32_t link);
void fake_no_output(struct fake *f);

/* ---- frames to hand in ------------------------------------------------------------------------
 */

struct packet {
    const char *src, *dst;
    const struct mac *src_mac, *dst_mac; /* NULL: peer_mac[0], and the MAC that dst asks for */
    uint8_t protocol, hop_limit;         /* hop limit 0: 64 */
    uint8_t traffic_class;
    const uint8_t *payload;
    uint32_t payload_len;
    bool fragment; /* below count */
    uint32_t id, offset;
    bool more;
    bool dont_fragment;
};

/* A whole frame (with an Ethernet header on eth0 and eth1); its length. */
uint32_t packet_frame(uint32_t link, const struct packet *p, uint8_t *out);
enum net_input_result packet_in(struct fake *f, uint32_t link, const struct packet *p);

/* ICMP over the right family, checksum and all: type, code, the second word, body. */
enum net_input_result icmp_in(struct fake *f, uint32_t link, const char *src, const char *dst,
                              uint8_t type, uint8_t code, uint32_t info, const uint8_t *body,
                              uint32_t body_len);

/* The first bytes of a packet that src sent to dst, as an error quotes it: header and 8 bytes. */
uint32_t quote_of(const char *src, const char *dst, uint8_t protocol, uint16_t src_port,
                  uint16_t dst_port, uint32_t seq, uint32_t total_len, uint8_t *out);

void arp_in(struct fake *f, uint32_t link, uint16_t op, const struct mac *sender_mac,
            const char *sender, const char *target, bool broadcast);

/* A neighbour message; target's or source's link-layer address when mac is not NULL. */
enum net_input_result advertisement_in(struct fake *f, const char *src, const char *dst,
                                       const char *target, const struct mac *mac, bool solicited,
                                       bool override);
enum net_input_result solicitation_in(struct fake *f, const char *src, const char *dst,
                                      const char *target, const struct mac *mac);

/* ---- what came out ----------------------------------------------------------------------------
 */

struct seen {
    struct ether ether; /* eth links */
    struct ip_packet ip;
    struct arp arp;
    struct icmp icmp;
    bool is_arp, is_icmp;
};

/* Takes the next frame of a link apart; fails when there is none or it is broken in any way. */
struct seen fake_see(struct fake *f, uint32_t link);

/* ---- sending ----------------------------------------------------------------------------------
 */

/* Sends n bytes of TCP payload (a header with ports 1000 and 80, seq, and zeros) to dst: finds the
 * path and sends. The frame is in f->frame when it is NET_SENT. */
enum net_send send_to(struct fake *f, const char *dst, uint32_t seq, uint32_t n);

/* The table entry of a neighbour, or NULL. */
struct neighbour *neighbour_of(struct fake *f, uint32_t link, const char *address);

/* Makes a neighbour REACHABLE with peer_mac[which]. */
void meet(struct fake *f, const char *address, unsigned which);

#endif
