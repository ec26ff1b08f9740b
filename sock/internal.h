/* SPDX-License-Identifier: MIT */
/* What the files of sock/ share. The states and rules are those of Linux's inet sockets, under names of our own. */
#ifndef SOCK_INTERNAL_H
#define SOCK_INTERNAL_H

#include "sock/sock.h"

#include <hawser/hawser.h>

#define SOCK_NEVER UINT64_MAX
#define SOCK_NS_PER_S UINT64_C(1000000000)
#define SOCK_NS_PER_MS UINT64_C(1000000)
#define SOCK_NS_PER_US UINT64_C(1000)
#define SOCK_NO_WAIT UINT64_C(1) /* a timeout that is over at once: what Linux makes of one below 0 */
#define SOCK_SOMAXCONN 4096
#define SOCK_PORTS 65536u

/* How far the program has come with connect: not the state of the connection. */
enum sock_stage { STAGE_UNCONNECTED, STAGE_CONNECTING, STAGE_CONNECTED, STAGE_DISCONNECTING /* shut after connecting failed */ };

#define SHUT_IN 1u  /* nothing more will be read: the peer's FIN, or shutdown(SHUT_RD) */
#define SHUT_OUT 2u /* nothing more will be written */
#define SHUT_BOTH (SHUT_IN | SHUT_OUT)

/* The urgent octet of the stream. */
enum sock_urgent {
    URGENT_NONE,
    URGENT_AHEAD, /* announced; whether it has come is looked up */
    URGENT_TAKEN, /* MSG_OOB has read it; the mark remains until the stream has passed it */
};

/* Options a socket keeps by itself, and those it hands to every connection of its own. A child of a listener has its listener's. */
struct sock_settings {
    uint64_t receive_timeout_ns, send_timeout_ns; /* 0 = none */
    uint32_t receive_low_bytes;                   /* SO_RCVLOWAT, 1.. */
    uint32_t receive_buffer, send_buffer;         /* as getsockopt tells them: doubled; 0 = never set */
    uint32_t window_clamp;                        /* TCP_WINDOW_CLAMP, 0 = none */
    uint32_t notsent_low_bytes;                   /* TCP_NOTSENT_LOWAT, 0 = none */
    uint32_t keepalive_idle_s, keepalive_interval_s, keepalive_probes; /* 0 = the host's */
    uint32_t user_timeout_ms;
    uint32_t syn_retries;                         /* 0 = the host's */
    uint32_t max_segment_bytes;                   /* 0 = never set */
    uint32_t priority;
    uint32_t linger_s;                            /* counts while `linger` is set */
    uint8_t tos, traffic_class;
    uint8_t ttl, hop_limit;                       /* 0 = the host's */
    bool reuse_address, reuse_port, keepalive, oob_inline, broadcast, linger;
    bool nodelay, cork, quick_ack, v6_only, bind_no_port, inq;
};

struct sock {
    struct sock_net *net;
    struct sock *next, *previous; /* all of the net */
    unsigned references;          /* the program's, and one for each call that waits */
    bool closed;                  /* the program has let go of it */

    int domain;
    bool nonblocking;
    enum sock_stage stage;
    hawser_tcp handle;            /* connection or listener, 0 = none */
    enum hawser_state state;      /* as Linux has it: CLOSED where the connection is in TIME-WAIT */
    unsigned shut;
    bool was_open;                /* this connection has got beyond SYN-SENT */
    bool done;                    /* the peer's FIN has come: reads end with 0 for ever */
    bool error_seen;              /* what ended this connection was put into `error` */
    int error, soft_error;        /* errno values, each told once */
    uint32_t backlog;             /* of a listener */

    struct hawser_endpoint local;  /* as getsockname tells it. Any: all zero, of AF_INET ::ffff:0.0.0.0 */
    bool has_port;                 /* local.port is this socket's: not when a connection is over that had it by chance */
    struct hawser_endpoint remote; /* port 0: never connected */
    bool port_locked, address_locked; /* bind gave them: they outlive connections */
    bool port_reserved;               /* bind.c gave the port: no connection of another socket gets it */

    uint32_t queued_bytes, unsent_bytes, unacked_bytes; /* of the connection's queues, when it was looked at last */
    enum sock_urgent urgent;
    uint64_t urgent_at;           /* position of the urgent octet in the stream */
    uint64_t read_bytes;          /* taken from the stream so far, the urgent octet too */

    uint64_t edges;
    bool held_back; /* TCP_NOTSENT_LOWAT had it wait: no event of the host's says when that is over */
    struct sock_settings set;
};

struct sock_net {
    struct hawser_host *host;
    const struct hawser_config *config;
    uint64_t now_ns;
    struct sock *first;
    bool any_held_back;
    /* A bit for each port: connections that outlived a socket without SO_REUSEADDR, and without SO_REUSEPORT, may still be there. */
    uint64_t not_reused[SOCK_PORTS / 64], not_shared[SOCK_PORTS / 64];
    bool has_unsupported;
    char unsupported[64];
};

/* ---- net.c: sockets and their connections ---- */

/* A socket with default settings; NULL: no memory. */
struct sock *sock_new(struct sock_net *net, int domain);

/* One reference less; the last one frees. */
void sock_put(struct sock *sock);

/* Takes over what has become of the connection: state, errors, ends of the streams. */
void sock_refresh(struct sock *sock);

/* The connection's facts; false: there is none. */
bool sock_info(const struct sock *sock, struct hawser_tcp_info *info);

/* The error that waits, and forgets it: 0 or an errno value. */
int sock_take_error(struct sock *sock);

/* Linux's tcp_disconnect: the connection is aborted, the socket can connect or listen again. */
void sock_disconnect(struct sock *sock);

