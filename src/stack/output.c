/* SPDX-License-Identifier: MIT */
/* Frames out: replies first, then net's own, then half-open requests, then connections in turn. */
#include "stack/host.h"
#include "stack/trace.h"
#include "wire/checksum.h"

/* What a connection may send before it is the next one's turn. */
#define TURN_SEGMENTS 16u
#define TURN_BYTES (UINT32_C(64) * 1024)

/* Frames that one call brings back to the host itself; two ends of one host must not keep a call
 * for ever. */
#define LOOPBACK_FRAMES 1024u

/* The buffers of one call. */
struct batch {
    struct hawser_host *host;
    struct hawser_buffer *buffers;
    size_t count, filled;
    uint64_t now_ns;
    uint32_t link;
    uint32_t frame_max; /* the longest frame of the link: what a buffer must hold */
};

/* Where the next frame is written: a buffer that is too small loses it (hawser.h), but not what
 * follows from it. */
static uint8_t *place_of(const struct batch *batch)
{
    const struct hawser_buffer *buffer = &batch->buffers[batch->filled];
    return buffer->capacity >= batch->frame_max ? buffer->data : batch->host->scratch_frame;
}

/* Who sends, and by which way. */
struct sender {
    const struct flow_key *key;
    const struct net_path *path;
    uint32_t flow_label;
    uint8_t hop_limit, traffic_class;
};

/* Link and IP header in front of length octets of TCP that stand in place; the frame goes into the
 * batch. */
static inline void send(struct batch *batch, const struct sender *from, uint8_t *frame,
                        uint32_t length)
{
    struct hawser_host *host = batch->host;
    struct hawser_buffer *buffer = &batch->buffers[batch->filled];
    const struct ip_emit ip = {
        .src = &from->key->laddr,
        .dst = &from->key->raddr,
        .payload_len = length,
        .flow_label = from->flow_label,
        .protocol = IP_PROTO_TCP,
        .hop_limit = from->hop_limit,
        .traffic_class = from->traffic_class, /* as it stands now: RFC9293 SHLD-21, SHLD-22 */
        .dont_fragment = host->config.path_mtu_discovery, /* RFC1191 09, RFC7323 32 */
    };
    uint32_t frame_len = 0;
    if (net_send(&host->net, batch->now_ns, from->path, &ip, frame, &frame_len) != NET_SENT)
        return;
    if (frame != buffer->data || frame_len > buffer->capacity) {
        trace_drop(host, from->key, HAWSER_DROP_SMALL_BUFFER);
        return;
    }
    buffer->length = frame_len;
    batch->filled++;
    host->counters.frames_out++;
}

/* RFC 6437 3: constant for the connection, spread over all values. Who sees the ISS sees the label
 * too. */
static uint32_t label_of(seq_t iss)
{
    return (iss.v * UINT32_C(0x9e3779b1)) >> 12;
}

/* A segment without text. */
static void send_segment(struct batch *batch, const struct sender *from, struct segment *segment,
                         enum hawser_state state)
{
    struct hawser_host *host = batch->host;
    uint8_t *frame = place_of(batch);
    uint8_t *header = frame + net_headroom(&host->net, from->path, !flow_key_is_v4(from->key));
    segment->src_port = from->key->lport;
    segment->dst_port = from->key->rport;
    uint32_t length = tcp_emit_header(segment, header);
    uint32_t pseudo = checksum_pseudo(&from->key->laddr, &from->key->raddr, IP_PROTO_TCP, length);
    tcp_emit_checksum(header, checksum_add(pseudo, checksum_sum(header, length)));
    host->counters.segments_out++;
    if (segment->flags & TCP_RST)
        host->counters.resets_out++;
    if (trace_wanted(host))
        trace_segment(host, HAWSER_TRACE_SEGMENT_OUT, from->key, CONN_NONE, state, segment, false);
    send(batch, from, frame, length);
}

/* The path of a way, found again when it is stale. False: none, or it is another link's business
 * (then *way tells which). */
static bool path_of(struct batch *batch, const struct flow_key *key, struct way *way,
                    struct net_path *path)
{
    struct net *net = &batch->host->net;
    if (way_to_path(net, *way, path))
        return true;
    if (net_path_find(net, &key->laddr, &key->raddr, path) != 0)
        return false;
    *way = way_of_path(path);
    return true;
}

