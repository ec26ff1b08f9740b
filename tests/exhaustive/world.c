/* SPDX-License-Identifier: MIT */
/* One state of the world and the steps out of it. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IP_HEADER 20u /* without options */
#define PUMP_MAX 200u /* rounds until a host must have come to rest in one moment */

static _Thread_local struct world *acting;

/* The core's own assertions and checks are properties too. */
void hawser_assertion_failed(const char *what, const char *file, int line)
{
    char text[160];
    snprintf(text, sizeof text, "assertion %s (%s:%d)", what, file, line);
    if (acting == NULL) {
        fprintf(stderr, "exhaustive: %s\n", text);
        abort();
    }
    world_fail(acting, text);
    longjmp(acting->broken, 1);
}

/* ---- birth ---------------------------------------------------------------------------------- */

static struct hawser_address address_of(unsigned end)
{
    return (struct hawser_address){
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, (uint8_t)(end + 1)}};
}

static uint16_t port_of(unsigned end)
{
    return end == 0 ? PORT_A : PORT_B;
}

static void on_trace(void *context, const struct hawser_trace_event *event)
{
    const __typeof__(((struct world *)0)->context[0]) *c = context;
    judge_event(c->world, c->end, event);
    const struct observer *observer = c->world->observer;
    if (observer != NULL)
        observer->trace(observer->context, c->end, event);
}

static void configure(struct world *w, unsigned end, struct hawser_config *config)
{
    const struct setup *s = w->setup;
    hawser_config_defaults(config);
    config->memory = arena_memory(&w->arena[end]);
    memset(config->entropy, (int)(17 + end), sizeof config->entropy);
    config->trace = on_trace;
    config->trace_context = &w->context[end];
    config->memory_bytes = config->buffer_bytes = UINT64_C(2) << 20;
    config->chunk_bytes = 64 * 1024;
    config->connections_max = config->halfopen_max = config->timewait_max = 4;
    config->listeners_max = config->neighbours_max = config->routes_max = 4;
    config->addresses_max = config->links_max = config->paths_max = 4;
    config->fragments_bytes_max = 0;
    config->syn_cookies = false;
    config->timestamps = s->timestamps;
    config->sack = s->sack;
    config->window_scaling = s->scaling;
    config->quick_acks = 0;
    config->syn_retries = config->synack_retries = s->retries;
    config->retries1 = 1;
    config->retries2 = config->orphan_retries = s->retries;
    config->rto_min_ns = config->rto_initial_ns = s->rto_ms * MS;
    config->rto_max_ns = s->rto_ms > 60000 ? s->rto_ms * MS : 60000 * MS;
    config->msl_ns = s->msl_ms * MS;
    config->fin_wait_2_ns = 2 * config->msl_ns;
    config->challenge_acks = 255; /* see canon.c */
    config->challenge_interval_ns = MS;
    config->timewait_reuse = s->timewait_reuse;
    config->rfc1337 = !s->no_rfc1337;
    if (s->buffer_bytes != 0)
        config->send_buffer_bytes = config->receive_buffer_bytes = s->buffer_bytes;
    else
        config->send_buffer_bytes = config->receive_buffer_bytes = 16 * 1024;
    config->receive_window_initial_bytes = config->receive_buffer_bytes;
}

static void listen_at(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    struct hawser_listen_options options = {
        .local = {address_of(at), port_of(at)}, .backlog = 2, .reuse_address = true};
    if (hawser_listen(end->host, end->now_ns, &options, &end->listener) != 0)
        end->listener = 0;
}

static void create(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    struct hawser_config config;
    struct hawser_link_config link = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    struct hawser_address address = address_of(at);
    uint32_t number;
    const char *field = "?";
    end->now_ns =
        14780 * 1000 * MS; /* both ends' ISNs are far from 0 then, and stay so for hours */
    end->opens_left = w->setup->opens[at];
    end->accepts_left = w->setup->accepts[at];
    configure(w, at, &config);
    if (hawser_config_check(&config, &field) != 0 ||
        hawser_host_create(&config, end->now_ns, &end->host) != 0 ||
        hawser_link_add(end->host, &link, &number) != 0 ||
        hawser_address_add(end->host, number, &address, 24) != 0) {
        fprintf(stderr, "exhaustive: setup %s makes no host (%s)\n", w->setup->name, field);
        exit(2);
    }
    if (end->accepts_left > 0 && !w->setup->late_listen)
        listen_at(w, at);
}

