/* SPDX-License-Identifier: MIT */
/* hawser pkt: what is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt.h"
#include "term.h"

static const char *text_of(const json_t *result, const char *name)
{
    return json_string_value(json_object_get(result, name));
}

static void count(const json_t *result, struct pkt_tally *tally, const char *verdict)
{
    if (strcmp(verdict, "ok") == 0)
        tally->passed++;
    else if (strcmp(verdict, "skip") == 0)
        tally->skipped++;
    else
        tally->failed++;
    tally->errors += strcmp(verdict, "error") == 0;
    tally->mutants += (size_t)json_integer_value(json_object_get(result, "mutants"));
    tally->killed += (size_t)json_integer_value(json_object_get(result, "killed"));
    tally->explained += (size_t)json_integer_value(json_object_get(result, "explained"));
}

static void print_lines(const char *title, const json_t *lines)
{
    size_t i;
    json_t *line;
    if (json_array_size(lines) == 0)
        return;
    if (title != NULL)
        printf("      %s\n", title);
    json_array_foreach(lines, i, line) printf("        %s\n", json_string_value(line));
}

/* A text of several lines, all but the first one indented as the first is. */
static void print_indented(const char *label, const char *text)
{
    if (text == NULL)
        return;
    printf("      %-9s ", label);
    for (; *text != 0; text++)
        if (*text == '\n')
            fputs("\n                ", stdout);
        else
            putchar(*text);
    putchar('\n');
}

static void print_mutants(const json_t *rows, const char *script)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
        printf("      %s:%lld %s: %s\n", script,
               (long long)json_integer_value(json_object_get(row, "line")), text_of(row, "kind"),
               text_of(row, "what"));
}

static void print_verdict(const char *verdict)
{
    static const struct {
        const char *verdict, *word;
        enum term_style style;
    } words[] = {{"ok", "ok", TERM_GOOD},
                 {"fail", "FAIL", TERM_BAD},
                 {"skip", "skip", TERM_DIM},
                 {"error", "error", TERM_BAD}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].verdict, verdict) == 0)
            printf("%s%-5s%s ", term_on(stdout, words[i].style), words[i].word, term_off(stdout));
}

void pkt_print_result(const struct pkt_command *command, json_t *result, struct pkt_tally *tally)
{
    const char *verdict = text_of(result, "verdict"), *script = text_of(result, "script");
    const char *message = text_of(result, "message");
    long long line = json_integer_value(json_object_get(result, "line"));
    long long column = json_integer_value(json_object_get(result, "column"));
    if (verdict == NULL || script == NULL)
        return;
    count(result, tally, verdict);
    if (command->json) {
        char *text = json_dumps(result, JSON_COMPACT);
        puts(text != NULL ? text : "{}");
        free(text);
        return;
    }
    print_lines(NULL, json_object_get(result, "log"));
    print_verdict(verdict);
    fputs(script, stdout);
    if (line > 0 && strcmp(verdict, "skip") != 0)
        printf(":%lld", line);
    if (line > 0 && column > 0 && strcmp(verdict, "skip") != 0)
        printf(":%lld", column);
    printf("%s%s\n", message != NULL ? ": " : "", message != NULL ? message : "");
    print_lines("warnings:", json_object_get(result, "warnings"));
    print_indented("expected", text_of(result, "expected"));
    print_indented("came", text_of(result, "came"));
    print_lines("the last packets:", json_object_get(result, "packets"));
    print_mutants(json_object_get(result, "survivors"), script);
    print_mutants(json_object_get(result, "stale"), script);
}

void pkt_print_tally(const struct pkt_command *command, const struct pkt_tally *tally)
{
    if (command->json)
        return;
    if (command->mutate)
        printf("%zu mutants: %zu killed, %zu survive and are explained, %zu survive\n",
               tally->mutants, tally->killed, tally->explained,
               tally->mutants - tally->killed - tally->explained);
    printf("%zu passed, %zu failed, %zu skipped\n", tally->passed, tally->failed, tally->skipped);
}
