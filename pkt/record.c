/* SPDX-License-Identifier: MIT */
/* The recorder: datagrams of a capture into connections. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/parse.h"
#include "pkt/record_internal.h"

#define LISTED_MAX 20u
#define ERRORS_MAX 256u /* of ICMP about one connection: each looks for its segment */

struct pkt_record *pkt_record_new(struct pkt_arena *arena)
{
    struct pkt_record *record = pkt_arena_alloc(arena, sizeof *record);
    record->arena = arena;
    record->end = &record->first;
    record->scratch = pkt_arena_alloc(arena, PKT_DATAGRAM_MAX);
    record->live = pkt_arena_alloc(arena, sizeof *record->live);
    return record;
}

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* ---- connections -------------------------------------------------------------------------- */

static bool ends_equal(const struct pkt_ends *a, const struct pkt_ends *b)
{
    return memcmp(&a->source, &b->source, sizeof a->source) == 0 &&
           memcmp(&a->destination, &b->destination, sizeof a->destination) == 0 &&
           a->source_port == b->source_port && a->destination_port == b->destination_port;
}

static struct pkt_ends turned(const struct pkt_ends *ends)
{
    return (struct pkt_ends){.source = ends->destination,
                             .destination = ends->source,
                             .source_port = ends->destination_port,
                             .destination_port = ends->source_port};
}

static uint32_t hash_of(const struct hawser_address *address, uint16_t port)
{
    uint32_t hash = 2166136261u ^ port;
    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = (hash ^ address->bytes[i]) * 16777619u;
    return hash * 16777619u;
}

/* The same for both directions. */
static uint32_t bucket_of(const struct pkt_ends *ends)
{
    uint32_t sum = hash_of(&ends->source, ends->source_port) +
                   hash_of(&ends->destination, ends->destination_port);
    return (sum ^ sum >> 16) % RECORD_BUCKETS;
}

/* The latest one between these two ends. */
static struct record_connection *find(const struct pkt_record *record, const struct pkt_ends *ends,
                                      bool *from_first)
{
    const struct pkt_ends other = turned(ends);
    struct record_connection *at = record->buckets[bucket_of(ends)];
    for (; at != NULL; at = at->next_in_bucket) {
        *from_first = ends_equal(&at->ends, ends);
        if (*from_first || ends_equal(&at->ends, &other))
            return at;
    }
    return NULL;
}

static struct record_connection *begin(struct pkt_record *record, const struct pkt_ends *ends)
{
    struct record_connection *connection = pkt_arena_alloc(record->arena, sizeof *connection);
    uint32_t bucket = bucket_of(ends);
    connection->ends = *ends;
    connection->end = &connection->first;
    connection->number = ++record->connections;
    connection->next_in_bucket = record->buckets[bucket];
    record->buckets[bucket] = connection;
    *record->end = connection;
    record->end = &connection->next;
    return connection;
}

bool record_is_over(const struct record_connection *connection)
{
    const struct record_side *sides = connection->sides;
    return sides[0].reset || sides[1].reset || (sides[0].fin_known && sides[1].fin_known);
}

static void learn(struct record_connection *connection, const struct pkt_tcp *tcp, bool from_first)
{
    struct record_side *side = &connection->sides[from_first ? 0 : 1];
    bool syn = (tcp->flags & PKT_SYN) != 0, ack = (tcp->flags & PKT_ACK) != 0;
    if (syn && !side->isn_known) {
        side->isn_known = true;
        side->isn = tcp->seq;
    }
    if (connection->count == 1)
        connection->has_syn = syn && !ack;
    connection->has_answer = connection->has_answer || (syn && ack && !from_first);
    side->fin_known = side->fin_known || (tcp->flags & PKT_FIN) != 0;
    side->reset = side->reset || (tcp->flags & PKT_RST) != 0;
}

static void keep(struct pkt_record *record, struct record_connection *connection,
                 const struct pkt_packet *packet, bool from_first, uint64_t time_ns)
{
    struct record_packet *kept = pkt_arena_alloc(record->arena, sizeof *kept);
    size_t count = packet->tcp.options_count;
    kept->time_ns = (int64_t)(time_ns & INT64_MAX >> 1); /* no sum of two is too large */
    kept->from_first = from_first;
    kept->packet = *packet;
    if (packet->kind == PKT_PACKET_TCP && count > 0) {
        struct pkt_option *options = pkt_arena_array(record->arena, count, sizeof *options);
        memcpy(options, packet->tcp.options, count * sizeof *options);
        kept->packet.tcp.options = options;
    }
    *connection->end = kept;
    connection->end = &kept->next;
    connection->count++;
    record->packets++;
}

static void take_tcp(struct pkt_record *record, const struct pkt_live *live, bool odd,
                     uint64_t time_ns)
{
    bool from_first = true;
    const struct pkt_tcp *tcp = &live->packet.tcp;
    struct record_connection *connection = find(record, &live->ends, &from_first);
    bool syn = (tcp->flags & (PKT_SYN | PKT_ACK)) == PKT_SYN;
    if (connection == NULL || (syn && record_is_over(connection) &&
                               connection->sides[from_first ? 0 : 1].isn != tcp->seq)) {
        connection = begin(record, &live->ends);
        from_first = true;
    }
    struct record_packet **at = connection->end;
    keep(record, connection, &live->packet, from_first, time_ns);
    (*at)->odd_options = odd;
    learn(connection, tcp, from_first);
}

