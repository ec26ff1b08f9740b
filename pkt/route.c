/* SPDX-License-Identifier: MIT */
/* Which connection a packet or a descriptor of a script belongs to. */
#include "pkt/run_internal.h"

#define PEER_PORT_FIRST 57344 /* of children; counted up, so that each has its own */

struct pkt_conn *run_conn_new(struct pkt_run *run, enum pkt_conn_state state)
{
    if (run->conn_count == RUN_CONNS_MAX) {
        run_fail(run, "more than %u sockets in one script", RUN_CONNS_MAX);
        return NULL;
    }
    struct pkt_conn *conn = pkt_arena_alloc(run->arena, sizeof *conn);
    conn->state = state;
    conn->script_fd = -1;
    conn->ends.source = run->options->local;
    conn->ends.destination = run->options->remote;
    run->conns[run->conn_count++] = conn;
    run->under_test = conn;
    return conn;
}

struct pkt_conn *run_conn_of_fd(struct pkt_run *run, int script_fd)
{
    for (size_t i = run->conn_count; i > 0; i--)
        if (script_fd >= 0 && run->conns[i - 1]->script_fd == script_fd)
            return run->conns[i - 1];
    return NULL;
}

static struct pkt_conn *find(const struct pkt_run *run, uint16_t local, uint16_t remote)
{
    for (size_t i = run->conn_count; i > 0; i--) {
        struct pkt_conn *conn = run->conns[i - 1];
        if (conn->ends.source_port == local && conn->ends.destination_port == remote)
            return conn;
    }
    return NULL;
}

/* A packet that names ports: those of a connection that there is, or of one more. Its numbers are
 * its own; the socket under test stays what it is. NULL = the socket under test's own packet. */
static struct pkt_conn *by_ports(struct pkt_run *run, const struct pkt_packet *packet)
{
    struct pkt_conn *current = run->under_test;
    if (!packet->has_ports || packet->kind != PKT_PACKET_TCP || current == NULL ||
        current->state == PKT_CONN_LISTENING || current->ends.source_port == 0 ||
        current->ends.destination_port == 0)
        return NULL;
    struct pkt_conn *conn = find(run, packet->destination_port, packet->source_port);
    if (conn != NULL)
        return conn;
    conn = run_conn_new(run, PKT_CONN_PASSIVE);
    run->under_test = current;
    if (conn != NULL) {
        conn->ends.source_port = packet->destination_port;
        conn->ends.destination_port = packet->source_port;
    }
    return conn;
}

struct pkt_conn *run_conn_for_outbound(const struct pkt_run *run, const struct pkt_packet *packet)
{
    struct pkt_conn *conn = NULL;
    if (packet != NULL && packet->has_ports)
        conn = find(run, packet->source_port, packet->destination_port);
    return conn != NULL ? conn : run->under_test;
}

/* The socket under test, or a new child of it when it listens, or when there is none. */
struct pkt_conn *run_conn_for_inbound(struct pkt_run *run, const struct pkt_packet *packet)
{
    struct pkt_conn *conn = by_ports(run, packet);
    if (conn != NULL || run->failed)
        return conn;
    conn = run->under_test;
    if (packet->kind == PKT_PACKET_TCP && (conn == NULL || conn->state == PKT_CONN_LISTENING)) {
        uint16_t port = conn != NULL ? conn->ends.source_port : run->options->bind_port;
        conn = run_conn_new(run, PKT_CONN_PASSIVE);
        if (conn == NULL)
            return NULL;
        conn->ends.source_port = port;
    }
    if (conn == NULL && (conn = run_conn_new(run, PKT_CONN_PASSIVE)) == NULL)
        return NULL;
    if (conn->ends.source_port == 0)
        conn->ends.source_port = run->options->bind_port;
    if (conn->ends.destination_port == 0) {
        conn->ends.destination_port = (uint16_t)(PEER_PORT_FIRST + run->next_port);
        run->next_port = (uint16_t)((run->next_port + 1) % (65536 - PEER_PORT_FIRST));
    }
    if (packet->kind == PKT_PACKET_TCP && packet->has_ports && conn->state == PKT_CONN_PASSIVE &&
        !conn->remote_known) { /* the child that this packet makes has the ports that it names */
        conn->ends.destination_port = packet->source_port;
        conn->ends.source_port = packet->destination_port;
    }
    return conn;
}

/* ---- descriptors -------------------------------------------------------------------------- */

int run_live_fd(const struct pkt_run *run, int64_t script_fd)
{
    for (size_t i = run->fd_count; i > 0; i--)
        if (run->fds[i - 1].open && run->fds[i - 1].script == script_fd)
            return run->fds[i - 1].live;
    return -1;
}

bool run_fd_add(struct pkt_run *run, int64_t script_fd, int64_t live_fd)
{
    size_t at = 0;
    if (run_live_fd(run, script_fd) >= 0)
        return run_fail(run, "descriptor %lld is open already", (long long)script_fd);
    while (at < run->fd_count && run->fds[at].open)
        at++;
    if (at == RUN_FDS_MAX)
        return run_fail(run, "more than %u descriptors in one script", RUN_FDS_MAX);
    if (at == run->fd_count)
        run->fd_count++;
    run->fds[at] = (struct run_fd){.script = (int)script_fd, .live = (int)live_fd, .open = true};
    return true;
}

void run_fd_remove(struct pkt_run *run, int64_t script_fd)
{
    for (size_t i = 0; i < run->fd_count; i++)
        if (run->fds[i].open && run->fds[i].script == script_fd)
            run->fds[i].open = false;
    for (size_t i = 0; i < run->conn_count; i++)
        if (run->conns[i]->script_fd == script_fd)
            run->conns[i]->script_fd = -1;
}
