/* SPDX-License-Identifier: MIT */
/* What the door has for BSD sockets: a read side that is shut, repetitions of the SYN, buffers
 * before the SYN, looking ahead, and who uses a port. */
#include "scenario/peer.h"

/* Once FIN is queued, text for a program that does not read is answered by RST, as after close. */
static void text_for_a_read_side_that_is_shut(void **state)
{
    (void)state;
    for (unsigned shut = 0; shut < 2; shut++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_READ_SHUT, shut), 0);
        peer_in(&p, P | A, 1, 1, 10); /* still taken: the peer may not know yet */
        peer_pass(&p, NS_PER_S);
        peer_out(&p, A, 1, 11, 0);
        assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
        peer_out(&p, F | A, 1, 11, 0);
        peer_in(&p, A, 11, 2, 0);
        assert_int_equal(peer_state(&p), HAWSER_FIN_WAIT_2);
        peer_in(&p, P | A, 11, 2, 5);
        peer_pass(&p, NS_PER_S);
        if (shut) {
            assert_int_equal(peer_next(&p)->seg.flags & R, R);
            assert_int_equal(peer_info(&p).error, HAWSER_ERR_ABORTED);
            peer_read(&p, 10); /* what came before it stays */
        } else {
            peer_out(&p, A, 2, 16, 0);
            peer_read(&p, 15);
            peer_drop_out(&p);
        }
        peer_end(&p);
    }
}

/* FIN without text is no text. */
static void a_fin_for_a_read_side_that_is_shut(void **state)
{
    struct peer p;
    (void)state;
    peer_start(&p, true, NULL);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_READ_SHUT, 1), 0);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), 0);
    peer_out(&p, F | A, 1, 1, 0);
    peer_in(&p, F | A, 1, 2, 0);
    peer_out(&p, A, 2, 2, 0);
    assert_int_equal(peer_tuple_state(&p), HAWSER_TIME_WAIT);
    peer_end(&p);
}

static void syn_retries_of_one_connection(void **state)
{
    static const unsigned rows[] = {1, 2, 4};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_open(&p);
        assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_SYN_RETRIES, rows[i]), 0);
        peer_pass(&p, 100 * NS_PER_S);
        assert_int_equal(peer_pending(&p), 1 + rows[i]);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_TIMED_OUT);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* The window scale that is offered follows a buffer that was set before. */
static void a_buffer_before_the_syn(void **state)
{
    static const struct {
        uint32_t bytes;
        uint8_t wscale;
        uint16_t wnd;
    } rows[] = {{2048, 0, 2048}, {65535, 0, 65535}, {65536, 1, 65535}, {1 << 20, 5, 65535}};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        struct hawser_open_options open = {.remote = {p.peer_address, p.peer_port}};
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
        assert_int_equal(
            hawser_set_option(p.host, p.tcp, HAWSER_OPTION_RECEIVE_BUFFER_BYTES, rows[i].bytes), 0);
        const struct peer_segment *syn = peer_next(&p);
        assert_int_equal(syn->seg.flags, S);
        assert_int_equal(syn->seg.wscale, rows[i].wscale);
        assert_int_equal(syn->seg.wnd, rows[i].wnd);
        peer_end(&p);
    }
}

static void looking_ahead(void **state)
{
    uint8_t out[32];
    struct peer p;
    (void)state;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_peek_at(p.host, p.tcp, 0, out, sizeof out), 0);
    struct segment urgent = {.flags = U | A, .text_len = 10, .up = 4};
    urgent.seq = seq_add(p.peer_isn, 1);
    urgent.ack = seq_add(p.host_isn, 1);
    urgent.wnd = 65535;
    peer_inject(&p, &urgent);
    for (uint32_t offset = 0; offset < 12; offset++) { /* over the mark, and up to the end */
        int64_t there = offset < 10 ? 10 - offset : 0;
        assert_int_equal(hawser_peek_at(p.host, p.tcp, offset, out, sizeof out), there);
        for (int64_t i = 0; i < there; i++)
            assert_int_equal(out[i], peer_octet(1 + offset + (uint32_t)i));
    }
    assert_int_equal(hawser_peek_at(p.host, p.tcp, 2, out, 3), 3);
    assert_int_equal(hawser_peek_at(p.host, p.tcp, 0, NULL, 3), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_peek_at(p.host, p.listener, 0, out, 3), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_peek_at(p.host, 77, 0, out, 3), HAWSER_ERR_NO_CONNECTION);
    peer_read(&p, 3); /* nothing was consumed: the octets before the mark */
    assert_false(peer_info(&p).fin_received);
    peer_drop_out(&p);
    peer_in(&p, F | A, 11, 1, 0);
    assert_true(peer_info(&p).fin_received);
    peer_drop_out(&p);
    peer_end(&p);
}

static void who_uses_a_port(void **state)
{
    struct peer p;
    struct hawser_address nobodys;
    (void)state;
    peer_start(&p, false, NULL);
    const struct hawser_endpoint own = {p.host_address, PEER_HOST_PORT};
    const struct hawser_endpoint any = {.port = PEER_HOST_PORT};
    peer_listen(&p, 4);
    assert_int_equal(hawser_port_users(p.host, p.now_ns, &own, false), 0); /* not listeners */
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_drop_out(&p);
    peer_in(&p, A, 1, 1, 0);
    assert_int_equal(hawser_port_users(p.host, p.now_ns, &own, false), 1);
    assert_int_equal(hawser_port_users(p.host, p.now_ns, &any, false), 1);
    assert_int_equal(hawser_port_users(p.host, p.now_ns, &any, true), 0);
    assert_true(hawser_address_is_local(p.host, &p.host_address));
    assert_false(hawser_address_is_local(p.host, &p.peer_address));
    assert_int_equal(hawser_address_scan("0.0.0.0", &nobodys), 0);
    assert_false(hawser_address_is_local(p.host, &nobodys));
    for (unsigned i = 0; i < 50; i++) {
        uint16_t port = hawser_port_choose(p.host, p.now_ns, &p.host_address, false);
        assert_true(port >= p.config.port_first && port <= p.config.port_last);
    }
    peer_drop_out(&p);
    peer_end(&p);
}

static void two_ports(struct hawser_config *config)
{
    config->port_first = PEER_HOST_PORT;
    config->port_last = PEER_HOST_PORT + 1;
}

static void a_chosen_port_is_nobodys(void **state)
{
    struct peer p;
    (void)state;
    peer_start(&p, false, two_ports);
    peer_listen(&p, 4);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(hawser_port_choose(p.host, p.now_ns, &p.host_address, false),
                         PEER_HOST_PORT + 1);
    struct hawser_open_options open = {.local = {p.host_address, PEER_HOST_PORT + 1},
                                       .remote = {p.peer_address, p.peer_port}};
    assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
    assert_int_equal(hawser_port_choose(p.host, p.now_ns, &p.host_address, false), 0);
    peer_drop_out(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_for_a_read_side_that_is_shut),
        cmocka_unit_test(a_fin_for_a_read_side_that_is_shut),
        cmocka_unit_test(syn_retries_of_one_connection),
        cmocka_unit_test(a_buffer_before_the_syn),
        cmocka_unit_test(looking_ahead),
        cmocka_unit_test(who_uses_a_port),
        cmocka_unit_test(a_chosen_port_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
