/* SPDX-License-Identifier: MIT */
/* What the parser's files share. A failure is sticky: the first one is kept, the text counts as ended, and everything returns harmless values. */
#ifndef PKT_PARSE_INTERNAL_H
#define PKT_PARSE_INTERNAL_H

#include "pkt/lex.h"
#include "pkt/parse.h"

struct parser {
    struct lexer lexer;
    struct lex_token token;      /* the next one */
    struct pkt_place last;       /* place of the last character taken */
    struct pkt_arena *arena;
    struct pkt_script *script;
    struct pkt_define defines[PKT_DEFINES_MAX];
    size_t define_count;
    size_t expr_count;
    bool failed;
};

/* ---- tokens (parse.c) ----------------------------------------------------------------------------------------------- */

void parse_take(struct parser *parser);                        /* goes to the next token */
void parse_fail_at(struct parser *parser, struct pkt_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
void parse_expected(struct parser *parser, const char *what);  /* fails at the token: "expected WHAT, found …" */
bool parse_is(const struct parser *parser, char punctuation);
bool parse_is_word(const struct parser *parser, const char *word);
bool parse_accept(struct parser *parser, char punctuation);    /* takes it if it is there */
bool parse_accept_word(struct parser *parser, const char *word);
void parse_expect(struct parser *parser, char punctuation);
void parse_expect_word(struct parser *parser, const char *word);
/* A number of these bounds; what names it in messages. */
int64_t parse_number(struct parser *parser, int64_t least, int64_t most, const char *what);
const char *parse_text(struct parser *parser, const struct lex_token *token); /* copied, NUL-terminated */

/* ---- pieces --------------------------------------------------------------------------------------------------------- */

void parse_settings(struct parser *parser, const struct pkt_parse_input *input); /* parse_settings.c: option lines, arguments */
void parse_packet(struct parser *parser, struct pkt_packet *packet);             /* parse_packet.c: from < or > on */
void parse_tcp_options(struct parser *parser, struct pkt_packet *packet);        /* parse_options.c: behind '<' */
void parse_icmp(struct parser *parser, struct pkt_icmp *icmp);                   /* parse_icmp.c: behind icmp */
void parse_range(struct parser *parser, uint32_t *seq, uint32_t *length);        /* parse_packet.c: SEQ:END(LEN) */
uint32_t parse_in_parentheses(struct parser *parser, const char *what);          /* parse_packet.c: (LEN) */
void parse_encaps(struct parser *parser, struct pkt_packet *packet);             /* parse_encap.c: before the inner packet */
void parse_encap_psp(struct parser *parser, struct pkt_packet *packet);          /* parse_encap.c: encap psp spi N */
bool parse_ip_info(struct parser *parser, struct pkt_ip_info *info, bool inbound); /* parse_packet.c; false = there is none */
void parse_mpls_stack(struct parser *parser);                                    /* parse_encap.c: behind mpls */
void parse_gre(struct parser *parser);                                           /* parse_encap.c: behind gre */
void parse_call(struct parser *parser, struct pkt_call *call);                   /* parse_call.c: from the name on */

#endif
