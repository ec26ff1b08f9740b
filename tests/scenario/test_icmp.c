/* SPDX-License-Identifier: MIT */
/* ICMP errors and impossible addresses: whom a message is for, what is believed of it, and what it
 * does (RFC 9293 3.9.2.2 and 3.9.2.3, RFC 1122 3.2.1 and 3.2.2, RFC 5927). */
#include "scenario/forge.h"

#include <stdlib.h>

static const bool families[] = {false, true};

/* What a message is to a connection. */
struct error_row {
    bool v6;
    uint8_t type, code;
    int error; /* 0: nothing */
    bool hard; /* ends what is not synchronized */
};

static const struct error_row errors[] = {
    {false, 3, 0, HAWSER_ERR_NET_UNREACHABLE, false},
    {false, 3, 1, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 3, 2, HAWSER_ERR_PROTOCOL_UNREACHABLE, true},
    {false, 3, 3, HAWSER_ERR_REFUSED, true},
    {false, 3, 5, HAWSER_ERR_NET_UNREACHABLE, false},
    {false, 3, 6, HAWSER_ERR_NET_UNREACHABLE, false},
    {false, 3, 7, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 3, 9, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 3, 10, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 3, 11, HAWSER_ERR_NET_UNREACHABLE, false},
    {false, 3, 12, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 3, 13, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 11, 0, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 11, 1, HAWSER_ERR_HOST_UNREACHABLE, false},
    {false, 12, 0, HAWSER_ERR_PARAMETER_PROBLEM, false},
    {false, 12, 1, HAWSER_ERR_PARAMETER_PROBLEM, false},
    {true, 1, 0, HAWSER_ERR_NET_UNREACHABLE, false},
    {true, 1, 1, HAWSER_ERR_HOST_UNREACHABLE, true},
    {true, 1, 2, HAWSER_ERR_HOST_UNREACHABLE, false},
    {true, 1, 3, HAWSER_ERR_HOST_UNREACHABLE, false},
    {true, 1, 4, HAWSER_ERR_REFUSED, true},
    {true, 3, 0, HAWSER_ERR_HOST_UNREACHABLE, false},
    {true, 3, 1, HAWSER_ERR_HOST_UNREACHABLE, false},
    {true, 4, 0, HAWSER_ERR_PARAMETER_PROBLEM, false},
    {true, 4, 1, HAWSER_ERR_PROTOCOL_UNREACHABLE, true},
    {true, 4, 2, HAWSER_ERR_PARAMETER_PROBLEM, false},
};

static struct forged message_of(const struct error_row *row, seq_t seq)
{
    return (struct forged){.type = row->type, .code = row->code, .seq = seq};
}

static void inject_error(struct peer *p, const struct error_row *row, uint32_t relative)
{
    struct forged message = message_of(row, seq_add(p->host_isn, relative));
    forge_icmp(p, &message);
}

/* Told once, as an event and as an error to take; the status shows it until then. */
static void check_soft_error(struct peer *p, int error)
{
    assert_int_equal(peer_info(p).soft_error, error);
    assert_int_equal(peer_events(p, p->tcp), error != 0 ? HAWSER_EVENT_SOFT_ERROR : 0);
    assert_int_equal(hawser_take_soft_error(p->host, p->tcp), error);
    assert_int_equal(hawser_take_soft_error(p->host, p->tcp), 0);
    assert_int_equal(peer_info(p).soft_error, 0);
}

/* Every error, the hard ones too, is a hint about an established connection: it is told, and both
 * streams go on as before.
 * EVIDENCE 9293-MUST-47 9293-MUST-56 9293-SHLD-25 1122-08 5927-02 */
