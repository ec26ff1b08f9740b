/* SPDX-License-Identifier: MIT */
/* One end has forgotten, the other has not (RFC 9293 Figures 9 and 10, RFC 5961); and what
 * listeners make of more than one peer. */
#include "scenario/peer.h"

static const bool families[] = {false, true};

/* The peer has crashed and opens the same connection anew; the host lives on.
 * EVIDENCE 9293-3.5-6 5961-06 9293-3.10.7.4d-2 */
static void the_peer_has_rebooted(void **state)
{
    (void)state;
    static const uint32_t offsets[] = {0, 1000, 0x80000000u,
                                       0xfffff000u}; /* in the window, or not */
    for (unsigned i = 0; i < 2 * COUNT_OF(offsets); i++) {
        struct peer p;
        peer_start(&p, families[i % 2], NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 100);
        peer_drop_out(&p);
        peer_in(&p, A, 1, 101, 0);
        hawser_tcp old = p.tcp;
        seq_t old_nxt = seq_add(p.host_isn, 101), old_rcv = seq_add(p.peer_isn, 1);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        syn.seq = seq_add(old_rcv, offsets[i / 2]);
        peer_inject(&p, &syn);
        const struct peer_segment *ack = peer_next(&p);
        assert_int_equal(ack->seg.flags, A); /* line 3: the ACK of the old connection */
        assert_int_equal(ack->seg.seq.v, old_nxt.v);
        assert_int_equal(ack->seg.ack.v, old_rcv.v);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_quiet(&p);
        struct segment reset = {.flags = R, .seq = ack->seg.ack}; /* line 4 */
        peer_inject(&p, &reset);
        peer_quiet(&p);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
        p.peer_isn = syn.seq;
        peer_accept(&p, PEER_MSS); /* the SYN again, a second later */
        assert_true(p.tcp != old);
        peer_write(&p, 5);
        peer_out(&p, P | A, 1, 1, 5);
        peer_end(&p);
    }
}

/* The host has crashed and opens anew; the peer lives on and answers with what it remembers.
 * EVIDENCE 9293-3.5-6 9293-3.10.7.3-1 */
static void the_host_has_rebooted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_open(&p);
        peer_out(&p, S, 0, 0, 0);
        struct segment old = {.flags = A, .seq = seq_of(300), .ack = seq_sub(p.host_isn, 5000)};
        peer_inject(&p, &old);
        peer_out_rst(&p, R, old.ack, seq_of(0));
        assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
        peer_quiet(&p);
        assert_int_equal(peer_pass_until_out(&p, 10 * NS_PER_S), NS_PER_S);
        peer_out(&p, S, 0, 0, 0); /* again, and now there is nothing in its way */
        struct segment answer = peer_syn_options(&p, PEER_MSS);
        answer.flags = S | A;
        answer.ack = seq_add(p.host_isn, 1);
        peer_inject(&p, &answer);
        peer_out(&p, A, 1, 1, 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_end(&p);
    }
}

/* Figure 10, with the host as the end that has forgotten, and as the one that has not.
 * EVIDENCE 9293-3.5-7 */
static void text_finds_the_other_end_gone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        if (i == 1)
            peer_listen(&p, 4); /* a listener knows it no better than a closed port */
        struct segment text = {.flags = P | A, .seq = seq_of(300), .ack = seq_of(100)};
        text.text_len = 10;
        peer_inject(&p, &text);
        peer_out_rst(&p, R, text.ack, seq_of(0));
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 10);
        peer_out(&p, P | A, 1, 1, 10);
        struct segment reset = {.flags = R, .seq = seq_add(p.peer_isn, 1)}; /* SEQ = our SEG.ACK */
        peer_events(&p, p.tcp);
        peer_inject(&p, &reset);
        assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_ERROR);
        assert_int_equal(peer_info(&p).error, HAWSER_ERR_RESET);
        assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_RESET);
        peer_read_gives(&p, HAWSER_ERR_RESET);
        peer_end(&p);
    }
}

/* Our ACK of its SYN-ACK was lost.
 * EVIDENCE 9293-3.10.7.4d-4 */
static void the_syn_ack_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_connect(&p, PEER_ALL);
        struct segment again = peer_syn_options(&p, PEER_ALL);
        again.flags = S | A;
        again.ack = seq_add(p.host_isn, 1);
        again.ts_ecr = p.ts_ecr;
        peer_inject(&p, &again);
        peer_out(&p, A, 1, 1, 0);
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_write(&p, 5);
        peer_out(&p, P | A, 1, 1, 5);
        peer_end(&p);
    }
}

