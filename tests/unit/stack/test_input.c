/* SPDX-License-Identifier: MIT */
/* Frames in: data both ways over every kind of link, refused ports, damaged segments. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "lan.h"
#include "wire/checksum.h"

static void fill(uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

/* n bytes from one end to the other, through whatever windows allow. */
static void transfer(struct lan *lan, unsigned from, hawser_tcp out, unsigned to, hawser_tcp in,
                     size_t n)
{
    uint8_t *sent = malloc(n), *got = malloc(n);
    size_t queued = 0, received = 0;
    fill(sent, n, (unsigned)n);
    for (unsigned rounds = 0; received < n && rounds < 100000; rounds++) {
        if (queued < n) {
            int64_t taken = hawser_send(lan->host[from], out, sent + queued, n - queued, 0);
            assert_true(taken > 0 || taken == HAWSER_ERR_AGAIN);
            queued += taken > 0 ? (size_t)taken : 0;
        }
        lan_settle(lan);
        int64_t read = hawser_receive(lan->host[to], in, got + received, n - received);
        assert_true(read > 0 || read == HAWSER_ERR_AGAIN);
        received += read > 0 ? (size_t)read : 0;
        if (read <= 0)
            lan_run(lan, 50 * NS_PER_MS);
    }
    assert_int_equal(received, n);
    assert_memory_equal(sent, got, n);
    free(sent);
    free(got);
}

static void test_data_both_ways(void **state)
{
    (void)state;
    static const struct {
        enum hawser_link_kind kind;
        uint32_t mtu;
        bool v6;
        size_t bytes;
    } rows[] = {
        {HAWSER_LINK_ETHERNET, 1500, false, 300000}, {HAWSER_LINK_ETHERNET, 1500, true, 300000},
        {HAWSER_LINK_IP, 1500, false, 300000},       {HAWSER_LINK_IP, 1280, true, 100000},
        {HAWSER_LINK_IP, 68, false, 2000},           {HAWSER_LINK_ETHERNET, 9000, false, 1000000},
        {HAWSER_LINK_IP, 65535, true, 5000000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.kind = rows[i].kind, .mtu = rows[i].mtu});
        lan_connect(lan, rows[i].v6, 0, 80, ends);
        transfer(lan, 1, ends[1], 0, ends[0], rows[i].bytes);
        transfer(lan, 0, ends[0], 1, ends[1], rows[i].bytes);
        assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_TCP_CHECKSUM), 0);
        lan_deinit(lan);
        free(lan);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const ends_of[] = {"127.0.0.1", "::1", "198.18.0.1", "2001:db8::1"};
    for (size_t i = 0; i < COUNT_OF(ends_of); i++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){.loopback = true});
        hawser_tcp listener = lan_listen(lan, 0, 80);
        ends[1] = lan_open(lan, 0, lan_end(ends_of[i], 80));
        lan_settle(lan);
        assert_int_equal(hawser_accept(lan->host[0], listener, &ends[0]), 0);
        transfer(lan, 0, ends[1], 0, ends[0], 2000000);
        transfer(lan, 0, ends[0], 0, ends[1], 2000000);
        assert_int_equal(lan->frames, 0); /* none of it was seen on the wire */
        assert_int_equal(hawser_close(lan->host[0], ends[1]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
        lan_settle(lan);
        struct hawser_usage usage;
        hawser_usage_of(lan->host[0], &usage);
        assert_int_equal(usage.timewaits, 1);
        assert_int_equal(usage.connections, 0);
        lan_deinit(lan);
        free(lan);
    }
}

/* ---- batches --------------------------------------------------------------------------------- */

enum { CALLERS = 5, FRAMES = 60 };

/* The packet's second half, from offset `at` of its payload on; its first half stays. */
static uint32_t split(uint8_t *packet, uint32_t length, uint32_t at, uint8_t *rest)
{
    memcpy(rest, packet, IPV4_HEADER_BYTES);
    memcpy(rest + IPV4_HEADER_BYTES, packet + IPV4_HEADER_BYTES + at,
           length - IPV4_HEADER_BYTES - at);
    uint8_t *parts[2] = {packet, rest};
    uint32_t lengths[2] = {IPV4_HEADER_BYTES + at, length - at};
    for (unsigned i = 0; i < 2; i++) {
        store_be16(parts[i] + 2, lengths[i]);
        store_be16(parts[i] + 4, 77);                        /* identification */
        store_be16(parts[i] + 6, i == 0 ? 0x2000u : at / 8); /* more fragments; the offset */
        store_be16(parts[i] + 10, 0);
        store_be16(parts[i] + 10, checksum_finish(checksum_sum(parts[i], IPV4_HEADER_BYTES)));
    }
    return lengths[1];
}

