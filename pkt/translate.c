/* SPDX-License-Identifier: MIT */
/* Script numbers into live ones and back: initial sequence numbers, ACK, SACK, time stamps. */
#include <stdlib.h>
#include <string.h>

#include "pkt/conn.h"

static const struct pkt_option *find_option(const struct pkt_packet *packet,
                                            enum pkt_option_kind kind)
{
    if (packet->kind == PKT_PACKET_TCP)
        for (size_t i = 0; i < packet->tcp.options_count; i++)
            if (packet->tcp.options[i].kind == kind)
                return &packet->tcp.options[i];
    return NULL;
}

/* What is to be added to a number of the stack's sequence space to make it live. Numbers of a
 * packet with SYN are absolute, all others count from the SYN. */
static uint32_t local_offset(const struct pkt_conn *conn, bool syn)
{
    return conn->local_known ? conn->local_live - (syn ? conn->local_script : 0) : 0;
}

/* The same for the peer's space: the script's own SYN is sent as it is written. */
static uint32_t remote_offset(const struct pkt_conn *conn, bool syn)
{
    return conn->remote_known && !syn ? conn->remote : 0;
}

/* ---- into the stack ---------------------------------------------------------------------- */

static const char *live_echo(const struct pkt_conn *conn, bool scaled, uint32_t *ecr)
{
    for (size_t i = conn->ts_count; i > 0; i--)
        if (conn->ts_pairs[i - 1].script == *ecr) {
            *ecr = conn->ts_pairs[i - 1].live;
            return NULL;
        }
    if (scaled && conn->ts_known) {
        *ecr = *ecr - conn->ts_first.script + conn->ts_first.live;
        return NULL;
    }
    /* 0 stands in SYNs, where it means nothing (RFC 7323 3.2). */
    return *ecr == 0 ? NULL : "this TS ecr was never sent as a TS val";
}

const char *pkt_conn_to_live(const struct pkt_conn *conn, const struct pkt_packet *packet,
                             bool ecr_scaled, struct pkt_packet *out, struct pkt_option *options)
{
    *out = *packet;
    if (packet->kind == PKT_PACKET_ICMP)
        out->icmp.quote_seq += local_offset(conn, false);
    if (packet->kind != PKT_PACKET_TCP)
        return NULL;
    struct pkt_tcp *tcp = &out->tcp;
    bool syn = (tcp->flags & PKT_SYN) != 0;
    uint32_t offset = local_offset(conn, syn);
    tcp->seq += remote_offset(conn, syn);
    tcp->ack = (tcp->flags & PKT_ACK) != 0 ? tcp->ack + offset : 0;
    if (tcp->options_count > PKT_LIVE_OPTIONS_MAX)
        return "too many TCP options";
    for (size_t i = 0; i < tcp->options_count; i++) {
        options[i] = packet->tcp.options[i];
        for (unsigned k = 0; options[i].kind == PKT_OPT_SACK && k < options[i].count; k++) {
            options[i].sack[k].left += offset;
            options[i].sack[k].right += offset;
        }
        const char *wrong = options[i].kind == PKT_OPT_TIMESTAMPS
                                ? live_echo(conn, ecr_scaled, &options[i].ts_ecr)
                                : NULL;
        if (wrong != NULL)
            return wrong;
    }
    tcp->options = options;
    return NULL;
}

void pkt_conn_injected(struct pkt_conn *conn, const struct pkt_packet *packet)
{
    if (packet->kind != PKT_PACKET_TCP || (packet->tcp.flags & PKT_SYN) == 0)
        return;
    if (!conn->remote_known) {
        conn->remote_known = true;
        conn->remote = packet->tcp.seq;
    } else if (packet->tcp.seq != conn->remote) {
        conn->again = true;
        conn->remote_again = packet->tcp.seq;
    }
}

/* ---- out of the stack -------------------------------------------------------------------- */

/* A SYN of the stack: its number live is what the script's number means from now on. A second one
 * only when it answers another SYN of the peer: then it is a new incarnation. */
static void learn_isn(struct pkt_conn *conn, const struct pkt_packet *expected,
                      const struct pkt_tcp *live)
{
    bool answers = (live->flags & PKT_ACK) != 0 && live->ack == conn->remote_again + 1;
    if (conn->local_known && !(conn->again && answers))
        return;
    if (conn->local_known && conn->again) {
        conn->remote = conn->remote_again;
        conn->again = false;
        conn->ts_known = false;
        conn->ts_count = 0;
    }
    conn->local_known = true;
    conn->local_live = live->seq;
    conn->local_script = expected->tcp.seq;
}

static void number(const struct pkt_conn *conn, struct pkt_live *live)
{
    struct pkt_tcp *tcp = &live->packet.tcp;
    bool syn = (tcp->flags & PKT_SYN) != 0;
    uint32_t offset = remote_offset(conn, syn);
    tcp->seq -= local_offset(conn, syn);
    if ((tcp->flags & PKT_ACK) != 0)
        tcp->ack -= offset;
    for (size_t i = 0; i < tcp->options_count; i++) {
        struct pkt_option *option = &live->options[i];
        for (unsigned k = 0; option->kind == PKT_OPT_SACK && k < option->count; k++) {
            option->sack[k].left -= offset;
            option->sack[k].right -= offset;
        }
        if (option->kind == PKT_OPT_TIMESTAMPS && conn->ts_known)
            option->ts_val += conn->ts_first.script - conn->ts_first.live;
    }
}

void pkt_conn_to_script(struct pkt_conn *conn, const struct pkt_packet *expected,
                        struct pkt_live *live)
{
    if (live->packet.kind != PKT_PACKET_TCP)
        return;
    if (expected->kind == PKT_PACKET_TCP && (expected->tcp.flags & PKT_SYN) != 0 &&
        (live->packet.tcp.flags & PKT_SYN) != 0)
        learn_isn(conn, expected, &live->packet.tcp);
    const struct pkt_option *wanted = find_option(expected, PKT_OPT_TIMESTAMPS);
    const struct pkt_option *got = find_option(&live->packet, PKT_OPT_TIMESTAMPS);
    if (wanted != NULL && got != NULL && !conn->ts_known) {
        conn->ts_known = true;
        conn->ts_first = (struct pkt_ts_pair){.script = wanted->ts_val, .live = got->ts_val};
    }
    number(conn, live);
}

bool pkt_conn_seen(struct pkt_conn *conn, const struct pkt_packet *expected,
                   const struct pkt_live *live)
{
    const struct pkt_option *wanted = find_option(expected, PKT_OPT_TIMESTAMPS);
    const struct pkt_option *got = find_option(&live->packet, PKT_OPT_TIMESTAMPS);
    if (wanted == NULL || got == NULL)
        return true;
    if (conn->ts_count == conn->ts_room) {
        size_t room = conn->ts_room == 0 ? 16 : 2 * conn->ts_room;
        struct pkt_ts_pair *more = realloc(conn->ts_pairs, room * sizeof *more);
        if (more == NULL)
            return false;
        conn->ts_pairs = more;
        conn->ts_room = room;
    }
    conn->ts_pairs[conn->ts_count++] =
        (struct pkt_ts_pair){.script = wanted->ts_val, .live = got->ts_val};
    return true;
}

void pkt_conn_show(const struct pkt_conn *conn, struct pkt_live *live)
{
    if (live->packet.kind == PKT_PACKET_TCP)
        number(conn, live);
}
