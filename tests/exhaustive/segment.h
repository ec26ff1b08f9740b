/* SPDX-License-Identifier: MIT */
/* A frame of a host, taken apart for people: the words of packetdrill's language. */
#ifndef EXHAUSTIVE_SEGMENT_H
#define EXHAUSTIVE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

struct segment_view {
    uint32_t seq, ack, length;
    uint16_t window;
    uint8_t flags;
    const uint8_t *options, *options_end;
};

#define SEGMENT_TEXT_MAX 300u

void segment_view(const uint8_t *frame, size_t length, struct segment_view *out);

/* "S. 0:0(0) ack 1 win 16384 <mss 1460>"; seq_origin and ack_origin are what the numbers count from. */
void segment_print(const struct segment_view *s, uint32_t seq_origin, uint32_t ack_origin, char out[SEGMENT_TEXT_MAX]);

#endif
