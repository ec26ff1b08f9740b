/* SPDX-License-Identifier: MIT */
/* Reassembly against a plain model, and the choice of SACK blocks. */
#include "tcp/reasm.h"

#include "fixture.h"

#include "base/prng.h"

static struct fixture f;

static struct tcb block(uint32_t rcv_nxt)
{
    struct tcb tcb;
    fixture_init(&f);
    tcb_init(&f.tcp, &tcb);
    tcb.rcv.nxt = seq_of(rcv_nxt);
    tcb.rcv.wnd = 1u << 20;
    tcb.rcv_buf_bytes = 1u << 20;
    tcb.has_sack = true;
    return tcb;
}

static uint8_t octet(uint32_t n)
{
    return (uint8_t)(n * 13 + (n >> 8));
}

static enum reasm_result put(struct tcb *tcb, uint32_t base, uint32_t offset, uint32_t n)
{
    uint8_t text[4096];
    assert_true(n <= sizeof text);
    for (uint32_t i = 0; i < n; i++)
        text[i] = octet(offset + i);
    return reasm_insert(&f.tcp, tcb, seq_of(base + offset), text, n);
}

/* EVIDENCE 9293-SHLD-31 9293-3.10.7.4a-4 */
static void any_order_gives_the_stream(void **state)
{
    (void)state;
    static const uint32_t bases[] = {1, 0xffffff00, 0x7fffff00};
    enum { TOTAL = 20000 };
    for (unsigned b = 0; b < COUNT_OF(bases); b++) {
        struct prng prng;
        prng_init(&prng, b + 1);
        for (int round = 0; round < 30; round++) {
            struct tcb tcb = block(bases[b]);
            bool have[TOTAL] = {false};
            while (tcb.rx.len < TOTAL) {
                uint32_t next = tcb.rx.len;
                uint32_t offset = prng_below(&prng, 4) == 0 ? next : prng_below(&prng, TOTAL);
                uint32_t n = 1 + prng_below(&prng, 1500);
                if (offset + n > TOTAL)
                    n = TOTAL - offset;
                if (n == 0)
                    continue;
                if (put(&tcb, bases[b], offset, n) != REASM_REFUSED)
                    memset(&have[offset], true, n);
                uint32_t want = 0;
                while (want < TOTAL && have[want])
                    want++;
                assert_int_equal(tcb.rx.len, want);
                assert_int_equal(seq_diff(tcb.rcv.nxt, seq_of(bases[b])), want);
            }
            uint8_t text[TOTAL];
            ring_read_at(&tcb.rx, 0, text, TOTAL);
            for (uint32_t i = 0; i < TOTAL; i++)
                assert_int_equal(text[i], octet(i));
            assert_int_equal(tcb.ooo.count, 0);
            tcb_release(&f.tcp, &tcb);
            fixture_deinit(&f);
        }
    }
}

static void results(void **state)
{
    (void)state;
    struct tcb tcb = block(100);
    assert_int_equal(put(&tcb, 100, 0, 10), REASM_ADVANCED);
    assert_int_equal(put(&tcb, 100, 0, 10), REASM_OLD);
    assert_int_equal(put(&tcb, 100, 20, 10), REASM_ISLAND);
    assert_int_equal(put(&tcb, 100, 22, 5), REASM_OLD);
    assert_int_equal(put(&tcb, 100, 5, 10), REASM_FILLED); /* part of the gap */
    assert_int_equal(put(&tcb, 100, 15, 5), REASM_FILLED); /* the rest */
    assert_int_equal(tcb.rx.len, 30);
    tcb_release(&f.tcp, &tcb);
    fixture_deinit(&f);
}

/* EVIDENCE 2018-05 2018-06 2018-07 */
static void blocks_name_the_latest_first(void **state)
{
    (void)state;
    struct tcb tcb = block(0);
    struct sack_block blocks[TCP_SACK_BLOCKS_MAX];
    for (uint32_t i = 1; i <= 6; i++)
        put(&tcb, 0, i * 100, 10);
    assert_int_equal(reasm_sack_blocks(&tcb, 3, blocks), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(blocks[i].left.v, (6 - i) * 100);
        assert_int_equal(blocks[i].right.v, (6 - i) * 100 + 10);
    }
    put(&tcb, 0, 210, 10); /* island 2 grows: it is the news */
    assert_int_equal(reasm_sack_blocks(&tcb, 4, blocks), 4);
    assert_int_equal(blocks[0].left.v, 200);
    assert_int_equal(blocks[0].right.v, 220);
    assert_int_equal(blocks[1].left.v, 600);
    assert_int_equal(blocks[2].left.v, 500);
    put(&tcb, 0, 0, 250); /* the front arrives and swallows two islands */
    assert_int_equal(reasm_sack_blocks(&tcb, 4, blocks), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_true(seq_gt(blocks[i].left, tcb.rcv.nxt));
    tcb_release(&f.tcp, &tcb);
    fixture_deinit(&f);
}

static void too_many_islands_are_refused(void **state)
{
    (void)state;
    struct tcb tcb = block(0);
    uint32_t i = 1;
    while (i <= RANGES_MAX) {
        assert_int_equal(put(&tcb, 0, i * 4, 1), REASM_ISLAND);
        i++;
    }
    assert_int_equal(put(&tcb, 0, i * 4, 1), REASM_REFUSED);
    assert_int_equal(f.counters.dropped[HAWSER_DROP_OUT_OF_ORDER], 1);
    assert_int_equal(put(&tcb, 0, 0, 4), REASM_FILLED); /* the front is always welcome */
    tcb_release(&f.tcp, &tcb);
    fixture_deinit(&f);
}

static void no_memory_is_a_loss(void **state)
{
    (void)state;
    struct tcb tcb = block(0);
    f.buffers.limit_bytes = 0;
    assert_int_equal(put(&tcb, 0, 0, 10), REASM_REFUSED);
    assert_int_equal(put(&tcb, 0, 50, 10), REASM_REFUSED);
    assert_int_equal(tcb.rx.len, 0);
    assert_int_equal(tcb.rcv.nxt.v, 0);
    assert_int_equal(f.counters.dropped[HAWSER_DROP_MEMORY], 2);
    f.buffers.limit_bytes = 2048; /* a ring, but no list */
    assert_int_equal(put(&tcb, 0, 50, 10), REASM_REFUSED);
    assert_int_equal(f.buffers.used_bytes, 0);
    f.buffers.limit_bytes = 1u << 20;
    assert_int_equal(put(&tcb, 0, 0, 10), REASM_ADVANCED);
    tcb_release(&f.tcp, &tcb);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_stream),
        cmocka_unit_test(results),
        cmocka_unit_test(blocks_name_the_latest_first),
        cmocka_unit_test(too_many_islands_are_refused),
        cmocka_unit_test(no_memory_is_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
