/* SPDX-License-Identifier: MIT */
/* Two hosts with memory that refuses on request: see pair.h. */
#include "scenario/pair.h"

#include <stdlib.h>

#define DELAY_NS NS_PER_MS
#define POLL_NS (200 * NS_PER_MS)
#define PORT 80u
#define FRAME_BYTES 1600u
#define PIECE_BYTES 16384u

struct pair_frame {
    struct pair_frame *next;
    uint64_t due_ns;
    uint32_t length;
    uint8_t data[FRAME_BYTES];
};

/* ---- hosts and wire ---- */

static void start_end(struct pair *pair, unsigned which)
{
    struct pair_end *end = &pair->end[which];
    const struct pair_setup *setup = &pair->setup;
    struct hawser_config config;
    test_memory_init(&end->memory);
    hawser_config_defaults(&config);
    config.memory = end->memory.source;
    config.chunk_bytes = 64 * 1024;
    for (unsigned i = 0; i < sizeof config.entropy; i++)
        config.entropy[i] = (uint8_t)(i * 7 + which + 1);
    if (setup->tune[which] != NULL)
        setup->tune[which](&config);
    assert_int_equal(hawser_host_create(&config, pair->now_ns, &end->host), 0);
    struct hawser_link_config link = {.kind =
                                          setup->ethernet ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP,
                                      .mac = {2, 0, 0, 0, 0, (uint8_t)(which + 1)},
                                      .mtu = 1500};
    assert_int_equal(hawser_link_add(end->host, &link, &end->link), 0);
    assert_int_equal(
        hawser_address_add(end->host, end->link, &pair->address[which], setup->v6 ? 64 : 24), 0);
}

void pair_start(struct pair *pair, const struct pair_setup *setup)
{
    static const char *const text[2][2] = {{"198.18.0.1", "198.18.0.2"},
                                           {"2001:db8::1", "2001:db8::2"}};
    memset(pair, 0, sizeof *pair);
    pair->setup = *setup;
    pair->now_ns = 1000 * NS_PER_S;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hawser_address_scan(text[setup->v6][i], &pair->address[i]), 0);
    start_end(pair, 0);
    start_end(pair, 1);
}

static void carry(struct pair *pair, unsigned from)
{
    struct pair_end *sender = &pair->end[from], *receiver = &pair->end[!from];
    for (;;) {
        struct pair_frame *frame = malloc(sizeof *frame);
        assert_non_null(frame);
        struct hawser_buffer buffer = {.data = frame->data, .capacity = FRAME_BYTES};
        size_t n = hawser_output(sender->host, sender->link, pair->now_ns, &buffer, 1);
        pair->frames += n;
        bool lost = pair->setup.drop_every != 0 && pair->frames % pair->setup.drop_every == 0;
        if (n == 0 || lost) {
            free(frame);
            if (n == 0)
                return;
            continue;
        }
        frame->next = NULL;
        frame->due_ns = pair->now_ns + DELAY_NS;
        frame->length = buffer.length;
        if (receiver->head == NULL)
            receiver->head = frame;
        else
            receiver->tail->next = frame;
        receiver->tail = frame;
    }
}

static void deliver(struct pair *pair, unsigned to)
{
    struct pair_end *end = &pair->end[to];
    while (end->head != NULL && end->head->due_ns <= pair->now_ns) {
        struct pair_frame *frame = end->head;
        const struct hawser_frame in = {.data = frame->data, .length = frame->length};
        hawser_input(end->host, end->link, pair->now_ns, &in, 1);
        end->head = frame->next;
        free(frame);
    }
}

/* ---- programs ---- */

/* PIECE_BYTES of an end's stream from an offset on; peer_octet repeats itself after 64 KiB. */
static const uint8_t *octets_at(unsigned which, uint32_t offset)
{
    static uint8_t octets[65536 + PIECE_BYTES];
    static bool filled;
    for (uint32_t i = 0; !filled && i < sizeof octets; i++)
        octets[i] = peer_octet(i);
    filled = true;
    return &octets[(offset + which) % 65536];
}

static bool refused(struct pair *pair, struct pair_end *end, int64_t result)
{
    if (result != HAWSER_ERR_RESOURCES)
        return false;
    end->refusals++;
    pair->try_again = true;
    return true;
}

