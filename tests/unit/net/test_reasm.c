/* SPDX-License-Identifier: MIT */
/* Reassembly: every order, duplicates, overlaps, floods, timeouts, both families. */
#include "fake.h"

#include "base/prng.h"

#define PIECES 5u

static const struct family {
    const char *peer, *own;
} families[] = {
    {"203.0.113.2", "203.0.113.1"},
    {"2001:db8:f::2", "2001:db8:f::1"},
};

static uint8_t message[65536];

static int setup(void **state)
{
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 31 + i / 256);
    message[12] = 0x50; /* TCP's data offset */
    return fake_setup(state);
}

static enum net_input_result piece_in(struct fake *f, const struct family *fam, uint32_t id,
                                      uint32_t offset, uint32_t length, bool more)
{
    struct packet p = {.src = fam->peer,
                       .dst = fam->own,
                       .protocol = IP_PROTO_TCP,
                       .payload = message + offset,
                       .payload_len = length,
                       .fragment = true,
                       .id = id,
                       .offset = offset,
                       .more = more};
    return packet_in(f, TUN, &p);
}

static void expect_whole(struct fake *f, const struct family *fam, enum net_input_result result,
                         uint32_t length)
{
    struct hawser_address peer = at(fam->peer), own = at(fam->own);
    assert_int_equal(result, NET_TCP);
    const struct ip_packet *ip = &f->arrival.ip;
    assert_int_equal(ip->payload_len, length);
    assert_memory_equal(ip->payload, message, length);
    assert_memory_equal(&ip->src, &peer, 16);
    assert_memory_equal(&ip->dst, &own, 16);
    assert_int_equal(ip->protocol, IP_PROTO_TCP);
    assert_int_equal(ip->hop_limit, 64);
    assert_false(ip->is_fragment);
    assert_false(f->arrival.checksum_ok);
    assert_int_equal(f->arrival.link, TUN);
}

static void expect_empty(struct fake *f)
{
    struct net_arrival out;
    struct hawser_frame nothing = {.data = message, .length = 0};
    net_input(&f->net, TUN, f->now_ns, &nothing, &out); /* gives back what was handed out */
    assert_int_equal(f->net.reasm.used_bytes, 0);
    assert_int_equal(f->net.buffers.used_bytes, 0);
    assert_int_equal(f->net.reasm.head, REASM_NONE);
    assert_int_equal(net_next_deadline(&f->net), NEVER);
}

/* All 120 orders of five pieces, each once with a duplicate of every piece. */
static void test_all_orders(void **state)
{
    struct fake *f = *state;
    static const uint32_t ends[PIECES] = {24, 32, 800, 1600, 1605};
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (uint32_t order = 0; order < 120 * 2; order++) {
            bool used[PIECES] = {false};
            uint32_t rest = order / 2;
            enum net_input_result result = NET_NOTHING;
            for (uint32_t left = PIECES; left > 0; left--) {
                uint32_t pick = rest % left, piece = 0;
                rest /= left;
                for (;; piece++)
                    if (!used[piece] && pick-- == 0)
                        break;
                used[piece] = true;
                uint32_t offset = piece == 0 ? 0 : ends[piece - 1];
                for (uint32_t copy = 0; copy < 1 + order % 2; copy++) {
                    assert_int_equal(result, NET_NOTHING);
                    result = piece_in(f, &families[i], order, offset, ends[piece] - offset,
                                      piece + 1 < PIECES);
                    if (result == NET_TCP)
                        break;
                    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
                }
            }
            expect_whole(f, &families[i], result, 1605);
            expect_empty(f);
        }
    assert_int_equal(f->counters.reassembled, 480);
    assert_int_equal(f->counters.dropped[HAWSER_DROP_FRAGMENT], 0);
}

