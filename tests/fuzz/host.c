/* SPDX-License-Identifier: MIT */
/* Fuzz target: one host; the input is a program of its users' calls and of what arrives: segments
 * with numbers relative to the connection, handshakes, ICMP, fragments, echoes of its own packets,
 * damaged and arbitrary frames; and of time. */
#include "fuzz/machine.h"

#include "base/bytes.h"
#include "wire/ether.h"
#include "wire/ip.h"

#define FLOWS 8u
#define SERVER_PORT 80u
#define OWN_MAC                                                                                    \
    {                                                                                              \
        2, 0, 0, 0, 0, 1                                                                           \
    }
#define PEER_MAC                                                                                   \
    {                                                                                              \
        2, 0, 0, 0, 0, 2                                                                           \
    }

/* What the world knows of one 4-tuple. The peer's octets are fuzz_octet(0, sequence number). */
struct flow {
    uint16_t local_port, remote_port;
    uint32_t isn;      /* the peer's */
    uint32_t rcv_nxt;  /* the host's last ACK */
    uint32_t edge;     /* and the right edge of its window */
    uint32_t una, nxt; /* what the peer has acknowledged, what the host has sent */
    uint32_t iss;      /* the host's */
    uint32_t ts;       /* the host's last TSval */
    uint8_t wscale;    /* the host's */
    bool scaled;       /* the peer's SYN had the option */
    bool host_syn;     /* a SYN of the host waits for an answer */
};

struct world {
    struct machine machine;
    struct users users;
    struct ledger ledger;
    struct flow flows[FLOWS];
    struct {
        uint32_t ports, iss;
    } begun[64]; /* the host's initial numbers, by ports */
    unsigned begun_count;
    struct hawser_address own, peer;
    struct packet packet, last; /* last: what the host sent last, without Ethernet header */
    bool tainted;               /* octets of others may have come into the streams */
};

/* ---- what the host sends --------------------------------------------------------------------- */

static struct flow *flow_of(struct world *w, uint16_t local_port, uint16_t remote_port)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &w->flows[i];
        if (f->remote_port != remote_port)
            continue;
        if (f->remote_port < 1024)
            f->local_port = local_port; /* an open of the host, whose port it chose */
        if (f->local_port == local_port)
            return f;
    }
    return NULL;
}

static void note_segment(struct flow *f, const struct segment *seg)
{
    uint32_t end = seg->seq.v + seg->len;
    if (seg->flags & TCP_RST)
        return;
    if (seg->flags & TCP_SYN) {
        f->host_syn = true;
        f->iss = f->una = seg->seq.v;
        f->nxt = end;
        f->wscale = seg->options & TCP_OPT_WSCALE ? seg->wscale : 0;
    }
    if ((int32_t)(end - f->nxt) > 0)
        f->nxt = end;
    if (seg->options & TCP_OPT_TIMESTAMPS)
        f->ts = seg->ts_val;
    if (seg->flags & TCP_ACK) {
        uint8_t scale = seg->flags & TCP_SYN || !f->scaled ? 0 : f->wscale;
        f->rcv_nxt = seg->ack.v;
        f->edge = seg->ack.v + ((uint32_t)seg->wnd << scale);
    }
}

/* It sends what its user wrote, again and again the same. */
static void check_text(struct world *w, const struct segment *seg)
{
    uint32_t ports = (uint32_t)seg->src_port << 16 | seg->dst_port;
    if (seg->flags & TCP_SYN) {
        unsigned at = w->begun_count++ % COUNT_OF(w->begun);
        w->begun[at].ports = ports;
        w->begun[at].iss = seg->seq.v;
    }
    for (unsigned i = 1; i <= COUNT_OF(w->begun) && i <= w->begun_count; i++) {
        unsigned at = (w->begun_count - i) % COUNT_OF(w->begun);
        if (w->begun[at].ports != ports)
            continue;
        for (uint32_t j = 0; j < seg->text_len; j++)
            REQUIRE(seg->text[j] == fuzz_octet(w->begun[at].iss, seg->seq.v + j));
        return;
    }
}

