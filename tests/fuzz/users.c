/* SPDX-License-Identifier: MIT */
/* The programs on a fuzzed host: see users.h. */
#include "fuzz/users.h"

#define ONE_OF(error) (UINT32_C(1) << -(error))
#define OK ONE_OF(0)
#define GONE ONE_OF(HAWSER_ERR_NO_CONNECTION)
#define LISTENER ONE_OF(HAWSER_ERR_NOT_CONNECTED)
/* What can end a connection. */
#define ENDS                                                                                       \
    (ONE_OF(HAWSER_ERR_REFUSED) | ONE_OF(HAWSER_ERR_RESET) | ONE_OF(HAWSER_ERR_TIMED_OUT) |        \
     ONE_OF(HAWSER_ERR_ABORTED) | ONE_OF(HAWSER_ERR_NET_UNREACHABLE) |                             \
     ONE_OF(HAWSER_ERR_HOST_UNREACHABLE) | ONE_OF(HAWSER_ERR_PROTOCOL_UNREACHABLE) |               \
     ONE_OF(HAWSER_ERR_PARAMETER_PROBLEM) | ONE_OF(HAWSER_ERR_RESOURCES))

/* The contract of a call: its answer is a count, or one of these errors. */
static void must_be(int64_t result, uint32_t errors)
{
    if (result < 0) {
        fuzz_say("   %s\n", hawser_error_name((int)result));
        REQUIRE(result >= HAWSER_ERR_CONFIG);
        REQUIRE(errors & ONE_OF(result));
    }
}

static struct user_slot *slot_of(struct users *u, unsigned slot)
{
    return &u->slots[slot % USERS_SLOTS];
}

struct user_slot *users_room(struct users *u)
{
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        if (u->slots[i].tcp == 0)
            return &u->slots[i];
    }
    return NULL;
}

static struct hawser_tcp_info info_of(struct users *u, const struct user_slot *s)
{
    struct hawser_tcp_info info;
    REQUIRE(hawser_status(u->host, u->now_ns, s->tcp, &info) == 0);
    return info;
}

static void forget(struct users *u, struct user_slot *s)
{
    memmove(u->gone + 1, u->gone, sizeof u->gone - sizeof u->gone[0]);
    u->gone[0] = s->tcp;
    *s = (struct user_slot){0};
}

/* ---- streams --------------------------------------------------------------------------------- */

static void note_written(struct users *u, const struct user_slot *s, uint32_t iss, bool shut)
{
    struct ledger *ledger = u->ledger;
    unsigned at = 0, known = ledger->count < USERS_STREAMS ? ledger->count : USERS_STREAMS;
    while (at < known && (ledger->streams[at].writer != u || ledger->streams[at].tcp != s->tcp))
        at++;
    if (at == known)
        at = ledger->count++ % USERS_STREAMS;
    ledger->streams[at].writer = u;
    ledger->streams[at].tcp = s->tcp;
    ledger->streams[at].iss = iss;
    ledger->streams[at].written = s->written;
    ledger->streams[at].shut = shut;
}

/* Has a stream with this number so many octets, and with `ends` no more? */
static bool is_written(const struct ledger *ledger, uint32_t iss, uint32_t octets, bool ends)
{
    if (ledger->off || ledger->count >= USERS_STREAMS)
        return true; /* of the other end nothing is known, or no longer all */
    for (unsigned i = 0; i < ledger->count; i++) {
        uint32_t written = ledger->streams[i].written;
        if (ledger->streams[i].iss == iss && octets <= written &&
            (!ends || (ledger->streams[i].shut && octets == written)))
            return true;
    }
    return octets == 0 && !ends;
}

/* Exactly what the other end wrote, in order, and its end only where that is. */
static void check_read(struct users *u, struct user_slot *s, const uint8_t *text, size_t n)
{
    struct hawser_tcp_info info = info_of(u, s);
    uint32_t key = u->ledger->off ? 0 : info.irs;
    for (size_t i = 0; i < n && !u->ledger->tainted; i++)
        REQUIRE(text[i] == fuzz_octet(key, info.irs + 1 + s->read + (uint32_t)i));
    REQUIRE(is_written(u->ledger, info.irs, s->read + (uint32_t)n, false));
}

static void check_end(struct users *u, struct user_slot *s)
{
    s->read_all = true;
    REQUIRE(is_written(u->ledger, info_of(u, s).irs, s->read, true));
}

