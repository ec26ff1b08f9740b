/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 client on a host: one GET on one connection. */
#include "http_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX 65536u /* bytes of a reply's head */

static void fail(struct http_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct http_client *client, const char *format, ...)
{
    if (client->state != HTTP_CLIENT_RUNNING)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(client->why, sizeof client->why, format, arguments);
    va_end(arguments);
    client->state = HTTP_CLIENT_FAILED;
}

/* ---- what http_parser finds ----------------------------------------------------------------- */

static int on_name(http_parser *parser, const char *at, size_t length)
{
    struct http_client *client = parser->data;
    if (client->in_location || client->name_length == SIZE_MAX)
        client->name_length = 0;
    client->in_location = false;
    size_t room =
        client->name_length < sizeof client->name ? sizeof client->name - client->name_length : 0;
    if (room != 0)
        memcpy(client->name + client->name_length, at, length < room ? length : room);
    client->name_length += length;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    struct http_client *client = parser->data;
    if (!client->in_location && client->name_length == 8 &&
        strncasecmp(client->name, "location", 8) == 0) {
        client->in_location = true;
        client->location_length = 0;
    }
    if (!client->in_location) {
        client->name_length = SIZE_MAX; /* the name is over */
        return 0;
    }
    for (size_t i = 0; i < length && client->location_length + 1 < sizeof client->location; i++)
        client->location[client->location_length++] = at[i] >= ' ' && at[i] != 0x7f ? at[i] : '?';
    client->location[client->location_length] = '\0';
    return 0;
}

static int on_head(http_parser *parser)
{
    struct http_client *client = parser->data;
    if (parser->status_code / 100 == 1) /* interim (RFC 9110 15.2): the real one follows */
        return 0;
    client->head_complete = true;
    client->status = parser->status_code;
    client->has_length = (parser->flags & F_CONTENTLENGTH) != 0;
    client->length = client->has_length ? parser->content_length : 0;
    if (client->status / 100 == 2)
        return 0;
    if (client->location_length != 0)
        fail(client, "the server answered %u and points to %s", client->status, client->location);
    else
        fail(client, "the server answered %u %s", client->status,
             http_status_str((enum http_status)client->status));
    return -1;
}

static int on_body(http_parser *parser, const char *at, size_t length)
{
    struct http_client *client = parser->data;
    client->received += length;
    if (client->config.take(client->config.context, at, length))
        return 0;
    fail(client, "what was received could not be written");
    return -1;
}

static int on_complete(http_parser *parser)
{
    struct http_client *client = parser->data;
    if (!client->head_complete)
        return 0; /* the end of an interim reply */
    client->message_complete = true;
    client->state = HTTP_CLIENT_DONE;
    return -1; /* nothing more is wanted from this connection */
}

static const http_parser_settings settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* n 0: the server has closed. Returns how much was taken. */
static size_t feed(struct http_client *client, const uint8_t *data, size_t n)
{
    client->parser.data = client;
    size_t taken = http_parser_execute(&client->parser, &settings, (const char *)data, n);
    enum http_errno error = HTTP_PARSER_ERRNO(&client->parser);
    if (client->state != HTTP_CLIENT_RUNNING)
        return n; /* done or failed, and said so */
    if (error != HPE_OK && n == 0)
        fail(client,
             "the server closed the connection in the middle of its reply, after %llu bytes",
             (unsigned long long)client->received);
    else if (error != HPE_OK)
        fail(client, "the reply is not HTTP: %s", http_errno_description(error));
    else if (n == 0)
        fail(client, "the server closed the connection without a reply");
    return taken;
}

/* ---- the connection ------------------------------------------------------------------------- */

static void fail_by_stack(struct http_client *client, int64_t error)
{
    client->error = (int)error;
    fail(client, "%s", hawser_error_text((int)error));
}

static void send_request(struct http_client *client)
{
    while (client->request_sent < client->request_length) {
        int64_t taken =
            hawser_send(client->config.host, client->tcp, client->request + client->request_sent,
                        client->request_length - client->request_sent, 0);
        if (taken == HAWSER_ERR_AGAIN)
            return;
        if (taken < 0) {
            fail_by_stack(client, taken);
            return;
        }
        client->request_sent += (size_t)taken;
    }
}

static void receive_reply(struct http_client *client)
{
    struct hawser_host *host = client->config.host;
    while (client->state == HTTP_CLIENT_RUNNING) {
        struct hawser_span spans[2];
        size_t room =
            client->config.room != NULL ? client->config.room(client->config.context) : SIZE_MAX;
        if (room == 0)
            return;
        int64_t there = hawser_peek(host, client->tcp, spans);
        if (there == HAWSER_ERR_AGAIN)
            return;
        if (there < 0) {
            fail_by_stack(client, there);
            return;
        }
        if (there == 0) {
            feed(client, (const uint8_t *)"", 0);
            return;
        }
        size_t n = spans[0].length < room ? spans[0].length : room;
        hawser_consume(host, client->tcp, feed(client, spans[0].data, n));
        if (!client->head_complete && client->parser.nread > HEAD_MAX)
            fail(client, "the head of the reply is longer than %u bytes", HEAD_MAX);
    }
}

static void advance(struct http_client *client, uint64_t now_ns)
{
    if (client->state != HTTP_CLIENT_RUNNING)
        return;
    send_request(client);
    receive_reply(client);
    if (client->state != HTTP_CLIENT_RUNNING)
        client->ended_ns = now_ns;
}

static void on_event(struct target *target, uint32_t events, uint64_t now_ns)
{
    struct http_client *client = (struct http_client *)target;
    if ((events & HAWSER_EVENT_CONNECTED) != 0)
        client->connected = true;
    advance(client, now_ns);
}

int http_client_start(struct http_client *client, const struct http_client_config *config,
                      uint64_t now_ns)
{
    *client =
        (struct http_client){.target.on_event = on_event, .config = *config, .opened_ns = now_ns};
    http_parser_init(&client->parser, HTTP_RESPONSE);
    int length = asprintf(&client->request,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: hawser/%s\r\nAccept: "
                          "*/*\r\nConnection: close\r\n\r\n",
                          config->target, config->authority, hawser_version());
    if (length < 0) {
        client->request = NULL;
        return HAWSER_ERR_RESOURCES;
    }
    client->request_length = (size_t)length;
    const struct hawser_open_options options = {.remote = config->remote, .user = client};
    int error = hawser_open(config->host, now_ns, &options, &client->tcp);
    if (error != 0) {
        free(client->request);
        client->request = NULL;
        return error;
    }
    return 0;
}

void http_client_resume(struct http_client *client, uint64_t now_ns)
{
    advance(client, now_ns);
}

void http_client_stop(struct http_client *client)
{
    if (client->tcp != 0)
        hawser_close(client->config.host, client->tcp);
    client->tcp = 0;
    free(client->request);
    client->request = NULL;
}
