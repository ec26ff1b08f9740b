/* SPDX-License-Identifier: MIT */
/* The simulated network: a switch on Ethernet, a cloud of routers between IP links; and everything
 * that can happen to a frame on its way. */
#include <string.h>

#include "sim/internal.h"

#define ROUTER PLAN_HOSTS_MAX /* where ICMP errors come from */

void network_mac(uint32_t wire, uint32_t host, uint8_t out[6])
{
    const uint8_t mac[6] = {0x02, 0x73, 0x69, 0x6d, (uint8_t)wire, (uint8_t)(host + 1)};
    memcpy(out, mac, 6);
}

static uint64_t path_delay(const struct sim *sim, uint32_t wire, uint32_t from, uint32_t to)
{
    const struct plan_wire *w = &sim->plan.wires[wire];
    if (w->spread_ns == 0)
        return w->delay_ns;
    struct random r = random_of(sim->plan.seed, 0xd000 + wire * 256 + from * 16 + to);
    return w->delay_ns + random_below(&r, w->spread_ns);
}

/* ---- arriving -------------------------------------------------------------------------------- */

/* The frame leaves for a host now and arrives after delay_ns, unless it gets too old. */
static void launch(struct sim *sim, uint32_t to, uint32_t wire, uint64_t delay_ns,
                   const uint8_t *data, uint32_t length)
{
    if (delay_ns > sim->plan.life_ns) {
        sim->result->figures.lost++;
        return;
    }
    struct queue_frame *frame = queue_frame_make(&sim->store->queue, data, length);
    if (frame == NULL)
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
    frame->host = to;
    frame->wire = wire;
    const struct queue_item item = {
        .at_ns = sim->now_ns + delay_ns, .kind = QUEUE_FRAME, .frame = frame};
    if (!queue_add(&sim->store->queue, &item))
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
}

