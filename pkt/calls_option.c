/* SPDX-License-Identifier: MIT */
/* The calls of scripts that configure sockets and ask about them. */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "pkt/run_internal.h"
#include "pkt/symbols.h"

#define OPTION_ROOM 1024u

/* Level and name of an option. A name that this machine's headers do not have is an option of
 * another system or time, and nothing that Hawser could have. */
static bool option_number(struct pkt_run *run, const struct pkt_expr *expr, int *out)
{
    int64_t value;
    if (expr->kind == PKT_EXPR_WORD && !pkt_symbol(expr->text, &value))
        return run_skip(run, "socket option %s", expr->text);
    return run_int(run, expr, out);
}

static bool which_option(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments)
{
    int script;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd))
        return false;
    call->conn = run_conn_of_fd(run, script);
    return option_number(run, arguments[1], &call->sys.level) &&
           option_number(run, arguments[2], &call->sys.option);
}

/* ---- values ------------------------------------------------------------------------------- */

/* [int], [int, int], "bytes", {onoff=1, linger=5}, inet6_addr("..."), int: as memory. */
static bool value_bytes(struct pkt_run *run, const struct pkt_expr *expr, uint8_t *out,
                        size_t *length)
{
    if (expr->kind == PKT_EXPR_STRING) {
        *length = expr->length < OPTION_ROOM ? expr->length : OPTION_ROOM;
        memcpy(out, expr->bytes, *length);
        return true;
    }
    if (expr->kind == PKT_EXPR_BRACES && run_field(expr, "onoff", NULL) != NULL) {
        int64_t on, seconds;
        if (!run_field_integer(run, expr, "onoff", 0, &on) ||
            !run_field_integer(run, expr, "linger", 0, &seconds))
            return false;
        struct linger linger = {.l_onoff = (int)on, .l_linger = (int)seconds};
        memcpy(out, &linger, *length = sizeof linger);
        return true;
    }
    if (expr->kind == PKT_EXPR_CALL && strcmp(expr->text, "inet6_addr") == 0) {
        struct hawser_address address;
        if (expr->count != 1 || expr->items[0]->kind != PKT_EXPR_STRING ||
            hawser_address_scan(expr->items[0]->text, &address) != 0)
            return run_fail_at(run, expr->place, "not an IPv6 address");
        memcpy(out, address.bytes, *length = 16);
        return true;
    }
    bool list = expr->kind == PKT_EXPR_LIST || expr->kind == PKT_EXPR_BRACES;
    size_t count = list ? expr->count : 1;
    *length = 0;
    for (size_t i = 0; i < count && *length + sizeof(int) <= OPTION_ROOM; i++) {
        int value;
        if (!run_int(run, list ? expr->items[i] : expr, &value))
            return false;
        memcpy(out + *length, &value, sizeof value);
        *length += sizeof value;
    }
    return true;
}

static bool option_length(struct pkt_run *run, const struct pkt_expr *expr, socklen_t *out)
{
    int length;
    if ((expr->kind == PKT_EXPR_LIST || expr->kind == PKT_EXPR_BRACES) && expr->count == 1)
        expr = expr->items[0];
    if (expr->kind == PKT_EXPR_ELLIPSIS) {
        *out = OPTION_ROOM;
        return true;
    }
    if (!run_int(run, expr, &length))
        return false;
    *out = (socklen_t)length;
    return true;
}

static bool prepare_setsockopt(struct pkt_run *run, struct run_call *call,
                               const struct pkt_expr *const *arguments, size_t count)
{
    size_t length;
    (void)count;
    call->sys.kind = PKT_SYS_SETSOCKOPT;
    if (!which_option(run, call, arguments) ||
        !option_length(run, arguments[4], &call->sys.option_length))
        return false;
    if (run_is_null(run, arguments[3]) && arguments[3]->kind == PKT_EXPR_WORD)
        return true;
    /* What the length says beyond the value is zero; no option is longer than the room. */
    call->sys.data = pkt_arena_alloc(run->arena, OPTION_ROOM);
    return arguments[3]->kind == PKT_EXPR_ELLIPSIS ||
           value_bytes(run, arguments[3], call->sys.data, &length);
}

/* ---- getsockopt --------------------------------------------------------------------------- */

