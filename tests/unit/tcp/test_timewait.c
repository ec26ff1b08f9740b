/* SPDX-License-Identifier: MIT */
/* TIME-WAIT and FIN-WAIT-2 records: every segment against a reference, and each rule by name. */
#include "fixture.h"

#include "tcp/timewait.h"

#define SND_NXT 0x10000000u
#define RCV_NXT 0xffffff80u
#define TS_RECENT 5000u
#define TS_OFFSET 70000u
#define T0 (1000 * NS_PER_S)
#define MS NS_PER_MS

static struct timewait make_record(bool fin_wait_2)
{
    return (struct timewait){
        .snd_nxt = seq_of(SND_NXT),
        .rcv_nxt = seq_of(RCV_NXT),
        .ts_recent = TS_RECENT,
        .ends_at_ms = 1060000,
        .rcv_wnd = 500,
        .rcv_wscale = 1,
        .has_timestamps = true,
        .fin_wait_2 = fin_wait_2,
    };
}

/* One segment for a record, and all that came of it. */
struct result {
    enum timewait_outcome outcome;
    enum hawser_drop drop;
    struct tcp_reply reply;
};

#define NO_DROP HAWSER_DROP_COUNT

static struct result arrive(struct fixture *f, struct timewait *record, const struct segment *seg,
                            uint64_t now_ns)
{
    struct result r = {.drop = NO_DROP};
    r.reply.present = true; /* must be said */
    r.outcome = timewait_arrives(&f->tcp, record, seg, TS_OFFSET, now_ns, &r.reply, &r.drop);
    return r;
}

static void assert_ack(const struct result *r, const struct timewait *record, uint64_t now_ns)
{
    assert_true(r->reply.present);
    const struct segment *seg = &r->reply.segment;
    assert_int_equal(seg->flags, TCP_ACK);
    assert_int_equal(seg->seq.v, record->snd_nxt.v);
    assert_int_equal(seg->ack.v, record->rcv_nxt.v);
    assert_int_equal(seg->wnd, record->rcv_wnd);
    assert_int_equal(seg->len, 0);
    assert_int_equal(seg->options, record->has_timestamps ? TCP_OPT_TIMESTAMPS : 0);
    if (record->has_timestamps) {
        assert_int_equal(seg->ts_val, now_ns / MS + TS_OFFSET);
        assert_int_equal(seg->ts_ecr, record->ts_recent);
    }
}

static struct segment stamped(struct segment seg, uint32_t ts_val)
{
    seg.options |= TCP_OPT_TIMESTAMPS;
    seg.ts_val = ts_val;
    return seg;
}

/* ---- the record and its time ----------------------------------------------------------------- */

static struct tcb closed_block(struct fixture *f, bool fin_wait_2)
{
    struct tcb tcb;
    tcb_init(&f->tcp, &tcb);
    tcb.snd.una = tcb.snd.nxt = seq_of(SND_NXT);
    tcb.rcv.nxt = seq_of(RCV_NXT);
    tcb.rcv.wnd = 65536 - 3;
    tcb.rcv_buf_bytes = 65536;
    tcb.rcv_mss = 1460;
    tcb.rcv_wscale = 7;
    tcb.has_timestamps = true;
    tcb.ts_recent = TS_RECENT;
    static const enum hawser_state path[] = {HAWSER_SYN_SENT, HAWSER_ESTABLISHED, HAWSER_FIN_WAIT_1,
                                             HAWSER_FIN_WAIT_2, HAWSER_TIME_WAIT};
    for (size_t i = 0; i < (fin_wait_2 ? 4 : 5); i++)
        tcb_set_state(&f->tcp, &tcb, path[i], HAWSER_CAUSE_CLOSE);
    return tcb;
}

static void test_from_tcb(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int variant = 0; variant < 8; variant++) {
        bool fin_wait_2 = variant & 1;
        struct tcb tcb = closed_block(&f, fin_wait_2);
        tcb.passive = (variant & 2) != 0;
        tcb.has_timestamps = (variant & 4) != 0;
        struct timewait record;
        memset(&record, 0xff, sizeof record);
        timewait_from_tcb(&f.tcp, &tcb, T0, &record);
        assert_int_equal(record.snd_nxt.v, SND_NXT);
        assert_int_equal(record.rcv_nxt.v, RCV_NXT);
        assert_int_equal(record.ts_recent, TS_RECENT);
        assert_int_equal(record.rcv_wnd, 512); /* rounded up: an edge does not move back */
        assert_int_equal(record.rcv_wscale, 7);
        assert_int_equal(record.fin_wait_2, fin_wait_2);
        assert_int_equal(record.active, !tcb.passive);
        assert_int_equal(record.has_timestamps, tcb.has_timestamps);
        assert_int_equal(record.ends_at_ms, 1060000);
        assert_int_equal(record.acks_sent, 0);
    }
    assert_int_equal(sizeof(struct timewait), 20);
    struct tcb live;
    struct timewait record;
    tcb_init(&f.tcp, &live);
    expect_assert_failure(timewait_from_tcb(&f.tcp, &live, T0, &record));
    fixture_deinit(&f);
}