void world_init(struct world *w, const struct setup *setup)
{
    memset(w, 0, sizeof *w);
    w->setup = setup;
    for (unsigned i = 0; i < 2; i++) {
        w->context[i].world = w;
        w->context[i].end = i;
        arena_init(&w->arena[i]);
        create(w, i);
        arena_seal(&w->arena[i]);
        arena_save(&w->arena[i], &w->first[i]);
    }
    w->first_model = w->model;
}

void world_deinit(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        arena_deinit(&w->arena[i]);
        arena_image_free(&w->first[i]);
    }
}

void world_restore(struct world *w, const struct snapshot *s, unsigned hosts)
{
    for (unsigned i = 0; i < 2; i++) {
        if (hosts & 1u << i)
            arena_restore(&w->arena[i], s->image[i]);
    }
    w->model = s->model;
    for (unsigned i = 0; i < s->model.count; i++)
        memcpy(&w->net[i], &s->net[i], offsetof(struct packet, frame) + s->net[i].length);
    w->fault = NULL;
}

void world_reset(struct world *w)
{
    struct snapshot first = {.model = w->first_model, .image = {&w->first[0], &w->first[1]}};
    world_restore(w, &first, 3);
    w->unwinding = false;
}

/* ---- the network ---------------------------------------------------------------------------- */

static void packet_remove(struct world *w, unsigned index)
{
    struct model *m = &w->model;
    m->count--;
    for (unsigned i = index; i < m->count; i++)
        memcpy(&w->net[i], &w->net[i + 1], offsetof(struct packet, frame) + w->net[i + 1].length);
}

void world_lose(struct world *w, unsigned mask)
{
    for (unsigned i = w->model.count; i-- > 0;) {
        if (mask >> i & 1)
            packet_remove(w, i);
    }
}

/* What no receiver can get any more: its clock is further than a segment lives. */
static void bury(struct world *w)
{
    for (unsigned i = w->model.count; i-- > 0;) {
        const struct packet *p = &w->net[i];
        if (w->model.end[1 - p->from].now_ns > p->sent_ns + w->setup->life_ms * MS)
            packet_remove(w, i);
    }
}

/* The same segment of the same moment: as segments may arrive again and again, a second one adds
 * nothing. */
static bool is_under_way(const struct world *w, unsigned from, const uint8_t *frame, size_t length)
{
    for (unsigned i = 0; i < w->model.count && !w->unwinding; i++) {
        const struct packet *p = &w->net[i];
        if (p->from == from && p->sent_ns == w->model.end[from].now_ns && p->length == length &&
            memcmp(p->frame + IP_HEADER, frame + IP_HEADER, length - IP_HEADER) == 0)
            return true;
    }
    return false;
}

/* Of the connection that a host sends for. A half-open request goes by the number that its
 * connection will get when it is accepted. */
static uint8_t life_number(const struct end *end)
{
    struct hawser_usage usage;
    hawser_usage_of(end->host, &usage);
    return usage.halfopens > 0 || end->lives == 0 ? end->lives : (uint8_t)(end->lives - 1);
}

static void transmit(struct world *w, unsigned from, const uint8_t *frame, size_t length)
{
    struct model *m = &w->model;
    const struct end *end = &m->end[from];
    struct packet *p = &w->net[m->count];
    p->sent_ns = end->now_ns;
    p->order = 0;
    p->length = (uint16_t)length;
    p->from = (uint8_t)from;
    p->life = life_number(end);
    p->number = w->sent_count++;
    memcpy(p->frame, frame, length);
    if (w->observer != NULL)
        w->observer->sent(w->observer->context, p);
    if (is_under_way(w, from, frame, length))
        return;
    if (m->count + 1 < NET_MAX)
        m->count++;
    else if (!w->unwinding) /* there a late loss is as good as an early one */
        world_fail(w, "a step sends more segments than the explorer can choose from");
}

static void tell(const struct world *w, unsigned at, enum user_call call, int64_t result)
{
    if (w->observer != NULL)
        w->observer->called(w->observer->context, at, call, result);
}

/* ---- the users ------------------------------------------------------------------------------ */