static void an_established_connection_lives_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(errors); i++) {
        struct peer p;
        peer_start(&p, errors[i].v6, NULL);
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 100);
        peer_out(&p, P | A, 1, 1, 100);
        struct hawser_tcp_info before = peer_info(&p);
        inject_error(&p, &errors[i], 1);
        peer_quiet(&p);
        check_soft_error(&p, errors[i].error);
        struct hawser_tcp_info after = peer_info(&p);
        assert_int_equal(after.state, HAWSER_ESTABLISHED);
        assert_int_equal(after.error, 0);
        assert_int_equal(after.cwnd_bytes, before.cwnd_bytes);
        assert_int_equal(after.timer_ns, before.timer_ns);
        peer_in(&p, A, 1, 101, 50);
        peer_read(&p, 50);
        peer_write(&p, 10);
        peer_out(&p, P | A, 101, 51, 10);
        peer_end(&p);
    }
}

/* EVIDENCE 5927-02 9293-SHLD-26 */
static void errors_end_no_synchronized_state(void **state)
{
    (void)state;
    static const enum hawser_state states[] = {HAWSER_FIN_WAIT_1, HAWSER_FIN_WAIT_2,
                                               HAWSER_CLOSE_WAIT, HAWSER_CLOSING,
                                               HAWSER_LAST_ACK,   HAWSER_TIME_WAIT};
    for (unsigned i = 0; i < COUNT_OF(errors); i++) {
        for (unsigned s = 0; s < COUNT_OF(states); s++) {
            struct peer p;
            peer_start(&p, errors[i].v6, NULL);
            peer_accept(&p, PEER_MSS);
            peer_to_state(&p, states[s]);
            struct hawser_tcp_info info = peer_info(&p);
            bool outstanding = info.snd_una != info.snd_nxt;
            inject_error(&p, &errors[i], info.snd_nxt - 1 - p.host_isn.v);
            peer_quiet(&p);
            assert_int_equal(peer_tuple_state(&p), states[s]);
            assert_int_equal(peer_info(&p).soft_error, outstanding ? errors[i].error : 0);
            assert_int_equal(peer_info(&p).error, 0);
            peer_end(&p);
        }
    }
}

/* EVIDENCE 9293-SHLD-26 9293-MUST-56 1122-07 1122-08 5927-03 */
static void an_open_ends_by_hard_errors_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(errors); i++) {
        struct peer p;
        peer_start(&p, errors[i].v6, NULL);
        peer_open(&p);
        peer_out(&p, S, 0, 0, 0);
        inject_error(&p, &errors[i], 0);
        peer_quiet(&p);
        if (errors[i].hard) {
            assert_int_equal(peer_info(&p).state, HAWSER_CLOSED);
            assert_int_equal(peer_info(&p).error, errors[i].error);
            assert_int_equal(peer_events(&p, p.tcp), HAWSER_EVENT_ERROR);
            peer_read_gives(&p, errors[i].error);
            assert_int_equal(peer_tuple_state(&p), HAWSER_CLOSED);
            peer_pass(&p, 300 * NS_PER_S);
            peer_quiet(&p); /* no SYN follows */
        } else {
            assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
            check_soft_error(&p, errors[i].error);
            struct segment answer = peer_syn_options(&p, PEER_MSS);
            answer.flags = S | A;
            answer.ack = seq_add(p.host_isn, 1);
            peer_inject(&p, &answer);
            peer_out(&p, A, 1, 1, 0);
            assert_int_equal(peer_state(&p), HAWSER_ESTABLISHED);
        }
        peer_end(&p);
    }
}

/* A half-open request: a hard error about its SYN-ACK ends it, and the listener is told nothing.
 * EVIDENCE 5927-01 5927-03 9293-MUST-56 */