void network_deliver(struct sim *sim, struct queue_frame *first)
{
    struct queue *queue = &sim->store->queue;
    struct queue_frame *batch[16] = {first};
    struct hawser_frame frames[16];
    size_t count = 1;
    while (count < 16 && queue_next(queue) == sim->now_ns && queue->heap[0].kind == QUEUE_FRAME &&
           queue->heap[0].frame->host == first->host && queue->heap[0].frame->wire == first->wire)
        batch[count++] = queue_take(queue).frame;
    for (size_t i = 0; i < count; i++)
        frames[i] = (struct hawser_frame){.data = batch[i]->data, .length = batch[i]->length};
    sim->acting_host = first->host;
    host_input(sim, first->host, first->wire, frames, count);
    for (size_t i = 0; i < count; i++)
        queue_frame_drop(queue, batch[i]);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* One frame on its way from a host to another. */
struct passage {
    uint32_t wire, from, to;
    const uint8_t *data;
    uint32_t length;
    struct packet packet;
    struct random random;
    uint64_t delay_ns;
    uint32_t mtu;
    bool tells_mtu; /* with ICMP where it is too narrow */
    bool lost, twice, corrupt;
};

static bool concerns(const struct plan_episode *e, const struct passage *p)
{
    return e->a == PLAN_ANY || (e->a == p->from && e->b == p->to);
}

static bool either_way(const struct plan_episode *e, const struct passage *p)
{
    return concerns(e, p) || (e->a == p->to && e->b == p->from) || e->a == e->b;
}

static uint32_t narrowest(const struct passage *p, uint64_t amount)
{
    return p->packet.v6 && amount < 1280 ? 1280 : (uint32_t)amount;
}

static void meet(struct sim *sim, const struct plan_episode *e, struct passage *p)
{
    struct pair_state *pair = &sim->pairs[p->wire][p->from][p->to];
    bool hit = concerns(e, p) && random_ppm(&p->random, e->ppm);
    switch (e->kind) {
    case PLAN_LOSS:
        p->lost |= hit;
        break;
    case PLAN_BURST:
        if (hit)
            pair->burst_left = (uint32_t)e->amount;
        break;
    case PLAN_DUPLICATE:
        p->twice |= hit;
        break;
    case PLAN_REORDER:
        p->delay_ns += hit ? e->amount : 0;
        break;
    case PLAN_CORRUPT:
        p->corrupt |= hit;
        break;
    case PLAN_DELAY:
        p->delay_ns += concerns(e, p) ? e->amount : 0;
        break;
    case PLAN_PARTITION:
        p->lost |= (e->a >> p->from & 1) != (e->a >> p->to & 1);
        break;
    case PLAN_ONE_WAY:
        p->lost |= e->a == p->from && (e->b == p->to || e->b == e->a);
        break;
    case PLAN_NARROW:
    case PLAN_BLACK_HOLE:
        if (either_way(e, p) && narrowest(p, e->amount) < p->mtu) {
            p->mtu = narrowest(p, e->amount);
            p->tells_mtu = e->kind == PLAN_NARROW;
        }
        break;
    case PLAN_RESTART:
    case PLAN_MEMORY:
    case PLAN_CLOCK:
    case PLAN_FORGED_RST:
    case PLAN_FORGED_SYN:
    case PLAN_FORGED_DATA:
    case PLAN_FORGED_ICMP:
    case PLAN_FLOOD:
    case PLAN_GARBAGE:
    case PLAN_EPISODE_KINDS:
        break;
    }
}

static void send_icmp(struct sim *sim, const struct passage *p, enum packet_icmp kind)
{
    uint8_t out[PACKET_MAX];
    struct packet_way way = {.kind = sim->plan.wires[p->wire].kind};
    network_mac(p->wire, ROUTER, way.from_mac);
    network_mac(p->wire, p->from, way.to_mac);
    way.source.address = plan_address(p->wire, ROUTER, p->packet.v6);
    way.destination.address = p->packet.source;
    if (kind == PACKET_TOO_BIG) /* all that is under way may be sent again, in small pieces */
        sim->hosts[p->from].allowance += 2000;
    uint32_t length =
        packet_make_icmp(&way, kind, p->mtu, p->data + p->packet.ip_at, p->packet.ip_bytes, out);
    launch(sim, p->from, p->wire, path_delay(sim, p->wire, p->from, p->to), out, length);
}

/* Too long for the way. */
static void too_long(struct sim *sim, struct passage *p)
{
    if (p->packet.dont_fragment) {
        sim->result->figures.lost++;
        if (p->tells_mtu && p->packet.protocol == 6 && !random_ppm(&p->random, 100000))
            send_icmp(sim, p, PACKET_TOO_BIG);
        return;
    }
    uint8_t out[PACKET_MAX];
    uint32_t at = 0, length;
    while ((length = packet_make_fragment(p->data, &p->packet, p->mtu, &at, out)) > 0)
        launch(sim, p->to, p->wire, p->delay_ns, out, length);
}

static void corrupt(struct sim *sim, struct passage *p)
{
    uint8_t out[PACKET_MAX];
    if (p->length > sizeof out)
        return;
    memcpy(out, p->data, p->length);
    uint64_t bit = random_below(&p->random, (uint64_t)p->length * 8);
    out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    launch(sim, p->to, p->wire, p->delay_ns, out, p->length);
}

/* What checkers of the world's own making are for: octets that arrive changed and look right. */
static bool break_frame(struct sim *sim, struct passage *p)
{
    uint8_t out[PACKET_MAX];
    bool text =
        p->packet.is_ip && p->packet.protocol == 6 && p->packet.ip_bytes > p->packet.text_at + 100;
    if (sim->options.breaks == SIM_BREAK_STALL && sim->calm)
        return true;
    if (!text || p->length > sizeof out || !breaks(sim, SIM_BREAK_CONTENT, 2))
        return false;
    memcpy(out, p->data, p->length);
    out[p->packet.ip_at + p->packet.ip_bytes - 1] ^= 0x20;
    packet_mend(sim->plan.wires[p->wire].kind, out, p->length);
    launch(sim, p->to, p->wire, p->delay_ns, out, p->length);
    return true;
}

/* The host is down. */
static void nobody_there(struct sim *sim, struct passage *p)
{
    static const enum packet_icmp kinds[] = {PACKET_UNREACHABLE_NET, PACKET_UNREACHABLE_HOST,
                                             PACKET_UNREACHABLE_PORT, PACKET_UNREACHABLE_PROTOCOL,
                                             PACKET_TIME_EXCEEDED};
    sim->result->figures.lost++;
    if (p->packet.is_ip && p->packet.protocol == 6 && random_ppm(&p->random, 500000))
        send_icmp(sim, p, RANDOM_PICK(&p->random, kinds));
}

static void pass(struct sim *sim, struct passage *p)
{
    struct pair_state *pair = &sim->pairs[p->wire][p->from][p->to];
    uint64_t pair_name = (uint64_t)p->wire << 16 | p->from << 8 | p->to;
    p->random = random_of(sim->plan.seed + pair->frames++, 0xf000 + pair_name);
    p->delay_ns += path_delay(sim, p->wire, p->from, p->to);
    p->mtu = sim->plan.wires[p->wire].mtu;
    for (unsigned i = 0; i < sim->active_count; i++)
        meet(sim, &sim->plan.episodes[sim->active_list[i]], p);
    if (pair->burst_left > 0 && !sim->calm) {
        pair->burst_left--;
        p->lost = true;
    }
    if (sim->options.breaks != SIM_BREAK_NOTHING && break_frame(sim, p))
        return;
    if (p->lost) {
        sim->result->figures.lost++;
        return;
    }
    if (sim->hosts[p->to].host == NULL) {
        nobody_there(sim, p);
        return;
    }
    if (p->packet.is_ip && p->packet.ip_bytes > p->mtu) {
        too_long(sim, p);
        return;
    }
    if (p->corrupt)
        corrupt(sim, p);
    else
        launch(sim, p->to, p->wire, p->delay_ns, p->data, p->length);
    if (p->twice)
        launch(sim, p->to, p->wire, p->delay_ns + random_below(&p->random, sim->plan.life_ns),
               p->data, p->length);
}

/* ---- leaving --------------------------------------------------------------------------------- */

/* Waits for the host's line. False: the queue in front of it is full. */
static bool wait_for_line(struct sim *sim, uint32_t host, uint32_t wire, uint32_t length,
                          uint64_t *wait_ns)
{
    const struct plan_wire *w = &sim->plan.wires[wire];
    uint64_t *free_ns = &sim->hosts[host].line_free_ns[wire];
    if (w->rate_bits_per_s == 0) {
        *wait_ns = 0;
        return true;
    }
    uint64_t start_ns = *free_ns > sim->now_ns ? *free_ns : sim->now_ns;
    uint64_t waiting_bytes = (start_ns - sim->now_ns) * (w->rate_bits_per_s / 1000) / 8000000;
    if (waiting_bytes > w->queue_bytes)
        return false;
    *free_ns = start_ns + (uint64_t)length * 8000000000u / w->rate_bits_per_s;
    *wait_ns = *free_ns - sim->now_ns;
    return true;
}

/* The host that has an address on a wire; PLAN_ANY: nobody. */
static uint32_t owner_of(const struct sim *sim, uint32_t wire, const struct packet *packet)
{
    uint32_t host = (uint32_t)packet->destination.bytes[15] - 1;
    if (host >= sim->plan.hosts_count)
        return PLAN_ANY;
    struct hawser_address expected = plan_address(wire, host, packet->v6);
    return memcmp(&expected, &packet->destination, sizeof expected) == 0 ? host : PLAN_ANY;
}

static bool is_for(const struct sim *sim, uint32_t wire, const struct packet *packet, uint32_t host)
{
    uint8_t mac[6];
    if (sim->plan.wires[wire].kind != HAWSER_LINK_ETHERNET)
        return owner_of(sim, wire, packet) == host;
    network_mac(wire, host, mac);
    return packet->broadcast || memcmp(packet->mac, mac, 6) == 0;
}

static void hash_frame(struct sim *sim, uint32_t host, const uint8_t *data, uint32_t length)
{
    uint64_t hash = sim->now_ns ^ (uint64_t)host << 56 ^ length;
    for (; length >= 8; length -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 29;
    }
    for (; length > 0; length--)
        hash = (hash ^ *data++) * UINT64_C(0x100000001b3);
    sim_digest(sim, hash);
}

/* Written at once: the next thing may be a crash. */
void network_capture(struct sim *sim, const uint8_t *data, uint32_t length)
{
    if (sim->capture != NULL && hawser_pcap_write(sim->capture, sim->now_ns, data, length) == 0)
        (void)hawser_pcap_flush(sim->capture);
}

void network_send(struct sim *sim, uint32_t host, uint32_t wire, const uint8_t *data,
                  uint32_t length)
{
    const struct plan_wire *w = &sim->plan.wires[wire];
    struct passage p = {.wire = wire, .from = host, .data = data, .length = length};
    sim->result->figures.frames++;
    hash_frame(sim, host, data, length);
    network_capture(sim, data, length);
    if (!packet_read(w->kind, data, length, &p.packet))
        sim_fail(sim, "frame", LIFE_NONE, "host %u sent %u octets that are nothing", host, length);
    if (p.packet.is_ip && p.packet.ip_bytes > w->mtu)
        sim_fail(sim, "mtu", LIFE_NONE, "host %u sent a packet of %u octets, the link takes %u",
                 host, p.packet.ip_bytes, w->mtu);
    uint64_t wait_ns;
    if (!wait_for_line(sim, host, wire, length, &wait_ns)) {
        sim->result->figures.lost++;
        return;
    }
    for (uint32_t to = 0; to < sim->plan.hosts_count; to++) {
        if (to == host || !sim->plan.hosts[to].used || !is_for(sim, wire, &p.packet, to))
            continue;
        p.to = to;
        p.delay_ns = wait_ns;
        p.lost = p.twice = p.corrupt = false;
        pass(sim, &p);
    }
}
