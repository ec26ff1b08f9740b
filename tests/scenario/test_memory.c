/* SPDX-License-Identifier: MIT */
/* Memory that is refused, anywhere and for how long ever; buffers that slow readers use up; as many
 * connections as there may be. The outcome is an error, a drop or a retransmission, and nothing is
 * lost for good. */
#include "scenario/crowd.h"
#include "scenario/pair.h"

static const bool families[] = {false, true};

static struct hawser_usage usage_of(const struct hawser_host *host)
{
    struct hawser_usage usage;
    hawser_usage_of(host, &usage);
    return usage;
}

/* ---- birth ---- */

static struct hawser_config config_with(struct test_memory *memory)
{
    struct hawser_config config;
    hawser_config_defaults(&config);
    config.memory = memory->source;
    config.entropy[0] = 1;
    return config;
}

static void a_host_is_made_or_not(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 2; mode++) {
        struct hawser_host *host = NULL;
        uint64_t nth = 0;
        while (host == NULL) {
            struct test_memory memory;
            test_memory_init(&memory);
            struct hawser_config config = config_with(&memory);
            nth++;
            if (mode == 0)
                test_memory_refuse_nth(&memory, nth);
            else
                test_memory_refuse_from(&memory, nth);
            int error = hawser_host_create(&config, 5, &host);
            assert_int_equal(error, memory.refused_count > 0 ? HAWSER_ERR_RESOURCES : 0);
            assert_int_equal(host != NULL, error == 0);
            assert_int_equal(memory.held_count != 0, error == 0);
            hawser_host_destroy(host);
            test_memory_deinit(&memory);
        }
        assert_in_range(nth, 8, 40); /* each of its tables was refused once */
    }
}

static void a_host_within_its_limit(void **state)
{
    (void)state;
    bool was_made = false;
    for (uint64_t limit = 1024 * 1024; limit <= 8 * 1024 * 1024; limit += 64 * 1024) {
        struct test_memory memory;
        struct hawser_host *host = NULL;
        test_memory_init(&memory);
        struct hawser_config config = config_with(&memory);
        config.memory_bytes = limit;
        config.buffer_bytes = limit / 2;
        int error = hawser_host_create(&config, 5, &host);
        assert_true(error == 0 || error == HAWSER_ERR_RESOURCES);
        assert_true(memory.held_bytes <= limit);
        assert_true(error == 0 || !was_made);
        was_made = error == 0;
        hawser_host_destroy(host);
        test_memory_deinit(&memory);
    }
    assert_true(was_made);
}

/* ---- a conversation ---- */

static const struct pair_setup conversations[] = {
    {.connections = 1, .stream_bytes = {300000, 300000}},
    {.connections = 1, .stream_bytes = {200000, 0}, .v6 = true, .ethernet = true},
    {.connections = 1, .stream_bytes = {0, 200000}, .ethernet = true, .whole_close = true},
    {.connections = 1, .stream_bytes = {300000, 300000}, .v6 = true, .drop_every = 13},
    {.connections = 8, .stream_bytes = {20000, 20000}, .drop_every = 31, .whole_close = true},
};

static void name_failure(const char *what, unsigned i, unsigned which, uint64_t nth,
                         const struct pair *pair)
{
    const struct pair_talk *a = &pair->end[0].talks[0], *b = &pair->end[1].talks[0];
    fail_msg("%s: conversation %u, end %u, request %lu; errors %d %d, written %u %u, read %u %u",
             what, i, which, (unsigned long)nth, a->error, b->error, a->written, b->written,
             a->read, b->read);
}

/* Each request of a whole conversation, from the first SYN to the end of TIME-WAIT, is refused
 * once, at the one end or the other. The conversation takes place all the same. */
static void one_refusal_anywhere(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(conversations); i++) {
        for (unsigned which = 0; which < 2; which++) {
            uint64_t nth = 0;
            bool was_refused = true;
            while (was_refused) {
                struct pair pair;
                pair_start(&pair, &conversations[i]);
                test_memory_refuse_nth(&pair.end[which].memory, ++nth);
                pair_run(&pair, 600 * NS_PER_S);
                if (!pair_completed(&pair))
                    name_failure("not completed", i, which, nth, &pair);
                pair_pass(&pair, 130 * NS_PER_S);
                for (unsigned e = 0; e < 2; e++) {
                    if (!pair_forgotten(&pair, e))
                        name_failure("something is left", i, which, nth, &pair);
                }
                was_refused = pair.end[which].memory.refused_count > 0;
                pair_end(&pair);
            }
            assert_in_range(nth, 5, 200);
        }
    }
}

