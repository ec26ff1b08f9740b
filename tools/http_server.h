/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 server on a host: GET and HEAD, kept-alive connections, ranges. It has no loop of
 * its own: the owner of the host dispatches its events (reactor.h) and calls http_server_expire
 * when http_server_deadline has come. */
#ifndef TOOLS_HTTP_SERVER_H
#define TOOLS_HTTP_SERVER_H

#include <hawser/tcp.h>

#include "http_source.h"

struct http_server;

struct http_server_log {
    struct hawser_endpoint client;
    const char *method,
        *target; /* "-" where the request was not one; the target may hold anything but NUL */
    int status;
    uint64_t bytes; /* of the body to come */
};

struct http_server_config {
    struct hawser_host *host;
    uint16_t port; /* on every local address of both families */
    struct http_source source;
    /* At once, 1..; more wait in the backlog, and then at home. One takes some 10 KiB and its send
     * buffer. */
    uint32_t connections_max;
    /* A connection without progress is closed after this: no request, or a reply nobody takes. */
    uint64_t idle_ns;
    void (*log)(void *context, const struct http_server_log *request); /* may be NULL */
    void *log_context;
};

struct http_server_stats {
    uint64_t requests, refused, bytes_sent;
    uint32_t connections, connections_high;
};

/* 0, HAWSER_ERR_RESOURCES or what hawser_listen says. */
int http_server_start(const struct http_server_config *config, uint64_t now_ns,
                      struct http_server **out);

/* Ends it at once; connections are reset. NULL is allowed. */
void http_server_stop(struct http_server *server);

uint64_t http_server_deadline(const struct http_server *server);
void http_server_expire(struct http_server *server, uint64_t now_ns);

const struct http_server_stats *http_server_stats_of(const struct http_server *server);

#endif
