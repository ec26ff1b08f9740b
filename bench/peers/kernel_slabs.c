/* SPDX-License-Identifier: MIT */
/* What objects of the kernel take of its memory. Caches of one object size may be one, under any of
 * their names: only the sums mean something. */
#include "kernel_slabs.h"

#include <stdio.h>
#include <string.h>

void kernel_slabs_read(struct kernel_slabs *out)
{
    unsigned long long objects, object_bytes;
    char line[512];
    FILE *file = fopen("/proc/slabinfo", "r");
    if (file == NULL)
        peer_cannot("/proc/slabinfo");
    out->count = 0;
    while (fgets(line, sizeof line, file) != NULL && out->count < KERNEL_SLABS_MAX) {
        struct kernel_slab *slab = &out->slabs[out->count];
        if (sscanf(line, "%31s %llu %*u %llu", slab->name, &objects, &object_bytes) == 3) {
            slab->objects = objects;
            slab->object_bytes = object_bytes;
            out->count++;
        }
    }
    fclose(file);
}

static uint64_t objects_of(const struct kernel_slabs *slabs, const char *name)
{
    for (unsigned i = 0; i < slabs->count; i++)
        if (strcmp(slabs->slabs[i].name, name) == 0)
            return slabs->slabs[i].objects;
    return 0;
}

/* Objects that each of count added ones has in this cache. Other processes open files at the same
 * time: a socket has one of what every file has, and none of a file system's inodes. */
static double objects_each(const struct kernel_slab *slab, uint64_t before, double count)
{
    static const char *const of_files[] = {"dentry", "filp", "lsm_file_cache", "lsm_inode_cache"};
    double each = ((double)slab->objects - (double)before) / count;
    if (each < 0.5)
        return 0;
    for (unsigned i = 0; i < sizeof of_files / sizeof of_files[0]; i++)
        if (strcmp(slab->name, of_files[i]) == 0)
            return each < 1 ? each : 1;
    if (strstr(slab->name, "inode_cache") != NULL && strcmp(slab->name, "sock_inode_cache") != 0)
        return 0;
    return each;
}

void kernel_slabs_report(const struct peer_options *options, const char *metric,
                         const struct kernel_slabs *before, double count)
{
    struct kernel_slabs after;
    char names[512] = "";
    double bytes = 0, of_tcp = 0;
    kernel_slabs_read(&after);
    for (unsigned i = 0; i < after.count; i++) {
        const struct kernel_slab *slab = &after.slabs[i];
        double each =
            objects_each(slab, objects_of(before, slab->name), count) * (double)slab->object_bytes;
        if (each <= 0)
            continue;
        bytes += each;
        if (strstr(slab->name, "TCP") != NULL || strstr(slab->name, "tcp") != NULL)
            of_tcp += each;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s %.0f", used != 0 ? ", " : "", slab->name,
                 each);
    }
    peer_report(options, metric, "B", bytes, NULL, ",\"of_tcp\":%.4g,\"caches\":\"%s\"", of_tcp,
                names);
}
