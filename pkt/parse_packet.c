/* SPDX-License-Identifier: MIT */
/* Packets (section 4 of the language): IP info, ports, flags, numbers. */
#include <stdio.h>
#include <string.h>

#include "pkt/parse_internal.h"

/* ---- IP info: one of several forms in ( ) or [ ] --------------------------------------------- */

static enum pkt_ecn accept_ecn(struct parser *parser)
{
    static const char *const names[] = {
        [PKT_ECN_ABSENT] = "",   [PKT_ECN_NOECN] = "noecn", [PKT_ECN_ECT0] = "ect0",
        [PKT_ECN_ECT1] = "ect1", [PKT_ECN_CE] = "ce",       [PKT_ECN_ECT01] = "ect01",
    };
    for (unsigned i = PKT_ECN_NOECN; i <= PKT_ECN_ECT01; i++) {
        if (parse_accept_word(parser, names[i]))
            return (enum pkt_ecn)i;
    }
    return PKT_ECN_ABSENT;
}

bool parse_ip_info(struct parser *parser, struct pkt_ip_info *info, bool inbound)
{
    *info = (struct pkt_ip_info){.tos = -1, .flow_label = -1, .ttl = -1};
    char closing = parse_is(parser, '[') ? ']' : ')';
    if (!parse_accept(parser, '[') && !parse_accept(parser, '('))
        return false;
    struct pkt_place place = parser->token.place;
    bool more = true; /* a flow label may follow */
    info->ecn = accept_ecn(parser);
    if (info->ecn == PKT_ECN_ECT01 && inbound)
        parse_fail_at(parser, place, "ect01 is for packets that are expected, not for one sent");
    if (info->ecn == PKT_ECN_ABSENT) {
        if (parse_accept_word(parser, "tos")) {
            info->tos = (int)parse_number(parser, 0, 255, "a TOS");
        } else if (parse_accept_word(parser, "ttl")) {
            info->ttl = (int)parse_number(parser, 0, 255, "a TTL");
            more = false;
        } else if (!parse_is_word(parser, "flowlabel")) {
            parse_expected(parser, "noecn, ect0, ect1, ce, ect01, tos, ttl or flowlabel");
        } else {
            parse_take(parser);
            info->flow_label = parse_number(parser, 0, 0xfffff, "a flow label");
            more = false;
        }
    }
    if (more && parse_accept(parser, ',')) {
        parse_expect_word(parser, "flowlabel");
        info->flow_label = parse_number(parser, 0, 0xfffff, "a flow label");
    }
    parse_expect(parser, closing);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void parse_ports(struct parser *parser, struct pkt_packet *packet)
{
    if (parser->token.kind != LEX_INTEGER && parser->token.kind != LEX_HEX)
        return;
    packet->has_ports = true;
    packet->source_port = (uint16_t)parse_number(parser, 0, UINT16_MAX, "a port");
    parse_expect(parser, '>');
    packet->destination_port = (uint16_t)parse_number(parser, 0, UINT16_MAX, "a port");
}

uint32_t parse_in_parentheses(struct parser *parser, const char *what)
{
    parse_expect(parser, '(');
    uint32_t length = (uint32_t)parse_number(parser, 0, UINT16_MAX, what);
    parse_expect(parser, ')');
    return length;
}

void parse_range(struct parser *parser, uint32_t *seq, uint32_t *length)
{
    *seq = (uint32_t)parse_number(parser, 0, UINT32_MAX, "a sequence number");
    parse_expect(parser, ':');
    struct pkt_place place = parser->token.place;
    uint32_t end = (uint32_t)parse_number(parser, 0, UINT32_MAX, "the end of SEQ:END(LEN)");
    *length = parse_in_parentheses(parser, "a length");
    if (end != *seq + *length)
        parse_fail_at(parser, place, "%u:%u(%u) does not add up, the end would be %u", *seq, end,
                      *length, *seq + *length);
}

/* ---- flags ----------------------------------------------------------------------------------- */

static bool in_flags(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static uint16_t flag_of(char letter)
{
    static const struct {
        char letter;
        uint16_t flag;
    } flags[] = {
        {'F', PKT_FIN}, {'S', PKT_SYN}, {'R', PKT_RST}, {'P', PKT_PSH}, {'.', PKT_ACK},
        {'U', PKT_URG}, {'E', PKT_ECE}, {'W', PKT_CWR}, {'A', PKT_AE},
    };
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i].letter == letter)
            return flags[i].flag;
    }
    return 0;
}

/* An ACE field (RFC 9768 2.1) as a digit behind the dot: AE, CWR and ECE. */
static uint16_t ace_flags(unsigned digit)
{
    return (uint16_t)(((digit & 4) != 0 ? PKT_AE : 0) | ((digit & 2) != 0 ? PKT_CWR : 0) |
                      ((digit & 1) != 0 ? PKT_ECE : 0));
}

