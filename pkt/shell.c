/* SPDX-License-Identifier: MIT */
/* Commands of scripts: settings, waiting and the helpers of the public suites are understood;
 * others are run by a shell when that is allowed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkt/run_internal.h"

#define WORDS_MAX 64u

enum understood { DONE, FAILED, NOT_UNDERSTOOD };

struct words {
    char *text[WORDS_MAX];
    size_t count;
};

/* ---- settings ----------------------------------------------------------------------------- */

static bool keep_setting(struct pkt_run *run, const char *name, const char *value)
{
    if (run->setting_count == run->setting_room) {
        size_t room = run->setting_room == 0 ? 8 : 2 * run->setting_room;
        struct pkt_setting *more = pkt_arena_array(run->arena, room, sizeof *more);
        if (run->setting_count > 0)
            memcpy(more, run->settings, run->setting_count * sizeof *more);
        run->settings = more;
        run->setting_room = room;
    }
    run->settings[run->setting_count++] = (struct pkt_setting){name, value};
    return true;
}

/* Until the machine is made settings are collected; then they are the running host's. */
static enum understood set(struct pkt_run *run, const char *name, const char *value)
{
    const char *why = NULL;
    if (!run->has_stack)
        return keep_setting(run, name, value) ? DONE : FAILED;
    if (run->stack.set == NULL) {
        run_skip(run, "setting %s while the stack runs", name);
        return FAILED;
    }
    int status = run->stack.set(run->stack.self, name, value, &why);
    if (status == 0)
        return DONE;
    run_skip(run, "setting %s = %s%s%s", name, value, why != NULL ? ": " : "",
             why != NULL ? why : "");
    return FAILED;
}

/* "/proc/sys/net/ipv4/tcp_sack" and "net/ipv4/tcp_sack" into "net.ipv4.tcp_sack". */
static const char *setting_name(struct pkt_run *run, const char *path)
{
    static const char prefix[] = "/proc/sys/";
    if (strncmp(path, prefix, sizeof prefix - 1) == 0)
        path += sizeof prefix - 1;
    char *name = pkt_arena_text(run->arena, path, strlen(path));
    for (char *at = name; *at != 0; at++)
        if (*at == '/')
            *at = '.';
    return name;
}

static bool names_setting(const char *text)
{
    return strncmp(text, "net.", 4) == 0 || strncmp(text, "net/", 4) == 0 ||
           strncmp(text, "/proc/sys/net/", 14) == 0;
}

static enum understood assign(struct pkt_run *run, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || !names_setting(text))
        return NOT_UNDERSTOOD;
    char *path = pkt_arena_text(run->arena, text, (size_t)(equals - text));
    return set(run, setting_name(run, path),
               pkt_arena_text(run->arena, equals + 1, strlen(equals + 1)));
}

/* sysctl [-q] [-w] [-e] a=b c=d ...; without any there is nothing to do. */
static enum understood sysctl(struct pkt_run *run, const struct words *words)
{
    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->text[i];
        if (strcmp(word, "-q") == 0 || strcmp(word, "-w") == 0 || strcmp(word, "-e") == 0 ||
            strcmp(word, "-qw") == 0)
            continue;
        /* a = b, in three words */
        if (strchr(word, '=') == NULL && i + 2 < words->count &&
            strcmp(words->text[i + 1], "=") == 0) {
            enum understood result = set(run, setting_name(run, word), words->text[i + 2]);
            if (result != DONE)
                return result;
            i += 2;
            continue;
        }
        enum understood result = assign(run, word);
        if (result != DONE)
            return result;
    }
    return DONE;
}

/* echo [-n] WORD... > /proc/sys/net/... */
static enum understood echo(struct pkt_run *run, const struct words *words)
{
    const char *value = "";
    size_t i = words->count > 1 && strcmp(words->text[1], "-n") == 0 ? 2 : 1;
    for (; i < words->count && strcmp(words->text[i], ">") != 0; i++)
        value =
            pkt_arena_printf(run->arena, "%s%s%s", value, *value != 0 ? " " : "", words->text[i]);
    if (i + 2 != words->count)
        return i == words->count ? DONE : NOT_UNDERSTOOD; /* echo alone says something to nobody */
    if (!names_setting(words->text[i + 1]) || words->text[i + 1][0] != '/')
        return NOT_UNDERSTOOD;
    return set(run, setting_name(run, words->text[i + 1]), value);
}

/* ---- other commands that are understood ---------------------------------------------------- */

