/* SPDX-License-Identifier: MIT */
/* Half-open requests: handshakes, floods, cookies, full accept queues, listeners that go. */
#include <stdlib.h>

#include "lan.h"

static struct hawser_usage usage_of(struct lan *lan)
{
    struct hawser_usage usage;
    hawser_usage_of(lan->host[0], &usage);
    return usage;
}

static const struct hawser_counters *counters_of(struct lan *lan)
{
    return hawser_counters_of(lan->host[0]);
}

static hawser_tcp listen_with(struct lan *lan, uint32_t backlog)
{
    struct hawser_listen_options options = {.backlog = backlog, .local.port = 80};
    hawser_tcp listener;
    assert_int_equal(hawser_listen(lan->host[0], lan->now_ns, &options, &listener), 0);
    return listener;
}

static struct forged syn_from(const char *address, uint16_t port)
{
    bool v6 = strchr(address, ':') != NULL;
    return (struct forged){.from = lan_end(address, port),
                           .to = lan_end_of(0, v6, 80),
                           .flags = TCP_SYN,
                           .seq = 1000,
                           .wnd = 65535,
                           .options = TCP_OPT_MSS,
                           .mss = 1400};
}

static void acknowledge(struct lan *lan, struct forged *peer)
{
    peer->flags = TCP_ACK;
    peer->seq = 1001;
    peer->ack = lan_last(lan)->seq.v + 1;
    peer->options = 0;
}

static void begin(struct lan **lan, void (*configure)(struct hawser_config *, unsigned))
{
    *lan = malloc(sizeof **lan);
    lan_init(*lan, &(struct lan_setup){.alone = true, .configure = configure});
}

static void end(struct lan *lan)
{
    lan_deinit(lan);
    free(lan);
}

/* EVIDENCE 9293-FIG5-4 9293-FIG5-9 9293-3.10.7.2-3 4987-02 */
static void test_handshake(void **state)
{
    (void)state;
    static const char *const from[] = {"198.18.0.9", "2001:db8::9"};
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        struct lan *lan;
        struct hawser_tcp_info info;
        struct hawser_event event;
        hawser_tcp listener, tcp;
        int mark;
        begin(&lan, NULL);
        listener = listen_with(lan, 5);
        assert_int_equal(hawser_set_user(lan->host[0], listener, &mark), 0);
        struct forged peer = syn_from(from[i], 4000);
        lan_forge(lan, &peer);
        assert_int_equal(usage_of(lan).halfopens, 1);
        assert_int_equal(usage_of(lan).connections, 0);
        assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), HAWSER_ERR_AGAIN);
        assert_int_equal(hawser_events(lan->host[0], &event, 1), 0);
        acknowledge(lan, &peer);
        lan_forge(lan, &peer);
        assert_int_equal(usage_of(lan).halfopens, 0);
        assert_int_equal(usage_of(lan).connections, 1);
        assert_int_equal(hawser_events(lan->host[0], &event, 1), 1);
        assert_true(event.tcp == listener && event.user == &mark);
        assert_int_equal(event.events, HAWSER_EVENT_ACCEPTABLE);
        assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp, &info), 0);
        assert_int_equal(info.state, HAWSER_ESTABLISHED);
        assert_int_equal(info.remote.port, 4000);
        assert_int_equal(info.path_mtu_bytes, 1500);
        assert_memory_equal(&info.remote.address, &peer.from.address, 16);
        assert_memory_equal(&info.local.address, &peer.to.address, 16);
        assert_int_equal(hawser_events(lan->host[0], &event, 1), 0);
        end(lan);
    }
}

/* The SYN-ACK is repeated after 1, 2, 4 … s and then given up.
 * EVIDENCE 4987-07 */
