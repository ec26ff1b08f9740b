/* SPDX-License-Identifier: MIT */
/* What is wrong with a script, and where: parse.c, parse_settings.c, parse_packet.c,
 * parse_options.c, parse_icmp.c, parse_encap.c, parse_call.c, lex.c. */
#include <stdio.h>

#include "support/unit.h"

#include "parse_text.h"

struct row {
    const char *text;
    const char *error; /* line:column: text */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pkt_arena arena = {0};
        struct pkt_script script;
        struct pkt_error error;
        char found[400] = "no error";
        if (parse_text_of(rows[i].text, 0, &arena, &script, &error) != 0)
            (void)snprintf(found, sizeof found, "%u:%u: %s", error.place.line, error.place.column,
                           error.text);
        if (strcmp(found, rows[i].error) != 0)
            print_message("row %zu: %s\n", i, rows[i].text);
        assert_string_equal(found, rows[i].error);
        pkt_arena_free(&arena);
    }
}

#define CHECK_ROWS(rows) check(rows, COUNT_OF(rows))

static void test_tokens(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 read(3, \"abc) = 0", "1:11: this string has no end"},
        {"0 `true", "1:3: this command has no end"},
        {"0 %{ a = 1 ", "1:3: this %{ has no }%"},
        {"/* no end\n0 `a`", "1:1: this comment has no end"},
        {"0 `a`\n+0 ? 1", "2:4: the character '?' begins nothing"},
        {"0 `a`\n+0 \x01", "2:4: the character 0x01 belongs to no script"},
        {"0 `a`\n+0 @", "2:4: the character '@' begins nothing"},
        {"0 `a`\n  #if X\n", "2:3: expected #ifdef, #ifndef, #else or #endif"},
        {"0 `a`\n#ifdef\n", "2:1: expected a name behind #ifdef or #ifndef"},
        {"0 `a`\n#else\n", "2:1: no #ifdef or #ifndef is open here"},
        {"0 `a`\n#endif", "2:1: no #ifdef or #ifndef is open here"},
        {"#ifdef A\n#else\n#else\n#endif\n", "3:1: this #ifdef has had its #else"},
        {"#ifdef A\n0 `a`\n", "1:1: this #ifdef has no #endif"},
        {"#ifndef A\n0 `a`\n", "3:1: an #ifdef or #ifndef has no #endif"},
        {"0 `a` # no comment", "1:7: the character '#' begins nothing"},
        {"0 read(99999999999999999999) = 0", "1:8: a number of more than 64 bits"},
        {"0 read(\"\\x4\") = 0", "1:8: \\x without two hexadecimal digits"},
        {"0 read(\"\\xzz\") = 0", "1:8: \\x without two hexadecimal digits"},
        {"0 `a`\n   x", "2:4: expected the time of an event, found the word 'x'"},
    };
    CHECK_ROWS(rows);
}

