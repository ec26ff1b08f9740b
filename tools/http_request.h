/* SPDX-License-Identifier: MIT */
/* One HTTP/1.x request as it comes in, in bounded memory. */
#ifndef TOOLS_HTTP_REQUEST_H
#define TOOLS_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <http_parser.h>

#include "http.h"

#define HTTP_HEAD_MAX 16384u /* request line and header fields together; more gets 431 */

struct http_request {
    http_parser parser;
    uint32_t bytes;  /* of the head so far */
    bool complete;   /* the head is there (a body, if any, has not been read) */
    int refused;     /* 0, or the status that says why it was refused */
    bool keep_alive; /* the client can take another reply on this connection */
    bool head_only;  /* HEAD */
    unsigned hosts;  /* Host fields seen */
    size_t target_length, name_length, range_length;
    bool in_value; /* of a header field */
    char target[HTTP_TARGET_MAX + 1];
    char name[8];   /* of the field being read: enough to tell "range" and "host" from others */
    char range[64]; /* the Range field; one that is longer is ignored */
};

void http_request_init(struct http_request *request);

/* Takes up to n bytes; returns how many. Stops after the head, or when the request is refused. */
size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t n);

/* The decoded path of a complete request: false = there is none. */
bool http_request_path(const struct http_request *request, char out[HTTP_TARGET_MAX + 1]);

#endif
