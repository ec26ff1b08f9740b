/* SPDX-License-Identifier: MIT */
/* judge.c and judge_segments.c: each checker lets pass what is right and finds what was planted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/internal.h"

#define FIN PACKET_FIN
#define SYN PACKET_SYN
#define RST PACKET_RST
#define ACK PACKET_ACK

#define STATE(f, t, c)                                                                             \
    {                                                                                              \
        .kind = HAWSER_TRACE_STATE, .from = HAWSER_##f, .to = HAWSER_##t, .state = HAWSER_##t,     \
        .cause = HAWSER_CAUSE_##c                                                                  \
    }
#define SEGMENT(k, st, f, s, a, n, w)                                                              \
    .kind = HAWSER_TRACE_SEGMENT_##k, .state = HAWSER_##st,                                        \
    .segment = {.flags = (f), .seq = (s), .ack = (a), .length = (n), .window = (w), .wscale = -1}
#define IN(f, s, a, n, w)                                                                          \
    {                                                                                              \
        SEGMENT(IN, ESTABLISHED, f, s, a, n, w)                                                    \
    }
#define OUT(f, s, a, n, w)                                                                         \
    {                                                                                              \
        SEGMENT(OUT, ESTABLISHED, f, s, a, n, w)                                                   \
    }
#define RECORD(r, st, now, until)                                                                  \
    {                                                                                              \
        .kind = HAWSER_TRACE_RECORD, .record = HAWSER_RECORD_##r, .state = HAWSER_##st,            \
        .now_ns = (now), .until_ns = (until)                                                       \
    }
#define EVENTS 8u

/* An active open whose SYNs say MSS 1460, without scaling. Ours is 100, the peer's 500. */
static const struct hawser_trace_event opening[] = {
    STATE(CLOSED, SYN_SENT, OPEN_ACTIVE),
    {SEGMENT(OUT, SYN_SENT, SYN, 100, 0, 0, 1000)},
    {.kind = HAWSER_TRACE_SEGMENT_IN,
     .state = HAWSER_SYN_SENT,
     .segment =
         {.flags = SYN | ACK, .seq = 500, .ack = 101, .window = 2000, .mss = 1460, .wscale = -1}},
    STATE(SYN_SENT, ESTABLISHED, SYN_ACK),
    OUT(ACK, 101, 501, 0, 1000),
};

/* And a close by us first. */
static const struct hawser_trace_event closing[] = {
    STATE(ESTABLISHED, FIN_WAIT_1, CLOSE),
    OUT(FIN | ACK, 101, 501, 0, 1000),
    IN(ACK, 501, 102, 0, 2000),
    STATE(FIN_WAIT_1, FIN_WAIT_2, ACK_OF_FIN),
    IN(FIN | ACK, 501, 102, 0, 2000),
    STATE(FIN_WAIT_2, TIME_WAIT, FIN),
};

struct judged {
    struct sim sim;
    struct sim_result result;
    struct sim_coverage coverage;
};

static struct judged *start(void)
{
    struct judged *j = calloc(1, sizeof *j);
    j->sim.store = sim_store_create();
    j->sim.result = &j->result;
    j->sim.coverage = &j->coverage;
    j->sim.heard_by = LIFE_NONE;
    j->sim.plan.hosts[0].config.msl_ns = SIM_S;
    j->sim.plan.hosts[0].config.fin_wait_2_ns = SIM_S;
    j->sim.plan.hosts[0].config.rfc1337 = true;
    j->sim.plan.hosts[0].config.timewait_max = 10000;
    j->sim.hosts[0].allowance = 1000;
    lives_clear(&j->sim.store->lives);
    return j;
}

static void end(struct judged *j)
{
    sim_store_drop(j->sim.store);
    free(j);
}