/* A window that the program opened by reading, but that no ACK has told of yet, is the record's. */
static void test_from_tcb_opens_the_window(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct tcb tcb = closed_block(&f, true);
    tcb.rcv.wnd = 0;
    struct timewait record;
    timewait_from_tcb(&f.tcp, &tcb, T0, &record);
    assert_int_equal(record.rcv_wnd, 512);
    fixture_deinit(&f);
}

/* Never less than 2 MSL, at most a millisecond more, wherever the clock stands; gone just after.
 * EVIDENCE 9293-MUST-13 */
static void test_time(void **state)
{
    (void)state;
    static const uint64_t starts[] = {
        0,
        1,
        MS - 1,
        MS,
        T0,
        T0 + 1,
        T0 + MS / 2,
        (UINT64_C(1) << 32) * MS - 30 * NS_PER_S, /* wraps during it */
        (UINT64_C(1) << 32) * MS - 60 * NS_PER_S,
        (UINT64_C(1) << 31) * MS - 1,
        (UINT64_C(5) << 32) * MS + 7,
    };
    static const uint64_t msls[] = {
        MS, 1500000, NS_PER_S, 30 * NS_PER_S + 1, 30 * NS_PER_S, 120 * NS_PER_S};
    struct fixture f;
    fixture_init(&f);
    struct tcb tcb = closed_block(&f, false);
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        for (size_t j = 0; j < COUNT_OF(msls); j++) {
            f.config.msl_ns = msls[j];
            struct timewait record;
            timewait_from_tcb(&f.tcp, &tcb, starts[i], &record);
            uint64_t due = starts[i] + 2 * msls[j];
            assert_false(timewait_is_over(&record, starts[i]));
            assert_false(timewait_is_over(&record, due - 1));
            assert_true(timewait_is_over(&record, due + MS));
            uint64_t end = timewait_ends_ns(&record, starts[i]);
            assert_in_range(end - due, 0, MS - 1);
            assert_int_equal(timewait_ends_ns(&record, due + NS_PER_S), end);
            assert_true(timewait_is_over(&record, end));
            assert_false(timewait_is_over(&record, end - 1));
        }
    fixture_deinit(&f);
}

/* The FIN once more, with or without the text before it, whatever the clock: an ACK, and 2 MSL
 * from then. Also after a thousand of them: no limit holds back this ACK.
 * EVIDENCE 9293-MUST-13 9293-3.10.7.4e-12 */
static void test_retransmitted_fin(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct timewait record = make_record(false);
    struct segment old = fixture_segment(TCP_ACK, RCV_NXT - 1, SND_NXT, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t now = T0 + 30 * NS_PER_S + i * MS;
        arrive(&f, &record, &old, now); /* spends the budget of other ACKs */
        uint32_t text_len = i % 3 * 700;
        struct segment fin =
            fixture_segment(TCP_FIN | TCP_ACK, RCV_NXT - 1 - text_len, SND_NXT, text_len);
        fin = stamped(fin, TS_RECENT + i);
        struct result r = arrive(&f, &record, &fin, now);
        assert_int_equal(r.outcome, TIMEWAIT_RESTART);
        assert_ack(&r, &record, now);
        assert_int_equal(r.reply.segment.ts_ecr, TS_RECENT + i);
        assert_false(timewait_is_over(&record, now + 60 * NS_PER_S - 1));
        assert_true(timewait_is_over(&record, now + 60 * NS_PER_S));
    }
    assert_int_equal(record.acks_sent & 15, 10);
    fixture_deinit(&f);
}

/* ---- the matrix ------------------------------------------------------------------------------ */

enum stamp { STAMP_NONE, STAMP_OLDER, STAMP_EQUAL, STAMP_NEWER, STAMP_COUNT };
enum answer { SILENCE, ACK, RST };

/* A cell. Positions are plain numbers: octets from RCV.NXT and from SND.NXT, so that the reference
 * knows no wrapping. */
struct cell {
    bool fin_wait_2, rfc1337, record_stamped;
    uint8_t flags;
    enum stamp stamp;
    int64_t seq, ack, text_len, wnd;
};

struct expectation {
    enum timewait_outcome outcome;
    enum answer answer;
    enum hawser_drop drop;
};

static struct expectation keep(enum answer answer, enum hawser_drop drop)
{
    return (struct expectation){TIMEWAIT_KEEP, answer, drop};
}

static struct expectation expect_rst(const struct cell *c)
{
    bool exact = c->seq == 0;
    bool inside = c->seq >= 0 && c->seq < c->wnd;
    if (!exact && !inside)
        return keep(SILENCE, HAWSER_DROP_RST_IGNORED);
    if (!c->fin_wait_2 && c->rfc1337)
        return keep(SILENCE, HAWSER_DROP_RST_IGNORED);
    if (!exact)
        return keep(ACK, HAWSER_DROP_RST_IGNORED);
    return (struct expectation){TIMEWAIT_END, SILENCE, NO_DROP};
}

/* The table of RFC 6191 2, row by row. The peer's FIN stands at -1. */
static bool expect_reopen(const struct cell *c)
{
    if (c->fin_wait_2 || (c->flags & TCP_ACK))
        return false;
    bool beyond = c->seq > -1;
    if (c->record_stamped)
        return c->stamp == STAMP_NEWER || (c->stamp == STAMP_EQUAL && beyond) ||
               (c->stamp == STAMP_NONE && beyond);
    return c->stamp != STAMP_NONE || beyond;
}

