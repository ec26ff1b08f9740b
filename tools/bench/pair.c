/* SPDX-License-Identifier: MIT */
/* Two hosts on a wire in memory, and idle connections between them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/memory.h>

#include "signals.h"
#include "bench/bench.h"

#define MTU 1500u
#define CLIENT_PORTS (65535u - 1024u + 1u)
#define BACKLOG 4096u
#define IDLE_AT_ONCE 256u
#define QUIET_NS 500000000u

/* Large limits, so that none of them is what is measured. Rates: chunks of a huge page, so that
 * first touches are few. */
static int make_host(struct pair *pair, unsigned side)
{
    struct hawser_config config;
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(NULL);
    memset(config.entropy, 0x40 + (int)side, sizeof config.entropy);
    config.memory_bytes = 1ull << 40;
    config.buffer_bytes = 1ull << 34;
    if (!pair->options->memory)
        config.chunk_bytes = 1u << 21;
    config.connections_max = 12000000;
    config.halfopen_max = 65536;
    config.listeners_max = BENCH_PORTS_MAX + 1;
    config.addresses_max = BENCH_ADDRESSES_MAX + 8;
    config.port_first = 1024;
    config.port_last = 65535;
    return hawser_host_create(&config, pair->now_ns, &pair->hosts[side]);
}

static void address_of(bool v6, unsigned side, uint32_t number, struct hawser_address *out)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, v6 ? "fd00::%x:%x" : "10.0.%u.%u", side + 1, number + 1);
    hawser_address_scan(text, out);
}

static int make_link(struct pair *pair, unsigned side)
{
    const struct hawser_link_config config = {
        .kind = pair->options->ethernet ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP,
        .mac = {0x02, 0x48, 0x57, 0, 0, (uint8_t)(side + 1)},
        .mtu = MTU,
    };
    uint32_t link;
    int status = hawser_link_add(pair->hosts[side], &config, &link);
    for (uint32_t i = 0; status == 0 && i < (side == BENCH_SERVER ? pair->addresses : 1); i++) {
        struct hawser_address address;
        address_of(pair->v6, side, i, &address);
        if (side == BENCH_SERVER)
            pair->server_addresses[i] = address;
        status = hawser_address_add(pair->hosts[side], link, &address, pair->v6 ? 64 : 16);
    }
    if (status == 0 && hawser_wire_attach(pair->wire, side, pair->hosts[side], link) != 0)
        status = HAWSER_ERR_INVALID;
    return status;
}

static int listen_all(struct pair *pair)
{
    pair->listeners = calloc(pair->ports, sizeof pair->listeners[0]);
    if (pair->listeners == NULL)
        return HAWSER_ERR_RESOURCES;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < pair->ports; i++) {
        const struct hawser_listen_options options = {
            .local.port = (uint16_t)(10000 + i), .backlog = BACKLOG, .user = pair};
        status =
            hawser_listen(pair->hosts[BENCH_SERVER], pair->now_ns, &options, &pair->listeners[i]);
        pair->listeners_count += status == 0;
    }
    return status;
}

bool pair_create(struct pair *pair, const struct bench_options *options, bool v6, uint64_t tuples)
{
    const struct hawser_wire_config wire = {
        .kind = options->ethernet ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP,
        .mtu = MTU,
        .seed = 1,
    };
    /* At most half of what each end could take: choosing a port among few free ones is another
     * bench. */
    uint64_t ends = 1 + 2 * tuples / CLIENT_PORTS;
    *pair = (struct pair){.options = options, .now_ns = hawser_clock_now()};
    pair->v6 = v6;
    pair->ports = ends < BENCH_PORTS_MAX ? (uint32_t)ends : BENCH_PORTS_MAX;
    uint64_t addresses = (ends + pair->ports - 1) / pair->ports;
    pair->addresses = addresses < BENCH_ADDRESSES_MAX ? (uint32_t)addresses : BENCH_ADDRESSES_MAX;
    if (hawser_wire_create(&wire, &pair->wire) != 0)
        return bench_failed("setup", "no memory");
    int status = 0;
    for (unsigned side = 0; status == 0 && side < 2; side++) {
        status = make_host(pair, side);
        if (status == 0)
            status = make_link(pair, side);
    }
    if (status == 0)
        status = listen_all(pair);
    if (status == 0)
        return true;
    pair_destroy(pair);
    return bench_failed("setup", hawser_error_text(status));
}

void pair_destroy(struct pair *pair)
{
    hawser_wire_destroy(pair->wire);
    for (unsigned side = 0; side < 2; side++) {
        hawser_host_destroy(pair->hosts[side]);
        free(pair->idle[side]);
    }
    free(pair->listeners);
    *pair = (struct pair){0};
}

void pair_begin(struct pair *pair)
{
    pair->now_ns = hawser_clock_now();
    hawser_expire(pair->hosts[BENCH_CLIENT], pair->now_ns);
    hawser_expire(pair->hosts[BENCH_SERVER], pair->now_ns);
}

