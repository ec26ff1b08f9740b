/* SPDX-License-Identifier: MIT */
/* %{ }% blocks: what is recorded at their time, and the Python program that runs them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkt/code_names.h"
#include "pkt/run_internal.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

#define SAID_MAX 4096u

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

/* Compiled as if the lines before a block were there: Python then names the script's lines. */
static const char prelude[] =
    "import sys\n"
    "def _hawser():\n"
    "    space = {'__name__': '__main__'}\n"
    "    def block(path, line, text, **values):\n"
    "        space.update(values)\n"
    "        blank = '\\n' * (line - 1)\n"
    "        try:\n"
    "            try:\n"
    "                code = compile(blank + text, path, 'exec')\n"
    "            except IndentationError:\n"
    "                import textwrap\n"
    "                first, _, rest = text.partition('\\n')\n"
    "                code = compile(blank + first + '\\n' + textwrap.dedent(rest), path, 'exec')\n"
    "            exec(code, space)\n"
    "        except SyntaxError as error:\n"
    "            fail(path, error.lineno or line, error)\n"
    "        except BaseException as error:\n"
    "            while error.__traceback__ and error.__traceback__.tb_next:\n"
    "                error.__traceback__ = error.__traceback__.tb_next\n"
    "                if error.__traceback__.tb_frame.f_code.co_filename == path:\n"
    "                    line = error.__traceback__.tb_lineno\n"
    "            fail(path, line, error)\n"
    "    def fail(path, line, error):\n"
    "        sys.stdout.flush()\n"
    "        sys.stderr.write('%d: %s: %s' % (line, type(error).__name__, error))\n"
    "        sys.stderr.flush()\n"
    "        import os\n"
    "        os._exit(1)\n"
    "    return block\n"
    "_block = _hawser()\n";

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
    fputs("# -*- coding: utf-8 -*-\n", out);
    fputs(prelude, out);
    for (const struct run_code *code = run->codes; code != NULL; code = code->next) {
        fputs("_block(", out);
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

/* ---- Python ------------------------------------------------------------------------------- */

static void become_python(const char *command, int program, int said)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(program, STDIN_FILENO);
    dup2(said, STDERR_FILENO);
    execlp(command, command, "-S", "-", (char *)NULL);
    fprintf(stderr, "0: %s: %s", command, strerror(errno));
    _exit(127);
}

/* The program is in a file that has no name: a pipe would have to be fed. */
static int program_file(const char *text, size_t size)
{
    FILE *file = tmpfile();
    if (file == NULL)
        return -1;
    bool written = fwrite(text, 1, size, file) == size && fflush(file) == 0;
    int fd = written ? dup(fileno(file)) : -1;
    fclose(file);
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* What Python wrote to standard error (the last of it), and its status; -1 = it was not run. */
static int run_python(const char *command, const char *text, size_t size, char *said)
{
    int ends[2], status = -1, program = program_file(text, size);
    size_t got = 0;
    said[0] = 0;
    if (program < 0 || pipe(ends) != 0) {
        if (program >= 0)
            close(program);
        return -1;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become_python(command, program, ends[1]);
    close(program);
    close(ends[1]);
    for (ssize_t n; child > 0 && (n = read(ends[0], said + got, SAID_MAX - 1 - got)) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        got += n > 0 ? (size_t)n : 0;
        if (got == SAID_MAX - 1) /* the end is what matters */
            memmove(said, said + SAID_MAX / 2, got -= SAID_MAX / 2);
    }
    said[got] = 0;
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool run_code_all(struct pkt_run *run)
{
    char said[SAID_MAX];
    size_t size;
    if (run->codes == NULL)
        return true;
    char *program = write_program(run, &size);
    if (program == NULL)
        return run_fail(run, "no memory for the code's program");
    int status = run_python(run->options->code_command, program, size, said);
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
