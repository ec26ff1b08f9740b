/* SPDX-License-Identifier: MIT */
/* Descriptors: packetdrill closes what a script leaves open with the real close(), so each one of
 * the machine's has a real one, an eventfd that nobody uses, which stands for it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pkt/so/adapter.h"

int so_fd_make(struct so_adapter *adapter, int machine_fd, int least)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd >= 0 && fd < least) {
        int other = fcntl(fd, F_DUPFD_CLOEXEC, least);
        close(fd);
        fd = other;
    }
    if (fd < 0)
        return errno == EINVAL ? -EINVAL : -EMFILE;
    /* A number that is given again was closed behind our back. */
    for (unsigned i = 0; i < SO_FDS_MAX; i++)
        if (adapter->fds[i] == fd)
            adapter->fds[i] = -1;
    adapter->fds[machine_fd] = fd;
    return fd;
}

int so_fd_find(const struct so_adapter *adapter, int fd)
{
    if (fd < 0)
        return fd;
    for (unsigned i = 0; i < SO_FDS_MAX; i++)
        if (adapter->fds[i] == fd)
            return (int)i;
    return INT_MAX;
}

void so_fd_close(struct so_adapter *adapter, int fd)
{
    int machine_fd = so_fd_find(adapter, fd);
    if (machine_fd < 0 || machine_fd >= (int)SO_FDS_MAX)
        return;
    adapter->fds[machine_fd] = -1;
    close(fd);
}
