/* SPDX-License-Identifier: MIT */
/* The two sides of a comparison: see twins.h. */
#include "twins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hawser/port/memory.h>

#include "sock/sock.h"

/* The kernel's loopback mostly answers at once; a delayed ACK takes 40 ms. */
static const unsigned patience_us[] = {1, 5000, 60000};

static struct hawser_host *host;
static struct sock_net *net;
static uint64_t now_ns = 1000000000;
static unsigned settle_us = 1;

/* ---- both worlds ---- */

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void add_address(uint32_t link, const char *text, unsigned bits)
{
    struct hawser_address address;
    must(hawser_address_scan(text, &address) == 0 &&
             hawser_address_add(host, link, &address, bits) == 0,
         text);
}

static void make_host(void)
{
    const struct hawser_link_config loopback = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 1500};
    const struct hawser_link_config nowhere = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    struct hawser_config config;
    uint32_t link;
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    memset(config.entropy, 3, sizeof config.entropy);
    must(hawser_host_create(&config, now_ns, &host) == 0, "host");
    must(hawser_link_add(host, &loopback, &link) == 0, "link");
    add_address(link, "127.0.0.1", 8);
    add_address(link, "::1", 128);
    must(hawser_link_add(host, &nowhere, &link) == 0, "link");
    add_address(link, "198.18.0.1", 24);
    add_address(link, "2001:db8::1", 64);
    must(sock_net_create(host, now_ns, &net) == 0, "net");
}

void sides_start(struct side *kernel, struct side *own)
{
    memset(kernel, 0, sizeof *kernel);
    memset(own, 0, sizeof *own);
    kernel->is_kernel = true;
    for (unsigned i = 0; i < SIDE_SOCKETS; i++)
        kernel->fd[i] = own->fd[i] = -1;
    make_host();
}

void sides_end(struct side *own)
{
    side_clear(own);
    sock_net_destroy(net);
    hawser_host_destroy(host);
}

static void settle_own(void)
{
    uint8_t frame[2048];
    do {
        hawser_expire(host, now_ns);
        for (uint32_t link = 0; link < 2; link++) {
            struct hawser_buffer buffer = {.data = frame, .capacity = sizeof frame};
            while (hawser_output(host, link, now_ns, &buffer, 1) > 0)
                ; /* lost */
        }
        sock_net_turn(net, now_ns);
    } while (hawser_next_deadline(host) <= now_ns);
}

void side_settle(struct side *s)
{
    if (s->is_kernel) {
        if (settle_us == patience_us[0])
            (void)sched_yield();
        else
            (void)usleep(settle_us);
        return;
    }
    now_ns += settle_us * 1000;
    settle_own();
}

void side_clear(struct side *s)
{
    const struct linger reset = {.l_onoff = 1};
    for (unsigned i = 0; i < SIDE_SOCKETS; i++) {
        if (s->fd[i] < 0 && s->sock[i] == NULL)
            continue;
        (void)side_set(s, i, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        side_close(s, i);
    }
    memset(s->port, 0, sizeof s->port);
    s->said_count = 0;
    side_settle(s);
}

void say(struct side *s, int64_t number)
{
    if (s->said_count < SAID_MAX)
        s->said[s->said_count++] = number;
}

/* ---- calls ---- */

static int result_of(long result)
{
    return result < 0 ? -errno : (int)result;
}

int side_socket(struct side *s, unsigned i, int domain)
{
    if (!s->is_kernel)
        return sock_open(net, domain, SOCK_STREAM | SOCK_NONBLOCK, 0, &s->sock[i]);
    s->fd[i] = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return s->fd[i] < 0 ? -errno : 0;
}

int side_bind(struct side *s, unsigned i, const struct sockaddr *address, socklen_t length)
{
    return s->is_kernel ? result_of(bind(s->fd[i], address, length))
                        : sock_bind(s->sock[i], address, length);
}

static int64_t run(struct sock_op *op)
{
    if (!sock_op_try(op, now_ns)) {
        fprintf(stderr, "a socket that is non-blocking waits\n");
        exit(1);
    }
    settle_own();
    return op->result;
}

int side_connect(struct side *s, unsigned i, const struct sockaddr *address, socklen_t length)
{
    struct sock_op op = {
        .kind = SOCK_OP_CONNECT, .sock = s->sock[i], .address = address, .address_length = length};
    int result = s->is_kernel ? result_of(connect(s->fd[i], address, length)) : (int)run(&op);
    side_settle(s);
    return result;
}

int side_listen(struct side *s, unsigned i, int backlog)
{
    return s->is_kernel ? result_of(listen(s->fd[i], backlog)) : sock_listen(s->sock[i], backlog);
}

int side_accept(struct side *s, unsigned i, unsigned as, int flags)
{
    struct sock_op op = {.kind = SOCK_OP_ACCEPT, .sock = s->sock[i], .flags = flags};
    if (s->is_kernel) {
        int fd = accept4(s->fd[i], NULL, NULL, flags);
        if (fd < 0)
            return -errno;
        s->fd[as] = fd;
        return 0;
    }
    int result = (int)run(&op);
    if (result == 0)
        s->sock[as] = op.accepted;
    return result;
}

int64_t side_send(struct side *s, unsigned i, const void *data, size_t n, int flags)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct sock_op op = {.kind = SOCK_OP_SEND,
                         .sock = s->sock[i],
                         .message = &message,
                         .flags = flags | MSG_NOSIGNAL};
    int64_t result =
        s->is_kernel ? result_of(sendmsg(s->fd[i], &message, flags | MSG_NOSIGNAL)) : run(&op);
    side_settle(s);
    return result;
}

