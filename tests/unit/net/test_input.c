/* SPDX-License-Identifier: MIT */
/* A frame's way in: what is let up to TCP, what is dropped and why, what is answered. */
#include "fake.h"

#include <stdlib.h>

static uint8_t tcp_message[40] = {[0] = 0x9c, 0x40, 0, 80, [12] = 0x50};

static struct packet tcp_packet(const char *src, const char *dst)
{
    return (struct packet){.src = src,
                           .dst = dst,
                           .protocol = IP_PROTO_TCP,
                           .payload = tcp_message,
                           .payload_len = sizeof tcp_message};
}

static void expect_drop(struct fake *f, enum net_input_result result, enum hawser_drop drop,
                        const char *what)
{
    if (result != NET_NOTHING || f->arrival.drop != drop)
        fail_msg("%s: result %d, drop %d", what, (int)result, (int)f->arrival.drop);
}

static void test_tcp(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        const char *src, *dst;
    } rows[] = {
        {ETH0, "192.0.2.9", "192.0.2.1"},
        {ETH0, "8.8.8.8", "192.0.2.1"},
        {ETH0, "240.0.0.1", "192.0.2.1"},
        {ETH0, "192.0.2.9", "198.51.100.1"}, /* another link's address (RFC 1122 3.3.4.2) */
        {ETH1, "198.51.100.9", "198.51.100.1"},
        {TUN, "203.0.113.2", "203.0.113.1"},
        {ETH0, "2001:db8::9", "2001:db8::1"},
        {ETH0, "fe80::9", "fe80::ff:fe00:1"},
        {TUN, "2600::1", "2001:db8:f::1"},
        {LO, "127.0.0.1", "127.0.0.1"},
        {LO, "192.0.2.1", "192.0.2.1"},
        {LO, "::1", "::1"},
        {LO, "127.0.0.1", "127.0.0.9"},
        {LO, "fe80::ff:fe00:1", "fe80::ff:fe00:1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct packet p = tcp_packet(rows[i].src, rows[i].dst);
        struct hawser_address src = at(rows[i].src), dst = at(rows[i].dst);
        if (packet_in(f, rows[i].link, &p) != NET_TCP)
            fail_msg("%s > %s: drop %d", rows[i].src, rows[i].dst, (int)f->arrival.drop);
        assert_memory_equal(&f->arrival.ip.src, &src, 16);
        assert_memory_equal(&f->arrival.ip.dst, &dst, 16);
        assert_int_equal(f->arrival.link, rows[i].link);
        assert_int_equal(f->arrival.ip.payload_len, sizeof tcp_message);
        assert_memory_equal(f->arrival.ip.payload, tcp_message, sizeof tcp_message);
        assert_false(f->arrival.checksum_ok);
    }
    assert_int_equal(f->counters.frames_in, COUNT_OF(rows));
    fake_no_output(f);
}

/* EVIDENCE 9293-MUST-63 1122-11 */
static void test_bad_sources(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        const char *src, *dst;
    } rows[] = {
        {ETH0, "0.0.0.0", "192.0.2.1"},
        {ETH0, "0.1.2.3", "192.0.2.1"},
        {ETH0, "127.0.0.1", "192.0.2.1"},
        {ETH0, "127.9.9.9", "192.0.2.1"},
        {ETH0, "224.0.0.1", "192.0.2.1"},
        {ETH0, "239.1.2.3", "192.0.2.1"},
        {ETH0, "255.255.255.255", "192.0.2.1"},
        {ETH0, "192.0.2.255", "192.0.2.1"},    /* the link's subnet broadcast */
        {ETH0, "198.51.100.255", "192.0.2.1"}, /* another link's */
        {ETH0, "192.0.2.1", "192.0.2.1"},      /* ourselves, from a wire: "land" */
        {ETH1, "192.0.2.1", "198.51.100.1"},
        {TUN, "127.0.0.1", "203.0.113.1"},
        {TUN, "203.0.113.3", "203.0.113.1"},
        {ETH0, "::", "2001:db8::1"},
        {ETH0, "::1", "2001:db8::1"},
        {ETH0, "ff02::1", "2001:db8::1"},
        {ETH0, "ff0e::1", "2001:db8::1"},
        {ETH0, "2001:db8::1", "2001:db8::1"},
        {ETH0, "fe80::ff:fe00:1", "2001:db8::1"},
        {TUN, "2001:db8::1", "2001:db8:f::1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct packet p = tcp_packet(rows[i].src, rows[i].dst);
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_BAD_SOURCE, rows[i].src);
        /* Nobody is told about it either, whatever the protocol. */
        p.protocol = IP_PROTO_UDP;
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_BAD_SOURCE, rows[i].src);
    }
    fake_no_output(f);
    assert_int_equal(f->net.neighbours.pool.used_count, 0);
}