static void test_settings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--foo\n0 `a`", "1:1: the option --foo does not exist"},
        {"--mtu\n0 `a`", "1:1: the option --mtu needs a value"},
        {"--mtu=\n0 `a`", "2:1: expected an MTU from 68 to 65535, found '0'"},
        {"--mtu= // none", "1:15: expected the option's value, found the end"},
        {"--mtu= --mss=5", "1:8: expected the option's value, found the option '--mss'"},
        {"--mtu=67", "1:7: expected an MTU from 68 to 65535, found '67'"},
        {"--mtu=65536", "1:7: expected a number from 0 to 65535, found '65536'"},
        {"--mtu=15x", "1:7: expected a number from 0 to 65535, found '15x'"},
        {"--mtu=-5", "1:7: expected a number from 0 to 65535, found '-5'"},
        {"--is_anyip=1", "1:12: the option --is_anyip takes no value"},
        {"--ip_version=ipv5", "1:14: expected ipv4, ipv6 or ipv4-mapped-ipv6, found 'ipv5'"},
        {"--local_ip=1.2.3", "1:12: expected an address, found '1.2.3'"},
        {"--local_ip=2001:db8::1\n0 `a`",
         "1:1: --local_ip is an IPv6 address, --ip_version is ipv4"},
        {"--ip_version=ipv6 --remote_ip=1.2.3.4\n0 `a`",
         "1:1: --remote_ip is an IPv4 address, --ip_version is ipv6"},
        {"--remote_ip=1.2.3.4/129", "1:13: expected a number from 0 to 128, found '129'"},
        {"--remote_ip=1.2.3.4/x", "1:13: expected a number from 0 to 128, found 'x'"},
        {"--local_ip=1.2.3.4 --remote_ip=1.2.3.4\n0 `a`",
         "1:1: --local_ip and --remote_ip are the same"},
        {"--bind_port=65536", "1:13: expected a number from 0 to 65535, found '65536'"},
        {"--tolerance_usecs=a", "1:19: expected a number from 0 to 1000000000000, found 'a'"},
        {"--tolerance_percent=-1", "1:21: expected a percentage, found '-1'"},
        {"--tolerance_percent=1x", "1:21: expected a percentage, found '1x'"},
        {"--tcp_ts_tick_usecs=1.5", "1:21: expected a number from 0 to 1000000000, found '1.5'"},
        {"--non_fatal=packets", "1:13: expected packet or syscall, found 'packets'"},
        {"--code_format=perl", "1:15: expected python, found 'perl'"},
        {"--define\n", "2:1: expected '=' and NAME=value behind --define, found the end"},
        {"--define=A", "1:11: expected '=', found the end"},
        {"--define=1A=b", "1:10: expected the define's name"},
        {"--define=A=1",
         "1:12: expected the define's value, a word, a string or a command, found the number '1'"},
        {"--define=A=",
         "1:12: expected the define's value, a word, a string or a command, found the end"},
        {"--define=A=1.5", "1:12: expected the define's value, a word, a string or a command, "
                           "found the number '1.5'"},
        {"--gateway_ip=router", "1:14: expected an address, found 'router'"},
        {"--mss=1e3", "1:7: expected a number from 0 to 4294967295, found '1e3'"},
        {"-D A=b", "1:1: expected a time in seconds, found '-'"},
        {"--mtu=1500 --mtu=x", "1:18: expected a number from 0 to 65535, found 'x'"},
    };
    CHECK_ROWS(rows);
}

static void test_times(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "1:1: expected an event, found the end"},
        {"// nothing", "1:11: expected an event, found the end"},
        {"`init`", "1:7: expected an event, found the end"},
        {"0.1 `a`", "1:1: the first event is not at the absolute time 0"},
        {"+0 `a`", "1:1: the first event is not at the absolute time 0"},
        {"* > . 1:1(0)", "1:1: the first event is not at the absolute time 0"},
        {"0 `a`\n-1 `b`", "2:1: expected a time in seconds, found the number '-1'"},
        {"0 `a`\n+-1 `b`", "2:2: expected a time in seconds, found the number '-1'"},
        {"0 `a`\n1 `b`\n.5 `c`", "3:1: this time is before that of an event above, 1"},
        {"0 `a`\n+1~.5 > . 1:1(0)", "2:4: expected '+', found the number '.5'"},
        {"0 `a`\n+0~+.5 < . 1:1(0) win 1",
         "2:1: only packets that are expected ('>') may come at a range of times"},
        {"0 `a`\n* `b`", "2:1: only packets that are expected ('>') may come at any time"},
        {"0 `a`\n1~2 read(3) = 0",
         "2:1: only packets that are expected ('>') may come at a range of times"},
        {"0 `a`\n* %{ }%", "2:1: only packets that are expected ('>') may come at any time"},
        {"0 `a`\n+0...1 > . 1:1(0)", "2:1: only a system call can have an end ('...')"},
        {"0 `a`\n+0...1 `b`", "2:1: only a system call can have an end ('...')"},
        {"0 `a`\n+1...0.5 read(3) = 0", "2:1: this time ends before it begins"},
        {"0 `a`\n+1~+.5 > . 1:1(0)", "2:1: this time ends before it begins"},
        {"0 `a`\n1000000001 `b`", "2:1: a time of more than 1000000000 seconds"},
        {"0 `a`\n10000000000.0 `b`", "2:1: a time of more than 1000000000 seconds"},
        {"0 `a`\n1000000000 `b`\n+.1 `c`", "3:1: the script lasts more than 1000000000 seconds"},
        {"0 `a`\n1000000000.1 `b`", "2:1: a time of more than 1000000000 seconds"},
        {"0 `a`\n+ `b`", "2:3: expected a time in seconds, found the command 'b'"},
        {"0 `a`\n+0",
         "2:3: expected '<', '>', a system call, a command or a code block, found the end"},
        {"0 `a`\nread(3) = 0", "2:1: expected the time of an event, found the word 'read'"},
        {"0 `a`\n--mtu=1500", "2:1: expected the time of an event, found the option '--mtu'"},
        {"0 `a` `b` +0 `c`",
         "1:11: expected the end: nothing comes behind the cleanup command, found '+'"},
        {"0 `a` `b` `c`",
         "1:11: expected the end: nothing comes behind the cleanup command, found the command 'c'"},
        {"0 `a`\n+0 1.2.3.4", "2:4: expected '<', '>', a system call, a command or a code block, "
                              "found the address '1.2.3.4'"},
        {"0 `a`\n+0x `b`", "2:2: expected a time in seconds, found the word '0x'"},
    };
    CHECK_ROWS(rows);
}

