/* SPDX-License-Identifier: MIT */
/* Tokens, and what lies between them. */
#include <stdio.h>
#include <stdlib.h>

#include "support/unit.h"

#include "pkt/lex.h"

static const struct pkt_define defines[] = {
    {"COMMAND", "true", PKT_DEFINE_COMMAND},
    {"NUMBER", "0x10", PKT_DEFINE_INTEGER},
    {"TEXT", "a b", PKT_DEFINE_STRING},
    {"WORD", "win", PKT_DEFINE_WORD},
};

/* The tokens of a text as one text: a letter for the kind, the token, a blank. */
static void tokens_of(const char *text, char *out, size_t room)
{
    static const char letters[] = "eixfwsbcoE46p";
    struct pkt_error error;
    bool failed = false;
    struct lexer lexer = {.text = text,
                          .length = strlen(text),
                          .line = 1,
                          .defines = defines,
                          .define_count = COUNT_OF(defines),
                          .error = &error,
                          .failed = &failed};
    size_t at = 0;
    out[0] = '\0';
    for (;;) {
        struct lex_token token;
        lex_next(&lexer, &token);
        if (token.kind == LEX_END)
            break;
        at += (size_t)snprintf(out + at, room - at, "%s%c%.*s", at == 0 ? "" : " ",
                               letters[token.kind], (int)token.length, token.text);
    }
    if (failed)
        (void)snprintf(out, room, "error: %s", error.text);
}

static void test_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tokens;
    } rows[] = {
        {"", ""},
        {" \t\r\n\f\v", ""},
        {"1 -2 007", "i1 i-2 i007"},
        {"0x1F 0xg 0x", "x0x1F w0xg w0x"},
        {".5 0.25 -1.5 -.5 5.", "f.5 f0.25 f-1.5 f-.5 i5 p."},
        {"12ab _a 1_000", "w12ab w_a w1_000"},
        {"0...0.2", "i0 E... f0.2"},
        {"0....2", "i0 E... f.2"},
        {"1~1.5 +0~+.3", "i1 p~ f1.5 p+ i0 p~ p+ f.3"},
        {"1:1001(1000)", "i1 p: i1001 p( i1000 p)"},
        {"1.2.3.4 1.2.3", "41.2.3.4 f1.2 f.3"},
        {"192.168.0.1:80", "4192.168.0.1 p: i80"},
        {"::1 fd00::2: 2001:db8::", "6::1 6fd00::2 p: 62001:db8::"},
        {"1:2:3:4:5:6:7:8 1:2:3", "61:2:3:4:5:6:7:8 i1 p: i2 p: i3"},
        {"1:2:3:4:5:6:7:8: ::", "61:2:3:4:5:6:7:8 p: 6::"},
        {"::ffff:1.2.3.4", "6::ffff:1.2.3.4"},
        {"\"a\\\"b\" `c\nd` %{ \n e \n }%", "sa\\\"b bc\nd ce"},
        {"--mtu=5 - --", "omtu p= i5 p- p- p-"},
        {"a//b\nc/*d*/e", "wa wc we"},
        {"a // end", "wa"},
        {"S. P.3 .5", "wS p. wP f.3 f.5"},
        {"sequence# sequence", "wsequence# wsequence"},
        {"WORD NUMBER TEXT COMMAND WORDS", "wwin i0x10 sa b btrue wWORDS"},
        {"a\xff", "error: the character 0xff belongs to no script"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char found[300];
        tokens_of(rows[i].text, found, sizeof found);
        assert_string_equal(found, rows[i].tokens);
    }
}