/* EVIDENCE 9293-MUST-57 1122-06 */
static void test_bad_destinations(void **state)
{
    struct fake *f = *state;
    static const struct mac everybody = {{255, 255, 255, 255, 255, 255}};
    static const struct mac multicast = {{0x33, 0x33, 0, 0, 0, 1}};
    static const struct {
        uint32_t link;
        const char *src, *dst;
        const struct mac *mac;
    } rows[] = {
        {ETH0, "192.0.2.9", "255.255.255.255", NULL},
        {ETH0, "192.0.2.9", "192.0.2.255", NULL},
        {ETH0, "192.0.2.9", "192.0.2.255", &fake_mac[0]},
        {ETH0, "192.0.2.9", "198.51.100.255", NULL},
        {ETH0, "192.0.2.9", "224.0.0.1", NULL},
        {ETH0, "192.0.2.9", "239.255.255.250", &fake_mac[0]},
        {TUN, "203.0.113.2", "203.0.113.3", NULL},
        {TUN, "203.0.113.2", "224.0.0.1", NULL},
        {ETH0, "2001:db8::9", "ff02::1", NULL},
        {ETH0, "2001:db8::9", "ff02::1:ff00:1", NULL},
        {ETH0, "2001:db8::9", "ff0e::101", NULL},
        {ETH0, "192.0.2.9", "192.0.2.2", NULL},
        {ETH0, "192.0.2.9", "0.0.0.0", NULL},
        {ETH0, "2001:db8::9", "2001:db8::2", NULL},
        {ETH0, "2001:db8::9", "::", NULL},
        {ETH0, "2001:db8::9", "::c000:201", NULL}, /* looks like 192.0.2.1, but is not */
        {ETH0, "192.0.2.9", "127.0.0.1", NULL},    /* RFC 1122 3.2.1.3 (g) */
        {ETH0, "2001:db8::9", "::1", NULL},
        {TUN, "203.0.113.2", "127.0.0.1", NULL},
        {ETH1, "fe80::9", "fe80::ff:fe00:1", NULL}, /* not of this link */
        /* ours, but in a link-layer broadcast (RFC 1122 3.3.6) */
        {ETH0, "192.0.2.9", "192.0.2.1", &everybody},
        {ETH0, "2001:db8::9", "2001:db8::1", &multicast},
        /* ours, but another host's frame */
        {ETH0, "192.0.2.9", "192.0.2.1", &peer_mac[2]},
        {ETH1, "198.51.100.9", "198.51.100.1", &fake_mac[0]},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct packet p = tcp_packet(rows[i].src, rows[i].dst);
        p.dst_mac = rows[i].mac;
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_NOT_FOR_US, rows[i].dst);
        p.protocol = IP_PROTO_UDP;
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_NOT_FOR_US, rows[i].dst);
        p.protocol = 200;
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_NOT_FOR_US, rows[i].dst);
    }
    fake_no_output(f);
}

/* No group takes fragments. */
static void test_group_fragments(void **state)
{
    struct fake *f = *state;
    struct packet p = tcp_packet("2001:db8::9", "ff02::1");
    p.protocol = IP_PROTO_ICMPV6;
    p.fragment = true;
    p.more = true;
    expect_drop(f, packet_in(f, ETH0, &p), HAWSER_DROP_NOT_FOR_US, "fragment");
    assert_int_equal(f->counters.fragments_in, 0);
}

