/* SPDX-License-Identifier: MIT */
/* The subcommands: each takes its own arguments (argv[0] is "hawser NAME") and returns the exit
 * status. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

/* The exit statuses of every subcommand. An interrupted one dies of its signal, after it cleaned
 * up. */
enum {
    STATUS_OK = 0,
    STATUS_FAILED = 1, /* what was asked for did not work out */
    STATUS_USAGE = 2,  /* the command line is wrong; nothing was done */
};

int command_demo(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_fetch(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_pkt(int argc, char **argv);
int command_sim(int argc, char **argv);

#endif
