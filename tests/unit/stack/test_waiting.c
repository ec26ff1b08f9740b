/* SPDX-License-Identifier: MIT */
/* TIME-WAIT and FIN-WAIT-2 as records of a host: made, answered from, restarted, taken over,
 * over. */
#include <stdlib.h>

#include "lan.h"

#define MSL_2 (60 * NS_PER_S)

static struct hawser_usage usage_of(struct lan *lan, unsigned host)
{
    struct hawser_usage usage;
    hawser_usage_of(lan->host[host], &usage);
    return usage;
}

/* Host 1 closes first. */
static void close_both(struct lan *lan, hawser_tcp ends[2])
{
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_CLOSE_WAIT);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    lan_settle(lan);
}

/* EVIDENCE 9293-3.10.8-3 */
static void test_two_msl_and_gone(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, NULL);
        lan_connect(lan, v6, 0, 80, ends);
        uint64_t closed_ns = lan->now_ns;
        close_both(lan, ends);
        assert_int_equal(usage_of(lan, 0).connections, 0);
        assert_int_equal(usage_of(lan, 0).timewaits, 0);
        assert_int_equal(usage_of(lan, 1).connections, 0);
        assert_int_equal(usage_of(lan, 1).timewaits, 1);
        lan_run(lan, closed_ns + MSL_2 - 1 - lan->now_ns);
        assert_int_equal(usage_of(lan, 1).timewaits, 1);
        lan_run(lan, NS_PER_MS);
        assert_int_equal(usage_of(lan, 1).timewaits, 0);
        /* The passive end first waited in FIN-WAIT-2 as a record too. */
        assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_ENTERED), 1);
        assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_RESTARTED), 1);
        assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_EXPIRED), 1);
        assert_int_equal(lan_count_change(lan, 1, HAWSER_FIN_WAIT_2, HAWSER_TIME_WAIT), 1);
        assert_int_equal(lan_count_change(lan, 1, HAWSER_TIME_WAIT, HAWSER_CLOSED), 1);
        const struct hawser_counters *counters = hawser_counters_of(lan->host[1]);
        assert_int_equal(counters->timewait_entered, 1);
        assert_int_equal(counters->timewait_expired, 1);
        lan_deinit(lan);
        free(lan);
    }
}

/* The program keeps its handle over TIME-WAIT: it reads what there is, STATUS tells, and the handle
 * outlives the record.
 */
static void test_handle_over_time_wait(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    struct hawser_tcp_info info;
    char text[16];
    lan_init(lan, NULL);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_FIN_WAIT_2);
    assert_int_equal(hawser_send(lan->host[0], ends[0], "bye", 3, 0), 3);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[1], lan->now_ns, ends[1], &info), 0);
    assert_int_equal(info.state, HAWSER_TIME_WAIT);
    assert_int_equal(info.timer_kind, HAWSER_TIMER_TIME_WAIT);
    assert_in_range(info.timer_ns, MSL_2, MSL_2 + NS_PER_MS);
    assert_int_equal(usage_of(lan, 1).timewaits, 1);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "x", 1, 0), HAWSER_ERR_CLOSING);
    assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), HAWSER_ERR_CLOSING);
    assert_int_equal(hawser_receive(lan->host[1], ends[1], text, 2), 2);
    lan_run(lan, MSL_2 + NS_PER_S);
    assert_int_equal(usage_of(lan, 1).timewaits, 0);
    assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_CLOSED);
    assert_int_equal(hawser_receive(lan->host[1], ends[1], text, 16), 1);
    assert_int_equal(hawser_receive(lan->host[1], ends[1], text, 16), 0);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    assert_int_equal(usage_of(lan, 1).connections, 0);
    lan_deinit(lan);
    free(lan);
}

static void test_abort_in_time_wait_frees_the_tuple(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    lan_init(lan, NULL);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_shutdown(lan->host[0], ends[0]), 0);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_TIME_WAIT);
    uint64_t resets = hawser_counters_of(lan->host[1])->resets_out;
    assert_int_equal(hawser_abort(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(usage_of(lan, 1).timewaits, 0);
    assert_int_equal(usage_of(lan, 1).connections, 0);
    assert_int_equal(hawser_counters_of(lan->host[1])->resets_out, resets);
    lan_deinit(lan);
    free(lan);
}

/* FIN-WAIT-2 without a program: a record with a time of its own; with a program, no timer at all.
 */
static void test_fin_wait_2(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    lan_init(lan, NULL);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), 0);
    lan_run(lan, 3600 * NS_PER_S); /* a half-closed connection waits as long as it takes */
    assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_FIN_WAIT_2);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    /* The call knew no time: the record lives from now on, not from the last segment. */
    lan_run(lan, 59 * NS_PER_S);
    assert_int_equal(usage_of(lan, 1).timewaits, 1);
    assert_int_equal(usage_of(lan, 1).connections, 0);
    lan_run(lan, 2 * NS_PER_S);
    assert_int_equal(usage_of(lan, 1).timewaits, 0);
    assert_int_equal(lan_count_change(lan, 1, HAWSER_FIN_WAIT_2, HAWSER_CLOSED), 1);
    /* The peer's late data meets nobody. */
    assert_int_equal(hawser_send(lan->host[0], ends[0], "x", 1, 0), 1);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_CLOSED);
    assert_int_equal(hawser_send(lan->host[0], ends[0], "x", 1, 0), HAWSER_ERR_RESET);
    lan_deinit(lan);
    free(lan);
}

