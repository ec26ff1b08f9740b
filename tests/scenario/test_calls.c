/* SPDX-License-Identifier: MIT */
/* OPEN, SEND, RECEIVE and STATUS, with everything that they refuse (RFC 9293 3.9.1, 3.10.1 to
 * 3.10.6; api_open.c, api_data.c, api_status.c). */
#include "scenario/peer.h"

#define MSS 1460u

static struct hawser_address scan(const char *text)
{
    struct hawser_address a;
    assert_int_equal(hawser_address_scan(text, &a), 0);
    return a;
}

static struct hawser_listen_options listen_on(const char *address, uint16_t port)
{
    struct hawser_listen_options options = {.local.port = port, .backlog = 4};
    if (address != NULL)
        options.local.address = scan(address);
    return options;
}

static int try_listen(struct peer *p, const struct hawser_listen_options *options, hawser_tcp *out)
{
    struct hawser_usage before, after;
    hawser_usage_of(p->host, &before);
    int result = hawser_listen(p->host, p->now_ns, options, out);
    hawser_usage_of(p->host, &after);
    assert_int_equal(after.listeners, before.listeners + (result == 0));
    peer_quiet(p);
    return result;
}

static struct hawser_open_options to(const char *remote, uint16_t port)
{
    return (struct hawser_open_options){.remote = {scan(remote), port}};
}

/* What an open that must fail says; it leaves nothing behind. */
static int fails(struct peer *p, const struct hawser_open_options *options)
{
    struct hawser_usage before, after;
    hawser_tcp out = 77;
    hawser_usage_of(p->host, &before);
    int result = hawser_open(p->host, p->now_ns, options, &out);
    assert_true(result < 0);
    assert_int_equal(out, 77);
    hawser_usage_of(p->host, &after);
    assert_int_equal(after.connections, before.connections);
    assert_int_equal(after.buffer_bytes, before.buffer_bytes);
    peer_quiet(p);
    return result;
}

/* ---- OPEN ------------------------------------------------------------------------------------ */

