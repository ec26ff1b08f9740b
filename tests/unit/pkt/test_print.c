/* SPDX-License-Identifier: MIT */
/* What is printed parses to the same tree: print.c, print_packet.c. The trees are compared here
 * field by field, with nothing of the printer. */
#include <stdio.h>
#include <stdlib.h>

#include "support/unit.h"

#include "parse_text.h"
#include "pkt/print.h"

/* ---- trees ----------------------------------------------------------------------------------- */

static void same_text(const char *left, const char *right)
{
    assert_int_equal(left == NULL, right == NULL);
    if (left != NULL)
        assert_string_equal(left, right);
}

static void same_expr(const struct pkt_expr *left, const struct pkt_expr *right)
{
    assert_int_equal(left == NULL, right == NULL);
    if (left == NULL)
        return;
    assert_int_equal(left->kind, right->kind);
    assert_int_equal(left->number, right->number);
    assert_int_equal(left->hexadecimal, right->hexadecimal);
    assert_int_equal(left->followed_by_ellipsis, right->followed_by_ellipsis);
    assert_int_equal(left->length, right->length);
    if (left->kind == PKT_EXPR_STRING)
        assert_memory_equal(left->bytes, right->bytes, left->length);
    else
        same_text(left->text, right->text);
    same_expr(left->argument, right->argument);
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++)
        same_expr(left->items[i], right->items[i]);
}

static void same_ip(const struct pkt_ip_info *left, const struct pkt_ip_info *right)
{
    assert_int_equal(left->ecn, right->ecn);
    assert_int_equal(left->tos, right->tos);
    assert_int_equal(left->flow_label, right->flow_label);
    assert_int_equal(left->ttl, right->ttl);
}

static void same_option(const struct pkt_option *left, const struct pkt_option *right)
{
    assert_int_equal(left->kind, right->kind);
    assert_int_equal(left->value, right->value);
    assert_int_equal(left->ts_val, right->ts_val);
    assert_int_equal(left->ts_ecr, right->ts_ecr);
    assert_int_equal(left->count, right->count);
    assert_memory_equal(left->sack, right->sack, sizeof left->sack);
    assert_memory_equal(left->bytes, right->bytes, sizeof left->bytes);
    assert_memory_equal(left->counters, right->counters, sizeof left->counters);
}

static void same_packet(const struct pkt_packet *left, const struct pkt_packet *right)
{
    assert_int_equal(left->inbound, right->inbound);
    same_ip(&left->ip, &right->ip);
    assert_int_equal(left->encap_count, right->encap_count);
    for (size_t i = 0; i < left->encap_count; i++) {
        assert_int_equal(left->encaps[i].kind, right->encaps[i].kind);
        same_ip(&left->encaps[i].ip, &right->encaps[i].ip);
        assert_memory_equal(&left->encaps[i].source, &right->encaps[i].source, 32);
    }
    assert_int_equal(left->has_ports, right->has_ports);
    assert_int_equal(left->source_port, right->source_port);
    assert_int_equal(left->destination_port, right->destination_port);
    assert_int_equal(left->kind, right->kind);
    assert_int_equal(left->tcp.flags, right->tcp.flags);
    assert_int_equal(left->tcp.ace_digit, right->tcp.ace_digit);
    assert_int_equal(left->tcp.seq, right->tcp.seq);
    assert_int_equal(left->tcp.length, right->tcp.length);
    assert_int_equal(left->tcp.ack, right->tcp.ack);
    assert_int_equal(left->tcp.window, right->tcp.window);
    assert_int_equal(left->tcp.urgent, right->tcp.urgent);
    assert_int_equal(left->tcp.options_kind, right->tcp.options_kind);
    assert_int_equal(left->tcp.options_count, right->tcp.options_count);
    for (size_t i = 0; i < left->tcp.options_count; i++)
        same_option(&left->tcp.options[i], &right->tcp.options[i]);
    assert_int_equal(left->udp_length, right->udp_length);
    assert_int_equal(left->icmp.v6, right->icmp.v6);
    assert_int_equal(left->icmp.type, right->icmp.type);
    assert_int_equal(left->icmp.code, right->icmp.code);
    assert_int_equal(left->icmp.id, right->icmp.id);
    assert_int_equal(left->icmp.mtu, right->icmp.mtu);
    assert_int_equal(left->icmp.quote, right->icmp.quote);
    assert_int_equal(left->icmp.quote_seq, right->icmp.quote_seq);
    assert_int_equal(left->icmp.quote_length, right->icmp.quote_length);
}

