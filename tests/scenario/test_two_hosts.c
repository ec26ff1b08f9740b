/* SPDX-License-Identifier: MIT */
/* Two hosts on a wire with every fault it knows: streams are exact, connections end where and when
 * they must, nothing stalls, nothing is left, and everything happens again from the same seed. */
#include "scenario/hosts.h"

#define PERCENT 10000u /* in ppm */
#define TIME_WAIT_NS (60 * HOSTS_S)

static const struct {
    const char *name;
    struct hawser_wire_settings wire;
    bool lossless; /* no retransmission timer has any business here */
} faults[] = {
    {"perfect", {.delay_ns = 10 * HOSTS_MS}, true},
    {"loss", {.delay_ns = 10 * HOSTS_MS, .loss_ppm = 3 * PERCENT}, false},
    {"duplication", {.delay_ns = 10 * HOSTS_MS, .duplicate_ppm = 10 * PERCENT}, true},
    {"reordering",
     {.delay_ns = 10 * HOSTS_MS, .reorder_ppm = 5 * PERCENT, .reorder_ns = 2 * HOSTS_MS},
     true},
    {"corruption", {.delay_ns = 10 * HOSTS_MS, .corrupt_ppm = 3 * PERCENT}, false},
    {"jitter", {.delay_ns = 5 * HOSTS_MS, .jitter_ns = 20 * HOSTS_MS}, true},
    {"small queue",
     {.delay_ns = 10 * HOSTS_MS, .rate_bits_per_s = 5000000, .queue_bytes = 12000},
     false},
    {"everything",
     {.delay_ns = 10 * HOSTS_MS,
      .jitter_ns = 4 * HOSTS_MS,
      .rate_bits_per_s = 20000000,
      .queue_bytes = 40000,
      .loss_ppm = PERCENT,
      .duplicate_ppm = PERCENT,
      .reorder_ppm = 2 * PERCENT,
      .reorder_ns = 3 * HOSTS_MS,
      .corrupt_ppm = PERCENT},
     false},
};

/* The end that closed first waits, the other is gone; after 2 MSL nobody is there. */
static void check_ends(struct hosts *h)
{
    unsigned closer = h->setup.closer;
    for (unsigned i = 0; i < 2; i++) {
        const struct hosts_end *end = &h->end[i];
        if (closer < 2)
            HOSTS_CHECK(h, end->records == (i == closer));
        HOSTS_CHECK(h, end->records <= 1 && hosts_usage(h, i).timewaits == end->records);
        HOSTS_CHECK(h, hosts_usage(h, i).buffer_bytes == 0);
    }
    HOSTS_CHECK(h, h->end[0].records + h->end[1].records >= 1);
    hosts_run_out(h);
    for (unsigned i = 0; i < 2; i++) {
        struct hosts_end *end = &h->end[i];
        struct hawser_usage usage = hosts_usage(h, i);
        HOSTS_CHECK(h, usage.connections + usage.halfopens + usage.timewaits == 0);
        uint64_t life_ns = end->record_ended_ns - end->record_at_ns; /* in whole milliseconds */
        HOSTS_CHECK(h, end->records == 0 || life_ns - TIME_WAIT_NS <= HOSTS_MS);
    }
}

/* What holds for every segment that left. */
static void check_segments(struct hosts *h)
{
    for (unsigned i = 0; i < 2; i++) {
        HOSTS_CHECK(h, h->end[i].edge_back == 0);
        HOSTS_CHECK(h, h->end[i].syn_options == 0);
        HOSTS_CHECK(h, h->end[i].bare == 0 || !h->setup.timestamps);
    }
}

/* Returns a hash of all frames, with their times and fates. */
static uint64_t transfer(const struct hosts_setup *setup, bool lossless)
{
    struct hosts h;
    hosts_start(&h, setup);
    hosts_run(&h, (lossless ? 2 : 20) * HOSTS_S, hosts_finished);
    if (lossless)
        HOSTS_CHECK(&h, h.end[0].timeouts + h.end[1].timeouts == 0);
    check_ends(&h);
    check_segments(&h);
    uint64_t hash = h.hash;
    hosts_end(&h);
    return hash;
}

/* Each fault, with and without SACK, timestamps and scaling, both families; bare IP and Ethernet;
 * one end closes, or both. Twice, and the same to the bit.
 * EVIDENCE 7323-12 9293-MUST-65 2018-01 9293-3.10.7.4g-2 9293-3.10.7.4a-4 9293-3.6-1 */
static void every_fault(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < COUNT_OF(faults); fault++) {
        for (unsigned i = 0; i < 16 * 5; i++) {
            unsigned options = i % 16, round = i / 16;
            struct hosts_setup setup = {
                .name = faults[fault].name,
                .seed = 1 + fault + 100 * i,
                .sack = options & 1,
                .timestamps = options & 2,
                .scaling = options & 4,
                .v6 = options & 8,
                /* ARP has no checksum: a flipped bit in it is believed. */
                .ethernet = round % 2 == 1 && faults[fault].wire.corrupt_ppm == 0,
                .wire = {faults[fault].wire, faults[fault].wire},
                .stream_bytes = {150000, 40000},
                .closer = round % 3,
            };
            uint64_t hash = transfer(&setup, faults[fault].lossless);
            if (hash != transfer(&setup, faults[fault].lossless))
                fail_msg("%s, seed %lu: not the same twice", setup.name, (unsigned long)setup.seed);
        }
    }
}

