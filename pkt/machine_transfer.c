/* SPDX-License-Identifier: MIT */
/* The machine's calls that move bytes between a program and a socket, a pipe or a file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "pkt/machine.h"
#include "pkt/machine_file.h"

static bool sends(enum pkt_syscall_kind kind)
{
    return kind == PKT_SYS_WRITE || kind == PKT_SYS_WRITEV || kind == PKT_SYS_SEND ||
           kind == PKT_SYS_SENDTO || kind == PKT_SYS_SENDMSG;
}

/* The call as recvmsg and sendmsg would say it. */
static struct msghdr *as_message(struct pkt_syscall *call)
{
    if (call->kind == PKT_SYS_RECVMSG || call->kind == PKT_SYS_SENDMSG)
        return call->message;
    memset(&call->own_message, 0, sizeof call->own_message);
    if (call->kind == PKT_SYS_READV || call->kind == PKT_SYS_WRITEV) {
        call->own_message.msg_iov = call->iov;
        call->own_message.msg_iovlen = (size_t)call->number;
        return &call->own_message;
    }
    call->own_iov = (struct iovec){.iov_base = call->data, .iov_len = call->size};
    call->own_message.msg_iov = &call->own_iov;
    call->own_message.msg_iovlen = 1;
    if (call->kind == PKT_SYS_RECVFROM || call->kind == PKT_SYS_SENDTO) {
        call->own_message.msg_name = call->address;
        call->own_message.msg_namelen = call->address == NULL ? 0 : call->address_length;
    }
    return &call->own_message;
}

static bool points_nowhere(const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++)
        if (message->msg_iov[i].iov_base == NULL && message->msg_iov[i].iov_len > 0)
            return true;
    return false;
}

/* A null pointer is found only when a byte would be copied: errors, the end of the stream and
 * "nothing there" come first. */
