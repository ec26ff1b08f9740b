/* SPDX-License-Identifier: MIT */
/* Where the HTTP server's content comes from: a directory, or whatever a caller makes up. */
#ifndef TOOLS_HTTP_SOURCE_H
#define TOOLS_HTTP_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct http_content {
    int fd;           /* a file to be read with pread and closed, or -1 */
    char *text;       /* or memory, to be freed */
    uint64_t size;    /* bytes of either */
    const char *type; /* static storage */
    time_t modified;  /* 0 = not known */
};

struct http_source {
    /* path: decoded, begins with '/'. Returns 200 and *out; 301: the same with a slash at the end;
     * or why not (403, 404, 500). */
    int (*get)(void *context, const char *path, struct http_content *out);
    void *context;
};

void http_content_drop(struct http_content *content);

/* A directory and what is below it; never anything else. */
struct http_directory {
    int fd;
};

/* 0, or a negative errno value. */
int http_directory_open(struct http_directory *directory, const char *path);
void http_directory_close(struct http_directory *directory);
struct http_source http_directory_source(struct http_directory *directory);

#endif