void pair_carry(struct pair *pair, unsigned from)
{
    /* A full batch may not have been all. */
    while (hawser_wire_pump_from(pair->wire, from, pair->now_ns) == HAWSER_WIRE_BATCH)
        continue;
}

void pair_turn(struct pair *pair)
{
    pair_begin(pair);
    pair_carry(pair, BENCH_CLIENT);
    pair_serve(pair);
    pair_carry(pair, BENCH_SERVER);
}

int pair_open(struct pair *pair, void *user, hawser_tcp *out)
{
    uint32_t end = pair->next_end++ % (pair->ports * pair->addresses);
    struct hawser_open_options options = {.remote.port = (uint16_t)(10000 + end % pair->ports),
                                          .user = user};
    options.remote.address = pair->server_addresses[end / pair->ports];
    return hawser_open(pair->hosts[BENCH_CLIENT], pair->now_ns, &options, out);
}

/* ---- what the server does, in every bench that has one -------------------------------------- */

static void answer(struct pair *pair, hawser_tcp tcp, uint32_t events)
{
    struct hawser_host *host = pair->hosts[BENCH_SERVER];
    uint8_t message[BENCH_MESSAGE_BYTES];
    int64_t n = hawser_receive(host, tcp, message, sizeof message);
    if (n == (int64_t)sizeof message)
        hawser_send(host, tcp, message, sizeof message, 0);
    if ((events & (HAWSER_EVENT_PEER_CLOSED | HAWSER_EVENT_ERROR)) != 0)
        hawser_close(host, tcp);
}

static void accept_all(struct pair *pair, hawser_tcp listener)
{
    hawser_tcp tcp;
    while (hawser_accept(pair->hosts[BENCH_SERVER], listener, &tcp) == 0) {
        if (pair->idle[BENCH_SERVER] != NULL && pair->idle_count[BENCH_SERVER] < pair->idle_room)
            pair->idle[BENCH_SERVER][pair->idle_count[BENCH_SERVER]++] = tcp;
        answer(pair, tcp, 0); /* the request may be there already */
    }
}

void pair_serve(struct pair *pair)
{
    struct hawser_event events[BENCH_BATCH];
    size_t count;
    while ((count = hawser_events(pair->hosts[BENCH_SERVER], events, BENCH_BATCH)) != 0) {
        for (size_t i = 0; i < count; i++) {
            if (events[i].user == pair)
                accept_all(pair, events[i].tcp);
            else
                answer(pair, events[i].tcp, events[i].events);
        }
    }
}

/* ---- idle connections ----------------------------------------------------------------------- */

/* The client's part of making an idle connection. False: it ended. */
static bool settle(struct pair *pair, const struct hawser_event *event)
{
    struct hawser_host *host = pair->hosts[BENCH_CLIENT];
    uint8_t message[BENCH_MESSAGE_BYTES] = {0};
    if ((event->events & HAWSER_EVENT_ERROR) != 0)
        return false;
    if ((event->events & HAWSER_EVENT_CONNECTED) != 0)
        return hawser_send(host, event->tcp, message, sizeof message, 0) == (int64_t)sizeof message;
    if ((event->events & HAWSER_EVENT_READABLE) != 0 &&
        hawser_receive(host, event->tcp, message, sizeof message) == (int64_t)sizeof message)
        pair->idle[BENCH_CLIENT][pair->idle_count[BENCH_CLIENT]++] = event->tcp;
    return true;
}

bool pair_add_idle(struct pair *pair, uint32_t count)
{
    struct hawser_event events[BENCH_BATCH];
    uint32_t opened = 0;
    if (count == 0)
        return true;
    pair->idle_room = count;
    for (unsigned side = 0; side < 2; side++)
        if ((pair->idle[side] = calloc(count, sizeof pair->idle[side][0])) == NULL)
            return bench_failed("idle connections", "no memory");
    while (pair->idle_count[BENCH_CLIENT] < count && !signals_pending()) {
        for (; opened < count && opened - pair->idle_count[BENCH_CLIENT] < IDLE_AT_ONCE; opened++) {
            hawser_tcp tcp;
            int status = pair_open(pair, NULL, &tcp);
            if (status != 0)
                return bench_failed("idle connections", hawser_error_text(status));
        }
        pair_turn(pair);
        size_t n = hawser_events(pair->hosts[BENCH_CLIENT], events, BENCH_BATCH);
        for (size_t i = 0; i < n; i++)
            if (!settle(pair, &events[i]))
                return bench_failed("idle connections", "one of them ended");
    }
    /* The last acknowledgement of a reply may be a delayed one. */
    for (uint64_t until = pair->now_ns + QUIET_NS; pair->now_ns < until && !signals_pending();)
        pair_turn(pair);
    return !signals_pending();
}
