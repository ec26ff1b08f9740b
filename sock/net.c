/* SPDX-License-Identifier: MIT */
/* The sockets of a host, their connections, and what events do to them. */
#include "sock/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_AT_ONCE 64u

/* ---- sockets ---- */

static struct sock_settings default_settings(void)
{
    return (struct sock_settings){.receive_low_bytes = 1, .quick_ack = true};
}

struct sock *sock_new(struct sock_net *net, int domain)
{
    struct sock *sock = calloc(1, sizeof *sock);
    if (sock == NULL)
        return NULL;
    sock->net = net;
    sock->domain = domain;
    sock->references = 1;
    sock->state = HAWSER_CLOSED;
    sock->local.address = sock->remote.address = address_any(domain);
    sock->set = default_settings();
    sock->next = net->first;
    if (net->first != NULL)
        net->first->previous = sock;
    net->first = sock;
    return sock;
}

static void unlink_and_free(struct sock *sock)
{
    if (sock->previous != NULL)
        sock->previous->next = sock->next;
    else
        sock->net->first = sock->next;
    if (sock->next != NULL)
        sock->next->previous = sock->previous;
    free(sock);
}

void sock_put(struct sock *sock)
{
    if (--sock->references > 0)
        return;
    sock_detach(sock);
    unlink_and_free(sock);
}

int sock_net_create(struct hawser_host *host, uint64_t now_ns, struct sock_net **out)
{
    struct sock_net *net = calloc(1, sizeof *net);
    if (net == NULL)
        return -ENOMEM;
    net->host = host;
    net->config = hawser_config_of(host);
    net->now_ns = now_ns;
    *out = net;
    return 0;
}

void sock_net_destroy(struct sock_net *net)
{
    if (net == NULL)
        return;
    while (net->first != NULL) {
        if (net->first->handle != 0)
            (void)hawser_abort(net->host, net->first->handle);
        unlink_and_free(net->first);
    }
    free(net);
}

/* ---- connections ---- */

void sock_attach(struct sock *sock, hawser_tcp handle)
{
    sock->handle = handle;
    /* What is shut stays so, as in Linux: shutdown before connect counts. */
    sock->was_open = sock->done = sock->error_seen = false;
    sock->urgent = URGENT_NONE;
    sock->read_bytes = 0;
    (void)hawser_set_user(sock->net->host, handle, sock);
}

static void forget_ends(struct sock *sock)
{
    sock->remote = (struct hawser_endpoint){.address = address_any(sock->domain)};
    if (!sock->port_locked) /* getsockname goes on telling of it */
        sock->has_port = sock->port_reserved = false;
    if (!sock->address_locked)
        sock->local.address = address_any(sock->domain);
}

/* What Linux's tcp_need_reset and tcp_disconnect say of each state: the peer gets a RST, and the
 * program learns of it. */
static bool disconnect_is_an_error(enum hawser_state state)
{
    switch (state) {
    case HAWSER_ESTABLISHED:
    case HAWSER_CLOSE_WAIT:
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
    case HAWSER_SYN_RECEIVED:
    case HAWSER_SYN_SENT:
        return true;
    case HAWSER_TIME_WAIT:
    case HAWSER_CLOSED:
    case HAWSER_LAST_ACK:
    case HAWSER_LISTEN:
    case HAWSER_CLOSING:
        break;
    }
    return false;
}

void sock_disconnect(struct sock *sock)
{
    sock_refresh(sock);
    if (disconnect_is_an_error(sock->state))
        sock->error = ECONNRESET;
    bool in_time_wait = sock->handle != 0 && sock->state == HAWSER_CLOSED;
    if (in_time_wait)
        bind_left_behind(sock);
    if (sock->handle != 0) /* a record stays: close only lets go of it, abort would end it */
        (void)(in_time_wait ? hawser_close : hawser_abort)(sock->net->host, sock->handle);
    sock->handle = 0;
    sock->queued_bytes = sock->unsent_bytes = sock->unacked_bytes = 0;
    sock->state = HAWSER_CLOSED;
    sock->stage = STAGE_UNCONNECTED;
    sock->shut = 0;
    sock->done = false;
    sock->urgent = URGENT_NONE;
    forget_ends(sock);
}

void sock_detach(struct sock *sock)
{
    if (sock->handle == 0)
        return;
    sock_refresh(sock);
    bind_left_behind(sock);
    (void)hawser_close(sock->net->host, sock->handle);
    sock->handle = 0;
    sock->state = HAWSER_CLOSED;
}

