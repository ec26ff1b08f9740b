/* SPDX-License-Identifier: MIT */
/* Reassembly of fragments. Every packet under way has one buffer in which the fragments land at
 * their offsets, and a list of the ranges that are there; all packets wait equally long, so the
 * list by age is in order of expiry.
 *
 * Overlaps: RFC 5722 lets IPv6 discard the whole packet, and so do we for IPv4, too: no sender
 * makes them, and which copy counts is what evasion plays with (RFC 1858 3). An exact duplicate, as
 * a network may make one, is let pass (RFC 8200 4.5). */
#include "net/reasm.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/nstime.h"
#include "wire/ipv6_headers.h"

#define RANGES_BYTES (1u << BUFFERS_SHIFT_MIN) /* a list takes one buffer */
#define ECN_MASK 3u
#define ECN_NOT_CAPABLE 0u
#define ECN_CE 3u
#define TRANSPORT_MIN 8u /* UDP, ICMPv6 */
#define TCP_MIN 20u

void reasm_init(struct reasm *r, struct reasm_packet *packets, struct buffers *buffers,
                uint64_t limit_bytes, uint64_t timeout_ns, const struct siphash_key *key)
{
    *r = (struct reasm){.packets = packets,
                        .buffers = buffers,
                        .timeout_ns = timeout_ns,
                        .limit_bytes = limit_bytes,
                        .head = REASM_NONE,
                        .tail = REASM_NONE,
                        .delivered = REASM_NONE,
                        .key = key};
}

static void free_buffer(struct reasm *r, struct reasm_packet *p)
{
    ranges_free(&p->got, r->buffers);
    if (p->data == NULL)
        return;
    buffers_give(r->buffers, p->data, p->shift);
    r->used_bytes -= (UINT64_C(1) << p->shift) + RANGES_BYTES;
    p->data = NULL;
}

static void list_remove(struct reasm *r, const struct reasm_packet *p)
{
    *(p->prev == REASM_NONE ? &r->head : &r->packets[p->prev].next) = p->next;
    *(p->next == REASM_NONE ? &r->tail : &r->packets[p->next].prev) = p->prev;
}

void reasm_drop(struct reasm *r, struct reasm_packet *p)
{
    free_buffer(r, p);
    list_remove(r, p);
    r->hashes[p - r->packets] = 0;
}

void reasm_release(struct reasm *r)
{
    if (r->delivered == REASM_NONE)
        return;
    free_buffer(r, &r->packets[r->delivered]);
    r->hashes[r->delivered] = 0;
    r->delivered = REASM_NONE;
}

void reasm_deinit(struct reasm *r)
{
    reasm_release(r);
    while (r->head != REASM_NONE)
        reasm_drop(r, &r->packets[r->head]);
}

uint64_t reasm_next(const struct reasm *r)
{
    return r->head == REASM_NONE ? NEVER : r->packets[r->head].deadline_ns;
}

struct reasm_packet *reasm_expired(struct reasm *r, uint64_t now_ns)
{
    if (r->head == REASM_NONE || r->packets[r->head].deadline_ns > now_ns)
        return NULL;
    return &r->packets[r->head];
}

/* RFC 791 2.3 names the protocol too, RFC 8200 4.5 does not. */
static uint32_t hash_of(const struct reasm *r, const struct ip_packet *f)
{
    uint64_t words[5];
    memcpy(words, f->src.bytes, 16);
    memcpy(words + 2, f->dst.bytes, 16);
    words[4] = (uint64_t)f->fragment_id << 16 | (f->version == 4 ? f->protocol : 0);
    uint32_t hash = (uint32_t)siphash_words(r->key, words, 5);
    return hash == 0 ? 1 : hash;
}

static bool same_packet(const struct reasm_packet *p, const struct ip_packet *f)
{
    return p->id == f->fragment_id && p->version == f->version &&
           (f->version == 6 || p->protocol == f->protocol) && address_equal(&p->src, &f->src) &&
           address_equal(&p->dst, &f->dst);
}

/* The packet that a fragment belongs to, or a new one; when all places are taken the oldest goes.
 */
