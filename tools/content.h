/* SPDX-License-Identifier: MIT */
/* Data that nobody can guess half of: pseudo-random bytes from a seed, and SHA-256 (libnettle) to
 * compare what arrived. */
#ifndef TOOLS_CONTENT_H
#define TOOLS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#include "http_source.h"

struct digest {
    struct sha256_ctx state;
    uint64_t bytes;
};
void digest_start(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t n);
void digest_end(struct digest *digest, uint8_t out[SHA256_DIGEST_SIZE]);

/* A file in memory, with no name anywhere. */
struct content {
    int fd;
    uint64_t size;
    uint8_t sha256[SHA256_DIGEST_SIZE];
};

/* 0, or a negative errno value. */
int content_make(struct content *content, uint64_t size, uint64_t seed);
void content_drop(struct content *content);

/* True if the digest is of the whole content. */
bool content_equals(const struct content *content, struct digest *digest);

/* For the HTTP server: the content is there under any path. */
struct http_source content_source(struct content *content);

#endif
