/* SPDX-License-Identifier: MIT */
/* A directory as the content of an HTTP server: files, index.html, listings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http.h"
#include "http_source.h"

#define LISTING_ENTRIES_MAX 10000u /* keeps a listing's memory within a few MiB */

void http_content_drop(struct http_content *content)
{
    if (content->fd >= 0)
        close(content->fd);
    free(content->text);
    *content = (struct http_content){.fd = -1};
}

int http_directory_open(struct http_directory *directory, const char *path)
{
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory->fd >= 0 ? 0 : -errno;
}

void http_directory_close(struct http_directory *directory)
{
    close(directory->fd);
    directory->fd = -1;
}

/* The kernel itself refuses every way out of the directory: "..", absolute symbolic links, /proc's
 * magic ones. O_NONBLOCK, lest a FIFO hold us up. */
static int open_beneath(int root, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 &&
           (errno == EINTR || errno == EAGAIN)); /* EAGAIN: a rename raced with the look-up */
    return (int)fd;
}

static int status_of_errno(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSYS:
    case EIO:
        return 500;
    default: /* not there, a way out of the directory, a name too long, a socket */
        return 404;
    }
}

static void print_html(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void print_escaped(FILE *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            fputc(*text, out);
        else
            fprintf(out, "%%%02X", (unsigned char)*text);
    }
}

static void print_entry(FILE *out, const struct dirent *entry)
{
    const char *slash = entry->d_type == DT_DIR ? "/" : "";
    fputs("<li><a href=\"./", out); /* "./", so that a colon in the name makes no scheme */
    print_escaped(out, entry->d_name);
    fprintf(out, "%s\">", slash);
    print_html(out, entry->d_name);
    fprintf(out, "%s</a></li>\n", slash);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

/* Up to LISTING_ENTRIES_MAX copies, sorted; *more tells whether there were others. */
static size_t read_entries(DIR *dir, struct dirent ***out, bool *more)
{
    struct dirent **entries = NULL, *entry;
    size_t count = 0, room = 0;
    *more = false;
    while (!*more && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue; /* ".", "..", and what its owner hid */
        if (count == room) {
            room = room != 0 ? 2 * room : 64;
            struct dirent **larger = realloc(entries, room * sizeof *entries);
            if (larger == NULL)
                break;
            entries = larger;
        }
        struct dirent *copy = count < LISTING_ENTRIES_MAX ? malloc(entry->d_reclen) : NULL;
        *more = copy == NULL;
        if (copy != NULL)
            entries[count++] = memcpy(copy, entry, entry->d_reclen);
    }
    if (count != 0)
        qsort(entries, count, sizeof *entries, compare_entries);
    *out = entries;
    return count;
}

static int list(int fd, const char *path, struct http_content *out)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return 500;
    }
    struct dirent **entries;
    bool more;
    size_t count = read_entries(dir, &entries, &more), size = 0;
    closedir(dir);
    FILE *html = open_memstream(&out->text, &size);
    if (html != NULL) {
        fputs("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>", html);
        print_html(html, path);
        fputs("</title></head><body>\n<h1>", html);
        print_html(html, path);
        fputs("</h1>\n<ul>\n", html);
        if (strcmp(path, "/") != 0)
            fputs("<li><a href=\"../\">../</a></li>\n", html);
        for (size_t i = 0; i < count; i++)
            print_entry(html, entries[i]);
        fprintf(html, "</ul>\n%s</body></html>\n", more ? "<p>and more</p>\n" : "");
    }
    for (size_t i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (html == NULL || fclose(html) != 0) {
        free(out->text);
        out->text = NULL;
        return 500;
    }
    out->size = size;
    out->type = "text/html; charset=utf-8";
    return 200;
}

static int serve_file(int fd, const struct stat *about, const char *path, struct http_content *out)
{
    out->fd = fd;
    out->size = (uint64_t)about->st_size;
    out->type = http_media_type(path);
    out->modified = about->st_mtime;
    return 200;
}

static int serve_directory(const struct http_directory *directory, int fd, const char *path,
                           struct http_content *out)
{
    struct stat about;
    char index[HTTP_TARGET_MAX + 16];
    if (path[strlen(path) - 1] != '/') {
        close(fd);
        return 301; /* relative links in it would miss otherwise */
    }
    snprintf(index, sizeof index, ".%sindex.html", path);
    int index_fd = open_beneath(directory->fd, index);
    if (index_fd >= 0 && fstat(index_fd, &about) == 0 && S_ISREG(about.st_mode)) {
        close(fd);
        return serve_file(index_fd, &about, index, out);
    }
    if (index_fd >= 0)
        close(index_fd);
    return list(fd, path, out);
}

static int get(void *context, const char *path, struct http_content *out)
{
    const struct http_directory *directory = context;
    char relative[HTTP_TARGET_MAX + 2];
    *out = (struct http_content){.fd = -1};
    snprintf(relative, sizeof relative, ".%s", path);
    int fd = open_beneath(directory->fd, relative);
    if (fd < 0)
        return status_of_errno(errno);
    struct stat about;
    if (fstat(fd, &about) != 0) {
        close(fd);
        return 500;
    }
    if (S_ISDIR(about.st_mode))
        return serve_directory(directory, fd, path, out);
    if (!S_ISREG(about.st_mode)) {
        close(fd);
        return 403; /* devices, FIFOs */
    }
    return serve_file(fd, &about, path, out);
}

struct http_source http_directory_source(struct http_directory *directory)
{
    return (struct http_source){.get = get, .context = directory};
}
