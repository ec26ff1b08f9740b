/* SPDX-License-Identifier: MIT */
/* Flows: connections and listeners that behave as they were told to, and say what happened. */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

#include <hawser/port/clock.h>

#define PIECE_BYTES 65536u

void flow_digest(const struct sha256_ctx *state, char out[HEX_MAX])
{
    struct sha256_ctx copy = *state;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&copy, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void tell(const struct flow *flow, const char *event)
{
    emit(json_pack("{s:s, s:i}", "event", event, "id", flow->id));
}

static void tell_digest(const struct flow *flow, const char *event, const struct sha256_ctx *state,
                        uint64_t bytes)
{
    char text[HEX_MAX];
    flow_digest(state, text);
    emit(json_pack("{s:s, s:i, s:I, s:s}", "event", event, "id", flow->id, "bytes",
                   (json_int_t)bytes, "sha256", text));
}

static void tell_error(struct flow *flow, int64_t error)
{
    if (!flow->told_error)
        emit(json_pack("{s:s, s:i, s:s}", "event", "error", "id", flow->id, "error",
                       hawser_error_name((int)error)));
    flow->told_error = true;
}

/* ---- what a flow does ------------------------------------------------------------------------ */

int64_t flow_send(struct driver *driver, struct flow *flow, const void *data, size_t n,
                  unsigned flags)
{
    int64_t taken = hawser_send(driver->host, flow->tcp, data, n, flags);
    if (taken > 0) {
        sha256_update(&flow->out, (size_t)taken, data);
        flow->bytes_out += (uint64_t)taken;
    }
    return taken;
}

int64_t flow_receive(struct driver *driver, struct flow *flow, void *data, size_t n)
{
    int64_t got = hawser_receive(driver->host, flow->tcp, data, n);
    if (got > 0) {
        sha256_update(&flow->in, (size_t)got, data);
        flow->bytes_in += (uint64_t)got;
    } else if (got == 0 && n > 0 && !flow->told_end) {
        flow->told_end = true;
        tell_digest(flow, "end", &flow->in, flow->bytes_in);
    } else if (got < 0 && got != HAWSER_ERR_AGAIN) {
        tell_error(flow, got);
    }
    return got;
}

int flow_step(struct driver *driver, struct flow *flow, enum flow_step step)
{
    switch (step) {
    case STEP_SHUTDOWN:
        return hawser_shutdown(driver->host, flow->tcp);
    case STEP_CLOSE:
    case STEP_ABORT: {
        hawser_tcp tcp = flow->tcp;
        flow->tcp = 0;
        return step == STEP_CLOSE ? hawser_close(driver->host, tcp)
                                  : hawser_abort(driver->host, tcp);
    }
    case STEP_NOTHING:
        break;
    }
    return 0;
}

/* xorshift64*, Vigna 2016: bytes that differ everywhere. */
static void fill(struct flow *flow, uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        flow->random ^= flow->random >> 12;
        flow->random ^= flow->random << 25;
        flow->random ^= flow->random >> 27;
        words[i] = flow->random * 0x2545f4914f6cdd1du;
    }
}

static void make(struct driver *driver, struct flow *flow)
{
    uint64_t piece[PIECE_BYTES / 8];
    uint64_t left;
    while ((left = flow->behaviour.source - flow->made) != 0) {
        size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
        fill(flow, piece, sizeof piece / 8);
        int64_t taken = flow_send(driver, flow, piece, n, 0);
        if (taken < 0 && taken != HAWSER_ERR_AGAIN)
            tell_error(flow, taken);
        if (taken <= 0)
            return;
        flow->made += (uint64_t)taken;
    }
    if (flow->made == flow->behaviour.source && flow->made != 0 && !flow->told_source) {
        flow->told_source = true;
        tell_digest(flow, "queued", &flow->out, flow->bytes_out);
    }
}

/* False: nothing more comes now. */
static bool take(struct driver *driver, struct flow *flow)
{
    uint8_t piece[PIECE_BYTES];
    return flow_receive(driver, flow, piece, sizeof piece) > 0;
}

static bool echo(struct driver *driver, struct flow *flow)
{
    struct hawser_span spans[2];
    uint8_t piece[PIECE_BYTES];
    if (hawser_peek(driver->host, flow->tcp, spans) <= 0)
        return take(driver, flow); /* tells of the end and of errors */
    size_t n = spans[0].length < sizeof piece ? spans[0].length : sizeof piece;
    memcpy(piece, spans[0].data, n); /* the span does not outlive the sending */
    int64_t taken = flow_send(driver, flow, piece, n, 0);
    if (taken < 0 && taken != HAWSER_ERR_AGAIN)
        tell_error(flow, taken);
    if (taken <= 0)
        return false;
    sha256_update(&flow->in, (size_t)taken, piece);
    flow->bytes_in += (uint64_t)taken;
    return hawser_consume(driver->host, flow->tcp, (size_t)taken) == 0;
}