static void test_silence(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    listen_with(lan, 5);
    struct forged peer = syn_from("198.18.0.9", 4000);
    lan_forge(lan, &peer);
    assert_int_equal(lan->sent_count, 1);
    static const unsigned at_s[] = {1, 3, 7, 15, 31};
    uint64_t start_ns = lan->now_ns;
    for (size_t i = 0; i < COUNT_OF(at_s); i++) {
        lan_run(lan, start_ns + at_s[i] * NS_PER_S - 1 - lan->now_ns);
        assert_int_equal(lan->sent_count, i + 1);
        lan_run(lan, 1);
        assert_int_equal(lan->sent_count, i + 2);
    }
    lan_run(lan, 40 * NS_PER_S);
    assert_int_equal(lan->sent_count, 6);
    assert_int_equal(usage_of(lan).halfopens, 0);
    assert_int_equal(counters_of(lan)->halfopen_timeouts, 1);
    end(lan);
}

/* EVIDENCE 9293-FIG5-10 9293-3.10.7.4b-4 */
static void test_reset_ends_it_silently(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    hawser_tcp listener = listen_with(lan, 5), tcp;
    struct forged peer = syn_from("198.18.0.9", 4000);
    lan_forge(lan, &peer);
    peer.flags = TCP_RST;
    peer.seq = 1001;
    lan_forge(lan, &peer);
    assert_int_equal(usage_of(lan).halfopens, 0);
    assert_int_equal(lan->sent_count, 1);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), HAWSER_ERR_AGAIN);
    assert_int_equal(lan_state(lan, 0, listener), HAWSER_LISTEN); /* RFC9293 MUST-11 */
    end(lan);
}

/* What does not acknowledge our SYN is answered by a reset and leaves the request alone. */
static void test_wrong_acknowledgement(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    listen_with(lan, 5);
    struct forged peer = syn_from("198.18.0.9", 4000);
    lan_forge(lan, &peer);
    acknowledge(lan, &peer);
    peer.ack += 7;
    lan_forge(lan, &peer);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    assert_int_equal(lan_last(lan)->seq.v, peer.ack);
    assert_int_equal(usage_of(lan).halfopens, 1);
    /* Nor does what lies outside the window. */
    peer.ack -= 7;
    peer.seq += 1u << 30;
    lan_forge(lan, &peer);
    assert_int_equal(lan_last(lan)->flags, TCP_ACK);
    assert_int_equal(usage_of(lan).halfopens, 1);
    assert_int_equal(usage_of(lan).connections, 0);
    peer.seq = 1001;
    lan_forge(lan, &peer);
    assert_int_equal(usage_of(lan).connections, 1);
    end(lan);
}

/* Text comes with the ACK of the handshake, and even the FIN. */
static void test_data_on_the_last_ack(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    hawser_tcp listener = listen_with(lan, 5), tcp;
    struct forged peer = syn_from("198.18.0.9", 4000);
    lan_forge(lan, &peer);
    acknowledge(lan, &peer);
    peer.text = "hello";
    peer.flags |= TCP_FIN | TCP_PSH;
    lan_forge(lan, &peer);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    assert_int_equal(lan_state(lan, 0, tcp), HAWSER_CLOSE_WAIT);
    uint32_t events = lan_events_of(lan, 0, tcp);
    assert_int_equal(events & (HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED),
                     HAWSER_EVENT_READABLE | HAWSER_EVENT_PEER_CLOSED);
    char text[8];
    assert_int_equal(hawser_receive(lan->host[0], tcp, text, 8), 5);
    assert_int_equal(hawser_receive(lan->host[0], tcp, text, 8), 0);
    end(lan);
}

static void configure_no_cookies(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->syn_cookies = false;
}

static void test_backlog_without_cookies(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, configure_no_cookies);
    listen_with(lan, 3);
    for (uint16_t port = 1; port <= 10; port++) {
        struct forged peer = syn_from("198.18.0.9", port);
        lan_forge(lan, &peer);
    }
    assert_int_equal(usage_of(lan).halfopens, 3);
    assert_int_equal(lan->sent_count, 3);
    assert_int_equal(counters_of(lan)->halfopen_overflow, 7);
    assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_BACKLOG), 7);
    end(lan);
}

/* A million forged SYNs: memory stays, and an honest client is served all the same.
 * EVIDENCE 4987-01 4987-03 4987-05 */