static void test_frames(void **state)
{
    struct fake *f = *state;
    static uint8_t frame[FAKE_FRAME_MAX];
    struct packet p = tcp_packet("192.0.2.9", "192.0.2.1");
    uint32_t n = packet_frame(ETH0, &p, frame);
    /* every truncation */
    for (uint32_t cut = 0; cut < n; cut++)
        expect_drop(f, fake_input(f, ETH0, frame, cut), HAWSER_DROP_SHORT, "cut");
    /* with padding, as short Ethernet frames have it */
    assert_int_equal(fake_input(f, ETH0, frame, n + 20), NET_TCP);
    assert_int_equal(f->arrival.ip.payload_len, sizeof tcp_message);
    frame[6] |= 1; /* from a group */
    expect_drop(f, fake_input(f, ETH0, frame, n), HAWSER_DROP_BAD_SOURCE, "group source");
    frame[6] &= 0xfe;
    frame[12] = 0x86; /* another type than what is in it */
    frame[13] = 0xdd;
    expect_drop(f, fake_input(f, ETH0, frame, n), HAWSER_DROP_IP_VERSION, "type");
    frame[12] = 0x81; /* VLAN */
    frame[13] = 0;
    expect_drop(f, fake_input(f, ETH0, frame, n), HAWSER_DROP_PROTOCOL, "vlan");
    frame[12] = 8;
    frame[24] ^= 1;
    expect_drop(f, fake_input(f, ETH0, frame, n), HAWSER_DROP_IP_CHECKSUM, "checksum");
    frame[24] ^= 1;
    frame[14] = 0x55;
    expect_drop(f, fake_input(f, ETH0, frame, n), HAWSER_DROP_IP_VERSION, "version");
    /* a link that is none */
    uint64_t frames_in = f->counters.frames_in;
    assert_int_equal(fake_input(f, LINKS, frame, n), NET_NOTHING);
    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    assert_int_equal(f->counters.frames_in, frames_in);
    expect_drop(f, fake_input(f, TUN, frame, 0), HAWSER_DROP_SHORT, "empty");
}

/* An IPv6 packet that says it comes from, or goes to, an IPv4 address. */
static void test_mapped_on_the_wire(void **state)
{
    struct fake *f = *state;
    static uint8_t frame[FAKE_FRAME_MAX];
    for (uint32_t offset = 8; offset <= 24; offset += 16) {
        struct packet p = tcp_packet("2001:db8::9", "2001:db8::1");
        struct hawser_address mapped = at("192.0.2.1");
        uint32_t n = packet_frame(TUN, &p, frame);
        memcpy(frame + offset, mapped.bytes, 16);
        expect_drop(f, fake_input(f, TUN, frame, n), HAWSER_DROP_IP_VERSION, "mapped");
    }
}

