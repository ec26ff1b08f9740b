/* SPDX-License-Identifier: MIT */
/* What a program does on its connection: it writes a stream, reads and checks the other, and
 * ends as its plan says. */
#include <string.h>

#include "sim/internal.h"

/* After the faults have stopped a connection may still be given up for what came before. */
#define LATE_NS (500 * SIM_S)
#define EARLY_NS (2 * SIM_S)

static uint64_t stream_of(const struct flow *flow, unsigned side)
{
    return flow->uid * 2 + side;
}

static uint32_t life_of(const struct flow_end *end)
{
    return end->life;
}

void talk_options(struct sim *sim, const struct plan_end *end, uint32_t host, hawser_tcp tcp)
{
    struct hawser_host *at = sim->hosts[host].host;
    const struct {
        bool wanted;
        enum hawser_option option;
        uint64_t value;
    } list[] = {
        {end->nodelay, HAWSER_OPTION_NODELAY, 1},
        {end->cork, HAWSER_OPTION_CORK, 1},
        {end->quick_ack, HAWSER_OPTION_QUICK_ACK, 1},
        {end->keepalive, HAWSER_OPTION_KEEPALIVE, 1},
        {end->keepalive, HAWSER_OPTION_KEEPALIVE_IDLE_NS, 2 * SIM_S},
        {end->keepalive, HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, 2 * SIM_S},
        {end->user_timeout_ns != 0, HAWSER_OPTION_USER_TIMEOUT_NS, end->user_timeout_ns},
        {end->send_buffer_bytes != 0, HAWSER_OPTION_SEND_BUFFER_BYTES, end->send_buffer_bytes},
        {end->receive_buffer_bytes != 0, HAWSER_OPTION_RECEIVE_BUFFER_BYTES,
         end->receive_buffer_bytes},
        {end->mss_bytes != 0, HAWSER_OPTION_MAX_SEGMENT_BYTES, end->mss_bytes},
    };
    for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].wanted)
            (void)hawser_set_option(at, tcp, list[i].option, list[i].value);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Whether such an end could happen: what a network and a peer can do, and when. */
static void judge_error(struct sim *sim, uint32_t index, const struct flow_end *end, int error)
{
    const struct life *life = end->life == LIFE_NONE ? NULL : &sim->store->lives.list[end->life];
    switch (error) {
    case HAWSER_ERR_RESET:
        /* A program that reads late hears it when the same ends already had another life. */
        if (life != NULL && life->flow == index && life->state == HAWSER_CLOSED &&
            life->ended_by != HAWSER_CAUSE_RST && life->ended_by != HAWSER_CAUSE_DATA_AFTER_CLOSE)
            sim_fail(sim, "error", life_of(end), "RESET, but it ended because of: %s",
                     hawser_cause_text(life->ended_by));
        return;
    case HAWSER_ERR_REFUSED: /* by a RST, or given up after an ICMP error that said so */
        return;
    case HAWSER_ERR_TIMED_OUT:
    case HAWSER_ERR_NET_UNREACHABLE:
    case HAWSER_ERR_HOST_UNREACHABLE:
    case HAWSER_ERR_PROTOCOL_UNREACHABLE:
    case HAWSER_ERR_PARAMETER_PROBLEM:
        if (sim->calm && sim->now_ns - sim->calm_at_ns > LATE_NS)
            sim_fail(sim, "liveness", life_of(end), "%s, %.0f s after the faults had stopped",
                     hawser_error_name(error), (double)(sim->now_ns - sim->calm_at_ns) / 1e9);
        return;
    case HAWSER_ERR_RESOURCES:
        return;
    default:
        sim_fail(sim, "error", life_of(end), "it ended with %s", hawser_error_name(error));
    }
}

void talk_failed(struct sim *sim, uint32_t index, uint32_t side, int error)
{
    struct flow_end *end = &flow_at(sim, index)->end[side];
    judge_error(sim, index, end, error);
    host_allow(sim, end->host);
    (void)hawser_close(sim->hosts[end->host].host, end->tcp);
    talk_over(sim, index, side, OVER_ERROR);
}

