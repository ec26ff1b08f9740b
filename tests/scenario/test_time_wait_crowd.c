/* SPDX-License-Identifier: MIT */
/* TIME-WAIT: very many of them, their times, their limit and their memory (RFC 9293 3.6.1). */
#include "scenario/crowd.h"

static const bool families[] = {false, true};

static struct hawser_usage usage_of(const struct peer *p)
{
    struct hawser_usage usage;
    hawser_usage_of(p->host, &usage);
    return usage;
}

/* Ends from..from+count of the crowd open, and the host closes first. Their records begin at
 * p->now_ns. answer_fin false: they keep silent, and orphans in FIN-WAIT-2 remain. */
static void crowd_closes(struct peer *p, uint32_t from, unsigned count, bool answer_fin)
{
    struct crowd_segment at[CROWD_MAX], out[CROWD_MAX];
    hawser_tcp tcp;
    for (unsigned i = 0; i < count; i++) {
        at[i] = crowd_end(p, from + i);
        at[i].seq = from + i;
        at[i].flags = S;
    }
    crowd_in(p, at, count);
    assert_int_equal(crowd_out(p, out, CROWD_MAX), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(out[i].port, at[i].port);
        at[i].seq++;
        at[i].ack = out[i].seq + 1;
        at[i].flags = A;
    }
    crowd_in(p, at, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(hawser_accept(p->host, p->listener, &tcp), 0);
        assert_int_equal(hawser_close(p->host, tcp), 0);
        at[i].ack++;
        at[i].flags = answer_fin ? F | A : A;
    }
    assert_int_equal(crowd_drop(p), count); /* FINs */
    crowd_in(p, at, count);
    assert_int_equal(crowd_drop(p), answer_fin ? count : 0);
}

#define GROUPS 10u
#define GROUP_ENDS 20000u

static void crowd_limits(struct hawser_config *config)
{
    config->connections_max = 1024;
    config->chunk_bytes = 64 * 1024;
}

/* 200,000 records in ten groups: each group is there up to its time and gone at it, nothing is
 * asked of the host in between, a record takes the memory that it is said to take, and gives it
 * back.
 * EVIDENCE 9293-MUST-13 9293-3.10.8-3 */
