/* SPDX-License-Identifier: MIT */
/* What the interpreter asks of the stack under test: calls, datagrams and time. pkt/machine.c is one; a driver of packetdrill's interface another. */
#ifndef PKT_STACK_H
#define PKT_STACK_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "pkt/syscall.h"

struct pkt_datagram { /* one IP datagram that the stack has sent */
    int64_t time_ns;  /* when, on the stack's clock */
    uint8_t *data;
    size_t length;    /* bytes */
};

struct pkt_stack {
    void *self; /* the first argument of each */

    /* Ends the stack and everything in it; calls under way are forgotten. */
    void (*destroy)(void *self);

    /* The clock: monotonic, any epoch. */
    int64_t (*now)(void *self);

    /* Lets time pass until to_ns; timers do their work at their time, calls under way end at theirs. A time that is over is a no-op. */
    void (*advance)(void *self, int64_t to_ns);

    /* Begins a call. It has ended when call->done; otherwise it is under way and ends within advance, inject or receive: the caller keeps
     * *call and everything that it points to until then. */
    void (*start)(void *self, struct pkt_syscall *call);

    /* Lets time pass until a call under way has ended, until until_ns at the latest. */
    void (*await)(void *self, const struct pkt_syscall *call, int64_t until_ns);

    /* A datagram has arrived at the stack, now. 0 or -errno. */
    int (*inject)(void *self, const uint8_t *data, size_t length);

    /* The oldest datagram sent that was not yet taken; lets time pass until there is one, until until_ns at the latest (the clock then shows until_ns,
     * or, when nothing can ever come, stays). false = none. The data are the stack's until the next call of receive. */
    bool (*receive)(void *self, int64_t until_ns, struct pkt_datagram *out);

    /* A host setting by its Linux name. As sock_setting_set. */
    int (*set)(void *self, const char *name, const char *value, const char **why);

    /* What was refused for want of support since the last call: a message; NULL = nothing, or this stack cannot tell. */
    const char *(*unsupported)(void *self);
};

#endif
