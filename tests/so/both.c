/* SPDX-License-Identifier: MIT */
/* Runs scripts by both roads, on the machine and through libhawser-packetdrill.so, and compares the
 * verdicts: both LIBRARY N PATH... Of the mutants of each script, which must fail by both roads or
 * by none, every N-th is run too (0 = none). */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "over.h"
#include "pkt/mutate.h"
#include "pkt/parse.h"
#include "pkt/python.h"

#define READING_NS 20000

struct both {
    struct over_choice choice;
    const char *folder; /* those of the scripts are in it */
    struct pkt_python python;
    size_t step, scripts, passed, lacking, mutants, failed_mutants, different, turn;
};

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *length = (size_t)ftell(file);
    rewind(file);
    text = malloc(*length + 1);
    if (text != NULL && fread(text, 1, *length, file) != *length) {
        free(text);
        text = NULL;
    }
    fclose(file);
    if (text != NULL)
        text[*length] = 0;
    return text;
}

static const char *verdict_name(enum pkt_verdict verdict)
{
    static const char *const names[] = {"ok", "FAIL", "skip"};
    return names[verdict];
}

/* Settings that a script changes are in a folder of its own. The library's clock moves a little by
 * being read, which counts at the edge of what is tolerated. */
static void run(struct both *both, const struct pkt_script *original, bool over,
                struct pkt_arena *arena, struct pkt_outcome *out)
{
    struct pkt_script *script = pkt_arena_alloc(arena, sizeof *script);
    *script = *original;
    script->options.tolerance_ns += over ? READING_NS : 0;
    const struct pkt_run_options how = {.make_stack = over ? over_make : pkt_make_machine,
                                        .make_context = over ? &both->choice : NULL,
                                        .run_anyway = true,
                                        .python = &both->python};
    both->choice.settings = pkt_arena_printf(arena, "%s/%zu", both->folder, ++both->turn);
    pkt_run(script, &how, arena, out);
}

static void show(const char *road, const struct pkt_outcome *out)
{
    printf("  %s: %s", road, verdict_name(out->verdict));
    if (out->place.line > 0)
        printf(", line %u", out->place.line);
    printf("%s%s\n", out->message != NULL ? ": " : "", out->message != NULL ? out->message : "");
    if (out->packets != NULL)
        fputs(out->packets, stdout);
}

/* What a skip is by one road is a failure by the other: nobody tells it what is not supported. */
static bool compare(struct both *both, const struct pkt_script *script, const char *what,
                    enum pkt_verdict *verdict)
{
    struct pkt_arena arena = {0};
    struct pkt_outcome machine, over;
    run(both, script, false, &arena, &machine);
    run(both, script, true, &arena, &over);
    bool same = machine.verdict == over.verdict;
    *verdict = machine.verdict;
    if (!same) {
        printf("different: %s%s%s\n", script->path, what != NULL ? ": " : "",
               what != NULL ? what : "");
        show("machine", &machine);
        show("library", &over);
        both->different++;
    }
    pkt_arena_free(&arena);
    return same;
}

static void compare_mutants(struct both *both, const struct pkt_script *script,
                            struct pkt_arena *arena)
{
    const struct pkt_mutant *mutants;
    size_t count = both->step > 0 ? pkt_mutants(script, arena, &mutants) : 0;
    for (size_t i = both->scripts % (both->step > 0 ? both->step : 1); i < count; i += both->step) {
        struct pkt_script mutated;
        enum pkt_verdict verdict;
        struct pkt_arena own = {0};
        pkt_mutate(script, &mutants[i], &own, &mutated);
        const char *what =
            pkt_arena_printf(&own, "line %u, %s", mutants[i].place.line, mutants[i].what);
        compare(both, &mutated, what, &verdict);
        both->mutants++;
        both->failed_mutants += verdict == PKT_FAIL;
        pkt_arena_free(&own);
    }
}

static void take(struct both *both, const char *path)
{
    size_t length = 0, end = strlen(path);
    struct pkt_arena arena = {0};
    struct pkt_script script;
    struct pkt_error error;
    enum pkt_verdict verdict;
    char *text = read_file(path, &length);
    bool v6 = end > 6 && strcmp(path + end - 6, "v6.pkt") == 0;
    const struct pkt_parse_input input = {
        .path = path, .text = text, .length = length, .family = v6 ? PKT_IPV6 : PKT_IPV4};
    if (text == NULL || pkt_parse(&input, &arena, &script, &error) != 0) {
        printf("different: %s: %s\n", path, text == NULL ? strerror(errno) : error.text);
        both->different++;
    } else if (over_lacks(&script) != NULL) {
        printf("not over the interface: %s: %s\n", path, over_lacks(&script));
        both->lacking++;
    } else {
        both->scripts++;
        compare(both, &script, NULL, &verdict);
        both->passed += verdict == PKT_OK;
        compare_mutants(both, &script, &arena);
    }
    free(text);
    pkt_arena_free(&arena);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void walk(struct both *both, char **paths)
{
    FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    for (FTSENT *entry; tree != NULL && (entry = fts_read(tree)) != NULL;) {
        size_t length = strlen(entry->fts_path);
        if (entry->fts_info == FTS_F && length > 4 &&
            strcmp(entry->fts_path + length - 4, ".pkt") == 0)
            take(both, entry->fts_path);
    }
    if (tree != NULL)
        fts_close(tree);
}

static void remove_folder(char *folder)
{
    char *paths[] = {folder, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; tree != NULL && (entry = fts_read(tree)) != NULL;)
        if (entry->fts_info != FTS_D)
            remove(entry->fts_accpath);
    if (tree != NULL)
        fts_close(tree);
}

int main(int argc, char **argv)
{
    struct both both = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: both LIBRARY N PATH...\n");
        return 2;
    }
    char folder[] = "/tmp/hawser-both-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 1;
    both.choice.library = argv[1];
    both.step = strtoul(argv[2], NULL, 10);
    both.folder = folder;
    walk(&both, argv + 3);
    pkt_python_stop(&both.python);
    remove_folder(folder);
    printf("%zu scripts by both roads: %zu ok; %zu mutants: %zu fail; %zu different; %zu not over "
           "the interface; getsockopt() preloaded: %s\n",
           both.scripts, both.passed, both.mutants, both.failed_mutants, both.different,
           both.lacking, over_preloaded() ? "yes" : "no");
    return both.different > 0 || both.scripts == 0;
}
