/* SPDX-License-Identifier: MIT */
/* Options: every one with good, bad, short and long values, before and after connecting. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "twins.h"

#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#define BIND_NO_PORT 24

static const struct {
    const char *name;
    int level, option;
} numbers[] = {
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE},
    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST},
    {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT},
    {"SO_SNDLOWAT", SOL_SOCKET, SO_SNDLOWAT},
    {"SO_TYPE", SOL_SOCKET, SO_TYPE},
    {"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN},
    {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL},
    {"SO_ERROR", SOL_SOCKET, SO_ERROR},
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
    {"TCP_CORK", IPPROTO_TCP, TCP_CORK},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
    {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT},
    {"TCP_INQ", IPPROTO_TCP, TCP_INQ},
    {"IP_TOS", IPPROTO_IP, IP_TOS},
    {"IP_TTL", IPPROTO_IP, IP_TTL},
    {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, BIND_NO_PORT},
    {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY},
};

static const int values[] = {0,    1,     2,     3,     64,    127,        128, 255, 256,
                             1000, 32767, 32768, 65495, 65536, 0x7fffffff, -1,  -2};

/* Small ones only: what is beyond has limits that are each host's own. */
static const int low_values[] = {0, 1, 2, 100, 1000};

static void say_value(struct side *s, int level, int option, socklen_t room)
{
    uint8_t value[32];
    socklen_t length = room;
    memset(value, 0x55, sizeof value);
    say(s, side_get(s, 0, level, option, value, &length));
    say(s, length);
    for (unsigned i = 0; i < 16; i++)
        say(s, value[i]);
}

static void enter(struct side *s, bool connected)
{
    side_clear(s);
    (void)side_socket(s, 0, s->domain);
    if (connected) {
        struct end end = end_of(loopback_of(s), 0);
        (void)side_socket(s, 2, s->domain);
        (void)side_bind(s, 2, &end.address.any, end.length);
        (void)side_listen(s, 2, 4);
        end = end_of(loopback_of(s), side_port(s, 2));
        (void)side_connect(s, 0, &end.address.any, end.length);
    }
    s->said_count = 0;
}

struct
try {
    unsigned index;
    int value;
    bool connected;
};

static void set_and_get(struct side *s, void *context)
{
    const struct try *t = context;
    int level = numbers[t->index].level, option = numbers[t->index].option;
    int64_t wide = t->value;
    say(s, side_set(s, 0, level, option, &wide, 4));
    say_value(s, level, option, 4);
    say(s, side_set(s, 0, level, option, &wide, 8));
    say_value(s, level, option, 16);
}

static void set_short(struct side *s, void *context)
{
    const struct try *t = context;
    int level = numbers[t->index].level, option = numbers[t->index].option, value = 0x0101;
    for (socklen_t length = 0; length < 4; length++)
        say(s, side_set(s, 0, level, option, &value, length));
    say(s, side_set(s, 0, level, option, &value, UINT32_MAX));
    for (socklen_t room = 0; room < 4; room++) {
        socklen_t got = room;
        uint8_t out[8] = {0};
        say(s, side_get(s, 0, level, option, out, &got));
        say(s, got);
        say(s, out[0]);
    }
    socklen_t bad = UINT32_MAX;
    say(s, side_get(s, 0, level, option, &value, &bad));
}

static const char *title(const struct side *s, const struct try *t, const char *name,
                         const char *kind)
{
    static char what[96];
    (void)snprintf(what, sizeof what, "%s, %s, %s %s %d", s->domain == AF_INET ? "IPv4" : "IPv6",
                   t->connected ? "connected" : "unconnected", name, kind, t->value);
    return what;
}

