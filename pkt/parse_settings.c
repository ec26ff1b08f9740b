/* SPDX-License-Identifier: MIT */
/* Options: lines at the top of a script, and arguments of the command line, which win. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/parse_internal.h"

enum value_kind { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct setting {
    const char *name;
    enum value_kind value;
    int (*set)(struct pkt_options *options, const char *value, struct pkt_arena *arena,
               struct pkt_error *error); /* NULL: known, but not supported */
};

static int wrong(struct pkt_error *error, const char *expected, const char *value)
{
    (void)snprintf(error->text, sizeof error->text, "expected %s, found '%.80s'", expected, value);
    return -1;
}

/* A decimal or hexadecimal number without sign. */
static int scan_unsigned(const char *value, uint64_t most, uint64_t *out, struct pkt_error *error)
{
    char expected[64], *end;
    (void)snprintf(expected, sizeof expected, "a number from 0 to %llu", (unsigned long long)most);
    if (value[0] < '0' || value[0] > '9')
        return wrong(error, expected, value);
    bool hexadecimal = value[0] == '0' && (value[1] | 0x20) == 'x';
    errno = 0;
    unsigned long long number = strtoull(value, &end, hexadecimal ? 16 : 10);
    if (errno != 0 || *end != '\0' || number > most)
        return wrong(error, expected, value);
    *out = number;
    return 0;
}

#define SETTER(name)                                                                               \
    static int name(struct pkt_options *options, const char *value, struct pkt_arena *arena,       \
                    struct pkt_error *error)

SETTER(set_ip_version)
{
    static const char *const names[] = {
        [PKT_IPV4] = "ipv4",
        [PKT_IPV6] = "ipv6",
        [PKT_MAPPED] = "ipv4-mapped-ipv6",
    };
    (void)arena;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->family = (enum pkt_family)i;
            return 0;
        }
    }
    return wrong(error, "ipv4, ipv6 or ipv4-mapped-ipv6", value);
}

static int scan_address(const char *value, struct hawser_address *out, struct pkt_error *error)
{
    if (hawser_address_scan(value, out) != 0)
        return wrong(error, "an address", value);
    return 0;
}

SETTER(set_local_ip)
{
    (void)arena;
    return scan_address(value, &options->local, error);
}

/* The prefix behind it only says what a TUN would be given. */
SETTER(set_remote_ip)
{
    const char *slash = strchr(value, '/');
    if (slash == NULL)
        return scan_address(value, &options->remote, error);
    uint64_t bits;
    if (scan_unsigned(slash + 1, 128, &bits, error) != 0)
        return -1;
    return scan_address(pkt_arena_text(arena, value, (size_t)(slash - value)), &options->remote,
                        error);
}

SETTER(check_address)
{
    (void)options;
    (void)arena;
    struct hawser_address ignored;
    return scan_address(value, &ignored, error);
}

SETTER(check_number)
{
    (void)options;
    (void)arena;
    uint64_t ignored;
    return scan_unsigned(value, UINT32_MAX, &ignored, error);
}

SETTER(set_bind_port)
{
    (void)arena;
    uint64_t port;
    if (scan_unsigned(value, UINT16_MAX, &port, error) != 0)
        return -1;
    options->bind_port = (uint16_t)port;
    return 0;
}

SETTER(set_connect_port)
{
    (void)arena;
    uint64_t port;
    if (scan_unsigned(value, UINT16_MAX, &port, error) != 0)
        return -1;
    options->connect_port = (uint16_t)port;
    return 0;
}

SETTER(set_tolerance_usecs)
{
    (void)arena;
    uint64_t usecs;
    if (scan_unsigned(value, 1000000000000, &usecs, error) != 0)
        return -1;
    options->tolerance_ns = (int64_t)usecs * 1000;
    return 0;
}

SETTER(set_tolerance_percent)
{
    (void)arena;
    char *end;
    double percent = strtod(value, &end);
    if (end == value || *end != '\0' || !(percent >= 0 && percent <= 1000000))
        return wrong(error, "a percentage", value);
    options->tolerance_percent = percent;
    return 0;
}