/* ---- user calls ------------------------------------------------------------------------------ */

void users_listen(struct users *u, const struct fuzz_op *op, uint16_t port)
{
    struct user_slot *s = users_room(u);
    if (s == NULL)
        return;
    struct hawser_listen_options options = {
        .local.port = op->b & 1 ? 0 : port,
        .backlog = op->c % 4,
        .v6_only = op->b & 2,
        .reuse_address = !(op->b & 4),
    };
    if (op->b & 8)
        options.remote = u->remote;
    hawser_tcp tcp = 0;
    int result = hawser_listen(u->host, u->now_ns, &options, &tcp);
    must_be(result, ONE_OF(HAWSER_ERR_INVALID) | ONE_OF(HAWSER_ERR_ADDRESS_NOT_LOCAL) |
                        ONE_OF(HAWSER_ERR_ADDRESS_IN_USE) | ONE_OF(HAWSER_ERR_RESOURCES) |
                        ONE_OF(HAWSER_ERR_ADDRESS_NOT_AVAILABLE));
    REQUIRE((result == 0) == (tcp != 0));
    REQUIRE(result != 0 || options.backlog > 0);
    if (result == 0)
        *s = (struct user_slot){.tcp = tcp, .listener = true};
}

void users_open(struct users *u, const struct fuzz_op *op, uint16_t port)
{
    struct user_slot *s = users_room(u);
    if (s == NULL)
        return;
    struct hawser_open_options options = {
        .remote = {u->remote.address, port},
        .local.port = op->b & 1 ? (uint16_t)(51000 + op->c % 4) : 0,
        .reuse_address = op->b & 2,
    };
    if (op->b & 8)
        memset(&options.remote.address, op->c, op->c % 17);
    hawser_tcp tcp = 0;
    int result = hawser_open(u->host, u->now_ns, &options, &tcp);
    must_be(result, ONE_OF(HAWSER_ERR_REMOTE_UNSPECIFIED) | ONE_OF(HAWSER_ERR_BAD_REMOTE) |
                        ONE_OF(HAWSER_ERR_ADDRESS_NOT_LOCAL) | ONE_OF(HAWSER_ERR_UNREACHABLE) |
                        ONE_OF(HAWSER_ERR_EXISTS) | ONE_OF(HAWSER_ERR_ADDRESS_IN_USE) |
                        ONE_OF(HAWSER_ERR_ADDRESS_NOT_AVAILABLE) | ONE_OF(HAWSER_ERR_RESOURCES));
    REQUIRE((result == 0) == (tcp != 0));
    if (result == 0)
        *s = (struct user_slot){.tcp = tcp};
}

void users_accept(struct users *u, unsigned slot)
{
    struct user_slot *listener = slot_of(u, slot), *s = users_room(u);
    if (listener->tcp == 0 || s == NULL)
        return;
    hawser_tcp tcp = 0;
    int result = hawser_accept(u->host, listener->tcp, &tcp);
    must_be(result, ONE_OF(HAWSER_ERR_AGAIN) | LISTENER);
    REQUIRE((result == HAWSER_ERR_NOT_CONNECTED) == !listener->listener);
    REQUIRE((result == 0) == (tcp != 0));
    listener->waits_accept = result == HAWSER_ERR_AGAIN;
    if (result == 0)
        *s = (struct user_slot){.tcp = tcp, .connected = true};
}

void users_send(struct users *u, unsigned slot, uint32_t n, unsigned flags)
{
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    static uint8_t text[65536];
    if (n > sizeof text)
        n = sizeof text;
    uint32_t iss = 0;
    if (!s->listener) {
        iss = info_of(u, s).iss;
        fuzz_octets(iss, iss + 1 + s->written, text, n);
    }
    int64_t taken = hawser_send(u->host, s->tcp, text, n, flags);
    must_be(taken, ONE_OF(HAWSER_ERR_AGAIN) | LISTENER | ONE_OF(HAWSER_ERR_CLOSING) | ENDS |
                       (flags > 3 ? ONE_OF(HAWSER_ERR_INVALID) : 0));
    fuzz_say("   sent %lld of %u for %#llx\n", (long long)taken, n, (unsigned long long)s->tcp);
    REQUIRE(taken <= (int64_t)n);
    REQUIRE(!s->listener || n == 0 || taken < 0);
    REQUIRE(!s->shut || n == 0 || taken < 0);
    if (taken >= 0 && taken < (int64_t)n)
        s->waits_write = true; /* a short write promises an event, too */
    if (taken == HAWSER_ERR_AGAIN && n > 0)
        s->waits_write = true;
    if (taken > 0) {
        s->written += (uint32_t)taken;
        note_written(u, s, iss, false);
    }
}

