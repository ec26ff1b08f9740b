/* SPDX-License-Identifier: MIT */
/* One system call of a script: the arguments as POSIX has them, its result, and whether it is still under way. */
#ifndef PKT_SYSCALL_H
#define PKT_SYSCALL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "sock/sock.h"

struct machine_file;

enum pkt_syscall_kind {
    PKT_SYS_SOCKET,       /* domain, type, protocol */
    PKT_SYS_BIND,         /* fd, address, address_length */
    PKT_SYS_LISTEN,       /* fd, number = backlog */
    PKT_SYS_ACCEPT,       /* fd, address and address_length as results (address may be NULL), flags as accept4 */
    PKT_SYS_CONNECT,      /* fd, address, address_length */
    PKT_SYS_READ,         /* fd, data, size */
    PKT_SYS_WRITE,
    PKT_SYS_READV,        /* fd, iov, number = count */
    PKT_SYS_WRITEV,
    PKT_SYS_RECV,         /* fd, data, size, flags */
    PKT_SYS_SEND,
    PKT_SYS_RECVFROM,     /* and address, address_length */
    PKT_SYS_SENDTO,
    PKT_SYS_RECVMSG,      /* fd, message, flags */
    PKT_SYS_SENDMSG,
    PKT_SYS_FCNTL,        /* fd, command, number */
    PKT_SYS_IOCTL,        /* fd, command, data = int * or NULL */
    PKT_SYS_CLOSE,        /* fd */
    PKT_SYS_SHUTDOWN,     /* fd, number = how */
    PKT_SYS_GETSOCKOPT,   /* fd, level, option, data, option_length as value and result */
    PKT_SYS_SETSOCKOPT,
    PKT_SYS_GETSOCKNAME,  /* fd, address, address_length as value and result */
    PKT_SYS_GETPEERNAME,
    PKT_SYS_POLL,         /* polls, number = count, timeout_ms (below 0 = for ever) */
    PKT_SYS_EPOLL_CREATE, /* number = size */
    PKT_SYS_EPOLL_CTL,    /* fd, command = EPOLL_CTL_..., other_fd, epoll (one) */
    PKT_SYS_EPOLL_WAIT,   /* fd, epoll, number = room, timeout_ms */
    PKT_SYS_PIPE,         /* pair as result */
    PKT_SYS_SPLICE,       /* fd, offset, other_fd, other_offset, size, flags */
    PKT_SYS_SENDFILE,     /* fd = out, other_fd = in, offset, size */
    PKT_SYS_OPEN,         /* data = path, flags */
};

struct pkt_syscall {
    enum pkt_syscall_kind kind;
    int fd, other_fd;
    int domain, type, protocol;
    int level, option;
    unsigned long command;
    int flags;
    int number;
    int timeout_ms;
    int pair[2];
    void *data; /* for writing calls only read */
    size_t size;
    struct iovec *iov;
    struct msghdr *message;
    struct sockaddr *address;
    socklen_t address_length;
    socklen_t option_length;
    struct pollfd *polls;
    struct epoll_event *epoll;
    int64_t *offset, *other_offset; /* NULL = none */

    bool done;
    int64_t result; /* when done: as the call's, or -errno */
    int64_t started_ns, ended_ns;

    /* The stack's own, while the call is under way. */
    struct sock_op op;
    struct msghdr own_message;
    struct iovec own_iov;
    int64_t wake_ns;  /* of a timeout; INT64_MAX = none */
    int64_t moved;    /* bytes so far, of calls that go on by themselves */
    struct machine_file *held[2];
    struct pkt_syscall *next;
};

#endif