/* An event of a host's 4-tuple. Returns the rule that was broken; "" = none. */
static const char *tell_of(struct judged *j, const struct hawser_trace_event *event,
                           const struct hawser_endpoint *local,
                           const struct hawser_endpoint *remote)
{
    struct judge_context context = {.sim = &j->sim, .host = 0};
    struct hawser_trace_event whole = *event;
    whole.local = *local;
    whole.remote = *remote;
    if (setjmp(j->sim.escape) == 0)
        judge_event(&context, &whole);
    return j->result.rule;
}

static const char *tell(struct judged *j, const struct hawser_trace_event *event)
{
    const struct hawser_endpoint local = {.port = 1}, remote = {.port = 2};
    return tell_of(j, event, &local, &remote);
}

static void tell_all(struct judged *j, const struct hawser_trace_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tell(j, &events[i])[0] != '\0')
            fail_msg("event %zu: %s: %s", i, j->result.rule, j->result.text);
}

/* The last of the events breaks the rule, those before it break none. */
struct planted {
    const char *rule;
    struct hawser_trace_event events[EVENTS];
};

static void check(const struct planted *row, unsigned number, bool closed)
{
    struct judged *j = start();
    unsigned count = 0;
    tell_all(j, opening, sizeof opening / sizeof opening[0]);
    if (closed)
        tell_all(j, closing, sizeof closing / sizeof closing[0]);
    while (count < EVENTS && (row->events[count].kind != 0 || row->events[count].segment.flags))
        count++;
    tell_all(j, row->events, count - 1);
    const char *rule = tell(j, &row->events[count - 1]);
    if (strcmp(rule, row->rule) != 0)
        fail_msg("row %u: '%s' in place of '%s' (%s)", number, rule, row->rule, j->result.text);
    end(j);
}

static void planted_in_a_connection(void **state)
{
    (void)state;
    static const struct planted rows[] = {
        {"", {OUT(ACK, 101, 501, 1460, 1000), OUT(ACK, 1561, 501, 540, 1000)}},
        {"window", {OUT(ACK, 101, 501, 1460, 1000), OUT(ACK, 1561, 501, 541, 1000)}},
        {"",
         {IN(ACK, 501, 101, 0, 3000), OUT(ACK, 101, 501, 1460, 1000),
          OUT(ACK, 1561, 501, 1460, 1000)}},
        {"sequence", {OUT(ACK, 101, 501, 100, 1000), OUT(ACK, 202, 501, 100, 1000)}},
        {"", {OUT(ACK, 101, 501, 100, 1000), OUT(ACK, 101, 501, 100, 1000)}},
        {"sequence",
         {OUT(ACK, 101, 501, 100, 1000), IN(ACK, 501, 201, 0, 2000),
          OUT(ACK, 101, 501, 100, 1000)}},
        {"mss", {OUT(ACK, 101, 501, 1461, 1000)}},
        {"acknowledgement", {OUT(ACK, 101, 502, 0, 1000)}},
        {"", {IN(ACK, 501, 101, 10, 2000), OUT(ACK, 101, 511, 0, 1000)}},
        {"acknowledgement",
         {IN(ACK, 501, 101, 10, 2000), OUT(ACK, 101, 511, 0, 1000), OUT(ACK, 101, 510, 0, 1001)}},
        {"edge", {OUT(ACK, 101, 501, 0, 999)}},
        {"", {IN(ACK, 501, 101, 10, 2000), OUT(ACK, 101, 511, 0, 990)}},
        {"reset", {OUT(RST | ACK, 101, 501, 0, 0)}},
        {"transition", {STATE(ESTABLISHED, TIME_WAIT, FIN)}},
        {"transition", {STATE(ESTABLISHED, CLOSE_WAIT, CLOSE)}},
        {"transition", {STATE(FIN_WAIT_1, FIN_WAIT_2, ACK_OF_FIN)}},
        {"transition", {STATE(ESTABLISHED, CLOSE_WAIT, FIN)}},
        {"transition",
         {STATE(ESTABLISHED, FIN_WAIT_1, CLOSE), STATE(FIN_WAIT_1, FIN_WAIT_2, ACK_OF_FIN)}},
        {"transition", {STATE(ESTABLISHED, CLOSED, ICMP)}},
        {"", {IN(FIN | ACK, 501, 101, 0, 2000), STATE(ESTABLISHED, CLOSE_WAIT, FIN)}},
        {"time-wait", {RECORD(ENTERED, TIME_WAIT, 0, 2 * SIM_S)}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], i, false);
}