/* Readers that take their time, and small buffers: windows shut and open, and what says so is lost
 * like other segments. It takes as long as the slower reader needs, and what the losses cost. */
static void slow_readers(void **state)
{
    (void)state;
    static const struct {
        uint32_t buffer_bytes, bite_bytes, every_ms;
    } rows[] = {{4000, 1000, 10},    {4000, 0, 0},    {20000, 300, 2},
                {20000, 20000, 150}, {0, 16000, 100}, {2048, 1, 1}};
    for (unsigned i = 0; i < COUNT_OF(rows) * 32; i++) {
        unsigned options = i % 16;
        bool lossy = i / 16 % 2;
        const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS,
                                                  .loss_ppm = lossy ? 3 * PERCENT : 0};
        uint32_t octets = rows[i / 32].bite_bytes == 1 ? 2000 : 60000;
        struct hosts_setup setup = {.name = lossy ? "slow readers, loss" : "slow readers",
                                    .seed = i + 1,
                                    .sack = options & 1,
                                    .timestamps = options & 2,
                                    .scaling = options & 4,
                                    .nodelay = options & 8,
                                    .wire = {line, line},
                                    .buffer_bytes = rows[i / 32].buffer_bytes,
                                    .bite_bytes = rows[i / 32].bite_bytes,
                                    .bite_every_ns = rows[i / 32].every_ms * HOSTS_MS,
                                    .stream_bytes = {octets, octets},
                                    .closer = i % 3};
        uint64_t bites = setup.bite_bytes != 0 ? octets / setup.bite_bytes : 0;
        uint64_t windows = setup.buffer_bytes != 0 ? octets / setup.buffer_bytes : 0;
        uint64_t bare_ns = bites * setup.bite_every_ns + windows * 20 * HOSTS_MS;
        struct hosts h;
        hosts_start(&h, &setup);
        hosts_run(&h, 2 * bare_ns + (lossy ? 20 : 2) * HOSTS_S, hosts_finished);
        check_ends(&h);
        check_segments(&h);
        hosts_end(&h);
    }
}

/* The first full segment of each direction is lost. */
static enum hawser_wire_fate lose_first_text(void *context, unsigned from, uint64_t now_ns,
                                             const uint8_t *data, uint32_t length)
{
    bool *lost = context;
    (void)now_ns;
    (void)data;
    if (lost[from] || length < 1000)
        return HAWSER_WIRE_PASS;
    lost[from] = true;
    return HAWSER_WIRE_LOSE;
}

/* Both ends fill the other's window to its last octet, and lose the first segment: every ACK stands
 * at the right edge of a window. */
static void both_windows_are_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8 * 4; i++) {
        static const uint32_t buffers[] = {4 * 1460, 14171, 14600, 9 * 1448};
        const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS};
        struct hosts_setup setup = {.name = "full windows",
                                    .seed = i + 1,
                                    .sack = i & 1,
                                    .timestamps = i & 2,
                                    .scaling = i & 4,
                                    .nodelay = true,
                                    .wire = {line, line},
                                    .buffer_bytes = buffers[i / 8],
                                    .stream_bytes = {50000, 50000}};
        bool lost[2] = {false, false};
        struct hosts h;
        hosts_start(&h, &setup);
        hawser_wire_set_filter(h.wire, lose_first_text, lost);
        hosts_run(&h, 2 * HOSTS_S, hosts_finished);
        HOSTS_CHECK(&h, lost[0] && lost[1]);
        check_ends(&h);
        check_segments(&h);
        hosts_end(&h);
    }
}

/* Nothing gets through for ten seconds in the middle: it goes on afterwards, with what the backoff
 * costs. */
static void an_outage(void **state)
{
    (void)state;
    for (unsigned options = 0; options < 4; options++) {
        const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS,
                                                  .rate_bits_per_s = 10000000};
        const struct hawser_wire_settings cut = {.delay_ns = 10 * HOSTS_MS,
                                                 .loss_ppm = HAWSER_WIRE_PPM};
        struct hosts h;
        struct hosts_setup setup = {.name = "outage",
                                    .seed = options + 1,
                                    .sack = options & 1,
                                    .timestamps = options & 2,
                                    .scaling = true,
                                    .wire = {line, line},
                                    .stream_bytes = {2000000, 2000000}};
        hosts_start(&h, &setup);
        hosts_run(&h, 500 * HOSTS_MS, NULL);
        HOSTS_CHECK(&h, !h.end[0].closed && h.end[0].read > 0);
        HOSTS_CHECK(&h, hawser_wire_set(h.wire, 2, &cut) == 0);
        hosts_run(&h, 10 * HOSTS_S, NULL);
        HOSTS_CHECK(&h, hawser_wire_set(h.wire, 2, &line) == 0);
        hosts_run(&h, 14 * HOSTS_S, hosts_finished);
        check_ends(&h);
        hosts_end(&h);
    }
}

