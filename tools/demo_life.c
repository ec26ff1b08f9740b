/* SPDX-License-Identifier: MIT */
/* Part 3 of hawser demo: the life of one connection, segment by segment, up to the end of
 * TIME-WAIT. */
#include <string.h>

#include <hawser/port/clock.h>
#include <hawser/port/pcap.h>
#include <hawser/port/world.h>
#include <hawser/trace.h>

#include "demo.h"
#include "diagram.h"
#include "signals.h"
#include "term.h"

#define DELAY_NS 20000000u /* each way */
#define THINK_NS 50000000u /* between the client's end and the server's */
#define REQUEST_BYTES 64u
#define REPLY_BYTES 3000u /* three segments at MTU 1500 */
#define SERVER_PORT 80
#define CLIENT 0
#define SERVER 1

struct life {
    struct report *report;
    struct hawser_world *world;
    struct hawser_host *hosts[2];
    struct hawser_wire *wire;
    struct hawser_pcap_writer *capture;
    struct diagram *diagram;
    hawser_tcp listener, tcp[2]; /* 0 = not yet, or closed */
    uint64_t received[2];
    bool server_hears_end;
    uint64_t server_closes_ns;                        /* UINT64_MAX = not yet known */
    uint64_t entered_ns[2], until_ns[2], ended_ns[2]; /* of the TIME-WAIT of each side */
    struct hawser_tcp_info waiting;
};

/* ---- the two programs ----------------------------------------------------------------------- */

static uint64_t receive_all(struct life *life, unsigned side, bool *end)
{
    uint8_t data[2048];
    uint64_t bytes = 0;
    int64_t n = 0;
    while (life->tcp[side] != 0 &&
           (n = hawser_receive(life->hosts[side], life->tcp[side], data, sizeof data)) > 0)
        bytes += (uint64_t)n;
    *end = n == 0 && life->tcp[side] != 0;
    return bytes;
}

/* Asks when it is connected, and closes when it has the whole answer. */
static void client_acts(struct life *life, uint32_t events)
{
    static const uint8_t request[REQUEST_BYTES] = "a request of 64 bytes";
    bool end;
    if ((events & HAWSER_EVENT_CONNECTED) != 0)
        hawser_send(life->hosts[CLIENT], life->tcp[CLIENT], request, sizeof request, 0);
    life->received[CLIENT] += receive_all(life, CLIENT, &end);
    if (life->received[CLIENT] == REPLY_BYTES && life->tcp[CLIENT] != 0) {
        hawser_close(life->hosts[CLIENT], life->tcp[CLIENT]);
        life->tcp[CLIENT] = 0;
    }
}

/* Answers a whole request. When it hears that the client has ended, it goes on for a while before
 * it ends, too: the connection is half-closed meanwhile. */
static void server_acts(struct life *life, uint64_t now_ns)
{
    static const uint8_t reply[REPLY_BYTES] = "an answer of 3000 bytes";
    struct hawser_host *host = life->hosts[SERVER];
    bool end;
    if (life->tcp[SERVER] == 0 && hawser_accept(host, life->listener, &life->tcp[SERVER]) != 0)
        return;
    uint64_t bytes = receive_all(life, SERVER, &end);
    life->received[SERVER] += bytes;
    if (bytes != 0 && life->received[SERVER] == REQUEST_BYTES)
        hawser_send(host, life->tcp[SERVER], reply, sizeof reply, 0);
    if (end && !life->server_hears_end) {
        life->server_hears_end = true;
        life->server_closes_ns = now_ns + THINK_NS;
    }
}

static bool act(void *context, uint64_t now_ns)
{
    struct life *life = context;
    struct hawser_event event;
    bool any = false;
    for (; hawser_events(life->hosts[CLIENT], &event, 1) == 1; any = true)
        client_acts(life, event.events);
    for (; hawser_events(life->hosts[SERVER], &event, 1) == 1; any = true)
        server_acts(life, now_ns);
    if (now_ns >= life->server_closes_ns) {
        hawser_close(life->hosts[SERVER], life->tcp[SERVER]);
        life->tcp[SERVER] = 0;
        life->server_closes_ns = UINT64_MAX;
        any = true;
    }
    return any;
}

