/* SPDX-License-Identifier: MIT */
/* ICMP errors: whose they are, what is believed (of icmp_error.c in tcp/, too), path MTUs. */
#include <stdlib.h>

#include "lan.h"
#include "wire/icmp.h"

static struct lan *begin(uint32_t mtu)
{
    struct lan *lan = malloc(sizeof *lan);
    lan_init(lan, &(struct lan_setup){.alone = true, .mtu = mtu});
    return lan;
}

static void end(struct lan *lan)
{
    lan_deinit(lan);
    free(lan);
}

/* An error from a router about a segment of host 0 with this number. */
static void forge_error(struct lan *lan, struct hawser_endpoint ours, struct hawser_endpoint theirs,
                        uint32_t seq, uint32_t total_len, uint8_t type, uint8_t code, uint32_t info)
{
    uint8_t quote[60], packet[200];
    bool v6 = !address_is_v4(&ours.address);
    struct hawser_address router = lan_address(v6 ? "2001:db8::99" : "198.18.0.99");
    uint32_t header = v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
    memset(quote, 0, sizeof quote);
    ip_emit(&(struct ip_emit){.src = &ours.address,
                              .dst = &theirs.address,
                              .payload_len = total_len - header,
                              .protocol = IP_PROTO_TCP,
                              .dont_fragment = true,
                              .hop_limit = 60},
            quote);
    uint8_t *tcp = quote + header;
    tcp[0] = (uint8_t)(ours.port >> 8);
    tcp[1] = (uint8_t)ours.port;
    tcp[2] = (uint8_t)(theirs.port >> 8);
    tcp[3] = (uint8_t)theirs.port;
    for (unsigned i = 0; i < 4; i++)
        tcp[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
    uint32_t length = icmp_emit_error(v6, &router, &ours.address, type, code, info, quote,
                                      header + 20, packet + header);
    ip_emit(&(struct ip_emit){.src = &router,
                              .dst = &ours.address,
                              .payload_len = length,
                              .protocol = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
                              .hop_limit = 60},
            packet);
    struct hawser_frame frame = {.data = packet, .length = header + length};
    hawser_input(lan->host[0], 0, lan->now_ns, &frame, 1);
    lan_settle(lan);
}

/* One octet is outstanding: the SYN, or behind it a text of one. Another connection goes on beside
 * it. */
struct open_end {
    struct lan *lan;
    hawser_tcp tcp, bystander;
    struct hawser_tcp_info info;
};

static void open_end(struct open_end *out, bool v6, bool synchronized)
{
    struct lan *lan = out->lan = begin(1500);
    struct hawser_endpoint there = lan_end(v6 ? "2001:db8::9" : "198.18.0.9", 80);
    out->tcp = lan_open(lan, 0, there);
    lan_settle(lan);
    out->bystander = lan_open(lan, 0, there);
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, out->tcp, &out->info), 0);
    if (!synchronized)
        return;
    lan_forge(lan, &(struct forged){.from = there,
                                    .to = out->info.local,
                                    .flags = TCP_SYN | TCP_ACK,
                                    .seq = 1,
                                    .ack = out->info.iss + 1,
                                    .wnd = 65535});
    assert_int_equal(hawser_send(lan->host[0], out->tcp, "x", 1, 0), 1);
    lan_settle(lan);
    assert_int_equal(hawser_status(lan->host[0], lan->now_ns, out->tcp, &out->info), 0);
    assert_int_equal(out->info.state, HAWSER_ESTABLISHED);
}

/* EVIDENCE 9293-MUST-54 9293-MUST-55 9293-MUST-56 5927-01 5927-02 5927-03 5927-04 1122-07 1122-08
 * 9293-SHLD-25 9293-SHLD-26 */
