/* SPDX-License-Identifier: MIT */
/* Floods: SYNs from nowhere, guessed ACKs, more handshakes than anybody accepts (RFC 4987). Memory
 * stays where it is, and who means it is served, or refused in a way that can be foreseen. */
#include "scenario/crowd.h"
#include "scenario/forge.h"

static const bool families[] = {false, true};

static struct hawser_usage usage_of(const struct peer *p)
{
    struct hawser_usage usage;
    hawser_usage_of(p->host, &usage);
    return usage;
}

static const struct hawser_counters *counters(const struct peer *p)
{
    return hawser_counters_of(p->host);
}

/* SYNs of the ends from..from+count, whose addresses nobody has. Returns how many were answered. */
static unsigned spoofed_syns(struct peer *p, uint32_t from, unsigned count)
{
    struct crowd_segment syn[CROWD_MAX], out[CROWD_MAX];
    for (unsigned i = 0; i < count; i++) {
        syn[i] = crowd_end(p, from + i);
        syn[i].flags = S;
        syn[i].seq = (from + i) * 2654435761u;
        syn[i].mss = 1400;
    }
    crowd_in(p, syn, count);
    unsigned answers = crowd_out(p, out, CROWD_MAX);
    for (unsigned i = 0; i < answers; i++)
        assert_int_equal(out[i].flags, S | A);
    return answers;
}

/* An honest client connects, both ends say something, both close. */
static void honest_client(struct peer *p, uint16_t port, unsigned options)
{
    p->peer_port = port;
    p->timestamps = false;
    peer_accept(p, options);
    peer_write(p, 3000);
    peer_drop_out(p);
    peer_in(p, P | A, 1, 3001, 100);
    peer_read(p, 100);
    peer_drop_out(p);
    peer_to_state(p, HAWSER_TIME_WAIT);
    assert_int_equal(hawser_close(p->host, p->tcp), 0);
}

static void flood_limits(struct hawser_config *config)
{
    config->halfopen_max = 1024;
    config->connections_max = 256;
    config->chunk_bytes = 64 * 1024;
}

static void flood_limits_without_cookies(struct hawser_config *config)
{
    flood_limits(config);
    config->syn_cookies = false;
    config->synack_retries = 2; /* 1 + 2 + 4 s */
}

static void start(struct peer *p, bool v6, peer_tune *tune, uint32_t backlog)
{
    peer_start(p, v6, tune);
    p->only_own = true;
    crowd_start(p);
    peer_listen(p, backlog);
}

#define SECOND_SYNS 100000u
#define BATCH 250u

/* 100,000 SYNs in a second of virtual time. Returns how many were answered. */
static unsigned flood_for_a_second(struct peer *p, uint32_t from)
{
    unsigned answers = 0;
    for (uint32_t n = 0; n < SECOND_SYNS; n += BATCH) {
        answers += spoofed_syns(p, from + n, BATCH);
        p->now_ns += NS_PER_S / (SECOND_SYNS / BATCH);
        hawser_expire(p->host, p->now_ns); /* SYN-ACKs again, for those that are in the table */
        crowd_drop(p);
    }
    return answers;
}

/* A million SYNs in ten seconds fill the table; what comes beyond it is answered by cookies, and
 * keeps nothing. Clients that mean it connect all the while, and keep their options.
 * EVIDENCE 4987-01 4987-03 4987-04 4987-05 */
static void a_million_syns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        unsigned seconds = families[i] ? 2 : 10;
        start(&p, families[i], flood_limits, 4096);
        honest_client(&p, 1000, PEER_ALL);
        assert_int_equal(counters(&p)->syn_cookies_sent, 0);
        uint64_t before = usage_of(&p).memory_bytes, full = 0;
        for (unsigned second = 0; second < seconds; second++) {
            assert_int_equal(flood_for_a_second(&p, second * SECOND_SYNS), SECOND_SYNS);
            assert_int_equal(usage_of(&p).halfopens, 1024);
            honest_client(&p, (uint16_t)(1001 + 2 * second), PEER_ALL);
            honest_client(&p, (uint16_t)(1002 + 2 * second), PEER_MSS);
            if (second == 0)
                full = usage_of(&p).memory_bytes;
            assert_int_equal(usage_of(&p).memory_bytes, full);
        }
        /* The table, its part of the flow map, replies that wait, records of the honest. */
        assert_in_range(full - before, 0, 1024 * 256 + 6 * 64 * 1024);
        assert_int_equal(counters(&p)->syn_cookies_accepted, 2 * seconds);
        assert_int_equal(counters(&p)->opens_passive, 1 + 2 * seconds);
        assert_int_equal(counters(&p)->syn_cookies_sent,
                         seconds * SECOND_SYNS - 1024 + 2 * seconds);
        assert_int_equal(usage_of(&p).connections, 0);

        peer_pass(&p, 64 * NS_PER_S); /* 1 + 2 + 4 + 8 + 16 + 32: the table is empty again */
        assert_int_equal(usage_of(&p).halfopens, 0);
        honest_client(&p, 2000, PEER_ALL);
        assert_int_equal(counters(&p)->syn_cookies_accepted, 2 * seconds);
        peer_end(&p);
    }
}

