/* SPDX-License-Identifier: MIT */
/* Flows: connections and listeners that behave as they were told to. */
#ifndef INTEROP_FLOW_H
#define INTEROP_FLOW_H

#include <nettle/sha2.h>

#include "driver.h"

enum flow_step { STEP_NOTHING, STEP_SHUTDOWN, STEP_CLOSE, STEP_ABORT };

/* What a connection does by itself; a listener's is for the connections it accepts. */
struct behaviour {
    uint64_t source;       /* bytes to send, of its own making */
    bool read;             /* read (and digest) whatever arrives; else only on command */
    bool echo;             /* send back what arrives */
    bool hold;             /* a listener: accept only on command */
    enum flow_step after;  /* once the source is queued */
    enum flow_step at_end; /* once the peer's FIN was read and the source is queued */
};

struct flow {
    struct target target; /* first: driver.h */
    unsigned id;
    hawser_tcp tcp; /* 0 = the handle was given back */
    bool listens, connected, told_end, told_error, told_source, stepped_after, stepped_end;
    struct behaviour behaviour;
    uint64_t made; /* bytes of the source that were queued */
    uint64_t random;
    struct sha256_ctx in, out;
    uint64_t bytes_in, bytes_out;
};

struct flow *flow_create(struct driver *driver, hawser_tcp tcp, bool listens,
                         const struct behaviour *behaviour);
void flow_accept_all(struct driver *driver, struct flow *listener);
struct flow *flow_find(struct driver *driver, unsigned id);
void flow_destroy_all(struct driver *driver);

/* Does what its behaviour wants now. */
void flow_work(struct driver *driver, struct flow *flow);

/* Shutdown, close or abort; hawser's answer. The handle is 0 after the last two. */
int flow_step(struct driver *driver, struct flow *flow, enum flow_step step);

/* As hawser_send and hawser_receive, digested. */
int64_t flow_send(struct driver *driver, struct flow *flow, const void *data, size_t n,
                  unsigned flags);
int64_t flow_receive(struct driver *driver, struct flow *flow, void *data, size_t n);

#define HEX_MAX (2 * SHA256_DIGEST_SIZE + 1)
void flow_digest(const struct sha256_ctx *state, char out[HEX_MAX]);

#endif
