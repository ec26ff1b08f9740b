/* SPDX-License-Identifier: MIT */
/* What the parser makes of scripts that are right: parse.c, parse_settings.c, parse_packet.c,
 * parse_options.c, parse_icmp.c, parse_call.c. */
#include <stdio.h>

#include "support/unit.h"

#include "parse_text.h"

static struct pkt_arena arena;

static int release(void **state)
{
    (void)state;
    pkt_arena_free(&arena);
    return 0;
}

static struct pkt_script parse_input(struct pkt_parse_input input)
{
    struct pkt_script script;
    struct pkt_error error;
    input.length = input.length == 0 ? strlen(input.text) : input.length;
    if (pkt_parse(&input, &arena, &script, &error) != 0)
        fail_msg("%u:%u: %s in\n%s", error.place.line, error.place.column, error.text, input.text);
    return script;
}

static struct pkt_script parse(const char *text)
{
    return parse_input((struct pkt_parse_input){.path = "a.pkt", .text = text});
}

/* The packet of the only event. */
static struct pkt_packet packet_of(const char *text)
{
    struct pkt_script script = parse(text);
    assert_int_equal(script.event_count, 1);
    assert_int_equal(script.events[0].kind, PKT_EVENT_PACKET);
    return script.events[0].packet;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void test_file(void **state)
{
    (void)state;
    const char *text =
        "--mtu=1400\n`init`\n0 `a\nb`\n  +.5 close(3)\n= 0\n+0 %{ x }%\n`clean up`\n";
    struct pkt_script script = parse(text);
    assert_string_equal(script.path, "a.pkt");
    assert_string_equal(script.source, text);
    assert_ptr_not_equal(script.source, text);
    assert_int_equal(script.source_length, strlen(text));
    assert_string_equal(script.init_command, "init");
    assert_string_equal(script.cleanup_command, "clean up");
    assert_int_equal(script.event_count, 3);
    const struct pkt_event *event = &script.events[0];
    assert_int_equal(event->kind, PKT_EVENT_COMMAND);
    assert_string_equal(event->text, "a\nb");
    assert_int_equal(event->place.line, 3);
    assert_int_equal(event->end.line, 4);
    assert_int_equal(event->end.column, 2);
    event = &script.events[1];
    assert_int_equal(event->kind, PKT_EVENT_CALL);
    assert_int_equal(event->place.line, 5);
    assert_int_equal(event->place.column, 3);
    assert_int_equal(event->end.line, 6);
    assert_int_equal(event->end.column, 3);
    assert_int_equal(script.events[2].kind, PKT_EVENT_CODE);
    assert_string_equal(script.events[2].text, "x");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pkt_time_kind kind;
        int64_t start_ns, end_ns;
        bool has_end;
    } rows[] = {
        {"0 > . 1:1(0)", PKT_TIME_ABSOLUTE, 0, 0, false},
        {"1.25 > . 1:1(0)", PKT_TIME_ABSOLUTE, 1250000000, 0, false},
        {"1000000000 > . 1:1(0)", PKT_TIME_ABSOLUTE, 1000000000000000000, 0, false},
        {"+.000000001 > . 1:1(0)", PKT_TIME_RELATIVE, 1, 0, false},
        {"+0.0000000019 > . 1:1(0)", PKT_TIME_RELATIVE, 1, 0, false}, /* finer is cut off */
        {"* > . 1:1(0)", PKT_TIME_ANY, 0, 0, false},
        {"1~1.5 > . 1:1(0)", PKT_TIME_ABSOLUTE_RANGE, 1000000000, 1500000000, false},
        {"+0~+.3 > . 1:1(0)", PKT_TIME_RELATIVE_RANGE, 0, 300000000, false},
        {"+0...0.2 read(3) = 0", PKT_TIME_RELATIVE, 0, 200000000, true},
        {"1...2 read(3) = 0", PKT_TIME_ABSOLUTE, 1000000000, 2000000000, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[100] = "0 `a`\n";
        struct pkt_script script = parse(strcat(text, rows[i].text));
        const struct pkt_time *time = &script.events[1].time;
        assert_int_equal(time->kind, rows[i].kind);
        assert_int_equal(time->start_ns, rows[i].start_ns);
        assert_int_equal(time->end_ns, rows[i].end_ns);
        assert_int_equal(time->has_end, rows[i].has_end);
    }
}

/* ---- packets --------------------------------------------------------------------------------- */

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned flags;
        bool digit;
    } rows[] = {
        {"-", 0, false},
        {".", PKT_ACK, false},
        {"S.", PKT_SYN | PKT_ACK, false},
        {"FPU.R", PKT_FIN | PKT_PSH | PKT_URG | PKT_ACK | PKT_RST, false},
        {"SEWA", PKT_SYN | PKT_ECE | PKT_CWR | PKT_AE, false},
        {".0", PKT_ACK, false},
        {".1", PKT_ACK | PKT_ECE, true},
        {".2", PKT_ACK | PKT_CWR, true},
        {"P.4", PKT_PSH | PKT_ACK | PKT_AE, true},
        {".7F", PKT_FIN | PKT_ACK | PKT_AE | PKT_CWR | PKT_ECE, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[100] = "0 > ";
        struct pkt_packet packet = packet_of(strcat(strcat(text, rows[i].text), " 1:1(0)"));
        assert_int_equal(packet.tcp.flags, rows[i].flags);
        assert_int_equal(packet.tcp.ace_digit, rows[i].digit);
    }
}

