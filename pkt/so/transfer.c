/* SPDX-License-Identifier: MIT */
/* The calls of packetdrill's interface that move bytes. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "pkt/so/adapter.h"

/* What is only read has no const in a machine's call. */
static void *unconst(const void *data)
{
    return (void *)(uintptr_t)data;
}

static ssize_t move(void *u, struct pkt_syscall *call)
{
    struct so_adapter *adapter = u;
    call->other_fd = -1;
    if (call->size > SSIZE_MAX)
        return (ssize_t)so_result(-EINVAL);
    if (call->message != NULL && (call->message->msg_iovlen > IOV_MAX))
        return (ssize_t)so_result(-EMSGSIZE);
    so_enter(adapter);
    int64_t result = so_call(adapter, call);
    so_leave(adapter);
    return (ssize_t)so_result(result);
}

static ssize_t so_read(void *u, int fd, void *data, size_t size)
{
    struct pkt_syscall call = {.kind = PKT_SYS_READ, .fd = fd, .data = data, .size = size};
    return move(u, &call);
}

static ssize_t so_write(void *u, int fd, const void *data, size_t size)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_WRITE, .fd = fd, .data = unconst(data), .size = size};
    return move(u, &call);
}

static ssize_t move_pieces(void *u, enum pkt_syscall_kind kind, int fd, const struct iovec *iov,
                           int count)
{
    struct pkt_syscall call = {.kind = kind, .fd = fd, .iov = unconst(iov), .number = count};
    return iov == NULL && count > 0 ? (ssize_t)so_result(-EFAULT) : move(u, &call);
}

static ssize_t so_readv(void *u, int fd, const struct iovec *iov, int count)
{
    return move_pieces(u, PKT_SYS_READV, fd, iov, count);
}

static ssize_t so_writev(void *u, int fd, const struct iovec *iov, int count)
{
    return move_pieces(u, PKT_SYS_WRITEV, fd, iov, count);
}

static ssize_t so_recv(void *u, int fd, void *data, size_t size, int flags)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_RECV, .fd = fd, .data = data, .size = size, .flags = flags};
    return move(u, &call);
}

static ssize_t so_send(void *u, int fd, const void *data, size_t size, int flags)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_SEND, .fd = fd, .data = unconst(data), .size = size, .flags = flags};
    return move(u, &call);
}

static ssize_t so_recvfrom(void *u, int fd, void *data, size_t size, int flags,
                           struct sockaddr *address, socklen_t *length)
{
    struct pkt_syscall call = {.kind = PKT_SYS_RECVFROM,
                               .fd = fd,
                               .data = data,
                               .size = size,
                               .flags = flags,
                               .address = length != NULL ? address : NULL,
                               .address_length = length != NULL ? *length : 0};
    if (address != NULL && length == NULL)
        return (ssize_t)so_result(-EFAULT);
    ssize_t result = move(u, &call);
    if (result >= 0 && address != NULL)
        *length = call.address_length;
    return result;
}

static ssize_t so_sendto(void *u, int fd, const void *data, size_t size, int flags,
                         const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_storage copy = {0};
    struct pkt_syscall call = {.kind = PKT_SYS_SENDTO,
                               .fd = fd,
                               .data = unconst(data),
                               .size = size,
                               .flags = flags,
                               .address = address != NULL ? (struct sockaddr *)&copy : NULL,
                               .address_length = length};
    if (address != NULL && length > sizeof copy)
        return (ssize_t)so_result(-EINVAL);
    if (address != NULL)
        memcpy(&copy, address, length);
    return move(u, &call);
}

static ssize_t so_recvmsg(void *u, int fd, struct msghdr *message, int flags)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_RECVMSG, .fd = fd, .message = message, .flags = flags};
    return move(u, &call);
}

static ssize_t so_sendmsg(void *u, int fd, const struct msghdr *message, int flags)
{
    struct pkt_syscall call = {
        .kind = PKT_SYS_SENDMSG, .fd = fd, .message = unconst(message), .flags = flags};
    return move(u, &call);
}

/* ---- pipes -------------------------------------------------------------------------------- */

static void close_both(struct so_adapter *adapter, const int machine_fds[2])
{
    for (unsigned i = 0; i < 2; i++) {
        struct pkt_syscall call = {.kind = PKT_SYS_CLOSE, .fd = machine_fds[i], .other_fd = -1};
        pkt_machine_start(adapter->machine, &call); /* a pipe's end closes at once */
    }
}

static int so_pipe(void *u, int fds[2])
{
    struct so_adapter *adapter = u;
    struct pkt_syscall call = {.kind = PKT_SYS_PIPE, .fd = -1, .other_fd = -1};
    if (fds == NULL)
        return (int)so_result(-EFAULT);
    so_enter(adapter);
    int64_t result = so_call(adapter, &call);
    if (result == 0) {
        int in = so_fd_make(adapter, call.pair[0], 0);
        int out = in < 0 ? in : so_fd_make(adapter, call.pair[1], 0);
        if (out < 0) {
            if (in >= 0)
                so_fd_close(adapter, in);
            close_both(adapter, call.pair);
            result = out;
        } else {
            fds[0] = in;
            fds[1] = out;
        }
    }
    so_leave(adapter);
    return (int)so_result(result);
}

/* Offsets are given also where a script says NULL: they are 0 then. */
static int64_t *offset_of(loff_t *offset)
{
    return offset != NULL && *offset != 0 ? (int64_t *)offset : NULL;
}

static int so_splice(void *u, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t size,
                     unsigned flags)
{
    struct so_adapter *adapter = u;
    struct pkt_syscall call = {.kind = PKT_SYS_SPLICE,
                               .fd = in,
                               .other_fd = out,
                               .offset = offset_of(in_offset),
                               .other_offset = offset_of(out_offset),
                               .size = size > INT_MAX ? INT_MAX : size,
                               .flags = (int)flags};
    so_enter(adapter);
    int64_t result = so_call(adapter, &call);
    so_leave(adapter);
    return (int)so_result(result);
}

void so_calls_fill_transfer(struct packetdrill_interface *out)
{
    out->read = so_read;
    out->write = so_write;
    out->readv = so_readv;
    out->writev = so_writev;
    out->recv = so_recv;
    out->send = so_send;
    out->recvfrom = so_recvfrom;
    out->sendto = so_sendto;
    out->recvmsg = so_recvmsg;
    out->sendmsg = so_sendmsg;
    out->pipe = so_pipe;
    out->splice = so_splice;
}