static bool expect_acceptable(const struct cell *c, int64_t len)
{
    int64_t last = c->seq + len - 1;
    if (len == 0)
        return c->wnd == 0 ? c->seq == 0 : 0 <= c->seq && c->seq < c->wnd;
    if (c->wnd == 0)
        return false;
    return (0 <= c->seq && c->seq < c->wnd) || (0 <= last && last < c->wnd);
}

static struct expectation expect(const struct cell *c)
{
    int64_t len = c->text_len + (c->flags & TCP_FIN ? 1 : 0);
    int64_t end = c->seq + len;
    bool in_window = expect_acceptable(c, len);
    bool ack_bit = (c->flags & TCP_ACK) != 0;
    bool fin = (c->flags & TCP_FIN) != 0;
    bool their_fin_again = !c->fin_wait_2 && fin && end == 0 && ack_bit;
    if (c->flags & TCP_RST)
        return expect_rst(c);
    if (c->flags & TCP_SYN) {
        if (expect_reopen(c))
            return (struct expectation){TIMEWAIT_REOPEN, SILENCE, NO_DROP};
        return keep(ACK, HAWSER_DROP_SYN_IGNORED);
    }
    if (c->record_stamped && c->stamp == STAMP_OLDER)
        return keep(ACK, HAWSER_DROP_PAWS);
    if (!in_window && !their_fin_again)
        return keep(ACK, HAWSER_DROP_WINDOW);
    if (!ack_bit)
        return keep(SILENCE, HAWSER_DROP_NO_ACK);
    if (c->ack > 0 || c->ack < -(65535 * 16384))
        return keep(ACK, HAWSER_DROP_ACK_RANGE);
    if (c->fin_wait_2) {
        if (c->text_len > 0 && c->seq + c->text_len > 0)
            return (struct expectation){TIMEWAIT_END, RST, NO_DROP};
        if (fin && c->seq + c->text_len == 0)
            return (struct expectation){TIMEWAIT_RESTART, ACK, NO_DROP};
        return fin ? keep(ACK, HAWSER_DROP_OUT_OF_ORDER) : keep(SILENCE, HAWSER_DROP_TIME_WAIT);
    }
    if (fin)
        return (struct expectation){TIMEWAIT_RESTART, ACK, NO_DROP};
    return keep(c->text_len > 0 ? ACK : SILENCE, HAWSER_DROP_TIME_WAIT);
}

static void fail_cell(const struct cell *c, const char *what, unsigned got, unsigned wanted)
{
    fail_msg("%s, rfc1337 %d, stamps %d/%d, flags %#x, seq %+ld, ack %+ld, text %ld, wnd %ld: %s "
             "is %u, not %u",
             c->fin_wait_2 ? "FIN-WAIT-2" : "TIME-WAIT", c->rfc1337, c->record_stamped,
             (int)c->stamp, c->flags, (long)c->seq, (long)c->ack, (long)c->text_len, (long)c->wnd,
             what, got, wanted);
}

/* What may and may not have changed in the record. */
static void check_record(const struct cell *c, const struct expectation *e,
                         const struct timewait *before, const struct timewait *after)
{
    struct timewait wanted = *before;
    bool restart = e->outcome == TIMEWAIT_RESTART;
    if (restart)
        wanted.ends_at_ms = 1000 * 1000 + 60 * 1000;
    if (restart && c->fin_wait_2) {
        wanted.fin_wait_2 = false;
        wanted.rcv_nxt.v++;
    }
    wanted.acks_sent = after->acks_sent;
    if (c->stamp == STAMP_NEWER && c->seq <= 0)
        wanted.ts_recent = after->ts_recent; /* test_ts_recent has the rule */
    if (memcmp(&wanted, after, sizeof wanted) != 0)
        fail_cell(c, "record", 1, 0);
    bool limited = e->answer == ACK && !restart;
    if ((after->acks_sent & 15) != (limited ? 1 : 0))
        fail_cell(c, "budget", after->acks_sent & 15u, limited);
}

