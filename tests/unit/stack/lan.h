/* SPDX-License-Identifier: MIT */
/* Two hosts joined by a wire without delay, in virtual time; a forger's end of the same wire; what the hosts' traces said.
 *
 * Host 0 is 198.18.0.1 and 2001:db8::1, host 1 is 198.18.0.2 and 2001:db8::2, both also 127.0.0.1 on link 1 when asked. After each round the
 * invariant of hawser.h is asserted: with nothing to send, the next deadline is later than now. */
#ifndef HAWSER_TEST_LAN_H
#define HAWSER_TEST_LAN_H

#include <hawser/hawser.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#include "base/nstime.h"
#include "support/test_memory.h"
#include "support/unit.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define LAN_EVENTS_MAX 4096u
#define LAN_FRAME_MAX 70000u

struct lan;

/* A frame on its way from a host: false = it is lost. */
typedef bool lan_filter(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length);

struct lan_setup {
    enum hawser_link_kind kind; /* of link 0; default ETHERNET (0) */
    uint32_t mtu;               /* default 1500 */
    bool loopback;              /* link 1 */
    bool alone;                 /* host 0 only: the other end is forged */
    bool deaf;                  /* nobody listens to the trace */
    void (*configure)(struct hawser_config *config, unsigned host);
};

struct lan {
    struct lan_setup setup;
    struct test_memory memory[2];
    struct hawser_config config[2];
    struct hawser_host *host[2];
    unsigned hosts;
    uint64_t now_ns;
    lan_filter *filter;
    void *filter_context;
    uint64_t frames;              /* that crossed the wire */
    /* what hosts said; the trace of both, in order */
    struct hawser_trace_event events[LAN_EVENTS_MAX];
    uint8_t event_host[LAN_EVENTS_MAX];
    uint32_t events_count;
    /* what host 0 sent when it is alone */
    struct segment sent[256];
    struct hawser_endpoint sent_from[256], sent_to[256];
    uint32_t sent_count;
    struct lan *self[2];
};

void lan_init(struct lan *lan, const struct lan_setup *setup);
/* Destroys the hosts; fails when one has not given all memory back. */
void lan_deinit(struct lan *lan);

struct hawser_address lan_address(const char *text);
struct hawser_endpoint lan_end(const char *address, uint16_t port);
struct hawser_endpoint lan_end_of(unsigned host, bool v6, uint16_t port);

/* Moves frames until nothing moves. */
void lan_settle(struct lan *lan);
/* Lets time pass, timers fire and frames move. */
void lan_run(struct lan *lan, uint64_t span_ns);

hawser_tcp lan_listen(struct lan *lan, unsigned host, uint16_t port);
hawser_tcp lan_open(struct lan *lan, unsigned host, struct hawser_endpoint remote);
/* A connection from host 1 to a listener of host 0 at this port (made when it is 0); [0] is host 0's end. */
void lan_connect(struct lan *lan, bool v6, hawser_tcp listener, uint16_t port, hawser_tcp ends[2]);

enum hawser_state lan_state(struct lan *lan, unsigned host, hawser_tcp tcp);

/* All events of one handle since the last call, joined. Others are lost. */
uint32_t lan_events_of(struct lan *lan, unsigned host, hawser_tcp tcp);

/* How many trace events of a kind, drops of a reason, state changes and record events there were on a host. */
unsigned lan_count_kind(const struct lan *lan, unsigned host, enum hawser_trace_kind kind);
unsigned lan_count_drop(const struct lan *lan, unsigned host, enum hawser_drop drop);
unsigned lan_count_change(const struct lan *lan, unsigned host, enum hawser_state from, enum hawser_state to);
unsigned lan_count_record(const struct lan *lan, unsigned host, enum hawser_record_event event);

/* ---- forging: a segment to host 0, from whoever one likes --------------------------------- */

struct forged {
    struct hawser_endpoint from, to;
    uint8_t flags;
    uint32_t seq, ack;
    uint16_t wnd;
    const char *text;
    uint8_t options;
    uint16_t mss;
    uint8_t wscale;
    uint32_t ts_val, ts_ecr;
};

#define LAN_PACKET_MAX 2048u
/* The packet alone; returns its length. */
uint32_t lan_write(const struct forged *forged, uint8_t packet[LAN_PACKET_MAX]);
/* … brought in, and what follows. */
void lan_forge(struct lan *lan, const struct forged *forged);
/* The newest segment that host 0 sent while alone; fails when there is none. */
const struct segment *lan_last(const struct lan *lan);
/* A handshake with a listener of host 0 by a forged peer; gives the peer's next sequence number and what it has to acknowledge. */
struct forged lan_forge_handshake(struct lan *lan, struct hawser_endpoint from, struct hawser_endpoint to, uint32_t seq);

#endif
