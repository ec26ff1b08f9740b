/* SPDX-License-Identifier: MIT */
/* The scanner. Where two tokens could begin at a place the longer one wins: 192.0.2.1 is no number,
 * 12ab is a word, `0...` is 0 and an ellipsis. */
#include "pkt/lex.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keywords[] = {
    "ECN",        "FO",        "FOEXP",       "Flags",     "GREv0",      "TS",        "ack",
    "ce",         "ceb",       "checksum",    "cmsg_data", "cmsg_level", "cmsg_type", "e0b",
    "e1b",        "ecr",       "ect0",        "ect01",     "ect1",       "ee_code",   "ee_data",
    "ee_errno",   "ee_info",   "ee_origin",   "ee_type",   "encap",      "eol",       "events",
    "fd",         "flags",     "flowlabel",   "gre",       "htons",      "icmp",      "id",
    "inet6_addr", "inet_addr", "ipv4",        "ipv6",      "key",        "label",     "linger",
    "md5",        "mpls",      "msg_control", "msg_flags", "msg_iov",    "msg_name",  "mss",
    "mtu",        "noecn",     "none",        "nop",       "off",        "onoff",     "present",
    "psp",        "ptr",       "raw",         "revents",   "sa_family",  "sack",      "sackOK",
    "scm_nsec",   "scm_sec",   "seq",         "sequence",  "sin_addr",   "sin_port",  "spi",
    "sum",        "tc",        "tos",         "ttl",       "u32",        "u64",       "udp",
    "urg",        "val",       "win",         "wscale",
};

struct slice {
    const char *text;
    size_t length;
};

static int compare_slice(const struct slice *slice, const char *name)
{
    int order = strncmp(slice->text, name, slice->length);
    if (order == 0 && name[slice->length] != '\0')
        order = -1;
    return order;
}

static int compare_keyword(const void *key, const void *element)
{
    return compare_slice(key, *(const char *const *)element);
}

bool lex_is_keyword(const char *text, size_t length)
{
    struct slice key = {text, length};
    return bsearch(&key, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords,
                   compare_keyword) != NULL;
}

static int compare_define(const void *key, const void *element)
{
    return compare_slice(key, ((const struct pkt_define *)element)->name);
}

const struct pkt_define *lex_define(const struct lexer *lexer, const char *text, size_t length)
{
    struct slice key = {text, length};
    if (lexer->define_count == 0)
        return NULL;
    return bsearch(&key, lexer->defines, lexer->define_count, sizeof *lexer->defines,
                   compare_define);
}

void lex_fail(struct lexer *lexer, struct pkt_place place, const char *format, ...)
{
    if (*lexer->failed)
        return;
    *lexer->failed = true;
    lexer->error->place = place;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(lexer->error->text, sizeof lexer->error->text, format, arguments);
    va_end(arguments);
}

/* ---- characters ------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* The character that far ahead; NUL beyond the end. */
static char ahead(const struct lexer *lexer, size_t distance)
{
    size_t left = lexer->length - lexer->position;
    return distance < left ? lexer->text[lexer->position + distance] : '\0';
}

static struct pkt_place here(const struct lexer *lexer)
{
    return (struct pkt_place){lexer->line, (unsigned)(lexer->position - lexer->line_start) + 1};
}

static void step(struct lexer *lexer)
{
    if (lexer->text[lexer->position++] == '\n') {
        lexer->line++;
        lexer->line_start = lexer->position;
    }
}

static void advance(struct lexer *lexer, size_t count)
{
    while (count-- > 0)
        step(lexer);
}

static void skip_line(struct lexer *lexer)
{
    while (lexer->position < lexer->length && ahead(lexer, 0) != '\n')
        lexer->position++;
}

/* ---- #ifdef NAME, #ifndef NAME, #else, #endif: lines of their own, as nplab's suite has them
 * -- */

enum directive { IFDEF, IFNDEF, ELSE, ENDIF, UNKNOWN };

