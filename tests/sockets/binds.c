/* SPDX-License-Identifier: MIT */
/* Two sockets that want the same port: addresses, families, SO_REUSEADDR, SO_REUSEPORT, listening,
 * connections and TIME-WAIT. */
#include <netinet/in.h>
#include <stdio.h>

#include "twins.h"

#define PORT 7000u

static const struct {
    const char *name, *address;
    bool v6_only;
} places[] = {
    {"127.0.0.1", "127.0.0.1", false},
    {"127.0.0.2", "127.0.0.2", false},
    {"0.0.0.0", "0.0.0.0", false},
    {"::", "::", false},
    {":: only", "::", true},
    {"::1", "::1", false},
    {"mapped", "::ffff:127.0.0.1", false},
    {"mapped any", "::ffff:0.0.0.0", false},
};

#define PLACES (sizeof places / sizeof places[0])

static int take(struct side *s, unsigned i, unsigned place, unsigned flags)
{
    struct end end = end_of(places[place].address, PORT);
    (void)side_socket(s, i, end.address.any.sa_family);
    if (places[place].v6_only)
        side_set_int(s, i, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    side_set_int(s, i, SOL_SOCKET, SO_REUSEADDR, flags & 1);
    side_set_int(s, i, SOL_SOCKET, SO_REUSEPORT, (flags >> 1) & 1);
    return side_bind(s, i, &end.address.any, end.length);
}

struct pair {
    unsigned first, second; /* places */
    unsigned flags;         /* two bits for each socket: SO_REUSEADDR, SO_REUSEPORT */
    unsigned kind;
};

/* The first is bound (kind 0), or listens (1). */
static void two_sockets(struct side *s, void *context)
{
    const struct pair *pair = context;
    side_clear(s);
    say(s, take(s, 0, pair->first, pair->flags & 3));
    if (pair->kind == 1)
        say(s, side_listen(s, 0, 1));
    int result = take(s, 1, pair->second, pair->flags >> 2);
    say(s, result);
    bool shared = (pair->flags & 10) == 10; /* several listeners on one end: not ours to have yet */
    if (result == 0 && !(pair->kind == 1 && shared))
        say(s, side_listen(s, 1, 1));
}

/* What a connection leaves behind: kind 0, it lives and is held; 1, its socket is closed; 2, it is
 * in TIME-WAIT. */
static void behind_a_connection(struct side *s, void *context)
{
    const struct pair *pair = context;
    struct end end = end_of("127.0.0.1", PORT);
    side_clear(s);
    (void)take(s, 2, 0, pair->flags & 3);
    (void)side_listen(s, 2, 1);
    (void)side_socket(s, 3, AF_INET);
    (void)side_connect(s, 3, &end.address.any, end.length);
    (void)side_accept(s, 2, 4, SOCK_NONBLOCK);
    side_close(s, 2);
    if (pair->kind > 0)
        side_close(s, 4); /* FIN-WAIT-2 */
    if (pair->kind > 1)
        side_close(s, 3);
    int result = take(s, 1, pair->second, pair->flags >> 2);
    say(s, result);
    if (result == 0)
        say(s, side_listen(s, 1, 1));
}

static const char *title(const struct pair *pair, const char *kind)
{
    static char what[128];
    unsigned flags = pair->flags;
    (void)snprintf(what, sizeof what, "%s%s%s %s, then %s%s%s", places[pair->first].name,
                   flags & 1 ? " reuseaddr" : "", flags & 2 ? " reuseport" : "", kind,
                   places[pair->second].name, flags & 4 ? " reuseaddr" : "",
                   flags & 8 ? " reuseport" : "");
    return what;
}

unsigned pairs_of_binds(struct side *kernel, struct side *own, unsigned *cells)
{
    static const char *const first[] = {"bound", "listening"};
    static const char *const behind[] = {"with a connection", "with an orphan", "in TIME-WAIT"};
    unsigned differ = 0;
    for (unsigned n = 0; n < PLACES * PLACES * 32; n++) {
        struct pair pair = {.first = n % PLACES,
                            .second = n / PLACES % PLACES,
                            .flags = n / (PLACES * PLACES) % 16,
                            .kind = n / (PLACES * PLACES * 16)};
        differ += !sides_compare(kernel, own, two_sockets, &pair, title(&pair, first[pair.kind]));
        (*cells)++;
    }
    for (unsigned n = 0; n < PLACES * 16 * 3; n++) {
        struct pair pair = {
            .second = n % PLACES, .flags = n / PLACES % 16, .kind = n / (PLACES * 16)};
        differ += !sides_compare(kernel, own, behind_a_connection, &pair,
                                 title(&pair, behind[pair.kind]));
        (*cells)++;
    }
    return differ;
}