int64_t side_receive(struct side *s, unsigned i, void *out, size_t n, int flags, int *flags_out)
{
    struct iovec piece = {.iov_base = out, .iov_len = n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct sock_op op = {
        .kind = SOCK_OP_RECEIVE, .sock = s->sock[i], .message = &message, .flags = flags};
    int64_t result = s->is_kernel ? result_of(recvmsg(s->fd[i], &message, flags)) : run(&op);
    if (flags_out != NULL)
        *flags_out = result >= 0 ? message.msg_flags & ~MSG_CMSG_CLOEXEC : 0;
    side_settle(s);
    return result;
}

int side_shutdown(struct side *s, unsigned i, int how)
{
    int result = s->is_kernel ? result_of(shutdown(s->fd[i], how)) : sock_shutdown(s->sock[i], how);
    side_settle(s);
    return result;
}

int side_poll(struct side *s, unsigned i)
{
    const short all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM;
    struct pollfd p = {.fd = s->fd[i], .events = all};
    if (!s->is_kernel)
        return sock_ready(s->sock[i]);
    must(poll(&p, 1, 0) >= 0, "poll");
    return p.revents;
}

int side_set(struct side *s, unsigned i, int level, int name, const void *value, socklen_t length)
{
    return s->is_kernel ? result_of(setsockopt(s->fd[i], level, name, value, length))
                        : sock_set_option(s->sock[i], level, name, value, length);
}

int side_get(struct side *s, unsigned i, int level, int name, void *value, socklen_t *length)
{
    return s->is_kernel ? result_of(getsockopt(s->fd[i], level, name, value, length))
                        : sock_get_option(s->sock[i], level, name, value, length);
}

int side_ioctl(struct side *s, unsigned i, unsigned long request, int *argument)
{
    return s->is_kernel ? result_of(ioctl(s->fd[i], request, argument))
                        : sock_ioctl(s->sock[i], request, argument);
}

int side_name(struct side *s, unsigned i, bool peer, struct sockaddr *address, socklen_t *length)
{
    if (!s->is_kernel)
        return peer ? sock_peer(s->sock[i], address, length)
                    : sock_name(s->sock[i], address, length);
    return result_of(peer ? getpeername(s->fd[i], address, length)
                          : getsockname(s->fd[i], address, length));
}

void side_close(struct side *s, unsigned i)
{
    if (s->is_kernel && s->fd[i] >= 0)
        (void)close(s->fd[i]);
    if (!s->is_kernel && s->sock[i] != NULL)
        sock_close(s->sock[i], now_ns);
    s->fd[i] = -1;
    s->sock[i] = NULL;
    side_settle(s);
}

/* ---- shorthands ---- */

struct end end_of(const char *address, uint16_t port)
{
    struct end end;
    memset(&end, 0, sizeof end);
    if (strchr(address, ':') == NULL) {
        struct sockaddr_in *in = (struct sockaddr_in *)&end.address.storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        must(inet_pton(AF_INET, address, &in->sin_addr) == 1, address);
        end.length = sizeof *in;
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&end.address.storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        must(inet_pton(AF_INET6, address, &in6->sin6_addr) == 1, address);
        end.length = sizeof *in6;
    }
    return end;
}

const char *loopback_of(const struct side *s)
{
    if (s->domain == AF_INET)
        return "127.0.0.1";
    return s->mapped ? "::ffff:127.0.0.1" : "::1";
}

void side_set_int(struct side *s, unsigned i, int level, int name, int value)
{
    (void)side_set(s, i, level, name, &value, sizeof value);
}

int side_get_int(struct side *s, unsigned i, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    int result = side_get(s, i, level, name, &value, &length);
    return result < 0 ? result : value;
}

uint16_t side_port(struct side *s, unsigned i)
{
    struct end end;
    end.length = sizeof end.address;
    if (side_name(s, i, false, &end.address.any, &end.length) != 0)
        return 0;
    s->port[i] = ntohs(((struct sockaddr_in *)&end.address.storage)->sin_port);
    return s->port[i];
}

/* ---- comparing ---- */

static bool said_the_same(const struct side *kernel, const struct side *own)
{
    return kernel->said_count == own->said_count &&
           memcmp(kernel->said, own->said, kernel->said_count * sizeof kernel->said[0]) == 0;
}

static void print_said(const char *who, const struct side *s)
{
    printf("  %s", who);
    for (unsigned i = 0; i < s->said_count; i++)
        printf(" %lld", (long long)s->said[i]);
    printf("\n");
}

bool sides_compare(struct side *kernel, struct side *own,
                   void (*act)(struct side *s, void *context), void *context, const char *what)
{
    bool same = false;
    for (unsigned i = 0; i < sizeof patience_us / sizeof patience_us[0] && !same; i++) {
        settle_us = patience_us[i];
        kernel->said_count = own->said_count = 0;
        act(kernel, context);
        act(own, context);
        same = said_the_same(kernel, own);
    }
    settle_us = patience_us[0];
    if (same)
        return true;
    printf("%s:\n", what);
    print_said("kernel", kernel);
    print_said("Hawser", own);
    return false;
}