static void same_event(const struct pkt_event *left, const struct pkt_event *right)
{
    assert_int_equal(left->kind, right->kind);
    assert_int_equal(left->time.kind, right->time.kind);
    assert_int_equal(left->time.start_ns, right->time.start_ns);
    assert_int_equal(left->time.end_ns, right->time.end_ns);
    assert_int_equal(left->time.has_end, right->time.has_end);
    same_text(left->text, right->text);
    same_packet(&left->packet, &right->packet);
    same_text(left->call.name, right->call.name);
    assert_int_equal(left->call.argument_count, right->call.argument_count);
    for (size_t i = 0; i < left->call.argument_count; i++)
        same_expr(left->call.arguments[i], right->call.arguments[i]);
    same_expr(left->call.result, right->call.result);
    same_text(left->call.error, right->call.error);
    same_text(left->call.note, right->call.note);
}

static void same_options(const struct pkt_options *left, const struct pkt_options *right)
{
    assert_int_equal(left->family, right->family);
    assert_memory_equal(&left->local, &right->local, sizeof left->local);
    assert_memory_equal(&left->remote, &right->remote, sizeof left->remote);
    assert_int_equal(left->bind_port, right->bind_port);
    assert_int_equal(left->connect_port, right->connect_port);
    assert_int_equal(left->tolerance_ns, right->tolerance_ns);
    assert_memory_equal(&left->tolerance_percent, &right->tolerance_percent, sizeof(double));
    assert_int_equal(left->mtu, right->mtu);
    assert_int_equal(left->ts_tick_ns, right->ts_tick_ns);
    assert_int_equal(left->ts_ecr_scaled, right->ts_ecr_scaled);
    assert_int_equal(left->strict_segments, right->strict_segments);
    assert_int_equal(left->packets_not_fatal, right->packets_not_fatal);
    assert_int_equal(left->calls_not_fatal, right->calls_not_fatal);
    assert_int_equal(left->is_anyip, right->is_anyip);
    assert_int_equal(left->dry_run, right->dry_run);
    same_text(left->code_command, right->code_command);
    same_text(left->so_filename, right->so_filename);
    same_text(left->so_flags, right->so_flags);
    assert_int_equal(left->init_script_count, right->init_script_count);
    for (size_t i = 0; i < left->init_script_count; i++)
        same_text(left->init_scripts[i], right->init_scripts[i]);
}

static void same_script(const struct pkt_script *left, const struct pkt_script *right)
{
    same_options(&left->options, &right->options);
    same_text(left->init_command, right->init_command);
    same_text(left->cleanup_command, right->cleanup_command);
    assert_int_equal(left->event_count, right->event_count);
    for (size_t i = 0; i < left->event_count; i++)
        same_event(&left->events[i], &right->events[i]);
}

static void parse_or_fail(const char *text, struct pkt_arena *arena, struct pkt_script *script)
{
    struct pkt_error error;
    if (parse_text_of(text, 0, arena, script, &error) != 0)
        fail_msg("%u:%u: %s in\n%s", error.place.line, error.place.column, error.text, text);
}

/* Parsed, printed and parsed again it is the same; and printed again, too. */
static void round_trip(const char *text)
{
    struct pkt_arena arena = {0};
    struct pkt_script first, second;
    parse_or_fail(text, &arena, &first);
    const char *printed = pkt_script_text(&first, &arena);
    parse_or_fail(printed, &arena, &second);
    same_script(&first, &second);
    assert_string_equal(printed, pkt_script_text(&second, &arena));
    pkt_arena_free(&arena);
}

/* ---- what is printed ------------------------------------------------------------------------- */

/* Event and its only text, which is the canonical one unless there is another. */
struct row {
    const char *event, *canonical;
};