void talk_wake_at(struct sim *sim, uint32_t index, uint32_t side, uint64_t at_ns)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    if (end->wake_ns <= at_ns)
        return;
    end->wake_ns = at_ns;
    const struct queue_item item = {
        .at_ns = at_ns, .kind = QUEUE_WAKE, .a = index, .b = side, .c = flow->generation};
    if (!queue_add(&sim->store->queue, &item))
        sim_fail(sim, "simulator", LIFE_NONE, "no memory");
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Up to which octet it may write now. */
static uint64_t may_write(const struct plan_end *plan, const struct flow_end *end)
{
    uint64_t all = plan->bytes;
    if (plan->after_eof && !end->eof)
        return 0;
    if (plan->answer_bytes != 0 && !end->eof) { /* in turns */
        uint64_t turns = end->read / plan->answer_bytes + (plan->answers ? 0 : 1);
        all = turns * plan->ask_bytes < all ? turns * plan->ask_bytes : all;
    }
    if (plan->ending == PLAN_ABORT && plan->ending_at < all)
        all = plan->ending_at;
    return all;
}

enum progress { STUCK, MOVED, ENDED };

static enum progress write_some(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_end *plan = &sim->plan.jobs[flow->job].end[side];
    uint64_t limit = may_write(plan, end);
    if (end->shut || end->blocked || end->written >= limit)
        return STUCK;
    if (end->write_at_ns > sim->now_ns) {
        talk_wake_at(sim, index, side, end->write_at_ns);
        return STUCK;
    }
    size_t n =
        limit - end->written < CONTENT_PIECE ? (size_t)(limit - end->written) : CONTENT_PIECE;
    n = n < plan->write_bite ? n : plan->write_bite;
    const uint8_t *data = content_at(&sim->store->content, stream_of(flow, side), end->written);
    unsigned flags = plan->more && end->written + n < limit ? HAWSER_SEND_MORE : 0;
    if (plan->urgent && (end->written / 1000) % 3 == 0)
        flags |= HAWSER_SEND_URGENT;
    int64_t taken = hawser_send(sim->hosts[end->host].host, end->tcp, data, n, flags);
    if (taken == HAWSER_ERR_AGAIN) {
        end->blocked = true;
        return STUCK;
    }
    if (taken == HAWSER_ERR_RESOURCES) { /* no event will tell */
        end->write_at_ns = sim->now_ns + 100 * SIM_MS;
        talk_wake_at(sim, index, side, end->write_at_ns);
        return STUCK;
    }
    if (taken <= 0 || (size_t)taken > n) {
        if (taken >= 0)
            sim_fail(sim, "calls", life_of(end), "sending %zu octets gave %lld", n,
                     (long long)taken);
        end->error = (int)taken; /* reading goes on to the end of what came */
        return ENDED;
    }
    sim->hosts[end->host].allowance += taken / 64 + 1;
    end->written += (uint64_t)taken;
    if (plan->write_pause_ns != 0)
        end->write_at_ns = sim->now_ns + plan->write_pause_ns;
    if (end->written == plan->bytes)
        end->done_ns = sim->now_ns;
    return MOVED;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Nothing keeps old segments from this incarnation when the one before had no TIME-WAIT: by a RST,
 * a limit, or without RFC 1337 (RFC 9293 3.6.1). The run ends, and proves nothing. */
void talk_excuse(struct sim *sim, const struct flow *flow)
{
    for (unsigned side = 0; side < 2; side++) {
        uint32_t life = flow->end[side].life;
        uint64_t cut_ns = life == LIFE_NONE ? 0 : sim->store->lives.list[life].cut_at_ns;
        if (cut_ns != 0 && sim->now_ns < cut_ns + 2 * sim->plan.msl_ns) {
            sim->result->figures.excused++;
            longjmp(sim->escape, 1);
        }
    }
}

static void judge_end_of_stream(struct sim *sim, const struct flow *flow, unsigned side)
{
    const struct flow_end *end = &flow->end[side], *peer = &flow->end[!side];
    bool closed = peer->shut || (peer->stage == STAGE_OVER && peer->over == OVER_CLEAN);
    uint64_t written = peer->written;
    if (breaks(sim, SIM_BREAK_EOF, 1))
        written++;
    if (!closed || end->read != written)
        talk_excuse(sim, flow);
    if (!closed)
        sim_fail(sim, "stream", life_of(end), "the stream ended after %llu octets, nobody ended it",
                 (unsigned long long)end->read);
    if (end->read != written)
        sim_fail(sim, "stream", life_of(end), "the stream ended after %llu octets of %llu",
                 (unsigned long long)end->read, (unsigned long long)written);
}

static void judge_text(struct sim *sim, struct flow *flow, unsigned side, const uint8_t *data,
                       size_t n)
{
    struct flow_end *end = &flow->end[side], *peer = &flow->end[!side];
    if (n > 10 && breaks(sim, SIM_BREAK_SKIP, 2))
        end->read++;
    if (end->read + n > peer->written)
        talk_excuse(sim, flow);
    if (end->read + n > peer->written)
        sim_fail(sim, "stream", life_of(end), "%zu octets after %llu, but only %llu were written",
                 n, (unsigned long long)end->read, (unsigned long long)peer->written);
    size_t good = content_compare(&sim->store->content, stream_of(flow, !side), end->read, data, n);
    if (good != n)
        talk_excuse(sim, flow);
    if (good != n)
        sim_fail(sim, "stream", life_of(end), "octet %llu of the stream is not what was written",
                 (unsigned long long)(end->read + good));
    end->read += n;
    sim->result->figures.octets += n;
}

static int64_t read_by_peeking(struct sim *sim, struct flow *flow, unsigned side, size_t most)
{
    struct flow_end *end = &flow->end[side];
    struct hawser_host *host = sim->hosts[end->host].host;
    struct hawser_span spans[2];
    int64_t all = hawser_peek(host, end->tcp, spans);
    if (all <= 0)
        return all;
    size_t left = (size_t)all < most ? (size_t)all : most;
    size_t first = spans[0].length < left ? spans[0].length : left;
    if (spans[0].length + spans[1].length != (size_t)all)
        sim_fail(sim, "calls", life_of(end), "peek shows %zu and %zu octets and says %lld",
                 spans[0].length, spans[1].length, (long long)all);
    judge_text(sim, flow, side, spans[0].data, first);
    if (left > first)
        judge_text(sim, flow, side, spans[1].data, left - first);
    if (hawser_consume(host, end->tcp, left) != 0)
        sim_fail(sim, "calls", life_of(end), "what was peeked at cannot be consumed");
    return (int64_t)left;
}

static int64_t read_plainly(struct sim *sim, struct flow *flow, unsigned side, size_t most)
{
    struct flow_end *end = &flow->end[side];
    uint8_t text[CONTENT_PIECE];
    most = most < sizeof text ? most : sizeof text;
    int64_t n = hawser_receive(sim->hosts[end->host].host, end->tcp, text, most);
    if (n > (int64_t)most)
        sim_fail(sim, "calls", life_of(end), "reading %zu octets gave %lld", most, (long long)n);
    if (n > 0)
        judge_text(sim, flow, side, text, (size_t)n);
    return n;
}

static enum progress read_some(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_end *plan = &sim->plan.jobs[flow->job].end[side];
    if (end->eof)
        return STUCK;
    if (end->read_at_ns > sim->now_ns) {
        talk_wake_at(sim, index, side, end->read_at_ns);
        return STUCK;
    }
    bool peeks = plan->peeks && (end->read & 1) == 0;
    int64_t n = peeks ? read_by_peeking(sim, flow, side, plan->read_bite)
                      : read_plainly(sim, flow, side, plan->read_bite);
    if (n == HAWSER_ERR_AGAIN)
        return STUCK;
    if (n < 0) {
        talk_failed(sim, index, side, (int)n);
        return ENDED;
    }
    host_allow(sim, end->host);
    if (n == 0) {
        judge_end_of_stream(sim, flow, side);
        end->eof = true;
        return MOVED;
    }
    if (plan->read_pause_ns != 0)
        end->read_at_ns = sim->now_ns + plan->read_pause_ns;
    return MOVED;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static enum progress shut(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow_end *end = &flow_at(sim, index)->end[side];
    if (end->shut)
        return STUCK;
    int error = hawser_shutdown(sim->hosts[end->host].host, end->tcp);
    if (error != 0) {
        talk_failed(sim, index, side, error);
        return ENDED;
    }
    end->shut = true;
    host_allow(sim, end->host);
    return MOVED;
}

static enum progress leave(struct sim *sim, uint32_t index, uint32_t side, enum over how)
{
    struct flow_end *end = &flow_at(sim, index)->end[side];
    struct hawser_host *host = sim->hosts[end->host].host;
    host_allow(sim, end->host);
    int error = how == OVER_ABORT ? hawser_abort(host, end->tcp) : hawser_close(host, end->tcp);
    if (error != 0)
        sim_fail(sim, "calls", life_of(end), "leaving gave %s", hawser_error_name(error));
    talk_over(sim, index, side, how);
    return ENDED;
}

static enum progress finish(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_end *plan = &sim->plan.jobs[flow->job].end[side];
    bool all_written = end->written == plan->bytes || end->shut;
    switch (plan->ending) {
    case PLAN_ABORT:
        if (end->written >= plan->ending_at || end->eof)
            return leave(sim, index, side, OVER_ABORT);
        return STUCK;
    case PLAN_ABORT_AT:
        if (sim->now_ns - end->opened_ns >= plan->ending_at)
            return leave(sim, index, side, OVER_ABORT);
        talk_wake_at(sim, index, side, end->opened_ns + plan->ending_at);
        return STUCK;
    case PLAN_LINGER:
        if (!all_written)
            return STUCK;
        hawser_set_option(sim->hosts[end->host].host, end->tcp, HAWSER_OPTION_LINGER_RESET, 1);
        (void)hawser_close(sim->hosts[end->host].host, end->tcp);
        host_allow(sim, end->host);
        talk_over(sim, index, side, OVER_ABORT);
        return ENDED;
    case PLAN_CLOSE:
        return all_written ? leave(sim, index, side, OVER_CLEAN) : STUCK;
    case PLAN_SHUTDOWN:
        if (all_written && !end->shut)
            return shut(sim, index, side);
        return end->shut && end->eof ? leave(sim, index, side, OVER_CLEAN) : STUCK;
    case PLAN_AFTER_EOF:
        if (!all_written || !end->eof)
            return STUCK;
        if (flow->uid % 2 == 0 && !end->shut)
            return shut(sim, index, side);
        return leave(sim, index, side, OVER_CLEAN);
    case PLAN_KEEP:
        if (all_written && !end->shut && sim->now_ns - end->done_ns >= plan->ending_at)
            return shut(sim, index, side);
        if (all_written && !end->shut)
            talk_wake_at(sim, index, side, end->done_ns + plan->ending_at);
        return end->shut && end->eof ? leave(sim, index, side, OVER_CLEAN) : STUCK;
    }
    return STUCK;
}

/* Before it is connected: RFC 9293 3.10.2 queues what is written, and 3.10.4 takes a CLOSE in
 * SYN-RECEIVED, which only a simultaneous open shows to a program. */
static void talk_early(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_end *plan = &sim->plan.jobs[flow->job].end[side];
    struct hawser_tcp_info info;
    if (!plan->early || plan->think_ns != 0)
        return;
    while (write_some(sim, index, side) == MOVED)
        ;
    if (!sim->plan.jobs[flow->job].simultaneous || sim->now_ns - end->opened_ns > EARLY_NS)
        return;
    talk_wake_at(sim, index, side, sim->now_ns + sim->plan.wires[0].delay_ns / 2 + SIM_MS / 10);
    if (plan->ending != PLAN_SHUTDOWN || end->written != plan->bytes || end->shut)
        return;
    if (hawser_status(sim->hosts[end->host].host, host_now(sim, end->host), end->tcp, &info) == 0 &&
        info.state == HAWSER_SYN_RECEIVED)
        (void)shut(sim, index, side);
}

/* All that it can do at this moment. */
void talk(struct sim *sim, uint32_t index, uint32_t side)
{
    struct flow *flow = flow_at(sim, index);
    struct flow_end *end = &flow->end[side];
    const struct plan_end *plan = &sim->plan.jobs[flow->job].end[side];
    uint32_t generation = flow->generation;
    if (end->stage == STAGE_OPENING)
        talk_early(sim, index, side);
    if (end->stage != STAGE_OPEN)
        return;
    if (end->opened_ns + plan->think_ns > sim->now_ns) {
        talk_wake_at(sim, index, side, end->opened_ns + plan->think_ns);
        return;
    }
    for (;;) {
        enum progress wrote = write_some(sim, index, side);
        enum progress read = read_some(sim, index, side);
        if (read == ENDED)
            return;
        if (wrote == ENDED && end->eof) {
            talk_failed(sim, index, side, end->error);
            return;
        }
        enum progress ended = finish(sim, index, side);
        if (ended == ENDED || (wrote != MOVED && read != MOVED && ended != MOVED))
            return;
        if (flow->generation != generation || end->stage != STAGE_OPEN)
            return;
    }
}
