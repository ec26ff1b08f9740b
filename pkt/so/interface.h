/* SPDX-License-Identifier: MIT */
/* What packetdrill asks of a stack in a shared library (its option --so_filename): one function that fills in a table of calls. Order and types are
 * packetdrill's; results are as POSIX has them, with the error's number in the calling thread's errno. */
#ifndef PKT_SO_INTERFACE_H
#define PKT_SO_INTERFACE_H

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
    void *userdata; /* the first argument of each */
    void (*free)(void *u);
    int (*socket)(void *u, int domain, int type, int protocol);
    int (*bind)(void *u, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *u, int fd, int backlog);
    int (*accept)(void *u, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *u, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *u, int fd, void *data, size_t size);
    ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int count);
    ssize_t (*recv)(void *u, int fd, void *data, size_t size, int flags);
    ssize_t (*recvfrom)(void *u, int fd, void *data, size_t size, int flags, struct sockaddr *address, socklen_t *length);
    ssize_t (*recvmsg)(void *u, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *u, int fd, const void *data, size_t size);
    ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int count);
    ssize_t (*send)(void *u, int fd, const void *data, size_t size, int flags);
    ssize_t (*sendto)(void *u, int fd, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length);
    ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *u, int fd, int command, ...);            /* no more, or an int */
    int (*ioctl)(void *u, int fd, unsigned long request, ...);  /* no more, or an int * */
    int (*close)(void *u, int fd);
    int (*shutdown)(void *u, int fd, int how);
    int (*getsockopt)(void *u, int fd, int level, int option, void *value, socklen_t *length);
    int (*setsockopt)(void *u, int fd, int level, int option, const void *value, socklen_t length);
    int (*poll)(void *u, struct pollfd *polls, nfds_t count, int timeout_ms);

    /* A datagram for the stack. 0, or -1. */
    int (*netdev_send)(void *u, const void *data, size_t size);

    /* The oldest datagram that the stack has sent; waits for it. *size: room, then length; *time_us: when it was sent. 0. */
    int (*netdev_receive)(void *u, void *data, size_t *size, long long *time_us);

    int (*usleep)(void *u, useconds_t us);
    int (*gettimeofday)(void *u, struct timeval *now, struct timezone *zone);
    int (*epoll_create)(void *u, int size);
    int (*epoll_ctl)(void *u, int epoll, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *u, int epoll, struct epoll_event *events, int room, int timeout_ms);
    int (*pipe)(void *u, int fds[2]);
    int (*splice)(void *u, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t size, unsigned flags);
};

/* userdata, and 33 calls without a gap. */
_Static_assert(offsetof(struct packetdrill_interface, poll) == 23 * sizeof(void *), "the sockets' calls");
_Static_assert(sizeof(struct packetdrill_interface) == 33 * sizeof(void *), "as packetdrill has it");

#define PACKETDRILL_INTERFACE_INIT "packetdrill_interface_init"
typedef void packetdrill_interface_init_function(const char *flags, struct packetdrill_interface *out);

#endif