/* Reads the directive that begins at #, and its name; stays in the line. */
static enum directive read_directive(struct lexer *lexer, struct slice *name)
{
    static const char *const words[] = {"ifdef", "ifndef", "else", "endif"};
    advance(lexer, 1);
    struct slice found[2];
    for (int i = 0; i < 2; i++) {
        while (ahead(lexer, 0) == ' ' || ahead(lexer, 0) == '\t')
            lexer->position++;
        found[i] = (struct slice){lexer->text + lexer->position, 0};
        for (; is_word(ahead(lexer, 0)); lexer->position++)
            found[i].length++;
    }
    *name = found[1];
    int which = IFDEF;
    while (which < UNKNOWN && compare_slice(&found[0], words[which]) != 0)
        which++;
    return (enum directive)which;
}

/* Leaves out the lines up to the #else or #endif that belongs to the open condition. Within them
 * only directives count. */
static void skip_branch(struct lexer *lexer, struct pkt_place begin)
{
    size_t depth = 0; /* of conditions within what is left out */
    for (;;) {
        skip_line(lexer);
        if (lexer->position == lexer->length) {
            lex_fail(lexer, begin, "this #ifdef has no #endif");
            return;
        }
        step(lexer);
        while (ahead(lexer, 0) == ' ' || ahead(lexer, 0) == '\t')
            lexer->position++;
        if (ahead(lexer, 0) != '#')
            continue;
        struct slice name;
        enum directive directive = read_directive(lexer, &name);
        if (directive == IFDEF || directive == IFNDEF) {
            depth++;
        } else if (directive == ENDIF && depth-- == 0) {
            lexer->conditions--;
            lexer->else_seen >>= 1;
            return;
        } else if (directive == ELSE && depth == 0 && (lexer->else_seen & 1) == 0) {
            lexer->else_seen |= 1;
            return;
        }
    }
}

/* At # at the beginning of a line. */
static void obey_directive(struct lexer *lexer)
{
    struct pkt_place place = here(lexer);
    if (ahead(lexer, 1) == '!' && place.line == 1) { /* #!/usr/bin/env … */
        skip_line(lexer);
        return;
    }
    struct slice name;
    enum directive directive = read_directive(lexer, &name);
    bool opens = directive == IFDEF || directive == IFNDEF;
    if (directive == UNKNOWN) {
        lex_fail(lexer, place, "expected #ifdef, #ifndef, #else or #endif");
    } else if (opens && name.length == 0) {
        lex_fail(lexer, place, "expected a name behind #ifdef or #ifndef");
    } else if (opens && lexer->conditions == 64) {
        lex_fail(lexer, place, "more than 64 #ifdef within one another");
    } else if (opens) {
        lexer->conditions++;
        lexer->else_seen <<= 1;
        if ((lex_define(lexer, name.text, name.length) != NULL) != (directive == IFDEF))
            skip_branch(lexer, place);
    } else if (lexer->conditions == 0) {
        lex_fail(lexer, place, "no #ifdef or #ifndef is open here");
    } else if (directive == ENDIF) {
        lexer->conditions--;
        lexer->else_seen >>= 1;
    } else if ((lexer->else_seen & 1) != 0) {
        lex_fail(lexer, place, "this #ifdef has had its #else");
    } else {
        lexer->else_seen |= 1;
        skip_branch(lexer, place);
    }
    skip_line(lexer);
}

/* ---- between tokens -------------------------------------------------------------------------- */

static void skip_block_comment(struct lexer *lexer)
{
    struct pkt_place begin = here(lexer);
    advance(lexer, 2);
    while (!(ahead(lexer, 0) == '*' && ahead(lexer, 1) == '/')) {
        if (lexer->position == lexer->length) {
            lex_fail(lexer, begin, "this comment has no end");
            return;
        }
        step(lexer);
    }
    advance(lexer, 2);
}