static uint64_t next(void *context)
{
    struct life *life = context;
    return life->server_closes_ns;
}

/* ---- listening ------------------------------------------------------------------------------ */

static void note_record(struct life *life, unsigned side, const struct hawser_trace_event *event)
{
    if (event->kind != HAWSER_TRACE_RECORD)
        return;
    if (event->record == HAWSER_RECORD_EXPIRED) {
        life->ended_ns[side] = event->now_ns;
    } else if (event->state == HAWSER_TIME_WAIT) {
        life->entered_ns[side] = event->now_ns;
        life->until_ns[side] = event->until_ns;
    }
}

static void trace_client(void *context, const struct hawser_trace_event *event)
{
    struct life *life = context;
    note_record(life, CLIENT, event);
    diagram_trace(diagram_side(life->diagram, CLIENT), event);
}

static void trace_server(void *context, const struct hawser_trace_event *event)
{
    struct life *life = context;
    note_record(life, SERVER, event);
    diagram_trace(diagram_side(life->diagram, SERVER), event);
}

/* ---- the run -------------------------------------------------------------------------------- */

static const char *build(struct life *life, const struct demo_options *options,
                         struct hawser_port_error *error)
{
    static const char *const addresses[2] = {"192.0.2.1", "192.0.2.2"};
    const struct hawser_world_config config = {.seed = options->seed};
    const struct hawser_wire_settings settings = {.delay_ns = DELAY_NS};
    const struct hawser_actor actor = {.act = act, .next = next, .context = life};
    uint32_t links[2];
    life->diagram = diagram_create("client", "server");
    if (life->diagram == NULL || hawser_world_create(&config, &life->world) != 0)
        return "no memory";
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_config host;
        hawser_config_defaults(&host);
        host.trace = i == CLIENT ? trace_client : trace_server;
        host.trace_context = life;
        if (hawser_world_host(life->world, &host, &life->hosts[i], error) != 0)
            return error->text;
    }
    /* Bare IP: no ARP comes between the first call and the first segment. */
    const struct hawser_wire_config wire = {.kind = HAWSER_LINK_IP};
    if (hawser_world_join(life->world, life->hosts, &wire, &life->wire, links, error) != 0)
        return error->text;
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_address address;
        hawser_address_scan(addresses[i], &address);
        int status = hawser_address_add(life->hosts[i], links[i], &address, 24);
        if (status != 0)
            return hawser_error_text(status);
    }
    if (hawser_wire_set(life->wire, 2, &settings) != 0 ||
        hawser_world_actor(life->world, &actor) != 0)
        return "no memory";
    return NULL;
}

static const char *open_both(struct life *life)
{
    uint64_t now = hawser_world_now(life->world);
    const struct hawser_listen_options passive = {.local.port = SERVER_PORT, .backlog = 1};
    struct hawser_open_options active = {.remote.port = SERVER_PORT};
    hawser_address_scan("192.0.2.2", &active.remote.address);
    int status = hawser_listen(life->hosts[SERVER], now, &passive, &life->listener);
    if (status == 0)
        status = hawser_open(life->hosts[CLIENT], now, &active, &life->tcp[CLIENT]);
    return status == 0 ? NULL : hawser_error_text(status);
}

static bool time_wait_entered(void *context)
{
    struct life *life = context;
    return (life->entered_ns[CLIENT] != 0 && life->tcp[SERVER] == 0) || signals_pending();
}

/* Until the client is in TIME-WAIT: what its host says about itself then. Then until nothing ever
 * happens any more. */
static const char *live(struct life *life, struct hawser_port_error *error)
{
    int status = hawser_world_run(life->world, UINT64_MAX, time_wait_entered, life, error);
    if (status > 0) {
        uint64_t cursor = 0;
        while (hawser_walk(life->hosts[CLIENT], hawser_world_now(life->world), &cursor,
                           &life->waiting) &&
               life->waiting.state != HAWSER_TIME_WAIT)
            continue;
        status = hawser_world_run(life->world, UINT64_MAX, NULL, NULL, error);
    }
    return status < 0 ? error->text : NULL;
}