static void check_cell(struct fixture *f, const struct cell *c, uint32_t snd_nxt, uint32_t rcv_nxt)
{
    static const uint32_t stamps[] = {0, TS_RECENT - 1, TS_RECENT, TS_RECENT + 1};
    struct timewait record = make_record(c->fin_wait_2);
    record.snd_nxt = seq_of(snd_nxt);
    record.rcv_nxt = seq_of(rcv_nxt);
    record.rcv_wnd = (uint16_t)(c->wnd >> 1);
    record.has_timestamps = c->record_stamped;
    record.ends_at_ms = 1010000;
    struct segment seg = fixture_segment(c->flags, rcv_nxt + (uint32_t)c->seq,
                                         snd_nxt + (uint32_t)c->ack, (uint32_t)c->text_len);
    if (c->stamp != STAMP_NONE)
        seg = stamped(seg, stamps[c->stamp]);
    f->config.rfc1337 = c->rfc1337;
    const struct timewait before = record;
    struct result r = arrive(f, &record, &seg, T0);
    struct expectation e = expect(c);
    if (r.outcome != e.outcome)
        fail_cell(c, "outcome", r.outcome, e.outcome);
    if (r.drop != e.drop)
        fail_cell(c, "drop", r.drop, e.drop);
    enum answer answer = !r.reply.present ? SILENCE : r.reply.segment.flags == TCP_ACK ? ACK : RST;
    if (answer != e.answer)
        fail_cell(c, "answer", answer, e.answer);
    if (answer == ACK)
        assert_ack(&r, &record, T0);
    if (answer == RST) {
        assert_int_equal(r.reply.segment.flags, TCP_RST);
        assert_int_equal(r.reply.segment.seq.v, snd_nxt);
        assert_int_equal(r.reply.segment.ack.v, 0);
        assert_int_equal(r.reply.segment.wnd, 0);
    }
    check_record(c, &e, &before, &record);
}

/* All 64 sets of control bits at all positions of interest, against the reference above.
 * EVIDENCE 1337-01 1337-02 */
static void matrix(bool fin_wait_2)
{
    struct fixture f;
    fixture_init(&f);
    static const int64_t texts[] = {0, 1, 100};
    static const int64_t acks[] = {
        0, 1, -1, -70000, -65535 * 16384, -65535 * 16384 - 1, 1000000, INT32_MAX};
    static const int64_t windows[] = {0, 2, 1000, 65535 * 2};
    static const uint32_t bases[] = {0x00000000, 0x7fffff80, 0xffffff80};
    unsigned long cells = 0;
    struct cell c = {.fin_wait_2 = fin_wait_2};
    for (size_t w = 0; w < COUNT_OF(windows); w++)
        for (size_t t = 0; t < COUNT_OF(texts); t++)
            for (unsigned variant = 0; variant < 4 * STAMP_COUNT; variant++) {
                c.wnd = windows[w];
                c.text_len = texts[t];
                c.rfc1337 = variant & 1;
                c.record_stamped = (variant & 2) != 0;
                c.stamp = (enum stamp)(variant >> 2);
                const int64_t seqs[] = {
                    -1000000, -c.text_len - 2, -c.text_len - 1, -c.text_len, -1,        0,
                    1,        c.wnd / 2,       c.wnd - 1,       c.wnd,       c.wnd + 1, INT32_MAX};
                for (size_t i = 0; i < COUNT_OF(seqs) * COUNT_OF(acks) * 64; i++, cells++) {
                    c.flags = i % 64;
                    c.ack = acks[i / 64 % COUNT_OF(acks)];
                    c.seq = seqs[i / 64 / COUNT_OF(acks)];
                    uint32_t base = bases[cells % COUNT_OF(bases)];
                    check_cell(&f, &c, base + 12345, base);
                }
            }
    assert_int_equal(cells, 4 * 3 * 16 * 12 * 8 * 64);
    fixture_deinit(&f);
}

static void test_matrix_time_wait(void **state)
{
    (void)state;
    matrix(false);
}

static void test_matrix_fin_wait_2(void **state)
{
    (void)state;
    matrix(true);
}

/* ---- rule by rule ---------------------------------------------------------------------------- */

/* RFC 6191 2, and MAY-2 where no timestamps are.
 * EVIDENCE 6191-01 6191-02 6191-03 6191-04 6191-06 9293-SHLD-4 9293-3.10.7.4d-3 */
static void test_syn(void **state)
{
    (void)state;
    static const struct {
        bool record_stamped, config_stamps;
        int64_t ts;  /* of the SYN, from TS.Recent; -1000000: none */
        int32_t seq; /* from the FIN's number */
        bool reopens;
    } rows[] = {
        {true, true, 1, -5000, true},
        {true, true, 1, 0, true},
        {true, true, 0x7fffffff, 0, true},
        {true, true, 0, 0, false},
        {true, true, 0, 1, true},
        {true, true, 0, -1, false},
        {true, true, -1, 1, false},
        {true, true, -1, 100000, false},
        {true, true, -1000000, 0, false},
        {true, true, -1000000, 1, true},
        {true, true, -1000000, -1, false},
        {true, true, -1000000, 0x7fffffff, true},
        {false, true, 1, 0, true},
        {false, true, -1, -5000, true},
        {false, true, -1000000, 0, false},
        {false, true, -1000000, 1, true},
        /* A host that will not use timestamps is left with the sequence numbers. */
        {true, false, 1, 0, false},
        {true, false, -1, 1, true},
        {false, false, 1, 0, false},
        {false, false, 1, 1, true},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        f.config.timestamps = rows[i].config_stamps;
        struct timewait record = make_record(false);
        record.has_timestamps = rows[i].record_stamped;
        struct segment syn = fixture_segment(TCP_SYN, RCV_NXT - 1 + (uint32_t)rows[i].seq, 0, 0);
        if (rows[i].ts != -1000000)
            syn = stamped(syn, TS_RECENT + (uint32_t)rows[i].ts);
        const struct timewait before = record;
        struct result r = arrive(&f, &record, &syn, T0);
        if ((r.outcome == TIMEWAIT_REOPEN) != rows[i].reopens)
            fail_msg("row %zu", i);
        if (rows[i].reopens) { /* nothing sent and nothing changed: a listener decides */
            assert_false(r.reply.present);
            assert_memory_equal(&record, &before, sizeof record);
            assert_true(seq_gt(isn_beyond(seq_of(SND_NXT), record.snd_nxt), record.snd_nxt));
        } else { /* neither SYN-ACK nor RST, and TIME-WAIT goes on */
            assert_int_equal(r.outcome, TIMEWAIT_KEEP);
            assert_ack(&r, &record, T0);
            assert_int_equal(record.ends_at_ms, before.ends_at_ms);
        }
    }
    fixture_deinit(&f);
}

