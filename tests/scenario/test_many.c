/* SPDX-License-Identifier: MIT */
/* 100,000 connections, opened and closed in every way there is, many at once; then nothing of them
 * is left. */
#include "scenario/peer.h"

#define CONNECTIONS 100000u
#define ROUNDS 2u /* what the second needs, the first has needed */
#define STEP_NS (7 * NS_PER_MS)

/* The harness keeps all that it hears; here it is too much for that. */
static struct segment last; /* what this connection heard last */
static unsigned heard;      /* segments for this connection since `say` or `look` */
static unsigned timeouts;   /* connections that ended by themselves */

static void hear(struct peer *p)
{
    uint8_t frame[2048];
    struct hawser_buffer buffer = {.data = frame, .capacity = sizeof frame};
    while (hawser_output(p->host, p->link, p->now_ns, &buffer, 1) == 1) {
        struct ip_packet ip;
        struct segment seg;
        assert_int_equal(ip_parse(frame, buffer.length, &ip), IP_PARSE_OK);
        assert_int_equal(tcp_parse(ip.payload, ip.payload_len, 0, false, &seg), TCP_PARSE_OK);
        if (seg.dst_port != p->peer_port || seg.src_port != p->host_port)
            continue; /* another connection's, sent again to nobody */
        if (seg.flags & S)
            p->host_isn = seg.seq;
        last = seg;
        heard++;
    }
}

/* Programs close what has ended by itself. */
static void look(struct peer *p)
{
    struct hawser_event events[64];
    size_t n;
    heard = 0;
    hawser_expire(p->host, p->now_ns);
    hear(p);
    while ((n = hawser_events(p->host, events, COUNT_OF(events))) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (events[i].user != &timeouts || !(events[i].events & HAWSER_EVENT_ERROR))
                continue;
            struct hawser_tcp_info info;
            assert_int_equal(hawser_status(p->host, p->now_ns, events[i].tcp, &info), 0);
            assert_int_equal(info.error, HAWSER_ERR_TIMED_OUT);
            assert_int_equal(hawser_close(p->host, events[i].tcp), 0);
            timeouts++;
        }
    }
}

static void inject(struct peer *p, const struct segment *seg)
{
    uint8_t packet[PEER_FRAME_MAX + 60];
    struct hawser_frame frame = {.data = packet, .length = peer_build(p, seg, packet)};
    heard = 0;
    hawser_input(p->host, p->link, p->now_ns, &frame, 1);
    hear(p);
}

static void say(struct peer *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct segment seg = {.flags = (uint8_t)flags, .seq = seq_add(p->peer_isn, seq)};
    seg.ack = seq_of(flags & A ? p->host_isn.v + ack : 0);
    seg.text_len = len;
    seg.wnd = 65535;
    inject(p, &seg);
}

/* The last answer to this connection. */
static void answered(const struct peer *p, unsigned flags, uint32_t seq)
{
    assert_true(heard > 0);
    assert_int_equal(last.flags, flags);
    assert_int_equal(last.seq.v, p->host_isn.v + seq);
}

static void syn(struct peer *p, unsigned flags)
{
    struct segment seg = peer_syn_options(p, PEER_MSS);
    seg.flags = (uint8_t)flags;
    if (flags & A)
        seg.ack = seq_add(p->host_isn, 1);
    inject(p, &seg);
}

static void half_open(struct peer *p)
{
    p->host_port = PEER_HOST_PORT;
    syn(p, S);
    answered(p, S | A, 0);
}

static void passive(struct peer *p)
{
    half_open(p);
    say(p, A, 1, 1, 0);
    assert_int_equal(hawser_accept(p->host, p->listener, &p->tcp), 0);
}

static void opening(struct peer *p)
{
    struct hawser_tcp_info info;
    struct hawser_open_options options = {.remote = {p->peer_address, p->peer_port}};
    assert_int_equal(hawser_open(p->host, p->now_ns, &options, &p->tcp), 0);
    assert_int_equal(hawser_status(p->host, p->now_ns, p->tcp, &info), 0);
    p->host_port = info.local.port;
    look(p);
    answered(p, S, 0);
}

static void active(struct peer *p)
{
    opening(p);
    syn(p, S | A);
    answered(p, A, 1);
}

static void crossed(struct peer *p)
{
    opening(p);
    syn(p, S);
    answered(p, S | A, 0);
}

/* Ten octets each way. */
static void talk(struct peer *p)
{
    char text[10];
    say(p, P | A, 1, 1, 10);
    assert_int_equal(hawser_receive(p->host, p->tcp, text, sizeof text), sizeof text);
    assert_int_equal(hawser_send(p->host, p->tcp, text, sizeof text, 0), sizeof text);
    look(p);
    answered(p, P | A, 1);
    say(p, A, 11, 11, 0);
}

static void shut(struct peer *p)
{
    assert_int_equal(hawser_shutdown(p->host, p->tcp), 0);
    look(p);
}

static void done(struct peer *p)
{
    assert_int_equal(hawser_close(p->host, p->tcp), 0);
    look(p);
}

