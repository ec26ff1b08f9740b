/* SPDX-License-Identifier: MIT */
/* Loss recovery with SACK (RFC 6675): when it begins and ends, and what is sent in which order; by
 * script, and beside a model of the RFC's text over networks that lose, reorder and lose ACKs. */
#include "scenario/flight.h"

#include "base/prng.h"

static void start(struct peer *p, uint32_t segments)
{
    peer_start(p, false, NULL);
    peer_accept(p, PEER_MSS | PEER_SACK | PEER_WSCALE);
    peer_write(p, segments * MSS);
    out_segments(p, 0, segments < 10 ? segments : 10);
    peer_quiet(p);
}

/* EVIDENCE 6675-02 */
static void one_ack_of_three_segments_is_enough(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 10);
    sack_one(&p, 0, 2, 5); /* two ACKs were lost */
    out_segment(&p, 0);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* The ACK that SACKs something new may acknowledge something new, too: it is a duplicate all the
 * same (RFC 6675 2). EVIDENCE 6675-02 6675-01 */
static void an_ack_of_new_data_may_be_a_duplicate(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    sack_one(&p, 1, 2, 3);   /* 1 is lost, and the ACK of 0 as well */
    out_segments(&p, 10, 3); /* slow start, one acknowledged, one SACKed */
    assert_int_equal(peer_info(&p).duplicate_acks, 1);
    sack_one(&p, 1, 2, 4);
    out_segment(&p, 13);
    sack_one(&p, 1, 2, 5); /* the third */
    out_segment(&p, 1);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_end(&p);
    start(&p, 100);
    sack_one(&p, 1, 2, 5); /* or the loss of 1 is known at once */
    out_segment(&p, 1);
    peer_drop_out(&p);
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_end(&p);
}

/* EVIDENCE 6675-03 6675-04 3042-02 3042-01 */
static void entering(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    for (uint32_t i = 0; i < 2; i++) {
        sack_one(&p, 0, 1, 2 + i);
        out_segment(&p, 10 + i); /* for what has left the network */
        peer_quiet(&p);
        assert_int_equal(peer_info(&p).cwnd_bytes, 10 * MSS);
    }
    sack_one(&p, 0, 1, 4);
    out_segment(&p, 0);
    peer_quiet(&p);
    struct hawser_tcp_info info = peer_info(&p);
    assert_int_equal(info.ssthresh_bytes, 5 * MSS); /* of 10: limited transmit does not count */
    assert_int_equal(info.cwnd_bytes, 5 * MSS);
    /* 12 sent, 3 SACKed, 1 lost and sent again: pipe is 9, and has to fall below 5. */
    for (uint32_t i = 5; i <= 8; i++) {
        sack_one(&p, 0, 1, i);
        peer_quiet(&p);
    }
    sack_one(&p, 0, 1, 9);
    out_segment(&p, 12);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 6675-05 */
static void the_order_of_transmissions(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS | PEER_SACK | PEER_WSCALE);
    peer_write(&p, 10 * MSS);
    out_segments(&p, 0, 10);
    for (uint32_t i = 1; i <= 10; i++)
        ack_segments(&p, i); /* cwnd 20 */
    peer_write(&p, 20 * MSS);
    out_segments(&p, 10, 20);
    /* 10, 12 and 14 are lost; 27 and 29 may be late. */
    const uint32_t edges[] = {11, 12, 13, 14, 15, 27, 28, 29};
    sack_segments(&p, 10, 4, edges);
    assert_int_equal(peer_info(&p).cwnd_bytes, 10 * MSS);
    out_segment(&p, 10); /* on entry */
    out_segment(&p, 12); /* rule 1: what is lost, from below */
    out_segment(&p, 14);
    out_segment(&p, 27); /* rule 3: below the highest SACKed, there being nothing new */
    out_segment(&p, 29); /* rule 4: the highest of all, once */
    peer_quiet(&p);
    peer_write(&p, 2 * MSS); /* rule 2 */
    out_segments(&p, 30, 2);
    peer_quiet(&p);
    sack_one(&p, 10, 30, 32);
    out_segment(&p, 29); /* rule 3: the rescue did not move HighRxt */
    peer_quiet(&p);      /* no other rescue */
    ack_segments(&p, 32);
    peer_quiet(&p);
    peer_end(&p);
}

