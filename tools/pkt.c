/* SPDX-License-Identifier: MIT */
/* hawser pkt: runs packetdrill scripts on a Hawser host, in virtual time. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "pkt.h"
#include "signals.h"

enum {
    KEY_JSON = 0x2000,
    KEY_PCAP,
    KEY_STRICT,
    KEY_MUTATE,
    KEY_SURVIVORS,
    KEY_ALLOW_SHELL,
    KEY_DRY_RUN,
    KEY_TIMEOUT,
    KEY_RECORD,
    KEY_RECORD_LOCAL,
    KEY_RECORD_CONNECTION,
    KEY_RECORD_LOOSE,
    KEY_LANGUAGE, /* and beyond: language_options[key - KEY_LANGUAGE] */
};

/* Options of the language itself: as in a script's head, where they lose against these. */
static const struct {
    const char *name, *value; /* value NULL = it has none */
} language_options[] = {
    {"ip_version", "VERSION"},
    {"local_ip", "ADDRESS"},
    {"remote_ip", "ADDRESS"},
    {"gateway_ip", "ADDRESS"},
    {"netmask_ip", "ADDRESS"},
    {"bind_port", "PORT"},
    {"connect_port", "PORT"},
    {"tolerance_usecs", "N"},
    {"tolerance_percent", "N"},
    {"mtu", "BYTES"},
    {"mss", "BYTES"},
    {"speed", "N"},
    {"tcp_ts_tick_usecs", "N"},
    {"tcp_ts_ecr_scaled", NULL},
    {"strict_segments", NULL},
    {"non_fatal", "LIST"},
    {"send_omit_free", NULL},
    {"init_scripts", "LIST"},
    {"code_command", "COMMAND"},
    {"code_format", "FORMAT"},
    {"code_sockopt", "OPTION"},
    {"is_anyip", NULL},
    {"debug", NULL},
    {"wire_client", NULL},
    {"wire_server", NULL},
    {"wire_server_at", "ADDRESS"},
    {"wire_server_ip", "ADDRESS"},
    {"wire_server_port", "PORT"},
    {"wire_client_dev", "DEVICE"},
    {"wire_server_dev", "DEVICE"},
    {"so_filename", "FILE"},
    {"so_flags", "TEXT"},
    {"psp_udp_port", "PORT"},
};
#define LANGUAGE_OPTIONS (sizeof language_options / sizeof language_options[0])

static const struct argp_option own_options[] = {
    {"verbose", 'v', NULL, 0, "tells every event and packet", 0},
    {"json", KEY_JSON, NULL, 0, "prints an object a script", 0},
    {"jobs", 'j', "N", 0, "runs N scripts at a time (as many as there are processors)", 0},
    {"strict", KEY_STRICT, NULL, 0,
     "whatever the stack sends must be expected, at the end of a script too; echoed time stamps "
     "are compared",
     0},
    {"pcap", KEY_PCAP, "FILE", 0, "writes the packets of the one script to FILE", 0},
    {"mutate", KEY_MUTATE, NULL, 0,
     "changes what a script expects, one thing at a time, and tells which changes it does not "
     "notice",
     0},
    {"survivors", KEY_SURVIVORS, "FILE", 0,
     "changes that need not be noticed, and why (DIR/survivors)", 0},
    {"allow-shell", KEY_ALLOW_SHELL, NULL, 0,
     "runs commands that are not understood, and lets open() write files", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "reads the scripts and runs none", 0},
    {"dry_run", KEY_DRY_RUN, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"define", 'D', "NAME=VALUE", 0, "NAME in a script is VALUE", 0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "real time that a script may take (60)", 0},
    {"record", KEY_RECORD, "FILE", 0,
     "prints a script that replays one connection of a capture, and runs none", 0},
    {"record-local", KEY_RECORD_LOCAL, "ADDRESS[:PORT]", 0,
     "which host of it is the stack under test (the server)", 0},
    {"record-connection", KEY_RECORD_CONNECTION, "N", 0,
     "which one (the first with a whole handshake)", 0},
    {"record-loose", KEY_RECORD_LOOSE, NULL, 0, "what it sends may have other windows", 0},
};
#define OWN_OPTIONS (sizeof own_options / sizeof own_options[0])

