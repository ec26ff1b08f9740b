/* SPDX-License-Identifier: MIT */
/* Frames out: turns between connections, buffers too small, ways that change or vanish, what the
 * headers say. */
#include <stdlib.h>

#include "lan.h"
#include "wire/ether.h"

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

/* Segments of up to 8 ports, in the order in which they left. */
static uint16_t order[64];
static unsigned order_count;

static bool note_port(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    struct ip_packet ip;
    (void)lan;
    assert_int_equal(ip_parse(frame, length, &ip), IP_PARSE_OK);
    if (from == 1 && ip.payload_len > 500 && order_count < COUNT_OF(order))
        order[order_count++] = (uint16_t)(ip.payload[0] << 8 | ip.payload[1]);
    return true;
}

/* Everybody gets a turn: a connection with much to send does not hold up others. */
static void test_turns(void **state)
{
    (void)state;
    static uint8_t much[10 * 1000];
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp listener = lan_listen(lan, 0, 80), ends[4][2];
    for (unsigned i = 0; i < 4; i++)
        lan_connect(lan, false, listener, 80, ends[i]);
    lan_run(lan, NS_PER_S);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(hawser_send(lan->host[1], ends[i][1], much, sizeof much, 0), sizeof much);
    lan->filter = note_port;
    order_count = 0;
    /* One buffer a call: one segment each in turn. */
    static uint8_t bytes[2000];
    for (unsigned i = 0; i < 8; i++) {
        struct hawser_buffer buffer = {.data = bytes, .capacity = sizeof bytes};
        assert_int_equal(hawser_output(lan->host[1], 0, lan->now_ns, &buffer, 1), 1);
        note_port(lan, 1, bytes, buffer.length);
    }
    assert_int_equal(order_count, 8);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(order[i], order[i + 4]);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(order[i], order[k]);
    }
    assert_int_equal(hawser_next_deadline(lan->host[1]), 0);
    lan_run(lan, 10 * NS_PER_S);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(hawser_receive(lan->host[0], ends[i][0], much, sizeof much), sizeof much);
    end(lan);
}

static void test_small_buffers(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp ends[2];
    uint8_t bytes[100];
    memset(bytes, 0x77, sizeof bytes);
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_send(lan->host[1], ends[1], "lost", 4, 0), 4);
    struct hawser_buffer buffer = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(hawser_output(lan->host[1], 0, lan->now_ns, &buffer, 1), 0);
    for (unsigned i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0x77);
    assert_int_equal(hawser_counters_of(lan->host[1])->dropped[HAWSER_DROP_SMALL_BUFFER], 1);
    assert_true(hawser_next_deadline(lan->host[1]) > lan->now_ns);
    lan_run(lan, 2 * NS_PER_S); /* it is sent again */
    char text[8];
    assert_int_equal(hawser_receive(lan->host[0], ends[0], text, 8), 4);
    end(lan);
}

/* The route goes, and comes back: a soft error, retransmission, and on it goes.
 * EVIDENCE 9293-MUST-47 */
