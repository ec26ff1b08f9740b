/* SPDX-License-Identifier: MIT */
/* %{ }% blocks: what is recorded at their time, and the Python program that runs them. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/code_names.h"
#include "pkt/python.h"
#include "pkt/run_internal.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

/* ---- recording ---------------------------------------------------------------------------- */

static bool ask(struct pkt_run *run, int fd, int level, int option, void *out, socklen_t room,
                socklen_t *length)
{
    struct pkt_syscall call = {.kind = PKT_SYS_GETSOCKOPT,
                               .fd = fd,
                               .other_fd = -1,
                               .level = level,
                               .option = option,
                               .data = out,
                               .option_length = room};
    run->stack.start(run->stack.self, &call);
    *length = call.result == 0 ? call.option_length : 0;
    return call.result == 0;
}

bool run_code_record(struct pkt_run *run, const struct pkt_event *event)
{
    struct pkt_conn *conn = run->under_test;
    int fd = conn != NULL ? run_live_fd(run, conn->script_fd) : -1;
    struct run_code *code = pkt_arena_alloc(run->arena, sizeof *code);
    code->event = event;
    *run->codes_end = code;
    run->codes_end = &code->next;
    if (fd < 0)
        return run_fail(run, "the socket under test has no descriptor for code to look at");
    if (!ask(run, fd, IPPROTO_TCP, TCP_INFO, code->info, sizeof code->info, &code->info_length))
        return run_fail(run, "TCP_INFO cannot be had");
    ask(run, fd, IPPROTO_TCP, TCP_CC_INFO, code->cc_info, sizeof code->cc_info,
        &code->cc_info_length);
    ask(run, fd, SOL_SOCKET, SO_MEMINFO, code->meminfo, sizeof code->meminfo,
        &code->meminfo_length);
    if (run->stack.unsupported != NULL)
        run->stack.unsupported(run->stack.self); /* not the script's doing */
    return true;
}

/* ---- the program -------------------------------------------------------------------------- */

static uint64_t load(const uint8_t *p, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) /* the machine's order, whatever it is */
        value |= (uint64_t)p[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i]
                 << (8 * i);
    return value;
}

static void put_fields(FILE *out, const struct code_field *fields, const uint8_t *data,
                       size_t length)
{
    for (; fields->name != NULL; fields++)
        if (fields->offset + (size_t)fields->size <= length) {
            uint64_t value = load(data + fields->offset, fields->size);
            if (fields->bits > 0)
                value = value >> fields->shift & ((1u << fields->bits) - 1);
            fprintf(out, ", %s=%llu", fields->name, (unsigned long long)value);
        }
}

static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\\' || c == '\'' || c < ' ' || c == 127)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('\'', out);
}

/* The line on which the block's text begins: outer blanks were cut off. */
static unsigned text_line(const struct pkt_run *run, const struct pkt_event *event)
{
    const char *at = run->script->source, *end = at + run->script->source_length;
    unsigned line = 1;
    for (; line < event->place.line && at < end; at++)
        line += *at == '\n';
    for (; at + 1 < end && !(at[0] == '%' && at[1] == '{'); at++)
        line += *at == '\n';
    for (at += 2; at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'); at++)
        line += *at == '\n';
    return line;
}

static char *write_program(struct pkt_run *run, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL)
        return NULL;
    for (const struct run_code *code = run->codes; code != NULL; code = code->next) {
        fputs("block(", out);
        put_quoted(out, run->script->path);
        fprintf(out, ", %u, ", text_line(run, code->event));
        put_quoted(out, code->event->text);
        for (const struct code_constant *at = code_constants; at->name != NULL; at++)
            fprintf(out, ", %s=%d", at->name, at->value);
        put_fields(out, code_tcp_info, code->info, code->info_length);
        put_fields(out, code_vegas_info, code->cc_info, code->cc_info_length);
        put_fields(out, code_dctcp_info, code->cc_info, code->cc_info_length);
        put_fields(out, code_bbr_info, code->cc_info, code->cc_info_length);
        put_fields(out, code_meminfo, (const uint8_t *)code->meminfo, code->meminfo_length);
        fputs(")\n", out);
    }
    fclose(out);
    return text;
}

bool run_code_all(struct pkt_run *run)
{
    char said[PKT_PYTHON_SAID_MAX];
    size_t size;
    struct pkt_python own = {0}, *python = run->how->python != NULL ? run->how->python : &own;
    if (run->codes == NULL)
        return true;
    char *program = write_program(run, &size);
    if (program == NULL)
        return run_fail(run, "no memory for the code's program");
    int status = pkt_python_run(python, run->options->code_command, program, size, said);
    pkt_python_stop(&own);
    free(program);
    if (status == 0)
        return true;
    char *rest;
    unsigned long line = strtoul(said, &rest, 10);
    const char *message = rest[0] == ':' ? rest + 2 : said;
    for (const struct run_code *code = run->codes; code != NULL; code = code->next)
        if (code->event->place.line <= line && line <= code->event->end.line)
            run->event = code->event;
    if (run->event == NULL)
        run->event = run->codes->event;
    return run_fail_at(run, (struct pkt_place){(unsigned)line, 0}, "code: %s",
                       *message != 0 ? message : "the program failed and said nothing");
}
