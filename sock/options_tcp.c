/* SPDX-License-Identifier: MIT */
/* Options of IPPROTO_TCP, as Linux's do_tcp_setsockopt and do_tcp_getsockopt take and tell them. */
#include "sock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define CC_NAME_BYTES 16u
#define MSS_MIN 88
#define MSS_MAX 32767
#define KEEPALIVE_MAX_S 32767
#define PROBES_MAX 127
#define SYN_RETRIES_MAX 127
#define WINDOW_CLAMP_MIN 1152u /* half of SOCK_MIN_RCVBUF */
#define TIMESTAMPS_BYTES 12
#define MSS_UNCONNECTED 536 /* what TCP_MAXSEG tells before there is a connection */

#ifndef TCP_INQ
#define TCP_INQ 36
#endif

/* ---- set ---- */

/* "reno" is what Hawser has: RFC 5681 with RFC 6582 and RFC 6675. */
static int set_congestion(const void *value, socklen_t length)
{
    char name[CC_NAME_BYTES] = "";
    if (length < 1)
        return -EINVAL;
    memcpy(name, value, length < sizeof name - 1 ? length : sizeof name - 1);
    return strcmp(name, "reno") == 0 ? 0 : -ENOENT;
}

static int set_max_segment(struct sock *sock, int value)
{
    if (value != 0 && (value < MSS_MIN || value > MSS_MAX))
        return -EINVAL;
    sock->set.max_segment_bytes = (uint32_t)value;
    if (value != 0)
        options_push(sock, HAWSER_OPTION_MAX_SEGMENT_BYTES, (uint64_t)value);
    return 0;
}

static int set_window_clamp(struct sock *sock, int value)
{
    if (value == 0 && sock->state != HAWSER_CLOSED)
        return -EINVAL;
    uint32_t clamp = (uint32_t)value;
    sock->set.window_clamp = clamp != 0 && clamp < WINDOW_CLAMP_MIN ? WINDOW_CLAMP_MIN : clamp;
    options_push_buffers(sock);
    return 0;
}

/* Seconds or a count within 1..most, kept and handed on. */
static int set_bounded(struct sock *sock, uint32_t *kept, int value, int most,
                       enum hawser_option option, uint64_t unit)
{
    if (value < 1 || value > most)
        return -EINVAL;
    *kept = (uint32_t)value;
    options_push(sock, option, (uint64_t)value * unit);
    return 0;
}

static int set_user_timeout(struct sock *sock, int value)
{
    if (value < 0)
        return -EINVAL;
    sock->set.user_timeout_ms = (uint32_t)value;
    options_push(sock, HAWSER_OPTION_USER_TIMEOUT_NS, (uint64_t)value * SOCK_NS_PER_MS);
    return 0;
}

/* The life of FIN-WAIT-2 is the host's; a wish for just that is none. */
static int set_linger2(struct sock *sock, int value)
{
    uint64_t own_s = sock->net->config->fin_wait_2_ns / SOCK_NS_PER_S;
    if (value == 0 || (value > 0 && (uint64_t)value == own_s))
        return 0;
    return sock_refuse(sock->net, "setsockopt", IPPROTO_TCP, TCP_LINGER2);
}

static int set_flag(struct sock *sock, int name, int value)
{
    bool on = value != 0;
    switch (name) {
    case TCP_NODELAY:
        sock->set.nodelay = on;
        options_push(sock, HAWSER_OPTION_NODELAY, on);
        return 0;
    case TCP_CORK:
        sock->set.cork = on;
        options_push(sock, HAWSER_OPTION_CORK, on);
        return 0;
    case TCP_QUICKACK:
        sock->set.quick_ack = on;
        options_push(sock, HAWSER_OPTION_QUICK_ACK, on);
        return 0;
    case TCP_INQ:
        if (value != 0 && value != 1)
            return -EINVAL;
        sock->set.inq = on;
        return 0;
    case TCP_DEFER_ACCEPT: /* connections are told of when they are there: 0 is what we have */
        return value <= 0 ? 0 : sock_refuse(sock->net, "setsockopt", IPPROTO_TCP, name);
    default:
        return sock_refuse(sock->net, "setsockopt", IPPROTO_TCP, name);
    }
}