/* The socket's connection is the handle from now on. */
void sock_attach(struct sock *sock, hawser_tcp handle);

/* Lets go of the connection in the way close() does, or does nothing when there is none. */
void sock_detach(struct sock *sock);

static inline bool sock_is_listener(const struct sock *sock)
{
    return sock->state == HAWSER_LISTEN;
}

/* Notes down what is not supported; returns -ENOPROTOOPT. */
int sock_refuse(struct sock_net *net, const char *call, int level, int name);

/* ---- errors.c ---- */

/* The errno value (above 0) that Linux gives a program for one of hawser_error. */
int sock_errno(int error);

/* ---- address.c ---- */

bool address_is_any(const struct hawser_address *address); /* of either family */
bool address_is_loopback_v4(const struct hawser_address *address);
bool address_is_any_v4(const struct hawser_address *address);
struct hawser_address address_any(int domain);

/* What bind and connect read from a sockaddr: 0, -EINVAL, -EAFNOSUPPORT. */
int address_for_bind(const struct sock *sock, const struct sockaddr *address, socklen_t length, struct hawser_endpoint *out);
int address_for_connect(const struct sock *sock, const struct sockaddr *address, socklen_t length, struct hawser_endpoint *out);

/* As much as there is room for; *length becomes the full length. */
int address_tell(int domain, const struct hawser_endpoint *endpoint, struct sockaddr *address, socklen_t *length);

/* ---- bind.c: who may have a local end ---- */

/* Gives the socket a local end; port 0: one is chosen. 0 or -EADDRINUSE. */
int bind_take(struct sock *sock, const struct hawser_endpoint *local);

/* Whether the bound socket may become a listener. */
bool bind_may_listen(const struct sock *sock);

/* Whether a port that the host chose for a connection belongs to a bound socket. */
bool bind_holds(const struct sock *sock, const struct hawser_endpoint *local);

/* A connection goes on without its socket. */
void bind_left_behind(const struct sock *sock);

/* ---- options ---- */

/* What was set before there was a connection or listener; 0. */
int options_apply(struct sock *sock);

/* One of the door's options of the connection or listener, when there is one. */
void options_push(struct sock *sock, enum hawser_option option, uint64_t value);

/* Buffers: what Hawser counts of what Linux counts; see options.c. */
void options_push_buffers(struct sock *sock);
uint32_t options_receive_buffer(const struct sock *sock);
uint32_t options_send_buffer(const struct sock *sock);

int options_set_socket(struct sock *sock, int name, const void *value, socklen_t length);
int options_get_socket(struct sock *sock, int name, void *value, socklen_t *length);
int options_set_tcp(struct sock *sock, int name, const void *value, socklen_t length);
int options_get_tcp(struct sock *sock, int name, void *value, socklen_t *length);
int options_set_ip(struct sock *sock, int name, const void *value, socklen_t length);
int options_get_ip(struct sock *sock, int name, void *value, socklen_t *length);
int options_set_ipv6(struct sock *sock, int name, const void *value, socklen_t length);
int options_get_ipv6(struct sock *sock, int name, void *value, socklen_t *length);

/* An int as setsockopt takes it; -EINVAL: too short; -EFAULT. */
int option_int(const void *value, socklen_t length, int *out);

/* Copies what a program has room for, as getsockopt does. */
int option_tell(const void *from, socklen_t size, void *value, socklen_t *length);
int option_tell_int(int number, void *value, socklen_t *length);

/* struct tcp_info as Linux lays it out (info.c). */
#define SOCK_TCP_INFO_BYTES 280u
void info_fill(struct sock *sock, uint8_t out[SOCK_TCP_INFO_BYTES]);

/* ---- ready.c ---- */

/* TCP_NOTSENT_LOWAT: whether so much waits unsent that writing is to wait too; remembered then. */
bool ready_is_held_back(struct sock *sock, uint64_t unsent_bytes);

/* Tells of sockets that were held back and are not any more. */
void ready_release(struct sock_net *net);

/* ---- calls that may wait: op.c gives each its turn ---- */

enum sock_turn { TURN_DONE, TURN_WAIT };

enum sock_turn receive_try(struct sock_op *op, uint64_t now_ns);
enum sock_turn send_try(struct sock_op *op, uint64_t now_ns);
enum sock_turn connect_try(struct sock_op *op, uint64_t now_ns);
enum sock_turn accept_try(struct sock_op *op, uint64_t now_ns);
enum sock_turn close_try(struct sock_op *op, uint64_t now_ns);

/* Ends a call. */
static inline enum sock_turn op_done(struct sock_op *op, int64_t result)
{
    op->result = result;
    return TURN_DONE;
}

/* Waits, at most timeout_ns (0 = for ever) from the call's first try on; over: the time is. */
enum sock_turn op_wait(struct sock_op *op, uint64_t timeout_ns, uint64_t now_ns, int64_t over);

/* Whether a call may not wait. */
static inline bool op_is_nonblocking(const struct sock_op *op, int flags)
{
    return op->sock->nonblocking || (flags & MSG_DONTWAIT) != 0;
}

/* Whether the stream stands at the urgent octet. */
static inline bool urgent_is_here(const struct sock *sock)
{
    return sock->urgent != URGENT_NONE && sock->urgent_at == sock->read_bytes;
}

/* Whether the urgent octet has come and was not read by MSG_OOB. */
static inline bool urgent_has_come(const struct sock *sock)
{
    return sock->urgent == URGENT_AHEAD && sock->urgent_at >= sock->read_bytes && sock->urgent_at - sock->read_bytes < sock->queued_bytes;
}

#endif
