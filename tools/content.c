/* SPDX-License-Identifier: MIT */
/* Pseudo-random data from a seed, in memory, and its SHA-256. */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void digest_start(struct digest *digest)
{
    digest->bytes = 0;
    sha256_init(&digest->state);
}

void digest_add(struct digest *digest, const void *data, size_t n)
{
    digest->bytes += n;
    sha256_update(&digest->state, n, data);
}

void digest_end(struct digest *digest, uint8_t out[SHA256_DIGEST_SIZE])
{
    sha256_digest(&digest->state, SHA256_DIGEST_SIZE, out);
}

/* splitmix64: passes every statistical test that a transfer could care about. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int fill(struct content *content, uint64_t seed)
{
    uint64_t buffer[8192];
    struct digest digest;
    digest_start(&digest);
    for (uint64_t done = 0; done < content->size;) {
        uint64_t left = content->size - done;
        size_t n = left < sizeof buffer ? left : sizeof buffer;
        for (size_t i = 0; i < sizeof buffer / sizeof buffer[0]; i++)
            buffer[i] = next_random(&seed);
        ssize_t written = pwrite(content->fd, buffer, n, (off_t)done);
        if (written != (ssize_t)n)
            return written < 0 ? -errno : -ENOSPC;
        digest_add(&digest, buffer, n);
        done += n;
    }
    digest_end(&digest, content->sha256);
    return 0;
}

int content_make(struct content *content, uint64_t size, uint64_t seed)
{
    content->size = size;
    content->fd = memfd_create("hawser-content", MFD_CLOEXEC);
    if (content->fd < 0)
        return -errno;
    int error = fill(content, seed);
    if (error != 0)
        content_drop(content);
    return error;
}

void content_drop(struct content *content)
{
    if (content->fd >= 0)
        close(content->fd);
    content->fd = -1;
}

bool content_equals(const struct content *content, struct digest *digest)
{
    uint8_t sha256[SHA256_DIGEST_SIZE];
    uint64_t bytes = digest->bytes;
    digest_end(digest, sha256);
    return bytes == content->size && memcmp(sha256, content->sha256, sizeof sha256) == 0;
}

static int get(void *context, const char *path, struct http_content *out)
{
    const struct content *content = context;
    (void)path;
    *out = (struct http_content){
        .fd = fcntl(content->fd, F_DUPFD_CLOEXEC, 0),
        .size = content->size,
        .type = "application/octet-stream",
    };
    return out->fd >= 0 ? 200 : 500;
}

struct http_source content_source(struct content *content)
{
    return (struct http_source){.get = get, .context = content};
}