SETTER(set_mtu)
{
    (void)arena;
    uint64_t mtu;
    if (scan_unsigned(value, 65535, &mtu, error) != 0)
        return -1;
    if (mtu < 68) /* the least of IPv4 (RFC 791 3.2) */
        return wrong(error, "an MTU from 68 to 65535", value);
    options->mtu = (uint32_t)mtu;
    return 0;
}

SETTER(set_ts_tick)
{
    (void)arena;
    uint64_t usecs;
    if (scan_unsigned(value, 1000000000, &usecs, error) != 0)
        return -1;
    options->ts_tick_ns = usecs * 1000;
    return 0;
}

#define FLAG_SETTER(name, assignment)                                                              \
    SETTER(name)                                                                                   \
    {                                                                                              \
        (void)value;                                                                               \
        (void)arena;                                                                               \
        (void)error;                                                                               \
        assignment;                                                                                \
        return 0;                                                                                  \
    }

FLAG_SETTER(set_ts_ecr_scaled, options->ts_ecr_scaled = true)
FLAG_SETTER(set_strict_segments, options->strict_segments = true)
FLAG_SETTER(set_is_anyip, options->is_anyip = true)
FLAG_SETTER(set_dry_run, options->dry_run = true)
FLAG_SETTER(set_verbose, options->verbose++)
FLAG_SETTER(nothing, (void)options)

/* The next item of a comma list at *list, which moves behind it; NULL at the end. */
static const char *next_item(const char **list, struct pkt_arena *arena)
{
    if (*list == NULL)
        return NULL;
    const char *begin = *list, *comma = strchr(begin, ',');
    *list = comma == NULL ? NULL : comma + 1;
    return pkt_arena_text(arena, begin, comma == NULL ? strlen(begin) : (size_t)(comma - begin));
}

SETTER(set_non_fatal)
{
    for (const char *list = value, *item; (item = next_item(&list, arena)) != NULL;) {
        if (strcmp(item, "packet") == 0)
            options->packets_not_fatal = true;
        else if (strcmp(item, "syscall") == 0)
            options->calls_not_fatal = true;
        else
            return wrong(error, "packet or syscall", item);
    }
    return 0;
}

SETTER(set_init_scripts)
{
    (void)error;
    size_t count = 1;
    for (const char *comma = strchr(value, ','); comma != NULL; comma = strchr(comma + 1, ','))
        count++;
    const char **scripts = pkt_arena_array(arena, count, sizeof *scripts);
    count = 0;
    for (const char *list = value, *item; (item = next_item(&list, arena)) != NULL;)
        scripts[count++] = item;
    options->init_scripts = scripts;
    options->init_script_count = count;
    return 0;
}

SETTER(set_code_command)
{
    (void)error;
    options->code_command = pkt_arena_text(arena, value, strlen(value));
    return 0;
}

SETTER(check_code_format)
{
    (void)options;
    (void)arena;
    return strcmp(value, "python") == 0 ? 0 : wrong(error, "python", value);
}

SETTER(set_so_filename)
{
    (void)error;
    options->so_filename = pkt_arena_text(arena, value, strlen(value));
    return 0;
}

SETTER(set_so_flags)
{
    (void)error;
    options->so_flags = pkt_arena_text(arena, value, strlen(value));
    return 0;
}

