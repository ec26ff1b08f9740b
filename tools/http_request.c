/* SPDX-License-Identifier: MIT */
/* One HTTP/1.x request as it comes in, in bounded memory. */
#include "http_request.h"

#include <string.h>
#include <strings.h>

static int refuse(struct http_request *request, int status)
{
    request->refused = status;
    return 1; /* makes http_parser stop */
}

static int on_target(http_parser *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (length > HTTP_TARGET_MAX - request->target_length)
        return refuse(request, 414);
    memcpy(request->target + request->target_length, at, length);
    request->target_length += length;
    request->target[request->target_length] = '\0';
    return 0;
}

static bool is_field(const struct http_request *request, const char *name)
{
    return request->name_length == strlen(name) &&
           strncasecmp(request->name, name, request->name_length) == 0;
}

static int on_name(http_parser *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (memchr(at, ' ', length) !=
        NULL) /* Debian's http_parser lets it pass; RFC 9112 5.1 does not */
        return refuse(request, 400);
    if (request->in_value)
        request->name_length = 0;
    request->in_value = false;
    /* A name that does not fit is none of those we know: its length alone says so. */
    size_t room = request->name_length < sizeof request->name
                      ? sizeof request->name - request->name_length
                      : 0;
    if (room != 0)
        memcpy(request->name + request->name_length, at, length < room ? length : room);
    request->name_length += length;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (!request->in_value && is_field(request, "host"))
        request->hosts++;
    if (!request->in_value)
        request->range_length = is_field(request, "range") ? 0 : request->range_length;
    request->in_value = true;
    if (is_field(request, "range")) {
        size_t room = sizeof request->range - 1 - request->range_length;
        size_t fits = length < room ? length : 0; /* half a range would be a wrong one */
        memcpy(request->range + request->range_length, at, fits);
        request->range_length += fits;
        request->range[request->range_length] = '\0';
    }
    return 0;
}

static int on_head(http_parser *parser)
{
    struct http_request *request = parser->data;
    bool has_body = (parser->flags & F_CHUNKED) != 0 ||
                    (parser->content_length != 0 && parser->content_length != UINT64_MAX);
    request->complete = true;
    request->head_only = parser->method == HTTP_HEAD;
    /* What follows a body that we do not read could not be told from it. */
    request->keep_alive = http_should_keep_alive(parser) != 0 && !has_body;
    if (parser->http_major != 1)
        request->refused = 505;
    else if (request->hosts > 1 || (request->hosts == 0 && parser->http_minor >= 1))
        request->refused = 400; /* RFC 9112 3.2 */
    else if (parser->method != HTTP_GET && parser->method != HTTP_HEAD)
        request->refused = 405;
    return 2; /* no body for http_parser to read: it returns right behind the head */
}

void http_request_init(struct http_request *request)
{
    memset(request, 0, sizeof *request);
    http_parser_init(&request->parser, HTTP_REQUEST);
}

size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t n)
{
    static const http_parser_settings settings = {
        .on_url = on_target,
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_head,
    };
    if (n > HTTP_HEAD_MAX - request->bytes)
        n = HTTP_HEAD_MAX - request->bytes;
    request->parser.data = request; /* here, not in init: the structure may have moved */
    size_t taken = http_parser_execute(&request->parser, &settings, (const char *)data, n);
    request->bytes += (uint32_t)taken;
    enum http_errno error = HTTP_PARSER_ERRNO(&request->parser);
    if (request->refused == 0 && !request->complete) {
        if (error != HPE_OK)
            request->refused = error == HPE_HEADER_OVERFLOW ? 431 : 400;
        else if (request->bytes == HTTP_HEAD_MAX)
            request->refused = 431;
    }
    return taken;
}

bool http_request_path(const struct http_request *request, char out[HTTP_TARGET_MAX + 1])
{
    struct http_parser_url url;
    http_parser_url_init(&url);
    if (http_parser_parse_url(request->target, request->target_length, 0, &url) != 0 ||
        (url.field_set & 1u << UF_PATH) == 0)
        return false;
    memcpy(out, request->target + url.field_data[UF_PATH].off, url.field_data[UF_PATH].len);
    out[url.field_data[UF_PATH].len] = '\0';
    return out[0] == '/' && http_unescape(out);
}
