/* SPDX-License-Identifier: MIT */
/* System calls and expressions (section 5). Symbols are not looked up here: an unknown one is an
 * error of the call. */
#include <stdio.h>
#include <string.h>

#include "pkt/escape.h"
#include "pkt/parse_internal.h"

static const struct pkt_expr *parse_expr(struct parser *parser, unsigned depth);

static struct pkt_expr *new_expr(struct parser *parser, enum pkt_expr_kind kind)
{
    if (++parser->expr_count > PKT_EXPRS_MAX)
        parse_fail_at(parser, parser->token.place, "more than %u expressions", PKT_EXPRS_MAX);
    struct pkt_expr *expr = pkt_arena_alloc(parser->arena, sizeof *expr);
    expr->kind = kind;
    expr->place = parser->token.place;
    return expr;
}

/* Expressions one after the other: the items of a list, the arguments of a call. */
struct row {
    const struct pkt_expr **items;
    size_t count;
};

static void append(struct parser *parser, struct row *row, const struct pkt_expr *expr)
{
    if ((row->count & (row->count - 1)) == 0) { /* full: 0, 1, 2, 4, … */
        size_t room = row->count == 0 ? 1 : row->count * 2;
        const struct pkt_expr **more = pkt_arena_array(parser->arena, room, sizeof *more);
        if (row->count != 0)
            memcpy(more, row->items, row->count * sizeof *more);
        row->items = more;
    }
    row->items[row->count++] = expr;
}

static void set_items(struct pkt_expr *expr, const struct row *row)
{
    expr->items = row->items;
    expr->count = row->count;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static const struct pkt_expr *parse_integer(struct parser *parser)
{
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_INTEGER);
    expr->number = parser->token.number;
    expr->hexadecimal = parser->token.kind == LEX_HEX;
    if (parser->token.too_large)
        parse_fail_at(parser, parser->token.place, "a number of more than 64 bits");
    parse_take(parser);
    return expr;
}

/* Strings in a row are one; an ellipsis may follow. Quadratic in nothing: the pieces are counted
 * before they are copied. */
static const struct pkt_expr *parse_string(struct parser *parser)
{
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_STRING);
    uint8_t *bytes = NULL;
    size_t room = 0;
    while (parser->token.kind == LEX_STRING) {
        const struct lex_token *token = &parser->token;
        if (expr->length + token->length + 1 > room) {
            room = 2 * (expr->length + token->length + 1);
            uint8_t *more = pkt_arena_alloc(parser->arena, room);
            if (expr->length != 0)
                memcpy(more, bytes, expr->length);
            bytes = more;
        }
        long length = pkt_unescape(token->text, token->length, bytes + expr->length);
        if (length < 0) {
            parse_fail_at(parser, token->place, "\\x without two hexadecimal digits");
            return expr;
        }
        expr->length += (size_t)length;
        bytes[expr->length] = '\0';
        parse_take(parser);
    }
    expr->bytes = bytes;
    expr->text = (const char *)bytes;
    if (parser->token.kind == LEX_ELLIPSIS) {
        expr->followed_by_ellipsis = true;
        parse_take(parser);
    }
    return expr;
}

/* htons(80), inet_addr("1.2.3.4"): one argument. */
static const struct pkt_expr *parse_function(struct parser *parser, unsigned depth)
{
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_CALL);
    struct row row = {0};
    expr->text = parse_text(parser, &parser->token);
    parse_take(parser);
    parse_expect(parser, '(');
    append(parser, &row, parse_expr(parser, depth + 1));
    parse_expect(parser, ')');
    set_items(expr, &row);
    return expr;
}

/* mpls and gre as values of options: checked, and left to whoever knows what they are. */
static const struct pkt_expr *parse_tunnel(struct parser *parser)
{
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_CALL);
    expr->text = parse_text(parser, &parser->token);
    bool mpls = parse_is_word(parser, "mpls");
    parse_take(parser);
    if (mpls)
        parse_mpls_stack(parser);
    else
        parse_gre(parser);
    return expr;
}

static bool is_function(const struct parser *parser)
{
    return parse_is_word(parser, "htons") || parse_is_word(parser, "inet_addr") ||
           parse_is_word(parser, "inet6_addr");
}

static bool is_tunnel(const struct parser *parser)
{
    return parse_is_word(parser, "mpls") || parse_is_word(parser, "gre") ||
           parse_is_word(parser, "GREv0");
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Names that stand before '=' although they are keywords. */
static bool is_field(const struct lex_token *token)
{
    static const char *const fields[] = {
        "sa_family",  "sin_port",  "sin_addr",  "msg_name", "msg_iov",   "msg_flags", "msg_control",
        "cmsg_level", "cmsg_type", "cmsg_data", "ee_errno", "ee_origin", "ee_type",   "ee_code",
        "ee_info",    "ee_data",   "scm_sec",   "scm_nsec", "fd",        "u32",       "u64",
        "ptr",        "events",    "revents",   "onoff",    "linger",
    };
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strlen(fields[i]) == token->length &&
            memcmp(fields[i], token->text, token->length) == 0)
            return true;
    }
    return token->from_define || !lex_is_keyword(token->text, token->length);
}

