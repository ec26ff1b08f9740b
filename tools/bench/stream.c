/* SPDX-License-Identifier: MIT */
/* Bench stream: bulk data from client to server, copied in by send and out by receive. */
#include <stdlib.h>

#include "bench/bench.h"

#define PIECE_BYTES 131072u /* sent and received at once */
#define CONNECT_TURNS 100000u

struct stream {
    struct pair *pair;
    hawser_tcp sender, receiver;
    uint8_t *piece;
};

static uint64_t turn(void *context)
{
    struct stream *run = context;
    struct hawser_host *client = run->pair->hosts[BENCH_CLIENT],
                       *server = run->pair->hosts[BENCH_SERVER];
    struct hawser_event events[BENCH_BATCH];
    int64_t n = hawser_send(client, run->sender, run->piece, PIECE_BYTES, 0);
    if (n < 0 && n != HAWSER_ERR_AGAIN)
        return UINT64_MAX;
    pair_begin(run->pair);
    pair_carry(run->pair, BENCH_CLIENT);
    uint64_t bytes = 0;
    while ((n = hawser_receive(server, run->receiver, run->piece, PIECE_BYTES)) > 0)
        bytes += (uint64_t)n;
    pair_carry(run->pair, BENCH_SERVER);
    hawser_events(client, events, BENCH_BATCH);
    hawser_events(server, events, BENCH_BATCH);
    return n == HAWSER_ERR_AGAIN ? bytes : UINT64_MAX;
}

static bool connect_pair(struct stream *run)
{
    struct pair *pair = run->pair;
    uint32_t end = pair->next_end % (pair->ports * pair->addresses);
    int status = pair_open(pair, NULL, &run->sender);
    if (status != 0)
        return bench_failed("stream", hawser_error_text(status));
    for (unsigned i = 0; i < CONNECT_TURNS; i++) {
        pair_begin(pair);
        pair_carry(pair, BENCH_CLIENT);
        pair_carry(pair, BENCH_SERVER);
        if (hawser_accept(pair->hosts[BENCH_SERVER], pair->listeners[end % pair->ports],
                          &run->receiver) == 0)
            return true;
    }
    return bench_failed("stream", "the connection was not made");
}

bool bench_stream(const struct bench_options *options)
{
    struct pair pair;
    struct series rates;
    if (!pair_create(&pair, options, options->v6, options->connections + 1))
        return false;
    struct stream run = {.pair = &pair, .piece = calloc(1, PIECE_BYTES)};
    bool ok =
        run.piece != NULL && pair_add_idle(&pair, options->connections) && connect_pair(&run) &&
        (measure(&pair, turn, &run, &rates) || bench_failed("stream", "the connection ended"));
    if (ok) {
        const double range[2] = {rates.values[0] * 8e-9, rates.values[rates.count - 1] * 8e-9};
        bench_report(options, "stream", "gbit_per_second", "Gb/s", series_median(&rates) * 8e-9,
                     range, options->v6);
    }
    free(run.piece);
    pair_destroy(&pair);
    return ok;
}
