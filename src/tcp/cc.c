/* SPDX-License-Identifier: MIT */
/* The table of congestion controllers, and what they have in common. */
#include "tcp/cc.h"

#include "base/assert.h"

static const struct cc_ops *const controllers[CC_COUNT] = {
    [CC_NEWRENO] = &cc_newreno,
};

const struct cc_ops *cc_ops_of(const struct tcb *tcb)
{
    ASSERT(tcb->cc < CC_COUNT);
    return controllers[tcb->cc];
}

uint32_t cc_initial_window(const struct tcp *tcp, const struct tcb *tcb)
{
    uint32_t smss = tcb->snd_mss;
    if (tcb->syn_lost)
        return smss; /* RFC5681 04 */
    /* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), which is also the upper bound of RFC5681 02
     * as it stands today. */
    uint32_t segments = tcp->config->initial_window_segments;
    uint32_t window = segments * smss;
    uint32_t bound = 2 * smss > 14600 ? 2 * smss : 14600;
    window = window < bound ? window : bound;
    return window < smss ? smss : window;
}