static void leave(struct pair_end *end, struct pair_talk *talk, int error)
{
    assert_int_equal(hawser_close(end->host, talk->tcp), 0);
    talk->closed = true;
    talk->error = error;
}

/* False: the connection is over. */
static bool write_some(struct pair *pair, unsigned which, struct pair_talk *talk)
{
    struct pair_end *end = &pair->end[which];
    uint32_t all = pair->setup.stream_bytes[which];
    while (talk->written < all) {
        uint32_t n = all - talk->written < PIECE_BYTES ? all - talk->written : PIECE_BYTES;
        int64_t taken = hawser_send(end->host, talk->tcp, octets_at(which, talk->written), n, 0);
        if (taken == HAWSER_ERR_AGAIN || refused(pair, end, taken))
            return true;
        if (taken < 0) {
            leave(end, talk, (int)taken);
            return false;
        }
        talk->written += (uint32_t)taken;
    }
    return true;
}

/* False: the connection is over, or the stream is. */
static bool read_some(struct pair *pair, unsigned which, struct pair_talk *talk)
{
    struct pair_end *end = &pair->end[which];
    uint8_t piece[PIECE_BYTES];
    while (!end->paused) {
        int64_t n = hawser_receive(end->host, talk->tcp, piece, sizeof piece);
        if (n == HAWSER_ERR_AGAIN)
            return true;
        if (n <= 0) {
            bool all = n == 0 && talk->read == pair->setup.stream_bytes[!which];
            if (n < 0 || which == 0 || talk->written == pair->setup.stream_bytes[1])
                leave(end, talk, n < 0 ? (int)n : all ? 0 : HAWSER_ERR_CLOSING);
            return false;
        }
        if (memcmp(piece, octets_at(!which, talk->read), (size_t)n) != 0)
            fail_msg("end %u's stream was read wrong behind octet %u", !which, talk->read);
        talk->read += (uint32_t)n;
    }
    return true;
}

static void converse(struct pair *pair, unsigned which, struct pair_talk *talk)
{
    struct pair_end *end = &pair->end[which];
    const uint32_t *all = pair->setup.stream_bytes;
    if (!write_some(pair, which, talk) || !read_some(pair, which, talk))
        return;
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(end->host, pair->now_ns, talk->tcp, &info), 0);
    if (which != 0 || talk->written != all[0] || talk->shut || info.state == HAWSER_SYN_SENT)
        return; /* CLOSE in SYN-SENT would be the end of it (RFC 9293 3.10.4) */
    if (!pair->setup.whole_close) {
        talk->shut = true;
        assert_int_equal(hawser_shutdown(end->host, talk->tcp), 0);
    } else if (talk->read == all[1]) {
        leave(end, talk, 0);
    }
}

/* Who waits for an end that has given up learns it some day (RFC 9293 3.8.4). */
static void keep_alive(struct pair_end *end, const struct pair_talk *talk)
{
    struct hawser_host *host = end->host;
    assert_int_equal(hawser_set_option(host, talk->tcp, HAWSER_OPTION_KEEPALIVE, 1), 0);
    assert_int_equal(
        hawser_set_option(host, talk->tcp, HAWSER_OPTION_KEEPALIVE_IDLE_NS, 100 * NS_PER_S), 0);
}

static void open_all(struct pair *pair)
{
    struct pair_end *end = &pair->end[0];
    struct hawser_open_options options = {.remote = {pair->address[1], PORT}};
    if (pair->end[1].listener == 0) { /* nobody is there yet */
        pair->try_again = true;
        return;
    }
    while (end->talks_count < pair->setup.connections) {
        struct pair_talk *talk = &end->talks[end->talks_count];
        int error = hawser_open(end->host, pair->now_ns, &options, &talk->tcp);
        if (refused(pair, end, error))
            return;
        assert_int_equal(error, 0);
        keep_alive(end, talk);
        end->talks_count++;
    }
}

