/* SPDX-License-Identifier: MIT */
/* Threads in packetdrill's interface: one mutex; a call that waits does so on a condition variable;
 * while a thread whose call has ended has not yet read the clock, nobody else goes on. */
#include <errno.h>
#include <time.h>

#include "pkt/so/adapter.h"

#define PATIENCE_S 1 /* of the real clock: a thread that never reads the clock holds nobody up */

static bool is_settled(const struct so_adapter *adapter)
{
    return adapter->woken == 0 &&
           (!adapter->owed || pthread_equal(adapter->reader, pthread_self()));
}

static void await_settled(struct so_adapter *adapter)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (!is_settled(adapter)) {
        if (adapter->woken > 0)
            pthread_cond_wait(&adapter->settled, &adapter->mutex);
        else if (pthread_cond_timedwait(&adapter->settled, &adapter->mutex, &until) == ETIMEDOUT)
            adapter->owed = false;
    }
}

void so_enter(struct so_adapter *adapter)
{
    pthread_mutex_lock(&adapter->mutex);
    adapter->inside++;
    await_settled(adapter);
}

void so_leave(struct so_adapter *adapter)
{
    adapter->inside--;
    pthread_cond_broadcast(&adapter->settled);
    pthread_mutex_unlock(&adapter->mutex);
}

/* Those whose calls have ended. */
static void wake(struct so_adapter *adapter)
{
    bool any = false;
    for (struct so_waiter *at = adapter->waiters; at != NULL; at = at->next)
        if (at->call->done && !at->told) {
            at->told = any = true;
            adapter->woken++;
        }
    if (any)
        pthread_cond_broadcast(&adapter->ended);
}

void so_settle(struct so_adapter *adapter)
{
    wake(adapter);
    await_settled(adapter);
}

void so_wait(struct so_adapter *adapter, struct pkt_syscall *call)
{
    struct so_waiter own = {.call = call, .next = adapter->waiters};
    adapter->waiters = &own;
    while (!own.told)
        pthread_cond_wait(&adapter->ended, &adapter->mutex);
    for (struct so_waiter **at = &adapter->waiters; *at != NULL; at = &(*at)->next)
        if (*at == &own) {
            *at = own.next;
            break;
        }
    adapter->woken--;
    adapter->owed = true;
    adapter->reader = pthread_self();
    pthread_cond_broadcast(&adapter->settled);
}

void so_clock_read(struct so_adapter *adapter)
{
    if (!adapter->owed || !pthread_equal(adapter->reader, pthread_self()))
        return;
    adapter->owed = false;
    pthread_cond_broadcast(&adapter->settled);
}

void so_end_all(struct so_adapter *adapter)
{
    for (struct so_waiter *at = adapter->waiters; at != NULL; at = at->next)
        pkt_machine_cancel(adapter->machine, at->call);
    wake(adapter);
    do { /* who has left comes back to read the clock */
        while (adapter->inside > 0)
            pthread_cond_wait(&adapter->settled, &adapter->mutex);
        await_settled(adapter);
    } while (adapter->inside > 0);
}