/* New data come before what may only be late, and after what is lost. EVIDENCE 6675-05 */
static void new_data_before_what_may_be_late(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 12);
    const uint32_t edges[] = {1, 2, 3, 6, 7, 9}; /* 0 and 2 are lost, 6 and 9 perhaps */
    sack_segments(&p, 0, 3, edges);
    assert_int_equal(peer_info(&p).cwnd_bytes, 5 * MSS);
    out_segment(&p, 0);
    out_segment(&p, 2); /* pipe: 0, 2, 6 and 9 */
    out_segment(&p, 10);
    peer_quiet(&p);
    sack_one(&p, 0, 9, 10); /* now three are SACKed above 6 */
    out_segment(&p, 6);
    out_segment(&p, 11);
    peer_quiet(&p);
    peer_end(&p);
}

/* Reordering only: what was late arrives, and nothing that is still on its way is sent again. */
static void late_is_not_lost(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    sack_one(&p, 0, 1, 2);
    sack_one(&p, 0, 1, 3);
    out_segments(&p, 10, 2);
    sack_one(&p, 0, 1, 4);
    out_segment(&p, 0);                /* in vain */
    for (uint32_t i = 4; i <= 12; i++) /* 0 is there, and the others come in order */
        ack_segments(&p, i);
    while (peer_pending(&p) > 0)
        assert_true(seq_diff(peer_next(&p)->seg.seq, p.host_isn) >= AT(12));
    assert_int_equal(peer_info(&p).retransmissions, 1);
    assert_int_equal(peer_info(&p).recovery, 0);
    peer_end(&p);
}

/* A lost tail behind the rescue: the rescue leaves HighRxt where it is. EVIDENCE 6675-05 */
static void a_lost_tail_needs_no_timeout(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 10); /* 0, 8 and 9 are lost */
    for (uint32_t i = 2; i <= 6; i++)
        sack_one(&p, 0, 1, i);
    out_segment(&p, 0);
    peer_quiet(&p);
    sack_one(&p, 0, 1, 7); /* pipe: 0, 7, 8 and 9 */
    out_segment(&p, 9);
    peer_quiet(&p);
    sack_one(&p, 0, 1, 8);
    const uint32_t edges[] = {9, 10, 1, 8};
    sack_segments(&p, 0, 2, edges);
    out_segment(&p, 8); /* below the highest SACKed */
    ack_segments(&p, 8);
    peer_quiet(&p);
    ack_segments(&p, 10);
    assert_int_equal(hawser_counters_of(p.host)->timeouts_retransmission, 0);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 6675-07 */
static void the_next_episode_knows_what_the_last_one_learnt(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    for (uint32_t i = 2; i <= 10; i++)
        sack_one(&p, 0, 1, i);
    out_segments(&p, 10, 2);
    out_segment(&p, 0);
    out_segments(&p, 12, 2); /* recovery's own new data: 12 is lost */
    peer_quiet(&p);
    const uint32_t edges[] = {13, 14, 1, 12};
    sack_segments(&p, 0, 2, edges);
    out_segments(&p, 14, 3);
    peer_quiet(&p);
    const uint32_t more[] = {13, 15, 1, 12};
    sack_segments(&p, 0, 2, more);
    out_segment(&p, 17);
    uint32_t cwnd = peer_info(&p).cwnd_bytes;
    assert_int_equal(cwnd, 5 * MSS);
    ack_segments(&p, 12); /* the end; 13 and 14 stay SACKed, which is not enough */
    assert_int_equal(peer_info(&p).recovery, 0);
    assert_int_equal(peer_info(&p).sacked_bytes, 2 * MSS);
    out_segment(&p, 18);
    peer_quiet(&p);
    sack_one(&p, 12, 13, 16); /* one more, and it is: by the first duplicate */
    out_segment(&p, 12);
    assert_int_equal(peer_info(&p).recovery, 1);
    assert_int_equal(hawser_counters_of(p.host)->fast_retransmits, 2);
    peer_drop_out(&p);
    peer_end(&p);
}

/* … and when it is known already that something is lost, nothing more is waited for.
 * EVIDENCE 6675-07 */
