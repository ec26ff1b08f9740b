/* SPDX-License-Identifier: MIT */
/* setsockopt and getsockopt: levels, lengths, and those of SOL_SOCKET.
 *
 * Buffers: Linux doubles what a program asks for, counts the memory behind a segment and not its
 * text, and offers half of a receive buffer as window. Hawser counts text. So a receive buffer of
 * 2n, which SO_RCVBUF n makes, is one of n here, with the same window; a send buffer of 2n takes 2n
 * bytes of text. */
#include "sock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>

/* Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF on 64 bits, and the least that Hawser takes. */
#define RECEIVE_BUFFER_MIN 2304u
#define SEND_BUFFER_MIN 4608u
#define HAWSER_BUFFER_MIN 2048u

#define TIMEOUT_RECEIVE_OLD 20 /* <asm-generic/socket.h>: SO_RCVTIMEO_OLD and its companions */
#define TIMEOUT_SEND_OLD 21
#define TIMEOUT_RECEIVE_NEW 66
#define TIMEOUT_SEND_NEW 67
#define MEMORY_INFO 55 /* SO_MEMINFO */

/* ---- lengths and values ---- */

int option_int(const void *value, socklen_t length, int *out)
{
    if (length < sizeof *out)
        return -EINVAL;
    if (value == NULL)
        return -EFAULT;
    memcpy(out, value, sizeof *out);
    return 0;
}

int option_tell(const void *from, socklen_t size, void *value, socklen_t *length)
{
    if (*length > size)
        *length = size;
    if (*length > 0 && value == NULL)
        return -EFAULT;
    if (*length > 0)
        memcpy(value, from, *length);
    return 0;
}

int option_tell_int(int number, void *value, socklen_t *length)
{
    return option_tell(&number, sizeof number, value, length);
}

/* ---- what the connection is told ---- */

void options_push(struct sock *sock, enum hawser_option option, uint64_t value)
{
    if (sock->handle != 0)
        (void)hawser_set_option(sock->net->host, sock->handle, option, value);
}

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

void options_push_buffers(struct sock *sock)
{
    const struct hawser_config *config = sock->net->config;
    uint64_t receive = sock->set.receive_buffer / 2;
    if (sock->set.window_clamp != 0 && (receive == 0 || sock->set.window_clamp < receive))
        receive = sock->set.window_clamp;
    if (receive != 0)
        options_push(sock, HAWSER_OPTION_RECEIVE_BUFFER_BYTES,
                     within(receive, HAWSER_BUFFER_MIN, config->receive_buffer_bytes));
    if (sock->set.send_buffer != 0)
        options_push(sock, HAWSER_OPTION_SEND_BUFFER_BYTES,
                     within(sock->set.send_buffer, HAWSER_BUFFER_MIN, config->send_buffer_bytes));
}

uint32_t options_receive_buffer(const struct sock *sock)
{
    return sock->set.receive_buffer != 0 ? sock->set.receive_buffer
                                         : 2 * sock->net->config->receive_window_initial_bytes;
}

uint32_t options_send_buffer(const struct sock *sock)
{
    return sock->set.send_buffer != 0 ? sock->set.send_buffer
                                      : sock->net->config->send_buffer_bytes;
}

static void apply_header_fields(struct sock *sock)
{
    bool v4 = hawser_address_is_v4(&sock->local.address);
    uint8_t hops = v4 ? sock->set.ttl : sock->set.hop_limit;
    options_push(sock, HAWSER_OPTION_TRAFFIC_CLASS, v4 ? sock->set.tos : sock->set.traffic_class);
    options_push(sock, HAWSER_OPTION_HOP_LIMIT, hops != 0 ? hops : sock->net->config->hop_limit);
}

static void apply_keepalive(struct sock *sock)
{
    const struct sock_settings *set = &sock->set;
    if (set->keepalive_idle_s != 0)
        options_push(sock, HAWSER_OPTION_KEEPALIVE_IDLE_NS, set->keepalive_idle_s * SOCK_NS_PER_S);
    if (set->keepalive_interval_s != 0)
        options_push(sock, HAWSER_OPTION_KEEPALIVE_INTERVAL_NS,
                     set->keepalive_interval_s * SOCK_NS_PER_S);
    if (set->keepalive_probes != 0)
        options_push(sock, HAWSER_OPTION_KEEPALIVE_PROBES, set->keepalive_probes);
    options_push(sock, HAWSER_OPTION_KEEPALIVE, set->keepalive);
}

int options_apply(struct sock *sock)
{
    const struct sock_settings *set = &sock->set;
    apply_header_fields(sock);
    apply_keepalive(sock);
    options_push_buffers(sock);
    if (set->max_segment_bytes != 0)
        options_push(sock, HAWSER_OPTION_MAX_SEGMENT_BYTES, set->max_segment_bytes);
    if (set->user_timeout_ms != 0)
        options_push(sock, HAWSER_OPTION_USER_TIMEOUT_NS, set->user_timeout_ms * SOCK_NS_PER_MS);
    if (set->syn_retries != 0)
        options_push(sock, HAWSER_OPTION_SYN_RETRIES, set->syn_retries);
    options_push(sock, HAWSER_OPTION_NODELAY, set->nodelay);
    options_push(sock, HAWSER_OPTION_CORK, set->cork);
    options_push(sock, HAWSER_OPTION_LINGER_RESET, set->linger && set->linger_s == 0);
    return 0;
}

