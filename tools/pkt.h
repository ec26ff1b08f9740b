/* SPDX-License-Identifier: MIT */
/* hawser pkt: what its files share. */
#ifndef TOOLS_PKT_H
#define TOOLS_PKT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/parse.h"
#include "pkt/python.h"
#include "pkt/record.h"
#include "pkt/survivors.h"

struct pkt_command {
    char **paths; /* as they were given */
    size_t path_count;
    struct pkt_argument *arguments; /* --name=value of the language */
    size_t argument_count, argument_room;
    struct pkt_define *defines;
    size_t define_count, define_room;
    struct pkt_arena arena;  /* of arguments and defines */
    const char *only_family; /* --ip_version; NULL = what each script wants */
    const char *pcap, *survivors_path;
    unsigned workers; /* 0 = one a processor */
    uint64_t timeout_ns;
    struct pkt_record_choice record; /* --record and what goes with it; path NULL = scripts are run */
    bool record_options;
    bool verbose, json, strict, mutate, allow_shell, dry_run;
};

/* ---- pkt_files.c: which scripts -------------------------------------------------------------- */

struct pkt_files {
    char **paths; /* sorted within each folder */
    size_t count, room;
};

/* Takes files as they are (- is standard input) and all *.pkt below folders. Returns 0, or -1 after a message. */
int pkt_files_find(const struct pkt_command *command, struct pkt_files *out);
void pkt_files_free(struct pkt_files *files);

/* The whole file with a NUL behind it; NULL and *why (static) = it cannot be read. */
char *pkt_file_read(const char *path, size_t *length, const char **why);

/* ---- pkt_record.c: a capture into a script --------------------------------------------------- */

/* ADDRESS or ADDRESS:PORT (an IPv6 address in [ ] then); false = neither. */
bool pkt_record_local_scan(const char *text, struct pkt_record_choice *choice);

/* The command's status; the script goes to standard output. */
int pkt_record_command(struct pkt_command *command);

/* ---- pkt_job.c: one script --------------------------------------------------------------------- */

/* Runs it; the object says everything that is known about it (see hawser(1)). */
json_t *pkt_job(const struct pkt_command *command, struct pkt_survivors *survivors,
                struct pkt_python *python, const char *path);

/* ---- pkt_mutants.c ----------------------------------------------------------------------------- */

/* Runs every mutant of a script that passes; adds to the object who was killed and who survived,
 * and what is wrong with the list of survivors. */
void pkt_job_mutants(const struct pkt_command *command, struct pkt_survivors *survivors,
                     struct pkt_python *python, const struct pkt_script *script,
                     json_t *result);

/* ---- pkt_workers.c: many scripts, each in a process that may die ------------------------------ */

struct pkt_tally {
    size_t passed, failed, skipped, errors; /* errors: of the language, failed too */
    size_t mutants, killed, explained;
    bool interrupted;
};

int pkt_workers(const struct pkt_command *command, struct pkt_survivors *survivors,
                const struct pkt_files *files, struct pkt_tally *tally);

/* ---- pkt_print.c ------------------------------------------------------------------------------- */

void pkt_print_result(const struct pkt_command *command, json_t *result, struct pkt_tally *tally);
void pkt_print_tally(const struct pkt_command *command, const struct pkt_tally *tally);

#endif