static struct reasm_packet *packet_for(struct reasm *r, uint32_t link, uint64_t now_ns,
                                       const struct ip_packet *f)
{
    uint32_t hash = hash_of(r, f), place = REASM_NONE;
    for (uint32_t i = 0; i < REASM_PACKETS_MAX; i++) {
        if (r->hashes[i] == hash && same_packet(&r->packets[i], f))
            return &r->packets[i];
        if (r->hashes[i] == 0)
            place = i;
    }
    if (place == REASM_NONE) {
        place = r->head;
        reasm_drop(r, &r->packets[place]);
    }
    struct reasm_packet *p = &r->packets[place];
    *p = (struct reasm_packet){.src = f->src,
                               .dst = f->dst,
                               .deadline_ns = ns_add(now_ns, r->timeout_ns),
                               .id = f->fragment_id,
                               .link = link,
                               .prev = r->tail,
                               .next = REASM_NONE,
                               .version = f->version,
                               .protocol = f->protocol};
    *(r->tail == REASM_NONE ? &r->head : &r->packets[r->tail].next) = place;
    r->tail = place;
    r->hashes[place] = hash;
    return p;
}

/* RFC 5722 3: nothing of the packet counts any more, also not what is still to come; the entry
 * stays as long as it would have, to recognise that. */
static void poison(struct reasm *r, struct reasm_packet *p)
{
    free_buffer(r, p);
    p->poisoned = true;
}

static uint32_t headroom_of(const struct reasm_packet *p)
{
    return p->version == 6 ? IPV6_HEADER_BYTES : 0;
}

const uint8_t *reasm_start(const struct reasm_packet *p, uint32_t *length)
{
    *length =
        p->has_first ? p->got.at[0].right : 0; /* the first range begins with the first byte */
    return p->data + headroom_of(p);
}

/* Makes the buffer reach to `end`; older packets make way. */
static bool make_room(struct reasm *r, struct reasm_packet *p, uint32_t end)
{
    uint32_t shift = buffers_shift_for(headroom_of(p) + (p->has_last ? p->total_bytes : end));
    if (p->data != NULL && shift <= p->shift)
        return true;
    uint64_t bytes = (UINT64_C(1) << shift) + (p->data == NULL ? RANGES_BYTES : 0);
    while (r->used_bytes + bytes > r->limit_bytes) {
        struct reasm_packet *oldest = &r->packets[r->head];
        if (oldest == p)
            oldest = p->next == REASM_NONE ? NULL : &r->packets[p->next];
        if (oldest == NULL)
            return false;
        reasm_drop(r, oldest);
    }
    uint8_t *data = buffers_take(r->buffers, shift);
    if (data == NULL)
        return false;
    r->used_bytes += bytes;
    if (p->data != NULL) {
        memcpy(data, p->data, UINT32_C(1) << p->shift);
        buffers_give(r->buffers, p->data, p->shift);
        r->used_bytes -= UINT64_C(1) << p->shift;
    }
    p->data = data;
    p->shift = (uint8_t)shift;
    return true;
}

/* RFC 7112 5: the first fragment holds all headers up to the transport's and that one, too. */
static bool first_is_whole(const struct ip_packet *f, const uint8_t *bytes)
{
    if (f->header_len > REASM_HEADER_MAX)
        return false;
    if (f->version == 4)
        return true;
    uint8_t protocol = 0;
    uint32_t at = ipv6_headers_skip(bytes, f->total_len, &protocol);
    uint32_t there = f->total_len - at;
    if (at == 0)
        return false;
    if (protocol != IP_PROTO_TCP)
        return there >= TRANSPORT_MIN;
    return there >= TCP_MIN && there >= 4u * (bytes[at + 12] >> 4);
}

/* Whether where this fragment ends agrees with what is known of the packet's length. */
static bool ends_fit(struct reasm_packet *p, const struct ip_packet *f, uint32_t end)
{
    if (f->more_fragments)
        return !p->has_last || end <= p->total_bytes;
    if (p->has_last)
        return end == p->total_bytes;
    return end >= p->high_bytes;
}

