/* SPDX-License-Identifier: MIT */
/* Connections from slot to slot: ends of every kind leave nothing, orphans end, timers are right
 * although deadlines move with every segment. */
#include <stdlib.h>

#include "lan.h"
#include "stack/conn.h"

static struct lan *begin(const struct lan_setup *setup)
{
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, setup);
    return lan;
}

static void end(struct lan *lan)
{
    lan_deinit(lan);
    free(lan);
}

static void assert_nothing_left(struct lan *lan)
{
    for (unsigned i = 0; i < lan->hosts; i++) {
        struct hawser_usage usage;
        hawser_usage_of(lan->host[i], &usage);
        assert_int_equal(usage.connections, 0);
        assert_int_equal(usage.buffer_bytes, 0);
    }
}

static void test_size(void **state)
{
    (void)state;
    /* With 64 bytes for ten references in the map, seven of them in use on average, 512 bytes hold
     * an idle connection. */
    assert_true(sizeof(struct conn) + 64.0 / 6.5 <= 512);
}

enum ending {
    CLOSE_CLIENT_FIRST,
    CLOSE_SERVER_FIRST,
    CLOSE_BOTH_AT_ONCE,
    SHUTDOWN_THEN_CLOSE,
    ABORT_CLIENT,
    ABORT_SERVER,
    ABORT_BOTH,
    CLOSE_WITH_UNREAD,
    CLOSE_WITH_UNSENT,
    ABORT_BEFORE_OPEN,
    CLOSE_BEFORE_OPEN,
    LINGER_RESET,
    VANISH,
    ENDINGS,
};

static bool lose_everything(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    (void)lan;
    (void)from;
    (void)frame;
    (void)length;
    return false;
}

static void end_with_data(struct lan *lan, enum ending how, hawser_tcp ends[2])
{
    struct hawser_host *server = lan->host[0], *client = lan->host[1];
    static uint8_t much[200000];
    if (how == CLOSE_WITH_UNREAD) {
        hawser_send(client, ends[1], "unread", 6, 0);
        lan_settle(lan);
        hawser_close(server, ends[0]);
        lan_settle(lan);
        assert_int_equal(lan_state(lan, 1, ends[1]), HAWSER_CLOSED);
        hawser_close(client, ends[1]);
    } else if (how == CLOSE_WITH_UNSENT) {
        hawser_send(client, ends[1], much, sizeof much, 0);
        hawser_close(client, ends[1]);
        lan_settle(lan);
        hawser_close(server, ends[0]);
    } else if (how == LINGER_RESET) {
        hawser_set_option(client, ends[1], HAWSER_OPTION_LINGER_RESET, 1);
        hawser_close(client, ends[1]);
        lan_settle(lan);
        assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_CLOSED);
        hawser_close(server, ends[0]);
    } else {
        hawser_send(client, ends[1], "x", 1, 0);
        lan->filter = lose_everything;
        hawser_close(client, ends[1]);
        hawser_close(server, ends[0]);
        lan_run(lan, 3600 * NS_PER_S); /* orphans give up by themselves */
        lan->filter = NULL;
    }
}

static void end_in(struct lan *lan, enum ending how, hawser_tcp ends[2])
{
    struct hawser_host *server = lan->host[0], *client = lan->host[1];
    switch (how) {
    case CLOSE_CLIENT_FIRST:
        hawser_close(client, ends[1]);
        lan_settle(lan);
        hawser_close(server, ends[0]);
        break;
    case CLOSE_SERVER_FIRST:
        hawser_close(server, ends[0]);
        lan_settle(lan);
        hawser_close(client, ends[1]);
        break;
    case CLOSE_BOTH_AT_ONCE:
        hawser_close(server, ends[0]);
        hawser_close(client, ends[1]);
        break;
    case SHUTDOWN_THEN_CLOSE:
        hawser_shutdown(client, ends[1]);
        lan_settle(lan);
        hawser_shutdown(server, ends[0]);
        lan_settle(lan);
        hawser_close(server, ends[0]);
        hawser_close(client, ends[1]);
        break;
    case ABORT_CLIENT:
        hawser_abort(client, ends[1]);
        lan_settle(lan);
        hawser_close(server, ends[0]);
        break;
    case ABORT_SERVER:
        hawser_abort(server, ends[0]);
        lan_settle(lan);
        hawser_close(client, ends[1]);
        break;
    case ABORT_BOTH:
        hawser_abort(server, ends[0]);
        hawser_abort(client, ends[1]);
        break;
    case CLOSE_WITH_UNREAD:
    case CLOSE_WITH_UNSENT:
    case LINGER_RESET:
    case VANISH:
        end_with_data(lan, how, ends);
        break;
    case ABORT_BEFORE_OPEN:
    case CLOSE_BEFORE_OPEN:
    case ENDINGS:
        break;
    }
    lan_settle(lan);
}