static void test_errors_for_an_open(void **state)
{
    (void)state;
    static const struct {
        bool v6;
        uint8_t type, code;
        int error;
        bool hard;
    } rows[] = {
        {false, 3, 0, HAWSER_ERR_NET_UNREACHABLE, false},
        {false, 3, 1, HAWSER_ERR_HOST_UNREACHABLE, false},
        {false, 3, 2, HAWSER_ERR_PROTOCOL_UNREACHABLE, true},
        {false, 3, 3, HAWSER_ERR_REFUSED, true},
        {false, 3, 13, HAWSER_ERR_HOST_UNREACHABLE, false},
        {false, 11, 0, HAWSER_ERR_HOST_UNREACHABLE, false},
        {false, 12, 0, HAWSER_ERR_PARAMETER_PROBLEM, false},
        {false, 3, 5, HAWSER_ERR_NET_UNREACHABLE, false},
        {false, 4, 0, 0, false}, /* source quench */
        {true, 1, 0, HAWSER_ERR_NET_UNREACHABLE, false},
        {true, 1, 1, HAWSER_ERR_HOST_UNREACHABLE, true},
        {true, 1, 3, HAWSER_ERR_HOST_UNREACHABLE, false},
        {true, 1, 4, HAWSER_ERR_REFUSED, true},
        {true, 3, 0, HAWSER_ERR_HOST_UNREACHABLE, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int synchronized = 0; synchronized < 2; synchronized++) {
            for (int off = -1; off <= 1; off++) { /* the quoted number: SND.UNA and one outside */
                struct open_end end_of;
                struct hawser_tcp_info info;
                open_end(&end_of, rows[i].v6, synchronized);
                struct lan *lan = end_of.lan;
                forge_error(lan, end_of.info.local, end_of.info.remote,
                            end_of.info.snd_una + (uint32_t)off, 60, rows[i].type, rows[i].code, 0);
                assert_int_equal(hawser_status(lan->host[0], lan->now_ns, end_of.tcp, &info), 0);
                bool ends = rows[i].hard && off == 0 && !synchronized;
                int error = off == 0 ? rows[i].error : 0;
                assert_int_equal(info.state, ends ? HAWSER_CLOSED : end_of.info.state);
                assert_int_equal(info.error, ends ? error : 0);
                assert_int_equal(hawser_take_soft_error(lan->host[0], end_of.tcp),
                                 ends ? 0 : error);
                if (!ends)
                    assert_int_equal(info.cwnd_bytes, end_of.info.cwnd_bytes);
                assert_int_equal(lan_state(lan, 0, end_of.bystander), HAWSER_SYN_SENT);
                assert_int_equal(hawser_take_soft_error(lan->host[0], end_of.bystander), 0);
                end(lan);
            }
        }
    }
}

/* EVIDENCE 1191-01 8201-02 8201-04 */
static void test_path_mtu(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct lan *lan = begin(1500);
        static uint8_t much[4000];
        struct hawser_endpoint here = lan_end_of(0, v6, 80);
        struct hawser_endpoint there[2] = {lan_end(v6 ? "2001:db8::9" : "198.18.0.9", 7),
                                           lan_end(v6 ? "2001:db8::9" : "198.18.0.9", 8)};
        hawser_tcp listener = lan_listen(lan, 0, 80), tcp[2];
        uint32_t header = v6 ? 40 : 20;
        struct hawser_tcp_info info;
        for (unsigned i = 0; i < 2; i++) {
            struct forged syn = {.from = there[i],
                                 .to = here,
                                 .flags = TCP_SYN,
                                 .seq = 1,
                                 .wnd = 65535,
                                 .options = TCP_OPT_MSS,
                                 .mss = 1460};
            lan_forge(lan, &syn);
            syn.flags = TCP_ACK;
            syn.seq = 2;
            syn.ack = lan_last(lan)->seq.v + 1;
            syn.options = 0;
            lan_forge(lan, &syn);
            assert_int_equal(hawser_accept(lan->host[0], listener, &tcp[i]), 0);
        }
        assert_int_equal(hawser_send(lan->host[0], tcp[0], much, sizeof much, 0), sizeof much);
        lan_settle(lan);
        assert_int_equal(lan_last(lan)->flags & TCP_ACK, TCP_ACK);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp[0], &info), 0);
        assert_int_equal(info.send_mss_bytes, 1480 - header);
        uint8_t type = v6 ? 2 : 3, code = v6 ? 0 : 4;
        /* About nothing that was sent: ignored (RFC 5927 7). */
        forge_error(lan, here, there[0], info.snd_nxt + 5, 1500, type, code, 1300);
        forge_error(lan, here, there[1], info.snd_una, 1500, type, code, 1300);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp[0], &info), 0);
        assert_int_equal(info.path_mtu_bytes, 1500);
        uint32_t sent = lan->sent_count;
        forge_error(lan, here, there[0], info.snd_una, 1500, type, code, 1300);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp[0], &info), 0);
        assert_int_equal(info.path_mtu_bytes, 1300);
        assert_int_equal(info.send_mss_bytes, 1280 - header);
        assert_true(lan->sent_count > sent); /* sent again at once, in the new size */
        assert_int_equal(lan->sent[sent].seq.v, info.snd_una);
        assert_int_equal(lan->sent[sent].text_len, 1280 - header);
        assert_int_equal(hawser_counters_of(lan->host[0])->path_mtu_lowered, 1);
        /* The other connection to that host learns of it when it sends. */
        assert_int_equal(hawser_send(lan->host[0], tcp[1], much, sizeof much, 0), sizeof much);
        sent = lan->sent_count;
        lan_settle(lan);
        assert_int_equal(lan->sent[sent].text_len, 1280 - header);
        /* It grows again when what was learnt is forgotten. */
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(hawser_abort(lan->host[0], tcp[i]), 0);
        lan_run(lan, 700 * NS_PER_S);
        lan_forge_handshake(lan, there[0], here, 1);
        assert_int_equal(hawser_accept(lan->host[0], listener, &tcp[0]), 0);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp[0], &info), 0);
        assert_int_equal(info.path_mtu_bytes, 1500);
        end(lan);
    }
}

