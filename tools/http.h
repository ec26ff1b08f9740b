/* SPDX-License-Identifier: MIT */
/* Small facts of HTTP/1.1 that client and server share (RFC 9110, RFC 9112). Messages are parsed
 * by libhttp_parser. */
#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <hawser/hawser.h>

#define HTTP_TARGET_MAX 4096u /* longest path with query; longer ones get 414 */

/* "Not Found" for 404; "Unknown" for what we never send. */
const char *http_reason(int status);

/* By the name's ending; application/octet-stream if it says nothing. */
const char *http_media_type(const char *path);

#define HTTP_DATE_MAX 32
/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date(time_t time, char out[HTTP_DATE_MAX]);

/* Undoes %XX in place. False: a broken escape, or a NUL in it. */
bool http_unescape(char *text);

struct http_url {
    char host[256];               /* name or address, without brackets */
    char port[6];                 /* "80" if the URL has none */
    char target[HTTP_TARGET_MAX]; /* path and query, "/" at least */
    char authority[264];          /* for the Host field: as in the URL */
};

/* Splits "http://host:port/path?query". NULL, or why it is not one, in static storage. */
const char *http_url_split(const char *text, struct http_url *out);

/* One range of "bytes=first-last" (RFC 9110 14.1.2) of a file of size bytes. */
enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_BEYOND };
enum http_range http_range_parse(const char *field, uint64_t size, uint64_t *first,
                                 uint64_t *length);

#endif