static void half_open_requests(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(errors); i++) {
        struct peer p;
        peer_start(&p, errors[i].v6, NULL);
        peer_listen(&p, 4);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        inject_error(&p, &errors[i], 1);
        inject_error(&p, &errors[i], UINT32_MAX);
        assert_int_equal(peer_tuple_state(&p), HAWSER_SYN_RECEIVED); /* never sent that */
        inject_error(&p, &errors[i], 0);
        peer_quiet(&p);
        bool ends = errors[i].hard;
        assert_int_equal(peer_tuple_state(&p), ends ? HAWSER_CLOSED : HAWSER_SYN_RECEIVED);
        assert_int_equal(peer_events(&p, p.listener), 0);
        if (!ends) {
            peer_in(&p, A, 1, 1, 0);
            assert_int_equal(hawser_accept(p.host, p.listener, &p.tcp), 0);
        }
        peer_end(&p);
    }
}

/* SYN-RECEIVED of a simultaneous open is a connection that a program waits for.
 * EVIDENCE 5927-03 9293-SHLD-26 */
static void a_simultaneous_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(errors); i++) {
        struct peer p;
        peer_start(&p, errors[i].v6, NULL);
        peer_open(&p);
        peer_out(&p, S, 0, 0, 0);
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out(&p, S | A, 0, 1, 0);
        inject_error(&p, &errors[i], 0);
        peer_quiet(&p);
        bool ends = errors[i].hard;
        assert_int_equal(peer_state(&p), ends ? HAWSER_CLOSED : HAWSER_SYN_RECEIVED);
        assert_int_equal(peer_info(&p).error, ends ? errors[i].error : 0);
        assert_int_equal(peer_info(&p).soft_error, ends ? 0 : errors[i].error);
        peer_end(&p);
    }
}

/* Of SND.UNA = 101 and SND.NXT = 301. EVIDENCE 5927-01 8201-02 */
static void the_quoted_number_must_be_outstanding(void **state)
{
    (void)state;
    static const struct {
        uint32_t relative;
        bool believed;
    } numbers[] = {{100, false}, {101, true},       {300, true},        {301, false},
                   {0, false},   {1u << 31, false}, {UINT32_MAX, false}};
    for (unsigned i = 0; i < COUNT_OF(errors) + 2; i++) {
        bool too_big = i >= COUNT_OF(errors);
        struct error_row row = too_big ? (struct error_row){.v6 = i % 2} : errors[i];
        if (too_big)
            row.type = row.v6 ? 2 : 3, row.code = row.v6 ? 0 : 4;
        for (unsigned n = 0; n < COUNT_OF(numbers); n++) {
            struct peer p;
            peer_start(&p, row.v6, NULL);
            peer_accept(&p, PEER_MSS);
            peer_write(&p, 100);
            peer_write(&p, 200);
            peer_in(&p, A, 1, 101, 0);
            peer_drop_out(&p);
            peer_events(&p, p.tcp);
            assert_int_equal(peer_info(&p).snd_nxt, p.host_isn.v + 301);
            struct forged message = message_of(&row, seq_add(p.host_isn, numbers[n].relative));
            message.info = 1300;
            forge_icmp(&p, &message);
            bool believed = numbers[n].believed;
            assert_int_equal(peer_info(&p).path_mtu_bytes, too_big && believed ? 1300 : 1500);
            check_soft_error(&p, believed ? row.error : 0);
            assert_int_equal(hawser_counters_of(p.host)->dropped[HAWSER_DROP_ICMP], !believed);
            peer_drop_out(&p);
            peer_end(&p);
        }
    }
}

/* An open that ends in a timeout ends with what the network said of it, however early that was; a
 * connection with what was said since it last made progress. EVIDENCE 9293-SHLD-25 */
