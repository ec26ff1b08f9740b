/* SPDX-License-Identifier: MIT */
/* A host with links that lead into the test. */
#include "fake.h"

#include <stdlib.h>

#include "wire/icmp.h"
#include "wire/print.h"

const struct mac fake_mac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
const struct mac peer_mac[4] = {
    {{2, 0, 0, 0, 1, 0}}, {{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}, {{2, 0, 0, 0, 1, 3}}};

struct hawser_address at(const char *text)
{
    struct hawser_address a;
    assert_true(address_scan(text, &a));
    return a;
}

void fake_init(struct fake *f)
{
    memset(f, 0, sizeof *f);
    test_memory_init(&f->source);
    memory_init(&f->memory, &f->source.source, UINT64_MAX);
    f->config = (struct hawser_config){.neighbours_max = 32,
                                       .routes_max = 8,
                                       .addresses_max = 12,
                                       .links_max = LINKS + 1,
                                       .fragments_bytes_max = 1 << 20,
                                       .paths_max = 16,
                                       .hop_limit = 64,
                                       .path_mtu_discovery = true,
                                       .icmp_rate_per_s = 1000,
                                       .neighbour_reachable_ns = 30 * NS_PER_S,
                                       .fragment_timeout_ns = 30 * NS_PER_S,
                                       .path_mtu_age_ns = 600 * NS_PER_S};
    f->now_ns = FAKE_START_NS;
}

static void add_link(struct fake *f, enum hawser_link_kind kind, const struct mac *mac,
                     uint32_t mtu)
{
    struct hawser_link_config link = {.kind = kind, .mtu = mtu, .checksum_offload_in = true};
    uint32_t index;
    if (mac != NULL)
        memcpy(link.mac, mac->b, 6);
    assert_int_equal(net_link_add(&f->net, &link, &index), 0);
}

static void add_address(struct fake *f, uint32_t link, const char *text, unsigned bits)
{
    struct hawser_address address = at(text);
    assert_int_equal(net_address_add(&f->net, link, &address, bits), 0);
}

static void add_default(struct fake *f, const char *prefix, const char *gateway)
{
    struct hawser_address any = at(prefix), through = at(gateway);
    assert_int_equal(net_route_add(&f->net, &any, 0, &through, ETH0, 1), 0);
}

void fake_start(struct fake *f)
{
    assert_int_equal(net_init(&f->net, &f->config, &f->memory, &f->counters, f->now_ns, 7), 0);
    add_link(f, HAWSER_LINK_ETHERNET, &fake_mac[0], 1500);
    add_link(f, HAWSER_LINK_ETHERNET, &fake_mac[1], 1500);
    add_link(f, HAWSER_LINK_IP, NULL, 1400);
    add_link(f, HAWSER_LINK_LOOPBACK, NULL, 65535);
    add_address(f, ETH0, "192.0.2.1", 24);
    add_address(f, ETH0, "2001:db8::1", 64);
    add_address(f, ETH1, "198.51.100.1", 24);
    add_address(f, TUN, "203.0.113.1", 30);
    add_address(f, TUN, "2001:db8:f::1", 64);
    add_address(f, LO, "127.0.0.1", 8);
    add_address(f, LO, "::1", 128);
    add_default(f, "0.0.0.0", "192.0.2.254");
    add_default(f, "::", "2001:db8::fe");
}

void fake_deinit(struct fake *f)
{
    net_deinit(&f->net);
    test_memory_deinit(&f->source);
}

int fake_setup(void **state)
{
    struct fake *f = malloc(sizeof *f);
    assert_non_null(f);
    fake_init(f);
    fake_start(f);
    *state = f;
    return 0;
}

int fake_teardown(void **state)
{
    fake_deinit(*state);
    free(*state);
    return 0;
}

void fake_sleep(struct fake *f, uint64_t span_ns)
{
    uint64_t end_ns = f->now_ns + span_ns;
    for (;;) {
        uint64_t next_ns = net_next_deadline(&f->net);
        if (next_ns > end_ns)
            break;
        if (next_ns > f->now_ns)
            f->now_ns = next_ns;
        net_expire(&f->net, f->now_ns);
        assert_true(net_next_deadline(&f->net) > f->now_ns);
    }
    f->now_ns = end_ns;
    net_expire(&f->net, f->now_ns);
}

enum net_input_result fake_input(struct fake *f, uint32_t link, const uint8_t *frame, uint32_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, frame, n);
    memset(&f->arrival, 0xa5, sizeof f->arrival);
    struct hawser_frame in = {.data = exact, .length = n};
    uint64_t dropped[HAWSER_DROP_COUNT];
    memcpy(dropped, f->counters.dropped, sizeof dropped);
    enum net_input_result result = net_input(&f->net, link, f->now_ns, &in, &f->arrival);
    /* What goes up must be looked at while the frame is there: keep a copy of the payload. */
    static uint8_t payload[65536];
    if (result == NET_TCP) {
        assert_true(f->arrival.ip.payload_len <= sizeof payload);
        memcpy(payload, f->arrival.ip.payload, f->arrival.ip.payload_len);
        f->arrival.ip.payload = payload;
    }
    if (result == NET_NOTHING && f->arrival.drop != NET_DROP_NONE) {
        assert_true(f->arrival.drop < HAWSER_DROP_COUNT);
        assert_true(f->counters.dropped[f->arrival.drop] > dropped[f->arrival.drop]);
    }
    free(exact);
    return result;
}

