/* SPDX-License-Identifier: MIT */
/* Hands a host's events to the objects they are for. */
#ifndef TOOLS_REACTOR_H
#define TOOLS_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/tcp.h>

/* The first member of everything that is the `user` of a connection or listener in tools/. */
struct target {
    void (*on_event)(struct target *target, uint32_t events, uint64_t now_ns);
};

/* Delivers all events there are; true if there were any. A target may free itself, but no other
 * target, from on_event. */
bool reactor_dispatch(struct hawser_host *host, uint64_t now_ns);

#endif
