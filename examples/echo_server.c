/* SPDX-License-Identifier: MIT */
/* An echo server on a TAP device: what an embedder's program looks like, with the kernel as the
 * other end.
 *
 * It shows: a host, its link and its address; the loop; events as edges; reading without a copy
 * (hawser_peek, hawser_consume); and flow control: what cannot be sent back yet stays unread, so
 * that the peer's window closes instead of our memory growing.
 *
 * Run it as root, and then in another terminal type:   nc 10.72.1.2 7 */
#include <stdio.h>

#include <hawser/port/clock.h>
#include <hawser/port/entropy.h>
#include <hawser/port/memory.h>
#include <hawser/port/netns.h>
#include <hawser/port/tun.h>
#include <hawser/tcp.h>

/* Sends back what has arrived, as far as there is room. Called whenever something may have
 * changed. */
static void echo(struct hawser_host *host, hawser_tcp tcp)
{
    struct hawser_span spans[2];
    int64_t there;
    while ((there = hawser_peek(host, tcp, spans)) > 0) {
        int64_t taken = hawser_send(host, tcp, spans[0].data, spans[0].length, 0);
        if (taken == HAWSER_ERR_AGAIN)
            return; /* no room: HAWSER_EVENT_WRITABLE comes when there is */
        if (taken < 0)
            break; /* the connection has ended */
        hawser_consume(host, tcp, (size_t)taken);
    }
    if (there == HAWSER_ERR_AGAIN)
        return; /* nothing there: HAWSER_EVENT_READABLE comes when there is */
    /* 0: the peer has closed and all of it was echoed. An error: it is over anyway. What is still
     * queued is sent all the same. */
    hawser_close(host, tcp);
}

static void on_event(struct hawser_host *host, const struct hawser_event *event)
{
    hawser_tcp tcp;
    if ((event->events & HAWSER_EVENT_ACCEPTABLE) == 0) {
        echo(host, event->tcp);
        return;
    }
    while (hawser_accept(host, event->tcp, &tcp) == 0)
        echo(host, tcp); /* an event tells what is new: what came before must be looked for */
}

/* Makes a host: everything it gets from the outside is given here. */
static struct hawser_host *make_host(uint32_t *link)
{
    struct hawser_config config;
    struct hawser_host *host;
    struct hawser_address address;
    const struct hawser_link_config ethernet = {
        .kind = HAWSER_LINK_ETHERNET, .mac = {0x02, 0, 0, 0, 0, 0x02}, .mtu = 1500};
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    if (hawser_entropy(config.entropy) != 0 ||
        hawser_host_create(&config, hawser_clock_now(), &host) != 0)
        return NULL;
    hawser_address_scan("10.72.1.2", &address);
    if (hawser_link_add(host, &ethernet, link) == 0 &&
        hawser_address_add(host, *link, &address, 24) == 0)
        return host;
    hawser_host_destroy(host);
    return NULL;
}

/* A TAP device, and the kernel's address on it. */
static struct hawser_tun *make_device(void)
{
    struct hawser_port_error error;
    struct hawser_address address;
    struct hawser_tun *tun;
    const struct hawser_tun_config config = {
        .kind = HAWSER_LINK_ETHERNET, .name = "echo0", .up = true};
    hawser_address_scan("10.72.1.1", &address);
    if (hawser_tun_open(&config, &tun, &error) == 0) {
        if (hawser_interface_add_address(hawser_tun_name(tun), &address, 24, &error) == 0)
            return tun;
        hawser_tun_close(tun);
    }
    fprintf(stderr, "echo_server: %s\n", error.text);
    return NULL;
}

int main(void)
{
    uint32_t link;
    struct hawser_tun *tun = make_device();
    struct hawser_host *host = tun != NULL ? make_host(&link) : NULL;
    if (host == NULL)
        return 1;

    hawser_tcp listener;
    const struct hawser_listen_options options = {.local.port = 7, .backlog = 16};
    int error = hawser_listen(host, hawser_clock_now(), &options, &listener);
    if (error != 0) {
        fprintf(stderr, "echo_server: %s\n", hawser_error_text(error));
        return 1;
    }
    printf("echoing on 10.72.1.2, port 7\n");
    fflush(stdout);

    /* The loop: send what is queued, wait, receive (all in run_once); then look at what
     * happened. */
    while (hawser_tun_run_once(tun, host, link, UINT64_MAX, NULL, 0, NULL) >= 0) {
        struct hawser_event events[64];
        size_t count;
        while ((count = hawser_events(host, events, 64)) != 0)
            for (size_t i = 0; i < count; i++)
                on_event(host, &events[i]);
    }
    hawser_host_destroy(host);
    hawser_tun_close(tun);
    return 1;
}
