/* SPDX-License-Identifier: MIT */
/* hawser pkt: one script, from its file to what is known about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hawser/port/pcap.h>

#include "pkt.h"
#include "pkt/run.h"

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_text(json_t *result, const char *name, const char *text)
{
    if (text == NULL)
        return;
    json_t *value = json_string(text);
    if (value == NULL) /* not UTF-8 */
        value = json_string("(bytes that are no text)");
    json_object_set_new(result, name, value);
}

static void set_lines(json_t *result, const char *name, const char *text)
{
    json_t *lines = json_array();
    while (text != NULL && *text != 0) {
        size_t length = strcspn(text, "\n");
        size_t blanks = strspn(text, " ");
        if (blanks > length)
            blanks = length;
        json_array_append_new(lines, json_stringn(text + blanks, length - blanks));
        text += length + (text[length] == '\n');
    }
    json_object_set_new(result, name, lines);
}

static void set_place(json_t *result, struct pkt_place place)
{
    if (place.line == 0)
        return;
    json_object_set_new(result, "line", json_integer(place.line));
    if (place.column > 0)
        json_object_set_new(result, "column", json_integer(place.column));
}

/* ---- families and defines ------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static const char *const family_names[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};

static enum pkt_family family_of(const char *name)
{
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(name, family_names[i]) == 0)
            return (enum pkt_family)i;
    return PKT_IPV4;
}

/* What runners of the public suites define, by family. */
static const struct pkt_define suite_defines[2][4] = {
    {{"TFO_COOKIE", "3021b9d889017eeb", PKT_DEFINE_WORD},
     {"TFO_COOKIE_ZERO", "b7c12350a90dc8f5", PKT_DEFINE_WORD},
     {"CMSG_LEVEL_IP", "SOL_IP", PKT_DEFINE_WORD},
     {"CMSG_TYPE_RECVERR", "IP_RECVERR", PKT_DEFINE_WORD}},
    {{"TFO_COOKIE", "c1d1e9742a47a9bc", PKT_DEFINE_WORD},
     {"TFO_COOKIE_ZERO", "82af1a8f9a205c34", PKT_DEFINE_WORD},
     {"CMSG_LEVEL_IP", "SOL_IPV6", PKT_DEFINE_WORD},
     {"CMSG_TYPE_RECVERR", "IPV6_RECVERR", PKT_DEFINE_WORD}},
};

/* Those that are used and that nobody else defines. */
static size_t add_suite_defines(const struct pkt_command *command, const char *text,
                                enum pkt_family family, struct pkt_define *out)
{
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct pkt_define *define = &suite_defines[family == PKT_IPV6][i];
        char defined[64];
        snprintf(defined, sizeof defined, "--define=%s=", define->name);
        bool taken = strstr(text, define->name) == NULL || strstr(text, defined) != NULL;
        for (size_t k = 0; k < command->define_count; k++)
            taken = taken || strcmp(command->defines[k].name, define->name) == 0;
        if (!taken)
            out[count++] = *define;
    }
    return count;
}

/* A script whose name or head asks for a family is for that one only: NULL, or which. */
static const char *other_family(const struct pkt_command *command, const char *path,
                                const struct pkt_script *script)
{
    enum pkt_family wanted;
    if (command->only_family == NULL)
        return NULL;
    wanted = family_of(command->only_family);
    if (ends_with(path, "v4.pkt") && wanted != PKT_IPV4)
        return "ipv4";
    if (ends_with(path, "v6.pkt") && wanted != PKT_IPV6)
        return "ipv6";
    return script->options.family != wanted ? family_names[script->options.family] : NULL;
}

static int parse(const struct pkt_command *command, const char *path, const char *text,
                 size_t length, struct pkt_arena *arena, struct pkt_script *script,
                 struct pkt_error *error)
{
    enum pkt_family family = PKT_IPV4;
    if (command->only_family != NULL)
        family = family_of(command->only_family);
    else if (ends_with(path, "v6.pkt"))
        family = PKT_IPV6;
    struct pkt_define *defines = pkt_arena_array(arena, command->define_count + 4, sizeof *defines);
    if (command->define_count > 0)
        memcpy(defines, command->defines, command->define_count * sizeof *defines);
    size_t count = command->define_count;
    count += add_suite_defines(command, text, family, defines + count);
    const struct pkt_parse_input input = {.path = path,
                                          .text = text,
                                          .length = length,
                                          .defines = defines,
                                          .define_count = count,
                                          .arguments = command->arguments,
                                          .argument_count = command->argument_count,
                                          .family = family};
    return pkt_parse(&input, arena, script, error);
}