/* ---- the ways, each from the first segment to the last --------------------------------------- */

static void peer_closes_first(struct peer *p)
{
    passive(p);
    talk(p);
    say(p, F | A, 11, 11, 0);
    answered(p, A, 11);
    done(p);
    answered(p, F | A, 11);
    say(p, A, 12, 12, 0);
}

static void host_closes_first(struct peer *p)
{
    active(p);
    talk(p);
    done(p);
    answered(p, F | A, 11);
    say(p, A, 11, 12, 0);
    say(p, F | A, 11, 12, 0);
    answered(p, A, 12);
}

static void passive_host_closes_first(struct peer *p)
{
    passive(p);
    shut(p);
    answered(p, F | A, 1);
    say(p, F | A, 1, 2, 0);
    answered(p, A, 2);
    done(p);
}

static void active_peer_closes_first(struct peer *p)
{
    active(p);
    say(p, F | A, 1, 1, 0);
    shut(p);
    answered(p, F | A, 1);
    done(p);
    say(p, A, 2, 2, 0);
}

static void both_close_at_once(struct peer *p)
{
    passive(p);
    shut(p);
    say(p, F | A, 1, 1, 0);
    answered(p, A, 2);
    say(p, A, 2, 2, 0);
    done(p);
}

static void half_close(struct peer *p)
{
    char text[100];
    active(p);
    shut(p);
    say(p, A, 1, 2, 0);
    for (uint32_t i = 0; i < 3; i++)
        say(p, P | A, 1 + i * 10, 2, 10);
    say(p, F | A, 31, 2, 0);
    answered(p, A, 2);
    assert_int_equal(hawser_receive(p->host, p->tcp, text, sizeof text), 30);
    assert_int_equal(hawser_receive(p->host, p->tcp, text, sizeof text), 0);
    done(p);
}

static void host_aborts(struct peer *p)
{
    passive(p);
    say(p, A, 100, 1, 50); /* with text out of order, and text under way */
    assert_int_equal(hawser_send(p->host, p->tcp, "text", 4, 0), 4);
    look(p);
    assert_int_equal(hawser_abort(p->host, p->tcp), 0);
    look(p);
    answered(p, R | A, 5);
}

static void host_aborts_in_time_wait(struct peer *p)
{
    passive(p);
    shut(p);
    say(p, F | A, 1, 2, 0);
    assert_int_equal(hawser_abort(p->host, p->tcp), 0);
}

static void peer_resets(struct peer *p)
{
    active(p);
    talk(p);
    say(p, R, 11, 0, 0);
    done(p);
}

static void peer_refuses(struct peer *p)
{
    opening(p);
    assert_int_equal(hawser_send(p->host, p->tcp, "text", 4, 0), 4);
    say(p, R | A, 0, 1, 0);
    done(p);
}

static void both_open_at_once(struct peer *p)
{
    crossed(p);
    syn(p, S | A);
    talk(p);
    say(p, F | A, 11, 11, 0);
    done(p);
    say(p, A, 12, 12, 0);
}

static void closed_before_it_is_open(struct peer *p)
{
    crossed(p);
    shut(p);
    say(p, A, 1, 1, 0);
    answered(p, F | A, 1);
    say(p, F | A, 1, 2, 0);
    done(p);
}

static void opened_for_nothing(struct peer *p)
{
    opening(p);
    done(p);
    opening(p);
    assert_int_equal(hawser_abort(p->host, p->tcp), 0);
}

static void unread_text(struct peer *p)
{
    passive(p);
    say(p, P | A, 1, 1, 100);
    done(p);
    answered(p, R | A, 1);
}

static void text_after_close(struct peer *p)
{
    passive(p);
    done(p);
    say(p, A, 1, 2, 0);
    say(p, P | A, 1, 2, 10);
    answered(p, R, 2);
}

static void peer_gives_up_half_open(struct peer *p)
{
    half_open(p);
    say(p, R, 1, 0, 0);
}

static void peer_resets_what_waits(struct peer *p)
{
    half_open(p);
    say(p, P | A, 1, 1, 10);
    say(p, R, 11, 0, 0);
    assert_int_equal(hawser_accept(p->host, p->listener, &p->tcp), 0);
    done(p);
}

static void reopened_in_time_wait(struct peer *p)
{
    passive_host_closes_first(p);
    seq_t isn = p->peer_isn;
    p->peer_isn = seq_add(isn, 100000);
    peer_closes_first(p);
    p->peer_isn = isn;
}

/* Those that are left to themselves: time ends them, while others go on. */

static void half_open_for_ever(struct peer *p)
{
    half_open(p);
}

static void nobody_answers_an_open(struct peer *p)
{
    opening(p);
    assert_int_equal(hawser_set_user(p->host, p->tcp, &timeouts), 0);
}

static void nobody_takes_the_text(struct peer *p)
{
    passive(p);
    const enum hawser_option option = HAWSER_OPTION_USER_TIMEOUT_NS;
    assert_int_equal(hawser_set_option(p->host, p->tcp, option, 20 * NS_PER_S), 0);
    assert_int_equal(hawser_set_user(p->host, p->tcp, &timeouts), 0);
    assert_int_equal(hawser_send(p->host, p->tcp, "text", 4, 0), 4);
    look(p);
}