/* What a client gets that was answered by a cookie: with timestamps all it asked for, without them
 * its MSS. EVIDENCE 4987-04 4987-03 */
static void options_of_a_cookie(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(families); i++) {
        struct peer p;
        bool all = i < 2;
        start(&p, families[i % 2], flood_limits, 4096);
        spoofed_syns(&p, 0, BATCH);
        for (unsigned n = 1; n < 5; n++)
            spoofed_syns(&p, n * BATCH, BATCH);
        struct segment syn = peer_syn_options(&p, all ? PEER_ALL : PEER_ALL & ~PEER_TS);
        syn.mss = 1300;
        peer_inject(&p, &syn);
        const struct peer_segment *answer = peer_out(&p, S | A, 0, 1, 0);
        assert_int_equal(answer->seg.options, all ? TCP_OPT_MSS | TCP_OPT_WSCALE |
                                                        TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS
                                                  : TCP_OPT_MSS);
        p.timestamps = all;
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        struct hawser_tcp_info info = peer_info(&p);
        assert_int_equal(info.has_timestamps, all);
        assert_int_equal(info.has_sack, all);
        assert_int_equal(info.snd_wscale, all ? 7 : 0);
        assert_int_equal(info.send_mss_bytes, 1220 - (all ? 12 : 0)); /* the next of eight */
        assert_int_equal(info.snd_wnd, all ? 65535 << 7 : 65535);
        assert_int_equal(usage_of(&p).halfopens, 1024);
        peer_end(&p);
    }
}

/* Numbers that are no cookie of ours, right ones that are too old, and right ones of another port:
 * a RST each, and no connection. EVIDENCE 4987-03 4987-06 */
static void forged_and_stale_cookies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        start(&p, families[i], flood_limits, 4096);
        for (unsigned n = 0; n < 5; n++)
            spoofed_syns(&p, n * BATCH, BATCH);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        uint64_t memory = usage_of(&p).memory_bytes;
        uint32_t random = 1;
        for (unsigned n = 0; n < 400; n++) {
            struct crowd_segment ack[BATCH];
            for (unsigned k = 0; k < BATCH; k++) {
                ack[k] = crowd_end(&p, 500000 + k);
                random = random * 1664525 + 1013904223;
                ack[k].seq = random;
                ack[k].ack = random ^ random << 7;
                ack[k].flags = A;
            }
            crowd_in(&p, ack, BATCH);
            assert_int_equal(crowd_drop(&p), BATCH);
        }
        assert_int_equal(counters(&p)->resets_out, 400 * BATCH);
        assert_int_equal(counters(&p)->syn_cookies_failed, 400 * BATCH);
        static const struct {
            uint32_t seq, ack;
            uint16_t port;
        } wrong[] = {{1, 2, 0}, {1, 0, 0}, {2, 1, 0}, {0, 1, 0}, {1, 17, 0}, {1, 1, 1}};
        for (unsigned n = 0; n < COUNT_OF(wrong); n++) {
            p.peer_port = (uint16_t)(PEER_PORT + wrong[n].port);
            peer_in(&p, A, wrong[n].seq, wrong[n].ack, 0);
            peer_out_rst(&p, R, seq_add(p.host_isn, wrong[n].ack), seq_of(0));
        }
        p.peer_port = PEER_PORT;
        assert_int_equal(usage_of(&p).connections, 0);
        assert_int_equal(usage_of(&p).memory_bytes, memory);
        peer_pass(&p, 129 * NS_PER_S);
        peer_in(&p, A, 1, 1, 0);
        peer_out_rst(&p, R, seq_add(p.host_isn, 1), seq_of(0));
        assert_int_equal(usage_of(&p).connections, 0);
        peer_end(&p);
    }
}

/* Without cookies a full table drops SYNs, silently, until entries give up after a time that is
 * configured; connections that exist do not notice. EVIDENCE 4987-01 4987-07 */
