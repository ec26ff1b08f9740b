/* SPDX-License-Identifier: MIT */
/* The machine's calls that make, name, connect and configure sockets. */
#include <errno.h>
#include <netinet/in.h>

#include "pkt/machine.h"
#include "pkt/machine_file.h"

static int64_t install_socket(struct pkt_machine *machine, struct sock *sock)
{
    struct machine_file *file;
    int fd = machine_file_open(machine, MACHINE_SOCK, &file);
    if (fd < 0)
        sock_close(sock, (uint64_t)machine->now_ns);
    else
        file->sock = sock;
    return fd;
}

static int64_t make_socket(struct pkt_machine *machine, const struct pkt_syscall *call)
{
    int type = call->type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if ((call->domain == AF_INET || call->domain == AF_INET6) && type == SOCK_DGRAM)
        return machine_refuse(machine, "UDP sockets");
    if ((call->domain == AF_INET || call->domain == AF_INET6) && type == SOCK_RAW)
        return machine_refuse(machine, "raw sockets");
    if (call->domain != AF_INET && call->domain != AF_INET6)
        return machine_refuse(machine, "sockets of this family");
    if (call->protocol != 0 && call->protocol != IPPROTO_TCP) {
        int status = sock_open(machine->net, call->domain, call->type, call->protocol,
                               &(struct sock *){NULL});
        machine_refuse(machine, "a stream protocol other than TCP");
        return status;
    }
    struct sock *sock;
    int status = sock_open(machine->net, call->domain, call->type, call->protocol, &sock);
    return status != 0 ? status : install_socket(machine, sock);
}

static bool connect_socket(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->op.sock == NULL) {
        if (call->address == NULL)
            return machine_done(call, -EFAULT);
        call->op = (struct sock_op){.kind = SOCK_OP_CONNECT,
                                    .sock = call->held[0]->sock,
                                    .address = call->address,
                                    .address_length = call->address_length,
                                    .deadline_ns = UINT64_MAX};
    }
    return sock_op_try(&call->op, (uint64_t)machine->now_ns) && machine_done(call, call->op.result);
}

static bool accept_socket(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->op.sock == NULL)
        call->op = (struct sock_op){.kind = SOCK_OP_ACCEPT,
                                    .sock = call->held[0]->sock,
                                    .flags = call->flags,
                                    .deadline_ns = UINT64_MAX};
    if (!sock_op_try(&call->op, (uint64_t)machine->now_ns))
        return false;
    if (call->op.result < 0)
        return machine_done(call, call->op.result);
    if (call->address != NULL)
        sock_accepted_peer(call->op.accepted, call->address, &call->address_length);
    return machine_done(call, install_socket(machine, call->op.accepted));
}

static int64_t option_of(struct pkt_syscall *call)
{
    struct sock *sock = call->held[0]->sock;
    if (call->kind == PKT_SYS_GETSOCKOPT) {
        if (call->data == NULL)
            return -EFAULT;
        return sock_get_option(sock, call->level, call->option, call->data, &call->option_length);
    }
    if (call->data == NULL && call->option_length > 0)
        return -EFAULT;
    return sock_set_option(sock, call->level, call->option, call->data, call->option_length);
}

bool machine_try_socket(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->kind == PKT_SYS_SOCKET)
        return machine_done(call, make_socket(machine, call));
    if (call->held[0] == NULL)
        return machine_done(call, -EBADF);
    if (call->held[0]->kind != MACHINE_SOCK)
        return machine_done(call, call->kind == PKT_SYS_IOCTL ? -ENOTTY : -ENOTSOCK);

    struct sock *sock = call->held[0]->sock;
    int ignored = 0;
    switch ((unsigned)call->kind) { /* those of this file */
    case PKT_SYS_BIND:
        return machine_done(call, sock_bind(sock, call->address, call->address_length));
    case PKT_SYS_LISTEN:
        return machine_done(call, sock_listen(sock, call->number));
    case PKT_SYS_ACCEPT:
        return accept_socket(machine, call);
    case PKT_SYS_CONNECT:
        return connect_socket(machine, call);
    case PKT_SYS_IOCTL:
        return machine_done(
            call, sock_ioctl(sock, call->command, call->data != NULL ? call->data : &ignored));
    case PKT_SYS_SHUTDOWN:
        return machine_done(call, sock_shutdown(sock, call->number));
    case PKT_SYS_GETSOCKNAME:
        return machine_done(call, sock_name(sock, call->address, &call->address_length));
    case PKT_SYS_GETPEERNAME:
        return machine_done(call, sock_peer(sock, call->address, &call->address_length));
    default:
        return machine_done(call, option_of(call));
    }
}
