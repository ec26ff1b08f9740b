/* SPDX-License-Identifier: MIT */
/* The calls of packetdrill's interface that make, name, configure and wait for sockets. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/so/adapter.h"

#define POLLS_MAX 4096u

int64_t so_result(int64_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

int64_t so_call(struct so_adapter *adapter, struct pkt_syscall *call)
{
    adapter->readings = 0;
    if (so_machine(adapter) == NULL)
        return -ENODEV;
    call->fd = so_fd_find(adapter, call->fd);
    call->other_fd = so_fd_find(adapter, call->other_fd);
    pkt_machine_start(adapter->machine, call);
    so_settle(adapter);
    if (!call->done)
        so_wait(adapter, call);
    const char *unsupported = pkt_machine_unsupported(adapter->machine);
    if (unsupported != NULL && call->result < 0)
        fprintf(stderr, SO_NAME ": not supported: %s\n", unsupported);
    return call->result;
}

/* The whole of a call that gives no descriptor. */
static int call_alone(void *u, struct pkt_syscall *call)
{
    struct so_adapter *adapter = u;
    so_enter(adapter);
    int64_t result = so_call(adapter, call);
    so_leave(adapter);
    return (int)so_result(result);
}

static void close_in_machine(struct so_adapter *adapter, int machine_fd)
{
    struct pkt_syscall call = {.kind = PKT_SYS_CLOSE, .fd = machine_fd, .other_fd = -1};
    pkt_machine_start(adapter->machine, &call);
    if (!call.done)
        so_wait(adapter, &call);
}

/* A descriptor of the machine's is given away: its real one. */
static int64_t give(struct so_adapter *adapter, int64_t machine_fd, int least)
{
    if (machine_fd < 0)
        return machine_fd;
    int fd = so_fd_make(adapter, (int)machine_fd, least);
    if (fd < 0)
        close_in_machine(adapter, (int)machine_fd);
    return fd;
}

static int call_for_fd(void *u, struct pkt_syscall *call, int least)
{
    struct so_adapter *adapter = u;
    so_enter(adapter);
    int64_t result = give(adapter, so_call(adapter, call), least);
    so_leave(adapter);
    return (int)so_result(result);
}

/* ---- sockets ------------------------------------------------------------------------------ */

static int so_socket(void *u, int domain, int type, int protocol)
{
    struct pkt_syscall call = {.kind = PKT_SYS_SOCKET,
                               .fd = -1,
                               .other_fd = -1,
                               .domain = domain,
                               .type = type,
                               .protocol = protocol};
    return call_for_fd(u, &call, 0);
}

static int with_address(void *u, enum pkt_syscall_kind kind, int fd, const struct sockaddr *address,
                        socklen_t length)
{
    struct sockaddr_storage copy = {0};
    struct pkt_syscall call = {.kind = kind,
                               .fd = fd,
                               .other_fd = -1,
                               .address = (struct sockaddr *)&copy,
                               .address_length = length};
    if (address == NULL || length > sizeof copy)
        return (int)so_result(address == NULL ? -EFAULT : -EINVAL);
    memcpy(&copy, address, length);
    return call_alone(u, &call);
}

static int so_bind(void *u, int fd, const struct sockaddr *address, socklen_t length)
{
    return with_address(u, PKT_SYS_BIND, fd, address, length);
}

static int so_connect(void *u, int fd, const struct sockaddr *address, socklen_t length)
{
    return with_address(u, PKT_SYS_CONNECT, fd, address, length);
}

static int so_listen(void *u, int fd, int backlog)
{
    struct pkt_syscall call = {.kind = PKT_SYS_LISTEN, .fd = fd, .other_fd = -1, .number = backlog};
    return call_alone(u, &call);
}

static int so_accept(void *u, int fd, struct sockaddr *address, socklen_t *length)
{
    struct pkt_syscall call = {.kind = PKT_SYS_ACCEPT,
                               .fd = fd,
                               .other_fd = -1,
                               .address = length != NULL ? address : NULL,
                               .address_length = length != NULL ? *length : 0};
    if (address != NULL && length == NULL)
        return (int)so_result(-EFAULT);
    int result = call_for_fd(u, &call, 0);
    if (result >= 0 && length != NULL)
        *length = call.address_length;
    return result;
}

static int so_shutdown(void *u, int fd, int how)
{
    struct pkt_syscall call = {.kind = PKT_SYS_SHUTDOWN, .fd = fd, .other_fd = -1, .number = how};
    return call_alone(u, &call);
}

/* Its number is free as soon as the call begins, as a kernel has it. */
static int so_close(void *u, int fd)
{
    struct so_adapter *adapter = u;
    struct pkt_syscall call = {.kind = PKT_SYS_CLOSE, .fd = fd, .other_fd = -1};
    so_enter(adapter);
    int machine_fd = so_fd_find(adapter, fd);
    int64_t result = -EBADF;
    if (machine_fd >= 0 && machine_fd < (int)SO_FDS_MAX) {
        so_fd_close(adapter, fd);
        call.fd = machine_fd;
        pkt_machine_start(adapter->machine, &call);
        so_settle(adapter);
        if (!call.done)
            so_wait(adapter, &call);
        result = call.result;
    }
    so_leave(adapter);
    return (int)so_result(result);
}