/* EVIDENCE 9293-SHLD-3 */
static void test_every_ending(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct lan *lan = begin(NULL);
        hawser_tcp listener = lan_listen(lan, 0, 80);
        uint64_t memory[2] = {0, 0};
        for (unsigned round = 0; round < 3; round++) {
            for (enum ending how = 0; how < ENDINGS; how++) {
                hawser_tcp ends[2];
                if (how == ABORT_BEFORE_OPEN || how == CLOSE_BEFORE_OPEN) {
                    ends[1] = lan_open(lan, 1, lan_end_of(0, v6, 80));
                    assert_int_equal(how == ABORT_BEFORE_OPEN ? hawser_abort(lan->host[1], ends[1])
                                                              : hawser_close(lan->host[1], ends[1]),
                                     0);
                    lan_settle(lan);
                } else {
                    lan_connect(lan, v6, listener, 80, ends);
                    end_in(lan, how, ends);
                }
                assert_nothing_left(lan);
            }
            lan_run(lan, 100 * NS_PER_S);
            for (unsigned i = 0; i < 2; i++) {
                struct hawser_usage usage;
                hawser_usage_of(lan->host[i], &usage);
                assert_int_equal(usage.timewaits, 0);
                assert_true(round < 2 || usage.memory_bytes == memory[i]);
                memory[i] = usage.memory_bytes;
            }
        }
        end(lan);
    }
}

/* EVIDENCE 9293-3.10.7.3-3 */
static void test_refused(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp tcp = lan_open(lan, 1, lan_end_of(0, false, 80));
    struct hawser_tcp_info info;
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[1], lan->now_ns, tcp, &info), 0);
    assert_int_equal(info.state, HAWSER_CLOSED);
    assert_int_equal(info.error, HAWSER_ERR_REFUSED);
    assert_int_equal(lan_events_of(lan, 1, tcp), HAWSER_EVENT_ERROR);
    assert_int_equal(hawser_counters_of(lan->host[1])->opens_failed, 1);
    /* The tuple is free again although the handle is not. */
    struct hawser_open_options options = {.remote = lan_end_of(0, false, 80)};
    options.local.port = info.local.port;
    hawser_tcp second;
    assert_int_equal(hawser_open(lan->host[1], lan->now_ns, &options, &second), 0);
    assert_int_equal(hawser_close(lan->host[1], tcp), 0);
    assert_int_equal(lan_state(lan, 1, second), HAWSER_SYN_SENT);
    end(lan);
}

