/* SPDX-License-Identifier: MIT */
/* The public calls of api_open.c, api_data.c and api_status.c: every error each of them can give,
 * and what a refusal leaves behind (nothing). */
#include <stdlib.h>

#include "lan.h"
#include "stack/host.h"

static struct lan *begin(const struct lan_setup *setup)
{
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, setup);
    return lan;
}

static void end(struct lan *lan)
{
    lan_deinit(lan);
    free(lan);
}

static struct hawser_usage usage_of(struct lan *lan, unsigned host)
{
    struct hawser_usage usage;
    hawser_usage_of(lan->host[host], &usage);
    return usage;
}

/* ---- OPEN ------------------------------------------------------------------------------------ */

static int open_with(struct lan *lan, const char *local, uint16_t local_port, const char *remote,
                     uint16_t port, bool reuse, hawser_tcp *out)
{
    struct hawser_open_options options = {.reuse_address = reuse, .local.port = local_port};
    if (local != NULL)
        options.local.address = lan_address(local);
    options.remote = lan_end(remote, port);
    return hawser_open(lan->host[0], lan->now_ns, &options, out);
}

/* EVIDENCE 9293-MUST-46 9293-3.10.1-1 */
static void test_open_refused(void **state)
{
    (void)state;
    static const struct {
        const char *local;
        const char *remote;
        uint16_t port;
        int error;
    } rows[] = {
        {NULL, "0.0.0.0", 80, HAWSER_ERR_REMOTE_UNSPECIFIED},
        {NULL, "::", 80, HAWSER_ERR_REMOTE_UNSPECIFIED},
        {NULL, "198.18.0.2", 0, HAWSER_ERR_BAD_REMOTE},
        {NULL, "255.255.255.255", 80, HAWSER_ERR_BAD_REMOTE},
        {NULL, "198.18.0.255", 80, HAWSER_ERR_BAD_REMOTE},
        {NULL, "224.0.0.1", 80, HAWSER_ERR_BAD_REMOTE},
        {NULL, "ff02::1", 80, HAWSER_ERR_BAD_REMOTE},
        {"198.18.0.77", "198.18.0.2", 80, HAWSER_ERR_ADDRESS_NOT_LOCAL},
        {"2001:db8::1", "198.18.0.2", 80, HAWSER_ERR_ADDRESS_NOT_LOCAL},
        {"198.18.0.1", "2001:db8::2", 80, HAWSER_ERR_ADDRESS_NOT_LOCAL},
        {"0.0.0.0", "2001:db8::2", 80, HAWSER_ERR_ADDRESS_NOT_LOCAL},
        {NULL, "192.0.2.1", 80, HAWSER_ERR_UNREACHABLE},
        {NULL, "2001:db9::1", 80, HAWSER_ERR_UNREACHABLE},
    };
    struct lan *lan = begin(NULL);
    uint64_t memory = usage_of(lan, 0).memory_bytes;
    hawser_tcp out = 77;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(
            open_with(lan, rows[i].local, 0, rows[i].remote, rows[i].port, false, &out),
            rows[i].error);
        assert_int_equal(open_with(lan, rows[i].local, 7, rows[i].remote, rows[i].port, true, &out),
                         rows[i].error);
    }
    assert_int_equal(out, 77);
    assert_int_equal(usage_of(lan, 0).connections, 0);
    assert_int_equal(usage_of(lan, 0).memory_bytes, memory);
    assert_int_equal(hawser_open(lan->host[0], lan->now_ns, NULL, &out), HAWSER_ERR_INVALID);
    lan_settle(lan);
    assert_int_equal(lan->frames, 0); /* no packet for any of it */
    end(lan);
}