static void without_cookies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        start(&p, families[i], flood_limits_without_cookies, 4096);
        p.peer_port = 999;
        peer_accept(&p, PEER_MSS);
        hawser_tcp old = p.tcp;
        seq_t old_isn = p.host_isn;
        unsigned answers = 0;
        for (unsigned n = 0; n < 40; n++)
            answers += spoofed_syns(&p, n * BATCH, BATCH);
        assert_int_equal(answers, 1024);
        assert_int_equal(counters(&p)->halfopen_overflow, 40 * BATCH - 1024);
        assert_int_equal(counters(&p)->dropped[HAWSER_DROP_BACKLOG], 40 * BATCH - 1024);
        uint64_t memory = usage_of(&p).memory_bytes;
        p.peer_port = 1000;
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        for (unsigned second = 0; second < 7; second++) {
            peer_inject(&p, &syn);
            peer_quiet(&p);
            peer_pass(&p, NS_PER_S);
        }
        assert_int_equal(usage_of(&p).halfopens, 0);
        assert_int_equal(counters(&p)->halfopen_timeouts, 1024);
        assert_int_equal(p.not_own, 2 * 1024); /* each SYN-ACK twice more, and no RST */
        assert_int_equal(usage_of(&p).memory_bytes, memory);
        honest_client(&p, 1000, PEER_ALL);
        p.peer_port = 999;
        p.tcp = old;
        p.host_isn = old_isn;
        p.timestamps = false;
        p.written = p.read = 0;
        peer_write(&p, 10);
        peer_out(&p, P | A, 1, 1, 10);
        peer_end(&p);
    }
}

/* A SYN that is repeated does not make the host repeat its answer as often: it might be somebody
 * else's address. EVIDENCE 4987-07 */
static void one_syn_again_and_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        unsigned answers = 0;
        start(&p, families[i], flood_limits, 16);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        for (unsigned n = 0; n < 30000; n++) {
            peer_inject(&p, &syn);
            p.now_ns += NS_PER_MS;
            for (; peer_pending(&p) > 0; answers++)
                peer_out(&p, S | A, 0, 1, 0);
        }
        assert_in_range(answers, 30, 60 + 5); /* one in half a second, and the timer's */
        assert_int_equal(usage_of(&p).halfopens, 1);
        peer_pass(&p, 40 * NS_PER_S);
        peer_drop_out(&p);
        assert_int_equal(usage_of(&p).halfopens, 0); /* nor does it live any longer for that */
        peer_end(&p);
    }
}

/* The listener that is flooded takes all places of the table; another one has cookies left.
 * EVIDENCE 4987-01 */
static void another_listener_is_served(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp flooded;
    start(&p, false, flood_limits, 4096);
    flooded = p.listener;
    for (unsigned n = 0; n < 8; n++)
        spoofed_syns(&p, n * BATCH, BATCH);
    p.host_port = 81;
    peer_listen(&p, 4);
    honest_client(&p, 1000, PEER_ALL);
    assert_int_equal(hawser_close(p.host, flooded), 0);
    assert_int_equal(usage_of(&p).halfopens, 0);
    peer_end(&p);
}

/* ---- what nobody asked for ---- */

/* Segments for ports and connections that do not exist: a RST each as long as there is room for
 * them, and nothing is kept. */
static void segments_of_strangers(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {A, S, R, S | A, F | A, F, P | A, 0};
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        struct crowd_segment in[BATCH];
        start(&p, families[i], flood_limits, 4);
        p.host_port = 81;
        for (unsigned round = 0; round < 2; round++) {
            uint64_t memory = usage_of(&p).memory_bytes;
            for (uint32_t n = 0; n < 100; n++) {
                for (unsigned k = 0; k < BATCH; k++) {
                    in[k] = crowd_end(&p, n * BATCH + k);
                    in[k].flags = kinds[k % COUNT_OF(kinds)];
                }
                crowd_in(&p, in, BATCH);
                unsigned resets = crowd_drop(&p);
                assert_in_range(resets, BATCH * 3 / 4, BATCH); /* none for a RST */
            }
            assert_true(round == 0 || usage_of(&p).memory_bytes == memory);
        }
        for (uint32_t n = 0; n < 20; n++) { /* and when nobody fetches the answers */
            for (unsigned k = 0; k < BATCH; k++) {
                in[k] = crowd_end(&p, n * BATCH + k);
                in[k].flags = A;
            }
            crowd_in(&p, in, BATCH);
        }
        unsigned answers = crowd_drop(&p);
        assert_in_range(answers, 1, 4096);
        assert_int_equal(counters(&p)->dropped[HAWSER_DROP_RATE], 20 * BATCH - answers);
        assert_int_equal(usage_of(&p).connections + usage_of(&p).halfopens, 0);
        peer_end(&p);
    }
}

