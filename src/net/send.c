/* SPDX-License-Identifier: MIT */
/* Sending: the headers in front of a transport message, and the queues of what net sends itself. */
#include <string.h>

#include "base/assert.h"
#include "base/hot.h"
#include "net/internal.h"

HOT enum net_send net_send_frame(struct net *net, uint64_t now_ns, const struct net_path *path,
                                 uint8_t *frame, uint32_t frame_len)
{
    if (path->neighbour == NEIGHBOUR_NONE)
        return NET_SENT;
    struct neighbour *n = neighbour_at(&net->neighbours, path->neighbour);
    ASSERT(n->serial == path->neighbour_serial);
    n->used = true;
    if (n->state != NEIGHBOUR_REACHABLE || now_ns >= n->reachable_until_ns)
        return resolve_send(net, now_ns, path->neighbour, frame, frame_len);
    memcpy(frame, n->header, ETHER_HEADER_BYTES);
    return NET_SENT;
}

uint32_t net_ip_id(struct net *net, const struct hawser_address *src,
                   const struct hawser_address *dst)
{
    /* A counter for each pair of addresses would be exact; a keyed choice among a few cannot be
     * read from outside either, and repeats late enough (RFC 7739 5.3). */
    uint64_t words[4];
    memcpy(words, src->bytes, 16);
    memcpy(words + 2, dst->bytes, 16);
    uint64_t hash = siphash_words(&net->key, words, 4);
    return (uint32_t)(hash >> 32) + net->ip_id[hash % NET_IP_IDS]++;
}

HOT enum net_send net_send(struct net *net, uint64_t now_ns, const struct net_path *path,
                           const struct ip_emit *ip, uint8_t *frame, uint32_t *frame_len)
{
    uint32_t header_bytes = net->links[path->link].header_bytes;
    struct ip_emit with_id;
    if (!ip->dont_fragment && address_mapped(ip->dst)) {
        with_id = *ip;
        with_id.id = net_ip_id(net, ip->src, ip->dst);
        ip = &with_id;
    }
    *frame_len = header_bytes + ip_emit(ip, frame + header_bytes) + ip->payload_len;
    return net_send_frame(net, now_ns, path, frame, *frame_len);
}

bool net_output(struct net *net, uint32_t link, uint8_t *frame, uint32_t capacity, uint32_t *length)
{
    if (link >= net->links_count)
        return false;
    for (uint32_t i; (i = frames_pop(&net->frames, &net->links[link].out)) != FRAMES_NONE;) {
        const struct frame *stored = frames_at(&net->frames, i);
        bool fits = stored->length <= capacity;
        if (fits) {
            memcpy(frame, stored->data, stored->length);
            *length = stored->length;
        } else {
            net_drop(net, HAWSER_DROP_SMALL_BUFFER);
        }
        frames_give(&net->frames, i);
        if (fits)
            return true;
    }
    return false;
}