bool fake_output(struct fake *f, uint32_t link)
{
    bool has = net_has_output(&f->net, link);
    assert_int_equal(net_output(&f->net, link, f->frame, sizeof f->frame, &f->length), has);
    return has;
}

void fake_no_output(struct fake *f)
{
    for (uint32_t link = 0; link < LINKS; link++)
        assert_false(net_has_output(&f->net, link));
}

/* ---- frames to hand in ------------------------------------------------------------------------
 */

static struct mac default_mac(uint32_t link, const struct hawser_address *dst)
{
    struct mac mac = fake_mac[link];
    if (address_is_multicast(dst) && !address_is_v4(dst)) {
        mac = (struct mac){{0x33, 0x33}};
        memcpy(mac.b + 2, dst->bytes + 12, 4);
    } else if (address_is_multicast(dst)) {
        mac = (struct mac){{1, 0, 0x5e}};
        memcpy(mac.b + 3, dst->bytes + 13, 3);
    } else if (address_is_v4(dst) && dst->bytes[15] == 255) {
        mac = (struct mac){{255, 255, 255, 255, 255, 255}};
    }
    return mac;
}

static uint32_t put_fragment_v6(const struct packet *p, uint8_t *out)
{
    out[0] = p->protocol;
    out[1] = 0;
    store_be16(out + 2, p->offset | (p->more ? 1u : 0u));
    store_be32(out + 4, p->id);
    return IPV6_FRAGMENT_BYTES;
}

uint32_t packet_frame(uint32_t link, const struct packet *p, uint8_t *out)
{
    struct hawser_address src = at(p->src), dst = at(p->dst);
    bool v4 = address_is_v4(&dst);
    uint8_t *ip = out;
    if (link == ETH0 || link == ETH1) {
        struct mac to = p->dst_mac != NULL ? *p->dst_mac : default_mac(link, &dst);
        struct ether ether = {.dst = to,
                              .src = p->src_mac != NULL ? *p->src_mac : peer_mac[0],
                              .type = v4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6};
        ether_emit(&ether, out);
        ip += ETHER_HEADER_BYTES;
    }
    bool v6_fragment = p->fragment && !v4;
    struct ip_emit emit = {.src = &src,
                           .dst = &dst,
                           .payload_len = p->payload_len + (v6_fragment ? IPV6_FRAGMENT_BYTES : 0),
                           .id = p->id,
                           .protocol = v6_fragment ? 44 : p->protocol,
                           .hop_limit = p->hop_limit != 0 ? p->hop_limit : 64,
                           .traffic_class = p->traffic_class,
                           .dont_fragment = p->dont_fragment};
    uint8_t *payload = ip + ip_emit(&emit, ip);
    if (p->fragment && v4) {
        store_be16(ip + 6, p->offset / 8 | (p->more ? 0x2000u : 0));
        store_be16(ip + 10, 0);
        store_be16(ip + 10, checksum_finish(checksum_sum(ip, IPV4_HEADER_BYTES)));
    }
    if (v6_fragment)
        payload += put_fragment_v6(p, payload);
    if (p->payload_len > 0)
        memcpy(payload, p->payload, p->payload_len);
    return (uint32_t)(payload - out) + p->payload_len;
}