static void skip_blanks(struct lexer *lexer)
{
    bool line_begins = lexer->position == lexer->line_start;
    while (lexer->position < lexer->length && !*lexer->failed) {
        char c = ahead(lexer, 0);
        if (is_blank(c)) {
            line_begins = line_begins || c == '\n';
            step(lexer);
        } else if (c == '/' && ahead(lexer, 1) == '/') {
            skip_line(lexer);
        } else if (c == '/' && ahead(lexer, 1) == '*') {
            skip_block_comment(lexer);
        } else if (c == '#' && line_begins) {
            obey_directive(lexer);
        } else {
            return;
        }
    }
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static void finish(struct lexer *lexer, struct lex_token *token, enum lex_kind kind, size_t length)
{
    token->kind = kind;
    token->text = lexer->text + lexer->position;
    token->length = length;
    advance(lexer, length);
}

static size_t count_digits(const struct lexer *lexer, size_t from)
{
    size_t count = 0;
    while (is_digit(ahead(lexer, from + count)))
        count++;
    return count;
}

static size_t count_word(const struct lexer *lexer, size_t from)
{
    size_t count = 0;
    while (is_word(ahead(lexer, from + count)))
        count++;
    return count;
}

/* Four numbers with dots between them and no more of either behind them. */
static size_t ipv4_length(const struct lexer *lexer)
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        size_t digits = count_digits(lexer, at);
        if (digits == 0 || digits > 3)
            return 0;
        at += digits;
        if (i < 3 && ahead(lexer, at++) != '.')
            return 0;
    }
    return is_word(ahead(lexer, at)) ? 0 : at;
}

/* A run of hexadecimal digits and colons with :: or seven colons in it that is an address: 1:1001
 * is none. A colon that ends the run belongs to what comes behind the address. */
static size_t ipv6_length(const struct lexer *lexer)
{
    char text[INET6_ADDRSTRLEN + 1] = "";
    size_t length = 0, colons = 0;
    bool double_colon = false;
    for (;; length++) {
        char c = ahead(lexer, length);
        bool hexadecimal = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (c == ':') {
            double_colon = double_colon || ahead(lexer, length + 1) == ':';
            colons++;
        } else if (!hexadecimal && !(c == '.' && colons > 1 && ahead(lexer, length + 1) != '.')) {
            break;
        }
        if (length == INET6_ADDRSTRLEN)
            return 0;
        text[length] = c;
    }
    if (!double_colon && colons < 6)
        return 0;
    struct in6_addr address;
    for (int attempt = 0; attempt < 2 && length > 1; attempt++) {
        text[length] = '\0';
        if (inet_pton(AF_INET6, text, &address) == 1)
            return is_word(ahead(lexer, length)) ? 0 : length;
        length--;
    }
    return 0;
}

