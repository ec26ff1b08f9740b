/* SPDX-License-Identifier: MIT */
/* The calls of scripts that move bytes. */
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

#include "pkt/run_internal.h"

static bool first_fd(struct pkt_run *run, struct run_call *call,
                     const struct pkt_expr *const *arguments)
{
    int script;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd))
        return false;
    call->conn = run_conn_of_fd(run, script);
    return true;
}

/* Payload is all zero in both directions: what was read must be. */
static bool read_zeros(struct pkt_run *run, struct run_call *call)
{
    const uint8_t *data = call->sys.data;
    for (int64_t i = 0; data != NULL && i < call->sys.result && i < (int64_t)call->sys.size; i++)
        if (data[i] != 0)
            return run_fail_at(run, call->event->place, "byte %lld of what was read is not zero",
                               (long long)i);
    return true;
}

/* fd, buffer, size */
static bool plain(struct pkt_run *run, struct run_call *call,
                  const struct pkt_expr *const *arguments, enum pkt_syscall_kind kind)
{
    call->sys.kind = kind;
    return first_fd(run, call, arguments) && run_size(run, arguments[2], &call->sys.size) &&
           run_buffer(run, arguments[1], call->sys.size, &call->sys.data);
}

static bool prepare_read(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->check = read_zeros;
    return plain(run, call, arguments, PKT_SYS_READ);
}

static bool prepare_write(struct pkt_run *run, struct run_call *call,
                          const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    return plain(run, call, arguments, PKT_SYS_WRITE);
}

static bool prepare_recv(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->check = read_zeros;
    return plain(run, call, arguments, PKT_SYS_RECV) &&
           run_int(run, arguments[3], &call->sys.flags);
}

static bool prepare_send(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    return plain(run, call, arguments, PKT_SYS_SEND) &&
           run_int(run, arguments[3], &call->sys.flags);
}

static bool prepare_recvfrom(struct pkt_run *run, struct run_call *call,
                             const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->check = read_zeros;
    if (!plain(run, call, arguments, PKT_SYS_RECVFROM) ||
        !run_int(run, arguments[3], &call->sys.flags))
        return false;
    if (!run_is_null(run, arguments[4])) {
        call->sys.address = pkt_arena_alloc(run->arena, sizeof(struct sockaddr_storage));
        call->sys.address_length = sizeof(struct sockaddr_storage);
    }
    return true;
}

static bool prepare_sendto(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    if (!plain(run, call, arguments, PKT_SYS_SENDTO) ||
        !run_int(run, arguments[3], &call->sys.flags))
        return false;
    if (run_is_null(run, arguments[4]))
        return true;
    struct sockaddr_storage *storage = pkt_arena_alloc(run->arena, sizeof *storage);
    call->sys.address = (struct sockaddr *)storage;
    if (!run_sockaddr(run, arguments[4], &run->options->remote, run->options->connect_port, storage,
                      &call->sys.address_length))
        return false;
    if ((call->sys.flags & MSG_FASTOPEN) != 0)
        return run_skip(run, "TCP Fast Open");
    return true;
}

/* ---- vectors ----------------------------------------------------------------------------- */

static bool vector(struct pkt_run *run, struct run_call *call,
                   const struct pkt_expr *const *arguments, enum pkt_syscall_kind kind)
{
    size_t there;
    call->sys.kind = kind;
    if (!first_fd(run, call, arguments) || !run_iovec(run, arguments[1], &call->sys.iov, &there) ||
        !run_int(run, arguments[2], &call->sys.number))
        return false;
    if (call->sys.number > (int)there)
        return run_fail_at(run, arguments[2]->place, "%d buffers, but %zu are given",
                           call->sys.number, there);
    return true;
}

static bool prepare_readv(struct pkt_run *run, struct run_call *call,
                          const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    return vector(run, call, arguments, PKT_SYS_READV);
}

static bool prepare_writev(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    return vector(run, call, arguments, PKT_SYS_WRITEV);
}

/* ---- messages ---------------------------------------------------------------------------- */

