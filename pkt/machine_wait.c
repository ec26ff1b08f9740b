/* SPDX-License-Identifier: MIT */
/* The machine's calls that wait for descriptors: poll and epoll. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/machine.h"
#include "pkt/machine_file.h"

static bool timed_out(const struct pkt_machine *machine, const struct pkt_syscall *call)
{
    return machine->now_ns >= call->wake_ns;
}

static bool try_poll(const struct pkt_machine *machine, struct pkt_syscall *call)
{
    int ready = 0;
    for (int i = 0; i < call->number; i++) {
        struct pollfd *entry = &call->polls[i];
        const struct machine_file *file = machine_file_of(machine, entry->fd);
        entry->revents = 0;
        if (entry->fd < 0)
            continue;
        entry->revents = file == NULL ? POLLNVAL
                                      : (short)(machine_file_ready(file) &
                                                (entry->events | POLLERR | POLLHUP | POLLNVAL));
        ready += entry->revents != 0;
    }
    return (ready > 0 || timed_out(machine, call)) && machine_done(call, ready);
}

/* ---- epoll ------------------------------------------------------------------------------- */

void machine_unwatch(struct pkt_machine *machine, const struct machine_file *file)
{
    for (unsigned fd = 0; fd < MACHINE_FDS_MAX; fd++) {
        struct machine_file *epoll = machine->fds[fd];
        if (epoll == NULL || epoll->kind != MACHINE_EPOLL)
            continue;
        size_t kept = 0;
        for (size_t i = 0; i < epoll->watch_count; i++)
            if (epoll->watches[i].file != file)
                epoll->watches[kept++] = epoll->watches[i];
        epoll->watch_count = kept;
    }
}

static struct machine_watch *find_watch(struct machine_file *epoll, int fd,
                                        const struct machine_file *file)
{
    for (size_t i = 0; i < epoll->watch_count; i++)
        if (epoll->watches[i].fd == fd && epoll->watches[i].file == file)
            return &epoll->watches[i];
    return NULL;
}

static int64_t add_watch(struct machine_file *epoll, const struct pkt_syscall *call)
{
    if (epoll->watch_count == epoll->watch_room) {
        size_t room = epoll->watch_room == 0 ? 4 : 2 * epoll->watch_room;
        struct machine_watch *more = realloc(epoll->watches, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        epoll->watches = more;
        epoll->watch_room = room;
    }
    epoll->watches[epoll->watch_count++] = (struct machine_watch){.fd = call->other_fd,
                                                                  .file = call->held[1],
                                                                  .event = *call->epoll,
                                                                  .edges_told = UINT64_MAX};
    return 0;
}

static int64_t control_epoll(struct pkt_syscall *call)
{
    struct machine_file *epoll = call->held[0], *file = call->held[1];
    if (file == NULL)
        return -EBADF;
    if (file->kind == MACHINE_HOST_FILE)
        return -EPERM;
    if (epoll->kind != MACHINE_EPOLL || file == epoll)
        return -EINVAL;
    if (call->command != EPOLL_CTL_DEL && call->epoll == NULL)
        return -EFAULT;
    struct machine_watch *watch = find_watch(epoll, call->other_fd, file);
    switch (call->command) {
    case EPOLL_CTL_ADD:
        return watch != NULL ? -EEXIST : add_watch(epoll, call);
    case EPOLL_CTL_MOD:
        if (watch == NULL)
            return -ENOENT;
        watch->event = *call->epoll;
        watch->edges_told = UINT64_MAX;
        watch->disabled = false;
        return 0;
    case EPOLL_CTL_DEL:
        if (watch == NULL)
            return -ENOENT;
        *watch = epoll->watches[--epoll->watch_count];
        return 0;
    default:
        return -EINVAL;
    }
}

/* What a watch has to tell now; 0 = nothing. */
static uint32_t told_by(struct machine_watch *watch)
{
    uint32_t wanted = watch->event.events | EPOLLERR | EPOLLHUP;
    uint32_t ready = (uint32_t)(uint16_t)machine_file_ready(watch->file) & wanted;
    if (watch->disabled || ready == 0)
        return 0;
    if ((wanted & EPOLLET) != 0) {
        uint64_t edges = machine_file_edges(watch->file);
        if (edges == watch->edges_told)
            return 0;
        watch->edges_told = edges;
    }
    if ((wanted & EPOLLONESHOT) != 0)
        watch->disabled = true;
    return ready;
}

static bool wait_epoll(const struct pkt_machine *machine, struct pkt_syscall *call)
{
    struct machine_file *epoll = call->held[0];
    int count = 0;
    if (epoll->kind != MACHINE_EPOLL || call->number <= 0)
        return machine_done(call, -EINVAL);
    for (size_t i = 0; i < epoll->watch_count && count < call->number; i++) {
        uint32_t told = told_by(&epoll->watches[i]);
        if (told != 0)
            call->epoll[count++] =
                (struct epoll_event){.events = told, .data = epoll->watches[i].event.data};
    }
    return (count > 0 || timed_out(machine, call)) && machine_done(call, count);
}

bool machine_try_wait(struct pkt_machine *machine, struct pkt_syscall *call)
{
    if (call->kind == PKT_SYS_POLL)
        return try_poll(machine, call);
    if (call->kind == PKT_SYS_EPOLL_CREATE)
        return machine_done(
            call, call->number <= 0 ? -EINVAL : machine_file_open(machine, MACHINE_EPOLL, NULL));
    if (call->held[0] == NULL)
        return machine_done(call, -EBADF);
    if (call->kind == PKT_SYS_EPOLL_CTL)
        return machine_done(call, control_epoll(call));
    return wait_epoll(machine, call);
}