/* EVIDENCE 5961-09 */
static void challenge_acks_have_a_limit(void **state)
{
    (void)state;
    static const uint8_t flags[] = {R, S, R | A, S | A};
    for (unsigned i = 0; i < COUNT_OF(flags); i++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        for (uint32_t round = 1; round <= 3; round++) {
            for (uint32_t k = 0; k < 1000; k++) { /* 1000 in a second */
                peer_in(&p, flags[i], 2 + k, 1, 0);
                peer_pass(&p, NS_PER_MS);
            }
            assert_int_equal(peer_pending(&p), 10);
            while (peer_pending(&p) > 0)
                peer_out(&p, A, 1, 1, 0);
            assert_int_equal(hawser_counters_of(p.host)->challenge_acks, 10 * round);
            assert_int_equal(hawser_counters_of(p.host)->challenge_acks_limited, 990 * round);
            peer_pass(&p, 4 * NS_PER_S);
        }
        assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        peer_end(&p);
    }
}

/* The limit is each connection's own: another's attacker learns and spends nothing.
 * EVIDENCE 5961-09 */
static void one_limit_for_each_connection(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    for (uint32_t k = 0; k < 50; k++)
        peer_in(&p, R, 2 + k, 0, 0);
    peer_drop_out(&p);
    p.peer_port++;
    peer_accept(&p, PEER_MSS);
    peer_in(&p, R, 2, 0, 0);
    peer_out(&p, A, 1, 1, 0);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.2-6 */
static void two_peers_two_connections(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp tcp[2];
    struct hawser_tcp_info info[2];
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    struct hawser_address other;
    assert_int_equal(hawser_address_scan("198.18.0.10", &other), 0);
    const struct hawser_address addresses[] = {p.peer_address, other};
    uint32_t isn[2];
    for (unsigned i = 0; i < 2; i++) { /* the same port, the same numbers */
        p.peer_address = addresses[i];
        peer_inject(&p, &syn);
        isn[i] = peer_out(&p, S | A, 0, 1, 0)->seg.seq.v;
    }
    for (unsigned i = 2; i > 0; i--) {
        p.peer_address = addresses[i - 1];
        p.host_isn = seq_of(isn[i - 1]);
        peer_in(&p, A, 1, 1, 0);
    }
    for (unsigned i = 0; i < 2; i++) { /* in the order in which they completed */
        assert_int_equal(hawser_accept(p.host, p.listener, &tcp[i]), 0);
        assert_int_equal(hawser_status(p.host, p.now_ns, tcp[i], &info[i]), 0);
        assert_memory_equal(&info[i].remote.address, &addresses[1 - i], 16);
        assert_int_equal(info[i].remote.port, PEER_PORT);
        assert_int_equal(info[i].iss, isn[1 - i]);
    }
    p.peer_address = addresses[0];
    p.host_isn = seq_of(isn[0]);
    peer_in(&p, P | A, 1, 1, 10);
    p.tcp = tcp[0];
    peer_read_gives(&p, HAWSER_ERR_AGAIN); /* not the other's text */
    p.tcp = tcp[1];
    peer_read(&p, 10);
    p.peer_port++; /* and the listener listens on */
    peer_accept(&p, PEER_MSS);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 1122-12 */
static void the_address_that_was_called_answers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        struct hawser_address second;
        peer_start(&p, families[i], NULL);
        assert_int_equal(hawser_address_scan(families[i] ? "2001:db8::2" : "198.18.0.2", &second),
                         0);
        p.host_address = second;
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn); /* nobody listens yet */
        assert_memory_equal(&peer_next(&p)->src, &second, 16);
        peer_listen(&p, 1);
        peer_inject(&p, &syn);
        assert_memory_equal(&peer_out(&p, S | A, 0, 1, 0)->src, &second, 16);
        peer_in(&p, A, 1, 1, 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        peer_write(&p, 10);
        assert_memory_equal(&peer_out(&p, P | A, 1, 1, 10)->src, &second, 16);
        struct hawser_tcp_info info = peer_info(&p);
        assert_memory_equal(&info.local.address, &second, 16);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-3.5-9 */
static void text_on_a_syn_is_delivered_once_and_not_before(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp early;
    peer_start(&p, false, NULL);
    peer_listen(&p, 4);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    syn.text_len = 20;
    peer_inject(&p, &syn);
    const struct peer_segment *answer = peer_next(&p);
    assert_int_equal(answer->seg.flags, S | A);
    assert_int_equal(answer->seg.ack.v, p.peer_isn.v + 1); /* the SYN alone: say the text again */
    assert_int_equal(hawser_accept(p.host, p.listener, &early), HAWSER_ERR_AGAIN);
    peer_inject(&p, &syn);
    assert_int_equal(hawser_accept(p.host, p.listener, &early), HAWSER_ERR_AGAIN);
    peer_drop_out(&p);
    peer_in(&p, A, 1, 1, 0);
    assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
    peer_read_gives(&p, HAWSER_ERR_AGAIN);
    peer_in(&p, P | A, 1, 1, 20);
    peer_in(&p, P | A, 1, 1, 20);
    peer_read(&p, 20);
    peer_read_gives(&p, HAWSER_ERR_AGAIN);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 4987-08 */
static void a_full_accept_queue(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp tcp[3];
    uint32_t isn[3];
    peer_start(&p, false, NULL);
    peer_listen(&p, 2);
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    for (uint16_t i = 0; i < 2; i++) { /* two are half open when there is room for both */
        p.peer_port = (uint16_t)(PEER_PORT + i);
        peer_inject(&p, &syn);
        isn[i] = peer_out(&p, S | A, 0, 1, 0)->seg.seq.v;
        peer_in(&p, A, 1, 1, 0);
    }
    p.peer_port = PEER_PORT + 2;
    peer_inject(&p, &syn); /* full: the SYN is dropped, without a word */
    peer_quiet(&p);
    assert_int_equal(hawser_counters_of(p.host)->accept_overflow, 1);
    assert_int_equal(hawser_accept(p.host, p.listener, &tcp[0]), 0);
    peer_inject(&p, &syn); /* its sender tries again */
    isn[2] = peer_out(&p, S | A, 0, 1, 0)->seg.seq.v;
    peer_in(&p, A, 1, 1, 0);
    peer_quiet(&p);
    for (unsigned i = 1; i < 3; i++)
        assert_int_equal(hawser_accept(p.host, p.listener, &tcp[i]), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct hawser_tcp_info info;
        assert_int_equal(hawser_status(p.host, p.now_ns, tcp[i], &info), 0);
        assert_int_equal(info.state, HAWSER_ESTABLISHED);
        assert_int_equal(info.iss, isn[i]);
        assert_int_equal(info.remote.port, PEER_PORT + i);
    }
    peer_end(&p);
}

/* The last ACK of a handshake finds the queue full: the request waits, and says its SYN-ACK again.
 * EVIDENCE 4987-08 */
static void a_last_ack_that_finds_the_queue_full(void **state)
{
    (void)state;
    for (int with_text = 0; with_text < 2; with_text++) {
        struct peer p;
        struct hawser_usage usage;
        hawser_tcp first;
        peer_start(&p, false, NULL);
        peer_listen(&p, 2);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        p.peer_port = 50000;
        peer_inject(&p, &syn);
        seq_t late_isn = peer_out(&p, S | A, 0, 1, 0)->seg.seq;
        for (uint16_t i = 1; i <= 2; i++) { /* two others overtake it */
            p.peer_port = (uint16_t)(50000 + i);
            peer_inject(&p, &syn);
            peer_out(&p, S | A, 0, 1, 0);
            peer_in(&p, A, 1, 1, 0);
        }
        p.peer_port = 50000;
        p.host_isn = late_isn;
        peer_in(&p, A, 1, 1, with_text ? 10 : 0);
        peer_quiet(&p);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED);
        assert_int_equal(hawser_counters_of(p.host)->accept_overflow, 1);
        assert_int_equal(hawser_accept(p.host, p.listener, &first), 0);
        peer_pass_until_out(&p, 10 * NS_PER_S);
        peer_out(&p, S | A, 0, 1, 0);
        peer_in(&p, A, 1, 1, with_text ? 10 : 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &first), 0);
        assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        if (with_text)
            peer_read(&p, 10);
        hawser_usage_of(p.host, &usage);
        assert_int_equal(usage.connections, 3);
        assert_int_equal(usage.halfopens, 0);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peer_has_rebooted),
        cmocka_unit_test(the_host_has_rebooted),
        cmocka_unit_test(text_finds_the_other_end_gone),
        cmocka_unit_test(the_syn_ack_again),
        cmocka_unit_test(challenge_acks_have_a_limit),
        cmocka_unit_test(one_limit_for_each_connection),
        cmocka_unit_test(two_peers_two_connections),
        cmocka_unit_test(the_address_that_was_called_answers),
        cmocka_unit_test(text_on_a_syn_is_delivered_once_and_not_before),
        cmocka_unit_test(a_full_accept_queue),
        cmocka_unit_test(a_last_ack_that_finds_the_queue_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
