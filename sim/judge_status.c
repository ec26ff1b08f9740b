/* SPDX-License-Identifier: MIT */
/* The checkers that ask for a connection's status: the congestion window and what loss does to it
 * (RFC 5681), the timeout that doubles (RFC 6298 5.5), and the peer's window. */
#include "sim/internal.h"

static void judge_flight(struct sim *sim, uint32_t index, const struct hawser_tcp_info *info)
{
    uint64_t out = (uint64_t)(info->snd_nxt - info->snd_una) + info->retransmitting_bytes;
    uint64_t gone = (uint64_t)info->sacked_bytes + info->lost_bytes;
    uint64_t pipe = out > gone ? out - gone : 0;
    uint64_t cwnd = info->cwnd_bytes;
    if (breaks(sim, SIM_BREAK_CWND, 3))
        cwnd = 1;
    /* Limited transmit (RFC 3042) sends two segments more; a window ends within one. */
    if (pipe > cwnd + 3 * (uint64_t)info->send_mss_bytes)
        sim_fail(sim, "cwnd", index, "%llu octets under way, but the congestion window is %llu",
                 (unsigned long long)pipe, (unsigned long long)cwnd);
}

/* RFC 5681 3.1 and 3.2: at a loss ssthresh falls to half of what was under way, at a timeout cwnd
 * to one segment. Between two looks both may have grown by what was acknowledged. */
static void judge_loss(struct sim *sim, uint32_t index, const struct look *was,
                       const struct hawser_tcp_info *info)
{
    uint64_t mss = was->mss;
    if (mss != info->send_mss_bytes)
        return; /* what is too long for the path is sent again, and that is no congestion */
    uint64_t acked = info->snd_una - was->una;
    uint64_t most = (was->cwnd > was->flight ? was->cwnd : was->flight) + acked + 3 * mss;
    uint64_t half = most / 2 > 2 * mss ? most / 2 : 2 * mss;
    uint64_t cwnd = info->cwnd_bytes, ssthresh = info->ssthresh_bytes;
    bool loss = was->recovery == 0 && info->recovery != 0;
    if (loss && breaks(sim, SIM_BREAK_LOSS, 1))
        ssthresh = UINT32_MAX;
    if (loss && ssthresh > half)
        sim_fail(sim, "cwnd", index, "after a loss ssthresh is %llu, but at most %llu were sent",
                 (unsigned long long)ssthresh, (unsigned long long)most);
    if (was->recovery != 2 && info->recovery == 2 && cwnd > 2 * mss + acked)
        sim_fail(sim, "cwnd", index, "after a timeout the congestion window is %llu",
                 (unsigned long long)cwnd);
}

static void judge_back_off(struct sim *sim, uint32_t index, struct life *life,
                           const struct hawser_tcp_info *info)
{
    const struct look *was = &life->look;
    uint32_t doublings = life->timeouts_all - was->timeouts;
    uint64_t most_ns = sim->plan.hosts[life->host].config.rto_max_ns;
    uint64_t least_ns = was->rto_ns, rto_ns = info->rto_ns;
    if (info->snd_una != was->una || info->rtt_samples != was->rtt_samples)
        return; /* it may have been computed anew */
    if (doublings > 0 && breaks(sim, SIM_BREAK_BACK_OFF, 1))
        rto_ns = was->rto_ns / 2;
    for (; doublings > 0 && least_ns < most_ns; doublings--)
        least_ns *= 2;
    if (rto_ns < (least_ns < most_ns ? least_ns : most_ns))
        sim_fail(sim, "back-off", index, "the timeout is %.3f s after one of %.3f s",
                 (double)rto_ns / 1e9, (double)was->rto_ns / 1e9);
}

/* No peer here takes a window back, so only an old segment can make it seem so (RFC 9293
 * 3.10.7.4: SND.WL1); but for what the scale cannot say. */
static void judge_peer_window(struct sim *sim, uint32_t index, const struct life *life,
                              const struct hawser_tcp_info *info)
{
    int32_t back = (int32_t)(life->look.edge - (info->snd_una + info->snd_wnd));
    if (breaks(sim, SIM_BREAK_TAKEN_BACK, 1))
        back = 1 << 20;
    if (!life->of_cookie && !life->edge_lowered && back >= 1 << info->snd_wscale)
        sim_fail(sim, "window", index, "it took the peer's window back by %d", back);
}

static void look(struct sim *sim, uint32_t index, const struct hawser_tcp_info *info)
{
    struct life *life = &sim->store->lives.list[index];
    if (life->sent_new)
        judge_flight(sim, index, info);
    if (life->look.taken) {
        judge_loss(sim, index, &life->look, info);
        judge_back_off(sim, index, life, info);
        judge_peer_window(sim, index, life, info);
    }
    life->sent_new = life->edge_lowered = false;
    life->look = (struct look){.taken = true,
                               .recovery = info->recovery,
                               .timeouts = life->timeouts_all,
                               .una = info->snd_una,
                               .edge = info->snd_una + info->snd_wnd,
                               .flight = info->snd_nxt - info->snd_una,
                               .mss = info->send_mss_bytes,
                               .rtt_samples = info->rtt_samples,
                               .cwnd = info->cwnd_bytes,
                               .rto_ns = info->rto_ns};
}

/* With handles, for only those can be asked. */
void judge_touched(struct sim *sim)
{
    for (unsigned i = 0; i < sim->touched_count; i++) {
        uint32_t index = sim->touched[i];
        const struct life *life = &sim->store->lives.list[index];
        struct hawser_tcp_info info;
        if (life->flow == NO_FLOW || life->state == HAWSER_CLOSED)
            continue;
        const struct flow *flow = &sim->store->flows[life->flow];
        const struct flow_end *end = flow->end[0].life == index ? &flow->end[0] : &flow->end[1];
        struct hawser_host *host = sim->hosts[life->host].host;
        if (!flow->used || end->life != index || end->stage == STAGE_OVER || host == NULL)
            continue;
        if (hawser_status(host, host_now(sim, life->host), end->tcp, &info) == 0 &&
            info.iss == life->iss)
            look(sim, index, &info);
    }
    sim->touched_count = 0;
}