static void test_flood(void **state)
{
    (void)state;
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.alone = true, .deaf = true});
    hawser_tcp listener = listen_with(lan, 128), tcp;
    struct forged peer = syn_from("10.0.0.1", 4000);
    struct hawser_address gateway = lan_address("198.18.0.2"), any = lan_address("0.0.0.0");
    assert_int_equal(hawser_route_add(lan->host[0], &any, 0, &gateway, 0, 0), 0);
    uint64_t memory = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        memcpy(peer.from.address.bytes + 13, &i, 3);
        lan_forge(lan, &peer);
        if (i == 1000)
            memory = usage_of(lan).memory_bytes;
        if (i % 1000 == 0)
            lan->now_ns += NS_PER_MS;
    }
    assert_int_equal(usage_of(lan).memory_bytes, memory);
    assert_int_equal(usage_of(lan).halfopens, 128);
    assert_true(counters_of(lan)->syn_cookies_sent > 900000);
    struct forged honest = syn_from("198.18.0.9", 4000);
    lan_forge(lan, &honest);
    assert_int_equal(lan_last(lan)->flags, TCP_SYN | TCP_ACK);
    acknowledge(lan, &honest);
    honest.text = "hi";
    lan_forge(lan, &honest);
    assert_int_equal(counters_of(lan)->syn_cookies_accepted, 1);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    char text[8];
    assert_int_equal(hawser_receive(lan->host[0], tcp, text, 8), 2);
    /* A guess is none. */
    honest.from.port++;
    lan_forge(lan, &honest);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    assert_int_equal(counters_of(lan)->syn_cookies_failed, 1);
    end(lan);
}

/* Cookies are believed only while some are on their way. EVIDENCE 4987-06 */
static void test_cookies_only_when_sent(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    listen_with(lan, 1);
    struct forged stray = syn_from("198.18.0.9", 5);
    stray.flags = TCP_ACK;
    lan_forge(lan, &stray);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    assert_int_equal(counters_of(lan)->syn_cookies_failed, 0);
    struct forged first = syn_from("198.18.0.9", 1), second = syn_from("198.18.0.9", 2);
    lan_forge(lan, &first);
    lan_forge(lan, &second);
    assert_int_equal(counters_of(lan)->syn_cookies_sent, 1);
    acknowledge(lan, &second);
    lan_run(lan, 200 * NS_PER_S);
    lan_forge(lan, &second);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    assert_int_equal(usage_of(lan).connections, 0);
    end(lan);
}

/* The accept queue is full: the handshake is left open, and completes when there is room.
 * EVIDENCE 4987-08 */
static void test_accept_queue_full(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    hawser_tcp listener = listen_with(lan, 2), tcp;
    struct forged peers[3];
    for (uint16_t i = 0; i < 3; i++) {
        peers[i] = syn_from("198.18.0.9", (uint16_t)(10 + i));
        if (i == 2)
            break;
        lan_forge(lan, &peers[i]);
        acknowledge(lan, &peers[i]);
    }
    lan_forge(lan, &peers[0]);
    lan_forge(lan, &peers[2]); /* its SYN comes while there is room */
    acknowledge(lan, &peers[2]);
    lan_forge(lan, &peers[1]);
    assert_int_equal(usage_of(lan).connections, 2);
    lan_forge(lan, &peers[2]);
    assert_int_equal(usage_of(lan).connections, 2);
    assert_int_equal(usage_of(lan).halfopens, 1);
    assert_int_equal(counters_of(lan)->accept_overflow, 1);
    struct forged late = syn_from("198.18.0.9", 99);
    uint32_t sent = lan->sent_count;
    lan_forge(lan, &late); /* a new SYN is not even answered */
    assert_int_equal(lan->sent_count, sent);
    assert_int_equal(counters_of(lan)->accept_overflow, 2);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    lan_run(lan, NS_PER_S); /* the SYN-ACK again */
    assert_int_equal(lan_last(lan)->flags, TCP_SYN | TCP_ACK);
    lan_forge(lan, &peers[2]);
    assert_int_equal(usage_of(lan).connections, 3);
    assert_int_equal(usage_of(lan).halfopens, 0);
    end(lan);
}

