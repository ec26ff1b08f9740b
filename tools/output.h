/* SPDX-License-Identifier: MIT */
/* Where fetched data goes: a file that appears when it is whole, or a descriptor that may be
 * slow. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output {
    int fd;
    int error;          /* errno value of the first failure, 0 = none */
    bool is_slow;       /* a pipe, a socket, a terminal: may be full for a while */
    bool is_full;       /* it was, when output_room was last asked */
    const char *path;   /* NULL = not a file of ours */
    char *partial_path; /* what is written until it is whole; NULL = directly */
};

/* path NULL or "-": standard output. A regular file is replaced only by output_close. False:
 * output_error tells. */
bool output_open(struct output *output, const char *path);

/* For http_client_config. */
bool output_take(void *output, const void *data, size_t n);
size_t output_room(void *output);

int output_fd(const struct output *output);
bool output_is_full(const struct output *output);
int output_error(const struct output *output);

/* keep false: what came is thrown away (what is already in a pipe is not). False: it could not be
 * kept. */
bool output_close(struct output *output, bool keep);

#endif
