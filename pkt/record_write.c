/* SPDX-License-Identifier: MIT */
/* A recorded connection as a script's text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkt/print.h"
#include "pkt/record_internal.h"

#define NS_PER_S 1000000000LL
#define USUAL_SCALE 7u /* what a host offers that nobody has set anything for */
#define USUAL_WINDOW 65535u
#define TOLERANCE_NS 4000000LL /* packetdrill's */

void record_insert(struct record_lines *lines, size_t at, struct record_line line)
{
    if (lines->count == lines->room) {
        size_t room = lines->room == 0 ? 64 : 2 * lines->room;
        struct record_line *more = pkt_arena_array(lines->arena, room, sizeof *more);
        if (lines->count > 0)
            memcpy(more, lines->rows, lines->count * sizeof *more);
        lines->rows = more;
        lines->room = room;
    }
    memmove(lines->rows + at + 1, lines->rows + at, (lines->count - at) * sizeof *lines->rows);
    lines->rows[at] = line;
    lines->count++;
}

/* ---- the head ----------------------------------------------------------------------------- */

static void put_end(FILE *out, const struct hawser_address *address, uint16_t port)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(address, text);
    fprintf(out, hawser_address_is_v4(address) ? "%s:%u" : "[%s]:%u", text, port);
}

/* Of a stranger's file: what is no plain character is a question mark. */
static void put_name(FILE *out, const char *name)
{
    for (; *name != 0; name++)
        fputc(*name >= ' ' && *name < 127 ? *name : '?', out);
}

static void put_origin(FILE *out, const struct pkt_record *record,
                       const struct record_connection *connection, bool local_first,
                       const struct pkt_record_choice *choice)
{
    const struct pkt_ends *ends = &connection->ends;
    char date[64] = "";
    time_t seconds = (time_t)(connection->first->time_ns / NS_PER_S);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts);
    fputs("// Recorded from ", out);
    put_name(out, choice->path);
    fprintf(out, ": connection %zu of %zu, ", connection->number, record->connections);
    put_end(out, &ends->source, ends->source_port);
    fputs(" > ", out);
    put_end(out, &ends->destination, ends->destination_port);
    fprintf(out, ",\n// %s UTC, %zu packets. The stack under test is %s.\n", date,
            connection->count, local_first ? "the first, the client" : "the second, the server");
    fputs("// Payload is zeros here, whatever it was. Calls and their times are guessed from the "
          "packets.\n",
          out);
    if (record->short_packets + record->fragments > 0)
        fprintf(out, "// Passed over: %zu packets without their headers, %zu fragments.\n",
                record->short_packets, record->fragments);
}

/* Settings under which a host would send the SYN that was captured. */
static void put_settings(FILE *out, const struct record_facts *facts)
{
    const char *space = " ";
    bool asked = facts->client;
    if (!facts->syn_seen)
        return;
    bool no_sack = !facts->has_sack && (asked || facts->peer_has_sack);
    bool no_stamps = !facts->has_timestamps && (asked || facts->peer_has_timestamps);
    bool no_scale = !facts->has_wscale && (asked || facts->peer_has_wscale);
    uint32_t scale = facts->has_wscale ? facts->wscale : USUAL_SCALE;
    bool other_space = record_fixed_buffer(facts) == 0 &&
                       (scale != USUAL_SCALE || facts->syn_window != USUAL_WINDOW);
    if (!no_sack && !no_stamps && !no_scale && !other_space)
        return;
    fputs("`sysctl -q", out);
    if (no_sack)
        fprintf(out, "%snet.ipv4.tcp_sack=0", space);
    if (no_stamps)
        fprintf(out, "%snet.ipv4.tcp_timestamps=0", space);
    if (no_scale)
        fprintf(out, "%snet.ipv4.tcp_window_scaling=0", space);
    if (other_space) { /* half of the space is the first window; the most decides about the scale */
        uint32_t least = scale > 0 ? ((uint32_t)UINT16_MAX << (scale - 1)) + 1 : 1;
        uint32_t most = facts->most_window > least ? facts->most_window : least;
        uint32_t first = 2 * facts->syn_window;
        if (!facts->has_wscale && most > UINT16_MAX)
            most = UINT16_MAX;
        fprintf(out, "%snet.ipv4.tcp_rmem=\"4096 %u %u\"", space, first < most ? first : most,
                most);
    }
    fputs("`\n", out);
}

static void put_options(FILE *out, const struct record_facts *facts)
{
    uint32_t headers = facts->v6 ? 60 : 40, mtu = facts->mss + headers;
    if (facts->v6)
        fputs("--ip_version=ipv6\n", out);
    if (facts->has_mss && mtu != 1500 && mtu <= 65535 && mtu >= (facts->v6 ? 1280 : 68))
        fprintf(out, "--mtu=%u\n", mtu);
    if (facts->slowest_answer_ns > TOLERANCE_NS / 4)
        fprintf(out, "--tolerance_usecs=%lld\n", (long long)(4 * facts->slowest_answer_ns / 1000));
    if (facts->strange_echoes)
        fputs("--tcp_ts_ecr_scaled\n", out);
}

/* ---- the text ----------------------------------------------------------------------------- */

const char *record_text(const struct pkt_record *record, const struct record_connection *connection,
                        bool local_first, const struct pkt_record_choice *choice,
                        struct pkt_arena *arena)
{
    struct record_facts facts;
    struct record_lines lines = {.arena = arena};
    char *text = NULL, time[64];
    size_t size;
    int64_t now = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort(); /* as the arena does: without memory there is nothing to say */
    record_look(connection, local_first, &facts);
    record_events(connection, local_first, &facts, choice->loose, &lines);
    put_origin(out, record, connection, local_first, choice);
    put_options(out, &facts);
    put_settings(out, &facts);
    for (size_t i = 0; i < lines.count; i++) {
        const struct record_line *line = &lines.rows[i];
        const struct pkt_time when = {.kind = i == 0 ? PKT_TIME_ABSOLUTE : PKT_TIME_RELATIVE,
                                      .start_ns = line->time_ns - now};
        pkt_print_time(&when, time, sizeof time);
        now = line->time_ns;
        fprintf(out, "%s %s\n", time,
                line->call != NULL ? line->call : pkt_packet_text(line->packet, arena));
    }
    fclose(out);
    const char *copy = pkt_arena_text(arena, text, size);
    free(text);
    return copy;
}
