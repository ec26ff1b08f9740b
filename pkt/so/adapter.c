/* SPDX-License-Identifier: MIT */
/* libhawser-packetdrill: Hawser as the stack under packetdrill's tests (--so_filename). Here the
 * instance, its clock and its packets. The clock is virtual: it moves when packetdrill sleeps, when
 * it waits for a packet, and by a microsecond now and then when it is read again and again. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/so/adapter.h"
#include "pkt/so/preload.h"

#define NS_PER_US 1000LL
#define US_PER_S 1000000LL
#define READINGS_A_STEP 8u /* of the clock, with no other call between them */

/* ---- the machine -------------------------------------------------------------------------- */

struct pkt_machine *so_machine(struct so_adapter *adapter)
{
    so_settings_follow(adapter);
    if (adapter->machine != NULL)
        return adapter->machine;
    struct pkt_machine_config config = adapter->choice.machine;
    config.start_ns = adapter->start_ns;
    if (adapter->choice.wrong != NULL) /* as was said in the beginning */
        return NULL;
    int status = pkt_machine_create(&config, &adapter->choice.host, &adapter->machine);
    if (status == 0)
        return adapter->machine;
    adapter->choice.wrong = "no machine can be made of these settings";
    fprintf(stderr, SO_NAME ": %s: %s\n", adapter->choice.wrong, strerror(-status));
    return NULL;
}

int64_t so_now(const struct so_adapter *adapter)
{
    return adapter->machine != NULL ? pkt_machine_now(adapter->machine) : adapter->start_ns;
}

void so_advance(struct so_adapter *adapter, int64_t to_ns)
{
    int64_t deadline;
    if (adapter->machine == NULL) {
        adapter->start_ns = to_ns > adapter->start_ns ? to_ns : adapter->start_ns;
        return;
    }
    while ((deadline = pkt_machine_deadline(adapter->machine)) <= to_ns) {
        pkt_machine_advance(adapter->machine, deadline);
        so_settle(adapter);
    }
    pkt_machine_advance(adapter->machine, to_ns);
}

static int so_usleep(void *u, useconds_t us)
{
    struct so_adapter *adapter = u;
    so_enter(adapter);
    adapter->readings = 0;
    so_settings_follow(adapter);
    so_advance(adapter, so_now(adapter) + us * NS_PER_US);
    so_leave(adapter);
    return 0;
}

/* packetdrill spins on the clock for the last microseconds of a wait, so it must move by itself.
 * But whoever only asks what time it is should not find that asking has made it later: a round-trip
 * time would be some microseconds longer than the script says. */
static int so_gettimeofday(void *u, struct timeval *now, struct timezone *zone)
{
    struct so_adapter *adapter = u;
    so_enter(adapter);
    if (++adapter->readings % READINGS_A_STEP == 0)
        so_advance(adapter, so_now(adapter) + NS_PER_US);
    int64_t us = so_now(adapter) / NS_PER_US;
    so_clock_read(adapter);
    so_leave(adapter);
    if (now != NULL)
        *now = (struct timeval){.tv_sec = us / US_PER_S, .tv_usec = us % US_PER_S};
    if (zone != NULL)
        *zone = (struct timezone){0};
    return 0;
}

/* ---- packets ------------------------------------------------------------------------------ */

static int so_netdev_send(void *u, const void *data, size_t size)
{
    struct so_adapter *adapter = u;
    int status = data == NULL ? -EFAULT : -EIO;
    so_enter(adapter);
    adapter->readings = 0;
    if (data != NULL && so_machine(adapter) != NULL)
        status = pkt_machine_inject(adapter->machine, data, size);
    so_settle(adapter);
    so_leave(adapter);
    return (int)so_result(status);
}

/* Lets time pass until there is one. false: nothing can come any more, or not for a long time. */
static bool await_datagram(struct so_adapter *adapter, struct pkt_datagram *out)
{
    int64_t limit = so_now(adapter) + adapter->choice.patience_ns;
    adapter->readings = 0;
    so_settings_follow(adapter);
    if (adapter->machine == NULL)
        return false;
    while (!pkt_machine_receive(adapter->machine, so_now(adapter), out)) {
        int64_t deadline = pkt_machine_deadline(adapter->machine);
        if (deadline > limit)
            return false;
        pkt_machine_advance(adapter->machine, deadline);
        so_settle(adapter);
    }
    so_settle(adapter);
    return true;
}

