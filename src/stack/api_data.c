/* SPDX-License-Identifier: MIT */
/* 3.10.2 SEND, 3.10.3 RECEIVE, 3.10.4 CLOSE, 3.10.5 ABORT: whose handle it is, the call into tcp/,
 * and what follows for the connection. No call here sends by itself, and none knows the time. */
#include "stack/host.h"

/* The connection of a handle; CONN_NONE and *error when it names none. */
static inline uint32_t conn_of(struct hawser_host *host, hawser_tcp tcp, int *error)
{
    uint32_t index = handle_conn(host, tcp);
    if (index == CONN_NONE)
        *error = handle_listener(host, tcp) == LISTENER_NONE ? HAWSER_ERR_NO_CONNECTION
                                                             : HAWSER_ERR_NOT_CONNECTED;
    else
        host_works_for(host, &conn_at(host, index)->key, index);
    return index;
}

int64_t hawser_send(struct hawser_host *host, hawser_tcp tcp, const void *data, size_t n,
                    unsigned flags)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE)
        return error;
    if ((data == NULL && n > 0) || (flags & ~(HAWSER_SEND_URGENT | HAWSER_SEND_MORE)) != 0)
        return HAWSER_ERR_INVALID;
    int64_t result = tcp_send(&host->tcp, &conn_at(host, index)->tcb, data, n, flags);
    conn_settle(host, index, NEVER);
    return result;
}

int64_t hawser_receive(struct hawser_host *host, hawser_tcp tcp, void *out, size_t n)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE)
        return error;
    if (out == NULL && n > 0)
        return HAWSER_ERR_INVALID;
    int64_t result = tcp_receive(&host->tcp, &conn_at(host, index)->tcb, out, n);
    if (result > 0)
        conn_settle(host, index, NEVER);
    return result;
}

int64_t hawser_peek(struct hawser_host *host, hawser_tcp tcp, struct hawser_span spans[2])
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE)
        return error;
    if (spans == NULL)
        return HAWSER_ERR_INVALID;
    return tcp_peek(&host->tcp, &conn_at(host, index)->tcb, spans);
}

int hawser_consume(struct hawser_host *host, hawser_tcp tcp, size_t n)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE)
        return error;
    error = tcp_consume(&host->tcp, &conn_at(host, index)->tcb, n);
    conn_settle(host, index, NEVER);
    return error;
}

int64_t hawser_peek_at(struct hawser_host *host, hawser_tcp tcp, size_t offset, void *out, size_t n)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE)
        return error;
    if (out == NULL && n > 0)
        return HAWSER_ERR_INVALID;
    return tcp_peek_at(&conn_at(host, index)->tcb, offset, out, n);
}

int hawser_shutdown(struct hawser_host *host, hawser_tcp tcp)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE) {
        uint32_t listener = handle_listener(host, tcp);
        if (listener == LISTENER_NONE)
            return HAWSER_ERR_NO_CONNECTION;
        listener_close(host, listener); /* RFC9293 3.10.4-1 */
        return 0;
    }
    error = tcp_close(&host->tcp, &conn_at(host, index)->tcb);
    conn_settle(host, index, NEVER);
    return error;
}

int hawser_close(struct hawser_host *host, hawser_tcp tcp)
{
    struct tcp_reply reply;
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE) {
        uint32_t listener = handle_listener(host, tcp);
        if (listener == LISTENER_NONE)
            return HAWSER_ERR_NO_CONNECTION;
        listener_close(host, listener);
        return 0;
    }
    struct conn *conn = conn_at(host, index);
    if (conn->mapped) {
        tcp_finish(&host->tcp, &conn->tcb, reply_clear(&reply));
        conn_reply(host, index, &reply);
    }
    conn->role = CONN_ORPHAN;
    conn_settle(host, index, NEVER);
    return 0;
}

int hawser_abort(struct hawser_host *host, hawser_tcp tcp)
{
    int error;
    uint32_t index = conn_of(host, tcp, &error);
    if (index == CONN_NONE) {
        uint32_t listener = handle_listener(host, tcp);
        if (listener == LISTENER_NONE)
            return HAWSER_ERR_NO_CONNECTION;
        listener_close(host, listener);
        return 0;
    }
    struct conn *conn = conn_at(host, index);
    uint32_t record = conn_record(host, index);
    if (conn->mapped)
        conn_abort(host, index, 0, HAWSER_CAUSE_ABORT, false);
    else if (record != FLOW_NONE) /* RFC9293 3.10.5-3: the tuple is free at once */
        waiting_end(host, record, &conn->key, HAWSER_RECORD_RESET, HAWSER_CAUSE_ABORT);
    conn->role = CONN_ORPHAN;
    conn_settle(host, index, NEVER);
    return 0;
}
