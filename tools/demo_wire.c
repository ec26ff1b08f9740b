/* SPDX-License-Identifier: MIT */
/* Part 2 of hawser demo: a file between two Hawser hosts over a slow, lossy wire in memory, in
 * virtual time. */
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/world.h>
#include <hawser/trace.h>

#include "content.h"
#include "demo.h"
#include "http_client.h"
#include "http_server.h"
#include "signals.h"
#include "term.h"

#define DELAY_NS 20000000u        /* each way */
#define LOSS_PPM 10000u           /* 1 % */
#define GIVE_UP_NS 3600000000000u /* virtual */
#define IDLE_NS 60000000000u

struct wire_demo {
    struct report *report;
    const char *what;
    struct content content;
    struct hawser_world *world;
    struct hawser_host *hosts[2]; /* client, server */
    struct hawser_wire *wire;
    struct http_server *server;
    struct http_client client;
    struct digest digest;
    struct progress progress;
};

static bool take(void *context, const void *data, size_t n)
{
    digest_add(context, data, n);
    return true;
}

static bool act(void *context, uint64_t now_ns)
{
    struct wire_demo *demo = context;
    bool any = reactor_dispatch(demo->hosts[0], now_ns);
    any |= reactor_dispatch(demo->hosts[1], now_ns);
    http_server_expire(demo->server, now_ns);
    return any;
}

static uint64_t next(void *context)
{
    struct wire_demo *demo = context;
    return http_server_deadline(demo->server);
}

static bool is_over(void *context)
{
    struct wire_demo *demo = context;
    progress_show(&demo->progress, demo->client.received, demo->client.length);
    return demo->client.state != HTTP_CLIENT_RUNNING || signals_pending();
}

/* Two hosts on one wire; NULL, or what could not be made. */
static const char *build(struct wire_demo *demo, const struct demo_options *options,
                         const char *const addresses[2], unsigned bits,
                         struct hawser_port_error *error)
{
    const struct hawser_world_config config = {.seed = options->seed};
    const struct hawser_wire_settings settings = {.delay_ns = DELAY_NS, .loss_ppm = LOSS_PPM};
    uint32_t links[2];
    if (hawser_world_create(&config, &demo->world) != 0)
        return "no memory";
    for (unsigned i = 0; i < 2; i++)
        if (hawser_world_host(demo->world, NULL, &demo->hosts[i], error) != 0)
            return error->text;
    if (hawser_world_join(demo->world, demo->hosts, NULL, &demo->wire, links, error) != 0)
        return error->text;
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_address address;
        hawser_address_scan(addresses[i], &address);
        int status = hawser_address_add(demo->hosts[i], links[i], &address, bits);
        if (status != 0)
            return hawser_error_text(status);
    }
    return hawser_wire_set(demo->wire, 2, &settings) == 0 ? NULL : "the wire refused its settings";
}

static const char *start(struct wire_demo *demo, const char *server_address)
{
    uint64_t now = hawser_world_now(demo->world);
    const struct http_server_config server = {
        .host = demo->hosts[1],
        .port = 80,
        .source = content_source(&demo->content),
        .connections_max = 16,
        .idle_ns = IDLE_NS,
    };
    struct http_client_config client = {
        .host = demo->hosts[0],
        .remote.port = 80,
        .authority = "server",
        .target = "/",
        .take = take,
        .context = &demo->digest,
    };
    const struct hawser_actor actor = {.act = act, .next = next, .context = demo};
    hawser_address_scan(server_address, &client.remote.address);
    digest_start(&demo->digest);
    int status = http_server_start(&server, now, &demo->server);
    if (status != 0)
        return hawser_error_text(status);
    if (hawser_world_actor(demo->world, &actor) != 0)
        return "no memory";
    status = http_client_start(&demo->client, &client, now);
    return status == 0 ? NULL : hawser_error_text(status);
}

