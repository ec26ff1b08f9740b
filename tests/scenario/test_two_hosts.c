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
#define SEEDS 4u

struct speed {
    double octets_per_s;
    unsigned timeouts;
};

static struct speed measure(const char *name, const struct hawser_wire_settings *line,
                            unsigned options, uint32_t octets)
{
    struct speed sum = {0, 0};
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
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
        sum.octets_per_s += octets * 1e9 / (double)took_ns / SEEDS;
        sum.timeouts += h.end[0].timeouts;
        hosts_end(&h);
    }
    return sum;
}

/* Random loss: half of MSS / RTT * sqrt(3 / 2p) at least. */
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
            double window = 1448 / RTT_S, p = losses_ppm[i] / 1e6;
            double theory_squared = window * window * 1.5 / p;
            double speed = measure("loss", &line, options, 3000000).octets_per_s;
            if (4 * speed * speed < theory_squared)
                fail_msg("loss %g, options %u: %.0f octets a second", p, options, speed);
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
            struct speed speed = measure("bottleneck", &line, options, five_seconds);
            double share = speed.octets_per_s / ((double)lines[i].rate / 8);
            bool sack = options & 1;
            if (share < (sack ? 0.8 : 0.75) || speed.timeouts > (sack ? 0 : SEEDS))
                fail_msg("%lu bit/s, queue %lu, options %u: %.2f of it, %u timeouts",
                         (unsigned long)lines[i].rate, (unsigned long)lines[i].queue, options,
                         share, speed.timeouts);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault),
        cmocka_unit_test(an_outage),
        cmocka_unit_test(random_loss_costs_what_theory_says),
        cmocka_unit_test(a_bottleneck_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
