/* SPDX-License-Identifier: MIT */
/* recvmsg: the loop of Linux's tcp_recvmsg, and tcp_recv_urg. */
#include "sock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* ---- the program's buffers ---- */

/* Their total; -EFAULT, -EINVAL: beyond what a count can say. What is discarded needs no place. */
static int64_t room_of(const struct msghdr *message, bool discard)
{
    int64_t room = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        if (piece->iov_len > INT32_MAX || room > INT32_MAX - (int64_t)piece->iov_len)
            return -EINVAL;
        if (piece->iov_base == NULL && piece->iov_len > 0 && !discard)
            return -EFAULT;
        room += (int64_t)piece->iov_len;
    }
    return room;
}

/* The piece that holds the byte at an offset, and how much of it is left; *length 0: beyond the
 * end. */
static uint8_t *place_at(const struct msghdr *message, uint64_t offset, size_t *length)
{
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        if (offset < piece->iov_len) {
            *length = piece->iov_len - offset;
            return (uint8_t *)piece->iov_base + offset;
        }
        offset -= piece->iov_len;
    }
    *length = 0;
    return NULL;
}

/* ---- the stream ---- */

/* One read: what was copied so far, and where in the stream it stands. */
struct reading {
    struct sock *sock;
    const struct msghdr *message;
    uint64_t room, copied;
    uint64_t ahead; /* with MSG_PEEK: how far beyond the first unread byte */
    bool peek, discard;
    bool at_mark; /* ends here, whatever else was asked for: the urgent octet is next */
};

/* Copies or discards n bytes, which are there. Returns how many. */
static uint64_t move(struct reading *r, uint64_t n)
{
    struct hawser_host *host = r->sock->net->host;
    size_t length = (size_t)n;
    if (r->discard) {
        if (!r->peek && hawser_consume(host, r->sock->handle, length) != 0)
            return 0;
        return n;
    }
    uint8_t *place = place_at(r->message, r->copied, &length);
    if (length > n)
        length = (size_t)n;
    int64_t moved = r->peek ? hawser_peek_at(host, r->sock->handle, r->ahead, place, length)
                            : hawser_receive(host, r->sock->handle, place, length);
    return moved > 0 ? (uint64_t)moved : 0;
}

static void advance(struct reading *r, uint64_t n)
{
    struct sock *sock = r->sock;
    if (r->peek) {
        r->ahead += n;
        return;
    }
    sock->read_bytes += n;
    sock->queued_bytes -= (uint32_t)n;
    if (sock->urgent != URGENT_NONE && sock->read_bytes > sock->urgent_at)
        sock->urgent = URGENT_NONE;
}

/* Bytes that may be moved before the mark; deals with standing at it. */
static uint64_t allowed(struct reading *r)
{
    struct sock *sock = r->sock;
    uint64_t there = sock->queued_bytes - r->ahead;
    uint64_t position = sock->read_bytes + r->ahead;
    if (sock->urgent == URGENT_NONE || sock->urgent_at < position)
        return there;
    if (sock->urgent_at > position) {
        uint64_t before = sock->urgent_at - position;
        return before < there ? before : there;
    }
    if (r->copied > 0) {
        r->at_mark = true;
        return 0;
    }
    if (there == 0 || sock->set.oob_inline)
        return there;
    if (!r->peek) /* out of band: the stream goes on behind it */
        (void)hawser_consume(sock->net->host, sock->handle, 1);
    advance(r, 1);
    return there - 1;
}

static void read_stream(struct reading *r)
{
    while (r->copied < r->room && !r->at_mark) {
        uint64_t n = allowed(r);
        if (n > r->room - r->copied)
            n = r->room - r->copied;
        uint64_t moved = n > 0 ? move(r, n) : 0;
        if (moved == 0)
            return;
        r->copied += moved;
        advance(r, moved);
    }
    if (r->copied > 0) /* a mark right behind ends the read, though more was wanted */
        r->at_mark = r->at_mark || r->sock->urgent_at == r->sock->read_bytes + r->ahead;
    r->at_mark = r->at_mark && r->sock->urgent != URGENT_NONE;
}

/* What is said when nothing could be read, 1 = one may wait. */
static int64_t nothing_there(struct sock *sock)
{
    if (sock->done)
        return 0;
    if (sock->error != 0)
        return -sock_take_error(sock);
    if (sock->shut & SHUT_IN)
        return 0;
    return sock->state == HAWSER_CLOSED ? -ENOTCONN : 1;
}

/* ---- out of band ---- */

