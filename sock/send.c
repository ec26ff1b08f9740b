/* SPDX-License-Identifier: MIT */
/* sendmsg: Linux's tcp_sendmsg. */
#include "sock/internal.h"

#include <errno.h>

#define NO_MEMORY_WAIT_NS (100 * SOCK_NS_PER_MS) /* no event tells when there is memory again */

static bool may_send(const struct sock *sock)
{
    return sock->state == HAWSER_ESTABLISHED || sock->state == HAWSER_CLOSE_WAIT;
}

static enum sock_turn send_wait(struct sock_op *op, uint64_t now_ns)
{
    int64_t over = op->progress > 0 ? (int64_t)op->progress : -EAGAIN;
    if (op_is_nonblocking(op, op->flags))
        return op_done(op, over);
    return op_wait(op, op->sock->set.send_timeout_ns, now_ns, over);
}

static enum sock_turn send_failed(struct sock_op *op)
{
    if (op->progress > 0) /* the next call tells why */
        return op_done(op, (int64_t)op->progress);
    int error = sock_take_error(op->sock);
    return op_done(op, -(error != 0 ? error : EPIPE));
}

/* What of the message is not queued yet goes into the queue, as far as there is room. Below 0: an
 * error of Hawser's. */
static int64_t queue_rest(struct sock_op *op)
{
    const struct msghdr *message = op->message;
    struct sock *sock = op->sock;
    uint64_t skip = op->progress;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        if (skip >= piece->iov_len) {
            skip -= piece->iov_len;
            continue;
        }
        bool last = i + 1 == message->msg_iovlen;
        unsigned flags = last && (op->flags & MSG_OOB) ? HAWSER_SEND_URGENT : 0;
        flags |= last && !(op->flags & MSG_MORE) ? 0 : HAWSER_SEND_MORE;
        while (skip < piece->iov_len) {
            const uint8_t *from = (const uint8_t *)piece->iov_base + skip;
            int64_t sent = hawser_send(sock->net->host, sock->handle, from,
                                       (size_t)(piece->iov_len - skip), flags);
            if (sent < 0)
                return sent;
            op->progress += (uint64_t)sent;
            skip += (uint64_t)sent;
        }
        skip = 0;
    }
    return 0;
}

static int64_t length_of(const struct msghdr *message)
{
    int64_t length = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        if (piece->iov_len > INT32_MAX || length > INT32_MAX - (int64_t)piece->iov_len)
            return -EINVAL;
        if (piece->iov_base == NULL && piece->iov_len > 0)
            return -EFAULT;
        length += (int64_t)piece->iov_len;
    }
    return length;
}

static enum sock_turn send_bytes(struct sock_op *op, uint64_t length, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    if (op->progress < length && ready_is_held_back(sock, sock->unsent_bytes))
        return send_wait(op, now_ns);
    int64_t error = queue_rest(op);
    sock_refresh(sock);
    if (error == 0)
        return op_done(op, (int64_t)op->progress);
    if (error != HAWSER_ERR_AGAIN && error != HAWSER_ERR_RESOURCES)
        return send_failed(op);
    enum sock_turn turn = send_wait(op, now_ns);
    if (turn == TURN_WAIT && error == HAWSER_ERR_RESOURCES &&
        op->deadline_ns > now_ns + NO_MEMORY_WAIT_NS)
        op->deadline_ns = now_ns + NO_MEMORY_WAIT_NS;
    return turn;
}

enum sock_turn send_try(struct sock_op *op, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    if (op->message == NULL)
        return op_done(op, -EFAULT);
    if (op->flags & MSG_FASTOPEN)
        return op_done(op, -EOPNOTSUPP);
    int64_t length = length_of(op->message);
    if (length < 0)
        return op_done(op, length);
    if (!may_send(sock)) {
        bool opening = sock->state == HAWSER_SYN_SENT || sock->state == HAWSER_SYN_RECEIVED;
        if (sock->error != 0 || !opening)
            return send_failed(op);
        return send_wait(op, now_ns);
    }
    if (sock->error != 0 || (sock->shut & SHUT_OUT))
        return send_failed(op);
    return send_bytes(op, (uint64_t)length, now_ns);
}