void lex_scan_number(struct lex_token *token)
{
    bool negative = token->text[0] == '-';
    bool hexadecimal = token->kind == LEX_HEX;
    uint64_t value = 0;
    for (size_t i = hexadecimal ? 2 : negative; i < token->length; i++) {
        char c = token->text[i];
        unsigned digit = (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        uint64_t base = hexadecimal ? 16 : 10;
        if (value > (UINT64_MAX - digit) / base)
            token->too_large = true;
        value = value * base + digit;
    }
    if (negative && value > (uint64_t)INT64_MAX + 1)
        token->too_large = true;
    token->number = (int64_t)(negative ? 0 - value : value);
}

static bool is_hex_number(const struct lexer *lexer, size_t length)
{
    if (length < 3 || ahead(lexer, 0) != '0' || (ahead(lexer, 1) | 0x20) != 'x')
        return false;
    for (size_t i = 2; i < length; i++) {
        char c = (char)(ahead(lexer, i) | 0x20);
        if (!is_digit(ahead(lexer, i)) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

/* At a digit, a dot or a minus with either behind it: false = no number begins here. */
static bool scan_number(struct lexer *lexer, struct lex_token *token)
{
    size_t sign = ahead(lexer, 0) == '-';
    size_t whole = count_digits(lexer, sign);
    size_t word = sign != 0 ? whole : count_word(lexer, 0);
    bool dot = ahead(lexer, sign + whole) == '.';
    size_t fraction = dot ? count_digits(lexer, sign + whole + 1) : 0;
    if (fraction != 0) {
        finish(lexer, token, LEX_FLOAT, sign + whole + 1 + fraction);
    } else if (whole == 0) {
        return false;
    } else if (is_hex_number(lexer, word)) {
        finish(lexer, token, LEX_HEX, word);
        lex_scan_number(token);
    } else if (word > whole) {
        finish(lexer, token, LEX_WORD, word);
    } else {
        finish(lexer, token, LEX_INTEGER, sign + whole);
        lex_scan_number(token);
    }
    return true;
}

/* At a quote or backtick. */
static void scan_quoted(struct lexer *lexer, struct lex_token *token, enum lex_kind kind)
{
    char quote = ahead(lexer, 0);
    size_t end = 1;
    while (lexer->position + end < lexer->length && ahead(lexer, end) != quote)
        end += kind == LEX_STRING && ahead(lexer, end) == '\\' ? 2 : 1;
    if (lexer->position + end >= lexer->length) {
        lex_fail(lexer, token->place, "this %s has no end",
                 kind == LEX_STRING ? "string" : "command");
        return;
    }
    finish(lexer, token, kind, end + 1);
    token->text++;
    token->length -= 2;
}

static void scan_code(struct lexer *lexer, struct lex_token *token)
{
    size_t end = 2;
    while (!(ahead(lexer, end) == '}' && ahead(lexer, end + 1) == '%')) {
        if (lexer->position + end >= lexer->length) {
            lex_fail(lexer, token->place, "this %%{ has no }%%");
            return;
        }
        end++;
    }
    finish(lexer, token, LEX_CODE, end + 2);
    token->text += 2;
    token->length -= 4;
    while (token->length != 0 && is_blank(token->text[0])) {
        token->text++;
        token->length--;
    }
    while (token->length != 0 && is_blank(token->text[token->length - 1]))
        token->length--;
}

/* A word, or what its define stands for. */
static void scan_word(struct lexer *lexer, struct lex_token *token)
{
    static const enum lex_kind kinds[] = {
        [PKT_DEFINE_WORD] = LEX_WORD,
        [PKT_DEFINE_STRING] = LEX_STRING,
        [PKT_DEFINE_COMMAND] = LEX_BACKTICK,
        [PKT_DEFINE_INTEGER] = LEX_INTEGER,
    };
    size_t length = count_word(lexer, 0);
    if (ahead(lexer, length) == '#' && length == 8 &&
        memcmp(lexer->text + lexer->position, "sequence", 8) == 0)
        length++; /* as tcpdump writes it */
    finish(lexer, token, LEX_WORD, length);
    const struct pkt_define *define = lex_define(lexer, token->text, token->length);
    if (define == NULL)
        return;
    token->from_define = true;
    token->kind = kinds[define->kind];
    token->text = define->value;
    token->length = strlen(define->value);
    if (define->kind == PKT_DEFINE_INTEGER) {
        char *end;
        token->number = define->value[0] == '-' ? (int64_t)strtoll(define->value, &end, 0)
                                                : (int64_t)strtoull(define->value, &end, 0);
    }
}

static void scan(struct lexer *lexer, struct lex_token *token)
{
    char c = ahead(lexer, 0), next = ahead(lexer, 1);
    size_t address = 0;
    if (c == '"') {
        scan_quoted(lexer, token, LEX_STRING);
    } else if (c == '`') {
        scan_quoted(lexer, token, LEX_BACKTICK);
    } else if (c == '%' && next == '{') {
        scan_code(lexer, token);
    } else if (c == '.' && next == '.' && ahead(lexer, 2) == '.') {
        finish(lexer, token, LEX_ELLIPSIS, 3);
    } else if ((address = ipv4_length(lexer)) != 0) {
        finish(lexer, token, LEX_IPV4, address);
    } else if ((address = ipv6_length(lexer)) != 0) {
        finish(lexer, token, LEX_IPV6, address);
    } else if (c == '-' && next == '-' && is_word(ahead(lexer, 2))) {
        finish(lexer, token, LEX_OPTION, 2 + count_word(lexer, 2));
        token->text += 2;
        token->length -= 2;
    } else if ((c == '-' || c == '.' || is_digit(c)) && scan_number(lexer, token)) {
        return;
    } else if (is_word(c)) {
        scan_word(lexer, token);
    } else if (c != '\0' && strchr("*+~<>()[]{}:,=|.-/", c) != NULL) {
        finish(lexer, token, LEX_PUNCTUATION, 1);
    } else if (c > ' ' && c <= '~') {
        lex_fail(lexer, token->place, "the character '%c' begins nothing", c);
    } else {
        lex_fail(lexer, token->place, "the character 0x%02x belongs to no script", (uint8_t)c);
    }
}

void lex_next(struct lexer *lexer, struct lex_token *token)
{
    skip_blanks(lexer);
    *token = (struct lex_token){
        .place = here(lexer), .offset = lexer->position, .text = "", .last = here(lexer)};
    if (!*lexer->failed && lexer->position < lexer->length)
        scan(lexer, token);
    else if (lexer->conditions != 0)
        lex_fail(lexer, token->place, "an #ifdef or #ifndef has no #endif");
    if (*lexer->failed) {
        token->kind = LEX_END;
        lexer->position = lexer->length;
        return;
    }
    token->end_offset = lexer->position;
    token->last = here(lexer);
    if (token->last.column > 1) /* no token ends with a line feed */
        token->last.column--;
}

void lex_rewind(struct lexer *lexer, const struct lex_token *token)
{
    if (*lexer->failed)
        return;
    lexer->position = token->offset;
    lexer->line = token->place.line;
    lexer->line_start = token->offset - (token->place.column - 1);
}

void lex_run(struct lexer *lexer, bool (*accept)(char), struct lex_token *token)
{
    *token = (struct lex_token){.place = here(lexer), .offset = lexer->position};
    size_t length = 0;
    while (lexer->position + length < lexer->length && accept(ahead(lexer, length)))
        length++;
    finish(lexer, token, LEX_WORD, length);
    token->end_offset = lexer->position;
    token->last = here(lexer);
    token->last.column--;
}

bool lex_until(struct lexer *lexer, char end, struct lex_token *token)
{
    *token = (struct lex_token){.place = here(lexer), .offset = lexer->position};
    const char *found = memchr(lexer->text + lexer->position, end, lexer->length - lexer->position);
    if (found == NULL)
        return false;
    finish(lexer, token, LEX_WORD, (size_t)(found - lexer->text) - lexer->position);
    token->end_offset = lexer->position;
    token->last = here(lexer);
    return true;
}

const char *lex_describe(const struct lex_token *token, char *out, size_t room)
{
    static const char *const names[] = {
        [LEX_END] = "the end",          [LEX_INTEGER] = "the number", [LEX_HEX] = "the number",
        [LEX_FLOAT] = "the number",     [LEX_WORD] = "the word",      [LEX_STRING] = "the string",
        [LEX_BACKTICK] = "the command", [LEX_CODE] = "a code block",  [LEX_OPTION] = "the option",
        [LEX_ELLIPSIS] = "'...'",       [LEX_IPV4] = "the address",   [LEX_IPV6] = "the address",
        [LEX_PUNCTUATION] = "",
    };
    if (token->kind == LEX_END || token->kind == LEX_ELLIPSIS || token->kind == LEX_CODE) {
        (void)snprintf(out, room, "%s", names[token->kind]);
        return out;
    }
    int shown = token->length > 40 ? 40 : (int)token->length;
    const char *name = names[token->kind];
    if (token->kind == LEX_WORD && !token->from_define &&
        lex_is_keyword(token->text, token->length))
        name = "the keyword";
    (void)snprintf(out, room, "%s%s'%s%.*s%s'", name, *name != '\0' ? " " : "",
                   token->kind == LEX_OPTION ? "--" : "", shown, token->text,
                   (size_t)shown < token->length ? "…" : "");
    return out;
}
