/* SPDX-License-Identifier: MIT */
/* Half-open requests: from a SYN at a listener to a connection in its accept queue, or to nothing.
 * What a segment means to them is tcp/'s to say; where they are kept, and what happens when there
 * is no room, is said here. */
#include "stack/requests.h"

#include "stack/host.h"
#include "stack/trace.h"

/* A cookie that was sent is good for two of its periods of 64 s (cookie.c), and a little for the
 * way back. */
#define COOKIES_LIVE_NS (130 * NS_PER_S)

/* ---- lists ----------------------------------------------------------------------------------- */

static void listener_link(struct hawser_host *host, uint32_t index)
{
    struct request *request = request_at(host, index);
    struct listener *listener = listener_at(&host->listeners, request->listener);
    request->prev = REQUEST_NONE;
    request->next = listener->requests_head;
    if (request->next != REQUEST_NONE)
        request_at(host, request->next)->prev = index;
    listener->requests_head = index;
    listener->requests_count++;
}

static void listener_unlink(struct hawser_host *host, uint32_t index)
{
    const struct request *request = request_at(host, index);
    struct listener *listener = listener_at(&host->listeners, request->listener);
    if (request->next != REQUEST_NONE)
        request_at(host, request->next)->prev = request->prev;
    if (request->prev != REQUEST_NONE)
        request_at(host, request->prev)->next = request->next;
    else
        listener->requests_head = request->next;
    listener->requests_count--;
}

void request_enqueue(struct hawser_host *host, uint32_t index)
{
    struct request *request = request_at(host, index);
    struct link_queues *queues = &host->queues[request->way.link];
    if (request->queued)
        return;
    request->queued = true;
    request->out_next = REQUEST_NONE;
    request->out_prev = queues->requests_tail;
    if (queues->requests_tail == REQUEST_NONE)
        queues->requests_head = index;
    else
        request_at(host, queues->requests_tail)->out_next = index;
    queues->requests_tail = index;
    host->output_count++;
}

void request_dequeue(struct hawser_host *host, uint32_t index)
{
    struct request *request = request_at(host, index);
    struct link_queues *queues = &host->queues[request->way.link];
    if (!request->queued)
        return;
    request->queued = false;
    if (request->out_prev == REQUEST_NONE)
        queues->requests_head = request->out_next;
    else
        request_at(host, request->out_prev)->out_next = request->out_next;
    if (request->out_next == REQUEST_NONE)
        queues->requests_tail = request->out_prev;
    else
        request_at(host, request->out_next)->out_prev = request->out_prev;
    host->output_count--;
}

/* After something happened to it. */
static void schedule(struct hawser_host *host, uint32_t index)
{
    struct request *request = request_at(host, index);
    wheel_set(&host->request_timers, index, request->half.synack_at_ns);
    if (request->half.synack_now || request->half.ack_now)
        request_enqueue(host, index);
}

/* Everything but its reference in the map. */
static void forget(struct hawser_host *host, uint32_t index)
{
    struct request *request = request_at(host, index);
    request_dequeue(host, index);
    listener_unlink(host, index);
    wheel_set(&host->request_timers, index, NEVER);
    request->used = false;
    pool_give(&host->requests, index);
}

/* ---- SYN ------------------------------------------------------------------------------------- */

/* What a new connection needs to know (tcp.h). False: no way back. */
static bool opening_of(struct hawser_host *host, const struct flow_key *key, uint64_t now_ns,
                       struct tcp_open *opening, struct way *way)
{
    struct net_path path;
    struct tuple_bytes tuple = host_tuple(key);
    uint64_t secret = isn_secret(&host->tcp, &tuple);
    /* RFC1122 12: from the address that was asked, whichever the route would have chosen. */
    if (net_path_find(&host->net, &key->laddr, &key->raddr, &path) != 0)
        return false;
    *way = way_of_path(&path);
    *opening = (struct tcp_open){
        .iss = isn_make(secret, now_ns),
        .ts_offset = ts_offset_make(secret),
        .path_mss = host_path_mss(key, path.mtu),
        .link_mss = host_path_mss(key, net_path_link_mtu(&host->net, &path)),
        .v4 = flow_key_is_v4(key),
    };
    return true;
}

/* The SYN table has no place. A cookie keeps nothing here (RFC4987 01, 03); but it follows no
 * clock, so it cannot lie beyond the sequence numbers of a record. */
