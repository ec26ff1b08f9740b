/* SPDX-License-Identifier: MIT */
/* ACKs of new data on streams so long that sequence numbers have come round (ack.c, and what
 * output.c and send.c make of the marks it leaves). */
#include "fixture.h"

#include "tcp/recovery.h"

#define MSS 1000u
#define ISS 5000u

static struct fixture f;
static uint64_t now_ns;

/* An established block whose stream has reached `una` long after its SYN. */
static struct tcb block(uint32_t una)
{
    struct tcb tcb;
    fixture_init(&f);
    now_ns = 1000 * NS_PER_S;
    tcb_init(&f.tcp, &tcb);
    tcb.state = HAWSER_ESTABLISHED;
    tcb.syn_acked = true;
    tcb.iss = tcb.recover = tcb.small_end = seq_of(ISS);
    tcb.snd.una = tcb.snd.nxt = tcb.high_rxt = tcb.lost_edge = seq_of(una);
    tcb.snd.wnd = tcb.snd.wnd_max = 1u << 20;
    tcb.peer_mss = tcb.path_mss = tcb.snd_mss = tcb.rcv_mss = MSS;
    tcb.cwnd = 100 * MSS;
    tcb.ssthresh = UINT32_MAX;
    tcb.rcv.nxt = tcb.rcv.last_ack = tcb.snd.wl1 = seq_of(1);
    tcb.rcv.wnd = tcb.rcv_buf_bytes = 65535;
    return tcb;
}

static void end(struct tcb *tcb)
{
    tcb_release(&f.tcp, tcb);
    fixture_deinit(&f);
}

static void write(struct tcb *tcb, uint32_t n)
{
    static const uint8_t text[8192];
    assert_true(n <= sizeof text);
    assert_int_equal(tcp_send(&f.tcp, tcb, text, n, 0), n);
}

static struct segment sent(struct tcb *tcb)
{
    uint8_t out[TCP_HEADER_MAX + MSS];
    struct segment seg;
    uint32_t sum;
    bool again;
    assert_true(tcp_output(&f.tcp, tcb, now_ns, 80, 40000, out, &sum, &seg, &again) > 0);
    return seg;
}

static void acked(struct tcb *tcb, uint32_t ack)
{
    struct segment seg = fixture_segment(TCP_ACK, 1, ack, 0);
    struct tcp_reply reply;
    segment_arrives(&f.tcp, tcb, &seg, now_ns, &reply);
    assert_false(reply.present);
}

/* An ACK of just 2^32 octets: snd.una is ISS again, and no SYN is outstanding.
 * EVIDENCE 9293-3.4-1 */
static void an_ack_that_stops_at_iss(void **state)
{
    (void)state;
    struct tcb tcb = block(ISS - 10);
    write(&tcb, 20);
    assert_int_equal(sent(&tcb).seq.v, ISS - 10);
    acked(&tcb, ISS);
    assert_int_equal(tcb_tx_seq(&tcb).v, ISS);
    assert_int_equal(tcb.tx.len, 10);
    now_ns = tcb_deadline(&tcb);
    struct tcp_reply reply;
    tcp_timeouts(&f.tcp, &tcb, now_ns, &reply);
    struct segment seg = sent(&tcb);
    assert_int_equal(seg.flags, TCP_ACK | TCP_PSH);
    assert_int_equal(seg.seq.v, ISS);
    assert_int_equal(seg.text_len, 10);
    acked(&tcb, ISS + 10);
    assert_int_equal(tcb.tx.len, 0);
    assert_false(tcb.fin_acked);
    end(&tcb);
}

/* 3 GiB without a loss, an ACK for each. */
static struct tcb far_away(bool sack)
{
    struct tcb tcb = block(ISS + 1);
    tcb.has_sack = sack;
    for (int i = 0; i < 3; i++) {
        tcb.snd.una = tcb.snd.nxt = seq_add(tcb.snd.una, (1u << 30) - MSS);
        write(&tcb, MSS);
        sent(&tcb);
        acked(&tcb, tcb.snd.nxt.v);
    }
    return tcb;
}

/* EVIDENCE 9293-3.4-1 6582-01 */
static void a_loss_after_gigabytes_without_one(void **state)
{
    (void)state;
    struct tcb tcb = far_away(false);
    write(&tcb, 5 * MSS);
    for (int i = 0; i < 5; i++)
        sent(&tcb);
    for (int i = 0; i < 3; i++)
        acked(&tcb, tcb.snd.una.v);
    assert_int_equal(tcb.recovery, RECOVERY_FAST);
    end(&tcb);
}

/* EVIDENCE 9293-3.4-1 9293-SHLD-7 */
static void a_short_segment_after_gigabytes_of_full_ones(void **state)
{
    (void)state;
    struct tcb tcb = far_away(true);
    write(&tcb, MSS + 1);
    assert_int_equal(sent(&tcb).text_len, MSS);
    assert_int_equal(sent(&tcb).text_len, 1); /* the last short one is acknowledged long since */
    end(&tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_that_stops_at_iss),
        cmocka_unit_test(a_loss_after_gigabytes_without_one),
        cmocka_unit_test(a_short_segment_after_gigabytes_of_full_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
