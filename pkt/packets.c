/* SPDX-License-Identifier: MIT */
/* Packet events: what is injected, and what is expected. */
#include <string.h>

#include <hawser/port/pcap.h>

#include "pkt/run_internal.h"

#define NS_PER_S 1000000000LL
#define PATIENCE_NS (2 * NS_PER_S)             /* beyond the expected time */
#define FOR_EVER_NS (400LL * 86400 * NS_PER_S) /* of `*`: a stack that goes on sending to others */

static void capture(struct pkt_run *run, int64_t time_ns, const uint8_t *data, size_t length)
{
    if (run->how->pcap != NULL)
        hawser_pcap_write(run->how->pcap, (uint64_t)(time_ns - run->zero_ns), data, length);
}

/* ---- inbound ------------------------------------------------------------------------------ */

static struct pkt_ends inbound_ends(const struct pkt_conn *conn, const struct pkt_packet *packet)
{
    struct pkt_ends ends = {.source = conn->ends.destination,
                            .destination = conn->ends.source,
                            .source_port = conn->ends.destination_port,
                            .destination_port = conn->ends.source_port};
    if (packet->has_ports) {
        ends.source_port = packet->source_port;
        ends.destination_port = packet->destination_port;
    }
    return ends;
}

bool run_packet_in(struct pkt_run *run, const struct pkt_event *event)
{
    struct pkt_packet live;
    struct pkt_option options[PKT_LIVE_OPTIONS_MAX];
    if (!run_wait(run))
        return false;
    struct pkt_conn *conn = run_conn_for_inbound(run, &event->packet);
    if (conn == NULL)
        return false;
    const char *wrong =
        pkt_conn_to_live(conn, &event->packet, run->options->ts_ecr_scaled, &live, options);
    if (wrong != NULL)
        return run_fail(run, "%s", wrong);
    /* After translating: the packet's own SYN counts for what follows. */
    pkt_conn_injected(conn, &event->packet);
    struct pkt_ends ends = inbound_ends(conn, &event->packet);
    if (run->frame == NULL)
        run->frame = pkt_arena_alloc(run->arena, PKT_DATAGRAM_MAX);
    uint8_t *data = run->frame;
    size_t length = pkt_build(&live, &ends, data, PKT_DATAGRAM_MAX);
    if (length == 0)
        return run_fail(run, "the packet is longer than an IP datagram can be");
    run_tell_packet(run, run_now(run), &event->packet, "");
    capture(run, run->stack.now(run->stack.self), data, length);
    if (run->stack.inject(run->stack.self, data, length) != 0)
        return run_fail(run, "the packet could not be injected");
    return true;
}

/* ---- outbound ----------------------------------------------------------------------------- */

enum fit { FITS, OTHERS, FOREIGN };

