/* SPDX-License-Identifier: MIT */
/* The control block's birth, end and state (RFC 9293 3.3). The only place that writes `state`. */
#include "tcp/tcb.h"

#include <string.h>

#include "base/assert.h"
#include "tcp/handshake.h"
#include "tcp/rtx.h"

#define BIT(state) (1u << HAWSER_##state)

/* Figure 5 of RFC 9293, with the edges that a RST, an ABORT or a timeout adds. CLOSED ->
 * SYN-RECEIVED is LISTEN -> SYN-RECEIVED of a half-open request: the listener itself never leaves
 * LISTEN. SYN-RECEIVED -> CLOSE-WAIT is a FIN on the handshake's ACK (RFC9293 FIG5-23). */
static const uint16_t legal_edges[] = {
    [HAWSER_CLOSED] = BIT(SYN_SENT) | BIT(SYN_RECEIVED),
    [HAWSER_LISTEN] = BIT(SYN_RECEIVED) | BIT(CLOSED),
    [HAWSER_SYN_SENT] = BIT(SYN_RECEIVED) | BIT(ESTABLISHED) | BIT(CLOSED),
    [HAWSER_SYN_RECEIVED] = BIT(ESTABLISHED) | BIT(FIN_WAIT_1) | BIT(CLOSE_WAIT) | BIT(CLOSED),
    [HAWSER_ESTABLISHED] = BIT(FIN_WAIT_1) | BIT(CLOSE_WAIT) | BIT(CLOSED),
    [HAWSER_FIN_WAIT_1] = BIT(FIN_WAIT_2) | BIT(CLOSING) | BIT(TIME_WAIT) | BIT(CLOSED),
    [HAWSER_FIN_WAIT_2] = BIT(TIME_WAIT) | BIT(CLOSED),
    [HAWSER_CLOSE_WAIT] = BIT(LAST_ACK) | BIT(CLOSED),
    [HAWSER_CLOSING] = BIT(TIME_WAIT) | BIT(CLOSED),
    [HAWSER_LAST_ACK] = BIT(CLOSED),
    [HAWSER_TIME_WAIT] = BIT(CLOSED),
};

void tcb_settings_init(const struct tcp *tcp, struct tcb_settings *set)
{
    const struct hawser_config *config = tcp->config;
    memset(set, 0, sizeof *set);
    set->snd_buf_bytes = config->send_buffer_bytes;
    set->rcv_buf_bytes_max = config->receive_buffer_bytes;
    set->keepalive_idle_ms = (uint32_t)(config->keepalive_idle_ns / NS_PER_MS);
    set->keepalive_interval_ms = (uint32_t)(config->keepalive_interval_ns / NS_PER_MS);
    set->keepalive_probes = config->keepalive_probes;
    set->hop_limit = config->hop_limit;
}

static void stop_timers(struct tcb *tcb)
{
    tcb->timer.rtx_ns = tcb->timer.persist_ns = tcb->timer.override_ns = NEVER;
    tcb->timer.delack_ns = tcb->timer.keepalive_ns = tcb->timer.user_ns = NEVER;
}

void tcb_init(const struct tcp *tcp, struct tcb *tcb)
{
    memset(tcb, 0, sizeof *tcb);
    tcb->state = HAWSER_CLOSED;
    stop_timers(tcb);
    tcb_settings_init(tcp, &tcb->set);
    rtx_init(tcp, tcb);
    uint32_t quick = tcp->config->quick_acks;
    tcb->quick_acks = (uint8_t)(quick > UINT8_MAX ? UINT8_MAX : quick);
}

void tcb_set_state(const struct tcp *tcp, struct tcb *tcb, enum hawser_state to,
                   enum hawser_cause cause)
{
    enum hawser_state from = (enum hawser_state)tcb->state;
    ASSERT(legal_edges[from] & (1u << to));
    tcb->state = (uint8_t)to;
    if (__builtin_expect(tcp->observer != NULL, 0))
        tcp->observer->state_changed(tcp->observer->ctx, tcb, from, cause);
}

void tcb_update_mss(struct tcb *tcb)
{
    uint32_t mss = tcb->peer_mss < tcb->path_mss ? tcb->peer_mss : tcb->path_mss;
    if (tcb->set.mss_max != 0 && tcb->set.mss_max < mss)
        mss = tcb->set.mss_max;
    uint32_t options = tcb->has_timestamps ? 12 : 0; /* RFC7323 34 */
    tcb->snd_mss = (uint16_t)(mss > options + 8 ? mss - options : 8);
}

void tcb_start_receiving(const struct tcp *tcp, struct tcb *tcb)
{
    uint32_t first = tcp->config->receive_window_initial_bytes;
    tcb->rcv_buf_bytes = first < tcb->set.rcv_buf_bytes_max ? first : tcb->set.rcv_buf_bytes_max;
    tcb->rcv.wnd = handshake_initial_rcv_wnd(tcp, &tcb->set);
}

/* Islands out of order can never be read once the connection is over. */
static void forget_islands(const struct tcp *tcp, struct tcb *tcb)
{
    ranges_free(&tcb->ooo, tcp->buffers);
    if (tcb->rx.len == 0)
        ring_free(&tcb->rx, tcp->buffers);
}

