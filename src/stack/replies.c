/* SPDX-License-Identifier: MIT */
/* The queues of replies. */
#include "stack/replies.h"

#include "stack/host.h"
#include "stack/trace.h"

/* Options that only a connection's own output carries. */
#define REPLY_OPTIONS (TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMPS)

static void fill(struct reply *reply, const struct segment *segment, const struct tcb_settings *set,
                 const struct hawser_config *config)
{
    reply->seq = segment->seq;
    reply->ack = segment->ack;
    reply->ts_val = segment->ts_val;
    reply->ts_ecr = segment->ts_ecr;
    reply->wnd = segment->wnd;
    reply->mss = segment->mss;
    reply->flags = segment->flags;
    reply->options = segment->options & REPLY_OPTIONS;
    reply->wscale = segment->wscale;
    reply->hop_limit = set != NULL ? set->hop_limit : config->hop_limit;
    reply->traffic_class = set != NULL ? set->traffic_class : 0;
}

static bool find_way(struct hawser_host *host, const struct reply_from *from, struct way *out)
{
    struct net_path path;
    if (from->way != NULL && way_to_path(&host->net, *from->way, &path)) {
        *out = *from->way;
        return true;
    }
    const struct flow_key *key = from->key;
    if (net_path_find(&host->net, &key->laddr, &key->raddr, &path) != 0)
        return false;
    *out = way_of_path(&path);
    return true;
}

void reply_push(struct hawser_host *host, const struct reply_from *from,
                const struct segment *segment)
{
    struct way way;
    if (!find_way(host, from, &way)) {
        trace_drop(host, from->key, HAWSER_DROP_NO_ROUTE);
        return;
    }
    uint32_t index = host_take(host, &host->replies);
    if (index == REPLY_NONE) {
        trace_drop(host, from->key, HAWSER_DROP_RATE);
        return;
    }
    struct reply *reply = pool_at(&host->replies, index);
    struct link_queues *queues = &host->queues[way.link];
    reply->key = *from->key;
    reply->way = way;
    reply->next = REPLY_NONE;
    fill(reply, segment, from->set, &host->config);
    if (queues->replies_head == REPLY_NONE)
        queues->replies_head = index;
    else
        ((struct reply *)pool_at(&host->replies, queues->replies_tail))->next = index;
    queues->replies_tail = index;
    host->output_count++;
}

bool reply_pop(struct hawser_host *host, uint32_t link, struct reply *out)
{
    struct link_queues *queues = &host->queues[link];
    uint32_t index = queues->replies_head;
    if (index == REPLY_NONE)
        return false;
    *out = *(const struct reply *)pool_at(&host->replies, index);
    queues->replies_head = out->next;
    pool_give(&host->replies, index);
    host->output_count--;
    return true;
}

void reply_segment(const struct reply *reply, struct segment *out)
{
    *out = (struct segment){
        .seq = reply->seq,
        .ack = reply->ack,
        .len = (reply->flags & TCP_SYN ? 1 : 0) + (reply->flags & TCP_FIN ? 1 : 0),
        .src_port = reply->key.lport,
        .dst_port = reply->key.rport,
        .wnd = reply->wnd,
        .flags = reply->flags,
        .options = reply->options,
        .wscale = reply->wscale,
        .mss = reply->mss,
        .ts_val = reply->ts_val,
        .ts_ecr = reply->ts_ecr,
    };
}