static void test_packets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 <", "1:4: expected TCP flags, udp, icmp or an encapsulation, found the end"},
        {"0 < . 1:1(0)",
         "1:13: expected 'win': a packet that is sent needs a window, found the end"},
        {"0 > . 1:2(0)", "1:9: 1:2(0) does not add up, the end would be 1"},
        {"0 > . 4294967295:1(1)", "1:18: 4294967295:1(1) does not add up, the end would be 0"},
        {"0 > . 1", "1:8: expected ':', found the end"},
        {"0 > . 1:1", "1:10: expected '(', found the end"},
        {"0 > . -1:1(2)",
         "1:7: expected a sequence number from 0 to 4294967295, found the number '-1'"},
        {"0 > . 1:4294967296(0)", "1:9: expected the end of SEQ:END(LEN) from 0 to 4294967295, "
                                  "found the number '4294967296'"},
        {"0 > . 1:70001(70000)",
         "1:15: expected a length from 0 to 65535, found the number '70000'"},
        {"0 > . 1:1(0) win 65536",
         "1:18: expected a window from 0 to 65535, found the number '65536'"},
        {"0 > . 1:1(0) ack", "1:17: expected an acknowledgment number, found the end"},
        {"0 > . 1:1(0) win 1 ack 1",
         "1:20: expected the time of an event, found the keyword 'ack'"},
        {"0 > . 1:1(0) urg x", "1:18: expected an urgent pointer, found the word 'x'"},
        {"0 > X. 1:1(0)", "1:5: 'X' is no TCP flag: expected F, S, R, P, U, E, W, A, '.', an ACE "
                          "digit behind the dot, or '-' alone"},
        {"0 > SS 1:1(0)", "1:6: the flag 'S' is there twice"},
        {"0 > E.5 1:1(0)", "1:7: an ACE digit excludes E, W and A"},
        {"0 > .5E 1:1(0)", "1:7: an ACE digit excludes E, W and A"},
        {"0 > 5. 1:1(0)", "1:6: expected '>', found '.'"},
        {"0 > S5 1:1(0)", "1:6: an ACE digit stands behind the dot"},
        {"0 > .8 1:1(0)", "1:6: '8' is no TCP flag: expected F, S, R, P, U, E, W, A, '.', an ACE "
                          "digit behind the dot, or '-' alone"},
        {"0 > .12 1:1(0)", "1:7: an ACE digit stands behind the dot"},
        {"0 > -. 1:1(0)", "1:5: '-' is no TCP flag: expected F, S, R, P, U, E, W, A, '.', an ACE "
                          "digit behind the dot, or '-' alone"},
        {"0 > foo 1:1(0)",
         "1:5: expected TCP flags, udp, icmp or an encapsulation, found the word 'foo'"},
        {"0 > 80 > 1:1(0)", "1:11: expected TCP flags, udp, icmp or an encapsulation, found ':'"},
        {"0 > 80 S 1:1(0)", "1:8: expected '>', found the word 'S'"},
        {"0 > 80 > 65536 S 1:1(0)",
         "1:10: expected a port from 0 to 65535, found the number '65536'"},
        {"0 < [ect01] . 1:1(0) win 1",
         "1:6: ect01 is for packets that are expected, not for one sent"},
        {"0 > [ect3] . 1:1(0)", "1:6: expected noecn, ect0, ect1, ce, ect01, tos, ttl or "
                                "flowlabel, found the word 'ect3'"},
        {"0 > [ect0) . 1:1(0)", "1:10: expected ']', found ')'"},
        {"0 > [tos 256] . 1:1(0)", "1:10: expected a TOS from 0 to 255, found the number '256'"},
        {"0 > [ttl 1,flowlabel 1] . 1:1(0)", "1:11: expected ']', found ','"},
        {"0 > [ect0,tos 1] . 1:1(0)", "1:11: expected 'flowlabel', found the keyword 'tos'"},
        {"0 > [flowlabel 0x100000] . 1:1(0)",
         "1:16: expected a flow label from 0 to 1048575, found the number '0x100000'"},
        {"0 > [] . 1:1(0)",
         "1:6: expected noecn, ect0, ect1, ce, ect01, tos, ttl or flowlabel, found ']'"},
        {"0 > . 1:1(0) ack 1 <nop>", "1:20: these options have 1 bytes, which is no multiple of 4"},
        {"0 > udp 53 (40)", "1:12: expected '>', found '('"},
        {"0 > udp", "1:8: expected '(', found the end"},
        {"0 > udp (65536)", "1:10: expected a length from 0 to 65535, found the number '65536'"},
        {"0 > 1 > 2 udp 3 > 4 (5)", "1:15: expected '(', found the number '3'"},
        {"0 > . 1:1(0) ack 5 win 5 extra",
         "1:26: expected the time of an event, found the word 'extra'"},
    };
    CHECK_ROWS(rows);
}

