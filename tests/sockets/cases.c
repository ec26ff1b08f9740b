/* SPDX-License-Identifier: MIT */
/* What needs more sockets than two: backlogs, ports that connections share, sockets that meet
 * themselves. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "twins.h"

#define CLIENTS 5u /* sockets 3 to 7 */
#define PORT 7100u

static void listen_on(struct side *s, unsigned i, int backlog)
{
    struct end end = end_of(loopback_of(s), 0);
    (void)side_socket(s, i, s->domain);
    (void)side_bind(s, i, &end.address.any, end.length);
    say(s, side_listen(s, i, backlog));
    (void)side_port(s, i);
}

static void say_state(struct side *s, unsigned i)
{
    uint8_t first = 0;
    socklen_t length = 1;
    (void)side_get(s, i, IPPROTO_TCP, TCP_INFO, &first, &length);
    say(s, first);
}

static void connect_from(struct side *s, unsigned i, uint16_t port)
{
    struct end end = end_of(loopback_of(s), port);
    say(s, side_connect(s, i, &end.address.any, end.length));
}

/* More connect than may wait. */
static void backlog(struct side *s, int wanted, int later)
{
    listen_on(s, 2, wanted);
    if (later >= 0)
        say(s, side_listen(s, 2, later));
    for (unsigned i = 3; i < 3 + CLIENTS; i++) {
        (void)side_socket(s, i, s->domain);
        connect_from(s, i, s->port[2]);
        say_state(s, i);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        int result = side_accept(s, 2, 0, SOCK_NONBLOCK);
        say(s, result);
        if (result == 0)
            side_close(s, 0);
    }
}

static void backlog_of_0(struct side *s)
{
    backlog(s, 0, -1);
}

static void backlog_of_1(struct side *s)
{
    backlog(s, 1, -1);
}

static void backlog_of_3(struct side *s)
{
    backlog(s, 3, -1);
}

static void backlog_below_0(struct side *s)
{
    backlog(s, -1, -1);
}

static void backlog_that_grows(struct side *s)
{
    backlog(s, 1, 2);
}

static void backlog_that_shrinks(struct side *s)
{
    backlog(s, 4, 0);
}

static void bind_for_all(struct side *s, unsigned i, uint16_t port)
{
    struct end end = end_of(loopback_of(s), port);
    (void)side_socket(s, i, s->domain);
    side_set_int(s, i, SOL_SOCKET, SO_REUSEADDR, 1);
    say(s, side_bind(s, i, &end.address.any, end.length));
}

/* Two sockets of one port connect to one end: the second finds the 4-tuple taken. */
static void one_tuple_twice(struct side *s)
{
    listen_on(s, 2, 4);
    bind_for_all(s, 3, PORT);
    bind_for_all(s, 4, PORT);
    connect_from(s, 3, s->port[2]);
    connect_from(s, 4, s->port[2]);
    say(s, side_poll(s, 4));
    say(s, side_get_int(s, 4, SOL_SOCKET, SO_ERROR));
}

/* … and to two ends: both can. */
static void one_port_to_two_ends(struct side *s)
{
    listen_on(s, 2, 4);
    listen_on(s, 1, 4);
    bind_for_all(s, 3, PORT);
    bind_for_all(s, 4, PORT);
    connect_from(s, 3, s->port[2]);
    connect_from(s, 4, s->port[1]);
    connect_from(s, 3, s->port[2]);
    connect_from(s, 4, s->port[1]);
}

/* A connection holds the port of a socket that was bound to it, and gives it back. */
static void a_port_comes_back(struct side *s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    listen_on(s, 2, 4);
    bind_for_all(s, 3, PORT);
    connect_from(s, 3, s->port[2]);
    bind_for_all(s, 4, PORT);
    say(s, side_listen(s, 4, 1));
    say(s, side_connect(s, 3, &nobody, sizeof nobody));
    say(s, side_listen(s, 3, 1));
    side_close(s, 4);
    say(s, side_listen(s, 3, 1));
}

/* bind takes the address, connect the port. */
static void an_address_without_a_port(struct side *s)
{
    struct end end = end_of(loopback_of(s), 0);
    listen_on(s, 2, 4);
    (void)side_socket(s, 3, s->domain);
    side_set_int(s, 3, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, 1);
    say(s, side_bind(s, 3, &end.address.any, end.length));
    say(s, side_port(s, 3));
    say(s, side_bind(s, 3, &end.address.any, end.length));
    connect_from(s, 3, s->port[2]);
    say(s, side_port(s, 3) != 0);
}

