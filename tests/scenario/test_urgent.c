/* SPDX-License-Identifier: MIT */
/* Urgent data both ways: where the pointer points, when the program is told, where reads stop
 * (RFC 9293 3.8.5, 3.10.7.4 sixth). */
#include "scenario/peer.h"

#define MSS 1460u

static void start(struct peer *p)
{
    peer_start(p, false, NULL);
    peer_accept(p, PEER_MSS);
}

/* Text with a mark: up counts from the segment's first number. */
static void in_urgent(struct peer *p, unsigned flags, uint32_t seq, uint32_t len, uint16_t up)
{
    struct segment seg = {.flags = (uint8_t)(flags | A), .seq = seq_add(p->peer_isn, seq)};
    seg.ack = seq_add(p->host_isn, 1 + p->written);
    seg.text_len = len;
    seg.wnd = p->wnd;
    seg.up = up;
    peer_inject(p, &seg);
}

static void write_urgent(struct peer *p, uint32_t n)
{
    uint8_t text[8192];
    assert_true(n <= sizeof text);
    for (uint32_t i = 0; i < n; i++)
        text[i] = peer_octet(1 + p->written + i);
    assert_int_equal(hawser_send(p->host, p->tcp, text, n, HAWSER_SEND_URGENT), n);
    p->written += n;
    peer_pull(p);
}

static bool told(struct peer *p)
{
    return (peer_events(p, p->tcp) & HAWSER_EVENT_URGENT) != 0;
}

/* EVIDENCE 9293-MUST-30 9293-MUST-62 */
static void the_pointer_names_the_octet_behind(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    write_urgent(&p, 5);
    assert_int_equal(peer_out(&p, U | P | A, 1, 1, 5)->seg.up, 5);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_NODELAY, 1), 0);
    peer_write(&p, 7); /* not urgent: begins at the octet that the pointer names */
    peer_out(&p, P | A, 6, 1, 7);
    peer_in(&p, A, 1, 13, 0);
    write_urgent(&p, 3 * MSS); /* every segment before the mark tells how far it is */
    assert_int_equal(peer_out(&p, U | A, 13, 1, MSS)->seg.up, 3 * MSS);
    assert_int_equal(peer_out(&p, U | A, 13 + MSS, 1, MSS)->seg.up, 2 * MSS);
    assert_int_equal(peer_out(&p, U | P | A, 13 + 2 * MSS, 1, MSS)->seg.up, MSS);
    peer_in(&p, A, 1, 13 + 2 * MSS, 0);
    peer_pass_until_out(&p, 10 * NS_PER_S); /* and when it is sent again */
    assert_int_equal(peer_out(&p, U | P | A, 13 + 2 * MSS, 1, MSS)->seg.up, MSS);
    peer_in(&p, A, 1, 13 + 3 * MSS, 0);
    peer_write(&p, 1);
    peer_out(&p, P | A, 13 + 3 * MSS, 1, 1);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-62 */
static void a_mark_that_16_bits_cannot_reach_is_told_later(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    for (int i = 0; i < 20; i++)
        peer_write(&p, 8000);
    write_urgent(&p, 1);
    uint32_t mark = 1 + p.written, marked = 0, acked = 1;
    while (acked < mark) {
        while (peer_pending(&p) > 0) {
            const struct peer_segment *s = peer_next(&p);
            uint32_t at = seq_diff(s->seg.seq, p.host_isn);
            bool reaches = mark - at <= UINT16_MAX;
            if (at > 10 * MSS) { /* those before left before the mark was set */
                assert_int_equal((s->seg.flags & U) != 0, reaches);
                assert_int_equal(s->seg.up, reaches ? mark - at : 0);
                marked += reaches;
            }
            acked = at + s->seg.text_len;
        }
        peer_in(&p, A, 1, acked, 0);
    }
    assert_true(marked > 20);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-32 9293-3.10.7.4f-1 */
static void the_program_is_told_once_for_each_mark(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    in_urgent(&p, U, 1, 0, 100); /* no text at all: it announces what is to come */
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_URGENT);
    assert_true(peer_info(&p).urgent);
    assert_int_equal(peer_info(&p).urgent_bytes, 100);
    in_urgent(&p, U, 1, 0, 100);
    assert_false(told(&p));
    in_urgent(&p, U, 1, 10, 50); /* receding */
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_READABLE);
    in_urgent(&p, U, 11, 10, 90); /* the same place */
    assert_false(told(&p));
    in_urgent(&p, U, 21, 10, 81); /* one octet more */
    assert_true(told(&p));
    assert_int_equal(peer_info(&p).urgent_bytes, 101);
    in_urgent(&p, U, 31, 71, 71);
    assert_false(told(&p));
    peer_read(&p, 101);
    assert_false(peer_info(&p).urgent);
    in_urgent(&p, U, 102, 1, 1); /* the next stretch */
    assert_true(told(&p));
    peer_drop_out(&p);
    peer_end(&p);
}