void users_receive(struct users *u, unsigned slot, uint32_t n, unsigned way)
{
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    static uint8_t text[65536];
    if (n > sizeof text)
        n = sizeof text;
    int64_t got;
    if (way == 0) {
        got = hawser_receive(u->host, s->tcp, text, n);
        REQUIRE(got <= (int64_t)n);
        if (got > 0)
            check_read(u, s, text, (size_t)got);
    } else {
        struct hawser_span spans[2] = {{NULL, 0}, {NULL, 0}};
        got = hawser_peek(u->host, s->tcp, spans);
        if (got > 0) {
            REQUIRE((uint64_t)got == spans[0].length + spans[1].length);
            uint32_t read = s->read;
            check_read(u, s, spans[0].data, spans[0].length);
            s->read += (uint32_t)spans[0].length;
            check_read(u, s, spans[1].data, spans[1].length);
            s->read = read;
            REQUIRE(hawser_consume(u->host, s->tcp, (size_t)got + 1) == HAWSER_ERR_INVALID);
            if (way == 2)
                return;
            got = got < (int64_t)n ? got : (int64_t)n;
            REQUIRE(hawser_consume(u->host, s->tcp, (size_t)got) == 0);
        }
    }
    fuzz_say("   received %lld for %#llx\n", (long long)got, (unsigned long long)s->tcp);
    must_be(got, ONE_OF(HAWSER_ERR_AGAIN) | LISTENER | ONE_OF(HAWSER_ERR_CLOSING) | ENDS);
    REQUIRE(!s->listener || got == HAWSER_ERR_NOT_CONNECTED || n == 0);
    if (got > 0) {
        REQUIRE(!s->read_all);
        s->read += (uint32_t)got;
    }
    if (got == 0 && n > 0)
        check_end(u, s);
    if (got == HAWSER_ERR_AGAIN) {
        REQUIRE(!s->read_all);
        s->waits_read = true;
    }
    if (got < 0 && got != HAWSER_ERR_AGAIN && !s->listener)
        s->failed = true;
}

void users_shutdown(struct users *u, unsigned slot)
{
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    struct hawser_tcp_info before = info_of(u, s);
    int result = hawser_shutdown(u->host, s->tcp);
    must_be(result, ONE_OF(HAWSER_ERR_CLOSING) | ENDS);
    REQUIRE(!s->shut || result != 0);
    /* A listener, or a connection that was still being opened, is deleted. */
    if (result == 0 && (s->listener || before.state == HAWSER_SYN_SENT)) {
        struct hawser_tcp_info info;
        s->failed = true;
        if (hawser_status(u->host, u->now_ns, s->tcp, &info) != 0)
            forget(u, s);
        return;
    }
    if (result == 0) {
        s->shut = true;
        note_written(u, s, before.iss, true);
    }
}

void users_close(struct users *u, unsigned slot)
{
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    if (!s->listener)
        note_written(u, s, info_of(u, s).iss, true);
    REQUIRE(hawser_close(u->host, s->tcp) == 0);
    forget(u, s);
}

void users_abort(struct users *u, unsigned slot)
{
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    REQUIRE(hawser_abort(u->host, s->tcp) == 0);
    forget(u, s);
}

void users_option(struct users *u, unsigned slot, unsigned which, uint32_t value)
{
    static const uint64_t values[] = {
        0, 1, 2, 88, 536, 2048, 65536, FUZZ_S, 60 * FUZZ_S, UINT64_MAX, UINT64_MAX - 1, UINT32_MAX};
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    enum hawser_option option = (enum hawser_option)(which % 20);
    uint64_t wanted = value < COUNT_OF(values) ? values[value] : value, before = 0, after = 0;
    int known = hawser_get_option(u->host, s->tcp, option, &before);
    int result = hawser_set_option(u->host, s->tcp, option, wanted);
    must_be(known, ONE_OF(HAWSER_ERR_NO_OPTION) | LISTENER);
    must_be(result, ONE_OF(HAWSER_ERR_INVALID) | ONE_OF(HAWSER_ERR_NO_OPTION) | ENDS);
    s->resized = s->resized || option == HAWSER_OPTION_SEND_BUFFER_BYTES;
    if (known == 0 && result == HAWSER_ERR_INVALID) { /* the old one stays */
        REQUIRE(hawser_get_option(u->host, s->tcp, option, &after) == 0);
        REQUIRE(after == before);
    }
}