static void note(struct reasm_packet *p, const struct ip_packet *f, const uint8_t *bytes,
                 uint32_t end)
{
    if (!f->more_fragments) {
        p->has_last = true;
        p->total_bytes = end;
    }
    if (end > p->high_bytes)
        p->high_bytes = end;
    p->ecn_seen |= (uint8_t)(1u << (f->traffic_class & ECN_MASK));
    if (f->fragment_offset != 0)
        return;
    p->has_first = true;
    p->protocol = f->protocol; /* RFC 8200 4.5: the first one's next header counts */
    p->hop_limit = f->hop_limit;
    p->traffic_class = f->traffic_class;
    p->has_options = f->has_options;
    p->header_len = f->header_len;
    memcpy(p->header, bytes, f->header_len);
}

/* IPv6 may have had extension headers behind the fragment header: then the packet is written anew
 * without the fragment header, and judged as any other. */
static bool judge_whole_v6(struct reasm_packet *p, struct ip_packet *whole)
{
    uint8_t *packet = p->data;
    memcpy(packet, p->header, IPV6_HEADER_BYTES);
    store_be16(packet + 4, p->total_bytes);
    packet[6] = p->protocol;
    if (ip_parse(packet, IPV6_HEADER_BYTES + p->total_bytes, whole) != IP_PARSE_OK)
        return false;
    whole->header_len = p->header_len;
    whole->has_options |= p->has_options;
    /* What a parameter problem about the payload's protocol points at: in the fragment header. */
    whole->problem_pointer = p->header_len - IPV6_FRAGMENT_BYTES;
    return !whole->is_fragment;
}

static enum reasm_result finish(struct reasm *r, struct reasm_packet *p, struct ip_packet *whole,
                                const uint8_t **header)
{
    bool good = p->total_bytes + p->header_len <= UINT16_MAX;
    *whole = (struct ip_packet){.src = p->src,
                                .dst = p->dst,
                                .payload = p->data + headroom_of(p),
                                .payload_len = p->total_bytes,
                                .header_len = p->header_len,
                                .version = p->version,
                                .protocol = p->protocol,
                                .hop_limit = p->hop_limit,
                                .has_options = p->has_options};
    if (p->version == 6)
        good = judge_whole_v6(p, whole);
    whole->traffic_class = p->traffic_class;
    whole->total_len = whole->header_len + whole->payload_len;
    /* RFC 3168 5.3: congestion seen by one fragment is the packet's, unless they contradict. */
    if ((p->ecn_seen & 1u << ECN_CE) != 0) {
        good = good && (p->ecn_seen & 1u << ECN_NOT_CAPABLE) == 0;
        whole->traffic_class |= ECN_CE;
    }
    if (!good) {
        reasm_drop(r, p);
        return REASM_REFUSED;
    }
    *header = p->header;
    list_remove(r, p);
    r->delivered = (uint32_t)(p - r->packets);
    return REASM_DONE;
}

enum reasm_result reasm_input(struct reasm *r, uint32_t link, uint64_t now_ns,
                              const struct ip_packet *f, const uint8_t *bytes,
                              struct ip_packet *whole, const uint8_t **header)
{
    ASSERT(f->is_fragment);
    reasm_release(r);
    uint32_t end = f->fragment_offset + f->payload_len;
    if (f->payload_len == 0 || (f->fragment_offset == 0 && !first_is_whole(f, bytes)))
        return REASM_REFUSED;
    struct reasm_packet *p = packet_for(r, link, now_ns, f);
    if (p->poisoned)
        return REASM_REFUSED;
    uint32_t headroom = headroom_of(p), added = 0;
    if (ranges_contains(&p->got, f->fragment_offset, end) &&
        memcmp(p->data + headroom + f->fragment_offset, f->payload, f->payload_len) == 0)
        return REASM_HELD;
    if (!ends_fit(p, f, end)) {
        poison(r, p);
        return REASM_REFUSED;
    }
    note(p, f, bytes, end);
    if (!make_room(r, p, end) ||
        !ranges_add(&p->got, r->buffers, f->fragment_offset, end, NULL, &added)) {
        reasm_drop(r, p);
        return REASM_REFUSED;
    }
    if (added != f->payload_len) {
        poison(r, p);
        return REASM_REFUSED;
    }
    memcpy(p->data + headroom + f->fragment_offset, f->payload, f->payload_len);
    if (p->has_last && ranges_contains(&p->got, 0, p->total_bytes))
        return finish(r, p, whole, header);
    return REASM_HELD;
}