/* All that five callers have to say, a letter a segment, in an order of the generator; some of it
 * in fragments. The frames come in calls of `batch`. */
static void say(struct lan *lan, struct forged peers[CALLERS], size_t batch)
{
    static uint8_t packets[FRAMES][LAN_PACKET_MAX];
    struct hawser_frame frames[FRAMES];
    struct prng prng;
    size_t count = 0;
    prng_init(&prng, 5);
    while (count + 2 <= FRAMES) {
        struct forged *peer = &peers[prng_below(&prng, CALLERS)];
        char text[2] = {(char)('a' + (peer->seq & 15)), 0};
        peer->text = text;
        uint32_t length = lan_write(peer, packets[count]);
        peer->seq++;
        frames[count] = (struct hawser_frame){.data = packets[count], .length = length};
        count++;
        if (prng_below(&prng, 4) != 0)
            continue;
        frames[count] = (struct hawser_frame){
            .data = packets[count],
            .length = split(packets[count - 1], length, 16, packets[count]),
        };
        frames[count - 1].length = IPV4_HEADER_BYTES + 16;
        count++;
    }
    for (size_t i = 0; i < count; i += batch)
        hawser_input(lan->host[0], 0, lan->now_ns, frames + i,
                     count - i < batch ? count - i : batch);
}

/* It makes no difference how many frames come in one call. */
static void test_batches(void **state)
{
    (void)state;
    static char heard[3][CALLERS][FRAMES + 1];
    static const size_t batches[] = {1, 7, FRAMES};
    for (size_t i = 0; i < COUNT_OF(batches); i++) {
        struct lan *lan = malloc(sizeof *lan);
        struct forged peers[CALLERS];
        hawser_tcp listener, ends[CALLERS];
        lan_init(lan, &(struct lan_setup){.alone = true});
        listener = lan_listen(lan, 0, 80);
        for (unsigned k = 0; k < CALLERS; k++) {
            peers[k] = lan_forge_handshake(lan, lan_end("198.18.0.9", (uint16_t)(50 + k)),
                                           lan_end_of(0, false, 80), 1000 * k);
            assert_int_equal(hawser_accept(lan->host[0], listener, &ends[k]), 0);
        }
        say(lan, peers, batches[i]);
        assert_true(hawser_counters_of(lan->host[0])->reassembled > 3);
        for (unsigned k = 0; k < CALLERS; k++) {
            int64_t n = hawser_receive(lan->host[0], ends[k], heard[i][k], FRAMES);
            assert_int_equal(n, peers[k].seq - 1000 * k - 1);
            assert_memory_equal(heard[i][k], heard[0][k], FRAMES);
        }
        lan_deinit(lan);
        free(lan);
    }
}

/* ---- hostile bytes --------------------------------------------------------------------------- */

/* Somebody who knows about what a connection has where, and means no good. */
static void attack(struct lan *lan, struct prng *prng, const struct hawser_tcp_info *target)
{
    static const char *const texts[] = {NULL, "", "a", "GET / HTTP/1.0\r\n\r\n",
                                        "0123456789012345678901234567890123456789"};
    struct forged f = {.from = target->remote, .to = target->local};
    bool v6 = !address_is_v4(&f.to.address);
    if (target->state == HAWSER_LISTEN || prng_below(prng, 20) == 0)
        f.from = lan_end(v6 ? "2001:db8::77" : "198.18.0.77", (uint16_t)prng_below(prng, 30));
    if (address_is_unspecified(&f.to.address)) {
        f.to.address = lan_end_of(0, prng_below(prng, 2) == 0, 0).address;
        f.from.address = lan_end_of(1, !address_is_v4(&f.to.address), 0).address;
    }
    f.flags = (uint8_t)prng_below(prng, 64);
    if (prng_below(prng, 2) == 0)
        f.flags = TCP_ACK;
    f.seq = target->rcv_nxt + prng_below(prng, 41) - 20;
    f.ack = target->snd_nxt + prng_below(prng, 9) - 6;
    if (prng_below(prng, 8) == 0)
        f.seq = (uint32_t)prng_next(prng);
    if (prng_below(prng, 8) == 0)
        f.ack = (uint32_t)prng_next(prng);
    f.wnd = (uint16_t)(prng_below(prng, 3) == 0 ? prng_below(prng, 3) : prng_next(prng));
    f.text = texts[prng_below(prng, COUNT_OF(texts))];
    f.options = (uint8_t)prng_below(prng, 16);
    f.mss = (uint16_t)prng_next(prng);
    f.wscale = (uint8_t)prng_below(prng, 20);
    f.ts_val = (uint32_t)prng_next(prng) >> prng_below(prng, 32);
    f.ts_ecr = (uint32_t)prng_next(prng);
    lan_forge(lan, &f);
}

