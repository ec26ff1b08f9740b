/* SPDX-License-Identifier: MIT */
/* Mutants of calls and of code: results, errno, values that a call gives back, the end of a call
 * that blocks, numbers in assertions. */
#include <stdlib.h>
#include <string.h>

#include "pkt/mutate_internal.h"
#include "pkt/print.h"
#include "pkt/symbols.h"

/* Each costs a walk through all arguments: a list without end must not cost without end. */
#define MUTANTS_OF_CALL_MAX 256u

/* ---- values of expressions ------------------------------------------------------------------- */

/* Integers, names and A | B; false = no number. */
static bool value_of(const struct pkt_expr *expr, int64_t *value)
{
    int64_t left, right;
    switch (expr->kind) {
    case PKT_EXPR_INTEGER:
        *value = expr->number;
        return true;
    case PKT_EXPR_WORD:
        return pkt_symbol(expr->text, value);
    case PKT_EXPR_OR:
        if (!value_of(expr->items[0], &left) || !value_of(expr->items[1], &right))
            return false;
        *value = left | right;
        return true;
    case PKT_EXPR_ELLIPSIS:
    case PKT_EXPR_STRING:
    case PKT_EXPR_ASSIGN:
    case PKT_EXPR_LIST:
    case PKT_EXPR_BRACES:
    case PKT_EXPR_CALL:
        break;
    }
    return false;
}

static const struct pkt_expr *integer(struct mutants *mutants, const struct pkt_expr *like,
                                      int64_t number)
{
    struct pkt_expr *expr = pkt_arena_alloc(mutants->arena, sizeof *expr);
    expr->kind = PKT_EXPR_INTEGER;
    expr->place = like->place;
    expr->number = number;
    return expr;
}

/* The expression with changed in place of part, which is somewhere in it: what lies between is
 * copied. */
static const struct pkt_expr *rebuild(struct mutants *mutants, const struct pkt_expr *whole,
                                      const struct pkt_expr *part, const struct pkt_expr *changed)
{
    if (whole == part)
        return changed;
    for (size_t i = 0; i < whole->count; i++) {
        const struct pkt_expr *item = rebuild(mutants, whole->items[i], part, changed);
        if (item == whole->items[i])
            continue;
        struct pkt_expr *copy = pkt_arena_alloc(mutants->arena, sizeof *copy);
        *copy = *whole;
        copy->items = pkt_arena_array(mutants->arena, whole->count, sizeof *copy->items);
        memcpy(copy->items, whole->items, whole->count * sizeof *copy->items);
        copy->items[i] = item;
        return copy;
    }
    return whole;
}

/* A mutant with changed in place of part of an argument. */
static void replace_value(struct mutants *mutants, size_t argument, const struct pkt_expr *part,
                          const struct pkt_expr *changed, const char *name)
{
    const struct pkt_call *call = &mutants->event->call;
    const char *before = pkt_expr_text(part, mutants->arena);
    const char *after = pkt_expr_text(changed, mutants->arena);
    struct pkt_event *event = mutants_add(mutants, PKT_MUTATION_VALUE, "%s%s%.60s becomes %.60s",
                                          name, *name == '\0' ? "" : " ", before, after);
    const struct pkt_expr **arguments =
        pkt_arena_array(mutants->arena, call->argument_count, sizeof *arguments);
    memcpy(arguments, call->arguments, call->argument_count * sizeof *arguments);
    arguments[argument] = rebuild(mutants, arguments[argument], part, changed);
    event->call.arguments = arguments;
}

#define LENGTH "length" /* getsockopt's last argument has no name of its own */

/* Bits that no call gives back, each in its place. */
static bool is_flag_field(const char *name)
{
    return strcmp(name, "revents") == 0 || strcmp(name, "events") == 0 ||
           strcmp(name, "msg_flags") == 0;
}

/* One value of a field: flags get a bit more, and lose all they have; numbers grow. What is
 * compared with the tolerance of times must grow by much. */
static void change_leaf(struct mutants *mutants, size_t argument, const struct pkt_expr *leaf,
                        const char *name)
{
    int64_t value;
    if (mutants->count - mutants->first >= MUTANTS_OF_CALL_MAX)
        return;
    if (leaf->kind == PKT_EXPR_STRING && leaf->length != 0) {
        struct pkt_expr *other = pkt_arena_alloc(mutants->arena, sizeof *other);
        *other = *leaf;
        uint8_t *bytes = pkt_arena_alloc(mutants->arena, leaf->length + 1);
        memcpy(bytes, leaf->bytes, leaf->length);
        bytes[0] ^= 1;
        other->bytes = bytes;
        other->text = (const char *)bytes;
        replace_value(mutants, argument, leaf, other, name);
        return;
    }
    if (!value_of(leaf, &value))
        return;
    if (is_flag_field(name)) {
        int64_t more = strcmp(name, "msg_flags") == 0 ? value ^ 0x10 : value ^ 0x400;
        replace_value(mutants, argument, leaf, integer(mutants, leaf, more), name);
        if (value != 0)
            replace_value(mutants, argument, leaf, integer(mutants, leaf, 0), name);
        return;
    }
    int64_t step = strncmp(name, "TCP_NLA_", 8) == 0 ? 1000000000 : 1;
    if (strcmp(name, LENGTH) == 0)
        step = 1000; /* the call is given that much room: it must be more than it can fill */
    int64_t more = (int64_t)((uint64_t)value + (uint64_t)step);
    replace_value(mutants, argument, leaf, integer(mutants, leaf, more), name);
}

