/* SPDX-License-Identifier: MIT */
/* packetdrill's --so_flags: which family, addresses, MTU and settings the machine has. */
#include <stdlib.h>
#include <string.h>

#include "pkt/parse.h"
#include "pkt/so/adapter.h"

#define START_NS 1000000000000LL
#define NS_PER_S 1000000000LL
#define PATIENCE_S 86400.0

struct reading {
    struct so_choice *out;
    struct pkt_arena *arena;
    struct pkt_options options; /* the addresses and the MTU, as a script's head has them */
    bool family_given;
};

/* The first complaint is told. */
static void complain(struct reading *reading, const char *what, const char *word, const char *why)
{
    if (reading->out->wrong == NULL)
        reading->out->wrong = pkt_arena_printf(reading->arena, "%s '%s': %s", what, word, why);
}

/* local, remote and mtu are options of the language too. */
static void take_option(struct reading *reading, const char *name, const char *value,
                        const char *word)
{
    struct pkt_error error;
    if (pkt_options_set(&reading->options, name, value, reading->arena, &error) != 0)
        complain(reading, "--so_flags:", word, error.text);
}

/* net.ipv4.tcp_rmem=4096,131072,6291456: words are divided by blanks, so numbers are by commas. */
static void take_setting(struct reading *reading, const char *name, const char *value,
                         const char *word)
{
    const char *why = NULL;
    char *text = pkt_arena_text(reading->arena, value, strlen(value));
    for (char *at = text; *at != 0; at++)
        if (*at == ',')
            *at = ' ';
    if (sock_setting_set(&reading->out->host, name, text, &why) != 0)
        complain(reading, "--so_flags:", word, why != NULL ? why : "a value it cannot have");
}

static void take_patience(struct reading *reading, const char *value, const char *word)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != 0 || !(seconds >= 0.001 && seconds <= 1e9))
        complain(reading, "--so_flags:", word, "seconds from 0.001 to 1e9");
    else
        reading->out->patience_ns = (int64_t)(seconds * NS_PER_S);
}

static void take_word(struct reading *reading, char *word)
{
    const char *whole = pkt_arena_text(reading->arena, word, strlen(word));
    char *value = strchr(word, '=');
    if (value != NULL)
        *value++ = 0;
    if (value == NULL && (strcmp(word, "ipv4") == 0 || strcmp(word, "ipv6") == 0)) {
        reading->options.family = word[3] == '4' ? PKT_IPV4 : PKT_IPV6;
        reading->family_given = true;
    } else if (value == NULL) {
        complain(reading, "--so_flags: unknown word", whole,
                 "ipv4, ipv6, local=, remote=, mtu=, patience=, sysctl= and net.*= are known");
    } else if (strcmp(word, "local") == 0) {
        take_option(reading, "local_ip", value, whole);
    } else if (strcmp(word, "remote") == 0) {
        take_option(reading, "remote_ip", value, whole);
    } else if (strcmp(word, "mtu") == 0) {
        take_option(reading, "mtu", value, whole);
    } else if (strcmp(word, "patience") == 0) {
        take_patience(reading, value, whole);
    } else if (strcmp(word, "sysctl") == 0 && *value != 0) {
        reading->out->settings = value;
    } else if (strncmp(word, "net.", 4) == 0) {
        take_setting(reading, word, value, whole);
    } else {
        complain(reading, "--so_flags: unknown key", whole,
                 "local, remote, mtu, patience, sysctl and net.* are known");
    }
}

/* Where no family is named the local address tells it. */
static void complete(struct reading *reading)
{
    static const struct hawser_address none;
    struct pkt_error error;
    struct pkt_options *options = &reading->options;
    struct so_choice *out = reading->out;
    if (!reading->family_given && memcmp(&options->local, &none, sizeof none) != 0)
        options->family = hawser_address_is_v4(&options->local) ? PKT_IPV4 : PKT_IPV6;
    if (pkt_options_complete(options, &error) != 0)
        complain(reading, "--so_flags:", options->family == PKT_IPV6 ? "ipv6" : "ipv4", error.text);
    out->machine = (struct pkt_machine_config){.local = options->local,
                                               .prefix_bits = options->family == PKT_IPV6 ? 64 : 16,
                                               .mtu = options->mtu,
                                               .start_ns = START_NS};
}

void so_choice_read(const char *flags, struct pkt_arena *arena, struct so_choice *out)
{
    struct reading reading = {.out = out, .arena = arena};
    *out = (struct so_choice){.patience_ns = (int64_t)(PATIENCE_S * NS_PER_S)};
    pkt_machine_host_defaults(&out->host);
    pkt_options_default(&reading.options, PKT_IPV4);
    char *text =
        pkt_arena_text(arena, flags != NULL ? flags : "", flags != NULL ? strlen(flags) : 0);
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t\n", &rest))
        take_word(&reading, word);
    complete(&reading);
}