static int64_t read_some(struct peer *p, uint32_t n)
{
    uint8_t text[4096];
    assert_true(n <= sizeof text);
    int64_t got = hawser_receive(p->host, p->tcp, text, n);
    for (int64_t i = 0; i < got; i++)
        assert_int_equal(text[i], peer_octet(1 + p->read + (uint32_t)i));
    if (got > 0)
        p->read += (uint32_t)got;
    return got;
}

/* EVIDENCE 9293-MUST-33 9293-MUST-30 */
static void reading_stops_at_the_mark(void **state)
{
    (void)state;
    for (uint32_t mark = 1; mark <= 10; mark++) { /* the octet behind the urgent one */
        struct peer p;
        start(&p);
        in_urgent(&p, U, 1, 10, (uint16_t)mark);
        assert_int_equal(peer_info(&p).urgent_bytes, mark);
        if (mark > 1) {
            assert_int_equal(read_some(&p, 100), mark - 1);
            assert_true(peer_info(&p).urgent); /* the urgent octet is the next one */
            assert_int_equal(peer_info(&p).urgent_bytes, 1);
        }
        assert_int_equal(read_some(&p, 1), 1);
        assert_false(peer_info(&p).urgent);
        if (mark < 10)
            assert_int_equal(read_some(&p, 100), 10 - mark);
        assert_int_equal(read_some(&p, 100), HAWSER_ERR_AGAIN);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-33 */
static void peeking_stops_at_the_mark(void **state)
{
    (void)state;
    struct peer p;
    struct hawser_span spans[2];
    start(&p);
    in_urgent(&p, U, 1, 10, 8);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 7);
    assert_int_equal(spans[0].length + spans[1].length, 7);
    assert_int_equal(hawser_consume(p.host, p.tcp, 8), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_consume(p.host, p.tcp, 7), 0);
    assert_int_equal(peer_info(&p).urgent_bytes, 1);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 3);
    assert_int_equal(spans[0].data[0], peer_octet(8));
    assert_int_equal(hawser_consume(p.host, p.tcp, 3), 0);
    assert_false(peer_info(&p).urgent);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.7.4f-2 */
static void behind_the_fin_nothing_is_urgent(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_CLOSE_WAIT, HAWSER_CLOSING, HAWSER_LAST_ACK,
                                               HAWSER_TIME_WAIT};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        start(&p);
        peer_to_state(&p, states[i]);
        peer_events(&p, p.tcp);
        in_urgent(&p, U, 2, 0, 100);
        in_urgent(&p, U | P, 2, 5, 5);
        assert_int_equal(peer_events(&p, p.tcp), 0);
        assert_false(peer_info(&p).urgent);
        assert_int_equal(peer_state(&p), states[i]);
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* Flags taken away from a packet, with the checksum following (RFC 1624). */
static void drop_flags(const struct peer *p, uint8_t *packet, uint8_t flags)
{
    uint8_t *header = packet + (p->v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES);
    uint32_t sum = (uint32_t)(header[16] << 8 | header[17]) + flags;
    header[13] = (uint8_t)(header[13] & ~flags);
    sum = (sum & 0xffff) + (sum >> 16);
    header[16] = (uint8_t)(sum >> 8);
    header[17] = (uint8_t)sum;
}

/* EVIDENCE 9293-3.1-2 */
static void the_field_means_nothing_without_the_bit(void **state)
{
    (void)state;
    struct peer p;
    uint8_t packet[PEER_FRAME_MAX + 60];
    start(&p);
    struct segment seg = {.flags = U | A, .text_len = 20, .up = 7, .wnd = 100};
    seg.seq = seq_add(p.peer_isn, 1);
    seg.ack = seq_add(p.host_isn, 1);
    uint32_t n = peer_build(&p, &seg, packet);
    drop_flags(&p, packet, U);
    peer_inject_raw(&p, packet, n);
    assert_int_equal(p.drops[HAWSER_DROP_TCP_CHECKSUM], 0);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_READABLE);
    assert_false(peer_info(&p).urgent);
    assert_int_equal(read_some(&p, 100), 20); /* and no read stops */
    peer_drop_out(&p);
    peer_end(&p);
}