static void a_known_loss_waits_for_no_duplicate(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 16);
    for (uint32_t i = 2; i <= 10; i++)
        sack_one(&p, 0, 1, i);
    out_segments(&p, 10, 2);
    out_segment(&p, 0);
    out_segments(&p, 12, 2);
    const uint32_t edges[] = {13, 14, 1, 12};
    sack_segments(&p, 0, 2, edges);
    out_segments(&p, 14, 2);
    out_segment(&p, 12); /* rule 3 */
    peer_quiet(&p);
    peer_pass_until_out(&p, NS_PER_S); /* 0 was lost again */
    out_segment(&p, 0);
    peer_quiet(&p);
    ack_segments(&p, 12); /* and 12, too */
    out_segment(&p, 12);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 6675-08 */
static void no_new_episode_before_the_old_end(void **state)
{
    (void)state;
    struct peer p;
    start(&p, 100);
    for (uint32_t i = 2; i <= 5; i++)
        sack_one(&p, 0, 1, i);
    out_segments(&p, 10, 2);
    out_segment(&p, 0);
    peer_quiet(&p);
    peer_pass_until_out(&p, NS_PER_S);
    out_segment(&p, 0);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 2);
    uint32_t ssthresh = peer_info(&p).ssthresh_bytes;
    for (uint32_t i = 6; i <= 12; i++) /* the rest arrives after all */
        sack_one(&p, 0, 1, i);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).recovery, 2);
    assert_int_equal(peer_info(&p).ssthresh_bytes, ssthresh);
    ack_segments(&p, 11);
    assert_int_equal(peer_info(&p).recovery, 2);
    ack_segments(&p, 12);
    assert_int_equal(peer_info(&p).recovery, 0);
    assert_int_equal(hawser_counters_of(p.host)->fast_retransmits, 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 6675-09 */
static void three_small_islands_are_a_loss(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS | PEER_SACK);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_NODELAY, 1), 0);
    for (uint32_t i = 0; i < 10; i++) {
        peer_write(&p, 100);
        peer_out(&p, P | A, 1 + i * 100, 1, 100);
    }
    const uint32_t two[] = {201, 301, 401, 501};
    peer_in_sack(&p, 1, 1, 2, two);
    peer_quiet(&p);
    const uint32_t three[] = {601, 701, 401, 501, 201, 301};
    peer_in_sack(&p, 1, 1, 3, three); /* the second duplicate only */
    peer_out(&p, A, 1, 1, 200);       /* up to what is there */
    assert_int_equal(peer_info(&p).recovery, 1);
    peer_in(&p, A, 1, 1001, 0);
    peer_drop_out(&p);
    peer_end(&p);
}

/* ---- the model ------------------------------------------------------------------------------- */

#define STREAM 150u
#define QUEUE_MAX 2048u

/* RFC 6675 in segments, after its text: no set that is kept up to date, everything counted anew. */
struct model {
    bool sacked[STREAM + 1];
    uint32_t una, nxt, high_rxt, recover; /* high_rxt: sent again below it */
    uint32_t dup_acks, limited, duplicates;
    uint32_t timeouts;                      /* in a row */
    bool fast, loss, rescued, front, ended; /* ended: by the last ACK */
};

static bool is_lost(const struct model *m, uint32_t n)
{
    if (m->loss) /* 5.1: all that was outstanding at the timeout, and nothing else */
        return n < m->recover;
    uint32_t segments = 0, islands = 0;
    for (uint32_t i = n + 1; i < m->nxt; i++) {
        segments += m->sacked[i];
        islands += m->sacked[i] && !m->sacked[i - 1];
    }
    return islands >= 3 || segments > 2;
}

static uint32_t pipe_of(const struct model *m)
{
    uint32_t pipe = 0;
    for (uint32_t n = m->una; n < m->nxt; n++) {
        if (m->sacked[n])
            continue;
        pipe += !((m->fast || m->loss) && is_lost(m, n));
        pipe += (m->fast || m->loss) && n < m->high_rxt;
    }
    return pipe;
}

static void enter(struct model *m)
{
    m->fast = m->front = true;
    m->rescued = false;
    m->recover = m->nxt;
    m->high_rxt = m->una;
}

