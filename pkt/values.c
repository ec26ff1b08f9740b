/* SPDX-License-Identifier: MIT */
/* Expressions of calls into what POSIX wants. */
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "pkt/run_internal.h"
#include "pkt/symbols.h"

#define BUFFER_MAX (64u << 20) /* bytes of all buffers of one call */

static bool fail(struct pkt_run *run, const struct pkt_expr *expr, const char *what)
{
    return run_fail_at(run, expr->place, "%s", what);
}

/* ---- numbers ----------------------------------------------------------------------------- */

static bool call_value(struct pkt_run *run, const struct pkt_expr *expr, int64_t *out)
{
    const struct pkt_expr *item = expr->count == 1 ? expr->items[0] : NULL;
    struct in_addr address;
    if (item != NULL && strcmp(expr->text, "htons") == 0) {
        if (!run_integer(run, item, out))
            return false;
        *out = htons((uint16_t)*out);
        return true;
    }
    if (item != NULL && strcmp(expr->text, "inet_addr") == 0 && item->kind == PKT_EXPR_STRING) {
        if (inet_pton(AF_INET, item->text, &address) != 1)
            return fail(run, item, "not an IPv4 address");
        *out = address.s_addr;
        return true;
    }
    if (strcmp(expr->text, "gre") == 0 || strcmp(expr->text, "GREv0") == 0 ||
        strcmp(expr->text, "mpls") == 0)
        return run_skip(run, "%s", expr->text);
    return fail(run, expr, "a number is wanted here");
}

bool run_integer(struct pkt_run *run, const struct pkt_expr *expr, int64_t *out)
{
    int64_t left, right;
    switch (expr->kind) {
    case PKT_EXPR_INTEGER:
        *out = expr->number;
        return true;
    case PKT_EXPR_WORD:
        if (pkt_symbol(expr->text, out))
            return true;
        if (pkt_symbol_elsewhere(expr->text) != NULL)
            return run_skip(run, "%s of %s", expr->text, pkt_symbol_elsewhere(expr->text));
        return run_fail_at(run, expr->place, "unknown symbol '%s'", expr->text);
    case PKT_EXPR_OR:
        if (!run_integer(run, expr->items[0], &left) || !run_integer(run, expr->items[1], &right))
            return false;
        *out = left | right;
        return true;
    case PKT_EXPR_CALL:
        return call_value(run, expr, out);
    case PKT_EXPR_ELLIPSIS:
    case PKT_EXPR_STRING:
    case PKT_EXPR_ASSIGN:
    case PKT_EXPR_LIST:
    case PKT_EXPR_BRACES:
        break;
    }
    return fail(run, expr, "a number is wanted here");
}

bool run_int(struct pkt_run *run, const struct pkt_expr *expr, int *out)
{
    int64_t value;
    if (!run_integer(run, expr, &value))
        return false;
    if (value < INT_MIN || value > UINT_MAX)
        return fail(run, expr, "a number of more than 32 bits");
    *out = (int)(uint32_t)value;
    return true;
}

bool run_size(struct pkt_run *run, const struct pkt_expr *expr, size_t *out)
{
    int64_t value;
    if (!run_integer(run, expr, &value))
        return false;
    if (value < 0)
        return fail(run, expr, "a size below 0");
    *out = (size_t)value;
    return true;
}

bool run_fd_argument(struct pkt_run *run, const struct pkt_expr *expr, int *script, int *live)
{
    if (!run_int(run, expr, script))
        return false;
    *live = run_live_fd(run, *script);
    return true;
}

bool run_is_null(struct pkt_run *run, const struct pkt_expr *expr)
{
    int64_t value;
    (void)run;
    if (expr->kind == PKT_EXPR_INTEGER)
        return expr->number == 0;
    return expr->kind == PKT_EXPR_WORD && pkt_symbol(expr->text, &value) && value == 0;
}

/* ---- buffers ----------------------------------------------------------------------------- */

bool run_buffer(struct pkt_run *run, const struct pkt_expr *expr, size_t size, void **out)
{
    *out = NULL;
    if (run_is_null(run, expr))
        return true;
    if (expr->kind == PKT_EXPR_STRING) { /* bytes of the script's own, as many as wanted */
        *out = pkt_arena_alloc(run->arena, expr->length > size ? expr->length : size);
        memcpy(*out, expr->bytes, expr->length);
        return true;
    }
    if (expr->kind != PKT_EXPR_ELLIPSIS)
        return fail(run, expr, "a buffer is written ... or NULL");
    if (size > BUFFER_MAX)
        return fail(run, expr, "a buffer that is too large");
    *out = pkt_arena_alloc(run->arena, size > 0 ? size : 1);
    return true;
}