enum net_input_result packet_in(struct fake *f, uint32_t link, const struct packet *p)
{
    static uint8_t frame[FAKE_FRAME_MAX + 64];
    uint32_t n = packet_frame(link, p, frame);
    return fake_input(f, link, frame, n);
}

static uint32_t icmp_message(const char *src, const char *dst, uint8_t type, uint8_t code,
                             uint32_t info, const uint8_t *body, uint32_t body_len, uint8_t *out)
{
    struct hawser_address from = at(src), to = at(dst);
    return icmp_emit_error(!address_is_v4(&to), &from, &to, type, code, info,
                           body != NULL ? body : out, body_len, out);
}

enum net_input_result icmp_in(struct fake *f, uint32_t link, const char *src, const char *dst,
                              uint8_t type, uint8_t code, uint32_t info, const uint8_t *body,
                              uint32_t body_len)
{
    static uint8_t message[65536];
    struct hawser_address to = at(dst);
    struct packet p = {.src = src,
                       .dst = dst,
                       .protocol = address_is_v4(&to) ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
                       .payload = message};
    p.payload_len = icmp_message(src, dst, type, code, info, body, body_len, message);
    return packet_in(f, link, &p);
}

uint32_t quote_of(const char *src, const char *dst, uint8_t protocol, uint16_t src_port,
                  uint16_t dst_port, uint32_t seq, uint32_t total_len, uint8_t *out)
{
    struct hawser_address from = at(src), to = at(dst);
    uint32_t header = address_is_v4(&to) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    struct ip_emit emit = {.src = &from,
                           .dst = &to,
                           .payload_len = total_len - header,
                           .protocol = protocol,
                           .hop_limit = 60,
                           .dont_fragment = true};
    uint8_t *p = out + ip_emit(&emit, out);
    store_be16(p, src_port);
    store_be16(p + 2, dst_port);
    store_be32(p + 4, seq);
    return header + 8;
}

void arp_in(struct fake *f, uint32_t link, uint16_t op, const struct mac *sender_mac,
            const char *sender, const char *target, bool broadcast)
{
    uint8_t frame[ETHER_HEADER_BYTES + ARP_BYTES];
    struct hawser_address from = at(sender), to = at(target);
    struct arp arp = {.op = op, .sender_mac = *sender_mac, .target_mac = fake_mac[link]};
    memcpy(arp.sender_ip, from.bytes + 12, 4);
    memcpy(arp.target_ip, to.bytes + 12, 4);
    struct ether ether = {.dst = fake_mac[link], .src = *sender_mac, .type = ETHER_TYPE_ARP};
    if (broadcast)
        memset(ether.dst.b, 0xff, sizeof ether.dst.b);
    ether_emit(&ether, frame);
    arp_emit(&arp, frame + ETHER_HEADER_BYTES);
    assert_int_equal(fake_input(f, link, frame, sizeof frame), NET_NOTHING);
}

static enum net_input_result nd_in(struct fake *f, const char *src, const char *dst,
                                   const struct mac *src_mac, uint8_t *message, uint32_t n)
{
    struct packet p = {.src = src,
                       .dst = dst,
                       .src_mac = src_mac,
                       .protocol = IP_PROTO_ICMPV6,
                       .hop_limit = 255,
                       .payload = message,
                       .payload_len = n};
    return packet_in(f, ETH0, &p);
}

enum net_input_result advertisement_in(struct fake *f, const char *src, const char *dst,
                                       const char *target, const struct mac *mac, bool solicited,
                                       bool override)
{
    uint8_t message[64];
    struct hawser_address from = at(src), to = at(dst), about = at(target);
    uint32_t n = icmp_emit_advertisement(&from, &to, &about, mac, solicited, override, message);
    return nd_in(f, src, dst, mac, message, n);
}