static void output_reply(struct batch *batch)
{
    struct reply reply;
    struct segment segment;
    struct net_path path;
    if (!reply_pop(batch->host, batch->link, &reply))
        return;
    if (!path_of(batch, &reply.key, &reply.way, &path) || reply.way.link != batch->link) {
        trace_drop(batch->host, &reply.key, HAWSER_DROP_NO_ROUTE);
        return;
    }
    reply_segment(&reply, &segment);
    const struct sender from = {.key = &reply.key,
                                .path = &path,
                                .hop_limit = reply.hop_limit,
                                .traffic_class = reply.traffic_class};
    send_segment(batch, &from, &segment, HAWSER_CLOSED);
}

/* At most one frame of a request: a SYN-ACK or an ACK. */
static void output_request(struct batch *batch, uint32_t index)
{
    struct hawser_host *host = batch->host;
    struct request *request = request_at(host, index);
    const struct tcb_settings *set = &listener_at(&host->listeners, request->listener)->set;
    struct way way = request->way;
    struct net_path path;
    struct tcp_reply reply;
    bool reachable = path_of(batch, &request->key, &way, &path);
    request_dequeue(host, index);
    if (reachable && way.stamp != request->way.stamp) /* RFC8201 04: a connection may come of it */
        request->half.path_mss = host_path_mss(&request->key, path.mtu);
    request->way = way;
    if (reachable && way.link != batch->link) {
        request_enqueue(host, index);
        return;
    }
    if (!halfopen_output(&host->tcp, set, &request->half, batch->now_ns, reply_clear(&reply)))
        return;
    wheel_set(&host->request_timers, index, request->half.synack_at_ns);
    if (request->half.synack_now || request->half.ack_now)
        request_enqueue(host, index);
    if (!reachable) { /* lost on the way, like any other */
        trace_drop(host, &request->key, HAWSER_DROP_NO_ROUTE);
        return;
    }
    const struct sender from = {.key = &request->key,
                                .path = &path,
                                .flow_label = label_of(request->half.iss),
                                .hop_limit = set->hop_limit,
                                .traffic_class = set->traffic_class};
    send_segment(batch, &from, &reply.segment, HAWSER_SYN_RECEIVED);
}

/* Lets a connection send for one turn into the void: no way leads to its remote end. To tcp/ that
 * is loss, with its timers and its end; to the program a soft error. */
static void output_into_void(struct batch *batch, uint32_t index)
{
    struct hawser_host *host = batch->host;
    struct conn *conn = conn_at(host, index);
    uint32_t sum;
    for (unsigned i = 0; i < TURN_SEGMENTS; i++) {
        if (tcp_output(&host->tcp, &conn->tcb, batch->now_ns, conn->key.lport, conn->key.rport,
                       host->scratch_frame, &sum, NULL, NULL) == 0)
            break;
        trace_drop(host, &conn->key, HAWSER_DROP_NO_ROUTE);
    }
    if (!seq_eq(conn->tcb.snd.una, conn->tcb.snd.nxt))
        tcp_icmp_error(&host->tcp, &conn->tcb, HAWSER_ERR_NET_UNREACHABLE, false, false,
                       conn->tcb.snd.una, batch->now_ns);
}

/* One turn of a connection. Returns false when it has nothing more to send. */
static bool output_turn(struct batch *batch, uint32_t index, const struct net_path *path)
{
    struct hawser_host *host = batch->host;
    struct conn *conn = conn_at(host, index);
    const struct flow_key *key = &conn->key;
    struct tcb *tcb = &conn->tcb;
    const struct sender from = {.key = key,
                                .path = path,
                                .flow_label = label_of(tcb->iss),
                                .hop_limit = tcb->set.hop_limit,
                                .traffic_class = tcb->set.traffic_class};
    uint32_t headroom = net_headroom(&host->net, path, !flow_key_is_v4(key));
    uint32_t bytes = 0;
    for (unsigned i = 0; i < TURN_SEGMENTS && bytes < TURN_BYTES; i++) {
        if (batch->filled == batch->count)
            return true;
        uint8_t *frame = place_of(batch);
        struct segment sent;
        bool again;
        uint32_t sum;
        bool wanted = trace_wanted(host);
        uint32_t length = tcp_output(&host->tcp, tcb, batch->now_ns, key->lport, key->rport,
                                     frame + headroom, &sum, wanted ? &sent : NULL, &again);
        if (length == 0)
            return false;
        /* RFC9293 MUST-2 */
        uint32_t pseudo = checksum_pseudo(&key->laddr, &key->raddr, IP_PROTO_TCP, length);
        tcp_emit_checksum(frame + headroom, checksum_add(pseudo, sum));
        if (wanted)
            trace_segment(host, HAWSER_TRACE_SEGMENT_OUT, key, index, (enum hawser_state)tcb->state,
                          &sent, again);
        send(batch, &from, frame, length);
        bytes += length;
    }
    return true;
}