/* EVIDENCE 9293-3.10.1-4 9293-MUST-42 */
static void test_open_from_a_given_port(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp first, second, listener;
    struct hawser_tcp_info info;
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 80, false, &first), 0);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, first, &info), 0);
    assert_int_equal(info.local.port, 5000);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 80, true, &second),
                     HAWSER_ERR_EXISTS);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 80, false, &second),
                     HAWSER_ERR_EXISTS);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 81, false, &second),
                     HAWSER_ERR_ADDRESS_IN_USE);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 81, true, &second), 0);
    assert_int_equal(usage_of(lan, 0).connections, 2);
    /* A listener beside blocks in SYN-SENT on its port. */
    struct hawser_listen_options options = {.backlog = 1, .local.port = 5000};
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener),
                     HAWSER_ERR_ADDRESS_IN_USE);
    options.reuse_address = true;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    assert_int_equal(lan_state(lan, 0, first), HAWSER_SYN_SENT);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 82, false, &second),
                     HAWSER_ERR_ADDRESS_IN_USE);
    assert_int_equal(open_with(lan, NULL, 5000, "198.18.0.2", 82, true, &second), 0);
    hawser_tcp third = lan_open(lan, 1, lan_end_of(0, false, 5000));
    lan_settle(lan);
    assert_int_equal(lan_state(lan, 1, third), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_accept(lan->host[0], listener, &third), 0);
    end(lan);
}

/* EVIDENCE 9293-MUST-43 9293-MUST-44 9293-MUST-45 */
static void test_local_address_is_chosen_and_kept(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    struct hawser_address second = lan_address("203.0.113.1");
    struct hawser_address peer = lan_address("203.0.113.9");
    hawser_tcp ends[2], tcp;
    struct hawser_tcp_info info;
    assert_int_equal(hawser_address_add(lan->host[0], 0, &second, 24), 0);
    tcp = lan_open(lan, 0, (struct hawser_endpoint){peer, 80});
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp, &info), 0);
    assert_memory_equal(&info.local.address, &second, 16);
    assert_int_equal(open_with(lan, "198.18.0.1", 0, "203.0.113.9", 80, false, &tcp), 0);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp, &info), 0);
    struct hawser_endpoint own = lan_end_of(0, false, 0);
    assert_memory_equal(&info.local.address, &own.address, 16);
    /* Routes come and go: the address of a connection does not. */
    lan_connect(lan, false, 0, 80, ends);
    struct hawser_endpoint there = lan_end_of(1, false, 0);
    assert_int_equal(hawser_route_add(lan->host[0], &there.address, 32, NULL, 0, 0), 0);
    assert_int_equal(hawser_send(lan->host[0], ends[0], "x", 1, 0), 1);
    lan_settle(lan);
    char text[4];
    assert_int_equal(hawser_receive(lan->host[1], ends[1], text, 4), 1);
    end(lan);
}

static void few(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->connections_max = 3;
    config->listeners_max = 2;
    config->port_first = 40000;
    config->port_last = 40004;
}

/* EVIDENCE 9293-3.10.1-3 */
static void test_open_limits(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.configure = few});
    hawser_tcp tcp;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 80, false, &tcp), 0);
    assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 80, false, &tcp), HAWSER_ERR_RESOURCES);
    assert_int_equal(hawser_abort(lan->host[0], tcp), 0);
    assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 80, false, &tcp), 0);
    end(lan);
}

static void few_ports(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->port_first = 40000;
    config->port_last = 40004;
}

static void test_no_port_left(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.configure = few_ports});
    hawser_tcp tcp, listener;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 80, false, &tcp), 0);
    assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 80, false, &tcp),
                     HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    /* The same ports serve another remote end. */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(open_with(lan, NULL, 0, "198.18.0.2", 81, false, &tcp), 0);
    struct hawser_listen_options options = {.backlog = 1};
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener),
                     HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    options.local.address = lan_address("2001:db8::1");
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    end(lan);
}

/* ---- listen ---------------------------------------------------------------------------------- */

