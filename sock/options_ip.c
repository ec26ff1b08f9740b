/* SPDX-License-Identifier: MIT */
/* Options of IPPROTO_IP and IPPROTO_IPV6. */
#include "sock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define ECN_MASK 3u
#define BIND_NO_PORT 24 /* IP_BIND_ADDRESS_NO_PORT */

/* A listener serves both families: the children's fields are set when they are accepted. */
static bool concerns(const struct sock *sock, bool v4)
{
    return hawser_address_is_v4(&sock->local.address) == v4;
}

static void push_class(struct sock *sock, bool v4)
{
    if (concerns(sock, v4))
        options_push(sock, HAWSER_OPTION_TRAFFIC_CLASS,
                     v4 ? sock->set.tos : sock->set.traffic_class);
}

static void push_hops(struct sock *sock, bool v4)
{
    uint8_t hops = v4 ? sock->set.ttl : sock->set.hop_limit;
    if (concerns(sock, v4))
        options_push(sock, HAWSER_OPTION_HOP_LIMIT,
                     hops != 0 ? hops : sock->net->config->hop_limit);
}

/* -1: the host's. Linux lets IPv6 have 0 hops; Hawser does not. */
static int set_hops(struct sock *sock, bool v4, int value)
{
    if (value != -1 && (value < 1 || value > 255))
        return -EINVAL;
    *(v4 ? &sock->set.ttl : &sock->set.hop_limit) = value == -1 ? 0 : (uint8_t)value;
    push_hops(sock, v4);
    return 0;
}

static int path_mtu_mode(const struct sock *sock)
{
    return sock->net->config->path_mtu_discovery ? IP_PMTUDISC_WANT : IP_PMTUDISC_DONT;
}

/* The host's setting decides for all; a wish for that is granted. */
static int set_path_mtu_mode(struct sock *sock, int level, int name, int value)
{
    if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT)
        return -EINVAL;
    bool same = value == path_mtu_mode(sock);
    return same ? 0 : sock_refuse(sock->net, "setsockopt", level, name);
}

static int path_mtu(const struct sock *sock, int *out)
{
    struct hawser_tcp_info info;
    if (sock_is_listener(sock) || !sock_info(sock, &info))
        return -ENOTCONN;
    *out = (int)info.path_mtu_bytes;
    return 0;
}

/* ---- IPPROTO_IP ---- */

int options_set_ip(struct sock *sock, int name, const void *value, socklen_t length)
{
    int number = 0;
    if (length >= sizeof number)
        memcpy(&number, value, sizeof number);
    else if (length > 0)
        number = *(const uint8_t *)value; /* as older programs give it */
    switch (name) {
    case IP_TOS:
        sock->set.tos = (uint8_t)((unsigned)number & 0xffu & ~ECN_MASK);
        push_class(sock, true);
        return 0;
    case IP_TTL:
        return length < 1 ? -EINVAL : set_hops(sock, true, number);
    case IP_MTU_DISCOVER:
        return set_path_mtu_mode(sock, IPPROTO_IP, name, number);
    case BIND_NO_PORT:
        sock->set.bind_no_port = number != 0;
        return 0;
    case IP_RECVERR: /* without it is how we are */
        return number == 0 ? 0 : sock_refuse(sock->net, "setsockopt", IPPROTO_IP, name);
    default:
        return sock_refuse(sock->net, "setsockopt", IPPROTO_IP, name);
    }
}

/* A short buffer gets one byte. */
static int tell_ip(int number, void *value, socklen_t *length)
{
    const uint8_t octet = (uint8_t)number;
    if (*length > 0 && *length < sizeof number && number >= 0 && number <= 255)
        return option_tell(&octet, 1, value, length);
    return option_tell_int(number, value, length);
}

int options_get_ip(struct sock *sock, int name, void *value, socklen_t *length)
{
    int number = 0, error = 0;
    switch (name) {
    case IP_TOS:
        number = sock->set.tos;
        break;
    case IP_TTL:
        number = sock->set.ttl != 0 ? sock->set.ttl : sock->net->config->hop_limit;
        break;
    case IP_MTU_DISCOVER:
        number = path_mtu_mode(sock);
        break;
    case IP_MTU:
        error = path_mtu(sock, &number);
        break;
    case BIND_NO_PORT:
        number = sock->set.bind_no_port;
        break;
    case IP_RECVERR:
        break;
    default:
        error = sock_refuse(sock->net, "getsockopt", IPPROTO_IP, name);
        break;
    }
    return error != 0 ? error : tell_ip(number, value, length);
}

/* ---- IPPROTO_IPV6 ---- */

static int set_class(struct sock *sock, int value)
{
    if (value < -1 || value > 255)
        return -EINVAL;
    sock->set.traffic_class = value == -1 ? 0 : (uint8_t)((unsigned)value & ~ECN_MASK);
    push_class(sock, false);
    return 0;
}

int options_set_ipv6(struct sock *sock, int name, const void *value, socklen_t length)
{
    int number;
    int error = option_int(value, length, &number);
    if (error != 0)
        return error;
    switch (name) {
    case IPV6_V6ONLY:
        if (sock->has_port)
            return -EINVAL;
        sock->set.v6_only = number != 0;
        return 0;
    case IPV6_TCLASS:
        return set_class(sock, number);
    case IPV6_UNICAST_HOPS:
        return set_hops(sock, false, number);
    case IPV6_MTU_DISCOVER:
        return set_path_mtu_mode(sock, IPPROTO_IPV6, name, number);
    case IPV6_RECVERR:
        return number == 0 ? 0 : sock_refuse(sock->net, "setsockopt", IPPROTO_IPV6, name);
    default:
        return sock_refuse(sock->net, "setsockopt", IPPROTO_IPV6, name);
    }
}

int options_get_ipv6(struct sock *sock, int name, void *value, socklen_t *length)
{
    int number = 0, error = 0;
    switch (name) {
    case IPV6_V6ONLY:
        number = sock->set.v6_only;
        break;
    case IPV6_TCLASS:
        number = sock->set.traffic_class;
        break;
    case IPV6_UNICAST_HOPS:
        number = sock->set.hop_limit != 0 ? sock->set.hop_limit : sock->net->config->hop_limit;
        break;
    case IPV6_MTU_DISCOVER:
        number = path_mtu_mode(sock);
        break;
    case IPV6_MTU:
        error = path_mtu(sock, &number);
        break;
    case IPV6_RECVERR:
        break;
    default:
        error = sock_refuse(sock->net, "getsockopt", IPPROTO_IPV6, name);
        break;
    }
    return error != 0 ? error : option_tell_int(number, value, length);
}