/* NextSeg(); false: nothing. */
static bool next_segment(const struct model *m, uint32_t *n, bool *rescue)
{
    *rescue = false;
    uint32_t high_sacked = m->nxt;
    while (high_sacked > m->una && !m->sacked[high_sacked - 1])
        high_sacked--;
    bool recovering = m->fast || m->loss;
    uint32_t from = m->high_rxt > m->una ? m->high_rxt : m->una;
    uint32_t known = m->loss ? m->recover : high_sacked;
    for (*n = from; recovering && *n < known; (*n)++) /* rule 1 */
        if (!m->sacked[*n] && is_lost(m, *n))
            return true;
    *n = m->nxt;
    if (m->nxt < STREAM) /* rule 2 */
        return true;
    for (*n = from; m->fast && *n < high_sacked; (*n)++) /* rule 3 */
        if (!m->sacked[*n])
            return true;
    if (!m->fast || m->rescued)
        return false;
    *rescue = true;
    for (*n = m->nxt; *n > from;) /* rule 4, but never what has gone again already */
        if (!m->sacked[--*n])
            return true;
    return false;
}

/* What an ACK does to the model. Returns whether an episode begins. */
static bool take_ack(struct model *m, uint32_t ack, unsigned blocks, const uint32_t *edges)
{
    bool was_fast = m->fast;
    m->ended = false;
    if (ack > m->una) {
        m->una = ack;
        m->dup_acks = m->limited = m->timeouts = 0;
        if ((m->fast || m->loss) && m->una >= m->recover) {
            m->fast = m->loss = was_fast = false;
            m->ended = true;
        }
    }
    bool news = false;
    for (unsigned i = 0; i < blocks; i++) {
        for (uint32_t n = edges[2 * i]; n < edges[2 * i + 1]; n++) {
            news = news || (n >= m->una && !m->sacked[n]);
            m->sacked[n] = true;
        }
    }
    if (news) {
        m->duplicates++;
        m->dup_acks++;
    }
    if (!m->fast && !m->loss && m->nxt > m->una && (m->dup_acks >= 3 || is_lost(m, m->una)))
        enter(m);
    return m->fast && !was_fast;
}

/* A network of one direction, and the receiver at its end. */
struct net {
    struct prng prng;
    uint32_t queue[QUEUE_MAX], count;
    bool received[STREAM + 1];
    uint32_t next;                 /* in order below it */
    uint32_t loss, ack_loss, late; /* of 1000 */
};

static bool chance(struct net *net, uint32_t per_mille)
{
    return prng_below(&net->prng, 1000) < per_mille;
}

/* What the host sent must be what the model sends; it goes into the network. */
static void sent(struct peer *p, struct net *net, uint32_t n)
{
    out_segment(p, n);
    assert_true(net->count < QUEUE_MAX);
    if (!chance(net, net->loss))
        net->queue[net->count++] = n;
}

/* Step (C), and what goes before it. */
static void transmit(struct peer *p, struct net *net, struct model *m)
{
    uint32_t cwnd = peer_info(p).cwnd_bytes / MSS, n;
    bool rescue;
    if (m->front) {
        m->front = false;
        sent(p, net, m->una);
        m->high_rxt = m->una + 1;
    }
    while (pipe_of(m) + 1 <= cwnd && next_segment(m, &n, &rescue)) {
        sent(p, net, n);
        if (rescue)
            m->rescued = true;
        else if (n < m->nxt)
            m->high_rxt = n + 1;
        m->nxt = n == m->nxt ? m->nxt + 1 : m->nxt;
        bool open = !m->fast && !m->loss;
        m->limited += open && m->dup_acks > 0 && m->dup_acks < 3 && m->nxt - m->una > cwnd;
        assert_true(pipe_of(m) <= cwnd || rescue);
    }
    peer_quiet(p);
}

/* The islands, that with segment `latest` first, as many as fit. */
static unsigned blocks_of(const struct net *net, uint32_t latest, uint32_t edges[8])
{
    unsigned blocks = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t right = STREAM; right > net->next && blocks < 4; right--) {
            if (!net->received[right - 1] || net->received[right])
                continue;
            uint32_t left = right;
            while (net->received[left - 1])
                left--;
            if ((left <= latest && latest < right) == (pass == 0)) {
                edges[2 * blocks] = left;
                edges[2 * blocks++ + 1] = right;
            }
        }
    }
    return blocks;
}