/* The smallest and the largest. */
static void test_sizes(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t length[2], piece;
    } rows[] = {
        {{28, 28}, 24},          {{2048, 2008}, 1024},   {{65515, 65535}, 1376},
        {{65515, 65495}, 60000}, {{16385, 16385}, 8192}, {{1000, 1000}, 32},
    };
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++)
            for (int backwards = 0; backwards < 2; backwards++) {
                uint32_t length = rows[k].length[i], piece = rows[k].piece;
                uint32_t count = (length + piece - 1) / piece;
                enum net_input_result result = NET_NOTHING;
                for (uint32_t n = 0; n < count; n++) {
                    uint32_t offset = (backwards ? count - 1 - n : n) * piece;
                    uint32_t left = length - offset;
                    result = piece_in(f, &families[i], (uint32_t)k, offset,
                                      left < piece ? left : piece, left > piece);
                }
                expect_whole(f, &families[i], result, length);
                expect_empty(f);
            }
}

/* Packets do not mix: identification, protocol (IPv4), addresses, family. */
static void test_keys(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        struct packet first = {.src = fam->peer,
                               .dst = fam->own,
                               .protocol = IP_PROTO_TCP,
                               .payload = message,
                               .payload_len = 400,
                               .fragment = true,
                               .id = 7,
                               .more = true};
        assert_int_equal(packet_in(f, TUN, &first), NET_NOTHING);
        struct packet last = first;
        last.offset = 400;
        last.payload += 400;
        last.more = false;
        last.id = 8;
        assert_int_equal(packet_in(f, TUN, &last), NET_NOTHING);
        last.id = 7;
        last.src = i == 0 ? "203.0.113.9" : "2001:db8:f::9";
        assert_int_equal(packet_in(f, TUN, &last), NET_NOTHING);
        last.src = fam->peer;
        last.dst = i == 0 ? "192.0.2.1" : "2001:db8::1";
        assert_int_equal(packet_in(f, TUN, &last), NET_NOTHING);
        last.dst = fam->own;
        if (i == 0) {
            last.protocol = IP_PROTO_UDP;
            assert_int_equal(packet_in(f, TUN, &last), NET_NOTHING);
            last.protocol = IP_PROTO_TCP;
        } else {
            last.protocol = IP_PROTO_UDP; /* RFC 8200 4.5: only the first one's counts */
        }
        assert_int_equal(packet_in(f, TUN, &last), NET_TCP);
        assert_int_equal(f->arrival.ip.protocol, IP_PROTO_TCP);
        last.id = first.id = 9; /* also when it comes later */
        assert_int_equal(packet_in(f, TUN, &last), NET_NOTHING);
        assert_int_equal(packet_in(f, TUN, &first), NET_TCP);
        assert_int_equal(f->arrival.ip.protocol, IP_PROTO_TCP);
        assert_int_equal(f->arrival.ip.payload_len, 800);
        fake_sleep(f, 31 * NS_PER_S);
        while (fake_output(f, TUN))
            ;
        expect_empty(f);
    }
}

/* RFC 5722 for IPv6, and the same for IPv4: an overlap spoils the packet, now and later. */
static void test_overlaps(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t offset, length;
        bool more;
    } rows[] = {
        {392, 408, true},  /* reaches back into the first */
        {0, 408, true},    /* longer than the first */
        {0, 392, true},    /* shorter, other bytes */
        {200, 100, false}, /* ends inside */
        {792, 16, true},   /* over the gap into the third */
        {400, 800, true},  /* over all of the third */
        {1192, 8, false},  /* ends before what is there */
        {8, 8, true},
    };
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            const struct family *fam = &families[i];
            uint32_t id = (uint32_t)k;
            uint64_t dropped = f->counters.dropped[HAWSER_DROP_FRAGMENT];
            assert_int_equal(piece_in(f, fam, id, 0, 400, true), NET_NOTHING);
            assert_int_equal(piece_in(f, fam, id, 800, 400, true), NET_NOTHING);
            message[rows[k].offset] ^= 0xff;
            assert_int_equal(piece_in(f, fam, id, rows[k].offset, rows[k].length, rows[k].more),
                             NET_NOTHING);
            message[rows[k].offset] ^= 0xff;
            assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
            assert_int_equal(f->net.reasm.used_bytes, 0);
            /* the true ones again: nothing comes of them */
            assert_int_equal(piece_in(f, fam, id, 0, 400, true), NET_NOTHING);
            assert_int_equal(piece_in(f, fam, id, 400, 400, true), NET_NOTHING);
            assert_int_equal(piece_in(f, fam, id, 800, 400, true), NET_NOTHING);
            assert_int_equal(piece_in(f, fam, id, 1200, 10, false), NET_NOTHING);
            assert_int_equal(f->counters.dropped[HAWSER_DROP_FRAGMENT], dropped + 5);
            /* until its time is over, silently */
            fake_sleep(f, 31 * NS_PER_S);
            fake_no_output(f);
            expect_empty(f);
        }
    assert_int_equal(f->counters.reassembled, 0);
}