/* There is no word for "nothing will come": packetdrill repeats what fails, for ever. No bytes at
 * all are a packet that it cannot read, and that ends the test. */
static int so_netdev_receive(void *u, void *data, size_t *size, long long *time_us)
{
    struct so_adapter *adapter = u;
    struct pkt_datagram datagram = {0};
    if (data == NULL || size == NULL || time_us == NULL)
        return (int)so_result(-EFAULT);
    so_enter(adapter);
    bool any = await_datagram(adapter, &datagram);
    size_t length = any ? datagram.length : 0;
    *size = length < *size ? length : *size;
    *time_us = (any ? datagram.time_ns : so_now(adapter)) / NS_PER_US;
    if (*size > 0)
        memcpy(data, datagram.data, *size);
    so_leave(adapter);
    return 0;
}

/* ---- the instance ------------------------------------------------------------------------- */

static bool asked(void *context, int fd, int level, int option, void *value, socklen_t *length,
                  int *result)
{
    struct so_adapter *adapter = context;
    struct pkt_syscall call = {.kind = PKT_SYS_GETSOCKOPT,
                               .fd = fd,
                               .other_fd = -1,
                               .level = level,
                               .option = option,
                               .data = value,
                               .option_length = length != NULL ? *length : 0};
    so_enter(adapter);
    int machine_fd = so_fd_find(adapter, fd);
    bool ours = machine_fd >= 0 && machine_fd < (int)SO_FDS_MAX;
    if (ours && length != NULL)
        *result = (int)so_result(so_call(adapter, &call));
    else if (ours)
        *result = (int)so_result(-EFAULT);
    if (ours && *result == 0)
        *length = call.option_length;
    so_leave(adapter);
    return ours;
}

static void tell_preloaded(so_preload_ask *ask, struct so_adapter *adapter)
{
    so_preload_function *tell = (so_preload_function *)dlsym(RTLD_DEFAULT, SO_PRELOAD_NAME);
    if (tell != NULL)
        tell(ask, adapter);
}

static void so_free(void *u)
{
    struct so_adapter *adapter = u;
    if (adapter == NULL)
        return;
    tell_preloaded(NULL, NULL);
    pthread_mutex_lock(&adapter->mutex);
    so_end_all(adapter);
    pthread_mutex_unlock(&adapter->mutex);
    pkt_machine_destroy(adapter->machine);
    pthread_cond_destroy(&adapter->settled);
    pthread_cond_destroy(&adapter->ended);
    pthread_mutex_destroy(&adapter->mutex);
    pkt_arena_free(&adapter->arena);
    free(adapter);
}

__attribute__((visibility("default")))
packetdrill_interface_init_function packetdrill_interface_init;

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out)
{
    struct so_adapter *adapter = calloc(1, sizeof *adapter);
    if (adapter == NULL) {
        fprintf(stderr, SO_NAME ": no memory\n");
        abort(); /* packetdrill has no word for it either, and would call through null pointers */
    }
    pthread_mutex_init(&adapter->mutex, NULL);
    pthread_cond_init(&adapter->ended, NULL);
    pthread_cond_init(&adapter->settled, NULL);
    for (unsigned i = 0; i < SO_FDS_MAX; i++)
        adapter->fds[i] = -1;
    so_choice_read(flags, &adapter->arena, &adapter->choice);
    if (adapter->choice.wrong != NULL)
        fprintf(stderr, SO_NAME ": %s\n", adapter->choice.wrong);
    adapter->start_ns = adapter->choice.machine.start_ns;
    so_settings_begin(adapter);
    out->userdata = adapter;
    out->free = so_free;
    out->usleep = so_usleep;
    out->gettimeofday = so_gettimeofday;
    out->netdev_send = so_netdev_send;
    out->netdev_receive = so_netdev_receive;
    so_calls_fill(out);
    so_calls_fill_transfer(out);
    tell_preloaded(asked, adapter);
}