/* EVIDENCE 9293-MUST-41 */
static void a_listener_disturbs_nobody(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp other = 77;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    struct hawser_listen_options options = listen_on(NULL, PEER_HOST_PORT);
    assert_int_equal(try_listen(&p, &options, &other), HAWSER_ERR_ADDRESS_IN_USE);
    options = listen_on("198.18.0.1", PEER_HOST_PORT);
    assert_int_equal(try_listen(&p, &options, &other), HAWSER_ERR_ADDRESS_IN_USE);
    options = listen_on("::ffff:0.0.0.0", PEER_HOST_PORT);
    assert_int_equal(try_listen(&p, &options, &other), HAWSER_ERR_ADDRESS_IN_USE);
    options.reuse_address = true; /* says nothing about other listeners */
    assert_int_equal(try_listen(&p, &options, &other), HAWSER_ERR_ADDRESS_IN_USE);
    assert_int_equal(other, 77);
    peer_write(&p, 5);
    peer_out(&p, P | A, 1, 1, 5);
    peer_in(&p, A, 1, 6, 0);
    hawser_tcp first = p.tcp;
    p.peer_port++;
    peer_accept(&p, PEER_MSS); /* by the first listener */
    assert_true(p.tcp != first);
    /* Without it, its connections still hold the port, unless that is said to be all right. */
    assert_int_equal(hawser_close(p.host, p.listener), 0);
    options = listen_on(NULL, PEER_HOST_PORT);
    assert_int_equal(try_listen(&p, &options, &other), HAWSER_ERR_ADDRESS_IN_USE);
    options.reuse_address = true;
    assert_int_equal(try_listen(&p, &options, &other), 0);
    peer_in(&p, P | A, 1, 1, 10);
    peer_read(&p, 10);
    assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-42 */
static void a_listener_beside_opens_that_are_not_complete(void **state)
{
    (void)state;
    for (int crossed = 0; crossed < 2; crossed++) {
        struct peer p;
        peer_start(&p, false, NULL);
        struct hawser_open_options open = to("198.18.0.9", PEER_PORT);
        open.local.port = PEER_HOST_PORT;
        assert_int_equal(hawser_open(p.host, p.now_ns, &open, &p.tcp), 0);
        peer_out(&p, S, 0, 0, 0);
        if (crossed) {
            struct segment syn = peer_syn_options(&p, PEER_MSS);
            peer_inject(&p, &syn);
            peer_out(&p, S | A, 0, 1, 0);
        }
        enum hawser_state before = peer_state(&p);
        assert_int_equal(before, crossed ? HAWSER_SYN_RECEIVED : HAWSER_SYN_SENT);
        struct hawser_listen_options options = listen_on(NULL, PEER_HOST_PORT);
        options.reuse_address = true;
        assert_int_equal(try_listen(&p, &options, &p.listener), 0);
        hawser_tcp opening = p.tcp;
        p.peer_address = scan("198.18.0.10"); /* a third host */
        peer_accept(&p, PEER_MSS);
        p.tcp = opening;
        assert_int_equal(peer_state(&p), before);
        peer_end(&p);
    }
}

static void few(struct hawser_config *config)
{
    config->listeners_max = 2;
    config->connections_max = 2;
    config->port_first = 50000;
    config->port_last = 50001;
    config->buffer_bytes = 64 * 1024;
    config->chunk_bytes = 64 * 1024;
    config->send_buffer_bytes = 60 * 1024;
}

static void what_listen_refuses(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp tcp[3];
    peer_start(&p, false, few);
    struct hawser_listen_options options = listen_on(NULL, 0);
    assert_int_equal(try_listen(&p, NULL, &tcp[0]), HAWSER_ERR_INVALID);
    assert_int_equal(try_listen(&p, &options, NULL), HAWSER_ERR_INVALID);
    options.backlog = 0;
    assert_int_equal(try_listen(&p, &options, &tcp[0]), HAWSER_ERR_INVALID);
    static const char *const others[] = {"198.18.0.77", "2001:db8::77", "224.0.0.1", "198.18.0.255",
                                         "127.0.0.1"};
    for (unsigned i = 0; i < COUNT_OF(others); i++) {
        options = listen_on(others[i], 80);
        assert_int_equal(try_listen(&p, &options, &tcp[0]), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    }
    options = listen_on(NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct hawser_tcp_info info;
        assert_int_equal(try_listen(&p, &options, &tcp[i]), 0);
        assert_int_equal(hawser_status(p.host, p.now_ns, tcp[i], &info), 0);
        assert_in_range(info.local.port, 50000, 50001);
    }
    assert_int_equal(try_listen(&p, &options, &tcp[2]), HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    options.local.port = 80;
    assert_int_equal(try_listen(&p, &options, &tcp[2]), HAWSER_ERR_RESOURCES);
    assert_int_equal(hawser_close(p.host, tcp[0]), 0);
    assert_int_equal(try_listen(&p, &options, &tcp[2]), 0);
    peer_end(&p);
}

static void what_accept_refuses(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp out = 77;
    peer_start(&p, false, NULL);
    assert_int_equal(hawser_accept(p.host, 0, &out), HAWSER_ERR_NO_CONNECTION);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_accept(p.host, p.tcp, &out), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_accept(p.host, p.listener, &out), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_accept(p.host, p.listener, NULL), HAWSER_ERR_INVALID);
    assert_int_equal(out, 77);
    /* What has ended while it waited is handed out all the same, with its text and its error. */
    p.peer_port++;
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    peer_in(&p, P | A, 1, 1, 10);
    peer_in(&p, R, 11, 0, 0);
    assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
    assert_true(peer_events(&p, p.tcp) & HAWSER_EVENT_ERROR);
    p.read = 0;
    peer_read(&p, 10);
    peer_read_gives(&p, HAWSER_ERR_RESET);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.1-1 */
static void an_open_needs_somebody_to_open_to(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp out;
    peer_start(&p, false, NULL);
    struct hawser_open_options options = {.remote.port = 80};
    assert_int_equal(fails(&p, &options), HAWSER_ERR_REMOTE_UNSPECIFIED);
    options = to("0.0.0.0", 80);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_REMOTE_UNSPECIFIED);
    assert_int_equal(fails(&p, NULL), HAWSER_ERR_INVALID);
    options = to("198.18.0.9", 80);
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, NULL), HAWSER_ERR_INVALID);
    peer_quiet(&p);
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &out), 0);
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(p.host, p.now_ns, out, &info), 0);
    assert_int_equal(info.state, HAWSER_SYN_SENT); /* with a TCB, and its variables */
    assert_int_equal(info.snd_nxt, info.iss + 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-46 9293-3.10.1-4 9293-3.10.1-3 */
static void what_open_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"255.255.255.255", "198.18.0.255", "224.0.0.5", "ff02::1"};
    struct peer p;
    peer_start(&p, false, NULL);
    struct hawser_open_options options;
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        options = to(bad[i], 80);
        assert_int_equal(fails(&p, &options), HAWSER_ERR_BAD_REMOTE);
    }
    options = to("198.18.0.9", 0);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_BAD_REMOTE);
    options = to("203.0.113.5", 80);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_UNREACHABLE);
    options = to("2001:db8:1::5", 80);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_UNREACHABLE);
    options = to("198.18.0.9", 80);
    options.local.address = scan("198.18.0.77");
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    options.local.address = scan("2001:db8::1"); /* ours, and of the other family */
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    peer_connect(&p, PEER_MSS);
    options = to("198.18.0.9", PEER_PORT);
    options.local = (struct hawser_endpoint){p.host_address, p.host_port};
    assert_int_equal(fails(&p, &options), HAWSER_ERR_EXISTS);
    options.reuse_address = true;
    assert_int_equal(fails(&p, &options), HAWSER_ERR_EXISTS);
    options.remote.port++;
    options.reuse_address = false;
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_IN_USE);
    struct hawser_listen_options listen = listen_on(NULL, PEER_HOST_PORT);
    assert_int_equal(try_listen(&p, &listen, &p.listener), 0);
    options.local.port = PEER_HOST_PORT;
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_IN_USE);
    peer_write(&p, 1); /* the connection has noticed nothing */
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.1-3 */
static void limits_of_opening(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp tcp[3];
    peer_start(&p, false, few); /* two ports, two connections */
    struct hawser_open_options options = to("198.18.0.9", 80);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &tcp[i]), 0);
    peer_drop_out(&p);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_NOT_AVAILABLE);
    options.remote.port = 81; /* has ports, but no block is left */
    assert_int_equal(fails(&p, &options), HAWSER_ERR_RESOURCES);
    assert_int_equal(hawser_abort(p.host, tcp[0]), 0);
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &tcp[2]), 0);
    peer_drop_out(&p);
    assert_int_equal(fails(&p, &options), HAWSER_ERR_RESOURCES);
    peer_drop_out(&p);
    peer_end(&p);
}

