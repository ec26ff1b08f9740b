/* SPDX-License-Identifier: MIT */
/* Mutants of packets that are expected. What the language does not compare is left alone. */
#include <stdio.h>
#include <string.h>

#include "pkt/mutate_internal.h"
#include "pkt/parse.h"
#include "pkt/print.h"

/* ---- the TCP header -------------------------------------------------------------------------- */

static void mutate_flags(struct mutants *mutants)
{
    static const uint16_t flags[] = {PKT_FIN, PKT_SYN, PKT_RST, PKT_PSH, PKT_ACK,
                                     PKT_URG, PKT_ECE, PKT_CWR, PKT_AE};
    const struct pkt_tcp *tcp = &mutants->event->packet.tcp;
    char before[16], after[16];
    (void)pkt_print_flags(tcp, before, sizeof before);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct pkt_tcp changed = *tcp;
        changed.flags ^= flags[i];
        changed.ace_digit = false;
        (void)pkt_print_flags(&changed, after, sizeof after);
        mutants_add(mutants, PKT_MUTATION_FLAG, "%s becomes %s", before, after)->packet.tcp =
            changed;
    }
}

/* The first SYN of a connection says itself which number its own is: another one there is no other
 * script. One that is sent again must have the same. */
static bool seq_is_given(const struct mutants *mutants)
{
    const struct pkt_packet *packet = &mutants->event->packet;
    if ((packet->tcp.flags & PKT_SYN) == 0)
        return true;
    for (size_t i = mutants->index; i-- > 0;) {
        const struct pkt_event *event = &mutants->script->events[i];
        if (event->kind == PKT_EVENT_CALL &&
            (strcmp(event->call.name, "connect") == 0 || strncmp(event->call.name, "send", 4) == 0))
            return false;
        if (event->kind != PKT_EVENT_PACKET || event->packet.kind != PKT_PACKET_TCP)
            continue;
        uint16_t flags = event->packet.tcp.flags;
        if (event->packet.inbound && (flags & (PKT_SYN | PKT_ACK)) == PKT_SYN)
            return false;
        if (!event->packet.inbound && (flags & PKT_SYN) != 0)
            return event->packet.tcp.seq == packet->tcp.seq;
    }
    return false;
}

static void mutate_numbers(struct mutants *mutants)
{
    const struct pkt_tcp *tcp = &mutants->event->packet.tcp;
    if (seq_is_given(mutants))
        mutants_add(mutants, PKT_MUTATION_SEQ, "seq %u becomes %u", tcp->seq, tcp->seq + 1)
            ->packet.tcp.seq++;
    if ((tcp->flags & PKT_ACK) != 0)
        mutants_add(mutants, PKT_MUTATION_ACK, "ack %u becomes %u", tcp->ack, tcp->ack + 1)
            ->packet.tcp.ack++;
    if (tcp->length < UINT16_MAX)
        mutants_add(mutants, PKT_MUTATION_LENGTH, "length %u becomes %u", tcp->length,
                    tcp->length + 1)
            ->packet.tcp.length++;
    if (tcp->length > 0)
        mutants_add(mutants, PKT_MUTATION_LENGTH, "length %u becomes %u", tcp->length,
                    tcp->length - 1)
            ->packet.tcp.length--;
    if (tcp->window >= 0) {
        int32_t window = tcp->window == UINT16_MAX ? UINT16_MAX - 1 : tcp->window + 1;
        mutants_add(mutants, PKT_MUTATION_WINDOW, "win %d becomes %d", tcp->window, window)
            ->packet.tcp.window = window;
    }
    int32_t urgent = tcp->urgent < 0 ? 1 : tcp->urgent == UINT16_MAX ? 0 : tcp->urgent + 1;
    mutants_add(mutants, PKT_MUTATION_URGENT, "urg %d becomes %d",
                tcp->urgent < 0 ? 0 : tcp->urgent, urgent)
        ->packet.tcp.urgent = urgent;
}

/* ---- TCP options ----------------------------------------------------------------------------- */