/* EVIDENCE 9293-MUST-50 9293-MAY-10 9293-MAY-11 */
static void test_ip_options(void **state)
{
    struct fake *f = *state;
    static const struct {
        const char *what;
        uint8_t bytes[8];
        bool passes;
    } rows[] = {
        {"unknown", {0x9e, 4, 1, 2, 1, 1, 1, 0}, true},
        {"timestamp", {68, 8, 5, 0, 0, 0, 0, 0}, true},
        {"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true},
        {"router alert", {148, 4, 0, 0, 0, 0, 0, 0}, true},
        {"length 0", {0x9e, 0, 1, 1, 1, 1, 1, 1}, false},
        {"too long", {0x9e, 9, 1, 1, 1, 1, 1, 1}, false},
        {"loose source route", {131, 7, 4, 192, 0, 2, 9, 0}, false},
        {"strict source route", {137, 7, 4, 192, 0, 2, 9, 0}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t frame[128];
        struct packet p = tcp_packet("203.0.113.2", "203.0.113.1");
        uint32_t n = packet_frame(TUN, &p, frame);
        memmove(frame + 28, frame + 20, n - 20);
        memcpy(frame + 20, rows[i].bytes, 8);
        frame[0] = 0x47;
        store_be16(frame + 2, n + 8);
        store_be16(frame + 10, 0);
        store_be16(frame + 10, checksum_finish(checksum_sum(frame, 28)));
        enum net_input_result result = fake_input(f, TUN, frame, n + 8);
        if (rows[i].passes) {
            assert_int_equal(result, NET_TCP);
            assert_true(f->arrival.ip.has_options);
            assert_memory_equal(f->arrival.ip.payload, tcp_message, sizeof tcp_message);
        } else {
            expect_drop(f, result, HAWSER_DROP_IP_OPTIONS, rows[i].what);
        }
    }
    fake_no_output(f);
}

/* EVIDENCE 9293-MUST-50 */
static void test_ipv6_options(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint8_t next, type;
        bool passes, told;
    } rows[] = {
        {60, 0x1e, true, false},  /* destination options: skip over it */
        {0, 0x3e, true, false},   /* hop-by-hop */
        {60, 0x5e, false, false}, /* discard */
        {60, 0x9e, false, true},  /* discard and say so */
        {0, 0xde, false, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t body[8 + sizeof tcp_message] = {IP_PROTO_TCP, 0, rows[i].type, 4};
        memcpy(body + 8, tcp_message, sizeof tcp_message);
        struct packet p = {.src = "2001:db8:f::2",
                           .dst = "2001:db8:f::1",
                           .protocol = rows[i].next,
                           .payload = body,
                           .payload_len = sizeof body};
        enum net_input_result result = packet_in(f, TUN, &p);
        if (rows[i].passes) {
            assert_int_equal(result, NET_TCP);
            assert_memory_equal(f->arrival.ip.payload, tcp_message, sizeof tcp_message);
            continue;
        }
        expect_drop(f, result, HAWSER_DROP_IP_OPTIONS, "option");
        if (!rows[i].told)
            continue;
        struct seen s = fake_see(f, TUN);
        assert_int_equal(s.icmp.type, 4);
        assert_int_equal(s.icmp.code, 2);
        assert_int_equal(load_be32(s.ip.payload + 4), 42); /* where the option's type stands */
        assert_int_equal(s.icmp.body_len, 40 + sizeof body);
    }
    fake_no_output(f);
}

static void test_other_protocols(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        const char *src, *dst;
        uint8_t protocol, type, code;
        uint32_t info;
    } rows[] = {
        {TUN, "203.0.113.2", "203.0.113.1", IP_PROTO_UDP, 3, 3, 0},
        {TUN, "203.0.113.2", "203.0.113.1", 132, 3, 2, 0},
        {TUN, "203.0.113.2", "203.0.113.1", IP_PROTO_ICMPV6, 3, 2, 0},
        {TUN, "2001:db8:f::2", "2001:db8:f::1", IP_PROTO_UDP, 1, 4, 0},
        {TUN, "2001:db8:f::2", "2001:db8:f::1", 132, 4, 1, 6},
        {TUN, "2001:db8:f::2", "2001:db8:f::1", IP_PROTO_ICMP, 4, 1, 6},
        {TUN, "2001:db8:f::2", "2001:db8:f::1", 59, 0, 0, 0}, /* no next header: silence */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct packet p = tcp_packet(rows[i].src, rows[i].dst);
        p.protocol = rows[i].protocol;
        expect_drop(f, packet_in(f, rows[i].link, &p), HAWSER_DROP_PROTOCOL, "protocol");
        if (rows[i].type == 0) {
            fake_no_output(f);
            continue;
        }
        struct seen s = fake_see(f, TUN);
        struct hawser_address src = at(rows[i].src), dst = at(rows[i].dst);
        assert_memory_equal(&s.ip.src, &dst, 16);
        assert_memory_equal(&s.ip.dst, &src, 16);
        assert_int_equal(s.icmp.type, rows[i].type);
        assert_int_equal(s.icmp.code, rows[i].code);
        assert_int_equal(load_be32(s.ip.payload + 4), rows[i].info);
        /* the whole packet fits and is quoted */
        assert_int_equal(s.icmp.body_len, (s.ip.version == 4 ? 20 : 40) + sizeof tcp_message);
        assert_memory_equal(s.icmp.body + s.icmp.body_len - sizeof tcp_message, tcp_message,
                            sizeof tcp_message);
        fake_no_output(f);
    }
}

static void test_checksum_ok(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t link;
        bool offload;
        uint32_t flags;
        bool ok;
    } rows[] = {
        {TUN, true, HAWSER_FRAME_CHECKSUM_OK, true},
        {TUN, true, 0, false},
        {TUN, false, HAWSER_FRAME_CHECKSUM_OK, false},
        {LO, false, HAWSER_FRAME_CHECKSUM_OK, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[128];
        struct packet p = tcp_packet("203.0.113.2", "203.0.113.1");
        struct hawser_frame frame = {.data = bytes, .flags = rows[i].flags};
        frame.length = packet_frame(rows[i].link, &p, bytes);
        f->net.links[rows[i].link].checksum_offload_in = rows[i].offload;
        assert_int_equal(net_input(&f->net, rows[i].link, f->now_ns, &frame, &f->arrival), NET_TCP);
        assert_int_equal(f->arrival.checksum_ok, rows[i].ok);
    }
}

/* EVIDENCE 9293-A.1-1 */
static void test_dscp_does_not_matter(void **state)
{
    struct fake *f = *state;
    for (unsigned tc = 0; tc < 256; tc++)
        for (int v6 = 0; v6 < 2; v6++) {
            struct packet p = v6 ? tcp_packet("2001:db8:f::2", "2001:db8:f::1")
                                 : tcp_packet("203.0.113.2", "203.0.113.1");
            p.traffic_class = (uint8_t)tc;
            assert_int_equal(packet_in(f, TUN, &p), NET_TCP);
            assert_int_equal(f->arrival.ip.traffic_class, tc);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tcp, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_bad_sources, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_bad_destinations, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_group_fragments, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_frames, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mapped_on_the_wire, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_ip_options, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_ipv6_options, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_other_protocols, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_checksum_ok, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_dscp_does_not_matter, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