/* A tuple in TIME-WAIT is not to be had, unless timestamps tell its lives apart. */
static void an_open_over_a_record(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_connect(&p, PEER_MSS);
    peer_to_state(&p, HAWSER_TIME_WAIT);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    struct hawser_open_options options = to("198.18.0.9", PEER_PORT);
    options.local.port = p.host_port;
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_IN_USE);
    options.reuse_address = true;
    assert_int_equal(fails(&p, &options), HAWSER_ERR_ADDRESS_IN_USE);
    peer_pass(&p, 60 * NS_PER_S + NS_PER_MS);
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &p.tcp), 0);
    peer_out(&p, S, 0, 0, 0);
    peer_end(&p);
}

/* A second link, with an address of its own. */
static uint32_t second_link(struct peer *p)
{
    uint32_t link;
    struct hawser_link_config config = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    struct hawser_address own = scan("203.0.113.1");
    assert_int_equal(hawser_link_add(p->host, &config, &link), 0);
    assert_int_equal(hawser_address_add(p->host, link, &own, 24), 0);
    return link;
}

/* The source of the one packet that waits on a link; on the other there is none. */
static struct hawser_address source_on(struct peer *p, uint32_t link)
{
    uint8_t frame[2048];
    struct ip_packet ip;
    struct hawser_buffer buffer = {.data = frame, .capacity = sizeof frame};
    assert_int_equal(hawser_output(p->host, 1 - link, p->now_ns, &buffer, 1), 0);
    assert_int_equal(hawser_output(p->host, link, p->now_ns, &buffer, 1), 1);
    assert_int_equal(ip_parse(frame, buffer.length, &ip), IP_PARSE_OK);
    assert_int_equal(hawser_output(p->host, link, p->now_ns, &buffer, 1), 0);
    return ip.src;
}

