/* SPDX-License-Identifier: MIT */
/* ICMP errors and dead neighbours, for whom they quote (RFC 9293 3.9.2.2, RFC 5927; RFC9293
 * MUST-54, RFC8201 02). */
#include "stack/host.h"
#include "stack/trace.h"

struct verdict {
    int error;
    bool hard;
};

/* RFC 9293 3.9.2.2 for the kinds that are about the path or the other end: soft ones are told
 * (RFC9293 SHLD-25, RFC1122 08), hard ones end an open (RFC9293 SHLD-26). */
static struct verdict verdict_of(enum icmp_kind kind, bool v6)
{
    switch (kind) {
    case ICMP_UNREACHABLE_NET: /* RFC1122 08 */
        return (struct verdict){HAWSER_ERR_NET_UNREACHABLE, false};
    case ICMP_UNREACHABLE_PROTOCOL:
        return (struct verdict){HAWSER_ERR_PROTOCOL_UNREACHABLE, true};
    case ICMP_UNREACHABLE_PORT:
        return (struct verdict){HAWSER_ERR_REFUSED, true};
    case ICMP_PROHIBITED: /* RFC9293 MUST-56 names codes 0, 1 and 5 soft; of IPv6, code 1 is hard */
        return (struct verdict){HAWSER_ERR_HOST_UNREACHABLE, v6};
    case ICMP_PARAMETER_PROBLEM:
        return (struct verdict){HAWSER_ERR_PARAMETER_PROBLEM, false};
    case ICMP_UNREACHABLE_HOST:
    case ICMP_TIME_EXCEEDED:
    case ICMP_OTHER:
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
    case ICMP_PACKET_TOO_BIG:
    case ICMP_SOURCE_QUENCH:
    case ICMP_NEIGHBOUR_SOLICITATION:
    case ICMP_NEIGHBOUR_ADVERTISEMENT:
    case ICMP_ROUTER_ADVERTISEMENT:
    case ICMP_ROUTER_SOLICITATION:
        break;
    }
    return (struct verdict){HAWSER_ERR_HOST_UNREACHABLE, false};
}

/* The quoted segment was ours: its source is our end, and its 4-tuple names the connection that it
 * is about (RFC9293 MUST-54, RFC8201 02). */
static struct flow_key key_of(const struct icmp_quote *quote)
{
    return (struct flow_key){quote->src, quote->dst, quote->src_port, quote->dst_port};
}

static uint32_t find(struct hawser_host *host, const struct flow_key *key)
{
    return map_find(&host->flows.map, flow_hash(&host->flows.key, key), key);
}

static void arrive_at_conn(struct hawser_host *host, uint32_t index, struct verdict verdict,
                           const struct net_arrival *arrival, uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    const struct icmp_quote *quote = &arrival->quote;
    bool too_big = arrival->kind == ICMP_PACKET_TOO_BIG;
    host_works_for(host, &conn->key, index);
    if (tcp_icmp_error(&host->tcp, &conn->tcb, verdict.error, verdict.hard, too_big, quote->seq,
                       now_ns) &&
        net_path_mtu_lower(&host->net, now_ns, &conn->key.raddr, arrival->mtu, quote->total_len)) {
        /* Other connections see it when they send next: their ways are stale. */
        struct net_path path;
        (void)conn_way(host, index, now_ns, &path);
    }
    conn_settle(host, index, now_ns);
}

void icmp_error_arrives(struct hawser_host *host, const struct net_arrival *arrival,
                        uint64_t now_ns)
{
    struct flow_key key = key_of(&arrival->quote);
    struct verdict verdict = verdict_of(arrival->kind, arrival->v6);
    uint32_t ref = find(host, &key);
    if (ref != FLOW_NONE && flow_kind_of(ref) == FLOW_CONNECTION) {
        arrive_at_conn(host, flow_index_of(ref), verdict, arrival, now_ns);
    } else if (ref != FLOW_NONE && flow_kind_of(ref) == FLOW_REQUEST) {
        bool hard = verdict.hard && arrival->kind != ICMP_PACKET_TOO_BIG;
        request_icmp_error(host, flow_index_of(ref), hard, arrival->quote.seq, now_ns);
    } else {
        trace_drop(host, &key, HAWSER_DROP_ICMP); /* a record has nothing to gain from it */
    }
}

void neighbour_failures(struct hawser_host *host, uint64_t now_ns)
{
    struct icmp_quote quote;
    while (net_take_failure(&host->net, &quote)) {
        struct flow_key key = key_of(&quote);
        uint32_t ref = quote.has_transport ? find(host, &key) : FLOW_NONE;
        if (ref == FLOW_NONE || flow_kind_of(ref) != FLOW_CONNECTION)
            continue;
        uint32_t index = flow_index_of(ref);
        struct conn *conn = conn_at(host, index);
        host_works_for(host, &conn->key, index);
        tcp_icmp_error(&host->tcp, &conn->tcb, HAWSER_ERR_HOST_UNREACHABLE, false, false, quote.seq,
                       now_ns);
        conn_settle(host, index, now_ns);
    }
}