/* A mutant with count options in place of the option at index at; the tree is the script's, so the
 * list is copied. */
static void replace_option(struct mutants *mutants, enum pkt_mutation mutation, size_t at,
                           const struct pkt_option *replacement, size_t count)
{
    const struct pkt_tcp *tcp = &mutants->event->packet.tcp;
    size_t rest = tcp->options_count - at - 1;
    struct pkt_option *options =
        pkt_arena_array(mutants->arena, at + count + rest, sizeof *options);
    memcpy(options, tcp->options, at * sizeof *options);
    memcpy(options + at, replacement, count * sizeof *options);
    memcpy(options + at + count, tcp->options + at + 1, rest * sizeof *options);
    char before[120], after[120];
    (void)pkt_print_option(&tcp->options[at], before, sizeof before);
    (void)pkt_print_option(replacement, after, sizeof after);
    struct pkt_event *event =
        count == 1 ? mutants_add(mutants, mutation, "%s becomes %s", before, after)
                   : mutants_add(mutants, mutation, "%s becomes %zu %s", before, count, after);
    event->packet.tcp.options = options;
    event->packet.tcp.options_count = at + count + rest;
}

/* Time stamps are compared only where a tick is given, and only from the second one on: the first
 * is what they are counted from. */
static bool compares_time_stamp(const struct mutants *mutants)
{
    if (mutants->script->options.ts_tick_ns == 0)
        return false;
    for (size_t i = 0; i < mutants->index; i++) {
        const struct pkt_event *event = &mutants->script->events[i];
        if (event->kind != PKT_EVENT_PACKET || event->packet.inbound)
            continue;
        for (size_t k = 0; k < event->packet.tcp.options_count; k++) {
            if (event->packet.tcp.options[k].kind == PKT_OPT_TIMESTAMPS)
                return true;
        }
    }
    return false;
}

static void change_value(struct mutants *mutants, size_t at)
{
    struct pkt_option option = mutants->event->packet.tcp.options[at];
    switch (option.kind) {
    case PKT_OPT_MSS:
    case PKT_OPT_WSCALE: {
        uint32_t most = option.kind == PKT_OPT_MSS ? UINT16_MAX : UINT8_MAX;
        option.value = option.value == most ? most - 1 : option.value + 1;
        break;
    }
    case PKT_OPT_TIMESTAMPS:
        if (!compares_time_stamp(mutants))
            return;
        option.ts_val += 1000000;
        break;
    case PKT_OPT_SACK:
        for (unsigned i = 0; i < option.count; i++) {
            struct pkt_option changed = option;
            changed.sack[i].left++;
            replace_option(mutants, PKT_MUTATION_OPTION, at, &changed, 1);
            changed = option;
            changed.sack[i].right++;
            replace_option(mutants, PKT_MUTATION_OPTION, at, &changed, 1);
        }
        return;
    case PKT_OPT_MD5:
    case PKT_OPT_FAST_OPEN:
    case PKT_OPT_FAST_OPEN_EXP:
        if (option.count == 0)
            return;
        option.bytes[option.count - 1] ^= 1;
        break;
    case PKT_OPT_ACC_ECN_0:
    case PKT_OPT_ACC_ECN_1:
        if (option.count == 0)
            return;
        option.counters[0] ^= 1;
        break;
    case PKT_OPT_NOP:
    case PKT_OPT_EOL:
    case PKT_OPT_SACK_OK:
        return;
    }
    replace_option(mutants, PKT_MUTATION_OPTION, at, &option, 1);
}

static unsigned option_bytes(const struct pkt_option *option)
{
    return pkt_options_bytes(option, 1);
}

