/* SPDX-License-Identifier: MIT */
/* SYN cookies (RFC 4987 3.6): a half-open request that lives in the peer's ACK and nowhere else.
 *
 * The cookie is the ISS of the SYN-ACK:
 *
 *     bit 31 .. 4   keyed hash of 4-tuple, IRS, period, MSS index and options
 *     bit 3         lowest bit of the period: tells which of the two valid ones it is
 *     bit 2 .. 0    index into mss_table
 *
 * With timestamps the low six bits of the SYN-ACK's TSval, which the peer echoes, hold its window
 * scale (4 bits, 15 = none) and whether SACK is permitted (1 bit); the sixth is 0. All of them are
 * under the hash, so nobody can change what was agreed. */
#include "tcp/halfopen.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/handshake.h"

#define PERIOD_NS                                                                                  \
    (64 *                                                                                          \
     NS_PER_S) /* a cookie is good for the rest of its period and all of the next: RFC4987 06 */

#define INDEX_MASK 0x07u
#define PERIOD_BIT 0x08u
#define HASH_SHIFT 4

#define TS_MASK 0x3fu
#define TS_WSCALE_MASK 0x0fu
#define TS_WSCALE_NONE 0x0fu
#define TS_SACK 0x10u
#define OPTIONS_TIMESTAMPS 0x80u /* not on the wire: whether there are timestamps, for the hash */

/* The first is the least that handshake_peer_mss gives, so that rounding down always finds one;
 * then the defaults of RFC9293 MUST-15, paths with tunnels, IPv6 and IPv4 on Ethernet, and jumbo
 * frames. */
static const uint16_t mss_table[INDEX_MASK + 1] = {
    HANDSHAKE_PEER_MSS_MIN, 256, 536, 1220, 1400, 1440, 1460, 8960};

static unsigned mss_index(uint16_t mss)
{
    unsigned index = INDEX_MASK;
    while (index > 0 && mss_table[index] > mss)
        index--;
    return index;
}

static uint32_t period_of(uint64_t now_ns)
{
    return (uint32_t)(now_ns / PERIOD_NS);
}

static uint32_t cookie_make(const struct tcp *tcp, const struct tuple_bytes *tuple, seq_t irs,
                            uint32_t period, unsigned index, unsigned options)
{
    uint8_t input[sizeof tuple->b + 10];
    uint8_t *p = input + sizeof tuple->b;
    memcpy(input, tuple->b, sizeof tuple->b);
    store_be32(p, irs.v);
    store_be32(p + 4, period);
    p[8] = (uint8_t)index;
    p[9] = (uint8_t)options;
    uint32_t hash = (uint32_t)siphash(&tcp->cookie_key, input, sizeof input);
    return hash << HASH_SHIFT | ((period & 1) != 0 ? PERIOD_BIT : 0) | index;
}

/* The newest timestamp not after `ts` with these low bits: one from the future would make the peer
 * refuse what we send in the next 63 ms (PAWS). */
static uint32_t ts_with_bits(uint32_t ts, unsigned bits)
{
    uint32_t marked = (ts & ~TS_MASK) | bits;
    return (ts & TS_MASK) < bits ? marked - (TS_MASK + 1) : marked;
}

void cookie_synack(const struct tcp *tcp, const struct tcb_settings *set,
                   const struct tcp_open *opening, const struct tuple_bytes *tuple,
                   const struct segment *syn, uint64_t now_ns, struct tcp_reply *reply)
{
    struct handshake_options peer;
    handshake_accept(tcp, syn, opening->v4, &peer);
    unsigned options = 0;
    uint32_t ts_val = 0;
    if (peer.has_timestamps) {
        unsigned bits =
            (peer.has_wscale ? peer.wscale : TS_WSCALE_NONE) | (peer.has_sack ? TS_SACK : 0);
        ts_val = ts_with_bits(ts_clock(now_ns) + opening->ts_offset, bits);
        options = OPTIONS_TIMESTAMPS | bits;
    } else {
        peer.has_sack = peer.has_wscale = false; /* RFC4987 04: nothing would bring them back */
    }
    unsigned index = mss_index(peer.mss);
    reply->segment = (struct segment){
        .seq = seq_of(cookie_make(tcp, tuple, syn->seq, period_of(now_ns), index, options)),
        .ack = seq_add(syn->seq, 1),
        .len = 1,
        .wnd = handshake_initial_rcv_wnd(tcp, set),
        .flags = TCP_SYN | TCP_ACK,
    };
    handshake_answer(tcp, set, opening->link_mss, &peer, ts_val, &reply->segment);
    reply->present = true;
    tcp->counters->syn_cookies_sent++;
}

/* The options byte that an ACK's timestamps stand for. */
static unsigned options_of(const struct tcp *tcp, const struct segment *ack)
{
    if (!tcp->config->timestamps || !(ack->options & TCP_OPT_TIMESTAMPS))
        return 0;
    return OPTIONS_TIMESTAMPS | (ack->ts_ecr & TS_MASK);
}

static bool cookie_is_ours(const struct tcp *tcp, const struct tuple_bytes *tuple,
                           const struct segment *ack, uint64_t now_ns)
{
    if ((ack->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK)
        return false;
    uint32_t cookie = seq_sub(ack->ack, 1).v;
    uint32_t period = period_of(now_ns);
    if (((cookie & PERIOD_BIT) != 0) != (period & 1))
        period--; /* of the two periods in which it is good, the one with this last bit */
    seq_t irs = seq_sub(ack->seq, 1);
    return cookie ==
           cookie_make(tcp, tuple, irs, period, cookie & INDEX_MASK, options_of(tcp, ack));
}

bool cookie_check(const struct tcp *tcp, const struct tcb_settings *set,
                  const struct tcp_open *opening, const struct tuple_bytes *tuple,
                  const struct segment *ack, uint64_t now_ns, struct halfopen *out)
{
    if (!cookie_is_ours(tcp, tuple, ack, now_ns)) {
        tcp->counters->syn_cookies_failed++;
        return false;
    }
    tcp->counters->syn_cookies_accepted++;
    unsigned options = options_of(tcp, ack);
    unsigned wscale = options & TS_WSCALE_MASK;
    memset(out, 0, sizeof *out);
    out->irs = seq_sub(ack->seq, 1);
    out->iss = seq_sub(ack->ack, 1);
    out->ts_offset = opening->ts_offset;
    out->snd_wnd = ack->wnd; /* until this same segment, processed, tells it with its scale */
    out->peer_mss = mss_table[out->iss.v & INDEX_MASK];
    out->path_mss = opening->path_mss;
    out->link_mss = opening->link_mss;
    out->has_timestamps = options != 0;
    out->has_sack = (options & TS_SACK) != 0;
    out->has_wscale = options != 0 && wscale != TS_WSCALE_NONE;
    if (out->has_timestamps)
        out->ts_recent = ack->ts_val;
    if (out->has_wscale) {
        out->peer_wscale = (uint8_t)wscale;
        out->own_wscale = handshake_own_wscale(tcp, set);
    }
    out->challenge_at_ms = ms_clock(now_ns);
    /* One SYN-ACK was sent, nobody knows when: no sample of the round trip from it. */
    out->synack_count = 1;
    out->synack_sent_ms = ms_clock(now_ns);
    out->synack_at_ns = ns_add(now_ns, tcp->config->rto_initial_ns);
    return true;
}