/* EVIDENCE 9293-SHLD-3 */
static void test_data_for_a_fin_wait_2_record(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    hawser_tcp ends[2];
    lan_init(lan, NULL);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(usage_of(lan, 1).timewaits, 1);
    assert_int_equal(hawser_send(lan->host[0], ends[0], "x", 1, 0), 1);
    lan_settle(lan);
    assert_int_equal(usage_of(lan, 1).timewaits, 0);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_CLOSED);
    lan_deinit(lan);
    free(lan);
}

/* ---- with a forged peer ---------------------------------------------------------------------- */

struct setup {
    struct lan *lan;
    struct hawser_endpoint here, there;
    hawser_tcp listener;
    struct forged peer; /* what it would send next */
};

static void configure_msl(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->msl_ns = 10 * NS_PER_S;
}

static void configure_short(struct hawser_config *config, unsigned host)
{
    configure_msl(config, host);
    config->fin_wait_2_ns = 3 * NS_PER_S;
}

/* Host 0, which the forged peer opened, closes first: its end is in TIME-WAIT. */
static void in_time_wait(struct setup *s, const char *here, const char *there)
{
    s->lan = malloc(sizeof *s->lan);
    lan_init(s->lan, &(struct lan_setup){.alone = true, .configure = configure_msl});
    s->here = lan_end(here, 80);
    s->there = lan_end(there, 4000);
    s->listener = lan_listen(s->lan, 0, 80);
    s->peer = lan_forge_handshake(s->lan, s->there, s->here, 5000);
    hawser_tcp tcp;
    assert_int_equal(hawser_accept(s->lan->host[0], s->listener, &tcp), 0);
    assert_int_equal(hawser_close(s->lan->host[0], tcp), 0);
    lan_settle(s->lan);
    assert_int_equal(lan_last(s->lan)->flags, TCP_FIN | TCP_ACK);
    s->peer.ack++;
    s->peer.flags = TCP_FIN | TCP_ACK;
    lan_forge(s->lan, &s->peer);
    assert_int_equal(usage_of(s->lan, 0).timewaits, 1);
    assert_int_equal(lan_last(s->lan)->flags, TCP_ACK);
    assert_int_equal(lan_last(s->lan)->ack.v, s->peer.seq + 1);
}

static void end(struct setup *s)
{
    lan_deinit(s->lan);
    free(s->lan);
}

static uint64_t left_ns(struct setup *s)
{
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    while (hawser_walk(s->lan->host[0], s->lan->now_ns, &cursor, &info))
        if (info.state == HAWSER_TIME_WAIT)
            return info.timer_ns;
    return 0;
}

/* EVIDENCE 9293-3.10.7.4e-12 9293-3.10.7.4h-7 9293-MUST-13 */
static void test_fin_again(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    lan_run(s.lan, 10 * NS_PER_S);
    uint32_t sent = s.lan->sent_count;
    lan_forge(s.lan, &s.peer);
    assert_int_equal(s.lan->sent_count, sent + 1);
    assert_int_equal(lan_last(s.lan)->flags, TCP_ACK);
    assert_in_range(left_ns(&s), 20 * NS_PER_S, 20 * NS_PER_S + NS_PER_MS);
    lan_run(s.lan, 20 * NS_PER_S - 1);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    lan_run(s.lan, NS_PER_MS);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_restarted, 1);
    end(&s);
}

/* EVIDENCE 1337-01 1337-02 */
static void test_reset_is_ignored(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "2001:db8::1", "2001:db8::2");
    lan_run(s.lan, NS_PER_S);
    uint32_t sent = s.lan->sent_count;
    struct forged old = s.peer;
    old.flags = TCP_ACK;
    old.seq -= 10;
    old.text = "old data";
    lan_forge(s.lan, &old);
    assert_int_equal(s.lan->sent_count, sent + 1);
    assert_int_equal(lan_last(s.lan)->ack.v, s.peer.seq + 1);
    s.peer.flags = TCP_RST; /* which an answer to that provokes */
    s.peer.seq = lan_last(s.lan)->ack.v;
    lan_forge(s.lan, &s.peer);
    lan_run(s.lan, 19 * NS_PER_S - NS_PER_MS);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    lan_run(s.lan, 2 * NS_PER_MS);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_resets_ignored, 1);
    end(&s);
}

