/* SPDX-License-Identifier: MIT */
/* One printed line for a packet of any kind; the TCP part is in print_tcp.c. */
#include "wire/print.h"

#include "base/bytes.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/print_impl.h"

#define UDP_HEADER_BYTES 8u

void print_address(struct text *t, const struct hawser_address *a)
{
    char buffer[ADDRESS_TEXT_MAX];

    text_bytes(t, buffer, address_print(a, buffer));
}

void print_endpoint(struct text *t, const struct hawser_address *a, uint16_t port)
{
    print_address(t, a);
    text_field(t, ".", port);
}

static void print_mac(struct text *t, const struct mac *m)
{
    for (size_t i = 0; i < sizeof m->b; i++) {
        if (i > 0)
            text_char(t, ':');
        text_hex_byte(t, m->b[i]);
    }
}

/* " 10.0.0.1 > 10.0.0.2:" */
static void print_ends(struct text *t, const struct hawser_address *src,
                       const struct hawser_address *dst)
{
    text_char(t, ' ');
    print_address(t, src);
    text_string(t, " > ");
    print_address(t, dst);
    text_char(t, ':');
}

static void print_protocol(struct text *t, uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTO_ICMP:
        text_string(t, "ICMP");
        break;
    case IP_PROTO_TCP:
        text_string(t, "TCP");
        break;
    case IP_PROTO_UDP:
        text_string(t, "UDP");
        break;
    case IP_PROTO_ICMPV6:
        text_string(t, "ICMP6");
        break;
    default:
        text_field(t, "protocol ", protocol);
        break;
    }
}

static void print_arp(struct text *t, const uint8_t *p, size_t n)
{
    struct arp arp;
    bool known = arp_parse(p, n, &arp);

    text_string(t, "ARP");
    if (known) {
        struct hawser_address sender = address_of_v4(arp.sender_ip);
        struct hawser_address target = address_of_v4(arp.target_ip);
        if (arp.op == ARP_REQUEST) {
            text_string(t, ", Request who-has ");
            print_address(t, &target);
            text_string(t, " tell ");
            print_address(t, &sender);
        } else if (arp.op == ARP_REPLY) {
            text_string(t, ", Reply ");
            print_address(t, &sender);
            text_string(t, " is-at ");
            print_mac(t, &arp.sender_mac);
        } else {
            text_field(t, ", operation ", arp.op);
        }
    } else {
        text_string(t, ", truncated or not for IPv4");
    }
    text_field(t, ", length ", n);
}

static void print_udp(struct text *t, const struct ip_packet *ip)
{
    if (ip->payload_len < UDP_HEADER_BYTES) {
        print_ends(t, &ip->src, &ip->dst);
        text_field(t, " UDP, truncated, length ", ip->payload_len);
        return;
    }
    text_char(t, ' ');
    print_endpoint(t, &ip->src, load_be16(ip->payload));
    text_string(t, " > ");
    print_endpoint(t, &ip->dst, load_be16(ip->payload + 2));
    text_field(t, ": UDP, length ", ip->payload_len - UDP_HEADER_BYTES);
}

static const char *name_of_kind(enum icmp_kind kind)
{
    switch (kind) {
    case ICMP_OTHER:
        break;
    case ICMP_ECHO_REQUEST:
        return "echo request";
    case ICMP_ECHO_REPLY:
        return "echo reply";
    case ICMP_UNREACHABLE_NET:
        return "net unreachable";
    case ICMP_UNREACHABLE_HOST:
        return "host unreachable";
    case ICMP_UNREACHABLE_PROTOCOL:
        return "protocol unreachable";
    case ICMP_UNREACHABLE_PORT:
        return "port unreachable";
    case ICMP_PROHIBITED:
        return "unreachable - admin prohibited";
    case ICMP_PACKET_TOO_BIG:
        return "packet too big";
    case ICMP_TIME_EXCEEDED:
        return "time exceeded";
    case ICMP_PARAMETER_PROBLEM:
        return "parameter problem";
    case ICMP_SOURCE_QUENCH:
        return "source quench";
    case ICMP_NEIGHBOUR_SOLICITATION:
        return "neighbor solicitation";
    case ICMP_NEIGHBOUR_ADVERTISEMENT:
        return "neighbor advertisement";
    case ICMP_ROUTER_ADVERTISEMENT:
        return "router advertisement";
    case ICMP_ROUTER_SOLICITATION:
        return "router solicitation";
    }
    return NULL;
}

/* ", about TCP 10.0.0.1.40000 > 10.0.0.2.80 seq 5" */
static void print_quote(struct text *t, const struct icmp_quote *q)
{
    text_string(t, ", about ");
    print_protocol(t, q->protocol);
    text_char(t, ' ');
    if (!q->has_transport) {
        print_address(t, &q->src);
        text_string(t, " > ");
        print_address(t, &q->dst);
        return;
    }
    print_endpoint(t, &q->src, q->src_port);
    text_string(t, " > ");
    print_endpoint(t, &q->dst, q->dst_port);
    text_field(t, " seq ", q->seq.v);
}