/* From one request on there is nothing for a quarter of an hour. Then both ends know what became of
 * it, and once there is memory again, the next conversation takes place. */
static void nothing_from_some_point_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(conversations); i++) {
        for (unsigned which = 0; which < 2; which++) {
            uint64_t nth = 0;
            bool was_refused = true;
            while (was_refused) {
                struct pair pair;
                pair_start(&pair, &conversations[i]);
                struct test_memory *memory = &pair.end[which].memory;
                test_memory_refuse_from(memory, ++nth);
                pair_run(&pair, 900 * NS_PER_S);
                was_refused = memory->refused_count > 0;
                test_memory_refuse_nth(memory, 0);
                pair_run(&pair, 3000 * NS_PER_S);
                if (!pair_ended(&pair))
                    name_failure("not ended", i, which, nth, &pair);
                pair_pass(&pair, 130 * NS_PER_S);
                for (unsigned e = 0; e < 2; e++) {
                    if (!pair_forgotten(&pair, e))
                        name_failure("something is left", i, which, nth, &pair);
                }
                pair_again(&pair);
                pair_run(&pair, 600 * NS_PER_S);
                if (!pair_completed(&pair))
                    name_failure("not completed afterwards", i, which, nth, &pair);
                pair_end(&pair);
            }
            assert_in_range(nth, 5, 200);
        }
    }
}

/* ---- very many at once ---- */

#define ENDS 600u

/* One end of a crowd, as far as it got. */
struct crowd_client {
    struct crowd_segment at; /* what it says next */
    bool answered, served;
};

static void take_answers(struct peer *p, struct crowd_client *clients)
{
    struct crowd_segment out[CROWD_MAX];
    unsigned count;
    while ((count = crowd_out(p, out, CROWD_MAX)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            struct crowd_client *client = &clients[out[i].port - clients[0].at.port];
            if ((out[i].flags & (S | A)) != (S | A))
                continue;
            client->answered = true;
            client->at.ack = out[i].seq + 1;
        }
    }
}

/* Every client that is not served yet says its SYN, or its ACK. */
static void ask_again(struct peer *p, struct crowd_client *clients)
{
    for (unsigned flags = S; flags != 0; flags = flags == S ? A : 0) {
        for (uint32_t from = 0; from < ENDS; from += 100) {
            struct crowd_segment in[100];
            unsigned count = 0;
            for (uint32_t n = from; n < from + 100; n++) {
                if (clients[n].served || (flags == A && !clients[n].answered))
                    continue;
                in[count] = clients[n].at;
                in[count].flags = (uint8_t)flags;
                in[count++].seq = n + (flags == A);
            }
            crowd_in(p, in, count);
            take_answers(p, clients);
        }
    }
}

static unsigned accept_and_close(struct peer *p, struct crowd_client *clients)
{
    struct hawser_tcp_info info;
    hawser_tcp tcp;
    unsigned count = 0;
    while (hawser_accept(p->host, p->listener, &tcp) == 0) {
        assert_int_equal(hawser_status(p->host, p->now_ns, tcp, &info), 0);
        assert_int_equal(info.state, HAWSER_ESTABLISHED);
        struct crowd_client *client = &clients[info.remote.port - clients[0].at.port];
        assert_false(client->served);
        client->served = true;
        count++;
        assert_int_equal(hawser_close(p->host, tcp), 0);
        take_answers(p, clients); /* its FIN */
        struct crowd_segment fin = client->at;
        fin.flags = F | A;
        fin.seq = info.rcv_nxt;
        fin.ack++;
        crowd_in(p, &fin, 1);
    }
    take_answers(p, clients);
    return count;
}

static void small_chunks(struct hawser_config *config)
{
    config->chunk_bytes = 64 * 1024;
    config->halfopen_max = 1024;
}

/* Six hundred clients connect and are closed while one request, or each from some point on for
 * three seconds, is refused. All are served at last. */
