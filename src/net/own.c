/* SPDX-License-Identifier: MIT */
/* Frames that net makes itself: built once, in stored frames, and queued on their link. */
#include <string.h>

#include "base/bytes.h"
#include "net/internal.h"
#include "wire/checksum.h"
#include "wire/ipv6_headers.h"

#define IPV4_MORE_FRAGMENTS 0x2000u

void own_push(struct net *net, uint32_t link, uint32_t frame)
{
    frames_push(&net->frames, &net->links[link].out, frame);
}

static uint32_t take(struct net *net, uint32_t length)
{
    uint32_t frame = frames_take(&net->frames, length, true);
    if (frame == FRAMES_NONE)
        net_drop(net, HAWSER_DROP_MEMORY);
    return frame;
}

uint8_t *own_ethernet(struct net *net, uint32_t link, const struct mac *to, uint16_t type,
                      uint32_t length, uint32_t *frame)
{
    *frame = take(net, ETHER_HEADER_BYTES + length);
    if (*frame == FRAMES_NONE)
        return NULL;
    uint8_t *data = frames_at(&net->frames, *frame)->data;
    const struct ether header = {.dst = *to, .src = net->links[link].mac, .type = type};
    ether_emit(&header, data);
    return data + ETHER_HEADER_BYTES;
}

bool own_begin(struct net *net, const struct hawser_address *source,
               const struct hawser_address *destination, uint32_t message_len, struct own *own)
{
    int result = net_path_find(net, source, destination, &own->path);
    if (result != 0) {
        net_drop(net,
                 result == HAWSER_ERR_RESOURCES ? HAWSER_DROP_NEIGHBOUR : HAWSER_DROP_NO_ROUTE);
        return false;
    }
    uint32_t headroom = net_headroom(net, &own->path, !address_mapped(destination));
    own->frame = take(net, headroom + message_len);
    if (own->frame == FRAMES_NONE)
        return false;
    own->message = frames_at(&net->frames, own->frame)->data + headroom;
    own->message_len = message_len;
    return true;
}

/* What became of a frame that was handed to a neighbour. */
static void settle(struct net *net, const struct net_path *path, uint32_t frame,
                   enum net_send result)
{
    if (result == NET_SENT)
        own_push(net, path->link, frame);
    else
        frames_give(&net->frames, frame);
}

/* Writes the headers of one fragment in front of its bytes, which end the frame. */
static void emit_fragment(const struct ip_emit *ip, uint32_t offset, bool more, uint8_t *out)
{
    if (address_mapped(ip->dst)) {
        ip_emit(ip, out);
        store_be16(out + 6, offset / 8 | (more ? IPV4_MORE_FRAGMENTS : 0));
        store_be16(out + 10, 0);
        store_be16(out + 10, checksum_finish(checksum_sum(out, IPV4_HEADER_BYTES)));
        return;
    }
    struct ip_emit outer = *ip;
    outer.protocol = IPV6_NEXT_FRAGMENT;
    outer.payload_len += IPV6_FRAGMENT_BYTES;
    uint8_t *fragment = out + ip_emit(&outer, out);
    fragment[0] = ip->protocol;
    fragment[1] = 0;
    store_be16(fragment + 2, offset | (more ? 1u : 0u));
    store_be32(fragment + 4, ip->id);
}

/* RFC 791 3.2, RFC 8200 4.5: only answers to large echo requests come here. */
static void send_fragments(struct net *net, uint64_t now_ns, const struct own *own,
                           struct ip_emit *ip)
{
    uint32_t link_bytes = net->links[own->path.link].header_bytes;
    uint32_t headers =
        address_mapped(ip->dst) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES + IPV6_FRAGMENT_BYTES;
    uint32_t piece_max = (own->path.mtu - headers) & ~7u;
    ip->id = net_ip_id(net, ip->src, ip->dst);
    for (uint32_t offset = 0; offset < own->message_len; offset += piece_max) {
        uint32_t left = own->message_len - offset;
        uint32_t piece = left < piece_max ? left : piece_max;
        uint32_t frame_len = link_bytes + headers + piece;
        uint32_t frame = take(net, frame_len);
        if (frame == FRAMES_NONE)
            return;
        uint8_t *data = frames_at(&net->frames, frame)->data;
        ip->payload_len = piece;
        emit_fragment(ip, offset, piece < left, data + link_bytes);
        memcpy(data + link_bytes + headers, own->message + offset, piece);
        settle(net, &own->path, frame, net_send_frame(net, now_ns, &own->path, data, frame_len));
    }
}

void own_send(struct net *net, uint64_t now_ns, struct own *own,
              const struct hawser_address *destination, uint8_t hop_limit, uint8_t traffic_class)
{
    bool v6 = !address_mapped(destination);
    struct ip_emit ip = {.src = &own->path.source,
                         .dst = destination,
                         .payload_len = own->message_len,
                         .protocol = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
                         .hop_limit = hop_limit,
                         .traffic_class = traffic_class};
    net->counters->icmp_out++;
    if ((v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + own->message_len > own->path.mtu) {
        send_fragments(net, now_ns, own, &ip);
        frames_give(&net->frames, own->frame);
        return;
    }
    struct frame *stored = frames_at(&net->frames, own->frame);
    enum net_send result = net_send(net, now_ns, &own->path, &ip, stored->data, &stored->length);
    settle(net, &own->path, own->frame, result);
}
