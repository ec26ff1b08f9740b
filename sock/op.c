/* SPDX-License-Identifier: MIT */
/* Calls that may wait: connect, accept, close, and how any of them waits. */
#include "sock/internal.h"

#include <errno.h>

#define PORT_TRIES 1000u

enum sock_turn op_wait(struct sock_op *op, uint64_t timeout_ns, uint64_t now_ns, int64_t over)
{
    if (timeout_ns == SOCK_NO_WAIT)
        return op_done(op, over);
    if (!op->started) {
        op->started = true;
        op->sock->references++;
        op->ends_ns =
            timeout_ns == 0 || timeout_ns >= SOCK_NEVER - now_ns ? SOCK_NEVER : now_ns + timeout_ns;
    }
    op->deadline_ns = op->ends_ns;
    return now_ns >= op->ends_ns ? op_done(op, over) : TURN_WAIT;
}

/* ---- connect ---- */

/* The host chose the port; one that is bound elsewhere is put back, for nothing has been sent
 * yet. */
static int open_connection(struct sock *sock, const struct hawser_endpoint *remote, hawser_tcp *out)
{
    struct hawser_host *host = sock->net->host;
    const struct hawser_open_options options = {
        .local = {sock->local.address, sock->has_port ? sock->local.port : 0},
        .remote = *remote,
        .reuse_address = true,
        .user = sock};
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        struct hawser_tcp_info info;
        int error = hawser_open(host, sock->net->now_ns, &options, out);
        if (error != 0 || sock->has_port)
            return error;
        if (hawser_status(host, sock->net->now_ns, *out, &info) == 0 &&
            !bind_holds(sock, &info.local))
            return 0;
        (void)hawser_abort(host, *out);
    }
    return HAWSER_ERR_ADDRESS_NOT_AVAILABLE;
}

/* Whether there is a way for a socket that is not bound. */
static bool leads_somewhere(const struct sock *sock, const struct hawser_endpoint *remote)
{
    const struct hawser_open_options options = {.remote = *remote};
    hawser_tcp handle;
    if (hawser_open(sock->net->host, sock->net->now_ns, &options, &handle) != 0)
        return false;
    (void)hawser_abort(sock->net->host, handle); /* before anything was sent */
    return true;
}

static int start_connecting(struct sock *sock, const struct sock_op *op)
{
    struct hawser_endpoint remote;
    struct hawser_tcp_info info;
    hawser_tcp handle;
    if (op->address == NULL)
        return -EFAULT;
    int error = address_for_connect(sock, op->address, op->address_length, &remote);
    if (error != 0)
        return error;
    if (remote.port == 0)
        return -ECONNREFUSED; /* nobody can listen there */
    error = open_connection(sock, &remote, &handle);
    if (error == HAWSER_ERR_ADDRESS_IN_USE) /* the 4-tuple is in TIME-WAIT */
        return -EADDRNOTAVAIL;
    if (error == HAWSER_ERR_UNREACHABLE && address_is_loopback_v4(&sock->local.address) &&
        leads_somewhere(sock, &remote))
        return -EINVAL; /* bound to 127/8, and not for there */
    if (error != 0)
        return -sock_errno(error);
    sock_attach(sock, handle);
    sock->error = 0;
    sock->state = HAWSER_SYN_SENT;
    sock->stage = STAGE_CONNECTING;
    if (sock_info(sock, &info)) {
        sock->local = info.local;
        sock->has_port = true;
        sock->remote = info.remote;
    }
    return options_apply(sock);
}

/* Still opening: waits, or says so. */
static enum sock_turn connect_wait(struct sock_op *op, uint64_t now_ns)
{
    int64_t pending = op->progress != 0 ? -EINPROGRESS : -EALREADY;
    if (op->sock->nonblocking)
        return op_done(op, pending);
    return op_wait(op, op->sock->set.send_timeout_ns, now_ns, pending);
}

static enum sock_turn connect_over(struct sock_op *op)
{
    struct sock *sock = op->sock;
    if (sock->state != HAWSER_CLOSED) {
        sock->stage = STAGE_CONNECTED;
        return op_done(op, 0);
    }
    int error = sock_take_error(sock);
    sock_disconnect(sock);
    return op_done(op, -(error != 0 ? error : ECONNABORTED));
}

enum sock_turn connect_try(struct sock_op *op, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    if (!op->started && (op->address_length < sizeof op->address->sa_family ||
                         op->address_length > sizeof(struct sockaddr_storage)))
        return op_done(op, -EINVAL);
    if (!op->started && op->address != NULL && op->address->sa_family == AF_UNSPEC) {
        sock_disconnect(sock);
        return op_done(op, 0);
    }
    if (!op->started && sock->stage == STAGE_CONNECTED)
        return op_done(op, -EISCONN);
    if (sock->stage == STAGE_DISCONNECTING)
        return op_done(op, op->started ? -ECONNABORTED : -EINVAL);
    if (sock->stage == STAGE_UNCONNECTED) {
        if (op->started) /* somebody dissolved it meanwhile */
            return op_done(op, -ECONNABORTED);
        if (sock->state != HAWSER_CLOSED)
            return op_done(op, -EISCONN);
        int error = start_connecting(sock, op);
        if (error != 0)
            return op_done(op, error);
        op->progress = 1;
    }
    if (sock->state == HAWSER_SYN_SENT || sock->state == HAWSER_SYN_RECEIVED)
        return connect_wait(op, now_ns);
    return connect_over(op);
}