/* EVIDENCE 9293-MUST-41 */
static void test_listen_refused(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.configure = few});
    struct hawser_listen_options options = {.local.port = 80};
    hawser_tcp first, second = 5;
    hawser_tcp ends[2];
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &first),
                     HAWSER_ERR_INVALID);
    options.backlog = 4;
    options.local.address = lan_address("198.18.0.2");
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &first),
                     HAWSER_ERR_ADDRESS_NOT_LOCAL);
    options.local.address = lan_address("198.18.0.1");
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &first), 0);
    lan_connect(lan, false, first, 80, ends);
    for (int reuse = 0; reuse < 2; reuse++) {
        options.reuse_address = reuse;
        assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &second),
                         HAWSER_ERR_ADDRESS_IN_USE);
    }
    assert_int_equal(second, 5);
    assert_int_equal(lan_state(lan, 0, first), HAWSER_LISTEN);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_ESTABLISHED);
    /* The listener goes, its connection stays: the local end is in use, unless that is said not to
     * matter. */
    assert_int_equal(hawser_close(lan->host[0], first), 0);
    options.reuse_address = false;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &second),
                     HAWSER_ERR_ADDRESS_IN_USE);
    options.reuse_address = true;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &second), 0);
    options.local.port = 81;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &first), 0);
    options.local.port = 82;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &first),
                     HAWSER_ERR_RESOURCES);
    end(lan);
}

static void test_listen_on_any_port(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    struct hawser_listen_options options = {.backlog = 1};
    uint16_t ports[20];
    for (unsigned i = 0; i < 20; i++) {
        hawser_tcp listener;
        struct hawser_tcp_info info;
        assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, listener, &info), 0);
        ports[i] = info.local.port;
        assert_in_range(ports[i], 32768, 60999);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(ports[i], ports[k]);
    }
    end(lan);
}

/* A record holds its local end like a connection does. */
static void test_listen_beside_time_wait(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp ends[2], listener = lan_listen(lan, 0, 80);
    lan_connect(lan, false, listener, 80, ends);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(usage_of(lan, 0).timewaits, 1);
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    struct hawser_listen_options options = {.backlog = 1, .local.port = 80};
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener),
                     HAWSER_ERR_ADDRESS_IN_USE);
    options.v6_only = true; /* not that family */
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    options.v6_only = false;
    lan_run(lan, 61 * NS_PER_S);
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    end(lan);
}

/* A listener for one remote end only (RFC 9293 3.9.1.1). */
static void test_listen_for_one_remote(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.alone = true});
    struct hawser_listen_options options = {
        .backlog = 1, .local.port = 80, .remote = lan_end("198.18.0.9", 7)};
    hawser_tcp listener, tcp;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    struct forged peer = {.from = lan_end("198.18.0.9", 8),
                          .to = lan_end("198.18.0.1", 80),
                          .flags = TCP_SYN,
                          .seq = 1,
                          .wnd = 1000};
    lan_forge(lan, &peer);
    assert_int_equal(lan_last(lan)->flags, TCP_RST | TCP_ACK);
    lan_forge_handshake(lan, lan_end("198.18.0.9", 7), peer.to, 1);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    end(lan);
}

/* ---- handles --------------------------------------------------------------------------------- */