static void test_route_goes(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    struct hawser_host *host = lan->host[1];
    struct hawser_address far = lan_address("192.0.2.1");
    struct hawser_address net = lan_address("192.0.2.0");
    hawser_tcp listener = lan_listen(lan, 0, 80), client, server;
    assert_int_equal(hawser_address_add(lan->host[0], 0, &far, 32), 0);
    assert_int_equal(hawser_route_add(host, &net, 24, NULL, 0, 0), 0);
    client = lan_open(lan, 1, (struct hawser_endpoint){far, 80});
    lan_settle(lan);
    assert_int_equal(hawser_accept(lan->host[0], listener, &server), 0);
    assert_int_equal(hawser_route_remove(host, &net, 24, 0), 0);
    assert_int_equal(hawser_send(host, client, "x", 1, 0), 1);
    lan_settle(lan);
    assert_true((lan_events_of(lan, 1, client) & HAWSER_EVENT_SOFT_ERROR) != 0);
    assert_int_equal(hawser_take_soft_error(host, client), HAWSER_ERR_NET_UNREACHABLE);
    assert_int_equal(hawser_take_soft_error(host, client), 0);
    assert_int_equal(lan_state(lan, 1, client), HAWSER_ESTABLISHED);
    lan_run(lan, NS_PER_S);
    assert_int_equal(hawser_route_add(host, &net, 24, NULL, 0, 0), 0);
    lan_run(lan, 5 * NS_PER_S);
    char text[4];
    assert_int_equal(hawser_receive(lan->host[0], server, text, 4), 1);
    /* An open whose way vanishes gives up in its own time, and says why. */
    assert_int_equal(hawser_abort(host, client), 0);
    client = lan_open(lan, 1, (struct hawser_endpoint){far, 81});
    assert_int_equal(hawser_route_remove(host, &net, 24, 0), 0);
    lan_run(lan, 400 * NS_PER_S);
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(host, lan->now_ns, client, &info), 0);
    assert_int_equal(info.state, HAWSER_CLOSED);
    assert_int_equal(info.error, HAWSER_ERR_NET_UNREACHABLE);
    assert_int_equal(hawser_counters_of(host)->opens_failed, 1);
    end(lan);
}

/* A better route by another link: the connection moves there, with its addresses. */
static void test_way_moves_to_another_link(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    struct hawser_host *host = lan->host[1];
    hawser_tcp ends[2];
    uint32_t link;
    lan_connect(lan, false, 0, 80, ends);
    assert_int_equal(hawser_send(host, ends[1], "x", 1, 0), 1);
    assert_int_equal(
        hawser_link_add(host, &(struct hawser_link_config){.kind = HAWSER_LINK_IP, .mtu = 1000},
                        &link),
        0);
    struct hawser_endpoint there = lan_end_of(0, false, 0);
    assert_int_equal(hawser_route_add(host, &there.address, 32, NULL, link, 0), 0);
    uint8_t bytes[2000];
    struct hawser_buffer buffer = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(hawser_output(host, 0, lan->now_ns, &buffer, 1), 0);
    assert_int_equal(hawser_next_deadline(host), 0);
    assert_int_equal(hawser_output(host, link, lan->now_ns, &buffer, 1), 1);
    struct ip_packet ip;
    struct hawser_endpoint here = lan_end_of(1, false, 0);
    assert_int_equal(ip_parse(bytes, buffer.length, &ip), IP_PARSE_OK);
    assert_memory_equal(&ip.src, &here.address, 16);
    struct hawser_tcp_info info;
    assert_int_equal(hawser_status(host, lan->now_ns, ends[1], &info), 0);
    assert_int_equal(info.path_mtu_bytes, 1000);
    assert_int_equal(info.send_mss_bytes, 1000 - 40 - 12);
    end(lan);
}

static struct ip_packet last_ip;

static bool keep_ip(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    (void)lan;
    if (from == 1)
        assert_int_equal(ip_parse(frame, length, &last_ip), IP_PARSE_OK);
    return true;
}

/* EVIDENCE 9293-MUST-48 9293-MUST-49 9293-SHLD-21 1191-09 */
static void test_hop_limit_and_traffic_class(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
        struct hawser_host *host = lan->host[1];
        hawser_tcp ends[2], listener = lan_listen(lan, 0, 80);
        lan->filter = keep_ip;
        ends[1] = lan_open(lan, 1, lan_end_of(0, v6, 80));
        assert_int_equal(hawser_set_option(host, ends[1], HAWSER_OPTION_HOP_LIMIT, 7), 0);
        assert_int_equal(hawser_set_option(host, ends[1], HAWSER_OPTION_TRAFFIC_CLASS, 0xb8), 0);
        lan_settle(lan); /* SYN and ACK */
        assert_int_equal(last_ip.hop_limit, 7);
        assert_int_equal(last_ip.traffic_class, 0xb8);
        assert_int_equal(last_ip.dont_fragment, !v6);
        assert_int_equal(hawser_accept(lan->host[0], listener, &ends[0]), 0);
        assert_int_equal(hawser_set_option(host, ends[1], HAWSER_OPTION_TRAFFIC_CLASS, 0x20), 0);
        for (unsigned what = 0; what < 3; what++) { /* text, FIN, RST */
            last_ip.hop_limit = last_ip.traffic_class = 0;
            if (what == 0)
                assert_int_equal(hawser_send(host, ends[1], "x", 1, 0), 1);
            else
                assert_int_equal(
                    what == 1 ? hawser_shutdown(host, ends[1]) : hawser_abort(host, ends[1]), 0);
            lan_settle(lan);
            assert_int_equal(last_ip.hop_limit, 7);
            assert_int_equal(last_ip.traffic_class, 0x20);
        }
        end(lan);
    }
}