/* EVIDENCE 9293-MAY-2 9293-3.10.7.4d-3 */
static void test_syn_takes_over(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    uint32_t old_nxt = s.peer.ack;
    s.peer =
        (struct forged){.from = s.there, .to = s.here, .flags = TCP_SYN, .seq = 90000, .wnd = 9};
    lan_forge(s.lan, &s.peer);
    assert_int_equal(lan_last(s.lan)->flags, TCP_SYN | TCP_ACK);
    assert_true(seq_gt(lan_last(s.lan)->seq, seq_of(old_nxt)));
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    assert_int_equal(usage_of(s.lan, 0).halfopens, 1);
    s.peer.flags = TCP_ACK;
    s.peer.seq++;
    s.peer.ack = lan_last(s.lan)->seq.v + 1;
    lan_forge(s.lan, &s.peer);
    hawser_tcp tcp;
    assert_int_equal(hawser_accept(s.lan->host[0], s.listener, &tcp), 0);
    assert_int_equal(lan_state(s.lan, 0, tcp), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_reopened, 1);
    end(&s);
}

/* The SYN was an old duplicate: its sender resets the answer, and TIME-WAIT goes on.
 * EVIDENCE 9293-MAY-2 */
static void test_take_over_proves_old(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    struct forged fin = s.peer;
    s.peer =
        (struct forged){.from = s.there, .to = s.here, .flags = TCP_SYN, .seq = 90000, .wnd = 9};
    lan_forge(s.lan, &s.peer);
    s.peer.flags = TCP_RST;
    s.peer.seq = 90001;
    lan_forge(s.lan, &s.peer);
    assert_int_equal(usage_of(s.lan, 0).halfopens, 0);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    lan_forge(s.lan, &fin); /* it is the record that answers, as before */
    assert_int_equal(lan_last(s.lan)->flags, TCP_ACK);
    assert_int_equal(lan_last(s.lan)->seq.v, fin.ack);
    lan_run(s.lan, 21 * NS_PER_S);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    end(&s);
}

/* Without a listener, or at or below the old numbers, TIME-WAIT stays. */
static void test_syn_does_not_take_over(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    s.peer =
        (struct forged){.from = s.there, .to = s.here, .flags = TCP_SYN, .seq = 3000, .wnd = 9};
    lan_forge(s.lan, &s.peer);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    assert_int_equal(usage_of(s.lan, 0).halfopens, 0);
    assert_int_equal(hawser_close(s.lan->host[0], s.listener), 0);
    s.peer.seq = 90000;
    lan_forge(s.lan, &s.peer);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    assert_int_equal(lan_last(s.lan)->flags, TCP_ACK);
    end(&s);
}

/* The end is not waited for by whoever calls hawser_expire: a segment that comes after it finds
 * nothing. */
static void test_over_before_anybody_looked(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    s.lan->now_ns += 30 * NS_PER_S;
    lan_forge(s.lan, &s.peer);
    assert_int_equal(lan_last(s.lan)->flags, TCP_RST);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_expired, 1);
    end(&s);
}

/* A peer that repeats its FIN for ever: memory stays bounded, and TIME-WAIT ends when it is
 * silent. */
static void test_fin_flood(void **state)
{
    (void)state;
    struct setup s;
    in_time_wait(&s, "198.18.0.1", "198.18.0.2");
    for (unsigned i = 0; i < 50000; i++)
        lan_forge(s.lan, &s.peer);
    assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_restarted, 50000);
    assert_true(usage_of(s.lan, 0).memory_bytes < 3u << 20);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 1);
    lan_run(s.lan, 21 * NS_PER_S);
    assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
    end(&s);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void configure_few(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->timewait_max = 5;
}

/* Without memory for a record its state is skipped, and that is told. */
static void test_no_memory_for_a_record(void **state)
{
    (void)state;
    for (unsigned held = 0; held < 2; held++) {
        struct lan *lan = malloc(sizeof *lan);
        hawser_tcp ends[2];
        lan_init(lan, &(struct lan_setup){0});
        hawser_tcp listener = lan_listen(lan, 0, 80);
        lan_connect(lan, false, listener, 80, ends);
        test_memory_refuse_from(&lan->memory[1], 1);
        if (held) /* TIME-WAIT; else FIN-WAIT-2 of a closed connection */
            assert_int_equal(hawser_shutdown(lan->host[1], ends[1]), 0);
        else
            assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
        lan_settle(lan);
        assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
        lan_settle(lan);
        assert_int_equal(usage_of(lan, 1).timewaits, 0);
        enum hawser_state from = held ? HAWSER_TIME_WAIT : HAWSER_FIN_WAIT_2;
        assert_int_equal(lan_count_change(lan, 1, from, HAWSER_CLOSED), 1);
        lan_deinit(lan);
        free(lan);
    }
}