static void the_cause_at_the_final_timeout(void **state)
{
    (void)state;
    static const struct error_row exceeded[] = {{false, 11, 0, HAWSER_ERR_HOST_UNREACHABLE, false},
                                                {true, 1, 0, HAWSER_ERR_NET_UNREACHABLE, false}};
    for (unsigned i = 0; i < COUNT_OF(exceeded); i++) {
        for (unsigned progress = 0; progress < 2; progress++) {
            struct peer p;
            peer_start(&p, exceeded[i].v6, NULL);
            peer_accept(&p, PEER_MSS);
            peer_write(&p, 100);
            inject_error(&p, &exceeded[i], 1);
            check_soft_error(&p, exceeded[i].error);
            if (progress) {
                peer_in(&p, A, 1, 101, 0);
                peer_write(&p, 100);
            }
            peer_pass(&p, 3600 * NS_PER_S);
            peer_drop_out(&p);
            assert_int_equal(peer_info(&p).state, HAWSER_CLOSED);
            assert_int_equal(peer_info(&p).error,
                             progress ? HAWSER_ERR_TIMED_OUT : exceeded[i].error);
            peer_end(&p);
        }
        struct peer p;
        peer_start(&p, exceeded[i].v6, NULL);
        peer_open(&p);
        inject_error(&p, &exceeded[i], 0);
        peer_pass(&p, 3600 * NS_PER_S);
        peer_drop_out(&p);
        assert_int_equal(peer_info(&p).error, exceeded[i].error);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-55 5927-04 */
static void source_quench_changes_nothing(void **state)
{
    (void)state;
    struct peer p;
    peer_start(&p, false, NULL);
    peer_accept(&p, PEER_MSS);
    peer_write(&p, 20000);
    peer_drop_out(&p);
    struct hawser_tcp_info before = peer_info(&p);
    struct forged quench = {.type = 4, .seq = seq_add(p.host_isn, 1)};
    for (unsigned i = 0; i < 20; i++)
        forge_icmp(&p, &quench);
    peer_quiet(&p);
    struct hawser_tcp_info after = peer_info(&p);
    assert_memory_equal(&before, &after, sizeof before);
    check_soft_error(&p, 0);
    assert_int_equal(hawser_counters_of(p.host)->dropped[HAWSER_DROP_ICMP], 20);
    peer_in(&p, A, 1, 1 + 14600, 0); /* and the rate is what it was */
    assert_int_equal(peer_pending(&p), 4);
    peer_drop_out(&p);
    peer_end(&p);
}

/* Two connections that differ in one port; only the one that is quoted hears of it.
 * EVIDENCE 9293-MUST-54 8201-02 */
static void only_the_quoted_connection_reacts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_accept(&p, PEER_MSS);
        hawser_tcp first = p.tcp;
        seq_t first_isn = p.host_isn;
        assert_int_equal(hawser_send(p.host, first, "abc", 3, 0), 3);
        peer_drop_out(&p);
        p.peer_port++;
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 3);
        peer_drop_out(&p);
        struct error_row row = {families[i], families[i] ? 1 : 3, families[i] ? 4 : 3, 0, true};
        struct forged message = message_of(&row, seq_add(first_isn, 1));
        message.dst_port = PEER_PORT;
        forge_icmp(&p, &message);
        assert_int_equal(peer_events(&p, first), HAWSER_EVENT_SOFT_ERROR);
        assert_int_equal(hawser_take_soft_error(p.host, first), HAWSER_ERR_REFUSED);
        check_soft_error(&p, 0);
        message.seq = seq_add(p.host_isn, 1);
        message.dst_port = p.peer_port;
        forge_icmp(&p, &message);
        assert_int_equal(hawser_take_soft_error(p.host, first), 0);
        check_soft_error(&p, HAWSER_ERR_REFUSED);
        peer_end(&p);
    }
}

/* What quotes almost a connection of ours: one part of the 4-tuple is wrong, or the message came to
 * another address than it quotes. EVIDENCE 9293-MUST-54 8201-02 1122-05 */