/* ---- SOL_SOCKET, set ---- */

static int set_linger(struct sock *sock, const void *value, socklen_t length)
{
    struct linger linger;
    if (length < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    sock->set.linger = linger.l_onoff != 0;
    if (sock->set.linger)
        sock->set.linger_s = linger.l_linger < 0 ? INT32_MAX : (uint32_t)linger.l_linger;
    options_push(sock, HAWSER_OPTION_LINGER_RESET, sock->set.linger && sock->set.linger_s == 0);
    return 0;
}

static int set_timeout(uint64_t *timeout_ns, const void *value, socklen_t length)
{
    struct timeval time;
    if (length < sizeof time)
        return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    if (time.tv_sec < 0)
        *timeout_ns = SOCK_NO_WAIT;
    else if ((uint64_t)time.tv_sec > INT32_MAX)
        *timeout_ns = 0;
    else
        *timeout_ns =
            (uint64_t)time.tv_sec * SOCK_NS_PER_S + (uint64_t)time.tv_usec * SOCK_NS_PER_US;
    return 0;
}

static uint32_t doubled(int value, uint32_t most, uint32_t least)
{
    uint32_t asked = value < 0 || (uint32_t)value > most ? most : (uint32_t)value;
    return 2 * asked < least ? least : 2 * asked;
}

static void set_receive_low(struct sock *sock, int value)
{
    uint32_t most = sock->set.receive_buffer != 0 ? sock->set.receive_buffer / 2
                                                  : sock->net->config->receive_buffer_bytes / 2;
    uint32_t asked = value < 0 || (uint32_t)value > most ? most : (uint32_t)value;
    sock->set.receive_low_bytes = asked == 0 ? 1 : asked;
}

static int set_flag(struct sock *sock, int name, bool on)
{
    switch (name) {
    case SO_REUSEADDR:
        sock->set.reuse_address = on;
        return 0;
    case SO_REUSEPORT:
        sock->set.reuse_port = on;
        return 0;
    case SO_KEEPALIVE:
        sock->set.keepalive = on;
        options_push(sock, HAWSER_OPTION_KEEPALIVE, on);
        return 0;
    case SO_OOBINLINE:
        sock->set.oob_inline = on;
        return 0;
    case SO_BROADCAST: /* TCP has no use for it, here as there */
        sock->set.broadcast = on;
        return 0;
    default:
        return sock_refuse(sock->net, "setsockopt", SOL_SOCKET, name);
    }
}

static int set_number(struct sock *sock, int name, int value)
{
    const struct hawser_config *config = sock->net->config;
    switch (name) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        sock->set.send_buffer = doubled(value, config->send_buffer_bytes, SEND_BUFFER_MIN);
        options_push_buffers(sock);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        sock->set.receive_buffer = doubled(value, config->receive_buffer_bytes, RECEIVE_BUFFER_MIN);
        options_push_buffers(sock);
        return 0;
    case SO_RCVLOWAT:
        set_receive_low(sock, value);
        return 0;
    case SO_PRIORITY: /* of queues, which there are none of */
        sock->set.priority = (uint32_t)value;
        return 0;
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
        return -ENOPROTOOPT; /* as Linux: these can only be read */
    default:
        return set_flag(sock, name, value != 0);
    }
}

int options_set_socket(struct sock *sock, int name, const void *value, socklen_t length)
{
    int number;
    int error = option_int(value, length, &number);
    if (error != 0)
        return error;
    switch (name) {
    case SO_LINGER:
        return set_linger(sock, value, length);
    case TIMEOUT_RECEIVE_OLD:
    case TIMEOUT_RECEIVE_NEW:
        return set_timeout(&sock->set.receive_timeout_ns, value, length);
    case TIMEOUT_SEND_OLD:
    case TIMEOUT_SEND_NEW:
        return set_timeout(&sock->set.send_timeout_ns, value, length);
    default:
        return set_number(sock, name, number);
    }
}

/* ---- SOL_SOCKET, get ---- */

static int get_timeout(uint64_t timeout_ns, void *value, socklen_t *length)
{
    struct timeval time = {.tv_sec = (time_t)(timeout_ns / SOCK_NS_PER_S),
                           .tv_usec = (suseconds_t)(timeout_ns % SOCK_NS_PER_S / SOCK_NS_PER_US)};
    return option_tell(&time, sizeof time, value, length);
}

/* The soft ones of Linux are what ICMP said; that a segment has been sent again and again (R1 of
 * RFC 9293 3.8.3) is none, and a program whose connect() is under way would take it for the end. */
