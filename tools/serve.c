/* SPDX-License-Identifier: MIT */
/* hawser serve: an HTTP file server on a TAP device. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hawser/port/clock.h>

#include "cli.h"
#include "commands.h"
#include "device.h"
#include "http_server.h"
#include "signals.h"
#include "term.h"

#define IDLE_NS 60000000000u
#define TICK_NS 200000000u /* of the progress line */
#define BUFFERS_BYTES (UINT64_C(3) << 30)
#define RECEIVE_BUFFER_BYTES 65536u /* requests are short */

struct serve_options {
    struct device_options device;
    const char *directory;
    uint16_t port;
    uint32_t connections_max;
    bool verbose;
};

enum { KEY_CONNECTIONS = 0x2000 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct serve_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->device;
        return 0;
    case 'p':
        options->port = (uint16_t)cli_number(state, "port", argument, 1, 65535);
        return 0;
    case KEY_CONNECTIONS:
        options->connections_max = (uint32_t)cli_number(state, "connections", argument, 1, 1000000);
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->directory != NULL)
            argp_error(state, "one directory only, not '%s' too", argument);
        options->directory = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which directory?");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp serve_argp = {
    .options =
        (const struct argp_option[]){
            {"port", 'p', "PORT", 0, "to listen on (80)", 0},
            {"connections", KEY_CONNECTIONS, "N", 0, "most connections at once (4096)", 0},
            {"verbose", 'v', NULL, 0, "prints a line for each request", 0},
            {0},
        },
    .parser = parse,
    .args_doc = "DIRECTORY",
    .doc = "Serves a directory over HTTP/1.1, on Hawser's TCP, to the kernel's programs.\n\n"
           "  hawser serve /usr/share/doc\n"
           "  hawser serve --tap tap0 --address 192.0.2.2/24 --peer 192.0.2.1/24 .\n\n"
           "Needs CAP_NET_ADMIN, as root has it. Ctrl-C ends it.",
    .children = (const struct argp_child[]){{&device_argp, 0, NULL, 0}, {0}},
};

static void log_request(void *context, const struct http_server_log *request)
{
    (void)context;
    char client[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(&request->client.address, client);
    printf("%s %u %s ", client, request->client.port, request->method);
    for (const char *c = request->target; *c != '\0';
         c++) /* a terminal must not obey what a stranger sends */
        putchar(*c > ' ' && *c < 0x7f ? *c : '?');
    printf(" %d %llu\n", request->status, (unsigned long long)request->bytes);
    fflush(stdout);
}

static void print_addresses(const struct serve_options *options)
{
    const struct device_prefixes *addresses = &options->device.addresses;
    printf("serving %s at", options->directory);
    for (unsigned i = 0; i < addresses->count; i++) {
        char text[HAWSER_ADDRESS_TEXT_MAX], port[8] = "";
        const struct hawser_address *address = &addresses->list[i].address;
        hawser_address_print(address, text);
        if (options->port != 80)
            snprintf(port, sizeof port, ":%u", options->port);
        printf(hawser_address_is_v4(address) ? " http://%s%s/" : " http://[%s]%s/", text, port);
    }
    printf("\n");
    fflush(stdout);
}

/* So much for each connection that all of them together always find room: clients that do not read
 * cannot take it from those that do. */
static void bound_memory(const struct serve_options *options, struct hawser_config *host)
{
    hawser_config_defaults(host);
    host->memory_bytes = BUFFERS_BYTES / 2 * 3;
    host->buffer_bytes = BUFFERS_BYTES;
    host->receive_buffer_bytes = RECEIVE_BUFFER_BYTES;
    uint64_t share = BUFFERS_BYTES / options->connections_max;
    share = share > 2 * RECEIVE_BUFFER_BYTES ? share - RECEIVE_BUFFER_BYTES : RECEIVE_BUFFER_BYTES;
    if (share < host->send_buffer_bytes)
        host->send_buffer_bytes = (uint32_t)share;
}

static void show(struct progress *progress, const struct http_server *server)
{
    const struct http_server_stats *stats = http_server_stats_of(server);
    char text[120], bytes[TERM_BYTES_MAX];
    snprintf(text, sizeof text, "%u connections, %llu requests, %s", stats->connections,
             (unsigned long long)stats->requests, term_bytes((double)stats->bytes_sent, bytes));
    progress_text(progress, text);
}

static int loop(struct device *device, struct http_server *server)
{
    struct progress progress;
    bool tty = isatty(STDERR_FILENO) != 0;
    progress_start(&progress, "hawser serve");
    int status = STATUS_OK;
    while (!signals_pending()) {
        uint64_t until = http_server_deadline(server), tick = hawser_clock_now() + TICK_NS;
        if (!device_turn(device, tty && tick < until ? tick : until, NULL, 0)) {
            status = STATUS_FAILED;
            break;
        }
        http_server_expire(server, hawser_clock_now());
        show(&progress, server);
    }
    progress_end(&progress);
    return status;
}

int command_serve(int argc, char **argv)
{
    struct serve_options options = {.port = 80, .connections_max = 4096};
    struct http_directory directory;
    struct hawser_config host;
    struct device device;
    struct http_server *server = NULL;
    device_defaults(&options.device, "hawser0", 87);
    int status = cli_parse(&serve_argp, argc, argv, &options);
    if (status >= 0)
        return status;
    int error = http_directory_open(&directory, options.directory);
    if (error != 0) {
        cli_error("%s: %s", options.directory, strerror(-error));
        return STATUS_FAILED;
    }
    struct hawser_port_error why;
    bound_memory(&options, &host);
    if (device_open(&device, &options.device, &host, &why) != 0) {
        cli_error("%s", why.text);
        http_directory_close(&directory);
        return STATUS_FAILED;
    }
    const struct http_server_config config = {
        .host = device.host,
        .port = options.port,
        .source = http_directory_source(&directory),
        .connections_max = options.connections_max,
        .idle_ns = IDLE_NS,
        .log = options.verbose ? log_request : NULL,
    };
    error = http_server_start(&config, hawser_clock_now(), &server);
    if (error == 0) {
        print_addresses(&options);
        status = loop(&device, server);
    } else {
        cli_error("port %u: %s", options.port, hawser_error_text(error));
        status = STATUS_FAILED;
    }
    http_server_stop(server);
    if (!device_close(&device))
        status = STATUS_FAILED;
    http_directory_close(&directory);
    return status;
}
