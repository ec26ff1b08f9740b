/* SPDX-License-Identifier: MIT */
/* Every call in every state that a socket can be in. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "twins.h"

/* ---- states: each brings socket 0 there ---- */

static const char *blackhole_of(const struct side *s)
{
    if (s->domain == AF_INET)
        return "198.18.0.9";
    return s->mapped ? "::ffff:198.18.0.9" : "2001:db8::9";
}

static const char *foreign_of(const struct side *s)
{
    if (s->domain == AF_INET)
        return "203.0.113.5";
    return s->mapped ? "::ffff:203.0.113.5" : "2001:db9::5";
}

static void fresh(struct side *s)
{
    (void)side_socket(s, 0, s->domain);
}

static void bound(struct side *s)
{
    struct end end = end_of(loopback_of(s), 0);
    fresh(s);
    (void)side_bind(s, 0, &end.address.any, end.length);
}

static void listening(struct side *s)
{
    bound(s);
    (void)side_listen(s, 0, 4);
    (void)side_port(s, 0);
}

static void connect_to(struct side *s, unsigned i, const char *address, uint16_t port)
{
    struct end end = end_of(address, port);
    (void)side_connect(s, i, &end.address.any, end.length);
}

static void listening_with_a_connection(struct side *s)
{
    listening(s);
    (void)side_socket(s, 1, s->domain);
    connect_to(s, 1, loopback_of(s), side_port(s, 0));
}

static void syn_sent(struct side *s)
{
    fresh(s);
    connect_to(s, 0, blackhole_of(s), 80);
}

static void refused(struct side *s)
{
    fresh(s);
    connect_to(s, 0, loopback_of(s), 9);
}

static void refused_and_known(struct side *s)
{
    refused(s);
    (void)side_get_int(s, 0, SOL_SOCKET, SO_ERROR);
}

static void make_listener(struct side *s)
{
    struct end end = end_of(loopback_of(s), 0);
    (void)side_socket(s, 2, s->domain);
    (void)side_bind(s, 2, &end.address.any, end.length);
    (void)side_listen(s, 2, 4);
    (void)side_port(s, 2);
}

/* The connection is there, and the program has not asked again. */
static void connected_unasked(struct side *s)
{
    make_listener(s);
    fresh(s);
    connect_to(s, 0, loopback_of(s), s->port[2]);
    (void)side_accept(s, 2, 1, SOCK_NONBLOCK);
}

static void connected(struct side *s)
{
    connected_unasked(s);
    connect_to(s, 0, loopback_of(s), s->port[2]);
}

static void accepted(struct side *s)
{
    make_listener(s);
    (void)side_socket(s, 1, s->domain);
    connect_to(s, 1, loopback_of(s), s->port[2]);
    (void)side_accept(s, 2, 0, SOCK_NONBLOCK);
}

static void with_data(struct side *s)
{
    connected(s);
    (void)side_send(s, 1, "12345", 5, 0);
}

static void peer_closed(struct side *s)
{
    connected(s);
    (void)side_shutdown(s, 1, SHUT_WR);
}

static void peer_closed_with_data(struct side *s)
{
    with_data(s);
    (void)side_shutdown(s, 1, SHUT_WR);
}

static void shut_for_writing(struct side *s)
{
    connected(s);
    (void)side_shutdown(s, 0, SHUT_WR);
}

static void shut_for_writing_with_data(struct side *s)
{
    shut_for_writing(s);
    (void)side_send(s, 1, "12345", 5, 0);
}

static void shut_for_reading(struct side *s)
{
    connected(s);
    (void)side_shutdown(s, 0, SHUT_RD);
}

static void shut_for_reading_then_data(struct side *s)
{
    shut_for_reading(s);
    (void)side_send(s, 1, "12345", 5, 0);
}

static void shut_for_both(struct side *s)
{
    connected(s);
    (void)side_shutdown(s, 0, SHUT_RDWR);
}

