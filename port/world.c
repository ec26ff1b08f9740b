/* SPDX-License-Identifier: MIT */
/* The world: what it is made of. How it runs is in world_run.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/port/memory.h>

#include "fail.h"
#include "world_internal.h"

#define START_DEFAULT_NS 1000000000u
#define STEPS_DEFAULT 1000000000u
#define ROUNDS_DEFAULT 1000000u

int hawser_world_create(const struct hawser_world_config *config, struct hawser_world **out)
{
    static const struct hawser_world_config nothing_said;
    if (config == NULL)
        config = &nothing_said;
    struct hawser_world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return -ENOMEM;
    world->now_ns = config->start_ns != 0 ? config->start_ns : START_DEFAULT_NS;
    world->seed = config->seed;
    world->steps_max = config->steps_max != 0 ? config->steps_max : STEPS_DEFAULT;
    world->rounds_max = config->rounds_max != 0 ? config->rounds_max : ROUNDS_DEFAULT;
    *out = world;
    return 0;
}

void hawser_world_destroy(struct hawser_world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < world->wires_count; i++)
        hawser_wire_destroy(world->wires[i]);
    for (size_t i = 0; i < world->hosts_count; i++)
        hawser_host_destroy(world->hosts[i]);
    free(world->wires);
    free(world->hosts);
    free(world->actors);
    free(world);
}

uint64_t hawser_world_now(const struct hawser_world *world)
{
    return world->now_ns;
}

/* One more element's room in an array; NULL = no memory, and the array is what it was. */
static void *one_more(void *array, size_t count, size_t element_bytes)
{
    return realloc(array, (count + 1) * element_bytes);
}

/* A 64-bit number that follows from the world's seed and what it is for, and looks like no other.
 * It is no secret: a world is an experiment, and the same experiment has to come out the same. */
static uint64_t derive(const struct hawser_world *world, uint64_t what, uint64_t index)
{
    uint64_t x = world->seed ^ (what << 56) ^ (index + 1);
    for (unsigned i = 0; i < 3; i++) { /* multiply and fold: each round carries every bit further */
        x = (x + 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
        x ^= x >> 32;
    }
    return x;
}

static void derive_entropy(const struct hawser_world *world, uint8_t out[32])
{
    static const uint8_t zero[32];
    if (memcmp(out, zero, 32) != 0)
        return;
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)(derive(world, 'h', world->hosts_count * 4 + i / 8) >> (i % 8 * 8));
    out[0] |= 1; /* never all zero, which a host refuses */
}

int hawser_world_host(struct hawser_world *world, const struct hawser_config *config,
                      struct hawser_host **out, struct hawser_port_error *error)
{
    struct hawser_config own;
    if (config != NULL)
        own = *config;
    else
        hawser_config_defaults(&own);
    if (own.memory.acquire == NULL)
        own.memory = hawser_memory_default(NULL);
    derive_entropy(world, own.entropy);

    struct hawser_host **hosts = one_more(world->hosts, world->hosts_count, sizeof *hosts);
    if (hosts == NULL)
        return port_fail(error, ENOMEM, "no memory for one more host");
    world->hosts = hosts;
    struct hawser_host *host = NULL;
    int result = hawser_host_create(&own, world->now_ns, &host);
    if (result == HAWSER_ERR_RESOURCES)
        return port_fail(error, ENOMEM, "a host's memory interface gave nothing");
    if (result != 0) {
        const char *field = NULL;
        (void)hawser_config_check(&own, &field);
        return port_fail(error, EINVAL, "cannot make a host: %s%s%s", hawser_error_text(result),
                         field != NULL ? ", in the field " : "", field != NULL ? field : "");
    }
    world->hosts[world->hosts_count++] = host;
    *out = host;
    return 0;
}

static int add_link(struct hawser_world *world, struct hawser_host *host,
                    const struct hawser_wire_config *config, uint32_t *link,
                    struct hawser_port_error *error)
{
    uint32_t number = ++world->links_count;
    struct hawser_link_config link_config = {
        .kind = config->kind,
        .mac = {0x02, 0x48, 0x57, 0x00, (uint8_t)(number >> 8), (uint8_t)number},
        .mtu = config->mtu,
    };
    int result = hawser_link_add(host, &link_config, link);
    if (result != 0)
        return port_fail(error, EINVAL, "a host refused its end of a wire: %s",
                         hawser_error_text(result));
    return 0;
}

int hawser_world_join(struct hawser_world *world, struct hawser_host *const hosts[2],
                      const struct hawser_wire_config *config, struct hawser_wire **out,
                      uint32_t links[2], struct hawser_port_error *error)
{
    struct hawser_wire_config own = {.kind = HAWSER_LINK_ETHERNET};
    if (config != NULL)
        own = *config;
    if (own.mtu == 0)
        own.mtu = 1500;
    if (own.seed == 0)
        own.seed = derive(world, 'w', world->wires_count);

    struct hawser_wire **wires = one_more(world->wires, world->wires_count, sizeof *wires);
    if (wires == NULL)
        return port_fail(error, ENOMEM, "no memory for one more wire");
    world->wires = wires;
    struct hawser_wire *wire = NULL;
    int result = hawser_wire_create(&own, &wire);
    if (result != 0)
        return port_fail(error, -result, "cannot make a wire: %s",
                         result == -ENOMEM ? "no memory" : "kind, mtu or frames_max out of range");
    for (unsigned end = 0; end < 2; end++) {
        uint32_t link = 0;
        if (hosts[end] == NULL)
            continue;
        result = add_link(world, hosts[end], &own, &link, error);
        if (result != 0) {
            hawser_wire_destroy(wire);
            return result;
        }
        (void)hawser_wire_attach(wire, end, hosts[end], link);
        if (links != NULL)
            links[end] = link;
    }
    world->wires[world->wires_count++] = wire;
    *out = wire;
    return 0;
}

int hawser_world_actor(struct hawser_world *world, const struct hawser_actor *actor)
{
    if (actor->act == NULL)
        return -EINVAL;
    struct hawser_actor *actors = one_more(world->actors, world->actors_count, sizeof *actors);
    if (actors == NULL)
        return -ENOMEM;
    world->actors = actors;
    world->actors[world->actors_count++] = *actor;
    return 0;
}