static int take_error_or_soft(struct sock *sock)
{
    int error = sock_take_error(sock);
    if (error != 0 || sock->handle == 0)
        return error;
    int soft = hawser_take_soft_error(sock->net->host, sock->handle);
    return soft == HAWSER_ERR_EXCESSIVE_RETRANSMISSION ? 0 : sock_errno(soft);
}

/* The nine numbers of SO_MEMINFO: what is queued, and the limits. */
static int get_memory(const struct sock *sock, void *value, socklen_t *length)
{
    const uint32_t numbers[9] = {
        sock->queued_bytes,
        options_receive_buffer(sock),
        0, /* handed to a device */
        options_send_buffer(sock),
        0, /* reserved ahead */
        sock->unacked_bytes,
        0, /* of options */
        0, /* waits for a program that holds the socket */
        0, /* dropped */
    };
    return option_tell(numbers, sizeof numbers, value, length);
}

static int get_number(struct sock *sock, int name, void *value, socklen_t *length)
{
    const struct sock_settings *set = &sock->set;
    switch (name) {
    case SO_TYPE:
        return option_tell_int(SOCK_STREAM, value, length);
    case SO_DOMAIN:
        return option_tell_int(sock->domain, value, length);
    case SO_PROTOCOL:
        return option_tell_int(IPPROTO_TCP, value, length);
    case SO_ACCEPTCONN:
        return option_tell_int(sock_is_listener(sock), value, length);
    case SO_ERROR:
        return option_tell_int(take_error_or_soft(sock), value, length);
    case SO_REUSEADDR:
        return option_tell_int(set->reuse_address, value, length);
    case SO_REUSEPORT:
        return option_tell_int(set->reuse_port, value, length);
    case SO_KEEPALIVE:
        return option_tell_int(set->keepalive, value, length);
    case SO_OOBINLINE:
        return option_tell_int(set->oob_inline, value, length);
    case SO_BROADCAST:
        return option_tell_int(set->broadcast, value, length);
    case SO_PRIORITY:
        return option_tell_int((int)set->priority, value, length);
    case SO_SNDBUF:
        return option_tell_int((int)options_send_buffer(sock), value, length);
    case SO_RCVBUF:
        return option_tell_int((int)options_receive_buffer(sock), value, length);
    case SO_RCVLOWAT:
        return option_tell_int((int)set->receive_low_bytes, value, length);
    case SO_SNDLOWAT:
        return option_tell_int(1, value, length);
    default:
        return sock_refuse(sock->net, "getsockopt", SOL_SOCKET, name);
    }
}

int options_get_socket(struct sock *sock, int name, void *value, socklen_t *length)
{
    const struct linger linger = {.l_onoff = sock->set.linger, .l_linger = (int)sock->set.linger_s};
    switch (name) {
    case SO_LINGER:
        return option_tell(&linger, sizeof linger, value, length);
    case TIMEOUT_RECEIVE_OLD:
    case TIMEOUT_RECEIVE_NEW:
        return get_timeout(sock->set.receive_timeout_ns, value, length);
    case TIMEOUT_SEND_OLD:
    case TIMEOUT_SEND_NEW:
        return get_timeout(sock->set.send_timeout_ns, value, length);
    case MEMORY_INFO:
        return get_memory(sock, value, length);
    default:
        return get_number(sock, name, value, length);
    }
}

/* ---- levels ---- */

int sock_set_option(struct sock *sock, int level, int name, const void *value, socklen_t length)
{
    if (length > INT32_MAX)
        return -EINVAL;
    if (value == NULL && length > 0)
        return -EFAULT;
    sock_refresh(sock);
    switch (level) {
    case SOL_SOCKET:
        return options_set_socket(sock, name, value, length);
    case IPPROTO_TCP:
        return options_set_tcp(sock, name, value, length);
    case IPPROTO_IP:
        return options_set_ip(sock, name, value, length);
    case IPPROTO_IPV6:
        if (sock->domain == AF_INET6)
            return options_set_ipv6(sock, name, value, length);
        return -ENOPROTOOPT;
    default:
        return sock_refuse(sock->net, "setsockopt", level, name);
    }
}

/* Linux looks at a level before it looks at the length, and IPv6 takes any length. */
static int get_elsewhere(struct sock *sock, int level, int name, void *value, socklen_t *length)
{
    if (level == IPPROTO_IPV6 && sock->domain == AF_INET6)
        return options_get_ipv6(sock, name, value, length);
    if (level != IPPROTO_IPV6)
        (void)sock_refuse(sock->net, "getsockopt", level, name);
    return sock->domain == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
}

int sock_get_option(struct sock *sock, int level, int name, void *value, socklen_t *length)
{
    if (length == NULL)
        return -EFAULT;
    sock_refresh(sock);
    if (level != SOL_SOCKET && level != IPPROTO_TCP && level != IPPROTO_IP)
        return get_elsewhere(sock, level, name, value, length);
    if (*length > INT32_MAX)
        return -EINVAL;
    if (level == SOL_SOCKET)
        return options_get_socket(sock, name, value, length);
    if (level == IPPROTO_TCP)
        return options_get_tcp(sock, name, value, length);
    return options_get_ip(sock, name, value, length);
}
