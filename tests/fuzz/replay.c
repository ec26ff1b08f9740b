/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target on files and on all files of directories, without a fuzzer: the corpora as a
 * test in every build, and any finding again. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

static unsigned runs;

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    static uint8_t room[1 << 20];
    size_t n = fread(room, 1, sizeof room, file);
    bool ok = !ferror(file);
    fclose(file);
    if (!ok)
        return false;
    /* A piece of its own size, so that a sanitizer sees a read behind it. */
    uint8_t *data = malloc(n > 0 ? n : 1);
    REQUIRE(data != NULL);
    memcpy(data, room, n);
    printf("%s\n", path); /* the last one printed is the one that failed */
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    runs++;
    return true;
}

static bool run(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) == 0 && !S_ISDIR(facts.st_mode))
        return run_file(path);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ok = run_file(name) && ok;
    }
    closedir(folder);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    for (int i = 1; i < argc; i++)
        ok = run(argv[i]) && ok;
    printf("%u inputs\n", runs);
    if (runs == 0)
        fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
    return ok && runs > 0 ? 0 : 1;
}