static void test_tcp(void **state)
{
    (void)state;
    struct pkt_packet packet = packet_of("0 < . 4294967295:9(10) ack 7 win 8 urg 9");
    assert_true(packet.inbound);
    assert_int_equal(packet.kind, PKT_PACKET_TCP);
    assert_int_equal(packet.tcp.seq, 4294967295);
    assert_int_equal(packet.tcp.length, 10);
    assert_int_equal(packet.tcp.ack, 7);
    assert_int_equal(packet.tcp.window, 8);
    assert_int_equal(packet.tcp.urgent, 9);
    assert_int_equal(packet.tcp.options_kind, PKT_OPTIONS_NONE);
    packet = packet_of("0 > . 0x10:0x20(0x10)");
    assert_false(packet.inbound);
    assert_false(packet.has_ports);
    assert_int_equal(packet.tcp.seq, 16);
    assert_int_equal(packet.tcp.window, -1);
    assert_int_equal(packet.tcp.urgent, -1);
    packet = packet_of("0 > 1 > 65535 . 1:1(0) <...>");
    assert_true(packet.has_ports);
    assert_int_equal(packet.source_port, 1);
    assert_int_equal(packet.destination_port, 65535);
    assert_int_equal(packet.tcp.options_kind, PKT_OPTIONS_ANY);
}

static void test_options(void **state)
{
    (void)state;
    struct pkt_packet packet = packet_of(
        "0 > . 1:1(0) <mss 1460,nop,wscale 7,sackOK,TS val 5 ecr 6,sack 1:2 3:4,eol,nop>");
    static const enum pkt_option_kind kinds[] = {
        PKT_OPT_MSS,        PKT_OPT_NOP,  PKT_OPT_WSCALE, PKT_OPT_SACK_OK,
        PKT_OPT_TIMESTAMPS, PKT_OPT_SACK, PKT_OPT_EOL,    PKT_OPT_NOP};
    assert_int_equal(packet.tcp.options_kind, PKT_OPTIONS_LIST);
    assert_int_equal(packet.tcp.options_count, COUNT_OF(kinds));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(packet.tcp.options[i].kind, kinds[i]);
    assert_int_equal(packet.tcp.options[0].value, 1460);
    assert_int_equal(packet.tcp.options[2].value, 7);
    assert_int_equal(packet.tcp.options[4].ts_val, 5);
    assert_int_equal(packet.tcp.options[4].ts_ecr, 6);
    assert_int_equal(packet.tcp.options[5].count, 2);
    assert_int_equal(packet.tcp.options[5].sack[1].left, 3);
    assert_int_equal(packet.tcp.options[5].sack[1].right, 4);
    assert_int_equal(pkt_options_bytes(packet.tcp.options, packet.tcp.options_count), 40);

    packet =
        packet_of("0 > . 1:1(0) <md5 00fF,FO,FO 12,FOEXP,nop,nop,nop,nop,ECN e1b 1 ceb 2 e0b 3>");
    assert_int_equal(packet.tcp.options[0].kind, PKT_OPT_MD5);
    assert_int_equal(packet.tcp.options[0].count, 2);
    assert_int_equal(packet.tcp.options[0].bytes[1], 0xff);
    assert_int_equal(packet.tcp.options[1].kind, PKT_OPT_FAST_OPEN);
    assert_int_equal(packet.tcp.options[1].count, 0);
    assert_int_equal(packet.tcp.options[2].bytes[0], 0x12);
    assert_int_equal(packet.tcp.options[3].kind, PKT_OPT_FAST_OPEN_EXP);
    assert_int_equal(packet.tcp.options[8].kind, PKT_OPT_ACC_ECN_1);
    assert_int_equal(packet.tcp.options[8].count, 3);
    assert_int_equal(packet.tcp.options[8].counters[2], 3);
    assert_int_equal(packet_of("0 > . 1:1(0) <ECN e0b 1 ceb 2>").tcp.options[0].kind,
                     PKT_OPT_ACC_ECN_0);
}