/* EVIDENCE 9293-MUST-44 */
static void the_route_chooses_the_local_address(void **state)
{
    (void)state;
    struct peer p;
    hawser_tcp tcp;
    struct hawser_tcp_info info;
    peer_start(&p, false, NULL);
    uint32_t other = second_link(&p);
    static const struct {
        const char *remote, *local;
        bool first;
    } rows[] = {
        {"198.18.0.9", "198.18.0.1", true},
        {"203.0.113.9", "203.0.113.1", false},
        {"2001:db8::9", "2001:db8::1", true},
        {"192.0.2.9", "203.0.113.1", false}, /* through a gateway there */
    };
    struct hawser_address prefix = scan("192.0.2.0"), gateway = scan("203.0.113.254");
    assert_int_equal(hawser_route_add(p.host, &prefix, 24, &gateway, other, 0), 0);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct hawser_open_options options = to(rows[i].remote, 80);
        struct hawser_address local = scan(rows[i].local);
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &tcp), 0);
        assert_int_equal(hawser_status(p.host, p.now_ns, tcp, &info), 0);
        assert_memory_equal(&info.local.address, &local, 16); /* before anything is sent */
        struct hawser_address source = source_on(&p, rows[i].first ? p.link : other);
        assert_memory_equal(&source, &local, 16);
        assert_int_equal(hawser_abort(p.host, tcp), 0);
    }
    peer_end(&p);
}

/* EVIDENCE 9293-MUST-45 */
static void the_local_address_stays(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_connect(&p, PEER_MSS);
    uint32_t other = second_link(&p);
    struct hawser_address peer = p.peer_address;
    assert_int_equal(hawser_route_add(p.host, &peer, 32, NULL, other, 0), 0); /* better by far */
    assert_int_equal(hawser_send(p.host, p.tcp, "text", 4, 0), 4);
    struct hawser_address source = source_on(&p, other); /* another way, the same address */
    assert_memory_equal(&source, &p.host_address, 16);
    struct hawser_open_options options = to("198.18.0.9", 81);
    hawser_tcp fresh;
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &fresh), 0);
    source = source_on(&p, other); /* a new connection takes what belongs to the new way */
    assert_memory_not_equal(&source, &p.host_address, 16);
    assert_int_equal(hawser_abort(p.host, fresh), 0);
    assert_int_equal(hawser_route_remove(p.host, &peer, 32, other), 0);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_NODELAY, 1), 0);
    assert_int_equal(hawser_send(p.host, p.tcp, "text", 4, 0), 4);
    source = source_on(&p, p.link); /* and back */
    assert_memory_equal(&source, &p.host_address, 16);
    peer_end(&p);
}