/* The path gets narrower while a handshake is not complete, and the SYN-ACK is sent again before it
 * is: the connection that comes of it knows. */
static void test_path_mtu_while_opening(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct lan *lan = begin(1500);
        static uint8_t much[4000];
        struct hawser_endpoint here = lan_end_of(0, v6, 80);
        struct hawser_endpoint there[2] = {lan_end(v6 ? "2001:db8::9" : "198.18.0.9", 7),
                                           lan_end(v6 ? "2001:db8::9" : "198.18.0.9", 8)};
        hawser_tcp listener = lan_listen(lan, 0, 80), tcp[2];
        struct hawser_tcp_info info;
        struct forged late = {.from = there[1],
                              .to = here,
                              .flags = TCP_SYN,
                              .seq = 1,
                              .wnd = 65535,
                              .options = TCP_OPT_MSS,
                              .mss = 1460};
        lan_forge_handshake(lan, there[0], here, 1);
        assert_int_equal(hawser_accept(lan->host[0], listener, &tcp[0]), 0);
        lan_forge(lan, &late);
        uint32_t iss = lan_last(lan)->seq.v;
        assert_int_equal(hawser_send(lan->host[0], tcp[0], much, sizeof much, 0), sizeof much);
        lan_settle(lan);
        assert_int_equal(hawser_status(lan->host[0], lan->now_ns, tcp[0], &info), 0);
        forge_error(lan, here, there[0], info.snd_una, 1500, v6 ? 2 : 3, v6 ? 0 : 4, 1300);
        assert_int_equal(hawser_abort(lan->host[0], tcp[0]), 0);
        lan_run(lan, 3 * NS_PER_S / 2);
        late.flags = TCP_ACK;
        late.seq = 2;
        late.ack = iss + 1;
        late.options = 0;
        lan_forge(lan, &late);
        assert_int_equal(hawser_accept(lan->host[0], listener, &tcp[1]), 0);
        assert_int_equal(hawser_send(lan->host[0], tcp[1], much, sizeof much, 0), sizeof much);
        uint32_t sent = lan->sent_count;
        lan_settle(lan);
        assert_true(lan->sent_count > sent);
        assert_int_equal(lan->sent[sent].text_len, 1300 - 20 - (v6 ? 40 : 20));
        end(lan);
    }
}

/* A request believes only what quotes its SYN-ACK; a record nothing. */
static void test_errors_for_requests_and_records(void **state)
{
    (void)state;
    struct lan *lan = begin(1500);
    struct hawser_endpoint here = lan_end_of(0, false, 80), there = lan_end("198.18.0.9", 7);
    struct hawser_usage usage;
    hawser_tcp listener = lan_listen(lan, 0, 80), tcp;
    struct forged peer = {.from = there, .to = here, .flags = TCP_SYN, .seq = 1, .wnd = 9};
    lan_forge(lan, &peer);
    uint32_t iss = lan_last(lan)->seq.v;
    forge_error(lan, here, there, iss + 1, 60, 3, 3, 0);
    forge_error(lan, here, there, iss, 60, 3, 1, 0);
    forge_error(lan, here, there, iss, 60, 3, 4, 600);
    hawser_usage_of(lan->host[0], &usage);
    assert_int_equal(usage.halfopens, 1);
    forge_error(lan, here, there, iss, 60, 3, 3, 0);
    hawser_usage_of(lan->host[0], &usage);
    assert_int_equal(usage.halfopens, 0);
    peer = lan_forge_handshake(lan, there, here, 1);
    assert_int_equal(hawser_accept(lan->host[0], listener, &tcp), 0);
    assert_int_equal(hawser_close(lan->host[0], tcp), 0);
    lan_settle(lan);
    peer.flags = TCP_FIN | TCP_ACK;
    peer.ack++;
    lan_forge(lan, &peer);
    uint64_t dropped = hawser_counters_of(lan->host[0])->dropped[HAWSER_DROP_ICMP];
    forge_error(lan, here, there, peer.ack - 1, 60, 3, 3, 0);
    hawser_usage_of(lan->host[0], &usage);
    assert_int_equal(usage.timewaits, 1);
    assert_int_equal(hawser_counters_of(lan->host[0])->dropped[HAWSER_DROP_ICMP], dropped + 1);
    end(lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_for_an_open),
        cmocka_unit_test(test_path_mtu),
        cmocka_unit_test(test_path_mtu_while_opening),
        cmocka_unit_test(test_errors_for_requests_and_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
