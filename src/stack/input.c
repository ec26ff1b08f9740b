/* SPDX-License-Identifier: MIT */
/* Frames in: which connection, request, record or listener a segment is for. */
#include "stack/host.h"
#include "stack/trace.h"
#include "wire/checksum.h"

/* Segments that are looked at together: while one is processed, memory brings what the next ones
 * need. */
#define BATCH 16u

/* A segment whose bytes were judged, and whom it names. */
struct arrival {
    struct flow_key key;
    struct segment seg;
    uint64_t hash;
    bool hashed;
};

static void trace_arrival(struct hawser_host *host, const struct arrival *in, uint32_t conn,
                          enum hawser_state state)
{
    if (trace_wanted(host))
        trace_segment(host, HAWSER_TRACE_SEGMENT_IN, &in->key, conn, state, &in->seg, false);
}

static void arrive_at_conn(struct hawser_host *host, uint32_t index, const struct arrival *in,
                           uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    struct tcb *tcb = &conn->tcb;
    seq_t una = tcb->snd.una;
    struct tcp_reply reply;
    host_works_for(host, &conn->key, index);
    trace_arrival(host, in, index, (enum hawser_state)tcb->state);
    segment_arrives(&host->tcp, tcb, &in->seg, now_ns, reply_clear(&reply));
    conn_reply(host, index, &reply);
    if (!seq_eq(una, tcb->snd.una)) { /* RFC 4861 7.3.1: forward progress */
        struct net_path path;
        if (way_to_path(&host->net, conn->way, &path))
            net_confirm(&host->net, &path, now_ns);
    }
    conn_settle(host, index, now_ns);
}

/* Why a listener, or nobody, has no use for a segment. */
static enum hawser_drop drop_of(const struct segment *seg)
{
    return seg->flags & TCP_RST ? HAWSER_DROP_RST_IGNORED : HAWSER_DROP_CLOSED_PORT;
}

static void refuse(struct hawser_host *host, const struct arrival *in,
                   const struct tcb_settings *set, const struct tcp_reply *reply)
{
    trace_drop(host, &in->key, drop_of(&in->seg));
    if (!reply->present)
        return;
    struct reply_from from = {.key = &in->key, .set = set};
    reply_push(host, &from, &reply->segment);
}

