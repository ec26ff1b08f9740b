/* SPDX-License-Identifier: MIT */
/* TIME-WAIT, and FIN-WAIT-2 of a connection whose program is gone, as compact records
 * (RFC 9293 3.10.7.4, RFC 1337, RFC 6191). */
#ifndef HAWSER_TCP_TIMEWAIT_H
#define HAWSER_TCP_TIMEWAIT_H

#include "tcp/isn.h"
#include "tcp/tcp.h"

/* 20 bytes; the stack adds the 4-tuple: 32 bytes for IPv4. */
struct timewait {
    seq_t snd_nxt; /* behind our FIN */
    seq_t rcv_nxt; /* behind the peer's FIN; in FIN-WAIT-2 where it is awaited */
    uint32_t ts_recent;
    uint32_t ends_at_ms; /* milliseconds of now_ns, modulo 2^32, rounded up (RFC9293 MUST-13) */
    uint16_t rcv_wnd;    /* as it stands in the header of what we send */
    uint8_t rcv_wscale : 4;
    bool has_timestamps : 1;
    bool fin_wait_2 : 1; /* still waits for the peer's FIN */
    bool active : 1;     /* we opened it: its local port may have been chosen by us */
    /* ACKs that have a limit: in the low four bits how many were sent in a challenge interval, in
     * the high four bits the number of that interval modulo 16. */
    uint8_t acks_sent;
};

_Static_assert(sizeof(struct timewait) == 20,
               "a TIME-WAIT record of IPv4 is 32 bytes with its 4-tuple");

/* A record of a block that reached TIME-WAIT, or FIN-WAIT-2 without a program. It owes no ACK: the
 * one of the peer's FIN comes as segment_arrives()'s reply. */
void timewait_from_tcb(const struct tcp *tcp, const struct tcb *tcb, uint64_t now_ns,
                       struct timewait *out);

/* Milliseconds clock of ends_at_ms. */
static inline uint32_t timewait_clock(uint64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS);
}

/* Is its time over? Right for 24 days before and after. */
static inline bool timewait_is_over(const struct timewait *record, uint64_t now_ns)
{
    return (int32_t)(timewait_clock(now_ns) - record->ends_at_ms) >= 0;
}

/* When it ends, or ended, on the clock of now_ns. */
static inline uint64_t timewait_ends_ns(const struct timewait *record, uint64_t now_ns)
{
    int64_t left_ms = (int32_t)(record->ends_at_ms - timewait_clock(now_ns));
    return (uint64_t)((int64_t)(now_ns / NS_PER_MS) + left_ms) * NS_PER_MS;
}

enum timewait_outcome {
    /* The record stays where it is; *drop tells why the segment did nothing; reply may be set. */
    TIMEWAIT_KEEP,
    /* FIN: reply is its ACK, ends_at_ms was renewed. Move the record to the queue's tail; out of
     * FIN-WAIT-2 into the other queue. */
    TIMEWAIT_RESTART,
    /* Reset (without RFC 1337 protection, or in FIN-WAIT-2): remove the record. reply may be a RST:
     * text came for a program that is gone. */
    TIMEWAIT_END,
    /* A SYN that may start a new incarnation (RFC 6191, RFC9293 MAY-2): remove the record and let a
     * listener see the SYN; without a listener keep it, and timewait_ack answers. The new ISS must
     * be isn_beyond(…, snd_nxt). */
    TIMEWAIT_REOPEN,
};

/* 3.10.7.4 for a record. ts_offset is ts_offset_make of the tuple. Sets all of reply's segment but
 * its ports. *drop is set with TIMEWAIT_KEEP only. Counts PAWS, challenge ACKs, resets that were
 * taken or ignored; what becomes of the record is for the caller to count. */
enum timewait_outcome timewait_arrives(const struct tcp *tcp, struct timewait *record,
                                       const struct segment *seg, uint32_t ts_offset,
                                       uint64_t now_ns, struct tcp_reply *reply,
                                       enum hawser_drop *drop);

/* The record's ACK, without a limit: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
void timewait_ack(const struct timewait *record, uint32_t ts_offset, uint64_t now_ns,
                  struct tcp_reply *reply);

/* May an active open take the record over now (tcp_tw_reuse)? Only with timestamps on both sides of
 * it, which tell the two incarnations apart, and after timewait_reuse_delay. loopback: both ends
 * are this host. */
bool timewait_may_reuse(const struct tcp *tcp, const struct timewait *record, bool loopback,
                        uint64_t now_ns);

#endif