/* Closing a listener: its requests end silently, what waits is reset, what was accepted stays.
 * EVIDENCE 9293-FIG5-3 9293-3.10.4-1 */
static void test_listener_goes(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    hawser_tcp listener = listen_with(lan, 5), tcp;
    struct forged peers[3];
    for (uint16_t i = 0; i < 3; i++) {
        peers[i] = syn_from("198.18.0.9", (uint16_t)(10 + i));
        lan_forge(lan, &peers[i]);
        acknowledge(lan, &peers[i]);
        if (i < 2)
            lan_forge(lan, &peers[i]);
    }
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    uint32_t sent = lan->sent_count;
    assert_int_equal(hawser_close(lan->host[0], listener), 0);
    lan_settle(lan);
    assert_int_equal(lan->sent_count, sent + 1);
    assert_int_equal(lan_last(lan)->flags, TCP_RST | TCP_ACK);
    assert_int_equal(lan->sent_to[lan->sent_count - 1].port, 11);
    assert_int_equal(usage_of(lan).halfopens, 0);
    assert_int_equal(usage_of(lan).connections, 1);
    assert_int_equal(usage_of(lan).listeners, 0);
    assert_int_equal(lan_state(lan, 0, tcp), HAWSER_ESTABLISHED);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), HAWSER_ERR_NO_CONNECTION);
    lan_forge(lan, &peers[2]);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    peers[2] = syn_from("198.18.0.9", 77);
    lan_forge(lan, &peers[2]);
    assert_int_equal(lan_last(lan)->flags, TCP_RST | TCP_ACK);
    end(lan);
}

/* One listener, several hosts, several addresses of ours: each its own, answered from where it came
 * to.
 * EVIDENCE 9293-3.10.7.2-6 1122-12 */
static void test_many_to_one(void **state)
{
    (void)state;
    static const char *const from[] = {"198.18.0.9", "198.18.0.10", "2001:db8::9"};
    static const char *const to[] = {"198.18.0.1", "198.18.0.77", "2001:db8::77"};
    struct lan *lan;
    begin(&lan, NULL);
    hawser_tcp listener = listen_with(lan, 50), tcp;
    for (size_t k = 1; k < 3; k++) {
        struct hawser_address second = lan_address(to[k]);
        assert_int_equal(hawser_address_add(lan->host[0], 0, &second, k == 1 ? 24 : 64), 0);
    }
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        for (size_t k = 0; k < COUNT_OF(to); k++) {
            struct hawser_endpoint there = lan_end(from[i], 5), here = lan_end(to[k], 80);
            struct hawser_tcp_info info;
            if (address_is_v4(&there.address) != address_is_v4(&here.address))
                continue;
            lan_forge_handshake(lan, there, here, 100);
            assert_memory_equal(&lan->sent_from[lan->sent_count - 1].address, &here.address, 16);
            assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
            assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp, &info), 0);
            assert_memory_equal(&info.local.address, &here.address, 16);
            assert_memory_equal(&info.remote.address, &there.address, 16);
        }
    }
    assert_int_equal(usage_of(lan).connections, 5);
    assert_int_equal(lan_state(lan, 0, listener), HAWSER_LISTEN);
    end(lan);
}

static void configure_tiny(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->connections_max = 2;
    config->halfopen_max = 2;
}

/* Reaching a limit is a decision, and it ends. */
static void test_tables_full(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, configure_tiny);
    hawser_tcp listener = listen_with(lan, 10), tcp;
    struct forged peers[4];
    for (uint16_t i = 0; i < 4; i++) {
        peers[i] = syn_from("198.18.0.9", (uint16_t)(10 + i));
        lan_forge(lan, &peers[i]);
        acknowledge(lan, &peers[i]);
    }
    assert_int_equal(usage_of(lan).halfopens, 2);
    assert_int_equal(counters_of(lan)->syn_cookies_sent, 2);
    for (unsigned i = 0; i < 4; i++)
        lan_forge(lan, &peers[i]);
    assert_int_equal(usage_of(lan).connections, 2);
    assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_MEMORY), 2);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    assert_int_equal(hawser_abort(lan->host[0], tcp), 0);
    lan_settle(lan);
    lan_forge(lan, &peers[3]); /* its cookie is still good */
    assert_int_equal(usage_of(lan).connections, 2);
    end(lan);
}