void flow_work(struct driver *driver, struct flow *flow)
{
    if (flow->tcp == 0 || flow->listens)
        return;
    make(driver, flow);
    const struct behaviour *behaviour = &flow->behaviour;
    /* Events are edges: until there is no more. */
    while (behaviour->echo ? echo(driver, flow) : behaviour->read && take(driver, flow))
        continue;
    bool made = flow->made == behaviour->source;
    /* RFC 9293 3.10.4: a CLOSE in SYN-SENT would take the queued data with it. */
    if (made && flow->connected && !flow->stepped_after && behaviour->after != STEP_NOTHING) {
        flow->stepped_after = true;
        flow_step(driver, flow, behaviour->after);
    }
    if (made && flow->told_end && !flow->stepped_end && flow->tcp != 0) {
        flow->stepped_end = true;
        flow_step(driver, flow, behaviour->at_end);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

void flow_accept_all(struct driver *driver, struct flow *listener)
{
    hawser_tcp tcp;
    while (hawser_accept(driver->host, listener->tcp, &tcp) == 0) {
        struct flow *flow = flow_create(driver, tcp, false, &listener->behaviour);
        struct hawser_tcp_info info;
        char remote[HAWSER_ADDRESS_TEXT_MAX] = "";
        flow->connected = true;
        if (hawser_status(driver->host, hawser_clock_now(), tcp, &info) == 0)
            hawser_address_print(&info.remote.address, remote);
        emit(json_pack("{s:s, s:i, s:i, s:s, s:i}", "event", "accepted", "id", flow->id, "listener",
                       listener->id, "remote", remote, "port", info.remote.port));
        flow_work(driver, flow);
    }
}

static void on_event(struct driver *driver, struct target *target, uint32_t events)
{
    struct flow *flow = (struct flow *)target;
    struct hawser_tcp_info info;
    if (flow->tcp == 0)
        return;
    if ((events & HAWSER_EVENT_ACCEPTABLE) != 0 && !flow->behaviour.hold)
        flow_accept_all(driver, flow);
    if ((events & HAWSER_EVENT_CONNECTED) != 0) {
        flow->connected = true;
        tell(flow, "connected");
    }
    if ((events & HAWSER_EVENT_PEER_CLOSED) != 0)
        tell(flow, "peer_closed");
    if ((events & HAWSER_EVENT_SENT) != 0)
        tell_digest(flow, "sent", &flow->out, flow->bytes_out);
    if (hawser_status(driver->host, hawser_clock_now(), flow->tcp, &info) == 0) {
        if ((events & HAWSER_EVENT_URGENT) != 0)
            emit(json_pack("{s:s, s:i, s:i}", "event", "urgent", "id", flow->id, "bytes",
                           (int)info.urgent_bytes));
        if ((events & HAWSER_EVENT_SOFT_ERROR) != 0)
            emit(json_pack("{s:s, s:i, s:s}", "event", "soft_error", "id", flow->id, "error",
                           hawser_error_name(hawser_take_soft_error(driver->host, flow->tcp))));
        if ((events & HAWSER_EVENT_ERROR) != 0)
            tell_error(flow, info.error);
    }
    flow_work(driver, flow);
}

/* ---- the table of flows ---------------------------------------------------------------------- */

struct flow *flow_create(struct driver *driver, hawser_tcp tcp, bool listens,
                         const struct behaviour *behaviour)
{
    struct flow *flow = calloc(1, sizeof *flow);
    if (driver->flows_count == driver->flows_room) {
        driver->flows_room = driver->flows_room * 2 + 64;
        driver->flows = realloc(driver->flows, driver->flows_room * sizeof *driver->flows);
    }
    if (flow == NULL || driver->flows == NULL)
        die("no memory");
    driver->flows[driver->flows_count++] = flow;
    flow->target.on_event = on_event;
    flow->id = (unsigned)driver->flows_count;
    flow->tcp = tcp;
    flow->listens = listens;
    flow->behaviour = *behaviour;
    flow->random = 0x9e3779b97f4a7c15u * flow->id;
    sha256_init(&flow->in);
    sha256_init(&flow->out);
    hawser_set_user(driver->host, tcp, flow);
    return flow;
}

struct flow *flow_find(struct driver *driver, unsigned id)
{
    if (id == 0 || id > driver->flows_count)
        die("no flow %u", id);
    return driver->flows[id - 1];
}

void flow_destroy_all(struct driver *driver)
{
    for (size_t i = 0; i < driver->flows_count; i++)
        free(driver->flows[i]);
    free(driver->flows);
}
