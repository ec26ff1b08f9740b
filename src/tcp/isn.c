/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers (RFC 6528 3, RFC 9293 3.4.1) and timestamp offsets (RFC 7323 5.4). */
#include "tcp/isn.h"

#define ISN_TICK_NS                                                                                \
    UINT64_C(4000) /* RFC9293 MUST-8: 2^32 ticks are about 4.77 hours, longer than any MSL */

/* How far a new incarnation starts beyond the old one: past every octet an unscaled window could
 * still have allowed behind the old SND.NXT, and past a FIN (Linux takes the same distance). */
#define ISN_BEYOND (65535u + 2)

/* F of RFC6528 01: with a cryptographic function under a secret key, the numbers of one 4-tuple
 * tell nothing about another's (RFC9293 MUST-9). */
uint64_t isn_secret(const struct tcp *tcp, const struct tuple_bytes *tuple)
{
    return siphash(&tcp->isn_key, tuple->b, sizeof tuple->b);
}

seq_t isn_make(uint64_t secret, uint64_t now_ns)
{
    /* RFC9293 SHLD-1: for one tuple F is a constant, so its numbers rise with the clock and a SYN
     * that reuses the tuple lies beyond the connection before it, unless that sent more than 250
     * kB/s on the average (RFC6528 04). */
    uint32_t m = (uint32_t)(now_ns / ISN_TICK_NS);
    return seq_of(m + (uint32_t)secret);
}

seq_t isn_beyond(seq_t isn, seq_t old_snd_nxt)
{
    return seq_max(isn, seq_add(old_snd_nxt, ISN_BEYOND));
}