int options_set_tcp(struct sock *sock, int name, const void *value, socklen_t length)
{
    struct sock_settings *set = &sock->set;
    int number;
    if (name == TCP_CONGESTION)
        return set_congestion(value, length);
    int error = option_int(value, length, &number);
    if (error != 0)
        return error;
    switch (name) {
    case TCP_MAXSEG:
        return set_max_segment(sock, number);
    case TCP_KEEPIDLE:
        return set_bounded(sock, &set->keepalive_idle_s, number, KEEPALIVE_MAX_S,
                           HAWSER_OPTION_KEEPALIVE_IDLE_NS, SOCK_NS_PER_S);
    case TCP_KEEPINTVL:
        return set_bounded(sock, &set->keepalive_interval_s, number, KEEPALIVE_MAX_S,
                           HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, SOCK_NS_PER_S);
    case TCP_KEEPCNT:
        return set_bounded(sock, &set->keepalive_probes, number, PROBES_MAX,
                           HAWSER_OPTION_KEEPALIVE_PROBES, 1);
    case TCP_SYNCNT:
        return set_bounded(sock, &set->syn_retries, number, SYN_RETRIES_MAX,
                           HAWSER_OPTION_SYN_RETRIES, 1);
    case TCP_USER_TIMEOUT:
        return set_user_timeout(sock, number);
    case TCP_WINDOW_CLAMP:
        return set_window_clamp(sock, number);
    case TCP_LINGER2:
        return set_linger2(sock, number);
    case TCP_NOTSENT_LOWAT:
        set->notsent_low_bytes = (uint32_t)number;
        return 0;
    case TCP_INFO: /* can only be read, as in Linux */
        return -ENOPROTOOPT;
    default:
        return set_flag(sock, name, number);
    }
}

/* ---- get ---- */

/* While the peer has not said what it takes Linux tells the default less the options to come. */
static int max_segment_before(const struct sock *sock, const struct hawser_tcp_info *info)
{
    return (int)info->send_mss_bytes - (sock->net->config->timestamps ? TIMESTAMPS_BYTES : 0);
}

static int max_segment(const struct sock *sock)
{
    struct hawser_tcp_info info;
    bool idle = sock->state == HAWSER_CLOSED || sock_is_listener(sock);
    if (idle && sock->set.max_segment_bytes != 0)
        return (int)sock->set.max_segment_bytes;
    if (sock_is_listener(sock) || !sock_info(sock, &info) || info.send_mss_bytes == 0)
        return MSS_UNCONNECTED;
    if (!sock->was_open)
        return max_segment_before(sock, &info);
    return (int)info.send_mss_bytes;
}

static int seconds_or(uint32_t own_s, uint64_t host_ns)
{
    return (int)(own_s != 0 ? own_s : host_ns / SOCK_NS_PER_S);
}

static int get_number(const struct sock *sock, int name, int *out)
{
    const struct sock_settings *set = &sock->set;
    const struct hawser_config *config = sock->net->config;
    switch (name) {
    case TCP_MAXSEG:
        *out = max_segment(sock);
        return 0;
    case TCP_NODELAY:
        *out = set->nodelay;
        return 0;
    case TCP_CORK:
        *out = set->cork;
        return 0;
    case TCP_KEEPIDLE:
        *out = seconds_or(set->keepalive_idle_s, config->keepalive_idle_ns);
        return 0;
    case TCP_KEEPINTVL:
        *out = seconds_or(set->keepalive_interval_s, config->keepalive_interval_ns);
        return 0;
    case TCP_KEEPCNT:
        *out = (int)(set->keepalive_probes != 0 ? set->keepalive_probes : config->keepalive_probes);
        return 0;
    case TCP_SYNCNT:
        *out = (int)(set->syn_retries != 0 ? set->syn_retries : config->syn_retries);
        return 0;
    case TCP_LINGER2:
        *out = (int)(config->fin_wait_2_ns / SOCK_NS_PER_S);
        return 0;
    case TCP_USER_TIMEOUT:
        *out = (int)set->user_timeout_ms;
        return 0;
    case TCP_WINDOW_CLAMP:
        *out = (int)set->window_clamp;
        return 0;
    case TCP_NOTSENT_LOWAT:
        *out = (int)set->notsent_low_bytes;
        return 0;
    case TCP_QUICKACK:
        *out = set->quick_ack;
        return 0;
    case TCP_INQ:
        *out = set->inq;
        return 0;
    case TCP_DEFER_ACCEPT:
        *out = 0;
        return 0;
    default:
        return sock_refuse(sock->net, "getsockopt", IPPROTO_TCP, name);
    }
}

int options_get_tcp(struct sock *sock, int name, void *value, socklen_t *length)
{
    static const char congestion[CC_NAME_BYTES] = "reno";
    uint8_t info[SOCK_TCP_INFO_BYTES];
    int number = 0;
    switch (name) {
    case TCP_INFO:
        info_fill(sock, info);
        return option_tell(info, sizeof info, value, length);
    case TCP_CC_INFO: /* reno has nothing to tell */
        *length = 0;
        return 0;
    case TCP_CONGESTION:
        return option_tell(congestion, sizeof congestion, value, length);
    default:
        break;
    }
    int error = get_number(sock, name, &number);
    return error != 0 ? error : option_tell_int(number, value, length);
}
