/* SPDX-License-Identifier: MIT */
/* Strings of scripts, both ways. */
#include "pkt/escape.h"

#include <string.h>

int pkt_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

long pkt_unescape(const char *text, size_t length, uint8_t *out)
{
    static const char letters[] = "fnrtv";
    static const char values[] = "\f\n\r\t\v";
    long count = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        if (byte == '\\') {
            if (++i == length)
                return -1;
            byte = text[i];
            const char *letter = byte == '\0' ? NULL : strchr(letters, byte);
            if (letter != NULL) {
                byte = values[letter - letters];
            } else if (byte == 'x') {
                if (length - i < 3 || pkt_hex_digit(text[i + 1]) < 0 ||
                    pkt_hex_digit(text[i + 2]) < 0)
                    return -1;
                byte = (char)(pkt_hex_digit(text[i + 1]) * 16 + pkt_hex_digit(text[i + 2]));
                i += 2;
            }
        }
        out[count++] = (uint8_t)byte;
    }
    return count;
}

static void put(char *out, size_t room, size_t at, char byte)
{
    if (at + 1 < room)
        out[at] = byte;
}

size_t pkt_escape(const uint8_t *bytes, size_t length, char *out, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "tnvfr"; /* 9 to 13 */
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i];
        if (byte == '"' || byte == '\\') {
            put(out, room, at++, '\\');
            put(out, room, at++, (char)byte);
        } else if (byte >= ' ' && byte <= '~') {
            put(out, room, at++, (char)byte);
        } else if (byte >= '\t' && byte <= '\r') {
            put(out, room, at++, '\\');
            put(out, room, at++, letters[byte - '\t']);
        } else {
            put(out, room, at++, '\\');
            put(out, room, at++, 'x');
            put(out, room, at++, hex[byte >> 4]);
            put(out, room, at++, hex[byte & 15]);
        }
    }
    if (room != 0)
        out[at < room ? at : room - 1] = '\0';
    return at;
}
