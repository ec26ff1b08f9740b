/* SPDX-License-Identifier: MIT */
/* An HTTP/1.1 server on a host: its connections and what they do next. */
#include <stdlib.h>
#include <unistd.h>

#include "http_connection.h"

#define BACKLOG 1024u
#define LINGER_BYTES_MAX                                                                           \
    1048576u /* how much of what a client still says is thrown away before it is cut off */

/* ---- the list of connections, longest without progress first -------------------------------- */

static void list_remove(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    *(connection->earlier != NULL ? &connection->earlier->later : &server->oldest) =
        connection->later;
    *(connection->later != NULL ? &connection->later->earlier : &server->newest) =
        connection->earlier;
}

static void list_append(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    connection->active_ns = server->now_ns;
    connection->earlier = server->newest;
    connection->later = NULL;
    *(server->newest != NULL ? &server->newest->later : &server->oldest) = connection;
    server->newest = connection;
}

static void made_progress(struct http_connection *connection)
{
    list_remove(connection);
    list_append(connection);
}

static void drop(struct http_connection *connection)
{
    list_remove(connection);
    http_content_drop(&connection->content);
    connection->server->stats.connections--;
    free(connection);
}

static void hang_up(struct http_connection *connection)
{
    hawser_close(connection->server->config.host, connection->tcp);
    drop(connection);
}

/* ---- what a connection does next ------------------------------------------------------------ */

enum step {
    STEP_ON,   /* the phase has changed: go on */
    STEP_WAIT, /* nothing more to be done until the next event */
    STEP_GONE, /* the connection is no more */
};

static enum step stop(struct http_connection *connection, int64_t error)
{
    if (error == HAWSER_ERR_AGAIN)
        return STEP_WAIT;
    hang_up(connection);
    return STEP_GONE;
}

static enum step read_request(struct http_connection *connection)
{
    struct hawser_host *host = connection->server->config.host;
    struct http_request *request = &connection->request;
    while (!request->complete && request->refused == 0) {
        struct hawser_span spans[2];
        int64_t there = hawser_peek(host, connection->tcp, spans);
        if (there <= 0) /* also a client that has closed: it wants nothing more */
            return stop(connection, there);
        hawser_consume(host, connection->tcp,
                       http_request_feed(request, spans[0].data, spans[0].length));
    }
    made_progress(connection);
    http_reply_begin(connection);
    return STEP_ON;
}

/* How much of the content is ready at *data, 0 = the file is shorter than it was. */
static size_t content_piece(struct http_connection *connection, const void **data)
{
    struct http_server *server = connection->server;
    uint64_t left = connection->end - connection->offset;
    if (connection->content.fd < 0) {
        *data = connection->content.text + connection->offset;
        return left;
    }
    size_t n = left < HTTP_SCRATCH_BYTES ? left : HTTP_SCRATCH_BYTES;
    ssize_t got = pread(connection->content.fd, server->scratch, n, (off_t)connection->offset);
    *data = server->scratch;
    return got > 0 ? (size_t)got : 0;
}

static enum step send_reply(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct hawser_host *host = server->config.host;
    while (connection->head_sent < connection->head_length) {
        int64_t taken = hawser_send(host, connection->tcp, connection->head + connection->head_sent,
                                    connection->head_length - connection->head_sent,
                                    connection->offset < connection->end ? HAWSER_SEND_MORE : 0);
        if (taken < 0)
            return stop(connection, taken);
        connection->head_sent += (size_t)taken;
    }
    while (connection->offset < connection->end) {
        const void *data;
        size_t n = content_piece(connection, &data);
        if (n == 0) {
            /* The promised length cannot be kept: a reset says that this is not the end. */
            hawser_abort(host, connection->tcp);
            drop(connection);
            return STEP_GONE;
        }
        int64_t taken = hawser_send(host, connection->tcp, data, n, 0);
        if (taken < 0)
            return stop(connection, taken);
        connection->offset += (uint64_t)taken;
        server->stats.bytes_sent += (uint64_t)taken;
        made_progress(connection);
    }
    http_content_drop(&connection->content);
    made_progress(connection);
    if (connection->keep_alive) {
        http_request_init(&connection->request);
        connection->phase = HTTP_PHASE_REQUEST;
    } else {
        hawser_shutdown(host, connection->tcp);
        connection->phase = HTTP_PHASE_LINGER;
    }
    return STEP_ON;
}

