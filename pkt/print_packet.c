/* SPDX-License-Identifier: MIT */
/* Packets as scripts write them. */
#include "pkt/icmp_names.h"
#include "pkt/print_internal.h"

static void print_ip_info(struct print *print, const struct pkt_ip_info *ip)
{
    static const char *const ecn[] = {
        [PKT_ECN_ABSENT] = NULL, [PKT_ECN_NOECN] = "noecn", [PKT_ECN_ECT0] = "ect0",
        [PKT_ECN_ECT1] = "ect1", [PKT_ECN_CE] = "ce",       [PKT_ECN_ECT01] = "ect01",
    };
    bool label = ip->flow_label >= 0;
    if (ecn[ip->ecn] == NULL && ip->tos < 0 && ip->ttl < 0 && !label)
        return;
    print_text(print, "[");
    if (ecn[ip->ecn] != NULL)
        print_text(print, ecn[ip->ecn]);
    else if (ip->tos >= 0)
        print_format(print, "tos 0x%02x", (unsigned)ip->tos);
    else if (ip->ttl >= 0)
        print_format(print, "ttl %d", ip->ttl);
    if (label)
        print_format(print, "%sflowlabel 0x%05llx",
                     ecn[ip->ecn] != NULL || ip->tos >= 0 || ip->ttl >= 0 ? "," : "",
                     (unsigned long long)ip->flow_label);
    print_text(print, "] ");
}

static void print_address(struct print *print, const struct hawser_address *address)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    (void)hawser_address_print(address, text);
    print_text(print, text);
}

/* Only what the tree keeps of it. */
static void print_encap(struct print *print, const struct pkt_encap *encap)
{
    switch (encap->kind) {
    case PKT_ENCAP_IPV4:
    case PKT_ENCAP_IPV6:
        print_text(print, encap->kind == PKT_ENCAP_IPV4 ? "ipv4 " : "ipv6 ");
        print_ip_info(print, &encap->ip);
        print_address(print, &encap->source);
        print_text(print, " > ");
        print_address(print, &encap->destination);
        print_text(print, ": ");
        break;
    case PKT_ENCAP_GRE:
        print_text(print, "gre: ");
        break;
    case PKT_ENCAP_MPLS:
        print_text(print, "mpls (label 0, tc 0, ttl 0): ");
        break;
    case PKT_ENCAP_PSP: /* behind the IP info, not here */
        break;
    }
}

static void print_flags(struct print *print, const struct pkt_tcp *tcp)
{
    static const struct {
        uint16_t flag;
        const char *letter;
    } flags[] = {
        {PKT_SYN, "S"}, {PKT_FIN, "F"}, {PKT_RST, "R"}, {PKT_PSH, "P"}, {PKT_URG, "U"},
        {PKT_ECE, "E"}, {PKT_CWR, "W"}, {PKT_AE, "A"},  {PKT_ACK, "."},
    };
    bool digit = tcp->ace_digit && (tcp->flags & PKT_ACK) != 0;
    unsigned skipped = digit ? PKT_ECE | PKT_CWR | PKT_AE : 0;
    size_t before = print->length;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if ((tcp->flags & flags[i].flag & ~skipped) != 0)
            print_text(print, flags[i].letter);
    }
    if (digit)
        print_format(print, "%u",
                     ((tcp->flags & PKT_AE) != 0 ? 4u : 0u) +
                         ((tcp->flags & PKT_CWR) != 0 ? 2u : 0u) +
                         ((tcp->flags & PKT_ECE) != 0 ? 1u : 0u));
    if (print->length == before)
        print_text(print, "-");
}

/* ---- TCP options ----------------------------------------------------------------------------- */

static void print_blob(struct print *print, const char *name, const struct pkt_option *option)
{
    print_text(print, name);
    for (unsigned i = 0; i < option->count; i++)
        print_format(print, "%s%02x", i == 0 ? " " : "", option->bytes[i]);
}

static void print_acc_ecn(struct print *print, const struct pkt_option *option)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    print_text(print, "ECN");
    for (unsigned i = 0; i < option->count && i < 3; i++)
        print_format(print, " %s %u", orders[option->kind == PKT_OPT_ACC_ECN_1][i],
                     option->counters[i]);
}