static bool try_nowhere(struct pkt_machine *machine, struct pkt_syscall *call, bool out)
{
    uint8_t byte;
    struct iovec iov = {.iov_base = &byte, .iov_len = out ? 0 : 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct sock_op op = {.kind = out ? SOCK_OP_SEND : SOCK_OP_RECEIVE,
                         .sock = call->held[0]->sock,
                         .message = &message,
                         .flags = call->flags | (out ? 0 : MSG_PEEK),
                         .deadline_ns = UINT64_MAX};
    if (!sock_op_try(&op, (uint64_t)machine->now_ns))
        return false;
    return machine_done(call, op.result < 0 || (!out && op.result == 0) ? op.result : -EFAULT);
}

static bool try_sock(struct pkt_machine *machine, struct pkt_syscall *call)
{
    bool out = sends(call->kind);
    if (call->op.sock == NULL) {
        if ((call->kind == PKT_SYS_READV || call->kind == PKT_SYS_WRITEV) &&
            (call->number < 0 || call->number > IOV_MAX))
            return machine_done(call, -EINVAL);
        struct msghdr *message = as_message(call);
        if (message == NULL)
            return machine_done(call, -EFAULT);
        if (points_nowhere(message) && (out || (call->flags & MSG_TRUNC) == 0))
            return try_nowhere(machine, call, out);
        call->op = (struct sock_op){.kind = out ? SOCK_OP_SEND : SOCK_OP_RECEIVE,
                                    .sock = call->held[0]->sock,
                                    .message = message,
                                    .flags = call->flags,
                                    .deadline_ns = UINT64_MAX};
    }
    if (!sock_op_try(&call->op, (uint64_t)machine->now_ns))
        return false;
    if (call->kind == PKT_SYS_RECVFROM && call->op.result >= 0)
        call->address_length = call->own_message.msg_namelen;
    return machine_done(call, call->op.result);
}

int64_t machine_sock_now(struct pkt_machine *machine, struct machine_file *file, bool out,
                         void *data, size_t size)
{
    struct iovec iov = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct sock_op op = {.kind = out ? SOCK_OP_SEND : SOCK_OP_RECEIVE,
                         .sock = file->sock,
                         .message = &message,
                         .flags = MSG_DONTWAIT,
                         .deadline_ns = UINT64_MAX};
    return sock_op_try(&op, (uint64_t)machine->now_ns) ? op.result : -EAGAIN;
}

/* ---- pipes and files --------------------------------------------------------------------- */

static size_t pipe_read(struct machine_pipe *pipe, uint8_t *out, size_t size)
{
    size_t taken = size < pipe->count ? size : pipe->count;
    for (size_t i = 0; i < taken; i++)
        out[i] = pipe->bytes[(pipe->first + i) % MACHINE_PIPE_BYTES];
    pipe->first = (pipe->first + taken) % MACHINE_PIPE_BYTES;
    pipe->count -= taken;
    if (taken > 0)
        pipe->edges++;
    return taken;
}

static size_t pipe_write(struct machine_pipe *pipe, const uint8_t *data, size_t size)
{
    size_t room = MACHINE_PIPE_BYTES - pipe->count;
    size_t taken = size < room ? size : room;
    for (size_t i = 0; i < taken; i++)
        pipe->bytes[(pipe->first + pipe->count + i) % MACHINE_PIPE_BYTES] = data[i];
    pipe->count += taken;
    if (taken > 0)
        pipe->edges++;
    return taken;
}

static bool try_pipe(struct pkt_syscall *call)
{
    struct machine_file *file = call->held[0];
    struct machine_pipe *pipe = file->pipe;
    bool out = call->kind == PKT_SYS_WRITE;
    bool waits = (file->status_flags & O_NONBLOCK) == 0;
    if (out != (file->kind == MACHINE_PIPE_WRITE))
        return machine_done(call, -EBADF);
    if (call->data == NULL && call->size > 0)
        return machine_done(call, -EFAULT);
    if (call->size == 0)
        return machine_done(call, 0);
    if (out) {
        if (pipe->readers == 0)
            return machine_done(call, -EPIPE);
        call->moved += (int64_t)pipe_write(pipe, (uint8_t *)call->data + call->moved,
                                           call->size - (size_t)call->moved);
        if (call->moved == (int64_t)call->size || (!waits && call->moved > 0))
            return machine_done(call, call->moved);
        return !waits && machine_done(call, -EAGAIN);
    }
    size_t taken = pipe_read(pipe, call->data, call->size);
    if (taken > 0 || pipe->writers == 0)
        return machine_done(call, (int64_t)taken);
    return !waits && machine_done(call, -EAGAIN);
}

static bool try_host_file(struct pkt_syscall *call)
{
    ssize_t moved = call->kind == PKT_SYS_READ
                        ? read(call->held[0]->host_fd, call->data, call->size)
                        : write(call->held[0]->host_fd, call->data, call->size);
    return machine_done(call, moved < 0 ? -errno : moved);
}

bool machine_try_transfer(struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_file *file = call->held[0];
    if (file == NULL)
        return machine_done(call, -EBADF);
    bool plain = call->kind == PKT_SYS_READ || call->kind == PKT_SYS_WRITE;
    switch (file->kind) {
    case MACHINE_SOCK:
        return try_sock(machine, call);
    case MACHINE_PIPE_READ:
    case MACHINE_PIPE_WRITE:
        return plain ? try_pipe(call) : machine_done(call, -ENOTSOCK);
    case MACHINE_HOST_FILE:
        return plain ? try_host_file(call) : machine_done(call, -ENOTSOCK);
    case MACHINE_EPOLL:
        return machine_done(call, plain ? -EINVAL : -ENOTSOCK);
    }
    return machine_done(call, -EBADF);
}

/* ---- splice and sendfile ------------------------------------------------------------------ */

static bool waits(const struct machine_file *file)
{
    if (file->kind == MACHINE_SOCK)
        return !sock_is_nonblocking(file->sock);
    return (file->status_flags & O_NONBLOCK) == 0;
}

static int64_t take_from_file(struct machine_file *file, int64_t *offset, uint8_t *out, size_t size)
{
    ssize_t moved =
        offset != NULL ? pread(file->host_fd, out, size, *offset) : read(file->host_fd, out, size);
    return moved < 0 ? -errno : moved;
}

/* Into the pipe, from a socket or a file. */
static int64_t fill_pipe(struct pkt_machine *machine, struct pkt_syscall *call)
{
    uint8_t piece[MACHINE_PIPE_BYTES];
    struct machine_pipe *pipe = call->held[1]->pipe;
    size_t room = MACHINE_PIPE_BYTES - pipe->count;
    size_t size = call->size < room ? call->size : room;
    if (pipe->readers == 0)
        return -EPIPE;
    if (room == 0)
        return -EAGAIN;
    int64_t moved = call->held[0]->kind == MACHINE_SOCK
                        ? machine_sock_now(machine, call->held[0], false, piece, size)
                        : take_from_file(call->held[0], call->offset, piece, size);
    if (moved > 0) {
        pipe_write(pipe, piece, (size_t)moved);
        if (call->offset != NULL)
            *call->offset += moved;
    }
    return moved;
}

/* Out of the pipe, into a socket. */
static int64_t empty_pipe(struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_pipe *pipe = call->held[0]->pipe;
    int64_t total = 0;
    while (total < (int64_t)call->size && pipe->count > 0) {
        size_t piece = MACHINE_PIPE_BYTES - pipe->first;
        piece = piece < pipe->count ? piece : pipe->count;
        if (piece > call->size - (size_t)total)
            piece = call->size - (size_t)total;
        int64_t moved =
            machine_sock_now(machine, call->held[1], true, pipe->bytes + pipe->first, piece);
        if (moved <= 0)
            return total > 0 ? total : moved;
        pipe->first = (pipe->first + (size_t)moved) % MACHINE_PIPE_BYTES;
        pipe->count -= (size_t)moved;
        pipe->edges++;
        total += moved;
    }
    return total > 0 || pipe->writers == 0 ? total : -EAGAIN;
}

static bool try_splice(struct pkt_machine *machine, struct pkt_syscall *call)
{
    const struct machine_file *in = call->held[0], *out = call->held[1];
    bool fills = out->kind == MACHINE_PIPE_WRITE &&
                 (in->kind == MACHINE_SOCK || in->kind == MACHINE_HOST_FILE);
    bool empties = in->kind == MACHINE_PIPE_READ && out->kind == MACHINE_SOCK;
    if (!fills && !empties)
        return machine_done(call, -EINVAL);
    if (((call->offset != NULL && in->kind != MACHINE_HOST_FILE)) || call->other_offset != NULL)
        return machine_done(call, -ESPIPE);
    if (call->size == 0)
        return machine_done(call, 0);
    int64_t moved = fills ? fill_pipe(machine, call) : empty_pipe(machine, call);
    bool asleep = (call->flags & 2) == 0 && /* SPLICE_F_NONBLOCK */
                  waits(in) && waits(out);
    if (moved == -EAGAIN && asleep)
        return false;
    return machine_done(call, moved);
}

static bool try_sendfile(struct pkt_machine *machine, struct pkt_syscall *call)
{
    uint8_t piece[65536];
    struct machine_file *out = call->held[0], *in = call->held[1];
    if (in->kind != MACHINE_HOST_FILE || out->kind != MACHINE_SOCK)
        return machine_done(call, -EINVAL);
    while (call->moved < (int64_t)call->size) {
        size_t rest = call->size - (size_t)call->moved;
        off_t before = lseek(in->host_fd, 0, SEEK_CUR);
        int64_t got =
            take_from_file(in, call->offset, piece, rest < sizeof piece ? rest : sizeof piece);
        if (got <= 0)
            return machine_done(call, got < 0 && call->moved == 0 ? got : call->moved);
        int64_t sent = machine_sock_now(machine, out, true, piece, (size_t)got);
        if (call->offset == NULL && sent < got && before >= 0) /* what was not sent is read again */
            lseek(in->host_fd, before + (sent > 0 ? sent : 0), SEEK_SET);
        if (sent > 0) {
            call->moved += sent;
            if (call->offset != NULL)
                *call->offset += sent;
        } else if (sent == -EAGAIN && waits(out)) {
            return false;
        } else {
            return machine_done(call, call->moved > 0 ? call->moved : sent);
        }
    }
    return machine_done(call, call->moved);
}

bool machine_try_move(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->held[0] == NULL || call->held[1] == NULL)
        return machine_done(call, -EBADF);
    return call->kind == PKT_SYS_SPLICE ? try_splice(machine, call) : try_sendfile(machine, call);
}