/* One frame from each end, both on their way before either arrives. */
static void cross(struct lan *lan)
{
    static uint8_t bytes[2][2000];
    struct hawser_buffer buffer[2];
    for (unsigned i = 0; i < 2; i++) {
        buffer[i] = (struct hawser_buffer){.data = bytes[i], .capacity = 2000};
        assert_int_equal(hawser_output(lan->host[i], 0, lan->now_ns, &buffer[i], 1), 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_frame frame = {.data = bytes[!i], .length = buffer[!i].length};
        hawser_input(lan->host[i], 0, lan->now_ns, &frame, 1);
    }
}

/* EVIDENCE 9293-3.6-5 9293-FIG5-15 9293-FIG5-18 */
static void test_simultaneous_close(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
        hawser_tcp ends[2];
        lan_connect(lan, false, 0, 80, ends);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(keep ? hawser_shutdown(lan->host[i], ends[i])
                                  : hawser_close(lan->host[i], ends[i]),
                             0);
        cross(lan);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(lan_count_change(lan, i, HAWSER_FIN_WAIT_1, HAWSER_CLOSING), 1);
        lan_settle(lan);
        for (unsigned i = 0; i < 2; i++) {
            struct hawser_usage usage;
            hawser_usage_of(lan->host[i], &usage);
            assert_int_equal(usage.timewaits, 1);
            assert_int_equal(lan_count_change(lan, i, HAWSER_CLOSING, HAWSER_TIME_WAIT), 1);
            assert_int_equal(hawser_counters_of(lan->host[i])->closes_simultaneous, 1);
            if (keep)
                assert_int_equal(hawser_close(lan->host[i], ends[i]), 0);
        }
        assert_nothing_left(lan);
        end(lan);
    }
}

/* EVIDENCE 9293-MUST-10 9293-3.5-2 9293-FIG5-7 */
static void test_simultaneous_open(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp ends[2];
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_open_options options = {.remote = lan_end_of(!i, false, 700)};
        options.local.port = 700;
        assert_int_equal(hawser_open(lan->host[i], lan->now_ns, &options, &ends[i]), 0);
    }
    cross(lan);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(lan_state(lan, i, ends[i]), HAWSER_SYN_RECEIVED);
    lan_settle(lan);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lan_state(lan, i, ends[i]), HAWSER_ESTABLISHED);
        assert_int_equal(hawser_counters_of(lan->host[i])->opens_simultaneous, 1);
    }
    end(lan);
}

/* Both ends of a connection are one and the same: RFC 9293's diagram allows it, and so does a
 * loopback link. */
static void test_connected_to_itself(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.loopback = true});
    struct hawser_open_options options = {.local = lan_end("127.0.0.1", 900),
                                          .remote = lan_end("127.0.0.1", 900)};
    hawser_tcp tcp;
    char text[4];
    assert_int_equal(hawser_open(lan->host[0], lan->now_ns, &options, &tcp), 0);
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 0, tcp), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_send(lan->host[0], tcp, "echo", 4, 0), 4);
    lan_settle(lan);
    assert_int_equal(hawser_receive(lan->host[0], tcp, text, 4), 4);
    assert_memory_equal(text, "echo", 4);
    assert_int_equal(hawser_close(lan->host[0], tcp), 0);
    lan_run(lan, 100 * NS_PER_S);
    assert_nothing_left(lan);
    end(lan);
}

/* A hundred deadlines come and go before one is reached: it comes when it should. */
static void test_timers_are_exact(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp ends[2];
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_set_option(lan->host[1], ends[1], HAWSER_OPTION_KEEPALIVE, 1), 0);
    assert_int_equal(
        hawser_set_option(lan->host[1], ends[1], HAWSER_OPTION_KEEPALIVE_IDLE_NS, 30 * NS_PER_S),
        0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(hawser_send(lan->host[1], ends[1], "x", 1, 0), 1);
        lan_run(lan, 100 * NS_PER_MS);
    }
    uint64_t quiet_ns = lan->now_ns - 100 * NS_PER_MS;
    lan_run(lan, NS_PER_S); /* delayed ACKs are over */
    uint64_t frames = lan->frames;
    lan_run(lan, quiet_ns + 30 * NS_PER_S - NS_PER_MS - lan->now_ns);
    assert_int_equal(lan->frames, frames);
    lan_run(lan, 100 * NS_PER_MS);
    assert_int_equal(lan->frames, frames + 2);
    assert_int_equal(hawser_counters_of(lan->host[1])->keepalives, 1);
    end(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_every_ending),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_simultaneous_close),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_connected_to_itself),
        cmocka_unit_test(test_timers_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