/* ---- handshakes that nobody accepts ---- */

#define CLIENTS 100u
#define BACKLOG 10u

/* A hundred clients at a queue of ten. Those that find it full are told nothing, try again, and get
 * in when the program has accepted others; each once, and as who it is. EVIDENCE 4987-08 */
static void more_clients_than_the_queue_holds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        struct crowd_segment at[CLIENTS], out[CROWD_MAX];
        hawser_tcp tcp[CLIENTS];
        bool served[CLIENTS] = {false};
        start(&p, families[i], flood_limits, BACKLOG);
        for (unsigned n = 0; n < CLIENTS; n++) {
            at[n] = crowd_end(&p, n);
            at[n].seq = n;
            at[n].flags = S;
        }
        crowd_in(&p, at, CLIENTS);
        assert_int_equal(crowd_out(&p, out, CROWD_MAX), CLIENTS);
        for (unsigned n = 0; n < CLIENTS; n++) {
            unsigned who = out[n].port - at[0].port;
            at[who].seq = who + 1;
            at[who].ack = out[n].seq + 1;
            at[who].flags = A;
        }
        unsigned accepted = 0;
        for (unsigned round = 0; accepted < CLIENTS; round++) {
            assert_in_range(round, 0, CLIENTS / BACKLOG);
            crowd_in(&p, at, CLIENTS); /* all try again; those that are in are not harmed */
            assert_int_equal(crowd_drop(&p), 0);
            assert_int_equal(usage_of(&p).connections, accepted + BACKLOG);
            struct segment syn = peer_syn_options(&p, PEER_MSS);
            peer_inject(&p, &syn); /* a new one is not even asked in */
            peer_quiet(&p);
            while (hawser_accept(p.host, p.listener, &tcp[accepted]) == 0) {
                struct hawser_tcp_info info;
                assert_int_equal(hawser_status(p.host, p.now_ns, tcp[accepted], &info), 0);
                assert_int_equal(info.state, HAWSER_ESTABLISHED);
                unsigned who = info.remote.port - at[0].port;
                assert_false(served[who]);
                assert_int_equal(info.rcv_nxt, who + 1);
                served[who] = true;
                accepted++;
            }
        }
        assert_true(counters(&p)->accept_overflow >= CLIENTS);
        peer_accept(&p, PEER_MSS);
        for (unsigned n = 0; n < CLIENTS; n++)
            assert_int_equal(hawser_abort(p.host, tcp[n]), 0);
        assert_int_equal(crowd_drop(&p), CLIENTS);
        assert_int_equal(usage_of(&p).connections, 1);
        assert_int_equal(usage_of(&p).halfopens, 0);
        peer_end(&p);
    }
}

/* Its last ACK was dropped for the full queue: the SYN-ACK comes again, and so does the ACK, with
 * the text that was sent meanwhile. EVIDENCE 4987-08 */
static void the_syn_ack_comes_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        hawser_tcp first;
        start(&p, families[i], flood_limits, 1);
        p.peer_port = 1000;
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        seq_t isn = p.host_isn;
        p.peer_port = 1001; /* the table has one place for this listener: a cookie */
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, 0);
        p.peer_port = 1000;
        p.host_isn = isn;
        peer_in(&p, A, 1, 1, 0);
        peer_in(&p, P | A, 1, 1, 20);
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
        assert_int_equal(counters(&p)->accept_overflow, 2);
        assert_int_equal(hawser_accept(p.host, p.listener, &first), 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), HAWSER_ERR_AGAIN);
        peer_pass_until_out(&p, 2 * NS_PER_S);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, P | A, 1, 1, 20);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_read(&p, 20);
        peer_pass(&p, NS_PER_S);
        peer_out(&p, A, 1, 21, 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_syns),
        cmocka_unit_test(options_of_a_cookie),
        cmocka_unit_test(forged_and_stale_cookies),
        cmocka_unit_test(without_cookies),
        cmocka_unit_test(one_syn_again_and_again),
        cmocka_unit_test(another_listener_is_served),
        cmocka_unit_test(segments_of_strangers),
        cmocka_unit_test(more_clients_than_the_queue_holds),
        cmocka_unit_test(the_syn_ack_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
