/* SPDX-License-Identifier: MIT */
/* The TCP options of a packet: a comma list that fills whole words of 32 bits (RFC 9293 3.1). */
#include <stdio.h>
#include <string.h>

#include "pkt/escape.h"
#include "pkt/parse_internal.h"

#define OPTIONS_BYTES_MAX 40u /* data offset is 15 words at most, 5 of them are the header */
#define COOKIE_BYTES_MAX 16u  /* of md5 and Fast Open alike */

/* Hexadecimal digits, which the scanner has taken for a word or a number. */
static void parse_blob(struct parser *parser, struct pkt_option *option, const char *what)
{
    const struct lex_token *token = &parser->token;
    bool scanned = token->kind == LEX_WORD || token->kind == LEX_INTEGER;
    bool good = scanned && token->length != 0 && token->length % 2 == 0;
    for (size_t i = 0; good && i < token->length; i++)
        good = pkt_hex_digit(token->text[i]) >= 0;
    if (!good) {
        parse_expected(parser, what);
        return;
    }
    if (token->length > 2 * COOKIE_BYTES_MAX) {
        parse_fail_at(parser, token->place, "more than %u bytes", COOKIE_BYTES_MAX);
        return;
    }
    option->count = (unsigned)token->length / 2;
    for (unsigned i = 0; i < option->count; i++)
        option->bytes[i] = (uint8_t)(pkt_hex_digit(token->text[2 * i]) * 16 +
                                     pkt_hex_digit(token->text[2 * i + 1]));
    parse_take(parser);
}

static void parse_sack(struct parser *parser, struct pkt_option *option)
{
    do {
        if (option->count == 4) {
            parse_fail_at(parser, parser->token.place, "more than 4 SACK blocks");
            return;
        }
        option->sack[option->count].left =
            (uint32_t)parse_number(parser, 0, UINT32_MAX, "a SACK block A:B");
        parse_expect(parser, ':');
        option->sack[option->count++].right =
            (uint32_t)parse_number(parser, 0, UINT32_MAX, "the end of a SACK block");
    } while (parser->token.kind == LEX_INTEGER || parser->token.kind == LEX_HEX);
}

static void parse_timestamps(struct parser *parser, struct pkt_option *option)
{
    parse_expect_word(parser, "val");
    option->ts_val = (uint32_t)parse_number(parser, 0, UINT32_MAX, "a time stamp");
    parse_expect_word(parser, "ecr");
    option->ts_ecr = (uint32_t)parse_number(parser, 0, UINT32_MAX, "a time stamp");
}

/* AccECN (RFC 9768 3.2.3): the first counter's name says which of the two orders it is. */
static void parse_acc_ecn(struct parser *parser, struct pkt_option *option)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    unsigned order = parse_is_word(parser, "e1b");
    option->kind = order == 0 ? PKT_OPT_ACC_ECN_0 : PKT_OPT_ACC_ECN_1;
    if (order == 0 && !parse_is_word(parser, "e0b"))
        parse_expected(parser, "'e0b' or 'e1b'");
    while (option->count < 3 && parse_accept_word(parser, orders[order][option->count]))
        option->counters[option->count++] =
            (uint32_t)parse_number(parser, 0, 0xffffff, "a counter");
}

static bool ends_option(const struct parser *parser)
{
    return parse_is(parser, ',') || parse_is(parser, '>');
}

