/* SPDX-License-Identifier: MIT */
/* Fetches a file over HTTP/1.0 from a server of the kernel's, on a TAP device, and prints it.
 *
 * It shows: an active open, the life of a client from CONNECTED to the end of the stream, what an
 * error looks like, and a close that stays until the kernel has acknowledged it.
 *
 * Run it as root beside a server:   python3 -m http.server 8000 & example_fetch /README.md   */
#include <stdio.h>
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/entropy.h>
#include <hawser/port/memory.h>
#include <hawser/port/netns.h>
#include <hawser/port/tun.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

static bool set_up(struct hawser_tun **tun, struct hawser_host **host, uint32_t *link)
{
    struct hawser_port_error error;
    struct hawser_address kernel, own;
    struct hawser_config config;
    const struct hawser_tun_config device = {
        .kind = HAWSER_LINK_ETHERNET, .name = "fetch0", .up = true};
    const struct hawser_link_config ethernet = {
        .kind = HAWSER_LINK_ETHERNET, .mac = {0x02, 0, 0, 0, 0, 0x03}, .mtu = 1500};
    hawser_address_scan("10.72.3.1", &kernel);
    hawser_address_scan("10.72.3.2", &own);
    if (hawser_tun_open(&device, tun, &error) != 0 ||
        hawser_interface_add_address(hawser_tun_name(*tun), &kernel, 24, &error) != 0) {
        fprintf(stderr, "fetch: %s\n", error.text);
        return false;
    }
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    return hawser_entropy(config.entropy) == 0 &&
           hawser_host_create(&config, hawser_clock_now(), host) == 0 &&
           hawser_link_add(*host, &ethernet, link) == 0 &&
           hawser_address_add(*host, *link, &own, 24) == 0;
}

/* Prints what there is: 1 = more will come, 0 = the server has closed, negative = why it failed.
 * The head of the answer ends with an empty line; *newlines counts towards it and sticks at 2. */
static int print_available(struct hawser_host *host, hawser_tcp tcp, unsigned *newlines)
{
    char data[65536];
    int64_t n;
    while ((n = hawser_receive(host, tcp, data, sizeof data)) > 0) {
        size_t body = 0;
        for (; *newlines < 2 && body < (size_t)n; body++)
            *newlines = data[body] == '\n' ? *newlines + 1 : data[body] == '\r' ? *newlines : 0;
        fwrite(data + body, 1, (size_t)n - body, stdout);
    }
    return n == HAWSER_ERR_AGAIN ? 1 : (int)n;
}

/* Until the server has closed, or the connection failed. */
static int transfer(struct hawser_tun *tun, struct hawser_host *host, uint32_t link, hawser_tcp tcp,
                    const char *request)
{
    unsigned newlines = 0;
    for (;;) {
        struct hawser_event event;
        int status = 1;
        if (hawser_tun_run_once(tun, host, link, UINT64_MAX, NULL, 0, NULL) < 0)
            return HAWSER_ERR_ABORTED;
        while (status == 1 && hawser_events(host, &event, 1) == 1) {
            if ((event.events & HAWSER_EVENT_CONNECTED) != 0)
                hawser_send(host, tcp, request, strlen(request),
                            0);                             /* short: the buffer takes it */
            status = print_available(host, tcp, &newlines); /* also tells what ended a connection */
        }
        if (status != 1)
            return status;
    }
}

/* hawser_close only queues the FIN. The host must live on until the peer has it: here, until none
 * of its connections is left but records (TIME-WAIT), or for a second. */
static void linger(struct hawser_tun *tun, struct hawser_host *host, uint32_t link)
{
    uint64_t until = hawser_clock_now() + 1000000000u, now;
    struct hawser_usage usage;
    do {
        hawser_tun_run_once(tun, host, link, 10000000u, NULL, 0, NULL);
        hawser_usage_of(host, &usage);
        now = hawser_clock_now();
    } while (usage.connections != 0 && now < until);
}

int main(int argc, char **argv)
{
    struct hawser_tun *tun;
    struct hawser_host *host;
    uint32_t link;
    char request[512];
    if (argc != 2 || argv[1][0] != '/' || strlen(argv[1]) > 400) {
        fprintf(stderr, "usage: example_fetch /PATH (from http://10.72.3.1:8000)\n");
        return 2;
    }
    if (!set_up(&tun, &host, &link))
        return 1;
    snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: 10.72.3.1\r\n\r\n", argv[1]);

    hawser_tcp tcp;
    struct hawser_open_options options = {.remote.port = 8000};
    hawser_address_scan("10.72.3.1", &options.remote.address);
    int error = hawser_open(host, hawser_clock_now(), &options, &tcp); /* queues the SYN */
    if (error == 0) {
        error = transfer(tun, host, link, tcp, request);
        hawser_close(host, tcp);
        linger(tun, host, link);
    }
    if (error != 0)
        fprintf(stderr, "fetch: %s\n", hawser_error_text(error));
    hawser_host_destroy(host);
    hawser_tun_close(tun);
    return error == 0 ? 0 : 1;
}