static void quotes_of_nobody(void **state)
{
    (void)state;
    for (unsigned family = 0; family < COUNT_OF(families); family++) {
        bool v6 = families[family];
        struct hawser_address second = forge_address(v6 ? "2001:db8::2" : "198.18.0.2");
        struct hawser_address other = forge_address(v6 ? "2001:db8::a" : "198.18.0.10");
        for (unsigned i = 0; i < 14; i++) {
            struct peer p;
            peer_start(&p, v6, NULL);
            peer_open(&p);
            peer_out(&p, S, 0, 0, 0);
            struct forged m = {.type = v6 ? 1 : 3, .code = v6 ? 4 : 3, .seq = p.host_isn};
            if (i % 2)
                m.type = v6 ? 2 : 3, m.code = v6 ? 0 : 4, m.info = 1300;
            switch (i / 2) {
            case 0:
                m.src_port = (uint16_t)(p.host_port + 1);
                break;
            case 1:
                m.dst_port = (uint16_t)(p.peer_port + 1);
                break;
            case 2:
                m.dst = other;
                break;
            case 3:
                m.src = second;
                break;
            case 4:
                m.to = second;
                break;
            case 5:
                m.protocol = 17;
                break; /* UDP with the same ports */
            case 6:
                m.src = p.peer_address, m.dst = m.to = p.host_address;
                break;
            }
            forge_icmp(&p, &m);
            peer_quiet(&p);
            assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
            assert_int_equal(peer_info(&p).path_mtu_bytes, 1500);
            assert_int_equal(hawser_counters_of(p.host)->path_mtu_lowered, 0);
            assert_int_equal(hawser_counters_of(p.host)->dropped[HAWSER_DROP_ICMP], 1);
            assert_int_equal(hawser_counters_of(p.host)->icmp_out, 0);
            check_soft_error(&p, 0);
            peer_end(&p);
        }
    }
}

/* EVIDENCE 1122-04 */
static void unknown_types_are_discarded(void **state)
{
    (void)state;
    static const uint8_t types_v4[] = {1, 2, 5, 6, 7, 9, 10, 13, 14, 15, 17, 40, 200, 255};
    static const uint8_t types_v6[] = {5, 99, 100, 126, 130, 138, 200, 254};
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        bool v6 = families[i];
        struct peer p;
        peer_start(&p, v6, NULL);
        peer_open(&p);
        peer_out(&p, S, 0, 0, 0);
        unsigned count = v6 ? COUNT_OF(types_v6) : COUNT_OF(types_v4);
        for (unsigned t = 0; t < count; t++) {
            struct forged m = {.type = v6 ? types_v6[t] : types_v4[t], .seq = p.host_isn};
            forge_icmp(&p, &m);
        }
        peer_quiet(&p);
        assert_int_equal(p.not_tcp, 0);
        assert_int_equal(peer_state(&p), HAWSER_SYN_SENT);
        assert_int_equal(hawser_counters_of(p.host)->dropped[HAWSER_DROP_ICMP], count);
        check_soft_error(&p, 0);
        peer_end(&p);
    }
}

/* Of the quoted segment 8 octets must be there: ports and sequence number (RFC 792). What is
 * shorter is ignored, and nothing is read behind its end. EVIDENCE 5927-07 */
static void truncated_quotes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        bool v6 = families[i];
        uint32_t quote = (v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + 20;
        for (uint32_t cut = 0; cut <= quote; cut++) {
            struct peer p;
            peer_start(&p, v6, NULL);
            peer_open(&p);
            peer_out(&p, S, 0, 0, 0);
            struct forged m = {
                .type = v6 ? 1 : 3, .code = v6 ? 4 : 3, .seq = p.host_isn, .cut_bytes = cut};
            forge_icmp(&p, &m);
            peer_quiet(&p);
            bool whole = cut <= 12;
            assert_int_equal(peer_info(&p).state, whole ? HAWSER_CLOSED : HAWSER_SYN_SENT);
            peer_end(&p);
        }
    }
}

/* ---- addresses ---- */