/* A segment of which a part is old: the pointer counts from where the segment begins, not from
 * where what is new of it does.
 * EVIDENCE 9293-MUST-62 9293-3.8.5x-1 */
static void the_pointer_of_a_segment_that_is_partly_old(void **state)
{
    (void)state;
    struct peer p;
    start(&p);
    in_urgent(&p, U, 1, 10, 5);
    assert_true(told(&p));
    peer_read(&p, 4);
    peer_read(&p, 6);
    in_urgent(&p, U, 1, 20, 5); /* again, with more behind it */
    assert_false(told(&p));
    assert_false(peer_info(&p).urgent);
    in_urgent(&p, U, 11, 20, 15); /* the octet before 26 */
    assert_true(told(&p));
    assert_int_equal(peer_info(&p).urgent_bytes, 15);
    assert_int_equal(read_some(&p, 100), 14);
    assert_int_equal(read_some(&p, 100), 6);
    peer_drop_out(&p);
    peer_end(&p);
}

/* On a SYN-ACK the SYN is the first of its numbers. */
static void the_pointer_of_a_syn_ack(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A | U;
    answer.ack = seq_add(p.host_isn, 1);
    answer.text_len = 10;
    answer.up = 5; /* the urgent octet has the relative number 4 */
    peer_inject(&p, &answer);
    assert_int_equal(peer_info(&p).urgent_bytes, 4);
    assert_int_equal(read_some(&p, 100), 3);
    assert_int_equal(read_some(&p, 100), 7);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.8.5x-1 */
static void nonsense_pointers_do_no_harm(void **state)
{
    (void)state;
    static const uint16_t pointers[] = {0, 1, 2, 99, 100, 101, 1000, 0x7fff, 0x8000, 0xffff};
    struct peer p;
    start(&p);
    uint32_t seq = 1, seed = 1;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t up = i % 2 == 0 ? pointers[seed >> 16 & 7] : (uint16_t)(seed >> 16);
        in_urgent(&p, U | P, seq, 100, up);
        seq += 100;
        while (read_some(&p, 1 + (seed >> 8) % 150) > 0)
            ;
    }
    assert_int_equal(p.read, seq - 1); /* nothing was kept back, nothing came twice */
    in_urgent(&p, U, seq, 0, 0xffff);  /* to where nothing will ever be: the FIN stands before it */
    assert_true(peer_info(&p).urgent);
    peer_in(&p, F | A, seq, 1, 0);
    assert_false(peer_info(&p).urgent);
    assert_int_equal(read_some(&p, 100), 0);
    peer_drop_out(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pointer_names_the_octet_behind),
        cmocka_unit_test(a_mark_that_16_bits_cannot_reach_is_told_later),
        cmocka_unit_test(the_program_is_told_once_for_each_mark),
        cmocka_unit_test(reading_stops_at_the_mark),
        cmocka_unit_test(peeking_stops_at_the_mark),
        cmocka_unit_test(behind_the_fin_nothing_is_urgent),
        cmocka_unit_test(the_field_means_nothing_without_the_bit),
        cmocka_unit_test(the_pointer_of_a_segment_that_is_partly_old),
        cmocka_unit_test(the_pointer_of_a_syn_ack),
        cmocka_unit_test(nonsense_pointers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
