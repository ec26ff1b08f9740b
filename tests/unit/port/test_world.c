/* SPDX-License-Identifier: MIT */
/* A world of two real hosts: data gets across any wire, the same each time; no memory is kept. */

#include <hawser/port/memory.h>
#include <hawser/port/world.h>
#include <hawser/tcp.h>

#include "support/unit.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define PORT 7000

static struct hawser_port_error error;

/* One end of a transfer, an actor: sends to_send bytes, closes, reads until the other closed. */
struct end {
    struct hawser_host *host;
    hawser_tcp listener, tcp;
    uint64_t to_send, sent, to_receive, received;
    bool connected, closed, finished;
    uint8_t salt;
};

static uint8_t byte_at(uint8_t salt, uint64_t offset)
{
    return (uint8_t)(salt + offset * 7 + (offset >> 8) * 13);
}

static bool end_send(struct end *end)
{
    bool any = false;
    while (end->sent < end->to_send) {
        uint8_t bytes[1000];
        size_t n = end->to_send - end->sent < sizeof bytes ? (size_t)(end->to_send - end->sent)
                                                           : sizeof bytes;
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(end->salt, end->sent + i);
        int64_t taken = hawser_send(end->host, end->tcp, bytes, n, 0);
        if (taken == HAWSER_ERR_AGAIN)
            return any;
        assert_in_range(taken, 1, n);
        end->sent += (uint64_t)taken;
        any = true;
    }
    if (end->closed || !end->connected)
        return any; /* CLOSE in SYN-SENT would take everything back (RFC 9293 3.10.4) */
    assert_int_equal(hawser_shutdown(end->host, end->tcp), 0);
    end->closed = true;
    return true;
}

static bool end_receive(struct end *end)
{
    bool any = false;
    for (;;) {
        uint8_t bytes[3000];
        int64_t n = hawser_receive(end->host, end->tcp, bytes, sizeof bytes);
        if (n == HAWSER_ERR_AGAIN)
            return any;
        assert_in_range(n, 0, sizeof bytes);
        any = true;
        if (n == 0)
            break;
        for (int64_t i = 0; i < n; i++) /* the other end's salt */
            assert_int_equal(bytes[i], byte_at((uint8_t)(1 - end->salt), end->received++));
    }
    if (end->closed) {
        assert_int_equal(end->received, end->to_receive);
        assert_int_equal(hawser_close(end->host, end->tcp), 0);
        end->finished = true;
    }
    return any && end->finished;
}

static bool act(void *context, uint64_t now_ns)
{
    struct end *end = context;
    struct hawser_event events[8];
    size_t n = hawser_events(end->host, events, COUNT_OF(events));
    (void)now_ns;
    for (size_t i = 0; i < n; i++) {
        assert_true((events[i].events & HAWSER_EVENT_ERROR) == 0);
        end->connected |= (events[i].events & HAWSER_EVENT_CONNECTED) != 0;
    }
    bool any = n > 0;
    if (end->tcp == 0 && end->listener != 0 &&
        hawser_accept(end->host, end->listener, &end->tcp) == 0)
        any = end->connected = true;
    if (end->tcp == 0 || end->finished)
        return any;
    any |= end_send(end);
    any |= end_receive(end);
    return any;
}

static bool both_finished(void *context)
{
    struct end *ends = context;
    return ends[0].finished && ends[1].finished;
}

struct outcome {
    uint64_t frames, hash; /* of everything on the wire, with its time */
    uint64_t finished_at_ns;
};

static void hash_frame(void *context, const struct hawser_tap_event *event)
{
    struct outcome *outcome = context;
    outcome->frames++;
    outcome->hash = (outcome->hash ^ event->now_ns ^ event->verdict) * 0x100000001b3u;
    for (uint32_t i = 0; i < event->length; i++)
        outcome->hash = (outcome->hash ^ event->data[i]) * 0x100000001b3u;
}

static void add_address(struct hawser_host *host, uint32_t link, const char *text, unsigned bits)
{
    struct hawser_address address;
    assert_int_equal(hawser_address_scan(text, &address), 0);
    assert_int_equal(hawser_address_add(host, link, &address, bits), 0);
}

static void start(struct hawser_world *world, struct end ends[2], const char *server)
{
    struct hawser_listen_options listen = {.local.port = PORT, .backlog = 5};
    struct hawser_open_options open = {.remote.port = PORT};
    assert_int_equal(
        hawser_listen(ends[1].host, hawser_world_now(world), &listen, &ends[1].listener), 0);
    assert_int_equal(hawser_address_scan(server, &open.remote.address), 0);
    assert_int_equal(hawser_open(ends[0].host, hawser_world_now(world), &open, &ends[0].tcp), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_actor actor = {.act = act, .context = &ends[i]};
        assert_int_equal(hawser_world_actor(world, &actor), 0);
    }
}