static unsigned numbers_of(struct side *kernel, struct side *own, bool connected, unsigned i,
                           unsigned *cells)
{
    bool low = numbers[i].option == SO_RCVLOWAT && numbers[i].level == SOL_SOCKET;
    unsigned count =
        low ? sizeof low_values / sizeof low_values[0] : sizeof values / sizeof values[0];
    struct try t = {.index = i, .connected = connected};
    unsigned differ = 0;
    enter(kernel, connected);
    enter(own, connected);
    for (unsigned v = 0; v < count; v++) {
        t.value = low ? low_values[v] : values[v];
        differ += !sides_compare(kernel, own, set_and_get, &t,
                                 title(kernel, &t, numbers[i].name, "set to"));
    }
    differ += !sides_compare(kernel, own, set_short, &t,
                             title(kernel, &t, numbers[i].name, "short, after"));
    *cells += count + 1;
    return differ;
}

/* ---- those that are no number ---- */

static void set_say(struct side *s, int level, int option, const void *value, socklen_t length)
{
    say(s, side_set(s, 0, level, option, value, length));
}

static void linger(struct side *s)
{
    static const struct linger rows[] = {{1, 0}, {1, 30}, {0, 7}, {2, 65536}};
    for (unsigned i = 0; i < 4; i++) {
        set_say(s, SOL_SOCKET, SO_LINGER, &rows[i], sizeof rows[i]);
        set_say(s, SOL_SOCKET, SO_LINGER, &rows[i], 4);
        struct linger out = {-1, -1};
        socklen_t length = sizeof out;
        say(s, side_get(s, 0, SOL_SOCKET, SO_LINGER, &out, &length));
        say(s, out.l_onoff);
        say(s, out.l_linger);
    }
    say_value(s, SOL_SOCKET, SO_LINGER, 6);
}

static void timeouts(struct side *s)
{
    static const struct timeval rows[] = {{0, 0},       {1, 500000}, {3, 0},
                                          {0, 1000000}, {0, -1},     {-1, 0}};
    for (unsigned i = 0; i < 6; i++) {
        for (int option = SO_RCVTIMEO; option <= SO_SNDTIMEO; option++) {
            struct timeval out = {-1, -1};
            socklen_t length = sizeof out;
            set_say(s, SOL_SOCKET, option, &rows[i], sizeof rows[i]);
            say(s, side_get(s, 0, SOL_SOCKET, option, &out, &length));
            say(s, out.tv_sec);
            say(s, out.tv_usec);
            say(s, length);
        }
    }
    set_say(s, SOL_SOCKET, SO_RCVTIMEO, &rows[1], 8);
}

