/* SPDX-License-Identifier: MIT */
/* Handles, events and zero-copy reading: the promises of tcp.h that are no RFC's (events.c, conn.c,
 * ring.c through the door). */
#include "scenario/peer.h"

#include <stdlib.h>

/* ---- handles --------------------------------------------------------------------------------- */

/* Every call that takes a handle says that this one names nothing. */
static void check_refused(struct peer *p, hawser_tcp tcp)
{
    struct hawser_host *host = p->host;
    struct hawser_span spans[2];
    struct hawser_tcp_info info;
    hawser_tcp out;
    uint64_t value = 77;
    char octet;
    const int none = HAWSER_ERR_NO_CONNECTION;
    assert_int_equal(hawser_accept(host, tcp, &out), none);
    assert_int_equal(hawser_send(host, tcp, "x", 1, 0), none);
    assert_int_equal(hawser_receive(host, tcp, &octet, 1), none);
    assert_int_equal(hawser_peek(host, tcp, spans), none);
    assert_int_equal(hawser_consume(host, tcp, 0), none);
    assert_int_equal(hawser_shutdown(host, tcp), none);
    assert_int_equal(hawser_close(host, tcp), none);
    assert_int_equal(hawser_abort(host, tcp), none);
    assert_int_equal(hawser_status(host, p->now_ns, tcp, &info), none);
    assert_int_equal(hawser_set_option(host, tcp, HAWSER_OPTION_NODELAY, 1), none);
    assert_int_equal(hawser_get_option(host, tcp, HAWSER_OPTION_NODELAY, &value), none);
    assert_int_equal(hawser_set_user(host, tcp, p), none);
    assert_int_equal(hawser_take_soft_error(host, tcp), none);
    assert_int_equal(value, 77);
}

static void what_names_nothing_is_refused(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    check_refused(&p, 0);
    check_refused(&p, UINT64_MAX);
    peer_accept(&p, PEER_MSS);
    const hawser_tcp live[] = {p.tcp, p.listener};
    for (unsigned i = 0; i < COUNT_OF(live); i++) {
        for (unsigned bit = 0; bit < 64; bit++)
            check_refused(&p, live[i] ^ (UINT64_C(1) << bit));
        check_refused(&p, live[i] & UINT32_MAX);
        check_refused(&p, live[i] | UINT32_MAX);
    }
    uint64_t seed = 1;
    for (int i = 0; i < 10000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t near = (seed & 7) << 32 | seed >> 61 | (seed & 8) << 28;
        check_refused(&p, seed ^ seed >> 33);
        if (near != live[0] && near != live[1])
            check_refused(&p, near);
    }
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED); /* none of it had an effect */
    peer_quiet(&p);
    peer_end(&p);
}

/* Nobody has accepted it yet: it has no handle, and none that could be guessed. */
static void what_waits_to_be_accepted_has_no_handle(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    peer_in(&p, A, 1, 1, 0);
    for (uint64_t generation = 0; generation < 8; generation++) {
        if (generation << 32 != (p.listener & ~(uint64_t)UINT32_MAX))
            check_refused(&p, generation << 32);
    }
    assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_end(&p);
}

static int compare(const void *a, const void *b)
{
    hawser_tcp x = *(const hawser_tcp *)a, y = *(const hawser_tcp *)b;
    return (x > y) - (x < y);
}

static void no_handle_is_ever_given_twice(void **state)
{
    (void)state;
    enum { LIVES = 1000 };
    static hawser_tcp seen[3 * LIVES];
    struct peer p;
    hawser_tcp keep;
    peer_start(&p, false, NULL);
    struct hawser_open_options open = {.remote = {p.peer_address, p.peer_port}};
    struct hawser_listen_options listen = {.local.port = 81, .backlog = 1};
    assert_int_equal(hawser_open(p.host, p.now_ns, &open, &keep), 0);
    for (unsigned i = 0; i < LIVES; i++) {
        hawser_tcp *at = &seen[3 * i];
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &at[0]), 0);
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &at[1]), 0);
        assert_int_equal(hawser_listen(p.host, p.now_ns, &listen, &at[2]), 0);
        assert_int_equal(hawser_abort(p.host, at[i & 1]), 0); /* slots come back in both orders */
        assert_int_equal(hawser_close(p.host, at[1 - (i & 1)]), 0);
        assert_int_equal(hawser_close(p.host, at[2]), 0);
        for (unsigned k = 0; k < 3; k++)
            check_refused(&p, at[k]);
    }
    for (unsigned i = 0; i < COUNT_OF(seen); i++)
        assert_int_equal(hawser_close(p.host, seen[i]), HAWSER_ERR_NO_CONNECTION);
    qsort(seen, COUNT_OF(seen), sizeof seen[0], compare);
    for (unsigned i = 1; i < COUNT_OF(seen); i++)
        assert_true(seen[i] != seen[i - 1]);
    assert_true(seen[0] != 0);
    p.tcp = keep;
    assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
    peer_drop_out(&p);
    peer_end(&p);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* The next event must be this one, of this handle. */