/* Looking ahead shows the stream as reading will, and consumes nothing. */
static void check_peek_at(struct users *u, struct user_slot *s)
{
    uint8_t ahead[64];
    size_t offset = s->read % 100u;
    uint32_t before = info_of(u, s).receive_queue_bytes;
    int64_t there = hawser_peek_at(u->host, s->tcp, offset, ahead, sizeof ahead);
    REQUIRE(there >= 0 || (there == HAWSER_ERR_NOT_CONNECTED && s->listener));
    REQUIRE(there <= 0 || offset + (uint64_t)there <= before);
    if (there > 0) {
        s->read += (uint32_t)offset;
        check_read(u, s, ahead, (size_t)there);
        s->read -= (uint32_t)offset;
    }
    REQUIRE(info_of(u, s).receive_queue_bytes == before);
}

void users_ask(struct users *u, unsigned slot)
{
    struct hawser_tcp_info info;
    struct hawser_usage usage;
    uint64_t cursor = 0;
    uint32_t connections = 0, listeners = 0, all = 0;
    hawser_usage_of(u->host, &usage);
    while (hawser_walk(u->host, u->now_ns, &cursor, &info)) {
        REQUIRE(++all < 10000);
        connections += info.state != HAWSER_LISTEN && info.state != HAWSER_CLOSED;
        listeners += info.state == HAWSER_LISTEN;
    }
    REQUIRE(listeners == usage.listeners);
    REQUIRE(connections <= usage.connections + usage.halfopens + usage.timewaits);
    struct user_slot *s = slot_of(u, slot);
    if (s->tcp == 0)
        return;
    info = info_of(u, s);
    REQUIRE(info.handle == s->tcp);
    REQUIRE(s->listener == (info.state == HAWSER_LISTEN));
    REQUIRE(info.unsent_bytes <= info.send_queue_bytes || s->listener);
    check_peek_at(u, s);
    int soft = hawser_take_soft_error(u->host, s->tcp);
    REQUIRE(soft <= 0 && soft >= HAWSER_ERR_CONFIG);
    REQUIRE(hawser_take_soft_error(u->host, s->tcp) == 0 || s->listener);
}

void users_calls_in_vain(struct users *u, unsigned which)
{
    hawser_tcp tcp = u->gone[which % COUNT_OF(u->gone)];
    if (which & 4)
        tcp = tcp * UINT64_C(0x9e3779b97f4a7c15) | UINT64_C(1) << 63;
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        if (u->slots[i].tcp == tcp)
            return;
    }
    struct hawser_tcp_info info;
    struct hawser_span spans[2];
    uint64_t value;
    uint8_t octet = 0;
    hawser_tcp out;
    int64_t results[] = {
        hawser_send(u->host, tcp, &octet, 1, 0),
        hawser_receive(u->host, tcp, &octet, 1),
        hawser_peek(u->host, tcp, spans),
        hawser_consume(u->host, tcp, 0),
        hawser_shutdown(u->host, tcp),
        hawser_close(u->host, tcp),
        hawser_abort(u->host, tcp),
        hawser_accept(u->host, tcp, &out),
        hawser_set_user(u->host, tcp, NULL),
        hawser_take_soft_error(u->host, tcp),
        hawser_status(u->host, u->now_ns, tcp, &info),
        hawser_set_option(u->host, tcp, HAWSER_OPTION_NODELAY, 1),
        hawser_get_option(u->host, tcp, HAWSER_OPTION_NODELAY, &value),
    };
    for (unsigned i = 0; i < COUNT_OF(results); i++)
        REQUIRE(results[i] == HAWSER_ERR_NO_CONNECTION);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void take(struct users *u, const struct hawser_event *event)
{
    fuzz_say("   event %#x for %#llx\n", event->events, (unsigned long long)event->tcp);
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        struct user_slot *s = &u->slots[i];
        if (s->tcp != event->tcp)
            continue;
        uint32_t ends = HAWSER_EVENT_ERROR;
        if (event->events & (HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED | ends))
            s->waits_read = false;
        if (event->events & (HAWSER_EVENT_WRITABLE | ends))
            s->waits_write = false;
        if (event->events & HAWSER_EVENT_ACCEPTABLE)
            s->waits_accept = false;
        if (event->events & HAWSER_EVENT_CONNECTED) {
            REQUIRE(!s->connected && !s->listener);
            s->connected = true;
        }
        if (event->events & HAWSER_EVENT_ERROR) {
            REQUIRE(!s->failed || info_of(u, s).error != 0);
            s->failed = true;
        }
        return;
    }
    REQUIRE(event->tcp == 0); /* an event for a handle that nobody has */
}