static void answer_with_cookie(struct hawser_host *host, struct listener *listener,
                               const struct flow_key *key, const struct segment *syn,
                               uint64_t now_ns, bool over_record)
{
    struct tcp_open opening;
    struct way way;
    host->counters.halfopen_overflow++;
    if (!host->config.syn_cookies || over_record) {
        trace_drop(host, key, HAWSER_DROP_BACKLOG);
        return;
    }
    if (!opening_of(host, key, now_ns, &opening, &way)) {
        trace_drop(host, key, HAWSER_DROP_NO_ROUTE);
        return;
    }
    struct tcp_reply reply;
    struct tuple_bytes tuple = host_tuple(key);
    cookie_synack(&host->tcp, &listener->set, &opening, &tuple, syn, now_ns, &reply);
    struct reply_from from = {.key = key, .set = &listener->set, .way = &way};
    reply_push(host, &from, &reply.segment);
    listener->cookies_until_ns = ns_add(now_ns, COOKIES_LIVE_NS);
}

/* Into the map. False: no memory. */
static bool map_request(struct hawser_host *host, uint32_t index, uint64_t hash,
                        const struct request_over *over)
{
    struct request *request = request_at(host, index);
    uint32_t ref = flow_ref(FLOW_REQUEST, index);
    if (over == NULL)
        return host_map(host, hash, ref);
    request->wait = *over->wait;
    map_replace(&host->flows.map, hash, over->ref, ref);
    waiting_replaced(host, over->ref, &request->key, HAWSER_RECORD_REUSED_BY_SYN);
    host->counters.timewait_reopened++;
    return true;
}

static void fill(struct request *request, uint32_t listener, const struct flow_key *key,
                 struct way way, bool reopened)
{
    request->key = *key;
    request->listener = listener;
    request->way = way;
    request->used = true;
    request->queued = false;
    request->reopened = reopened;
    wheel_entry_init(&request->timer);
}

/* RFC9293 FIG5-4. The key says both ends: the listener stays as open as it was (RFC9293
 * 3.10.7.2-6), and answers leave from the address that the SYN came to (RFC1122 12). */