static void mutate_options(struct mutants *mutants)
{
    static const struct pkt_option nops[40] = {{.kind = PKT_OPT_NOP}};
    static const struct pkt_option eol = {.kind = PKT_OPT_EOL};
    const struct pkt_tcp *tcp = &mutants->event->packet.tcp;
    if (tcp->options_kind == PKT_OPTIONS_ANY)
        return;
    unsigned bytes = pkt_options_bytes(tcp->options, tcp->options_count);
    for (size_t i = 0; i < tcp->options_count; i++) {
        const struct pkt_option *option = &tcp->options[i];
        change_value(mutants, i);
        if (option->kind == PKT_OPT_NOP)
            replace_option(mutants, PKT_MUTATION_NO_OPTION, i, &eol, 1);
        else
            replace_option(mutants, PKT_MUTATION_NO_OPTION, i, nops, option_bytes(option));
    }
    if (tcp->options_count != 0) {
        struct pkt_event *none =
            mutants_add(mutants, PKT_MUTATION_NO_OPTION, "there are no options");
        none->packet.tcp.options_kind = PKT_OPTIONS_NONE;
        none->packet.tcp.options_count = 0;
    }
    if (bytes + 4 > 40)
        return;
    struct pkt_option *more = pkt_arena_array(mutants->arena, tcp->options_count + 4, sizeof *more);
    if (tcp->options_count != 0)
        memcpy(more, tcp->options, tcp->options_count * sizeof *more);
    memcpy(more + tcp->options_count, nops, 4 * sizeof *more);
    struct pkt_event *event =
        mutants_add(mutants, PKT_MUTATION_NEW_OPTION, "four nop are added to the options");
    event->packet.tcp.options_kind = PKT_OPTIONS_LIST;
    event->packet.tcp.options = more;
    event->packet.tcp.options_count += 4;
}

/* ---- IP, ICMP -------------------------------------------------------------------------------- */

/* Labels are compared with one another only: one that stands alone may be anything. */
static bool label_is_shared(const struct mutants *mutants)
{
    int64_t label = mutants->event->packet.ip.flow_label;
    for (size_t i = 0; i < mutants->script->event_count; i++) {
        const struct pkt_event *event = &mutants->script->events[i];
        if (i != mutants->index && event->kind == PKT_EVENT_PACKET && !event->packet.inbound &&
            event->packet.ip.flow_label == label)
            return true;
    }
    return false;
}

static void mutate_ip(struct mutants *mutants)
{
    static const enum pkt_ecn others[] = {
        [PKT_ECN_ABSENT] = PKT_ECN_ABSENT, [PKT_ECN_NOECN] = PKT_ECN_ECT0,
        [PKT_ECN_ECT0] = PKT_ECN_ECT1,     [PKT_ECN_ECT1] = PKT_ECN_ECT0,
        [PKT_ECN_CE] = PKT_ECN_NOECN,      [PKT_ECN_ECT01] = PKT_ECN_NOECN,
    };
    const struct pkt_ip_info *ip = &mutants->event->packet.ip;
    if (ip->ecn != PKT_ECN_ABSENT)
        mutants_add(mutants, PKT_MUTATION_IP, "the ECN bits are others")->packet.ip.ecn =
            others[ip->ecn];
    if (ip->tos >= 0)
        mutants_add(mutants, PKT_MUTATION_IP, "tos 0x%02x becomes 0x%02x", (unsigned)ip->tos,
                    (unsigned)ip->tos ^ 4)
            ->packet.ip.tos ^= 4;
    if (ip->ttl >= 0)
        mutants_add(mutants, PKT_MUTATION_IP, "ttl %d becomes %d", ip->ttl, ip->ttl ^ 1)
            ->packet.ip.ttl ^= 1;
    if (ip->flow_label >= 0 && label_is_shared(mutants))
        mutants_add(mutants, PKT_MUTATION_IP, "the flow label is another one")
            ->packet.ip.flow_label ^= 0x80000;
}

static void mutate_icmp(struct mutants *mutants)
{
    const struct pkt_icmp *icmp = &mutants->event->packet.icmp;
    mutants_add(mutants, PKT_MUTATION_ICMP, "type %u becomes %u", icmp->type, icmp->type ^ 1u)
        ->packet.icmp.type ^= 1;
    mutants_add(mutants, PKT_MUTATION_ICMP, "code %u becomes %u", icmp->code, icmp->code ^ 1u)
        ->packet.icmp.code ^= 1;
}