/* All values within an expression; fields are those that count, NULL = all. */
static void change_leaves(struct mutants *mutants, size_t argument, const struct pkt_expr *expr,
                          const char *name, const char *const *fields)
{
    if (expr->kind != PKT_EXPR_LIST && expr->kind != PKT_EXPR_BRACES) {
        if (expr->kind != PKT_EXPR_ASSIGN) {
            change_leaf(mutants, argument, expr, name);
            return;
        }
        bool counts = fields == NULL || strncmp(expr->text, "TCP_NLA_", 8) == 0;
        for (size_t i = 0; !counts && fields[i] != NULL; i++)
            counts = strcmp(fields[i], expr->text) == 0;
        if (!counts)
            return;
        name = expr->text;
    }
    for (size_t i = 0; i < expr->count; i++)
        change_leaves(mutants, argument, expr->items[i], name, fields);
}

/* ---- what a call gives back ------------------------------------------------------------------ */

/* A poll entry without revents has none: then it expects some. */
static void add_revents(struct mutants *mutants, const struct pkt_expr *entry)
{
    if (entry->kind != PKT_EXPR_BRACES)
        return;
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->items[i]->kind == PKT_EXPR_ASSIGN &&
            strcmp(entry->items[i]->text, "revents") == 0)
            return;
    }
    struct pkt_expr *revents = pkt_arena_alloc(mutants->arena, sizeof *revents);
    revents->kind = PKT_EXPR_ASSIGN;
    revents->place = entry->place;
    revents->text = "revents";
    revents->items = pkt_arena_array(mutants->arena, 1, sizeof *revents->items);
    revents->items[0] = integer(mutants, entry, 0x400);
    revents->count = 1;
    struct pkt_expr *longer = pkt_arena_alloc(mutants->arena, sizeof *longer);
    *longer = *entry;
    longer->items = pkt_arena_array(mutants->arena, entry->count + 1, sizeof *longer->items);
    memcpy(longer->items, entry->items, entry->count * sizeof *longer->items);
    longer->items[longer->count++] = revents;
    replace_value(mutants, 0, entry, longer, "");
}

static void mutate_poll(struct mutants *mutants, const struct pkt_call *call)
{
    static const char *const fields[] = {"revents", NULL};
    change_leaves(mutants, 0, call->arguments[0], "", fields);
    for (size_t i = 0; i < call->arguments[0]->count; i++)
        add_revents(mutants, call->arguments[0]->items[i]);
}

/* FIONBIO takes a number, the others give one. */
static bool gives_number(const struct pkt_call *call)
{
    const struct pkt_expr *command = call->arguments[1];
    return call->argument_count > 2 && call->arguments[2]->kind == PKT_EXPR_LIST &&
           !(command->kind == PKT_EXPR_WORD && strcmp(command->text, "FIONBIO") == 0);
}

