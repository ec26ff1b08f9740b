/* SPDX-License-Identifier: MIT */
/* The calls of scripts that make, name, connect and end sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "pkt/run_internal.h"

/* ---- addresses --------------------------------------------------------------------------- */

static uint16_t port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return address->sa_family == AF_INET ? ntohs(((const struct sockaddr_in *)address)->sin_port)
                                         : 0;
}

static bool address_arguments(struct pkt_run *run, struct run_call *call,
                              const struct pkt_expr *const *arguments,
                              const struct hawser_address *usual, uint16_t port)
{
    struct sockaddr_storage *storage = pkt_arena_alloc(run->arena, sizeof *storage);
    int length;
    call->sys.address = (struct sockaddr *)storage;
    if (run_is_null(run, arguments[0]) && arguments[0]->kind == PKT_EXPR_WORD &&
        strcmp(arguments[0]->text, "NULL") == 0)
        call->sys.address = NULL;
    else if (!run_sockaddr(run, arguments[0], usual, port, storage, &call->sys.address_length))
        return false;
    if (arguments[1]->kind == PKT_EXPR_ELLIPSIS)
        return true;
    if (!run_int(run, arguments[1], &length))
        return false;
    call->sys.address_length = (socklen_t)length;
    return true;
}

static bool first_fd(struct pkt_run *run, struct run_call *call,
                     const struct pkt_expr *const *arguments)
{
    int script;
    if (!run_fd_argument(run, arguments[0], &script, &call->sys.fd))
        return false;
    call->conn = run_conn_of_fd(run, script);
    return true;
}

/* ---- socket ------------------------------------------------------------------------------ */

static bool socket_made(struct pkt_run *run, struct run_call *call)
{
    int64_t script;
    if (call->sys.result < 0)
        return true;
    if (!run_integer(run, call->event->call.result, &script))
        return false;
    struct pkt_conn *conn = run_conn_new(run, PKT_CONN_NEW);
    if (conn == NULL)
        return false;
    conn->script_fd = (int)script;
    return true;
}

static bool prepare_socket(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_SOCKET;
    call->sys.domain = run->options->family == PKT_IPV4 ? AF_INET : AF_INET6;
    call->check = socket_made;
    return (arguments[0]->kind == PKT_EXPR_ELLIPSIS ||
            run_int(run, arguments[0], &call->sys.domain)) &&
           run_int(run, arguments[1], &call->sys.type) &&
           run_int(run, arguments[2], &call->sys.protocol);
}

/* ---- bind, listen, accept ---------------------------------------------------------------- */

static bool bound(struct pkt_run *run, struct run_call *call)
{
    (void)run;
    if (call->sys.result == 0 && call->conn != NULL && call->sys.address != NULL)
        call->conn->ends.source_port = port_of(call->sys.address);
    return true;
}

static bool prepare_bind(struct pkt_run *run, struct run_call *call,
                         const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_BIND;
    call->check = bound;
    return first_fd(run, call, arguments) &&
           address_arguments(run, call, arguments + 1, &run->options->local,
                             run->options->bind_port);
}

static bool listening(struct pkt_run *run, struct run_call *call)
{
    (void)run;
    if (call->sys.result == 0 && call->conn != NULL && call->conn->state == PKT_CONN_NEW)
        call->conn->state = PKT_CONN_LISTENING;
    return true;
}

static bool prepare_listen(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_LISTEN;
    call->check = listening;
    return first_fd(run, call, arguments) && run_int(run, arguments[1], &call->sys.number);
}

static struct hawser_address address_of(const struct sockaddr *address)
{
    struct hawser_address out = {{0}};
    if (address->sa_family == AF_INET6) {
        memcpy(out.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    } else if (address->sa_family == AF_INET) {
        out.bytes[10] = out.bytes[11] = 0xff;
        memcpy(out.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
    }
    return out;
}

/* The accepted connection is the child that talks to that remote end. */
static bool accepted(struct pkt_run *run, struct run_call *call)
{
    int64_t script;
    if (call->sys.result < 0)
        return true;
    if (!run_integer(run, call->event->call.result, &script))
        return false;
    uint16_t port = port_of(call->sys.address);
    struct hawser_address peer = address_of(call->sys.address);
    for (size_t i = 0; i < run->conn_count; i++) {
        struct pkt_conn *conn = run->conns[i];
        if (conn->state == PKT_CONN_PASSIVE && conn->script_fd < 0 &&
            conn->ends.destination_port == port &&
            memcmp(&conn->ends.destination, &peer, sizeof peer) == 0) {
            conn->script_fd = (int)script;
            return true;
        }
    }
    char text[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(&peer, text);
    return run_fail_at(run, call->event->place,
                       "accept() gave a connection with %s, port %u, which the script did not make",
                       text, port);
}

static bool prepare_accept(struct pkt_run *run, struct run_call *call,
                           const struct pkt_expr *const *arguments, size_t count)
{
    call->sys.kind = PKT_SYS_ACCEPT;
    call->check = accepted;
    call->sys.address = pkt_arena_alloc(run->arena, sizeof(struct sockaddr_storage));
    call->sys.address_length = sizeof(struct sockaddr_storage);
    return first_fd(run, call, arguments) &&
           (count < 4 || run_int(run, arguments[3], &call->sys.flags));
}

/* ---- connect, shutdown, close ------------------------------------------------------------ */

static bool prepare_connect(struct pkt_run *run, struct run_call *call,
                            const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_CONNECT;
    if (!first_fd(run, call, arguments) ||
        !address_arguments(run, call, arguments + 1, &run->options->remote,
                           run->options->connect_port))
        return false;
    /* Known before the call returns: a blocking one sends its SYN meanwhile. */
    if (call->conn != NULL && call->conn->state == PKT_CONN_NEW && call->sys.address != NULL &&
        call->sys.address->sa_family != AF_UNSPEC) {
        call->conn->state = PKT_CONN_CONNECTING;
        call->conn->ends.destination = address_of(call->sys.address);
        call->conn->ends.destination_port = port_of(call->sys.address);
    }
    return true;
}

static bool prepare_shutdown(struct pkt_run *run, struct run_call *call,
                             const struct pkt_expr *const *arguments, size_t count)
{
    (void)count;
    call->sys.kind = PKT_SYS_SHUTDOWN;
    return first_fd(run, call, arguments) && run_int(run, arguments[1], &call->sys.number);
}

static bool prepare_close(struct pkt_run *run, struct run_call *call,
                          const struct pkt_expr *const *arguments, size_t count)
{
    int64_t script;
    (void)count;
    call->sys.kind = PKT_SYS_CLOSE;
    if (!run_integer(run, arguments[0], &script) || !first_fd(run, call, arguments))
        return false;
    run_fd_remove(run, script);
    return true;
}

const struct run_function run_socket_functions[] = {
    {"socket", 3, 3, prepare_socket, true},
    {"bind", 3, 3, prepare_bind, false},
    {"listen", 2, 2, prepare_listen, false},
    {"accept", 3, 3, prepare_accept, true},
    {"accept4", 4, 4, prepare_accept, true},
    {"connect", 3, 3, prepare_connect, false},
    {"shutdown", 2, 2, prepare_shutdown, false},
    {"close", 1, 1, prepare_close, false},
    {NULL, 0, 0, NULL, false},
};