/* Nothing has this 4-tuple. */
static void arrive_at_nobody(struct hawser_host *host, const struct arrival *in, uint64_t hash,
                             uint64_t now_ns)
{
    const struct segment *seg = &in->seg;
    struct tcp_reply reply;
    uint32_t index = listeners_find(&host->listeners, &in->key);
    if (index == LISTENER_NONE) {
        trace_arrival(host, in, CONN_NONE, HAWSER_CLOSED);
        segment_arrives_closed(seg, reply_clear(&reply));
        refuse(host, in, NULL, &reply);
        return;
    }
    trace_arrival(host, in, CONN_NONE, HAWSER_LISTEN);
    bool may_be_cookie = (seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK;
    if (may_be_cookie && request_from_cookie(host, index, &in->key, hash, seg, now_ns))
        return;
    if (segment_arrives_listen(seg, reply_clear(&reply)))
        request_begin(host, index, &in->key, hash, seg, now_ns, NULL);
    else
        refuse(host, in, &listener_at(&host->listeners, index)->set, &reply);
}

static bool is_last(const struct hawser_host *host, const struct flow_key *key)
{
    return host->last_conn != CONN_NONE &&
           flow_key_equal(&conn_at(host, host->last_conn)->key, key);
}

static void arrive(struct hawser_host *host, const struct arrival *in, uint64_t now_ns)
{
    if (is_last(host, &in->key)) {
        arrive_at_conn(host, host->last_conn, in, now_ns);
        return;
    }
    uint64_t hash = in->hashed ? in->hash : flow_hash(&host->flows.key, &in->key);
    uint32_t ref = map_find(&host->flows.map, hash, &in->key);
    uint32_t index = flow_index_of(ref);
    if (ref == FLOW_NONE) {
        arrive_at_nobody(host, in, hash, now_ns);
        return;
    }
    switch (flow_kind_of(ref)) {
    case FLOW_CONNECTION:
        host->last_conn = index;
        arrive_at_conn(host, index, in, now_ns);
        break;
    case FLOW_REQUEST:
        trace_arrival(host, in, CONN_NONE, HAWSER_SYN_RECEIVED);
        request_arrives(host, index, hash, &in->seg, now_ns);
        break;
    case FLOW_RECORD_V4:
    case FLOW_RECORD_V6:
        if (waiting_expire_due(host, ref, &in->key, now_ns)) {
            arrive_at_nobody(host, in, hash, now_ns);
            break;
        }
        trace_arrival(host, in, CONN_NONE,
                      waiting_at(host, ref)->fin_wait_2 ? HAWSER_FIN_WAIT_2 : HAWSER_TIME_WAIT);
        waiting_arrives(host, ref, &in->key, hash, &in->seg, now_ns);
        break;
    }
}

/* A TCP message becomes *in; false: it is none. */
static bool read_segment(struct hawser_host *host, const struct net_arrival *from,
                         struct arrival *in)
{
    const struct ip_packet *ip = &from->ip;
    uint32_t pseudo = 0;
    if (!from->checksum_ok)
        pseudo = checksum_pseudo(&ip->src, &ip->dst, IP_PROTO_TCP, ip->payload_len);
    enum tcp_parse parsed =
        tcp_parse(ip->payload, ip->payload_len, pseudo, !from->checksum_ok, &in->seg);
    in->key = (struct flow_key){ip->dst, ip->src, in->seg.dst_port, in->seg.src_port};
    in->hashed = false;
    host->counters.segments_in++;
    switch (parsed) {
    case TCP_PARSE_OK:
        return true;
    case TCP_PARSE_SHORT:
        trace_drop(host, &in->key, HAWSER_DROP_SHORT);
        break;
    case TCP_PARSE_CHECKSUM:
        trace_drop(host, &in->key, HAWSER_DROP_TCP_CHECKSUM);
        break;
    case TCP_PARSE_BAD_OPTIONS:
        trace_drop(host, &in->key, HAWSER_DROP_TCP_OPTIONS);
        break;
    }
    return false;
}

/* The segments of one call that were read and wait to be processed. */
struct pending {
    struct arrival list[BATCH];
    unsigned count;
};

static void process(struct hawser_host *host, struct pending *pending, uint64_t now_ns)
{
    for (unsigned i = 0; i < pending->count; i++)
        arrive(host, &pending->list[i], now_ns);
    pending->count = 0;
}

/* Asks for the place in the flow map, unless the connection is known without it. */
static void look_ahead(struct hawser_host *host, struct pending *pending)
{
    struct arrival *in = &pending->list[pending->count];
    if (is_last(host, &in->key) || (pending->count > 0 && flow_key_equal(&in[-1].key, &in->key)))
        return;
    in->hash = flow_hash(&host->flows.key, &in->key);
    in->hashed = true;
    map_prefetch(&host->flows.map, in->hash);
}

/* Whether the bytes of a message lie in the frame, and so stay where they are for the whole
 * call. */
static bool lies_in(const struct hawser_frame *frame, const uint8_t *payload)
{
    uintptr_t start = (uintptr_t)frame->data, at = (uintptr_t)payload;
    return at >= start && at - start <= frame->length;
}

static void take(struct hawser_host *host, struct pending *pending, uint32_t link, uint64_t now_ns,
                 const struct hawser_frame *frame)
{
    struct net_arrival arrival;
    switch (net_input(&host->net, link, now_ns, frame, &arrival)) {
    case NET_TCP:
        if (!read_segment(host, &arrival, &pending->list[pending->count]))
            break;
        look_ahead(host, pending);
        pending->count++;
        if (pending->count == BATCH || !lies_in(frame, arrival.ip.payload))
            process(host, pending, now_ns);
        break;
    case NET_ICMP_ERROR:
        process(host, pending, now_ns); /* in the order in which they came */
        icmp_error_arrives(host, &arrival, now_ns);
        break;
    case NET_NOTHING:
        if (arrival.drop != NET_DROP_NONE)
            trace_drop_counted(host, NULL, arrival.drop);
        break;
    }
}

void input_frame(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                 const struct hawser_frame *frame)
{
    struct pending pending;
    pending.count = 0;
    take(host, &pending, link, now_ns, frame);
    process(host, &pending, now_ns);
}

void hawser_input(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                  const struct hawser_frame *frames, size_t count)
{
    uint64_t now = host_now(host, now_ns);
    struct pending pending;
    pending.count = 0;
    for (size_t i = 0; i < count; i++)
        take(host, &pending, link, now, &frames[i]);
    process(host, &pending, now);
    host_after(host, now);
}