static void accept_all(struct pair *pair)
{
    struct pair_end *end = &pair->end[1];
    if (end->listener == 0) {
        struct hawser_listen_options options = {.local = {.port = PORT}, .backlog = PAIR_TALKS};
        int error = hawser_listen(end->host, pair->now_ns, &options, &end->listener);
        if (refused(pair, end, error))
            return;
        assert_int_equal(error, 0);
    }
    while (end->talks_count < PAIR_TALKS) {
        struct pair_talk *talk = &end->talks[end->talks_count];
        if (hawser_accept(end->host, end->listener, &talk->tcp) != 0)
            return;
        keep_alive(end, talk);
        end->talks_count++;
    }
}

static void run_program(struct pair *pair, unsigned which)
{
    struct pair_end *end = &pair->end[which];
    struct hawser_event events[16];
    struct hawser_usage usage;
    while (hawser_events(end->host, events, COUNT_OF(events)) > 0)
        ; /* it polls */
    if (which == 0)
        open_all(pair);
    else
        accept_all(pair);
    for (unsigned i = 0; i < end->talks_count; i++) {
        if (!end->talks[i].closed)
            converse(pair, which, &end->talks[i]);
    }
    hawser_usage_of(end->host, &usage);
    if (usage.buffer_bytes > end->buffer_high)
        end->buffer_high = usage.buffer_bytes;
}

/* ---- time ---- */

static uint64_t next_event(const struct pair *pair)
{
    uint64_t at_ns = pair->try_again ? pair->now_ns + POLL_NS : NEVER;
    for (unsigned i = 0; i < 2; i++) {
        const struct pair_end *end = &pair->end[i];
        if (end->head != NULL)
            at_ns = ns_min(at_ns, end->head->due_ns);
        at_ns = ns_min(at_ns, hawser_next_deadline(end->host));
    }
    return at_ns > pair->now_ns ? at_ns : pair->now_ns + 1;
}

/* One moment: what has arrived, what is due, the programs, what is to be sent. */
static void step(struct pair *pair)
{
    pair->try_again = false;
    for (unsigned i = 0; i < 2; i++) {
        deliver(pair, i);
        hawser_expire(pair->end[i].host, pair->now_ns);
        run_program(pair, i);
        carry(pair, i);
    }
}

void pair_run(struct pair *pair, uint64_t ns)
{
    uint64_t until_ns = pair->now_ns + ns;
    step(pair);
    while (pair->now_ns < until_ns && !pair_ended(pair)) {
        pair->now_ns = ns_min(next_event(pair), until_ns);
        step(pair);
    }
}

void pair_pass(struct pair *pair, uint64_t ns)
{
    uint64_t until_ns = pair->now_ns + ns;
    while (pair->now_ns < until_ns) {
        pair->now_ns = ns_min(next_event(pair), until_ns);
        step(pair);
    }
}

void pair_again(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        memset(pair->end[i].talks, 0, sizeof pair->end[i].talks);
        pair->end[i].talks_count = 0;
    }
}

/* ---- looking ---- */

bool pair_ended(const struct pair *pair)
{
    if (pair->end[0].talks_count < pair->setup.connections)
        return false;
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned i = 0; i < pair->end[e].talks_count; i++) {
            if (!pair->end[e].talks[i].closed)
                return false;
        }
    }
    return true;
}

bool pair_completed(const struct pair *pair)
{
    if (!pair_ended(pair) || pair->end[1].talks_count != pair->setup.connections)
        return false;
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned i = 0; i < pair->end[e].talks_count; i++) {
            const struct pair_talk *talk = &pair->end[e].talks[i];
            if (talk->error != 0 || talk->written != pair->setup.stream_bytes[e] ||
                talk->read != pair->setup.stream_bytes[!e])
                return false;
        }
    }
    return true;
}

bool pair_forgotten(const struct pair *pair, unsigned end)
{
    struct hawser_usage usage;
    hawser_usage_of(pair->end[end].host, &usage);
    return usage.connections + usage.halfopens + usage.timewaits == 0 && usage.buffer_bytes == 0;
}

void pair_end(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pair_end *end = &pair->end[i];
        hawser_host_destroy(end->host);
        while (end->head != NULL) {
            struct pair_frame *frame = end->head;
            end->head = frame->next;
            free(frame);
        }
        test_memory_deinit(&end->memory);
    }
}
