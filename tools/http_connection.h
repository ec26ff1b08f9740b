/* SPDX-License-Identifier: MIT */
/* The HTTP server's own structures, shared by http_server.c (who does what when) and http_reply.c
 * (what is answered). */
#ifndef TOOLS_HTTP_CONNECTION_H
#define TOOLS_HTTP_CONNECTION_H

#include "http_request.h"
#include "http_server.h"
#include "reactor.h"

#define HTTP_SCRATCH_BYTES 262144u /* how much of a file is read at once */

enum http_phase {
    HTTP_PHASE_REQUEST, /* reading a request, or waiting for one */
    HTTP_PHASE_REPLY,
    HTTP_PHASE_LINGER, /* all is said: reads until the client closes, lest a reset overtake it */
};

struct http_connection {
    struct target target; /* first: reactor.h */
    struct http_server *server;
    struct http_connection *earlier, *later; /* by active_ns */
    uint64_t active_ns; /* last progress: a request came to its end, or a reply went on */
    hawser_tcp tcp;
    enum http_phase phase;
    bool keep_alive;
    struct http_request request;
    struct http_content content;
    uint64_t offset, end; /* what of the content is still to be sent */
    uint64_t lingered_bytes;
    size_t head_length, head_sent;
    char head[HTTP_TARGET_MAX + 512]; /* room for a Location */
};

struct http_server {
    struct target target;
    struct http_server_config config;
    hawser_tcp listener;
    struct http_connection *oldest, *newest;
    struct http_server_stats stats;
    uint64_t now_ns; /* of the present call */
    bool is_full;    /* connections may wait to be accepted */
    uint8_t scratch[HTTP_SCRATCH_BYTES];
};

/* Answers the complete or refused request: fills in head, content, offset, end and keep_alive. */
void http_reply_begin(struct http_connection *connection);

#endif