static void answer_arp(struct world *w, const uint8_t *frame)
{
    struct arp question, answer = {.op = ARP_REPLY, .sender_mac = {PEER_MAC}};
    uint8_t reply[ETHER_HEADER_BYTES + ARP_BYTES];
    struct ether e = {.type = ETHER_TYPE_ARP, .src = {PEER_MAC}, .dst = {OWN_MAC}};
    if (!arp_parse(frame + ETHER_HEADER_BYTES, ARP_BYTES, &question) || question.op != ARP_REQUEST)
        return;
    answer.target_mac = question.sender_mac;
    memcpy(answer.sender_ip, question.target_ip, 4);
    memcpy(answer.target_ip, question.sender_ip, 4);
    ether_emit(&e, reply);
    arp_emit(&answer, reply + ETHER_HEADER_BYTES);
    machine_input(&w->machine, reply, sizeof reply, 0);
}

static void sent(void *context, const uint8_t *frame, uint32_t length)
{
    struct world *w = context;
    struct ip_packet ip;
    struct segment seg;
    if (w->machine.ethernet) {
        if (load_be16(frame + 12) == ETHER_TYPE_ARP) {
            answer_arp(w, frame);
            return;
        }
        frame += ETHER_HEADER_BYTES;
        length -= ETHER_HEADER_BYTES;
    }
    memcpy(w->last.bytes, frame, length);
    w->last.length = length;
    if (ip_parse(frame, length, &ip) != IP_PARSE_OK || ip.protocol != IP_PROTO_TCP ||
        ip.is_fragment || tcp_parse(ip.payload, ip.payload_len, 0, false, &seg) != TCP_PARSE_OK)
        return;
    check_text(w, &seg);
    struct flow *f = flow_of(w, seg.src_port, seg.dst_port);
    if (f != NULL)
        note_segment(f, &seg);
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static void arrive(struct world *w)
{
    static const uint8_t own[6] = OWN_MAC, peer[6] = PEER_MAC;
    if (w->machine.ethernet)
        packet_ether(&w->packet, own, peer);
    machine_input(&w->machine, w->packet.bytes, w->packet.length, 0);
}

/* Sequence numbers around those that matter. */
static uint32_t pick_seq(const struct flow *f, unsigned which, uint16_t d, uint32_t len)
{
    switch (which % 16) {
    case 0:
    case 1:
        return f->rcv_nxt;
    case 2:
        return f->rcv_nxt - 1;
    case 3:
        return f->rcv_nxt + 1;
    case 4:
        return f->rcv_nxt + d;
    case 5:
        return f->rcv_nxt - d;
    case 6:
        return f->edge - len;
    case 7:
        return f->edge - 1;
    case 8:
        return f->edge;
    case 9:
        return f->rcv_nxt + 0x7fffffff;
    case 10:
        return f->rcv_nxt - 0x80000000;
    case 11:
        return f->isn;
    case 12:
        return f->isn + 1;
    case 13:
        return f->rcv_nxt + 100000u * (d % 64u);
    case 14:
        return f->rcv_nxt - len;
    default:
        return (uint32_t)d << 16 | d;
    }
}

static uint32_t pick_ack(const struct flow *f, unsigned which, uint16_t d)
{
    switch (which % 16) {
    case 0:
    case 1:
    case 2:
        return f->nxt;
    case 3:
    case 4:
        return f->una;
    case 5:
        return f->nxt - 1;
    case 6:
        return f->nxt + 1;
    case 7:
        return f->una - 1;
    case 8:
        return f->una + (f->nxt - f->una) / 2;
    case 9:
        return f->iss;
    case 10:
        return f->iss + 1;
    case 11:
        return f->una + d;
    case 12:
        return f->nxt - d;
    case 13:
        return f->una + 0x7fffffff;
    case 14:
        return f->una - 0x80000000;
    default:
        return f->una - d;
    }
}

static void pick_timestamps(struct world *w, const struct flow *f, unsigned which,
                            struct segment *seg)
{
    uint32_t clock = (uint32_t)(w->machine.now_ns / FUZZ_MS) + 1;
    static const uint32_t away[] = {0, 0, (uint32_t)-1, (uint32_t)-5000, 0x80000000, 100000};
    if (which % 8 == 7)
        return;
    seg->options |= TCP_OPT_TIMESTAMPS;
    seg->ts_val = clock + away[which % COUNT_OF(away)];
    seg->ts_ecr = which & 8 ? f->ts - 1 : f->ts;
}

static void pick_sack(const struct flow *f, unsigned blocks, uint16_t d, struct segment *seg)
{
    if (blocks == 0)
        return;
    seg->options |= TCP_OPT_SACK;
    seg->sack_count = (uint8_t)blocks;
    for (unsigned i = 0; i < blocks; i++) {
        uint32_t left = (d >> 4 & 7u) * 536u + i * 2 * 536u, length = ((d & 15u) + 1) * 268u;
        if (d & 0x8000)
            left = (uint32_t)-1 - left; /* below what is acknowledged: a duplicate, RFC 2883 */
        if (d & 0x4000)
            length = (uint32_t)-1;
        seg->sack[i].left = seq_of(f->una + left);
        seg->sack[i].right = seq_of(f->una + left + length);
    }
}

static void send_segment(struct world *w, struct flow *f, struct segment *seg)
{
    static uint8_t text[65536];
    fuzz_octets(0, seg->seq.v + !!(seg->flags & TCP_SYN), text, seg->text_len);
    seg->text = text;
    seg->src_port = f->remote_port;
    seg->dst_port = f->local_port;
    uint32_t header = tcp_header_bytes(seg);
    if (seg->text_len > 65535 - 40 - header)
        seg->text_len = 65535 - 40 - header;
    packet_tcp(&w->packet, &w->peer, &w->own, seg);
    if (seg->flags & TCP_SYN)
        f->scaled = seg->options & TCP_OPT_WSCALE;
    if (seg->flags & TCP_ACK && (int32_t)(seg->ack.v - f->una) > 0 &&
        (int32_t)(f->nxt - seg->ack.v) >= 0)
        f->una = seg->ack.v;
}

/* a: flow and options; b: flags; c: numbers; d, e: distances; f: length; g: window and
 * timestamps. */
static void make_segment(struct world *w, const struct fuzz_op *op)
{
    static const uint16_t windows[] = {65535, 0, 1, 100, 536, 1460, 8192, 32768};
    static const uint16_t lengths[] = {0, 0, 1, 100, 536, 1000, 1448, 1460};
    struct flow *f = &w->flows[op->a % FLOWS];
    struct segment seg = {.flags = op->b, .wnd = windows[op->g & 7]};
    seg.text_len = op->f < 0x8000 ? lengths[op->f & 7] : op->f & 0x7fff;
    seg.seq = seq_of(pick_seq(f, op->c & 15, op->d, seg.text_len));
    seg.ack = seq_of(pick_ack(f, op->c >> 4, op->e));
    pick_timestamps(w, f, op->g >> 4 & 15, &seg);
    pick_sack(f, op->a >> 4 & 3, op->e, &seg);
    seg.up = op->e;
    if (op->b & TCP_SYN) {
        static const uint16_t mss[] = {1460, 536, 88, 1, 0, 65535, 9000, 64};
        seg.options |= TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_WSCALE;
        seg.options &= (uint8_t) ~(op->f >> 8);
        seg.mss = mss[op->f >> 4 & 7];
        seg.wscale = (uint8_t)(op->g >> 8 & 15);
        f->isn = seg.seq.v;
    }
    send_segment(w, f, &seg);
}

static void segment_arrives(struct world *w, const struct fuzz_op *op)
{
    make_segment(w, op);
    arrive(w);
}

/* The same in two IPv4 fragments, in either order, or only one of them. */
static void fragments_arrive(struct world *w, const struct fuzz_op *op)
{
    static struct packet whole;
    make_segment(w, op);
    whole = w->packet;
    for (unsigned i = 0; i < 2; i++) {
        if (op->d >> (8 + i) & 1)
            continue;
        w->packet = whole;
        packet_fragment(&w->packet, op->d & 0xff, (i ^ (op->d >> 10)) & 1);
        arrive(w);
    }
}

/* The peer does its part of what makes a connection, or acknowledges all there is. */
static void peer_behaves(struct world *w, const struct fuzz_op *op)
{
    struct flow *f = &w->flows[op->a % FLOWS];
    struct segment seg = {.wnd = 65535, .options = TCP_OPT_MSS, .mss = op->b & 1 ? 536 : 1460};
    seg.options |= op->b & 2 ? 0 : TCP_OPT_SACK_PERMITTED;
    seg.options |= op->b & 4 ? 0 : TCP_OPT_WSCALE;
    seg.wscale = op->c % 15;
    pick_timestamps(w, f, op->b & 8 ? 7 : 0, &seg);
    if (f->remote_port < 1024 ? f->host_syn : op->b & 16) {
        f->isn = f->remote_port < 1024 ? (uint32_t)op->d << 16 : f->rcv_nxt + 100000u + op->d;
        seg.seq = seq_of(f->isn);
        seg.flags = f->remote_port < 1024 ? TCP_SYN | TCP_ACK : TCP_SYN;
        seg.ack = seq_of(f->nxt);
        f->rcv_nxt = f->isn + 1;
        f->edge = f->rcv_nxt + 65535;
        send_segment(w, f, &seg);
        arrive(w);
        machine_drain(&w->machine);
    }
    f->host_syn = false;
    seg = (struct segment){.flags = TCP_ACK, .wnd = 65535, .seq = seq_of(f->rcv_nxt)};
    seg.ack = seq_of(f->nxt);
    seg.flags |= op->b & 32 ? TCP_FIN : 0;
    seg.text_len = op->b & 64 ? op->e % 1400 : 0;
    pick_timestamps(w, f, op->b & 8 ? 7 : 0, &seg);
    send_segment(w, f, &seg);
    arrive(w);
}

static void icmp_arrives(struct world *w, const struct fuzz_op *op)
{
    static const uint8_t types4[] = {3, 3, 11, 12, 4, 5}, types6[] = {1, 2, 3, 4, 100, 135};
    static const uint32_t infos[] = {0, 68, 296, 576, 1280, 1400, 1500, 65535};
    bool v6 = !hawser_address_is_v4(&w->own);
    uint8_t type = v6 ? types6[op->a % 6] : types4[op->a % 6];
    static struct packet about;
    about = w->last;
    if (about.length == 0)
        return;
    if (op->d != 0 && about.length >= (v6 ? 60u : 40u)) { /* of another number */
        uint8_t *seq = about.bytes + (v6 ? 44 : 24);
        store_be32(seq, load_be32(seq) + op->d - 0x8000u);
    }
    uint32_t quoted = op->c == 0 ? 64 : op->c;
    if (quoted > about.length)
        quoted = about.length;
    packet_icmp(&w->packet, &w->peer, &w->own, type, op->b % 16, infos[op->e & 7], about.bytes,
                quoted);
    arrive(w);
}

/* The host's own last packet comes back, with a few octets changed and the checksums mended, or as
 * it is. */
static void echo_arrives(struct world *w, const struct fuzz_op *op)
{
    w->packet = w->last;
    if (w->packet.length < 40)
        return;
    w->tainted = true;
    if (op->a & 1) { /* turned round: addresses, then ports */
        bool v6 = w->packet.bytes[0] >> 4 == 6;
        uint32_t n = v6 ? 16 : 4, at = v6 ? 8 : 12, ports = v6 ? 40 : 20;
        uint8_t copy[16];
        memcpy(copy, w->packet.bytes + at, n);
        memcpy(w->packet.bytes + at, w->packet.bytes + at + n, n);
        memcpy(w->packet.bytes + at + n, copy, n);
        memcpy(copy, w->packet.bytes + ports, 2);
        memcpy(w->packet.bytes + ports, w->packet.bytes + ports + 2, 2);
        memcpy(w->packet.bytes + ports + 2, copy, 2);
    }
    if (op->a & 2)
        w->packet.bytes[op->d % w->packet.length] = op->b;
    if (op->a & 4)
        w->packet.bytes[op->e % w->packet.length] ^= op->c;
    if (op->a & 8)
        w->packet.length = op->f % w->packet.length;
    if (!(op->a & 16))
        packet_mend(w->packet.bytes, w->packet.length);
    arrive(w);
}

/* A segment like any other, damaged as above. */
static void damage_arrives(struct world *w, const struct fuzz_op *op, const struct fuzz_op *damage)
{
    make_segment(w, op);
    w->tainted = true;
    w->packet.bytes[damage->d % w->packet.length] = damage->b;
    if (damage->a & 1)
        w->packet.bytes[damage->e % w->packet.length] ^= damage->c;
    if (damage->a & 2)
        packet_mend(w->packet.bytes, w->packet.length);
    if (damage->a & 4)
        w->packet.length = damage->f % w->packet.length;
    arrive(w);
}

/* The operations that follow are the frame. */
static void frame_arrives(struct world *w, struct fuzz_program *program, const struct fuzz_op *op)
{
    struct fuzz_op skipped;
    uint32_t n = op->a % 16u * FUZZ_OP_BYTES;
    if (n > program->size - program->at)
        n = (uint32_t)(program->size - program->at);
    w->packet.length = n;
    memcpy(w->packet.bytes, program->data + program->at, n);
    for (uint32_t i = 0; i < n; i += FUZZ_OP_BYTES)
        fuzz_next(program, &skipped);
    w->tainted = true;
    if (op->b & 1 && n > 0)
        packet_mend(w->packet.bytes, n);
    if (op->b & 2)
        arrive(w);
    else
        machine_input(&w->machine, w->packet.bytes, n, op->b & 4 ? HAWSER_FRAME_CHECKSUM_OK : 0);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void time_passes(struct world *w, const struct fuzz_op *op)
{
    static const uint64_t times[] = {FUZZ_MS,        10 * FUZZ_MS, 50 * FUZZ_MS, 300 * FUZZ_MS,
                                     1100 * FUZZ_MS, 7 * FUZZ_S,   65 * FUZZ_S,  600 * FUZZ_S};
    machine_wait(&w->machine, times[op->a & 7] * (1 + (op->b & 3u)), NULL);
}

static void routes_change(struct world *w, const struct fuzz_op *op)
{
    struct machine *m = &w->machine;
    unsigned bits = hawser_address_is_v4(&w->own) ? 24 : 64;
    int result;
    if (op->a & 1)
        result = hawser_address_add(m->host, m->link, &w->own, bits);
    else
        result = hawser_address_remove(m->host, &w->own);
    REQUIRE(result == 0 || result == HAWSER_ERR_EXISTS || result == HAWSER_ERR_RESOURCES ||
            result == HAWSER_ERR_ADDRESS_NOT_LOCAL);
    if (op->a & 2)
        hawser_route_add(m->host, &w->peer, op->b, NULL, m->link, op->c);
    if (op->a & 4)
        hawser_route_remove(m->host, &w->peer, op->b, m->link);
}

static void user_calls(struct world *w, const struct fuzz_op *op)
{
    struct users *u = &w->users;
    switch (op->code % 24) {
    case 11:
        users_listen(u, op, SERVER_PORT);
        break;
    case 12:
        users_open(u, op, (uint16_t)(7 + op->a % 4));
        break;
    case 13:
        users_accept(u, op->a);
        break;
    case 14:
    case 15:
        users_send(u, op->a, op->d, op->b & 7);
        break;
    case 16:
        users_receive(u, op->a, op->d, op->b % 3);
        break;
    case 17:
        users_shutdown(u, op->a);
        break;
    case 18:
        users_close(u, op->a);
        break;
    case 19:
        users_abort(u, op->a);
        break;
    case 20:
        users_option(u, op->a, op->b, op->d);
        break;
    case 21:
        users_ask(u, op->a);
        break;
    case 22:
        users_calls_in_vain(u, op->a);
        break;
    default:
        w->machine.memory.refuse_nth = op->a == 0 ? 0 : w->machine.memory.requests_count + op->a;
        w->machine.memory.refuse_all = op->b & 1;
        break;
    }
}

static void run_op(struct world *w, struct fuzz_program *program, const struct fuzz_op *op)
{
    struct fuzz_op second = {0};
    switch (op->code % 24) {
    case 0:
    case 1:
    case 2:
        segment_arrives(w, op);
        break;
    case 3:
    case 4:
        peer_behaves(w, op);
        break;
    case 5:
        time_passes(w, op);
        break;
    case 6:
        icmp_arrives(w, op);
        break;
    case 7:
        fragments_arrive(w, op);
        break;
    case 8:
        if (op->b & 0x80 && fuzz_next(program, &second))
            damage_arrives(w, op, &second);
        else
            echo_arrives(w, op);
        break;
    case 9:
        frame_arrives(w, program, op);
        break;
    case 10:
        routes_change(w, op);
        break;
    default:
        user_calls(w, op);
        break;
    }
}

static void begin(struct world *w, const struct fuzz_program *program)
{
    static const uint32_t mtus[] = {1500, 576, 1280, 9000, 65535, 68, 1500, 296};
    uint8_t way = fuzz_head(program, 6);
    bool v6 = way & 1;
    struct hawser_config config;
    struct hawser_link_config link = {
        .kind = way & 2 ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP,
        .mac = OWN_MAC,
        .mtu = mtus[way >> 2 & 7],
        .checksum_offload_in = way & 32,
    };
    if (v6 && link.mtu < 1280)
        link.mtu = 1280;
    memset(w, 0, offsetof(struct world, packet));
    w->tainted = link.checksum_offload_in;
    w->packet.length = w->last.length = 0;
    w->machine.now_ns = FUZZ_S;
    w->machine.sent = sent;
    w->machine.context = w;
    fuzz_config(program, &w->machine.memory, &config);
    if (fuzz_aloud()) {
        config.trace = fuzz_trace;
        config.trace_context = "  ";
    }
    REQUIRE(hawser_address_scan(v6 ? "2001:db8::1" : "198.18.0.1", &w->own) == 0);
    REQUIRE(hawser_address_scan(v6 ? "2001:db8::2" : "198.18.0.2", &w->peer) == 0);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &w->flows[i];
        f->local_port = SERVER_PORT;
        f->remote_port = (uint16_t)(i < 4 ? 40000 + i : 3 + i); /* 7 to 10: the host opens */
        f->rcv_nxt = f->isn = i * 0x40000000u + 0x3ffff000u;
        f->edge = f->rcv_nxt + 65535;
    }
    machine_start(&w->machine, &config, &link);
    w->ledger.off = true;
    w->users = (struct users){.host = w->machine.host, .ledger = &w->ledger};
    w->users.remote = (struct hawser_endpoint){w->peer, 0};
    if (w->machine.host == NULL)
        return;
    int result = hawser_address_add(w->machine.host, w->machine.link, &w->own, v6 ? 64 : 24);
    REQUIRE(result == 0 || result == HAWSER_ERR_RESOURCES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct fuzz_program program;
    struct fuzz_op op;
    fuzz_program_begin(&program, data, size);
    begin(&w, &program);
    if (w.machine.host == NULL)
        return 0;
    while (fuzz_next(&program, &op)) {
        w.users.now_ns = w.machine.now_ns;
        w.users.ledger->tainted = w.tainted;
        run_op(&w, &program, &op);
        if (!(op.code &
              0x80)) /* with the bit: several things at one time before the host may answer */
            machine_wait(&w.machine, 0, NULL);
        users_events(&w.users);
    }
    w.machine.memory.refuse_nth = 0;
    users_leave(&w.users);
    machine_wait(&w.machine, 3 * 3600 * FUZZ_S, NULL);
    machine_require_empty(&w.machine);
    machine_end(&w.machine);
    return 0;
}