static void planted_in_time_wait(void **state)
{
    (void)state;
    static const struct planted rows[] = {
        {"",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), RECORD(EXPIRED, TIME_WAIT, 3 * SIM_S, 0),
          STATE(TIME_WAIT, CLOSED, TIMEOUT_2MSL)}},
        {"time-wait", {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S - 1)}},
        {"time-wait", {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S + 3 * SIM_MS)}},
        {"time-wait", {RECORD(ENTERED, FIN_WAIT_2, SIM_S, 2 * SIM_S)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S),
          RECORD(EXPIRED, TIME_WAIT, 3 * SIM_S - 1, 0)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), /* a restart moves the end */
          RECORD(RESTARTED, TIME_WAIT, 2 * SIM_S, 4 * SIM_S),
          RECORD(EXPIRED, TIME_WAIT, 3 * SIM_S, 0)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), RECORD(EVICTED, TIME_WAIT, 2 * SIM_S, 0)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S),
          RECORD(REUSED_BY_OPEN, TIME_WAIT, 2 * SIM_S, 0)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), OUT(ACK, 102, 502, 0, 999),
          IN(SYN, 501, 0, 0, 1000), RECORD(REUSED_BY_SYN, TIME_WAIT, 2 * SIM_S, 0)}},
        {"",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), OUT(ACK, 102, 502, 0, 999),
          IN(SYN, 502, 0, 0, 1000), RECORD(REUSED_BY_SYN, TIME_WAIT, 2 * SIM_S, 0)}},
        {"time-wait",
         {RECORD(ENTERED, TIME_WAIT, SIM_S, 3 * SIM_S), STATE(TIME_WAIT, CLOSED, RST)}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], i, true);
}

static void what_a_stranger_must_not_do(void **state)
{
    (void)state;
    struct judged *j = start();
    const struct hawser_trace_event reset = STATE(ESTABLISHED, CLOSED, RST);
    tell_all(j, opening, sizeof opening / sizeof opening[0]);
    j->sim.forging = true;
    assert_string_equal(tell(j, &reset), "forgery");
    end(j);
    j = start();
    const struct hawser_trace_event request = STATE(LISTEN, SYN_RECEIVED, SYN);
    j->sim.forging = true;
    assert_string_equal(tell(j, &request), ""); /* that is what listeners are for */
    end(j);
}

/* The end that closed last is over when its FIN is acknowledged: by a peer that waits. */
static void somebody_waits(void **state)
{
    (void)state;
    static const struct hawser_trace_event last[] = {
        IN(FIN | ACK, 501, 101, 0, 2000),   STATE(ESTABLISHED, CLOSE_WAIT, FIN),
        STATE(CLOSE_WAIT, LAST_ACK, CLOSE), OUT(FIN | ACK, 101, 502, 0, 999),
        IN(ACK, 502, 102, 0, 2000),         STATE(LAST_ACK, CLOSED, ACK_OF_FIN),
    };
    for (unsigned waits = 0; waits < 2; waits++) {
        struct judged *j = start();
        j->sim.plan.hosts_count = 2;
        const struct hawser_endpoint local = {.address = plan_address(0, 0, false), .port = 1};
        const struct hawser_endpoint remote = {.address = plan_address(0, 1, false), .port = 2};
        uint32_t peer = lives_get(&j->sim.store->lives, 1, &remote, &local);
        j->sim.store->lives.list[peer].has_iss = true;
        j->sim.store->lives.list[peer].iss = 500;
        j->sim.store->lives.list[peer].time_waits = waits;
        for (unsigned i = 0; i < 5; i++)
            assert_string_equal(tell_of(j, &opening[i], &local, &remote), "");
        for (unsigned i = 0; i < 5; i++)
            assert_string_equal(tell_of(j, &last[i], &local, &remote), "");
        const char *rule = tell_of(j, &last[5], &local, &remote);
        assert_string_equal(rule, waits ? "" : "time-wait");
        end(j);
    }
}

