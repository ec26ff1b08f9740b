/* SPDX-License-Identifier: MIT */
/* A small text writer without libc, for printed packets and trace lines. What does not fit is cut
 * off; the NUL is always there. */
#ifndef HAWSER_WIRE_TEXT_H
#define HAWSER_WIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *out;
    size_t length;
    size_t capacity; /* with the NUL; 0: nothing is written, not even a NUL */
};

static inline void text_init(struct text *t, char *out, size_t capacity)
{
    *t = (struct text){.out = out, .capacity = capacity};
    if (capacity > 0)
        out[0] = '\0';
}

static inline void text_bytes(struct text *t, const char *s, size_t n)
{
    size_t room = t->capacity > t->length ? t->capacity - t->length - 1 : 0;

    if (n > room)
        n = room;
    if (n == 0)
        return;
    memcpy(t->out + t->length, s, n);
    t->length += n;
    t->out[t->length] = '\0';
}

static inline void text_char(struct text *t, char c)
{
    text_bytes(t, &c, 1);
}

/* Byte by byte: a loop that only looks for the end would be compiled into a call of strlen. */
static inline void text_string(struct text *t, const char *s)
{
    if (t->capacity == 0)
        return;
    for (; *s != '\0' && t->length + 1 < t->capacity; s++)
        t->out[t->length++] = *s;
    t->out[t->length] = '\0';
}

static inline void text_number(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_bytes(t, digits + at, sizeof digits - at);
}

/* A name (with its blanks) and a number: the commonest piece. */
static inline void text_field(struct text *t, const char *name, uint64_t value)
{
    text_string(t, name);
    text_number(t, value);
}

/* Lower case, without leading zeros. */
static inline void text_hex(struct text *t, uint64_t value)
{
    char digits[16];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value > 0);
    text_bytes(t, digits + at, sizeof digits - at);
}

static inline void text_hex_byte(struct text *t, uint8_t value)
{
    text_char(t, "0123456789abcdef"[value >> 4]);
    text_char(t, "0123456789abcdef"[value & 15]);
}

#endif
