/* SPDX-License-Identifier: MIT */
/* The work of `hawser bench` on the kernel's TCP: both ends in one thread, non-blocking sockets,
 * one epoll set for each end. Every system call is counted. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_net.h"
#include "kernel_slabs.h"
#include "peer.h"

#define PORT_FIRST 10000
#define PORTS 32u /* listening ones: 4-tuples are never what is short */
#define BATCH 64
#define PATIENCE_MS 5000
#define RECORDS 20000u
#define WARM_UP 1000u
#define IDLE_CONNECTIONS 8000u
#define OTHER_DESCRIPTORS 64u

enum phase { CONNECTING, ASKED, ANSWERED };

static struct peer_options options;
static struct kernel_net net;
static int sets[2];        /* epoll sets: the client's and the server's */
static int listeners_last; /* descriptors up to this one are not connections */
static uint32_t ports, next_port;
static uint8_t *phases; /* of the client's connections, by descriptor */
static uint32_t open_count;
static uint64_t calls, closed; /* closed: connections that both ends have closed */
static int *idle;              /* the client's; behind them the busy one of rr and stream */
static uint8_t piece[PEER_PIECE_BYTES];

/* Counts what crosses into the kernel. */
#define CALL(call) (calls++, (call))

static void watch(int set, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (CALL(epoll_ctl(set, operation, fd, &event)) != 0)
        peer_fail("epoll_ctl");
}

static void set_cubic(int fd)
{
    /* An ordinary user may find it not allowed; then it is what the machine prefers. */
    if (CALL(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5)) != 0 && net.own)
        peer_fail("cubic");
    errno = 0;
}

/* Descriptors are what a process has least of: two for each connection. */
static void make_room(uint32_t connections)
{
    uint32_t wanted = 2 * (connections + 1 + options.in_flight) + PORTS + OTHER_DESCRIPTORS;
    kernel_descriptors(wanted);
    phases = calloc(wanted, sizeof phases[0]);
    idle = calloc(connections + 1, sizeof idle[0]);
    if (phases == NULL || idle == NULL)
        peer_fail("memory");
}

/* ---- the two ends --------------------------------------------------------------------------- */

static void start(uint32_t listening)
{
    ports = listening;
    make_room(options.connections);
    kernel_net_create(options.veth, &net);
    sets[0] = epoll_create1(EPOLL_CLOEXEC);
    sets[1] = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < ports; i++) {
        const struct sockaddr_in at = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)(PORT_FIRST + i)),
                                       .sin_addr = net.to};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        set_cubic(fd); /* accepted sockets inherit it */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
            bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0)
            peer_fail("listening on port %u", PORT_FIRST + i);
        watch(sets[1], EPOLL_CTL_ADD, fd, EPOLLIN);
        listeners_last = fd;
    }
    kernel_net_be_client(&net);
}

/* Readable and writable come once each: one epoll_ctl for a connection's life. */
static int open_one(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)(PORT_FIRST + next_port++ % ports)),
        .sin_addr = net.to,
    };
    int fd = CALL(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        peer_fail("socket");
    set_cubic(fd);
    if (CALL(connect(fd, (const struct sockaddr *)&to, sizeof to)) != 0 && errno != EINPROGRESS)
        peer_fail("connect");
    errno = 0;
    watch(sets[0], EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET);
    phases[fd] = CONNECTING;
    open_count++;
    return fd;
}

static void ask(int fd)
{
    if (CALL(send(fd, piece, PEER_MESSAGE_BYTES, MSG_NOSIGNAL)) != PEER_MESSAGE_BYTES)
        peer_fail("send");
    phases[fd] = ASKED;
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = CALL(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))) >= 0)
        watch(sets[1], EPOLL_CTL_ADD, fd, EPOLLIN);
    if (errno != EAGAIN)
        peer_fail("accept");
    errno = 0;
}

static void answer(int fd)
{
    ssize_t n = CALL(recv(fd, piece, PEER_MESSAGE_BYTES, 0));
    if (n == 0) {
        CALL(close(fd));
        closed++;
    } else if (n != PEER_MESSAGE_BYTES ||
               CALL(send(fd, piece, PEER_MESSAGE_BYTES, MSG_NOSIGNAL)) != PEER_MESSAGE_BYTES) {
        peer_fail("the server's connection");
    }
}

/* The client's part; closing: a lifecycle, which the client ends after the answer. */
static void proceed(int fd, uint32_t events, bool closing)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        peer_fail("a connection ended");
    if (phases[fd] == CONNECTING && (events & EPOLLOUT) != 0)
        ask(fd);
    else if (phases[fd] == ASKED && (events & EPOLLIN) != 0) {
        if (CALL(recv(fd, piece, PEER_MESSAGE_BYTES, 0)) != PEER_MESSAGE_BYTES)
            peer_fail("the client's connection");
        phases[fd] = ANSWERED;
        if (closing) {
            CALL(close(fd));
            open_count--;
        }
    }
}

