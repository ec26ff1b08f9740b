/* SPDX-License-Identifier: MIT */
/* The segment matrix: every state x flag set x sequence position x acknowledgement position x text
 * or none, against a predicate that says in one place what RFC 9293 3.10.7.4, with RFC 5961, wants:
 * what comes back, and which state follows. TIME-WAIT's cells are in unit/tcp/test_timewait.c.
 * Of seg_steps.c and of the edges in tcb.c. */
#include "scenario/peer.h"

enum answer { SILENCE, AN_ACK, A_RESET };

struct cell {
    enum hawser_state state;
    unsigned flags;
    int64_t offset;    /* of SEG.SEQ from RCV.NXT */
    int64_t ack;       /* of SEG.ACK from SND.NXT */
    uint32_t len;
    /* what the host says of itself */
    int64_t una, wnd;  /* SND.UNA from SND.NXT, RCV.WND */
    bool fin_sent;
};

struct expected {
    enum answer answer;
    enum hawser_state state;
};

static struct expected say(enum answer answer, enum hawser_state state)
{
    return (struct expected){answer, state};
}

/* 3.4: the table of four rows, and the right edge for what has no length (docs/deviations.md). */
static bool acceptable(const struct cell *c)
{
    int64_t len = c->len + ((c->flags & S) != 0) + ((c->flags & F) != 0);
    bool first = c->offset >= 0 && c->offset < c->wnd + (len == 0);
    bool last = len > 0 && c->offset + len - 1 >= 0 && c->offset + len - 1 < c->wnd;
    return first || last;
}

/* Sixth to eighth, in a state where the ACK was all right. */
static struct expected text_and_fin(const struct cell *c, enum hawser_state state)
{
    bool reads =
        state == HAWSER_ESTABLISHED || state == HAWSER_FIN_WAIT_1 || state == HAWSER_FIN_WAIT_2;
    int64_t end = c->offset + c->len; /* where a FIN stands */
    bool fin = (c->flags & F) && end >= 0 && end < c->wnd;
    bool new_text = c->len > 0 && end > 0;
    if (!reads)
        return say(new_text || fin ? AN_ACK : SILENCE, state);
    if (c->offset > 0) /* a gap before it */
        return say(new_text || fin ? AN_ACK : SILENCE, state);
    if (!fin)
        return say(SILENCE, state); /* text in order is acknowledged later */
    if (state == HAWSER_ESTABLISHED)
        return say(AN_ACK, HAWSER_CLOSE_WAIT);
    return say(AN_ACK, state == HAWSER_FIN_WAIT_1 ? HAWSER_CLOSING : HAWSER_TIME_WAIT);
}

static struct expected synchronized(const struct cell *c)
{
    if (c->flags & R) { /* RFC 5961 3.2 */
        if (c->offset == 0)
            return say(SILENCE, HAWSER_CLOSED);
        return say(c->offset > 0 && c->offset < c->wnd ? AN_ACK : SILENCE, c->state);
    }
    if (!acceptable(c) || (c->flags & S))
        return say(AN_ACK, c->state);
    if (!(c->flags & A))
        return say(SILENCE, c->state);
    if (c->ack > 0)
        return say(AN_ACK, c->state);
    bool fin_acked = c->fin_sent && c->ack == 0;
    if (fin_acked && c->state == HAWSER_LAST_ACK)
        return say(SILENCE, HAWSER_CLOSED);
    if (fin_acked && c->state == HAWSER_CLOSING)
        return say(SILENCE, HAWSER_TIME_WAIT);
    return text_and_fin(c,
                        fin_acked && c->state == HAWSER_FIN_WAIT_1 ? HAWSER_FIN_WAIT_2 : c->state);
}

/* SYN-RECEIVED by simultaneous open (active). Its SYN again, with an ACK, is what Figure 7 shows;
 * without, our SYN-ACK is repeated. */
static struct expected syn_received(const struct cell *c)
{
    struct cell cell = *c;
    if ((c->flags & S) && !(c->flags & R) && c->offset == -1) {
        if (!(c->flags & A))
            return say(AN_ACK, c->state);
        cell.flags &= ~S;
        cell.offset = 0;
    }
    if ((cell.flags & R) || !acceptable(&cell) || (cell.flags & S) || !(cell.flags & A))
        return synchronized(&cell);
    if (cell.ack <= cell.una || cell.ack > 0)
        return say(A_RESET, c->state);
    return text_and_fin(&cell, HAWSER_ESTABLISHED);
}

static void small(struct hawser_config *config)
{
    config->chunk_bytes = 64 * 1024;
    config->connections_max = 64;
    config->halfopen_max = 64;
    config->timewait_max = 64;
}