/* A repeated SYN is answered again, but not more often than it costs its sender. */
static void test_syn_again(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    listen_with(lan, 5);
    struct forged peer = syn_from("198.18.0.9", 4000);
    for (unsigned i = 0; i < 10; i++)
        lan_forge(lan, &peer);
    assert_int_equal(lan->sent_count, 1);
    lan_run(lan, 600 * NS_PER_MS);
    lan_forge(lan, &peer);
    assert_int_equal(lan->sent_count, 2);
    assert_int_equal(lan->sent[0].seq.v, lan->sent[1].seq.v);
    assert_int_equal(usage_of(lan).halfopens, 1);
    end(lan);
}

/* No way leads back to whoever asks. */
static void test_no_way_back(void **state)
{
    (void)state;
    struct lan *lan;
    begin(&lan, NULL);
    listen_with(lan, 1);
    struct forged peer = syn_from("192.0.2.7", 5);
    lan_forge(lan, &peer);
    assert_int_equal(usage_of(lan).halfopens, 0);
    struct forged near = syn_from("198.18.0.9", 5);
    lan_forge(lan, &near); /* now the table is full */
    lan_forge(lan, &peer);
    assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_NO_ROUTE), 2);
    assert_int_equal(lan->sent_count, 1);
    end(lan);
}

/* The way changes, or vanishes, while a SYN-ACK waits to leave. */
static void test_way_changes(void **state)
{
    (void)state;
    for (int vanishes = 0; vanishes < 2; vanishes++) {
        struct lan *lan;
        uint32_t link;
        uint8_t bytes[2000];
        struct hawser_buffer buffer = {.data = bytes, .capacity = sizeof bytes};
        struct hawser_link_config config = {.kind = HAWSER_LINK_IP, .mtu = 1500};
        begin(&lan, NULL);
        struct hawser_host *host = lan->host[0];
        struct hawser_address far = lan_address("192.0.2.7"), net = lan_address("192.0.2.0");
        listen_with(lan, 5);
        assert_int_equal(hawser_link_add(host, &config, &link), 0);
        assert_int_equal(hawser_route_add(host, &net, 24, NULL, 0, 0), 0);
        struct forged peer = syn_from("192.0.2.7", 5);
        lan_forge(lan, &peer);
        assert_int_equal(lan->sent_count, 1);
        lan->now_ns += NS_PER_S; /* the SYN-ACK again */
        hawser_expire(host, lan->now_ns);
        if (vanishes)
            assert_int_equal(hawser_route_remove(host, &net, 24, 0), 0);
        else
            assert_int_equal(hawser_route_add(host, &far, 32, NULL, link, 0), 0);
        assert_int_equal(hawser_output(host, 0, lan->now_ns, &buffer, 1), 0);
        assert_int_equal(hawser_output(host, link, lan->now_ns, &buffer, 1), !vanishes);
        assert_true(hawser_next_deadline(host) > lan->now_ns);
        assert_int_equal(usage_of(lan).halfopens, 1);
        assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_NO_ROUTE), vanishes);
        end(lan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_reset_ends_it_silently),
        cmocka_unit_test(test_wrong_acknowledgement),
        cmocka_unit_test(test_data_on_the_last_ack),
        cmocka_unit_test(test_backlog_without_cookies),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_cookies_only_when_sent),
        cmocka_unit_test(test_accept_queue_full),
        cmocka_unit_test(test_listener_goes),
        cmocka_unit_test(test_many_to_one),
        cmocka_unit_test(test_tables_full),
        cmocka_unit_test(test_syn_again),
        cmocka_unit_test(test_no_way_back),
        cmocka_unit_test(test_way_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