/* Bytes both ways at once over a wire with these settings. */
static struct outcome transfer(uint64_t seed, const char *server, enum hawser_link_kind kind,
                               const struct hawser_wire_settings *settings, uint64_t bytes)
{
    struct outcome outcome = {.hash = 1};
    struct hawser_memory_meter meters[2] = {{0}, {0}};
    struct end ends[2] = {{.to_send = bytes, .to_receive = bytes / 2, .salt = 0},
                          {.to_send = bytes / 2, .to_receive = bytes, .salt = 1}};
    struct hawser_world_config world_config = {.seed = seed};
    struct hawser_wire_config wire_config = {.kind = kind};
    struct hawser_world *world = NULL;
    struct hawser_wire *wire = NULL;
    uint32_t links[2];
    assert_int_equal(hawser_world_create(&world_config, &world), 0);
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_config config;
        hawser_config_defaults(&config);
        config.memory = hawser_memory_default(&meters[i]);
        assert_int_equal(hawser_world_host(world, &config, &ends[i].host, &error), 0);
    }
    struct hawser_host *const hosts[2] = {ends[0].host, ends[1].host};
    assert_int_equal(hawser_world_join(world, hosts, &wire_config, &wire, links, &error), 0);
    assert_int_equal(hawser_wire_set(wire, 2, settings), 0);
    hawser_wire_set_tap(wire, hash_frame, &outcome);
    for (unsigned i = 0; i < 2; i++) {
        add_address(hosts[i], links[i], i == 0 ? "192.0.2.1" : "192.0.2.2", 24);
        add_address(hosts[i], links[i], i == 0 ? "2001:db8::1" : "2001:db8::2", 64);
    }
    start(world, ends, server);
    int result = hawser_world_run(world, 3600 * S, both_finished, ends, &error);
    if (result != 1)
        fail_msg("%d, %s: %llu and %llu bytes arrived", result,
                 result < 0 ? error.text : "too late", (unsigned long long)ends[0].received,
                 (unsigned long long)ends[1].received);
    outcome.finished_at_ns = hawser_world_now(world);
    result = hawser_world_run(world, 7200 * S, NULL, NULL, &error); /* TIME-WAIT and all that */
    assert_int_equal(result, 0);
    hawser_world_destroy(world);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(meters[i].in_use_bytes, 0);
    return outcome;
}

static const struct hawser_wire_settings bad = {.delay_ns = 20 * MS,
                                                .jitter_ns = 2 * MS,
                                                .rate_bits_per_s = 50000000,
                                                .queue_bytes = 100000,
                                                .loss_ppm = 10000,
                                                .duplicate_ppm = 10000,
                                                .reorder_ppm = 20000,
                                                .reorder_ns = 3 * MS,
                                                .corrupt_ppm = 3000};

static void test_transfers(void **state)
{
    (void)state;
    static const struct hawser_wire_settings perfect;
    static const struct hawser_wire_settings far = {.delay_ns = 100 * MS};
    static const struct {
        const char *server;
        enum hawser_link_kind kind;
        const struct hawser_wire_settings *settings;
        uint64_t bytes;
    } rows[] = {
        {"192.0.2.2", HAWSER_LINK_ETHERNET, &perfect, 3000000},
        {"2001:db8::2", HAWSER_LINK_ETHERNET, &perfect, 3000000},
        {"192.0.2.2", HAWSER_LINK_IP, &perfect, 300000},
        {"2001:db8::2", HAWSER_LINK_IP, &far, 300000},
        {"192.0.2.2", HAWSER_LINK_ETHERNET, &bad, 300000},
        {"2001:db8::2", HAWSER_LINK_ETHERNET, &bad, 300000},
        {"192.0.2.2", HAWSER_LINK_ETHERNET, &far, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct outcome outcome =
            transfer(i, rows[i].server, rows[i].kind, rows[i].settings, rows[i].bytes);
        assert_true(outcome.frames > 6);
    }
}

/* The same seed, the same bytes at the same times; another seed, others. */
static void test_repeats(void **state)
{
    (void)state;
    struct outcome first = transfer(42, "192.0.2.2", HAWSER_LINK_ETHERNET, &bad, 200000);
    struct outcome again = transfer(42, "192.0.2.2", HAWSER_LINK_ETHERNET, &bad, 200000);
    struct outcome other = transfer(43, "192.0.2.2", HAWSER_LINK_ETHERNET, &bad, 200000);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(first.hash != other.hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
