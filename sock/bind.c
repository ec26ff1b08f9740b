/* SPDX-License-Identifier: MIT */
/* Who may have a local end: Linux's rules (inet_csk_get_port, inet_bind_conflict) among the sockets
 * of a net and what their connections left in the host. */
#include "sock/internal.h"

#include <errno.h>
#include <string.h>

#define CHOICES 32u

/* ---- ends that overlap ---- */

static bool is_v6_only(const struct sock *sock)
{
    return sock->domain == AF_INET6 && sock->set.v6_only;
}

/* Whether a wildcard of one family or both stands for an address too. */
static bool covers(const struct hawser_address *wildcard, bool v6_only,
                   const struct hawser_address *address)
{
    if (!address_is_any(wildcard))
        return false;
    if (address_is_any_v4(wildcard))
        return hawser_address_is_v4(address);
    return !(v6_only && hawser_address_is_v4(address));
}

static bool overlap(const struct hawser_address *a, bool a_v6_only, const struct hawser_address *b,
                    bool b_v6_only)
{
    return memcmp(a, b, sizeof *a) == 0 || covers(a, a_v6_only, b) || covers(b, b_v6_only, a);
}

static bool has_end_of(const struct sock *other, const struct sock *sock,
                       const struct hawser_endpoint *local)
{
    return other != sock && other->has_port && other->local.port == local->port &&
           overlap(&local->address, is_v6_only(sock), &other->local.address, is_v6_only(other));
}

/* ---- conflicts ---- */

static bool sockets_conflict(const struct sock *sock, const struct sock *other)
{
    bool reuse = sock->set.reuse_address && other->set.reuse_address && !sock_is_listener(other);
    return !reuse && !(sock->set.reuse_port && other->set.reuse_port);
}

static bool bit_is_set(const uint64_t *bits, uint16_t port)
{
    return (bits[port / 64] >> (port % 64) & 1) != 0;
}

static void set_bit(uint64_t *bits, uint16_t port, bool value)
{
    uint64_t bit = UINT64_C(1) << (port % 64);
    bits[port / 64] = value ? bits[port / 64] | bit : bits[port / 64] & ~bit;
}

/* Connections and records of the host that no socket holds any more: all there are less those that
 * are held. */
static bool leftovers_conflict(const struct sock *sock, const struct hawser_endpoint *local)
{
    struct sock_net *net = sock->net;
    uint32_t users = hawser_port_users(net->host, net->now_ns, local, is_v6_only(sock));
    for (const struct sock *other = net->first; other != NULL && users > 0; other = other->next) {
        bool living = other->handle != 0 && other->state != HAWSER_CLOSED;
        if (has_end_of(other, sock, local) && living && !sock_is_listener(other))
            users--;
    }
    if (users == 0)
        return false;
    bool reuse = sock->set.reuse_address && !bit_is_set(net->not_reused, local->port);
    return !reuse && !(sock->set.reuse_port && !bit_is_set(net->not_shared, local->port));
}

static bool conflicts(const struct sock *sock, const struct hawser_endpoint *local)
{
    for (struct sock *other = sock->net->first; other != NULL; other = other->next) {
        if (!has_end_of(other, sock, local))
            continue;
        sock_refresh(other);
        if (sockets_conflict(sock, other))
            return true;
    }
    return leftovers_conflict(sock, local);
}

/* A port that the host chose must be nobody's at all. */
static bool is_nobodys(const struct sock *sock, const struct hawser_endpoint *local)
{
    for (const struct sock *other = sock->net->first; other != NULL; other = other->next) {
        if (has_end_of(other, sock, local))
            return false;
    }
    return hawser_port_users(sock->net->host, sock->net->now_ns, local, is_v6_only(sock)) == 0;
}

static uint16_t choose(const struct sock *sock, const struct hawser_address *address)
{
    struct sock_net *net = sock->net;
    struct hawser_endpoint local = {.address = *address};
    for (unsigned i = 0; i < CHOICES; i++) {
        local.port = hawser_port_choose(net->host, net->now_ns, address, is_v6_only(sock));
        if (local.port != 0 && is_nobodys(sock, &local))
            return local.port;
    }
    for (unsigned port = net->config->port_first; port <= net->config->port_last; port++) {
        local.port = (uint16_t)port;
        if (is_nobodys(sock, &local))
            return local.port;
    }
    return 0;
}

int bind_take(struct sock *sock, const struct hawser_endpoint *local)
{
    struct hawser_endpoint end = *local;
    if (end.port == 0)
        end.port = choose(sock, &end.address);
    else if (conflicts(sock, &end))
        return -EADDRINUSE;
    if (end.port == 0)
        return -EADDRINUSE;
    sock->local = end;
    sock->has_port = sock->port_reserved = true;
    return 0;
}

bool bind_may_listen(const struct sock *sock)
{
    return !conflicts(sock, &sock->local);
}

bool bind_holds(const struct sock *sock, const struct hawser_endpoint *local)
{
    for (const struct sock *other = sock->net->first; other != NULL; other = other->next) {
        if (other != sock && other->port_reserved && other->local.port == local->port)
            return true;
    }
    return false;
}

void bind_left_behind(const struct sock *sock)
{
    struct sock_net *net = sock->net;
    uint16_t port = sock->local.port;
    const struct hawser_endpoint everywhere = {.port = port};
    if (sock_is_listener(sock) || port == 0)
        return;
    /* The only connection there: what earlier ones were is over. */
    bool alone = hawser_port_users(net->host, net->now_ns, &everywhere, false) <= 1;
    set_bit(net->not_reused, port,
            !sock->set.reuse_address || (!alone && bit_is_set(net->not_reused, port)));
    set_bit(net->not_shared, port,
            !sock->set.reuse_port || (!alone && bit_is_set(net->not_shared, port)));
}
