/* SPDX-License-Identifier: MIT */
/* For tests of loss and congestion: streams of full segments, counted from 0, and a path with a
 * round-trip time. IPv4, without timestamps: 1460 octets a segment. */
#ifndef HAWSER_TEST_FLIGHT_H
#define HAWSER_TEST_FLIGHT_H

#include "scenario/peer.h"

#define MSS 1460u
#define AT(n) (1 + (n)*MSS) /* relative number of the first octet of segment n */
#define MS NS_PER_MS

/* As peer_accept, but the handshake's ACK comes rtt_ns after the SYN-ACK: the first sample. */
static inline void accept_after(struct peer *p, unsigned options, uint64_t rtt_ns)
{
    peer_listen(p, 4);
    struct segment syn = peer_syn_options(p, options);
    peer_inject(p, &syn);
    peer_out(p, S | A, 0, 1, 0);
    p->timestamps = (options & PEER_TS) != 0;
    peer_pass(p, rtt_ns);
    peer_in(p, A, 1, 1, 0);
    assert_int_equal(hawser_accept(p->host, p->listener, &p->tcp), 0);
    peer_quiet(p);
}

/* The next segment is number n, whole; PSH is not looked at. */
static inline const struct peer_segment *out_segment(struct peer *p, uint32_t n)
{
    const struct peer_segment *got = peer_next(p);
    uint32_t seq = seq_diff(got->seg.seq, p->host_isn);
    if (seq != AT(n) || got->seg.text_len != MSS || (got->seg.flags & ~P) != A)
        fail_msg("expected segment %u, got flags %#x, octet %u (segment %u), %u octets", n,
                 got->seg.flags, seq, (seq - 1) / MSS, got->seg.text_len);
    for (uint32_t i = 0; i < MSS; i++)
        assert_int_equal(got->seg.text[i], peer_octet(seq + i));
    return got;
}

/* The next `count` segments are those from number `first` on. */
static inline void out_segments(struct peer *p, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out_segment(p, first + i);
}

/* A plain ACK of all segments before number n. */
static inline void ack_segments(struct peer *p, uint32_t n)
{
    peer_in(p, A, 1 + p->read, AT(n), 0);
}

/* SACK blocks of whole segments, first and behind last, beside an ACK of all before number n. */
static inline void sack_segments(struct peer *p, uint32_t n, unsigned blocks, const uint32_t *edges)
{
    uint32_t octets[8];
    assert_true(blocks <= 4);
    for (unsigned i = 0; i < 2 * blocks; i++)
        octets[i] = AT(edges[i]);
    peer_in_sack(p, 1 + p->read, AT(n), blocks, octets);
}

/* One block. */
static inline void sack_one(struct peer *p, uint32_t n, uint32_t first, uint32_t behind)
{
    const uint32_t edges[] = {first, behind};
    sack_segments(p, n, 1, edges);
}

#endif