/* Two ends that contradict each other. */
static void test_ends(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint32_t first_end, offset, length;
        bool more;
    } rows[] = {
        {808, 1000, 8, false}, /* another end */
        {808, 600, 8, false},
        {808, 808, 8, true}, /* behind the end */
        {808, 2000, 8, true},
    };
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            const struct family *fam = &families[i];
            uint32_t id = (uint32_t)k;
            assert_int_equal(piece_in(f, fam, id, 800, rows[k].first_end - 800, false),
                             NET_NOTHING);
            assert_int_equal(f->arrival.drop, NET_DROP_NONE);
            assert_int_equal(piece_in(f, fam, id, rows[k].offset, rows[k].length, rows[k].more),
                             NET_NOTHING);
            assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
            assert_int_equal(f->net.reasm.used_bytes, 0);
        }
}

/* Lengths that no fragment has; IPv6 says so (RFC 8200 4.5). */
static void test_lengths(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        piece_in(f, fam, 1, 0, 27, true);
        assert_int_not_equal(f->arrival.drop, NET_DROP_NONE);
        if (i == 1) {
            struct seen s = fake_see(f, TUN);
            assert_int_equal(s.icmp.type, 4);
            assert_int_equal(s.icmp.code, 0);
            assert_int_equal(load_be32(s.ip.payload + 4), 4);
        }
        piece_in(f, fam, 2, 65528, 8, false);
        assert_int_not_equal(f->arrival.drop, NET_DROP_NONE);
        if (i == 1)
            assert_int_equal(load_be32(fake_see(f, TUN).ip.payload + 4), 42);
        piece_in(f, fam, 3, 8, 0, true); /* nothing in it */
        assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
        fake_no_output(f);
        expect_empty(f);
    }
}