static void congestion(struct side *s)
{
    set_say(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    set_say(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 5);
    set_say(s, IPPROTO_TCP, TCP_CONGESTION, "none-such", 9);
    set_say(s, IPPROTO_TCP, TCP_CONGESTION, "", 0);
    say_value(s, IPPROTO_TCP, TCP_CONGESTION, 16);
    say_value(s, IPPROTO_TCP, TCP_CONGESTION, 2);
    say_value(s, IPPROTO_TCP, TCP_CC_INFO, 16);
}

static void segment_size(struct side *s)
{
    static const int rows[] = {87, 88, 1000, 32767, 32768, 0, -1};
    for (unsigned i = 0; i < 7; i++) {
        set_say(s, IPPROTO_TCP, TCP_MAXSEG, &rows[i], sizeof rows[i]);
        say_value(s, IPPROTO_TCP, TCP_MAXSEG, 4);
    }
}

static void buffers(struct side *s)
{
    static const int rows[] = {0, 1, 1000, 10000, 100000};
    for (unsigned i = 0; i < 5; i++) {
        set_say(s, SOL_SOCKET, SO_RCVBUF, &rows[i], sizeof rows[i]);
        say(s, side_get_int(s, 0, SOL_SOCKET, SO_RCVBUF));
        set_say(s, SOL_SOCKET, SO_SNDBUF, &rows[i], sizeof rows[i]);
        say(s, side_get_int(s, 0, SOL_SOCKET, SO_SNDBUF));
    }
}

static void memory(struct side *s)
{
    uint32_t numbers_out[10];
    socklen_t length = sizeof numbers_out;
    side_set_int(s, 0, SOL_SOCKET, SO_RCVBUF, 5000);
    side_set_int(s, 0, SOL_SOCKET, SO_SNDBUF, 6000);
    memset(numbers_out, 0, sizeof numbers_out);
    say(s, side_get(s, 0, SOL_SOCKET, SO_MEMINFO, numbers_out, &length));
    say(s, length);
    say(s, numbers_out[1]);
    say(s, numbers_out[3]);
    length = 10;
    say(s, side_get(s, 0, SOL_SOCKET, SO_MEMINFO, numbers_out, &length));
    say(s, length);
}

static void windows(struct side *s)
{
    static const int rows[] = {1, 1152, 5000, 0};
    for (unsigned i = 0; i < 4; i++) {
        set_say(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, &rows[i], sizeof rows[i]);
        if (i < 3)
            say_value(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 4);
    }
}

static void thresholds(struct side *s)
{
    static const int rows[] = {0, 1, 5000, -1};
    for (unsigned i = 0; i < 4; i++) {
        set_say(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &rows[i], sizeof rows[i]);
        say_value(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4);
        say(s, side_poll(s, 0));
    }
}

static void unheard_of(struct side *s)
{
    int one = 1;
    socklen_t length = sizeof one;
    set_say(s, SOL_SOCKET, 9999, &one, sizeof one);
    set_say(s, IPPROTO_TCP, 9999, &one, sizeof one);
    set_say(s, IPPROTO_IP, 9999, &one, sizeof one);
    set_say(s, IPPROTO_IPV6, 9999, &one, sizeof one);
    set_say(s, 9999, 1, &one, sizeof one);
    set_say(s, IPPROTO_TCP, TCP_INFO, &one, sizeof one);
    say(s, side_get(s, 0, SOL_SOCKET, 9999, &one, &length));
    say(s, side_get(s, 0, IPPROTO_TCP, 9999, &one, &length));
    say(s, side_get(s, 0, IPPROTO_IP, 9999, &one, &length));
    say(s, side_get(s, 0, IPPROTO_IPV6, 9999, &one, &length));
    say(s, side_get(s, 0, 9999, 1, &one, &length));
}

static void path(struct side *s)
{
    say_value(s, IPPROTO_IP, IP_MTU, 4);
    say_value(s, IPPROTO_IP, IP_MTU_DISCOVER, 4);
    int bad = 99, want = IP_PMTUDISC_WANT;
    set_say(s, IPPROTO_IP, IP_MTU_DISCOVER, &bad, sizeof bad);
    set_say(s, IPPROTO_IP, IP_MTU_DISCOVER, &want, sizeof want);
    if (s->domain == AF_INET6) {
        say_value(s, IPPROTO_IPV6, IPV6_MTU, 4);
        say_value(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 4);
        int hops[] = {-2, 256, -1, 255, 1};
        for (unsigned i = 0; i < 5; i++) {
            set_say(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops[i], sizeof hops[i]);
            say_value(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 4);
        }
    }
}

static const struct {
    const char *name;
    void (*make)(struct side *s);
} others[] = {
    {"SO_LINGER", linger},          {"SO_RCVTIMEO", timeouts},
    {"TCP_CONGESTION", congestion}, {"TCP_MAXSEG", segment_size},
    {"SO_RCVBUF", buffers},         {"SO_MEMINFO", memory},
    {"TCP_WINDOW_CLAMP", windows},  {"TCP_NOTSENT_LOWAT", thresholds},
    {"unheard of", unheard_of},     {"IP_MTU", path},
};

static void one_other(struct side *s, void *context)
{
    const struct try *t = context;
    enter(s, t->connected);
    others[t->index].make(s);
}

unsigned options_and_values(struct side *kernel, struct side *own, unsigned *cells)
{
    unsigned differ = 0;
    for (unsigned round = 0; round < 4; round++) {
        struct try t = {.connected = (round & 1) != 0};
        kernel->domain = own->domain = round < 2 ? AF_INET : AF_INET6;
        for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            differ += numbers_of(kernel, own, t.connected, i, cells);
        for (t.index = 0; t.index < sizeof others / sizeof others[0]; t.index++) {
            differ += !sides_compare(kernel, own, one_other, &t,
                                     title(kernel, &t, others[t.index].name, "set"));
            (*cells)++;
        }
    }
    return differ;
}
