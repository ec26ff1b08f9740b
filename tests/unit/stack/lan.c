/* SPDX-License-Identifier: MIT */
/* Two hosts on a wire. */
#include "lan.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/checksum.h"
#include "wire/ether.h"

static void observe(void *context, const struct hawser_trace_event *event)
{
    struct lan **self = context;
    struct lan *lan = *self;
    unsigned host = (unsigned)(self - lan->self);
    char line[256];
    assert_true(hawser_trace_print(event, line, sizeof line) > 0);
    if (getenv("LAN_TRACE") != NULL)
        fprintf(stderr, "%u %s\n", host, line);
    if (lan->events_count == LAN_EVENTS_MAX) { /* the newest half stays */
        lan->events_count = LAN_EVENTS_MAX / 2;
        memcpy(lan->events, lan->events + lan->events_count,
               lan->events_count * sizeof lan->events[0]);
        memcpy(lan->event_host, lan->event_host + lan->events_count, lan->events_count);
    }
    lan->events[lan->events_count] = *event;
    lan->event_host[lan->events_count++] = (uint8_t)host;
}

struct hawser_address lan_address(const char *text)
{
    struct hawser_address address;
    assert_int_equal(hawser_address_scan(text, &address), 0);
    return address;
}

struct hawser_endpoint lan_end(const char *address, uint16_t port)
{
    return (struct hawser_endpoint){lan_address(address), port};
}

static const char *const address_texts[2][2] = {{"198.18.0.1", "2001:db8::1"},
                                                {"198.18.0.2", "2001:db8::2"}};

struct hawser_endpoint lan_end_of(unsigned host, bool v6, uint16_t port)
{
    return lan_end(address_texts[host][v6], port);
}

static void make_host(struct lan *lan, unsigned i)
{
    struct hawser_config *config = &lan->config[i];
    test_memory_init(&lan->memory[i]);
    hawser_config_defaults(config);
    config->memory = lan->memory[i].source;
    memset(config->entropy, 0x5a + (int)i, sizeof config->entropy);
    config->memory_bytes = UINT64_C(256) << 20;
    config->buffer_bytes = UINT64_C(128) << 20;
    config->chunk_bytes = 64 * 1024;
    config->connections_max = 4096;
    config->trace = lan->setup.deaf ? NULL : observe;
    config->trace_context = &lan->self[i];
    if (lan->setup.configure != NULL)
        lan->setup.configure(config, i);
    lan->self[i] = lan;
    assert_int_equal(hawser_host_create(config, lan->now_ns, &lan->host[i]), 0);

    struct hawser_link_config link = {.kind = lan->setup.kind, .mtu = lan->setup.mtu};
    const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i + 1)};
    memcpy(link.mac, mac, sizeof mac);
    uint32_t number;
    assert_int_equal(hawser_link_add(lan->host[i], &link, &number), 0);
    assert_int_equal(number, 0);
    struct hawser_endpoint v4 = lan_end_of(i, false, 0), v6 = lan_end_of(i, true, 0);
    assert_int_equal(hawser_address_add(lan->host[i], 0, &v4.address, 24), 0);
    if (lan->setup.mtu >= 1280)
        assert_int_equal(hawser_address_add(lan->host[i], 0, &v6.address, 64), 0);
    if (!lan->setup.loopback)
        return;
    struct hawser_link_config own = {.kind = HAWSER_LINK_LOOPBACK, .mtu = 65535};
    struct hawser_address lo = lan_address("127.0.0.1"), lo6 = lan_address("::1");
    assert_int_equal(hawser_link_add(lan->host[i], &own, &number), 0);
    assert_int_equal(hawser_address_add(lan->host[i], number, &lo, 8), 0);
    assert_int_equal(hawser_address_add(lan->host[i], number, &lo6, 128), 0);
}

void lan_init(struct lan *lan, const struct lan_setup *setup)
{
    memset(lan, 0, sizeof *lan);
    if (setup != NULL)
        lan->setup = *setup;
    if (lan->setup.mtu == 0)
        lan->setup.mtu = 1500;
    if (lan->setup.alone)
        lan->setup.kind = HAWSER_LINK_IP;
    lan->now_ns = 1000 * NS_PER_S + 123456;
    lan->hosts = lan->setup.alone ? 1 : 2;
    for (unsigned i = 0; i < lan->hosts; i++)
        make_host(lan, i);
}

void lan_deinit(struct lan *lan)
{
    for (unsigned i = 0; i < lan->hosts; i++) {
        hawser_host_destroy(lan->host[i]);
        test_memory_deinit(&lan->memory[i]);
    }
}

