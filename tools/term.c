/* SPDX-License-Identifier: MIT */
/* What a person sees: colours and progress lines, on terminals only. */
#include "term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hawser/port/clock.h>

#define PROGRESS_INTERVAL_NS 100000000u

static bool has_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    const char *term = getenv("TERM");
    return (no_color == NULL || *no_color == '\0') && term != NULL && strcmp(term, "dumb") != 0 &&
           isatty(fileno(out));
}

const char *term_on(FILE *out, enum term_style style)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "",         [TERM_BOLD] = "\033[1m", [TERM_GOOD] = "\033[32m",
        [TERM_BAD] = "\033[1;31m", [TERM_DIM] = "\033[2m",
    };
    return has_colour(out) ? codes[style] : "";
}

const char *term_off(FILE *out)
{
    return has_colour(out) ? "\033[0m" : "";
}

bool term_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

const char *term_bytes(double bytes, char out[TERM_BYTES_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(out, TERM_BYTES_MAX, "%.0f B", bytes);
        return out;
    }
    size_t unit = 0;
    for (bytes /= 1024; bytes >= 1024 && unit < 3; unit++)
        bytes /= 1024;
    snprintf(out, TERM_BYTES_MAX, "%.1f %s", bytes, units[unit]);
    return out;
}

void progress_start(struct progress *progress, const char *label)
{
    uint64_t now = hawser_clock_now(); /* what is over at once needs no line */
    *progress = (struct progress){.label = label, .start_ns = now, .last_ns = now};
}

static bool is_due(struct progress *progress, uint64_t now)
{
    if (now - progress->last_ns < PROGRESS_INTERVAL_NS || !isatty(STDERR_FILENO))
        return false;
    progress->last_ns = now;
    progress->drawn = true;
    return true;
}

/* A line that is longer than the terminal is wide could not be wiped. */
static void draw(const struct progress *progress, const char *text)
{
    struct winsize size;
    char line[256];
    size_t width =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
    snprintf(line, width < sizeof line ? width + 1 : sizeof line, "%s: %s", progress->label, text);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void progress_show(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes)
{
    uint64_t now = hawser_clock_now();
    if (!is_due(progress, now))
        return;
    char done[TERM_BYTES_MAX], total[TERM_BYTES_MAX], rate[TERM_BYTES_MAX], text[120];
    double seconds = (double)(now - progress->start_ns) / 1e9;
    term_bytes((double)done_bytes, done);
    term_bytes((double)done_bytes / seconds, rate);
    if (total_bytes != 0)
        snprintf(text, sizeof text, "%s of %s (%.0f %%), %s/s", done,
                 term_bytes((double)total_bytes, total),
                 100.0 * (double)done_bytes / (double)total_bytes, rate);
    else
        snprintf(text, sizeof text, "%s, %s/s", done, rate);
    draw(progress, text);
}

void progress_text(struct progress *progress, const char *text)
{
    if (is_due(progress, hawser_clock_now()))
        draw(progress, text);
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
