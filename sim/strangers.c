/* SPDX-License-Identifier: MIT */
/* Strangers: packets of nobody on the way, with numbers that RFC 5961 and RFC 5927 say
 * to refuse. They are delivered directly, so that what they hit is known. */
#include <string.h>

#include "sim/internal.h"

/* A victim, and what is known of it. */
struct victim {
    uint32_t flow, side, host;
    struct hawser_tcp_info info;
    uint32_t wire;
};

static bool ask(struct sim *sim, struct victim *victim)
{
    const struct flow *flow = flow_at(sim, victim->flow);
    const struct flow_end *end = &flow->end[victim->side];
    victim->host = end->host;
    victim->wire = sim->plan.jobs[flow->job].wire;
    if (!flow->used || victim->wire == PLAN_ANY || sim->hosts[victim->host].host == NULL ||
        (end->stage != STAGE_OPEN && end->stage != STAGE_OPENING))
        return false;
    return hawser_status(sim->hosts[victim->host].host, host_now(sim, victim->host), end->tcp,
                         &victim->info) == 0;
}

static bool choose(struct sim *sim, struct random *r, struct victim *victim)
{
    uint32_t count = sim->store->flows_count;
    for (unsigned tries = 0; count > 0 && tries < 8; tries++) {
        victim->flow = (uint32_t)random_below(r, count);
        victim->side = (uint32_t)random_below(r, 2);
        if (ask(sim, victim))
            return true;
    }
    return false;
}

static bool is_synchronized(enum hawser_state state)
{
    return state != HAWSER_CLOSED && state != HAWSER_LISTEN && state != HAWSER_SYN_SENT &&
           state != HAWSER_SYN_RECEIVED && state != HAWSER_TIME_WAIT;
}

static void deliver(struct sim *sim, uint32_t host, uint32_t wire, const uint8_t *data,
                    uint32_t length)
{
    const struct hawser_frame frame = {.data = data, .length = length};
    network_capture(sim, data, length);
    sim->forging = true;
    sim->acting_host = host;
    host_input(sim, host, wire, &frame, 1);
    sim->forging = false;
}

static void way_to(const struct sim *sim, uint32_t host, uint32_t wire, struct packet_way *way)
{
    way->kind = sim->plan.wires[wire].kind;
    network_mac(wire, PLAN_HOSTS_MAX, way->from_mac);
    network_mac(wire, host, way->to_mac);
}

static void send_tcp(struct sim *sim, const struct victim *victim, const struct packet_tcp *tcp)
{
    uint8_t out[PACKET_MAX];
    struct packet_way way = {.source = victim->info.remote, .destination = victim->info.local};
    way_to(sim, victim->host, victim->wire, &way);
    deliver(sim, victim->host, victim->wire, out, packet_make_tcp(&way, tcp, out));
}

/* Beyond everything that could be meant, on either side. */
static uint32_t far(struct random *r, uint32_t from)
{
    return from + (1u << 30) + (uint32_t)random_below(r, UINT64_C(1) << 31);
}

/* In SYN-SENT everything must acknowledge our SYN. */
static void forge_before(struct sim *sim, struct random *r, const struct victim *victim)
{
    static const uint8_t flags[] = {PACKET_RST, PACKET_RST | PACKET_ACK, PACKET_SYN | PACKET_ACK,
                                    PACKET_ACK, PACKET_FIN | PACKET_ACK};
    const struct packet_tcp tcp = {.seq = (uint32_t)random_next(r),
                                   .ack = far(r, victim->info.snd_nxt),
                                   .flags = RANDOM_PICK(r, flags),
                                   .window = 1000};
    if (victim->info.state == HAWSER_SYN_SENT && tcp.flags != PACKET_RST)
        send_tcp(sim, victim, &tcp);
}

static void forge_rst(struct sim *sim, struct random *r, const struct victim *victim)
{
    const struct hawser_tcp_info *info = &victim->info;
    struct packet_tcp tcp = {.seq = far(r, info->rcv_nxt), .flags = PACKET_RST};
    if (info->rcv_wnd > 2 &&
        random_percent(r, 70)) /* RFC 5961 3.2: in the window, not at its edge */
        tcp.seq = info->rcv_nxt + 1 + (uint32_t)random_below(r, info->rcv_wnd - 1);
    if (random_percent(r, 50)) {
        tcp.flags |= PACKET_ACK;
        tcp.ack = info->snd_nxt;
    }
    if (sim->options.breaks == SIM_BREAK_FORGERY)
        tcp.seq = info->rcv_nxt;
    send_tcp(sim, victim, &tcp);
}

