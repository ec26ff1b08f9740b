/* SPDX-License-Identifier: MIT */
/* What the HTTP server answers: content, ranges of it, redirections and refusals. */
#include <stdio.h>
#include <string.h>

#include "http_connection.h"

static void log_request(struct http_connection *connection, int status)
{
    const struct http_server_config *config = &connection->server->config;
    struct http_request *request = &connection->request;
    struct hawser_tcp_info info;
    if (config->log == NULL ||
        hawser_status(config->host, connection->server->now_ns, connection->tcp, &info) != 0)
        return;
    const struct http_server_log entry = {
        .client = info.remote,
        .method =
            request->complete ? http_method_str((enum http_method)request->parser.method) : "-",
        .target = request->target_length != 0 ? request->target : "-",
        .status = status,
        .bytes = connection->end - connection->offset,
    };
    config->log(config->log_context, &entry);
}

static void add_field(struct http_connection *connection, const char *name, const char *value)
{
    size_t room = sizeof connection->head - connection->head_length;
    int length =
        snprintf(connection->head + connection->head_length, room, "%s: %s\r\n", name, value);
    if (length > 0 && (size_t)length < room)
        connection->head_length += (size_t)length;
}

static void begin_head(struct http_connection *connection, int status)
{
    char date[HTTP_DATE_MAX];
    int length = snprintf(connection->head, sizeof connection->head, "HTTP/1.1 %d %s\r\n", status,
                          http_reason(status));
    connection->head_length = (size_t)length;
    connection->head_sent = 0;
    http_date(time(NULL), date);
    add_field(connection, "Date", date);
    add_field(connection, "Server", "Hawser");
}

static void end_head(struct http_connection *connection)
{
    add_field(connection, "Connection", connection->keep_alive ? "keep-alive" : "close");
    memcpy(connection->head + connection->head_length, "\r\n", 3);
    connection->head_length += 2;
    if (connection->request.head_only)
        connection->offset = connection->end;
    connection->phase = HTTP_PHASE_REPLY;
    connection->server->stats.requests++;
}

/* A reply without content of its own: an error or a redirection, with one line that says so. */
static void reply_status(struct http_connection *connection, int status)
{
    char size[24], line[96];
    int length = snprintf(line, sizeof line, "%d %s\n", status, http_reason(status));
    http_content_drop(&connection->content);
    connection->content.text = strdup(line); /* out of memory: an empty body */
    connection->offset = 0;
    connection->end = connection->content.text != NULL ? (uint64_t)length : 0;
    /* Where a request was not understood, nobody knows where the next one begins. */
    connection->keep_alive = connection->request.keep_alive && (connection->request.refused == 0 ||
                                                                connection->request.refused == 405);
    begin_head(connection, status);
    if (status == 405)
        add_field(connection, "Allow", "GET, HEAD");
    add_field(connection, "Content-Type", "text/plain; charset=utf-8");
    snprintf(size, sizeof size, "%llu", (unsigned long long)connection->end);
    add_field(connection, "Content-Length", size);
    if (status >= 400)
        connection->server->stats.refused++;
    log_request(connection, status);
}

static void reply_moved(struct http_connection *connection)
{
    const char *target = connection->request.target;
    char location[HTTP_TARGET_MAX + 4];
    size_t path = strcspn(target, "?#");
    reply_status(connection, 301);
    /* One slash only in front: two would name another host. An absolute target stays as it was
     * asked for. */
    size_t slashes = strspn(target, "/");
    size_t skip = slashes > 1 ? slashes - 1 : 0;
    snprintf(location, sizeof location, "%.*s/%s", (int)(path - skip), target + skip,
             target + path);
    add_field(connection, "Location", location);
}

static void reply_content(struct http_connection *connection)
{
    struct http_content *content = &connection->content;
    char text[96];
    int status = 200;
    uint64_t first = 0, length = content->size;
    if (connection->request.range_length != 0 && content->fd >= 0) {
        enum http_range range =
            http_range_parse(connection->request.range, content->size, &first, &length);
        status = range == HTTP_RANGE_PART ? 206 : range == HTTP_RANGE_BEYOND ? 416 : 200;
    }
    if (status == 416) {
        uint64_t size = content->size;
        reply_status(connection, status);
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
        add_field(connection, "Content-Range", text);
        return;
    }
    connection->offset = first;
    connection->end = first + length;
    connection->keep_alive = connection->request.keep_alive;
    begin_head(connection, status);
    add_field(connection, "Content-Type", content->type);
    snprintf(text, sizeof text, "%llu", (unsigned long long)length);
    add_field(connection, "Content-Length", text);
    if (content->fd >= 0)
        add_field(connection, "Accept-Ranges", "bytes");
    if (status == 206) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)first,
                 (unsigned long long)(connection->end - 1), (unsigned long long)content->size);
        add_field(connection, "Content-Range", text);
    }
    if (content->modified != 0) {
        http_date(content->modified, text);
        add_field(connection, "Last-Modified", text);
    }
    log_request(connection, status);
}

void http_reply_begin(struct http_connection *connection)
{
    const struct http_source *source = &connection->server->config.source;
    struct http_request *request = &connection->request;
    char path[HTTP_TARGET_MAX + 1];
    int status = request->refused;
    if (status == 0)
        status = http_request_path(request, path)
                     ? source->get(source->context, path, &connection->content)
                     : 400;
    if (status == 200)
        reply_content(connection);
    else if (status == 301)
        reply_moved(connection);
    else
        reply_status(connection, status);
    end_head(connection);
}
