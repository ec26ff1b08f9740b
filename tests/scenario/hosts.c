/* SPDX-License-Identifier: MIT */
/* Two hosts on a wire in virtual time: see hosts.h. */
#include "scenario/hosts.h"

#include <stdio.h>
#include <stdlib.h>

#define PATTERN 65521u /* a prime: no segment or buffer size divides it */

/* The stream of an end repeats this, from an offset of its own. */
static const uint8_t *pattern(void)
{
    static uint8_t octets[2 * PATTERN];
    if (octets[1] == 0) {
        for (uint32_t i = 0; i < PATTERN; i++)
            octets[i] = octets[i + PATTERN] = (uint8_t)((i + 1) * UINT32_C(2654435761) >> 23);
    }
    return octets;
}

void hosts_fail(const struct hosts *h, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct hosts_setup *s = &h->setup;
    const struct hosts_end *e = h->end;
    fail_msg("%s, seed %lu, v%u%s%s%s%s, closer %u, at %.3f s, written %u %u, read %u %u, "
             "timeouts %u %u: %s",
             s->name, (unsigned long)s->seed, s->v6 ? 6u : 4u, s->ethernet ? " ethernet" : "",
             s->sack ? " sack" : "", s->timestamps ? " timestamps" : "",
             s->scaling ? " scaling" : "", s->closer, (double)hawser_world_now(h->world) / 1e9,
             e[0].written, e[1].written, e[0].read, e[1].read, e[0].timeouts, e[1].timeouts, text);
    abort(); /* fail_msg does not return, but does not say so */
}

/* ---- what is seen ---------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const uint8_t *data, size_t n)
{
    for (; n >= 8; n -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 29;
    }
    for (; n > 0; n--)
        hash = (hash ^ *data++) * UINT64_C(0x100000001b3);
    return hash;
}

static void on_frame(void *context, const struct hawser_tap_event *event)
{
    struct hosts *h = context;
    uint64_t facts[4] = {event->now_ns, (uint64_t)event->verdict << 32 | event->from, event->number,
                         (uint64_t)event->marks << 32 | event->length};
    h->hash = mix(h->hash, (const uint8_t *)facts, sizeof facts);
    h->hash = mix(h->hash, event->data, event->length);
    if (event->verdict == HAWSER_TAP_SENT)
        h->frames[event->from]++;
}

/* What may be said of every segment that a host sends. */
static void look_at_segment(struct hosts_end *end, const struct hawser_trace_event *event)
{
    const struct hawser_segment *seg = &event->segment;
    bool syn = (seg->flags & 2) != 0, reset = (seg->flags & 4) != 0;
    if (syn)
        end->wscale = seg->wscale > 0 ? (uint8_t)seg->wscale : 0;
    if (!syn && (seg->mss != 0 || seg->wscale >= 0 || seg->sack_permitted))
        end->syn_options++;
    if (!syn && !reset && !seg->has_timestamps)
        end->bare++;
    if (reset || !(seg->flags & 16))
        return;
    uint32_t edge = seg->ack + ((uint32_t)seg->window << (syn ? 0 : end->wscale));
    int32_t forward = (int32_t)(edge - end->edge);
    if (end->has_edge && forward < 0 && -forward >= 1 << end->wscale)
        end->edge_back++;
    if (!end->has_edge || forward > 0)
        end->edge = edge;
    end->has_edge = true;
}