static void test_ip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct pkt_ip_info ip;
    } rows[] = {
        {"", {PKT_ECN_ABSENT, -1, -1, -1}},
        {"[noecn]", {PKT_ECN_NOECN, -1, -1, -1}},
        {"(ect0)", {PKT_ECN_ECT0, -1, -1, -1}},
        {"[ect1,flowlabel 5]", {PKT_ECN_ECT1, -1, 5, -1}},
        {"[ce]", {PKT_ECN_CE, -1, -1, -1}},
        {"[ect01]", {PKT_ECN_ECT01, -1, -1, -1}},
        {"[tos 0xff]", {PKT_ECN_ABSENT, 255, -1, -1}},
        {"(tos 0,flowlabel 0xfffff)", {PKT_ECN_ABSENT, 0, 0xfffff, -1}},
        {"[flowlabel 0]", {PKT_ECN_ABSENT, -1, 0, -1}},
        {"[ttl 255]", {PKT_ECN_ABSENT, -1, -1, 255}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[100] = "0 > ";
        struct pkt_ip_info ip = packet_of(strcat(strcat(text, rows[i].text), " . 1:1(0)")).ip;
        assert_int_equal(ip.ecn, rows[i].ip.ecn);
        assert_int_equal(ip.tos, rows[i].ip.tos);
        assert_int_equal(ip.flow_label, rows[i].ip.flow_label);
        assert_int_equal(ip.ttl, rows[i].ip.ttl);
    }
}

static void test_icmp(void **state)
{
    (void)state;
    struct pkt_icmp icmp =
        packet_of("0 < icmp unreachable frag_needed mtu 1280 [1:1001(1000)]").icmp;
    assert_false(icmp.v6);
    assert_int_equal(icmp.type, 3);
    assert_int_equal(icmp.code, 4);
    assert_int_equal(icmp.mtu, 1280);
    assert_int_equal(icmp.id, -1);
    assert_int_equal(icmp.quote, PKT_QUOTE_TCP);
    assert_int_equal(icmp.quote_seq, 1);
    assert_int_equal(icmp.quote_length, 1000);
    icmp = packet_of("--ip_version=ipv6\n0 < icmp packet_too_big [udp (40)] mtu 4294967295").icmp;
    assert_true(icmp.v6);
    assert_int_equal(icmp.type, 2);
    assert_int_equal(icmp.mtu, 4294967295);
    assert_int_equal(icmp.quote, PKT_QUOTE_UDP);
    icmp = packet_of("0 < icmp echo_request id 7 [raw (24)]").icmp;
    assert_int_equal(icmp.type, 8);
    assert_int_equal(icmp.id, 7);
    assert_int_equal(icmp.quote, PKT_QUOTE_RAW);
    icmp = packet_of("--ip_version=ipv4-mapped-ipv6\n0 < icmp unreachable").icmp;
    assert_false(icmp.v6);
    assert_int_equal(icmp.code, 0);
    assert_int_equal(icmp.quote, PKT_QUOTE_DEFAULT);
    assert_int_equal(packet_of("0 > icmp type_13 code_255").icmp.code, 255);
}