static bool values_equal(struct pkt_run *run, struct run_call *call)
{
    uint8_t wanted[OPTION_ROOM] = {0};
    size_t length;
    if (call->aux->kind == PKT_EXPR_ELLIPSIS)
        return true;
    if (!value_bytes(run, call->aux, wanted, &length))
        return false;
    size_t got = call->sys.option_length;
    if (call->aux->kind == PKT_EXPR_STRING && got > length)
        length = got < OPTION_ROOM ? got : OPTION_ROOM; /* names come padded with NULs */
    size_t compared = got < length ? got : length;
    if (memcmp(wanted, call->sys.data, compared) == 0)
        return true;
    bool harmless = run->options->calls_not_fatal;
    int came = 0, expected = 0;
    if (call->aux->kind == PKT_EXPR_STRING)
        return run_mismatch(run, harmless, call->aux->place,
                            "value: expected \"%s\", came \"%.*s\"", call->aux->text, (int)got,
                            (const char *)call->sys.data);
    memcpy(&came, call->sys.data, compared < sizeof came ? compared : sizeof came);
    memcpy(&expected, wanted, compared < sizeof expected ? compared : sizeof expected);
    return run_mismatch(run, harmless, call->aux->place, "value: expected %d, came %d", expected,
                        came);
}

static bool option_got(struct pkt_run *run, struct run_call *call)
{
    socklen_t wanted;
    if (call->sys.result < 0)
        return true;
    const struct pkt_expr *length = call->aux2;
    if (length->kind != PKT_EXPR_ELLIPSIS &&
        !(length->count == 1 && length->items[0]->kind == PKT_EXPR_ELLIPSIS)) {
        if (!option_length(run, length, &wanted))
            return false;
        if (wanted != call->sys.option_length &&
            !run_mismatch(run, run->options->calls_not_fatal, length->place,
                          "length: expected %u, came %u", wanted, call->sys.option_length))
            return false;
    }
    return values_equal(run, call);
}

static bool prepare_getsockopt(struct pkt_run *run, struct run_call *call,
                               const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_GETSOCKOPT;
    call->check = option_got;
    call->aux = arguments[3];
    call->aux2 = arguments[4];
    if (!which_option(run, call, arguments) ||
        !option_length(run, arguments[4], &call->sys.option_length))
        return false;
    if (!(run_is_null(run, arguments[3]) && arguments[3]->kind == PKT_EXPR_WORD))
        call->sys.data = pkt_arena_alloc(run->arena, OPTION_ROOM);
    return true;
}

/* ---- ioctl, fcntl ------------------------------------------------------------------------- */

static bool ioctl_written(struct pkt_run *run, struct run_call *call)
{
    int wanted, came;
    if (call->sys.result < 0 || call->aux == NULL || call->aux->kind == PKT_EXPR_ELLIPSIS)
        return true;
    if (!run_int(run, call->aux, &wanted))
        return false;
    memcpy(&came, call->sys.data, sizeof came);
    return came == wanted || run_mismatch(run, run->options->calls_not_fatal, call->aux->place,
                                          "value: expected %d, came %d", wanted, came);
}

static bool prepare_ioctl(struct pkt_run *run, struct run_call *call,
                          const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    int64_t request;
    int value = 0;
    call->sys.kind = PKT_SYS_IOCTL;
    call->check = ioctl_written;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd))
        return false;
    if (!run_integer(run, arguments[1], &request))
        return false;
    call->sys.command = (unsigned long)request;
    if (count < 3 || run_is_null(run, arguments[2]))
        return true;
    call->aux = arguments[2];
    if ((call->aux->kind == PKT_EXPR_LIST || call->aux->kind == PKT_EXPR_BRACES) &&
        call->aux->count == 1)
        call->aux = call->aux->items[0];
    if (call->aux->kind != PKT_EXPR_ELLIPSIS && !run_int(run, call->aux, &value))
        return false;
    call->sys.data = pkt_arena_alloc(run->arena, sizeof value);
    memcpy(call->sys.data, &value, sizeof value);
    return true;
}

static bool prepare_fcntl(struct pkt_run *run, struct run_call *call,
                          const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    int64_t command;
    call->sys.kind = PKT_SYS_FCNTL;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd) ||
        !run_integer(run, arguments[1], &command))
        return false;
    call->sys.command = (unsigned long)command;
    return count < 3 || run_int(run, arguments[2], &call->sys.number);
}

const struct run_function run_option_functions[] = {
    {"setsockopt", 5, 5, prepare_setsockopt, false},
    {"getsockopt", 5, 5, prepare_getsockopt, false},
    {"ioctl", 2, 3, prepare_ioctl, false},
    {"fcntl", 2, 3, prepare_fcntl, false},
    {NULL, 0, 0, NULL, false},
};
