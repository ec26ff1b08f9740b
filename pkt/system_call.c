/* SPDX-License-Identifier: MIT */
/* Call events: finding the function, starting the call, and judging what it gave. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pkt/run_internal.h"
#include "pkt/symbols.h"

const struct run_function *run_function_find(const char *name)
{
    static const struct run_function *const tables[] = {run_socket_functions, run_data_functions,
                                                        run_option_functions, run_wait_functions};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct run_function *at = tables[i]; at->name != NULL; at++)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

/* "4", "-1 EAGAIN" */
static const char *result_text(struct pkt_run *run, int64_t result)
{
    const char *name = result < 0 ? pkt_errno_name((int)-result) : NULL;
    if (result >= 0)
        return pkt_arena_printf(run->arena, "%lld", (long long)result);
    return name != NULL
               ? pkt_arena_printf(run->arena, "-1 %s", name)
               : pkt_arena_printf(run->arena, "-1 (error number %lld)", -(long long)result);
}

static const char *wanted_text(struct pkt_run *run, const struct pkt_call *call, int64_t result)
{
    return call->error != NULL
               ? pkt_arena_printf(run->arena, "%lld %s", (long long)result, call->error)
               : pkt_arena_printf(run->arena, "%lld", (long long)result);
}

/* ---- results ------------------------------------------------------------------------------ */

static bool result_equal(struct pkt_run *run, const struct run_call *call, int64_t wanted,
                         bool *equal)
{
    const char *error = call->event->call.error;
    int64_t number, result = call->sys.result;
    *equal = false;
    if (call->makes_fd && wanted >= 0) {
        *equal = result >= 0;
        return true;
    }
    if (result >= 0 || wanted != -1) {
        *equal = result == wanted && error == NULL;
        return true;
    }
    if (error == NULL) {
        *equal = true;
        return true;
    }
    if (!pkt_symbol(error, &number))
        return run_fail_at(run, call->event->place, "unknown error '%s'", error);
    *equal = number == -result;
    return true;
}

static bool judge_result(struct pkt_run *run, struct run_call *call)
{
    const struct pkt_call *script = &call->event->call;
    /* What is asked for and cleared at each call belongs to this one. */
    const char *unsupported =
        run->stack.unsupported != NULL ? run->stack.unsupported(run->stack.self) : NULL;
    int64_t wanted;
    bool equal;
    if (script->result == NULL || script->result->kind == PKT_EXPR_ELLIPSIS)
        return true;
    if (!run_integer(run, script->result, &wanted) || !result_equal(run, call, wanted, &equal))
        return false;
    if (equal)
        return true;
    if (unsupported != NULL && call->sys.result < 0)
        return run_skip(run, "%s", unsupported);
    return run_mismatch(run, run->options->calls_not_fatal, call->event->place,
                        "%s() gave %s, expected %s", script->name,
                        result_text(run, call->sys.result), wanted_text(run, script, wanted));
}

static bool judge_end(struct pkt_run *run, struct run_call *call)
{
    int64_t ended = call->sys.ended_ns - run->zero_ns;
    int64_t error = ended - call->end_ns;
    int64_t tolerance = run_tolerance(run, call->end_ns - call->start_ns);
    if (!call->blocking || (error <= tolerance && error >= -tolerance))
        return true;
    return run_mismatch(run, run->options->calls_not_fatal, call->event->place,
                        "%s() returned at %.6f s, expected at %.6f s (tolerance %.6f s)",
                        call->event->call.name, (double)ended / 1e9, (double)call->end_ns / 1e9,
                        (double)tolerance / 1e9);
}

static bool judge(struct pkt_run *run, struct run_call *call)
{
    int64_t script;
    run_tell(run, "%.6f  %s() = %s", (double)(call->sys.ended_ns - run->zero_ns) / 1e9,
             call->event->call.name, result_text(run, call->sys.result));
    if (!judge_result(run, call) || !judge_end(run, call))
        return false;
    if (call->makes_fd && call->sys.result >= 0) {
        if (call->event->call.result == NULL)
            return run_fail_at(run, call->event->place, "the new descriptor has no name");
        if (!run_integer(run, call->event->call.result, &script) ||
            !run_fd_add(run, script, call->sys.result))
            return false;
    }
    return call->check == NULL || call->check(run, call);
}

bool run_pending(struct pkt_run *run, bool wait)
{
    struct run_call *call = run->pending;
    if (call == NULL)
        return true;
    if (!call->sys.done && wait) {
        int64_t tolerance = run_tolerance(run, call->end_ns - call->start_ns);
        run->stack.await(run->stack.self, &call->sys, run->zero_ns + call->end_ns + tolerance);
        if (!call->sys.done)
            return run_fail_at(
                run, call->event->place, "%s() has not returned at %.6f s, expected at %.6f s",
                call->event->call.name, (double)run_now(run) / 1e9, (double)call->end_ns / 1e9);
    }
    if (!call->sys.done)
        return true;
    run->pending = NULL;
    return judge(run, call);
}

/* ---- the event ---------------------------------------------------------------------------- */

bool run_system_call(struct pkt_run *run, const struct pkt_event *event)
{
    const struct pkt_call *script = &event->call;
    const struct run_function *function = run_function_find(script->name);
    if (function == NULL)
        return run_fail(run, "unknown system call %s()", script->name);
    if (script->argument_count < function->least || script->argument_count > function->most)
        return run_fail(run, "%s() with %zu arguments", script->name, script->argument_count);
    if (!run_pending(run, true) || !run_wait(run))
        return false;

    struct run_call *call = pkt_arena_alloc(run->arena, sizeof *call);
    call->event = event;
    call->makes_fd = function->makes_fd;
    call->blocking = event->time.has_end;
    call->start_ns = run->expected_ns;
    call->end_ns = run->expected_end_ns;
    call->sys.fd = call->sys.other_fd = -1;
    if (!function->prepare(run, call, script->arguments, script->argument_count))
        return false;
    run->stack.start(run->stack.self, &call->sys);
    if (call->sys.done)
        return judge(run, call);
    run->pending = call; /* also when it should not: the stack must forget it before it goes */
    if (!call->blocking)
        return run_fail(run, "%s() waits, but the script does not say so (+0...0.5 would)",
                        script->name);
    run_tell(run, "%.6f  %s(): waits", (double)run_now(run) / 1e9, script->name);
    return true;
}