/* ---- ICMP errors -------------------------------------------------------------------------- */

/* The ends and the sequence number of the TCP segment that is quoted; false: it is none. */
static bool read_quote(const uint8_t *p, size_t length, struct pkt_ends *ends, uint32_t *seq)
{
    memset(ends, 0, sizeof *ends);
    size_t header = 40;
    if (length >= 28 && p[0] >> 4 == 4) {
        header = (size_t)(p[0] & 15) * 4;
        if (header < 20 || p[9] != IPPROTO_TCP)
            return false;
        ends->source.bytes[10] = ends->source.bytes[11] = 0xff;
        ends->destination.bytes[10] = ends->destination.bytes[11] = 0xff;
        memcpy(ends->source.bytes + 12, p + 12, 4);
        memcpy(ends->destination.bytes + 12, p + 16, 4);
    } else if (length >= 48 && p[0] >> 4 == 6 && p[6] == IPPROTO_TCP) {
        memcpy(ends->source.bytes, p + 8, 16);
        memcpy(ends->destination.bytes, p + 24, 16);
    } else {
        return false;
    }
    if (length < header + 8)
        return false;
    ends->source_port = (uint16_t)get16(p + header);
    ends->destination_port = (uint16_t)get16(p + header + 2);
    *seq = get32(p + header + 4);
    return true;
}

static bool is_error(const struct pkt_icmp *icmp)
{
    if (icmp->v6)
        return icmp->type >= 1 && icmp->type <= 4;
    return icmp->type == 3 || icmp->type == 4 || icmp->type == 11 || icmp->type == 12;
}

/* How much the segment held that is spoken of: most do not quote enough to tell. */
static uint32_t quoted_length(const struct record_connection *connection, uint32_t seq,
                              bool from_first)
{
    uint32_t length = 0;
    for (const struct record_packet *at = connection->first; at != NULL; at = at->next)
        if (at->packet.kind == PKT_PACKET_TCP && at->from_first == from_first &&
            at->packet.tcp.seq == seq)
            length = at->packet.tcp.length;
    return length;
}

static void take_icmp(struct pkt_record *record, const uint8_t *p, size_t length, uint64_t time_ns)
{
    struct pkt_packet packet = record->live->packet;
    struct pkt_icmp *icmp = &packet.icmp;
    struct pkt_ends ends;
    uint32_t seq;
    bool from_first;
    if (!is_error(icmp) || length < 8 || !read_quote(p + 8, length - 8, &ends, &seq)) {
        record->others++;
        return;
    }
    struct record_connection *connection = find(record, &ends, &from_first);
    if (connection == NULL || connection->errors == ERRORS_MAX) {
        record->others++;
        return;
    }
    connection->errors++;
    icmp->quote = PKT_QUOTE_TCP;
    icmp->quote_seq = seq;
    icmp->quote_length = quoted_length(connection, seq, from_first);
    if (icmp->v6 ? icmp->type == 2 : icmp->type == 3 && icmp->code == 4)
        icmp->mtu = icmp->v6 ? (int64_t)get32(p + 4) : (int64_t)get16(p + 6);
    keep(record, connection, &packet, !from_first, time_ns); /* to whom the segment came from */
}

/* ---- datagrams ---------------------------------------------------------------------------- */

struct layout {           /* of a datagram, checked */
    size_t header, total; /* of IP; the whole as it was */
    uint8_t protocol;
    bool fragment;
};

static bool lay_out(const uint8_t *data, size_t length, size_t original, struct layout *out)
{
    if (length >= 20 && data[0] >> 4 == 4) {
        out->header = (size_t)(data[0] & 15) * 4;
        out->total = get16(data + 2);
        out->protocol = data[9];
        out->fragment = (get16(data + 6) & 0x3fff) != 0;
    } else if (length >= 40 && data[0] >> 4 == 6) {
        out->header = 40;
        out->total = get16(data + 4) + 40;
        out->protocol = data[6];
        out->fragment = false;
    } else {
        return false;
    }
    if (out->total == (data[0] >> 4 == 4 ? 0 : 40)) /* larger than can be said, offloaded */
        out->total = original;
    return out->header >= 20 && out->header <= length && out->total <= PKT_DATAGRAM_MAX;
}