static void assert_all_refuse(struct lan *lan, hawser_tcp tcp)
{
    struct hawser_host *host = lan->host[0];
    struct hawser_tcp_info info;
    struct hawser_span spans[2];
    hawser_tcp out;
    uint64_t value;
    char byte;
    memset(&info, 0x11, sizeof info);
    assert_int_equal(hawser_send(host, tcp, "x", 1, 0), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_send(host, tcp, "", 0, 0), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_receive(host, tcp, &byte, 1), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_peek(host, tcp, spans), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_consume(host, tcp, 0), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_shutdown(host, tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_close(host, tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_abort(host, tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_accept(host, tcp, &out), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_status(host, lan->now_ns, tcp, &info), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(info.error, 0x11111111);
    assert_int_equal(hawser_set_user(host, tcp, NULL), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_take_soft_error(host, tcp), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_set_option(host, tcp, HAWSER_OPTION_NODELAY, 1),
                     HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_get_option(host, tcp, HAWSER_OPTION_NODELAY, &value),
                     HAWSER_ERR_NO_CONNECTION);
}

/* EVIDENCE 9293-3.10.2-1 */
static void test_stale_handles(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp listener = lan_listen(lan, 0, 80), ends[2];
    static const hawser_tcp never[] = {
        0,          1, UINT64_MAX, 0x80000000u, 0xffffffff, UINT64_C(1) << 32, UINT64_C(1) << 63,
        0x80000001u};
    for (size_t i = 0; i < COUNT_OF(never); i++)
        assert_all_refuse(lan, never[i]);
    lan_connect(lan, false, listener, 80, ends);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    assert_all_refuse(lan, ends[0]);
    lan_settle(lan);
    assert_int_equal(hawser_close(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    /* The slot lives again, the handle does not. */
    hawser_tcp stale = ends[0];
    lan_connect(lan, false, listener, 80, ends);
    assert_int_equal((uint32_t)stale, (uint32_t)ends[0]);
    assert_true(stale != ends[0]);
    assert_all_refuse(lan, stale);
    assert_int_equal(lan_state(lan, 0, ends[0]), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    assert_all_refuse(lan, listener);
    hawser_tcp next = lan_listen(lan, 0, 80);
    assert_int_equal((uint32_t)listener, (uint32_t)next);
    assert_all_refuse(lan, listener);
    /* A connection that nobody has accepted yet has no handle that anybody could have. */
    hawser_tcp waiting = lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_settle(lan);
    for (uint32_t generation = 0; generation < 100; generation++)
        for (uint32_t slot = 0; slot < 4; slot++) {
            hawser_tcp guess = (uint64_t)generation << 32 | slot;
            if (guess != ends[0])
                assert_int_equal(hawser_consume(lan->host[0], guess, 0), HAWSER_ERR_NO_CONNECTION);
        }
    assert_int_equal(hawser_abort(lan->host[1], waiting), 0);
    /* Not even after four thousand million others is a handle 0. */
    lan->host[1]->generation = UINT32_MAX;
    hawser_tcp after = lan_open(lan, 1, lan_end_of(0, false, 81));
    assert_int_equal(after >> 32, 1);
    end(lan);
}

static void test_calls_on_a_listener(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    struct hawser_host *host = lan->host[0];
    hawser_tcp listener = lan_listen(lan, 0, 80), ends[2], out;
    struct hawser_span spans[2];
    char byte;
    assert_int_equal(hawser_send(host, listener, "x", 1, 0), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_receive(host, listener, &byte, 1), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_peek(host, listener, spans), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_consume(host, listener, 0), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_take_soft_error(host, listener), 0);
    assert_int_equal(hawser_accept(host, listener, &out), HAWSER_ERR_AGAIN);
    lan_connect(lan, false, listener, 80, ends);
    assert_int_equal(hawser_accept(host, ends[0], &out), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_accept(host, listener, NULL), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_shutdown(host, listener), 0);
    assert_int_equal(hawser_shutdown(host, listener), HAWSER_ERR_NO_CONNECTION);
    listener = lan_listen(lan, 0, 81);
    assert_int_equal(hawser_abort(host, listener), 0);
    assert_int_equal(hawser_abort(host, listener), HAWSER_ERR_NO_CONNECTION);
    end(lan);
}

static void test_data_calls(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    struct hawser_host *host = lan->host[0];
    hawser_tcp ends[2];
    struct hawser_span spans[2];
    char text[8];
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_send(host, ends[0], NULL, 1, 0), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_send(host, ends[0], "x", 1, 4), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_send(host, ends[0], NULL, 0, 0), 0);
    assert_int_equal(hawser_receive(host, ends[0], NULL, 1), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_receive(host, ends[0], text, 0), 0);
    assert_int_equal(hawser_receive(host, ends[0], text, 1), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_peek(host, ends[0], NULL), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_peek(host, ends[0], spans), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_consume(host, ends[0], 1), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_status(host, lan->now_ns, ends[0], NULL), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "hello", 5, 0), 5);
    lan_settle(lan);
    assert_int_equal(hawser_peek(host, ends[0], spans), 5);
    assert_int_equal(spans[0].length + spans[1].length, 5);
    assert_memory_equal(spans[0].data, "hello", spans[0].length);
    assert_int_equal(hawser_consume(host, ends[0], 6), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_consume(host, ends[0], 2), 0);
    assert_int_equal(hawser_receive(host, ends[0], text, 8), 3);
    assert_memory_equal(text, "llo", 3);
    assert_int_equal(hawser_shutdown(host, ends[0]), 0);
    assert_int_equal(hawser_shutdown(host, ends[0]), HAWSER_ERR_CLOSING);
    assert_int_equal(hawser_send(host, ends[0], "x", 1, 0), HAWSER_ERR_CLOSING);
    end(lan);
}

/* EVIDENCE 9293-3.10.3-1 9293-3.10.2-2 9293-3.10.4-2 9293-3.10.5-2 */
static void test_calls_in_syn_sent(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    struct hawser_host *host = lan->host[1];
    hawser_tcp listener = lan_listen(lan, 0, 80), tcp, end_of_0;
    char text[8];
    tcp = lan_open(lan, 1, lan_end_of(0, false, 80));
    assert_int_equal(hawser_receive(host, tcp, text, 8), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_send(host, tcp, "early", 5, 0), 5);
    lan_settle(lan);
    assert_int_equal(hawser_accept(lan->host[0], listener, &end_of_0), 0);
    assert_int_equal(hawser_receive(lan->host[0], end_of_0, text, 8), 5);
    tcp = lan_open(lan, 1, lan_end_of(0, false, 80));
    assert_int_equal(hawser_send(host, tcp, "never", 5, 0), 5);
    assert_int_equal(hawser_shutdown(host, tcp), 0);
    assert_int_equal(lan_state(lan, 1, tcp), HAWSER_CLOSED);
    assert_true(hawser_receive(host, tcp, text, 8) < 0);
    assert_true(hawser_send(host, tcp, "x", 1, 0) < 0);
    assert_int_equal(hawser_close(host, tcp), 0);
    tcp = lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_settle(lan);
    uint64_t frames = lan->frames;
    tcp = lan_open(lan, 1, lan_end_of(0, false, 99));
    assert_int_equal(hawser_abort(host, tcp), 0);
    assert_int_equal(hawser_abort(lan->host[0], lan_listen(lan, 0, 98)), 0);
    lan_run(lan, 10 * NS_PER_S);
    assert_int_equal(lan->frames, frames); /* neither a SYN nor a RST */
    end(lan);
}

/* What ended a connection is told by every call, until the handle is closed. */
static void test_calls_after_a_reset(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp ends[2];
    struct hawser_tcp_info info;
    char text[8];
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "last", 4, 0), 4);
    lan_settle(lan);
    assert_int_equal(hawser_abort(lan->host[1], ends[1]), 0);
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, ends[0], &info), 0);
    assert_int_equal(info.state, HAWSER_CLOSED);
    assert_int_equal(info.error, HAWSER_ERR_RESET);
    assert_int_equal(lan_events_of(lan, 0, ends[0]) & HAWSER_EVENT_ERROR, HAWSER_EVENT_ERROR);
    assert_int_equal(hawser_send(lan->host[0], ends[0], "x", 1, 0), HAWSER_ERR_RESET);
    assert_int_equal(hawser_receive(lan->host[0], ends[0], text, 8), 4);
    assert_int_equal(hawser_receive(lan->host[0], ends[0], text, 8), HAWSER_ERR_RESET);
    assert_int_equal(usage_of(lan, 0).connections, 1);
    assert_int_equal(hawser_close(lan->host[0], ends[0]), 0);
    assert_int_equal(usage_of(lan, 0).connections, 0);
    assert_int_equal(usage_of(lan, 0).buffer_bytes, 0);
    end(lan);
}

/* ---- options, STATUS, walking ---------------------------------------------------------------- */

static void test_options_of_a_listener_are_inherited(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.alone = true});
    struct hawser_host *host = lan->host[0];
    hawser_tcp listener = lan_listen(lan, 0, 80), tcp;
    uint64_t value;
    assert_int_equal(hawser_set_option(host, listener, HAWSER_OPTION_NODELAY, 1), 0);
    assert_int_equal(hawser_set_option(host, listener, HAWSER_OPTION_NODELAY, 2),
                     HAWSER_ERR_INVALID);
    assert_int_equal(hawser_set_option(host, listener, (enum hawser_option)99, 1),
                     HAWSER_ERR_NO_OPTION);
    assert_int_equal(hawser_set_option(host, listener, HAWSER_OPTION_HOP_LIMIT, 7), 0);
    assert_int_equal(hawser_set_option(host, listener, HAWSER_OPTION_TRAFFIC_CLASS, 46 << 2), 0);
    assert_int_equal(hawser_set_option(host, listener, HAWSER_OPTION_MAX_SEGMENT_BYTES, 500), 0);
    lan_forge_handshake(lan, lan_end("198.18.0.9", 7), lan_end("198.18.0.1", 80), 1);
    assert_int_equal(lan_last(lan)->mss, 500);
    assert_int_equal(hawser_accept(host, listener, &tcp), 0);
    assert_int_equal(hawser_get_option(host, tcp, HAWSER_OPTION_NODELAY, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(hawser_get_option(host, tcp, HAWSER_OPTION_HOP_LIMIT, &value), 0);
    assert_int_equal(value, 7);
    assert_int_equal(hawser_get_option(host, tcp, HAWSER_OPTION_HOP_LIMIT, NULL),
                     HAWSER_ERR_INVALID);
    assert_int_equal(hawser_get_option(host, tcp, (enum hawser_option)0, &value),
                     HAWSER_ERR_NO_OPTION);
    assert_int_equal(hawser_get_option(host, listener, HAWSER_OPTION_TRAFFIC_CLASS, &value), 0);
    assert_int_equal(value, 46 << 2);
    assert_int_equal(hawser_set_option(host, tcp, HAWSER_OPTION_MAX_SEGMENT_BYTES, 400),
                     HAWSER_ERR_NO_OPTION);
    end(lan);
}

static void test_walk(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.alone = true});
    struct hawser_host *host = lan->host[0];
    hawser_tcp listener = lan_listen(lan, 0, 80), gone = lan_listen(lan, 0, 81), tcp;
    unsigned seen[12] = {0};
    lan_listen(lan, 0, 82);
    assert_int_equal(hawser_close(host, gone), 0);
    for (uint16_t i = 0; i < 20; i++) {
        struct forged peer = lan_forge_handshake(lan, lan_end("198.18.0.9", (uint16_t)(100 + i)),
                                                 lan_end("198.18.0.1", 80), 1);
        assert_int_equal(hawser_accept(host, listener, &tcp), 0);
        if (i < 3) { /* three records, of which one with its handle still open */
            assert_int_equal(i == 0 ? hawser_shutdown(host, tcp) : hawser_close(host, tcp), 0);
            lan_settle(lan);
            peer.flags = TCP_FIN | TCP_ACK;
            peer.ack++;
            lan_forge(lan, &peer);
        } else if (i == 3) { /* reset, but not yet closed by its program */
            peer.flags = TCP_RST;
            lan_forge(lan, &peer);
        } else if (i == 4) {
            assert_int_equal(hawser_close(host, tcp), 0); /* nobody acknowledges its FIN */
        }
        lan_settle(lan);
    }
    for (uint16_t i = 0; i < 5; i++) {
        struct forged syn = {.from = lan_end("198.18.0.9", (uint16_t)(200 + i)),
                             .to = lan_end("198.18.0.1", 80),
                             .flags = TCP_SYN,
                             .wnd = 9};
        lan_forge(lan, &syn);
    }
    uint64_t cursor = 0;
    struct hawser_tcp_info info;
    uint8_t ports[300] = {0};
    while (hawser_walk(host, lan->now_ns, &cursor, &info)) {
        seen[info.state]++;
        assert_true(info.remote.port < 300 &&
                    (info.state == HAWSER_LISTEN || ports[info.remote.port]++ == 0));
        assert_int_equal(info.handle != 0, info.state == HAWSER_LISTEN ||
                                               info.state == HAWSER_ESTABLISHED ||
                                               info.state == HAWSER_CLOSED);
        if (info.handle != 0) {
            struct hawser_tcp_info again;
            assert_int_equal(hawser_status(host, lan->now_ns, info.handle, &again), 0);
            assert_int_equal(again.state, info.state);
        }
    }
    assert_false(hawser_walk(host, lan->now_ns, &cursor, &info));
    assert_int_equal(seen[HAWSER_LISTEN], 2);
    assert_int_equal(seen[HAWSER_TIME_WAIT], 3);
    assert_int_equal(seen[HAWSER_CLOSED], 1);
    assert_int_equal(seen[HAWSER_FIN_WAIT_1], 1);
    assert_int_equal(seen[HAWSER_ESTABLISHED], 15);
    assert_int_equal(seen[HAWSER_SYN_RECEIVED], 5);
    for (unsigned i = 0; i < 2000; i++) { /* whatever a program puts there */
        cursor = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
        (void)hawser_walk(host, lan->now_ns, &cursor, &info);
    }
    end(lan);
}