static void read_flags(struct parser *parser, const struct lex_token *run, struct pkt_tcp *tcp)
{
    bool digit_seen = false;
    for (size_t i = 0; i < run->length && !parser->failed; i++) {
        struct pkt_place place = {run->place.line, run->place.column + (unsigned)i};
        char c = run->text[i];
        uint16_t flag = flag_of(c);
        if (c >= '0' && c <= '7') {
            if (i == 0 || run->text[i - 1] != '.')
                parse_fail_at(parser, place, "an ACE digit stands behind the dot");
            else if ((tcp->flags & (PKT_AE | PKT_CWR | PKT_ECE)) != 0)
                parse_fail_at(parser, place, "an ACE digit excludes E, W and A");
            digit_seen = true;
            tcp->ace_digit = c != '0'; /* 0 is as no digit */
            tcp->flags |= ace_flags((unsigned)(c - '0'));
        } else if (flag == 0) {
            parse_fail_at(parser, place,
                          "'%c' is no TCP flag: expected F, S, R, P, U, E, W, A, '.', an ACE digit "
                          "behind the dot, or '-' alone",
                          c);
        } else if (digit_seen && (flag & (PKT_AE | PKT_CWR | PKT_ECE)) != 0) {
            parse_fail_at(parser, place, "an ACE digit excludes E, W and A");
        } else if ((tcp->flags & flag) != 0) {
            parse_fail_at(parser, place, "the flag '%c' is there twice", c);
        }
        tcp->flags |= flag;
    }
}

/* The flags are no token: they are read as one run of characters. */
static void parse_flags(struct parser *parser, struct pkt_tcp *tcp)
{
    struct lex_token run;
    lex_rewind(&parser->lexer, &parser->token);
    lex_run(&parser->lexer, in_flags, &run);
    const struct pkt_define *define = lex_define(&parser->lexer, run.text, run.length);
    if (define != NULL) {
        run.text = define->value;
        run.length = strlen(define->value);
    }
    if (run.length == 0) {
        parse_take(parser);
        parse_expected(parser, "TCP flags, udp, icmp or an encapsulation");
        return;
    }
    if (run.length != 1 || run.text[0] != '-')
        read_flags(parser, &run, tcp);
    parse_take(parser);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void parse_tcp(struct parser *parser, struct pkt_packet *packet)
{
    struct pkt_tcp *tcp = &packet->tcp;
    parse_flags(parser, tcp);
    parse_range(parser, &tcp->seq, &tcp->length);
    if (parse_accept_word(parser, "ack"))
        tcp->ack = (uint32_t)parse_number(parser, 0, UINT32_MAX, "an acknowledgment number");
    if (parse_accept_word(parser, "win"))
        tcp->window = (int32_t)parse_number(parser, 0, UINT16_MAX, "a window");
    else if (packet->inbound)
        parse_expected(parser, "'win': a packet that is sent needs a window");
    if (parse_accept_word(parser, "urg"))
        tcp->urgent = (int32_t)parse_number(parser, 0, UINT16_MAX, "an urgent pointer");
    if (parse_accept(parser, '<'))
        parse_tcp_options(parser, packet);
}

static void parse_udp(struct parser *parser, struct pkt_packet *packet)
{
    packet->kind = PKT_PACKET_UDP;
    if (parser->token.kind != LEX_INTEGER || packet->has_ports) {
        packet->udp_length = parse_in_parentheses(parser, "a length");
        return;
    }
    parse_ports(parser, packet);
    packet->udp_length = parse_in_parentheses(parser, "a length");
}

/* Protocols that other suites have: such a script is a skip, and the rest of it is not read. */
static bool is_foreign(struct parser *parser)
{
    static const char *const names[] = {"sctp", "udplite"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (parse_is_word(parser, names[i])) {
            if (parser->script->options.unsupported == NULL)
                parser->script->options.unsupported = names[i];
            parser->lexer.position = parser->lexer.length;
            parser->lexer.conditions = 0;
            parse_take(parser);
            return true;
        }
    }
    return false;
}

void parse_packet(struct parser *parser, struct pkt_packet *packet)
{
    packet->inbound = parse_is(parser, '<');
    packet->tcp.window = packet->tcp.urgent = -1;
    packet->icmp.id = -1;
    packet->icmp.mtu = -1;
    parse_take(parser);
    parse_encaps(parser, packet);
    (void)parse_ip_info(parser, &packet->ip, packet->inbound);
    if (parse_is_word(parser, "encap"))
        parse_encap_psp(parser, packet);
    parse_ports(parser, packet);
    if (parse_accept_word(parser, "udp")) {
        parse_udp(parser, packet);
    } else if (!packet->has_ports && parse_accept_word(parser, "icmp")) {
        packet->kind = PKT_PACKET_ICMP;
        packet->icmp.v6 = parser->script->options.family == PKT_IPV6;
        parse_icmp(parser, &packet->icmp);
    } else if (!is_foreign(parser)) {
        packet->kind = PKT_PACKET_TCP;
        parse_tcp(parser, packet);
    }
}