/* Ends with the address. */
static void the_local_address_goes(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    struct hawser_address none = scan("198.18.0.77");
    assert_int_equal(hawser_address_remove(p.host, &none), HAWSER_ERR_ADDRESS_NOT_LOCAL);
    assert_int_equal(hawser_address_remove(p.host, &p.host_address), 0);
    peer_quiet(&p);
    assert_int_equal(peer_info(&p).error, HAWSER_ERR_ABORTED);
    assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_ERROR);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_ABORTED);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    peer_end(&p);
}

/* ---- SEND ------------------------------------------------------------------------------------ */

/* EVIDENCE 9293-3.10.2-1 */
static void what_send_refuses(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    assert_int_equal(hawser_send(p.host, 0, "x", 1, 0), HAWSER_ERR_NO_CONNECTION);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_send(p.host, p.listener, "x", 1, 0), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_send(p.host, p.tcp, NULL, 1, 0), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_send(p.host, p.tcp, NULL, 0, 0), 0);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 4), HAWSER_ERR_INVALID);
    assert_int_equal(peer_info(&p).send_queue_bytes, 0);
    peer_in(&p, R, 1, 0, 0);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_RESET);
    assert_int_equal(hawser_shutdown(p.host, p.tcp), HAWSER_ERR_RESET);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    assert_int_equal(hawser_send(p.host, p.tcp, "x", 1, 0), HAWSER_ERR_NO_CONNECTION);
    peer_quiet(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.2-3 */
static void text_carries_ack_and_window(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        struct peer p;
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        peer_in(&p, P | A, 1, 1, 1000); /* its ACK may wait, and rides on what is sent */
        uint32_t them = 1001;
        if (half) {
            peer_in(&p, F | A, 1001, 1, 0);
            peer_out(&p, A, 1, 1002, 0);
            assert_int_equal(peer_state(&p), HAWSER_CLOSE_WAIT);
            them = 1002;
        }
        peer_write(&p, 10);
        uint16_t wnd = peer_out(&p, P | A, 1, them, 10)->seg.wnd;
        assert_int_equal(wnd, peer_info(&p).rcv_wnd);
        assert_int_equal(wnd, 65535 - (them - 1)); /* nothing of it has been read */
        peer_pass(&p, NS_PER_S);
        peer_out(&p, P | A, 1, them, 10); /* no ACK of its own follows, only the text again */
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* A short write, and a refused one, are both followed by an event. */
static void fill_and_drain(bool refused)
{
    enum { ROOM = 20000 };
    static uint8_t text[ROOM + 1000];
    struct peer p;
    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = peer_octet(1 + i);
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_set_option(p.host, p.tcp, HAWSER_OPTION_SEND_BUFFER_BYTES, ROOM), 0);
    size_t n = refused ? ROOM : sizeof text;
    assert_int_equal(hawser_send(p.host, p.tcp, text, n, 0), ROOM); /* and no more */
    if (refused)
        assert_int_equal(hawser_send(p.host, p.tcp, text, 1, 0), HAWSER_ERR_AGAIN);
    assert_int_equal(peer_events(&p, p.tcp), 0);
    uint32_t sent = 0, told = 0;
    while (sent < ROOM) { /* every octet that was taken comes */
        const struct peer_segment *s = peer_next(&p);
        for (uint32_t i = 0; i < s->seg.text_len; i++)
            assert_int_equal(s->seg.text[i], peer_octet(1 + sent + i));
        sent += s->seg.text_len;
        peer_in(&p, A, 1, 1 + sent, 0);
        told += (peer_events(&p, p.tcp) & HAWSER_EVENT_WRITABLE) != 0;
    }
    assert_int_equal(told, 1);
    peer_quiet(&p); /* and none that was not */
    assert_int_equal(hawser_send(p.host, p.tcp, text, 1, 0), 1);
    peer_drop_out(&p);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.2-5 */
static void a_full_send_buffer(void **state)
{
    (void)state;
    fill_and_drain(false);
    fill_and_drain(true);
}

/* No memory for what the limits allow: refused, whole, and good again when there is. */
static void send_without_memory(void **state)
{
    (void)state;
    static uint8_t text[60 * 1024];
    struct peer p;
    hawser_tcp tcp[2];
    peer_start(&p, false, few);
    for (unsigned i = 0; i < 2; i++) {
        peer_accept(&p, PEER_MSS);
        tcp[i] = p.tcp;
        p.peer_port++;
    }
    assert_int_equal(hawser_send(p.host, tcp[0], text, 40000, 0), 40000);
    assert_int_equal(hawser_send(p.host, tcp[1], text, 40000, 0), HAWSER_ERR_RESOURCES);
    assert_int_equal(hawser_counters_of(p.host)->memory_refused, 1);
    p.tcp = tcp[1];
    assert_int_equal(peer_info(&p).send_queue_bytes, 0);
    assert_int_equal(hawser_abort(p.host, tcp[0]), 0);
    assert_int_equal(hawser_send(p.host, tcp[1], text, 40000, 0), 40000);
    peer_drop_out(&p);
    peer_end(&p);
}

/* What was queued before the handshake goes behind it: the SYN-ACK acknowledges the SYN alone,
 * which is less than what is queued, and is acceptable. EVIDENCE 9293-3.10.7.3-2 */
static void the_ack_of_a_syn_is_all_a_syn_ack_needs(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, true, NULL);
    peer_open(&p);
    peer_write(&p, 3000);
    peer_out(&p, S, 0, 0, 0);
    struct hawser_tcp_info info = peer_info(&p);
    struct segment answer = peer_syn_options(&p, PEER_MSS);
    answer.flags = S | A;
    answer.ack = seq_of(info.snd_nxt); /* SND.UNA < SEG.ACK =< SND.NXT */
    assert_int_equal(info.snd_nxt, info.snd_una + 1);
    peer_inject(&p, &answer);
    peer_out(&p, A, 1, 1, 1440);
    peer_out(&p, A, 1441, 1, 1440);
    peer_out(&p, P | A, 2881, 1, 120);
    peer_end(&p);
}

/* ---- RECEIVE --------------------------------------------------------------------------------- */

static void what_receive_refuses(void **state)
{
    (void)state;
    struct peer p;
    char octet;
    struct hawser_span spans[2];
    peer_start(&p, false, NULL);
    assert_int_equal(hawser_receive(p.host, 0, &octet, 1), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_peek(p.host, 0, spans), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_consume(p.host, 0, 0), HAWSER_ERR_NO_CONNECTION);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_receive(p.host, p.listener, &octet, 1), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_peek(p.host, p.listener, spans), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_consume(p.host, p.listener, 0), HAWSER_ERR_NOT_CONNECTED);
    assert_int_equal(hawser_receive(p.host, p.tcp, NULL, 1), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_receive(p.host, p.tcp, NULL, 0), 0);
    assert_int_equal(hawser_receive(p.host, p.tcp, &octet, 1), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_peek(p.host, p.tcp, NULL), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), HAWSER_ERR_AGAIN);
    assert_int_equal(hawser_consume(p.host, p.tcp, 0), 0);
    assert_int_equal(hawser_consume(p.host, p.tcp, 1), HAWSER_ERR_INVALID);
    peer_in(&p, P | A, 1, 1, 10);
    assert_int_equal(hawser_consume(p.host, p.tcp, 11), HAWSER_ERR_INVALID);
    assert_int_equal(hawser_consume(p.host, p.tcp, SIZE_MAX), HAWSER_ERR_INVALID);
    peer_in(&p, R, 11, 0, 0);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), 10);
    assert_int_equal(hawser_consume(p.host, p.tcp, 3), 0);
    p.read = 3;
    peer_read(&p, 7);
    peer_read_gives(&p, HAWSER_ERR_RESET);
    assert_int_equal(hawser_peek(p.host, p.tcp, spans), HAWSER_ERR_RESET);
    assert_int_equal(hawser_close(p.host, p.tcp), 0);
    assert_int_equal(hawser_receive(p.host, p.tcp, &octet, 1), HAWSER_ERR_NO_CONNECTION);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.3-2 9293-3.10.3-3 */
