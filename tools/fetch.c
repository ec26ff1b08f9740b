/* SPDX-License-Identifier: MIT */
/* hawser fetch: an HTTP client on a TAP device. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hawser/port/clock.h>

#include "cli.h"
#include "commands.h"
#include "device.h"
#include "http.h"
#include "http_client.h"
#include "output.h"
#include "signals.h"
#include "term.h"

#define TICK_NS 200000000u

struct fetch_options {
    struct device_options device;
    const char *url;
    const char *output; /* file; NULL = standard output */
    uint64_t timeout_ns;
};

enum { KEY_TIMEOUT = 0x2000 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct fetch_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->device;
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case KEY_TIMEOUT:
        options->timeout_ns = (uint64_t)(1e9 * cli_seconds(state, "timeout", argument, 0.001, 1e6));
        return 0;
    case ARGP_KEY_ARG:
        if (options->url != NULL)
            argp_error(state, "one URL only, not '%s' too", argument);
        options->url = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which URL?");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp fetch_argp = {
    .options =
        (const struct argp_option[]){
            {"output", 'o', "FILE", 0,
             "writes to FILE, which appears when all of it is there; - is standard output", 0},
            {"timeout", KEY_TIMEOUT, "SECONDS", 0, "gives up after (never)", 0},
            {0},
        },
    .parser = parse,
    .args_doc = "URL",
    .doc = "Fetches a URL over HTTP/1.1, with Hawser's TCP, from a kernel's server.\n\n"
           "  python3 -m http.server &  hawser fetch http://10.72.88.1:8000/\n"
           "  hawser fetch --address 192.0.2.2/24 --peer 192.0.2.1/24 http://192.0.2.1/\n\n"
           "Needs CAP_NET_ADMIN, as root has it. Prints the data and nothing else.",
    .children = (const struct argp_child[]){{&device_argp, 0, NULL, 0}, {0}},
};

/* The first address of a host that Hawser has a family for. Names are looked up by the machine's
 * resolver: Hawser has none. */
static bool resolve(const struct fetch_options *options, const struct http_url *url,
                    struct hawser_endpoint *out)
{
    struct hawser_address own;
    out->port = (uint16_t)strtoul(url->port, NULL, 10);
    if (hawser_address_scan(url->host, &out->address) == 0)
        return true;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int error = getaddrinfo(url->host, NULL, &hints, &list);
    if (error != 0) {
        cli_error("%s: %s", url->host, gai_strerror(error));
        return false;
    }
    bool found = false;
    for (struct addrinfo *info = list; info != NULL && !found; info = info->ai_next) {
        char text[HAWSER_ADDRESS_TEXT_MAX];
        found = device_address_of(&options->device, info->ai_family == AF_INET, &own) &&
                getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, NULL, 0,
                            NI_NUMERICHOST) == 0 &&
                hawser_address_scan(text, &out->address) == 0;
    }
    freeaddrinfo(list);
    if (!found)
        cli_error("%s has no address of a family for which there is an --address", url->host);
    return found;
}

static int loop(struct device *device, struct http_client *client, struct output *output,
                const struct fetch_options *options)
{
    struct progress progress;
    uint64_t deadline =
        options->timeout_ns != 0 ? hawser_clock_now() + options->timeout_ns : UINT64_MAX;
    progress_start(&progress, options->url);
    while (client->state == HTTP_CLIENT_RUNNING && !signals_pending()) {
        uint64_t now = hawser_clock_now();
        struct pollfd full = {.fd = output_fd(output), .events = POLLOUT};
        bool waits = output_is_full(output);
        if (now >= deadline) {
            progress_end(&progress);
            cli_error("%s: not done after %g s; %llu bytes came", options->url,
                      (double)options->timeout_ns / 1e9, (unsigned long long)client->received);
            return STATUS_FAILED;
        }
        uint64_t tick = now + TICK_NS;
        if (!device_turn(device, tick < deadline ? tick : deadline, &full, waits ? 1 : 0))
            return STATUS_FAILED;
        if (waits && full.revents != 0)
            http_client_resume(client, hawser_clock_now());
        progress_show(&progress, client->received, client->length);
    }
    progress_end(&progress);
    if (client->state == HTTP_CLIENT_FAILED && output_error(output) != 0)
        cli_error("%s: %s", options->output != NULL ? options->output : "standard output",
                  strerror(output_error(output)));
    else if (client->state == HTTP_CLIENT_FAILED)
        cli_error("%s: %s", options->url, client->why);
    return client->state == HTTP_CLIENT_DONE ? STATUS_OK : STATUS_FAILED;
}

static int transfer(struct device *device, const struct fetch_options *options,
                    const struct http_url *url, struct output *output)
{
    struct http_client client;
    struct http_client_config config = {
        .host = device->host,
        .authority = url->authority,
        .target = url->target,
        .take = output_take,
        .room = output_room,
        .context = output,
    };
    if (!resolve(options, url, &config.remote))
        return STATUS_FAILED;
    int error = http_client_start(&client, &config, hawser_clock_now());
    if (error != 0) {
        cli_error("%s: %s", options->url, hawser_error_text(error));
        return STATUS_FAILED;
    }
    int status = loop(device, &client, output, options);
    http_client_stop(&client);
    return status;
}

int command_fetch(int argc, char **argv)
{
    struct fetch_options options = {0};
    struct http_url url;
    struct device device;
    struct output output;
    device_defaults(&options.device, "hawser1", 88);
    int status = cli_parse(&fetch_argp, argc, argv, &options);
    if (status >= 0)
        return status;
    const char *wrong = http_url_split(options.url, &url);
    if (wrong != NULL) {
        cli_error("%s: %s", options.url, wrong);
        return STATUS_USAGE;
    }
    if (!output_open(&output, options.output)) {
        cli_error("%s: %s", options.output, strerror(output_error(&output)));
        return STATUS_FAILED;
    }
    status = STATUS_FAILED;
    struct hawser_port_error why;
    if (device_open(&device, &options.device, NULL, &why) != 0) {
        cli_error("%s", why.text);
    } else {
        status = transfer(&device, &options, &url, &output);
        if (!device_close(&device))
            status = STATUS_FAILED;
    }
    if (!output_close(&output, status == STATUS_OK) && status == STATUS_OK) {
        cli_error("%s: %s", options.output != NULL ? options.output : "standard output",
                  strerror(output_error(&output)));
        status = STATUS_FAILED;
    }
    return status;
}