bool sock_info(const struct sock *sock, struct hawser_tcp_info *info)
{
    return sock->handle != 0 &&
           hawser_status(sock->net->host, sock->net->now_ns, sock->handle, info) == 0;
}

/* What Linux's tcp_reset and tcp_write_err put into sk_err. */
static int error_of(const struct sock *sock, int error)
{
    if (error == HAWSER_ERR_RESET && sock->done && (sock->shut & SHUT_OUT) == 0)
        return EPIPE; /* in CLOSE-WAIT */
    if (error == HAWSER_ERR_ABORTED && sock->shut == SHUT_BOTH)
        return ECONNRESET; /* text came for a program that reads no more */
    return sock_errno(error);
}

static void connection_is_over(struct sock *sock, const struct hawser_tcp_info *info)
{
    if (info->error != 0 && info->error != HAWSER_ERR_CLOSING && !sock->error_seen)
        sock->error = error_of(sock, info->error);
    sock->error_seen = true;
    sock->shut = SHUT_BOTH;
    bind_left_behind(sock); /* perhaps as a record */
    if (!sock->port_locked)
        sock->has_port = sock->port_reserved = false;
}

/* Linux's tcp_check_urg: an urgent octet that is next to be read makes room for a later one. */
static void skip_urgent(struct sock *sock, struct hawser_tcp_info *info)
{
    bool next = sock->urgent != URGENT_NONE && sock->urgent_at == sock->read_bytes;
    if (!next || sock->set.oob_inline || sock->queued_bytes == 0)
        return;
    if (hawser_consume(sock->net->host, sock->handle, 1) != 0)
        return;
    sock->read_bytes++;
    info->receive_queue_bytes--;
}

static void refresh_urgent(struct sock *sock, struct hawser_tcp_info *info)
{
    uint64_t at = sock->read_bytes + info->urgent_bytes - 1;
    if (!info->urgent || info->urgent_bytes == 0)
        return;
    if (sock->urgent != URGENT_NONE && sock->urgent_at == at)
        return;
    skip_urgent(sock, info);
    sock->urgent = URGENT_AHEAD;
    sock->urgent_at = at;
}

void sock_refresh(struct sock *sock)
{
    struct hawser_tcp_info info;
    if (!sock_info(sock, &info))
        return;
    enum hawser_state state = info.state == HAWSER_TIME_WAIT ? HAWSER_CLOSED : info.state;
    if (info.fin_received && !sock->done) {
        sock->done = true;
        sock->shut |= SHUT_IN;
    }
    refresh_urgent(sock, &info);
    if (state == HAWSER_CLOSED && sock->state != HAWSER_CLOSED)
        connection_is_over(sock, &info);
    sock->was_open = sock->was_open || (state != HAWSER_CLOSED && state != HAWSER_SYN_SENT);
    sock->state = state;
    bool listens = state == HAWSER_LISTEN; /* then these are connections */
    sock->queued_bytes = listens ? 0 : info.receive_queue_bytes;
    sock->unsent_bytes = info.unsent_bytes;
    sock->unacked_bytes = listens ? 0 : info.send_queue_bytes;
}

int sock_take_error(struct sock *sock)
{
    int error = sock->error;
    sock->error = 0;
    return error;
}

/* ---- events ---- */

void sock_net_turn(struct sock_net *net, uint64_t now_ns)
{
    struct hawser_event events[EVENTS_AT_ONCE];
    size_t count;
    net->now_ns = now_ns;
    while ((count = hawser_events(net->host, events, EVENTS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            struct sock *sock = events[i].user;
            if (sock == NULL || sock->handle != events[i].tcp)
                continue;
            sock_refresh(sock);
            sock->edges++;
        }
    }
    ready_release(net);
}

/* ---- what is not supported ---- */

int sock_refuse(struct sock_net *net, const char *call, int level, int name)
{
    net->has_unsupported = true;
    const char *text = level == SOL_SOCKET ? "SOL_SOCKET"
                       : level == 6        ? "IPPROTO_TCP"
                       : level == 0        ? "IPPROTO_IP"
                       : level == 41       ? "IPPROTO_IPV6"
                                           : NULL;
    if (text != NULL)
        (void)snprintf(net->unsupported, sizeof net->unsupported, "%s %s %d", call, text, name);
    else
        (void)snprintf(net->unsupported, sizeof net->unsupported, "%s %d %d", call, level, name);
    return -ENOPROTOOPT;
}

const char *sock_unsupported(struct sock_net *net)
{
    bool has = net->has_unsupported;
    net->has_unsupported = false;
    return has ? net->unsupported : NULL;
}