/* FIN-WAIT-2 becomes TIME-WAIT where it lies when there is no memory to move it, and still lasts
 * 2 MSL; what lies behind it is over after that at the latest.
 * EVIDENCE 9293-MUST-13 */
static void test_time_wait_without_memory(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) { /* the queue's head, or behind another */
        struct setup s;
        s.lan = malloc(sizeof *s.lan);
        lan_init(s.lan, &(struct lan_setup){.alone = true, .configure = configure_short});
        s.here = lan_end("198.18.0.1", 80);
        s.listener = lan_listen(s.lan, 0, 80);
        struct forged peers[2];
        for (uint16_t i = 0; i < 2; i++) {
            peers[i] = lan_forge_handshake(s.lan, lan_end("198.18.0.2", 4000 + i), s.here, 5000);
            hawser_tcp tcp;
            assert_int_equal(hawser_accept(s.lan->host[0], s.listener, &tcp), 0);
            assert_int_equal(hawser_close(s.lan->host[0], tcp), 0);
            lan_settle(s.lan);
            peers[i].ack++;
            peers[i].flags = TCP_ACK;
            lan_forge(s.lan, &peers[i]);
        }
        assert_int_equal(usage_of(s.lan, 0).timewaits, 2);
        s.peer = peers[0];
        s.peer.to.port = 81; /* nobody is there: the room for replies is taken */
        lan_forge(s.lan, &s.peer);
        test_memory_refuse_from(&s.lan->memory[0], 1);
        lan_run(s.lan, 2 * NS_PER_S);
        s.peer = peers[!first];
        s.peer.flags = TCP_FIN | TCP_ACK;
        lan_forge(s.lan, &s.peer);
        assert_int_equal(lan_last(s.lan)->ack.v, s.peer.seq + 1);
        assert_in_range(left_ns(&s), 20 * NS_PER_S, 20 * NS_PER_S + NS_PER_MS);
        lan_run(s.lan, 20 * NS_PER_S - 1);
        assert_in_range(left_ns(&s), 1, NS_PER_MS + 1);
        lan_run(s.lan, NS_PER_MS);
        assert_int_equal(usage_of(s.lan, 0).timewaits, 0);
        assert_int_equal(hawser_counters_of(s.lan->host[0])->timewait_expired, 1);
        end(&s);
    }
}

static void test_the_oldest_goes(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    uint16_t ports[8];
    lan_init(lan, &(struct lan_setup){.configure = configure_few});
    hawser_tcp listener = lan_listen(lan, 0, 80);
    for (unsigned i = 0; i < 8; i++) {
        hawser_tcp ends[2];
        struct hawser_tcp_info info;
        lan_connect(lan, i % 2 != 0, listener, 80, ends);
        assert_int_equal(hawser_status(lan->host[1], lan->now_ns, ends[1], &info), 0);
        ports[i] = info.local.port;
        close_both(lan, ends);
        lan_run(lan, NS_PER_S);
    }
    assert_int_equal(usage_of(lan, 1).timewaits, 5);
    assert_int_equal(hawser_counters_of(lan->host[1])->timewait_evicted, 3);
    assert_int_equal(lan_count_record(lan, 1, HAWSER_RECORD_EVICTED), 3);
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    while (hawser_walk(lan->host[1], lan->now_ns, &cursor, &info))
        for (unsigned i = 0; i < 3; i++)
            assert_int_not_equal(info.local.port, ports[i]);
    lan_deinit(lan);
    free(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_msl_and_gone),
        cmocka_unit_test(test_handle_over_time_wait),
        cmocka_unit_test(test_abort_in_time_wait_frees_the_tuple),
        cmocka_unit_test(test_fin_wait_2),
        cmocka_unit_test(test_data_for_a_fin_wait_2_record),
        cmocka_unit_test(test_fin_again),
        cmocka_unit_test(test_reset_is_ignored),
        cmocka_unit_test(test_syn_takes_over),
        cmocka_unit_test(test_take_over_proves_old),
        cmocka_unit_test(test_syn_does_not_take_over),
        cmocka_unit_test(test_over_before_anybody_looked),
        cmocka_unit_test(test_fin_flood),
        cmocka_unit_test(test_the_oldest_goes),
        cmocka_unit_test(test_no_memory_for_a_record),
        cmocka_unit_test(test_time_wait_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