static void use(struct lan *lan, struct prng *prng, hawser_tcp tcp)
{
    struct hawser_host *host = lan->host[0];
    char text[64];
    switch (prng_below(prng, 40)) {
    case 0:
        (void)hawser_close(host, tcp);
        break;
    case 1:
        (void)hawser_abort(host, tcp);
        break;
    case 2:
        (void)hawser_shutdown(host, tcp);
        break;
    case 3:
        (void)hawser_set_option(host, tcp, 1 + prng_below(prng, 14), prng_below(prng, 3000));
        break;
    default:
        (void)hawser_receive(host, tcp, text, prng_below(prng, sizeof text));
        (void)hawser_send(host, tcp, text, prng_below(prng, sizeof text), prng_below(prng, 4));
    }
}

/* Any number of anything: no assertion, no leak, and listeners go on serving. */
static void test_hostile_segments(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    struct prng prng;
    for (unsigned seed = 1; seed <= 6; seed++) {
        prng_init(&prng, seed);
        lan_init(lan, &(struct lan_setup){.alone = true, .deaf = seed % 2 != 0});
        struct hawser_host *host = lan->host[0];
        hawser_tcp listener = lan_listen(lan, 0, 80), tcp;
        for (unsigned i = 0; i < 4000; i++) {
            struct hawser_tcp_info targets[32];
            uint64_t cursor = 0;
            uint32_t count = 0;
            while (count < 32 && hawser_walk(host, lan->now_ns, &cursor, &targets[count]))
                count++;
            const struct hawser_tcp_info *target = &targets[prng_below(&prng, count)];
            attack(lan, &prng, target);
            if (target->state != HAWSER_LISTEN && target->handle != 0)
                use(lan, &prng, target->handle);
            if (hawser_accept(host, listener, &tcp) == 0 && prng_below(&prng, 10) == 0)
                (void)hawser_close(host, tcp);
            if (count < 10) {
                bool v6 = prng_below(&prng, 2) == 0;
                lan_open(lan, 0, lan_end_of(1, v6, (uint16_t)(1 + prng_below(&prng, 3))));
            }
            if (prng_below(&prng, 4) == 0)
                lan_run(lan, UINT64_C(1) << prng_below(&prng, 37));
        }
        lan_forge_handshake(lan, lan_end("198.18.0.123", 9), lan_end_of(0, false, 80), 5);
        lan_deinit(lan);
    }
    free(lan);
}

/* Frames of an honest conversation, damaged on the way: checksums catch it, or nothing bad
 * happens. */
static struct prng damage;

static bool damaged(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    uint8_t copy[LAN_FRAME_MAX];
    memcpy(copy, frame, length);
    if (prng_below(&damage, 5) != 0)
        return true;
    for (unsigned i = 0; i <= prng_below(&damage, 3); i++)
        copy[prng_below(&damage, length)] ^= (uint8_t)(1u << prng_below(&damage, 8));
    struct hawser_frame bad = {.data = copy, .length = length};
    if (prng_below(&damage, 4) == 0)
        bad.length = prng_below(&damage, length);
    if (prng_below(&damage, 4) == 0) /* the link vouches for what is not so */
        bad.flags = HAWSER_FRAME_CHECKSUM_OK;
    hawser_input(lan->host[!from], 0, lan->now_ns, &bad, 1);
    return prng_below(&damage, 4) != 0;
}

static void test_damaged_frames(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    for (unsigned seed = 1; seed <= 6; seed++) {
        prng_init(&damage, seed);
        lan_init(lan,
                 &(struct lan_setup){.kind = seed % 2 ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP});
        hawser_tcp listener = lan_listen(lan, 0, 80), end;
        lan->filter = damaged;
        for (unsigned i = 0; i < 30; i++) {
            static uint8_t text[30000];
            hawser_tcp tcp = lan_open(lan, 1, lan_end_of(0, i % 2 != 0, 80));
            lan_run(lan, 5 * NS_PER_S);
            while (hawser_accept(lan->host[0], listener, &end) == 0) {
                (void)hawser_send(lan->host[0], end, text, sizeof text, 0);
                (void)hawser_send(lan->host[1], tcp, text, sizeof text, 0);
                lan_run(lan, 10 * NS_PER_S);
                (void)hawser_close(lan->host[0], end);
            }
            (void)hawser_close(lan->host[1], tcp);
            lan_run(lan, 10 * NS_PER_S);
        }
        const struct hawser_counters *counters = hawser_counters_of(lan->host[0]);
        assert_true(counters->dropped[HAWSER_DROP_TCP_CHECKSUM] > 0);
        assert_true(counters->opens_passive > 10);
        lan_deinit(lan);
    }
    free(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_both_ways), cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_batches),        cmocka_unit_test(test_hostile_segments),
        cmocka_unit_test(test_damaged_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
