/* SPDX-License-Identifier: MIT */
/* One host and the harness around it: see machine.h. */
#include "fuzz/machine.h"

#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/ip.h"

#define FRAMES_AT_ONCE 20000u /* more in one instant has no end */
#define STEPS_MAX 20000u      /* more timers than that in one wait has none either */

void machine_start(struct machine *m, const struct hawser_config *config,
                   const struct hawser_link_config *link)
{
    static uint8_t room[MACHINE_FRAMES][PACKET_MAX];
    m->room = room;
    m->mtu = link->mtu;
    m->ethernet = link->kind == HAWSER_LINK_ETHERNET;
    m->host = NULL;
    const char *field = NULL;
    REQUIRE(hawser_config_check(config, &field) == 0);
    int result = hawser_host_create(config, m->now_ns, &m->host);
    REQUIRE(result == 0 || result == HAWSER_ERR_RESOURCES);
    REQUIRE((result == 0) == (m->host != NULL));
    if (result != 0)
        return;
    if (hawser_link_add(m->host, link, &m->link) != 0) {
        REQUIRE(m->memory.refuse_nth != 0);
        machine_end(m);
    }
}

void machine_end(struct machine *m)
{
    hawser_host_destroy(m->host);
    m->host = NULL;
    REQUIRE(m->memory.in_use_bytes == 0);
}

static void judge(const struct machine *m, const uint8_t *p, uint32_t n)
{
    if (m->ethernet) {
        struct ether ether;
        REQUIRE(ether_parse(p, n, &ether));
        p += ETHER_HEADER_BYTES;
        n -= ETHER_HEADER_BYTES;
        struct arp arp;
        if (ether.type == ETHER_TYPE_ARP) {
            REQUIRE(arp_parse(p, n, &arp));
            return;
        }
    }
    struct ip_packet ip;
    struct segment seg;
    REQUIRE(ip_parse(p, n, &ip) == IP_PARSE_OK);
    REQUIRE(ip.total_len == n && n <= m->mtu);
    if (ip.protocol != IP_PROTO_TCP || ip.is_fragment)
        return;
    uint32_t pseudo = checksum_pseudo(&ip.src, &ip.dst, IP_PROTO_TCP, ip.payload_len);
    REQUIRE(tcp_parse(ip.payload, ip.payload_len, pseudo, true, &seg) == TCP_PARSE_OK);
    REQUIRE((seg.src_port != 0 && seg.dst_port != 0) || seg.flags & TCP_RST);
    REQUIRE(seg.reserved == 0);
    REQUIRE(!(seg.flags & TCP_SYN) || !(seg.flags & (TCP_FIN | TCP_RST)));
    REQUIRE(!(seg.flags & TCP_RST) || !(seg.flags & TCP_FIN));
    REQUIRE(seg.flags & (TCP_ACK | TCP_SYN | TCP_RST));
}

void machine_drain(struct machine *m)
{
    struct hawser_buffer buffers[MACHINE_FRAMES];
    unsigned all = 0;
    size_t n;
    do {
        for (unsigned i = 0; i < MACHINE_FRAMES; i++)
            buffers[i] = (struct hawser_buffer){.data = m->room[i], .capacity = PACKET_MAX};
        n = hawser_output(m->host, m->link, m->now_ns, buffers, MACHINE_FRAMES);
        REQUIRE(n <= MACHINE_FRAMES && (all += (unsigned)n) < FRAMES_AT_ONCE);
        for (size_t i = 0; i < n; i++) {
            judge(m, buffers[i].data, buffers[i].length);
            if (m->sent != NULL)
                m->sent(m->context, buffers[i].data, buffers[i].length);
        }
    } while (n > 0); /* what the world answers at once (ARP) may make more */
}

static void settle(struct machine *m)
{
    hawser_expire(m->host, m->now_ns);
    machine_drain(m);
    REQUIRE(hawser_next_deadline(m->host) > m->now_ns);
}

void machine_input(struct machine *m, const uint8_t *frame, uint32_t length, uint32_t flags)
{
    uint8_t *exact = malloc(length > 0 ? length : 1);
    REQUIRE(exact != NULL);
    if (length > 0)
        memcpy(exact, frame, length);
    if (fuzz_aloud()) {
        char line[400];
        hawser_frame_print(m->ethernet ? HAWSER_LINK_ETHERNET : HAWSER_LINK_IP, exact, length, line,
                           sizeof line);
        fuzz_say("   in: %s\n", line);
    }
    const struct hawser_frame one = {.data = exact, .length = length, .flags = flags};
    hawser_input(m->host, m->link, m->now_ns, &one, 1);
    free(exact);
}

void machine_wait(struct machine *m, uint64_t ns, void (*turn)(void *context))
{
    uint64_t until = m->now_ns + ns;
    for (unsigned steps = 0;; steps++) {
        settle(m);
        if (turn != NULL) {
            turn(m->context);
            settle(m);
        }
        uint64_t deadline = hawser_next_deadline(m->host);
        if (deadline > until)
            break;
        REQUIRE(steps < STEPS_MAX);
        m->now_ns = deadline;
    }
    m->now_ns = until;
    settle(m);
}

void machine_require_empty(const struct machine *m)
{
    struct hawser_usage usage;
    hawser_usage_of(m->host, &usage);
    REQUIRE(usage.connections == 0 && usage.halfopens == 0 && usage.timewaits == 0);
    REQUIRE(usage.listeners == 0 && usage.buffer_bytes == 0);
}