/* A connection of a forged peer, driven into a state by segments and calls. */
static hawser_tcp drive(struct lan *lan, hawser_tcp listener, enum hawser_state into)
{
    struct hawser_endpoint there = lan_end("198.18.0.9", (uint16_t)(1000 + into));
    struct hawser_host *host = lan->host[0];
    hawser_tcp tcp;
    struct forged peer;
    if (into == HAWSER_SYN_SENT)
        return lan_open(lan, 0, there);
    if (into == HAWSER_LISTEN)
        return listener;
    peer = lan_forge_handshake(lan, there, lan_end("198.18.0.1", 80), 1);
    assert_int_equal(hawser_accept(host, listener, &tcp), 0);
    peer.text = "text";
    lan_forge(lan, &peer);
    peer.text = NULL;
    peer.seq += 4;
    bool passive = into == HAWSER_CLOSE_WAIT || into == HAWSER_LAST_ACK;
    bool closed = passive || into == HAWSER_CLOSING || into == HAWSER_TIME_WAIT;
    if (passive) {
        peer.flags = TCP_FIN | TCP_ACK;
        lan_forge(lan, &peer);
    }
    if (into != HAWSER_ESTABLISHED && into != HAWSER_CLOSE_WAIT && into != HAWSER_CLOSED)
        assert_int_equal(hawser_shutdown(host, tcp), 0);
    lan_settle(lan);
    if (into == HAWSER_FIN_WAIT_2 || into == HAWSER_TIME_WAIT) {
        peer.ack++;
        lan_forge(lan, &peer);
    }
    if (closed && !passive) {
        peer.flags = TCP_FIN | TCP_ACK;
        lan_forge(lan, &peer);
    }
    if (into == HAWSER_CLOSED) {
        peer.flags = TCP_RST;
        lan_forge(lan, &peer);
    }
    return tcp;
}

