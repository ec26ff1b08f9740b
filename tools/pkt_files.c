/* SPDX-License-Identifier: MIT */
/* hawser pkt: finding scripts and reading files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "pkt.h"

#define DEPTH_MAX 32u /* folders within folders: beyond it there is a loop of links */

static bool is_script(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".pkt") == 0;
}

static int add(struct pkt_files *files, char *path)
{
    if (files->count == files->room) {
        size_t room = files->room == 0 ? 64 : 2 * files->room;
        char **more = reallocarray(files->paths, room, sizeof *more);
        if (more == NULL) {
            free(path);
            return -1;
        }
        files->paths = more;
        files->room = room;
    }
    files->paths[files->count++] = path;
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int walk(struct pkt_files *files, const char *folder, unsigned depth)
{
    struct dirent **names;
    int count = depth < DEPTH_MAX ? scandir(folder, &names, visible, alphasort) : -1;
    int result = 0;
    if (count < 0) {
        cli_error("%s: %s", folder, depth < DEPTH_MAX ? strerror(errno) : "too many folders");
        return -1;
    }
    bool slash = folder[0] != 0 && folder[strlen(folder) - 1] == '/';
    for (int i = 0; i < count; i++) {
        struct stat status;
        char *path;
        if (result != 0 ||
            asprintf(&path, "%s%s%s", folder, slash ? "" : "/", names[i]->d_name) < 0) {
            result = -1;
        } else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            result = walk(files, path, depth + 1);
            free(path);
        } else if (is_script(path)) {
            result = add(files, path);
        } else {
            free(path);
        }
        free(names[i]);
    }
    free(names);
    return result;
}

int pkt_files_find(const struct pkt_command *command, struct pkt_files *out)
{
    for (size_t i = 0; i < command->path_count; i++) {
        struct stat status;
        const char *path = command->paths[i];
        size_t before = out->count;
        if (strcmp(path, "-") != 0 && stat(path, &status) != 0) {
            cli_error("%s: %s", path, strerror(errno));
            return -1;
        }
        if (strcmp(path, "-") == 0 || !S_ISDIR(status.st_mode)) {
            char *copy = strdup(path);
            if (copy == NULL || add(out, copy) != 0)
                return -1;
            continue;
        }
        if (walk(out, path, 0) != 0)
            return -1;
        if (out->count == before) {
            cli_error("%s: no script (*.pkt) is there", path);
            return -1;
        }
    }
    return 0;
}

void pkt_files_free(struct pkt_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

char *pkt_file_read(const char *path, size_t *length, const char **why)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    size_t room = 16384, got = 0;
    char *text = NULL;
    if (file == NULL) {
        *why = strerror(errno);
        return NULL;
    }
    for (;;) {
        char *more = realloc(text, room + 1);
        if (more == NULL || got > PKT_TEXT_MAX) {
            *why = more == NULL ? "no memory" : "too large for a script";
            free(more != NULL ? more : text);
            fclose(file);
            return NULL;
        }
        text = more;
        got += fread(text + got, 1, room - got, file);
        if (got < room)
            break;
        room *= 2;
    }
    bool failed = ferror(file) != 0;
    *why = failed ? strerror(errno) : NULL;
    fclose(file);
    if (failed) {
        free(text);
        return NULL;
    }
    text[got] = 0;
    *length = got;
    return text;
}
