/* SPDX-License-Identifier: MIT */
/* A scripted peer: see peer.h. */
#include "scenario/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/checksum.h"

uint8_t peer_octet(uint32_t relative)
{
    return (uint8_t)(relative * 31 + (relative >> 8) * 17 + 7);
}

static void on_trace(void *context, const struct hawser_trace_event *event)
{
    struct peer *p = context;
    if (event->kind == HAWSER_TRACE_STATE && p->states_count < COUNT_OF(p->states))
        p->states[p->states_count++] = event->to;
    if (event->kind == HAWSER_TRACE_DROP)
        p->drops[event->drop]++;
    if (getenv("PEER_TRACE") != NULL) {
        char line[512];
        hawser_trace_print(event, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
}

static struct hawser_address address(const char *text)
{
    struct hawser_address a;
    assert_int_equal(hawser_address_scan(text, &a), 0);
    return a;
}

void peer_start(struct peer *p, bool v6, peer_tune *tune)
{
    peer_start_mtu(p, v6, 1500, tune);
}

void peer_start_mtu(struct peer *p, bool v6, uint32_t mtu, peer_tune *tune)
{
    memset(p, 0, sizeof *p);
    test_memory_init(&p->memory);
    hawser_config_defaults(&p->config);
    p->config.memory = p->memory.source;
    for (unsigned i = 0; i < sizeof p->config.entropy; i++)
        p->config.entropy[i] = (uint8_t)(i * 7 + 1);
    p->config.trace = on_trace;
    p->config.trace_context = p;
    p->config.delayed_ack_ns = 40 * NS_PER_MS;
    /* tests of acknowledgement want the steady state; those of the start say so */
    p->config.quick_acks = 0;
    if (tune != NULL)
        tune(&p->config);
    p->now_ns = 1000 * NS_PER_S;
    p->v6 = v6;
    p->wnd = 65535;
    p->peer_isn = seq_of(0x20000000);
    p->host_port = PEER_HOST_PORT;
    p->peer_port = PEER_PORT;
    p->ts_val = 5000;
    p->out = calloc(PEER_OUT_MAX, sizeof *p->out);
    assert_non_null(p->out);
    assert_int_equal(hawser_host_create(&p->config, p->now_ns, &p->host), 0);
    struct hawser_link_config link = {.kind = HAWSER_LINK_IP, .mtu = mtu};
    assert_int_equal(hawser_link_add(p->host, &link, &p->link), 0);
    static const char *const own[] = {"198.18.0.1", "198.18.0.2", "2001:db8::1", "2001:db8::2"};
    for (unsigned i = 0; i < COUNT_OF(own); i++) {
        struct hawser_address a = address(own[i]);
        if (i < 2 || mtu >= 1280)
            assert_int_equal(hawser_address_add(p->host, p->link, &a, i < 2 ? 24 : 64), 0);
    }
    p->host_address = address(v6 ? "2001:db8::1" : "198.18.0.1");
    p->peer_address = address(v6 ? "2001:db8::9" : "198.18.0.9");
    peer_aim_by_environment(p);
}

void peer_drop_out(struct peer *p)
{
    peer_pull(p);
    p->out_first = p->out_count;
}

static void report_unlooked(const struct peer *p)
{
    for (unsigned i = p->out_first; i < p->out_count; i++) {
        char line[400];
        hawser_frame_print(HAWSER_LINK_IP, p->out[i].frame, p->out[i].packet_bytes, line,
                           sizeof line);
        print_error("not looked at, at %+.6f s: %s\n",
                    (double)(p->out[i].at_ns - 1000 * NS_PER_S) / 1e9, line);
    }
}

void peer_end(struct peer *p)
{
    peer_pull(p);
    if (p->out_first != p->out_count) {
        report_unlooked(p);
        fail_msg("%u segments were not looked at", p->out_count - p->out_first);
    }
    hawser_host_destroy(p->host);
    for (unsigned i = 0; i < p->out_count; i++)
        free(p->out[i].frame);
    free(p->out);
    test_memory_deinit(&p->memory);
}

/* ---- the wire ---- */

void peer_inject_raw(struct peer *p, const uint8_t *packet, uint32_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1); /* so that a sanitizer sees a read beyond it */
    assert_non_null(exact);
    memcpy(exact, packet, n);
    struct hawser_frame frame = {.data = exact, .length = n};
    hawser_input(p->host, p->link, p->now_ns, &frame, 1);
    free(exact);
    peer_pull(p);
}

uint32_t peer_build(const struct peer *p, const struct segment *given, uint8_t *packet)
{
    uint8_t message[PEER_FRAME_MAX];
    struct segment seg = *given;
    if (seg.src_port == 0)
        seg.src_port = p->peer_port;
    if (seg.dst_port == 0)
        seg.dst_port = p->host_port;
    uint32_t header = tcp_emit_header(&seg, message);
    assert_true(header + seg.text_len <= sizeof message);
    for (uint32_t i = 0; i < seg.text_len; i++) {
        uint32_t relative = seg.seq.v - p->peer_isn.v + (seg.flags & TCP_SYN ? 1 : 0) + i;
        message[header + i] = seg.text != NULL ? seg.text[i] : peer_octet(relative);
    }
    uint32_t n = header + seg.text_len;
    uint32_t sum = checksum_pseudo(&p->peer_address, &p->host_address, IP_PROTO_TCP, n);
    tcp_emit_checksum(message, checksum_add(sum, checksum_sum(message, n)));
    struct ip_emit ip = {.src = &p->peer_address, .dst = &p->host_address, .payload_len = n,
                         .protocol = IP_PROTO_TCP, .hop_limit = 64, .dont_fragment = true};
    uint32_t ip_header = ip_emit(&ip, packet);
    memcpy(packet + ip_header, message, n);
    return ip_header + n;
}

void peer_inject(struct peer *p, const struct segment *seg)
{
    uint8_t packet[PEER_FRAME_MAX + 60];
    peer_inject_raw(p, packet, peer_build(p, seg, packet));
}

void peer_in_wnd(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len,
                 uint16_t wnd)
{
    struct segment seg = {
        .seq = seq_add(p->peer_isn, seq), .flags = (uint8_t)flags, .text_len = len, .wnd = wnd};
    if (flags & TCP_ACK)
        seg.ack = seq_add(p->host_isn, ack);
    if (p->timestamps) {
        seg.options = TCP_OPT_TIMESTAMPS;
        seg.ts_val = p->ts_val;
        seg.ts_ecr = p->ts_ecr;
    }
    peer_inject(p, &seg);
}

void peer_in(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    peer_in_wnd(p, flags, seq, ack, len, p->wnd);
}

void peer_in_sack(struct peer *p, uint32_t seq, uint32_t ack, unsigned blocks,
                  const uint32_t *edges)
{
    struct segment seg = {.seq = seq_add(p->peer_isn, seq),
                          .ack = seq_add(p->host_isn, ack),
                          .flags = TCP_ACK,
                          .wnd = p->wnd,
                          .options = TCP_OPT_SACK,
                          .sack_count = (uint8_t)blocks};
    for (unsigned i = 0; i < blocks; i++)
        seg.sack[i] = (struct sack_block){seq_add(p->host_isn, edges[2 * i]),
                                          seq_add(p->host_isn, edges[2 * i + 1])};
    if (p->timestamps) {
        seg.options |= TCP_OPT_TIMESTAMPS;
        seg.ts_val = p->ts_val;
        seg.ts_ecr = p->ts_ecr;
    }
    peer_inject(p, &seg);
}

/* Counts a packet that a test does not want to see whole: ICMP is not this harness's business. */
static bool is_only_counted(struct peer *p, const struct ip_packet *ip)
{
    if (ip->protocol != IP_PROTO_TCP) {
        p->not_tcp++;
        return true;
    }
    uint16_t port = (uint16_t)(ip->payload[2] << 8 | ip->payload[3]);
    bool own = port == p->peer_port && memcmp(&ip->dst, &p->peer_address, sizeof ip->dst) == 0;
    if (!p->only_own || own)
        return false;
    p->not_own++;
    return true;
}

static void collect(struct peer *p, const uint8_t *data, uint32_t n)
{
    struct ip_packet ip;
    assert_int_equal(ip_parse(data, n, &ip), IP_PARSE_OK);
    if (is_only_counted(p, &ip))
        return;
    assert_true(p->out_count < PEER_OUT_MAX);
    struct peer_segment *out = &p->out[p->out_count];
    memset(out, 0, sizeof *out);
    out->frame = malloc(n);
    assert_non_null(out->frame);
    memcpy(out->frame, data, n);
    out->packet_bytes = n;
    out->at_ns = p->now_ns;
    assert_int_equal(ip_parse(out->frame, n, &ip), IP_PARSE_OK);
    out->src = ip.src;
    out->dst = ip.dst;
    out->hop_limit = ip.hop_limit;
    out->traffic_class = ip.traffic_class;
    out->dont_fragment = ip.dont_fragment;
    uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
    enum tcp_parse verdict = tcp_parse(ip.payload, ip.payload_len, pseudo, true, &out->seg);
    if (verdict != TCP_PARSE_OK)
        fail_msg("the host sent a segment that does not parse: %d", (int)verdict);
    /* RFC 9293 3.1: only the first SYN and some RSTs are without an ACK. */
    if (!(out->seg.flags & (TCP_ACK | TCP_RST)) && out->seg.flags != TCP_SYN)
        fail_msg("the host sent a segment without an ACK: flags %#x", out->seg.flags);
    if ((out->seg.flags & TCP_SYN) && out->seg.dst_port == p->peer_port)
        p->host_isn = out->seg.seq;
    if (out->seg.options & TCP_OPT_TIMESTAMPS)
        p->ts_ecr = out->seg.ts_val;
    p->out_count++;
}

void peer_pull(struct peer *p)
{
    uint8_t space[PEER_FRAME_MAX + 100];
    struct hawser_buffer buffer = {.data = space, .capacity = sizeof space};
    while (hawser_output(p->host, p->link, p->now_ns, &buffer, 1) == 1)
        collect(p, space, buffer.length);
    hawser_expire(p->host, p->now_ns);
    while (hawser_output(p->host, p->link, p->now_ns, &buffer, 1) == 1)
        collect(p, space, buffer.length);
    uint64_t next = hawser_next_deadline(p->host);
    if (next <= p->now_ns)
        fail_msg("after expire and output the next deadline is %lu, now is %lu",
                 (unsigned long)next, (unsigned long)p->now_ns);
}

unsigned peer_pending(struct peer *p)
{
    peer_pull(p);
    return p->out_count - p->out_first;
}

const struct peer_segment *peer_next(struct peer *p)
{
    peer_pull(p);
    if (p->out_first == p->out_count)
        fail_msg("the host sent nothing");
    return &p->out[p->out_first++];
}

static void describe(const struct peer *p, const struct peer_segment *got, char *line, size_t cap)
{
    char packet[400];
    hawser_frame_print(HAWSER_LINK_IP, got->frame, got->packet_bytes, packet, sizeof packet);
    snprintf(line, cap, "%s (relative seq %u ack %u, at %+.6f s)", packet,
             got->seg.seq.v - p->host_isn.v,
             got->seg.flags & TCP_ACK ? got->seg.ack.v - p->peer_isn.v : 0,
             (double)(got->at_ns - 1000 * NS_PER_S) / 1e9);
}

const struct peer_segment *peer_out(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack,
                                    uint32_t len)
{
    const struct peer_segment *got = peer_next(p);
    char line[600];
    describe(p, got, line, sizeof line);
    bool same = got->seg.flags == flags && seq_eq(got->seg.seq, seq_add(p->host_isn, seq)) &&
                got->seg.text_len == len &&
                (!(flags & TCP_ACK) || seq_eq(got->seg.ack, seq_add(p->peer_isn, ack)));
    if (!same)
        fail_msg("expected flags %#x seq %u ack %u len %u, got %s", flags, seq, ack, len, line);
    for (uint32_t i = 0; i < len; i++) {
        if (got->seg.text[i] != peer_octet(seq + i))
            fail_msg("octet %u of the stream is wrong in %s", seq + i, line);
    }
    return got;
}

const struct peer_segment *peer_out_rst(struct peer *p, unsigned flags, seq_t seq, seq_t ack)
{
    const struct peer_segment *got = peer_next(p);
    char line[600];
    describe(p, got, line, sizeof line);
    if (got->seg.flags != flags || !seq_eq(got->seg.seq, seq) ||
        ((flags & TCP_ACK) && !seq_eq(got->seg.ack, ack)) || got->seg.text_len != 0)
        fail_msg("expected a RST with flags %#x seq %u ack %u, got %s", flags, seq.v, ack.v, line);
    return got;
}

void peer_quiet(struct peer *p)
{
    peer_pull(p);
    if (p->out_first != p->out_count) {
        report_unlooked(p);
        fail_msg("the host should have been silent");
    }
}

/* ---- time ---- */

void peer_pass(struct peer *p, uint64_t ns)
{
    uint64_t until = p->now_ns + ns;
    peer_pull(p);
    for (;;) {
        uint64_t next = hawser_next_deadline(p->host);
        if (next > until)
            break;
        p->now_ns = next > p->now_ns ? next : p->now_ns;
        peer_pull(p);
    }
    p->now_ns = until;
    peer_pull(p);
}

uint64_t peer_pass_until_out(struct peer *p, uint64_t ns)
{
    uint64_t start = p->now_ns;
    peer_pull(p);
    while (p->out_first == p->out_count) {
        uint64_t next = hawser_next_deadline(p->host);
        if (next == UINT64_MAX || next - start > ns)
            fail_msg("nothing was sent for %lu ms", (unsigned long)(ns / NS_PER_MS));
        p->now_ns = next;
        peer_pull(p);
    }
    return p->now_ns - start;
}

/* ---- opening ---- */

struct segment peer_syn_options(const struct peer *p, unsigned which)
{
    struct segment seg = {.flags = TCP_SYN, .seq = p->peer_isn, .wnd = p->wnd};
    if (which & PEER_MSS) {
        seg.options |= TCP_OPT_MSS;
        seg.mss = p->v6 ? 1440 : 1460;
    }
    if (which & PEER_WSCALE) {
        seg.options |= TCP_OPT_WSCALE;
        seg.wscale = 7;
    }
    if (which & PEER_SACK)
        seg.options |= TCP_OPT_SACK_PERMITTED;
    if (which & PEER_TS) {
        seg.options |= TCP_OPT_TIMESTAMPS;
        seg.ts_val = p->ts_val;
    }
    return seg;
}

void peer_listen(struct peer *p, uint32_t backlog)
{
    struct hawser_listen_options options = {.local = {.port = p->host_port}, .backlog = backlog};
    assert_int_equal(hawser_listen(p->host, p->now_ns, &options, &p->listener), 0);
}

void peer_accept(struct peer *p, unsigned which)
{
    if (p->listener == 0)
        peer_listen(p, 16);
    struct segment syn = peer_syn_options(p, which);
    peer_inject(p, &syn);
    peer_out(p, S | A, 0, 1, 0);
    p->timestamps = (which & PEER_TS) != 0;
    peer_in(p, A, 1, 1, 0);
    assert_int_equal(hawser_accept(p->host, p->listener, &p->tcp), 0);
    peer_quiet(p);
    peer_events(p, p->tcp);
    p->written = p->read = 0;
    assert_int_equal(peer_state(p), HAWSER_ESTABLISHED);
}

void peer_open(struct peer *p)
{
    struct hawser_open_options options = {.remote = {p->peer_address, p->peer_port},
                                          .local = {p->host_address, 0}};
    assert_int_equal(hawser_open(p->host, p->now_ns, &options, &p->tcp), 0);
    peer_pull(p);
    assert_true(p->out_count > p->out_first);
    p->host_port = p->out[p->out_count - 1].seg.src_port;
}

void peer_connect(struct peer *p, unsigned which)
{
    peer_open(p);
    peer_out(p, S, 0, 0, 0);
    struct segment answer = peer_syn_options(p, which);
    answer.flags = TCP_SYN | TCP_ACK;
    answer.ack = seq_add(p->host_isn, 1);
    answer.ts_ecr = p->ts_ecr;
    peer_inject(p, &answer);
    p->timestamps = (which & PEER_TS) != 0;
    peer_out(p, A, 1, 1, 0);
    peer_events(p, p->tcp);
    p->written = p->read = 0;
    assert_int_equal(peer_state(p), HAWSER_ESTABLISHED);
}

/* Our FIN is out: after this the host's stream ended at relative number 1 + written. */
static void shut_down(struct peer *p)
{
    assert_int_equal(hawser_shutdown(p->host, p->tcp), 0);
    peer_out(p, F | A, 1 + p->written, 1 + p->read, 0);
}

void peer_to_state(struct peer *p, enum hawser_state state)
{
    uint32_t us = 1 + p->written, them = 1 + p->read;
    switch (state) {
    case HAWSER_ESTABLISHED:
        return;
    case HAWSER_FIN_WAIT_1:
        shut_down(p);
        break;
    case HAWSER_FIN_WAIT_2:
        shut_down(p);
        peer_in(p, A, them, us + 1, 0);
        break;
    case HAWSER_CLOSE_WAIT:
        peer_in(p, F | A, them, us, 0);
        peer_out(p, A, us, them + 1, 0);
        break;
    case HAWSER_LAST_ACK:
        peer_to_state(p, HAWSER_CLOSE_WAIT);
        assert_int_equal(hawser_shutdown(p->host, p->tcp), 0);
        peer_out(p, F | A, us, them + 1, 0);
        break;
    case HAWSER_CLOSING:
        shut_down(p);
        peer_in(p, F | A, them, us, 0);
        peer_out(p, A, us + 1, them + 1, 0);
        break;
    case HAWSER_TIME_WAIT:
        peer_to_state(p, HAWSER_FIN_WAIT_2);
        peer_in(p, F | A, them, us + 1, 0);
        peer_out(p, A, us + 1, them + 1, 0);
        break;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
    case HAWSER_SYN_SENT:
    case HAWSER_SYN_RECEIVED:
        fail_msg("not a state this function leads to");
    }
    assert_int_equal(peer_state(p), state);
    peer_quiet(p);
}

/* ---- looking ---- */

struct hawser_tcp_info peer_info(struct peer *p)
{
    struct hawser_tcp_info info;
    memset(&info, 0, sizeof info);
    assert_int_equal(hawser_status(p->host, p->now_ns, p->tcp, &info), 0);
    return info;
}

enum hawser_state peer_state(struct peer *p)
{
    return peer_info(p).state;
}

enum hawser_state peer_tuple_state(struct peer *p)
{
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    while (hawser_walk(p->host, p->now_ns, &cursor, &info)) {
        if (info.local.port == p->host_port && info.remote.port == p->peer_port &&
            memcmp(&info.remote.address, &p->peer_address, sizeof info.remote.address) == 0)
            return info.state;
    }
    return HAWSER_CLOSED;
}

uint32_t peer_events(struct peer *p, hawser_tcp tcp)
{
    struct hawser_event event[16];
    size_t n;
    while ((n = hawser_events(p->host, event, COUNT_OF(event))) > 0) {
        for (size_t i = 0; i < n; i++) {
            unsigned at = 0;
            while (at < COUNT_OF(p->seen) - 1 && p->seen[at].tcp != 0 &&
                   p->seen[at].tcp != event[i].tcp)
                at++;
            p->seen[at].tcp = event[i].tcp;
            p->seen[at].events |= event[i].events;
        }
    }
    for (unsigned at = 0; at < COUNT_OF(p->seen); at++) {
        if (p->seen[at].tcp == tcp) {
            uint32_t events = p->seen[at].events;
            p->seen[at].tcp = 0;
            p->seen[at].events = 0;
            return events;
        }
    }
    return 0;
}

void peer_write(struct peer *p, uint32_t n)
{
    uint8_t *text = malloc(n > 0 ? n : 1);
    assert_non_null(text);
    for (uint32_t i = 0; i < n; i++)
        text[i] = peer_octet(1 + p->written + i);
    int64_t taken = hawser_send(p->host, p->tcp, text, n, 0);
    free(text);
    assert_int_equal(taken, n);
    p->written += n;
    peer_pull(p);
}

void peer_read(struct peer *p, uint32_t n)
{
    uint8_t *text = malloc(n > 0 ? n : 1);
    assert_non_null(text);
    uint32_t got = 0;
    while (got < n) {
        int64_t r = hawser_receive(p->host, p->tcp, text + got, n - got);
        if (r <= 0)
            fail_msg("reading gave %ld after %u of %u octets", (long)r, got, n);
        got += (uint32_t)r;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (text[i] != peer_octet(1 + p->read + i))
            fail_msg("octet %u of the stream was read wrong", 1 + p->read + i);
    }
    free(text);
    p->read += n;
    peer_pull(p);
}

void peer_read_gives(struct peer *p, int64_t result)
{
    uint8_t octet;
    assert_int_equal(hawser_receive(p->host, p->tcp, &octet, 1), result);
}