#define CONTROL_ROOM 512u

static bool message_name(struct pkt_run *run, struct run_call *call, const struct pkt_expr *braces,
                         struct msghdr *message)
{
    const struct pkt_expr *value = run_field(braces, "msg_name", NULL);
    if (value == NULL || run_is_null(run, value))
        return true;
    struct sockaddr_storage *storage = pkt_arena_alloc(run->arena, sizeof *storage);
    message->msg_name = storage;
    message->msg_namelen = sizeof *storage;
    if (call->sys.kind == PKT_SYS_RECVMSG)
        return true;
    return run_sockaddr(run, value, &run->options->remote, run->options->connect_port, storage,
                        &message->msg_namelen);
}

static bool message_of(struct pkt_run *run, struct run_call *call, const struct pkt_expr *braces)
{
    struct msghdr *message = pkt_arena_alloc(run->arena, sizeof *message);
    const struct pkt_expr *count = NULL;
    const struct pkt_expr *buffers = run_field(braces, "msg_iov", &count);
    size_t there = 0;
    int64_t wanted;
    call->sys.message = message;
    if (buffers != NULL && !run_is_null(run, buffers) &&
        !run_iovec(run, buffers, &message->msg_iov, &there))
        return false;
    message->msg_iovlen = there;
    if (count != NULL && count->kind != PKT_EXPR_ELLIPSIS) {
        if (!run_integer(run, count, &wanted))
            return false;
        if (wanted < 0 || wanted > (int64_t)there)
            return run_fail_at(run, count->place, "%lld buffers, but %zu are given",
                               (long long)wanted, there);
        message->msg_iovlen = (size_t)wanted;
    }
    return message_name(run, call, braces, message);
}

static bool prepare_sendmsg(struct pkt_run *run, struct run_call *call,
                            const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_SENDMSG;
    const struct pkt_expr *control = run_field(arguments[1], "msg_control", NULL);
    if (control != NULL && control->count > 0)
        return run_skip(run, "sendmsg() with control messages");
    if (!first_fd(run, call, arguments) || !message_of(run, call, arguments[1]) ||
        !run_int(run, arguments[2], &call->sys.flags))
        return false;
    return (call->sys.flags & MSG_FASTOPEN) != 0 ? run_skip(run, "TCP Fast Open") : true;
}

/* ---- control messages that came ----------------------------------------------------------- */

static bool error_matches(struct pkt_run *run, const struct pkt_expr *wanted,
                          const struct cmsghdr *got)
{
    struct sock_extended_err error = {0};
    int64_t number, origin, type, code, info, data;
    size_t size = got->cmsg_len - CMSG_LEN(0);
    memcpy(&error, CMSG_DATA(got), size < sizeof error ? size : sizeof error);
    if (!run_field_integer(run, wanted, "ee_errno", 0, &number) ||
        !run_field_integer(run, wanted, "ee_origin", 0, &origin) ||
        !run_field_integer(run, wanted, "ee_type", 0, &type) ||
        !run_field_integer(run, wanted, "ee_code", 0, &code) ||
        !run_field_integer(run, wanted, "ee_info", 0, &info) ||
        !run_field_integer(run, wanted, "ee_data", 0, &data))
        return false;
    if (number == error.ee_errno && origin == error.ee_origin && type == error.ee_type &&
        code == error.ee_code && info == error.ee_info && data == error.ee_data)
        return true;
    return run_fail_at(run, wanted->place,
                       "came ee_errno=%u, ee_origin=%u, ee_type=%u, ee_code=%u, ee_info=%u, "
                       "ee_data=%u",
                       error.ee_errno, error.ee_origin, error.ee_type, error.ee_code, error.ee_info,
                       error.ee_data);
}