static void test_options(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 < . 1:1(0) win 1 <...>", "1:21: <...> is for packets that are expected"},
        {"0 > . 1:1(0) <>", "1:15: expected a TCP option (nop, eol, mss, wscale, sackOK, sack, TS, "
                            "md5, FO, FOEXP, ECN), found '>'"},
        {"0 > . 1:1(0) <nop,nop,nop>",
         "1:14: these options have 3 bytes, which is no multiple of 4"},
        {"0 > . 1:1(0) <mss>", "1:18: expected an MSS, found '>'"},
        {"0 > . 1:1(0) <mss 65536>",
         "1:19: expected an MSS from 0 to 65535, found the number '65536'"},
        {"0 > . 1:1(0) <wscale 256,nop>",
         "1:22: expected a window scale from 0 to 255, found the number '256'"},
        {"0 > . 1:1(0) <foo>", "1:15: expected a TCP option (nop, eol, mss, wscale, sackOK, sack, "
                               "TS, md5, FO, FOEXP, ECN), found the word 'foo'"},
        {"0 > . 1:1(0) <nop,nop", "1:22: expected ',' or '>', found the end"},
        {"0 > . 1:1(0) <nop nop>", "1:19: expected ',' or '>', found the keyword 'nop'"},
        {"0 > . 1:1(0) <nop,nop,sack>", "1:27: expected a SACK block A:B, found '>'"},
        {"0 > . 1:1(0) <nop,nop,sack 1>", "1:29: expected ':', found '>'"},
        {"0 > . 1:1(0) <sack 1:2 2:3 3:4 4:5 5:6>", "1:36: more than 4 SACK blocks"},
        {"0 > . 1:1(0) <TS val 1 ecr 2,sack 1:2 2:3 3:4 4:5>",
         "1:14: these options make a header of more than 60 bytes"},
        {"0 > . 1:1(0) <TS 1 2>", "1:18: expected 'val', found the number '1'"},
        {"0 > . 1:1(0) <TS val 1>", "1:23: expected 'ecr', found '>'"},
        {"0 > . 1:1(0) <md5>", "1:18: expected the digest as hexadecimal digits, found '>'"},
        {"0 > . 1:1(0) <md5 abc>",
         "1:19: expected the digest as hexadecimal digits, found the word 'abc'"},
        {"0 > . 1:1(0) <FO xyz1>",
         "1:18: expected a cookie as hexadecimal digits, ',' or '>', found the word 'xyz1'"},
        {"0 > . 1:1(0) <FO 000102030405060708090a0b0c0d0e0f10>", "1:18: more than 16 bytes"},
        {"0 > . 1:1(0) <ECN>", "1:18: expected 'e0b' or 'e1b', found '>'"},
        {"0 > . 1:1(0) <ECN ceb 1>", "1:19: expected 'e0b' or 'e1b', found the keyword 'ceb'"},
        {"0 > . 1:1(0) <ECN e0b 16777216>",
         "1:23: expected a counter from 0 to 16777215, found the number '16777216'"},
        {"0 > . 1:1(0) <ECN e0b 1 e1b 2>", "1:25: expected ',' or '>', found the keyword 'e1b'"},
        {"0 > . 1:1(0) <..., nop>", "1:18: expected '>', found ','"},
        {"0 > . 1:1(0) <nop,...>", "1:19: expected a TCP option (nop, eol, mss, wscale, sackOK, "
                                   "sack, TS, md5, FO, FOEXP, ECN), found '...'"},
        {"0 > . 1:1(0) "
         "<nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,"
         "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop>",
         "1:14: these options make a header of more than 60 bytes"},
        {"0 > . 1:1(0) "
         "<nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,"
         "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop>",
         "1:14: these options make a header of more than 60 bytes"},
    };
    CHECK_ROWS(rows);
}