static void what_was_queued_comes_before_the_end(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_CLOSE_WAIT, HAWSER_CLOSING, HAWSER_LAST_ACK,
                                               HAWSER_TIME_WAIT};
    for (unsigned i = 0; i < COUNT_OF(states); i++) {
        struct peer p;
        struct hawser_span spans[2];
        peer_start(&p, false, NULL);
        peer_accept(&p, PEER_MSS);
        peer_in(&p, P | A, 1, 1, 500);
        p.read = 500; /* the harness counts with it; nobody has read it yet */
        peer_pass(&p, NS_PER_S);
        peer_drop_out(&p);
        peer_to_state(&p, states[i]);
        p.read = 0;
        peer_read(&p, 100);
        peer_read(&p, 399);
        assert_int_equal(hawser_peek(p.host, p.tcp, spans), 1);
        peer_read(&p, 1);
        for (int k = 0; k < 3; k++) {
            peer_read_gives(&p, 0); /* for ever */
            assert_int_equal(hawser_peek(p.host, p.tcp, spans), 0);
            peer_pass(&p, 15 * NS_PER_S);
        }
        peer_drop_out(&p);
        peer_end(&p);
    }
}

/* ---- STATUS ---------------------------------------------------------------------------------- */

static void check_state(struct peer *p, hawser_tcp tcp, enum hawser_state want, const char *name)
{
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(p->host, p->now_ns, tcp, &info), 0);
    assert_int_equal(info.handle, tcp);
    assert_int_equal(info.state, want);
    assert_string_equal(hawser_state_name(info.state), name);
    assert_int_equal(info.local.port, p->host_port);
}