static bool stamp_matches(struct pkt_run *run, struct run_call *call, const struct pkt_expr *wanted,
                          const struct cmsghdr *got)
{
    struct timespec stamp = {0};
    int64_t seconds, nanoseconds;
    if (!run_field_integer(run, wanted, "scm_sec", 0, &seconds) ||
        !run_field_integer(run, wanted, "scm_nsec", 0, &nanoseconds))
        return false;
    if (seconds == 0 && nanoseconds == 0)
        return true;
    if (got->cmsg_len >= CMSG_LEN(sizeof stamp))
        memcpy(&stamp, CMSG_DATA(got), sizeof stamp);
    int64_t error = stamp.tv_sec * 1000000000 + stamp.tv_nsec - run->zero_ns -
                    (seconds * 1000000000 + nanoseconds);
    if (error <= run->match.tolerance_ns && error >= -run->match.tolerance_ns)
        return true;
    return run_fail_at(run, call->event->place, "a time stamp is off by %+.6f s",
                       (double)error / 1e9);
}

static bool control_matches(struct pkt_run *run, struct run_call *call,
                            const struct pkt_expr *wanted, const struct cmsghdr *got)
{
    int64_t level, type, number;
    int value = 0;
    if (!run_field_integer(run, wanted, "cmsg_level", 0, &level) ||
        !run_field_integer(run, wanted, "cmsg_type", 0, &type))
        return false;
    if (level != got->cmsg_level || type != got->cmsg_type)
        return run_fail_at(run, wanted->place, "came a control message of level %d, type %d",
                           got->cmsg_level, got->cmsg_type);
    const struct pkt_expr *data = run_field(wanted, "cmsg_data", NULL);
    if (data == NULL || data->kind == PKT_EXPR_ELLIPSIS)
        return true;
    if (run_field(data, "ee_errno", NULL) != NULL)
        return error_matches(run, data, got);
    if (run_field(data, "scm_sec", NULL) != NULL)
        return stamp_matches(run, call, data, got);
    if (data->kind == PKT_EXPR_BRACES || data->kind == PKT_EXPR_LIST)
        return run_skip(run, "SCM_TIMESTAMPING_OPT_STATS");
    if (!run_integer(run, data, &number))
        return false;
    if (got->cmsg_len >= CMSG_LEN(sizeof value))
        memcpy(&value, CMSG_DATA(got), sizeof value);
    if (number == value)
        return true;
    return run_fail_at(run, data->place, "came the control message's value %d", value);
}

static bool controls_match(struct pkt_run *run, struct run_call *call)
{
    struct msghdr *message = call->sys.message;
    const struct pkt_expr *wanted = call->aux2;
    size_t at = 0, count = wanted == NULL ? 0 : wanted->count;
    for (struct cmsghdr *got = CMSG_FIRSTHDR(message); got != NULL;
         got = CMSG_NXTHDR(message, got), at++) {
        if (at >= count)
            return run_fail_at(run, call->event->place,
                               "a control message of level %d, type %d came, and is not expected",
                               got->cmsg_level, got->cmsg_type);
        if (!control_matches(run, call, wanted->items[at], got))
            return false;
    }
    if (at < count)
        return run_fail_at(run, wanted->items[at]->place, "this control message did not come");
    return true;
}

static bool message_received(struct pkt_run *run, struct run_call *call)
{
    int64_t flags;
    const struct msghdr *message = call->sys.message;
    if (call->sys.result < 0)
        return true;
    if (call->aux != NULL) {
        if (!run_integer(run, call->aux, &flags))
            return false;
        if (message->msg_flags != (int)flags)
            return run_fail_at(run, call->aux->place, "msg_flags: expected 0x%x, came 0x%x",
                               (unsigned)flags, (unsigned)message->msg_flags);
    }
    int64_t rest = call->sys.result;
    for (size_t i = 0; i < message->msg_iovlen && rest > 0; i++)
        for (size_t k = 0; k < message->msg_iov[i].iov_len && rest > 0; k++, rest--)
            if (((const uint8_t *)message->msg_iov[i].iov_base)[k] != 0)
                return run_fail_at(run, call->event->place, "what was received is not all zero");
    return controls_match(run, call);
}

