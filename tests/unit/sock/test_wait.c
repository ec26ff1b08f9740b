/* SPDX-License-Identifier: MIT */
/* Calls that wait: for what, how long, and what ends them (op.c, receive.c, send.c). What they do
 * without waiting is compared with the kernel in tests/sockets. */
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "island.h"

struct transfer {
    struct sock_op op;
    struct msghdr message;
    struct iovec piece;
    uint8_t bytes[64];
};

static struct island island;
static struct sock *pair[2];

static int set_up(void **state)
{
    (void)state;
    island_start(&island, NULL);
    island_pair(&island, AF_INET, 0, pair);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    island_end(&island);
    return 0;
}

static void begin(struct transfer *t, enum sock_op_kind kind, struct sock *sock, size_t n,
                  int flags)
{
    memset(t, 0, sizeof *t);
    memset(t->bytes, 'a', n);
    t->piece = (struct iovec){.iov_base = t->bytes, .iov_len = n};
    t->message = (struct msghdr){.msg_iov = &t->piece, .msg_iovlen = 1};
    t->op = (struct sock_op){.kind = kind, .sock = sock, .message = &t->message, .flags = flags};
}

/* Tries now; whether it is done. */
static bool done(struct sock_op *op)
{
    island_settle(&island);
    return sock_op_try(op, island.now_ns);
}

static void set_time(struct sock *sock, int name, time_t seconds, suseconds_t microseconds)
{
    const struct timeval time = {seconds, microseconds};
    assert_int_equal(sock_set_option(sock, SOL_SOCKET, name, &time, sizeof time), 0);
}

static void set_int(struct sock *sock, int level, int name, int value)
{
    assert_int_equal(sock_set_option(sock, level, name, &value, sizeof value), 0);
}

/* ---- receive ---- */

static void receive_waits_for_data(void **state)
{
    struct transfer t;
    (void)state;
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, 0);
    assert_false(done(&t.op));
    assert_true(t.op.deadline_ns == UINT64_MAX);
    assert_int_equal(island_send(&island, pair[1], "xyz", 3, 0), 3);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, 3);
    assert_memory_equal(t.bytes, "xyz", 3);
}

static void receive_waits_for_as_much_as_was_asked(void **state)
{
    static const struct {
        int flags, low;
        size_t room;
        unsigned wanted; /* bytes that must be there */
    } rows[] = {
        {MSG_WAITALL, 1, 8, 8},
        {0, 5, 8, 5},
        {0, 5, 3, 3},
        {MSG_WAITALL | MSG_PEEK, 1, 4, 4},
        {MSG_PEEK, 2, 8, 2},
        {MSG_TRUNC, 1, 8, 1},
        {MSG_WAITALL | MSG_TRUNC, 1, 6, 6},
    };
    (void)state;
    set_int(pair[1], IPPROTO_TCP, TCP_NODELAY, 1);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct transfer t;
        uint8_t rest[64];
        set_int(pair[0], SOL_SOCKET, SO_RCVLOWAT, rows[i].low);
        begin(&t, SOCK_OP_RECEIVE, pair[0], rows[i].room, rows[i].flags);
        for (unsigned n = 0; n < rows[i].wanted; n++) {
            assert_false(done(&t.op));
            assert_int_equal(island_send(&island, pair[1], &"0123456789"[n], 1, 0), 1);
        }
        assert_true(done(&t.op));
        assert_int_equal(t.op.result, rows[i].wanted);
        if (!(rows[i].flags & MSG_TRUNC))
            assert_memory_equal(t.bytes, "0123456789", rows[i].wanted);
        if (rows[i].flags & MSG_PEEK)
            assert_int_equal(island_receive(&island, pair[0], rest, sizeof rest, MSG_DONTWAIT),
                             rows[i].wanted);
    }
}

/* With part of it there: the end of the stream, a time that is over, and a signal give that
 * part. */