static void set_options(const struct world *w, const struct end *end)
{
    if (w->setup->nodelay)
        hawser_set_option(end->host, end->tcp, HAWSER_OPTION_NODELAY, 1);
}

static bool accept_one(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    hawser_tcp tcp;
    if (end->listener == 0 || end->tcp != 0 || hawser_accept(end->host, end->listener, &tcp) != 0)
        return false;
    end->tcp = tcp;
    judge_accept(w, at);
    tell(w, at, CALL_ACCEPTED, 0);
    set_options(w, end);
    end->accepts_left--;
    if (end->accepts_left == 0) {
        hawser_close(end->host, end->listener);
        end->listener = 0;
        tell(w, at, CALL_LISTENER_CLOSED, 0);
    }
    return true;
}

static void let_go(struct end *end)
{
    end->tcp = 0;
    end->sends_left = 0;
    end->shut = end->eof = false;
}

static bool read_all(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    uint8_t bytes[4096];
    bool did = false;
    while (end->tcp != 0 && !end->eof) {
        int64_t n = hawser_receive(end->host, end->tcp, bytes, sizeof bytes);
        if (n != HAWSER_ERR_AGAIN)
            tell(w, at, n == 0 ? CALL_READ_END : CALL_READ, n);
        if (n > 0) {
            judge_bytes(w, at, bytes, (size_t)n);
        } else if (n == 0) {
            judge_stream_end(w, at);
            end->eof = true;
        } else if (n == HAWSER_ERR_AGAIN) {
            break;
        } else {
            hawser_close(end->host, end->tcp);
            tell(w, at, CALL_CLOSED, 0);
            let_go(end);
        }
        did = true;
    }
    return did;
}

/* What users do at once. */
static bool serve(struct world *w, unsigned at)
{
    struct hawser_event events[8];
    struct end *end = &w->model.end[at];
    bool did = hawser_events(end->host, events, 8) != 0;
    did |= accept_one(w, at);
    if (!w->setup->slow_reader || w->unwinding)
        did |= read_all(w, at);
    if (w->setup->server && at == 1 && end->eof) {
        hawser_close(end->host, end->tcp);
        tell(w, at, CALL_CLOSED, 0);
        let_go(end);
        did = true;
    }
    return did;
}

/* Until the host has nothing more to do at this moment. */
static void pump(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    uint8_t bytes[FRAME_MAX];
    for (unsigned round = 0; round < PUMP_MAX; round++) {
        struct hawser_buffer buffer = {bytes, sizeof bytes, 0};
        bool busy = hawser_output(end->host, 0, end->now_ns, &buffer, 1) != 0;
        if (busy)
            transmit(w, at, bytes, buffer.length);
        busy |= serve(w, at);
        if (!busy && hawser_next_deadline(end->host) <= end->now_ns) {
            hawser_expire(end->host, end->now_ns);
            busy = true;
        }
        if (!busy)
            return;
    }
    world_fail(w, "a host does not come to rest");
}

static void open_now(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    struct hawser_open_options options = {.local = {address_of(at), port_of(at)},
                                          .remote = {address_of(1 - at), port_of(1 - at)},
                                          .reuse_address = true};
    hawser_tcp tcp;
    if (end->has_iss)
        end->now_ns += MS; /* see begins_again */
    /* The life begins with the call: its SYN_SENT is of it. */
    struct end before = *end;
    judge_open(w, at);
    if (hawser_open(end->host, end->now_ns, &options, &tcp) != 0) {
        *end = before;
        return;
    }
    end->tcp = tcp;
    end->opens_left--;
    set_options(w, end);
}

static void send_chunk(struct world *w, unsigned at)
{
    struct end *end = &w->model.end[at];
    struct life *life = life_now(end);
    uint8_t bytes[FRAME_MAX];
    unsigned count = w->setup->chunk_bytes;
    for (unsigned i = 0; i < count; i++)
        bytes[i] = judge_byte(at, end->lives - 1u, life->sent + i);
    int64_t taken = hawser_send(end->host, end->tcp, bytes, count, 0);
    if (taken <= 0)
        return;
    life->sent = (uint16_t)(life->sent + taken);
    end->sends_left--;
}

