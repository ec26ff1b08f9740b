/* SPDX-License-Identifier: MIT */
/* Small facts of HTTP/1.1 that client and server share (RFC 9110, RFC 9112). Messages are parsed
 * by libhttp_parser. */
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

const char *http_media_type(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".c", "text/plain; charset=utf-8"},
        {".h", "text/plain; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".pdf", "application/pdf"},
        {".gz", "application/gzip"},
        {".wasm", "application/wasm"},
        {".mp4", "video/mp4"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

void http_date(time_t time, char out[HTTP_DATE_MAX])
{
    struct tm utc;
    /* LC_TIME is never set in this program, so the names are the English ones that the RFC
     * wants. */
    if (gmtime_r(&time, &utc) == NULL ||
        strftime(out, HTTP_DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &utc) == 0)
        out[0] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = hex_digit(from[1]);
        int low = high < 0 ? -1 : hex_digit(from[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    *to = '\0';
    return true;
}

static bool copy_field(const struct http_parser_url *url, unsigned field, const char *text,
                       char *out, size_t cap)
{
    size_t length = url->field_data[field].len;
    if ((url->field_set & 1u << field) == 0 || length == 0 || length >= cap)
        return false;
    memcpy(out, text + url->field_data[field].off, length);
    out[length] = '\0';
    return true;
}

const char *http_url_split(const char *text, struct http_url *out)
{
    struct http_parser_url url;
    http_parser_url_init(&url);
    if (http_parser_parse_url(text, strlen(text), 0, &url) != 0)
        return "it is not a URL such as http://192.0.2.1:8000/file";
    char schema[8] = "";
    if (!copy_field(&url, UF_SCHEMA, text, schema, sizeof schema) ||
        strcasecmp(schema, "http") != 0)
        return "only http:// is spoken here";
    if ((url.field_set & 1u << UF_USERINFO) != 0)
        return "user names and passwords in URLs are not supported";
    if (!copy_field(&url, UF_HOST, text, out->host, sizeof out->host))
        return "the host's name is empty or too long";
    strcpy(out->port, "80");
    bool has_port = copy_field(&url, UF_PORT, text, out->port, sizeof out->port);
    if (has_port && url.port == 0)
        return "port 0 cannot be connected to";
    const char *form = strchr(out->host, ':') != NULL ? "[%s]%s%s" : "%s%s%s";
    snprintf(out->authority, sizeof out->authority, form, out->host, has_port ? ":" : "",
             has_port ? out->port : "");
    /* Path and query stand side by side in the text; a fragment is the client's own business. */
    const char *path = text + url.field_data[UF_PATH].off;
    bool has_path = (url.field_set & 1u << UF_PATH) != 0;
    if (!has_path && (url.field_set & 1u << UF_QUERY) != 0)
        path = text + url.field_data[UF_QUERY].off - 1;
    else if (!has_path)
        path = "";
    size_t length = strcspn(path, "#");
    if (length + 2 > sizeof out->target)
        return "the path is too long";
    snprintf(out->target, sizeof out->target, "%s%.*s", path[0] == '/' ? "" : "/", (int)length,
             path);
    return NULL;
}

static bool scan_number(const char **text, uint64_t *out)
{
    if (!isdigit((unsigned char)**text))
        return false;
    char *end;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

enum http_range http_range_parse(const char *field, uint64_t size, uint64_t *first,
                                 uint64_t *length)
{
    /* RFC 9110 14.2: a server may ignore Range; we do when it is not one plain range. */
    if (strncasecmp(field, "bytes=", 6) != 0)
        return HTTP_RANGE_WHOLE;
    field += 6;
    uint64_t from = 0, last = size - 1;
    if (*field == '-') {
        uint64_t suffix;
        field++;
        if (!scan_number(&field, &suffix) || *field != '\0')
            return HTTP_RANGE_WHOLE;
        if (suffix == 0 || size == 0)
            return HTTP_RANGE_BEYOND;
        from = suffix < size ? size - suffix : 0;
    } else {
        if (!scan_number(&field, &from) || *field++ != '-')
            return HTTP_RANGE_WHOLE;
        if (*field != '\0' && (!scan_number(&field, &last) || *field != '\0' || last < from))
            return HTTP_RANGE_WHOLE;
        if (from >= size)
            return HTTP_RANGE_BEYOND;
        last = last < size - 1 ? last : size - 1;
    }
    *first = from;
    *length = last - from + 1;
    return HTTP_RANGE_PART;
}
