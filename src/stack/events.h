/* SPDX-License-Identifier: MIT */
/* The queue of those who have something to say to the program. */
#ifndef HAWSER_STACK_EVENTS_H
#define HAWSER_STACK_EVENTS_H

#include <stdint.h>

#define EVENT_NONE UINT32_MAX

struct events {
    uint32_t head, tail; /* slot of a connection, or HANDLE_LISTENER and slot of a listener */
};

struct hawser_host;

void events_init(struct hawser_host *host);

/* A slot joins the queue, unless it is in it. */
void events_push_conn(struct hawser_host *host, uint32_t index);
void events_push_listener(struct hawser_host *host, uint32_t index);

#endif