static void expect_nothing(struct peer *p, const struct hawser_address *src,
                           const struct hawser_address *dst)
{
    static const uint8_t flags[] = {S, A, R, S | A, F | A, P | A, 0};
    struct hawser_usage usage;
    for (unsigned i = 0; i < 2 * COUNT_OF(flags); i++) {
        struct segment seg = {.flags = flags[i / 2],
                              .seq = seq_of(5),
                              .ack = seq_of(flags[i / 2] & A ? 77 : 0),
                              .wnd = 1000,
                              .dst_port = i % 2 ? 81 : PEER_HOST_PORT};
        forge_segment(p, src, dst, &seg);
    }
    hawser_usage_of(p->host, &usage);
    assert_int_equal(usage.connections + usage.halfopens, 0);
    peer_quiet(p);
    assert_int_equal(p->not_tcp, 0); /* no ICMP error either */
}

/* EVIDENCE 9293-MUST-57 1122-06 */
static void segments_to_broadcast_and_multicast(void **state)
{
    (void)state;
    static const char *const v4[] = {"198.18.0.255", "198.18.0.0", "255.255.255.255", "224.0.0.1",
                                     "239.1.2.3",    "0.0.0.0",    "198.18.0.77"};
    static const char *const v6[] = {"ff02::1", "ff02::1:ff00:1", "ff0e::5", "::", "2001:db8::77"};
    for (unsigned family = 0; family < COUNT_OF(families); family++) {
        const char *const *list = families[family] ? v6 : v4;
        unsigned count = families[family] ? COUNT_OF(v6) : COUNT_OF(v4);
        struct peer p;
        peer_start(&p, families[family], NULL);
        peer_listen(&p, 4);
        for (unsigned i = 0; i < count; i++) {
            struct hawser_address to = forge_address(list[i]);
            expect_nothing(&p, &p.peer_address, &to);
        }
        assert_int_equal(hawser_counters_of(p.host)->icmp_out, 0);
        peer_accept(&p, PEER_MSS); /* the listener is as it was */
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-63 1122-11 */
static void segments_from_impossible_addresses(void **state)
{
    (void)state;
    static const char *const v4[] = {"0.0.0.0",      "255.255.255.255", "224.0.0.1", "239.9.9.9",
                                     "198.18.0.255", "127.0.0.1",       "127.9.9.9", "0.1.2.3",
                                     "198.18.0.1",   "198.18.0.2"};
    static const char *const v6[] = {"::",      "::1",         "ff02::1",
                                     "ff0e::1", "2001:db8::1", "2001:db8::2"};
    for (unsigned family = 0; family < COUNT_OF(families); family++) {
        const char *const *list = families[family] ? v6 : v4;
        unsigned count = families[family] ? COUNT_OF(v6) : COUNT_OF(v4);
        struct peer p;
        peer_start(&p, families[family], NULL);
        peer_listen(&p, 4);
        for (unsigned i = 0; i < count; i++) {
            struct hawser_address from = forge_address(list[i]);
            expect_nothing(&p, &from, &p.host_address);
            assert_true(p.drops[HAWSER_DROP_BAD_SOURCE] > 0);
        }
        assert_int_equal(p.drops[HAWSER_DROP_BAD_SOURCE], 14 * count);
        peer_accept(&p, PEER_MSS);
        peer_end(&p);
    }
}

/* EVIDENCE 9293-MUST-46 */
static void opens_to_impossible_addresses(void **state)
{
    (void)state;
    static const char *const list[] = {"255.255.255.255", "198.18.0.255", "224.0.0.1",
                                       "239.255.255.255", "0.0.0.1",      "ff02::1",
                                       "ff0e::99"};
    struct peer p;
    peer_start(&p, false, NULL);
    for (unsigned i = 0; i < COUNT_OF(list); i++) {
        struct hawser_open_options options = {.remote = {forge_address(list[i]), 80}};
        hawser_tcp tcp = 4711;
        assert_int_equal(hawser_open(p.host, p.now_ns, &options, &tcp), HAWSER_ERR_BAD_REMOTE);
        assert_int_equal(tcp, 4711);
    }
    struct hawser_open_options options = {.remote = {p.peer_address, 0}};
    assert_int_equal(hawser_open(p.host, p.now_ns, &options, &p.tcp), HAWSER_ERR_BAD_REMOTE);
    peer_pass(&p, 10 * NS_PER_S);
    peer_quiet(&p);
    struct hawser_usage usage;
    hawser_usage_of(p.host, &usage);
    assert_int_equal(usage.connections, 0);
    peer_end(&p);
}

/* What was sent comes from the address that was meant, whatever kind of segment it is.
 * EVIDENCE 1122-12 9293-MUST-45 */
static void answers_come_from_the_address_that_was_asked(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        p.host_address = forge_address(families[i] ? "2001:db8::2" : "198.18.0.2");
        p.host_port = 81;
        struct segment syn = peer_syn_options(&p, PEER_MSS);
        peer_inject(&p, &syn);
        peer_out_rst(&p, R | A, seq_of(0), seq_add(syn.seq, 1));
        p.host_port = PEER_HOST_PORT;
        peer_accept(&p, PEER_MSS);
        peer_write(&p, 10);
        peer_out(&p, P | A, 1, 1, 10);
        peer_pass_until_out(&p, 3 * NS_PER_S);
        peer_out(&p, P | A, 1, 1, 10);
        peer_in(&p, A, 1, 11, 0);
        peer_to_state(&p, HAWSER_TIME_WAIT);
        peer_in(&p, F | A, 1, 12, 0);
        peer_out(&p, A, 12, 2, 0);
        for (unsigned n = 0; n < p.out_count; n++)
            assert_memory_equal(&p.out[n].src, &p.host_address, sizeof p.host_address);
        assert_int_equal(p.out_count, 7);
        peer_end(&p);
    }
}

/* The stack leaves the traffic class of a connection as the program set it, from the handshake to
 * the last ACK. EVIDENCE 9293-SHLD-23 */
static void the_traffic_class_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(families); i++) {
        struct peer p;
        peer_start(&p, families[i], NULL);
        peer_listen(&p, 4);
        assert_int_equal(hawser_set_option(p.host, p.listener, HAWSER_OPTION_TRAFFIC_CLASS, 0xb8),
                         0);
        peer_accept(&p, PEER_ALL);
        peer_write(&p, 10000);
        peer_pass(&p, 2 * NS_PER_S); /* what was sent again */
        peer_in(&p, A, 1, 10001, 0);
        peer_in(&p, R, 5, 0, 0); /* a challenge ACK */
        peer_drop_out(&p);
        peer_to_state(&p, HAWSER_TIME_WAIT);
        assert_true(p.out_count > 10);
        for (unsigned n = 0; n < p.out_count; n++)
            assert_int_equal(p.out[n].traffic_class, 0xb8);
        peer_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_established_connection_lives_on),
        cmocka_unit_test(errors_end_no_synchronized_state),
        cmocka_unit_test(an_open_ends_by_hard_errors_only),
        cmocka_unit_test(half_open_requests),
        cmocka_unit_test(a_simultaneous_open),
        cmocka_unit_test(the_quoted_number_must_be_outstanding),
        cmocka_unit_test(the_cause_at_the_final_timeout),
        cmocka_unit_test(source_quench_changes_nothing),
        cmocka_unit_test(only_the_quoted_connection_reacts),
        cmocka_unit_test(quotes_of_nobody),
        cmocka_unit_test(unknown_types_are_discarded),
        cmocka_unit_test(truncated_quotes),
        cmocka_unit_test(segments_to_broadcast_and_multicast),
        cmocka_unit_test(segments_from_impossible_addresses),
        cmocka_unit_test(opens_to_impossible_addresses),
        cmocka_unit_test(answers_come_from_the_address_that_was_asked),
        cmocka_unit_test(the_traffic_class_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