/* ---- running ------------------------------------------------------------------------------- */

static void set_outcome(json_t *result, const struct pkt_outcome *outcome)
{
    static const char *const names[] = {"ok", "fail", "skip"};
    set_text(result, "verdict", names[outcome->verdict]);
    json_object_set_new(result, "events", json_integer((json_int_t)outcome->events_done));
    json_object_set_new(result, "virtual_s", json_real((double)outcome->virtual_ns / 1e9));
    if (outcome->warnings != NULL)
        set_lines(result, "warnings", outcome->warnings);
    if (outcome->verdict == PKT_OK)
        return;
    set_place(result, outcome->place);
    set_text(result, "message", outcome->message);
    set_text(result, "expected", outcome->expected);
    set_text(result, "came", outcome->came);
    if (outcome->packets != NULL)
        set_lines(result, "packets", outcome->packets);
}

static struct hawser_pcap_writer *open_pcap(const struct pkt_command *command, json_t *result)
{
    struct hawser_pcap_writer *writer = NULL;
    struct hawser_port_error error = {0};
    const struct hawser_pcap_config config = {.path = command->pcap, .kind = HAWSER_LINK_IP};
    if (hawser_pcap_open(&config, &writer, &error) == 0 && hawser_pcap_start(writer, &error) == 0)
        return writer;
    hawser_pcap_close(writer, NULL);
    set_text(result, "verdict", "fail");
    set_text(result, "message", error.text);
    return NULL;
}

static void run(const struct pkt_command *command, struct pkt_python *python,
                const struct pkt_script *script, struct pkt_arena *arena, json_t *result)
{
    struct pkt_machine_choice choice = {.files = command->allow_shell};
    struct pkt_run_options how = {.make_stack = pkt_make_machine,
                                  .make_context = &choice,
                                  .python = python,
                                  .strict = command->strict || command->mutate,
                                  .allow_shell = command->allow_shell};
    struct pkt_outcome outcome;
    char *log = NULL;
    size_t log_length = 0;
    if (command->pcap != NULL && (how.pcap = open_pcap(command, result)) == NULL)
        return;
    if (command->verbose || script->options.verbose > 0)
        how.verbose = open_memstream(&log, &log_length);
    pkt_run(script, &how, arena, &outcome);
    if (how.verbose != NULL) {
        fclose(how.verbose);
        set_lines(result, "log", log);
        free(log);
    }
    set_outcome(result, &outcome);
    struct hawser_port_error error = {0};
    if (how.pcap != NULL && hawser_pcap_close(how.pcap, &error) != 0) {
        set_text(result, "verdict", "fail");
        set_text(result, "message", error.text);
    }
}

static void judge(const struct pkt_command *command, struct pkt_survivors *survivors,
                  struct pkt_python *python, const char *path, struct pkt_arena *arena,
                  json_t *result)
{
    struct pkt_script script;
    struct pkt_error error;
    size_t length;
    const char *why;
    char *text = pkt_file_read(path, &length, &why);
    if (text == NULL) {
        set_text(result, "verdict", "error");
        set_text(result, "message", why);
        return;
    }
    if (parse(command, path, text, length, arena, &script, &error) != 0) {
        set_text(result, "verdict", "error");
        set_place(result, error.place);
        set_text(result, "message", error.text);
    } else if (other_family(command, path, &script) != NULL) {
        char reason[64];
        snprintf(reason, sizeof reason, "is for %s", other_family(command, path, &script));
        set_text(result, "verdict", "skip");
        set_text(result, "message", reason);
    } else if (command->dry_run || script.options.dry_run) {
        set_text(result, "verdict", "ok");
    } else {
        run(command, python, &script, arena, result);
        const char *verdict = json_string_value(json_object_get(result, "verdict"));
        if (command->mutate && verdict != NULL && strcmp(verdict, "ok") == 0)
            pkt_job_mutants(command, survivors, python, &script, result);
    }
    free(text);
}

json_t *pkt_job(const struct pkt_command *command, struct pkt_survivors *survivors,
                struct pkt_python *python, const char *path)
{
    json_t *result = json_object();
    struct pkt_arena arena = {0};
    double begin = seconds_now();
    set_text(result, "script", path);
    judge(command, survivors, python, path, &arena, result);
    json_object_set_new(result, "real_s", json_real(seconds_now() - begin));
    pkt_arena_free(&arena);
    return result;
}
