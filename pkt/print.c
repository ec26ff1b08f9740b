/* SPDX-License-Identifier: MIT */
/* Times, expressions, calls, events and scripts as text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pkt/escape.h"
#include "pkt/parse.h"
#include "pkt/print_internal.h"

void print_bytes(struct print *print, const char *text, size_t length)
{
    if (length != 0 && print->length < print->room) {
        size_t fits = print->room - print->length;
        memcpy(print->out + print->length, text, length < fits ? length : fits);
    }
    print->length += length;
}

void print_text(struct print *print, const char *text)
{
    print_bytes(print, text, strlen(text));
}

void print_format(struct print *print, const char *format, ...)
{
    char text[160]; /* numbers and names only: more is printed by print_text */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_text(print, text);
}

size_t print_end(struct print *print)
{
    if (print->room != 0)
        print->out[print->length < print->room ? print->length : print->room - 1] = '\0';
    return print->length;
}

/* ---- times ----------------------------------------------------------------------------------- */

void print_seconds(struct print *print, int64_t ns)
{
    char text[40];
    uint64_t whole = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    int length = snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
                          whole / 1000000000, whole % 1000000000);
    while (text[length - 1] == '0')
        length--;
    length -= text[length - 1] == '.';
    print_bytes(print, text, (size_t)length);
}

void print_time(struct print *print, const struct pkt_time *time)
{
    if (time->kind == PKT_TIME_ANY) {
        print_text(print, "*");
        return;
    }
    bool relative = time->kind == PKT_TIME_RELATIVE || time->kind == PKT_TIME_RELATIVE_RANGE;
    bool range = time->kind == PKT_TIME_ABSOLUTE_RANGE || time->kind == PKT_TIME_RELATIVE_RANGE;
    print_text(print, relative ? "+" : "");
    print_seconds(print, time->start_ns);
    if (!range && !time->has_end)
        return;
    print_text(print, !range ? "..." : relative ? "~+" : "~");
    print_seconds(print, time->end_ns);
}

/* ---- expressions: no deeper than the parser lets them be ------------------------------------- */

static void print_expr(struct print *print, const struct pkt_expr *expr);

static void print_items(struct print *print, const struct pkt_expr *expr, const char *between)
{
    for (size_t i = 0; i < expr->count; i++) {
        if (i != 0)
            print_text(print, between);
        print_expr(print, expr->items[i]);
    }
}

static void print_string(struct print *print, const struct pkt_expr *expr)
{
    print_text(print, "\"");
    for (size_t i = 0; i < expr->length; i++) {
        char text[8];
        print_bytes(print, text, pkt_escape(expr->bytes + i, 1, text, sizeof text));
    }
    print_text(print, expr->followed_by_ellipsis ? "\"..." : "\"");
}

/* mpls and gre take no parentheses of their own, and nothing of them is kept. */
static void print_function(struct print *print, const struct pkt_expr *expr)
{
    print_text(print, expr->text);
    if (strcmp(expr->text, "mpls") == 0)
        print_text(print, " (label 0, tc 0, ttl 0)");
    if (expr->count == 0)
        return;
    print_text(print, "(");
    print_items(print, expr, ", ");
    print_text(print, ")");
}

static void print_assignment(struct print *print, const struct pkt_expr *expr)
{
    print_text(print, expr->text);
    if (expr->argument != NULL) {
        print_text(print, "(");
        print_expr(print, expr->argument);
        print_text(print, ")");
    }
    print_text(print, "=");
    print_items(print, expr, "");
}