/* Those of section 2, and two of nplab's, in alphabetical order. */
static const struct setting settings[] = {
    {"bind_port", VALUE_NEEDED, set_bind_port},
    {"code_command", VALUE_NEEDED, set_code_command},
    {"code_format", VALUE_NEEDED, check_code_format},
    {"code_sockopt", VALUE_NEEDED, nothing}, /* what a kernel calls TCP_INFO; ours is TCP_INFO */
    {"connect_port", VALUE_NEEDED, set_connect_port},
    {"debug", VALUE_OPTIONAL, nothing},
    {"dry_run", VALUE_NONE, set_dry_run},
    {"gateway_ip", VALUE_NEEDED, check_address}, /* only a TUN needs it */
    {"init_scripts", VALUE_NEEDED, set_init_scripts},
    {"ip_version", VALUE_NEEDED, set_ip_version},
    {"is_anyip", VALUE_NONE, set_is_anyip},
    {"local_ip", VALUE_NEEDED, set_local_ip},
    {"mss", VALUE_NEEDED, check_number}, /* a hint for the kernel's GRO */
    {"mtu", VALUE_NEEDED, set_mtu},
    {"netmask_ip", VALUE_NEEDED, check_address}, /* only a TUN needs it */
    {"non_fatal", VALUE_NEEDED, set_non_fatal},
    {"psp_udp_port", VALUE_NEEDED, NULL},
    {"remote_ip", VALUE_NEEDED, set_remote_ip},
    {"send_omit_free", VALUE_NONE, nothing}, /* buffers given to send are never freed here */
    {"so_filename", VALUE_NEEDED, set_so_filename},
    {"so_flags", VALUE_NEEDED, set_so_flags},
    {"speed", VALUE_NEEDED, check_number}, /* of a device that is not there */
    {"strict_segments", VALUE_NONE, set_strict_segments},
    {"tcp_md5_secret", VALUE_NEEDED, NULL},
    {"tcp_ts_ecr_scaled", VALUE_NONE, set_ts_ecr_scaled},
    {"tcp_ts_tick_usecs", VALUE_NEEDED, set_ts_tick},
    {"tolerance_percent", VALUE_NEEDED, set_tolerance_percent},
    {"tolerance_usecs", VALUE_NEEDED, set_tolerance_usecs},
    {"udp_encapsulation", VALUE_OPTIONAL, NULL},
    {"verbose", VALUE_NONE, set_verbose},
    {"wire_client", VALUE_NONE, NULL},
    {"wire_client_dev", VALUE_NEEDED, NULL},
    {"wire_server", VALUE_NONE, NULL},
    {"wire_server_at", VALUE_NEEDED, NULL},
    {"wire_server_dev", VALUE_NEEDED, NULL},
    {"wire_server_ip", VALUE_NEEDED, NULL},
    {"wire_server_port", VALUE_NEEDED, NULL},
};

static int compare_setting(const void *name, const void *setting)
{
    return strcmp(name, ((const struct setting *)setting)->name);
}

static const struct setting *find_setting(const char *name)
{
    return bsearch(name, settings, sizeof settings / sizeof *settings, sizeof *settings,
                   compare_setting);
}

int pkt_options_set(struct pkt_options *options, const char *name, const char *value,
                    struct pkt_arena *arena, struct pkt_error *error)
{
    const struct setting *setting = find_setting(name);
    const char *fault = NULL;
    if (setting == NULL)
        fault = "does not exist";
    else if (setting->value == VALUE_NEEDED && value == NULL)
        fault = "needs a value";
    else if (setting->value == VALUE_NONE && value != NULL)
        fault = "takes no value";
    if (fault != NULL) {
        (void)snprintf(error->text, sizeof error->text, "the option --%.80s %s", name, fault);
        return -1;
    }
    if (setting->set != NULL)
        return setting->set(options, value, arena, error);
    if (options->unsupported == NULL)
        options->unsupported = setting->name;
    return 0;
}

void pkt_options_default(struct pkt_options *options, enum pkt_family family)
{
    *options = (struct pkt_options){
        .family = family,
        .bind_port = 8080,
        .connect_port = 8080,
        .tolerance_ns = 4000000,
        .tolerance_percent = 12.5,
        .mtu = 1500,
        .code_command = "/usr/bin/python3",
    };
}