/* EVIDENCE 9293-3.10.6-1 9293-3.10.3-3 9293-3.10.3-2 9293-3.10.2-4 9293-3.10.4-7 9293-3.10.5-3 */
static void test_calls_in_each_state(void **state)
{
    (void)state;
    static const struct {
        enum hawser_state state;
        int send, receive, shutdown, resets; /* receive: after what was there has been read */
    } rows[] = {
        {HAWSER_CLOSED, HAWSER_ERR_RESET, HAWSER_ERR_RESET, HAWSER_ERR_RESET, 0},
        {HAWSER_LISTEN, HAWSER_ERR_NOT_CONNECTED, HAWSER_ERR_NOT_CONNECTED, 0, 0},
        {HAWSER_SYN_SENT, 1, HAWSER_ERR_AGAIN, 0, 0},
        {HAWSER_ESTABLISHED, 1, HAWSER_ERR_AGAIN, 0, 1},
        {HAWSER_FIN_WAIT_1, HAWSER_ERR_CLOSING, HAWSER_ERR_AGAIN, HAWSER_ERR_CLOSING, 1},
        {HAWSER_FIN_WAIT_2, HAWSER_ERR_CLOSING, HAWSER_ERR_AGAIN, HAWSER_ERR_CLOSING, 1},
        {HAWSER_CLOSE_WAIT, 1, 0, 0, 1},
        {HAWSER_CLOSING, HAWSER_ERR_CLOSING, 0, HAWSER_ERR_CLOSING, 0},
        {HAWSER_LAST_ACK, HAWSER_ERR_CLOSING, 0, HAWSER_ERR_CLOSING, 0},
        {HAWSER_TIME_WAIT, HAWSER_ERR_CLOSING, 0, HAWSER_ERR_CLOSING, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int ending = 0; ending < 2; ending++) {
            struct lan *lan = begin(&(struct lan_setup){.alone = true});
            struct hawser_host *host = lan->host[0];
            hawser_tcp tcp = drive(lan, lan_listen(lan, 0, 80), rows[i].state);
            struct hawser_tcp_info info;
            char text[8];
            assert_int_equal(hawser_status(host, lan->now_ns, tcp, &info), 0);
            assert_int_equal(info.state, rows[i].state);
            assert_true(info.handle == tcp);
            bool has_text = rows[i].state != HAWSER_LISTEN && rows[i].state != HAWSER_SYN_SENT;
            assert_int_equal(info.receive_queue_bytes, has_text ? 4 : 0);
            if (has_text)
                assert_int_equal(hawser_receive(host, tcp, text, 8), 4);
            assert_int_equal(hawser_receive(host, tcp, text, 8), rows[i].receive);
            assert_int_equal(hawser_send(host, tcp, "x", 1, 0), rows[i].send);
            lan_settle(lan);
            if (ending == 0) {
                assert_int_equal(hawser_shutdown(host, tcp), rows[i].shutdown);
            } else {
                uint64_t resets = hawser_counters_of(host)->resets_out;
                assert_int_equal(hawser_abort(host, tcp), 0);
                lan_settle(lan);
                assert_int_equal(hawser_counters_of(host)->resets_out - resets, rows[i].resets);
                assert_int_equal(usage_of(lan, 0).connections, 0);
                assert_int_equal(usage_of(lan, 0).timewaits, 0);
            }
            end(lan);
        }
    }
}

