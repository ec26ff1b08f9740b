/* SPDX-License-Identifier: MIT */
/* Two hosts in one process, on a wire in memory that loses three frames of a hundred, in virtual
 * time.
 *
 * It shows: that a host is an object, that time is an argument (60 s of TIME-WAIT pass in no
 * time), what the network did and how TCP repaired it, and what hawser_walk tells, as `ss` would.
 *
 * Run it, without any privilege:   example_two_hosts */
#include <stdio.h>
#include <string.h>

#include <hawser/port/world.h>
#include <hawser/tcp.h>
#include <hawser/trace.h>

#define MESSAGE_BYTES 1000000u
#define CLIENT 0
#define SERVER 1

struct state {
    struct hawser_host *hosts[2];
    hawser_tcp client, server;
    uint64_t sent, received;
    bool connected, server_done;
};

/* The client sends its message as room appears, and then closes. */
static void client_turn(struct state *state)
{
    static const uint8_t zeros[65536];
    while (state->client != 0 && state->connected && state->sent < MESSAGE_BYTES) {
        uint64_t left = MESSAGE_BYTES - state->sent;
        int64_t n = hawser_send(state->hosts[CLIENT], state->client, zeros,
                                left < sizeof zeros ? left : sizeof zeros, 0);
        if (n < 0)
            return; /* HAWSER_ERR_AGAIN: an event will say when to go on */
        state->sent += (uint64_t)n;
    }
    if (state->client != 0 && state->sent == MESSAGE_BYTES) {
        hawser_close(state->hosts[CLIENT], state->client);
        state->client = 0;
    }
}

/* The server reads until the client has closed, and then closes, too. */
static void server_turn(struct state *state, hawser_tcp listener)
{
    uint8_t data[65536];
    int64_t n = HAWSER_ERR_AGAIN;
    if (state->server == 0 && hawser_accept(state->hosts[SERVER], listener, &state->server) != 0)
        return;
    while (!state->server_done &&
           (n = hawser_receive(state->hosts[SERVER], state->server, data, sizeof data)) > 0)
        state->received += (uint64_t)n;
    if (n == 0) {
        hawser_close(state->hosts[SERVER], state->server);
        state->server_done = true;
    }
}

/* The world calls this whenever something may have happened. True: something was done. */
static bool act(void *context, uint64_t now_ns)
{
    struct state *state = context;
    struct hawser_event event;
    bool any = false;
    (void)now_ns;
    for (; hawser_events(state->hosts[CLIENT], &event, 1) == 1; any = true) {
        state->connected |= (event.events & HAWSER_EVENT_CONNECTED) != 0;
        client_turn(state);
    }
    for (; hawser_events(state->hosts[SERVER], &event, 1) == 1; any = true)
        server_turn(state, event.tcp);
    return any;
}

/* The end that closed first stays behind, with a record of the connection. */
static bool client_is_in_time_wait(void *context)
{
    const struct state *state = context;
    return hawser_counters_of(state->hosts[CLIENT])->timewait_entered != 0;
}

static void show_sockets(struct hawser_world *world, struct hawser_host *host, const char *name)
{
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    while (hawser_walk(host, hawser_world_now(world), &cursor, &info)) {
        printf("%7.3f s  %s: %s, port %u", (double)hawser_world_now(world) / 1e9, name,
               hawser_state_name(info.state), info.local.port);
        if (info.timer_ns != UINT64_MAX)
            printf(", timer in %.3f s", (double)info.timer_ns / 1e9);
        printf("\n");
    }
}

/* Two hosts, 10.0.0.1 and 10.0.0.2, 10 ms apart. */
static bool build(struct hawser_world *world, struct state *state, struct hawser_wire **wire)
{
    const struct hawser_wire_settings bad = {.delay_ns = 10000000u, .loss_ppm = 30000u};
    const struct hawser_actor actor = {.act = act, .context = state};
    struct hawser_address address;
    uint32_t links[2];
    for (int i = 0; i < 2; i++)
        if (hawser_world_host(world, NULL, &state->hosts[i], NULL) != 0)
            return false;
    if (hawser_world_join(world, state->hosts, NULL, wire, links, NULL) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        hawser_address_scan(i == CLIENT ? "10.0.0.1" : "10.0.0.2", &address);
        if (hawser_address_add(state->hosts[i], links[i], &address, 24) != 0)
            return false;
    }
    return hawser_wire_set(*wire, 2, &bad) == 0 && hawser_world_actor(world, &actor) == 0;
}

int main(void)
{
    struct hawser_world *world;
    struct hawser_wire *wire;
    struct state state = {0};
    hawser_tcp listener;
    const struct hawser_listen_options listen = {.local.port = 80, .backlog = 1};
    struct hawser_open_options open = {.remote.port = 80};
    hawser_address_scan("10.0.0.2", &open.remote.address);
    if (hawser_world_create(NULL, &world) != 0 || !build(world, &state, &wire) ||
        hawser_listen(state.hosts[SERVER], hawser_world_now(world), &listen, &listener) != 0 ||
        hawser_open(state.hosts[CLIENT], hawser_world_now(world), &open, &state.client) != 0)
        return 1;

    int done = hawser_world_run(world, UINT64_MAX, client_is_in_time_wait, &state, NULL);
    printf("%llu of %u bytes arrived; %llu frames were lost, %llu segments sent again\n",
           (unsigned long long)state.received, MESSAGE_BYTES,
           (unsigned long long)(hawser_wire_counters_of(wire, 0)->lost +
                                hawser_wire_counters_of(wire, 1)->lost),
           (unsigned long long)hawser_counters_of(state.hosts[CLIENT])->segments_retransmitted);
    show_sockets(world, state.hosts[CLIENT], "client");
    show_sockets(world, state.hosts[SERVER], "server");

    hawser_world_run(world, UINT64_MAX, NULL, NULL,
                     NULL); /* until nothing will ever happen any more */
    printf("%7.3f s  all is quiet\n", (double)hawser_world_now(world) / 1e9);
    show_sockets(world, state.hosts[CLIENT], "client"); /* its TIME-WAIT is over */
    show_sockets(world, state.hosts[SERVER], "server"); /* the listener stays */
    hawser_world_destroy(world);
    return done == 1 && state.received == MESSAGE_BYTES ? 0 : 1;
}