void tcb_end(const struct tcp *tcp, struct tcb *tcb, int error, enum hawser_cause cause)
{
    tcb_set_state(tcp, tcb, HAWSER_CLOSED, cause);
    ring_free(&tcb->tx, tcp->buffers);
    ranges_free(&tcb->sacked, tcp->buffers);
    tcb->sacked_bytes = 0;
    forget_islands(tcp, tcb);
    stop_timers(tcb);
    if (error != 0 && tcb->error == 0) {
        tcb->error = (int8_t)error;
        tcb_tell(tcb, HAWSER_EVENT_ERROR);
    }
}

void tcb_time_wait(const struct tcp *tcp, struct tcb *tcb, enum hawser_cause cause)
{
    tcb_set_state(tcp, tcb, HAWSER_TIME_WAIT, cause);
    ring_free(&tcb->tx, tcp->buffers);
    forget_islands(tcp, tcb);
    stop_timers(tcb);
}

void tcb_release(const struct tcp *tcp, struct tcb *tcb)
{
    ring_free(&tcb->tx, tcp->buffers);
    ring_free(&tcb->rx, tcp->buffers);
    ranges_free(&tcb->ooo, tcp->buffers);
    ranges_free(&tcb->sacked, tcp->buffers);
    tcb->sacked_bytes = 0;
}

void tcb_count_drop(const struct tcp *tcp, const struct tcb *tcb, enum hawser_drop drop)
{
    tcp->counters->dropped[drop]++;
    if (__builtin_expect(tcp->observer != NULL, 0))
        tcp->observer->dropped(tcp->observer->ctx, tcb, drop);
}

static void check_send_side(const struct tcb *tcb)
{
    CHECK(seq_leq(tcb->snd.una, tcb->snd.nxt));
    CHECK(tcb->syn_acked || seq_eq(tcb->snd.una, tcb->iss));
    /* What was sent is queued text, and at most a SYN before and a FIN behind it. */
    CHECK(seq_leq(tcb->snd.nxt, seq_add(tcb_tx_end(tcb), tcb->fin_queued ? 1 : 0)));
    CHECK(tcb->sacked_bytes == ranges_total(&tcb->sacked));
    if (tcb->sacked.count > 0) {
        CHECK(seq_gt(seq_of(tcb->sacked.at[0].left), tcb->snd.una));
        CHECK(seq_leq(seq_of(tcb->sacked.at[tcb->sacked.count - 1].right), tcb->snd.nxt));
    }
    if (tcb->recovery != RECOVERY_OPEN) {
        CHECK(seq_geq(tcb->high_rxt, tcb->snd.una));
        CHECK(seq_leq(tcb->high_rxt, tcb->snd.nxt));
    }
    CHECK(tcb->cwnd >= tcb->snd_mss || tcb->snd_mss == 0);
    /* Outstanding data always has a timer behind it (RFC6298 10), and only outstanding data has. A
     * front that waits to be sent starts it then. */
    bool outstanding = tcb->snd.una.v != tcb->snd.nxt.v;
    CHECK(!outstanding || tcb->timer.rtx_ns != NEVER || tcb->rtx_now);
    CHECK(outstanding || tcb->timer.rtx_ns == NEVER);
}

static void check_receive_side(const struct tcb *tcb)
{
    CHECK(tcb->rx.len <= ring_capacity(&tcb->rx));
    if (tcb->ooo.count > 0) {
        CHECK(seq_gt(seq_of(tcb->ooo.at[0].left), tcb->rcv.nxt));
        uint32_t reach = tcb->ooo.at[tcb->ooo.count - 1].right - tcb->rcv.nxt.v;
        CHECK(tcb->rx.len + reach <= ring_capacity(&tcb->rx));
    }
    CHECK(!tcb->fin_received || tcb->ooo.count == 0);
    CHECK(!(tcb->fin_received && tcb->fin_waiting));
}

void tcb_check(const struct tcp *tcp, const struct tcb *tcb)
{
    (void)tcp;
    if (!CHECKS_ENABLED || tcb->state == HAWSER_CLOSED)
        return;
    check_send_side(tcb);
    check_receive_side(tcb);
    switch ((enum hawser_state)tcb->state) {
    case HAWSER_SYN_SENT:
        CHECK(!tcb->syn_acked && !tcb->fin_queued && tcb->rx.len == 0);
        break;
    case HAWSER_SYN_RECEIVED:
        CHECK(!tcb->syn_acked);
        break;
    case HAWSER_ESTABLISHED:
        CHECK(!tcb->fin_queued && !tcb->fin_received);
        break;
    case HAWSER_FIN_WAIT_1:
    case HAWSER_FIN_WAIT_2:
        CHECK(tcb->fin_queued && !tcb->fin_received);
        break;
    case HAWSER_CLOSE_WAIT:
        CHECK(!tcb->fin_queued && tcb->fin_received);
        break;
    case HAWSER_CLOSING:
    case HAWSER_LAST_ACK:
    case HAWSER_TIME_WAIT:
        CHECK(tcb->fin_queued && tcb->fin_received);
        break;
    case HAWSER_CLOSED:
    case HAWSER_LISTEN:
        CHECK(false);
        break;
    }
}
