/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 client on a host: one GET on one connection. Like the server it has no loop of its
 * own. */
#ifndef TOOLS_HTTP_CLIENT_H
#define TOOLS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <http_parser.h>

#include <hawser/tcp.h>

#include "reactor.h"

enum http_client_state { HTTP_CLIENT_RUNNING, HTTP_CLIENT_DONE, HTTP_CLIENT_FAILED };

struct http_client_config {
    struct hawser_host *host;
    struct hawser_endpoint remote;
    const char *authority, *target; /* of the URL; used during http_client_start only */
    /* Takes n bytes of the body; false = it cannot, and the transfer ends. */
    bool (*take)(void *context, const void *data, size_t n);
    /* How much it would take now; 0 = nothing, and http_client_resume follows. NULL = anything.
     * What it does not take stays with the sender. */
    size_t (*room)(void *context);
    void *context;
};

struct http_client {
    struct target target; /* first: reactor.h */
    struct http_client_config config;
    hawser_tcp tcp;
    http_parser parser;
    enum http_client_state state;
    bool connected, head_complete, message_complete;
    int error;       /* hawser_error that ended the connection, 0 = none */
    unsigned status; /* of the reply, 0 = none yet */
    bool has_length;
    uint64_t length;   /* Content-Length */
    uint64_t received; /* bytes of the body */
    uint64_t opened_ns, ended_ns;
    char *request;
    size_t request_length, request_sent;
    char location[256]; /* of a redirection */
    bool in_location;
    size_t name_length, location_length;
    char name[9];  /* of the header field being read */
    char why[256]; /* FAILED: one sentence */
};

/* Opens the connection; 0, HAWSER_ERR_RESOURCES or what hawser_open says (nothing to stop then). A
 * reply that is not 2xx is a failure. */
int http_client_start(struct http_client *client, const struct http_client_config *config,
                      uint64_t now_ns);

/* When room() gives something again. */
void http_client_resume(struct http_client *client, uint64_t now_ns);

/* Gives back what start took, whatever the state; the connection is closed. */
void http_client_stop(struct http_client *client);

#endif