static enum step linger(struct http_connection *connection)
{
    struct hawser_host *host = connection->server->config.host;
    for (;;) {
        struct hawser_span spans[2];
        int64_t there = hawser_peek(host, connection->tcp, spans);
        if (there <= 0)
            return stop(connection, there);
        hawser_consume(host, connection->tcp, (size_t)there);
        connection->lingered_bytes += (uint64_t)there;
        if (connection->lingered_bytes > LINGER_BYTES_MAX)
            return stop(connection, 0);
    }
}

static void advance(struct http_connection *connection)
{
    enum step step = STEP_ON;
    while (step == STEP_ON) {
        switch (connection->phase) {
        case HTTP_PHASE_REQUEST:
            step = read_request(connection);
            break;
        case HTTP_PHASE_REPLY:
            step = send_reply(connection);
            break;
        case HTTP_PHASE_LINGER:
            step = linger(connection);
            break;
        }
    }
}

static void on_connection_event(struct target *target, uint32_t events, uint64_t now_ns);

static struct http_connection *accept_one(struct http_server *server)
{
    struct hawser_host *host = server->config.host;
    hawser_tcp tcp;
    if (hawser_accept(host, server->listener, &tcp) != 0)
        return NULL;
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        hawser_abort(host, tcp);
        return NULL;
    }
    connection->target.on_event = on_connection_event;
    connection->server = server;
    connection->tcp = tcp;
    connection->content.fd = -1;
    http_request_init(&connection->request);
    list_append(connection);
    if (++server->stats.connections > server->stats.connections_high)
        server->stats.connections_high = server->stats.connections;
    hawser_set_user(host, tcp, connection);
    return connection;
}

static void accept_all(struct http_server *server)
{
    struct http_connection *connection;
    while (server->stats.connections < server->config.connections_max &&
           (connection = accept_one(server)) != NULL)
        advance(connection); /* the request may be there already */
    server->is_full = server->stats.connections >= server->config.connections_max;
}

static void on_connection_event(struct target *target, uint32_t events, uint64_t now_ns)
{
    struct http_connection *connection = (struct http_connection *)target;
    struct http_server *server = connection->server;
    (void)events; /* the calls themselves tell what is possible */
    server->now_ns = now_ns;
    advance(connection);
    if (server->is_full)
        accept_all(server);
}

static void on_listener_event(struct target *target, uint32_t events, uint64_t now_ns)
{
    struct http_server *server = (struct http_server *)target;
    server->now_ns = now_ns;
    if ((events & HAWSER_EVENT_ACCEPTABLE) != 0)
        accept_all(server);
}

/* ---- what its owner calls ------------------------------------------------------------------- */

int http_server_start(const struct http_server_config *config, uint64_t now_ns,
                      struct http_server **out)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return HAWSER_ERR_RESOURCES;
    server->target.on_event = on_listener_event;
    server->config = *config;
    server->now_ns = now_ns;
    const struct hawser_listen_options options = {
        .local.port = config->port,
        .backlog = BACKLOG,
        .reuse_address = true,
        .user = server,
    };
    int error = hawser_listen(config->host, now_ns, &options, &server->listener);
    if (error != 0) {
        free(server);
        return error;
    }
    *out = server;
    return 0;
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    while (server->oldest != NULL) {
        hawser_abort(server->config.host, server->oldest->tcp);
        drop(server->oldest);
    }
    hawser_close(server->config.host, server->listener);
    free(server);
}

uint64_t http_server_deadline(const struct http_server *server)
{
    return server->oldest != NULL ? server->oldest->active_ns + server->config.idle_ns : UINT64_MAX;
}

void http_server_expire(struct http_server *server, uint64_t now_ns)
{
    server->now_ns = now_ns;
    while (http_server_deadline(server) <= now_ns) {
        struct http_connection *connection = server->oldest;
        /* Half a reply must not end like a whole one. */
        if (connection->phase == HTTP_PHASE_REPLY)
            hawser_abort(server->config.host, connection->tcp);
        else
            hawser_close(server->config.host, connection->tcp);
        drop(connection);
    }
    if (server->is_full)
        accept_all(server);
}

const struct http_server_stats *http_server_stats_of(const struct http_server *server)
{
    return &server->stats;
}