static int complete_address(struct hawser_address *address, enum pkt_family family,
                            const char *name, const char *text, struct pkt_error *error)
{
    static const struct hawser_address none;
    if (memcmp(address, &none, sizeof none) == 0)
        return hawser_address_scan(text, address);
    if (hawser_address_is_v4(address) == (family != PKT_IPV6))
        return 0;
    (void)snprintf(error->text, sizeof error->text, "--%s is an IPv%c address, --ip_version is %s",
                   name, family == PKT_IPV6 ? '4' : '6', family == PKT_IPV6 ? "ipv6" : "ipv4");
    return -1;
}

/* packetdrill draws the local address at random; here it is always the same, as all that a script
 * can see. */
int pkt_options_complete(struct pkt_options *options, struct pkt_error *error)
{
    bool v6 = options->family == PKT_IPV6;
    if (complete_address(&options->local, options->family, "local_ip",
                         v6 ? "fd3d:fa7b:d17d::2" : "192.168.0.2", error) != 0 ||
        complete_address(&options->remote, options->family, "remote_ip",
                         v6 ? "2001:db8::1" : "192.0.2.1", error) != 0)
        return -1;
    if (memcmp(&options->local, &options->remote, sizeof options->local) != 0)
        return 0;
    (void)snprintf(error->text, sizeof error->text, "--local_ip and --remote_ip are the same");
    return -1;
}

/* ---- defines --------------------------------------------------------------------------------- */

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i], letter = (char)(c | 0x20);
        if (!(letter >= 'a' && letter <= 'z') && c != '_' && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return length != 0;
}

int pkt_define_scan(const char *text, struct pkt_arena *arena, struct pkt_define *out,
                    struct pkt_error *error)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || !is_name(text, (size_t)(equals - text)))
        return wrong(error, "NAME=value", text);
    const char *value = equals + 1;
    size_t length = strlen(value);
    char first = value[0], last = length < 2 ? '\0' : value[length - 1];
    *out = (struct pkt_define){.name = pkt_arena_text(arena, text, (size_t)(equals - text)),
                               .kind = PKT_DEFINE_WORD};
    char *end;
    if ((first == '"' || first == '`') && last == first) {
        out->kind = first == '"' ? PKT_DEFINE_STRING : PKT_DEFINE_COMMAND;
        value++;
        length -= 2;
    } else if (length != 0 && (first == '-' || (first >= '0' && first <= '9'))) {
        errno = 0;
        if (first == '-')
            (void)strtoll(value, &end, 0);
        else
            (void)strtoull(value, &end, 0);
        if (errno == 0 && *end == '\0')
            out->kind = PKT_DEFINE_INTEGER;
    }
    out->value = pkt_arena_text(arena, value, length);
    return 0;
}

/* Puts a define where it belongs in the order of names; one of that name that is there stays unless
 * it gives way. */
static void add_define(struct parser *parser, const struct pkt_define *define, bool wins)
{
    size_t at = 0;
    while (at < parser->define_count && strcmp(parser->defines[at].name, define->name) < 0)
        at++;
    if (at < parser->define_count && strcmp(parser->defines[at].name, define->name) == 0) {
        if (wins)
            parser->defines[at] = *define;
        return;
    }
    if (parser->define_count == PKT_DEFINES_MAX) {
        parse_fail_at(parser, parser->token.place, "more than %u defines", PKT_DEFINES_MAX);
        return;
    }
    memmove(&parser->defines[at + 1], &parser->defines[at],
            (parser->define_count - at) * sizeof *define);
    parser->defines[at] = *define;
    parser->lexer.define_count = ++parser->define_count;
}

static bool is_from_command_line(const struct pkt_parse_input *input, const char *name)
{
    for (size_t i = 0; i < input->define_count; i++) {
        if (strcmp(input->defines[i].name, name) == 0)
            return true;
    }
    return false;
}

/* ---- option lines ---------------------------------------------------------------------------- */