static void end_now(struct world *w, unsigned at, unsigned kind)
{
    struct end *end = &w->model.end[at];
    struct hawser_span spans[2];
    if (kind == ACT_HALF_CLOSE) {
        hawser_shutdown(end->host, end->tcp);
        end->shut = true;
        end->sends_left = 0;
        return;
    }
    if (kind == ACT_ABORT || hawser_peek(end->host, end->tcp, spans) > 0)
        life_now(end)->excused = true; /* what was not read then is lost, by the user's will */
    if (kind == ACT_ABORT)
        hawser_abort(end->host, end->tcp);
    else
        hawser_close(end->host, end->tcp);
    let_go(end);
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* A SYN for which a host whose user had a connection begins another. Between the two its ISN clock
 * ticks, or both would have the same numbers: RFC 9293 3.4.1 builds on that. */
static bool begins_again(const struct world *w, const struct packet *p)
{
    const struct end *end = &w->model.end[1 - p->from];
    struct hawser_usage usage;
    if ((p->frame[IP_HEADER + 13] & 0x16) != 0x02 || end->listener == 0 || !end->iss_spent)
        return false;
    hawser_usage_of(end->host, &usage);
    return usage.connections == 0 && usage.halfopens == 0;
}

/* When a segment arrives at the earliest. */
static uint64_t arrival_ns(const struct world *w, const struct packet *p)
{
    uint64_t now_ns = w->model.end[1 - p->from].now_ns;
    uint64_t at_ns = p->sent_ns > now_ns ? p->sent_ns : now_ns;
    return begins_again(w, p) && at_ns == now_ns ? at_ns + MS : at_ns;
}

uint64_t world_arrival(const struct world *w, unsigned packet)
{
    return arrival_ns(w, &w->net[packet]);
}

/* Not across a deadline of its receiver. */
static bool can_arrive(const struct world *w, const struct packet *p)
{
    return arrival_ns(w, p) <= world_deadline(w, 1u - p->from);
}

static void deliver(struct world *w, unsigned index, bool keep)
{
    struct packet p = w->net[index];
    struct end *end = &w->model.end[1 - p.from];
    struct hawser_frame frame = {p.frame, p.length, 0};
    if (!keep)
        packet_remove(w, index);
    end->now_ns = arrival_ns(w, &p);
    w->arriving = &p;
    hawser_input(end->host, 0, end->now_ns, &frame, 1);
    w->arriving = NULL;
}

static unsigned put(struct action *out, unsigned n, enum action_kind kind, unsigned arg)
{
    out[n] = (struct action){(uint8_t)kind, (uint8_t)arg, 0};
    return n + 1;
}

static unsigned user_actions(const struct world *w, unsigned at, struct action *out, unsigned n)
{
    const struct setup *s = w->setup;
    const struct end *end = &w->model.end[at];
    bool ticks = !end->has_iss || world_deadline(w, at) > end->now_ns + MS;
    if (end->tcp == 0 && end->opens_left > 0 && ticks)
        n = put(out, n, ACT_OPEN, at);
    if (s->late_listen && end->listener == 0 && end->accepts_left > 0)
        n = put(out, n, ACT_LISTEN, at);
    if (end->tcp == 0)
        return n;
    if (s->server && at == 1)
        return n;
    if (s->calm && !end->life[end->lives - 1].synchronized)
        return n;
    if (end->sends_left > 0)
        n = put(out, n, ACT_SEND, at);
    if (s->calm && end->sends_left > 0)
        return n;
    if (!end->shut && !s->no_half_close)
        n = put(out, n, ACT_HALF_CLOSE, at);
    n = put(out, n, ACT_CLOSE, at);
    if (!s->no_abort)
        n = put(out, n, ACT_ABORT, at);
    if (s->slow_reader && !end->eof)
        n = put(out, n, ACT_READ, at);
    return n;
}

unsigned world_actions(struct world *w, struct action out[ACTIONS_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->model.count; i++) {
        if (can_arrive(w, &w->net[i]))
            n = put(out, n, ACT_ARRIVE, i);
    }
    for (unsigned at = 0; at < 2; at++) {
        const struct setup *s = w->setup;
        const struct end *end = &w->model.end[at];
        uint64_t deadline = world_deadline(w, at);
        n = user_actions(w, at, out, n);
        if (deadline == NEVER_NS || (s->calm && deadline >= end->now_ns + s->rto_ms * MS))
            continue;
        n = put(out, n, ACT_TIMER, at);
        if (s->idle && deadline > end->now_ns + MS)
            n = put(out, n, ACT_IDLE, at);
    }
    return n;
}

/* The host that a step changes; 2 = none. */
static unsigned host_of(const struct world *w, struct action action)
{
    if (action.kind == ACT_LOSE)
        return 2;
    if (action.kind == ACT_DELIVER || action.kind == ACT_ARRIVE)
        return 1u - w->net[action.arg].from;
    return action.arg;
}

static void take(struct world *w, struct action action)
{
    struct end *end = &w->model.end[action.arg & 1];
    switch ((enum action_kind)action.kind) {
    case ACT_OPEN:
        open_now(w, action.arg);
        break;
    case ACT_LISTEN:
        listen_at(w, action.arg);
        break;
    case ACT_SEND:
        send_chunk(w, action.arg);
        break;
    case ACT_HALF_CLOSE:
    case ACT_CLOSE:
    case ACT_ABORT:
        end_now(w, action.arg, action.kind);
        break;
    case ACT_READ:
        read_all(w, action.arg);
        break;
    case ACT_TIMER:
        end->now_ns = world_deadline(w, action.arg);
        hawser_expire(end->host, end->now_ns);
        break;
    case ACT_IDLE:
        end->now_ns = world_deadline(w, action.arg) - MS;
        break;
    case ACT_ARRIVE:
    case ACT_DELIVER:
        deliver(w, action.arg, action.kind == ACT_ARRIVE);
        break;
    case ACT_LOSE:
        packet_remove(w, action.arg);
        break;
    case ACT_KINDS:
        break;
    }
}

bool world_act(struct world *w, struct action action)
{
    unsigned host = host_of(w, action);
    w->touched |= (uint8_t)(1u << host & 3);
    acting = w;
    if (setjmp(w->broken) == 0) {
        take(w, action);
        if (host < 2) {
            pump(w, host);
            if (world_deadline(w, host) <= w->model.end[host].now_ns)
                world_fail(w, "a deadline is in the past");
            if (hawser_next_deadline(w->model.end[host].host) > world_deadline(w, host))
                world_fail(w, "a deadline is told too late");
        }
        world_lose(w, action.lost);
        bury(w);
        judge_step(w);
    }
    acting = NULL;
    return w->fault == NULL;
}

/* ---- the way to rest ------------------------------------------------------------------------ */

/* A user that wants to be done: no more text from here, all that comes is read, then the handle
 * goes. */
static bool closing_step(struct world *w, unsigned at, struct action *out)
{
    const struct end *end = &w->model.end[at];
    struct hawser_tcp_info info;
    if (end->tcp == 0)
        return false;
    *out = (struct action){ACT_CLOSE, (uint8_t)at, 0};
    if (hawser_status(end->host, end->now_ns, end->tcp, &info) != 0)
        return true;
    if (info.state == HAWSER_CLOSED || info.state == HAWSER_TIME_WAIT || (end->shut && end->eof))
        return true;
    out->kind = ACT_HALF_CLOSE;
    if (!end->shut)
        return true;
    out->kind = ACT_READ;
    return w->setup->slow_reader && !end->eof &&
           (info.receive_queue_bytes > 0 || info.fin_received);
}

bool world_unwind_next(struct world *w, struct action *out)
{
    uint64_t first_ns = NEVER_NS;
    for (unsigned at = 0; at < 2; at++) {
        if (closing_step(w, at, out))
            return true;
    }
    for (unsigned i = 0; i < w->model.count; i++) {
        const struct packet *p = &w->net[i];
        uint64_t at_ns = arrival_ns(w, p);
        if (at_ns < first_ns) {
            first_ns = at_ns;
            *out = (struct action){ACT_DELIVER, (uint8_t)i, 0};
        }
    }
    for (unsigned at = 0; at < 2; at++) {
        uint64_t at_ns = world_deadline(w, at);
        if (at_ns < first_ns) {
            first_ns = at_ns;
            *out = (struct action){ACT_TIMER, (uint8_t)at, 0};
        }
    }
    /* The peer gave up silently: a user that waits for its FIN has to lose patience. */
    for (unsigned at = 0; at < 2 && first_ns == NEVER_NS; at++) {
        *out = (struct action){ACT_CLOSE, (uint8_t)at, 0};
        if (w->model.end[at].tcp != 0)
            return true;
    }
    return first_ns != NEVER_NS;
}