static const struct row rows[] = {
    {"+.02 > S. 0:0(0) ack 1 <...>", "+0.02 > S. 0:0(0) ack 1 <...>"},
    {"* > F. 1:1(0) ack 701", NULL},
    {"1~1.500 > . 1:1(0) ack 1", "1~1.5 > . 1:1(0) ack 1"},
    {"+0~+.3 > . 1:1(0) ack 1", "+0~+0.3 > . 1:1(0) ack 1"},
    {"+0...0.2 read(4, ..., 10) = 5", NULL},
    {"0.000000001 close(3) = 0", NULL},
    {"+0 > - 1:1(0)", NULL},
    {"+0 > .PFSRU 1:2(1) ack 0", "+0 > SFRPU. 1:2(1) ack 0"},
    {"+0 > .5 1:1(0) ack 3", NULL},
    {"+0 > .0 1:1(0) ack 3", "+0 > . 1:1(0) ack 3"},
    {"+0 > AWES. 1:1(0) ack 3", "+0 > SEWA. 1:1(0) ack 3"},
    {"+0 > R 1:1(0) ack 7", NULL},
    {"+0 > . 4294967290:4(10) ack 4294967295 win 65535 urg 3", NULL},
    {"+0 < [ce] . 1:1(0) ack 1 win 0", NULL},
    {"+0 > (noecn) . 1:1(0) ack 1", "+0 > [noecn] . 1:1(0) ack 1"},
    {"+0 > [ect01,flowlabel 0xfffff] . 1:1(0) ack 1", NULL},
    {"+0 > [tos 7] . 1:1(0) ack 1", "+0 > [tos 0x07] . 1:1(0) ack 1"},
    {"+0 > [tos 0x02,flowlabel 0x00003] . 1:1(0) ack 1", NULL},
    {"+0 > [flowlabel 9] . 1:1(0) ack 1", "+0 > [flowlabel 0x00009] . 1:1(0) ack 1"},
    {"+0 > [ttl 64] . 1:1(0) ack 1", NULL},
    {"+0 < 1234 > 80 S 1:1(0) win 1", NULL},
    {"+0 < S 1:1(0) win 1 <mss 1460,nop,wscale 7,sackOK,TS val 4294967295 ecr 0,nop,nop,eol,eol>",
     NULL},
    {"+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4294967295 5:6>", NULL},
    {"+0 > . 1:1(0) ack 1 <nop,nop,md5 000102030405060708090a0b0c0d0e0f>", NULL},
    {"+0 < S 1:1(0) win 1 <FO,nop,nop>", NULL},
    {"+0 < S 1:1(0) win 1 <FO ABcd,FOEXP 00000000>",
     "+0 < S 1:1(0) win 1 <FO abcd,FOEXP 00000000>"},
    {"+0 < S 1:1(0) win 1 <FO 3021b9d889017eeb,nop,nop,FOEXP>", NULL},
    {"+0 > . 1:1(0) ack 1 <nop,ECN e0b 1 ceb 16777215 e1b 3>", NULL},
    {"+0 > . 1:1(0) ack 1 <ECN e1b 1 ceb 2>", NULL},
    {"+0 > . 1:1(0) ack 1 <nop,nop,nop,ECN e0b 1>", NULL},
    {"+0 > udp (200)", NULL},
    {"+0 < 5 > 6 udp (65535)", "+0 < udp 5 > 6 (65535)"},
    {"+0 < icmp unreachable", "+0 < icmp unreachable net_unreachable"},
    {"+0 < icmp unreachable frag_needed [1:1001(1000)] mtu 1280",
     "+0 < icmp unreachable frag_needed mtu 1280 [1:1001(1000)]"},
    {"+0 < icmp unreachable port_unreachable [udp (40)]", NULL},
    {"+0 < icmp echo_request id 7 [raw (24)]", NULL},
    {"+0 < icmp type_3 code_4 mtu 0", "+0 < icmp unreachable frag_needed mtu 0"},
    {"+0 < icmp type_200 code_99", NULL},
    {"+0 < icmp time_exceeded code_0", "+0 < icmp time_exceeded ttl_exceeded_in_transit"},
    {"+0 < ipv4 [ect0] 1.2.3.4 > 5.6.7.8: ipv6 fd00::1 > ::2: gre: [ce] . 1:1(0) ack 1 win 1",
     NULL},
    {"+0 < encap psp spi 0x5 . 1:1(0) ack 1 win 1", "+0 < encap psp spi 0x0 . 1:1(0) ack 1 win 1"},
    {"+0 f() = -1 EINVAL ()", NULL},
    {"+0 f(...) = 0x2 (flags O_RDWR)", NULL},
    {"+0 f(-5, 0x1F, A|B | 3, NULL) = A|B", "+0 f(-5, 0x1f, A|B|3, NULL) = A|B"},
    {"+0 f(18446744073709551615) = 0", "+0 f(-1) = 0"},
    {"+0 f(\"a\\\"b\\\\\" \"\\n\\x00\\xff\"...) = ...",
     "+0 f(\"a\\\"b\\\\\\n\\x00\\xff\"...) = ..."},
    {"+0 f([], {}, [1], [[2, 3], {4}]) = 0", NULL},
    {"+0 f({sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"1.2.3.4\")}) = 0",
     "+0 f({sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}) = 0"},
    {"+0 f({msg_name(...)=..., msg_iov(2)=[{..., 100}, {..., 50}], msg_flags=0}) = 0", NULL},
    {"+0 f([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1", NULL},
    {"+0 f({TCP_NLA_SRTT=..., TCP_NLA_BUSY=100}, inet6_addr(\"::1\")) = 0", NULL},
    {"+0 f(3, mpls (label 5, tc 1, [S], ttl 3)) = 0", "+0 f(3, mpls (label 0, tc 0, ttl 0)) = 0"},
    {"+0 f(3, gre flags [none] sum 0x0) = 0", "+0 f(3, gre) = 0"},
    {"+0 `sysctl -q net.ipv4.tcp_sack=0\n true`", NULL},
    {"+0 %{   assert tcpi_snd_cwnd == 10\nprint(1) # }\n }%",
     "+0 %{ assert tcpi_snd_cwnd == 10\nprint(1) # } }%"},
};

