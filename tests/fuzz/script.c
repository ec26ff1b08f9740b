/* SPDX-License-Identifier: MIT */
/* Fuzz target: any text as a script of packetdrill's language, as `hawser pkt` reads files. */
#include "fuzz/fuzz.h"

#include "pkt/parse.h"
#include "pkt/print.h"

#define TEXT_MAX 8192u

/* Line and column of an error are in the text, or right behind it; 0 is the command line. */
static void check_place(const struct pkt_place *place, const char *text, size_t size, bool file)
{
    if (place->line == 0 && !file)
        return;
    unsigned lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    REQUIRE(place->line >= 1 && place->line <= lines + 1);
    REQUIRE(place->column >= 1 && place->column <= size + 2);
}

static void check_events(const struct pkt_script *script)
{
    REQUIRE(script->event_count <= PKT_EVENTS_MAX);
    REQUIRE(script->event_count == 0 || script->events != NULL);
}

/* What is printed of a script is read again as the same. */
static void print_and_parse(const struct pkt_script *script, struct pkt_arena *arena)
{
    const char *text = pkt_script_text(script, arena);
    const struct pkt_parse_input input = {
        .path = "again", .text = text, .length = strlen(text), .family = script->options.family};
    struct pkt_script again;
    struct pkt_error error = {.text = ""};
    int result = pkt_parse(&input, arena, &again, &error);
    if (result != 0)
        fprintf(stderr, "%u:%u: %s, of:\n%s\n", error.place.line, error.place.column, error.text,
                text);
    REQUIRE(result == 0);
    const char *twice = pkt_script_text(&again, arena);
    if (strcmp(text, twice) != 0)
        fprintf(stderr, "first:\n%s\nthen:\n%s\n", text, twice);
    REQUIRE(strcmp(text, twice) == 0);
}

/* Once as a file, once with what a command line may add; the same text gives the same answer. */
static int parse(const char *text, size_t size, unsigned way)
{
    static const struct pkt_argument arguments[] = {{"ip_version", "ipv6"},
                                                    {"tolerance_usecs", "7"}};
    struct pkt_arena arena = {0};
    struct pkt_script script;
    struct pkt_error error = {.text = ""};
    const struct pkt_parse_input input = {
        .path = "fuzz",
        .text = text,
        .length = size,
        .arguments = arguments,
        .argument_count = way == 0 ? 0 : COUNT_OF(arguments),
    };
    memset(&script, 0xa5, sizeof script);
    int result = pkt_parse(&input, &arena, &script, &error);
    if (result == 0) {
        check_events(&script);
        if (script.options.unsupported == NULL)
            print_and_parse(&script, &arena);
    } else {
        REQUIRE(result == -1 && error.text[0] != '\0');
        REQUIRE(memchr(error.text, '\0', sizeof error.text) != NULL);
        check_place(&error.place, text, size, way == 0);
        fuzz_say("%u:%u: %s\n", error.place.line, error.place.column, error.text);
    }
    pkt_arena_free(&arena);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX)
        return 0;
    char *text = malloc(size > 0 ? size : 1);
    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    REQUIRE(parse(text, size, 0) == parse(text, size, 0));
    parse(text, size, 1);
    free(text);
    return 0;
}