/* EVIDENCE 9293-3.10.6-1 */
static void status_in_every_state(void **state)
{
    (void)state;
    static const struct {
        enum hawser_state state;
        const char *name;
    } rows[] = {
        {HAWSER_ESTABLISHED, "ESTABLISHED"}, {HAWSER_FIN_WAIT_1, "FIN-WAIT-1"},
        {HAWSER_FIN_WAIT_2, "FIN-WAIT-2"},   {HAWSER_CLOSE_WAIT, "CLOSE-WAIT"},
        {HAWSER_CLOSING, "CLOSING"},         {HAWSER_LAST_ACK, "LAST-ACK"},
        {HAWSER_TIME_WAIT, "TIME-WAIT"},
    };
    struct peer p;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        peer_start(&p, false, NULL);
        peer_listen(&p, 3);
        check_state(&p, p.listener, HAWSER_LISTEN, "LISTEN");
        peer_accept(&p, PEER_ALL);
        peer_to_state(&p, rows[i].state);
        check_state(&p, p.tcp, rows[i].state, rows[i].name);
        peer_end(&p);
    }
    peer_start(&p, true, NULL);
    peer_open(&p);
    peer_out(&p, S, 0, 0, 0);
    check_state(&p, p.tcp, HAWSER_SYN_SENT, "SYN-SENT");
    struct segment syn = peer_syn_options(&p, PEER_MSS);
    peer_inject(&p, &syn);
    peer_out(&p, S | A, 0, 1, 0);
    check_state(&p, p.tcp, HAWSER_SYN_RECEIVED, "SYN-RECEIVED");
    peer_in(&p, R, 1, 0, 0);
    check_state(&p, p.tcp, HAWSER_CLOSED, "CLOSED");
    struct hawser_tcp_info info = {.state = HAWSER_LISTEN};
    assert_int_equal(hawser_status(p.host, p.now_ns, 0, &info), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(info.state, HAWSER_LISTEN);
    assert_int_equal(hawser_status(p.host, p.now_ns, p.tcp, NULL), HAWSER_ERR_INVALID);
    peer_end(&p);
}