static void test_icmp(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 < icmp", "1:9: expected an ICMP type, found the end"},
        {"0 < icmp foo", "1:10: expected an ICMP type, found the word 'foo'"},
        {"0 < icmp type_256", "1:10: expected an ICMP type, found the word 'type_256'"},
        {"0 < icmp type_", "1:10: expected an ICMP type, found the word 'type_'"},
        {"0 < icmp packet_too_big", "1:10: expected an ICMP type, found the word 'packet_too_big'"},
        {"0 < icmp unreachable foo",
         "1:22: expected a code of this ICMP type, mtu, id or '[', found the word 'foo'"},
        {"0 < icmp unreachable code_999",
         "1:22: expected a code of this ICMP type, mtu, id or '[', found the word 'code_999'"},
        {"0 < icmp echo_request frag_needed",
         "1:23: expected a code of this ICMP type, mtu, id or '[', found the word 'frag_needed'"},
        {"0 < icmp unreachable mtu 5", "1:22: mtu goes with unreachable frag_needed only"},
        {"0 < icmp unreachable frag_needed mtu 65536",
         "1:38: expected an MTU from 0 to 65535, found the number '65536'"},
        {"0 < icmp unreachable [1:2(3)]", "1:25: 1:2(3) does not add up, the end would be 4"},
        {"0 < icmp unreachable [foo]", "1:23: expected a sequence number, found the word 'foo'"},
        {"0 < icmp unreachable [udp 40]", "1:27: expected '(', found the number '40'"},
        {"0 < icmp unreachable [raw (1)", "1:30: expected ']', found the end"},
        {"0 < icmp echo_request id 65536",
         "1:26: expected an identifier from 0 to 65535, found the number '65536'"},
        {"0 < icmp echo_request id 1 id 2",
         "1:28: expected the time of an event, found the keyword 'id'"},
        {"--ip_version=ipv6\n0 < icmp source_quench",
         "2:10: expected an ICMPv6 type, found the word 'source_quench'"},
        {"--ip_version=ipv6\n0 < icmp unreachable mtu 5",
         "2:22: mtu goes with packet_too_big only"},
        {"--ip_version=ipv4-mapped-ipv6\n0 < icmp packet_too_big",
         "2:10: expected an ICMP type, found the word 'packet_too_big'"},
    };
    CHECK_ROWS(rows);
}