/* Both loops once; sleeps when neither has anything to do. */
static void turn_both(bool closing)
{
    struct epoll_event events[BATCH];
    int served = CALL(epoll_wait(sets[1], events, BATCH, 0));
    for (int i = 0; i < served; i++) {
        if (events[i].data.fd <= listeners_last)
            accept_all(events[i].data.fd);
        else
            answer(events[i].data.fd);
    }
    int count = CALL(epoll_wait(sets[0], events, BATCH, 0));
    for (int i = 0; i < count; i++)
        proceed(events[i].data.fd, events[i].events, closing);
    if (served <= 0 && count <= 0) {
        struct pollfd both[2] = {{.fd = sets[0], .events = POLLIN},
                                 {.fd = sets[1], .events = POLLIN}};
        if (CALL(poll(both, 2, PATIENCE_MS)) <= 0)
            peer_fail("nothing happens");
    }
}

/* ---- benches -------------------------------------------------------------------------------- */

static uint64_t lifecycle_turn(void)
{
    uint64_t before = closed;
    while (open_count < options.in_flight)
        open_one();
    turn_both(true);
    return closed - before;
}

static uint64_t rr_turn(void)
{
    int fd = options.random ? idle[peer_random() % options.connections] : idle[options.connections];
    ask(fd);
    while (phases[fd] != ANSWERED)
        turn_both(false);
    return 1;
}

static uint64_t stream_turn(void)
{
    struct epoll_event event;
    uint64_t bytes = 0;
    if (CALL(epoll_wait(sets[0], &event, 1, 0)) == 1 &&
        CALL(send(event.data.fd, piece, sizeof piece, MSG_NOSIGNAL)) < 0 && errno != EAGAIN)
        peer_fail("send");
    errno = 0;
    while (CALL(epoll_wait(sets[1], &event, 1, bytes == 0 ? PATIENCE_MS : 0)) == 1) {
        ssize_t n = CALL(recv(event.data.fd, piece, sizeof piece, 0));
        if (n <= 0)
            peer_fail("recv");
        bytes += (uint64_t)n;
    }
    return bytes;
}

/* Connections that exchange one request and one answer and are then left alone. */
static void add_idle(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        idle[i] = open_one();
        while (phases[idle[i]] != ANSWERED)
            turn_both(false);
    }
    open_count = 0;
}

/* busy: connections of the bench's own, beside the idle ones. */
static void run(uint32_t busy, uint64_t (*turn)(void), const char *unit, double unit_size)
{
    struct peer_rate rate;
    start(PORTS);
    add_idle(options.connections + busy);
    if (turn == stream_turn)
        watch(sets[0], EPOLL_CTL_MOD, idle[options.connections], EPOLLOUT);
    uint64_t calls_before = calls;
    peer_measure(&options, turn, &rate);
    uint64_t records = kernel_time_waits();
    if (net.own && records < closed)
        peer_fail("%llu of %llu TIME-WAIT records are gone", (unsigned long long)(closed - records),
                  (unsigned long long)closed);
    peer_report_rate(&options, &rate, ",\"system_calls_per_%s\":%.3g,\"time_wait_records\":%llu",
                     unit, (double)(calls - calls_before) * unit_size / (double)rate.units,
                     (unsigned long long)records);
}

static void idle_memory(void)
{
    struct kernel_slabs before;
    if (options.connections == 0)
        options.connections = IDLE_CONNECTIONS;
    start(PORTS);
    add_idle(1);
    kernel_slabs_read(&before);
    add_idle(options.connections);
    kernel_slabs_report(&options, "bytes_per_idle_connection", &before, 2.0 * options.connections);
}

/* To one address and port, as a client of one service: then no two records share a local port. */
static void time_wait_memory(void)
{
    struct kernel_slabs before;
    start(1);
    while (closed < WARM_UP)
        lifecycle_turn();
    uint64_t from = closed;
    kernel_slabs_read(&before);
    while (closed < from + RECORDS)
        lifecycle_turn();
    kernel_slabs_report(&options, "bytes_per_record_ipv4", &before, (double)(closed - from));
}

static void boundary(void)
{
    peer_report(&options, "ns_per_system_call", "ns", kernel_call_ns(), NULL, "%s", "");
}

static void lifecycle(void)
{
    run(0, lifecycle_turn, "lifecycle", 1);
}

static void rr(void)
{
    run(1, rr_turn, "request", 1);
}

static void stream(void)
{
    run(1, stream_turn, "megabyte", 1e6);
}

int main(int argc, char **argv)
{
    static const struct peer_bench benches[] = {
        {"lifecycle", lifecycle},       {"stream", stream},     {"rr", rr}, {"idle", idle_memory},
        {"timewait", time_wait_memory}, {"boundary", boundary}, {0},
    };
    return peer_main(argc, argv, &options, benches);
}
