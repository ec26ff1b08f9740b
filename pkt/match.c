/* SPDX-License-Identifier: MIT */
/* Compares a packet with the expected one, field by field. */
#include "pkt/match.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool differs(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool differs(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, PKT_WHY_MAX, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- IP ---------------------------------------------------------------------------------- */

/* Labels are the stack's choice: only what is equal and what is different can be expected. */
static bool label_matches(struct pkt_match *match, uint32_t script, uint32_t live, char *why)
{
    for (size_t i = 0; i < match->label_count; i++) {
        const struct pkt_label *label = &match->labels[i];
        if (label->script == script && label->live == live)
            return true;
        if (label->script == script)
            return differs(why, "flow label 0x%05x was live 0x%05x before and is 0x%05x now",
                           script, label->live, live);
        if (label->live == live)
            return differs(why, "flow labels 0x%05x and 0x%05x are the same live one", script,
                           label->script);
    }
    if (match->label_count == PKT_LABELS_MAX)
        return differs(why, "more than %u flow labels", PKT_LABELS_MAX);
    match->labels[match->label_count++] = (struct pkt_label){script, live};
    return true;
}

static bool ip_matches(struct pkt_match *match, const struct pkt_ip_info *expected,
                       const struct pkt_ip_info *live, char *why)
{
    static const char *const names[] = {"", "noecn", "ect0", "ect1", "ce", "ect01"};
    if (expected->ecn == PKT_ECN_ECT01) {
        if (live->ecn != PKT_ECN_ECT0 && live->ecn != PKT_ECN_ECT1)
            return differs(why, "ECN: expected ect0 or ect1, came %s", names[live->ecn]);
    } else if (expected->ecn != PKT_ECN_ABSENT && expected->ecn != live->ecn) {
        return differs(why, "ECN: expected %s, came %s", names[expected->ecn], names[live->ecn]);
    }
    if (expected->tos >= 0 && expected->tos != live->tos)
        return differs(why, "tos: expected 0x%02x, came 0x%02x", (unsigned)expected->tos,
                       (unsigned)live->tos);
    if (expected->ttl >= 0 && expected->ttl != live->ttl)
        return differs(why, "ttl: expected %d, came %d", expected->ttl, live->ttl);
    if (expected->flow_label >= 0 && live->flow_label >= 0)
        return label_matches(match, (uint32_t)expected->flow_label, (uint32_t)live->flow_label,
                             why);
    return true;
}

/* ---- TCP options ------------------------------------------------------------------------- */

static const char *option_name(enum pkt_option_kind kind)
{
    static const char *const names[] = {
        [PKT_OPT_NOP] = "nop",           [PKT_OPT_EOL] = "eol",
        [PKT_OPT_MSS] = "mss",           [PKT_OPT_WSCALE] = "wscale",
        [PKT_OPT_SACK_OK] = "sackOK",    [PKT_OPT_SACK] = "sack",
        [PKT_OPT_TIMESTAMPS] = "TS",     [PKT_OPT_MD5] = "md5",
        [PKT_OPT_FAST_OPEN] = "FO",      [PKT_OPT_FAST_OPEN_EXP] = "FOEXP",
        [PKT_OPT_ACC_ECN_0] = "ECN e0b", [PKT_OPT_ACC_ECN_1] = "ECN e1b",
    };
    return names[kind];
}

static bool timestamps_match(const struct pkt_match *match, const struct pkt_option *expected,
                             const struct pkt_option *live, char *why)
{
    int64_t ticks = (int32_t)(live->ts_val - expected->ts_val);
    if (match->ts_tick_ns > 0 && llabs(ticks) > match->tolerance_ns / match->ts_tick_ns)
        return differs(why, "TS val: expected %u, came %u", expected->ts_val, live->ts_val);
    if (match->echoes && expected->ts_ecr != live->ts_ecr)
        return differs(why, "TS ecr: expected %u, came %u", expected->ts_ecr, live->ts_ecr);
    return true;
}

static bool option_matches(const struct pkt_match *match, const struct pkt_option *expected,
                           const struct pkt_option *live, unsigned number, char *why)
{
    uint8_t wanted[40], got[40];
    if (expected->kind != live->kind)
        return differs(why, "option %u: expected %s, came %s", number, option_name(expected->kind),
                       option_name(live->kind));
    if (expected->kind == PKT_OPT_TIMESTAMPS)
        return timestamps_match(match, expected, live, why);
    size_t wanted_size = pkt_build_option(expected, wanted);
    size_t got_size = pkt_build_option(live, got);
    if (wanted_size == got_size && memcmp(wanted, got, got_size) == 0)
        return true;
    if (expected->kind == PKT_OPT_MSS || expected->kind == PKT_OPT_WSCALE)
        return differs(why, "%s: expected %u, came %u", option_name(expected->kind),
                       expected->value, live->value);
    if (expected->kind == PKT_OPT_SACK && expected->count == live->count)
        return differs(why, "sack: the blocks are not those expected");
    if (expected->kind == PKT_OPT_SACK)
        return differs(why, "sack: expected %u blocks, came %u", expected->count, live->count);
    return differs(why, "option %u (%s): its value is not the one expected", number,
                   option_name(expected->kind));
}

static bool options_match(const struct pkt_match *match, const struct pkt_tcp *expected,
                          const struct pkt_tcp *live, char *why)
{
    if (expected->options_kind == PKT_OPTIONS_ANY)
        return true;
    size_t least = expected->options_count < live->options_count ? expected->options_count
                                                                 : live->options_count;
    for (size_t i = 0; i < least; i++)
        if (!option_matches(match, &expected->options[i], &live->options[i], (unsigned)i + 1, why))
            return false;
    if (expected->options_count > least)
        return differs(why, "option %zu (%s) is missing", least + 1,
                       option_name(expected->options[least].kind));
    if (live->options_count > least)
        return differs(why, "option %zu (%s) was not expected", least + 1,
                       option_name(live->options[least].kind));
    return true;
}

