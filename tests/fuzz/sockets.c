/* SPDX-License-Identifier: MIT */
/* Fuzz target: socket calls in any order with any arguments, on a host whose connections go to
 * itself, or into the void; calls that wait, and signals that end them. What sock_ready says must
 * be true. */
#include "fuzz/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "sock/sock.h"

#define SOCKETS 8u
#define WAITING 3u
#define TEXT_MAX 4096u
#define CONTROL_MAX 128u
#define ERRNO_MAX 200

struct socket {
    struct sock *sock;      /* NULL: empty */
    hawser_tcp tcp;         /* the connection that those are of: */
    uint32_t written, read; /* octets of its streams so far */
    bool marks;             /* urgent octets leave the stream: nothing is compared any more */
};

/* A call under way, and all that it points to. */
struct call {
    struct sock_op op;
    struct msghdr message;
    struct iovec pieces[3];
    struct socket *socket; /* NULL: none is under way */
    uint8_t *text, *control, *address;
};

struct sockets {
    struct machine machine;
    struct sock_net *net;
    struct socket sockets[SOCKETS];
    struct call calls[WAITING];
};

/* 0 or more, or -errno. */
static int64_t checked(int64_t result)
{
    REQUIRE(result > -ERRNO_MAX);
    if (result < 0)
        fuzz_say("   -%s\n", strerrorname_np((int)-result));
    return result;
}

static struct socket *room(struct sockets *s)
{
    for (unsigned i = 0; i < SOCKETS; i++) {
        if (s->sockets[i].sock == NULL)
            return &s->sockets[i];
    }
    return NULL;
}