/* RFC 7112: the first one holds the headers. IPv4 has no such rule. */
static void test_first_holds_headers(void **state)
{
    struct fake *f = *state;
    assert_int_equal(piece_in(f, &families[1], 1, 0, 16, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
    assert_int_equal(piece_in(f, &families[1], 2, 0, 24, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    message[12] = 0xf0; /* with 40 bytes of options */
    assert_int_equal(piece_in(f, &families[1], 3, 0, 56, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
    assert_int_equal(piece_in(f, &families[1], 3, 0, 64, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    assert_int_equal(piece_in(f, &families[0], 4, 0, 8, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    expect_whole(f, &families[0], piece_in(f, &families[0], 4, 8, 100, false), 108);
}

/* RFC 6946: one that says it is a fragment and is whole meets no other. */
static void test_atomic(void **state)
{
    struct fake *f = *state;
    assert_int_equal(piece_in(f, &families[1], 5, 0, 400, true), NET_NOTHING);
    assert_int_equal(piece_in(f, &families[1], 5, 0, 300, false), NET_TCP);
    assert_int_equal(f->arrival.ip.payload_len, 300);
    expect_whole(f, &families[1], piece_in(f, &families[1], 5, 400, 10, false), 410);
}

/* Destination options behind the fragment header come first in the pieces. */
static void test_headers_in_fragments(void **state)
{
    struct fake *f = *state;
    uint8_t body[16 + 48] = {IP_PROTO_TCP, 1, 0x1e, 12};
    memcpy(body + 16, message, 48);
    struct packet p = {.src = families[1].peer,
                       .dst = families[1].own,
                       .protocol = 60,
                       .payload = body,
                       .payload_len = 40,
                       .fragment = true,
                       .id = 9,
                       .more = true};
    assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
    assert_int_equal(f->arrival.drop, NET_DROP_NONE);
    p.offset = 40;
    p.payload = body + 40;
    p.payload_len = 24;
    p.more = false;
    assert_int_equal(packet_in(f, TUN, &p), NET_TCP);
    assert_int_equal(f->arrival.ip.payload_len, 48);
    assert_memory_equal(f->arrival.ip.payload, message, 48);
    assert_true(f->arrival.ip.has_options);
    expect_empty(f);
    /* One that would have to be dropped unfragmented is dropped here, too. */
    body[2] = 0x5e;
    p.id = 10;
    p.traffic_class = 3;
    assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
    p.offset = 0;
    p.payload = body;
    p.payload_len = 40;
    p.more = true;
    assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
    expect_empty(f);
}

/* Of another protocol: the sender is told, with the first fragment quoted. */
static void test_other_protocol(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        struct packet p = {.src = families[i].peer,
                           .dst = families[i].own,
                           .protocol = 132,
                           .payload = message,
                           .payload_len = 80,
                           .fragment = true,
                           .id = 9,
                           .more = true};
        assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        p.offset = 80;
        p.payload += 80;
        p.more = false;
        assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
        assert_int_equal(f->arrival.drop, HAWSER_DROP_PROTOCOL);
        struct seen s = fake_see(f, TUN);
        uint32_t header = i == 0 ? 20 : 48;
        assert_int_equal(s.icmp.body_len, header + 160);
        assert_memory_equal(s.icmp.body + header, message, 160);
        if (i == 1)
            assert_int_equal(load_be32(s.ip.payload + 4), 40); /* the fragment header names it */
    }
}

/* RFC 3168 5.3 */
static void test_ecn(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint8_t first, second;
        bool whole;
        uint8_t result;
    } rows[] = {
        {0, 0, true, 0},  {2, 2, true, 2},          {2, 3, true, 3},
        {3, 2, true, 3},  {1, 3, true, 3},          {0, 3, false, 0},
        {3, 0, false, 0}, {0xb8, 0xb8, true, 0xb8}, {0xba, 0xbb, true, 0xbb},
    };
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            struct packet p = {.src = families[i].peer,
                               .dst = families[i].own,
                               .protocol = IP_PROTO_TCP,
                               .traffic_class = rows[k].first,
                               .payload = message,
                               .payload_len = 80,
                               .fragment = true,
                               .id = (uint32_t)k,
                               .more = true};
            assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
            p.offset = 80;
            p.payload += 80;
            p.more = false;
            p.traffic_class = rows[k].second;
            assert_int_equal(packet_in(f, TUN, &p), rows[k].whole ? NET_TCP : NET_NOTHING);
            if (rows[k].whole)
                assert_int_equal(f->arrival.ip.traffic_class, rows[k].result);
            expect_empty(f);
        }
}

/* RFC 1122 3.3.2, RFC 8200 4.5 */
static void test_timeout(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const struct family *fam = &families[i];
        uint64_t dropped = f->counters.dropped[HAWSER_DROP_FRAGMENT];
        assert_int_equal(piece_in(f, fam, 1, 400, 400, true), NET_NOTHING); /* no first one */
        fake_sleep(f, 10 * NS_PER_S);
        assert_int_equal(piece_in(f, fam, 2, 800, 400, false), NET_NOTHING);
        assert_int_equal(piece_in(f, fam, 2, 0, 400, true), NET_NOTHING);
        fake_sleep(f, 10 * NS_PER_S);
        assert_int_equal(piece_in(f, fam, 1, 800, 400, true), NET_NOTHING); /* moves nothing */
        fake_sleep(f, 10 * NS_PER_S - 1);
        assert_int_equal(f->counters.dropped[HAWSER_DROP_FRAGMENT], dropped);
        fake_sleep(f, 1);
        assert_int_equal(f->counters.dropped[HAWSER_DROP_FRAGMENT], dropped + 1);
        fake_no_output(f);
        fake_sleep(f, 10 * NS_PER_S);
        assert_int_equal(f->counters.dropped[HAWSER_DROP_FRAGMENT], dropped + 2);
        struct seen s = fake_see(f, TUN);
        assert_int_equal(s.icmp.kind, ICMP_TIME_EXCEEDED);
        assert_int_equal(s.icmp.code, 1);
        uint32_t header = i == 0 ? 20 : 48;
        assert_int_equal(s.icmp.body_len, header + 400);
        assert_memory_equal(s.icmp.body + header, message, 400);
        expect_empty(f);
        /* too late */
        assert_int_equal(piece_in(f, fam, 2, 400, 400, true), NET_NOTHING);
        fake_sleep(f, 31 * NS_PER_S);
        fake_no_output(f);
    }
}

/* No time exceeded about an ICMP error, however cut up. */
static void test_timeout_of_an_error(void **state)
{
    struct fake *f = *state;
    static const struct {
        uint8_t type;
        bool told;
    } rows[2][4] = {{{3, false}, {8, true}, {13, true}, {30, false}},
                    {{1, false}, {128, true}, {137, false}, {135, true}}};
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < 4; k++) {
            uint8_t body[80] = {rows[i][k].type};
            struct packet p = {.src = families[i].peer,
                               .dst = families[i].own,
                               .protocol = i == 0 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6,
                               .payload = body,
                               .payload_len = 80,
                               .fragment = true,
                               .id = (uint32_t)k,
                               .more = true};
            assert_int_equal(packet_in(f, TUN, &p), NET_NOTHING);
            fake_sleep(f, 31 * NS_PER_S);
            assert_int_equal(net_has_output(&f->net, TUN), rows[i][k].told);
            while (fake_output(f, TUN))
                ;
        }
}

/* However many begin, what they hold is bounded, and the oldest make way. */
static void test_flood(void **state)
{
    struct fake *f = *state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        for (uint32_t id = 0; id < 5000; id++) {
            /* the worst: the whole buffer for a few bytes */
            assert_int_equal(piece_in(f, &families[i], 100 + id, 65000, 16, true), NET_NOTHING);
            assert_true(f->net.reasm.used_bytes <= f->config.fragments_bytes_max);
            assert_true(f->net.buffers.used_bytes <= f->config.fragments_bytes_max);
        }
        for (uint32_t id = 0; id < 5000; id++) {
            assert_int_equal(piece_in(f, &families[i], 100 + id, 400, 400, true), NET_NOTHING);
            assert_true(f->net.reasm.used_bytes <= f->config.fragments_bytes_max);
        }
        /* Somebody honest gets through. */
        assert_int_equal(piece_in(f, &families[i], 1, 0, 400, true), NET_NOTHING);
        expect_whole(f, &families[i], piece_in(f, &families[i], 1, 400, 9, false), 409);
        fake_sleep(f, 31 * NS_PER_S);
        fake_no_output(f);
        expect_empty(f);
    }
}

/* The oldest makes way, and only that one. */
static void test_oldest_goes(void **state)
{
    struct fake *f = *state;
    for (uint32_t id = 0; id <= REASM_PACKETS_MAX; id++)
        assert_int_equal(piece_in(f, &families[0], id, 0, 400, true), NET_NOTHING);
    assert_int_equal(piece_in(f, &families[0], 0, 400, 9, false),
                     NET_NOTHING); /* now it's 1's turn */
    assert_int_equal(piece_in(f, &families[0], 1, 400, 9, false), NET_NOTHING);
    for (uint32_t id = 3; id <= REASM_PACKETS_MAX; id++)
        expect_whole(f, &families[0], piece_in(f, &families[0], id, 400, 9, false), 409);
}

/* Whatever the link vouches for, nobody vouches for what is put together. */
static void test_nobody_vouches(void **state)
{
    struct fake *f = *state;
    uint8_t bytes[1024];
    for (uint32_t offset = 0; offset <= 400; offset += 400) {
        struct packet p = {.src = families[0].peer,
                           .dst = families[0].own,
                           .protocol = IP_PROTO_TCP,
                           .payload = message + offset,
                           .payload_len = 400,
                           .fragment = true,
                           .offset = offset,
                           .more = offset == 0};
        struct hawser_frame frame = {.data = bytes, .flags = HAWSER_FRAME_CHECKSUM_OK};
        frame.length = packet_frame(TUN, &p, bytes);
        assert_int_equal(net_input(&f->net, TUN, f->now_ns, &frame, &f->arrival),
                         offset == 0 ? NET_NOTHING : NET_TCP);
    }
    assert_false(f->arrival.checksum_ok);
}

/* Every second unit of 8 bytes: more islands than a packet may have. */
static void test_islands(void **state)
{
    struct fake *f = *state;
    for (uint32_t offset = 8; offset < 16 * 300; offset += 16)
        assert_int_equal(piece_in(f, &families[0], 1, offset, 8, true), NET_NOTHING);
    assert_true(f->counters.dropped[HAWSER_DROP_FRAGMENT] > 0);
    assert_true(f->net.reasm.used_bytes <= 16384);
}

static void test_no_memory(void **state)
{
    struct fake *f = *state;
    f->memory.limit_bytes = f->memory.used_bytes;
    assert_int_equal(piece_in(f, &families[0], 1, 0, 400, true), NET_NOTHING);
    assert_int_equal(f->arrival.drop, HAWSER_DROP_FRAGMENT);
    assert_int_equal(f->net.reasm.used_bytes, 0);
    f->memory.limit_bytes = UINT64_MAX;
    assert_int_equal(piece_in(f, &families[0], 1, 0, 400, true), NET_NOTHING);
    expect_whole(f, &families[0], piece_in(f, &families[0], 1, 400, 9, false), 409);
}

static void test_limit_below_one_packet(void **state)
{
    (void)state;
    static const uint32_t limits[] = {0, 2048, 4096, 6144, 10000};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct fake f;
        fake_init(&f);
        f.config.fragments_bytes_max = limits[i];
        fake_start(&f);
        piece_in(&f, &families[0], 1, 0, 400, true);
        assert_int_equal(f.arrival.drop == NET_DROP_NONE, limits[i] >= 4096);
        piece_in(&f, &families[0], 2, 8000, 400, true);
        assert_int_equal(f.arrival.drop, HAWSER_DROP_FRAGMENT);
        assert_true(f.net.reasm.used_bytes <= limits[i]);
        fake_deinit(&f);
    }
}

/* Random pieces of random packets: no more than the limit, and nothing left at the end. */
static void test_random(void **state)
{
    struct fake *f = *state;
    struct prng prng;
    prng_init(&prng, 42);
    for (int i = 0; i < 20000; i++) {
        uint32_t offset = 8 * prng_below(&prng, prng_below(&prng, 2) ? 30 : 8100);
        uint32_t length = 1 + prng_below(&prng, prng_below(&prng, 2) ? 64 : 1300);
        bool more = prng_below(&prng, 4) != 0;
        if (more)
            length = (length + 7) & ~7u;
        if (offset + length > 65515)
            continue;
        piece_in(f, &families[prng_below(&prng, 2)], prng_below(&prng, 100), offset, length, more);
        assert_true(f->net.reasm.used_bytes <= f->config.fragments_bytes_max);
        if (prng_below(&prng, 50) == 0)
            fake_sleep(f, prng_below(&prng, 1000) * NS_PER_MS);
        while (fake_output(f, TUN))
            ;
    }
    fake_sleep(f, 31 * NS_PER_S);
    expect_empty(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_orders, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_overlaps, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_first_holds_headers, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_atomic, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_headers_in_fragments, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_other_protocol, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_ecn, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_timeout_of_an_error, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_oldest_goes, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_vouches, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_islands, setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, fake_teardown),
        cmocka_unit_test(test_limit_below_one_packet),
        cmocka_unit_test_setup_teardown(test_random, setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