/* SYN,ACK is not an opening; in FIN-WAIT-2 no SYN is. */
static void test_syn_that_never_reopens(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    static const int32_t seqs[] = {-1000000, -1, 0, 1, 500, 1000, 1000000};
    for (size_t i = 0; i < COUNT_OF(seqs); i++)
        for (int fin_wait_2 = 0; fin_wait_2 <= 1; fin_wait_2++) {
            struct timewait record = make_record(fin_wait_2);
            uint8_t flags = fin_wait_2 ? TCP_SYN : TCP_SYN | TCP_ACK;
            struct segment syn = fixture_segment(flags, RCV_NXT + (uint32_t)seqs[i], SND_NXT, 0);
            syn = stamped(syn, TS_RECENT + 100);
            struct result r = arrive(&f, &record, &syn, T0);
            assert_int_equal(r.outcome, TIMEWAIT_KEEP);
            assert_int_equal(r.drop, HAWSER_DROP_SYN_IGNORED);
            assert_ack(&r, &record, T0);
            assert_int_equal(record.ts_recent, TS_RECENT);
        }
    assert_int_equal(f.counters.challenge_acks, 2 * COUNT_OF(seqs));
    fixture_deinit(&f);
}

/* EVIDENCE 1337-01 7323-25 */
static void test_rst(void **state)
{
    (void)state;
    static const struct {
        bool fin_wait_2, rfc1337;
        int32_t seq;
        enum timewait_outcome outcome;
        bool ack;
        unsigned counted_ignored, counted_in, counted_challenges;
    } rows[] = {
        {false, true, 0, TIMEWAIT_KEEP, false, 1, 0, 0},
        {false, true, 1, TIMEWAIT_KEEP, false, 1, 0, 0},
        {false, true, 999, TIMEWAIT_KEEP, false, 1, 0, 0},
        {false, true, 1000, TIMEWAIT_KEEP, false, 0, 0, 0},
        {false, true, -1, TIMEWAIT_KEEP, false, 0, 0, 0},
        {false, false, 0, TIMEWAIT_END, false, 0, 1, 0},
        {false, false, 1, TIMEWAIT_KEEP, true, 0, 0, 1},
        {false, false, 999, TIMEWAIT_KEEP, true, 0, 0, 1},
        {false, false, 1000, TIMEWAIT_KEEP, false, 0, 0, 0},
        {false, false, -1, TIMEWAIT_KEEP, false, 0, 0, 0},
        {true, true, 0, TIMEWAIT_END, false, 0, 1, 0},
        {true, true, 1, TIMEWAIT_KEEP, true, 0, 0, 1},
        {true, true, 999, TIMEWAIT_KEEP, true, 0, 0, 1},
        {true, true, 1000, TIMEWAIT_KEEP, false, 0, 0, 0},
        {true, true, -1, TIMEWAIT_KEEP, false, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (unsigned more = 0; more < 4; more++) { /* text, an ancient timestamp: no difference */
            struct fixture f;
            fixture_init(&f);
            f.config.rfc1337 = rows[i].rfc1337;
            struct timewait record = make_record(rows[i].fin_wait_2);
            struct segment rst = fixture_segment(TCP_RST | TCP_ACK, RCV_NXT + (uint32_t)rows[i].seq,
                                                 SND_NXT, more & 1 ? 20 : 0);
            if (more & 2)
                rst = stamped(rst, TS_RECENT - 1000000);
            const struct timewait before = record;
            struct result r = arrive(&f, &record, &rst, T0);
            if (r.outcome != rows[i].outcome || r.reply.present != rows[i].ack ||
                f.counters.timewait_resets_ignored != rows[i].counted_ignored ||
                f.counters.resets_in != rows[i].counted_in ||
                f.counters.challenge_acks != rows[i].counted_challenges)
                fail_msg("row %zu.%u", i, more);
            assert_int_equal(record.ends_at_ms, before.ends_at_ms);
            assert_int_equal(record.ts_recent, before.ts_recent);
            assert_int_equal(f.counters.paws_refused, 0);
            fixture_deinit(&f);
        }
}

/* With a window of zero the exact RST still counts. */
static void test_rst_with_window_zero(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct timewait record = make_record(true);
    record.rcv_wnd = 0;
    struct segment rst = fixture_segment(TCP_RST, RCV_NXT + 1, 0, 0);
    struct result r = arrive(&f, &record, &rst, T0);
    assert_int_equal(r.outcome, TIMEWAIT_KEEP);
    rst = fixture_segment(TCP_RST, RCV_NXT, 0, 0);
    r = arrive(&f, &record, &rst, T0);
    assert_int_equal(r.outcome, TIMEWAIT_END);
    fixture_deinit(&f);
}

/* An old duplicate is answered, and ends nothing and prolongs nothing; nor does the RST that the
 * answer may draw. The life of a record under such traffic is what it was.
 * EVIDENCE 1337-01 1337-02 */
static void test_assassination(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct timewait record = make_record(false);
    for (unsigned s = 1; s < 60; s++) {
        uint64_t now = T0 + s * NS_PER_S;
        struct segment old =
            fixture_segment(TCP_ACK | TCP_PSH, RCV_NXT - 5000, SND_NXT - 700, 1400);
        struct result r = arrive(&f, &record, &old, now);
        assert_int_equal(r.outcome, TIMEWAIT_KEEP);
        assert_ack(&r, &record, now);
        struct segment rst =
            fixture_segment(TCP_RST, r.reply.segment.ack.v, 0, 0); /* RFC 1337, Figure 1 */
        r = arrive(&f, &record, &rst, now);
        assert_int_equal(r.outcome, TIMEWAIT_KEEP);
        assert_false(r.reply.present);
        assert_int_equal(record.ends_at_ms, 1060000);
    }
    assert_int_equal(f.counters.timewait_resets_ignored, 59);
    fixture_deinit(&f);
}

/* EVIDENCE 7323-24 7323-30 */
static void test_paws(void **state)
{
    (void)state;
    static const struct {
        uint32_t recent, ts;
        bool refused;
    } rows[] = {
        {5000, 4999, true},
        {5000, 5000, false},
        {5000, 5001, false},
        {0, 0xffffffff, true},
        {0xffffffff, 0, false},
        {0xffffffff, 0xfffffffe, true},
        {0x7fffffff, 0x80000000, false},
        {5000, 5000u + 0x7fffffff, false},
        {5000, 5000u - 0x7fffffff, true},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int fin_wait_2 = 0; fin_wait_2 <= 1; fin_wait_2++) {
            uint64_t before = f.counters.paws_refused;
            struct timewait record = make_record(fin_wait_2);
            record.ts_recent = rows[i].recent;
            /* In the window, and with a FIN that would do something. */
            struct segment fin = fixture_segment(TCP_FIN | TCP_ACK, RCV_NXT, SND_NXT, 0);
            fin = stamped(fin, rows[i].ts);
            struct result r = arrive(&f, &record, &fin, T0);
            if (f.counters.paws_refused - before != rows[i].refused)
                fail_msg("row %zu", i);
            assert_int_equal(r.outcome, rows[i].refused ? TIMEWAIT_KEEP : TIMEWAIT_RESTART);
            assert_ack(&r, &record, T0);
            assert_int_equal(record.ts_recent, rows[i].refused ? rows[i].recent : rows[i].ts);
        }
    fixture_deinit(&f);
}

/* TS.Recent follows what starts at or left of RCV.NXT and is taken, nothing else.
 * EVIDENCE 7323-23 */
static void test_ts_recent(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        int32_t seq, ack;
        bool taken;
    } rows[] = {
        {TCP_ACK, 0, 0, true},   {TCP_ACK, 1, 0, false},
        {TCP_ACK, -1, 0, false}, {TCP_ACK | TCP_FIN, -1, 0, true},
        {TCP_ACK, 0, 1, false},  {TCP_PSH, 0, 0, false},
        {TCP_SYN, -5, 0, false}, {TCP_RST, 0, 0, false},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct timewait record = make_record(false);
        struct segment seg = fixture_segment(rows[i].flags, RCV_NXT + (uint32_t)rows[i].seq,
                                             SND_NXT + (uint32_t)rows[i].ack, 0);
        seg = stamped(seg, TS_RECENT + 9);
        arrive(&f, &record, &seg, T0);
        if (record.ts_recent != TS_RECENT + (rows[i].taken ? 9 : 0))
            fail_msg("row %zu", i);
        record = make_record(false); /* not negotiated: never */
        record.has_timestamps = false;
        arrive(&f, &record, &seg, T0);
        assert_int_equal(record.ts_recent, TS_RECENT);
    }
    fixture_deinit(&f);
}

/* A segment without the option is taken as it is. */
static void test_missing_timestamp(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int fin_wait_2 = 0; fin_wait_2 <= 1; fin_wait_2++) {
        struct timewait record = make_record(fin_wait_2);
        struct segment fin = fixture_segment(TCP_FIN | TCP_ACK, RCV_NXT, SND_NXT, 0);
        struct result r = arrive(&f, &record, &fin, T0);
        assert_int_equal(r.outcome, TIMEWAIT_RESTART);
        assert_int_equal(record.ts_recent, TS_RECENT);
    }
    fixture_deinit(&f);
}

