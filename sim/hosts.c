/* SPDX-License-Identifier: MIT */
/* The simulated hosts: born, asked for all they have at an instant, restarted, and found empty. */
#include <string.h>

#include "sim/internal.h"

#define ROUNDS_MAX 100000u /* of one host at one instant */
#define BATCH 16u

/* ---- birth and end --------------------------------------------------------------------------- */

static void add_links(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    for (uint32_t wire = 0; wire < sim->plan.wires_count; wire++) {
        struct hawser_link_config config = {.kind = sim->plan.wires[wire].kind,
                                            .mtu = sim->plan.wires[wire].mtu};
        network_mac(wire, index, config.mac);
        bool good = hawser_link_add(host->host, &config, &host->links[wire]) == 0;
        for (unsigned v6 = 0; good && v6 < 2; v6++) {
            struct hawser_address address = plan_address(wire, index, v6 != 0);
            if (v6 == 0 || config.mtu >= 1280)
                good = hawser_address_add(host->host, host->links[wire], &address,
                                          plan_prefix_bits(v6 != 0)) == 0;
        }
        if (!good && host->meter.refused_count == 0)
            sim_fail(sim, "setup", LIFE_NONE, "host %u refused wire %u", index, wire);
    }
    if (sim->plan.with_loopback) {
        const struct hawser_link_config config = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
        struct hawser_address address = plan_address(PLAN_ANY, index, false);
        uint32_t link;
        if ((hawser_link_add(host->host, &config, &link) != 0 ||
             hawser_address_add(host->host, link, &address, 8) != 0) &&
            host->meter.refused_count == 0)
            sim_fail(sim, "setup", LIFE_NONE, "host %u refused its loopback link", index);
    }
}

static void listen_on(struct sim *sim, uint32_t index, const struct plan_job *job)
{
    struct sim_host *host = &sim->hosts[index];
    for (unsigned i = 0; i < host->listeners_count; i++)
        if (host->listeners[i].port == job->server_port)
            return;
    struct hawser_listen_options options = {
        .local = {.port = job->server_port}, .backlog = job->backlog, .reuse_address = true};
    if (job->server_port % 2 != 0 && !job->v6) { /* any address of IPv4 alone */
        options.local.address.bytes[10] = options.local.address.bytes[11] = 0xff;
        for (unsigned i = 0; i < sim->plan.jobs_count; i++)
            if (sim->plan.jobs[i].v6)
                options.local.address = (struct hawser_address){{0}};
    }
    hawser_tcp tcp;
    int error = hawser_listen(host->host, host_now(sim, index), &options, &tcp);
    if (error == 0)
        host->listeners[host->listeners_count++] =
            (struct sim_listener){.tcp = tcp, .port = job->server_port};
    else if (host->meter.refused_count == 0)
        sim_fail(sim, "setup", LIFE_NONE, "host %u cannot listen on port %u: %s", index,
                 job->server_port, hawser_error_name(error));
}

static void context_of(struct sim *sim, uint32_t index, struct hawser_config *config)
{
    struct random random =
        random_of(sim->plan.seed, 0xe000 + index + ((uint64_t)sim->hosts[index].restarts << 16));
    for (unsigned i = 0; i < sizeof config->entropy; i++)
        config->entropy[i] = (uint8_t)random_next(&random);
    config->memory = meter_memory(&sim->hosts[index].meter);
    config->trace = judge_event;
    config->trace_context = &sim->contexts[index];
}

void host_up(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    struct hawser_config config = sim->plan.hosts[index].config;
    meter_init(&host->meter, &sim->store->memory, sim->plan.hosts[index].memory_bytes,
               sim->plan.seed + index + ((uint64_t)host->restarts << 32));
    sim->contexts[index] = (struct judge_context){.sim = sim, .host = index};
    host->listeners_count = 0;
    host->allowance = 256;
    context_of(sim, index, &config);
    int error = hawser_host_create(&config, host_now(sim, index), &host->host);
    if (error != 0)
        sim_fail(sim, "setup", LIFE_NONE, "no host %u: %s", index, hawser_error_name(error));
    add_links(sim, index);
    for (unsigned i = 0; i < sim->plan.jobs_count; i++) {
        const struct plan_job *job = &sim->plan.jobs[i];
        if (job->used && job->server == index && !job->simultaneous)
            listen_on(sim, index, job);
    }
    host->dirty = true;
    host_memory(sim, index);
}

/* All its memory comes back, whatever it was doing. */
void host_down(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    const uint64_t *counters = (const uint64_t *)(const void *)hawser_counters_of(host->host);
    for (unsigned i = 0; i < sizeof sim->coverage->counters / sizeof sim->coverage->counters[0];
         i++)
        sim->coverage->counters[i] += counters[i];
    hawser_host_destroy(host->host);
    host->host = NULL;
    host->due_ns = NEVER;
    host->dirty = false;
    if (breaks(sim, SIM_BREAK_LEAK, 1))
        host->meter.in_use_bytes += 64;
    if (host->meter.in_use_bytes != 0)
        sim_fail(sim, "memory", LIFE_NONE, "host %u was destroyed and kept %llu octets", index,
                 (unsigned long long)host->meter.in_use_bytes);
    if (host->meter.wrong != NULL)
        sim_fail(sim, "memory", LIFE_NONE, "host %u %s", index, host->meter.wrong);
}

