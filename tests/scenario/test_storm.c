/* SPDX-License-Identifier: MIT */
/* Two hosts that have been brought to different ideas of a connection exchange a bounded number of
 * segments, whatever the ideas are, and no more unless a program or a timer begins: each end
 * answers what it cannot accept (RFC 9293 3.10.7.4, first), and RFC 5961 7 bounds that. */
#include "scenario/hosts.h"

#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define FIN TCP_FIN
#define ACK TCP_ACK
#define RST TCP_RST

/* A segment that end `from` never sent. */
struct forgery {
    unsigned from;
    uint8_t flags;
    uint32_t seq, ack, text_len;
};

static void forge(struct hosts *h, const struct forgery *f)
{
    uint8_t packet[1500];
    uint16_t ports[2] = {h->client_port, HOSTS_PORT};
    const struct segment seg = {.src_port = ports[f->from],
                                .dst_port = ports[!f->from],
                                .seq = seq_of(f->seq),
                                .ack = seq_of(f->ack),
                                .flags = f->flags,
                                .wnd = 1000,
                                .text_len = f->text_len};
    uint32_t n = tcp_header_bytes(&seg) + f->text_len;
    const struct ip_emit ip = {.src = &h->address[f->from],
                               .dst = &h->address[!f->from],
                               .payload_len = n,
                               .protocol = IP_PROTO_TCP,
                               .hop_limit = 64};
    uint32_t at = ip_emit(&ip, packet);
    memset(packet + at, 'x', n);
    tcp_emit_header(&seg, packet + at);
    uint32_t sum = checksum_pseudo(ip.src, ip.dst, IP_PROTO_TCP, n);
    tcp_emit_checksum(packet + at, checksum_add(sum, checksum_sum(packet + at, n)));
    HOSTS_CHECK(h,
                hawser_wire_put(h->wire, f->from, hawser_world_now(h->world), packet, at + n) == 0);
}

/* An idle connection over which some octets have gone both ways. */
static void start(struct hosts *h, unsigned options)
{
    const struct hawser_wire_settings line = {.delay_ns = HOSTS_MS};
    const struct hosts_setup setup = {.name = "storm",
                                      .seed = options + 1,
                                      .v6 = options & 1,
                                      .timestamps = options & 2,
                                      .sack = true,
                                      .scaling = true,
                                      .wire = {line, line},
                                      .stream_bytes = {3000, 2000},
                                      .closer = HOSTS_NOBODY_CLOSES,
                                      .strangers = true};
    hosts_start(h, &setup);
    hosts_run(h, 5 * HOSTS_S, hosts_quiet);
}

static uint64_t frames(const struct hosts *h)
{
    return h->frames[0] + h->frames[1];
}

/* What leaves both hosts until all is quiet for an hour. */
static uint64_t frames_until_quiet(struct hosts *h)
{
    uint64_t before = frames(h), last;
    do {
        last = frames(h);
        hosts_run(h, 3600 * HOSTS_S, NULL);
    } while (frames(h) != last);
    return frames(h) - before;
}

/* Text of a stranger to both ends: each waits for numbers that the other will not use. */
static void split(struct hosts *h, uint32_t n0, uint32_t n1)
{
    struct hawser_tcp_info a = hosts_info(h, 0), b = hosts_info(h, 1);
    HOSTS_CHECK(h, a.snd_nxt == b.rcv_nxt && b.snd_nxt == a.rcv_nxt);
    const struct forgery to_1 = {0, ACK, a.snd_nxt, a.rcv_nxt, n1};
    const struct forgery to_0 = {1, ACK, b.snd_nxt, b.rcv_nxt, n0};
    if (n0 > 0)
        forge(h, &to_0);
    if (n1 > 0)
        forge(h, &to_1);
}

/* EVIDENCE 5961-09 */
static void strange_text_at_both_ends(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{1, 1}, {100, 1}, {1, 100}, {1000, 1000}, {500, 0}, {0, 5}};
    for (unsigned i = 0; i < COUNT_OF(sizes) * 4; i++) {
        struct hosts h;
        start(&h, i % 4);
        split(&h, sizes[i / 4][0], sizes[i / 4][1]);
        uint64_t count = frames_until_quiet(&h);
        if (count < 2 || count > 2 + 2 * 11)
            hosts_fail(&h, "%lu frames", (unsigned long)count);
        HOSTS_CHECK(&h, hosts_info(&h, 0).state == HAWSER_ESTABLISHED);
        HOSTS_CHECK(&h, hosts_info(&h, 1).state == HAWSER_ESTABLISHED);
        hosts_end(&h);
    }
}

/* A program writes after that: nothing of it can arrive, for it acknowledges what was never sent,
 * and the connection is given up like one to a dead peer. EVIDENCE 5961-09 */
static void text_into_a_split_connection(void **state)
{
    (void)state;
    for (unsigned writers = 1; writers <= 3; writers++) {
        struct hosts h;
        start(&h, writers);
        split(&h, 100, 70);
        frames_until_quiet(&h);
        for (unsigned i = 0; i < 2; i++) {
            static const uint8_t text[20000];
            if (writers >> i & 1)
                HOSTS_CHECK(&h, hawser_send(h.end[i].host, h.end[i].tcp, text, sizeof text, 0) > 0);
        }
        uint64_t count = frames_until_quiet(&h);
        /* Who wrote has given up. When both write the numbers that were stolen are soon behind
         * them, and they agree again. */
        for (unsigned i = 0; i < 2; i++)
            HOSTS_CHECK(&h, h.end[i].failed == (writers == i + 1));
        if (count > 500)
            hosts_fail(&h, "%lu frames", (unsigned long)count);
        hosts_end(&h);
    }
}