/* The peer's FIN in FIN-WAIT-2, alone and behind text that is known: TIME-WAIT, for 2 MSL and not
 * for what was left. */
static void test_fin_in_fin_wait_2(void **state)
{
    (void)state;
    for (uint32_t text_len = 0; text_len <= 200; text_len += 50) {
        struct fixture f;
        fixture_init(&f);
        struct timewait record = make_record(true);
        struct segment fin =
            fixture_segment(TCP_FIN | TCP_ACK, RCV_NXT - text_len, SND_NXT, text_len);
        uint64_t now = T0 + 59 * NS_PER_S;
        struct result r = arrive(&f, &record, &fin, now);
        assert_int_equal(r.outcome, TIMEWAIT_RESTART);
        assert_false(record.fin_wait_2);
        assert_int_equal(record.rcv_nxt.v, RCV_NXT + 1);
        assert_ack(&r, &record, now); /* of the FIN */
        assert_false(timewait_is_over(&record, now + 60 * NS_PER_S - 1));
        assert_true(timewait_is_over(&record, now + 60 * NS_PER_S));
        /* Once more, now in TIME-WAIT. */
        r = arrive(&f, &record, &fin, now + NS_PER_S);
        assert_int_equal(r.outcome, TIMEWAIT_RESTART);
        assert_int_equal(record.rcv_nxt.v, RCV_NXT + 1);
        fixture_deinit(&f);
    }
}

