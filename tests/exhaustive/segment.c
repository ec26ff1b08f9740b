/* SPDX-License-Identifier: MIT */
/* A frame of a host, taken apart for people. */
#include "segment.h"

#include <stdarg.h>
#include <stdio.h>

#define IP_HEADER 20u /* without options */

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

void segment_view(const uint8_t *frame, size_t length, struct segment_view *out)
{
    const uint8_t *tcp = frame + IP_HEADER;
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    *out = (struct segment_view){.seq = be32(tcp + 4),
                                 .ack = be32(tcp + 8),
                                 .length = (uint32_t)length - IP_HEADER - header,
                                 .window = (uint16_t)be16(tcp + 14),
                                 .flags = tcp[13],
                                 .options = tcp + 20,
                                 .options_end = tcp + header};
}

__attribute__((format(printf, 2, 3))) static void put(char out[SEGMENT_TEXT_MAX],
                                                      const char *format, ...)
{
    size_t used = 0;
    va_list args;
    while (out[used] != '\0')
        used++;
    va_start(args, format);
    vsnprintf(out + used, SEGMENT_TEXT_MAX - used, format, args);
    va_end(args);
}

static void put_option(const uint8_t *o, uint32_t ack_origin, char out[SEGMENT_TEXT_MAX])
{
    switch (*o) {
    case 1:
        put(out, "nop");
        break;
    case 2:
        put(out, "mss %u", be16(o + 2));
        break;
    case 3:
        put(out, "wscale %u", o[2]);
        break;
    case 4:
        put(out, "sackOK");
        break;
    case 5:
        put(out, "sack");
        for (unsigned i = 2; i < o[1]; i += 8)
            put(out, " %u:%u", be32(o + i) - ack_origin, be32(o + i + 4) - ack_origin);
        break;
    case 8:
        put(out, "TS val %u ecr %u", be32(o + 2), be32(o + 6));
        break;
    default:
        put(out, "option %u", *o);
        break;
    }
}

void segment_print(const struct segment_view *s, uint32_t seq_origin, uint32_t ack_origin,
                   char out[SEGMENT_TEXT_MAX])
{
    static const char letters[] = "FSRP";
    uint32_t seq = s->seq - seq_origin;
    const char *between = " <";
    out[0] = '\0';
    for (unsigned i = 0; i < 4; i++) {
        if (s->flags >> i & 1)
            put(out, "%c", letters[i]);
    }
    put(out, "%s %u:%u(%u)", s->flags & 16 ? "." : "", seq, seq + s->length, s->length);
    if (s->flags & 16)
        put(out, " ack %u", s->ack - ack_origin);
    put(out, " win %u", s->window);
    for (const uint8_t *o = s->options; o < s->options_end && *o != 0; o += *o == 1 ? 1 : o[1]) {
        put(out, "%s", between);
        put_option(o, ack_origin, out);
        between = ",";
    }
    if (*between == ',')
        put(out, ">");
}