static bool address_equal(const struct hawser_address *a, const struct hawser_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool ends_equal(const struct pkt_ends *a, const struct pkt_ends *b)
{
    return address_equal(&a->source, &b->source) && a->source_port == b->source_port &&
           address_equal(&a->destination, &b->destination) &&
           a->destination_port == b->destination_port;
}

/* Is it from the connection that the script speaks of? OTHERS: from another one of the script's;
 * FOREIGN: from none. */
static enum fit belongs(struct pkt_run *run, const struct pkt_packet *expected,
                        const struct pkt_live *live)
{
    struct pkt_conn *conn = run_conn_for_outbound(run, expected);
    struct pkt_ends ends = conn->ends;
    if (live->packet.kind == PKT_PACKET_ICMP) {
        bool ours = address_equal(&live->ends.source, &ends.source) &&
                    address_equal(&live->ends.destination, &ends.destination);
        return expected != NULL && expected->kind == PKT_PACKET_ICMP && ours ? FITS : FOREIGN;
    }
    if (expected != NULL && expected->has_ports) {
        ends.source_port = expected->source_port;
        ends.destination_port = expected->destination_port;
    }
    if (conn->state == PKT_CONN_CONNECTING && live->packet.kind == PKT_PACKET_TCP &&
        (live->packet.tcp.flags & PKT_SYN) != 0 && conn->ends.source_port == 0 &&
        address_equal(&live->ends.destination, &ends.destination) &&
        live->ends.destination_port == ends.destination_port) {
        conn->ends.source_port = live->ends.source_port;
        ends.source_port = live->ends.source_port;
    }
    if (ends_equal(&live->ends, &ends))
        return FITS;
    for (size_t i = 0; i < run->conn_count; i++)
        if (ends_equal(&live->ends, &run->conns[i]->ends))
            return OTHERS;
    return FOREIGN;
}

/* The next datagram that the stack sent, until a time on its clock. */
static bool next_live(struct pkt_run *run, int64_t until_ns, struct pkt_live *live)
{
    struct pkt_datagram datagram;
    if (run->has_kept) {
        run->has_kept = false;
        pkt_live_copy(live, run->kept);
        return true;
    }
    if (!run->stack.receive(run->stack.self, until_ns, &datagram))
        return false;
    capture(run, datagram.time_ns, datagram.data, datagram.length);
    if (pkt_read(datagram.data, datagram.length, live) != 0)
        run_fail(run, "the stack sent %zu bytes that cannot be read: %s", datagram.length,
                 live->fault);
    live->time_ns = datagram.time_ns;
    return true;
}

static void keep(struct pkt_run *run, const struct pkt_live *live)
{
    if (run->kept == NULL)
        run->kept = pkt_arena_alloc(run->arena, sizeof *run->kept);
    pkt_live_copy(run->kept, live);
    run->has_kept = true;
}

static void tell_live(struct pkt_run *run, const struct pkt_live *live, const char *mark)
{
    run_tell_packet(run, live->time_ns - run->zero_ns, &live->packet, mark);
}

/* In the numbers of its own connection, for those who read it. */
static void show(struct pkt_run *run, struct pkt_live *live)
{
    for (size_t i = run->conn_count; i > 0; i--)
        if (ends_equal(&live->ends, &run->conns[i - 1]->ends)) {
            pkt_conn_show(run->conns[i - 1], live);
            return;
        }
}

/* The next packet of the connection, script numbers not yet applied. false: none came, or a
 * verdict was given. */
static bool next_of_connection(struct pkt_run *run, const struct pkt_packet *expected,
                               int64_t until_ns, struct pkt_live *live)
{
    while (next_live(run, until_ns, live)) {
        if (run->failed)
            return false;
        enum fit fit = belongs(run, expected, live);
        if (fit == FITS)
            return true;
        if (live->time_ns > run->zero_ns + FOR_EVER_NS)
            return false;
        show(run, live);
        tell_live(run, live, fit == OTHERS ? " (of another connection)" : " (of no connection)");
        if (run->how->strict)
            return run_fail(run,
                            "the stack sent a packet of another connection (%u > %u), which the "
                            "script does not expect",
                            live->ends.source_port, live->ends.destination_port);
    }
    return false;
}

/* Smaller segments that follow one another are one, unless strict_segments says otherwise. */
static void merge(struct pkt_run *run, const struct pkt_packet *expected, int64_t until_ns,
                  struct pkt_live *live)
{
    struct pkt_live next;
    uint32_t size = live->packet.tcp.length, last = size;
    if (run->options->strict_segments || expected->kind != PKT_PACKET_TCP ||
        live->packet.kind != PKT_PACKET_TCP || live->fault[0] != 0 || size == 0)
        return;
    while (live->packet.tcp.length < expected->tcp.length && last == size &&
           next_of_connection(run, expected, until_ns, &next)) {
        last = next.packet.tcp.length;
        if (live->packet.tcp.length + last > expected->tcp.length ||
            !pkt_merge(live, &next, size)) {
            keep(run, &next);
            return;
        }
    }
}

static bool time_matches(struct pkt_run *run, const struct pkt_event *event,
                         const struct pkt_live *live)
{
    int64_t came = live->time_ns - run->zero_ns;
    int64_t tolerance = run->match.tolerance_ns;
    bool harmless = run->options->packets_not_fatal;
    if (event->time.kind == PKT_TIME_ANY) {
        run->expected_ns = came;
        return true;
    }
    if (came >= run->expected_ns - tolerance && came <= run->expected_end_ns + tolerance)
        return true;
    if (run->expected_end_ns != run->expected_ns)
        return run_mismatch(run, harmless, event->place,
                            "time: expected from %.6f to %.6f s, came at %.6f s (tolerance %.6f s)",
                            (double)run->expected_ns / 1e9, (double)run->expected_end_ns / 1e9,
                            (double)came / 1e9, (double)tolerance / 1e9);
    return run_mismatch(
        run, harmless, event->place, "time: expected at %.6f s, came at %.6f s (tolerance %.6f s)",
        (double)run->expected_ns / 1e9, (double)came / 1e9, (double)tolerance / 1e9);
}

static bool never_came(struct pkt_run *run, const struct pkt_event *event)
{
    if (run->failed)
        return false;
    bool harmless = run->options->packets_not_fatal;
    if (event->time.kind == PKT_TIME_ANY)
        return run_mismatch(run, harmless, event->place,
                            "the packet never came: the stack has nothing more to send");
    return run_mismatch(run, harmless, event->place,
                        "the packet did not come until %.6f s, when it was given up",
                        (double)(run->expected_end_ns + PATIENCE_NS) / 1e9);
}

static bool compare(struct pkt_run *run, const struct pkt_event *event, struct pkt_live *live)
{
    char why[PKT_WHY_MAX];
    struct pkt_live original;
    struct pkt_conn *conn = run_conn_for_outbound(run, &event->packet);
    pkt_live_copy(&original, live);
    pkt_conn_to_script(conn, &event->packet, live);
    tell_live(run, live, "");
    if (!pkt_match(&run->match, &event->packet, live, why)) {
        run_mismatch(run, run->options->packets_not_fatal, event->place, "%s", why);
        if (run->failed)
            return false;
    }
    if (conn->state == PKT_CONN_CONNECTING)
        conn->state = PKT_CONN_ACTIVE;
    if (!pkt_conn_seen(conn, &event->packet, &original))
        return run_fail(run, "no memory for time stamps");
    return time_matches(run, event, live);
}

bool run_packet_out(struct pkt_run *run, const struct pkt_event *event)
{
    struct pkt_live live;
    int64_t until = event->time.kind == PKT_TIME_ANY
                        ? run->zero_ns + FOR_EVER_NS
                        : run->zero_ns + run->expected_end_ns + PATIENCE_NS;
    if (run->under_test == NULL)
        return run_fail(run, "a packet is expected, but there is no socket");
    run->match.tolerance_ns = run_tolerance(run, run->expected_ns - run->previous_ns);
    if (!next_of_connection(run, &event->packet, until, &live))
        return never_came(run, event);
    merge(run, &event->packet, until, &live);
    return !run->failed && compare(run, event, &live);
}

/* What the stack had sent by then and no event expected. */
bool run_no_more_packets(struct pkt_run *run, int64_t until_ns)
{
    struct pkt_live live;
    if (run->under_test == NULL || !next_of_connection(run, NULL, run->zero_ns + until_ns, &live))
        return !run->failed;
    show(run, &live);
    tell_live(run, &live, " (unexpected)");
    return run_fail(run, "the stack sent a packet that the script does not expect, at %.6f s",
                    (double)(live.time_ns - run->zero_ns) / 1e9);
}
