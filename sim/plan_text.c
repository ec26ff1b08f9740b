/* SPDX-License-Identifier: MIT */
/* What one simulation will be, in words; and the addresses its hosts have. */
#include "sim/plan.h"

#include <stdio.h>
#include <string.h>

const char *plan_episode_name(enum plan_episode_kind kind)
{
    static const char *const names[] = {
#define EPISODE_NAME(name, text, chance) [PLAN_##name] = text,
        PLAN_EPISODE_MAP(EPISODE_NAME)
#undef EPISODE_NAME
    };
    return kind < PLAN_EPISODE_KINDS ? names[kind] : "?";
}

struct hawser_address plan_address(uint32_t wire, uint32_t host, bool v6)
{
    struct hawser_address address = {{0}};
    uint8_t *b = address.bytes;
    uint8_t last = host >= PLAN_HOSTS_MAX ? 254 : (uint8_t)(host + 1);
    if (v6) {
        b[0] = 0xfd;
        b[1] = 0x48;
        b[3] = (uint8_t)wire;
        b[15] = last;
        return address;
    }
    b[10] = b[11] = 0xff;
    b[12] = wire == PLAN_ANY ? 127 : 10;
    b[14] = wire == PLAN_ANY ? 0 : (uint8_t)wire;
    b[15] = wire == PLAN_ANY ? 1 : last;
    return address;
}

unsigned plan_prefix_bits(bool v6)
{
    return v6 ? 64 : 24;
}

static size_t clipped(int written, size_t cap)
{
    return written < 0 ? 0 : (size_t)written < cap ? (size_t)written : cap - 1;
}

size_t plan_print_job(const struct plan *plan, unsigned job, char *out, size_t cap)
{
    static const char *const endings[PLAN_ENDINGS] = {
        "shutdown", "after eof", "close", "linger 0", "abort at", "abort after", "keep"};
    const struct plan_job *j = &plan->jobs[job];
    char talk[96];
    if (j->guest)
        snprintf(talk, sizeof talk, "the program");
    else
        snprintf(talk, sizeof talk, "%u octets (%s) and %u (%s)", j->end[0].bytes,
                 endings[j->end[0].ending], j->end[1].bytes, endings[j->end[1].ending]);
    return clipped(snprintf(out, cap, "job%u: host %u to %u, IPv%u, %s%u times%s, from %.3f s: %s",
                            job, j->client, j->server, j->v6 ? 6u : 4u,
                            j->wire == PLAN_ANY ? "loopback, " : "", j->repeat,
                            j->simultaneous ? ", both open" : "", (double)j->start_ns / 1e9, talk),
                   cap);
}

size_t plan_print_episode(const struct plan *plan, unsigned episode, char *out, size_t cap)
{
    const struct plan_episode *e = &plan->episodes[episode];
    char who[32] = "everybody";
    if (e->kind == PLAN_PARTITION)
        snprintf(who, sizeof who, "hosts of set %#x", e->a);
    else if (e->a != PLAN_ANY)
        snprintf(who, sizeof who, "host %u to %u", e->a, e->b);
    return clipped(snprintf(out, cap, "fault%u: %s, %s, %.3f s to %.3f s, %u ppm, amount %llu",
                            episode, plan_episode_name(e->kind), who, (double)e->from_ns / 1e9,
                            (double)e->to_ns / 1e9, e->ppm, (unsigned long long)e->amount),
                   cap);
}

size_t plan_print_host(const struct plan *plan, unsigned host, char *out, size_t cap)
{
    const struct hawser_config *c = &plan->hosts[host].config;
    return clipped(
        snprintf(out, cap,
                 "host %u: buffers %u and %u,%s%s%s at most %u connections, %u half-open, "
                 "%u in TIME-WAIT, %llu bytes of memory",
                 host, c->send_buffer_bytes, c->receive_buffer_bytes,
                 c->timestamps ? " timestamps," : "", c->sack ? " sack," : "",
                 c->window_scaling ? " scaling," : "", c->connections_max, c->halfopen_max,
                 c->timewait_max, (unsigned long long)plan->hosts[host].memory_bytes),
        cap);
}