/* ---- how fast -------------------------------------------------------------------------------- */

#define RTT_S 0.02

struct speed {
    double octets_per_s;
    unsigned timeouts;
    uint64_t episodes, again; /* of fast recovery; segments sent again */
};

static struct speed measure(const char *name, const struct hawser_wire_settings *line,
                            unsigned options, uint64_t seed, uint32_t octets)
{
    struct hosts h;
    struct hosts_setup setup = {.name = name,
                                .seed = seed,
                                .sack = options & 1,
                                .timestamps = options & 2,
                                .scaling = true,
                                .wire = {*line, *line},
                                .stream_bytes = {octets, 0}};
    hosts_start(&h, &setup);
    uint64_t start_ns = hawser_world_now(h.world);
    hosts_run(&h, 300 * HOSTS_S, hosts_finished);
    uint64_t took_ns = hawser_world_now(h.world) - start_ns;
    const struct hawser_counters *counters = hawser_counters_of(h.end[0].host);
    struct speed speed = {.octets_per_s = octets * 1e9 / (double)took_ns,
                          .timeouts = h.end[0].timeouts,
                          .episodes = counters->fast_retransmits,
                          .again = counters->segments_retransmitted};
    hosts_end(&h);
    return speed;
}

/* Random loss: half of MSS / RTT * sqrt(3 / 2p) at least, in the mean of four. */
static void random_loss_costs_what_theory_says(void **state)
{
    (void)state;
    static const uint32_t losses_ppm[] = {PERCENT / 5, PERCENT / 2, PERCENT, 2 * PERCENT};
    for (unsigned i = 0; i < COUNT_OF(losses_ppm); i++) {
        for (unsigned options = 0; options < 4; options++) {
            const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS,
                                                      .rate_bits_per_s = 1000000000,
                                                      .queue_bytes = 10000000,
                                                      .loss_ppm = losses_ppm[i]};
            double window = 1448 / RTT_S, p = losses_ppm[i] / 1e6, mean = 0;
            double theory_squared = window * window * 1.5 / p;
            for (unsigned seed = 1; seed <= 4; seed++)
                mean += measure("loss", &line, options, seed, 2000000).octets_per_s / 4;
            if (4 * mean * mean < theory_squared)
                fail_msg("loss %g, options %u: %.0f octets a second", p, options, mean);
        }
    }
}

/* A line with a queue of a bandwidth-delay product, or of half of one: most of it is used, with
 * SACK and no timeout, without with the one at the end of the first slow start. */
static void a_bottleneck_is_used(void **state)
{
    (void)state;
    static const struct {
        uint64_t rate, queue;
    } lines[] = {{2000000, 6000}, {10000000, 12500}, {10000000, 25000}, {50000000, 125000}};
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        for (unsigned options = 0; options < 4; options++) {
            const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS,
                                                      .rate_bits_per_s = lines[i].rate,
                                                      .queue_bytes = lines[i].queue};
            uint32_t five_seconds = (uint32_t)(5 * line.rate_bits_per_s / 8);
            struct speed speed = measure("bottleneck", &line, options, 1, five_seconds);
            double share = speed.octets_per_s / ((double)lines[i].rate / 8);
            bool sack = options & 1;
            if (share < (sack ? 0.8 : 0.75) || speed.timeouts > !sack)
                fail_msg("%lu bit/s, queue %lu, options %u: %.2f of it, %u timeouts",
                         (unsigned long)lines[i].rate, (unsigned long)lines[i].queue, options,
                         share, speed.timeouts);
        }
    }
}

/* Segments that are late, and none lost: with SACK an episode that begins in vain sends little in
 * vain, and no timeout follows. */
static void reordering_costs_little(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (unsigned ts = 0; ts < 2; ts++) {
            const struct hawser_wire_settings line = {.delay_ns = 10 * HOSTS_MS,
                                                      .rate_bits_per_s = 1000000000,
                                                      .queue_bytes = 10000000,
                                                      .reorder_ppm = 2 * PERCENT,
                                                      .reorder_ns = 3 * HOSTS_MS};
            struct speed speed = measure("reordering", &line, 1 + 2 * ts, seed, 2000000);
            if (speed.timeouts > 0 || speed.again > 2 * speed.episodes || speed.episodes == 0)
                fail_msg("seed %lu: %u timeouts, %lu episodes, %lu segments sent again",
                         (unsigned long)seed, speed.timeouts, (unsigned long)speed.episodes,
                         (unsigned long)speed.again);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault),
        cmocka_unit_test(slow_readers),
        cmocka_unit_test(both_windows_are_full),
        cmocka_unit_test(an_outage),
        cmocka_unit_test(random_loss_costs_what_theory_says),
        cmocka_unit_test(a_bottleneck_is_used),
        cmocka_unit_test(reordering_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