static void print_icmp_message(struct text *t, const struct icmp *icmp)
{
    const char *name = name_of_kind(icmp->kind);

    if (name != NULL) {
        text_string(t, name);
    } else {
        text_field(t, "type ", icmp->type);
        text_field(t, " code ", icmp->code);
    }
    if (icmp->kind == ICMP_ECHO_REQUEST || icmp->kind == ICMP_ECHO_REPLY) {
        text_field(t, ", id ", icmp->echo_id);
        text_field(t, ", seq ", icmp->echo_seq);
    }
    if (icmp->kind == ICMP_PACKET_TOO_BIG)
        text_field(t, ", mtu ", icmp->mtu);
    if (icmp->kind == ICMP_NEIGHBOUR_SOLICITATION || icmp->kind == ICMP_NEIGHBOUR_ADVERTISEMENT) {
        text_string(t, icmp->kind == ICMP_NEIGHBOUR_SOLICITATION ? ", who has " : ", tgt is ");
        print_address(t, &icmp->target);
    }
    if (icmp->has_quote)
        print_quote(t, &icmp->quote);
}

static void print_icmp(struct text *t, const struct ip_packet *ip)
{
    bool v6 = ip->version == 6;
    struct icmp icmp;
    enum icmp_parse verdict =
        v6 ? icmpv6_parse(ip->payload, ip->payload_len, &ip->src, &ip->dst, &icmp)
           : icmpv4_parse(ip->payload, ip->payload_len, &icmp);

    print_ends(t, &ip->src, &ip->dst);
    text_string(t, v6 ? " ICMP6, " : " ICMP ");
    switch (verdict) {
    case ICMP_PARSE_OK:
        print_icmp_message(t, &icmp);
        break;
    case ICMP_PARSE_SHORT:
        text_string(t, "truncated");
        break;
    case ICMP_PARSE_CHECKSUM:
        text_field(t, "type ", icmp.type);
        text_string(t, ", bad checksum");
        break;
    case ICMP_PARSE_BAD:
        text_field(t, "type ", icmp.type);
        text_string(t, ", malformed");
        break;
    }
    text_field(t, ", length ", ip->payload_len);
}

static void print_fragment(struct text *t, const struct ip_packet *ip)
{
    print_ends(t, &ip->src, &ip->dst);
    text_string(t, " fragment of ");
    print_protocol(t, ip->protocol);
    text_field(t, ", id ", ip->fragment_id);
    text_field(t, ", bytes ", ip->fragment_offset);
    text_field(t, ":", ip->fragment_offset + ip->payload_len);
    if (ip->more_fragments)
        text_string(t, ", more follow");
    text_field(t, ", length ", ip->payload_len);
}

static void print_payload(struct text *t, const struct ip_packet *ip)
{
    if (ip->is_fragment) {
        print_fragment(t, ip);
    } else if (ip->protocol == IP_PROTO_TCP) {
        print_tcp(t, ip);
    } else if (ip->protocol == IP_PROTO_UDP) {
        print_udp(t, ip);
    } else if (ip->protocol == (ip->version == 6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP)) {
        print_icmp(t, ip);
    } else {
        print_ends(t, &ip->src, &ip->dst);
        text_char(t, ' ');
        print_protocol(t, ip->protocol);
        text_field(t, ", length ", ip->payload_len);
    }
}

static void print_ip(struct text *t, const uint8_t *p, size_t n)
{
    struct ip_packet ip;
    enum ip_parse verdict = ip_parse(p, n, &ip);

    text_string(t, ip.version == 6 ? "IP6" : "IP");
    if (verdict == IP_PARSE_OK) {
        print_payload(t, &ip);
        return;
    }
    if (ip.version != 0)
        print_ends(t, &ip.src, &ip.dst);
    switch (verdict) {
    case IP_PARSE_OK:
    case IP_PARSE_SHORT:
        text_string(t, " truncated, or lengths that contradict each other");
        break;
    case IP_PARSE_VERSION:
        if (ip.version == 6)
            text_string(t, " an IPv4-mapped address");
        else
            text_field(t, " version ", p[0] >> 4);
        break;
    case IP_PARSE_CHECKSUM:
        text_string(t, " bad header checksum");
        break;
    case IP_PARSE_OPTIONS:
        text_string(t, " source route or malformed options");
        break;
    case IP_PARSE_PARAMETER:
        text_field(t, " parameter problem, code ", ip.problem_code);
        text_field(t, ", at ", ip.problem_pointer);
        break;
    }
    text_field(t, ", length ", n);
}

static void print_ethernet(struct text *t, const uint8_t *p, size_t n)
{
    struct ether ether;

    if (!ether_parse(p, n, &ether)) {
        text_field(t, "ethernet, truncated or not Ethernet II, length ", n);
        return;
    }
    p += ETHER_HEADER_BYTES;
    n -= ETHER_HEADER_BYTES;
    switch (ether.type) {
    case ETHER_TYPE_ARP:
        print_arp(t, p, n);
        break;
    case ETHER_TYPE_IPV4:
    case ETHER_TYPE_IPV6:
        print_ip(t, p, n);
        break;
    default:
        print_mac(t, &ether.src);
        text_string(t, " > ");
        print_mac(t, &ether.dst);
        text_string(t, ", ethertype 0x");
        text_hex_byte(t, (uint8_t)(ether.type >> 8));
        text_hex_byte(t, (uint8_t)ether.type);
        text_field(t, ", length ", n);
        break;
    }
}

size_t packet_print(bool ethernet, const uint8_t *frame, size_t n, char *out, size_t cap)
{
    struct text t;

    text_init(&t, out, cap);
    if (ethernet)
        print_ethernet(&t, frame, n);
    else
        print_ip(&t, frame, n);
    return t.length;
}