static void tell(struct wire_demo *demo, uint64_t virtual_ns, uint64_t real_ns, const char *why)
{
    const struct hawser_wire_counters *server = hawser_wire_counters_of(demo->wire, 1);
    const struct hawser_wire_counters *client = hawser_wire_counters_of(demo->wire, 0);
    const struct hawser_counters *sender = hawser_counters_of(demo->hosts[1]);
    double virtual_s = (double)virtual_ns / 1e9, real_s = (double)real_ns / 1e9;
    uint64_t bytes = demo->digest.bytes;
    double mib = (double)bytes / 1048576;
    bool same = content_equals(&demo->content, &demo->digest);
    if (why == NULL)
        why = same ? "SHA-256 equal" : "SHA-256 DIFFERS";
    else
        same = false;
    json_t *figures = json_pack(
        "{s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "bytes", (json_int_t)bytes, "virtual_seconds",
        virtual_s, "real_seconds", real_s, "mib_per_virtual_second",
        virtual_s > 0 ? mib / virtual_s : 0.0, "frames_sent", (json_int_t)server->sent_frames,
        "frames_lost", (json_int_t)server->lost, "segments_retransmitted",
        (json_int_t)sender->segments_retransmitted, "client_frames_lost", (json_int_t)client->lost);
    report_check(demo->report, same, demo->what, figures,
                 "%.1f MiB in %.2f s of virtual time (%.2f MiB/s), %.2f s of real time, %s\n"
                 "lost: %llu of %llu frames from the server, %llu of %llu from the client; "
                 "segments sent again: %llu",
                 mib, virtual_s, virtual_s > 0 ? mib / virtual_s : 0.0, real_s, why,
                 (unsigned long long)server->lost, (unsigned long long)server->sent_frames,
                 (unsigned long long)client->lost, (unsigned long long)client->sent_frames,
                 (unsigned long long)sender->segments_retransmitted);
}

static void transfer(struct wire_demo *demo, const struct demo_options *options,
                     const char *const addresses[2], unsigned bits)
{
    struct hawser_port_error error;
    const char *why = build(demo, options, addresses, bits, &error);
    if (why == NULL)
        why = start(demo, addresses[1]);
    if (why != NULL) {
        report_check(demo->report, false, demo->what, NULL, "%s", why);
    } else {
        uint64_t virtual_ns = hawser_world_now(demo->world), real_ns = hawser_clock_now();
        progress_start(&demo->progress, demo->what);
        int status = hawser_world_run(demo->world, virtual_ns + GIVE_UP_NS, is_over, demo, &error);
        progress_end(&demo->progress);
        virtual_ns = hawser_world_now(demo->world) - virtual_ns;
        real_ns = hawser_clock_now() - real_ns;
        if (status < 0)
            why = error.text;
        else if (demo->client.state != HTTP_CLIENT_DONE)
            why = demo->client.state == HTTP_CLIENT_FAILED
                      ? demo->client.why
                      : "not done after an hour of virtual time";
        if (!signals_pending())
            tell(demo, virtual_ns, real_ns, why);
        http_client_stop(&demo->client);
    }
    http_server_stop(demo->server);
    hawser_world_destroy(demo->world);
}

void demo_wire(struct report *report, const struct demo_options *options)
{
    static const char *const v4[2] = {"192.0.2.1", "192.0.2.2"}, *const v6[2] = {"2001:db8::1",
                                                                                 "2001:db8::2"};
    struct content content;
    report_heading(report, 2,
                   "Two Hawser hosts on a wire in memory: 20 ms each way, 1 % of all frames lost");
    int error = content_make(&content, options->bytes, options->seed);
    if (error != 0) {
        report_check(report, false, "content", NULL, "%s", strerror(-error));
        return;
    }
    struct wire_demo demo = {.report = report, .content = content, .what = "one file, IPv4"};
    transfer(&demo, options, v4, 24);
    demo = (struct wire_demo){.report = report, .content = content, .what = "one file, IPv6"};
    if (!signals_pending())
        transfer(&demo, options, v6, 64);
    content_drop(&content);
}