static void nobody_answers_the_keep_alive(struct peer *p)
{
    active(p);
    const enum hawser_option idle = HAWSER_OPTION_KEEPALIVE_IDLE_NS;
    assert_int_equal(hawser_set_option(p->host, p->tcp, idle, 10 * NS_PER_S), 0);
    assert_int_equal(hawser_set_option(p->host, p->tcp, HAWSER_OPTION_KEEPALIVE_PROBES, 2), 0);
    assert_int_equal(hawser_set_option(p->host, p->tcp, HAWSER_OPTION_KEEPALIVE, 1), 0);
    assert_int_equal(hawser_set_user(p->host, p->tcp, &timeouts), 0);
    look(p);
}

static void nobody_acknowledges_the_fin(struct peer *p)
{
    passive(p);
    done(p);
    answered(p, F | A, 1);
}

static void no_fin_ever_comes(struct peer *p)
{
    active(p);
    done(p);
    say(p, A, 1, 2, 0);
}

static void shut_window_for_ever(struct peer *p)
{
    passive(p);
    struct segment seg = {.flags = A, .seq = seq_add(p->peer_isn, 1), .wnd = 0};
    seg.ack = seq_add(p->host_isn, 1);
    inject(p, &seg);
    assert_int_equal(hawser_send(p->host, p->tcp, "text", 4, 0), 4);
    done(p);
}

static void (*const ways[])(struct peer *) = {
    peer_closes_first,
    host_closes_first,
    passive_host_closes_first,
    active_peer_closes_first,
    both_close_at_once,
    half_close,
    host_aborts,
    host_aborts_in_time_wait,
    peer_resets,
    peer_refuses,
    both_open_at_once,
    closed_before_it_is_open,
    opened_for_nothing,
    unread_text,
    text_after_close,
    peer_gives_up_half_open,
    peer_resets_what_waits,
    reopened_in_time_wait,
    half_open_for_ever,
    nobody_answers_an_open,
    nobody_takes_the_text,
    nobody_answers_the_keep_alive,
    nobody_acknowledges_the_fin,
    no_fin_ever_comes,
    shut_window_for_ever,
};

#define LEFT_TO_TIME 3u /* of the ways those that set &timeouts */

static void run_out(struct peer *p)
{
    uint64_t next;
    while ((next = hawser_next_deadline(p->host)) != UINT64_MAX) {
        if (next > p->now_ns)
            p->now_ns = next;
        look(p);
    }
}

static void check_baseline(struct peer *p, uint64_t *memory_bytes, bool first)
{
    struct hawser_usage usage;
    struct hawser_tcp_info info;
    uint64_t cursor = 0;
    unsigned shown = 0;
    hawser_usage_of(p->host, &usage);
    assert_int_equal(usage.connections, 0);
    assert_int_equal(usage.halfopens, 0);
    assert_int_equal(usage.timewaits, 0);
    assert_int_equal(usage.buffer_bytes, 0);
    assert_int_equal(usage.listeners, 1);
    while (hawser_walk(p->host, p->now_ns, &cursor, &info))
        shown++;
    assert_int_equal(shown, 1); /* the listener */
    if (!first)
        assert_int_equal(usage.memory_bytes, *memory_bytes);
    *memory_bytes = usage.memory_bytes;
}

static void no_trace(struct hawser_config *config)
{
    config->trace = NULL; /* nobody would read so much */
    config->halfopen_max = 65536;
    config->chunk_bytes = 64 * 1024;
}

static void check_family(bool v6)
{
    struct peer p;
    uint64_t memory_bytes = 0;
    peer_start(&p, v6, no_trace);
    peer_listen(&p, 65536);
    for (unsigned round = 0; round < ROUNDS; round++) {
        timeouts = 0;
        for (uint32_t i = 0; i < CONNECTIONS / ROUNDS; i++) {
            p.peer_port = (uint16_t)(1024 + i); /* up to 51,024: none comes twice in a round */
            ways[i % COUNT_OF(ways)](&p);
            p.now_ns += STEP_NS;
        }
        run_out(&p);
        assert_int_equal(timeouts, CONNECTIONS / ROUNDS / COUNT_OF(ways) * LEFT_TO_TIME);
        check_baseline(&p, &memory_bytes, round == 0);
    }
    /* Two of the ways open twice, and two stay half open. */
    assert_int_equal(hawser_counters_of(p.host)->opens_active +
                         hawser_counters_of(p.host)->opens_passive,
                     CONNECTIONS);
    assert_int_equal(hawser_close(p.host, p.listener), 0);
    peer_end(&p);
}

static void nothing_is_left_of_100000_connections(void **state)
{
    (void)state;
    check_family(false);
}

static void nothing_is_left_over_ipv6(void **state)
{
    (void)state;
    check_family(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_100000_connections),
        cmocka_unit_test(nothing_is_left_over_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