/* EVIDENCE 9293-3.10.6-1 */
static void status_knows_what_happened(void **state)
{
    (void)state;
    struct peer p;
    int user;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    assert_int_equal(hawser_set_user(p.host, p.tcp, &user), 0);
    peer_in_wnd(&p, P | A, 1, 1, 300, 2000);
    peer_in(&p, A, 1001, 1, 100);
    peer_write(&p, 5000);
    peer_drop_out(&p);
    struct hawser_tcp_info info = peer_info(&p);
    assert_ptr_equal(info.user, &user);
    assert_memory_equal(&info.remote.address, &p.peer_address, 16);
    assert_int_equal(info.remote.port, PEER_PORT);
    assert_int_equal(info.iss, p.host_isn.v);
    assert_int_equal(info.irs, p.peer_isn.v);
    assert_int_equal(info.snd_una, p.host_isn.v + 1);
    assert_int_equal(info.snd_nxt, p.host_isn.v + 5001);
    assert_int_equal(info.rcv_nxt, p.peer_isn.v + 301);
    assert_int_equal(info.receive_queue_bytes, 300);
    assert_int_equal(info.send_queue_bytes, 5000);
    assert_int_equal(info.unsent_bytes, 0);
    assert_int_equal(info.bytes_received, 300);
    assert_int_equal(info.bytes_sent, 5000);
    assert_int_equal(info.bytes_acked, 0);
    assert_int_equal(info.out_of_order, 1);
    assert_int_equal(info.segments_received, 4);
    assert_int_equal(info.send_mss_bytes, MSS);
    assert_int_equal(info.path_mtu_bytes, 1500);
    assert_int_equal(info.timer_kind, HAWSER_TIMER_RETRANSMISSION);
    assert_int_equal(info.timer_ns, info.rto_ns);
    peer_in(&p, A, 301, 1 + MSS, 0);
    info = peer_info(&p);
    assert_int_equal(info.bytes_acked, MSS);
    assert_int_equal(info.snd_una, p.host_isn.v + 1 + MSS);
    assert_int_equal(hawser_set_user(p.host, 0, &user), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_take_soft_error(p.host, 0), HAWSER_ERR_NO_CONNECTION);
    assert_int_equal(hawser_take_soft_error(p.host, p.tcp), 0);
    assert_int_equal(hawser_take_soft_error(p.host, p.listener), 0);
    peer_drop_out(&p);
    peer_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_disturbs_nobody),
        cmocka_unit_test(a_listener_beside_opens_that_are_not_complete),
        cmocka_unit_test(what_listen_refuses),
        cmocka_unit_test(what_accept_refuses),
        cmocka_unit_test(an_open_needs_somebody_to_open_to),
        cmocka_unit_test(what_open_refuses),
        cmocka_unit_test(limits_of_opening),
        cmocka_unit_test(an_open_over_a_record),
        cmocka_unit_test(the_route_chooses_the_local_address),
        cmocka_unit_test(the_local_address_stays),
        cmocka_unit_test(the_local_address_goes),
        cmocka_unit_test(what_send_refuses),
        cmocka_unit_test(text_carries_ack_and_window),
        cmocka_unit_test(a_full_send_buffer),
        cmocka_unit_test(send_without_memory),
        cmocka_unit_test(the_ack_of_a_syn_is_all_a_syn_ack_needs),
        cmocka_unit_test(what_receive_refuses),
        cmocka_unit_test(what_was_queued_comes_before_the_end),
        cmocka_unit_test(status_in_every_state),
        cmocka_unit_test(status_knows_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
