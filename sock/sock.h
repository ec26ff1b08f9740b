/* SPDX-License-Identifier: MIT */
/* BSD sockets on the door: what a descriptor of a program refers to. Results, errno values and options are those programs know from Linux;
 * there are no descriptors, no threads and no clock here. Sees only include/.
 *
 * The caller's loop, for each host: hawser_input, hawser_expire, then sock_net_turn, which takes the host's events; then operations that wait are
 * tried again, and hawser_output is called as usual. */
#ifndef SOCK_SOCK_H
#define SOCK_SOCK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <hawser/tcp.h>

struct sock_net; /* the sockets of one host */
struct sock;     /* one socket; counted: sock_close lets go of it */

/* All results below are 0 or more, or -errno. Nothing is changed by a call that fails, unless it says so. */

/* The host must outlive the net; its events belong to the net from now on. -ENOMEM. */
int sock_net_create(struct hawser_host *host, uint64_t now_ns, struct sock_net **out);

/* Forgets every socket and aborts its connection. NULL is allowed. */
void sock_net_destroy(struct sock_net *net);

/* Time has come to now_ns, or the host was given input: takes the host's events. To be called before operations are tried again. */
void sock_net_turn(struct sock_net *net, uint64_t now_ns);

/* ---- calls that never wait ------------------------------------------------------------------------------------------ */

/* domain AF_INET or AF_INET6; type SOCK_STREAM with SOCK_NONBLOCK, SOCK_CLOEXEC (the latter is the caller's affair); protocol 0, IPPROTO_TCP.
 * -EAFNOSUPPORT; -EPROTONOSUPPORT; -ESOCKTNOSUPPORT; -EINVAL: unknown bits; -ENOMEM. */
int sock_open(struct sock_net *net, int domain, int type, int protocol, struct sock **out);

/* -EINVAL: bound before, or length too short; -EAFNOSUPPORT; -EADDRNOTAVAIL: not an address of this host; -EADDRINUSE. */
int sock_bind(struct sock *sock, const struct sockaddr *address, socklen_t length);

/* backlog: below 0 and above somaxconn (4096) count as somaxconn. Called again it changes the backlog. -EINVAL: connected; -EADDRINUSE; -ENOBUFS. */
int sock_listen(struct sock *sock, int backlog);

/* *length: room before, full length after (Linux truncates silently). getpeername: -ENOTCONN. */
int sock_name(struct sock *sock, struct sockaddr *address, socklen_t *length);
int sock_peer(struct sock *sock, struct sockaddr *address, socklen_t *length);
/* The peer of a socket that accept has just made, told by accept itself: also if the connection is over already. */
int sock_accepted_peer(struct sock *sock, struct sockaddr *address, socklen_t *length);

/* SHUT_RD, SHUT_WR, SHUT_RDWR. -ENOTCONN; -EINVAL. A listener that is shut down for reading stops listening, as Linux's does. */
int sock_shutdown(struct sock *sock, int how);

/* As setsockopt and getsockopt: level SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6. -ENOPROTOOPT: not supported, see sock_unsupported;
 * -EINVAL: value or length; -EFAULT, -EDOM, -ENOENT (TCP_CONGESTION), -EOPNOTSUPP (a level that the family has not), … as Linux. */
int sock_set_option(struct sock *sock, int level, int name, const void *value, socklen_t length);
int sock_get_option(struct sock *sock, int level, int name, void *value, socklen_t *length);

/* F_GETFL, F_SETFL (O_NONBLOCK counts, the rest is ignored). -EINVAL. */
int sock_fcntl(struct sock *sock, int command, int argument);

/* SIOCINQ/FIONREAD, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO. -ENOTTY; -EINVAL: a listener. */
int sock_ioctl(struct sock *sock, unsigned long request, int *argument);

/* POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, POLLPRI, POLLRDNORM, POLLWRNORM as they stand now: what Linux's tcp_poll would say. */
short sock_ready(struct sock *sock);

/* Grows with everything that makes a socket ready (also when it was ready before): edge-triggered epoll compares it. */
uint64_t sock_edges(struct sock *sock);

bool sock_is_nonblocking(const struct sock *sock);

/* The connection or listener behind it, 0 = none (yet, or any more). For instruments. */
hawser_tcp sock_handle(const struct sock *sock);

/* What this net refused for want of support since the last call: "setsockopt IPPROTO_TCP 31", for a message; NULL = nothing. Valid until the next call. */
const char *sock_unsupported(struct sock_net *net);

/* ---- calls that may wait -------------------------------------------------------------------------------------------- */

enum sock_op_kind { SOCK_OP_CONNECT, SOCK_OP_ACCEPT, SOCK_OP_RECEIVE, SOCK_OP_SEND, SOCK_OP_CLOSE };

/* One call under way. The caller fills in the first part and keeps everything that is pointed to until it is done. */
struct sock_op {
    enum sock_op_kind kind;
    struct sock *sock;
    struct msghdr *message;        /* RECEIVE and SEND: as recvmsg and sendmsg use it (msg_iov; msg_name; msg_control, msg_flags as results) */
    int flags;                     /* MSG_…: PEEK, WAITALL, DONTWAIT, OOB, TRUNC, NOSIGNAL, MORE, ERRQUEUE; ACCEPT: SOCK_NONBLOCK */
    const struct sockaddr *address;/* CONNECT; AF_UNSPEC dissolves the association */
    socklen_t address_length;
    struct sock *accepted;         /* ACCEPT: result, the caller's */
    int64_t result;                /* when done: count, 0 or -errno. For accept 0. */

    uint64_t deadline_ns;          /* try again at the latest (SO_RCVTIMEO, SO_SNDTIMEO, SO_LINGER); UINT64_MAX = when something happens */
    uint64_t ends_ns;              /* private, and those below */
    uint64_t progress;
    bool started;                  /* false before the first try */
};

/* Tries: true = done, see result. false = it must wait: call again after each sock_net_turn, or when deadline_ns has come; a socket that is
 * non-blocking never waits (-EAGAIN, -EINPROGRESS). SOCK_OP_CLOSE always lets go of the socket: it waits only to linger
 * (SO_LINGER with a time, a non-blocking socket too, as in Linux), and takes effect when no other call is under way on the socket. */
bool sock_op_try(struct sock_op *op, uint64_t now_ns);

/* A signal came: ends a waiting operation; result is what was done so far, or -EINTR. */
void sock_op_interrupt(struct sock_op *op);

/* close(2) without lingering. */
void sock_close(struct sock *sock, uint64_t now_ns);

/* ---- host settings under their Linux names -------------------------------------------------------------------------- */

/* Sets "net.ipv4.tcp_syn_retries" (or "net/ipv4/tcp_syn_retries") from text ("6", "4096 131072 6291456") in config.
 * -ENOENT: Hawser has no such setting; -EINVAL: the value is out of range; -EOPNOTSUPP: a setting we know, to a value we do not have
 * (tcp_ecn = 1 while there is no ECN); *why (static storage) says more. */
int sock_setting_set(struct hawser_config *config, const char *name, const char *value, const char **why);

/* Writes the setting's text as /proc/sys would show it; returns its length, or -ENOENT, -ENOSPC. */
int sock_setting_get(const struct hawser_config *config, const char *name, char *out, size_t room);

/* The i-th name ("net.ipv4.tcp_sack", …), NULL beyond the last: for `sysctl -a`. */
const char *sock_setting_name(unsigned i);

#endif