/* What episodes do to its memory. */
void host_memory(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    host->meter.refuse_all = false;
    host->meter.refuse_ppm = 0;
    for (unsigned i = 0; i < sim->active_count; i++) {
        const struct plan_episode *e = &sim->plan.episodes[sim->active_list[i]];
        if (e->kind != PLAN_MEMORY || e->a != index)
            continue;
        if (e->ppm < 5000)
            host->meter.refuse_all = true;
        else
            host->meter.refuse_ppm = 500000;
    }
}

/* ---- what it does at an instant -------------------------------------------------------------- */

void host_allow(struct sim *sim, uint32_t index)
{
    sim->hosts[index].allowance += 4;
    sim->hosts[index].dirty = true;
}

void host_input(struct sim *sim, uint32_t index, uint32_t wire, const struct hawser_frame *frames,
                size_t count)
{
    struct sim_host *host = &sim->hosts[index];
    if (host->host == NULL)
        return;
    host->dirty = true;
    hawser_input(host->host, host->links[wire], host_now(sim, index), frames, count);
}

static bool take_events(struct sim *sim, uint32_t index)
{
    struct hawser_event events[BATCH];
    size_t n = hawser_events(sim->hosts[index].host, events, BATCH);
    for (size_t i = 0; i < n; i++)
        program_event(sim, index, &events[i]);
    return n > 0;
}

static bool take_output(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    struct hawser_buffer buffers[BATCH];
    bool any = false;
    for (uint32_t wire = 0; wire < sim->plan.wires_count; wire++) {
        size_t n;
        do {
            for (unsigned i = 0; i < BATCH; i++)
                buffers[i] = (struct hawser_buffer){.data = sim->store->output[i],
                                                    .capacity = sizeof sim->store->output[i]};
            n = hawser_output(host->host, host->links[wire], host_now(sim, index), buffers, BATCH);
            if (sim->touched_count > 0)
                judge_touched(sim);
            for (size_t i = 0; i < n; i++)
                network_send(sim, index, wire, buffers[i].data, buffers[i].length);
            any = any || n > 0;
        } while (n == BATCH);
    }
    return any;
}

static void judge_memory(struct sim *sim, uint32_t index)
{
    const struct sim_host *host = &sim->hosts[index];
    const struct hawser_config *config = &sim->plan.hosts[index].config;
    struct hawser_usage usage;
    hawser_usage_of(host->host, &usage);
    if (breaks(sim, SIM_BREAK_MEMORY, 5))
        usage.connections = config->connections_max + 1;
    if (usage.memory_bytes != host->meter.in_use_bytes)
        sim_fail(sim, "memory", LIFE_NONE, "host %u says it has %llu octets, it has %llu", index,
                 (unsigned long long)usage.memory_bytes,
                 (unsigned long long)host->meter.in_use_bytes);
    if (usage.memory_bytes > config->memory_bytes || usage.buffer_bytes > config->buffer_bytes)
        sim_fail(sim, "memory", LIFE_NONE, "host %u has more octets than its limit", index);
    if (usage.connections > config->connections_max || usage.halfopens > config->halfopen_max ||
        usage.timewaits > config->timewait_max)
        sim_fail(sim, "memory", LIFE_NONE, "host %u has more of something than its limit", index);
}

void host_turn(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    uint64_t now_ns = host_now(sim, index);
    sim->acting_host = index;
    for (unsigned rounds = 0;; rounds++) {
        if (rounds > ROUNDS_MAX)
            sim_fail(sim, "livelock", LIFE_NONE, "host %u finds no end at one instant", index);
        host->dirty = false;
        if (hawser_next_deadline(host->host) <= now_ns)
            hawser_expire(host->host, now_ns);
        bool told = take_events(sim, index);
        bool sent = take_output(sim, index);
        if (!told && !sent && !host->dirty)
            break;
    }
    uint64_t deadline_ns = hawser_next_deadline(host->host);
    if (breaks(sim, SIM_BREAK_DEADLINE, 20))
        deadline_ns = now_ns;
    if (deadline_ns <= now_ns) /* hawser.h promises */
        sim_fail(sim, "deadline", LIFE_NONE, "host %u is quiet, but its deadline is %.6f s ago",
                 index, (double)(now_ns - deadline_ns) / 1e9);
    host->due_ns = deadline_ns == NEVER ? NEVER : deadline_ns - host->clock_ns;
    if ((sim->steps & 15) == 0)
        judge_memory(sim, index);
}

/* ---- the end --------------------------------------------------------------------------------- */

void host_close_listeners(struct sim *sim, uint32_t index)
{
    struct sim_host *host = &sim->hosts[index];
    for (unsigned i = 0; i < host->listeners_count; i++)
        hawser_close(host->host, host->listeners[i].tcp);
    host->listeners_count = 0;
    host->allowance += 4096; /* a RST to everybody who waited */
    host->dirty = true;
}

bool host_is_empty(struct sim *sim, uint32_t index)
{
    struct hawser_usage usage;
    hawser_usage_of(sim->hosts[index].host, &usage);
    if (usage.connections + usage.halfopens + usage.timewaits + usage.listeners > 0)
        return false;
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    if (hawser_walk(sim->hosts[index].host, host_now(sim, index), &cursor, &info))
        sim_fail(sim, "leftover", LIFE_NONE, "host %u shows a connection in %s, but has none",
                 index, hawser_state_name(info.state));
    if (usage.buffer_bytes != 0)
        sim_fail(sim, "memory", LIFE_NONE, "host %u has no connection, and %llu octets of buffers",
                 index, (unsigned long long)usage.buffer_bytes);
    return true;
}
