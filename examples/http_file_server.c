/* SPDX-License-Identifier: MIT */
/* Serves the files of the present directory over HTTP/1.0 on a TAP device, to many clients at once.
 *
 * It shows: a structure of one's own for each connection (`user`), and how a large file goes out
 * piece by piece as room appears, so that each connection takes a bounded amount of memory.
 * (`hawser serve` is the complete one: tools/http_server.c.)
 *
 * Run it as root, and then in another terminal type:   curl http://10.72.2.2/README.md   */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hawser/port/clock.h>
#include <hawser/port/entropy.h>
#include <hawser/port/memory.h>
#include <hawser/port/netns.h>
#include <hawser/port/tun.h>
#include <hawser/tcp.h>

struct client {
    char request[1024];
    size_t length; /* of the request so far */
    int file;      /* -1 = none is open */
    char piece[16384];
    size_t filled, sent; /* of the piece */
};

/* True once the head of the request is there; false: more is needed, or *over. */
static bool read_request(struct hawser_host *host, hawser_tcp tcp, struct client *client,
                         bool *over)
{
    while (strstr(client->request, "\r\n\r\n") == NULL) {
        int64_t n = hawser_receive(host, tcp, client->request + client->length,
                                   sizeof client->request - 1 - client->length);
        if (n <= 0) { /* room 0 gives 0, too: a request that long is refused */
            *over = n != HAWSER_ERR_AGAIN;
            return false;
        }
        client->length += (size_t)n;
    }
    return true;
}

/* Opens the file and puts the head of the answer where the first piece goes. */
static void begin_answer(struct client *client)
{
    char path[256] = "";
    /* Names without a slash only: no way leads out of the directory. */
    if (sscanf(client->request, "GET /%255[A-Za-z0-9._-] HTTP/1.", path) == 1 && path[0] != '.')
        client->file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool found = client->file >= 0 && read(client->file, NULL, 0) == 0; /* not a directory */
    client->filled = (size_t)snprintf(client->piece, sizeof client->piece,
                                      "HTTP/1.0 %s\r\nConnection: close\r\n\r\n",
                                      found ? "200 OK" : "404 Not Found");
}

/* Sends until there is no room (false) or all is queued (true). */
static bool send_answer(struct hawser_host *host, hawser_tcp tcp, struct client *client)
{
    for (;;) {
        while (client->sent < client->filled) {
            int64_t n = hawser_send(host, tcp, client->piece + client->sent,
                                    client->filled - client->sent, 0);
            if (n < 0)
                return n != HAWSER_ERR_AGAIN;
            client->sent += (size_t)n;
        }
        ssize_t n = client->file >= 0 ? read(client->file, client->piece, sizeof client->piece) : 0;
        if (n <= 0)
            return true;
        client->filled = (size_t)n;
        client->sent = 0;
    }
}

static void advance(struct hawser_host *host, hawser_tcp tcp, struct client *client)
{
    bool over = false;
    if (client->filled == 0 && read_request(host, tcp, client, &over))
        begin_answer(client);
    if (client->filled != 0)
        over = send_answer(host, tcp, client);
    if (!over)
        return;
    close(client->file);     /* or -1, which does no harm */
    hawser_close(host, tcp); /* what is queued still goes out */
    free(client);
}

static void accept_all(struct hawser_host *host, hawser_tcp listener)
{
    hawser_tcp tcp;
    while (hawser_accept(host, listener, &tcp) == 0) {
        struct client *client = calloc(1, sizeof *client);
        if (client == NULL) {
            hawser_abort(host, tcp);
            continue;
        }
        client->file = -1;
        hawser_set_user(host, tcp, client);
        advance(host, tcp, client);
    }
}

static bool set_up(struct hawser_tun **tun, struct hawser_host **host, uint32_t *link)
{
    struct hawser_address kernel, own;
    struct hawser_config config;
    const struct hawser_tun_config device = {.kind = HAWSER_LINK_IP, .name = "http0", .up = true};
    const struct hawser_link_config ip = {.kind = HAWSER_LINK_IP, .mtu = 1500}; /* as on a TUN */
    const struct hawser_listen_options http = {.local.port = 80, .backlog = 128};
    hawser_tcp listener;
    hawser_address_scan("10.72.2.1", &kernel);
    hawser_address_scan("10.72.2.2", &own);
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    return hawser_tun_open(&device, tun, NULL) == 0 &&
           hawser_interface_add_address(hawser_tun_name(*tun), &kernel, 24, NULL) == 0 &&
           hawser_entropy(config.entropy) == 0 &&
           hawser_host_create(&config, hawser_clock_now(), host) == 0 &&
           hawser_link_add(*host, &ip, link) == 0 &&
           hawser_address_add(*host, *link, &own, 24) == 0 &&
           hawser_listen(*host, hawser_clock_now(), &http, &listener) == 0;
}

int main(void)
{
    struct hawser_tun *tun;
    struct hawser_host *host;
    uint32_t link;
    if (!set_up(&tun, &host, &link)) {
        fputs("http_file_server: no device, or no host on it (are you root?)\n", stderr);
        return 1;
    }
    puts("serving at http://10.72.2.2/");
    fflush(stdout);
    while (hawser_tun_run_once(tun, host, link, UINT64_MAX, NULL, 0, NULL) >= 0) {
        struct hawser_event event;
        while (hawser_events(host, &event, 1) == 1) {
            if (event.user != NULL)
                advance(host, event.tcp, event.user);
            else if ((event.events & HAWSER_EVENT_ACCEPTABLE) != 0)
                accept_all(host, event.tcp);
        }
    }
    return 1;
}