/* ---- parsing ------------------------------------------------------------------------------- */

static void *grow(void *rows, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return rows;
    *room = *room == 0 ? 8 : 2 * *room;
    void *more = reallocarray(rows, *room, size);
    if (more == NULL) {
        cli_error("no memory");
        exit(STATUS_FAILED);
    }
    return more;
}

static void add_argument(struct pkt_command *command, size_t which, const char *value,
                         struct argp_state *state)
{
    struct pkt_options scratch;
    struct pkt_error error;
    const char *name = language_options[which].name;
    pkt_options_default(&scratch, PKT_IPV4);
    if (pkt_options_set(&scratch, name, value, &command->arena, &error) != 0)
        argp_error(state, "--%s: %s", name, error.text);
    if (strcmp(name, "ip_version") == 0) {
        command->only_family = value; /* the job decides which script it is for */
        return;
    }
    command->arguments = grow(command->arguments, command->argument_count, &command->argument_room,
                              sizeof *command->arguments);
    command->arguments[command->argument_count++] = (struct pkt_argument){name, value};
}

static void add_define(struct pkt_command *command, const char *text, struct argp_state *state)
{
    struct pkt_error error;
    command->defines = grow(command->defines, command->define_count, &command->define_room,
                            sizeof *command->defines);
    if (pkt_define_scan(text, &command->arena, &command->defines[command->define_count], &error) !=
        0)
        argp_error(state, "-D %s: %s", text, error.text);
    command->define_count++;
}