/* NAME = value, or any expression. Which it is shows at the token behind the name. */
static const struct pkt_expr *parse_item(struct parser *parser, unsigned depth)
{
    if (parser->token.kind != LEX_WORD || !is_field(&parser->token))
        return parse_expr(parser, depth);
    bool with_argument = parse_is_word(parser, "msg_name") || parse_is_word(parser, "msg_iov");
    struct lexer before = parser->lexer;
    struct lex_token word = parser->token;
    struct pkt_place last = parser->last;
    parse_take(parser);
    if (!parse_is(parser, '=') && !(with_argument && parse_is(parser, '('))) {
        if (!parser->failed) {
            parser->lexer = before;
            parser->token = word;
            parser->last = last;
        }
        return parse_expr(parser, depth);
    }
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_ASSIGN);
    struct row row = {0};
    expr->place = word.place;
    expr->text = parse_text(parser, &word);
    if (with_argument && parse_accept(parser, '(')) {
        expr->argument = parse_expr(parser, depth + 1);
        parse_expect(parser, ')');
    }
    parse_expect(parser, '=');
    append(parser, &row, parse_expr(parser, depth + 1));
    set_items(expr, &row);
    return expr;
}

static const struct pkt_expr *parse_list(struct parser *parser, unsigned depth)
{
    bool braces = parse_is(parser, '{');
    char closing = braces ? '}' : ']';
    struct pkt_expr *expr = new_expr(parser, braces ? PKT_EXPR_BRACES : PKT_EXPR_LIST);
    struct row row = {0};
    parse_take(parser);
    if (parse_accept(parser, closing))
        return expr;
    do {
        append(parser, &row, parse_item(parser, depth + 1));
    } while (parse_accept(parser, ','));
    if (!parse_accept(parser, closing))
        parse_expected(parser, braces ? "',' or '}'" : "',' or ']'");
    set_items(expr, &row);
    return expr;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static const struct pkt_expr *parse_primary(struct parser *parser, unsigned depth)
{
    const struct lex_token *token = &parser->token;
    if (token->kind == LEX_ELLIPSIS) {
        const struct pkt_expr *expr = new_expr(parser, PKT_EXPR_ELLIPSIS);
        parse_take(parser);
        return expr;
    }
    if (token->kind == LEX_INTEGER || token->kind == LEX_HEX)
        return parse_integer(parser);
    if (token->kind == LEX_STRING)
        return parse_string(parser);
    if (parse_is(parser, '[') || parse_is(parser, '{'))
        return parse_list(parser, depth);
    if (is_function(parser))
        return parse_function(parser, depth);
    if (is_tunnel(parser))
        return parse_tunnel(parser);
    struct pkt_expr *expr = new_expr(parser, PKT_EXPR_WORD);
    expr->text = "";
    bool free_word = token->kind == LEX_WORD &&
                     (token->from_define || !lex_is_keyword(token->text, token->length));
    if (!free_word) {
        parse_expected(parser, "a value");
        return expr;
    }
    expr->text = parse_text(parser, token);
    parse_take(parser);
    return expr;
}

static const struct pkt_expr *parse_expr(struct parser *parser, unsigned depth)
{
    if (depth >= PKT_DEPTH_MAX)
        parse_fail_at(parser, parser->token.place, "more than %u lists within one another",
                      PKT_DEPTH_MAX);
    const struct pkt_expr *left = parse_primary(parser, depth);
    for (unsigned terms = 1; parse_is(parser, '|'); terms++) {
        struct pkt_expr *either = new_expr(parser, PKT_EXPR_OR);
        struct row row = {0};
        if (terms == PKT_DEPTH_MAX)
            parse_fail_at(parser, parser->token.place, "more than %u terms", PKT_DEPTH_MAX);
        either->place = left->place;
        parse_take(parser);
        append(parser, &row, left);
        append(parser, &row, parse_primary(parser, depth));
        set_items(either, &row);
        left = either;
    }
    return left;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* (words): not tokens, since "Can't assign" is none. The parenthesis is the token. */
static const char *parse_note(struct parser *parser)
{
    struct lex_token note;
    struct pkt_place place = parser->token.place;
    if (!lex_until(&parser->lexer, ')', &note)) {
        parse_fail_at(parser, place, "this note has no ')'");
        return "";
    }
    const char *text = parse_text(parser, &note);
    parse_take(parser);
    parse_take(parser);
    return text;
}

static void parse_result(struct parser *parser, struct pkt_call *call)
{
    if (!parse_is(parser, '=')) {
        parse_expected(parser, "'=' and the call's result");
        return;
    }
    parse_take(parser);
    call->result = parse_expr(parser, 0);
    if (parser->token.kind == LEX_WORD) {
        call->error = parse_text(parser, &parser->token);
        parse_take(parser);
        if (!parse_is(parser, '('))
            parse_expected(parser, "'(' and a note behind the errno");
    }
    if (parse_is(parser, '('))
        call->note = parse_note(parser);
}

void parse_call(struct parser *parser, struct pkt_call *call)
{
    const struct lex_token *token = &parser->token;
    struct row row = {0};
    if (!token->from_define && lex_is_keyword(token->text, token->length))
        parse_expected(parser, "the name of a system call");
    call->name = parse_text(parser, token);
    parse_take(parser);
    parse_expect(parser, '(');
    if (!parse_accept(parser, ')')) {
        do {
            append(parser, &row, parse_expr(parser, 0));
        } while (parse_accept(parser, ','));
        if (!parse_accept(parser, ')'))
            parse_expected(parser, "',' or ')'");
    }
    call->arguments = row.items;
    call->argument_count = row.count;
    parse_result(parser, call);
}
