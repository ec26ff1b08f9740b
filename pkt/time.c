/* SPDX-License-Identifier: MIT */
/* When the events of a script are due, and how far off they may be. */
#include "pkt/run_internal.h"

int64_t run_now(struct pkt_run *run)
{
    return run->stack.now(run->stack.self) - run->zero_ns;
}

/* Relative times count from the clock now that the previous event is over; but two packets that
 * arrive one after the other keep the distance that the script gives them. */
void run_schedule(struct pkt_run *run, const struct pkt_event *event)
{
    bool inbound = event->kind == PKT_EVENT_PACKET && event->packet.inbound;
    int64_t base = inbound && run->previous_inbound ? run->expected_ns : run_now(run);
    run->event = event;
    run->out->came = NULL;
    run->previous_ns = run->expected_ns;
    run->previous_inbound = inbound;
    switch (event->time.kind) {
    case PKT_TIME_ABSOLUTE:
    case PKT_TIME_ABSOLUTE_RANGE:
        base = 0;
        break;
    case PKT_TIME_RELATIVE:
    case PKT_TIME_RELATIVE_RANGE:
        break;
    case PKT_TIME_ANY:
        run->expected_ns = run->expected_end_ns = base;
        return;
    }
    bool range =
        event->time.kind == PKT_TIME_ABSOLUTE_RANGE || event->time.kind == PKT_TIME_RELATIVE_RANGE;
    run->expected_ns = base + event->time.start_ns;
    run->expected_end_ns =
        range || event->time.has_end ? base + event->time.end_ns : run->expected_ns;
}

int64_t run_tolerance(const struct pkt_run *run, int64_t span_ns)
{
    int64_t share = (int64_t)((double)span_ns * run->options->tolerance_percent / 100.0);
    return share > run->options->tolerance_ns ? share : run->options->tolerance_ns;
}

bool run_wait(struct pkt_run *run)
{
    run->stack.advance(run->stack.self, run->zero_ns + run->expected_ns);
    int64_t late = run_now(run) - run->expected_ns;
    if (late <= run_tolerance(run, run->expected_ns - run->previous_ns))
        return true;
    return run_fail(run, "this event is %.6f s late: expected at %.6f s, came at %.6f s",
                    (double)late / 1e9, (double)run->expected_ns / 1e9, (double)run_now(run) / 1e9);
}
