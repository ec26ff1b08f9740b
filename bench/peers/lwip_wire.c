/* SPDX-License-Identifier: MIT */
/* Two interfaces of one lwIP with an MTU of 1500: what one sends is copied, queued, and the other's
 * input. */
#include "lwip_wire.h"

#include <errno.h>

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/timeouts.h>

#include "peer.h"

#define MTU 1500
#define QUEUE 4096u

static struct lwip_end ends[2];
static struct frame {
    struct netif *to;
    struct pbuf *p;
} queue[QUEUE];
static uint32_t queue_head, queue_tail;

void lwip_check(err_t status, const char *what)
{
    errno = 0;
    if (status != ERR_OK)
        peer_fail("%s: lwIP says %d", what, status);
}

static err_t send_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    struct pbuf *copy = pbuf_alloc(PBUF_LINK, p->tot_len, PBUF_RAM);
    if (copy == NULL || queue_tail - queue_head == QUEUE)
        peer_fail("the wire is full");
    lwip_check(pbuf_copy(copy, p), "pbuf_copy");
    struct netif *other = netif == &ends[0].netif ? &ends[1].netif : &ends[0].netif;
    queue[queue_tail++ % QUEUE] = (struct frame){other, copy};
    return ERR_OK;
}

/* What IPv6 says by itself reaches nobody. */
static err_t send_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif;
    (void)p;
    (void)to;
    return ERR_OK;
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = netif->name[1] = 'w';
    netif->mtu = MTU;
    netif->output = send_v4;
    netif->output_ip6 = send_v6;
    return ERR_OK;
}

void lwip_wire_create(struct lwip_end **client, struct lwip_end **server)
{
    lwip_init();
    for (unsigned side = 0; side < 2; side++) {
        struct lwip_end *end = &ends[side];
        ip4_addr_t mask, gateway = {0};
        IP_ADDR4(&end->address, 10, 0, 0, (uint8_t)(side + 1));
        IP4_ADDR(&mask, 255, 255, 255, 0);
        netif_add(&end->netif, ip_2_ip4(&end->address), &mask, &gateway, NULL, set_up, ip_input);
        netif_set_up(&end->netif);
        netif_set_link_up(&end->netif);
    }
    *client = &ends[0];
    *server = &ends[1];
}

void lwip_wire_pump(void)
{
    sys_check_timeouts();
    while (queue_head != queue_tail) {
        const struct frame *frame = &queue[queue_head++ % QUEUE];
        if (frame->to->input(frame->p, frame->to) != ERR_OK)
            peer_fail("a frame was refused");
    }
}