/* ---- TCP --------------------------------------------------------------------------------- */

static const char *flags_text(uint16_t flags, char out[12])
{
    static const struct {
        uint16_t bit;
        char letter;
    } letters[] = {{PKT_FIN, 'F'}, {PKT_SYN, 'S'}, {PKT_RST, 'R'}, {PKT_PSH, 'P'}, {PKT_ACK, '.'},
                   {PKT_URG, 'U'}, {PKT_ECE, 'E'}, {PKT_CWR, 'W'}, {PKT_AE, 'A'}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if ((flags & letters[i].bit) != 0)
            out[n++] = letters[i].letter;
    if (n == 0)
        out[n++] = '-';
    out[n] = 0;
    return out;
}

static bool tcp_matches(const struct pkt_match *match, const struct pkt_tcp *expected,
                        const struct pkt_live *live, char *why)
{
    const struct pkt_tcp *got = &live->packet.tcp;
    char a[12], b[12];
    int32_t urgent = expected->urgent >= 0 ? expected->urgent : 0;
    if (expected->flags != got->flags)
        return differs(why, "flags: expected %s, came %s", flags_text(expected->flags, a),
                       flags_text(got->flags, b));
    if (live->reserved != 0)
        return differs(why, "reserved header bits are set");
    if (expected->seq != got->seq)
        return differs(why, "sequence number: expected %u, came %u", expected->seq, got->seq);
    if (expected->length != got->length)
        return differs(why, "payload: expected %u bytes, came %u", expected->length, got->length);
    uint32_t ack = (expected->flags & PKT_ACK) != 0 ? expected->ack : 0;
    if (ack != got->ack)
        return differs(why, "acknowledgement: expected %u, came %u", ack, got->ack);
    if (expected->window >= 0 && expected->window != got->window)
        return differs(why, "window: expected %d, came %d", expected->window, got->window);
    if (urgent != got->urgent)
        return differs(why, "urgent pointer: expected %d, came %d", urgent, got->urgent);
    if (!options_match(match, expected, got, why))
        return false;
    if (!live->payload_is_zero)
        return differs(why, "the payload is not all zero");
    return true;
}

bool pkt_match(struct pkt_match *match, const struct pkt_packet *expected,
               const struct pkt_live *live, char why[PKT_WHY_MAX])
{
    static const char *const kinds[] = {"TCP", "UDP", "ICMP"};
    const struct pkt_packet *got = &live->packet;
    if (expected->kind != got->kind)
        return differs(why, "expected %s, came %s", kinds[expected->kind], kinds[got->kind]);
    if (live->fault[0] != 0 &&
        !(expected->kind == PKT_PACKET_TCP && expected->tcp.options_kind == PKT_OPTIONS_ANY &&
          strncmp(live->fault, "an unknown TCP option", 21) == 0))
        return differs(why, "it has %s", live->fault);
    switch (expected->kind) {
    case PKT_PACKET_TCP:
        if (!tcp_matches(match, &expected->tcp, live, why))
            return false;
        break;
    case PKT_PACKET_UDP:
        if (expected->udp_length != got->udp_length)
            return differs(why, "payload: expected %u bytes, came %u", expected->udp_length,
                           got->udp_length);
        if (!live->payload_is_zero)
            return differs(why, "the payload is not all zero");
        break;
    case PKT_PACKET_ICMP:
        if (expected->icmp.type != got->icmp.type || expected->icmp.code != got->icmp.code)
            return differs(why, "ICMP type and code: expected %u and %u, came %u and %u",
                           expected->icmp.type, expected->icmp.code, got->icmp.type,
                           got->icmp.code);
        break;
    }
    return ip_matches(match, &expected->ip, &got->ip, why);
}

/* ---- merging ----------------------------------------------------------------------------- */

static bool options_alike(const struct pkt_live *a, const struct pkt_live *b)
{
    if (a->packet.tcp.options_count != b->packet.tcp.options_count)
        return false;
    for (size_t i = 0; i < a->packet.tcp.options_count; i++) {
        uint8_t left[40], right[40];
        size_t size = pkt_build_option(&a->options[i], left);
        if (a->options[i].kind != b->options[i].kind)
            return false;
        if (a->options[i].kind != PKT_OPT_TIMESTAMPS && /* the clock may have gone on */
            (size != pkt_build_option(&b->options[i], right) || memcmp(left, right, size) != 0))
            return false;
    }
    return true;
}

bool pkt_merge(struct pkt_live *live, const struct pkt_live *next, uint32_t size)
{
    const uint16_t free_flags = PKT_FIN | PKT_PSH | PKT_CWR;
    struct pkt_tcp *tcp = &live->packet.tcp;
    const struct pkt_tcp *more = &next->packet.tcp;
    if (next->packet.kind != PKT_PACKET_TCP || next->fault[0] != 0 ||
        (tcp->flags | free_flags) != (more->flags | free_flags) ||
        more->seq != tcp->seq + tcp->length || more->ack != tcp->ack ||
        more->window != tcp->window || more->urgent != tcp->urgent || more->length == 0 ||
        more->length > size || next->packet.ip.tos != live->packet.ip.tos ||
        !options_alike(live, next))
        return false;
    tcp->flags = (uint16_t)((more->flags & ~PKT_CWR) | (tcp->flags & PKT_CWR));
    tcp->length += more->length;
    live->payload_is_zero = live->payload_is_zero && next->payload_is_zero;
    live->time_ns = next->time_ns;
    return true;
}
