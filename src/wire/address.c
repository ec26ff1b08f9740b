/* SPDX-License-Identifier: MIT */
/* Kinds of addresses (RFC 1122 3.2.1.3, RFC 4291 2) and their text (RFC 5952, RFC 4291 2.2). */
#include "base/bytes.h"
#include "wire/ip.h"
#include "wire/print.h"
#include "wire/text.h"

bool address_is_unspecified(const struct hawser_address *a)
{
    static const uint8_t zeros[16];

    return memcmp(a->bytes, zeros, 16) == 0 ||
           (address_is_v4(a) && memcmp(a->bytes + 12, zeros, 4) == 0);
}

bool address_is_loopback(const struct hawser_address *a)
{
    static const uint8_t loopback[16] = {[15] = 1};

    if (address_is_v4(a))
        return a->bytes[12] == 127;
    return memcmp(a->bytes, loopback, 16) == 0;
}

bool address_is_multicast(const struct hawser_address *a)
{
    if (address_is_v4(a))
        return (a->bytes[12] & 0xf0) == 0xe0;
    return a->bytes[0] == 0xff;
}

bool address_is_link_local(const struct hawser_address *a)
{
    if (address_is_v4(a))
        return a->bytes[12] == 169 && a->bytes[13] == 254;
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool address_is_broadcast(const struct hawser_address *a)
{
    static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};

    return address_is_v4(a) && memcmp(a->bytes + 12, ones, 4) == 0;
}

/* Where half of two addresses differs, as a number whose highest bit is the first one. */
static uint64_t difference(const uint8_t *a, const uint8_t *b)
{
    uint64_t high = load_be32(a) ^ load_be32(b);

    return high << 32 | (load_be32(a + 4) ^ load_be32(b + 4));
}

bool address_same_prefix(const struct hawser_address *a, const struct hawser_address *b,
                         unsigned bits)
{
    uint64_t first = difference(a->bytes, b->bytes);

    if (bits <= 64)
        return bits == 0 || first >> (64 - bits) == 0;
    uint64_t second = difference(a->bytes + 8, b->bytes + 8);
    return first == 0 && (bits >= 128 ? second == 0 : second >> (128 - bits) == 0);
}

/* The longest run of two or more zero groups, the first one of equals (RFC 5952 4.2). Groups from
 * *start on, *length of them; 0 when there is none. */
static void longest_zero_run(const struct hawser_address *a, unsigned *start, unsigned *length)
{
    unsigned run = 0;

    *start = *length = 0;
    for (unsigned i = 0; i < 8; i++) {
        run = a->bytes[2 * i] == 0 && a->bytes[2 * i + 1] == 0 ? run + 1 : 0;
        if (run > 1 && run > *length) {
            *length = run;
            *start = i + 1 - run;
        }
    }
}

size_t address_print(const struct hawser_address *a, char out[ADDRESS_TEXT_MAX])
{
    struct text t;

    text_init(&t, out, ADDRESS_TEXT_MAX);
    if (address_is_v4(a)) {
        for (unsigned i = 12; i < 16; i++) {
            if (i > 12)
                text_char(&t, '.');
            text_number(&t, a->bytes[i]);
        }
        return t.length;
    }
    unsigned start, length;
    longest_zero_run(a, &start, &length);
    for (unsigned i = 0; i < 8; i++) {
        if (length > 0 && i == start) {
            text_string(&t, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && !(length > 0 && i == start + length))
            text_char(&t, ':');
        text_hex(&t, ((unsigned)a->bytes[2 * i] << 8) | a->bytes[2 * i + 1]);
    }
    return t.length;
}

/* Four numbers of 0 to 255 and the end. No leading zeros: some readers take them for octal. */
static bool scan_quad(const char *s, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0;
        if (i > 0 && *s++ != '.')
            return false;
        if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
            return false;
        for (; *s >= '0' && *s <= '9'; s++) {
            value = value * 10 + (unsigned)(*s - '0');
            if (value > 255)
                return false;
        }
        out[i] = (uint8_t)value;
    }
    return *s == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One to four hexadecimal digits; returns how many, 0 for anything else. */
static unsigned scan_group(const char *s, uint8_t out[2])
{
    unsigned value = 0, digits = 0;

    for (; hex_digit(s[digits]) >= 0; digits++) {
        if (digits == 4)
            return 0;
        value = value * 16 + (unsigned)hex_digit(s[digits]);
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return digits;
}

static bool scan_groups(const char *s, uint8_t out[16])
{
    const unsigned no_gap = 17;
    unsigned filled = 0, gap = no_gap; /* bytes; gap is where "::" stands */
    bool separated = true; /* at the start and behind "::" no colon stands before a group */

    while (*s != '\0') {
        if (s[0] == ':' && s[1] == ':') {
            if (gap != no_gap)
                return false;
            gap = filled;
            s += 2;
            separated = true;
            continue;
        }
        if (!separated && *s++ != ':')
            return false;
        separated = false;
        if (filled == 16)
            return false;
        if (filled <= 12 && scan_quad(s, out + filled)) {
            filled += 4;
            break;
        }
        unsigned digits = scan_group(s, out + filled);
        if (digits == 0)
            return false;
        s += digits;
        filled += 2;
    }
    if (gap == no_gap)
        return filled == 16;
    if (filled > 14) /* "::" stands for one group at least (RFC 4291 2.2) */
        return false;
    memmove(out + 16 - (filled - gap), out + gap, filled - gap);
    memset(out + gap, 0, 16 - filled);
    return true;
}

bool address_scan(const char *text, struct hawser_address *out)
{
    uint8_t bytes[16];

    if (scan_quad(text, bytes))
        *out = address_of_v4(bytes);
    else if (scan_groups(text, bytes))
        memcpy(out->bytes, bytes, 16);
    else
        return false;
    return true;
}