static void parse_option(struct parser *parser, struct pkt_option *option)
{
    if (parse_accept_word(parser, "nop")) {
        option->kind = PKT_OPT_NOP;
    } else if (parse_accept_word(parser, "eol")) {
        option->kind = PKT_OPT_EOL;
    } else if (parse_accept_word(parser, "mss")) {
        option->kind = PKT_OPT_MSS;
        option->value = (uint32_t)parse_number(parser, 0, UINT16_MAX, "an MSS");
    } else if (parse_accept_word(parser, "wscale")) {
        option->kind = PKT_OPT_WSCALE;
        option->value = (uint32_t)parse_number(parser, 0, UINT8_MAX, "a window scale");
    } else if (parse_accept_word(parser, "sackOK")) {
        option->kind = PKT_OPT_SACK_OK;
    } else if (parse_accept_word(parser, "sack")) {
        option->kind = PKT_OPT_SACK;
        parse_sack(parser, option);
    } else if (parse_accept_word(parser, "TS")) {
        option->kind = PKT_OPT_TIMESTAMPS;
        parse_timestamps(parser, option);
    } else if (parse_accept_word(parser, "md5")) {
        option->kind = PKT_OPT_MD5;
        parse_blob(parser, option, "the digest as hexadecimal digits");
    } else if (parse_is_word(parser, "FO") || parse_is_word(parser, "FOEXP")) {
        option->kind = parser->token.length == 2 ? PKT_OPT_FAST_OPEN : PKT_OPT_FAST_OPEN_EXP;
        parse_take(parser);
        if (!ends_option(parser))
            parse_blob(parser, option, "a cookie as hexadecimal digits, ',' or '>'");
    } else if (parse_accept_word(parser, "ECN")) {
        parse_acc_ecn(parser, option);
    } else {
        parse_expected(parser, "a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, md5, FO, "
                               "FOEXP, ECN)");
    }
}

static unsigned option_bytes(const struct pkt_option *option)
{
    switch (option->kind) {
    case PKT_OPT_NOP:
    case PKT_OPT_EOL:
        return 1;
    case PKT_OPT_MSS:
        return 4;
    case PKT_OPT_WSCALE:
        return 3;
    case PKT_OPT_SACK_OK:
        return 2;
    case PKT_OPT_SACK:
        return 2 + 8 * option->count;
    case PKT_OPT_TIMESTAMPS:
        return 10;
    case PKT_OPT_MD5:
    case PKT_OPT_FAST_OPEN:
        return 2 + option->count;
    case PKT_OPT_FAST_OPEN_EXP:
        return 4 + option->count;
    case PKT_OPT_ACC_ECN_0:
    case PKT_OPT_ACC_ECN_1:
        return 2 + 3 * option->count;
    }
    return 0;
}

unsigned pkt_options_bytes(const struct pkt_option *options, size_t count)
{
    unsigned bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += option_bytes(&options[i]);
    return bytes;
}

void parse_tcp_options(struct parser *parser, struct pkt_packet *packet)
{
    struct pkt_place place = parser->last;
    struct pkt_tcp *tcp = &packet->tcp;
    if (parser->token.kind == LEX_ELLIPSIS) {
        if (packet->inbound)
            parse_fail_at(parser, parser->token.place, "<...> is for packets that are expected");
        tcp->options_kind = PKT_OPTIONS_ANY;
        parse_take(parser);
        parse_expect(parser, '>');
        return;
    }
    struct pkt_option options[OPTIONS_BYTES_MAX + 1] = {0}; /* none is shorter than a byte */
    size_t count = 0;
    unsigned bytes = 0;
    do {
        parse_option(parser, &options[count++]);
        bytes = pkt_options_bytes(options, count);
        if (bytes > OPTIONS_BYTES_MAX)
            parse_fail_at(parser, place, "these options make a header of more than 60 bytes");
    } while (parse_accept(parser, ',')); /* a failure ends it */
    if (!parse_is(parser, '>'))
        parse_expected(parser, "',' or '>'");
    if (bytes % 4 != 0)
        parse_fail_at(parser, place, "these options have %u bytes, which is no multiple of 4",
                      bytes);
    parse_expect(parser, '>');
    struct pkt_option *kept = pkt_arena_array(parser->arena, count, sizeof *kept);
    memcpy(kept, options, count * sizeof *kept);
    tcp->options_kind = PKT_OPTIONS_LIST;
    tcp->options = kept;
    tcp->options_count = count;
}
