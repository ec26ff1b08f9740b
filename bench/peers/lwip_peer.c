/* SPDX-License-Identifier: MIT */
/* The work of `hawser bench` on lwIP as Debian builds it: its raw API, in one thread, without
 * lwIP's own. Its state is global, so both ends are connections of one stack, each bound to one of
 * two interfaces. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "lwip_wire.h"
#include "peer.h"

#define PORT_FIRST 10000u
#define PORTS 32u
#define CLIENT_PORT_FIRST 16384u
#define CLIENT_PORTS (65536u - CLIENT_PORT_FIRST)
#define OPENING_SECONDS 20
#define QUIET_NS 500000000u
#define IDLE_CONNECTIONS 2000u
#define RECORDS 5000u
#define WARM_UP 500u

static struct peer_options options;
static struct lwip_end *client, *server;
static uint32_t next_client, next_server;
static uint32_t open_count;         /* lifecycles that go on */
static uint64_t answered, finished; /* requests; connections whose client is in TIME-WAIT */
static uint64_t received_bytes;
static struct tcp_pcb **idle; /* the client's; behind them the busy one of rr and stream */
static bool closing;          /* the client closes after an answer */
static bool streaming;
static uint8_t piece[PEER_PIECE_BYTES];

/* ---- the server ----------------------------------------------------------------------------- */

static void send_message(struct tcp_pcb *pcb)
{
    lwip_check(tcp_write(pcb, piece, PEER_MESSAGE_BYTES, TCP_WRITE_FLAG_COPY), "tcp_write");
}

static uint16_t take(struct tcp_pcb *pcb, struct pbuf *p)
{
    uint16_t bytes = pbuf_copy_partial(p, piece, p->tot_len, 0);
    pbuf_free(p);
    tcp_recved(pcb, bytes);
    return bytes;
}

static err_t on_request(void *context, struct tcp_pcb *pcb, struct pbuf *p, err_t status)
{
    (void)context;
    lwip_check(status, "the server's connection");
    if (p == NULL) {
        lwip_check(tcp_close(pcb), "tcp_close");
        return ERR_OK;
    }
    received_bytes += take(pcb, p);
    if (!streaming)
        send_message(pcb);
    return ERR_OK;
}

static err_t on_accept(void *context, struct tcp_pcb *pcb, err_t status)
{
    (void)context;
    lwip_check(status, "accepting");
    tcp_recv(pcb, on_request);
    return ERR_OK;
}

/* ---- the client ----------------------------------------------------------------------------- */

static err_t on_answer(void *context, struct tcp_pcb *pcb, struct pbuf *p, err_t status)
{
    (void)context;
    lwip_check(status, "the client's connection");
    if (p == NULL) { /* the server's FIN: the record is in TIME-WAIT */
        finished++;
        return ERR_OK;
    }
    take(pcb, p);
    answered++;
    if (closing) {
        open_count--;
        lwip_check(tcp_close(pcb), "tcp_close");
    }
    return ERR_OK;
}

static err_t on_connected(void *context, struct tcp_pcb *pcb, err_t status)
{
    (void)context;
    lwip_check(status, "connecting");
    send_message(pcb);
    return tcp_output(pcb);
}

static void on_error(void *context, err_t status)
{
    (void)context;
    lwip_check(status, "a connection ended");
}

/* lwIP's own chooser takes no port that TIME-WAIT holds, towards anybody: so the caller chooses. */
static struct tcp_pcb *open_one(void)
{
    struct tcp_pcb *pcb = tcp_new();
    uint32_t number = next_client++;
    if (pcb == NULL)
        peer_fail("no connection");
    ip_set_option(pcb, SOF_REUSEADDR);
    tcp_bind_netif(pcb, &client->netif); /* else lwIP takes a short cut to its own address */
    tcp_recv(pcb, on_answer);
    tcp_err(pcb, on_error);
    lwip_check(
        tcp_bind(pcb, &client->address, (uint16_t)(CLIENT_PORT_FIRST + number % CLIENT_PORTS)),
        "tcp_bind");
    lwip_check(tcp_connect(pcb, &server->address, (uint16_t)(PORT_FIRST + next_server++ % PORTS),
                           on_connected),
               "tcp_connect");
    return pcb;
}

static void start(void)
{
    lwip_wire_create(&client, &server);
    for (uint32_t i = 0; i < PORTS; i++) {
        struct tcp_pcb *pcb = tcp_new();
        lwip_check(tcp_bind(pcb, IP_ANY_TYPE, (uint16_t)(PORT_FIRST + i)), "tcp_bind");
        tcp_bind_netif(pcb, &server->netif);
        pcb = tcp_listen_with_backlog(pcb, 255);
        if (pcb == NULL)
            peer_fail("tcp_listen");
        tcp_accept(pcb, on_accept);
    }
}