static void test_status(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    hawser_tcp ends[2], listener;
    struct hawser_tcp_info info;
    int mark;
    listener = lan_listen(lan, 0, 80);
    lan_connect(lan, true, listener, 80, ends);
    assert_int_equal(hawser_set_user(lan->host[0], ends[0], &mark), 0);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "12345", 5, 0), 5);
    assert_int_equal(hawser_status(lan->host[1], lan->now_ns, ends[1], &info), 0);
    assert_int_equal(info.unsent_bytes, 5);
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, ends[0], &info), 0);
    assert_true(info.handle == ends[0] && info.user == &mark);
    assert_int_equal(info.receive_queue_bytes, 5);
    assert_int_equal(info.local.port, 80);
    assert_true(info.has_timestamps && info.has_sack && info.has_wscale);
    assert_int_equal(info.send_mss_bytes, 1500 - 40 - 20 - 12);
    assert_int_equal(info.path_mtu_bytes, 1500);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, listener, &info), 0);
    assert_int_equal(info.state, HAWSER_LISTEN);
    assert_int_equal(info.send_queue_bytes, 16);
    assert_int_equal(info.timer_ns, UINT64_MAX);
    assert_true(usage_of(lan, 0).connection_bytes <= 496);
    assert_int_equal(usage_of(lan, 0).record_bytes_v4, 32);
    end(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_refused),
        cmocka_unit_test(test_open_from_a_given_port),
        cmocka_unit_test(test_local_address_is_chosen_and_kept),
        cmocka_unit_test(test_open_limits),
        cmocka_unit_test(test_no_port_left),
        cmocka_unit_test(test_listen_refused),
        cmocka_unit_test(test_listen_on_any_port),
        cmocka_unit_test(test_listen_beside_time_wait),
        cmocka_unit_test(test_listen_for_one_remote),
        cmocka_unit_test(test_stale_handles),
        cmocka_unit_test(test_calls_on_a_listener),
        cmocka_unit_test(test_data_calls),
        cmocka_unit_test(test_calls_after_a_reset),
        cmocka_unit_test(test_options_of_a_listener_are_inherited),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_calls_in_syn_sent),
        cmocka_unit_test(test_calls_in_each_state),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
