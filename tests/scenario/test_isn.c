/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers, seen from outside (RFC 9293 3.4.1, RFC 6528): a clock, and a secret for
 * each 4-tuple. */
#include "scenario/forge.h"

static const bool families[] = {false, true};

/* What an open of this 4-tuple begins with now. The connection is gone again afterwards. */
static uint32_t iss_of(struct peer *p, const struct hawser_endpoint *remote, uint16_t local_port)
{
    struct hawser_open_options options = {
        .local = {p->host_address, local_port}, .remote = *remote, .reuse_address = true};
    assert_int_equal(hawser_open(p->host, p->now_ns, &options, &p->tcp), 0);
    uint32_t iss = peer_info(p).iss;
    assert_int_equal(hawser_abort(p->host, p->tcp), 0);
    return iss;
}

/* The same of a passive open. */
static uint32_t iss_of_answer(struct peer *p)
{
    struct segment syn = peer_syn_options(p, PEER_MSS);
    peer_inject(p, &syn);
    uint32_t iss = peer_out(p, S | A, 0, 1, 0)->seg.seq.v;
    peer_in(p, R, 1, 0, 0);
    return iss;
}

/* One step in 4 microseconds, modulo 2^32, for active and passive opens.
 * EVIDENCE 9293-MUST-8 6528-01 6528-04 */
static void it_follows_the_clock(void **state)
{
    (void)state;
    static const uint64_t waits_ns[] = {
        4000, 1000000, NS_PER_S, 3600 * NS_PER_S, 17179869184000, 17179869188000, 30000 * NS_PER_S};
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        struct hawser_endpoint remote = {p.peer_address, 4000};
        uint32_t active = iss_of(&p, &remote, 5000);
        peer_listen(&p, 4);
        uint32_t passive = iss_of_answer(&p);
        assert_int_equal(iss_of(&p, &remote, 5000), active);
        for (unsigned w = 0; w < COUNT_OF(waits_ns); w++) {
            p.now_ns += waits_ns[w];
            uint32_t ticks = (uint32_t)(waits_ns[w] / 4000);
            uint32_t next = iss_of(&p, &remote, 5000), answer = iss_of_answer(&p);
            assert_int_equal(next - active, ticks);
            assert_int_equal(answer - passive, ticks);
            active = next;
            passive = answer;
        }
        peer_end(&p);
    }
}

/* ---- statistics ---- */

#define TUPLES 100000u

/* Sum over 2^bits bins of (seen - expected)^2 / expected. */
static double chi_square(const uint32_t *values, unsigned count, unsigned shift, unsigned bits)
{
    uint32_t bins[256] = {0};
    double sum = 0, expected = (double)count / (double)(1u << bits);
    for (unsigned i = 0; i < count; i++)
        bins[values[i] >> shift & ((1u << bits) - 1)]++;
    for (unsigned i = 0; i < 1u << bits; i++)
        sum += ((double)bins[i] - expected) * ((double)bins[i] - expected) / expected;
    return sum;
}

/* 255 degrees of freedom: 330 is passed by chance once in a thousand times. */
static void check_uniform(const uint32_t *values, unsigned count)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        double sum = chi_square(values, count, shift, 8);
        if (sum > 330 || sum < 190)
            fail_msg("bits from %u: chi-square %f", shift, sum);
    }
}

static struct hawser_endpoint remote_of(const struct peer *p, uint32_t n)
{
    struct hawser_endpoint remote = {p->peer_address, (uint16_t)(1 + n % 60000)};
    remote.address.bytes[15] = (uint8_t)(3 + n / 60000);
    return remote;
}

/* Neighbouring 4-tuples at one moment: numbers, and what lies between them, are spread evenly over
 * all values; so the numbers of one tell nothing about those of the next.
 * EVIDENCE 9293-SHLD-1 9293-MUST-9 6528-01 6528-02 */
static void one_tuple_tells_nothing_about_another(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        static uint32_t isn[TUPLES], between[TUPLES];
        struct peer p;
        peer_start(&p, families[i], NULL);
        for (uint32_t n = 0; n < TUPLES; n++) {
            struct hawser_endpoint remote = remote_of(&p, n);
            isn[n] = iss_of(&p, &remote, 5000);
            between[n] = n > 0 ? isn[n] - isn[n - 1] : isn[n];
        }
        check_uniform(isn, TUPLES);
        check_uniform(between, TUPLES);
        peer_end(&p);
    }
}

static void other_secret(struct hawser_config *config)
{
    config->entropy[7] ^= 0x10; /* one bit */
}

/* EVIDENCE 9293-MUST-9 9293-SHLD-1 6528-02 */
static void another_secret_is_another_number(void **state)
{
    (void)state;
    static uint32_t between[TUPLES];
    struct peer a, b, again;
    peer_start(&a, false, NULL);
    peer_start(&again, false, NULL);
    peer_start(&b, false, other_secret);
    for (uint32_t n = 0; n < TUPLES; n++) {
        struct hawser_endpoint remote = remote_of(&a, n);
        uint32_t isn = iss_of(&a, &remote, 5000);
        if (n < 1000)
            assert_int_equal(iss_of(&again, &remote, 5000), isn); /* nothing else decides */
        between[n] = iss_of(&b, &remote, 5000) - isn;
    }
    check_uniform(between, TUPLES);
    peer_end(&a);
    peer_end(&again);
    peer_end(&b);
}

/* Every part of the 4-tuple counts: turning one bit of one of them turns half of the 32 bits.
 * EVIDENCE 9293-SHLD-1 6528-01 */
static void every_part_of_the_tuple_counts(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, NULL);
    for (unsigned part = 0; part < 4; part++) {
        unsigned turned = 0, rounds = 2000;
        for (unsigned n = 0; n < rounds; n++) {
            struct hawser_endpoint remote = {p.peer_address, (uint16_t)(1000 + 8 * n)};
            uint32_t isn = iss_of(&p, &remote, 5000);
            uint16_t local_port = part == 0 ? 5001 : 5000;
            struct hawser_address own = p.host_address;
            if (part == 1)
                remote.port ^= 4;
            if (part == 2)
                remote.address.bytes[12] ^= 0x80;
            if (part == 3)
                p.host_address = forge_address("2001:db8::2");
            turned += (unsigned)__builtin_popcount(isn ^ iss_of(&p, &remote, local_port));
            p.host_address = own;
        }
        assert_in_range(turned, rounds * 16 - 600, rounds * 16 + 600); /* 4.7 standard deviations */
    }
    peer_end(&p);
}

/* EVIDENCE 6528-03 */
static void a_host_without_a_secret_is_refused(void **state)
{
    (void)state;
    struct peer p;
    struct hawser_host *host = NULL;
    const char *field = NULL;
    peer_start(&p, false, NULL);
    memset(p.config.entropy, 0, sizeof p.config.entropy);
    assert_int_equal(hawser_host_create(&p.config, p.now_ns, &host), HAWSER_ERR_CONFIG);
    assert_null(host);
    assert_int_equal(hawser_config_check(&p.config, &field), HAWSER_ERR_CONFIG);
    assert_string_equal(field, "entropy");
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_the_clock),
        cmocka_unit_test(one_tuple_tells_nothing_about_another),
        cmocka_unit_test(another_secret_is_another_number),
        cmocka_unit_test(every_part_of_the_tuple_counts),
        cmocka_unit_test(a_host_without_a_secret_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
