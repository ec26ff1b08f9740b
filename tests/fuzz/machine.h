/* SPDX-License-Identifier: MIT */
/* One host and the harness that is the world around it: time, what it sends, and the rules of the door that every call must keep. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "fuzz/packets.h"
#include "fuzz/users.h"

#define MACHINE_FRAMES 8u

struct machine;
/* What becomes of a frame that the host sent. */
typedef void machine_sent(void *context, const uint8_t *frame, uint32_t length);

struct machine {
    struct hawser_host *host; /* NULL: memory was refused at creation */
    struct fuzz_memory memory;
    uint32_t link;
    uint32_t mtu;
    bool ethernet;
    uint64_t now_ns;
    machine_sent *sent;
    void *context;
    uint8_t (*room)[PACKET_MAX]; /* MACHINE_FRAMES of them */
};

/* config is as fuzz_config made it; memory must be the machine's. Addresses are the caller's affair. */
void machine_start(struct machine *m, const struct hawser_config *config, const struct hawser_link_config *link);
void machine_end(struct machine *m); /* and everything was given back */

/* Takes everything out of the host, and judges it: whole packets with right checksums, no longer than the link takes, not without end; then
 * nothing more is due now. */
void machine_drain(struct machine *m);

/* One frame in, a copy of exactly its size. */
void machine_input(struct machine *m, const uint8_t *frame, uint32_t length, uint32_t flags);

/* Time goes on by ns, from deadline to deadline; after each, turn (may be NULL) is called. */
void machine_wait(struct machine *m, uint64_t ns, void (*turn)(void *context));

/* Everything is over: no connection, request or record is left, no buffer is held. */
void machine_require_empty(const struct machine *m);

#endif
