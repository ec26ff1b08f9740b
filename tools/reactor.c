/* SPDX-License-Identifier: MIT */
/* Hands a host's events to the objects they are for. */
#include "reactor.h"

#define EVENTS_BATCH 64u

bool reactor_dispatch(struct hawser_host *host, uint64_t now_ns)
{
    struct hawser_event events[EVENTS_BATCH];
    size_t total = 0, count;
    do {
        count = hawser_events(host, events, EVENTS_BATCH);
        for (size_t i = 0; i < count; i++) {
            struct target *target = events[i].user;
            if (target != NULL) /* a connection that nobody has accepted yet */
                target->on_event(target, events[i].events, now_ns);
        }
        total += count;
    } while (count == EVENTS_BATCH);
    return total != 0;
}