/* Text for a program that is gone: a RST that the peer must believe. */
static void test_text_in_fin_wait_2(void **state)
{
    (void)state;
    static const struct {
        int32_t seq;
        uint32_t text_len;
        uint8_t more;
    } rows[] = {{0, 1, 0},   {0, 1400, TCP_PSH}, {-10, 11, 0}, {5, 1, 0},
                {999, 1, 0}, {0, 10, TCP_FIN},   {0, 2000, 0}};
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct timewait record = make_record(true);
        struct segment text = fixture_segment(
            TCP_ACK | rows[i].more, RCV_NXT + (uint32_t)rows[i].seq, SND_NXT - 5, rows[i].text_len);
        text = stamped(text, TS_RECENT + 3);
        struct result r = arrive(&f, &record, &text, T0);
        assert_int_equal(r.outcome, TIMEWAIT_END);
        assert_true(r.reply.present);
        assert_int_equal(r.reply.segment.flags, TCP_RST);
        assert_int_equal(r.reply.segment.seq.v,
                         SND_NXT); /* what the peer expects next: it has our FIN */
        assert_int_equal(r.reply.segment.options, TCP_OPT_TIMESTAMPS);
    }
    fixture_deinit(&f);
}

/* Ten answers in five seconds by default, then silence until the next five; the limit is the
 * config's, up to 15.
 * EVIDENCE 5961-09 5961-10 9293-3.4x-2 */
static void test_budget(void **state)
{
    (void)state;
    static const struct {
        uint32_t limit, got;
    } rows[] = {{1, 1}, {2, 2}, {10, 10}, {14, 14}, {15, 15}, {16, 15}, {255, 15}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        f.config.challenge_acks = rows[i].limit;
        struct timewait record = make_record(false);
        for (unsigned interval = 0; interval < 12; interval++) {
            unsigned acks = 0;
            for (unsigned n = 0; n < 1000; n++) {
                uint64_t now = T0 + interval * f.config.challenge_interval_ns + n * MS;
                struct segment old = fixture_segment(TCP_ACK, RCV_NXT - 1, SND_NXT, 0);
                struct result r = arrive(&f, &record, &old, now);
                acks += r.reply.present;
                assert_int_equal(r.drop, HAWSER_DROP_WINDOW);
            }
            assert_int_equal(acks, rows[i].got);
        }
        fixture_deinit(&f);
    }
}

/* Another record has its own budget. */
static void test_budget_is_each_records_own(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct timewait a = make_record(false), b = make_record(false);
    struct segment syn = fixture_segment(TCP_SYN, RCV_NXT - 1000, 0, 0);
    for (unsigned n = 0; n < 100; n++)
        arrive(&f, &a, &syn, T0);
    assert_int_equal(f.counters.challenge_acks, 10);
    assert_int_equal(f.counters.challenge_acks_limited, 90);
    struct result r = arrive(&f, &b, &syn, T0);
    assert_true(r.reply.present);
    fixture_deinit(&f);
}

/* Two records that disagree about every number: each answer draws another, until the budgets are
 * spent.
 * EVIDENCE 9293-3.4x-2 */
static void test_ack_war(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct timewait ends[2] = {make_record(false), make_record(false)};
    ends[1].snd_nxt = seq_of(12345);
    ends[1].rcv_nxt = seq_of(6789);
    struct segment seg = fixture_segment(TCP_ACK, 0x40000000, 1, 0);
    unsigned count = 0;
    for (;; count++) {
        struct result r = arrive(&f, &ends[count % 2], &seg, T0 + count * MS);
        if (!r.reply.present)
            break;
        seg = r.reply.segment;
        seg.options = 0;
    }
    assert_int_equal(count, 20);
    fixture_deinit(&f);
}

static void test_pure_ack_is_not_answered(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int fin_wait_2 = 0; fin_wait_2 <= 1; fin_wait_2++)
        for (uint32_t seq = 0; seq < 1000; seq += 37) {
            struct timewait record = make_record(fin_wait_2);
            struct segment ack = fixture_segment(TCP_ACK, RCV_NXT + seq, SND_NXT, 0);
            ack.wnd = (uint16_t)seq; /* a window update */
            struct result r = arrive(&f, &record, &ack, T0);
            assert_int_equal(r.outcome, TIMEWAIT_KEEP);
            assert_false(r.reply.present);
        }
    fixture_deinit(&f);
}