/* ---- options ------------------------------------------------------------------------------ */

static int so_getsockopt(void *u, int fd, int level, int option, void *value, socklen_t *length)
{
    struct pkt_syscall call = {.kind = PKT_SYS_GETSOCKOPT,
                               .fd = fd,
                               .other_fd = -1,
                               .level = level,
                               .option = option,
                               .data = value,
                               .option_length = length != NULL ? *length : 0};
    if (length == NULL)
        return (int)so_result(-EFAULT);
    int result = call_alone(u, &call);
    if (result == 0)
        *length = call.option_length;
    return result;
}

static int so_setsockopt(void *u, int fd, int level, int option, const void *value,
                         socklen_t length)
{
    struct pkt_syscall call = {.kind = PKT_SYS_SETSOCKOPT,
                               .fd = fd,
                               .other_fd = -1,
                               .level = level,
                               .option = option,
                               .data = (void *)(uintptr_t)value, /* only read */
                               .option_length = length};
    return call_alone(u, &call);
}

static bool has_argument(int command)
{
    return command != F_GETFL && command != F_GETFD && command != F_GETOWN && command != F_GETSIG;
}

static int so_fcntl(void *u, int fd, int command, ...)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_FCNTL, .fd = fd, .other_fd = -1, .command = (unsigned)command};
    va_list arguments;
    va_start(arguments, command);
    if (has_argument(command))
        call.number = va_arg(arguments, int);
    va_end(arguments);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        int least = call.number;
        call.number = 0; /* the real one's number is what counts */
        return least < 0 ? (int)so_result(-EINVAL) : call_for_fd(u, &call, least);
    }
    return call_alone(u, &call);
}

static int so_ioctl(void *u, int fd, unsigned long request, ...)
{
    struct pkt_syscall call = {.kind = PKT_SYS_IOCTL, .fd = fd, .other_fd = -1, .command = request};
    va_list arguments;
    va_start(arguments, request);
    call.data = va_arg(arguments, int *);
    va_end(arguments);
    return call_alone(u, &call);
}

/* ---- waiting ------------------------------------------------------------------------------ */

static int so_poll(void *u, struct pollfd *polls, nfds_t count, int timeout_ms)
{
    struct so_adapter *adapter = u;
    if (count > POLLS_MAX || (polls == NULL && count > 0))
        return (int)so_result(count > POLLS_MAX ? -EINVAL : -EFAULT);
    struct pollfd *own = calloc(count + 1, sizeof *own);
    if (own == NULL)
        return (int)so_result(-ENOMEM);
    struct pkt_syscall call = {.kind = PKT_SYS_POLL,
                               .fd = -1,
                               .other_fd = -1,
                               .polls = own,
                               .number = (int)count,
                               .timeout_ms = timeout_ms};
    so_enter(adapter);
    for (nfds_t i = 0; i < count; i++)
        own[i] = (struct pollfd){.fd = so_fd_find(adapter, polls[i].fd), .events = polls[i].events};
    int64_t result = so_call(adapter, &call);
    so_leave(adapter);
    for (nfds_t i = 0; i < count && result >= 0; i++)
        polls[i].revents = own[i].revents;
    free(own);
    return (int)so_result(result);
}

static int so_epoll_create(void *u, int size)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_EPOLL_CREATE, .fd = -1, .other_fd = -1, .number = size};
    return call_for_fd(u, &call, 0);
}

static int so_epoll_ctl(void *u, int epoll, int operation, int fd, struct epoll_event *event)
{
    struct pkt_syscall call = {.kind = PKT_SYS_EPOLL_CTL,
                               .fd = epoll,
                               .other_fd = fd,
                               .command = (unsigned)operation,
                               .epoll = event};
    return call_alone(u, &call);
}

static int so_epoll_wait(void *u, int epoll, struct epoll_event *events, int room, int timeout_ms)
{
    struct pkt_syscall call = {.kind = PKT_SYS_EPOLL_WAIT,
                               .fd = epoll,
                               .other_fd = -1,
                               .epoll = events,
                               .number = room,
                               .timeout_ms = timeout_ms};
    return events == NULL ? (int)so_result(-EFAULT) : call_alone(u, &call);
}

void so_calls_fill(struct packetdrill_interface *out)
{
    out->socket = so_socket;
    out->bind = so_bind;
    out->listen = so_listen;
    out->accept = so_accept;
    out->connect = so_connect;
    out->shutdown = so_shutdown;
    out->close = so_close;
    out->getsockopt = so_getsockopt;
    out->setsockopt = so_setsockopt;
    out->fcntl = so_fcntl;
    out->ioctl = so_ioctl;
    out->poll = so_poll;
    out->epoll_create = so_epoll_create;
    out->epoll_ctl = so_epoll_ctl;
    out->epoll_wait = so_epoll_wait;
}