static enum understood sleep_virtually(struct pkt_run *run, const struct words *words)
{
    int64_t total = 0;
    for (size_t i = 1; i < words->count; i++) {
        char *end;
        double seconds = strtod(words->text[i], &end);
        double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 1;
        if (end == words->text[i] || !(seconds >= 0 && seconds * unit < 1e9))
            return NOT_UNDERSTOOD;
        total += (int64_t)(seconds * unit * 1e9);
    }
    if (words->count < 2)
        return NOT_UNDERSTOOD;
    if (run->has_stack)
        run->stack.advance(run->stack.self, run->stack.now(run->stack.self) + total);
    return DONE;
}

static bool base_is(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

/* Our defaults are what a machine is made with. */
static enum understood defaults(struct pkt_run *run)
{
    if (!run->has_stack)
        return keep_setting(run, NULL, NULL) ? DONE : FAILED;
    return NOT_UNDERSTOOD;
}

static enum understood set_sysctls(struct pkt_run *run, const struct words *words, size_t first)
{
    for (size_t i = first; i < words->count; i++) {
        enum understood result = assign(run, words->text[i]);
        if (result != DONE)
            return result;
    }
    return DONE;
}

static enum understood simple(struct pkt_run *run, struct words *words)
{
    size_t first = 0;
    static const char *const shells[] = {".", "source", "sh", "bash", "python", "python3"};
    while (words->count >= 2 && first == 0) /* 2>&1, >/dev/null at the end say nothing */
        if (strcmp(words->text[words->count - 1], "2>&1") == 0 ||
            strcmp(words->text[words->count - 1], ">/dev/null") == 0 ||
            strcmp(words->text[words->count - 1], "2>/dev/null") == 0 ||
            strcmp(words->text[words->count - 1], "&>/dev/null") == 0)
            words->count--;
        else if (words->count >= 3 && strcmp(words->text[words->count - 1], "/dev/null") == 0 &&
                 strchr(words->text[words->count - 2], '>') != NULL)
            words->count -= 2;
        else
            break;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0] && words->count > 1; i++)
        if (strcmp(words->text[0], shells[i]) == 0)
            first = 1;
    const char *name = words->text[first];
    if (base_is(name, "defaults.sh"))
        return defaults(run);
    if (base_is(name, "set_sysctls.py"))
        return set_sysctls(run, words, first + 1);
    /* What set_sysctls.py leaves behind to put things back: the machine ends with the script. */
    if (strstr(name, "sysctl_restore_") != NULL)
        return DONE;
    if (first != 0)
        return NOT_UNDERSTOOD;
    if (strcmp(name, "true") == 0 || strcmp(name, ":") == 0 || strcmp(name, "sync") == 0)
        return DONE;
    if (base_is(name, "sysctl"))
        return sysctl(run, words);
    if (base_is(name, "echo"))
        return echo(run, words);
    if (base_is(name, "sleep"))
        return sleep_virtually(run, words);
    return NOT_UNDERSTOOD;
}

/* ---- words -------------------------------------------------------------------------------- */

/* Splits one simple command: blanks, quotes, \, and > as a word of its own when it is not part of
 * one such as 2>&1. false = something that only a shell understands. */
static bool split(struct pkt_run *run, const char *text, size_t length, struct words *words)
{
    bool restores = strstr(text, "sysctl_restore_") != NULL; /* its name has a $ in it */
    size_t at = 0;
    words->count = 0;
    while (at < length) {
        if (isspace((unsigned char)text[at])) {
            at++;
            continue;
        }
        if (text[at] == '#') /* a comment behind the command */
            return true;
        if (words->count == WORDS_MAX)
            return false;
        char *word = pkt_arena_alloc(run->arena, length - at + 1), quote = 0;
        size_t n = 0;
        if (text[at] == '>' && (at + 1 == length || text[at + 1] != '>')) {
            word[n++] = text[at++];
            words->text[words->count++] = word;
            continue;
        }
        for (; at < length && (quote != 0 || !isspace((unsigned char)text[at])); at++) {
            char c = text[at];
            if (quote != 0 && c == quote)
                quote = 0;
            else if (quote == 0 && (c == '"' || c == '\''))
                quote = c;
            else if (c == '\\' && quote != '\'' && at + 1 < length)
                word[n++] = text[++at];
            else if (c == '`' || (c == '$' && quote != '\'' && !restores))
                return false;
            else if (quote == 0 && strchr(restores ? "|<()*?" : "|<(){}*?", c) != NULL)
                return false;
            else
                word[n++] = c;
        }
        if (quote != 0)
            return false;
        words->text[words->count++] = word;
    }
    return true;
}

/* How long the simple command at text is: up to ;, && or a line's end outside quotes. */
static size_t simple_length(const char *text, size_t *separator)
{
    char quote = 0;
    size_t at = 0;
    *separator = 0;
    for (; text[at] != 0; at++) {
        if (quote != 0) {
            quote = text[at] == quote ? 0 : quote;
        } else if (text[at] == '"' || text[at] == '\'') {
            quote = text[at];
        } else if (text[at] == '\\' && text[at + 1] != 0) {
            at++;
        } else if (text[at] == ';' || text[at] == '\n') {
            *separator = 1;
            return at;
        } else if (text[at] == '&' && text[at + 1] == '&') {
            *separator = 2;
            return at;
        }
    }
    return at;
}