/* ---- reuse by an active open ----------------------------------------------------------------- */

static void test_may_reuse(void **state)
{
    (void)state;
    static const struct {
        uint8_t setting;
        bool loopback, stamps, config_stamps, fin_wait_2;
        uint64_t age_ns, delay_ns;
        bool may;
    } rows[] = {
        {0, true, true, true, false, 30 * NS_PER_S, NS_PER_S, false},
        {0, false, true, true, false, 30 * NS_PER_S, NS_PER_S, false},
        {1, false, true, true, false, 30 * NS_PER_S, NS_PER_S, true},
        {1, true, true, true, false, 30 * NS_PER_S, NS_PER_S, true},
        {2, false, true, true, false, 30 * NS_PER_S, NS_PER_S, false},
        {2, true, true, true, false, 30 * NS_PER_S, NS_PER_S, true},
        {1, false, false, true, false, 30 * NS_PER_S, NS_PER_S, false},
        {1, false, true, false, false, 30 * NS_PER_S, NS_PER_S, false},
        {1, false, true, true, true, 30 * NS_PER_S, NS_PER_S, false},
        {1, false, true, true, false, NS_PER_S - 1, NS_PER_S, false},
        {1, false, true, true, false, NS_PER_S + MS, NS_PER_S, true},
        {1, false, true, true, false, 0, NS_PER_S, false},
        {1, false, true, true, false, MS, 0, true},
        {1, false, true, true, false, 20 * NS_PER_S - 1, 20 * NS_PER_S, false},
        {1, false, true, true, false, 20 * NS_PER_S + MS, 20 * NS_PER_S, true},
        {1, false, true, true, false, 60 * NS_PER_S, NS_PER_S,
         true}, /* over, and not yet collected */
    };
    static const uint64_t starts[] = {T0, T0 + 1, T0 + 999999,
                                      (UINT64_C(1) << 32) * MS - 10 * NS_PER_S};
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(starts); j++) {
            f.config.timewait_reuse = rows[i].setting;
            f.config.timestamps = rows[i].config_stamps;
            f.config.timewait_reuse_delay_ns = rows[i].delay_ns;
            struct tcb tcb = closed_block(&f, rows[i].fin_wait_2);
            tcb.has_timestamps = rows[i].stamps;
            struct timewait record;
            timewait_from_tcb(&f.tcp, &tcb, starts[j], &record);
            if (timewait_may_reuse(&f.tcp, &record, rows[i].loopback, starts[j] + rows[i].age_ns) !=
                rows[i].may)
                fail_msg("row %zu, start %zu", i, j);
        }
    fixture_deinit(&f);
}

/* A record that a FIN restarted is young again. */
static void test_reuse_after_restart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.config.timewait_reuse = 1;
    struct timewait record = make_record(false); /* began at T0 */
    assert_true(timewait_may_reuse(&f.tcp, &record, false, T0 + 5 * NS_PER_S));
    struct segment fin = fixture_segment(TCP_FIN | TCP_ACK, RCV_NXT - 1, SND_NXT, 0);
    arrive(&f, &record, &fin, T0 + 5 * NS_PER_S);
    assert_false(timewait_may_reuse(&f.tcp, &record, false, T0 + 5 * NS_PER_S));
    assert_true(timewait_may_reuse(&f.tcp, &record, false, T0 + 6 * NS_PER_S));
    fixture_deinit(&f);
}

/* Without a listener the caller keeps the record and answers the SYN itself. */
static void test_ack(void **state)
{
    (void)state;
    struct result r = {0};
    struct timewait record = make_record(false);
    timewait_ack(&record, TS_OFFSET, T0, &r.reply);
    assert_ack(&r, &record, T0);
    record.has_timestamps = false;
    timewait_ack(&record, TS_OFFSET, T0, &r.reply);
    assert_ack(&r, &record, T0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_tcb),
        cmocka_unit_test(test_from_tcb_opens_the_window),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_retransmitted_fin),
        cmocka_unit_test(test_matrix_time_wait),
        cmocka_unit_test(test_matrix_fin_wait_2),
        cmocka_unit_test(test_syn),
        cmocka_unit_test(test_syn_that_never_reopens),
        cmocka_unit_test(test_rst),
        cmocka_unit_test(test_rst_with_window_zero),
        cmocka_unit_test(test_assassination),
        cmocka_unit_test(test_paws),
        cmocka_unit_test(test_ts_recent),
        cmocka_unit_test(test_missing_timestamp),
        cmocka_unit_test(test_fin_in_fin_wait_2),
        cmocka_unit_test(test_text_in_fin_wait_2),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_budget_is_each_records_own),
        cmocka_unit_test(test_ack_war),
        cmocka_unit_test(test_pure_ack_is_not_answered),
        cmocka_unit_test(test_may_reuse),
        cmocka_unit_test(test_reuse_after_restart),
        cmocka_unit_test(test_ack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