static void no_discovery(struct hawser_config *config, unsigned host)
{
    (void)host;
    config->path_mtu_discovery = false;
    config->hop_limit = 99;
}

/* EVIDENCE 1191-09 */
static void test_without_discovery(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP, .configure = no_discovery});
    lan->filter = keep_ip;
    lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_settle(lan);
    assert_false(last_ip.dont_fragment);
    assert_int_equal(last_ip.hop_limit, 99);
    end(lan);
}

static bool lose_all(struct lan *lan, unsigned from, const uint8_t *frame, uint32_t length)
{
    (void)lan;
    (void)from;
    (void)frame;
    (void)length;
    return false;
}

/* A neighbour that does not answer: a soft error, and the open goes on until its own end. */
static void test_dead_neighbour(void **state)
{
    (void)state;
    struct lan *lan = begin(NULL);
    lan->filter = lose_all;
    hawser_tcp tcp = lan_open(lan, 1, lan_end_of(0, false, 80));
    lan_run(lan, 10 * NS_PER_S);
    assert_true((lan_events_of(lan, 1, tcp) & HAWSER_EVENT_SOFT_ERROR) != 0);
    assert_int_equal(hawser_take_soft_error(lan->host[1], tcp), HAWSER_ERR_HOST_UNREACHABLE);
    assert_int_equal(lan_state(lan, 1, tcp), HAWSER_SYN_SENT);
    lan_run(lan, 400 * NS_PER_S);
    assert_int_equal(lan_state(lan, 1, tcp), HAWSER_CLOSED);
    end(lan);
}

/* Counters of what left agree with what was seen. */
static void test_counters(void **state)
{
    (void)state;
    struct lan *lan = begin(&(struct lan_setup){.kind = HAWSER_LINK_IP});
    hawser_tcp ends[2];
    lan_connect(lan, false, 0, 80, ends);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(hawser_send(lan->host[i & 1], ends[i & 1], "0123456789", 10, 0), 10);
        lan_run(lan, 100 * NS_PER_MS);
    }
    const struct hawser_counters *a = hawser_counters_of(lan->host[0]);
    const struct hawser_counters *b = hawser_counters_of(lan->host[1]);
    assert_int_equal(a->frames_out + b->frames_out, lan->frames);
    assert_int_equal(a->frames_in, b->frames_out);
    assert_int_equal(b->frames_in, a->frames_out);
    assert_int_equal(a->segments_in, b->segments_out);
    assert_int_equal(b->segments_in, a->segments_out);
    assert_int_equal(a->opens_passive, 1);
    assert_int_equal(b->opens_active, 1);
    assert_int_equal(lan_count_kind(lan, 0, HAWSER_TRACE_SEGMENT_IN), a->segments_in);
    assert_int_equal(lan_count_kind(lan, 0, HAWSER_TRACE_SEGMENT_OUT), a->segments_out);
    end(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_small_buffers),
        cmocka_unit_test(test_route_goes),
        cmocka_unit_test(test_way_moves_to_another_link),
        cmocka_unit_test(test_hop_limit_and_traffic_class),
        cmocka_unit_test(test_without_discovery),
        cmocka_unit_test(test_dead_neighbour),
        cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