static void forge_syn(struct sim *sim, struct random *r, const struct victim *victim)
{
    const struct hawser_tcp_info *info = &victim->info;
    struct packet_tcp tcp = {.seq = (uint32_t)random_next(r), .flags = PACKET_SYN, .window = 8000};
    if (random_percent(r, 40))
        tcp.seq = info->rcv_nxt;
    if (random_percent(r, 30)) {
        tcp.flags |= PACKET_ACK;
        tcp.ack = info->snd_nxt;
    }
    send_tcp(sim, victim, &tcp);
}

/* Both numbers are right, and it is days old (RFC 7323 5.3 R1). */
static void forge_old(struct sim *sim, struct random *r, const struct victim *victim,
                      struct packet_tcp *tcp)
{
    const struct hawser_tcp_info *info = &victim->info;
    const struct flow *flow = flow_at(sim, victim->flow);
    uint32_t peer = flow->end[!victim->side].life;
    if (peer == LIFE_NONE || !sim->store->lives.list[peer].timestamps)
        return;
    uint32_t age_ms = 24u * 3600 * 1000 + (uint32_t)random_below(r, 1u << 29);
    tcp->seq = info->rcv_nxt;
    tcp->ack = info->snd_nxt;
    tcp->has_timestamps = true;
    tcp->ts_val = sim->store->lives.list[peer].ts_sent - age_ms;
    tcp->ts_ecr = 0;
}

/* Text, FIN, or an ACK alone: one of the two numbers is impossible. */
static void forge_data(struct sim *sim, struct random *r, const struct victim *victim)
{
    const struct hawser_tcp_info *info = &victim->info;
    struct packet_tcp tcp = {.seq = info->rcv_nxt,
                             .ack = far(r, info->snd_una),
                             .flags = PACKET_ACK,
                             .window = (uint16_t)random_next(r),
                             .text_bytes = (uint32_t)random_below(r, 200)};
    if (random_percent(r, 40)) {
        tcp.seq = far(r, info->rcv_nxt);
        tcp.ack = info->snd_nxt;
    } else if (info->rcv_wnd > 0 && random_percent(r, 50)) {
        tcp.seq += (uint32_t)random_below(r, info->rcv_wnd);
    }
    if (random_percent(r, 30))
        tcp.flags |= PACKET_FIN;
    if (info->has_timestamps && tcp.text_bytes > 0 && random_percent(r, 30)) {
        forge_old(sim, r, victim, &tcp);
    } else if (info->has_timestamps && random_percent(r, 70)) {
        tcp.has_timestamps = true;
        tcp.ts_val = (uint32_t)random_next(r);
        tcp.ts_ecr = (uint32_t)random_next(r);
    }
    send_tcp(sim, victim, &tcp);
}

/* A quote of a segment that was never sent; or, which must be a hint at the most, of one that
 * was. */
static void forge_icmp(struct sim *sim, struct random *r, const struct victim *victim)
{
    const struct hawser_tcp_info *info = &victim->info;
    static const enum packet_icmp kinds[] = {PACKET_UNREACHABLE_NET,  PACKET_UNREACHABLE_HOST,
                                             PACKET_UNREACHABLE_PORT, PACKET_UNREACHABLE_PROTOCOL,
                                             PACKET_TOO_BIG,          PACKET_TIME_EXCEEDED};
    uint8_t quoted[PACKET_MAX], out[PACKET_MAX];
    enum packet_icmp kind = RANDOM_PICK(r, kinds);
    bool sent = is_synchronized(info->state) && info->snd_nxt != info->snd_una &&
                kind != PACKET_TOO_BIG && random_percent(r, 50);
    const struct packet_tcp tcp = {.seq = sent ? info->snd_una : far(r, info->snd_una),
                                   .ack = info->rcv_nxt,
                                   .flags = PACKET_ACK,
                                   .window = 100,
                                   .text_bytes = 40};
    struct packet_way inner = {
        .kind = HAWSER_LINK_IP, .source = info->local, .destination = info->remote};
    uint32_t quoted_bytes = packet_make_tcp(&inner, &tcp, quoted);
    bool v6 = !hawser_address_is_v4(&info->local.address);
    struct packet_way way = {.destination = info->local};
    way.source.address = plan_address(victim->wire, PLAN_HOSTS_MAX, v6);
    way_to(sim, victim->host, victim->wire, &way);
    deliver(sim, victim->host, victim->wire, out,
            packet_make_icmp(&way, kind, 600, quoted, quoted_bytes, out));
    struct victim after = *victim;
    if (!sent && ask(sim, &after) && after.info.path_mtu_bytes != info->path_mtu_bytes)
        sim_fail(sim, "forgery", flow_at(sim, victim->flow)->end[victim->side].life,
                 "a forged quote made the path %u octets wide, it was %u",
                 after.info.path_mtu_bytes, info->path_mtu_bytes);
}

