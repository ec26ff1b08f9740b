/* SPDX-License-Identifier: MIT */
/* Random calls on both ends of a connection, on a listener, and on sockets that come and go. */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "twins.h"

#define STEPS 14u
#define LISTENER 2u
#define STEP_MARK 1000000 /* begins what a step says, for a reader of differences */

struct walk {
    uint64_t seed;
    unsigned steps;
};

/* Any generator does; both sides draw the same. */
static unsigned draw(uint64_t *random, unsigned below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*random >> 33) % below;
}

static bool exists(const struct side *s, unsigned i)
{
    return s->is_kernel ? s->fd[i] >= 0 : s->sock[i] != NULL;
}

static void start(struct side *s)
{
    struct end end = end_of(loopback_of(s), 0);
    side_clear(s);
    (void)side_socket(s, LISTENER, s->domain);
    (void)side_bind(s, LISTENER, &end.address.any, end.length);
    (void)side_listen(s, LISTENER, 2);
    end = end_of(loopback_of(s), side_port(s, LISTENER));
    (void)side_socket(s, 0, s->domain);
    (void)side_connect(s, 0, &end.address.any, end.length);
    (void)side_accept(s, LISTENER, 1, SOCK_NONBLOCK);
}

static void read_some(struct side *s, unsigned i, uint64_t *random)
{
    static const int flags[] = {0,       0,         0,           MSG_PEEK,
                                MSG_OOB, MSG_TRUNC, MSG_WAITALL, MSG_OOB | MSG_PEEK};
    uint8_t text[16] = {0};
    int flags_out;
    size_t n = draw(random, 10);
    int64_t result = side_receive(s, i, text, n, flags[draw(random, 8)], &flags_out);
    say(s, result);
    say(s, flags_out);
    for (int64_t k = 0; k < result && k < 4; k++)
        say(s, text[k]);
}

static void write_some(struct side *s, unsigned i, uint64_t *random)
{
    static const int flags[] = {0, 0, 0, MSG_OOB, MSG_MORE};
    char text[8];
    size_t n = draw(random, 8);
    for (size_t k = 0; k < n; k++)
        text[k] = (char)('a' + draw(random, 26));
    int how = flags[draw(random, 5)];
    say(s, side_send(s, i, text, n, how == MSG_MORE ? 0 : how));
}

static void set_something(struct side *s, unsigned i, uint64_t *random)
{
    const struct linger reset = {.l_onoff = 1};
    switch (draw(random, 4)) {
    case 0:
        side_set_int(s, i, SOL_SOCKET, SO_OOBINLINE, (int)draw(random, 2));
        break;
    case 1:
        side_set_int(s, i, SOL_SOCKET, SO_RCVLOWAT, (int)draw(random, 6));
        break;
    case 2:
        (void)side_set(s, i, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        break;
    default:
        side_set_int(s, i, IPPROTO_TCP, TCP_NODELAY, 1);
        break;
    }
}

static void connect_somewhere(struct side *s, unsigned i, uint64_t *random)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    unsigned where = draw(random, 3);
    struct end end = end_of(loopback_of(s), where == 0 ? 9 : s->port[LISTENER]);
    if (where == 2)
        say(s, side_connect(s, i, &nobody, sizeof nobody));
    else
        say(s, side_connect(s, i, &end.address.any, end.length));
}

static void look(struct side *s, unsigned i)
{
    int mark = 0, there = 0;
    struct end end;
    end.length = sizeof end.address;
    say(s, side_ioctl(s, i, SIOCATMARK, &mark));
    say(s, mark);
    say(s, side_ioctl(s, i, SIOCINQ, &there));
    say(s, there);
    say(s, side_name(s, i, true, &end.address.any, &end.length));
}

static void accept_one(struct side *s)
{
    unsigned slot = 3;
    while (slot < SIDE_SOCKETS && exists(s, slot))
        slot++;
    if (slot < SIDE_SOCKETS)
        say(s, side_accept(s, LISTENER, slot, SOCK_NONBLOCK));
}

static void replace(struct side *s, unsigned i)
{
    side_close(s, i);
    (void)side_socket(s, i, s->domain);
}

/* Linux notes an urgent octet that comes to a socket which is shut in both directions before it
 * resets the connection, and goes on telling of it; Hawser does not take it in. */
static int ready(struct side *s, unsigned i)
{
    int mask = side_poll(s, i);
    return mask & POLLHUP ? mask & ~POLLPRI : mask;
}

static void step(struct side *s, uint64_t *random)
{
    unsigned i = draw(random, 2), what = draw(random, 24);
    if (what < 7)
        read_some(s, i, random);
    else if (what < 14)
        write_some(s, i, random);
    else if (what < 16)
        say(s, side_shutdown(s, i, (int)draw(random, 3)));
    else if (what < 18)
        set_something(s, i, random);
    else if (what < 19)
        connect_somewhere(s, i, random);
    else if (what < 20)
        replace(s, i);
    else if (what < 21)
        accept_one(s);
    else if (what < 22)
        say(s, side_get_int(s, i, SOL_SOCKET, SO_ERROR));
    else
        look(s, i);
    for (unsigned k = 0; k < 3; k++) {
        if (exists(s, k))
            say(s, ready(s, k));
    }
}

static void one_walk(struct side *s, void *context)
{
    const struct walk *walk = context;
    uint64_t random = walk->seed;
    start(s);
    s->said_count = 0;
    for (unsigned i = 0; i < walk->steps; i++) {
        say(s, STEP_MARK + i);
        step(s, &random);
    }
}

unsigned walks_count = 500;

unsigned random_walks(struct side *kernel, struct side *own, unsigned *cells)
{
    unsigned differ = 0;
    for (unsigned n = 0; n < walks_count; n++) {
        struct walk walk = {.seed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15), .steps = STEPS};
        char what[64];
        kernel->domain = own->domain = n & 1 ? AF_INET6 : AF_INET;
        (void)snprintf(what, sizeof what, "walk %u", n);
        differ += !sides_compare(kernel, own, one_walk, &walk, what);
        (*cells)++;
    }
    return differ;
}
