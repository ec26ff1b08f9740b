/* SPDX-License-Identifier: MIT */
/* ICMP packets (section 4.7): types, codes and what they quote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/icmp_names.h"
#include "pkt/parse_internal.h"

/* prefix_N as a word: the number, or -1. */
static int numbered(const struct lex_token *token, const char *prefix)
{
    size_t length = strlen(prefix);
    if (token->length <= length || token->length > length + 3 ||
        memcmp(token->text, prefix, length) != 0)
        return -1;
    int number = 0;
    for (size_t i = length; i < token->length; i++) {
        if (token->text[i] < '0' || token->text[i] > '9')
            return -1;
        number = number * 10 + (token->text[i] - '0');
    }
    return number <= UINT8_MAX ? number : -1;
}

static void parse_type(struct parser *parser, struct pkt_icmp *icmp)
{
    int type = -1;
    if (parser->token.kind == LEX_WORD) {
        type = numbered(&parser->token, "type_");
        if (type < 0)
            type = pkt_icmp_type(icmp->v6, parser->token.text, parser->token.length);
    }
    if (type < 0) {
        parse_expected(parser, icmp->v6 ? "an ICMPv6 type" : "an ICMP type");
        return;
    }
    icmp->type = (uint8_t)type;
    parse_take(parser);
}

static void parse_code(struct parser *parser, struct pkt_icmp *icmp)
{
    int code = numbered(&parser->token, "code_");
    if (code < 0)
        code = pkt_icmp_code(icmp->v6, icmp->type, parser->token.text, parser->token.length);
    if (code < 0) {
        parse_expected(parser, "a code of this ICMP type, mtu, id or '['");
        return;
    }
    icmp->code = (uint8_t)code;
    parse_take(parser);
}

/* [SEQ:END(LEN)], [udp (LEN)] or [raw (LEN)]; the bracket is the token. */
static void parse_quote(struct parser *parser, struct pkt_icmp *icmp)
{
    parse_expect(parser, '[');
    if (parse_accept_word(parser, "udp") || parse_is_word(parser, "raw")) {
        icmp->quote = parse_accept_word(parser, "raw") ? PKT_QUOTE_RAW : PKT_QUOTE_UDP;
        icmp->quote_length = parse_in_parentheses(parser, "a length");
    } else {
        icmp->quote = PKT_QUOTE_TCP;
        parse_range(parser, &icmp->quote_seq, &icmp->quote_length);
    }
    parse_expect(parser, ']');
}

/* mtu, id and the quote, each once, in any order: old scripts have the quote first. */
void parse_icmp(struct parser *parser, struct pkt_icmp *icmp)
{
    parse_type(parser, icmp);
    if (parser->token.kind == LEX_WORD && !parse_is_word(parser, "mtu") &&
        !parse_is_word(parser, "id"))
        parse_code(parser, icmp);
    for (;;) {
        struct pkt_place place = parser->token.place;
        if (icmp->mtu < 0 && parse_accept_word(parser, "mtu")) {
            if (!pkt_icmp_has_mtu(icmp))
                parse_fail_at(parser, place, "mtu goes with %s only",
                              icmp->v6 ? "packet_too_big" : "unreachable frag_needed");
            icmp->mtu = parse_number(parser, 0, icmp->v6 ? UINT32_MAX : UINT16_MAX, "an MTU");
        } else if (icmp->id < 0 && parse_accept_word(parser, "id")) {
            icmp->id = (int32_t)parse_number(parser, 0, UINT16_MAX, "an identifier");
        } else if (icmp->quote == PKT_QUOTE_DEFAULT && parse_is(parser, '[')) {
            parse_quote(parser, icmp);
        } else {
            return;
        }
    }
}
