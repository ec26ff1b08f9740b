/* SPDX-License-Identifier: MIT */
/* hawser: finds the subcommand and calls it. */
#include <argp.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <hawser/hawser.h>

#include "cli.h"
#include "commands.h"
#include "signals.h"

static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command {
    const char *name;
    const char *full_name; /* argv[0] for its own messages */
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"demo", "hawser demo", command_demo, "shows that it works, on real input, in under a minute"},
    {"serve", "hawser serve", command_serve, "an HTTP file server on Hawser, on a TAP device"},
    {"fetch", "hawser fetch", command_fetch, "fetches a URL through Hawser, on a TAP device"},
    {"pkt", "hawser pkt", command_pkt, "runs packetdrill scripts, in virtual time"},
    {"bench", "hawser bench", command_bench, "measures it, in memory, on one core"},
    {"sim", "hawser sim", command_sim, "simulates hosts on a bad network, and looks for faults"},
    {"version", "hawser version", command_version, "prints the version"},
    {"help", "hawser help", command_help, "prints this, or the help of a command"},
};
#define COMMANDS_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *out)
{
    fputs("Usage: hawser COMMAND [ARGUMENT...]\n"
          "A TCP/IP stack in user space.\n\n"
          "  hawser demo                      everything at once, no questions asked\n"
          "  hawser serve /usr/share/doc      then try what it prints\n\n",
          out);
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].what);
    fputs("\nhawser COMMAND --help tells more; the manual is hawser(1).\n", out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int no_such_command(const char *name)
{
    fprintf(stderr, "hawser: no command '%s'; hawser --help lists them\n", name);
    return STATUS_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
    argv[0] = (char *)(uintptr_t)command->full_name; /* argp only reads it */
    return command->run(argc, argv);
}

static int command_version(int argc, char **argv)
{
    int status = cli_no_arguments(argc, argv, "Prints the version of hawser and of its library.");
    if (status >= 0)
        return status;
    printf("hawser %s\n", hawser_version());
    return STATUS_OK;
}

static int command_help(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        print_help(stdout);
        return STATUS_OK;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return no_such_command(argv[1]);
    char *arguments[] = {NULL, (char[]){"--help"}, NULL};
    return run(command, 2, arguments);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "-?") == 0)
        return command_help(1, argv);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return command_version(1, argv);
    if (argv[1][0] == '-') {
        fprintf(stderr, "hawser: no option '%s' here; hawser --help shows what there is\n",
                argv[1]);
        return STATUS_USAGE;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return no_such_command(argv[1]);
    return run(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* only to know whether the terminal draws UTF-8 */
    signals_init();
    int status = dispatch(argc, argv);
    /* A full disk or a closed pipe shows up only now. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "hawser: standard output cannot be written\n");
        status = status == STATUS_OK ? STATUS_FAILED : status;
    }
    signals_finish();
    return status;
}