bool run_iovec(struct pkt_run *run, const struct pkt_expr *expr, struct iovec **out, size_t *count)
{
    if (expr->kind != PKT_EXPR_LIST && expr->kind != PKT_EXPR_BRACES)
        return fail(run, expr, "a list of buffers is wanted here: [{..., 100}, ...]");
    struct iovec *iov = pkt_arena_array(run->arena, expr->count + 1, sizeof *iov);
    for (size_t i = 0; i < expr->count; i++) {
        const struct pkt_expr *item = expr->items[i];
        if ((item->kind != PKT_EXPR_BRACES && item->kind != PKT_EXPR_LIST) || item->count != 2)
            return fail(run, item, "a buffer of a list is written {..., LENGTH}");
        if (!run_size(run, item->items[1], &iov[i].iov_len) ||
            !run_buffer(run, item->items[0], iov[i].iov_len, &iov[i].iov_base))
            return false;
    }
    *out = iov;
    *count = expr->count;
    return true;
}

/* ---- structures -------------------------------------------------------------------------- */

const struct pkt_expr *run_field(const struct pkt_expr *braces, const char *name,
                                 const struct pkt_expr **argument)
{
    if (braces->kind != PKT_EXPR_BRACES && braces->kind != PKT_EXPR_LIST)
        return NULL;
    for (size_t i = 0; i < braces->count; i++) {
        const struct pkt_expr *item = braces->items[i];
        if (item->kind == PKT_EXPR_ASSIGN && strcmp(item->text, name) == 0) {
            if (argument != NULL)
                *argument = item->argument;
            return item->items[0];
        }
    }
    return NULL;
}

bool run_field_integer(struct pkt_run *run, const struct pkt_expr *braces, const char *name,
                       int64_t otherwise, int64_t *out)
{
    const struct pkt_expr *value = run_field(braces, name, NULL);
    *out = otherwise;
    return value == NULL || run_integer(run, value, out);
}

/* ---- addresses --------------------------------------------------------------------------- */

void run_sockaddr_make(const struct pkt_run *run, const struct hawser_address *address,
                       uint16_t port, struct sockaddr_storage *out, socklen_t *length)
{
    memset(out, 0, sizeof *out);
    if (run->options->family == PKT_IPV4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
        *length = sizeof *v4;
        return;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address->bytes, 16);
    *length = sizeof *v6;
}

static bool address_field(struct pkt_run *run, const struct pkt_expr *value, int family,
                          struct sockaddr_storage *out)
{
    bool six = value->kind == PKT_EXPR_CALL && strcmp(value->text, "inet6_addr") == 0;
    if (family == AF_INET6) {
        void *bytes = &((struct sockaddr_in6 *)out)->sin6_addr;
        if (!six || value->count != 1 || value->items[0]->kind != PKT_EXPR_STRING ||
            inet_pton(AF_INET6, value->items[0]->text, bytes) != 1)
            return fail(run, value, "an IPv6 address is written inet6_addr(\"...\")");
        return true;
    }
    int64_t number;
    if (six || !run_integer(run, value, &number))
        return six ? fail(run, value, "an IPv4 address is written inet_addr(\"...\")") : false;
    ((struct sockaddr_in *)out)->sin_addr.s_addr = (in_addr_t)number;
    return true;
}

bool run_sockaddr(struct pkt_run *run, const struct pkt_expr *expr,
                  const struct hawser_address *address, uint16_t port, struct sockaddr_storage *out,
                  socklen_t *length)
{
    int64_t family, wire_port;
    if (expr->kind == PKT_EXPR_ELLIPSIS) {
        run_sockaddr_make(run, address, port, out, length);
        return true;
    }
    memset(out, 0, sizeof *out);
    if (expr->kind != PKT_EXPR_BRACES) { /* a number or AF_...: a bare family */
        if (!run_integer(run, expr, &family))
            return false;
        out->ss_family = (sa_family_t)family;
        *length = sizeof(struct sockaddr);
        return true;
    }
    if (!run_field_integer(run, expr, "sa_family", AF_INET, &family) ||
        !run_field_integer(run, expr, "sin_port", 0, &wire_port))
        return false;
    out->ss_family = (sa_family_t)family;
    *length = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)out)->sin6_port = (in_port_t)wire_port;
    else
        ((struct sockaddr_in *)out)->sin_port = (in_port_t)wire_port;
    const struct pkt_expr *value = run_field(expr, "sin_addr", NULL);
    return value == NULL || address_field(run, value, (int)family, out);
}
