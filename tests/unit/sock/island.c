/* SPDX-License-Identifier: MIT */
/* A host that talks to itself: see island.h. */
#include "island.h"

#include <arpa/inet.h>

#define ROUNDS_MAX 10000u

static void add_address(struct island *island, uint32_t link, const char *text, unsigned bits)
{
    struct hawser_address address;
    assert_int_equal(hawser_address_scan(text, &address), 0);
    assert_int_equal(hawser_address_add(island->host, link, &address, bits), 0);
}

void island_start(struct island *island, void (*tune)(struct hawser_config *config))
{
    const struct hawser_link_config loopback = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
    const struct hawser_link_config nowhere = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    uint32_t link;
    memset(island, 0, sizeof *island);
    test_memory_init(&island->memory);
    hawser_config_defaults(&island->config);
    island->config.memory = island->memory.source;
    island->config.chunk_bytes = 64 * 1024;
    memset(island->config.entropy, 7, sizeof island->config.entropy);
    if (tune != NULL)
        tune(&island->config);
    island->now_ns = 1000 * ISLAND_S;
    assert_int_equal(hawser_host_create(&island->config, island->now_ns, &island->host), 0);
    assert_int_equal(hawser_link_add(island->host, &loopback, &link), 0);
    add_address(island, link, "127.0.0.1", 8);
    add_address(island, link, "::1", 128);
    assert_int_equal(hawser_link_add(island->host, &nowhere, &link), 0);
    add_address(island, link, "198.18.0.1", 24);
    add_address(island, link, "2001:db8::1", 64);
    assert_int_equal(sock_net_create(island->host, island->now_ns, &island->net), 0);
}

void island_end(struct island *island)
{
    sock_net_destroy(island->net);
    hawser_host_destroy(island->host);
    test_memory_deinit(&island->memory);
}

void island_settle(struct island *island)
{
    uint8_t frame[2048];
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        hawser_expire(island->host, island->now_ns);
        for (uint32_t link = 0; link < 2; link++) {
            struct hawser_buffer buffer = {.data = frame, .capacity = sizeof frame};
            while (hawser_output(island->host, link, island->now_ns, &buffer, 1) > 0)
                ; /* lost */
        }
        sock_net_turn(island->net, island->now_ns);
        if (hawser_next_deadline(island->host) > island->now_ns)
            return;
    }
    fail_msg("the host does not come to rest");
}

/* To the next thing that happens, at the latest to until_ns. */
static void pass_to(struct island *island, uint64_t until_ns)
{
    uint64_t next_ns = hawser_next_deadline(island->host);
    uint64_t at_ns = next_ns < until_ns ? next_ns : until_ns;
    island->now_ns = at_ns > island->now_ns ? at_ns : island->now_ns;
    island_settle(island);
}

void island_pass(struct island *island, uint64_t ns)
{
    uint64_t until_ns = island->now_ns + ns;
    island_settle(island);
    while (island->now_ns < until_ns)
        pass_to(island, until_ns);
}

int64_t island_do(struct island *island, struct sock_op *op)
{
    uint64_t limit_ns = island->now_ns + 86400 * ISLAND_S;
    while (!sock_op_try(op, island->now_ns)) {
        uint64_t before_ns = island->now_ns;
        island_settle(island);
        if (sock_op_try(op, island->now_ns))
            break;
        pass_to(island, op->deadline_ns < limit_ns ? op->deadline_ns : limit_ns);
        if (island->now_ns == before_ns && before_ns == limit_ns)
            fail_msg("a call waits for ever");
    }
    island_settle(island);
    return op->result;
}

struct sockaddr_storage island_address(int domain, uint16_t port)
{
    struct sockaddr_storage out;
    memset(&out, 0, sizeof out);
    if (domain == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&out;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        in6->sin6_addr = in6addr_loopback;
    }
    return out;
}

socklen_t island_length(int domain)
{
    return domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

struct sock *island_socket(struct island *island, int domain, int type_flags)
{
    struct sock *sock = NULL;
    assert_int_equal(sock_open(island->net, domain, SOCK_STREAM | type_flags, 0, &sock), 0);
    return sock;
}

uint16_t island_listen(struct island *island, struct sock *sock, int domain, uint16_t port)
{
    struct sockaddr_storage address = island_address(domain, port);
    socklen_t length = sizeof address;
    assert_int_equal(sock_bind(sock, (struct sockaddr *)&address, island_length(domain)), 0);
    assert_int_equal(sock_listen(sock, 16), 0);
    assert_int_equal(sock_name(sock, (struct sockaddr *)&address, &length), 0);
    island_settle(island);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int64_t island_connect(struct island *island, struct sock *sock, int domain, uint16_t port)
{
    struct sockaddr_storage address = island_address(domain, port);
    struct sock_op op = {.kind = SOCK_OP_CONNECT,
                         .sock = sock,
                         .address = (struct sockaddr *)&address,
                         .address_length = island_length(domain)};
    return island_do(island, &op);
}

struct sock *island_accept(struct island *island, struct sock *listener)
{
    struct sock_op op = {.kind = SOCK_OP_ACCEPT, .sock = listener};
    assert_int_equal(island_do(island, &op), 0);
    return op.accepted;
}

static int64_t transfer(struct island *island, enum sock_op_kind kind, struct sock *sock,
                        void *data, size_t n, int flags)
{
    struct iovec piece = {.iov_base = data, .iov_len = n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    struct sock_op op = {.kind = kind, .sock = sock, .message = &message, .flags = flags};
    return island_do(island, &op);
}

int64_t island_send(struct island *island, struct sock *sock, const void *data, size_t n, int flags)
{
    return transfer(island, SOCK_OP_SEND, sock, (void *)(uintptr_t)data, n, flags);
}

int64_t island_receive(struct island *island, struct sock *sock, void *out, size_t n, int flags)
{
    return transfer(island, SOCK_OP_RECEIVE, sock, out, n, flags);
}

void island_close(struct island *island, struct sock *sock)
{
    sock_close(sock, island->now_ns);
    island_settle(island);
}

void island_pair(struct island *island, int domain, int type_flags, struct sock *pair[2])
{
    struct sock *listener = island_socket(island, domain, 0);
    uint16_t port = island_listen(island, listener, domain, 0);
    pair[0] = island_socket(island, domain, 0);
    assert_int_equal(island_connect(island, pair[0], domain, port), 0);
    pair[1] = island_accept(island, listener);
    island_close(island, listener);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(sock_fcntl(pair[i], 4 /* F_SETFL */, type_flags & SOCK_NONBLOCK), 0);
}

int island_get(struct sock *sock, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    assert_int_equal(sock_get_option(sock, level, name, &value, &length), 0);
    assert_int_equal(length, sizeof value);
    return value;
}