static bool is_waiting(const struct sockets *s, const struct socket *socket)
{
    for (unsigned i = 0; i < WAITING; i++) {
        if (s->calls[i].socket == socket)
            return true;
    }
    return false;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* In a piece of exactly `length` octets; the caller frees it. */
static uint8_t *address_of(const struct fuzz_op *op, socklen_t *length)
{
    struct sockaddr_storage whole = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&whole;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&whole;
    uint16_t port = op->d & 4 ? 0 : (uint16_t)(80 + op->d % 4u);
    bool away = op->d & 8;
    if (op->c & 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        in6->sin6_addr = op->c & 2 ? in6addr_any : in6addr_loopback;
        if (away)
            memset(&in6->sin6_addr, op->e & 0xff, op->e >> 8 & 15);
        *length = sizeof *in6;
    } else {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        in->sin_addr.s_addr = htonl(op->c & 2 ? INADDR_ANY : away ? op->e : INADDR_LOOPBACK);
        *length = sizeof *in;
    }
    if (op->c & 32)
        whole.ss_family = op->c & 64 ? AF_UNSPEC : (sa_family_t)(op->e & 0xff);
    if (op->c & 16)
        *length = op->e % sizeof whole;
    uint8_t *exact = malloc(*length > 0 ? *length : 1);
    REQUIRE(exact != NULL);
    memcpy(exact, &whole, *length);
    return exact;
}

static void names(struct sockets *s, struct socket *socket, const struct fuzz_op *op)
{
    (void)s;
    socklen_t length = op->d % 40u, full = length;
    uint8_t *exact = malloc(length > 0 ? length : 1);
    REQUIRE(exact != NULL);
    int result = op->e & 1 ? sock_name(socket->sock, (struct sockaddr *)exact, &full)
                           : sock_peer(socket->sock, (struct sockaddr *)exact, &full);
    checked(result);
    REQUIRE(result != 0 || full == sizeof(struct sockaddr_in) ||
            full == sizeof(struct sockaddr_in6));
    free(exact);
}

/* ---- calls that may wait --------------------------------------------------------------------- */

static void finished(struct sockets *s, struct call *call)
{
    struct socket *socket = call->socket;
    int64_t result = checked(call->op.result);
    fuzz_say("   call %d done: %lld\n", call->op.kind, (long long)result);
    call->socket = NULL;
    switch (call->op.kind) {
    case SOCK_OP_CONNECT:
        if (sock_handle(call->op.sock) !=
            socket->tcp) { /* connect may also only tell how it went */
            socket->tcp = sock_handle(call->op.sock);
            socket->written = socket->read = 0;
        }
        break;
    case SOCK_OP_ACCEPT: {
        struct socket *fresh = result == 0 ? room(s) : NULL;
        REQUIRE((result == 0) == (call->op.accepted != NULL));
        if (fresh != NULL)
            *fresh = (struct socket){.sock = call->op.accepted,
                                     .tcp = sock_handle(call->op.accepted),
                                     .marks = socket->marks};
        else if (result == 0)
            sock_close(call->op.accepted, s->machine.now_ns);
        break;
    }
    case SOCK_OP_RECEIVE:
        if (result > 0 && !(call->op.flags & (MSG_OOB | MSG_ERRQUEUE))) {
            bool thrown_away = call->op.flags & MSG_TRUNC;
            for (int64_t i = 0; i < result && !thrown_away && !socket->marks; i++)
                REQUIRE(call->text[i] == fuzz_octet(7, socket->read + (uint32_t)i));
            if (!(call->op.flags & MSG_PEEK))
                socket->read += (uint32_t)result;
        }
        break;
    case SOCK_OP_SEND:
        if (result > 0)
            socket->written += (uint32_t)result;
        break;
    case SOCK_OP_CLOSE:
        socket->sock = NULL;
        break;
    }
    free(call->text);
    free(call->control);
    free(call->address);
}

static void try_call(struct sockets *s, struct call *call)
{
    short ready = call->op.kind == SOCK_OP_CLOSE ? 0 : sock_ready(call->op.sock);
    bool plain = call->op.kind == SOCK_OP_RECEIVE && call->op.flags == MSG_DONTWAIT;
    bool was_mark = call->socket->marks;
    if (!sock_op_try(&call->op, s->machine.now_ns))
        return;
    int64_t result = call->op.result;
    /* What poll promised. */
    if (plain && (ready & (POLLIN | POLLHUP)) && !was_mark)
        REQUIRE(result != -EAGAIN);
    if (call->op.kind == SOCK_OP_ACCEPT && (ready & POLLIN))
        REQUIRE(result != -EAGAIN);
    if (call->op.kind == SOCK_OP_SEND && (call->op.flags & MSG_DONTWAIT) && (ready & POLLOUT))
        REQUIRE(result != -EAGAIN || (ready & POLLERR));
    finished(s, call);
}

static struct call *begin_call(struct sockets *s, struct socket *socket, enum sock_op_kind kind)
{
    for (unsigned i = 0; i < WAITING; i++) {
        struct call *call = &s->calls[i];
        if (call->socket != NULL)
            continue;
        *call = (struct call){.socket = socket};
        call->op.kind = kind;
        call->op.sock = socket->sock;
        return call;
    }
    return NULL;
}

static void transfer(struct sockets *s, struct socket *socket, const struct fuzz_op *op, bool send)
{
    static const int flags[] = {MSG_DONTWAIT,
                                MSG_DONTWAIT,
                                0,
                                MSG_PEEK | MSG_DONTWAIT,
                                MSG_WAITALL,
                                MSG_TRUNC,
                                MSG_OOB,
                                MSG_ERRQUEUE,
                                MSG_NOSIGNAL,
                                MSG_MORE,
                                MSG_DONTWAIT | MSG_MORE,
                                MSG_PEEK};
    struct call *call = begin_call(s, socket, send ? SOCK_OP_SEND : SOCK_OP_RECEIVE);
    if (call == NULL)
        return;
    uint32_t n = op->d % TEXT_MAX, first = n > 0 ? op->e % n : 0;
    uint32_t control = op->f % CONTROL_MAX;
    call->text = malloc(n > 0 ? n : 1);
    call->control = calloc(1, control > 0 ? control : 1);
    REQUIRE(call->text != NULL && call->control != NULL);
    fuzz_octets(7, socket->written, call->text, n);
    call->pieces[0] = (struct iovec){call->text, first};
    call->pieces[1] = (struct iovec){NULL, 0};
    call->pieces[2] = (struct iovec){call->text + first, n - first};
    call->message.msg_iov = call->pieces;
    call->message.msg_iovlen = op->b & 0x80 ? 0 : COUNT_OF(call->pieces);
    call->message.msg_control = control > 0 && !send ? call->control : NULL;
    call->message.msg_controllen = control > 0 && !send ? control : 0;
    call->op.message = &call->message;
    call->op.flags = op->b & 0x40 ? op->g : flags[op->b % COUNT_OF(flags)];
    if (call->op.flags & MSG_OOB) {
        for (unsigned i = 0; i < SOCKETS; i++)
            s->sockets[i].marks = true;
    }
    try_call(s, call);
}

static void other_call(struct sockets *s, struct socket *socket, const struct fuzz_op *op,
                       enum sock_op_kind kind)
{
    if (kind == SOCK_OP_CLOSE && is_waiting(s, socket))
        return;
    struct call *call = begin_call(s, socket, kind);
    if (call == NULL)
        return;
    if (kind == SOCK_OP_CONNECT) {
        call->address = address_of(op, &call->op.address_length);
        call->op.address = (const struct sockaddr *)call->address;
    }
    if (kind == SOCK_OP_ACCEPT)
        call->op.flags = op->b & 1 ? SOCK_NONBLOCK : 0;
    try_call(s, call);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void options(struct socket *socket, const struct fuzz_op *op)
{
    static const int levels[] = {SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6};
    int level = op->b & 0x40 ? op->f : levels[op->b % COUNT_OF(levels)], name = op->c;
    socklen_t length = op->b & 4 ? op->g % 300u : sizeof(int), room_there = length;
    uint8_t *exact = calloc(1, length > 0 ? length : 1);
    REQUIRE(exact != NULL);
    int value = op->b & 8 ? (int)(int16_t)op->d : (int)(op->d & 15);
    memcpy(exact, &value, length < sizeof value ? length : sizeof value);
    if (length >= sizeof value + 2)
        memcpy(exact + sizeof value, &op->e, 2);
    if (level == SOL_SOCKET && name == SO_OOBINLINE)
        socket->marks = true;
    if (op->b & 0x20) {
        int result = sock_get_option(socket->sock, level, name, exact, &length);
        checked(result);
        REQUIRE(result != 0 || length <= room_there);
    } else {
        checked(sock_set_option(socket->sock, level, name, exact, length));
    }
    free(exact);
}

static void settings(const struct sockets *s, const struct fuzz_op *op)
{
    static const char digits[] = "0123456789 -x.\t\n";
    struct hawser_config config = *hawser_config_of(s->machine.host);
    unsigned count = 0;
    const char *why = NULL;
    char value[9], text[40];
    while (sock_setting_name(count) != NULL)
        count++;
    const char *name = op->b & 1 ? "net.ipv4.none" : sock_setting_name(op->c % count);
    const uint16_t parts[4] = {op->d, op->e, op->f, op->g};
    for (unsigned i = 0; i < 8; i++)
        value[i] = digits[parts[i / 2] >> (i % 2 * 4) & 15];
    value[op->a % sizeof value] = '\0';
    value[8] = '\0';
    int result = sock_setting_set(&config, name, value, &why);
    REQUIRE(result == 0 || result == -EINVAL || result == -ENOENT || result == -EOPNOTSUPP);
    size_t there = op->a % sizeof text;
    int length = sock_setting_get(&config, name, text, there);
    REQUIRE(length < 0 || (size_t)length < sizeof text);
    if (result == 0) {
        const char *field;
        REQUIRE(hawser_config_check(&config, &field) == 0);
    }
}

static void small_calls(struct sockets *s, struct socket *socket, const struct fuzz_op *op)
{
    static const unsigned long requests[] = {FIONREAD, TIOCOUTQ, 0x894b, SIOCATMARK, FIONBIO, 1};
    int argument = op->d;
    switch (op->c % 6) {
    case 0:
        checked(
            sock_fcntl(socket->sock, op->b & 1 ? F_GETFL : F_SETFL, op->b & 2 ? O_NONBLOCK : 0));
        break;
    case 1:
        checked(sock_ioctl(socket->sock, requests[op->b % COUNT_OF(requests)], &argument));
        break;
    case 2:
        checked(sock_shutdown(socket->sock, op->b % 4));
        break;
    case 3:
        names(s, socket, op);
        break;
    case 4:
        settings(s, op);
        break;
    default: {
        const char *unsupported = sock_unsupported(s->net);
        REQUIRE(unsupported == NULL || strlen(unsupported) < 200);
        sock_edges(socket->sock);
        sock_is_nonblocking(socket->sock);
        sock_handle(socket->sock);
        break;
    }
    }
}

static void open_one(struct sockets *s, const struct fuzz_op *op)
{
    struct socket *fresh = room(s);
    if (fresh == NULL)
        return;
    int domain = op->b & 0x10 ? op->c : op->b & 1 ? AF_INET6 : AF_INET;
    int type = (op->b & 0x20 ? op->d : SOCK_STREAM) | (op->b & 2 ? SOCK_NONBLOCK : 0);
    struct sock *sock = NULL;
    int result = sock_open(s->net, domain, type, op->b & 0x40 ? op->e : 0, &sock);
    checked(result);
    REQUIRE((result == 0) == (sock != NULL));
    if (result == 0)
        *fresh = (struct socket){.sock = sock};
}

static void bind_one(struct socket *socket, const struct fuzz_op *op)
{
    socklen_t length;
    uint8_t *address = address_of(op, &length);
    checked(sock_bind(socket->sock, (const struct sockaddr *)address, length));
    free(address);
}

/* All that waits is tried once more. */
static void turn(void *context)
{
    struct sockets *s = context;
    sock_net_turn(s->net, s->machine.now_ns);
    for (unsigned i = 0; i < WAITING; i++) {
        if (s->calls[i].socket != NULL)
            try_call(s, &s->calls[i]);
    }
}

static void interrupt(struct sockets *s, unsigned which)
{
    struct call *call = &s->calls[which % WAITING];
    if (call->socket == NULL)
        return;
    sock_op_interrupt(&call->op);
    finished(s, call);
}

static void run_op(struct sockets *s, const struct fuzz_op *op)
{
    static const uint64_t times[] = {0,          FUZZ_MS,    50 * FUZZ_MS, 300 * FUZZ_MS,
                                     2 * FUZZ_S, 7 * FUZZ_S, 65 * FUZZ_S,  600 * FUZZ_S};
    struct socket *socket = &s->sockets[op->a % SOCKETS];
    unsigned code = op->code % 16;
    if (code == 0 || socket->sock == NULL) {
        open_one(s, op);
        return;
    }
    switch (code) {
    case 1:
        bind_one(socket, op);
        break;
    case 2:
        checked(sock_listen(socket->sock, (int)(int16_t)op->d));
        break;
    case 3:
    case 4:
        other_call(s, socket, op, SOCK_OP_CONNECT);
        break;
    case 5:
    case 6:
        other_call(s, socket, op, SOCK_OP_ACCEPT);
        break;
    case 7:
    case 8:
        transfer(s, socket, op, true);
        break;
    case 9:
    case 10:
        transfer(s, socket, op, false);
        break;
    case 11:
        options(socket, op);
        break;
    case 12:
        small_calls(s, socket, op);
        break;
    case 13:
        other_call(s, socket, op, SOCK_OP_CLOSE);
        break;
    case 14:
        interrupt(s, op->b);
        break;
    default:
        machine_wait(&s->machine, times[op->b & 7], turn);
        break;
    }
}

static bool begin(struct sockets *s, const struct fuzz_program *program)
{
    struct hawser_config config;
    const struct hawser_link_config out = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    const struct hawser_link_config loop = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
    struct hawser_address own;
    uint32_t link;
    memset(s, 0, sizeof *s);
    s->machine.now_ns = FUZZ_S;
    s->machine.context = s;
    fuzz_config(program, &s->machine.memory, &config);
    s->machine.memory.refuse_nth = 0;
    if (fuzz_aloud()) {
        config.trace = fuzz_trace;
        config.trace_context = "  ";
    }
    machine_start(&s->machine, &config, &out);
    REQUIRE(hawser_address_scan("198.18.0.1", &own) == 0);
    REQUIRE(hawser_address_add(s->machine.host, 0, &own, 24) == 0);
    REQUIRE(hawser_link_add(s->machine.host, &loop, &link) == 0);
    REQUIRE(hawser_address_scan("127.0.0.1", &own) == 0);
    REQUIRE(hawser_address_add(s->machine.host, link, &own, 8) == 0);
    REQUIRE(hawser_address_scan("::1", &own) == 0);
    REQUIRE(hawser_address_add(s->machine.host, link, &own, 128) == 0);
    return sock_net_create(s->machine.host, s->machine.now_ns, &s->net) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sockets s;
    struct fuzz_program program;
    struct fuzz_op op;
    fuzz_program_begin(&program, data, size);
    REQUIRE(begin(&s, &program));
    while (fuzz_next(&program, &op)) {
        run_op(&s, &op);
        if (!(op.code & 0x80))
            machine_wait(&s.machine, 0, turn);
    }
    for (unsigned i = 0; i < WAITING; i++)
        interrupt(&s, i);
    for (unsigned i = 0; i < SOCKETS; i++) {
        if (s.sockets[i].sock != NULL && (fuzz_head(&program, 7) >> i & 1))
            sock_close(s.sockets[i].sock, s.machine.now_ns);
    }
    sock_net_destroy(s.net);
    machine_wait(&s.machine, 3 * 3600 * FUZZ_S, NULL);
    machine_require_empty(&s.machine);
    machine_end(&s.machine);
    return 0;
}
