/* SPDX-License-Identifier: MIT */
/* hawser_events, and the queue behind it. */
#include "stack/events.h"

#include "stack/host.h"

void events_init(struct hawser_host *host)
{
    host->events = (struct events){.head = EVENT_NONE, .tail = EVENT_NONE};
}

static uint32_t *next_of(struct hawser_host *host, uint32_t who)
{
    if (who & HANDLE_LISTENER)
        return &listener_at(&host->listeners, who & ~HANDLE_LISTENER)->event_next;
    return &conn_at(host, who)->event_next;
}

static void push(struct hawser_host *host, uint32_t who)
{
    struct events *events = &host->events;
    *next_of(host, who) = EVENT_NONE;
    if (events->head == EVENT_NONE)
        events->head = who;
    else
        *next_of(host, events->tail) = who;
    events->tail = who;
}

void events_push_conn(struct hawser_host *host, uint32_t index)
{
    struct conn *conn = conn_at(host, index);
    if (conn->telling)
        return;
    conn->telling = true;
    push(host, index);
}

void events_push_listener(struct hawser_host *host, uint32_t index)
{
    struct listener *listener = listener_at(&host->listeners, index);
    if (listener->telling)
        return;
    listener->telling = true;
    push(host, index | HANDLE_LISTENER);
}

/* False: the slot is not what it was when it joined the queue. */
static bool take_conn(struct hawser_host *host, uint32_t index, struct hawser_event *out)
{
    struct conn *conn = conn_at(host, index);
    conn->telling = false;
    if (conn->role != CONN_HELD || conn->tcb.events == 0)
        return false;
    *out = (struct hawser_event){
        .tcp = conn_handle(host, index), .user = conn->user, .events = conn->tcb.events};
    conn->tcb.events = 0;
    return true;
}

static bool take_listener(struct hawser_host *host, uint32_t index, struct hawser_event *out)
{
    struct listener *listener = listener_at(&host->listeners, index);
    listener->telling = false;
    if (!listener->used || listener->events == 0)
        return false;
    *out = (struct hawser_event){.tcp = handle_make(listener->generation, index | HANDLE_LISTENER),
                                 .user = listener->user,
                                 .events = listener->events};
    listener->events = 0;
    return true;
}

size_t hawser_events(struct hawser_host *host, struct hawser_event *events, size_t count)
{
    size_t taken = 0;
    while (taken < count && host->events.head != EVENT_NONE) {
        uint32_t who = host->events.head;
        host->events.head = *next_of(host, who);
        bool told = who & HANDLE_LISTENER
                        ? take_listener(host, who & ~HANDLE_LISTENER, &events[taken])
                        : take_conn(host, who, &events[taken]);
        taken += told;
    }
    return taken;
}