/* The datagram as it was, with zeros for its payload; false: not even its headers are there. */
static bool restore(struct pkt_record *record, const struct layout *layout, const uint8_t *data,
                    size_t length)
{
    uint8_t *out = record->scratch;
    size_t kept = length < layout->total ? length : layout->total;
    size_t headers = layout->header + 8;
    if (layout->protocol == IPPROTO_TCP) {
        headers = layout->header + 20;
        if (kept >= headers)
            headers = layout->header + (size_t)(data[layout->header + 12] >> 4) * 4;
        if (headers < layout->header + 20)
            return false;
    }
    if (kept < headers)
        return false;
    memset(out, 0, layout->total);
    memcpy(out, data, layout->protocol == IPPROTO_TCP ? headers : kept);
    if (out[0] >> 4 == 4) {
        out[2] = (uint8_t)(layout->total >> 8);
        out[3] = (uint8_t)layout->total;
    }
    return true;
}

int pkt_record_add(struct pkt_record *record, uint64_t time_ns, const uint8_t *data, size_t length,
                   size_t original_length)
{
    struct layout layout;
    if (!lay_out(data, length, original_length, &layout) ||
        (layout.protocol != IPPROTO_TCP && layout.protocol != IPPROTO_ICMP &&
         layout.protocol != IPPROTO_ICMPV6)) {
        record->others++;
        return 0;
    }
    if (record->packets >= PKT_RECORD_PACKETS_MAX)
        return -1;
    if (layout.fragment) {
        record->fragments++;
        return 0;
    }
    if (!restore(record, &layout, data, length) ||
        pkt_read(record->scratch, layout.total, record->live) != 0) {
        record->short_packets++;
        return 0;
    }
    bool odd = record->live->packet.kind == PKT_PACKET_TCP &&
               record->live->option_bytes_count >
                   pkt_options_bytes(record->live->options, record->live->packet.tcp.options_count);
    if (record->live->packet.kind == PKT_PACKET_TCP)
        take_tcp(record, record->live, odd, time_ns);
    else if (record->live->packet.kind == PKT_PACKET_ICMP)
        take_icmp(record, record->scratch + layout.header, layout.total - layout.header, time_ns);
    return 0;
}

/* ---- choosing ----------------------------------------------------------------------------- */

/* Which side is the stack under test: 0 = who sent the first packet, 1; -1 = neither. */
static int local_side(const struct record_connection *connection,
                      const struct pkt_record_choice *choice)
{
    const struct pkt_ends *ends = &connection->ends;
    const struct pkt_ends sides[2] = {*ends, turned(ends)};
    if (!choice->has_local)
        return 1;
    for (int i = 0; i < 2; i++)
        if (memcmp(&sides[i].source, &choice->local, sizeof choice->local) == 0 &&
            (choice->local_port == 0 || choice->local_port == sides[i].source_port))
            return i;
    return -1;
}

static const char *endpoint_text(const struct hawser_address *address, uint16_t port,
                                 struct pkt_arena *arena)
{
    char text[HAWSER_ADDRESS_TEXT_MAX];
    hawser_address_print(address, text);
    return pkt_arena_printf(arena, hawser_address_is_v4(address) ? "%s:%u" : "[%s]:%u", text, port);
}

/* "there is no connection 9; there are:" and a line for each. */
static const char *list(const struct pkt_record *record, const char *what)
{
    const char *text = record->connections == 0
                           ? pkt_arena_printf(record->arena, "%s: no TCP is in it", what)
                           : pkt_arena_printf(record->arena, "%s; there are:", what);
    const struct record_connection *at = record->first;
    for (size_t i = 0; at != NULL && i < LISTED_MAX; i++, at = at->next) {
        const struct pkt_ends *ends = &at->ends;
        text = pkt_arena_printf(
            record->arena, "%s\n  %zu: %s > %s, %zu packets%s", text, at->number,
            endpoint_text(&ends->source, ends->source_port, record->arena),
            endpoint_text(&ends->destination, ends->destination_port, record->arena), at->count,
            !at->has_syn          ? ", without its beginning"
            : !at->has_answer     ? ", never answered"
            : !record_is_over(at) ? ", without its end"
                                  : "");
    }
    return at == NULL ? text
                      : pkt_arena_printf(record->arena, "%s\n  and %zu more", text,
                                         record->connections - LISTED_MAX);
}

static const struct record_connection *choose(const struct pkt_record *record,
                                              const struct pkt_record_choice *choice)
{
    const struct record_connection *fallback = NULL;
    for (const struct record_connection *at = record->first; at != NULL; at = at->next) {
        if (choice->connection != 0 && choice->connection != at->number)
            continue;
        if (!at->has_syn || local_side(at, choice) < 0)
            continue;
        if (at->has_answer || choice->connection != 0)
            return at;
        fallback = fallback == NULL ? at : fallback;
    }
    return fallback;
}

const char *pkt_record_script(struct pkt_record *record, const struct pkt_record_choice *choice,
                              const char **why)
{
    const struct record_connection *connection = choose(record, choice);
    if (connection != NULL)
        return record_text(record, connection, local_side(connection, choice) == 0, choice,
                           record->arena);
    *why = list(record, choice->connection != 0 ? pkt_arena_printf(record->arena,
                                                                   "no connection %zu with its "
                                                                   "beginning, and of that host",
                                                                   choice->connection)
                        : choice->has_local     ? "no connection of that host with its beginning"
                                                : "no connection with its beginning");
    return NULL;
}