static void test_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[400];
        struct pkt_arena arena = {0};
        struct pkt_script script;
        const char *canonical = rows[i].canonical == NULL ? rows[i].event : rows[i].canonical;
        (void)snprintf(text, sizeof text, "0 `first`\n%s\n", rows[i].event);
        round_trip(text);
        parse_or_fail(text, &arena, &script);
        assert_string_equal(pkt_event_text(&script.events[1], &arena), canonical);
        pkt_arena_free(&arena);
    }
}

/* All types and codes of both families, by name or number. */
static void test_icmp(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * 256; i++) {
        for (unsigned code = 0; code < 20; code++) {
            char text[120];
            (void)snprintf(text, sizeof text, "--ip_version=%s\n0 < icmp type_%u code_%u",
                           i < 256 ? "ipv4" : "ipv6", i % 256, code);
            round_trip(text);
        }
    }
}

static void test_settings(void **state)
{
    (void)state;
    round_trip("--ip_version=ipv6 --local_ip=fd00::5 --remote_ip=2001:db8::7/64\n0 `a`");
    round_trip("--ip_version=ipv4-mapped-ipv6 --bind_port=1 --connect_port=65535\n0 `a`");
    round_trip("--tolerance_usecs=1 --tolerance_percent=0.1 --mtu=68 --tcp_ts_tick_usecs=1000\n"
               "--tcp_ts_ecr_scaled --strict_segments --is_anyip --dry_run\n0 `a`");
    round_trip("--non_fatal=syscall --code_command=\"python3 -O\" --init_scripts=a,b/c,d\n0 `a`");
    round_trip("--so_filename=lib.so --so_flags=`a \"b\" c`\n`init`\n0 `a`\n`cleanup`");
    round_trip("--init_scripts=\"/a b.sh,c\" --so_filename=/lib/x.so --so_flags=\"-x\"\n0 `a`");
    round_trip("--init_scripts=\"//\" --so_filename=\"\" --so_flags=\"/*\" 0 `a`");
    round_trip("--local_ip=10.0.0.1 --non_fatal=packet\n0 `a`");
}

static void test_defines(void **state)
{
    (void)state;
    struct pkt_arena arena = {0};
    struct pkt_script script;
    parse_or_fail("--define=W=SOL_IP --define=T=\"a b\" --define=C=`true`\n0 f(W, T) = W\n+0 C\n",
                  &arena, &script);
    assert_string_equal(pkt_script_text(&script, &arena),
                        "0 f(SOL_IP, \"a b\") = SOL_IP\n+0 `true`\n");
    pkt_arena_free(&arena);
}

/* ---- how it is printed ----------------------------------------------------------------------- */

static void test_room(void **state)
{
    (void)state;
    struct pkt_packet packet = {.ip = {.tos = -1, .flow_label = -1, .ttl = -1}};
    packet.tcp = (struct pkt_tcp){.flags = PKT_ACK, .window = -1, .urgent = -1};
    char text[40] = "untouched";
    assert_int_equal(pkt_print_packet(&packet, text, 0), 16);
    assert_string_equal(text, "untouched");
    assert_int_equal(pkt_print_packet(&packet, text, 6), 16);
    assert_string_equal(text, "> . 0");
    assert_int_equal(pkt_print_packet(&packet, text, 17), 16);
    assert_string_equal(text, "> . 0:0(0) ack 0");
    assert_int_equal(pkt_print_flags(&packet.tcp, text, sizeof text), 1);
    assert_string_equal(text, ".");
}

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } times[] = {
        {0, "0"},
        {1, "0.000000001"},
        {-1, "-0.000000001"},
        {20000000, "0.02"},
        {INT64_C(-60000000000), "-60"},
        {INT64_MAX, "9223372036.854775807"},
        {INT64_MIN, "-9223372036.854775808"},
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        char text[40];
        (void)pkt_print_seconds(times[i].ns, text, sizeof text);
        assert_string_equal(text, times[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),   cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_settings), cmocka_unit_test(test_defines),
        cmocka_unit_test(test_room),     cmocka_unit_test(test_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
