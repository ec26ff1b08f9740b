/* SPDX-License-Identifier: MIT */
/* A scripted peer: one Hawser host on a bare IP link, in virtual time, and a test that plays everything at the other end, segment by segment.
 *
 * Numbers are relative to the ISNs: 0 is the SYN, 1 the first octet of text, in both directions. The octet at relative number n of either stream is
 * peer_octet(n). A test injects with peer_in* and then consumes everything that came out with peer_out*, or says that there is nothing with peer_quiet. */
#ifndef HAWSER_TEST_PEER_H
#define HAWSER_TEST_PEER_H

#include "support/unit.h"

#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "base/nstime.h"
#include "support/test_memory.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define PEER_OUT_MAX 4096u
#define PEER_FRAME_MAX 9100u
#define PEER_HOST_PORT 80u
#define PEER_PORT 40000u

#define F TCP_FIN
#define S TCP_SYN
#define R TCP_RST
#define P TCP_PSH
#define A TCP_ACK
#define U TCP_URG

/* A segment that the host sent. */
struct peer_segment {
    struct segment seg;         /* text points into `frame` */
    struct hawser_address src, dst;
    uint64_t at_ns;
    uint8_t hop_limit, traffic_class;
    bool dont_fragment;
    uint32_t packet_bytes;
    uint8_t *frame;
};

struct peer {
    struct hawser_host *host;
    struct hawser_config config;  /* as given to the host */
    uint64_t now_ns;
    uint32_t link;
    bool v6;
    struct hawser_address host_address, peer_address;
    uint16_t host_port, peer_port;
    seq_t host_isn, peer_isn;     /* host_isn is learnt from its SYN */
    bool timestamps;              /* put a timestamps option on what is injected; off until negotiated */
    uint32_t ts_val, ts_ecr;      /* of the next injected segment; ts_ecr follows what the host sent */
    uint16_t wnd;                 /* window field of what is injected, default 65535 */
    hawser_tcp listener, tcp;     /* of the passive and of the connection under test */
    struct peer_segment *out;     /* what the host sent and no test has looked at */
    unsigned out_first, out_count;
    bool only_own;                /* what goes to others than the peer's end is counted, not kept */
    uint64_t not_own, not_tcp;    /* packets that were not kept: to others; of other protocols */
    unsigned states_count;        /* state changes seen, in order */
    enum hawser_state states[64];
    unsigned drops[HAWSER_DROP_COUNT];
    uint32_t written, read;       /* octets of the streams so far */
    struct { hawser_tcp tcp; uint32_t events; } seen[16];
    struct test_memory memory;
};

/* What to change before the host is made. */
typedef void peer_tune(struct hawser_config *config);

/* A host with 198.18.0.1/24 and 2001:db8::1/64 (and 198.18.0.2, 2001:db8::2 as second addresses), MTU 1500; the peer is 198.18.0.9 or
 * 2001:db8::9. tune may be NULL. */
void peer_start(struct peer *p, bool v6, peer_tune *tune);
void peer_start_mtu(struct peer *p, bool v6, uint32_t mtu, peer_tune *tune);

/* After peer_start: lets so much time go by that the host begins its first connection (of this
 * 4-tuple, or the one that peer_open makes) at iss, and the peer at irs. The variables PEER_ISN and
 * PEER_ISN_ACTIVE in the environment do this for every test of a program, with the same number for
 * both. */
void peer_aim(struct peer *p, uint32_t iss, uint32_t irs, bool active);
void peer_aim_by_environment(struct peer *p);

/* Destroys the host and fails the test when memory is not back, or when segments were left unlooked at (peer_drop_out forgives those). */
void peer_end(struct peer *p);

uint8_t peer_octet(uint32_t relative);

/* ---- opening -------------------------------------------------------------------------------------------------------- */

#define PEER_MSS 1u
#define PEER_WSCALE 2u
#define PEER_SACK 4u
#define PEER_TS 8u
#define PEER_ALL 15u