static void print_expr(struct print *print, const struct pkt_expr *expr)
{
    switch (expr->kind) {
    case PKT_EXPR_ELLIPSIS:
        print_text(print, "...");
        break;
    case PKT_EXPR_INTEGER:
        if (expr->hexadecimal)
            print_format(print, "0x%" PRIx64, (uint64_t)expr->number);
        else
            print_format(print, "%" PRId64, expr->number);
        break;
    case PKT_EXPR_WORD:
        print_text(print, expr->text);
        break;
    case PKT_EXPR_STRING:
        print_string(print, expr);
        break;
    case PKT_EXPR_OR:
        print_items(print, expr, "|");
        break;
    case PKT_EXPR_ASSIGN:
        print_assignment(print, expr);
        break;
    case PKT_EXPR_LIST:
    case PKT_EXPR_BRACES:
        print_text(print, expr->kind == PKT_EXPR_LIST ? "[" : "{");
        print_items(print, expr, ", ");
        print_text(print, expr->kind == PKT_EXPR_LIST ? "]" : "}");
        break;
    case PKT_EXPR_CALL:
        print_function(print, expr);
        break;
    }
}

void print_call(struct print *print, const struct pkt_call *call)
{
    print_text(print, call->name);
    print_text(print, "(");
    for (size_t i = 0; i < call->argument_count; i++) {
        print_text(print, i == 0 ? "" : ", ");
        print_expr(print, call->arguments[i]);
    }
    print_text(print, ")");
    if (call->result != NULL) {
        print_text(print, " = ");
        print_expr(print, call->result);
    }
    if (call->error != NULL) {
        print_text(print, " ");
        print_text(print, call->error);
    }
    if (call->note != NULL || call->error != NULL) { /* an errno has a note */
        print_text(print, " (");
        print_text(print, call->note == NULL ? "" : call->note);
        print_text(print, ")");
    }
}

/* ---- events and scripts ---------------------------------------------------------------------- */

static void print_event(struct print *print, const struct pkt_event *event)
{
    print_time(print, &event->time);
    print_text(print, " ");
    switch (event->kind) {
    case PKT_EVENT_PACKET:
        print_packet(print, &event->packet);
        break;
    case PKT_EVENT_CALL:
        print_call(print, &event->call);
        break;
    case PKT_EVENT_COMMAND:
        print_text(print, "`");
        print_text(print, event->text);
        print_text(print, "`");
        break;
    case PKT_EVENT_CODE:
        print_text(print, "%{ ");
        print_text(print, event->text);
        print_text(print, " }%");
        break;
    }
}

/* A value that is not one run of characters, or that begins like something else. */
static bool needs_quotes(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '`')
            return true;
    }
    char first = (char)(*value | 0x20);
    return !(first >= 'a' && first <= 'z') && !(*value >= '0' && *value <= '9') && *value != '.';
}

static void print_setting(struct print *print, const char *name, const char *value)
{
    const char *quote = !needs_quotes(value) ? "" : strchr(value, '"') == NULL ? "\"" : "`";
    print_text(print, "--");
    print_text(print, name);
    print_text(print, "=");
    print_text(print, quote);
    print_text(print, value);
    print_text(print, quote);
    print_text(print, "\n");
}

static void print_number(struct print *print, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    print_setting(print, name, text);
}

static void print_flag(struct print *print, const char *name, bool set)
{
    if (set)
        print_format(print, "--%s\n", name);
}

static void print_address(struct print *print, const char *name,
                          const struct hawser_address *address, const struct hawser_address *usual)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    if (memcmp(address, usual, sizeof *address) == 0)
        return;
    (void)hawser_address_print(address, text);
    print_setting(print, name, text);
}

static void print_texts(struct print *print, const struct pkt_options *options,
                        const struct pkt_options *usual)
{
    if (strcmp(options->code_command, usual->code_command) != 0)
        print_setting(print, "code_command", options->code_command);
    if (options->so_filename != NULL)
        print_setting(print, "so_filename", options->so_filename);
    if (options->so_flags != NULL)
        print_setting(print, "so_flags", options->so_flags);
    if (options->init_script_count == 0)
        return;
    bool quoted = false;
    for (size_t i = 0; i < options->init_script_count; i++)
        quoted = quoted || needs_quotes(options->init_scripts[i]);
    print_text(print, quoted ? "--init_scripts=\"" : "--init_scripts=");
    for (size_t i = 0; i < options->init_script_count; i++) {
        print_text(print, i == 0 ? "" : ",");
        print_text(print, options->init_scripts[i]);
    }
    print_text(print, quoted ? "\"\n" : "\n");
}

