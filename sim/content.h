/* SPDX-License-Identifier: MIT */
/* What programs write: every octet follows from the stream and its position, so nothing is kept. */
#ifndef HAWSER_SIM_CONTENT_H
#define HAWSER_SIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_PERIOD 65521u /* a prime: no segment or buffer size divides it */
#define CONTENT_PIECE 16384u  /* most octets of one content_at */

/* Filled by content_init, once; read only afterwards. */
struct content {
    uint8_t octets[CONTENT_PERIOD + CONTENT_PIECE];
};

void content_init(struct content *content, uint64_t seed);

/* CONTENT_PIECE octets of a stream from a position on. Streams with different names begin at
 * different places of the period. */
const uint8_t *content_at(const struct content *content, uint64_t stream, uint64_t position);

/* The first position at which data is not what the stream has there; n if it all is. */
size_t content_compare(const struct content *content, uint64_t stream, uint64_t position,
                       const uint8_t *data, size_t n);

#endif