/* The options of the peer's SYN: mss 1460 (v4) or 1440 (v6), window scale 7. */
struct segment peer_syn_options(const struct peer *p, unsigned which);

/* hawser_listen on PEER_HOST_PORT. */
void peer_listen(struct peer *p, uint32_t backlog);

/* Passive open to ESTABLISHED, accepted: p->tcp. */
void peer_accept(struct peer *p, unsigned options);

/* Active open to ESTABLISHED: p->tcp. */
void peer_connect(struct peer *p, unsigned options);

/* hawser_open only; the SYN is left to be looked at. */
void peer_open(struct peer *p);

/* From ESTABLISHED to any state but LISTEN, SYN-SENT and TIME-WAIT's records (which it reaches too): by real segments and calls. Output is consumed. */
void peer_to_state(struct peer *p, enum hawser_state state);

/* ---- the wire ------------------------------------------------------------------------------------------------------- */

/* Injects a segment as it stands (absolute numbers, ports and options from seg; ports 0 = the connection's).
 * text NULL with text_len > 0: the stream's octets by
 * relative number. */
void peer_inject(struct peer *p, const struct segment *seg);

/* The IP packet that peer_inject would inject, into PEER_FRAME_MAX + 60 bytes; returns its length. */
uint32_t peer_build(const struct peer *p, const struct segment *seg, uint8_t *packet);

/* Injects flags, relative SEQ and ACK, and len octets of text. ACK is left out when flags has no A. */
void peer_in(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len);
void peer_in_wnd(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, uint16_t wnd);

/* A pure ACK with SACK blocks, relative numbers in pairs left, right. */
void peer_in_sack(struct peer *p, uint32_t seq, uint32_t ack, unsigned blocks, const uint32_t *edges);

/* Raw bytes of an IP packet. */
void peer_inject_raw(struct peer *p, const uint8_t *packet, uint32_t n);

/* Pulls what the host has to say at p->now_ns into p->out. All others do it by themselves. */
void peer_pull(struct peer *p);

/* The next segment, which must be there; NULL-free. Valid until peer_end. */
const struct peer_segment *peer_next(struct peer *p);

/* The next segment must have exactly these flags, relative SEQ, ACK (when A) and text length, a right checksum and right octets. Returns it. */
const struct peer_segment *peer_out(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len);

/* The next segment must be a RST with these absolute numbers; flags R or R|A. */
const struct peer_segment *peer_out_rst(struct peer *p, unsigned flags, seq_t seq, seq_t ack);

/* Nothing more came out. */
void peer_quiet(struct peer *p);
unsigned peer_pending(struct peer *p);
void peer_drop_out(struct peer *p);

/* ---- time ----------------------------------------------------------------------------------------------------------- */

/* Lets ns pass: every deadline on the way is served at its time, output is collected with its time. */
void peer_pass(struct peer *p, uint64_t ns);

/* Lets time pass until something comes out, at most ns; fails when nothing does. Returns how long it took. */
uint64_t peer_pass_until_out(struct peer *p, uint64_t ns);

/* ---- looking -------------------------------------------------------------------------------------------------------- */

struct hawser_tcp_info peer_info(struct peer *p);
enum hawser_state peer_state(struct peer *p);

/* State of the 4-tuple, whoever holds it: connection, half-open request or record; HAWSER_CLOSED when nobody does. */
enum hawser_state peer_tuple_state(struct peer *p);

/* All events of `tcp` since the last call, or'ed. Others' events are kept. */
uint32_t peer_events(struct peer *p, hawser_tcp tcp);

/* Writes n octets of the host's stream (continuing where the last call ended); must be taken whole. */
void peer_write(struct peer *p, uint32_t n);

/* Reads and checks exactly n octets of the peer's stream. */
void peer_read(struct peer *p, uint32_t n);

/* Reading gives this result (an error, or 0 for the end). */
void peer_read_gives(struct peer *p, int64_t result);

#endif