static void receive_ends_with_a_part(void **state)
{
    struct transfer t;
    (void)state;
    set_time(pair[0], SO_RCVTIMEO, 2, 500000);
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, MSG_WAITALL);
    uint64_t began_ns = island.now_ns;
    assert_false(done(&t.op));
    assert_int_equal(island_send(&island, pair[1], "xyz", 3, 0), 3);
    assert_int_equal(island_do(&island, &t.op), 3);
    assert_int_equal(island.now_ns, began_ns + 2500 * ISLAND_MS);
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, 0);
    assert_int_equal(island_do(&island, &t.op), -EAGAIN);
    assert_int_equal(island.now_ns, began_ns + 5000 * ISLAND_MS);

    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, MSG_WAITALL);
    assert_false(done(&t.op));
    assert_int_equal(island_send(&island, pair[1], "xy", 2, 0), 2);
    assert_false(done(&t.op));
    sock_op_interrupt(&t.op);
    assert_int_equal(t.op.result, 2);
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, 0);
    assert_false(done(&t.op));
    sock_op_interrupt(&t.op);
    assert_int_equal(t.op.result, -EINTR);

    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, MSG_WAITALL);
    assert_false(done(&t.op));
    assert_int_equal(island_send(&island, pair[1], "z", 1, 0), 1);
    assert_int_equal(sock_shutdown(pair[1], SHUT_WR), 0);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, 1);
}

/* Linux makes of a time below 0 one that is over. */
static void a_negative_time_does_not_wait(void **state)
{
    struct transfer t;
    (void)state;
    set_time(pair[0], SO_RCVTIMEO, -1, 0);
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, 0);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, -EAGAIN);
}

static void receive_into_pieces(void **state)
{
    char a[2], b[3], c[4];
    struct iovec pieces[] = {{a, 2}, {NULL, 0}, {b, 3}, {c, 4}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 4};
    struct sock_op op = {.kind = SOCK_OP_RECEIVE, .sock = pair[0], .message = &message};
    (void)state;
    assert_int_equal(island_send(&island, pair[1], "1234567", 7, 0), 7);
    assert_int_equal(island_do(&island, &op), 7);
    assert_memory_equal(a, "12", 2);
    assert_memory_equal(b, "345", 3);
    assert_memory_equal(c, "67", 2);
    pieces[0].iov_base = NULL;
    assert_int_equal(island_do(&island, &op), -EFAULT);
    struct sock_op send = {.kind = SOCK_OP_SEND, .sock = pair[1], .message = &message};
    assert_int_equal(island_do(&island, &send), -EFAULT);
    pieces[0] = (struct iovec){a, 2};
    assert_int_equal(island_do(&island, &send), 9);
    assert_int_equal(island_do(&island, &op), 9);
}

static void inq_tells_what_is_left(void **state)
{
    struct transfer t;
    union {
        struct cmsghdr header;
        uint8_t room[64];
    } control;
    int rest;
    (void)state;
    set_int(pair[0], IPPROTO_TCP, TCP_CM_INQ, 1);
    assert_int_equal(island_send(&island, pair[1], "1234567", 7, 0), 7);
    begin(&t, SOCK_OP_RECEIVE, pair[0], 3, 0);
    t.message.msg_control = &control;
    t.message.msg_controllen = sizeof control;
    assert_int_equal(island_do(&island, &t.op), 3);
    assert_int_equal(t.message.msg_controllen, CMSG_SPACE(sizeof rest));
    assert_int_equal(control.header.cmsg_level, IPPROTO_TCP);
    assert_int_equal(control.header.cmsg_type, TCP_CM_INQ);
    memcpy(&rest, CMSG_DATA(&control.header), sizeof rest);
    assert_int_equal(rest, 4);
    t.message.msg_controllen = 4;
    assert_int_equal(island_do(&island, &t.op), 3);
    assert_int_equal(t.message.msg_flags, MSG_CTRUNC);
}

/* ---- send ---- */