static bool nothing_left(struct life *life)
{
    struct hawser_usage usage[2];
    for (unsigned i = 0; i < 2; i++)
        hawser_usage_of(life->hosts[i], &usage[i]);
    return usage[0].connections + usage[1].connections + usage[0].timewaits + usage[1].timewaits +
               usage[0].halfopens + usage[1].halfopens + usage[0].buffer_bytes +
               usage[1].buffer_bytes ==
           0;
}

static void tell(struct life *life, const char *why)
{
    struct report *report = life->report;
    double seconds = (double)(life->ended_ns[CLIENT] - life->entered_ns[CLIENT]) / 1e9;
    bool whole = life->received[CLIENT] == REPLY_BYTES && life->received[SERVER] == REQUEST_BYTES;
    if (!report->json) {
        diagram_print(life->diagram, stdout, term_utf8());
        printf("\n");
    }
    report_check(report, why == NULL && whole, "one connection",
                 json_pack("{s:i}", "segments", (int)diagram_segments(life->diagram)), "%s",
                 why != NULL ? why
                 : whole
                     ? "64 bytes there, 3000 bytes back, closed by the client, then by the server"
                     : "data is missing");
    bool waited = life->entered_ns[CLIENT] != 0 &&
                  life->ended_ns[CLIENT] == life->until_ns[CLIENT] && life->entered_ns[SERVER] == 0;
    report_check(report, waited, "TIME-WAIT",
                 json_pack("{s:s, s:f}", "side", "client", "seconds", seconds),
                 waited ? "the client closed first: it stayed for %.3f s (2 MSL) of virtual time; "
                          "the server did not"
                        : "not as it should be: %.3f s",
                 seconds);
    bool shown = life->waiting.state == HAWSER_TIME_WAIT;
    report_check(report, shown && nothing_left(life), "afterwards", NULL, "%s",
                 nothing_left(life) ? "neither host holds a connection, a record or a buffer"
                                    : "something is left");
}

/* The capture is a result that the user wants to keep: it goes where they are, not to /tmp. */
static bool start_capture(struct life *life, const char *path, struct hawser_port_error *error)
{
    const struct hawser_pcap_config config = {
        .path = path,
        .kind = HAWSER_LINK_IP,
        .epoch_ns = hawser_clock_wall(),
        .end = HAWSER_PCAP_AS_SENT,
    };
    if (hawser_pcap_open(&config, &life->capture, error) != 0 ||
        hawser_pcap_start(life->capture, error) != 0)
        return false;
    hawser_wire_set_tap(life->wire, hawser_pcap_tap, life->capture);
    return true;
}

/* A directory that cannot be written is no failure of the demo, unless the file was asked for. */
static void tell_capture(struct life *life, const struct demo_options *options, const char *path,
                         bool started, struct hawser_port_error *error)
{
    unsigned long long frames = started ? hawser_pcap_count(life->capture) : 0;
    int status = hawser_pcap_close(life->capture, error);
    bool ok = started && status == 0;
    if (!ok && options->capture == NULL) {
        char why[400];
        snprintf(why, sizeof why, "%s (--capture FILE chooses another place)", error->text);
        report_skip(life->report, "capture", why);
        return;
    }
    report_check(life->report, ok, "capture",
                 json_pack("{s:s, s:I}", "path", path, "frames", (json_int_t)frames),
                 ok ? "%llu frames in %s" : "%llu frames written: %s", frames,
                 ok ? path : error->text);
}

void demo_life(struct report *report, const struct demo_options *options)
{
    struct life life = {.report = report, .server_closes_ns = UINT64_MAX};
    struct hawser_port_error error = {""}, capture_error = {""};
    const char *path = options->capture != NULL ? options->capture : "hawser-demo.pcap";
    report_heading(report, 3, "The life of one connection: 20 ms each way, virtual time");
    const char *why = build(&life, options, &error);
    bool captured = why == NULL && start_capture(&life, path, &capture_error);
    if (why == NULL)
        why = open_both(&life);
    if (why == NULL)
        why = live(&life, &error);
    if (life.world != NULL && life.wire != NULL && !signals_pending())
        tell(&life, why);
    else if (why != NULL)
        report_check(report, false, "one connection", NULL, "%s", why);
    if (why == NULL || captured)
        tell_capture(&life, options, path, captured, &capture_error);
    hawser_world_destroy(life.world);
    diagram_destroy(life.diagram);
}
