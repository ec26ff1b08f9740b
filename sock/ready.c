/* SPDX-License-Identifier: MIT */
/* What poll says: Linux's tcp_poll. */
#include "sock/internal.h"

static bool is_readable(const struct sock *sock)
{
    uint64_t target = sock->set.receive_low_bytes;
    if (urgent_is_here(sock) && !sock->set.oob_inline)
        target++;
    return sock->queued_bytes >= target;
}

bool ready_is_held_back(struct sock *sock, uint64_t unsent_bytes)
{
    uint32_t low = sock->set.notsent_low_bytes;
    if (low == 0 || unsent_bytes < low)
        return false;
    sock->held_back = sock->net->any_held_back = true;
    return true;
}

/* Room for half of what is queued; and TCP_NOTSENT_LOWAT, which wakes at the half. */
static bool is_writable(struct sock *sock)
{
    uint64_t most = 0;
    if (ready_is_held_back(sock, 2 * (uint64_t)sock->unsent_bytes))
        return false;
    if (sock->handle == 0 || hawser_get_option(sock->net->host, sock->handle,
                                               HAWSER_OPTION_SEND_BUFFER_BYTES, &most) != 0)
        return true;
    return most >= sock->unacked_bytes && most - sock->unacked_bytes >= sock->unacked_bytes / 2;
}

void ready_release(struct sock_net *net)
{
    if (!net->any_held_back)
        return;
    net->any_held_back = false;
    for (struct sock *sock = net->first; sock != NULL; sock = sock->next) {
        if (!sock->held_back)
            continue;
        sock->held_back = false;
        sock_refresh(sock);
        sock->edges += is_writable(sock); /* or it is held back again */
    }
}

static unsigned ready_to_accept(struct sock *sock)
{
    struct hawser_tcp_info info;
    bool waits = sock_info(sock, &info) && info.receive_queue_bytes > 0;
    return waits ? POLLIN | POLLRDNORM : 0;
}

short sock_ready(struct sock *sock)
{
    unsigned ready = 0;
    sock_refresh(sock);
    if (sock_is_listener(sock))
        return (short)ready_to_accept(sock);
    if (sock->shut == SHUT_BOTH || sock->state == HAWSER_CLOSED)
        ready |= POLLHUP;
    if (sock->shut & SHUT_IN)
        ready |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (sock->state != HAWSER_SYN_SENT && sock->state != HAWSER_SYN_RECEIVED) {
        if (is_readable(sock))
            ready |= POLLIN | POLLRDNORM;
        if ((sock->shut & SHUT_OUT) || is_writable(sock))
            ready |= POLLOUT | POLLWRNORM;
        if (urgent_has_come(sock))
            ready |= POLLPRI;
    }
    if (sock->error != 0)
        ready |= POLLERR;
    return (short)ready;
}