/* Host 0 is alone: what it sends is read and kept. */
static void keep(struct lan *lan, const uint8_t *frame, uint32_t length)
{
    struct ip_packet ip;
    assert_int_equal(ip_parse(frame, length, &ip), IP_PARSE_OK);
    if (ip.protocol != IP_PROTO_TCP)
        return;
    uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
    if (lan->sent_count == COUNT_OF(lan->sent)) {
        lan->sent_count /= 2;
        memcpy(lan->sent, lan->sent + lan->sent_count, lan->sent_count * sizeof lan->sent[0]);
        memcpy(lan->sent_from, lan->sent_from + lan->sent_count,
               lan->sent_count * sizeof lan->sent_from[0]);
        memcpy(lan->sent_to, lan->sent_to + lan->sent_count,
               lan->sent_count * sizeof lan->sent_to[0]);
    }
    struct segment *segment = &lan->sent[lan->sent_count];
    assert_int_equal(tcp_parse(ip.payload, ip.payload_len, pseudo, true, segment), TCP_PARSE_OK);
    lan->sent_from[lan->sent_count] = (struct hawser_endpoint){ip.src, segment->src_port};
    lan->sent_to[lan->sent_count++] = (struct hawser_endpoint){ip.dst, segment->dst_port};
}

static bool move_from(struct lan *lan, unsigned from)
{
    static uint8_t bytes[8][LAN_FRAME_MAX];
    struct hawser_buffer buffers[8];
    for (unsigned i = 0; i < 8; i++)
        buffers[i] = (struct hawser_buffer){.data = bytes[i], .capacity = lan->setup.mtu + 14};
    size_t count = hawser_output(lan->host[from], 0, lan->now_ns, buffers, 8);
    if (lan->setup.loopback)
        assert_int_equal(hawser_output(lan->host[from], 1, lan->now_ns, buffers, 8), 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(buffers[i].length <= lan->setup.mtu + 14);
        lan->frames++;
        if (lan->filter != NULL && !lan->filter(lan, from, bytes[i], buffers[i].length))
            continue;
        struct hawser_frame frame = {.data = bytes[i], .length = buffers[i].length};
        if (lan->hosts == 1)
            keep(lan, bytes[i], buffers[i].length);
        else
            hawser_input(lan->host[!from], 0, lan->now_ns, &frame, 1);
    }
    return count > 0;
}

void lan_settle(struct lan *lan)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < lan->hosts; i++)
            moved = move_from(lan, i) || moved;
        for (unsigned i = 0; i < lan->hosts; i++) {
            if (hawser_next_deadline(lan->host[i]) <= lan->now_ns) {
                hawser_expire(lan->host[i], lan->now_ns);
                moved = true;
            }
        }
    }
    for (unsigned i = 0; i < lan->hosts; i++)
        assert_true(hawser_next_deadline(lan->host[i]) > lan->now_ns);
}

void lan_run(struct lan *lan, uint64_t span_ns)
{
    uint64_t end_ns = lan->now_ns + span_ns;
    lan_settle(lan);
    for (;;) {
        uint64_t next_ns = NEVER;
        for (unsigned i = 0; i < lan->hosts; i++)
            next_ns = ns_min(next_ns, hawser_next_deadline(lan->host[i]));
        if (next_ns > end_ns)
            break;
        lan->now_ns = next_ns;
        lan_settle(lan);
    }
    lan->now_ns = end_ns;
}

hawser_tcp lan_listen(struct lan *lan, unsigned host, uint16_t port)
{
    struct hawser_listen_options options = {.backlog = 16, .reuse_address = true};
    hawser_tcp listener;
    options.local.port = port;
    assert_int_equal(hawser_listen(lan->host[host], lan->now_ns, &options, &listener), 0);
    return listener;
}

hawser_tcp lan_open(struct lan *lan, unsigned host, struct hawser_endpoint remote)
{
    struct hawser_open_options options = {.remote = remote};
    hawser_tcp tcp;
    assert_int_equal(hawser_open(lan->host[host], lan->now_ns, &options, &tcp), 0);
    return tcp;
}

void lan_connect(struct lan *lan, bool v6, hawser_tcp listener, uint16_t port, hawser_tcp ends[2])
{
    if (listener == 0)
        listener = lan_listen(lan, 0, port);
    ends[1] = lan_open(lan, 1, lan_end_of(0, v6, port));
    lan_settle(lan);
    assert_int_equal(hawser_accept(lan->host[0], listener, &ends[0]), 0);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_ESTABLISHED);
    assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_ESTABLISHED);
}