/* ---- accept ---- */

/* A child has its listener's settings: those of the connection itself came with it. */
static struct sock *make_child(struct sock *listener, hawser_tcp handle)
{
    struct hawser_tcp_info info;
    struct sock *sock = sock_new(listener->net, listener->domain);
    if (sock == NULL) {
        (void)hawser_abort(listener->net->host, handle);
        return NULL;
    }
    sock->set = listener->set;
    sock_attach(sock, handle);
    sock->state = HAWSER_ESTABLISHED;
    sock->was_open = true;
    sock->stage = STAGE_CONNECTED;
    if (sock_info(sock, &info)) {
        sock->local = info.local;
        sock->has_port = true;
        sock->remote = info.remote;
    }
    (void)options_apply(sock);
    sock_refresh(sock);
    return sock;
}

enum sock_turn accept_try(struct sock_op *op, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    hawser_tcp handle;
    if (((unsigned)op->flags & ~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0)
        return op_done(op, -EINVAL);
    if (!sock_is_listener(sock))
        return op_done(op, -EINVAL);
    int error = hawser_accept(sock->net->host, sock->handle, &handle);
    if (error == HAWSER_ERR_AGAIN && sock->nonblocking)
        return op_done(op, -EAGAIN);
    if (error == HAWSER_ERR_AGAIN)
        return op_wait(op, sock->set.receive_timeout_ns, now_ns, -EAGAIN);
    if (error != 0)
        return op_done(op, -sock_errno(error));
    op->accepted = make_child(sock, handle);
    if (op->accepted == NULL)
        return op_done(op, -ENOMEM);
    op->accepted->nonblocking = (op->flags & SOCK_NONBLOCK) != 0;
    return op_done(op, 0);
}

/* ---- close ---- */

static bool has_more_to_send(const struct sock *sock)
{
    return sock->state == HAWSER_FIN_WAIT_1 || sock->state == HAWSER_CLOSING ||
           sock->state == HAWSER_LAST_ACK;
}

/* SO_LINGER: both directions are shut, so that the handle remains and tells when all is
 * acknowledged. */
static void start_lingering(struct sock *sock)
{
    struct hawser_tcp_info info;
    if (!sock_info(sock, &info) || sock_is_listener(sock) || info.receive_queue_bytes > 0)
        return;
    sock->shut = SHUT_BOTH;
    (void)hawser_set_option(sock->net->host, sock->handle, HAWSER_OPTION_READ_SHUT, 1);
    if (sock->state == HAWSER_ESTABLISHED || sock->state == HAWSER_CLOSE_WAIT)
        (void)hawser_shutdown(sock->net->host, sock->handle);
    sock_refresh(sock);
}

enum sock_turn close_try(struct sock_op *op, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    if (!op->started) {
        bool last = sock->references == 1; /* no other call is in it */
        sock->closed = true;
        op->progress = last && sock->set.linger && sock->set.linger_s > 0;
        if (op->progress != 0)
            start_lingering(sock);
    }
    uint64_t linger_ns = op->progress != 0 ? (uint64_t)sock->set.linger_s * SOCK_NS_PER_S : 0;
    if (linger_ns > 0 && has_more_to_send(sock) && op_wait(op, linger_ns, now_ns, 0) == TURN_WAIT)
        return TURN_WAIT;
    sock_put(sock);
    return op_done(op, 0);
}

void sock_close(struct sock *sock, uint64_t now_ns)
{
    sock->net->now_ns = now_ns;
    sock->closed = true;
    sock_put(sock);
}

/* ---- every call ---- */

bool sock_op_try(struct sock_op *op, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    enum sock_turn turn = TURN_DONE;
    bool waited = op->started;
    sock->net->now_ns = now_ns;
    if (!waited) {
        op->deadline_ns = SOCK_NEVER;
        op->progress = 0;
    }
    sock_refresh(sock);
    switch (op->kind) {
    case SOCK_OP_CONNECT:
        turn = connect_try(op, now_ns);
        break;
    case SOCK_OP_ACCEPT:
        turn = accept_try(op, now_ns);
        break;
    case SOCK_OP_RECEIVE:
        turn = receive_try(op, now_ns);
        break;
    case SOCK_OP_SEND:
        turn = send_try(op, now_ns);
        break;
    case SOCK_OP_CLOSE:
        turn = close_try(op, now_ns);
        break;
    }
    if (turn == TURN_WAIT)
        return false;
    if (op->started) { /* the reference of the wait */
        op->started = false;
        sock_put(sock);
    }
    return true;
}

void sock_op_interrupt(struct sock_op *op)
{
    struct sock *sock = op->sock;
    bool transfer = op->kind == SOCK_OP_RECEIVE || op->kind == SOCK_OP_SEND;
    if (!op->started)
        return;
    op->started = false;
    op->result = transfer && op->progress > 0 ? (int64_t)op->progress : -EINTR;
    if (op->kind == SOCK_OP_CLOSE) {
        op->result = 0;
        sock_put(sock); /* the program's */
    }
    sock_put(sock);
}
