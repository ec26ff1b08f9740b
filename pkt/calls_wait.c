/* SPDX-License-Identifier: MIT */
/* The calls of scripts that wait for descriptors, and pipes. */
#include <string.h>

#include "pkt/run_internal.h"

/* ---- poll --------------------------------------------------------------------------------- */

static bool polled(struct pkt_run *run, struct run_call *call)
{
    if (call->sys.result < 0)
        return true;
    for (size_t i = 0; i < call->aux->count; i++) {
        int64_t wanted;
        const struct pollfd *entry = &call->sys.polls[i];
        if (!run_field_integer(run, call->aux->items[i], "revents", 0, &wanted))
            return false;
        if ((int)i < call->sys.number && (uint16_t)wanted != (uint16_t)entry->revents &&
            !run_mismatch(run, run->options->calls_not_fatal, call->aux->items[i]->place,
                          "revents: expected 0x%x, came 0x%x", (unsigned)wanted,
                          (unsigned)(uint16_t)entry->revents))
            return false;
    }
    return true;
}

static bool prepare_poll(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_POLL;
    call->check = polled;
    call->aux = arguments[0];
    if (call->aux->kind != PKT_EXPR_LIST && call->aux->kind != PKT_EXPR_BRACES)
        return run_fail_at(run, call->aux->place, "a list of {fd=, events=, revents=} is wanted");
    if (!run_int(run, arguments[1], &call->sys.number) ||
        !run_int(run, arguments[2], &call->sys.timeout_ms))
        return false;
    if (call->sys.number < 0 || call->sys.number > (int)call->aux->count)
        return run_fail_at(run, arguments[1]->place, "%d descriptors, but %zu are given",
                           call->sys.number, call->aux->count);
    call->sys.polls = pkt_arena_array(run->arena, call->aux->count + 1, sizeof *call->sys.polls);
    for (size_t i = 0; i < call->aux->count; i++) {
        int64_t fd, events;
        if (!run_field_integer(run, call->aux->items[i], "fd", -1, &fd) ||
            !run_field_integer(run, call->aux->items[i], "events", 0, &events))
            return false;
        int live = run_live_fd(run, fd);
        call->sys.polls[i] =
            (struct pollfd){.fd = live >= 0 || fd < 0 ? live : INT16_MAX, .events = (short)events};
    }
    return true;
}

/* ---- epoll -------------------------------------------------------------------------------- */

static bool event_of(struct pkt_run *run, const struct pkt_expr *expr, struct epoll_event *out)
{
    int64_t events, data;
    static const char *const names[] = {"fd", "u32", "u64", "ptr"};
    memset(out, 0, sizeof *out);
    if ((expr->kind == PKT_EXPR_LIST || expr->kind == PKT_EXPR_BRACES) && expr->count == 1 &&
        expr->items[0]->kind == PKT_EXPR_BRACES)
        expr = expr->items[0];
    if (!run_field_integer(run, expr, "events", 0, &events))
        return false;
    out->events = (uint32_t)events;
    for (unsigned i = 0; i < 4; i++) {
        if (run_field(expr, names[i], NULL) == NULL)
            continue;
        if (!run_field_integer(run, expr, names[i], 0, &data))
            return false;
        if (i < 2)
            out->data.u32 = (uint32_t)data; /* an fd is the program's number: it is not mapped */
        else
            out->data.u64 = (uint64_t)data;
    }
    return true;
}

static bool prepare_epoll_create(struct pkt_run *run, struct run_call *call,
                                 const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_EPOLL_CREATE;
    return run_int(run, arguments[0], &call->sys.number);
}

static bool prepare_epoll_ctl(struct pkt_run *run, struct run_call *call,
                              const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    int64_t command;
    call->sys.kind = PKT_SYS_EPOLL_CTL;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd) ||
        !run_integer(run, arguments[1], &command) ||
        !run_fd_argument(run, arguments[2], &script, &call->sys.other_fd))
        return false;
    call->sys.command = (unsigned long)command;
    if (count < 4 || run_is_null(run, arguments[3]))
        return true;
    call->sys.epoll = pkt_arena_alloc(run->arena, sizeof *call->sys.epoll);
    return event_of(run, arguments[3], call->sys.epoll);
}

static bool epoll_waited(struct pkt_run *run, struct run_call *call)
{
    struct epoll_event wanted;
    if (call->sys.result <= 0 || call->aux->kind == PKT_EXPR_ELLIPSIS)
        return true;
    const struct epoll_event *got = &call->sys.epoll[0];
    if (!event_of(run, call->aux, &wanted))
        return false;
    bool harmless = run->options->calls_not_fatal;
    if (wanted.events != got->events)
        return run_mismatch(run, harmless, call->aux->place, "events: expected 0x%x, came 0x%x",
                            wanted.events, got->events);
    if (wanted.data.u64 != got->data.u64)
        return run_mismatch(run, harmless, call->aux->place, "data: expected %llu, came %llu",
                            (unsigned long long)wanted.data.u64, (unsigned long long)got->data.u64);
    return true;
}

static bool prepare_epoll_wait(struct pkt_run *run, struct run_call *call,
                               const struct pkt_expr *const *arguments, size_t count)
{
    int script;
    (void)count;
    call->sys.kind = PKT_SYS_EPOLL_WAIT;
    call->check = epoll_waited;
    call->aux = arguments[1];
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd) ||
        !run_int(run, arguments[2], &call->sys.number) ||
        !run_int(run, arguments[3], &call->sys.timeout_ms))
        return false;
    if (call->sys.number > 4096)
        return run_fail_at(run, arguments[2]->place, "room for more than 4096 events");
    size_t room = call->sys.number > 0 ? (size_t)call->sys.number : 1;
    call->sys.epoll = pkt_arena_array(run->arena, room, sizeof *call->sys.epoll);
    return true;
}

/* ---- pipe --------------------------------------------------------------------------------- */

static bool pipe_made(struct pkt_run *run, struct run_call *call)
{
    int64_t number;
    if (call->sys.result != 0)
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (!run_integer(run, call->aux->items[i], &number) ||
            !run_fd_add(run, number, call->sys.pair[i]))
            return false;
    return true;
}

static bool prepare_pipe(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_PIPE;
    call->check = pipe_made;
    call->aux = arguments[0];
    if ((call->aux->kind != PKT_EXPR_LIST && call->aux->kind != PKT_EXPR_BRACES) ||
        call->aux->count != 2)
        return run_fail_at(run, call->aux->place, "pipe() is written pipe([a, b])");
    return true;
}

const struct run_function run_wait_functions[] = {
    {"poll", 3, 3, prepare_poll, false},
    {"epoll_create", 1, 1, prepare_epoll_create, true},
    {"epoll_ctl", 3, 4, prepare_epoll_ctl, false},
    {"epoll_wait", 4, 4, prepare_epoll_wait, false},
    {"pipe", 1, 1, prepare_pipe, false},
    {NULL, 0, 0, NULL, false},
};