/* ---- a shell ------------------------------------------------------------------------------ */

static bool really(struct pkt_run *run, const char *text)
{
    char pid[24];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("PACKETDRILL_PID", pid, 1);
    fflush(NULL);
    /* Standard output is for results. */
    int status = system(pkt_arena_printf(run->arena, "exec >&2\n%s", text)); /* NOLINT */
    if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (status != -1 && WIFSIGNALED(status))
        return run_fail(run, "the command was ended by signal %d", WTERMSIG(status));
    return run_fail(run, "the command ended with status %d",
                    status == -1 ? -1 : WEXITSTATUS(status));
}

/* ---- one simple command after the other --------------------------------------------------- */

struct piece {
    const char *text; /* without the blanks before it */
    size_t length;    /* 0 = nothing is there */
};

/* Cuts the next one off. */
static struct piece next_piece(const char **text)
{
    size_t separator, length = simple_length(*text, &separator), blanks = 0;
    while (blanks < length && isspace((unsigned char)(*text)[blanks]))
        blanks++;
    struct piece piece = {.text = *text + blanks, .length = length - blanks};
    if (piece.length > 0 && *piece.text == '#')
        piece.length = 0;
    *text += length + separator;
    return piece;
}

static enum understood understand(struct pkt_run *run, const struct piece *piece)
{
    struct words words;
    if (!split(run, piece->text, piece->length, &words))
        return NOT_UNDERSTOOD;
    return words.count == 0 ? DONE : simple(run, &words);
}

/* if, for, ( and so on go over several simple commands: only a shell can take them apart. */
static bool has_construct(const char *text)
{
    static const char *const words[] = {"if",   "for", "while", "until",
                                        "case", "(",   "{",     "function"};
    while (*text != 0) {
        const struct piece piece = next_piece(&text);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            size_t length = strlen(words[i]);
            if (piece.length >= length && strncmp(piece.text, words[i], length) == 0 &&
                (length == 1 || piece.length == length ||
                 isspace((unsigned char)piece.text[length])))
                return true;
        }
    }
    return false;
}

/* Perhaps it can be understood: then what came before it must have been done. */
static bool looks_known(struct pkt_run *run, const struct piece *piece)
{
    static const char *const known[] = {"sysctl", "echo", "sleep", "true", ":", "sync"};
    static const char *const helpers[] = {"defaults.sh", "set_sysctls.py", "sysctl_restore_"};
    struct words words;
    if (!split(run, piece->text, piece->length, &words))
        return false;
    bool found = words.count == 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && words.count > 0; i++)
        found = found || base_is(words.text[0], known[i]);
    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0] && words.count > 0; i++)
        found = found || strstr(words.text[words.count > 1], helpers[i]) != NULL ||
                strstr(words.text[0], helpers[i]) != NULL;
    return found;
}

/* What is understood is done here; a shell gets the others, those in a row together, so that they
 * see one another's variables and folder. */
static bool run_mixed(struct pkt_run *run, const char *text)
{
    const char *from = NULL, *end = NULL; /* what the shell will get */
    for (bool last = false; !last;) {
        last = *text == 0;
        const struct piece piece = next_piece(&text);
        bool foreign = piece.length > 0 && !looks_known(run, &piece);
        if (from != NULL && !foreign && (last || piece.length > 0)) {
            if (!really(run, pkt_arena_text(run->arena, from, (size_t)(end - from))))
                return false;
            from = NULL;
        }
        enum understood result = piece.length > 0 && !foreign ? understand(run, &piece) : DONE;
        foreign = foreign || result == NOT_UNDERSTOOD;
        if (result == FAILED)
            return false;
        if (foreign) {
            from = from != NULL ? from : piece.text;
            end = piece.text + piece.length;
        }
    }
    return true;
}

bool run_shell(struct pkt_run *run, const char *text, enum run_shell_when when)
{
    if (run->how->allow_shell)
        return has_construct(text) ? really(run, text) : run_mixed(run, text);
    while (*text != 0) {
        const struct piece piece = next_piece(&text);
        enum understood result = piece.length > 0 ? understand(run, &piece) : DONE;
        if (result == FAILED)
            return false;
        if (result == NOT_UNDERSTOOD)
            return when == RUN_SHELL_CLEANUP && run->failed
                       ? false
                       : run_skip(run, "the command `%.*s` (--allow-shell runs it)",
                                  (int)piece.length, piece.text);
    }
    return true;
}