/* One segment arrives, and its ACK, unless that is lost. */
static void arrive(struct peer *p, struct net *net, struct model *m)
{
    uint32_t at = net->count > 1 && chance(net, net->late) ? prng_below(&net->prng, net->count) : 0;
    uint32_t n = net->queue[at], edges[8];
    memmove(net->queue + at, net->queue + at + 1, (--net->count - at) * sizeof net->queue[0]);
    net->received[n] = true;
    while (net->received[net->next])
        net->next++;
    if (chance(net, net->ack_loss))
        return;
    unsigned blocks = blocks_of(net, n, edges);
    uint32_t flight = m->nxt - m->una, una = m->una;
    uint32_t counted = flight - (m->limited < flight ? m->limited : 0);
    if (blocks > 0)
        sack_segments(p, net->next, blocks, edges);
    else
        ack_segments(p, net->next);
    bool begins = take_ack(m, net->next, blocks, edges);
    struct hawser_tcp_info info = peer_info(p);
    if (begins) { /* step 4.2 */
        /* As it was when the ACK came, but for the window of an episode that it ended. */
        uint32_t size = m->ended ? m->nxt - m->una : m->una == una ? counted : flight;
        uint32_t half = size * MSS / 2 > 2 * MSS ? size * MSS / 2 : 2 * MSS;
        assert_int_equal(info.ssthresh_bytes, half);
        assert_int_equal(info.cwnd_bytes, half);
    }
    uint32_t sacked = 0;
    for (uint32_t i = m->una; i < m->nxt; i++)
        sacked += m->sacked[i];
    assert_int_equal(info.sacked_bytes, sacked * MSS);
    assert_int_equal(info.duplicate_acks, m->duplicates);
    assert_int_equal(info.recovery, m->fast ? 1 : m->loss ? 2 : 0);
    transmit(p, net, m);
}

static void time_out(struct peer *p, struct net *net, struct model *m)
{
    peer_pass_until_out(p, 200 * NS_PER_S);
    m->fast = false;
    m->loss = m->front = true;
    m->recover = m->nxt;
    m->high_rxt = m->una;
    m->dup_acks = m->limited = 0;
    if (++m->timeouts >= 2)
        memset(m->sacked, 0, sizeof m->sacked);
    assert_int_equal(peer_info(p).cwnd_bytes, MSS);
    transmit(p, net, m);
}

/* EVIDENCE 6675-01 6675-02 6675-04 6675-05 6675-06 6675-07 6675-08 */
static void as_the_rfc_has_it(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 400; seed++) {
        struct peer p;
        struct model m = {0};
        struct net net = {
            .loss = seed % 4 * 40, .ack_loss = seed / 4 % 4 * 60, .late = seed / 16 % 3 * 100};
        prng_init(&net.prng, seed);
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS | PEER_SACK | PEER_WSCALE);
        peer_in(&p, A, 1, 1, 0); /* its window, now with its scale */
        peer_write(&p, STREAM * MSS);
        transmit(&p, &net, &m);
        while (m.una < STREAM) {
            if (net.count > 0)
                arrive(&p, &net, &m);
            else
                time_out(&p, &net, &m);
        }
        assert_int_equal(peer_info(&p).send_queue_bytes, 0);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_ack_of_three_segments_is_enough),
        cmocka_unit_test(an_ack_of_new_data_may_be_a_duplicate),
        cmocka_unit_test(entering),
        cmocka_unit_test(the_order_of_transmissions),
        cmocka_unit_test(new_data_before_what_may_be_late),
        cmocka_unit_test(late_is_not_lost),
        cmocka_unit_test(a_lost_tail_needs_no_timeout),
        cmocka_unit_test(the_next_episode_knows_what_the_last_one_learnt),
        cmocka_unit_test(a_known_loss_waits_for_no_duplicate),
        cmocka_unit_test(no_new_episode_before_the_old_end),
        cmocka_unit_test(three_small_islands_are_a_loss),
        cmocka_unit_test(as_the_rfc_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
