/* SPDX-License-Identifier: MIT */
/* What ICMP errors do to a connection (RFC 9293 3.9.2.2, RFC 5927, RFC 1191). */
#include "tcp/recovery.h"
#include "tcp/tcp.h"

bool tcp_icmp_error(const struct tcp *tcp, struct tcb *tcb, int error, bool hard, bool too_big,
                    seq_t quoted, uint64_t now_ns)
{
    (void)now_ns;
    /* RFC5927 01: it must quote what is outstanding. */
    if (tcb->state == HAWSER_CLOSED || seq_lt(quoted, tcb->snd.una) ||
        seq_geq(quoted, tcb->snd.nxt)) {
        tcb_count_drop(tcp, tcb, HAWSER_DROP_ICMP);
        return false;
    }
    if (too_big)
        return true;
    /* RFC5927 03, RFC9293 SHLD-26: before the connection is synchronized a hard error is the answer
     * to the open (RFC1122 07). After, it is a hint (RFC5927 02, RFC9293 MUST-56). */
    if (hard && !state_is_synchronized(tcb->state)) {
        tcb_end(tcp, tcb, error, HAWSER_CAUSE_ICMP);
        return false;
    }
    tcb->soft_error = tcb->net_error = (int8_t)error; /* RFC9293 MUST-47, SHLD-25 */
    tcb_tell(tcb, HAWSER_EVENT_SOFT_ERROR);
    return false;
}

void tcp_path_mss(const struct tcp *tcp, struct tcb *tcb, uint16_t path_mss, uint64_t now_ns)
{
    (void)now_ns;
    tcb_check(tcp, tcb);
    uint16_t before = tcb->snd_mss;
    tcb->path_mss = path_mss;
    tcb_update_mss(tcb);
    if (tcb->cwnd < tcb->snd_mss)
        tcb->cwnd = tcb->snd_mss;
    /* RFC1191 01, 05: what was sent in the old size has been lost, once for each decrease. */
    if (tcb->snd_mss < before && state_is_synchronized(tcb->state))
        recovery_on_path_mtu(tcp, tcb);
    tcb_check(tcp, tcb);
}
