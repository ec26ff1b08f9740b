/* SPDX-License-Identifier: MIT */
/* What programs write: see content.h. */
#include "sim/content.h"

#include <string.h>

#include "sim/random.h"

void content_init(struct content *content, uint64_t seed)
{
    struct random random = random_of(seed, 0xc0);
    for (size_t i = 0; i < CONTENT_PERIOD; i++)
        content->octets[i] = (uint8_t)random_next(&random);
    memcpy(content->octets + CONTENT_PERIOD, content->octets, CONTENT_PIECE);
}

const uint8_t *content_at(const struct content *content, uint64_t stream, uint64_t position)
{
    return content->octets + (random_mix(stream) % CONTENT_PERIOD + position) % CONTENT_PERIOD;
}

size_t content_compare(const struct content *content, uint64_t stream, uint64_t position,
                       const uint8_t *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t piece = n - done < CONTENT_PIECE ? n - done : CONTENT_PIECE;
        const uint8_t *expected = content_at(content, stream, position + done);
        if (memcmp(expected, data + done, piece) != 0) {
            while (*expected == data[done])
                expected++, done++;
            return done;
        }
        done += piece;
    }
    return n;
}