static bool prepare_recvmsg(struct pkt_run *run, struct run_call *call,
                            const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_RECVMSG;
    call->check = message_received;
    if (!first_fd(run, call, arguments) || !message_of(run, call, arguments[1]) ||
        !run_int(run, arguments[2], &call->sys.flags))
        return false;
    call->aux = run_field(arguments[1], "msg_flags", NULL);
    call->aux2 = run_field(arguments[1], "msg_control", NULL);
    call->sys.message->msg_control = pkt_arena_alloc(run->arena, CONTROL_ROOM);
    call->sys.message->msg_controllen = CONTROL_ROOM;
    return true;
}

/* ---- splice, sendfile, open --------------------------------------------------------------- */

static bool offset_argument(struct pkt_run *run, const struct pkt_expr *expr, int64_t **out)
{
    *out = NULL;
    if (expr->kind == PKT_EXPR_LIST && expr->count == 1)
        expr = expr->items[0];
    else if (run_is_null(run, expr))
        return true;
    *out = pkt_arena_alloc(run->arena, sizeof **out);
    return run_integer(run, expr, *out);
}

static bool prepare_splice(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    (void)count;
    call->sys.kind = PKT_SYS_SPLICE;
    return first_fd(run, call, arguments) &&
           offset_argument(run, arguments[1], &call->sys.offset) &&
           run_fd_argument(run, arguments[2], &script, &call->sys.other_fd) &&
           offset_argument(run, arguments[3], &call->sys.other_offset) &&
           run_size(run, arguments[4], &call->sys.size) &&
           run_int(run, arguments[5], &call->sys.flags);
}

static bool prepare_sendfile(struct pkt_run *run, struct run_call *call,
                             const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    (void)count;
    call->sys.kind = PKT_SYS_SENDFILE;
    return first_fd(run, call, arguments) &&
           run_fd_argument(run, arguments[1], &script, &call->sys.other_fd) &&
           offset_argument(run, arguments[2], &call->sys.offset) &&
           run_size(run, arguments[3], &call->sys.size);
}

static bool prepare_open(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    call->sys.kind = PKT_SYS_OPEN;
    if (arguments[0]->kind != PKT_EXPR_STRING)
        return run_fail_at(run, arguments[0]->place, "a path is written as a string");
    call->sys.data = pkt_arena_text(run->arena, arguments[0]->text, arguments[0]->length);
    return count < 2 || run_int(run, arguments[1], &call->sys.flags);
}

static bool prepare_cap_set(struct pkt_run *run, struct run_call *call,
                            const struct pkt_expr *const *arguments, size_t count)
{
    (void)call;
    (void)arguments;
    (void)count;
    return run_skip(run, "cap_set(): there are no capabilities in Hawser");
}

static bool prepare_psp(struct pkt_run *run, struct run_call *call,
                        const struct pkt_expr *const *arguments, size_t count)
{
    (void)call;
    (void)arguments;
    (void)count;
    return run_skip(run, "psp");
}

const struct run_function run_data_functions[] = {
    {"read", 3, 3, prepare_read, false},
    {"write", 3, 3, prepare_write, false},
    {"recv", 4, 4, prepare_recv, false},
    {"send", 4, 4, prepare_send, false},
    {"recvfrom", 6, 6, prepare_recvfrom, false},
    {"sendto", 6, 6, prepare_sendto, false},
    {"readv", 3, 3, prepare_readv, false},
    {"writev", 3, 3, prepare_writev, false},
    {"recvmsg", 3, 3, prepare_recvmsg, false},
    {"sendmsg", 3, 3, prepare_sendmsg, false},
    {"splice", 6, 6, prepare_splice, false},
    {"sendfile", 4, 4, prepare_sendfile, false},
    {"open", 1, 3, prepare_open, true},
    {"cap_set", 1, 3, prepare_cap_set, false},
    {"psp_rx_assoc", 0, 9, prepare_psp, false},
    {"psp_tx_assoc", 0, 9, prepare_psp, false},
    {NULL, 0, 0, NULL, false},
};