/* #ifdef and #ifndef, nested, with and without #else; in what is left out anything may stand. */
static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tokens;
    } rows[] = {
        {"#ifdef WORD\na\n#endif\nb", "wa wb"},
        {"#ifndef WORD\na\n#endif\nb", "wb"},
        {"#ifdef NONE\na\n#else\nb\n#endif\nc", "wb wc"},
        {"#ifdef WORD\na\n#else\nb\n#endif\nc", "wa wc"},
        {"#ifdef NONE\n\"a\n  # ifdef X\n#else\n?\n#endif\n#else\nb\n#endif", "wb"},
        {"#ifdef WORD\na\n#ifdef NONE\nb\n#else\nc\n#endif\nd\n#else\n`\n#endif // e\nf",
         "wa wc wd wf"},
        {"#ifdef NONE\n#ifdef WORD\na\n#endif\nb\n#endif\nc", "wc"},
        {"%{ a\n#else\n}%", "ca\n#else"},
        {"#!/usr/bin/env hawser\na", "wa"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char found[300];
        tokens_of(rows[i].text, found, sizeof found);
        assert_string_equal(found, rows[i].tokens);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
        bool too_large;
    } rows[] = {
        {"010", 10, false},
        {"-9223372036854775808", INT64_MIN, false},
        {"-9223372036854775809", INT64_MAX, true},
        {"18446744073709551615", -1, false},
        {"18446744073709551616", 0, true},
        {"0xffffffffffffffff", -1, false},
        {"0x10000000000000000", 0, true},
        {"0xAb", 171, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pkt_error error;
        bool failed = false;
        struct lexer lexer = {.text = rows[i].text,
                              .length = strlen(rows[i].text),
                              .line = 1,
                              .error = &error,
                              .failed = &failed};
        struct lex_token token;
        lex_next(&lexer, &token);
        assert_int_equal(token.too_large, rows[i].too_large);
        assert_int_equal(token.number, rows[i].number);
    }
}

static void test_places(void **state)
{
    (void)state;
    struct pkt_error error;
    bool failed = false;
    const char *text = "ab\n  \"c\nd\" e";
    struct lexer lexer = {
        .text = text, .length = strlen(text), .line = 1, .error = &error, .failed = &failed};
    static const unsigned places[][4] = {{1, 1, 1, 2}, {2, 3, 3, 2}, {3, 4, 3, 4}, {3, 5, 3, 5}};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct lex_token token;
        lex_next(&lexer, &token);
        assert_int_equal(token.place.line, places[i][0]);
        assert_int_equal(token.place.column, places[i][1]);
        assert_int_equal(token.last.line, places[i][2]);
        if (token.kind != LEX_END)
            assert_int_equal(token.last.column, places[i][3]);
    }
}

/* The words of the language, and none that is like one. */
static void test_keywords(void **state)
{
    (void)state;
    static const char *const words[] = {
        "sa_family",  "sin_port",  "sin_addr",  "msg_name", "msg_iov",   "msg_flags", "msg_control",
        "cmsg_level", "cmsg_type", "cmsg_data", "ee_errno", "ee_origin", "ee_type",   "ee_code",
        "ee_info",    "ee_data",   "scm_sec",   "scm_nsec", "fd",        "u32",       "u64",
        "ptr",        "events",    "revents",   "onoff",    "linger",    "htons",     "inet_addr",
        "inet6_addr", "ipv4",      "ipv6",      "icmp",     "udp",       "gre",       "GREv0",
        "raw",        "sum",       "off",       "key",      "seq",       "none",      "checksum",
        "present",    "encap",     "psp",       "spi",      "mpls",      "label",     "tc",
        "ttl",        "ack",       "eol",       "ecr",      "mss",       "mtu",       "nop",
        "sack",       "sackOK",    "md5",       "TS",       "FO",        "FOEXP",     "ECN",
        "e0b",        "e1b",       "ceb",       "tos",      "flowlabel", "flags",     "Flags",
        "val",        "win",       "urg",       "wscale",   "ect0",      "ect1",      "ect01",
        "ce",         "noecn",     "id",        "sequence",
    };
    static const char *const others[] = {"", "wi", "wins", "ECN0", "Win", "zzz", "A", "SACK"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_true(lex_is_keyword(words[i], strlen(words[i])));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(lex_is_keyword(others[i], strlen(others[i])));
    assert_true(lex_is_keyword("window", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),   cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_places),
        cmocka_unit_test(test_keywords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