static void test_udp_and_encapsulations(void **state)
{
    (void)state;
    struct pkt_packet packet = packet_of("0 > udp 5000 > 53 (40)");
    assert_int_equal(packet.kind, PKT_PACKET_UDP);
    assert_int_equal(packet.udp_length, 40);
    assert_int_equal(packet.destination_port, 53);
    assert_false(packet_of("0 < udp (200)").has_ports);
    packet =
        packet_of("0 < ipv4 [ect0] 1.2.3.4 > 5.6.7.8: gre flags [key present] sum 0x0 off 0 key = "
                  "0x5 seq 0: mpls (label 5, tc 0, [S], ttl 64): ipv6 ::1 > ::2: [ce] encap psp "
                  "spi 0x5 1 > 2 . 1:1(0) win 1");
    static const enum pkt_encap_kind kinds[] = {PKT_ENCAP_IPV4, PKT_ENCAP_GRE, PKT_ENCAP_MPLS,
                                                PKT_ENCAP_IPV6, PKT_ENCAP_PSP};
    assert_int_equal(packet.encap_count, COUNT_OF(kinds));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(packet.encaps[i].kind, kinds[i]);
    assert_int_equal(packet.encaps[0].ip.ecn, PKT_ECN_ECT0);
    assert_int_equal(packet.encaps[0].destination.bytes[15], 8);
    assert_int_equal(packet.encaps[3].source.bytes[15], 1);
    assert_int_equal(packet.ip.ecn, PKT_ECN_CE);
    assert_int_equal(packet.source_port, 1);
    static const char *const others[] = {"gre", "gre flags 0x2000, key 5, seq 3",
                                         "GREv0 flags [none]",
                                         "gre Flags [checksum present,sequence# present] sum 1",
                                         "mpls (label 1, tc 7, ttl 0) (label 2, tc 0, [S], ttl 1)"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char text[160] = "0 < ";
        (void)packet_of(strcat(strcat(text, others[i]), ": . 1:1(0) win 1"));
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void test_call(void **state)
{
    (void)state;
    struct pkt_script script =
        parse("0 f(..., A|B|3, \"a\" \"\\x00b\"..., -1) = -1 EAGAIN (Can't be)\n+0 g() = 0x2 (x)\n"
              "+0 h() = A");
    const struct pkt_call *call = &script.events[0].call;
    assert_string_equal(call->name, "f");
    assert_int_equal(call->argument_count, 4);
    assert_int_equal(call->arguments[0]->kind, PKT_EXPR_ELLIPSIS);
    const struct pkt_expr *either = call->arguments[1];
    assert_int_equal(either->kind, PKT_EXPR_OR);
    assert_int_equal(either->items[0]->kind, PKT_EXPR_OR);
    assert_string_equal(either->items[0]->items[1]->text, "B");
    assert_int_equal(either->items[1]->number, 3);
    const struct pkt_expr *string = call->arguments[2];
    assert_int_equal(string->kind, PKT_EXPR_STRING);
    assert_int_equal(string->length, 3);
    assert_memory_equal(string->bytes, "a\0b", 4);
    assert_true(string->followed_by_ellipsis);
    assert_int_equal(string->place.column, 17);
    assert_int_equal(call->result->number, -1);
    assert_string_equal(call->error, "EAGAIN");
    assert_string_equal(call->note, "Can't be");
    call = &script.events[1].call;
    assert_int_equal(call->argument_count, 0);
    assert_true(call->result->hexadecimal);
    assert_null(call->error);
    assert_string_equal(call->note, "x");
    call = &script.events[2].call;
    assert_int_equal(call->result->kind, PKT_EXPR_WORD);
    assert_null(call->note);
}

static void test_structures(void **state)
{
    (void)state;
    struct pkt_script script = parse(
        "0 f({msg_name(...)={sa_family = AF_INET, sin_port = htons(80), sin_addr = "
        "inet_addr(\"1.2.3.4\")}, msg_iov(2)=[{...,100}], msg_flags=0}, [{fd=3, events=POLLIN}], "
        "{X=5, ...}) = 0");
    const struct pkt_expr *message = script.events[0].call.arguments[0];
    assert_int_equal(message->kind, PKT_EXPR_BRACES);
    assert_int_equal(message->count, 3);
    const struct pkt_expr *name = message->items[0];
    assert_int_equal(name->kind, PKT_EXPR_ASSIGN);
    assert_string_equal(name->text, "msg_name");
    assert_int_equal(name->argument->kind, PKT_EXPR_ELLIPSIS);
    const struct pkt_expr *address = name->items[0];
    assert_int_equal(address->count, 3);
    assert_int_equal(address->items[1]->items[0]->kind, PKT_EXPR_CALL);
    assert_string_equal(address->items[1]->items[0]->text, "htons");
    assert_int_equal(address->items[1]->items[0]->items[0]->number, 80);
    assert_string_equal(address->items[2]->items[0]->items[0]->text, "1.2.3.4");
    assert_int_equal(message->items[1]->argument->number, 2);
    assert_int_equal(message->items[1]->items[0]->kind, PKT_EXPR_LIST);
    assert_int_equal(message->items[1]->items[0]->items[0]->items[1]->number, 100);
    const struct pkt_expr *entries = script.events[0].call.arguments[1];
    assert_string_equal(entries->items[0]->items[1]->text, "events");
    const struct pkt_expr *free_names = script.events[0].call.arguments[2];
    assert_string_equal(free_names->items[0]->text, "X");
    assert_int_equal(free_names->items[1]->kind, PKT_EXPR_ELLIPSIS);
}

/* ---- options and defines --------------------------------------------------------------------- */

static void test_defaults(void **state)
{
    (void)state;
    struct pkt_options options = parse("0 `a`").options;
    struct hawser_address address;
    assert_int_equal(options.family, PKT_IPV4);
    assert_int_equal(hawser_address_scan("192.168.0.2", &address), 0);
    assert_memory_equal(&options.local, &address, sizeof address);
    assert_int_equal(hawser_address_scan("192.0.2.1", &address), 0);
    assert_memory_equal(&options.remote, &address, sizeof address);
    assert_int_equal(options.bind_port, 8080);
    assert_int_equal(options.connect_port, 8080);
    assert_int_equal(options.tolerance_ns, 4000000);
    assert_true(options.tolerance_percent > 12.49 && options.tolerance_percent < 12.51);
    assert_int_equal(options.mtu, 1500);
    assert_int_equal(options.ts_tick_ns, 0);
    assert_null(options.unsupported);
    options = parse("--ip_version=ipv6\n0 `a`").options;
    assert_int_equal(hawser_address_scan("2001:db8::1", &address), 0);
    assert_memory_equal(&options.remote, &address, sizeof address);
}

static void test_settings(void **state)
{
    (void)state;
    struct pkt_options options =
        parse("--remote_ip=10.1.2.3/24 --bind_port=1 // comment\n--connect_port = 2\n"
              "--tolerance_usecs=5 --tolerance_percent=.5 --mtu=0x500 --tcp_ts_tick_usecs=1000\n"
              "--tcp_ts_ecr_scaled --strict_segments --is_anyip --dry_run --verbose --verbose\n"
              "--non_fatal=packet --init_scripts=a,,b --code_command=\"python3 -O\"\n"
              "--so_filename=x.so --so_flags=`a b` --speed=10 --mss=1000 --send_omit_free\n"
              "--gateway_ip=1.2.3.4 --netmask_ip=255.0.0.0 --code_sockopt=x --debug 0 `a`")
            .options;
    assert_int_equal(options.remote.bytes[15], 3);
    assert_int_equal(options.bind_port, 1);
    assert_int_equal(options.connect_port, 2);
    assert_int_equal(options.tolerance_ns, 5000);
    assert_true(options.tolerance_percent > 0.49 && options.tolerance_percent < 0.51);
    assert_int_equal(options.mtu, 0x500);
    assert_int_equal(options.ts_tick_ns, 1000000);
    assert_true(options.ts_ecr_scaled && options.strict_segments && options.is_anyip);
    assert_true(options.dry_run && options.packets_not_fatal && !options.calls_not_fatal);
    assert_int_equal(options.verbose, 2);
    assert_int_equal(options.init_script_count, 3);
    assert_string_equal(options.init_scripts[0], "a");
    assert_string_equal(options.init_scripts[1], "");
    assert_string_equal(options.init_scripts[2], "b");
    assert_string_equal(options.code_command, "python3 -O");
    assert_string_equal(options.so_filename, "x.so");
    assert_string_equal(options.so_flags, "a b");
}

/* What Hawser lacks makes a skip of the script, named by the first such thing. */
static void test_unsupported(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"--wire_server_at=1.2.3.4 --wire_client\n0 `a`", "wire_server_at"},
        {"--udp_encapsulation\n0 `a`", "udp_encapsulation"},
        {"--udp_encapsulation=udp\n0 `a`", "udp_encapsulation"},
        {"--tcp_md5_secret=abc\n0 `a`", "tcp_md5_secret"},
        {"0 < sctp: INIT[flgs=0, tag=1, ?]\n", "sctp"},
        {"#ifdef A\n#else\n0 > udplite (5)\n#endif", "udplite"},
        {"--psp_udp_port=5\n0 < sctp: x", "psp_udp_port"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(parse(rows[i].text).options.unsupported, rows[i].name);
}

static void test_command_line(void **state)
{
    (void)state;
    static const struct pkt_argument arguments[] = {{"mtu", "900"}, {"ip_version", "ipv6"}};
    static const struct pkt_define defines[] = {{"A", "mine", PKT_DEFINE_WORD},
                                                {"N", "0x20", PKT_DEFINE_INTEGER}};
    struct pkt_parse_input input = {
        .path = "a.pkt",
        .text = "--ip_version=ipv4 --mtu=1000 --bind_port=5 --define=A=yours --define=B=`A`\n"
                "0 < icmp packet_too_big\n+0 f(A, N) = 0\n+0 B\n+N B",
        .defines = defines,
        .define_count = COUNT_OF(defines),
        .arguments = arguments,
        .argument_count = COUNT_OF(arguments),
    };
    struct pkt_script script = parse_input(input);
    assert_int_equal(script.options.mtu, 900);
    assert_int_equal(script.options.family, PKT_IPV6);
    assert_int_equal(script.options.bind_port, 5);
    assert_true(script.events[0].packet.icmp.v6);
    assert_string_equal(script.events[1].call.arguments[0]->text, "mine");
    assert_int_equal(script.events[1].call.arguments[1]->number, 32);
    assert_string_equal(script.events[2].text, "A");
    assert_int_equal(script.events[3].time.start_ns, 32000000000);

    static const struct pkt_argument wrong[] = {{"mtu", "x"}};
    struct pkt_error error;
    input.arguments = wrong;
    input.argument_count = 1;
    assert_int_equal(pkt_parse(&input, &arena, &script, &error), -1);
    assert_int_equal(error.place.line, 0);
    input = (struct pkt_parse_input){
        .path = "a.pkt", .text = "0 < icmp packet_too_big", .family = PKT_IPV6};
    assert_int_equal(parse_input(input).options.family, PKT_IPV6);
}

static void test_define_scan(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value;
        int kind;
    } rows[] = {
        {"A=word", "A", "word", PKT_DEFINE_WORD},
        {"_a1=\"two words\"", "_a1", "two words", PKT_DEFINE_STRING},
        {"A=`cmd`", "A", "cmd", PKT_DEFINE_COMMAND},
        {"A=010", "A", "010", PKT_DEFINE_INTEGER},
        {"A=-0x10", "A", "-0x10", PKT_DEFINE_INTEGER},
        {"A=3021b9d889017eeb", "A", "3021b9d889017eeb", PKT_DEFINE_WORD},
        {"A=18446744073709551616", "A", "18446744073709551616", PKT_DEFINE_WORD},
        {"A=", "A", "", PKT_DEFINE_WORD},
        {"A=\"", "A", "\"", PKT_DEFINE_WORD},
        {"A=b=c", "A", "b=c", PKT_DEFINE_WORD},
    };
    struct pkt_define define;
    struct pkt_error error;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(pkt_define_scan(rows[i].text, &arena, &define, &error), 0);
        assert_string_equal(define.name, rows[i].name);
        assert_string_equal(define.value, rows[i].value);
        assert_int_equal(define.kind, rows[i].kind);
    }
    static const char *const wrong[] = {"", "A", "=b", "1A=b", "A b=c", "A-B=c"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(pkt_define_scan(wrong[i], &arena, &define, &error), -1);
}

/* A define's value is a word even where it is a keyword, and is a blob, flags or an option's value
 * where such is read. */
static void test_defines(void **state)
{
    (void)state;
    struct pkt_script script = parse(
        "--define=COOKIE=00ff --define=FL=S --define=KEY=win --define=SIZE=\"1200\" --mtu=SIZE\n"
        "0 < FL 1:1(0) win 5 <FO COOKIE>\n+0 f(KEY, [KEY = 3]) = 0");
    assert_int_equal(script.options.mtu, 1200);
    assert_int_equal(script.events[0].packet.tcp.flags, PKT_SYN);
    assert_int_equal(script.events[0].packet.tcp.options[0].bytes[1], 0xff);
    assert_string_equal(script.events[1].call.arguments[0]->text, "win");
    assert_string_equal(script.events[1].call.arguments[1]->items[0]->text, "win");
}

/* ---- hostile files: their size is a matter of test_parse_bounds.c -------------------------- */

static void check_refused(const char *text, size_t length, const char *message)
{
    struct pkt_script script;
    struct pkt_error error;
    struct pkt_parse_input input = {
        .path = "a.pkt", .text = text, .length = length == 0 ? strlen(text) : length};
    assert_int_equal(pkt_parse(&input, &arena, &script, &error), -1);
    assert_string_equal(error.text, message);
    pkt_arena_free(&arena);
}

static void test_defines_bound(void **state)
{
    (void)state;
    char *text = pkt_arena_alloc(&arena, 20000);
    for (int i = 0; i < 257; i++)
        (void)snprintf(text + strlen(text), 40, "--define=N%d=x\n", i);
    check_refused(text, 0, "more than 256 defines");
}

static void test_zeros(void **state)
{
    (void)state;
    static const char text[] = "0 `a`\n\0";
    check_refused(text, sizeof text, "the character 0x00 belongs to no script");
    static const char string[] = "0 f(\"a\0b\") = 0\n+0 `c\0d`";
    struct pkt_script script = parse_input(
        (struct pkt_parse_input){.path = "a", .text = string, .length = sizeof string - 1});
    assert_int_equal(script.events[0].call.arguments[0]->length, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_file, release),
        cmocka_unit_test_teardown(test_times, release),
        cmocka_unit_test_teardown(test_flags, release),
        cmocka_unit_test_teardown(test_tcp, release),
        cmocka_unit_test_teardown(test_options, release),
        cmocka_unit_test_teardown(test_ip, release),
        cmocka_unit_test_teardown(test_icmp, release),
        cmocka_unit_test_teardown(test_udp_and_encapsulations, release),
        cmocka_unit_test_teardown(test_call, release),
        cmocka_unit_test_teardown(test_structures, release),
        cmocka_unit_test_teardown(test_defaults, release),
        cmocka_unit_test_teardown(test_settings, release),
        cmocka_unit_test_teardown(test_unsupported, release),
        cmocka_unit_test_teardown(test_command_line, release),
        cmocka_unit_test_teardown(test_define_scan, release),
        cmocka_unit_test_teardown(test_defines, release),
        cmocka_unit_test_teardown(test_defines_bound, release),
        cmocka_unit_test_teardown(test_zeros, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