static bool in_value(char c)
{
    return (unsigned char)c > ' ' && c != '"' && c != '`';
}

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* --define=NAME=WORD, ="str" or =`cmd`; the token is the option's name. */
static void parse_define(struct parser *parser, const struct pkt_parse_input *input)
{
    parse_take(parser);
    if (!parse_is(parser, '='))
        parse_expected(parser, "'=' and NAME=value behind --define");
    struct lex_token name;
    if (!parser->failed) /* as it stands: a define of that name must not take its place */
        lex_run(&parser->lexer, in_name, &name);
    if (parser->failed)
        return;
    struct pkt_define define = {.name = parse_text(parser, &name), .kind = PKT_DEFINE_WORD};
    if (!is_name(name.text, name.length))
        parse_fail_at(parser, name.place, "expected the define's name");
    parse_take(parser);
    parse_expect(parser, '=');
    const struct lex_token *value = &parser->token;
    if (value->kind == LEX_STRING)
        define.kind = PKT_DEFINE_STRING;
    else if (value->kind == LEX_BACKTICK)
        define.kind = PKT_DEFINE_COMMAND;
    else if (value->kind != LEX_WORD)
        parse_expected(parser, "the define's value, a word, a string or a command");
    define.value = parse_text(parser, value);
    if (memchr(define.value, '\0', value->length) != NULL)
        parse_fail_at(parser, value->place, "a NUL in a define's value");
    add_define(parser, &define, !is_from_command_line(input, define.name));
    parse_take(parser);
}

/* The value behind '=', which is the token: a string, a command, or all up to the next blank. */
static const char *parse_value(struct parser *parser, struct pkt_place *place)
{
    parse_take(parser);
    *place = parser->token.place;
    const char *value = "";
    struct lex_token run;
    if (parser->token.kind == LEX_STRING || parser->token.kind == LEX_BACKTICK) {
        value = parse_text(parser, &parser->token);
    } else if (parser->token.kind == LEX_END || parser->token.kind == LEX_OPTION) {
        parse_expected(parser, "the option's value");
    } else {
        lex_rewind(&parser->lexer, &parser->token);
        lex_run(&parser->lexer, in_value, &run);
        const struct pkt_define *define = lex_define(&parser->lexer, run.text, run.length);
        value = define != NULL ? define->value : parse_text(parser, &run);
    }
    parse_take(parser);
    return value;
}

static void parse_option_line(struct parser *parser)
{
    struct pkt_options *options = &parser->script->options;
    struct pkt_place place = parser->token.place, value_place = place;
    struct pkt_error error = {.text = ""};
    const char *name = parse_text(parser, &parser->token), *value = NULL;
    parse_take(parser);
    if (parse_is(parser, '='))
        value = parse_value(parser, &value_place);
    if (parser->failed)
        return;
    bool value_is_wrong = value != NULL && find_setting(name) != NULL;
    if (pkt_options_set(options, name, value, parser->arena, &error) != 0)
        parse_fail_at(parser, value_is_wrong ? value_place : place, "%s", error.text);
}

void parse_settings(struct parser *parser, const struct pkt_parse_input *input)
{
    struct pkt_options *options = &parser->script->options;
    struct pkt_error error = {.text = ""};
    pkt_options_default(options, input->family);
    for (size_t i = 0; i < input->define_count; i++)
        add_define(parser, &input->defines[i], true);
    parse_take(parser);
    while (parser->token.kind == LEX_OPTION) {
        if (parser->token.length == 6 && memcmp(parser->token.text, "define", 6) == 0)
            parse_define(parser, input);
        else
            parse_option_line(parser);
    }
    for (size_t i = 0; i < input->argument_count; i++) {
        const struct pkt_argument *argument = &input->arguments[i];
        if (pkt_options_set(options, argument->name, argument->value, parser->arena, &error) != 0)
            parse_fail_at(parser, (struct pkt_place){0, 0}, "%s", error.text);
    }
    if (!parser->failed && pkt_options_complete(options, &error) != 0)
        parse_fail_at(parser, (struct pkt_place){1, 1}, "%s", error.text);
}