/* Both have closed, and wait; their records do not agree. */
static void records_that_disagree(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 4; options++) {
        struct hosts h;
        start(&h, options);
        split(&h, 300, 200);
        frames_until_quiet(&h);
        struct hawser_tcp_info a = hosts_info(&h, 0), b = hosts_info(&h, 1);
        for (unsigned i = 0; i < 2; i++) {
            HOSTS_CHECK(&h, hawser_shutdown(h.end[i].host, h.end[i].tcp) == 0);
            h.end[i].shut = true;
        }
        hosts_run(&h, 10 * HOSTS_MS, NULL);
        /* A stranger acknowledges the FINs, and sends two. */
        const struct forgery to_1 = {0, FIN | ACK, b.rcv_nxt, b.snd_nxt + 1, 0};
        const struct forgery to_0 = {1, FIN | ACK, a.rcv_nxt, a.snd_nxt + 1, 0};
        forge(&h, &to_0);
        forge(&h, &to_1);
        hosts_run(&h, 100 * HOSTS_MS, NULL);
        HOSTS_CHECK(&h, hosts_usage(&h, 0).timewaits == 1 && hosts_usage(&h, 1).timewaits == 1);
        uint64_t before = frames(&h);
        for (unsigned i = 0; i < 10; i++) { /* poked, again and again */
            forge(&h, &to_0);
            forge(&h, &to_1);
            hosts_run(&h, 5 * HOSTS_S, NULL);
        }
        uint64_t count = frames(&h) - before;
        if (count > 10 * (2 + 2 * 12))
            hosts_fail(&h, "%lu frames", (unsigned long)count);
        hosts_run_out(&h);
        HOSTS_CHECK(&h, hosts_usage(&h, 0).timewaits + hosts_usage(&h, 1).timewaits == 0);
        hosts_end(&h);
    }
}

/* One end is gone, by a RST that was forged or lost: the first word of the other ends it. */
static void one_end_is_gone(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 4; options++) {
        struct hosts h;
        start(&h, options);
        struct hawser_tcp_info a = hosts_info(&h, 0);
        const struct forgery reset = {1, RST, a.rcv_nxt, 0, 0};
        forge(&h, &reset);
        hosts_run(&h, 10 * HOSTS_MS, NULL);
        HOSTS_CHECK(&h, h.end[0].failed && !h.end[1].failed);
        HOSTS_CHECK(&h, frames_until_quiet(&h) == 0);
        uint64_t before = frames(&h);
        HOSTS_CHECK(&h, hawser_send(h.end[1].host, h.end[1].tcp, "x", 1, 0) == 1);
        frames_until_quiet(&h);
        HOSTS_CHECK(&h, frames(&h) - before == 2); /* text, RST */
        HOSTS_CHECK(&h, h.end[1].failed);
        hosts_end(&h);
    }
}

/* Segments of all kinds from numbers anywhere, at both ends: a bounded answer to each. */
static void any_segment_at_any_number(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {ACK, FIN | ACK, RST, RST | ACK, TCP_SYN, TCP_SYN | ACK, 0, FIN};
    static const uint32_t offsets[] = {
        0, 1, 100, 30000, 0x7fffffff, 0x80000000, (uint32_t)-1, (uint32_t)-100, (uint32_t)-100000};
    struct hosts h;
    start(&h, 0);
    split(&h, 10, 20);
    frames_until_quiet(&h);
    for (unsigned i = 0; i < COUNT_OF(kinds) * COUNT_OF(offsets) * COUNT_OF(offsets); i++) {
        struct hawser_tcp_info a = hosts_info(&h, 0);
        uint32_t seq = offsets[i / COUNT_OF(kinds) % COUNT_OF(offsets)];
        uint32_t ack = offsets[i / COUNT_OF(kinds) / COUNT_OF(offsets)];
        uint8_t kind = kinds[i % COUNT_OF(kinds)];
        if ((kind & RST) && seq == 0)
            continue; /* that one ends it, as it must */
        if (((kind & FIN) || kind == ACK) && seq == 0 && ack == 0)
            continue;
        const struct forgery f = {1, kind, a.rcv_nxt + seq, a.snd_nxt + ack, 0};
        uint64_t before = frames(&h);
        forge(&h, &f);
        hosts_run(&h, HOSTS_S, NULL);
        if (frames(&h) - before > 25)
            hosts_fail(&h, "flags %#x, seq %+d, ack %+d: %lu frames", kind, (int)seq, (int)ack,
                       (unsigned long)(frames(&h) - before));
    }
    frames_until_quiet(&h);
    hosts_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strange_text_at_both_ends), cmocka_unit_test(text_into_a_split_connection),
        cmocka_unit_test(records_that_disagree),     cmocka_unit_test(one_end_is_gone),
        cmocka_unit_test(any_segment_at_any_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