/* ---- time, presence -------------------------------------------------------------------------- */

static bool is_range(const struct pkt_time *time)
{
    return time->kind == PKT_TIME_ABSOLUTE_RANGE || time->kind == PKT_TIME_RELATIVE_RANGE;
}

/* Where the previous event was is known as the clock of a run only; no more than start_ns ago,
 * which makes the distance large enough. */
static void mutate_time(struct mutants *mutants)
{
    const struct pkt_time *time = &mutants->event->time;
    if (time->kind == PKT_TIME_ANY)
        return;
    int64_t last_ns = is_range(time) ? time->end_ns : time->start_ns;
    int64_t width_ns = last_ns - time->start_ns;
    int64_t distance_ns = mutants_distance(mutants, last_ns);
    if (distance_ns == 0)
        return;
    struct pkt_time moved = *time;
    char text[80];
    moved.start_ns = last_ns + distance_ns;
    moved.end_ns = is_range(time) ? moved.start_ns + width_ns : time->end_ns;
    (void)pkt_print_time(&moved, text, sizeof text);
    mutants_add(mutants, PKT_MUTATION_LATE, "expected at %s", text)->time = moved;
    moved.start_ns = time->start_ns - distance_ns - width_ns;
    moved.end_ns = is_range(time) ? moved.start_ns + width_ns : time->end_ns;
    if (moved.start_ns < 0)
        return;
    (void)pkt_print_time(&moved, text, sizeof text);
    mutants_add(mutants, PKT_MUTATION_EARLY, "expected at %s", text)->time = moved;
}

/* Without the packet the script still waits as long as it may take to come, so that it is noticed:
 * a pause takes its place. */
static void mutate_presence(struct mutants *mutants)
{
    const struct pkt_time *time = &mutants->event->time;
    struct pkt_event *gone = mutants_add(mutants, PKT_MUTATION_REMOVED, "not expected");
    if (time->kind == PKT_TIME_ANY) {
        mutants->rows[mutants->count - 1].how = PKT_MUTANT_REMOVES;
    } else {
        bool relative = time->kind == PKT_TIME_RELATIVE || time->kind == PKT_TIME_RELATIVE_RANGE;
        int64_t last_ns = is_range(time) ? time->end_ns : time->start_ns;
        *gone = (struct pkt_event){
            .kind = PKT_EVENT_COMMAND,
            .place = mutants->event->place,
            .end = mutants->event->end,
            .time = {.kind = relative ? PKT_TIME_RELATIVE : PKT_TIME_ABSOLUTE, .start_ns = last_ns},
            .text = "sleep 0",
        };
        if (relative)
            gone->time.start_ns += mutants_tolerated(mutants, last_ns);
    }
    struct pkt_event *again =
        mutants_add(mutants, PKT_MUTATION_TWICE, "expected a second time at once");
    again->time = (struct pkt_time){.kind = PKT_TIME_RELATIVE};
    mutants->rows[mutants->count - 1].how = PKT_MUTANT_FOLLOWS;
}

void mutate_packet(struct mutants *mutants)
{
    const struct pkt_packet *packet = &mutants->event->packet;
    if (packet->kind == PKT_PACKET_TCP) {
        mutate_flags(mutants);
        mutate_numbers(mutants);
        mutate_options(mutants);
    } else if (packet->kind == PKT_PACKET_ICMP) {
        mutate_icmp(mutants);
    } else {
        mutants_add(mutants, PKT_MUTATION_LENGTH, "length %u becomes %u", packet->udp_length,
                    packet->udp_length ^ 1u)
            ->packet.udp_length ^= 1;
    }
    mutate_ip(mutants);
    if (packet->has_ports)
        mutants_add(mutants, PKT_MUTATION_PORT, "port %u becomes %u", packet->destination_port,
                    packet->destination_port ^ 1u)
            ->packet.destination_port ^= 1;
    mutate_time(mutants);
    mutate_presence(mutants);
}