static void print_option(struct print *print, const struct pkt_option *option)
{
    switch (option->kind) {
    case PKT_OPT_NOP:
        print_text(print, "nop");
        break;
    case PKT_OPT_EOL:
        print_text(print, "eol");
        break;
    case PKT_OPT_MSS:
        print_format(print, "mss %u", option->value);
        break;
    case PKT_OPT_WSCALE:
        print_format(print, "wscale %u", option->value);
        break;
    case PKT_OPT_SACK_OK:
        print_text(print, "sackOK");
        break;
    case PKT_OPT_SACK:
        print_text(print, "sack");
        for (unsigned i = 0; i < option->count && i < 4; i++)
            print_format(print, " %u:%u", option->sack[i].left, option->sack[i].right);
        break;
    case PKT_OPT_TIMESTAMPS:
        print_format(print, "TS val %u ecr %u", option->ts_val, option->ts_ecr);
        break;
    case PKT_OPT_MD5:
        print_blob(print, "md5", option);
        break;
    case PKT_OPT_FAST_OPEN:
        print_blob(print, "FO", option);
        break;
    case PKT_OPT_FAST_OPEN_EXP:
        print_blob(print, "FOEXP", option);
        break;
    case PKT_OPT_ACC_ECN_0:
    case PKT_OPT_ACC_ECN_1:
        print_acc_ecn(print, option);
        break;
    }
}

static void print_options(struct print *print, const struct pkt_tcp *tcp)
{
    if (tcp->options_kind == PKT_OPTIONS_ANY) {
        print_text(print, " <...>");
    } else if (tcp->options_kind == PKT_OPTIONS_LIST && tcp->options_count != 0) {
        for (size_t i = 0; i < tcp->options_count; i++) {
            print_text(print, i == 0 ? " <" : ",");
            print_option(print, &tcp->options[i]);
        }
        print_text(print, ">");
    }
}

/* ---- protocols ------------------------------------------------------------------------------- */

static void print_range(struct print *print, uint32_t seq, uint32_t length)
{
    print_format(print, "%u:%u(%u)", seq, seq + length, length);
}

static void print_tcp(struct print *print, const struct pkt_tcp *tcp)
{
    print_flags(print, tcp);
    print_text(print, " ");
    print_range(print, tcp->seq, tcp->length);
    if ((tcp->flags & PKT_ACK) != 0 || tcp->ack != 0)
        print_format(print, " ack %u", tcp->ack);
    if (tcp->window >= 0)
        print_format(print, " win %d", tcp->window);
    if (tcp->urgent >= 0)
        print_format(print, " urg %d", tcp->urgent);
    print_options(print, tcp);
}

static void print_icmp(struct print *print, const struct pkt_icmp *icmp)
{
    const char *type = pkt_icmp_type_name(icmp->v6, icmp->type);
    const char *code = pkt_icmp_code_name(icmp->v6, icmp->type, icmp->code);
    if (type != NULL)
        print_format(print, "icmp %s", type);
    else
        print_format(print, "icmp type_%u", icmp->type);
    if (code != NULL)
        print_format(print, " %s", code);
    else if (icmp->code != 0)
        print_format(print, " code_%u", icmp->code);
    if (icmp->mtu >= 0)
        print_format(print, " mtu %lld", (long long)icmp->mtu);
    if (icmp->id >= 0)
        print_format(print, " id %d", icmp->id);
    if (icmp->quote == PKT_QUOTE_TCP) {
        print_text(print, " [");
        print_range(print, icmp->quote_seq, icmp->quote_length);
        print_text(print, "]");
    } else if (icmp->quote != PKT_QUOTE_DEFAULT) {
        print_format(print, " [%s (%u)]", icmp->quote == PKT_QUOTE_UDP ? "udp" : "raw",
                     icmp->quote_length);
    }
}

static void print_ports(struct print *print, const struct pkt_packet *packet)
{
    if (packet->has_ports)
        print_format(print, "%u > %u ", packet->source_port, packet->destination_port);
}

void print_packet(struct print *print, const struct pkt_packet *packet)
{
    print_text(print, packet->inbound ? "< " : "> ");
    for (size_t i = 0; i < packet->encap_count; i++)
        print_encap(print, &packet->encaps[i]);
    print_ip_info(print, &packet->ip);
    if (packet->encap_count != 0 && packet->encaps[packet->encap_count - 1].kind == PKT_ENCAP_PSP)
        print_text(print, "encap psp spi 0x0 ");
    switch (packet->kind) {
    case PKT_PACKET_TCP:
        print_ports(print, packet);
        print_tcp(print, &packet->tcp);
        break;
    case PKT_PACKET_UDP:
        print_text(print, "udp ");
        print_ports(print, packet);
        print_format(print, "(%u)", packet->udp_length);
        break;
    case PKT_PACKET_ICMP:
        print_icmp(print, &packet->icmp);
        break;
    }
}

/* ---- by themselves --------------------------------------------------------------------------- */

size_t pkt_print_packet(const struct pkt_packet *packet, char *out, size_t room)
{
    struct print print = {out, room, 0};
    print_packet(&print, packet);
    return print_end(&print);
}

size_t pkt_print_option(const struct pkt_option *option, char *out, size_t room)
{
    struct print print = {out, room, 0};
    print_option(&print, option);
    return print_end(&print);
}

size_t pkt_print_flags(const struct pkt_tcp *tcp, char *out, size_t room)
{
    struct print print = {out, room, 0};
    print_flags(&print, tcp);
    return print_end(&print);
}
