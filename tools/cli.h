/* SPDX-License-Identifier: MIT */
/* What the subcommands share on their command lines: messages, numbers, addresses, and argp the
 * way we want it. */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

/* "hawser serve: MESSAGE" on standard error. The name is the one of the last cli_parse. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* argp with our exit status for wrong usage. Returns -1 to go on, or the exit status (0 after
 * --help). */
int cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* For commands without arguments: as cli_parse. */
int cli_no_arguments(int argc, char **argv, const char *doc);

/* These end the program through argp_error (status 2) if the text is not what it should be. */
uint64_t cli_number(struct argp_state *state, const char *option, const char *text, uint64_t least,
                    uint64_t most);
double cli_seconds(struct argp_state *state, const char *option, const char *text, double least,
                   double most);
void cli_address(struct argp_state *state, const char *option, const char *text,
                 struct hawser_address *out);

struct cli_prefix {
    struct hawser_address address;
    unsigned bits;
};
/* "192.0.2.1/24"; without a slash the whole address. */
void cli_prefix(struct argp_state *state, const char *option, const char *text,
                struct cli_prefix *out);

#endif