static void a_crowd_and_refused_requests(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 2 * COUNT_OF(families); mode++) {
        bool was_refused = true;
        for (uint64_t nth = 1; was_refused; nth++) {
            static struct crowd_client clients[ENDS];
            struct peer p;
            unsigned served = 0;
            peer_start(&p, families[mode % 2], small_chunks);
            crowd_start(&p);
            peer_listen(&p, 1024);
            memset(clients, 0, sizeof clients);
            for (uint32_t n = 0; n < ENDS; n++)
                clients[n].at = crowd_end(&p, n);
            if (mode < 2)
                test_memory_refuse_nth(&p.memory, nth);
            else
                test_memory_refuse_from(&p.memory, nth);
            for (unsigned round = 0; served < ENDS; round++) {
                assert_in_range(round, 0, mode < 2 ? 3 : 7);
                if (round == 3)
                    p.memory.refuse_first = 0;
                ask_again(&p, clients);
                served += accept_and_close(&p, clients);
                p.now_ns += NS_PER_S;
                hawser_expire(p.host, p.now_ns);
                take_answers(&p, clients);
            }
            was_refused = p.memory.refused_count > 0;
            assert_true(was_refused || usage_of(p.host).timewaits == ENDS);
            p.now_ns += 100 * NS_PER_S;
            hawser_expire(p.host, p.now_ns);
            assert_int_equal(crowd_drop(&p), 0);
            assert_int_equal(usage_of(p.host).timewaits, 0);
            assert_int_equal(usage_of(p.host).connections, 0);
            assert_int_equal(usage_of(p.host).halfopens, 0);
            peer_end(&p);
            assert_in_range(nth, 1, 200);
        }
    }
}

#define OPENS 3000u

static void hundred_ports(struct hawser_config *config)
{
    small_chunks(config);
    config->port_first = 50000;
    config->port_last = 50099;
}

/* What an open has taken before it is refused is given back: not one port stays in use.
 * EVIDENCE 9293-3.10.1-3 */
static void opens_and_refused_requests(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        bool was_refused = true;
        for (uint64_t nth = 1; was_refused; nth++) {
            static hawser_tcp tcp[OPENS];
            struct peer p;
            unsigned failed = 0;
            peer_start(&p, families[i], hundred_ports);
            test_memory_refuse_nth(&p.memory, nth);
            for (unsigned n = 0; n < OPENS; n++) {
                struct hawser_open_options options = {
                    .remote = {p.peer_address, (uint16_t)(1 + n / 100)}};
                int error = hawser_open(p.host, p.now_ns, &options, &tcp[n]);
                failed += error == HAWSER_ERR_RESOURCES;
                if (error == HAWSER_ERR_RESOURCES)
                    error = hawser_open(p.host, p.now_ns, &options, &tcp[n]);
                assert_int_equal(error, 0);
            }
            was_refused = p.memory.refused_count > 0;
            test_memory_refuse_nth(&p.memory, 0);
            assert_in_range(failed, 0, was_refused);
            assert_int_equal(usage_of(p.host).connections, OPENS);
            for (unsigned n = 0; n < OPENS; n++)
                assert_int_equal(hawser_abort(p.host, tcp[n]), 0);
            assert_int_equal(usage_of(p.host).connections, 0);
            for (unsigned n = 0; n < 100; n++) {
                p.host_port = (uint16_t)(50000 + n);
                peer_listen(&p, 1);
            }
            peer_end(&p);
            assert_in_range(nth, 1, 200);
        }
    }
}

/* ---- buffers ---- */

static uint64_t memory_limit;

static void quarter_of_a_mebibyte(struct hawser_config *config)
{
    config->buffer_bytes = 256 * 1024;
}

static void little_memory(struct hawser_config *config)
{
    config->memory_bytes = memory_limit;
    config->buffer_bytes = memory_limit;
}

/* Sixteen programs do not read. What arrives beyond the limit is dropped, and sent again: the limit
 * holds, no window is taken back, connections can still be made, and when the programs read all
 * streams come to their ends. */
