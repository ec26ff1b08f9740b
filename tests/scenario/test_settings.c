/* SPDX-License-Identifier: MIT */
/* Options of connections and listeners: ranges, defaults, inheritance, and that they do what they
 * say (hawser_set_option; status.c). */
#include "scenario/peer.h"

#define MSS 1460u

struct range {
    enum hawser_option option;
    uint64_t least, most, initial;
};

/* The defaults are those of the configuration. */
static unsigned ranges_of(const struct hawser_config *c, struct range out[16])
{
    const uint64_t ns_max = (uint64_t)(UINT32_MAX - 1) * NS_PER_MS;
    const struct range rows[] = {
        {HAWSER_OPTION_NODELAY, 0, 1, 0},
        {HAWSER_OPTION_KEEPALIVE, 0, 1, 0},
        {HAWSER_OPTION_KEEPALIVE_IDLE_NS, NS_PER_S, ns_max, c->keepalive_idle_ns},
        {HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, NS_PER_S, ns_max, c->keepalive_interval_ns},
        {HAWSER_OPTION_KEEPALIVE_PROBES, 1, 127, c->keepalive_probes},
        {HAWSER_OPTION_USER_TIMEOUT_NS, 0, ns_max, 0},
        {HAWSER_OPTION_HOP_LIMIT, 1, 255, c->hop_limit},
        {HAWSER_OPTION_TRAFFIC_CLASS, 0, 252, 0},
        {HAWSER_OPTION_SEND_BUFFER_BYTES, 2048, c->send_buffer_bytes, c->send_buffer_bytes},
        {HAWSER_OPTION_RECEIVE_BUFFER_BYTES, 2048, c->receive_buffer_bytes,
         c->receive_buffer_bytes},
        {HAWSER_OPTION_MAX_SEGMENT_BYTES, 88, 65495, 0},
        {HAWSER_OPTION_CORK, 0, 1, 0},
        {HAWSER_OPTION_LINGER_RESET, 0, 1, 0},
        {HAWSER_OPTION_SYN_RETRIES, 0, 127, 0},
        {HAWSER_OPTION_READ_SHUT, 0, 1, 0},
    };
    memcpy(out, rows, sizeof rows);
    return COUNT_OF(rows);
}

static uint64_t get(struct peer *p, hawser_tcp tcp, enum hawser_option option)
{
    uint64_t value = 0;
    assert_int_equal(hawser_get_option(p->host, tcp, option, &value), 0);
    return value;
}

static void check_range(struct peer *p, hawser_tcp tcp, const struct range *r)
{
    const uint64_t beyond[] = {r->least - 1,
                               r->most + (r->most == 252 ? 4 : 1),
                               UINT64_MAX - 1,
                               UINT64_MAX - 999998,
                               (uint64_t)INT64_MAX + 1,
                               UINT64_MAX};
    assert_int_equal(get(p, tcp, r->option), r->initial);
    for (unsigned i = 0; i < COUNT_OF(beyond); i++) {
        bool never = r->option == HAWSER_OPTION_USER_TIMEOUT_NS && beyond[i] == UINT64_MAX;
        if (never || (i == 0 && r->least == 0))
            continue;
        assert_int_equal(hawser_set_option(p->host, tcp, r->option, beyond[i]), HAWSER_ERR_INVALID);
        assert_int_equal(get(p, tcp, r->option), r->initial); /* the old one stays */
    }
    assert_int_equal(hawser_set_option(p->host, tcp, r->option, r->least), 0);
    assert_int_equal(get(p, tcp, r->option), r->least);
    assert_int_equal(hawser_set_option(p->host, tcp, r->option, r->most), 0);
    assert_int_equal(get(p, tcp, r->option), r->most);
}

static void ranges(void **state)
{
    (void)state;
    struct range rows[16];
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct hawser_open_options open = {.remote = {p.peer_address, p.peer_port}};
    assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0); /* nothing is sent yet */
    unsigned count = ranges_of(&p.config, rows);
    for (unsigned i = 0; i < count; i++) {
        check_range(&p, p.tcp, &rows[i]);
        check_range(&p, p.listener, &rows[i]);
    }
    const enum hawser_option never = HAWSER_OPTION_USER_TIMEOUT_NS;
    assert_int_equal(hawser_set_option(p.host, p.tcp, never, UINT64_MAX), 0);
    assert_int_equal(get(&p, p.tcp, never), UINT64_MAX);
    peer_drop_out(&p);
    peer_end(&p);
}