enum hawser_state lan_state(struct lan *lan, unsigned host, hawser_tcp tcp)
{
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(lan->host[host], lan->now_ns, tcp, &info), 0);
    return info.state;
}

uint32_t lan_events_of(struct lan *lan, unsigned host, hawser_tcp tcp)
{
    struct hawser_event event;
    uint32_t events = 0;
    while (hawser_events(lan->host[host], &event, 1) == 1)
        if (event.tcp == tcp)
            events |= event.events;
    return events;
}

unsigned lan_count_kind(const struct lan *lan, unsigned host, enum hawser_trace_kind kind)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < lan->events_count; i++)
        count += lan->event_host[i] == host && lan->events[i].kind == kind;
    return count;
}

unsigned lan_count_drop(const struct lan *lan, unsigned host, enum hawser_drop drop)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < lan->events_count; i++)
        count += lan->event_host[i] == host && lan->events[i].kind == HAWSER_TRACE_DROP &&
                 lan->events[i].drop == drop;
    return count;
}

unsigned lan_count_change(const struct lan *lan, unsigned host, enum hawser_state from,
                          enum hawser_state to)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < lan->events_count; i++)
        count += lan->event_host[i] == host && lan->events[i].kind == HAWSER_TRACE_STATE &&
                 lan->events[i].from == from && lan->events[i].to == to;
    return count;
}

unsigned lan_count_record(const struct lan *lan, unsigned host, enum hawser_record_event event)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < lan->events_count; i++)
        count += lan->event_host[i] == host && lan->events[i].kind == HAWSER_TRACE_RECORD &&
                 lan->events[i].record == event;
    return count;
}

uint32_t lan_write(const struct forged *forged, uint8_t packet[LAN_PACKET_MAX])
{
    struct segment segment = {
        .seq = seq_of(forged->seq),
        .ack = seq_of(forged->ack),
        .src_port = forged->from.port,
        .dst_port = forged->to.port,
        .wnd = forged->wnd,
        .flags = forged->flags,
        .options = forged->options,
        .mss = forged->mss,
        .wscale = forged->wscale,
        .ts_val = forged->ts_val,
        .ts_ecr = forged->ts_ecr,
    };
    uint32_t text_len = forged->text == NULL ? 0 : (uint32_t)strlen(forged->text);
    bool v4 = address_is_v4(&forged->to.address);
    uint8_t *tcp = packet + (v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES);
    uint32_t header = tcp_emit_header(&segment, tcp);
    if (text_len > 0)
        memcpy(tcp + header, forged->text, text_len);
    const struct ip_emit ip = {.src = &forged->from.address,
                               .dst = &forged->to.address,
                               .payload_len = header + text_len,
                               .protocol = IP_PROTO_TCP,
                               .hop_limit = 64};
    ip_emit(&ip, packet);
    uint32_t pseudo = checksum_pseudo(ip.src, ip.dst, IP_PROTO_TCP, ip.payload_len);
    tcp_emit_checksum(tcp, checksum_add(pseudo, checksum_sum(tcp, ip.payload_len)));
    return (uint32_t)(tcp - packet) + ip.payload_len;
}

void lan_forge(struct lan *lan, const struct forged *forged)
{
    uint8_t packet[LAN_PACKET_MAX];
    struct hawser_frame frame = {.data = packet, .length = lan_write(forged, packet)};
    hawser_input(lan->host[0], 0, lan->now_ns, &frame, 1);
    lan_settle(lan);
}

const struct segment *lan_last(const struct lan *lan)
{
    assert_true(lan->sent_count > 0);
    return &lan->sent[lan->sent_count - 1];
}

struct forged lan_forge_handshake(struct lan *lan, struct hawser_endpoint from,
                                  struct hawser_endpoint to, uint32_t seq)
{
    struct forged f = {.from = from, .to = to, .flags = TCP_SYN, .seq = seq, .wnd = 65535};
    lan_forge(lan, &f);
    const struct segment *syn_ack = lan_last(lan);
    assert_int_equal(syn_ack->flags, TCP_SYN | TCP_ACK);
    assert_int_equal(syn_ack->ack.v, seq + 1);
    f.flags = TCP_ACK;
    f.seq = seq + 1;
    f.ack = syn_ack->seq.v + 1;
    lan_forge(lan, &f);
    return f;
}