void request_begin(struct hawser_host *host, uint32_t listener_index, const struct flow_key *key,
                   uint64_t hash, const struct segment *syn, uint64_t now_ns,
                   const struct request_over *over)
{
    struct listener *listener = listener_at(&host->listeners, listener_index);
    struct tcp_open opening;
    struct way way;
    if (listener->accept_count >=
        listener->backlog) { /* RFC4987 08: it could not complete anyway */
        host->counters.accept_overflow++;
        trace_drop(host, key, HAWSER_DROP_BACKLOG);
        return;
    }
    uint32_t index = REQUEST_NONE;
    if (listener->requests_count < listener->backlog)
        index = host_take(host, &host->requests);
    if (index == REQUEST_NONE) {
        answer_with_cookie(host, listener, key, syn, now_ns, over != NULL);
        return;
    }
    struct request *request = request_at(host, index);
    if (!opening_of(host, key, now_ns, &opening, &way)) {
        pool_give(&host->requests, index);
        trace_drop(host, key, HAWSER_DROP_NO_ROUTE);
        return;
    }
    fill(request, listener_index, key, way, over != NULL);
    if (!map_request(host, index, hash, over)) {
        request->used = false;
        pool_give(&host->requests, index);
        trace_drop(host, key, HAWSER_DROP_MEMORY);
        return;
    }
    if (over != NULL) /* RFC9293 MAY-2 */
        opening.iss = isn_beyond(opening.iss, request->wait.snd_nxt);
    halfopen_from_syn(&host->tcp, &listener->set, &opening, syn, now_ns, &request->half);
    listener_link(host, index);
    if (trace_wanted(host))
        trace_state(host, key, HAWSER_LISTEN, HAWSER_SYN_RECEIVED, HAWSER_CAUSE_SYN);
    schedule(host, index);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void leave(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    const struct request *request = request_at(host, index);
    const struct flow_key key = request->key;
    uint64_t hash = flow_hash(&host->flows.key, &key);
    uint32_t ref = flow_ref(FLOW_REQUEST, index);
    if (request->reopened && now_ns != NEVER)
        waiting_resume(host, &key, hash, &request->wait, ref, now_ns);
    else
        map_remove(&host->flows.map, hash, ref);
    forget(host, index);
}

void request_end(struct hawser_host *host, uint32_t index, enum hawser_cause cause, uint64_t now_ns)
{
    if (trace_wanted(host))
        trace_state(host, &request_at(host, index)->key, HAWSER_SYN_RECEIVED, HAWSER_CLOSED, cause);
    leave(host, index, now_ns);
}

void request_timeout(struct hawser_host *host, uint32_t index, uint64_t now_ns)
{
    struct request *request = request_at(host, index);
    if (trace_wanted(host))
        trace_timer(host, &request->key, HAWSER_SYN_RECEIVED, HAWSER_TIMER_SYN_ACK);
    if (halfopen_timeout(&host->tcp, &request->half, now_ns))
        schedule(host, index);
    else
        request_end(host, index, HAWSER_CAUSE_TIMEOUT_RETRANSMISSION, now_ns);
}

void request_icmp_error(struct hawser_host *host, uint32_t index, bool hard, seq_t quoted,
                        uint64_t now_ns)
{
    /* Of a request only the SYN-ACK was sent: nothing else can be quoted (RFC5927 01). */
    if (hard && seq_eq(quoted, request_at(host, index)->half.iss))
        request_end(host, index, HAWSER_CAUSE_ICMP, now_ns);
    else
        trace_drop(host, &request_at(host, index)->key, HAWSER_DROP_ICMP);
}

/* ---- segments -------------------------------------------------------------------------------- */

static void push_reply(struct hawser_host *host, const struct flow_key *key,
                       const struct tcb_settings *set, const struct way *way,
                       const struct tcp_reply *reply)
{
    struct reply_from from = {.key = key, .set = set, .way = way};
    if (reply->present)
        reply_push(host, &from, &reply->segment);
}

/* Joins its listener's accept queue. */
static void wait_for_accept(struct hawser_host *host, uint32_t listener_index, uint32_t index)
{
    struct listener *listener = listener_at(&host->listeners, listener_index);
    struct conn *conn = conn_at(host, index);
    conn->waiting.next = CONN_NONE;
    conn->waiting.listener = listener_index;
    if (listener->accept_count == 0)
        listener->accept_head = index;
    else
        conn_at(host, listener->accept_tail)->waiting.next = index;
    listener->accept_tail = index;
    listener->accept_count++;
    listener->events |= HAWSER_EVENT_ACCEPTABLE;
    host->counters.opens_passive++;
    events_push_listener(host, listener_index);
}

/* A slot that is ready to take over, its port held; CONN_NONE: the request must wait, and the
 * segment is dropped. */
static uint32_t prepare(struct hawser_host *host, uint32_t listener_index,
                        const struct flow_key *key, struct way way)
{
    const struct listener *listener = listener_at(&host->listeners, listener_index);
    if (listener->accept_count >= listener->backlog) {
        host->counters.accept_overflow++;
        trace_drop(host, key, HAWSER_DROP_BACKLOG);
        return CONN_NONE;
    }
    uint32_t index = conn_take(host, key, way, CONN_WAITING);
    bool held = index != CONN_NONE && host_hold_port(host, key);
    if (held)
        return index;
    if (index != CONN_NONE)
        conn_discard(host, index);
    trace_drop(host, key, HAWSER_DROP_MEMORY);
    return CONN_NONE;
}

/* The handshake is complete, or this segment ended it. True: the block lives on as a connection. */
static bool take_over(struct hawser_host *host, uint32_t listener_index, uint32_t index,
                      const struct segment *seg, const struct halfopen *half, uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    const struct tcb_settings *set = &listener_at(&host->listeners, listener_index)->set;
    struct tcp_reply reply;
    halfopen_inflate(&host->tcp, set, half, &conn->tcb);
    host_works_for(host, &conn->key, index);
    segment_arrives(&host->tcp, &conn->tcb, seg, now_ns, reply_clear(&reply));
    push_reply(host, &conn->key, set, &conn->way, &reply);
    return conn->tcb.state != HAWSER_SYN_RECEIVED && conn->tcb.state != HAWSER_CLOSED;
}

static void start_connection(struct hawser_host *host, uint32_t listener_index, uint32_t index,
                             uint64_t now_ns)
{
    struct conn *conn = conn_at(host, index);
    struct net_path path;
    conn->mapped = true;
    wait_for_accept(host, listener_index, index);
    if (way_to_path(&host->net, conn->way, &path)) /* what we sent did arrive (RFC 4861 7.3.1) */
        net_confirm(&host->net, &path, now_ns);
    host->last_conn = index;
    conn_settle(host, index, now_ns);
}

/* The ACK of our SYN-ACK, or what carries it (RFC9293 FIG5-9). */
static void complete(struct hawser_host *host, uint32_t request_index, uint64_t hash,
                     const struct segment *seg, uint64_t now_ns)
{
    struct request *request = request_at(host, request_index);
    uint32_t listener = request->listener;
    uint32_t index = prepare(host, listener, &request->key, request->way);
    if (index == CONN_NONE)
        return;
    struct conn *conn = conn_at(host, index);
    if (take_over(host, listener, index, seg, &request->half, now_ns)) {
        map_replace(&host->flows.map, hash, flow_ref(FLOW_REQUEST, request_index),
                    flow_ref(FLOW_CONNECTION, index));
        forget(host, request_index);
        start_connection(host, listener, index, now_ns);
        return;
    }
    ports_release(&host->ports, &request->key.laddr, request->key.lport);
    if (conn->tcb.state == HAWSER_SYN_RECEIVED) {
        halfopen_deflate(&host->tcp, &conn->tcb, &request->half);
        schedule(host, request_index);
    } else {
        leave(host, request_index, now_ns);
    }
    conn_give(host, index);
}

/* Anything else: a RST (RFC9293 FIG5-10), a SYN, what lies outside the window. */
static void arrive_at_block(struct hawser_host *host, uint32_t index, const struct segment *seg,
                            uint64_t now_ns)
{
    struct request *request = request_at(host, index);
    const struct listener *listener = listener_at(&host->listeners, request->listener);
    struct tcb *tcb = &host->scratch;
    struct tcp_reply reply;
    halfopen_inflate(&host->tcp, &listener->set, &request->half, tcb);
    host_works_for(host, &request->key, CONN_NONE);
    segment_arrives(&host->tcp, tcb, seg, now_ns, reply_clear(&reply));
    push_reply(host, &request->key, &listener->set, &request->way, &reply);
    if (tcb->state == HAWSER_SYN_RECEIVED) {
        halfopen_deflate(&host->tcp, tcb, &request->half);
        schedule(host, index);
        return;
    }
    tcb_release(&host->tcp, tcb);
    leave(host, index, now_ns);
}

static bool acknowledges_syn(const struct halfopen *half, const struct segment *seg)
{
    return (seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK &&
           seq_eq(seg->ack, seq_add(half->iss, 1));
}

void request_arrives(struct hawser_host *host, uint32_t index, uint64_t hash,
                     const struct segment *seg, uint64_t now_ns)
{
    struct request *request = request_at(host, index);
    if (halfopen_is_duplicate_syn(&request->half, seg)) {
        halfopen_repeat_synack(&request->half, seg, now_ns);
        schedule(host, index);
    } else if (acknowledges_syn(&request->half, seg)) {
        complete(host, index, hash, seg, now_ns);
    } else {
        arrive_at_block(host, index, seg, now_ns);
    }
}

bool request_from_cookie(struct hawser_host *host, uint32_t listener_index,
                         const struct flow_key *key, uint64_t hash, const struct segment *seg,
                         uint64_t now_ns)
{
    const struct listener *listener = listener_at(&host->listeners, listener_index);
    struct tcp_open opening;
    struct way way;
    struct halfopen half;
    if (now_ns >= listener->cookies_until_ns) /* none is on its way */
        return false;
    struct tuple_bytes tuple = host_tuple(key);
    if (!opening_of(host, key, now_ns, &opening, &way) ||
        !cookie_check(&host->tcp, &listener->set, &opening, &tuple, seg, now_ns, &half)) {
        trace_drop(host, key, HAWSER_DROP_COOKIE);
        return false;
    }
    uint32_t index = prepare(host, listener_index, key, way);
    if (index == CONN_NONE)
        return true; /* its sender will try again, or give up */
    uint32_t ref = flow_ref(FLOW_CONNECTION, index);
    if (!host_map(host, hash, ref)) {
        trace_drop(host, key, HAWSER_DROP_MEMORY);
        ports_release(&host->ports, &key->laddr, key->lport);
        conn_discard(host, index);
    } else if (take_over(host, listener_index, index, seg, &half, now_ns)) {
        start_connection(host, listener_index, index, now_ns);
    } else {
        map_remove(&host->flows.map, hash, ref);
        ports_release(&host->ports, &key->laddr, key->lport);
        conn_give(host, index);
    }
    return true;
}