static void test_encapsulations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 < ipv4 1.2.3.4 : . 1:1(0) win 1", "1:18: expected '>', found ':'"},
        {"0 < ipv4 1.2.3.4 > fd00::1: . 1:1(0) win 1",
         "1:20: expected an IPv4 address, found the address 'fd00::1'"},
        {"0 < ipv6 1.2.3.4 > fd00::1: . 1:1(0) win 1",
         "1:10: expected an IPv6 address, found the address '1.2.3.4'"},
        {"0 < ipv4 1.2.3.4 > 300.2.3.4: . 1:1(0) win 1",
         "1:20: expected an IPv4 address, found the address '300.2.3.4'"},
        {"0 < ipv4 1.2.3.4 > 1.2.3.4 . 1:1(0) win 1", "1:28: expected ':', found '.'"},
        {"0 < gre flags [foo present]: . 1:1(0) win 1",
         "1:16: expected none, checksum, key or sequence, found the word 'foo'"},
        {"0 < gre flags [key]: . 1:1(0) win 1", "1:19: expected 'present', found ']'"},
        {"0 < gre flags: . 1:1(0) win 1",
         "1:14: expected the flags, as a number or in '[', found ':'"},
        {"0 < mpls: . 1:1(0) win 1", "1:9: expected '(', found ':'"},
        {"0 < mpls (label 1048576, tc 0, ttl 1): . 1:1(0) win 1",
         "1:17: expected a label from 0 to 1048575, found the number '1048576'"},
        {"0 < mpls (label 1, tc 8, ttl 1): . 1:1(0) win 1",
         "1:23: expected a traffic class from 0 to 7, found the number '8'"},
        {"0 < mpls (label 1, tc 1, [T], ttl 1): . 1:1(0) win 1",
         "1:27: expected 'S', found the word 'T'"},
        {"0 < encap psp 5 . 1:1(0) win 1", "1:15: expected 'spi', found the number '5'"},
        {"0 < gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: gre: "
         ". 1:1(0) win 1",
         "1:87: more than 16 encapsulations"},
    };
    CHECK_ROWS(rows);
}

static void test_calls(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 win(3) = 0", "1:3: expected the name of a system call, found the keyword 'win'"},
        {"0 read", "1:7: expected '(', found the end"},
        {"0 read(3", "1:9: expected ',' or ')', found the end"},
        {"0 read(3,) = 0", "1:10: expected a value, found ')'"},
        {"0 read(3 4) = 0", "1:10: expected ',' or ')', found the number '4'"},
        {"0 read(3)", "1:10: expected '=' and the call's result, found the end"},
        {"0 read(3) =", "1:12: expected a value, found the end"},
        {"0 read(3) = -1 EAGAIN", "1:22: expected '(' and a note behind the errno, found the end"},
        {"0 read(3) = -1 EAGAIN (no end", "1:23: this note has no ')'"},
        {"0 read(win) = 0", "1:8: expected a value, found the keyword 'win'"},
        {"0 read(A|) = 0", "1:10: expected a value, found ')'"},
        {"0 read(A = 1) = 0", "1:10: expected ',' or ')', found '='"},
        {"0 read([A = ]) = 0", "1:13: expected a value, found ']'"},
        {"0 read([1 2]) = 0", "1:11: expected ',' or ']', found the number '2'"},
        {"0 read({1, 2]) = 0", "1:13: expected ',' or '}', found ']'"},
        {"0 read([1, 2}) = 0", "1:13: expected ',' or ']', found '}'"},
        {"0 read([1,]) = 0", "1:11: expected a value, found ']'"},
        {"0 read(htons) = 0", "1:13: expected '(', found ')'"},
        {"0 read(htons()) = 0", "1:14: expected a value, found ')'"},
        {"0 read(htons(1, 2)) = 0", "1:15: expected ')', found ','"},
        {"0 read({msg_iov(2) 3}) = 0", "1:20: expected '=', found the number '3'"},
        {"0 read({ack = 3}) = 0", "1:9: expected a value, found the keyword 'ack'"},
        {"0 read(0.5) = 0", "1:8: expected a value, found the number '0.5'"},
        {"0 read([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[) = 0",
         "1:72: more than 64 lists within one another"},
        {"0 "
         "read(A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|"
         "A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A|A) = 0",
         "1:135: more than 64 terms"},
        {"0 read(mpls) = 0", "1:12: expected '(', found ')'"},
        {"0 read(`a`) = 0", "1:8: expected a value, found the command 'a'"},
        {"0 read(3) = 0 EAGAIN EAGAIN (x)",
         "1:22: expected '(' and a note behind the errno, found the word 'EAGAIN'"},
        {"0 read(1.2.3.4) = 0", "1:8: expected a value, found the address '1.2.3.4'"},
        {"0 read(3) = 0 (a) (b)", "1:19: expected a time in seconds, found '('"},
    };
    CHECK_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),         cmocka_unit_test(test_settings),
        cmocka_unit_test(test_times),          cmocka_unit_test(test_packets),
        cmocka_unit_test(test_options),        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_encapsulations), cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
