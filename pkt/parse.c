/* SPDX-License-Identifier: MIT */
/* Scripts: init and cleanup commands, events and their times. Recursive descent; only expressions
 * nest, and they count their depth. */
#include "pkt/parse_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- tokens ---------------------------------------------------------------------------------- */

void parse_take(struct parser *parser)
{
    parser->last = parser->token.last;
    lex_next(&parser->lexer, &parser->token);
}

void parse_fail_at(struct parser *parser, struct pkt_place place, const char *format, ...)
{
    char text[sizeof parser->lexer.error->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lex_fail(&parser->lexer, place, "%s", text);
    parser->lexer.position = parser->lexer.length;
    parser->token.kind = LEX_END;
}

void parse_expected(struct parser *parser, const char *what)
{
    char found[100];
    parse_fail_at(parser, parser->token.place, "expected %s, found %s", what,
                  lex_describe(&parser->token, found, sizeof found));
}

bool parse_is(const struct parser *parser, char punctuation)
{
    return parser->token.kind == LEX_PUNCTUATION && parser->token.text[0] == punctuation;
}

bool parse_is_word(const struct parser *parser, const char *word)
{
    const struct lex_token *token = &parser->token;
    return token->kind == LEX_WORD && !token->from_define && token->length == strlen(word) &&
           memcmp(token->text, word, token->length) == 0;
}

bool parse_accept(struct parser *parser, char punctuation)
{
    bool there = parse_is(parser, punctuation);
    if (there)
        parse_take(parser);
    return there;
}

bool parse_accept_word(struct parser *parser, const char *word)
{
    bool there = parse_is_word(parser, word);
    if (there)
        parse_take(parser);
    return there;
}

void parse_expect(struct parser *parser, char punctuation)
{
    char what[] = {'\'', punctuation, '\'', '\0'};
    if (!parse_accept(parser, punctuation))
        parse_expected(parser, what);
}

void parse_expect_word(struct parser *parser, const char *word)
{
    char what[40];
    (void)snprintf(what, sizeof what, "'%s'", word);
    if (!parse_accept_word(parser, word))
        parse_expected(parser, what);
}

int64_t parse_number(struct parser *parser, int64_t least, int64_t most, const char *what)
{
    const struct lex_token *token = &parser->token;
    if (token->kind != LEX_INTEGER && token->kind != LEX_HEX) {
        parse_expected(parser, what);
        return least;
    }
    int64_t number = token->number;
    bool negative = token->text[0] == '-';
    if (token->too_large || (number < 0 && !negative) || number < least || number > most) {
        char found[100];
        parse_fail_at(parser, token->place, "expected %s from %lld to %lld, found %s", what,
                      (long long)least, (long long)most, lex_describe(token, found, sizeof found));
        return least;
    }
    parse_take(parser);
    return number;
}

const char *parse_text(struct parser *parser, const struct lex_token *token)
{
    return pkt_arena_text(parser->arena, token->text, token->length);
}

/* ---- times ----------------------------------------------------------------------------------- */

#define NS_PER_S 1000000000
#define TIME_MAX_S 1000000000 /* 31 years; their sum stays far from the end of 64 bits */

/* Seconds as a decimal number, to the nanosecond; what is finer is cut off. */
static int64_t parse_seconds(struct parser *parser)
{
    const struct lex_token *token = &parser->token;
    bool number = token->kind == LEX_INTEGER || token->kind == LEX_FLOAT || token->kind == LEX_HEX;
    if (!number || token->text[0] == '-') {
        parse_expected(parser, "a time in seconds");
        return 0;
    }
    const int64_t max_ns = (int64_t)TIME_MAX_S * NS_PER_S;
    int64_t ns = 0, unit = NS_PER_S;
    if (token->kind != LEX_FLOAT) {
        bool fits = !token->too_large && token->number >= 0 && token->number <= TIME_MAX_S;
        ns = fits ? token->number * NS_PER_S : max_ns + 1;
    } else {
        for (size_t i = 0; i < token->length && ns <= max_ns; i++) {
            if (token->text[i] == '.') {
                unit /= 10;
            } else if (unit == NS_PER_S && ns > max_ns / 10) {
                ns = max_ns + 1; /* ten times that would leave 64 bits */
            } else if (unit == NS_PER_S) {
                ns = ns * 10 + (int64_t)(token->text[i] - '0') * NS_PER_S;
            } else {
                ns += (token->text[i] - '0') * unit;
                unit /= 10;
            }
        }
    }
    if (ns > max_ns)
        parse_fail_at(parser, token->place, "a time of more than %d seconds", TIME_MAX_S);
    parse_take(parser);
    return ns;
}

static void parse_time(struct parser *parser, struct pkt_time *time)
{
    if (parse_accept(parser, '*')) {
        time->kind = PKT_TIME_ANY;
        return;
    }
    struct pkt_place begin = parser->token.place;
    bool relative = parse_accept(parser, '+');
    time->kind = relative ? PKT_TIME_RELATIVE : PKT_TIME_ABSOLUTE;
    time->start_ns = parse_seconds(parser);
    if (parse_accept(parser, '~')) {
        if (relative)
            parse_expect(parser, '+');
        time->kind = relative ? PKT_TIME_RELATIVE_RANGE : PKT_TIME_ABSOLUTE_RANGE;
        time->end_ns = parse_seconds(parser);
    } else if (parser->token.kind == LEX_ELLIPSIS) {
        parse_take(parser);
        time->has_end = true;
        time->end_ns = parse_seconds(parser);
    } else {
        return;
    }
    if (time->end_ns < time->start_ns)
        parse_fail_at(parser, begin, "this time ends before it begins");
}

/* ---- events ---------------------------------------------------------------------------------- */

static void parse_event_body(struct parser *parser, struct pkt_event *event)
{
    const struct lex_token *token = &parser->token;
    if (parse_is(parser, '<') || parse_is(parser, '>')) {
        event->kind = PKT_EVENT_PACKET;
        parse_packet(parser, &event->packet);
    } else if (token->kind == LEX_BACKTICK || token->kind == LEX_CODE) {
        event->kind = token->kind == LEX_CODE ? PKT_EVENT_CODE : PKT_EVENT_COMMAND;
        event->text = parse_text(parser, token);
        parse_take(parser);
    } else if (token->kind == LEX_WORD) {
        event->kind = PKT_EVENT_CALL;
        parse_call(parser, &event->call);
    } else {
        parse_expected(parser, "'<', '>', a system call, a command or a code block");
    }
}

/* What times go with which events (pkt-language: section 3). */
static void check_time(struct parser *parser, const struct pkt_event *event)
{
    const struct pkt_time *time = &event->time;
    bool expected_packet = event->kind == PKT_EVENT_PACKET && !event->packet.inbound;
    bool plain = time->kind == PKT_TIME_ABSOLUTE || time->kind == PKT_TIME_RELATIVE;
    if (!plain && !expected_packet)
        parse_fail_at(parser, event->place, "only packets that are expected ('>') may come at %s",
                      time->kind == PKT_TIME_ANY ? "any time" : "a range of times");
    if (time->has_end && event->kind != PKT_EVENT_CALL)
        parse_fail_at(parser, event->place, "only a system call can have an end ('...')");
}

/* The clock as far as the script says it. */
struct clock {
    bool began;
    int64_t last_absolute_ns;
    int64_t total_ns;
};

static void check_order(struct parser *parser, struct clock *clock, const struct pkt_event *event)
{
    const struct pkt_time *time = &event->time;
    if (!clock->began && (time->kind != PKT_TIME_ABSOLUTE || time->start_ns != 0))
        parse_fail_at(parser, event->place, "the first event is not at the absolute time 0");
    clock->began = true;
    bool absolute = time->kind == PKT_TIME_ABSOLUTE || time->kind == PKT_TIME_ABSOLUTE_RANGE;
    if (absolute && time->start_ns < clock->last_absolute_ns)
        parse_fail_at(parser, event->place, "this time is before that of an event above, %.9g",
                      (double)clock->last_absolute_ns / NS_PER_S);
    if (absolute) {
        clock->last_absolute_ns = time->start_ns;
        clock->total_ns = time->start_ns > clock->total_ns ? time->start_ns : clock->total_ns;
    } else {
        clock->total_ns += time->start_ns;
    }
    if (clock->total_ns > (int64_t)TIME_MAX_S * NS_PER_S)
        parse_fail_at(parser, event->place, "the script lasts more than %d seconds", TIME_MAX_S);
}

/* Room for one more of count elements, which double in the arena. */
static struct pkt_event *grow(struct parser *parser, struct pkt_event *events, size_t count)
{
    bool full = count == 0 || (count & (count - 1)) == 0;
    if (!full)
        return events;
    size_t room = count == 0 ? 1 : count * 2;
    struct pkt_event *more = pkt_arena_array(parser->arena, room, sizeof *more);
    if (count != 0)
        memcpy(more, events, count * sizeof *more);
    return more;
}

static void parse_events(struct parser *parser)
{
    struct pkt_event *events = NULL;
    size_t count = 0;
    struct clock clock = {0};
    while (parser->token.kind != LEX_END && parser->token.kind != LEX_BACKTICK) {
        if (count == PKT_EVENTS_MAX) {
            parse_fail_at(parser, parser->token.place, "more than %u events", PKT_EVENTS_MAX);
            return;
        }
        events = grow(parser, events, count);
        struct pkt_event *event = &events[count++];
        event->place = parser->token.place;
        if (parser->token.kind == LEX_OPTION || parser->token.kind == LEX_WORD)
            parse_expected(parser, "the time of an event");
        parse_time(parser, &event->time);
        parse_event_body(parser, event);
        event->end = parser->last;
        check_time(parser, event);
        check_order(parser, &clock, event);
    }
    parser->script->events = events;
    parser->script->event_count = count;
}

static const char *parse_bare_command(struct parser *parser)
{
    if (parser->token.kind != LEX_BACKTICK)
        return NULL;
    const char *command = parse_text(parser, &parser->token);
    parse_take(parser);
    return command;
}

static void parse_script(struct parser *parser, const struct pkt_parse_input *input)
{
    parse_settings(parser, input);
    parser->script->init_command = parse_bare_command(parser);
    parse_events(parser);
    parser->script->cleanup_command = parse_bare_command(parser);
    if (parser->token.kind != LEX_END)
        parse_expected(parser, "the end: nothing comes behind the cleanup command");
    else if (parser->script->event_count == 0)
        parse_expected(parser, "an event");
}

int pkt_parse(const struct pkt_parse_input *input, struct pkt_arena *arena, struct pkt_script *out,
              struct pkt_error *error)
{
    *error = (struct pkt_error){.place = {1, 1}};
    if (input->length > PKT_TEXT_MAX) {
        (void)snprintf(error->text, sizeof error->text, "more than %u bytes", PKT_TEXT_MAX);
        return -1;
    }
    struct parser *parser = pkt_arena_alloc(arena, sizeof *parser);
    *out = (struct pkt_script){
        .path = input->path,
        .source = pkt_arena_text(arena, input->text, input->length),
        .source_length = input->length,
    };
    *parser = (struct parser){
        .arena = arena,
        .script = out,
        .lexer = {.text = out->source, .length = input->length, .line = 1, .error = error},
    };
    parser->lexer.failed = &parser->failed;
    parser->lexer.defines = parser->defines;
    parse_script(parser, input);
    return parser->failed ? -1 : 0;
}