static int64_t receive_urgent(const struct sock_op *op, int64_t room)
{
    struct sock *sock = op->sock;
    uint8_t octet;
    size_t length;
    if (sock->set.oob_inline || sock->urgent == URGENT_NONE || sock->urgent == URGENT_TAKEN)
        return -EINVAL;
    if (sock->state == HAWSER_CLOSED && !sock->done)
        return -ENOTCONN;
    if (!urgent_has_come(sock))
        return sock->state == HAWSER_CLOSED || (sock->shut & SHUT_IN) ? 0 : -EAGAIN;
    (void)hawser_peek_at(sock->net->host, sock->handle, sock->urgent_at - sock->read_bytes, &octet,
                         1);
    if (!(op->flags & MSG_PEEK))
        sock->urgent = URGENT_TAKEN;
    op->message->msg_flags |= room > 0 ? MSG_OOB : MSG_OOB | MSG_TRUNC;
    uint8_t *place = place_at(op->message, 0, &length);
    if (place != NULL && !(op->flags & MSG_TRUNC))
        *place = octet;
    return room > 0;
}

/* ---- control messages ---- */

/* TCP_INQ: how much is left. Returns the bytes of control messages. */
static size_t tell_rest(const struct sock_op *op)
{
    struct msghdr *message = op->message;
    struct cmsghdr header = {
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = IPPROTO_TCP, .cmsg_type = TCP_CM_INQ};
    size_t room = message->msg_controllen;
    int rest = op->sock->queued_bytes == 0 && op->sock->done ? 1 : (int)op->sock->queued_bytes;
    if (!op->sock->set.inq)
        return 0;
    if (message->msg_control == NULL || room < CMSG_LEN(sizeof rest)) {
        message->msg_flags |= MSG_CTRUNC;
        return 0;
    }
    memcpy(message->msg_control, &header, sizeof header);
    memcpy((uint8_t *)message->msg_control + CMSG_LEN(0), &rest, sizeof rest);
    return room < CMSG_SPACE(sizeof rest) ? room : CMSG_SPACE(sizeof rest);
}

static enum sock_turn receive_done(struct sock_op *op, int64_t result)
{
    if (result >= 0) {
        op->message->msg_controllen = tell_rest(op);
        op->message->msg_namelen = 0; /* TCP names nobody */
    }
    return op_done(op, result);
}

/* ---- recvmsg ---- */

/* How much must be there before a waiting read returns. */
static uint64_t target_of(const struct sock_op *op, uint64_t room)
{
    uint64_t low = op->sock->set.receive_low_bytes;
    uint64_t target = (op->flags & MSG_WAITALL) || low > room ? room : low;
    return target == 0 ? 1 : target;
}

static enum sock_turn receive_bytes(struct sock_op *op, uint64_t room, uint64_t now_ns)
{
    struct sock *sock = op->sock;
    bool peek = (op->flags & MSG_PEEK) != 0;
    struct reading r = {.sock = sock,
                        .message = op->message,
                        .room = room,
                        .copied = peek ? 0 : op->progress, /* peeking begins anew each time */
                        .peek = peek,
                        .discard = (op->flags & MSG_TRUNC) != 0};
    if (room == 0 && sock->queued_bytes > 0)
        return receive_done(op, 0);
    read_stream(&r);
    op->progress = r.copied;
    int64_t over = r.copied > 0 ? (int64_t)r.copied : -EAGAIN;
    if (r.copied > 0) {
        bool last = sock->error != 0 || sock->state == HAWSER_CLOSED || (sock->shut & SHUT_IN);
        if (r.copied >= target_of(op, room) || r.at_mark || last)
            return receive_done(op, over);
    } else {
        int64_t said = nothing_there(sock);
        if (said <= 0)
            return receive_done(op, said);
    }
    if (op_is_nonblocking(op, op->flags))
        return receive_done(op, over);
    enum sock_turn turn = op_wait(op, sock->set.receive_timeout_ns, now_ns, over);
    return turn == TURN_WAIT ? turn : receive_done(op, over);
}

enum sock_turn receive_try(struct sock_op *op, uint64_t now_ns)
{
    if (op->message == NULL)
        return op_done(op, -EFAULT);
    struct msghdr *message = op->message;
    int64_t room = room_of(message, (op->flags & MSG_TRUNC) != 0);
    if (room < 0)
        return op_done(op, room);
    if (op->flags & MSG_ERRQUEUE) /* nothing is ever put there */
        return op_done(op, -EAGAIN);
    if (sock_is_listener(op->sock))
        return op_done(op, -ENOTCONN);
    message->msg_flags = 0;
    if (op->flags & MSG_OOB)
        return receive_done(op, receive_urgent(op, room));
    return receive_bytes(op, (uint64_t)room, now_ns);
}
