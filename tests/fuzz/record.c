/* SPDX-License-Identifier: MIT */
/* Fuzz target: any capture as a recording. An input is a program of packets between two hosts, now
 * and then damaged or cut; whatever they are, what is written must be a script that can be read,
 * and can be run without harm. */
#include "fuzz/fuzz.h"

#include "pkt/live.h"
#include "pkt/parse.h"
#include "pkt/record.h"

/* Operation: code = which packet: bit 0 who sends, bits 1 and 2 which connection, bits 3 to 7 what
 * is done to it; a = flags, b = options, c = how long after the packet before; d = seq, e = ack,
 * f = length, g = window. */
struct capture {
    struct pkt_record *record;
    struct pkt_ends ends[2];
    uint64_t now_ns;
    uint8_t data[PKT_DATAGRAM_MAX];
};

static struct pkt_ends turned(const struct pkt_ends *ends)
{
    return (struct pkt_ends){.source = ends->destination,
                             .destination = ends->source,
                             .source_port = ends->destination_port,
                             .destination_port = ends->source_port};
}

static size_t choose_options(uint8_t choice, const struct fuzz_op *op, struct pkt_option out[6])
{
    static const enum pkt_option_kind kinds[] = {PKT_OPT_MSS,  PKT_OPT_SACK_OK, PKT_OPT_TIMESTAMPS,
                                                 PKT_OPT_SACK, PKT_OPT_WSCALE,  PKT_OPT_NOP};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if ((choice >> i & 1) == 0)
            continue;
        out[count] = (struct pkt_option){
            .kind = kinds[i], .value = op->g, .ts_val = op->d, .ts_ecr = op->e, .count = 1};
        out[count].sack[0].left = op->d;
        out[count++].sack[0].right = op->g;
    }
    return count;
}

static size_t build(struct capture *capture, const struct fuzz_op *op, const struct pkt_ends *ends)
{
    struct pkt_option options[6];
    struct pkt_packet packet = {
        .ip = {.tos = op->b >> 6 == 3 ? op->c : -1, .flow_label = -1, .ttl = -1},
        .tcp = {.flags = op->a,
                .seq = op->d,
                .ack = op->e,
                .length = op->f % 3000,
                .window = op->g,
                .urgent = (op->a & PKT_URG) != 0 ? op->c : -1,
                .options = options}};
    packet.tcp.options_count = choose_options(op->b & 63, op, options);
    packet.tcp.options_kind = packet.tcp.options_count > 0 ? PKT_OPTIONS_LIST : PKT_OPTIONS_NONE;
    if (op->code >> 3 == 1) {
        packet.kind = PKT_PACKET_ICMP;
        packet.icmp = (struct pkt_icmp){.v6 = !hawser_address_is_v4(&ends->source),
                                        .type = op->a,
                                        .code = op->b,
                                        .id = -1,
                                        .mtu = op->g,
                                        .quote = PKT_QUOTE_TCP,
                                        .quote_seq = op->d,
                                        .quote_length = op->f % 1000};
    }
    return pkt_build(&packet, ends, capture->data, sizeof capture->data);
}

static void add(struct capture *capture, const struct fuzz_op *op)
{
    const struct pkt_ends *first = &capture->ends[op->code >> 1 & 1];
    struct pkt_ends ends = (op->code & 1) != 0 ? turned(first) : *first;
    if ((op->code & 4) != 0)
        ends.source_port++;
    size_t length = build(capture, op, &ends), kept = length;
    if (length == 0)
        return;
    if (op->code >> 3 == 2)
        kept = op->g % (length + 1);
    if (op->code >> 3 == 3)
        capture->data[op->g % length] = op->c;
    if (op->code >> 3 == 4) /* the Ethernet header's padding */
        kept = length = length + op->c < sizeof capture->data ? length + op->c : length;
    capture->now_ns += op->c * UINT64_C(10000000);
    if (op->code >> 3 == 5)
        capture->now_ns = (uint64_t)op->g << 48; /* any clock, back in time too */
    REQUIRE(pkt_record_add(capture->record, capture->now_ns, capture->data, kept, length) == 0);
}

static void check(struct capture *capture, const struct pkt_record_choice *choice,
                  struct pkt_arena *arena)
{
    const char *why = NULL;
    const char *text = pkt_record_script(capture->record, choice, &why);
    struct pkt_script script;
    struct pkt_error error;
    if (text == NULL) {
        REQUIRE(why != NULL && why[0] != 0);
        return;
    }
    fuzz_say("%s", text);
    const struct pkt_parse_input input = {
        .path = "recorded", .text = text, .length = strlen(text), .family = PKT_IPV4};
    if (pkt_parse(&input, arena, &script, &error) != 0) {
        fprintf(stderr, "%s%u:%u: %s\n", text, error.place.line, error.place.column, error.text);
        REQUIRE(false);
    }
    REQUIRE(script.event_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capture capture;
    struct pkt_arena arena = {0};
    struct fuzz_program program;
    struct fuzz_op op;
    fuzz_program_begin(&program, data, size);
    capture = (struct capture){.record = pkt_record_new(&arena)};
    for (unsigned i = 0; i < 2; i++) {
        struct pkt_ends *ends = &capture.ends[i];
        REQUIRE(hawser_address_scan(i == 0 ? "192.0.2.1" : "2001:db8::1", &ends->source) == 0);
        REQUIRE(hawser_address_scan(i == 0 ? "192.0.2.2" : "2001:db8::2", &ends->destination) == 0);
        ends->source_port = 1024;
        ends->destination_port = 8080;
    }
    while (fuzz_next(&program, &op))
        add(&capture, &op);
    uint8_t head = fuzz_head(&program, 0);
    struct pkt_record_choice choice = {.path = "a.pcap",
                                       .has_local = (head & 1) != 0,
                                       .loose = (head & 2) != 0,
                                       .connection = head >> 5,
                                       .local = capture.ends[head >> 2 & 1].source};
    check(&capture, &choice, &arena);
    pkt_arena_free(&arena);
    return 0;
}