static void options_and_timestamps(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < 4; fault++) {
        struct judged *j = start();
        struct hawser_trace_event events[sizeof opening / sizeof opening[0]];
        memcpy(events, opening, sizeof events);
        for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
            events[i].segment.has_timestamps = true;
        events[4].segment.ts_val = 1000;
        tell_all(j, events, sizeof events / sizeof events[0]);
        struct hawser_trace_event next = events[4];
        next.segment.has_timestamps = fault != 1;
        next.segment.ts_val = fault == 2 ? 999 : 1000;
        next.segment.wscale = fault == 3 ? 0 : -1;
        static const char *const rules[] = {"", "timestamps", "timestamps", "options"};
        assert_string_equal(tell(j, &next), rules[fault]);
        end(j);
    }
}

static void late_acks_and_endless_timeouts(void **state)
{
    (void)state;
    const struct hawser_trace_event text = IN(ACK, 501, 101, 10, 2000);
    const struct hawser_trace_event ack = OUT(ACK, 101, 511, 0, 990);
    for (unsigned late = 0; late < 3; late++) {
        struct judged *j = start();
        tell_all(j, opening, sizeof opening / sizeof opening[0]);
        tell_all(j, &text, 1);
        judge_heard(&j->sim, true); /* what comes next tells that it was taken */
        if (late < 2)
            tell_all(j, &ack, 1);
        j->sim.now_ns += late == 0 ? 400 * SIM_MS : 600 * SIM_MS;
        assert_string_equal(tell(j, &text), late == 2 ? "delayed-ack" : "");
        end(j);
    }
    struct judged *j = start();
    const struct hawser_trace_event timer = {.kind = HAWSER_TRACE_TIMER,
                                             .state = HAWSER_ESTABLISHED,
                                             .timer = HAWSER_TIMER_RETRANSMISSION};
    j->sim.plan.hosts[0].config.retries2 = 5;
    tell_all(j, opening, sizeof opening / sizeof opening[0]);
    for (unsigned i = 0; i < 7; i++)
        tell_all(j, &timer, 1);
    assert_string_equal(tell(j, &timer), "retries");
    end(j);
}

static void storms(void **state)
{
    (void)state;
    struct judged *j = start();
    const struct hawser_trace_event ack = OUT(ACK, 101, 501, 0, 1000);
    const struct hawser_trace_event more = IN(ACK, 501, 101, 0, 2000);
    tell_all(j, opening, sizeof opening / sizeof opening[0]);
    j->sim.hosts[0].allowance = 2;
    tell_all(j, (const struct hawser_trace_event[]){ack, ack}, 2);
    assert_string_equal(tell(j, &ack), "storm"); /* the third has no cause */
    end(j);

    j = start();
    tell_all(j, opening, sizeof opening / sizeof opening[0]);
    unsigned turns = 0;
    while (turns < 30000 && tell(j, &more)[0] == '\0' && tell(j, &ack)[0] == '\0')
        turns++;
    assert_string_equal(j->result.rule, "storm"); /* each has one, and nothing ever changes */
    assert_in_range(turns, 1000, 29999);
    end(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_in_a_connection),
        cmocka_unit_test(planted_in_time_wait),
        cmocka_unit_test(what_a_stranger_must_not_do),
        cmocka_unit_test(options_and_timestamps),
        cmocka_unit_test(somebody_waits),
        cmocka_unit_test(storms),
        cmocka_unit_test(late_acks_and_endless_timeouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
