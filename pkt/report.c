/* SPDX-License-Identifier: MIT */
/* What a run says: verdicts, warnings, the packets of the last events. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pkt/print.h"
#include "pkt/run_internal.h"

static const char *format_text(struct pkt_run *run, const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    return pkt_arena_text(run->arena, text, strlen(text));
}

static void give(struct pkt_run *run, enum pkt_verdict verdict, struct pkt_place place,
                 const char *message)
{
    if (run->failed)
        return;
    run->failed = true;
    run->out->verdict = verdict;
    run->out->place = place;
    run->out->message = message;
}

static struct pkt_place present(const struct pkt_run *run)
{
    return run->event != NULL ? run->event->place : (struct pkt_place){0, 0};
}

bool run_fail(struct pkt_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    give(run, PKT_FAIL, present(run), format_text(run, format, arguments));
    va_end(arguments);
    return false;
}

bool run_fail_at(struct pkt_run *run, struct pkt_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    give(run, PKT_FAIL, place, format_text(run, format, arguments));
    va_end(arguments);
    return false;
}

bool run_skip(struct pkt_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    give(run, PKT_SKIP, present(run), format_text(run, format, arguments));
    va_end(arguments);
    return false;
}

bool run_mismatch(struct pkt_run *run, bool harmless, struct pkt_place place, const char *format,
                  ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = format_text(run, format, arguments);
    va_end(arguments);
    if (!harmless) {
        give(run, PKT_FAIL, place, text);
        return false;
    }
    const char *before = run->out->warnings;
    run->out->warnings = pkt_arena_printf(run->arena, "%s%s:%u: %s\n", before != NULL ? before : "",
                                          run->script->path, place.line, text);
    return true;
}

/* ---- packets ------------------------------------------------------------------------------ */

void run_tell(struct pkt_run *run, const char *format, ...)
{
    va_list arguments;
    if (run->how->verbose == NULL)
        return;
    va_start(arguments, format);
    vfprintf(run->how->verbose, format, arguments);
    va_end(arguments);
    fputc('\n', run->how->verbose);
}

/* Of what the stack sent only what a script would say: not every field that it has. */
static struct pkt_packet as_written(const struct pkt_packet *packet)
{
    struct pkt_packet out = *packet;
    if (packet->inbound)
        return out;
    out.ip.ttl = -1;
    out.ip.flow_label = -1;
    if (out.ip.tos < 4)
        out.ip.tos = -1;
    if (out.ip.tos >= 0 || out.ip.ecn == PKT_ECN_NOECN)
        out.ip.ecn = PKT_ECN_ABSENT;
    if (out.tcp.urgent == 0)
        out.tcp.urgent = -1;
    return out;
}

void run_tell_packet(struct pkt_run *run, int64_t ns, const struct pkt_packet *packet,
                     const char *mark)
{
    char text[1024];
    const struct pkt_packet written = as_written(packet);
    pkt_print_packet(&written, text, sizeof text);
    char *line = pkt_arena_printf(run->arena, "%.6f  %s%s", (double)ns / 1e9, text, mark);
    run->told[run->told_count++ % RUN_TOLD_MAX] = line;
    run_tell(run, "%s", line);
    if (!packet->inbound)
        run->out->came = line;
}

const char *run_told(struct pkt_run *run)
{
    const char *all = "";
    size_t first = run->told_count > RUN_TOLD_MAX ? run->told_count - RUN_TOLD_MAX : 0;
    for (size_t i = first; i < run->told_count; i++)
        all = pkt_arena_printf(run->arena, "%s    %s\n", all, run->told[i % RUN_TOLD_MAX]);
    return run->told_count > 0 ? all : NULL;
}