/* Nobody sleeps through something: without an event the answer is what it was. */
static void check_waiting(struct users *u, struct user_slot *s)
{
    struct hawser_span spans[2];
    hawser_tcp out;
    if (s->waits_read && !s->failed)
        REQUIRE(hawser_peek(u->host, s->tcp, spans) == HAWSER_ERR_AGAIN);
    if (s->waits_accept)
        REQUIRE(users_room(u) == NULL || hawser_accept(u->host, s->tcp, &out) == HAWSER_ERR_AGAIN);
    if (s->waits_write && !s->failed && !s->shut && !s->resized) {
        uint64_t buffer;
        REQUIRE(hawser_get_option(u->host, s->tcp, HAWSER_OPTION_SEND_BUFFER_BYTES, &buffer) == 0);
        REQUIRE(buffer - info_of(u, s).send_queue_bytes < buffer / 4);
    }
}

void users_events(struct users *u)
{
    struct hawser_event events[3];
    unsigned all = 0;
    for (size_t n; (n = hawser_events(u->host, events, COUNT_OF(events))) > 0;) {
        REQUIRE(n <= COUNT_OF(events) && (all += (unsigned)n) < 1000);
        for (size_t i = 0; i < n; i++) {
            REQUIRE(events[i].tcp != 0 && events[i].events != 0);
            take(u, &events[i]);
        }
    }
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        if (u->slots[i].tcp != 0)
            check_waiting(u, &u->slots[i]);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

void users_be_impatient(struct users *u, unsigned slot)
{
    static const struct {
        enum hawser_option option;
        uint64_t value;
    } wanted[] = {
        {HAWSER_OPTION_KEEPALIVE, 1},
        {HAWSER_OPTION_KEEPALIVE_IDLE_NS, 60 * FUZZ_S},
        {HAWSER_OPTION_KEEPALIVE_INTERVAL_NS, 10 * FUZZ_S},
        {HAWSER_OPTION_KEEPALIVE_PROBES, 3},
        {HAWSER_OPTION_USER_TIMEOUT_NS, 0},
        {HAWSER_OPTION_CORK, 0},
    };
    const struct user_slot *s = slot_of(u, slot);
    for (unsigned i = 0; i < COUNT_OF(wanted) && s->tcp != 0; i++) {
        int result = hawser_set_option(u->host, s->tcp, wanted[i].option, wanted[i].value);
        must_be(result, ENDS | ONE_OF(HAWSER_ERR_NO_OPTION) | ONE_OF(HAWSER_ERR_CLOSING));
    }
}

static bool finish_slot(struct users *u, unsigned i)
{
    struct user_slot *s = &u->slots[i];
    uint32_t before = s->read;
    if (s->listener) {
        struct user_slot *room = users_room(u);
        users_accept(u, i);
        return room != NULL && room->tcp != 0;
    }
    if (!s->failed && !s->read_all)
        users_receive(u, i, 65536, 0);
    bool any = s->read != before;
    if (s->connected && !s->shut && !s->failed) {
        users_shutdown(u, i);
        any = true;
    }
    if (s->failed || (s->shut && s->read_all)) {
        users_close(u, i);
        any = true;
    }
    return any;
}

bool users_finish(struct users *u)
{
    bool any = false;
    for (unsigned i = 0; i < USERS_SLOTS; i++) {
        if (u->slots[i].tcp != 0)
            any = finish_slot(u, i) || any;
    }
    return any;
}

void users_leave(struct users *u)
{
    for (unsigned i = 0; i < USERS_SLOTS; i++)
        users_close(u, i);
}