static void fill(struct sock *sock)
{
    static const uint8_t zeros[65536];
    while (island_send(&island, sock, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        ;
}

static void send_waits_for_room(void **state)
{
    static uint8_t out[1 << 20];
    struct transfer t;
    (void)state;
    set_int(pair[0], SOL_SOCKET, SO_SNDBUF, 8192);
    fill(pair[0]);
    begin(&t, SOCK_OP_SEND, pair[0], 40, 0);
    assert_false(done(&t.op));
    assert_int_equal(sock_ready(pair[0]) & POLLOUT, 0);
    uint64_t edges = sock_edges(pair[0]);
    while (!done(&t.op))
        assert_true(island_receive(&island, pair[1], out, sizeof out, 0) > 0);
    assert_int_equal(t.op.result, 40);
    assert_true(sock_edges(pair[0]) > edges);
    while (island_receive(&island, pair[1], out, sizeof out, MSG_DONTWAIT) > 0)
        ;
    assert_int_equal(sock_ready(pair[0]) & POLLOUT, POLLOUT);
    fill(pair[0]);
    set_time(pair[0], SO_SNDTIMEO, 3, 0);
    uint64_t began_ns = island.now_ns;
    begin(&t, SOCK_OP_SEND, pair[0], 40, 0);
    assert_int_equal(island_do(&island, &t.op), -EAGAIN);
    assert_int_equal(island.now_ns, began_ns + 3 * ISLAND_S);
}

/* The peer resets while a call waits: the error, once. */
static void a_reset_ends_what_waits(void **state)
{
    const struct linger reset = {.l_onoff = 1};
    struct transfer out, in;
    (void)state;
    fill(pair[0]);
    begin(&out, SOCK_OP_SEND, pair[0], 40, 0);
    begin(&in, SOCK_OP_RECEIVE, pair[0], 40, 0);
    assert_false(done(&out.op));
    assert_false(done(&in.op));
    assert_int_equal(sock_set_option(pair[1], SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    island_close(&island, pair[1]);
    assert_true(done(&in.op));
    assert_int_equal(in.op.result, -ECONNRESET);
    assert_true(done(&out.op));
    assert_int_equal(out.op.result, -EPIPE);
}

static void unsent_data_can_be_bounded(void **state)
{
    static uint8_t out[1 << 20];
    struct transfer t;
    (void)state;
    fill(pair[0]); /* so that what waits is unsent: the peer has no room */
    set_int(pair[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000);
    begin(&t, SOCK_OP_SEND, pair[0], 40, MSG_DONTWAIT);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, -EAGAIN);
    assert_int_equal(sock_ready(pair[0]) & POLLOUT, 0);
    begin(&t, SOCK_OP_SEND, pair[0], 40, 0);
    unsigned turns = 0;
    uint64_t edges = sock_edges(pair[0]);
    while (!done(&t.op)) {
        assert_true(island_receive(&island, pair[1], out, sizeof out, MSG_DONTWAIT) != 0);
        island_pass(&island, ISLAND_MS);
        turns++;
    }
    assert_true(turns > 1);
    assert_int_equal(t.op.result, 40);
    assert_true(sock_edges(pair[0]) > edges);
    assert_int_equal(sock_ready(pair[0]) & POLLOUT, POLLOUT);
}

static void little_memory(struct hawser_config *config)
{
    config->buffer_bytes = 64 * 1024;
}

/* When the host has no memory a call that may wait tries again; no event would tell it when. */
static void send_waits_for_memory(void **state)
{
    uint8_t out[64];
    struct transfer t;
    struct sock *other[2];
    (void)state;
    island_start(&island, little_memory);
    island_pair(&island, AF_INET, 0, other);
    island_pair(&island, AF_INET, 0, pair);
    fill(other[0]); /* takes all there is */
    begin(&t, SOCK_OP_SEND, pair[0], 40, MSG_DONTWAIT);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, -EAGAIN);
    begin(&t, SOCK_OP_SEND, pair[0], 40, 0);
    assert_false(done(&t.op));
    assert_true(t.op.deadline_ns <= island.now_ns + ISLAND_S);
    const struct linger reset = {.l_onoff = 1};
    assert_int_equal(sock_set_option(other[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    island_close(&island, other[0]);
    assert_int_equal(island_do(&island, &t.op), 40);
    assert_int_equal(island_receive(&island, pair[1], out, sizeof out, 0), 40);
    island_end(&island);
}

/* ---- connect, accept, close ---- */

static struct sock_op connecting(struct sock *sock, struct sockaddr_in *nobody)
{
    *nobody = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(80)};
    nobody->sin_addr.s_addr = htonl(0xc6120009); /* 198.18.0.9: a hole */
    return (struct sock_op){.kind = SOCK_OP_CONNECT,
                            .sock = sock,
                            .address = (struct sockaddr *)nobody,
                            .address_length = sizeof *nobody};
}

static void connect_waits_as_long_as_it_may(void **state)
{
    struct sockaddr_in nobody;
    (void)state;
    struct sock *sock = island_socket(&island, AF_INET, 0);
    struct sock_op op = connecting(sock, &nobody);
    set_time(sock, SO_SNDTIMEO, 2, 0);
    uint64_t began_ns = island.now_ns;
    assert_int_equal(island_do(&island, &op), -EINPROGRESS);
    assert_int_equal(island.now_ns, began_ns + 2 * ISLAND_S);
    assert_int_equal(island_do(&island, &op), -EALREADY);
    assert_int_equal(island.now_ns, began_ns + 4 * ISLAND_S);
    set_time(sock, SO_SNDTIMEO, 0, 0);
    assert_false(done(&op));
    sock_op_interrupt(&op);
    assert_int_equal(op.result, -EINTR);
    assert_int_equal(island_do(&island, &op), -ETIMEDOUT);
}

static void accept_waits(void **state)
{
    (void)state;
    struct sock *listener = island_socket(&island, AF_INET, 0);
    uint16_t port = island_listen(&island, listener, AF_INET, 0);
    struct sock_op op = {.kind = SOCK_OP_ACCEPT, .sock = listener, .flags = SOCK_NONBLOCK};
    set_time(listener, SO_RCVTIMEO, 1, 0);
    set_int(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(listener, SOL_SOCKET, SO_OOBINLINE, 1);
    uint64_t began_ns = island.now_ns;
    assert_int_equal(island_do(&island, &op), -EAGAIN);
    assert_int_equal(island.now_ns, began_ns + ISLAND_S);
    assert_false(done(&op));
    struct sock *client = island_socket(&island, AF_INET, 0);
    assert_int_equal(island_connect(&island, client, AF_INET, port), 0);
    assert_true(done(&op));
    assert_int_equal(op.result, 0);
    assert_true(sock_is_nonblocking(op.accepted));
    assert_int_equal(island_get(op.accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(island_get(op.accepted, SOL_SOCKET, SO_OOBINLINE), 1);
    assert_false(done(&op));
    assert_int_equal(sock_shutdown(listener, SHUT_RD), 0);
    assert_true(done(&op));
    assert_int_equal(op.result, -EINVAL);
}

static void close_lingers(void **state)
{
    static uint8_t out[1 << 20];
    const struct linger linger = {.l_onoff = 1, .l_linger = 5};
    (void)state;
    assert_int_equal(sock_set_option(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    fill(pair[0]);
    struct sock_op op = {.kind = SOCK_OP_CLOSE, .sock = pair[0]};
    uint64_t began_ns = island.now_ns;
    assert_int_equal(island_do(&island, &op), 0);
    assert_int_equal(island.now_ns, began_ns + 5 * ISLAND_S); /* the peer does not read */
    while (island_receive(&island, pair[1], out, sizeof out, 0) > 0)
        ; /* what was queued still comes, to its end */

    struct sock *again[2];
    island_pair(&island, AF_INET, 0, again);
    assert_int_equal(sock_set_option(again[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    fill(again[0]);
    op = (struct sock_op){.kind = SOCK_OP_CLOSE, .sock = again[0]};
    began_ns = island.now_ns;
    assert_false(done(&op));
    while (!done(&op)) {
        assert_true(island_receive(&island, again[1], out, sizeof out, MSG_DONTWAIT) != 0);
        island_pass(&island, ISLAND_MS);
    }
    assert_true(island.now_ns < began_ns + 5 * ISLAND_S); /* all was acknowledged before */
    struct sock *third[2];
    island_pair(&island, AF_INET, 0, third);
    assert_int_equal(sock_set_option(third[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    fill(third[0]);
    op = (struct sock_op){.kind = SOCK_OP_CLOSE, .sock = third[0]};
    assert_false(done(&op));
    sock_op_interrupt(&op);
    assert_int_equal(op.result, 0);
}

/* As close(2) while another thread is in recv(2): the socket lives until that call is over. */
static void a_call_keeps_its_socket(void **state)
{
    struct transfer t;
    (void)state;
    begin(&t, SOCK_OP_RECEIVE, pair[0], 10, 0);
    assert_false(done(&t.op));
    island_close(&island, pair[0]);
    assert_int_equal(island_send(&island, pair[1], "x", 1, 0), 1);
    assert_true(done(&t.op));
    assert_int_equal(t.op.result, 1);
    island_settle(&island);
    assert_int_equal(island_receive(&island, pair[1], t.bytes, 1, 0), 0); /* now it is closed */
}

/* ---- the rest ---- */

static void what_is_refused_is_named(void **state)
{
    int one = 1;
    socklen_t length = sizeof one;
    (void)state;
    assert_null(sock_unsupported(island.net));
    assert_int_equal(sock_set_option(pair[0], IPPROTO_TCP, 31, "x", 1), -EINVAL);
    assert_int_equal(sock_set_option(pair[0], IPPROTO_TCP, TCP_FASTOPEN, &one, 4), -ENOPROTOOPT);
    assert_string_equal(sock_unsupported(island.net), "setsockopt IPPROTO_TCP 23");
    assert_null(sock_unsupported(island.net));
    assert_int_equal(sock_get_option(pair[0], 1234, 5, &one, &length), -EOPNOTSUPP);
    assert_string_equal(sock_unsupported(island.net), "getsockopt 1234 5");
}

static void flags_and_requests(void **state)
{
    int number = 1;
    (void)state;
    assert_int_equal(sock_fcntl(pair[0], 3 /* F_GETFL */, 0), 2);
    assert_int_equal(sock_ioctl(pair[0], 0x5421 /* FIONBIO */, &number), 0);
    assert_true(sock_is_nonblocking(pair[0]));
    assert_int_equal(sock_fcntl(pair[0], 3, 0), 2 | 04000);
    assert_int_equal(sock_fcntl(pair[0], 1000, 0), -EINVAL);
    assert_int_equal(sock_ioctl(pair[0], 1, &number), -ENOTTY);
    assert_int_equal(sock_ioctl(pair[0], SIOCINQ, NULL), -EFAULT);
    assert_true(sock_handle(pair[0]) != 0);
}

static void sockets_that_cannot_be(void **state)
{
    static const struct {
        int domain, type, protocol, result;
    } rows[] = {
        {AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
        {AF_INET, SOCK_DGRAM, 0, -ESOCKTNOSUPPORT},
        {AF_INET, SOCK_STREAM | 0x10000, 0, -EINVAL},
        {AF_INET, SOCK_STREAM, -1, -EINVAL},
        {AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP, 0},
    };
    struct sock *sock;
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(
            sock_open(island.net, rows[i].domain, rows[i].type, rows[i].protocol, &sock),
            rows[i].result);
}

int main(void)
{
#define WAIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WAIT_TEST(receive_waits_for_data),
        WAIT_TEST(receive_waits_for_as_much_as_was_asked),
        WAIT_TEST(receive_ends_with_a_part),
        WAIT_TEST(a_negative_time_does_not_wait),
        WAIT_TEST(receive_into_pieces),
        WAIT_TEST(inq_tells_what_is_left),
        WAIT_TEST(send_waits_for_room),
        WAIT_TEST(a_reset_ends_what_waits),
        WAIT_TEST(unsent_data_can_be_bounded),
        cmocka_unit_test(send_waits_for_memory),
        WAIT_TEST(connect_waits_as_long_as_it_may),
        WAIT_TEST(accept_waits),
        WAIT_TEST(close_lingers),
        WAIT_TEST(a_call_keeps_its_socket),
        WAIT_TEST(what_is_refused_is_named),
        WAIT_TEST(flags_and_requests),
        WAIT_TEST(sockets_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
