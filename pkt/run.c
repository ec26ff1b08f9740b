/* SPDX-License-Identifier: MIT */
/* Runs a script: the loop over its events, what comes before and after. */
#include <stdlib.h>
#include <string.h>

#include "pkt/machine.h"
#include "pkt/run_internal.h"

#define START_NS 1000000000000LL /* what the machine's clock shows when a script begins */

/* ---- what no script can have -------------------------------------------------------------- */

static const char *missing_option(const struct pkt_tcp *tcp)
{
    for (size_t i = 0; i < tcp->options_count; i++)
        switch (tcp->options[i].kind) {
        case PKT_OPT_FAST_OPEN:
        case PKT_OPT_FAST_OPEN_EXP:
            return "TCP Fast Open";
        case PKT_OPT_MD5:
            return "TCP MD5 signatures";
        case PKT_OPT_ACC_ECN_0:
        case PKT_OPT_ACC_ECN_1:
            return "accurate ECN";
        case PKT_OPT_NOP:
        case PKT_OPT_EOL:
        case PKT_OPT_MSS:
        case PKT_OPT_WSCALE:
        case PKT_OPT_SACK_OK:
        case PKT_OPT_SACK:
        case PKT_OPT_TIMESTAMPS:
            break;
        }
    return NULL;
}

/* What the stack is expected to send, or the script to inject, that Hawser does not know at all;
 * NULL = nothing. */
static const char *missing_feature(const struct pkt_packet *packet)
{
    static const char *const encaps[] = {"IPv4 encapsulation", "IPv6 encapsulation", "GRE", "MPLS",
                                         "psp"};
    if (packet->encap_count > 0)
        return encaps[packet->encaps[0].kind];
    if (packet->inbound)
        return NULL;
    if (packet->kind == PKT_PACKET_UDP)
        return "UDP sockets";
    if (packet->kind != PKT_PACKET_TCP)
        return NULL;
    bool ecn = (packet->tcp.flags & (PKT_ECE | PKT_CWR | PKT_AE)) != 0 ||
               (packet->ip.ecn != PKT_ECN_ABSENT && packet->ip.ecn != PKT_ECN_NOECN);
    return ecn ? "ECN" : missing_option(&packet->tcp);
}

static bool supported(struct pkt_run *run)
{
    if (run->options->unsupported != NULL)
        return run_skip(run, "--%s", run->options->unsupported);
    for (size_t i = 0; i < run->script->event_count; i++) {
        const struct pkt_event *event = &run->script->events[i];
        const char *missing =
            event->kind == PKT_EVENT_PACKET ? missing_feature(&event->packet) : NULL;
        if (missing != NULL && (!run->how->run_anyway || event->packet.encap_count > 0)) {
            run->event = event;
            return run_skip(run, "%s", missing);
        }
    }
    return true;
}

/* ---- the machine -------------------------------------------------------------------------- */

enum pkt_verdict pkt_make_machine(void *context, const struct pkt_script *script,
                                  const struct pkt_setting *settings, size_t setting_count,
                                  struct pkt_arena *arena, struct pkt_stack *out, const char **why)
{
    const struct pkt_machine_choice *choice = context;
    const struct pkt_options *options = &script->options;
    bool v4 = hawser_address_is_v4(&options->local);
    const struct pkt_machine_config config = {.local = options->local,
                                              .prefix_bits = v4 ? 16 : 64,
                                              .mtu = options->mtu,
                                              .start_ns = START_NS,
                                              .files = choice != NULL && choice->files};
    struct hawser_config host;
    struct pkt_machine *machine;
    pkt_machine_host_defaults(&host);
    for (size_t i = 0; i < setting_count; i++) {
        const char *reason = NULL;
        if (settings[i].name == NULL) {
            pkt_machine_host_defaults(&host);
        } else if (sock_setting_set(&host, settings[i].name, settings[i].value, &reason) != 0) {
            *why =
                pkt_arena_printf(arena, "setting %s = %s%s%s", settings[i].name, settings[i].value,
                                 reason != NULL ? ": " : "", reason != NULL ? reason : "");
            return PKT_SKIP;
        }
    }
    int status = pkt_machine_create(&config, &host, &machine);
    if (status != 0) {
        *why = pkt_arena_printf(arena, "no machine can be made of these settings: %s",
                                strerror(-status));
        return PKT_FAIL;
    }
    *out = pkt_machine_stack(machine);
    return PKT_OK;
}