static void print_options(struct print *print, const struct pkt_options *options)
{
    struct pkt_options usual;
    struct pkt_error error;
    pkt_options_default(&usual, options->family);
    (void)pkt_options_complete(&usual, &error);
    if (options->family != PKT_IPV4)
        print_setting(print, "ip_version",
                      options->family == PKT_IPV6 ? "ipv6" : "ipv4-mapped-ipv6");
    print_address(print, "local_ip", &options->local, &usual.local);
    print_address(print, "remote_ip", &options->remote, &usual.remote);
    if (options->bind_port != usual.bind_port)
        print_number(print, "bind_port", options->bind_port);
    if (options->connect_port != usual.connect_port)
        print_number(print, "connect_port", options->connect_port);
    if (options->tolerance_ns != usual.tolerance_ns)
        print_number(print, "tolerance_usecs", (uint64_t)options->tolerance_ns / 1000);
    if (options->tolerance_percent < usual.tolerance_percent ||
        options->tolerance_percent > usual.tolerance_percent)
        print_format(print, "--tolerance_percent=%.17g\n", options->tolerance_percent);
    if (options->mtu != usual.mtu)
        print_number(print, "mtu", options->mtu);
    if (options->ts_tick_ns != 0)
        print_number(print, "tcp_ts_tick_usecs", options->ts_tick_ns / 1000);
    print_flag(print, "tcp_ts_ecr_scaled", options->ts_ecr_scaled);
    print_flag(print, "strict_segments", options->strict_segments);
    print_flag(print, "is_anyip", options->is_anyip);
    print_flag(print, "dry_run", options->dry_run);
    print_flag(print, "non_fatal=packet", options->packets_not_fatal);
    print_flag(print, "non_fatal=syscall", options->calls_not_fatal);
    print_texts(print, options, &usual);
}

static void print_command(struct print *print, const char *command)
{
    if (command == NULL)
        return;
    print_text(print, "`");
    print_text(print, command);
    print_text(print, "`\n");
}

static void print_script(struct print *print, const struct pkt_script *script)
{
    print_options(print, &script->options);
    print_command(print, script->init_command);
    for (size_t i = 0; i < script->event_count; i++) {
        print_event(print, &script->events[i]);
        print_text(print, "\n");
    }
    print_command(print, script->cleanup_command);
}

/* ---- by themselves --------------------------------------------------------------------------- */

size_t pkt_print_seconds(int64_t ns, char *out, size_t room)
{
    struct print print = {out, room, 0};
    print_seconds(&print, ns);
    return print_end(&print);
}

size_t pkt_print_time(const struct pkt_time *time, char *out, size_t room)
{
    struct print print = {out, room, 0};
    print_time(&print, time);
    return print_end(&print);
}

#define PRINTER(name, type)                                                                        \
    size_t pkt_print_##name(const struct type *name, char *out, size_t room)                       \
    {                                                                                              \
        struct print print = {out, room, 0};                                                       \
        print_##name(&print, name);                                                                \
        return print_end(&print);                                                                  \
    }

PRINTER(expr, pkt_expr)
PRINTER(call, pkt_call)
PRINTER(event, pkt_event)
PRINTER(script, pkt_script)

#define TEXT(name, type)                                                                           \
    const char *pkt_##name##_text(const struct type *name, struct pkt_arena *arena)                \
    {                                                                                              \
        size_t length = pkt_print_##name(name, NULL, 0);                                           \
        char *text = pkt_arena_alloc(arena, length + 1);                                           \
        (void)pkt_print_##name(name, text, length + 1);                                            \
        return text;                                                                               \
    }

TEXT(packet, pkt_packet)
TEXT(call, pkt_call)
TEXT(expr, pkt_expr)
TEXT(event, pkt_event)
TEXT(script, pkt_script)
