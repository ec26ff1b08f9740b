/* SPDX-License-Identifier: MIT */
/* Segment text into the receive queue, in order or not (RFC 9293 3.10.7.4 seventh, RFC 2018). */
#include "tcp/reasm.h"

#include <string.h>

#include "base/assert.h"

/* Octets from rcv.nxt to the end of the last island. */
static uint32_t islands_reach(const struct tcb *tcb)
{
    return tcb->ooo.count == 0 ? 0 : tcb->ooo.at[tcb->ooo.count - 1].right - tcb->rcv.nxt.v;
}

/* n more octets of the queue are in order. */
static void advance(struct tcb *tcb, uint32_t n)
{
    tcb->rcv.nxt = seq_add(tcb->rcv.nxt, n);
    tcb->rcv.wnd = tcb->rcv.wnd > n ? tcb->rcv.wnd - n : 0;
    tcb->bytes_received += n;
}

/* Islands that rcv.nxt has reached join the queue. */
static void absorb_islands(const struct tcp *tcp, struct tcb *tcb)
{
    while (tcb->ooo.count > 0 && seq_leq(seq_of(tcb->ooo.at[0].left), tcb->rcv.nxt)) {
        seq_t right = seq_of(tcb->ooo.at[0].right);
        if (seq_gt(right, tcb->rcv.nxt)) {
            uint32_t n = seq_diff(right, tcb->rcv.nxt);
            ring_extend(&tcb->rx, n);
            advance(tcb, n);
        }
        ranges_drop_below(&tcb->ooo, tcp->buffers, tcb->rcv.nxt.v);
    }
}

/* RFC2018 06: the island that changed last is reported first, then those before it. Those that it
 * grew out of or swallowed give up their places. */
static void remember_island(struct tcb *tcb, struct range island)
{
    seq_t before[sizeof tcb->ooo_recent / sizeof tcb->ooo_recent[0]];
    unsigned places = sizeof before / sizeof before[0], kept = 0;
    memcpy(before, tcb->ooo_recent, sizeof before);
    tcb->ooo_recent[kept++] = seq_of(island.left);
    for (unsigned i = 0; i < places && kept < places; i++) {
        if (!seq_in(before[i], seq_of(island.left), island.right - island.left))
            tcb->ooo_recent[kept++] = before[i];
    }
}

static enum reasm_result insert_island(const struct tcp *tcp, struct tcb *tcb, seq_t seq,
                                       const uint8_t *text, uint32_t n)
{
    uint32_t offset = seq_diff(seq, tcb->rcv.nxt);
    uint32_t reach = islands_reach(tcb);
    if (!ring_reserve(&tcb->rx, tcp->buffers,
                      tcb->rx.len + (offset + n > reach ? offset + n : reach), reach)) {
        tcb_count_drop(tcp, tcb, HAWSER_DROP_MEMORY);
        return REASM_REFUSED;
    }
    struct range merged;
    uint32_t added;
    if (!ranges_add(&tcb->ooo, tcp->buffers, seq.v, seq_add(seq, n).v, &merged, &added)) {
        tcb_count_drop(tcp, tcb, HAWSER_DROP_OUT_OF_ORDER);
        if (tcb->rx.len == 0 && tcb->ooo.count == 0)
            ring_free(&tcb->rx, tcp->buffers);
        return REASM_REFUSED;
    }
    remember_island(tcb, merged);
    if (added == 0)
        return REASM_OLD;
    /* What lay there already is the same text by RFC 9293 3.4, or the peer's lie to itself. */
    ring_write_at(&tcb->rx, tcb->rx.len + offset, text, n);
    tcp->counters->out_of_order_queued++;
    tcb->ooo_total++;
    return REASM_ISLAND;
}

/* Text that fills a hole is not looked at for its timestamp again (RFC7323 27): that was done when
 * it came. */
enum reasm_result reasm_insert(const struct tcp *tcp, struct tcb *tcb, seq_t seq,
                               const uint8_t *text, uint32_t n)
{
    ASSERT(n > 0);
    if (seq_gt(seq, tcb->rcv.nxt))
        return insert_island(tcp, tcb, seq, text, n);
    /* RFC9293 3.10.7.4a-4: only what is new is taken. */
    uint32_t old = seq_diff(tcb->rcv.nxt, seq);
    if (old >= n)
        return REASM_OLD;
    text += old;
    n -= old;
    uint32_t reach = islands_reach(tcb);
    if (!ring_reserve(&tcb->rx, tcp->buffers, tcb->rx.len + (n > reach ? n : reach), reach)) {
        tcb_count_drop(tcp, tcb, HAWSER_DROP_MEMORY);
        return REASM_REFUSED;
    }
    ring_append(&tcb->rx, text, n);
    advance(tcb, n);
    if (tcb->ooo.count == 0)
        return REASM_ADVANCED;
    absorb_islands(tcp, tcb);
    return REASM_FILLED;
}

/* Is the island that holds `left` already among the blocks? */
static bool has_block(const struct sack_block *blocks, unsigned count, struct range island)
{
    for (unsigned i = 0; i < count; i++) {
        if (blocks[i].left.v == island.left)
            return true;
    }
    return false;
}

unsigned reasm_sack_blocks(const struct tcb *tcb, unsigned most,
                           struct sack_block out[TCP_SACK_BLOCKS_MAX])
{
    unsigned count = 0;
    unsigned recent = sizeof tcb->ooo_recent / sizeof tcb->ooo_recent[0];
    for (unsigned i = 0; i < recent && count < most; i++) {
        uint16_t at = ranges_find(&tcb->ooo, tcb->ooo_recent[i].v);
        if (at == tcb->ooo.count || (int32_t)(tcb->ooo.at[at].left - tcb->ooo_recent[i].v) > 0)
            continue; /* that island has been absorbed */
        if (!has_block(out, count, tcb->ooo.at[at]))
            out[count++] =
                (struct sack_block){seq_of(tcb->ooo.at[at].left), seq_of(tcb->ooo.at[at].right)};
    }
    /* Room is left: the highest islands, the peer's retransmissions will come from below. */
    for (unsigned i = tcb->ooo.count; i > 0 && count < most; i--) {
        if (!has_block(out, count, tcb->ooo.at[i - 1]))
            out[count++] = (struct sack_block){seq_of(tcb->ooo.at[i - 1].left),
                                               seq_of(tcb->ooo.at[i - 1].right)};
    }
    return count;
}