static void options_that_do_not_exist(void **state)
{
    (void)state;
    static const int none[] = {0, -1, 18, 1000, INT32_MAX, INT32_MIN};
    struct peer p;
    uint64_t value = 77;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    const hawser_tcp tcp[] = {p.tcp, p.listener};
    for (unsigned i = 0; i < 2 * COUNT_OF(none); i++) {
        enum hawser_option option = (enum hawser_option)none[i / 2];
        assert_int_equal(hawser_set_option(p.host, tcp[i & 1], option, 1), HAWSER_ERR_NO_OPTION);
        assert_int_equal(hawser_get_option(p.host, tcp[i & 1], option, &value),
                         HAWSER_ERR_NO_OPTION);
    }
    /* An act, not a setting. */
    assert_int_equal(hawser_get_option(p.host, p.tcp, HAWSER_OPTION_QUICK_ACK, &value),
                     HAWSER_ERR_NO_OPTION);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_QUICK_ACK, 2),
                     HAWSER_ERR_INVALID);
    assert_int_equal(value, 77);
    assert_int_equal(hawser_get_option(p.host, p.tcp, HAWSER_OPTION_NODELAY, NULL),
                     HAWSER_ERR_INVALID);
    /* What only a listener has. */
    const enum hawser_option backlog = HAWSER_OPTION_BACKLOG;
    assert_int_equal(hawser_set_option(p.host, p.tcp, backlog, 1), HAWSER_ERR_NO_OPTION);
    assert_int_equal(hawser_get_option(p.host, p.tcp, backlog, &value), HAWSER_ERR_NO_OPTION);
    assert_int_equal(hawser_set_option(p.host, p.listener, backlog, 0), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_set_option(p.host, p.listener, backlog, 9), 0);
    assert_int_equal(get(&p, p.listener, backlog), 9);
    /* The MSS has been announced. */
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_MAX_SEGMENT_BYTES, 500),
                     HAWSER_ERR_NO_OPTION);
    assert_int_equal(get(&p, p.tcp, HAWSER_OPTION_MAX_SEGMENT_BYTES), 0);
    peer_end(&p);
}

static void a_listener_passes_its_options_on(void **state)
{
    (void)state;
    static const struct {
        enum hawser_option option;
        uint64_t value;
    } rows[] = {
        {HAWSER_OPTION_NODELAY, 1},
        {HAWSER_OPTION_KEEPALIVE, 1},
        {HAWSER_OPTION_KEEPALIVE_IDLE_NS, 77 * NS_PER_S},
        {HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, 7 * NS_PER_S},
        {HAWSER_OPTION_KEEPALIVE_PROBES, 3},
        {HAWSER_OPTION_USER_TIMEOUT_NS, 33 * NS_PER_S},
        {HAWSER_OPTION_HOP_LIMIT, 9},
        {HAWSER_OPTION_TRAFFIC_CLASS, 184},
        {HAWSER_OPTION_SEND_BUFFER_BYTES, 5000},
        {HAWSER_OPTION_RECEIVE_BUFFER_BYTES, 6000},
        {HAWSER_OPTION_MAX_SEGMENT_BYTES, 600},
        {HAWSER_OPTION_LINGER_RESET, 1},
    };
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct peer p;
        peer_start(&p, v6, NULL);
        peer_listen(&p, 4);
        for (unsigned i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(hawser_set_option(p.host, p.listener, rows[i].option, rows[i].value),
                             0);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        const struct peer_segment *answer = peer_out(&p, S | A, 0, 1, 0);
        assert_int_equal(answer->seg.mss, 600);
        assert_int_equal(answer->seg.wnd, 6000);
        assert_int_equal(answer->hop_limit, 9);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        for (unsigned i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(get(&p, p.tcp, rows[i].option), rows[i].value);
        /* From now on each for itself. */
        assert_int_equal(hawser_set_option(p.host, p.listener, HAWSER_OPTION_HOP_LIMIT, 11), 0);
        assert_int_equal(get(&p, p.tcp, HAWSER_OPTION_HOP_LIMIT), 9);
        assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_HOP_LIMIT, 12), 0);
        assert_int_equal(get(&p, p.listener, HAWSER_OPTION_HOP_LIMIT), 11);
        static const uint8_t text[5001];
        assert_int_equal(hawser_send(p.host, p.tcp, text, sizeof text, 0), 5000);
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(peer_next(&p)->seg.text_len, 600);
        peer_drop_out(&p);
        peer_in(&p, A, 1, 5001, 0);
        peer_drop_out(&p);
        assert_int_equal(peer_pass_until_out(&p, 100 * NS_PER_S), 77 * NS_PER_S);
        peer_next(&p);
        assert_int_equal(hawser_close(p.host, p.tcp), 0); /* which is an abort here */
        assert_int_equal(peer_next(&p)->seg.flags, R | A);
        peer_end(&p);
    }
}

