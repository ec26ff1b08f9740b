/* SPDX-License-Identifier: MIT */
/* The extension headers of IPv6 (RFC 8200 4): the walk from the fixed header to the payload. */
#include "wire/ipv6_headers.h"

#include "base/bytes.h"

#define OPTION_PAD1 0u

/* Codes of a parameter problem (RFC 4443 3.4). */
#define PROBLEM_FIELD 0u
#define PROBLEM_NEXT_HEADER 1u
#define PROBLEM_OPTION 2u

#define NEXT_HEADER_AT 6u /* in the fixed header */
#define PAYLOAD_LENGTH_AT 4u

static enum ip_parse problem(struct ip_packet *out, uint8_t code, uint32_t pointer)
{
    out->problem_code = code;
    out->problem_pointer = pointer;
    return IP_PARSE_PARAMETER;
}

/* RFC 8200 4.2. No option of a hop-by-hop or destination header means anything to this host, so
 * that only the two highest bits of its type matter. p[at..end) are the options. */
static enum ip_parse judge_options(const uint8_t *p, uint32_t at, uint32_t end,
                                   struct ip_packet *out)
{
    while (at < end) {
        uint8_t type = p[at];
        if (type == OPTION_PAD1) {
            at++;
            continue;
        }
        if (end - at < 2 || p[at + 1] > end - at - 2)
            return IP_PARSE_OPTIONS;
        switch (type >> 6) {
        case 0: /* skip it; PadN is one of these */
            break;
        case 1: /* discard */
            return IP_PARSE_OPTIONS;
        case 2: /* discard and say so, even to a multicast group */
            return problem(out, PROBLEM_OPTION, at);
        default: /* discard and say so unless it was sent to a group */
            if (address_is_multicast(&out->dst))
                return IP_PARSE_OPTIONS;
            return problem(out, PROBLEM_OPTION, at);
        }
        at += 2u + p[at + 1];
    }
    return IP_PARSE_OK;
}

/* RFC 8200 4.5. A packet that says it is a fragment but is whole ("atomic", RFC 6946) is no
 * fragment. */
static enum ip_parse judge_fragment(const uint8_t *p, uint32_t at, struct ip_packet *out)
{
    uint32_t field = load_be16(p + at + 2);
    uint32_t length = out->total_len - at - IPV6_FRAGMENT_BYTES;

    out->fragment_offset = field & 0xfff8;
    out->fragment_id = load_be32(p + at + 4);
    out->more_fragments = (field & 1) != 0;
    out->is_fragment = out->more_fragments || out->fragment_offset != 0;
    if (out->more_fragments && length % 8 != 0)
        return problem(out, PROBLEM_FIELD, PAYLOAD_LENGTH_AT);
    if (at - IPV6_HEADER_BYTES + out->fragment_offset + length > UINT16_MAX)
        return problem(out, PROBLEM_FIELD, at + 2);
    return IP_PARSE_OK;
}

/* One header of `length` bytes, all of them there. */
static enum ip_parse judge_header(const uint8_t *p, uint8_t kind, uint32_t at, uint32_t length,
                                  struct ip_packet *out)
{
    switch (kind) {
    case IPV6_NEXT_FRAGMENT:
        return judge_fragment(p, at, out);
    case IPV6_NEXT_ROUTING:
        /* RFC 8200 4.4: whatever the type (type 0 is dead, RFC 5095), a header with nothing left to
         * visit is passed over, and this host visits nobody. */
        if (p[at + 3] != 0)
            return problem(out, PROBLEM_FIELD, at + 2);
        return IP_PARSE_OK;
    default: /* hop-by-hop or destination options */
        return judge_options(p, at + 2, at + length, out);
    }
}

static bool is_extension(uint8_t next)
{
    return next == IPV6_NEXT_HOP_BY_HOP || next == IPV6_NEXT_ROUTING ||
           next == IPV6_NEXT_FRAGMENT || next == IPV6_NEXT_DESTINATION;
}

/* The length of the extension header at p, of which `room` bytes are there; 0 when that is less. */
static uint32_t extension_length(const uint8_t *p, size_t room, uint8_t kind)
{
    uint32_t length;

    if (room < 8)
        return 0;
    length = kind == IPV6_NEXT_FRAGMENT ? IPV6_FRAGMENT_BYTES : 8u * (1u + p[1]);
    return length <= room ? length : 0;
}

enum ip_parse ipv6_headers_walk(const uint8_t *p, struct ip_packet *out)
{
    uint32_t at = IPV6_HEADER_BYTES, named_at = NEXT_HEADER_AT;
    unsigned count = 0;

    while (is_extension(out->protocol) && !out->is_fragment) {
        uint8_t kind = out->protocol;
        uint32_t length = extension_length(p + at, out->total_len - at, kind);
        enum ip_parse verdict;

        if (kind == IPV6_NEXT_HOP_BY_HOP && count > 0) /* RFC 8200 4: only in the first place */
            return problem(out, PROBLEM_NEXT_HEADER, named_at);
        if (length == 0)
            return IP_PARSE_SHORT;
        if (++count > IPV6_EXTENSIONS_MAX) /* RFC 8504 5.3: a host may set such a limit */
            return IP_PARSE_OPTIONS;
        if (kind != IPV6_NEXT_FRAGMENT)
            out->has_options = true;
        verdict = judge_header(p, kind, at, length, out);
        if (verdict != IP_PARSE_OK)
            return verdict;
        out->protocol = p[at];
        named_at = at;
        at += length;
        out->header_len = at;
    }
    problem(out, PROBLEM_NEXT_HEADER, named_at);
    return IP_PARSE_OK;
}

uint32_t ipv6_headers_skip(const uint8_t *p, size_t n, uint8_t *protocol)
{
    uint32_t at = IPV6_HEADER_BYTES;
    uint8_t next = p[NEXT_HEADER_AT];

    for (unsigned count = 0; is_extension(next); count++) {
        uint32_t length = extension_length(p + at, n - at, next);
        if (length == 0 || count == IPV6_EXTENSIONS_MAX)
            return 0;
        if (next == IPV6_NEXT_FRAGMENT && load_be16(p + at + 2) >= 8)
            return 0; /* not the first fragment: no header of the transport in it */
        next = p[at];
        at += length;
    }
    *protocol = next;
    return at;
}