static void on_trace(void *context, const struct hawser_trace_event *event)
{
    struct hosts_end *end = context;
    if (end->aloud) {
        char line[512];
        hawser_trace_print(event, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    if (event->kind == HAWSER_TRACE_TIMER && event->timer == HAWSER_TIMER_RETRANSMISSION)
        end->timeouts++;
    if (event->kind == HAWSER_TRACE_SEGMENT_OUT)
        look_at_segment(end, event);
    if (event->kind != HAWSER_TRACE_RECORD || event->state == HAWSER_FIN_WAIT_2)
        return;
    if (event->record == HAWSER_RECORD_ENTERED)
        end->records++;
    if (event->record == HAWSER_RECORD_ENTERED || event->record == HAWSER_RECORD_RESTARTED)
        end->record_at_ns = event->now_ns;
    if (event->record == HAWSER_RECORD_EXPIRED)
        end->record_ended_ns = event->now_ns;
}

/* ---- the programs ---------------------------------------------------------------------------- */

static void write_on(struct hosts *h, unsigned which)
{
    struct hosts_end *end = &h->end[which];
    uint32_t all = h->setup.stream_bytes[which];
    while (end->written < all) {
        uint32_t at = (end->written + which * 1000) % PATTERN;
        uint32_t n = all - end->written < PATTERN ? all - end->written : PATTERN;
        int64_t taken = hawser_send(end->host, end->tcp, pattern() + at, n, 0);
        if (taken == HAWSER_ERR_AGAIN)
            return;
        if (taken <= 0)
            hosts_fail(h, "end %u: writing gave %ld", which, (long)taken);
        end->written += (uint32_t)taken;
    }
}

static void read_on(struct hosts *h, unsigned which)
{
    struct hosts_end *end = &h->end[which];
    uint64_t now_ns = hawser_world_now(h->world);
    uint8_t text[16384];
    size_t most = sizeof text;
    if (h->setup.bite_bytes != 0 && h->setup.bite_bytes < most)
        most = h->setup.bite_bytes;
    while (!end->read_all) {
        if (end->bite_at_ns != UINT64_MAX && end->bite_at_ns > now_ns)
            return;
        int64_t n = hawser_receive(end->host, end->tcp, text, most);
        end->bite_at_ns = n > 0 ? now_ns + h->setup.bite_every_ns : UINT64_MAX;
        if (n == HAWSER_ERR_AGAIN)
            return;
        if (n < 0)
            hosts_fail(h, "end %u: reading gave %ld", which, (long)n);
        if (n == 0) {
            end->read_all = true;
            HOSTS_CHECK(h, end->read == h->setup.stream_bytes[!which] || h->setup.strangers);
            return;
        }
        uint32_t at = (end->read + !which * 1000u) % PATTERN;
        HOSTS_CHECK(h, memcmp(text, pattern() + at, (size_t)n) == 0 || h->setup.strangers);
        end->read += (uint32_t)n;
    }
}

static void turn(struct hosts *h, unsigned which)
{
    struct hosts_end *end = &h->end[which];
    if (end->tcp == 0)
        end->open = hawser_accept(end->host, end->listener, &end->tcp) == 0;
    if (!end->open)
        return; /* CLOSE would be the end of an open that is still going on */
    write_on(h, which);
    read_on(h, which);
    bool mine = h->setup.closer == which || h->setup.closer == HOSTS_BOTH_CLOSE;
    if (!end->shut && end->written == h->setup.stream_bytes[which] && (mine || end->read_all)) {
        HOSTS_CHECK(h, hawser_shutdown(end->host, end->tcp) == 0);
        end->shut = true;
    }
}

/* The program goes away when everything it wrote, and its FIN, has been acknowledged. */
static void depart(struct hosts *h, unsigned which)
{
    struct hosts_end *end = &h->end[which];
    HOSTS_CHECK(h, hawser_close(end->host, end->tcp) == 0);
    end->closed = true;
}

static bool act(void *context, uint64_t now_ns)
{
    struct hosts *h = context;
    bool any = false;
    for (unsigned which = 0; which < 2; which++) {
        struct hosts_end *end = &h->end[which];
        struct hawser_event event;
        uint32_t events = 0;
        for (; hawser_events(end->host, &event, 1) == 1; any = true)
            events |= event.events;
        if (events & HAWSER_EVENT_ERROR) {
            HOSTS_CHECK(h, h->setup.strangers);
            end->closed = end->failed = true;
        }
        if (events & HAWSER_EVENT_CONNECTED)
            end->open = true;
        if (end->shut && (events & HAWSER_EVENT_SENT))
            end->sent_all = true;
        bool hungry = end->bite_at_ns <= now_ns && end->tcp != 0;
        any = any || (hungry && !end->closed);
        if ((events != 0 || hungry) && !end->closed)
            turn(h, which);
        if (end->sent_all && end->read_all && !end->closed)
            depart(h, which);
    }
    return any;
}

/* When a reader that takes its time wants to go on. */
static uint64_t next_bite(void *context)
{
    const struct hosts *h = context;
    uint64_t at = UINT64_MAX;
    for (unsigned which = 0; which < 2; which++) {
        const struct hosts_end *end = &h->end[which];
        if (!end->closed && end->bite_at_ns < at)
            at = end->bite_at_ns;
    }
    return at;
}

/* ---- the run --------------------------------------------------------------------------------- */

static void make_host(struct hosts *h, unsigned which)
{
    struct hosts_end *end = &h->end[which];
    struct hawser_config config;
    hawser_config_defaults(&config);
    config.memory = hawser_memory_default(&end->meter);
    config.chunk_bytes = 64 * 1024;
    config.connections_max = config.halfopen_max = config.timewait_max = 64;
    config.sack = h->setup.sack;
    config.timestamps = h->setup.timestamps;
    config.window_scaling = h->setup.scaling;
    if (h->setup.buffer_bytes != 0) {
        config.send_buffer_bytes = config.receive_buffer_bytes = h->setup.buffer_bytes;
        config.receive_window_initial_bytes = h->setup.buffer_bytes;
    }
    end->bite_at_ns = UINT64_MAX;
    config.trace = on_trace;
    config.trace_context = end;
    end->aloud = getenv("HOSTS_TRACE") != NULL;
    HOSTS_CHECK(h, hawser_world_host(h->world, &config, &end->host, NULL) == 0);
}

static void give_address(struct hosts *h, unsigned which)
{
    static const char *const text[2][2] = {{"198.18.0.1", "198.18.0.2"},
                                           {"2001:db8::1", "2001:db8::2"}};
    struct hawser_address *a = &h->address[which];
    HOSTS_CHECK(h, hawser_address_scan(text[h->setup.v6][which], a) == 0);
    HOSTS_CHECK(
        h, hawser_address_add(h->end[which].host, h->links[which], a, h->setup.v6 ? 64 : 24) == 0);
}

void hosts_start(struct hosts *h, const struct hosts_setup *setup)
{
    memset(h, 0, sizeof *h);
    h->setup = *setup;
    const struct hawser_world_config world = {.seed = setup->seed};
    assert_int_equal(hawser_world_create(&world, &h->world), 0);
    make_host(h, 0);
    make_host(h, 1);
    const struct hawser_wire_config wire = {.kind = setup->ethernet ? HAWSER_LINK_ETHERNET
                                                                    : HAWSER_LINK_IP};
    struct hawser_host *const hosts[2] = {h->end[0].host, h->end[1].host};
    HOSTS_CHECK(h, hawser_world_join(h->world, hosts, &wire, &h->wire, h->links, NULL) == 0);
    for (unsigned i = 0; i < 2; i++) {
        give_address(h, i);
        HOSTS_CHECK(h, hawser_wire_set(h->wire, i, &setup->wire[i]) == 0);
    }
    hawser_wire_set_tap(h->wire, on_frame, h);
    const struct hawser_actor actor = {.act = act, .next = next_bite, .context = h};
    HOSTS_CHECK(h, hawser_world_actor(h->world, &actor) == 0);
    uint64_t now_ns = hawser_world_now(h->world);
    const struct hawser_listen_options listen = {.local.port = HOSTS_PORT, .backlog = 4};
    HOSTS_CHECK(h, hawser_listen(h->end[1].host, now_ns, &listen, &h->end[1].listener) == 0);
    const struct hawser_open_options open = {.remote = {h->address[1], HOSTS_PORT}};
    HOSTS_CHECK(h, hawser_open(h->end[0].host, now_ns, &open, &h->end[0].tcp) == 0);
    if (setup->nodelay) {
        HOSTS_CHECK(h, hawser_set_option(h->end[0].host, h->end[0].tcp, HAWSER_OPTION_NODELAY, 1) ==
                           0);
        HOSTS_CHECK(h, hawser_set_option(h->end[1].host, h->end[1].listener, HAWSER_OPTION_NODELAY,
                                         1) == 0);
    }
    h->client_port = hosts_info(h, 0).local.port;
}

void hosts_end(struct hosts *h)
{
    hawser_world_destroy(h->world);
    assert_int_equal(h->end[0].meter.in_use_bytes, 0);
    assert_int_equal(h->end[1].meter.in_use_bytes, 0);
}

void hosts_run(struct hosts *h, uint64_t limit_ns, bool (*done)(void *h))
{
    struct hawser_port_error error;
    uint64_t until = hawser_world_now(h->world) + limit_ns;
    int result = hawser_world_run(h->world, until, done, h, &error);
    if (result < 0)
        hosts_fail(h, "%s", error.text);
    if (result == 0 && done != NULL)
        hosts_fail(h, "not done after %lu ms", (unsigned long)(limit_ns / HOSTS_MS));
}

bool hosts_finished(void *context)
{
    const struct hosts *h = context;
    bool closed = h->end[0].closed && h->end[1].closed;
    return closed && hosts_usage(h, 0).connections + hosts_usage(h, 1).connections == 0;
}

bool hosts_quiet(void *context)
{
    const struct hosts *h = context;
    for (unsigned i = 0; i < 2; i++) {
        const struct hosts_end *end = &h->end[i];
        if (end->tcp == 0 || end->written != h->setup.stream_bytes[i] ||
            end->read != h->setup.stream_bytes[!i] || hosts_info(h, i).send_queue_bytes > 0 ||
            hosts_info(h, i).timer_ns != UINT64_MAX ||
            hawser_wire_counters_of(h->wire, i)->in_flight > 0)
            return false;
    }
    return true;
}

struct hawser_tcp_info hosts_info(const struct hosts *h, unsigned end)
{
    struct hawser_tcp_info info;
    memset(&info, 0, sizeof info);
    HOSTS_CHECK(h, hawser_status(h->end[end].host, hawser_world_now(h->world), h->end[end].tcp,
                                 &info) == 0);
    return info;
}

uint64_t hosts_run_out(struct hosts *h)
{
    struct hawser_port_error error;
    uint64_t before = hawser_world_now(h->world);
    if (hawser_world_run(h->world, UINT64_MAX, NULL, NULL, &error) < 0)
        hosts_fail(h, "%s", error.text);
    return hawser_world_now(h->world) - before;
}

struct hawser_usage hosts_usage(const struct hosts *h, unsigned end)
{
    struct hawser_usage usage;
    hawser_usage_of(h->end[end].host, &usage);
    return usage;
}