static void slow_readers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct pair_setup setup = {.v6 = i % 2, .connections = 16, .stream_bytes = {100000, 1000}};
        struct pair pair;
        pair_start(&pair, &setup);
        memory_limit = usage_of(pair.end[1].host).memory_bytes + 1024 * 1024;
        pair_end(&pair);
        setup.tune[1] = i < 2 ? quarter_of_a_mebibyte : little_memory;
        pair_start(&pair, &setup);
        const struct hawser_counters *counters = hawser_counters_of(pair.end[1].host);
        pair.end[1].paused = true;
        pair_run(&pair, 20 * NS_PER_S);
        assert_int_equal(pair.end[1].talks_count, 16);
        assert_true(counters->dropped[HAWSER_DROP_MEMORY] > 0);
        uint64_t limit = i < 2 ? 256 * 1024 : 1024 * 1024;
        assert_in_range(pair.end[1].buffer_high, limit / 2, limit);
        assert_true(usage_of(pair.end[1].host).buffer_bytes_high <= limit);
        assert_true(usage_of(pair.end[1].host).memory_bytes <= memory_limit || i < 2);
        pair.setup.connections = 17;
        pair_run(&pair, NS_PER_S);
        assert_int_equal(pair.end[1].talks_count, 17);
        pair.end[1].paused = false;
        pair_run(&pair, 900 * NS_PER_S);
        assert_true(pair_completed(&pair));
        pair_pass(&pair, 130 * NS_PER_S);
        assert_true(pair_forgotten(&pair, 0) && pair_forgotten(&pair, 1));
        pair_end(&pair);
    }
}

/* A program that writes more than there are buffers for is told so, by AGAIN for its own limit and
 * by RESOURCES for the host's; what was taken arrives.
 * EVIDENCE 9293-3.10.2-5 */
static void writers_beyond_the_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct pair_setup setup = {.v6 = families[i],
                                   .connections = 16,
                                   .stream_bytes = {100000, 0},
                                   .tune = {quarter_of_a_mebibyte, NULL}};
        struct pair pair;
        pair_start(&pair, &setup);
        pair_run(&pair, 600 * NS_PER_S);
        assert_true(pair_completed(&pair));
        assert_true(pair.end[0].refusals > 0);
        assert_true(usage_of(pair.end[0].host).buffer_bytes_high <= 256 * 1024);
        pair_end(&pair);
    }
}

/* ---- connections ---- */

static void four_connections(struct hawser_config *config)
{
    config->connections_max = 4;
}

/* EVIDENCE 4987-08 9293-3.10.1-3 */
static void as_many_connections_as_there_may_be(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp tcp[4], none = 4711;
        peer_start(&p, families[i], four_connections);
        for (unsigned n = 0; n < 4; n++) {
            p.peer_port++;
            peer_accept(&p, PEER_MSS);
            tcp[n] = p.tcp;
        }
        p.peer_port++;
        struct segment syn = peer_syn_options(&p, PEER_MSS); /* there is room for a request, */
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, 0); /* but not for what it should become */
        peer_in(&p, P | A, 1, 1, 10);
        peer_quiet(&p);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), HAWSER_ERR_AGAIN);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
        assert_int_equal(hawser_counters_of(p.host)->dropped[HAWSER_DROP_MEMORY], 2);
        struct hawser_open_options options = {.remote = {p.peer_address, 7}};
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &none), HAWSER_ERR_RESOURCES);
        assert_int_equal(none, 4711);
        peer_quiet(&p);
        assert_int_equal(usage_of(p.host).connections, 4);

        assert_int_equal(hawser_abort(p.host, tcp[0]), 0);
        peer_drop_out(&p);
        peer_in(&p, P | A, 1, 1, 10); /* it tries again */
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_read(&p, 10);
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &none), HAWSER_ERR_RESOURCES);
        assert_int_equal(hawser_abort(p.host, tcp[1]), 0);
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &none), 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* A handle of a program keeps its slot also when the connection is over. */
static void a_handle_keeps_its_slot(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, four_connections);
    for (unsigned n = 0; n < 4; n++) {
        p.peer_port++;
        peer_accept(&p, PEER_MSS);
        peer_in(&p, R, 1, 0, 0);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
    }
    struct hawser_open_options options = {.remote = {p.peer_address, 7}};
    hawser_tcp none;
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &none), HAWSER_ERR_RESOURCES);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &none), 0);
    peer_drop_out(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_made_or_not),
        cmocka_unit_test(a_host_within_its_limit),
        cmocka_unit_test(one_refusal_anywhere),
        cmocka_unit_test(nothing_from_some_point_on),
        cmocka_unit_test(a_crowd_and_refused_requests),
        cmocka_unit_test(opens_and_refused_requests),
        cmocka_unit_test(slow_readers),
        cmocka_unit_test(writers_beyond_the_limit),
        cmocka_unit_test(as_many_connections_as_there_may_be),
        cmocka_unit_test(a_handle_keeps_its_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