static bool make_stack(struct pkt_run *run)
{
    const char *why = "";
    enum pkt_verdict verdict =
        run->how->make_stack(run->how->make_context, run->script, run->settings, run->setting_count,
                             run->arena, &run->stack, &why);
    if (verdict == PKT_SKIP)
        return run_skip(run, "%s", why);
    if (verdict == PKT_FAIL)
        return run_fail(run, "%s", why);
    run->has_stack = true;
    run->zero_ns = run->stack.now(run->stack.self);
    return true;
}

/* ---- events ------------------------------------------------------------------------------- */

static bool play(struct pkt_run *run, const struct pkt_event *event)
{
    run_schedule(run, event);
    switch (event->kind) {
    case PKT_EVENT_PACKET:
        return event->packet.inbound ? run_packet_in(run, event) : run_packet_out(run, event);
    case PKT_EVENT_CALL:
        return run_system_call(run, event);
    case PKT_EVENT_COMMAND:
        return run_wait(run) && run_shell(run, event->text, RUN_SHELL_EVENT);
    case PKT_EVENT_CODE:
        return run_wait(run) && run_code_record(run, event);
    }
    return false;
}

static bool play_all(struct pkt_run *run)
{
    for (size_t i = 0; i < run->script->event_count && !run->failed; i++) {
        if (!play(run, &run->script->events[i]) || !run_pending(run, false))
            return false;
        run->out->events_done++;
    }
    run->out->virtual_ns = run_now(run);
    if (!run_pending(run, true))
        return false;
    run->event = NULL;
    return !run->how->strict || run_no_more_packets(run, run_now(run));
}

static bool prepare(struct pkt_run *run)
{
    for (size_t i = 0; i < run->options->init_script_count; i++)
        if (!run_shell(run, run->options->init_scripts[i], RUN_SHELL_INIT))
            return false;
    if (run->script->init_command != NULL &&
        !run_shell(run, run->script->init_command, RUN_SHELL_INIT))
        return false;
    return make_stack(run);
}

/* The descriptors left open go with the machine; nobody would see what their closing sends. */
static void clean_up(struct pkt_run *run)
{
    if (run->has_stack)
        run->stack.destroy(run->stack.self);
    for (size_t i = 0; i < run->conn_count; i++)
        free(run->conns[i]->ts_pairs);
}

/* The event that a verdict names: a call that waits may have ended during another event. */
static const struct pkt_event *named_event(const struct pkt_run *run)
{
    unsigned line = run->out->place.line;
    for (size_t i = 0; i < run->script->event_count && run->event != NULL; i++)
        if (run->script->events[i].place.line <= line && line <= run->script->events[i].end.line)
            return &run->script->events[i];
    return run->event;
}

static const char *source_of(const struct pkt_run *run, const struct pkt_event *event)
{
    const char *at = run->script->source, *end = at + run->script->source_length;
    for (unsigned line = 1; line < event->place.line && at < end; at++)
        line += *at == '\n';
    size_t length = 0;
    unsigned lines = event->end.line >= event->place.line ? event->end.line - event->place.line : 0;
    while (at + length < end && length < 400 && (at[length] != '\n' || lines-- > 0))
        length++;
    return pkt_arena_text(run->arena, at, length);
}

void pkt_run(const struct pkt_script *script, const struct pkt_run_options *how,
             struct pkt_arena *arena, struct pkt_outcome *out)
{
    struct pkt_run *run = pkt_arena_alloc(arena, sizeof *run);
    *run = (struct pkt_run){
        .script = script,
        .options = &script->options,
        .how = how,
        .arena = arena,
        .out = out,
        .match = {.ts_tick_ns = (int64_t)script->options.ts_tick_ns, .echoes = how->strict}};
    run->codes_end = &run->codes;
    memset(out, 0, sizeof *out);

    bool started = supported(run) && prepare(run);
    if (started && play_all(run))
        run_code_all(run);
    if (run->failed && out->verdict == PKT_FAIL) {
        const struct pkt_event *event = named_event(run);
        out->expected = event != NULL ? source_of(run, event) : NULL;
        if (event == NULL || event->kind != PKT_EVENT_PACKET || event->packet.inbound)
            out->came = NULL;
        out->packets = run_told(run);
    }
    if (started && script->cleanup_command != NULL) {
        run->event = NULL;
        run_shell(run, script->cleanup_command, RUN_SHELL_CLEANUP);
    }
    clean_up(run);
}
