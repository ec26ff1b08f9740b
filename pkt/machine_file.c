/* SPDX-License-Identifier: MIT */
/* The machine's descriptors: the table, what they refer to, the calls that make and close them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkt/machine.h"
#include "pkt/machine_file.h"

#define FD_FIRST 3 /* as in a program that has its standard descriptors */

struct machine_file *machine_file_of(const struct pkt_machine *machine, int fd)
{
    return fd >= 0 && fd < (int)MACHINE_FDS_MAX ? machine->fds[fd] : NULL;
}

int machine_file_install(struct pkt_machine *machine, struct machine_file *file, int least)
{
    for (int fd = least < FD_FIRST ? FD_FIRST : least; fd < (int)MACHINE_FDS_MAX; fd++)
        if (machine->fds[fd] == NULL) {
            machine->fds[fd] = file;
            file->refs++;
            return fd;
        }
    return -EMFILE;
}

int machine_file_open(struct pkt_machine *machine, enum machine_file_kind kind,
                      struct machine_file **out)
{
    struct machine_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ENOMEM;
    file->kind = kind;
    file->host_fd = -1;
    int fd = machine_file_install(machine, file, 0);
    if (fd < 0)
        free(file);
    else if (out != NULL)
        *out = file;
    return fd;
}

static void release_pipe(struct machine_file *file)
{
    struct machine_pipe *pipe = file->pipe;
    if (file->kind == MACHINE_PIPE_READ)
        pipe->readers--;
    else
        pipe->writers--;
    pipe->edges++;
    if (pipe->readers == 0 && pipe->writers == 0) {
        free(pipe->bytes);
        free(pipe);
    }
}

void machine_file_release(struct pkt_machine *machine, struct machine_file *file)
{
    if (--file->refs > 0)
        return;
    machine_unwatch(machine, file);
    switch (file->kind) {
    case MACHINE_SOCK:
        if (file->sock != NULL)
            sock_close(file->sock, (uint64_t)machine->now_ns);
        break;
    case MACHINE_PIPE_READ:
    case MACHINE_PIPE_WRITE:
        if (file->pipe != NULL)
            release_pipe(file);
        break;
    case MACHINE_HOST_FILE:
        if (file->host_fd >= 0)
            close(file->host_fd);
        break;
    case MACHINE_EPOLL:
        free(file->watches);
        break;
    }
    free(file);
}

short machine_file_ready(const struct machine_file *file)
{
    const struct machine_pipe *pipe = file->pipe;
    switch (file->kind) {
    case MACHINE_SOCK:
        return sock_ready(file->sock);
    case MACHINE_PIPE_READ:
        return (short)((pipe->count > 0 ? POLLIN | POLLRDNORM : 0) |
                       (pipe->writers == 0 ? POLLHUP : 0));
    case MACHINE_PIPE_WRITE:
        return (short)((pipe->count < MACHINE_PIPE_BYTES ? POLLOUT | POLLWRNORM : 0) |
                       (pipe->readers == 0 ? POLLERR : 0));
    case MACHINE_HOST_FILE:
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    case MACHINE_EPOLL:
        for (size_t i = 0; i < file->watch_count; i++) {
            const struct machine_watch *watch = &file->watches[i];
            uint32_t wanted = watch->event.events | POLLERR | POLLHUP;
            if (watch->file->kind != MACHINE_EPOLL && !watch->disabled &&
                ((uint32_t)machine_file_ready(watch->file) & wanted) != 0)
                return POLLIN | POLLRDNORM;
        }
        return 0;
    }
    return 0;
}

uint64_t machine_file_edges(const struct machine_file *file)
{
    if (file->kind == MACHINE_SOCK)
        return sock_edges(file->sock);
    return file->pipe != NULL ? file->pipe->edges : 0;
}

/* ---- calls ------------------------------------------------------------------------------- */

static int64_t change_file(struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_file *file = call->held[0];
    switch (call->command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return machine_file_install(machine, file, call->number);
    case F_GETFD:
        return FD_CLOEXEC;
    case F_SETFD:
        return 0;
    default:
        break;
    }
    if (file->kind == MACHINE_SOCK)
        return sock_fcntl(file->sock, (int)call->command, call->number);
    if (call->command == F_GETFL)
        return file->status_flags;
    if (call->command != F_SETFL)
        return -EINVAL;
    file->status_flags = (file->status_flags & ~O_NONBLOCK) | (call->number & O_NONBLOCK);
    return 0;
}

static bool close_file(struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_file *file = call->held[0];
    if (call->op.sock == NULL) { /* begun now */
        machine->fds[call->fd] = NULL;
        file->refs--; /* the call holds another */
        if (file->kind != MACHINE_SOCK || file->refs > 1)
            return machine_done(call, 0);
        machine_unwatch(machine, file);
        call->op = (struct sock_op){.kind = SOCK_OP_CLOSE, .sock = file->sock};
    }
    if (!sock_op_try(&call->op, (uint64_t)machine->now_ns))
        return false;
    file->sock = NULL;
    return machine_done(call, call->op.result);
}

static int64_t make_pipe(struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_pipe *pipe = calloc(1, sizeof *pipe);
    uint8_t *bytes = malloc(MACHINE_PIPE_BYTES);
    struct machine_file *reader = NULL, *writer = NULL;
    int in = -ENOMEM, out = -ENOMEM;
    if (pipe != NULL && bytes != NULL) {
        in = machine_file_open(machine, MACHINE_PIPE_READ, &reader);
        out = in < 0 ? in : machine_file_open(machine, MACHINE_PIPE_WRITE, &writer);
    }
    if (out < 0) {
        if (in >= 0) {
            machine->fds[in] = NULL;
            machine_file_release(machine, reader);
        }
        free(pipe);
        free(bytes);
        return out;
    }
    *pipe = (struct machine_pipe){.bytes = bytes, .readers = 1, .writers = 1};
    reader->pipe = writer->pipe = pipe;
    reader->status_flags = O_RDONLY;
    writer->status_flags = O_WRONLY;
    call->pair[0] = in;
    call->pair[1] = out;
    return 0;
}

/* Files are the real machine's: reading does no harm, anything else must have been allowed. */
static int64_t open_file(struct pkt_machine *machine, const struct pkt_syscall *call)
{
    if (!machine->files &&
        ((call->flags & O_ACCMODE) != O_RDONLY || (call->flags & (O_CREAT | O_TRUNC)) != 0))
        return machine_refuse(machine, "open for writing (--allow-shell allows it)");
    if (call->data == NULL)
        return -EFAULT;
    int host_fd = open(call->data, call->flags | O_CLOEXEC | O_NONBLOCK, 0600);
    if (host_fd < 0)
        return -errno;
    struct machine_file *file;
    int fd = machine_file_open(machine, MACHINE_HOST_FILE, &file);
    if (fd < 0)
        close(host_fd);
    else
        file->host_fd = host_fd;
    return fd;
}

bool machine_try_file(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->kind == PKT_SYS_PIPE)
        return machine_done(call, make_pipe(machine, call));
    if (call->kind == PKT_SYS_OPEN)
        return machine_done(call, open_file(machine, call));
    if (call->held[0] == NULL)
        return machine_done(call, -EBADF);
    if (call->kind == PKT_SYS_CLOSE)
        return close_file(machine, call);
    return machine_done(call, change_file(machine, call));
}