static void reach(struct peer *p, enum hawser_state state)
{
    peer_start(p, false, small);
    if (state != HAWSER_SYN_RECEIVED) {
        peer_accept(p, PEER_MSS);
        peer_to_state(p, state);
        return;
    }
    peer_open(p);
    peer_out(p, S, 0, 0, 0);
    struct segment syn = peer_syn_options(p, PEER_MSS);
    peer_inject(p, &syn);
    peer_out(p, S | A, 0, 1, 0);
}

static void check_cell(struct cell *c)
{
    struct peer p;
    reach(&p, c->state);
    struct hawser_tcp_info info = peer_info(&p);
    c->una = (int32_t)(info.snd_una - info.snd_nxt);
    c->fin_sent = c->state == HAWSER_FIN_WAIT_1 || c->state == HAWSER_FIN_WAIT_2 ||
                  c->state == HAWSER_CLOSING || c->state == HAWSER_LAST_ACK;
    c->wnd = info.rcv_wnd;
    if (c->offset >= 1000) /* positions about the right edge are given from 1000000 */
        c->offset += c->wnd - 1000000;
    struct segment seg = {.flags = (uint8_t)c->flags,
                          .seq = seq_of(info.rcv_nxt + (uint32_t)c->offset),
                          .text_len = c->len,
                          .wnd = 65535};
    if (c->flags & A)
        seg.ack = seq_of(info.snd_nxt + (uint32_t)c->ack);
    struct expected want = c->state == HAWSER_SYN_RECEIVED ? syn_received(c) : synchronized(c);
    peer_inject(&p, &seg);
    enum answer got = SILENCE;
    unsigned count = peer_pending(&p);
    if (count > 0)
        got = peer_next(&p)->seg.flags & R ? A_RESET : AN_ACK;
    enum hawser_state now = peer_tuple_state(&p);
    if (count > 1 || got != want.answer || now != want.state)
        fail_msg("%s: flags %#x offset %ld ack %ld len %u: wanted answer %d and %s, got %u "
                 "answers, %d and %s",
                 hawser_state_name(c->state), c->flags, (long)c->offset, (long)c->ack, c->len,
                 (int)want.answer, hawser_state_name(want.state), count, (int)got,
                 hawser_state_name(now));
    peer_drop_out(&p);
    peer_end(&p);
}

static void whole_matrix(enum hawser_state state)
{
    static const int64_t offsets[] = {-5, -1, 0, 1, 999999, 1000000, 1000001};
    static const int64_t acks[] = {-2, -1, 0, 1};
    static const uint32_t lens[] = {0, 3};
    for (unsigned flags = 0; flags < 64; flags++) {
        for (unsigned o = 0; o < COUNT_OF(offsets); o++) {
            for (unsigned a = 0; a < (flags & A ? COUNT_OF(acks) : 1); a++) {
                for (unsigned l = 0; l < COUNT_OF(lens); l++) {
                    struct cell cell = {.state = state,
                                        .flags = flags,
                                        .offset = offsets[o],
                                        .ack = acks[a],
                                        .len = lens[l]};
                    check_cell(&cell);
                }
            }
        }
    }
}

/* EVIDENCE 9293-3.10.7.4b-1 9293-3.10.7.4b-2 9293-3.10.7.4b-3 9293-3.10.7.4a-1 9293-3.10.7.4a-2
 * 9293-3.10.7.4d-2 9293-3.10.7.4e-1 9293-3.10.7.4e-5 9293-3.5.2-4 9293-3.5.3-1 9293-FIG5-23
 * 5961-01 5961-02 5961-03 5961-05 9293-3.4x-1 */
static void established(void **state)
{
    (void)state;
    whole_matrix(HAWSER_ESTABLISHED);
}

/* EVIDENCE 9293-3.10.7.4b-6 */
static void fin_wait_1(void **state)
{
    (void)state;
    whole_matrix(HAWSER_FIN_WAIT_1);
}

static void fin_wait_2(void **state)
{
    (void)state;
    whole_matrix(HAWSER_FIN_WAIT_2);
}

static void close_wait(void **state)
{
    (void)state;
    whole_matrix(HAWSER_CLOSE_WAIT);
}

/* EVIDENCE 9293-3.10.7.4b-7 */
static void closing(void **state)
{
    (void)state;
    whole_matrix(HAWSER_CLOSING);
}

static void last_ack(void **state)
{
    (void)state;
    whole_matrix(HAWSER_LAST_ACK);
}

/* EVIDENCE 9293-3.10.7.4a-5 9293-3.10.7.4b-5 */
static void syn_received_active(void **state)
{
    (void)state;
    whole_matrix(HAWSER_SYN_RECEIVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(established),
        cmocka_unit_test(fin_wait_1),
        cmocka_unit_test(fin_wait_2),
        cmocka_unit_test(close_wait),
        cmocka_unit_test(closing),
        cmocka_unit_test(last_ack),
        cmocka_unit_test(syn_received_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
