/* SPDX-License-Identifier: MIT */
/* Calls that never wait: socket, bind, listen, names, shutdown, fcntl, ioctl. */
#include "sock/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#define TYPE_MASK 0xf

int sock_open(struct sock_net *net, int domain, int type, int protocol, struct sock **out)
{
    if (((unsigned)type & ~(unsigned)(TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0)
        return -EINVAL;
    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if (protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    if ((type & TYPE_MASK) != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != 0 && protocol != IPPROTO_TCP)
        return -EPROTONOSUPPORT;
    struct sock *sock = sock_new(net, domain);
    if (sock == NULL)
        return -ENOMEM;
    sock->nonblocking = (type & SOCK_NONBLOCK) != 0;
    *out = sock;
    return 0;
}

/* ---- bind, listen ---- */

static bool is_ours(struct sock *sock, const struct hawser_address *address)
{
    return address_is_any(address) || hawser_address_is_local(sock->net->host, address);
}

int sock_bind(struct sock *sock, const struct sockaddr *address, socklen_t length)
{
    struct hawser_endpoint local;
    int error = address_for_bind(sock, address, length, &local);
    if (error != 0)
        return error;
    sock_refresh(sock);
    bool v4 = sock->domain == AF_INET;
    bool ours = is_ours(sock, &local.address);
    if (v4 && !ours) /* inet_bind and inet6_bind look at these in different orders */
        return -EADDRNOTAVAIL;
    if (sock->state != HAWSER_CLOSED || sock->has_port)
        return -EINVAL;
    if (!v4 && sock->set.v6_only && hawser_address_is_v4(&local.address))
        return -EINVAL;
    if (!ours)
        return -EADDRNOTAVAIL;
    if (local.port == 0 && sock->set.bind_no_port)
        sock->local.address = local.address;
    else
        error = bind_take(sock, &local);
    if (error != 0)
        return error;
    sock->address_locked = !address_is_any(&local.address);
    sock->port_locked = local.port != 0;
    return 0;
}

static int start_listening(struct sock *sock)
{
    struct hawser_listen_options options = {
        .backlog = sock->backlog + 1, /* Linux takes one more than was asked for */
        .v6_only = sock->domain == AF_INET6 && sock->set.v6_only,
        .reuse_address = true, /* bind.c has judged */
        .user = sock,
    };
    hawser_tcp handle;
    if (!sock->has_port) {
        sock->local.port = 0;
        int error = bind_take(sock, &sock->local);
        if (error != 0)
            return error;
    } else if (!bind_may_listen(sock)) {
        return -EADDRINUSE;
    }
    options.local = sock->local;
    int error = hawser_listen(sock->net->host, sock->net->now_ns, &options, &handle);
    if (error != 0)
        return -sock_errno(error);
    sock_attach(sock, handle);
    sock->state = HAWSER_LISTEN;
    return options_apply(sock);
}

int sock_listen(struct sock *sock, int backlog)
{
    sock_refresh(sock);
    if (sock->stage != STAGE_UNCONNECTED)
        return -EINVAL;
    if (sock->state != HAWSER_CLOSED && !sock_is_listener(sock))
        return -EINVAL;
    sock->backlog = (unsigned)backlog > SOCK_SOMAXCONN ? SOCK_SOMAXCONN : (uint32_t)backlog;
    if (!sock_is_listener(sock))
        return start_listening(sock);
    (void)hawser_set_option(sock->net->host, sock->handle, HAWSER_OPTION_BACKLOG,
                            sock->backlog + 1);
    return 0;
}

/* ---- names ---- */

int sock_name(struct sock *sock, struct sockaddr *address, socklen_t *length)
{
    return address_tell(sock->domain, &sock->local, address, length);
}

int sock_peer(struct sock *sock, struct sockaddr *address, socklen_t *length)
{
    sock_refresh(sock);
    if (sock->remote.port == 0 || sock->state == HAWSER_CLOSED || sock->state == HAWSER_SYN_SENT)
        return -ENOTCONN;
    return address_tell(sock->domain, &sock->remote, address, length);
}

/* Linux's accept asks for the name in a way of its own, without a look at the state. */
int sock_accepted_peer(struct sock *sock, struct sockaddr *address, socklen_t *length)
{
    return address_tell(sock->domain, &sock->remote, address, length);
}

/* ---- shutdown ---- */

static void shut(struct sock *sock, unsigned how)
{
    sock->shut |= how;
    if (sock->handle == 0 || sock->state == HAWSER_CLOSED || sock_is_listener(sock))
        return;
    if ((sock->shut & SHUT_IN) && !sock->done)
        (void)hawser_set_option(sock->net->host, sock->handle, HAWSER_OPTION_READ_SHUT, 1);
    if (how & SHUT_OUT)
        (void)hawser_shutdown(sock->net->host, sock->handle);
    sock_refresh(sock);
}

int sock_shutdown(struct sock *sock, int how)
{
    unsigned mask = (unsigned)how + 1;
    if (mask == 0 || mask > SHUT_BOTH)
        return -EINVAL;
    sock_refresh(sock);
    if (sock->stage == STAGE_CONNECTING) {
        bool failed = sock->state == HAWSER_SYN_SENT || sock->state == HAWSER_SYN_RECEIVED ||
                      sock->state == HAWSER_CLOSED;
        sock->stage = failed ? STAGE_DISCONNECTING : STAGE_CONNECTED;
    }
    sock->edges++; /* who polls is woken in any case */
    if (sock->state == HAWSER_SYN_SENT || (sock_is_listener(sock) && (mask & SHUT_IN))) {
        sock_disconnect(sock);
        return 0;
    }
    if (sock_is_listener(sock))
        return 0;
    bool closed = sock->state == HAWSER_CLOSED;
    shut(sock, mask);
    return closed ? -ENOTCONN : 0;
}

/* ---- fcntl, ioctl ---- */

int sock_fcntl(struct sock *sock, int command, int argument)
{
    if (command == F_GETFL)
        return O_RDWR | (sock->nonblocking ? O_NONBLOCK : 0);
    if (command != F_SETFL)
        return -EINVAL;
    sock->nonblocking = (argument & O_NONBLOCK) != 0;
    return 0;
}

/* Bytes that a program can read before it meets the mark (tcp_inq). */
static int inq(struct sock *sock, const struct hawser_tcp_info *info)
{
    uint32_t all = info->receive_queue_bytes;
    bool ahead = sock->urgent != URGENT_NONE && sock->urgent_at >= sock->read_bytes;
    uint64_t before = ahead ? sock->urgent_at - sock->read_bytes : all;
    return (int)(ahead && !sock->set.oob_inline && before < all ? before : all);
}

/* Linux counts the FIN as an octet. */
static int outq(const struct hawser_tcp_info *info, bool unsent_only)
{
    bool fin_waits = info->state == HAWSER_FIN_WAIT_1 || info->state == HAWSER_CLOSING ||
                     info->state == HAWSER_LAST_ACK;
    bool fin_sent = info->snd_nxt - info->snd_una > info->send_queue_bytes - info->unsent_bytes;
    if (unsent_only)
        return (int)(info->unsent_bytes + (fin_waits && !fin_sent));
    return (int)(info->send_queue_bytes + fin_waits);
}

int sock_ioctl(struct sock *sock, unsigned long request, int *argument)
{
    struct hawser_tcp_info info = {0};
    if (argument == NULL)
        return -EFAULT;
    if (request == FIONBIO) {
        sock->nonblocking = *argument != 0;
        return 0;
    }
    if (request != SIOCINQ && request != SIOCOUTQ && request != SIOCOUTQNSD &&
        request != SIOCATMARK)
        return -ENOTTY;
    sock_refresh(sock);
    if (request == SIOCATMARK) {
        *argument = urgent_is_here(sock);
        return 0;
    }
    if (sock_is_listener(sock))
        return -EINVAL;
    bool opening = sock->state == HAWSER_SYN_SENT || sock->state == HAWSER_SYN_RECEIVED;
    if (opening || !sock_info(sock, &info))
        *argument = 0;
    else if (request == SIOCINQ)
        *argument = inq(sock, &info);
    else
        *argument = outq(&info, request == SIOCOUTQNSD);
    return 0;
}

/* ---- looking ---- */

uint64_t sock_edges(struct sock *sock)
{
    return sock->edges;
}

bool sock_is_nonblocking(const struct sock *sock)
{
    return sock->nonblocking;
}

hawser_tcp sock_handle(const struct sock *sock)
{
    return sock->handle;
}
