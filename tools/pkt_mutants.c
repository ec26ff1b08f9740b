/* SPDX-License-Identifier: MIT */
/* hawser pkt --mutate: does a script notice when what it expects is changed? */
#include <stdlib.h>
#include <string.h>

#include "pkt.h"
#include "pkt/run.h"

static bool survives(const struct pkt_command *command, struct pkt_python *python,
                     const struct pkt_script *mutated, struct pkt_arena *arena)
{
    struct pkt_machine_choice choice = {.files = command->allow_shell};
    const struct pkt_run_options how = {.make_stack = pkt_make_machine,
                                        .make_context = &choice,
                                        .python = python,
                                        .strict = true,
                                        .run_anyway = true,
                                        .allow_shell = command->allow_shell};
    struct pkt_outcome outcome;
    pkt_run(mutated, &how, arena, &outcome);
    return outcome.verdict != PKT_FAIL; /* a skip has noticed nothing */
}

/* The script's path below the folder of the list. */
static const char *below(const struct pkt_command *command, const char *path)
{
    const char *list = command->survivors_path;
    const char *slash = list != NULL ? strrchr(list, '/') : NULL;
    size_t length = slash != NULL ? (size_t)(slash - list) + 1 : 0;
    return length > 0 && strncmp(path, list, length) == 0 ? path + length : path;
}

static void tell(json_t *rows, unsigned line, enum pkt_mutation mutation, const char *what)
{
    json_array_append_new(rows, json_pack("{s:i, s:s, s:s}", "line", (int)line, "kind",
                                          pkt_mutation_name(mutation), "what", what));
}

void pkt_job_mutants(const struct pkt_command *command, struct pkt_survivors *survivors,
                     struct pkt_python *python, const struct pkt_script *script, json_t *result)
{
    struct pkt_arena list = {0};
    const struct pkt_mutant *mutants;
    size_t count = pkt_mutants(script, &list, &mutants), killed = 0, explained = 0, at = 0;
    const char *name = below(command, script->path);
    json_t *survived = json_array(), *stale = json_array(), *kinds = json_object();
    for (size_t i = 0; i < count; i++) {
        struct pkt_arena arena = {0};
        struct pkt_script mutated;
        const char *kind = pkt_mutation_name(mutants[i].mutation);
        json_int_t before = json_integer_value(json_object_get(kinds, kind));
        pkt_mutate(script, &mutants[i], &arena, &mutated);
        json_object_set_new(kinds, kind, json_integer(before + 1));
        if (!survives(command, python, &mutated, &arena))
            killed++;
        else if (pkt_survivors_explain(survivors, name, &mutants[i]) != NULL)
            explained++;
        else
            tell(survived, mutants[i].place.line, mutants[i].mutation, mutants[i].what);
        pkt_arena_free(&arena);
    }
    for (const struct pkt_survivor *row; (row = pkt_survivors_stale(survivors, name, &at)) != NULL;)
        tell(stale, row->line, row->mutation, "explained, but none survives");
    if (json_array_size(survived) > 0 || json_array_size(stale) > 0) {
        json_object_set_new(result, "verdict", json_string("fail"));
        json_object_set_new(result, "message",
                            json_string(json_array_size(survived) > 0
                                            ? "changes that the script does not notice"
                                            : "the list of survivors is stale"));
    }
    json_object_set_new(result, "mutants", json_integer((json_int_t)count));
    json_object_set_new(result, "killed", json_integer((json_int_t)killed));
    json_object_set_new(result, "explained", json_integer((json_int_t)explained));
    json_object_set_new(result, "kinds", kinds);
    json_object_set_new(result, "survivors", survived);
    json_object_set_new(result, "stale", stale);
    pkt_arena_free(&list);
}