static void shut_for_both_then_data(struct side *s)
{
    shut_for_both(s);
    (void)side_send(s, 1, "12345", 5, 0);
}

static void closed_by_both_we_first(struct side *s)
{
    shut_for_writing(s);
    (void)side_shutdown(s, 1, SHUT_WR);
}

static void closed_by_both_peer_first(struct side *s)
{
    peer_closed(s);
    (void)side_shutdown(s, 0, SHUT_WR);
}

static void reset_peer_of(struct side *s, unsigned i)
{
    const struct linger reset = {.l_onoff = 1};
    (void)side_set(s, i, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    side_close(s, i);
}

static void reset_by_peer(struct side *s)
{
    connected(s);
    reset_peer_of(s, 1);
}

static void reset_with_data(struct side *s)
{
    with_data(s);
    reset_peer_of(s, 1);
}

static void reset_in_close_wait(struct side *s)
{
    peer_closed(s);
    reset_peer_of(s, 1);
}

static void reset_and_known(struct side *s)
{
    reset_by_peer(s);
    (void)side_get_int(s, 0, SOL_SOCKET, SO_ERROR);
}

static void reset_after_shutdown(struct side *s)
{
    shut_for_writing(s);
    reset_peer_of(s, 1);
}

static void dissolve(struct side *s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    (void)side_connect(s, 0, &nobody, sizeof nobody);
}

static void dissolved(struct side *s)
{
    connected(s);
    dissolve(s);
}

static void dissolved_while_opening(struct side *s)
{
    syn_sent(s);
    dissolve(s);
}

static void dissolved_listener(struct side *s)
{
    listening(s);
    dissolve(s);
}

static void shut_before_connecting(struct side *s)
{
    fresh(s);
    (void)side_shutdown(s, 0, SHUT_RDWR);
}

static void shut_and_then_connected(struct side *s)
{
    make_listener(s);
    fresh(s);
    (void)side_shutdown(s, 0, SHUT_WR);
    connect_to(s, 0, loopback_of(s), s->port[2]);
    (void)side_accept(s, 2, 1, SOCK_NONBLOCK);
}

static void shut_while_opening(struct side *s)
{
    syn_sent(s);
    (void)side_shutdown(s, 0, SHUT_WR);
}

static void shut_listener(struct side *s)
{
    listening(s);
    (void)side_shutdown(s, 0, SHUT_RD);
}

static void urgent_first(struct side *s)
{
    connected(s);
    (void)side_send(s, 1, "u", 1, MSG_OOB);
}

static void urgent_amid(struct side *s)
{
    connected(s);
    (void)side_send(s, 1, "abcd", 4, MSG_OOB);
    (void)side_send(s, 1, "ef", 2, 0);
}

static void urgent_inline(struct side *s)
{
    connected(s);
    side_set_int(s, 0, SOL_SOCKET, SO_OOBINLINE, 1);
    (void)side_send(s, 1, "abcd", 4, MSG_OOB);
    (void)side_send(s, 1, "ef", 2, 0);
}

static void urgent_taken(struct side *s)
{
    uint8_t octet;
    urgent_amid(s);
    (void)side_receive(s, 0, &octet, 1, MSG_OOB, NULL);
}

static void urgent_at_the_mark(struct side *s)
{
    uint8_t text[8];
    urgent_amid(s);
    (void)side_receive(s, 0, text, sizeof text, 0, NULL);
}

static void reading_waits_for_more(struct side *s)
{
    connected(s);
    side_set_int(s, 0, SOL_SOCKET, SO_RCVLOWAT, 10);
    (void)side_send(s, 1, "12345", 5, 0);
}

static void full(struct side *s)
{
    static const uint8_t zeros[65536];
    make_listener(s);
    side_set_int(s, 2, SOL_SOCKET, SO_RCVBUF, 4096);
    fresh(s);
    side_set_int(s, 0, SOL_SOCKET, SO_SNDBUF, 8192);
    connect_to(s, 0, loopback_of(s), s->port[2]);
    (void)side_accept(s, 2, 1, SOCK_NONBLOCK);
    connect_to(s, 0, loopback_of(s), s->port[2]);
    for (unsigned i = 0; i < 10; i++) { /* what is queued moves on for a while */
        while (side_send(s, 0, zeros, sizeof zeros, 0) > 0)
            ;
        side_settle(s);
    }
}

/* The peer is gone before anybody asked for the connection. */
static void accept_after(struct side *s, bool reset)
{
    make_listener(s);
    (void)side_socket(s, 1, s->domain);
    connect_to(s, 1, loopback_of(s), s->port[2]);
    (void)side_send(s, 1, "123", 3, 0);
    if (reset)
        reset_peer_of(s, 1);
    else
        side_close(s, 1);
    (void)side_accept(s, 2, 0, SOCK_NONBLOCK);
}

static void accepted_after_reset(struct side *s)
{
    accept_after(s, true);
}

static void accepted_after_close(struct side *s)
{
    accept_after(s, false);
}

static const struct {
    const char *name;
    void (*enter)(struct side *s);
} states[] = {
#define STATE(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    STATE(fresh),
    STATE(bound),
    STATE(listening),
    STATE(listening_with_a_connection),
    STATE(syn_sent),
    STATE(refused),
    STATE(refused_and_known),
    STATE(connected_unasked),
    STATE(connected),
    STATE(accepted),
    STATE(accepted_after_reset),
    STATE(accepted_after_close),
    STATE(with_data),
    STATE(peer_closed),
    STATE(peer_closed_with_data),
    STATE(shut_for_writing),
    STATE(shut_for_writing_with_data),
    STATE(shut_for_reading),
    STATE(shut_for_reading_then_data),
    STATE(shut_for_both),
    STATE(shut_for_both_then_data),
    STATE(closed_by_both_we_first),
    STATE(closed_by_both_peer_first),
    STATE(reset_by_peer),
    STATE(reset_with_data),
    STATE(reset_in_close_wait),
    STATE(reset_and_known),
    STATE(reset_after_shutdown),
    STATE(dissolved),
    STATE(dissolved_while_opening),
    STATE(dissolved_listener),
    STATE(shut_before_connecting),
    STATE(shut_and_then_connected),
    STATE(shut_while_opening),
    STATE(shut_listener),
    STATE(urgent_first),
    STATE(urgent_amid),
    STATE(urgent_inline),
    STATE(urgent_taken),
    STATE(urgent_at_the_mark),
    STATE(reading_waits_for_more),
    STATE(full),
};

#define STATES_COUNT (sizeof states / sizeof states[0])

/* ---- calls: each says what came of it ---- */

static void receive(struct side *s, size_t n, int flags)
{
    uint8_t text[16] = {0};
    int flags_out;
    int64_t result = side_receive(s, 0, text, n, flags, &flags_out);
    say(s, result);
    say(s, flags_out);
    for (int64_t i = 0; i < result && i < 16; i++)
        say(s, text[i]);
}

static void call_receive(struct side *s)
{
    receive(s, 16, 0);
}

static void call_receive_nothing(struct side *s)
{
    receive(s, 0, 0);
}

static void call_receive_two(struct side *s)
{
    receive(s, 2, 0);
}

static void call_receive_peek(struct side *s)
{
    receive(s, 16, MSG_PEEK);
}

static void call_receive_all(struct side *s)
{
    receive(s, 16, MSG_WAITALL);
}

static void call_receive_truncated(struct side *s)
{
    receive(s, 3, MSG_TRUNC);
}

static void call_receive_urgent(struct side *s)
{
    receive(s, 4, MSG_OOB);
}

static void call_receive_urgent_peek(struct side *s)
{
    receive(s, 4, MSG_OOB | MSG_PEEK);
}

static void call_receive_urgent_nothing(struct side *s)
{
    receive(s, 0, MSG_OOB);
}

static void call_receive_error_queue(struct side *s)
{
    receive(s, 4, MSG_ERRQUEUE);
}

static void call_send(struct side *s)
{
    say(s, side_send(s, 0, "xyz", 3, 0));
}

static void call_send_nothing(struct side *s)
{
    say(s, side_send(s, 0, "", 0, 0));
}

static void call_send_urgent(struct side *s)
{
    say(s, side_send(s, 0, "xyz", 3, MSG_OOB));
}

static void call_send_more(struct side *s)
{
    say(s, side_send(s, 0, "xyz", 3, MSG_MORE));
}

static void call_listen(struct side *s)
{
    say(s, side_listen(s, 0, 3));
}

static void call_accept(struct side *s)
{
    say(s, side_accept(s, 0, 5, SOCK_NONBLOCK));
}

static void call_accept_with_unknown_flags(struct side *s)
{
    say(s, side_accept(s, 0, 5, 1));
}

static void say_connect(struct side *s, const char *address, uint16_t port, socklen_t shorter)
{
    struct end end = end_of(address, port);
    say(s, side_connect(s, 0, &end.address.any, end.length - shorter));
}

static void call_connect_to_listener(struct side *s)
{
    say_connect(s, loopback_of(s), s->port[2] != 0 ? s->port[2] : 9, 0);
}

static void call_connect_twice_to_nobody(struct side *s)
{
    for (unsigned i = 0; i < 3; i++)
        say_connect(s, loopback_of(s), 9, 0);
}

static void call_connect_to_blackhole(struct side *s)
{
    for (unsigned i = 0; i < 2; i++)
        say_connect(s, blackhole_of(s), 9, 0);
}

static void call_connect_to_unreachable(struct side *s)
{
    say_connect(s, foreign_of(s), 9, 0);
}

static void call_connect_to_group(struct side *s)
{
    say_connect(s, s->domain == AF_INET ? "224.0.0.1" : "ff0e::1", 9, 0);
}

static void call_connect_with_short_address(struct side *s)
{
    say_connect(s, loopback_of(s), 9, 8);
}

static void call_long_addresses(struct side *s)
{
    struct end end = end_of(loopback_of(s), 9);
    struct {
        struct sockaddr_storage address;
        char more[16];
    } room;
    memset(&room, 0, sizeof room);
    memcpy(&room, &end.address, sizeof room.address);
    say(s, side_bind(s, 0, (struct sockaddr *)&room, 129));
    say(s, side_connect(s, 0, (struct sockaddr *)&room, 129));
    say(s, side_connect(s, 0, (struct sockaddr *)&room, 128));
}

static void call_connect_with_other_family(struct side *s)
{
    struct end end = end_of(loopback_of(s), 9);
    end.address.any.sa_family = s->domain == AF_INET ? AF_INET6 : AF_INET;
    say(s, side_connect(s, 0, &end.address.any, end.length));
}

static void call_connect_with_one_byte(struct side *s)
{
    struct end end = end_of(loopback_of(s), 9);
    say(s, side_connect(s, 0, &end.address.any, 1));
}

static void call_dissolve(struct side *s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    say(s, side_connect(s, 0, &nobody, sizeof nobody));
}

static void call_dissolve_and_connect(struct side *s)
{
    call_dissolve(s);
    (void)side_get_int(s, 0, SOL_SOCKET, SO_ERROR);
    call_connect_to_listener(s);
}

static void say_bind(struct side *s, const char *address, socklen_t shorter)
{
    struct end end = end_of(address, 0);
    say(s, side_bind(s, 0, &end.address.any, end.length - shorter));
}

static void call_bind(struct side *s)
{
    say_bind(s, loopback_of(s), 0);
}

static void call_bind_with_short_address(struct side *s)
{
    say_bind(s, loopback_of(s), 8);
}

static void call_bind_to_foreign_address(struct side *s)
{
    say_bind(s, foreign_of(s), 0);
}

static void call_bind_with_no_family(struct side *s)
{
    struct end end = end_of(s->domain == AF_INET ? "0.0.0.0" : "::", 0);
    end.address.any.sa_family = AF_UNSPEC;
    say(s, side_bind(s, 0, &end.address.any, end.length));
}

static void call_shut_reading(struct side *s)
{
    say(s, side_shutdown(s, 0, SHUT_RD));
}

static void call_shut_writing(struct side *s)
{
    say(s, side_shutdown(s, 0, SHUT_WR));
    say(s, side_shutdown(s, 0, SHUT_WR));
}

static void call_shut_both(struct side *s)
{
    say(s, side_shutdown(s, 0, SHUT_RDWR));
}

static void call_shut_how(struct side *s)
{
    say(s, side_shutdown(s, 0, 3));
    say(s, side_shutdown(s, 0, -1));
}

static void say_name(struct side *s, bool peer, socklen_t room)
{
    struct end end;
    memset(&end, 0, sizeof end);
    end.length = room;
    say(s, side_name(s, 0, peer, &end.address.any, &end.length));
    say(s, end.length);
    struct sockaddr_in *in = (struct sockaddr_in *)&end.address.storage;
    in->sin_port = in->sin_port != 0; /* which one is chance */
    const uint8_t *bytes = (const uint8_t *)&end.address.storage;
    for (unsigned i = 0; i < 28; i++)
        say(s, bytes[i]);
}

static void call_name(struct side *s)
{
    say_name(s, false, sizeof(struct sockaddr_storage));
}

static void call_name_cut(struct side *s)
{
    say_name(s, false, 5);
}

static void call_peer(struct side *s)
{
    say_name(s, true, sizeof(struct sockaddr_storage));
}

static void say_ioctl(struct side *s, unsigned long request)
{
    int value = 0;
    say(s, side_ioctl(s, 0, request, &value));
    say(s, value);
}

static void call_queues(struct side *s)
{
    say_ioctl(s, SIOCINQ);
    say_ioctl(s, SIOCOUTQ);
    say_ioctl(s, SIOCOUTQNSD);
}

static void call_at_mark(struct side *s)
{
    say_ioctl(s, SIOCATMARK);
}

static void call_facts(struct side *s)
{
    uint8_t info[8] = {0};
    socklen_t length = sizeof info;
    say(s, side_get(s, 0, IPPROTO_TCP, TCP_INFO, info, &length));
    say(s, info[0]); /* tcpi_state */
    say(s, length);
    say(s, side_get_int(s, 0, SOL_SOCKET, SO_ACCEPTCONN));
    say(s, side_get_int(s, 0, IPPROTO_TCP, TCP_MAXSEG));
    say(s, side_get_int(s, 0, IPPROTO_IP, IP_MTU) < 0);
}

static void call_set_in_time(struct side *s)
{
    int zero = 0, on = 1;
    say(s, side_set(s, 0, IPPROTO_TCP, TCP_WINDOW_CLAMP, &zero, sizeof zero));
    if (s->domain == AF_INET6)
        say(s, side_set(s, 0, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    say(s, side_set(s, 0, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    say(s, side_set(s, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, &on, sizeof on));
}

static const struct {
    const char *name;
    void (*make)(struct side *s);
} calls[] = {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, call_##name                                                                         \
    }
    CALL(receive),
    CALL(receive_nothing),
    CALL(receive_two),
    CALL(receive_peek),
    CALL(receive_all),
    CALL(receive_truncated),
    CALL(receive_urgent),
    CALL(receive_urgent_peek),
    CALL(receive_urgent_nothing),
    CALL(receive_error_queue),
    CALL(send),
    CALL(send_nothing),
    CALL(send_urgent),
    CALL(send_more),
    CALL(listen),
    CALL(accept),
    CALL(accept_with_unknown_flags),
    CALL(connect_to_listener),
    CALL(connect_twice_to_nobody),
    CALL(connect_to_blackhole),
    CALL(connect_to_unreachable),
    CALL(connect_to_group),
    CALL(connect_with_short_address),
    CALL(connect_with_other_family),
    CALL(long_addresses),
    CALL(connect_with_one_byte),
    CALL(dissolve),
    CALL(dissolve_and_connect),
    CALL(bind),
    CALL(bind_with_short_address),
    CALL(bind_to_foreign_address),
    CALL(bind_with_no_family),
    CALL(shut_reading),
    CALL(shut_writing),
    CALL(shut_both),
    CALL(shut_how),
    CALL(name),
    CALL(name_cut),
    CALL(peer),
    CALL(queues),
    CALL(at_mark),
    CALL(facts),
    CALL(set_in_time),
};

#define CALLS_COUNT (sizeof calls / sizeof calls[0])

/* What the socket is afterwards. */
static void say_aftermath(struct side *s)
{
    say(s, side_poll(s, 0));
    call_at_mark(s);
    receive(s, 16, 0);
    say(s, side_send(s, 0, "q", 1, 0));
    say(s, side_get_int(s, 0, SOL_SOCKET, SO_ERROR));
    say(s, side_poll(s, 0));
    receive(s, 16, 0);
    say(s, side_send(s, 0, "q", 1, 0));
    say(s, side_poll(s, 0));
}

struct cell {
    size_t state, call;
};

static void one_cell(struct side *s, void *context)
{
    const struct cell *cell = context;
    side_clear(s);
    states[cell->state].enter(s);
    s->said_count = 0;
    say(s, side_poll(s, 0));
    calls[cell->call].make(s);
    say_aftermath(s);
}

/* What may differ, and why. */
static const struct {
    const char *state, *call; /* beginnings of names */
    int domain;               /* 0 = both */
    const char *why;
} differences[] = {
    {"full", "queues", 0, "Linux counts memory, Hawser text"},
    {"refused", "queues", 0, "SIOCOUTQ of a SYN that was never acknowledged"},
    {"dissolved", "queues", 0, "SIOCOUTQ tells the rest of a sequence number that is no more"},
    {"shut_while_opening", "queues", 0, "the same"},
    {"shut_listener", "queues", 0, "the same"},
    {"dissolved", "facts", 0, "TCP_MAXSEG of a connection that is no more"},
    {"shut_while_opening", "facts", 0, "the same"},
    {"bound", "connect_to_blackhole", AF_INET6, "RFC 4291 2.5.3: ::1 stays within a host"},
    {"dissolved_listener", "connect_to_blackhole", AF_INET6, "the same"},
    {"shut_listener", "connect_to_blackhole", AF_INET6, "the same"},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool may_differ(size_t state, size_t call, const struct side *s)
{
    int below = s->mapped ? AF_INET : s->domain;
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (begins(states[state].name, differences[i].state) &&
            begins(calls[call].name, differences[i].call) &&
            (differences[i].domain == 0 || differences[i].domain == below))
            return true;
    }
    return false;
}

unsigned calls_in_states(struct side *kernel, struct side *own, unsigned *cells)
{
    static const char *const names[] = {"IPv4", "IPv6", "mapped"};
    unsigned differ = 0;
    for (unsigned kind = 0; kind < 3; kind++) {
        kernel->domain = own->domain = kind == 0 ? AF_INET : AF_INET6;
        kernel->mapped = own->mapped = kind == 2;
        for (size_t n = 0; n < STATES_COUNT * CALLS_COUNT; n++) {
            struct cell cell = {n / CALLS_COUNT, n % CALLS_COUNT};
            char what[128];
            if (may_differ(cell.state, cell.call, own))
                continue;
            (void)snprintf(what, sizeof what, "%s, %s, %s", names[kind], states[cell.state].name,
                           calls[cell.call].name);
            differ += !sides_compare(kernel, own, one_cell, &cell, what);
            (*cells)++;
        }
    }
    kernel->mapped = own->mapped = false;
    return differ;
}