static void two_hundred_thousand(void **state)
{
    (void)state;
    for (unsigned family = 0; family < COUNT_OF(families); family++) {
        struct peer p;
        uint64_t ends_at[GROUPS];
        peer_start(&p, families[family], crowd_limits);
        crowd_start(&p);
        peer_listen(&p, CROWD_MAX);
        crowd_closes(&p, GROUPS * GROUP_ENDS, 1, true);
        uint64_t before = usage_of(&p).memory_bytes;
        p.now_ns += 60 * NS_PER_S + NS_PER_MS;
        hawser_expire(p.host, p.now_ns);
        for (unsigned g = 0; g < GROUPS; g++) {
            for (uint32_t n = 0; n < GROUP_ENDS; n += 250)
                crowd_closes(&p, g * GROUP_ENDS + n, 250, true);
            uint64_t end = p.now_ns + 60 * NS_PER_S;
            ends_at[g] = (end + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS;
            p.now_ns += 137654321;
        }
        assert_int_equal(usage_of(&p).timewaits, GROUPS * GROUP_ENDS);
        assert_int_equal(usage_of(&p).connections, 0);
        uint32_t record = families[family] ? 56 : 32;
        uint64_t grown = usage_of(&p).memory_bytes - before;
        assert_in_range(grown / (GROUPS * GROUP_ENDS), record,
                        record + 14); /* with its map entry */
        for (unsigned g = 0; g < GROUPS; g++) {
            assert_int_equal(hawser_next_deadline(p.host), ends_at[g]);
            p.now_ns = ends_at[g] - 1;
            hawser_expire(p.host, p.now_ns);
            assert_int_equal(usage_of(&p).timewaits, (GROUPS - g) * GROUP_ENDS);
            p.now_ns = ends_at[g];
            hawser_expire(p.host, p.now_ns);
            assert_int_equal(usage_of(&p).timewaits, (GROUPS - g - 1) * GROUP_ENDS);
        }
        assert_int_equal(hawser_next_deadline(p.host), UINT64_MAX);
        assert_int_equal(hawser_counters_of(p.host)->timewait_expired, GROUPS * GROUP_ENDS + 1);
        uint64_t kept = usage_of(&p).memory_bytes - before; /* the map does not shrink */
        assert_in_range(kept, 0, GROUPS * GROUP_ENDS * 14);
        peer_end(&p);
    }
}

/* Records that are restarted by a FIN or taken over in the middle of a crowd: the others end at
 * their times, these at theirs. EVIDENCE 9293-3.10.7.4h-7 */
static void some_of_a_crowd(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, crowd_limits);
    crowd_start(&p);
    peer_listen(&p, CROWD_MAX);
    uint64_t began = p.now_ns;
    for (unsigned n = 0; n < 1000; n += 250)
        crowd_closes(&p, n, 250, true);
    p.now_ns += 20 * NS_PER_S;
    unsigned restarted = 0, taken = 0;
    for (uint32_t n = 0; n < 1000; n += 7) {
        struct crowd_segment at = crowd_end(&p, n);
        at.flags = n % 2 ? S : F | A;
        at.seq = n % 2 ? n + 1000 : n + 1; /* a new SYN, or the FIN once more */
        struct crowd_segment out;
        if (!(n % 2)) { /* its ACK field must be right: an ACK tells */
            struct crowd_segment ask = at;
            ask.flags = A, ask.seq += 100000;
            crowd_in(&p, &ask, 1);
            assert_int_equal(crowd_out(&p, &out, 1), 1);
            at.ack = out.seq;
        }
        crowd_in(&p, &at, 1);
        assert_int_equal(crowd_out(&p, &out, 1), 1);
        assert_int_equal(out.flags, n % 2 ? S | A : A);
        restarted += !(n % 2);
        taken += n % 2;
    }
    assert_int_equal(usage_of(&p).timewaits, 1000 - taken);
    assert_int_equal(usage_of(&p).halfopens, taken);
    p.only_own = true;
    peer_pass(&p, began + 60 * NS_PER_S + NS_PER_MS - p.now_ns);
    assert_int_equal(usage_of(&p).timewaits, restarted);
    peer_pass(&p, 20 * NS_PER_S);
    assert_int_equal(usage_of(&p).timewaits, 0);
    peer_pass(&p, 3 * NS_PER_S); /* the SYN-ACKs were never answered: those records resume */
    assert_int_equal(usage_of(&p).timewaits, taken);
    peer_pass(&p, 60 * NS_PER_S);
    assert_int_equal(usage_of(&p).timewaits, 0);
    peer_end(&p);
}

static void thousand_records(struct hawser_config *config)
{
    crowd_limits(config);
    config->timewait_max = 1000;
}

/* Whether a record answers for an end of the crowd, or nobody does. */
static bool has_record(struct peer *p, uint32_t n)
{
    struct crowd_segment ask = crowd_end(p, n), out;
    ask.flags = A;
    ask.seq = n + 500000;
    ask.ack = 12345;
    crowd_in(p, &ask, 1);
    assert_int_equal(crowd_out(p, &out, 1), 1);
    return !(out.flags & R);
}

/* At the limit the oldest goes, whether it is in TIME-WAIT or an orphan in FIN-WAIT-2, and is
 * counted; memory stays where it is. */
static void records_at_their_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], thousand_records);
        crowd_start(&p);
        peer_listen(&p, CROWD_MAX);
        uint64_t full_bytes = 0;
        for (uint32_t n = 0; n < 5000; n += 100) {
            crowd_closes(&p, n, 100, n % 200 == 0);
            p.now_ns += NS_PER_MS;
            uint32_t expected = n + 100 < 1000 ? n + 100 : 1000;
            assert_int_equal(usage_of(&p).timewaits, expected);
            assert_int_equal(hawser_counters_of(p.host)->timewait_evicted, n + 100 - expected);
            if (n == 2000)
                full_bytes = usage_of(&p).memory_bytes;
        }
        assert_true(usage_of(&p).memory_bytes <= full_bytes + 2 * 64 * 1024);
        for (uint32_t n = 0; n < 5000; n += 99)
            assert_int_equal(has_record(&p, n), n >= 4000);
        p.now_ns += 61 * NS_PER_S;
        hawser_expire(p.host, p.now_ns);
        assert_int_equal(usage_of(&p).timewaits, 0);
        assert_int_equal(crowd_drop(&p), 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_thousand),
        cmocka_unit_test(some_of_a_crowd),
        cmocka_unit_test(records_at_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