/* The connection whose turn it is; what stands in the queue may be a slot that is free, or another
 * connection's by now. */
static void output_conn(struct batch *batch)
{
    struct hawser_host *host = batch->host;
    struct link_queues *queues = &host->queues[batch->link];
    uint32_t index = queues->conns_head;
    struct conn *conn = conn_at(host, index);
    struct net_path path;
    queues->conns_head = conn->out_next;
    host->output_count--;
    conn->queued = false;
    if (conn->role == CONN_FREE || !conn->mapped)
        return;
    host_works_for(host, &conn->key, index);
    if (!conn_way(host, index, batch->now_ns, &path)) {
        output_into_void(batch, index);
    } else if (path.link != batch->link) {
        conn_enqueue(host, index);
        return;
    } else {
        if (!output_turn(batch, index, &path)) {
            conn_settle_dry(host, index, batch->now_ns);
            return;
        }
    }
    conn_settle(host, index, batch->now_ns);
}

static inline bool output_own(struct batch *batch)
{
    struct hawser_host *host = batch->host;
    struct hawser_buffer *buffer = &batch->buffers[batch->filled];
    if (!net_has_output(&host->net, batch->link) ||
        !net_output(&host->net, batch->link, buffer->data, buffer->capacity, &buffer->length))
        return false;
    batch->filled++;
    host->counters.frames_out++;
    return true;
}

size_t output_frames(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                     struct hawser_buffer *buffers, size_t count)
{
    const struct link_queues *queues = &host->queues[link];
    const struct net_link *is = &host->net.links[link];
    struct batch batch = {.host = host,
                          .buffers = buffers,
                          .count = count,
                          .now_ns = now_ns,
                          .link = link,
                          .frame_max = is->header_bytes + is->mtu};
    while (batch.filled < count && queues->replies_head != REPLY_NONE)
        output_reply(&batch);
    while (batch.filled < count && output_own(&batch))
        ;
    while (batch.filled < count && queues->requests_head != REQUEST_NONE)
        output_request(&batch, queues->requests_head);
    while (batch.filled < count && queues->conns_head != CONN_NONE)
        output_conn(&batch);
    while (batch.filled < count && output_own(&batch))
        ; /* what those made net ask: the link-layer address of a new neighbour */
    return batch.filled;
}

void loopback_pump(struct hawser_host *host, uint64_t now_ns)
{
    unsigned left = LOOPBACK_FRAMES;
    for (uint32_t link = 0; link < host->net.links_count && left > 0; link++) {
        if (host->net.links[link].kind != HAWSER_LINK_LOOPBACK)
            continue;
        while (left > 0 && output_waits(host, link)) {
            struct hawser_buffer buffer = {.data = host->scratch_frame, .capacity = SCRATCH_BYTES};
            left--;
            if (output_frames(host, link, now_ns, &buffer, 1) == 0)
                continue;
            const struct hawser_frame frame = {
                .data = buffer.data, .length = buffer.length, .flags = HAWSER_FRAME_CHECKSUM_OK};
            input_frame(host, link, now_ns, &frame);
        }
    }
}

size_t hawser_output(struct hawser_host *host, uint32_t link, uint64_t now_ns,
                     struct hawser_buffer *buffers, size_t count)
{
    uint64_t now = host_now(host, now_ns);
    size_t filled = 0;
    if (link < host->net.links_count && host->net.links[link].kind != HAWSER_LINK_LOOPBACK &&
        output_waits(host, link))
        filled = output_frames(host, link, now, buffers, count);
    host_after(host, now);
    return filled;
}