/* A listener that becomes a client, and listens again. */
static void a_listener_turns(struct side *s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    listen_on(s, 2, 4);
    listen_on(s, 3, 4);
    connect_from(s, 3, s->port[2]);
    say(s, side_shutdown(s, 3, SHUT_RD));
    connect_from(s, 3, s->port[2]);
    connect_from(s, 3, s->port[2]);
    say(s, side_listen(s, 3, 4));
    say(s, side_connect(s, 3, &nobody, sizeof nobody));
    say(s, side_listen(s, 3, 4));
    say(s, side_poll(s, 3));
}

/* Connections of a listener that is closed are reset. */
static void a_listener_leaves_them(struct side *s)
{
    uint8_t octet;
    listen_on(s, 2, 4);
    for (unsigned i = 3; i < 5; i++) {
        (void)side_socket(s, i, s->domain);
        connect_from(s, i, s->port[2]);
    }
    (void)side_accept(s, 2, 0, SOCK_NONBLOCK);
    side_close(s, 2);
    for (unsigned i = 3; i < 5; i++) {
        say(s, side_poll(s, i));
        say(s, side_receive(s, i, &octet, 1, 0, NULL));
    }
}

/* What a listener has is what its connections have. */
static void children_inherit(struct side *s)
{
    static const struct {
        int level, option, value;
    } rows[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},    {SOL_SOCKET, SO_OOBINLINE, 1},
        {SOL_SOCKET, SO_RCVLOWAT, 3},     {SOL_SOCKET, SO_REUSEADDR, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 33},
        {IPPROTO_TCP, TCP_KEEPINTVL, 34}, {IPPROTO_TCP, TCP_KEEPCNT, 5},
        {IPPROTO_TCP, TCP_SYNCNT, 3},     {IPPROTO_TCP, TCP_USER_TIMEOUT, 9000},
        {IPPROTO_TCP, TCP_MAXSEG, 1000},  {IPPROTO_TCP, TCP_CORK, 1},
        {SOL_SOCKET, SO_RCVBUF, 20000},   {SOL_SOCKET, SO_SNDBUF, 20000},
        {IPPROTO_IP, IP_TOS, 16},         {IPPROTO_IP, IP_TTL, 44},
        {SOL_SOCKET, SO_BROADCAST, 1},    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4000},
    };
    const struct linger linger = {1, 11};
    struct linger told;
    socklen_t length = sizeof told;
    listen_on(s, 2, 4);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        side_set_int(s, 2, rows[i].level, rows[i].option, rows[i].value);
    (void)side_set(s, 2, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)side_socket(s, 3, s->domain);
    connect_from(s, 3, s->port[2]);
    (void)side_accept(s, 2, 0, SOCK_NONBLOCK);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        say(s, side_get_int(s, 0, rows[i].level, rows[i].option));
    say(s, side_get(s, 0, SOL_SOCKET, SO_LINGER, &told, &length));
    say(s, told.l_onoff);
    say(s, told.l_linger);
}

static const struct {
    const char *name;
    void (*make)(struct side *s);
} cases[] = {
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    CASE(backlog_of_0),       CASE(backlog_of_1),
    CASE(backlog_of_3),       CASE(backlog_below_0),
    CASE(backlog_that_grows), CASE(backlog_that_shrinks),
    CASE(one_tuple_twice),    CASE(one_port_to_two_ends),
    CASE(a_port_comes_back),  CASE(an_address_without_a_port),
    CASE(a_listener_turns),   CASE(a_listener_leaves_them),
    CASE(children_inherit),
};

static void one_case(struct side *s, void *context)
{
    const unsigned *index = context;
    side_clear(s);
    cases[*index].make(s);
}

unsigned single_cases(struct side *kernel, struct side *own, unsigned *cells)
{
    unsigned differ = 0;
    for (unsigned kind = 0; kind < 2; kind++) {
        kernel->domain = own->domain = kind == 0 ? AF_INET : AF_INET6;
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            char what[96];
            (void)snprintf(what, sizeof what, "%s, %s", kind == 0 ? "IPv4" : "IPv6", cases[i].name);
            differ += !sides_compare(kernel, own, one_case, &i, what);
            (*cells)++;
        }
    }
    return differ;
}