/* SYNs from addresses where nobody lives. */
static void flood(struct sim *sim, struct random *r, const struct plan_episode *e)
{
    const struct sim_host *host = &sim->hosts[e->a];
    if (host->host == NULL || host->listeners_count == 0)
        return;
    uint32_t wire = (uint32_t)random_below(r, sim->plan.wires_count);
    bool v6 = sim->plan.wires[wire].mtu >= 1280 && random_percent(r, 30);
    unsigned burst = (unsigned)random_from(r, 1, 12);
    for (unsigned i = 0; i < burst; i++) {
        uint8_t out[PACKET_MAX];
        struct packet_way way = {.source.port = (uint16_t)random_from(r, 1, 65535)};
        way.source.address = plan_address(wire, 0, v6);
        way.source.address.bytes[15] = (uint8_t)random_from(r, 100, 200);
        way.destination.address = plan_address(wire, e->a, v6);
        way.destination.port = host->listeners[random_below(r, host->listeners_count)].port;
        way_to(sim, e->a, wire, &way);
        const struct packet_tcp tcp = {
            .seq = (uint32_t)random_next(r), .flags = PACKET_SYN, .window = 60000};
        deliver(sim, e->a, wire, out, packet_make_tcp(&way, &tcp, out));
    }
}

static void garbage(struct sim *sim, struct random *r, const struct plan_episode *e)
{
    uint8_t out[256];
    uint32_t wire = (uint32_t)random_below(r, sim->plan.wires_count);
    uint32_t length = (uint32_t)random_from(r, 1, sizeof out), at = 0;
    for (uint32_t i = 0; i < length; i++)
        out[i] = (uint8_t)random_next(r);
    if (sim->plan.wires[wire].kind == HAWSER_LINK_ETHERNET && length > 16) {
        static const uint16_t types[] = {0x0800, 0x86dd, 0x0806};
        uint16_t type = RANDOM_PICK(r, types);
        network_mac(wire, e->a, out);
        out[12] = (uint8_t)(type >> 8);
        out[13] = (uint8_t)type;
        at = PACKET_ETHERNET;
    }
    if (length > at)
        out[at] = random_percent(r, 50) ? 0x45 : 0x60;
    deliver(sim, e->a, wire, out, length);
}

void strangers_act(struct sim *sim, uint32_t index)
{
    const struct plan_episode *e = &sim->plan.episodes[index];
    struct random r = random_of(sim->plan.seed + sim->stranger++, 0x57000 + index);
    struct victim victim;
    if (e->kind == PLAN_FLOOD)
        flood(sim, &r, e);
    if (e->kind == PLAN_GARBAGE && sim->hosts[e->a].host != NULL)
        garbage(sim, &r, e);
    if (e->kind == PLAN_FLOOD || e->kind == PLAN_GARBAGE || !choose(sim, &r, &victim))
        return;
    sim->coverage->episodes[e->kind]++;
    if (e->kind == PLAN_FORGED_ICMP)
        forge_icmp(sim, &r, &victim);
    else if (!is_synchronized(victim.info.state))
        forge_before(sim, &r, &victim);
    else if (e->kind == PLAN_FORGED_RST)
        forge_rst(sim, &r, &victim);
    else if (e->kind == PLAN_FORGED_SYN)
        forge_syn(sim, &r, &victim);
    else
        forge_data(sim, &r, &victim);
}
