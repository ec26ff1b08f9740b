/* SPDX-License-Identifier: MIT */
/* Replies: what a queued segment keeps, the order, the bound. */
#include <stdlib.h>

#include "lan.h"
#include "stack/host.h"

static struct lan *begin(void)
{
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.alone = true});
    return lan;
}

static void end(struct lan *lan)
{
    lan_deinit(lan);
    free(lan);
}

static struct flow_key key_to(const char *remote, uint16_t port)
{
    struct hawser_endpoint here = lan_end_of(0, strchr(remote, ':') != NULL, 80);
    return (struct flow_key){here.address, lan_address(remote), here.port, port};
}

static void test_what_is_kept(void **state)
{
    (void)state;
    struct lan *lan = begin();
    struct flow_key key = key_to("2001:db8::9", 7);
    struct segment segment = {.seq = {5},
                              .ack = {6},
                              .wnd = 7,
                              .flags = TCP_SYN | TCP_ACK,
                              .options = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED |
                                         TCP_OPT_TIMESTAMPS,
                              .mss = 1234,
                              .wscale = 9,
                              .ts_val = 10,
                              .ts_ecr = 11};
    struct tcb_settings set = {.hop_limit = 3, .traffic_class = 8};
    struct reply_from from = {.key = &key, .set = &set};
    struct reply reply;
    struct segment again;
    reply_push(lan->host[0], &from, &segment);
    assert_int_equal(hawser_next_deadline(lan->host[0]), 0);
    assert_true(reply_pop(lan->host[0], 0, &reply));
    assert_int_equal(reply.hop_limit, 3);
    assert_int_equal(reply.traffic_class, 8);
    reply_segment(&reply, &again);
    segment.len = 1;
    segment.src_port = 80;
    segment.dst_port = 7;
    assert_memory_equal(&again, &segment, sizeof segment);
    assert_false(reply_pop(lan->host[0], 0, &reply));
    assert_true(hawser_next_deadline(lan->host[0]) > 0);
    from.set = NULL;
    reply_push(lan->host[0], &from, &segment);
    assert_true(reply_pop(lan->host[0], 0, &reply));
    assert_int_equal(reply.hop_limit, 64);
    assert_int_equal(reply.traffic_class, 0);
    end(lan);
}

/* Resets for whoever knocks: in order, a bounded number between two outputs, counted beyond.
 * EVIDENCE 9293-3.10.7.1-2 9293-3.10.7.1-3 */
static void test_order_and_bound(void **state)
{
    (void)state;
    struct lan *lan = begin();
    struct hawser_host *host = lan->host[0];
    struct segment segment = {.flags = TCP_RST};
    for (uint16_t i = 0; i < REPLIES_MAX + 50; i++) {
        struct flow_key key = key_to("198.18.0.9", i);
        struct reply_from from = {.key = &key};
        reply_push(host, &from, &segment);
    }
    assert_int_equal(hawser_counters_of(host)->dropped[HAWSER_DROP_RATE], 50);
    for (uint16_t i = 0; i < REPLIES_MAX; i++) {
        struct reply reply;
        assert_true(reply_pop(host, 0, &reply));
        assert_int_equal(reply.key.rport, i);
    }
    struct forged peer = {.from = lan_end("198.18.0.9", 5),
                          .to = lan_end_of(0, false, 99),
                          .flags = TCP_SYN,
                          .seq = 100};
    lan_forge(lan, &peer);
    assert_int_equal(lan_last(lan)->flags, TCP_RST | TCP_ACK);
    assert_int_equal(lan_last(lan)->ack.v, 101);
    peer.flags = TCP_ACK;
    peer.ack = 77;
    lan_forge(lan, &peer);
    assert_int_equal(lan_last(lan)->flags, TCP_RST);
    assert_int_equal(lan_last(lan)->seq.v, 77);
    assert_int_equal(hawser_counters_of(host)->resets_out, 2);
    assert_int_equal(lan_count_drop(lan, 0, HAWSER_DROP_CLOSED_PORT), 2);
    uint32_t sent = lan->sent_count;
    peer.flags = TCP_RST;
    lan_forge(lan, &peer);
    assert_int_equal(lan->sent_count, sent); /* RFC9293 3.10.7.1-1 */
    end(lan);
}

/* Nobody to send it to: lost and counted. A way that went stale between the two is found again. */
static void test_ways(void **state)
{
    (void)state;
    struct lan *lan = begin();
    struct hawser_host *host = lan->host[0];
    struct flow_key far = key_to("192.0.2.9", 7);
    struct segment segment = {.flags = TCP_RST};
    struct reply_from from = {.key = &far};
    reply_push(host, &from, &segment);
    assert_int_equal(hawser_counters_of(host)->dropped[HAWSER_DROP_NO_ROUTE], 1);
    assert_int_equal(hawser_route_add(host, &far.raddr, 24, NULL, 0, 0), 0);
    for (unsigned i = 0; i < 2; i++) {
        reply_push(host, &from, &segment);
        assert_int_equal(hawser_route_add(host, &far.raddr, 32, NULL, 0, 0), 0);
        if (i == 1) {
            assert_int_equal(hawser_route_remove(host, &far.raddr, 24, 0), 0);
            assert_int_equal(hawser_route_remove(host, &far.raddr, 32, 0), 0);
        }
        lan_settle(lan);
        assert_int_equal(lan->sent_count, 1);
        assert_int_equal(hawser_counters_of(host)->dropped[HAWSER_DROP_NO_ROUTE], i == 0 ? 1 : 2);
        if (i == 0)
            assert_int_equal(hawser_route_remove(host, &far.raddr, 32, 0), 0);
    }
    end(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_order_and_bound),
        cmocka_unit_test(test_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
