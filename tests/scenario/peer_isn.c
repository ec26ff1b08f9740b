/* SPDX-License-Identifier: MIT */
/* Sequence numbers that a test wants: the peer's are its own, the host's follow from its clock. */
#include "scenario/peer.h"

#include <stdlib.h>

#define ISN_TICK_NS UINT64_C(4000) /* RFC 9293 3.4.1 */

/* What a host with the same secrets begins its first connection with at this moment. */
static uint32_t first_iss(const struct peer *p, bool active)
{
    struct peer twin = *p;
    twin.config.trace = NULL;
    twin.out = calloc(PEER_OUT_MAX, sizeof *twin.out);
    twin.out_first = twin.out_count = 0;
    assert_non_null(twin.out);
    assert_int_equal(hawser_host_create(&twin.config, twin.now_ns, &twin.host), 0);
    struct hawser_link_config link = {.kind = HAWSER_LINK_IP, .mtu = 1500};
    assert_int_equal(hawser_link_add(twin.host, &link, &twin.link), 0);
    assert_int_equal(
        hawser_address_add(twin.host, twin.link, &twin.host_address, twin.v6 ? 64 : 24), 0);
    if (active) {
        peer_open(&twin);
    } else {
        peer_listen(&twin, 1);
        struct segment syn = peer_syn_options(&twin, PEER_MSS);
        peer_inject(&twin, &syn);
    }
    uint32_t iss = peer_next(&twin)->seg.seq.v;
    hawser_host_destroy(twin.host);
    for (unsigned i = 0; i < twin.out_count; i++)
        free(twin.out[i].frame);
    free(twin.out);
    return iss;
}

void peer_aim(struct peer *p, uint32_t iss, uint32_t irs, bool active)
{
    uint32_t ticks = iss - first_iss(p, active);
    p->now_ns += ticks * ISN_TICK_NS;
    p->peer_isn = seq_of(irs);
}

void peer_aim_by_environment(struct peer *p)
{
    const char *passive = getenv("PEER_ISN"), *active = getenv("PEER_ISN_ACTIVE");
    const char *text = active != NULL ? active : passive;
    if (text == NULL)
        return;
    uint32_t isn = (uint32_t)strtoul(text, NULL, 0);
    peer_aim(p, isn, isn, active != NULL);
}