/* Said before the SYN left: announced, and not exceeded. */
static void the_mss_of_an_open(void **state)
{
    (void)state;
    static const uint16_t values[] = {88, 600, 1460, 65495};
    for (unsigned i = 0; i < COUNT_OF(values); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        struct hawser_open_options open = {.remote = {p.peer_address, p.peer_port}};
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
        const enum hawser_option mss = HAWSER_OPTION_MAX_SEGMENT_BYTES;
        assert_int_equal(hawser_set_option(p.host, p.tcp, mss, values[i]), 0);
        const struct peer_segment *syn = peer_next(&p);
        uint32_t want = values[i] < MSS ? values[i] : MSS; /* never more than the link takes */
        assert_int_equal(syn->seg.mss, want);
        assert_int_equal(hawser_set_option(p.host, p.tcp, mss, 500), HAWSER_ERR_NO_OPTION);
        p.host_port = syn->seg.src_port;
        struct segment answer = peer_syn_options(&p, PEER_MSS);
        answer.flags = S | A;
        answer.ack = seq_add(p.host_isn, 1);
        peer_inject(&p, &answer);
        peer_drop_out(&p);
        peer_write(&p, 2 * MSS);
        peer_out(&p, A, 1, 1, want);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-SHLD-14 */
static void a_smaller_receive_buffer_takes_no_window_back(void **state)
{
    (void)state;
    struct peer p;
    const enum hawser_option buffer = HAWSER_OPTION_RECEIVE_BUFFER_BYTES;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_set_option(p.host, p.tcp, buffer, 4000), 0);
    uint32_t edge = 1 + 65535; /* promised with the SYN-ACK */
    for (uint32_t seq = 1; seq < edge; seq += 1000) {
        uint32_t n = edge - seq < 1000 ? edge - seq : 1000;
        peer_in(&p, P | A, seq, 1, n);
        peer_pass(&p, 100 * NS_PER_MS);
        assert_int_equal(peer_out(&p, A, 1, seq + n, 0)->seg.wnd, edge - seq - n);
    }
    peer_read(&p, 65535);
    assert_int_equal(peer_out(&p, A, 1, edge, 0)->seg.wnd, 4000);
    peer_end(&p);
}

static void acknowledging_at_once_and_cork(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_in(&p, P | A, 1, 1, 10);
    peer_quiet(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_QUICK_ACK, 1), 0);
    peer_out(&p, A, 1, 11, 0); /* the one that waited */
    peer_in(&p, P | A, 11, 1, 10);
    peer_out(&p, A, 1, 21, 0);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_QUICK_ACK, 0), 0);
    peer_in(&p, P | A, 21, 1, 10);
    peer_quiet(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_CORK, 1), 0);
    peer_write(&p, 10);
    peer_quiet(&p);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_CORK, 0), 0);
    peer_out(&p, P | A, 1, 31, 10);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(options_that_do_not_exist),
        cmocka_unit_test(a_listener_passes_its_options_on),
        cmocka_unit_test(the_mss_of_an_open),
        cmocka_unit_test(a_smaller_receive_buffer_takes_no_window_back),
        cmocka_unit_test(acknowledging_at_once_and_cork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
