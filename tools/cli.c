/* SPDX-License-Identifier: MIT */
/* What the subcommands share on their command lines: messages, numbers, addresses, and argp the
 * way we want it. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

static const char *command_name = "hawser";

void cli_error(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s: ", command_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

int cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    command_name = argv[0];
    /* argp explains at the end of each help that --port=PORT and -p PORT are the same: it is
     * plain. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    argp_err_exit_status = STATUS_USAGE;
    /* argp exits by itself after --help and after a mistake; a status comes back only from our own
     * parsers. */
    return argp_parse(argp, argc, argv, 0, NULL, input) == 0 ? -1 : STATUS_USAGE;
}

static error_t refuse_argument(int key, char *argument, struct argp_state *state)
{
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    argp_error(state, "too many arguments: '%s'", argument);
    return EINVAL;
}

int cli_no_arguments(int argc, char **argv, const char *doc)
{
    const struct argp argp = {.parser = refuse_argument, .doc = doc};
    return cli_parse(&argp, argc, argv, NULL);
}

uint64_t cli_number(struct argp_state *state, const char *option, const char *text, uint64_t least,
                    uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most)
        argp_error(state, "--%s: '%s' is not a number from %llu to %llu", option, text,
                   (unsigned long long)least, (unsigned long long)most);
    return value;
}

double cli_seconds(struct argp_state *state, const char *option, const char *text, double least,
                   double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        argp_error(state, "--%s: '%s' is not a number of seconds from %g to %g", option, text,
                   least, most);
    return value;
}

void cli_address(struct argp_state *state, const char *option, const char *text,
                 struct hawser_address *out)
{
    if (hawser_address_scan(text, out) != 0)
        argp_error(state, "--%s: '%s' is not an IPv4 or IPv6 address", option, text);
}

void cli_prefix(struct argp_state *state, const char *option, const char *text,
                struct cli_prefix *out)
{
    char address[HAWSER_ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof address) {
        argp_error(state, "--%s: '%s' is not an address with its prefix length, as in 192.0.2.1/24",
                   option, text);
        return;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    cli_address(state, option, address, &out->address);
    unsigned most = hawser_address_is_v4(&out->address) ? 32 : 128;
    out->bits = slash != NULL ? (unsigned)cli_number(state, option, slash + 1, 0, most) : most;
}