static error_t parse_record(struct pkt_command *command, int key, char *argument,
                            struct argp_state *state)
{
    switch (key) {
    case KEY_RECORD:
        command->record.path = argument;
        return 0;
    case KEY_RECORD_LOCAL:
        command->record_options = true;
        if (!pkt_record_local_scan(argument, &command->record))
            argp_error(state, "--record-local: '%s' is neither ADDRESS nor ADDRESS:PORT", argument);
        return 0;
    case KEY_RECORD_CONNECTION:
        command->record_options = true;
        command->record.connection =
            (size_t)cli_number(state, "record-connection", argument, 1, PKT_RECORD_PACKETS_MAX);
        return 0;
    case KEY_RECORD_LOOSE:
        command->record_options = command->record.loose = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_own(struct pkt_command *command, int key, char *argument,
                         struct argp_state *state)
{
    switch (key) {
    case 'v':
        command->verbose = true;
        return 0;
    case 'j':
        command->workers = (unsigned)cli_number(state, "jobs", argument, 1, 1024);
        return 0;
    case 'D':
        add_define(command, argument, state);
        return 0;
    case KEY_JSON:
        command->json = true;
        return 0;
    case KEY_PCAP:
        command->pcap = argument;
        return 0;
    case KEY_STRICT:
        command->strict = true;
        return 0;
    case KEY_MUTATE:
        command->mutate = true;
        return 0;
    case KEY_SURVIVORS:
        command->survivors_path = argument;
        return 0;
    case KEY_ALLOW_SHELL:
        command->allow_shell = true;
        return 0;
    case KEY_DRY_RUN:
        command->dry_run = true;
        return 0;
    case KEY_TIMEOUT:
        command->timeout_ns = (uint64_t)(1e9 * cli_seconds(state, "timeout", argument, 0.001, 1e6));
        return 0;
    default:
        return parse_record(command, key, argument, state);
    }
}

static void check_use(const struct pkt_command *command, struct argp_state *state)
{
    if (command->record.path != NULL && command->path_count > 0)
        argp_error(state, "--record runs no scripts");
    if (command->record.path == NULL && command->record_options)
        argp_error(state, "--record-... go with --record");
    if (command->record.path == NULL && command->path_count == 0)
        argp_error(state, "which scripts?");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct pkt_command *command = state->input;
    if (key >= KEY_LANGUAGE && key < KEY_LANGUAGE + (int)LANGUAGE_OPTIONS) {
        add_argument(command, (size_t)(key - KEY_LANGUAGE), argument, state);
        return 0;
    }
    if (key == ARGP_KEY_ARGS) {
        command->paths = state->argv + state->next;
        command->path_count = (size_t)(state->argc - state->next);
        return 0;
    }
    if (key == ARGP_KEY_END)
        check_use(command, state);
    return parse_own(command, key, argument, state);
}

static const char doc[] =
    "Runs packetdrill scripts on a Hawser host, in virtual time: a script that waits for a minute "
    "takes a millisecond.\n\n"
    "  hawser pkt handshake.pkt       one script\n"
    "  hawser pkt tests/scripts       all scripts below a folder\n"
    "  hawser pkt -v --pcap x.pcap x.pkt\n"
    "  hawser pkt --record x.pcap | hawser pkt -\n\n"
    "A line a script: ok, FAIL, or skip with what is not there. The manual, hawser(1), has the "
    "differences from packetdrill.\v"
    "Beside these every option of packetdrill itself is taken, as --NAME=VALUE: ip_version, "
    "local_ip, tolerance_usecs, mtu, ... They win over those in a script's head.";

static int parse_command(int argc, char **argv, struct pkt_command *command)
{
    struct argp_option options[OWN_OPTIONS + LANGUAGE_OPTIONS + 1] = {0};
    memcpy(options, own_options, sizeof own_options);
    for (size_t i = 0; i < LANGUAGE_OPTIONS; i++)
        options[OWN_OPTIONS + i] = (struct argp_option){.name = language_options[i].name,
                                                        .key = KEY_LANGUAGE + (int)i,
                                                        .arg = language_options[i].value,
                                                        .flags = OPTION_HIDDEN};
    const struct argp argp = {
        .options = options, .parser = parse, .args_doc = "FILE|DIR...", .doc = doc};
    return cli_parse(&argp, argc, argv, command);
}

/* ---- survivors ----------------------------------------------------------------------------- */

static int read_survivors(struct pkt_command *command, struct pkt_survivors *out)
{
    struct stat status;
    const char *path = command->survivors_path, *why;
    if (!command->mutate)
        return 0;
    if (path == NULL) { /* that of the folder, if it has one */
        path = pkt_arena_printf(&command->arena, "%s/survivors", command->paths[0]);
        if (stat(path, &status) != 0)
            return 0;
        command->survivors_path = path;
    }
    size_t length;
    char *text = pkt_file_read(path, &length, &why);
    if (text == NULL) {
        cli_error("%s: %s", path, why);
        return -1;
    }
    struct pkt_error error;
    int result = pkt_survivors_read(text, length, &command->arena, out, &error);
    if (result != 0)
        cli_error("%s:%u:%u: %s", path, error.place.line, error.place.column, error.text);
    free(text);
    return result;
}

/* ---- the command --------------------------------------------------------------------------- */

static int run_files(struct pkt_command *command, struct pkt_files *files)
{
    struct pkt_survivors survivors = {0};
    struct pkt_tally tally = {0};
    if (command->pcap != NULL && files->count != 1) {
        cli_error("--pcap is for one script, and these are %zu", files->count);
        return STATUS_USAGE;
    }
    if (read_survivors(command, &survivors) != 0)
        return STATUS_USAGE;
    if (pkt_workers(command, &survivors, files, &tally) != 0)
        return STATUS_FAILED;
    pkt_print_tally(command, &tally);
    if (tally.errors > 0)
        return STATUS_USAGE;
    return tally.failed > 0 || tally.interrupted ? STATUS_FAILED : STATUS_OK;
}

int command_pkt(int argc, char **argv)
{
    struct pkt_command command = {.timeout_ns = 60000000000u};
    struct pkt_files files = {0};
    int status = parse_command(argc, argv, &command);
    if (status < 0 && command.record.path != NULL)
        status = pkt_record_command(&command);
    else if (status < 0)
        status = pkt_files_find(&command, &files) != 0 ? STATUS_USAGE : run_files(&command, &files);
    pkt_files_free(&files);
    pkt_arena_free(&command.arena);
    free(command.arguments);
    free(command.defines);
    return status;
}