/* ---- benches -------------------------------------------------------------------------------- */

static uint64_t lifecycle_turn(void)
{
    uint64_t before = finished;
    for (; open_count < options.in_flight; open_count++)
        open_one();
    lwip_wire_pump();
    return finished - before;
}

static uint64_t rr_turn(void)
{
    struct tcp_pcb *pcb =
        options.random ? idle[peer_random() % options.connections] : idle[options.connections];
    uint64_t before = answered;
    send_message(pcb);
    lwip_check(tcp_output(pcb), "tcp_output");
    while (answered == before)
        lwip_wire_pump();
    return 1;
}

static uint64_t stream_turn(void)
{
    struct tcp_pcb *pcb = idle[options.connections];
    uint64_t before = received_bytes;
    uint16_t room = tcp_sndbuf(pcb);
    if (room != 0 && tcp_sndqueuelen(pcb) < TCP_SND_QUEUELEN / 2)
        lwip_check(tcp_write(pcb, piece, room, TCP_WRITE_FLAG_COPY), "tcp_write");
    lwip_check(tcp_output(pcb), "tcp_output");
    lwip_wire_pump();
    return received_bytes - before;
}

static void add_idle(uint32_t count)
{
    clock_t from = clock();
    if (idle == NULL)
        idle = calloc(options.connections + 1, sizeof idle[0]);
    for (uint32_t i = 0; i < count; i++) {
        idle[i] = open_one();
        while (answered <= i)
            lwip_wire_pump();
        errno = 0;
        if (clock() - from > OPENING_SECONDS * CLOCKS_PER_SEC)
            peer_cannot(
                "%u connections were open after %u s, of %u: opening one walks a list of them all",
                i, (unsigned)OPENING_SECONDS, count);
    }
    /* The last acknowledgement of an answer may be a delayed one. */
    for (uint64_t until = peer_now_ns() + QUIET_NS; count > 1 && peer_now_ns() < until;)
        lwip_wire_pump();
}

static double memory_bytes(void)
{
    size_t bytes = mallinfo2().uordblks;
    if (bytes == 0)
        peer_cannot("this malloc does not say how much is in use");
    return (double)bytes;
}

static void idle_memory(void)
{
    if (options.connections == 0)
        options.connections = IDLE_CONNECTIONS;
    add_idle(1);
    answered = 0;
    double before = memory_bytes();
    add_idle(options.connections);
    double each = (memory_bytes() - before) / (2.0 * options.connections);
    peer_report(&options, "bytes_per_idle_connection", "B", each, NULL, ",\"of_tcp\":%zu",
                sizeof(struct tcp_pcb));
}

static void time_wait_memory(void)
{
    closing = true;
    while (finished < WARM_UP)
        lifecycle_turn();
    uint64_t from = finished;
    double before = memory_bytes();
    while (finished < from + RECORDS)
        lifecycle_turn();
    peer_report(&options, "bytes_per_record_ipv4", "B",
                (memory_bytes() - before) / (double)(finished - from), NULL, ",\"of_tcp\":%zu",
                sizeof(struct tcp_pcb));
}

/* busy: connections of the bench's own, beside the idle ones. */
static void run(uint32_t busy, uint64_t (*turn)(void))
{
    struct peer_rate rate;
    uint64_t records = 0;
    add_idle(options.connections + busy);
    closing = turn == lifecycle_turn;
    streaming = turn == stream_turn;
    peer_measure(&options, turn, &rate);
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next)
        records++;
    errno = 0;
    if (records < finished)
        peer_fail("%llu of %llu TIME-WAIT records are gone",
                  (unsigned long long)(finished - records), (unsigned long long)finished);
    peer_report_rate(&options, &rate, ",\"time_wait_records\":%llu", (unsigned long long)records);
}

static void lifecycle(void)
{
    run(0, lifecycle_turn);
}

static void rr(void)
{
    run(1, rr_turn);
}

static void stream(void)
{
    run(1, stream_turn);
}

int main(int argc, char **argv)
{
    static const struct peer_bench benches[] = {
        {"lifecycle", lifecycle},
        {"stream", stream},
        {"rr", rr},
        {"idle", idle_memory},
        {"timewait", time_wait_memory},
        {0},
    };
    start();
    return peer_main(argc, argv, &options, benches);
}
