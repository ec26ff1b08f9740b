/* SPDX-License-Identifier: MIT */
/* The scanner of packetdrill scripts: blanks, comments, #ifdef lines, tokens, defines. */
#ifndef PKT_LEX_H
#define PKT_LEX_H

#include "pkt/script.h"

enum lex_kind {
    LEX_END,      /* of the text, or after a failure */
    LEX_INTEGER,  /* 12, -3, 007 (decimal) */
    LEX_HEX,      /* 0x1f */
    LEX_FLOAT,    /* .5, 0.25 */
    LEX_WORD,     /* letters, digits, _; 12ab */
    LEX_STRING,   /* text: between the quotes, escapes not evaluated */
    LEX_BACKTICK, /* text: between the backticks */
    LEX_CODE,     /* text: between %{ and }%, trimmed */
    LEX_OPTION,   /* text: behind the dashes */
    LEX_ELLIPSIS,
    LEX_IPV4,
    LEX_IPV6,
    LEX_PUNCTUATION, /* one character, text[0] */
};

struct lex_token {
    enum lex_kind kind;
    struct pkt_place place;
    size_t offset;     /* of its first character in the source, */
    size_t end_offset; /* and of the one behind its last */
    struct pkt_place last; /* place of the last character */
    const char *text;  /* not NUL-terminated */
    size_t length;
    int64_t number;    /* INTEGER, HEX: above INT64_MAX it is the bit pattern */
    bool too_large;    /* INTEGER, HEX: beyond 64 bits */
    bool from_define;  /* a define's value: a WORD is no keyword then */
};

struct lexer {
    const char *text;
    size_t length;
    size_t position;
    size_t line_start; /* offset of the line's first character */
    unsigned line;
    uint64_t else_seen; /* of each open #ifdef, the innermost in bit 0 */
    unsigned conditions;
    const struct pkt_define *defines; /* sorted by name */
    size_t define_count;
    struct pkt_error *error;
    bool *failed;
};

/* The next token. A failure (an unterminated string or comment, a character that belongs to nothing) sets *lexer->failed and *lexer->error. */
void lex_next(struct lexer *lexer, struct lex_token *token);

/* Goes back to the first character of a token, so that the text can be read in another way. */
void lex_rewind(struct lexer *lexer, const struct lex_token *token);

/* Reads the characters as long as they belong to one run of what accept allows, as a WORD; length 0 when the first one does not. */
void lex_run(struct lexer *lexer, bool (*accept)(char), struct lex_token *token);

/* Reads up to but without the character, which must come: false (and nothing is read) where it does not. */
bool lex_until(struct lexer *lexer, char end, struct lex_token *token);

/* Words that stand for something in the grammar wherever they stand. */
bool lex_is_keyword(const char *text, size_t length);

/* The define of that name, or NULL. */
const struct pkt_define *lex_define(const struct lexer *lexer, const char *text, size_t length);

/* Makes a value a token's: quoted, backticked, a number, a word. */
void lex_scan_number(struct lex_token *token);

/* What the token is, for a message: "the word 'foo'". */
const char *lex_describe(const struct lex_token *token, char *out, size_t room);

/* Sets the error unless there is one. */
void lex_fail(struct lexer *lexer, struct pkt_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