static void check_event(struct peer *p, hawser_tcp tcp, uint32_t events, void *user)
{
    struct hawser_event event = {0};
    assert_int_equal(hawser_events(p->host, &event, 1), 1);
    assert_int_equal(event.tcp, tcp);
    assert_int_equal(event.events, events);
    assert_ptr_equal(event.user, user);
}

static void check_no_event(struct peer *p)
{
    struct hawser_event event;
    assert_int_equal(hawser_events(p->host, &event, 1), 0);
}

static void events_are_told_once_and_together(void **state)
{
    (void)state;
    struct peer p;
    int user;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    check_no_event(&p);
    assert_int_equal(hawser_set_user(p.host, p.tcp, &user), 0);
    for (uint32_t i = 0; i < 10; i++)
        peer_in(&p, P | A, 1 + i * 10, 1, 10);
    check_event(&p, p.tcp, HAWSER_EVENT_READABLE, &user); /* one for ten */
    check_no_event(&p);
    peer_pass(&p, NS_PER_S);
    check_no_event(&p); /* an edge: unread text alone is no news */
    peer_in(&p, A, 201, 1, 10);
    check_no_event(&p); /* nor is what cannot be read */
    peer_in(&p, A, 101, 1, 100);
    peer_write(&p, 10);
    peer_in(&p, F | A, 211, 11, 0);
    check_event(&p, p.tcp, HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED | HAWSER_EVENT_SENT,
                &user);
    check_no_event(&p);
    peer_in(&p, F | A, 211, 11, 0);
    check_no_event(&p);
    peer_in(&p, R, 212, 0, 0);
    check_event(&p, p.tcp, HAWSER_EVENT_ERROR, &user);
    peer_in(&p, R, 212, 0, 0);
    check_no_event(&p);
    peer_drop_out(&p);
    peer_end(&p);
}

static void events_come_oldest_first(void **state)
{
    (void)state;
    static const unsigned order[] = {2, 0, 3, 1, 2, 0};
    struct peer p;
    hawser_tcp tcp[4];
    peer_start(&p, false, NULL);
    for (unsigned i = 0; i < COUNT_OF(tcp); i++) {
        p.peer_port = (uint16_t)(PEER_PORT + i);
        peer_accept(&p, PEER_MSS);
        tcp[i] = p.tcp;
    }
    for (unsigned i = 0; i < COUNT_OF(order); i++) {
        p.peer_port = (uint16_t)(PEER_PORT + order[i]);
        struct segment text = {.flags = P | A, .text_len = 10, .wnd = 100};
        text.seq = seq_add(p.peer_isn, i < 4 ? 1 : 11);
        struct hawser_tcp_info info;
        assert_int_equal(hawser_status(p.host, p.now_ns, tcp[order[i]], &info), 0);
        text.ack = seq_of(info.snd_nxt);
        peer_inject(&p, &text);
    }
    struct hawser_event events[COUNT_OF(tcp)];
    assert_int_equal(hawser_events(p.host, events, 0), 0);
    assert_int_equal(hawser_events(p.host, events, 1), 1);
    assert_int_equal(hawser_events(p.host, events + 1, 3), 3);
    for (unsigned i = 0; i < COUNT_OF(events); i++)
        assert_int_equal(events[i].tcp, tcp[order[i]]);
    check_no_event(&p);
    peer_drop_out(&p);
    peer_end(&p);
}

static void events_of_opening(void **state)
{
    (void)state;
    struct peer p;
    int mine, listeners;
    hawser_tcp tcp[2];
    peer_start(&p, false, NULL);
    struct hawser_listen_options listen = {.local.port = 80, .backlog = 4, .user = &listeners};
    assert_int_equal(hawser_listen(p.host, p.now_ns, &listen, &p.listener), 0);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    for (unsigned i = 0; i < 2; i++) {
        p.peer_port++;
        peer_inject(&p, &syn);
        if (i == 0)
            check_no_event(&p); /* a SYN is nothing yet */
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, i == 0 ? 10 : 0);
    }
    check_event(&p, p.listener, HAWSER_EVENT_ACCEPTABLE, &listeners); /* one for both */
    check_no_event(&p);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hawser_accept(p.host, p.listener, &tcp[i]), 0);
    check_event(&p, tcp[0], HAWSER_EVENT_READABLE, NULL); /* that it is open, accept has said */
    check_no_event(&p);
    peer_drop_out(&p);
    struct hawser_open_options open = {.remote = {p.peer_address, 7}, .user = &mine};
    assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
    check_no_event(&p);
    const struct peer_segment *asked = peer_next(&p);
    p.host_port = asked->seg.src_port;
    p.peer_port = 7;
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_add(asked->seg.seq, 1);
    peer_inject(&p, &answer);
    check_event(&p, p.tcp, HAWSER_EVENT_CONNECTED | HAWSER_EVENT_WRITABLE, &mine);
    check_no_event(&p);
    peer_drop_out(&p);
    peer_end(&p);
}