enum net_input_result solicitation_in(struct fake *f, const char *src, const char *dst,
                                      const char *target, const struct mac *mac)
{
    uint8_t message[64];
    struct hawser_address from = at(src), to = at(dst), about = at(target);
    uint32_t n = icmp_emit_solicitation(&from, &to, &about, mac, message);
    return nd_in(f, src, dst, mac, message, n);
}

/* ---- what came out ----------------------------------------------------------------------------
 */

struct seen fake_see(struct fake *f, uint32_t link)
{
    struct seen s = {0};
    assert_true(fake_output(f, link));
    const uint8_t *p = f->frame;
    uint32_t n = f->length;
    if (link == ETH0 || link == ETH1) {
        assert_true(ether_parse(p, n, &s.ether));
        assert_memory_equal(s.ether.src.b, fake_mac[link].b, 6);
        p += ETHER_HEADER_BYTES;
        n -= ETHER_HEADER_BYTES;
        if (s.ether.type == ETHER_TYPE_ARP) {
            assert_true(arp_parse(p, n, &s.arp));
            s.is_arp = true;
            return s;
        }
    }
    assert_int_equal(ip_parse(p, n, &s.ip), IP_PARSE_OK);
    assert_int_equal(s.ip.total_len, n);
    if (link == ETH0 || link == ETH1)
        assert_int_equal(s.ether.type, s.ip.version == 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
    s.is_icmp = s.ip.protocol == (s.ip.version == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
    if (!s.is_icmp || s.ip.is_fragment)
        return s;
    enum icmp_parse verdict =
        s.ip.version == 4
            ? icmpv4_parse(s.ip.payload, s.ip.payload_len, &s.icmp)
            : icmpv6_parse(s.ip.payload, s.ip.payload_len, &s.ip.src, &s.ip.dst, &s.icmp);
    assert_int_equal(verdict, ICMP_PARSE_OK);
    return s;
}

/* ---- sending ----------------------------------------------------------------------------------
 */

enum net_send send_to(struct fake *f, const char *dst, uint32_t seq, uint32_t n)
{
    struct hawser_address to = at(dst);
    struct net_path path;
    assert_int_equal(net_path_find(&f->net, NULL, &to, &path), 0);
    assert_true(net_path_fresh(&f->net, &path));
    uint8_t *message = f->frame + net_headroom(&f->net, &path, !address_is_v4(&to));
    assert_true(n >= TCP_HEADER_MIN);
    memset(message, 0, n);
    store_be16(message, 1000);
    store_be16(message + 2, 80);
    store_be32(message + 4, seq);
    struct ip_emit ip = {.src = &path.source,
                         .dst = &to,
                         .payload_len = n,
                         .protocol = IP_PROTO_TCP,
                         .hop_limit = 64,
                         .dont_fragment = true};
    return net_send(&f->net, f->now_ns, &path, &ip, f->frame, &f->length);
}

struct neighbour *neighbour_of(struct fake *f, uint32_t link, const char *address)
{
    struct hawser_address a = at(address);
    uint32_t index = neighbours_find(&f->net.neighbours, link, &a);
    return index == NEIGHBOUR_NONE ? NULL : neighbour_at(&f->net.neighbours, index);
}

void meet(struct fake *f, const char *address, unsigned which)
{
    struct hawser_address a = at(address);
    assert_int_equal(send_to(f, address, 0, TCP_HEADER_MIN), NET_HELD);
    struct seen asked = fake_see(f, ETH0);
    assert_true(asked.is_arp || asked.icmp.kind == ICMP_NEIGHBOUR_SOLICITATION);
    if (address_is_v4(&a))
        arp_in(f, ETH0, ARP_REPLY, &peer_mac[which], address, "192.0.2.1", false);
    else
        advertisement_in(f, address, "2001:db8::1", address, &peer_mac[which], true, true);
    assert_int_equal(neighbour_of(f, ETH0, address)->state, NEIGHBOUR_REACHABLE);
    fake_see(f, ETH0);
    fake_no_output(f);
}