static void mutate_values(struct mutants *mutants)
{
    static const char *const message[] = {
        "msg_flags", "msg_control", "cmsg_level", "cmsg_type", "cmsg_data", "ee_errno",
        "ee_origin", "ee_type",     "ee_code",    "ee_info",   "ee_data",   NULL,
    };
    const struct pkt_call *call = &mutants->event->call;
    int64_t result = 0;
    if (call->result != NULL && value_of(call->result, &result) && result < 0)
        return; /* nothing is given back */
    if (strcmp(call->name, "getsockopt") == 0 && call->argument_count > 4) {
        change_leaves(mutants, 3, call->arguments[3], "", NULL);
        change_leaves(mutants, 4, call->arguments[4], LENGTH, NULL);
    } else if (strcmp(call->name, "ioctl") == 0 && call->argument_count > 2) {
        if (gives_number(call))
            change_leaves(mutants, 2, call->arguments[2], "", NULL);
    } else if (strcmp(call->name, "poll") == 0 && call->argument_count > 0) {
        mutate_poll(mutants, call);
    } else if (strcmp(call->name, "epoll_wait") == 0 && call->argument_count > 1 && result > 0) {
        change_leaves(mutants, 1, call->arguments[1], "", NULL);
    } else if (strcmp(call->name, "recvmsg") == 0 && call->argument_count > 1) {
        change_leaves(mutants, 1, call->arguments[1], "", message);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

/* Calls whose result is the script's name for a descriptor: any number of 0 and more means
 * success. */
static bool gives_descriptor(const char *name)
{
    return strcmp(name, "socket") == 0 || strcmp(name, "accept") == 0 ||
           strcmp(name, "accept4") == 0 || strcmp(name, "open") == 0 ||
           strncmp(name, "epoll_create", 12) == 0;
}

static void set_result(struct mutants *mutants, struct pkt_event *event, int64_t result,
                       const char *error)
{
    event->call.result = integer(mutants, mutants->event->call.result, result);
    event->call.error = error;
    event->call.note = error == NULL ? NULL : "";
}

static void mutate_result(struct mutants *mutants)
{
    const struct pkt_call *call = &mutants->event->call;
    int64_t result;
    if (call->result == NULL || !value_of(call->result, &result))
        return;
    const char *other = call->error != NULL && strcmp(call->error, "EBADF") == 0 ? "EIO" : "EBADF";
    if (call->error != NULL) {
        mutants_add(mutants, PKT_MUTATION_ERRNO, "%s becomes %s", call->error, other)->call.error =
            other;
        set_result(mutants, mutants_add(mutants, PKT_MUTATION_SUCCESS, "%s becomes 0", call->error),
                   0, NULL);
        return;
    }
    set_result(
        mutants,
        mutants_add(mutants, PKT_MUTATION_FAILURE, "%lld becomes -1 %s", (long long)result, other),
        -1, other);
    if (gives_descriptor(call->name) && result >= 0)
        return;
    int64_t changed = result == INT64_MAX ? 0 : result + 1;
    set_result(mutants,
               mutants_add(mutants, PKT_MUTATION_RESULT, "%lld becomes %lld", (long long)result,
                           (long long)changed),
               changed, NULL);
}

static void mutate_end(struct mutants *mutants)
{
    const struct pkt_time *time = &mutants->event->time;
    int64_t distance_ns = mutants_distance(mutants, time->end_ns - time->start_ns);
    if (!time->has_end || distance_ns == 0)
        return;
    char text[80];
    struct pkt_time moved = *time;
    moved.end_ns = time->end_ns + distance_ns;
    (void)pkt_print_time(&moved, text, sizeof text);
    mutants_add(mutants, PKT_MUTATION_END_LATE, "%s", text)->time = moved;
    moved.end_ns = time->end_ns - distance_ns;
    if (moved.end_ns < moved.start_ns)
        return;
    (void)pkt_print_time(&moved, text, sizeof text);
    mutants_add(mutants, PKT_MUTATION_END_EARLY, "%s", text)->time = moved;
}

void mutate_call(struct mutants *mutants)
{
    mutate_result(mutants);
    mutate_values(mutants);
    mutate_end(mutants);
}

/* ---- code ------------------------------------------------------------------------------------ */

/* Longer code than anybody writes has no mutants: each of them is a copy. */
#define CODE_MAX 65536u

/* The number that begins here grows by one, if it is a decimal one and nothing more. */
static void change_number(struct mutants *mutants, const char *text, const char *number)
{
    size_t digits = strspn(number, "0123456789");
    if (digits == 0 || digits > 18 || mutants->count - mutants->first >= MUTANTS_OF_CALL_MAX ||
        (number[digits] != '\0' && strchr(".xXeE", number[digits]) != NULL))
        return;
    long long value = strtoll(number, NULL, 10);
    mutants_add(mutants, PKT_MUTATION_ASSERTION, "== %lld becomes == %lld", value, value + 1)
        ->text = pkt_arena_printf(mutants->arena, "%.*s%lld%s", (int)(number - text), text,
                                  value + 1, number + digits);
}

/* Numbers behind == in statements that assert something, and not within strings or comments. */
void mutate_code(struct mutants *mutants)
{
    const char *text = mutants->event->text;
    bool asserts = false;
    char quote = '\0';
    if (strlen(text) > CODE_MAX)
        return;
    for (const char *c = text; *c != '\0'; c++) {
        if (quote != '\0') {
            if (*c == '\\' && c[1] != '\0')
                c++;
            else if (*c == quote)
                quote = '\0';
        } else if (*c == '"' || *c == '\'') {
            quote = *c;
        } else if (*c == '#') {
            quote = '\n'; /* a comment is skipped as a string that its line ends */
        } else if (*c == '\n' || *c == ';') {
            asserts = false;
        } else if (strncmp(c, "assert", 6) == 0) {
            asserts = true;
        } else if (asserts && c[0] == '=' && c[1] == '=') {
            change_number(mutants, text, c + 2 + strspn(c + 2, " \t"));
            c++;
        }
        if (quote == '\0' && *c == '\n')
            asserts = false;
    }
}
