/* SPDX-License-Identifier: MIT */
/* Encapsulations (section 4.8). They are checked and counted, not kept: Hawser has none, and such a
 * script is a skip. */
#include <string.h>

#include "pkt/parse_internal.h"

#define ENCAPS_MAX 16u

static void parse_address(struct parser *parser, bool v6, struct hawser_address *out)
{
    char text[HAWSER_ADDRESS_TEXT_MAX] = "";
    const struct lex_token *token = &parser->token;
    bool right = token->kind == (v6 ? LEX_IPV6 : LEX_IPV4) && token->length < sizeof text;
    if (right)
        memcpy(text, token->text, token->length);
    if (!right || hawser_address_scan(text, out) != 0)
        parse_expected(parser, v6 ? "an IPv6 address" : "an IPv4 address");
    else
        parse_take(parser);
}

/* none, or a comma list of what is present; or a number. */
static void parse_gre_flags(struct parser *parser)
{
    if (!parse_accept(parser, '[')) {
        (void)parse_number(parser, 0, UINT16_MAX, "the flags, as a number or in '['");
        return;
    }
    do {
        if (parse_accept_word(parser, "none"))
            continue;
        if (!parse_accept_word(parser, "checksum") && !parse_accept_word(parser, "key") &&
            !parse_accept_word(parser, "sequence") && !parse_accept_word(parser, "sequence#"))
            parse_expected(parser, "none, checksum, key or sequence");
        parse_expect_word(parser, "present");
    } while (parse_accept(parser, ','));
    parse_expect(parser, ']');
}

/* gre, or gre flags … sum N off N key = N seq N, with or without commas. */
void parse_gre(struct parser *parser)
{
    static const char *const fields[] = {"sum", "off", "key", "seq"};
    if (!parse_accept_word(parser, "flags") && !parse_accept_word(parser, "Flags"))
        return;
    parse_gre_flags(parser);
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        (void)parse_accept(parser, ',');
        if (!parse_accept_word(parser, fields[i]))
            continue;
        (void)parse_accept(parser, '=');
        (void)parse_number(parser, 0, UINT32_MAX, "a GRE field");
    }
}

/* (label N, tc N, [S], ttl N), as often as there are labels. */
void parse_mpls_stack(struct parser *parser)
{
    do {
        parse_expect(parser, '(');
        parse_expect_word(parser, "label");
        (void)parse_number(parser, 0, 0xfffff, "a label");
        parse_expect(parser, ',');
        parse_expect_word(parser, "tc");
        (void)parse_number(parser, 0, 7, "a traffic class");
        parse_expect(parser, ',');
        if (parse_accept(parser, '[')) {
            parse_expect_word(parser, "S");
            parse_expect(parser, ']');
            parse_expect(parser, ',');
        }
        parse_expect_word(parser, "ttl");
        (void)parse_number(parser, 0, 255, "a TTL");
        parse_expect(parser, ')');
        (void)parse_accept(parser, ',');
    } while (parse_is(parser, '('));
}

static void parse_encap_ip(struct parser *parser, struct pkt_encap *encap, bool inbound)
{
    bool v6 = encap->kind == PKT_ENCAP_IPV6;
    (void)parse_ip_info(parser, &encap->ip, inbound);
    parse_address(parser, v6, &encap->source);
    parse_expect(parser, '>');
    parse_address(parser, v6, &encap->destination);
}

/* Takes the encapsulation's name; false = there is none. */
static bool accept_encap(struct parser *parser, struct pkt_encap *encap)
{
    encap->ip = (struct pkt_ip_info){.tos = -1, .flow_label = -1, .ttl = -1};
    if (parse_accept_word(parser, "ipv4"))
        encap->kind = PKT_ENCAP_IPV4;
    else if (parse_accept_word(parser, "ipv6"))
        encap->kind = PKT_ENCAP_IPV6;
    else if (parse_accept_word(parser, "gre") || parse_accept_word(parser, "GREv0"))
        encap->kind = PKT_ENCAP_GRE;
    else if (parse_accept_word(parser, "mpls"))
        encap->kind = PKT_ENCAP_MPLS;
    else
        return false;
    return true;
}

static void keep(struct parser *parser, struct pkt_packet *packet, const struct pkt_encap *encaps,
                 size_t count)
{
    if (count == 0)
        return;
    struct pkt_encap *kept = pkt_arena_array(parser->arena, count, sizeof *kept);
    memcpy(kept, encaps, count * sizeof *kept);
    packet->encaps = kept;
    packet->encap_count = count;
}

void parse_encaps(struct parser *parser, struct pkt_packet *packet)
{
    struct pkt_encap encaps[ENCAPS_MAX + 1] = {0};
    size_t count = 0;
    for (; accept_encap(parser, &encaps[count]); count++) {
        struct pkt_encap *encap = &encaps[count];
        if (count == ENCAPS_MAX)
            parse_fail_at(parser, parser->last, "more than %u encapsulations", ENCAPS_MAX);
        if (encap->kind == PKT_ENCAP_GRE)
            parse_gre(parser);
        else if (encap->kind == PKT_ENCAP_MPLS)
            parse_mpls_stack(parser);
        else
            parse_encap_ip(parser, encap, packet->inbound);
        parse_expect(parser, ':');
        if (parser->failed)
            return;
    }
    keep(parser, packet, encaps, count);
}

void parse_encap_psp(struct parser *parser, struct pkt_packet *packet)
{
    struct pkt_encap encaps[ENCAPS_MAX + 1] = {0};
    parse_expect_word(parser, "encap");
    parse_expect_word(parser, "psp");
    parse_expect_word(parser, "spi");
    (void)parse_number(parser, 0, UINT32_MAX, "an SPI");
    if (packet->encap_count != 0)
        memcpy(encaps, packet->encaps, packet->encap_count * sizeof *encaps);
    encaps[packet->encap_count] =
        (struct pkt_encap){.kind = PKT_ENCAP_PSP, .ip = {.tos = -1, .flow_label = -1, .ttl = -1}};
    keep(parser, packet, encaps, packet->encap_count + 1);
}
