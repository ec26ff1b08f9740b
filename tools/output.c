/* SPDX-License-Identifier: MIT */
/* Where fetched data goes: a file that appears when it is whole, or a descriptor that may be
 * slow. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct output *output, int error)
{
    if (output->error == 0)
        output->error = error;
    return false;
}

bool output_open(struct output *output, const char *path)
{
    struct stat about;
    *output = (struct output){.fd = STDOUT_FILENO};
    if (path != NULL && strcmp(path, "-") != 0) {
        output->path = path;
        const char *name = path;
        if (stat(path, &about) != 0 || S_ISREG(about.st_mode)) {
            if (asprintf(&output->partial_path, "%s.part", path) < 0) {
                output->partial_path = NULL;
                return fail(output, ENOMEM);
            }
            name = output->partial_path;
        }
        output->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (output->fd < 0) {
            free(output->partial_path);
            return fail(output, errno);
        }
    }
    output->is_slow =
        fstat(output->fd, &about) != 0 || (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode));
    return true;
}

bool output_take(void *context, const void *data, size_t n)
{
    struct output *output = context;
    const uint8_t *bytes = data;
    while (n != 0) {
        ssize_t written = write(output->fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(output, errno);
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

size_t output_room(void *context)
{
    struct output *output = context;
    if (!output->is_slow)
        return SIZE_MAX;
    /* A pipe that is ready takes PIPE_BUF without blocking (POSIX). */
    struct pollfd ready = {.fd = output->fd, .events = POLLOUT};
    output->is_full = poll(&ready, 1, 0) == 0;
    return output->is_full ? 0 : PIPE_BUF;
}

int output_fd(const struct output *output)
{
    return output->fd;
}

bool output_is_full(const struct output *output)
{
    return output->is_full;
}

int output_error(const struct output *output)
{
    return output->error;
}

bool output_close(struct output *output, bool keep)
{
    if (output->path == NULL)
        return true;
    if (close(output->fd) != 0)
        fail(output, errno);
    keep = keep && output->error == 0;
    if (output->partial_path != NULL) {
        if (keep && rename(output->partial_path, output->path) != 0)
            keep = fail(output, errno);
        if (!keep)
            unlink(output->partial_path);
        free(output->partial_path);
    }
    return keep;
}