/* What happened to a handle that is gone is told to nobody, least of all to the slot's next
 * owner. */
static void events_end_with_the_handle(void **state)
{
    (void)state;
    static int (*const calls[])(struct hawser_host *, hawser_tcp) = {hawser_close, hawser_abort};
    for (unsigned i = 0; i < 2 * COUNT_OF(calls); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        hawser_tcp old = p.tcp;
        peer_in(&p, P | A, 1, 1, 10); /* there is an event now */
        if (i & 1)
            peer_in(&p, R, 11, 0, 0);
        assert_int_equal(calls[i / 2](p.host, old), 0);
        peer_drop_out(&p);
        check_no_event(&p);
        struct hawser_open_options open = {.remote = {p.peer_address, 7}};
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
        assert_int_equal((uint32_t)p.tcp, (uint32_t)old); /* the same slot */
        check_no_event(&p);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        check_event(&p, p.tcp, HAWSER_EVENT_ERROR, NULL);
        check_no_event(&p);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* ---- zero-copy ------------------------------------------------------------------------------- */

static void check_span(const struct hawser_span *span, uint32_t relative)
{
    for (uint32_t i = 0; i < span->length; i++)
        assert_int_equal(span->data[i], peer_octet(relative + i));
}

/* Text in the peer's stream, from `seq` on, in segments that fit. */
static void stream_in(struct peer *p, uint32_t seq, uint32_t n)
{
    while (n > 0) {
        uint32_t len = n < 1400 ? n : 1400;
        peer_in(p, A, seq, 1, len);
        seq += len;
        n -= len;
    }
    peer_drop_out(p);
}

static void two_spans_where_the_ring_comes_round(void **state)
{
    (void)state;
    struct peer p;
    struct hawser_span spans[2];
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    stream_in(&p, 1, 3000); /* 4096 octets are reserved for them */
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 3000);
    assert_int_equal(spans[0].length, 3000);
    assert_int_equal(spans[1].length, 0);
    assert_null(spans[1].data);
    assert_int_equal(hawser_consume(p.host, p.tcp, 2000), 0);
    stream_in(&p, 3001, 2500);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 3500);
    assert_int_equal(spans[0].length, 4096 - 2000);
    assert_int_equal(spans[1].length, 3500 - (4096 - 2000));
    check_span(&spans[0], 2001);
    check_span(&spans[1], 2001 + 4096 - 2000);
    struct hawser_span again[2];
    assert_int_equal(hawser_peek(p.host, p.tcp, again), 3500); /* looking changes nothing */
    assert_memory_equal(spans, again, sizeof spans);
    assert_int_equal(hawser_consume(p.host, p.tcp, 4096 - 2000 + 4), 0); /* over the seam */
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 1400);
    assert_int_equal(spans[1].length, 0);
    check_span(&spans[0], 4101);
    peer_end(&p);
}

static void any_mixture_of_reading(void **state)
{
    (void)state;
    struct peer p;
    struct hawser_span spans[2];
    uint32_t seed = 7, in = 0, out = 0, seams = 0;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t n = (seed >> 8) % 3000;
        if (in - out + n <= 30000) {
            stream_in(&p, 1 + in, n);
            in += n;
        }
        seed = seed * 1664525 + 1013904223;
        uint32_t take = (seed >> 8) % 3000;
        take = take < in - out ? take : in - out;
        int64_t there = hawser_peek(p.host, p.tcp, spans);
        assert_int_equal(there, in == out ? HAWSER_ERR_AGAIN : (int64_t)(in - out));
        check_span(&spans[0], 1 + out);
        check_span(&spans[1], 1 + out + (uint32_t)spans[0].length);
        seams += spans[1].length > 0;
        if (seed & 128) {
            assert_int_equal(hawser_consume(p.host, p.tcp, take), 0);
        } else {
            p.read = out;
            peer_read(&p, take);
        }
        out += take;
        peer_drop_out(&p);
    }
    assert_true(out > 1000000);
    assert_true(seams > 100);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_names_nothing_is_refused),
        cmocka_unit_test(what_waits_to_be_accepted_has_no_handle),
        cmocka_unit_test(no_handle_is_ever_given_twice),
        cmocka_unit_test(events_are_told_once_and_together),
        cmocka_unit_test(events_come_oldest_first),
        cmocka_unit_test(events_of_opening),
        cmocka_unit_test(events_end_with_the_handle),
        cmocka_unit_test(two_spans_where_the_ring_comes_round),
        cmocka_unit_test(any_mixture_of_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
